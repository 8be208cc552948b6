//! Draws digits on a chip.
//!
//! With every model of `models.txt` the samples go to a file of its name, values with 16 fraction bits in
//! four bytes each. It has to be the same on every chip and what `eigenmote sample` writes:
//! `firmware/run` compares.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

use networks::{MODELS, draw_all};

fn run() -> bool {
    let mut all = true;
    for &(name, blob) in MODELS {
        let Some(mut file) = board::File::create(name) else {
            return false;
        };
        let drawn =
            draw_all(blob, |sample| sample.iter().all(|value| file.write(&value.to_le_bytes())));
        all &= board::verdict(name.to_str().unwrap_or_default(), drawn);
    }
    all
}

board::program!(run);
