//! numeris with sizes in the type, up to 16: the compiler takes minutes over larger ones.

use abi::{Cell, Cols, Eigh, Real, Svd, Table, V_TRANSPOSED};
use numeris::FloatScalar;
use numeris::Matrix;

const NAME: &str = "numeris";

/// From columns; the library's own constructor takes rows.
fn matrix<T: FloatScalar, const M: usize, const N: usize>(a: &Cols<T, M, N>) -> Matrix<T, M, N> {
    let mut matrix = Matrix::zeros();
    for (j, column) in a.iter().enumerate() {
        matrix.col_slice_mut(j).copy_from_slice(column);
    }
    matrix
}

fn store<T: FloatScalar, const M: usize, const N: usize, const K: usize>(
    a: &Matrix<T, M, N>,
    out: &mut Cols<T, M, K>,
) {
    for (j, column) in out.iter_mut().enumerate() {
        column.copy_from_slice(a.col_slice(j));
    }
}

fn add_svd<T: Real + FloatScalar, const M: usize, const N: usize>(table: &mut Table) {
    table.add(
        NAME,
        Cell::new::<T>("svd", M, N).flags(V_TRANSPOSED),
        |a: &Cols<T, M, N>, out: &mut Svd<T, M, N>| {
            let Ok(f) = matrix(a).svd() else { return false };
            store(f.u(), &mut out.u);
            out.s = *f.singular_values();
            store(f.vt(), &mut out.v);
            true
        },
    );
}

fn add_values<T: Real + FloatScalar, const N: usize>(table: &mut Table) {
    table.add(
        NAME,
        Cell::new::<T>("singular values", N, N),
        |a: &Cols<T, N, N>, out: &mut [T; N]| {
            matrix(a).singular_values_only().map(|s| *out = s).is_ok()
        },
    );
}

fn add_eigh<T: Real + FloatScalar, const N: usize>(table: &mut Table) {
    table.add(NAME, Cell::new::<T>("eigh", N, N), |a: &Cols<T, N, N>, out: &mut Eigh<T, N>| {
        let Ok(f) = matrix(a).eig_symmetric() else { return false };
        out.values = *f.eigenvalues();
        store(f.eigenvectors(), &mut out.vectors);
        true
    });
}

/// Enters `svd`, `singular_values_only` and `eig_symmetric`.
pub fn add<T: Real + FloatScalar>(table: &mut Table) {
    macro_rules! all {
        ($table:ident, $t:ty, $n:literal) => {
            add_svd::<$t, $n, $n>($table);
            add_eigh::<$t, $n>($table);
        };
    }
    abi::for_small_shapes!(all, table, T);
    add_values::<T, 8>(table);
    add_values::<T, 16>(table);
}
