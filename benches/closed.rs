//! Closed forms at 2×2 and 3×3 against the general routines and nalgebra, in the same run.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use eigenmote::linalg::{self, closed};
use std::hint::black_box;
use support::{MATRICES, random, random_symmetric};

macro_rules! cell {
    ($c:ident, $t:ty, $n:literal, $svd:path, $eigh:path) => {{
        let general = random::<$t, $n, $n>(1);
        let symmetric = random_symmetric::<$t, $n>(2);
        let to_nalgebra = |a: &eigenmote::Mat<$t, $n, $n>| {
            nalgebra::SMatrix::<$t, $n, $n>::from_column_slice(a.as_slice())
        };
        let na_general: Vec<_> = general.iter().map(to_nalgebra).collect();
        let na_symmetric: Vec<_> = symmetric.iter().map(to_nalgebra).collect();
        for (a, b) in general.iter().zip(&symmetric) {
            let (s, t) = ($svd(a).unwrap().s, linalg::svd(a).unwrap().s);
            let (d, e) = ($eigh(b).unwrap().eigenvalues, linalg::eigh(b).unwrap().eigenvalues);
            for (x, y) in s.iter().zip(&t).chain(d.iter().zip(&e)) {
                assert!((x - y).abs() <= 100.0 * <$t>::EPSILON, "answers differ");
            }
        }
        let mut group = $c.benchmark_group(format!("closed/{}/{1}x{1}", stringify!($t), $n));
        let mut next = (0..MATRICES).cycle();
        group.bench_function("svd", |b| {
            b.iter(|| $svd(black_box(&general[next.next().unwrap()])));
        });
        group.bench_function("svd general", |b| {
            b.iter(|| linalg::svd(black_box(&general[next.next().unwrap()])));
        });
        group.bench_function("svd nalgebra", |b| {
            b.iter(|| black_box(na_general[next.next().unwrap()]).svd(true, true));
        });
        group.bench_function("eigh", |b| {
            b.iter(|| $eigh(black_box(&symmetric[next.next().unwrap()])));
        });
        group.bench_function("eigh general", |b| {
            b.iter(|| linalg::eigh(black_box(&symmetric[next.next().unwrap()])));
        });
        group.bench_function("eigh nalgebra", |b| {
            b.iter(|| black_box(na_symmetric[next.next().unwrap()]).symmetric_eigen());
        });
        group.finish();
    }};
}

fn forms(c: &mut Criterion) {
    cell!(c, f32, 2, closed::svd_2x2, closed::eigh_2x2);
    cell!(c, f32, 3, closed::svd_3x3, closed::eigh_3x3);
    cell!(c, f64, 2, closed::svd_2x2, closed::eigh_2x2);
    cell!(c, f64, 3, closed::svd_3x3, closed::eigh_3x3);
}

criterion_group!(benches, forms);
criterion_main!(benches);
