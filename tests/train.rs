//! Promises of gradients, losses and optimizers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    missing_docs
)]

use eigenmote::nn::optimize::{average, clip_norm, warm_decay};
use eigenmote::nn::{
    Activation, Adam, AdamSteps, Dense, GanLoss, Initialization, LayerSpec, Network, Pass, Sgd,
    Spec, TrainError, initialize, loss,
};
use eigenmote::rng::{fill_normal, seeded};
use proptest::prelude::*;

/// The activations that need no feature.
const ALL: [Activation<f64>; 8] = [
    Activation::Linear,
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.125 },
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Silu,
    Activation::Gelu,
    Activation::GeluTanh,
];

fn normal(seed: u64, n: usize) -> Vec<f64> {
    let mut values = vec![0.0; n];
    fill_normal(&mut seeded(seed), &mut values);
    values
}

/// `(f(x + h) − f(x − h))/2h` along every coordinate.
fn central_differences(x: &[f64], mut f: impl FnMut(&[f64]) -> f64) -> Vec<f64> {
    let h = 1e-5;
    let mut x = x.to_vec();
    (0..x.len())
        .map(|i| {
            let middle = x[i];
            x[i] = middle + h;
            let above = f(&x);
            x[i] = middle - h;
            let below = f(&x);
            x[i] = middle;
            (above - below) / (2.0 * h)
        })
        .collect()
}

/// Truncation `h²/6·f‴` and rounding `ε·|f|/h`; the worst of 2000 random networks was 2e-8.
fn assert_near(found: &[f64], right: &[f64], what: &str) {
    assert_eq!(found.len(), right.len());
    for (i, (f, r)) in found.iter().zip(right).enumerate() {
        assert!((f - r).abs() <= 1e-6 * (1.0 + r.abs()), "{what}, {i}: {f} is not {r}");
    }
}

/// Two outputs of a loss per sample, so that every gradient differs.
fn square(output: &[f64], target: &[f64]) -> f64 {
    loss::mean_square(output, target, &mut vec![0.0; output.len()]).unwrap()
}

type Loss<'a> = Box<dyn Fn(&[f64], &mut [f64]) -> Result<f64, TrainError> + 'a>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn gradients_of_networks_are_central_differences(
        seed in 0_u64..1 << 32,
        sizes in prop::array::uniform4(1_usize..12),
        chosen in prop::array::uniform3(0_usize..8),
        rows in 1_usize..11,
    ) {
        let layers: [LayerSpec<f64>; 3] = core::array::from_fn(|k| {
            LayerSpec::new(sizes[k], sizes[k + 1], ALL[chosen[k]])
        });
        let spec = Spec::new(&layers).unwrap();
        let params = normal(seed, spec.params());
        let x = normal(seed + 1, rows * sizes[0]);
        let target = normal(seed + 2, rows * sizes[3]);
        let mut memory = vec![f64::NAN; Pass::memory_len(&spec, rows)];
        let mut pass = Pass::new(spec, rows, &mut memory).unwrap();

        // Relu has no derivative at 0: the steps must not cross it.
        let mut value = |params: &[f64], x: &[f64]| {
            square(pass.forward(params, x).unwrap(), &target)
        };
        let by_params = central_differences(&params, |p| value(p, &x));
        let by_input = central_differences(&x, |x| value(&params, x));
        let near_kink = {
            let h = 1e-5;
            let halved: Vec<f64> = {
                let mut p = params.clone();
                (0..p.len()).map(|i| {
                    let middle = p[i];
                    p[i] = middle + h / 8.0;
                    let above = value(&p, &x);
                    p[i] = middle - h / 8.0;
                    let below = value(&p, &x);
                    p[i] = middle;
                    (above - below) / (h / 4.0)
                }).collect()
            };
            by_params.iter().zip(&halved).any(|(a, b)| (a - b).abs() > 1e-7 * (1.0 + a.abs()))
        };
        prop_assume!(!near_kink);

        pass.forward(&params, &x).unwrap();
        let (output, slot) = pass.output_and_gradient();
        loss::mean_square(output, &target, slot).unwrap();
        let mut gradient = vec![0.0; spec.params()];
        let dx = pass.backward_to_input(&params, &x, &mut gradient).unwrap().to_vec();
        assert_near(&gradient, &by_params, "parameters");
        assert_near(&dx, &by_input, "input");

        // Alone it is the same, and a second pass adds to the first.
        pass.forward(&params, &x).unwrap();
        let (output, slot) = pass.output_and_gradient();
        loss::mean_square(output, &target, slot).unwrap();
        prop_assert_eq!(pass.backward_through(&params, &x).unwrap(), &dx[..]);
        pass.forward(&params, &x).unwrap();
        let (output, slot) = pass.output_and_gradient();
        loss::mean_square(output, &target, slot).unwrap();
        let once = gradient.clone();
        pass.backward(&params, &x, &mut gradient).unwrap();
        for (twice, once) in gradient.iter().zip(&once) {
            prop_assert!((twice - 2.0 * once).abs() <= 1e-12 * (1.0 + once.abs()));
        }
    }

    #[test]
    fn gradients_of_losses_are_central_differences(seed in 0_u64..1 << 32, rows in 1_usize..7) {
        let n = rows * 4;
        let x = normal(seed, n);
        let target: Vec<f64> = normal(seed + 1, n).iter().map(|t| 1.0 / (1.0 + t.exp())).collect();
        let labels: Vec<usize> = (0..rows).map(|i| (i * 7 + seed as usize) % 4).collect();
        let losses: [(&str, Loss<'_>); 8] = [
            ("mean square", Box::new(|x, g| loss::mean_square(x, &target, g))),
            ("gaussian", Box::new(|x, g| loss::gaussian(x, &target, rows, 0.3, g))),
            ("cross-entropy", Box::new(|x, g| loss::cross_entropy(x, &target, rows, g))),
            ("softmax", Box::new(|x, g| loss::softmax_cross_entropy(x, 4, &labels, g))),
            ("divergence", Box::new(|x, g| loss::gaussian_kl(x, 2, 1.0, g))),
            ("judged", Box::new(|x, g| loss::judged(x, 0.9, 1.0, g))),
            ("non-saturating", Box::new(|x, g| loss::generator(x, GanLoss::NonSaturating, g))),
            ("minimax", Box::new(|x, g| loss::generator(x, GanLoss::Minimax, g))),
        ];
        for (name, loss) in losses {
            let mut gradient = vec![0.0; n];
            loss(&x, &mut gradient).unwrap();
            let right = central_differences(&x, |x| loss(x, &mut vec![0.0; n]).unwrap());
            assert_near(&gradient, &right, name);
        }
    }

    #[test]
    fn a_batch_has_the_bits_of_its_samples(seed in 0_u64..1 << 32, rows in 2_usize..40) {
        let layers = [
            LayerSpec::new(9, 21, Activation::Silu),
            LayerSpec::new(21, 5, Activation::Tanh),
        ];
        let spec = Spec::new(&layers).unwrap();
        let params: Vec<f32> = normal(seed, spec.params()).iter().map(|&p| p as f32).collect();
        let x: Vec<f32> = normal(seed + 1, rows * 9).iter().map(|&v| v as f32).collect();
        let mut memory = vec![0.0; Pass::memory_len(&spec, rows)];
        let mut pass = Pass::new(spec, rows, &mut memory).unwrap();
        let all = pass.forward(&params, &x).unwrap().to_vec();
        for (sample, right) in x.chunks(9).zip(all.chunks(5)) {
            prop_assert_eq!(pass.forward(&params, sample).unwrap(), right);
        }
    }
}

#[test]
fn every_activation_has_the_slope_of_its_differences() {
    for activation in ALL {
        for k in -4000..=4000 {
            let x = f64::from(k) / 400.0 + 1e-4;
            let h = 1e-6;
            let mut v = [x - h, x, x + h];
            activation.apply(&mut v);
            let mut slope = [1.0];
            activation.backward(&[x], &[v[1]], &mut slope);
            let right = (v[2] - v[0]) / (2.0 * h);
            assert!((slope[0] - right).abs() < 1e-8, "{activation:?} at {x}: {} {right}", slope[0]);
        }
        // Far out it is finite, in single precision too.
        for x in [-f32::MAX, -1e19, -100.0, 0.0, 100.0, 1e19, f32::MAX] {
            let single = match activation {
                Activation::LeakyRelu { slope } => Activation::LeakyRelu { slope: slope as f32 },
                Activation::Tanh => Activation::Tanh,
                Activation::Sigmoid => Activation::Sigmoid,
                Activation::Silu => Activation::Silu,
                Activation::Gelu => Activation::Gelu,
                Activation::GeluTanh => Activation::GeluTanh,
                Activation::Relu => Activation::Relu,
                _ => Activation::Linear,
            };
            let (mut y, mut slope) = ([x], [1.0]);
            single.apply(&mut y);
            single.backward(&[x], &y, &mut slope);
            assert!(slope[0].abs() < 1.2, "{single:?} at {x}: {}", slope[0]);
        }
    }
}

#[test]
fn a_pass_computes_what_the_network_with_sizes_in_its_type_does() {
    let layers =
        [LayerSpec::new(4, 6, Activation::GeluTanh), LayerSpec::new(6, 3, Activation::Sigmoid)];
    let spec = Spec::new(&layers).unwrap();
    let params = normal(3, spec.params());
    let (w1, rest) = params.split_at(24);
    let (b1, rest) = rest.split_at(6);
    let (w2, b2) = rest.split_at(18);
    let w1: &[[f64; 4]; 6] = w1.as_chunks().0.first_chunk().unwrap();
    let w2: &[[f64; 6]; 3] = w2.as_chunks().0.first_chunk().unwrap();
    let net = Dense::new(w1, b1.first_chunk().unwrap(), Activation::GeluTanh).then(Dense::new(
        w2,
        b2.first_chunk().unwrap(),
        Activation::Sigmoid,
    ));
    let mut memory = vec![0.0; Pass::memory_len(&spec, 5)];
    let mut pass = Pass::new(spec, 5, &mut memory).unwrap();
    let x = normal(4, 20);
    let out = pass.forward(&params, &x).unwrap();
    for (x, y) in x.as_chunks::<4>().0.iter().zip(out.chunks(3)) {
        let mut right = [0.0; 3];
        net.forward(x, &mut [0.0; 6], &mut right).unwrap();
        assert_near(y, &right, "output");
    }
}

#[test]
fn adam_makes_the_steps_worked_by_hand() {
    // Kingma & Ba, algorithm 1. First step: both means are unbiased to g and g², so that the step is
    // the rate, against the sign of the gradient.
    let adam = Adam { epsilon: 1e-300, ..Adam::new(0.5_f64) };
    let (mut p, mut moments, mut steps) = ([1.0, 1.0], [0.0; 4], AdamSteps::START);
    adam.update(&mut steps, &mut p, &[3.0, -1e-3], &mut moments).unwrap();
    assert_near(&p, &[0.5, 1.5], "first step");
    // Second step with g = (1, 0): m = 0.9·0.3 + 0.1, v = 0.999·0.009 + 0.001.
    adam.update(&mut steps, &mut p, &[1.0, 0.0], &mut moments).unwrap();
    let step = (0.37 / 0.19) / (0.009_991_f64 / 0.001_999).sqrt();
    let second = (-0.9e-4 / 0.19) / (0.999e-9_f64 / 0.001_999).sqrt();
    assert_near(&p, &[0.5 - 0.5 * step, 1.5 - 0.5 * second], "second step");
    assert_eq!(steps.count, 2);
    // Decay by itself: a factor 1 − rate·decay.
    let adam = Adam { weight_decay: 0.1, ..adam };
    let (mut p, mut moments, mut steps) = ([2.0], [0.0; 2], AdamSteps::START);
    adam.update(&mut steps, &mut p, &[0.0], &mut moments).unwrap();
    assert_near(&p, &[2.0 * 0.95], "decay");
}

#[test]
fn momentum_makes_the_steps_worked_by_hand() {
    let sgd = Sgd { weight_decay: 0.5, ..Sgd::new(0.1_f64, 0.5) };
    let (mut p, mut v) = ([1.0], [0.0]);
    sgd.update(&mut p, &[2.0], &mut v).unwrap();
    assert_near(&p, &[1.0 - 0.1 * (2.0 + 0.5)], "first step");
    sgd.update(&mut p, &[0.0], &mut v).unwrap();
    assert_near(&p, &[0.75 - 0.1 * (1.0 + 0.375)], "second step");
}

#[test]
fn clipping_and_averages_match_hand_work() {
    let mut g = [3.0_f64, -4.0];
    assert_eq!(clip_norm(&mut g, 10.0), Ok(5.0));
    assert_eq!(g, [3.0, -4.0]);
    assert_eq!(clip_norm(&mut g, 1.0), Ok(5.0));
    assert_near(&g, &[0.6, -0.8], "clipped");
    // Squares overflow; the norm does not.
    let mut g = [3e30_f32, 4e30];
    assert!((clip_norm(&mut g, 5.0).unwrap() / 5e30 - 1.0).abs() < 1e-6);
    assert!((g[0] - 3.0).abs() < 1e-5 && (g[1] - 4.0).abs() < 1e-5);
    let mut a = [1.0_f64];
    average(&mut a, &[3.0], 0.75).unwrap();
    assert_eq!(a, [1.5]);
    assert_eq!((warm_decay(0.999_f64, 0), warm_decay(0.9, 1 << 20)), (0.1, 0.9));
}

#[test]
fn first_weights_have_their_spread_and_the_seed_fixes_their_bytes() {
    let layers = [LayerSpec::new(300, 100, Activation::Relu)];
    let spec = Spec::new(&layers).unwrap();
    for (how, variance, most) in [
        (Initialization::KaimingUniform, 2.0 / 300.0, (6.0_f64 / 300.0).sqrt()),
        (Initialization::KaimingNormal, 2.0 / 300.0, 1.0),
        (Initialization::XavierUniform, 2.0 / 400.0, (6.0_f64 / 400.0).sqrt()),
        (Initialization::XavierNormal, 2.0 / 400.0, 1.0),
    ] {
        let (mut params, mut again) = (vec![1.0_f64; 30_100], vec![2.0; 30_100]);
        initialize(&spec, how, &mut seeded(1), &mut params).unwrap();
        initialize(&spec, how, &mut seeded(1), &mut again).unwrap();
        assert_eq!(params, again);
        let (weights, bias) = params.split_at(30_000);
        let found = weights.iter().map(|w| w * w).sum::<f64>() / 30_000.0;
        // Four deviations of the mean of 30 000 squares.
        assert!((found / variance - 1.0).abs() < 0.033, "{how:?}: {found} {variance}");
        assert!(weights.iter().all(|w| w.abs() <= most) && bias.iter().all(|&b| b == 0.0));
    }
}

#[test]
fn what_cannot_be_trained_on_is_refused_and_nothing_changes() {
    let layers =
        [LayerSpec::new(2, 3, Activation::Relu), LayerSpec::new(3, 1, Activation::Sigmoid)];
    let spec = Spec::new(&layers).unwrap();
    let params = [0.5_f32; 13];
    let needed = Pass::memory_len(&spec, 2);
    let mut memory = vec![0.0; needed];
    let short = Err(TrainError::MemoryTooSmall { needed });
    assert_eq!(Pass::new(spec, 2, &mut memory[..needed - 1]).map(|_| ()), short);
    assert_eq!(Pass::new(spec, 0, &mut memory).map(|_| ()), Err(TrainError::Batch));
    let mut pass = Pass::new(spec, 2, &mut memory).unwrap();
    let mut gradient = [0.0; 13];

    assert_eq!(pass.forward(&params, &[]), Err(TrainError::Batch));
    assert_eq!(pass.forward(&params, &[1.0; 3]), Err(TrainError::Batch));
    assert_eq!(pass.forward(&params, &[1.0; 6]), Err(TrainError::Batch));
    assert_eq!(pass.forward(&params[1..], &[1.0; 2]), Err(TrainError::Length { needed: 13 }));
    for bad in [f32::NAN, f32::INFINITY] {
        assert_eq!(pass.forward(&params, &[1.0, bad]), Err(TrainError::NotFinite));
        assert!(pass.output().is_empty());
    }
    // A sum overflows before the sigmoid that would hide it.
    assert_eq!(pass.forward(&[f32::MAX; 13], &[1.0; 2]), Err(TrainError::Overflow));
    assert_eq!(pass.forward(&[f32::NAN; 13], &[1.0; 2]), Err(TrainError::Overflow));
    // Backwards without a pass forwards.
    let refused = pass.backward(&params, &[1.0; 2], &mut gradient);
    assert_eq!(refused, Err(TrainError::Batch));
    pass.forward(&params, &[1.0; 4]).unwrap();
    assert_eq!(pass.backward(&params, &[1.0; 2], &mut gradient), Err(TrainError::Batch));

    let adam = Adam::new(0.1_f32);
    let start = (params, [0.25_f32; 26], AdamSteps::<f32>::START);
    for bad in [f32::NAN, f32::INFINITY, 1e30] {
        let (mut p, mut moments, mut steps) = start;
        let g = [bad; 13];
        let refused = adam.update(&mut steps, &mut p, &g, &mut moments);
        assert_eq!(refused, Err(TrainError::Overflow));
        assert_eq!((p, moments, steps), start);
        let mut velocity = [0.0; 13];
        let refused = Sgd::new(0.1, 0.9).update(&mut p, &g, &mut velocity);
        assert_eq!((refused, p, velocity), (Err(TrainError::Overflow), params, [0.0; 13]));
    }
    assert_eq!(clip_norm(&mut [f32::NAN, 1.0], 1.0), Err(TrainError::Overflow));
    for adam in [
        Adam { rate: f32::NAN, ..adam },
        Adam { beta1: 1.0, ..adam },
        Adam { beta2: -0.1, ..adam },
        Adam { epsilon: 0.0, ..adam },
    ] {
        let (mut p, mut moments, mut steps) = start;
        let refused = adam.update(&mut steps, &mut p, &[0.0; 13], &mut moments);
        assert_eq!(refused, Err(TrainError::Setting));
        assert_eq!((p, moments, steps), start);
    }
}
