//! Autoencoders, plain and denoising: `x ≈ decoder(encoder(x))` through a narrow code.
//!
//! Trained for the mean square between output and input. With linear layers alone the best code spans
//! the principal components. A denoising one gets its input with normal noise and has to give the input
//! without it.
//!
//! The parameters of a model are one slice: those of the encoder, then those of the decoder.
//!
//! Sources: Baldi & Hornik, "Neural networks and principal component analysis", Neural Networks 2
//! (1989); Vincent et al., "Extracting and composing robust features with denoising autoencoders", ICML
//! 2008.

use rand_core::Rng;

use super::gradient::{Pass, TrainError, expect_len, halves, halves_mut, rows_of, take};
use super::loss;
use super::optimize::{Initialization, initialize};
use super::spec::Spec;
use crate::rng;
use crate::scalar::Scalar;
use crate::simd;

/// An encoder and a decoder that meet in a code.
///
/// ```
/// use eigenmote::nn::{Activation, Adam, AdamSteps, Autoencoder, LayerSpec, Spec};
/// use eigenmote::rng;
/// let (down, up) =
///     ([LayerSpec::new(3, 1, Activation::Linear)], [LayerSpec::new(1, 3, Activation::Linear)]);
/// let model = Autoencoder::new(Spec::new(&down)?, Spec::new(&up)?, 0.0_f32)?;
/// let x = [1.0, 2.0, -1.0, -2.0, -4.0, 2.0]; // two samples on a line
/// let mut memory = vec![0.0; Autoencoder::memory_len(&model, 2)];
/// let (mut params, mut gradient) = ([0.0; 10], [0.0; 10]);
/// let (mut moments, mut steps) = ([0.0; 20], AdamSteps::START);
/// let mut generator = rng::seeded(1);
/// model.initialize(&mut generator, &mut params)?;
/// for _ in 0..1000 {
///     model.gradient(&params, &x, &mut generator, &mut memory, &mut gradient)?;
///     Adam::new(0.01).update(&mut steps, &mut params, &gradient, &mut moments)?;
/// }
/// assert!(model.gradient(&params, &x, &mut generator, &mut memory, &mut gradient)? < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Autoencoder<'a, T> {
    encoder: Spec<'a, T>,
    decoder: Spec<'a, T>,
    noise: T,
}

impl<'a, T> Autoencoder<'a, T> {
    /// The network from samples to codes.
    pub const fn encoder(&self) -> &Spec<'a, T> {
        &self.encoder
    }

    /// The network from codes to samples.
    pub const fn decoder(&self) -> &Spec<'a, T> {
        &self.decoder
    }

    /// Number of parameters of both.
    pub const fn params(&self) -> usize {
        self.encoder.params().saturating_add(self.decoder.params())
    }

    /// Number of values of memory that a call with up to `rows` samples needs.
    pub const fn memory_len(&self, rows: usize) -> usize {
        Pass::memory_len(&self.encoder, rows)
            .saturating_add(Pass::memory_len(&self.decoder, rows))
            .saturating_add(self.encoder.inputs().saturating_mul(rows))
    }
}

impl<'a, T: Scalar> Autoencoder<'a, T> {
    /// From both networks and the deviation of the noise in the input; 0 for none.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if the sizes do not meet, or for a noise that is negative or not finite.
    pub fn new(encoder: Spec<'a, T>, decoder: Spec<'a, T>, noise: T) -> Result<Self, TrainError> {
        let meet = encoder.outputs() == decoder.inputs() && encoder.inputs() == decoder.outputs();
        if !(meet && noise >= T::ZERO && noise.is_finite()) {
            return Err(TrainError::Setting);
        }
        Ok(Self { encoder, decoder, noise })
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

    /// The mean square between `x` and what becomes of it, with its gradient by the parameters in place
    /// of what `gradient` held. `rng` makes the noise, if there is any.
    ///
    /// # Errors
    /// Those of [`Pass::forward`] and [`loss::mean_square`].
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
    ) -> Result<T, TrainError> {
        let (for_encoder, for_decoder) = self.halves(params)?;
        let rows = rows_of(x, self.encoder.inputs(), usize::MAX)?;
        let (grad_encoder, grad_decoder) = self.halves_mut(gradient)?;
        let short = TrainError::MemoryTooSmall { needed: self.memory_len(rows) };
        let (input, memory) = take(memory, x.len()).ok_or(short)?;
        let (mut encode, memory) = Pass::split(self.encoder, rows, memory).map_err(|_| short)?;
        let mut decode = Pass::new(self.decoder, rows, memory).map_err(|_| short)?;
        for (input, &x) in input.iter_mut().zip(x) {
            *input = x;
        }
        if self.noise > T::ZERO {
            for input in input.iter_mut() {
                *input += self.noise * rng::normal(rng);
            }
        }
        grad_encoder.fill(T::ZERO);
        grad_decoder.fill(T::ZERO);
        let code = encode.forward(for_encoder, input)?;
        decode.forward(for_decoder, code)?;
        let (output, slot) = decode.output_and_gradient();
        let value = loss::mean_square(output, x, slot)?;
        let (code, slot) = encode.output_and_gradient();
        let by_code = decode.backward_to_input(for_decoder, code, grad_decoder)?;
        for (slot, &by_code) in slot.iter_mut().zip(by_code) {
            *slot = by_code;
        }
        encode.backward(for_encoder, input, grad_encoder)?;
        Ok(value)
    }

    /// Codes of samples in the rows of `x`.
    ///
    /// # Errors
    /// Those of [`Pass::forward`]; [`TrainError::Length`] for `codes`.
    pub fn encode(
        &self,
        params: &[T],
        x: &[T],
        memory: &mut [T],
        codes: &mut [T],
    ) -> Result<(), TrainError> {
        let (encoder, _) = self.halves(params)?;
        run(self.encoder, encoder, x, memory, codes)
    }

    /// Samples for codes in rows.
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
        run(self.decoder, decoder, codes, memory, out)
    }

    /// What becomes of samples on their way through the code.
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
        let (encoder, decoder) = self.halves(params)?;
        through(self.encoder, encoder, x, memory, |code, memory| {
            run(self.decoder, decoder, code, memory, out)
        })
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

/// The outputs of a network, in the memory of a [`Pass`].
///
/// # Errors
/// Those of [`Pass::forward`]; [`TrainError::Length`] for `out`.
pub(super) fn run<T: Scalar>(
    spec: Spec<'_, T>,
    params: &[T],
    x: &[T],
    memory: &mut [T],
    out: &mut [T],
) -> Result<(), TrainError> {
    through(spec, params, x, memory, |output, _| {
        expect_len(out, output.len())?;
        for (out, &y) in out.iter_mut().zip(output) {
            *out = y;
        }
        Ok(())
    })
}

/// The outputs of a network, and what is left of the memory, for a function.
pub(super) fn through<T: Scalar>(
    spec: Spec<'_, T>,
    params: &[T],
    x: &[T],
    memory: &mut [T],
    then: impl FnOnce(&[T], &mut [T]) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let rows = rows_of(x, spec.inputs(), usize::MAX)?;
    let (mut pass, memory) = Pass::split(spec, rows, memory)?;
    then(pass.forward(params, x)?, memory)
}

/// Points on the way from one row to another, both included: row `k` of `n` is
/// `from + k/(n − 1)·(to − from)`, as many as `out` holds.
///
/// # Errors
/// [`TrainError::Length`] if `to` is not as long as `from`, [`TrainError::Batch`],
/// [`TrainError::NotFinite`].
pub fn interpolate<T: Scalar>(from: &[T], to: &[T], out: &mut [T]) -> Result<(), TrainError> {
    expect_len(to, from.len())?;
    let rows = rows_of(out, from.len(), usize::MAX)?;
    if !(simd::all_finite(from) && simd::all_finite(to)) {
        return Err(TrainError::NotFinite);
    }
    let last = T::from_usize(rows.saturating_sub(1).max(1));
    let mut rest = out;
    for k in 0..rows {
        let share = T::from_usize(k) / last;
        let Some((row, more)) = rest.split_at_mut_checked(from.len()) else { break };
        for ((out, &a), &b) in row.iter_mut().zip(from).zip(to) {
            *out = (T::ONE - share) * a + share * b;
        }
        rest = more;
    }
    Ok(())
}
