//! The problems of a cell: different ones from a fixed seed.

use crate::cell::Cell;
use crate::memory::Numbers;
use crate::random::Random;
use crate::routine::{Job, Routine};

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
    /// What they share; nothing for a matrix alone.
    pub model: Numbers,
    /// All of them, matrices by columns.
    pub inputs: Numbers,
    /// The same, matrices by rows.
    inputs_by_rows: Numbers,
}

impl Problems {
    /// The problems of this cell; always the same.
    pub fn new(cell: &Cell) -> Self {
        let (m, n) = (cell.rows, cell.cols);
        let input_len = cell.job().input_len(m, n);
        let count = match cell.job() {
            Job::SvdBatch | Job::EighBatch => abi::MANY,
            Job::ProjectBatch => 4 * abi::BATCH,
            Job::CovarianceBlock => 8 * abi::BLOCK,
            _ => PROBLEMS.max(SMALL / input_len),
        };
        let mut random = Random(1);
        let mut values = Vec::with_capacity(count * input_len);
        for _ in 0..count {
            values.extend(match (cell.routine, cell.job()) {
                (_, Job::Eigh | Job::ClosedEigh | Job::EighBatch) => random.symmetric(n),
                (routine, Job::TopK) => random.with_singular_values(&spectrum(routine, n)),
                _ => random.normals(input_len),
            });
        }
        let by_rows = (0..values.len()).map(|k| {
            // Only jobs on matrices have contenders that store by rows; others see no difference.
            let (start, k) = (k - k % input_len, k % input_len);
            let (i, j) = (k / n, k % n);
            values[start + if input_len == m * n { i + j * m } else { k }]
        });
        Self {
            count,
            input_len,
            model: Numbers::from_values(cell.scalar, model(cell, &mut random).into_iter()),
            inputs_by_rows: Numbers::from_values(cell.scalar, by_rows),
            inputs: Numbers::from_values(cell.scalar, values.iter().copied()),
        }
    }

    /// The inputs as a contender with these flags wants them.
    pub fn inputs_for(&self, flags: u32) -> &Numbers {
        if flags & abi::ROW_MAJOR == 0 { &self.inputs } else { &self.inputs_by_rows }
    }
}

/// Singular values of the matrices for [`Job::TopK`].
pub fn spectrum(routine: Routine, n: usize) -> Vec<f64> {
    match routine {
        Routine::TopKDecaying => (0..n).map(|i| 0.8_f64.powi(i as i32)).collect(),
        _ => (0..n).map(|i| 1.0 - 0.5 * i as f64 / n as f64).collect(),
    }
}

/// Sizes of the layers of the decoder.
pub const LAYERS: [(usize, usize); 3] = [(8, 32), (32, 64), (64, 784)];

/// What the problems share, in the order of the structures in `abi`.
fn model(cell: &Cell, random: &mut Random) -> Vec<f64> {
    let mut layer = |inputs: usize, outputs: usize| {
        let scale = 1.0 / (inputs as f64).sqrt();
        let weights = random.normals(inputs * outputs);
        weights.into_iter().map(|w| scale * w).collect::<Vec<_>>()
    };
    match cell.job() {
        Job::Project | Job::ProjectBatch => {
            let mut model = layer(1, cell.rows);
            model.extend(layer(cell.rows, cell.cols));
            model
        }
        Job::Decoder => LAYERS
            .into_iter()
            .flat_map(|(inputs, outputs)| [layer(inputs, outputs), layer(1, outputs)])
            .flatten()
            .collect(),
        _ => vec![],
    }
}
