//! A few leading triplets of a dense and of a sparse matrix, the dense one against a full
//! decomposition by faer in the same run.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

use criterion::{Criterion, criterion_group, criterion_main};
use eigenmote::linalg::truncated::{Info, Options, Triplets, truncated_svd, workspace_len};
use eigenmote::linalg::{Csr, LinearOperator};
use eigenmote::{MatRef, rng};
use std::hint::black_box;

struct Problem {
    work: Vec<f64>,
    u: Vec<f64>,
    s: Vec<f64>,
    v: Vec<f64>,
    residuals: Vec<f64>,
    options: Options<f64>,
}

impl Problem {
    fn new(rows: usize, cols: usize, rank: usize) -> Self {
        let options = Options::new(rank);
        Self {
            work: vec![0.0; workspace_len(rows, cols, &options)],
            u: vec![0.0; rows * rank],
            s: vec![0.0; rank],
            v: vec![0.0; cols * rank],
            residuals: vec![0.0; rank],
            options,
        }
    }
    fn solve(&mut self, a: &impl LinearOperator<f64>) -> Info<f64> {
        let mut out = Triplets {
            u: &mut self.u,
            s: &mut self.s,
            v: &mut self.v,
            residuals: &mut self.residuals,
        };
        truncated_svd(a, &mut out, &mut self.work, &self.options).unwrap()
    }
}

fn truncated(c: &mut Criterion) {
    let mut rng = rng::seeded(1);
    // Rank 12 with values falling by a third each, and noise.
    let (rows, cols) = (256, 128);
    let mut data = vec![0.0; rows * cols];
    rng::fill_normal(&mut rng, &mut data);
    for x in &mut data {
        *x *= 1e-3;
    }
    for k in 0..12 {
        let (mut x, mut y) = (vec![0.0; rows], vec![0.0; cols]);
        rng::fill_normal(&mut rng, &mut x);
        rng::fill_normal(&mut rng, &mut y);
        for (column, y) in data.chunks_exact_mut(rows).zip(&y) {
            for (a, x) in column.iter_mut().zip(&x) {
                *a += 0.7_f64.powi(k) * x * y;
            }
        }
    }
    let dense = MatRef::new(&data, rows, cols).unwrap();
    let faer = faer::Mat::from_fn(rows, cols, |i, j| dense.col(j).get(i).copied().unwrap());
    let mut problem = Problem::new(rows, cols, 5);
    assert!(problem.solve(&dense).converged);
    let exact = faer.singular_values().unwrap();
    for (s, t) in problem.s.iter().zip(&exact) {
        assert!((s - t).abs() <= 1e-12 * exact.first().unwrap(), "answers differ");
    }
    let mut group = c.benchmark_group("truncated/f64/256x128");
    group.bench_function("rank 5", |b| b.iter(|| problem.solve(black_box(&dense))));
    group.bench_function("faer full", |b| b.iter(|| black_box(&faer).thin_svd()));
    group.finish();

    // 2000 × 2000, ten entries a row.
    let n = 2000;
    let (mut row_ptr, mut col_idx, mut values) = (vec![0], vec![], vec![]);
    for _ in 0..n {
        let mut columns: Vec<u32> = (0..10)
            .map(|_| (rng::uniform::<f64>(&mut rng).powi(2) * f64::from(n)) as u32)
            .collect();
        columns.sort_unstable();
        columns.dedup();
        for j in columns {
            col_idx.push(j);
            values.push(rng::uniform::<f64>(&mut rng));
        }
        row_ptr.push(values.len() as u32);
    }
    let n = n as usize;
    let sparse = Csr::new(n, n, &row_ptr, &col_idx, &values).unwrap();
    let mut problem = Problem::new(n, n, 5);
    assert!(problem.solve(&sparse).converged);
    let mut group = c.benchmark_group("truncated/f64/2000x2000 sparse");
    group.sample_size(20);
    group.bench_function("rank 5", |b| b.iter(|| problem.solve(black_box(&sparse))));
    group.finish();
}

criterion_group!(benches, truncated);
criterion_main!(benches);
