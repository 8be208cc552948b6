//! Networks of dense layers, as a list of any length and sizes, and seeded random numbers.
//!
//! The library has the sizes in types, which C has not; so the pass through the layers is written
//! again here, over the same kernels in the same order: it gives the bits of [`core_library::nn::Mlp`].

use core_library::nn::Activation;
use core_library::rng::{self, Generator};
use core_library::simd;

use crate::lend::{Read, State, Write, apart};
use crate::status::{eigenmote_status, eigenmote_status as Status, of};

/// `x`.
pub const EIGENMOTE_ACTIVATION_LINEAR: u32 = 0;
/// `max(x, 0)`.
pub const EIGENMOTE_ACTIVATION_RELU: u32 = 1;
/// `x` where positive, `slope * x` elsewhere.
pub const EIGENMOTE_ACTIVATION_LEAKY_RELU: u32 = 2;
/// `tanh(x)`.
pub const EIGENMOTE_ACTIVATION_TANH: u32 = 3;
/// `1 / (1 + exp(-x))`.
pub const EIGENMOTE_ACTIVATION_SIGMOID: u32 = 4;
/// `x * sigmoid(x)`.
pub const EIGENMOTE_ACTIVATION_SILU: u32 = 5;
/// `x` times the normal distribution function.
pub const EIGENMOTE_ACTIVATION_GELU: u32 = 6;
/// The usual approximation of gelu by tanh.
pub const EIGENMOTE_ACTIVATION_GELU_TANH: u32 = 7;

/// A fully connected layer, `y = f(W*x + b)`. Weights and biases may stay in flash.
#[repr(C)]
pub struct eigenmote_layer {
    /// One row of `inputs` weights after the other, `outputs` of them.
    pub weights: *const f32,
    /// `outputs` values.
    pub bias: *const f32,
    /// Length of `x`.
    pub inputs: usize,
    /// Length of `y`.
    pub outputs: usize,
    /// `f`: `EIGENMOTE_ACTIVATION_LINEAR` and so on.
    pub activation: u32,
    /// Factor for negative values of the leaky function.
    pub slope: f32,
}

/// A seeded generator of random numbers.
#[repr(C)]
pub struct eigenmote_rng {
    /// Not to be used.
    pub words: [u32; 5],
}

// SAFETY: the one tag of generators; they are four words.
unsafe impl State for eigenmote_rng {
    type Inner = Generator;
    const TAG: u32 = 0x4547_4731;
}

/// Starts a generator: the seed decides all that it gives, on every machine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_rng_seed(
    rng: *mut eigenmote_rng,
    seed: u64,
) -> eigenmote_status {
    of(|| {
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        unsafe { Write::new(rng, 1)?.init(rng::seeded(seed)) };
        Ok(())
    })
}

/// Fills an array with values that are uniform on [0, 1).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_rng_uniform_f32(
    rng: *mut eigenmote_rng,
    values: *mut f32,
    count: usize,
) -> eigenmote_status {
    of(|| {
        let (rng, values) = (Write::new(rng, 1)?, Write::new(values, count)?);
        apart(&[rng.range(), values.range()], &[])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        let (rng, values) = unsafe { (rng.open()?, values.borrow()) };
        for value in values {
            *value = rng::uniform(rng);
        }
        Ok(())
    })
}

/// Fills an array with standard normal values.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_rng_normal_f32(
    rng: *mut eigenmote_rng,
    values: *mut f32,
    count: usize,
) -> eigenmote_status {
    of(|| {
        let (rng, values) = (Write::new(rng, 1)?, Write::new(values, count)?);
        apart(&[rng.range(), values.range()], &[])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        let (rng, values) = unsafe { (rng.open()?, values.borrow()) };
        rng::fill_normal(rng, values);
        Ok(())
    })
}

/// Layers that fit each other.
struct Network<'a> {
    layers: &'a [eigenmote_layer],
}

impl<'a> Network<'a> {
    fn new(layers: &'a [eigenmote_layer]) -> Result<Self, Status> {
        let fit = |pair: &[eigenmote_layer]| match pair {
            [a, b] => a.outputs == b.inputs,
            _ => true,
        };
        let known = |layer: &eigenmote_layer| {
            layer.inputs > 0
                && layer.outputs > 0
                && activation(layer).is_some()
                && layer.inputs.checked_mul(layer.outputs).is_some()
        };
        let fits = !layers.is_empty() && layers.windows(2).all(fit) && layers.iter().all(known);
        if fits { Ok(Self { layers }) } else { Err(Status::BadArgument) }
    }

    fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.inputs)
    }

    fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// The widest of the layers before the last at even places, and of those at odd ones: between
    /// two such buffers the values go back and forth.
    fn widths(&self) -> (usize, usize) {
        let (_, hidden) = self.layers.split_last().unzip();
        let hidden: &[eigenmote_layer] = hidden.unwrap_or(&[]);
        let widest = |from: usize| {
            hidden.iter().skip(from).step_by(2).map(|layer| layer.outputs).max().unwrap_or(0)
        };
        (widest(0), widest(1))
    }

    fn scratch(&self) -> Result<usize, Status> {
        let (even, odd) = self.widths();
        even.checked_add(odd).ok_or(Status::TooLong)
    }

    /// # Safety
    /// Weights and biases are good for their lengths.
    unsafe fn forward(
        &self,
        input: &[f32],
        scratch: &mut [f32],
        output: &mut [f32],
    ) -> Result<(), Status> {
        if !simd::all_finite(input) {
            return Err(Status::NotFinite);
        }
        let (even, _) = self.widths();
        let (mut near, mut far) =
            scratch.split_at_mut_checked(even).ok_or(Status::ScratchTooSmall)?;
        let Some((last, hidden)) = self.layers.split_last() else { return Ok(()) };
        let mut first = true;
        for layer in hidden {
            let out = near.get_mut(..layer.outputs).ok_or(Status::ScratchTooSmall)?;
            let x = if first { input } else { far.get(..layer.inputs).unwrap_or(&[]) };
            // SAFETY: by the caller, and so below.
            unsafe { apply(layer, x, out) }?;
            core::mem::swap(&mut near, &mut far);
            first = false;
        }
        let x = if first { input } else { far.get(..last.inputs).unwrap_or(&[]) };
        // SAFETY: as above.
        unsafe { apply(last, x, output) }?;
        if simd::all_finite(output) { Ok(()) } else { Err(Status::Overflow) }
    }
}

fn activation(layer: &eigenmote_layer) -> Option<Activation<f32>> {
    Some(match layer.activation {
        EIGENMOTE_ACTIVATION_LINEAR => Activation::Linear,
        EIGENMOTE_ACTIVATION_RELU => Activation::Relu,
        EIGENMOTE_ACTIVATION_LEAKY_RELU => Activation::LeakyRelu { slope: layer.slope },
        EIGENMOTE_ACTIVATION_TANH => Activation::Tanh,
        EIGENMOTE_ACTIVATION_SIGMOID => Activation::Sigmoid,
        EIGENMOTE_ACTIVATION_SILU => Activation::Silu,
        EIGENMOTE_ACTIVATION_GELU => Activation::Gelu,
        EIGENMOTE_ACTIVATION_GELU_TANH => Activation::GeluTanh,
        _ => return None,
    })
}

/// # Safety
/// Weights and bias are good for their lengths.
unsafe fn apply(layer: &eigenmote_layer, x: &[f32], out: &mut [f32]) -> Result<(), Status> {
    let length = layer.inputs.checked_mul(layer.outputs).ok_or(Status::TooLong)?;
    let weights = Read::new(layer.weights, length)?;
    let bias = Read::new(layer.bias, layer.outputs)?;
    // SAFETY: checked as far as can be; the rest by the caller.
    let (weights, bias) = unsafe { (weights.borrow(), bias.borrow()) };
    let rows = weights.chunks_exact(layer.inputs.max(1));
    for ((y, row), &b) in out.iter_mut().zip(rows).zip(bias) {
        *y = simd::dot(row, x) + b;
    }
    if !simd::all_finite(out) {
        return Err(Status::Overflow);
    }
    if let Some(activation) = activation(layer) {
        activation.apply(out);
    }
    Ok(())
}

/// Values of scratch memory that `eigenmote_forward_f32` needs for these layers;
/// `eigenmote_sample_f32` needs the inputs of the first layer beside them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_forward_scratch(
    layers: *const eigenmote_layer,
    count: usize,
    values: *mut usize,
) -> eigenmote_status {
    of(|| {
        let (layers, values) = (Read::new(layers, count)?, Write::new(values, 1)?);
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        let scratch = Network::new(unsafe { layers.borrow() })?.scratch()?;
        // SAFETY: as above; nothing is borrowed any more.
        unsafe { values.put(scratch) };
        Ok(())
    })
}

/// Passes an input through the layers of a network, such as the decoder of an autoencoder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_forward_f32(
    layers: *const eigenmote_layer,
    count: usize,
    input: *const f32,
    inputs: usize,
    scratch: *mut f32,
    scratch_values: usize,
    output: *mut f32,
    outputs: usize,
) -> eigenmote_status {
    of(|| {
        let (layers, input) = (Read::new(layers, count)?, Read::new(input, inputs)?);
        let (scratch, output) =
            (Write::new(scratch, scratch_values)?, Write::new(output, outputs)?);
        apart(&[scratch.range(), output.range()], &[layers.range(), input.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller, and so below.
        let (layers, input) = unsafe { (layers.borrow(), input.borrow()) };
        let network = Network::new(layers)?;
        weights_apart(layers, &[scratch.range(), output.range()])?;
        if inputs != network.inputs() {
            return Err(Status::WrongLength);
        }
        // SAFETY: as above.
        let (scratch, output) = unsafe { (scratch.borrow(), output.borrow()) };
        let output = output.get_mut(..network.outputs()).ok_or(Status::BufferTooSmall)?;
        // SAFETY: as above.
        unsafe { network.forward(input, scratch, output) }
    })
}

/// Draws a standard normal latent vector and decodes it. The scratch memory holds the inputs of the first
/// layer and what `eigenmote_forward_scratch` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_sample_f32(
    layers: *const eigenmote_layer,
    count: usize,
    rng: *mut eigenmote_rng,
    scratch: *mut f32,
    scratch_values: usize,
    output: *mut f32,
    outputs: usize,
) -> eigenmote_status {
    of(|| {
        let (layers, rng) = (Read::new(layers, count)?, Write::new(rng, 1)?);
        let (scratch, output) =
            (Write::new(scratch, scratch_values)?, Write::new(output, outputs)?);
        apart(&[scratch.range(), output.range(), rng.range()], &[layers.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller, and so below.
        let layers = unsafe { layers.borrow() };
        let network = Network::new(layers)?;
        weights_apart(layers, &[scratch.range(), output.range(), rng.range()])?;
        // SAFETY: as above.
        let (scratch, output) = unsafe { (scratch.borrow(), output.borrow()) };
        let (latent, scratch) =
            scratch.split_at_mut_checked(network.inputs()).ok_or(Status::ScratchTooSmall)?;
        if scratch.len() < network.scratch()? {
            return Err(Status::ScratchTooSmall);
        }
        let output = output.get_mut(..network.outputs()).ok_or(Status::BufferTooSmall)?;
        // SAFETY: as above.
        rng::fill_normal(unsafe { rng.open() }?, latent);
        // SAFETY: as above.
        unsafe { network.forward(latent, scratch, output) }
    })
}

/// What is written overlaps no weights.
fn weights_apart(
    layers: &[eigenmote_layer],
    written: &[core::ops::Range<usize>],
) -> Result<(), Status> {
    layers.iter().try_for_each(|layer| {
        let weights = Read::new(layer.weights, layer.inputs.saturating_mul(layer.outputs))?;
        let bias = Read::new(layer.bias, layer.outputs)?;
        apart(written, &[weights.range(), bias.range()])
    })
}
