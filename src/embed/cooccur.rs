//! Counts of what occurs together, as integers in a hash table that is lent.
//!
//! A window slides over a sequence of numbers (the words of a sentence, the nodes of a walk), and
//! every pair of places at most [`Window::reach`] apart adds a weight. Weights are integers, so that a
//! count is exact and the same in whatever order the text comes; they go up to a common factor, which
//! no transform of counts depends on.

use super::EmbedError;
use super::sort::heap_sort;
use super::vocab::{mix, place};

/// What a pair at distance `d` adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Weighting {
    /// 1.
    Flat,
    /// `reach + 1 − d`: what the random windows of word2vec give on average.
    Linear,
    /// `2520/d`, rounded: 1/d as in `GloVe`, exact up to a distance of 10.
    Harmonic,
}

/// Which pairs of a sequence count, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Window {
    /// Largest distance of a pair.
    pub reach: usize,
    /// What it adds.
    pub weighting: Weighting,
}

impl Window {
    /// All pairs at most `reach` apart, alike.
    pub const fn flat(reach: usize) -> Self {
        Self { reach, weighting: Weighting::Flat }
    }

    /// Near pairs count more, in proportion.
    pub const fn linear(reach: usize) -> Self {
        Self { reach, weighting: Weighting::Linear }
    }

    /// All pairs of a sequence.
    pub const fn sentence() -> Self {
        Self::flat(usize::MAX)
    }

    /// Pairs that a sequence of `n` numbers has: no more are new.
    pub const fn pairs(&self, n: usize) -> usize {
        let reach = if self.reach < n { self.reach } else { n };
        n.saturating_mul(reach)
    }

    fn weight(&self, d: usize) -> u32 {
        match self.weighting {
            Weighting::Flat => 1,
            Weighting::Linear => {
                u32::try_from(self.reach.saturating_sub(d)).unwrap_or(u32::MAX).saturating_add(1)
            }
            Weighting::Harmonic => {
                let d = u32::try_from(d).unwrap_or(u32::MAX).max(1);
                (2520 + d / 2) / d
            }
        }
    }
}

/// An entry of the table; a count of zero is a free place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// First number.
    pub row: u32,
    /// Second number.
    pub col: u32,
    /// Sum of the weights.
    pub count: u32,
}

/// Counts of pairs of numbers.
#[derive(Debug)]
pub struct PairCounts<'a> {
    table: &'a mut [Pair],
    len: usize,
}

impl<'a> PairCounts<'a> {
    /// No counts; room for three pairs in four places.
    pub fn new(table: &'a mut [Pair]) -> Self {
        table.fill(Pair::default());
        Self { table, len: 0 }
    }

    /// Number of different pairs.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of different pairs that still fit.
    pub fn room(&self) -> usize {
        (self.table.len() / 4).saturating_mul(3).saturating_sub(self.len)
    }

    /// Adds to the count of an ordered pair; it stops at the largest number.
    ///
    /// # Errors
    /// [`EmbedError::Full`] if a new pair does not fit.
    pub fn add(&mut self, row: u32, col: u32, weight: u32) -> Result<(), EmbedError> {
        let room = self.room();
        let Some(entry) = self.find(row, col).and_then(|i| self.table.get_mut(i)) else {
            return Err(EmbedError::Full);
        };
        if entry.count == 0 {
            if weight == 0 {
                return Ok(());
            }
            if room == 0 {
                return Err(EmbedError::Full);
            }
            self.len += 1;
        }
        *entry = Pair { row, col, count: entry.count.saturating_add(weight) };
        Ok(())
    }

    /// The count of an ordered pair. [`PairCounts::add_window`] puts the smaller number first.
    pub fn get(&self, row: u32, col: u32) -> u32 {
        self.find(row, col).and_then(|i| self.table.get(i)).map_or(0, |pair| pair.count)
    }

    /// Adds the pairs of a sequence under their smaller number: in a text of words and contexts that
    /// are the same things, what is left and right of a word is not told apart.
    ///
    /// # Errors
    /// [`EmbedError::Full`], with a part of the pairs added; it does not come up if
    /// [`PairCounts::room`] is at least [`Window::pairs`].
    pub fn add_window(&mut self, sequence: &[u32], window: &Window) -> Result<(), EmbedError> {
        let mut rest = sequence;
        while let [_, after @ ..] = rest {
            self.add_first(rest, window)?;
            rest = after;
        }
        Ok(())
    }

    /// Of the pairs of [`PairCounts::add_window`], those that the first of the sequence is in.
    ///
    /// # Errors
    /// [`EmbedError::Full`].
    pub fn add_first(&mut self, sequence: &[u32], window: &Window) -> Result<(), EmbedError> {
        let Some((&first, after)) = sequence.split_first() else { return Ok(()) };
        for (d, &second) in after.iter().take(window.reach).enumerate() {
            self.add(first.min(second), first.max(second), window.weight(d + 1))?;
        }
        Ok(())
    }

    /// The pairs, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = Pair> {
        self.table.iter().copied().filter(|pair| pair.count > 0)
    }

    /// The counts as a sparse matrix of `rows` rows, as [`Csr`](crate::linalg::Csr) wants it:
    /// `row_ptr` has `rows + 1` places, the others as many as there are pairs. Returns their number.
    ///
    /// # Errors
    /// [`EmbedError::WrongLength`] if a slice is too short, [`EmbedError::UnknownId`] if a row is not
    /// below `rows`.
    pub fn to_sparse(
        &self,
        rows: usize,
        row_ptr: &mut [u32],
        col_idx: &mut [u32],
        counts: &mut [u32],
    ) -> Result<usize, EmbedError> {
        self.fill(rows, row_ptr, col_idx, counts, false)
    }

    /// The symmetric matrix `C + Cᵀ` of the counts of unordered pairs, `n × n`. `col_idx` and `counts`
    /// need at most twice as many places as there are pairs.
    ///
    /// # Errors
    /// As [`PairCounts::to_sparse`].
    pub fn to_symmetric(
        &self,
        n: usize,
        row_ptr: &mut [u32],
        col_idx: &mut [u32],
        counts: &mut [u32],
    ) -> Result<usize, EmbedError> {
        self.fill(n, row_ptr, col_idx, counts, true)
    }

    fn fill(
        &self,
        rows: usize,
        row_ptr: &mut [u32],
        col_idx: &mut [u32],
        counts: &mut [u32],
        symmetric: bool,
    ) -> Result<usize, EmbedError> {
        if rows.checked_add(1) != Some(row_ptr.len()) {
            return Err(EmbedError::WrongLength);
        }
        let entries = || {
            self.iter().flat_map(move |pair| {
                let Pair { row, col, count } = pair;
                let diagonal = symmetric && row == col;
                let count = if diagonal { count.saturating_mul(2) } else { count };
                let mirrored =
                    (symmetric && row != col).then_some(Pair { row: col, col: row, count });
                core::iter::once(Pair { row, col, count }).chain(mirrored)
            })
        };
        // Lengths of the rows, then where each row begins, then, while it is filled, where it ends.
        row_ptr.fill(0);
        let mut total: u32 = 0;
        for pair in entries() {
            let length = row_ptr.get_mut(pair.row as usize).ok_or(EmbedError::UnknownId)?;
            *length = length.saturating_add(1);
            total = total.checked_add(1).ok_or(EmbedError::WrongLength)?;
        }
        if row_ptr.last() != Some(&0) {
            return Err(EmbedError::UnknownId);
        }
        let n = total as usize;
        if col_idx.len() < n || counts.len() < n {
            return Err(EmbedError::WrongLength);
        }
        let mut start = 0;
        for p in row_ptr.iter_mut() {
            start += core::mem::replace(p, start);
        }
        for pair in entries() {
            if let Some(p) = row_ptr.get_mut(pair.row as usize) {
                let i = *p as usize;
                if let (Some(col), Some(count)) = (col_idx.get_mut(i), counts.get_mut(i)) {
                    (*col, *count) = (pair.col, pair.count);
                }
                *p += 1;
            }
        }
        let mut start = 0;
        for p in row_ptr.iter_mut() {
            let end = core::mem::replace(p, start);
            let range = start as usize..end as usize;
            if let (Some(cols), Some(counts)) =
                (col_idx.get_mut(range.clone()), counts.get_mut(range))
            {
                sort_row(cols, counts);
            }
            start = end;
        }
        Ok(n)
    }

    /// The place of a pair, or a free one for it.
    fn find(&self, row: u32, col: u32) -> Option<usize> {
        let first = place(mix(row ^ mix(col.wrapping_add(0x9e37_79b9))), self.table.len());
        let (before, after) = self.table.split_at_checked(first)?;
        let found = |pair: &Pair| pair.count == 0 || (pair.row == row && pair.col == col);
        match after.iter().position(found) {
            Some(i) => Some(first + i),
            None => before.iter().position(found),
        }
    }
}

/// Sorts the entries of a row by column.
fn sort_row(cols: &mut [u32], counts: &mut [u32]) {
    let n = cols.len();
    let less = |x: &(&mut [u32], &mut [u32]), i: usize, j: usize| x.0.get(i) < x.0.get(j);
    heap_sort(&mut (cols, counts), n, less, |x, i, j| {
        if let (Ok([a, b]), Ok([c, d])) =
            (x.0.get_disjoint_mut([i, j]), x.1.get_disjoint_mut([i, j]))
        {
            core::mem::swap(a, b);
            core::mem::swap(c, d);
        }
    });
}

/// A sparse matrix of counts in compressed rows, as [`PairCounts`] gives it, whose structure may be
/// thinned out.
#[derive(Debug)]
pub struct Counts<'a> {
    /// Where rows begin.
    pub row_ptr: &'a mut [u32],
    /// Columns, ascending within a row.
    pub col_idx: &'a mut [u32],
    /// Counts.
    pub counts: &'a [u32],
}

impl Counts<'_> {
    /// Replaces every count by `value(row, col, count)`, row by row, and drops the zeros: the first
    /// places of `col_idx` and `values` then belong to what is kept. Returns how many.
    pub(super) fn transform<T: crate::Scalar>(
        self,
        values: &mut [T],
        mut value: impl FnMut(usize, u32, u32) -> Result<T, EmbedError>,
    ) -> Result<usize, EmbedError> {
        let n = self.counts.len();
        if self.col_idx.len() != n || values.len() != n || self.row_ptr.last() != Some(&as_u32(n)?)
        {
            return Err(EmbedError::WrongLength);
        }
        let (mut kept, mut from) = (0, 0);
        let mut ends = self.row_ptr.iter_mut();
        if let Some(first) = ends.next() {
            *first = 0;
        }
        for (row, end) in ends.enumerate() {
            let stop = (*end as usize).min(n);
            for i in from..stop {
                let Some((&col, &count)) = self.col_idx.get(i).zip(self.counts.get(i)) else {
                    break;
                };
                let new = value(row, col, count)?;
                if new != T::ZERO
                    && let (Some(c), Some(v)) = (self.col_idx.get_mut(kept), values.get_mut(kept))
                {
                    (*c, *v) = (col, new);
                    kept += 1;
                }
            }
            from = from.max(stop);
            *end = as_u32(kept)?;
        }
        Ok(kept)
    }

    /// `(row, col, count)` of every entry.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, u32, u32)> {
        let ends = self.row_ptr.iter().zip(self.row_ptr.iter().skip(1));
        ends.enumerate().flat_map(|(row, (&from, &to))| {
            let range = from as usize..to as usize;
            let columns = self.col_idx.get(range.clone()).unwrap_or(&[]);
            let counts = self.counts.get(range).unwrap_or(&[]);
            columns.iter().zip(counts).map(move |(&col, &count)| (row, col, count))
        })
    }
}

fn as_u32(n: usize) -> Result<u32, EmbedError> {
    u32::try_from(n).map_err(|_| EmbedError::WrongLength)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_fall_with_the_distance() {
        let of = |weighting| [1, 2, 3, 4].map(|d| Window { reach: 4, weighting }.weight(d));
        assert_eq!(of(Weighting::Flat), [1; 4]);
        assert_eq!(of(Weighting::Linear), [4, 3, 2, 1]);
        assert_eq!(of(Weighting::Harmonic), [2520, 1260, 840, 630]);
    }

    #[test]
    fn a_window_is_counted_by_hand() {
        // 0 1 0 2, two apart at most: 0-1, 0-0, 1-0, 1-2, 0-2.
        let mut table = [Pair::default(); 8];
        let mut pairs = PairCounts::new(&mut table);
        pairs.add_window(&[0, 1, 0, 2], &Window::flat(2)).unwrap();
        assert_eq!(
            (pairs.get(0, 1), pairs.get(0, 0), pairs.get(1, 2), pairs.get(0, 2)),
            (2, 1, 1, 1)
        );
        assert_eq!((pairs.len(), pairs.room(), pairs.get(1, 0)), (4, 2, 0));
        let (mut row_ptr, mut col_idx, mut counts) = ([0; 4], [0; 7], [0; 7]);
        assert_eq!(pairs.to_symmetric(3, &mut row_ptr, &mut col_idx, &mut counts), Ok(7));
        assert_eq!((row_ptr, col_idx), ([0, 3, 5, 7], [0, 1, 2, 0, 2, 0, 1]));
        assert_eq!(counts, [2, 2, 1, 2, 1, 1, 1]);
        let unknown = pairs.to_symmetric(2, &mut row_ptr[..3], &mut col_idx, &mut counts);
        assert_eq!(unknown, Err(EmbedError::UnknownId));
    }

    #[test]
    fn a_full_table_refuses_what_is_new_only() {
        let mut table = [Pair::default(); 4];
        let mut pairs = PairCounts::new(&mut table);
        for i in 0..3 {
            assert_eq!(pairs.add(i, i, u32::MAX), Ok(()));
        }
        assert_eq!((pairs.add(3, 3, 1), pairs.add(2, 2, 1)), (Err(EmbedError::Full), Ok(())));
        assert_eq!(pairs.get(2, 2), u32::MAX);
        assert_eq!(PairCounts::new(&mut []).add(0, 0, 1), Err(EmbedError::Full));
    }
}
