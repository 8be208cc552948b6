//! Compressed files: the frames of one recording, one after the other, and what it takes to find some.
//!
//! | part | size | meaning |
//! |---|---|---|
//! | head | 4 | `EIGC` |
//! | | 1 | version, 3 |
//! | | 1 | flags: 1 a model is in the file, 2 frames of varying numbers of rows |
//! | | 4 | CRC-32 at the end of the model blob |
//! | | 7 to 70 | channels; rows of a frame (the most, with flag 2; the last one may have fewer); rows; bytes of the model, the list of gaps, the index, and the frames |
//! | | 4 | CRC-32 of the head before |
//! | model | | with flag 1 a model file, which has a checksum of its own |
//! | gaps | | missing cells of one channel in consecutive rows |
//! | | 4 | CRC-32 of the list, unless there is none |
//! | index | | where every K-th frame is |
//! | | 4 | CRC-32 of the index, unless there is none |
//! | frames | | |
//! | end | 4 | CRC-32 of everything before |
//!
//! The seven numbers of the head, and all numbers in list and index, are LEB128: seven bits a byte,
//! the lowest first, the top bit set in all but the last byte.
//!
//! The list of gaps is empty where no cell is missing. Otherwise it holds, channel by channel, the
//! number of gaps, and of each gap the rows between the end of the last one (or the first row) and
//! its start, and its own rows. So a gap takes two to four bytes as a rule.
//!
//! The index holds K, then of the frames K, 2K, … the bytes since the one before and, with flag 2,
//! the rows; without, frame n begins with row n times the rows of a frame. Each of these frames stands
//! alone, so that decoding can begin with it. It takes two bytes per 4 KiB as a rule, and is empty
//! where there is no frame K. It can be done without: frames have numbers.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use anyhow::{Context, Result, bail};

use crate::bytes::{Cursor, checksum, seal};
use crate::input::Gap;

const MAGIC: &[u8; 4] = b"EIGC";
const VERSION: u8 = 3;
const WITH_MODEL: u8 = 1;
const VARYING: u8 = 2;
/// Most bytes of the head.
const MAX_HEAD: usize = 4 + 1 + 1 + 4 + 7 * 10 + 4;
/// Bytes of a frame with an empty payload: version, id, number, length, checksum.
pub(crate) const LEAST_FRAME: usize = 9;
/// A file cut to less than this part of its length is given up.
const MAX_CUT: usize = 64;
/// Frames named in the index are about so many bytes apart, or as far as the next that stands alone.
const SPACING: usize = 4096;
/// Where frames have varying numbers of rows, what follows a damaged one gets its rows from the index.
const SPACING_VARYING: usize = 1024;

/// What a compressed file says about its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) model: u32,
    pub(crate) channels: usize,
    pub(crate) window: usize,
    pub(crate) rows: usize,
    /// Whether a frame may have fewer rows than the window, wherever it is.
    pub(crate) varying: bool,
    pub(crate) gaps: Vec<Gap>,
}

/// Where a frame is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Its number.
    pub(crate) frame: usize,
    /// Its first row.
    pub(crate) row: usize,
    /// Its first byte, counted from that of the first frame.
    pub(crate) byte: usize,
}

/// A compressed file, head checked.
#[derive(Debug)]
pub(crate) struct Container<'a> {
    pub(crate) header: Header,
    /// The model file in it.
    pub(crate) model: Option<&'a [u8]>,
    /// The first frame, and those in the index.
    pub(crate) marks: Vec<Mark>,
    /// Bytes of the index.
    pub(crate) index: usize,
    /// The bytes of the frames, as many of them as the file has.
    pub(crate) frames: &'a [u8],
    /// Why not all of it can be trusted.
    pub(crate) damage: Option<String>,
}

/// Some rows of a compressed file.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) header: Header,
    /// Frames from one that stands alone before the rows to the next such one behind them.
    pub(crate) frames: Vec<u8>,
    /// The first of these frames, and the one behind them if the index has it.
    pub(crate) marks: Vec<Mark>,
}

pub(crate) fn is_container(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The bytes of a compressed file. `marks` are all frames; every `chain`-th stands alone.
pub(crate) fn write(
    header: &Header,
    model: Option<&[u8]>,
    frames: &[u8],
    marks: &[Mark],
    chain: usize,
) -> Vec<u8> {
    let sealed = |mut list: Vec<u8>| {
        if !list.is_empty() {
            seal(&mut list);
        }
        list
    };
    let gaps = sealed(gap_list(&header.gaps, header.channels));
    let index = sealed(index(marks, frames.len(), chain, header.varying));
    let mut out = MAGIC.to_vec();
    let flags = [(model.is_some(), WITH_MODEL), (header.varying, VARYING)];
    let flags = flags.iter().map(|&(is, flag)| if is { flag } else { 0 }).sum();
    out.extend([VERSION, flags]);
    out.extend(header.model.to_le_bytes());
    let lengths = [model.map_or(0, <[u8]>::len), gaps.len(), index.len(), frames.len()];
    for number in [header.channels, header.window, header.rows].into_iter().chain(lengths) {
        push_number(&mut out, number);
    }
    seal(&mut out);
    out.extend(model.unwrap_or_default());
    out.extend(gaps);
    out.extend(index);
    out.extend(frames);
    seal(&mut out);
    out
}

/// What the head says, and where the parts are.
#[derive(Debug)]
struct Head {
    header: Header,
    model: Option<Range<usize>>,
    gaps: Range<usize>,
    index: Range<usize>,
    frames: Range<usize>,
}

impl Head {
    /// Checks the head at the start of these bytes.
    fn parse(bytes: &[u8]) -> Result<Self> {
        let mut cursor = Cursor::new(bytes);
        if cursor.take(4)? != MAGIC {
            bail!("not a file written by `eigenmote compress`");
        }
        let version = cursor.number(1)?;
        if version != u64::from(VERSION) {
            bail!("version {version} of the compressed file is not known to this program");
        }
        let flags = cursor.number(1)? as u8;
        let model = cursor.number(4)? as u32;
        let mut numbers = [0; 7];
        for number in &mut numbers {
            let mut rest = &bytes[cursor.at()..];
            let before = rest.len();
            let Some(popped) = pop_number(&mut rest) else {
                cursor.take(before.min(10))?;
                cursor.take(usize::from(before < 10))?;
                bail!("the header is damaged (it has a number without an end)");
            };
            *number = popped;
            cursor.take(before - rest.len())?;
        }
        let sum = checksum(&bytes[..cursor.at()]);
        if cursor.number(4)? != u64::from(sum) {
            bail!("the header is damaged (its checksum does not match)");
        }
        let [channels, window, rows, model_len, gaps, index, frames] = numbers;
        // Every frame takes at least so many bytes: only so many rows can be in the frames.
        let enough = window > 0 && rows.div_ceil(window) <= frames / LEAST_FRAME;
        let mut at = cursor.at();
        let mut part = |length: usize| {
            let start = at;
            at = start.checked_add(length)?;
            Some(start..at)
        };
        let parts = (part(model_len), part(gaps), part(index), part(frames));
        let known = flags & !(WITH_MODEL | VARYING) == 0
            && (flags & WITH_MODEL != 0 || model_len == 0)
            && u16::try_from(channels).is_ok_and(|channels| channels > 0)
            && u16::try_from(window).is_ok();
        let (Some(model_at), Some(gaps), Some(index), Some(frames)) = parts else {
            bail!("the header contradicts itself");
        };
        if !known || !enough {
            bail!("the header contradicts itself");
        }
        let varying = flags & VARYING != 0;
        Ok(Self {
            header: Header { model, channels, window, rows, varying, gaps: Vec::new() },
            model: (flags & WITH_MODEL != 0).then_some(model_at),
            gaps,
            index,
            frames,
        })
    }

    /// The gaps in these bytes of the file.
    fn gaps(&self, sealed: Option<&[u8]>) -> Option<Vec<Gap>> {
        parse_gaps(unsealed(sealed?)?, self.header.channels, self.header.rows)
    }

    /// The frames in these bytes of the file.
    fn marks(&self, sealed: Option<&[u8]>) -> Option<Vec<Mark>> {
        parse_index(unsealed(sealed?)?, &self.header, self.frames.len())
    }

    /// Memory is taken for all rows of the header, so it has to be in proportion to the file.
    fn check_length(&self, file: usize) -> Result<()> {
        let frames = self.frames.len();
        if frames / MAX_CUT > file {
            bail!(
                "the file is truncated: its header tells of {frames} bytes of frames, and all of it \
                 is {file} bytes; with less than 1/{MAX_CUT} of it nothing can be recovered"
            );
        }
        Ok(())
    }
}

const GAPS_DAMAGED: &str =
    "the list of missing cells is damaged (a cell without a value holds the one before it)";

/// Checks the head and reports damage behind it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Container<'_>> {
    let mut head = Head::parse(bytes)?;
    head.check_length(bytes.len())?;
    let end = head.frames.end;
    let mut damage = Vec::new();
    match bytes.len() {
        n if n < end.saturating_add(4) => {
            damage.push(format!("the file is truncated: {n} bytes of {}", end.saturating_add(4)));
        }
        n if n > end + 4 => {
            damage.push(format!("{} bytes follow the end of the file", n - end - 4));
        }
        n if bytes[n - 4..] != checksum(&bytes[..n - 4]).to_le_bytes() => {
            damage.push("the file is damaged (its checksum does not match)".into());
        }
        _ => {}
    }
    match head.gaps(bytes.get(head.gaps.clone())) {
        Some(gaps) => head.header.gaps = gaps,
        None => damage.push(GAPS_DAMAGED.into()),
    }
    let marks = head.marks(bytes.get(head.index.clone()));
    if marks.is_none() && damage.is_empty() {
        damage.push("the index contradicts the header".into());
    }
    let there = |part: Range<usize>| &bytes[part.start.min(bytes.len())..part.end.min(bytes.len())];
    Ok(Container {
        model: head.model.map(there),
        marks: marks.unwrap_or_else(|| vec![Mark::default()]),
        index: head.index.len(),
        frames: there(head.frames),
        damage: (!damage.is_empty()).then(|| damage.join("; ")),
        header: head.header,
    })
}

/// Reads the model in a file.
pub(crate) fn read_model<R: Read + Seek + ?Sized>(file: &mut R) -> Result<Option<Vec<u8>>> {
    let head = Head::parse(&read(file, 0..MAX_HEAD)?)?;
    head.model.map(|part| read(file, part)).transpose()
}

/// Reads what it takes to decode some rows, and nothing else: head, gaps, index, and the frames from
/// one that stands alone before them to the next behind them.
pub(crate) fn read_rows<R: Read + Seek + ?Sized>(
    file: &mut R,
    rows: &Range<usize>,
) -> Result<Part> {
    let mut head = Head::parse(&read(file, 0..MAX_HEAD)?)?;
    let length = file.seek(SeekFrom::End(0)).context("cannot seek in it")?;
    head.check_length(usize::try_from(length).unwrap_or(usize::MAX))?;
    let lists = read(file, head.gaps.start..head.index.end)?;
    let (gaps, index) = lists.split_at(head.gaps.len().min(lists.len()));
    let (Some(gaps), Some(marks)) = (head.gaps(Some(gaps)), head.marks(Some(index))) else {
        bail!(
            "the list of missing cells or the index is damaged; restore what is intact with --recover"
        );
    };
    head.header.gaps = gaps;
    let first = marks.partition_point(|mark| mark.row <= rows.start).saturating_sub(1);
    let behind = marks.iter().position(|mark| mark.row >= rows.end).unwrap_or(marks.len());
    let byte = |mark: &Mark| head.frames.start + mark.byte;
    let end = marks.get(behind).map_or(head.frames.end, byte);
    let frames = read(file, byte(&marks[first])..end)?;
    let marks = marks[first..=first].iter().chain(marks.get(behind)).copied().collect();
    Ok(Part { header: head.header, frames, marks })
}

/// The bytes of a file in a range, or as many as it has.
fn read<R: Read + Seek + ?Sized>(file: &mut R, range: Range<usize>) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(range.len().min(1 << 16));
    file.seek(SeekFrom::Start(range.start as u64)).context("cannot seek in it")?;
    file.take(range.len() as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is before the checksum at the end of a list; `None` if it does not match.
fn unsealed(list: &[u8]) -> Option<&[u8]> {
    if list.is_empty() {
        return Some(list);
    }
    let (list, sum) = list.split_last_chunk::<4>()?;
    (checksum(list).to_le_bytes() == *sum).then_some(list)
}

/// The index of these frames.
fn index(marks: &[Mark], bytes: usize, chain: usize, varying: bool) -> Vec<u8> {
    let spacing = if varying { SPACING_VARYING } else { SPACING };
    // So many frames take about the spacing, rounded up to those that stand alone.
    let frames = (spacing * marks.len()).div_ceil(bytes.max(1)).max(1);
    let every = frames.div_ceil(chain).saturating_mul(chain);
    let mut list = Vec::new();
    if every >= marks.len() {
        return list;
    }
    push_number(&mut list, every);
    let named: Vec<_> = marks.iter().step_by(every).collect();
    for pair in named.windows(2) {
        push_number(&mut list, pair[1].byte - pair[0].byte);
        if varying {
            push_number(&mut list, pair[1].row - pair[0].row);
        }
    }
    list
}

/// The first frame and those of an index; `None` if they do not lie within rows and bytes.
fn parse_index(mut list: &[u8], header: &Header, bytes: usize) -> Option<Vec<Mark>> {
    let mut mark = Mark::default();
    let mut marks = vec![mark];
    if list.is_empty() {
        return Some(marks);
    }
    let every = Some(pop_number(&mut list)?).filter(|&every| every > 0)?;
    while !list.is_empty() {
        mark.frame = mark.frame.checked_add(every)?;
        mark.byte = mark.byte.checked_add(pop_number(&mut list)?)?;
        mark.row = if header.varying {
            mark.row.checked_add(pop_number(&mut list)?)?
        } else {
            mark.frame.checked_mul(header.window)?
        };
        let last = marks.last()?;
        let ordered = mark.row > last.row && mark.byte > last.byte;
        marks.push(Some(mark).filter(|m| ordered && m.row < header.rows && m.byte < bytes)?);
    }
    Some(marks)
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

    fn header(rows: usize, varying: bool) -> Header {
        Header { model: 7, channels: 5, window: 4, rows, varying, gaps: vec![gap(2, 1, 3)] }
    }

    /// A file of 500 frames of 100 bytes, each with its number in all of them.
    fn file(varying: bool) -> (Vec<u8>, Vec<Mark>) {
        let row = |frame| if varying { frame * 4 - frame / 8 } else { frame * 4 };
        let marks: Vec<_> =
            (0..500).map(|frame| Mark { frame, row: row(frame), byte: frame * 100 }).collect();
        let frames: Vec<u8> = (0..50_000).map(|at| (at / 100 % 251) as u8).collect();
        (write(&header(row(500), varying), Some(&[9; 300]), &frames, &marks, 16), marks)
    }

    /// Counts the bytes that are read.
    struct Counting<'a>(std::io::Cursor<&'a [u8]>, usize);

    impl Read for Counting<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let read = self.0.read(out)?;
            self.1 += read;
            Ok(read)
        }
    }

    impl Seek for Counting<'_> {
        fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn a_file_comes_back() {
        for varying in [false, true] {
            let (bytes, marks) = file(varying);
            let container = parse(&bytes).unwrap();
            assert_eq!(container.damage, None);
            assert_eq!(container.model, Some(&[9; 300][..]));
            assert_eq!(container.header, header(marks[499].row + 4, varying));
            assert_eq!(container.frames.len(), 50_000);
            let every = if varying { 16 } else { 48 };
            let named: Vec<_> = marks.iter().step_by(every).copied().collect();
            assert_eq!(container.marks, named);
            // K, two bytes for each distance, one for the rows, and the checksum.
            assert_eq!(container.index, 1 + (named.len() - 1) * if varying { 3 } else { 2 } + 4);
        }
    }

    #[test]
    fn some_rows_are_read_without_the_others() {
        for varying in [false, true] {
            let (mut bytes, marks) = file(varying);
            let start = bytes.len() - 4 - 50_000;
            let named: Vec<_> =
                marks.iter().step_by(if varying { 16 } else { 48 }).copied().collect();
            for rows in [0..1, 700..701, 701..720, named[3].row..named[4].row, 1900..1937] {
                let first = named.iter().rposition(|mark| mark.row <= rows.start).unwrap();
                let behind = named.iter().find(|mark| mark.row >= rows.end);
                let end = behind.map_or(50_000, |mark| mark.byte);
                // All other frames may be damaged.
                let needed = start + named[first].byte..start + end;
                let mut damaged = bytes.clone();
                damaged[start..needed.start].fill(0xee);
                damaged[needed.end..].fill(0xee);
                let mut reader = Counting(std::io::Cursor::new(&damaged), 0);
                let part = read_rows(&mut reader, &rows).unwrap();
                assert_eq!(part.frames, bytes[needed.clone()]);
                assert_eq!(part.marks[0], named[first]);
                assert_eq!(part.marks.get(1), behind);
                let lists = start - 300;
                assert!(reader.1 <= needed.len() + lists + MAX_HEAD, "{} for {rows:?}", reader.1);
                assert!(needed.len() <= 2 * if varying { 1600 } else { 4800 });
            }
            let mut reader = Counting(std::io::Cursor::new(&bytes), 0);
            assert_eq!(read_model(&mut reader).unwrap().as_deref(), Some(&[9; 300][..]));
            assert!(reader.1 <= MAX_HEAD + 300);
            bytes[start - 6] ^= 1;
            let mut reader = Counting(std::io::Cursor::new(&bytes), 0);
            assert!(read_rows(&mut reader, &(0..1)).unwrap_err().to_string().contains("--recover"));
        }
    }

    #[test]
    fn an_index_is_left_out_where_it_names_no_frame() {
        let marks: Vec<_> =
            (0..16).map(|frame| Mark { frame, row: 0, byte: frame * 900 }).collect();
        assert!(index(&marks, 16 * 900, 16, false).is_empty());
        assert!(index(&marks[..4], 4 * 900, 1, false).is_empty());
        assert_eq!(index(&marks, 16 * 900, 5, false), [5, 148, 35, 148, 35, 148, 35]);
        assert!(index(&[], 0, 1, false).is_empty());
    }

    #[test]
    fn no_other_index_is_taken() {
        let good = |list: &[u8], varying| parse_index(list, &header(17, varying), 100);
        assert_eq!(good(&[2, 40, 40], false).map(|marks| marks.len()), Some(3));
        assert_eq!(good(&[2, 40, 8, 40, 8], true).map(|marks| marks.len()), Some(3));
        for list in [&[0, 40][..], &[2, 40, 60], &[2, 40, 0], &[3, 40, 40], &[2, 200], &[255; 20]] {
            assert_eq!(good(list, false), None, "{list:?}");
        }
        for list in [&[2, 40, 17][..], &[2, 40], &[2, 40, 0], &[2, 40, 8, 40, 9]] {
            assert_eq!(good(list, true), None, "{list:?}");
        }
    }

    #[test]
    fn damage_is_told_and_leaves_the_rest() {
        let (whole, _) = file(true);
        let frames = whole.len() - 4 - 50_000;
        for (at, reason, gaps, marks) in [
            (frames - 6, "checksum", 1, 1),
            (frames + 1, "checksum", 1, 32),
            (frames - 100, "the list of missing cells is damaged", 0, 32),
        ] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            let container = parse(&bytes).unwrap();
            assert!(container.damage.unwrap().contains(reason));
            assert_eq!((container.header.gaps.len(), container.marks.len()), (gaps, marks));
        }
        for cut in 0..whole.len().min(500) {
            assert!(parse(&whole[..cut]).is_err());
        }
        assert!(parse(&whole[..2000]).unwrap().damage.unwrap().contains("truncated"));
        let longer = [&whole[..], &[1; 9]].concat();
        assert_eq!(parse(&longer).unwrap().damage.unwrap(), "9 bytes follow the end of the file");
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
