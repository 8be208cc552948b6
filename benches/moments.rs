//! Mean and covariance of 1024 samples, against two-pass products in nalgebra and faer.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use eigenmote::stats::{Covariance, Moments};
use eigenmote::{Scalar, rng};
use std::hint::black_box;

const ROWS: usize = 1024;

fn samples<T: Scalar, const D: usize>() -> Vec<[T; D]> {
    let mut generator = rng::seeded(1);
    (0..ROWS).map(|_| core::array::from_fn(|_| rng::normal(&mut generator))).collect()
}

macro_rules! cell {
    ($c:ident, $t:ty, $d:literal) => {{
        let rows = samples::<$t, $d>();
        let nalgebra = nalgebra::DMatrix::<$t>::from_fn(ROWS, $d, |i, j| rows[i][j]);
        let faer = faer::Mat::<$t>::from_fn(ROWS, $d, |i, j| rows[i][j]);
        let with_nalgebra = |x: &nalgebra::DMatrix<$t>| {
            let mean = x.row_mean();
            let mut centred = x.clone();
            centred.row_iter_mut().for_each(|mut row| row -= &mean);
            centred.tr_mul(&centred) / (ROWS - 1) as $t
        };
        let with_faer = |x: &faer::Mat<$t>| {
            let mean: Vec<$t> =
                x.col_iter().map(|column| column.iter().sum::<$t>() / ROWS as $t).collect();
            let centred = faer::Mat::<$t>::from_fn(ROWS, $d, |i, j| x[(i, j)] - mean[j]);
            centred.transpose() * &centred
        };
        let batch = || {
            let mut m = Moments::<$t, $d>::new();
            m.update_batch(black_box(&rows)).unwrap();
            m
        };
        let plain_batch = || {
            let mut c = Covariance::<$t, $d>::new();
            c.update_batch(black_box(&rows)).unwrap();
            c
        };
        let theirs = with_nalgebra(&nalgebra);
        for ours in [batch().covariance().unwrap(), plain_batch().covariance().unwrap()] {
            for (a, b) in ours.as_slice().iter().zip(theirs.as_slice()) {
                assert!((a - b).abs() < 1e-5, "answers differ");
            }
        }
        let mut group = $c.benchmark_group(format!("moments/{}/{}", stringify!($t), $d));
        group.throughput(Throughput::Elements(ROWS as u64));
        group.bench_function("eigenmote batch", |b| b.iter(batch));
        group.bench_function("eigenmote one by one", |b| {
            b.iter(|| {
                let mut m = Moments::<$t, $d>::new();
                black_box(&rows).iter().for_each(|x| m.update(x).unwrap());
                m
            });
        });
        group.bench_function("eigenmote plain batch", |b| b.iter(plain_batch));
        group.bench_function("eigenmote plain one by one", |b| {
            b.iter(|| {
                let mut c = Covariance::<$t, $d>::new();
                black_box(&rows).iter().for_each(|x| c.update(x).unwrap());
                c
            });
        });
        group.bench_function("nalgebra", |b| b.iter(|| with_nalgebra(black_box(&nalgebra))));
        group.bench_function("faer", |b| b.iter(|| with_faer(black_box(&faer))));
        group.finish();
    }};
}

fn moments(c: &mut Criterion) {
    cell!(c, f32, 8);
    cell!(c, f32, 32);
    cell!(c, f64, 8);
    cell!(c, f64, 32);
}

criterion_group!(benches, moments);
criterion_main!(benches);
