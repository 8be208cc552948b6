//! Variational autoencoder: a code that is a normal distribution, near the standard one.
//!
//! The encoder gives a mean `μ` and the logarithm of a variance for every value of the code; a code is
//! drawn as `z = μ + e^(½·log_var)·ε` with `ε ~ N(0, I)`, so that the gradient goes through `μ` and the
//! variance (reparameterisation). Trained for
//!
//! ```text
//! −ln p(x | z) + β·KL(q(z | x) ‖ N(0, I))
//! ```
//!
//! which for `β = 1` bounds `−ln p(x)` from above (the negative ELBO). New samples are decoded from
//! `z ~ N(0, I)`.
//!
//! The parameters of a model are one slice: those of the encoder, then those of the decoder.
//!
//! Sources: Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014; Higgins et al., "β-VAE",
//! ICLR 2017.

use rand_core::Rng;

use super::autoencoder::{run, through};
use super::gradient::{Pass, TrainError, halves, halves_mut, rows_of, take};
use super::optimize::{Initialization, initialize};
use super::spec::Spec;
use super::{Activation, loss};
use crate::rng;
use crate::scalar::Scalar;

/// What the output of a decoder says of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Likelihood<T> {
    /// Logits of the probabilities of values that are 0 or 1 (or between): the decoder ends linearly,
    /// and samples are probabilities.
    Bernoulli,
    /// Means of normal distributions with this variance in every value.
    Gaussian {
        /// In squares of the unit of the samples.
        variance: T,
    },
}

/// Both parts of the loss of a [`Vae`], in nats per sample.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VaeLoss<T> {
    /// `−ln p(x | z)` for one drawn code.
    pub reconstruction: T,
    /// `KL(q(z | x) ‖ N(0, I))`.
    pub divergence: T,
}

impl<T: Scalar> VaeLoss<T> {
    /// The evidence lower bound, `ln p(x)` or less: `−(reconstruction + divergence)`.
    pub fn elbo(&self) -> T {
        -(self.reconstruction + self.divergence)
    }
}

/// A variational autoencoder.
///
/// ```
/// use eigenmote::nn::{Activation, LayerSpec, Likelihood, Spec, Vae};
/// use eigenmote::rng;
/// let down = [LayerSpec::new(4, 8, Activation::Relu), LayerSpec::new(8, 4, Activation::Linear)];
/// let up = [LayerSpec::new(2, 8, Activation::Relu), LayerSpec::new(8, 4, Activation::Linear)];
/// let model = Vae::new(Spec::new(&down)?, Spec::new(&up)?, Likelihood::Bernoulli, 1.0_f32)?;
/// let (mut params, mut gradient) = ([0.0; 136], [0.0; 136]);
/// let mut memory = vec![0.0; model.memory_len(3)];
/// let mut generator = rng::seeded(1);
/// model.initialize(&mut generator, &mut params)?;
/// let x = [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
/// let loss = model.gradient(&params, &x, &mut generator, &mut memory, &mut gradient)?;
/// assert!(loss.elbo() < 0.0);
/// let mut made = [0.0; 12];
/// model.sample(&params, &mut generator, &mut memory, &mut made)?;
/// assert!(made.iter().all(|p| 0.0 < *p && *p < 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vae<'a, T> {
    encoder: Spec<'a, T>,
    decoder: Spec<'a, T>,
    likelihood: Likelihood<T>,
    beta: T,
}

impl<'a, T> Vae<'a, T> {
    /// The network from samples to means and logarithms of variances.
    pub const fn encoder(&self) -> &Spec<'a, T> {
        &self.encoder
    }

    /// The network from codes to samples.
    pub const fn decoder(&self) -> &Spec<'a, T> {
        &self.decoder
    }

    /// Number of values of a code.
    pub const fn latent(&self) -> usize {
        self.decoder.inputs()
    }

    /// Number of parameters of both networks.
    pub const fn params(&self) -> usize {
        self.encoder.params().saturating_add(self.decoder.params())
    }

    /// Number of values of memory that a call with up to `rows` samples needs.
    pub const fn memory_len(&self, rows: usize) -> usize {
        Pass::memory_len(&self.encoder, rows)
            .saturating_add(Pass::memory_len(&self.decoder, rows))
            .saturating_add(self.latent().saturating_mul(rows).saturating_mul(2))
    }
}

impl<'a, T: Scalar> Vae<'a, T> {
    /// From both networks, the meaning of the output, and the weight of the divergence.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if the encoder does not give twice as many values as the decoder takes, if
    /// the samples of both differ in length, for a variance that is not positive, a negative `β`, and a
    /// Bernoulli decoder whose last layer is not linear.
    pub fn new(
        encoder: Spec<'a, T>,
        decoder: Spec<'a, T>,
        likelihood: Likelihood<T>,
        beta: T,
    ) -> Result<Self, TrainError> {
        let meet = encoder.outputs() == decoder.inputs().saturating_mul(2)
            && encoder.inputs() == decoder.outputs();
        let last = decoder.layers().last().is_some_and(|l| l.activation == Activation::Linear);
        let valid = match likelihood {
            Likelihood::Bernoulli => last,
            Likelihood::Gaussian { variance } => variance > T::ZERO && variance.is_finite(),
        };
        if !(meet && valid && beta >= T::ZERO && beta.is_finite()) {
            return Err(TrainError::Setting);
        }
        Ok(Self { encoder, decoder, likelihood, beta })
    }

    /// The same with another weight of the divergence, for a schedule.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for one that is negative or not finite.
    pub fn with_beta(&self, beta: T) -> Result<Self, TrainError> {
        Self::new(self.encoder, self.decoder, self.likelihood, beta)
    }

    /// Draws the first parameters.
    ///
    /// # Errors
    /// [`TrainError::Length`].
    pub fn initialize(&self, rng: &mut impl Rng, params: &mut [T]) -> Result<(), TrainError> {
        let (encoder, decoder) = self.halves_mut(params)?;
        initialize(&self.encoder, Initialization::XavierUniform, rng, encoder)?;
        initialize(&self.decoder, Initialization::XavierUniform, rng, decoder)
    }

    /// The loss for samples in the rows of `x`, with its gradient by the parameters in place of what
    /// `gradient` held. `rng` draws one code for every sample.
    ///
    /// # Errors
    /// Those of [`Pass::forward`] and of the [losses](super::loss).
    ///
    /// # Cost
    /// `6·rows` flops per weight, `4·rows` in the first layer.
    pub fn gradient(
        &self,
        params: &[T],
        x: &[T],
        rng: &mut impl Rng,
        memory: &mut [T],
        gradient: &mut [T],
    ) -> Result<VaeLoss<T>, TrainError> {
        self.step(params, x, rng, memory, Some(gradient))
    }

    /// The loss alone, for samples that are held out.
    ///
    /// # Errors
    /// As [`gradient`](Self::gradient).
    pub fn evaluate(
        &self,
        params: &[T],
        x: &[T],
        rng: &mut impl Rng,
        memory: &mut [T],
    ) -> Result<VaeLoss<T>, TrainError> {
        self.step(params, x, rng, memory, None)
    }

    fn step(
        &self,
        params: &[T],
        x: &[T],
        rng: &mut impl Rng,
        memory: &mut [T],
        gradient: Option<&mut [T]>,
    ) -> Result<VaeLoss<T>, TrainError> {
        let (for_encoder, for_decoder) = self.halves(params)?;
        let rows = rows_of(x, self.encoder.inputs(), usize::MAX)?;
        let z = self.latent();
        let short = TrainError::MemoryTooSmall { needed: self.memory_len(rows) };
        let (noise, memory) = take(memory, z.saturating_mul(rows)).ok_or(short)?;
        let (codes, memory) = take(memory, z.saturating_mul(rows)).ok_or(short)?;
        let (mut encode, memory) = Pass::split(self.encoder, rows, memory).map_err(|_| short)?;
        let mut decode = Pass::new(self.decoder, rows, memory).map_err(|_| short)?;

        rng::fill_normal(rng, noise);
        draw_codes(encode.forward(for_encoder, x)?, z, noise, codes);
        if !crate::simd::all_finite(codes) {
            return Err(TrainError::Overflow);
        }
        decode.forward(for_decoder, codes)?;
        let (output, slot) = decode.output_and_gradient();
        let reconstruction = match self.likelihood {
            Likelihood::Bernoulli => loss::cross_entropy(output, x, rows, slot)?,
            Likelihood::Gaussian { variance } => loss::gaussian(output, x, rows, variance, slot)?,
        };
        let (statistics, slot) = encode.output_and_gradient();
        slot.fill(T::ZERO);
        let divergence = loss::gaussian_kl(statistics, z, self.beta, slot)?;
        if let Some(gradient) = gradient {
            let (grad_encoder, grad_decoder) = self.halves_mut(gradient)?;
            grad_encoder.fill(T::ZERO);
            grad_decoder.fill(T::ZERO);
            let by_code = decode.backward_to_input(for_decoder, codes, grad_decoder)?;
            add_by_statistics(statistics, z, noise, by_code, slot);
            encode.backward(for_encoder, x, grad_encoder)?;
        }
        Ok(VaeLoss { reconstruction, divergence })
    }

    /// Mean `μ` and `ln` of the variance of the codes of samples in rows: rows of `2·latent` values.
    ///
    /// # Errors
    /// Those of [`Pass::forward`]; [`TrainError::Length`] for `statistics`.
    pub fn encode(
        &self,
        params: &[T],
        x: &[T],
        memory: &mut [T],
        statistics: &mut [T],
    ) -> Result<(), TrainError> {
        let (encoder, _) = self.halves(params)?;
        run(self.encoder, encoder, x, memory, statistics)
    }

    /// The mean sample for every code: probabilities or means.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn decode(
        &self,
        params: &[T],
        codes: &[T],
        memory: &mut [T],
        out: &mut [T],
    ) -> Result<(), TrainError> {
        let (_, decoder) = self.halves(params)?;
        run(self.decoder, decoder, codes, memory, out)?;
        if self.likelihood == Likelihood::Bernoulli {
            Activation::Sigmoid.apply(out);
        }
        Ok(())
    }

    /// What becomes of samples on their way through the mean code.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn reconstruct(
        &self,
        params: &[T],
        x: &[T],
        memory: &mut [T],
        out: &mut [T],
    ) -> Result<(), TrainError> {
        let (encoder, _) = self.halves(params)?;
        let rows = rows_of(x, self.encoder.inputs(), usize::MAX)?;
        let short = TrainError::MemoryTooSmall { needed: self.memory_len(rows) };
        let z = self.latent();
        let (codes, memory) = take(memory, z.saturating_mul(rows)).ok_or(short)?;
        through(self.encoder, encoder, x, memory, |statistics, memory| {
            let (mut rest, mut rest_codes) = (statistics, &mut *codes);
            while let (Some((row, more)), Some((code, more_codes))) = (
                rest.split_at_checked(z.saturating_mul(2).max(1)),
                rest_codes.split_at_mut_checked(z),
            ) {
                for (code, &mu) in code.iter_mut().zip(row) {
                    *code = mu;
                }
                (rest, rest_codes) = (more, more_codes);
            }
            self.decode(params, codes, memory, out)
        })
    }

    /// Draws new samples into the rows of `out`: decoded from `z ~ N(0, I)`.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn sample(
        &self,
        params: &[T],
        rng: &mut impl Rng,
        memory: &mut [T],
        out: &mut [T],
    ) -> Result<(), TrainError> {
        let rows = rows_of(out, self.decoder.outputs(), usize::MAX)?;
        let short = TrainError::MemoryTooSmall { needed: self.memory_len(rows) };
        let (codes, memory) = take(memory, self.latent().saturating_mul(rows)).ok_or(short)?;
        rng::fill_normal(rng, codes);
        self.decode(params, codes, memory, out)
    }

    fn halves<'p>(&self, params: &'p [T]) -> Result<(&'p [T], &'p [T]), TrainError> {
        halves(params, self.encoder.params(), self.params())
    }

    fn halves_mut<'p>(
        &self,
        params: &'p mut [T],
    ) -> Result<(&'p mut [T], &'p mut [T]), TrainError> {
        halves_mut(params, self.encoder.params(), self.params())
    }
}

/// `z = μ + e^(½·log_var)·ε` in every row.
fn draw_codes<T: Scalar>(statistics: &[T], z: usize, noise: &[T], codes: &mut [T]) {
    let (mut rest, mut noise, mut codes) = (statistics, noise, codes);
    while let (Some((mu, more)), Some((eps, more_noise))) =
        (rest.split_at_checked(z), noise.split_at_checked(z))
    {
        let Some((log_var, more)) = more.split_at_checked(z) else { break };
        let Some((code, more_codes)) = codes.split_at_mut_checked(z) else { break };
        if z == 0 {
            break;
        }
        for (((code, &mu), &log_var), &eps) in code.iter_mut().zip(mu).zip(log_var).zip(eps) {
            *code = mu + (T::HALF * log_var).exp() * eps;
        }
        (rest, noise, codes) = (more, more_noise, more_codes);
    }
}

/// Adds what the gradient by the codes is by means and logarithms of variances.
fn add_by_statistics<T: Scalar>(
    statistics: &[T],
    z: usize,
    noise: &[T],
    by_code: &[T],
    gradient: &mut [T],
) {
    let (mut rest, mut noise, mut by_code, mut gradient) = (statistics, noise, by_code, gradient);
    while let (Some((_, more)), Some((eps, more_noise)), Some((by_code_row, more_by_code))) =
        (rest.split_at_checked(z), noise.split_at_checked(z), by_code.split_at_checked(z))
    {
        let Some((log_var, more)) = more.split_at_checked(z) else { break };
        let Some((by_mu, more_gradient)) = gradient.split_at_mut_checked(z) else { break };
        let Some((by_log_var, more_gradient)) = more_gradient.split_at_mut_checked(z) else {
            break;
        };
        if z == 0 {
            break;
        }
        for (by_mu, &g) in by_mu.iter_mut().zip(by_code_row) {
            *by_mu += g;
        }
        for (((by, &g), &log_var), &eps) in
            by_log_var.iter_mut().zip(by_code_row).zip(log_var).zip(eps)
        {
            *by += g * eps * T::HALF * (T::HALF * log_var).exp();
        }
        (rest, noise, by_code, gradient) = (more, more_noise, more_by_code, more_gradient);
    }
}
