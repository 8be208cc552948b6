//! The shape of a network as data: what trainers, files and integer networks work on.
//!
//! [`Mlp`](super::Mlp) has its sizes in the type. Where they are known later (a file is read, a
//! command line asks for them), a network is a list of [`LayerSpec`] and one flat slice of parameters:
//! for each layer in turn the weights `W[o][i]` row by row, then the bias `b[o]`. The same slice, cut
//! by `as_chunks`, is what [`Dense`](super::Dense) borrows.

use super::Activation;

/// One fully connected layer: `y = f(W·x + b)`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LayerSpec<T> {
    /// Length of `x`.
    pub inputs: usize,
    /// Length of `y`.
    pub outputs: usize,
    /// `f`.
    pub activation: Activation<T>,
}

impl<T> LayerSpec<T> {
    /// A layer of these sizes.
    pub const fn new(inputs: usize, outputs: usize, activation: Activation<T>) -> Self {
        Self { inputs, outputs, activation }
    }

    /// Number of weights and biases, `(inputs + 1)·outputs`.
    pub const fn params(&self) -> usize {
        (self.inputs + 1) * self.outputs
    }
}

/// Why a list of layers is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum SpecError {
    /// There is no layer, or one without inputs or outputs.
    Empty,
    /// The layer with this index takes another number of values than the one before it gives.
    Mismatch {
        /// Counted from 0.
        layer: usize,
    },
    /// The number of parameters does not fit the address space.
    TooLarge,
}

impl core::fmt::Display for SpecError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Empty => f.write_str("a network needs layers with inputs and outputs"),
            Self::Mismatch { layer } => {
                write!(f, "layer {layer} does not take as many values as the one before it gives")
            }
            Self::TooLarge => f.write_str("the number of parameters is too large"),
        }
    }
}

impl core::error::Error for SpecError {}

/// A list of layers that fit each other.
///
/// ```
/// use eigenmote::nn::{Activation, LayerSpec, Spec};
/// const DECODER: Spec<'static, f32> = match Spec::new(&[
///     LayerSpec::new(2, 16, Activation::Relu),
///     LayerSpec::new(16, 64, Activation::Sigmoid),
/// ]) {
///     Ok(spec) => spec,
///     Err(_) => panic!("the layers do not fit"),
/// };
/// static WEIGHTS: [f32; DECODER.params()] = [0.0; DECODER.params()];
/// assert_eq!(WEIGHTS.len(), 3 * 16 + 17 * 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec<'a, T> {
    layers: &'a [LayerSpec<T>],
}

impl<'a, T> Spec<'a, T> {
    /// Checks that the layers fit each other.
    ///
    /// # Errors
    /// [`SpecError`]
    pub const fn new(layers: &'a [LayerSpec<T>]) -> Result<Self, SpecError> {
        // What one value of eight bytes per parameter, four times over, needs must be countable.
        const MOST: usize = usize::MAX / 64;
        let (mut rest, mut index, mut before, mut total) = (layers, 0, 0, 0_usize);
        while let [first, tail @ ..] = rest {
            if first.inputs == 0 || first.outputs == 0 {
                return Err(SpecError::Empty);
            }
            if index > 0 && first.inputs != before {
                return Err(SpecError::Mismatch { layer: index });
            }
            if first.inputs >= MOST {
                return Err(SpecError::TooLarge);
            }
            total = match (first.inputs + 1).checked_mul(first.outputs) {
                Some(own) if own < MOST - total => total + own,
                _ => return Err(SpecError::TooLarge),
            };
            (rest, index, before) = (tail, index + 1, first.outputs);
        }
        if layers.is_empty() { Err(SpecError::Empty) } else { Ok(Self { layers }) }
    }

    /// The layers, from input to output; at least one.
    pub const fn layers(&self) -> &'a [LayerSpec<T>] {
        self.layers
    }

    /// Length of the input.
    pub const fn inputs(&self) -> usize {
        match self.layers {
            [first, ..] => first.inputs,
            [] => 0,
        }
    }

    /// Length of the output.
    pub const fn outputs(&self) -> usize {
        match self.layers {
            [.., last] => last.outputs,
            [] => 0,
        }
    }

    /// Number of weights and biases of all layers.
    pub const fn params(&self) -> usize {
        let (mut rest, mut total) = (self.layers, 0);
        while let [first, tail @ ..] = rest {
            total += first.params();
            rest = tail;
        }
        total
    }

    /// The largest number of values that any layer takes or gives.
    pub const fn widest(&self) -> usize {
        let (mut rest, mut widest) = (self.layers, self.inputs());
        while let [first, tail @ ..] = rest {
            if first.outputs > widest {
                widest = first.outputs;
            }
            rest = tail;
        }
        widest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(inputs: usize, outputs: usize) -> LayerSpec<f32> {
        LayerSpec::new(inputs, outputs, Activation::Relu)
    }

    #[test]
    fn sizes_add_up() {
        let layers = [layer(3, 7), layer(7, 2)];
        let spec = Spec::new(&layers).expect("the layers fit");
        assert_eq!((spec.inputs(), spec.outputs()), (3, 2));
        assert_eq!((spec.params(), spec.widest()), (4 * 7 + 8 * 2, 7));
    }

    #[test]
    fn wrong_lists_are_refused() {
        assert_eq!(Spec::<f32>::new(&[]), Err(SpecError::Empty));
        assert_eq!(Spec::new(&[layer(3, 0)]), Err(SpecError::Empty));
        let wrong = [layer(3, 4), layer(5, 1)];
        assert_eq!(Spec::new(&wrong), Err(SpecError::Mismatch { layer: 1 }));
        for (inputs, outputs) in [(usize::MAX, 1), (1, usize::MAX), (usize::MAX / 2, 3)] {
            assert_eq!(Spec::new(&[layer(inputs, outputs)]), Err(SpecError::TooLarge));
        }
    }
}
