//! The problems of a cell: different ones from a fixed seed.

use crate::memory::{Numbers, Scalar};
use crate::table::Cell;
use anyhow::Result;

/// What is compared, in the order of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Routine {
    /// Thin SVD with both sides.
    Svd,
    /// Singular values alone.
    SingularValues,
    /// Eigenvalues and vectors of a symmetric matrix.
    Eigh,
}

impl Routine {
    const ALL: [Self; 3] = [Self::Svd, Self::SingularValues, Self::Eigh];

    /// As the libraries call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Svd => "svd",
            Self::SingularValues => "singular values",
            Self::Eigh => "eigh",
        }
    }

    /// The routine of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|routine| routine.name() == name)
    }
}

/// Different problems, so that no branch predictor learns one by heart.
const PROBLEMS: usize = 64;
/// Where that many are small, there are more, for the same reason, up to this many numbers.
const SMALL: usize = 2048;

/// The problems of a cell.
pub struct Problems {
    /// How many there are.
    pub count: usize,
    /// Numbers in one.
    pub input_len: usize,
    /// Numbers in a result.
    pub output_len: usize,
    /// What they share; nothing for a matrix alone.
    pub model: Numbers,
    /// All of them, matrices by columns.
    pub inputs: Numbers,
    /// The same, matrices by rows.
    pub inputs_by_rows: Numbers,
}

impl Problems {
    /// The problems of this cell; always the same.
    pub fn new(cell: &Cell) -> Result<Self> {
        let (m, n) = (cell.rows, cell.cols);
        let input_len = m * n;
        let output_len = match cell.routine {
            Routine::Svd => m * n + n + n * n,
            Routine::SingularValues => n,
            Routine::Eigh => n + n * n,
        };
        let count = PROBLEMS.max(SMALL / input_len);
        let mut random = Random(1);
        let mut values: Vec<f64> = (0..count * input_len).map(|_| random.normal()).collect();
        if cell.routine == Routine::Eigh {
            values.chunks_exact_mut(input_len).for_each(|a| symmetrize(a, n));
        }
        let by_rows = (0..values.len()).map(|k| {
            let (start, i, j) = (k - k % input_len, k % input_len / n, k % n);
            values[start + i + j * m]
        });
        Ok(Self {
            count,
            input_len,
            output_len,
            model: Numbers::zeros(cell.scalar, 0),
            inputs_by_rows: Numbers::from_values(cell.scalar, by_rows),
            inputs: Numbers::from_values(cell.scalar, values.iter().copied()),
        })
    }

    /// The inputs as a contender with these flags wants them.
    pub fn inputs_for(&self, flags: u32) -> &Numbers {
        if flags & abi::ROW_MAJOR == 0 { &self.inputs } else { &self.inputs_by_rows }
    }

    /// Room for all results.
    pub fn outputs(&self, scalar: Scalar) -> Numbers {
        Numbers::zeros(scalar, self.count * self.output_len)
    }
}

fn symmetrize(a: &mut [f64], n: usize) {
    for j in 0..n {
        for i in 0..j {
            let mean = 0.5 * (a[i + j * n] + a[j + i * n]);
            a[i + j * n] = mean;
            a[j + i * n] = mean;
        }
    }
}

/// `SplitMix64` (Steele, Lea & Flood 2014): the runner must not depend on what it measures.
pub struct Random(pub u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        ((z >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (core::f64::consts::TAU * angle).cos()
    }
}
