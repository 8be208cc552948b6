//! Pictures and descriptions in one place: the tower of the pictures and vectors of the descriptions, made
//! by the example `pairs` (`cargo run --release --example pairs -- --models firmware/pairs/models`).
#![no_std]

mod naming;

pub use naming::{CLASSES, Found, PIXELS, WIDTH, judge, name};

use eigenmote::embed::WordTable;
use eigenmote::nn::Int8Network;

/// Twice the widest layer of the tower.
pub const SCRATCH: usize = 2 * 96;

/// Names a picture by ten descriptions: the number of the digit and what is left of its cosine.
#[inline(always)]
pub fn name_by_ten(picture: &[u8]) -> Option<(u32, i32)> {
    let tower = Int8Network::parse(TOWER).ok()?;
    let (table, seen) = (WordTable::parse(ALL).ok()?, WordTable::parse(SEEN).ok()?);
    name::<SCRATCH>(&tower, (&table, &seen, NEARER), picture)
}

include!(concat!(env!("OUT_DIR"), "/golden.rs"));

/// The tower of the pictures, in integers.
pub static TOWER: &[u8] = include_bytes!("../models/tower.eign");
/// Descriptions of the eight digits that were seen in training.
pub static SEEN: &[u8] = include_bytes!("../models/eight.etab");
/// Two rows more.
pub static ALL: &[u8] = include_bytes!("../models/ten.etab");
/// Digits that nothing was learnt from, each with its number.
pub static PICTURES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pictures.bin"));

/// Tables by name, with what this machine should find with each.
pub static TABLES: [(&str, &[u8], Found); 2] = [("eight", SEEN, EIGHT), ("ten", ALL, TEN)];
