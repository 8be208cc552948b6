//! Networks of integers that draw digits of 8×8 pixels, trained on a desktop.
#![no_std]

use eigenmote::embed::WordTable;
use eigenmote::nn::quantized::ONE;
use eigenmote::nn::{Class, Condition, Int8Network};
use eigenmote::rng::{self, Generator};

include!(concat!(env!("OUT_DIR"), "/models.rs"));

/// Values of a sample.
pub const PIXELS: usize = 64;
/// Samples of a run.
pub const SAMPLES: u16 = 16;
/// The seed of a run.
pub const SEED: u64 = 1;

/// Values of the vector of a prompt.
pub const PROMPT: usize = 16;

/// Draws a sample of a class, if the model has any, in `SCRATCH` values of memory.
#[inline(always)]
pub fn draw<const SCRATCH: usize>(
    blob: &[u8],
    generator: &mut Generator,
    number: u16,
    out: &mut [i32; PIXELS],
) -> bool {
    let Ok(network) = Int8Network::parse(blob) else {
        return false;
    };
    let classes = u16::try_from(network.blob().classes()).unwrap_or(0);
    // As the desktop tool does: each class in turn.
    let class = number.checked_rem(classes).map(|number| Class { number, guidance: 0 });
    network.sample(generator, class, &mut [0; SCRATCH], out).is_ok()
}

/// Draws a sample of a decoder or generator, without what only diffusion needs.
#[inline(always)]
pub fn decode<const SCRATCH: usize>(
    blob: &[u8],
    generator: &mut Generator,
    out: &mut [i32; PIXELS],
) -> bool {
    let Ok(network) = Int8Network::parse(blob) else {
        return false;
    };
    network.back().is_some_and(|back| back.sample(generator, &mut [0; SCRATCH], out).is_ok())
}

/// Draws the samples of a run and hands on each.
pub fn draw_all(blob: &[u8], mut take: impl FnMut(&[i32; PIXELS]) -> bool) -> bool {
    let (mut generator, mut out) = (rng::seeded(SEED), [0; PIXELS]);
    (0..SAMPLES).all(|number| draw::<512>(blob, &mut generator, number, &mut out) && take(&out))
}

/// Paints what a prompt says, such as "a thick three"; nothing for one that is not in the table.
#[inline(always)]
pub fn paint<const SCRATCH: usize>(
    prompt: &str,
    generator: &mut Generator,
    out: &mut [i32; PIXELS],
) -> bool {
    let (Ok(network), Ok(table)) = (Int8Network::parse(PAINTER), WordTable::parse(PROMPTS)) else {
        return false;
    };
    let mut vector = [0; PROMPT];
    let found = table.id(prompt).is_some_and(|id| table.vector_fixed(id, &mut vector).is_ok());
    let told = (Condition::Vector(&vector), ONE);
    found && network.sample_under(generator, told, &mut [0; SCRATCH], out).is_ok()
}

/// Paints every prompt in turn and hands on each picture.
pub fn paint_all(mut take: impl FnMut(&[i32; PIXELS]) -> bool) -> bool {
    let (mut generator, mut out) = (rng::seeded(SEED), [0; PIXELS]);
    let Ok(table) = WordTable::parse(PROMPTS) else {
        return false;
    };
    (0..)
        .map_while(|id| table.word(id))
        .all(|prompt| paint::<512>(prompt, &mut generator, &mut out) && take(&out))
}
