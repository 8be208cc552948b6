//! Promises of the QR factorisation with column pivoting.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod support;

use eigenmote::linalg::{QrError, qr};
use eigenmote::{Mat, Scalar, rng};
use support::strategies::{FAMILIES, Family, draw, normal};
use support::{bounds, dd};

/// Worst error of a column of `Q·R` relative to that column's own length, in units of `n·ulp`.
fn column_error<T: Scalar, const M: usize, const N: usize>(a: &Mat<T, M, N>) -> f64 {
    let f = qr(a).unwrap();
    let (q, r) = (dd::columns::<T>(&f.q().cols), f.r());
    let mut worst = 0.0_f64;
    for (k, &p) in f.permutation().iter().enumerate() {
        let col = &a.cols[p as usize];
        let e = col.iter().fold(T::ZERO, |m, v| m.max(v.abs())).exponent();
        let ulp = (T::EPSILON.to_f64())
            .max(T::EPSILON.to_f64() * (T::MIN_POSITIVE.to_f64() / 2f64.powi(e).max(5e-324)));
        let (mut error, mut total) = (0.0, 0.0);
        for i in 0..M {
            let sum = (0..N.min(M)).fold(dd::Dd::ZERO, |acc, j| {
                acc + q[j][i] * dd::Dd::from(r.cols[k][j].scale_exp2(-e).to_f64())
            });
            let want = dd::Dd::from(col[i].scale_exp2(-e).to_f64());
            error += (want - sum).hi.powi(2);
            total += want.hi * want.hi;
        }
        if total > 0.0 {
            worst = worst.max((error / total).sqrt() / (N as f64 * ulp));
        }
    }
    worst
}

fn every_family<T: Scalar, const M: usize, const N: usize>() {
    let mut worst = 0.0_f64;
    for family in FAMILIES {
        if M < N && matches!(family, Family::Repeated | Family::Orthogonal) {
            continue; // built from tall orthonormal factors
        }
        for seed in 0..30 {
            let a = draw::<T, M, N>(family, &mut rng::seeded(seed));
            let error = column_error(&a);
            worst = worst.max(error);
            assert!(error <= 8.0, "{family:?} {M}x{N} seed {seed}: {error} n·ulp");
            let f = qr(&a).unwrap();
            let thin = M.min(N);
            let q: Vec<_> = dd::columns::<T>(&f.q().cols).into_iter().take(thin).collect();
            assert!(dd::orthogonality(&q) <= bounds::rounding::<T>(thin));
            let r = f.r();
            let diagonal: Vec<T> = (0..f.rank()).map(|k| r.cols[k][k].abs()).collect();
            assert!(diagonal.iter().all(|&d| d > T::ZERO));
        }
    }
    println!("{M}x{N}: worst error of a column {worst:.2} n·ulp");
}

#[test]
fn every_column_is_rebuilt_to_its_own_scale() {
    every_family::<f32, 7, 7>();
    every_family::<f64, 7, 7>();
    every_family::<f64, 12, 5>();
    every_family::<f32, 4, 6>();
    every_family::<f64, 1, 3>();
    every_family::<f32, 3, 1>();
}

#[test]
fn the_diagonal_descends() {
    for seed in 0..50 {
        let r = qr(&normal::<f64, 9, 6>(&mut rng::seeded(seed))).unwrap().r();
        for k in 1..6 {
            assert!(r.cols[k][k].abs() <= r.cols[k - 1][k - 1].abs() * (1.0 + 1e-14));
        }
    }
}

#[test]
fn the_rank_is_found() {
    for rank in 1..=5 {
        let mut g = rng::seeded(rank as u64);
        let (x, y) = (normal::<f64, 9, 5>(&mut g), normal::<f64, 6, 5>(&mut g));
        let a =
            Mat::<f64, 9, 6>::from_fn(|i, j| (0..rank).map(|k| x.cols[k][i] * y.cols[k][j]).sum());
        assert_eq!(qr(&a).unwrap().rank(), rank);
    }
}

#[test]
fn least_squares_matches_nalgebra() {
    for seed in 0..50 {
        let mut g = rng::seeded(seed);
        let (a, b) = (normal::<f64, 9, 4>(&mut g), normal::<f64, 9, 1>(&mut g).cols[0]);
        let x = qr(&a).unwrap().solve(&b).unwrap();
        let na = nalgebra::SMatrix::<f64, 9, 4>::from_column_slice(a.as_slice());
        let want = (na.transpose() * na).try_inverse().unwrap()
            * na.transpose()
            * nalgebra::SVector::from(b);
        for (x, w) in x.iter().zip(want.iter()) {
            assert!((x - w).abs() < 1e-11 * want.norm().max(1.0));
        }
        // The residual is orthogonal to every column.
        let ax = a.mul_vec(&x);
        let r: [f64; 9] = core::array::from_fn(|i| b[i] - ax[i]);
        assert!(a.tr_mul_vec(&r).iter().all(|v| v.abs() < 1e-13));
    }
}

#[test]
fn qt_undoes_q() {
    let a = draw::<f32, 8, 5>(Family::Random, &mut rng::seeded(2));
    let f = qr(&a).unwrap();
    let x = normal::<f32, 8, 1>(&mut rng::seeded(3)).cols[0];
    let mut y = x;
    f.apply_q(&mut y);
    f.apply_q_transposed(&mut y);
    assert!(x.iter().zip(y).all(|(x, y)| (x - y).abs() < 4e-6));
}

#[test]
fn infinite_and_nan_entries_are_refused() {
    for bad in [f64::NAN, f64::INFINITY] {
        let mut a = Mat::<f64, 3, 3>::identity();
        a.cols[2][0] = bad;
        assert_eq!(qr(&a), Err(QrError::NotFinite));
        let f = qr(&Mat::<f64, 3, 3>::identity()).unwrap();
        assert_eq!(f.solve(&[1.0, bad, 0.0]), Err(QrError::NotFinite));
    }
}

#[test]
fn results_that_do_not_fit_the_type_are_errors() {
    assert_eq!(qr(&Mat::from_cols([[f64::MAX; 2]])), Err(QrError::Overflow));
    let f = qr(&Mat::from_rows(&[[1e-300, 0.0], [0.0, 1.0]])).unwrap();
    assert_eq!(f.solve(&[1e300, 1.0]), Err(QrError::Overflow));
    // The length of the right side is not representable, the solution is.
    let f = qr(&Mat::from_rows(&[[1.0_f64, 0.0], [0.0, 2.0]])).unwrap();
    let x = f.solve(&[1.7e308, 1.7e308]).unwrap();
    assert!((x[0] - 1.7e308).abs() < 1e293 && (x[1] - 8.5e307).abs() < 1e293, "{x:?}");
}
