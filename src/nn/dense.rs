//! A fully connected layer, `y = f(W·x + b)`, and what a layer is.

use super::{Activation, NnError};
use crate::scalar::Scalar;
use crate::simd;

mod sealed {
    pub trait Sealed {}
    impl<T, const N: usize> Sealed for [T; N] {}
}

/// `[T; N]`, as a bound: lets [`Layer`] and [`Network`](super::Network) have their input and output
/// arrays as types, so that layers of different sizes cannot be joined.
pub trait Array<T>: sealed::Sealed + Copy {
    /// `N`.
    const LEN: usize;
    /// All zero.
    const ZERO: Self;
    /// The whole array.
    fn as_slice(&self) -> &[T];
    /// The first `N` values of a slice, if it holds so many.
    fn prefix(slice: &[T]) -> Option<&Self>;
    /// The first `N` values of a slice, if it holds so many, to be changed.
    fn prefix_mut(slice: &mut [T]) -> Option<&mut Self>;
}

impl<T: Scalar, const N: usize> Array<T> for [T; N] {
    const LEN: usize = N;
    const ZERO: Self = [T::ZERO; N];
    #[inline(always)]
    fn as_slice(&self) -> &[T] {
        self
    }
    #[inline(always)]
    fn prefix(slice: &[T]) -> Option<&Self> {
        slice.first_chunk()
    }
    #[inline(always)]
    fn prefix_mut(slice: &mut [T]) -> Option<&mut Self> {
        slice.first_chunk_mut()
    }
}

/// One step of a network: a map from one array to another that needs no memory of its own.
///
/// Implement it to put a step of your own into an [`Mlp`](super::Mlp).
pub trait Layer {
    /// `f32` or `f64`.
    type Scalar: Scalar;
    /// `[Scalar; I]`.
    type Input: Array<Self::Scalar>;
    /// `[Scalar; O]`.
    type Output: Array<Self::Scalar>;
    /// Number of weights and biases.
    const PARAMS: usize;

    /// Computes the output for one input.
    ///
    /// # Errors
    /// [`NnError::Overflow`] if a sum is infinite or NaN: `out` then holds such values.
    fn apply(&self, x: &Self::Input, out: &mut Self::Output) -> Result<(), NnError>;
}

/// A fully connected layer with borrowed weights: `y = f(W·x + b)`.
///
/// ```
/// use eigenmote::nn::{Activation, Dense, Network};
/// static W: [[f32; 2]; 3] = [[1.0, 2.0], [3.0, 4.0], [-1.0, -1.0]];
/// static B: [f32; 3] = [0.5, 0.0, 0.0];
/// static LAYER: Dense<f32, 2, 3> = Dense::new(&W, &B, Activation::Relu);
/// let mut y = [0.0; 3];
/// LAYER.forward(&[1.0, 1.0], &mut [], &mut y)?;
/// assert_eq!(y, [3.5, 7.0, 0.0]);
/// # Ok::<(), eigenmote::nn::NnError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense<'a, T, const I: usize, const O: usize> {
    /// `weights[o][i]`: row `o` of `W` makes output `o`. The layout of `torch.nn.Linear`.
    pub weights: &'a [[T; I]; O],
    /// `b`.
    pub bias: &'a [T; O],
    /// `f`.
    pub activation: Activation<T>,
}

impl<'a, T: Scalar, const I: usize, const O: usize> Dense<'a, T, I, O> {
    /// Number of weights and biases, `(I + 1)·O`.
    pub const PARAMS: usize = (I + 1) * O;
    /// Number of scratch values that a network of this layer alone needs: none.
    pub const SCRATCH: usize = 0;

    /// From row-wise weights, bias and activation.
    #[inline]
    pub const fn new(
        weights: &'a [[T; I]; O],
        bias: &'a [T; O],
        activation: Activation<T>,
    ) -> Self {
        Self { weights, bias, activation }
    }
}

impl<T: Scalar, const I: usize, const O: usize> Layer for Dense<'_, T, I, O> {
    type Scalar = T;
    type Input = [T; I];
    type Output = [T; O];
    const PARAMS: usize = Self::PARAMS;

    /// Computes `y = f(W·x + b)`.
    ///
    /// # Cost
    /// `2·I·O` flops and `O` activations; no memory.
    #[inline]
    fn apply(&self, x: &[T; I], out: &mut [T; O]) -> Result<(), NnError> {
        simd::products(self.weights, x, out);
        for (y, &b) in out.iter_mut().zip(self.bias) {
            *y += b;
        }
        // Before the activation: sigmoid and its kin would turn an overflow into a plain 0 or 1.
        if !simd::all_finite(out) {
            return Err(NnError::Overflow);
        }
        self.activation.apply(out);
        Ok(())
    }
}
