//! Many small decompositions at once against loops over nalgebra's and over our own single ones.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use eigenmote::linalg::{self, PackedEigh, PackedSvd};
use std::hint::black_box;
use support::{MATRICES, random, random_symmetric};

macro_rules! cell {
    ($c:ident, $t:ty, $n:literal) => {{
        let ours = random::<$t, $n, $n>(1);
        let packed: Vec<_> = ours.iter().map(|a| a.cols).collect();
        let nalgebra: Vec<_> = ours
            .iter()
            .map(|a| nalgebra::SMatrix::<$t, $n, $n>::from_column_slice(a.as_slice()))
            .collect();
        let mut out = vec![PackedSvd::default(); MATRICES];
        linalg::svd_batch(&packed, &mut out).unwrap();
        for (f, b) in out.iter().zip(&nalgebra) {
            for (s, t) in f.s.iter().zip(b.svd(true, true).singular_values.iter()) {
                assert!((s - t).abs() <= 100.0 * <$t>::EPSILON * t.max(1.0), "answers differ");
            }
        }
        let name = format!("batch/svd/{}/{}x{}", stringify!($t), $n, $n);
        let mut group = $c.benchmark_group(name);
        group.throughput(Throughput::Elements(MATRICES as u64));
        group.bench_function("eigenmote", |b| {
            b.iter(|| linalg::svd_batch(black_box(&packed), &mut out));
        });
        group.bench_function("eigenmote, one by one", |b| {
            b.iter(|| ours.iter().for_each(|a| _ = black_box(linalg::svd(a))));
        });
        group.bench_function("nalgebra, one by one", |b| {
            b.iter(|| nalgebra.iter().for_each(|a| _ = black_box(a.svd(true, true))));
        });
        group.finish();

        let ours = random_symmetric::<$t, $n>(1);
        let packed: Vec<_> = ours.iter().map(|a| a.cols).collect();
        let nalgebra: Vec<_> = ours
            .iter()
            .map(|a| nalgebra::SMatrix::<$t, $n, $n>::from_column_slice(a.as_slice()))
            .collect();
        let mut out = vec![PackedEigh::default(); MATRICES];
        linalg::eigh_batch(&packed, &mut out).unwrap();
        for (f, b) in out.iter().zip(&nalgebra) {
            let sum: $t = f.eigenvalues.iter().sum();
            assert!((sum - b.trace()).abs() <= 100.0 * <$t>::EPSILON * b.norm(), "answers differ");
        }
        let name = format!("batch/eigh/{}/{}x{}", stringify!($t), $n, $n);
        let mut group = $c.benchmark_group(name);
        group.throughput(Throughput::Elements(MATRICES as u64));
        group.bench_function("eigenmote", |b| {
            b.iter(|| linalg::eigh_batch(black_box(&packed), &mut out));
        });
        group.bench_function("eigenmote, one by one", |b| {
            b.iter(|| ours.iter().for_each(|a| _ = black_box(linalg::eigh(a))));
        });
        group.bench_function("nalgebra, one by one", |b| {
            b.iter(|| nalgebra.iter().for_each(|a| _ = black_box(a.symmetric_eigen())));
        });
        group.finish();
    }};
}

fn batch(c: &mut Criterion) {
    cell!(c, f32, 2);
    cell!(c, f32, 3);
    cell!(c, f32, 4);
    cell!(c, f64, 2);
    cell!(c, f64, 3);
    cell!(c, f64, 4);
}

criterion_group!(benches, batch);
criterion_main!(benches);
