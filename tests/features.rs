//! What each optional feature adds, and that it changes nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

#[cfg(feature = "serde")]
mod serde_feature {
    use eigenmote::nn::{Activation, Gaussian, NnError, SampleError};
    use eigenmote::rng::{fill_normal, seeded};
    use eigenmote::stats::{Moments, Pca, ScatterRoot, Standardizer};
    use eigenmote::{Mat, linalg};
    use proptest::prelude::*;
    use serde_json::{from_str, to_string};

    #[test]
    fn a_matrix_reads_as_its_columns() {
        let a = Mat::from_rows(&[[1.0_f32, 2.0], [3.0, 4.5], [-5.0, 0.1]]);
        let text = to_string(&a).unwrap();
        assert_eq!(text, r#"{"cols":[[1.0,3.0,-5.0],[2.0,4.5,0.1]]}"#);
        assert_eq!(from_str::<Mat<f32, 3, 2>>(&text).unwrap(), a);
    }

    #[test]
    fn a_wrong_shape_or_value_is_an_error() {
        let read = |text| from_str::<Mat<f32, 2, 2>>(text).map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(read(r#"{"cols":[[1,2],[3,4]]}"#), Ok(()));
        for text in [
            r#"{"cols":[[1,2],[3,4],[5,6]]}"#,
            r#"{"cols":[[1,2],[3,4,5]]}"#,
            r#"{"cols":[[1,2],[3]]}"#,
            r#"{"cols":[[1,2]]}"#,
            r#"{"cols":[]}"#,
            r#"{"cols":[[1,2],[3,null]]}"#,
            r#"{"cols":[[1,2],[3,"4"]]}"#,
            r#"{"cols":7}"#,
            r"{}",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(r#"{"cols":[[1,2],[3]]}"#).unwrap_err().contains("expected 2 values"));
    }

    proptest! {
        #[test]
        fn a_round_trip_keeps_every_bit(seed in any::<u64>(), power in -120..120_i32) {
            let mut a = Mat::<f32, 40, 35>::zeros();
            fill_normal(&mut seeded(seed), a.as_mut_slice());
            a.as_mut_slice().iter_mut().for_each(|v| *v *= 2.0_f32.powi(power));
            let back: Mat<f32, 40, 35> = from_str(&to_string(&a).unwrap()).unwrap();
            let bits = |m: &Mat<f32, 40, 35>| m.as_slice().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&a), bits(&back));
        }
    }

    /// Writes and reads a value; `Debug` shows every field to the last bit.
    fn comes_back<T: serde::Serialize + serde::de::DeserializeOwned + std::fmt::Debug>(value: &T) {
        let back: T = from_str(&to_string(value).unwrap()).unwrap();
        assert_eq!(format!("{back:?}"), format!("{value:?}"));
    }

    #[test]
    fn results_and_states_make_the_round_trip() {
        // In f32, since serde_json without its slower mode reads an f64 to the last bit but one.
        let mut a = Mat::<f32, 40, 5>::zeros();
        fill_normal(&mut seeded(3), a.as_mut_slice());
        let square = a.tr_mul(&a);
        comes_back(&linalg::svd(&a).unwrap());
        comes_back(&linalg::eigh(&square).unwrap());
        let mut packed = ([linalg::PackedSvd::default()], [linalg::PackedEigh::default()]);
        linalg::svd_batch(&[a.cols], &mut packed.0).unwrap();
        linalg::eigh_batch(&[square.cols], &mut packed.1).unwrap();
        comes_back(&packed);
        comes_back(&linalg::BatchError { index: 3, error: linalg::SvdError::Overflow });
        comes_back(&linalg::qr(&a).unwrap());
        comes_back(&linalg::svd(&a).unwrap().solve(&[1.0; 40], None).unwrap());
        let options = linalg::power::Options::new();
        comes_back(&linalg::dominant_eigenpair(&square, &options).unwrap());
        comes_back(&linalg::dominant_triplet(&a, &options).unwrap());
        comes_back(&linalg::top_eigenpairs::<_, 5, 2>(&square, &options).unwrap());
        comes_back(&linalg::top_triplets::<_, 40, 5, 2>(&a, &options).unwrap());

        let samples = a.transpose().cols;
        let (mut moments, mut root) = (Moments::new(), ScatterRoot::new());
        moments.update_batch(&samples[..30]).unwrap();
        root.update_batch(&samples[..30]).unwrap();
        comes_back(&moments);
        comes_back(&root);
        comes_back(&Standardizer::fit(&samples).unwrap());
        comes_back(&Pca::<f32, 5, 3>::fit(&samples).unwrap());
        // A state that was stored goes on as if it had not been.
        let mut stored: Moments<f32, 5> = from_str(&to_string(&moments).unwrap()).unwrap();
        for x in &samples[30..] {
            moments.update(x).unwrap();
            stored.update(x).unwrap();
        }
        assert_eq!(stored, moments);
    }

    #[test]
    fn small_types_make_the_round_trip() {
        let fitted =
            Gaussian::from_covariance([1.0_f64, 2.0], &Mat::from_rows(&[[4.0, 2.0], [2.0, 3.0]]))
                .unwrap();
        let back: Gaussian<f64, 2> = from_str(&to_string(&fitted).unwrap()).unwrap();
        assert_eq!(back, fitted);
        let leaky = Activation::LeakyRelu { slope: 0.1_f32 };
        assert_eq!(from_str::<Activation<f32>>(&to_string(&leaky).unwrap()).unwrap(), leaky);
        assert_eq!(to_string(&Activation::<f32>::Relu).unwrap(), r#""Relu""#);
        let error = NnError::ScratchTooSmall { needed: 9 };
        assert_eq!(from_str::<NnError>(&to_string(&error).unwrap()).unwrap(), error);
        let error = SampleError::NotPositive;
        assert_eq!(from_str::<SampleError>(&to_string(&error).unwrap()).unwrap(), error);
    }
}

#[cfg(feature = "defmt")]
mod defmt_feature {
    use eigenmote::Mat;
    use eigenmote::nn::{Activation, NnError, SampleError};

    const fn is_format<T: defmt::Format>() {}

    #[test]
    fn errors_and_small_results_can_be_logged() {
        const {
            is_format::<NnError>();
            is_format::<SampleError>();
            is_format::<Activation<f32>>();
            is_format::<Mat<f64, 3, 40>>();
        }
    }
}

#[cfg(feature = "micromath")]
mod micromath_feature {
    use eigenmote::Scalar;
    use eigenmote::nn::Activation;

    /// Largest `|fast − exact|`, with `|x|` divided out if `relative`.
    fn worst<T: Scalar>(fast: Activation<T>, exact: Activation<T>, relative: bool) -> f64 {
        let mut worst = 0.0_f64;
        for step in -200_000..200_000 {
            let x = T::from_f64(f64::from(step) / 1000.0);
            let (mut a, mut b) = ([x], [x]);
            fast.apply(&mut a);
            exact.apply(&mut b);
            let size = if relative { x.to_f64().abs().max(1e-3) } else { 1.0 };
            worst = worst.max((a[0].to_f64() - b[0].to_f64()).abs() / size);
        }
        println!("{fast:?}: {worst:e}");
        worst
    }

    fn all<T: Scalar>() {
        use Activation::{
            FastGelu, FastSigmoid, FastSilu, FastTanh, GeluTanh, Sigmoid, Silu, Tanh,
        };
        assert!(worst::<T>(FastTanh, Tanh, false) <= 1.2e-3);
        assert!(worst::<T>(FastSigmoid, Sigmoid, false) <= 6e-4);
        assert!(worst::<T>(FastSilu, Silu, true) <= 1e-3);
        assert!(worst::<T>(FastGelu, GeluTanh, true) <= 1e-3);
    }

    #[test]
    fn fast_activations_are_within_their_bounds() {
        all::<f32>();
        all::<f64>();
    }

    #[test]
    fn fast_activations_of_huge_and_tiny_values_are_finite() {
        for activation in [
            Activation::FastTanh,
            Activation::FastSigmoid,
            Activation::FastSilu,
            Activation::FastGelu,
        ] {
            for bits in (0..u32::MAX).step_by(99_991) {
                let x = f32::from_bits(bits);
                if x.is_finite() {
                    let mut y = [x];
                    activation.apply(&mut y);
                    assert!(y[0].abs() <= x.abs().max(1.0), "{activation:?}({x:e}) = {:e}", y[0]);
                }
            }
            let mut nan = [f32::NAN];
            activation.apply(&mut nan);
            assert!(nan[0].is_nan(), "{activation:?}");
        }
    }
}
