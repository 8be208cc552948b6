//! What the tests allow, with formula and the worst that was measured.

use eigenmote::Scalar;

/// `ε^⅔`, the default tolerance of the iterations.
pub fn default_tolerance<T: Scalar>() -> f64 {
    T::exp2i(-2 * T::DIGITS / 3).to_f64()
}

/// Error of the leading value of an iteration that has converged, relative to that value:
/// the tolerance (a tie closer than that need not be told apart) and `8·n·ε`.
pub fn iterated_value<T: Scalar>(n: usize) -> f64 {
    default_tolerance::<T>() + rounding::<T>(n)
}

/// `8·n·ε`: rounding of products and sums of length `n`, relative to the largest value.
pub fn rounding<T: Scalar>(n: usize) -> f64 {
    8.0 * n as f64 * T::EPSILON.to_f64()
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
