//! What the examples with digits share: the data and its parts, the judge of samples, the picture.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    dead_code,
    missing_docs,
    unreachable_pub
)]

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};

use eigenmote::Mat;
use eigenmote::linalg::eigh;
use eigenmote::nn::{Draw, PcaGaussian};
use eigenmote::rng;
use eigenmote::stats::Pca;

/// 8×8.
pub const PIXELS: usize = 64;
pub type Digit = [f32; PIXELS];
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Real digits, pixels from 0 to 1.
pub struct Digits {
    pub train: Vec<Digit>,
    pub train_labels: Vec<usize>,
    pub test: Vec<Digit>,
    pub test_labels: Vec<usize>,
}

impl Digits {
    /// 1200 digits for training and 597 for the test: every third row of the file, counted from 0, whose
    /// number leaves 2, is for the test, up to row 1790. (The file goes on from writer to writer.)
    ///
    /// With `--validate` the test part is not touched: every fourth digit of the training part stands in
    /// for it. That is what settings were chosen on.
    pub fn load() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let all = read(&root.join("data/digits.csv"))?;
        let (test, train) = part(&all, |i| i % 3 == 2 && i < 1791);
        let (test, train) =
            if flag("--validate") { part(&train, |i| i % 4 == 3) } else { (test, train) };
        let apart = |digits: Vec<(Digit, usize)>| digits.into_iter().unzip();
        let ((train, train_labels), (test, test_labels)) = (apart(train), apart(test));
        Ok(Self { train, train_labels, test, test_labels })
    }
}

type Labelled = Vec<(Digit, usize)>;

fn part(digits: &Labelled, held_out: impl Fn(usize) -> bool) -> (Labelled, Labelled) {
    let numbered = digits.iter().copied().enumerate();
    let (first, second): (Vec<_>, Vec<_>) = numbered.partition(|(i, _)| held_out(*i));
    let plain = |part: Vec<(usize, _)>| part.into_iter().map(|(_, digit)| digit).collect();
    (plain(first), plain(second))
}

fn read(path: &Path) -> Result<Labelled> {
    let mut digits = Vec::new();
    for record in csv::Reader::from_path(path)?.records() {
        let record = record?;
        let mut digit = [0.0; PIXELS];
        for (pixel, field) in digit.iter_mut().zip(&record) {
            *pixel = field.parse::<f32>()? / 16.0;
        }
        digits.push((digit, record[PIXELS].parse()?));
    }
    Ok(digits)
}

/// Whether the command line has this word.
pub fn flag(name: &str) -> bool {
    std::env::args().any(|arg| arg == name)
}

/// The number behind a word of the command line.
pub fn option(name: &str, otherwise: usize) -> usize {
    let mut args = std::env::args();
    args.find(|arg| arg == name).and_then(|_| args.next()?.parse().ok()).unwrap_or(otherwise)
}

/// Where the picture goes: the last argument if it names a PNG.
pub fn picture_path(name: &str) -> PathBuf {
    std::env::args()
        .next_back()
        .filter(|arg| Path::new(arg).extension().is_some_and(|e| e == "png"))
        .map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(name),
            PathBuf::from,
        )
}

/// How near samples come to digits of the test part.
#[derive(Clone, Copy, Debug, Default)]
pub struct Verdict {
    /// Fréchet distance: of normal distributions with the means and covariances of both sets, in the
    /// unit of the file (pixels from 0 to 16). 0 is ideal.
    pub frechet: f64,
    /// Share of samples and digits whose nearest neighbour is of their own kind. 0.5 is ideal, 1 means
    /// that one can always tell them apart.
    pub neighbour: f64,
    /// Median distance of samples to the nearest digit of the training part, over that of digits of the
    /// test part. Far below 1 means copies.
    pub distance: f64,
}

/// Compares samples, as they are shown, with the test part; takes as many samples as that has digits.
pub fn judge(samples: &[Digit], digits: &Digits) -> Verdict {
    let samples = &shown(&samples[..digits.test.len()])[..];
    Verdict {
        frechet: frechet(samples, &digits.test),
        neighbour: own_kind(samples, &digits.test),
        distance: median_nearest(samples, &digits.train)
            / median_nearest(&digits.test, &digits.train),
    }
}

/// The mean over seeds.
pub fn mean(verdicts: &[Verdict]) -> Verdict {
    let n = verdicts.len() as f64;
    let of = |f: fn(&Verdict) -> f64| verdicts.iter().map(f).sum::<f64>() / n;
    Verdict {
        frechet: of(|v| v.frechet),
        neighbour: of(|v| v.neighbour),
        distance: of(|v| v.distance),
    }
}

pub fn report(what: &str, v: Verdict) {
    // That of digits of the training part to itself says nothing.
    let distance =
        if v.distance > 0.0 { format!("   distance {:.2}", v.distance) } else { String::new() };
    println!("{what:<34} Fréchet {:7.1}   nearest {:.3}{distance}", v.frechet, v.neighbour);
}

/// Mean and covariance.
pub fn moments(x: &[Digit]) -> ([f64; PIXELS], Mat<f64, PIXELS, PIXELS>) {
    let n = x.len() as f64;
    let mean: [f64; PIXELS] =
        core::array::from_fn(|i| x.iter().map(|x| f64::from(x[i])).sum::<f64>() / n);
    let product = |i: usize, j: usize| {
        let centred = |x: &Digit, i: usize| f64::from(x[i]) - mean[i];
        x.iter().map(|x| centred(x, i) * centred(x, j)).sum::<f64>() / (n - 1.0)
    };
    (mean, Mat::from_fn(product))
}

/// `V·f(Λ)·Vᵀ` of a covariance.
pub fn of_spectrum(
    a: &Mat<f64, PIXELS, PIXELS>,
    f: impl Fn(f64) -> f64,
) -> Mat<f64, PIXELS, PIXELS> {
    let e = eigh(a).unwrap();
    let (values, vectors) = (e.eigenvalues.map(|l| f(l.max(0.0))), e.eigenvectors);
    Mat::from_fn(|i, j| {
        (0..PIXELS).map(|k| vectors.cols[k][i] * values[k] * vectors.cols[k][j]).sum()
    })
}

/// `|μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2·(√Σ₁·Σ₂·√Σ₁)^½)`.
fn frechet(a: &[Digit], b: &[Digit]) -> f64 {
    let ((mean_a, cov_a), (mean_b, cov_b)) = (moments(a), moments(b));
    let root = of_spectrum(&cov_a, f64::sqrt);
    let inner = root.mul(&cov_b).mul(&root);
    let symmetric: Mat<f64, PIXELS, PIXELS> =
        Mat::from_fn(|i, j| 0.5 * (inner.cols[j][i] + inner.cols[i][j]));
    let cross: f64 = eigh(&symmetric).unwrap().eigenvalues.iter().map(|l| l.max(0.0).sqrt()).sum();
    let apart: f64 = mean_a.iter().zip(&mean_b).map(|(a, b)| (a - b) * (a - b)).sum();
    let trace: f64 = (0..PIXELS).map(|i| cov_a.cols[i][i] + cov_b.cols[i][i]).sum();
    256.0 * (apart + trace - 2.0 * cross)
}

pub fn square_distance(a: &Digit, b: &Digit) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn own_kind(a: &[Digit], b: &[Digit]) -> f64 {
    let all: Vec<(&Digit, bool)> =
        a.iter().map(|x| (x, true)).chain(b.iter().map(|x| (x, false))).collect();
    let hits = all.iter().enumerate().filter(|(i, (x, kind))| {
        let others = all.iter().enumerate().filter(|(j, _)| j != i);
        let nearest = others.min_by(|(_, (p, _)), (_, (q, _))| {
            square_distance(x, p).total_cmp(&square_distance(x, q))
        });
        nearest.is_some_and(|(_, (_, other))| other == kind)
    });
    hits.count() as f64 / all.len() as f64
}

fn median_nearest(from: &[Digit], to: &[Digit]) -> f64 {
    let nearest = |a| to.iter().map(|b| square_distance(a, b)).fold(f32::INFINITY, f32::min).sqrt();
    let mut distances: Vec<f32> = from.iter().map(nearest).collect();
    distances.sort_by(f32::total_cmp);
    f64::from(distances[distances.len() / 2])
}

/// Samples of both classical baselines: 15 principal components with a normal distribution on the
/// scores, and 21 with the noise of probabilistic PCA.
pub fn baselines(digits: &Digits, seed: u64) -> Result<(Vec<Digit>, Vec<Digit>)> {
    let plain = Pca::<f32, PIXELS, 15>::fit(&digits.train)?;
    let plain = PcaGaussian::new(&plain.mean, &plain.components, &plain.explained_variance)?;
    let noisy = Pca::<f32, PIXELS, 21>::fit(&digits.train)?;
    let (variance, noise) = (noisy.explained_variance, noisy.noise_variance);
    let noisy = PcaGaussian::probabilistic(&noisy.mean, &noisy.components, &variance, noise)?;
    let mut generator = rng::seeded(seed);
    let (mut first, mut second) = (digits.test.clone(), digits.test.clone());
    first.iter_mut().for_each(|digit| plain.draw(&mut generator, digit));
    second.iter_mut().for_each(|digit| noisy.draw(&mut generator, digit));
    Ok((first, second))
}

/// An affine map of samples: `target mean + A·(x − mean)` with `A = √Σₜ·(√Σ)⁻¹`, which gives a set of
/// samples the mean and covariance of another.
pub struct Calibration {
    from: [f64; PIXELS],
    to: [f64; PIXELS],
    map: Mat<f64, PIXELS, PIXELS>,
}

impl Calibration {
    /// From many samples of a model and the training part. Samples count as they are shown, with ink
    /// from 0 to 1.
    pub fn fit(samples: &[Digit], train: &[Digit]) -> Self {
        let ((from, cov), (to, target)) = (moments(&shown(samples)), moments(train));
        // Directions without variance would be blown up.
        let inverse = of_spectrum(&cov, |l| 1.0 / (l + 1e-5).sqrt());
        Self { from, to, map: of_spectrum(&target, f64::sqrt).mul(&inverse) }
    }

    /// The map of every sample, with ink from 0 to 1.
    pub fn all(&self, samples: &[Digit]) -> Vec<Digit> {
        let mapped: Vec<Digit> = shown(samples).iter().map(|digit| self.of(digit)).collect();
        shown(&mapped)
    }

    fn of(&self, digit: &Digit) -> Digit {
        let centred: [f64; PIXELS] = core::array::from_fn(|i| f64::from(digit[i]) - self.from[i]);
        core::array::from_fn(|i| {
            let sum: f64 = (0..PIXELS).map(|j| self.map.cols[j][i] * centred[j]).sum();
            (self.to[i] + sum) as f32
        })
    }
}

/// Samples with ink from 0 to 1.
pub fn shown(samples: &[Digit]) -> Vec<Digit> {
    samples.iter().map(|digit| digit.map(|pixel| pixel.clamp(0.0, 1.0))).collect()
}

/// How fast to learn at a step, from 1 down to 0.02 along half a cosine.
pub fn cooling(step: u32, steps: u32) -> f32 {
    let progress = step as f32 / steps as f32;
    (0.5 + 0.5 * (core::f32::consts::PI * progress).cos()).max(0.02)
}

/// What real digits and the baselines get.
pub fn report_baselines(digits: &Digits) -> Result<()> {
    let mut real = Vec::new();
    let (mut plain, mut noisy) = (Vec::new(), Vec::new());
    for seed in 0..5 {
        let mut generator = rng::seeded(seed);
        let mut order = Batches::new(digits.train.len());
        let rows = order.next(digits.test.len(), &mut generator);
        let some: Vec<Digit> = rows.iter().map(|&i| digits.train[i]).collect();
        real.push(judge(&some, digits));
        let (pca, ppca) = baselines(digits, seed)?;
        plain.push(judge(&pca, digits));
        noisy.push(judge(&ppca, digits));
    }
    report("real digits of the training part", mean(&real));
    report("15 principal components", mean(&plain));
    report("probabilistic PCA, 21 components", mean(&noisy));
    Ok(())
}

const ZOOM: usize = 4;
const CELL: usize = 9 * ZOOM;

/// Blocks of digits side by side, each `columns` wide and `rows` high, black on white.
pub fn write_png(path: &Path, blocks: &[&[Digit]], columns: usize, rows: usize) -> Result<()> {
    let (width, height) = (CELL * (blocks.len() * (columns + 1) - 1), CELL * rows);
    let mut pixels = vec![255_u8; width * height];
    for (b, block) in blocks.iter().enumerate() {
        for (k, digit) in block.iter().take(columns * rows).enumerate() {
            let left = CELL * (b * (columns + 1) + k % columns);
            let top = CELL * (k / columns);
            for (x, y) in (0..8 * ZOOM).flat_map(|y| (0..8 * ZOOM).map(move |x| (x, y))) {
                pixels[(top + y) * width + left + x] = grey(digit[y / ZOOM * 8 + x / ZOOM]);
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

fn grey(ink: f32) -> u8 {
    255 - (ink.clamp(0.0, 1.0) * 255.0).round() as u8
}

/// Shuffled rows, a batch at a time.
pub struct Batches {
    order: Vec<usize>,
    at: usize,
}

impl Batches {
    pub fn new(n: usize) -> Self {
        Self { order: (0..n).collect(), at: n }
    }

    /// The next rows; shuffles when all have been given.
    pub fn next(&mut self, size: usize, generator: &mut rng::Generator) -> &[usize] {
        if self.at + size > self.order.len() {
            for i in (1..self.order.len()).rev() {
                let j = (rng::uniform::<f64>(generator) * (i + 1) as f64) as usize;
                self.order.swap(i, j);
            }
            self.at = 0;
        }
        self.at += size;
        &self.order[self.at - size..self.at]
    }
}
