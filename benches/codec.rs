//! Speed of the compressor in bytes of `f32` input: bounded at two lengths of window, transform
//! at two numbers of components.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    missing_docs
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use eigenmote::codec::{
    self, Basis, Channel, Frame, Lattice, Method, Model, ModelSpec, Predictor, Slot, Term, Terms,
    Transform, fit,
};
use eigenmote::rng;

const CHANNELS: usize = 8;

/// A random walk on each of eight channels.
fn walk(rows: usize) -> Vec<f32> {
    let mut rng = rng::seeded(7);
    let mut level = [0.0_f32; CHANNELS];
    let mut window = Vec::new();
    for _ in 0..rows {
        for x in &mut level {
            *x += rng::normal::<f32>(&mut rng);
        }
        window.extend(level);
    }
    window
}

fn blob(window: usize, channels: &[Channel<f32>; CHANNELS], method: Method<'_>) -> Vec<u8> {
    let spec = ModelSpec {
        window: window as u16,
        channels,
        method,
        priors: &fit::DEFAULT_PRIORS,
        rate: fit::DEFAULT_RATE,
    };
    let mut blob = vec![0; spec.encoded_len()];
    spec.write(&mut blob).unwrap();
    blob
}

fn bounded(rows: usize) -> Vec<u8> {
    let lattice = Lattice::bounded(0.0, 0.05).unwrap();
    // Each channel from its own past and from the one before it.
    let channels = std::array::from_fn(|number| {
        let number = number as u8;
        let term = |channel, lag, weight| Term { channel, lag, weight };
        let own = [term(number, 1, 5000), term(number, 2, -1000), term(number, 3, 96)];
        let coupled = [own[0], own[1], own[2], term(number.wrapping_sub(1), 0, 200)];
        let terms = Terms::new(if number == 0 { &own } else { &coupled }).unwrap();
        let predictor =
            Predictor { mean: 0, spread: 64 << 8, scale: 8 << 8, start: Terms::NONE, terms };
        Channel { lattice, predictor }
    });
    blob(rows, &channels, Method::Bounded)
}

/// Each component is the mean of one channel over one of several parts of the window.
fn block_means(rows: usize, components: usize) -> Vec<u8> {
    let parts = components / CHANNELS;
    let length = rows / parts;
    let weight = fit::basis_weight(1.0 / (length as f64).sqrt());
    let mut basis = vec![0; rows * CHANNELS * components];
    for row in 0..rows {
        for channel in 0..CHANNELS {
            let component = row / length * CHANNELS + channel;
            basis[(row * CHANNELS + channel) * components + component] = weight;
        }
    }
    let lattice = Lattice::fine(0.0, 0.05).unwrap();
    let transform = Transform {
        coefficient_step: fit::q8(8.0),
        budget: Some(fit::q8(100.0)),
        scales: &vec![fit::q8(20.0); components],
        basis: Basis::I16(&basis),
    };
    blob(
        rows,
        &[Channel { lattice, predictor: Predictor::default() }; CHANNELS],
        Method::Transform(transform),
    )
}

fn bench(c: &mut Criterion) {
    let cases = [
        ("bounded/8x32", 32, bounded(32)),
        ("bounded/8x1024", 1024, bounded(1024)),
        ("transform/8x32k8", 32, block_means(32, 8)),
        ("transform/8x32k64", 32, block_means(32, 64)),
    ];
    for (id, rows, blob) in cases {
        let model = Model::parse(&blob).unwrap();
        let window = walk(rows);
        let mut scratch = vec![Slot::NEW; model.scratch_len()];
        let mut out = vec![0; model.max_frame_bytes()];
        let mut decoded = vec![0.0_f32; window.len()];
        let length = codec::encode(&model, 0, &window, &mut scratch, &mut out).unwrap();
        let (frame, _) = Frame::parse(&out[..length]).unwrap();
        assert!(!frame.is_raw() && length < 4 * window.len());
        let bytes = out[..length].to_vec();

        let mut group = c.benchmark_group("codec");
        group.throughput(Throughput::Bytes(4 * window.len() as u64));
        group.bench_function(BenchmarkId::new("encode", id), |b| {
            b.iter(|| codec::encode(&model, 0, black_box(&window), &mut scratch, &mut out));
        });
        group.bench_function(BenchmarkId::new("decode", id), |b| {
            b.iter(|| {
                let (frame, _) = Frame::parse(black_box(&bytes)).unwrap();
                codec::decode(&model, &frame, &mut scratch, &mut decoded)
            });
        });
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
