//! Promises of tables of vectors: what is written is read, damaged bytes are refused, cosines are
//! within their bound, searches are those of a plain loop.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    missing_docs
)]

use std::fs;
use std::path::{Path, PathBuf};

use eigenmote::embed::nearest::{self, normalize_rows};
use eigenmote::embed::table::{MUL_ONE, ONE, WordTable, WordTableError, WordTableSpec, quantize};
use eigenmote::embed::{Analogy, EmbedError, Hit, Table};
use eigenmote::rng;
use proptest::prelude::*;

#[path = "support/mod.rs"]
mod support;
use support::bounds;

fn normals(seed: u64, n: usize) -> Vec<f32> {
    let mut out = vec![0.0; n];
    rng::fill_normal(&mut rng::seeded(seed), &mut out);
    out
}

fn names(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("{}ä{}", i % 7, i * i)).collect()
}

fn write(
    values: &[f32],
    dim: usize,
    words: &[&str],
    prefixes: &[u16],
) -> Result<Vec<u8>, WordTableError> {
    let spec = WordTableSpec { vectors: Table::new(values, dim).unwrap(), words, prefixes };
    let (mut out, mut work) = (vec![0; spec.encoded_len()], vec![0; spec.workspace_len()]);
    assert_eq!(spec.write(&mut out, &mut work)?, out.len());
    Ok(out)
}

fn with_names(values: &[f32], dim: usize, prefixes: &[u16]) -> Vec<u8> {
    let names = names(values.len() / dim);
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    write(values, dim, &words, prefixes).unwrap()
}

/// CRC-32 (ISO-HDLC) bit by bit.
fn repair(bytes: &mut [u8]) {
    let body = bytes.len() - 4;
    let crc = !bytes[..body].iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    });
    bytes[body..].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn integers_make_the_vector_that_floats_make() {
    // Values of every size that 16 fraction bits show, and far beyond: infinite and nothing.
    for power in [-149, -140, -40, -20, -17, -16, -9, -3, 0, 5, 8, 14, 15, 16, 30, 100, 120] {
        let size = 2.0_f64.powi(power);
        let values: Vec<f32> =
            normals(77, 5 * 8).iter().map(|&x| (f64::from(x) * size) as f32).collect();
        let table = write(&values, 8, &[], &[]).unwrap();
        let table = WordTable::parse(&table).unwrap();
        for id in 0..5 {
            let (mut x, mut q) = ([0.0_f64; 8], [0; 8]);
            table.vector(id, &mut x).unwrap();
            table.vector_fixed(id, &mut q).unwrap();
            for (x, q) in x.into_iter().zip(q) {
                let steps = (x * 65536.0).clamp(f64::from(i32::MIN), f64::from(i32::MAX));
                assert!((steps - f64::from(q)).abs() <= 0.5, "2^{power}: {x} {q}");
            }
        }
        assert_eq!(table.vector_fixed(5, &mut [0; 8]), Err(EmbedError::UnknownId));
        assert_eq!(table.vector_fixed(0, &mut [0; 7]), Err(EmbedError::WrongLength));
    }
}

/// Uses everything that a table has.
fn exercise(table: &WordTable<'_>) {
    let last = table.len() as u32 - 1;
    for dim in table.prefixes() {
        let table = table.prefix(dim).unwrap();
        assert_eq!(table.dim(), dim);
        let mut hits = [Hit::default(); 3];
        for id in [0, last / 2, last] {
            assert_eq!(table.nearest(id, &mut hits), Ok(3.min(table.len() - 1)));
            for rule in [Analogy::Add, Analogy::Mul] {
                table.analogy([id, last, 0], rule, &mut hits).unwrap();
            }
            let mut vector = vec![0.0_f32; dim];
            table.vector(id, &mut vector).unwrap();
            table.vector_fixed(id, &mut vec![0; dim]).unwrap();
            if let Some(word) = table.word(id) {
                let _ = table.id(word);
            }
        }
        assert_eq!(table.nearest(last + 1, &mut hits), Err(EmbedError::UnknownId));
        assert_eq!(table.word(last + 1), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_written_table_has_all_words_and_values(seed in any::<u64>(), n in 1_usize..300, dim in 1_usize..20) {
        let values = normals(seed, n * dim);
        let names = names(n);
        let words: Vec<&str> = names.iter().map(String::as_str).collect();
        let bytes = write(&values, dim, &words, &[]).unwrap();
        let table = WordTable::parse(&bytes).unwrap();
        prop_assert_eq!((table.len(), table.dim(), table.has_words()), (n, dim, true));
        for (id, word) in (0_u32..).zip(&words) {
            prop_assert_eq!((table.id(word), table.word(id)), (Some(id), Some(*word)));
            prop_assert_eq!(table.id(&word.replace('ä', "a")), None);
            let (mut q, mut back) = (vec![0; dim], vec![0.0; dim]);
            let row = &values[id as usize * dim..][..dim];
            let scale = quantize(row, &mut q).unwrap();
            prop_assert!(table.values(id).unwrap().eq(q.iter().copied()));
            table.vector(id, &mut back).unwrap();
            for (x, y) in row.iter().zip(back) {
                prop_assert!((x - y).abs() <= bounds::byte_value() * scale);
            }
        }
        exercise(&table);
    }

    #[test]
    fn cosines_are_within_their_bound(seed in any::<u64>(), dim in 1_usize..200, power in 0.0..3.0_f32) {
        let mut values = normals(seed, 12 * dim);
        // Values of falling weight, as after a factorisation.
        for row in values.chunks_mut(dim) {
            for (j, x) in row.iter_mut().enumerate() {
                *x *= (1.0 + j as f32).powf(-power);
            }
        }
        let prefix = [dim.div_ceil(2) as u16];
        let prefixes = if dim > 1 { &prefix[..] } else { &[] };
        let bytes = with_names(&values, dim, prefixes);
        let all = WordTable::parse(&bytes).unwrap();
        for d in all.prefixes() {
            let table = all.prefix(d).unwrap();
            let length = |id| {
                let squares = table.values(id).unwrap().map(|q| f64::from(q) * f64::from(q));
                squares.sum::<f64>().sqrt()
            };
            let row = |id: u32| values[id as usize * dim..][..d].iter().map(|&x| f64::from(x));
            let dot = |a, b| row(a).zip(row(b)).map(|(x, y)| x * y).sum::<f64>();
            for (a, b) in (0..12).flat_map(|a| (0..12).map(move |b| (a, b))) {
                let right = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
                let found = f64::from(table.cosine(a, b).unwrap()) / f64::from(ONE);
                let bound = bounds::byte_cosine(d, length(a), length(b));
                prop_assert!((found - right).abs() <= bound, "{found} for {right}, bound {bound}");
                prop_assert_eq!(table.cosine(a, b), table.cosine(b, a));
            }
        }
    }

    #[test]
    fn searches_are_those_of_a_plain_loop(seed in any::<u64>(), n in 1_usize..60, k in 0_usize..9) {
        let bytes = with_names(&normals(seed, n * 6), 6, &[2, 4]);
        let all = WordTable::parse(&bytes).unwrap();
        for dim in [2, 4, 6] {
            let table = all.prefix(dim).unwrap();
            let id = (seed % n as u64) as u32;
            let mut right: Vec<(i32, u32)> = (0..n as u32)
                .filter(|&other| other != id)
                .map(|other| (table.cosine(id, other).unwrap(), other))
                .collect();
            right.sort_by_key(|&(score, _)| -score);
            let mut hits = vec![Hit::default(); k];
            let found = table.nearest(id, &mut hits).unwrap();
            prop_assert_eq!(found, k.min(n - 1));
            let found: Vec<_> = hits[..found].iter().map(|hit| (hit.score, hit.id)).collect();
            prop_assert_eq!(&found[..], &right[..found.len()]);
            // The same vector as a query of its own.
            let query: Vec<i8> = table.values(id).unwrap().collect();
            let mut again = vec![Hit::default(); k];
            table.nearest_to(&query, &[id], &mut again).unwrap();
            prop_assert_eq!(again, hits);
            prop_assert_eq!(
                table.nearest_to(&query[1..], &[], &mut []),
                Err(EmbedError::WrongLength)
            );
        }
    }

    #[test]
    fn analogies_score_as_those_of_floats(seed in any::<u64>()) {
        let mut values = normals(seed, 40 * 16);
        let bytes = with_names(&values, 16, &[]);
        let table = WordTable::parse(&bytes).unwrap();
        // The stored values as floats: only the arithmetic differs.
        for (id, row) in (0..).zip(values.chunks_mut(16)) {
            table.vector(id, row).unwrap();
        }
        normalize_rows(&mut values, 16);
        let floats = Table::new(&values, 16).unwrap();
        for (rule, unit) in [(Analogy::Add, ONE), (Analogy::Mul, MUL_ONE)] {
            let (mut found, mut right) = ([Hit::default(); 37], [Hit::default(); 37]);
            table.analogy([0, 1, 2], rule, &mut found).unwrap();
            nearest::analogy(&floats, [0, 1, 2], rule, &mut right).unwrap();
            for (hit, place) in found.iter().zip(&right) {
                let score = f64::from(hit.score) / f64::from(unit);
                let same = right.iter().find(|other| other.id == hit.id).unwrap();
                let scale = f64::from(same.score.abs()).max(1.0);
                prop_assert!((score - f64::from(same.score)).abs() < 2e-3 * scale);
                prop_assert!((score - f64::from(place.score)).abs() < 2e-3 * scale);
            }
        }
    }

    #[test]
    fn any_bytes_are_a_table_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = WordTable::parse(&bytes);
    }
}

/// The tables of the golden files: the one of the module's documentation, and one with prefixes,
/// empty vectors and words of several bytes.
fn goldens() -> [(&'static str, Vec<u8>); 3] {
    let small = [0.9, 0.1, 0.8, 0.3, -0.2, 0.7];
    let mut values = normals(7, 20 * 5);
    values[40..45].fill(0.0);
    let plain = write(&normals(8, 6), 3, &[], &[1]).unwrap();
    [
        ("words_small_v1", write(&small, 2, &["dog", "puppy", "park"], &[]).unwrap()),
        ("words_prefixes_v1", with_names(&values, 5, &[1, 3])),
        ("words_plain_v1", plain),
    ]
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).with_extension("table")
}

#[test]
fn this_version_writes_the_golden_tables() {
    for (name, bytes) in goldens() {
        if std::env::var_os("EIGENMOTE_WRITE_GOLDEN").is_some() {
            fs::write(path(name), &bytes).unwrap();
        }
        assert!(bytes == fs::read(path(name)).unwrap(), "{name}");
    }
}

#[test]
fn the_documentation_shows_the_golden_bytes() {
    let doc = include_str!("../src/embed/table.rs");
    let dump = doc.split("//! ```text\n").nth(1).unwrap().split("//! ```").next().unwrap();
    let hex = |line: &'static str| {
        let bytes = line.trim_start_matches("//! ").split("  ").next().unwrap().trim().split(' ');
        bytes.map(|byte| u8::from_str_radix(byte, 16).unwrap())
    };
    let shown: Vec<u8> = dump.lines().flat_map(hex).collect();
    assert_eq!(shown, fs::read(path("words_small_v1")).unwrap());
}

#[test]
fn every_prefix_and_every_flipped_bit_is_an_error() {
    for (name, _) in goldens() {
        let bytes = fs::read(path(name)).unwrap();
        for length in 0..bytes.len() {
            let refused = WordTable::parse(&bytes[..length]).err();
            assert_eq!(refused, Some(WordTableError::Truncated), "{name}, {length} bytes");
        }
        let mut damaged = bytes.clone();
        for bit in 0..8 * bytes.len() {
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(WordTable::parse(&damaged).is_err(), "{name}, bit {bit}");
            // With a right checksum it may be a table, and then it works.
            let mut repaired = damaged.clone();
            repair(&mut repaired);
            if let Ok(table) = WordTable::parse(&repaired) {
                exercise(&table);
            }
            damaged[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    let bytes = fs::read(path("words_prefixes_v1")).unwrap();
    let with = |at: usize, value: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        repair(&mut bytes);
        WordTable::parse(&bytes).err()
    };
    assert_eq!(with(0, b"X"), Some(WordTableError::NotATable));
    assert_eq!(with(4, &[2]), Some(WordTableError::UnknownVersion(2)));
    for (at, value) in [(5, 2), (7, 1)] {
        assert_eq!(with(at, &[value]), Some(WordTableError::BadHeader));
    }
    for at in [12, 16] {
        assert_eq!(with(at, &[0]), Some(WordTableError::BadShape), "{at}");
    }
    assert_eq!(with(24, &[3]), Some(WordTableError::BadShape));
    let scales = 30 + 20 * 5;
    assert_eq!(with(scales + 4, &f32::NAN.to_le_bytes()), Some(WordTableError::BadScale(1)));
    assert_eq!(with(scales, &(-1.0_f32).to_le_bytes()), Some(WordTableError::BadScale(0)));
    let ends = scales + 20 * 4 + 20 * 2 * 3;
    assert_eq!(with(ends, &[2]), Some(WordTableError::BadWords)); // within "ä"
    let slots = ends + 20 * 4 + 6 * 2;
    assert_eq!(with(slots, &[20, 0]), Some(WordTableError::BadWords));
    assert_eq!(with(bytes.len() - 5, &[0xff]), Some(WordTableError::BadWords));
}

#[test]
fn what_cannot_be_written_is_named() {
    let values = [1.0, 2.0, 3.0, 4.0];
    let refused = |words: &[&str], prefixes: &[u16]| write(&values, 2, words, prefixes).err();
    assert_eq!(refused(&["a"], &[]), Some(WordTableError::WrongLength));
    assert_eq!(refused(&["a", "a"], &[]), Some(WordTableError::DuplicateWord(1)));
    for prefixes in [&[2][..], &[0], &[1, 1], &[1; 8]] {
        assert_eq!(refused(&["a", "b"], prefixes), Some(WordTableError::BadShape));
    }
    let spec = WordTableSpec {
        vectors: Table::new(&values, 2).unwrap(),
        words: &["a", "b"],
        prefixes: &[],
    };
    let needed = spec.encoded_len();
    let short = spec.write(&mut vec![0; needed - 1], &mut [0; 9]);
    assert_eq!(short, Err(WordTableError::BufferTooSmall { needed }));
    let short = spec.write(&mut vec![0; needed], &mut [0; 2]);
    assert_eq!(short, Err(WordTableError::BufferTooSmall { needed: 3 }));
    let none = WordTableSpec::<f32> { vectors: Table::new(&[], 2).unwrap(), ..spec };
    assert_eq!(
        WordTableSpec { words: &[], ..none }.write(&mut [0; 99], &mut []),
        Err(WordTableError::BadShape)
    );
    let wide =
        WordTableSpec { vectors: Table::new(&[1e300_f64], 1).unwrap(), words: &[], prefixes: &[] };
    assert_eq!(wide.write(&mut [0; 99], &mut []), Err(WordTableError::BadScale(0)));
}

#[test]
fn a_table_of_more_vectors_than_two_bytes_number() {
    let n = 70_000;
    let values: Vec<f32> = (0..n).map(|i| (i % 251) as f32 - 125.0).collect();
    let bytes = with_names(&values, 1, &[]);
    let table = WordTable::parse(&bytes).unwrap();
    for (id, word) in (0..).zip(names(n)) {
        assert_eq!(table.id(&word), Some(id));
    }
}
