//! A small matrix in each place of a register: the steps that batches and formulas share.

use super::copy;
use crate::scalar::Scalar;
use crate::simd::{Lanes, MAX_LANES, Simd};

/// A matrix in each place of a register.
pub(super) type Block<V, const M: usize, const N: usize> = [[V; M]; N];

/// Largest exponent, up or down, with which a matrix is worked on as it is: fourth powers of its
/// values are then normal numbers.
#[inline(always)]
pub(super) const fn reach<T: Scalar>() -> i32 {
    T::MAX_EXP / 16
}

/// The same entries in an array of another size, for sizes that are known to be equal where it is
/// compiled.
#[inline(always)]
pub(super) fn resize<V: Copy, const M: usize, const N: usize, const P: usize, const Q: usize>(
    from: &Block<V, M, N>,
    to: &mut Block<V, P, Q>,
) {
    for (from, to) in from.iter().zip(to) {
        copy(from, to);
    }
}

/// A matrix in every place.
#[inline(always)]
pub(super) fn in_every_place<
    T: Scalar,
    S: Simd<T>,
    const M: usize,
    const N: usize,
    const P: usize,
    const Q: usize,
>(
    simd: S,
    matrix: &[[T; M]; N],
    block: &mut Block<S::V, P, Q>,
) {
    for (from, to) in matrix.iter().zip(block) {
        for (&from, to) in from.iter().zip(to) {
            *to = simd.splat(from);
        }
    }
}

/// The matrix in the first place.
#[inline(always)]
pub(super) fn firsts<
    T: Scalar,
    V: Lanes<T>,
    const M: usize,
    const N: usize,
    const P: usize,
    const Q: usize,
>(
    block: &Block<V, M, N>,
    matrix: &mut [[T; P]; Q],
) {
    for (from, to) in block.iter().zip(matrix) {
        first_of(from, to);
    }
}

/// The column in the first place.
#[inline(always)]
pub(super) fn first_of<T: Scalar, V: Lanes<T>>(column: &[V], out: &mut [T]) {
    for (&from, to) in column.iter().zip(out) {
        *to = first(from);
    }
}

/// The value in the first place.
#[inline(always)]
pub(super) fn first<T: Scalar, V: Lanes<T>>(v: V) -> T {
    let mut lanes = [T::ZERO; MAX_LANES];
    v.store(&mut lanes);
    let [first, ..] = lanes;
    first
}

/// `Σ xᵢ·yᵢ`, in order.
#[inline(always)]
pub(super) fn dot<T: Scalar, S: Simd<T>, const M: usize>(
    simd: S,
    x: &[S::V; M],
    y: &[S::V; M],
) -> S::V {
    let mut sum = simd.splat(T::ZERO);
    for (&x, &y) in x.iter().zip(y) {
        sum = x.mul_add(y, sum);
    }
    sum
}

/// `y ← y + a·x`.
#[inline(always)]
pub(super) fn add_multiple<T: Scalar, V: Lanes<T>, const M: usize>(
    a: V,
    x: &[V; M],
    y: &mut [V; M],
) {
    for (&x, y) in x.iter().zip(y) {
        *y = a.mul_add(x, *y);
    }
}

/// Exchanges two values where the mask holds.
#[inline(always)]
pub(super) fn exchange<T: Scalar, V: Lanes<T>>(mask: V::Mask, x: &mut V, y: &mut V) {
    let (a, b) = (*x, *y);
    (*x, *y) = (V::select(mask, b, a), V::select(mask, a, b));
}

/// Exchanges two columns where the mask holds.
#[inline(always)]
pub(super) fn exchange_columns<T: Scalar, V: Lanes<T>, const M: usize>(
    mask: V::Mask,
    x: &mut [V; M],
    y: &mut [V; M],
) {
    for (x, y) in x.iter_mut().zip(y) {
        exchange(mask, x, y);
    }
}

/// ±1 with the sign of the entry of largest magnitude, the first one if several tie.
#[inline(always)]
pub(super) fn sign_of_largest<T: Scalar, S: Simd<T>, const M: usize>(
    simd: S,
    x: &[S::V; M],
) -> S::V {
    let (mut lead, mut size) = (simd.splat(T::ZERO), simd.splat(T::ZERO));
    for &v in x {
        let longer = v.abs().gt(size);
        lead = S::V::select(longer, v, lead);
        size = S::V::select(longer, v.abs(), size);
    }
    simd.splat(T::ONE).copysign(lead)
}

/// `x ← sign·x`, with zeros that are all positive: their sign depends on whether a neighbour turned.
#[inline(always)]
pub(super) fn set_sign<T: Scalar, S: Simd<T>, const M: usize>(
    simd: S,
    sign: S::V,
    x: &mut [S::V; M],
) {
    for v in x {
        *v = v.mul_add(sign, simd.splat(T::ZERO));
    }
}

/// Puts the values in descending order, their vectors with them, and fixes the signs of these.
#[inline(always)]
pub(super) fn descending_in_lanes<T: Scalar, S: Simd<T>, const M: usize, const N: usize>(
    simd: S,
    values: &mut [S::V; N],
    vectors: &mut Block<S::V, M, N>,
) {
    for end in (1..N).rev() {
        for j in 0..end {
            let Some([s, t]) = values.get_mut(j..j + 2) else { continue };
            let swap = (*t).gt(*s);
            // Of few columns the exchange costs less than the question.
            if N <= 3 || S::V::any(swap) {
                exchange(swap, s, t);
                if let Some([x, y]) = vectors.get_mut(j..j + 2) {
                    exchange_columns(swap, x, y);
                }
            }
        }
    }
    for column in vectors {
        let sign = sign_of_largest(simd, column);
        set_sign(simd, sign, column);
    }
}
