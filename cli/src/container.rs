//! Compressed files: the frames of one recording, one after the other.
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 4 | `EIGC` |
//! | 4 | 1 | version, 1 |
//! | 5 | 3 | zero |
//! | 8 | 4 | CRC-32 at the end of the model blob |
//! | 12 | 2 | channels |
//! | 14 | 2 | rows of a frame; the last one may have fewer |
//! | 16 | 8 | rows |
//! | 24 | 8 | bytes of all frames |
//! | 32 | 4 | number of gaps |
//! | 36 | 18 each | gaps (missing cells in a row of rows): channel 2, first row 8, rows 8 |
//! | | 4 | CRC-32 of everything before |
//! | | | frames |
//! | | 4 | CRC-32 of everything before |

use anyhow::{Result, bail};
use eigenmote::codec::OVERHEAD;

use crate::bytes::{Cursor, checksum, seal};
use crate::input::Gap;

const MAGIC: &[u8; 4] = b"EIGC";
const VERSION: u8 = 1;
/// A file cut to less than this part of its length is given up.
const MAX_CUT: usize = 64;

/// What a compressed file says before its first frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) model: u32,
    pub(crate) channels: usize,
    pub(crate) window: usize,
    pub(crate) rows: usize,
    pub(crate) gaps: Vec<Gap>,
}

/// A compressed file, header checked.
#[derive(Debug)]
pub(crate) struct Container<'a> {
    pub(crate) header: Header,
    /// The bytes of the frames, as many of them as the file has.
    pub(crate) frames: &'a [u8],
    /// Why the frames cannot all be trusted.
    pub(crate) damage: Option<String>,
}

pub(crate) fn is_container(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The bytes of a compressed file.
pub(crate) fn write(header: &Header, frames: &[u8]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend([VERSION, 0, 0, 0]);
    out.extend(header.model.to_le_bytes());
    out.extend((header.channels as u16).to_le_bytes());
    out.extend((header.window as u16).to_le_bytes());
    out.extend((header.rows as u64).to_le_bytes());
    out.extend((frames.len() as u64).to_le_bytes());
    out.extend((header.gaps.len() as u32).to_le_bytes());
    for gap in &header.gaps {
        out.extend((gap.channel as u16).to_le_bytes());
        out.extend((gap.start as u64).to_le_bytes());
        out.extend((gap.len as u64).to_le_bytes());
    }
    seal(&mut out);
    out.extend(frames);
    seal(&mut out);
    out
}

/// Checks the header and reports damage behind it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Container<'_>> {
    let mut cursor = Cursor::new(bytes);
    if cursor.take(4)? != MAGIC {
        bail!("not a file written by `eigenmote compress`");
    }
    let version = cursor.number(1)?;
    if version != u64::from(VERSION) {
        bail!("version {version} of the compressed file is not known to this program");
    }
    cursor.take(3)?;
    let model = cursor.number(4)? as u32;
    let channels = cursor.number(2)? as usize;
    let window = cursor.number(2)? as usize;
    let rows = cursor.number(8)? as usize;
    let length = cursor.number(8)? as usize;
    let count = cursor.number(4)?;
    let mut gaps = Vec::new();
    for _ in 0..count {
        let channel = cursor.number(2)? as usize;
        let start = cursor.number(8)? as usize;
        gaps.push(Gap { channel, start, len: cursor.number(8)? as usize });
    }
    let sum = checksum(&bytes[..cursor.at()]);
    if cursor.number(4)? != u64::from(sum) {
        bail!("the header is damaged (its checksum does not match); nothing can be recovered");
    }
    let inside = |gap: &Gap| {
        gap.channel < channels && gap.start.checked_add(gap.len).is_some_and(|end| end <= rows)
    };
    // Every frame takes at least its overhead: so many rows, and no more, can be in the frames.
    let enough = window > 0 && rows.div_ceil(window) <= length / OVERHEAD;
    if channels == 0 || !enough || !gaps.iter().all(inside) {
        bail!("the header contradicts itself");
    }
    // Memory is taken for all rows of the header, so it has to be in proportion to the file.
    if length / MAX_CUT > bytes.len() {
        bail!(
            "the file is truncated: its header tells of {length} bytes of frames, and all of it is {} \
             bytes; with less than 1/{MAX_CUT} of it nothing can be recovered",
            bytes.len()
        );
    }
    let start = cursor.at();
    let end = start.saturating_add(length);
    let damage = match bytes.len() {
        n if n < end.saturating_add(4) => {
            Some(format!("the file is truncated: {n} bytes of {}", end.saturating_add(4)))
        }
        n if n > end + 4 => Some(format!("{} bytes follow the end of the file", n - end - 4)),
        n if bytes[n - 4..] != checksum(&bytes[..n - 4]).to_le_bytes() => {
            Some("the file is damaged (its checksum does not match)".into())
        }
        _ => None,
    };
    let frames = &bytes[start..end.min(bytes.len())];
    Ok(Container { header: Header { model, channels, window, rows, gaps }, frames, damage })
}
