//! Scalars, sums, matrices and random numbers.

use eigenmote::mat::{Columns, norm};
use eigenmote::rng::{self, Generator};
use eigenmote::simd::{self, Lanes, Portable};
use eigenmote::{Mat, MatMut, MatRef, Scalar};

crate::export_both! {
    from_i32(x: &i32) -> T = Scalar::from_i32(*x);
    from_u32(x: &u32) -> T = Scalar::from_u32(*x);
    from_usize(x: &usize) -> T = Scalar::from_usize(*x);
    to_f32(x: &T) -> f32 = Scalar::to_f32(*x);
    bits(x: &T) -> u64 = Scalar::bits(*x);
    abs(x: &T) -> T = <T as Lanes<T>>::abs(*x);
    copysign(x: &T, sign: &T) -> T = <T as Lanes<T>>::copysign(*x, *sign);
    is_finite(x: &T) -> bool = Scalar::is_finite(*x);
    max(x: &T, y: &T) -> T = Scalar::max(*x, *y);
    min(x: &T, y: &T) -> T = Scalar::min(*x, *y);
    exp2i(k: &i32) -> T = Scalar::exp2i(*k);
    sqrt(x: &T) -> T = <T as Lanes<T>>::sqrt(*x);
    exp(x: &T) -> T = Scalar::exp(*x);
    ln(x: &T) -> T = Scalar::ln(*x);
    tanh(x: &T) -> T = Scalar::tanh(*x);
    erfc(x: &T) -> T = Scalar::erfc(*x);
    round(x: &T) -> T = Scalar::round(*x);
    scale_exp2(x: &T, k: &i32) -> T = x.scale_exp2(*k);
    exponent(x: &T) -> i32 = x.exponent();

    lanes_load(x: &[T]) -> <T as Scalar>::Lanes = Portable::load(x);
    lanes_store(x: &<T as Scalar>::Lanes, y: &mut [T]) -> () = Lanes::store(*x, y);
    dot(x: &[T], y: &[T]) -> T = simd::dot(x, y);
    sum_of_squares(x: &[T]) -> T = simd::sum_of_squares(x);
    axpy(a: &T, x: &[T], y: &mut [T]) -> () = simd::axpy(*a, x, y);
    scale(a: &T, x: &mut [T]) -> () = simd::scale(*a, x);
    rotate(c: &T, s: &T, r: &T, x: &mut [T], y: &mut [T]) -> () = simd::rotate(*c, *s, *r, x, y);
    max_abs(x: &[T]) -> T = simd::max_abs(x);
    all_finite(x: &[T]) -> bool = simd::all_finite(x);

    norm_(x: &[T]) -> T = norm(x);
    mat_zeros() -> Mat<T, 4, 3> = Mat::zeros();
    mat_default() -> Mat<T, 4, 3> = Mat::default();
    mat_from_cols(a: &[[T; 4]; 3]) -> Mat<T, 4, 3> = Mat::from_cols(*a);
    mat_identity() -> Mat<T, 4, 4> = Mat::identity();
    mat_from_fn(f: fn(usize, usize) -> T) -> Mat<T, 4, 3> = Mat::from_fn(f);
    mat_from_rows(a: &[[T; 5]; 3]) -> Mat<T, 3, 5> = Mat::from_rows(a);
    mat_get(a: &Mat<T, 5, 3>, i: &usize, j: &usize) -> Option<T> = a.get(*i, *j);
    mat_set(a: &mut Mat<T, 5, 3>, i: &usize, j: &usize, x: &T) -> bool =
        a.get_mut(*i, *j).map(|entry| *entry = *x).is_some();
    mat_as_slice(a: &'static Mat<T, 5, 3>) -> &'static [T] = a.as_slice();
    mat_as_mut_slice(a: &'static mut Mat<T, 5, 3>) -> &'static mut [T] = a.as_mut_slice();
    mat_view(a: &'static Mat<T, 5, 3>) -> MatRef<'static, T> = a.view();
    mat_view_mut(a: &'static mut Mat<T, 5, 3>) -> MatMut<'static, T> = a.view_mut();
    mat_transpose(a: &Mat<T, 5, 3>) -> Mat<T, 3, 5> = a.transpose();
    mat_mul(a: &Mat<T, 5, 3>, b: &Mat<T, 3, 4>) -> Mat<T, 5, 4> = a.mul(b);
    mat_tr_mul(a: &Mat<T, 5, 3>, b: &Mat<T, 5, 4>) -> Mat<T, 3, 4> = a.tr_mul(b);
    mat_mul_vec(a: &Mat<T, 5, 3>, x: &[T; 3]) -> [T; 5] = a.mul_vec(x);
    mat_tr_mul_vec(a: &Mat<T, 5, 3>, x: &[T; 5]) -> [T; 3] = a.tr_mul_vec(x);
    mat_frobenius(a: &Mat<T, 5, 3>) -> T = a.frobenius();
    mat_is_finite(a: &Mat<T, 5, 3>) -> bool = a.is_finite();
    mat_sizes(a: &Mat<T, 5, 3>) -> (usize, usize) = (a.rows(), Columns::cols(a));
    mat_col(a: &'static Mat<T, 5, 3>, j: &usize) -> &'static [T] = a.col(*j);
    mat_col_mut(a: &'static mut Mat<T, 5, 3>, j: &usize) -> &'static mut [T] = a.col_mut(*j);
    mat_pair_mut(a: &'static mut Mat<T, 5, 3>, p: &usize, q: &usize) -> (&'static mut [T], &'static mut [T]) =
        a.pair_mut(*p, *q);
    view_new(x: &'static [T], rows: &usize, cols: &usize) -> Option<MatRef<'static, T>> =
        MatRef::new(x, *rows, *cols);
    view_sizes(a: &MatRef<'static, T>) -> (usize, usize) = (a.rows(), a.cols());
    view_as_slice(a: &MatRef<'static, T>) -> &'static [T] = a.as_slice();
    view_col(a: &MatRef<'static, T>, j: &usize) -> &'static [T] = a.col(*j);
    view_mut_new(x: &'static mut [T], rows: &usize, cols: &usize) -> Option<MatMut<'static, T>> =
        MatMut::new(x, *rows, *cols);
    view_mut_sizes(a: &MatMut<'static, T>) -> (usize, usize) = (a.rows(), a.cols());
    view_mut_as_slice(a: &'static MatMut<'static, T>) -> &'static [T] = a.as_slice();
    view_mut_as_mut_slice(a: &'static mut MatMut<'static, T>) -> &'static mut [T] = a.as_mut_slice();
    view_mut_as_ref(a: &'static MatMut<'static, T>) -> MatRef<'static, T> = a.as_ref();
    view_mut_col(a: &'static MatMut<'static, T>, j: &usize) -> &'static [T] = a.col(*j);
    view_mut_col_mut(a: &'static mut MatMut<'static, T>, j: &usize) -> &'static mut [T] = a.col_mut(*j);
    view_mut_pair(a: &'static mut MatMut<'static, T>, p: &usize, q: &usize) -> (&'static mut [T], &'static mut [T]) =
        a.pair_mut(*p, *q);

    uniform(g: &mut Generator) -> T = rng::uniform(g);
    normal(g: &mut Generator) -> T = rng::normal(g);
    fill_normal(g: &mut Generator, x: &mut [T]) -> () = rng::fill_normal(g, x);
}

// Single precision from and to double precision.
crate::export! { "f64_":
    single_from_f64(x: &f64) -> f32 = Scalar::from_f64(*x);
    single_to_f64(x: &f32) -> f64 = Scalar::to_f64(*x);
    double_from_f64(x: &f64) -> f64 = Scalar::from_f64(*x);
    double_to_f64(x: &f64) -> f64 = Scalar::to_f64(*x);
}

crate::export! { "int_":
    seeded(seed: &u64) -> Generator = rng::seeded(*seed);
}
