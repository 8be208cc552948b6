//! Draws digits on a chip, from numbers of classes and from words.
//!
//! With every model of `models.txt` the samples go to a file of its name, values with 16 fraction bits in
//! four bytes each. It has to be the same on every chip and what `eigenmote sample` writes:
//! `firmware/run` compares.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

use eigenmote::rng;
use networks::{MODELS, PIXELS, SEED, draw_all, paint, paint_all};

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
    let Some(mut file) = board::File::create(c"painter") else {
        return false;
    };
    let painted = paint_all(|sample| sample.iter().all(|value| file.write(&value.to_le_bytes())));
    all &= board::verdict("painter", painted);
    let mut out = [0; PIXELS];
    let refused = !paint::<512>("a thick eleven", &mut rng::seeded(SEED), &mut out);
    all & board::verdict("painter refuses what is no prompt of its", refused)
}

board::program!(run);
