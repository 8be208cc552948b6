//! A hash function without collisions: each word of a fixed set has a slot of its own.
//!
//! The words are hashed to two numbers; one of them chooses a bucket of about four words, and the bucket
//! holds a small number, its pilot, that is mixed into the hashes so that all words of the bucket fall
//! on slots that no other word has. Buckets are served from the fullest to the emptiest, each with
//! the first pilot that works. One slot in nine stays free, so that a pilot takes two bytes.
//!
//! Source: Belazzougui, Botelho & Dietzfelbinger, "Hash, displace, and compress", ESA (2009); Pibiri &
//! Trani, "`PTHash`", SIGIR (2021).

use super::vocab::{mix, place};

/// Most words of a bucket. The mean is four; a seed that brings more together is passed over.
const MAX_BUCKET: usize = 64;
/// Seeds that are tried. One fails if two words of a bucket have equal hashes of 64 bits, or if a bucket
/// has too many words.
const SEEDS: u16 = 16;

/// Number of buckets for `n` words.
pub(super) const fn buckets(n: usize) -> usize {
    n / 4 + 1
}

/// Number of slots for `n` words.
pub(super) const fn slots(n: usize) -> usize {
    n.saturating_add(n / 8 + 1)
}

/// The two hashes of a word.
pub(super) type Hash = [u32; 2];

/// FNV-1a (Fowler, Noll & Vo), and a sum of rotated bytes times the golden ratio, both from a seed.
pub(super) fn hash(word: &[u8], seed: u16) -> Hash {
    let first = 0x811c_9dc5 ^ mix(u32::from(seed));
    let [a, b] = word.iter().fold([first, !first], |[a, b], &byte| {
        let byte = u32::from(byte);
        [
            (a ^ byte).wrapping_mul(0x0100_0193),
            b.rotate_left(5).wrapping_add(byte).wrapping_mul(0x9e37_79b1),
        ]
    });
    [mix(a), mix(b)]
}

/// The bucket of a word.
pub(super) const fn bucket([a, b]: Hash, buckets: usize) -> usize {
    place(mix(a.wrapping_add(b.rotate_left(16))), buckets)
}

/// The slot of a word, given its bucket's pilot.
pub(super) const fn slot([a, b]: Hash, pilot: u16, slots: usize) -> usize {
    place(mix(a ^ mix(b.wrapping_add((pilot as u32).wrapping_mul(0x9e37_79b9)))), slots)
}

/// Why there is no function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PerfectError {
    /// A word is there twice: the number of the second.
    Duplicate(u32),
    /// No seed worked: words that were made up to collide.
    Collisions,
}

/// Finds a seed and the pilots, and calls `set(slot, word)` for every word; `taken` tells of a slot
/// whether it has a word. `order` has a place per word, `starts` one per bucket.
pub(super) fn build<'w>(
    word: impl Fn(u32) -> &'w [u8],
    pilots: &mut impl Pilots,
    slots: &mut impl Slots,
    order: &mut [u32],
    starts: &mut [u32],
) -> Result<u16, PerfectError> {
    for seed in 0..SEEDS {
        slots.clear();
        if with_seed(&word, seed, pilots, slots, order, starts)? {
            return Ok(seed);
        }
    }
    Err(PerfectError::Collisions)
}

/// Where the pilots go.
pub(super) trait Pilots {
    fn set(&mut self, bucket: usize, pilot: u16);
}

/// Where the words go.
pub(super) trait Slots {
    fn len(&self) -> usize;
    fn clear(&mut self);
    fn is_free(&self, slot: usize) -> bool;
    /// `None` frees the slot.
    fn set(&mut self, slot: usize, word: Option<u32>);
}

fn with_seed<'w>(
    word: &impl Fn(u32) -> &'w [u8],
    seed: u16,
    pilots: &mut impl Pilots,
    slots: &mut impl Slots,
    order: &mut [u32],
    starts: &mut [u32],
) -> Result<bool, PerfectError> {
    let largest = sort_by_bucket(|id| hash(word(id), seed), order, starts);
    let mut hashes = [[0; 2]; MAX_BUCKET];
    for size in (1..=largest).rev() {
        for (number, &start) in starts.iter().enumerate() {
            let end = starts.get(number + 1).map_or(order.len(), |&end| end as usize);
            let ids = order.get(start as usize..end).unwrap_or(&[]);
            if ids.len() != size {
                continue;
            }
            for (hash_of, &id) in hashes.iter_mut().zip(ids) {
                *hash_of = hash(word(id), seed);
            }
            let hashes = hashes.get(..size.min(MAX_BUCKET)).unwrap_or(&[]);
            if let Some((i, j)) = equal_pair(hashes) {
                let id = |i| ids.get(i).copied().unwrap_or_default();
                if word(id(i)) == word(id(j)) {
                    return Err(PerfectError::Duplicate(id(j)));
                }
                return Ok(false);
            }
            if size > MAX_BUCKET {
                return Ok(false);
            }
            let Some(pilot) = (0..=u16::MAX).find(|&pilot| put(hashes, ids, pilot, slots)) else {
                return Ok(false);
            };
            pilots.set(number, pilot);
        }
    }
    Ok(true)
}

/// Sorts the numbers of all words by bucket, in their own order within each, and returns how many are
/// in the fullest.
fn sort_by_bucket(hash: impl Fn(u32) -> Hash, order: &mut [u32], starts: &mut [u32]) -> usize {
    let (n, count) = (u32::try_from(order.len()).unwrap_or(u32::MAX), starts.len());
    starts.fill(0);
    for id in 0..n {
        if let Some(size) = starts.get_mut(bucket(hash(id), count)) {
            *size += 1;
        }
    }
    let (mut end, mut largest) = (0_u32, 0);
    for size in starts.iter_mut() {
        largest = largest.max(*size);
        end = end.saturating_add(*size);
        *size = end;
    }
    for id in (0..n).rev() {
        if let Some(start) = starts.get_mut(bucket(hash(id), count)) {
            *start = start.saturating_sub(1);
            if let Some(place) = order.get_mut(*start as usize) {
                *place = id;
            }
        }
    }
    largest as usize
}

fn equal_pair(hashes: &[Hash]) -> Option<(usize, usize)> {
    let before = |(j, hash): (usize, &Hash)| {
        let i = hashes.iter().take(j).position(|other| other == hash)?;
        Some((i, j))
    };
    hashes.iter().enumerate().find_map(before)
}

/// Puts words on their slots if all of them are free; else leaves everything as it was.
fn put(hashes: &[Hash], ids: &[u32], pilot: u16, slots: &mut impl Slots) -> bool {
    let len = slots.len();
    for (done, (&hash, &id)) in hashes.iter().zip(ids).enumerate() {
        let to = slot(hash, pilot, len);
        if !slots.is_free(to) {
            for &hash in hashes.iter().take(done) {
                slots.set(slot(hash, pilot, len), None);
            }
            return false;
        }
        slots.set(to, Some(id));
    }
    true
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::{format, vec, vec::Vec};

    impl Pilots for Vec<u16> {
        fn set(&mut self, bucket: usize, pilot: u16) {
            self[bucket] = pilot;
        }
    }

    impl Slots for Vec<Option<u32>> {
        fn len(&self) -> usize {
            self.as_slice().len()
        }
        fn clear(&mut self) {
            self.fill(None);
        }
        fn is_free(&self, slot: usize) -> bool {
            self[slot].is_none()
        }
        fn set(&mut self, slot: usize, word: Option<u32>) {
            self[slot] = word;
        }
    }

    #[test]
    fn every_word_has_a_slot_of_its_own() {
        for n in (0..70).chain([1000, 30_000]) {
            let words: Vec<_> = (0..n).map(|i| format!("word {}", i * i)).collect();
            let (mut order, mut starts) = (vec![0; n], vec![0; buckets(n)]);
            let (mut pilots, mut found) = (vec![0_u16; buckets(n)], vec![None; slots(n)]);
            let word = |id| words.get(id as usize).map_or(&b""[..], |word| word.as_bytes());
            let seed = build(word, &mut pilots, &mut found, &mut order, &mut starts).unwrap();
            for (id, word) in (0_u32..).zip(&words) {
                let hash = hash(word.as_bytes(), seed);
                let pilot = pilots[bucket(hash, pilots.len())];
                assert_eq!(found[slot(hash, pilot, found.len())], Some(id));
            }
        }
    }

    #[test]
    fn a_word_that_is_there_twice_is_named() {
        let words = ["a", "b", "c", "b", "d"];
        let (mut pilots, mut found) = (vec![0_u16; 2], vec![None; 6]);
        let word = |id| words.get(id as usize).map_or(&b""[..], |word| word.as_bytes());
        let built = build(word, &mut pilots, &mut found, &mut [0; 5], &mut [0; 2]);
        assert_eq!(built, Err(PerfectError::Duplicate(3)));
        // Also if it is there more often than a bucket has room.
        let (mut pilots, mut found) = (vec![0_u16; 50], vec![None; 226]);
        let built = build(|_| b"", &mut pilots, &mut found, &mut [0; 200], &mut [0; 50]);
        assert_eq!(built, Err(PerfectError::Duplicate(1)));
    }
}
