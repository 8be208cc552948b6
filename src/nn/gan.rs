//! Generative adversarial network: a generator against a discriminator that tells its samples from real
//! ones.
//!
//! The discriminator gives one logit per sample and is trained to have it large for real samples and
//! small for made ones; the generator, fed with `z ~ N(0, I)`, to have it large for what it makes.
//! [`Gan::discriminator_gradient`] and [`Gan::generator_gradient`] give both gradients. Updates in turn
//! (alternating) follow each gradient at once; simultaneous ones take both gradients at the same
//! parameters first, by [`Gan::gradients`].
//!
//! What keeps the two in balance, each off at 0: real samples count for a little less than 1 (`smooth`);
//! everything that the discriminator sees gets normal noise (`noise`); and the gradient of its logit by
//! real samples is kept short (`penalty`, R1). Samples come out better from an
//! [average](super::optimize::average) of the generator's parameters.
//!
//! Sources: Goodfellow et al., "Generative adversarial nets", `NeurIPS` 2014; Salimans et al., "Improved
//! techniques for training GANs", `NeurIPS` 2016; Mescheder et al., "Which training methods for GANs do
//! actually converge?", ICML 2018 (simultaneous and alternating descent, R1).

use rand_core::Rng;

use super::autoencoder::run;
use super::gradient::{Pass, TrainError, expect_len, rows_of, take};
use super::optimize::{Initialization, initialize};
use super::spec::Spec;
use super::{Activation, loss};
use crate::mat;
use crate::rng;
use crate::scalar::Scalar;
use crate::simd;

/// What a generator is trained to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum GanLoss {
    /// To have its samples taken for real, `−ln D(G(z))`: the gradient is large where the
    /// discriminator is sure.
    #[default]
    NonSaturating,
    /// Not to have them taken for made, `ln(1 − D(G(z)))`: the same game for both, from which the
    /// gradient vanishes where the discriminator is sure.
    Minimax,
}

/// Settings of a [`Gan`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GanSettings<T> {
    /// What the generator is trained to do.
    pub loss: GanLoss,
    /// Real samples count for `1 − smooth`; from 0 to below 1.
    pub smooth: T,
    /// Deviation of the noise that real and made samples get before the discriminator.
    pub noise: T,
    /// Weight `γ` of R1, `γ/2·|∂D/∂x|²` at real samples.
    pub penalty: T,
}

impl<T: Scalar> Default for GanSettings<T> {
    /// Non-saturating, without any of the means for balance.
    fn default() -> Self {
        Self { loss: GanLoss::NonSaturating, smooth: T::ZERO, noise: T::ZERO, penalty: T::ZERO }
    }
}

/// A generator and a discriminator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gan<'a, T> {
    generator: Spec<'a, T>,
    discriminator: Spec<'a, T>,
    /// How the two are trained; checked when a gradient is asked for.
    pub settings: GanSettings<T>,
}

impl<'a, T> Gan<'a, T> {
    /// The network from `z` to samples.
    pub const fn generator(&self) -> &Spec<'a, T> {
        &self.generator
    }

    /// The network from samples to logits.
    pub const fn discriminator(&self) -> &Spec<'a, T> {
        &self.discriminator
    }

    /// Number of values of `z`.
    pub const fn latent(&self) -> usize {
        self.generator.inputs()
    }

    /// Number of values of memory that a call with up to `rows` samples needs.
    pub const fn memory_len(&self, rows: usize) -> usize {
        let samples = self.generator.outputs().saturating_mul(rows);
        Pass::memory_len(&self.generator, rows)
            .saturating_add(Pass::memory_len(&self.discriminator, rows))
            .saturating_add(self.latent().saturating_mul(rows))
            .saturating_add(samples.saturating_mul(2))
            .saturating_add(rows)
    }
}

impl<'a, T: Scalar> Gan<'a, T> {
    /// From both networks.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if the discriminator does not take what the generator gives, does not end
    /// in a single linear value, or for settings out of their range.
    pub fn new(
        generator: Spec<'a, T>,
        discriminator: Spec<'a, T>,
        settings: GanSettings<T>,
    ) -> Result<Self, TrainError> {
        let last = discriminator.layers().last();
        let logit = last.is_some_and(|l| l.outputs == 1 && l.activation == Activation::Linear);
        let model = Self { generator, discriminator, settings };
        if generator.outputs() != discriminator.inputs() || !logit {
            return Err(TrainError::Setting);
        }
        model.check()?;
        Ok(model)
    }

    /// Whether the settings are in their range.
    fn check(&self) -> Result<(), TrainError> {
        let GanSettings { smooth, noise, penalty, .. } = self.settings;
        let fine = |x: T| x >= T::ZERO && x.is_finite();
        if fine(smooth) && smooth < T::ONE && fine(noise) && fine(penalty) {
            Ok(())
        } else {
            Err(TrainError::Setting)
        }
    }

    /// Draws the first parameters of both.
    ///
    /// # Errors
    /// [`TrainError::Length`].
    pub fn initialize(
        &self,
        rng: &mut impl Rng,
        generator: &mut [T],
        discriminator: &mut [T],
    ) -> Result<(), TrainError> {
        initialize(&self.generator, Initialization::KaimingUniform, rng, generator)?;
        initialize(&self.discriminator, Initialization::KaimingUniform, rng, discriminator)
    }

    /// The discriminator's loss for as many made samples as there are real ones, with its gradient in
    /// place of what `gradient` held: half the cross-entropy of the real ones and half that of the made
    /// ones. The penalty is in the gradient and not in the value.
    ///
    /// # Errors
    /// Those of [`Pass::forward`] and of the [losses](super::loss); [`TrainError::Setting`].
    ///
    /// # Cost
    /// `10·rows` flops per weight of the discriminator, `2·rows` per weight of the generator; the
    /// penalty takes `16·rows` per weight more.
    pub fn discriminator_gradient(
        &self,
        (generator, discriminator): (&[T], &[T]),
        real: &[T],
        rng: &mut impl Rng,
        memory: &mut [T],
        gradient: &mut [T],
    ) -> Result<T, TrainError> {
        self.check()?;
        let rows = rows_of(real, self.generator.outputs(), usize::MAX)?;
        let short = TrainError::MemoryTooSmall { needed: self.memory_len(rows) };
        let (z, memory) = take(memory, self.latent().saturating_mul(rows)).ok_or(short)?;
        let (seen, memory) = take(memory, real.len()).ok_or(short)?;
        let (direction, memory) = take(memory, real.len()).ok_or(short)?;
        let (lengths, memory) = take(memory, rows).ok_or(short)?;
        let (mut make, memory) = Pass::split(self.generator, rows, memory).map_err(|_| short)?;
        let mut judge = Pass::new(self.discriminator, rows, memory).map_err(|_| short)?;
        expect_len(gradient, self.discriminator.params())?;
        gradient.fill(T::ZERO);

        rng::fill_normal(rng, z);
        self.blur(make.forward(generator, z)?, rng, seen);
        judge.forward(discriminator, seen)?;
        let (logits, slot) = judge.output_and_gradient();
        let made = loss::judged(logits, T::ZERO, T::HALF, slot)?;
        judge.backward(discriminator, seen, gradient)?;

        self.blur(real, rng, seen);
        judge.forward(discriminator, seen)?;
        let (logits, slot) = judge.output_and_gradient();
        let target = T::ONE - self.settings.smooth;
        let real_loss = loss::judged(logits, target, T::HALF, slot)?;
        judge.backward(discriminator, seen, gradient)?;
        if self.settings.penalty > T::ZERO {
            let room = (seen, direction, lengths);
            self.penalize(&mut judge, discriminator, room, gradient)?;
        }
        Ok(T::HALF * (made + real_loss))
    }

    /// Adds the gradient of `γ/2·|∂D/∂x|²`, averaged over the samples in `seen`.
    ///
    /// With `v = ∂D/∂x` held fixed it is `γ·∂/∂θ (v·∂D/∂x)`, and `v·∂D/∂x` is the slope of `D` along
    /// `v`: its gradient is that of a difference of two values of `D`, on either side of the sample.
    fn penalize(
        &self,
        judge: &mut Pass<'_, T>,
        params: &[T],
        (seen, direction, lengths): (&mut [T], &mut [T], &mut [T]),
        gradient: &mut [T],
    ) -> Result<(), TrainError> {
        let (_, slot) = judge.output_and_gradient();
        slot.fill(T::ONE);
        let slopes = judge.backward_through(params, seen)?;
        for (d, &s) in direction.iter_mut().zip(slopes) {
            *d = s;
        }
        // A cube root of the rounding error balances it with what the difference leaves out.
        let reach = T::exp2i(-T::DIGITS / 3);
        let weight = self.settings.penalty / (T::TWO * reach * T::from_usize(judge.rows()));
        // Steps of the same length for every sample: the slope along `v` is |v| times that along v/|v|.
        let mut rest = &mut *direction;
        for length in lengths.iter_mut() {
            let Some((row, more)) = rest.split_at_mut_checked(self.discriminator.inputs()) else {
                break;
            };
            *length = mat::norm(row);
            if *length > T::ZERO {
                simd::scale(reach / *length, row);
            }
            rest = more;
        }
        for (step, weight) in [(T::ONE, weight), (-T::TWO, -weight)] {
            simd::axpy(step, direction, seen);
            judge.forward(params, seen)?;
            let (_, slot) = judge.output_and_gradient();
            for (slot, &length) in slot.iter_mut().zip(lengths.iter()) {
                *slot = weight * length;
            }
            judge.backward(params, seen, gradient)?;
        }
        Ok(())
    }

    /// The generator's loss for `rows` samples, with its gradient in place of what `gradient` held.
    ///
    /// # Errors
    /// As [`discriminator_gradient`](Self::discriminator_gradient).
    ///
    /// # Cost
    /// `6·rows` flops per weight of the generator, `4·rows` per weight of the discriminator.
    pub fn generator_gradient(
        &self,
        (generator, discriminator): (&[T], &[T]),
        rows: usize,
        rng: &mut impl Rng,
        memory: &mut [T],
        gradient: &mut [T],
    ) -> Result<T, TrainError> {
        self.check()?;
        let short = TrainError::MemoryTooSmall { needed: self.memory_len(rows) };
        let (z, memory) = take(memory, self.latent().saturating_mul(rows)).ok_or(short)?;
        let samples = self.generator.outputs().saturating_mul(rows);
        let (seen, memory) = take(memory, samples).ok_or(short)?;
        let (mut make, memory) = Pass::split(self.generator, rows, memory)?;
        let mut judge = Pass::new(self.discriminator, rows, memory).map_err(|_| short)?;
        expect_len(gradient, self.generator.params())?;
        gradient.fill(T::ZERO);

        rng::fill_normal(rng, z);
        self.blur(make.forward(generator, z)?, rng, seen);
        judge.forward(discriminator, seen)?;
        let (logits, slot) = judge.output_and_gradient();
        let value = loss::generator(logits, self.settings.loss, slot)?;
        let by_sample = judge.backward_through(discriminator, seen)?;
        let (_, slot) = make.output_and_gradient();
        for (slot, &g) in slot.iter_mut().zip(by_sample) {
            *slot = g;
        }
        make.backward(generator, z, gradient)?;
        Ok(value)
    }

    /// Both gradients at the same parameters, for simultaneous updates: the discriminator's loss and
    /// the generator's.
    ///
    /// # Errors
    /// As [`discriminator_gradient`](Self::discriminator_gradient).
    pub fn gradients(
        &self,
        params: (&[T], &[T]),
        real: &[T],
        rng: &mut impl Rng,
        memory: &mut [T],
        (for_generator, for_discriminator): (&mut [T], &mut [T]),
    ) -> Result<(T, T), TrainError> {
        let rows = rows_of(real, self.generator.outputs(), usize::MAX)?;
        let first = self.discriminator_gradient(params, real, rng, memory, for_discriminator)?;
        let second = self.generator_gradient(params, rows, rng, memory, for_generator)?;
        Ok((first, second))
    }

    /// Draws new samples into the rows of `out`.
    ///
    /// # Errors
    /// Those of [`Pass::forward`].
    pub fn sample(
        &self,
        generator: &[T],
        rng: &mut impl Rng,
        memory: &mut [T],
        out: &mut [T],
    ) -> Result<(), TrainError> {
        let rows = rows_of(out, self.generator.outputs(), usize::MAX)?;
        let short = TrainError::MemoryTooSmall { needed: self.memory_len(rows) };
        let (z, memory) = take(memory, self.latent().saturating_mul(rows)).ok_or(short)?;
        rng::fill_normal(rng, z);
        run(self.generator, generator, z, memory, out)
    }

    /// Samples as the discriminator sees them.
    fn blur(&self, samples: &[T], rng: &mut impl Rng, seen: &mut [T]) {
        for (seen, &x) in seen.iter_mut().zip(samples) {
            *seen = x;
        }
        if self.settings.noise > T::ZERO {
            for seen in seen.iter_mut() {
                *seen += self.settings.noise * rng::normal(rng);
            }
        }
    }
}
