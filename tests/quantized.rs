//! Integer networks: close to those of floats, exact by hand, the same bytes for the same seed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

use eigenmote::nn::quantized::{ONE, fixed, float};
use eigenmote::nn::{
    Activation, BlobError, Calibration, Class, Condition, Denoising, Deviation, Diffusion,
    F32Network, Int8Error, Int8Network, Kind, LayerRange, LayerSpec, NetworkSpec, Part, Prediction,
    Sampler, Schedule, Spec, Step, Steps, TrainError, quantize, quantized_len,
};
use eigenmote::rng;

#[path = "support/networks.rs"]
mod networks;
use networks::{params, small_int8, small_told, to_int8, write};

fn plain(layers: &[LayerSpec<f32>], params: &[f32]) -> Vec<u8> {
    let part = Part { spec: Spec::new(layers).unwrap(), params };
    write(&NetworkSpec::new(Kind::Plain, None, Some(part)))
}

#[test]
fn a_layer_by_hand() {
    // One weight of each sign; inputs within ±1, outputs within 0..3.5.
    let bytes = plain(&[LayerSpec::new(2, 1, Activation::Relu)], &[1.0, -2.0, 0.5]);
    let network = F32Network::parse(&bytes).unwrap();
    let mut ranges = [LayerRange::NEW];
    let mut calibration = Calibration::new(network, &mut ranges).unwrap();
    for x in [[1.0, -1.0], [-1.0, 1.0]] {
        calibration.observe(false, &x, &mut [0.0; 2], &mut [0.0]).unwrap();
    }
    let mut int8 = vec![0; quantized_len(&network, 0).unwrap()];
    quantize(&calibration, None, &mut int8).unwrap();
    let layer = &int8[24 + 12..];
    // Ports: 2047/65536 = 65504·2^-21; 3.5/65280·65536 = 57569·2^-14, of zero point -32768.
    assert_eq!(layer[..8], [0xe0, 0xff, 21, 14, 0xe1, 0xe0, 0x00, 0x80]);
    // Zero point and lower limit -32768; the weights' scale is 2/127, a sum counts 2/127/2047,
    // 2/127/2047·65280/3.5 = 37615·2^-18; bias 0.5·127·2047/2 = 64992.25.
    assert_eq!(layer[8..12], [0x00, 0x80, 0x00, 0x80]);
    assert_eq!(layer[12..19], [0xef, 0x92, 18, 0xe0, 0xfd, 0x00, 0x00]);
    // 1/(2/127) = 63.5, away from zero; -127.
    assert_eq!(layer[19..21], [64, 129]);

    let network = Int8Network::parse(&int8).unwrap();
    let layers = network.back().unwrap();
    let run = |x: [f32; 2]| {
        let mut y = [0];
        layers.forward(&x.map(fixed), &mut [0; 4], &mut y).unwrap();
        float(y[0])
    };
    // 1·64/63.5 instead of 1.
    assert!((run([1.0, -1.0]) - 3.5).abs() < 0.01);
    assert!((run([0.5, 0.0]) - (0.5 + 0.5 * 64.0 / 63.5)).abs() < 1e-3);
    assert_eq!(run([-1.0, 0.0]), 0.0);
    // What was not seen comes out as the nearest that was.
    assert!((run([9.0, -9.0]) - 3.51).abs() < 0.01);
}

#[test]
fn integers_stay_close_to_floats_with_every_activation() {
    // The worst is that of tanh, 0.0217.
    for activation in [
        Activation::Linear,
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Silu,
        Activation::Gelu,
        Activation::GeluTanh,
    ] {
        let layers = [
            LayerSpec::new(8, 32, activation),
            LayerSpec::new(32, 32, activation),
            LayerSpec::new(32, 16, Activation::Linear),
        ];
        let values = params(Spec::new(&layers).unwrap().params(), 3, 0.3);
        let bytes = plain(&layers, &values);
        let int8 = to_int8(&bytes, 1.0, None);
        assert!(4 * int8.len() < 2 * bytes.len());
        let (floats, integers) =
            (F32Network::parse(&bytes).unwrap(), Int8Network::parse(&int8).unwrap());
        let (whole, back) = (floats.whole(), integers.back().unwrap());
        let mut deviation = Deviation::default();
        for seed in 0..100 {
            // Smaller ones than in calibration: none saturates.
            let x = params(8, 5000 + seed, 0.8);
            let (mut y, mut q) = ([0.0; 16], [0; 16]);
            whole.forward(&x, &mut vec![0.0; whole.scratch_len()], &mut y).unwrap();
            let x: Vec<i32> = x.iter().map(|&x| fixed(x)).collect();
            back.forward(&x, &mut vec![0; back.scratch_len()], &mut q).unwrap();
            deviation.add(&y, &q);
        }
        assert!(deviation.relative() < 0.025, "{activation:?}: {}", deviation.relative());
        assert!(deviation.rms() > 0.0 && deviation.largest >= deviation.rms());
    }
}

/// ᾱ before the `k`-th of eight steps, counted from the last.
fn alpha(k: u8) -> f32 {
    if k == 0 { 1.0 } else { Schedule::Cosine.alpha_bar(f32::from(k) / 8.0) }
}

/// Calibrates a diffusion network with inputs up to 15 or so and quantises it for steps down `ALPHAS`.
fn diffusion(
    layers: &[LayerSpec<f32>],
    values: &[f32],
    prediction: Prediction,
    (classes, vector_len): (usize, usize),
    limit: f32,
) -> Vec<u8> {
    let denoising = Denoising { schedule: Schedule::Cosine, prediction, classes, vector_len };
    let part = Part { spec: Spec::new(layers).unwrap(), params: values };
    let bytes = write(&NetworkSpec {
        kind: Kind::Diffusion,
        front: Some(part),
        back: None,
        denoising: Some(denoising),
    });
    let step = |k| Step { features: &[0.25], alpha: alpha(k), next: alpha(k - 1) };
    let steps: Vec<Step<'_>> = (1..=8).rev().map(step).collect();
    to_int8(&bytes, 5.0, Some(Steps { steps: &steps, limit }))
}

fn draw(blob: &[u8], seed: u64, class: Option<Class>) -> Vec<i32> {
    let network = Int8Network::parse(blob).unwrap();
    let (mut scratch, mut out) =
        (vec![0; network.scratch_len()], vec![0; network.blob().outputs()]);
    network.sample(&mut rng::seeded(seed), class, &mut scratch, &mut out).unwrap();
    out
}

#[test]
fn a_network_that_knows_the_clean_sample_leads_there() {
    // Whatever comes in, the network says (1, -2).
    let layers = [LayerSpec::new(3, 2, Activation::Linear)];
    let values = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, -2.0];
    let blob = diffusion(&layers, &values, Prediction::Sample, (0, 0), 0.0);
    for seed in 0..20 {
        let found = draw(&blob, seed, None);
        assert!((float(found[0]) - 1.0).abs() < 1e-3 && (float(found[1]) + 2.0).abs() < 1e-3);
    }
    let blob = diffusion(&layers, &values, Prediction::Sample, (0, 0), 1.5);
    assert!((float(draw(&blob, 1, None)[1]) + 1.5).abs() < 1e-4);
}

#[test]
fn steps_follow_the_formula_for_every_kind_of_prediction() {
    // e = 0.3·x + 0.1·time; compared with the sampler written out in doubles. What a network of noise
    // says is divided by √ᾱ, 0.01 in the first step, so that only limits keep it from running away.
    let layers = [LayerSpec::new(2, 1, Activation::Linear)];
    let values = [0.3, 0.1, 0.0];
    for (prediction, limit) in [
        (Prediction::Noise, 1.5),
        (Prediction::Sample, 0.0),
        (Prediction::Velocity, 0.0),
        (Prediction::Velocity, 0.25),
    ] {
        let blob = diffusion(&layers, &values, prediction, (0, 0), limit);
        for seed in 0..20 {
            let mut x = f64::from(rng::normal_fixed(&mut rng::seeded(seed))) / 65536.0;
            for k in (1..=8).rev() {
                let (now, next) = (f64::from(alpha(k)), f64::from(alpha(k - 1)));
                let (signal, spread) = (now.sqrt(), (1.0 - now).sqrt());
                let e = 0.3 * x + 0.025;
                let mut clean = match prediction {
                    Prediction::Noise => (x - spread * e) / signal,
                    Prediction::Sample => e,
                    _ => signal * x - spread * e,
                };
                if limit > 0.0 {
                    clean = clean.clamp(-f64::from(limit), f64::from(limit));
                }
                x = next.sqrt() * clean + (1.0 - next).sqrt() * (x - signal * clean) / spread;
            }
            let found = f64::from(float(draw(&blob, seed, None)[0]));
            assert!((found - x).abs() < 0.03 * (1.0 + x.abs()), "{prediction:?}: {found} {x}");
        }
    }
}

#[test]
fn guidance_goes_from_no_class_through_the_class_and_beyond() {
    // The clean sample is 0 without a class, -0.5 for class 0, 1 for class 1.
    let layers = [LayerSpec::new(1 + 1 + 2, 1, Activation::Linear)];
    let blob = diffusion(&layers, &[0.0, 0.0, -0.5, 1.0, 0.0], Prediction::Sample, (2, 0), 0.0);
    let of = |number, guidance| Some(Class { number, guidance });
    for (class, expected) in [
        (None, 0.0),
        (of(0, 0), -0.5),
        (of(1, 0), 1.0),
        (of(1, -ONE), 0.0),
        (of(1, -ONE / 2), 0.5),
        (of(1, ONE), 2.0),
    ] {
        let found = float(draw(&blob, 3, class)[0]);
        assert!((found - expected).abs() < 0.02, "{class:?}: {found} {expected}");
    }
}

fn draw_under(blob: &[u8], seed: u64, told: (Condition<'_, i32>, i32)) -> Vec<i32> {
    let network = Int8Network::parse(blob).unwrap();
    let (mut scratch, mut out) =
        (vec![0; network.scratch_len()], vec![0; network.blob().outputs()]);
    network.sample_under(&mut rng::seeded(seed), told, &mut scratch, &mut out).unwrap();
    out
}

#[test]
fn a_vector_decides_what_is_drawn_and_guidance_goes_beyond() {
    // The clean sample is 2·v₀ − v₁.
    let layers = [LayerSpec::new(1 + 1 + 2, 1, Activation::Linear)];
    let values = [0.0, 0.0, 2.0, -1.0, 0.0];
    let blob = diffusion(&layers, &values, Prediction::Sample, (0, 2), 0.0);
    let (v, w) = ([0.75, 0.5].map(fixed), [-0.25, 1.5].map(fixed));
    for (told, expected) in [
        ((Condition::None, 0), 0.0),
        ((Condition::None, ONE), 0.0),
        ((Condition::Vector(&v), 0), 1.0),
        ((Condition::Vector(&w), 0), -2.0),
        ((Condition::Vector(&v), -ONE), 0.0),
        ((Condition::Vector(&v), ONE / 2), 1.5),
        ((Condition::Vector(&w), ONE), -4.0),
    ] {
        let found = float(draw_under(&blob, 3, told)[0]);
        assert!((found - expected).abs() < 0.05, "{told:?}: {found} {expected}");
    }
}

#[test]
fn a_class_is_the_vector_with_a_one_in_its_place() {
    let [_, blob] = small_int8(Kind::Diffusion);
    for guidance in [0, ONE] {
        for (number, vector) in [(0_u16, [ONE, 0]), (1, [0, ONE])] {
            let of_class = draw(&blob, 5, Some(Class { number, guidance }));
            assert_eq!(of_class, draw_under(&blob, 5, (Condition::Vector(&vector), guidance)));
            let of_number = (Condition::Class(number.into()), guidance);
            assert_eq!(of_class, draw_under(&blob, 5, of_number));
        }
    }
}

#[test]
fn integers_under_a_vector_stay_close_to_the_sampler_of_floats() {
    const WIDTH: usize = 6;
    const STEPS: u32 = 12;
    let layers = [
        LayerSpec::new(8 + 4 + WIDTH, 32, Activation::Silu),
        LayerSpec::new(32, 8, Activation::Linear),
    ];
    let spec = Spec::new(&layers).unwrap();
    let values = params(spec.params(), 31, 0.25);
    let model = Diffusion::new(spec, Schedule::Cosine, Prediction::Velocity, WIDTH).unwrap();
    let denoising = Denoising {
        schedule: Schedule::Cosine,
        prediction: Prediction::Velocity,
        classes: 0,
        vector_len: WIDTH,
    };
    let front = Some(Part { spec, params: &values });
    let kind = Kind::Diffusion;
    let bytes = write(&NetworkSpec { kind, front, back: None, denoising: Some(denoising) });
    let network = F32Network::parse(&bytes).unwrap();
    // Vectors as long as each other.
    let vectors: Vec<Vec<f32>> = (0..10)
        .map(|seed| {
            let v = params(WIDTH, 40 + seed, 1.0);
            let length = v.iter().map(|v| v * v).sum::<f32>().sqrt();
            v.iter().map(|v| 2.0 * v / length).collect()
        })
        .collect();

    let mut ranges = [LayerRange::NEW; 2];
    let mut calibration = Calibration::new(network, &mut ranges).unwrap();
    let needed = calibration.sampling_memory_len();
    let sampler = Sampler::ddim(STEPS);
    let mut watch = |memory: &mut [f32], told: Condition<'_, f32>, seed| {
        calibration.observe_sampling(&model, &sampler, told, &mut rng::seeded(seed), memory)
    };
    let mut memory = vec![0.0; needed];
    let short = TrainError::MemoryTooSmall { needed };
    assert_eq!(watch(&mut memory[1..], Condition::None, 0), Err(short));
    let bad = watch(&mut memory, Condition::Vector(&[0.0; WIDTH + 1]), 0);
    assert_eq!(bad, Err(TrainError::Length { needed: WIDTH }));
    for seed in 0..200 {
        watch(&mut memory, Condition::Vector(&vectors[seed % 10]), seed as u64).unwrap();
    }
    let mut features = [[0.0; 4]; STEPS as usize];
    let steps: Vec<Step<'_>> = (1..=STEPS)
        .rev()
        .zip(&mut features)
        .map(|(k, features)| Step::at(Schedule::Cosine, (k, STEPS), features))
        .collect();
    let mut int8 = vec![0; quantized_len(&network, steps.len()).unwrap()];
    quantize(&calibration, Some(Steps { steps: &steps, limit: 0.0 }), &mut int8).unwrap();

    for guidance in [0.0, 1.0] {
        let (mut same, mut other) = (Deviation::default(), Deviation::default());
        for seed in 0..100 {
            let vector = &vectors[seed % 10];
            let mut generator = rng::seeded(seed as u64);
            let mut x: Vec<f32> =
                (0..8).map(|_| float(rng::normal_fixed(&mut generator))).collect();
            let (mut memory, mut e) = (vec![0.0; model.memory_len(1)], [0.0; 8]);
            for (k, step) in (1..=STEPS).rev().zip(&steps) {
                let t = k as f32 / STEPS as f32;
                let told = (Condition::Vector(vector), guidance);
                model.predict(&values, (&x, t), told, &mut memory, &mut e).unwrap();
                step.apply(Prediction::Velocity, f32::INFINITY, &e, &mut x);
            }
            let draw = |vector: &[f32]| {
                let vector: Vec<i32> = vector.iter().map(|&v| fixed(v)).collect();
                draw_under(&int8, seed as u64, (Condition::Vector(&vector), fixed(guidance)))
            };
            same.add(&x, &draw(vector));
            other.add(&x, &draw(&vectors[(seed + 1) % 10]));
        }
        let (same, other) = (same.relative(), other.relative());
        println!("guidance {guidance}: {same} with the same vector, {other} with another");
        assert!(same < 0.01 && other > 10.0 * same, "{guidance}: {same} {other}");
    }
}

#[test]
fn a_decoder_alone_draws_what_its_network_draws() {
    let [_, blob] = small_int8(Kind::Vae);
    let network = Int8Network::parse(&blob).unwrap();
    let back = network.back().unwrap();
    let (mut scratch, mut out) = (vec![0; back.scratch_len()], [0; 5]);
    back.sample(&mut rng::seeded(7), &mut scratch, &mut out).unwrap();
    assert_eq!(out[..], draw(&blob, 7, None));
    let short = back.sample(&mut rng::seeded(7), &mut scratch, &mut [0; 4]);
    assert_eq!(short, Err(Int8Error::WrongLength { expected: 5 }));
}

#[test]
fn the_seed_fixes_the_bytes() {
    for kind in [Kind::Vae, Kind::Gan, Kind::Diffusion] {
        let [_, blob] = small_int8(kind);
        assert_eq!(draw(&blob, 7, None), draw(&blob, 7, None));
        assert_ne!(draw(&blob, 7, None), draw(&blob, 8, None));
    }
}

#[test]
fn slips_are_errors() {
    let [_, vae] = small_int8(Kind::Vae);
    let network = Int8Network::parse(&vae).unwrap();
    let mut generator = rng::seeded(1);
    let mut sample = |class, scratch: usize, out: usize| {
        network.sample(&mut generator, class, &mut vec![0; scratch], &mut vec![0; out])
    };
    let needed = network.scratch_len();
    assert_eq!(sample(None, needed, 5), Ok(()));
    assert_eq!(sample(None, needed, 4), Err(Int8Error::WrongLength { expected: 5 }));
    assert_eq!(sample(None, needed - 1, 5), Err(Int8Error::ScratchTooSmall { needed }));
    let class = Some(Class { number: 0, guidance: ONE });
    assert_eq!(sample(class, needed, 5), Err(Int8Error::NoSuchClass { classes: 0 }));
    let under = |blob: &[u8], condition: Condition<'_, i32>| {
        let network = Int8Network::parse(blob).unwrap();
        let mut scratch = vec![0; network.scratch_len()];
        network.sample_under(&mut rng::seeded(1), (condition, ONE), &mut scratch, &mut [0; 5])
    };
    let none = Err(Int8Error::WrongVector { expected: 0 });
    assert_eq!(under(&vae, Condition::Vector(&[ONE])), none);
    let [_, told] = small_told();
    assert_eq!(under(&told, Condition::Vector(&[ONE, -ONE])), Ok(()));
    let two = Int8Error::WrongVector { expected: 2 };
    assert_eq!(under(&told, Condition::Vector(&[ONE])), Err(two));
    assert_eq!(under(&told, Condition::Vector(&[ONE; 3])), Err(two));
    assert_eq!(under(&told, Condition::Class(0)), Err(Int8Error::NoSuchClass { classes: 0 }));
    assert_eq!(two.to_string(), "the network is told a vector of 2 values");
    let back = network.back().unwrap();
    assert_eq!(
        back.forward(&[0; 2], &mut [0; 16], &mut [0; 5]),
        Err(Int8Error::WrongLength { expected: 3 })
    );
    let [_, plain] = small_int8(Kind::Plain);
    let network = Int8Network::parse(&plain).unwrap();
    let (mut scratch, mut out) = (vec![0; network.scratch_len()], [0; 5]);
    let found = network.sample(&mut generator, None, &mut scratch, &mut out);
    assert_eq!(found, Err(Int8Error::NoSampler));
}

#[test]
fn what_cannot_be_quantised_is_refused() {
    let bytes = plain(&[LayerSpec::new(2, 1, Activation::Relu)], &[1.0, -2.0, 0.5]);
    let network = F32Network::parse(&bytes).unwrap();
    let mut ranges = [LayerRange::NEW];
    let mut out = [0; 200];
    // Nothing seen.
    let calibration = Calibration::new(network, &mut ranges).unwrap();
    assert_eq!(quantize(&calibration, None, &mut out), Err(BlobError::BadScale));
    let mut calibration = Calibration::new(network, &mut ranges).unwrap();
    calibration.observe(false, &[1e36, 1.0], &mut [0.0; 2], &mut [0.0]).unwrap();
    assert_eq!(quantize(&calibration, None, &mut out), Err(BlobError::BadScale));
    let mut calibration = Calibration::new(network, &mut ranges).unwrap();
    calibration.observe(false, &[1.0, 1.0], &mut [0.0; 2], &mut [0.0]).unwrap();
    let steps = [Step { features: &[], alpha: 0.5, next: 1.0 }];
    let steps = Some(Steps { steps: &steps, limit: 0.0 });
    assert_eq!(quantize(&calibration, steps, &mut out), Err(BlobError::BadParts));
    assert_eq!(
        quantize(&calibration, None, &mut [0; 10]),
        Err(BlobError::BufferTooSmall { needed: quantized_len(&network, 0).unwrap() })
    );
    assert!(quantize(&calibration, None, &mut out).is_ok());
}
