//! As `budget`, for what works with a network and a table of words: in a program of its own, as what it
//! shares with the routines there would be compiled otherwise for them too.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[path = "../measure.rs"]
mod measure;

use eigenmote::rng;
use measure::{measure, nothing};
use networks::{PIXELS, paint};
use pairs::{PICTURES, name_by_ten};

/// Twice the widest layer, and what guidance keeps.
const PAINTER_SCRATCH: usize = 2 * 124 + 32;

type Digit = [i32; PIXELS];

#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn budget_painter(job: &mut Digit) -> bool {
    paint::<PAINTER_SCRATCH>("a thick three", &mut rng::seeded(1), job)
}

/// A picture, and what it is taken for.
struct Named {
    picture: [u8; PIXELS],
    found: Option<(u32, i32)>,
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn budget_naming(job: &mut Named) -> bool {
    job.found = name_by_ten(&job.picture);
    job.found.is_some()
}

fn run() -> bool {
    let picture = PICTURES.first_chunk().copied().unwrap_or([0; PIXELS]);
    let mut named = Named { picture, found: None };
    let names = [
        ["a digit from words in 20 steps", "budget_painter"],
        ["a digit named by ten descriptions", "budget_naming"],
    ];
    measure(["nothing", "nothing"], 1, nothing, &mut 0)
        & measure(names[0], 1, budget_painter, &mut [0; PIXELS])
        & measure(names[1], 1, budget_naming, &mut named)
}

board::program!(run);
