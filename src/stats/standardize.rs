//! Bringing every channel to mean 0 and deviation 1.

use super::moments::{Moments, MomentsError};
use crate::scalar::Scalar;

/// Shifts and scales each channel: `z = (x − mean)/scale`.
///
/// ```
/// use eigenmote::stats::Standardizer;
/// let s = Standardizer::fit(&[[1.0_f32, 5.0], [2.0, 5.0], [3.0, 5.0]])?;
/// assert_eq!(s.transform(&[3.0, 6.0]), [1.0, 1.0]); // the constant channel is only shifted
/// assert_eq!(s.inverse_transform(&[1.0, 1.0]), [3.0, 6.0]);
/// # Ok::<(), eigenmote::stats::MomentsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct Standardizer<T, const D: usize> {
    /// Mean of each channel in the unit of the data.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub mean: [T; D],
    /// Standard deviation (divisor `n − 1`) of each channel in the unit of the data; 1 for a
    /// channel without variance. Never zero after a fit.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub scale: [T; D],
}

impl<T: Scalar, const D: usize> Standardizer<T, D> {
    /// From samples.
    ///
    /// # Errors
    /// As [`Moments::update_batch`], and [`MomentsError::TooFewSamples`] for fewer than two.
    pub fn fit(samples: &[[T; D]]) -> Result<Self, MomentsError> {
        let mut moments = Moments::new();
        moments.update_batch(samples)?;
        Self::fit_from_moments(&moments)
    }

    /// From the moments of samples.
    ///
    /// # Errors
    /// [`MomentsError::TooFewSamples`] for fewer than two.
    pub fn fit_from_moments(moments: &Moments<T, D>) -> Result<Self, MomentsError> {
        let scale = moments.std_dev()?.map(|s| if s > T::ZERO { s } else { T::ONE });
        Ok(Self { mean: moments.mean(), scale })
    }

    /// `z = (x − mean)/scale`. NaN and infinite entries stay what they are.
    pub fn transform(&self, x: &[T; D]) -> [T; D] {
        let mut z = *x;
        for ((z, &mean), &scale) in z.iter_mut().zip(&self.mean).zip(&self.scale) {
            *z = (*z - mean) / scale;
        }
        z
    }

    /// `x = z·scale + mean`.
    pub fn inverse_transform(&self, z: &[T; D]) -> [T; D] {
        let mut x = *z;
        for ((x, &mean), &scale) in x.iter_mut().zip(&self.mean).zip(&self.scale) {
            *x = *x * scale + mean;
        }
        x
    }
}
