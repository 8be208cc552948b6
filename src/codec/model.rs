//! The model blob: everything encoder and decoder share beforehand, as flat bytes.
//!
//! [`Model::parse`] checks it once, borrows it (it can stay in flash), and after that no accessor
//! can fail. [`ModelSpec::write`] makes it. All numbers are little-endian.
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 4 | `EIGM` |
//! | 4 | 1 | version of the format, 3 |
//! | 5 | 1 | mode: 0 bounded, 1 transform, 2 predictive |
//! | 6 | 1 | kind of sample: 1 `i16`, 2 `i32`, 3 `f32`, 4 `f64` |
//! | 7 | 1 | rate of adaptation of the contexts, 2 to 8 |
//! | 8 | 4 | length of the blob, CRC included |
//! | 12 | 2 | channels C, 1 to 256 |
//! | 14 | 2 | rows of a full window W, 1 to 4096; C·W plain samples take at most 65535 bytes |
//! | 16 | 2 | components K; 0 but in transform mode |
//! | 18 | 1 | 1 if priors follow, 0 if they are [`DEFAULT_PRIORS`] |
//! | 19 | 1 | transform mode: bytes of a weight, 1 or 2; else 0 |
//! | 20 | 4 | not in bounded mode: step of the coefficients in counts, 8 fraction bits, or what a bit is worth, see [`Method::Predictive`] |
//! | 24 | 4 | not in bounded mode: root mean square error allowed per window in counts, or in predictive mode in epsilons, 8 fraction bits; 0: none promised |
//! | … | 196 | priors of the contexts, if any: chance of a one, see [`Model::priors`] |
//! | … | | the channels, one after the other |
//! | … | 4·K | expected magnitude of each quantised coefficient, 8 fraction bits |
//! | … | K | weights of one byte only: the fraction bits of each component's weights, up to 14 |
//! | … | (1 or 2)·K·C·W | basis: for each row, for each channel, the K weights, `i8`, or `i16` with 14 fraction bits |
//! | end − 4 | 4 | CRC-32 (ISO-HDLC) of everything before |
//!
//! A channel:
//!
//! | size | meaning |
//! |---|---|
//! | 3·w | offset, step, epsilon: bits of the `f32` (w = 4) or `f64`, or `i64` (w = 8) |
//! | 4 | mean, `i32` |
//! | 4, 4 | spread and scale, 8 fraction bits |
//! | 1, 1 | numbers of terms for a first row and for later rows, up to 16 each |
//! | 4 each | the terms: channel (1), counts of it since, up to 7 (1), weight (`i16` with 12 fraction bits) |

use core::fmt;
use core::marker::PhantomData;

use crc::{CRC_32_ISO_HDLC, Crc};

use super::entropy::CONTEXTS;
use super::fit::DEFAULT_PRIORS;
use super::lattice::{Lattice, Sample, SampleKind};
use super::predict::{MAX_LAG, MAX_TERMS, Predictor, TERM_BYTES, Term, Terms};
use super::transform::BASIS_BITS;
use super::{frame, rows};

/// Most channels of a model.
pub const MAX_CHANNELS: usize = 256;
/// Most rows of a window.
pub const MAX_WINDOW: usize = 4096;
/// Most bytes of a window's plain samples.
pub const MAX_PAYLOAD: usize = u16::MAX as usize;
/// Largest expected magnitude, 8 fraction bits included.
const MAX_LEVEL: u32 = 1 << 30;
/// Largest step of the coefficients: 2^20 counts.
const MAX_COEFFICIENT_STEP: u32 = 1 << 28;
/// Most that a bit may be worth: 256 squared steps.
const MAX_TRADEOFF: u32 = 1 << 16;
/// Largest error budget: its square times the values of a window must fit 64 bits.
const MAX_BUDGET: u32 = 1 << 23;

const MAGIC: [u8; 4] = *b"EIGM";
const VERSION: u8 = 3;
const HEADER_BYTES: usize = 20;
const BUDGET_BYTES: usize = 8;
const CRC_BYTES: usize = 4;

/// The checksum of models, frames and tables.
pub(crate) const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// The same with less of a table on chips, a frame being short.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    if cfg!(target_os = "none") { checksum_by_halves(bytes) } else { CRC.checksum(bytes) }
}

/// With a table of 64 bytes instead of a kibibyte.
fn checksum_by_halves(bytes: &[u8]) -> u32 {
    /// What is left of four bits.
    const REST: [u32; 16] = {
        let mut table = [0; 16];
        let mut number = 0;
        while number < 16 {
            let mut rest = number;
            let mut bit = 0;
            while bit < 4 {
                rest = rest >> 1 ^ if rest & 1 == 1 { 0xedb8_8320 } else { 0 };
                bit += 1;
            }
            #[expect(clippy::indexing_slicing, reason = "in a constant")]
            {
                table[number as usize] = rest;
            }
            number += 1;
        }
        table
    };
    let step = |crc: u32| crc >> 4 ^ REST.get(crc as usize % 16).copied().unwrap_or(0);
    !bytes.iter().fold(u32::MAX, |crc, &byte| step(step(crc ^ u32::from(byte))))
}

/// What a model promises, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum Mode {
    /// Every value within ±epsilon of its channel.
    Bounded = 0,
    /// A root mean square error per window, or none (a fixed number of components), by projection.
    Transform = 1,
    /// A root mean square error per window, by prediction.
    Predictive = 2,
}

/// Why a model was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ModelError {
    /// The bytes end before the length in the header.
    Truncated,
    /// The bytes do not begin with `EIGM`.
    NotAModel,
    /// This build does not know the version byte.
    UnknownVersion(u8),
    /// The bytes do not match their checksum.
    BadChecksum,
    /// Mode, kind, rate, length or a reserved field has a value without a meaning.
    BadHeader,
    /// Too few or too many channels, rows, components, or bytes per window.
    BadShape,
    /// A channel's lattice or predictor is out of range.
    BadChannel(u16),
    /// Step, budget, expected magnitudes or basis are out of range or of the wrong length.
    BadTransform,
    /// The output slice is shorter than [`ModelSpec::encoded_len`].
    BufferTooSmall {
        /// Bytes that would do.
        needed: usize,
    },
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the model ends early"),
            Self::NotAModel => f.write_str("not a model"),
            Self::UnknownVersion(version) => write!(f, "unknown model version {version}"),
            Self::BadChecksum => f.write_str("the model's checksum does not match"),
            Self::BadHeader => f.write_str("the model's header has a field without meaning"),
            Self::BadShape => f.write_str("channels, window or components out of range"),
            Self::BadChannel(channel) => write!(f, "channel {channel} is out of range"),
            Self::BadTransform => f.write_str("the transform is out of range"),
            Self::BufferTooSmall { needed } => write!(f, "the model needs {needed} bytes"),
        }
    }
}

impl core::error::Error for ModelError {}

/// One channel of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Channel<S: Sample> {
    /// From samples to counts.
    pub lattice: Lattice<S>,
    /// From past counts to the next one.
    pub predictor: Predictor,
}

impl<S: Sample> Channel<S> {
    fn encoded_len(&self) -> usize {
        let Predictor { start, terms, .. } = &self.predictor;
        let count = start.as_slice().len().saturating_add(terms.as_slice().len());
        record_bytes(S::KIND).saturating_add(TERM_BYTES.saturating_mul(count))
    }

    fn write(&self, writer: &mut Writer<'_>, number: usize) {
        let Self { lattice, predictor } = self;
        for word in [lattice.offset, lattice.step, lattice.epsilon] {
            let raw = S::word_to_raw(word).to_le_bytes();
            writer.put(raw.get(..word_bytes(S::KIND)).unwrap_or(&raw));
        }
        writer.put(&predictor.mean.to_le_bytes());
        writer.put(&predictor.spread.to_le_bytes());
        writer.put(&predictor.scale.to_le_bytes());
        let lists = [predictor.start.as_slice(), predictor.terms.as_slice()];
        lists.iter().for_each(|list| writer.put(&[u8::try_from(list.len()).unwrap_or(0)]));
        lists.iter().copied().flatten().for_each(|term| writer.put(&term.to_bytes(number)));
    }
}

/// Bytes of a word of a lattice.
const fn word_bytes(kind: SampleKind) -> usize {
    match kind {
        SampleKind::F32 => 4,
        SampleKind::I16 | SampleKind::I32 | SampleKind::F64 => 8,
    }
}

/// Bytes of a channel before its terms.
const fn record_bytes(kind: SampleKind) -> usize {
    3 * word_bytes(kind) + 14
}

/// One channel where it lies in the model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a, S> {
    fixed: &'a [u8],
    start: &'a [u8],
    terms: &'a [u8],
    sample: PhantomData<S>,
}

impl<'a, S: Sample> Record<'a, S> {
    #[inline(always)]
    fn word(&self, number: usize) -> S::Word {
        let at = number * word_bytes(S::KIND);
        S::word_from_raw(match S::KIND {
            SampleKind::F32 => u64::from(u32_at(self.fixed, at)),
            _ => u64_at(self.fixed, at),
        })
    }

    #[inline(always)]
    pub(super) fn lattice(&self) -> Lattice<S> {
        Lattice { offset: self.word(0), step: self.word(1), epsilon: self.word(2) }
    }

    #[inline(always)]
    pub(super) fn mean(&self) -> i32 {
        u32_at(self.fixed, 3 * word_bytes(S::KIND)).cast_signed()
    }

    #[inline(always)]
    pub(super) fn spread(&self) -> u32 {
        u32_at(self.fixed, 3 * word_bytes(S::KIND) + 4)
    }

    #[inline(always)]
    pub(super) fn scale(&self) -> u32 {
        u32_at(self.fixed, 3 * word_bytes(S::KIND) + 8)
    }

    /// Bytes of the terms for a first row or a later one.
    #[inline(always)]
    pub(super) fn terms(&self, first: bool) -> &'a [u8] {
        if first { self.start } else { self.terms }
    }

    fn channel(&self, number: usize) -> Channel<S> {
        let list = |bytes: &[u8]| {
            let (bytes, _) = bytes.as_chunks::<TERM_BYTES>();
            let mut terms = [Term::default(); MAX_TERMS];
            let places = terms.iter_mut().zip(bytes);
            places.for_each(|(term, &bytes)| *term = Term::from_bytes(bytes, number));
            Terms::new(terms.get(..bytes.len()).unwrap_or(&[])).unwrap_or_default()
        };
        let predictor = Predictor {
            mean: self.mean(),
            spread: self.spread(),
            scale: self.scale(),
            start: list(self.start),
            terms: list(self.terms),
        };
        Channel { lattice: self.lattice(), predictor }
    }

    fn is_valid(&self, number: usize, channels: usize, mode: Mode) -> bool {
        let fits = |first: bool| {
            let (terms, _) = self.terms(first).as_chunks::<TERM_BYTES>();
            let most = if mode == Mode::Transform { 0 } else { MAX_TERMS };
            terms.len() <= most
                && terms.iter().all(|&bytes| {
                    let Term { channel, lag, .. } = Term::from_bytes(bytes, number);
                    let channel = usize::from(channel);
                    match lag {
                        0 => channel < number,
                        _ => !first && lag <= MAX_LAG && channel < channels,
                    }
                })
        };
        self.lattice().is_valid()
            && (mode != Mode::Predictive || self.lattice().has_unit())
            && self.spread() <= MAX_LEVEL
            && self.scale() <= MAX_LEVEL
            && fits(true)
            && fits(false)
    }
}

/// The channels of a model, one after the other, in bytes that may be too few.
#[derive(Clone, Debug)]
pub(super) struct Records<'a, S> {
    rest: &'a [u8],
    sample: PhantomData<S>,
}

impl<'a, S: Sample> Records<'a, S> {
    #[inline(always)]
    fn new(rest: &'a [u8]) -> Self {
        Self { rest, sample: PhantomData }
    }
}

impl<'a, S: Sample> Iterator for Records<'a, S> {
    type Item = Record<'a, S>;

    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    fn next(&mut self) -> Option<Record<'a, S>> {
        let (fixed, rest) = self.rest.split_at_checked(record_bytes(S::KIND))?;
        let (_, &[start, terms]) = fixed.split_last_chunk::<2>()?;
        let (start, rest) = rest.split_at_checked(TERM_BYTES * usize::from(start))?;
        let (terms, rest) = rest.split_at_checked(TERM_BYTES * usize::from(terms))?;
        self.rest = rest;
        Some(Record { fixed, start, terms, sample: PhantomData })
    }
}

/// A checked model, borrowed from its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    bytes: &'a [u8],
    mode: Mode,
    kind: SampleKind,
    rate: u8,
    shape: Shape,
    /// Step of the coefficients in transform mode, else what a bit is worth.
    step: u32,
    budget: u32,
    checksum: u32,
    priors: &'a [u8],
    channel_bytes: &'a [u8],
    scales: &'a [u8],
    fraction_bits: &'a [u8],
    basis: &'a [u8],
}

impl<'a> Model<'a> {
    /// Checks a model blob and borrows it. Bytes behind the length in its header are ignored.
    ///
    /// # Errors
    /// Whatever is wrong with the bytes; afterwards nothing can be.
    ///
    /// # Cost
    /// One pass over the bytes for the checksum, one over the channels.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ModelError> {
        let magic = bytes.first_chunk::<4>().ok_or(ModelError::Truncated)?;
        if *magic != MAGIC {
            return Err(ModelError::NotAModel);
        }
        let header = bytes.first_chunk::<HEADER_BYTES>().ok_or(ModelError::Truncated)?;
        let [_, _, _, _, version, mode, kind, rate, ..] = *header;
        if version != VERSION {
            return Err(ModelError::UnknownVersion(version));
        }
        let length = u32_at(header, 8) as usize;
        let bytes = bytes.get(..length).ok_or(ModelError::Truncated)?;
        let (body, crc) = bytes.split_last_chunk::<CRC_BYTES>().ok_or(ModelError::BadHeader)?;
        let checksum = checksum(body);
        if checksum != u32::from_le_bytes(*crc) {
            return Err(ModelError::BadChecksum);
        }

        let mode = match mode {
            0 => Mode::Bounded,
            1 => Mode::Transform,
            2 => Mode::Predictive,
            _ => return Err(ModelError::BadHeader),
        };
        let kind = SampleKind::from_byte(kind).ok_or(ModelError::BadHeader)?;
        let shape = Shape {
            channels: usize::from(u16_at(header, 12)),
            window: usize::from(u16_at(header, 14)),
            components: usize::from(u16_at(header, 16)),
        };
        let [own_priors, weight_bytes] = u16_at(header, 18).to_le_bytes();
        let known_width = match mode {
            Mode::Transform => (1..=2).contains(&weight_bytes),
            _ => weight_bytes == 0,
        };
        if !(2..=8).contains(&rate) || own_priors > 1 || !known_width {
            return Err(ModelError::BadHeader);
        }
        shape.check(kind, mode)?;

        let mut rest = body.get(HEADER_BYTES..).unwrap_or(&[]);
        let mut section = |length: usize| -> Result<&'a [u8], ModelError> {
            let (section, tail) = rest.split_at_checked(length).ok_or(ModelError::BadHeader)?;
            rest = tail;
            Ok(section)
        };
        let budget = section(if mode == Mode::Bounded { 0 } else { BUDGET_BYTES })?;
        let priors = section(if own_priors == 1 { CONTEXTS } else { 0 })?;
        let width = usize::from(weight_bytes);
        let basis_bytes = shape.components.saturating_mul(shape.values()).saturating_mul(width);
        let scale_bytes = shape.components.saturating_mul(4);
        let fraction_bytes = if width == 1 { shape.components } else { 0 };
        let tail = basis_bytes.saturating_add(scale_bytes).saturating_add(fraction_bytes);
        let channel_len = rest.len().checked_sub(tail).ok_or(ModelError::BadHeader)?;
        let (channel_bytes, rest) = rest.split_at_checked(channel_len).unwrap_or_default();
        let (scales, rest) = rest.split_at_checked(scale_bytes).unwrap_or_default();
        let (fraction_bits, basis) = rest.split_at_checked(fraction_bytes).unwrap_or_default();
        let model = Self {
            bytes,
            mode,
            kind,
            rate,
            shape,
            step: u32_at(budget, 0),
            budget: u32_at(budget, 4),
            checksum,
            priors,
            channel_bytes,
            scales,
            fraction_bits,
            basis,
        };
        match kind {
            SampleKind::I16 => model.check_channels::<i16>(),
            SampleKind::I32 => model.check_channels::<i32>(),
            SampleKind::F32 => model.check_channels::<f32>(),
            SampleKind::F64 => model.check_channels::<f64>(),
        }?;
        model.check_transform()?;
        Ok(model)
    }

    fn check_channels<S: Sample>(&self) -> Result<(), ModelError> {
        let mut records = self.channel_records::<S>();
        for number in 0..self.channels() {
            let record = records.next().ok_or(ModelError::BadHeader)?;
            if !record.is_valid(number, self.channels(), self.mode) {
                return Err(ModelError::BadChannel(u16::try_from(number).unwrap_or(u16::MAX)));
            }
        }
        if records.rest.is_empty() { Ok(()) } else { Err(ModelError::BadHeader) }
    }

    fn check_transform(&self) -> Result<(), ModelError> {
        let fits = match self.mode {
            Mode::Bounded => true,
            Mode::Predictive => {
                self.step <= MAX_TRADEOFF && (1..=MAX_BUDGET).contains(&self.budget)
            }
            Mode::Transform => {
                (1..=MAX_COEFFICIENT_STEP).contains(&self.step)
                    && self.budget <= MAX_BUDGET
                    && self.scales().all(|scale| scale <= MAX_LEVEL)
                    && self.fraction_bits.iter().all(|&bits| u32::from(bits) <= BASIS_BITS)
            }
        };
        if fits { Ok(()) } else { Err(ModelError::BadTransform) }
    }

    /// The bytes of the blob.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Number by which frames name their model: the low 16 bits of its checksum.
    pub fn id(&self) -> u16 {
        let [low, high, ..] = self.checksum.to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// Which promise the model makes.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Type of the samples.
    pub fn kind(&self) -> SampleKind {
        self.kind
    }

    /// Values per row, at least 1.
    pub fn channels(&self) -> usize {
        self.shape.channels
    }

    /// Rows of a full window, at least 1.
    pub fn window(&self) -> usize {
        self.shape.window
    }

    /// Kept components; 0 but in transform mode.
    pub fn components(&self) -> usize {
        self.shape.components
    }

    /// Step of the coefficients in counts with 8 fraction bits; 0 but in transform mode.
    pub fn coefficient_step(&self) -> u32 {
        if self.mode == Mode::Transform { self.step } else { 0 }
    }

    /// What a bit is worth, see [`Method::Predictive`]; 0 but in predictive mode.
    pub fn tradeoff(&self) -> u32 {
        if self.mode == Mode::Predictive { self.step } else { 0 }
    }

    /// Promised root mean square over each window of (x − x̂)/step (transform mode) or (x − x̂)/epsilon
    /// (predictive mode), with 8 fraction bits; `None` in bounded mode and where nothing is promised.
    pub fn budget(&self) -> Option<u32> {
        (self.budget != 0).then_some(self.budget)
    }

    /// The budget as the sum of squared errors over so many values, with 16 fraction bits.
    pub(super) fn allowed_squares(&self, values: usize) -> Option<u64> {
        let budget = u64::from(self.budget()?);
        // No model allows more than fits.
        Some(budget.wrapping_mul(budget).wrapping_mul(values as u64))
    }

    /// The same model with at most this budget, in the same units: for windows of which only
    /// some values count. The frames are frames of the model itself; a model without a budget
    /// stays so.
    #[must_use]
    pub fn with_budget(self, budget: u32) -> Self {
        Self { budget: self.budget.min(budget.max(1)), ..self }
    }

    /// Rate at which contexts adapt: 2^−rate of the way per bit.
    pub fn rate(&self) -> u8 {
        self.rate
    }

    /// The channels, in order, as samples of type `S`; nothing if `S` is not the model's type.
    pub fn channel_list<S: Sample>(&self) -> impl Iterator<Item = Channel<S>> + Clone + use<'a, S> {
        self.channel_records::<S>().enumerate().map(|(number, record)| record.channel(number))
    }

    #[inline(always)]
    pub(super) fn channel_records<S: Sample>(&self) -> Records<'a, S> {
        Records::new(if S::KIND == self.kind { self.channel_bytes } else { &[] })
    }

    /// Expected magnitudes of the quantised coefficients, with 8 fraction bits.
    pub(super) fn scales(&self) -> impl Iterator<Item = u32> + Clone + use<'a> {
        let (scales, _) = self.scales.as_chunks::<4>();
        scales.iter().map(|&bytes| u32::from_le_bytes(bytes))
    }

    /// For each value of a window, row by row, its weights in the components.
    pub(super) fn basis_rows(&self) -> impl Iterator<Item = BasisRow<'a>> + Clone + use<'a> {
        let wide = self.fraction_bits.is_empty();
        let row_bytes = self.components().saturating_mul(if wide { 2 } else { 1 });
        rows(self.basis, row_bytes).map(move |weights| BasisRow { weights, wide })
    }

    /// How far the weights of a component must be shifted to have 14 fraction bits.
    pub(super) fn weight_shift(&self, component: usize) -> u32 {
        let bits = self.fraction_bits.get(component);
        bits.map_or(0, |&bits| BASIS_BITS.saturating_sub(bits.into()))
    }

    /// Probability of a one in each context at the start of a frame, in units of 2^−16.
    ///
    /// In the blob a byte each: b < 128 for 2·(b + 1)², the others for what is left to 2^16 by
    /// that of 255 − b, so the steps are fine where it matters, near never and near always.
    pub fn priors(&self) -> [u16; CONTEXTS] {
        let mut priors = [0; CONTEXTS];
        self.fill_priors(&mut priors);
        priors
    }

    pub(super) fn fill_priors(&self, priors: &mut [u16; CONTEXTS]) {
        let mut own = self.priors.iter();
        for (prior, &default) in priors.iter_mut().zip(&DEFAULT_PRIORS) {
            *prior = own.next().map_or(default, |&byte| prior_from_byte(byte));
        }
    }

    /// Most bytes of any frame of this model.
    pub fn max_frame_bytes(&self) -> usize {
        max_frame_bytes(self.channels(), self.window(), self.kind)
    }

    /// Length of the scratch slice that encoder and decoder need.
    pub fn scratch_len(&self) -> usize {
        scratch_len(self.channels(), self.components())
    }
}

/// The K weights of one value of a window, before [`Model::weight_shift`].
#[derive(Clone, Copy, Debug)]
pub(super) struct BasisRow<'a> {
    weights: &'a [u8],
    /// Of two bytes each.
    wide: bool,
}

impl BasisRow<'_> {
    /// Calls `f` with each slot and its weight.
    #[inline(always)]
    pub(super) fn for_each<T>(self, slots: impl Iterator<Item = T>, mut f: impl FnMut(T, i16)) {
        if self.wide {
            let (weights, _) = self.weights.as_chunks::<2>();
            for (slot, &bytes) in slots.zip(weights) {
                f(slot, i16::from_le_bytes(bytes));
            }
        } else {
            for (slot, &byte) in slots.zip(self.weights) {
                f(slot, byte.cast_signed().into());
            }
        }
    }
}

/// Most bytes of a frame: the plain samples with header and checksum.
pub const fn max_frame_bytes(channels: usize, window: usize, kind: SampleKind) -> usize {
    frame::OVERHEAD + channels * window * kind.bytes()
}

/// Length of the scratch slice for a model of this shape; `components` is 0 in bounded mode.
pub const fn scratch_len(channels: usize, components: usize) -> usize {
    channels + components
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    channels: usize,
    window: usize,
    components: usize,
}

impl Shape {
    fn values(self) -> usize {
        self.channels.saturating_mul(self.window)
    }

    fn check(self, kind: SampleKind, mode: Mode) -> Result<(), ModelError> {
        let components = match mode {
            Mode::Bounded | Mode::Predictive => 0..=0,
            Mode::Transform => 1..=self.values(),
        };
        let fits = (1..=MAX_CHANNELS).contains(&self.channels)
            && (1..=MAX_WINDOW).contains(&self.window)
            && self.values().saturating_mul(kind.bytes()) <= MAX_PAYLOAD
            && components.contains(&self.components);
        if fits { Ok(()) } else { Err(ModelError::BadShape) }
    }
}

/// The prior that a byte stands for.
#[inline(always)]
fn prior_from_byte(byte: u8) -> u16 {
    let square = |b: u8| 2 * (u16::from(b) + 1) * (u16::from(b) + 1);
    if byte < 128 { square(byte) } else { square(255 - byte).wrapping_neg() }
}

/// The byte whose prior is nearest.
fn prior_to_byte(prior: u16) -> u8 {
    let off = |&byte: &u8| prior_from_byte(byte).abs_diff(prior);
    (0..=u8::MAX).min_by_key(off).unwrap_or(127)
}

/// What a transform model holds beside its channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transform<'a> {
    /// Step of all coefficients in counts, 8 fraction bits.
    pub coefficient_step: u32,
    /// Root mean square of (x − x̂)/step that each window keeps, 8 fraction bits; `None`
    /// promises nothing.
    pub budget: Option<u32>,
    /// Expected magnitude of each quantised coefficient, 8 fraction bits; its length is K.
    pub scales: &'a [u32],
    /// Orthonormal components.
    pub basis: Basis<'a>,
}

/// The weights of the components: for each row of the window, for each channel, K of them, so
/// entry `(row·C + channel)·K + component`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis<'a> {
    /// With 14 fraction bits.
    I16(&'a [i16]),
    /// In a byte each, with as many fraction bits as the second list says for each component, up
    /// to 14: half the model for a little more error, which counts against the budget.
    I8(&'a [i8], &'a [u8]),
}

impl Basis<'_> {
    fn len(&self) -> usize {
        match self {
            Self::I16(weights) => weights.len(),
            Self::I8(weights, _) => weights.len(),
        }
    }

    /// Bytes of all weights, fraction bits included.
    fn bytes(&self) -> usize {
        match self {
            Self::I16(weights) => weights.len().saturating_mul(2),
            Self::I8(weights, bits) => weights.len().saturating_add(bits.len()),
        }
    }
}

/// How values are coded and what is promised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method<'a> {
    /// By prediction, every value within ±epsilon of its channel.
    Bounded,
    /// By prediction, each window within a root mean square error.
    Predictive {
        /// What a bit is worth: so many squared epsilons, 8 fraction bits. About a tenth of a squared
        /// step suits; 0 always takes the nearest count.
        tradeoff: u32,
        /// Root mean square of (x − x̂)/epsilon that each window keeps, 8 fraction bits.
        budget: u32,
    },
    /// By projection on a few components.
    Transform(Transform<'a>),
}

impl Method<'_> {
    /// The mode of a model with this method.
    pub fn mode(&self) -> Mode {
        match self {
            Self::Bounded => Mode::Bounded,
            Self::Predictive { .. } => Mode::Predictive,
            Self::Transform(_) => Mode::Transform,
        }
    }
}

/// What to write into a model blob.
#[derive(Clone, Copy, Debug)]
pub struct ModelSpec<'a, S: Sample> {
    /// Rows of a full window.
    pub window: u16,
    /// The channels.
    pub channels: &'a [Channel<S>],
    /// How values are coded.
    pub method: Method<'a>,
    /// Probability of a one in each context, in units of 2^−16. They are rounded, but
    /// [`DEFAULT_PRIORS`] are kept exactly and take no bytes.
    pub priors: &'a [u16; CONTEXTS],
    /// Rate at which contexts adapt, 2 to 8.
    pub rate: u8,
}

impl<S: Sample> ModelSpec<'_, S> {
    fn transform(&self) -> Option<&Transform<'_>> {
        match &self.method {
            Method::Transform(transform) => Some(transform),
            _ => None,
        }
    }

    fn shape(&self) -> Shape {
        Shape {
            channels: self.channels.len(),
            window: usize::from(self.window),
            components: self.transform().map_or(0, |transform| transform.scales.len()),
        }
    }

    /// Bytes of the blob.
    pub fn encoded_len(&self) -> usize {
        let transform = self.transform().map_or(0, |transform| {
            transform.basis.bytes().saturating_add(transform.scales.len().saturating_mul(4))
        });
        let channels = self.channels.iter().map(Channel::encoded_len);
        let fixed = HEADER_BYTES
            + CRC_BYTES
            + if self.method.mode() == Mode::Bounded { 0 } else { BUDGET_BYTES }
            + if *self.priors == DEFAULT_PRIORS { 0 } else { CONTEXTS };
        channels.fold(fixed, usize::saturating_add).saturating_add(transform)
    }

    /// Writes the blob and returns its length. It has been parsed, so a written model is valid.
    ///
    /// # Errors
    /// [`ModelError::BufferTooSmall`], or what [`Model::parse`] finds wrong with it.
    pub fn write(&self, out: &mut [u8]) -> Result<usize, ModelError> {
        let shape = self.shape();
        let mode = self.method.mode();
        shape.check(S::KIND, mode)?;
        let needed = self.encoded_len();
        let length = u32::try_from(needed).map_err(|_| ModelError::BadShape)?;
        let out = out.get_mut(..needed).ok_or(ModelError::BufferTooSmall { needed })?;
        let (step, budget) = match self.method {
            Method::Bounded => (0, None),
            Method::Predictive { tradeoff, budget } => (tradeoff, Some(budget)),
            Method::Transform(transform) => (transform.coefficient_step, transform.budget),
        };
        let transform = self.transform();
        let basis = transform.map(|transform| transform.basis);
        let weights = shape.values().saturating_mul(shape.components);
        let whole = match basis {
            Some(Basis::I8(_, bits)) => bits.len() == shape.components,
            _ => true,
        };
        if basis.map_or(0, |basis| basis.len()) != weights || !whole || budget == Some(0) {
            return Err(ModelError::BadTransform);
        }

        let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX).to_le_bytes();
        let mut writer = Writer { out, at: 0 };
        writer.put(&MAGIC);
        writer.put(&[VERSION, mode as u8, S::KIND as u8, self.rate]);
        writer.put(&length.to_le_bytes());
        writer.put(&small(shape.channels));
        writer.put(&small(shape.window));
        writer.put(&small(shape.components));
        let own_priors = *self.priors != DEFAULT_PRIORS;
        let width = match basis {
            None => 0,
            Some(Basis::I8(..)) => 1,
            Some(Basis::I16(_)) => 2,
        };
        writer.put(&[u8::from(own_priors), width]);
        if mode != Mode::Bounded {
            writer.put(&step.to_le_bytes());
            writer.put(&budget.unwrap_or(0).to_le_bytes());
        }
        if own_priors {
            self.priors.iter().for_each(|&prior| writer.put(&[prior_to_byte(prior)]));
        }
        for (number, channel) in self.channels.iter().enumerate() {
            channel.write(&mut writer, number);
        }
        let scales = transform.map_or(&[][..], |transform| transform.scales);
        scales.iter().for_each(|scale| writer.put(&scale.to_le_bytes()));
        match basis {
            None => {}
            Some(Basis::I16(weights)) => {
                weights.iter().for_each(|weight| writer.put(&weight.to_le_bytes()));
            }
            Some(Basis::I8(weights, bits)) => {
                writer.put(bits);
                weights.iter().for_each(|weight| writer.put(&weight.to_le_bytes()));
            }
        }
        let at = writer.at;
        let checksum = checksum(out.get(..at).unwrap_or(&[]));
        Writer { out, at }.put(&checksum.to_le_bytes());
        Model::parse(out).map(|model| model.bytes().len())
    }
}

/// Appends bytes to a slice; what does not fit is dropped.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    pub(super) out: &'a mut [u8],
    pub(super) at: usize,
}

impl Writer<'_> {
    pub(super) fn put(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if let Some(place) = self.out.get_mut(self.at) {
                *place = byte;
                self.at += 1;
            }
        }
    }
}

#[inline(always)]
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let chunk = bytes.get(at..).and_then(<[u8]>::first_chunk::<2>);
    chunk.map_or(0, |&chunk| u16::from_le_bytes(chunk))
}

#[inline(always)]
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let chunk = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    chunk.map_or(0, |&chunk| u32::from_le_bytes(chunk))
}

#[inline(always)]
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let chunk = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>);
    chunk.map_or(0, |&chunk| u64::from_le_bytes(chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_by_halves_is_the_checksum() {
        let bytes =
            core::array::from_fn::<u8, 256, _>(|at| u8::try_from(at * 167 % 256).unwrap_or(0));
        for end in [0, 1, 2, 100, 256] {
            let bytes = &bytes[..end];
            assert_eq!(checksum_by_halves(bytes), CRC.checksum(bytes), "{end} bytes");
        }
    }
}
