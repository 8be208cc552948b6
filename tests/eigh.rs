//! Promises of the symmetric eigen-decomposition.
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

use eigenmote::linalg::{EighError, eigenvalues, eigh, eigh_in_place, eigh_view};
use eigenmote::{Mat, MatMut, Scalar, rng};
use proptest::prelude::*;
use support::strategies::{FAMILIES, Family, orthonormal, symmetric};
use support::{bounds, dd};

fn every_family<T: Scalar, const N: usize>(draws: u64) {
    for family in FAMILIES {
        let mut worst = [0.0_f64; 2];
        for seed in 0..draws {
            let a = symmetric::<T, N>(family, seed);
            let f = eigh(&a).unwrap_or_else(|e| panic!("{family:?} {N} seed {seed}: {e}"));
            assert!(
                f.eigenvalues.windows(2).all(|w| w[0] >= w[1]),
                "{family:?} {N}: {:?}",
                f.eigenvalues
            );
            let e = dd::eigh_errors(&a, &f);
            worst = [worst[0].max(e[0]), worst[1].max(e[1])];
            // Without vectors the same rotations are made: the same bits.
            assert_eq!(eigenvalues(&a).unwrap(), f.eigenvalues, "{family:?} {N} seed {seed}");
        }
        println!("{family:?} {N}: residual, V in n·ulp: {worst:.2?}");
        assert!(worst.iter().all(|&w| w <= 8.0), "{family:?} {N}: {worst:?} n·ulp");
    }
}

macro_rules! families {
    ($($name:ident: $n:literal, $draws:literal;)*) => {$(
        #[test]
        fn $name() {
            every_family::<f32, $n>($draws);
            every_family::<f64, $n>($draws);
        }
    )*};
}
families! {
    residual_and_orthogonality_hold_at_1: 1, 20;
    residual_and_orthogonality_hold_at_2: 2, 200;
    residual_and_orthogonality_hold_at_3: 3, 200;
    residual_and_orthogonality_hold_at_4: 4, 100;
    residual_and_orthogonality_hold_at_7: 7, 60;
    residual_and_orthogonality_hold_at_16: 16, 12;
    residual_and_orthogonality_hold_at_33: 33, 3;
    residual_and_orthogonality_hold_at_64: 64, 1;
}

#[test]
fn chosen_eigenvalues_come_back() {
    for seed in 0..50 {
        let v = orthonormal::<f64, 6, 6>(&mut rng::seeded(seed));
        let want: [f64; 6] = [7.0, 2.5, 2.5, 0.0, -1.0, -20.0];
        let a = Mat::<f64, 6, 6>::from_fn(|i, j| {
            (0..6).map(|k| v.cols[k][i] * want[k] * v.cols[k][j]).sum()
        });
        for (got, want) in eigenvalues(&a).unwrap().iter().zip(want) {
            assert!((got - want).abs() <= bounds::rounding::<f64>(6) * 20.0_f64, "{got} {want}");
        }
    }
}

#[test]
fn only_the_lower_triangle_is_read() {
    let a = symmetric::<f64, 5>(Family::Random, 3);
    let junk = Mat::from_fn(|i, j| if i < j { f64::NAN } else { a.cols[j][i] });
    assert_eq!(eigh(&junk), eigh(&a));
}

#[test]
fn infinite_and_nan_entries_are_refused_and_change_nothing() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut a = symmetric::<f32, 4>(Family::Random, 1);
        a.cols[1][3] = bad;
        assert_eq!(eigh(&a), Err(EighError::NotFinite));
        let (before, mut values) = (a, [0.0; 4]);
        assert_eq!(eigh_in_place(&mut a, &mut values), Err(EighError::NotFinite));
        assert!(
            a.as_slice().iter().zip(before.as_slice()).all(|(x, y)| x.to_bits() == y.to_bits())
        );
    }
    assert_eq!(eigh(&Mat::<f64, 3, 3>::from_cols([[f64::MAX; 3]; 3])), Err(EighError::Overflow));
}

#[test]
fn run_time_sizes_give_the_same_bits() {
    let a = symmetric::<f32, 9>(Family::Random, 8);
    let f = eigh(&a).unwrap();
    let (mut b, mut values, mut work) = (a, [0.0; 9], [0.0; 9]);
    eigh_view(&mut b.view_mut(), &mut values, &mut work).unwrap();
    assert_eq!((b, values), (f.eigenvectors, f.eigenvalues));
    let mut short = [0.0; 8];
    assert_eq!(eigh_view(&mut b.view_mut(), &mut short, &mut work), Err(EighError::WrongLength));
    let mut wide = MatMut::new(&mut values, 1, 9).unwrap();
    assert_eq!(eigh_view(&mut wide, &mut short, &mut work), Err(EighError::WrongLength));
}

#[test]
fn scaling_by_a_power_of_two_scales_the_values_bit_for_bit() {
    for seed in 0..20 {
        let a = symmetric::<f32, 6>(Family::Random, seed);
        let f = eigh(&a).unwrap();
        for k in [-50, -1, 4, 60] {
            let g = eigh(&Mat::from_fn(|i, j| a.cols[j][i].scale_exp2(k))).unwrap();
            assert_eq!(
                (g.eigenvectors, g.eigenvalues),
                (f.eigenvectors, f.eigenvalues.map(|v| v.scale_exp2(k)))
            );
        }
    }
}

#[test]
fn entries_that_become_subnormal_leave_the_vectors_orthogonal() {
    // Lower triangles in rows. Scaled by the largest entry, some couplings keep a few digits only,
    // and a length rounded to those would make a rotation or reflection that is none.
    for bits in [
        [0, 0, 2_105_540_607, 335_544_321, 0, 0, 2_483_027_969, 0, 0, 1_434_451_968],
        [0, 2_147_483_648, 0, 780_140_545, 1_954_545_664, 0, 696_254_465, 0, 0, 0],
    ] {
        let a = from_bits(bits);
        let e = dd::eigh_errors(&a, &eigh(&a).unwrap());
        assert!(e.iter().all(|&e| e <= 8.0), "{e:?}");
    }
}

/// The symmetric matrix with these bits as its lower triangle in rows; the largest eighth of the
/// range may overflow by itself.
fn from_bits(bits: [u32; 10]) -> Mat<f32, 4, 4> {
    Mat::from_fn(|i, j| {
        let v = f32::from_bits(bits[i.max(j) * (i.max(j) + 1) / 2 + i.min(j)]);
        if v.is_finite() && v.abs() < f32::MAX / 16.0 { v } else { 1.0 }
    })
}

proptest! {
    #[test]
    fn values_agree_with_nalgebra(x in prop::collection::vec(-1.0..1.0_f64, 49)) {
        let a = Mat::<f64, 7, 7>::from_fn(|i, j| x[7 * i.min(j) + i.max(j)]);
        let mut want: Vec<f64> =
            nalgebra::SMatrix::<f64, 7, 7>::from_column_slice(a.as_slice()).symmetric_eigenvalues().iter().copied().collect();
        want.sort_by(|a, b| b.total_cmp(a));
        let scale = want[0].abs().max(want[6].abs());
        for (got, want) in eigenvalues(&a).unwrap().iter().zip(&want) {
            prop_assert!((got - want).abs() <= bounds::rounding::<f64>(7) * scale);
        }
    }

    #[test]
    fn any_finite_bits_are_solved(bits in prop::array::uniform10(any::<u32>())) {
        let a = from_bits(bits);
        let f = eigh(&a).unwrap();
        prop_assert!(dd::eigh_errors(&a, &f).iter().all(|&e| e <= 8.0), "{:?}", dd::eigh_errors(&a, &f));
    }
}
