//! Approximation, pseudo-inverse and least squares from a given decomposition, against nalgebra in
//! the same run.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, criterion_group, criterion_main};
use eigenmote::{Mat, linalg, rng};
use std::hint::black_box;

macro_rules! cell {
    ($c:ident, $t:ty, $m:literal, $n:literal) => {{
        let mut rng = rng::seeded(1);
        let a = Mat::<$t, $m, $n>::from_fn(|_, _| rng::normal(&mut rng));
        let mut b = [0.0; $m];
        rng::fill_normal(&mut rng, &mut b);
        let f = linalg::svd(&a).unwrap();
        let theirs =
            nalgebra::SMatrix::<$t, $m, $n>::from_column_slice(a.as_slice()).svd(true, true);
        let rhs = nalgebra::SVector::<$t, $m>::from_column_slice(&b);
        let (x, y) = (f.solve(&b, None).unwrap().x, theirs.solve(&rhs, <$t>::EPSILON).unwrap());
        for (x, y) in x.iter().zip(y.iter()) {
            assert!((x - y).abs() <= 1e4 * <$t>::EPSILON, "answers differ");
        }
        let mut group = $c.benchmark_group(format!("lowrank/{}/{}x{}", stringify!($t), $m, $n));
        group.bench_function("rank 4", |b| b.iter(|| black_box(&f).low_rank(4)));
        group.bench_function("pseudo-inverse", |b| b.iter(|| black_box(&f).pseudo_inverse(None)));
        group.bench_function("pseudo-inverse, nalgebra", |b| {
            b.iter(|| black_box(theirs).pseudo_inverse(<$t>::EPSILON));
        });
        group.bench_function("solve", |bench| bench.iter(|| black_box(&f).solve(&b, None)));
        group.bench_function("solve, nalgebra", |bench| {
            bench.iter(|| black_box(&theirs).solve(&rhs, <$t>::EPSILON));
        });
        group.finish();
    }};
}

fn lowrank(c: &mut Criterion) {
    cell!(c, f32, 16, 8);
    cell!(c, f64, 32, 16);
}

criterion_group!(benches, lowrank);
criterion_main!(benches);
