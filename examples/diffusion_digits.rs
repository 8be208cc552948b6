//! Trains a small diffusion model on handwritten digits, judges what it draws, and shows it.
//!
//! `cargo run --release --features fast --example diffusion_digits -- [--seeds 5] [--validate] [PNG]`
//! trains on 1200 digits of `data/digits.csv`, draws as many digits as the test part has, and compares
//! them with that. The network works on 40 scores on principal components, each divided by the square
//! root of its deviation, and is told the class; digits are drawn of all classes alike. One picture shows
//! real digits, drawn ones, and those of the two classical baselines; another one, `…_classes.png`, a row
//! of drawn digits for each class.
//!
//! The digits are judged as they are drawn, and calibrated: mapped linearly so that 3000 drawn digits
//! have the mean and covariance of the training part. How many digits of a class are what was asked for is
//! told by a classifier, a network that is trained on the real digits here.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod support;

use std::time::Instant;

use eigenmote::nn::optimize::{Initialization, average, clip_norm, initialize, warm_decay};
use eigenmote::nn::{
    Activation, Adam, AdamSteps, Diffusion, LayerSpec, Pass, Prediction, Sampler, Schedule, Spec,
    loss,
};
use eigenmote::rng::{self, Generator};
use eigenmote::stats::Pca;
use support::{Batches, Calibration, Digit, Digits, PIXELS, Result, judge, mean, report};

/// They hold 98.9 % of the variance.
const SCORES: usize = 40;
const TIME: usize = 16;
const CLASSES: usize = 10;
const HIDDEN: usize = 124;
const BATCH: usize = 128;
const STEPS: u32 = 40_000;
const RATE: f32 = 6e-3;
const DRAWN_IN: u32 = 100;
const GUIDANCE: f32 = 0.3;

const LAYERS: [LayerSpec<f32>; 3] = [
    LayerSpec::new(SCORES + TIME + CLASSES, HIDDEN, Activation::Silu),
    LayerSpec::new(HIDDEN, HIDDEN, Activation::Silu),
    LayerSpec::new(HIDDEN, SCORES, Activation::Linear),
];

/// From digits to what the network works on, and back.
struct Scores {
    pca: Pca<f32, PIXELS, SCORES>,
    scale: [f32; SCORES],
}

impl Scores {
    fn fit(digits: &Digits) -> Result<Self> {
        let pca = Pca::fit(&digits.train)?;
        // Small components count for less than with unit variance, and for more than in pixels.
        let largest = pca.explained_variance[0].powf(0.25);
        let scale = pca.explained_variance.map(|v| v.powf(0.25) * largest);
        Ok(Self { pca, scale })
    }

    fn of(&self, digit: &Digit) -> [f32; SCORES] {
        let scores = self.pca.transform(digit);
        core::array::from_fn(|k| scores[k] / self.scale[k])
    }

    fn back(&self, scores: &[f32]) -> Digit {
        self.pca.inverse_transform(&core::array::from_fn(|k| scores[k] * self.scale[k]))
    }
}

fn main() -> Result<()> {
    let digits = Digits::load()?;
    let model =
        Diffusion::new(Spec::new(&LAYERS)?, Schedule::Cosine, Prediction::Velocity, CLASSES)?;
    println!("{} parameters", model.params());
    let scores = Scores::fit(&digits)?;
    let mut memory = vec![0.0; model.memory_len(320)];
    let classifier = Classifier::train(&digits)?;
    println!(
        "the classifier is right for {:.1} % of the test part",
        100.0 * classifier.share(&digits.test, &digits.test_labels)?
    );
    let (mut plain, mut calibrated, mut as_asked) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..support::option("--seeds", 1) {
        let start = Instant::now();
        let mut generator = rng::seeded(seed as u64);
        let params = train(&model, &digits, &scores, &mut generator, &mut memory)?;
        let seconds = start.elapsed().as_secs_f32();
        let rows = digits.test.len();
        let (drawn, labels) = draw(&model, &params, &scores, rows, &mut generator, &mut memory)?;
        let (many, _) = draw(&model, &params, &scores, 3000, &mut generator, &mut memory)?;
        let mapped = Calibration::fit(&many, &digits.train).all(&drawn);
        plain.push(judge(&drawn, &digits));
        calibrated.push(judge(&mapped, &digits));
        as_asked.push([classifier.share(&drawn, &labels)?, classifier.share(&mapped, &labels)?]);
        println!("seed {seed}: trained in {seconds:.1} s");
        if seed == 0 {
            let path = support::picture_path("diffusion_digits.png");
            let (pca, ppca) = support::baselines(&digits, 7)?;
            support::write_png(&path, &[&digits.test, &mapped, &pca, &ppca], 8, 8)?;
            let classes = path.with_file_name(format!(
                "{}_classes.png",
                path.file_stem().unwrap_or_default().to_string_lossy()
            ));
            let mut rows = Vec::new();
            for class in 0..CLASSES {
                let own = mapped.iter().zip(&labels).filter(|(_, label)| **label == class);
                rows.extend(own.map(|(digit, _)| *digit).take(12));
            }
            support::write_png(&classes, &[&rows], 12, CLASSES)?;
            println!("real, drawn, principal components, probabilistic PCA: {}", path.display());
            println!("one row for each class: {}", classes.display());
        }
    }
    support::report_baselines(&digits)?;
    report("diffusion as drawn", mean(&plain));
    report("diffusion calibrated", mean(&calibrated));
    let share = |k: usize| as_asked.iter().map(|s| s[k]).sum::<f64>() / as_asked.len() as f64;
    println!(
        "of the class that was asked for: {:.1} %, calibrated {:.1} %",
        100.0 * share(0),
        100.0 * share(1)
    );
    Ok(())
}

/// Parameters after all steps, averaged.
fn train(
    model: &Diffusion<'_, f32>,
    digits: &Digits,
    scores: &Scores,
    generator: &mut Generator,
    memory: &mut [f32],
) -> Result<Vec<f32>> {
    let data: Vec<[f32; SCORES]> = digits.train.iter().map(|digit| scores.of(digit)).collect();
    let n = model.params();
    let (mut params, mut gradient) = (vec![0.0; n], vec![0.0; n]);
    let (mut moments, mut steps) = (vec![0.0; 2 * n], AdamSteps::START);
    model.initialize(generator, &mut params)?;
    let mut averaged = params.clone();
    let mut batches = Batches::new(data.len());
    for step in 0..STEPS {
        let rows = batches.next(BATCH, generator);
        let x: Vec<f32> = rows.iter().flat_map(|&i| data[i]).collect();
        let mut labels: Vec<Option<usize>> =
            rows.iter().map(|&i| Some(digits.train_labels[i])).collect();
        for label in &mut labels {
            // So that it learns to draw without a class too, for guidance.
            *label = label.filter(|_| rng::uniform::<f32>(generator) >= 0.1);
        }
        model.gradient(&params, (&x, &labels), generator, memory, &mut gradient)?;
        clip_norm(&mut gradient, 1.0)?;
        let adam = Adam::new(RATE * support::cooling(step, STEPS));
        adam.update(&mut steps, &mut params, &gradient, &mut moments)?;
        average(&mut averaged, &params, warm_decay(0.999, step))?;
    }
    Ok(averaged)
}

/// Digits of all classes alike, in random order, with the classes that were asked for.
fn draw(
    model: &Diffusion<'_, f32>,
    params: &[f32],
    scores: &Scores,
    count: usize,
    generator: &mut Generator,
    memory: &mut [f32],
) -> Result<(Vec<Digit>, Vec<usize>)> {
    let each = count.div_ceil(CLASSES);
    let mut drawn = Vec::new();
    for class in 0..CLASSES {
        let mut z = vec![0.0; each * SCORES];
        let asked = (Some(class), GUIDANCE);
        model.sample(params, &Sampler::ddim(DRAWN_IN), asked, generator, memory, &mut z)?;
        drawn.extend(z.chunks(SCORES).map(|z| (scores.back(z), class)));
    }
    let mut order = Batches::new(drawn.len());
    Ok(order.next(count, generator).iter().map(|&i| drawn[i]).unzip())
}

/// A network that tells the classes of real digits.
struct Classifier {
    params: Vec<f32>,
}

const CLASSIFIER: [LayerSpec<f32>; 3] = [
    LayerSpec::new(PIXELS, 128, Activation::Relu),
    LayerSpec::new(128, 64, Activation::Relu),
    LayerSpec::new(64, CLASSES, Activation::Linear),
];

impl Classifier {
    fn train(digits: &Digits) -> Result<Self> {
        let spec = Spec::new(&CLASSIFIER)?;
        let n = spec.params();
        let mut generator = rng::seeded(99);
        let (mut params, mut gradient) = (vec![0.0; n], vec![0.0; n]);
        let (mut moments, mut steps) = (vec![0.0; 2 * n], AdamSteps::START);
        initialize(&spec, Initialization::KaimingUniform, &mut generator, &mut params)?;
        let mut memory = vec![0.0; Pass::memory_len(&spec, BATCH)];
        let mut pass = Pass::new(spec, BATCH, &mut memory)?;
        let mut batches = Batches::new(digits.train.len());
        for step in 0..3000 {
            let rows: Vec<usize> = batches.next(BATCH, &mut generator).to_vec();
            let mut x: Vec<f32> = rows.iter().flat_map(|&i| digits.train[i]).collect();
            let labels: Vec<usize> = rows.iter().map(|&i| digits.train_labels[i]).collect();
            // Noise keeps it from learning the digits by heart.
            x.iter_mut().for_each(|x| *x += 0.15 * rng::normal::<f32>(&mut generator));
            pass.forward(&params, &x)?;
            let (logits, slot) = pass.output_and_gradient();
            loss::softmax_cross_entropy(logits, CLASSES, &labels, slot)?;
            gradient.fill(0.0);
            pass.backward(&params, &x, &mut gradient)?;
            let adam =
                Adam { weight_decay: 0.01, ..Adam::new(2e-3 * support::cooling(step, 3000)) };
            adam.update(&mut steps, &mut params, &gradient, &mut moments)?;
        }
        Ok(Self { params })
    }

    /// The share of digits that it takes for what they are said to be.
    fn share(&self, digits: &[Digit], labels: &[usize]) -> Result<f64> {
        let spec = Spec::new(&CLASSIFIER)?;
        let mut memory = vec![0.0; Pass::memory_len(&spec, digits.len())];
        let mut pass = Pass::new(spec, digits.len(), &mut memory)?;
        let logits = pass.forward(&self.params, support::shown(digits).as_flattened())?;
        let hits = logits.chunks(CLASSES).zip(labels).filter(|(row, label)| {
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.iter().position(|x| *x == largest) == Some(**label)
        });
        Ok(hits.count() as f64 / labels.len() as f64)
    }
}
