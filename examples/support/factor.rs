//! Factors of matrices and maps of vectors, in memory that grows.
#![allow(dead_code, reason = "no example uses all of it")]

use std::error::Error;

use eigenmote::embed::nearest::center_rows;
use eigenmote::linalg::LinearOperator;
use eigenmote::linalg::truncated::{Options, Triplets, truncated_svd, workspace_len};
use eigenmote::{MatRef, Scalar};

/// Left vectors, values and right vectors.
pub(crate) type Triples<T> = (Vec<T>, Vec<T>, Vec<T>);

/// `k` left vectors, values and right vectors of a matrix.
pub(crate) fn factorise<T: Scalar>(
    a: &impl LinearOperator<T>,
    k: usize,
) -> Result<Triples<T>, Box<dyn Error>> {
    factorise_within(a, k, None)
}

/// [`factorise`] with residuals within a tolerance, relative to the first value.
pub(crate) fn factorise_within<T: Scalar>(
    a: &impl LinearOperator<T>,
    k: usize,
    tolerance: Option<T>,
) -> Result<Triples<T>, Box<dyn Error>> {
    let options = Options { tolerance, ..Options::new(k) };
    let (rows, cols) = (a.rows(), a.cols());
    let (mut u, mut s, mut v) =
        (vec![T::ZERO; rows * k], vec![T::ZERO; k], vec![T::ZERO; cols * k]);
    let (mut residuals, mut work) =
        (vec![T::ZERO; k], vec![T::ZERO; workspace_len(rows, cols, &options)]);
    let mut out = Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
    let _ = truncated_svd(a, &mut out, &mut work, &options)?;
    Ok((u, s, v))
}

/// Two principal components of rows of `dim` values.
pub(crate) fn plane(rows: &[f64], dim: usize) -> Result<Vec<[f64; 2]>, Box<dyn Error>> {
    let (mut centred, mut mean) = (rows.to_vec(), vec![0.0; dim]);
    center_rows(&mut centred, &mut mean);
    // One row after the other is the transposed matrix, column by column.
    let n = rows.len() / dim;
    let a = MatRef::new(&centred, dim, n).ok_or("no rows")?;
    let (_, s, v) = factorise(&a, 2)?;
    Ok((0..n).map(|i| [s[0] * v[i], s[1] * v[n + i]]).collect())
}
