//! Symmetric eigen-decomposition against nalgebra and faer, in the same run.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use eigenmote::linalg;
use std::hint::black_box;
use support::{MATRICES, random_symmetric};

macro_rules! cell {
    ($c:ident, $t:ty, $n:literal) => {{
        let ours = random_symmetric::<$t, $n>(1);
        let nalgebra: Vec<_> = ours
            .iter()
            .map(|a| nalgebra::SMatrix::<$t, $n, $n>::from_column_slice(a.as_slice()))
            .collect();
        let faer: Vec<_> =
            ours.iter().map(|a| faer::Mat::<$t>::from_fn($n, $n, |i, j| a.cols[j][i])).collect();
        for (a, b) in ours.iter().zip(&nalgebra) {
            let values = linalg::eigh(a).unwrap().eigenvalues;
            let mut theirs: Vec<$t> = b.symmetric_eigen().eigenvalues.iter().copied().collect();
            theirs.sort_by(|a, b| b.total_cmp(a));
            for (s, t) in values.iter().zip(&theirs) {
                assert!((s - t).abs() <= 100.0 * <$t>::EPSILON * theirs[0], "answers differ");
            }
        }
        let mut group = $c.benchmark_group(format!("eigh/{}/{1}x{1}", stringify!($t), $n));
        let mut next = (0..MATRICES).cycle();
        group.bench_function("eigenmote", |b| {
            b.iter(|| linalg::eigh(black_box(&ours[next.next().unwrap()])));
        });
        group.bench_function("eigenmote values", |b| {
            b.iter(|| linalg::eigenvalues(black_box(&ours[next.next().unwrap()])));
        });
        group.bench_function("nalgebra", |b| {
            b.iter(|| black_box(nalgebra[next.next().unwrap()]).symmetric_eigen());
        });
        group.bench_function("faer", |b| {
            b.iter(|| black_box(&faer[next.next().unwrap()]).self_adjoint_eigen(faer::Side::Lower));
        });
        group.finish();
    }};
}

fn eigh(c: &mut Criterion) {
    cell!(c, f32, 4);
    cell!(c, f32, 8);
    cell!(c, f32, 16);
    cell!(c, f32, 32);
    cell!(c, f64, 4);
    cell!(c, f64, 8);
    cell!(c, f64, 16);
    cell!(c, f64, 32);
}

criterion_group!(benches, eigh);
criterion_main!(benches);
