//! The leading eigenpairs of a symmetric matrix and the leading singular triplets of any matrix.
//!
//! From scratch, [`top_triplets`], [`dominant_triplet`] and [`top_eigenpairs`] go by way of a small
//! bidiagonal or tridiagonal matrix, of which only the wanted values are computed: by
//! Golub–Kahan–Lanczos where the values decay, which ends after a few products, and by reflections
//! elsewhere, which take the same time for every matrix. Repeated values are found as often as they
//! occur.
//!
//! From the result for a similar matrix (`…_in_place`), a block of `K` vectors is multiplied by `A`
//! and `Aᵀ`, and replaced by the best approximations in its span (Rayleigh–Ritz), as long as four
//! more multiplications promise to be enough: the error shrinks by `(σ_{K+1}/σ_K)²` each time. The
//! same block takes over what a search left above the tolerance, or did not start because
//! [`Options::max_iterations`] does not allow for it.
//!
//! One eigenpair with little memory ([`dominant_eigenpair`]): multiply by `A` twice and normalise.
//! The square of `A` does not tell `λ` from `−λ`; the sum and the difference of `v` and `A·v/‖A·v‖`
//! do. Where the next value is close, `top_eigenpairs::<_, N, 1>` is faster.
//!
//! The residual certifies that a value belongs to `A`, not that it is the largest. A Krylov space is
//! trusted only if what it has not seen of `‖A‖_F²` is less than the square of the value wanted last.
//! A start that is given by the caller can settle on the wrong vectors if it holds almost nothing of
//! the right ones and the values are close.
//!
//! A cap on iterations that was reached is not an error: it is a budget. What is returned is the
//! best there was, `converged` says whether it is within the tolerance, and the residual, which
//! is computed from the returned vectors, says what it is worth.
//!
//! Source: Golub & Van Loan, *Matrix Computations*, §8.2, §8.3, §10.4; Parlett, *The Symmetric
//! Eigenvalue Problem*, §14.

use core::fmt;

use super::eigh::eigh_view;
use super::leading::{Bidiagonal, Found, PairSearch, Search, add_columns};
use super::svd::svd_in_place;
use super::truncated::{Scaling, default_tolerance, fill_uniform, orthonormalize, random_column};
use super::{SvdError, at, copy, fix_sign, max_exponent, put, swap, swap_cols};
use crate::mat::{Columns, Mat, MatMut, norm};
use crate::rng::{Generator, seeded};
use crate::scalar::Scalar;
use crate::simd::{self, Kernel, Simd};

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Options<T> {
    /// Largest residual, relative to the value of largest magnitude; `None` stands for `ε^⅔`.
    pub tolerance: Option<T>,
    /// Iterations after which the best result so far is returned.
    pub max_iterations: u32,
    /// Seed of the start vectors.
    pub seed: u64,
}

impl<T> Options<T> {
    /// A tolerance of `ε^⅔`, at most 1000 iterations.
    pub const fn new() -> Self {
        Self { tolerance: None, max_iterations: 1000, seed: 1 }
    }
}

impl<T> Default for Options<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar> Options<T> {
    fn tolerance(&self) -> T {
        self.tolerance.unwrap_or_else(default_tolerance)
    }

    /// What the iteration stops at: the residual that is computed from the result may differ from
    /// that of the last iteration by rounding, and must be within the tolerance as well.
    fn goal(&self) -> T {
        T::from_f64(0.875) * self.tolerance()
    }

    /// The same for a search: a tolerance below rounding cannot be met, and one beyond half of the
    /// value means nothing.
    fn search_goal(&self) -> T {
        self.goal().max(T::from_f64(8.0) * T::EPSILON).min(T::HALF)
    }
}

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum PowerError {
    /// An entry of the matrix or of a start vector is infinite or NaN.
    NotFinite,
    /// A value is larger than the largest number of the type.
    Overflow,
}

impl fmt::Display for PowerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFinite => "the matrix or a start vector has an infinite or NaN entry",
            Self::Overflow => "a value is too large for the number type",
        })
    }
}
impl core::error::Error for PowerError {}

/// An eigenvalue of largest magnitude with its vector.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct Eigenpair<T, const N: usize> {
    /// `λ`. Of two eigenvalues `±λ`, either.
    pub value: T,
    /// `v` of length 1; its entry of largest magnitude is positive.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub vector: [T; N],
    /// How it was found.
    pub info: Info<T>,
}

/// The largest singular value with its vectors: `A·v = s·u`, `Aᵀ·u = s·v`.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct Triplet<T, const M: usize, const N: usize> {
    /// Left vector of length 1.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub u: [T; M],
    /// Singular value.
    pub s: T,
    /// Right vector of length 1; its entry of largest magnitude is positive.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub v: [T; N],
    /// How it was found.
    pub info: Info<T>,
}

/// The `K` eigenvalues of largest magnitude with their vectors.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct TopEigenpairs<T, const N: usize, const K: usize> {
    /// Eigenvalues, by descending magnitude.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub eigenvalues: [T; K],
    /// Orthonormal columns; the entry of largest magnitude of each is positive.
    pub eigenvectors: Mat<T, N, K>,
    /// `‖A·v − λ·v‖` of each pair.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub residuals: [T; K],
    /// How they were found.
    pub info: Info<T>,
}

/// The `K` largest singular values with their vectors.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct TopTriplets<T, const M: usize, const N: usize, const K: usize> {
    /// Left vectors, orthonormal.
    pub u: Mat<T, M, K>,
    /// Singular values, descending.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub s: [T; K],
    /// Right vectors, orthonormal; the entry of largest magnitude of each is positive.
    pub v: Mat<T, N, K>,
    /// The larger of `‖A·v − s·u‖` and `‖Aᵀ·u − s·v‖` of each triplet.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub residuals: [T; K],
    /// How they were found.
    pub info: Info<T>,
}

/// How an iteration went.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Info<T> {
    /// Iterations that were made: multiplications of the vector or the block, and columns of the
    /// bidiagonal or tridiagonal matrix, each of which costs about two products with a vector.
    pub iterations: u32,
    /// The largest residual, computed from what is returned: there is an eigenvalue (a singular
    /// value) of `A` within this distance of each value.
    pub residual: T,
    /// Whether the residual is within the tolerance.
    pub converged: bool,
}

/// The eigenvalue of largest magnitude of a symmetric matrix.
///
/// # Errors
/// [`PowerError::NotFinite`] for infinite or NaN entries, [`PowerError::Overflow`] if the value is
/// not representable.
///
/// # Accuracy
/// The value is within `residual` of an eigenvalue, and within about `residual²/gap` where that
/// eigenvalue stands alone; checked by `tests/power.rs`.
///
/// # Cost
/// `4·N²` flops an iteration; `6·N` values of stack.
///
/// ```
/// use eigenmote::{Mat, linalg::power::{Options, dominant_eigenpair}};
/// let a = Mat::from_rows(&[[1.0_f64, 2.0], [2.0, 1.0]]);
/// let top = dominant_eigenpair(&a, &Options::new())?;
/// assert!((top.value - 3.0).abs() < 1e-12 && top.info.converged);
/// # Ok::<(), eigenmote::linalg::power::PowerError>(())
/// ```
pub fn dominant_eigenpair<T: Scalar, const N: usize>(
    a: &Mat<T, N, N>,
    options: &Options<T>,
) -> Result<Eigenpair<T, N>, PowerError> {
    let mut vector = [T::ZERO; N];
    let (value, info) = dominant_eigenpair_in_place(a, &mut vector, options)?;
    Ok(Eigenpair { value, vector, info })
}

/// As [`dominant_eigenpair`], starting from what is in `vector`: the result for a similar matrix,
/// or zeros for a random start.
///
/// A trace of a random vector is added, of the size of the root of the tolerance, so that a start
/// orthogonal to the wanted vector does no harm.
///
/// # Errors
/// As [`dominant_eigenpair`]; a start with infinite or NaN entries is refused.
pub fn dominant_eigenpair_in_place<T: Scalar, const N: usize>(
    a: &Mat<T, N, N>,
    vector: &mut [T; N],
    options: &Options<T>,
) -> Result<(T, Info<T>), PowerError> {
    const { assert!(N >= 1, "the matrix must not be empty") };
    let a = Product::new(a)?;
    start(vector, options)?;
    let (mut u, mut w) = ([T::ZERO; N], [T::ZERO; N]);
    let mut v = *vector;
    let mut iterations = 0;
    loop {
        a.forward(&v, &mut u);
        let length = normalize(&mut u);
        if length == T::ZERO {
            // A·v = 0: v is an eigenvector already. Only the zero matrix does that to a random v.
            *vector = v;
            break;
        }
        a.forward(&u, &mut w);
        // v + u removes what belongs to −‖A·v‖, v − u what belongs to +‖A·v‖: the longer one.
        let sign = T::ONE.copysign(simd::dot(&v, &u));
        for ((x, &v), &u) in vector.iter_mut().zip(&v).zip(&u) {
            *x = v + sign * u;
        }
        let inverse = T::ONE / normalize(vector);
        // A·x = (‖A·v‖·u + sign·A·u)/‖v + sign·u‖
        for ((v, &u), &w) in v.iter_mut().zip(&u).zip(&w) {
            *v = (length * u + sign * w) * inverse;
        }
        let value = simd::dot(vector, &v);
        simd::axpy(-value, vector, &mut v);
        let settled = !(norm(&v) > options.goal() * value.abs());
        if settled || iterations >= options.max_iterations {
            break;
        }
        iterations = iterations.saturating_add(1);
        v = w;
        normalize(&mut v);
    }
    fix_sign(vector);
    a.forward(vector, &mut w);
    let value = simd::dot(vector, &w);
    simd::axpy(-value, vector, &mut w);
    let residual = norm(&w);
    let converged = !(residual > options.tolerance() * value.abs());
    let info = a.info(iterations, residual, converged);
    Ok((a.unscale(value)?, info))
}

/// The largest singular value of a matrix of any proportion.
///
/// # Errors
/// [`PowerError::NotFinite`] for infinite or NaN entries, [`PowerError::Overflow`] if the value is
/// not representable.
///
/// # Accuracy
/// The value is within `residual` of a singular value, and within about `residual²/gap` where that
/// one stands alone; checked by `tests/power.rs`.
///
/// # Cost
/// As [`top_triplets`] with `K = 1`.
///
/// ```
/// use eigenmote::{Mat, linalg::power::{Options, dominant_triplet}};
/// let a = Mat::from_rows(&[[3.0_f32, 4.0]]);
/// let top = dominant_triplet(&a, &Options::new())?;
/// assert!((top.s - 5.0).abs() < 1e-6 && (top.v[1] - 0.8).abs() < 1e-6);
/// # Ok::<(), eigenmote::linalg::power::PowerError>(())
/// ```
pub fn dominant_triplet<T: Scalar, const M: usize, const N: usize>(
    a: &Mat<T, M, N>,
    options: &Options<T>,
) -> Result<Triplet<T, M, N>, PowerError> {
    let (mut u, mut v) = ([T::ZERO; M], [T::ZERO; N]);
    let (s, info) = dominant_triplet_in_place(a, &mut u, &mut v, options)?;
    Ok(Triplet { u, s, v, info })
}

/// As [`dominant_triplet`], starting from what is in `v`: the result for a similar matrix, or
/// zeros for a random start. (As in [`dominant_eigenpair_in_place`], a trace of a random vector
/// is added.)
///
/// # Errors
/// As [`dominant_triplet`]; a start with infinite or NaN entries is refused.
pub fn dominant_triplet_in_place<T: Scalar, const M: usize, const N: usize>(
    a: &Mat<T, M, N>,
    u: &mut [T; M],
    v: &mut [T; N],
    options: &Options<T>,
) -> Result<(T, Info<T>), PowerError> {
    const { assert!(M >= 1 && N >= 1, "the matrix must not be empty") };
    let (mut left, mut right) = (Mat::from_cols([*u]), Mat::from_cols([*v]));
    let (mut s, mut residuals) = ([T::ZERO], [T::ZERO]);
    let result = top_triplets_in_place(a, &mut left, &mut s, &mut right, &mut residuals, options);
    ([*u], [*v]) = (left.cols, right.cols);
    Ok((at(&s, 0), result?))
}

/// The `K` eigenvalues of largest magnitude of a symmetric matrix.
///
/// The approximations are the best in the span of `V` and `A·V`, so that eigenvalues `±λ` are
/// told apart, also where the block ends between them.
///
/// # Errors
/// As [`dominant_eigenpair`].
///
/// # Accuracy
/// As [`dominant_eigenpair`].
///
/// # Cost
/// About `4/3·N³ + 4·N²·K` flops, and some ten passes of a division per row for the values; a start
/// that is followed, `4·N²·K + 8·N·K²` an iteration. About `N² + 9·N·K + 4·K²` values of stack.
///
/// ```
/// use eigenmote::{Mat, linalg::power::{Options, top_eigenpairs}};
/// let a = Mat::from_rows(&[[1.0_f64, 0.0, 0.0], [0.0, -3.0, 0.0], [0.0, 0.0, 2.0]]);
/// let top = top_eigenpairs::<_, 3, 2>(&a, &Options::new())?;
/// assert!((top.eigenvalues[0] + 3.0).abs() < 1e-9 && (top.eigenvalues[1] - 2.0).abs() < 1e-9);
/// # Ok::<(), eigenmote::linalg::power::PowerError>(())
/// ```
pub fn top_eigenpairs<T: Scalar, const N: usize, const K: usize>(
    a: &Mat<T, N, N>,
    options: &Options<T>,
) -> Result<TopEigenpairs<T, N, K>, PowerError> {
    let mut eigenvectors = Mat::zeros();
    let (mut eigenvalues, mut residuals) = ([T::ZERO; K], [T::ZERO; K]);
    let info =
        top_eigenpairs_in_place(a, &mut eigenvectors, &mut eigenvalues, &mut residuals, options)?;
    Ok(TopEigenpairs { eigenvalues, eigenvectors, residuals, info })
}

/// As [`top_eigenpairs`], starting from what is in `vectors`: the result for a similar matrix;
/// zero columns stand for random ones.
///
/// # Errors
/// As [`dominant_eigenpair`]; a start with infinite or NaN entries is refused.
pub fn top_eigenpairs_in_place<T: Scalar, const N: usize, const K: usize>(
    a: &Mat<T, N, N>,
    vectors: &mut Mat<T, N, K>,
    values: &mut [T; K],
    residuals: &mut [T; K],
    options: &Options<T>,
) -> Result<Info<T>, PowerError> {
    const { assert!(1 <= K && K <= N, "between 1 and N pairs") };
    let a = Product::new(a)?;
    let mut rng = seeded(options.seed);
    let given = simd::max_abs(vectors.as_slice()) != T::ZERO || !vectors.is_finite();
    let mut follow = given;
    let (mut iterations, mut before) = (0, T::MAX);
    let mut searched = false;
    start_block(vectors, options, &mut rng)?;
    let mut v = *vectors;
    loop {
        let mut worst = T::MAX;
        let left = usize::try_from(options.max_iterations.saturating_sub(iterations))
            .unwrap_or(usize::MAX);
        if !searched && !follow && left >= N {
            searched = true;
            iterations = iterations.saturating_add(u32::try_from(N).unwrap_or(u32::MAX));
            if a.search_pairs(vectors, options) {
                worst = a.pair_quotients(vectors, values, residuals);
                v = *vectors;
            }
        }
        if worst > options.goal() * simd::max_abs(values) {
            // Within the span of `v` alone, a start that is orthogonal to a wanted vector does not
            // settle: see `perturb`.
            RitzSpace::<T, N, K>::new().extract(&a, &v, !follow, vectors, values);
            worst = a.pair_quotients(vectors, values, residuals);
        }
        if !(worst > options.goal() * simd::max_abs(values)) || iterations >= options.max_iterations
        {
            break;
        }
        follow &= nearly_there(before, worst, options.goal() * simd::max_abs(values));
        before = worst;
        iterations = iterations.saturating_add(1);
        // The block goes its own way: an approximation that is not yet among the largest must not
        // be lost.
        let mut image = [T::ZERO; N];
        for v in &mut v.cols {
            a.forward(v, &mut image);
            a.forward(&image, v);
        }
        orthonormalize_all(&mut v, &mut rng);
    }
    let converged = !(simd::max_abs(residuals) > options.tolerance() * simd::max_abs(values));
    let info = a.info(iterations, simd::max_abs(residuals), converged);
    for v in &mut vectors.cols {
        fix_sign(v);
    }
    for value in values.iter_mut() {
        *value = a.unscale(*value)?;
    }
    for residual in residuals {
        *residual = residual.scale_exp2(a.scaling.exponent());
    }
    Ok(info)
}

/// The `K` largest singular values of a matrix of any proportion.
///
/// # Errors
/// As [`dominant_triplet`].
///
/// # Accuracy
/// As [`dominant_triplet`].
///
/// # Cost
/// With `n = min(M, N)`, about `4·M·n² − 4/3·n³ + 4·(M + n)·n·K` flops and some ten passes of a
/// division per row and column for the values. Where the values decay and `n ≥ 24`, for `p` columns
/// (often `K + 8` in `f32`, `K + 16` in `f64`) about `4·M·N·p + 2·(M + N)·p²` instead. A start that is
/// followed, `4·M·N·K + 8·(M + N)·K²` an iteration and a decomposition of `M × K`. About
/// `M·N + n² + 4·n·K` values of stack, `M·N` more for a wide matrix.
pub fn top_triplets<T: Scalar, const M: usize, const N: usize, const K: usize>(
    a: &Mat<T, M, N>,
    options: &Options<T>,
) -> Result<TopTriplets<T, M, N, K>, PowerError> {
    let (mut u, mut v) = (Mat::zeros(), Mat::zeros());
    let (mut s, mut residuals) = ([T::ZERO; K], [T::ZERO; K]);
    let info = top_triplets_in_place(a, &mut u, &mut s, &mut v, &mut residuals, options)?;
    Ok(TopTriplets { u, s, v, residuals, info })
}

/// As [`top_triplets`], starting from what is in `v`: the result for a similar matrix; zero
/// columns stand for random ones.
///
/// # Errors
/// As [`dominant_triplet`]; a start with infinite or NaN entries is refused.
pub fn top_triplets_in_place<T: Scalar, const M: usize, const N: usize, const K: usize>(
    a: &Mat<T, M, N>,
    u: &mut Mat<T, M, K>,
    s: &mut [T; K],
    v: &mut Mat<T, N, K>,
    residuals: &mut [T; K],
    options: &Options<T>,
) -> Result<Info<T>, PowerError> {
    const { assert!(1 <= K && K <= M && K <= N, "between 1 and min(M, N) triplets") };
    let a = Product::new(a)?;
    let given = simd::max_abs(v.as_slice()) != T::ZERO || !v.is_finite();
    let mut follow = given;
    let mut rng = seeded(options.seed);
    if given || options.max_iterations == 0 {
        start_block(v, options, &mut rng)?;
    } else if let [first, ..] = v.cols.as_mut_slice() {
        // One vector is enough for the search.
        perturb(first, options, &mut rng);
    }
    let (mut iterations, mut before) = (0, T::MAX);
    let mut searched = false;
    loop {
        let mut worst = T::MAX;
        if !searched && !follow && options.max_iterations > iterations {
            searched = true;
            let found = a.search(u, v, options, options.max_iterations.saturating_sub(iterations));
            iterations =
                iterations.saturating_add(u32::try_from(found.columns).unwrap_or(u32::MAX));
            if found.orthonormal {
                worst = a.quotients(u, s, v, residuals);
            } else {
                orthonormalize_all(v, &mut rng);
            }
        }
        if worst > options.goal() * at(s, 0) {
            a.best_in_span(u, s, v)?;
            worst = a.residuals(u, s, v, residuals);
        }
        if !(worst > options.goal() * at(s, 0)) || iterations >= options.max_iterations {
            break;
        }
        follow &= nearly_there(before, worst, options.goal() * at(s, 0));
        before = worst;
        iterations = iterations.saturating_add(1);
        for (v, u) in v.cols.iter_mut().zip(&u.cols) {
            a.backward(u, v);
        }
        orthonormalize_all(v, &mut rng);
    }
    for (u, v) in u.cols.iter_mut().zip(&mut v.cols) {
        if fix_sign(v) {
            simd::scale(-T::ONE, u);
        }
    }
    let residual = simd::max_abs(residuals);
    let converged = !(residual > options.tolerance() * at(s, 0));
    let info = a.info(iterations, residual, converged);
    for s in s.iter_mut() {
        *s = a.unscale(*s)?;
    }
    for residual in residuals {
        *residual = residual.scale_exp2(a.scaling.exponent());
    }
    Ok(info)
}

/// Whether a few more multiplications bring the residual below the goal; if not, a search from the
/// beginning costs less.
fn nearly_there<T: Scalar>(before: T, now: T, goal: T) -> bool {
    let rate = now / before;
    now * (rate * rate) * (rate * rate) <= goal
}

/// A finite matrix whose products are brought to mid-range.
struct Product<'a, T, const M: usize, const N: usize> {
    a: &'a Mat<T, M, N>,
    /// The largest exponent of an entry.
    exponent: i32,
    scaling: Scaling,
}

impl<'a, T: Scalar, const M: usize, const N: usize> Product<'a, T, M, N> {
    fn new(a: &'a Mat<T, M, N>) -> Result<Self, PowerError> {
        if !a.is_finite() {
            return Err(PowerError::NotFinite);
        }
        let exponent = max_exponent(a.as_slice()).unwrap_or(0);
        Ok(Self { a, exponent, scaling: Scaling::new::<T>(exponent) })
    }

    fn forward(&self, x: &[T; N], y: &mut [T; M]) {
        let mut scratch = [T::ZERO; N];
        self.scaling.apply(x, &mut scratch, y, |x, y| {
            if let (Some(x), Some(y)) = (x.first_chunk(), y.first_chunk_mut()) {
                T::dispatch(Forward { a: self.a, x, y });
            }
        });
    }

    fn backward(&self, x: &[T; M], y: &mut [T; N]) {
        let mut scratch = [T::ZERO; M];
        self.scaling.apply(x, &mut scratch, y, |x, y| {
            if let Some(x) = x.first_chunk() {
                simd::products(&self.a.cols, x, y);
            }
        });
    }

    /// Candidates for the leading triplets, as good as a bidiagonal matrix gives them.
    fn search<const K: usize>(
        &self,
        u: &mut Mat<T, M, K>,
        v: &mut Mat<T, N, K>,
        options: &Options<T>,
        budget: u32,
    ) -> Found {
        let exponent = self.exponent;
        let budget = usize::try_from(budget).unwrap_or(usize::MAX);
        let goal = options.search_goal();
        let scaling = self.scaling;
        if M >= N {
            let mut memory = Bidiagonal::<T, M, N>::new();
            let memory = &mut memory;
            return T::dispatch(Search {
                memory,
                a: self.a,
                scaling,
                exponent,
                goal,
                budget,
                u,
                v,
            });
        }
        // The bidiagonal matrix of a wide one is that of its transpose.
        let a = self.a.transpose();
        for (u, v) in u.cols.iter_mut().zip(&v.cols) {
            self.forward(v, u);
        }
        let mut memory = Bidiagonal::<T, N, M>::new();
        let memory = &mut memory;
        T::dispatch(Search { memory, a: &a, scaling, exponent, goal, budget, u: v, v: u })
    }

    /// `s = uᵀ·A·v`, descending, never negative, and the residuals.
    fn quotients<const K: usize>(
        &self,
        u: &mut Mat<T, M, K>,
        s: &mut [T; K],
        v: &mut Mat<T, N, K>,
        residuals: &mut [T; K],
    ) -> T {
        let (mut left, mut right) = ([T::ZERO; M], [T::ZERO; N]);
        for (((u, v), s), residual) in
            u.cols.iter_mut().zip(&v.cols).zip(&mut *s).zip(&mut *residuals)
        {
            self.forward(v, &mut left);
            *s = simd::dot(u, &left);
            if *s < T::ZERO {
                simd::scale(-T::ONE, u);
                *s = -*s;
            }
            *residual = self.rest(u, *s, v, &mut left, &mut right);
        }
        // Almost in order already: values closer than the tolerance may have changed places.
        for k in 1..K {
            for i in (1..=k).rev() {
                if at(s, i) > at(s, i - 1) {
                    swap(s, i, i - 1);
                    swap(residuals, i, i - 1);
                    swap_cols(u, i, i - 1);
                    swap_cols(v, i, i - 1);
                }
            }
        }
        simd::max_abs(residuals)
    }

    /// The best approximations in the span of `v`: `A·V = U·diag(s)·Wᵀ`, `V ← V·W`.
    fn best_in_span<const K: usize>(
        &self,
        u: &mut Mat<T, M, K>,
        s: &mut [T; K],
        v: &mut Mat<T, N, K>,
    ) -> Result<(), PowerError> {
        let mut turn = Mat::<T, K, K>::zeros();
        for (v, u) in v.cols.iter().zip(&mut u.cols) {
            self.forward(v, u);
        }
        match svd_in_place(u, s, &mut turn, &super::svd::Options::default()) {
            // What did not converge is still orthonormal: the next iteration goes on from there.
            Ok(_) | Err(SvdError::NotConverged { .. }) => {}
            Err(SvdError::NotFinite) => return Err(PowerError::NotFinite),
            Err(SvdError::Overflow) => return Err(PowerError::Overflow),
        }
        *v = v.mul(&turn);
        Ok(())
    }

    /// The residual of each triplet; returns the largest.
    fn residuals<const K: usize>(
        &self,
        u: &Mat<T, M, K>,
        s: &[T; K],
        v: &Mat<T, N, K>,
        residuals: &mut [T; K],
    ) -> T {
        let (mut left, mut right) = ([T::ZERO; M], [T::ZERO; N]);
        for (((u, &s), v), residual) in u.cols.iter().zip(s).zip(&v.cols).zip(&mut *residuals) {
            self.forward(v, &mut left);
            *residual = self.rest(u, s, v, &mut left, &mut right);
        }
        simd::max_abs(residuals)
    }

    /// The larger of `‖A·v − s·u‖` and `‖Aᵀ·u − s·v‖`, with `A·v` in `left`, which is lost.
    fn rest(&self, u: &[T; M], s: T, v: &[T; N], left: &mut [T; M], right: &mut [T; N]) -> T {
        simd::axpy(-s, u, left);
        self.backward(u, right);
        simd::axpy(-s, v, right);
        norm(left).max(norm(right))
    }

    fn unscale(&self, value: T) -> Result<T, PowerError> {
        let value = value.scale_exp2(self.scaling.exponent());
        if value.is_finite() { Ok(value) } else { Err(PowerError::Overflow) }
    }

    fn info(&self, iterations: u32, residual: T, converged: bool) -> Info<T> {
        let residual = residual.scale_exp2(self.scaling.exponent());
        Info { iterations, residual, converged }
    }
}

/// `y ← A·x`.
struct Forward<'a, T, const M: usize, const N: usize> {
    a: &'a Mat<T, M, N>,
    x: &'a [T; N],
    y: &'a mut [T; M],
}

impl<T: Scalar, const M: usize, const N: usize> Kernel<T> for Forward<'_, T, M, N> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        *self.y = [T::ZERO; M];
        add_columns(simd, &self.a.cols, self.x, self.y);
    }
}

impl<T: Scalar, const N: usize> Product<'_, T, N, N> {
    /// Candidates for the eigenpairs of largest magnitude, as good as a tridiagonal matrix gives
    /// them; whether they are orthonormal.
    fn search_pairs<const K: usize>(
        &self,
        vectors: &mut Mat<T, N, K>,
        options: &Options<T>,
    ) -> bool {
        let mut a = *self.a;
        let (exponent, goal) = (self.exponent, options.search_goal());
        T::dispatch(PairSearch { a: &mut a, exponent, goal, vectors })
    }

    /// `λ = vᵀ·A·v`, by descending magnitude, and the residuals; returns the largest.
    fn pair_quotients<const K: usize>(
        &self,
        vectors: &mut Mat<T, N, K>,
        values: &mut [T; K],
        residuals: &mut [T; K],
    ) -> T {
        let mut image = [T::ZERO; N];
        for ((v, value), residual) in vectors.cols.iter().zip(&mut *values).zip(&mut *residuals) {
            self.forward(v, &mut image);
            *value = simd::dot(v, &image);
            simd::axpy(-*value, v, &mut image);
            *residual = norm(&image);
        }
        for k in 1..K {
            for i in (1..=k).rev() {
                if at(values, i).abs() > at(values, i - 1).abs() {
                    swap(values, i, i - 1);
                    swap(residuals, i, i - 1);
                    swap_cols(vectors, i, i - 1);
                }
            }
        }
        simd::max_abs(residuals)
    }
}

/// Brings `x` to length 1; returns the length it had, zero for a zero vector, which is left alone.
fn normalize<T: Scalar>(x: &mut [T]) -> T {
    let length = norm(x);
    if length > T::ZERO {
        let exponent = length.exponent();
        let factor = T::ONE / length.scale_exp2(-exponent);
        for x in x {
            *x = x.scale_exp2(-exponent) * factor;
        }
    }
    length
}

/// A unit vector from the caller's start, if there is one, and a trace of a random vector.
fn start<T: Scalar>(v: &mut [T], options: &Options<T>) -> Result<(), PowerError> {
    if !simd::all_finite(v) {
        return Err(PowerError::NotFinite);
    }
    perturb(v, options, &mut seeded(options.seed));
    Ok(())
}

fn perturb<T: Scalar>(v: &mut [T], options: &Options<T>, rng: &mut Generator) {
    // The largest entry first: the length may overflow.
    let exponent = max_exponent(v).unwrap_or(0);
    for x in v.iter_mut() {
        *x = x.scale_exp2(-exponent);
    }
    let given = normalize(v) > T::ZERO;
    // With the root of the tolerance, a start orthogonal to the wanted vector has a residual far
    // above the tolerance, and the trace grows; one close to it stays so.
    let trace = options.tolerance().max(T::EPSILON).sqrt().min(T::HALF);
    let size = if given { trace } else { T::ONE };
    for x in v.iter_mut() {
        let mut r = [T::ZERO];
        fill_uniform(&mut r, rng);
        *x += size * at(&r, 0);
    }
    normalize(v);
}

fn start_block<T: Scalar, const N: usize, const K: usize>(
    vectors: &mut Mat<T, N, K>,
    options: &Options<T>,
    rng: &mut Generator,
) -> Result<(), PowerError> {
    if !vectors.is_finite() {
        return Err(PowerError::NotFinite);
    }
    for v in &mut vectors.cols {
        perturb(v, options, rng);
    }
    orthonormalize_all(vectors, rng);
    Ok(())
}

/// Gram–Schmidt with a random vector in place of each column that depends on those before.
fn orthonormalize_all<T: Scalar>(vectors: &mut impl Columns<T>, rng: &mut Generator) {
    for j in 0..vectors.cols() {
        let floor = T::from_f64(8.0) * T::EPSILON * norm(vectors.col(j));
        if orthonormalize(vectors, j, &mut [], floor) == T::ZERO {
            random_column(vectors, j, &mut [], rng);
        }
    }
}

/// Memory for the best approximations in the span of `V` and `A·V`.
struct RitzSpace<T, const N: usize, const K: usize> {
    /// An orthonormal basis of the span, up to `2K` columns, and its product with `A`.
    basis: [[[T; N]; K]; 2],
    image: [[[T; N]; K]; 2],
    /// `A` in that basis.
    projected: [[[T; K]; K]; 4],
    values: [[T; K]; 2],
    work: [[T; K]; 2],
}

impl<T: Scalar, const N: usize, const K: usize> RitzSpace<T, N, K> {
    fn new() -> Self {
        Self {
            basis: [[[T::ZERO; N]; K]; 2],
            image: [[[T::ZERO; N]; K]; 2],
            projected: [[[T::ZERO; K]; K]; 4],
            values: [[T::ZERO; K]; 2],
            work: [[T::ZERO; K]; 2],
        }
    }

    /// The `K` approximate eigenpairs of largest magnitude in the span of `v` and, if wanted, `A·v`
    /// (Rayleigh–Ritz). (Where a length does not fit, which it does, nothing happens.)
    fn extract(
        &mut self,
        a: &Product<'_, T, N, N>,
        v: &Mat<T, N, K>,
        with_image: bool,
        vectors: &mut Mat<T, N, K>,
        top: &mut [T; K],
    ) -> Option<()> {
        let mut basis = MatMut::new(self.basis.as_flattened_mut().as_flattened_mut(), N, 2 * K)?;
        let mut image = MatMut::new(self.image.as_flattened_mut().as_flattened_mut(), N, 2 * K)?;
        let mut size = 0;
        for v in &v.cols {
            copy(v, basis.col_mut(size));
            a.forward(v, image.col_mut(size).first_chunk_mut::<N>()?);
            size += 1;
        }
        for j in 0..K {
            if size == N || !with_image {
                break;
            }
            copy(image.col(j), basis.col_mut(size));
            let floor = T::from_f64(8.0) * T::EPSILON * norm(image.col(j));
            if orthonormalize(&mut basis, size, &mut [], floor) > T::ZERO {
                let (from, to) = (basis.col(size), image.col_mut(size));
                a.forward(from.first_chunk::<N>()?, to.first_chunk_mut::<N>()?);
                size += 1;
            }
        }
        let projected = self.projected.as_flattened_mut().as_flattened_mut();
        let projected = projected.get_mut(..size.checked_mul(size)?)?;
        let mut projected = MatMut::new(projected, size, size)?;
        for j in 0..size {
            for i in j..size {
                put(projected.col_mut(j), i, simd::dot(basis.col(i), image.col(j)));
            }
        }
        let values = self.values.as_flattened_mut().get_mut(..size)?;
        let work = self.work.as_flattened_mut().get_mut(..size)?;
        eigh_view(&mut projected, values, work).ok()?;
        // The largest magnitudes are at both ends of the descending values.
        let (mut low, mut high) = (0, size.checked_sub(1)?);
        for (out, top) in vectors.cols.iter_mut().zip(top) {
            let take = if at(values, low) >= -at(values, high) { low } else { high };
            if take == low {
                low += 1;
            } else {
                high = high.saturating_sub(1);
            }
            *top = at(values, take);
            out.fill(T::ZERO);
            for (i, &c) in projected.col(take).iter().enumerate() {
                simd::axpy(c, basis.col(i), out);
            }
        }
        Some(())
    }
}
