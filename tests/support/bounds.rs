//! What the tests allow, with formula and the worst that was measured.

use eigenmote::Scalar;

/// `8·n·ε`: residual and orthogonality of a decomposition of size `n`, relative to the largest
/// value, and the relative error of every singular value of `B·D` with a well-conditioned `B`.
pub fn rounding<T: Scalar>(n: usize) -> f64 {
    8.0 * n as f64 * T::EPSILON.to_f64()
}
