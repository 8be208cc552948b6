//! Many small matrices in one call; the peers of these cells are loops over one matrix.

use crate::NAME;
use abi::{Cell, Cols, MANY, Real, Table};
use eigenmote::Scalar;
use eigenmote::linalg::{PackedEigh, PackedSvd, eigh_batch, svd_batch};

fn add_svd_of<T: Real + Scalar, const N: usize>(table: &mut Table) {
    table.add(
        NAME,
        Cell::new::<T>("svd batch", N, N).rank(MANY),
        |a: &[Cols<T, N, N>; MANY], out: &mut [PackedSvd<T, N, N>; MANY]| svd_batch(a, out).is_ok(),
    );
}

fn add_eigh_of<T: Real + Scalar, const N: usize>(table: &mut Table) {
    table.add(
        NAME,
        Cell::new::<T>("eigh batch", N, N).rank(MANY),
        |a: &[Cols<T, N, N>; MANY], out: &mut [PackedEigh<T, N>; MANY]| eigh_batch(a, out).is_ok(),
    );
}

/// Enters `svd_batch`.
pub fn add_svd<T: Real + Scalar>(table: &mut Table) {
    add_svd_of::<T, 2>(table);
    add_svd_of::<T, 3>(table);
    add_svd_of::<T, 4>(table);
    add_svd_of::<T, 6>(table);
    add_svd_of::<T, 8>(table);
}

/// Enters `eigh_batch`.
pub fn add_eigh<T: Real + Scalar>(table: &mut Table) {
    add_eigh_of::<T, 2>(table);
    add_eigh_of::<T, 3>(table);
    add_eigh_of::<T, 4>(table);
    add_eigh_of::<T, 6>(table);
    add_eigh_of::<T, 8>(table);
}
