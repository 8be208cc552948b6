//! Moments, roots of scatter matrices, standardising, principal components.

use eigenmote::Mat;
use eigenmote::stats::*;

crate::export_both! {
    covariance_new() -> Covariance<T, 5> = Covariance::new();
    covariance_default() -> Covariance<T, 5> = Covariance::default();
    covariance_count(c: &Covariance<T, 5>) -> u32 = c.count();
    covariance_update(c: &mut Covariance<T, 5>, x: &[T; 5]) -> Result<(), MomentsError> =
        c.update(x);
    covariance_update_batch(c: &mut Covariance<T, 5>, samples: &[[T; 5]])
        -> Result<(), MomentsError> = c.update_batch(samples);
    covariance_update_wide(c: &mut Covariance<T, 19>, samples: &[[T; 19]])
        -> Result<(), MomentsError> = c.update_batch(samples);
    covariance_merge(c: &mut Covariance<T, 5>, other: &Covariance<T, 5>)
        -> Result<(), MomentsError> = c.merge(other);
    covariance_mean(c: &Covariance<T, 5>) -> [T; 5] = c.mean();
    covariance_covariance(c: &Covariance<T, 5>) -> Result<Mat<T, 5, 5>, MomentsError> =
        c.covariance();
    covariance_variance(c: &Covariance<T, 5>) -> Result<[T; 5], MomentsError> = c.variance();
    moments_new() -> Moments<T, 5> = Moments::new();
    moments_default() -> Moments<T, 5> = Moments::default();
    moments_count(m: &Moments<T, 5>) -> u32 = m.count();
    moments_update(m: &mut Moments<T, 5>, x: &[T; 5]) -> Result<(), MomentsError> = m.update(x);
    moments_update_batch(m: &mut Moments<T, 5>, samples: &[[T; 5]]) -> Result<(), MomentsError> =
        m.update_batch(samples);
    moments_merge(m: &mut Moments<T, 5>, other: &Moments<T, 5>) -> Result<(), MomentsError> = m.merge(other);
    moments_mean(m: &Moments<T, 5>) -> [T; 5] = m.mean();
    moments_covariance(m: &Moments<T, 5>) -> Result<Mat<T, 5, 5>, MomentsError> = m.covariance();
    moments_variance(m: &Moments<T, 5>) -> Result<[T; 5], MomentsError> = m.variance();
    moments_std_dev(m: &Moments<T, 5>) -> Result<[T; 5], MomentsError> = m.std_dev();
    // One channel, and an even number of them, are stored in other ways.
    moments_update_1(m: &mut Moments<T, 1>, x: &[T; 1]) -> Result<(), MomentsError> = m.update(x);
    moments_update_batch_6(m: &mut Moments<T, 6>, samples: &[[T; 6]]) -> Result<(), MomentsError> =
        m.update_batch(samples);

    scatter_new() -> ScatterRoot<T, 6> = ScatterRoot::new();
    scatter_default() -> ScatterRoot<T, 6> = ScatterRoot::default();
    scatter_count(root: &ScatterRoot<T, 6>) -> u32 = root.count();
    scatter_mean(root: &ScatterRoot<T, 6>) -> [T; 6] = root.mean();
    scatter_r(root: &'static ScatterRoot<T, 6>) -> &'static Mat<T, 6, 6> = root.r();
    scatter_update(root: &mut ScatterRoot<T, 6>, x: &[T; 6]) -> Result<(), MomentsError> = root.update(x);
    scatter_update_batch(root: &mut ScatterRoot<T, 6>, samples: &[[T; 6]]) -> Result<(), MomentsError> =
        root.update_batch(samples);
    scatter_merge(root: &mut ScatterRoot<T, 6>, other: &ScatterRoot<T, 6>) -> Result<(), MomentsError> =
        root.merge(other);

    standardizer_fit(samples: &[[T; 6]]) -> Result<Standardizer<T, 6>, MomentsError> = Standardizer::fit(samples);
    standardizer_fit_from_moments(m: &Moments<T, 6>) -> Result<Standardizer<T, 6>, MomentsError> =
        Standardizer::fit_from_moments(m);
    standardizer_transform(s: &Standardizer<T, 6>, x: &[T; 6]) -> [T; 6] = s.transform(x);
    standardizer_inverse_transform(s: &Standardizer<T, 6>, z: &[T; 6]) -> [T; 6] = s.inverse_transform(z);

    pca_fit(samples: &[[T; 6]]) -> Result<Pca<T, 6, 3>, PcaError> = Pca::fit(samples);
    pca_fit_from_scatter(root: &ScatterRoot<T, 6>) -> Result<Pca<T, 6, 6>, PcaError> = Pca::fit_from_scatter(root);
    pca_fit_from_moments(m: &Moments<T, 6>) -> Result<Pca<T, 6, 2>, PcaError> = Pca::fit_from_moments(m);
    pca_fit_from_covariance(mean: &[T; 6], covariance: &Mat<T, 6, 6>, count: &u32) -> Result<Pca<T, 6, 1>, PcaError> =
        Pca::fit_from_covariance(mean, covariance, *count);
    pca_truncated(pca: &Pca<T, 6, 3>) -> Pca<T, 6, 2> = pca.truncated();
    pca_transform(pca: &Pca<T, 6, 3>, x: &[T; 6]) -> [T; 3] = pca.transform(x);
    pca_inverse_transform(pca: &Pca<T, 6, 3>, z: &[T; 3]) -> [T; 6] = pca.inverse_transform(z);
    pca_whiten(pca: &Pca<T, 6, 3>, x: &[T; 6]) -> [T; 3] = pca.whiten(x);
    pca_unwhiten(pca: &Pca<T, 6, 3>, w: &[T; 3]) -> [T; 6] = pca.unwhiten(w);
    pca_reconstruction_error(pca: &Pca<T, 6, 3>, x: &[T; 6]) -> T = pca.reconstruction_error(x);
    pca_encoder_weights(pca: &Pca<T, 6, 3>) -> Mat<T, 6, 3> = pca.encoder_weights();
    pca_decoder_weights(pca: &Pca<T, 6, 3>) -> Mat<T, 3, 6> = pca.decoder_weights();
    components_for_variance_(eigenvalues: &[T], target: &T) -> usize = components_for_variance(eigenvalues, *target);
}
