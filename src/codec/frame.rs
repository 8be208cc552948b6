//! The frame: one window on the wire, decodable alone or after the one before it.
//!
//! | size | meaning |
//! |---|---|
//! | 1 | version of the format, 3, in the high four bits; flags: 1 plain samples, 2 refined, 4 rows given, 8 chained |
//! | 2 | id of the model |
//! | 1 to 5 | sequence number |
//! | 1 to 2 | with flag 4: rows, at least 1; else the frame has a full window |
//! | 1 to 3 | length n of the payload |
//! | n | payload |
//! | 4 | CRC-32 (ISO-HDLC) of everything before |
//!
//! Sequence number, rows and length are LEB128: seven bits a byte, the lowest first, the top bit
//! set in all but the last byte, and no more bytes than it takes. Other numbers are
//! little-endian. Frames follow each other without a gap.
//!
//! The payload is the range-coded values, or with flag 1 the plain samples, row by row. A decoder
//! reads zeros behind the end of the payload. A chained frame goes on where the one before it
//! ended; its payload begins with the low two bytes of that one's checksum, so that it is never
//! taken for the successor of another.
//!
//! # A frame in full
//!
//! Six rows of one lossless `i16` channel that is predicted by its last value. Plain they would
//! take 12 bytes, here 3:
//!
//! ```text
//! 34 61 73 07 06 03  version 3, rows given, model 0x7361, number 7, 6 rows, 3 bytes
//! d9 67 ba           the six values
//! 58 2c b5 57        CRC-32
//! ```
//!
//! ```
//! use eigenmote::codec::{
//!     self, Channel, Frame, Lattice, Method, Model, ModelSpec, Predictor, Slot, Terms, fit,
//! };
//!
//! let channel = Channel::<i16> {
//!     lattice: Lattice::bounded(0.0, 0.5).unwrap(), // half a count: lossless
//!     predictor: Predictor {
//!         mean: 1000,
//!         spread: 8 << 8,
//!         scale: 2 << 8,
//!         start: Terms::NONE,
//!         terms: Terms::polynomial(0, 1),
//!     },
//! };
//! let spec = ModelSpec {
//!     window: 8,
//!     channels: &[channel],
//!     method: Method::Bounded,
//!     priors: &fit::DEFAULT_PRIORS,
//!     rate: fit::DEFAULT_RATE,
//! };
//! let mut blob = [0; 1024];
//! let length = spec.write(&mut blob)?;
//! let model = Model::parse(&blob[..length])?;
//! let mut scratch = [Slot::NEW; 1];
//!
//! let window = [1003, 1004, 1004, 1001, 1002, 1002];
//! let mut out = [0; 64];
//! let length = codec::encode(&model, 7, &window, &mut scratch, &mut out)?;
//! assert_eq!(
//!     out[..length],
//!     [
//!         0x34, 0x61, 0x73, 0x07, 0x06, 0x03, //
//!         0xd9, 0x67, 0xba, //
//!         0x58, 0x2c, 0xb5, 0x57,
//!     ]
//! );
//!
//! let (frame, _) = Frame::parse(&out)?;
//! let mut decoded = [0_i16; 8];
//! let rows = codec::decode(&model, &frame, &mut scratch, &mut decoded)?;
//! assert_eq!(decoded[..rows], window);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

use core::fmt;
use core::ops::Range;

use super::model::{MAX_PAYLOAD, Writer, checksum as checksum_of};

/// Most bytes of a frame beside its payload.
pub const OVERHEAD: usize = HEADER_BYTES + CRC_BYTES;

/// Most bytes of a header.
const HEADER_BYTES: usize = 13;
/// Bytes of a header before its numbers.
const FIXED_BYTES: usize = 3;
/// Bytes that tie a chained frame to the one before.
pub(super) const LINK_BYTES: usize = 2;
const CRC_BYTES: usize = 4;
const VERSION: u8 = 3;
const FLAG_BITS: u32 = 4;

/// The payload is the plain samples.
pub(super) const RAW: u8 = 1;
/// Coefficients are followed by residuals.
pub(super) const REFINED: u8 = 2;
/// The number of rows follows.
const ROWS: u8 = 4;
/// The frame goes on where the one before it ended.
pub(super) const CHAINED: u8 = 8;

/// Why a frame was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// The bytes end before the length in the header.
    Truncated,
    /// This build does not know the version byte.
    UnknownVersion(u8),
    /// The frame does not match its checksum.
    BadChecksum,
    /// Flags without a meaning, a number in more bytes than it takes, or no rows.
    BadHeader,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the frame ends early"),
            Self::UnknownVersion(version) => write!(f, "unknown frame version {version}"),
            Self::BadChecksum => f.write_str("the frame's checksum does not match"),
            Self::BadHeader => f.write_str("the frame's header has a field without meaning"),
        }
    }
}

impl core::error::Error for FrameError {}

/// A checked frame, borrowed from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frame<'a> {
    flags: u8,
    model_id: u16,
    sequence: u32,
    rows: Option<u16>,
    payload: &'a [u8],
    checksum: u32,
}

/// Takes a LEB128 number of at most `most` bytes off the front.
fn pop_number(bytes: &mut &[u8], most: u32) -> Result<u32, FrameError> {
    let mut number = 0_u32;
    for place in 0..most {
        let (&byte, rest) = bytes.split_first().ok_or(FrameError::Truncated)?;
        *bytes = rest;
        let bits = u32::from(byte & 127);
        let shift = (7 * place) & 31;
        let shifted = bits << shift;
        if shifted >> shift != bits || byte == 0 && place > 0 {
            return Err(FrameError::BadHeader);
        }
        number |= shifted;
        if byte < 128 {
            return Ok(number);
        }
    }
    Err(FrameError::BadHeader)
}

impl<'a> Frame<'a> {
    /// Checks the frame at the start of `bytes`; also returns how many bytes it takes.
    ///
    /// # Errors
    /// What is wrong with the bytes. After [`FrameError::Truncated`] more bytes may help.
    pub fn parse(bytes: &'a [u8]) -> Result<(Self, usize), FrameError> {
        let (&first, rest) = bytes.split_first().ok_or(FrameError::Truncated)?;
        let (version, flags) = (first >> FLAG_BITS, first & ((1 << FLAG_BITS) - 1));
        if version != VERSION {
            return Err(FrameError::UnknownVersion(version));
        }
        let (id, mut rest) = rest.split_first_chunk::<2>().ok_or(FrameError::Truncated)?;
        let sequence = pop_number(&mut rest, 5)?;
        let rows = match flags & ROWS {
            0 => None,
            _ => Some(pop_number(&mut rest, 3)?),
        };
        let length = pop_number(&mut rest, 3)? as usize;
        // What is no header is told before the checksum: a scan meets many, and long ones.
        let coded = flags & !(ROWS | CHAINED);
        let chained = flags & CHAINED != 0;
        let rows = rows.map(u16::try_from).transpose().map_err(|_| FrameError::BadHeader)?;
        if !matches!(coded, 0 | RAW | REFINED)
            || chained && coded != 0
            || rows == Some(0)
            || length > MAX_PAYLOAD
        {
            return Err(FrameError::BadHeader);
        }
        let (payload, rest) = rest.split_at_checked(length).ok_or(FrameError::Truncated)?;
        let crc = rest.first_chunk::<CRC_BYTES>().ok_or(FrameError::Truncated)?;
        let checksum = u32::from_le_bytes(*crc);
        let end = bytes.len() - rest.len();
        if checksum_of(bytes.get(..end).unwrap_or(&[])) != checksum {
            return Err(FrameError::BadChecksum);
        }
        let model_id = u16::from_le_bytes(*id);
        let frame = Self { flags, model_id, sequence, rows, payload, checksum };
        Ok((frame, end + CRC_BYTES))
    }

    /// Id of the model that the frame was made with.
    pub fn model_id(&self) -> u16 {
        self.model_id
    }

    /// The number the encoder was given.
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// Rows (samples per channel) in the frame, at least 1; `None` for a full window.
    pub fn rows(&self) -> Option<usize> {
        self.rows.map(usize::from)
    }

    /// Whether the frame goes on where the one before it ended, and cannot be decoded alone.
    pub fn is_chained(&self) -> bool {
        self.flags & CHAINED != 0
    }

    pub(super) fn checksum(&self) -> u32 {
        self.checksum
    }

    /// The coded values.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Whether the values are plain, because coding them would have taken more bytes.
    pub fn is_raw(&self) -> bool {
        self.flags & RAW != 0
    }

    /// Whether residuals were sent to keep the budget.
    pub fn is_refined(&self) -> bool {
        self.flags & REFINED != 0
    }
}

/// What a header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) flags: u8,
    pub(super) model_id: u16,
    pub(super) sequence: u32,
    /// `None` for a full window.
    pub(super) rows: Option<u16>,
}

impl Header {
    /// Bytes of the header before a payload of `length` bytes.
    fn len(&self, length: usize) -> usize {
        let rows = self.rows.map_or(0, |rows| number_len(rows.into()));
        let length = number_len(u32::try_from(length).unwrap_or(u32::MAX));
        FIXED_BYTES + number_len(self.sequence) + rows + length
    }

    /// Where in a frame of at most `room` bytes a payload of at most `most` may lie, until
    /// [`seal`] moves it up to its header.
    pub(super) fn payload(&self, room: usize, most: usize) -> Range<usize> {
        let room = room.saturating_sub(CRC_BYTES);
        let length = most.min(room.saturating_sub(self.len(0)));
        let start = self.len(length);
        start..room.min(start.saturating_add(length))
    }
}

/// Bytes of a number.
fn number_len(mut number: u32) -> usize {
    let mut bytes = 1;
    while number > 127 {
        number >>= 7;
        bytes += 1;
    }
    bytes
}

impl Writer<'_> {
    fn put_number(&mut self, mut number: u32) {
        while number > 127 {
            self.put(&[number.to_le_bytes()[0] | 128]);
            number >>= 7;
        }
        self.put(&[number.to_le_bytes()[0]]);
    }
}

/// Puts header and checksum around a payload of `length` bytes that begins at `start`, behind the
/// place of its header; length and checksum of the frame.
pub(super) fn seal(out: &mut [u8], header: Header, start: usize, length: usize) -> (usize, u32) {
    let header_len = header.len(length);
    let up = start.saturating_sub(header_len);
    for to in header_len..header_len + length {
        let byte = out.get(to + up).copied().unwrap_or(0);
        if let Some(place) = out.get_mut(to) {
            *place = byte;
        }
    }
    let mut writer = Writer { out, at: 0 };
    let flags = header.flags | if header.rows.is_some() { ROWS } else { 0 };
    let [low, high] = header.model_id.to_le_bytes();
    writer.put(&[VERSION << FLAG_BITS | flags, low, high]);
    writer.put_number(header.sequence);
    if let Some(rows) = header.rows {
        writer.put_number(rows.into());
    }
    writer.put_number(u32::try_from(length).unwrap_or(u32::MAX));
    writer.at += length;
    let checksum = checksum_of(writer.out.get(..writer.at).unwrap_or(&[]));
    writer.put(&checksum.to_le_bytes());
    (writer.at, checksum)
}
