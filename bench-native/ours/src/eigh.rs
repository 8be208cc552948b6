//! Eigendecomposition of symmetric matrices.

use crate::NAME;
use abi::{Cell, Cols, Eigh, Real, Table};
use eigenmote::linalg;
use eigenmote::{Mat, Scalar};

/// Moves a result to its place.
pub(crate) fn store<T, const N: usize, E>(
    result: Result<linalg::Eigh<T, N>, E>,
    out: &mut Eigh<T, N>,
) -> bool {
    let Ok(f) = result else { return false };
    *out = Eigh { values: f.eigenvalues, vectors: f.eigenvectors.cols };
    true
}

/// Enters `eigh`.
pub fn add<T: Real + Scalar>(table: &mut Table) {
    macro_rules! eigh {
        ($table:ident, $t:ty, $n:literal) => {
            $table.add(
                NAME,
                Cell::new::<$t>("eigh", $n, $n),
                |a: &Cols<$t, $n, $n>, out: &mut Eigh<$t, $n>| {
                    store(linalg::eigh(&Mat::from_cols(*a)), out)
                },
            );
        };
    }
    abi::for_eigh_shapes!(eigh, table, T);
}
