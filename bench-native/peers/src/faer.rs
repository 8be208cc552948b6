//! faer through its low-level interface, which works in memory that is allocated once.

use abi::{Cell, Cols, Eigh, Real, Svd, Table};
use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{self, ComputeEigenvectors};
use faer::linalg::svd::{self, ComputeSvdVectors};
use faer::traits::ComplexField;
use faer::{MatMut, MatRef, Par};

const NAME: &str = "faer";

fn view<T, const M: usize, const N: usize>(a: &Cols<T, M, N>) -> MatRef<'_, T> {
    MatRef::from_column_major_slice(a.as_flattened(), M, N)
}

fn view_mut<T, const M: usize, const N: usize>(a: &mut Cols<T, M, N>) -> MatMut<'_, T> {
    MatMut::from_column_major_slice_mut(a.as_flattened_mut(), M, N)
}

fn svd_memory<T: ComplexField>(rows: usize, cols: usize, vectors: ComputeSvdVectors) -> MemBuffer {
    let params = Default::default();
    MemBuffer::new(svd::svd_scratch::<T>(rows, cols, vectors, vectors, Par::Seq, params))
}

fn add_svd<T: Real + ComplexField<Real = T>, const M: usize, const N: usize>(table: &mut Table) {
    table.add_with_state(
        NAME,
        Cell::new::<T>("svd", M, N),
        |(): &()| svd_memory::<T>(M, N, ComputeSvdVectors::Thin),
        |memory: &mut MemBuffer, a: &Cols<T, M, N>, out: &mut Svd<T, M, N>| {
            let (u, v) = (view_mut(&mut out.u), view_mut(&mut out.v));
            let s = DiagMut::from_slice_mut(&mut out.s);
            let stack = MemStack::new(memory);
            svd::svd(view(a), s, Some(u), Some(v), Par::Seq, stack, Default::default()).is_ok()
        },
    );
}

fn add_values<T: Real + ComplexField<Real = T>, const N: usize>(table: &mut Table) {
    table.add_with_state(
        NAME,
        Cell::new::<T>("singular values", N, N),
        |(): &()| svd_memory::<T>(N, N, ComputeSvdVectors::No),
        |memory: &mut MemBuffer, a: &Cols<T, N, N>, out: &mut [T; N]| {
            let (s, stack) = (DiagMut::from_slice_mut(out), MemStack::new(memory));
            svd::svd(view(a), s, None, None, Par::Seq, stack, Default::default()).is_ok()
        },
    );
}

fn add_eigh<T: Real + ComplexField<Real = T>, const N: usize>(table: &mut Table) {
    table.add_with_state(
        NAME,
        Cell::new::<T>("eigh", N, N),
        |(): &()| {
            let (vectors, params) = (ComputeEigenvectors::Yes, Default::default());
            MemBuffer::new(evd::self_adjoint_evd_scratch::<T>(N, vectors, Par::Seq, params))
        },
        |memory: &mut MemBuffer, a: &Cols<T, N, N>, out: &mut Eigh<T, N>| {
            let (values, vectors) = (&mut out.values, view_mut(&mut out.vectors));
            let (s, stack) = (DiagMut::from_slice_mut(values), MemStack::new(memory));
            let params = Default::default();
            evd::self_adjoint_evd(view(a), s, Some(vectors), Par::Seq, stack, params).is_ok()
        },
    );
}

/// Enters `svd`, without vectors too, and `self_adjoint_evd`.
pub fn add<T: Real + ComplexField<Real = T>>(table: &mut Table) {
    macro_rules! svd {
        ($table:ident, $t:ty, $m:literal, $n:literal) => {
            add_svd::<$t, $m, $n>($table);
        };
    }
    macro_rules! values {
        ($table:ident, $t:ty, $n:literal) => {
            add_values::<$t, $n>($table);
        };
    }
    macro_rules! eigh {
        ($table:ident, $t:ty, $n:literal) => {
            add_eigh::<$t, $n>($table);
        };
    }
    abi::for_svd_shapes!(svd, table, T);
    abi::for_values_shapes!(values, table, T);
    abi::for_eigh_shapes!(eigh, table, T);
}
