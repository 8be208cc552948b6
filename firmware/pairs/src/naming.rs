//! From a picture to the description that fits best, in integers.

use eigenmote::embed::table::quantize_fixed;
use eigenmote::embed::{Hit, WordTable};
use eigenmote::nn::Int8Network;

pub const PIXELS: usize = 64;
/// Values of a vector.
pub const WIDTH: usize = 64;
/// Most classes of a table.
pub const CLASSES: usize = 10;
const NAMES: [&str; CLASSES] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// How pictures were named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Pictures that got the right name: of digits that were seen in training, and of the others.
    pub right: [u32; 2],
    /// All of them.
    pub of: [u32; 2],
    /// Of the names and scores.
    pub hash: u64,
}

/// Names a picture, values from 0 to 16: the class of the table whose vector is nearest, where `nearer` is
/// taken from the cosines of the classes that are among the `seen`. Its number and what is left of the
/// cosine, in units of 2^−24.
#[inline(always)]
pub fn name<const SCRATCH: usize>(
    tower: &Int8Network<'_>,
    (table, seen, nearer): (&WordTable<'_>, &WordTable<'_>, i32),
    picture: &[u8],
) -> Option<(u32, i32)> {
    let (mut x, mut out, mut query) = ([0; PIXELS], [0; WIDTH], [0; WIDTH]);
    for (x, &v) in x.iter_mut().zip(picture) {
        // v/8 − 0.6 with 16 fraction bits.
        *x = (i32::from(v) << 13) - 39_322;
    }
    tower.back()?.forward(&x, &mut [0; SCRATCH], &mut out).ok()?;
    quantize_fixed(&out, &mut query).ok()?;
    let mut hits = [Hit::default(); CLASSES];
    let count = table.nearest_to(&query, &[], &mut hits).ok()?;
    let own = |hit: &Hit<i32>| {
        let known = table.word(hit.id).is_some_and(|word| seen.id(word).is_some());
        (hit.id, hit.score - if known { nearer } else { 0 })
    };
    hits.iter().take(count).map(own).max_by_key(|&(id, score)| (score, core::cmp::Reverse(id)))
}

/// Names pictures, each with its number behind its pixels.
pub fn judge(
    tower: &[u8],
    (table, seen, nearer): (&[u8], &[u8], i32),
    pictures: &[[u8; PIXELS + 1]],
) -> Option<Found> {
    let tower = Int8Network::parse(tower).ok()?;
    let (table, seen) = (WordTable::parse(table).ok()?, WordTable::parse(seen).ok()?);
    let (mut right, mut of, mut hash) = ([0; 2], [0; 2], board::Hash::default());
    for [picture @ .., number] in pictures {
        let (id, score) = name::<192>(&tower, (&table, &seen, nearer), picture)?;
        let asked = *NAMES.get(usize::from(*number))?;
        let group = usize::from(seen.id(asked).is_none());
        *of.get_mut(group)? += 1;
        *right.get_mut(group)? += u32::from(table.word(id) == Some(asked));
        hash.word(id);
        hash.word(score.cast_unsigned());
    }
    Some(Found { right, of, hash: hash.0 })
}
