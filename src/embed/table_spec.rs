//! Writing a table of vectors and words; `table` has the format.

use super::Table;
use super::byte_vectors::{quantize_to, reciprocal, squares};
use super::perfect::{self, PerfectError, Pilots, Slots, buckets};
use super::table::{
    CRC_BYTES, HEADER_BYTES, Layout, MAGIC, MAX_LEN, MAX_PREFIXES, VERSION, WordTable,
    WordTableError, id_at, slot_bytes,
};
use crate::Scalar;
use crate::codec::model::CRC;

/// What to write into a table.
#[derive(Clone, Copy, Debug)]
pub struct WordTableSpec<'a, T> {
    /// The vectors. Those of a factorisation have their values in the order of their weight.
    pub vectors: Table<'a, T>,
    /// A word for each vector, all of them different; or none, and vectors have numbers only.
    pub words: &'a [&'a str],
    /// Shorter lengths that can be searched by, ascending, at most [`MAX_PREFIXES`] − 1. Each takes two
    /// bytes per vector.
    pub prefixes: &'a [u16],
}

impl<T: Scalar> WordTableSpec<'_, T> {
    fn layout(&self) -> Layout {
        let bytes = self.words.iter().fold(0, |sum: usize, word| sum.saturating_add(word.len()));
        let words = (!self.words.is_empty()).then_some(bytes);
        Layout::new(self.vectors.len(), self.vectors.dim(), self.prefix_count(), words)
    }

    fn prefix_count(&self) -> usize {
        self.prefixes.len().saturating_add(1)
    }

    /// Bytes of the table.
    pub fn encoded_len(&self) -> usize {
        self.layout().total(self.prefix_count())
    }

    /// Numbers of working memory that [`WordTableSpec::write`] needs.
    pub fn workspace_len(&self) -> usize {
        let n = self.words.len();
        if n == 0 { 0 } else { n.saturating_add(buckets(n)) }
    }

    /// Writes the table and returns its length. It has been parsed, so a written table is valid.
    ///
    /// # Errors
    /// [`WordTableError::BufferTooSmall`], [`WordTableError::WrongLength`],
    /// [`WordTableError::DuplicateWord`], [`WordTableError::BadScale`] for a vector that single precision
    /// cannot hold, or what [`WordTable::parse`] finds wrong with it.
    ///
    /// # Cost
    /// A division per value; some tens of mixes per word.
    pub fn write(&self, out: &mut [u8], work: &mut [u32]) -> Result<usize, WordTableError> {
        let (len, dim) = (self.vectors.len(), self.vectors.dim());
        let (layout, needed) = (self.layout(), self.encoded_len());
        if !self.words.is_empty() && self.words.len() != len {
            return Err(WordTableError::WrongLength);
        }
        let shape = WordTableError::BadShape;
        let small = |n: usize| u16::try_from(n).map_err(|_| shape);
        let word = |n: usize| u32::try_from(n).map_err(|_| shape);
        let (length, count) = (word(needed)?.to_le_bytes(), word(len)?.to_le_bytes());
        let text = word(layout.words)?.to_le_bytes();
        let last = small(dim)?;
        let prefix_count = self.prefix_count();
        if prefix_count > MAX_PREFIXES || len == 0 || len > MAX_LEN {
            return Err(shape);
        }
        let out = out.get_mut(..needed).ok_or(WordTableError::BufferTooSmall { needed })?;
        let numbers = self.workspace_len();
        let work =
            work.get_mut(..numbers).ok_or(WordTableError::BufferTooSmall { needed: numbers })?;

        let mut rest = &mut *out;
        let mut section = |length: usize| -> Result<&mut [u8], WordTableError> {
            let (section, tail) =
                core::mem::take(&mut rest).split_at_mut_checked(length).ok_or(shape)?;
            rest = tail;
            Ok(section)
        };
        let header = section(HEADER_BYTES)?;
        let prefixes = section(2 * prefix_count)?;
        let values = section(layout.values)?;
        let scales = section(layout.scales)?;
        let reciprocals = section(layout.reciprocals)?;
        let ends = section(layout.ends)?;
        let pilots = section(layout.pilots)?;
        let slots = section(layout.slots)?;
        let words = section(layout.words)?;

        let dims = || self.prefixes.iter().copied().chain([last]);
        for (place, dim) in prefixes.as_chunks_mut::<2>().0.iter_mut().zip(dims()) {
            *place = dim.to_le_bytes();
        }
        self.put_vectors(values, scales)?;
        let (reciprocals, _) = reciprocals.as_chunks_mut::<2>();
        let mut places = reciprocals.iter_mut();
        for prefix in dims() {
            let mut rest = &*values;
            while let Some((row, tail)) = rest.split_at_checked(dim) {
                rest = tail;
                let row = row.get(..usize::from(prefix)).ok_or(shape)?;
                let Some(place) = places.next() else { break };
                *place = reciprocal(squares(row)).to_le_bytes();
            }
        }
        let seed = if self.words.is_empty() {
            0
        } else {
            self.put_words(ends, words);
            self.put_hash(pilots, slots, work)?
        };

        let parts: [&[u8]; 8] = [
            &MAGIC,
            &[VERSION, u8::from(!self.words.is_empty())],
            &[u8::try_from(prefix_count).unwrap_or(u8::MAX), 0],
            &length,
            &count,
            &last.to_le_bytes(),
            &seed.to_le_bytes(),
            &text,
        ];
        for (place, &byte) in header.iter_mut().zip(parts.iter().copied().flatten()) {
            *place = byte;
        }
        if let Some((body, place)) = out.split_last_chunk_mut::<CRC_BYTES>() {
            *place = CRC.checksum(body).to_le_bytes();
        }
        WordTable::parse(out).map(|table| table.bytes().len())
    }

    fn put_vectors(&self, values: &mut [u8], scales: &mut [u8]) -> Result<(), WordTableError> {
        let mut values = values.iter_mut();
        let (scales, _) = scales.as_chunks_mut::<4>();
        for (id, place) in scales.iter_mut().enumerate() {
            let scale = quantize_to(self.vectors.row(id), |q| {
                if let Some(place) = values.next() {
                    *place = q.cast_unsigned();
                }
            });
            let bad = WordTableError::BadScale(u32::try_from(id).unwrap_or(u32::MAX));
            *place = scale.map_err(|_| bad)?.to_f32().to_le_bytes();
        }
        Ok(())
    }

    fn put_words(&self, ends: &mut [u8], words: &mut [u8]) {
        let mut end = 0_u32;
        let (ends, _) = ends.as_chunks_mut::<4>();
        for (place, word) in ends.iter_mut().zip(self.words) {
            end = end.saturating_add(u32::try_from(word.len()).unwrap_or(u32::MAX));
            *place = end.to_le_bytes();
        }
        for (place, byte) in words.iter_mut().zip(self.words.iter().flat_map(|word| word.bytes())) {
            *place = byte;
        }
    }

    fn put_hash(
        &self,
        pilots: &mut [u8],
        slots: &mut [u8],
        work: &mut [u32],
    ) -> Result<u16, WordTableError> {
        let short = WordTableError::BufferTooSmall { needed: self.workspace_len() };
        let (order, starts) = work.split_at_mut_checked(self.words.len()).ok_or(short)?;
        let mut slots = SlotBytes { bytes: slots, width: slot_bytes(self.words.len()) };
        let word = |id: u32| self.words.get(id as usize).map_or(&b""[..], |word| word.as_bytes());
        let built = perfect::build(word, &mut PilotBytes(pilots), &mut slots, order, starts);
        built.map_err(|error| match error {
            PerfectError::Duplicate(id) => WordTableError::DuplicateWord(id),
            PerfectError::Collisions => WordTableError::Collisions,
        })
    }
}

struct PilotBytes<'b>(&'b mut [u8]);

impl Pilots for PilotBytes<'_> {
    fn set(&mut self, bucket: usize, pilot: u16) {
        if let Some(place) = self.0.as_chunks_mut::<2>().0.get_mut(bucket) {
            *place = pilot.to_le_bytes();
        }
    }
}

struct SlotBytes<'b> {
    bytes: &'b mut [u8],
    width: usize,
}

impl Slots for SlotBytes<'_> {
    fn len(&self) -> usize {
        if self.width == 2 { self.bytes.len() / 2 } else { self.bytes.len() / 4 }
    }
    fn clear(&mut self) {
        self.bytes.fill(u8::MAX);
    }
    fn is_free(&self, slot: usize) -> bool {
        id_at(self.bytes, slot, self.width).is_none()
    }
    fn set(&mut self, slot: usize, word: Option<u32>) {
        let id = word.unwrap_or(u32::MAX).to_le_bytes();
        if self.width == 2 {
            let [low, high, ..] = id;
            if let Some(place) = self.bytes.as_chunks_mut::<2>().0.get_mut(slot) {
                *place = [low, high];
            }
        } else if let Some(place) = self.bytes.as_chunks_mut::<4>().0.get_mut(slot) {
            *place = id;
        }
    }
}
