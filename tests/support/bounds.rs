//! What the tests allow, with formula and the worst that was measured.

use eigenmote::Scalar;

/// `8·n·ε`: residual and orthogonality of a decomposition of size `n`, relative to the largest
/// value, and the relative error of every singular value of `B·D` with a well-conditioned `B`.
pub fn rounding<T: Scalar>(n: usize) -> f64 {
    8.0 * n as f64 * T::EPSILON.to_f64()
}

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

/// `ε^⅔`, the default tolerance of the iterations.
pub fn default_tolerance<T: Scalar>() -> f64 {
    T::exp2i(-2 * T::DIGITS / 3).to_f64()
}

/// Error of the leading value of an iteration that has converged, relative to that value:
/// the tolerance (a tie closer than that need not be told apart) and `8·n·ε`.
pub fn iterated_value<T: Scalar>(n: usize) -> f64 {
    default_tolerance::<T>() + rounding::<T>(n)
}

/// Error of the spectral and Frobenius norm of what a rank-`k` approximation leaves, relative to
/// the largest singular value: `8·(M + N)·ε`.
pub fn low_rank<T: Scalar>(m: usize, n: usize) -> f64 {
    rounding::<T>(m + n)
}

/// Error of the pseudo-inverse and of what it solves, to be multiplied by the condition number:
/// `8·(M + N)·ε`.
pub fn pseudo_inverse<T: Scalar>(m: usize, n: usize) -> f64 {
    rounding::<T>(m + n)
}

/// One layer's sum of `inputs` products plus bias: `(I/(4·LANES) + 9)·ε` times `Σ|wᵢxᵢ| + |b|`, with
/// the feature `fast` `(I/LANES + 9)·ε`.
///
/// `inputs/(4·LANES)` additions in each of four accumulators (or `inputs/LANES` in one), 2 to join
/// the accumulators, 3 in the tree, one product, one bias, and one each for the roundings of second
/// order and of the result.
pub fn dense_sum(inputs: usize, lanes: usize, epsilon: f64) -> f64 {
    let accumulators = if cfg!(feature = "fast") { 1.0 } else { 4.0 };
    (inputs as f64 / (accumulators * lanes as f64) + 9.0) * epsilon
}

/// Error of an `f32` activation function in units in the last place of the right answer, where the
/// answer has a tail factor `e^(−t)`: its relative error grows with the rounding of `t`. Measured
/// over every 9973rd value: tanh 1.3 ulp, sigmoid 1.3, silu 2.0, gelu 0.63 of the bound, its tanh
/// form 0.71.
pub fn activation_ulps(t: f64) -> f64 {
    4.0 + 2.0 * t
}

/// Largest difference of an entry of a covariance of `n` draws from the right one: six standard
/// errors, `6·√((Σᵢᵢ·Σⱼⱼ + Σᵢⱼ²)/n)`.
pub fn sample_covariance(ii: f64, jj: f64, ij: f64, n: usize) -> f64 {
    6.0 * ((ii * jj + ij * ij) / n as f64).sqrt()
}

/// How far a value is from that of its byte, in steps: half of one, and rounding of the quotient before
/// it and of the product after it, each within `ε/2` of at most 127 steps, with the step itself that is
/// rounded before both. Worst seen among 8·10⁷ normal values: 0.500 010.
pub fn byte_value() -> f32 {
    0.5 + 4.0 * 127.0 * f32::EPSILON / 2.0
}

/// Error of a cosine of vectors of bytes of these lengths against that of the vectors they were made
/// of. Each value is off by at most half a step, a vector by `√d/2`, its direction by twice that over
/// the sum of both lengths; the reciprocals of both lengths are within 2^−13 of themselves. Worst
/// seen among 1500² pairs: 0.69 of it (2 to 4 values), 0.24 for 64 values.
pub fn byte_cosine(dim: usize, x: f64, y: f64) -> f64 {
    let root = (dim as f64).sqrt();
    let direction = |length: f64| root / (2.0 * length - root / 2.0).max(root / 2.0);
    direction(x) + direction(y) + 2.0_f64.powi(-12) + 2.0_f64.powi(-23)
}
