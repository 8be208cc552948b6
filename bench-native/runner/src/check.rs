//! Is the answer right? Nobody is timed who has not shown that.

use crate::problems::{Problems, Routine};
use crate::table::{Cell, Contender};
use anyhow::{Result, bail, ensure};

/// Multiples of `√(rows)·columns·ε` that residuals and orthogonality may be off by.
const SLACK: f64 = 8.0;

/// Lets the contender solve every problem and looks at the results.
pub fn check(cell: &Cell, contender: &Contender, problems: &Problems) -> Result<()> {
    let who = || {
        format!(
            "{} in {} {} {}",
            contender.name,
            cell.routine.name(),
            cell.scalar.name(),
            cell.shape()
        )
    };
    let inputs = problems.inputs_for(contender.flags);
    let mut outputs = problems.outputs(cell.scalar);
    // SAFETY: the model and the arrays are those of the cell.
    let failed = unsafe {
        let ready = contender.ready(problems.model.at(0));
        ready.run(inputs.at(0), outputs.at_mut(0), problems.count)
    };
    ensure!(failed == 0, "{}: {failed} problems were not solved", who());
    let (inputs, outputs) = (problems.inputs.values(), outputs.values());
    let pairs =
        inputs.chunks_exact(problems.input_len).zip(outputs.chunks_exact(problems.output_len));
    let full = SLACK * (cell.rows as f64).sqrt() * cell.cols as f64 * cell.scalar.epsilon();
    let tolerance = if contender.flags & abi::HALF_DIGITS == 0 { full } else { full.sqrt() };
    for (i, (a, out)) in pairs.enumerate() {
        let error = match cell.routine {
            Routine::Svd => svd_error(cell, contender.flags, a, out),
            Routine::SingularValues => values_error(a, out),
            Routine::Eigh => eigh_error(cell.cols, contender.flags, a, out),
        };
        if !(error <= tolerance) {
            bail!("{}: problem {i} is off by {error:.1e}, allowed is {tolerance:.1e}", who());
        }
    }
    Ok(())
}

/// A matrix as some contender stored it.
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

    /// `‖QᵀQ − I‖`, the largest entry.
    fn orthogonality_error(&self) -> f64 {
        let mut worst = 0.0_f64;
        for p in 0..self.cols {
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

/// `‖A − U·diag(s)·Vᵀ‖/‖A‖`.
fn residual(a: &View, u: &View, s: &[f64], v: &View) -> f64 {
    let mut sum = 0.0;
    for j in 0..a.cols {
        for i in 0..a.rows {
            let rebuilt: f64 = s.iter().enumerate().map(|(k, s)| u.at(i, k) * s * v.at(j, k)).sum();
            sum += (a.at(i, j) - rebuilt).powi(2);
        }
    }
    sum.sqrt() / norm(a.data)
}

fn svd_error(cell: &Cell, flags: u32, a: &[f64], out: &[f64]) -> f64 {
    let (m, n) = (cell.rows, cell.cols);
    let (u, rest) = out.split_at(m * n);
    let (s, v) = rest.split_at(n);
    let by_rows = flags & abi::ROW_MAJOR != 0;
    let a = View { data: a, rows: m, cols: n, by_rows: false };
    let u = View { data: u, rows: m, cols: n, by_rows };
    let v =
        View { data: v, rows: n, cols: n, by_rows: by_rows != (flags & abi::V_TRANSPOSED != 0) };
    if !s.is_sorted_by(|a, b| a >= b) || !(s[n - 1] >= 0.0) {
        return f64::INFINITY;
    }
    max(max(u.orthogonality_error(), v.orthogonality_error()), residual(&a, &u, s, &v))
}

fn eigh_error(n: usize, flags: u32, a: &[f64], out: &[f64]) -> f64 {
    let (values, vectors) = out.split_at(n);
    let a = View { data: a, rows: n, cols: n, by_rows: false };
    let q = View { data: vectors, rows: n, cols: n, by_rows: flags & abi::ROW_MAJOR != 0 };
    max(q.orthogonality_error(), residual(&a, &q, values, &q))
}

/// `Σ s² = ‖A‖²` and the same for the fourth powers, which only the right values satisfy closely.
fn values_error(a: &[f64], s: &[f64]) -> f64 {
    let n = s.len();
    if !s.is_sorted_by(|a, b| a >= b) || !(s[n - 1] >= 0.0) {
        return f64::INFINITY;
    }
    let column = |j: usize| &a[j * n..(j + 1) * n];
    let dot =
        |p: usize, q: usize| -> f64 { column(p).iter().zip(column(q)).map(|(x, y)| x * y).sum() };
    let squares = norm(a).powi(2);
    let fourths: f64 = (0..n * n).map(|k| dot(k / n, k % n).powi(2)).sum();
    let power = |k: i32| s.iter().map(|s| s.powi(k)).sum::<f64>();
    max((power(2) / squares - 1.0).abs(), (power(4) / fourths - 1.0).abs())
}
