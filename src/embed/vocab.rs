//! Words and their numbers, in memory that is lent.
//!
//! The words lie one after the other in one buffer; a hash table of numbers finds them (FNV-1a with a
//! final mix, linear probing). Numbers are given in the order of arrival; [`Vocab::rank`] gives the
//! order by frequency.

use super::EmbedError;
use super::sort::heap_sort;

/// Where a word ends in the text, and how often it was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Word {
    end: u32,
    count: u32,
}

/// A growing set of words, each with a number and a count.
#[derive(Debug)]
pub struct Vocab<'a> {
    text: &'a mut [u8],
    words: &'a mut [Word],
    /// The number of a word plus one; zero is free.
    slots: &'a mut [u32],
    len: usize,
}

impl<'a> Vocab<'a> {
    /// An empty vocabulary for as many words as `words` has places and `text` has bytes for. `slots`
    /// needs more places than there will be words; twice as many make it fast.
    pub fn new(text: &'a mut [u8], words: &'a mut [Word], slots: &'a mut [u32]) -> Self {
        slots.fill(0);
        Self { text, words, slots, len: 0 }
    }

    /// Number of words.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Counts a word once and returns its number, a new one if it is new.
    ///
    /// # Errors
    /// [`EmbedError::Full`] if a new word does not fit; the vocabulary is then as before.
    pub fn add(&mut self, word: &str) -> Result<u32, EmbedError> {
        self.add_times(word, 1)
    }

    /// [`Vocab::add`] as if `times` times; the count stops at the largest number.
    ///
    /// # Errors
    /// [`EmbedError::Full`].
    pub fn add_times(&mut self, word: &str, times: u32) -> Result<u32, EmbedError> {
        let slot = match self.find(word) {
            Ok(id) => {
                if let Some(word) = self.words.get_mut(id as usize) {
                    word.count = word.count.saturating_add(times);
                }
                return Ok(id);
            }
            Err(slot) => slot.ok_or(EmbedError::Full)?,
        };
        // A free slot must remain, so that every search ends early.
        let id = u32::try_from(self.len).map_err(|_| EmbedError::Full)?;
        if self.len.saturating_add(1) >= self.slots.len() {
            return Err(EmbedError::Full);
        }
        let start = self.start(self.len);
        let end = start.saturating_add(word.len());
        let place = self.text.get_mut(start..end).ok_or(EmbedError::Full)?;
        let new = self.words.get_mut(self.len).ok_or(EmbedError::Full)?;
        let end = u32::try_from(end).map_err(|_| EmbedError::Full)?;
        for (to, from) in place.iter_mut().zip(word.bytes()) {
            *to = from;
        }
        *new = Word { end, count: times };
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = id.saturating_add(1);
        }
        self.len += 1;
        Ok(id)
    }

    /// The number of a word.
    pub fn id(&self, word: &str) -> Option<u32> {
        self.find(word).ok()
    }

    /// The word with a number.
    pub fn word(&self, id: u32) -> Option<&str> {
        let id = id as usize;
        let end = self.words.get(..self.len)?.get(id)?.end as usize;
        core::str::from_utf8(self.text.get(self.start(id)..end)?).ok()
    }

    /// How often a word was counted; zero for numbers that no word has.
    pub fn count(&self, id: u32) -> u32 {
        self.words.get(..self.len).and_then(|w| w.get(id as usize)).map_or(0, |w| w.count)
    }

    /// Fills `order` with the numbers of the words that were counted at least `min_count` times, the
    /// most frequent first, equally frequent ones in the order of their bytes. Returns how many.
    ///
    /// # Errors
    /// [`EmbedError::WrongLength`] if `order` has fewer places than there are words.
    pub fn rank(&self, min_count: u32, order: &mut [u32]) -> Result<usize, EmbedError> {
        let order = order.get_mut(..self.len).ok_or(EmbedError::WrongLength)?;
        let mut kept = 0;
        for id in (0..self.len).filter_map(|id| u32::try_from(id).ok()) {
            if self.count(id) >= min_count
                && let Some(place) = order.get_mut(kept)
            {
                *place = id;
                kept += 1;
            }
        }
        let key = |order: &[u32], i: usize| {
            let id = order.get(i).copied().unwrap_or_default();
            (u32::MAX - self.count(id), self.word(id))
        };
        heap_sort(
            order,
            kept,
            |order, i, j| key(order, i) < key(order, j),
            |x, i, j| {
                if let Ok([a, b]) = x.get_disjoint_mut([i, j]) {
                    core::mem::swap(a, b);
                }
            },
        );
        Ok(kept)
    }

    fn start(&self, id: usize) -> usize {
        id.checked_sub(1).and_then(|last| self.words.get(last)).map_or(0, |w| w.end as usize)
    }

    /// The number of a word, or else the slot for it, if there is one.
    fn find(&self, word: &str) -> Result<u32, Option<usize>> {
        let first = place(hash(word.as_bytes()), self.slots.len());
        let (before, after) = self.slots.split_at_checked(first).unwrap_or((&[], &[]));
        for (i, &slot) in after.iter().chain(before).enumerate() {
            let Some(id) = slot.checked_sub(1) else {
                let i = first + i;
                return Err(Some(if i < self.slots.len() { i } else { i - self.slots.len() }));
            };
            if self.word_bytes(id) == Some(word.as_bytes()) {
                return Ok(id);
            }
        }
        Err(None)
    }

    fn word_bytes(&self, id: u32) -> Option<&[u8]> {
        let end = self.words.get(id as usize)?.end as usize;
        self.text.get(self.start(id as usize)..end)
    }
}

/// FNV-1a (Fowler, Noll & Vo), mixed.
fn hash(bytes: &[u8]) -> u32 {
    let step = |h: u32, &b: &u8| (h ^ u32::from(b)).wrapping_mul(0x0100_0193);
    mix(bytes.iter().fold(0x811c_9dc5, step))
}

/// The finaliser of `MurmurHash3` (Appleby): every bit of the input reaches the high bits.
pub(super) const fn mix(mut h: u32) -> u32 {
    h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
    h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

/// A hash value to one of `len` places, without a division.
pub(super) const fn place(hash: u32, len: usize) -> usize {
    (((hash as u64) * (len as u64 & 0xffff_ffff)) >> 32) as usize
}

/// The words of a text: runs of letters and digits, with single apostrophes between two of them.
///
/// ```
/// let words: Vec<_> = eigenmote::embed::tokens("Don't stop -- 'tis the dogs' day.").collect();
/// assert_eq!(words, ["Don't", "stop", "tis", "the", "dogs", "day"]);
/// ```
pub fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let start = rest.find(char::is_alphanumeric)?;
        rest = rest.get(start..)?;
        let mut end = rest.len();
        let mut chars = rest.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            let next = chars.peek().is_some_and(|&(_, c)| c.is_alphanumeric());
            if !(c.is_alphanumeric() || matches!(c, '\'' | '’') && next) {
                end = i;
                break;
            }
        }
        let word = rest.get(..end)?;
        rest = rest.get(end..)?;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_numbered_in_order_of_arrival() {
        let (mut text, mut words, mut slots) = ([0; 9], [Word::default(); 3], [0; 4]);
        let mut v = Vocab::new(&mut text, &mut words, &mut slots);
        assert_eq!((v.add("b"), v.add("a"), v.add("b")), (Ok(0), Ok(1), Ok(0)));
        assert_eq!((v.id("a"), v.id("c"), v.count(0)), (Some(1), None, 2));
        assert_eq!(v.add("too long"), Err(EmbedError::Full));
        assert_eq!((v.add("long"), v.add("d")), (Ok(2), Err(EmbedError::Full)));
        assert_eq!((v.word(2), v.word(3), v.len()), (Some("long"), None, 3));
        let mut order = [9; 3];
        assert_eq!((v.rank(1, &mut order), order), (Ok(3), [0, 1, 2]));
        assert_eq!(v.rank(2, &mut order), Ok(1));
        assert_eq!(v.rank(1, &mut [0; 2]), Err(EmbedError::WrongLength));
    }

    #[test]
    fn without_memory_there_are_no_words() {
        let mut v = Vocab::new(&mut [], &mut [], &mut []);
        assert_eq!((v.add("a"), v.id("a")), (Err(EmbedError::Full), None));
    }
}
