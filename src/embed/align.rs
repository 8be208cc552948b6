//! Turning the vectors of one language onto those of another.
//!
//! A few known translations give a rotation ([`rotation`]); with it, words that are each other's
//! nearest neighbours are translations too, more of them than before, and give a better rotation
//! ([`refine`]). Without any known pair, words are matched by how similar they are to the other words
//! of their own language, sorted, which no rotation changes ([`signatures`]).
//!
//! Tables have vectors of length 1, in both languages the most frequent words first.
//!
//! Source: Conneau et al., "Word translation without parallel data", ICLR (2018); Artetxe, Labaka &
//! Agirre, "A robust self-learning method for fully unsupervised cross-lingual mappings", ACL (2018).

use super::EmbedError;
use super::nearest::{Hit, Table, densities, nearest_csls};
use super::sort::heap_sort;
use crate::linalg::at;
use crate::linalg::procrustes::{ProcrustesError, procrustes_of, rotate_point};
use crate::mat::norm;
use crate::{Scalar, simd};

impl From<ProcrustesError> for EmbedError {
    fn from(error: ProcrustesError) -> Self {
        match error {
            ProcrustesError::WrongLength => Self::WrongLength,
            ProcrustesError::NotFinite => Self::NotFinite,
            ProcrustesError::Degenerate => Self::Empty,
        }
    }
}

/// The rotation `W` (`dim²` values, row by row) that brings rows of `x` closest to rows of `y`, for
/// pairs of their numbers. `work` holds
/// [`workspace_len`](crate::linalg::procrustes::workspace_len) values.
///
/// # Errors
/// [`EmbedError::UnknownId`] for a number that a table does not have, [`EmbedError::WrongLength`],
/// [`EmbedError::Empty`] without pairs.
pub fn rotation<T: Scalar>(
    x: &Table<'_, T>,
    y: &Table<'_, T>,
    pairs: &[[u32; 2]],
    w: &mut [T],
    work: &mut [T],
) -> Result<(), EmbedError> {
    if x.dim() != y.dim() {
        return Err(EmbedError::WrongLength);
    }
    if pairs.is_empty() {
        return Err(EmbedError::Empty);
    }
    let rows = pairs.iter().map(|&[i, j]| (x.row(i as usize), y.row(j as usize)));
    if rows.clone().any(|(x, y)| x.is_empty() || y.is_empty()) {
        return Err(EmbedError::UnknownId);
    }
    procrustes_of(rows, x.dim(), w, work)?;
    Ok(())
}

/// Turns every row: `out ← X·W`.
///
/// # Errors
/// [`EmbedError::WrongLength`] unless `out` has as many values as the table.
pub fn rotate<T: Scalar>(x: &Table<'_, T>, w: &[T], out: &mut [T]) -> Result<(), EmbedError> {
    let dim = x.dim();
    if out.len() != x.len().saturating_mul(dim) || dim.checked_mul(dim) != Some(w.len()) {
        return Err(EmbedError::WrongLength);
    }
    for (x, out) in x.rows().zip(out.chunks_mut(dim.max(1))) {
        rotate_point(w, x, out);
    }
    Ok(())
}

/// Memory of [`mutual`] and [`refine`].
#[derive(Debug)]
pub struct Workspace<'a, T> {
    /// A place per row of `x`.
    pub density_x: &'a mut [T],
    /// A place per row of `y`.
    pub density_y: &'a mut [T],
    /// A place per row of `y`.
    pub back: &'a mut [u32],
    /// As many places as neighbours make a density: 10 is usual.
    pub hits: &'a mut [Hit<T>],
    /// Receives the pairs; room for the smaller table is enough.
    pub pairs: &'a mut [[u32; 2]],
}

/// Pairs of rows that are each other's nearest neighbours by CSLS. Returns their number.
///
/// # Errors
/// As [`nearest_csls`], and for workspace that does not fit.
///
/// # Cost
/// `8·dim` flops per row of `x` and row of `y`.
pub fn mutual<T: Scalar>(
    x: &Table<'_, T>,
    y: &Table<'_, T>,
    space: &mut Workspace<'_, T>,
) -> Result<usize, EmbedError> {
    densities(x, y, space.hits, space.density_x)?;
    densities(y, x, space.hits, space.density_y)?;
    if space.back.len() != y.len() {
        return Err(EmbedError::WrongLength);
    }
    let mut best = [Hit::default()];
    for (row, back) in y.rows().zip(space.back.iter_mut()) {
        nearest_csls(x, space.density_x, row, &mut best)?;
        let [hit] = best;
        *back = hit.id;
    }
    let mut found = 0;
    for (i, row) in x.rows().enumerate() {
        nearest_csls(y, space.density_y, row, &mut best)?;
        let [hit] = best;
        let back = space.back.get(hit.id as usize).copied();
        if let (Some(i), Ok(id)) = (back.filter(|&b| b as usize == i), u32::try_from(i)) {
            debug_assert_eq!(i, id);
            *space.pairs.get_mut(found).ok_or(EmbedError::Full)? = [i, hit.id];
            found += 1;
        }
    }
    Ok(found)
}

/// Improves a rotation in `w` by pairs that it finds itself, until their number grows no more, at
/// most `rounds` times. `turned` has as many values as `x`, `work` as for [`rotation`]. Returns the
/// number of pairs that the last rotation is made of; they are in the workspace.
///
/// # Errors
/// As [`mutual`] and [`rotation`].
pub fn refine<T: Scalar>(
    x: &Table<'_, T>,
    y: &Table<'_, T>,
    w: &mut [T],
    rounds: usize,
    space: &mut Workspace<'_, T>,
    turned: &mut [T],
    work: &mut [T],
) -> Result<usize, EmbedError> {
    let mut before = 0;
    for _ in 0..rounds {
        rotate(x, w, turned)?;
        let found = mutual(&Table::new(turned, x.dim())?, y, space)?;
        let pairs = space.pairs.get(..found).unwrap_or(&[]);
        rotation(x, y, pairs, w, work)?;
        if found <= before {
            break;
        }
        before = found;
    }
    Ok(before)
}

/// What no rotation changes: for every row its products with all rows, sorted, at `len` equidistant
/// places of the order, centred and scaled to length 1. Rows of `out` are vectors of a table to be
/// matched with that of the other language ([`mutual`]).
///
/// `products` has a place per row of `x`.
///
/// # Errors
/// [`EmbedError::WrongLength`] unless `out` holds `len` values per row, [`EmbedError::NotFinite`].
///
/// # Cost
/// `n²·(2·dim + 2·log₂ n)` steps for `n` rows.
pub fn signatures<T: Scalar>(
    x: &Table<'_, T>,
    len: usize,
    products: &mut [T],
    out: &mut [T],
) -> Result<(), EmbedError> {
    let n = x.len();
    if len == 0 || products.len() != n || n.checked_mul(len) != Some(out.len()) {
        return Err(EmbedError::WrongLength);
    }
    for (row, out) in x.rows().zip(out.chunks_mut(len)) {
        for (product, other) in products.iter_mut().zip(x.rows()) {
            *product = simd::dot(row, other);
        }
        if !simd::all_finite(products) {
            return Err(EmbedError::NotFinite);
        }
        heap_sort(
            products,
            n,
            |x, i, j| x.get(i) > x.get(j),
            |x, i, j| {
                if let Ok([a, b]) = x.get_disjoint_mut([i, j]) {
                    core::mem::swap(a, b);
                }
            },
        );
        let mut sum = T::ZERO;
        for (k, out) in out.iter_mut().enumerate() {
            *out = at(products, k.saturating_mul(n) / len);
            sum += *out;
        }
        let mean = sum / T::from_usize(len);
        for out in out.iter_mut() {
            *out -= mean;
        }
        let length = norm(out);
        if length > T::ZERO {
            for out in out {
                *out /= length;
            }
        }
    }
    Ok(())
}
