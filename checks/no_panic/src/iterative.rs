//! Leading eigenpairs and singular triplets, and the operators they are found of.

use eigenmote::linalg::power::{
    self, Eigenpair, PowerError, TopEigenpairs, TopTriplets, Triplet, dominant_eigenpair_in_place,
    dominant_triplet_in_place, top_eigenpairs_in_place, top_triplets_in_place,
};
use eigenmote::linalg::truncated::{self, Triplets, TruncatedError, workspace_len};
use eigenmote::linalg::{
    Centered, Csr, Implicit, LinearOperator, dominant_eigenpair, dominant_triplet,
    operator::CsrError, top_eigenpairs, top_triplets, truncated_svd,
};
use eigenmote::{Mat, MatRef};

type Dense<T> = Mat<T, 9, 6>;
type Shifted<T> = Centered<'static, Dense<T>, T>;
type SparseShifted<T> = Centered<'static, Csr<'static, T>, T>;
type Product<T> = fn(&[T], &mut [T]);

crate::export_both! {
    power_options() -> power::Options<T> = power::Options::default();
    dominant_eigenpair_6(a: &Mat<T, 6, 6>, options: &power::Options<T>) -> Result<Eigenpair<T, 6>, PowerError> =
        dominant_eigenpair(a, options);
    dominant_eigenpair_in_place_5(a: &Mat<T, 5, 5>, vector: &mut [T; 5], options: &power::Options<T>)
        -> Result<(T, power::Info<T>), PowerError> = dominant_eigenpair_in_place(a, vector, options);
    dominant_triplet_7x4(a: &Mat<T, 7, 4>, options: &power::Options<T>) -> Result<Triplet<T, 7, 4>, PowerError> =
        dominant_triplet(a, options);
    dominant_triplet_in_place_3x8(a: &Mat<T, 3, 8>, u: &mut [T; 3], v: &mut [T; 8], options: &power::Options<T>)
        -> Result<(T, power::Info<T>), PowerError> = dominant_triplet_in_place(a, u, v, options);
    top_eigenpairs_8_3(a: &Mat<T, 8, 8>, options: &power::Options<T>)
        -> Result<TopEigenpairs<T, 8, 3>, PowerError> = top_eigenpairs(a, options);
    top_eigenpairs_in_place_5_5(
        a: &Mat<T, 5, 5>, vectors: &mut Mat<T, 5, 5>, values: &mut [T; 5], residuals: &mut [T; 5],
        options: &power::Options<T>
    ) -> Result<power::Info<T>, PowerError> = top_eigenpairs_in_place(a, vectors, values, residuals, options);
    top_triplets_9x5_2(a: &Mat<T, 9, 5>, options: &power::Options<T>)
        -> Result<TopTriplets<T, 9, 5, 2>, PowerError> = top_triplets(a, options);
    top_triplets_in_place_4x7_3(
        a: &Mat<T, 4, 7>, u: &mut Mat<T, 4, 3>, s: &mut [T; 3], v: &mut Mat<T, 7, 3>, residuals: &mut [T; 3],
        options: &power::Options<T>
    ) -> Result<power::Info<T>, PowerError> = top_triplets_in_place(a, u, s, v, residuals, options);

    truncated_options(rank: &usize) -> truncated::Options<T> = truncated::Options::new(*rank);
    truncated_workspace_len(rows: &usize, cols: &usize, options: &truncated::Options<T>) -> usize =
        workspace_len(*rows, *cols, options);
    truncated_svd_dense(
        a: &Dense<T>, out: &mut Triplets<'static, T>, work: &mut [T], options: &truncated::Options<T>
    ) -> Result<truncated::Info<T>, TruncatedError> = truncated_svd(a, out, work, options);
    truncated_svd_view(
        a: &MatRef<'static, T>, out: &mut Triplets<'static, T>, work: &mut [T], options: &truncated::Options<T>
    ) -> Result<truncated::Info<T>, TruncatedError> = truncated_svd(a, out, work, options);
    truncated_svd_sparse(
        a: &Csr<'static, T>, out: &mut Triplets<'static, T>, work: &mut [T], options: &truncated::Options<T>
    ) -> Result<truncated::Info<T>, TruncatedError> = truncated_svd(a, out, work, options);
    truncated_svd_centered(
        a: &Shifted<T>, out: &mut Triplets<'static, T>, work: &mut [T], options: &truncated::Options<T>
    ) -> Result<truncated::Info<T>, TruncatedError> = truncated_svd(a, out, work, options);
    truncated_svd_sparse_centered(
        a: &SparseShifted<T>, out: &mut Triplets<'static, T>, work: &mut [T], options: &truncated::Options<T>
    ) -> Result<truncated::Info<T>, TruncatedError> = truncated_svd(a, out, work, options);
    truncated_svd_implicit(
        a: &Implicit<Product<T>, Product<T>>, out: &mut Triplets<'static, T>, work: &mut [T],
        options: &truncated::Options<T>
    ) -> Result<truncated::Info<T>, TruncatedError> = truncated_svd(a, out, work, options);

    csr_new(rows: &usize, cols: &usize, row_ptr: &'static [u32], col_idx: &'static [u32], values: &'static [T])
        -> Result<Csr<'static, T>, CsrError> = Csr::new(*rows, *cols, row_ptr, col_idx, values);
    csr_sizes(a: &Csr<'static, T>) -> (usize, usize) = (a.rows(), a.cols());
    csr_apply(a: &Csr<'static, T>, x: &[T], y: &mut [T]) -> () = a.apply(x, y);
    csr_apply_transposed(a: &Csr<'static, T>, x: &[T], y: &mut [T]) -> () = a.apply_transposed(x, y);
    csr_frobenius_squared(a: &Csr<'static, T>, k: &i32) -> Option<T> = a.frobenius_squared(*k);
    dense_sizes(a: &Dense<T>) -> (usize, usize) = (LinearOperator::<T>::rows(a), LinearOperator::<T>::cols(a));
    dense_apply(a: &Dense<T>, x: &[T], y: &mut [T]) -> () = a.apply(x, y);
    dense_apply_transposed(a: &Dense<T>, x: &[T], y: &mut [T]) -> () = a.apply_transposed(x, y);
    dense_frobenius_squared(a: &Dense<T>, k: &i32) -> Option<T> = a.frobenius_squared(*k);
    matref_apply(a: &MatRef<'static, T>, x: &[T], y: &mut [T]) -> () = a.apply(x, y);
    matref_apply_transposed(a: &MatRef<'static, T>, x: &[T], y: &mut [T]) -> () = a.apply_transposed(x, y);
    matref_frobenius_squared(a: &MatRef<'static, T>, k: &i32) -> Option<T> = a.frobenius_squared(*k);
    centered_sizes(a: &Shifted<T>) -> (usize, usize) = (a.rows(), a.cols());
    centered_apply(a: &Shifted<T>, x: &[T], y: &mut [T]) -> () = a.apply(x, y);
    centered_apply_transposed(a: &Shifted<T>, x: &[T], y: &mut [T]) -> () = a.apply_transposed(x, y);
    centered_frobenius_squared(a: &Shifted<T>, k: &i32) -> Option<T> = a.frobenius_squared(*k);
    implicit_sizes(a: &Implicit<Product<T>, Product<T>>) -> (usize, usize) =
        (LinearOperator::<T>::rows(a), LinearOperator::<T>::cols(a));
    implicit_apply(a: &Implicit<Product<T>, Product<T>>, x: &[T], y: &mut [T]) -> () = a.apply(x, y);
    implicit_apply_transposed(a: &Implicit<Product<T>, Product<T>>, x: &[T], y: &mut [T]) -> () =
        LinearOperator::apply_transposed(a, x, y);
}
