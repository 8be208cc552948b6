//! Any bytes as a compressed file, and as the parts of one behind a good head.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;

#[path = "../../cli/src/bytes.rs"]
mod bytes;
#[path = "../support/checksum.rs"]
mod checksum;
#[allow(dead_code, reason = "the tool uses more of it")]
#[path = "../../cli/src/container.rs"]
mod container;

mod input {
    /// As in the tool, whose readers are not needed here.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Gap {
        pub(crate) channel: usize,
        pub(crate) start: usize,
        pub(crate) len: usize,
    }
}

/// Parses a file; what it says fits together.
fn survives(file: &[u8], rows: std::ops::Range<usize>) {
    if let Ok(container) = container::parse(file) {
        let header = &container.header;
        assert!(header.channels > 0 && header.window > 0);
        for gap in &header.gaps {
            assert!(gap.channel < header.channels && gap.start + gap.len <= header.rows);
        }
        assert_eq!(container.marks[0], container::Mark::default());
        for pair in container.marks.windows(2) {
            assert!(pair[0].row < pair[1].row && pair[1].row < header.rows);
            assert!(pair[0].byte < pair[1].byte && pair[0].frame < pair[1].frame);
        }
        assert!(container.frames.len() + container.model.map_or(0, <[u8]>::len) <= file.len());
    }
    if let Ok(part) = container::read_rows(&mut Cursor::new(file), &rows) {
        assert!(part.frames.len() <= file.len());
        assert!(part.marks[0].row <= rows.start);
    }
    let _ = container::read_model(&mut Cursor::new(file));
}

fn seal(bytes: &mut Vec<u8>) {
    bytes.extend(checksum::crc32(bytes).to_le_bytes());
}

/// A list with its checksum, or none.
fn list(bytes: &[u8]) -> Vec<u8> {
    let mut list = bytes.to_vec();
    if !list.is_empty() {
        seal(&mut list);
    }
    list
}

fuzz_target!(|data: &[u8]| {
    let [from, flags, gaps_len, index_len, rest @ ..] = data else { return };
    let rows = usize::from(*from)..usize::from(*from) + 20;
    survives(data, rows.clone());

    // A head with a checksum that matches, whatever its numbers are, and lists with theirs.
    let (gaps, rest) = rest.split_at(rest.len().min(usize::from(*gaps_len)));
    let (index, rest) = rest.split_at(rest.len().min(usize::from(*index_len)));
    let (numbers, frames) = rest.split_at(rest.len().min(12));
    let (gaps, index) = (list(gaps), list(index));
    let mut file = b"EIGC\x03".to_vec();
    file.extend([flags & 3, 1, 2, 3, 4]);
    file.extend(numbers);
    if flags & 4 == 0 {
        for length in [0, gaps.len(), index.len(), frames.len()] {
            file.extend([length as u8 | 128, (length >> 7) as u8 & 127]);
        }
    }
    seal(&mut file);
    for part in [&gaps[..], &index, frames] {
        file.extend(part);
    }
    seal(&mut file);
    survives(&file, rows.clone());
    survives(&file[..file.len() - file.len() / 3], rows);

    // What is written comes back.
    let window = 1 + usize::from(*from) % 9;
    let mut marks = Vec::new();
    let mut next = container::Mark::default();
    for &length in frames.iter().take_while(|_| frames.len() >= 9) {
        marks.push(next);
        next.frame += 1;
        next.row += if flags & 2 != 0 { 1 + usize::from(length) % window } else { window };
        next.byte += 9 + usize::from(length);
    }
    let header = container::Header {
        model: 7,
        channels: 2,
        window,
        rows: next.row,
        varying: flags & 2 != 0,
        gaps: if next.row > 3 { vec![input::Gap { channel: 1, start: 1, len: 2 }] } else { vec![] },
    };
    let model = (flags & 1 != 0).then_some(data);
    let bytes = vec![0x55; next.byte];
    let chain = 1 + usize::from(*gaps_len) % 20;
    let file = container::write(&header, model, &bytes, &marks, chain);
    let read = container::parse(&file).unwrap();
    assert_eq!((read.header, read.damage, read.model), (header, None, model));
    assert_eq!(read.frames, bytes);
    for mark in &read.marks[1..] {
        assert_eq!(marks[mark.frame], *mark);
        assert_eq!(mark.frame % chain, 0);
    }
});
