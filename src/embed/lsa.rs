//! Latent semantic analysis: documents and terms from one factorisation, and the vectors that a
//! factorisation gives.

use super::{Counts, EmbedError};
use crate::linalg::{at, copy};
use crate::mat::norm;
use crate::{Scalar, simd};

/// Parameters of [`tf_idf`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TfIdf {
    /// `1 + ln tf` in place of the count `tf` of a term in a document.
    pub sublinear: bool,
    /// Rows of any length, not of length 1.
    pub unnormalized: bool,
}

/// `tf·(1 + ln((1 + n)/(1 + df)))` for `n` documents, one per row, and a term that `df` of them hold;
/// rows are then scaled to length 1 (`TfidfVectorizer` of scikit-learn).
///
/// `idf` has a place per term and receives the factors, for documents that come later; `values` is as
/// long as the counts. Returns how many values are kept, as [`ppmi()`](super::ppmi()) does.
///
/// # Errors
/// [`EmbedError::WrongLength`], [`EmbedError::UnknownId`] for a term without a place in `idf`.
pub fn tf_idf<T: Scalar>(
    counts: Counts<'_>,
    values: &mut [T],
    idf: &mut [T],
    options: &TfIdf,
) -> Result<usize, EmbedError> {
    idf.fill(T::ZERO);
    for (_, col, _) in counts.iter() {
        *idf.get_mut(col as usize).ok_or(EmbedError::UnknownId)? += T::ONE;
    }
    let documents = T::from_usize(counts.row_ptr.len());
    for idf in idf.iter_mut() {
        *idf = T::ONE + (documents / (T::ONE + *idf)).ln();
    }
    let Counts { row_ptr, col_idx, counts } = counts;
    let sparse = Counts { row_ptr: &mut *row_ptr, col_idx, counts };
    let kept = sparse.transform(values, |_, col, count| {
        let tf = T::from_u32(count);
        let tf = if options.sublinear && count > 0 { T::ONE + tf.ln() } else { tf };
        Ok(tf * at(idf, col as usize))
    })?;
    if !options.unnormalized {
        for (&from, &to) in row_ptr.iter().zip(row_ptr.iter().skip(1)) {
            if let Some(row) = values.get_mut(from as usize..to as usize) {
                let length = norm(row);
                if length > T::ZERO {
                    simd::scale(T::ONE / length, row);
                }
            }
        }
    }
    Ok(kept)
}

/// Which vectors of a factorisation `A ≈ U·diag(s)·Vᵀ`, with `Sᵖ` for the power `p` of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Side {
    /// `U·Sᵖ`: the items of the rows. With `p = 1`, `Z = U·S` of LSA; with `p = 0`, `Z = U`.
    Left,
    /// `V·Sᵖ`: the items of the columns. With `p = 0`, `Y = V` of LSA; with `p = 1`, `Y = S·V`.
    Right,
    /// `(U + V)·Sᵖ`, for rows and columns that are the same items.
    Sum,
    /// `[U·Sᵖ, V·Sᵖ]`, twice as long, for rows and columns that are the same items.
    Concat,
}

/// The factors of [`truncated_svd`](crate::linalg::truncated_svd), vectors one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Factors<'a, T> {
    /// `k` left vectors.
    pub u: &'a [T],
    /// `k` values.
    pub s: &'a [T],
    /// `k` right vectors.
    pub v: &'a [T],
}

impl<T: Scalar> Factors<'_, T> {
    /// Number of values in the vector of an item.
    pub const fn dim(&self, side: Side) -> usize {
        if matches!(side, Side::Concat) { self.s.len().saturating_mul(2) } else { self.s.len() }
    }

    /// Number of items on a side.
    pub fn items(&self, side: Side) -> usize {
        let from = if matches!(side, Side::Right) { self.v } else { self.u };
        from.len().checked_div(self.s.len()).unwrap_or(0)
    }

    /// Writes the vectors of a side, a row per item. Values of the factorisation that are zero count
    /// as zero whatever the power.
    ///
    /// # Errors
    /// [`EmbedError::WrongLength`] unless `out` holds `items·dim` values and, for a sum or a
    /// concatenation, both sides have as many items; [`EmbedError::NotFinite`] for a power or result
    /// that is not finite.
    pub fn vectors(&self, side: Side, power: T, out: &mut [T]) -> Result<(), EmbedError> {
        let (items, dim, k) = (self.items(side), self.dim(side), self.s.len());
        let both = matches!(side, Side::Sum | Side::Concat);
        if items.checked_mul(dim) != Some(out.len()) || (both && self.u.len() != self.v.len()) {
            return Err(EmbedError::WrongLength);
        }
        if !power.is_finite() {
            return Err(EmbedError::NotFinite);
        }
        for (j, &s) in self.s.iter().enumerate() {
            let factor = if s > T::ZERO { (power * s.ln()).exp() } else { T::ZERO };
            let factor = if power == T::ONE { s } else { factor };
            let column = |x| <[T]>::get(x, j * items..(j + 1) * items).unwrap_or(&[]);
            let (u, v) = (column(self.u), column(self.v));
            for (i, row) in out.chunks_mut(dim.max(1)).enumerate() {
                let (u, v) = (at(u, i), at(v, i));
                let value = match side {
                    Side::Left | Side::Concat => u,
                    Side::Right => v,
                    Side::Sum => u + v,
                };
                if let Some(out) = row.get_mut(j) {
                    *out = factor * value;
                }
                if matches!(side, Side::Concat)
                    && let Some(out) = row.get_mut(k + j)
                {
                    *out = factor * v;
                }
            }
        }
        if simd::all_finite(out) { Ok(()) } else { Err(EmbedError::NotFinite) }
    }

    /// The vector of a new row `a` of the matrix, as if it had been there: `a·V·Sᵖ⁻¹`, given by its
    /// entries that are not zero.
    ///
    /// # Errors
    /// [`EmbedError::WrongLength`] unless `out` has `k` places, [`EmbedError::UnknownId`] for a column
    /// outside, [`EmbedError::NotFinite`].
    pub fn fold_in(
        &self,
        col_idx: &[u32],
        values: &[T],
        power: T,
        out: &mut [T],
    ) -> Result<(), EmbedError> {
        let cols = self.items(Side::Right);
        if out.len() != self.s.len() || col_idx.len() != values.len() {
            return Err(EmbedError::WrongLength);
        }
        if col_idx.iter().any(|&j| j as usize >= cols) {
            return Err(EmbedError::UnknownId);
        }
        for ((k, out), &s) in out.iter_mut().enumerate().zip(self.s) {
            let v = self.v.get(k * cols..).unwrap_or(&[]);
            let products = col_idx.iter().zip(values).map(|(&j, &a)| a * at(v, j as usize));
            let sum = products.fold(T::ZERO, |sum, p| sum + p);
            let factor = ((power - T::ONE) * s.ln()).exp();
            *out = if s > T::ZERO { sum * factor } else { T::ZERO };
        }
        if simd::all_finite(out) { Ok(()) } else { Err(EmbedError::NotFinite) }
    }
}

/// The first `dim` values of every row, to be searched in fewer dimensions.
///
/// # Errors
/// [`EmbedError::WrongLength`] unless there are `from.len()/of` rows in `to`.
pub fn prefix<T: Scalar>(
    from: &[T],
    of: usize,
    dim: usize,
    to: &mut [T],
) -> Result<(), EmbedError> {
    let rows = from.len().checked_div(of).unwrap_or(0);
    if dim > of
        || rows.checked_mul(dim) != Some(to.len())
        || rows.checked_mul(of) != Some(from.len())
    {
        return Err(EmbedError::WrongLength);
    }
    for (to, from) in to.chunks_mut(dim.max(1)).zip(from.chunks(of.max(1))) {
        copy(from, to);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tf_idf_by_hand() {
        // Two documents: term 0 in both (idf 1), term 1 in the second (idf 1 + ln 1.5).
        let (mut row_ptr, mut col_idx, counts) = ([0, 1, 3], [0, 0, 1], [2, 1, 1]);
        let (mut values, mut idf) = ([0.0_f64; 3], [0.0; 2]);
        let sparse = Counts { row_ptr: &mut row_ptr, col_idx: &mut col_idx, counts: &counts };
        assert_eq!(tf_idf(sparse, &mut values, &mut idf, &TfIdf::default()), Ok(3));
        let rare = 1.0 + 1.5_f64.ln();
        assert!((idf[0] - 1.0).abs() < 1e-15 && (idf[1] - rare).abs() < 1e-15);
        assert_eq!(values[0], 1.0);
        assert!((values[2] / values[1] - rare).abs() < 1e-15);
        assert!((values[1].powi(2) + values[2].powi(2) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn sides_of_a_factorisation() {
        let f = Factors { u: &[1.0_f64, 2.0, 3.0, 4.0], s: &[4.0, 0.0], v: &[5.0, 6.0, 7.0, 8.0] };
        let mut out = [0.0; 4];
        f.vectors(Side::Left, 1.0, &mut out).unwrap();
        assert_eq!(out, [4.0, 0.0, 8.0, 0.0]);
        f.vectors(Side::Sum, 0.0, &mut out).unwrap();
        assert_eq!(out, [6.0, 0.0, 8.0, 0.0]);
        let mut long = [0.0; 8];
        f.vectors(Side::Concat, 1.0, &mut long).unwrap();
        assert_eq!(long, [4.0, 0.0, 20.0, 0.0, 8.0, 0.0, 24.0, 0.0]);
        assert_eq!(f.vectors(Side::Concat, 1.0, &mut out), Err(EmbedError::WrongLength));
        assert_eq!(f.vectors(Side::Left, f64::NAN, &mut out), Err(EmbedError::NotFinite));
        let mut short = [0.0; 2];
        f.fold_in(&[1], &[2.0], 1.0, &mut short).unwrap();
        assert_eq!(short, [12.0, 0.0]);
    }
}
