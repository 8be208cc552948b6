//! Learns on the chip: covariance, principal components, a model of the codec made from them, and the
//! recording encoded with it. Everything has to have the bits that the desktop gets.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

mod learn;

include!(concat!(env!("OUT_DIR"), "/golden.rs"));

fn run() -> bool {
    let mut hash = board::Hash::default();
    let bytes = learn::learn_and_encode(&mut hash);
    let same = bytes == Some(GOLDEN.1) && hash.0 == GOLDEN.0;
    board::print_hex(hash.0);
    board::print("  ");
    board::print_number(bytes.unwrap_or(0));
    board::print(" bytes of frames\n");
    board::verdict("learnt and encoded as on the desktop", same)
}

board::program!(run);
