//! Drawing new samples: a latent vector from a normal distribution, through a decoder if there is
//! one.
//!
//! The latent distribution is [`StandardNormal`] (what a VAE is trained for) or a [`Gaussian`] with
//! the mean and covariance that the latent vectors of real data have. [`PcaGaussian`] draws from
//! principal components alone: the baseline that a network has to beat.
//!
//! Any generator of `rand_core` serves, and its seed fixes the bytes on every machine.
//!
//! ```
//! use eigenmote::nn::{Activation, Dense, StandardNormal, sample};
//! use eigenmote::rng;
//! let decoder = Dense::new(&[[1.0_f32, 0.0], [0.5, 2.0], [0.0, -1.0]], &[0.0; 3], Activation::Tanh);
//! let mut x = [0.0; 3];
//! sample(&decoder, &StandardNormal, &mut rng::seeded(7), &mut [], &mut x)?;
//! assert!(x.iter().all(|v| v.abs() < 1.0));
//! # Ok::<(), eigenmote::nn::NnError>(())
//! ```

use rand_core::Rng;

use super::{Array, Network, NnError};
use crate::mat::Mat;
use crate::rng;
use crate::scalar::Scalar;
use crate::simd;

/// Why a distribution could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum SampleError {
    /// A mean, variance or covariance is infinite or NaN.
    NotFinite,
    /// A variance is negative, or the matrix is not a covariance: some combination of the
    /// variables would have a negative variance.
    NotPositive,
}

impl core::fmt::Display for SampleError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotFinite => "a mean or covariance is infinite or NaN",
            Self::NotPositive => "the covariance is not positive semidefinite",
        })
    }
}

impl core::error::Error for SampleError {}

/// A distribution one can draw from.
pub trait Draw<X> {
    /// Draws one sample into `out`.
    fn draw<R: Rng>(&self, rng: &mut R, out: &mut X);
}

/// Independent standard normal values: `z ~ N(0, I)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandardNormal;

impl<T: Scalar, const Z: usize> Draw<[T; Z]> for StandardNormal {
    #[inline]
    fn draw<R: Rng>(&self, rng: &mut R, out: &mut [T; Z]) {
        rng::fill_normal(rng, out);
    }
}

/// The normal distribution with a given mean and covariance: `z = mean + F·n`, `n ~ N(0, I)`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct Gaussian<T, const Z: usize> {
    /// The mean.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub mean: [T; Z],
    /// `F` with `F·Fᵀ` = covariance.
    pub factor: Mat<T, Z, Z>,
}

impl<T: Scalar, const Z: usize> Gaussian<T, Z> {
    /// The distribution with this mean and covariance, for instance those of the latent vectors of
    /// training data. Reads the lower triangle of `covariance`.
    ///
    /// `F` comes from a Cholesky factorisation with diagonal pivoting of the correlation matrix, so
    /// that variables in different units count alike. It stops at the numerical rank: a singular
    /// covariance is no error, constant variables stay constant.
    ///
    /// # Errors
    /// [`SampleError::NotFinite`]; [`SampleError::NotPositive`] if `F·Fᵀ` misses the matrix by more
    /// than `8·Z·ε` times the two standard deviations somewhere, as it does for every matrix that is
    /// not a covariance within rounding.
    ///
    /// # Cost
    /// About `2·Z³` flops at most; the result is the only memory.
    ///
    /// # Source
    /// Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., §10.3.
    pub fn from_covariance(mean: [T; Z], covariance: &Mat<T, Z, Z>) -> Result<Self, SampleError> {
        let entry = |i: usize, j: usize| covariance.get(i.max(j), i.min(j)).unwrap_or(T::ZERO);
        let lower_finite = (0..Z).all(|i| (0..=i).all(|j| entry(i, j).is_finite()));
        if !simd::all_finite(&mean) || !lower_finite {
            return Err(SampleError::NotFinite);
        }
        if (0..Z).any(|i| entry(i, i) < T::ZERO) {
            return Err(SampleError::NotPositive);
        }
        let deviation: [T; Z] = core::array::from_fn(|i| entry(i, i).sqrt());
        // A constant variable has covariance 0 with all others: any divisor will do.
        let unit = deviation.map(|d| if d > T::ZERO { d } else { T::ONE });
        let correlation = Mat::from_fn(|i, j| {
            let per = |k: usize| unit.get(k).copied().unwrap_or(T::ONE);
            if i == j && entry(i, i) > T::ZERO { T::ONE } else { entry(i, j) / per(i) / per(j) }
        });
        let mut factor = pivoted_cholesky(&correlation);
        let tolerance = T::from_usize(8 * Z) * T::EPSILON;
        for (i, (col, &d)) in correlation.cols.iter().zip(&deviation).enumerate() {
            for (j, &r) in col.iter().enumerate() {
                let inner = rows_product(&factor, i, j);
                let bound = if d > T::ZERO { tolerance } else { T::ZERO };
                if !((inner - r).abs() <= bound) {
                    return Err(SampleError::NotPositive);
                }
            }
        }
        for col in &mut factor.cols {
            for (f, &d) in col.iter_mut().zip(&deviation) {
                *f *= d;
            }
        }
        Ok(Self { mean, factor })
    }
}

/// `F` with `F·Fᵀ ≈ A`, one column per step: the step takes the variable with the largest variance
/// that earlier columns have not explained, and ends when that is rounding noise. Rows stay in
/// place, so `F` is triangular only up to their order. Diagonal entries of `A` are 0 or 1.
fn pivoted_cholesky<T: Scalar, const N: usize>(a: &Mat<T, N, N>) -> Mat<T, N, N> {
    let tolerance = T::from_usize(N) * T::EPSILON;
    let mut factor = Mat::<T, N, N>::zeros();
    let mut left: [T; N] = core::array::from_fn(|i| a.get(i, i).unwrap_or(T::ZERO));
    let mut done = [false; N];
    for k in 0..N {
        let (mut p, mut variance) = (0, tolerance);
        for (i, &v) in left.iter().enumerate() {
            if v > variance {
                (p, variance) = (i, v);
            }
        }
        if variance <= tolerance {
            break;
        }
        let mut col: [T; N] = a.cols.get(p).copied().unwrap_or([T::ZERO; N]);
        for earlier in factor.cols.iter().take(k) {
            let at_pivot = earlier.get(p).copied().unwrap_or(T::ZERO);
            simd::axpy(-at_pivot, earlier, &mut col);
        }
        let root = variance.sqrt();
        for (i, ((c, left), done)) in col.iter_mut().zip(&mut left).zip(&mut done).enumerate() {
            if i == p {
                (*c, *left, *done) = (root, T::ZERO, true);
            } else if *done {
                // The pivot of an earlier step is explained in full; the difference is rounding.
                *c = T::ZERO;
            } else {
                *c /= root;
                *left = (*left - *c * *c).max(T::ZERO);
            }
        }
        if let Some(out) = factor.cols.get_mut(k) {
            *out = col;
        }
    }
    factor
}

/// Row `i` times row `j` of `f`.
fn rows_product<T: Scalar, const N: usize>(f: &Mat<T, N, N>, i: usize, j: usize) -> T {
    f.cols.iter().fold(T::ZERO, |sum, col| match (col.get(i), col.get(j)) {
        (Some(&a), Some(&b)) => sum + a * b,
        _ => sum,
    })
}

impl<T: Scalar, const Z: usize> Draw<[T; Z]> for Gaussian<T, Z> {
    /// `out = mean + F·n`, about `2·Z²` flops and `Z` normal values.
    fn draw<R: Rng>(&self, rng: &mut R, out: &mut [T; Z]) {
        *out = self.mean;
        for col in &self.factor.cols {
            simd::axpy(rng::normal(rng), col, out);
        }
    }
}

/// A normal distribution along principal components, with or without noise around them:
/// `x = mean + Σ deviation[k]·n[k]·components[k] + noise·n'`, all `n ~ N(0, 1)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PcaGaussian<'a, T, const D: usize, const K: usize> {
    mean: &'a [T; D],
    components: &'a [[T; D]; K],
    deviation: [T; K],
    noise: T,
}

impl<'a, T: Scalar, const D: usize, const K: usize> PcaGaussian<'a, T, D, K> {
    /// PCA with a normal distribution on the scores: covariance `W·diag(λ)·Wᵀ`, nothing outside the
    /// span of the components. `explained_variance` is `λ`, the rows of `components` are orthonormal
    /// and the columns of `W`.
    ///
    /// # Errors
    /// [`SampleError::NotFinite`]; [`SampleError::NotPositive`] for a negative variance.
    pub fn new(
        mean: &'a [T; D],
        components: &'a [[T; D]; K],
        explained_variance: &[T; K],
    ) -> Result<Self, SampleError> {
        Self::probabilistic(mean, components, explained_variance, T::ZERO)
    }

    /// Probabilistic PCA: covariance `W·diag(λ − σ²)·Wᵀ + σ²·I`, which has variance `λ` along the
    /// components and `σ² = noise_variance` across them. Where `λ < σ²`, `λ − σ²` counts as 0.
    ///
    /// # Errors
    /// [`SampleError::NotFinite`]; [`SampleError::NotPositive`] for a negative variance.
    ///
    /// # Source
    /// Tipping & Bishop, "Probabilistic principal component analysis", J. R. Stat. Soc. B 61 (1999).
    pub fn probabilistic(
        mean: &'a [T; D],
        components: &'a [[T; D]; K],
        explained_variance: &[T; K],
        noise_variance: T,
    ) -> Result<Self, SampleError> {
        let finite = simd::all_finite(mean)
            && simd::all_finite(components.as_flattened())
            && simd::all_finite(explained_variance)
            && noise_variance.is_finite();
        if !finite {
            return Err(SampleError::NotFinite);
        }
        if explained_variance.iter().any(|&v| v < T::ZERO) || noise_variance < T::ZERO {
            return Err(SampleError::NotPositive);
        }
        let deviation = explained_variance.map(|v| (v - noise_variance).max(T::ZERO).sqrt());
        Ok(Self { mean, components, deviation, noise: noise_variance.sqrt() })
    }
}

impl<T: Scalar, const D: usize, const K: usize> Draw<[T; D]> for PcaGaussian<'_, T, D, K> {
    /// About `2·K·D` flops, `K` normal values, and `D` more with noise.
    fn draw<R: Rng>(&self, rng: &mut R, out: &mut [T; D]) {
        *out = *self.mean;
        for (component, &deviation) in self.components.iter().zip(&self.deviation) {
            simd::axpy(deviation * rng::normal(rng), component, out);
        }
        if self.noise > T::ZERO {
            for x in out {
                *x += self.noise * rng::normal(rng);
            }
        }
    }
}

/// Draws a latent vector and decodes it: `out = decoder(z)`, `z ~ latent`.
///
/// # Errors
/// Those of [`Network::forward`].
#[inline]
pub fn sample<N, L, R>(
    decoder: &N,
    latent: &L,
    rng: &mut R,
    scratch: &mut [N::Scalar],
    out: &mut N::Output,
) -> Result<(), NnError>
where
    N: Network,
    L: Draw<N::Input>,
    R: Rng,
{
    let mut z = N::Input::ZERO;
    latent.draw(rng, &mut z);
    decoder.forward(&z, scratch, out)
}
