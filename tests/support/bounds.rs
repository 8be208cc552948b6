//! What the tests allow, with formula and the worst that was measured.

use eigenmote::Scalar;

/// An entry of a streamed covariance, relative to `√(cᵢᵢ·cⱼⱼ)`: `8·ε`, whatever the offset of the
/// data (no condition number), the number of samples and the order of merging.
pub fn covariance<T: Scalar>() -> f64 {
    8.0 * T::EPSILON.to_f64()
}

/// A streamed mean: half a unit in the last place of the mean, and `ε` of the deviation.
pub fn mean<T: Scalar>(mean: f64, deviation: f64) -> f64 {
    T::EPSILON.to_f64() * (0.5 * mean.abs() + deviation)
}

/// An entry of `RᵀR/(n − 1)` for the triangle of `n` samples of `d` channels fed one by one,
/// relative to `√(cᵢᵢ·cⱼⱼ)`: `4·(√n + d)·ε`, the random growth of one rounding per sample.
pub fn scatter<T: Scalar>(n: usize, d: usize) -> f64 {
    4.0 * ((n as f64).sqrt() + d as f64) * T::EPSILON.to_f64()
}

/// Residual and orthogonality of a decomposition of size `n`: `8·n·ε` of the largest value.
pub fn decomposition<T: Scalar>(n: usize) -> f64 {
    8.0 * n as f64 * T::EPSILON.to_f64()
}
