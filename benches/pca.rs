//! Principal components of 1024 samples, against nalgebra and faer.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use criterion::{Criterion, criterion_group, criterion_main};
use eigenmote::stats::{Moments, Pca};
use eigenmote::{Mat, Scalar, rng};
use std::hint::black_box;

const ROWS: usize = 1024;

/// Channels that share hidden factors, as sensors on one machine do.
fn samples<T: Scalar, const D: usize>() -> Vec<[T; D]> {
    let mut generator = rng::seeded(1);
    let mut mixing = Mat::<T, D, D>::zeros();
    rng::fill_normal(&mut generator, mixing.as_mut_slice());
    (0..ROWS)
        .map(|_| {
            let hidden = core::array::from_fn(|_| rng::normal(&mut generator));
            mixing.mul_vec(&hidden)
        })
        .collect()
}

macro_rules! cell {
    ($c:ident, $t:ty, $d:literal) => {{
        type P = Pca<$t, $d, $d>;
        let rows = samples::<$t, $d>();
        let nalgebra = nalgebra::DMatrix::<$t>::from_fn(ROWS, $d, |i, j| rows[i][j]);
        let faer = faer::Mat::<$t>::from_fn(ROWS, $d, |i, j| rows[i][j]);
        let with_nalgebra = |x: &nalgebra::DMatrix<$t>| {
            let mean = x.row_mean();
            let mut centred = x.clone();
            centred.row_iter_mut().for_each(|mut row| row -= &mean);
            centred.svd(false, true)
        };
        let with_faer = |x: &faer::Mat<$t>| {
            let mean: Vec<$t> =
                x.col_iter().map(|column| column.iter().sum::<$t>() / ROWS as $t).collect();
            let centred = faer::Mat::<$t>::from_fn(ROWS, $d, |i, j| x[(i, j)] - mean[j]);
            centred.thin_svd().unwrap()
        };
        let from_moments = |rows: &[[$t; $d]]| {
            let mut m = Moments::new();
            m.update_batch(rows).unwrap();
            P::fit_from_moments(&m).unwrap()
        };
        let (ours, theirs) = (P::fit(&rows).unwrap(), with_nalgebra(&nalgebra));
        for (a, b) in ours.singular_values.iter().zip(theirs.singular_values.iter()) {
            assert!((a - b).abs() <= 1e-5 * theirs.singular_values[0], "answers differ");
        }
        let mut group = $c.benchmark_group(format!("pca/{}/{}", stringify!($t), $d));
        group.bench_function("eigenmote", |b| b.iter(|| P::fit(black_box(&rows))));
        group.bench_function("eigenmote from moments", |b| {
            b.iter(|| from_moments(black_box(&rows)));
        });
        group.bench_function("eigenmote transform", |b| {
            b.iter(|| ours.transform(black_box(&rows[7])));
        });
        group.bench_function("nalgebra", |b| b.iter(|| with_nalgebra(black_box(&nalgebra))));
        group.bench_function("faer", |b| b.iter(|| with_faer(black_box(&faer))));
        group.finish();
    }};
}

fn pca(c: &mut Criterion) {
    cell!(c, f32, 8);
    cell!(c, f32, 32);
    cell!(c, f64, 8);
    cell!(c, f64, 32);
}

criterion_group!(benches, pca);
criterion_main!(benches);
