//! Promises of models that generate: autoencoders, VAE, GAN, diffusion.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    missing_docs
)]

use eigenmote::nn::autoencoder::interpolate;
use eigenmote::nn::diffusion::embed_time;
use eigenmote::nn::{
    Activation, Adam, AdamSteps, Autoencoder, Diffusion, Gan, GanLoss, GanSettings, LayerSpec,
    Likelihood, Prediction, Sampler, Schedule, Sgd, Spec, TrainError, Vae,
};
use eigenmote::rng::{self, Generator, fill_normal, seeded};
use eigenmote::stats::Pca;

/// Gradient steps with Adam: `gradient(params, rng, gradient)`.
fn train<T: eigenmote::Scalar>(
    params: &mut [T],
    rate: f64,
    steps: u32,
    generator: &mut Generator,
    mut gradient: impl FnMut(&[T], &mut Generator, &mut [T]),
) {
    let mut slopes = vec![T::ZERO; params.len()];
    let mut moments = vec![T::ZERO; 2 * params.len()];
    let mut count = AdamSteps::START;
    for step in 0..steps {
        gradient(params, generator, &mut slopes);
        let left = 1.0 - f64::from(step) / f64::from(steps);
        let adam = Adam::new(T::from_f64(rate * left));
        adam.update(&mut count, params, &slopes, &mut moments).unwrap();
    }
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

fn assert_near(found: &[f64], right: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), right.len());
    for (i, (f, r)) in found.iter().zip(right).enumerate() {
        assert!((f - r).abs() <= tolerance * (1.0 + r.abs()), "{what}, {i}: {f} is not {r}");
    }
}

fn normal(seed: u64, n: usize) -> Vec<f64> {
    let mut values = vec![0.0; n];
    fill_normal(&mut seeded(seed), &mut values);
    values
}

fn mean_and_variance(x: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = x.clone().count() as f64;
    let mean = x.clone().sum::<f64>() / n;
    (mean, x.map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0))
}

/// Centred samples with deviations 3, 2 and 0.3, 0.2, 0.1 along turned axes.
fn ellipsoid(count: usize) -> Vec<[f64; 5]> {
    let deviations = [3.0, 2.0, 0.3, 0.2, 0.1];
    let mut generator = seeded(11);
    let mut samples: Vec<[f64; 5]> = (0..count)
        .map(|_| {
            let mut x = deviations.map(|d| d * rng::normal::<f64>(&mut generator));
            for (i, j) in [(0, 2), (1, 3), (0, 4), (1, 2)] {
                let (c, s) = (0.8, 0.6);
                (x[i], x[j]) = (c * x[i] - s * x[j], s * x[i] + c * x[j]);
            }
            x
        })
        .collect();
    for i in 0..5 {
        let mean = samples.iter().map(|x| x[i]).sum::<f64>() / count as f64;
        samples.iter_mut().for_each(|x| x[i] -= mean);
    }
    samples
}

#[test]
fn a_linear_autoencoder_spans_the_principal_components() {
    let samples = ellipsoid(60);
    let pca = Pca::<f64, 5, 2>::fit(&samples).unwrap();
    let down = [LayerSpec::new(5, 2, Activation::Linear)];
    let up = [LayerSpec::new(2, 5, Activation::Linear)];
    let model = Autoencoder::new(Spec::new(&down).unwrap(), Spec::new(&up).unwrap(), 0.0).unwrap();
    let x = samples.as_flattened();
    let mut memory = vec![0.0; model.memory_len(60)];
    let mut params = vec![0.0; model.params()];
    let mut generator = seeded(3);
    model.initialize(&mut generator, &mut params).unwrap();
    train(&mut params, 0.04, 2500, &mut generator, |params, generator, gradient| {
        model.gradient(params, x, generator, &mut memory, gradient).unwrap();
    });
    // What is left is what the discarded components hold, over all five values.
    let loss = model.gradient(&params, x, &mut generator, &mut memory, &mut vec![0.0; 27]).unwrap();
    let restored = |x: &[f64; 5]| pca.inverse_transform(&pca.transform(x));
    let best = samples
        .iter()
        .map(|x| x.iter().zip(restored(x)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>())
        .sum::<f64>()
        / 300.0;
    assert!(loss >= best * (1.0 - 1e-9) && loss <= best * 1.001, "{loss} {best}");
    // The decoder's columns lie in the span of both components.
    let decoder = &params[12..22];
    for k in 0..2 {
        let column: [f64; 5] = core::array::from_fn(|i| decoder[2 * i + k]);
        let inside: f64 = pca
            .components
            .iter()
            .map(|axis| axis.iter().zip(column).map(|(a, c)| a * c).sum::<f64>().powi(2))
            .sum();
        let length: f64 = column.iter().map(|c| c * c).sum();
        assert!((inside / length - 1.0).abs() < 1e-2, "{}", inside / length);
    }
}

#[test]
fn a_denoising_autoencoder_takes_noise_away() {
    // Points on a circle; the network sees them with noise of deviation 0.2.
    let down = [LayerSpec::new(2, 16, Activation::Tanh), LayerSpec::new(16, 2, Activation::Linear)];
    let up = [LayerSpec::new(2, 16, Activation::Tanh), LayerSpec::new(16, 2, Activation::Linear)];
    let noise = 0.2_f32;
    let model =
        Autoencoder::new(Spec::new(&down).unwrap(), Spec::new(&up).unwrap(), noise).unwrap();
    let circle: Vec<f32> = (0..64)
        .flat_map(|k| {
            let (s, c) = (k as f32 * core::f32::consts::TAU / 64.0).sin_cos();
            [c, s]
        })
        .collect();
    let mut memory = vec![0.0; model.memory_len(64)];
    let mut params = vec![0.0; model.params()];
    let mut generator = seeded(4);
    model.initialize(&mut generator, &mut params).unwrap();
    train(&mut params, 0.01, 800, &mut generator, |params, generator, gradient| {
        model.gradient(params, &circle, generator, &mut memory, gradient).unwrap();
    });
    let (mut before, mut after) = (0.0, 0.0);
    let mut out = vec![0.0; 128];
    for _ in 0..20 {
        let noisy: Vec<f32> =
            circle.iter().map(|&x| x + noise * rng::normal::<f32>(&mut generator)).collect();
        model.reconstruct(&params, &noisy, &mut memory, &mut out).unwrap();
        let off = |x: &[f32]| x.chunks(2).map(|p| (p[0].hypot(p[1]) - 1.0).powi(2)).sum::<f32>();
        before += off(&noisy);
        after += off(&out);
    }
    assert!(after < 0.25 * before, "{after} of {before}");
}

fn vae_layers() -> ([LayerSpec<f64>; 2], [LayerSpec<f64>; 2]) {
    (
        [LayerSpec::new(3, 5, Activation::Silu), LayerSpec::new(5, 4, Activation::Linear)],
        [LayerSpec::new(2, 4, Activation::Tanh), LayerSpec::new(4, 3, Activation::Linear)],
    )
}

#[test]
fn gradients_of_models_are_central_differences() {
    let (down, up) = vae_layers();
    let (encoder, decoder) = (Spec::new(&down).unwrap(), Spec::new(&up).unwrap());
    let x: Vec<f64> = normal(2, 12).iter().map(|x| 1.0 / (1.0 + x.exp())).collect();
    for likelihood in [Likelihood::Bernoulli, Likelihood::Gaussian { variance: 0.3 }] {
        let model = Vae::new(encoder, decoder, likelihood, 0.7).unwrap();
        let mut memory = vec![0.0; model.memory_len(4)];
        let params = normal(5, model.params());
        let mut gradient = vec![0.0; params.len()];
        model.gradient(&params, &x, &mut seeded(6), &mut memory, &mut gradient).unwrap();
        let right = central_differences(&params, |params| {
            let loss = model.evaluate(params, &x, &mut seeded(6), &mut memory).unwrap();
            loss.reconstruction + 0.7 * loss.divergence
        });
        assert_near(&gradient, &right, 1e-6, "vae");
    }

    let down = [LayerSpec::new(3, 2, Activation::Tanh)];
    let up = [LayerSpec::new(2, 3, Activation::Sigmoid)];
    let params = normal(7, 17);
    let model = Autoencoder::new(Spec::new(&down).unwrap(), Spec::new(&up).unwrap(), 0.1).unwrap();
    let mut memory = vec![0.0; model.memory_len(4)];
    let (mut gradient, mut spare) = (vec![0.0; 17], vec![0.0; 17]);
    model.gradient(&params, &x, &mut seeded(8), &mut memory, &mut gradient).unwrap();
    let right = central_differences(&params, |params| {
        model.gradient(params, &x, &mut seeded(8), &mut memory, &mut spare).unwrap()
    });
    assert_near(&gradient, &right, 1e-6, "autoencoder");

    let layers =
        [LayerSpec::new(3 + 4 + 2, 5, Activation::Silu), LayerSpec::new(5, 3, Activation::Linear)];
    let network = Spec::new(&layers).unwrap();
    for prediction in [Prediction::Noise, Prediction::Sample, Prediction::Velocity] {
        let model = Diffusion::new(network, Schedule::Cosine, prediction, 2).unwrap();
        assert_eq!(model.time_features(), 4);
        let params = normal(9, model.params());
        let mut memory = vec![0.0; model.memory_len(4)];
        let mut gradient = vec![0.0; params.len()];
        let labels = [Some(0), None, Some(1), Some(1)];
        let data = (&x[..], &labels[..]);
        model.gradient(&params, data, &mut seeded(8), &mut memory, &mut gradient).unwrap();
        let right = central_differences(&params, |params| {
            model.evaluate(params, data, &mut seeded(8), &mut memory).unwrap()
        });
        assert_near(&gradient, &right, 1e-6, "diffusion");
    }
}

#[test]
fn gradients_of_both_players_are_central_differences() {
    let make = [LayerSpec::new(2, 4, Activation::Tanh), LayerSpec::new(4, 3, Activation::Linear)];
    let judge = [LayerSpec::new(3, 5, Activation::Silu), LayerSpec::new(5, 1, Activation::Linear)];
    let (make, judge) = (Spec::new(&make).unwrap(), Spec::new(&judge).unwrap());
    let (g, d, real) = (normal(1, make.params()), normal(2, judge.params()), normal(3, 12));
    for loss in [GanLoss::NonSaturating, GanLoss::Minimax] {
        let settings = GanSettings { loss, smooth: 0.1, noise: 0.2, penalty: 0.0 };
        let model = Gan::new(make, judge, settings).unwrap();
        let mut memory = vec![0.0; model.memory_len(4)];
        let (mut by_g, mut by_d) = (vec![0.0; g.len()], vec![0.0; d.len()]);
        let (mut spare_g, mut spare_d) = (by_g.clone(), by_d.clone());
        model.generator_gradient((&g, &d), 4, &mut seeded(4), &mut memory, &mut by_g).unwrap();
        let right = central_differences(&g, |g| {
            let params = (g, &d[..]);
            model.generator_gradient(params, 4, &mut seeded(4), &mut memory, &mut spare_g).unwrap()
        });
        assert_near(&by_g, &right, 1e-6, "generator");
        let params = (&g[..], &d[..]);
        model
            .discriminator_gradient(params, &real, &mut seeded(5), &mut memory, &mut by_d)
            .unwrap();
        let right = central_differences(&d, |d| {
            let (params, rng) = ((&g[..], d), &mut seeded(5));
            model.discriminator_gradient(params, &real, rng, &mut memory, &mut spare_d).unwrap()
        });
        assert_near(&by_d, &right, 1e-6, "discriminator");

        // Simultaneous: both gradients are those at the parameters before either update.
        let (mut both_g, mut both_d) = (spare_g.clone(), spare_d.clone());
        let mut generator = seeded(5);
        let gradients = (&mut both_g[..], &mut both_d[..]);
        model.gradients(params, &real, &mut generator, &mut memory, gradients).unwrap();
        assert_eq!(both_d, by_d);
        let mut generator = seeded(5);
        let rng = &mut generator;
        model.discriminator_gradient(params, &real, rng, &mut memory, &mut spare_d).unwrap();
        model.generator_gradient(params, 4, rng, &mut memory, &mut spare_g).unwrap();
        assert_eq!(both_g, spare_g);
    }
}

#[test]
fn the_penalty_is_the_square_of_the_slope_at_real_samples() {
    let make = [LayerSpec::new(1, 3, Activation::Linear)];
    let judge = [LayerSpec::new(3, 6, Activation::Silu), LayerSpec::new(6, 1, Activation::Linear)];
    let (make, judge) = (Spec::new(&make).unwrap(), Spec::new(&judge).unwrap());
    let (g, d, real) = (normal(1, make.params()), normal(2, judge.params()), normal(3, 12));
    let mut by_penalty = vec![0.0; d.len()];
    for (penalty, sign) in [(2.0, 1.0), (0.0, -1.0)] {
        let model =
            Gan::new(make, judge, GanSettings { penalty, ..GanSettings::default() }).unwrap();
        let mut memory = vec![0.0; model.memory_len(4)];
        let mut gradient = vec![0.0; d.len()];
        let rng = &mut seeded(5);
        model.discriminator_gradient((&g, &d), &real, rng, &mut memory, &mut gradient).unwrap();
        by_penalty.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += sign * g);
    }
    // γ/2·|∂D/∂x|² with γ = 2, from differences of differences.
    let right = central_differences(&d, |d| {
        let (mut memory, n) = (vec![0.0; 400], 4.0);
        let mut pass = eigenmote::nn::Pass::new(judge, 4, &mut memory).unwrap();
        pass.forward(d, &real).unwrap();
        pass.output_and_gradient().1.fill(1.0);
        pass.backward_through(d, &real).unwrap().iter().map(|s| s * s).sum::<f64>() / n
    });
    // What the difference along the slope leaves out is its reach squared, 2⁻³⁴ in f64.
    assert_near(&by_penalty, &right, 1e-6, "penalty");
}

#[test]
fn a_vae_learns_the_likelihood_of_a_line() {
    // x = (u, −u)/√2·2 + noise: one latent value explains it, and the best bound is the entropy.
    let mut generator = seeded(20);
    let deviation = 0.5_f64;
    let x: Vec<f64> = (0..512)
        .flat_map(|_| {
            let u = rng::normal::<f64>(&mut generator) * 2.0;
            [u, -u].map(|v| v + deviation * rng::normal::<f64>(&mut generator))
        })
        .collect();
    let down = [LayerSpec::new(2, 2, Activation::Linear)];
    let up = [LayerSpec::new(1, 2, Activation::Linear)];
    let likelihood = Likelihood::Gaussian { variance: deviation * deviation };
    let model =
        Vae::new(Spec::new(&down).unwrap(), Spec::new(&up).unwrap(), likelihood, 1.0).unwrap();
    let mut memory = vec![0.0; model.memory_len(512)];
    let mut params = vec![0.0; model.params()];
    model.initialize(&mut generator, &mut params).unwrap();
    train(&mut params, 0.03, 800, &mut generator, |params, generator, gradient| {
        model.gradient(params, &x, generator, &mut memory, gradient).unwrap();
    });
    let mut bound = 0.0;
    for _ in 0..20 {
        bound += model.evaluate(&params, &x, &mut generator, &mut memory).unwrap().elbo() / 20.0;
    }
    // The best that a normal distribution with free variance along the line, and the given one across
    // it, can do for these samples.
    let along = mean_and_variance(x.chunks(2).map(|p| (p[0] - p[1]) / 2.0_f64.sqrt())).1;
    let across = mean_and_variance(x.chunks(2).map(|p| (p[0] + p[1]) / 2.0_f64.sqrt())).1;
    let given = deviation * deviation;
    let constant = (2.0 * core::f64::consts::PI).ln();
    let best = -constant - 0.5 * (along.ln() + 1.0 + given.ln() + across / given);
    assert!(bound < best + 0.02 && bound > best - 0.1, "{bound} {best}");
    // What it draws has the variance of the line; what it restores is near.
    let mut made = vec![0.0; 1024];
    model.sample(&params, &mut generator, &mut memory, &mut made).unwrap();
    let (_, variance) = mean_and_variance(made.iter().step_by(2).copied());
    assert!((variance / 4.0 - 1.0).abs() < 0.25, "{variance}");
    model.reconstruct(&params, &x, &mut memory, &mut made).unwrap();
    let off = x.iter().zip(&made).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / 1024.0;
    assert!(off < deviation * deviation, "{off}");
    // Codes of a row, and the way between two of them.
    let mut statistics = vec![0.0; 1024];
    model.encode(&params, &x, &mut memory, &mut statistics).unwrap();
    assert!(statistics.iter().skip(1).step_by(2).all(|log_var| *log_var < -2.0));
    let mut path = [0.0; 3];
    interpolate(&[1.0], &[3.0], &mut path).unwrap();
    assert_eq!(path, [1.0, 2.0, 3.0]);
}

#[test]
fn a_gan_finds_where_the_samples_are() {
    // A normal distribution with mean 3 and deviation 0.5 in each of two values.
    let make = [LayerSpec::new(2, 16, Activation::Tanh), LayerSpec::new(16, 2, Activation::Linear)];
    let judge = [
        LayerSpec::new(2, 16, Activation::LeakyRelu { slope: 0.2 }),
        LayerSpec::new(16, 1, Activation::Linear),
    ];
    for simultaneous in [false, true] {
        let settings =
            GanSettings { smooth: 0.1, noise: 0.1, penalty: 0.5, ..GanSettings::default() };
        let model =
            Gan::new(Spec::new(&make).unwrap(), Spec::new(&judge).unwrap(), settings).unwrap();
        let (ng, nd) = (model.generator().params(), model.discriminator().params());
        let (mut g, mut d) = (vec![0.0_f32; ng], vec![0.0; nd]);
        let (mut by_g, mut by_d) = (g.clone(), d.clone());
        let (mut moments_g, mut moments_d) = (vec![0.0; 2 * ng], vec![0.0; 2 * nd]);
        let (mut steps_g, mut steps_d) = (AdamSteps::START, AdamSteps::START);
        let mut memory = vec![0.0; model.memory_len(512)];
        let mut generator = seeded(30);
        model.initialize(&mut generator, &mut g, &mut d).unwrap();
        let adam = Adam { beta1: 0.5, ..Adam::new(5e-3) };
        let mut average = g.clone();
        for _ in 0..1000 {
            let mut real = vec![0.0; 64];
            fill_normal(&mut generator, &mut real);
            real.iter_mut().for_each(|x| *x = 3.0 + 0.5 * *x);
            if simultaneous {
                let gradients = (&mut by_g[..], &mut by_d[..]);
                model.gradients((&g, &d), &real, &mut generator, &mut memory, gradients).unwrap();
                adam.update(&mut steps_d, &mut d, &by_d, &mut moments_d).unwrap();
            } else {
                let params = (&g[..], &d[..]);
                let rng = &mut generator;
                model.discriminator_gradient(params, &real, rng, &mut memory, &mut by_d).unwrap();
                adam.update(&mut steps_d, &mut d, &by_d, &mut moments_d).unwrap();
                model.generator_gradient((&g, &d), 32, rng, &mut memory, &mut by_g).unwrap();
            }
            adam.update(&mut steps_g, &mut g, &by_g, &mut moments_g).unwrap();
            eigenmote::nn::optimize::average(&mut average, &g, 0.99).unwrap();
        }
        let mut made = vec![0.0; 1024];
        model.sample(&average, &mut generator, &mut memory, &mut made).unwrap();
        for i in 0..2 {
            let values = made.iter().skip(i).step_by(2).map(|&x| f64::from(x));
            let (mean, variance) = mean_and_variance(values);
            assert!((mean - 3.0).abs() < 0.25, "{mean}, simultaneous: {simultaneous}");
            assert!(variance > 0.06 && variance < 0.6, "{variance}, simultaneous: {simultaneous}");
        }
    }
}

/// What a network with the least mean square would predict for `x ~ N(mean, deviation²)`.
fn exact(
    (schedule, kind): (Schedule, Prediction),
    (mean, deviation): (f64, f64),
) -> impl FnMut(&[f64], f64, &mut [f64]) -> Result<(), TrainError> {
    move |x, t, out| {
        let alpha_bar = schedule.alpha_bar(t);
        let (signal, spread) = (alpha_bar.sqrt(), (1.0 - alpha_bar).sqrt());
        let total = alpha_bar * deviation * deviation + 1.0 - alpha_bar;
        for (out, &x) in out.iter_mut().zip(x) {
            let noise = spread * (x - signal * mean) / total;
            let sample = (x - spread * noise) / signal;
            *out = match kind {
                Prediction::Noise => noise,
                Prediction::Sample => sample,
                _ => signal * noise - spread * sample,
            };
        }
        Ok(())
    }
}

#[test]
fn samplers_with_an_exact_predictor_recover_a_gaussian() {
    let n = 8000;
    let (mut x, mut prediction) = (vec![0.0; n], vec![0.0; n]);
    for schedule in [Schedule::Cosine, Schedule::Linear] {
        for kind in [Prediction::Noise, Prediction::Sample, Prediction::Velocity] {
            for (sampler, tolerance) in [
                (Sampler::ddim(20), 0.2),
                (Sampler::ddim(200), 0.03),
                (Sampler::ddpm(200), 0.06),
                (Sampler { eta: 0.5, ..Sampler::ddim(200) }, 0.06),
            ] {
                let predict = exact((schedule, kind), (1.5, 0.4));
                sampler
                    .run((schedule, kind), &mut seeded(40), &mut x, &mut prediction, predict)
                    .unwrap();
                let (mean, variance) = mean_and_variance(x.iter().copied());
                let deviation = variance.sqrt() / 0.4;
                let what = format!("{schedule:?} {kind:?} {sampler:?}: {mean} {deviation}");
                assert!((mean - 1.5).abs() < 0.03 && (deviation - 1.0).abs() < tolerance, "{what}");
            }
        }
    }
    // With the exact predictor of a point all ends there, in a single step too.
    for steps in [0, 1, 3] {
        let kind = (Schedule::Cosine, Prediction::Velocity);
        let (rng, predict) = (&mut seeded(1), exact(kind, (2.0, 0.0)));
        Sampler::ddim(steps).run(kind, rng, &mut x, &mut prediction, predict).unwrap();
        assert!(x.iter().all(|x| (x - 2.0).abs() < 1e-9));
    }
}

#[test]
fn schedules_go_from_signal_to_noise() {
    for schedule in [Schedule::Cosine, Schedule::Linear] {
        let mut before = 1.0;
        for k in 0..=1000 {
            let now = schedule.alpha_bar(f64::from(k) / 1000.0);
            assert!(now <= before && (1e-4..=1.0).contains(&now));
            before = now;
        }
        assert_eq!(schedule.alpha_bar(0.0), 1.0);
        assert!(before <= 1.01e-4);
    }
    let right = (core::f64::consts::FRAC_PI_4).cos().powi(2);
    assert!((Schedule::Cosine.alpha_bar(0.5) - right).abs() < 0.01);
    let mut features = [0.0_f64; 7];
    embed_time(0.25, &mut features);
    let middle = 1000.0_f64.sqrt() * 0.25;
    let right = [
        0.25_f64.sin(),
        0.25_f64.cos(),
        middle.sin(),
        middle.cos(),
        250.0_f64.sin(),
        250.0_f64.cos(),
        0.25,
    ];
    assert_near(&features, &right, 1e-12, "time");
}

#[test]
fn diffusion_learns_two_classes_and_guidance_parts_them() {
    // Class 0 near −1, class 1 near +1, both with deviation 0.2.
    let layers = [
        LayerSpec::new(1 + 8 + 2, 32, Activation::Silu),
        LayerSpec::new(32, 1, Activation::Linear),
    ];
    let network = Spec::new(&layers).unwrap();
    let model = Diffusion::new(network, Schedule::Cosine, Prediction::Velocity, 2).unwrap();
    let mut memory = vec![0.0; model.memory_len(400)];
    let mut params = vec![0.0_f32; model.params()];
    let mut generator = seeded(50);
    model.initialize(&mut generator, &mut params).unwrap();
    train(&mut params, 0.01, 800, &mut generator, |params, generator, gradient| {
        let (mut x, mut labels) = ([0.0_f32; 64], [None; 64]);
        fill_normal(generator, &mut x);
        for (k, (x, label)) in x.iter_mut().zip(&mut labels).enumerate() {
            let class = k / 8 % 2;
            *x = 0.2 * *x + if class == 1 { 1.0 } else { -1.0 };
            *label = (k % 3 != 0).then_some(class);
        }
        model.gradient(params, (&x, &labels), generator, &mut memory, gradient).unwrap();
    });
    let mut drawn = |label, guidance| {
        let mut x = vec![0.0; 400];
        let sampler = Sampler::ddim(40);
        let rng = &mut seeded(51);
        model.sample(&params, &sampler, (label, guidance), rng, &mut memory, &mut x).unwrap();
        x
    };
    for (class, centre) in [(0, -1.0), (1, 1.0)] {
        let x = drawn(Some(class), 0.0);
        let (mean, variance) = mean_and_variance(x.iter().map(|&x| f64::from(x)));
        assert!((mean - centre).abs() < 0.15, "{class}: {mean}");
        assert!(variance.sqrt() > 0.1 && variance.sqrt() < 0.35, "{class}: {variance}");
        let pushed = drawn(Some(class), 1.0);
        let (further, _) = mean_and_variance(pushed.iter().map(|&x| f64::from(x)));
        assert!((further - mean) * centre > 0.0, "{class}: {mean} {further}");
    }
    // Without a class both are drawn.
    let all = drawn(None, 0.0);
    let share = all.iter().filter(|x| **x > 0.0).count();
    assert!((120..280).contains(&share), "{share} of 400");
    assert!(all.iter().filter(|x| x.abs() > 0.4).count() > 300);
}

#[test]
fn the_seed_fixes_the_bytes_and_training_goes_on_from_a_copy() {
    let (down, up) = vae_layers();
    let (encoder, decoder) = (Spec::new(&down).unwrap(), Spec::new(&up).unwrap());
    let model = Vae::new(encoder, decoder, Likelihood::Bernoulli, 1.0).unwrap();
    let x: Vec<f64> = normal(2, 12).iter().map(|x| 1.0 / (1.0 + x.exp())).collect();
    let n = model.params();
    let adam = Adam::new(0.01);
    // All state there is: parameters, moments, two powers, and the number of the step.
    let run = |state: &mut (Vec<f64>, Vec<f64>, AdamSteps<f64>), steps: core::ops::Range<u64>| {
        let (mut memory, mut gradient) = (vec![f64::NAN; model.memory_len(4)], vec![f64::NAN; n]);
        for step in steps {
            let rng = &mut rng::at_step(9, step);
            model.gradient(&state.0, &x, rng, &mut memory, &mut gradient).unwrap();
            adam.update(&mut state.2, &mut state.0, &gradient, &mut state.1).unwrap();
        }
    };
    let start = || {
        let mut params = vec![0.0; n];
        model.initialize(&mut seeded(1), &mut params).unwrap();
        (params, vec![0.0; 2 * n], AdamSteps::START)
    };
    let (mut whole, mut parts) = (start(), start());
    run(&mut whole, 0..60);
    run(&mut parts, 0..23);
    let mut resumed = parts.clone();
    run(&mut resumed, 23..60);
    assert_eq!(whole, resumed);
    let mut memory = vec![0.0; model.memory_len(4)];
    let mut draw = |seed| {
        let mut out = vec![0.0; 12];
        model.sample(&whole.0, &mut seeded(seed), &mut memory, &mut out).unwrap();
        out
    };
    assert_eq!(draw(5), draw(5));
    assert_ne!(draw(5), draw(6));
}

#[test]
fn what_does_not_fit_is_refused() {
    let (down, up) = vae_layers();
    let (encoder, decoder) = (Spec::new(&down).unwrap(), Spec::new(&up).unwrap());
    let setting = Err(TrainError::Setting);
    assert_eq!(Vae::new(decoder, encoder, Likelihood::Bernoulli, 1.0).map(|_| ()), setting);
    assert_eq!(Vae::new(encoder, decoder, Likelihood::Bernoulli, f64::NAN).map(|_| ()), setting);
    let flat = Likelihood::Gaussian { variance: 0.0 };
    assert_eq!(Vae::new(encoder, decoder, flat, 1.0).map(|_| ()), setting);
    assert_eq!(Autoencoder::new(encoder, decoder, 0.0).map(|_| ()), setting);
    assert_eq!(Gan::new(decoder, decoder, GanSettings::default()).map(|_| ()), setting);
    let kind = (Schedule::Cosine, Prediction::Noise);
    assert_eq!(Diffusion::new(decoder, kind.0, kind.1, 0).map(|_| ()), setting);

    let model = Vae::new(encoder, decoder, Likelihood::Bernoulli, 1.0).unwrap();
    let needed = model.memory_len(1);
    let (mut memory, mut gradient) = (vec![0.0; needed], vec![0.0; model.params()]);
    let params = normal(1, model.params());
    let mut step = |params: &[f64], x: &[f64], len: usize| {
        model.gradient(params, x, &mut seeded(1), &mut memory[..len], &mut gradient).map(|_| ())
    };
    assert_eq!(step(&params, &[0.5; 3], needed), Ok(()));
    assert_eq!(step(&params, &[0.5; 3], needed - 1), Err(TrainError::MemoryTooSmall { needed }));
    assert_eq!(step(&params, &[], needed), Err(TrainError::Batch));
    assert_eq!(step(&params, &[0.5; 4], needed), Err(TrainError::Batch));
    assert_eq!(step(&params, &[0.5, f64::NAN, 0.5], needed), Err(TrainError::NotFinite));
    assert_eq!(
        step(&params[1..], &[0.5; 3], needed),
        Err(TrainError::Length { needed: params.len() })
    );
    let mut wild = params.clone();
    wild.iter_mut().for_each(|p| *p *= 1e150);
    assert_eq!(step(&wild, &[0.5; 3], needed), Err(TrainError::Overflow));

    let (mut p, mut v) = ([1.0], [0.0]);
    assert_eq!(Sgd::new(0.1, 1.0).update(&mut p, &[1.0], &mut v), setting);
}
