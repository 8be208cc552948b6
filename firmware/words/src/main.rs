//! Learns vectors of words on the chip from a few sentences, writes them as a table and searches it; then
//! searches a table of 800 words in flash. Everything has to have the bits that the desktop gets.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

mod words;

include!(concat!(env!("OUT_DIR"), "/golden.rs"));

fn run() -> bool {
    let mut hash = board::Hash::default();
    let neighbours = words::learn(&mut hash);
    board::print_hex(hash.0);
    board::print("  ");
    board::print_number(neighbours.unwrap_or(0));
    board::print(" words are nearest to one of their own kind\n");
    let learnt = neighbours == Some(NEIGHBOURS) && hash.0 == LEARNT;
    let learnt = board::verdict("words learnt as on the desktop", learnt);
    let mut hash = board::Hash::default();
    let answered = words::search(&mut hash, board::print).is_some();
    let found = answered && hash.0 == FOUND;
    learnt & board::verdict("words found as on the desktop", found)
}

board::program!(run);
