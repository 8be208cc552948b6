//! The model blob: everything encoder and decoder share beforehand, as flat bytes.
//!
//! [`Model::parse`] checks it once, borrows it (it can stay in flash), and after that no accessor
//! can fail. [`ModelSpec::write`] makes it. All numbers are little-endian.
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 4 | `EIGM` |
//! | 4 | 1 | version of the format, 1 |
//! | 5 | 1 | mode: 0 bounded, 1 transform |
//! | 6 | 1 | kind of sample: 1 `i16`, 2 `i32`, 3 `f32`, 4 `f64` |
//! | 7 | 1 | rate of adaptation of the contexts, 2 to 8 |
//! | 8 | 4 | length of the blob, CRC included |
//! | 12 | 2 | channels C, 1 to 256 |
//! | 14 | 2 | rows of a full window W, 1 to 4096; C·W plain samples take at most 65535 bytes |
//! | 16 | 2 | components K; 0 in bounded mode |
//! | 18 | 2 | 0 |
//! | 20 | 4 | step of the coefficients in counts, 8 fraction bits; 0 in bounded mode |
//! | 24 | 4 | root mean square error allowed per window in counts, 8 fraction bits; 0: none promised |
//! | 28 | 4 | 0 |
//! | 32 | 512 | priors of the 256 contexts, chance of a one in units of 2^−16 |
//! | 544 | 40·C | channels: offset, step, epsilon (8 each: bits of the `f64`, of the `f32`, or `i64`), mean (`i32`), spread, scale (4 each), order (1), 0 (3) |
//! | … | 4·K | expected magnitude of each quantised coefficient, 8 fraction bits |
//! | … | 2·K·C·W | basis, `i16` with 14 fraction bits: for each row, for each channel, the K weights |
//! | end − 4 | 4 | CRC-32 (ISO-HDLC) of everything before |

use core::fmt;

use crc::{CRC_32_ISO_HDLC, Crc};

use super::entropy::CONTEXTS;
use super::frame;
use super::lattice::{Lattice, Sample, SampleKind};
use super::predict::{MAX_ORDER, Predictor};

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
/// Largest error budget: its square times the values of a window must fit 64 bits.
const MAX_BUDGET: u32 = 1 << 23;

const MAGIC: [u8; 4] = *b"EIGM";
const VERSION: u8 = 1;
const PRIORS_AT: usize = 32;
const CHANNELS_AT: usize = PRIORS_AT + 2 * CONTEXTS;
const CHANNEL_BYTES: usize = 40;
const CRC_BYTES: usize = 4;

/// The checksum of models and frames.
pub(super) const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// What a model promises, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Mode {
    /// Every value within ±epsilon of its channel.
    Bounded,
    /// A root mean square error per window, or none (a fixed number of components).
    Transform,
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
pub struct Channel<S: Sample> {
    /// From samples to counts.
    pub lattice: Lattice<S>,
    /// From past counts to the next one.
    pub predictor: Predictor,
}

impl<S: Sample> Channel<S> {
    fn to_bytes(self) -> [u8; CHANNEL_BYTES] {
        let Self { lattice, predictor } = self;
        let mut bytes = [0; CHANNEL_BYTES];
        let mut writer = Writer { out: &mut bytes, at: 0 };
        for word in [lattice.offset, lattice.step, lattice.epsilon] {
            writer.put(&S::word_to_raw(word).to_le_bytes());
        }
        writer.put(&predictor.mean.to_le_bytes());
        writer.put(&predictor.spread.to_le_bytes());
        writer.put(&predictor.scale.to_le_bytes());
        writer.put(&[predictor.order, 0, 0, 0]);
        bytes
    }

    #[inline(always)]
    fn from_bytes(bytes: &[u8]) -> Self {
        let word = |at| S::word_from_raw(u64_at(bytes, at));
        let lattice = Lattice { offset: word(0), step: word(8), epsilon: word(16) };
        Self { lattice, predictor: predictor_at(bytes) }
    }

    fn is_valid(&self, mode: Mode) -> bool {
        let Predictor { spread, scale, order, .. } = self.predictor;
        self.lattice.is_valid()
            && spread <= MAX_LEVEL
            && scale <= MAX_LEVEL
            && order <= if mode == Mode::Bounded { MAX_ORDER } else { 0 }
    }
}

#[inline(always)]
fn predictor_at(channel: &[u8]) -> Predictor {
    Predictor {
        mean: u32_at(channel, 24).cast_signed(),
        spread: u32_at(channel, 28),
        scale: u32_at(channel, 32),
        order: u32_at(channel, 36).to_le_bytes()[0],
    }
}

/// A checked model, borrowed from its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    bytes: &'a [u8],
    mode: Mode,
    kind: SampleKind,
    rate: u8,
    channels: u16,
    window: u16,
    components: u16,
    coefficient_step: u32,
    budget: u32,
    id: u16,
    priors: &'a [u8],
    channel_bytes: &'a [u8],
    scales: &'a [u8],
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
        let header = bytes.first_chunk::<PRIORS_AT>().ok_or(ModelError::Truncated)?;
        let [_, _, _, _, version, mode, kind, rate, ..] = *header;
        if version != VERSION {
            return Err(ModelError::UnknownVersion(version));
        }
        let length = u32_at(header, 8) as usize;
        let bytes = bytes.get(..length).ok_or(ModelError::Truncated)?;
        let (body, crc) = bytes.split_last_chunk::<CRC_BYTES>().ok_or(ModelError::BadHeader)?;
        let checksum = CRC.checksum(body);
        if checksum != u32::from_le_bytes(*crc) {
            return Err(ModelError::BadChecksum);
        }

        let mode = match mode {
            0 => Mode::Bounded,
            1 => Mode::Transform,
            _ => return Err(ModelError::BadHeader),
        };
        let kind = SampleKind::from_byte(kind).ok_or(ModelError::BadHeader)?;
        let (channels, window) = (u16_at(header, 12), u16_at(header, 14));
        let components = u16_at(header, 16);
        let (coefficient_step, budget) = (u32_at(header, 20), u32_at(header, 24));
        if !(2..=8).contains(&rate) || u16_at(header, 18) != 0 || u32_at(header, 28) != 0 {
            return Err(ModelError::BadHeader);
        }
        let shape = Shape {
            channels: usize::from(channels),
            window: usize::from(window),
            components: usize::from(components),
        };
        shape.check(kind, mode)?;
        if length != shape.encoded_len() {
            return Err(ModelError::BadHeader);
        }

        let mut rest = body.get(PRIORS_AT..).unwrap_or(&[]);
        let mut section = |length: usize| -> Result<&'a [u8], ModelError> {
            let (section, tail) = rest.split_at_checked(length).ok_or(ModelError::BadHeader)?;
            rest = tail;
            Ok(section)
        };
        let [low, high, ..] = checksum.to_le_bytes();
        let model = Self {
            bytes,
            mode,
            kind,
            rate,
            channels,
            window,
            components,
            coefficient_step,
            budget,
            id: u16::from_le_bytes([low, high]),
            priors: section(2 * CONTEXTS)?,
            channel_bytes: section(CHANNEL_BYTES * shape.channels)?,
            scales: section(4 * shape.components)?,
            basis: section(2 * shape.components * shape.values())?,
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
        for (number, channel) in (0_u16..).zip(self.channel_bytes.chunks_exact(CHANNEL_BYTES)) {
            let reserved = u32_at(channel, 36) >> 8;
            if reserved != 0 || !Channel::<S>::from_bytes(channel).is_valid(self.mode) {
                return Err(ModelError::BadChannel(number));
            }
        }
        Ok(())
    }

    fn check_transform(&self) -> Result<(), ModelError> {
        let fits = match self.mode {
            Mode::Bounded => self.coefficient_step == 0 && self.budget == 0,
            Mode::Transform => {
                (1..=MAX_COEFFICIENT_STEP).contains(&self.coefficient_step)
                    && self.budget <= MAX_BUDGET
                    && self.scales().all(|scale| scale <= MAX_LEVEL)
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
        self.id
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
        usize::from(self.channels)
    }

    /// Rows of a full window, at least 1.
    pub fn window(&self) -> usize {
        usize::from(self.window)
    }

    /// Kept components; 0 in bounded mode.
    pub fn components(&self) -> usize {
        usize::from(self.components)
    }

    /// Step of the coefficients in counts with 8 fraction bits; 0 in bounded mode.
    pub fn coefficient_step(&self) -> u32 {
        self.coefficient_step
    }

    /// Promised root mean square of (x − x̂)/step over each window, with 8 fraction bits;
    /// `None` in bounded mode and where nothing is promised.
    pub fn budget(&self) -> Option<u32> {
        (self.budget != 0).then_some(self.budget)
    }

    /// The same model with at most this budget, in units of 2^−8 step: for windows of which only
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
        let bytes = if S::KIND == self.kind { self.channel_bytes } else { &[] };
        bytes.chunks_exact(CHANNEL_BYTES).map(Channel::from_bytes)
    }

    /// The predictors of the channels.
    pub(super) fn predictors(&self) -> impl Iterator<Item = Predictor> + Clone + use<'a> {
        self.channel_bytes.chunks_exact(CHANNEL_BYTES).map(predictor_at)
    }

    /// Expected magnitudes of the quantised coefficients, with 8 fraction bits.
    pub(super) fn scales(&self) -> impl Iterator<Item = u32> + Clone + use<'a> {
        self.scales.chunks_exact(4).map(|bytes| u32_at(bytes, 0))
    }

    /// For each value of a window, row by row, its weights in the components.
    pub(super) fn basis_rows(&self) -> impl Iterator<Item = BasisRow<'a>> + Clone + use<'a> {
        self.basis.chunks_exact(2 * self.components().max(1)).map(BasisRow)
    }

    /// Probability of a one in each context at the start of a frame, in units of 2^−16.
    pub fn priors(&self) -> [u16; CONTEXTS] {
        let mut priors = [0; CONTEXTS];
        for (prior, value) in priors.iter_mut().zip(self.prior_list()) {
            *prior = value;
        }
        priors
    }

    pub(super) fn prior_list(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.priors.chunks_exact(2).map(|bytes| u16_at(bytes, 0))
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

/// The K weights of one value of a window, 14 fraction bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct BasisRow<'a>(&'a [u8]);

impl<'a> BasisRow<'a> {
    #[inline(always)]
    pub(super) fn weights(self) -> impl Iterator<Item = i64> + use<'a> {
        self.0.chunks_exact(2).map(|bytes| i64::from(u16_at(bytes, 0).cast_signed()))
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

    fn encoded_len(self) -> usize {
        let per_component = self.values().saturating_mul(2).saturating_add(4);
        (CHANNELS_AT + CRC_BYTES)
            .saturating_add(CHANNEL_BYTES.saturating_mul(self.channels))
            .saturating_add(per_component.saturating_mul(self.components))
    }

    fn check(self, kind: SampleKind, mode: Mode) -> Result<(), ModelError> {
        let components = match mode {
            Mode::Bounded => 0..=0,
            Mode::Transform => 1..=self.values(),
        };
        let fits = (1..=MAX_CHANNELS).contains(&self.channels)
            && (1..=MAX_WINDOW).contains(&self.window)
            && self.values().saturating_mul(kind.bytes()) <= MAX_PAYLOAD
            && components.contains(&self.components)
            && u32::try_from(self.encoded_len()).is_ok();
        if fits { Ok(()) } else { Err(ModelError::BadShape) }
    }
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
    /// The weights with 14 fraction bits: for each row of the window, for each channel, K of
    /// them, so entry `(row·C + channel)·K + component`. Orthonormal components.
    pub basis: &'a [i16],
}

/// What to write into a model blob.
#[derive(Clone, Copy, Debug)]
pub struct ModelSpec<'a, S: Sample> {
    /// Rows of a full window.
    pub window: u16,
    /// The channels.
    pub channels: &'a [Channel<S>],
    /// The transform, or `None` for bounded mode.
    pub transform: Option<Transform<'a>>,
    /// Probability of a one in each context, in units of 2^−16.
    pub priors: &'a [u16; CONTEXTS],
    /// Rate at which contexts adapt, 2 to 8.
    pub rate: u8,
}

impl<S: Sample> ModelSpec<'_, S> {
    fn shape(&self) -> Shape {
        Shape {
            channels: self.channels.len(),
            window: usize::from(self.window),
            components: self.transform.map_or(0, |transform| transform.scales.len()),
        }
    }

    /// Bytes of the blob.
    pub fn encoded_len(&self) -> usize {
        self.shape().encoded_len()
    }

    /// Writes the blob and returns its length. It has been parsed, so a written model is valid.
    ///
    /// # Errors
    /// [`ModelError::BufferTooSmall`], or what [`Model::parse`] finds wrong with it.
    pub fn write(&self, out: &mut [u8]) -> Result<usize, ModelError> {
        let shape = self.shape();
        let mode = if self.transform.is_some() { Mode::Transform } else { Mode::Bounded };
        shape.check(S::KIND, mode)?;
        let needed = shape.encoded_len();
        let out = out.get_mut(..needed).ok_or(ModelError::BufferTooSmall { needed })?;
        let transform = self.transform.unwrap_or(Transform {
            coefficient_step: 0,
            budget: None,
            scales: &[],
            basis: &[],
        });
        let weights = shape.values().saturating_mul(shape.components);
        if transform.basis.len() != weights || transform.budget == Some(0) {
            return Err(ModelError::BadTransform);
        }

        let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX).to_le_bytes();
        let mut writer = Writer { out, at: 0 };
        writer.put(&MAGIC);
        writer.put(&[VERSION, u8::from(mode == Mode::Transform), S::KIND as u8, self.rate]);
        writer.put(&u32::try_from(needed).unwrap_or(u32::MAX).to_le_bytes());
        writer.put(&small(shape.channels));
        writer.put(&small(shape.window));
        writer.put(&small(shape.components));
        writer.put(&[0; 2]);
        writer.put(&transform.coefficient_step.to_le_bytes());
        writer.put(&transform.budget.unwrap_or(0).to_le_bytes());
        writer.put(&[0; 4]);
        self.priors.iter().for_each(|prior| writer.put(&prior.to_le_bytes()));
        self.channels.iter().for_each(|channel| writer.put(&channel.to_bytes()));
        transform.scales.iter().for_each(|scale| writer.put(&scale.to_le_bytes()));
        transform.basis.iter().for_each(|weight| writer.put(&weight.to_le_bytes()));
        let at = writer.at;
        let checksum = CRC.checksum(out.get(..at).unwrap_or(&[]));
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
        let free = self.out.iter_mut().skip(self.at);
        for (slot, &byte) in free.zip(bytes) {
            *slot = byte;
            self.at += 1;
        }
    }
}

#[inline(always)]
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let chunk = bytes.get(at..).and_then(<[u8]>::first_chunk::<2>);
    chunk.map_or(0, |&chunk| u16::from_le_bytes(chunk))
}

#[inline(always)]
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let chunk = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    chunk.map_or(0, |&chunk| u32::from_le_bytes(chunk))
}

#[inline(always)]
fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let chunk = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>);
    chunk.map_or(0, |&chunk| u64::from_le_bytes(chunk))
}
