//! Diffusion: samples from noise, by a network that tells noise from signal.
//!
//! At time `t` from 0 to 1 a sample `x` is seen as `x_t = √ᾱ(t)·x + √(1 − ᾱ(t))·ε` with
//! `ε ~ N(0, I)`; a [`Schedule`] gives `ᾱ`, from nearly 1 down to nearly 0. The network is fed with
//! `x_t`, the sines and cosines of `t`, and the class if there are classes; it predicts the noise, the
//! sample, or the velocity `v = √ᾱ·ε − √(1 − ᾱ)·x`, for the least mean square. Any of them gives the
//! other two.
//!
//! [`Sampler`] goes from noise at `t = 1` to `t = 0` in any number of steps, without noise on the way
//! (DDIM), or with as much as keeps the distribution (DDPM), or anything between. With classes, what the
//! network predicts for a class can be pushed away from what it predicts for none (classifier-free
//! guidance).
//!
//! The vectors may be pixels, or scores on principal components scaled to about unit variance: a
//! [linear layer](super::LayerSpec) then leads back to pixels.
//!
//! Sources: Ho, Jain & Abbeel, "Denoising diffusion probabilistic models", `NeurIPS` 2020; Nichol &
//! Dhariwal, "Improved DDPM", ICML 2021 (cosine schedule); Song, Meng & Ermon, "Denoising diffusion
//! implicit models", ICLR 2021; Salimans & Ho, "Progressive distillation", ICLR 2022 (velocity); Ho &
//! Salimans, "Classifier-free diffusion guidance", 2021.

use rand_core::Rng;

use super::gradient::{Pass, TrainError, expect_len, rows_of, take};
use super::loss;
use super::optimize::{Initialization, initialize};
use super::spec::Spec;
use crate::rng;
use crate::scalar::Scalar;
use crate::simd;

/// How much of a sample is left at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Schedule {
    /// `cos²(π/2·(t + s)/(1 + s))` over its value at 0, `s = 0.008`.
    #[default]
    Cosine,
    /// `exp(−0.1·t − 9.95·t²)`: noise whose rate grows linearly from 0.1 to 20, as that of the 1000
    /// steps of DDPM does.
    Linear,
}

impl Schedule {
    /// `ᾱ(t)` for `t` from 0 to 1; at least 10⁻⁴, so that no division by its root loses all digits.
    pub fn alpha_bar<T: Scalar>(self, t: T) -> T {
        let value = match self {
            Self::Cosine => {
                let s = T::from_f64(0.008);
                let angle = |t: T| T::HALF * T::PI * (t + s) / (T::ONE + s);
                let (_, now) = angle(t).sin_cos();
                let (_, start) = angle(T::ZERO).sin_cos();
                let ratio = now / start;
                ratio * ratio
            }
            Self::Linear => (-t * (T::from_f64(0.1) + T::from_f64(9.95) * t)).exp(),
        };
        value.min(T::ONE).max(T::from_f64(1e-4))
    }
}

/// What a network predicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Prediction {
    /// The noise `ε`.
    Noise,
    /// The sample `x`.
    Sample,
    /// `v = √ᾱ·ε − √(1 − ᾱ)·x`: has unit variance at all times, if `x` has.
    #[default]
    Velocity,
}

/// Sines and cosines of a time from 0 to 1, for a network: `sin(ωₖ·t)` and `cos(ωₖ·t)` in turn, with
/// `ωₖ` from 1 to 1000 in equal ratios. An odd place at the end gets `t` itself.
pub fn embed_time<T: Scalar>(t: T, out: &mut [T]) {
    let pairs = out.len() / 2;
    let last = T::from_usize(pairs.saturating_sub(1).max(1));
    // ln 1000
    let ratio = (T::from_f64(6.907_755_278_982_137) / last).exp();
    let mut frequency = T::ONE;
    let mut rest = out;
    while let [sine, cosine, more @ ..] = rest {
        (*sine, *cosine) = (frequency * t).sin_cos();
        frequency *= ratio;
        rest = more;
    }
    if let [single] = rest {
        *single = t;
    }
}

/// A network with the meaning of its inputs and outputs: `[x_t, time, class] → prediction`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diffusion<'a, T> {
    network: Spec<'a, T>,
    schedule: Schedule,
    prediction: Prediction,
    classes: usize,
}

impl<'a, T> Diffusion<'a, T> {
    /// The network.
    pub const fn network(&self) -> &Spec<'a, T> {
        &self.network
    }

    /// How much of a sample is left at a time.
    pub const fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// What the network predicts.
    pub const fn prediction(&self) -> Prediction {
        self.prediction
    }

    /// Number of classes; 0 without.
    pub const fn classes(&self) -> usize {
        self.classes
    }

    /// Number of values of a sample.
    pub const fn width(&self) -> usize {
        self.network.outputs()
    }

    /// Number of inputs that hold the time.
    pub const fn time_features(&self) -> usize {
        self.network.inputs().saturating_sub(self.network.outputs()).saturating_sub(self.classes)
    }

    /// Number of parameters.
    pub const fn params(&self) -> usize {
        self.network.params()
    }

    /// Number of values of memory that a call with up to `rows` samples needs.
    pub const fn memory_len(&self, rows: usize) -> usize {
        Pass::memory_len(&self.network, rows)
            .saturating_add(self.network.inputs().saturating_mul(rows))
            .saturating_add(self.network.outputs().saturating_mul(rows).saturating_mul(2))
    }
}

impl<'a, T: Scalar> Diffusion<'a, T> {
    /// From a network that takes a sample, features of the time, and one value for each class.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if not even one feature of the time is left.
    pub fn new(
        network: Spec<'a, T>,
        schedule: Schedule,
        prediction: Prediction,
        classes: usize,
    ) -> Result<Self, TrainError> {
        let model = Self { network, schedule, prediction, classes };
        if model.time_features() == 0 { Err(TrainError::Setting) } else { Ok(model) }
    }

    /// Draws the first parameters; the last layer begins with zeros, so that the first predictions are.
    ///
    /// # Errors
    /// [`TrainError::Length`].
    pub fn initialize(&self, rng: &mut impl Rng, params: &mut [T]) -> Result<(), TrainError> {
        initialize(&self.network, Initialization::KaimingUniform, rng, params)?;
        let last = self.network.layers().last().map_or(0, super::LayerSpec::params);
        let start = params.len().saturating_sub(last);
        params.get_mut(start..).unwrap_or(&mut []).fill(T::ZERO);
        Ok(())
    }

    /// The mean square of the prediction for samples in the rows of `x`, each at a time of its own, with
    /// its gradient in place of what `gradient` held.
    ///
    /// `labels` has a class for every sample, or `None` for one whose class the network is not told; it
    /// is empty without classes. For guidance leave out one in ten. The times are spread evenly: one in
    /// each of as many equal parts of 0 to 1 as there are samples.
    ///
    /// # Errors
    /// Those of [`Pass::forward`]; [`TrainError::Setting`] for a class that is none,
    /// [`TrainError::Length`] for labels of another number.
    ///
    /// # Cost
    /// `6·rows` flops per weight.
    pub fn gradient(
        &self,
        params: &[T],
        (x, labels): (&[T], &[Option<usize>]),
        rng: &mut impl Rng,
        memory: &mut [T],
        gradient: &mut [T],
    ) -> Result<T, TrainError> {
        self.step(params, (x, labels), rng, memory, Some(gradient))
    }

    /// The mean square alone, for samples that are held out.
    ///
    /// # Errors
    /// As [`gradient`](Self::gradient).
    pub fn evaluate(
        &self,
        params: &[T],
        (x, labels): (&[T], &[Option<usize>]),
        rng: &mut impl Rng,
        memory: &mut [T],
    ) -> Result<T, TrainError> {
        self.step(params, (x, labels), rng, memory, None)
    }

    fn step(
        &self,
        params: &[T],
        (x, labels): (&[T], &[Option<usize>]),
        rng: &mut impl Rng,
        memory: &mut [T],
        gradient: Option<&mut [T]>,
    ) -> Result<T, TrainError> {
        let rows = rows_of(x, self.width(), usize::MAX)?;
        if self.classes > 0 || !labels.is_empty() {
            expect_len(labels, rows)?;
        }
        if !simd::all_finite(x) {
            return Err(TrainError::NotFinite);
        }
        let short = TrainError::MemoryTooSmall { needed: self.memory_len(rows) };
        let (input, memory) =
            take(memory, self.network.inputs().saturating_mul(rows)).ok_or(short)?;
        let (target, memory) = take(memory, x.len()).ok_or(short)?;
        let (noise, memory) = take(memory, x.len()).ok_or(short)?;
        let mut pass = Pass::new(self.network, rows, memory).map_err(|_| short)?;
        rng::fill_normal(rng, noise);

        let share = T::ONE / T::from_usize(rows);
        // No sample has its times by its place in the batch.
        let offset = rng::uniform::<T>(rng);
        let (mut rest, mut targets, mut samples, mut noises) =
            (&mut *input, &mut *target, x, &*noise);
        for k in 0..rows {
            let t = (T::from_usize(k) + rng::uniform::<T>(rng)) * share + offset;
            let t = if t < T::ONE { t } else { t - T::ONE };
            let label = labels.get(k).copied().flatten();
            let (
                Some((row, more)),
                Some((target, more_targets)),
                Some((x, more_samples)),
                Some((eps, more_noises)),
            ) = (
                rest.split_at_mut_checked(self.network.inputs()),
                targets.split_at_mut_checked(self.width()),
                samples.split_at_checked(self.width()),
                noises.split_at_checked(self.width()),
            )
            else {
                break;
            };
            let alpha_bar = self.schedule.alpha_bar(t);
            let (signal, spread) = (alpha_bar.sqrt(), (T::ONE - alpha_bar).sqrt());
            for ((seen, &x), &eps) in row.iter_mut().zip(x).zip(eps) {
                *seen = signal * x + spread * eps;
            }
            for ((target, &x), &eps) in target.iter_mut().zip(x).zip(eps) {
                *target = match self.prediction {
                    Prediction::Noise => eps,
                    Prediction::Sample => x,
                    Prediction::Velocity => signal * eps - spread * x,
                };
            }
            self.condition(row, t, label)?;
            (rest, targets, samples, noises) = (more, more_targets, more_samples, more_noises);
        }
        pass.forward(params, input)?;
        let (output, slot) = pass.output_and_gradient();
        let value = loss::mean_square(output, target, slot)?;
        if let Some(gradient) = gradient {
            expect_len(gradient, self.params())?;
            gradient.fill(T::ZERO);
            pass.backward(params, input, gradient)?;
        }
        Ok(value)
    }

    /// Writes the time and the class behind the sample at the front of an input of the network.
    ///
    /// # Errors
    /// [`TrainError::Length`] for the input, [`TrainError::Setting`] for a class that is none.
    pub fn condition(&self, input: &mut [T], t: T, label: Option<usize>) -> Result<(), TrainError> {
        expect_len(input, self.network.inputs())?;
        let length = TrainError::Length { needed: self.network.inputs() };
        let (_, rest) = take(input, self.width()).ok_or(length)?;
        let (time, class) = take(rest, self.time_features()).ok_or(length)?;
        embed_time(t, time);
        class.fill(T::ZERO);
        if let Some(label) = label {
            *class.get_mut(label).ok_or(TrainError::Setting)? = T::ONE;
        }
        Ok(())
    }

    /// What the network predicts for samples in the rows of `x` at time `t`, all of one class or of
    /// none: with `guidance` `g` it is `(1 + g)·prediction(class) − g·prediction(none)`.
    ///
    /// # Errors
    /// Those of [`Pass::forward`]; [`TrainError::Length`] for `out`, [`TrainError::Setting`].
    pub fn predict(
        &self,
        params: &[T],
        (x, t): (&[T], T),
        (label, guidance): (Option<usize>, T),
        memory: &mut [T],
        out: &mut [T],
    ) -> Result<(), TrainError> {
        let rows = rows_of(x, self.width(), usize::MAX)?;
        expect_len(out, x.len())?;
        let short = TrainError::MemoryTooSmall { needed: self.memory_len(rows) };
        let (input, memory) =
            take(memory, self.network.inputs().saturating_mul(rows)).ok_or(short)?;
        let mut pass = Pass::new(self.network, rows, memory).map_err(|_| short)?;
        let guided = label.is_some() && guidance != T::ZERO;
        let passes = [(label, T::ONE + guidance), (None, -guidance)];
        let passes = if guided { passes.as_slice() } else { &[(label, T::ONE)] };
        out.fill(T::ZERO);
        for &(label, weight) in passes {
            let (mut rest, mut samples) = (&mut *input, x);
            while let (Some((row, more)), Some((x, more_samples))) = (
                rest.split_at_mut_checked(self.network.inputs().max(1)),
                samples.split_at_checked(self.width()),
            ) {
                for (row, &x) in row.iter_mut().zip(x) {
                    *row = x;
                }
                self.condition(row, t, label)?;
                (rest, samples) = (more, more_samples);
            }
            simd::axpy(weight, pass.forward(params, input)?, out);
        }
        Ok(())
    }

    /// Draws new samples into the rows of `out`, all of one class or of none, by `sampler`, which is
    /// given the schedule and the prediction of this model.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    ///
    /// # Cost
    /// `2·steps` flops per weight and sample, twice that with guidance.
    pub fn sample(
        &self,
        params: &[T],
        sampler: &Sampler<T>,
        class: (Option<usize>, T),
        rng: &mut impl Rng,
        memory: &mut [T],
        out: &mut [T],
    ) -> Result<(), TrainError> {
        let rows = rows_of(out, self.width(), usize::MAX)?;
        let short = TrainError::MemoryTooSmall { needed: self.memory_len(rows) };
        let (prediction, memory) = take(memory, out.len()).ok_or(short)?;
        sampler.run((self.schedule, self.prediction), rng, out, prediction, |x, t, prediction| {
            self.predict(params, (x, t), class, memory, prediction)
        })
    }
}

/// How a sampler goes from noise to a sample.
///
/// ```
/// use eigenmote::nn::{Prediction, Sampler, Schedule};
/// use eigenmote::rng;
/// // A predictor that knows the answer: all samples are 3.
/// let sampler = Sampler::ddim(8);
/// let (mut x, mut prediction) = ([0.0_f64; 2], [0.0; 2]);
/// let kind = (Schedule::Cosine, Prediction::Sample);
/// sampler.run(kind, &mut rng::seeded(1), &mut x, &mut prediction, |_, _, prediction| {
///     prediction.fill(3.0);
///     Ok::<(), ()>(())
/// }).unwrap();
/// assert!(x.iter().all(|x| (x - 3.0).abs() < 1e-12));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sampler<T> {
    /// Number of steps; 0 counts as 1.
    pub steps: u32,
    /// Noise on the way, from 0 (DDIM) to 1 (DDPM).
    pub eta: T,
    /// The largest magnitude that a predicted sample may have; infinite for any.
    pub clip: T,
}

impl<T: Scalar> Sampler<T> {
    /// Without noise on the way.
    pub fn ddim(steps: u32) -> Self {
        Self { steps, eta: T::ZERO, clip: T::ONE / T::ZERO }
    }

    /// With the noise that keeps the distribution.
    pub fn ddpm(steps: u32) -> Self {
        Self { eta: T::ONE, ..Self::ddim(steps) }
    }

    /// Draws samples into `x`: `predict(x_t, t, out)` gives the prediction for all of them. `prediction`
    /// has the length of `x`. The seed of `rng` and the length of `x` fix the noise.
    ///
    /// # Errors
    /// Those of `predict`.
    pub fn run<E>(
        &self,
        (schedule, kind): (Schedule, Prediction),
        rng: &mut impl Rng,
        x: &mut [T],
        prediction: &mut [T],
        mut predict: impl FnMut(&[T], T, &mut [T]) -> Result<(), E>,
    ) -> Result<(), E> {
        let steps = self.steps.max(1);
        rng::fill_normal(rng, x);
        let share = T::ONE / T::from_u32(steps);
        for k in 0..steps {
            let t = T::from_u32(steps.saturating_sub(k)) * share;
            let (now, next) = (
                schedule.alpha_bar(t),
                match steps.saturating_sub(k.saturating_add(1)) {
                    0 => T::ONE,
                    left => schedule.alpha_bar(T::from_u32(left) * share),
                },
            );
            predict(x, t, prediction)?;
            let (signal, spread) = (now.sqrt(), (T::ONE - now).sqrt());
            let variance = (T::ONE - next) / (T::ONE - now) * (T::ONE - now / next);
            let sigma = self.eta * variance.max(T::ZERO).sqrt();
            let keep = (T::ONE - next - sigma * sigma).max(T::ZERO).sqrt();
            let next_signal = next.sqrt();
            for (x, &p) in x.iter_mut().zip(prediction.iter()) {
                let sample = match kind {
                    Prediction::Noise => (*x - spread * p) / signal,
                    Prediction::Sample => p,
                    Prediction::Velocity => signal * *x - spread * p,
                };
                let sample = sample.min(self.clip).max(-self.clip);
                // What of x_t is not the sample; there is no such thing where nothing of it is noise.
                let noise =
                    if spread > T::ZERO { (*x - signal * sample) / spread } else { T::ZERO };
                *x = next_signal * sample + keep * noise;
            }
            if sigma > T::ZERO {
                for x in x.iter_mut() {
                    *x += sigma * rng::normal(rng);
                }
            }
        }
        Ok(())
    }
}
