//! A variational autoencoder of 28×28 digits.
//!
//! `cargo run --release --features fast --example vae_mnist [FOLDER [EPOCHS [PNG]]]` trains on the 60 000
//! images of MNIST, pixels drawn anew as 0 or 1 with their grey value as probability in every epoch, and
//! prints the evidence lower bound on the 10 000 test images, whose pixels are drawn once. Sixty epochs
//! take some minutes of one processor. The picture has test images, what becomes of them, and samples.
//! Without the four files of the data set it says so and ends.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs
)]

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use eigenmote::nn::{Activation, Adam, AdamSteps, LayerSpec, Likelihood, Spec, Vae};
use eigenmote::rng::{Generator, seeded, uniform};

type Failure = Box<dyn Error>;

const SIDE: usize = 28;
const PIXELS: usize = SIDE * SIDE;
const HIDDEN: usize = 150;
const LATENT: usize = 24;
const BATCH: usize = 100;

fn main() -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut args = std::env::args().skip(1);
    let folder =
        args.next().map_or_else(|| root.join("../shared/data/images/mnist"), PathBuf::from);
    let epochs: u32 = args.next().map_or(Ok(60), |epochs| epochs.parse())?;
    let picture = args.next().map_or_else(|| root.join("target/vae_mnist.png"), PathBuf::from);
    if !folder.join("train-images-idx3-ubyte.gz").is_file() {
        println!("no MNIST in {}: nothing to do", folder.display());
        return Ok(());
    }
    let train = images(&folder.join("train-images-idx3-ubyte.gz"))?;
    let test = images(&folder.join("t10k-images-idx3-ubyte.gz"))?;
    let test = drawn(&test, &mut seeded(99));

    let down = [
        LayerSpec::new(PIXELS, HIDDEN, Activation::Relu),
        LayerSpec::new(HIDDEN, 2 * LATENT, Activation::Linear),
    ];
    let up = [
        LayerSpec::new(LATENT, HIDDEN, Activation::Relu),
        LayerSpec::new(HIDDEN, PIXELS, Activation::Linear),
    ];
    let model = Vae::new(Spec::new(&down)?, Spec::new(&up)?, Likelihood::Bernoulli, 1.0_f32)?;
    let n = model.params();
    println!("{n} parameters, {} images", train.len() / PIXELS);
    let (mut params, mut gradient) = (vec![0.0; n], vec![0.0; n]);
    let (mut moments, mut steps) = (vec![0.0; 2 * n], AdamSteps::START);
    let mut memory = vec![0.0; model.memory_len(BATCH)];
    let mut rng = seeded(1);
    model.initialize(&mut rng, &mut params)?;

    let started = Instant::now();
    let mut order: Vec<usize> = (0..train.len() / PIXELS).collect();
    for epoch in 0..epochs {
        for i in (1..order.len()).rev() {
            order.swap(i, (uniform::<f64>(&mut rng) * (i + 1) as f64) as usize);
        }
        // Shorter steps to the end, for what long ones cannot settle.
        let left = 1.0 - epoch as f32 / epochs as f32;
        let adam = Adam::new(0.0015 * left.max(0.05));
        for batch in order.chunks(BATCH) {
            let grey: Vec<u8> =
                batch.iter().flat_map(|&i| &train[i * PIXELS..(i + 1) * PIXELS]).copied().collect();
            let x = drawn(&grey, &mut rng);
            model.gradient(&params, &x, &mut rng, &mut memory, &mut gradient)?;
            adam.update(&mut steps, &mut params, &gradient, &mut moments)?;
        }
        if (epoch + 1) % 10 == 0 || epoch + 1 == epochs {
            let elbo = elbo(&model, &params, &test, &mut memory)?;
            let seconds = started.elapsed().as_secs_f64();
            println!("epoch {:3}  {seconds:5.0} s  test ELBO {elbo:.2} nats", epoch + 1);
        }
    }
    draw(&picture, &model, &params, &test)?;
    println!("test images, their reconstructions, samples: {}", picture.display());
    Ok(())
}

/// The mean over all images, one code drawn for each.
fn elbo(
    model: &Vae<'_, f32>,
    params: &[f32],
    x: &[f32],
    memory: &mut [f32],
) -> Result<f64, Failure> {
    let mut rng = seeded(5);
    let (mut sum, mut count) = (0.0, 0);
    for batch in x.chunks(BATCH * PIXELS) {
        let rows = batch.len() / PIXELS;
        let loss = model.evaluate(params, batch, &mut rng, memory)?;
        sum += f64::from(loss.elbo()) * rows as f64;
        count += rows;
    }
    Ok(sum / count as f64)
}

/// Each pixel as 0 or 1, with its grey value as the probability of 1.
fn drawn(grey: &[u8], rng: &mut Generator) -> Vec<f32> {
    let bit = |&g: &u8| f32::from(u8::from(uniform::<f32>(rng) * 255.0 < f32::from(g)));
    grey.iter().map(bit).collect()
}

/// A header of four big-endian words, then bytes.
fn images(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(File::open(path)?).read_to_end(&mut bytes)?;
    Ok(bytes.split_off(16))
}

fn draw(path: &Path, model: &Vae<'_, f32>, params: &[f32], test: &[f32]) -> Result<(), Failure> {
    const SHOWN: usize = 16;
    let mut memory = vec![0.0; model.memory_len(SHOWN * SHOWN)];
    let real = &test[..SHOWN * PIXELS];
    let mut again = vec![0.0; SHOWN * PIXELS];
    model.reconstruct(params, real, &mut memory, &mut again)?;
    let mut samples = vec![0.0; 6 * SHOWN * PIXELS];
    model.sample(params, &mut seeded(3), &mut memory, &mut samples)?;
    let rows: Vec<&[f32]> =
        [real, &again].into_iter().chain(samples.chunks(SHOWN * PIXELS)).collect();
    let (width, height) = (SHOWN * (SIDE + 2), rows.len() * (SIDE + 2));
    let mut grey = vec![255_u8; width * height];
    for (row, images) in rows.iter().enumerate() {
        for (column, image) in images.chunks(PIXELS).enumerate() {
            for (i, &ink) in image.iter().enumerate() {
                let (y, x) = (row * (SIDE + 2) + i / SIDE, column * (SIDE + 2) + i % SIDE);
                grey[y * width + x] = (255.0 * (1.0 - ink.clamp(0.0, 1.0))) as u8;
            }
        }
    }
    std::fs::create_dir_all(path.parent().unwrap())?;
    let mut encoder =
        png::Encoder::new(BufWriter::new(File::create(path)?), width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&grey)?;
    Ok(())
}
