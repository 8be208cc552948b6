//! Count, mean and covariance of a stream of samples, in plain sums.
//!
//! The state is that of [`Moments`](super::Moments) without the low halves of the matrix: rounding
//! errors grow with the number of samples, and the work is that of the products alone. With the mean
//! of `n − 1` samples and the deviation `δ = x − mean` of the next,
//!
//! ```text
//! mean ← mean + δ/n,   S ← S + (n − 1)/n·δ·δᵀ,   S = Σ (x − mean)(x − mean)ᵀ
//! ```
//!
//! A block of samples is centred on its own mean, multiplied with itself in registers and joined.
//!
//! Source: Welford, Technometrics 4 (1962); joining as in Chan, Golub & `LeVeque` (1979).

use super::centre::BLOCK;
use super::dword::two_sum;
use super::moments::MomentsError;
use crate::linalg::at;
use crate::linalg::rows::{Strip, first_places, strips};
use crate::mat::Mat;
use crate::scalar::Scalar;
use crate::simd::{self, Kernel, Lanes, Simd};

/// Running count, mean and covariance of samples with `D` channels, in sums of single floats.
///
/// ```
/// use eigenmote::stats::{Covariance, Pca};
/// let mut c = Covariance::<f32, 2>::new();
/// c.update_batch(&[[1.0, 10.0], [2.0, 20.0]])?;
/// c.update(&[3.0, 30.0])?;
/// assert_eq!(c.mean(), [2.0, 20.0]);
/// assert_eq!(c.covariance()?.cols, [[1.0, 10.0], [10.0, 100.0]]);
/// let pca = Pca::<f32, 2, 1>::fit_from_covariance(&c.mean(), &c.covariance()?, c.count())?;
/// assert!((pca.explained_variance[0] - 101.0).abs() < 1e-4);
/// # Ok::<(), eigenmote::stats::PcaError>(())
/// ```
///
/// # Accuracy
/// Each entry of the covariance is within `(n/2 + 8)·ε·√(cᵢᵢ·cⱼⱼ)` after `n` calls of
/// [`update`](Self::update), where a batch counts as `n/32 + 32`, whatever the offset of the samples;
/// the mean within half a unit in its last place and `4·ε·√cᵢᵢ` (`tests/moments.rs`). Errors mostly
/// cancel: 20 000 drifting samples in `f32`, one at a time, cost 120 ulp. Take [`Moments`] for many
/// single samples in `f32`, for merging very many states, and wherever the last digits of small
/// eigenvalues matter.
///
/// [`Moments`]: super::Moments
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
// Half of the registers would straddle two lines of the cache.
#[cfg_attr(target_arch = "x86_64", repr(C, align(64)))]
pub struct Covariance<T, const D: usize> {
    /// `S` on and below the diagonal in panels of `2·LANES` columns, each row by row from the diagonal
    /// on, with zeros above it. What is behind the last panel stays zero.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays::nested"))]
    scatter: [[T; D]; D],
    count: u32,
    /// Sum of all squared deviations, or a little more: no entry of `scatter` exceeds it.
    total: T,
    /// High halves of the mean of each channel: rounded to one float it would shift every deviation
    /// of a channel whose offset is large.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    mean: [T; D],
    /// Low halves.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    low: [T; D],
}

impl<T: Scalar, const D: usize> Default for Covariance<T, D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar, const D: usize> Covariance<T, D> {
    /// Size of the state: `D² + 2·D + 1` scalars and the count, on x86-64 in whole lines of the cache.
    pub const STATE_BYTES: usize = size_of::<Self>();

    /// No samples.
    pub const fn new() -> Self {
        Self {
            count: 0,
            total: T::ZERO,
            mean: [T::ZERO; D],
            low: [T::ZERO; D],
            scatter: [[T::ZERO; D]; D],
        }
    }

    /// Number of samples.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Takes in one sample.
    ///
    /// # Errors
    /// [`MomentsError::NotFinite`], [`MomentsError::Overflow`] or [`MomentsError::CountOverflow`];
    /// the state is then as before.
    ///
    /// # Cost
    /// About `D² + 8·D` flops; `2·D` scalars of stack.
    pub fn update(&mut self, x: &[T; D]) -> Result<(), MomentsError> {
        T::dispatch(Update { state: self, x })
    }

    /// Takes in many samples. Faster per sample than [`Covariance::update`], and more accurate.
    ///
    /// # Errors
    /// [`MomentsError::NotFinite`], [`MomentsError::Overflow`] or [`MomentsError::CountOverflow`];
    /// none of the samples is then taken in. Overflow is judged before any is, by squares about the
    /// mean so far.
    ///
    /// # Cost
    /// About `D² + 9·D` flops per sample; `37·D` scalars of stack.
    pub fn update_batch(&mut self, samples: &[[T; D]]) -> Result<(), MomentsError> {
        T::dispatch(UpdateBatch { state: self, samples })
    }

    /// Takes in all samples of another state, as if they had been given to this one.
    ///
    /// # Errors
    /// [`MomentsError::Overflow`] or [`MomentsError::CountOverflow`]; the state is then as before.
    ///
    /// # Cost
    /// About `2·D²` flops; `2·D` scalars of stack.
    pub fn merge(&mut self, other: &Self) -> Result<(), MomentsError> {
        let count = self.count_with(other.count)?;
        if self.count == 0 {
            *self = *other;
            return Ok(());
        }
        let mut delta = [T::ZERO; D];
        for (i, delta) in delta.iter_mut().enumerate() {
            *delta =
                (at(&other.mean, i) - at(&self.mean, i)) + (at(&other.low, i) - at(&self.low, i));
        }
        let share = T::from_u32(other.count) / T::from_u32(count);
        let weight = T::from_u32(self.count) * share;
        self.total = self.grown(other.total + weight * simd::sum_of_squares(&delta), &[])?;
        for (sum, &term) in
            self.scatter.as_flattened_mut().iter_mut().zip(other.scatter.as_flattened())
        {
            *sum += term;
        }
        T::dispatch(Merge { state: self, delta: &delta, share, weight });
        self.count = count;
        Ok(())
    }

    /// Mean of each channel; zero before the first sample.
    pub const fn mean(&self) -> [T; D] {
        // `low` is less than half a unit of it.
        self.mean
    }

    /// Covariance matrix with divisor `n − 1`, exactly symmetric.
    ///
    /// # Errors
    /// [`MomentsError::TooFewSamples`] for fewer than two.
    pub fn covariance(&self) -> Result<Mat<T, D, D>, MomentsError> {
        let divisor = self.divisor()?;
        Ok(Mat::from_fn(|i, j| self.product(i.max(j), i.min(j)) / divisor))
    }

    /// Variance of each channel with divisor `n − 1`.
    ///
    /// # Errors
    /// [`MomentsError::TooFewSamples`] for fewer than two.
    pub fn variance(&self) -> Result<[T; D], MomentsError> {
        let divisor = self.divisor()?;
        Ok(core::array::from_fn(|i| self.product(i, i) / divisor))
    }

    fn divisor(&self) -> Result<T, MomentsError> {
        match self.count {
            0 | 1 => Err(MomentsError::TooFewSamples),
            n => Ok(T::from_u32(n.saturating_sub(1))),
        }
    }

    /// Entry `(i, j)` of the scatter, `j ≤ i`.
    fn product(&self, i: usize, j: usize) -> T {
        let panel = panel_width::<T>();
        let top = j - j % panel;
        // The panels before it are D, D − panel, … rows high.
        let before = top * D - top * top.saturating_sub(panel) / 2;
        let width = panel.min(D - top);
        at(self.scatter.as_flattened(), before + (i - top) * width + (j - top))
    }

    #[inline(always)]
    fn count_with(&self, more: u32) -> Result<u32, MomentsError> {
        self.count.checked_add(more).ok_or(MomentsError::CountOverflow)
    }

    /// `total` with `growth`, if that leaves an eighth of the range for rounding.
    #[inline(always)]
    fn grown(&self, growth: T, samples: &[T]) -> Result<T, MomentsError> {
        let total = self.total + growth;
        if total <= T::MAX * T::from_f64(0.125) {
            Ok(total)
        } else if simd::all_finite(samples) {
            Err(MomentsError::Overflow)
        } else {
            Err(MomentsError::NotFinite)
        }
    }

    /// Moves the mean by `share·δ` and adds `weight·δ·δᵀ` to the scatter.
    #[inline(always)]
    fn join<S: Simd<T>>(&mut self, simd: S, delta: &[T; D], share: T, weight: T) {
        let mut scaled = [T::ZERO; D];
        self.shift_mean(simd, delta, share, weight, &mut scaled);
        panels(simd, &mut self.scatter, &mut RankOne { left: delta, right: &scaled });
    }

    /// `mean ← mean + share·δ`, and `out = factor·δ`.
    #[inline(always)]
    fn shift_mean<S: Simd<T>>(
        &mut self,
        simd: S,
        delta: &[T; D],
        share: T,
        factor: T,
        out: &mut [T; D],
    ) {
        let (mean, low) = (&mut self.mean, &mut self.low);
        strips(simd, (0, D), &mut ShiftMean { delta, share, factor, mean, low, out });
    }
}

/// [`Covariance::update`] as a kernel.
struct Update<'a, T, const D: usize> {
    state: &'a mut Covariance<T, D>,
    x: &'a [T; D],
}

impl<T: Scalar, const D: usize> Kernel<T> for Update<'_, T, D> {
    type Output = Result<(), MomentsError>;
    const WIDE: bool = true;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
        let Self { state, x } = self;
        let count = state.count_with(1)?;
        // The first sample is the mean that it is measured from.
        let mean = if state.count == 0 { x } else { &state.mean };
        let mut delta = [T::ZERO; D];
        strips(simd, (0, D), &mut Deviations { x, mean, low: &state.low, out: &mut delta });
        let share = T::ONE / T::from_u32(count);
        let weight = T::from_u32(state.count) * share;
        state.total = state.grown(weight * simd.dot(&delta, &delta), x)?;
        if state.count == 0 {
            state.mean = *x;
        } else {
            state.join(simd, &delta, share, weight);
        }
        state.count = count;
        Ok(())
    }
}

/// [`Covariance::update_batch`] as a kernel.
struct UpdateBatch<'a, T, const D: usize> {
    state: &'a mut Covariance<T, D>,
    samples: &'a [[T; D]],
}

impl<T: Scalar, const D: usize> Kernel<T> for UpdateBatch<'_, T, D> {
    type Output = Result<(), MomentsError>;
    const WIDE: bool = true;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
        let Self { state, samples } = self;
        let Some(head) = samples.first() else { return Ok(()) };
        let more = u32::try_from(samples.len()).map_err(|_| MomentsError::CountOverflow)?;
        state.count_with(more)?;
        // The first sample is as good a mean to begin with as any.
        let mean = if state.count == 0 { *head } else { state.mean };
        let mut squares = [T::ZERO; D];
        strips(simd, (0, D), &mut Squares { samples, mean: &mean, out: &mut squares });
        let growth = squares.iter().fold(T::ZERO, |sum, &x| sum + x);
        state.total = state.grown(growth, samples.as_flattened())?;
        state.mean = mean;
        let mut rows = [[T::ZERO; D]; BLOCK + 1];
        for block in samples.chunks(BLOCK) {
            #[expect(clippy::cast_possible_truncation, reason = "at most a block of rows")]
            let size = block.len().min(BLOCK) as u32;
            let (mean, low) = (&state.mean, &state.low);
            let mut delta = [T::ZERO; D];
            strips(
                simd,
                (0, D),
                &mut CentreBlock { block, mean, low, centred: &mut rows, delta: &mut delta },
            );
            // A change of the mean is one more row.
            let count = state.count_with(size)?;
            let share = T::from_u32(size) / T::from_u32(count);
            let factor = (T::from_u32(state.count) * share).sqrt();
            let Some(row) = rows.get_mut(block.len()) else { continue };
            state.shift_mean(simd, &delta, share, factor, row);
            let rows = rows.get(..=block.len()).unwrap_or(&[]);
            panels(simd, &mut state.scatter, &mut Products { rows });
            state.count = count;
        }
        Ok(())
    }
}

/// [`Covariance::join`] as a kernel.
struct Merge<'a, T, const D: usize> {
    state: &'a mut Covariance<T, D>,
    delta: &'a [T; D],
    share: T,
    weight: T,
}

impl<T: Scalar, const D: usize> Kernel<T> for Merge<'_, T, D> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        self.state.join(simd, self.delta, self.share, self.weight);
    }
}

/// `δ = x − mean`.
struct Deviations<'a, T, const D: usize> {
    x: &'a [T; D],
    mean: &'a [T; D],
    low: &'a [T; D],
    out: &'a mut [T; D],
}

impl<T: Scalar, const D: usize> Strip<T> for Deviations<'_, T, D> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let offset = simd.load_at(self.x, i) - simd.load_at(self.mean, i);
        (offset - simd.load_at(self.low, i)).store_at(self.out, i);
    }
}

/// [`Covariance::shift_mean`].
struct ShiftMean<'a, T, const D: usize> {
    delta: &'a [T; D],
    share: T,
    factor: T,
    mean: &'a mut [T; D],
    low: &'a mut [T; D],
    out: &'a mut [T; D],
}

impl<T: Scalar, const D: usize> Strip<T> for ShiftMean<'_, T, D> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let delta = simd.load_at(self.delta, i);
        let sum = two_sum(simd.load_at(self.mean, i), delta * simd.splat(self.share));
        let mean = two_sum(sum.hi, simd.load_at(self.low, i) + sum.lo);
        mean.hi.store_at(self.mean, i);
        mean.lo.store_at(self.low, i);
        (delta * simd.splat(self.factor)).store_at(self.out, i);
    }
}

/// `Σ (x − mean)²` about the high half of the mean: squares about any fixed point bound those about
/// the mean. Block by block as the scatter grows, so that rounding cannot bring it below.
struct Squares<'a, T, const D: usize> {
    samples: &'a [[T; D]],
    mean: &'a [T; D],
    out: &'a mut [T; D],
}

impl<T: Scalar, const D: usize> Strip<T> for Squares<'_, T, D> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let none = simd.splat(T::ZERO);
        let mean = simd.load_at(self.mean, i);
        let mut total = none;
        for block in self.samples.chunks(BLOCK) {
            let (mut a, mut b) = (none, none);
            let mut pairs = block.chunks_exact(2);
            for pair in pairs.by_ref() {
                if let [x, y] = pair {
                    let (x, y) = (simd.load_at(x, i) - mean, simd.load_at(y, i) - mean);
                    (a, b) = (x.mul_add(x, a), y.mul_add(y, b));
                }
            }
            for x in pairs.remainder() {
                let x = simd.load_at(x, i) - mean;
                a = x.mul_add(x, a);
            }
            total = total + (a + b);
        }
        total.store_at(self.out, i);
    }
}

/// A block of samples about their own mean, and how far that is from the mean of all.
struct CentreBlock<'a, T, const D: usize> {
    block: &'a [[T; D]],
    mean: &'a [T; D],
    low: &'a [T; D],
    centred: &'a mut [[T; D]],
    delta: &'a mut [T; D],
}

impl<T: Scalar, const D: usize> Strip<T> for CentreBlock<'_, T, D> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let origin = simd.load_at(self.mean, i);
        let (mut a, mut b) = (simd.splat(T::ZERO), simd.splat(T::ZERO));
        let mut pairs = self.block.chunks_exact(2);
        for pair in pairs.by_ref() {
            if let [x, y] = pair {
                a = a + (simd.load_at(x, i) - origin);
                b = b + (simd.load_at(y, i) - origin);
            }
        }
        for x in pairs.remainder() {
            a = a + (simd.load_at(x, i) - origin);
        }
        let mean = (a + b) / simd.splat(T::from_usize(self.block.len()));
        (mean - simd.load_at(self.low, i)).store_at(self.delta, i);
        for (x, centred) in self.block.iter().zip(self.centred.iter_mut()) {
            ((simd.load_at(x, i) - origin) - mean).store_at(centred, i);
        }
    }
}

/// Columns of the scatter that are stored together: two registers, for which a tile of products loads
/// least.
const fn panel_width<T: Scalar>() -> usize {
    2 * T::LANES
}

/// Work on one panel of the scatter. A trait and not a closure, so that it is inlined.
trait Panel<T: Scalar> {
    /// The work on `width` columns from row and column `top` on. Mark it `#[inline(always)]`.
    fn run<S: Simd<T>>(&mut self, simd: S, top: usize, width: usize, panel: &mut [T]);
}

/// `work` on every panel.
#[inline(always)]
fn panels<T: Scalar, S: Simd<T>, const D: usize>(
    simd: S,
    scatter: &mut [[T; D]; D],
    work: &mut impl Panel<T>,
) {
    let full = panel_width::<T>();
    let mut rest = scatter.as_flattened_mut();
    let mut top = 0;
    while top + full <= D {
        let Some((panel, behind)) = rest.split_at_mut_checked(full * (D - top)) else { return };
        // A width that the compiler knows.
        work.run(simd, top, full, panel);
        rest = behind;
        top += full;
    }
    if top < D {
        let width = D - top;
        work.run(simd, top, width, rest.get_mut(..width * width).unwrap_or(&mut []));
    }
}

/// `S ← S + left·rightᵀ`.
struct RankOne<'a, T, const D: usize> {
    left: &'a [T; D],
    right: &'a [T; D],
}

impl<T: Scalar, const D: usize> Panel<T> for RankOne<'_, T, D> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, top: usize, width: usize, panel: &mut [T]) {
        let left = self.left.get(top..).unwrap_or(&[]);
        let right = self.right.get(top..).unwrap_or(&[]);
        strips(simd, (0, width), &mut RankOneStrip { left, right, panel, width });
    }
}

struct RankOneStrip<'a, T> {
    left: &'a [T],
    right: &'a [T],
    panel: &'a mut [T],
    width: usize,
}

impl<T: Scalar> Strip<T> for RankOneStrip<'_, T> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let right = simd.load_at(self.right, i);
        let left = self.left.get(i..).unwrap_or(&[]);
        let panel = self.panel.get_mut(i * self.width..).unwrap_or(&mut []);
        let (Some((head, left)), Some((head_rows, rows))) =
            (left.split_at_checked(S::V::LEN), panel.split_at_mut_checked(S::V::LEN * self.width))
        else {
            return;
        };
        for (k, (&x, row)) in head.iter().zip(head_rows.chunks_exact_mut(self.width)).enumerate() {
            let right = S::V::select(first_places(simd, k + 1), right, simd.splat(T::ZERO));
            right.mul_add(simd.splat(x), simd.load_at(row, i)).store_at(row, i);
        }
        for (&x, row) in left.iter().zip(rows.chunks_exact_mut(self.width)) {
            right.mul_add(simd.splat(x), simd.load_at(row, i)).store_at(row, i);
        }
    }
}

/// `S ← S + Σ row·rowᵀ`.
struct Products<'a, T, const D: usize> {
    rows: &'a [[T; D]],
}

impl<T: Scalar, const D: usize> Panel<T> for Products<'_, T, D> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, top: usize, width: usize, panel: &mut [T]) {
        let (rows, height, len) = (self.rows, D - top, S::V::LEN);
        let mut tiles = Tiles { rows, panel, top, width };
        if S::SUMS < 8 || width < 2 * len {
            return strips(simd, (0, width), &mut tiles);
        }
        // Above the second register's part of the diagonal there is only the first.
        let mut i = 0;
        while i < len {
            tiles.add::<S, 4, false>(simd, i, 0);
            i += 4;
        }
        while i + 4 <= height {
            tiles.add::<S, 4, true>(simd, i, 0);
            i += 4;
        }
        while i < height {
            tiles.add::<S, 1, true>(simd, i, 0);
            i += 1;
        }
    }
}

/// Tiles of products, kept in registers over all rows.
struct Tiles<'a, T, const D: usize> {
    rows: &'a [[T; D]],
    panel: &'a mut [T],
    top: usize,
    width: usize,
}

impl<T: Scalar, const D: usize> Strip<T> for Tiles<'_, T, D> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, j: usize) {
        let mut i = j;
        while i + 4 <= D - self.top {
            self.add::<S, 4, false>(simd, i, j);
            i += 4;
        }
        while i < D - self.top {
            self.add::<S, 1, false>(simd, i, j);
            i += 1;
        }
    }
}

impl<T: Scalar, const D: usize> Tiles<'_, T, D> {
    /// Adds to rows `i..i + R` of the panel in the columns of one register from `j` on, and with `PAIR`
    /// also of the next: two registers share the factors.
    #[inline(always)]
    fn add<S: Simd<T>, const R: usize, const PAIR: bool>(&mut self, simd: S, i: usize, j: usize) {
        let (top, none) = (self.top, simd.splat(T::ZERO));
        let (mut sums, mut next_sums) = ([none; R], [none; R]);
        for row in self.rows {
            let Some(factors) = row.get(top + i..).and_then(<[T]>::first_chunk::<R>) else {
                return;
            };
            let values = simd.load_at(row, top + j);
            let next = if PAIR { simd.load_at(row, top + j + S::V::LEN) } else { none };
            // By number and not zipped: iterators over three things are not always inlined.
            for r in 0..R {
                let Some(&factor) = factors.get(r) else { return };
                let factor = simd.splat(factor);
                if let Some(sum) = sums.get_mut(r) {
                    *sum = values.mul_add(factor, *sum);
                }
                if PAIR && let Some(sum) = next_sums.get_mut(r) {
                    *sum = next.mul_add(factor, *sum);
                }
            }
        }
        self.store(simd, i, j, &sums);
        if PAIR {
            self.store(simd, i, j + S::V::LEN, &next_sums);
        }
    }

    /// Adds sums where they are not above the diagonal.
    #[inline(always)]
    fn store<S: Simd<T>, const R: usize>(&mut self, simd: S, i: usize, j: usize, sums: &[S::V; R]) {
        // So many steps, as the compiler can see: the sums stay in registers.
        for (r, &sum) in sums.iter().enumerate() {
            let below = (i + r + 1).saturating_sub(j);
            let sum = if below < S::V::LEN {
                S::V::select(first_places(simd, below), sum, simd.splat(T::ZERO))
            } else {
                sum
            };
            let at = (i + r) * self.width + j;
            (simd.load_at(self.panel, at) + sum).store_at(self.panel, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Single;

    #[test]
    fn three_samples_by_hand() {
        // Means 2 and 5; centred rows (−1, −1), (0, −1), (1, 2).
        let samples = [[1.0, 4.0], [2.0, 4.0], [3.0, 7.0]];
        let mut c = Covariance::<f64, 2>::new();
        for x in &samples {
            c.update(x).unwrap_or_default();
        }
        let mut batch = Covariance::new();
        batch.update_batch(&samples).unwrap_or_default();
        for c in [c, batch] {
            assert_eq!(c.mean(), [2.0, 5.0]);
            for (&got, want) in c.scatter.as_flattened().iter().zip([2.0, 0.0, 3.0, 6.0]) {
                assert!((got - want).abs() <= 2e-15);
            }
        }
        let values = 4 * (16 + 8 + 1) + 4;
        let align = align_of::<Covariance<f32, 4>>();
        assert_eq!(Covariance::<f32, 4>::STATE_BYTES, usize::next_multiple_of(values, align));
    }

    fn registers_agree<T: Scalar, const D: usize>() {
        let value = |i: usize| T::from_f64(((i * 37 + 11) % 64) as f64 / 3.0 + 100.0);
        let samples: [[T; D]; 45] =
            core::array::from_fn(|s| core::array::from_fn(|i| value(s * s * (D + i) + i)));
        let (Some((head, tail)), mut single) = (samples.split_last_chunk::<2>(), Covariance::new())
        else {
            return;
        };
        let mut plain = single;
        let _ = UpdateBatch { state: &mut single, samples: head }.run(Single);
        let _ = UpdateBatch { state: &mut plain, samples: head }.run(simd::Plain);
        for x in tail {
            let _ = Update { state: &mut single, x }.run(Single);
            let _ = Update { state: &mut plain, x }.run(simd::Plain);
        }
        assert_eq!(single.count(), 45);
        if !cfg!(feature = "fast") {
            assert!(single == plain, "{D} channels");
        }
    }

    #[test]
    fn every_register_gives_the_same_bits() {
        registers_agree::<f32, 1>();
        registers_agree::<f32, 13>();
        registers_agree::<f32, 16>();
        registers_agree::<f32, 41>();
        registers_agree::<f64, 7>();
        registers_agree::<f64, 8>();
        registers_agree::<f64, 29>();
    }
}
