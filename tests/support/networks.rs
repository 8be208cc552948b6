//! Small networks for the tests of blobs.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing)]

use eigenmote::nn::quantized::ONE;
use eigenmote::nn::{
    Activation, Blob, Calibration, Condition, Denoising, F32Network, Int8Network, Kind, LayerRange,
    LayerSpec, NetworkSpec, Numbers, Part, Prediction, Schedule, Spec, Step, Steps, quantize,
    quantized_len,
};
use eigenmote::rng;

/// CRC-32 (ISO-HDLC), bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

/// Normal values times `size`.
pub fn params(count: usize, seed: u64, size: f32) -> Vec<f32> {
    let mut generator = rng::seeded(seed);
    (0..count).map(|_| size * rng::normal::<f32>(&mut generator)).collect()
}

pub fn write(spec: &NetworkSpec<'_>) -> Vec<u8> {
    let mut bytes = vec![0; spec.encoded_len()];
    assert_eq!(spec.write(&mut bytes), Ok(bytes.len()));
    bytes
}

/// Calibrates with normal inputs of this deviation and quantises.
pub fn to_int8(bytes: &[u8], deviation: f32, steps: Option<Steps<'_>>) -> Vec<u8> {
    let network = F32Network::parse(bytes).unwrap();
    let mut ranges = [LayerRange::NEW; 8];
    let mut calibration = Calibration::new(network, &mut ranges).unwrap();
    for (front, part) in [(true, network.front()), (false, network.back())] {
        let Some(part) = part else { continue };
        let (mut scratch, mut out) = (vec![0.0; part.scratch_len()], vec![0.0; part.outputs()]);
        for seed in 0..200 {
            let x = params(part.inputs(), 1000 + seed, deviation);
            calibration.observe(front, &x, &mut scratch, &mut out).unwrap();
        }
    }
    let count = steps.map_or(0, |steps| steps.steps.len());
    let mut out = vec![0; quantized_len(&network, count).unwrap()];
    assert_eq!(quantize(&calibration, steps, &mut out), Ok(out.len()));
    out
}

/// A small network of this kind, of floats and of integers.
pub fn small_int8(kind: Kind) -> [Vec<u8>; 2] {
    small(kind, 2, 0)
}

/// A small diffusion model that is told a vector of two values.
pub fn small_told() -> [Vec<u8>; 2] {
    small(Kind::Diffusion, 0, 2)
}

fn small(kind: Kind, classes: usize, vector_len: usize) -> [Vec<u8>; 2] {
    let latent = 3;
    let (front, denoising): (&[LayerSpec<f32>], _) = match kind {
        Kind::Plain | Kind::Gan => (&[], None),
        Kind::Autoencoder => (&[LayerSpec::new(5, 3, Activation::Tanh)], None),
        Kind::Vae => (&[LayerSpec::new(5, 6, Activation::Linear)], None),
        Kind::Diffusion => (
            &[
                LayerSpec::new(3 + 2 + 2, 6, Activation::Silu),
                LayerSpec::new(6, 3, Activation::Linear),
            ],
            Some(Denoising {
                schedule: Schedule::Cosine,
                prediction: Prediction::Noise,
                classes,
                vector_len,
            }),
        ),
    };
    let back =
        [LayerSpec::new(latent, 4, Activation::Relu), LayerSpec::new(4, 5, Activation::Sigmoid)];
    let of_back = Spec::new(&back).unwrap();
    let of_front = Spec::new(front).ok();
    let (own, other) = (
        params(of_front.map_or(0, |spec| spec.params()), 11, 0.5),
        params(of_back.params(), 12, 0.5),
    );
    let spec = NetworkSpec {
        kind,
        front: of_front.map(|spec| Part { spec, params: &own }),
        back: Some(Part { spec: of_back, params: &other }),
        denoising,
    };
    let bytes = write(&spec);
    let steps: Vec<Step<'_>> = [(0.02, 0.42), (0.42, 0.8), (0.8, 1.0)]
        .into_iter()
        .map(|(alpha, next)| Step { features: &[0.5, -0.25], alpha, next })
        .collect();
    let steps = denoising.map(|_| Steps { steps: &steps, limit: 3.0 });
    let int8 = to_int8(&bytes, 1.0, steps);
    [bytes, int8]
}

/// Runs and samples whatever the bytes hold; the outputs as bytes, nothing if they are no network.
pub fn run_any(bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let Ok(blob) = Blob::parse(bytes) else { return all };
    if blob.numbers() == Numbers::F32 {
        let Ok(network) = F32Network::parse(bytes) else { return all };
        for part in [network.front(), network.back(), Some(network.whole())].into_iter().flatten() {
            let (mut scratch, mut out) = (vec![0.0; part.scratch_len()], vec![0.0; part.outputs()]);
            let x = params(part.inputs(), 21, 1.0);
            if part.forward(&x, &mut scratch, &mut out).is_ok() {
                all.extend(out.iter().flat_map(|y| y.to_le_bytes()));
            }
        }
    } else {
        let Ok(network) = Int8Network::parse(bytes) else { return all };
        for part in [network.front(), network.back()].into_iter().flatten() {
            let (mut scratch, mut out) = (vec![0; part.scratch_len()], vec![0; part.outputs()]);
            let mut generator = rng::seeded(22);
            let x: Vec<i32> =
                (0..part.inputs()).map(|_| rng::normal_fixed(&mut generator)).collect();
            part.forward(&x, &mut scratch, &mut out).unwrap();
            all.extend(out.iter().flat_map(|y| y.to_le_bytes()));
        }
        let (mut scratch, mut out) = (vec![0; network.scratch_len()], vec![0; blob.outputs()]);
        let mut generator = rng::seeded(23);
        let vector: Vec<i32> = (0..blob.vector_len()).map(|k| [ONE / 2, -ONE][k % 2]).collect();
        let told = if vector.is_empty() { Condition::Class(0) } else { Condition::Vector(&vector) };
        for told in [(Condition::None, 0), (told, 0), (told, 2 * ONE)] {
            if network.sample_under(&mut generator, told, &mut scratch, &mut out).is_ok() {
                all.extend(out.iter().flat_map(|y| y.to_le_bytes()));
            }
        }
    }
    all
}
