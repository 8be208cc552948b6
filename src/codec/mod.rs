//! The compressor: windows of samples to frames and back, with a promised error.
//!
//! A [`Model`], made once from training data, says how; [`encode`] takes a window of up to W rows
//! of C channels to one [`Frame`] that [`decode`] takes back without any other frame. After
//! snapping samples to a lattice all arithmetic is on integers, so a frame has the same bytes,
//! and decodes to the same samples, on every machine.
//!
//! Two promises, one per model:
//! - *bounded*: |x − x̂| ≤ ε for every value of every finite input;
//! - *transform*: the root mean square of (x − x̂)/step over each window within a budget.
//!
//! A frame never takes more than [`Model::max_frame_bytes`]: a window that would grow is sent as
//! its plain samples.
//!
//! # Memory
//! Beside window, model and output: [`STATE_BYTES`] on the stack and [`Model::scratch_len`] slots
//! of [`Slot`] lent by the caller, one per channel and one per component.

mod bounded;
mod entropy;
pub mod fit;
pub mod frame;
mod lattice;
pub mod model;
mod predict;
mod transform;

use core::fmt;

pub use entropy::CONTEXTS;
use entropy::{Decoder, Encoder, Level};
pub use frame::{Frame, FrameError, OVERHEAD};
pub use lattice::{Lattice, Sample, SampleKind};
pub use model::{
    Channel, MAX_CHANNELS, MAX_PAYLOAD, MAX_WINDOW, Mode, Model, ModelError, ModelSpec, Transform,
    max_frame_bytes, scratch_len,
};
pub use predict::{MAX_ORDER, Predictor};

/// Bytes of the coder's own state while a frame is coded or decoded; it lives on the stack.
pub const STATE_BYTES: usize = {
    let (encoder, decoder) = (size_of::<Encoder<'_>>(), size_of::<Decoder<'_>>());
    if encoder > decoder { encoder } else { decoder }
};

/// One unit of working memory; its content means nothing between calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slot {
    /// Transform: sum of a projection, then the dequantised coefficient.
    sum: i64,
    /// Bounded: last count. Transform: quantised coefficient.
    last: i32,
    slope: i32,
    bend: i32,
    /// The last residual.
    residual: i32,
    level: Level,
}

impl Slot {
    /// Any content will do; this one for array expressions.
    pub const NEW: Self =
        Self { sum: 0, last: 0, slope: 0, bend: 0, residual: 0, level: Level::new(0) };
}

/// Why a window was not encoded. Nothing of the output is valid then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EncodeError {
    /// The model is for another type of sample.
    WrongKind(SampleKind),
    /// Not 1 to W whole rows of C values.
    WrongLength,
    /// A value is infinite or NaN: the first such one, by row and channel.
    NotFinite {
        /// Row in the window.
        row: u16,
        /// Channel in the row.
        channel: u16,
    },
    /// The scratch slice is shorter than [`Model::scratch_len`].
    ScratchTooSmall {
        /// Slots that would do.
        needed: usize,
    },
    /// The output slice is shorter than the frame could be with this many rows.
    BufferTooSmall {
        /// Bytes that would do.
        needed: usize,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongKind(kind) => write!(f, "the model takes samples of kind {kind:?}"),
            Self::WrongLength => f.write_str("the window is not 1 to W whole rows"),
            Self::NotFinite { row, channel } => {
                write!(f, "row {row}, channel {channel} is not finite")
            }
            Self::ScratchTooSmall { needed } => write!(f, "scratch needs {needed} slots"),
            Self::BufferTooSmall { needed } => write!(f, "the frame may need {needed} bytes"),
        }
    }
}

impl core::error::Error for EncodeError {}

/// Why a frame was not decoded. The output may have been partly written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DecodeError {
    /// The model is for another type of sample.
    WrongKind(SampleKind),
    /// The frame was made with the model of this id.
    WrongModel(u16),
    /// The payload is not what an encoder writes, though the checksum matches.
    Corrupt,
    /// The scratch slice is shorter than [`Model::scratch_len`].
    ScratchTooSmall {
        /// Slots that would do.
        needed: usize,
    },
    /// The output slice is shorter than the frame's rows.
    BufferTooSmall {
        /// Values that would do.
        needed: usize,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongKind(kind) => write!(f, "the model is for samples of kind {kind:?}"),
            Self::WrongModel(id) => write!(f, "the frame was made with model {id:#06x}"),
            Self::Corrupt => f.write_str("the payload is corrupt"),
            Self::ScratchTooSmall { needed } => write!(f, "scratch needs {needed} slots"),
            Self::BufferTooSmall { needed } => write!(f, "the frame has {needed} values"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Encodes up to W rows as one frame at the start of `out` and returns its length.
///
/// `window` holds the rows one after the other, C values each. `sequence` is passed on to the
/// decoder. `out` must have room for the rows as plain samples and [`OVERHEAD`]; with
/// [`Model::max_frame_bytes`] it always has.
///
/// # Errors
/// A wrong type, length or slice, or a value that is not finite; never the size of the values.
///
/// # Cost
/// Bounded: about ten coder steps per value. Transform: two to eight passes of K
/// multiplications per value.
pub fn encode<S: Sample>(
    model: &Model<'_>,
    sequence: u32,
    window: &[S],
    scratch: &mut [Slot],
    out: &mut [u8],
) -> Result<usize, EncodeError> {
    let rows = check_window(model, window)?;
    let needed = model.scratch_len();
    let slots = scratch.get_mut(..needed).ok_or(EncodeError::ScratchTooSmall { needed })?;
    let plain_len = window.len().saturating_mul(S::KIND.bytes());
    let needed = OVERHEAD.saturating_add(plain_len);
    let out = out.get_mut(..needed).ok_or(EncodeError::BufferTooSmall { needed })?;

    // One byte less than plain: on equal length, plain samples decode faster.
    let end = frame::HEADER_BYTES.saturating_add(plain_len).saturating_sub(1);
    let payload = out.get_mut(frame::HEADER_BYTES..end).unwrap_or(&mut []);
    let (flags, length) = match encode_payload(model, window, slots, payload) {
        Some(coded) => coded,
        None => (frame::RAW, write_plain(window, out)),
    };
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    Ok(frame::seal(out, flags, model.id(), sequence, rows, length))
}

/// Decodes a frame into the start of `out` and returns its number of rows.
///
/// # Errors
/// A frame of another model, a corrupt payload, or slices that are too short. Any frame ends in
/// a value or an error after work proportional to its rows.
///
/// # Cost
/// As [`encode`], with one pass.
pub fn decode<S: Sample>(
    model: &Model<'_>,
    frame: &Frame<'_>,
    scratch: &mut [Slot],
    out: &mut [S],
) -> Result<usize, DecodeError> {
    if model.kind() != S::KIND {
        return Err(DecodeError::WrongKind(model.kind()));
    }
    if frame.model_id() != model.id() {
        return Err(DecodeError::WrongModel(frame.model_id()));
    }
    if frame.rows() > model.window() {
        return Err(DecodeError::Corrupt);
    }
    let needed = model.scratch_len();
    let slots = scratch.get_mut(..needed).ok_or(DecodeError::ScratchTooSmall { needed })?;
    let needed = frame.rows().saturating_mul(model.channels());
    let out = out.get_mut(..needed).ok_or(DecodeError::BufferTooSmall { needed })?;

    let fits = if frame.is_raw() {
        read_plain(frame.payload(), out)
    } else {
        let mut decoder = Decoder::new(frame.payload(), model.contexts());
        let whole = match model.mode() {
            Mode::Bounded if !frame.is_refined() => {
                bounded::decode(&mut decoder, model, out, slots, frame.has_escapes())
            }
            Mode::Transform if !frame.has_escapes() => {
                transform::decode(&mut decoder, model, out, slots, frame.is_refined())
            }
            _ => false,
        };
        whole && decoder.is_exact()
    };
    if fits { Ok(frame.rows()) } else { Err(DecodeError::Corrupt) }
}

/// Number of rows of a window that the model takes and whose values are finite.
fn check_window<S: Sample>(model: &Model<'_>, window: &[S]) -> Result<u16, EncodeError> {
    if model.kind() != S::KIND {
        return Err(EncodeError::WrongKind(model.kind()));
    }
    let channels = model.channels().max(1);
    let rows = window.len() / channels;
    if window.len() % channels != 0 || !(1..=model.window()).contains(&rows) {
        return Err(EncodeError::WrongLength);
    }
    if let Some(at) = window.iter().position(|x| !x.is_finite()) {
        let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        return Err(EncodeError::NotFinite {
            row: small(at / channels),
            channel: small(at % channels),
        });
    }
    u16::try_from(rows).map_err(|_| EncodeError::WrongLength)
}

/// Flags and length of the coded payload; `None` if it does not fit or cannot be coded.
fn encode_payload<S: Sample>(
    model: &Model<'_>,
    window: &[S],
    slots: &mut [Slot],
    payload: &mut [u8],
) -> Option<(u8, usize)> {
    match model.mode() {
        Mode::Bounded => [false, true].into_iter().find_map(|escapes| {
            let mut encoder = Encoder::new(payload, model.contexts());
            bounded::encode(&mut encoder, model, window, slots, escapes).then_some(())?;
            Some((if escapes { frame::ESCAPES } else { 0 }, encoder.finish()?))
        }),
        Mode::Transform => {
            let refinement = match transform::prepare(model, window, slots) {
                transform::Choice::Plain => return None,
                transform::Choice::Coefficients => None,
                transform::Choice::Refined(refinement) => Some(refinement),
            };
            let mut encoder = Encoder::new(payload, model.contexts());
            transform::encode(&mut encoder, model, window, slots, refinement).then_some(())?;
            let flags = if refinement.is_some() { frame::REFINED } else { 0 };
            Some((flags, encoder.finish()?))
        }
    }
}

/// Writes the samples behind the place of the header; their length.
fn write_plain<S: Sample>(window: &[S], out: &mut [u8]) -> usize {
    let size = S::KIND.bytes().max(1);
    let payload = out.get_mut(frame::HEADER_BYTES..).unwrap_or(&mut []);
    for (bytes, x) in payload.chunks_exact_mut(size).zip(window) {
        for (byte, raw) in bytes.iter_mut().zip(x.to_raw().to_le_bytes()) {
            *byte = raw;
        }
    }
    window.len().saturating_mul(size)
}

fn read_plain<S: Sample>(payload: &[u8], out: &mut [S]) -> bool {
    let size = S::KIND.bytes().max(1);
    for (x, bytes) in out.iter_mut().zip(payload.chunks_exact(size)) {
        let mut raw = [0; 8];
        for (byte, &value) in raw.iter_mut().zip(bytes) {
            *byte = value;
        }
        *x = S::from_raw(u64::from_le_bytes(raw));
    }
    payload.len() == out.len().saturating_mul(size)
}
