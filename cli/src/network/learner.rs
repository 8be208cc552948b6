//! What is learnt: the networks of each kind, one step of training, the loss on held-out rows, and the
//! blob at the end.
//!
//! Whatever is random in a step comes from a generator of its own, seeded by the seed and the number of
//! the step: so a training that was cut short goes on as if nothing had happened.

use anyhow::{Context, Result, ensure};
use eigenmote::linalg::Implicit;
use eigenmote::linalg::truncated::{Options, Triplets, truncated_svd, workspace_len};
use eigenmote::nn::optimize::{average, clip_norm, warm_decay};
use eigenmote::nn::{
    Activation, Adam, AdamSteps, Autoencoder, Denoising, Diffusion, Gan, GanSettings, Kind,
    LayerSpec, Likelihood, NetworkSpec, Part, Prediction, Schedule, Spec, Vae,
};
use eigenmote::rng::{self, Generator};
use eigenmote::simd;

use super::args::{PredictArg, TrainArgs, TrainCommand, activation};

/// Share of the averaged weights that a step leaves, once there were many.
const AVERAGE: f32 = 0.999;
/// Longest gradient of a diffusion model.
const LONGEST: f32 = 1.0;
/// One sample in so many does not tell its class.
const UNTOLD: u32 = 10;

/// Samples as a network sees them, row by row, with their classes.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) values: Vec<f32>,
    pub(super) width: usize,
    pub(super) classes: Vec<usize>,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.values.len() / self.width
    }

    pub(super) fn row(&self, number: usize) -> &[f32] {
        &self.values[number * self.width..][..self.width]
    }

    pub(super) fn pick(&self, numbers: &[usize]) -> Self {
        Self {
            values: numbers.iter().flat_map(|&n| self.row(n)).copied().collect(),
            width: self.width,
            classes: numbers.iter().filter_map(|&n| self.classes.get(n)).copied().collect(),
        }
    }
}

/// Everything that a step changes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub(super) step: u64,
    /// Parameters, their moments, their average; of a GAN those of the generator.
    pub(super) params: Vec<f32>,
    pub(super) moments: Vec<f32>,
    pub(super) average: Vec<f32>,
    pub(super) count: AdamSteps<f32>,
    /// Of a discriminator.
    pub(super) other: Vec<f32>,
    pub(super) other_moments: Vec<f32>,
    pub(super) other_count: AdamSteps<f32>,
    /// The average that did best on held-out rows.
    pub(super) best: Vec<f32>,
    pub(super) best_loss: f32,
    pub(super) best_epoch: u32,
}

/// What kind of model, with what only that kind has.
enum Sort {
    Autoencoder { noise: f32 },
    Vae { likelihood: Likelihood<f32>, beta: f32 },
    Gan { settings: GanSettings<f32> },
    Diffusion { denoising: Denoising, components: usize, to_sample: Option<Vec<f32>> },
}

/// A model to train.
pub(super) struct Learner {
    sort: Sort,
    /// Encoder, discriminator or the network of a diffusion model.
    front: Vec<LayerSpec<f32>>,
    /// Decoder or generator.
    back: Vec<LayerSpec<f32>>,
    seed: u64,
    rate: f32,
}

/// A generator for one purpose.
fn generator(seed: u64, purpose: u64, number: u64) -> Generator {
    // Odd factors: no two of them meet for usual numbers.
    rng::seeded(
        seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03),
    )
}

fn chain(widths: &[usize], hidden: Activation<f32>, last: Activation<f32>) -> Vec<LayerSpec<f32>> {
    let count = widths.len() - 1;
    let layer = |(index, pair): (usize, &[usize])| {
        LayerSpec::new(pair[0], pair[1], if index + 1 == count { last } else { hidden })
    };
    widths.windows(2).enumerate().map(layer).collect()
}

impl TrainCommand {
    pub(super) fn common(&self) -> &TrainArgs {
        match self {
            Self::Autoencoder { train, .. }
            | Self::Vae { train, .. }
            | Self::Gan { train, .. }
            | Self::Diffusion { train, .. } => train,
        }
    }
}

impl Learner {
    /// The networks for samples of this width; a diffusion model in principal components takes those of
    /// the rows.
    pub(super) fn new(command: &TrainCommand, rows: &Rows, classes: usize) -> Result<Self> {
        let args = command.common();
        let hidden: Vec<usize> = args.hidden.iter().map(|&n| usize::from(n)).collect();
        let f = activation(&args.activation)?;
        let width = rows.width;
        let down = |from: usize, to: usize| {
            let widths = [&[from][..], &hidden, &[to]].concat();
            chain(&widths, f, Activation::Linear)
        };
        let up = |from: usize, to: usize, last: Activation<f32>| {
            let hidden: Vec<usize> = hidden.iter().rev().copied().collect();
            chain(&[&[from][..], &hidden, &[to]].concat(), f, last)
        };
        let (sort, front, back) = match *command {
            TrainCommand::Autoencoder { latent, noise, .. } => (
                Sort::Autoencoder { noise },
                down(width, latent.into()),
                up(latent.into(), width, Activation::Linear),
            ),
            TrainCommand::Vae { latent, beta, variance, .. } => (
                Sort::Vae {
                    likelihood: match variance {
                        Some(variance) => Likelihood::Gaussian { variance },
                        None => Likelihood::Bernoulli,
                    },
                    beta,
                },
                down(width, 2 * usize::from(latent)),
                up(latent.into(), width, Activation::Linear),
            ),
            TrainCommand::Gan { latent, penalty, .. } => {
                let leaky = Activation::LeakyRelu { slope: 0.2 };
                let widths = [&[width][..], &hidden, &[1]].concat();
                (
                    Sort::Gan { settings: GanSettings { penalty, ..GanSettings::default() } },
                    chain(&widths, leaky, Activation::Linear),
                    up(latent.into(), width, Activation::Sigmoid),
                )
            }
            TrainCommand::Diffusion { components, features, predict, .. } => {
                let components = usize::from(components);
                ensure!(
                    components <= width.min(rows.len()),
                    "--components {components}: the rows have at most {}",
                    width.min(rows.len())
                );
                let to_sample = match components {
                    0 => None,
                    k => Some(principal(rows, k)?),
                };
                let latent = if components == 0 { width } else { components };
                let prediction = match predict {
                    PredictArg::Noise => Prediction::Noise,
                    PredictArg::Sample => Prediction::Sample,
                    PredictArg::Velocity => Prediction::Velocity,
                };
                let denoising =
                    Denoising { schedule: Schedule::Cosine, prediction, classes, vector_len: 0 };
                (
                    Sort::Diffusion { denoising, components, to_sample },
                    down(latent + usize::from(features) + classes, latent),
                    Vec::new(),
                )
            }
        };
        Ok(Self { sort, front, back, seed: args.seed, rate: args.rate })
    }

    fn specs(&self) -> Result<(Spec<'_, f32>, Spec<'_, f32>)> {
        let front = Spec::new(&self.front)?;
        Ok((front, if self.back.is_empty() { front } else { Spec::new(&self.back)? }))
    }

    /// Samples as the network is to see them.
    pub(super) fn seen(&self, rows: &Rows) -> Rows {
        let Sort::Diffusion { components, to_sample: Some(to_sample), .. } = &self.sort else {
            return rows.clone();
        };
        // The layer that leads back is `W·z + mean` with orthogonal columns of lengths `scale`.
        let (weights, mean) = to_sample.split_at(components * rows.width);
        let mut values = Vec::with_capacity(rows.len() * components);
        for number in 0..rows.len() {
            for k in 0..*components {
                let column = weights.iter().skip(k).step_by(*components);
                let (mut sum, mut square) = (0.0_f32, 0.0_f32);
                for ((&w, &x), &m) in column.zip(rows.row(number)).zip(mean) {
                    sum += w * (x - m);
                    square += w * w;
                }
                values.push(if square > 0.0 { sum / square } else { 0.0 });
            }
        }
        Rows { values, width: *components, classes: rows.classes.clone() }
    }

    pub(super) fn params(&self) -> Result<usize> {
        let (front, back) = self.specs()?;
        Ok(match self.sort {
            Sort::Diffusion { .. } => front.params(),
            Sort::Gan { .. } => back.params(),
            _ => front.params() + back.params(),
        })
    }

    /// The state before the first step.
    pub(super) fn start(&self) -> Result<State> {
        let (front, back) = self.specs()?;
        let mut params = vec![0.0; self.params()?];
        let mut other = Vec::new();
        let mut draw = generator(self.seed, 1, 0);
        match &self.sort {
            Sort::Autoencoder { noise } => {
                Autoencoder::new(front, back, *noise)?.initialize(&mut draw, &mut params)?;
            }
            Sort::Vae { likelihood, beta } => {
                Vae::new(front, back, *likelihood, *beta)?.initialize(&mut draw, &mut params)?;
            }
            Sort::Gan { settings } => {
                other = vec![0.0; front.params()];
                Gan::new(back, front, *settings)?.initialize(&mut draw, &mut params, &mut other)?;
            }
            Sort::Diffusion { denoising, .. } => {
                diffusion(front, denoising)?.initialize(&mut draw, &mut params)?;
            }
        }
        Ok(State {
            step: 0,
            moments: vec![0.0; 2 * params.len()],
            average: params.clone(),
            best: params.clone(),
            params,
            count: AdamSteps::START,
            other_moments: vec![0.0; 2 * other.len()],
            other,
            other_count: AdamSteps::START,
            best_loss: f32::INFINITY,
            best_epoch: 0,
        })
    }

    /// The order of the rows in a pass.
    pub(super) fn order(&self, rows: usize, epoch: u64) -> Vec<usize> {
        let mut draw = generator(self.seed, 2, epoch);
        shuffled(rows, &mut draw)
    }

    /// One step; gives the loss. `share` is how much of the training is done.
    pub(super) fn step(&self, batch: &Rows, share: f32, state: &mut State) -> Result<f32> {
        let (front, back) = self.specs()?;
        let mut draw = generator(self.seed, 3, state.step);
        let mut gradient = vec![0.0; state.params.len()];
        let adam = Adam::new(self.rate * (1.0 - share).max(0.02));
        let State { params, .. } = state;
        let loss = match &self.sort {
            Sort::Autoencoder { noise } => {
                let model = Autoencoder::new(front, back, *noise)?;
                let mut memory = vec![0.0; model.memory_len(batch.len())];
                model.gradient(params, &batch.values, &mut draw, &mut memory, &mut gradient)?
            }
            Sort::Vae { likelihood, beta } => {
                let model = Vae::new(front, back, *likelihood, *beta)?;
                let mut memory = vec![0.0; model.memory_len(batch.len())];
                let loss =
                    model.gradient(params, &batch.values, &mut draw, &mut memory, &mut gradient)?;
                -loss.elbo()
            }
            Sort::Gan { settings } => {
                let model = Gan::new(back, front, *settings)?;
                let mut memory = vec![0.0; model.memory_len(batch.len())];
                let mut judge = vec![0.0; state.other.len()];
                // Both play against the other's changes of late: less momentum.
                let adam = Adam { beta1: 0.5, beta2: 0.99, ..adam };
                model.discriminator_gradient(
                    (params, &state.other),
                    &batch.values,
                    &mut draw,
                    &mut memory,
                    &mut judge,
                )?;
                adam.update(
                    &mut state.other_count,
                    &mut state.other,
                    &judge,
                    &mut state.other_moments,
                )?;
                let loss = model.generator_gradient(
                    (params, &state.other),
                    batch.len(),
                    &mut draw,
                    &mut memory,
                    &mut gradient,
                )?;
                adam.update(&mut state.count, params, &gradient, &mut state.moments)?;
                loss
            }
            Sort::Diffusion { denoising, .. } => {
                let model = diffusion(front, denoising)?;
                let mut memory = vec![0.0; model.memory_len(batch.len())];
                let labels: Vec<Option<usize>> = batch
                    .classes
                    .iter()
                    .map(|&class| {
                        (rng::uniform::<f32>(&mut draw) * UNTOLD as f32 >= 1.0).then_some(class)
                    })
                    .collect();
                let loss = model.gradient(
                    params,
                    (&batch.values, &labels),
                    &mut draw,
                    &mut memory,
                    &mut gradient,
                )?;
                clip_norm(&mut gradient, LONGEST)?;
                loss
            }
        };
        if !matches!(self.sort, Sort::Gan { .. }) {
            adam.update(&mut state.count, params, &gradient, &mut state.moments)?;
        }
        let number = u32::try_from(state.step).unwrap_or(u32::MAX);
        average(&mut state.average, params, warm_decay(AVERAGE, number))?;
        state.step += 1;
        Ok(loss)
    }

    /// The loss of the averaged weights on held-out rows; `None` for a GAN, whose losses say little.
    pub(super) fn held_out(&self, rows: &Rows, state: &State) -> Result<Option<f32>> {
        if rows.width == 0 || rows.len() == 0 {
            return Ok(None);
        }
        let (front, back) = self.specs()?;
        // The same draws every time, so that losses can be compared.
        let mut draw = generator(self.seed, 4, 0);
        let (mut sum, mut count) = (0.0, 0);
        let numbers: Vec<usize> = (0..rows.len()).collect();
        for numbers in numbers.chunks(256) {
            let part = rows.pick(numbers);
            let loss = match &self.sort {
                Sort::Gan { .. } => return Ok(None),
                Sort::Autoencoder { noise } => {
                    let model = Autoencoder::new(front, back, *noise)?;
                    let mut memory = vec![0.0; model.memory_len(part.len())];
                    let mut out = vec![0.0; part.values.len()];
                    model.reconstruct(&state.average, &part.values, &mut memory, &mut out)?;
                    let off = out.iter().zip(&part.values).map(|(y, x)| (y - x) * (y - x));
                    off.sum::<f32>() / out.len() as f32
                }
                Sort::Vae { likelihood, beta } => {
                    let model = Vae::new(front, back, *likelihood, *beta)?;
                    let mut memory = vec![0.0; model.memory_len(part.len())];
                    -model.evaluate(&state.average, &part.values, &mut draw, &mut memory)?.elbo()
                }
                Sort::Diffusion { denoising, .. } => {
                    let model = diffusion(front, denoising)?;
                    let mut memory = vec![0.0; model.memory_len(part.len())];
                    let labels: Vec<Option<usize>> =
                        part.classes.iter().map(|&c| Some(c)).collect();
                    model.evaluate(
                        &state.average,
                        (&part.values, &labels),
                        &mut draw,
                        &mut memory,
                    )?
                }
            };
            sum += loss * part.len() as f32;
            count += part.len();
        }
        Ok(Some(sum / count as f32))
    }

    /// The blob of these weights.
    pub(super) fn blob(&self, params: &[f32]) -> Result<Vec<u8>> {
        let (front, back) = self.specs()?;
        let mut last = self.back.clone();
        let spec = match &self.sort {
            Sort::Autoencoder { .. } | Sort::Vae { .. } => {
                let (kind, bernoulli) = match self.sort {
                    Sort::Vae { likelihood, .. } => {
                        (Kind::Vae, likelihood == Likelihood::Bernoulli)
                    }
                    _ => (Kind::Autoencoder, false),
                };
                // Trained on logits, used for probabilities.
                if let (true, Some(layer)) = (bernoulli, last.last_mut()) {
                    layer.activation = Activation::Sigmoid;
                }
                let (of_front, of_back) = params.split_at(front.params());
                let front = Part { spec: front, params: of_front };
                let back = Part { spec: Spec::new(&last)?, params: of_back };
                return write(&NetworkSpec::new(kind, Some(front), Some(back)));
            }
            Sort::Gan { .. } => {
                NetworkSpec::new(Kind::Gan, None, Some(Part { spec: back, params }))
            }
            Sort::Diffusion { denoising, components, to_sample } => {
                last = match to_sample {
                    Some(weights) => {
                        let width = weights.len() / (components + 1);
                        vec![LayerSpec::new(*components, width, Activation::Linear)]
                    }
                    None => Vec::new(),
                };
                let to_sample = match to_sample {
                    Some(weights) => Some(Part { spec: Spec::new(&last)?, params: weights }),
                    None => None,
                };
                let front = Some(Part { spec: front, params });
                let spec = NetworkSpec {
                    denoising: Some(*denoising),
                    ..NetworkSpec::new(Kind::Diffusion, front, to_sample)
                };
                return write(&spec);
            }
        };
        write(&spec)
    }
}

fn diffusion<'a>(network: Spec<'a, f32>, denoising: &Denoising) -> Result<Diffusion<'a, f32>> {
    let Denoising { schedule, prediction, .. } = *denoising;
    Ok(Diffusion::new(network, schedule, prediction, denoising.condition_len())?)
}

fn write(spec: &NetworkSpec<'_>) -> Result<Vec<u8>> {
    let mut out = vec![0; spec.encoded_len()];
    spec.write(&mut out).context("the trained network cannot be stored")?;
    Ok(out)
}

/// All numbers below `count` in a random order.
pub(super) fn shuffled(count: usize, draw: &mut Generator) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for i in (1..count).rev() {
        let j = (rng::uniform::<f64>(draw) * (i + 1) as f64) as usize;
        order.swap(i, j.min(i));
    }
    order
}

/// The layer from scores to samples: principal components times the scale of their scores, and the mean.
///
/// A score is divided by the geometric mean of its deviation and that of the first: between pixels, of
/// which the last components would be drowned in the noise, and equal deviations, which make them as
/// important as the first.
fn principal(rows: &Rows, components: usize) -> Result<Vec<f32>> {
    let (count, width) = (rows.len(), rows.width);
    let mut mean = vec![0.0_f64; width];
    for number in 0..count {
        mean.iter_mut().zip(rows.row(number)).for_each(|(m, &x)| *m += f64::from(x));
    }
    let mean: Vec<f32> = mean.iter().map(|m| (m / count as f64) as f32).collect();
    let apply = |x: &[f32], y: &mut [f32]| {
        let shift = simd::dot(&mean, x);
        y.iter_mut().enumerate().for_each(|(i, y)| *y = simd::dot(rows.row(i), x) - shift);
    };
    let transposed = |x: &[f32], y: &mut [f32]| {
        y.fill(0.0);
        x.iter().enumerate().for_each(|(i, &x)| simd::axpy(x, rows.row(i), y));
        simd::axpy(-x.iter().sum::<f32>(), &mean, y);
    };
    let a = Implicit { rows: count, cols: width, apply, apply_transposed: transposed };
    let options = Options::new(components);
    let (mut u, mut s, mut v) =
        (vec![0.0; count * components], vec![0.0; components], vec![0.0; width * components]);
    let mut residuals = vec![0.0; components];
    let mut work = vec![0.0; workspace_len(count, width, &options)];
    let mut out = Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
    let found = truncated_svd(&a, &mut out, &mut work, &options);
    let info = found.context("the principal components failed")?;
    ensure!(info.residual <= 1e-2 * s[0], "the principal components did not converge");
    let rows = (count as f32 - 1.0).max(1.0).sqrt();
    let mut layer = vec![0.0; width * components];
    for (k, (column, &value)) in v.chunks_exact(width).zip(&s).enumerate() {
        let scale = (value * s[0]).sqrt() / rows;
        for (d, &x) in column.iter().enumerate() {
            layer[d * components + k] = x * scale;
        }
    }
    layer.extend(mean);
    Ok(layer)
}
