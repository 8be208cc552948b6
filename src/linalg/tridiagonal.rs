//! The largest eigenvalues of a symmetric tridiagonal matrix with their vectors.
//!
//! The number of positive pivots of `T − x·I` is the number of eigenvalues above `x` (Sturm). Many
//! `x` are tried at once, one in each place of a few registers, until every wanted eigenvalue stands
//! alone in a bracket that is short against the distance to its neighbours. From there on, Rayleigh
//! quotient iteration: an elimination from both ends meets in the row where the pivot is smallest
//! (a twisted factorisation), the vector follows by multiplications, and its Rayleigh quotient is
//! the next shift; the error is squared each time. Eigenvalues that no bracket can tell apart get
//! vectors that are not orthogonal: the caller has to look at them.
//!
//! Source: Golub & Van Loan, *Matrix Computations*, §8.4; Dhillon & Parlett, "Orthogonal
//! eigenvectors and relative gaps", SIAM J. Matrix Anal. Appl. 25 (2003).

use super::{at, put};
use crate::scalar::Scalar;
use crate::simd::{Lanes, MAX_LANES, Simd};

/// A symmetric tridiagonal matrix of `off.len() + 1` rows.
pub(super) struct Tridiagonal<'a, T> {
    /// The diagonal; missing entries are zero.
    pub(super) diagonal: &'a [T],
    /// What stands beside it, none of it zero: see [`lift`].
    pub(super) off: &'a [T],
}

/// Replaces an entry beside the diagonal whose square is not a normal number by one whose square is:
/// then no pivot is `0/0`.
#[inline(always)]
pub(super) fn lift<T: Scalar>(x: T) -> T {
    let least = T::exp2i(T::MIN_EXP / 2 + 1);
    if x.abs() > least { x } else { least }
}

/// Registers full of shifts that are tried at once: enough to keep a divider busy.
const GROUPS: usize = 4;

/// Places of a register, at most: the search is not compiled for wider ones.
const LANES: usize = 8;

/// A pass divides every bracket by two at least: that many make one of any length as short as it
/// gets.
const MAX_PASSES: usize = 64;

/// Length of a bracket relative to the distance of its neighbours from which the iteration is sure to
/// stay with its eigenvalue.
const ISOLATED: f64 = 0.125;

/// Brackets of the largest eigenvalues.
pub(super) struct Brackets<'a, T> {
    pub(super) low: &'a mut [T],
    pub(super) high: &'a mut [T],
    /// The next eigenvalue is not above this.
    below: T,
    /// Shorter brackets are rounding noise.
    pub(super) noise: T,
    /// Longer ones are not wanted.
    longest: T,
}

impl<'a, T: Scalar> Brackets<'a, T> {
    /// Room for brackets of as many eigenvalues as there are places.
    #[inline(always)]
    pub(super) fn new(low: &'a mut [T], high: &'a mut [T]) -> Self {
        Self { low, high, below: T::ZERO, noise: T::ZERO, longest: T::ZERO }
    }

    /// Brackets the largest eigenvalues, each isolated from its neighbours where those are further
    /// away than rounding errors, and not longer than `longest` relative to a bound on all of them.
    #[inline(always)]
    pub(super) fn find<S: Simd<T>>(&mut self, simd: S, matrix: &Tridiagonal<'_, T>, longest: T) {
        let (mut bound, mut before) = (T::ZERO, T::ZERO);
        for i in 0..=matrix.off.len() {
            let off = at(matrix.off, i).abs();
            bound = bound.max(at(matrix.diagonal, i).abs() + (before + off));
            before = off;
        }
        bound *= T::from_f64(1.0 + 1e-3);
        self.low.fill(-bound);
        self.high.fill(bound);
        self.below = bound;
        self.noise = T::from_f64(4.0) * T::EPSILON * bound;
        self.longest = longest * bound;
        for _ in 0..MAX_PASSES {
            let open = (0..self.low.len()).filter(|&k| self.open(k)).count();
            if open == 0 {
                break;
            }
            self.pass(simd, matrix, open);
        }
    }

    /// Whether every bracket is short against the distance to its neighbours.
    #[inline(always)]
    pub(super) fn isolated(&self) -> bool {
        (0..self.low.len()).all(|k| at(self.high, k) - at(self.low, k) <= self.short(k))
    }

    /// What is short enough for bracket `k`.
    #[inline(always)]
    fn short(&self, k: usize) -> T {
        let above = if k == 0 { T::MAX } else { at(self.low, k - 1) };
        let below = if k + 1 < self.high.len() { at(self.high, k + 1) } else { self.below };
        T::from_f64(ISOLATED) * (above - at(self.high, k)).min(at(self.low, k) - below)
    }

    /// Whether bracket `k` is to be made shorter.
    #[inline(always)]
    fn open(&self, k: usize) -> bool {
        at(self.high, k) - at(self.low, k) > self.noise.max(self.longest.min(self.short(k)))
    }

    /// Counts the eigenvalues above points spread over all open brackets.
    #[inline(always)]
    fn pass<S: Simd<T>>(&mut self, simd: S, matrix: &Tridiagonal<'_, T>, open: usize) {
        let mut points = [T::ZERO; GROUPS * LANES];
        let points = points.get_mut(..GROUPS * T::LANES).unwrap_or(&mut []);
        let each = points.len().div_ceil(open.max(1));
        let (step, share) = (T::ONE / T::from_usize(each), T::ONE / T::from_usize(open));
        let mut index = 0;
        for k in 0..self.low.len() {
            if self.open(k) {
                // Brackets that are still the same get different points.
                let mut part = (T::from_usize(index) + T::HALF) * share * step;
                let (low, length) = (at(self.low, k), at(self.high, k) - at(self.low, k));
                for point in points.iter_mut().skip(index).step_by(open.max(1)) {
                    *point = low + length * part;
                    part += step;
                }
                index += 1;
            }
        }
        let mut counts = [T::ZERO; GROUPS * LANES];
        let group = GROUPS * S::V::LEN;
        for (points, counts) in points.chunks(group).zip(counts.chunks_mut(group)) {
            count_above(simd, matrix, points, counts);
        }
        let wanted = T::from_usize(self.low.len());
        for (&x, &count) in points.iter().zip(&counts) {
            let mut k = T::HALF;
            for (low, high) in self.low.iter_mut().zip(self.high.iter_mut()) {
                let above = count > k;
                *low = if above { low.max(x) } else { *low };
                *high = if above { *high } else { high.min(x) };
                k += T::ONE;
            }
            if count <= wanted {
                self.below = self.below.min(x);
            }
        }
    }
}

/// The number of eigenvalues above each of up to [`GROUPS`] registers full of points.
#[inline(always)]
fn count_above<T: Scalar, S: Simd<T>>(
    simd: S,
    matrix: &Tridiagonal<'_, T>,
    points: &[T],
    counts: &mut [T],
) {
    let (zero, one) = (simd.splat(T::ZERO), simd.splat(T::ONE));
    let mut x = [zero; GROUPS];
    for (x, points) in x.iter_mut().zip(points.chunks(S::V::LEN)) {
        *x = simd.load(points);
    }
    // Pivots with their signs changed: one that is zero then counts as negative, and the infinite
    // one behind it as positive, which makes up for it.
    let mut pivots = [one; GROUPS];
    let mut above = [zero; GROUPS];
    let mut before = zero;
    for i in 0..=matrix.off.len() {
        let diagonal = simd.splat(at(matrix.diagonal, i));
        for ((pivot, above), &x) in pivots.iter_mut().zip(&mut above).zip(&x) {
            *pivot = (x - diagonal) - before / *pivot;
            *above = *above + S::V::select(zero.gt(*pivot), one, zero);
        }
        let off = at(matrix.off, i);
        before = simd.splat(off * off);
    }
    for (above, counts) in above.iter().zip(counts.chunks_mut(S::V::LEN)) {
        above.store(counts);
    }
}

/// Memory for [`vectors`]: multipliers of the two eliminations, then parts of the vectors.
pub(super) struct Multipliers<'a, V> {
    pub(super) down: &'a mut [V],
    pub(super) up: &'a mut [V],
}

/// Rayleigh quotient iterations. The first vector is within an angle of 1/16 (from the middle of an
/// isolated bracket), and each iteration squares that.
const fn iterations<T: Scalar>() -> usize {
    if T::DIGITS <= 24 { 4 } else { 5 }
}

/// Unit eigenvectors for eigenvalues between `low` and `high`, one after the other in `out`, `stride` values apart.
#[inline(always)]
pub(super) fn vectors<T: Scalar, S: Simd<T>>(
    simd: S,
    matrix: &Tridiagonal<'_, T>,
    (low, high): (&[T], &[T]),
    noise: T,
    memory: &mut Multipliers<'_, S::V>,
    out: &mut [T],
    stride: usize,
) {
    let lanes = S::V::LEN;
    let brackets = low.chunks(lanes).zip(high.chunks(lanes));
    for ((low, high), out) in brackets.zip(out.chunks_mut((stride * lanes).max(1))) {
        let (low, high) = (simd.load(low), simd.load(high));
        let mut x = simd.splat(T::HALF) * (low + high);
        let mut factor = x;
        for _ in 0..iterations::<T>() {
            let (correction, inverse_length) = twisted(simd, matrix, x, noise, memory);
            factor = inverse_length;
            let next = x + correction;
            // Beside the bracket belongs to another eigenvalue.
            let next = S::V::select(low.gt(next), low, next);
            x = S::V::select(next.gt(high), high, next);
        }
        let mut places = [T::ZERO; MAX_LANES];
        for (i, &z) in memory.down.iter().take(matrix.off.len() + 1).enumerate() {
            (z * factor).store(&mut places);
            for (out, &z) in out.chunks_mut(stride.max(1)).zip(&places).take(lanes) {
                put(out, i, z);
            }
        }
    }
}

/// `z` with `(T − x·I)·z = γ·e_r` and `z_r = 1` for the `r` of smallest `|γ|`, left in `memory.down`.
/// Returns `γ/‖z‖²`, by which the Rayleigh quotient differs from `x`, and `1/‖z‖`.
#[inline(always)]
fn twisted<T: Scalar, S: Simd<T>>(
    simd: S,
    matrix: &Tridiagonal<'_, T>,
    x: S::V,
    noise: T,
    memory: &mut Multipliers<'_, S::V>,
) -> (S::V, S::V) {
    let n = matrix.off.len() + 1;
    let (zero, one, half) = (simd.splat(T::ZERO), simd.splat(T::ONE), simd.splat(T::HALF));
    let Some(down) = memory.down.get_mut(..n) else { return (zero, zero) };
    let Some(up) = memory.up.get_mut(..n) else { return (zero, zero) };
    let least = simd.splat(T::EPSILON * noise);
    let away_from_zero = |pivot: S::V| S::V::select(pivot.abs().gt(least), pivot, least);

    // Eliminate from both ends: `down[i] = bᵢ/pᵢ` with the pivots from the top, `up[i] = bᵢ₋₁/qᵢ`
    // with those from the bottom (signs changed, both).
    let (mut p, mut q) =
        (x - simd.splat(at(matrix.diagonal, 0)), x - simd.splat(at(matrix.diagonal, n - 1)));
    for ((i, down), up) in (0..n).zip(down.iter_mut()).zip(up.iter_mut().rev()) {
        let j = n - 1 - i;
        let (b, c) = (simd.splat(at(matrix.off, i)), simd.splat(at(matrix.off, j.wrapping_sub(1))));
        *down = b / away_from_zero(p);
        *up = c / away_from_zero(q);
        p = (x - simd.splat(at(matrix.diagonal, i + 1))) - b * *down;
        q = (x - simd.splat(at(matrix.diagonal, j.wrapping_sub(1)))) - c * *up;
    }
    // Where they meet best.
    let (mut gamma, mut size, mut twist) = (zero, simd.splat(T::MAX), zero);
    let (mut from_top, mut row) = (zero, zero);
    for (i, &down) in down.iter().enumerate() {
        let b = simd.splat(at(matrix.off, i));
        let below = up.get(i + 1).map_or(zero, |&up| b * up);
        let here = (x - simd.splat(at(matrix.diagonal, i))) - from_top - below;
        let better = size.gt(here.abs());
        gamma = S::V::select(better, here, gamma);
        size = S::V::select(better, here.abs(), size);
        twist = S::V::select(better, row, twist);
        from_top = b * down;
        row = row + one;
    }
    // From the twist to both ends; beyond it, each half is zero.
    let (mut z, mut row) = (zero, simd.splat(T::from_usize(n - 1)));
    for down in down.iter_mut().rev() {
        z = S::V::select(half.gt((row - twist).abs()), one, *down * z);
        *down = z;
        row = row - one;
    }
    let (mut z, mut row, mut squares) = (zero, zero, zero);
    for (down, up) in down.iter_mut().zip(up.iter()) {
        let here = half.gt((row - twist).abs());
        z = S::V::select(here, one, *up * z);
        *down = S::V::select(here, one, *down + z);
        squares = down.mul_add(*down, squares);
        row = row + one;
    }
    // `gamma` has its sign changed like the pivots.
    ((zero - gamma) / squares, one / squares.sqrt())
}
