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

use super::qr::householder;
use super::rows::{Fitted, Strip, reflect_rows, strips, weighted_sum};
use super::{at, closed, copy, exchange, fix_sign, max_exponent, put, swap_cols};
use crate::mat::{Columns, Mat, MatMut};
use crate::scalar::Scalar;
use crate::simd::{self, Kernel, Lanes, Simd};

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
/// About `9·N³` flops; `N + 32` values of stack beside the result.
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
    if by_formula(a) {
        return closed::eigh_by_formula(a, eigenvalues);
    }
    iterate(a, eigenvalues)
}

#[inline(never)]
fn iterate<T: Scalar, const N: usize>(
    a: &mut Mat<T, N, N>,
    eigenvalues: &mut [T; N],
) -> Result<(), EighError> {
    let mut work = [T::ZERO; N];
    decompose(a, eigenvalues, &mut work, true)
}

/// The smallest sizes have formulas of their own.
#[inline(always)]
fn by_formula<T: Scalar>(a: &impl Columns<T>) -> bool {
    match a.cols() {
        2 => true,
        // What is diagonal already keeps its digits.
        3 => [at(a.col(0), 1), at(a.col(0), 2), at(a.col(1), 2)] != [T::ZERO; 3],
        _ => false,
    }
}

/// The eigenvalues alone, descending.
///
/// # Errors
/// As [`eigh`].
///
/// # Cost
/// About `2·N³` flops.
pub fn eigenvalues<T: Scalar, const N: usize>(a: &Mat<T, N, N>) -> Result<[T; N], EighError> {
    let (mut a, mut values, mut work) = (*a, [T::ZERO; N], [T::ZERO; N]);
    if by_formula(&a) {
        closed::eigh_by_formula(&mut a, &mut values)?;
        return Ok(values);
    }
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
    if by_formula(a) {
        if n == 2 {
            store(&closed::eigh_2x2(&Mat::from_fn(|i, j| at(a.col(j), i)))?, a, eigenvalues);
        } else {
            store(&closed::eigh_3x3(&Mat::from_fn(|i, j| at(a.col(j), i)))?, a, eigenvalues);
        }
        return Ok(());
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
    T::dispatch(Fitted(n, Iterate { a: &mut *a, d: &mut *d, e, exponent, vectors }))?;
    sort_descending(a, d, vectors);
    let mut finite = true;
    for v in d {
        *v = v.scale_exp2(exponent);
        finite &= v.is_finite();
    }
    if finite { Ok(()) } else { Err(EighError::Overflow) }
}

/// A result in another matrix of its size.
fn store<T: Scalar, const N: usize>(f: &Eigh<T, N>, a: &mut MatMut<'_, T>, eigenvalues: &mut [T]) {
    copy(&f.eigenvalues, eigenvalues);
    for (j, vector) in f.eigenvectors.cols.iter().enumerate() {
        copy(vector, a.col_mut(j));
    }
}

/// Everything between scaling and sorting, as a kernel.
struct Iterate<'a, T, A> {
    a: &'a mut A,
    d: &'a mut [T],
    e: &'a mut [T],
    exponent: i32,
    vectors: bool,
}

impl<T: Scalar, A: Columns<T>> Kernel<T> for Iterate<'_, T, A> {
    type Output = Result<(), EighError>;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
        let Self { a, d, e, exponent, vectors } = self;
        // Chunks of no columns, or of more than there can be, would panic.
        let n = a.cols().clamp(1, 1 << 24);
        let a = a.all_mut();
        if exponent != 0 {
            for v in a.iter_mut() {
                *v = v.scale_exp2(-exponent);
            }
        }
        tridiagonalize(simd, n, a, d, e);
        if vectors {
            form_q(simd, n, a);
        }
        diagonalize(simd, n, a, d, e, vectors)
    }
}

/// `A = Q·T·Qᵀ`: the diagonal of `T` goes to `d`, what is below it to `e[..n − 1]`. Column `k` of `a`
/// keeps the reflection that eliminated it, `τ` in the place of its `v₀ = 1`. Of `A` only the lower
/// triangle is read.
///
/// A matrix–vector product is a sum of columns here, and all of a column takes part in every step:
/// what lies above the rows that are left stays bounded and is not used any more.
#[inline(always)]
pub(super) fn tridiagonalize<T: Scalar, S: Simd<T>>(
    simd: S,
    n: usize,
    a: &mut [T],
    d: &mut [T],
    e: &mut [T],
) {
    for j in 0..n {
        put(d, j, T::ZERO);
        for i in 0..j {
            put(a, j * n + i, at(a, i * n + j));
        }
    }
    for k in 0..n.saturating_sub(2) {
        let Some((done, rest)) = a.split_at_mut_checked((k + 1) * n) else { return };
        let v = done.get_mut(k * n..).unwrap_or(&mut []);
        let diagonal = at(v, k);
        for v in v.iter_mut().take(k + 1) {
            *v = T::ZERO;
        }
        let tau = householder(simd, v, k + 1);
        put(e, k, at(v, k + 1));
        put(v, k + 1, T::ONE);
        let below = v.get(k + 1..).unwrap_or(&[]);
        strips(simd, (k + 1, n), &mut Product { n, v: below, columns: rest, tau, out: d });
        let from = (k + 1) - (k + 1) % T::LANES;
        let along = simd.dot(d.get(from..).unwrap_or(&[]), v.get(from..).unwrap_or(&[]));
        strips(simd, (k + 1, n), &mut AddMultiple { factor: -T::HALF * tau * along, v, out: d });
        strips(simd, (k + 1, n), &mut Update { n, first: k + 1, v, w: d, columns: rest });
        put(v, k + 1, tau);
        put(v, k, diagonal);
    }
    for j in 0..n {
        put(d, j, at(a, j * n + j));
        put(e, j, if j + 2 < n { at(e, j) } else { T::ZERO });
    }
    if n >= 2 {
        put(e, n - 2, at(a, (n - 2) * n + n - 1));
    }
}

/// `out ← τ·A·v`.
struct Product<'a, T> {
    n: usize,
    v: &'a [T],
    columns: &'a [T],
    tau: T,
    out: &'a mut [T],
}

impl<T: Scalar> Strip<T> for Product<'_, T> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let sum = weighted_sum(simd, self.v, self.columns, self.n, i);
        (sum * simd.splat(self.tau)).store_at(self.out, i);
    }
}

/// `out ← out + factor·v`.
struct AddMultiple<'a, T> {
    factor: T,
    v: &'a [T],
    out: &'a mut [T],
}

impl<T: Scalar> Strip<T> for AddMultiple<'_, T> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let (v, out) = (simd.load_at(self.v, i), simd.load_at(self.out, i));
        v.mul_add(simd.splat(self.factor), out).store_at(self.out, i);
    }
}

/// `A ← A − v·wᵀ − w·vᵀ` for the columns from `first` on.
struct Update<'a, T> {
    n: usize,
    first: usize,
    v: &'a [T],
    w: &'a [T],
    columns: &'a mut [T],
}

impl<T: Scalar> Strip<T> for Update<'_, T> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let none = simd.splat(T::ZERO);
        let (v, w) = (none - simd.load_at(self.v, i), none - simd.load_at(self.w, i));
        let weights = self.v.iter().zip(self.w).skip(self.first);
        for (column, (&v_j, &w_j)) in self.columns.chunks_exact_mut(self.n).zip(weights) {
            let less = v.mul_add(simd.splat(w_j), simd.load_at(column, i));
            w.mul_add(simd.splat(v_j), less).store_at(column, i);
        }
    }
}

/// Turns the reflections into `Q`, from the last one back.
#[inline(always)]
fn form_q<T: Scalar, S: Simd<T>>(simd: S, n: usize, a: &mut [T]) {
    // Qᵀ takes shape in the columns behind the reflection.
    for j in (0..n).rev() {
        let Some((vectors, columns)) = a.split_at_mut_checked(j * n) else { return };
        for (i, v) in columns.iter_mut().take(n).enumerate() {
            *v = if i == j { T::ONE } else { T::ZERO };
        }
        let before = vectors.len().checked_sub(n).and_then(|from| vectors.get_mut(from..));
        if let (Some(v), 1..) = (before, n - 1 - j) {
            let tau = at(v, j);
            put(v, j, T::ONE);
            let v = v.get(j..).unwrap_or(&[]);
            reflect_rows(simd, (v, tau), columns, n, (j, n));
        }
    }
    for j in 0..n {
        for i in 0..j {
            super::swap(a, j * n + i, i * n + j);
        }
    }
}

/// Rotations that are applied to the columns of `Z` together, each to the column in front of those
/// before it and the nearest of them.
struct Rotations<T> {
    cosines: [T; TOGETHER],
    sines: [T; TOGETHER],
    count: usize,
}

/// At most so many: what they need is kept on the stack.
const TOGETHER: usize = 16;

impl<T: Scalar> Rotations<T> {
    /// Applies them to the columns up to `last`.
    #[inline(always)]
    fn apply<S: Simd<T>>(&mut self, simd: S, n: usize, z: &mut [T], last: usize) {
        let first = last.saturating_sub(self.count);
        let columns = z.get_mut(first * n..(last + 1) * n).unwrap_or(&mut []);
        strips(simd, (0, n), &mut Turn { n, rotations: self, columns });
        self.count = 0;
    }
}

struct Turn<'a, T> {
    n: usize,
    rotations: &'a Rotations<T>,
    columns: &'a mut [T],
}

impl<T: Scalar> Strip<T> for Turn<'_, T> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let Rotations { cosines, sines, count } = self.rotations;
        let mut columns = self.columns.chunks_exact_mut(self.n).rev();
        let Some(mut right) = columns.next() else { return };
        let mut y = simd.load_at(right, i);
        for (left, (&c, &s)) in columns.zip(cosines.iter().zip(sines).take(*count)) {
            let x = simd.load_at(left, i);
            let (c, s, minus_s) = (simd.splat(c), simd.splat(s), simd.splat(-s));
            s.mul_add(x, c * y).store_at(right, i);
            y = minus_s.mul_add(y, c * x);
            right = left;
        }
        y.store_at(right, i);
    }
}

/// Implicit QL steps on the tridiagonal matrix `(d, e)`; rotations are applied to the columns of
/// `z` if wanted.
#[inline(always)]
fn diagonalize<T: Scalar, S: Simd<T>>(
    simd: S,
    n: usize,
    z: &mut [T],
    d: &mut [T],
    e: &mut [T],
    vectors: bool,
) -> Result<(), EighError> {
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
            reverse(n, z, d, e, first, last, vectors);
        }
        let (mut top, mut end) = (first, last);
        while top < last {
            if end == top {
                top += 1;
                end = block_end(d, e, top, last + 1);
                continue;
            }
            if steps == 0 {
                return Err(EighError::NotConverged);
            }
            steps -= 1;
            end = ql_step(simd, n, z, d, e, (top, end), vectors);
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
    while end + 1 < n && !negligible(at(d, end), at(d, end + 1), at(e, end)) {
        end += 1;
    }
    if end + 1 < n {
        put(e, end, T::ZERO);
    }
    end
}

/// Whether `e` between `a` and `b` counts as zero: relative to both where that is possible without
/// underflow. The square of any other is a normal number.
#[inline(always)]
fn negligible<T: Scalar>(a: T, b: T, e: T) -> bool {
    let (a, b, e) = (a.abs(), b.abs(), e.abs());
    e * e <= (T::EPSILON * a) * (T::EPSILON * b) + T::MIN_POSITIVE || e <= T::EPSILON * T::EPSILON
}

/// Turns the block `first..=last` upside down.
#[inline(always)]
fn reverse<T: Scalar>(
    n: usize,
    z: &mut [T],
    d: &mut [T],
    e: &mut [T],
    first: usize,
    last: usize,
    vectors: bool,
) {
    // Not slice::reverse: compiled for size, it has a panic.
    for block in [d.get_mut(first..=last), e.get_mut(first..last)].into_iter().flatten() {
        let mut values = block.iter_mut();
        while let (Some(x), Some(y)) = (values.next(), values.next_back()) {
            core::mem::swap(x, y);
        }
    }
    if vectors {
        let block = z.get_mut(first * n..(last + 1) * n).unwrap_or(&mut []);
        let mut columns = block.chunks_exact_mut(n);
        while let (Some(x), Some(y)) = (columns.next(), columns.next_back()) {
            exchange(x, y);
        }
    }
}

/// One QL step with Wilkinson's shift on rows `top..=end`; the last row of the block that `top` is
/// in after it.
///
/// With the rotations `(cᵢ, sᵢ)` of the step, `pᵢ` is the entry that the rotation of rows `i` and
/// `i + 1` turns together with `eᵢ` into `rᵢ = √(pᵢ² + eᵢ²)`, and
///
/// ```text
/// cᵢ = pᵢ/rᵢ,   sᵢ = eᵢ/rᵢ,   pᵢ₋₁ = cᵢ·(dᵢ − σ) − sᵢ·cᵢ₊₁·eᵢ = (pᵢ·(dᵢ − σ) − eᵢ²·cᵢ₊₁)/rᵢ
/// ```
///
/// In this form only a root and a division are between one `p` and the next.
#[inline(always)]
fn ql_step<T: Scalar, S: Simd<T>>(
    simd: S,
    n: usize,
    z: &mut [T],
    d: &mut [T],
    e: &mut [T],
    (top, end): (usize, usize),
    vectors: bool,
) -> usize {
    let off = at(e, top);
    let half_gap = T::HALF * (at(d, top + 1) - at(d, top));
    let root = (half_gap * half_gap + off * off).sqrt();
    let shift = at(d, top) - (off * off) / (half_gap + root.copysign(half_gap));

    let (mut p, mut c, mut s) = (at(d, end) - shift, T::ONE, T::ZERO);
    // `c·p`: what stands on the diagonal until the next rotation, less the shift.
    let mut pending = p;
    let mut below = T::ZERO;
    let mut block_end = end;
    let mut rotations =
        Rotations { cosines: [T::ZERO; TOGETHER], sines: [T::ZERO; TOGETHER], count: 0 };
    let mut last = end;
    for i in (top..end).rev() {
        let (d_i, e_i) = (at(d, i), at(e, i));
        let r = (p * p + e_i * e_i).sqrt();
        let e_below = s * r;
        let numerator = p * (d_i - shift) - e_i * (e_i * c);
        (c, s, p) = (p / r, e_i / r, numerator / r);
        let entry = pending + (d_i - c * p);
        pending = c * p;
        put(d, i + 1, entry);
        if i + 1 < end {
            let split = negligible(entry, below, e_below);
            put(e, i + 1, if split { T::ZERO } else { e_below });
            block_end = if split { i + 1 } else { block_end };
        }
        below = entry;
        if vectors {
            put(&mut rotations.cosines, rotations.count, c);
            put(&mut rotations.sines, rotations.count, s);
            rotations.count += 1;
            if rotations.count == TOGETHER || i == top {
                rotations.apply(simd, n, z, last);
                last = i;
            }
        }
    }
    let (entry, e_top) = (shift + pending, s * p);
    let split = negligible(entry, below, e_top);
    put(d, top, entry);
    put(e, top, if split { T::ZERO } else { e_top });
    if split { top } else { block_end }
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
