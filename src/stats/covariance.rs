//! Count, mean and covariance of a stream of samples, in plain sums.
//!
//! The state is that of [`Moments`](super::Moments) without the low halves: a third of its work, and
//! rounding errors that grow with the number of samples. Samples enter as offsets from the first one,
//! so that a large common offset costs no digits. With the mean `m` of these offsets over `n − 1`
//! samples and the deviation `δ = (x − first) − m` of the next,
//!
//! ```text
//! m ← m + δ/n,   S ← S + (n − 1)/n·δ·δᵀ,   S = Σ (x − mean)(x − mean)ᵀ
//! ```
//!
//! A block of samples is centred on its own mean, multiplied with itself in registers and joined.
//!
//! Source: Welford, Technometrics 4 (1962); joining as in Chan, Golub & `LeVeque` (1979).

use super::centre::BLOCK;
use super::moments::MomentsError;
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
/// With `κᵢ² = 1 + (meanᵢ − firstᵢ)²/cᵢᵢ`, where `first` is the first sample, each entry of the
/// covariance is within `(n + 8)·ε·κᵢ·κⱼ·√(cᵢᵢ·cⱼⱼ)` after `n` calls of [`update`](Self::update), and
/// batches of 32 and more count as `n/32 + 32` (`tests/covariance.rs`). In practice rounding errors
/// cancel: 10⁴ random samples one at a time cost about 10 ulp. Take [`Moments`](super::Moments) in
/// `f32` for more than about 10⁵ single samples, for merging very many states, and wherever the last
/// digits of small eigenvalues matter.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct Covariance<T, const D: usize> {
    count: u32,
    /// Sum of all squared deviations, or a little more: no entry of `scatter` exceeds it.
    total: T,
    /// The first sample.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    first: [T; D],
    /// Mean minus the first sample.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    shift: [T; D],
    /// `S` on and below the diagonal, column by column; zero above.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays::nested"))]
    scatter: [[T; D]; D],
}

impl<T: Scalar, const D: usize> Default for Covariance<T, D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar, const D: usize> Covariance<T, D> {
    /// Size of the state: `D² + 2·D + 1` scalars and the count.
    pub const STATE_BYTES: usize = size_of::<Self>();

    /// No samples.
    pub const fn new() -> Self {
        Self {
            count: 0,
            total: T::ZERO,
            first: [T::ZERO; D],
            shift: [T::ZERO; D],
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
    /// About `D² + 9·D` flops per sample; `36·D` scalars of stack.
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
        for (d, (&theirs, &ours)) in delta.iter_mut().zip(other.first.iter().zip(&self.first)) {
            *d = theirs - ours;
        }
        for (d, (&theirs, &ours)) in delta.iter_mut().zip(other.shift.iter().zip(&self.shift)) {
            *d += theirs - ours;
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
    pub fn mean(&self) -> [T; D] {
        let mut mean = self.first;
        for (mean, &shift) in mean.iter_mut().zip(&self.shift) {
            *mean += shift;
        }
        mean
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
        self.scatter.get(j).and_then(|column| column.get(i)).copied().unwrap_or(T::ZERO)
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
        let shift = &mut self.shift;
        strips(simd, (0, D), &mut Join { delta, share, weight, shift, scaled: &mut scaled });
        let (left, right) = (core::slice::from_ref(&scaled), core::slice::from_ref(delta));
        add_products(simd, left, right, &mut self.scatter);
    }
}

/// [`Covariance::update`] as a kernel.
struct Update<'a, T, const D: usize> {
    state: &'a mut Covariance<T, D>,
    x: &'a [T; D],
}

impl<T: Scalar, const D: usize> Kernel<T> for Update<'_, T, D> {
    type Output = Result<(), MomentsError>;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
        let Self { state, x } = self;
        let count = state.count_with(1)?;
        let first = if state.count == 0 { x } else { &state.first };
        let mut delta = [T::ZERO; D];
        strips(simd, (0, D), &mut Deviations { x, first, shift: &state.shift, out: &mut delta });
        let share = T::ONE / T::from_u32(count);
        let weight = T::from_u32(state.count) * share;
        state.total = state.grown(weight * simd.dot(&delta, &delta), x)?;
        if state.count == 0 {
            state.first = *x;
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
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
        let Self { state, samples } = self;
        let Some(head) = samples.first() else { return Ok(()) };
        let more = u32::try_from(samples.len()).map_err(|_| MomentsError::CountOverflow)?;
        state.count_with(more)?;
        let first = if state.count == 0 { *head } else { state.first };
        let (shift, mut squares) = (&state.shift, [T::ZERO; D]);
        strips(simd, (0, D), &mut Squares { samples, first: &first, shift, out: &mut squares });
        let growth = squares.iter().fold(T::ZERO, |sum, &x| sum + x);
        state.total = state.grown(growth, samples.as_flattened())?;
        state.first = first;
        let mut rows = [[T::ZERO; D]; BLOCK];
        for block in samples.chunks(BLOCK) {
            #[expect(clippy::cast_possible_truncation, reason = "at most a block of rows")]
            let size = block.len().min(BLOCK) as u32;
            let centred = rows.get_mut(..block.len()).unwrap_or(&mut []);
            let mut delta = [T::ZERO; D];
            strips(
                simd,
                (0, D),
                &mut CentreBlock {
                    block,
                    first: &first,
                    shift: &state.shift,
                    centred,
                    delta: &mut delta,
                },
            );
            add_products(simd, centred, centred, &mut state.scatter);
            let count = state.count_with(size)?;
            let share = T::from_u32(size) / T::from_u32(count);
            state.join(simd, &delta, share, T::from_u32(state.count) * share);
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

/// `(x − first) − shift`.
struct Deviations<'a, T, const D: usize> {
    x: &'a [T; D],
    first: &'a [T; D],
    shift: &'a [T; D],
    out: &'a mut [T; D],
}

impl<T: Scalar, const D: usize> Strip<T> for Deviations<'_, T, D> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let offset = simd.load_at(self.x, i) - simd.load_at(self.first, i);
        (offset - simd.load_at(self.shift, i)).store_at(self.out, i);
    }
}

/// `shift ← shift + share·δ` and `weight·δ`.
struct Join<'a, T, const D: usize> {
    delta: &'a [T; D],
    share: T,
    weight: T,
    shift: &'a mut [T; D],
    scaled: &'a mut [T; D],
}

impl<T: Scalar, const D: usize> Strip<T> for Join<'_, T, D> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let delta = simd.load_at(self.delta, i);
        let shift = delta.mul_add(simd.splat(self.share), simd.load_at(self.shift, i));
        shift.store_at(self.shift, i);
        (delta * simd.splat(self.weight)).store_at(self.scaled, i);
    }
}

/// `Σ ((x − first) − shift)²`, block by block as the scatter grows, so that it stays above it.
struct Squares<'a, T, const D: usize> {
    samples: &'a [[T; D]],
    first: &'a [T; D],
    shift: &'a [T; D],
    out: &'a mut [T; D],
}

impl<T: Scalar, const D: usize> Strip<T> for Squares<'_, T, D> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let none = simd.splat(T::ZERO);
        let (first, shift) = (simd.load_at(self.first, i), simd.load_at(self.shift, i));
        let mut total = none;
        for block in self.samples.chunks(BLOCK) {
            let (mut a, mut b) = (none, none);
            let mut pairs = block.chunks_exact(2);
            for pair in pairs.by_ref() {
                if let [x, y] = pair {
                    let (x, y) = (simd.load_at(x, i) - first, simd.load_at(y, i) - first);
                    let (x, y) = (x - shift, y - shift);
                    (a, b) = (x.mul_add(x, a), y.mul_add(y, b));
                }
            }
            for x in pairs.remainder() {
                let x = (simd.load_at(x, i) - first) - shift;
                a = x.mul_add(x, a);
            }
            total = total + (a + b);
        }
        total.store_at(self.out, i);
    }
}

/// A block of samples about their own mean, and `δ = (mean of the block − first) − shift`.
struct CentreBlock<'a, T, const D: usize> {
    block: &'a [[T; D]],
    first: &'a [T; D],
    shift: &'a [T; D],
    centred: &'a mut [[T; D]],
    delta: &'a mut [T; D],
}

impl<T: Scalar, const D: usize> Strip<T> for CentreBlock<'_, T, D> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let first = simd.load_at(self.first, i);
        let (mut a, mut b) = (simd.splat(T::ZERO), simd.splat(T::ZERO));
        let mut pairs = self.block.chunks_exact(2);
        for pair in pairs.by_ref() {
            if let [x, y] = pair {
                a = a + (simd.load_at(x, i) - first);
                b = b + (simd.load_at(y, i) - first);
            }
        }
        for x in pairs.remainder() {
            a = a + (simd.load_at(x, i) - first);
        }
        let mean = (a + b) / simd.splat(T::from_usize(self.block.len()));
        (mean - simd.load_at(self.shift, i)).store_at(self.delta, i);
        for (x, centred) in self.block.iter().zip(self.centred.iter_mut()) {
            ((simd.load_at(x, i) - first) - mean).store_at(centred, i);
        }
    }
}

/// `S ← S + Σ left·rightᵀ` on and below the diagonal, where the sum is symmetric.
#[inline(always)]
fn add_products<T: Scalar, S: Simd<T>, const D: usize>(
    simd: S,
    left: &[[T; D]],
    right: &[[T; D]],
    scatter: &mut [[T; D]; D],
) {
    let mut j = 0;
    while S::SUMS >= 8 && j + 8 <= D {
        add_to_columns::<T, S, D, 8>(simd, left, right, scatter, j);
        j += 8;
    }
    while j + 4 <= D {
        add_to_columns::<T, S, D, 4>(simd, left, right, scatter, j);
        j += 4;
    }
    while j < D {
        add_to_columns::<T, S, D, 1>(simd, left, right, scatter, j);
        j += 1;
    }
}

/// [`add_products`] for `C` columns from `j` on.
#[inline(always)]
fn add_to_columns<T: Scalar, S: Simd<T>, const D: usize, const C: usize>(
    simd: S,
    left: &[[T; D]],
    right: &[[T; D]],
    scatter: &mut [[T; D]; D],
    j: usize,
) {
    if let Some(columns) = scatter.get_mut(j..).and_then(<[_]>::first_chunk_mut::<C>) {
        strips(simd, (j, D), &mut Columns { left, right, columns, j });
    }
}

struct Columns<'a, T, const D: usize, const C: usize> {
    left: &'a [[T; D]],
    right: &'a [[T; D]],
    columns: &'a mut [[T; D]; C],
    j: usize,
}

impl<T: Scalar, const D: usize, const C: usize> Strip<T> for Columns<'_, T, D, C> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let none = simd.splat(T::ZERO);
        let mut sums = [none; C];
        for (left, right) in self.left.iter().zip(self.right) {
            let Some(factors) = left.get(self.j..).and_then(<[T]>::first_chunk::<C>) else {
                return;
            };
            let right = simd.load_at(right, i);
            for (sum, &factor) in sums.iter_mut().zip(factors) {
                *sum = right.mul_add(simd.splat(factor), *sum);
            }
        }
        for (k, (column, sum)) in (self.j..).zip(self.columns.iter_mut().zip(sums)) {
            let sum = if i < k { S::V::select(first_places(simd, k - i), none, sum) } else { sum };
            (simd.load_at(column, i) + sum).store_at(column, i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            for (&got, want) in c.scatter.as_flattened().iter().zip([2.0, 3.0, 0.0, 6.0]) {
                assert!((got - want).abs() <= 2e-15);
            }
        }
        assert_eq!(Covariance::<f32, 4>::STATE_BYTES, 4 * (16 + 8 + 1) + 4);
    }
}
