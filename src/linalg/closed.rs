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

use core::ops::{Mul, Sub};

use super::block::{
    Block, descending_in_lanes, dot, exchange, exchange_columns, first, first_of, firsts,
    in_every_place, reach, resize, set_sign, sign_of_largest,
};
use super::jacobi::rotation;
use super::{Eigh, EighError, Svd, SvdError, at, copy, fix_sign};
use crate::mat::Mat;
use crate::scalar::Scalar;
use crate::simd::{Kernel, Lanes, PlainHalf, Simd, Single};

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
    let mut f = Eigh { eigenvalues: [T::ZERO; 2], eigenvectors: *a };
    eigh_by_formula(&mut f.eigenvectors, &mut f.eigenvalues)?;
    Ok(f)
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
    let mut f = Eigh { eigenvalues: [T::ZERO; 3], eigenvectors: *a };
    eigh_by_formula(&mut f.eigenvectors, &mut f.eigenvalues)?;
    Ok(f)
}

/// [`eigh_2x2`] or [`eigh_3x3`], with `a` replaced by the eigenvectors.
#[inline(never)]
pub(super) fn eigh_by_formula<T: Scalar, const N: usize>(
    a: &mut Mat<T, N, N>,
    eigenvalues: &mut [T; N],
) -> Result<(), EighError> {
    let mut entries = a.cols;
    let exponent = scaled(&mut entries, lower).ok_or(EighError::NotFinite)?;
    let kernel = EighOf { entries: &entries, values: eigenvalues, vectors: &mut a.cols };
    T::dispatch(kernel);
    if exponent != 0 {
        for value in eigenvalues {
            *value = value.scale_exp2(exponent);
            if !value.is_finite() {
                return Err(EighError::Overflow);
            }
        }
    }
    Ok(())
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
    let mut f = Svd { u: *a, s: [T::ZERO; 2], v: Mat::zeros(), sweeps: 0 };
    svd_by_formula(&mut f.u, &mut f.s, Some(&mut f.v), true)?;
    Ok(f)
}

/// [`svd_2x2`] with `a` replaced by `U`. Returns whether it keeps every promise of
/// [`svd`](super::svd()), and changes nothing where it does not unless `anyway`: not for columns that
/// depend on each other to working precision, nor for entries so far apart that squares of them are
/// lost. Exact powers of two change nothing about that.
#[inline(never)]
pub(super) fn svd_by_formula<T: Scalar, const M: usize, const N: usize>(
    a: &mut Mat<T, M, N>,
    s: &mut [T; N],
    v: Option<&mut Mat<T, N, N>>,
    anyway: bool,
) -> Result<bool, SvdError> {
    let mut entries = [[T::ZERO; 2]; 2];
    resize(&a.cols, &mut entries);
    let exponent = scaled(&mut entries, all).ok_or(SvdError::NotFinite)?;
    // So short that a choice of registers would take longer than it saves.
    let (left, values, right, good) = SvdOf(&entries).run(PlainHalf);
    if good || anyway {
        copy(&values, s);
        unscale(s, exponent)?;
        if let Some(v) = v {
            resize(&left, &mut a.cols);
            resize(&right, &mut v.cols);
        }
    }
    Ok(good)
}

/// `s·2^exponent`.
#[inline(always)]
fn unscale<T: Scalar>(s: &mut [T], exponent: i32) -> Result<(), SvdError> {
    if exponent != 0 {
        for s in s {
            *s = s.scale_exp2(exponent);
            if !s.is_finite() {
                return Err(SvdError::Overflow);
            }
        }
    }
    Ok(())
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
    let mut a = a.cols;
    let exponent = scaled(&mut a, all).ok_or(SvdError::NotFinite)?;
    let (values, vectors, good) = symmetric_3x3(Single, &gram(Single, &a));
    let vectors = if good > T::ZERO { descending(values, vectors).1 } else { Mat::identity().cols };
    let [first, second, third] = vectors;
    let [b1, b2, b3] = combinations(Single, &a, &vectors);
    let largest = dot(Single, &b1, &b1).sqrt();
    if largest == T::ZERO {
        return Ok(Svd { u: Mat::identity(), s: [T::ZERO; 3], v: Mat::identity(), sweeps: 0 });
    }
    let u1 = b1.map(|b| b / largest);
    let (p, q) = plane(Single, u1);
    // b2 and b3 are orthogonal to u1 to rounding of the largest value. What is left may be so much
    // smaller that its squares would vanish.
    let rest = [b2, b3].map(|b| [dot(Single, &p, &b), dot(Single, &q, &b)]);
    let mut rest = rest;
    let small = scaled(&mut rest, all).ok_or(SvdError::NotFinite)?;
    let (u, s, v, _) = general_2x2(Single, &rest);
    let [s2, s3] = s.map(|s| s.scale_exp2(small));
    let [u2, u3] = combinations(Single, &[p, q], &u);
    let [v2, v3] = combinations(Single, &[second, third], &v);
    let s = [largest, s2, s3];
    // The order of equal values may be off by a rounding error.
    let (_, mut u) = descending(s, [u1, u2, u3]);
    let (s, mut v) = descending(s, [first, v2, v3]);
    for (u, v) in u.iter_mut().zip(&mut v) {
        if fix_sign(v) {
            *u = u.map(|u| -u);
        }
    }
    let mut s = s;
    unscale(&mut s, exponent)?;
    Ok(Svd { u: Mat::from_cols(u), s, v: Mat::from_cols(v), sweeps: 0 })
}

/// Entries of a symmetric matrix that count.
fn lower(i: usize, j: usize) -> bool {
    i >= j
}

/// Entries of any other matrix.
fn all(_: usize, _: usize) -> bool {
    true
}

/// Brings the matrix to the middle of the range by a power of two and returns its exponent; `None` if
/// an entry that counts is infinite or NaN.
#[inline(always)]
fn scaled<T: Scalar, const M: usize, const N: usize>(
    a: &mut [[T; M]; N],
    counts: impl Fn(usize, usize) -> bool,
) -> Option<i32> {
    let (mut largest, mut sum) = (T::ZERO, T::ZERO);
    for (j, column) in a.iter().enumerate() {
        for (i, &v) in column.iter().enumerate() {
            if counts(i, j) {
                largest = v.abs().larger(largest);
                // NaN if one is not finite.
                sum += v * T::ZERO;
            }
        }
    }
    if sum != T::ZERO {
        return None;
    }
    let (low, high) = (T::exp2i(-reach::<T>()), T::exp2i(reach::<T>()));
    if low <= largest && largest <= high || largest == T::ZERO {
        return Some(0);
    }
    let exponent = largest.exponent();
    for v in a.as_flattened_mut() {
        *v = v.scale_exp2(-exponent);
    }
    Some(exponent)
}

/// A symmetric matrix near the middle of the range, as a kernel.
struct EighOf<'a, T, const N: usize> {
    entries: &'a [[T; N]; N],
    values: &'a mut [T; N],
    vectors: &'a mut [[T; N]; N],
}

impl<T: Scalar, const N: usize> Kernel<T> for EighOf<'_, T, N> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let simd = simd.half();
        let mut block = [[simd.splat(T::ZERO); N]; N];
        in_every_place(simd, self.entries, &mut block);
        let (l, x, good) = eigh_in_lanes(simd, &block);
        if first(good) > T::ZERO {
            first_of(&l, self.values);
            firsts(&x, self.vectors);
        } else {
            // A multiple of the identity, to rounding: any vectors will do.
            for (j, (value, column)) in self.values.iter_mut().zip(self.entries).enumerate() {
                *value = at(column, j);
            }
            (*self.values, *self.vectors) = descending(*self.values, Mat::identity().cols);
        }
    }
}

/// A 2×2 matrix near the middle of the range, as a kernel: `U`, values, `V`, and whether all values are
/// accurate relative to each column.
struct SvdOf<'a, T>(&'a [[T; 2]; 2]);

impl<T: Scalar> Kernel<T> for SvdOf<'_, T> {
    type Output = ([[T; 2]; 2], [T; 2], [[T; 2]; 2], bool);
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
        let simd = simd.half();
        let mut block = [[simd.splat(T::ZERO); 2]; 2];
        in_every_place(simd, self.0, &mut block);
        let (left, values, right, good) = svd_2x2_in_lanes(simd, &block);
        let (mut u, mut s, mut v) = ([[T::ZERO; 2]; 2], [T::ZERO; 2], [[T::ZERO; 2]; 2]);
        firsts(&left, &mut u);
        first_of(&values, &mut s);
        firsts(&right, &mut v);
        (u, s, v, first(good) > T::ZERO)
    }
}

/// Eigenvalues, descending, and vectors with their signs fixed, of a 2×2 or 3×3 matrix in every place;
/// only lower triangles are read. At the end 1, or 0 where no direction stands out at 3×3 or an
/// eigenvalue is not finite, and the result is none.
#[inline(always)]
pub(super) fn eigh_in_lanes<T: Scalar, S: Simd<T>, const N: usize>(
    simd: S,
    a: &Block<S::V, N, N>,
) -> ([S::V; N], Block<S::V, N, N>, S::V) {
    let zero = simd.splat(T::ZERO);
    let (mut values, mut vectors) = ([zero; N], [[zero; N]; N]);
    let mut good = simd.splat(T::ONE);
    if N == 2 {
        let mut b = [[zero; 2]; 2];
        resize(a, &mut b);
        let [[b00, b10], [_, b11]] = b;
        let (l, x) = symmetric_2x2(simd, b00, b10, b11);
        copy(&l, &mut values);
        resize(&x, &mut vectors);
    } else {
        let mut b = [[zero; 3]; 3];
        resize(a, &mut b);
        let [[b00, b10, b20], [_, b11, b21], [.., b22]] = b;
        let (l, x, some) = symmetric_3x3(simd, &[b00, b10, b20, b11, b21, b22]);
        copy(&l, &mut values);
        resize(&x, &mut vectors);
        good = some;
    }
    for &value in &values {
        // Written so that NaN is no good.
        good = S::V::select(simd.splat(T::MAX).gt(value.abs()), good, zero);
    }
    descending_in_lanes(simd, &mut values, &mut vectors);
    (values, vectors, good)
}

/// `U`, values and `V` of a 2×2 matrix in every place, and something to judge them by.
type SvdInLanes<V> = (Block<V, 2, 2>, [V; 2], Block<V, 2, 2>, V);

/// `U`, values and `V` of a matrix in every place, and 1 where all of them are accurate relative to
/// each column, 0 elsewhere. Exact powers of two change nothing about that.
#[inline(always)]
pub(super) fn svd_2x2_in_lanes<T: Scalar, S: Simd<T>>(
    simd: S,
    a: &Block<S::V, 2, 2>,
) -> SvdInLanes<S::V> {
    let (zero, one) = (simd.splat(T::ZERO), simd.splat(T::ONE));
    let tiny = simd.splat(T::exp2i(-T::MAX_EXP / 4));
    let (mut u, s, mut v, both) = general_2x2(simd, a);
    for (u, v) in u.iter_mut().zip(&mut v) {
        let sign = sign_of_largest(simd, v);
        set_sign(simd, sign, v);
        set_sign(simd, sign, u);
    }
    let [s0, s1] = s;
    // s₀·s₁ = |det A|, of which rounding leaves about 2·ε·‖x‖·‖y‖.
    let full = (s0 * s1).gt(simd.splat(T::from_f64(4.0) * T::EPSILON) * both);
    let mut good = S::V::select(full, one, zero);
    for &entry in a.as_flattened() {
        // A zero is as good as any other number.
        let size = entry.abs();
        let size = S::V::select(size.gt(zero), size, one);
        good = S::V::select(tiny.gt(size), zero, good);
    }
    (u, s, v, good)
}

/// Eigenvalues and vectors of `[[a, b], [b, c]]`, in no order.
#[inline(always)]
fn symmetric_2x2<T: Scalar, S: Simd<T>>(
    simd: S,
    a: S::V,
    b: S::V,
    c: S::V,
) -> ([S::V; 2], Block<S::V, 2, 2>) {
    let (cosine, sine, t) = angle(simd, a, c, b);
    let minus = simd.splat(-T::ONE) * sine;
    ([a - t * b, t.mul_add(b, c)], [[cosine, minus], [sine, cosine]])
}

/// Cosine, sine and tangent of the [`rotation`] of columns with squared lengths `alpha` and `beta`
/// and inner product `gamma`, which may be zero.
#[inline(always)]
fn angle<T: Scalar, S: Simd<T>>(
    simd: S,
    alpha: S::V,
    beta: S::V,
    gamma: S::V,
) -> (S::V, S::V, S::V) {
    let (zero, one) = (simd.splat(T::ZERO), simd.splat(T::ONE));
    let delta = beta - alpha;
    // The angle depends on the difference alone. Where squares would vanish, both are scaled.
    let small = simd.splat(T::exp2i(-3 * T::MAX_EXP / 8)).gt(delta.abs().larger(gamma.abs()));
    let factor = S::V::select(small, simd.splat(T::exp2i(3 * T::MAX_EXP / 4)), one);
    let r = rotation(simd, zero, delta * factor, gamma * factor);
    let turns = gamma.abs().gt(zero);
    let (c, t) = (S::V::select(turns, r.c, one), S::V::select(turns, r.t, zero));
    (c, c * t, t)
}

/// `U`, values and `V` of the matrix with columns `x` and `y`, whose entries are not far above 1, and
/// `‖x‖·‖y‖`; the larger value first, neither negative.
#[inline(always)]
fn general_2x2<T: Scalar, S: Simd<T>>(simd: S, &[x, y]: &Block<S::V, 2, 2>) -> SvdInLanes<S::V> {
    let (zero, one) = (simd.splat(T::ZERO), simd.splat(T::ONE));
    let minus = simd.splat(-T::ONE);
    let (x2, y2) = (dot(simd, &x, &x), dot(simd, &y, &y));
    let swapped = y2.gt(x2);
    let ([mut x0, mut x1], [mut y0, mut y1]) = (x, y);
    exchange(swapped, &mut x0, &mut y0);
    exchange(swapped, &mut x1, &mut y1);
    // Q = [c −s; s c] takes the first axis onto the longer column: R = [r00 r01; 0 r11].
    let r00 = x2.larger(y2).sqrt();
    let some = r00.gt(zero);
    let inverse = one / r00;
    let (c, s) = (S::V::select(some, x0 * inverse, one), S::V::select(some, x1 * inverse, zero));
    let (r01, r11) = (c.mul_add(y0, s * y1), c.mul_add(y1, minus * s * y0));
    // Rᵀ·W = Y·Σ: its columns are (r00, r01) and (0, r11), the first one the longer.
    let (cw, sw, tw) = angle(simd, r00.mul_add(r00, r01 * r01), r11 * r11, r01 * r11);
    let b = (minus * tw).mul_add(r11, r01);
    let length = r00.mul_add(r00, b * b).sqrt();
    let inverse = one / length;
    let larger = cw * length;
    let smaller = S::V::select(some, r00 * r11.abs() / larger, zero);
    // Two equal values may come out in the wrong order.
    let smaller = S::V::select(smaller.gt(larger), larger, smaller);
    let (y0, y1) = (S::V::select(some, r00 * inverse, one), S::V::select(some, b * inverse, zero));
    // The second column of Y is the first turned by 90°, and back where det R is negative.
    let sign = one.copysign(r11);
    let (mut first, mut second) = ([y0, minus * y1 * sign], [y1, y0 * sign]);
    exchange_columns(swapped, &mut first, &mut second);
    let ([v00, v01], [v10, v11]) = (first, second);
    let u0 = [c.mul_add(cw, s * sw), s.mul_add(cw, minus * c * sw)];
    let u1 = [c.mul_add(sw, minus * s * cw), s.mul_add(sw, c * cw)];
    ([u0, u1], [larger, smaller], [[v00, v10], [v01, v11]], (x2 * y2).sqrt())
}

/// Eigenvalues and vectors, in no order, of the symmetric matrix with the lower triangle
/// `(00, 10, 20, 11, 21, 22)`; 1 at the end, or 0 for a multiple of the identity, to rounding, where
/// they are none.
#[inline(always)]
fn symmetric_3x3<T: Scalar, S: Simd<T>>(
    simd: S,
    lower: &[S::V; 6],
) -> ([S::V; 3], Block<S::V, 3, 3>, S::V) {
    let (zero, one, two) = (simd.splat(T::ZERO), simd.splat(T::ONE), simd.splat(T::TWO));
    let third = simd.splat(T::ONE / T::from_f64(3.0));
    let [a00, a10, a20, a11, a21, a22] = *lower;
    let mean = (a00 + a11 + a22) * third;
    let (d0, d1, d2) = (a00 - mean, a11 - mean, a22 - mean);
    let squares = two.mul_add(
        dot(simd, &[a10, a20, a21], &[a10, a20, a21]),
        dot(simd, &[d0, d1, d2], &[d0, d1, d2]),
    );
    let unit = (squares * simd.splat(T::ONE / T::from_f64(6.0))).sqrt();
    let size = mean.abs().larger(unit);
    let good = S::V::select(unit.gt(size * simd.splat(T::EPSILON * T::EPSILON)), one, zero);
    let inverse = one / unit;
    let (b00, b11, b22) = (d0 * inverse, d1 * inverse, d2 * inverse);
    let (b10, b20, b21) = (a10 * inverse, a20 * inverse, a21 * inverse);
    // B − y·I with columns x, w, z.
    let det = b00 * (b11 * b22 - b21 * b21) - b10 * (b10 * b22 - b21 * b20)
        + b20 * (b10 * b21 - b11 * b20);
    // The value that stands alone is the largest for r ≥ 0 and the smallest otherwise.
    let r = (simd.splat(T::HALF) * det).abs();
    let r = S::V::select(r.gt(one), one, r);
    // A parabola through the ends of y(r), where it meets the slope at r = 0, is within 0.003.
    let bend = third - r * simd.splat(T::from_f64(0.065_384_140_902_210_56));
    let mut y = r.mul_add(bend, simd.splat(T::from_f64(1.732_050_807_568_877_2)));
    let three = simd.splat(T::from_f64(3.0));
    for _ in 0..3 {
        let square = y * y;
        y = square.mul_add(y, r) * two / (three * (square - one));
    }
    let y = y.copysign(det);

    // B − y·I has rank 2, and its adjugate is c·v·vᵀ with c of 6 to 9: the longest column is v.
    let (x, w, z) = ([b00 - y, b10, b20], [b10, b11 - y, b21], [b20, b21, b22 - y]);
    let (mut longest, c1, c2) = (cross(w, z), cross(z, x), cross(x, w));
    let mut length = dot(simd, &longest, &longest);
    for column in [c1, c2] {
        let its = dot(simd, &column, &column);
        let longer = its.gt(length);
        length = S::V::select(longer, its, length);
        for (v, &its) in longest.iter_mut().zip(&column) {
            *v = S::V::select(longer, its, *v);
        }
    }
    let inverse = one / length.sqrt();
    let [v0, v1, v2] = longest;
    let v = [v0 * inverse, v1 * inverse, v2 * inverse];
    let (p, q) = plane(simd, v);
    let b = [[b00, b10, b20], [b10, b11, b21], [b20, b21, b22]];
    let [bp, bq] = combinations(simd, &b, &[p, q]);
    let ([y1, y2], turned) =
        symmetric_2x2(simd, dot(simd, &p, &bp), dot(simd, &p, &bq), dot(simd, &q, &bq));
    let [second, third] = combinations(simd, &[p, q], &turned);
    let values = [unit.mul_add(y, mean), unit.mul_add(y1, mean), unit.mul_add(y2, mean)];
    (values, [v, second, third], good)
}

/// Two unit vectors orthogonal to the unit vector `v` and to each other.
#[inline(always)]
fn plane<T: Scalar, S: Simd<T>>(simd: S, [x, y, z]: [S::V; 3]) -> ([S::V; 3], [S::V; 3]) {
    let minus = simd.splat(-T::ONE);
    let sign = simd.splat(T::ONE).copysign(z);
    let a = minus / (sign + z);
    let b = x * y * a;
    (
        [(sign * x * x).mul_add(a, simd.splat(T::ONE)), sign * b, minus * sign * x],
        [b, (y * y).mul_add(a, sign), minus * y],
    )
}

/// `AᵀA` as `(00, 10, 20, 11, 21, 22)`.
#[inline(always)]
pub(super) fn gram<T: Scalar, S: Simd<T>, const M: usize>(
    simd: S,
    [x, y, z]: &Block<S::V, M, 3>,
) -> [S::V; 6] {
    [
        dot(simd, x, x),
        dot(simd, x, y),
        dot(simd, x, z),
        dot(simd, y, y),
        dot(simd, y, z),
        dot(simd, z, z),
    ]
}

/// `A·C`: combinations of the columns of `A`.
#[inline(always)]
pub(super) fn combinations<
    T: Scalar,
    S: Simd<T>,
    const M: usize,
    const N: usize,
    const K: usize,
>(
    simd: S,
    a: &Block<S::V, M, N>,
    c: &Block<S::V, N, K>,
) -> Block<S::V, M, K> {
    let mut out = [[simd.splat(T::ZERO); M]; K];
    for (c, out) in c.iter().zip(&mut out) {
        for (&c, column) in c.iter().zip(a) {
            for (sum, &a) in out.iter_mut().zip(column) {
                *sum = c.mul_add(a, *sum);
            }
        }
    }
    out
}

#[inline(always)]
fn cross<V: Mul<Output = V> + Sub<Output = V> + Copy>(x: [V; 3], y: [V; 3]) -> [V; 3] {
    let ([a, b, c], [d, e, f]) = (x, y);
    [b * f - c * e, c * d - a * f, a * e - b * d]
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
