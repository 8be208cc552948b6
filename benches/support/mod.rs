//! Shared by the benches.
#![allow(dead_code, unreachable_pub, missing_docs)]

use eigenmote::{Mat, Scalar, rng};

/// Cycled so that no branch predictor learns one matrix by heart.
pub const MATRICES: usize = 64;

/// Matrices of standard normal values.
pub fn random<T: Scalar, const M: usize, const N: usize>(seed: u64) -> Vec<Mat<T, M, N>> {
    let mut rng = rng::seeded(seed);
    (0..MATRICES).map(|_| Mat::from_fn(|_, _| rng::normal(&mut rng))).collect()
}

/// The symmetric parts of matrices of standard normal values.
pub fn random_symmetric<T: Scalar, const N: usize>(seed: u64) -> Vec<Mat<T, N, N>> {
    let half = |a: Mat<T, N, N>| {
        let at = |i, j| a.get(i, j).unwrap_or_default();
        Mat::from_fn(|i, j| (at(i, j) + at(j, i)) * T::HALF)
    };
    random(seed).into_iter().map(half).collect()
}
