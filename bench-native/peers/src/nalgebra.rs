//! nalgebra's decompositions, with sizes in the type.
//!
//! Its SVD loses half the digits of an occasional matrix: 1 of 64 normal ones of 64×8 in `f32`.

use abi::{Cell, Cols, Eigh, HALF_DIGITS, Real, Svd, Table, V_TRANSPOSED};
use nalgebra::{ArrayStorage, DMatrix, RealField, SMatrix};

const NAME: &str = "nalgebra";

/// Sizes above 127 cannot be in the type: nalgebra has no arithmetic for them.
fn add_dynamic_svd<T: Real + RealField, const M: usize, const N: usize>(table: &mut Table) {
    table.add(
        NAME,
        Cell::new::<T>("svd", M, N).flags(V_TRANSPOSED | HALF_DIGITS),
        |a: &Cols<T, M, N>, out: &mut Svd<T, M, N>| {
            let f = DMatrix::from_column_slice(M, N, a.as_flattened()).svd(true, true);
            let (Some(u), Some(v)) = (f.u, f.v_t) else { return false };
            out.u.as_flattened_mut().copy_from_slice(u.as_slice());
            out.s.copy_from_slice(f.singular_values.as_slice());
            out.v.as_flattened_mut().copy_from_slice(v.as_slice());
            true
        },
    );
}

fn matrix<T, const M: usize, const N: usize>(a: Cols<T, M, N>) -> SMatrix<T, M, N> {
    SMatrix::from_data(ArrayStorage(a))
}

/// Enters `svd`, `singular_values` and `symmetric_eigen`.
pub fn add<T: Real + RealField>(table: &mut Table) {
    macro_rules! svd {
        ($table:ident, $t:ty, 128, 16) => {
            add_dynamic_svd::<$t, 128, 16>($table);
        };
        ($table:ident, $t:ty, 256, 32) => {
            add_dynamic_svd::<$t, 256, 32>($table);
        };
        ($table:ident, $t:ty, $m:literal, $n:literal) => {
            $table.add(
                NAME,
                Cell::new::<$t>("svd", $m, $n).flags(V_TRANSPOSED | HALF_DIGITS),
                |a: &Cols<$t, $m, $n>, out: &mut Svd<$t, $m, $n>| {
                    let f = matrix(*a).svd(true, true);
                    let (Some(u), Some(v)) = (f.u, f.v_t) else { return false };
                    *out = Svd { u: u.data.0, s: f.singular_values.data.0[0], v: v.data.0 };
                    true
                },
            );
        };
    }
    abi::for_svd_shapes!(svd, table, T);

    macro_rules! values {
        ($table:ident, $t:ty, $n:literal) => {
            $table.add(
                NAME,
                Cell::new::<$t>("singular values", $n, $n).flags(HALF_DIGITS),
                |a: &Cols<$t, $n, $n>, out: &mut [$t; $n]| {
                    *out = matrix(*a).singular_values().data.0[0];
                    true
                },
            );
        };
    }
    abi::for_values_shapes!(values, table, T);

    macro_rules! eigh {
        ($table:ident, $t:ty, $n:literal) => {
            $table.add(
                NAME,
                Cell::new::<$t>("eigh", $n, $n),
                |a: &Cols<$t, $n, $n>, out: &mut Eigh<$t, $n>| {
                    let f = matrix(*a).symmetric_eigen();
                    *out = Eigh { values: f.eigenvalues.data.0[0], vectors: f.eigenvectors.data.0 };
                    true
                },
            );
        };
    }
    abi::for_eigh_shapes!(eigh, table, T);
}
