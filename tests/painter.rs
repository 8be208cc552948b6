//! The painter of `firmware/networks`: from words to pictures in integers, judged by real digits.
//!
//! `examples/text_to_image.rs` made it. Its bytes do not hang on the machine: `firmware/run` compares what
//! chips paint with what the desktop tool paints, and here the latter is pinned.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs
)]

use std::fs;
use std::path::Path;

use eigenmote::embed::WordTable;
use eigenmote::nn::quantized::{ONE, float};
use eigenmote::nn::{Condition, Int8Network};
use eigenmote::rng;

type Digit = [f32; 64];

/// A file of the repository that a package may lack.
fn read(path: &str) -> Option<Vec<u8>> {
    let found = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok();
    if found.is_none() {
        println!("skipped: {path} is not there");
    }
    found
}

/// `count` pictures of every prompt, each prompt in turn, as `eigenmote sample --guidance 1` paints them.
fn painted(count: usize) -> Option<Vec<(String, [i32; 64])>> {
    let painter = read("firmware/networks/models/painter.eign")?;
    let prompts = read("firmware/networks/models/prompts.etab")?;
    let (painter, prompts) =
        (Int8Network::parse(&painter).unwrap(), WordTable::parse(&prompts).unwrap());
    assert_eq!((prompts.len(), prompts.dim()), (30, painter.blob().vector_len()));
    let mut generator = rng::seeded(1);
    let mut scratch = vec![0; painter.scratch_len()];
    let mut pictures = Vec::new();
    for id in (0..30).cycle().take(30 * count) {
        let words = prompts.word(id).unwrap();
        let (mut vector, mut out) = ([0; 16], [0; 64]);
        prompts.vector_fixed(prompts.id(words).unwrap(), &mut vector).unwrap();
        let told = (Condition::Vector(&vector), ONE);
        painter.sample_under(&mut generator, told, &mut scratch, &mut out).unwrap();
        pictures.push((words.to_string(), out));
    }
    Some(pictures)
}

/// Real digits, values from 0 to 1, and their numbers: two thirds to know and a third to be judged by.
fn digits() -> Option<[Vec<(Digit, usize)>; 2]> {
    let text = String::from_utf8(read("data/digits.csv")?).unwrap();
    let mut parts = [Vec::new(), Vec::new()];
    for (row, line) in text.lines().skip(1).enumerate() {
        let values: Vec<f32> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        let (number, digit) = values.split_last().unwrap();
        let digit: Digit = core::array::from_fn(|i| digit[i] / 16.0);
        parts[usize::from(row % 3 == 2)].push((digit, *number as usize));
    }
    Some(parts)
}

/// The number of the real digit that is nearest.
fn nearest(known: &[(Digit, usize)], picture: &Digit) -> usize {
    let apart =
        |digit: &Digit| -> f32 { digit.iter().zip(picture).map(|(a, b)| (a - b) * (a - b)).sum() };
    let best = known.iter().min_by(|a, b| apart(&a.0).total_cmp(&apart(&b.0)));
    best.unwrap().1
}

#[test]
fn the_first_picture_of_every_prompt_has_these_bytes() {
    let Some(pictures) = painted(1) else { return };
    // FNV-1a
    let bytes = pictures.iter().flat_map(|(_, out)| out.iter().flat_map(|x| x.to_le_bytes()));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(hash, 0x49ee_8f77_a3d7_7ec6, "{hash:#018x}");
}

#[test]
fn pictures_are_of_the_number_that_was_asked_for() {
    const NUMBERS: [&str; 10] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let (Some([known, held_out]), Some(pictures)) = (digits(), painted(4)) else { return };
    // The nearest of the known digits is a classifier that may be believed:
    let right = held_out.iter().filter(|(digit, number)| nearest(&known, digit) == *number);
    let accuracy = right.count() as f64 / held_out.len() as f64;
    assert!(accuracy >= 0.97, "{accuracy} of real digits");

    let (mut agreed, mut ink) = (0, [0.0; 3]);
    for (words, out) in &pictures {
        let picture = out.map(|x| (0.5 + 0.5 * float(x)).clamp(0.0, 1.0));
        let asked = words.rsplit(' ').next().unwrap();
        agreed += usize::from(NUMBERS[nearest(&known, &picture)] == asked);
        let look = ["a thin", "", "a thick"]
            .iter()
            .position(|look| words.strip_suffix(asked).unwrap().trim() == *look);
        ink[look.unwrap()] += f64::from(picture.iter().sum::<f32>());
    }
    let share = agreed as f64 / pictures.len() as f64;
    println!("{accuracy} of real digits, {share} of pictures; ink {ink:?}");
    assert!(share >= 0.9, "{share} of pictures");
    assert!(ink[0] < 0.95 * ink[1] && ink[1] < 0.95 * ink[2], "{ink:?}");
}
