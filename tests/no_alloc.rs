//! No routine of the library allocates, on success or on error.
#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

use core::hint::black_box;

use eigenmote::linalg::svd::Options;
use eigenmote::linalg::{
    SvdState, eigenvalues, eigh, eigh_in_place, eigh_view, qr, singular_values, svd, svd_in_place,
};
use eigenmote::{Mat, MatMut, MatRef, Scalar, mat, rng, simd};

/// Runs `f` and checks that this thread has not allocated meanwhile.
fn without_allocation<R>(what: &str, f: impl FnOnce() -> R) -> R {
    let mut result = None;
    let counted = allocation_counter::measure(|| result = Some(black_box(f())));
    assert_eq!(counted.count_total, 0, "{what} allocates {} bytes", counted.bytes_total);
    result.expect("measure runs its closure once")
}

fn gaussian<T: Scalar, const M: usize, const N: usize>(seed: u64) -> Mat<T, M, N> {
    let mut a = Mat::zeros();
    rng::fill_normal(&mut rng::seeded(seed), a.as_mut_slice());
    a
}

#[test]
fn the_counter_counts() {
    let counted = allocation_counter::measure(|| drop(black_box(vec![1_u8; 100])));
    assert_eq!((counted.count_total, counted.bytes_total), (1, 100));
}

fn foundation<T: Scalar>() {
    let (mut x, mut y) = ([T::HALF; 37], [T::TWO; 37]);
    without_allocation("simd", || {
        simd::axpy(simd::dot(&x, &y), &x, &mut y);
        simd::rotate(T::HALF, T::HALF, T::HALF, &mut x, &mut y);
        simd::scale(simd::sum_of_squares(&x), &mut x);
        (simd::max_abs(&x), simd::all_finite(&y), mat::norm(&x))
    });
    without_allocation("rng", || {
        let mut generator = rng::seeded(1);
        rng::fill_normal(&mut generator, &mut x);
        rng::uniform::<T>(&mut generator)
    });
    let (a, b) = (gaussian::<T, 6, 4>(2), gaussian::<T, 6, 3>(3));
    without_allocation("mat", || {
        let view = MatRef::new(&x, 37, 1).map(|v| v.rows());
        (a.tr_mul(&b), a.transpose().mul(&b), a.mul_vec(&[T::ONE; 4]), a.frobenius(), view)
    });
}

fn decompositions<T: Scalar>() {
    let a = gaussian::<T, 12, 7>(4);
    without_allocation("svd", || svd(&a)).unwrap();
    without_allocation("singular_values", || singular_values(&a)).unwrap();
    let (mut u, mut s, mut v) = (a, [T::ZERO; 7], Mat::zeros());
    without_allocation("svd_in_place", || {
        svd_in_place(&mut u, &mut s, &mut v, &Options::default())
    })
    .unwrap();
    without_allocation("SvdState", || {
        let mut state = SvdState::new(&a);
        while !state.step(5) {}
        state.finish()
    })
    .unwrap();
    let bad = Mat::<T, 3, 3>::from_fn(|_, _| T::ONE / T::ZERO);
    without_allocation("svd of infinities", || svd(&bad)).unwrap_err();

    without_allocation("qr", || {
        let f = qr(&a)?;
        Ok::<_, eigenmote::linalg::QrError>((f.q(), f.r(), f.solve(&[T::ONE; 12])))
    })
    .unwrap();

    let mut b = a.tr_mul(&a);
    without_allocation("eigh", || eigh(&b)).unwrap();
    without_allocation("eigenvalues", || eigenvalues(&b)).unwrap();
    let (mut values, mut work) = ([T::ZERO; 7], [T::ZERO; 7]);
    without_allocation("eigh_view", || {
        let mut view = MatMut::new(b.as_mut_slice(), 7, 7).unwrap();
        eigh_view(&mut view, &mut values, &mut work)
    })
    .unwrap();
    without_allocation("eigh_in_place", || eigh_in_place(&mut b, &mut values)).unwrap();
}

#[test]
fn sums_matrices_and_random_numbers_do_not_allocate() {
    foundation::<f32>();
    foundation::<f64>();
}

#[test]
fn decompositions_do_not_allocate() {
    decompositions::<f32>();
    decompositions::<f64>();
}
