//! Decompositions: singular values, eigenvalues, QR, and what follows from them.

pub mod batch;
mod bidiagonal;
mod block;
pub mod closed;
pub mod eigh;
pub mod jacobi;
mod leading;
pub mod lowrank;
pub mod operator;
pub mod power;
pub mod procrustes;
pub mod qr;
pub(crate) mod rows;
pub mod svd;
mod sweep;
mod tridiagonal;
pub mod truncated;

pub use batch::{BatchError, PackedEigh, PackedSvd, eigh_batch, svd_batch};
pub use eigh::{Eigh, EighError, eigenvalues, eigh, eigh_in_place, eigh_view};
pub use operator::{Centered, Csr, Implicit, LinearOperator};
pub use qr::{Qr, QrError, qr};

pub use power::{dominant_eigenpair, dominant_triplet, top_eigenpairs, top_triplets};
pub use svd::{Svd, SvdError, SvdState, singular_values, svd, svd_in_place, svd_with};
pub use truncated::truncated_svd;

use crate::mat::Columns;
use crate::scalar::Scalar;

/// `x[i]`, or the default value outside: an access that cannot panic.
#[inline(always)]
pub(crate) fn at<T: Copy + Default>(x: &[T], i: usize) -> T {
    x.get(i).copied().unwrap_or_default()
}

/// `x[i] = value`, or nothing outside.
#[inline(always)]
fn put<T>(x: &mut [T], i: usize, value: T) {
    if let Some(slot) = x.get_mut(i) {
        *slot = value;
    }
}

/// Copies as many values as both have.
#[inline(always)]
pub(crate) fn copy<T: Copy>(from: &[T], to: &mut [T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = from;
    }
}

/// Swaps `x[i]` and `x[j]`, or does nothing outside.
#[inline(always)]
fn swap<T: Copy + Default>(x: &mut [T], i: usize, j: usize) {
    let (a, b) = (at(x, i), at(x, j));
    put(x, i, b);
    put(x, j, a);
}

/// Swaps two columns.
#[inline(always)]
fn swap_cols<T: Scalar>(a: &mut impl Columns<T>, i: usize, j: usize) {
    if i != j {
        let (x, y) = a.pair_mut(i, j);
        exchange(x, y);
    }
}

/// Exchanges as many values as both have.
#[inline(always)]
fn exchange<T>(x: &mut [T], y: &mut [T]) {
    for (x, y) in x.iter_mut().zip(y) {
        core::mem::swap(x, y);
    }
}

/// Makes the entry of largest magnitude positive, the first one if several tie. Returns whether
/// the sign was changed.
#[inline]
pub(crate) fn fix_sign<T: Scalar>(x: &mut [T]) -> bool {
    let largest = crate::simd::max_abs(x);
    let flip = x.iter().find(|v| v.abs() == largest).is_some_and(|&v| v < T::ZERO);
    if flip {
        for v in x {
            *v = -*v;
        }
    }
    flip
}

/// The largest exponent among the columns' entries, for scaling a matrix to mid-range.
#[inline]
fn max_exponent<T: Scalar>(x: &[T]) -> Option<i32> {
    let largest = crate::simd::max_abs(x);
    (largest > T::ZERO).then(|| largest.exponent())
}
