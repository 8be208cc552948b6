//! Forward passes and draws, with nalgebra's matrix products on the same weights beside them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use eigenmote::Mat;
use eigenmote::nn::{Activation, Dense, Draw, Gaussian, Network, PcaGaussian, StandardNormal};
use eigenmote::rng::{fill_normal, seeded};
use nalgebra::{SMatrixView, SVector};

#[expect(clippy::unnecessary_box_returns, reason = "unoptimised copies would fill the stack")]
fn random<const I: usize, const O: usize>(seed: u64) -> Box<[[f32; I]; O]> {
    let mut rows = Box::new([[0.0; I]; O]);
    fill_normal(&mut seeded(seed), rows.as_flattened_mut());
    let scale = 1.0 / (I as f32).sqrt();
    rows.as_flattened_mut().iter_mut().for_each(|v| *v *= scale);
    rows
}

/// The same weights column by column.
fn columns<const I: usize, const O: usize>(rows: &[[f32; I]; O]) -> Vec<f32> {
    (0..I).flat_map(|i| rows.iter().map(move |row| row[i])).collect()
}

/// A decoder `Z → H → D` with relu and a linear end, ours and nalgebra's.
fn decoder<const Z: usize, const H: usize, const D: usize>(c: &mut Criterion) {
    let (w1, w2) = (random::<Z, H>(1), random::<H, D>(2));
    let (b1, b2) = (random::<H, 1>(3)[0], random::<D, 1>(4)[0]);
    let z = random::<Z, 1>(5)[0];
    let net = Dense::new(&w1, &b1, Activation::Relu).then(Dense::new(&w2, &b2, Activation::Linear));
    let (c1, c2) = (columns(&w1), columns(&w2));
    let m1 = SMatrixView::<f32, H, Z>::from_slice(&c1);
    let m2 = SMatrixView::<f32, D, H>::from_slice(&c2);
    let (v1, v2) = (SVector::from(b1), SVector::from(b2));
    let zv = SVector::from(z);
    let theirs = |zv: &SVector<f32, Z>| {
        let mut hidden = v1;
        hidden.gemv(1.0, &m1, zv, 1.0);
        hidden.apply(|v| *v = v.max(0.0));
        let mut out = v2;
        out.gemv(1.0, &m2, &hidden, 1.0);
        out
    };
    let (mut scratch, mut out) = ([0.0; H], [0.0; D]);
    net.forward(&z, &mut scratch, &mut out).unwrap();
    let right = theirs(&zv);
    assert!(out.iter().zip(right.iter()).all(|(a, b)| (a - b).abs() < 1e-4));

    let mut group = c.benchmark_group("forward");
    group.bench_function(format!("f32/{Z}-{H}-{D}"), |b| {
        b.iter(|| net.forward(black_box(&z), &mut scratch, &mut out).unwrap());
    });
    group.bench_function(format!("f32/{Z}-{H}-{D}/nalgebra"), |b| {
        b.iter(|| black_box(theirs(black_box(&zv))));
    });
    group.finish();
}

fn activations(c: &mut Criterion) {
    let mut group = c.benchmark_group("activation");
    let x = random::<256, 1>(6)[0].map(|v| 16.0 * v);
    let mut y = [0.0; 256];
    for activation in [
        Activation::Relu,
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Silu,
        Activation::Gelu,
        Activation::GeluTanh,
    ] {
        group.bench_function(format!("f32/256/{activation:?}"), |b| {
            b.iter(|| {
                y = *black_box(&x);
                activation.apply(&mut y);
                assert!(y[0].is_finite());
            });
        });
    }
    group.finish();
}

fn draws(c: &mut Criterion) {
    let mut group = c.benchmark_group("draw");
    let mut rng = seeded(7);
    let mut z = [0.0_f32; 16];
    group.bench_function("f32/16/standard", |b| b.iter(|| StandardNormal.draw(&mut rng, &mut z)));
    let covariance = Mat::from_fn(|i, j| if i == j { 2.0 } else { 0.5 });
    let fitted = Gaussian::from_covariance([0.0; 16], &covariance).unwrap();
    group.bench_function("f32/16/fitted", |b| b.iter(|| fitted.draw(&mut rng, &mut z)));
    let components = random::<64, 16>(8);
    let pca = PcaGaussian::new(&[0.0; 64], &components, &[1.0; 16]).unwrap();
    let mut x = [0.0_f32; 64];
    group.bench_function("f32/64 from 16/components", |b| b.iter(|| pca.draw(&mut rng, &mut x)));
    assert!(x.iter().all(|v| v.is_finite()));
    group.finish();
}

criterion_group!(
    benches,
    decoder::<4, 16, 16>,
    decoder::<16, 64, 64>,
    decoder::<20, 400, 784>,
    activations,
    draws
);
criterion_main!(benches);
