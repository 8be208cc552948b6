//! Trains a generative adversarial network on handwritten digits, judges what it draws, and shows it.
//!
//! `cargo run --release --features fast --example gan_digits -- [--seeds 5] [--validate] [PNG]` trains on
//! 1200 digits of `data/digits.csv`, draws as many digits as the test part has, and compares them with
//! that. The picture shows real digits, drawn ones, and those of the two classical baselines.
//!
//! The digits are judged as they are drawn, and calibrated: mapped linearly so that 3000 drawn digits
//! have the mean and covariance of the training part.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod support;

use std::time::Instant;

use eigenmote::nn::optimize::{average, warm_decay};
use eigenmote::nn::{Activation, Adam, AdamSteps, Gan, GanSettings, LayerSpec, Spec};
use eigenmote::rng::{self, Generator};
use support::{Batches, Calibration, Digit, Digits, PIXELS, Result, judge, mean, report};

const CODE: usize = 16;
const BATCH: usize = 64;
const STEPS: u32 = 15_000;
const RATE: f32 = 5e-4;
/// Noise on what the discriminator sees, in units of full ink; it goes down to 0.3 times that.
const NOISE: f32 = 0.1;
/// Weight of the square of the discriminator's slope at real digits.
const PENALTY: f32 = 0.1;

const LEAKY: Activation<f32> = Activation::LeakyRelu { slope: 0.2 };
const GENERATOR: [LayerSpec<f32>; 3] = [
    LayerSpec::new(CODE, 128, LEAKY),
    LayerSpec::new(128, 128, LEAKY),
    LayerSpec::new(128, PIXELS, Activation::Sigmoid),
];
const DISCRIMINATOR: [LayerSpec<f32>; 3] = [
    LayerSpec::new(PIXELS, 128, LEAKY),
    LayerSpec::new(128, 128, LEAKY),
    LayerSpec::new(128, 1, Activation::Linear),
];

fn main() -> Result<()> {
    let digits = Digits::load()?;
    let (generator, discriminator) = (Spec::new(&GENERATOR)?, Spec::new(&DISCRIMINATOR)?);
    let model = Gan::new(
        generator,
        discriminator,
        GanSettings { penalty: PENALTY, ..GanSettings::default() },
    )?;
    println!("{} parameters in the generator", generator.params());
    println!("{} in the discriminator", discriminator.params());
    let mut memory = vec![0.0; model.memory_len(3000)];
    let (mut plain, mut calibrated) = (Vec::new(), Vec::new());
    for seed in 0..support::option("--seeds", 1) {
        let start = Instant::now();
        let mut random = rng::seeded(seed as u64);
        let params = train(model, &digits, &mut random, &mut memory)?;
        let seconds = start.elapsed().as_secs_f32();
        let mut draw = |count: usize| -> Result<Vec<Digit>> {
            let mut out = vec![[0.0; PIXELS]; count];
            model.sample(&params, &mut random, &mut memory, out.as_flattened_mut())?;
            Ok(out)
        };
        let drawn = draw(digits.test.len())?;
        let map = Calibration::fit(&draw(3000)?, &digits.train);
        let mapped = map.all(&drawn);
        plain.push(judge(&drawn, &digits));
        calibrated.push(judge(&mapped, &digits));
        println!("seed {seed}: trained in {seconds:.1} s");
        if seed == 0 {
            let path = support::picture_path("gan_digits.png");
            let (pca, ppca) = support::baselines(&digits, 7)?;
            support::write_png(&path, &[&digits.test, &mapped, &pca, &ppca], 8, 8)?;
            println!("real, drawn, principal components, probabilistic PCA: {}", path.display());
        }
    }
    support::report_baselines(&digits)?;
    report("GAN as drawn", mean(&plain));
    report("GAN calibrated", mean(&calibrated));
    Ok(())
}

/// The generator's parameters after all steps, averaged. Both players move in turn.
fn train(
    mut model: Gan<'_, f32>,
    digits: &Digits,
    random: &mut Generator,
    memory: &mut [f32],
) -> Result<Vec<f32>> {
    let (ng, nd) = (model.generator().params(), model.discriminator().params());
    let (mut g, mut d) = (vec![0.0; ng], vec![0.0; nd]);
    let (mut by_g, mut by_d) = (vec![0.0; ng], vec![0.0; nd]);
    let (mut moments_g, mut moments_d) = (vec![0.0; 2 * ng], vec![0.0; 2 * nd]);
    let (mut steps_g, mut steps_d) = (AdamSteps::START, AdamSteps::START);
    model.initialize(random, &mut g, &mut d)?;
    let mut averaged = g.clone();
    let mut batches = Batches::new(digits.train.len());
    for step in 0..STEPS {
        let left = 1.0 - step as f32 / STEPS as f32;
        model.settings.noise = NOISE * (0.3 + 0.7 * left);
        let rows = batches.next(BATCH, random);
        let x: Vec<f32> = rows.iter().flat_map(|&i| digits.train[i]).collect();
        // Little momentum: each player's aim moves with the other.
        let adam = Adam { beta1: 0.5, beta2: 0.99, ..Adam::new(RATE * left.max(0.05)) };
        model.discriminator_gradient((&g, &d), &x, random, memory, &mut by_d)?;
        adam.update(&mut steps_d, &mut d, &by_d, &mut moments_d)?;
        model.generator_gradient((&g, &d), BATCH, random, memory, &mut by_g)?;
        adam.update(&mut steps_g, &mut g, &by_g, &mut moments_g)?;
        average(&mut averaged, &g, warm_decay(0.999, step))?;
    }
    Ok(averaged)
}
