//! Activation functions, elementwise and in place.

use crate::elementary;
use crate::scalar::Scalar;
#[cfg(feature = "micromath")]
use crate::simd::Single;
use crate::simd::{Kernel, Lanes, Simd};

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
/// Tanh, sigmoid, silu and the tanh form of gelu work on whole registers.
///
/// Bytes of flash for a whole 4-16-8 network on a Cortex-M0 (`checks/nn_flash/run`): 864 of weights
/// and biases, and the soft-float routines. Only the functions that are used are linked when the
/// activations are constants.
///
/// | linear | relu | sigmoid | tanh | silu | gelu | gelu, tanh form |
/// |---|---|---|---|---|---|---|
/// | 2552 | 2684 | 3964 | 3752 | 4020 | 5458 | 4100 |
/// | fast: | | 4068 | 4084 | 4104 | | 4152 |
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
            Self::Tanh => T::dispatch(Each { values, function: Tanh }),
            Self::Sigmoid => T::dispatch(Each { values, function: Sigmoid }),
            Self::Silu => T::dispatch(Each { values, function: Silu }),
            Self::Gelu => each(values, gelu),
            Self::GeluTanh => T::dispatch(Each { values, function: GeluTanh }),
            #[cfg(feature = "micromath")]
            Self::FastTanh => each(values, |x| {
                T::TWO * logistic(Single, T::TWO * x, (-(T::TWO * x).abs()).exp_approx()) - T::ONE
            }),
            #[cfg(feature = "micromath")]
            Self::FastSigmoid => each(values, |x| logistic(Single, x, (-x.abs()).exp_approx())),
            #[cfg(feature = "micromath")]
            Self::FastSilu => {
                each(values, |x| gate(Single, x, x, half_argument(Single, x).exp_approx()));
            }
            #[cfg(feature = "micromath")]
            Self::FastGelu => each(values, |x| {
                let u = gelu_argument(Single, x);
                gate(Single, x, u, half_argument(Single, u).exp_approx())
            }),
        }
    }
}

impl<T> Activation<T> {
    /// Whether [`backward`](Self::backward) reads the argument `x`; if not, the value `f(x)` is enough.
    pub const fn needs_argument(&self) -> bool {
        match self {
            Self::Linear | Self::Relu | Self::Tanh | Self::Sigmoid => false,
            #[cfg(feature = "micromath")]
            Self::FastTanh | Self::FastSigmoid => false,
            _ => true,
        }
    }
}

impl<T: Scalar> Activation<T> {
    /// Multiplies every gradient by the derivative: `gradient[i] ← gradient[i]·f'(x[i])`.
    ///
    /// `values[i]` is `f(x[i])` and `arguments[i]` is `x[i]`; of the two, only `arguments` is read
    /// where [`needs_argument`](Self::needs_argument) says so, and otherwise only `values`. Relu and
    /// the leaky one have the derivative of their right-hand side at 0, except that relu has 0 there.
    /// The fast forms have the derivatives of the functions that they approximate.
    ///
    /// # Accuracy
    /// Against central differences in `f64`: `tests/train.rs`.
    #[inline(always)]
    pub fn backward(&self, arguments: &[T], values: &[T], gradient: &mut [T]) {
        match *self {
            Self::Linear => {}
            Self::Relu => each_with(values, gradient, |y, g| if y > T::ZERO { g } else { T::ZERO }),
            Self::LeakyRelu { slope } => {
                each_with(arguments, gradient, |x, g| if x < T::ZERO { slope * g } else { g });
            }
            Self::Tanh => T::dispatch(Slope { of: values, gradient, function: Tanh }),
            Self::Sigmoid => T::dispatch(Slope { of: values, gradient, function: Sigmoid }),
            Self::Silu => T::dispatch(Slope { of: arguments, gradient, function: Silu }),
            Self::Gelu => each_with(arguments, gradient, |x, g| g * gelu_slope(x)),
            Self::GeluTanh => T::dispatch(Slope { of: arguments, gradient, function: GeluTanh }),
            #[cfg(feature = "micromath")]
            Self::FastTanh => T::dispatch(Slope { of: values, gradient, function: Tanh }),
            #[cfg(feature = "micromath")]
            Self::FastSigmoid => T::dispatch(Slope { of: values, gradient, function: Sigmoid }),
            #[cfg(feature = "micromath")]
            Self::FastSilu => T::dispatch(Slope { of: arguments, gradient, function: Silu }),
            #[cfg(feature = "micromath")]
            Self::FastGelu => T::dispatch(Slope { of: arguments, gradient, function: GeluTanh }),
        }
    }
}

#[inline(always)]
fn each_with<T: Scalar>(of: &[T], gradient: &mut [T], f: impl Fn(T, T) -> T) {
    for (g, &v) in gradient.iter_mut().zip(of) {
        *g = f(v, *g);
    }
}

/// The derivative of a function. Mark it `#[inline(always)]`.
trait Derivative<T: Scalar> {
    /// `f'` in every place, from `x` or, for tanh and sigmoid, from `f(x)`.
    fn slope<S: Simd<T>>(&self, simd: S, v: S::V) -> S::V;
}

/// [`each_with`] for a [`Derivative`].
struct Slope<'a, T, F> {
    of: &'a [T],
    gradient: &'a mut [T],
    function: F,
}

impl<T: Scalar, F: Derivative<T>> Kernel<T> for Slope<'_, T, F> {
    type Output = ();
    const WIDE: bool = true;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let mut rest = self.of;
        for gradient in self.gradient.chunks_mut(S::V::LEN) {
            let (of, more) = rest.split_at_checked(gradient.len()).unwrap_or((rest, &[]));
            let slope = self.function.slope(simd, simd.load(of));
            (simd.load(gradient) * slope).store(gradient);
            rest = more;
        }
    }
}

impl<T: Scalar> Derivative<T> for Tanh {
    #[inline(always)]
    fn slope<S: Simd<T>>(&self, simd: S, y: S::V) -> S::V {
        simd.splat(T::ONE) - y * y
    }
}

impl<T: Scalar> Derivative<T> for Sigmoid {
    #[inline(always)]
    fn slope<S: Simd<T>>(&self, simd: S, y: S::V) -> S::V {
        y * (simd.splat(T::ONE) - y)
    }
}

impl<T: Scalar> Derivative<T> for Silu {
    #[inline(always)]
    fn slope<S: Simd<T>>(&self, simd: S, x: S::V) -> S::V {
        let one = simd.splat(T::ONE);
        let s = Sigmoid.of(simd, x);
        s * x.mul_add(one - s, one)
    }
}

impl<T: Scalar> Derivative<T> for GeluTanh {
    #[inline(always)]
    fn slope<S: Simd<T>>(&self, simd: S, x: S::V) -> S::V {
        // Beyond it the derivative is 0 or 1 and the cube may be infinite.
        let flat = simd.splat(T::from_f64(32.0));
        let x = S::V::select(x.abs().gt(flat), flat.copysign(x), x);
        let (one, s) = (simd.splat(T::ONE), Sigmoid.of(simd, gelu_argument(simd, x)));
        let square = (x * x).mul_add(simd.splat(T::from_f64(0.134_145)), one);
        let slope = simd.splat(T::from_f64(1.595_769_121_605_730_7)) * square;
        s * (x * slope).mul_add(one - s, one)
    }
}

/// `Φ(x) + x·φ(x)` with the density `φ` of the normal distribution.
#[inline(always)]
fn gelu_slope<T: Scalar>(x: T) -> T {
    let sqrt_half = T::from_f64(core::f64::consts::FRAC_1_SQRT_2);
    // 1/√(2π)
    let density = T::from_f64(0.398_942_280_401_432_7) * (-T::HALF * x * x).exp();
    T::HALF * (-x * sqrt_half).erfc() + x * density
}

#[inline(always)]
fn each<T: Scalar>(values: &mut [T], f: impl Fn(T) -> T) {
    for v in values {
        *v = f(*v);
    }
}

/// A function of each value by itself. A trait and not a closure: what is compiled for registers that
/// are found at run time must be inlined, and closures need not be.
trait Function<T: Scalar> {
    /// `f` in every place. Mark it `#[inline(always)]`.
    fn of<S: Simd<T>>(&self, simd: S, x: S::V) -> S::V;
}

/// [`each`] for a [`Function`].
struct Each<'a, T, F> {
    values: &'a mut [T],
    function: F,
}

impl<T: Scalar, F: Function<T>> Kernel<T> for Each<'_, T, F> {
    type Output = ();
    const WIDE: bool = true;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        for values in self.values.chunks_mut(S::V::LEN) {
            self.function.of(simd, simd.load(values)).store(values);
        }
    }
}

struct Tanh;
impl<T: Scalar> Function<T> for Tanh {
    #[inline(always)]
    fn of<S: Simd<T>>(&self, simd: S, x: S::V) -> S::V {
        elementary::tanh(simd, x)
    }
}

struct Sigmoid;
impl<T: Scalar> Function<T> for Sigmoid {
    #[inline(always)]
    fn of<S: Simd<T>>(&self, simd: S, x: S::V) -> S::V {
        logistic(simd, x, elementary::exp(simd, simd.splat(T::ZERO) - x.abs()))
    }
}

struct Silu;
impl<T: Scalar> Function<T> for Silu {
    #[inline(always)]
    fn of<S: Simd<T>>(&self, simd: S, x: S::V) -> S::V {
        gate(simd, x, x, elementary::exp(simd, half_argument(simd, x)))
    }
}

struct GeluTanh;
impl<T: Scalar> Function<T> for GeluTanh {
    #[inline(always)]
    fn of<S: Simd<T>>(&self, simd: S, x: S::V) -> S::V {
        let u = gelu_argument(simd, x);
        gate(simd, x, u, elementary::exp(simd, half_argument(simd, u)))
    }
}

/// `1/(1 + e⁻ˣ)` from `e = e⁻ˡˣˡ`, which cannot overflow.
#[inline(always)]
fn logistic<T: Scalar, S: Simd<T>>(simd: S, x: S::V, e: S::V) -> S::V {
    let one = simd.splat(T::ONE);
    S::V::select(simd.splat(T::ZERO).gt(x), e, one) / (one + e)
}

/// `−|u|/2`, the argument of the `h` of [`gate`].
#[inline(always)]
fn half_argument<T: Scalar, S: Simd<T>>(simd: S, u: S::V) -> S::V {
    simd.splat(-T::HALF) * u.abs()
}

/// `x·sigmoid(u)` for `x` and `u` of the same sign, from `h = e^(−|u|/2)`.
///
/// For negative `u` the factor `eᵘ` enters as the square of `h`, one `h` at a time: it would be
/// subnormal, and short of digits, where the product with a large `|x|` is not.
#[inline(always)]
fn gate<T: Scalar, S: Simd<T>>(simd: S, x: S::V, u: S::V, h: S::V) -> S::V {
    let numerator = S::V::select(simd.splat(T::ZERO).gt(u), x * h * h, x);
    numerator / (simd.splat(T::ONE) + h * h)
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
fn gelu_argument<T: Scalar, S: Simd<T>>(simd: S, x: S::V) -> S::V {
    let cubic = (x * x * x).mul_add(simd.splat(T::from_f64(0.044_715)), x);
    simd.splat(T::from_f64(1.595_769_121_605_730_7)) * cubic
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
