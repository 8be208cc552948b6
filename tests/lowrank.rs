//! Promises of low-rank approximation, pseudo-inverse and least squares.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use eigenmote::linalg::lowrank::{
    SolveError, condition_number, default_rcond, frobenius_error, numerical_rank, rank_for_error,
    spectral_error,
};
use eigenmote::linalg::svd;
use eigenmote::{Mat, Scalar, rng};
use proptest::prelude::*;
use support::{bounds, oracle};

fn random<T: Scalar, const M: usize, const N: usize>(seed: u64) -> Mat<T, M, N> {
    let mut rng = rng::seeded(seed);
    Mat::from_fn(|_, _| rng::normal(&mut rng))
}

/// `H·diag(d)·G` with reflections `H` and `G`.
fn with_values<T: Scalar, const M: usize, const N: usize>(d: &[f64; N]) -> Mat<T, M, N> {
    let h = |n: usize, i: usize, j: usize| f64::from(i == j) - 2.0 / n as f64;
    Mat::from_fn(|i, j| {
        T::from_f64(d.iter().enumerate().map(|(k, d)| h(M, i, k) * d * h(N, k, j)).sum())
    })
}

fn difference<T: Scalar, const M: usize, const N: usize>(
    a: &Mat<T, M, N>,
    b: &Mat<T, M, N>,
) -> Mat<f64, M, N> {
    Mat::from_fn(|i, j| a.cols[j][i].to_f64() - b.cols[j][i].to_f64())
}

fn check_every_rank<T: Scalar, const M: usize, const N: usize>(a: &Mat<T, M, N>) {
    let f = svd(a).unwrap();
    let all = oracle::singular_values(a);
    let allowed = bounds::low_rank::<T>(M, N) * all[0];
    for k in 0..=N + 1 {
        let rest = difference(a, &f.low_rank(k));
        let measured = oracle::singular_values(&rest);
        let spectral = (measured[0] - spectral_error(&f.s, k).to_f64()).abs();
        let frobenius = (rest.frobenius() - frobenius_error(&f.s, k).to_f64()).abs();
        assert!(spectral <= allowed && frobenius <= allowed, "{k}: {spectral} {frobenius}");
        let exact = all.iter().skip(k).map(|s| s * s).sum::<f64>().sqrt();
        assert!((frobenius_error(&f.s, k).to_f64() - exact).abs() <= allowed);
    }
}

/// The four conditions of Penrose, in `f64`, relative to the condition number.
fn check_pseudo_inverse<T: Scalar, const M: usize, const N: usize>(a: &Mat<T, M, N>) {
    let f = svd(a).unwrap();
    let rank = f.rank(None);
    let inverse = f.pseudo_inverse(None).unwrap();
    let (a, x) = (oracle::to_faer(a), oracle::to_faer(&inverse));
    let kept = if rank == 0 { 1.0 } else { (f.s[0] / f.s[rank - 1]).to_f64() };
    let allowed = bounds::pseudo_inverse::<T>(M, N) * kept;
    let (ax, xa) = (&a * &x, &x * &a);
    let size = f.s[0].to_f64();
    assert!((&ax * &a - &a).norm_l2() <= allowed * size);
    assert!((&xa * &x - &x).norm_l2() <= allowed * x.norm_l2());
    assert!((ax.transpose() - &ax).norm_l2() <= allowed);
    assert!((xa.transpose() - &xa).norm_l2() <= allowed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_error_of_every_rank_is_the_tail_of_the_spectrum(seed in any::<u64>()) {
        check_every_rank(&random::<f64, 12, 8>(seed));
        check_every_rank(&random::<f32, 12, 8>(seed));
        check_every_rank(&random::<f32, 5, 5>(seed));
        check_every_rank(&random::<f64, 6, 1>(seed));
    }

    #[test]
    fn the_pseudo_inverse_meets_the_conditions_of_penrose(seed in any::<u64>()) {
        check_pseudo_inverse(&random::<f64, 12, 8>(seed));
        check_pseudo_inverse(&random::<f32, 9, 4>(seed));
        check_pseudo_inverse(&random::<f64, 5, 5>(seed));
    }

    #[test]
    fn solutions_are_those_of_the_normal_equations(seed in any::<u64>()) {
        let (a, b) = (random::<f64, 12, 5>(seed), random::<f64, 12, 1>(!seed).cols[0]);
        let f = svd(&a).unwrap();
        let solution = f.solve(&b, None).unwrap();
        let rest: [f64; 12] = core::array::from_fn(|i| b[i] - a.mul_vec(&solution.x)[i]);
        // Aᵀ·(b − A·x) = 0
        let allowed = bounds::pseudo_inverse::<f64>(12, 5) * f.condition_number();
        for g in a.tr_mul_vec(&rest) {
            prop_assert!(g.abs() <= allowed * f.s[0]);
        }
        let length = rest.iter().map(|r| r * r).sum::<f64>().sqrt();
        prop_assert!((length - solution.residual).abs() <= allowed);
        // A reference by another way: QR in faer.
        let reference = {
            use faer::linalg::solvers::SolveLstsq;
            let rhs = faer::Mat::from_fn(12, 1, |i, _| b[i]);
            oracle::to_faer(&a).qr().solve_lstsq(&rhs)
        };
        for i in 0..5 {
            prop_assert!((solution.x[i] - reference[(i, 0)]).abs() <= allowed);
        }
    }

    #[test]
    fn wide_systems_get_their_shortest_solution(seed in any::<u64>()) {
        let (wide, b) = (random::<f64, 4, 9>(seed), random::<f64, 4, 1>(!seed).cols[0]);
        let f = svd(&wide.transpose()).unwrap();
        let solution = f.solve_transposed(&b, None).unwrap();
        let allowed = bounds::pseudo_inverse::<f64>(9, 4) * f.condition_number();
        for (got, want) in wide.mul_vec(&solution.x).iter().zip(&b) {
            prop_assert!((got - want).abs() <= allowed);
        }
        // The shortest one is a combination of the rows: x = Aᵀ·y, so that A⁺·A·x = x.
        let inverse = f.pseudo_inverse(None).unwrap().transpose();
        for (got, want) in inverse.mul_vec(&b).iter().zip(&solution.x) {
            prop_assert!((got - want).abs() <= allowed);
        }
        prop_assert_eq!(solution.rank, 4);
        prop_assert!(solution.residual <= allowed);
    }

    #[test]
    fn the_rank_for_an_error_is_the_smallest(seed in any::<u64>(), tolerance in 0.0..1.0_f64) {
        let s = svd(&random::<f64, 9, 9>(seed)).unwrap().s;
        let k = rank_for_error(&s, tolerance);
        let limit = tolerance * frobenius_error(&s, 0);
        prop_assert!(frobenius_error(&s, k) <= limit);
        prop_assert!(k == 0 || frobenius_error(&s, k - 1) > limit);
    }
}

#[test]
fn the_rank_of_constructed_matrices_is_found() {
    fn all<T: Scalar>() {
        for (d, rank) in [
            ([0.0; 5], 0),
            ([1.0; 5], 5),
            ([3.0, 0.0, 0.0, 0.0, 0.0], 1),
            ([3.0, 2.0, 2.0, 0.0, 0.0], 3),
            ([1.0, 1e-2, 1e-4, 0.0, 0.0], 3),
        ] {
            let a = with_values::<T, 7, 5>(&d);
            let f = svd(&a).unwrap();
            assert_eq!(f.rank(None), rank, "{d:?} {:?}", f.s);
            assert_eq!(numerical_rank(&f.s, default_rcond(7, 5)), rank);
            check_every_rank(&a);
            check_pseudo_inverse(&a);
        }
    }
    all::<f32>();
    all::<f64>();
}

#[test]
fn a_rank_deficient_system_gets_its_shortest_solution() {
    // x + y = 2 twice and 3 once more than that: the best sum is 7/3, shared equally.
    let a = Mat::from_rows(&[[1.0_f64, 1.0], [1.0, 1.0], [1.0, 1.0]]);
    let f = svd(&a).unwrap();
    let solution = f.solve(&[2.0, 2.0, 3.0], None).unwrap();
    assert_eq!(solution.rank, 1);
    for x in solution.x {
        assert!((x - 7.0 / 6.0).abs() <= bounds::rounding::<f64>(3));
    }
    // Remainders −1/3, −1/3, 2/3.
    assert!((solution.residual - (6.0_f64 / 9.0).sqrt()).abs() <= bounds::rounding::<f64>(3));
    assert!(f.condition_number() > 1e15);
}

#[test]
fn a_given_rcond_cuts_small_values() {
    let a = with_values::<f64, 6, 3>(&[1.0, 1e-3, 1e-6]);
    let f = svd(&a).unwrap();
    assert_eq!([1e-2, 1e-4, 1e-7].map(|r| f.rank(Some(r))), [1, 2, 3]);
    let b = a.mul_vec(&[1.0, 1.0, 1.0]);
    let ranks = [1e-2, 1e-4, 1e-7].map(|r| f.solve(&b, Some(r)).unwrap());
    assert_eq!(ranks.map(|s| s.rank), [1, 2, 3]);
    assert!(ranks[0].residual > ranks[1].residual && ranks[1].residual > ranks[2].residual);
    assert!((condition_number(&f.s) - 1e6).abs() < 1e-3);
}

#[test]
fn both_ends_of_the_range_are_served() {
    fn all<T: Scalar>() {
        let (zero, one, two) = (T::ZERO, T::ONE, T::TWO);
        for e in [T::MIN_EXP - T::DIGITS + 3, T::MIN_EXP + 2, T::MAX_EXP - 3] {
            // 2·x = 4, 1·y = 3 in units of 2^e on both sides.
            let at = |x: T| x.scale_exp2(e);
            let a = Mat::from_rows(&[[at(two), zero], [zero, at(one)], [zero, zero]]);
            let b = [at(two + two), at(two + one), at(two)];
            let f = svd(&a).unwrap();
            let solution = f.solve(&b, None).unwrap();
            let error = |x: T, y: f64| (x.to_f64() - y).abs() / y;
            assert!(error(solution.x[0], 2.0) <= bounds::rounding::<T>(3), "{e} {solution:?}");
            assert!(error(solution.x[1], 3.0) <= bounds::rounding::<T>(3));
            assert!(error(solution.residual.scale_exp2(-e), 2.0) <= bounds::rounding::<T>(3));
            let low = f.low_rank(1);
            assert!(error(low.cols[0][0].scale_exp2(-e), 2.0) <= bounds::rounding::<T>(3));
            assert!(
                error(frobenius_error(&f.s, 1).scale_exp2(-e), 1.0) <= bounds::rounding::<T>(3)
            );
        }
        // 1/x is not representable for the smallest subnormal x, and b/x for a large b.
        let tiny = Mat::from_rows(&[[T::MIN_POSITIVE * T::EPSILON]]);
        let f = svd(&tiny).unwrap();
        assert_eq!(f.pseudo_inverse(None), Err(SolveError::Overflow));
        assert_eq!(f.solve(&[one], None), Err(SolveError::Overflow));
    }
    all::<f32>();
    all::<f64>();
}

#[test]
fn a_right_side_that_is_not_finite_is_refused() {
    let f = svd(&Mat::<f32, 3, 2>::identity()).unwrap();
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for at in 0..3 {
            let mut b = [1.0; 3];
            b[at] = bad;
            assert_eq!(f.solve(&b, None), Err(SolveError::NotFinite));
        }
        assert_eq!(f.solve_transposed(&[1.0, bad], None), Err(SolveError::NotFinite));
    }
}

/// The 1797 handwritten digits of `data/digits.csv`, one per row, values from 0 to 16.
fn digits<T: Scalar>() -> Option<Box<Mat<T, 1797, 64>>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv");
    let mut out = Box::new(Mat::zeros());
    for (i, record) in csv::Reader::from_path(path).ok()?.records().enumerate() {
        for (j, value) in record.unwrap().iter().take(64).enumerate() {
            out.cols[j][i] = T::from_f64(value.parse().unwrap());
        }
    }
    Some(out)
}

fn check_digits<T: Scalar>(allowed: f64) {
    let Some(a) = digits::<T>() else {
        println!("skipped: data/digits.csv is not there");
        return;
    };
    let f = Box::new(svd(&a).unwrap());
    for k in [1, 2, 5, 10, 20, 50] {
        let measured = difference(&a, &f.low_rank(k)).frobenius();
        let tail = frobenius_error(&f.s, k).to_f64();
        let relative = (measured - tail).abs() / tail;
        println!("rank {k:2}: error {measured:.6}, tail {tail:.6}, difference {relative:.1e}");
        assert!(relative <= allowed);
    }
}

#[test]
fn digits_at_ranks_1_to_50_have_the_error_of_the_tail() {
    // Matrices of a megabyte by value: more stack than a test thread has.
    let run = || {
        check_digits::<f64>(1e-12);
        check_digits::<f32>(1e-5);
    };
    std::thread::Builder::new().stack_size(1 << 28).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_spectrum_over_the_whole_range_is_inverted() {
    let f = svd(&Mat::from_rows(&[[1e300_f64, 0.0], [0.0, 1e-300]])).unwrap();
    let inverse = f.pseudo_inverse(Some(0.0)).unwrap();
    let close = |x: f64, y: f64| assert!((x - y).abs() <= 4.0 * f64::EPSILON * y, "{x:e} {y:e}");
    close(inverse.cols[0][0], 1e-300);
    close(inverse.cols[1][1], 1e300);
    let x = f.solve(&[1e300, 1.0], Some(0.0)).unwrap().x;
    close(x[0], 1.0);
    close(x[1], 1e300);
}
