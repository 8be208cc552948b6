//! Promises of the truncated SVD.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs
)]

mod support;

use std::time::Instant;

use eigenmote::linalg::truncated::{
    Info, Options, Triplets, TruncatedError, truncated_svd, workspace_len,
};
use eigenmote::linalg::{Centered, Csr, Implicit, LinearOperator};
use eigenmote::{Mat, MatMut, MatRef, Scalar, rng};
use proptest::prelude::*;
use support::{bounds, oracle};

struct Result<T> {
    u: Vec<T>,
    s: Vec<T>,
    v: Vec<T>,
    residuals: Vec<T>,
    info: Info<T>,
}

fn run<T: Scalar>(
    a: &impl LinearOperator<T>,
    options: &Options<T>,
) -> std::result::Result<Result<T>, TruncatedError> {
    run_from(a, vec![T::ZERO; a.cols() * options.rank], options)
}

fn run_from<T: Scalar>(
    a: &impl LinearOperator<T>,
    mut v: Vec<T>,
    options: &Options<T>,
) -> std::result::Result<Result<T>, TruncatedError> {
    let k = options.rank;
    let mut work = vec![T::ZERO; workspace_len(a.rows(), a.cols(), options)];
    let mut u = vec![T::ZERO; a.rows() * k];
    let (mut s, mut residuals) = (vec![T::ZERO; k], vec![T::ZERO; k]);
    let mut out = Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
    let info = truncated_svd(a, &mut out, &mut work, options)?;
    Ok(Result { u, s, v, residuals, info })
}

/// Everything that is promised of a converged result for a dense matrix.
fn check_as<T: Scalar, const M: usize, const N: usize>(a: &Mat<T, M, N>, options: &Options<T>) {
    let all = oracle::singular_values(a);
    let f = run(a, options).unwrap();
    let k = options.rank;
    let rounding = bounds::rounding::<T>(M + N);
    assert!(f.info.converged, "{:?} {:?}", f.info, f.s);
    for i in 0..k {
        let (u, v) = (&f.u[i * M..(i + 1) * M], &f.v[i * N..(i + 1) * N]);
        let error = (f.s[i].to_f64() - all[i]).abs();
        let allowed = bounds::iterated_value::<T>(M + N) * all[0];
        assert!(error <= allowed, "{i}: {} for {}, allowed {allowed}", f.s[i], all[i]);
        let residual = oracle::triplet_residual(a, u, f.s[i], v);
        assert!((residual - f.residuals[i].to_f64()).abs() <= rounding * all[0]);
        assert!(f.s[i] >= T::ZERO && (i == 0 || f.s[i - 1] >= f.s[i]));
    }
    let (mut u, mut v) = (f.u, f.v);
    let orthogonal = bounds::rounding::<T>(20.max(k));
    assert!(oracle::orthogonality(&MatMut::new(&mut u, M, k).unwrap()) <= orthogonal);
    assert!(oracle::orthogonality(&MatMut::new(&mut v, N, k).unwrap()) <= orthogonal);
    let tail = f.info.tail.unwrap();
    let exact = all[k..].iter().map(|s| s * s).sum::<f64>().sqrt();
    let slack = rounding * all[0];
    assert!(tail.lower.to_f64() <= exact + slack, "{tail:?} {exact}");
    assert!(tail.upper.to_f64() + slack >= exact, "{tail:?} {exact}");
    assert!(tail.lower <= tail.norm && tail.norm <= tail.upper);
}

fn check<T: Scalar, const M: usize, const N: usize>(a: &Mat<T, M, N>, k: usize) {
    check_as(a, &Options::new(k));
    // A basis that is too small for the whole spectrum has to restart.
    check_as(a, &Options { basis: k + 2, block: 2, max_restarts: 10_000, ..Options::new(k) });
}

fn random<T: Scalar, const M: usize, const N: usize>(seed: u64) -> Mat<T, M, N> {
    let mut rng = rng::seeded(seed);
    Mat::from_fn(|_, _| rng::normal(&mut rng))
}

/// `H·diag(d)·G` with reflections `H` and `G`.
fn with_values<T: Scalar, const M: usize, const N: usize>(d: &[f64]) -> Mat<T, M, N> {
    let h = |n: usize, i: usize, j: usize| f64::from(i == j) - 2.0 / n as f64;
    Mat::from_fn(|i, j| {
        T::from_f64(d.iter().enumerate().map(|(k, d)| h(M, i, k) * d * h(N, k, j)).sum())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn leading_triplets_agree_with_a_full_decomposition(seed in any::<u64>(), k in 1..=7_usize) {
        check(&random::<f64, 40, 24>(seed), k);
        check(&random::<f64, 24, 40>(seed), k);
        check(&random::<f32, 13, 13>(seed), k);
        check(&random::<f32, 7, 30>(seed), k);
    }

    #[test]
    fn all_triplets_are_found_when_all_are_asked_for(seed in any::<u64>()) {
        check(&random::<f64, 16, 16>(seed), 16);
        check(&random::<f64, 5, 9>(seed), 5);
        check(&random::<f32, 9, 5>(seed), 5);
        check(&random::<f32, 1, 6>(seed), 1);
        check(&random::<f32, 6, 1>(seed), 1);
        check(&random::<f32, 1, 1>(seed), 1);
    }

    #[test]
    fn powers_of_two_scale_the_values_bit_for_bit(seed in any::<u64>(), e in -900..900_i32) {
        let a = random::<f64, 12, 9>(seed);
        let scaled = Mat::<_, 12, 9>::from_fn(|i, j| a.cols[j][i].scale_exp2(e));
        let options = Options::new(3);
        let (one, two) = (run(&a, &options).unwrap(), run(&scaled, &options).unwrap());
        prop_assert_eq!(one.s.iter().map(|s| s.scale_exp2(e)).collect::<Vec<_>>(), two.s);
        prop_assert_eq!((one.u, one.v), (two.u, two.v));
        let tail = one.info.tail.unwrap();
        prop_assert_eq!(tail.norm.scale_exp2(e), two.info.tail.unwrap().norm);
    }

    #[test]
    fn operators_multiply_like_the_matrices_they_stand_for(seed in any::<u64>()) {
        let mut rng = rng::seeded(seed);
        let dense = Mat::<f64, 6, 4>::from_fn(|_, _| {
            let x: f64 = rng::normal(&mut rng);
            if x > 0.5 { x } else { 0.0 }
        });
        let (mut row_ptr, mut col_idx, mut values) = (vec![0], vec![], vec![]);
        for i in 0..6 {
            for j in 0..4 {
                if dense.cols[j][i] != 0.0 {
                    col_idx.push(j as u32);
                    values.push(dense.cols[j][i]);
                }
            }
            row_ptr.push(values.len() as u32);
        }
        let sparse = Csr::new(6, 4, &row_ptr, &col_idx, &values).unwrap();
        let mean = dense.cols.map(|c| c.iter().sum::<f64>() / 6.0);
        let explicit = Mat::<f64, 6, 4>::from_fn(|i, j| dense.cols[j][i] - mean[j]);
        let centered = Centered { operator: &sparse, mean: &mean };
        let implicit = Implicit {
            rows: 6,
            cols: 4,
            apply: |x: &[f64], y: &mut [f64]| sparse.apply(x, y),
            apply_transposed: |x: &[f64], y: &mut [f64]| sparse.apply_transposed(x, y),
        };
        let view = MatRef::new(dense.as_slice(), 6, 4).unwrap();
        let (x, z) = ([0.5, -1.0, 2.0, 0.25], [1.0, 2.0, -3.0, 0.5, -0.25, 1.0]);
        let same = |a: &dyn LinearOperator<f64>, b: &Mat<f64, 6, 4>| {
            let (mut y, mut w) = ([7.0; 6], [7.0; 4]);
            a.apply(&x, &mut y);
            a.apply_transposed(&z, &mut w);
            let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-13);
            // Many vectors at a time get the bits of each.
            let scaled: [f64; 14] = core::array::from_fn(|k| 0.75 * k as f64 - 2.0);
            let many = |x: &[f64]| -> Vec<f64> {
                scaled.iter().flat_map(|s| x.iter().map(move |x| s * x)).collect()
            };
            let (mut ys, mut ws) = ([7.0; 6 * 14], [7.0; 4 * 14]);
            a.apply_block(&many(&x), &mut ys);
            a.apply_transposed_block(&many(&z), &mut ws);
            let alike = scaled.iter().enumerate().all(|(k, s)| {
                let (mut y, mut w) = ([7.0; 6], [7.0; 4]);
                a.apply(&x.map(|x| s * x), &mut y);
                a.apply_transposed(&z.map(|z| s * z), &mut w);
                y == ys[6 * k..6 * k + 6] && w == ws[4 * k..4 * k + 4]
            });
            (a.rows(), a.cols()) == (6, 4)
                && close(&y, &b.mul_vec(&x))
                && close(&w, &b.tr_mul_vec(&z))
                && alike
        };
        prop_assert!(same(&dense, &dense) && same(&view, &dense) && same(&sparse, &dense));
        prop_assert!(same(&implicit, &dense) && same(&centered, &explicit));
        prop_assert!((sparse.frobenius_squared(0).unwrap() - dense.frobenius().powi(2)).abs() < 1e-12);
    }
}

#[test]
fn a_block_of_products_has_the_bits_of_each() {
    const M: usize = 601;
    const N: usize = 9;
    let a = random::<f64, M, N>(3);
    let (x, y) = (random::<f64, N, 5>(4), random::<f64, M, 5>(5));
    let (mut ax, mut aty) = (vec![1.0; M * 5], vec![1.0; N * 5]);
    a.apply_block(x.as_slice(), &mut ax);
    a.apply_transposed_block(y.as_slice(), &mut aty);
    for k in 0..5 {
        let (mut one, mut other) = ([0.0; M], [0.0; N]);
        a.apply(&x.cols[k], &mut one);
        a.apply_transposed(&y.cols[k], &mut other);
        assert_eq!(one, ax[M * k..M * (k + 1)]);
        assert_eq!(other, aty[N * k..N * (k + 1)]);
    }
}

#[test]
fn hard_spectra_are_decomposed() {
    fn all<T: Scalar>() {
        for d in [
            &[0.0; 8][..],
            &[1.0; 8],
            &[5.0, 5.0, 5.0, 1.0, 1.0, 1.0, 0.5, 0.0],
            &[3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            &[2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            &[1.0, 1e-3, 1e-6, 1e-9, 1e-12, 1e-15, 1e-18, 1e-21],
            &[1.0, 1.0 - 1e-12, 1.0 - 2e-12, 0.5, 0.5, 0.5, 0.5, 0.5],
        ] {
            for k in [1, 3, 8] {
                check_as(&with_values::<T, 8, 8>(d), &Options::new(k));
                check_as(&with_values::<T, 20, 8>(d), &Options::new(k));
                check_as(&with_values::<T, 8, 20>(d), &Options::new(k));
            }
        }
    }
    all::<f32>();
    all::<f64>();
}

#[test]
fn structured_matrices_are_decomposed() {
    // The last of seven basis vectors loses three digits to cancellation here.
    check(&random::<f32, 7, 30>(17_864_209_334_577_958_701), 7);
    let hilbert = Mat::<f64, 24, 24>::from_fn(|i, j| 1.0 / (i + j + 1) as f64);
    check(&hilbert, 5);
    let difference = Mat::<f64, 30, 30>::from_fn(|i, j| match i.abs_diff(j) {
        0 => 2.0,
        1 => -1.0,
        _ => 0.0,
    });
    check(&difference, 4);
    check(&Mat::<f64, 30, 30>::identity(), 4);
    // Only one row and one column are not zero.
    let arrow = Mat::<f32, 25, 15>::from_fn(|i, j| if i == 3 || j == 7 { 1.0 } else { 0.0 });
    check(&arrow, 3);
}

#[test]
fn both_ends_of_the_range_are_served() {
    fn all<T: Scalar>() {
        let a = with_values::<T, 9, 6>(&[3.0, 2.0, 1.0, 0.5, 0.25, 0.125]);
        let plain = run(&a, &Options::new(3)).unwrap();
        for e in [T::MAX_EXP - 2, T::MIN_EXP + 4] {
            let scaled = Mat::<T, 9, 6>::from_fn(|i, j| a.cols[j][i].scale_exp2(e));
            let f = run(&scaled, &Options::new(3)).unwrap();
            assert!(f.info.converged);
            for (s, t) in f.s.iter().zip(&plain.s) {
                let error = (s.scale_exp2(-e).to_f64() - t.to_f64()).abs();
                assert!(error <= 3.0 * bounds::rounding::<T>(15), "{error}");
            }
        }
        // Entries of a few units in the last place of the smallest number.
        let unit = T::MIN_POSITIVE * T::EPSILON;
        let tiny =
            Mat::<T, 3, 3>::from_fn(
                |i, j| if i == j { unit * T::from_usize(4 - i) } else { T::ZERO },
            );
        let f = run(&tiny, &Options::new(2)).unwrap();
        assert_eq!(f.s, [unit * T::from_usize(4), unit * T::from_usize(3)]);
        let full = Mat::<T, 4, 4>::from_fn(|_, _| T::MAX);
        assert_eq!(run(&full, &Options::new(1)).map(|f| f.s), Err(TruncatedError::Overflow));
    }
    all::<f32>();
    all::<f64>();
}

#[test]
fn operators_with_infinite_or_nan_products_are_refused() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for at in 0..12 {
            let mut a = random::<f32, 4, 3>(1);
            a.as_mut_slice()[at] = bad;
            assert_eq!(run(&a, &Options::new(2)).map(|f| f.s), Err(TruncatedError::NotFinite));
        }
    }
    // Only the product in the other direction is bad.
    let a = Implicit {
        rows: 3,
        cols: 3,
        apply: |_: &[f32], y: &mut [f32]| y.fill(f32::NAN),
        apply_transposed: |x: &[f32], y: &mut [f32]| y.copy_from_slice(x),
    };
    assert_eq!(run(&a, &Options::new(1)).map(|f| f.s), Err(TruncatedError::NotFinite));
    let start = Options { warm_start: true, ..Options::new(1) };
    let a = Mat::<f32, 3, 3>::identity();
    let result = run_from(&a, vec![1.0, f32::NAN, 0.0], &start).map(|f| f.s);
    assert_eq!(result, Err(TruncatedError::NotFinite));
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let a = Mat::<f64, 4, 3>::identity();
    assert_eq!(run(&a, &Options::new(0)).map(|f| f.s), Err(TruncatedError::Rank));
    assert_eq!(run(&a, &Options::new(4)).map(|f| f.s), Err(TruncatedError::Rank));
    let options = Options::new(2);
    let need = workspace_len(4, 3, &options);
    for (u, s, v, r, w) in [
        (7, 2, 6, 2, need),
        (8, 1, 6, 2, need),
        (8, 2, 7, 2, need),
        (8, 2, 6, 3, need),
        (8, 2, 6, 2, need - 1),
    ] {
        let (mut u, mut s, mut v) = (vec![0.0; u], vec![0.0; s], vec![0.0; v]);
        let mut residuals = vec![0.0; r];
        let mut out = Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
        let result = truncated_svd(&a, &mut out, &mut vec![0.0; w], &options);
        assert_eq!(result, Err(TruncatedError::WrongLength));
    }
    assert_eq!(workspace_len(usize::MAX, usize::MAX, &options), usize::MAX);
}

#[test]
fn a_cap_that_is_reached_returns_the_best_with_its_true_residuals() {
    let a = random::<f64, 60, 50>(3);
    let options = Options { basis: 4, max_restarts: 2, ..Options::new(2) };
    let f = run(&a, &options).unwrap();
    assert!(!f.info.converged && f.info.restarts == 2);
    let all = oracle::singular_values(&a);
    for i in 0..2 {
        let (u, v) = (&f.u[60 * i..60 * (i + 1)], &f.v[50 * i..50 * (i + 1)]);
        let residual = oracle::triplet_residual(&a, u, f.s[i], v);
        assert!((residual - f.residuals[i]).abs() <= bounds::rounding::<f64>(110) * all[0]);
        let near = all.iter().any(|s| (s - f.s[i]).abs() <= residual);
        assert!(near, "{} of {all:?}", f.s[i]);
    }
    let never = Options { tolerance: Some(0.0), max_restarts: 5, ..Options::new(3) };
    assert!(run(&a, &never).unwrap().info.restarts <= 5);
}

#[test]
fn extreme_options_are_brought_into_range() {
    let a = random::<f64, 12, 10>(4);
    let all = oracle::singular_values(&a);
    for (block, basis) in
        [(0, 0), (usize::MAX, 0), (0, usize::MAX), (usize::MAX, usize::MAX), (1, 1), (10, 3)]
    {
        let options = Options { block, basis, max_restarts: 10_000, ..Options::new(2) };
        let f = run(&a, &options).unwrap();
        assert!(f.info.converged, "{block} {basis} {:?}", f.info);
        assert!((f.s[0] - all[0]).abs() <= bounds::iterated_value::<f64>(22) * all[0]);
    }
    let nan = Options { tolerance: Some(f64::NAN), ..Options::new(2) };
    assert_eq!(run(&a, &nan).unwrap().info.restarts, 0);
}

#[test]
fn a_warm_start_needs_fewer_products() {
    let a = with_values::<f64, 200, 120>(&(0..100).map(|k| 0.97_f64.powi(k)).collect::<Vec<_>>());
    let cold = run(&a, &Options::new(4)).unwrap();
    let mut b = a;
    b.cols[0][0] += 1e-7;
    let warm = Options { warm_start: true, ..Options::new(4) };
    let again = run_from(&b, cold.v.clone(), &warm).unwrap();
    assert!(cold.info.converged && again.info.converged);
    assert!(again.info.applies < cold.info.applies, "{:?} {:?}", again.info, cold.info);
}

#[test]
fn principal_components_need_no_centred_copy() {
    let data = random::<f64, 50, 6>(9);
    let data = Mat::<f64, 50, 6>::from_fn(|i, j| data.cols[j][i] * (j + 1) as f64 + 100.0);
    let mean = data.cols.map(|c| c.iter().sum::<f64>() / 50.0);
    let centred = Mat::<f64, 50, 6>::from_fn(|i, j| data.cols[j][i] - mean[j]);
    let f = run(&Centered { operator: &data, mean: &mean }, &Options::new(3)).unwrap();
    let all = oracle::singular_values(&centred);
    for (s, t) in f.s.iter().zip(&all) {
        // Rounding is relative to the data, which the mean dominates.
        assert!((s - t).abs() <= bounds::rounding::<f64>(56) * data.frobenius());
    }
    assert!(f.info.converged && f.info.tail.is_none());
}

/// A sparse matrix of `10×10` blocks `σ_b·x·yᵀ` with unit vectors, rows and columns shuffled: its
/// singular values are the `σ_b`.
struct Blocks {
    row_ptr: Vec<u32>,
    col_idx: Vec<u32>,
    values: Vec<f64>,
}

fn blocks(n: usize, sigma: impl Fn(usize) -> f64) -> Blocks {
    let mut rng = rng::seeded(5);
    let mut shuffled = || {
        let mut p: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            p.swap(i, (rng::uniform::<f64>(&mut rng) * (i + 1) as f64) as usize);
        }
        p
    };
    let (rows, cols) = (shuffled(), shuffled());
    let mut units = vec![[0.0_f64; 10]; 2 * n / 10];
    for unit in &mut units {
        rng::fill_normal(&mut rng, unit);
        let length = unit.iter().map(|x| x * x).sum::<f64>().sqrt();
        *unit = unit.map(|x| x / length);
    }
    let mut out = Blocks { row_ptr: vec![0], col_idx: vec![], values: vec![] };
    let mut place = vec![0; n];
    for (at, &row) in rows.iter().enumerate() {
        place[row] = at;
    }
    for at in place {
        let (block, i) = (at / 10, at % 10);
        let mut entries: Vec<(u32, f64)> = (0..10)
            .map(|j| {
                let value = sigma(block) * units[2 * block][i] * units[2 * block + 1][j];
                (cols[10 * block + j] as u32, value)
            })
            .collect();
        entries.sort_by_key(|e| e.0);
        for (j, value) in entries {
            out.col_idx.push(j);
            out.values.push(value);
        }
        out.row_ptr.push(out.values.len() as u32);
    }
    out
}

#[test]
fn a_large_sparse_matrix_gives_its_known_spectrum() {
    let n = if cfg!(debug_assertions) { 2_000 } else { 100_000 };
    // Slow decay: the tenth and eleventh value differ by 4 %, and 10⁴ more values follow.
    let sigma = |b: usize| 1000.0 / (b as f64 + 1.0).sqrt();
    let m = blocks(n, sigma);
    let a = Csr::new(n, n, &m.row_ptr, &m.col_idx, &m.values).unwrap();
    let start = Instant::now();
    let f = run(&a, &Options { tolerance: Some(1e-8), ..Options::new(10) }).unwrap();
    println!(
        "{n} x {n}, {} entries, rank 10: {:.2?}, residual {:.1e}, {} products, {} restarts",
        m.values.len(),
        start.elapsed(),
        f.info.residual,
        f.info.applies,
        f.info.restarts
    );
    assert!(f.info.converged);
    for (b, s) in f.s.iter().enumerate() {
        assert!((s - sigma(b)).abs() <= 1e-8 * sigma(0), "{b}: {s} for {}", sigma(b));
    }
    let exact = (10..n / 10).map(|b| sigma(b) * sigma(b)).sum::<f64>().sqrt();
    let tail = f.info.tail.unwrap();
    assert!((tail.norm - exact).abs() <= 1e-9 * exact, "{tail:?} {exact}");
    assert!(tail.lower <= exact && exact <= tail.upper);
}
