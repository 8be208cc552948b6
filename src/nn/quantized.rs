//! Networks of integers: weights of 8 bits, sums of 32, no float anywhere between input and output.
//!
//! [`quantize`] makes a blob of integers from a trained one of floats and from what [`Calibration`]
//! has seen going through it; [`Int8Network`] runs it and draws samples. The same blob, seed and input
//! give the same bytes on every machine, whether or not it has floats.
//!
//! # Arithmetic
//! Numbers of the caller are `i32` with 16 fraction bits. Entering a part they become steps of
//! 1/2047 of the largest input seen, `|q| ≤ 2047`. A layer has a scale per output channel,
//!
//! ```text
//! sum = Σ q[i]·w[o][i] + bias[o]                        i32, cannot overflow
//! y   = saturate16(sum·multiplier[o] / 2^shift[o] + zero), at least the lower limit
//! y   = table(y)                                        but for linear and relu
//! ```
//!
//! where the quotient is rounded to nearest (halves up) and the table is interpolated linearly between
//! 257 values of the activation. A layer hands on the upper 8 bits of `y`, rounded; what leaves a part
//! keeps all 16. Offsets of the values in between are part of the biases.
//!
//! Ports of a part, 8 bytes: multiplier and shift (2, 1) from 16 fraction bits to steps of the input,
//! shift, multiplier and zero point (1, 2, 2) from outputs back to 16 fraction bits.
//!
//! # Diffusion
//! A sample starts as noise `x`. Each step lets the network see `x`, its F features and the class or
//! vector, and with its output `e` and four coefficients of 16 fraction bits takes
//!
//! ```text
//! clean = c₀·x + c₁·e, within ± the limit
//! x     = c₂·clean + c₃·x
//! ```
//!
//! which is [`Sampler`] without noise on the way (DDIM, Song et al. 2021); see [`Step`].
//! Told a class or a vector, with a guidance `g`, `e = (1 + g)·e(told) − g·e(none)`.

use core::fmt;

use rand_core::Rng;

use super::gradient::{TrainError, take};
use super::model::{
    self, Blob, BlobError, CHANNEL_BYTES, COEFFICIENT_BYTES, F32Layers, F32Network, FIXED_BYTES,
    Kind, Numbers, PORT_BYTES, Stage, TABLE_LEN, Writer, i32_at, u16_at,
};
use super::{
    Activation, Condition, Diffusion, LayerSpec, NnError, Prediction, Sampler, Schedule,
    diffusion::embed_time,
};
use crate::rng;
use crate::scalar::Scalar;
use crate::simd::Lanes;

/// 1 with 16 fraction bits.
pub const ONE: i32 = 1 << 16;
/// Largest step of an input.
const INPUT_MAX: i32 = 2047;
/// Largest bias: with 4096 products of an input step and a weight a sum fits 32 bits.
const BIAS_MAX: i32 = 1 << 30;
/// Largest shift of a multiplier.
const SHIFT_MAX: u8 = 62;
/// The largest output that calibration saw: its upper 8 bits round to 127, not to 128.
const OUTPUT_MAX: i32 = 32512;
const OUTPUT_MIN: i32 = -32768;

/// Why an integer network gave no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Int8Error {
    /// An input or output slice has not the length of the network's.
    WrongLength {
        /// The right one.
        expected: usize,
    },
    /// The scratch memory holds fewer than `needed` values.
    ScratchTooSmall {
        /// [`Int8Layers::scratch_len`] or [`Int8Network::scratch_len`].
        needed: usize,
    },
    /// The network has no class of this number.
    NoSuchClass {
        /// Number of classes it has.
        classes: usize,
    },
    /// A vector that the network is to be told has not the length of those it was trained with.
    WrongVector {
        /// The right one: [`Blob::vector_len`], or the number of classes.
        expected: usize,
    },
    /// A network of this kind draws no samples.
    NoSampler,
}

impl fmt::Display for Int8Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongLength { expected } => write!(f, "a slice must hold {expected} values"),
            Self::ScratchTooSmall { needed } => {
                write!(f, "the scratch memory must hold {needed} values")
            }
            Self::NoSuchClass { classes } => write!(f, "the network has {classes} classes"),
            Self::WrongVector { expected: 0 } => f.write_str("the network is told no vector"),
            Self::WrongVector { expected } => {
                write!(f, "the network is told a vector of {expected} values")
            }
            Self::NoSampler => f.write_str("a network of this kind draws no samples"),
        }
    }
}

impl core::error::Error for Int8Error {}

/// `x·multiplier / 2^shift`, rounded to nearest, halves up.
#[inline(always)]
fn scaled(x: i64, multiplier: u16, shift: u8) -> i64 {
    // The shift is at most 62, the product at most 48 bits.
    let half = (1_i64 << (shift & 63)) >> 1;
    x.wrapping_mul(i64::from(multiplier)).wrapping_add(half) >> (shift & 63)
}

/// The nearest value of 32 bits.
#[inline(always)]
fn narrow(x: i64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    let x = x.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
    x
}

/// The nearest value of 16 bits.
#[inline(always)]
fn narrow16(x: i64) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    let x = x.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16;
    x
}

/// How numbers enter and leave a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ports {
    in_multiplier: u16,
    in_shift: u8,
    out_shift: u8,
    out_multiplier: u16,
    out_zero: i16,
}

impl Ports {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let &[m0, m1, in_shift, out_shift, n0, n1, z0, z1] = bytes.first_chunk::<PORT_BYTES>()?;
        let ports = Self {
            in_multiplier: u16::from_le_bytes([m0, m1]),
            in_shift,
            out_shift,
            out_multiplier: u16::from_le_bytes([n0, n1]),
            out_zero: i16::from_le_bytes([z0, z1]),
        };
        (in_shift <= SHIFT_MAX && out_shift <= SHIFT_MAX).then_some(ports)
    }

    fn to_bytes(self) -> [u8; PORT_BYTES] {
        let [m0, m1] = self.in_multiplier.to_le_bytes();
        let [n0, n1] = self.out_multiplier.to_le_bytes();
        let [z0, z1] = self.out_zero.to_le_bytes();
        [m0, m1, self.in_shift, self.out_shift, n0, n1, z0, z1]
    }

    #[inline(always)]
    fn enter(self, x: i32) -> i16 {
        let steps = scaled(i64::from(x), self.in_multiplier, self.in_shift);
        narrow16(steps.clamp(-i64::from(INPUT_MAX), i64::from(INPUT_MAX)))
    }

    #[inline(always)]
    fn leave(self, y: i16) -> i32 {
        let steps = i64::from(y) - i64::from(self.out_zero);
        narrow(scaled(steps, self.out_multiplier, self.out_shift))
    }
}

/// A checked network of integers, borrowed from its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Int8Network<'a> {
    blob: Blob<'a>,
    front: Option<Int8Layers<'a>>,
    back: Option<Int8Layers<'a>>,
    steps: &'a [u8],
}

/// Which class to draw and how strongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Class {
    /// Counted from 0.
    pub number: u16,
    /// Guidance with 16 fraction bits: 0 for none, more to keep to the class more strictly, at the cost
    /// of a second pass per step.
    pub guidance: i32,
}

impl<'a> Int8Network<'a> {
    /// Checks a blob of integers and borrows it.
    ///
    /// # Errors
    /// [`BlobError`]; [`OtherNumbers`](BlobError::OtherNumbers) if it holds floats.
    ///
    /// # Cost
    /// One pass over the bytes for the checksum and one over biases, shifts and steps; no float
    /// arithmetic.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BlobError> {
        let blob = Blob::parse(bytes)?;
        if blob.numbers() != Numbers::Int8 {
            return Err(BlobError::OtherNumbers);
        }
        let mut body = blob.body;
        let mut part = |front: bool| -> Result<Option<Int8Layers<'a>>, BlobError> {
            let layers = blob.part_layers(front);
            if layers.is_empty() {
                return Ok(None);
            }
            let (ports, rest) = body.split_at_checked(PORT_BYTES).ok_or(BlobError::BadHeader)?;
            let ports = Ports::parse(ports).ok_or(BlobError::BadNumbers)?;
            let bytes = layers.iter().filter_map(|l| model::weight_bytes(l, Numbers::Int8));
            let (weights, rest) = rest
                .split_at_checked(bytes.fold(0, usize::saturating_add))
                .ok_or(BlobError::BadHeader)?;
            body = rest;
            let part = Int8Layers { layers, weights, ports };
            if part.is_valid() { Ok(Some(part)) } else { Err(BlobError::BadNumbers) }
        };
        let (front, back) = (part(true)?, part(false)?);
        let network = Self { blob, front, back, steps: body };
        let mut rest = network.steps;
        for _ in 0..blob.steps() {
            let (step, tail) = network.split_step(rest).ok_or(BlobError::BadHeader)?;
            let (features, _) = step.features.as_chunks::<2>();
            let steps = features.iter().map(|&f| i32::from(i16::from_le_bytes(f)));
            if steps.into_iter().any(|f| f.abs() > INPUT_MAX) {
                return Err(BlobError::BadNumbers);
            }
            rest = tail;
        }
        Ok(network)
    }

    /// Header and layers.
    pub fn blob(&self) -> &Blob<'a> {
        &self.blob
    }

    /// The encoder, or the network of a diffusion model.
    pub fn front(&self) -> Option<Int8Layers<'a>> {
        self.front
    }

    /// The decoder, generator or plain network.
    pub fn back(&self) -> Option<Int8Layers<'a>> {
        self.back
    }

    /// The step at the start of these bytes, and the bytes behind it.
    fn split_step(&self, bytes: &'a [u8]) -> Option<(StepView<'a>, &'a [u8])> {
        let (features, rest) = bytes.split_at_checked(2 * self.blob.features())?;
        let (coefficients, rest) = rest.split_first_chunk::<COEFFICIENT_BYTES>()?;
        Some((StepView { features, coefficients }, rest))
    }

    /// Length of the scratch memory of [`sample`](Self::sample).
    pub fn scratch_len(&self) -> usize {
        let parts = self.front.iter().chain(&self.back);
        let widest = parts.map(Int8Layers::scratch_len).max().unwrap_or(0);
        widest + self.kept_len()
    }

    /// What guidance keeps: a prediction, if the network is told something.
    fn kept_len(&self) -> usize {
        if self.blob.condition_len() > 0 { self.blob.latent() } else { 0 }
    }

    /// Draws a sample: a latent vector of standard normal values through decoder or generator, or noise
    /// through all steps of a diffusion model and its decoder, if it has one. `out` gets
    /// [`Blob::outputs`] values with 16 fraction bits; `class` only serves diffusion models with
    /// classes.
    ///
    /// # Errors
    /// [`Int8Error`]
    ///
    /// # Cost
    /// A multiplication per weight; for diffusion that times the steps, and twice with guidance. No
    /// memory beside `scratch` and `out`.
    pub fn sample(
        &self,
        rng: &mut impl Rng,
        class: Option<Class>,
        scratch: &mut [i16],
        out: &mut [i32],
    ) -> Result<(), Int8Error> {
        let told = class.map_or((Condition::None, 0), |Class { number, guidance }| {
            (Condition::Class(number.into()), guidance)
        });
        self.sample_under(rng, told, scratch, out)
    }

    /// [`sample`](Self::sample) of a network that is told a condition: a class, or a vector of
    /// [`Blob::vector_len`] values with 16 fraction bits, such as
    /// [`WordTable::vector_fixed`](crate::embed::WordTable::vector_fixed) gives for a prompt. Behind it
    /// stands the guidance, with 16 fraction bits as in [`Class`]. A network with classes may be told a
    /// vector of as many values, which mixes them.
    ///
    /// # Errors
    /// [`Int8Error`]
    ///
    /// # Cost
    /// As [`sample`](Self::sample).
    pub fn sample_under(
        &self,
        rng: &mut impl Rng,
        told: (Condition<'_, i32>, i32),
        scratch: &mut [i16],
        out: &mut [i32],
    ) -> Result<(), Int8Error> {
        let expected = self.blob.outputs();
        if out.len() != expected {
            return Err(Int8Error::WrongLength { expected });
        }
        let (classes, expected) = (self.blob.classes(), self.blob.condition_len());
        match told.0 {
            Condition::Class(number) if number >= classes => {
                return Err(Int8Error::NoSuchClass { classes });
            }
            Condition::Vector(vector) if vector.len() != expected => {
                return Err(Int8Error::WrongVector { expected });
            }
            _ => {}
        }
        let needed = self.scratch_len();
        let scratch = scratch.get_mut(..needed).ok_or(Int8Error::ScratchTooSmall { needed })?;
        match (self.blob.kind(), &self.front, &self.back) {
            (Kind::Vae | Kind::Gan, _, Some(decoder)) => decoder.sample(rng, scratch, out),
            (Kind::Diffusion, Some(denoiser), back) => {
                // Checked by parsing: a latent vector is not longer than a sample.
                let latent = out.get_mut(..denoiser.outputs()).unwrap_or(&mut []);
                latent.iter_mut().for_each(|x| *x = rng::normal_fixed(rng));
                self.denoise(denoiser, told, scratch, latent)?;
                match back {
                    Some(decoder) => {
                        let (near, far) = decoder.halves(scratch)?;
                        decoder.enter(near, latent);
                        decoder.run_to(near, far, out)
                    }
                    None => Ok(()),
                }
            }
            _ => Err(Int8Error::NoSampler),
        }
    }

    /// All steps, in place.
    fn denoise(
        &self,
        denoiser: &Int8Layers<'a>,
        (condition, guidance): (Condition<'_, i32>, i32),
        scratch: &mut [i16],
        x: &mut [i32],
    ) -> Result<(), Int8Error> {
        let needed = self.scratch_len();
        let small = Int8Error::ScratchTooSmall { needed };
        let (kept, scratch) = scratch.split_at_mut_checked(self.kept_len()).ok_or(small)?;
        let guided = guidance != 0 && !matches!(condition, Condition::None);
        let mut rest = self.steps;
        while let Some((step, tail)) = self.split_step(rest) {
            rest = tail;
            if guided {
                let free = self.look(denoiser, &step, Condition::None, scratch, x)?;
                for (kept, &e) in kept.iter_mut().zip(free) {
                    *kept = e;
                }
            }
            let seen = self.look(denoiser, &step, condition, scratch, x)?;
            let [to_clean, e_clean, keep, to_x] = step.coefficients();
            // Without guidance the first list is not read: any list of that length.
            let free = if guided { &*kept } else { seen };
            for ((x, &e), &free) in x.iter_mut().zip(seen).zip(free) {
                let mut e = denoiser.ports.leave(e);
                if guided {
                    let free = denoiser.ports.leave(free);
                    let apart = i64::from(e) - i64::from(free);
                    let more = apart.saturating_mul(guidance.into()) >> 16;
                    e = narrow(i64::from(e).saturating_add(more));
                }
                let mut clean = blend(&[(to_clean, *x), (e_clean, e)]);
                if let Some(limit) = self.blob.limit() {
                    // Not `clamp`: it would panic at a negative limit.
                    clean = clean.min(limit).max(limit.wrapping_neg());
                }
                *x = blend(&[(keep, clean), (to_x, *x)]);
            }
        }
        Ok(())
    }

    /// The output of the network for one step, in its own steps.
    fn look<'s>(
        &self,
        denoiser: &Int8Layers<'a>,
        step: &StepView<'a>,
        condition: Condition<'_, i32>,
        scratch: &'s mut [i16],
        x: &[i32],
    ) -> Result<&'s [i16], Int8Error> {
        let (near, far) = denoiser.halves(scratch)?;
        denoiser.enter(near, x);
        let behind = near.get_mut(x.len()..).unwrap_or(&mut []);
        let (features, _) = step.features.as_chunks::<2>();
        for (slot, &feature) in behind.iter_mut().zip(features) {
            *slot = i16::from_le_bytes(feature);
        }
        let behind = behind.get_mut(features.len()..).unwrap_or(&mut []);
        for (index, slot) in behind.iter_mut().take(self.blob.condition_len()).enumerate() {
            let value = match condition {
                Condition::Class(number) if number == index => ONE,
                Condition::None | Condition::Class(_) => 0,
                Condition::Vector(vector) => vector.get(index).copied().unwrap_or(0),
            };
            *slot = denoiser.ports.enter(value);
        }
        denoiser.run(near, far)
    }
}

/// `Σ cᵢ·xᵢ` of numbers with 16 fraction bits.
#[inline(always)]
fn blend(terms: &[(i32, i32)]) -> i32 {
    let products = terms.iter().map(|&(c, x)| i64::from(c) * i64::from(x));
    narrow(products.fold(1 << 15, i64::saturating_add) >> 16)
}

/// A step where it lies in the blob.
#[derive(Clone, Copy, Debug)]
struct StepView<'a> {
    features: &'a [u8],
    coefficients: &'a [u8; COEFFICIENT_BYTES],
}

impl StepView<'_> {
    fn coefficients(&self) -> [i32; 4] {
        let (words, _) = self.coefficients.as_chunks::<4>();
        let mut coefficients = [0; 4];
        for (c, &word) in coefficients.iter_mut().zip(words) {
            *c = i32::from_le_bytes(word);
        }
        coefficients
    }
}

/// Layers of a blob of integers that follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Int8Layers<'a> {
    layers: &'a [[u8; 12]],
    weights: &'a [u8],
    ports: Ports,
}

/// One layer where it lies in the blob.
struct LayerView<'a> {
    zero: i16,
    lowest: i16,
    inputs: usize,
    outputs: usize,
    channels: &'a [u8],
    weights: &'a [u8],
    table: &'a [u8],
}

impl<'a> LayerView<'a> {
    /// The layer at the start of the bytes, and the bytes behind it.
    #[inline(always)]
    fn split(layer: &[u8; 12], bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (inputs, outputs) = model::sizes(layer);
        let (fixed, rest) = bytes.split_first_chunk::<FIXED_BYTES>()?;
        let (channels, rest) = rest.split_at_checked(CHANNEL_BYTES * outputs)?;
        let (weights, rest) = rest.split_at_checked(inputs * outputs)?;
        let table = if model::is_tabulated(layer) { 2 * TABLE_LEN } else { 0 };
        let (table, rest) = rest.split_at_checked(table)?;
        let zero = u16_at(fixed, 0).cast_signed();
        let lowest = u16_at(fixed, 2).cast_signed();
        Some((Self { zero, lowest, inputs, outputs, channels, weights, table }, rest))
    }

    fn is_valid(&self) -> bool {
        let (channels, _) = self.channels.as_chunks::<CHANNEL_BYTES>();
        channels.iter().all(|&[_, _, shift, ..]| shift <= SHIFT_MAX)
            && channels.iter().all(|c| i32_at(c, 3).unsigned_abs() <= BIAS_MAX.unsigned_abs())
    }

    /// Outputs of 16 bits.
    #[inline(always)]
    fn apply(&self, x: &[i16], out: &mut [i16]) {
        let (channels, _) = self.channels.as_chunks::<CHANNEL_BYTES>();
        let mut weights = self.weights;
        for (y, channel) in out.iter_mut().zip(channels) {
            let (row, others) = weights.split_at_checked(self.inputs).unwrap_or_default();
            weights = others;
            // |sum| ≤ 4096·2047·128 + 2^30 < 2^31
            let mut sum = i32_at(channel, 3);
            for (&x, &w) in x.iter().zip(row) {
                sum = sum.wrapping_add(i32::from(x) * i32::from(w.cast_signed()));
            }
            let &[_, _, shift, ..] = channel;
            let steps = scaled(i64::from(sum), u16_at(channel, 0), shift);
            let steps = narrow16(steps.saturating_add(i64::from(self.zero)));
            *y = self.look_up(steps.max(self.lowest));
        }
    }

    /// The activation by its table, if it has one.
    #[inline(always)]
    fn look_up(&self, x: i16) -> i16 {
        if self.table.is_empty() {
            return x;
        }
        let place = i32::from(x) - OUTPUT_MIN;
        let (entry, part) = ((place >> 8).unsigned_abs() as usize, place & 0xff);
        let at = |entry: usize| i32::from(u16_at(self.table, 2 * entry).cast_signed());
        let (low, high) = (at(entry), at(entry + 1));
        narrow16(i64::from(low + (((high - low) * part + 128) >> 8)))
    }
}

impl Int8Layers<'_> {
    fn is_valid(&self) -> bool {
        let mut rest = self.weights;
        for layer in self.layers {
            match LayerView::split(layer, rest) {
                Some((view, tail)) if view.is_valid() => rest = tail,
                _ => return false,
            }
        }
        true
    }

    /// Length of the input.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| model::sizes(layer).0)
    }

    /// Length of the output.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| model::sizes(layer).1)
    }

    /// Length of the scratch memory of [`forward`](Self::forward): twice the longest vector.
    pub fn scratch_len(&self) -> usize {
        2 * self.widest()
    }

    fn widest(&self) -> usize {
        let longest = self.layers.iter().map(|layer| {
            let (inputs, outputs) = model::sizes(layer);
            inputs.max(outputs)
        });
        longest.max().unwrap_or(0)
    }

    fn halves<'s>(
        &self,
        scratch: &'s mut [i16],
    ) -> Result<(&'s mut [i16], &'s mut [i16]), Int8Error> {
        let needed = self.scratch_len();
        let scratch = scratch.get_mut(..needed).ok_or(Int8Error::ScratchTooSmall { needed })?;
        scratch.split_at_mut_checked(self.widest()).ok_or(Int8Error::ScratchTooSmall { needed })
    }

    fn enter(&self, near: &mut [i16], x: &[i32]) {
        for (slot, &x) in near.iter_mut().zip(x) {
            *slot = self.ports.enter(x);
        }
    }

    /// Computes the output for one input, both with 16 fraction bits. Values beyond those seen in
    /// calibration come out as the nearest ones.
    ///
    /// # Errors
    /// [`Int8Error::WrongLength`], [`Int8Error::ScratchTooSmall`].
    ///
    /// # Cost
    /// A multiplication of integers per weight, one of 64 bits per output; no floats.
    pub fn forward(
        &self,
        x: &[i32],
        scratch: &mut [i16],
        out: &mut [i32],
    ) -> Result<(), Int8Error> {
        for (length, expected) in [(x.len(), self.inputs()), (out.len(), self.outputs())] {
            if length != expected {
                return Err(Int8Error::WrongLength { expected });
            }
        }
        let (near, far) = self.halves(scratch)?;
        self.enter(near, x);
        self.run_to(near, far, out)
    }

    /// Passes on a vector of standard normal values: a sample of a decoder or generator, and all that a
    /// program for one of them has to link.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn sample(
        &self,
        rng: &mut impl Rng,
        scratch: &mut [i16],
        out: &mut [i32],
    ) -> Result<(), Int8Error> {
        let expected = self.outputs();
        if out.len() != expected {
            return Err(Int8Error::WrongLength { expected });
        }
        let (near, far) = self.halves(scratch)?;
        for slot in near.iter_mut().take(self.inputs()) {
            *slot = self.ports.enter(rng::normal_fixed(rng));
        }
        self.run_to(near, far, out)
    }

    fn run_to(&self, near: &mut [i16], far: &mut [i16], out: &mut [i32]) -> Result<(), Int8Error> {
        let found = self.run(near, far)?;
        for (out, &y) in out.iter_mut().zip(found) {
            *out = self.ports.leave(y);
        }
        Ok(())
    }

    /// From the input in `near` to the output, in one of the two.
    fn run<'s>(&self, near: &'s mut [i16], far: &'s mut [i16]) -> Result<&'s [i16], Int8Error> {
        let small = Int8Error::ScratchTooSmall { needed: self.scratch_len() };
        let (mut near, mut far) = (near, far);
        let mut rest = self.weights;
        let mut left = self.layers.len();
        for layer in self.layers {
            // Checked by parsing: the bytes hold every layer.
            let Some((view, tail)) = LayerView::split(layer, rest) else { break };
            rest = tail;
            left = left.saturating_sub(1);
            let x = near.get(..view.inputs).ok_or(small)?;
            let out = far.get_mut(..view.outputs).ok_or(small)?;
            view.apply(x, out);
            if left > 0 {
                for y in out.iter_mut() {
                    *y = (*y >> 8) + ((*y >> 7) & i16::from(*y < 0x7f80));
                }
            }
            core::mem::swap(&mut near, &mut far);
        }
        let near: &'s [i16] = near;
        near.get(..self.outputs()).ok_or(small)
    }
}

/// Lowest and highest value seen.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Range {
    /// `+∞` as long as nothing was seen.
    pub low: f32,
    /// `−∞` as long as nothing was seen.
    pub high: f32,
}

impl Range {
    /// Nothing seen.
    pub const NEW: Self = Self { low: f32::INFINITY, high: f32::NEG_INFINITY };

    fn see(&mut self, values: &[f32]) {
        for &v in values {
            self.low = if v < self.low { v } else { self.low };
            self.high = if v > self.high { v } else { self.high };
        }
    }

    fn size(self) -> f32 {
        let (low, high) = (self.low.abs(), self.high.abs());
        if low > high { low } else { high }
    }
}

/// What was seen at a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LayerRange {
    /// Its inputs, if it is the first of a part.
    pub input: Range,
    /// Its sums, before the activation.
    pub sum: Range,
    /// Its outputs.
    pub output: Range,
}

impl LayerRange {
    /// Nothing seen.
    pub const NEW: Self = Self { input: Range::NEW, sum: Range::NEW, output: Range::NEW };
}

/// Watches values going through a network of floats, to choose the scales of the integers.
#[derive(Debug)]
pub struct Calibration<'a> {
    network: F32Network<'a>,
    ranges: &'a mut [LayerRange],
}

impl<'a> Calibration<'a> {
    /// Starts with nothing seen. `ranges` holds one entry per layer of the blob.
    ///
    /// # Errors
    /// [`NnError::ScratchTooSmall`] if `ranges` is too short.
    pub fn new(network: F32Network<'a>, ranges: &'a mut [LayerRange]) -> Result<Self, NnError> {
        let needed = network.blob().layers().count();
        let ranges = ranges.get_mut(..needed).ok_or(NnError::ScratchTooSmall { needed })?;
        ranges.fill(LayerRange::NEW);
        Ok(Self { network, ranges })
    }

    /// Runs a part and watches it: the front (`true`) or the back. A part that is not there is let be.
    ///
    /// # Errors
    /// As [`F32Layers::forward`].
    pub fn observe(
        &mut self,
        front: bool,
        x: &[f32],
        scratch: &mut [f32],
        out: &mut [f32],
    ) -> Result<(), NnError> {
        let part = if front { self.network.front() } else { self.network.back() };
        let Some(part) = part else { return Ok(()) };
        let first = if front { 0 } else { self.network.blob().front_layers() };
        part.forward_seen(x, scratch, out, |layer, stage, values| {
            if let Some(range) = self.ranges.get_mut(first + layer) {
                match stage {
                    Stage::Input => range.input.see(values),
                    Stage::Sum => range.sum.see(values),
                    Stage::Output => range.output.see(values),
                }
            }
        })
    }

    /// Draws a sample in floats and watches all inputs of the network of a diffusion model on its way,
    /// under a condition and, as guidance needs it, under none; and the back, if it is there. `model` is
    /// what the blob was made of.
    ///
    /// # Errors
    /// Those of [`Diffusion::sample`]; [`TrainError::MemoryTooSmall`] unless `memory` holds
    /// [`sampling_memory_len`](Self::sampling_memory_len) values.
    pub fn observe_sampling(
        &mut self,
        model: &Diffusion<'_, f32>,
        sampler: &Sampler<f32>,
        condition: Condition<'_, f32>,
        rng: &mut impl Rng,
        memory: &mut [f32],
    ) -> Result<(), TrainError> {
        let needed = self.sampling_memory_len();
        let short = TrainError::MemoryTooSmall { needed };
        let memory = memory.get_mut(..needed).ok_or(short)?;
        let (input, memory) = take(memory, model.network().inputs()).ok_or(short)?;
        let (x, memory) = take(memory, model.width()).ok_or(short)?;
        let (prediction, memory) = take(memory, model.width()).ok_or(short)?;
        let (unused, memory) = take(memory, model.width()).ok_or(short)?;
        let back = self.network.back();
        let (sample, scratch) = take(memory, back.map_or(0, |back| back.outputs())).ok_or(short)?;
        let kind = (model.schedule(), model.prediction());
        let times = if matches!(condition, Condition::None) { 1 } else { 2 };
        sampler.run(kind, rng, x, prediction, |x, t, prediction| -> Result<(), TrainError> {
            let both = [(condition, prediction), (Condition::None, &mut *unused)];
            for (told, out) in both.into_iter().take(times) {
                for (slot, &x) in input.iter_mut().zip(x) {
                    *slot = x;
                }
                model.condition(input, t, told)?;
                self.observe(true, input, scratch, out)?;
            }
            Ok(())
        })?;
        Ok(self.observe(false, x, scratch, sample)?)
    }

    /// Values of memory that [`observe_sampling`](Self::observe_sampling) needs.
    pub fn sampling_memory_len(&self) -> usize {
        let (front, back) = (self.network.front(), self.network.back());
        let parts = front.iter().chain(&back);
        let scratch = parts.map(F32Layers::scratch_len).max().unwrap_or(0);
        let ends = front.map_or(0, |front| front.inputs() + 3 * front.outputs());
        scratch + ends + back.map_or(0, |back| back.outputs())
    }
}

/// One step of the sampler of a diffusion model, in floats.
///
/// From `ᾱ` before the step to `ᾱ'` after it (1 for the last), `x' = √ᾱ'·clean + √(1 − ᾱ')·noise`
/// with `noise = (x − √ᾱ·clean)/√(1 − ᾱ)`, and `clean` from what the network says: `(x − √(1 − ᾱ)·e)/√ᾱ`
/// if it predicts the noise, `e` if the sample, `√ᾱ·x − √(1 − ᾱ)·e` if the velocity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step<'a> {
    /// Features of the time, of the length [`Blob::features`].
    pub features: &'a [f32],
    /// ᾱ before the step, within (0, 1).
    pub alpha: f32,
    /// ᾱ after it, within (0, 1].
    pub next: f32,
}

impl<'a> Step<'a> {
    /// The step at time `k/count` to `(k − 1)/count`, with the features of the time written to `features`:
    /// a sampler of `count` steps takes those from `k = count` down to 1.
    pub fn at(schedule: Schedule, (k, count): (u32, u32), features: &'a mut [f32]) -> Self {
        let time = |k: u32| f32::from_u32(k) / f32::from_u32(count.max(1));
        let alpha = |k: u32| if k == 0 { 1.0 } else { schedule.alpha_bar(time(k)) };
        embed_time(time(k), features);
        Self { features, alpha: alpha(k), next: alpha(k.saturating_sub(1)) }
    }

    /// The step in floats, in place: what integers come close to. `limit` may be infinite, `e` is the
    /// output of the network for `x`.
    pub fn apply(&self, prediction: Prediction, limit: f32, e: &[f32], x: &mut [f32]) {
        let [to_clean, e_clean, keep, to_x] = self.coefficients(prediction);
        for (x, &e) in x.iter_mut().zip(e) {
            let clean = to_clean * *x + e_clean * e;
            *x = keep * Scalar::min(clean, limit).max(-limit) + to_x * *x;
        }
    }

    /// `[c₀ … c₃]` of the module's text.
    fn coefficients(&self, prediction: Prediction) -> [f32; 4] {
        let (signal, spread) = (sqrt(self.alpha), sqrt(1.0 - self.alpha));
        let of_x = sqrt(1.0 - self.next) / spread;
        let of_clean = sqrt(self.next) - of_x * signal;
        match prediction {
            Prediction::Noise => [1.0 / signal, -(spread / signal), of_clean, of_x],
            Prediction::Sample => [0.0, 1.0, of_clean, of_x],
            Prediction::Velocity => [signal, -spread, of_clean, of_x],
        }
    }
}

/// The library's own square root, whatever else is in scope.
fn sqrt(x: f32) -> f32 {
    Lanes::<f32>::sqrt(x)
}

/// Steps of a diffusion model to sample with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps<'a> {
    /// From noise to sample.
    pub steps: &'a [Step<'a>],
    /// The clean sample is kept within ± this, if it is not 0.
    pub limit: f32,
}

/// Bytes of the blob that [`quantize`] makes; `None` if that is not countable.
pub fn quantized_len(network: &F32Network<'_>, steps: usize) -> Option<usize> {
    model::int8_bytes(network.blob(), steps)
}

/// Writes the integer form of a network of floats and returns its length. It has been parsed, so what is
/// written is valid. `calibration` has seen what will go through the network: samples through an encoder,
/// latent vectors through a decoder, and for diffusion all inputs of the network over many samplings.
///
/// Weights become `w ≈ s·q`, `|q| ≤ 127`, with a scale `s` per output; outputs get 8 bits (the last layer of a
/// part 16) over the range that was seen.
///
/// # Errors
/// [`BlobError::BufferTooSmall`]; [`BlobError::BadScale`] if a layer was not seen or its values are out of
/// proportion; [`BlobError::BadParts`] if steps are missing, too many or of other features, and whatever
/// parsing finds wrong.
pub fn quantize(
    calibration: &Calibration<'_>,
    steps: Option<Steps<'_>>,
    out: &mut [u8],
) -> Result<usize, BlobError> {
    let network = &calibration.network;
    let blob = network.blob();
    let Steps { steps, limit } = steps.unwrap_or(Steps { steps: &[], limit: 0.0 });
    let matching = steps.iter().all(|step| step.features.len() == blob.features());
    if (blob.kind() == Kind::Diffusion) == steps.is_empty() || !matching {
        return Err(BlobError::BadParts);
    }
    let needed = quantized_len(network, steps.len()).ok_or(BlobError::BadParts)?;
    let length = u32::try_from(needed).map_err(|_| BlobError::BadParts)?;
    let count = u16::try_from(steps.len()).map_err(|_| BlobError::BadParts)?;
    let out = out.get_mut(..needed).ok_or(BlobError::BufferTooSmall { needed })?;
    let mut writer = Writer { out, at: 0 };
    model::put_int8_head(&mut writer, blob, length, count, fixed(limit));
    let mut enter = None;
    if let Some(front) = network.front() {
        enter = Some(put_part(&mut writer, &front, calibration.ranges)?);
    }
    if let Some(back) = network.back() {
        let ranges = calibration.ranges.get(blob.front_layers()..).unwrap_or(&[]);
        put_part(&mut writer, &back, ranges)?;
    }
    for step in steps {
        let ports = enter.ok_or(BlobError::BadParts)?;
        for &feature in step.features {
            writer.put(&ports.enter(fixed(feature)).to_le_bytes());
        }
        if !(step.alpha > 0.0 && step.alpha < 1.0 && step.next > 0.0 && step.next <= 1.0) {
            return Err(BlobError::BadNumbers);
        }
        for c in step.coefficients(blob.prediction()) {
            if !(c.abs() < 32768.0) {
                return Err(BlobError::BadNumbers);
            }
            writer.put(&fixed(c).to_le_bytes());
        }
    }
    writer.finish();
    Int8Network::parse(out).map(|network| network.blob.bytes().len())
}

/// The nearest number with 16 fraction bits.
pub fn fixed(x: f32) -> i32 {
    whole(x * 65536.0)
}

/// The number with 16 fraction bits as a float.
pub fn float(x: i32) -> f32 {
    f32::from_i32(x) * (1.0 / 65536.0)
}

/// The nearest whole number, within 32 bits.
fn whole(x: f32) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
    let x = Scalar::round(x) as i32;
    x
}

/// `ratio ≈ multiplier/2^shift` with 16 bits.
fn multiplier(ratio: f32) -> Option<(u16, u8)> {
    if !(ratio > 0.0 && ratio.is_finite()) {
        return None;
    }
    let mut shift = 15 - ratio.exponent();
    let mut steps = whole(ratio.scale_exp2(shift));
    if steps == 1 << 16 {
        steps = 1 << 15;
        shift -= 1;
    }
    if shift > i32::from(SHIFT_MAX) {
        // Less than 2^-46: nothing is left of any sum.
        return Some((0, 0));
    }
    Some((u16::try_from(steps).ok()?, u8::try_from(shift).ok()?))
}

/// Scale and zero point of outputs of 16 bits over a range.
fn output_scale(range: Range) -> Option<(f32, i32)> {
    // Zero is among the values, so that a zero point has 16 bits.
    let low = if range.low < 0.0 { range.low } else { 0.0 };
    let high = if range.high > 0.0 { range.high } else { 0.0 };
    let spread = high - low;
    if !spread.is_finite() || !(range.low <= range.high) {
        return None;
    }
    // Outputs that are always 0 may have any scale.
    let spread = if spread > f32::MIN_POSITIVE * 65536.0 { spread } else { 1.0 };
    let scale = spread / f32::from_i32(OUTPUT_MAX - OUTPUT_MIN);
    Some((scale, OUTPUT_MIN - whole(low / scale)))
}

/// How wide a range of sums the table of an activation covers: beyond, the function is flat.
fn table_reach(activation: Activation<f32>, sum: Range) -> f32 {
    let most = match activation {
        Activation::Tanh => 6.0,
        Activation::Sigmoid => 12.0,
        _ => f32::MAX,
    };
    let reach = sum.size();
    if reach > most { most } else { reach }
}

/// Writes ports and layers of a part.
fn put_part(
    writer: &mut Writer<'_>,
    part: &F32Layers<'_>,
    ranges: &[LayerRange],
) -> Result<Ports, BlobError> {
    let first = ranges.first().ok_or(BlobError::BadScale)?.input;
    let last = part.layers().count().saturating_sub(1);
    let reach = first.size();
    if !(reach.is_finite() && first.low <= first.high) {
        return Err(BlobError::BadScale);
    }
    let reach = if reach > f32::MIN_POSITIVE * 65536.0 { reach } else { 1.0 };
    let mut scale = reach / f32::from_i32(INPUT_MAX);
    let (in_multiplier, in_shift) =
        multiplier(1.0 / (scale * 65536.0)).ok_or(BlobError::BadScale)?;
    let out = ranges.get(last).ok_or(BlobError::BadScale)?.output;
    let (out_scale, out_zero) = output_scale(out).ok_or(BlobError::BadScale)?;
    let (out_multiplier, out_shift) = multiplier(out_scale * 65536.0).ok_or(BlobError::BadScale)?;
    let ports = Ports {
        in_multiplier,
        in_shift,
        out_shift,
        out_multiplier,
        out_zero: narrow16(i64::from(out_zero)),
    };
    writer.put(&ports.to_bytes());
    let mut offset = 0.0;
    let mut params = part.params();
    for (layer, range) in part.layers().zip(ranges) {
        (scale, offset) = put_layer(writer, &layer, range, &mut params, scale, offset)?;
    }
    Ok(ports)
}

/// Writes a layer whose inputs are `scale·(q − offset)`, and returns both of its outputs' 8 bits.
fn put_layer(
    writer: &mut Writer<'_>,
    layer: &LayerSpec<f32>,
    range: &LayerRange,
    params: &mut (impl Iterator<Item = f32> + Clone),
    scale: f32,
    offset: f32,
) -> Result<(f32, f32), BlobError> {
    let (out_scale, out_zero) = output_scale(range.output).ok_or(BlobError::BadScale)?;
    let tabulated = !matches!(layer.activation, Activation::Linear | Activation::Relu);
    let reach = table_reach(layer.activation, range.sum);
    let reach = if reach > f32::MIN_POSITIVE * 65536.0 { reach } else { 1.0 };
    // Scale and zero point of what the sums become: outputs, or places in the table.
    let (sum_scale, zero, lowest) = match layer.activation {
        _ if tabulated => (reach / 32768.0, 0, OUTPUT_MIN),
        Activation::Relu => (out_scale, out_zero, out_zero),
        _ => (out_scale, out_zero, OUTPUT_MIN),
    };
    writer.put(&narrow16(i64::from(zero)).to_le_bytes());
    writer.put(&narrow16(i64::from(lowest)).to_le_bytes());
    let rows = params.clone();
    let biases = params.clone().skip(layer.inputs.saturating_mul(layer.outputs));
    let row_scale = |row: usize, bias: f32| {
        let weights = rows.clone().skip(row.saturating_mul(layer.inputs)).take(layer.inputs);
        let size = weights.fold(0.0_f32, |m, w| if w.abs() > m { w.abs() } else { m });
        // Where the weights are next to nothing the bias decides: it has to fit too.
        let (own, least) = (size / 127.0, bias.abs() / (scale * f32::from_i32(BIAS_MAX / 4)));
        let own = if own > least { own } else { least };
        if own > f32::MIN_POSITIVE * 65536.0 { own } else { 1.0 }
    };
    for (row, bias) in biases.clone().take(layer.outputs).enumerate() {
        let own = row_scale(row, bias);
        let weights = rows.clone().skip(row.saturating_mul(layer.inputs)).take(layer.inputs);
        let total = weights.fold(0_i32, |sum, w| sum.wrapping_add(whole(w / own)));
        // Sums count in units of scale·own.
        let unit = scale * own;
        let (multiplier, shift) = multiplier(unit / sum_scale).ok_or(BlobError::BadScale)?;
        let bias = bias / unit - offset * f32::from_i32(total);
        writer.put(&multiplier.to_le_bytes());
        writer.put(&[shift]);
        writer.put(&whole(bias).clamp(-BIAS_MAX, BIAS_MAX).to_le_bytes());
    }
    for (row, bias) in biases.take(layer.outputs).enumerate() {
        let own = row_scale(row, bias);
        let weights = rows.clone().skip(row.saturating_mul(layer.inputs)).take(layer.inputs);
        for w in weights {
            let [byte, ..] = whole(w / own).clamp(-127, 127).to_le_bytes();
            writer.put(&[byte]);
        }
    }
    if tabulated {
        for entry in 0..TABLE_LEN {
            let place = f32::from_i32(i32::try_from(entry).unwrap_or(0) - 128) * 256.0;
            let mut value = [place * sum_scale];
            layer.activation.apply(&mut value);
            let [value] = value;
            let steps = i64::from(whole(value / out_scale)) + i64::from(out_zero);
            writer.put(&narrow16(steps).to_le_bytes());
        }
    }
    params.by_ref().take(layer.params()).for_each(drop);
    // Of the 16 bits the upper 8 go on.
    Ok((out_scale * 256.0, f32::from_i32(out_zero) / 256.0))
}

/// How far a network of integers is from that of floats.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Deviation {
    count: f32,
    squares: f32,
    signal: f32,
    /// Largest difference of an output.
    pub largest: f32,
}

impl Deviation {
    /// Adds an output of both.
    pub fn add(&mut self, floats: &[f32], integers: &[i32]) {
        for (&x, &q) in floats.iter().zip(integers) {
            let off = (x - float(q)).abs();
            self.largest = if off > self.largest { off } else { self.largest };
            self.squares += off * off;
            self.signal += x * x;
            self.count += 1.0;
        }
    }

    /// Root mean square of the differences.
    pub fn rms(&self) -> f32 {
        if self.count > 0.0 { sqrt(self.squares / self.count) } else { 0.0 }
    }

    /// [`rms`](Self::rms) in units of the root mean square output; 0 if all outputs are 0.
    pub fn relative(&self) -> f32 {
        if self.signal > 0.0 { sqrt(self.squares / self.signal) } else { 0.0 }
    }
}
