//! The `k` leading singular triplets of a matrix that is only ever multiplied by vectors.
//!
//! Two orthonormal bases grow together: `Q` on the right from `Aᵀ` times what was found on the
//! left, `P` on the left from `A·Q = P·R` with a small upper triangle `R`. The singular values of
//! `R` approach those of `A` from below, the largest first (block Golub–Kahan–Lanczos with full
//! reorthogonalisation; the span of `Q` is a block Krylov space of `AᵀA`). When the lent memory
//! is full, the bases shrink to the best approximations and grow again from their residuals,
//! which are also the certificate that is returned.
//!
//! Sizes are values and all memory is the caller's: the same code factors a 16×16 on a chip and a
//! sparse 10⁵×10⁵ on a desktop.
//!
//! Source: Musco & Musco, "Randomized block Krylov methods for stronger and faster approximate
//! singular value decomposition", NIPS 28 (2015); thick restart as in Baglama & Reichel,
//! "Augmented implicitly restarted Lanczos bidiagonalization methods", SIAM J. Sci. Comput. 27
//! (2005).

use core::fmt;

use super::jacobi::rotation;
use super::operator::{LinearOperator, each_vector};
use super::rows::{Strip, strips};
use super::{at, copy, fix_sign, put, swap, swap_cols};
use crate::mat::{Columns, MatMut, MatRef, norm};
use crate::rng::{Generator, seeded, uniform};
use crate::scalar::Scalar;
use crate::simd::{self, Kernel, Lanes, Simd, Single};

/// What is wanted, and limits of the iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Options<T> {
    /// Number of triplets, `1 ≤ rank ≤ min(rows, cols)`.
    pub rank: usize,
    /// Number of random start vectors. A singular value that occurs more often than that among
    /// the first `rank` may be reported less often than it occurs.
    pub block: usize,
    /// Number of basis vectors on each side to make room for, at least `rank + block`. More of
    /// them need fewer restarts.
    pub basis: usize,
    /// Largest residual of a triplet, relative to `s[0]`; `None` stands for `ε^⅔`.
    pub tolerance: Option<T>,
    /// Restarts after which the triplets are returned as they are.
    pub max_restarts: u32,
    /// Seed of the start vectors.
    pub seed: u64,
    /// Start from the columns of `v` instead, for instance those of a similar matrix.
    pub warm_start: bool,
}

impl<T: Scalar> Options<T> {
    /// The usual choice for `rank` triplets: a block of `rank`, a basis of `4·rank` but at least
    /// `rank + 16`, a tolerance of `ε^⅔`, at most 100 restarts.
    pub const fn new(rank: usize) -> Self {
        let wide = rank.saturating_mul(4);
        let least = rank.saturating_add(16);
        Self {
            rank,
            block: if rank > 2 { rank } else { 2 },
            basis: if wide > least { wide } else { least },
            tolerance: None,
            max_restarts: 100,
            seed: 1,
            warm_start: false,
        }
    }

    fn tolerance(&self) -> T {
        self.tolerance.unwrap_or_else(default_tolerance)
    }

    /// What the iteration stops at: the residual that is computed from the result may differ from
    /// that of the last iteration by rounding, and must be within the tolerance as well.
    fn goal(&self) -> T {
        T::from_f64(0.875) * self.tolerance()
    }
}

/// `ε^⅔`: the values then have all their digits, since their error goes with the square.
pub(super) fn default_tolerance<T: Scalar>() -> T {
    T::exp2i(-2 * T::DIGITS / 3)
}

/// Number of basis vectors that are used on a side.
const fn basis_len(rows: usize, cols: usize, rank: usize, block: usize, basis: usize) -> usize {
    let limit = if rows < cols { rows } else { cols };
    let least = rank.saturating_add(if block > 1 { block } else { 1 });
    let wanted = if basis > least { basis } else { least };
    if wanted < limit { wanted } else { limit }
}

/// Number of values of type `T` that [`truncated_svd`] needs as workspace:
/// `(p + 1)·(rows + cols) + 2·p·(p + 1)` for a basis of `p` vectors, where `p` is at most
/// `min(rows, cols)`.
pub const fn workspace_len<T>(rows: usize, cols: usize, options: &Options<T>) -> usize {
    let p = basis_len(rows, cols, options.rank, options.block, options.basis);
    let long = p.saturating_add(1).saturating_mul(rows.saturating_add(cols));
    long.saturating_add(p.saturating_add(1).saturating_mul(p).saturating_mul(2))
}

/// Where the results go.
#[derive(Debug)]
pub struct Triplets<'a, T> {
    /// `rank` left vectors of length `rows`, one after the other.
    pub u: &'a mut [T],
    /// `rank` singular values, descending.
    pub s: &'a mut [T],
    /// `rank` right vectors of length `cols`, one after the other; the entry of largest magnitude
    /// of each is positive.
    pub v: &'a mut [T],
    /// The larger of `‖A·v − s·u‖` and `‖Aᵀ·u − s·v‖` of each triplet, computed from what is
    /// returned: there is a singular value of `A` within this distance of `s`.
    pub residuals: &'a mut [T],
}

/// How a decomposition went.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Info<T> {
    /// Products with `A` or `Aᵀ`.
    pub applies: u32,
    /// Times the bases were shrunk and grown again.
    pub restarts: u32,
    /// Whether every residual is within the tolerance. If not, the triplets are the best that
    /// [`Options::max_restarts`] allowed; their residuals hold all the same.
    pub converged: bool,
    /// The largest residual.
    pub residual: T,
    /// What the triplets leave of `A`, if the operator knows its Frobenius norm.
    pub tail: Option<Tail<T>>,
}

/// `‖A − U·diag(s)·Vᵀ‖_F = √(‖A‖_F² − Σsᵢ²)` (Eckart–Young), never negative.
///
/// The difference of two squares has an uncertainty of about `16·ε·‖A‖_F² + 2·Σsᵢ·residualᵢ`, so
/// that an error below `√(16·ε)·‖A‖_F` cannot be told from zero: `lower` and `upper` say what is
/// certain.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tail<T> {
    /// The most likely value.
    pub norm: T,
    /// It is not smaller than this.
    pub lower: T,
    /// It is not larger than this.
    pub upper: T,
}

/// Why there is no decomposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum TruncatedError {
    /// The rank is zero or larger than the matrix.
    Rank,
    /// A slice of the result or the workspace has the wrong length.
    WrongLength,
    /// A product is infinite or NaN, or the start vectors are.
    NotFinite,
    /// A singular value is larger than the largest number of the type.
    Overflow,
}

impl fmt::Display for TruncatedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rank => "the rank must be between 1 and the smaller size of the matrix",
            Self::WrongLength => "a buffer does not fit the size of the problem",
            Self::NotFinite => "a product with the matrix is infinite or NaN",
            Self::Overflow => "a singular value is too large for the number type",
        })
    }
}
impl core::error::Error for TruncatedError {}

/// The `options.rank` largest singular values of `a` with their vectors.
///
/// `work` holds at least [`workspace_len`] values; what is in it does not matter.
///
/// A cap that was reached is not an error: the number of restarts is a budget, and the residuals
/// say what the triplets are worth. Look at [`Info::converged`].
///
/// # Errors
/// [`TruncatedError::Rank`] and [`TruncatedError::WrongLength`] for sizes that do not fit,
/// [`TruncatedError::NotFinite`] if a product has an infinite or NaN entry,
/// [`TruncatedError::Overflow`] if a singular value is not representable.
///
/// # Accuracy
/// Orthogonality within `8·p·ε` for a basis of `p` vectors; each `s` within its residual of a
/// singular value of `a`, and with an error of about residual²/gap if it stands alone. Errors are
/// relative to `s[0]`: values below about `8·ε·s[0]` are noise or zero. Checked by
/// `tests/truncated.rs`.
///
/// # Cost
/// About `2·p` products at first and `2·(p − kept)` for each restart, and `8·p²·(rows + cols)`
/// flops for the bases each time: `O(rows·cols·rank)` for a dense matrix.
///
/// ```
/// use eigenmote::{Mat, linalg::truncated::{Options, Triplets, truncated_svd, workspace_len}};
/// let a = Mat::from_rows(&[[3.0_f64, 0.0], [0.0, 5.0], [4.0, 0.0]]);
/// const OPTIONS: Options<f64> = Options::new(1);
/// let mut work = [0.0; workspace_len(3, 2, &OPTIONS)];
/// let (mut u, mut s, mut v, mut residuals) = ([0.0; 3], [0.0; 1], [0.0; 2], [0.0; 1]);
/// let mut out = Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
/// let info = truncated_svd(&a, &mut out, &mut work, &OPTIONS)?;
/// assert!((s[0] - 5.0).abs() < 1e-14 && info.converged);
/// # Ok::<(), eigenmote::linalg::truncated::TruncatedError>(())
/// ```
pub fn truncated_svd<T: Scalar, A: LinearOperator<T> + ?Sized>(
    a: &A,
    out: &mut Triplets<'_, T>,
    work: &mut [T],
    options: &Options<T>,
) -> Result<Info<T>, TruncatedError> {
    let (rows, cols, k) = (a.rows(), a.cols(), options.rank);
    if k == 0 || k > rows.min(cols) {
        return Err(TruncatedError::Rank);
    }
    let fits = |len: usize, n: usize| n.checked_mul(k) == Some(len);
    if !(fits(out.u.len(), rows) && fits(out.v.len(), cols))
        || out.s.len() != k
        || out.residuals.len() != k
    {
        return Err(TruncatedError::WrongLength);
    }
    let mut space = Space::carve(work, rows, cols, options).ok_or(TruncatedError::WrongLength)?;
    let mut a = Scaled { operator: a, scaling: Scaling::NONE, applies: 0 };
    let mut rng = seeded(options.seed);

    a.scaling = a.probe(&mut space, &mut rng)?;
    space.start(&mut a, out.v, options, &mut rng)?;
    let mut restarts = 0;
    loop {
        space.grow(&mut a, &mut rng)?;
        small_svd(&mut space.r, &mut space.w, space.s, &mut rng);
        space.shrink(k, options.block);
        if restarts % RENEWAL == RENEWAL - 1 {
            space.renew();
        }
        let settled = space.residuals(&mut a, out.residuals, options)?;
        if settled || restarts >= options.max_restarts {
            break;
        }
        restarts = restarts.saturating_add(1);
        if space.ready == space.size() {
            space.refine(&mut a, &mut rng)?;
        }
    }
    space.certify(&mut a, out)?;
    finish(&a, out, restarts, options)
}

/// Restarts after which the kept vectors are made orthonormal again: each recombination adds a
/// rounding error.
const RENEWAL: u32 = 16;

/// Undoes the scaling of the results and sums up.
fn finish<T: Scalar, A: LinearOperator<T> + ?Sized>(
    a: &Scaled<'_, A>,
    out: &mut Triplets<'_, T>,
    restarts: u32,
    options: &Options<T>,
) -> Result<Info<T>, TruncatedError> {
    let exponent = a.scaling.exponent();
    let residual = simd::max_abs(out.residuals);
    let converged = !(residual > options.tolerance() * at(out.s, 0));
    let tail = a.operator.frobenius_squared(-exponent).map(|total| {
        let kept = simd::sum_of_squares(out.s);
        let energy = (total - kept).max(T::ZERO);
        let drift = T::TWO * simd::dot(out.s, out.residuals);
        let doubt = T::from_f64(16.0) * T::EPSILON * total + drift;
        let norm = |energy: T| energy.max(T::ZERO).sqrt().scale_exp2(exponent);
        Tail { norm: norm(energy), lower: norm(energy - doubt), upper: norm(energy + doubt) }
    });
    for value in out.s.iter_mut().chain(out.residuals.iter_mut()) {
        *value = value.scale_exp2(exponent);
    }
    if !simd::all_finite(out.s) {
        return Err(TruncatedError::Overflow);
    }
    let residual = residual.scale_exp2(exponent);
    Ok(Info { applies: a.applies, restarts, converged, residual, tail })
}

/// A power of two taken out of a matrix by its products: half of it before, half after, so that
/// neither the vectors nor the products leave the range of the type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaling {
    before: i32,
    after: i32,
}

impl Scaling {
    pub(super) const NONE: Self = Self { before: 0, after: 0 };

    /// For a matrix whose entries are of the order `2^exponent`: nothing in mid-range, where all
    /// squares are safe.
    pub(super) const fn new<T: Scalar>(exponent: i32) -> Self {
        if exponent.unsigned_abs() <= T::MAX_EXP.unsigned_abs() / 8 {
            return Self::NONE;
        }
        let before = exponent / 2;
        Self { before, after: exponent - before }
    }

    /// What the results are to be multiplied by, as an exponent.
    pub(super) const fn exponent(self) -> i32 {
        self.before + self.after
    }

    /// `y ← 2^−exponent·A·x` by way of `product(x, y)`; `scratch` is as long as `x`.
    #[inline(always)]
    pub(super) fn apply<T: Scalar>(
        self,
        x: &[T],
        scratch: &mut [T],
        y: &mut [T],
        product: impl FnOnce(&[T], &mut [T]),
    ) {
        if self.exponent() == 0 {
            return product(x, y);
        }
        for (to, &from) in scratch.iter_mut().zip(x) {
            *to = from.scale_exp2(-self.before);
        }
        product(scratch, y);
        for y in y {
            *y = y.scale_exp2(-self.after);
        }
    }
}

struct Scaled<'a, A: ?Sized> {
    operator: &'a A,
    scaling: Scaling,
    applies: u32,
}

impl<A: ?Sized> Scaled<'_, A> {
    /// `Y ← A·X` for one or more vectors of `x`; `scratch` is as long as one of them.
    fn forward<T: Scalar>(
        &mut self,
        x: &[T],
        scratch: &mut [T],
        y: &mut [T],
    ) -> Result<(), TruncatedError>
    where
        A: LinearOperator<T>,
    {
        let Self { operator: a, scaling, .. } = *self;
        if scaling.exponent() == 0 {
            a.apply_block(x, y);
        } else {
            each_vector((a.cols(), x), (a.rows(), y), |x, y| {
                scaling.apply(x, scratch, y, |x, y| a.apply(x, y));
            });
        }
        self.count(y, a.rows())
    }

    /// `Y ← Aᵀ·X` for one or more vectors of `x`; `scratch` is as long as one of them.
    fn backward<T: Scalar>(
        &mut self,
        x: &[T],
        scratch: &mut [T],
        y: &mut [T],
    ) -> Result<(), TruncatedError>
    where
        A: LinearOperator<T>,
    {
        let Self { operator: a, scaling, .. } = *self;
        if scaling.exponent() == 0 {
            a.apply_transposed_block(x, y);
        } else {
            each_vector((a.rows(), x), (a.cols(), y), |x, y| {
                scaling.apply(x, scratch, y, |x, y| a.apply_transposed(x, y));
            });
        }
        self.count(y, a.cols())
    }

    fn count<T: Scalar>(&mut self, y: &[T], length: usize) -> Result<(), TruncatedError> {
        let vectors = y.len().checked_div(length).unwrap_or(0);
        self.applies = self.applies.saturating_add(u32::try_from(vectors).unwrap_or(u32::MAX));
        if simd::all_finite(y) { Ok(()) } else { Err(TruncatedError::NotFinite) }
    }

    /// The order of magnitude of the matrix from its product with a random vector, which is made
    /// small if the product overflows and large if it vanishes.
    fn probe<T: Scalar>(
        &mut self,
        space: &mut Space<'_, T>,
        rng: &mut Generator,
    ) -> Result<Scaling, TruncatedError>
    where
        A: LinearOperator<T>,
    {
        fill_uniform(space.y, rng);
        let mut shift = 0;
        loop {
            self.applies = self.applies.saturating_add(1);
            self.operator.apply_transposed(space.y, space.x);
            let finite = simd::all_finite(space.x);
            let largest = simd::max_abs(space.x);
            let next = match (finite, shift) {
                (false, 0) => -T::MAX_EXP / 2,
                (false, _) => return Err(TruncatedError::NotFinite),
                (true, 0) if largest.exponent() < T::MIN_EXP / 2 => T::MAX_EXP / 2,
                (true, _) if largest == T::ZERO => return Ok(Scaling::NONE),
                (true, _) => return Ok(Scaling::new::<T>(largest.exponent() - shift)),
            };
            shift = next;
            for y in space.y.iter_mut() {
                *y = y.scale_exp2(shift);
            }
        }
    }
}

/// The bases and all other memory of one decomposition.
struct Space<'a, T> {
    /// Left basis, `rows × p`.
    p: MatMut<'a, T>,
    /// Right basis, `cols × p`.
    q: MatMut<'a, T>,
    /// `A·Q = P·R`, then the left vectors of `R`.
    r: MatMut<'a, T>,
    /// The right vectors of `R`.
    w: MatMut<'a, T>,
    /// The singular values of `R`.
    s: &'a mut [T],
    /// Coefficients of one vector in a basis.
    h: &'a mut [T],
    /// One vector each of length `cols` and `rows`.
    x: &'a mut [T],
    y: &'a mut [T],
    /// Columns of `Q`, `P` and `R` that are there.
    ready: usize,
    /// Columns of `Q` that are there: `P` and `R` follow.
    filled: usize,
    /// The next column of `Q` comes from the column of `P` this far back.
    lag: usize,
    /// The longest `A·q` so far, an estimate of `‖A‖` from below.
    scale: T,
}

impl<'a, T: Scalar> Space<'a, T> {
    fn carve(work: &'a mut [T], rows: usize, cols: usize, options: &Options<T>) -> Option<Self> {
        let p = basis_len(rows, cols, options.rank, options.block, options.basis);
        let small = p.checked_mul(p)?;
        let (left, work) = work.split_at_mut_checked(rows.checked_mul(p)?)?;
        let (right, work) = work.split_at_mut_checked(cols.checked_mul(p)?)?;
        let (r, work) = work.split_at_mut_checked(small)?;
        let (w, work) = work.split_at_mut_checked(small)?;
        let (s, work) = work.split_at_mut_checked(p)?;
        let (h, work) = work.split_at_mut_checked(p)?;
        let (x, work) = work.split_at_mut_checked(cols)?;
        let (y, _) = work.split_at_mut_checked(rows)?;
        Some(Self {
            p: MatMut::new(left, rows, p)?,
            q: MatMut::new(right, cols, p)?,
            r: MatMut::new(r, p, p)?,
            w: MatMut::new(w, p, p)?,
            s,
            h,
            x,
            y,
            ready: 0,
            filled: 0,
            lag: 0,
            scale: T::ZERO,
        })
    }

    fn size(&self) -> usize {
        self.q.cols()
    }

    /// The first columns of `Q`: the caller's and one random one, or a random block.
    fn start<A: LinearOperator<T> + ?Sized>(
        &mut self,
        a: &mut Scaled<'_, A>,
        v: &[T],
        options: &Options<T>,
        rng: &mut Generator,
    ) -> Result<(), TruncatedError> {
        let size = self.size();
        let mut given = 0;
        if options.warm_start {
            let v =
                MatRef::new(v, self.q.rows(), options.rank).ok_or(TruncatedError::WrongLength)?;
            if !simd::all_finite(v.as_slice()) {
                return Err(TruncatedError::NotFinite);
            }
            for j in 0..options.rank {
                copy(v.col(j), self.q.col_mut(self.filled));
                self.accept_right(T::ZERO);
            }
            given = self.filled;
        }
        let random = if given > 0 { 1 } else { options.block.max(1) };
        while self.filled < size.min(given.saturating_add(random)) {
            self.add_random(a, rng)?;
        }
        self.lag = self.filled;
        Ok(())
    }

    /// Fills the bases.
    fn grow<A: LinearOperator<T> + ?Sized>(
        &mut self,
        a: &mut Scaled<'_, A>,
        rng: &mut Generator,
    ) -> Result<(), TruncatedError> {
        while self.ready < self.size() {
            if self.ready == self.filled {
                // As many as have their source already.
                let from = self.filled.saturating_sub(self.lag);
                let count = self.lag.min(self.size() - self.filled);
                self.add_right(a, (from, count), rng)?;
            }
            self.add_left(a, rng)?;
        }
        Ok(())
    }

    /// Forms the bases anew from `Aᵀ·P` where there is no room for more vectors: the last ones of a
    /// basis that spans everything have lost digits to cancellation.
    fn refine<A: LinearOperator<T> + ?Sized>(
        &mut self,
        a: &mut Scaled<'_, A>,
        rng: &mut Generator,
    ) -> Result<(), TruncatedError> {
        (self.ready, self.filled) = (0, 0);
        self.add_right(a, (0, self.size()), rng)?;
        self.add_left(a, rng)
    }

    /// The next columns of `Q`, from `count` columns of `P`.
    fn add_right<A: LinearOperator<T> + ?Sized>(
        &mut self,
        a: &mut Scaled<'_, A>,
        (from, count): (usize, usize),
        rng: &mut Generator,
    ) -> Result<(), TruncatedError> {
        let to = columns_mut(&mut self.q, self.filled, count);
        a.backward(columns(&self.p, from, count), self.y, to)?;
        for _ in 0..count {
            if !self.accept_right(self.scale) {
                self.add_random(a, rng)?;
            }
        }
        Ok(())
    }

    /// Makes what is in the next column of `Q` a basis vector unless it is rounding noise.
    fn accept_right(&mut self, scale: T) -> bool {
        let scale = scale.max(norm(self.q.col(self.filled)));
        let accepted = orthonormalize(&mut self.q, self.filled, self.h, noise(scale)) > T::ZERO;
        if accepted {
            self.filled += 1;
        }
        accepted
    }

    /// Adds a random vector to `Q`, out of the row space of `A` as long as that is not exhausted.
    fn add_random<A: LinearOperator<T> + ?Sized>(
        &mut self,
        a: &mut Scaled<'_, A>,
        rng: &mut Generator,
    ) -> Result<(), TruncatedError> {
        // The column of `P` that belongs to the new one is free until `add_left`.
        let free = self.p.col_mut(self.filled);
        fill_uniform(free, rng);
        let length = norm(free);
        if length > T::ZERO {
            simd::scale(T::ONE / length, free);
        }
        a.backward(self.p.col(self.filled), self.y, self.q.col_mut(self.filled))?;
        if !self.accept_right(self.scale) {
            random_column(&mut self.q, self.filled, self.h, rng);
            self.filled += 1;
        }
        Ok(())
    }

    /// The columns of `P` and `R` for all columns of `Q` that are there.
    fn add_left<A: LinearOperator<T> + ?Sized>(
        &mut self,
        a: &mut Scaled<'_, A>,
        rng: &mut Generator,
    ) -> Result<(), TruncatedError> {
        let count = self.filled - self.ready;
        let to = columns_mut(&mut self.p, self.ready, count);
        a.forward(columns(&self.q, self.ready, count), self.x, to)?;
        while self.ready < self.filled {
            let j = self.ready;
            self.scale = self.scale.max(norm(self.p.col(j)));
            let rest = orthonormalize(&mut self.p, j, self.h, noise(self.scale));
            let column = self.r.col_mut(j);
            column.fill(T::ZERO);
            copy(self.h.get(..j).unwrap_or(&[]), column);
            put(column, j, rest);
            if rest == T::ZERO {
                random_column(&mut self.p, j, self.h, rng);
            }
            self.ready += 1;
        }
        Ok(())
    }

    /// Keeps the leading approximations only: `A·Q = P·diag(s)`.
    fn shrink(&mut self, rank: usize, block: usize) {
        let size = self.size();
        // Half of the basis carries over what was learnt, the other half learns.
        let kept = (size / 2).max(rank).min(size.saturating_sub(block).max(rank));
        recombine(&mut self.p, &self.r, kept, self.h);
        recombine(&mut self.q, &self.w, kept, self.h);
        for j in 0..kept {
            let value = at(self.s, j);
            for (i, r) in self.r.col_mut(j).iter_mut().enumerate() {
                *r = if i == j { value } else { T::ZERO };
            }
        }
        self.ready = kept;
        self.filled = kept;
    }

    /// Makes the kept vectors orthonormal to working precision.
    fn renew(&mut self) {
        for j in 0..self.ready {
            orthonormalize(&mut self.p, j, self.h, T::ZERO);
            orthonormalize(&mut self.q, j, self.h, T::ZERO);
        }
    }

    /// `‖Aᵀ·u − s·v‖` of the leading triplets. The directions of those above the tolerance become
    /// the next columns of `Q`. Returns whether there are none.
    fn residuals<A: LinearOperator<T> + ?Sized>(
        &mut self,
        a: &mut Scaled<'_, A>,
        out: &mut [T],
        options: &Options<T>,
    ) -> Result<bool, TruncatedError> {
        let limit = options.goal() * at(self.s, 0);
        let room = self.size().min(self.ready.saturating_add(options.block.max(1)));
        let mut settled = true;
        // Products wait in columns of `Q` that are free: `given` of them from `first` on.
        let (mut first, mut given) = (0, 0);
        for j in 0..self.ready {
            if j >= options.rank && (settled || self.filled >= room) {
                break;
            }
            if given == 0 && j < options.rank && self.size() > self.filled {
                (first, given) = (self.filled, (options.rank - j).min(self.size() - self.filled));
                let to = columns_mut(&mut self.q, first, given);
                a.backward(columns(&self.p, j, given), self.y, to)?;
            }
            if given > 0 {
                // At most one column is accepted for each that is taken, so none is overwritten.
                copy(self.q.col(first), self.x);
                (first, given) = (first + 1, given - 1);
            } else {
                a.backward(self.p.col(j), self.y, self.x)?;
            }
            simd::axpy(-at(self.s, j), self.q.col(j), self.x);
            let residual = norm(self.x);
            put(out, j, residual);
            if residual > limit {
                settled &= j >= options.rank;
                if self.filled < room {
                    copy(self.x, self.q.col_mut(self.filled));
                    self.accept_right(at(self.s, 0));
                }
            }
        }
        self.lag = (self.filled - self.ready).max(1);
        Ok(settled)
    }

    /// Copies the leading triplets out and completes their residuals by `‖A·v − s·u‖`.
    fn certify<A: LinearOperator<T> + ?Sized>(
        &mut self,
        a: &mut Scaled<'_, A>,
        out: &mut Triplets<'_, T>,
    ) -> Result<(), TruncatedError> {
        let (rows, cols, k) = (self.p.rows(), self.q.rows(), out.s.len());
        let wrong = TruncatedError::WrongLength;
        let mut u = MatMut::new(out.u, rows, k).ok_or(wrong)?;
        let mut v = MatMut::new(out.v, cols, k).ok_or(wrong)?;
        // Products wait in columns of `P` that are free: `given` of them from `first` on.
        let (mut first, mut given) = (0, 0);
        for j in 0..k {
            let value = at(self.s, j);
            if given == 0 && self.size() > self.ready {
                (first, given) = (self.ready, (k - j).min(self.size() - self.ready));
                let to = columns_mut(&mut self.p, first, given);
                a.forward(columns(&self.q, j, given), self.x, to)?;
            }
            if given > 0 {
                copy(self.p.col(first), self.y);
                (first, given) = (first + 1, given - 1);
            } else {
                a.forward(self.q.col(j), self.x, self.y)?;
            }
            simd::axpy(-value, self.p.col(j), self.y);
            put(out.residuals, j, at(out.residuals, j).max(norm(self.y)));
            put(out.s, j, value);
            if fix_sign(self.q.col_mut(j)) {
                for p in self.p.col_mut(j) {
                    *p = -*p;
                }
            }
            copy(self.p.col(j), u.col_mut(j));
            copy(self.q.col(j), v.col_mut(j));
        }
        Ok(())
    }
}

/// `count` columns from `from` on, one after the other.
fn columns<'a, T: Scalar>(basis: &'a MatMut<'_, T>, from: usize, count: usize) -> &'a [T] {
    let rows = basis.rows();
    basis.as_slice().get(from * rows..(from + count) * rows).unwrap_or(&[])
}

/// [`columns`] to be changed.
fn columns_mut<'a, T: Scalar>(
    basis: &'a mut MatMut<'_, T>,
    from: usize,
    count: usize,
) -> &'a mut [T] {
    let rows = basis.rows();
    basis.as_mut_slice().get_mut(from * rows..(from + count) * rows).unwrap_or(&mut [])
}

/// What a vector of length `scale` may hold of rounding errors after it was orthogonalised.
fn noise<T: Scalar>(scale: T) -> T {
    T::from_f64(8.0) * T::EPSILON * scale
}

/// Uniform on [−1, 1).
pub(super) fn fill_uniform<T: Scalar>(x: &mut [T], rng: &mut Generator) {
    for x in x {
        *x = uniform::<T>(rng) * T::TWO - T::ONE;
    }
}

/// Makes column `j` a unit vector orthogonal to the columns before it (Gram–Schmidt, twice), and
/// adds up its coefficients in them in `h`. Returns the length that was left; if that is at most
/// `floor`, zero, and the column is noise.
pub(super) fn orthonormalize<T: Scalar>(
    basis: &mut impl Columns<T>,
    j: usize,
    h: &mut [T],
    floor: T,
) -> T {
    T::dispatch(Orthonormalize { basis, j, h, floor })
}

struct Orthonormalize<'a, T, B> {
    basis: &'a mut B,
    j: usize,
    h: &'a mut [T],
    floor: T,
}

impl<T: Scalar, B: Columns<T>> Kernel<T> for Orthonormalize<'_, T, B> {
    type Output = T;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> T {
        let Self { basis, j, h, floor } = self;
        h.fill(T::ZERO);
        for _ in 0..2 {
            for i in 0..j {
                let (b, x) = basis.pair_mut(i, j);
                let along = simd.dot(b, x);
                axpy(simd, -along, b, x);
                put(h, i, at(h, i) + along);
            }
        }
        let x = basis.col_mut(j);
        let length = norm(x);
        if !(length > floor) {
            return T::ZERO;
        }
        // A very short vector has an inverse length that is not representable.
        let exponent = length.exponent();
        let factor = T::ONE / length.scale_exp2(-exponent);
        for x in x {
            *x = x.scale_exp2(-exponent) * factor;
        }
        length
    }
}

/// `y ← y + a·x` in these registers.
#[inline(always)]
pub(super) fn axpy<T: Scalar, S: Simd<T>>(simd: S, a: T, x: &[T], y: &mut [T]) {
    let n = x.len().min(y.len());
    strips(simd, (0, n), &mut AddMultiple { a, x, y });
}

struct AddMultiple<'a, T> {
    a: T,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Scalar> Strip<T> for AddMultiple<'_, T> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let sum = simd.load_at(self.x, i).mul_add(simd.splat(self.a), simd.load_at(self.y, i));
        sum.store_at(self.y, i);
    }
}

/// Makes column `j` a random unit vector orthogonal to the columns before it.
pub(super) fn random_column<T: Scalar>(
    basis: &mut impl Columns<T>,
    j: usize,
    h: &mut [T],
    rng: &mut Generator,
) {
    // A random vector in n dimensions is further than 1e−3 from the span of fewer than n others
    // almost always; the second and third try are for the rest.
    for _ in 0..3 {
        fill_uniform(basis.col_mut(j), rng);
        if orthonormalize(basis, j, h, T::from_f64(1e-3)) > T::ZERO {
            return;
        }
    }
}

/// The first `kept` columns of `B·C`, in place of those of `B`.
fn recombine<T: Scalar>(b: &mut MatMut<'_, T>, c: &MatMut<'_, T>, kept: usize, row: &mut [T]) {
    for i in 0..b.rows() {
        for (j, row) in row.iter_mut().enumerate() {
            *row = at(b.col(j), i);
        }
        for j in 0..kept {
            put(b.col_mut(j), i, simd::dot(row, c.col(j)));
        }
    }
}

/// Sweeps of the small decomposition; 12 have been seen.
const MAX_SWEEPS: u32 = 30;

/// One-sided Jacobi: `X·W = Y·diag(s)` with `Y` in place of `X`, `s` descending. Values below
/// `ε·‖X‖_F` become zero: here they are rounding errors of the products.
pub(super) fn small_svd<T: Scalar>(
    x: &mut MatMut<'_, T>,
    w: &mut MatMut<'_, T>,
    s: &mut [T],
    rng: &mut Generator,
) {
    let n = x.cols();
    T::dispatch(Sweeps { x: &mut *x, w: &mut *w });
    // The rotations have not changed the norm of the whole.
    let floor = T::EPSILON * norm(x.as_slice());
    for (j, s) in s.iter_mut().enumerate() {
        let length = norm(x.col(j));
        *s = if length > floor { length } else { T::ZERO };
    }
    for i in 0..n {
        let largest = (i..n).fold(i, |best, j| if at(s, j) > at(s, best) { j } else { best });
        swap(s, i, largest);
        swap_cols(x, i, largest);
        swap_cols(w, i, largest);
    }
    let mut h = [T::ZERO; 0];
    for j in 0..n {
        let value = at(s, j);
        if value > T::ZERO {
            for x in x.col_mut(j) {
                *x /= value;
            }
        } else {
            random_column(x, j, &mut h, rng);
        }
    }
}

/// Rotates the columns of `X` until they are orthogonal, and those of the identity along, into `W`.
struct Sweeps<'a, X, W> {
    x: &'a mut X,
    w: &'a mut W,
}

impl<T: Scalar, X: Columns<T>, W: Columns<T>> Kernel<T> for Sweeps<'_, X, W> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { x, w } = self;
        let n = x.cols();
        for j in 0..n {
            for (i, w) in w.col_mut(j).iter_mut().enumerate() {
                *w = if i == j { T::ONE } else { T::ZERO };
            }
        }
        let floor = T::EPSILON * norm(x.all_mut());
        let tolerance = T::HALF * T::EPSILON * T::from_usize(n).sqrt();
        for _ in 0..MAX_SWEEPS {
            let mut rotated = false;
            for i in 0..n {
                for j in i + 1..n {
                    let (a, b) = x.pair_mut(i, j);
                    let (alpha, beta) = (simd.dot(a, a), simd.dot(b, b));
                    if !(alpha > floor * floor && beta > floor * floor) {
                        continue;
                    }
                    let gamma = simd.dot(a, b);
                    if !(gamma.abs() > tolerance * alpha.sqrt() * beta.sqrt()) {
                        continue;
                    }
                    rotated = true;
                    let r = rotation(Single, alpha, beta, gamma);
                    let (c, s) = (r.c, r.c * r.t);
                    strips(simd, (0, n), &mut Turn { c, s, x: a, y: b });
                    let (x, y) = w.pair_mut(i, j);
                    strips(simd, (0, n), &mut Turn { c, s, x, y });
                }
            }
            if !rotated {
                break;
            }
        }
    }
}

/// `(x, y) ← (c·x − s·y, s·x + c·y)`.
struct Turn<'a, T> {
    c: T,
    s: T,
    x: &'a mut [T],
    y: &'a mut [T],
}

impl<T: Scalar> Strip<T> for Turn<'_, T> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let (c, s) = (simd.splat(self.c), simd.splat(self.s));
        let (x, y) = (simd.load_at(self.x, i), simd.load_at(self.y, i));
        (c * x - s * y).store_at(self.x, i);
        s.mul_add(x, c * y).store_at(self.y, i);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mat::Mat;

    #[test]
    fn a_small_triangle_is_decomposed() {
        // [[3, 4], [0, 5]] has AᵀA = [[9, 12], [12, 41]]: s² = 45, 5.
        let mut x = Mat::from_rows(&[[3.0_f64, 4.0], [0.0, 5.0]]);
        let (mut w, mut s) = (Mat::<f64, 2, 2>::zeros(), [0.0; 2]);
        let original = x;
        small_svd(&mut x.view_mut(), &mut w.view_mut(), &mut s, &mut seeded(1));
        assert!((s[0] * s[0] - 45.0).abs() < 1e-13 && (s[1] * s[1] - 5.0).abs() < 1e-13);
        let ys = Mat::<f64, 2, 2>::from_fn(|i, j| x.cols[j][i] * s[j]);
        let back = original.mul(&w);
        for (a, b) in ys.as_slice().iter().zip(back.as_slice()) {
            assert!((a - b).abs() < 1e-14);
        }
    }
}
