//! Runs every case on the chip: each checks its own result and gives a hash of all its bits, which has
//! to be the one that the machine that compiled this computed from the same source.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

mod cases;

include!(concat!(env!("OUT_DIR"), "/golden.rs"));

fn run() -> bool {
    let mut all = true;
    for (case, &golden) in cases::CASES.iter().zip(GOLDEN) {
        let mut hash = board::Hash::default();
        let right = (case.run)(&mut hash);
        board::print_hex(hash.0);
        board::print("  ");
        all &= board::verdict(case.name, right && hash.0 == golden);
    }
    all
}

board::program!(run);
