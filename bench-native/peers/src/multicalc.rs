//! multicalc with sizes in the type, rows first. It has no singular values alone.

use abi::{Cell, Eigh, ROW_MAJOR, Real, Table};
use multicalc::linear_algebra::Matrix;
use multicalc::scalar::Numeric;

const NAME: &str = "multicalc";

/// As [`abi::Svd`], with matrices stored by rows.
#[repr(C)]
struct SvdByRows<T, const M: usize, const N: usize> {
    u: [[T; N]; M],
    s: [T; N],
    v: [[T; N]; N],
}

fn add_svd<T: Real + Numeric, const M: usize, const N: usize>(table: &mut Table) {
    table.add(
        NAME,
        Cell::new::<T>("svd", M, N).flags(ROW_MAJOR),
        |a: &[[T; N]; M], out: &mut SvdByRows<T, M, N>| {
            let Ok(f) = Matrix::new(*a).svd() else { return false };
            *out = SvdByRows {
                u: f.u().into_array(),
                s: f.singular_values().into_array(),
                v: f.v().into_array(),
            };
            true
        },
    );
}

fn add_eigh<T: Real + Numeric, const N: usize>(table: &mut Table) {
    table.add(
        NAME,
        Cell::new::<T>("eigh", N, N).flags(ROW_MAJOR),
        |a: &[[T; N]; N], out: &mut Eigh<T, N>| {
            let Ok(f) = Matrix::new(*a).symmetric_eigendecomposition() else { return false };
            *out = Eigh {
                values: f.eigenvalues().into_array(),
                vectors: f.eigenvectors().into_array(),
            };
            true
        },
    );
}

/// Enters `svd` and `symmetric_eigendecomposition`.
pub fn add<T: Real + Numeric>(table: &mut Table) {
    macro_rules! svd {
        ($table:ident, $t:ty, $m:literal, $n:literal) => {
            add_svd::<$t, $m, $n>($table);
        };
    }
    macro_rules! eigh {
        ($table:ident, $t:ty, $n:literal) => {
            add_eigh::<$t, $n>($table);
        };
    }
    abi::for_svd_shapes!(svd, table, T);
    abi::for_eigh_shapes!(eigh, table, T);
}
