//! Inputs: random matrices of every awkward kind.

use std::cmp::Ordering;

use eigenmote::{Mat, Scalar, linalg, rng};
use rand_core::Rng;

/// A kind of matrix that some known library fails on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Random,
    /// Column scales from 1 to the smallest that the scalar's acceptance names.
    Graded,
    RankDeficient,
    Repeated,
    Zero,
    ZeroColumn,
    Subnormal,
    NearOverflow,
    Hilbert,
    Kahan,
    Lauchli,
    /// Entries from the smallest to the largest of the type in one matrix.
    WholeRange,
    Orthogonal,
    /// Columns that differ by rounding errors only.
    Parallel,
    Integers,
    Triangular,
}

pub const FAMILIES: [Family; 16] = [
    Family::Random,
    Family::Graded,
    Family::RankDeficient,
    Family::Repeated,
    Family::Zero,
    Family::ZeroColumn,
    Family::Subnormal,
    Family::NearOverflow,
    Family::Hilbert,
    Family::Kahan,
    Family::Lauchli,
    Family::WholeRange,
    Family::Orthogonal,
    Family::Parallel,
    Family::Integers,
    Family::Triangular,
];

/// Smallest column scale of a graded matrix: 1e-30 or 1e-12.
pub fn smallest_scale<T: Scalar>() -> f64 {
    if T::DIGITS > 24 { 1e-30 } else { 1e-12 }
}

/// Independent standard normal entries.
pub fn normal<T: Scalar, const M: usize, const N: usize>(g: &mut impl Rng) -> Mat<T, M, N> {
    Mat::from_fn(|_, _| rng::normal(g))
}

/// Random orthonormal columns, exact to rounding.
pub fn orthonormal<T: Scalar, const M: usize, const N: usize>(g: &mut impl Rng) -> Mat<T, M, N> {
    linalg::qr(&normal::<T, M, N>(g)).unwrap().q()
}

/// A member of a family.
pub fn draw<T: Scalar, const M: usize, const N: usize>(
    family: Family,
    g: &mut impl Rng,
) -> Mat<T, M, N> {
    let a = normal::<T, M, N>(g);
    let f = T::from_f64;
    let last = (N.max(2) - 1) as f64;
    match family {
        Family::Random => a,
        Family::Graded => {
            let mut scales: Vec<f64> =
                (0..N).map(|j| smallest_scale::<T>().powf(j as f64 / last)).collect();
            for j in (1..N).rev() {
                scales.swap(j, (g.next_u32() as usize) % (j + 1));
            }
            Mat::from_fn(|i, j| a.cols[j][i] * f(scales[j]))
        }
        Family::RankDeficient => {
            let rank = 1 + (g.next_u32() as usize) % M.min(N);
            let b = normal::<T, M, N>(g);
            Mat::from_fn(|i, j| (0..rank).fold(T::ZERO, |acc, k| acc + b.cols[k][i] * a.cols[j][k]))
        }
        Family::Repeated => {
            let (u, v) = (orthonormal::<T, M, N>(g), orthonormal::<T, N, N>(g));
            let s = |k: usize| f(if k < N / 2 { 3.0 } else { 1.0 });
            Mat::from_fn(|i, j| {
                (0..N).fold(T::ZERO, |acc, k| acc + u.cols[k][i] * s(k) * v.cols[k][j])
            })
        }
        Family::Zero => Mat::zeros(),
        Family::ZeroColumn => {
            let zero = (g.next_u32() as usize) % N;
            Mat::from_fn(|i, j| if j == zero { T::ZERO } else { a.cols[j][i] })
        }
        Family::Subnormal => Mat::from_fn(|i, j| a.cols[j][i] * (T::MIN_POSITIVE * f(0.01))),
        Family::NearOverflow => {
            let limit = T::MAX / T::from_usize(8 * M.max(N));
            Mat::from_fn(|i, j| (a.cols[j][i] * f(0.2)).max(-T::ONE).min(T::ONE) * limit)
        }
        Family::Hilbert => Mat::from_fn(|i, j| T::ONE / T::from_usize(i + j + 1)),
        Family::Kahan => {
            let (s, c) = (0.95_f64, (1.0_f64 - 0.95 * 0.95).sqrt());
            Mat::from_fn(|i, j| {
                let row = s.powi(i32::try_from(i).unwrap());
                f(match i.cmp(&j) {
                    Ordering::Equal => row,
                    Ordering::Less => -c * row,
                    Ordering::Greater => 0.0,
                })
            })
        }
        Family::Lauchli => {
            let mu = T::EPSILON;
            Mat::from_fn(|i, j| {
                if i == 0 {
                    T::ONE
                } else if i == j + 1 {
                    mu
                } else {
                    T::ZERO
                }
            })
        }
        Family::WholeRange => {
            let reach = f64::from(T::MAX_EXP) * 0.95;
            Mat::from_fn(|i, j| {
                let k = -reach + 2.0 * reach * j as f64 / last;
                #[allow(clippy::cast_possible_truncation)]
                (a.cols[j][i].max(-T::TWO).min(T::TWO) * f(0.25)).scale_exp2(k as i32)
            })
        }
        Family::Orthogonal => orthonormal(g),
        Family::Parallel => {
            Mat::from_fn(|i, j| a.cols[0][i] * (T::ONE + T::EPSILON * a.cols[j][i]))
        }
        Family::Integers => Mat::from_fn(|i, j| a.cols[j][i].round()),
        Family::Triangular => Mat::from_fn(|i, j| if i <= j { a.cols[j][i] } else { T::ZERO }),
    }
}

/// A symmetric member of a family: both triangles from the upper one of a square draw.
pub fn symmetric<T: Scalar, const N: usize>(family: Family, seed: u64) -> Mat<T, N, N> {
    let a = draw::<T, N, N>(family, &mut rng::seeded(seed));
    Mat::from_fn(|i, j| if i <= j { a.cols[j][i] } else { a.cols[i][j] })
}
