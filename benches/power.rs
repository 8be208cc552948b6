//! The dominant triplet by power iteration, from a random start and from the last result, against
//! full decompositions in the same run.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use criterion::{Criterion, criterion_group, criterion_main};
use eigenmote::linalg::power::{
    Options, dominant_triplet, dominant_triplet_in_place, top_eigenpairs,
};
use eigenmote::{Mat, Scalar, linalg, rng};
use std::hint::black_box;

/// Random entries around 1: one value stands out, as in data that is not centred.
fn random<T: Scalar, const M: usize, const N: usize>() -> Mat<T, M, N> {
    let mut rng = rng::seeded(1);
    Mat::from_fn(|_, _| rng::normal::<T>(&mut rng) * T::HALF + T::ONE)
}

macro_rules! cell {
    ($c:ident, $t:ty, $m:literal, $n:literal) => {{
        let a = random::<$t, $m, $n>();
        let reference = nalgebra::SMatrix::<$t, $m, $n>::from_column_slice(a.as_slice());
        let best = reference.svd(true, true).singular_values[0];
        let options = Options::new();
        let top = dominant_triplet(&a, &options).unwrap();
        assert!(top.info.converged && (top.s - best).abs() <= 100.0 * <$t>::EPSILON * best);
        let mut group = $c.benchmark_group(format!("power/{}/{}x{}", stringify!($t), $m, $n));
        group.bench_function("triplet", |b| b.iter(|| dominant_triplet(black_box(&a), &options)));
        let tick = Options { max_iterations: 1, ..options };
        let (mut u, mut v) = (top.u, top.v);
        group.bench_function("one tick", |b| {
            b.iter(|| dominant_triplet_in_place(black_box(&a), &mut u, &mut v, &tick));
        });
        group.bench_function("full svd", |b| b.iter(|| linalg::svd(black_box(&a))));
        group.bench_function("nalgebra", |b| b.iter(|| black_box(reference).svd(true, true)));
        group.finish();
    }};
}

fn power(c: &mut Criterion) {
    cell!(c, f32, 8, 8);
    cell!(c, f32, 64, 16);
    cell!(c, f64, 32, 32);
    let a = random::<f64, 32, 32>();
    let square = a.tr_mul(&a);
    let options = Options::new();
    assert!(top_eigenpairs::<_, 32, 3>(&square, &options).unwrap().info.converged);
    let mut group = c.benchmark_group("power/f64/32x32 symmetric");
    group.bench_function("top 3", |b| {
        b.iter(|| top_eigenpairs::<_, 32, 3>(black_box(&square), &options));
    });
    group.bench_function("full eigh", |b| b.iter(|| linalg::eigh(black_box(&square))));
    group.finish();
}

criterion_group!(benches, power);
criterion_main!(benches);
