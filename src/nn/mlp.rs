//! Networks: layers one after the other.
//!
//! The sizes of neighbours must agree; joining others does not compile. The activations between
//! layers go back and forth between two parts of one scratch memory that the caller lends.

use super::{Array, Dense, Layer, NnError};
use crate::scalar::Scalar;
use crate::simd;

/// Something with a forward pass: a single [`Layer`] or an [`Mlp`] of any depth.
pub trait Network {
    /// `f32` or `f64`.
    type Scalar: Scalar;
    /// `[Scalar; I]`.
    type Input: Array<Self::Scalar>;
    /// `[Scalar; O]`.
    type Output: Array<Self::Scalar>;
    /// Number of weights and biases.
    const PARAMS: usize;
    /// Number of values in the scratch memory of [`forward`](Self::forward).
    const SCRATCH: usize;
    /// Size of the buffer in which [`run_between`](Self::run_between) leaves the output.
    const NEAR: usize;
    /// Size of the other buffer of [`run_between`](Self::run_between).
    const FAR: usize;

    /// Computes the output for one input.
    ///
    /// `scratch` holds at least `SCRATCH` values; what is in it before does not matter.
    ///
    /// # Errors
    /// [`NnError::NotFinite`] for an input with infinities or NaN, [`NnError::ScratchTooSmall`],
    /// and [`NnError::Overflow`] if a sum anywhere in the network is infinite or NaN, as with
    /// weights that are. `out` is meaningless then; with `Ok` every value of it is finite.
    ///
    /// # Accuracy
    /// The same bits on every target, and a layer's sums within `(I/(4·LANES) + 8)·ε·Σ|wᵢxᵢ|`. With
    /// the feature `fast` the last bits are those of the machine, within `(I/LANES + 8)·ε·Σ|wᵢxᵢ|`.
    #[inline]
    fn forward(
        &self,
        x: &Self::Input,
        scratch: &mut [Self::Scalar],
        out: &mut Self::Output,
    ) -> Result<(), NnError> {
        if !simd::all_finite(x.as_slice()) {
            return Err(NnError::NotFinite);
        }
        self.run(x, scratch, out)?;
        if simd::all_finite(out.as_slice()) { Ok(()) } else { Err(NnError::Overflow) }
    }

    /// [`forward`](Self::forward) without the tests of input and output.
    ///
    /// # Errors
    /// [`NnError::ScratchTooSmall`], [`NnError::Overflow`].
    fn run(
        &self,
        x: &Self::Input,
        scratch: &mut [Self::Scalar],
        out: &mut Self::Output,
    ) -> Result<(), NnError>;

    /// Computes the output into the first values of `near`, with `far` as the other buffer.
    ///
    /// # Errors
    /// [`NnError::ScratchTooSmall`], [`NnError::Overflow`].
    fn run_between(
        &self,
        x: &Self::Input,
        near: &mut [Self::Scalar],
        far: &mut [Self::Scalar],
    ) -> Result<(), NnError>;
}

impl<L: Layer> Network for L {
    type Scalar = L::Scalar;
    type Input = L::Input;
    type Output = L::Output;
    const PARAMS: usize = L::PARAMS;
    const SCRATCH: usize = 0;
    const NEAR: usize = L::Output::LEN;
    const FAR: usize = 0;

    #[inline]
    fn run(
        &self,
        x: &L::Input,
        _scratch: &mut [L::Scalar],
        out: &mut L::Output,
    ) -> Result<(), NnError> {
        self.apply(x, out)
    }

    #[inline]
    fn run_between(
        &self,
        x: &L::Input,
        near: &mut [L::Scalar],
        _far: &mut [L::Scalar],
    ) -> Result<(), NnError> {
        let out = L::Output::prefix_mut(near)
            .ok_or(NnError::ScratchTooSmall { needed: L::Output::LEN })?;
        self.apply(x, out)
    }
}

/// A network followed by one more layer; made by `then`, to any depth.
///
/// ```
/// use eigenmote::nn::{Activation, Dense, Mlp, Network};
/// type D<const I: usize, const O: usize> = Dense<'static, f32, I, O>;
/// type Net = Mlp<Mlp<D<2, 8>, D<8, 4>>, D<4, 6>>;
/// let net: Net = Dense::new(&[[0.5; 2]; 8], &[0.0; 8], Activation::Relu)
///     .then(Dense::new(&[[0.25; 8]; 4], &[0.0; 4], Activation::Relu))
///     .then(Dense::new(&[[0.25; 4]; 6], &[1.0; 6], Activation::Linear));
/// assert_eq!(Net::PARAMS, 24 + 36 + 30);
/// assert_eq!(Net::SCRATCH, 8 + 4);
/// let mut out = [0.0; 6];
/// net.forward(&[1.0, 1.0], &mut [0.0; Net::SCRATCH], &mut out)?;
/// assert_eq!(out, [3.0; 6]);
/// # Ok::<(), eigenmote::nn::NnError>(())
/// ```
///
/// Layers whose sizes do not meet are refused by the compiler:
///
/// ```compile_fail,E0271
/// use eigenmote::nn::{Activation, Dense};
/// let net = Dense::new(&[[0.5_f32; 2]; 8], &[0.0; 8], Activation::Relu)
///     .then(Dense::new(&[[0.25_f32; 7]; 4], &[0.0; 4], Activation::Relu)); // takes 7, gets 8
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mlp<Front, Last> {
    /// What comes before the last layer: a layer, or a shorter `Mlp`.
    pub front: Front,
    /// The last layer.
    pub last: Last,
}

impl<T: Scalar, const I: usize, const O: usize> Dense<'_, T, I, O> {
    /// This layer, then `next`.
    #[inline]
    pub const fn then<L>(self, next: L) -> Mlp<Self, L>
    where
        L: Copy + Layer<Scalar = T, Input = [T; O]>,
    {
        Mlp { front: self, last: next }
    }
}

impl<A, B> Mlp<A, B>
where
    A: Copy + Network,
    B: Copy + Layer<Scalar = A::Scalar, Input = A::Output>,
{
    /// Number of weights and biases.
    pub const PARAMS: usize = A::PARAMS + B::PARAMS;
    /// Number of values in the scratch memory of [`Network::forward`]: the widest activation in
    /// odd place counted from the end, and the widest in even place.
    pub const SCRATCH: usize = A::NEAR + A::FAR;

    /// These layers, then `next`.
    #[inline]
    pub const fn then<L>(self, next: L) -> Mlp<Self, L>
    where
        L: Copy + Layer<Scalar = A::Scalar, Input = B::Output>,
    {
        Mlp { front: self, last: next }
    }

    #[inline(always)]
    fn hidden(near: &[A::Scalar]) -> Result<&A::Output, NnError> {
        A::Output::prefix(near).ok_or(NnError::ScratchTooSmall { needed: Self::SCRATCH })
    }
}

impl<A, B> Network for Mlp<A, B>
where
    A: Copy + Network,
    B: Copy + Layer<Scalar = A::Scalar, Input = A::Output>,
{
    type Scalar = A::Scalar;
    type Input = A::Input;
    type Output = B::Output;
    const PARAMS: usize = Self::PARAMS;
    const SCRATCH: usize = Self::SCRATCH;
    const NEAR: usize = if A::FAR > B::Output::LEN { A::FAR } else { B::Output::LEN };
    const FAR: usize = A::NEAR;

    #[inline]
    fn run(
        &self,
        x: &A::Input,
        scratch: &mut [A::Scalar],
        out: &mut B::Output,
    ) -> Result<(), NnError> {
        if scratch.len() < Self::SCRATCH {
            return Err(NnError::ScratchTooSmall { needed: Self::SCRATCH });
        }
        let (near, far) = scratch
            .split_at_mut_checked(A::NEAR)
            .ok_or(NnError::ScratchTooSmall { needed: Self::SCRATCH })?;
        self.front.run_between(x, near, far)?;
        self.last.apply(Self::hidden(near)?, out)
    }

    #[inline]
    fn run_between(
        &self,
        x: &A::Input,
        near: &mut [A::Scalar],
        far: &mut [A::Scalar],
    ) -> Result<(), NnError> {
        // The output of the front lands in `far`; it may use `near`, free until the last layer.
        self.front.run_between(x, far, near)?;
        let out = B::Output::prefix_mut(near)
            .ok_or(NnError::ScratchTooSmall { needed: B::Output::LEN })?;
        self.last.apply(Self::hidden(far)?, out)
    }
}
