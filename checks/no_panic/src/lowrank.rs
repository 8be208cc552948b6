//! What follows from singular values and vectors.

use eigenmote::Mat;
use eigenmote::linalg::Svd;
use eigenmote::linalg::lowrank::*;

crate::export_both! {
    spectral_error_(s: &[T], k: &usize) -> T = spectral_error(s, *k);
    frobenius_error_(s: &[T], k: &usize) -> T = frobenius_error(s, *k);
    rank_for_error_(s: &[T], tolerance: &T) -> usize = rank_for_error(s, *tolerance);
    default_rcond_(rows: &usize, cols: &usize) -> T = default_rcond(*rows, *cols);
    numerical_rank_(s: &[T], rcond: &T) -> usize = numerical_rank(s, *rcond);
    condition_number_(s: &[T]) -> T = condition_number(s);

    svd_low_rank(f: &Svd<T, 8, 5>, k: &usize) -> Mat<T, 8, 5> = f.low_rank(*k);
    svd_low_rank_into(f: &Svd<T, 8, 5>, k: &usize, a: &mut Mat<T, 8, 5>) -> () = f.low_rank_into(*k, a);
    svd_rank(f: &Svd<T, 8, 5>, rcond: &Option<T>) -> usize = f.rank(*rcond);
    svd_condition_number(f: &Svd<T, 8, 5>) -> T = f.condition_number();
    svd_pseudo_inverse(f: &Svd<T, 8, 5>, rcond: &Option<T>) -> Result<Mat<T, 5, 8>, SolveError> =
        f.pseudo_inverse(*rcond);
    svd_pseudo_inverse_into(f: &Svd<T, 8, 5>, rcond: &Option<T>, a: &mut Mat<T, 5, 8>) -> Result<(), SolveError> =
        f.pseudo_inverse_into(*rcond, a);
    svd_solve(f: &Svd<T, 8, 5>, b: &[T; 8], rcond: &Option<T>) -> Result<Solution<T, 5>, SolveError> =
        f.solve(b, *rcond);
    svd_solve_transposed(f: &Svd<T, 8, 5>, b: &[T; 5], rcond: &Option<T>) -> Result<Solution<T, 8>, SolveError> =
        f.solve_transposed(b, *rcond);
}
