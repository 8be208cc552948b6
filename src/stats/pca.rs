//! Principal components: the directions along which samples vary most.
//!
//! The components are the leading eigenvectors of the covariance matrix, which are the leading
//! right singular vectors of the centred samples. Fitting from samples never forms the covariance
//! (see [`ScatterRoot`]); fitting from [`Moments`] or a covariance matrix takes what is there.
//!
//! Names, divisors and signs are those of scikit-learn (1.5 and later).

use core::fmt;

use super::moments::{Moments, MomentsError};
use super::scatter::{ScatterRoot, polish};
use crate::linalg::svd::Options;
use crate::linalg::{EighError, SvdError, copy, eigh_in_place, fix_sign, svd_in_place};
use crate::mat::{Mat, norm};
use crate::scalar::Scalar;
use crate::simd::{self, Kernel, Simd};

/// Why there are no components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum PcaError {
    /// The samples could not be taken in, or are fewer than two.
    Moments(MomentsError),
    /// The covariance matrix or the mean holds an infinite value or NaN.
    NotFinite,
    /// A variance is beyond the range of the scalar.
    Overflow,
    /// The decomposition did not converge.
    NotConverged,
}

impl fmt::Display for PcaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moments(error) => error.fmt(f),
            Self::NotFinite => f.write_str("the covariance or mean is infinite or NaN"),
            Self::Overflow => f.write_str("a variance leaves the range of the scalar"),
            Self::NotConverged => f.write_str("the decomposition did not converge"),
        }
    }
}

impl core::error::Error for PcaError {}

impl From<MomentsError> for PcaError {
    fn from(error: MomentsError) -> Self {
        Self::Moments(error)
    }
}

impl From<SvdError> for PcaError {
    fn from(error: SvdError) -> Self {
        match error {
            SvdError::NotFinite => Self::NotFinite,
            SvdError::Overflow => Self::Overflow,
            SvdError::NotConverged { .. } => Self::NotConverged,
        }
    }
}

impl From<EighError> for PcaError {
    fn from(error: EighError) -> Self {
        match error {
            EighError::NotFinite => Self::NotFinite,
            EighError::Overflow => Self::Overflow,
            _ => Self::NotConverged,
        }
    }
}

/// The `K` leading principal components of samples with `D` channels, `1 ≤ K ≤ D`.
///
/// ```
/// use eigenmote::stats::Pca;
/// // Four channels that follow two hidden ones.
/// let samples: [[f32; 4]; 100] = core::array::from_fn(|i| {
///     let (a, b) = ((i * 37 % 100) as f32, (i * 61 % 100) as f32);
///     [a, b, a + b, a - b]
/// });
/// let pca = Pca::<f32, 4, 2>::fit(&samples)?;
/// assert!(pca.explained_variance_ratio.iter().sum::<f32>() > 0.999_999);
/// let z = pca.transform(&samples[7]);
/// let back = pca.inverse_transform(&z);
/// assert!(samples[7].iter().zip(back).all(|(x, y)| (x - y).abs() < 1e-4));
/// # Ok::<(), eigenmote::stats::PcaError>(())
/// ```
///
/// ```compile_fail
/// // More components than channels do not build.
/// let _ = eigenmote::stats::Pca::<f32, 2, 3>::fit(&[[1.0, 2.0]]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
// Half of the registers of `components` would straddle two lines of the cache.
#[cfg_attr(target_arch = "x86_64", repr(C, align(64)))]
pub struct Pca<T, const D: usize, const K: usize> {
    /// Mean of each channel.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub mean: [T; D],
    /// One orthonormal direction per row, by descending variance; the entry of largest magnitude
    /// of each is positive.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays::nested"))]
    pub components: [[T; D]; K],
    /// Variance along each component, divisor `n − 1`, descending, never negative; zero also where
    /// it is below the range of the scalar, which [`singular_values`](Self::singular_values) tells.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub explained_variance: [T; K],
    /// The same as a fraction of the variance of all channels, from the singular values, so that it
    /// does not underflow; zero if there is no variance.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub explained_variance_ratio: [T; K],
    /// Euclidean length of the centred samples along each component, `√((n − 1)·variance)`.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub singular_values: [T; K],
    /// Mean variance along the dropped directions: the average of eigenvalues `K, …, min(n, D) − 1`,
    /// zero if there are none. The noise of the probabilistic model (Tipping & Bishop 1999).
    pub noise_variance: T,
    /// Number of samples of the fit.
    pub count: u32,
}

impl<T: Scalar, const D: usize, const K: usize> Pca<T, D, K> {
    const SHAPE: () = assert!(1 <= K && K <= D, "between one and D components");

    /// From samples, one `[T; D]` each.
    ///
    /// # Errors
    /// [`PcaError::Moments`] for bad samples or fewer than two, [`PcaError::Overflow`] if a
    /// variance is not representable.
    ///
    /// # Accuracy
    /// Every attribute agrees with scikit-learn on its data sets to 1e-10 in `f64` and 1e-4 in
    /// `f32`, also where the deviations of the channels differ by a factor of 10⁵
    /// (`tests/pca.rs`).
    ///
    /// # Cost
    /// About `2·D²` flops per sample and `40·D³` at the end; `4·D² + 40·D` scalars of stack.
    pub fn fit(samples: &[[T; D]]) -> Result<Self, PcaError> {
        let mut root = ScatterRoot::new();
        root.update_batch(samples)?;
        Self::fit_from_scatter(&root)
    }

    /// From the triangular root of samples that were streamed.
    ///
    /// # Errors
    /// As [`Pca::fit`].
    pub fn fit_from_scatter(root: &ScatterRoot<T, D>) -> Result<Self, PcaError> {
        let () = Self::SHAPE;
        let divisor = divisor::<T>(root.count())?;
        let (mut u, mut v, mut s) = (*root.r(), Mat::zeros(), [T::ZERO; D]);
        let rank = svd_in_place(&mut u, &mut s, &mut v, &Options::default())?.rank;
        polish(root.r(), rank, &mut v, &mut u);
        let variances = s.map(|s| {
            let deviation = s / divisor.sqrt();
            deviation * deviation
        });
        Self::assemble(root.mean(), root.count(), &v, &variances, &s)
    }

    /// From streamed moments.
    ///
    /// # Errors
    /// As [`Pca::fit`].
    ///
    /// # Accuracy
    /// Each variance to a few `D·ε` of the largest one: a covariance holds squares, so directions
    /// with a deviation below `√ε` of the largest are noise. [`ScatterRoot`] resolves them.
    pub fn fit_from_moments(moments: &Moments<T, D>) -> Result<Self, PcaError> {
        Self::fit_from_covariance(&moments.mean(), &moments.covariance()?, moments.count())
    }

    /// From a covariance matrix (divisor `n − 1`; only its lower triangle is read) and the mean and
    /// number of the samples. Negative eigenvalues count as zero.
    ///
    /// # Errors
    /// [`PcaError::NotFinite`] for infinite or NaN entries, [`PcaError::Moments`] for fewer than
    /// two samples.
    pub fn fit_from_covariance(
        mean: &[T; D],
        covariance: &Mat<T, D, D>,
        count: u32,
    ) -> Result<Self, PcaError> {
        let () = Self::SHAPE;
        let divisor = divisor::<T>(count)?;
        if !simd::all_finite(mean) {
            return Err(PcaError::NotFinite);
        }
        let (mut v, mut variances) = (*covariance, [T::ZERO; D]);
        eigh_in_place(&mut v, &mut variances)?;
        let variances = variances.map(|x| x.max(T::ZERO));
        let s = variances.map(|x| x.sqrt() * divisor.sqrt());
        Self::assemble(*mean, count, &v, &variances, &s)
    }

    fn assemble(
        mean: [T; D],
        count: u32,
        vectors: &Mat<T, D, D>,
        variances: &[T; D],
        singular_values: &[T; D],
    ) -> Result<Self, PcaError> {
        let total = sum(variances);
        if !total.is_finite() {
            return Err(PcaError::Overflow);
        }
        let mut pca = Self {
            mean,
            components: [[T::ZERO; D]; K],
            explained_variance: [T::ZERO; K],
            explained_variance_ratio: [T::ZERO; K],
            singular_values: [T::ZERO; K],
            noise_variance: T::ZERO,
            count,
        };
        copy(&vectors.cols, &mut pca.components);
        for component in &mut pca.components {
            fix_sign(component);
        }
        copy(variances, &mut pca.explained_variance);
        copy(singular_values, &mut pca.singular_values);
        let scale = singular_values.first().map_or(0, |s| s.exponent());
        let squares = singular_values.map(|s| {
            let s = s.scale_exp2(-scale);
            s * s
        });
        let total = sum(&squares);
        if total > T::ZERO {
            copy(&squares.map(|x| x / total), &mut pca.explained_variance_ratio);
        }
        // Fewer samples than channels leave directions that were never seen; they do not count.
        let rank = D.min(count as usize);
        let dropped = variances.get(K..rank).unwrap_or(&[]);
        if !dropped.is_empty() {
            pca.noise_variance = sum(dropped) / T::from_usize(dropped.len());
        }
        Ok(pca)
    }

    /// The same model with the leading `J ≤ K` components only.
    ///
    /// ```compile_fail
    /// # use eigenmote::stats::Pca;
    /// fn f(pca: Pca<f32, 4, 2>) -> Pca<f32, 4, 3> { pca.truncated() }
    /// # fn main() { f(Pca::fit(&[[1.0; 4]; 2]).unwrap()); }
    /// ```
    pub fn truncated<const J: usize>(&self) -> Pca<T, D, J> {
        const { assert!(1 <= J && J <= K, "between one and K components") };
        let mut out = Pca {
            mean: self.mean,
            components: [[T::ZERO; D]; J],
            explained_variance: [T::ZERO; J],
            explained_variance_ratio: [T::ZERO; J],
            singular_values: [T::ZERO; J],
            noise_variance: T::ZERO,
            count: self.count,
        };
        copy(&self.components, &mut out.components);
        copy(&self.explained_variance, &mut out.explained_variance);
        copy(&self.explained_variance_ratio, &mut out.explained_variance_ratio);
        copy(&self.singular_values, &mut out.singular_values);
        let rank = D.min(self.count as usize);
        if J < rank {
            let dropped = sum(self.explained_variance.get(J..).unwrap_or(&[]));
            let unseen = T::from_usize(rank.saturating_sub(K));
            out.noise_variance =
                (dropped + unseen * self.noise_variance) / T::from_usize(rank.saturating_sub(J));
        }
        out
    }

    /// Coordinates of one sample along the components: `z = W·(x − mean)`.
    ///
    /// `x` is in the unit of the training data. `z[k]` is in the same unit and has variance
    /// `explained_variance[k]` over that data. Lossy for `K < D`. NaN in, NaN out.
    ///
    /// # Cost
    /// About `2·K·D` flops.
    pub fn transform(&self, x: &[T; D]) -> [T; K] {
        T::dispatch(TransformOne { pca: self, x })
    }

    /// [`Pca::transform`] of many samples, with the same bits and faster than one at a time. If there
    /// are more samples than places in `z`, or fewer, the rest is left alone.
    ///
    /// ```
    /// # use eigenmote::stats::Pca;
    /// let pca = Pca::<f32, 2, 1>::fit(&[[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])?;
    /// let mut z = [[0.0]; 2];
    /// pca.transform_batch(&[[2.0, 4.0], [3.0, 6.0]], &mut z);
    /// assert_eq!((z[0], z[1]), (pca.transform(&[2.0, 4.0]), pca.transform(&[3.0, 6.0])));
    /// # Ok::<(), eigenmote::stats::PcaError>(())
    /// ```
    pub fn transform_batch(&self, x: &[[T; D]], z: &mut [[T; K]]) {
        T::dispatch(Transform { pca: self, x, z });
    }

    /// The point with these coordinates: `x = mean + Wᵀ·z`.
    ///
    /// # Cost
    /// About `2·K·D` flops.
    pub fn inverse_transform(&self, z: &[T; K]) -> [T; D] {
        let mut x = [T::ZERO; D];
        for (&z, component) in z.iter().zip(&self.components) {
            simd::axpy(z, component, &mut x);
        }
        for (x, &mean) in x.iter_mut().zip(&self.mean) {
            *x += mean;
        }
        x
    }

    /// Coordinates in units of their deviation: `z[k]/√explained_variance[k]`. A component without
    /// variance gives 0. Over the training data the result has variance 1.
    pub fn whiten(&self, x: &[T; D]) -> [T; K] {
        let mut z = self.transform(x);
        for (z, &variance) in z.iter_mut().zip(&self.explained_variance) {
            *z = if variance > T::ZERO { *z / variance.sqrt() } else { T::ZERO };
        }
        z
    }

    /// The point with these whitened coordinates: the inverse of [`Pca::whiten`] on the kept
    /// components.
    pub fn unwhiten(&self, w: &[T; K]) -> [T; D] {
        let mut z = *w;
        for (z, &variance) in z.iter_mut().zip(&self.explained_variance) {
            *z *= variance.sqrt();
        }
        self.inverse_transform(&z)
    }

    /// Distance of a sample from the kept components, `‖x − inverse_transform(transform(x))‖`: what
    /// the model cannot represent of it.
    pub fn reconstruction_error(&self, x: &[T; D]) -> T {
        let mut rest = self.inverse_transform(&self.transform(x));
        for (rest, &x) in rest.iter_mut().zip(x) {
            *rest = x - *rest;
        }
        norm(&rest)
    }

    /// First layer of the linear autoencoder, `D × K`: `z = (x − mean)·W₁` for a row `x`.
    pub fn encoder_weights(&self) -> Mat<T, D, K> {
        Mat::from_cols(self.components)
    }

    /// Second layer of the linear autoencoder, `K × D`: `x = z·W₂ + mean` for a row `z`.
    pub fn decoder_weights(&self) -> Mat<T, K, D> {
        Mat::from_rows(&self.components)
    }
}

/// The smallest number of components (at least 1) that explains the fraction `target` of the
/// variance. `eigenvalues` are all variances, descending, as of a [`Pca`] with `K = D`.
///
/// ```
/// use eigenmote::stats::components_for_variance;
/// assert_eq!(components_for_variance(&[6.0_f32, 3.0, 1.0, 0.0], 0.9), 2);
/// assert_eq!(components_for_variance(&[6.0_f32, 3.0, 1.0, 0.0], 1.0), 3);
/// ```
pub fn components_for_variance<T: Scalar>(eigenvalues: &[T], target: T) -> usize {
    let needed = target * sum(eigenvalues);
    let mut explained = T::ZERO;
    for (k, &value) in (1..).zip(eigenvalues) {
        explained += value;
        if explained >= needed {
            return k;
        }
    }
    eigenvalues.len()
}

/// Sum in order, so that partial sums never exceed the whole.
fn sum<T: Scalar>(x: &[T]) -> T {
    x.iter().fold(T::ZERO, |sum, &x| sum + x)
}

fn divisor<T: Scalar>(count: u32) -> Result<T, MomentsError> {
    if count < 2 { Err(MomentsError::TooFewSamples) } else { Ok(T::from_u32(count - 1)) }
}

/// [`Pca::transform`] as a kernel.
struct TransformOne<'a, T, const D: usize, const K: usize> {
    pca: &'a Pca<T, D, K>,
    x: &'a [T; D],
}

impl<T: Scalar, const D: usize, const K: usize> Kernel<T> for TransformOne<'_, T, D, K> {
    type Output = [T; K];
    const WIDE: bool = true;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> [T; K] {
        let (mut centred, mut z) = (Centred([T::ZERO; D]), [T::ZERO; K]);
        centre(self.x, &self.pca.mean, &mut centred);
        simd.products(&self.pca.components, &centred.0, &mut z);
        z
    }
}

/// [`Pca::transform_batch`] as a kernel.
struct Transform<'a, T, const D: usize, const K: usize> {
    pca: &'a Pca<T, D, K>,
    x: &'a [[T; D]],
    z: &'a mut [[T; K]],
}

impl<T: Scalar, const D: usize, const K: usize> Kernel<T> for Transform<'_, T, D, K> {
    type Output = ();
    const WIDE: bool = true;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        // Two samples with four components: registers for their sums are in any set.
        if S::PARTS == 1 {
            self.in_blocks::<S, 2>(simd);
        } else {
            self.in_blocks::<S, 1>(simd);
        }
    }
}

impl<T: Scalar, const D: usize, const K: usize> Transform<'_, T, D, K> {
    #[inline(always)]
    fn in_blocks<S: Simd<T>, const B: usize>(self, simd: S) {
        let n = self.x.len().min(self.z.len());
        let (x, x_left) = self.x.get(..n).unwrap_or(&[]).as_chunks::<B>();
        let (z, z_left) = self.z.get_mut(..n).unwrap_or(&mut []).as_chunks_mut::<B>();
        let Pca { mean, components, .. } = self.pca;
        let mut centred = [Centred([T::ZERO; D]); B];
        for (x, z) in x.iter().zip(z) {
            for (x, centred) in x.iter().zip(&mut centred) {
                centre(x, mean, centred);
            }
            simd.products_of_some(components, centred.each_ref().map(|x| &x.0), z);
        }
        let mut centred = Centred([T::ZERO; D]);
        for (x, z) in x_left.iter().zip(z_left) {
            centre(x, mean, &mut centred);
            simd.products(components, &centred.0, z);
        }
    }
}

/// `x − mean`, where no register straddles two lines of the cache.
#[derive(Clone, Copy)]
#[cfg_attr(target_arch = "x86_64", repr(align(64)))]
struct Centred<T, const D: usize>([T; D]);

/// `out = x − mean`.
#[inline(always)]
fn centre<T: Scalar, const D: usize>(x: &[T; D], mean: &[T; D], out: &mut Centred<T, D>) {
    for ((out, &x), &mean) in out.0.iter_mut().zip(x).zip(mean) {
        *out = x - mean;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_cross_by_hand() {
        // Centre (1, 2), ±5 along (3, 4)/5 and ±1 across.
        let samples = [[4.0, 6.0], [-2.0, -2.0], [1.8, 1.4], [0.2, 2.6]];
        let pca = Pca::<f64, 2, 1>::fit(&samples).unwrap_or(Pca {
            mean: [0.0; 2],
            components: [[0.0; 2]],
            explained_variance: [0.0],
            explained_variance_ratio: [0.0],
            singular_values: [0.0],
            noise_variance: 0.0,
            count: 0,
        });
        let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-14, "{a} {b}");
        close(pca.mean[0], 1.0);
        close(pca.mean[1], 2.0);
        close(pca.components[0][0], 0.6);
        close(pca.components[0][1], 0.8);
        close(pca.explained_variance[0], 50.0 / 3.0);
        close(pca.explained_variance_ratio[0], 50.0 / 52.0);
        close(pca.singular_values[0], 50.0_f64.sqrt());
        close(pca.noise_variance, 2.0 / 3.0);
        close(pca.transform(&[4.0, 6.0])[0], 5.0);
        close(pca.whiten(&[4.0, 6.0])[0], 5.0 / (50.0_f64 / 3.0).sqrt());
        close(pca.reconstruction_error(&[0.2, 2.6]), 1.0);
    }
}
