//! Searching vectors: nearest neighbours by cosine and by CSLS, analogies.
//!
//! Rows of a [`Table`] have length 1 ([`normalize_rows`]), so that a cosine is a dot product. Results
//! come best first in a slice that is lent; what scores alike comes in the order of the table.

use super::EmbedError;
use crate::mat::norm;
use crate::{Scalar, simd};

/// Vectors of `dim` values, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a, T> {
    values: &'a [T],
    dim: usize,
}

impl<'a, T: Scalar> Table<'a, T> {
    /// Checks the length and that all values are finite.
    ///
    /// # Errors
    /// [`EmbedError::WrongLength`] unless `values` holds whole vectors of at least one value,
    /// [`EmbedError::NotFinite`].
    pub fn new(values: &'a [T], dim: usize) -> Result<Self, EmbedError> {
        if values.len().checked_rem(dim) != Some(0) {
            return Err(EmbedError::WrongLength);
        }
        if !simd::all_finite(values) {
            return Err(EmbedError::NotFinite);
        }
        Ok(Self { values, dim })
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.dim).unwrap_or(0)
    }

    /// Whether there is no vector.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Values of a vector.
    pub const fn dim(&self) -> usize {
        self.dim
    }

    /// Vector `i`; empty if there is none.
    pub fn row(&self, i: usize) -> &'a [T] {
        let start = i.wrapping_mul(self.dim);
        self.values.get(start..start.wrapping_add(self.dim)).unwrap_or(&[])
    }

    /// All vectors.
    pub fn rows(&self) -> impl Iterator<Item = &'a [T]> {
        self.values.chunks(self.dim.max(1))
    }
}

/// Scales every vector of `dim` values to length 1; those of length zero stay as they are.
pub fn normalize_rows<T: Scalar>(values: &mut [T], dim: usize) {
    for row in values.chunks_mut(dim.max(1)) {
        let length = norm(row);
        if length > T::ZERO {
            for x in row {
                *x /= length;
            }
        }
    }
}

/// Subtracts the mean vector from every vector of `dim` values; `mean` receives it.
pub fn center_rows<T: Scalar>(values: &mut [T], mean: &mut [T]) {
    let dim = mean.len().max(1);
    mean.fill(T::ZERO);
    for row in values.chunks(dim) {
        simd::axpy(T::ONE, row, mean);
    }
    let rows = T::from_usize(values.len() / dim);
    if rows > T::ZERO {
        for m in mean.iter_mut() {
            *m /= rows;
        }
    }
    for row in values.chunks_mut(dim) {
        simd::axpy(-T::ONE, mean, row);
    }
}

/// A vector that was found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Hit<T> {
    /// Its number in the table.
    pub id: u32,
    /// Its score, larger for nearer.
    pub score: T,
}

/// Keeps the best of what it is shown.
pub(super) struct Best<'a, T> {
    hits: &'a mut [Hit<T>],
    len: usize,
}

impl<'a, T: Copy + PartialOrd> Best<'a, T> {
    pub(super) fn new(hits: &'a mut [Hit<T>]) -> Self {
        Self { hits, len: 0 }
    }

    /// How many places are filled.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn show(&mut self, id: usize, score: T) {
        if self.len == self.hits.len() && !self.hits.last().is_some_and(|hit| score > hit.score) {
            return;
        }
        let kept = self.hits.get(..self.len).unwrap_or(&[]);
        let place = kept.iter().rposition(|hit| !(score > hit.score)).map_or(0, |i| i + 1);
        let mut new = Hit { id: u32::try_from(id).unwrap_or(u32::MAX), score };
        self.len = self.len.saturating_add(1).min(self.hits.len());
        for hit in self.hits.iter_mut().take(self.len).skip(place) {
            core::mem::swap(hit, &mut new);
        }
    }
}

/// The rows with the largest dot product with `query`, best first; those in `exclude` are passed
/// over. Returns how many places of `out` are filled.
///
/// # Errors
/// [`EmbedError::WrongLength`] if the query has not as many values as a row,
/// [`EmbedError::NotFinite`] if a product is not finite.
///
/// # Cost
/// `2·dim` flops per row.
///
/// ```
/// use eigenmote::embed::nearest::{Hit, Table, nearest};
/// let table = Table::new(&[1.0_f32, 0.0, 0.0, 1.0, 0.6, 0.8], 2)?;
/// let mut hits = [Hit::default(); 2];
/// assert_eq!(nearest(&table, table.row(1), &[1], &mut hits)?, 2);
/// assert_eq!((hits[0].id, hits[0].score, hits[1].id), (2, 0.8, 0));
/// # Ok::<(), eigenmote::embed::EmbedError>(())
/// ```
pub fn nearest<T: Scalar>(
    table: &Table<'_, T>,
    query: &[T],
    exclude: &[u32],
    out: &mut [Hit<T>],
) -> Result<usize, EmbedError> {
    search(table, exclude, out, |_, row| simd::dot(row, query), query.len() == table.dim())
}

fn search<T: Scalar>(
    table: &Table<'_, T>,
    exclude: &[u32],
    out: &mut [Hit<T>],
    mut score: impl FnMut(usize, &[T]) -> T,
    fits: bool,
) -> Result<usize, EmbedError> {
    if !fits {
        return Err(EmbedError::WrongLength);
    }
    let mut best = Best::new(out);
    let mut check = T::ZERO;
    for (i, row) in table.rows().enumerate() {
        let score = score(i, row);
        check += score * T::ZERO;
        if !exclude.iter().any(|&id| id as usize == i) {
            best.show(i, score);
        }
    }
    if check == T::ZERO { Ok(best.len()) } else { Err(EmbedError::NotFinite) }
}

/// The mean cosine of every row of `from` with its nearest rows of `to`, as many as `hits` has places:
/// how crowded it is there. For [`nearest_csls`].
///
/// # Errors
/// As [`nearest`]; [`EmbedError::WrongLength`] unless `density` has a place per row of `from`;
/// [`EmbedError::Empty`] if there is no neighbour.
pub fn densities<T: Scalar>(
    from: &Table<'_, T>,
    to: &Table<'_, T>,
    hits: &mut [Hit<T>],
    density: &mut [T],
) -> Result<(), EmbedError> {
    if density.len() != from.len() {
        return Err(EmbedError::WrongLength);
    }
    for (row, density) in from.rows().zip(density) {
        let found = nearest(to, row, &[], hits)?;
        if found == 0 {
            return Err(EmbedError::Empty);
        }
        let scores = hits.iter().take(found).map(|hit| hit.score);
        *density = scores.fold(T::ZERO, |sum, score| sum + score) / T::from_usize(found);
    }
    Ok(())
}

/// The rows with the largest cross-domain similarity local scaling: `2·cos − r`, where `r` of a row is
/// its density among the queries ([`densities`] from the table to them). The query's own density
/// would take the same from all scores.
///
/// It takes from hubs, vectors that are near to everything.
///
/// # Errors
/// As [`nearest`]; [`EmbedError::WrongLength`] unless there is a density per row.
///
/// # Source
/// Conneau et al., "Word translation without parallel data", ICLR (2018).
pub fn nearest_csls<T: Scalar>(
    table: &Table<'_, T>,
    density: &[T],
    query: &[T],
    out: &mut [Hit<T>],
) -> Result<usize, EmbedError> {
    let fits = query.len() == table.dim() && density.len() == table.len();
    let score =
        |i: usize, row: &[T]| T::TWO * simd::dot(row, query) - crate::linalg::at(density, i);
    search(table, &[], out, score, fits)
}

/// How the answer to "`a` is to `b` as `c` is to" is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Analogy {
    /// `cos(x, b) − cos(x, a) + cos(x, c)` (Mikolov et al. 2013).
    Add,
    /// `cos(x, b)·cos(x, c)/(cos(x, a) + 0.001)` with cosines moved to 0…1 (Levy & Goldberg 2014):
    /// no term outweighs the others.
    Mul,
}

/// Answers "`a` is to `b` as `c` is to" with the rows that score best, `a`, `b` and `c` left out.
///
/// # Errors
/// [`EmbedError::UnknownId`] for a number that the table does not have, and as [`nearest`].
pub fn analogy<T: Scalar>(
    table: &Table<'_, T>,
    [a, b, c]: [u32; 3],
    rule: Analogy,
    out: &mut [Hit<T>],
) -> Result<usize, EmbedError> {
    let row = |id: u32| Some(table.row(id as usize)).filter(|row| !row.is_empty());
    let (Some(x), Some(y), Some(z)) = (row(a), row(b), row(c)) else {
        return Err(EmbedError::UnknownId);
    };
    let score = |_: usize, row: &[T]| {
        let (a, b, c) = (simd::dot(row, x), simd::dot(row, y), simd::dot(row, z));
        match rule {
            Analogy::Add => b - a + c,
            Analogy::Mul => {
                let shifted = |cosine: T| ((T::ONE + cosine) * T::HALF).max(T::ZERO);
                shifted(b) * shifted(c) / (shifted(a) + T::from_f64(0.001))
            }
        }
    };
    search(table, &[a, b, c], out, score, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_ties_in_order() {
        let mut hits = [Hit::default(); 3];
        let mut best = Best::new(&mut hits);
        for (id, score) in [1.0_f32, 3.0, 2.0, 3.0, 0.0].into_iter().enumerate() {
            best.show(id, score);
        }
        assert_eq!(hits.map(|hit| hit.id), [1, 3, 2]);
        Best::new(&mut []).show(0, 1.0_f32);
    }

    #[test]
    fn king_minus_man_plus_woman() {
        // Two features, person and crown, and gender in the third place.
        let mut rows = [
            1.0_f64, 0.0, 1.0, // man
            1.0, 0.0, -1.0, // woman
            1.0, 1.0, 1.0, // king
            1.0, 1.0, -1.0, // queen
            0.0, 1.0, 0.0, // crown
        ];
        normalize_rows(&mut rows, 3);
        let table = Table::new(&rows, 3).unwrap();
        for rule in [Analogy::Add, Analogy::Mul] {
            let mut hits = [Hit::default(); 2];
            assert_eq!(analogy(&table, [0, 1, 2], rule, &mut hits), Ok(2));
            assert_eq!(hits[0].id, 3);
        }
        let unknown = analogy(&table, [0, 1, 5], Analogy::Add, &mut []);
        assert_eq!(unknown, Err(EmbedError::UnknownId));
    }

    #[test]
    fn a_hub_loses_to_a_true_neighbour() {
        // Row 0 is near to both queries, row 1 to the second alone and a little less.
        let table = Table::new(&[0.8_f64, 0.6, 0.28, 0.96], 2).unwrap();
        let queries = Table::new(&[1.0, 0.0, 0.6, 0.8], 2).unwrap();
        let (mut density, mut hits) = ([0.0; 2], [Hit::default(); 2]);
        densities(&table, &queries, &mut hits, &mut density).unwrap();
        assert!((density[0] - 0.88).abs() < 1e-15 && (density[1] - 0.608).abs() < 1e-15);
        let (mut cosine, mut csls) = ([Hit::default(); 1], [Hit::default(); 1]);
        nearest(&table, queries.row(1), &[], &mut cosine).unwrap();
        nearest_csls(&table, &density, queries.row(1), &mut csls).unwrap();
        assert_eq!((cosine[0].id, csls[0].id), (0, 1));
    }

    #[test]
    fn an_overflowing_product_is_an_error() {
        let table = Table::new(&[f32::MAX, 1.0], 1).unwrap();
        let hits = &mut [Hit::default()];
        assert_eq!(nearest(&table, &[f32::MAX], &[], hits), Err(EmbedError::NotFinite));
        assert_eq!(nearest(&table, &[1.0; 2], &[], hits), Err(EmbedError::WrongLength));
        assert_eq!(Table::new(&[f32::NAN], 1).err(), Some(EmbedError::NotFinite));
        assert_eq!(Table::<f32>::new(&[], 0).err(), Some(EmbedError::WrongLength));
    }
}
