//! Pictures and descriptions in one place: the tower of the pictures and vectors of the descriptions, made
//! by the example `pairs` (`cargo run --release --example pairs -- --models firmware/pairs/models`).
#![no_std]

mod naming;

pub use naming::{CLASSES, Found, PIXELS, WIDTH, judge, name};

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
