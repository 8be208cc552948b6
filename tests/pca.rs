//! Principal components against scikit-learn, exact eigenvalues, and their own definition.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

mod support;

use std::path::Path;

use eigenmote::mat::norm;
use eigenmote::stats::{
    Moments, MomentsError, Pca, PcaError, ScatterRoot, components_for_variance,
};
use eigenmote::{Mat, Scalar, rng};
use proptest::prelude::*;
use serde_json::Value;
use support::bounds;

fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn length(x: &[f64]) -> f64 {
    norm(x)
}

/// `‖got − want‖/‖want‖`.
fn relative(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let difference: Vec<f64> = got.iter().zip(want).map(|(a, b)| a - b).collect();
    length(&difference) / length(want)
}

/// Largest relative difference of single values.
fn relative_each(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).map(|(a, b)| ((a - b) / b).abs()).fold(0.0, f64::max)
}

fn wide<T: Scalar>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| x.to_f64()).collect()
}

struct Table<const D: usize> {
    json: Value,
    rows: Vec<[f64; D]>,
}

impl<const D: usize> Table<D> {
    /// `None` if the table is digits and its file is not there.
    fn load(name: &str) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text =
            std::fs::read_to_string(root.join(format!("tests/golden_stats/{name}.json"))).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["d"], D);
        let mut values = numbers(&json["data"]);
        if values.is_empty() {
            let files = ["data/digits.csv", "../shared/data/images/digits8x8/digits.csv"];
            let Some(file) = files.iter().map(|f| root.join(f)).find(|f| f.exists()) else {
                println!("skipped: {name} needs one of {files:?}");
                return None;
            };
            for record in csv::Reader::from_path(file).unwrap().records() {
                values.extend(record.unwrap().iter().take(D).map(|v| v.parse::<f64>().unwrap()));
            }
        }
        let rows: Vec<[f64; D]> = values.chunks_exact(D).map(|r| r.try_into().unwrap()).collect();
        assert_eq!(json["n"], rows.len());
        Some(Self { json, rows })
    }

    fn rows<T: Scalar>(&self) -> Vec<[T; D]> {
        self.rows.iter().map(|r| r.map(T::from_f64)).collect()
    }

    /// Compares a fit from samples with every attribute of scikit-learn's:
    ///
    /// - `mean`, and each row of `components` by itself: length of the difference over length;
    /// - `explained_variance`, `explained_variance_ratio`, `singular_values`, `noise_variance`:
    ///   relative error of each value;
    /// - coordinates (plain and whitened) and reconstructions of some rows: each row by itself,
    ///   length of the difference over length of the row.
    fn agrees<T: Scalar, const K: usize>(&self, tolerance: f64) {
        let fits = self.json["fits"].as_array().unwrap();
        let want = fits.iter().find(|fit| fit["k"] == K).unwrap();
        let data = self.rows::<T>();
        let pca = Pca::<T, D, K>::fit(&data).unwrap();

        let attribute = |key: &str| numbers(&want[key]);
        let mut worst: Vec<(&str, f64)> = Vec::new();
        worst.push(("mean", relative(&wide(&pca.mean), &attribute("mean"))));
        let components = attribute("components");
        for (got, want) in pca.components.iter().zip(components.chunks_exact(D)) {
            worst.push(("components", relative(&wide(got), want)));
        }
        for (key, got) in [
            ("explained_variance", &pca.explained_variance),
            ("explained_variance_ratio", &pca.explained_variance_ratio),
            ("singular_values", &pca.singular_values),
        ] {
            worst.push((key, relative_each(&wide(got), &attribute(key))));
        }
        if K == D {
            assert_eq!((pca.noise_variance, &want["noise_variance"]), (T::ZERO, &Value::from(0.0)));
        } else {
            let key = "noise_variance";
            worst.push((key, relative_each(&[pca.noise_variance.to_f64()], &attribute(key))));
        }
        let picked: Vec<usize> = numbers(&self.json["rows"]).iter().map(|&i| i as usize).collect();
        let by_row = |key: &'static str, width: usize, got: &dyn Fn(&[T; D]) -> Vec<f64>| {
            let want = attribute(key);
            let pairs = picked.iter().zip(want.chunks_exact(width));
            let errors = pairs.map(|(&i, want)| (key, relative(&got(&data[i]), want)));
            errors.collect::<Vec<_>>()
        };
        worst.extend(by_row("transform", K, &|x| wide(&pca.transform(x))));
        worst.extend(by_row("whitened", K, &|x| wide(&pca.whiten(x))));
        worst.extend(by_row("inverse_transform", D, &|x| {
            wide(&pca.inverse_transform(&pca.transform(x)))
        }));
        worst.extend(by_row("unwhitened", D, &|x| wide(&pca.unwhiten(&pca.whiten(x)))));

        worst.sort_by(|a, b| b.1.total_cmp(&a.1));
        let name = self.json["name"].as_str().unwrap();
        let scalar = if T::DIGITS == 24 { "f32" } else { "f64" };
        println!("{name} K={K} {scalar}: worst {:.1e} ({})", worst[0].1, worst[0].0);
        for (key, error) in worst {
            assert!(error <= tolerance, "{name} K={K} {scalar}: {key} off by {error:.2e}");
        }
    }
}

/// What the comparison promises for each scalar; not to be loosened.
const F32: f64 = 1e-4;
const F64: f64 = 1e-10;

macro_rules! agrees_with_scikit_learn {
    ($($test:ident $name:literal $d:literal [$($k:literal)*];)*) => {$(
        #[test]
        fn $test() {
            if let Some(table) = Table::<$d>::load($name) {
                $(table.agrees::<f64, $k>(F64); table.agrees::<f32, $k>(F32);)*
            }
        }
    )*};
}

agrees_with_scikit_learn! {
    iris_agrees_with_scikit_learn "iris" 4 [1 2 3 4];
    wine_agrees_with_scikit_learn "wine" 13 [2 3 5 13];
    breast_cancer_agrees_with_scikit_learn "breast_cancer" 30 [2 3 5 30];
    digits_agree_with_scikit_learn "digits" 64 [2 5 16];
}

/// All variances against 60-digit arithmetic; returns the worst relative error.
fn spectrum<const D: usize, T: Scalar>(table: &Table<D>) -> f64 {
    let exact = numbers(&table.json["exact_variance"]);
    let pca = Pca::<T, D, D>::fit(&table.rows::<T>()).unwrap();
    let mut worst = 0.0_f64;
    for (&got, want) in pca.explained_variance.iter().zip(exact) {
        if want == 0.0 {
            assert!(
                got.to_f64() <= pca.explained_variance[0].to_f64() * T::EPSILON.to_f64().powi(2)
            );
        } else {
            worst = worst.max((got.to_f64() / want - 1.0).abs());
        }
    }
    worst
}

#[test]
fn every_variance_of_real_tables_is_relatively_accurate() {
    fn both<const D: usize>(name: &str) {
        if let Some(table) = Table::<D>::load(name) {
            let (single, double) = (spectrum::<D, f32>(&table), spectrum::<D, f64>(&table));
            println!("{name}: all {D} variances within {single:.1e} (f32) and {double:.1e} (f64)");
            assert!(single <= F32 && double <= F64);
        }
    }
    both::<4>("iris");
    both::<13>("wine");
    both::<30>("breast_cancer");
    both::<64>("digits");
}

/// Samples with well-separated variances `size[k]²` along random directions, and an offset.
fn cloud<T: Scalar, const D: usize>(n: usize, seed: u64, ratio: f64, offset: f64) -> Vec<[T; D]> {
    let mut generator = rng::seeded(seed);
    let mut mixing = Mat::<f64, D, D>::zeros();
    rng::fill_normal(&mut generator, mixing.as_mut_slice());
    let mut size = 1.0;
    for column in &mut mixing.cols {
        column.iter_mut().for_each(|v| *v *= size);
        size *= ratio;
    }
    (0..n)
        .map(|_| {
            let hidden: [f64; D] = core::array::from_fn(|_| rng::normal(&mut generator));
            mixing.mul_vec(&hidden).map(|v| T::from_f64(v + offset))
        })
        .collect()
}

/// `RᵀR/(n − 1)` in `f64`.
fn covariance_of_root<T: Scalar, const D: usize>(root: &ScatterRoot<T, D>) -> Mat<f64, D, D> {
    let r = Mat::<f64, D, D>::from_fn(|i, j| root.r().cols[j][i].to_f64());
    let mut c = r.tr_mul(&r);
    c.as_mut_slice().iter_mut().for_each(|v| *v /= f64::from(root.count() - 1));
    c
}

fn root_matches_moments<T: Scalar>(data: &[[T; 6]], cuts: [usize; 2]) {
    let exact: Vec<[f64; 6]> = data.iter().map(|x| x.map(T::to_f64)).collect();
    let mut moments = Moments::new();
    moments.update_batch(&exact).unwrap();
    let want = moments.covariance().unwrap();

    let mut whole = ScatterRoot::new();
    whole.update_batch(data).unwrap();
    let mut one_by_one = ScatterRoot::new();
    data.iter().for_each(|x| one_by_one.update(x).unwrap());
    let (low, high) = (cuts[0].min(cuts[1]).min(data.len()), cuts[0].max(cuts[1]).min(data.len()));
    let mut merged = ScatterRoot::new();
    for part in [&data[low..high], &data[high..], &data[..low]] {
        let mut root = ScatterRoot::new();
        root.update_batch(part).unwrap();
        merged.merge(&root).unwrap();
    }
    for root in [whole, one_by_one, merged] {
        assert_eq!(root.count() as usize, data.len());
        let got = covariance_of_root(&root);
        for i in 0..6 {
            for j in 0..6 {
                if i > j {
                    assert_eq!(root.r().cols[j][i], T::ZERO, "upper triangle");
                }
                let size = (want.cols[i][i] * want.cols[j][j]).sqrt();
                let error = (got.cols[i][j] - want.cols[i][j]).abs();
                let bound = bounds::scatter::<T>(data.len(), 6) * size;
                assert!(error <= bound, "({i}, {j}): {error:e} of {size:e}");
            }
            // The reference is rounded to `f64` itself.
            let mean = moments.mean()[i];
            let error = (root.mean()[i].to_f64() - mean).abs() - f64::EPSILON * mean.abs();
            assert!(error <= bounds::mean::<T>(mean, want.cols[i][i].sqrt()), "mean: {error:e}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_root_holds_the_scatter_however_it_was_fed(
        n in 2_usize..150, seed: u64, offset in prop_oneof![Just(0.0), Just(1e3), Just(1e5)],
        cuts in prop::array::uniform2(0_usize..150),
    ) {
        root_matches_moments(&cloud::<f32, 6>(n, seed, 0.3, offset), cuts);
        root_matches_moments(&cloud::<f64, 6>(n, seed, 1e-3, offset), cuts);
    }

    #[test]
    fn components_diagonalize_the_covariance(n in 2_usize..80, seed: u64) {
        let data = cloud::<f64, 7>(n, seed, 0.5, 10.0);
        let pca = Pca::<f64, 7, 7>::fit(&data).unwrap();
        let mut moments = Moments::new();
        moments.update_batch(&data).unwrap();
        let c = moments.covariance().unwrap();
        let reference = faer::Mat::from_fn(7, 7, |i, j| c.cols[j][i])
            .self_adjoint_eigenvalues(faer::Side::Lower)
            .unwrap();
        let scale = c.frobenius();
        for (k, w) in pca.components.iter().enumerate() {
            let mut rest = c.mul_vec(w);
            for (r, w) in rest.iter_mut().zip(w) {
                *r -= pca.explained_variance[k] * w;
            }
            prop_assert!(norm(&rest) <= bounds::rounding::<f64>(7) * scale);
            prop_assert!((pca.explained_variance[k] - reference[6 - k]).abs()
                <= bounds::rounding::<f64>(7) * scale);
            for (l, other) in pca.components.iter().enumerate() {
                let dot: f64 = w.iter().zip(other).map(|(a, b)| a * b).sum();
                let want = f64::from(u8::from(k == l));
                prop_assert!((dot - want).abs() <= bounds::rounding::<f64>(7));
            }
            let lead = w.iter().fold(0.0_f64, |m, v| if v.abs() > m.abs() { *v } else { m });
            prop_assert!(lead > 0.0);
        }
        let total: f64 = pca.explained_variance_ratio.iter().sum();
        prop_assert!((total - 1.0).abs() <= 8.0 * f64::EPSILON);
    }

    #[test]
    fn samples_moments_and_covariance_give_the_same_model(n in 20_usize..80, seed: u64) {
        let data = cloud::<f64, 5>(n, seed, 0.3, -7.0);
        let a = Pca::<f64, 5, 3>::fit(&data).unwrap();
        let mut moments = Moments::new();
        moments.update_batch(&data).unwrap();
        let b = Pca::<f64, 5, 3>::fit_from_moments(&moments).unwrap();
        let c = Pca::fit_from_covariance(
            &moments.mean(), &moments.covariance().unwrap(), moments.count()).unwrap();
        prop_assert_eq!(b, c);
        prop_assert_eq!(a.count, b.count);
        // Both round a mean of twice the digits: to either side if it lies half way.
        for (x, y) in a.mean.iter().zip(b.mean) {
            prop_assert!((x - y).abs() <= f64::EPSILON * y.abs());
        }
        let largest = a.explained_variance[0];
        let bound = bounds::rounding::<f64>(5) * largest;
        for k in 0..3 {
            prop_assert!((a.explained_variance[k] - b.explained_variance[k]).abs() <= bound);
            let (s, t) = (a.singular_values[k], b.singular_values[k]);
            prop_assert!((s * s - t * t).abs() <= bound * f64::from(a.count));
        }
        prop_assert!((a.noise_variance - b.noise_variance).abs() <= bound);
    }

    #[test]
    fn a_batch_has_the_bits_of_its_samples(seed: u64, n in 0_usize..9, places in 0_usize..9) {
        let pca = Pca::<f32, 13, 5>::fit(&cloud::<f32, 13>(40, seed, 0.7, 3.0)).unwrap();
        let data = cloud::<f32, 13>(n, seed ^ 1, 0.7, 3.0);
        let mut z = vec![[f32::NAN; 5]; places];
        pca.transform_batch(&data, &mut z);
        for (x, z) in data.iter().zip(&z) {
            prop_assert_eq!(pca.transform(x).map(f32::to_bits), z.map(f32::to_bits));
        }
        prop_assert!(z.iter().skip(n).flatten().all(|z| z.is_nan()));
    }

    #[test]
    fn coordinates_go_there_and_back(seed: u64, z in prop::array::uniform3(-5.0_f64..5.0)) {
        let data = cloud::<f64, 6>(40, seed, 0.5, 3.0);
        let pca = Pca::<f64, 6, 3>::fit(&data).unwrap();
        let size = norm(&z) + norm(&pca.mean);
        let bound = 64.0 * f64::EPSILON * size;
        let x = pca.inverse_transform(&z);
        for (a, b) in pca.transform(&x).iter().zip(z) {
            prop_assert!((a - b).abs() <= bound);
        }
        // What the model represents it represents without error.
        prop_assert!(pca.reconstruction_error(&x) <= bound);
        // Whitened coordinates are those in units of the deviation.
        let x = pca.unwhiten(&z);
        let smallest = pca.explained_variance[2].sqrt();
        for (a, b) in pca.whiten(&x).iter().zip(z) {
            prop_assert!((a - b).abs() <= 64.0 * f64::EPSILON * (norm(&x) + norm(&pca.mean)) / smallest);
        }
    }

    #[test]
    fn the_linear_autoencoder_is_the_round_trip(seed: u64) {
        let data = cloud::<f64, 6>(40, seed, 0.5, 3.0);
        let pca = Pca::<f64, 6, 2>::fit(&data).unwrap();
        let (w1, w2) = (pca.encoder_weights(), pca.decoder_weights());
        for x in &data {
            let row = Mat::<f64, 1, 6>::from_fn(|_, j| x[j] - pca.mean[j]);
            let out = row.mul(&w1).mul(&w2);
            let want = pca.inverse_transform(&pca.transform(x));
            for j in 0..6 {
                let got = out.cols[j][0] + pca.mean[j];
                prop_assert!((got - want[j]).abs() <= 32.0 * f64::EPSILON * (norm(x) + norm(&pca.mean)));
            }
        }
    }

    #[test]
    fn a_truncated_model_is_the_fit_with_fewer_components(n in 2_usize..30, seed: u64) {
        let data = cloud::<f64, 6>(n, seed, 0.5, 3.0);
        let long = Pca::<f64, 6, 4>::fit(&data).unwrap();
        let (short, want) = (long.truncated::<2>(), Pca::<f64, 6, 2>::fit(&data).unwrap());
        let noise = (short.noise_variance - want.noise_variance).abs();
        prop_assert!(noise <= 8.0 * f64::EPSILON * want.noise_variance);
        prop_assert_eq!(Pca { noise_variance: want.noise_variance, ..short }, want);
    }
}

#[test]
fn whitened_training_data_has_unit_covariance() {
    let data = cloud::<f64, 6>(500, 11, 1e-2, 50.0);
    let pca = Pca::<f64, 6, 4>::fit(&data).unwrap();
    let mut moments = Moments::new();
    data.iter().for_each(|x| moments.update(&pca.whiten(x)).unwrap());
    let c = moments.covariance().unwrap();
    // Rounding the mean shifts every coordinate, by more deviations the smaller the deviation is.
    let shift = f64::EPSILON * norm(&pca.mean);
    let deviation = pca.explained_variance.map(f64::sqrt);
    for (i, j) in (0..4).flat_map(|i| (0..4).map(move |j| (i, j))) {
        let bound = 4.0 * shift * (1.0 / deviation[i] + 1.0 / deviation[j]) + 64.0 * f64::EPSILON;
        assert!((c.cols[i][j] - f64::from(u8::from(i == j))).abs() <= bound, "{i} {j}");
    }
}

#[test]
fn tiny_variances_of_graded_channels_keep_their_digits_in_f32() {
    // Channel j is scaled by 2^-8j: deviations down to 2^-56 of the first, variances to 2^-112.
    let scale =
        |x: [f32; 8]| -> [f32; 8] { core::array::from_fn(|j| x[j] * f32::exp2i(-8 * j as i32)) };
    let data: Vec<[f32; 8]> = cloud::<f32, 8>(3000, 5, 0.8, 0.0).into_iter().map(scale).collect();
    let single = Pca::<f32, 8, 8>::fit(&data).unwrap();
    let double: Vec<[f64; 8]> = data.iter().map(|x| x.map(f64::from)).collect();
    let double = Pca::<f64, 8, 8>::fit(&double).unwrap();
    let got = wide(&single.explained_variance);
    assert!(double.explained_variance[7] < 1e-30 * double.explained_variance[0]);
    let error = relative_each(&got, &double.explained_variance);
    println!("variances over 34 orders of magnitude: relative error {error:.1e}");
    assert!(error <= 1e-4);
    for (a, b) in single.components.iter().zip(&double.components) {
        assert!(relative(&wide(a), b) <= 1e-4);
    }
}

#[test]
fn fewer_samples_than_channels_leave_zero_variances() {
    let data = cloud::<f64, 6>(3, 1, 0.5, 2.0);
    let pca = Pca::<f64, 6, 6>::fit(&data).unwrap();
    assert!(pca.explained_variance[1] > 0.0);
    for k in 2..6 {
        assert!(pca.explained_variance[k] <= 1e-28 * pca.explained_variance[0]);
    }
    // Three samples span a plane: of the min(n, D) eigenvalues the third is zero.
    let one = Pca::<f64, 6, 1>::fit(&data).unwrap();
    let want = pca.explained_variance[1] / 2.0;
    assert!((one.noise_variance - want).abs() <= 1e-14 * want);
    for x in &data {
        assert!(pca.reconstruction_error(x) <= 1e-14);
        assert!(pca.truncated::<2>().reconstruction_error(x) <= 1e-13);
    }
}

#[test]
fn directions_without_variance_whiten_to_zero() {
    let data: Vec<[f32; 3]> = (0..50_u8).map(|i| [f32::from(i), 4.0, 0.1]).collect();
    let pca = Pca::<f32, 3, 3>::fit(&data).unwrap();
    assert_eq!(pca.components[0], [1.0, 0.0, 0.0]);
    assert_eq!(pca.explained_variance[1..], [0.0, 0.0]);
    let w = pca.whiten(&[30.0, 90.0, -5.0]);
    assert!(w[0] > 0.0 && w[1..] == [0.0, 0.0]);
    let back = pca.unwhiten(&w);
    assert!((back[0] - 30.0).abs() < 1e-4 && back[1..] == [4.0, 0.1]);

    let still = Pca::<f32, 3, 2>::fit(&[[1.0, 2.0, 3.0]; 5]).unwrap();
    assert_eq!(still.explained_variance, [0.0; 2]);
    assert_eq!(still.explained_variance_ratio, [0.0; 2]);
    assert_eq!(still.noise_variance, 0.0);
    assert_eq!(still.whiten(&[9.0, 9.0, 9.0]), [0.0; 2]);
    assert_eq!(still.inverse_transform(&[0.0; 2]), [1.0, 2.0, 3.0]);
    // The directions are still orthonormal.
    let dot: f32 = still.components[0].iter().zip(&still.components[1]).map(|(a, b)| a * b).sum();
    assert!(dot.abs() < 1e-6 && (norm(&still.components[1]) - 1.0).abs() < 1e-6);
}

#[test]
fn repeated_variances_are_found_with_an_orthonormal_basis() {
    let data: Vec<[f64; 4]> = (0..8_u8)
        .map(|i| {
            core::array::from_fn(|j| {
                if usize::from(i / 2) == j { 1.0 - 2.0 * f64::from(i % 2) } else { 0.0 }
            })
        })
        .collect();
    let pca = Pca::<f64, 4, 4>::fit(&data).unwrap();
    for v in pca.explained_variance {
        assert!((v - 2.0 / 7.0).abs() <= 1e-15);
    }
    for x in &data {
        assert!(pca.reconstruction_error(x) <= 1e-15);
    }
}

#[test]
fn bad_input_is_refused() {
    type P = Pca<f32, 2, 1>;
    let refused = |e| Err::<P, _>(PcaError::Moments(e));
    assert_eq!(P::fit(&[]), refused(MomentsError::TooFewSamples));
    assert_eq!(P::fit(&[[1.0, 2.0]]), refused(MomentsError::TooFewSamples));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(P::fit(&[[1.0, 2.0], [0.0, bad]]), refused(MomentsError::NotFinite));
        let mut c = Mat::identity();
        c.cols[0][1] = bad;
        assert_eq!(P::fit_from_covariance(&[0.0; 2], &c, 5), Err(PcaError::NotFinite));
        assert_eq!(
            P::fit_from_covariance(&[bad, 0.0], &Mat::identity(), 5),
            Err(PcaError::NotFinite)
        );
        let mut root = ScatterRoot::<f32, 2>::new();
        root.update_batch(&[[1.0, 2.0], [2.0, 1.0]]).unwrap();
        let before = root;
        assert_eq!(root.update(&[0.0, bad]), Err(MomentsError::NotFinite));
        assert_eq!(root.update_batch(&[[0.0, 1.0], [bad, 1.0]]), Err(MomentsError::NotFinite));
        assert_eq!(root, before);
    }
    let few = P::fit_from_covariance(&[0.0; 2], &Mat::identity(), 1);
    assert_eq!(few, refused(MomentsError::TooFewSamples));
}

#[test]
fn every_size_of_value_is_fitted_or_refused() {
    let mut fitted = 0;
    for k in -149..128 {
        let x = 1.0_f32.scale_exp2(k);
        let data = [[x, 0.0], [-x, x], [0.5 * x, x], [x, -x]];
        match Pca::<f32, 2, 2>::fit(&data) {
            Ok(pca) => {
                fitted += 1;
                assert!(pca.explained_variance.iter().all(|v| v.is_finite() && *v >= 0.0));
                assert!((norm(&pca.components[0]) - 1.0).abs() < 1e-6, "2^{k}");
                assert!(pca.whiten(&data[1]).iter().all(|v| v.is_finite()), "2^{k}");
            }
            Err(error) => assert!(
                matches!(error, PcaError::Overflow | PcaError::Moments(MomentsError::Overflow))
                    && k > 60
            ),
        }
    }
    assert!(fitted > 200);
}

#[test]
fn the_number_of_components_follows_the_target() {
    let values = [5.0, 3.0, 1.5, 0.5, 0.0];
    for (target, k) in [(-1.0, 1), (0.0, 1), (0.5, 1), (0.51, 2), (0.8, 2), (0.95, 3), (1.0, 4)] {
        assert_eq!(components_for_variance(&values, target), k, "{target}");
    }
    assert_eq!(components_for_variance(&values, 1.5), 5);
    assert_eq!(components_for_variance(&[0.0_f32; 3], 0.9), 1);
    assert_eq!(components_for_variance::<f64>(&[], 0.9), 0);
}
