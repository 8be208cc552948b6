//! QR factorisation by Householder reflections with column pivoting: `A·P = Q·R`.
//!
//! Each column is first brought to mid-range by its own power of two, which the pivoting takes
//! into account: the factorisation is the same, digit for digit, as without it, but neither
//! overflows nor loses a column of another scale. The error of every column is relative to that
//! column's own length.
//!
//! Source: Businger & Golub, "Linear least squares solutions by Householder transformations",
//! Numer. Math. 7 (1965); reflections as in LAPACK `xLARFG`.

use core::cmp::Ordering;
use core::fmt;

use super::{at, max_exponent, put, swap, swap_cols};
use crate::mat::{Columns, Mat, mid_range};
use crate::scalar::Scalar;
use crate::simd;

/// `A·P = Q·R` in packed form.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct Qr<T, const M: usize, const N: usize> {
    /// `R` on and above the diagonal, the reflection vectors below it.
    packed: Mat<T, M, N>,
    /// Factors of the reflections `I − τ·v·vᵀ`.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    tau: [T; N],
    /// Column `k` of `A·P` is column `permutation[k]` of `A`.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    permutation: [u32; N],
    rank: usize,
}

/// Why a matrix was not factored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum QrError {
    /// An entry of the matrix or of a right side is infinite or NaN.
    NotFinite,
    /// An entry of `R` or of a solution is larger than the largest number of the type.
    Overflow,
}

impl fmt::Display for QrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFinite => "the matrix or a right side has an infinite or NaN entry",
            Self::Overflow => "an entry of the result is too large for the number type",
        })
    }
}
impl core::error::Error for QrError {}

/// Factors `A·P = Q·R` with the diagonal of `R` descending in magnitude.
///
/// Shapes: `A` is `M × N` of any proportion. Columns whose remainder is below the rounding error
/// of the steps before count as zero: [`Qr::rank`] says how many are left.
///
/// # Errors
/// [`QrError::NotFinite`] if an entry is infinite or NaN, [`QrError::Overflow`] if the length of a
/// column is not representable.
///
/// # Cost
/// `2·M·N² − ⅔·N³` flops for `M ≥ N`.
pub fn qr<T: Scalar, const M: usize, const N: usize>(
    a: &Mat<T, M, N>,
) -> Result<Qr<T, M, N>, QrError> {
    if !a.is_finite() {
        return Err(QrError::NotFinite);
    }
    let mut f = Qr { packed: *a, tau: [T::ZERO; N], permutation: [0; N], rank: 0 };
    let mut exponents = [0; N];
    let (mut left, mut start, mut reflector) = ([T::ZERO; N], [T::ZERO; N], [T::ZERO; M]);
    scale_columns(&mut f.packed, &mut exponents);
    let mut steps = Steps {
        tau: &mut f.tau,
        permutation: &mut f.permutation,
        exponents: &mut exponents,
        left: &mut left,
        start: &mut start,
        reflector: &mut reflector,
    };
    steps.begin(&f.packed);
    while f.rank < M.min(N) && steps.eliminate(&mut f.packed, f.rank) {
        f.rank += 1;
    }
    for (j, (col, &e)) in f.packed.cols.iter_mut().zip(&exponents).enumerate() {
        for v in col.iter_mut().take(j + 1) {
            *v = v.scale_exp2(e);
        }
        if !simd::all_finite(col) {
            return Err(QrError::Overflow);
        }
    }
    // What is left of the dropped columns below row `rank` is rounding noise.
    for col in f.packed.cols.iter_mut().skip(f.rank) {
        for v in col.iter_mut().skip(f.rank) {
            *v = T::ZERO;
        }
    }
    Ok(f)
}

impl<T: Scalar, const M: usize, const N: usize> Qr<T, M, N> {
    /// The number of columns that are independent to working precision.
    pub const fn rank(&self) -> usize {
        self.rank
    }

    /// Column `k` of `A·P` is column `permutation()[k]` of `A`.
    pub const fn permutation(&self) -> &[u32; N] {
        &self.permutation
    }

    /// The upper triangle `R`, `N × N`: rows beyond `min(M, N)` are zero.
    pub fn r(&self) -> Mat<T, N, N> {
        Mat::from_fn(
            |i, j| if i <= j { self.packed.get(i, j).unwrap_or_default() } else { T::ZERO },
        )
    }

    /// The first `N` columns of `Q`; zero columns beyond `M` if `M < N`.
    pub fn q(&self) -> Mat<T, M, N> {
        let mut vectors = self.packed;
        keep_vectors(&mut vectors);
        let mut q = Mat::from_fn(|i, j| if i == j { T::ONE } else { T::ZERO });
        for col in &mut q.cols {
            apply_q(&vectors, &self.tau, self.rank, col);
        }
        q
    }

    /// `x ← Q·x` with the full `M × M` factor.
    pub fn apply_q(&self, x: &mut [T; M]) {
        for k in (0..self.rank).rev() {
            self.reflect(k, x);
        }
    }

    /// `x ← Qᵀ·x` with the full `M × M` factor.
    pub fn apply_q_transposed(&self, x: &mut [T; M]) {
        for k in 0..self.rank {
            self.reflect(k, x);
        }
    }

    fn reflect(&self, k: usize, x: &mut [T; M]) {
        let mut v = *self.packed.cols.get(k).unwrap_or(&[T::ZERO; M]);
        for (i, v) in v.iter_mut().enumerate().take(k + 1) {
            *v = if i == k { T::ONE } else { T::ZERO };
        }
        reflect(&v, at(&self.tau, k), k, x);
    }

    /// The basic least-squares solution of `A·x ≈ b`: minimal `‖A·x − b‖`, with `x = 0` at the
    /// columns that depend on others.
    ///
    /// # Errors
    /// [`QrError::NotFinite`] for an infinite or NaN entry of `b`, [`QrError::Overflow`] if an entry
    /// of `x` is not representable.
    ///
    /// # Cost
    /// `4·M·N` flops.
    pub fn solve(&self, b: &[T; M]) -> Result<[T; N], QrError> {
        if !simd::all_finite(b) {
            return Err(QrError::NotFinite);
        }
        // The right side at mid-range: its length does not overflow.
        let size = max_exponent(b).unwrap_or(0);
        let mut rhs = b.map(|b| b.scale_exp2(-size));
        self.apply_q_transposed(&mut rhs);
        let mut x = [T::ZERO; N];
        for k in (0..self.rank).rev() {
            let col = self.packed.col(k);
            let value = at(&rhs, k) / at(col, k);
            simd::axpy(-value, col.get(..k).unwrap_or(&[]), &mut rhs);
            put(&mut x, at(&self.permutation, k) as usize, value.scale_exp2(size));
        }
        if simd::all_finite(&x) { Ok(x) } else { Err(QrError::Overflow) }
    }
}

/// Scales each column by a power of two so that its largest entry lies in [1, 2); writes the
/// exponents that were taken out (0 for a zero column).
#[inline(always)]
pub(super) fn scale_columns<T: Scalar>(a: &mut impl Columns<T>, exponents: &mut [i32]) {
    for (j, exponent) in exponents.iter_mut().enumerate() {
        let col = a.col_mut(j);
        *exponent = max_exponent(col).unwrap_or(0);
        if *exponent != 0 {
            for v in col {
                *v = v.scale_exp2(-*exponent);
            }
        }
    }
}

/// The state of a pivoted factorisation between its steps, one entry per column.
pub(super) struct Steps<'a, T> {
    pub tau: &'a mut [T],
    pub permutation: &'a mut [u32],
    pub exponents: &'a mut [i32],
    /// Squared length of what is left of the column below the finished rows.
    pub left: &'a mut [T],
    /// Squared length of the whole column.
    pub start: &'a mut [T],
    /// The reflection vector of the step, with zeros above it: one value per row.
    pub reflector: &'a mut [T],
}

impl<T: Scalar> Steps<'_, T> {
    #[inline(always)]
    pub(super) fn begin(&mut self, a: &impl Columns<T>) {
        for (k, p) in (0..).zip(self.permutation.iter_mut()) {
            *p = k;
        }
        for (j, (left, start)) in self.left.iter_mut().zip(self.start.iter_mut()).enumerate() {
            *left = simd::sum_of_squares(a.col(j));
            *start = *left;
        }
    }

    /// Moves the longest remainder to column `k`, eliminates it below row `k`, and updates the
    /// columns after it. Returns false when nothing but rounding noise is left.
    #[inline(always)]
    pub(super) fn eliminate(&mut self, a: &mut impl Columns<T>, k: usize) -> bool {
        let n = a.cols();
        let mut pivot = None;
        for j in k..n {
            let left = at(self.left, j);
            // Each reflection adds a rounding error of about ε of the column's own length.
            let noise = T::from_usize(4 * k) * T::EPSILON * T::EPSILON;
            if !(left > noise * at(self.start, j)) {
                // What is left is noise, yet it may be longer than a whole column of a smaller scale.
                a.col_mut(j).iter_mut().skip(k).for_each(|v| *v = T::ZERO);
                put(self.left, j, T::ZERO);
                continue;
            }
            let longer = match pivot {
                None => true,
                Some((best, p)) => {
                    let shift = at(self.exponents, j) - at(self.exponents, p);
                    left.scale_exp2(2 * shift) > best
                }
            };
            if longer {
                pivot = Some((left, j));
            }
        }
        let Some((_, pivot)) = pivot else { return false };
        swap_cols(a, k, pivot);
        swap(self.permutation, k, pivot);
        swap(self.exponents, k, pivot);
        swap(self.left, k, pivot);
        swap(self.start, k, pivot);

        let tau = householder(a.col_mut(k).get_mut(k..).unwrap_or(&mut []));
        put(self.tau, k, tau);
        for (i, (to, &from)) in self.reflector.iter_mut().zip(a.col(k)).enumerate() {
            *to = match i.cmp(&k) {
                Ordering::Less => T::ZERO,
                Ordering::Equal => T::ONE,
                Ordering::Greater => from,
            };
        }
        for j in k + 1..n {
            let y = a.col_mut(j);
            reflect(self.reflector, tau, k, y);
            let (first, below) = match y.get(k..).and_then(<[T]>::split_first) {
                Some((&first, below)) => (first, below),
                None => (T::ZERO, &[][..]),
            };
            // Downdate, and compute afresh once half of the digits of the length have cancelled.
            let old = at(self.left, j);
            let mut left = old - first * first;
            if !(left > T::from_f64(0.05) * old) {
                left = simd::sum_of_squares(below);
            }
            put(self.left, j, left);
        }
        true
    }
}

/// `x ← Q·x` from the first `rank` reflections, whose vectors have zeros above the diagonal and
/// ones on it.
#[inline(always)]
pub(super) fn apply_q<T: Scalar>(vectors: &impl Columns<T>, tau: &[T], rank: usize, x: &mut [T]) {
    for k in (0..rank).rev() {
        reflect(vectors.col(k), at(tau, k), k, x);
    }
}

/// Leaves only the reflection vectors of a packed factorisation, in the form [`apply_q`] takes.
#[inline(always)]
pub(super) fn keep_vectors<T: Scalar>(packed: &mut impl Columns<T>) {
    for k in 0..packed.cols() {
        for (i, v) in packed.col_mut(k).iter_mut().enumerate().take(k + 1) {
            *v = if i == k { T::ONE } else { T::ZERO };
        }
    }
}

/// Replaces `x` by `(β, v₁, v₂, …)` so that `I − τ·v·vᵀ` with `v₀ = 1` maps `x` to `(β, 0, …)`;
/// returns `τ`.
#[inline(always)]
pub(crate) fn householder<T: Scalar>(x: &mut [T]) -> T {
    let largest = simd::max_abs(x.get(1..).unwrap_or(&[]));
    if largest == T::ZERO {
        return T::ZERO;
    }
    let exponent = at(x, 0).abs().max(largest).exponent();
    // Outside mid-range everything is scaled first: a length that is rounded to a subnormal number
    // would make a reflection that is not orthogonal.
    let shift = if mid_range::<T>(exponent) { 0 } else { exponent };
    let Some((first, below)) = x.split_first_mut() else { return T::ZERO };
    let mut alpha = *first;
    if shift != 0 {
        alpha = alpha.scale_exp2(-shift);
        for v in below.iter_mut() {
            *v = v.scale_exp2(-shift);
        }
    }
    let beta = -(alpha * alpha + simd::sum_of_squares(below)).sqrt().copysign(alpha);
    let (pivot, tau) = (alpha - beta, (beta - alpha) / beta);
    simd::scale(T::ONE / pivot, below);
    *first = beta.scale_exp2(shift);
    tau
}

/// `y ← (I − τ·v·vᵀ)·y` with a vector that is zero before entry `k`.
///
/// Starts at a full group of lanes: with a few zeros more, there is no incomplete group in front.
#[inline(always)]
pub(crate) fn reflect<T: Scalar>(v: &[T], tau: T, k: usize, y: &mut [T]) {
    let from = k - k % T::LANES;
    let (v, y) = (v.get(from..).unwrap_or(&[]), y.get_mut(from..).unwrap_or(&mut []));
    let w = tau * simd::dot(v, y);
    simd::axpy(-w, v, y);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_3_4_5_column_becomes_its_length() {
        let f = qr(&Mat::from_rows(&[[3.0_f64], [4.0]])).unwrap();
        assert!((f.r().cols[0][0] + 5.0).abs() < 1e-15);
        assert_eq!(f.rank(), 1);
        assert!((f.solve(&[6.0, 8.0]).unwrap()[0] - 2.0).abs() < 1e-15);
    }

    #[test]
    fn the_longest_column_comes_first_and_dependent_ones_are_dropped() {
        let a = Mat::from_cols([[1.0_f64, 2.0, 2.0], [2.0, 4.0, 4.0], [0.0, 3.0, -3.0]]);
        let f = qr(&a).unwrap();
        assert_eq!(f.rank(), 2);
        assert_eq!(f.permutation(), &[1, 2, 0]);
        let qr = f.q().mul(&f.r());
        for (k, &p) in f.permutation().iter().enumerate() {
            for i in 0..3 {
                assert!((qr.cols[k][i] - a.cols[p as usize][i]).abs() < 1e-14);
            }
        }
    }
}
