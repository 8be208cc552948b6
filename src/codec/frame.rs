//! The frame: one window on the wire, decodable alone.
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 1 | version of the format, 1 |
//! | 1 | 1 | flags: 1 plain samples, 2 with escapes, 4 refined; others 0 |
//! | 2 | 2 | id of the model |
//! | 4 | 4 | sequence number |
//! | 8 | 2 | rows, at least 1 |
//! | 10 | 2 | length n of the payload |
//! | 12 | n | payload |
//! | 12 + n | 4 | CRC-32 (ISO-HDLC) of everything before |
//!
//! All numbers are little-endian. Frames follow each other without a gap.
//!
//! The payload is the range-coded values, or with flag 1 the plain samples, row by row. A decoder
//! reads zeros behind the end of the payload.
//!
//! # A frame in full
//!
//! Six rows of one lossless `i16` channel that is predicted by its last value. Plain they would
//! take 12 bytes, here 3:
//!
//! ```text
//! 01 00 35 e7 07 00 00 00 06 00 03 00  version 1, no flags, model 0xe735, number 7, 6 rows, 3 bytes
//! d4 63 a6                             the six values
//! 68 95 dd be                          CRC-32
//! ```
//!
//! ```
//! use eigenmote::codec::{self, Channel, Frame, Lattice, Model, ModelSpec, Predictor, Slot, fit};
//!
//! let channel = Channel::<i16> {
//!     lattice: Lattice::bounded(0.0, 0.5).unwrap(), // half a count: lossless
//!     predictor: Predictor { mean: 1000, spread: 8 << 8, scale: 2 << 8, order: 1 },
//! };
//! let spec = ModelSpec {
//!     window: 8,
//!     channels: &[channel],
//!     transform: None,
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
//!         0x01, 0x00, 0x35, 0xe7, 0x07, 0x00, 0x00, 0x00, 0x06, 0x00, 0x03, 0x00, //
//!         0xd4, 0x63, 0xa6, //
//!         0x68, 0x95, 0xdd, 0xbe,
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

use super::model::{CRC, Writer, u16_at, u32_at};

/// Bytes of a frame beside its payload.
pub const OVERHEAD: usize = HEADER_BYTES + CRC_BYTES;

pub(super) const HEADER_BYTES: usize = 12;
const CRC_BYTES: usize = 4;
const VERSION: u8 = 1;

/// The payload is the plain samples.
pub(super) const RAW: u8 = 1;
/// A flag comes before each value.
pub(super) const ESCAPES: u8 = 2;
/// Coefficients are followed by residuals.
pub(super) const REFINED: u8 = 4;

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
    /// Flags without a meaning, or no rows.
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
pub struct Frame<'a> {
    flags: u8,
    model_id: u16,
    sequence: u32,
    rows: u16,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Checks the frame at the start of `bytes`; also returns how many bytes it takes.
    ///
    /// # Errors
    /// What is wrong with the bytes. After [`FrameError::Truncated`] more bytes may help.
    pub fn parse(bytes: &'a [u8]) -> Result<(Self, usize), FrameError> {
        let &version = bytes.first().ok_or(FrameError::Truncated)?;
        if version != VERSION {
            return Err(FrameError::UnknownVersion(version));
        }
        let (header, rest) =
            bytes.split_first_chunk::<HEADER_BYTES>().ok_or(FrameError::Truncated)?;
        let length = usize::from(u16_at(header, 10));
        let (payload, rest) = rest.split_at_checked(length).ok_or(FrameError::Truncated)?;
        let crc = rest.first_chunk::<CRC_BYTES>().ok_or(FrameError::Truncated)?;
        let mut digest = CRC.digest();
        digest.update(header);
        digest.update(payload);
        if digest.finalize() != u32::from_le_bytes(*crc) {
            return Err(FrameError::BadChecksum);
        }
        let [_, flags, ..] = *header;
        let rows = u16_at(header, 8);
        if !matches!(flags, 0 | RAW | ESCAPES | REFINED) || rows == 0 {
            return Err(FrameError::BadHeader);
        }
        let frame =
            Self { flags, model_id: u16_at(header, 2), sequence: u32_at(header, 4), rows, payload };
        Ok((frame, OVERHEAD + length))
    }

    /// Id of the model that the frame was made with.
    pub fn model_id(&self) -> u16 {
        self.model_id
    }

    /// The number the encoder was given.
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// Rows (samples per channel) in the frame, at least 1.
    pub fn rows(&self) -> usize {
        usize::from(self.rows)
    }

    /// The coded values.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Whether the values are plain, because coding them would have taken more bytes.
    pub fn is_raw(&self) -> bool {
        self.flags & RAW != 0
    }

    /// Whether some values have no count and were sent as their bits.
    pub fn has_escapes(&self) -> bool {
        self.flags & ESCAPES != 0
    }

    /// Whether residuals were sent to keep the budget.
    pub fn is_refined(&self) -> bool {
        self.flags & REFINED != 0
    }
}

/// Puts header and checksum around the payload that is already in its place; the frame's length.
pub(super) fn seal(
    out: &mut [u8],
    flags: u8,
    model_id: u16,
    sequence: u32,
    rows: u16,
    payload_len: u16,
) -> usize {
    let mut writer = Writer { out: &mut *out, at: 0 };
    writer.put(&[VERSION, flags]);
    writer.put(&model_id.to_le_bytes());
    writer.put(&sequence.to_le_bytes());
    writer.put(&rows.to_le_bytes());
    writer.put(&payload_len.to_le_bytes());
    let end = HEADER_BYTES + usize::from(payload_len);
    let checksum = CRC.checksum(out.get(..end).unwrap_or(&[]));
    let mut writer = Writer { out, at: end };
    writer.put(&checksum.to_le_bytes());
    writer.at
}
