//! From words to a picture: "seven", "a thick three".
//!
//! `cargo run --release --features fast --example text_to_image [--models FOLDER] [PNG]` trains, in a
//! minute, what a toy text-to-image model consists of, on `data/digits.csv`: two towers that bring
//! pictures and prompts to one place, and a diffusion model that is told the vector of a prompt. It then
//! makes of it what a chip without floats can draw with: the diffusion model in integers and a table of
//! all prompts with their vectors.
//!
//! A classifier that has seen real digits only says which number it sees in the samples of each word, of
//! floats and of integers, and the ink is counted in those of "thick" and "thin". The picture, of
//! integers, has a row for each number: three blocks for the number alone, thick, and thin. What goes to
//! a chip is written to `painter.eign` and `prompts.etab` in the folder (`target`, unless another is
//! named), the diffusion model in floats to `target/painter_f32.eign`:
//!
//! ```sh
//! eigenmote sample target/painter.eign --prompts target/prompts.etab --prompt "a thick three" --guidance 1 -o threes.png
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    missing_docs
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use eigenmote::embed::nearest::normalize_rows;
use eigenmote::embed::{Table, WordTable, WordTableSpec};
use eigenmote::nn::optimize::{average, warm_decay};
use eigenmote::nn::quantized::{fixed, float};
use eigenmote::nn::{
    Activation, Adam, AdamSteps, Calibration, Condition, Denoising, Diffusion, F32Network,
    Initialization, Int8Network, Kind, LayerRange, LayerSpec, NetworkSpec, PairModel, Part, Pass,
    Prediction, Sampler, Schedule, Spec, Step, Steps, initialize, loss, quantize, quantized_len,
};
use eigenmote::rng::{self, Generator};
use eigenmote::stats::Pca;
use support::{Batches, Digit, Digits, PIXELS, Result, picture_path, write_png};

const NUMBERS: [&str; 10] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
/// What a digit may be beside its number, against the others of that number.
const LOOKS: [&str; 2] = ["thick", "thin"];
const WORDS: usize = NUMBERS.len() + LOOKS.len();

/// Values of the vector of a picture or a prompt.
const WIDTH: usize = 16;
/// Principal components in which the diffusion takes place.
const LATENT: usize = 32;
const TIME: usize = 16;
const HIDDEN: usize = 124;
const GUIDANCE: f32 = 1.0;
const STEPS: u32 = 20;
/// Samples that are drawn for each prompt.
const DRAWN: usize = 60;
/// Samples that are drawn to choose the scales of the integers.
const CALIBRATION: usize = 500;

fn main() -> Result<()> {
    let digits = Digits::load()?;
    let started = Instant::now();
    let thickness = Thickness::of(&digits);
    let looks: Vec<Option<usize>> = digits
        .train
        .iter()
        .zip(&digits.train_labels)
        .map(|(digit, &label)| thickness.look(digit, label))
        .collect();
    let text = TextTower::train(&digits, &looks)?;
    let painter = Painter::train(&digits, &looks, &text)?;
    println!("trained in {:.0} s", started.elapsed().as_secs_f64());
    let chip = Chip::new(&painter, &text)?;
    println!("{} and {} bytes for a chip", chip.painter.len(), chip.prompts.len());

    let classifier = Classifier::train(&digits)?;
    let right = classifier
        .labels(&digits.test)?
        .iter()
        .zip(&digits.test_labels)
        .filter(|(found, label)| found == label)
        .count();
    let accuracy = right as f64 / digits.test.len() as f64;
    println!("a classifier names {accuracy:.3} of the held-out real digits right");

    let mut generator = rng::seeded(7);
    let mut blocks: [Vec<Digit>; 3] = Default::default();
    println!(
        "prompt            as asked: floats, integers   ink, 1 for a usual digit of the number"
    );
    for (look, block) in LOOK_OF.into_iter().zip(&mut blocks) {
        let (mut agreed, mut ink) = ([0.0; 2], [0.0; 2]);
        for number in 0..NUMBERS.len() {
            let words = prompt(number, look);
            let drawn = [
                painter.draw(&text.vector(&words)?, DRAWN, &mut generator)?,
                chip.draw(&words, DRAWN, &mut generator)?,
            ];
            for (k, samples) in drawn.iter().enumerate() {
                let share = 1.0 / (samples.len() * NUMBERS.len()) as f64;
                for (sample, label) in samples.iter().zip(classifier.labels(samples)?) {
                    agreed[k] += if label == number { share } else { 0.0 };
                    ink[k] += share * thickness.relative(sample, number);
                }
            }
            block.extend(&drawn[1][..8]);
        }
        let name = look.map_or("a number".into(), |look| format!("{}, a number", LOOKS[look]));
        let ([a, b], [c, d]) = (agreed, ink);
        println!("{name:16}  {a:17.3}  {b:8.3}   {c:.2}  {d:.2}");
    }
    let path = picture_path("text_to_image.png");
    let blocks: Vec<&[Digit]> = blocks.iter().map(Vec::as_slice).collect();
    write_png(&path, &blocks, 8, NUMBERS.len())?;
    println!("{}: numbers, thick ones, thin ones", path.display());
    chip.write(&painter, &folder())
}

/// Where the models go.
fn folder() -> PathBuf {
    let mut args = std::env::args();
    let named = args.find(|arg| arg == "--models").and_then(|_| args.next());
    named.map_or_else(target, PathBuf::from)
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}

/// How a digit's ink compares with that of others of its number.
struct Thickness {
    /// Ink of each number: a third has less, half has less, two thirds have less.
    thirds: [[f64; 3]; 10],
}

impl Thickness {
    fn of(digits: &Digits) -> Self {
        let thirds = std::array::from_fn(|number| {
            let own = digits.train.iter().zip(&digits.train_labels).filter(|(_, l)| **l == number);
            let mut amounts: Vec<f64> = own.map(|(digit, _)| ink(digit)).collect();
            amounts.sort_by(f64::total_cmp);
            [2, 3, 4].map(|sixths| amounts[amounts.len() * sixths / 6])
        });
        Self { thirds }
    }
    fn look(&self, digit: &Digit, number: usize) -> Option<usize> {
        let [low, _, high] = self.thirds[number];
        match ink(digit) {
            amount if amount > high => Some(0),
            amount if amount < low => Some(1),
            _ => None,
        }
    }
    fn relative(&self, digit: &Digit, number: usize) -> f64 {
        ink(digit) / self.thirds[number][1]
    }
}

fn ink(digit: &Digit) -> f64 {
    digit.iter().map(|&pixel| f64::from(pixel)).sum()
}

/// What a prompt may say beside the number.
const LOOK_OF: [Option<usize>; 3] = [None, Some(0), Some(1)];

/// All prompts, in the order of their numbers.
fn prompts() -> Vec<String> {
    let all = (0..NUMBERS.len()).flat_map(|number| LOOK_OF.map(|look| prompt(number, look)));
    all.collect()
}

/// "seven", "a thick three".
fn prompt(number: usize, look: Option<usize>) -> String {
    let number = NUMBERS[number];
    look.map_or_else(|| number.to_owned(), |look| format!("a {} {number}", LOOKS[look]))
}

/// Which of the known words a text has; others say nothing.
fn bag_of_words(text: &str) -> [f32; WORDS] {
    let known = |word: &str| NUMBERS.iter().chain(&LOOKS).position(|known| *known == word);
    let mut bag = [0.0; WORDS];
    text.to_lowercase().split_whitespace().filter_map(known).for_each(|place| bag[place] = 1.0);
    bag
}

/// The right one of two towers that were trained together.
struct TextTower {
    layers: [LayerSpec<f32>; 1],
    params: Vec<f32>,
}

impl TextTower {
    fn train(digits: &Digits, looks: &[Option<usize>]) -> Result<Self> {
        const BATCH: usize = 120;
        let images = [
            LayerSpec::new(PIXELS, 64, Activation::Tanh),
            LayerSpec::new(64, WIDTH, Activation::Linear),
        ];
        let layers = [LayerSpec::new(WORDS, WIDTH, Activation::Linear)];
        let model = PairModel::new(Spec::new(&images)?, Spec::new(&layers)?, &[WIDTH])?;
        let mut generator = rng::seeded(1);
        let (mut params, mut gradient) = (vec![0.0; model.params()], vec![0.0; model.params()]);
        let (mut moments, mut steps) = (vec![0.0; 2 * model.params()], AdamSteps::START);
        let mut memory = vec![0.0; model.memory_len(BATCH)];
        model.initialize(&mut generator, &mut params)?;
        let mut batches = Batches::new(digits.train.len());
        for _ in 0..300 {
            let (mut x, mut y, mut groups) = (Vec::new(), Vec::new(), Vec::new());
            for &i in batches.next(BATCH, &mut generator) {
                let number = digits.train_labels[i];
                let look = looks[i];
                x.extend(digits.train[i]);
                y.extend(bag_of_words(&prompt(number, look)));
                groups.push((number * 3 + look.map_or(0, |look| look + 1)) as u32);
            }
            model.gradient(&params, (&x, &y, &groups), &mut memory, &mut gradient)?;
            Adam::new(0.005).update(&mut steps, &mut params, &gradient, &mut moments)?;
        }
        let (_, own, _) = model.parts(&params)?;
        Ok(Self { layers, params: own.to_vec() })
    }

    /// The vector of a text, of length 1.
    fn vector(&self, text: &str) -> Result<[f32; WIDTH]> {
        let spec = Spec::new(&self.layers)?;
        let mut memory = vec![0.0; Pass::memory_len(&spec, 1)];
        let mut pass = Pass::new(spec, 1, &mut memory)?;
        let mut vector = [0.0; WIDTH];
        vector.copy_from_slice(pass.forward(&self.params, &bag_of_words(text))?);
        normalize_rows(&mut vector, WIDTH);
        Ok(vector)
    }
}

/// A diffusion model in principal components, told the vector of a prompt.
struct Painter {
    pca: Pca<f32, PIXELS, LATENT>,
    scale: [f32; LATENT],
    layers: [LayerSpec<f32>; 3],
    params: Vec<f32>,
}

impl Painter {
    fn model(layers: &[LayerSpec<f32>]) -> Result<Diffusion<'_, f32>> {
        let spec = Spec::new(layers)?;
        Ok(Diffusion::new(spec, Schedule::Cosine, Prediction::Velocity, WIDTH)?)
    }

    fn train(digits: &Digits, looks: &[Option<usize>], text: &TextTower) -> Result<Self> {
        const BATCH: usize = 128;
        const TRAINING: u32 = 10_000;
        let pca = Pca::<f32, PIXELS, LATENT>::fit(&digits.train)?;
        // Between equal variances and the real ones: what is seen most counts most, but not alone.
        let first = pca.explained_variance[0];
        let scale = pca.explained_variance.map(|variance| (first * variance).sqrt().sqrt());
        let latent: Vec<[f32; LATENT]> = digits
            .train
            .iter()
            .map(|digit| {
                let z = pca.transform(digit);
                std::array::from_fn(|k| z[k] / scale[k])
            })
            .collect();
        // With and without what a digit looks like.
        let vectors: Vec<_> =
            prompts().iter().map(|words| text.vector(words)).collect::<Result<_>>()?;
        let layers = [
            LayerSpec::new(LATENT + TIME + WIDTH, HIDDEN, Activation::Silu),
            LayerSpec::new(HIDDEN, HIDDEN, Activation::Silu),
            LayerSpec::new(HIDDEN, LATENT, Activation::Linear),
        ];
        let model = Self::model(&layers)?;
        println!("{} parameters paint", model.params());
        let mut generator = rng::seeded(2);
        let n = model.params();
        let (mut params, mut gradient, mut mean) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let (mut moments, mut steps) = (vec![0.0; 2 * n], AdamSteps::START);
        let mut memory = vec![0.0; model.memory_len(BATCH)];
        model.initialize(&mut generator, &mut params)?;
        let mut batches = Batches::new(latent.len());
        for step in 0..TRAINING {
            let chosen = batches.next(BATCH, &mut generator).to_vec();
            let x: Vec<f32> = chosen.iter().flat_map(|&i| latent[i]).collect();
            let told: Vec<Condition<'_, f32>> = chosen
                .iter()
                .map(|&i| {
                    let number = 3 * digits.train_labels[i];
                    let look = looks[i].map_or(0, |look| look + 1);
                    match rng::uniform::<f32>(&mut generator) {
                        u if u < 0.1 => Condition::None,
                        u if u < 0.5 => Condition::Vector(&vectors[number]),
                        _ => Condition::Vector(&vectors[number + look]),
                    }
                })
                .collect();
            model.gradient(&params, (&x, &told), &mut generator, &mut memory, &mut gradient)?;
            let left = 1.0 - step as f32 / TRAINING as f32;
            Adam::new(0.002 * left).update(&mut steps, &mut params, &gradient, &mut moments)?;
            average(&mut mean, &params, warm_decay(0.999, step))?;
        }
        Ok(Self { pca, scale, layers, params: mean })
    }

    /// The network of floats, whose pixels are from −1 to 1.
    fn blob(&self) -> Result<Vec<u8>> {
        let (components, mean) = (&self.pca.components, &self.pca.mean);
        let weight = |o: usize, k: usize| 2.0 * self.scale[k] * components[k][o];
        let weights = (0..PIXELS).flat_map(|o| (0..LATENT).map(move |k| weight(o, k)));
        let to_pixels: Vec<f32> = weights.chain(mean.iter().map(|mean| 2.0 * mean - 1.0)).collect();
        let back = [LayerSpec::new(LATENT, PIXELS, Activation::Linear)];
        let model = Self::model(&self.layers)?;
        let spec = NetworkSpec {
            kind: Kind::Diffusion,
            front: Some(Part { spec: *model.network(), params: &self.params }),
            back: Some(Part { spec: Spec::new(&back)?, params: &to_pixels }),
            denoising: Some(Denoising {
                schedule: model.schedule(),
                prediction: model.prediction(),
                classes: 0,
                vector_len: model.classes(),
            }),
        };
        let mut out = vec![0; spec.encoded_len()];
        spec.write(&mut out)?;
        Ok(out)
    }

    fn draw(&self, vector: &[f32], count: usize, generator: &mut Generator) -> Result<Vec<Digit>> {
        let model = Self::model(&self.layers)?;
        let mut memory = vec![0.0; model.memory_len(count) + count * LATENT];
        let mut latent = vec![0.0; count * LATENT];
        let told = (Condition::Vector(vector), GUIDANCE);
        model.sample(
            &self.params,
            &Sampler::ddim(STEPS),
            told,
            generator,
            &mut memory,
            &mut latent,
        )?;
        let digit = |z: &[f32]| {
            let z: [f32; LATENT] = std::array::from_fn(|k| z[k] * self.scale[k]);
            self.pca.inverse_transform(&z).map(|pixel| pixel.clamp(0.0, 1.0))
        };
        Ok(latent.chunks(LATENT).map(digit).collect())
    }
}

/// What goes to a chip: the painter in integers, and the vectors of all prompts.
struct Chip {
    painter: Vec<u8>,
    prompts: Vec<u8>,
}

/// What the desktop tool reads behind a network: pixels from 0 to 1 are 0.5 + 0.5 times its values.
const ABOUT: &str = r#"{"offset":0.5,"factor":0.5,"shape":[8,8],"columns":[],"source":"examples/text_to_image.rs"}"#;

impl Chip {
    fn new(painter: &Painter, text: &TextTower) -> Result<Self> {
        let prompts = Self::table(text)?;
        let table = WordTable::parse(&prompts)?;
        let floats = painter.blob()?;
        let network = F32Network::parse(&floats)?;
        let model = Painter::model(&painter.layers)?;
        let mut ranges = vec![LayerRange::NEW; network.blob().layers().count()];
        let mut calibration = Calibration::new(network, &mut ranges)?;
        let mut memory = vec![0.0; calibration.sampling_memory_len()];
        let mut generator = rng::seeded(4);
        for number in 0..CALIBRATION {
            let (sampler, mut vector) = (Sampler::ddim(STEPS), [0.0; WIDTH]);
            table.vector((number % table.len()) as u32, &mut vector)?;
            let told = Condition::Vector(&vector);
            calibration.observe_sampling(&model, &sampler, told, &mut generator, &mut memory)?;
        }
        let mut features = [[0.0; TIME]; STEPS as usize];
        let at = |(k, out)| Step::at(Schedule::Cosine, (k, STEPS), out);
        let numbered = (1..=STEPS).rev().zip(features.iter_mut().map(<[f32; TIME]>::as_mut_slice));
        let steps: Vec<Step<'_>> = numbered.map(at).collect();
        let mut painter = vec![0; quantized_len(&network, steps.len()).ok_or("too large")?];
        quantize(&calibration, Some(Steps { steps: &steps, limit: 0.0 }), &mut painter)?;
        Ok(Self { painter, prompts })
    }

    /// The table of all prompts.
    fn table(text: &TextTower) -> Result<Vec<u8>> {
        let prompts = prompts();
        let words: Vec<&str> = prompts.iter().map(String::as_str).collect();
        let vectors: Vec<_> =
            words.iter().map(|words| text.vector(words)).collect::<Result<_>>()?;
        let vectors = Table::new(vectors.as_flattened(), WIDTH)?;
        let spec = WordTableSpec { vectors, words: &words, prefixes: &[] };
        let mut table = vec![0; spec.encoded_len()];
        spec.write(&mut table, &mut vec![0; spec.workspace_len()])?;
        Ok(table)
    }

    /// As a chip does it: from the words to the picture without floats.
    fn draw(&self, prompt: &str, count: usize, generator: &mut Generator) -> Result<Vec<Digit>> {
        let (network, table) =
            (Int8Network::parse(&self.painter)?, WordTable::parse(&self.prompts)?);
        let (mut scratch, mut vector) = (vec![0; network.scratch_len()], [0; WIDTH]);
        table.vector_fixed(table.id(prompt).ok_or("an unknown prompt")?, &mut vector)?;
        let told = (Condition::Vector(&vector), fixed(GUIDANCE));
        let mut draw = |_| {
            let mut out = [0; PIXELS];
            network.sample_under(generator, told, &mut scratch, &mut out)?;
            Ok(out.map(|pixel| (0.5 + 0.5 * float(pixel)).clamp(0.0, 1.0)))
        };
        (0..count).map(&mut draw).collect()
    }

    fn write(&self, painter: &Painter, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let network = |blob: &[u8]| [blob, ABOUT.as_bytes()].concat();
        fs::write(target().join("painter_f32.eign"), network(&painter.blob()?))?;
        fs::write(folder.join("painter.eign"), network(&self.painter))?;
        fs::write(folder.join("prompts.etab"), &self.prompts)?;
        println!("{}: painter.eign, prompts.etab", folder.display());
        Ok(())
    }
}

/// Numbers of pictures, learnt from real digits with a little noise.
struct Classifier {
    layers: [LayerSpec<f32>; 2],
    params: Vec<f32>,
}

impl Classifier {
    fn train(digits: &Digits) -> Result<Self> {
        const BATCH: usize = 64;
        let layers = [
            LayerSpec::new(PIXELS, 96, Activation::Relu),
            LayerSpec::new(96, NUMBERS.len(), Activation::Linear),
        ];
        let spec = Spec::new(&layers)?;
        let mut generator = rng::seeded(3);
        let n = spec.params();
        let (mut params, mut gradient, mut mean) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let (mut moments, mut steps) = (vec![0.0; 2 * n], AdamSteps::START);
        let mut memory = vec![0.0; Pass::memory_len(&spec, BATCH)];
        let mut pass = Pass::new(spec, BATCH, &mut memory)?;
        initialize(&spec, Initialization::KaimingUniform, &mut generator, &mut params)?;
        let mut batches = Batches::new(digits.train.len());
        for step in 0..3000 {
            let chosen = batches.next(BATCH, &mut generator).to_vec();
            let mut x: Vec<f32> = chosen.iter().flat_map(|&i| digits.train[i]).collect();
            x.iter_mut().for_each(|pixel| *pixel += 0.1 * rng::normal::<f32>(&mut generator));
            let labels: Vec<usize> = chosen.iter().map(|&i| digits.train_labels[i]).collect();
            pass.forward(&params, &x)?;
            let (logits, slot) = pass.output_and_gradient();
            loss::softmax_cross_entropy(logits, NUMBERS.len(), &labels, slot)?;
            gradient.fill(0.0);
            pass.backward(&params, &x, &mut gradient)?;
            let adam = Adam { weight_decay: 0.01, ..Adam::new(0.003) };
            adam.update(&mut steps, &mut params, &gradient, &mut moments)?;
            average(&mut mean, &params, warm_decay(0.998, step))?;
        }
        Ok(Self { layers, params: mean })
    }

    fn labels(&self, pictures: &[Digit]) -> Result<Vec<usize>> {
        let spec = Spec::new(&self.layers)?;
        let mut memory = vec![0.0; Pass::memory_len(&spec, pictures.len())];
        let mut pass = Pass::new(spec, pictures.len(), &mut memory)?;
        let x: Vec<f32> = pictures.iter().flatten().copied().collect();
        let best = |row: &[f32]| {
            (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or_default()
        };
        Ok(pass.forward(&self.params, &x)?.chunks(NUMBERS.len()).map(best).collect())
    }
}
