//! Promises of the decompositions of many small matrices at once.
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

use eigenmote::linalg::{
    BatchError, Eigh, EighError, PackedEigh, PackedSvd, Svd, SvdError, eigh_batch, svd, svd_batch,
};
use eigenmote::{Mat, Scalar, rng};
use proptest::prelude::*;
use support::strategies::{FAMILIES, draw, normal, orthonormal, smallest_scale, symmetric};
use support::{bounds, dd};

fn descending<T: Scalar>(values: &[T]) -> bool {
    values.windows(2).all(|w| w[0] >= w[1])
}

fn loose<T: Scalar, const M: usize, const N: usize>(f: &PackedSvd<T, M, N>) -> Svd<T, M, N> {
    Svd { u: Mat::from_cols(f.u), s: f.s, v: Mat::from_cols(f.v), sweeps: 0 }
}

fn loose_eigh<T: Scalar, const N: usize>(f: &PackedEigh<T, N>) -> Eigh<T, N> {
    Eigh { eigenvalues: f.eigenvalues, eigenvectors: Mat::from_cols(f.eigenvectors) }
}

/// Matrices of all families in turn, so that those of one register are of different kinds.
fn svds<T: Scalar, const M: usize, const N: usize>(draws: u64) {
    let mut matrices = Vec::new();
    for seed in 0..draws {
        for family in FAMILIES {
            matrices.push(draw::<T, M, N>(family, &mut rng::seeded(seed)).cols);
        }
    }
    let mut out = vec![PackedSvd::default(); matrices.len()];
    svd_batch(&matrices, &mut out).unwrap();
    let mut worst = [0.0_f64; 3];
    for (i, (a, f)) in matrices.iter().zip(&out).enumerate() {
        assert!(descending(&f.s) && f.s[N - 1] >= T::ZERO, "matrix {i}: {:?}", f.s);
        let errors = dd::svd_errors(&Mat::from_cols(*a), &loose(f));
        assert!(errors.iter().all(|&e| e <= 8.0), "{M}x{N} matrix {i}: {errors:?} {a:?}");
        worst.iter_mut().zip(errors).for_each(|(w, e)| *w = w.max(e));
    }
    println!("{M}x{N}: residual, U, V in n·ε: {worst:.2?}");
}

#[test]
fn residual_and_orthogonality_hold_for_every_family() {
    svds::<f32, 2, 2>(400);
    svds::<f32, 3, 3>(200);
    svds::<f32, 4, 4>(100);
    svds::<f32, 5, 3>(60);
    svds::<f32, 8, 8>(20);
    svds::<f64, 1, 1>(10);
    svds::<f64, 2, 2>(400);
    svds::<f64, 3, 3>(200);
    svds::<f64, 4, 4>(100);
    svds::<f64, 8, 8>(20);
}

fn eighs<T: Scalar, const N: usize>(draws: u64) {
    let mut matrices = Vec::new();
    for seed in 0..draws {
        for family in FAMILIES {
            matrices.push(symmetric::<T, N>(family, seed).cols);
        }
    }
    let mut out = vec![PackedEigh::default(); matrices.len()];
    eigh_batch(&matrices, &mut out).unwrap();
    let mut worst = [0.0_f64; 2];
    for (i, (a, f)) in matrices.iter().zip(&out).enumerate() {
        assert!(descending(&f.eigenvalues), "matrix {i}: {:?}", f.eigenvalues);
        let errors = dd::eigh_errors(&Mat::from_cols(*a), &loose_eigh(f));
        assert!(errors.iter().all(|&e| e <= 8.0), "{N} matrix {i}: {errors:?} {a:?}");
        worst.iter_mut().zip(errors).for_each(|(w, e)| *w = w.max(e));
    }
    println!("{N}x{N}: residual, V in n·ε: {worst:.2?}");
}

#[test]
fn eigenvectors_hold_for_every_family() {
    eighs::<f32, 2>(400);
    eighs::<f32, 3>(200);
    eighs::<f32, 4>(100);
    eighs::<f32, 8>(20);
    eighs::<f64, 1>(10);
    eighs::<f64, 2>(400);
    eighs::<f64, 3>(200);
    eighs::<f64, 4>(100);
    eighs::<f64, 8>(20);
}

/// Every value of `B·D` is relatively accurate, as with `svd`.
fn graded<T: Scalar, const N: usize>(draws: u64) {
    let (mut matrices, mut exact) = (Vec::new(), Vec::new());
    for seed in 0..draws {
        let mut g = rng::seeded(3000 + seed);
        let (u, v) = (orthonormal::<T, N, N>(&mut g), orthonormal::<T, N, N>(&mut g));
        let s: Vec<f64> = (0..N).map(|_| 1.0 + 3.0 * rng::uniform::<f64>(&mut g)).collect();
        // Some within the reach of the registers, some far outside.
        let reach = rng::uniform::<f64>(&mut g);
        let d: Vec<f64> = (0..N)
            .map(|_| smallest_scale::<T>().powf(reach * rng::uniform::<f64>(&mut g)))
            .collect();
        let a = Mat::<T, N, N>::from_fn(|i, j| {
            let b =
                (0..N).map(|k| u.cols[k][i].to_f64() * s[k] * v.cols[k][j].to_f64()).sum::<f64>();
            T::from_f64(b * d[j])
        });
        exact.push(dd::singular_values(dd::columns::<T>(&a.cols)));
        matrices.push(a.cols);
    }
    let mut out = vec![PackedSvd::default(); matrices.len()];
    svd_batch(&matrices, &mut out).unwrap();
    let mut worst = 0.0_f64;
    for (f, exact) in out.iter().zip(&exact) {
        for (got, want) in f.s.iter().zip(exact) {
            worst = worst.max((got.to_f64() - want).abs() / want);
        }
    }
    println!(
        "{N}x{N}: worst relative error of a value: {:.2} n·ε",
        worst * 8.0 / bounds::rounding::<T>(N)
    );
    assert!(worst <= bounds::rounding::<T>(N));
}

#[test]
fn every_value_of_a_graded_matrix_is_relatively_accurate() {
    graded::<f32, 2>(600);
    graded::<f32, 4>(300);
    graded::<f32, 8>(60);
    graded::<f64, 2>(600);
    graded::<f64, 4>(300);
    graded::<f64, 8>(60);
}

/// Zeros have the sign of nothing: bits are compared.
fn bits<T: Scalar>(values: &[T]) -> Vec<u64> {
    values.iter().map(|v| v.bits()).collect()
}

fn neighbours<T: Scalar, const N: usize>() {
    let matrices: Vec<_> = (0..53)
        .map(|seed| draw::<T, N, N>(FAMILIES[seed % 16], &mut rng::seeded(seed as u64)).cols)
        .collect();
    let mut whole = vec![PackedSvd::default(); matrices.len()];
    let mut whole_eigh = vec![PackedEigh::default(); matrices.len()];
    svd_batch(&matrices, &mut whole).unwrap();
    eigh_batch(&matrices, &mut whole_eigh).unwrap();
    for from in 0..20 {
        for to in from..=matrices.len() {
            let mut part = vec![PackedSvd::default(); to - from];
            svd_batch(&matrices[from..to], &mut part).unwrap();
            for (f, g) in part.iter().zip(&whole[from..to]) {
                assert_eq!(bits(f.u.as_flattened()), bits(g.u.as_flattened()));
                assert_eq!(bits(&f.s), bits(&g.s));
                assert_eq!(bits(f.v.as_flattened()), bits(g.v.as_flattened()));
            }
            let mut part = vec![PackedEigh::default(); to - from];
            eigh_batch(&matrices[from..to], &mut part).unwrap();
            for (f, g) in part.iter().zip(&whole_eigh[from..to]) {
                assert_eq!(bits(&f.eigenvalues), bits(&g.eigenvalues));
                assert_eq!(
                    bits(f.eigenvectors.as_flattened()),
                    bits(g.eigenvectors.as_flattened())
                );
            }
        }
    }
}

#[test]
fn a_result_depends_neither_on_its_place_nor_on_its_neighbours() {
    neighbours::<f32, 3>();
    neighbours::<f64, 2>();
}

#[test]
fn refused_matrices_are_named_and_the_others_are_done() {
    let good = normal::<f32, 3, 3>(&mut rng::seeded(1)).cols;
    let mut matrices = [good; 21];
    matrices[17][1][2] = f32::NAN;
    matrices[9][2][2] = f32::INFINITY;
    let mut out = [PackedSvd::default(); 21];
    let error = svd_batch(&matrices, &mut out).unwrap_err();
    assert_eq!(error, BatchError { index: 9, error: SvdError::NotFinite });
    assert_eq!(error.to_string(), "matrix 9 of the batch: the matrix has an infinite or NaN entry");
    let zero = PackedSvd::default();
    for (i, f) in out.iter().enumerate() {
        assert_eq!(*f, if i == 9 || i == 17 { zero } else { out[0] }, "{i}");
    }
    let mut out = [PackedEigh::default(); 21];
    let error = eigh_batch(&matrices, &mut out).unwrap_err();
    assert_eq!(error, BatchError { index: 9, error: EighError::NotFinite });
    assert!(out[17].eigenvalues == [0.0; 3] && out[20] == out[0]);

    let mut out = [PackedSvd::default(); 1];
    let overflow = svd_batch(&[[[f64::MAX; 2]; 2]], &mut out).unwrap_err();
    assert_eq!((overflow.index, overflow.error), (0, SvdError::Overflow));
}

#[test]
fn the_upper_triangle_is_not_read() {
    let mut a = symmetric::<f64, 4>(FAMILIES[0], 5).cols;
    let (mut f, mut g) = ([PackedEigh::default()], [PackedEigh::default()]);
    eigh_batch(&[a], &mut f).unwrap();
    a[3][1] = 1e30;
    a[2][0] = f64::NAN;
    eigh_batch(&[a], &mut g).unwrap();
    assert_eq!(f, g);
}

#[test]
fn no_matrices_are_no_work() {
    assert_eq!(svd_batch::<f32, 2, 2>(&[], &mut []), Ok(()));
    assert_eq!(eigh_batch::<f64, 3>(&[], &mut [PackedEigh::default()]), Ok(()));
}

proptest! {
    #[test]
    fn values_are_those_of_the_single_routine(
        matrices in proptest::collection::vec(any::<[[f32; 3]; 4]>(), 0..20),
    ) {
        let matrices: Vec<[[f32; 4]; 3]> = matrices
            .iter()
            .map(|rows| core::array::from_fn(|j| core::array::from_fn(|i| rows[i][j])))
            .collect();
        let mut out = vec![PackedSvd::default(); matrices.len()];
        let result = svd_batch(&matrices, &mut out);
        let mut first = Ok(());
        for (index, (a, f)) in matrices.iter().zip(&out).enumerate() {
            match svd(&Mat::from_cols(*a)) {
                Ok(single) => {
                    for (s, t) in f.s.iter().zip(single.s) {
                        prop_assert!((s - t).abs() <= 48.0 * f32::EPSILON * single.s[0]);
                    }
                }
                Err(error) => first = first.and(Err(BatchError { index, error })),
            }
        }
        prop_assert_eq!(result, first);
    }
}
