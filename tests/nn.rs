//! Promises of the small networks and samplers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::unnecessary_box_returns,
    missing_docs
)]

mod support;

use eigenmote::nn::{
    Activation, Dense, Draw, Gaussian, Mlp, Network, NnError, PcaGaussian, SampleError,
    StandardNormal, sample,
};
use eigenmote::rng::{fill_normal, seeded};
use eigenmote::{Mat, Scalar};
use nalgebra::{DMatrix, DVector};
use proptest::prelude::*;
use support::bounds;

type Layer<'a, T, const I: usize, const O: usize> = Dense<'a, T, I, O>;

/// FNV-1a over the bit patterns.
fn hash(values: &[f32]) -> u64 {
    values
        .iter()
        .flat_map(|v| v.to_bits().to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn random<T: Scalar, const I: usize, const O: usize>(seed: u64, scale: f64) -> Box<[[T; I]; O]> {
    let mut rows = Box::new([[T::ZERO; I]; O]);
    fill_normal(&mut seeded(seed), rows.as_flattened_mut());
    rows.as_flattened_mut().iter_mut().for_each(|v| *v *= T::from_f64(scale));
    rows
}

/// The activations that need no feature.
const ALL: [Activation<f32>; 8] = [
    Activation::Linear,
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.125 },
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Silu,
    Activation::Gelu,
    Activation::GeluTanh,
];

/// The function in `f64`, straight from its definition where that keeps the digits, and `t` for a
/// result with a factor `e^(−t)`.
fn reference(activation: Activation<f32>, x: f64) -> (f64, f64) {
    let logistic =
        |u: f64| if u < 0.0 { u.exp() / (1.0 + u.exp()) } else { 1.0 / (1.0 + (-u).exp()) };
    let tail = |t: f64| if x < 0.0 { t } else { 0.0 };
    match activation {
        Activation::Linear => (x, 0.0),
        Activation::Relu => (x.max(0.0), 0.0),
        Activation::LeakyRelu { slope } => (if x < 0.0 { f64::from(slope) * x } else { x }, 0.0),
        Activation::Tanh => (x.tanh(), 0.0),
        Activation::Sigmoid => (logistic(x), 0.0),
        Activation::Silu => (x * logistic(x), 0.0),
        Activation::Gelu => {
            (0.5 * x * Scalar::erfc(-x * core::f64::consts::FRAC_1_SQRT_2), tail(x * x / 2.0))
        }
        Activation::GeluTanh => {
            let u = 2.0 * (2.0 / core::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x);
            (x * logistic(u), tail(-u))
        }
        _ => panic!("no reference"),
    }
}

/// Distance in units in the last place of the `f32` nearest to `right`; at least one subnormal.
fn ulps(found: f32, right: f64) -> f64 {
    let unit = (right.abs() * f64::from(f32::EPSILON)).max(f64::from(f32::from_bits(1)));
    (f64::from(found) - right).abs() / unit
}

#[test]
fn activations_are_accurate_over_the_whole_range() {
    for activation in ALL {
        let mut worst = (0.0, 0.0);
        for bits in (0..u32::MAX).step_by(9973) {
            let x = f32::from_bits(bits);
            if !x.is_finite() {
                continue;
            }
            let mut y = [x];
            activation.apply(&mut y);
            let (right, t) = reference(activation, f64::from(x));
            let error = ulps(y[0], right) / bounds::activation_ulps(t);
            if error > worst.0 {
                worst = (error, x);
            }
            assert!(error <= 1.0, "{activation:?}({x:e}) = {:e}, not {right:e}: {error}", y[0]);
        }
        println!("{activation:?}: worst {:.2} of the bound at {:e}", worst.0, worst.1);
    }
}

fn extremes<T: Scalar>(all: &[Activation<T>]) {
    let ends = [T::MAX, T::MAX * T::HALF, T::ONE, T::MIN_POSITIVE, T::MIN_POSITIVE * T::EPSILON];
    for activation in all {
        for x in ends.into_iter().chain([T::ZERO]) {
            let mut y = [x, -x];
            activation.apply(&mut y);
            assert!(y.iter().all(|v| v.is_finite()), "{activation:?}(±{x}) = {y:?}");
            assert!(y[0].abs() <= T::ONE.max(x), "{activation:?}({x}) = {}", y[0]);
            assert!(y[1].abs() <= T::ONE.max(x), "{activation:?}(-{x}) = {}", y[1]);
        }
        let mut nan = [T::from_f64(f64::NAN)];
        activation.apply(&mut nan);
        assert!(nan[0].to_f64().is_nan(), "{activation:?} hides NaN");
    }
}

#[test]
fn activations_of_huge_and_tiny_values_are_finite() {
    extremes(&ALL);
    extremes::<f64>(&[
        Activation::Linear,
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.125 },
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Silu,
        Activation::Gelu,
        Activation::GeluTanh,
    ]);
}

#[test]
fn a_network_matches_hand_work() {
    // 2 → 3 → 2 → 3: x = (1, −2); W₁x + b₁ = (−3, 4, 1) → relu (0, 4, 1);
    // W₂h + b₂ = (−3.5, 2) → leaky (−0.875, 2); W₃h = (1.125, −0.875, 5.5) + b₃.
    let (w1, b1) = ([[1.0, 2.0], [0.0, -2.0], [1.0, 0.0]], [0.0, 0.0, 0.0]);
    let (w2, b2) = ([[7.0, -1.0, 1.0], [0.0, 0.5, 0.0]], [-0.5, 0.0]);
    let (w3, b3) = ([[1.0, 1.0], [1.0, 0.0], [-4.0, 1.0]], [0.0, 0.0, 10.0]);
    let net = Dense::new(&w1, &b1, Activation::Relu)
        .then(Dense::new(&w2, &b2, Activation::LeakyRelu { slope: 0.25 }))
        .then(Dense::new(&w3, &b3, Activation::Linear));
    let (mut scratch, mut out) = ([0.0_f64; 5], [0.0; 3]);
    net.forward(&[1.0, -2.0], &mut scratch, &mut out).unwrap();
    assert_eq!(out, [1.125, -0.875, 15.5]);
}

/// `f` with its sums' error bounds, by the same recursion in `f64`: `(value, bound)` per entry.
struct Checked {
    value: DVector<f64>,
    bound: DVector<f64>,
}

impl Checked {
    fn layer<T: Scalar, const I: usize, const O: usize>(
        &self,
        layer: &Layer<'_, T, I, O>,
        activation: Activation<f32>,
    ) -> Self {
        let w = DMatrix::from_fn(O, I, |o, i| layer.weights[o][i].to_f64());
        let b = DVector::from_fn(O, |o, _| layer.bias[o].to_f64());
        let eps = T::EPSILON.to_f64();
        let sum = &w * &self.value + &b;
        let size = w.abs() * self.value.abs() + b.abs();
        let from_input = w.abs() * &self.bound;
        let rounding = (&size + &from_input) * bounds::dense_sum(I, T::LANES, eps);
        let value = sum.map(|v| reference(activation, v).0);
        // Every activation here has a slope within ±1.13.
        let bound = (from_input + rounding) * 1.13 + value.abs() * (16.0 * eps);
        Self { value, bound: bound.add_scalar(T::MIN_POSITIVE.to_f64()) }
    }
}

fn matches_reference<T: Scalar>(seed: u64, scale: f64, at: usize) -> Result<(), TestCaseError> {
    let convert = |activation| match activation {
        Activation::Linear => Activation::Linear,
        Activation::Relu => Activation::Relu,
        Activation::LeakyRelu { slope } => {
            Activation::LeakyRelu { slope: T::from_f64(f64::from(slope)) }
        }
        Activation::Tanh => Activation::Tanh,
        Activation::Sigmoid => Activation::Sigmoid,
        Activation::Silu => Activation::Silu,
        Activation::Gelu => Activation::Gelu,
        _ => Activation::GeluTanh,
    };
    let f = |k: usize| ALL[(at + k) % ALL.len()];
    let (w1, w2, w3) = (
        random::<T, 5, 33>(seed, scale),
        random::<T, 33, 7>(seed ^ 1, scale),
        random::<T, 7, 70>(seed ^ 2, scale),
    );
    let (b1, b2, b3) = (
        random::<T, 33, 1>(seed ^ 3, scale),
        random::<T, 7, 1>(seed ^ 4, scale),
        random::<T, 70, 1>(seed ^ 5, scale),
    );
    let l1 = Dense::new(&w1, &b1[0], convert(f(0)));
    let l2 = Dense::new(&w2, &b2[0], convert(f(1)));
    let l3 = Dense::new(&w3, &b3[0], convert(f(2)));
    let x = random::<T, 5, 1>(seed ^ 6, 1.0)[0];
    let mut out = [T::ZERO; 70];
    l1.then(l2).then(l3).forward(&x, &mut [T::ZERO; 40], &mut out).unwrap();
    let input = DVector::from_fn(5, |i, _| x[i].to_f64());
    let right = Checked { bound: DVector::zeros(5), value: input }
        .layer(&l1, f(0))
        .layer(&l2, f(1))
        .layer(&l3, f(2));
    for (i, y) in out.iter().enumerate() {
        let error = (y.to_f64() - right.value[i]).abs();
        prop_assert!(error <= right.bound[i], "{i}: {error:e} > {:e}", right.bound[i]);
    }
    Ok(())
}

proptest! {
    #[test]
    fn forward_agrees_with_nalgebra_in_double_precision(
        seed in any::<u64>(), power in -8..3_i32, at in 0..8_usize,
    ) {
        matches_reference::<f32>(seed, 2.0_f64.powi(power), at)?;
    }

    #[test]
    fn double_precision_agrees_too(seed in any::<u64>(), at in 0..8_usize) {
        // The reference sums in another order, so it has an error of the same size.
        matches_reference::<f64>(seed, 0.5, at)?;
    }

    #[test]
    fn what_the_scratch_held_before_does_not_matter(seed in any::<u64>(), junk in any::<f32>()) {
        let (w1, w2) = (random::<f32, 3, 9>(seed, 1.0), random::<f32, 9, 4>(seed ^ 1, 1.0));
        let net = Dense::new(&w1, &[0.5; 9], Activation::Silu)
            .then(Dense::new(&w2, &[0.0; 4], Activation::Tanh));
        let x = random::<f32, 3, 1>(seed ^ 2, 1.0)[0];
        let (mut a, mut b) = ([0.0; 4], [junk; 4]);
        net.forward(&x, &mut [0.0; 9], &mut a).unwrap();
        net.forward(&x, &mut [junk; 20], &mut b).unwrap();
        prop_assert_eq!(a, b);
    }
}

#[test]
fn a_chain_equals_its_layers_one_by_one() {
    type Net<'a> = Mlp<
        Mlp<
            Mlp<Mlp<Layer<'a, f32, 2, 3>, Layer<'a, f32, 3, 17>>, Layer<'a, f32, 17, 5>>,
            Layer<'a, f32, 5, 11>,
        >,
        Layer<'a, f32, 11, 2>,
    >;
    // Widths that grow and shrink, so that each buffer has to hold the widest of its own.
    let (a, b, c, d, e) = (
        random::<f32, 2, 3>(1, 1.0),
        random::<f32, 3, 17>(2, 0.5),
        random::<f32, 17, 5>(3, 0.5),
        random::<f32, 5, 11>(4, 0.5),
        random::<f32, 11, 2>(5, 0.5),
    );
    let l1 = Dense::new(&a, &[0.1; 3], Activation::Tanh);
    let l2 = Dense::new(&b, &[0.2; 17], Activation::Relu);
    let l3 = Dense::new(&c, &[0.3; 5], Activation::Gelu);
    let l4 = Dense::new(&d, &[0.4; 11], Activation::Silu);
    let l5 = Dense::new(&e, &[0.5; 2], Activation::Sigmoid);
    let net = l1.then(l2).then(l3).then(l4).then(l5);
    assert_eq!(Net::PARAMS, 9 + 68 + 90 + 66 + 24);
    assert_eq!(Net::SCRATCH, 17 + 5);
    let x = [0.7, -0.3];
    let (mut y1, mut y2, mut y3, mut y4) = ([0.0; 3], [0.0; 17], [0.0; 5], [0.0; 11]);
    l1.forward(&x, &mut [], &mut y1).unwrap();
    l2.forward(&y1, &mut [], &mut y2).unwrap();
    l3.forward(&y2, &mut [], &mut y3).unwrap();
    l4.forward(&y3, &mut [], &mut y4).unwrap();
    let (mut right, mut out) = ([0.0; 2], [0.0; 2]);
    l5.forward(&y4, &mut [], &mut right).unwrap();
    net.forward(&x, &mut [0.0; Net::SCRATCH], &mut out).unwrap();
    assert_eq!(out, right);
    for short in 0..Net::SCRATCH {
        assert_eq!(
            net.forward(&x, &mut vec![0.0; short], &mut out),
            Err(NnError::ScratchTooSmall { needed: Net::SCRATCH })
        );
    }
}

#[test]
fn values_that_are_not_finite_are_refused_wherever_they_are() {
    for activation in ALL {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let (w1, w2) = ([[1.0, -1.0]; 3], [[0.0, 1.0, -1.0]; 2]);
            let run = |w1: &[[f32; 2]; 3], b1: &[f32; 3], w2: &[[f32; 3]; 2], x: [f32; 2]| {
                let net =
                    Dense::new(w1, b1, activation).then(Dense::new(w2, &[0.0; 2], activation));
                let mut out = [0.0; 2];
                net.forward(&x, &mut [0.0; 3], &mut out).map(|()| out)
            };
            assert!(run(&w1, &[0.0; 3], &w2, [1.0, 2.0]).is_ok());
            assert_eq!(run(&w1, &[0.0; 3], &w2, [1.0, bad]), Err(NnError::NotFinite));
            assert_eq!(run(&w1, &[0.0, bad, 0.0], &w2, [1.0, 2.0]), Err(NnError::Overflow));
            let mut broken = w1;
            broken[2][1] = bad;
            assert_eq!(run(&broken, &[0.0; 3], &w2, [1.0, 0.0]), Err(NnError::Overflow));
            let mut broken = w2;
            broken[1][0] = bad;
            assert_eq!(run(&w1, &[0.0; 3], &broken, [0.0, 0.0]), Err(NnError::Overflow));
        }
        // A sum beyond the range is told, not turned into the 1 of a saturated sigmoid.
        let mut out = [0.0];
        let net = Dense::new(&[[f32::MAX, f32::MAX]], &[0.0], activation);
        assert_eq!(net.forward(&[1.0, 1.0], &mut [], &mut out), Err(NnError::Overflow));
    }
    let mut out = [0.0];
    let net = Dense::new(&[[1.0_f32]], &[0.0], Activation::LeakyRelu { slope: 4.0 });
    assert_eq!(net.forward(&[-f32::MAX], &mut [], &mut out), Err(NnError::Overflow));
}

/// `f32` values of an NPY file of version 1.0, or `None` without `../shared`.
fn shared(path: &str) -> Option<Vec<u8>> {
    let full = format!("{}/../shared/data/weights/{path}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&full).ok();
    if bytes.is_none() {
        println!("skipped: no {full}");
    }
    bytes
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()
}

fn npy(bytes: &[u8]) -> Vec<f32> {
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    floats(&bytes[10 + header..])
}

/// A tensor of a `PyTorch` checkpoint from before the zip format: pickles (the state dictionary, then
/// the list of storage keys), then each storage as a count and little-endian values.
fn torch_tensor(file: &[u8], name: &str) -> Vec<f32> {
    let find = |pattern: &[u8], from: usize| {
        from + file[from..].windows(pattern.len()).position(|w| w == pattern).unwrap()
    };
    // A string in a pickle is `X`, its length as u32, its bytes.
    let string_at = |at: usize| -> Option<&[u8]> {
        let length = u32::from_le_bytes(*file.get(at + 1..)?.first_chunk()?);
        (file[at] == b'X').then(|| file.get(at + 5..at + 5 + length as usize))?
    };
    let is_key = |s: &[u8]| s.len() > 4 && s.iter().all(u8::is_ascii_digit);
    let key_after = |from: usize| {
        (from..file.len())
            .find_map(|at| string_at(at).filter(|s| is_key(s)).map(|s| (at, s)))
            .unwrap()
    };
    let mut entry = vec![b'X'];
    entry.extend((name.len() as u32).to_le_bytes());
    entry.extend(name.as_bytes());
    let wanted = key_after(find(&entry, 0)).1;
    let mut at = find(b"\x80\x02]q\x00(", 0);
    let mut keys = Vec::new();
    while file[at..at + 2] != *b"e." {
        if let Some(key) = string_at(at).filter(|s| is_key(s)) {
            keys.push(key);
            at += key.len() + 5;
        } else {
            at += 1;
        }
    }
    at += 2;
    for key in keys {
        let count = u64::from_le_bytes(*file[at..].first_chunk().unwrap()) as usize;
        let values = &file[at + 8..at + 8 + 4 * count];
        if key == wanted {
            return floats(values);
        }
        at += 8 + 4 * count;
    }
    panic!("no storage for {name}");
}

fn rows<T: Scalar, const I: usize, const O: usize>(values: &[f32]) -> Box<[[T; I]; O]> {
    // Made on the heap: the largest of these is bigger than the stack of a test.
    let mut out: Box<[[T; I]; O]> = vec![[T::ZERO; I]; O].into_boxed_slice().try_into().unwrap();
    assert_eq!(values.len(), I * O);
    for (o, &v) in out.as_flattened_mut().iter_mut().zip(values) {
        *o = T::from_f64(f64::from(v));
    }
    out
}

/// Largest difference between the network and the golden outputs, relative to `1`.
fn worst_error<T: Scalar, N, const Z: usize, const D: usize>(
    net: &N,
    scratch: &mut [T],
    z: &[f32],
    golden: &[f32],
) -> f64
where
    N: Network<Scalar = T, Input = [T; Z], Output = [T; D]>,
{
    assert_eq!((z.len() / Z, golden.len() / D), (8, 8));
    let mut worst = 0.0_f64;
    for (z, right) in z.chunks_exact(Z).zip(golden.chunks_exact(D)) {
        let x = core::array::from_fn(|i| T::from_f64(f64::from(z[i])));
        let mut out = [T::ZERO; D];
        net.forward(&x, scratch, &mut out).unwrap();
        for (y, &r) in out.iter().zip(right) {
            worst = worst.max((y.to_f64() - f64::from(r)).abs());
        }
    }
    worst
}

fn vae<T: Scalar>(file: &[u8], z: &[f32], golden: &[f32]) -> f64 {
    let tensor = |name| torch_tensor(file, name);
    let (w3, b3) =
        (rows::<T, 20, 400>(&tensor("fc3.weight")), rows::<T, 400, 1>(&tensor("fc3.bias")));
    let (w4, b4) =
        (rows::<T, 400, 784>(&tensor("fc4.weight")), rows::<T, 784, 1>(&tensor("fc4.bias")));
    let decoder = Dense::new(&w3, &b3[0], Activation::Relu).then(Dense::new(
        &w4,
        &b4[0],
        Activation::Sigmoid,
    ));
    worst_error(&decoder, &mut [T::ZERO; 400], z, golden)
}

#[test]
fn a_real_vae_decoder_gives_its_golden_images() {
    let (Some(file), Some(z), Some(golden)) = (
        shared("csinva_mnist_vae/vae_epoch_25.pth"),
        shared("csinva_mnist_vae/golden_z_8x20_f32.npy"),
        shared("csinva_mnist_vae/golden_decoded_8x784_f32.npy"),
    ) else {
        return;
    };
    let (single, double) =
        (vae::<f32>(&file, &npy(&z), &npy(&golden)), vae::<f64>(&file, &npy(&z), &npy(&golden)));
    println!("largest difference: f32 {single:e}, f64 {double:e}");
    // The golden values are f64 results rounded to f32: half a unit of 1 is 3e-8.
    assert!(double <= 3.1e-8, "{double:e}");
    assert!(single <= 4e-7, "{single:e}"); // 2.1e-7
}

fn gan<T: Scalar>(file: &[u8], z: &[f32], golden: &[f32]) -> f64 {
    let tensor = |name| torch_tensor(file, name);
    let (w0, b0) = (rows::<T, 64, 256>(&tensor("0.weight")), rows::<T, 256, 1>(&tensor("0.bias")));
    let (w2, b2) = (rows::<T, 256, 256>(&tensor("2.weight")), rows::<T, 256, 1>(&tensor("2.bias")));
    let (w4, b4) = (rows::<T, 256, 784>(&tensor("4.weight")), rows::<T, 784, 1>(&tensor("4.bias")));
    let generator = Dense::new(&w0, &b0[0], Activation::Relu)
        .then(Dense::new(&w2, &b2[0], Activation::Relu))
        .then(Dense::new(&w4, &b4[0], Activation::Tanh));
    worst_error(&generator, &mut [T::ZERO; 512], z, golden)
}

#[test]
fn a_real_gan_generator_gives_its_golden_images() {
    let (Some(file), Some(z), Some(golden)) = (
        shared("csinva_mnist_gan_mlp/G--300.ckpt"),
        shared("csinva_mnist_gan_mlp/golden_z_8x64_f32.npy"),
        shared("csinva_mnist_gan_mlp/golden_out_8x784_f32.npy"),
    ) else {
        return;
    };
    let (single, double) =
        (gan::<f32>(&file, &npy(&z), &npy(&golden)), gan::<f64>(&file, &npy(&z), &npy(&golden)));
    println!("largest difference: f32 {single:e}, f64 {double:e}");
    assert!(double <= 3.1e-8, "{double:e}");
    assert!(single <= 4e-6, "{single:e}"); // 2.1e-6
}

/// Mean and covariance of `n` draws, in `f64`.
fn moments<T: Scalar, const D: usize>(
    source: &impl Draw<[T; D]>,
    seed: u64,
    n: usize,
) -> ([f64; D], [[f64; D]; D]) {
    let mut rng = seeded(seed);
    let (mut mean, mut square) = ([0.0; D], [[0.0; D]; D]);
    for _ in 0..n {
        let mut x = [T::ZERO; D];
        source.draw(&mut rng, &mut x);
        let x = x.map(Scalar::to_f64);
        for i in 0..D {
            mean[i] += x[i] / n as f64;
            for j in 0..D {
                square[i][j] += x[i] * x[j] / n as f64;
            }
        }
    }
    for i in 0..D {
        for j in 0..D {
            square[i][j] -= mean[i] * mean[j];
        }
    }
    (mean, square)
}

fn draws_have<T: Scalar, const D: usize>(
    source: &impl Draw<[T; D]>,
    mean: &[f64; D],
    covariance: &[[f64; D]; D],
) {
    const DRAWS: usize = 100_000;
    let (found_mean, found) = moments(source, 11, DRAWS);
    let rounding = 64.0 * T::EPSILON.to_f64();
    for i in 0..D {
        let bound = 6.0 * (covariance[i][i] / DRAWS as f64).sqrt();
        let error = (found_mean[i] - mean[i]).abs();
        assert!(error <= bound + rounding * mean[i].abs(), "mean {i}: {error} > {bound}");
        for j in 0..D {
            let (ii, jj, ij) = (covariance[i][i], covariance[j][j], covariance[i][j]);
            let bound = bounds::sample_covariance(ii, jj, ij, DRAWS);
            let error = (found[i][j] - ij).abs();
            // Single-precision samples far from zero carry a rounding error of their own.
            let own = rounding * (ii.sqrt() + mean[i].abs()) * (jj.sqrt() + mean[j].abs());
            assert!(error <= bound + own, "covariance {i}, {j}: {error} > {bound}");
        }
    }
}

/// Three orthonormal rows in six dimensions and a mean.
const COMPONENTS: [[f64; 6]; 3] = [
    [0.5, 0.5, 0.5, 0.5, 0.0, 0.0],
    [0.5, -0.5, 0.5, -0.5, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.0, 0.6, -0.8],
];
const MEAN: [f64; 6] = [1.0, -2.0, 0.0, 0.5, 3.0, 0.0];
const VARIANCE: [f64; 3] = [9.0, 2.0, 0.25];

fn pca_covariance(noise: f64) -> [[f64; 6]; 6] {
    core::array::from_fn(|i| {
        core::array::from_fn(|j| {
            let along: f64 =
                (0..3).map(|k| COMPONENTS[k][i] * (VARIANCE[k] - noise) * COMPONENTS[k][j]).sum();
            along + if i == j { noise } else { 0.0 }
        })
    })
}

fn pca_draws<T: Scalar>() {
    let cast = |v: f64| T::from_f64(v);
    let (mean, components) = (MEAN.map(cast), COMPONENTS.map(|row| row.map(cast)));
    let variance = VARIANCE.map(cast);
    let plain = PcaGaussian::new(&mean, &components, &variance).unwrap();
    draws_have(&plain, &MEAN, &pca_covariance(0.0));
    let noisy = PcaGaussian::probabilistic(&mean, &components, &variance, cast(0.125)).unwrap();
    draws_have(&noisy, &MEAN, &pca_covariance(0.125));
}

#[test]
fn draws_from_components_have_their_covariance() {
    pca_draws::<f32>();
    pca_draws::<f64>();
}

#[test]
fn without_noise_draws_stay_in_the_span_of_the_components() {
    let plain = PcaGaussian::new(&MEAN, &COMPONENTS, &VARIANCE).unwrap();
    let mut rng = seeded(3);
    for _ in 0..100 {
        let mut x = [0.0; 6];
        plain.draw(&mut rng, &mut x);
        let d: [f64; 6] = core::array::from_fn(|i| x[i] - MEAN[i]);
        // Orthogonal to all three rows.
        assert!((0.5 * (d[0] + d[1] - d[2] - d[3])).abs() < 1e-14);
        assert!((0.8 * d[4] + 0.6 * d[5]).abs() < 1e-14);
    }
}

#[test]
fn draws_from_fitted_statistics_have_them() {
    let covariance = [[4.0, 1.0, -2.0], [1.0, 0.5, 0.0], [-2.0, 0.0, 8.0]];
    let mean = [10.0, 0.0, -1.0];
    let fitted = Gaussian::from_covariance(mean, &Mat::from_rows(&covariance)).unwrap();
    draws_have(&fitted, &mean, &covariance);
    let unit = [[1.0, 0.0], [0.0, 1.0]];
    draws_have::<f32, 2>(&StandardNormal, &[0.0; 2], &unit);
}

fn factor_error<T: Scalar, const N: usize>(f: &Gaussian<T, N>, covariance: &Mat<T, N, N>) -> f64 {
    let mut worst = 0.0_f64;
    for i in 0..N {
        for j in 0..=i {
            let product: f64 = (0..N)
                .map(|k| {
                    f.factor.get(i, k).unwrap().to_f64() * f.factor.get(j, k).unwrap().to_f64()
                })
                .sum();
            let entry = |i, j| covariance.get(i, j).unwrap().to_f64();
            let scale = (entry(i, i) * entry(j, j)).sqrt().max(f64::MIN_POSITIVE);
            worst = worst.max((product - entry(i, j)).abs() / scale);
        }
    }
    worst
}

proptest! {
    #[test]
    fn the_factor_rebuilds_the_covariance(
        seed in any::<u64>(), rank in 0..6_usize, powers in prop::array::uniform6(-30..30_i32),
    ) {
        // B·Bᵀ of the given rank with rows in very different units.
        let b = random::<f32, 6, 6>(seed, 1.0);
        let entry = |i: usize, j: usize| -> f64 {
            let product: f64 = (0..=rank).map(|k| f64::from(b[i][k]) * f64::from(b[j][k])).sum();
            product * 2.0_f64.powi(powers[i] + powers[j])
        };
        let covariance = Mat::<f32, 6, 6>::from_fn(|i, j| entry(i, j) as f32);
        let fitted = Gaussian::from_covariance([0.0; 6], &covariance).unwrap();
        let error = factor_error(&fitted, &covariance);
        prop_assert!(error <= 8.0 * 7.0 * f64::from(f32::EPSILON), "{error:e}");
        let double = Mat::<f64, 6, 6>::from_fn(entry);
        let fitted = Gaussian::from_covariance([0.0; 6], &double).unwrap();
        let error = factor_error(&fitted, &double);
        prop_assert!(error <= 8.0 * 7.0 * f64::EPSILON, "{error:e}");
    }
}

#[test]
fn singular_covariances_serve_and_others_are_refused() {
    // The second variable is constant, the third is twice the first.
    let singular = Mat::from_rows(&[[1.0_f32, 0.0, 2.0], [0.0, 0.0, 0.0], [2.0, 0.0, 4.0]]);
    let fitted = Gaussian::from_covariance([0.0, 5.0, 0.0], &singular).unwrap();
    let mut rng = seeded(1);
    for _ in 0..100 {
        let mut z = [0.0; 3];
        fitted.draw(&mut rng, &mut z);
        assert_eq!((z[1], z[2]), (5.0, 2.0 * z[0]));
    }
    let refused = |rows: &[[f32; 2]; 2]| {
        Gaussian::from_covariance([0.0; 2], &Mat::from_rows(rows)).unwrap_err()
    };
    assert_eq!(refused(&[[1.0, 2.0], [2.0, 1.0]]), SampleError::NotPositive);
    assert_eq!(refused(&[[0.0, 1.0], [1.0, 0.0]]), SampleError::NotPositive);
    assert_eq!(refused(&[[1.0, 0.0], [0.0, -1.0]]), SampleError::NotPositive);
    assert_eq!(refused(&[[1.0, 0.0], [f32::NAN, 1.0]]), SampleError::NotFinite);
    assert_eq!(refused(&[[f32::INFINITY, 0.0], [0.0, 1.0]]), SampleError::NotFinite);
    let huge = Mat::from_rows(&[[f32::MAX, f32::MAX], [f32::MAX, f32::MAX]]);
    assert!(Gaussian::from_covariance([0.0; 2], &huge).is_ok());
    let mean = Gaussian::from_covariance([f32::NAN], &Mat::from_rows(&[[1.0]])).unwrap_err();
    assert_eq!(mean, SampleError::NotFinite);
    let components = [[1.0_f32, 0.0]];
    let pca = |mean: [f32; 2], variance: f32, noise: f32| {
        PcaGaussian::probabilistic(&mean, &components, &[variance], noise).map(|_| ())
    };
    assert_eq!(pca([0.0; 2], 1.0, 0.5), Ok(()));
    assert_eq!(pca([0.0; 2], 0.25, 0.5), Ok(()));
    assert_eq!(pca([0.0; 2], -1.0, 0.0), Err(SampleError::NotPositive));
    assert_eq!(pca([0.0; 2], 1.0, -0.5), Err(SampleError::NotPositive));
    assert_eq!(pca([0.0, f32::NAN], 1.0, 0.0), Err(SampleError::NotFinite));
    assert_eq!(pca([0.0; 2], f32::INFINITY, 0.0), Err(SampleError::NotFinite));
}

#[test]
fn the_seed_fixes_the_bytes_of_every_sampler() {
    let (w1, w2) = (random::<f32, 4, 16>(1, 0.5), random::<f32, 16, 32>(2, 0.25));
    let decoder = Dense::new(&w1, &[0.125; 16], Activation::Gelu).then(Dense::new(
        &w2,
        &[0.0; 32],
        Activation::Sigmoid,
    ));
    let covariance = Mat::from_fn(|i, j| if i == j { 2.0_f32 } else { 0.5 });
    let fitted = Gaussian::from_covariance([0.25; 4], &covariance).unwrap();
    let cast = |v: f64| v as f32;
    let (mean, components) = (MEAN.map(cast), COMPONENTS.map(|row| row.map(cast)));
    let pca = PcaGaussian::probabilistic(&mean, &components, &VARIANCE.map(cast), 0.125).unwrap();
    let run = |seed: u64| {
        let (mut rng, mut scratch) = (seeded(seed), [0.0; 16]);
        let (mut out, mut x, mut all) = ([0.0; 32], [0.0; 6], Vec::new());
        for _ in 0..100 {
            sample(&decoder, &StandardNormal, &mut rng, &mut scratch, &mut out).unwrap();
            all.extend(out);
            sample(&decoder, &fitted, &mut rng, &mut scratch, &mut out).unwrap();
            all.extend(out);
            pca.draw(&mut rng, &mut x);
            all.extend(x);
        }
        hash(&all)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    // With `fast` the last bits of a layer are those of the machine.
    if !cfg!(feature = "fast") {
        assert_eq!(run(1), 16_159_171_113_605_266_255);
    }
}

#[test]
fn forward_has_the_same_bits_everywhere() {
    assert_eq!(forward_bits(), forward_bits());
    // With `fast` the last bits of a layer are those of the machine.
    if !cfg!(feature = "fast") {
        assert_eq!(forward_bits(), 2_408_366_206_571_433_620);
    }
}

fn forward_bits() -> u64 {
    let mut all = Vec::new();
    for activation in ALL {
        let (w1, w2) = (random::<f32, 19, 37>(8, 0.5), random::<f32, 37, 21>(9, 0.5));
        let net = Dense::new(&w1, &[0.125; 37], activation).then(Dense::new(
            &w2,
            &[-0.125; 21],
            activation,
        ));
        for seed in 0..50 {
            let x = random::<f32, 19, 1>(seed, 1.0)[0];
            let mut out = [0.0; 21];
            net.forward(&x, &mut [0.0; 37], &mut out).unwrap();
            all.extend(out);
        }
    }
    hash(&all)
}
