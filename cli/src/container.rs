//! Compressed files: the frames of one recording, one after the other.
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 4 | `EIGC` |
//! | 4 | 1 | version, 2 |
//! | 5 | 3 | zero |
//! | 8 | 4 | CRC-32 at the end of the model blob |
//! | 12 | 2 | channels |
//! | 14 | 2 | rows of a frame; the last one may have fewer |
//! | 16 | 8 | rows |
//! | 24 | 8 | bytes of all frames |
//! | 32 | 4 | bytes of the list of gaps |
//! | 36 | | list of gaps: missing cells of one channel in consecutive rows |
//! | | 4 | CRC-32 of everything before |
//! | | | frames |
//! | | 4 | CRC-32 of everything before |
//!
//! The list of gaps is empty where no cell is missing. Otherwise it holds, channel by channel, the
//! number of gaps, and of each gap the rows between the end of the last one (or the first row) and
//! its start, and its own rows. All numbers in it are LEB128: seven bits a byte, the lowest first,
//! the top bit set in all but the last byte. So a gap takes two to four bytes as a rule.

use anyhow::{Result, bail};

use crate::bytes::{Cursor, checksum, seal};
use crate::input::Gap;

const MAGIC: &[u8; 4] = b"EIGC";
const VERSION: u8 = 2;
/// Bytes of a frame with an empty payload: version, id, number, length, checksum.
const LEAST_FRAME: usize = 9;
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
    let gaps = gap_list(&header.gaps, header.channels);
    out.extend((gaps.len() as u32).to_le_bytes());
    out.extend(gaps);
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
    let gaps = cursor.number(4)? as usize;
    let gaps = cursor.take(gaps)?;
    let sum = checksum(&bytes[..cursor.at()]);
    if cursor.number(4)? != u64::from(sum) {
        bail!("the header is damaged (its checksum does not match); nothing can be recovered");
    }
    // Every frame takes at least so many bytes: only so many rows can be in the frames.
    let enough = window > 0 && rows.div_ceil(window) <= length / LEAST_FRAME;
    let gaps = parse_gaps(gaps, channels, rows);
    let (true, true, Some(gaps)) = (channels > 0, enough, gaps) else {
        bail!("the header contradicts itself");
    };
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

/// The list of gaps; they are ordered by channel and row.
fn gap_list(gaps: &[Gap], channels: usize) -> Vec<u8> {
    let mut list = Vec::new();
    if gaps.is_empty() {
        return list;
    }
    let mut rest = gaps;
    for channel in 0..channels {
        let (own, others) = rest.split_at(rest.partition_point(|gap| gap.channel == channel));
        rest = others;
        push_number(&mut list, own.len());
        let mut end = 0;
        for gap in own {
            push_number(&mut list, gap.start - end);
            push_number(&mut list, gap.len);
            end = gap.start + gap.len;
        }
    }
    list
}

/// The gaps of a list; `None` if they do not lie within the rows, or the list is no such list.
fn parse_gaps(mut list: &[u8], channels: usize, rows: usize) -> Option<Vec<Gap>> {
    let mut gaps = Vec::new();
    if list.is_empty() {
        return Some(gaps);
    }
    for channel in 0..channels {
        let mut end = 0_usize;
        for _ in 0..pop_number(&mut list)? {
            let start = end.checked_add(pop_number(&mut list)?)?;
            let len = pop_number(&mut list)?;
            end = start.checked_add(len).filter(|&end| len > 0 && end <= rows)?;
            gaps.push(Gap { channel, start, len });
        }
    }
    list.is_empty().then_some(gaps)
}

/// Appends a number as LEB128.
fn push_number(list: &mut Vec<u8>, mut number: usize) {
    while number > 127 {
        list.push(number as u8 | 128);
        number >>= 7;
    }
    list.push(number as u8);
}

/// Takes a LEB128 number off the front; `None` if it does not end or does not fit.
fn pop_number(list: &mut &[u8]) -> Option<usize> {
    let mut number = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = list.split_first()?;
        *list = rest;
        let bits = u64::from(byte & 127);
        number |= Some(bits << shift).filter(|shifted| shifted >> shift == bits)?;
        if byte < 128 {
            return usize::try_from(number).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(channel: usize, start: usize, len: usize) -> Gap {
        Gap { channel, start, len }
    }

    #[test]
    fn a_list_of_gaps_comes_back() {
        let gaps = [gap(1, 0, 1), gap(1, 3, 200), gap(3, 299, 1), gap(3, 40_000, 1)];
        let list = gap_list(&gaps, 5);
        assert_eq!(list, [0, 2, 0, 1, 2, 200, 1, 0, 2, 171, 2, 1, 148, 182, 2, 1, 0]);
        assert_eq!(parse_gaps(&list, 5, 40_001).as_deref(), Some(&gaps[..]));
        assert!(gap_list(&[], 5).is_empty());
        assert_eq!(parse_gaps(&[], 5, 9), Some(vec![]));
    }

    #[test]
    fn no_other_list_is_taken() {
        assert!(parse_gaps(&[1, 2, 3], 1, 5).is_some());
        let endless = [255; 12];
        let beyond_64_bits = [1, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2];
        let wrapping = [2, 1, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1];
        let lists: [&[u8]; 9] = [
            &[1, 2, 4],       // past the last row
            &[1, 2, 0],       // no row
            &[1, 2],          // cut
            &[1, 2, 3, 0],    // more than the channels
            &[2, 0, 1, 1, 4], // the second past the last row
            &[0, 1, 2, 3],    // a second channel
            &endless,
            &beyond_64_bits,
            &wrapping,
        ];
        for list in lists {
            assert_eq!(parse_gaps(list, 1, 5), None, "{list:?}");
        }
    }
}
