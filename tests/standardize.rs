//! Standardised channels have mean 0 and deviation 1, and come back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use eigenmote::stats::{Moments, MomentsError, Standardizer};
use proptest::prelude::*;

proptest! {
    #[test]
    fn standardized_data_has_mean_0_and_deviation_1(
        rows in prop::collection::vec(prop::array::uniform3(-1.0_f64..1.0), 3..200),
        offset in prop::array::uniform3(-1e3_f64..1e3),
        size in prop::array::uniform3(-6_i32..6),
    ) {
        let rows: Vec<[f64; 3]> = rows
            .iter()
            .map(|r| core::array::from_fn(|i| (r[i] + offset[i]) * 10.0_f64.powi(size[i])))
            .collect();
        let s = Standardizer::fit(&rows).unwrap();
        let z: Vec<_> = rows.iter().map(|x| s.transform(x)).collect();
        let mut m = Moments::new();
        m.update_batch(&z).unwrap();
        for i in 0..3 {
            // The mean can be off by its last place, which is that fraction of a deviation.
            let kappa = 1.0 + s.mean[i].abs() / s.scale[i];
            prop_assert!(m.mean()[i].abs() <= 2.0 * f64::EPSILON * kappa);
            prop_assert!((m.variance().unwrap()[i] - 1.0).abs() <= 16.0 * f64::EPSILON * kappa);
        }
        for (x, z) in rows.iter().zip(&z) {
            for (a, b) in x.iter().zip(s.inverse_transform(z)) {
                let size = s.scale.iter().chain(&s.mean).fold(a.abs(), |m, v| m.max(v.abs()));
                prop_assert!((a - b).abs() <= 4.0 * f64::EPSILON * size);
            }
        }
    }
}

#[test]
fn constant_channels_are_shifted_and_not_scaled() {
    let s = Standardizer::fit(&[[0.1_f32, 1.0], [0.1, 2.0], [0.1, 4.0]]).unwrap();
    assert_eq!((s.mean[0], s.scale[0]), (0.1, 1.0));
    assert_eq!(s.transform(&[0.1, 0.0])[0], 0.0);
}

#[test]
fn bad_samples_are_refused() {
    assert_eq!(Standardizer::fit(&[[f32::NAN], [1.0]]), Err(MomentsError::NotFinite));
    assert_eq!(Standardizer::fit(&[[1.0_f32]]), Err(MomentsError::TooFewSamples));
    assert_eq!(Standardizer::<f64, 2>::fit(&[]), Err(MomentsError::TooFewSamples));
}
