//! Frames from a lossy link: found among other bytes, taken in any order, gaps told.
//!
//! [`Scan`] finds intact frames in bytes, such as a file or what a serial port has brought so far.
//! [`Receiver`] decodes frames as they come, some dropped, repeated or late, and tells of each how
//! many are missing before it. [`Reorder`] in front of it puts frames back in order, for chained
//! ones that overtake each other.
//!
//! Nothing damaged is taken for a frame but by the chance of its CRC-32: every burst of up to 32
//! bits is found, unless it falls on the length or the numbers before it so that the checksum is
//! looked for in another place; such, and all other damage, passes with a chance of 2⁻³².
//!
//! # Sequence numbers
//! They may begin anywhere and wrap: 0 follows on 2³² − 1. A number up to 2³¹ − 1 ahead of the
//! newest is newer, any other is older.
//!
//! # Examples
//! A chain of four frames that loses one; the next that stands alone goes on.
//!
//! ```
//! use eigenmote::codec::{self, *};
//! # let channel = Channel::<i16> {
//! #     lattice: Lattice::bounded(0.0, 0.5).unwrap(),
//! #     predictor: Predictor {
//! #         mean: 1000, spread: 8 << 8, scale: 2 << 8,
//! #         start: Terms::NONE, terms: Terms::polynomial(0, 1),
//! #     },
//! # };
//! # let spec = ModelSpec {
//! #     window: 4, channels: &[channel], method: Method::Bounded,
//! #     priors: &fit::DEFAULT_PRIORS, rate: fit::DEFAULT_RATE,
//! # };
//! # let mut blob = [0; 1024];
//! # let length = spec.write(&mut blob)?;
//! # let model = Model::parse(&blob[..length])?;
//! let (mut stream, mut scratch) = (Stream::new(), [Slot::NEW; 1]);
//! let (mut bytes, mut end) = ([0; 200], 0);
//! for number in 0..4 {
//!     if number == 3 {
//!         stream.restart();
//!     }
//!     let window = [1000, 1001, 1001, 1002 + number as i16];
//!     let out = &mut bytes[end..];
//!     end += codec::encode_next(&model, &mut stream, number, &window, &mut scratch, out)?;
//! }
//! let second = Scan::new(&bytes).nth(1).unwrap();
//! bytes[second.start + 6] ^= 4; // noise on the line
//!
//! let mut receiver = Receiver::new();
//! let mut scratch = [Slot::NEW; 2]; // Receiver::scratch_len(&model)
//! let mut rows = [0_i16; 4];
//! for found in Scan::of_model(&bytes[..end], &model) {
//!     match receiver.receive(&model, &found.frame, &mut scratch, &mut rows) {
//!         Ok(Received { sequence: 0, missing: 0, .. }) => assert_eq!(rows[3], 1002),
//!         Ok(Received { sequence: 3, missing: 2, .. }) => assert_eq!(rows[3], 1005),
//!         // Number 2 goes on from the damaged one.
//!         other => assert_eq!(
//!             other,
//!             Err(ReceiveError::Decode { sequence: 2, error: DecodeError::Unlinked })
//!         ),
//!     }
//! }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use core::fmt;

use super::{DecodeError, Frame, FrameError, Model, Sample, Slot, Stream, decode_next};

/// A [`Receiver`] knows of so many of the newest sequence numbers whether they were decoded.
pub const HISTORY: u32 = u64::BITS;

/// An intact frame among bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Found<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// Offset of its first byte.
    pub start: usize,
    /// Offset of the byte behind it.
    pub end: usize,
    /// So many bytes before it belong to no intact frame, back to the frame before or the start.
    pub skipped: usize,
}

/// The intact frames among bytes, in order. Behind a damaged one it looks for the next byte at which
/// a frame checks out; so a frame among the plain samples of a damaged one would be found, too.
///
/// # Cost
/// One pass, and at each byte that looks like the head of a frame a checksum over what it says its
/// length is: seldom, unless the bytes were made so. [`Scan::of_model`] bounds that length.
#[derive(Clone, Debug)]
pub struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// End of the last frame.
    end: usize,
    id: Option<u16>,
    longest: usize,
    /// Where a frame may begin that is not yet there as a whole.
    open: Option<usize>,
}

impl<'a> Scan<'a> {
    /// Frames of any model.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, end: 0, id: None, longest: usize::MAX, open: None }
    }

    /// Frames of the model with this id.
    pub const fn of_id(bytes: &'a [u8], id: u16) -> Self {
        Self { id: Some(id), ..Self::new(bytes) }
    }

    /// Frames of a model, none longer than [`Model::max_frame_bytes`].
    pub fn of_model(bytes: &'a [u8], model: &Model<'_>) -> Self {
        Self { longest: model.max_frame_bytes(), ..Self::of_id(bytes, model.id()) }
    }

    /// When all frames have been taken: offset of the first byte that may begin a frame whose end is
    /// not there yet. Of a stream, the bytes before it are done with; the others go to the start of
    /// the buffer, and what comes next behind them. With [`Scan::of_model`] they are fewer than
    /// [`Model::max_frame_bytes`].
    pub fn done(&self) -> usize {
        self.open.unwrap_or(self.at)
    }

    fn frame(&self, bytes: &'a [u8]) -> Result<(Frame<'a>, usize), FrameError> {
        // The id is compared first: parsing at every byte would checksum as many payloads.
        if let (Some(id), Some(&[_, low, high])) = (self.id, bytes.first_chunk())
            && id.to_le_bytes() != [low, high]
        {
            return Err(FrameError::BadHeader);
        }
        let bytes = bytes.get(..self.longest).unwrap_or(bytes);
        Frame::parse(bytes).map_err(|error| match error {
            FrameError::Truncated if bytes.len() == self.longest => FrameError::BadHeader,
            error => error,
        })
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        while let Some(bytes) = self.bytes.get(self.at..)
            && !bytes.is_empty()
        {
            let start = self.at;
            match self.frame(bytes) {
                Ok((frame, length)) => {
                    let skipped = start.saturating_sub(self.end);
                    let end = start.saturating_add(length);
                    (self.at, self.end, self.open) = (end, end, None);
                    return Some(Found { frame, start, end, skipped });
                }
                Err(error) => {
                    if error == FrameError::Truncated && self.open.is_none() {
                        self.open = Some(start);
                    }
                    self.at = start.saturating_add(1);
                }
            }
        }
        None
    }
}

/// A frame decoded by a [`Receiver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Received {
    /// Its sequence number.
    pub sequence: u32,
    /// Its rows, at the start of the output.
    pub rows: usize,
    /// So many numbers before it, back to the newest one decoded until now, were not decoded: lost,
    /// damaged, not decodable, or late. 0 for the first frame and for a late one.
    pub missing: u32,
    /// How much older it is than the newest one decoded; 0 for a new one. A late frame is one of
    /// those that were missing. From [`HISTORY`] on it may as well have been decoded before, or the
    /// sender has begun anew: then [`Receiver::restart`].
    pub late: u32,
}

/// Why a frame was not received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ReceiveError {
    /// A frame of this number was decoded before.
    Duplicate {
        /// The number.
        sequence: u32,
    },
    /// The frame could not be decoded; [`DecodeError::Unlinked`]: it goes on from one that was not,
    /// or not among the last ones.
    Decode {
        /// Its number.
        sequence: u32,
        /// Why.
        error: DecodeError,
    },
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { sequence } => write!(f, "frame {sequence} was decoded before"),
            Self::Decode { sequence, error } => write!(f, "frame {sequence}: {error}"),
        }
    }
}

impl core::error::Error for ReceiveError {}

/// Decodes the frames of one sender as they come: some dropped, repeated, or late.
///
/// Every frame that stands alone is decoded, a chained one if the one before it was. Two chains are
/// followed at a time: a frame that stands alone goes on in the place of the older one, so that
/// frames may overtake each other where a chain starts afresh, and a late frame does not break the
/// newest chain. For chained frames that overtake each other elsewhere, see [`Reorder`].
///
/// A receiver belongs to one model and one scratch slice of [`Receiver::scratch_len`], as a
/// [`Stream`] does, and takes about as many bytes as two of them.
#[derive(Clone, Copy, Debug)]
pub struct Receiver {
    streams: [Stream; 2],
    newest: Option<u32>,
    /// Bit k: whether the number k before the newest was decoded.
    decoded: u64,
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

impl Receiver {
    /// Nothing has been received.
    pub const fn new() -> Self {
        Self { streams: [Stream::new(); 2], newest: None, decoded: 0 }
    }

    /// Slots of scratch for a receiver: twice [`Model::scratch_len`].
    pub fn scratch_len(model: &Model<'_>) -> usize {
        model.scratch_len().saturating_mul(2)
    }

    /// Forgets all numbers, for a sender that has begun anew; the next frame is the first one.
    pub fn restart(&mut self) {
        *self = Self::new();
    }

    /// The newest number decoded.
    pub fn newest(&self) -> Option<u32> {
        self.newest
    }

    /// Decodes a frame into the start of `out` and tells its place among the others.
    ///
    /// # Errors
    /// A repeated number, or a frame that cannot be decoded. Neither changes what is counted, and
    /// a later frame that can be decoded counts the number as missing.
    ///
    /// # Cost
    /// As [`decode`](super::decode).
    pub fn receive<S: Sample>(
        &mut self,
        model: &Model<'_>,
        frame: &Frame<'_>,
        scratch: &mut [Slot],
        out: &mut [S],
    ) -> Result<Received, ReceiveError> {
        let sequence = frame.sequence();
        let ahead = self.ahead(sequence);
        if ahead <= 0 && self.decoded & bit(ahead) != 0 {
            return Err(ReceiveError::Duplicate { sequence });
        }
        let rows = self
            .decode(model, frame, scratch, out)
            .map_err(|error| ReceiveError::Decode { sequence, error })?;
        let first = self.newest.is_none();
        if ahead > 0 {
            self.newest = Some(sequence);
            self.decoded = self.decoded.checked_shl(ahead.unsigned_abs()).unwrap_or(0) | 1;
        } else {
            self.decoded |= bit(ahead);
        }
        let missing = if first { 0 } else { ahead.saturating_sub(1).max(0).unsigned_abs() };
        Ok(Received { sequence, rows, missing, late: ahead.min(0).unsigned_abs() })
    }

    /// How far a number is ahead of the newest; 1 for the first one.
    fn ahead(&self, sequence: u32) -> i32 {
        self.newest.map_or(1, |newest| sequence.wrapping_sub(newest).cast_signed())
    }

    fn decode<S: Sample>(
        &mut self,
        model: &Model<'_>,
        frame: &Frame<'_>,
        scratch: &mut [Slot],
        out: &mut [S],
    ) -> Result<usize, DecodeError> {
        let needed = Self::scratch_len(model);
        let (first, second) = scratch
            .get_mut(..needed)
            .and_then(|slots| slots.split_at_mut_checked(model.scratch_len()))
            .ok_or(DecodeError::ScratchTooSmall { needed })?;
        let [a, b] = &mut self.streams;
        let in_first = if frame.is_chained() { a.linked(frame).is_some() } else { is_older(a, b) };
        let (stream, slots) = if in_first { (a, first) } else { (b, second) };
        decode_next(model, stream, frame, slots, out)
    }
}

/// Whether the last frame of one stream came before that of another.
fn is_older(a: &Stream, b: &Stream) -> bool {
    let Some(b) = b.last else { return false };
    a.last.is_none_or(|a| a.sequence.wrapping_sub(b.sequence).cast_signed() < 0)
}

/// The bit of a number that is not ahead of the newest; 0 beyond the history.
fn bit(ahead: i32) -> u64 {
    1_u64.checked_shl(ahead.unsigned_abs()).unwrap_or(0)
}

/// Why a frame was not kept by a [`Reorder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ReorderError {
    /// The bytes do not begin with an intact frame.
    Frame(FrameError),
    /// The frame is longer than the places.
    TooLong {
        /// Its length in bytes.
        needed: usize,
    },
    /// A frame of this number waits already.
    Duplicate {
        /// The number.
        sequence: u32,
    },
    /// Every place is taken: [`Reorder::pop`] until it gives nothing.
    Full,
}

impl fmt::Display for ReorderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::TooLong { needed } => write!(f, "a place would need {needed} bytes"),
            Self::Duplicate { sequence } => write!(f, "frame {sequence} waits already"),
            Self::Full => f.write_str("every place is taken"),
        }
    }
}

impl core::error::Error for ReorderError {}

/// Puts frames back in order: `N` places of `BYTES` bytes, in which frames wait for those before
/// them.
///
/// A frame is given out when it is the next one, or older, or when every place is taken: so one that
/// is lost is waited for until `N` newer ones are there, and one that comes up to N − 1 frames late
/// is put in its place. It pays for chained frames on links that change their order: a chained frame
/// before its predecessor is lost otherwise, and those that go on from it. `BYTES` is
/// [`max_frame_bytes`](super::max_frame_bytes), or the size of a packet.
///
/// # Cost
/// `N·(BYTES + 16)` bytes or so, and a second checksum per frame.
///
/// # Examples
/// ```
/// # use eigenmote::codec::{self, *};
/// # fn gateway(model: &Model<'_>, packets: &[&[u8]]) -> u32 {
/// let mut order = Reorder::<4, 64>::new();
/// let (mut receiver, mut scratch) = (Receiver::new(), [Slot::NEW; 16]);
/// let mut rows = [0_i16; 512];
/// let mut missing = 0;
/// for packet in packets {
///     let _damaged_or_repeated = order.push(packet);
///     while let Some(frame) = order.pop() {
///         match receiver.receive(model, &frame, &mut scratch, &mut rows) {
///             Ok(received) => missing += received.missing, // and use the rows
///             Err(_) => {}                                 // counted as missing later
///         }
///     }
/// }
/// // At the end, or when nothing has come for a while:
/// while let Some(frame) = order.pop_next() {
///     let _ = receiver.receive(model, &frame, &mut scratch, &mut rows);
/// }
/// # missing
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Reorder<const N: usize, const BYTES: usize> {
    places: [Place<BYTES>; N],
    /// The number behind the newest one given out.
    next: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Place<const BYTES: usize> {
    /// Number of the frame that waits here.
    sequence: Option<u32>,
    length: usize,
    bytes: [u8; BYTES],
}

impl<const N: usize, const BYTES: usize> Default for Reorder<N, BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize, const BYTES: usize> Reorder<N, BYTES> {
    /// Nothing waits, and the first frame will be given out at once.
    pub const fn new() -> Self {
        const { assert!(N > 0, "a place at least") };
        let free = Place { sequence: None, length: 0, bytes: [0; BYTES] };
        Self { places: [free; N], next: None }
    }

    /// Copies the frame at the start of `bytes`.
    ///
    /// # Errors
    /// Bytes that do not begin with an intact frame, and frames that find no place.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ReorderError> {
        let (frame, length) = Frame::parse(bytes).map_err(ReorderError::Frame)?;
        let sequence = frame.sequence();
        if self.places.iter().any(|place| place.sequence == Some(sequence)) {
            return Err(ReorderError::Duplicate { sequence });
        }
        if length > BYTES {
            return Err(ReorderError::TooLong { needed: length });
        }
        let free = self.places.iter_mut().find(|place| place.sequence.is_none());
        let place = free.ok_or(ReorderError::Full)?;
        for (to, &from) in place.bytes.iter_mut().zip(bytes) {
            *to = from;
        }
        (place.sequence, place.length) = (Some(sequence), length);
        Ok(())
    }

    /// The next frame, if nothing has to be waited for.
    pub fn pop(&mut self) -> Option<Frame<'_>> {
        self.take(false)
    }

    /// The oldest frame, whatever is missing before it.
    pub fn pop_next(&mut self) -> Option<Frame<'_>> {
        self.take(true)
    }

    fn take(&mut self, now: bool) -> Option<Frame<'_>> {
        let full = self.places.iter().all(|place| place.sequence.is_some());
        // Before the first frame has been given out, it is compared with any of those that wait.
        let waiting = self.places.iter().find_map(|place| place.sequence);
        let next = self.next.or(waiting)?;
        let ahead = |sequence: u32| sequence.wrapping_sub(next).cast_signed();
        let oldest = self.places.iter_mut().filter(|place| place.sequence.is_some());
        let place = oldest.min_by_key(|place| place.sequence.map(ahead))?;
        let sequence = place.sequence?;
        let ahead = ahead(sequence);
        if ahead > 0 && !full && !now {
            return None;
        }
        place.sequence = None;
        if ahead >= 0 || self.next.is_none() {
            self.next = Some(sequence.wrapping_add(1));
        }
        let bytes = place.bytes.get(..place.length)?;
        Frame::parse(bytes).ok().map(|(frame, _)| frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_wrap() {
        let mut receiver = Receiver::new();
        assert_eq!(receiver.ahead(u32::MAX), 1);
        receiver.newest = Some(u32::MAX - 1);
        assert_eq!(receiver.ahead(3), 5);
        assert_eq!(receiver.ahead(u32::MAX - 3), -2);
        assert_eq!(receiver.ahead(0x7fff_fffd), i32::MAX);
        assert_eq!(receiver.ahead(0x7fff_fffe), i32::MIN);
        assert_eq!((bit(0), bit(-63), bit(-64), bit(i32::MIN)), (1, 1 << 63, 0, 0));
    }
}
