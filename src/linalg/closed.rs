//! Decompositions of 2×2 and 3×3 matrices by formula: a fixed number of operations, no iteration
//! that could take longer on one input than on another.
//!
//! *2×2.* One rotation diagonalises a symmetric matrix. For singular values the longer column is
//! turned onto the first axis, `A·P = Q·R`; one rotation then makes the columns of `Rᵀ`
//! orthogonal, and `det R` gives the smaller value without a subtraction.
//!
//! *3×3.* Shifted by its mean and scaled to length √6, a symmetric matrix has the eigenvalues
//! `y³ − 3·y − 2·r = 0` with `r = det/2` in [−1, 1]. One of them is at least √3 from the others:
//! three Newton steps find it and a cross product its vector. What is orthogonal to that is the
//! 2×2 case. (The cosine formula for all three values at once loses half of the digits where two
//! of them are close, and cross products their vectors; deflation loses neither.) The singular
//! values of `A` come from the eigenvectors of `AᵀA` by the same deflation: only the *largest*
//! one is trusted, the other two are those of the 2×2 matrix that is left of `A` itself.
//!
//! Source: Smith, "Eigenvalues of a symmetric 3 × 3 matrix", Comm. ACM 4 (1961); deflation as in
//! Eberly, "A robust eigensolver for 3 × 3 symmetric matrices" (2014); basis of a plane from Duff
//! et al., "Building an orthonormal basis, revisited", J. Comput. Graph. Tech. 6 (2017).

use super::jacobi::rotation;
use super::{Eigh, EighError, Svd, SvdError, fix_sign, max_exponent};
use crate::mat::{Mat, mid_range};
use crate::scalar::Scalar;
use crate::simd::Single;
use crate::simd::all_finite;

type Two<T> = [T; 2];
type Three<T> = [T; 3];

/// As [`eigh`](super::eigh()) for a 2×2 matrix.
///
/// # Errors
/// [`EighError::NotFinite`], [`EighError::Overflow`].
///
/// # Accuracy
/// Residual and orthogonality within `8·2·ε`; checked by `tests/closed.rs`.
///
/// # Cost
/// About 30 flops, 2 roots, 3 divisions.
///
/// ```
/// use eigenmote::{Mat, linalg::closed::eigh_2x2};
/// let f = eigh_2x2(&Mat::from_rows(&[[2.0_f64, 1.0], [1.0, 2.0]]))?;
/// assert!((f.eigenvalues[0] - 3.0).abs() < 1e-15 && (f.eigenvalues[1] - 1.0).abs() < 1e-15);
/// # Ok::<(), eigenmote::linalg::EighError>(())
/// ```
pub fn eigh_2x2<T: Scalar>(a: &Mat<T, 2, 2>) -> Result<Eigh<T, 2>, EighError> {
    let [[a00, a10], [_, a11]] = a.cols;
    let ([a00, a10, a11], exponent) = scaled([a00, a10, a11]).ok_or(EighError::NotFinite)?;
    let (values, vectors) = symmetric_2x2(a00, a10, a11);
    finish_eigh(values, vectors, exponent)
}

/// As [`eigh`](super::eigh()) for a 3×3 matrix.
///
/// # Errors
/// [`EighError::NotFinite`], [`EighError::Overflow`].
///
/// # Accuracy
/// Residual and orthogonality within `8·3·ε`; checked by `tests/closed.rs`.
///
/// # Cost
/// About 200 flops, 4 roots, 15 divisions.
pub fn eigh_3x3<T: Scalar>(a: &Mat<T, 3, 3>) -> Result<Eigh<T, 3>, EighError> {
    let [[a00, a10, a20], [_, a11, a21], [_, _, a22]] = a.cols;
    let lower = [a00, a10, a20, a11, a21, a22];
    let (lower, exponent) = scaled(lower).ok_or(EighError::NotFinite)?;
    let (values, vectors) = symmetric_3x3(&lower);
    finish_eigh(values, vectors, exponent)
}

/// As [`svd`](super::svd()) for a 2×2 matrix.
///
/// # Errors
/// [`SvdError::NotFinite`], [`SvdError::Overflow`].
///
/// # Accuracy
/// Residual and orthogonality within `8·2·ε`, and both values of `A = B·D` to `8·2·ε` relative,
/// with a well-conditioned `B` and any diagonal `D` whose entries differ by less than
/// `2^(−MIN_EXP)`; checked by `tests/closed.rs`.
///
/// # Cost
/// About 50 flops, 4 roots, 8 divisions.
///
/// ```
/// use eigenmote::{Mat, linalg::closed::svd_2x2};
/// let f = svd_2x2(&Mat::from_rows(&[[0.0_f64, -5.0], [3.0, 0.0]]))?;
/// assert_eq!(f.s, [5.0, 3.0]);
/// assert_eq!((f.u.cols, f.v.cols), ([[-1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]));
/// # Ok::<(), eigenmote::linalg::SvdError>(())
/// ```
pub fn svd_2x2<T: Scalar>(a: &Mat<T, 2, 2>) -> Result<Svd<T, 2, 2>, SvdError> {
    let [[a00, a10], [a01, a11]] = a.cols;
    let ([a00, a10, a01, a11], exponent) =
        scaled([a00, a10, a01, a11]).ok_or(SvdError::NotFinite)?;
    let (u, s, v) = general_2x2([a00, a10], [a01, a11]);
    finish_svd(u, s, v, exponent)
}

/// [`svd_2x2`] where it keeps every promise of [`svd`](super::svd()): not for columns that depend on
/// each other to working precision, nor for entries so far apart that squares of them are lost.
/// Exact powers of two change nothing about that.
#[inline(always)]
pub(super) fn svd_2x2_of_full_rank<T: Scalar>(
    a: &Mat<T, 2, 2>,
) -> Option<Result<Svd<T, 2, 2>, SvdError>> {
    let [[a00, a10], [a01, a11]] = a.cols;
    let ([a00, a10, a01, a11], exponent) = scaled([a00, a10, a01, a11])?;
    let vanishes = |x: T| x != T::ZERO && x.abs() < T::exp2i(-T::MAX_EXP / 4);
    if vanishes(a00) || vanishes(a10) || vanishes(a01) || vanishes(a11) {
        return None;
    }
    let (u, [s0, s1], v) = general_2x2([a00, a10], [a01, a11]);
    let (x2, y2) = (a00 * a00 + a10 * a10, a01 * a01 + a11 * a11);
    // s₀·s₁ = |det A|, of which rounding leaves about 2·ε·‖x‖·‖y‖.
    (s0 * s1 > T::from_f64(4.0) * T::EPSILON * (x2 * y2).sqrt())
        .then(|| finish_svd(u, [s0, s1], v, exponent))
}

/// As [`svd`](super::svd()) for a 3×3 matrix.
///
/// # Errors
/// [`SvdError::NotFinite`], [`SvdError::Overflow`].
///
/// # Accuracy
/// Residual and orthogonality within `8·3·ε` of the largest value; checked by `tests/closed.rs`.
/// Unlike [`svd`](super::svd()) it does not promise the digits of values that are small because
/// a column is.
///
/// # Cost
/// About 400 flops, 9 roots, 25 divisions.
pub fn svd_3x3<T: Scalar>(a: &Mat<T, 3, 3>) -> Result<Svd<T, 3, 3>, SvdError> {
    let [[a00, a10, a20], [a01, a11, a21], [a02, a12, a22]] = a.cols;
    let ([a00, a10, a20, a01, a11, a21, a02, a12, a22], exponent) =
        scaled([a00, a10, a20, a01, a11, a21, a02, a12, a22]).ok_or(SvdError::NotFinite)?;
    let (x, y, z) = ([a00, a10, a20], [a01, a11, a21], [a02, a12, a22]);
    let square = [dot(x, x), dot(x, y), dot(x, z), dot(y, y), dot(y, z), dot(z, z)];
    let (values, vectors) = symmetric_3x3(&square);
    let [first, second, third] = descending(values, vectors).1;
    let image = |v: Three<T>| {
        let [a, b, c] = v;
        let ([x0, x1, x2], [y0, y1, y2], [z0, z1, z2]) = (x, y, z);
        [a * x0 + b * y0 + c * z0, a * x1 + b * y1 + c * z1, a * x2 + b * y2 + c * z2]
    };
    let (b1, b2, b3) = (image(first), image(second), image(third));
    let largest = dot(b1, b1).sqrt();
    if largest == T::ZERO {
        return finish_svd(Mat::identity().cols, [T::ZERO; 3], Mat::identity().cols, 0);
    }
    let u1 = times(T::ONE / largest, b1);
    let (p, q) = plane(u1);
    // b2 and b3 are orthogonal to u1 to rounding of the largest value. What is left may be so much
    // smaller that its squares would vanish.
    let rest = [dot(p, b2), dot(q, b2), dot(p, b3), dot(q, b3)];
    let ([x2, y2, x3, y3], small) = scaled(rest).ok_or(SvdError::NotFinite)?;
    let (u, s, v) = general_2x2([x2, y2], [x3, y3]);
    let [s2, s3] = s.map(|s| s.scale_exp2(small));
    let turned = |x: Three<T>, y: Three<T>, c: Two<T>| {
        let [a, b] = c;
        sum(times(a, x), times(b, y))
    };
    let ([ua, ub], [va, vb]) = (u, v);
    finish_svd(
        [u1, turned(p, q, ua), turned(p, q, ub)],
        [largest, s2, s3],
        [first, turned(second, third, va), turned(second, third, vb)],
        exponent,
    )
}

/// The values scaled by a power of two so that the largest lies in [1, 2), and its exponent;
/// `None` if one is infinite or NaN.
#[inline(always)]
fn scaled<T: Scalar, const N: usize>(x: [T; N]) -> Option<([T; N], i32)> {
    let exponent = max_exponent(&x).unwrap_or(0);
    all_finite(&x).then(|| (x.map(|x| x.scale_exp2(-exponent)), exponent))
}

#[inline(always)]
fn finish_eigh<T: Scalar, const N: usize>(
    values: [T; N],
    vectors: [[T; N]; N],
    exponent: i32,
) -> Result<Eigh<T, N>, EighError> {
    let (values, mut vectors) = descending(values, vectors);
    for vector in &mut vectors {
        fix_sign(vector);
    }
    let eigenvalues = values.map(|x| x.scale_exp2(exponent));
    if all_finite(&eigenvalues) {
        Ok(Eigh { eigenvalues, eigenvectors: Mat::from_cols(vectors) })
    } else {
        Err(EighError::Overflow)
    }
}

#[inline(always)]
fn finish_svd<T: Scalar, const N: usize>(
    u: [[T; N]; N],
    s: [T; N],
    v: [[T; N]; N],
    exponent: i32,
) -> Result<Svd<T, N, N>, SvdError> {
    // The order of equal values may be off by a rounding error.
    let (_, mut u) = descending(s, u);
    let (s, mut v) = descending(s, v);
    for (u, v) in u.iter_mut().zip(&mut v) {
        if fix_sign(v) {
            *u = u.map(|u| -u);
        }
    }
    let s = s.map(|x| x.scale_exp2(exponent));
    if all_finite(&s) {
        Ok(Svd { u: Mat::from_cols(u), s, v: Mat::from_cols(v), sweeps: 0 })
    } else {
        Err(SvdError::Overflow)
    }
}

/// Eigenvalues and vectors of `[[a, b], [b, c]]`, in no order.
#[inline(always)]
fn symmetric_2x2<T: Scalar>(a: T, b: T, c: T) -> (Two<T>, [Two<T>; 2]) {
    let (c_, s, t) = angle(a, c, b);
    ([a - t * b, c + t * b], [[c_, -s], [s, c_]])
}

/// Cosine, sine and tangent of the [`rotation`] of columns with squared lengths `alpha` and `beta`
/// and inner product `gamma`, which may be zero.
#[inline(always)]
fn angle<T: Scalar>(alpha: T, beta: T, gamma: T) -> (T, T, T) {
    if gamma == T::ZERO {
        return (T::ONE, T::ZERO, T::ZERO);
    }
    let delta = beta - alpha;
    let k = delta.abs().max(gamma.abs()).exponent();
    // The angle depends on the difference alone. Where squares would vanish, both are scaled.
    let shift = if mid_range::<T>(k) { 0 } else { -k };
    let r = rotation(Single, T::ZERO, delta.scale_exp2(shift), gamma.scale_exp2(shift));
    (r.c, r.c * r.t, r.t)
}

/// `U`, values and `V` of the matrix with columns `x` and `y`, whose entries are below 2; the
/// larger value first, neither negative.
#[inline(always)]
fn general_2x2<T: Scalar>(x: Two<T>, y: Two<T>) -> ([Two<T>; 2], Two<T>, [Two<T>; 2]) {
    let square = |[a, b]: Two<T>| a * a + b * b;
    let swapped = square(y) > square(x);
    let (long, short) = if swapped { (y, x) } else { (x, y) };
    // Q = [c −s; s c] takes the first axis onto the longer column: R = [r00 r01; 0 r11].
    let r00 = square(long).sqrt();
    let ([x0, x1], [y0, y1]) = (long, short);
    let (c, s) = if r00 > T::ZERO { (x0 / r00, x1 / r00) } else { (T::ONE, T::ZERO) };
    let (r01, r11) = (c * y0 + s * y1, c * y1 - s * y0);
    // Rᵀ·W = Y·Σ: its columns are (r00, r01) and (0, r11), the first one the longer.
    let (cw, sw, tw) = angle(r00 * r00 + r01 * r01, r11 * r11, r01 * r11);
    let (a, b) = (r00, r01 - tw * r11);
    let length = (a * a + b * b).sqrt();
    let (larger, smaller) = if length > T::ZERO {
        (cw * length, r00 * r11.abs() / (cw * length))
    } else {
        (T::ZERO, T::ZERO)
    };
    let (y0, y1) = if length > T::ZERO { (a / length, b / length) } else { (T::ONE, T::ZERO) };
    // The second column of Y is the first turned by 90°, and back where det R is negative.
    let sign = T::ONE.copysign(r11);
    let right = [[y0, y1], [-y1 * sign, y0 * sign]];
    let unswap = |[a, b]: Two<T>| if swapped { [b, a] } else { [a, b] };
    let turn = |[a, b]: Two<T>| [c * a - s * b, s * a + c * b];
    ([turn([cw, -sw]), turn([sw, cw])], [larger, smaller], right.map(unswap))
}

/// Eigenvalues and vectors, in no order, of the symmetric matrix with the lower triangle
/// `(00, 10, 20, 11, 21, 22)`, whose largest entry is of the order of 1.
#[inline(always)]
fn symmetric_3x3<T: Scalar>(lower: &[T; 6]) -> (Three<T>, [Three<T>; 3]) {
    let [a00, a10, a20, a11, a21, a22] = *lower;
    let mean = (a00 + a11 + a22) / T::from_f64(3.0);
    let (d0, d1, d2) = (a00 - mean, a11 - mean, a22 - mean);
    let squares = (d0 * d0 + d1 * d1 + d2 * d2) + T::TWO * (a10 * a10 + a20 * a20 + a21 * a21);
    let unit = (squares / T::from_f64(6.0)).sqrt();
    if !(unit > T::EPSILON * T::EPSILON) {
        // A multiple of the identity, to rounding: any vectors will do.
        return ([a00, a11, a22], Mat::identity().cols);
    }
    let (b00, b11, b22) = (d0 / unit, d1 / unit, d2 / unit);
    let (b10, b20, b21) = (a10 / unit, a20 / unit, a21 / unit);
    let det = b00 * (b11 * b22 - b21 * b21) - b10 * (b10 * b22 - b21 * b20)
        + b20 * (b10 * b21 - b11 * b20);
    // The value that stands alone is the largest for r ≥ 0 and the smallest otherwise.
    let r = (T::HALF * det).abs().min(T::ONE);
    // A parabola through the ends of y(r), where it meets the slope at r = 0, is within 0.003.
    let mut y = T::from_f64(1.732_050_807_568_877_2)
        + r * (T::ONE / T::from_f64(3.0) - r * T::from_f64(0.065_384_140_902_210_56));
    for _ in 0..3 {
        let square = y * y;
        y = (square * y + r) * T::TWO / (T::from_f64(3.0) * (square - T::ONE));
    }
    let y = y.copysign(det);

    // B − y·I has rank 2, and its adjugate is c·v·vᵀ with c of 6 to 9: the longest column is v.
    let (x, w, z) = ([b00 - y, b10, b20], [b10, b11 - y, b21], [b20, b21, b22 - y]);
    let columns = [cross(w, z), cross(z, x), cross(x, w)];
    let [c0, c1, c2] = columns;
    let (l0, l1, l2) = (dot(c0, c0), dot(c1, c1), dot(c2, c2));
    let (longest, length) = if l0 >= l1 && l0 >= l2 {
        (c0, l0)
    } else if l1 >= l2 {
        (c1, l1)
    } else {
        (c2, l2)
    };
    let v = times(T::ONE / length.sqrt(), longest);
    let (p, q) = plane(v);
    let image = |[a, b, c]: Three<T>| {
        [b00 * a + b10 * b + b20 * c, b10 * a + b11 * b + b21 * c, b20 * a + b21 * b + b22 * c]
    };
    let (bp, bq) = (image(p), image(q));
    let ([y1, y2], [[c, minus_s], _]) = symmetric_2x2(dot(p, bp), dot(p, bq), dot(q, bq));
    let vectors = [v, sum(times(c, p), times(minus_s, q)), sum(times(-minus_s, p), times(c, q))];
    ([mean + unit * y, mean + unit * y1, mean + unit * y2], vectors)
}

/// Two unit vectors orthogonal to the unit vector `v` and to each other.
#[inline(always)]
fn plane<T: Scalar>(v: Three<T>) -> (Three<T>, Three<T>) {
    let [x, y, z] = v;
    let sign = T::ONE.copysign(z);
    let a = -T::ONE / (sign + z);
    let b = x * y * a;
    ([T::ONE + sign * (x * x * a), sign * b, -sign * x], [b, sign + y * y * a, -y])
}

#[inline(always)]
fn dot<T: Scalar>(x: Three<T>, y: Three<T>) -> T {
    let ([a, b, c], [d, e, f]) = (x, y);
    a * d + b * e + c * f
}

#[inline(always)]
fn cross<T: Scalar>(x: Three<T>, y: Three<T>) -> Three<T> {
    let ([a, b, c], [d, e, f]) = (x, y);
    [b * f - c * e, c * d - a * f, a * e - b * d]
}

#[inline(always)]
fn times<T: Scalar>(a: T, x: Three<T>) -> Three<T> {
    x.map(|x| a * x)
}

#[inline(always)]
fn sum<T: Scalar>(x: Three<T>, y: Three<T>) -> Three<T> {
    let ([a, b, c], [d, e, f]) = (x, y);
    [a + d, b + e, c + f]
}

/// Columns in the order of their values; equal ones stay as they are.
#[inline(always)]
fn descending<T: Scalar, const N: usize>(
    mut values: [T; N],
    mut columns: [[T; N]; N],
) -> ([T; N], [[T; N]; N]) {
    for end in (1..N).rev() {
        for i in 0..end {
            let pair = (values.get_mut(i..i + 2), columns.get_mut(i..i + 2));
            if let (Some([a, b]), Some([x, y])) = pair
                && *a < *b
            {
                core::mem::swap(a, b);
                core::mem::swap(x, y);
            }
        }
    }
    (values, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worked_3_by_3_case() {
        // Eigenvalues 4, 1, 1 with (1, 1, 1)/√3 alone: r = 1, where the cosine formula is weakest.
        let a = Mat::from_rows(&[[2.0_f64, 1.0, 1.0], [1.0, 2.0, 1.0], [1.0, 1.0, 2.0]]);
        let f = eigh_3x3(&a).unwrap();
        for (value, want) in f.eigenvalues.iter().zip([4.0, 1.0, 1.0]) {
            assert!((value - want).abs() <= 4.0 * f64::EPSILON, "{value}");
        }
        let third = (1.0_f64 / 3.0).sqrt();
        assert!(f.eigenvectors.cols[0].iter().all(|v| (v - third).abs() <= f64::EPSILON));
    }

    #[test]
    fn zero_matrices_have_the_axes_as_vectors() {
        let f = svd_3x3(&Mat::<f32, 3, 3>::zeros()).unwrap();
        assert_eq!((f.s, f.u, f.v), ([0.0; 3], Mat::identity(), Mat::identity()));
        let f = svd_2x2(&Mat::<f32, 2, 2>::zeros()).unwrap();
        assert_eq!((f.s, f.u, f.v), ([0.0; 2], Mat::identity(), Mat::identity()));
        assert_eq!(eigh_3x3(&Mat::<f32, 3, 3>::zeros()).unwrap().eigenvalues, [0.0; 3]);
    }
}
