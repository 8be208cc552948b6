//! Activation functions, elementwise and in place.

use crate::scalar::Scalar;

/// The function a layer applies to every sum.
///
/// A finite value gives a finite result for every variant (the leaky one for slopes within ±1).
/// Where the result underflows it ends in a subnormal number or zero of the right sign.
///
/// # Accuracy
/// `f32`, against `f64` over the whole range (`tests/nn.rs`): within 4 ulp; both gelu forms, for
/// negative `x` only, within `4 + 2·t` ulp where the result is of the size of `x·e⁻ᵗ`
/// (`t ≈ x²/2` for gelu).
///
/// # Cost
/// Bytes of flash for a whole 4-16-8 network on a Cortex-M0 (`checks/nn_flash/run`): 864 of weights
/// and biases, and the soft-float routines. Only the functions that are used are linked when the
/// activations are constants.
///
/// | linear | relu | sigmoid | tanh | silu | gelu | gelu, tanh form |
/// |---|---|---|---|---|---|---|
/// | 2400 | 2532 | 3996 | 4372 | 4052 | 5302 | 4108 |
/// | fast: | | 3912 | 3928 | 3948 | | 3996 |
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Activation<T> {
    /// `x`.
    #[default]
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// `x` where positive, `slope·x` elsewhere.
    LeakyRelu {
        /// Factor for negative values, usually 0.01 to 0.2.
        slope: T,
    },
    /// `tanh x`, in (−1, 1).
    Tanh,
    /// `1/(1 + e⁻ˣ)`, in (0, 1).
    Sigmoid,
    /// `x·sigmoid(x)`, also called swish.
    Silu,
    /// `x·Φ(x)` with the normal distribution function `Φ`.
    Gelu,
    /// `x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))`, the usual approximation of [`Gelu`](Self::Gelu);
    /// for weights that were trained with it.
    GeluTanh,
    /// [`Tanh`](Self::Tanh) within 0.0012, from the exponential of `micromath`.
    #[cfg(feature = "micromath")]
    #[cfg_attr(docsrs, doc(cfg(feature = "micromath")))]
    FastTanh,
    /// [`Sigmoid`](Self::Sigmoid) within 0.0006, from the exponential of `micromath`.
    #[cfg(feature = "micromath")]
    #[cfg_attr(docsrs, doc(cfg(feature = "micromath")))]
    FastSigmoid,
    /// [`Silu`](Self::Silu) within `0.001·|x|`, from the exponential of `micromath`.
    #[cfg(feature = "micromath")]
    #[cfg_attr(docsrs, doc(cfg(feature = "micromath")))]
    FastSilu,
    /// [`GeluTanh`](Self::GeluTanh) within `0.001·|x|`, from the exponential of `micromath`.
    #[cfg(feature = "micromath")]
    #[cfg_attr(docsrs, doc(cfg(feature = "micromath")))]
    FastGelu,
}

impl<T: Scalar> Activation<T> {
    /// Replaces every value `v` by `f(v)`.
    ///
    /// Inlined, so that a program whose activations are constants links only the functions it uses.
    #[inline(always)]
    pub fn apply(&self, values: &mut [T]) {
        match *self {
            Self::Linear => {}
            Self::Relu => each(values, |x| if x < T::ZERO { T::ZERO } else { x }),
            Self::LeakyRelu { slope } => each(values, |x| if x < T::ZERO { slope * x } else { x }),
            Self::Tanh => each(values, T::tanh),
            Self::Sigmoid => each(values, |x| sigmoid(x, T::exp)),
            Self::Silu => each(values, |x| gate(x, x, T::exp)),
            Self::Gelu => each(values, gelu),
            Self::GeluTanh => each(values, |x| gate(x, gelu_argument(x), T::exp)),
            #[cfg(feature = "micromath")]
            Self::FastTanh => {
                each(values, |x| T::TWO * sigmoid(T::TWO * x, T::exp_approx) - T::ONE);
            }
            #[cfg(feature = "micromath")]
            Self::FastSigmoid => each(values, |x| sigmoid(x, T::exp_approx)),
            #[cfg(feature = "micromath")]
            Self::FastSilu => each(values, |x| gate(x, x, T::exp_approx)),
            #[cfg(feature = "micromath")]
            Self::FastGelu => each(values, |x| gate(x, gelu_argument(x), T::exp_approx)),
        }
    }
}

#[inline(always)]
fn each<T: Scalar>(values: &mut [T], f: impl Fn(T) -> T) {
    for v in values {
        *v = f(*v);
    }
}

/// `1/(1 + e⁻ˣ)`, with the exponential of −|x| so that it cannot overflow.
#[inline(always)]
fn sigmoid<T: Scalar>(x: T, exp: impl Fn(T) -> T) -> T {
    let e = exp(-x.abs());
    let numerator = if x < T::ZERO { e } else { T::ONE };
    numerator / (T::ONE + e)
}

/// `x·sigmoid(u)` for `x` and `u` of the same sign.
///
/// For negative `u` the factor `eᵘ` enters as the square of `h = e^(u/2)`, one `h` at a time: it
/// would be subnormal, and short of digits, where the product with a large `|x|` is not.
#[inline(always)]
fn gate<T: Scalar>(x: T, u: T, exp: impl Fn(T) -> T) -> T {
    let h = exp(-(u.abs() * T::HALF));
    let numerator = if u < T::ZERO { x * h * h } else { x };
    numerator / (T::ONE + h * h)
}

#[inline(always)]
fn gelu<T: Scalar>(x: T) -> T {
    let sqrt_half = T::from_f64(core::f64::consts::FRAC_1_SQRT_2);
    // Halved before the product: x·erfc may overflow for the largest x. The complement keeps the
    // digits that 1 + erf loses for negative x.
    (T::HALF * x) * (-x * sqrt_half).erfc()
}

/// `2·√(2/π)·(x + 0.044715·x³)`: tanh(u/2) = 2·sigmoid(u) − 1.
#[inline(always)]
fn gelu_argument<T: Scalar>(x: T) -> T {
    let twice_sqrt_two_over_pi = T::from_f64(1.595_769_121_605_730_7);
    twice_sqrt_two_over_pi * (x + T::from_f64(0.044_715) * (x * x * x))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(activation: Activation<f64>, x: f64) -> f64 {
        let mut v = [x];
        activation.apply(&mut v);
        let [y] = v;
        y
    }

    #[test]
    fn values_match_hand_work() {
        assert_eq!(one(Activation::Linear, -2.5), -2.5);
        assert_eq!(one(Activation::Relu, -2.5), 0.0);
        assert_eq!(one(Activation::Relu, 2.5), 2.5);
        assert_eq!(one(Activation::LeakyRelu { slope: 0.25 }, -2.0), -0.5);
        assert_eq!(one(Activation::Tanh, 0.0), 0.0);
        assert_eq!(one(Activation::Sigmoid, 0.0), 0.5);
        // sigmoid(ln 3) = 1/(1 + 1/3)
        assert!((one(Activation::Sigmoid, 3.0_f64.ln()) - 0.75).abs() < 1e-15);
        assert!((one(Activation::Silu, -(3.0_f64.ln())) + 3.0_f64.ln() / 4.0).abs() < 1e-15);
        // Φ(1) = 0.841 344 746 068 542 9…
        assert!((one(Activation::Gelu, 1.0) - 0.841_344_746_068_542_9).abs() < 2e-16);
        assert!((one(Activation::Gelu, -1.0) + 0.158_655_253_931_457_05).abs() < 1e-16);
        assert!((one(Activation::GeluTanh, 1.0) - 0.841_191_990_608_276_8).abs() < 2e-16);
    }
}
