//! Promises of the closed forms for 2×2 and 3×3 matrices.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

mod support;

use eigenmote::linalg::closed::{eigh_2x2, eigh_3x3, svd_2x2, svd_3x3};
use eigenmote::linalg::{Eigh, EighError, Svd, SvdError};
use eigenmote::{Mat, Scalar, rng};
use proptest::prelude::*;
use support::dd;
use support::strategies::{FAMILIES, Family, draw, smallest_scale, symmetric};

type SvdOf<T, const N: usize> = fn(&Mat<T, N, N>) -> Result<Svd<T, N, N>, SvdError>;
type EighOf<T, const N: usize> = fn(&Mat<T, N, N>) -> Result<Eigh<T, N>, EighError>;

fn descending<T: Scalar>(values: &[T]) -> bool {
    values.windows(2).all(|w| w[0] >= w[1])
}

fn every_family<T: Scalar, const N: usize>(svd: SvdOf<T, N>, eigh: EighOf<T, N>, draws: u64) {
    for family in FAMILIES {
        let (mut of_svd, mut of_eigh) = ([0.0_f64; 3], [0.0_f64; 2]);
        for seed in 0..draws {
            let a = draw::<T, N, N>(family, &mut rng::seeded(seed));
            let f = svd(&a).unwrap_or_else(|e| panic!("{family:?} {N} seed {seed}: {e}"));
            assert!(descending(&f.s) && f.s[N - 1] >= T::ZERO, "{family:?} seed {seed}: {:?}", f.s);
            let errors = dd::svd_errors(&a, &f);
            of_svd.iter_mut().zip(errors).for_each(|(w, e)| *w = w.max(e));
            let a = symmetric::<T, N>(family, seed);
            let f = eigh(&a).unwrap_or_else(|e| panic!("{family:?} {N} seed {seed}: {e}"));
            assert!(descending(&f.eigenvalues), "{family:?} seed {seed}: {:?}", f.eigenvalues);
            let errors = dd::eigh_errors(&a, &f);
            of_eigh.iter_mut().zip(errors).for_each(|(w, e)| *w = w.max(e));
        }
        println!("{family:?} {N}: svd {of_svd:.2?}, eigh {of_eigh:.2?} n·ε");
        let within = |errors: &[f64]| errors.iter().all(|&e| e <= 8.0);
        assert!(within(&of_svd) && within(&of_eigh), "{family:?} {N}: {of_svd:?} {of_eigh:?}");
    }
}

#[test]
fn residual_and_orthogonality_hold_at_2x2() {
    every_family::<f32, 2>(svd_2x2, eigh_2x2, 3000);
    every_family::<f64, 2>(svd_2x2, eigh_2x2, 3000);
}

#[test]
fn residual_and_orthogonality_hold_at_3x3() {
    every_family::<f32, 3>(svd_3x3, eigh_3x3, 3000);
    every_family::<f64, 3>(svd_3x3, eigh_3x3, 3000);
}

/// Symmetric matrices with chosen eigenvalues: two of them close, all of them close, opposite.
fn chosen_values<T: Scalar>() {
    let mut worst = [0.0_f64; 2];
    let mut generator = rng::seeded(9);
    for k in 0..T::DIGITS + 8 {
        let gap = T::exp2i(-k);
        for values in [
            [T::ONE, T::ONE - gap, -T::ONE],
            [T::ONE, -T::ONE + gap, -T::ONE],
            [T::ONE + gap, T::ONE, T::ONE - gap],
            [T::ONE, gap, -gap],
            [T::ONE, gap, gap * gap],
            [gap, T::ZERO, -gap],
            [T::ONE, T::ONE, T::ONE - gap],
        ] {
            for _ in 0..20 {
                let v = support::strategies::orthonormal::<T, 3, 3>(&mut generator);
                let entry = |i: usize, j: usize| {
                    (0..3).fold(T::ZERO, |sum, k| sum + v.cols[k][i] * values[k] * v.cols[k][j])
                };
                let a = Mat::<T, 3, 3>::from_fn(|i, j| entry(i.max(j), i.min(j)));
                let f = eigh_3x3(&a).unwrap();
                for (worst, e) in worst.iter_mut().zip(dd::eigh_errors(&a, &f)) {
                    *worst = worst.max(e);
                }
                let largest = values.iter().fold(T::ZERO, |m, v| m.max(v.abs()));
                for (got, want) in f.eigenvalues.iter().zip(values) {
                    let bound = T::from_f64(24.0) * T::EPSILON * largest;
                    assert!((*got - want).abs() <= bound, "{values:?}: {:?}", f.eigenvalues);
                }
                let s = svd_3x3(&a).unwrap();
                assert!(dd::svd_errors(&a, &s).iter().all(|&e| e <= 8.0), "{values:?}");
            }
        }
    }
    println!("chosen eigenvalues: residual, V in n·ε: {worst:.2?}");
    assert!(worst.iter().all(|&e| e <= 8.0), "{worst:?}");
}

#[test]
fn close_and_opposite_eigenvalues_are_told_apart() {
    chosen_values::<f32>();
    chosen_values::<f64>();
}

fn graded_2x2<T: Scalar>() {
    let mut worst = 0.0_f64;
    for seed in 0..5000 {
        let mut g = rng::seeded(seed);
        let b = draw::<T, 2, 2>(Family::Orthogonal, &mut g);
        let (stretch, scale) = (rng::uniform::<f64>(&mut g), rng::uniform::<f64>(&mut g));
        let d = [1.0, smallest_scale::<T>().powf(scale)];
        let a = Mat::<T, 2, 2>::from_fn(|i, j| {
            let entry = b.cols[j][i].to_f64() + stretch * b.cols[0][i].to_f64();
            T::from_f64(entry * d[(j + seed as usize) % 2])
        });
        let exact = dd::singular_values(dd::columns::<T>(&a.cols));
        for (got, want) in svd_2x2(&a).unwrap().s.iter().zip(exact) {
            worst = worst.max((got.to_f64() - want).abs() / want / (2.0 * T::EPSILON.to_f64()));
        }
    }
    println!("2x2: worst relative error of a value of B·D: {worst:.3} n·ε");
    assert!(worst <= 8.0);
}

#[test]
fn both_values_of_a_graded_2x2_matrix_are_relatively_accurate() {
    graded_2x2::<f32>();
    graded_2x2::<f64>();
}

fn refusals<T: Scalar>() {
    let infinity = T::ONE / T::ZERO;
    for bad in [infinity, infinity * T::ZERO] {
        for at in 0..9 {
            let a = Mat::<T, 3, 3>::from_fn(|i, j| if 3 * j + i == at { bad } else { T::ONE });
            assert_eq!(svd_3x3(&a), Err(SvdError::NotFinite));
            let upper = [3, 6, 7].contains(&at);
            assert_eq!(eigh_3x3(&a).is_err(), !upper, "only the lower triangle is read");
            let a = Mat::<T, 2, 2>::from_fn(|i, j| if 2 * j + i == at % 4 { bad } else { T::ONE });
            assert_eq!(svd_2x2(&a), Err(SvdError::NotFinite));
            assert_eq!(eigh_2x2(&a).is_err(), at % 4 != 2);
        }
    }
    let most = Mat::from_cols([[T::MAX; 3]; 3]);
    assert_eq!(svd_3x3(&most), Err(SvdError::Overflow));
    assert_eq!(eigh_3x3(&most), Err(EighError::Overflow));
    let most = Mat::from_cols([[T::MAX; 2]; 2]);
    assert_eq!(svd_2x2(&most), Err(SvdError::Overflow));
    assert_eq!(eigh_2x2(&most), Err(EighError::Overflow));
}

#[test]
fn infinite_nan_and_overflowing_input_is_refused() {
    refusals::<f32>();
    refusals::<f64>();
}

#[test]
fn values_whose_squares_vanish_beside_the_largest_keep_their_vectors() {
    let a = Mat::<f64, 3, 3>::from_cols([[0.0, 1e30, 0.0], [0.0; 3], [-1e-250, 0.0, 1e-260]]);
    let f = svd_3x3(&a).unwrap();
    assert!(dd::svd_errors(&a, &f).iter().all(|&e| e <= 8.0));
    assert!((f.s[1] - 1e-250).abs() <= 1e-265 && f.s[2] == 0.0, "{:?}", f.s);
}

#[test]
fn scaling_by_a_power_of_two_scales_the_values_bit_for_bit() {
    for seed in 0..50 {
        let a = draw::<f32, 3, 3>(Family::Random, &mut rng::seeded(seed));
        let (f, e) = (svd_3x3(&a).unwrap(), eigh_3x3(&a).unwrap());
        for k in [-60, -1, 3, 60] {
            let b = Mat::from_fn(|i, j| a.cols[j][i].scale_exp2(k));
            let (g, h) = (svd_3x3(&b).unwrap(), eigh_3x3(&b).unwrap());
            assert_eq!((g.u, g.v, g.s), (f.u, f.v, f.s.map(|s| s.scale_exp2(k))));
            assert_eq!(h.eigenvectors, e.eigenvectors);
            assert_eq!(h.eigenvalues, e.eigenvalues.map(|s| s.scale_exp2(k)));
        }
    }
}

proptest! {
    #[test]
    fn any_finite_bits_are_solved(bits in prop::array::uniform9(any::<u64>())) {
        let value = |bits: u64| {
            let v = f64::from_bits(bits);
            if v.is_finite() && v.abs() < f64::MAX / 16.0 { v } else { 1.0 }
        };
        let a = Mat::<f64, 3, 3>::from_fn(|i, j| value(bits[3 * j + i]));
        let e = dd::svd_errors(&a, &svd_3x3(&a).unwrap());
        prop_assert!(e.iter().all(|&e| e <= 8.0), "{e:?}");
        let b = Mat::<f64, 2, 2>::from_fn(|i, j| value(bits[2 * j + i]));
        let e = dd::svd_errors(&b, &svd_2x2(&b).unwrap());
        prop_assert!(e.iter().all(|&e| e <= 8.0), "{e:?}");
        let b = Mat::<f64, 3, 3>::from_fn(|i, j| value(bits[3 * i.min(j) + i.max(j)]));
        let e = dd::eigh_errors(&b, &eigh_3x3(&b).unwrap());
        prop_assert!(e.iter().all(|&e| e <= 8.0), "{e:?}");
    }
}
