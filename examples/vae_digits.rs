//! Trains a variational autoencoder on handwritten digits, judges what it draws, and shows it.
//!
//! `cargo run --release --features fast --example vae_digits -- [--seeds 5] [--validate] [PNG]` trains on
//! 1200 digits of `data/digits.csv`, draws as many digits as the test part has, and compares them with
//! that. One picture shows real digits, drawn ones, and those of the two classical baselines; another
//! one, `…_grid.png`, the way between four real digits through the code.
//!
//! The digits are judged as they are drawn, and calibrated: mapped linearly so that 3000 drawn digits
//! have the mean and covariance of the training part. A decoder that leaves out what is not in the code
//! draws too little variance; the map gives it back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod support;

use std::time::Instant;

use eigenmote::nn::autoencoder::interpolate;
use eigenmote::nn::optimize::{average, clip_norm, warm_decay};
use eigenmote::nn::{Activation, Adam, AdamSteps, LayerSpec, Likelihood, Spec, Vae};
use eigenmote::rng::{self, Generator};
use support::{Batches, Calibration, Digit, Digits, PIXELS, Result, judge, mean, report};

const CODE: usize = 16;
const BATCH: usize = 64;
const STEPS: u32 = 12_000;
const RATE: f32 = 1e-3;
/// Deviation 0.14 where full ink is 1: about what a code of 16 values leaves.
const VARIANCE: f32 = 0.02;

const DOWN: [LayerSpec<f32>; 3] = [
    LayerSpec::new(PIXELS, 256, Activation::Silu),
    LayerSpec::new(256, 128, Activation::Silu),
    LayerSpec::new(128, 2 * CODE, Activation::Linear),
];
const UP: [LayerSpec<f32>; 3] = [
    LayerSpec::new(CODE, 128, Activation::Silu),
    LayerSpec::new(128, 256, Activation::Silu),
    LayerSpec::new(256, PIXELS, Activation::Sigmoid),
];

fn main() -> Result<()> {
    let digits = Digits::load()?;
    let likelihood = Likelihood::Gaussian { variance: VARIANCE };
    let model = Vae::new(Spec::new(&DOWN)?, Spec::new(&UP)?, likelihood, 1.0)?;
    println!("{} parameters, {} of them in the decoder", model.params(), model.decoder().params());
    let mut memory = vec![0.0; model.memory_len(3000)];
    let (mut plain, mut calibrated) = (Vec::new(), Vec::new());
    for seed in 0..support::option("--seeds", 1) {
        let start = Instant::now();
        let mut generator = rng::seeded(seed as u64);
        let params = train(&model, &digits, &mut generator, &mut memory)?;
        let seconds = start.elapsed().as_secs_f32();
        let mut draw = |count: usize| -> Result<Vec<Digit>> {
            let mut out = vec![[0.0; PIXELS]; count];
            model.sample(&params, &mut generator, &mut memory, out.as_flattened_mut())?;
            Ok(out)
        };
        let drawn = draw(digits.test.len())?;
        let map = Calibration::fit(&draw(3000)?, &digits.train);
        let mapped = map.all(&drawn);
        plain.push(judge(&drawn, &digits));
        calibrated.push(judge(&mapped, &digits));
        println!("seed {seed}: trained in {seconds:.1} s");
        if seed == 0 {
            let path = support::picture_path("vae_digits.png");
            let (pca, ppca) = support::baselines(&digits, 7)?;
            support::write_png(&path, &[&digits.test, &mapped, &pca, &ppca], 8, 8)?;
            let grid = path.with_file_name(format!(
                "{}_grid.png",
                path.file_stem().unwrap_or_default().to_string_lossy()
            ));
            support::write_png(&grid, &[&between(&model, &params, &digits, &mut memory)?], 9, 9)?;
            println!("real, drawn, principal components, probabilistic PCA: {}", path.display());
            println!("between four digits: {}", grid.display());
        }
    }
    support::report_baselines(&digits)?;
    report("VAE as drawn", mean(&plain));
    report("VAE calibrated", mean(&calibrated));
    Ok(())
}

/// Parameters after all steps, averaged.
fn train(
    model: &Vae<'_, f32>,
    digits: &Digits,
    generator: &mut Generator,
    memory: &mut [f32],
) -> Result<Vec<f32>> {
    let n = model.params();
    let (mut params, mut gradient) = (vec![0.0; n], vec![0.0; n]);
    let (mut moments, mut steps) = (vec![0.0; 2 * n], AdamSteps::START);
    model.initialize(generator, &mut params)?;
    let mut averaged = params.clone();
    let mut batches = Batches::new(digits.train.len());
    for step in 0..STEPS {
        let rows = batches.next(BATCH, generator);
        let x: Vec<f32> = rows.iter().flat_map(|&i| digits.train[i]).collect();
        model.gradient(&params, &x, generator, memory, &mut gradient)?;
        clip_norm(&mut gradient, 100.0)?;
        let adam = Adam::new(RATE * support::cooling(step, STEPS));
        adam.update(&mut steps, &mut params, &gradient, &mut moments)?;
        average(&mut averaged, &params, warm_decay(0.998, step))?;
    }
    Ok(averaged)
}

/// A plane through the codes of four digits of the test part, decoded.
fn between(
    model: &Vae<'_, f32>,
    params: &[f32],
    digits: &Digits,
    memory: &mut [f32],
) -> Result<Vec<Digit>> {
    let corner = |class| digits.test_labels.iter().position(|&label| label == class).unwrap_or(0);
    let corners: Vec<f32> =
        [0, 2, 7, 4].iter().flat_map(|&class| digits.test[corner(class)]).collect();
    let mut statistics = [0.0; 4 * 2 * CODE];
    model.encode(params, &corners, memory, &mut statistics)?;
    let code = |k: usize| &statistics[2 * CODE * k..][..CODE];
    let (mut left, mut right) = ([0.0; 9 * CODE], [0.0; 9 * CODE]);
    interpolate(code(0), code(2), &mut left)?;
    interpolate(code(1), code(3), &mut right)?;
    let mut codes = [0.0; 81 * CODE];
    for (k, row) in codes.chunks_mut(9 * CODE).enumerate() {
        interpolate(&left[CODE * k..][..CODE], &right[CODE * k..][..CODE], row)?;
    }
    let mut out = vec![[0.0; PIXELS]; 81];
    model.decode(params, &codes, memory, out.as_flattened_mut())?;
    Ok(out)
}
