//! Any bytes as a table of vectors, as they are and with magic, version, length and checksum repaired; a
//! table that parses must answer. And any vectors and words as a table to write: what is written is
//! read, and every word is found.
#![no_main]

use eigenmote::embed::table::{WordTable, WordTableError, WordTableSpec};
use eigenmote::embed::{Analogy, Hit, Table};
use libfuzzer_sys::fuzz_target;

#[path = "../support/checksum.rs"]
mod checksum;

fn exercise(table: &WordTable<'_>) {
    let last = table.len() as u32 - 1;
    let mut hits = [Hit::default(); 3];
    for dim in table.prefixes() {
        let table = table.prefix(dim).unwrap();
        for id in [0, last] {
            assert_eq!(table.nearest(id, &mut hits), Ok(3.min(table.len() - 1)));
            assert!(hits.iter().all(|hit| hit.id <= last));
            for rule in [Analogy::Add, Analogy::Mul] {
                table.analogy([id, 0, last], rule, &mut hits).unwrap();
            }
            // A scale of 24 bits times a byte is exact.
            let mut vector = vec![0.0_f64; dim];
            table.vector(id, &mut vector).unwrap();
            let mut fixed = vec![0; dim];
            table.vector_fixed(id, &mut fixed).unwrap();
            for (x, q) in vector.iter().zip(fixed) {
                let steps = (x * 65536.0).clamp(f64::from(i32::MIN), f64::from(i32::MAX));
                assert!((steps - f64::from(q)).abs() <= 0.5);
            }
            assert_eq!(table.word(id).is_some(), table.has_words());
            let found = table.word(id).and_then(|word| table.id(word));
            assert!(found.is_none_or(|found| table.word(found) == table.word(id)));
        }
    }
}

fn write(data: &[u8]) {
    let [dim, prefix, rest @ ..] = data else { return };
    let dim = usize::from(dim % 7 + 1);
    // Half of the bytes are values, the other half are words.
    let (values, text) = rest.split_at(rest.len() / 2);
    let rows = values.len() / 4 / dim;
    let values: Vec<f32> =
        values.as_chunks::<4>().0[..rows * dim].iter().map(|&x| f32::from_le_bytes(x)).collect();
    let Ok(vectors) = Table::new(&values, dim) else { return };
    let text = String::from_utf8_lossy(text);
    let words: Vec<&str> = text.split(|c: char| c.is_ascii_control()).take(rows).collect();
    let prefixes = &[u16::from(prefix % 7)][..usize::from(prefix >> 7)];
    let spec = WordTableSpec { vectors, words: &words, prefixes };
    let (mut out, mut work) = (vec![0; spec.encoded_len()], vec![0; spec.workspace_len()]);
    match spec.write(&mut out, &mut work) {
        Ok(length) => {
            let table = WordTable::parse(&out[..length]).unwrap();
            for (id, word) in (0..).zip(&words) {
                assert_eq!((table.id(word), table.word(id)), (Some(id), Some(*word)));
            }
            exercise(&table);
        }
        Err(WordTableError::DuplicateWord(id)) => {
            let (before, after) = words.split_at(id as usize);
            assert!(before.contains(&after[0]));
        }
        Err(WordTableError::BadShape) => {
            let fits = prefixes.iter().all(|&p| p > 0 && usize::from(p) < dim);
            assert!(rows == 0 || !fits);
        }
        Err(WordTableError::WrongLength) => assert_ne!(words.len(), rows),
        Err(error) => panic!("{error}"),
    }
}

fuzz_target!(|data: &[u8]| {
    let _ = WordTable::parse(data);
    write(data);
    // What a fuzzer would not find: matching lengths, small fields, a right checksum.
    let [with_words, prefixes, n, dim, word_bytes, rest @ ..] = data else { return };
    if rest.is_empty() {
        return;
    }
    let (with_words, count) = (usize::from(with_words % 2), usize::from(prefixes % 3) + 1);
    let (n, dim) = (usize::from(n % 40) + 1, usize::from(dim % 9) + count);
    let words = usize::from(word_bytes % 64) * with_words;
    let vocabulary = with_words * (4 * n + 2 * (n / 4 + 1) + 2 * (n + n / 8 + 1)) + words;
    let length = 24 + 2 * count + n * dim + 4 * n + 2 * n * count + vocabulary + 4;
    let mut bytes: Vec<u8> = rest.iter().copied().cycle().take(length).collect();
    bytes[..8].copy_from_slice(&[b'E', b'I', b'G', b'W', 1, with_words as u8, count as u8, 0]);
    bytes[8..12].copy_from_slice(&(length as u32).to_le_bytes());
    bytes[12..16].copy_from_slice(&(n as u32).to_le_bytes());
    bytes[16..18].copy_from_slice(&(dim as u16).to_le_bytes());
    bytes[18] *= with_words as u8;
    bytes[19] = 0;
    bytes[20..24].copy_from_slice(&(words as u32).to_le_bytes());
    for (i, place) in bytes[24..24 + 2 * count].chunks_exact_mut(2).enumerate() {
        let prefix = if i + 1 == count { dim } else { i + 1 };
        place.copy_from_slice(&(prefix as u16).to_le_bytes());
    }
    let scales = 24 + 2 * count + n * dim;
    bytes[scales..scales + 4 * n].chunks_exact_mut(4).for_each(|scale| scale[3] &= 0x3f);
    if with_words == 1 {
        let ends = scales + 4 * n + 2 * n * count;
        let mut end = 0;
        for (id, place) in bytes[ends..ends + 4 * n].chunks_exact_mut(4).enumerate() {
            end = if id + 1 == n { words } else { words.min(end + usize::from(place[0] % 4)) };
            place.copy_from_slice(&(end as u32).to_le_bytes());
        }
        let slots = ends + 4 * n + 2 * (n / 4 + 1);
        let text = length - 4 - words;
        for place in bytes[slots..text].chunks_exact_mut(2) {
            let id = if place[1] % 8 == 0 { u16::MAX } else { u16::from(place[0]) % n as u16 };
            place.copy_from_slice(&id.to_le_bytes());
        }
        bytes[text..length - 4].iter_mut().for_each(|byte| *byte &= 0x7f);
    }
    let body = length - 4;
    let crc = checksum::crc32(&bytes[..body]);
    bytes[body..].copy_from_slice(&crc.to_le_bytes());
    let table = WordTable::parse(&bytes).unwrap();
    exercise(&table);
});
