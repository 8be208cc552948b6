//! Residuals and orthogonality of factors.

use crate::cell::Cell;
use crate::problems::spectrum;

/// A matrix as some contender stored it.
#[derive(Clone, Copy)]
struct View<'a> {
    data: &'a [f64],
    rows: usize,
    cols: usize,
    by_rows: bool,
}

impl View<'_> {
    fn at(&self, i: usize, j: usize) -> f64 {
        if self.by_rows { self.data[i * self.cols + j] } else { self.data[i + j * self.rows] }
    }

    /// `‖QᵀQ − I‖` for the first `k` columns, the largest entry.
    fn orthogonality_error(&self, k: usize) -> f64 {
        let mut worst = 0.0_f64;
        for p in 0..k {
            for q in 0..=p {
                let dot: f64 = (0..self.rows).map(|i| self.at(i, p) * self.at(i, q)).sum();
                worst = max(worst, (dot - f64::from(u8::from(p == q))).abs());
            }
        }
        worst
    }
}

/// NaN wins.
fn max(a: f64, b: f64) -> f64 {
    if a >= b { a } else { b }
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn descends(s: &[f64]) -> bool {
    s.is_sorted_by(|a, b| a >= b) && s.last().is_none_or(|&s| s >= 0.0)
}

/// `‖A − U·diag(s)·Vᵀ‖/‖A‖`.
fn residual(a: View, u: View, s: &[f64], v: View) -> f64 {
    let mut sum = 0.0;
    for j in 0..a.cols {
        for i in 0..a.rows {
            let rebuilt: f64 = s.iter().enumerate().map(|(k, s)| u.at(i, k) * s * v.at(j, k)).sum();
            sum += (a.at(i, j) - rebuilt).powi(2);
        }
    }
    sum.sqrt() / norm(a.data)
}

/// `A`, `U`, `s` and `V` of a result with `k` triplets.
fn factors<'a>(
    cell: &Cell,
    flags: u32,
    a: &'a [f64],
    out: &'a [f64],
    k: usize,
) -> (View<'a>, View<'a>, &'a [f64], View<'a>) {
    let (rows, n) = (cell.rows, cell.cols);
    let (u, rest) = out.split_at(rows * k);
    let (s, v) = rest.split_at(k);
    let by_rows = flags & abi::ROW_MAJOR != 0;
    let v_by_rows = by_rows != (flags & abi::V_TRANSPOSED != 0);
    let a = View { data: a, rows, cols: n, by_rows: false };
    let u = View { data: u, rows, cols: k, by_rows };
    (a, u, s, View { data: v, rows: n, cols: k, by_rows: v_by_rows })
}

/// Of a thin SVD.
pub fn svd_error(cell: &Cell, flags: u32, a: &[f64], out: &[f64]) -> f64 {
    let n = cell.cols;
    let (a, u, s, v) = factors(cell, flags, a, out, n);
    if !descends(s) {
        return f64::INFINITY;
    }
    max(max(u.orthogonality_error(n), v.orthogonality_error(n)), residual(a, u, s, v))
}

/// Of the leading triplets, of which the contender returned `given`.
pub fn leading_error(cell: &Cell, flags: u32, a: &[f64], out: &[f64], given: usize) -> f64 {
    let (a, u, s, v) = factors(cell, flags, a, out, given);
    let (k, n) = (cell.rank, cell.cols);
    if !descends(s) {
        return f64::INFINITY;
    }
    let mut worst = max(u.orthogonality_error(k), v.orthogonality_error(k));
    for (l, (&s, exact)) in s.iter().zip(spectrum(cell.routine, n)).enumerate().take(k) {
        let (mut left, mut right) = (0.0, 0.0);
        for i in 0..n {
            let av: f64 = (0..n).map(|j| a.at(i, j) * v.at(j, l)).sum();
            let atu: f64 = (0..n).map(|j| a.at(j, i) * u.at(j, l)).sum();
            left += (av - s * u.at(i, l)).powi(2);
            right += (atu - s * v.at(i, l)).powi(2);
        }
        // The largest value is 1.
        worst = max(max(worst, (s - exact).abs()), max(left.sqrt(), right.sqrt()));
    }
    worst
}

/// Of an eigendecomposition.
pub fn eigh_error(n: usize, flags: u32, a: &[f64], out: &[f64]) -> f64 {
    let (values, vectors) = out.split_at(n);
    let a = View { data: a, rows: n, cols: n, by_rows: false };
    let q = View { data: vectors, rows: n, cols: n, by_rows: flags & abi::ROW_MAJOR != 0 };
    max(q.orthogonality_error(n), residual(a, q, values, q))
}

/// `Σs² = ‖A‖²` and the same for the fourth powers, `‖AᵀA‖²`.
pub fn values_error(a: &[f64], s: &[f64]) -> f64 {
    let n = s.len();
    if !descends(s) {
        return f64::INFINITY;
    }
    let column = |j: usize| &a[j * n..(j + 1) * n];
    let dot = |p, q| -> f64 { column(p).iter().zip(column(q)).map(|(x, y)| x * y).sum() };
    let fourths: f64 = (0..n * n).map(|k| dot(k / n, k % n).powi(2)).sum();
    let power = |k: i32| s.iter().map(|s| s.powi(k)).sum::<f64>();
    max((power(2) / norm(a).powi(2) - 1.0).abs(), (power(4) / fourths - 1.0).abs())
}
