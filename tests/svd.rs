//! Promises of the singular value decomposition.
//!
//! Every shape is compiled for itself, which takes longer than its tests: they share a few.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::panic
)]

mod support;

use eigenmote::linalg::svd::Options;
use eigenmote::linalg::{Svd, SvdError, SvdState, singular_values, svd, svd_in_place, svd_with};
use eigenmote::{Mat, Scalar, rng};
use proptest::prelude::*;
use rand_core::Rng;
use support::strategies::{FAMILIES, Family, draw, normal, orthonormal, smallest_scale};
use support::{bounds, dd};

fn sorted_and_not_negative<T: Scalar>(s: &[T]) -> bool {
    s.iter().all(|&v| v >= T::ZERO && v.is_finite()) && s.windows(2).all(|w| w[0] >= w[1])
}

/// Largest difference of two lists of values, in `n·ε` of the largest or in `n` of the smallest steps
/// of the type.
fn distance<T: Scalar>(s: &[T], t: &[T]) -> f64 {
    let step = T::EPSILON * t[0].max(T::MIN_POSITIVE);
    let n = T::from_usize(s.len());
    s.iter().zip(t).map(|(&s, &t)| ((s - t).abs() / step / n).to_f64()).fold(0.0, f64::max)
}

fn every_family<T: Scalar, const M: usize, const N: usize>(draws: u64) {
    for family in FAMILIES {
        let (mut worst, mut apart) = ([0.0_f64; 3], 0.0_f64);
        for seed in 0..draws {
            let a = draw::<T, M, N>(family, &mut rng::seeded(seed));
            let f = svd(&a).unwrap_or_else(|e| panic!("{family:?} {M}x{N} seed {seed}: {e}"));
            assert!(sorted_and_not_negative(&f.s), "{family:?} {M}x{N} seed {seed}: {:?}", f.s);
            assert!(f.sweeps <= 12, "{family:?} {M}x{N} seed {seed}: {} sweeps", f.sweeps);
            let values = singular_values(&a).unwrap();
            assert!(sorted_and_not_negative(&values), "{family:?} {M}x{N} seed {seed}: {values:?}");
            apart = apart.max(distance(&values, &f.s));
            for (worst, error) in worst.iter_mut().zip(dd::svd_errors(&a, &f)) {
                *worst = worst.max(error);
            }
        }
        println!(
            "{family:?} {M}x{N}: residual, U, V in n·ε: {worst:.2?}; values alone: {apart:.2}"
        );
        assert!(apart <= 8.0, "{family:?} {M}x{N}: values {apart} n·ε apart");
        assert!(worst.iter().all(|&w| w <= 8.0), "{family:?} {M}x{N}: {worst:?} n·ε");
    }
}

macro_rules! families {
    ($($name:ident: $m:literal x $n:literal, $draws:literal;)*) => {$(
        #[test]
        fn $name() {
            every_family::<f32, $m, $n>($draws);
            every_family::<f64, $m, $n>($draws);
        }
    )*};
}
families! {
    residual_and_orthogonality_hold_at_1x1: 1 x 1, 20;
    residual_and_orthogonality_hold_at_2x2: 2 x 2, 100;
    residual_and_orthogonality_hold_at_3x3: 3 x 3, 100;
    residual_and_orthogonality_hold_at_4x4: 4 x 4, 100;
    residual_and_orthogonality_hold_at_5x5: 5 x 5, 60;
    residual_and_orthogonality_hold_at_8x8: 8 x 8, 40;
    residual_and_orthogonality_hold_at_16x16: 16 x 16, 10;
    residual_and_orthogonality_hold_at_33x33: 33 x 33, 3;
    residual_and_orthogonality_hold_at_64x64: 64 x 64, 1;
    residual_and_orthogonality_hold_at_3x1: 3 x 1, 40;
    residual_and_orthogonality_hold_at_7x2: 7 x 2, 60;
    residual_and_orthogonality_hold_at_8x6: 8 x 6, 40;
    residual_and_orthogonality_hold_at_64x16: 64 x 16, 4;
    residual_and_orthogonality_hold_at_100x3: 100 x 3, 20;
}

/// Relative error of every singular value of `B·D`, in units of `n·ε`, `B` random with condition
/// at most 4 and `D` any diagonal with entries from `smallest` to 1.
fn graded_values<T: Scalar, const M: usize, const N: usize>(draws: u64, smallest: f64) -> f64 {
    let mut worst = 0.0_f64;
    for seed in 0..draws {
        let mut g = rng::seeded(1000 + seed);
        let (u, v) = (orthonormal::<T, M, N>(&mut g), orthonormal::<T, N, N>(&mut g));
        let s: Vec<f64> = (0..N).map(|_| 1.0 + 3.0 * rng::uniform::<f64>(&mut g)).collect();
        let d: Vec<f64> = (0..N).map(|_| smallest.powf(rng::uniform::<f64>(&mut g))).collect();
        let a = Mat::<T, M, N>::from_fn(|i, j| {
            let b =
                (0..N).map(|k| u.cols[k][i].to_f64() * s[k] * v.cols[k][j].to_f64()).sum::<f64>();
            T::from_f64(b * d[j])
        });
        let exact = dd::singular_values(dd::columns::<T>(&a.cols));
        for (got, want) in singular_values(&a).unwrap().iter().zip(&exact) {
            worst =
                worst.max((got.to_f64() - want).abs() / want / (N as f64 * T::EPSILON.to_f64()));
        }
    }
    println!("{M}x{N}, D ≥ {smallest}: worst relative error of a value of B·D: {worst:.3} n·ε");
    worst
}

/// Over the whole spread of scales, and where the columns' lengths are just similar enough for the
/// bidiagonal way.
fn graded_values_of_one_type<T: Scalar>() {
    for smallest in [smallest_scale::<T>(), 1.0 / 32.0, 1.0 / 8.0, 0.5] {
        for worst in [
            graded_values::<T, 2, 2>(200, smallest),
            graded_values::<T, 4, 4>(100, smallest),
            graded_values::<T, 5, 5>(100, smallest),
            graded_values::<T, 8, 8>(40, smallest),
            graded_values::<T, 16, 16>(8, smallest),
            graded_values::<T, 64, 16>(3, smallest),
        ] {
            assert!(worst <= 8.0);
        }
    }
}

#[test]
fn every_value_of_a_graded_matrix_is_relatively_accurate() {
    graded_values_of_one_type::<f32>();
    graded_values_of_one_type::<f64>();
}

/// Worst error of a value, in `n·ε` of the largest (which is in `n·ε·κ` of the smallest), for columns
/// of similar lengths and the condition `κ`.
fn similar_columns<T: Scalar, const M: usize, const N: usize>(condition: f64, draws: u64) {
    let (mut worst, mut relative) = (0.0_f64, 0.0_f64);
    for seed in 0..draws {
        let mut g = rng::seeded(2000 + seed);
        let (u, v) = (orthonormal::<f64, M, N>(&mut g), orthonormal::<f64, N, N>(&mut g));
        let s: [f64; N] = std::array::from_fn(|k| match seed % 3 {
            0 => condition.powf(-(k as f64) / (N - 1) as f64),
            1 if k + 1 < N => 1.0,
            2 if k == 0 => 1.0,
            _ => 1.0 / condition,
        });
        let b = support::oracle::compose::<f64, M, N, N>(&u, &s, &v);
        let lengths: Vec<f64> =
            b.cols.iter().map(|c| c.iter().map(|x| x * x).sum::<f64>().sqrt()).collect();
        let scales: Vec<f64> =
            lengths.iter().map(|l| (1.0 + 2.9 * rng::uniform::<f64>(&mut g)) / l).collect();
        let a = Mat::<T, M, N>::from_fn(|i, j| T::from_f64(b.cols[j][i] * scales[j]));
        let exact = dd::singular_values(dd::columns::<T>(&a.cols));
        let unit = N as f64 * T::EPSILON.to_f64();
        for (got, want) in singular_values(&a).unwrap().iter().zip(&exact) {
            let error = (got.to_f64() - want).abs();
            worst = worst.max(error / exact[0] / unit);
            let condition = exact[0] / exact[N - 1];
            relative = relative.max(error / want / (unit * condition));
        }
    }
    println!("{M}x{N} κ ≈ {condition:e}: {worst:.3} n·ε·‖A‖, relative {relative:.3} n·ε·κ");
    assert!(worst <= 1.0 && relative <= 1.0);
}

fn similar_columns_of_one_type<T: Scalar>() {
    for condition in [1.0, 10.0, 1e3, 1e6] {
        similar_columns::<T, 5, 5>(condition, 60);
        similar_columns::<T, 8, 6>(condition, 60);
        similar_columns::<T, 8, 8>(condition, 30);
        similar_columns::<T, 16, 16>(condition, 9);
        similar_columns::<T, 33, 33>(condition, 3);
        similar_columns::<T, 64, 16>(condition, 3);
    }
}

#[test]
fn values_of_similar_columns_are_as_accurate_as_their_condition_allows() {
    similar_columns_of_one_type::<f32>();
    similar_columns_of_one_type::<f64>();
}

/// The matrix `[[1, 1], [0, 2^-k]]·diag(1, 2^-m)`-like spread from one end of the range to the other.
fn whole_range<T: Scalar>() {
    let reach = T::MAX_EXP - 8;
    let (big, small) = (T::exp2i(reach), T::exp2i(-reach));
    let a = Mat::from_cols([[big, big, T::ZERO], [small, -small, small]]);
    let s = singular_values(&a).unwrap();
    let root = |x: f64| T::from_f64(x.sqrt());
    assert!((s[0] / big - root(2.0)).abs() <= T::EPSILON * T::from_f64(8.0));
    assert!((s[1] / small - root(3.0)).abs() <= T::EPSILON * T::from_f64(16.0));
    let v = svd(&a).unwrap().v;
    assert!(
        (v.cols[0][0] - T::ONE).abs() <= T::EPSILON && (v.cols[1][1] - T::ONE).abs() <= T::EPSILON
    );
    assert_eq!((v.cols[0][1], v.cols[1][0]), (T::ZERO, T::ZERO));
}

#[test]
fn a_spread_over_the_whole_range_survives() {
    whole_range::<f32>();
    whole_range::<f64>();
}

fn scaling<T: Scalar, const M: usize, const N: usize>() {
    for seed in 0..30 {
        let family = [Family::Random, Family::Graded, Family::RankDeficient][seed as usize % 3];
        let a = draw::<T, M, N>(family, &mut rng::seeded(seed));
        let f = svd(&a).unwrap();
        for k in [-40, -3, 1, 17, 60] {
            let b = Mat::from_fn(|i, j| a.cols[j][i].scale_exp2(k));
            let g = svd(&b).unwrap();
            assert_eq!((g.u, g.v, g.sweeps), (f.u, f.v, f.sweeps));
            assert_eq!(g.s, f.s.map(|s| s.scale_exp2(k)));
            let scaled = singular_values(&a).unwrap().map(|s| s.scale_exp2(k));
            assert_eq!(singular_values(&b).unwrap(), scaled);
        }
    }
}

#[test]
fn scaling_by_a_power_of_two_scales_s_bit_for_bit() {
    scaling::<f32, 8, 6>();
    scaling::<f64, 8, 6>();
    scaling::<f64, 5, 5>();
    scaling::<f32, 16, 16>();
}

fn refusals<T: Scalar>() {
    let infinity = T::ONE / T::ZERO;
    for bad in [infinity, -infinity, infinity * T::ZERO] {
        for at in 0..12 {
            let mut a = normal::<T, 4, 3>(&mut rng::seeded(at));
            a.cols[at as usize / 4][at as usize % 4] = bad;
            assert_eq!(svd(&a), Err(SvdError::NotFinite));
            assert_eq!(singular_values(&a), Err(SvdError::NotFinite));
            let (before, mut s, mut v) = (a, [T::ZERO; 3], Mat::zeros());
            assert_eq!(
                svd_in_place(&mut a, &mut s, &mut v, &Options::default()),
                Err(SvdError::NotFinite)
            );
            assert!(a.as_slice().iter().zip(before.as_slice()).all(|(x, y)| x.bits() == y.bits()));
        }
    }
    for bad in [infinity, -infinity, infinity * T::ZERO] {
        for at in 0..48 {
            let mut a = normal::<T, 8, 6>(&mut rng::seeded(at));
            a.cols[at as usize / 8][at as usize % 8] = bad;
            assert_eq!(singular_values(&a), Err(SvdError::NotFinite));
        }
    }
    assert_eq!(svd(&Mat::from_cols([[T::MAX; 4]; 3])), Err(SvdError::Overflow));
    assert_eq!(singular_values(&Mat::from_cols([[T::MAX; 4]; 3])), Err(SvdError::Overflow));
    assert_eq!(singular_values(&Mat::from_cols([[T::MAX; 8]; 6])), Err(SvdError::Overflow));
}

#[test]
fn infinite_and_nan_entries_are_refused_and_change_nothing() {
    refusals::<f32>();
    refusals::<f64>();
}

/// The residual that a capped iteration reports.
fn residual<R: std::fmt::Debug>(result: Result<R, SvdError>) -> f64 {
    match result {
        Err(SvdError::NotConverged { residual }) => f64::from(residual),
        other => panic!("not the error of a cap: {other:?}"),
    }
}

#[test]
fn a_capped_iteration_says_so_and_leaves_the_factors_it_reached() {
    let a = normal::<f64, 8, 6>(&mut rng::seeded(5));
    let mut before = 1.0;
    for max_sweeps in 1..4 {
        let options = Options { max_sweeps };
        let (mut u, mut s, mut v) = (a, [0.0; 6], Mat::zeros());
        let cosine = residual(svd_in_place(&mut u, &mut s, &mut v, &options));
        assert_eq!(residual(svd_with(&a, &options)), cosine);
        let v_columns = dd::columns::<f64>(&v.cols);
        let mut worst = 0.0_f64;
        for (q, x) in v_columns.iter().enumerate() {
            for y in &v_columns[..q] {
                worst = worst.max(dd::dot(x, y).hi.abs());
            }
        }
        assert!((worst - cosine).abs() <= 1e-7 * worst + 1e-15, "{worst} {cosine}");
        assert!(cosine < 0.5 * before, "{max_sweeps} sweeps: {cosine}");
        before = cosine;
        assert!(dd::orthogonality(&dd::columns::<f64>(&u.cols)) <= bounds::rounding::<f64>(6));
        let f = Svd { u, s, v, sweeps: max_sweeps };
        assert!(dd::svd_errors(&a, &f)[0] <= 8.0);
    }
}

#[test]
fn any_step_budget_gives_the_bits_of_one_call() {
    for seed in 0..20 {
        let family = FAMILIES[seed as usize % FAMILIES.len()];
        let a = draw::<f32, 8, 6>(family, &mut rng::seeded(seed));
        let whole = svd(&a);
        for budget in [1, 2, 3, 7, 50] {
            let mut state = SvdState::new(&a);
            let mut calls = 0;
            while !state.step(budget) {
                calls += 1;
                assert!(calls < 10_000);
            }
            assert_eq!(state.finish(), whole);
        }
        assert_eq!(SvdState::new(&a).finish(), whole);
    }
}

#[test]
fn the_work_of_a_zero_matrix_is_spread_over_the_columns_too() {
    let mut state = SvdState::new(&Mat::<f32, 8, 6>::zeros());
    let mut calls = 1;
    while !state.step(1) {
        calls += 1;
    }
    // One unit finds that there is nothing, one sorts, six complete the columns.
    assert_eq!(calls, 8);
}

#[test]
fn a_hundred_thousand_draws_end_sorted_and_not_negative() {
    /// Sweeps of `svd`, and how far the values are from those of `singular_values`.
    fn one<T: Scalar, const M: usize, const N: usize>(f: Family, g: &mut impl Rng) -> (u32, f64) {
        let a = draw::<T, M, N>(f, g);
        let (f, values) = (svd(&a).unwrap(), singular_values(&a).unwrap());
        assert!(sorted_and_not_negative(&f.s) && sorted_and_not_negative(&values), "{a:?}");
        (f.sweeps, distance(&values, &f.s))
    }
    let draws = 100_000;
    let mut g = rng::seeded(42);
    let (mut sweeps, mut apart) = (0, 0.0_f64);
    for _ in 0..draws {
        let family = FAMILIES[g.next_u32() as usize % FAMILIES.len()];
        let (n, distance) = match g.next_u32() % 4 {
            0 => one::<f32, 3, 3>(family, &mut g),
            1 => one::<f32, 8, 6>(family, &mut g),
            2 => one::<f32, 5, 5>(family, &mut g),
            _ => one::<f64, 5, 5>(family, &mut g),
        };
        (sweeps, apart) = (sweeps.max(n), apart.max(distance));
    }
    println!("values {apart:.2} n·ε apart");
    assert!(apart <= 8.0);
    println!("at most {sweeps} sweeps in {draws} draws");
    assert!(sweeps <= 12);
}

proptest! {
    #[test]
    fn any_finite_bits_are_solved_in_f32(bits in prop::array::uniform12(any::<u32>())) {
        let a = Mat::<f32, 4, 3>::from_fn(|i, j| {
            let v = f32::from_bits(bits[4 * j + i]);
            if v.is_finite() && v.abs() < f32::MAX / 16.0 { v } else { 0.0 }
        });
        let f = svd(&a).unwrap();
        prop_assert!(sorted_and_not_negative(&f.s));
        let e = dd::svd_errors(&a, &f);
        prop_assert!(e.iter().all(|&e| e <= 8.0), "{e:?}");
    }

    #[test]
    fn any_finite_bits_are_solved(bits in prop::array::uniform12(any::<u64>())) {
        let a = Mat::<f64, 4, 3>::from_fn(|i, j| {
            let v = f64::from_bits(bits[4 * j + i]);
            // The largest eighth of the range may overflow by itself.
            if v.is_finite() && v.abs() < f64::MAX / 16.0 { v } else { 1.0 }
        });
        let f = svd(&a).unwrap();
        prop_assert!(sorted_and_not_negative(&f.s));
        let e = dd::svd_errors(&a, &f);
        prop_assert!(e.iter().all(|&e| e <= 8.0), "{e:?}");
    }

    #[test]
    fn values_of_any_finite_bits_agree_with_the_factors(bits in prop::collection::vec(any::<u32>(), 30)) {
        // Exponents close together now and then, so that the columns are similar.
        for mask in [u32::MAX, 0x83ff_ffff] {
            let a = Mat::<f32, 6, 5>::from_fn(|i, j| {
                let v = f32::from_bits(bits[6 * j + i] & mask);
                if v.is_finite() && v.abs() < f32::MAX / 16.0 { v } else { 0.0 }
            });
            let values = singular_values(&a).unwrap();
            prop_assert!(sorted_and_not_negative(&values));
            prop_assert!(distance(&values, &svd(&a).unwrap().s) <= 8.0);
        }
    }

    #[test]
    fn values_agree_with_faer(a in prop::collection::vec(-1.0..1.0_f64, 48)) {
        let ours = singular_values(&Mat::<f64, 8, 6>::from_fn(|i, j| a[8 * j + i])).unwrap();
        let theirs = faer::Mat::<f64>::from_fn(8, 6, |i, j| a[8 * j + i]).singular_values().unwrap();
        for (s, t) in ours.iter().zip(&theirs) {
            prop_assert!((s - t).abs() <= bounds::rounding::<f64>(8) * theirs[0]);
        }
    }
}
