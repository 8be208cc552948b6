//! Moments, principal components and scores of `float` samples, for a set of sizes.

use core_library::nn::{Draw, PcaGaussian};
use core_library::stats::{Moments, Pca};

use crate::lend::{Read, State, Write, apart};
use crate::nn::eigenmote_rng;
use crate::status::{eigenmote_status, of};

/// How well a sample agrees with a model of principal components.
#[repr(C)]
pub struct eigenmote_scores {
    /// Distance from the kept components, in the unit of the samples; its square is known as Q or SPE.
    pub distance: f32,
    /// Hotelling's T²: the squared distance from the mean along the components, each in units of its
    /// deviation.
    pub t2: f32,
}

macro_rules! moments {
    ($($d:literal $words:literal: $state:ident $tag:literal $init:ident $update:ident $merge:ident $count:ident $mean:ident $covariance:ident;)*) => { $(
        /// Streaming mean and covariance of samples of D values, the number at the end of the name. Samples
        /// are passed as D `float`s, several of them one after the other.
        #[repr(C)]
        pub struct $state {
            /// Not to be used.
            pub words: [u32; $words],
        }

        // SAFETY: the one tag of these.
        unsafe impl State for $state {
            type Inner = Moments<f32, $d>;
            const TAG: u32 = 0x4547_0000 | $tag;
        }

        /// No samples yet.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $init(moments: *mut $state) -> eigenmote_status {
            of(|| {
                // SAFETY: checked as far as can be; the rest is promised by the caller.
                unsafe { Write::new(moments, 1)?.init(Moments::new()) };
                Ok(())
            })
        }

        /// Takes in `rows` samples, one after the other, up to the first that is refused.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $update(
            moments: *mut $state,
            samples: *const f32,
            rows: usize,
        ) -> eigenmote_status {
            of(|| {
                let (moments, samples) = (Write::new(moments, 1)?, Read::new(samples.cast::<[f32; $d]>(), rows)?);
                apart(&[moments.range()], &[samples.range()])?;
                // SAFETY: checked as far as can be; the rest is promised by the caller.
                let (moments, samples) = unsafe { (moments.open()?, samples.borrow()) };
                samples.iter().try_for_each(|x| moments.update(x))?;
                Ok(())
            })
        }

        /// Takes in what others have seen.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $merge(moments: *mut $state, other: *const $state) -> eigenmote_status {
            of(|| {
                let (moments, other) = (Write::new(moments, 1)?, Read::new(other, 1)?);
                apart(&[moments.range()], &[other.range()])?;
                // SAFETY: checked as far as can be; the rest is promised by the caller.
                let (moments, other) = unsafe { (moments.open()?, other.open()?) };
                Ok(moments.merge(other)?)
            })
        }

        /// Number of samples.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $count(moments: *const $state, count: *mut u32) -> eigenmote_status {
            of(|| {
                let (moments, count) = (Read::new(moments, 1)?, Write::new(count, 1)?);
                // SAFETY: checked as far as can be; the rest is promised by the caller.
                unsafe { count.put(moments.open()?.count()) };
                Ok(())
            })
        }

        /// Mean of each value.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $mean(moments: *const $state, mean: *mut f32) -> eigenmote_status {
            of(|| {
                let (moments, mean) = (Read::new(moments, 1)?, Write::new(mean.cast::<[f32; $d]>(), 1)?);
                // SAFETY: checked as far as can be; the rest is promised by the caller.
                unsafe { mean.put(moments.open()?.mean()) };
                Ok(())
            })
        }

        /// Covariance matrix (divisor n - 1, D*D values) of two samples or more.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $covariance(
            moments: *const $state,
            covariance: *mut f32,
        ) -> eigenmote_status {
            of(|| {
                let (moments, covariance) = (Read::new(moments, 1)?, Write::new(covariance.cast::<[[f32; $d]; $d]>(), 1)?);
                // SAFETY: checked as far as can be; the rest is promised by the caller.
                unsafe { covariance.put(moments.open()?.covariance()?.cols) };
                Ok(())
            })
        }
    )* };
}

moments! {
    3 20: eigenmote_moments_f32_3 0x0301 eigenmote_moments_f32_3_init eigenmote_moments_f32_3_update
        eigenmote_moments_f32_3_merge eigenmote_moments_f32_3_count eigenmote_moments_f32_3_mean
        eigenmote_moments_f32_3_covariance;
    6 56: eigenmote_moments_f32_6 0x0601 eigenmote_moments_f32_6_init eigenmote_moments_f32_6_update
        eigenmote_moments_f32_6_merge eigenmote_moments_f32_6_count eigenmote_moments_f32_6_mean
        eigenmote_moments_f32_6_covariance;
    8 90: eigenmote_moments_f32_8 0x0801 eigenmote_moments_f32_8_init eigenmote_moments_f32_8_update
        eigenmote_moments_f32_8_merge eigenmote_moments_f32_8_count eigenmote_moments_f32_8_mean
        eigenmote_moments_f32_8_covariance;
    9 110: eigenmote_moments_f32_9 0x0901 eigenmote_moments_f32_9_init eigenmote_moments_f32_9_update
        eigenmote_moments_f32_9_merge eigenmote_moments_f32_9_count eigenmote_moments_f32_9_mean
        eigenmote_moments_f32_9_covariance;
    16 306: eigenmote_moments_f32_16 0x1001 eigenmote_moments_f32_16_init eigenmote_moments_f32_16_update
        eigenmote_moments_f32_16_merge eigenmote_moments_f32_16_count eigenmote_moments_f32_16_mean
        eigenmote_moments_f32_16_covariance;
}

macro_rules! pca {
    ($($d:literal $k:literal $moments:ident: $pca:ident $fit:ident $fit_from_moments:ident $transform:ident $inverse:ident $scores:ident $sample:ident;)*) => { $(
        /// The K leading principal components of samples of D values, the name ending in `DxK`. Plain numbers,
        /// so that a model may be a constant in flash, too. Samples are passed as D `float`s, latent
        /// vectors as K.
        #[repr(C)]
        pub struct $pca {
            /// Mean of each value.
            pub mean: [f32; $d],
            /// One orthonormal direction per row, by descending variance.
            pub components: [[f32; $d]; $k],
            /// Variance along each component, divisor n - 1.
            pub explained_variance: [f32; $k],
            /// The same as a fraction of the variance of all values.
            pub explained_variance_ratio: [f32; $k],
            /// Length of the centred samples along each component.
            pub singular_values: [f32; $k],
            /// Mean variance along the dropped directions.
            pub noise_variance: f32,
            /// Number of samples of the fit.
            pub count: u32,
        }

        impl $pca {
            #[inline(always)]
            fn model(&self) -> Pca<f32, $d, $k> {
                Pca {
                    mean: self.mean,
                    components: self.components,
                    explained_variance: self.explained_variance,
                    explained_variance_ratio: self.explained_variance_ratio,
                    singular_values: self.singular_values,
                    noise_variance: self.noise_variance,
                    count: self.count,
                }
            }
        }

        impl From<Pca<f32, $d, $k>> for $pca {
            fn from(pca: Pca<f32, $d, $k>) -> Self {
                Self {
                    mean: pca.mean,
                    components: pca.components,
                    explained_variance: pca.explained_variance,
                    explained_variance_ratio: pca.explained_variance_ratio,
                    singular_values: pca.singular_values,
                    noise_variance: pca.noise_variance,
                    count: pca.count,
                }
            }
        }

        /// Principal components of samples, two at least.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $fit(
            pca: *mut $pca,
            samples: *const f32,
            rows: usize,
        ) -> eigenmote_status {
            of(|| {
                let (pca, samples) = (Write::new(pca, 1)?, Read::new(samples.cast::<[f32; $d]>(), rows)?);
                // SAFETY: checked as far as can be; the rest is promised by the caller.
                let fitted = Pca::fit(unsafe { samples.borrow() })?;
                // SAFETY: as above; nothing is borrowed any more.
                unsafe { pca.put(fitted.into()) };
                Ok(())
            })
        }

        /// Principal components of what was seen; variances far below the largest one are noise.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $fit_from_moments(
            pca: *mut $pca,
            moments: *const $moments,
        ) -> eigenmote_status {
            of(|| {
                let (pca, moments) = (Write::new(pca, 1)?, Read::new(moments, 1)?);
                // SAFETY: checked as far as can be; the rest is promised by the caller.
                let fitted = Pca::fit_from_moments(unsafe { moments.open() }?)?;
                // SAFETY: as above; nothing is borrowed any more.
                unsafe { pca.put(fitted.into()) };
                Ok(())
            })
        }

        /// Coordinates of a sample along the components. NaN in, NaN out.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $transform(
            pca: *const $pca,
            sample: *const f32,
            latent: *mut f32,
        ) -> eigenmote_status {
            of(|| {
                let (pca, sample) = (Read::new(pca, 1)?, Read::new(sample.cast::<[f32; $d]>(), 1)?);
                let latent = Write::new(latent.cast::<[f32; $k]>(), 1)?;
                // SAFETY: checked as far as can be; the rest is promised by the caller.
                let z = unsafe { pca.borrow_one()?.model().transform(sample.borrow_one()?) };
                // SAFETY: as above; nothing is borrowed any more.
                unsafe { latent.put(z) };
                Ok(())
            })
        }

        /// The point with these coordinates along the components.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $inverse(
            pca: *const $pca,
            latent: *const f32,
            sample: *mut f32,
        ) -> eigenmote_status {
            of(|| {
                let (pca, latent) = (Read::new(pca, 1)?, Read::new(latent.cast::<[f32; $k]>(), 1)?);
                let sample = Write::new(sample.cast::<[f32; $d]>(), 1)?;
                // SAFETY: checked as far as can be; the rest is promised by the caller.
                let x = unsafe { pca.borrow_one()?.model().inverse_transform(latent.borrow_one()?) };
                // SAFETY: as above; nothing is borrowed any more.
                unsafe { sample.put(x) };
                Ok(())
            })
        }

        /// How well a sample agrees with the model. NaN in, NaN out.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $scores(
            pca: *const $pca,
            sample: *const f32,
            scores: *mut eigenmote_scores,
        ) -> eigenmote_status {
            of(|| {
                let (pca, sample) = (Read::new(pca, 1)?, Read::new(sample.cast::<[f32; $d]>(), 1)?);
                let scores = Write::new(scores, 1)?;
                // SAFETY: checked as far as can be; the rest is promised by the caller.
                let (pca, x) = unsafe { (pca.borrow_one()?.model(), sample.borrow_one()?) };
                let t2 = pca.whiten(x).iter().fold(0.0, |sum, w| sum + w * w);
                let distance = pca.reconstruction_error(x);
                // SAFETY: as above; nothing is borrowed any more.
                unsafe { scores.put(eigenmote_scores { distance, t2 }) };
                Ok(())
            })
        }

        /// Draws a sample from the normal distribution that the model stands for, noise across the
        /// components included.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $sample(
            pca: *const $pca,
            rng: *mut eigenmote_rng,
            sample: *mut f32,
        ) -> eigenmote_status {
            of(|| {
                let (pca, rng) = (Read::new(pca, 1)?, Write::new(rng, 1)?);
                let sample = Write::new(sample.cast::<[f32; $d]>(), 1)?;
                apart(&[rng.range()], &[pca.range()])?;
                // SAFETY: checked as far as can be; the rest is promised by the caller.
                let (pca, rng) = unsafe { (pca.borrow_one()?, rng.open()?) };
                let mut x = [0.0; $d];
                PcaGaussian::probabilistic(
                    &pca.mean,
                    &pca.components,
                    &pca.explained_variance,
                    pca.noise_variance,
                )?
                .draw(rng, &mut x);
                // SAFETY: as above; nothing is borrowed any more.
                unsafe { sample.put(x) };
                Ok(())
            })
        }
    )* };
}

pca! {
    3 1 eigenmote_moments_f32_3: eigenmote_pca_f32_3x1 eigenmote_pca_f32_3x1_fit
        eigenmote_pca_f32_3x1_fit_from_moments eigenmote_pca_f32_3x1_transform
        eigenmote_pca_f32_3x1_inverse_transform eigenmote_pca_f32_3x1_get_scores
        eigenmote_pca_f32_3x1_sample;
    3 2 eigenmote_moments_f32_3: eigenmote_pca_f32_3x2 eigenmote_pca_f32_3x2_fit
        eigenmote_pca_f32_3x2_fit_from_moments eigenmote_pca_f32_3x2_transform
        eigenmote_pca_f32_3x2_inverse_transform eigenmote_pca_f32_3x2_get_scores
        eigenmote_pca_f32_3x2_sample;
    6 2 eigenmote_moments_f32_6: eigenmote_pca_f32_6x2 eigenmote_pca_f32_6x2_fit
        eigenmote_pca_f32_6x2_fit_from_moments eigenmote_pca_f32_6x2_transform
        eigenmote_pca_f32_6x2_inverse_transform eigenmote_pca_f32_6x2_get_scores
        eigenmote_pca_f32_6x2_sample;
    8 3 eigenmote_moments_f32_8: eigenmote_pca_f32_8x3 eigenmote_pca_f32_8x3_fit
        eigenmote_pca_f32_8x3_fit_from_moments eigenmote_pca_f32_8x3_transform
        eigenmote_pca_f32_8x3_inverse_transform eigenmote_pca_f32_8x3_get_scores
        eigenmote_pca_f32_8x3_sample;
    9 3 eigenmote_moments_f32_9: eigenmote_pca_f32_9x3 eigenmote_pca_f32_9x3_fit
        eigenmote_pca_f32_9x3_fit_from_moments eigenmote_pca_f32_9x3_transform
        eigenmote_pca_f32_9x3_inverse_transform eigenmote_pca_f32_9x3_get_scores
        eigenmote_pca_f32_9x3_sample;
    16 4 eigenmote_moments_f32_16: eigenmote_pca_f32_16x4 eigenmote_pca_f32_16x4_fit
        eigenmote_pca_f32_16x4_fit_from_moments eigenmote_pca_f32_16x4_transform
        eigenmote_pca_f32_16x4_inverse_transform eigenmote_pca_f32_16x4_get_scores
        eigenmote_pca_f32_16x4_sample;
}
