//! Count, mean and covariance of a stream of samples, mergeable in any order.
//!
//! The state is the number of samples, their mean and the matrix of centred products
//! `Σ (x − mean)(x − mean)ᵀ`, mean and matrix as sums of two floats each. Rounding errors are
//! caught when they happen and kept in the low halves, so the result does not depend on how the
//! samples were split, merged or ordered by more than the last few digits, and does not get worse
//! with their number or with a large common offset.
//!
//! Source: joining as in Chan, Golub & `LeVeque` (1979); sums as in Neumaier, ZAMM 54 (1974).

use core::fmt;

use super::centre::{BLOCK, Centre, centre_block, check};
use super::dword::Dword;
use crate::mat::Mat;
use crate::scalar::Scalar;
use crate::simd;

/// Why samples were refused or a result does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum MomentsError {
    /// A value is infinite or NaN.
    NotFinite,
    /// A value or the sum of squares it leads to is beyond the range of the scalar.
    Overflow,
    /// More than `u32::MAX` samples.
    CountOverflow,
    /// Fewer samples than the result needs.
    TooFewSamples,
}

impl fmt::Display for MomentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFinite => "a sample holds an infinite value or NaN",
            Self::Overflow => "the sum of squares leaves the range of the scalar",
            Self::CountOverflow => "the number of samples does not fit its counter",
            Self::TooFewSamples => "too few samples",
        })
    }
}

impl core::error::Error for MomentsError {}

/// Running count, mean and covariance of samples with `D` channels.
///
/// ```
/// use eigenmote::stats::Moments;
/// // Two sensors count on their own; a third party merges what they saw.
/// let (mut a, mut b) = (Moments::<f32, 2>::new(), Moments::new());
/// a.update_batch(&[[1.0, 10.0], [2.0, 20.0]])?;
/// b.update(&[3.0, 30.0])?;
/// a.merge(&b)?;
/// assert_eq!(a.mean(), [2.0, 20.0]);
/// assert_eq!(a.covariance()?.cols, [[1.0, 10.0], [10.0, 100.0]]);
/// # Ok::<(), eigenmote::stats::MomentsError>(())
/// ```
///
/// # Accuracy
/// Each entry of the covariance is within a few units in the last place of `√(cᵢᵢ·cⱼⱼ)`,
/// whatever the number and offset of the samples and whatever the order of merging
/// (`tests/moments.rs`), as long as squared deviations are normal numbers: from about 1e-15 up in
/// `f32`, 1e-146 in `f64`. [`ScatterRoot`](super::ScatterRoot) keeps the digits of smaller ones.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct Moments<T, const D: usize> {
    centre: Centre<T, D>,
    /// High halves of the diagonal of the centred products.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    diagonal: [T; D],
    /// The rest, folded so that both halves of a column are contiguous: `folded[j]` holds the high
    /// halves of column `j` below the diagonal at their own places `j+1..`, and before them the
    /// low halves of column `D−1−j` from its diagonal on.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays::nested"))]
    folded: [[T; D]; D],
}

impl<T: Scalar, const D: usize> Default for Moments<T, D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar, const D: usize> Moments<T, D> {
    /// Size of the state: `D² + 3·D` scalars and the count.
    pub const STATE_BYTES: usize = size_of::<Self>();

    /// No samples.
    pub const fn new() -> Self {
        Self { centre: Centre::EMPTY, diagonal: [T::ZERO; D], folded: [[T::ZERO; D]; D] }
    }

    /// Number of samples.
    pub const fn count(&self) -> u32 {
        self.centre.count
    }

    /// Takes in one sample.
    ///
    /// # Errors
    /// [`MomentsError::NotFinite`], [`MomentsError::Overflow`] or [`MomentsError::CountOverflow`];
    /// the state is then as before.
    ///
    /// # Cost
    /// About `4·D² + 70·D` flops; `3·D` scalars of stack.
    pub fn update(&mut self, x: &[T; D]) -> Result<(), MomentsError> {
        check(core::slice::from_ref(x))?;
        let (centre, g) = self.centre.join(&Centre::of_one(x))?;
        self.check_room(|i| square(g.get(i)))?;
        self.centre = centre;
        self.accumulate(|j, terms, _| {
            let scale = g.get(j).copied().unwrap_or(T::ZERO);
            for (term, &g) in terms.iter_mut().zip(&g).skip(j) {
                *term = scale * g;
            }
        });
        Ok(())
    }

    /// Takes in many samples. Faster per sample than [`Moments::update`].
    ///
    /// # Errors
    /// [`MomentsError::NotFinite`], [`MomentsError::Overflow`] or [`MomentsError::CountOverflow`];
    /// none of the samples is then taken in. Overflow is judged before any is: by squares about the
    /// first sample if there was none before, so that values within `√(MAX/n)/6` always pass.
    ///
    /// # Cost
    /// About `D² + 30·D` flops per sample; `40·D` scalars of stack.
    pub fn update_batch(&mut self, samples: &[[T; D]]) -> Result<(), MomentsError> {
        check(samples)?;
        let fits = u32::try_from(samples.len()).ok().and_then(|n| self.count().checked_add(n));
        if fits.is_none() {
            return Err(MomentsError::CountOverflow);
        }
        // Squares about any fixed point bound those about the mean.
        let origin = if self.count() == 0 {
            samples.first().copied().unwrap_or([T::ZERO; D])
        } else {
            self.mean()
        };
        let mut bound = [T::ZERO; D];
        for sample in samples {
            for ((bound, &x), &origin) in bound.iter_mut().zip(sample).zip(&origin) {
                *bound += (x - origin) * (x - origin);
            }
        }
        self.check_room(|i| bound.get(i).copied().unwrap_or(T::ZERO))?;

        let mut columns = Mat::<T, BLOCK, D>::zeros();
        for block in samples.chunks(BLOCK) {
            let theirs = centre_block(block, 0, &mut columns);
            let (centre, g) = self.centre.join(&theirs)?;
            self.centre = centre;
            self.accumulate(|j, terms, _| {
                let (Some(rest), Some(terms)) = (columns.cols.get(j..), terms.get_mut(j..)) else {
                    return;
                };
                let (Some(x), Some(g)) = (rest.first(), g.get(j..)) else { return };
                simd::products(rest, x, terms);
                let scale = g.first().copied().unwrap_or_default();
                for (term, &g) in terms.iter_mut().zip(g) {
                    *term += scale * g;
                }
            });
        }
        Ok(())
    }

    /// Takes in all samples of another state, as if they had been given to this one.
    ///
    /// # Errors
    /// [`MomentsError::Overflow`] or [`MomentsError::CountOverflow`]; the state is then as before.
    pub fn merge(&mut self, other: &Self) -> Result<(), MomentsError> {
        let (centre, g) = self.centre.join(&other.centre)?;
        self.check_room(|i| other.product(i, i).hi + square(g.get(i)))?;
        self.centre = centre;
        self.accumulate(|j, terms, lows| {
            let scale = g.get(j).copied().unwrap_or(T::ZERO);
            for (i, ((term, low), &g)) in terms.iter_mut().zip(lows).zip(&g).enumerate().skip(j) {
                let mut sum = other.product(i, j);
                sum.accumulate(Dword::new(scale * g));
                (*term, *low) = (sum.hi, sum.lo);
            }
        });
        Ok(())
    }

    /// Mean of each channel; zero before the first sample.
    pub fn mean(&self) -> [T; D] {
        self.centre.mean()
    }

    /// Covariance matrix with divisor `n − 1`, exactly symmetric.
    ///
    /// # Errors
    /// [`MomentsError::TooFewSamples`] for fewer than two.
    pub fn covariance(&self) -> Result<Mat<T, D, D>, MomentsError> {
        let divisor = self.divisor()?;
        Ok(Mat::from_fn(|i, j| self.product(i.max(j), i.min(j)).value() / divisor))
    }

    /// Variance of each channel with divisor `n − 1`.
    ///
    /// # Errors
    /// [`MomentsError::TooFewSamples`] for fewer than two.
    pub fn variance(&self) -> Result<[T; D], MomentsError> {
        let divisor = self.divisor()?;
        Ok(core::array::from_fn(|i| self.product(i, i).value() / divisor))
    }

    /// Standard deviation of each channel, the square root of the variance.
    ///
    /// # Errors
    /// [`MomentsError::TooFewSamples`] for fewer than two.
    pub fn std_dev(&self) -> Result<[T; D], MomentsError> {
        Ok(self.variance()?.map(T::sqrt))
    }

    fn divisor(&self) -> Result<T, MomentsError> {
        match self.count() {
            0 | 1 => Err(MomentsError::TooFewSamples),
            n => Ok(T::from_u32(n.saturating_sub(1))),
        }
    }

    /// Entry `(i, j)` of the centred products, `j ≤ i`.
    fn product(&self, i: usize, j: usize) -> Dword<T> {
        let at = |row: usize, k: usize| self.folded.get(row).and_then(|row| row.get(k)).copied();
        let hi = if i == j { self.diagonal.get(i).copied() } else { at(j, i) };
        let lo = at(D.wrapping_sub(j + 1), i.wrapping_sub(j));
        Dword { hi: hi.unwrap_or(T::ZERO), lo: lo.unwrap_or(T::ZERO) }
    }

    /// Whether the diagonal can grow by `growth(i)`. No other entry can exceed the largest one
    /// there, so this keeps the whole state finite; an eighth of the range is left for rounding.
    fn check_room(&self, growth: impl Fn(usize) -> T) -> Result<(), MomentsError> {
        let limit = T::MAX.scale_exp2(-3);
        for i in 0..D {
            if !(self.product(i, i).hi + growth(i) <= limit) {
                return Err(MomentsError::Overflow);
            }
        }
        Ok(())
    }

    /// Adds to every column `j` from its diagonal on what `fill` writes to entries `j..` of two
    /// slices, high and low halves.
    #[inline]
    fn accumulate(&mut self, fill: impl Fn(usize, &mut [T; D], &mut [T; D])) {
        let (mut terms, mut lows) = ([T::ZERO; D], [T::ZERO; D]);
        for (j, diagonal) in self.diagonal.iter_mut().enumerate() {
            fill(j, &mut terms, &mut lows);
            let partner = D.wrapping_sub(j + 1);
            let halves = if j == partner {
                self.folded.get_mut(j).and_then(|row| row.split_at_mut_checked(j + 1))
            } else {
                match self.folded.get_disjoint_mut([partner, j]) {
                    Ok([lo, hi]) => hi.get_mut(j + 1..).map(|hi| (&mut lo[..], hi)),
                    Err(_) => None,
                }
            };
            let Some((lo, below)) = halves else { return };
            // Taken apart before the loop, so that it runs over plain slices.
            let (Some((lo, lows_below)), Some((&term, terms)), Some((&low, lows))) = (
                lo.split_first_mut(),
                terms.get(j..).and_then(<[T]>::split_first),
                lows.get(j..).and_then(<[T]>::split_first),
            ) else {
                return;
            };
            add_to(diagonal, lo, term, low);
            for (((hi, lo), &term), &low) in below.iter_mut().zip(lows_below).zip(terms).zip(lows) {
                add_to(hi, lo, term, low);
            }
        }
    }
}

#[inline(always)]
fn add_to<T: Scalar>(hi: &mut T, lo: &mut T, term: T, low: T) {
    let mut sum = Dword { hi: *hi, lo: *lo };
    sum.accumulate(Dword { hi: term, lo: low });
    (*hi, *lo) = (sum.hi, sum.lo);
}

#[inline(always)]
fn square<T: Scalar>(x: Option<&T>) -> T {
    x.map_or(T::ZERO, |&x| x * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_samples_by_hand() {
        // Means 2 and 5; centred rows (−1, −1), (0, −1), (1, 2).
        let mut m = Moments::<f64, 2>::new();
        for x in [[1.0, 4.0], [2.0, 4.0], [3.0, 7.0]] {
            m.update(&x).unwrap_or_default();
        }
        assert_eq!(m.mean(), [2.0, 5.0]);
        let covariance = m.covariance().map(|c| c.cols).unwrap_or_default();
        for (&got, want) in covariance.as_flattened().iter().zip([1.0, 1.5, 1.5, 3.0]) {
            assert!((got - want).abs() <= 1e-15);
        }
        assert_eq!(Moments::<f32, 4>::STATE_BYTES, 4 * (16 + 12) + 4);
    }
}
