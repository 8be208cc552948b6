//! Reference results in `f64` and the errors measured against them.

use eigenmote::mat::Columns;
use eigenmote::{Mat, Scalar};

/// The entries as `f64`, exact.
pub fn to_faer<T: Scalar>(a: &impl Columns<T>) -> faer::Mat<f64> {
    faer::Mat::from_fn(a.rows(), a.cols(), |i, j| a.col(j)[i].to_f64())
}

/// All singular values, descending.
pub fn singular_values<T: Scalar>(a: &impl Columns<T>) -> Vec<f64> {
    to_faer(a).singular_values().unwrap()
}

/// Eigenvalues of a symmetric matrix by descending magnitude.
pub fn eigenvalues_by_magnitude<T: Scalar>(a: &impl Columns<T>) -> Vec<f64> {
    let mut values = to_faer(a).self_adjoint_eigenvalues(faer::Side::Lower).unwrap();
    values.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
    values
}

/// `‖VᵀV − I‖_max`.
pub fn orthogonality<T: Scalar>(v: &impl Columns<T>) -> f64 {
    let v = to_faer(v);
    let gram = v.transpose() * &v;
    let mut worst = 0.0_f64;
    for j in 0..gram.ncols() {
        for i in 0..gram.nrows() {
            worst = worst.max((gram[(i, j)] - f64::from(i == j)).abs());
        }
    }
    worst
}

/// The larger of `‖A·v − s·u‖` and `‖Aᵀ·u − s·v‖`.
pub fn triplet_residual<T: Scalar>(a: &impl Columns<T>, u: &[T], s: T, v: &[T]) -> f64 {
    let a = to_faer(a);
    let column = |x: &[T]| faer::Mat::from_fn(x.len(), 1, |i, _| x[i].to_f64());
    let (u, v) = (column(u), column(v));
    let left = &a * &v - faer::Scale(s.to_f64()) * &u;
    let right = a.transpose() * &u - faer::Scale(s.to_f64()) * &v;
    left.norm_l2().max(right.norm_l2())
}

/// `U·diag(s)·Vᵀ` with `f64` arithmetic from columns.
pub fn compose<T: Scalar, const M: usize, const N: usize, const K: usize>(
    u: &Mat<f64, M, K>,
    s: &[f64; K],
    v: &Mat<f64, N, K>,
) -> Mat<T, M, N> {
    Mat::from_fn(|i, j| {
        T::from_f64((0..K).map(|k| u.cols[k][i] * s[k] * v.cols[k][j]).sum::<f64>())
    })
}
