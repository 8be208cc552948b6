//! Eigenvalues and eigenvectors of a symmetric matrix: `A = V·diag(λ)·Vᵀ`.
//!
//! Householder reflections bring `A` to tridiagonal form, implicit QL steps with Wilkinson's
//! shift bring that to diagonal form; both are turned into `V` as they go. At 2×2 and 3×3 a formula
//! takes their place. The error is small against the largest eigenvalue. (For a matrix `XᵀX`,
//! decompose `X` by [`svd`](super::svd::svd) instead: that keeps the digits of the small ones too.)
//!
//! Source: Golub & Van Loan, *Matrix Computations*, §8.3; stopping rule and choice of end as in
//! LAPACK `xSTEQR`.

use core::fmt;

use super::qr::{householder, reflect};
use super::{at, closed, copy, fix_sign, max_exponent, put, swap_cols};
use crate::mat::{Columns, Mat, MatMut};
use crate::scalar::Scalar;
use crate::simd::{self, Plain};

/// `A = V·diag(λ)·Vᵀ`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct Eigh<T, const N: usize> {
    /// `λ`, descending.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub eigenvalues: [T; N],
    /// `V`: column `k` belongs to `eigenvalues[k]`; its entry of largest magnitude is positive.
    pub eigenvectors: Mat<T, N, N>,
}

/// Why there is no decomposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum EighError {
    /// An entry is infinite or NaN.
    NotFinite,
    /// An eigenvalue is larger than the largest number of the type.
    Overflow,
    /// The QL steps did not end within [`MAX_STEPS_PER_VALUE`]` · N`; the in-place form holds the
    /// orthogonal transformation it reached. Never seen.
    NotConverged,
    /// A slice has the wrong length (run-time sizes only).
    WrongLength,
}

impl fmt::Display for EighError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFinite => "the matrix has an infinite or NaN entry",
            Self::Overflow => "an eigenvalue is too large for the number type",
            Self::NotConverged => "the eigenvalue iteration did not converge",
            Self::WrongLength => "a buffer does not fit the size of the matrix",
        })
    }
}
impl core::error::Error for EighError {}

/// QL steps allowed per eigenvalue on average, as in LAPACK; fewer than two are usual.
pub const MAX_STEPS_PER_VALUE: usize = 30;

/// Eigenvalues and eigenvectors of the symmetric matrix whose lower triangle is that of `a`.
///
/// # Errors
/// [`EighError::NotFinite`] for infinite or NaN entries, [`EighError::Overflow`] if an eigenvalue
/// is not representable, [`EighError::NotConverged`] after [`MAX_STEPS_PER_VALUE`]` · N` steps.
///
/// # Accuracy
/// Residual `‖A·V − V·diag(λ)‖` and orthogonality `‖VᵀV − I‖` within `8·N·ε` (of `‖A‖`); checked
/// by `tests/eigh.rs`.
///
/// # Cost
/// About `9·N³` flops; `2·N` values of stack beside the result.
///
/// ```
/// let a = eigenmote::Mat::from_rows(&[[2.0_f32, 1.0], [1.0, 2.0]]);
/// let f = eigenmote::linalg::eigh(&a)?;
/// assert!((f.eigenvalues[0] - 3.0).abs() < 1e-6 && (f.eigenvalues[1] - 1.0).abs() < 1e-6);
/// # Ok::<(), eigenmote::linalg::EighError>(())
/// ```
pub fn eigh<T: Scalar, const N: usize>(a: &Mat<T, N, N>) -> Result<Eigh<T, N>, EighError> {
    let mut out = Eigh { eigenvalues: [T::ZERO; N], eigenvectors: *a };
    eigh_in_place(&mut out.eigenvectors, &mut out.eigenvalues)?;
    Ok(out)
}

/// As [`eigh`], with `a` replaced by the eigenvectors.
///
/// # Errors
/// As [`eigh`]; `a` is unchanged on [`EighError::NotFinite`].
pub fn eigh_in_place<T: Scalar, const N: usize>(
    a: &mut Mat<T, N, N>,
    eigenvalues: &mut [T; N],
) -> Result<(), EighError> {
    let mut work = [T::ZERO; N];
    decompose(a, eigenvalues, &mut work, true)
}

/// The eigenvalues alone, descending.
///
/// # Errors
/// As [`eigh`].
///
/// # Cost
/// About `4/3·N³` flops.
pub fn eigenvalues<T: Scalar, const N: usize>(a: &Mat<T, N, N>) -> Result<[T; N], EighError> {
    let (mut a, mut values, mut work) = (*a, [T::ZERO; N], [T::ZERO; N]);
    decompose(&mut a, &mut values, &mut work, false)?;
    Ok(values)
}

/// As [`eigh_in_place`] for a size known at run time: `a` is `n × n`, `eigenvalues` and `work`
/// hold `n` values each.
///
/// # Errors
/// As [`eigh`], and [`EighError::WrongLength`].
pub fn eigh_view<T: Scalar>(
    a: &mut MatMut<'_, T>,
    eigenvalues: &mut [T],
    work: &mut [T],
) -> Result<(), EighError> {
    let n = a.cols();
    if a.rows() != n || eigenvalues.len() != n || work.len() != n {
        return Err(EighError::WrongLength);
    }
    decompose(a, eigenvalues, work, true)
}

#[inline(always)]
fn decompose<T: Scalar>(
    a: &mut impl Columns<T>,
    d: &mut [T],
    e: &mut [T],
    vectors: bool,
) -> Result<(), EighError> {
    let n = a.cols();
    match n {
        2 => return by_formula(a, d, vectors, closed::eigh_2x2),
        // What is diagonal already keeps its digits.
        3 if [at(a.col(0), 1), at(a.col(0), 2), at(a.col(1), 2)] != [T::ZERO; 3] => {
            return by_formula(a, d, vectors, closed::eigh_3x3);
        }
        _ => {}
    }
    let mut exponent = None;
    for j in 0..n {
        let lower = a.col(j).get(j..).unwrap_or(&[]);
        if !simd::all_finite(lower) {
            return Err(EighError::NotFinite);
        }
        exponent = exponent.max(max_exponent(lower));
    }
    // An exact power of two brings the largest entry into [1, 2): squares stay in range.
    let exponent = exponent.unwrap_or(0);
    if exponent != 0 {
        for j in 0..n {
            for v in a.col_mut(j).iter_mut().skip(j) {
                *v = v.scale_exp2(-exponent);
            }
        }
    }
    tridiagonalize(a, d, e, vectors);
    diagonalize(a, d, e, vectors)?;
    sort_descending(a, d, vectors);
    let mut finite = true;
    for v in d {
        *v = v.scale_exp2(exponent);
        finite &= v.is_finite();
    }
    if finite { Ok(()) } else { Err(EighError::Overflow) }
}

/// The smallest sizes have formulas of their own.
#[inline(always)]
fn by_formula<T: Scalar, const N: usize>(
    a: &mut impl Columns<T>,
    d: &mut [T],
    vectors: bool,
    formula: impl Fn(&Mat<T, N, N>) -> Result<Eigh<T, N>, EighError>,
) -> Result<(), EighError> {
    let f = formula(&Mat::from_fn(|i, j| at(a.col(j), i)))?;
    copy(&f.eigenvalues, d);
    if vectors {
        for (j, vector) in f.eigenvectors.cols.iter().enumerate() {
            copy(vector, a.col_mut(j));
        }
    }
    Ok(())
}

/// `A = Q·T·Qᵀ`: the diagonal of `T` goes to `d`, what is below it to `e[..n − 1]`, and `Q` to
/// `a` if wanted. Only the lower triangle is read.
#[inline(always)]
fn tridiagonalize<T: Scalar>(a: &mut impl Columns<T>, d: &mut [T], e: &mut [T], vectors: bool) {
    let n = a.cols();
    for k in 0..n.saturating_sub(2) {
        // Column k below the diagonal becomes (β, 0, …); `d[k + 1..]` holds w = τ·A·v meanwhile.
        let tau = householder(Plain, a.col_mut(k).get_mut(k + 1..).unwrap_or(&mut []));
        let beta = at(a.col(k), k + 1);
        put(a.col_mut(k), k + 1, T::ONE);
        let w = d.get_mut(k + 1..).unwrap_or(&mut []);
        for w in w.iter_mut() {
            *w = T::ZERO;
        }
        for j in k + 1..n {
            let (v, col) = a.pair_mut(k, j);
            let col = col.get(j..).unwrap_or(&[]);
            let v = v.get(j..).unwrap_or(&[]);
            let w = w.get_mut(j - k - 1..).unwrap_or(&mut []);
            // Column j of the lower triangle stands for row j as well.
            let v_j = at(v, 0);
            let below = simd::dot(col.get(1..).unwrap_or(&[]), v.get(1..).unwrap_or(&[]));
            simd::axpy(v_j, col, w);
            put(w, 0, at(w, 0) + below);
        }
        let v = a.col(k).get(k + 1..).unwrap_or(&[]);
        simd::scale(tau, w);
        let half = -T::HALF * tau * simd::dot(w, v);
        simd::axpy(half, v, w);
        for j in k + 1..n {
            let (v, col) = a.pair_mut(k, j);
            let v = v.get(j..).unwrap_or(&[]);
            let w = w.get(j - k - 1..).unwrap_or(&[]);
            let (v_j, w_j) = (at(v, 0), at(w, 0));
            for ((a, &v), &w) in col.iter_mut().skip(j).zip(v).zip(w) {
                *a -= v_j * w + w_j * v;
            }
        }
        put(e, k, beta);
        // The place of v₀ = 1 keeps τ until Q is formed.
        put(a.col_mut(k), k + 1, tau);
    }
    if n >= 2 {
        put(e, n - 2, at(a.col(n - 2), n - 1));
    }
    put(e, n.wrapping_sub(1), T::ZERO);
    for j in 0..n {
        put(d, j, at(a.col(j), j));
    }
    if vectors {
        form_q(a);
    }
}

/// Turns the reflections stored below the diagonal into `Q`, from the last one back: reflection
/// `k` moves one column to the right, since it leaves row and column `k` alone.
#[inline(always)]
fn form_q<T: Scalar>(a: &mut impl Columns<T>) {
    let n = a.cols();
    for j in (1..n).rev() {
        for (i, v) in a.col_mut(j).iter_mut().enumerate() {
            *v = if i == j { T::ONE } else { T::ZERO };
        }
        if j + 1 >= n {
            continue;
        }
        // Reflection j − 1 acts on rows j.. and lies in column j − 1 with τ in front. What was
        // above it is used up: zeros there let it start at a full group of lanes.
        let vector = a.col_mut(j - 1);
        let tau = at(vector, j);
        for (i, v) in vector.iter_mut().enumerate().take(j + 1) {
            *v = if i == j { T::ONE } else { T::ZERO };
        }
        for i in j..n {
            let (vector, column) = a.pair_mut(j - 1, i);
            reflect(vector, tau, j, column);
        }
    }
    for (i, v) in a.col_mut(0).iter_mut().enumerate() {
        *v = if i == 0 { T::ONE } else { T::ZERO };
    }
}

/// Implicit QL steps on the tridiagonal matrix `(d, e)`; rotations are applied to the columns of
/// `z` if wanted.
#[inline(always)]
fn diagonalize<T: Scalar>(
    z: &mut impl Columns<T>,
    d: &mut [T],
    e: &mut [T],
    vectors: bool,
) -> Result<(), EighError> {
    let n = z.cols();
    let mut steps = MAX_STEPS_PER_VALUE.saturating_mul(n);
    let mut first = 0;
    while first < n {
        // The block first..=last is the one in front with no negligible e inside.
        let last = block_end(d, e, first, n);
        if last == first {
            first += 1;
            continue;
        }
        // QL finds the values at the top first: the smaller end of a graded block belongs there.
        if at(d, last).abs() < at(d, first).abs() {
            reverse(z, d, e, first, last, vectors);
        }
        let mut top = first;
        while top < last {
            let end = block_end(d, e, top, last + 1);
            if end == top {
                top += 1;
                continue;
            }
            if steps == 0 {
                return Err(EighError::NotConverged);
            }
            steps -= 1;
            ql_step(z, d, e, top, end, vectors);
        }
        first = last + 1;
    }
    Ok(())
}

/// Index of the last row of the unreduced block that starts at `top`; sets the negligible `e`
/// behind it to zero.
#[inline(always)]
fn block_end<T: Scalar>(d: &[T], e: &mut [T], top: usize, n: usize) -> usize {
    let mut end = top;
    while end + 1 < n {
        let (a, b, off) = (at(d, end).abs(), at(d, end + 1).abs(), at(e, end).abs());
        // Relative to the neighbours where that is possible without underflow.
        let negligible = off * off <= (T::EPSILON * a) * (T::EPSILON * b) + T::MIN_POSITIVE
            || off <= T::EPSILON * T::EPSILON;
        if negligible {
            put(e, end, T::ZERO);
            break;
        }
        end += 1;
    }
    end
}

/// Turns the block `first..=last` upside down.
#[inline(always)]
fn reverse<T: Scalar>(
    z: &mut impl Columns<T>,
    d: &mut [T],
    e: &mut [T],
    first: usize,
    last: usize,
    vectors: bool,
) {
    if let Some(block) = d.get_mut(first..=last) {
        block.reverse();
    }
    if let Some(block) = e.get_mut(first..last) {
        block.reverse();
    }
    if vectors {
        for k in 0..(last + 1 - first) / 2 {
            swap_cols(z, first + k, last - k);
        }
    }
}

/// One QL step with Wilkinson's shift on rows `top..=end`.
#[inline(always)]
fn ql_step<T: Scalar>(
    z: &mut impl Columns<T>,
    d: &mut [T],
    e: &mut [T],
    top: usize,
    end: usize,
    vectors: bool,
) {
    let off = at(e, top);
    let g = (at(d, top + 1) - at(d, top)) / (T::TWO * off);
    let root = if g.abs() < T::exp2i(T::DIGITS) { (T::ONE + g * g).sqrt() } else { g.abs() };
    let mut g = at(d, end) - at(d, top) + off / (g + root.copysign(g));
    let (mut s, mut c, mut p) = (T::ONE, T::ONE, T::ZERO);
    let mut d_next = at(d, end);
    for i in (top..end).rev() {
        let e_i = at(e, i);
        let (f, b) = (s * e_i, c * e_i);
        let (r, sine, cosine) = givens(f, g);
        if i + 1 < end {
            put(e, i + 1, r);
        }
        if r == T::ZERO {
            // The block falls apart here: undo the pending shift and leave the rest to the next step.
            put(d, i + 1, d_next - p);
            put(e, end, T::ZERO);
            return;
        }
        (s, c) = (sine, cosine);
        let d_i = at(d, i);
        g = d_next - p;
        let q = (d_i - g) * s + T::TWO * c * b;
        p = s * q;
        put(d, i + 1, g + p);
        g = c * q - b;
        d_next = d_i;
        if vectors {
            let (x, y) = z.pair_mut(i, i + 1);
            simd::rotate(c, s, s, x, y);
        }
    }
    put(d, top, d_next - p);
    put(e, top, g);
}

/// `r = √(f² + g²)`, `f/r` and `g/r`. Where the squares would leave the range of normal values
/// all three come from scaled ones: the rotation must be orthogonal even if `r` has lost digits.
#[inline(always)]
fn givens<T: Scalar>(f: T, g: T) -> (T, T, T) {
    let largest = f.abs().max(g.abs());
    if largest > T::exp2i(T::MIN_EXP / 2 + T::DIGITS) {
        let r = (f * f + g * g).sqrt();
        return (r, f / r, g / r);
    }
    if largest == T::ZERO {
        return (T::ZERO, T::ZERO, T::ONE);
    }
    let k = largest.exponent();
    let (f, g) = (f.scale_exp2(-k), g.scale_exp2(-k));
    let r = (f * f + g * g).sqrt();
    (r.scale_exp2(k), f / r, g / r)
}

#[inline(always)]
fn sort_descending<T: Scalar>(z: &mut impl Columns<T>, d: &mut [T], vectors: bool) {
    let n = z.cols();
    for i in 0..n {
        let mut largest = i;
        for j in i + 1..n {
            if at(d, j) > at(d, largest) {
                largest = j;
            }
        }
        super::swap(d, i, largest);
        if vectors {
            swap_cols(z, i, largest);
            fix_sign(z.col_mut(i));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_difference_matrix_has_known_eigenvalues() {
        let a = Mat::<f64, 5, 5>::from_fn(|i, j| match i.abs_diff(j) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        });
        // 2 − 2·cos(k·π/6) for k = 5 to 1.
        let root = 3.0_f64.sqrt();
        let f = eigh(&a).unwrap();
        for (value, exact) in f.eigenvalues.iter().zip([2.0 + root, 3.0, 2.0, 1.0, 2.0 - root]) {
            assert!((value - exact).abs() < 1e-14);
        }
        assert_eq!(eigenvalues(&a).unwrap(), f.eigenvalues);
    }
}
