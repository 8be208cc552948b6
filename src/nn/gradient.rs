//! Forward pass that keeps what the backward pass needs, and the backward pass.
//!
//! For a layer `z = W·x + b`, `y = f(z)` and the gradient `dy` of some loss by `y`:
//!
//! ```text
//! dz = dy·f'(z),   dW = Σ dz·xᵀ,   db = Σ dz,   dx = Wᵀ·dz
//! ```
//!
//! summed over a batch of samples, layer after layer from the last to the first. Samples lie in rows,
//! one after the other. All memory is lent: a [`Pass`] is made over one slice of [`Pass::memory_len`]
//! values, and gradients are added to a slice with the layout of the parameters.
//!
//! Source: Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors",
//! Nature 323 (1986).

use super::NnError;
use super::product::{Forward, InputGradient, PANEL, WeightGradient};
use super::spec::{LayerSpec, Spec};
use crate::scalar::Scalar;
use crate::simd;

/// Why a step of training was not made. Parameters and states are then as before; what gradients and
/// lent memory hold is not defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum TrainError {
    /// An input value, a target or a setting is infinite or NaN.
    NotFinite,
    /// A sum, a loss or a gradient left the range of the scalar type, or a parameter is not finite.
    Overflow,
    /// A slice has another length than the network asks for; `needed` is that length.
    Length {
        /// How many values it must have.
        needed: usize,
    },
    /// The lent memory holds fewer than `needed` values.
    MemoryTooSmall {
        /// What the function for its length gives.
        needed: usize,
    },
    /// No sample, more than the memory was lent for, or a number of values that makes no whole samples.
    Batch,
    /// Two networks that work together do not fit each other, or a setting is out of its range.
    Setting,
}

impl core::fmt::Display for TrainError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotFinite => f.write_str("an input, target or setting is infinite or NaN"),
            Self::Overflow => {
                f.write_str("a sum or gradient overflowed, or a parameter is not finite")
            }
            Self::Length { needed } => write!(f, "a slice must have {needed} values"),
            Self::MemoryTooSmall { needed } => {
                write!(f, "the lent memory must hold {needed} values")
            }
            Self::Batch => f.write_str("no whole samples, none, or more than there is memory for"),
            Self::Setting => {
                f.write_str("networks do not fit each other, or a setting is out of range")
            }
        }
    }
}

impl core::error::Error for TrainError {}

impl From<NnError> for TrainError {
    fn from(error: NnError) -> Self {
        match error {
            NnError::NotFinite => Self::NotFinite,
            NnError::Overflow => Self::Overflow,
            NnError::ScratchTooSmall { needed } => Self::MemoryTooSmall { needed },
            NnError::WrongLength { expected } => Self::Length { needed: expected },
        }
    }
}

/// A network at work on batches: forward, then backward.
///
/// ```
/// use eigenmote::nn::{Activation, LayerSpec, Pass, Spec, loss};
/// let layers = [LayerSpec::new(2, 3, Activation::Tanh), LayerSpec::new(3, 1, Activation::Linear)];
/// let spec = Spec::new(&layers)?;
/// let params = [0.1_f64; 13];
/// let mut memory = vec![0.0; Pass::memory_len(&spec, 4)];
/// let mut pass = Pass::new(spec, 4, &mut memory)?;
///
/// let (x, target) = ([1.0, 0.0, 0.0, 1.0], [1.0, -1.0]); // two samples
/// pass.forward(&params, &x)?;
/// let (output, slot) = pass.output_and_gradient();
/// let before = loss::mean_square(output, &target, slot)?;
/// let mut gradient = [0.0; 13];
/// pass.backward(&params, &x, &mut gradient)?;
///
/// // A small step against the gradient makes the loss smaller.
/// let params = core::array::from_fn::<_, 13, _>(|i| params[i] - 0.01 * gradient[i]);
/// pass.forward(&params, &x)?;
/// let (output, slot) = pass.output_and_gradient();
/// assert!(loss::mean_square(output, &target, slot)? < before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pass<'a, T> {
    spec: Spec<'a, T>,
    batch: usize,
    rows: usize,
    /// For every layer its outputs and, if its activation needs them, the arguments before them.
    kept: &'a mut [T],
    /// Gradient by the output of the layer at work.
    delta: &'a mut [T],
    /// Gradient by its input.
    next: &'a mut [T],
    panel: &'a mut [T],
}

/// Values that are kept for one sample of a layer.
const fn kept<T>(layer: &LayerSpec<T>) -> usize {
    if layer.activation.needs_argument() { layer.outputs.saturating_mul(2) } else { layer.outputs }
}

const fn kept_len<T>(spec: &Spec<'_, T>, batch: usize) -> usize {
    let (mut rest, mut total) = (spec.layers(), 0_usize);
    while let [first, tail @ ..] = rest {
        total = total.saturating_add(kept(first).saturating_mul(batch));
        rest = tail;
    }
    total
}

const fn panel_len<T>(spec: &Spec<'_, T>, batch: usize) -> usize {
    let widest = spec.widest();
    PANEL.saturating_mul(if widest > batch { widest } else { batch })
}

impl<T> Pass<'_, T> {
    /// Number of values of memory for batches of up to `batch` samples: for each sample the outputs of
    /// all layers (twice for silu, gelu and leaky relu) and twice the widest, and for the products 16
    /// values (on targets without vector registers one) for every value of the widest layer.
    pub const fn memory_len(spec: &Spec<'_, T>, batch: usize) -> usize {
        kept_len(spec, batch)
            .saturating_add(spec.widest().saturating_mul(batch).saturating_mul(2))
            .saturating_add(panel_len(spec, batch))
    }
}

impl<'a, T: Scalar> Pass<'a, T> {
    /// Over the first [`memory_len`](Self::memory_len) values of `memory`; what they hold does not
    /// matter.
    ///
    /// # Errors
    /// [`TrainError::MemoryTooSmall`], [`TrainError::Batch`] for none.
    pub fn new(spec: Spec<'a, T>, batch: usize, memory: &'a mut [T]) -> Result<Self, TrainError> {
        Self::split(spec, batch, memory).map(|(pass, _)| pass)
    }

    /// The same, and what is left of the memory.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn split(
        spec: Spec<'a, T>,
        batch: usize,
        memory: &'a mut [T],
    ) -> Result<(Self, &'a mut [T]), TrainError> {
        if batch == 0 {
            return Err(TrainError::Batch);
        }
        let short = TrainError::MemoryTooSmall { needed: Self::memory_len(&spec, batch) };
        let widest = spec.widest().saturating_mul(batch);
        let (kept, rest) = take(memory, kept_len(&spec, batch)).ok_or(short)?;
        let (delta, rest) = take(rest, widest).ok_or(short)?;
        let (next, rest) = take(rest, widest).ok_or(short)?;
        let (panel, rest) = take(rest, panel_len(&spec, batch)).ok_or(short)?;
        Ok((Self { spec, batch, rows: 0, kept, delta, next, panel }, rest))
    }

    /// The network.
    pub const fn spec(&self) -> &Spec<'a, T> {
        &self.spec
    }

    /// Number of samples in the last forward pass.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Computes the outputs for samples in the rows of `x`, and keeps what [`backward`](Self::backward)
    /// needs.
    ///
    /// # Errors
    /// [`TrainError::Length`] for parameters of another number, [`TrainError::Batch`],
    /// [`TrainError::NotFinite`] for `x`, and [`TrainError::Overflow`] if a sum is infinite or NaN.
    ///
    /// # Accuracy
    /// The terms of a sum are added in their order: its error is at most `(inputs + 1)·ε·Σ|wᵢxᵢ|`. The
    /// bits are the same on every target (not with the feature `fast`) and for every size of the batch;
    /// those of [`Dense`](super::Dense), which adds in another order, may differ in the last places.
    ///
    /// # Cost
    /// `2·rows` flops per weight, and the activations.
    pub fn forward(&mut self, params: &[T], x: &[T]) -> Result<&[T], TrainError> {
        self.rows = 0;
        let rows = self.rows_of(params, x)?;
        if !simd::all_finite(x) {
            return Err(TrainError::NotFinite);
        }
        let short = TrainError::MemoryTooSmall { needed: Self::memory_len(&self.spec, self.batch) };
        let (mut before, mut kept, mut params): (&[T], _, _) = (x, &mut *self.kept, params);
        for layer in self.spec.layers() {
            let (weights, bias, more) = parts(layer, params).ok_or(short)?;
            let size = layer.outputs.saturating_mul(rows);
            let (y, rest) = take(kept, size).ok_or(short)?;
            let (inputs, panel) = (layer.inputs, &mut *self.panel);
            T::dispatch(Forward { x: before, inputs, rows, weights, bias, y: &mut *y, panel });
            // Before the activation: sigmoid and its kin would turn an overflow into a plain 0 or 1.
            if !simd::all_finite(y) {
                return Err(TrainError::Overflow);
            }
            let (y, rest) = if layer.activation.needs_argument() {
                let (value, rest) = take(rest, size).ok_or(short)?;
                for (value, &argument) in value.iter_mut().zip(y.iter()) {
                    *value = argument;
                }
                (value, rest)
            } else {
                (y, rest)
            };
            layer.activation.apply(y);
            (before, kept, params) = (y, rest, more);
        }
        if !simd::all_finite(before) {
            return Err(TrainError::Overflow);
        }
        self.rows = rows;
        Ok(self.output())
    }

    /// The outputs of the last forward pass, in rows; empty if it failed.
    pub fn output(&self) -> &[T] {
        let len = self.spec.outputs().saturating_mul(self.rows);
        let end = kept_len(&self.spec, self.rows);
        self.kept.get(end.saturating_sub(len)..end).unwrap_or(&[])
    }

    /// The outputs, and the place for the gradient of a loss by them, which [`backward`](Self::backward)
    /// starts from.
    pub fn output_and_gradient(&mut self) -> (&[T], &mut [T]) {
        let len = self.spec.outputs().saturating_mul(self.rows);
        let end = kept_len(&self.spec, self.rows);
        let output = self.kept.get(end.saturating_sub(len)..end).unwrap_or(&[]);
        (output, self.delta.get_mut(..len).unwrap_or(&mut []))
    }

    /// Adds the gradient by the parameters to `gradient`. `params` and `x` are those of the forward
    /// pass, and the gradient by the outputs stands in its [place](Self::output_and_gradient), where it
    /// is consumed.
    ///
    /// # Errors
    /// [`TrainError::Length`], [`TrainError::Batch`] without a forward pass of these samples.
    /// That the result is finite is for the optimizer to see.
    ///
    /// # Cost
    /// `4·rows` flops per weight; `2·rows` in the first layer.
    pub fn backward(
        &mut self,
        params: &[T],
        x: &[T],
        gradient: &mut [T],
    ) -> Result<(), TrainError> {
        self.back(params, x, Some(gradient), false)
    }

    /// As [`backward`](Self::backward), and gives the gradient by the inputs.
    ///
    /// # Errors
    /// As [`backward`](Self::backward).
    pub fn backward_to_input(
        &mut self,
        params: &[T],
        x: &[T],
        gradient: &mut [T],
    ) -> Result<&[T], TrainError> {
        self.back(params, x, Some(gradient), true)?;
        Ok(self.input_gradient())
    }

    /// The gradient by the inputs alone.
    ///
    /// # Errors
    /// As [`backward`](Self::backward).
    pub fn backward_through(&mut self, params: &[T], x: &[T]) -> Result<&[T], TrainError> {
        self.back(params, x, None, true)?;
        Ok(self.input_gradient())
    }

    fn input_gradient(&self) -> &[T] {
        let len = self.spec.inputs().saturating_mul(self.rows);
        // The buffers change places after every layer.
        self.delta.get(..len).unwrap_or(&[])
    }

    fn back(
        &mut self,
        params: &[T],
        x: &[T],
        mut gradient: Option<&mut [T]>,
        to_input: bool,
    ) -> Result<(), TrainError> {
        let rows = self.rows_of(params, x)?;
        if rows != self.rows {
            return Err(TrainError::Batch);
        }
        if let Some(gradient) = &gradient {
            expect_len(gradient, self.spec.params())?;
        }
        let short = TrainError::MemoryTooSmall { needed: Self::memory_len(&self.spec, self.batch) };
        let mut kept = self.kept.get(..kept_len(&self.spec, rows)).ok_or(short)?;
        let mut end = params.len();
        let mut layers = self.spec.layers();
        while let [before @ .., layer] = layers {
            let size = layer.outputs.saturating_mul(rows);
            let (front, y) = split_end(kept, size).ok_or(short)?;
            let (front, argument): (_, &[T]) = if layer.activation.needs_argument() {
                split_end(front, size).ok_or(short)?
            } else {
                (front, &[])
            };
            let delta = self.delta.get_mut(..size).ok_or(short)?;
            layer.activation.backward(argument, y, delta);

            let start = end.saturating_sub(layer.params());
            let inputs = layer.inputs.saturating_mul(rows);
            if let Some(gradient) = &mut gradient {
                let input = if before.is_empty() { Some(x) } else { last(front, inputs) };
                let own = gradient.get_mut(start..end).ok_or(short)?;
                let (weights, bias) =
                    take(own, layer.inputs.saturating_mul(layer.outputs)).ok_or(short)?;
                T::dispatch(WeightGradient {
                    dy: delta,
                    outputs: layer.outputs,
                    rows,
                    x: input.ok_or(short)?,
                    inputs: layer.inputs,
                    weights,
                    bias,
                    panel: &mut *self.panel,
                });
            }
            if !before.is_empty() || to_input {
                let (weights, ..) =
                    params.get(start..).and_then(|own| parts(layer, own)).ok_or(short)?;
                let dx = self.next.get_mut(..inputs).ok_or(short)?;
                dx.fill(T::ZERO);
                T::dispatch(InputGradient {
                    dy: delta,
                    outputs: layer.outputs,
                    rows,
                    weights,
                    dx,
                    inputs: layer.inputs,
                    panel: &mut *self.panel,
                });
                core::mem::swap(&mut self.delta, &mut self.next);
            }
            (layers, kept, end) = (before, front, start);
        }
        Ok(())
    }

    /// Number of samples in `x`.
    fn rows_of(&self, params: &[T], x: &[T]) -> Result<usize, TrainError> {
        expect_len(params, self.spec.params())?;
        rows_of(x, self.spec.inputs(), self.batch)
    }
}

/// The first `n` values and the rest.
pub(super) fn take<T>(memory: &mut [T], n: usize) -> Option<(&mut [T], &mut [T])> {
    memory.split_at_mut_checked(n)
}

/// The parameters of two networks that share a slice of `needed`: the first `n`, and the others.
pub(super) fn halves<T>(params: &[T], n: usize, needed: usize) -> Result<(&[T], &[T]), TrainError> {
    expect_len(params, needed)?;
    params.split_at_checked(n).ok_or(TrainError::Length { needed })
}

/// [`halves`] to be changed.
pub(super) fn halves_mut<T>(
    params: &mut [T],
    n: usize,
    needed: usize,
) -> Result<(&mut [T], &mut [T]), TrainError> {
    expect_len(params, needed)?;
    take(params, n).ok_or(TrainError::Length { needed })
}

/// All but the last `n` values, and these.
fn split_end<T>(values: &[T], n: usize) -> Option<(&[T], &[T])> {
    values.split_at_checked(values.len().checked_sub(n)?)
}

/// The last `n` values.
fn last<T>(values: &[T], n: usize) -> Option<&[T]> {
    split_end(values, n).map(|(_, last)| last)
}

/// Weights and bias of a layer at the start of `params`, and what follows.
fn parts<'p, T>(layer: &LayerSpec<T>, params: &'p [T]) -> Option<(&'p [T], &'p [T], &'p [T])> {
    let (weights, rest) = params.split_at_checked(layer.inputs.saturating_mul(layer.outputs))?;
    let (bias, rest) = rest.split_at_checked(layer.outputs)?;
    Some((weights, bias, rest))
}

/// Whether a slice has the length it should have.
pub(super) fn expect_len<T>(slice: &[T], needed: usize) -> Result<(), TrainError> {
    if slice.len() == needed { Ok(()) } else { Err(TrainError::Length { needed }) }
}

/// Number of samples of `width` values in `x`, from 1 to `most`.
pub(super) fn rows_of<T>(x: &[T], width: usize, most: usize) -> Result<usize, TrainError> {
    let rows = x.len().checked_div(width).ok_or(TrainError::Batch)?;
    if rows == 0 || rows > most || rows.saturating_mul(width) != x.len() {
        return Err(TrainError::Batch);
    }
    Ok(rows)
}
