//! Matrices from raw bytes: the decomposition ends, and what it returns is one.
#![no_main]

use eigenmote::linalg::svd::MAX_SWEEPS;
use eigenmote::linalg::{SvdError, SvdState, singular_values, svd};
use eigenmote::{Mat, Scalar, simd};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&shape, data)) = data.split_first() else { return };
    match shape % 8 {
        0 => check::<f32, 1, 1>(data, f32_from),
        1 => check::<f32, 3, 3>(data, f32_from),
        2 => check::<f32, 7, 4>(data, f32_from),
        3 => check::<f32, 6, 6>(data, f32_from),
        4 => check::<f64, 2, 2>(data, f64_from),
        5 => check::<f64, 5, 5>(data, f64_from),
        6 => check::<f64, 9, 3>(data, f64_from),
        _ => check::<f64, 4, 4>(data, f64_from),
    }
});

fn f32_from(bytes: [u8; 8]) -> f32 {
    f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn f64_from(bytes: [u8; 8]) -> f64 {
    f64::from_le_bytes(bytes)
}

fn check<T: Scalar, const M: usize, const N: usize>(data: &[u8], number: fn([u8; 8]) -> T) {
    let mut numbers = data.chunks(size_of::<T>()).map(|chunk| {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        number(bytes)
    });
    let a = Mat::<T, M, N>::from_fn(|_, _| numbers.next().unwrap_or(T::ZERO));

    let whole = svd(&a);
    let mut state = SvdState::new(&a);
    while !state.step(3) {}
    let stepped = state.finish();
    let f = match (whole, stepped) {
        (Ok(f), Ok(g)) => {
            assert!(f == g, "one call and steps differ");
            f
        }
        (Err(e), Err(other)) => {
            assert_eq!(e, other, "one call and steps differ");
            match e {
                SvdError::NotFinite => assert!(!a.is_finite()),
                SvdError::Overflow => {
                    let bound = T::MAX.scale_exp2(-4) / T::from_usize(M * N);
                    assert!(simd::max_abs(a.as_slice()) > bound, "overflow of {a:?}");
                }
                e => panic!("{e} for {a:?}"),
            }
            return;
        }
        pair => panic!("one call and steps differ: {pair:?}"),
    };
    assert!(a.is_finite() && f.sweeps <= MAX_SWEEPS);
    assert!(f.s.iter().all(|&s| s >= T::ZERO && s.is_finite()) && f.s.is_sorted_by(|x, y| x >= y));

    let eps = 8.0 * N as f64 * T::EPSILON.to_f64();
    orthonormal(&f.u, eps);
    orthonormal(&f.v, eps);
    // In double precision and in units of the largest entry, with room for subnormal results.
    let unit = simd::max_abs(a.as_slice()).to_f64();
    let least = (T::MIN_POSITIVE * T::EPSILON).to_f64();
    let (mut error, mut size) = (0.0, 0.0);
    for (i, j) in (0..M).flat_map(|i| (0..N).map(move |j| (i, j))) {
        let entry = a.cols[j][i].to_f64() / unit;
        let product =
            |k: usize| f.u.cols[k][i].to_f64() * (f.s[k].to_f64() / unit) * f.v.cols[k][j].to_f64();
        let residual = entry - (0..N).map(product).sum::<f64>();
        error += residual * residual;
        size += entry * entry;
    }
    if unit > 0.0 {
        let bound = eps * size.sqrt() + (M * N) as f64 * least / unit;
        assert!(error.sqrt() <= bound, "residual {} above {bound} for {a:?}", error.sqrt());
    }

    let values = singular_values(&a).expect("the values exist where the factors do");
    for (x, y) in values.iter().zip(&f.s) {
        let (x, y) = (x.to_f64(), y.to_f64());
        assert!((x - y).abs() <= eps * f.s[0].to_f64() + least, "{x} and {y} for {a:?}");
    }
}

fn orthonormal<T: Scalar, const M: usize, const N: usize>(q: &Mat<T, M, N>, eps: f64) {
    for (i, x) in q.cols.iter().enumerate() {
        for (j, y) in q.cols.iter().enumerate() {
            let product: f64 = x.iter().zip(y).map(|(x, y)| x.to_f64() * y.to_f64()).sum();
            let target = if i == j { 1.0 } else { 0.0 };
            assert!((product - target).abs() <= eps, "columns {i} and {j} of {q:?}: {product}");
        }
    }
}
