//! Speed of the compressor: bounded at two sizes of window, transform at two numbers of components.
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
    self, Channel, Frame, Lattice, Model, ModelSpec, Predictor, Sample, Slot, Transform, fit,
};
use eigenmote::rng;

const CHANNELS: usize = 8;

/// A random walk with some noise on each of eight channels.
fn recording(rows: usize) -> Vec<f32> {
    let mut rng = rng::seeded(7);
    let mut level = [0.0_f32; CHANNELS];
    let mut row = || {
        level.map_in_place(|x| x + rng::normal::<f32>(&mut rng));
        level
    };
    (0..rows).flat_map(|_| row()).collect()
}
