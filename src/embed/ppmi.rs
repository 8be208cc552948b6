//! Positive pointwise mutual information: how much more often two things meet than by chance.

use super::{Counts, EmbedError};
use crate::Scalar;

/// Parameters of [`ppmi()`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ppmi<T> {
    /// `k ≥ 1`: `ln k` is subtracted, as `k` negative samples of word2vec do. 1 by default.
    pub shift: T,
    /// `0 < α ≤ 1`: counts of contexts are raised to this power, which takes weight from rare ones.
    /// 0.75 by default.
    pub smoothing: T,
}

impl<T: Scalar> Default for Ppmi<T> {
    fn default() -> Self {
        Self { shift: T::ONE, smoothing: T::from_f64(0.75) }
    }
}

/// `max(0, ln(c(i, j)·Σ c(·, j)^α / (c(i, ·)·c(·, j)^α)) − ln k)` for every count, without the zeros.
///
/// `cols` is the number of columns; `values` is as long as the counts, and `work` has two places for
/// every row and every column. Returns how many values are kept: the first so many places of
/// `counts.col_idx` and `values`, with `counts.row_ptr`, are the sparse matrix.
///
/// # Errors
/// [`EmbedError::Parameter`] for a shift below 1 or a smoothing outside of (0, 1],
/// [`EmbedError::WrongLength`], [`EmbedError::UnknownId`] for a column that is not below `cols`,
/// [`EmbedError::Empty`] if nothing was counted.
///
/// # Cost
/// A logarithm per row, column and count, and a power per column.
///
/// # Source
/// Levy, Goldberg & Dagan, "Improving distributional similarity with lessons learned from word
/// embeddings", TACL 3 (2015).
pub fn ppmi<T: Scalar>(
    counts: Counts<'_>,
    cols: usize,
    values: &mut [T],
    work: &mut [T],
    options: &Ppmi<T>,
) -> Result<usize, EmbedError> {
    let Ppmi { shift, smoothing } = *options;
    if !(shift >= T::ONE && shift.is_finite() && smoothing > T::ZERO && smoothing <= T::ONE) {
        return Err(EmbedError::Parameter);
    }
    let rows = counts.row_ptr.len().saturating_sub(1);
    let (left, work) = work.split_at_mut_checked(rows).ok_or(EmbedError::WrongLength)?;
    let (right, carry) = work.split_at_mut_checked(cols).ok_or(EmbedError::WrongLength)?;
    let mut sums = Sums { left, right };
    sums.add_up(&counts, carry)?;
    // ln c(i, ·), and ln of the smoothed share of a context.
    let mut total = T::ZERO;
    for sum in sums.right.iter_mut().filter(|sum| **sum > T::ZERO) {
        *sum = smoothing * sum.ln();
        total += sum.exp();
    }
    if !(total > T::ZERO) {
        return Err(EmbedError::Empty);
    }
    let offset = total.ln() - shift.ln();
    for sum in sums.left.iter_mut().filter(|sum| **sum > T::ZERO) {
        *sum = sum.ln();
    }
    counts.transform(values, |row, col, count| {
        let left = sums.left.get(row).copied().unwrap_or_default();
        let right = sums.right.get(col as usize).copied().unwrap_or_default();
        Ok((T::from_u32(count).ln() - left - right + offset).max(T::ZERO))
    })
}

struct Sums<'a, T> {
    left: &'a mut [T],
    right: &'a mut [T],
}

impl<T: Scalar> Sums<'_, T> {
    /// Sums of rows and columns, with the rounding error of each carried along: many small counts
    /// must not vanish beside a sum above `2/ε`.
    fn add_up(&mut self, counts: &Counts<'_>, carry: &mut [T]) -> Result<(), EmbedError> {
        let (rows, cols) = (self.left.len(), self.right.len());
        let (left_carry, right_carry) =
            carry.split_at_mut_checked(rows).ok_or(EmbedError::WrongLength)?;
        if right_carry.len() < cols {
            return Err(EmbedError::WrongLength);
        }
        for x in [&mut *self.left, &mut *self.right, &mut *left_carry, &mut *right_carry] {
            x.fill(T::ZERO);
        }
        for (row, col, count) in counts.iter() {
            let (count, col) = (T::from_u32(count), col as usize);
            let right = self.right.get_mut(col).zip(right_carry.get_mut(col));
            add(right.ok_or(EmbedError::UnknownId)?, count);
            if let Some(left) = self.left.get_mut(row).zip(left_carry.get_mut(row)) {
                add(left, count);
            }
        }
        Ok(())
    }
}

/// One step of Kahan's sum.
fn add<T: Scalar>((sum, carry): (&mut T, &mut T), x: T) {
    let term = x + *carry;
    let next = *sum + term;
    *carry = term - (next - *sum);
    *sum = next;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_by_two_by_hand() {
        // [[3, 1], [1, 0]] without smoothing: 3·5/(4·4) < 1, 1·5/(4·1) = 1.25 twice.
        let (mut row_ptr, mut col_idx, counts) = ([0, 2, 3], [0, 1, 0], [3, 1, 1]);
        let (mut values, mut work) = ([9.0_f64; 3], [0.0; 8]);
        let sparse = Counts { row_ptr: &mut row_ptr, col_idx: &mut col_idx, counts: &counts };
        let options = Ppmi { shift: 1.0, smoothing: 1.0 };
        assert_eq!(ppmi(sparse, 2, &mut values, &mut work, &options), Ok(2));
        assert_eq!((row_ptr, col_idx[0], col_idx[1]), ([0, 1, 2], 1, 0));
        assert!((values[0] - 1.25_f64.ln()).abs() < 1e-15 && values[0] == values[1]);
    }
}
