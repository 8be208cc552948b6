//! Promises of the power iterations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use eigenmote::linalg::power::{
    Options, PowerError, dominant_eigenpair, dominant_eigenpair_in_place, dominant_triplet,
    dominant_triplet_in_place, top_eigenpairs, top_eigenpairs_in_place, top_triplets,
    top_triplets_in_place,
};
use eigenmote::{Mat, Scalar, rng};
use proptest::prelude::*;
use support::{bounds, oracle};

fn random<T: Scalar, const M: usize, const N: usize>(seed: u64) -> Mat<T, M, N> {
    let mut rng = rng::seeded(seed);
    Mat::from_fn(|_, _| rng::normal(&mut rng))
}

fn symmetric<T: Scalar, const N: usize>(seed: u64) -> Mat<T, N, N> {
    let a = random::<T, N, N>(seed);
    Mat::from_fn(|i, j| if i < j { a.cols[i][j] } else { a.cols[j][i] })
}

fn diagonal<T: Scalar, const N: usize>(d: [f64; N]) -> Mat<T, N, N> {
    Mat::from_fn(|i, j| if i == j { T::from_f64(d[i]) } else { T::ZERO })
}

/// `H·diag(d)·H` with the reflection `H = I − 2·w·wᵀ`, `w` the normalised vector of ones.
fn reflected<T: Scalar, const N: usize>(d: [f64; N]) -> Mat<T, N, N> {
    let h = |i: usize, j: usize| f64::from(i == j) - 2.0 / N as f64;
    Mat::from_fn(|i, j| T::from_f64((0..N).map(|k| h(i, k) * d[k] * h(k, j)).sum()))
}

fn check_pair<T: Scalar, const N: usize>(a: &Mat<T, N, N>) {
    let best = oracle::eigenvalues_by_magnitude(a)[0].abs();
    let top = dominant_eigenpair(a, &Options::new()).unwrap();
    assert!(top.info.converged, "{top:?}");
    let error = (top.value.to_f64().abs() - best).abs();
    assert!(error <= bounds::iterated_value::<T>(N) * best, "{error} of {best}");
    let signed = oracle::triplet_residual(a, &top.vector, top.value, &top.vector);
    let claimed = top.info.residual.to_f64();
    assert!((signed - claimed).abs() <= bounds::rounding::<T>(N) * best, "{signed} {claimed}");
    let length: f64 = top.vector.iter().map(|x| x.to_f64() * x.to_f64()).sum();
    assert!((length - 1.0).abs() <= bounds::rounding::<T>(N));
}

fn check_triplet<T: Scalar, const M: usize, const N: usize>(a: &Mat<T, M, N>) {
    let best = oracle::singular_values(a)[0];
    let top = dominant_triplet(a, &Options::new()).unwrap();
    assert!(top.info.converged, "{top:?}");
    let error = (top.s.to_f64() - best).abs();
    assert!(error <= bounds::iterated_value::<T>(M.max(N)) * best, "{error} of {best}");
    let residual = oracle::triplet_residual(a, &top.u, top.s, &top.v);
    let claimed = top.info.residual.to_f64();
    assert!((residual - claimed).abs() <= bounds::rounding::<T>(M.max(N)) * best);
}

fn check_top_pairs<T: Scalar, const N: usize, const K: usize>(a: &Mat<T, N, N>) {
    let all = oracle::eigenvalues_by_magnitude(a);
    let top = top_eigenpairs::<T, N, K>(a, &Options::new()).unwrap();
    assert!(top.info.converged, "{top:?}");
    assert!(oracle::orthogonality(&top.eigenvectors) <= bounds::rounding::<T>(N));
    for k in 0..K {
        let value = top.eigenvalues[k];
        let error = (value.to_f64().abs() - all[k].abs()).abs();
        assert!(error <= bounds::iterated_value::<T>(N) * all[0].abs(), "{k}: {top:?} {all:?}");
        let v = &top.eigenvectors.cols[k];
        let residual = oracle::triplet_residual(a, v, value, v);
        assert!(
            (residual - top.residuals[k].to_f64()).abs() <= bounds::rounding::<T>(N) * all[0].abs()
        );
    }
}

fn check_top_triplets<T: Scalar, const M: usize, const N: usize, const K: usize>(a: &Mat<T, M, N>) {
    let all = oracle::singular_values(a);
    let top = top_triplets::<T, M, N, K>(a, &Options::new()).unwrap();
    assert!(top.info.converged, "{top:?}");
    assert!(oracle::orthogonality(&top.u) <= bounds::rounding::<T>(M));
    assert!(oracle::orthogonality(&top.v) <= bounds::rounding::<T>(N));
    for k in 0..K {
        let error = (top.s[k].to_f64() - all[k]).abs();
        assert!(error <= bounds::iterated_value::<T>(M.max(N)) * all[0], "{k}: {top:?} {all:?}");
        let residual = oracle::triplet_residual(a, &top.u.cols[k], top.s[k], &top.v.cols[k]);
        let claimed = top.residuals[k].to_f64();
        assert!((residual - claimed).abs() <= bounds::rounding::<T>(M.max(N)) * all[0]);
    }
}

#[test]
fn a_residual_at_the_very_tolerance_is_not_left_outside_by_rounding() {
    // The last iteration's residual was 0.1 % below the tolerance, that of the result above it.
    check_pair(&symmetric::<f32, 5>(12_114_179_058_258_116_860));
    for seed in 0..3000 {
        let a = symmetric::<f32, 5>(seed);
        if gap(&oracle::eigenvalues_by_magnitude(&a), 1) > 0.02 {
            check_pair(&a);
        }
    }
}

/// Relative gap behind the first `k` values. With 2 % the error falls by 0.96 an iteration: 600 of
/// the 1000 iterations allowed by default reach the default tolerance.
fn gap(values: &[f64], k: usize) -> f64 {
    1.0 - values.get(k).map_or(0.0, |v| v.abs() / values[k - 1].abs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_symmetric_matrices_give_their_dominant_pair(seed in any::<u64>()) {
        let a = symmetric::<f64, 8>(seed);
        prop_assume!(gap(&oracle::eigenvalues_by_magnitude(&a), 1) > 0.02);
        check_pair(&a);
        let small = symmetric::<f32, 5>(seed);
        prop_assume!(gap(&oracle::eigenvalues_by_magnitude(&small), 1) > 0.02);
        check_pair(&small);
    }

    #[test]
    fn random_matrices_of_any_proportion_give_their_dominant_triplet(seed in any::<u64>()) {
        let tall = random::<f64, 9, 4>(seed);
        prop_assume!(gap(&oracle::singular_values(&tall), 1) > 0.02);
        check_triplet(&tall);
        check_triplet(&tall.transpose());
        check_triplet(&random::<f32, 1, 7>(seed));
        check_triplet(&random::<f32, 7, 1>(seed));
    }

    #[test]
    fn blocks_find_the_leading_values(seed in any::<u64>()) {
        let a = symmetric::<f64, 10>(seed);
        prop_assume!(gap(&oracle::eigenvalues_by_magnitude(&a), 3) > 0.02);
        check_top_pairs::<_, 10, 3>(&a);
        check_top_pairs::<_, 10, 10>(&a);
        let b = random::<f64, 7, 12>(seed);
        let values = oracle::singular_values(&b);
        prop_assume!(gap(&values, 3) > 0.02);
        check_top_triplets::<_, 7, 12, 3>(&b);
        check_top_triplets::<_, 7, 12, 7>(&b);
        check_top_triplets::<_, 12, 7, 7>(&b.transpose());
    }

    #[test]
    fn powers_of_two_scale_the_results_bit_for_bit(seed in any::<u64>(), k in -900..900_i32) {
        let a = symmetric::<f64, 6>(seed);
        let scaled = Mat::from_fn(|i, j| a.cols[j][i].scale_exp2(k));
        let options = Options { max_iterations: 40, ..Options::new() };
        let (one, two) = (dominant_eigenpair(&a, &options).unwrap(), dominant_eigenpair(&scaled, &options).unwrap());
        prop_assert_eq!(one.value.scale_exp2(k), two.value);
        prop_assert_eq!(one.vector, two.vector);
        prop_assert_eq!(one.info.residual.scale_exp2(k), two.info.residual);
        let (one, two) = (dominant_triplet(&a, &options).unwrap(), dominant_triplet(&scaled, &options).unwrap());
        prop_assert_eq!((one.s.scale_exp2(k), one.u, one.v), (two.s, two.u, two.v));
        let one = top_triplets::<_, 6, 6, 2>(&a, &options).unwrap();
        let two = top_triplets::<_, 6, 6, 2>(&scaled, &options).unwrap();
        prop_assert_eq!((one.s.map(|s| s.scale_exp2(k)), one.u, one.v), (two.s, two.u, two.v));
    }
}

#[test]
fn equal_magnitudes_of_opposite_sign_are_told_apart() {
    fn check<T: Scalar>() {
        for d in [[3.0, -3.0, 1.0, 0.5], [-3.0, 3.0, 0.0, 0.0], [-2.0, 2.0, -2.0, 2.0]] {
            for a in [diagonal::<T, 4>(d), reflected::<T, 4>(d)] {
                check_pair(&a);
                check_triplet(&a);
                check_top_pairs::<_, 4, 1>(&a);
                check_top_pairs::<_, 4, 2>(&a);
                check_top_triplets::<_, 4, 4, 1>(&a);
            }
        }
        // The block ends between 1 and −1.
        check_top_pairs::<_, 4, 2>(&reflected::<T, 4>([2.0, 1.0, -1.0, 0.0]));
        let swap = Mat::from_rows(&[[T::ZERO, T::ONE], [T::ONE, T::ZERO]]);
        check_pair(&swap);
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn repeated_and_missing_values_are_found() {
    fn check<T: Scalar>() {
        for d in [
            [2.0, 2.0, 2.0, 1.0, 0.0],
            [1.0; 5],
            [4.0, 0.0, 0.0, 0.0, 0.0],
            [3.0, 1.0, 0.0, 0.0, 0.0],
        ] {
            let a = reflected::<T, 5>(d);
            check_pair(&a);
            check_triplet(&a);
            check_top_pairs::<_, 5, 3>(&a);
            check_top_triplets::<_, 5, 5, 3>(&a);
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn a_zero_matrix_has_zero_values_and_unit_vectors() {
    fn check<T: Scalar>() {
        let zero = Mat::<T, 3, 3>::zeros();
        let pair = dominant_eigenpair(&zero, &Options::new()).unwrap();
        assert_eq!((pair.value, pair.info.residual, pair.info.converged), (T::ZERO, T::ZERO, true));
        let triplet = dominant_triplet(&Mat::<T, 2, 3>::zeros(), &Options::new()).unwrap();
        assert_eq!((triplet.s, triplet.info.converged), (T::ZERO, true));
        for x in [&pair.vector[..], &triplet.u[..], &triplet.v[..]] {
            let length: f64 = x.iter().map(|x| x.to_f64() * x.to_f64()).sum();
            assert!((length - 1.0).abs() <= bounds::rounding::<T>(3));
        }
        let pairs = top_eigenpairs::<T, 3, 2>(&zero, &Options::new()).unwrap();
        assert_eq!(pairs.eigenvalues, [T::ZERO; 2]);
        assert!(oracle::orthogonality(&pairs.eigenvectors) <= bounds::rounding::<T>(3));
        let triplets = top_triplets::<T, 3, 3, 3>(&zero, &Options::new()).unwrap();
        assert_eq!(triplets.s, [T::ZERO; 3]);
        assert!(oracle::orthogonality(&triplets.u) <= bounds::rounding::<T>(3));
        assert!(oracle::orthogonality(&triplets.v) <= bounds::rounding::<T>(3));
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn a_single_entry_is_its_own_eigenvalue() {
    for x in [-3.0_f64, 0.5, 1e-300] {
        let top = dominant_eigenpair(&Mat::from_cols([[x]]), &Options::new()).unwrap();
        assert_eq!((top.value, top.vector), (x, [1.0]));
        let top = top_eigenpairs::<_, 1, 1>(&Mat::from_cols([[x]]), &Options::new()).unwrap();
        assert_eq!((top.eigenvalues, top.info.converged), ([x], true));
    }
}

#[test]
fn a_start_orthogonal_to_the_dominant_vector_does_no_harm() {
    fn check<T: Scalar>() {
        let a = diagonal::<T, 3>([3.0, -2.0, 1.0]);
        let (zero, one) = (T::ZERO, T::ONE);
        let mut v = [zero, one, zero];
        let (value, info) = dominant_eigenpair_in_place(&a, &mut v, &Options::new()).unwrap();
        assert!(info.converged);
        assert!((value.to_f64() - 3.0).abs() <= 3.0 * bounds::iterated_value::<T>(3));
        let (mut u, mut v) = ([zero; 3], [zero, one, zero]);
        let (s, info) = dominant_triplet_in_place(&a, &mut u, &mut v, &Options::new()).unwrap();
        assert!(info.converged);
        assert!((s.to_f64() - 3.0).abs() <= 3.0 * bounds::iterated_value::<T>(3));
        let mut vectors = Mat::from_cols([[zero, zero, one], [zero, one, zero]]);
        let (mut values, mut residuals) = ([zero; 2], [zero; 2]);
        let info =
            top_eigenpairs_in_place(&a, &mut vectors, &mut values, &mut residuals, &Options::new())
                .unwrap();
        assert!(info.converged);
        assert!((values[0].to_f64() - 3.0).abs() <= 3.0 * bounds::iterated_value::<T>(3));
        assert!((values[1].to_f64() + 2.0).abs() <= 3.0 * bounds::iterated_value::<T>(3));
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn a_warm_start_needs_fewer_iterations() {
    let a = reflected::<f64, 8>([2.0, 1.9, 1.5, 1.0, 0.5, 0.2, 0.1, 0.0]);
    let mut v = [0.0; 8];
    let (_, cold) = dominant_eigenpair_in_place(&a, &mut v, &Options::new()).unwrap();
    let mut b = a;
    b.cols[0][0] += 1e-6;
    let (_, warm) = dominant_eigenpair_in_place(&b, &mut v, &Options::new()).unwrap();
    assert!(cold.converged && warm.converged);
    assert!(2 * warm.iterations < cold.iterations + 40 && warm.iterations < cold.iterations);
}

#[test]
fn infinite_and_nan_entries_are_refused() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for at in 0..9 {
            let mut a = Mat::<f64, 3, 3>::identity();
            a.as_mut_slice()[at] = bad;
            let o = Options::new();
            assert_eq!(dominant_eigenpair(&a, &o), Err(PowerError::NotFinite));
            assert_eq!(dominant_triplet(&a, &o), Err(PowerError::NotFinite));
            assert_eq!(top_eigenpairs::<_, 3, 2>(&a, &o), Err(PowerError::NotFinite));
            assert_eq!(top_triplets::<_, 3, 3, 2>(&a, &o), Err(PowerError::NotFinite));
        }
        let a = Mat::<f64, 2, 2>::identity();
        let mut v = [1.0, bad];
        let result = dominant_eigenpair_in_place(&a, &mut v, &Options::new());
        assert_eq!(result, Err(PowerError::NotFinite));
    }
}

#[test]
fn both_ends_of_the_range_are_served() {
    fn check<T: Scalar>() {
        // Eigenvalues 3, 1 in units of the smallest subnormal number and of a quarter of the largest.
        let tiny = T::MIN_POSITIVE * T::EPSILON;
        let huge = T::exp2i(T::MAX_EXP - 1);
        for unit in [tiny, T::MIN_POSITIVE, huge] {
            let (two, one) = (T::TWO * (unit * T::HALF), unit * T::HALF);
            let (two, one) = if unit == tiny { (unit + unit, unit) } else { (two, one) };
            let a = Mat::from_rows(&[[two, one], [one, two]]);
            let pair = dominant_eigenpair(&a, &Options::new()).unwrap();
            let triplet = dominant_triplet(&a, &Options::new()).unwrap();
            let pairs = top_eigenpairs::<_, 2, 2>(&a, &Options::new()).unwrap();
            let triplets = top_triplets::<_, 2, 2, 2>(&a, &Options::new()).unwrap();
            for value in [pair.value, triplet.s, pairs.eigenvalues[0], triplets.s[0]] {
                let relative = (value / unit).to_f64() * (unit / one).to_f64();
                assert!(
                    (relative - 3.0).abs() <= 3.0 * bounds::iterated_value::<T>(2),
                    "{relative}"
                );
            }
            assert!(pair.info.converged && triplet.info.converged);
            assert!(pairs.info.converged && triplets.info.converged);
        }
        let full = Mat::<T, 3, 3>::from_fn(|_, _| T::MAX);
        assert_eq!(dominant_eigenpair(&full, &Options::new()), Err(PowerError::Overflow));
        assert_eq!(dominant_triplet(&full, &Options::new()), Err(PowerError::Overflow));
        assert_eq!(top_eigenpairs::<_, 3, 2>(&full, &Options::new()), Err(PowerError::Overflow));
        assert_eq!(top_triplets::<_, 3, 3, 2>(&full, &Options::new()), Err(PowerError::Overflow));
        // Both ends in one matrix.
        let a = Mat::from_rows(&[[huge, T::ZERO], [T::ZERO, tiny]]);
        assert_eq!(dominant_eigenpair(&a, &Options::new()).unwrap().value, huge);
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn a_cap_that_is_reached_returns_the_best_with_its_true_residual() {
    let a = reflected::<f64, 6>([1.0, 1.0 - 1e-4, 0.9, 0.5, 0.2, 0.1]);
    for cap in [0, 1, 5] {
        let options = Options { max_iterations: cap, ..Options::new() };
        let pair = dominant_eigenpair(&a, &options).unwrap();
        assert!(!pair.info.converged && pair.info.iterations == cap);
        let residual = oracle::triplet_residual(&a, &pair.vector, pair.value, &pair.vector);
        assert!((residual - pair.info.residual).abs() <= bounds::rounding::<f64>(6));
        let triplet = dominant_triplet(&a, &options).unwrap();
        assert!(!triplet.info.converged && triplet.info.iterations == cap);
        let residual = oracle::triplet_residual(&a, &triplet.u, triplet.s, &triplet.v);
        assert!((residual - triplet.info.residual).abs() <= bounds::rounding::<f64>(6));
        // The certificate holds: an eigenvalue lies within the residual.
        let near = oracle::eigenvalues_by_magnitude(&a)
            .iter()
            .any(|e| (e - pair.value).abs() <= pair.info.residual + bounds::rounding::<f64>(6));
        assert!(near);
    }
}

#[test]
fn an_unreachable_tolerance_ends_at_the_cap() {
    let options = Options { tolerance: Some(0.0), max_iterations: 50, ..Options::new() };
    let a = symmetric::<f32, 7>(3);
    assert!(dominant_eigenpair(&a, &options).unwrap().info.iterations <= 50);
    assert!(dominant_triplet(&a, &options).unwrap().info.iterations <= 50);
    assert!(top_eigenpairs::<_, 7, 2>(&a, &options).unwrap().info.iterations <= 50);
    assert!(top_triplets::<_, 7, 7, 2>(&a, &options).unwrap().info.iterations <= 50);
}

/// `R·diag(d)·Rᵀ` and `R·diag(d)·Qᵀ` with products `R`, `Q` of reflections along random vectors.
fn turned<T: Scalar, const M: usize, const N: usize>(d: &[f64], same: bool) -> Mat<T, M, N> {
    let mut a = Mat::<f64, M, N>::from_fn(|i, j| if i == j { d[i] } else { 0.0 });
    let mut rng = rng::seeded(7);
    for _ in 0..3 {
        let mut direction = |n: usize| {
            let x: Vec<f64> = (0..n).map(|_| rng::normal(&mut rng)).collect();
            let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
            x.iter().map(|v| v / length).collect::<Vec<_>>()
        };
        let left = direction(M);
        let right = if same { left.clone() } else { direction(N) };
        for column in &mut a.cols {
            let along: f64 = column.iter().zip(&left).map(|(a, h)| a * h).sum();
            column.iter_mut().zip(&left).for_each(|(a, h)| *a -= 2.0 * along * h);
        }
        for i in 0..M {
            let along: f64 = a.cols.iter().zip(&right).map(|(c, h)| c[i] * h).sum();
            a.cols.iter_mut().zip(&right).for_each(|(c, h)| c[i] -= 2.0 * along * h);
        }
    }
    if same {
        return Mat::from_fn(|i, j| T::from_f64(if i < j { a.cols[j][i] } else { a.cols[i][j] }));
    }
    Mat::from_fn(|i, j| T::from_f64(a.cols[j][i]))
}

fn geometric(n: usize, ratio: f64) -> Vec<f64> {
    (0..n).scan(1.0, |x, _| Some(core::mem::replace(x, *x * ratio))).collect()
}

/// Leading triplets of square, tall and wide matrices and leading pairs of a symmetric one, large
/// enough for every way there is.
fn check_large<T: Scalar>(d: &[f64]) {
    let square = turned::<T, 40, 40>(d, false);
    check_triplet(&square);
    check_top_triplets::<_, 40, 40, 4>(&square);
    let tall = turned::<T, 50, 40>(d, false);
    check_top_triplets::<_, 50, 40, 3>(&tall);
    check_top_triplets::<_, 40, 50, 3>(&tall.transpose());
    let mut signed = d.to_vec();
    signed.iter_mut().skip(1).step_by(2).for_each(|x| *x = -*x);
    for d in [d, &signed] {
        let symmetric = turned::<T, 40, 40>(d, true);
        check_pair(&symmetric);
        check_top_pairs::<_, 40, 4>(&symmetric);
    }
}

#[test]
fn every_kind_of_spectrum_of_a_large_matrix_gives_its_leading_values() {
    fn check<T: Scalar>() {
        let flat: Vec<f64> = (0..40).map(|i| 1.0 - f64::from(i) / 80.0).collect();
        check_large::<T>(&flat);
        for ratio in [0.95, 0.8, 0.5, 0.1, 1e-3] {
            check_large::<T>(&geometric(40, ratio));
        }
        check_large::<T>(&[&[3.0, 1.0][..], &[0.0; 38]].concat());
        check_large::<T>(&[0.0; 40]);
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn repeated_leading_values_are_found_as_often_as_they_occur() {
    fn check<T: Scalar>() {
        for times in [2, 3, 4, 5, 20, 40] {
            let mut d = geometric(40, 0.7);
            d.iter_mut().take(times).for_each(|x| *x = 2.0);
            check_large::<T>(&d);
        }
        // The value wanted last is repeated, and hidden behind others that decay.
        let mut d = geometric(40, 0.6);
        (d[2], d[3], d[4], d[5]) = (0.3, 0.3, 0.3, 0.3);
        check_large::<T>(&d);
        check_top_triplets::<_, 40, 40, 4>(&diagonal::<T, 40>(core::array::from_fn(|i| d[39 - i])));
        check_top_pairs::<_, 40, 4>(&diagonal::<T, 40>(core::array::from_fn(|i| d[39 - i])));
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn values_that_decay_need_fewer_products_than_there_are_columns() {
    fn check<T: Scalar>() {
        let a = turned::<T, 64, 64>(&geometric(64, 0.8), false);
        assert!(dominant_triplet(&a, &Options::new()).unwrap().info.iterations < 32);
        assert!(top_triplets::<_, 64, 64, 4>(&a, &Options::new()).unwrap().info.iterations < 32);
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn a_stream_that_drifts_is_followed_with_less_work_than_from_the_start() {
    fn check<T: Scalar>() {
        let mut a = turned::<T, 40, 40>(&geometric(40, 0.3), false);
        let symmetric = turned::<T, 40, 40>(&geometric(40, 0.3), true);
        let mut b = symmetric;
        let (mut u, mut v) = (Mat::<T, 40, 3>::zeros(), Mat::<T, 40, 3>::zeros());
        let (mut w, mut values, mut residuals) = (v, [T::ZERO; 3], [T::ZERO; 3]);
        let o = Options::new();
        let (mut cold, mut warm) = (0, 0);
        for tick in 0..20 {
            let drift = random::<T, 40, 40>(tick);
            let size = T::from_f64(1e-6);
            for i in 0..40 {
                for j in 0..40 {
                    a.cols[j][i] += size * drift.cols[j][i];
                    b.cols[j][i] += size * (drift.cols[j][i] + drift.cols[i][j]);
                }
            }
            let first = top_triplets::<_, 40, 40, 3>(&a, &o).unwrap();
            let next =
                top_triplets_in_place(&a, &mut u, &mut values, &mut v, &mut residuals, &o).unwrap();
            assert!(first.info.converged && next.converged);
            for (s, t) in values.iter().zip(first.s) {
                let error = (*s - t).to_f64().abs();
                assert!(error <= 2.0 * bounds::iterated_value::<T>(40), "{error}");
            }
            let pairs = top_eigenpairs::<_, 40, 3>(&b, &o).unwrap();
            let followed =
                top_eigenpairs_in_place(&b, &mut w, &mut values, &mut residuals, &o).unwrap();
            assert!(pairs.info.converged && followed.converged);
            if tick > 0 {
                cold += first.info.iterations.min(pairs.info.iterations);
                warm += next.iterations.max(followed.iterations);
            }
        }
        assert!(2 * warm < cold, "{warm} of {cold}");
    }
    check::<f32>();
    check::<f64>();
}
