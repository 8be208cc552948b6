//! From samples to a model, without doubles and without a desktop.

use board::Hash;
use eigenmote::codec::{
    Basis, CONTEXTS, Channel, Frame, Lattice, Method, Model, ModelSpec, Predictor, SampleKind,
    Slot, Terms, Transform, decode, encode, fit, max_frame_bytes, scratch_len,
};
use eigenmote::simd::Lanes;
use eigenmote::stats::{Covariance, Pca};
use mainjob::{RECORDING, ROWS};

/// Channels of the recording that are taken.
const CHANNELS: usize = 4;
/// Rows of a window.
const WINDOW: usize = 4;
const VALUES: usize = CHANNELS * WINDOW;
const COMPONENTS: usize = 4;
const WINDOWS: usize = ROWS / WINDOW;
/// As many windows are learnt from, at the start of the recording.
const TRAINING: usize = WINDOWS / 2;
/// What is allowed to each window: so many steps in the mean square, with 8 fraction bits.
const BUDGET: u32 = 1 << 8;
/// Steps per deviation of a channel.
const STEPS: f32 = 8.0;
const MODEL_BYTES: usize = 768;
const FRAME_BYTES: usize = max_frame_bytes(CHANNELS, WINDOW, SampleKind::F32);
/// A window of the recording, row by row.
fn window(number: usize) -> Option<[f32; VALUES]> {
    let rows = RECORDING.chunks_exact(WINDOW).nth(number)?;
    let mut window = [0.0; VALUES];
    let counts = rows.iter().flat_map(|row| row.iter().take(CHANNELS));
    for (x, &count) in window.iter_mut().zip(counts) {
        *x = f32::from(count);
    }
    Some(window)
}

/// The nearest whole number; saturating.
fn nearest(x: f32) -> i32 {
    (x + if x < 0.0 { -0.5 } else { 0.5 }) as i32
}

/// Learns from the first windows, encodes the others and decodes them. Hashes what was learnt, frames
/// and decoded samples; the bytes of all frames, `None` if something failed or an error was too large.
pub fn learn_and_encode(hash: &mut Hash) -> Option<u32> {
    // Every channel has a unit of its own, so that one step suits all.
    let mut spread = Covariance::<f32, CHANNELS>::new();
    for window in (0..TRAINING).map_while(window) {
        for row in window.as_chunks::<CHANNELS>().0 {
            spread.update(row).ok()?;
        }
    }
    let (mean, variance) = (spread.mean(), spread.variance().ok()?);
    let mut steps = variance.map(|v| Lanes::sqrt(v) / STEPS);
    steps.iter_mut().for_each(|step| *step = step.max(1.0 / 256.0));
    hash.floats(&mean);
    hash.floats(&steps);

    // Windows in these units, and their components.
    let mut covariance = Covariance::<f32, VALUES>::new();
    for mut window in (0..TRAINING).map_while(window) {
        for row in window.as_chunks_mut::<CHANNELS>().0 {
            for ((x, mean), step) in row.iter_mut().zip(&mean).zip(&steps) {
                *x = (*x - mean) / step;
            }
        }
        covariance.update(&window).ok()?;
    }
    let centre = covariance.mean();
    let matrix = covariance.covariance().ok()?;
    let pca =
        Pca::<f32, VALUES, COMPONENTS>::fit_from_covariance(&centre, &matrix, covariance.count())
            .ok()?;
    hash.floats(pca.components.as_flattened());
    hash.floats(&pca.explained_variance);

    let mut blob = [0; MODEL_BYTES];
    let length = write_model(&mean, &steps, &pca, &mut blob)?;
    let blob = blob.get(..length)?;
    hash.bytes(blob);
    encode_rest(&Model::parse(blob).ok()?, &steps, hash)
}

/// A transform model in the unit of each channel; its length.
fn write_model(
    mean: &[f32; CHANNELS],
    steps: &[f32; CHANNELS],
    pca: &Pca<f32, VALUES, COMPONENTS>,
    blob: &mut [u8],
) -> Option<usize> {
    let mut channels = [Channel::<f32>::default(); CHANNELS];
    for ((channel, &offset), &step) in channels.iter_mut().zip(mean).zip(steps) {
        channel.lattice = Lattice { offset, step, epsilon: step };
        // About what counts are like: a deviation is as many steps.
        let spread = (256.0 * STEPS) as u32;
        channel.predictor =
            Predictor { mean: 0, spread, scale: spread, start: Terms::NONE, terms: Terms::NONE };
    }
    let mut weights = [0_i16; VALUES * COMPONENTS];
    for (k, component) in pca.components.iter().enumerate() {
        let places = weights.iter_mut().skip(k).step_by(COMPONENTS);
        for (weight, &x) in places.zip(component) {
            *weight = i16::try_from(nearest(x * 16384.0)).ok()?;
        }
    }
    // The mean magnitude of a normal distribution is 0.8 deviations.
    let scales = pca.explained_variance.map(|v| (256.0 * 0.8 * Lanes::sqrt(v)) as u32);
    let transform = Transform {
        coefficient_step: 2 << 8,
        budget: Some(BUDGET),
        scales: &scales,
        basis: Basis::I16(&weights),
    };
    let priors: &[u16; CONTEXTS] = &fit::DEFAULT_PRIORS;
    let method = Method::Transform(transform);
    let spec = ModelSpec {
        window: WINDOW as u16,
        channels: &channels,
        method,
        priors,
        rate: fit::DEFAULT_RATE,
    };
    spec.write(blob).ok()
}

fn encode_rest(model: &Model<'_>, steps: &[f32; CHANNELS], hash: &mut Hash) -> Option<u32> {
    let mut scratch = [Slot::NEW; scratch_len(CHANNELS, COMPONENTS)];
    let (mut bytes, mut decoded) = ([0; FRAME_BYTES], [0.0_f32; VALUES]);
    let mut all = 0;
    for (number, window) in (0..).zip((TRAINING..WINDOWS).map_while(window)) {
        let length = encode(model, number, &window, &mut scratch, &mut bytes).ok()?;
        let coded = bytes.get(..length)?;
        hash.bytes(coded);
        all += length as u32;
        let (frame, _) = Frame::parse(coded).ok()?;
        decode(model, &frame, &mut scratch, &mut decoded).ok()?;
        hash.floats(&decoded);
        // The promise, with a little for the rounding of this very sum.
        let mut sum = 0.0;
        for ((x, y), step) in window.iter().zip(&decoded).zip(steps.iter().cycle()) {
            let error = (x - y) / step;
            sum += error * error;
        }
        if sum > 1.001 * VALUES as f32 * (BUDGET * BUDGET) as f32 / 65536.0 {
            return None;
        }
    }
    Some(all)
}
