//! QR factorisation with column pivoting against nalgebra and faer, in the same run.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use eigenmote::linalg;
use std::hint::black_box;
use support::{MATRICES, random};

macro_rules! cell {
    ($c:ident, $t:ty, $m:literal, $n:literal) => {{
        let ours = random::<$t, $m, $n>(1);
        let nalgebra: Vec<_> = ours
            .iter()
            .map(|a| nalgebra::SMatrix::<$t, $m, $n>::from_column_slice(a.as_slice()))
            .collect();
        let faer: Vec<_> =
            ours.iter().map(|a| faer::Mat::<$t>::from_fn($m, $n, |i, j| a.cols[j][i])).collect();
        for (a, b) in ours.iter().zip(&nalgebra) {
            // nalgebra pivots by the largest entry, not by length: only √det(AᵀA) is the same.
            let (r, theirs) = (linalg::qr(a).unwrap().r(), b.col_piv_qr().r());
            let volume: $t = (0..$n).map(|k| r.cols[k][k].abs()).product();
            let ratio = volume / (0..$n).map(|k| theirs[(k, k)].abs()).product::<$t>();
            assert!((ratio - 1.0).abs() <= 1000.0 * <$t>::EPSILON, "answers differ");
        }
        let mut group = $c.benchmark_group(format!("qr/{}/{}x{}", stringify!($t), $m, $n));
        let mut next = (0..MATRICES).cycle();
        group.bench_function("eigenmote", |b| {
            b.iter(|| linalg::qr(black_box(&ours[next.next().unwrap()])));
        });
        group.bench_function("nalgebra", |b| {
            b.iter(|| black_box(nalgebra[next.next().unwrap()]).col_piv_qr());
        });
        group.bench_function("faer", |b| {
            b.iter(|| black_box(&faer[next.next().unwrap()]).col_piv_qr());
        });
        group.finish();
    }};
}

fn qr(c: &mut Criterion) {
    cell!(c, f32, 8, 8);
    cell!(c, f32, 64, 16);
    cell!(c, f64, 8, 8);
    cell!(c, f64, 64, 16);
}

criterion_group!(benches, qr);
criterion_main!(benches);
