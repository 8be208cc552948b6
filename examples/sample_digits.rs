//! Draws new handwritten digits from principal components and shows them beside real ones.
//!
//! `cargo run --release --example sample_digits [PNG]` fits 21 principal components to
//! `data/digits.csv` and writes one picture: real digits, digits drawn from the kept components
//! alone, and digits drawn with the noise of probabilistic PCA. It prints how far a drawn digit is
//! from the nearest real one: the figure that a trained decoder has to beat.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};

use eigenmote::nn::{Draw, PcaGaussian};
use eigenmote::rng::{Generator, seeded};
use eigenmote::stats::Pca;

/// An 8×8 picture, pixels 0 to 16.
const PIXELS: usize = 64;
/// Enough for 90 % of the variance.
const COMPONENTS: usize = 21;
type Digit = [f32; PIXELS];

const COLUMNS: usize = 24;
const ROWS: usize = 4;
/// Side of a pixel in the picture.
const ZOOM: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = std::env::args_os()
        .nth(1)
        .map_or_else(|| root.join("target/sample_digits.png"), PathBuf::from);
    let digits = read(&root.join("data/digits.csv"))?;
    // Every fifth digit is held out, to have real digits that the fit has not seen.
    let (mut seen, mut held_out) = (Vec::new(), Vec::new());
    for (i, digit) in digits.iter().enumerate() {
        if i % 5 == 4 { held_out.push(*digit) } else { seen.push(*digit) }
    }

    let pca = Pca::<f32, PIXELS, COMPONENTS>::fit(&seen)?;
    let (mean, axes, variance) = (&pca.mean, &pca.components, &pca.explained_variance);
    let plain = PcaGaussian::new(mean, axes, variance)?;
    let noisy = PcaGaussian::probabilistic(mean, axes, variance, pca.noise_variance)?;
    let mut rng = seeded(8);
    let plain = draw(&plain, &mut rng, held_out.len());
    let noisy = draw(&noisy, &mut rng, held_out.len());

    println!("{} digits, {COMPONENTS} of {PIXELS} components", seen.len());
    println!("mean distance to the nearest digit of the training part, in pixel values:");
    println!("  held-out real digits     {:6.2}", mean_nearest(&held_out, &seen));
    println!("  principal components     {:6.2}", mean_nearest(&plain, &seen));
    println!("  probabilistic PCA        {:6.2}", mean_nearest(&noisy, &seen));
    println!("mean distance from a held-out digit to the nearest drawn one:");
    println!("  principal components     {:6.2}", mean_nearest(&held_out, &plain));
    println!("  probabilistic PCA        {:6.2}", mean_nearest(&held_out, &noisy));

    write_png(&path, &[&held_out, &plain, &noisy])?;
    println!("left real, middle principal components, right probabilistic PCA: {}", path.display());
    Ok(())
}

fn read(path: &Path) -> Result<Vec<Digit>, Box<dyn Error>> {
    let mut digits = Vec::new();
    for record in csv::Reader::from_path(path)?.records() {
        let record = record?;
        let mut digit = [0.0; PIXELS];
        for (pixel, field) in digit.iter_mut().zip(&record) {
            *pixel = field.parse()?;
        }
        digits.push(digit);
    }
    Ok(digits)
}

fn draw(source: &impl Draw<Digit>, rng: &mut Generator, count: usize) -> Vec<Digit> {
    let mut digits = vec![[0.0; PIXELS]; count];
    for digit in &mut digits {
        source.draw(rng, digit);
    }
    digits
}

/// Mean over `from` of the Euclidean distance to the nearest of `to`.
fn mean_nearest(from: &[Digit], to: &[Digit]) -> f32 {
    let square =
        |a: &Digit, b: &Digit| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let nearest = |a| to.iter().map(|b| square(a, b)).fold(f32::INFINITY, f32::min).sqrt();
    from.iter().map(nearest).sum::<f32>() / from.len() as f32
}

/// Blocks of `ROWS × COLUMNS/3` digits side by side, black on white.
fn write_png(path: &Path, blocks: &[&[Digit]]) -> Result<(), Box<dyn Error>> {
    const CELL: usize = 9 * ZOOM;
    let per_row = COLUMNS / blocks.len();
    let (width, height) = (CELL * (COLUMNS + blocks.len() - 1), CELL * ROWS);
    let mut pixels = vec![255_u8; width * height];
    for (b, block) in blocks.iter().enumerate() {
        for (k, digit) in block.iter().take(per_row * ROWS).enumerate() {
            let left = CELL * (b * (per_row + 1) + k % per_row);
            let top = CELL * (k / per_row);
            for (x, y) in (0..8 * ZOOM).flat_map(|y| (0..8 * ZOOM).map(move |x| (x, y))) {
                let ink = (digit[y / ZOOM * 8 + x / ZOOM] / 16.0).clamp(0.0, 1.0);
                pixels[(top + y) * width + left + x] = 255 - grey(ink);
            }
        }
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut encoder =
        png::Encoder::new(File::create(path)?, u32::try_from(width)?, u32::try_from(height)?);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ink is in 0..=1")]
fn grey(ink: f32) -> u8 {
    (ink * 255.0).round() as u8
}
