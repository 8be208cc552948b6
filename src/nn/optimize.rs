//! From gradients to better parameters: momentum, Adam, clipping, averages, the first parameters.
//!
//! All state is in slices that the caller lends and in small values that can be copied: what is
//! saved with them goes on with the same bits.
//!
//! Sources: Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015; Loshchilov & Hutter,
//! "Decoupled weight decay regularization", ICLR 2019; Glorot & Bengio, AISTATS 2010; He et al., ICCV
//! 2015.

use rand_core::Rng;

use super::gradient::{TrainError, expect_len};
use super::spec::Spec;
use crate::mat;
use crate::rng;
use crate::scalar::Scalar;
use crate::simd::{self, Kernel, Lanes, Simd};

/// Steps along the gradient with momentum: `v ← momentum·v + g`, `p ← p − rate·(v + decay·p)`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sgd<T> {
    /// Length of a step, in units of the gradient.
    pub rate: T,
    /// Share of the last step in the next, from 0 to below 1.
    pub momentum: T,
    /// Decoupled weight decay; 0 for none.
    pub weight_decay: T,
}

impl<T: Scalar> Sgd<T> {
    /// Momentum and no decay.
    pub const fn new(rate: T, momentum: T) -> Self {
        Self { rate, momentum, weight_decay: T::ZERO }
    }

    /// One step. `velocity` has the length of `params` and begins with zeros.
    ///
    /// # Errors
    /// [`TrainError::Length`], [`TrainError::Setting`], and [`TrainError::Overflow`] if the sum of
    /// squares of the gradient is not finite; nothing is changed then.
    ///
    /// # Cost
    /// 6 flops per parameter.
    pub fn update(
        &self,
        params: &mut [T],
        gradient: &[T],
        velocity: &mut [T],
    ) -> Result<(), TrainError> {
        expect_len(gradient, params.len())?;
        expect_len(velocity, params.len())?;
        if !(in_range(self.rate) && fraction(self.momentum) && in_range(self.weight_decay)) {
            return Err(TrainError::Setting);
        }
        finite(gradient)?;
        for ((p, v), &g) in params.iter_mut().zip(velocity).zip(gradient) {
            *v = self.momentum * *v + g;
            *p -= self.rate * (*v + self.weight_decay * *p);
        }
        Ok(())
    }
}

/// Steps of a length of their own for every parameter, by running means of gradient and square:
///
/// ```text
/// m ← β₁·m + (1 − β₁)·g,   v ← β₂·v + (1 − β₂)·g²
/// p ← p − rate·( m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε) + decay·p )
/// ```
///
/// With a decay this is `AdamW`.
///
/// ```
/// use eigenmote::nn::{Adam, AdamSteps};
/// let (mut p, mut moments, mut steps) = ([1.0_f32, -2.0], [0.0; 4], AdamSteps::START);
/// let adam = Adam::new(0.1);
/// for _ in 0..200 {
///     let gradient = p; // of ½·|p|²
///     adam.update(&mut steps, &mut p, &gradient, &mut moments)?;
/// }
/// assert!(p.iter().all(|p| p.abs() < 0.05));
/// # Ok::<(), eigenmote::nn::TrainError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Adam<T> {
    /// Length of a step where all gradients agree.
    pub rate: T,
    /// `β₁`, from 0 to below 1.
    pub beta1: T,
    /// `β₂`, from 0 to below 1.
    pub beta2: T,
    /// `ε`, positive.
    pub epsilon: T,
    /// Decoupled weight decay; 0 for none.
    pub weight_decay: T,
}

/// How many steps of [`Adam`] were made, with the powers of its constants.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdamSteps<T> {
    /// `t`; stays at the largest number.
    pub count: u32,
    /// `β₁ᵗ`.
    pub power1: T,
    /// `β₂ᵗ`.
    pub power2: T,
}

impl<T: Scalar> AdamSteps<T> {
    /// None yet.
    pub const START: Self = Self { count: 0, power1: T::ONE, power2: T::ONE };
}

impl<T: Scalar> Adam<T> {
    /// The usual constants, `β₁ = 0.9`, `β₂ = 0.999`, `ε = 10⁻⁸`, and no decay.
    pub fn new(rate: T) -> Self {
        Self {
            rate,
            beta1: T::from_f64(0.9),
            beta2: T::from_f64(0.999),
            epsilon: T::from_f64(1e-8),
            weight_decay: T::ZERO,
        }
    }

    /// Number of values in the `moments` of [`update`](Self::update): two for each parameter.
    pub const fn moments_len(params: usize) -> usize {
        params.saturating_mul(2)
    }

    /// One step. `moments` holds all `m`, then all `v`, and begins with zeros.
    ///
    /// # Errors
    /// [`TrainError::Length`], [`TrainError::Setting`], and [`TrainError::Overflow`] if the sum of
    /// squares of the gradient is not finite; nothing is changed then.
    ///
    /// # Cost
    /// About 14 flops, a root and two divisions per parameter, in whole registers.
    pub fn update(
        &self,
        steps: &mut AdamSteps<T>,
        params: &mut [T],
        gradient: &[T],
        moments: &mut [T],
    ) -> Result<(), TrainError> {
        expect_len(gradient, params.len())?;
        let needed = Self::moments_len(params.len());
        expect_len(moments, needed)?;
        let valid = in_range(self.rate)
            && fraction(self.beta1)
            && fraction(self.beta2)
            && self.epsilon > T::ZERO
            && self.epsilon.is_finite()
            && in_range(self.weight_decay);
        if !valid {
            return Err(TrainError::Setting);
        }
        finite(gradient)?;
        let (first, second) =
            moments.split_at_mut_checked(params.len()).ok_or(TrainError::Length { needed })?;
        steps.count = steps.count.saturating_add(1);
        steps.power1 *= self.beta1;
        steps.power2 *= self.beta2;
        T::dispatch(AdamKernel {
            params,
            gradient,
            first,
            second,
            beta1: self.beta1,
            beta2: self.beta2,
            step: self.rate / (T::ONE - steps.power1),
            unbias: T::ONE / (T::ONE - steps.power2),
            epsilon: self.epsilon,
            keep: T::ONE - self.rate * self.weight_decay,
        });
        Ok(())
    }
}

struct AdamKernel<'a, T> {
    params: &'a mut [T],
    gradient: &'a [T],
    first: &'a mut [T],
    second: &'a mut [T],
    beta1: T,
    beta2: T,
    step: T,
    unbias: T,
    epsilon: T,
    keep: T,
}

impl<T: Scalar> Kernel<T> for AdamKernel<'_, T> {
    type Output = ();
    const WIDE: bool = true;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let (beta1, beta2) = (simd.splat(self.beta1), simd.splat(self.beta2));
        let (rest1, rest2) = (simd.splat(T::ONE - self.beta1), simd.splat(T::ONE - self.beta2));
        let (step, unbias) = (simd.splat(self.step), simd.splat(self.unbias));
        let (epsilon, keep) = (simd.splat(self.epsilon), simd.splat(self.keep));
        let (mut first, mut second, mut gradient) = (self.first, self.second, self.gradient);
        for params in self.params.chunks_mut(S::V::LEN) {
            let len = params.len();
            let (Some((g, more_g)), Some((m, more_m)), Some((v, more_v))) = (
                gradient.split_at_checked(len),
                first.split_at_mut_checked(len),
                second.split_at_mut_checked(len),
            ) else {
                break;
            };
            let g = simd.load(g);
            let mean = beta1 * simd.load(m) + rest1 * g;
            let square = beta2 * simd.load(v) + rest2 * (g * g);
            mean.store(m);
            square.store(v);
            let size = (square * unbias).sqrt() + epsilon;
            (keep * simd.load(params) - step * mean / size).store(params);
            (gradient, first, second) = (more_g, more_m, more_v);
        }
    }
}

/// Scales a gradient down to the norm `most` if it is longer; gives the norm that it had.
///
/// # Errors
/// [`TrainError::Overflow`] if the gradient or its norm is not finite, [`TrainError::Setting`] for a
/// limit that is not positive; the gradient is then as before.
pub fn clip_norm<T: Scalar>(gradient: &mut [T], most: T) -> Result<T, TrainError> {
    if !(most > T::ZERO) {
        return Err(TrainError::Setting);
    }
    if !simd::all_finite(gradient) {
        return Err(TrainError::Overflow);
    }
    let norm = mat::norm(gradient);
    if !norm.is_finite() {
        return Err(TrainError::Overflow);
    }
    if norm > most {
        simd::scale(most / norm, gradient);
    }
    Ok(norm)
}

/// Exponential moving average of parameters: `average ← average + (1 − decay)·(params − average)`.
///
/// # Errors
/// [`TrainError::Length`], [`TrainError::Setting`] for a decay outside 0 ≤ decay < 1.
pub fn average<T: Scalar>(average: &mut [T], params: &[T], decay: T) -> Result<(), TrainError> {
    expect_len(params, average.len())?;
    if !fraction(decay) {
        return Err(TrainError::Setting);
    }
    let share = T::ONE - decay;
    for (a, &p) in average.iter_mut().zip(params) {
        *a += share * (p - *a);
    }
    Ok(())
}

/// The decay for [`average`] at a step counted from 0: `min(decay, (1 + step)/(10 + step))`, so that the
/// first parameters are soon forgotten.
pub fn warm_decay<T: Scalar>(decay: T, step: u32) -> T {
    let step = T::from_u32(step);
    decay.min((T::ONE + step) / (T::from_i32(10) + step))
}

/// How the first weights are drawn; biases begin with zero. For a layer with `I` inputs and `O` outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Initialization {
    /// Uniform within `±√(6/I)`: for relu and its kin.
    KaimingUniform,
    /// Normal with variance `2/I`.
    KaimingNormal,
    /// Uniform within `±√(6/(I + O))`: for linear layers, tanh and sigmoid.
    XavierUniform,
    /// Normal with variance `2/(I + O)`.
    XavierNormal,
}

/// Draws the first parameters of a network: the seed of the generator fixes their bytes.
///
/// # Errors
/// [`TrainError::Length`].
pub fn initialize<T: Scalar>(
    spec: &Spec<'_, T>,
    how: Initialization,
    generator: &mut impl Rng,
    params: &mut [T],
) -> Result<(), TrainError> {
    expect_len(params, spec.params())?;
    let mut rest = params;
    for layer in spec.layers() {
        let length = TrainError::Length { needed: spec.params() };
        let count = layer.inputs.saturating_mul(layer.outputs);
        let (weights, more) = rest.split_at_mut_checked(count).ok_or(length)?;
        let (bias, more) = more.split_at_mut_checked(layer.outputs).ok_or(length)?;
        let fan = match how {
            Initialization::KaimingUniform | Initialization::KaimingNormal => layer.inputs,
            Initialization::XavierUniform | Initialization::XavierNormal => {
                layer.inputs.saturating_add(layer.outputs)
            }
        };
        let deviation = (T::TWO / T::from_usize(fan)).sqrt();
        match how {
            Initialization::KaimingUniform | Initialization::XavierUniform => {
                let bound = deviation * T::from_f64(1.732_050_807_568_877_2);
                for w in weights {
                    *w = bound * (T::TWO * rng::uniform::<T>(generator) - T::ONE);
                }
            }
            Initialization::KaimingNormal | Initialization::XavierNormal => {
                for w in weights {
                    *w = deviation * rng::normal::<T>(generator);
                }
            }
        }
        bias.fill(T::ZERO);
        rest = more;
    }
    Ok(())
}

/// Finite and not negative.
fn in_range<T: Scalar>(x: T) -> bool {
    x >= T::ZERO && x.is_finite()
}

/// From 0 to below 1.
fn fraction<T: Scalar>(x: T) -> bool {
    x >= T::ZERO && x < T::ONE
}

fn finite<T: Scalar>(gradient: &[T]) -> Result<(), TrainError> {
    if simd::sum_of_squares(gradient).is_finite() { Ok(()) } else { Err(TrainError::Overflow) }
}
