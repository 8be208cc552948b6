//! What follows from singular values and vectors: the best approximation of each rank and its
//! error, numerical rank, condition number, pseudo-inverse, least squares.
//!
//! The best rank-`k` approximation of `A = U·diag(s)·Vᵀ` keeps the first `k` triplets, and its
//! error is what the others hold: `s[k]` in the spectral norm, `√(s[k]² + s[k + 1]² + …)` in the
//! Frobenius norm (Eckart & Young 1936, Mirsky 1960). Sums of squares are used, never differences.
//!
//! Functions of the spectrum alone take it as a slice, descending, so that they serve every
//! decomposition. Those that need the vectors are methods of [`Svd`]. [`svd()`](super::svd())
//! takes tall matrices; for a wide `A`, decompose `Aᵀ` and use
//! [`solve_transposed`](Svd::solve_transposed) or transpose the result.
//!
//! Source: Golub & Van Loan, *Matrix Computations*, §2.4, §5.5.

use core::fmt;

use super::{Svd, at, max_exponent, put};
use crate::mat::{Mat, norm};
use crate::scalar::Scalar;
use crate::simd;

/// Why there is no solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum SolveError {
    /// The right side has an infinite or NaN entry.
    NotFinite,
    /// An entry of the result is larger than the largest number of the type.
    Overflow,
}

impl fmt::Display for SolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFinite => "the right side has an infinite or NaN entry",
            Self::Overflow => "an entry of the result is too large for the number type",
        })
    }
}
impl core::error::Error for SolveError {}

/// The shortest of the vectors that minimise `‖A·x − b‖`.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct Solution<T, const N: usize> {
    /// `x = A⁺·b`.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub x: [T; N],
    /// `‖A·x − b‖` in exact arithmetic: the length of what of `b` is outside the range of `A`.
    pub residual: T,
    /// Singular values that were used.
    pub rank: usize,
}

/// `‖A − A_k‖₂ = s[k]`, zero from full rank on.
pub fn spectral_error<T: Scalar>(s: &[T], k: usize) -> T {
    at(s, k)
}

/// `‖A − A_k‖_F = √(s[k]² + s[k + 1]² + …)`, safe from overflow and underflow.
pub fn frobenius_error<T: Scalar>(s: &[T], k: usize) -> T {
    norm(s.get(k..).unwrap_or(&[]))
}

/// The smallest `k` with `‖A − A_k‖_F ≤ tolerance·‖A‖_F`.
pub fn rank_for_error<T: Scalar>(s: &[T], tolerance: T) -> usize {
    let limit = tolerance * norm(s);
    let mut k = s.len();
    // From the smallest value up; the loop ends at the first rank that is too small.
    while k > 0 && frobenius_error(s, k - 1) <= limit {
        k -= 1;
    }
    k
}

/// `max(rows, cols)·ε`: singular values below this fraction of the largest one are rounding errors
/// of the entries of a `rows × cols` matrix.
pub fn default_rcond<T: Scalar>(rows: usize, cols: usize) -> T {
    T::from_usize(rows.max(cols)) * T::EPSILON
}

/// The number of singular values above `rcond·s[0]`.
pub fn numerical_rank<T: Scalar>(s: &[T], rcond: T) -> usize {
    let limit = rcond * at(s, 0);
    s.iter().take_while(|&&s| s > limit).count()
}

/// `s[0]/s[n − 1]`; infinite for a singular matrix.
pub fn condition_number<T: Scalar>(s: &[T]) -> T {
    match (s.first(), s.last()) {
        (Some(&first), Some(&last)) if last > T::ZERO => first / last,
        _ => T::ONE / T::ZERO,
    }
}

/// Methods that need the vectors. Where there is an `rcond`, `None` stands for
/// [`default_rcond`]; singular values at or below `rcond·s[0]` count as zero.
impl<T: Scalar, const M: usize, const N: usize> Svd<T, M, N> {
    /// The best approximation of rank `k`: `A_k = Σ uᵢ·sᵢ·vᵢᵀ` over `i < k`.
    ///
    /// Its error is [`spectral_error`] and [`frobenius_error`] of `s`.
    ///
    /// # Cost
    /// `2·M·N·k` flops.
    ///
    /// ```
    /// use eigenmote::{Mat, linalg::{lowrank::frobenius_error, svd}};
    /// let a = Mat::from_rows(&[[1.0_f64, 2.0], [2.0, 4.0], [2.0, -1.0]]);
    /// let f = svd(&a)?;
    /// let (one, error) = (f.low_rank(1), frobenius_error(&f.s, 1));
    /// // The rows (1, 2) and (2, 4) are kept, the row (2, −1) is orthogonal to them.
    /// assert!((one.cols[0][2]).abs() < 1e-14 && (error - 5.0_f64.sqrt()).abs() < 1e-14);
    /// # Ok::<(), eigenmote::linalg::SvdError>(())
    /// ```
    pub fn low_rank(&self, k: usize) -> Mat<T, M, N> {
        let mut out = Mat::zeros();
        self.low_rank_into(k, &mut out);
        out
    }

    /// [`Svd::low_rank`] into the caller's matrix.
    pub fn low_rank_into(&self, k: usize, out: &mut Mat<T, M, N>) {
        for (j, out) in out.cols.iter_mut().enumerate() {
            out.fill(T::ZERO);
            for ((u, v), &s) in self.u.cols.iter().zip(&self.v.cols).zip(&self.s).take(k) {
                simd::axpy(s * at(v, j), u, out);
            }
        }
    }

    /// The number of singular values that count.
    pub fn rank(&self, rcond: Option<T>) -> usize {
        numerical_rank(&self.s, rcond.unwrap_or_else(|| default_rcond(M, N)))
    }

    /// [`condition_number`] of the matrix.
    pub fn condition_number(&self) -> T {
        condition_number(&self.s)
    }

    /// The pseudo-inverse `A⁺ = Σ vᵢ·uᵢᵀ/sᵢ` (Moore & Penrose).
    ///
    /// # Errors
    /// [`SolveError::Overflow`].
    ///
    /// # Cost
    /// `2·M·N·rank` flops.
    pub fn pseudo_inverse(&self, rcond: Option<T>) -> Result<Mat<T, N, M>, SolveError> {
        let mut out = Mat::zeros();
        self.pseudo_inverse_into(rcond, &mut out)?;
        Ok(out)
    }

    /// [`Svd::pseudo_inverse`] into the caller's matrix.
    ///
    /// # Errors
    /// [`SolveError::Overflow`].
    pub fn pseudo_inverse_into(
        &self,
        rcond: Option<T>,
        out: &mut Mat<T, N, M>,
    ) -> Result<(), SolveError> {
        let rank = self.rank(rcond);
        // Each value has an exponent of its own: the spectrum may span the range of the type.
        let inverse = self.s.map(|s| (T::ONE / s.scale_exp2(-s.exponent()), -s.exponent()));
        for (i, out) in out.cols.iter_mut().enumerate() {
            out.fill(T::ZERO);
            for ((u, v), &(inverse, exponent)) in
                self.u.cols.iter().zip(&self.v.cols).zip(&inverse).take(rank)
            {
                simd::axpy((at(u, i) * inverse).scale_exp2(exponent), v, out);
            }
        }
        if out.is_finite() { Ok(()) } else { Err(SolveError::Overflow) }
    }

    /// The shortest vector that minimises `‖A·x − b‖`: `x = A⁺·b`.
    ///
    /// # Errors
    /// [`SolveError::NotFinite`] for an infinite or NaN entry of `b`, [`SolveError::Overflow`] if
    /// an entry of `x` is not representable.
    ///
    /// # Cost
    /// `2·(2·M + N)·rank` flops.
    ///
    /// ```
    /// use eigenmote::{Mat, linalg::svd};
    /// // A line through (0, 1), (1, 3), (2, 5): y = 1 + 2·x.
    /// let a = Mat::from_rows(&[[1.0_f64, 0.0], [1.0, 1.0], [1.0, 2.0]]);
    /// let line = svd(&a)?.solve(&[1.0, 3.0, 5.0], None).unwrap();
    /// assert!((line.x[0] - 1.0).abs() < 1e-14 && (line.x[1] - 2.0).abs() < 1e-14);
    /// assert!(line.rank == 2 && line.residual < 1e-14);
    /// # Ok::<(), eigenmote::linalg::SvdError>(())
    /// ```
    pub fn solve(&self, b: &[T; M], rcond: Option<T>) -> Result<Solution<T, N>, SolveError> {
        let (mut x, mut rest) = ([T::ZERO; N], *b);
        let rank = self.rank(rcond);
        let residual = combine(&self.u.cols, &self.v.cols, &self.s, rank, &mut rest, &mut x)?;
        Ok(Solution { x, residual, rank })
    }

    /// The shortest vector that minimises `‖Aᵀ·x − b‖`: for a wide matrix whose transpose was
    /// decomposed.
    ///
    /// # Errors
    /// As [`Svd::solve`].
    ///
    /// # Cost
    /// `2·(2·N + M)·rank` flops.
    pub fn solve_transposed(
        &self,
        b: &[T; N],
        rcond: Option<T>,
    ) -> Result<Solution<T, M>, SolveError> {
        let (mut x, mut rest) = ([T::ZERO; M], *b);
        let rank = self.rank(rcond);
        let residual = combine(&self.v.cols, &self.u.cols, &self.s, rank, &mut rest, &mut x)?;
        Ok(Solution { x, residual, rank })
    }
}

/// `x ← Σ toᵢ·(fromᵢ·b)/sᵢ` over `i < rank`, with `b` in `rest`, which keeps what is orthogonal to
/// `from`; returns the length of that.
fn combine<T: Scalar, const A: usize, const B: usize, const N: usize>(
    from: &[[T; A]; N],
    to: &[[T; B]; N],
    s: &[T; N],
    rank: usize,
    rest: &mut [T; A],
    x: &mut [T; B],
) -> Result<T, SolveError> {
    if !simd::all_finite(rest) {
        return Err(SolveError::NotFinite);
    }
    // The right side and each singular value at mid-range: neither products nor quotients leave it.
    let size = max_exponent(rest).unwrap_or(0);
    for rest in rest.iter_mut() {
        *rest = rest.scale_exp2(-size);
    }
    let mut along = [T::ZERO; N];
    for (i, from) in from.iter().enumerate().take(rank) {
        let c = simd::dot(from, rest);
        simd::axpy(-c, from, rest);
        put(&mut along, i, c);
    }
    // Once more: what the first pass left by rounding would be all of a small residual.
    for (from, along) in from.iter().zip(&mut along).take(rank) {
        let c = simd::dot(from, rest);
        simd::axpy(-c, from, rest);
        *along += c;
    }
    for ((to, &c), &s) in to.iter().zip(&along).zip(s).take(rank) {
        let quotient = c / s.scale_exp2(-s.exponent());
        simd::axpy(quotient.scale_exp2(size.saturating_sub(s.exponent())), to, x);
    }
    if simd::all_finite(x) { Ok(norm(rest).scale_exp2(size)) } else { Err(SolveError::Overflow) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_a_3_4_12_spectrum_are_whole_numbers() {
        let s = [12.0_f64, 4.0, 3.0];
        assert_eq!([0, 1, 2, 3, 4].map(|k| frobenius_error(&s, k)), [13.0, 5.0, 3.0, 0.0, 0.0]);
        assert_eq!([0, 1, 2, 3].map(|k| spectral_error(&s, k)), [12.0, 4.0, 3.0, 0.0]);
        assert_eq!(rank_for_error(&s, 5.0 / 13.0), 1);
        assert_eq!(rank_for_error(&s, 4.9 / 13.0), 2);
        assert_eq!(rank_for_error(&s, 0.0), 3);
        assert_eq!(rank_for_error(&s, 1.0), 0);
        assert_eq!(condition_number(&s), 4.0);
        assert_eq!(numerical_rank(&s, 0.25), 2);
    }

    #[test]
    fn an_empty_or_zero_spectrum_has_rank_zero() {
        assert_eq!(numerical_rank::<f32>(&[], 0.0), 0);
        assert_eq!(numerical_rank(&[0.0_f32; 3], 0.0), 0);
        assert_eq!(rank_for_error(&[0.0_f32; 3], 0.0), 0);
        assert_eq!(condition_number(&[0.0_f64]), f64::INFINITY);
    }
}
