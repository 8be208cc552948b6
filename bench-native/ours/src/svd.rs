//! Singular value decomposition.
//!
//! A problem is copied to a [`Mat`], which has an alignment of its own.

use crate::NAME;
use abi::{Cell, Cols, Real, Svd, Table};
use eigenmote::linalg;
use eigenmote::{Mat, Scalar};

/// Moves a result to its place.
pub(crate) fn store<T, const M: usize, const N: usize, E>(
    result: Result<linalg::Svd<T, M, N>, E>,
    out: &mut Svd<T, M, N>,
) -> bool {
    let Ok(f) = result else { return false };
    *out = Svd { u: f.u.cols, s: f.s, v: f.v.cols };
    true
}

/// Enters `svd` and `singular_values`.
pub fn add<T: Real + Scalar>(table: &mut Table) {
    macro_rules! svd {
        ($table:ident, $t:ty, $m:literal, $n:literal) => {
            $table.add(
                NAME,
                Cell::new::<$t>("svd", $m, $n),
                |a: &Cols<$t, $m, $n>, out: &mut Svd<$t, $m, $n>| {
                    store(linalg::svd(&Mat::from_cols(*a)), out)
                },
            );
        };
    }
    abi::for_svd_shapes!(svd, table, T);

    macro_rules! values {
        ($table:ident, $t:ty, $n:literal) => {
            $table.add(
                NAME,
                Cell::new::<$t>("singular values", $n, $n),
                |a: &Cols<$t, $n, $n>, out: &mut [$t; $n]| {
                    linalg::singular_values(&Mat::from_cols(*a)).map(|s| *out = s).is_ok()
                },
            );
        };
    }
    abi::for_values_shapes!(values, table, T);
}
