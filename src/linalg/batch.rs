//! Decompositions of many small matrices at once, one matrix in each place of a register.
//!
//! No step of a matrix looks at its neighbours: the bits of a result depend neither on the width of
//! the registers nor on what else is in the batch. The few matrices that need care — columns or
//! values that vanish against the largest, numbers near the ends of the range, anything that is not
//! finite — are recognised, and the routine for a single matrix decomposes them.
//!
//! *Singular values.* `A·P = Q·R` by Householder reflections with column pivoting; rotations make
//! the columns of `X = Rᵀ` orthogonal, `X·W = Y·Σ`, and `A = (Q·W)·Σ·(P·Y)ᵀ`: what
//! [`svd`](super::svd()) does, without its bookkeeping.
//!
//! *Eigenvalues.* Cyclic Jacobi rotations of `A` from both sides.
//!
//! Source: Golub & Van Loan, "Matrix Computations", 4th ed., §8.5 and §8.6.3.

use core::fmt;

use super::block::{
    Block, add_multiple, descending_in_lanes, dot, exchange, exchange_columns, first, firsts,
    in_every_place, reach, resize, set_sign, sign_of_largest,
};
use super::eigh::{Eigh, EighError, eigh};
use super::svd::{Svd, SvdError, svd};
use super::{closed, copy};
use crate::mat::Mat;
use crate::scalar::Scalar;
use crate::simd::{Kernel, Lanes, MAX_LANES, Simd, Twice};

/// `A = U·diag(s)·Vᵀ`, without padding; otherwise as [`Svd`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct PackedSvd<T, const M: usize, const N: usize> {
    /// Columns of `U`.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays::nested"))]
    pub u: [[T; M]; N],
    /// Singular values, descending.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub s: [T; N],
    /// Columns of `V`.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays::nested"))]
    pub v: [[T; N]; N],
}

impl<T: Scalar, const M: usize, const N: usize> Default for PackedSvd<T, M, N> {
    fn default() -> Self {
        Self { u: [[T::ZERO; M]; N], s: [T::ZERO; N], v: [[T::ZERO; N]; N] }
    }
}

/// `A = V·diag(λ)·Vᵀ`, without padding; otherwise as [`Eigh`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct PackedEigh<T, const N: usize> {
    /// Eigenvalues, descending.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub eigenvalues: [T; N],
    /// Columns of `V`.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays::nested"))]
    pub eigenvectors: [[T; N]; N],
}

impl<T: Scalar, const N: usize> Default for PackedEigh<T, N> {
    fn default() -> Self {
        Self { eigenvalues: [T::ZERO; N], eigenvectors: [[T::ZERO; N]; N] }
    }
}

/// The first matrix of a batch without a decomposition.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BatchError<E> {
    /// Where it is.
    pub index: usize,
    /// Why.
    pub error: E,
}

impl<E: fmt::Display> fmt::Display for BatchError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "matrix {} of the batch: {}", self.index, self.error)
    }
}
impl<E: core::error::Error> core::error::Error for BatchError<E> {}

/// Singular value decompositions of many small matrices, each an array of its columns; for `M` and
/// `N` up to about 8. If the slices differ in length, the rest of the longer one is left alone.
///
/// # Errors
/// The first matrix that [`svd`](super::svd()) refuses. All others are decomposed; the results of
/// refused ones are zero.
///
/// # Accuracy
/// As [`svd`](super::svd()), with other last bits; checked by `tests/batch.rs`.
///
/// # Cost
/// About `40·N³` flops for a square matrix: four sweeps.
///
/// ```
/// use eigenmote::linalg::{PackedSvd, svd_batch};
/// let matrices = [[[0.0_f32, 2.0], [3.0, 0.0]]; 100]; // columns
/// let mut out = [PackedSvd::default(); 100];
/// svd_batch(&matrices, &mut out)?;
/// assert_eq!(out[99].s, [3.0, 2.0]);
/// # Ok::<(), eigenmote::linalg::BatchError<eigenmote::linalg::SvdError>>(())
/// ```
pub fn svd_batch<T: Scalar, const M: usize, const N: usize>(
    matrices: &[[[T; M]; N]],
    out: &mut [PackedSvd<T, M, N>],
) -> Result<(), BatchError<SvdError>> {
    const { assert!(1 <= N && N <= M, "svd_batch takes tall matrices: transpose wide ones") };
    T::dispatch(Batch::<OfSvd, T, M, N> { matrices, results: out })
}

/// Eigen-decompositions of many small symmetric matrices, each an array of its columns, for `N` up
/// to about 8. Only the lower triangles are read. If the slices differ in length, the rest of the
/// longer one is left alone.
///
/// # Errors
/// The first matrix that [`eigh`](super::eigh()) refuses. All others are decomposed; the results of
/// refused ones are zero.
///
/// # Accuracy
/// As [`eigh`](super::eigh()), with other last bits; checked by `tests/batch.rs`.
///
/// # Cost
/// About `25·N³` flops a matrix: four sweeps.
pub fn eigh_batch<T: Scalar, const N: usize>(
    matrices: &[[[T; N]; N]],
    out: &mut [PackedEigh<T, N>],
) -> Result<(), BatchError<EighError>> {
    const { assert!(1 <= N, "eigh_batch takes matrices with at least one column") };
    T::dispatch(Batch::<OfEigh, T, N, N> { matrices, results: out })
}

/// Sweeps after which a matrix is left to the routine for a single one.
const MAX_SWEEPS: usize = 12;

/// Places of two registers, at most.
const PLACES: usize = 2 * MAX_LANES;

/// Registers of `S` that hold more than `T::LANES` values.
const fn is_wide<T: Scalar, S: Simd<T>>() -> bool {
    S::V::LEN > T::LANES
}

/// A decomposition of `M × N` matrices to `Out`.
trait Routine<T: Scalar, const M: usize, const N: usize> {
    type Out: Copy + Default;
    type Error;
    /// Of as many matrices as a register has places. Returns 1 where it could and 0 elsewhere.
    /// `P` is at least that number: larger buffers would only be cleared in vain.
    fn together<S: Simd<T>, const P: usize>(
        simd: S,
        matrices: &[[[T; M]; N]],
        out: &mut [Self::Out],
    ) -> S::V;
    /// Of a matrix for which that was not possible. Leaves zero behind if this is not possible either.
    fn alone(matrix: &[[T; M]; N], out: &mut Self::Out) -> Result<(), Self::Error>;
}

/// A routine for all matrices of a batch.
struct Batch<'a, R: Routine<T, M, N>, T: Scalar, const M: usize, const N: usize> {
    matrices: &'a [[[T; M]; N]],
    results: &'a mut [R::Out],
}

impl<R: Routine<T, M, N>, T: Scalar, const M: usize, const N: usize> Kernel<T>
    for Batch<'_, R, T, M, N>
{
    type Output = Result<(), BatchError<R::Error>>;
    const WIDE: bool = true;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
        // Rotations of a small matrix wait for each other: two registers at a time, where there are
        // enough of them.
        if S::SUMS < 8 {
            self.groups::<_, 8>(simd)
        } else if is_wide::<T, S>() {
            self.groups::<_, 32>(Twice(simd))
        } else {
            self.groups::<_, 16>(Twice(simd))
        }
    }
}

impl<R: Routine<T, M, N>, T: Scalar, const M: usize, const N: usize> Batch<'_, R, T, M, N> {
    /// As many matrices at once as a register has places.
    #[inline(always)]
    fn groups<S: Simd<T>, const P: usize>(self, simd: S) -> Result<(), BatchError<R::Error>> {
        let mut result = Ok(());
        let mut first = 0;
        let mut some = [[[T::ZERO; M]; N]; P];
        let mut theirs = [R::Out::default(); P];
        for (group, out) in self.matrices.chunks(S::V::LEN).zip(self.results.chunks_mut(S::V::LEN))
        {
            // The last ones may be fewer: they are decomposed beside matrices of zeros.
            let full = group.len() == S::V::LEN && out.len() == S::V::LEN;
            let (from, to) = if full {
                (group, &mut *out)
            } else {
                copy(group, &mut some);
                (some.as_slice(), theirs.as_mut_slice())
            };
            let mut good = simd.splat(T::ZERO);
            if let (Some(from), Some(to)) = (from.get(..S::V::LEN), to.get_mut(..S::V::LEN)) {
                good = R::together::<S, P>(simd, from, to);
            }
            if !full {
                copy(&theirs, out);
            }
            if S::V::any(simd.splat(T::ONE).gt(good)) {
                let mut lanes = [T::ZERO; P];
                good.store(&mut lanes);
                for (index, ((matrix, out), &good)) in
                    (first..).zip(group.iter().zip(out).zip(&lanes))
                {
                    if good < T::ONE
                        && let Err(error) = R::alone(matrix, out)
                    {
                        result = result.and(Err(BatchError { index, error }));
                    }
                }
            }
            first += S::V::LEN;
        }
        result
    }
}

struct OfSvd;

impl<T: Scalar, const M: usize, const N: usize> Routine<T, M, N> for OfSvd {
    type Out = PackedSvd<T, M, N>;
    type Error = SvdError;

    #[inline(always)]
    fn together<S: Simd<T>, const P: usize>(
        simd: S,
        matrices: &[[[T; M]; N]],
        out: &mut [Self::Out],
    ) -> S::V {
        let mut a = [[simd.splat(T::ZERO); M]; N];
        gather::<T, S, M, N, P>(simd, matrices, &mut a);
        let (factor, back) = scaling(simd, &a);
        scale(&mut a, factor);
        let mut f = Factors::<S::V, M, N>::new(simd.splat(T::ZERO));
        let good = if (M, N) == (2, 2) {
            let mut b = [[simd.splat(T::ZERO); 2]; 2];
            resize(&a, &mut b);
            let (u, s, v, good) = closed::svd_2x2_in_lanes(simd, &b);
            resize(&u, &mut f.u);
            copy(&s, &mut f.s);
            resize(&v, &mut f.v);
            good
        } else {
            f.decompose(simd, &mut a, false)
        };
        for s in &mut f.s {
            *s = *s * back;
        }
        scatter::<T, S::V, _, P, _, _>(&f.u, out, |out| &mut out.u);
        scatter::<T, S::V, _, P, _, _>(&[f.s], out, |out| core::array::from_mut(&mut out.s));
        scatter::<T, S::V, _, P, _, _>(&f.v, out, |out| &mut out.v);
        good
    }

    #[cold]
    #[inline(never)]
    fn alone(matrix: &[[T; M]; N], out: &mut Self::Out) -> Result<(), SvdError> {
        *out = PackedSvd::default();
        let Svd { u, s, v, .. } = svd(&Mat::from_cols(*matrix))?;
        *out = PackedSvd { u: u.cols, s, v: v.cols };
        Ok(())
    }
}

/// [`svd`] of one small matrix in the same way, a register for every entry; `a` is replaced by `U`.
/// Returns the number of sweeps, or nothing where that is not possible, and then changes nothing.
#[inline(never)]
pub(super) fn svd_of_one<T: Scalar, const M: usize, const N: usize>(
    a: &mut Mat<T, M, N>,
    s: &mut [T; N],
    v: Option<&mut Mat<T, N, N>>,
) -> Option<u32> {
    T::dispatch(One { a, s, v })
}

struct One<'a, T, const M: usize, const N: usize> {
    a: &'a mut Mat<T, M, N>,
    s: &'a mut [T; N],
    v: Option<&'a mut Mat<T, N, N>>,
}

impl<T: Scalar, const M: usize, const N: usize> Kernel<T> for One<'_, T, M, N> {
    type Output = Option<u32>;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Option<u32> {
        let simd = simd.half();
        let mut a = [[simd.splat(T::ZERO); M]; N];
        in_every_place(simd, &self.a.cols, &mut a);
        let (factor, back) = scaling(simd, &a);
        scale(&mut a, factor);
        let mut f = Factors::<_, M, N>::new(simd.splat(T::ZERO));
        let good = f.decompose(simd, &mut a, true);
        if !(first(good) > T::ZERO) {
            return None;
        }
        for (&from, to) in f.s.iter().zip(self.s) {
            *to = first(from * back);
        }
        if let Some(v) = self.v {
            firsts(&f.u, &mut self.a.cols);
            firsts(&f.v, &mut v.cols);
        }
        Some(f.sweeps)
    }
}

struct OfEigh;

impl<T: Scalar, const N: usize> Routine<T, N, N> for OfEigh {
    type Out = PackedEigh<T, N>;
    type Error = EighError;

    #[inline(always)]
    fn together<S: Simd<T>, const P: usize>(
        simd: S,
        matrices: &[[[T; N]; N]],
        out: &mut [Self::Out],
    ) -> S::V {
        let mut a = [[simd.splat(T::ZERO); N]; N];
        gather::<T, S, N, N, P>(simd, matrices, &mut a);
        mirror(&mut a);
        let (factor, back) = scaling(simd, &a);
        scale(&mut a, factor);
        let mut v = [[simd.splat(T::ZERO); N]; N];
        let mut values = [simd.splat(T::ZERO); N];
        let mut good;
        if N == 2 || N == 3 {
            let mut off = simd.splat(T::ZERO);
            for (j, column) in a.iter().enumerate() {
                for &v in column.iter().skip(j + 1) {
                    off = off + v.abs();
                }
            }
            (values, v, good) = closed::eigh_in_lanes(simd, &a);
            if N == 3 {
                // What is diagonal already keeps its digits elsewhere.
                let zero = simd.splat(T::ZERO);
                good = S::V::select(off.gt(zero), good, zero);
            }
        } else {
            good = diagonalise(simd, &mut a, &mut v, &mut values);
        }
        for value in &mut values {
            *value = *value * back;
        }
        scatter::<T, S::V, _, P, _, _>(&[values], out, |out| {
            core::array::from_mut(&mut out.eigenvalues)
        });
        scatter::<T, S::V, _, P, _, _>(&v, out, |out| &mut out.eigenvectors);
        good
    }

    #[cold]
    #[inline(never)]
    fn alone(matrix: &[[T; N]; N], out: &mut Self::Out) -> Result<(), EighError> {
        *out = PackedEigh::default();
        let Eigh { eigenvalues, eigenvectors } = eigh(&Mat::from_cols(*matrix))?;
        *out = PackedEigh { eigenvalues, eigenvectors: eigenvectors.cols };
        Ok(())
    }
}

/// Entry by entry from `LEN` matrices into registers.
#[inline(always)]
fn gather<T: Scalar, S: Simd<T>, const M: usize, const N: usize, const P: usize>(
    simd: S,
    matrices: &[[[T; M]; N]],
    block: &mut Block<S::V, M, N>,
) {
    for (j, column) in block.iter_mut().enumerate() {
        for (i, v) in column.iter_mut().enumerate() {
            let mut lanes = [T::ZERO; P];
            for (lane, a) in lanes.iter_mut().take(S::V::LEN).zip(matrices) {
                *lane = a.get(j).and_then(|column| column.get(i)).copied().unwrap_or_default();
            }
            *v = simd.load(&lanes);
        }
    }
}

/// Back again.
#[inline(always)]
fn scatter<T: Scalar, V: Lanes<T>, O, const P: usize, const M: usize, const N: usize>(
    block: &Block<V, M, N>,
    out: &mut [O],
    place: impl Fn(&mut O) -> &mut [[T; M]; N],
) {
    for (j, column) in block.iter().enumerate() {
        for (i, &v) in column.iter().enumerate() {
            let mut lanes = [T::ZERO; P];
            v.store(&mut lanes);
            for (&lane, out) in lanes.iter().take(V::LEN).zip(out.iter_mut()) {
                if let Some(slot) = place(out).get_mut(j).and_then(|column| column.get_mut(i)) {
                    *slot = lane;
                }
            }
        }
    }
}

/// Copies the lower triangle over the upper one.
#[inline(always)]
fn mirror<V: Copy, const N: usize>(a: &mut Block<V, N, N>) {
    for j in 1..N {
        let Some((left, right)) = a.split_at_mut_checked(j) else { return };
        let Some(column) = right.first_mut() else { return };
        for (to, from) in column.iter_mut().zip(left) {
            if let Some(&from) = from.get(j) {
                *to = from;
            }
        }
    }
}

/// Powers of two that bring each matrix to mid-range and its values back, 1 for most. A matrix for
/// which there is no such pair gets NaN, and is then decomposed alone.
#[inline(always)]
fn scaling<T: Scalar, S: Simd<T>, const M: usize, const N: usize>(
    simd: S,
    a: &Block<S::V, M, N>,
) -> (S::V, S::V) {
    let mut largest = simd.splat(T::ZERO);
    let mut sum = simd.splat(T::ZERO);
    for column in a {
        for &v in column {
            let size = v.abs();
            largest = S::V::select(size.gt(largest), size, largest);
            // NaN if one is, which comparisons pass over.
            sum = sum + size;
        }
    }
    let one = simd.splat(T::ONE);
    let outside = S::V::any(largest.gt(simd.splat(T::exp2i(reach::<T>()))))
        || S::V::any(simd.splat(T::exp2i(-reach::<T>())).gt(largest));
    if !outside {
        return (one, one);
    }
    let (mut sizes, mut sums) = ([T::ZERO; PLACES], [T::ZERO; PLACES]);
    largest.store(&mut sizes);
    sum.store(&mut sums);
    let (mut factors, mut backs) = ([T::ONE; PLACES], [T::ONE; PLACES]);
    for ((&size, &sum), (factor, back)) in
        sizes.iter().zip(&sums).zip(factors.iter_mut().zip(&mut backs))
    {
        let exponent = size.exponent();
        if !(sum <= T::MAX) || exponent.abs() > T::MAX_EXP - T::DIGITS - 8 {
            // Zero, subnormal, huge or not finite.
            *factor = T::from_f64(f64::NAN);
        } else if exponent.abs() > reach::<T>() {
            (*factor, *back) = (T::exp2i(-exponent), T::exp2i(exponent));
        }
    }
    (simd.load(&factors), simd.load(&backs))
}

#[inline(always)]
fn scale<T: Scalar, V: Lanes<T>, const M: usize, const N: usize>(
    a: &mut Block<V, M, N>,
    factor: V,
) {
    for column in a {
        for v in column {
            *v = *v * factor;
        }
    }
}

/// `(x, y) ← (c·x − s·y, s·x + c·y)`.
#[inline(always)]
fn rotate<T: Scalar, S: Simd<T>, const M: usize>(
    simd: S,
    (c, s): (S::V, S::V),
    x: &mut [S::V; M],
    y: &mut [S::V; M],
) {
    let minus_s = simd.splat(T::ZERO) - s;
    for (x, y) in x.iter_mut().zip(y) {
        let (a, b) = (*x, *y);
        *x = c.mul_add(a, minus_s * b);
        *y = s.mul_add(a, c * b);
    }
}

/// Cosine and sine of the smaller angle that turns columns with squared lengths `alpha` and `beta`
/// and inner product `gamma` until they are orthogonal; 1 and 0 where the mask does not hold.
///
/// With `d = β − α`, `g = 2γ`, `w = |d| + √(d² + g²)` the tangent is `sign(d)·g/w`; one division
/// makes cosine and sine from the vector `(w, g)`.
#[inline(always)]
fn angle<T: Scalar, S: Simd<T>>(
    simd: S,
    turns: <S::V as Lanes<T>>::Mask,
    alpha: S::V,
    beta: S::V,
    gamma: S::V,
) -> (S::V, S::V) {
    let (zero, one) = (simd.splat(T::ZERO), simd.splat(T::ONE));
    let d = beta - alpha;
    let g = gamma + gamma;
    let g2 = g * g;
    let w = d.abs() + d.mul_add(d, g2).sqrt();
    let h = one / w.mul_add(w, g2).sqrt();
    let (c, s) = (w * h, g * h.copysign(d));
    (S::V::select(turns, c, one), S::V::select(turns, s, zero))
}

/// Factors of a matrix in each place.
struct Factors<V, const M: usize, const N: usize> {
    u: Block<V, M, N>,
    s: [V; N],
    v: Block<V, N, N>,
    sweeps: u32,
}

impl<V: Copy, const M: usize, const N: usize> Factors<V, M, N> {
    #[inline(always)]
    const fn new(zero: V) -> Self {
        Self { u: [[zero; M]; N], s: [zero; N], v: [[zero; N]; N], sweeps: 0 }
    }

    /// Decomposes `a`, which is overwritten. Returns 1 where that was possible and 0 elsewhere. To start
    /// `near` the result pays for a matrix alone, whose rotations wait for each other.
    #[inline(always)]
    fn decompose<T: Scalar, S: Simd<T, V = V>>(
        &mut self,
        simd: S,
        a: &mut Block<V, M, N>,
        near: bool,
    ) -> V
    where
        V: Lanes<T>,
    {
        let none = simd.splat(T::ZERO).gt(simd.splat(T::ZERO));
        let mut swaps = [[none; N]; N];
        self.reduce(simd, a, &mut swaps);
        if near && N == 3 {
            self.start_near(simd);
        }
        let converged = self.sweep(simd);
        let good = self.finish(simd, &swaps);
        converged * good
    }

    /// `A·P = Q·R`: `v` gets `Rᵀ`, `u` gets `Q`. Column `k` was exchanged with column `j` where
    /// `swaps[k][j]` holds, one after the other. Rows of `a` are cleared once they are in `R`, and
    /// column `k` becomes the reflection vector: all loops have the full length.
    #[inline(always)]
    fn reduce<T: Scalar, S: Simd<T, V = V>>(
        &mut self,
        simd: S,
        a: &mut Block<V, M, N>,
        swaps: &mut [[V::Mask; N]; N],
    ) where
        V: Lanes<T>,
    {
        let zero = simd.splat(T::ZERO);
        let mut minus_factors = [zero; N];
        for (k, (swaps, minus_factor)) in swaps.iter_mut().zip(&mut minus_factors).enumerate() {
            let Some((pivot, others)) =
                a.split_at_mut_checked(k).and_then(|(_, rest)| rest.split_first_mut())
            else {
                return;
            };
            let Some((finished, rows)) = self.v.split_at_mut_checked(k) else { return };
            let Some(row) = rows.first_mut() else { return };
            let mut length2 = dot(simd, pivot, pivot);
            for (j, (other, swap)) in
                (k + 1..).zip(others.iter_mut().zip(swaps.iter_mut().skip(k + 1)))
            {
                let its = dot(simd, other, other);
                *swap = its.gt(length2);
                length2 = V::select(*swap, its, length2);
                exchange_columns(*swap, pivot, other);
                for row in finished.iter_mut() {
                    if let Ok([x, y]) = row.get_disjoint_mut([k, j]) {
                        exchange(*swap, x, y);
                    }
                }
            }
            let Some(head) = pivot.get_mut(k) else { return };
            let mut diagonal = *head;
            // A reflection of one row alone would only change its sign.
            if k + 1 < M {
                let alpha = diagonal;
                diagonal = zero - length2.sqrt().copysign(alpha);
                *head = alpha - diagonal;
                // I − f·v·vᵀ with f = 2/vᵀv = 1/(β² − α·β).
                *minus_factor = simd.splat(-T::ONE) / (length2 - alpha * diagonal);
                for other in others.iter_mut() {
                    let along = *minus_factor * dot(simd, pivot, other);
                    add_multiple(along, pivot, other);
                }
            }
            if let Some(entry) = row.get_mut(k) {
                *entry = diagonal;
            }
            for (entry, other) in row.iter_mut().skip(k + 1).zip(others) {
                if let Some(above) = other.get_mut(k) {
                    (*entry, *above) = (*above, zero);
                }
            }
        }
        for (k, (v, &minus_factor)) in a.iter().zip(&minus_factors).enumerate().rev() {
            if let Some(one) = self.u.get_mut(k).and_then(|column| column.get_mut(k)) {
                *one = simd.splat(T::ONE);
            }
            if k + 1 < M {
                for column in self.u.iter_mut().skip(k) {
                    let along = minus_factor * dot(simd, v, column);
                    add_multiple(along, v, column);
                }
            }
        }
    }

    /// Turns three columns by the eigenvectors of `XᵀX`, as a formula gives them: what is left for the
    /// sweeps is what they lack in accuracy.
    #[inline(always)]
    fn start_near<T: Scalar, S: Simd<T, V = V>>(&mut self, simd: S)
    where
        V: Lanes<T>,
    {
        let mut square = [[simd.splat(T::ZERO); N]; N];
        for (j, (y, column)) in self.v.iter().zip(&mut square).enumerate() {
            for (x, entry) in self.v.iter().zip(column).skip(j) {
                *entry = dot(simd, x, y);
            }
        }
        let (_, mut turn, good) = closed::eigh_in_lanes(simd, &square);
        for (j, column) in turn.iter_mut().enumerate() {
            for (i, entry) in column.iter_mut().enumerate() {
                let none = simd.splat(if i == j { T::ONE } else { T::ZERO });
                *entry = V::select(good.gt(simd.splat(T::ZERO)), *entry, none);
            }
        }
        self.v = closed::combinations(simd, &self.v, &turn);
        self.u = closed::combinations(simd, &self.u, &turn);
    }

    /// Rotates pairs of columns of `X` and `W` until those of `X` are orthogonal. Returns 1 where
    /// they are and 0 elsewhere.
    #[inline(always)]
    fn sweep<T: Scalar, S: Simd<T, V = V>>(&mut self, simd: S) -> V
    where
        V: Lanes<T>,
    {
        // |cos| ≤ n·ε/2, with γ scaled so that its square is no subnormal number. What rounding leaves
        // in one of so many inner products is often more than the usual √n·ε/2.
        let threshold = simd.splat(T::from_usize(N * N));
        let up = simd.splat(T::exp2i(T::DIGITS));
        let (zero, one) = (simd.splat(T::ZERO), simd.splat(T::ONE));
        let mut still = zero;
        for _ in 0..MAX_SWEEPS {
            still = zero;
            for q in 1..N {
                let Some((x_left, x_right)) = self.v.split_at_mut_checked(q) else { return zero };
                let Some((w_left, w_right)) = self.u.split_at_mut_checked(q) else { return zero };
                let (Some(y), Some(z)) = (x_right.first_mut(), w_right.first_mut()) else {
                    return zero;
                };
                for (x, w) in x_left.iter_mut().zip(w_left) {
                    let (alpha, beta) = (dot(simd, x, x), dot(simd, y, y));
                    let gamma = dot(simd, x, y);
                    let scaled = gamma * up;
                    let turns = (scaled * scaled).gt(threshold * (alpha * beta));
                    if V::any(turns) {
                        still = V::select(turns, one, still);
                        let turn = angle(simd, turns, alpha, beta, gamma);
                        rotate(simd, turn, x, y);
                        rotate(simd, turn, w, z);
                    }
                }
            }
            self.sweeps += 1;
            if !V::any(still.gt(zero)) {
                break;
            }
        }
        V::select(still.gt(zero), zero, one)
    }

    /// Lengths, order, rows of `V` and signs. Returns 1 where no value is lost and 0 elsewhere.
    #[inline(always)]
    fn finish<T: Scalar, S: Simd<T, V = V>>(&mut self, simd: S, swaps: &[[V::Mask; N]; N]) -> V
    where
        V: Lanes<T>,
    {
        let (zero, one) = (simd.splat(T::ZERO), simd.splat(T::ONE));
        let mut largest = zero;
        let mut good = one;
        for (y, s) in self.v.iter_mut().zip(&mut self.s) {
            let length2 = dot(simd, y, y);
            largest = V::select(length2.gt(largest), length2, largest);
            *s = length2;
        }
        // Values below ε of the largest take care. Written so that NaN is no good.
        let limit = largest * simd.splat(T::exp2i(4 - 2 * T::DIGITS));
        for (y, s) in self.v.iter_mut().zip(&mut self.s) {
            good = V::select((*s).gt(limit), good, zero);
            *s = s.sqrt();
            let inverse = one / *s;
            for y in y {
                *y = *y * inverse;
            }
        }
        // Mostly in order already.
        for end in (1..N).rev() {
            for j in 0..end {
                let Some([s, t]) = self.s.get_mut(j..j + 2) else { return zero };
                let swap = (*t).gt(*s);
                if V::any(swap) {
                    exchange(swap, s, t);
                    if let Some([x, y]) = self.v.get_mut(j..j + 2) {
                        exchange_columns(swap, x, y);
                    }
                    if let Some([x, y]) = self.u.get_mut(j..j + 2) {
                        exchange_columns(swap, x, y);
                    }
                }
            }
        }
        for (y, w) in self.v.iter_mut().zip(&mut self.u) {
            // Row k of X belongs to column k of A·P.
            for (k, swaps) in swaps.iter().enumerate().rev() {
                let Some((pivot, others)) =
                    y.split_at_mut_checked(k).and_then(|(_, rest)| rest.split_first_mut())
                else {
                    return zero;
                };
                for (other, &swap) in others.iter_mut().zip(swaps.iter().skip(k + 1)).rev() {
                    exchange(swap, pivot, other);
                }
            }
            let sign = sign_of_largest(simd, y);
            set_sign(simd, sign, y);
            set_sign(simd, sign, w);
        }
        good
    }
}

/// `A = V·diag(values)·Vᵀ`; `a` is overwritten. Returns 1 where that was possible and 0 elsewhere.
#[inline(always)]
fn diagonalise<T: Scalar, S: Simd<T>, const N: usize>(
    simd: S,
    a: &mut Block<S::V, N, N>,
    v: &mut Block<S::V, N, N>,
    values: &mut [S::V; N],
) -> S::V {
    let (zero, one) = (simd.splat(T::ZERO), simd.splat(T::ONE));
    for (j, column) in v.iter_mut().enumerate() {
        if let Some(entry) = column.get_mut(j) {
            *entry = one;
        }
    }
    let mut size2 = zero;
    for column in a.iter() {
        size2 = size2 + dot(simd, column, column);
    }
    // What is below a quarter of ε of the whole matrix is left.
    let limit = size2 * simd.splat(T::exp2i(-2 * T::DIGITS - 2));
    let mut still = zero;
    for _ in 0..MAX_SWEEPS {
        still = zero;
        for q in 1..N {
            for p in 0..q {
                let Ok([x, y]) = a.get_disjoint_mut([p, q]) else { continue };
                let (Some(&alpha), Some(&beta), Some(&gamma)) = (x.get(p), y.get(q), y.get(p))
                else {
                    continue;
                };
                let turns = (gamma * gamma).gt(limit);
                if S::V::any(turns) {
                    still = S::V::select(turns, one, still);
                    let turn = angle(simd, turns, alpha, beta, gamma);
                    turn_both_sides(simd, turns, turn, a, p, q);
                    if let Ok([x, y]) = v.get_disjoint_mut([p, q]) {
                        rotate(simd, turn, x, y);
                    }
                }
            }
        }
        if !S::V::any(still.gt(zero)) {
            break;
        }
    }
    let mut good = S::V::select(still.gt(zero), zero, one);
    for (j, (value, column)) in values.iter_mut().zip(a.iter()).enumerate() {
        if let Some(&entry) = column.get(j) {
            *value = entry + zero;
            // Written so that NaN is no good.
            good = S::V::select(simd.splat(T::MAX).gt(entry.abs()), good, zero);
        }
    }
    descending_in_lanes(simd, values, v);
    good
}

/// `A ← Jᵀ·A·J` for the rotation of columns `p < q`, whose common entry becomes zero.
#[inline(always)]
fn turn_both_sides<T: Scalar, S: Simd<T>, const N: usize>(
    simd: S,
    turns: <S::V as Lanes<T>>::Mask,
    (c, s): (S::V, S::V),
    a: &mut Block<S::V, N, N>,
    p: usize,
    q: usize,
) {
    let zero = simd.splat(T::ZERO);
    let Ok([x, y]) = a.get_disjoint_mut([p, q]) else { return };
    let Some(&gamma) = y.get(p) else { return };
    let off = S::V::select(turns, zero, gamma);
    rotate(simd, (c, s), x, y);
    let Ok([xp, xq]) = x.get_disjoint_mut([p, q]) else { return };
    *xp = c.mul_add(*xp, zero - s * *xq);
    *xq = off;
    let Ok([yp, yq]) = y.get_disjoint_mut([p, q]) else { return };
    *yq = s.mul_add(*yp, c * *yq);
    *yp = off;
    // The rows are the columns again.
    for k in 0..N {
        if k != p && k != q {
            let (Some(&x), Some(&y)) =
                (a.get(p).and_then(|x| x.get(k)), a.get(q).and_then(|y| y.get(k)))
            else {
                return;
            };
            let Some(column) = a.get_mut(k) else { return };
            if let Some(entry) = column.get_mut(p) {
                *entry = x;
            }
            if let Some(entry) = column.get_mut(q) {
                *entry = y;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worked_batch() {
        let mut svds = [PackedSvd::default(); 3];
        let matrices = [[[3.0_f64, 1.0], [1.0, 3.0]], [[0.0; 2]; 2], [[0.0, 5.0], [2.0, 0.0]]];
        assert_eq!(svd_batch(&matrices, &mut svds), Ok(()));
        let wanted = [[4.0, 2.0], [0.0, 0.0], [5.0, 2.0]];
        for (f, want) in svds.iter().zip(wanted) {
            assert!(f.s.iter().zip(want).all(|(s, want)| (s - want).abs() < 1e-14), "{:?}", f.s);
        }
        let mut eighs = [PackedEigh::default(); 3];
        assert_eq!(eigh_batch(&matrices, &mut eighs), Ok(()));
        let [first, zero, _] = eighs;
        assert!(first.eigenvalues.iter().zip([4.0, 2.0]).all(|(l, want)| (l - want).abs() < 1e-14));
        assert_eq!(zero.eigenvalues, [0.0; 2]);
    }
}
