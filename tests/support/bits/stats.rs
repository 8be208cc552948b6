//! Moments, roots of scatter matrices, principal components.

use eigenmote::stats::{Moments, Pca, ScatterRoot, Standardizer, components_for_variance};
use eigenmote::{Mat, Scalar, rng, simd};

use super::{Hash, gaussian, graded};

/// Correlated channels of falling deviation on large offsets.
fn recording<T: Scalar, const D: usize, const S: usize>(seed: u64) -> [[T; D]; S] {
    let mixing = graded::<T, D, D>(seed, 2);
    let mut generator = rng::seeded(seed + 1);
    core::array::from_fn(|_| {
        let mut sample = core::array::from_fn(|channel| T::from_usize(100 * channel));
        for col in &mixing.cols {
            simd::axpy(rng::normal(&mut generator), col, &mut sample);
        }
        sample
    })
}

pub(super) fn moments<T: Scalar>() -> u64 {
    fn add<T: Scalar, const D: usize>(hash: &mut Hash, m: &Moments<T, D>) {
        hash.word(u64::from(m.count()));
        hash.values(&m.mean());
        hash.values(m.covariance().expect("samples").as_slice());
        hash.values(&m.variance().expect("samples"));
        hash.values(&m.std_dev().expect("samples"));
    }
    let mut hash = Hash::new();
    let samples = recording::<T, 5, 100>(80);
    let (mut one_by_one, mut batch) = (Moments::new(), Moments::new());
    for sample in &samples[..60] {
        one_by_one.update(sample).expect("finite samples");
    }
    add(&mut hash, &one_by_one);
    batch.update_batch(&samples[60..]).expect("finite samples");
    add(&mut hash, &batch);
    batch.merge(&one_by_one).expect("finite samples");
    add(&mut hash, &batch);
    batch.update_batch(&samples[..37]).expect("finite samples");
    add(&mut hash, &batch);
    hash.0
}

pub(super) fn scatter<T: Scalar>() -> u64 {
    fn add<T: Scalar, const D: usize>(hash: &mut Hash, root: &ScatterRoot<T, D>) {
        hash.word(u64::from(root.count()));
        hash.values(&root.mean());
        hash.values(root.r().as_slice());
    }
    let mut hash = Hash::new();
    let samples = recording::<T, 6, 90>(82);
    let (mut one_by_one, mut batch) = (ScatterRoot::new(), ScatterRoot::new());
    for sample in &samples[..40] {
        one_by_one.update(sample).expect("finite samples");
    }
    add(&mut hash, &one_by_one);
    batch.update_batch(&samples[40..]).expect("finite samples");
    add(&mut hash, &batch);
    batch.merge(&one_by_one).expect("finite samples");
    add(&mut hash, &batch);
    hash.0
}

pub(super) fn principal_components<T: Scalar>() -> u64 {
    fn add<T: Scalar, const D: usize, const K: usize>(
        hash: &mut Hash,
        pca: &Pca<T, D, K>,
        x: &[T; D],
    ) {
        hash.values(&pca.mean);
        hash.values(pca.components.as_flattened());
        hash.values(&pca.explained_variance);
        hash.values(&pca.explained_variance_ratio);
        hash.values(&pca.singular_values);
        hash.value(pca.noise_variance);
        let (z, w) = (pca.transform(x), pca.whiten(x));
        hash.values(&z);
        hash.values(&pca.inverse_transform(&z));
        hash.values(&w);
        hash.values(&pca.unwhiten(&w));
        hash.value(pca.reconstruction_error(x));
        hash.values(pca.encoder_weights().tr_mul(&pca.decoder_weights().transpose()).as_slice());
    }
    let mut hash = Hash::new();
    let samples = recording::<T, 7, 80>(84);
    let x = &samples[11];
    let full = Pca::<T, 7, 7>::fit(&samples).expect("finite samples");
    add(&mut hash, &full, x);
    add(&mut hash, &full.truncated::<3>(), x);
    hash.word(components_for_variance(&full.explained_variance, T::from_f64(0.95)) as u64);

    let mut root = ScatterRoot::new();
    let mut moments = Moments::new();
    for sample in &samples {
        root.update(sample).expect("finite samples");
        moments.update(sample).expect("finite samples");
    }
    add(&mut hash, &Pca::<T, 7, 4>::fit_from_scatter(&root).expect("samples"), x);
    add(&mut hash, &Pca::<T, 7, 4>::fit_from_moments(&moments).expect("samples"), x);
    // Fewer samples than channels.
    add(&mut hash, &Pca::<T, 7, 3>::fit(&samples[..4]).expect("finite samples"), x);
    let factor: Mat<T, 7, 7> = gaussian(86);
    let covariance = factor.tr_mul(&factor);
    let given = Pca::<T, 7, 2>::fit_from_covariance(x, &covariance, 50).expect("finite input");
    add(&mut hash, &given, x);
    hash.0
}

pub(super) fn standardizer<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    let samples = recording::<T, 6, 50>(87);
    let standardizer = Standardizer::fit(&samples).expect("finite samples");
    hash.values(&standardizer.mean);
    hash.values(&standardizer.scale);
    for sample in &samples {
        let z = standardizer.transform(sample);
        hash.values(&z);
        hash.values(&standardizer.inverse_transform(&z));
    }
    hash.0
}
