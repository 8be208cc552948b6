//! Decompositions by formula.

use crate::{eigh, named, svd};
use abi::{Cell, Cols, Eigh, Real, Svd, Table};
use eigenmote::linalg::closed;
use eigenmote::{Mat, Scalar};

/// Enters `svd_2x2` and `svd_3x3`.
pub fn add_svd<T: Real + Scalar>(table: &mut Table) {
    table.add(
        &named("closed"),
        Cell::new::<T>("closed svd", 2, 2),
        |a: &Cols<T, 2, 2>, out: &mut Svd<T, 2, 2>| {
            svd::store(closed::svd_2x2(&Mat::from_cols(*a)), out)
        },
    );
    table.add(
        &named("closed"),
        Cell::new::<T>("closed svd", 3, 3),
        |a: &Cols<T, 3, 3>, out: &mut Svd<T, 3, 3>| {
            svd::store(closed::svd_3x3(&Mat::from_cols(*a)), out)
        },
    );
}

/// Enters `eigh_2x2` and `eigh_3x3`.
pub fn add_eigh<T: Real + Scalar>(table: &mut Table) {
    table.add(
        &named("closed"),
        Cell::new::<T>("closed eigh", 2, 2),
        |a: &Cols<T, 2, 2>, out: &mut Eigh<T, 2>| {
            eigh::store(closed::eigh_2x2(&Mat::from_cols(*a)), out)
        },
    );
    table.add(
        &named("closed"),
        Cell::new::<T>("closed eigh", 3, 3),
        |a: &Cols<T, 3, 3>, out: &mut Eigh<T, 3>| {
            eigh::store(closed::eigh_3x3(&Mat::from_cols(*a)), out)
        },
    );
}
