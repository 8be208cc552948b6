//! QR factorisation by Householder reflections with column pivoting: `A·P = Q·R`.
//!
//! Each column is first brought to mid-range by its own power of two, which the pivoting takes
//! into account: the factorisation is the same, digit for digit, as without it, but neither
//! overflows nor loses a column of another scale. The error of every column is relative to that
//! column's own length.
//!
//! Source: Businger & Golub, "Linear least squares solutions by Householder transformations",
//! Numer. Math. 7 (1965); reflections as in LAPACK `xLARFG`.

use core::fmt;

use super::rows::{Fitted, Rows, Scratch, Shape};
use super::{at, max_exponent, put};
use crate::mat::{Columns, Mat, mid_range};
use crate::scalar::Scalar;
use crate::simd::{self, Kernel, Lanes, Simd};

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
    T::dispatch(Fitted(N, Factor { a, f: &mut f }));
    for col in &f.packed.cols {
        if !simd::all_finite(col) {
            return Err(QrError::Overflow);
        }
    }
    Ok(f)
}

/// [`qr`] as a kernel.
struct Factor<'a, T, const M: usize, const N: usize> {
    a: &'a Mat<T, M, N>,
    f: &'a mut Qr<T, M, N>,
}

impl<T: Scalar, const M: usize, const N: usize> Kernel<T> for Factor<'_, T, M, N> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Qr { packed, tau, permutation, rank } = self.f;
        let (mut rows, mut scratch) = (Rows::<T, M, N>::ZERO, Scratch::<T, M, N>::ZERO);
        let mut factoring = scratch.borrow(rows.borrow(), tau, permutation);
        let shape = Shape::new(M, N, S::V::LEN);
        factoring.begin(simd, shape, self.a);
        while *rank < M.min(N) && factoring.eliminate(simd, shape, *rank) {
            *rank += 1;
        }
        for (i, row) in factoring.a.chunks_exact(shape.stride).take(M).enumerate() {
            for ((j, col), (&v, &e)) in
                (0..).zip(&mut packed.cols).zip(row.iter().zip(factoring.exponents.iter()))
            {
                // What is left of the dropped columns below row `rank` is rounding noise.
                let noise = i >= *rank && j >= *rank;
                put(
                    col,
                    i,
                    if noise {
                        T::ZERO
                    } else if i <= j {
                        v.scale_exp2(e)
                    } else {
                        v
                    },
                );
            }
        }
    }
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

/// `x ← Q·x` from the first `rank` reflections, whose vectors have zeros above the diagonal and
/// ones on it.
#[inline(always)]
fn apply_q<T: Scalar>(vectors: &impl Columns<T>, tau: &[T], rank: usize, x: &mut [T]) {
    for k in (0..rank).rev() {
        reflect(vectors.col(k), at(tau, k), k, x);
    }
}

/// Leaves only the reflection vectors of a packed factorisation, in the form [`apply_q`] takes.
#[inline(always)]
fn keep_vectors<T: Scalar>(packed: &mut impl Columns<T>) {
    for k in 0..packed.cols() {
        for (i, v) in packed.col_mut(k).iter_mut().enumerate().take(k + 1) {
            *v = if i == k { T::ONE } else { T::ZERO };
        }
    }
}

/// Replaces `x[k..]` by `(β, v₁, v₂, …)` so that `I − τ·v·vᵀ` with `v₀ = 1` maps it to `(β, 0, …)`;
/// returns `τ`. Before entry `k`, `x` is zero.
#[inline(always)]
pub(crate) fn householder<T: Scalar, S: Simd<T>>(simd: S, x: &mut [T], k: usize) -> T {
    let first = at(x, k);
    put(x, k, T::ZERO);
    // From a full group of lanes on: with a few zeros more, there is no incomplete group in front.
    let below = x.get_mut(k - k % T::LANES..).unwrap_or(&mut []);
    let largest = simd::max_abs(below);
    if largest == T::ZERO {
        put(x, k, first);
        return T::ZERO;
    }
    let exponent = first.abs().max(largest).exponent();
    // Outside mid-range everything is scaled first: a length that is rounded to a subnormal number
    // would make a reflection that is not orthogonal.
    let shift = if mid_range::<T>(exponent) { 0 } else { exponent };
    let mut alpha = first;
    if shift != 0 {
        alpha = alpha.scale_exp2(-shift);
        for v in below.iter_mut() {
            *v = v.scale_exp2(-shift);
        }
    }
    let beta = -(alpha * alpha + simd.dot(below, below)).sqrt().copysign(alpha);
    let (pivot, tau) = (alpha - beta, (beta - alpha) / beta);
    simd::scale(T::ONE / pivot, below);
    put(x, k, beta.scale_exp2(shift));
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
