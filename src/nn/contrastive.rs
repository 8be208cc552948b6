//! Two networks that bring what belongs together to one place: images and their names.
//!
//! Both towers give vectors of one length; the cosine of an image and a text, times a learned scale, is
//! the logit that they belong together. In a batch of pairs every image has to find its text among all
//! texts, and every text its image (symmetric `InfoNCE`):
//!
//! ```text
//! S = scale·Â·B̂ᵀ,   loss = ½·mean over rows of CE(softmax(S), T) + ½·the same of Sᵀ
//! ```
//!
//! with `Â`, `B̂` the vectors at length 1. `T` is the identity; samples of one group (the same digit, the
//! same word) share the target equally. If the loss is also taken of the first values of the vectors
//! alone, a table can later be cut to a prefix of the dimensions without being trained again.
//!
//! A class that was never seen needs a vector of its text only: the nearest class of an image is then
//! a search in a [table](crate::embed::Table).
//!
//! Sources: Radford et al., "Learning transferable visual models from natural language supervision",
//! ICML 2021; Kusupati et al., "Matryoshka representation learning", `NeurIPS` 2022.

use rand_core::Rng;

use super::gradient::{Pass, TrainError, expect_len, rows_of, take};
use super::optimize::{Initialization, initialize};
use super::spec::Spec;
use crate::mat::norm;
use crate::scalar::Scalar;
use crate::simd;

/// Two towers of networks that end in vectors of one length.
///
/// The parameters of a model are one slice: those of the left tower, those of the right one, and the
/// logarithm of the scale.
///
/// ```
/// use eigenmote::nn::{Activation, Adam, AdamSteps, LayerSpec, PairModel, Spec};
/// use eigenmote::rng;
/// let (images, texts) =
///     ([LayerSpec::new(3, 2, Activation::Linear)], [LayerSpec::new(2, 2, Activation::Linear)]);
/// let model = PairModel::new(Spec::new(&images)?, Spec::new(&texts)?, &[2])?;
/// let (x, y) = ([1.0_f32, 0.0, 0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0]); // two pairs
/// let mut memory = vec![0.0; PairModel::memory_len(&model, 2)];
/// let (mut params, mut gradient) = ([0.0; 15], [0.0; 15]);
/// let (mut moments, mut steps) = ([0.0; 30], AdamSteps::START);
/// model.initialize(&mut rng::seeded(1), &mut params)?;
/// for _ in 0..200 {
///     model.gradient(&params, (&x, &y, &[]), &mut memory, &mut gradient)?;
///     Adam::new(0.02).update(&mut steps, &mut params, &gradient, &mut moments)?;
/// }
/// assert!(model.gradient(&params, (&x, &y, &[]), &mut memory, &mut gradient)? < 0.01);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairModel<'a, T> {
    left: Spec<'a, T>,
    right: Spec<'a, T>,
    prefixes: &'a [usize],
}

impl<'a, T> PairModel<'a, T> {
    /// The tower of what stands left, for instance images.
    pub const fn left(&self) -> &Spec<'a, T> {
        &self.left
    }

    /// The tower of what stands right, for instance texts.
    pub const fn right(&self) -> &Spec<'a, T> {
        &self.right
    }

    /// Number of values of a vector.
    pub const fn width(&self) -> usize {
        self.left.outputs()
    }

    /// Number of parameters: both towers, and one.
    pub const fn params(&self) -> usize {
        self.left.params().saturating_add(self.right.params()).saturating_add(1)
    }

    /// Number of values of memory that a call with up to `rows` pairs needs.
    pub const fn memory_len(&self, rows: usize) -> usize {
        Pass::memory_len(&self.left, rows)
            .saturating_add(Pass::memory_len(&self.right, rows))
            .saturating_add(contrast_len(self.width(), rows))
    }
}

impl<'a, T: Scalar> PairModel<'a, T> {
    /// The scale is never larger than this: beyond it a single pair rules the gradient.
    pub const MAX_SCALE: f64 = 100.0;
    /// `ln(1/0.07)`: the logarithm of the scale at the beginning.
    const FIRST_LOG_SCALE: f64 = 2.659_260_036_932_778;

    /// From two towers, and how many of the first values of the vectors count: usually `&[width]`, with
    /// smaller numbers beside it if tables are to be cut. Each of them has the same weight in the loss.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if the towers end in different lengths, or a prefix is none.
    pub fn new(
        left: Spec<'a, T>,
        right: Spec<'a, T>,
        prefixes: &'a [usize],
    ) -> Result<Self, TrainError> {
        let width = left.outputs();
        let prefixes_fit = !prefixes.is_empty() && prefixes.iter().all(|&p| 0 < p && p <= width);
        if right.outputs() != width || !prefixes_fit {
            return Err(TrainError::Setting);
        }
        Ok(Self { left, right, prefixes })
    }

    /// Draws the first parameters; the scale begins with `1/0.07`.
    ///
    /// # Errors
    /// [`TrainError::Length`].
    pub fn initialize(&self, rng: &mut impl Rng, params: &mut [T]) -> Result<(), TrainError> {
        let needed = TrainError::Length { needed: self.params() };
        expect_len(params, self.params())?;
        let (left, rest) = take(params, self.left.params()).ok_or(needed)?;
        let (right, last) = take(rest, self.right.params()).ok_or(needed)?;
        initialize(&self.left, Initialization::XavierUniform, rng, left)?;
        initialize(&self.right, Initialization::XavierUniform, rng, right)?;
        last.fill(T::from_f64(Self::FIRST_LOG_SCALE));
        Ok(())
    }

    /// The parts of the parameters: left tower, right tower, logarithm of the scale.
    ///
    /// # Errors
    /// [`TrainError::Length`].
    pub fn parts<'p>(&self, params: &'p [T]) -> Result<(&'p [T], &'p [T], T), TrainError> {
        let needed = TrainError::Length { needed: self.params() };
        expect_len(params, self.params())?;
        let (left, rest) = params.split_at_checked(self.left.params()).ok_or(needed)?;
        match rest.split_last() {
            Some((&last, right)) => Ok((left, right, last)),
            None => Err(needed),
        }
    }

    /// The loss of pairs in the rows of `x` and `y`, with its gradient by the parameters in place of
    /// what `gradient` held.
    ///
    /// `groups` has a number for every pair, equal for those that belong together as well; it may be
    /// empty.
    ///
    /// # Errors
    /// Those of [`Pass::forward`] and [`contrast`].
    ///
    /// # Cost
    /// `6·rows` flops per weight, `4·rows` in the first layers, and `6·rows²·width` for each prefix.
    pub fn gradient(
        &self,
        params: &[T],
        (x, y, groups): (&[T], &[T], &[u32]),
        memory: &mut [T],
        gradient: &mut [T],
    ) -> Result<T, TrainError> {
        let rows = rows_of(x, self.left.inputs(), usize::MAX)?;
        if rows_of(y, self.right.inputs(), usize::MAX)? != rows {
            return Err(TrainError::Batch);
        }
        expect_len(gradient, self.params())?;
        let (own, other, log_scale) = self.parts(params)?;
        let needed = TrainError::MemoryTooSmall { needed: self.memory_len(rows) };
        if memory.len() < self.memory_len(rows) {
            return Err(needed);
        }
        let (mut left, memory) = Pass::split(self.left, rows, memory).map_err(|_| needed)?;
        let (mut right, memory) = Pass::split(self.right, rows, memory).map_err(|_| needed)?;
        left.forward(own, x)?;
        right.forward(other, y)?;

        gradient.fill(T::ZERO);
        let (a, da) = left.output_and_gradient();
        let (b, db) = right.output_and_gradient();
        da.fill(T::ZERO);
        db.fill(T::ZERO);
        let limit = T::from_f64(Self::MAX_SCALE).ln();
        let scale = log_scale.min(limit).exp();
        let share = T::ONE / T::from_usize(self.prefixes.len());
        let (mut value, mut by_scale) = (T::ZERO, T::ZERO);
        for &prefix in self.prefixes {
            let vectors = Vectors { a, b, width: self.width(), prefix, groups };
            let (loss, slope) = contrast(&vectors, (scale, share), memory, (&mut *da, &mut *db))?;
            value += share * loss;
            by_scale += slope;
        }
        let needed = TrainError::Length { needed: self.params() };
        let (d_own, rest) = take(gradient, self.left.params()).ok_or(needed)?;
        let (d_other, last) = take(rest, self.right.params()).ok_or(needed)?;
        left.backward(own, x, d_own)?;
        right.backward(other, y, d_other)?;
        last.fill(if log_scale < limit { by_scale * scale } else { T::ZERO });
        Ok(value)
    }
}

/// Vectors of both sides, pair by pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vectors<'a, T> {
    /// Vectors of one side in rows.
    pub a: &'a [T],
    /// Those of the other.
    pub b: &'a [T],
    /// Values in a row.
    pub width: usize,
    /// How many of the first values of a row count.
    pub prefix: usize,
    /// A number for every pair, equal for those that belong together; empty if none do.
    pub groups: &'a [u32],
}

/// Number of values of memory for [`contrast`] of `rows` pairs.
pub const fn contrast_len(width: usize, rows: usize) -> usize {
    // Both sides at length 1 and their gradients, and the logits.
    let sides = width.saturating_mul(rows).saturating_mul(4);
    sides.saturating_add(rows.saturating_mul(rows.saturating_add(4)))
}

/// The symmetric `InfoNCE` loss of pairs and its derivative by the scale. `weight` times the gradients
/// by the vectors is **added** to `da` and `db`, and `weight` times the derivative returned; the loss is
/// without the weight. A vector of zeros has no direction: its cosines are 0, and it gets no gradient.
///
/// # Errors
/// [`TrainError::Length`], [`TrainError::Batch`] without pairs, [`TrainError::Setting`] for a prefix
/// that is none, [`TrainError::MemoryTooSmall`], [`TrainError::Overflow`].
///
/// # Cost
/// `6·rows²·prefix` flops.
pub fn contrast<T: Scalar>(
    vectors: &Vectors<'_, T>,
    (scale, weight): (T, T),
    memory: &mut [T],
    (da, db): (&mut [T], &mut [T]),
) -> Result<(T, T), TrainError> {
    let Vectors { a, b, width, prefix, groups } = *vectors;
    let rows = rows_of(a, width, usize::MAX)?;
    for slice in [b, &*da, &*db] {
        expect_len(slice, a.len())?;
    }
    if !groups.is_empty() {
        expect_len(groups, rows)?;
    }
    if prefix == 0 || prefix > width {
        return Err(TrainError::Setting);
    }
    let short = TrainError::MemoryTooSmall { needed: contrast_len(width, rows) };
    let size = prefix.saturating_mul(rows);
    let (units_a, memory) = take(memory, size).ok_or(short)?;
    let (units_b, memory) = take(memory, size).ok_or(short)?;
    let (toward_a, memory) = take(memory, size).ok_or(short)?;
    let (toward_b, memory) = take(memory, size).ok_or(short)?;
    let (lengths_a, memory) = take(memory, rows).ok_or(short)?;
    let (lengths_b, memory) = take(memory, rows).ok_or(short)?;
    let (largest, memory) = take(memory, rows).ok_or(short)?;
    let (total, memory) = take(memory, rows).ok_or(short)?;
    let (logits, _) = take(memory, rows.saturating_mul(rows)).ok_or(short)?;
    normalize((a, width), (units_a, prefix), lengths_a);
    normalize((b, width), (units_b, prefix), lengths_b);

    // Logits row by row, and the two sums that the softmax of every column needs.
    let half = T::HALF / T::from_usize(rows);
    let mut value = T::ZERO;
    largest.fill(-T::MAX);
    for (i, (row, unit)) in each(logits, rows).zip(each_ref(units_a, prefix)).enumerate() {
        for ((logit, other), largest) in
            row.iter_mut().zip(each_ref(units_b, prefix)).zip(largest.iter_mut())
        {
            *logit = scale * simd::dot(unit, other);
            *largest = largest.max(*logit);
        }
        let right = row.iter().enumerate().filter(|&(j, _)| together(groups, i, j));
        let (sum, count) =
            right.fold((T::ZERO, T::ZERO), |(s, n), (_, &logit)| (s + logit, n + T::ONE));
        let (most, exponentials) = softmax_sum(row);
        // Once for the row and once for the column: the targets are symmetric.
        value += exponentials.ln() + most - T::TWO * sum / count;
    }
    total.fill(T::ZERO);
    for row in each_ref(logits, rows) {
        for ((total, &logit), &largest) in total.iter_mut().zip(row).zip(largest.iter()) {
            *total += (logit - largest).exp();
        }
    }
    for (&total, &largest) in total.iter().zip(largest.iter()) {
        value += total.ln() + largest;
    }

    // In place of the logits the gradient by them, and from it those by the units.
    toward_a.fill(T::ZERO);
    toward_b.fill(T::ZERO);
    let mut slope = T::ZERO;
    for (i, ((row, unit), toward)) in
        each(logits, rows).zip(each_ref(units_a, prefix)).zip(each(toward_a, prefix)).enumerate()
    {
        let (most, exponentials) = softmax_sum(row);
        let partners = (0..rows).filter(|&j| together(groups, i, j)).count();
        let target = T::TWO / T::from_usize(partners.max(1));
        let columns = largest.iter().zip(total.iter());
        let others = each_ref(units_b, prefix).zip(each(toward_b, prefix));
        for (j, ((&logit, (&largest, &total)), (other, toward_other))) in
            row.iter().zip(columns).zip(others).enumerate()
        {
            let by_row = (logit - most).exp() / exponentials;
            let by_column = (logit - largest).exp() / total;
            let wanted = if together(groups, i, j) { target } else { T::ZERO };
            let d = half * weight * (by_row + by_column - wanted);
            slope += d * simd::dot(unit, other);
            simd::axpy(scale * d, other, toward);
            simd::axpy(scale * d, unit, toward_other);
        }
    }
    back_through_length((units_a, lengths_a), (toward_a, prefix), (da, width));
    back_through_length((units_b, lengths_b), (toward_b, prefix), (db, width));
    let value = half * value;
    if value.is_finite() && slope.is_finite() {
        Ok((value, slope))
    } else {
        Err(TrainError::Overflow)
    }
}

/// Whether two pairs count as one.
fn together(groups: &[u32], i: usize, j: usize) -> bool {
    i == j || matches!((groups.get(i), groups.get(j)), (Some(a), Some(b)) if a == b)
}

/// The largest value, and the sum of exponentials of the differences to it.
fn softmax_sum<T: Scalar>(row: &[T]) -> (T, T) {
    let most = row.iter().fold(-T::MAX, |m, &x| m.max(x));
    (most, row.iter().fold(T::ZERO, |sum, &x| sum + (x - most).exp()))
}

/// The first values of rows at length 1; zeros stay zeros.
fn normalize<T: Scalar>(
    (x, width): (&[T], usize),
    (units, prefix): (&mut [T], usize),
    lengths: &mut [T],
) {
    for ((x, unit), length) in each_ref(x, width).zip(each(units, prefix)).zip(lengths) {
        *length = norm(x.get(..prefix).unwrap_or(&[]));
        for (unit, &x) in unit.iter_mut().zip(x) {
            *unit = if *length > T::ZERO { x / *length } else { T::ZERO };
        }
    }
}

/// Adds to `d` the gradient by the vectors, from that by their units: what lies along the unit does not
/// change it.
fn back_through_length<T: Scalar>(
    (units, lengths): (&[T], &[T]),
    (toward, prefix): (&[T], usize),
    (d, width): (&mut [T], usize),
) {
    let sides = each_ref(units, prefix).zip(each_ref(toward, prefix));
    for ((d, (unit, toward)), &length) in each(d, width).zip(sides).zip(lengths) {
        if length > T::ZERO {
            let along = simd::dot(unit, toward);
            for ((d, &unit), &toward) in d.iter_mut().zip(unit).zip(toward) {
                *d += (toward - along * unit) / length;
            }
        }
    }
}

/// Rows of `width` values; without the size hint of `chunks`, which divides.
fn each_ref<T>(rows: &[T], width: usize) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    core::iter::from_fn(move || {
        let (row, after) = rest.split_at_checked(width.max(1))?;
        rest = after;
        Some(row)
    })
}

/// [`each_ref`] to be changed.
fn each<T>(rows: &mut [T], width: usize) -> impl Iterator<Item = &mut [T]> {
    let mut rest = rows;
    core::iter::from_fn(move || {
        let (row, after) = core::mem::take(&mut rest).split_at_mut_checked(width.max(1))?;
        rest = after;
        Some(row)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pairs_match_hand_work() {
        // Units e1, e2 on both sides: the logits are scale times the identity.
        let (a, b) = ([2.0_f64, 0.0, 0.0, 3.0], [1.0, 0.0, 0.0, 0.5]);
        let (mut da, mut db) = ([0.0; 4], [0.0; 4]);
        let mut memory = [0.0; contrast_len(2, 2)];
        let vectors = Vectors { a: &a, b: &b, width: 2, prefix: 2, groups: &[] };
        let (value, slope) =
            contrast(&vectors, (1.0, 1.0), &mut memory, (&mut da, &mut db)).expect("finite");
        // Each of four softmaxes of (1, 0): ln(1 + 1/e).
        let e = core::f64::consts::E;
        assert!((value - (1.0 + 1.0 / e).ln()).abs() < 1e-15);
        // d(−s + ln(eˢ + 1))/ds = −1/(1 + e).
        assert!((slope + 1.0 / (1.0 + e)).abs() < 1e-15);
        // Only what turns a vector counts: away from the other one, by 1/(1 + e)/2 for each of two
        // softmaxes, over the length.
        let off = 0.5 / (1.0 + e);
        assert!((da[1] - off / 2.0).abs() < 1e-15 && da[0].abs() < 1e-15);
        assert!((db[2] - off / 0.5).abs() < 1e-15 && db[3].abs() < 1e-15);
    }

    #[test]
    fn wrong_slices_and_settings_are_refused() {
        let (mut da, mut db, mut memory) = ([0.0_f32; 4], [0.0; 4], [0.0; contrast_len(2, 2)]);
        let good = Vectors { a: &[1.0; 4], b: &[1.0; 4], width: 2, prefix: 2, groups: &[] };
        let mut run = |vectors: Vectors<'_, f32>, memory: &mut [f32]| {
            contrast(&vectors, (1.0, 1.0), memory, (&mut da, &mut db)).map(|_| ())
        };
        assert_eq!(run(good, &mut memory), Ok(()));
        assert_eq!(run(Vectors { prefix: 3, ..good }, &mut memory), Err(TrainError::Setting));
        assert_eq!(run(Vectors { prefix: 0, ..good }, &mut memory), Err(TrainError::Setting));
        assert_eq!(run(Vectors { a: &[], ..good }, &mut memory), Err(TrainError::Batch));
        let length = Err(TrainError::Length { needed: 2 });
        assert_eq!(run(Vectors { groups: &[1], ..good }, &mut memory), length);
        let short = Err(TrainError::MemoryTooSmall { needed: contrast_len(2, 2) });
        assert_eq!(run(good, &mut []), short);
    }
}
