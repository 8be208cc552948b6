//! Count and mean of samples, and how two groups of them join.
//!
//! For groups `a` and `b` with counts `n_a`, `n_b`, means `m_a`, `m_b` and `n = n_a + n_b`,
//!
//! ```text
//! m = m_a + (n_b/n)·(m_b − m_a)
//! Σ_ab (x−m)(x−m)ᵀ = Σ_a (x−m_a)(x−m_a)ᵀ + Σ_b (x−m_b)(x−m_b)ᵀ + g·gᵀ,   g = √(n_a·n_b/n)·(m_b − m_a)
//! ```
//!
//! One sample is a group without scatter, so everything that streams here is a join.
//!
//! Source: T. Chan, G. Golub & R. `LeVeque`, "Updating formulae and a pairwise algorithm for computing
//! sample variances", Stanford STAN-CS-79-773 (1979).

use super::dword::{Dword, two_sum};
use super::moments::MomentsError;
use crate::mat::Mat;
use crate::scalar::Scalar;
use crate::simd;

/// Rows taken together. A dot product of this length has each partial sum filled once (`f32`) or
/// twice (`f64`), so its rounding error is that of the final tree: 6 half-units at most.
pub(super) const BLOCK: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub(super) struct Centre<T, const D: usize> {
    pub(super) count: u32,
    /// As double words: a mean rounded to one float would shift every centred value of a channel
    /// whose offset is large, and drift by a rounding with every update.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub(super) mean: [Dword<T>; D],
}

impl<T: Scalar, const D: usize> Centre<T, D> {
    pub(super) const EMPTY: Self = Self { count: 0, mean: [Dword::ZERO; D] };

    pub(super) fn of_one(x: &[T; D]) -> Self {
        Self { count: 1, mean: x.map(Dword::new) }
    }

    /// The mean, rounded to nearest.
    pub(super) fn mean(&self) -> [T; D] {
        self.mean.map(Dword::value)
    }

    /// The centre of both groups, and `g`.
    pub(super) fn join(&self, other: &Self) -> Result<(Self, [T; D]), MomentsError> {
        let count = self.count.checked_add(other.count).ok_or(MomentsError::CountOverflow)?;
        let mut g = [T::ZERO; D];
        if self.count == 0 || other.count == 0 {
            return Ok((if self.count == 0 { *other } else { *self }, g));
        }
        let weight = Dword::from_count(other.count) / Dword::from_count(count);
        let root = (T::from_u32(self.count) * weight.hi).sqrt();
        let mut joined = Self { count, mean: self.mean };
        for ((mean, &theirs), g) in joined.mean.iter_mut().zip(&other.mean).zip(&mut g) {
            let shift = theirs - *mean;
            *mean = *mean + shift * weight;
            *g = root * shift.hi;
        }
        Ok((joined, g))
    }
}

/// Largest magnitude that is taken: 2⁹⁵ in `f32`, 2⁹⁷⁷ in `f64`. It leaves room for the norm of
/// 2³² samples and for the splitting factor of double-word products.
pub(super) fn largest_taken<T: Scalar>() -> T {
    T::exp2i(T::MAX_EXP - T::DIGITS / 2 - 20)
}

/// Refuses samples that are not finite or too large to be centred safely.
pub(super) fn check<T: Scalar, const D: usize>(samples: &[[T; D]]) -> Result<(), MomentsError> {
    let values = samples.as_flattened();
    if !simd::all_finite(values) {
        return Err(MomentsError::NotFinite);
    }
    if simd::max_abs(values) > largest_taken() {
        return Err(MomentsError::Overflow);
    }
    Ok(())
}

/// The centre of at most [`BLOCK`] samples. `columns` receives the centred samples, one column per
/// channel, from row `skip` on; the rows below them become zero.
pub(super) fn centre_block<T: Scalar, const D: usize>(
    samples: &[[T; D]],
    skip: usize,
    columns: &mut Mat<T, BLOCK, D>,
) -> Centre<T, D> {
    let Some(first) = samples.first() else {
        return Centre::EMPTY;
    };
    // Sums run over the offsets from the first sample, so that a constant channel has exactly its
    // own value as the mean and no scatter.
    let mut mean = [Dword::ZERO; D];
    for sample in samples {
        for ((sum, &x), &origin) in mean.iter_mut().zip(sample).zip(first) {
            sum.accumulate(two_sum(x, -origin));
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most a block of rows")]
    let count = samples.len().min(BLOCK) as u32;
    let divisor = Dword::from_count(count);
    for (mean, &origin) in mean.iter_mut().zip(first) {
        *mean = mean.normalized() / divisor + Dword::new(origin);
    }
    for (i, (column, mean)) in columns.cols.iter_mut().zip(&mean).enumerate() {
        let values = samples.iter().filter_map(|sample| sample.get(i));
        let values = values.map(Some).chain(core::iter::repeat(None));
        for (entry, x) in column.iter_mut().skip(skip).zip(values) {
            *entry = x.map_or(T::ZERO, |&x| (x - mean.hi) - mean.lo);
        }
    }
    Centre { count, mean }
}
