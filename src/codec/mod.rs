//! The compressor: windows of samples to frames and back, with a promised error.
//!
//! A [`Model`], made once from training data, says how; [`encode`] takes a window of up to W rows
//! of C channels to one [`Frame`] that [`decode`] takes back without any other frame. After
//! snapping samples to a lattice all arithmetic is on integers, so a frame has the same bytes,
//! and decodes to the same samples, on every machine.
//!
//! Two promises, one per model:
//! - *bounded*: |x − x̂| ≤ ε for every value of every finite input;
//! - *predictive* and *transform*: the root mean square of (x − x̂)/ε or (x − x̂)/step over each window
//!   within a budget, by prediction of each value or by projection of a window on a few components.
//!
//! A frame never takes more than [`Model::max_frame_bytes`]: a window that would grow is sent as
//! its plain samples.
//!
//! Where most frames arrive, [`encode_next`] and [`decode_next`] let each frame go on from the one
//! before it, which takes fewer bytes where windows have hundreds of rows or more: a model is fitted
//! for windows that stand alone, and those of few rows are soon over.
//!
//! Where a packet holds so many bytes and no more, [`encode_fitting`] takes the rows that fit. On
//! the other side a [`Scan`] finds the frames among damaged bytes, and a [`Receiver`] takes them
//! dropped, repeated or in another order, and tells what is missing.
//!
//! # Memory
//! Beside window, model and output: [`STATE_BYTES`] on the stack and [`Model::scratch_len`] slots
//! of [`Slot`] lent by the caller, one per channel and one per component. The frames of the calls come
//! on top: `firmware/BUDGETS.md` has the whole stack.
//!
//! # Flash
//! Armv6-M (Cortex-M0) gets routines that are not inlined, one copy for encoder, decoder and the
//! pricing of choices, and neither a division of 64 bits nor a table for the checksum; other targets get
//! them inlined, which is faster there. The frames are the same.

mod entropy;
pub mod fit;
pub mod frame;
mod lattice;
pub mod model;
mod packet;
mod predict;
mod predictive;
pub mod receive;
mod transform;

use core::fmt;

pub use entropy::CONTEXTS;
use entropy::{Contexts, Decoder, Encoder, Level, shared};
pub use frame::{Frame, FrameError, OVERHEAD};
use lattice::quotient;
pub use lattice::{Lattice, Sample, SampleKind};
use model::Writer;
pub use model::{
    Basis, Channel, MAX_CHANNELS, MAX_PAYLOAD, MAX_WINDOW, Method, Mode, Model, ModelError,
    ModelSpec, Transform, max_frame_bytes, scratch_len,
};
pub use packet::encode_fitting;
use predict::PAST;
pub use predict::{MAX_LAG, MAX_TERMS, Predictor, Term, Terms, WEIGHT_BITS};
use predictive::Manner;
pub use receive::{Found, ReceiveError, Received, Receiver, Reorder, ReorderError, Scan};

/// Bytes of the coder's own state while a frame is coded or decoded; it lives on the stack, but
/// for the [`Stream`] of chained frames.
pub const STATE_BYTES: usize = size_of::<Stream>() + {
    let (encoder, decoder) = (size_of::<Encoder<'_>>(), size_of::<Decoder<'_>>());
    if encoder > decoder { encoder } else { decoder }
};

/// One unit of working memory. Between calls its content means nothing, except to the [`Stream`]
/// it is used with.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// Prediction: the last counts less their mean, by row. Transform: a sum.
    past: [i32; PAST],
    level: Level,
    /// Prediction: sign of the last residual. Transform: quantised coefficient.
    before: i32,
}

impl Slot {
    /// Any content will do; this one for array expressions.
    pub const NEW: Self = Self { past: [0; PAST], level: Level::new(0), before: 0 };
}

impl Default for Slot {
    fn default() -> Self {
        Self::NEW
    }
}

/// What goes on from one chained frame to the next, on either side.
///
/// A stream belongs to one model and one scratch slice: use them together, and nothing else with
/// that slice. After a frame whose payload could not be decoded, and after frames that stand alone
/// by nature (plain ones, and all of transform mode), the next frame has to stand alone. A chained
/// frame that goes on from another than the last one is refused and changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    contexts: Contexts,
    /// Whether the next row goes on with a stretch.
    begun: bool,
    last: Option<Last>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Last {
    sequence: u32,
    checksum: u32,
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}

impl Stream {
    /// The next frame starts afresh.
    pub const fn new() -> Self {
        Self { contexts: Contexts::NONE, begun: false, last: None }
    }

    /// The next frame starts afresh, so that it can be decoded whatever was lost.
    pub fn restart(&mut self) {
        self.last = None;
    }

    /// Whether the frame of this number can go on; if not, everything is put to its start.
    fn continues<S: Sample>(
        &mut self,
        model: &Model<'_>,
        slots: &mut [Slot],
        number: u32,
    ) -> Option<Last> {
        let last = self.last.take().filter(|last| last.sequence.wrapping_add(1) == number);
        if last.is_none() {
            self.begin::<S>(model, slots);
        }
        last
    }

    /// The coded part of the payload of a chained frame that goes on from the last frame.
    fn linked<'f>(&self, frame: &Frame<'f>) -> Option<&'f [u8]> {
        let last = self.last.filter(|last| last.sequence.wrapping_add(1) == frame.sequence())?;
        let (link, payload) = frame.payload().split_first_chunk::<{ frame::LINK_BYTES }>()?;
        let [low, high, ..] = last.checksum.to_le_bytes();
        (*link == [low, high]).then_some(payload)
    }

    fn begin<S: Sample>(&mut self, model: &Model<'_>, slots: &mut [Slot]) {
        self.contexts.start(model);
        self.begun = false;
        predictive::start::<S>(model, slots);
    }
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
    /// The scratch slice is shorter than [`Model::scratch_len`], or twice that for
    /// [`encode_fitting`].
    ScratchTooSmall {
        /// Slots that would do.
        needed: usize,
    },
    /// The output slice is shorter than the frame could be with this many rows; for
    /// [`encode_fitting`] with one.
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
    /// The frame goes on from one that was not the last one decoded with this stream.
    Unlinked,
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
            Self::Unlinked => f.write_str("the frame goes on from one that was not decoded"),
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
/// Bounded: one multiplication per term and about ten coder steps per value. Transform: two to
/// eight passes of K multiplications per value.
pub fn encode<S: Sample>(
    model: &Model<'_>,
    sequence: u32,
    window: &[S],
    scratch: &mut [Slot],
    out: &mut [u8],
) -> Result<usize, EncodeError> {
    let (rows, slots, _, out) = check_encoding(model, window, scratch, out)?;
    let stream = &mut Stream::new();
    encode_rows(model, stream, sequence, (window, rows), (slots, None), out)
        .ok_or(EncodeError::BufferTooSmall { needed: out.len() })
}

/// Encodes a window as [`encode`] does, as the successor of the last one that the stream encoded
/// if its number follows on that one's: it needs fewer bytes, and can be decoded after that one
/// only. The first frame of a stream, and the one after [`Stream::restart`], stand alone.
///
/// In predictive mode a window that is over the budget at first is encoded again, as a frame that
/// stands alone, or, if `scratch` is twice [`Model::scratch_len`], still as the successor.
///
/// # Errors
/// As [`encode`].
pub fn encode_next<S: Sample>(
    model: &Model<'_>,
    stream: &mut Stream,
    sequence: u32,
    window: &[S],
    scratch: &mut [Slot],
    out: &mut [u8],
) -> Result<usize, EncodeError> {
    let (rows, slots, spare, out) = check_encoding(model, window, scratch, out)?;
    let continued = stream.last.is_some_and(|last| last.sequence.wrapping_add(1) == sequence);
    let kept = model.mode() == Mode::Predictive && continued && spare.len() >= slots.len();
    let length = if kept {
        encode_keeping(model, stream, sequence, (window, rows), (slots, spare), out)
    } else {
        encode_rows(model, stream, sequence, (window, rows), (slots, None), out)
    };
    length.ok_or(EncodeError::BufferTooSmall { needed: out.len() })
}

/// What an encoder needs, if it is all there: rows of the window, the slots and what is left of them,
/// and room for the longest frame.
#[inline(always)]
#[expect(clippy::type_complexity, reason = "the parts of two slices")]
fn check_encoding<'s, 'o, S: Sample>(
    model: &Model<'_>,
    window: &[S],
    scratch: &'s mut [Slot],
    out: &'o mut [u8],
) -> Result<(u16, &'s mut [Slot], &'s mut [Slot], &'o mut [u8]), EncodeError> {
    let rows = check_window(model, window)?;
    let needed = model.scratch_len();
    let slots = scratch.split_at_mut_checked(needed);
    let (slots, spare) = slots.ok_or(EncodeError::ScratchTooSmall { needed })?;
    let plain_len = window.len().saturating_mul(S::KIND.bytes());
    let needed = OVERHEAD.saturating_add(plain_len);
    let out = out.get_mut(..needed).ok_or(EncodeError::BufferTooSmall { needed })?;
    Ok((rows, slots, spare, out))
}

/// Puts a stream and its slots back to what they were before a window, for one more attempt at it.
type Back<'k> = &'k dyn Fn(&mut Stream, &mut [Slot]);

/// [`encode_rows`] with the state from before at hand in every attempt.
#[inline(never)]
fn encode_keeping<S: Sample>(
    model: &Model<'_>,
    stream: &mut Stream,
    sequence: u32,
    window: (&[S], u16),
    (slots, spare): (&mut [Slot], &mut [Slot]),
    out: &mut [u8],
) -> Option<usize> {
    copy(spare, slots);
    let kept = *stream;
    let back = |stream: &mut Stream, slots: &mut [Slot]| {
        *stream = Stream { last: None, ..kept };
        copy(slots, spare);
    };
    encode_rows(model, stream, sequence, window, (slots, Some(&back)), out)
}

/// Encodes a checked window as a frame that is no longer than `out`; `None` if it would be both
/// coded and as plain samples. Stream and slots are changed then, too.
#[inline(never)]
fn encode_rows<S: Sample>(
    model: &Model<'_>,
    stream: &mut Stream,
    sequence: u32,
    (window, rows): (&[S], u16),
    (slots, kept): (&mut [Slot], Option<Back<'_>>),
    out: &mut [u8],
) -> Option<usize> {
    let rows = (usize::from(rows) != model.window()).then_some(rows);
    let header = frame::Header { flags: 0, model_id: model.id(), sequence, rows };
    let plain_len = window.len().saturating_mul(S::KIND.bytes());
    // One byte less than plain: on equal length, plain samples decode faster.
    let place = header.payload(out.len(), plain_len.saturating_sub(1));
    let mut start = place.start;
    let payload = out.get_mut(place).unwrap_or(&mut []);
    let coded = match model.mode() {
        Mode::Bounded | Mode::Predictive => {
            encode_predictive(model, stream, sequence, window, (slots, kept), payload)
        }
        Mode::Transform => encode_transform(model, stream, window, slots, payload),
    };
    let (flags, length) = if let Some(coded) = coded {
        coded
    } else {
        let place = header.payload(out.len(), plain_len);
        start = place.start;
        let payload = out.get_mut(place).filter(|payload| payload.len() == plain_len)?;
        write_plain(window, payload);
        (frame::RAW, plain_len)
    };
    let (length, checksum) = frame::seal(out, frame::Header { flags, ..header }, start, length);
    let goes_on = model.mode() != Mode::Transform && flags & (frame::RAW | frame::REFINED) == 0;
    stream.last = goes_on.then_some(Last { sequence, checksum });
    Some(length)
}

/// Decodes a frame into the start of `out` and returns its number of rows.
///
/// # Errors
/// A frame of another model, one that is chained, a corrupt payload, or slices that are too
/// short. Any frame ends in a value or an error after work proportional to its rows.
///
/// # Cost
/// As [`encode`], with one pass.
pub fn decode<S: Sample>(
    model: &Model<'_>,
    frame: &Frame<'_>,
    scratch: &mut [Slot],
    out: &mut [S],
) -> Result<usize, DecodeError> {
    decode_next(model, &mut Stream::new(), frame, scratch, out)
}

/// Decodes a frame as [`decode`] does, or a chained one after the frame it goes on from. Frames
/// that stand alone are always taken, and chained ones can follow them.
///
/// # Errors
/// As [`decode`], and [`DecodeError::Unlinked`].
pub fn decode_next<S: Sample>(
    model: &Model<'_>,
    stream: &mut Stream,
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
    let rows = frame.rows().unwrap_or(model.window());
    if rows > model.window() {
        return Err(DecodeError::Corrupt);
    }
    let needed = model.scratch_len();
    let slots = scratch.get_mut(..needed).ok_or(DecodeError::ScratchTooSmall { needed })?;
    let needed = rows.saturating_mul(model.channels());
    let out = out.get_mut(..needed).ok_or(DecodeError::BufferTooSmall { needed })?;

    let fits = match (frame.is_raw(), model.mode()) {
        (true, _) => {
            stream.restart();
            read_plain(frame.payload(), out)
        }
        (_, Mode::Bounded | Mode::Predictive) => {
            let payload = linked_payload::<S>(model, stream, frame, slots)?;
            let mut decoder = Decoder::new(payload, &mut stream.contexts, model.rate());
            let fresh = !core::mem::replace(&mut stream.begun, true);
            let refined = frame.is_refined();
            let manner = Manner { fresh, refined, tradeoff: 0 };
            let whole = !(refined && model.mode() == Mode::Bounded)
                && predictive::decode(shared(&mut decoder), model, out, slots, manner)
                && decoder.is_exact();
            if whole && !refined {
                stream.last = Some(Last { sequence: frame.sequence(), checksum: frame.checksum() });
            }
            whole
        }
        (_, Mode::Transform) => {
            stream.last = None;
            stream.begin::<S>(model, slots);
            let mut decoder = Decoder::new(frame.payload(), &mut stream.contexts, model.rate());
            !frame.is_chained()
                && transform::decode(shared(&mut decoder), model, out, slots, frame.is_refined())
                && decoder.is_exact()
        }
    };
    if fits { Ok(rows) } else { Err(DecodeError::Corrupt) }
}

/// The coded part of a bounded frame's payload, with the stream where it goes on.
fn linked_payload<'f, S: Sample>(
    model: &Model<'_>,
    stream: &mut Stream,
    frame: &Frame<'f>,
    slots: &mut [Slot],
) -> Result<&'f [u8], DecodeError> {
    if !frame.is_chained() {
        stream.last = None;
        stream.begin::<S>(model, slots);
        return Ok(frame.payload());
    }
    let payload = stream.linked(frame).ok_or(DecodeError::Unlinked)?;
    stream.last = None;
    Ok(payload)
}

/// The whole rows of a window; without the division that `chunks_exact` begins with.
#[inline(always)]
fn rows<S>(window: &[S], channels: usize) -> impl Iterator<Item = &[S]> + Clone {
    let (channels, mut rest) = (channels.max(1), window);
    core::iter::from_fn(move || {
        let (row, after) = rest.split_at_checked(channels)?;
        rest = after;
        Some(row)
    })
}

/// Number of rows of a window that the model takes and whose values are finite.
fn check_window<S: Sample>(model: &Model<'_>, window: &[S]) -> Result<u16, EncodeError> {
    if model.kind() != S::KIND {
        return Err(EncodeError::WrongKind(model.kind()));
    }
    let channels = model.channels().max(1);
    let row_of = |value: usize| {
        let row = quotient(value as u64, channels as u64);
        usize::try_from(row).unwrap_or(usize::MAX)
    };
    let rows = row_of(window.len());
    if rows.saturating_mul(channels) != window.len() || !(1..=model.window()).contains(&rows) {
        return Err(EncodeError::WrongLength);
    }
    if let Some(at) = window.iter().position(|x| !x.is_finite()) {
        let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let row = row_of(at);
        let channel = at.wrapping_sub(row.wrapping_mul(channels));
        return Err(EncodeError::NotFinite { row: small(row), channel: small(channel) });
    }
    u16::try_from(rows).map_err(|_| EncodeError::WrongLength)
}

/// What a bit is worth in one attempt after the other until the budget is kept, as a part of the
/// model's tradeoff; in the last one steps are halved.
const TRADEOFFS: [u8; 8] = [16, 12, 9, 6, 4, 2, 0, 0];

/// Flags and length of the coded payload; `None` if it does not fit or no tradeoff keeps the budget.
fn encode_predictive<S: Sample>(
    model: &Model<'_>,
    stream: &mut Stream,
    sequence: u32,
    window: &[S],
    (slots, kept): (&mut [Slot], Option<Back<'_>>),
    payload: &mut [u8],
) -> Option<(u8, usize)> {
    let allowed = model.allowed_squares(window.len());
    let mut last = stream.continues::<S>(model, slots, sequence);
    for (attempt, sixteenths) in (1..).zip(TRADEOFFS) {
        let tradeoff = model.tradeoff().saturating_mul(sixteenths.into()) / 16;
        let (flags, link_len) = match last {
            Some(_) => (frame::CHAINED, frame::LINK_BYTES),
            None => (0, 0),
        };
        let (link, coded) = payload.split_at_mut_checked(link_len)?;
        let checksum = last.map_or(0, |last| last.checksum).to_le_bytes();
        Writer { out: link, at: 0 }.put(&checksum);
        let mut encoder = Encoder::new(coded, &mut stream.contexts, model.rate());
        let fresh = !core::mem::replace(&mut stream.begun, true);
        let refined = attempt == TRADEOFFS.len();
        let manner = Manner { fresh, refined, tradeoff };
        let squares = predictive::encode(shared(&mut encoder), model, window, slots, manner)?;
        if allowed.is_none_or(|allowed| squares <= allowed) {
            let length = encoder.finish()?;
            let refined = if refined { frame::REFINED } else { 0 };
            return Some((flags | refined, length.saturating_add(link_len)));
        }
        match kept {
            // Counts of half a step are no past for those of whole ones, nor the other way round.
            Some(back) if last.is_some() && attempt + 1 < TRADEOFFS.len() => back(stream, slots),
            _ => {
                last = None;
                stream.begin::<S>(model, slots);
            }
        }
    }
    None
}

fn copy(to: &mut [Slot], from: &[Slot]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Flags and length of the coded payload; `None` if it does not fit or cannot be coded.
fn encode_transform<S: Sample>(
    model: &Model<'_>,
    stream: &mut Stream,
    window: &[S],
    slots: &mut [Slot],
    payload: &mut [u8],
) -> Option<(u8, usize)> {
    let refinement = match transform::prepare(model, window, slots) {
        transform::Choice::Plain => return None,
        transform::Choice::Coefficients => None,
        transform::Choice::Refined(refinement) => Some(refinement),
    };
    stream.contexts.start(model);
    let mut encoder = Encoder::new(payload, &mut stream.contexts, model.rate());
    transform::encode(&mut encoder, model, window, slots, refinement).then_some(())?;
    let flags = if refinement.is_some() { frame::REFINED } else { 0 };
    Some((flags, encoder.finish()?))
}

fn write_plain<S: Sample>(window: &[S], payload: &mut [u8]) {
    let mut writer = Writer { out: payload, at: 0 };
    for x in window {
        let raw = x.to_raw().to_le_bytes();
        writer.put(raw.get(..S::KIND.bytes()).unwrap_or(&raw));
    }
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
