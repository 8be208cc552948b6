//! Scalars, sums, matrices and random numbers.

use eigenmote::rng::Generator;
use eigenmote::{Mat, MatMut, MatRef, Scalar, mat, rng, simd};

use crate::export;

macro_rules! routines {
    ($t:ty: $sqrt:ident $exp:ident $ln:ident $tanh:ident $atan2:ident $erf:ident $round:ident $scale:ident $exponent:ident
     $dot:ident $axpy:ident $scale_slice:ident $rotate:ident $max_abs:ident $finite:ident $norm:ident
     $get:ident $transpose:ident $mul:ident $tr_mul:ident $frobenius:ident $rows:ident $view:ident $view_mut:ident
     $uniform:ident $normal:ident) => {
        export! {
            $sqrt(x: &$t) -> $t = Scalar::sqrt(*x);
            $exp(x: &$t) -> $t = Scalar::exp(*x);
            $ln(x: &$t) -> $t = Scalar::ln(*x);
            $tanh(x: &$t) -> $t = Scalar::tanh(*x);
            $atan2(x: &$t, y: &$t) -> $t = Scalar::atan2(*x, *y);
            $erf(x: &$t) -> $t = Scalar::erf(*x);
            $round(x: &$t) -> $t = Scalar::round(*x);
            $scale(x: &$t, k: &i32) -> $t = x.scale_exp2(*k);
            $exponent(x: &$t) -> i32 = x.exponent();
            $dot(x: &&[$t], y: &&[$t]) -> $t = simd::dot(x, y);
            $axpy(a: &$t, x: &&[$t], y: &mut &mut [$t]) -> () = simd::axpy(*a, x, y);
            $scale_slice(a: &$t, x: &mut &mut [$t]) -> () = simd::scale(*a, x);
            $rotate(c: &$t, s: &$t, r: &$t, x: &mut &mut [$t], y: &mut &mut [$t]) -> () =
                simd::rotate(*c, *s, *r, x, y);
            $max_abs(x: &&[$t]) -> $t = simd::max_abs(x);
            $finite(x: &&[$t]) -> bool = simd::all_finite(x);
            $norm(x: &&[$t]) -> $t = mat::norm(x);
            $get(a: &Mat<$t, 5, 3>, i: &usize, j: &usize) -> Option<$t> = a.get(*i, *j);
            $transpose(a: &Mat<$t, 5, 3>) -> Mat<$t, 3, 5> = a.transpose();
            $mul(a: &Mat<$t, 5, 3>, b: &Mat<$t, 3, 4>) -> Mat<$t, 5, 4> = a.mul(b);
            $tr_mul(a: &Mat<$t, 5, 3>, b: &Mat<$t, 5, 4>) -> Mat<$t, 3, 4> = a.tr_mul(b);
            $frobenius(a: &Mat<$t, 5, 3>) -> $t = a.frobenius();
            $rows(a: &[[$t; 5]; 3]) -> Mat<$t, 3, 5> = Mat::from_rows(a);
            $view(x: &&'static [$t], rows: &usize, cols: &usize, j: &usize) -> Option<&'static [$t]> =
                MatRef::new(x, *rows, *cols).map(|v| v.col(*j));
            $view_mut(x: &mut &mut [$t], rows: &usize, cols: &usize) -> Option<usize> =
                MatMut::new(x, *rows, *cols).map(|v| v.as_ref().rows());
            $uniform(g: &mut Generator) -> $t = rng::uniform(g);
            $normal(g: &mut Generator) -> $t = rng::normal(g);
        }
    };
}
