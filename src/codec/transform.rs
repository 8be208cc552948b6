//! Transform mode: a window within a root-mean-square budget, by few numbers.
//!
//! The window's counts `u` (less each channel's mean) are projected on the K components of the
//! model, `c = Bᵀu`, the coefficients rounded to one uniform step Δ (the best choice for a
//! mean-square budget: "reverse water-filling"), and the decoder returns `mean + B·(Δ·q)`.
//!
//! The encoder runs the decoder's arithmetic and measures the true error of the window. If it is
//! over the budget, the residuals of all values follow, rounded to the coarsest step that brings
//! it back under; if none does, the window goes plain. So the promise holds for any finite input.
//!
//! Sums over the window are taken value by value as the samples are read, so the working memory
//! is one number per component.

use super::entropy::{BitCoder, Expectation, LEVEL_BITS, Level, half_octaves, integer, plain_bits};
use super::lattice::quotient;
use super::model::{BasisRow, Model, Record};
use super::predict::product;
use super::{Sample, Slot, rows};

/// Fraction bits of the basis.
pub(crate) const BASIS_BITS: u32 = 14;
/// Fraction bits of the coefficients' step.
pub(crate) const STEP_BITS: u32 = 8;
/// Largest |count − mean| that is projected: sums of 2^16 products then fit 64 bits.
const MAX_CENTRED: i32 = 1 << 24;
/// Largest quantised coefficient.
const MAX_COEFFICIENT: i64 = 1 << 30;

/// Weight of the model's expectation against what the coefficients before turned out to be, as a
/// magnitude with 8 fraction bits.
const GAIN_PRIOR: u64 = 4 << LEVEL_BITS;
/// How many coefficients before count, about.
const GAIN_MEMORY: u64 = 8;

/// Number of steps of refinement, half an octave apart, and bits that name one.
const REFINEMENTS: u8 = 31;
const REFINEMENT_BITS: u32 = 5;

/// Step of the residuals that follow the coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refinement(u8);

impl Refinement {
    /// In counts: the powers of √2 from the first, rounded.
    fn step(self) -> i32 {
        /// √2 with 16 fraction bits.
        const SQRT_2: i32 = 92_681;
        let octave = u32::from(self.0 / 2).min(15);
        if self.0 % 2 == 1 { 2 << octave } else { (SQRT_2 + (1 << (15 - octave))) >> (16 - octave) }
    }
}

/// How a window is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Plain,
    Coefficients,
    Refined(Refinement),
}

/// Projects and quantises a window into the slots and finds out how it must be sent.
#[cfg_attr(all(target_arch = "arm", not(target_has_atomic = "32")), inline(never))]
pub(super) fn prepare<S: Sample>(model: &Model<'_>, window: &[S], slots: &mut [Slot]) -> Choice {
    if !project(model, window, slots) || !quantize(model, slots) {
        return Choice::Plain;
    }
    let Some(allowed) = model.allowed_squares(window.len()) else {
        return Choice::Coefficients;
    };
    let keeps = |slots: &mut [Slot], refinement| {
        restore(model, window, slots, refinement, None).is_some_and(|squares| squares <= allowed)
    };
    if keeps(slots, None) {
        return Choice::Coefficients;
    }
    // The error falls with the step, if not quite monotonically: any step that fits will do.
    let mut choice = Choice::Plain;
    let (mut below, mut above) = (0, REFINEMENTS);
    while below < above {
        let middle = below.midpoint(above);
        if keeps(slots, Some(Refinement(middle))) {
            choice = Choice::Refined(Refinement(middle));
            below = middle + 1;
        } else {
            above = middle;
        }
    }
    choice
}

/// Codes what [`prepare`] left in the slots; `false` if the coder has no room left.
pub(super) fn encode<S: Sample>(
    coder: &mut dyn BitCoder,
    model: &Model<'_>,
    window: &[S],
    slots: &mut [Slot],
    refinement: Option<Refinement>,
) -> bool {
    code_coefficients(coder, model, slots);
    if let Some(Refinement(number)) = refinement {
        plain_bits(coder, u64::from(number), REFINEMENT_BITS);
        return restore(model, window, slots, refinement, Some(coder)).is_some();
    }
    !coder.is_spent()
}

/// Fills `out` row by row; `false` if the stream ends early or has a number without a meaning.
pub(super) fn decode<S: Sample, C: BitCoder + ?Sized>(
    decoder: &mut C,
    model: &Model<'_>,
    out: &mut [S],
    slots: &mut [Slot],
    refined: bool,
) -> bool {
    code_coefficients(decoder, model, slots);
    let mut step = 0;
    if refined {
        let number = plain_bits(decoder, 0, REFINEMENT_BITS);
        match u8::try_from(number).ok().filter(|&number| number < REFINEMENTS) {
            Some(number) => step = Refinement(number).step(),
            None => return false,
        }
    }
    let (coefficients, levels) = split(model, slots);
    start_levels(levels);
    let mut basis = model.basis_rows();
    for samples in out.chunks_exact_mut(model.channels().max(1)) {
        let channels = model.channel_records::<S>();
        for (((x, channel), level), row) in
            samples.iter_mut().zip(channels).zip(&mut *levels).zip(&mut basis)
        {
            let mut count = reconstruct(channel.mean(), coefficients, row);
            if refined {
                let residual = code_residual(decoder, level, 0);
                count = count.saturating_add(residual.saturating_mul(step));
            }
            *x = channel.lattice().restore(count);
        }
        if decoder.is_spent() {
            return false;
        }
    }
    true
}

/// The slots of the coefficients and those of the channels.
fn split<'s>(model: &Model<'_>, slots: &'s mut [Slot]) -> (&'s mut [Slot], &'s mut [Slot]) {
    slots.split_at_mut_checked(model.components()).unwrap_or_default()
}

/// `Bᵀu` into the sums of the slots; `false` if a value is too far from its mean.
///
/// A short window is continued by its last row: smooth, and the decoder drops it.
pub(super) fn project<S: Sample>(model: &Model<'_>, window: &[S], slots: &mut [Slot]) -> bool {
    let (coefficients, _) = split(model, slots);
    for slot in &mut *coefficients {
        slot.set_sum(0);
        slot.before = 0;
    }
    let rows = rows(window, model.channels());
    let last = rows.clone().last().unwrap_or(&[]);
    let mut basis = model.basis_rows();
    for samples in rows.chain(core::iter::repeat(last)).take(model.window()) {
        let channels = model.channel_records::<S>();
        for ((&x, channel), row) in samples.iter().zip(channels).zip(&mut basis) {
            let Some(centred) = centred_count(&channel, x) else {
                return false;
            };
            row.for_each(coefficients.iter_mut(), |slot, weight| {
                slot.set_sum(slot.sum().wrapping_add(product(weight, centred)));
            });
        }
    }
    true
}

#[inline(always)]
fn centred_count<S: Sample>(channel: &Record<'_, S>, x: S) -> Option<i32> {
    let centred = channel.lattice().nearest(x)?.checked_sub(channel.mean())?;
    (-MAX_CENTRED..=MAX_CENTRED).contains(&centred).then_some(centred)
}

/// From sums to multiples of the step; `false` if one is out of range.
pub(super) fn quantize(model: &Model<'_>, slots: &mut [Slot]) -> bool {
    let step = i64::from(model.coefficient_step().max(1)) << (BASIS_BITS - STEP_BITS);
    let (coefficients, _) = split(model, slots);
    for (number, slot) in coefficients.iter_mut().enumerate() {
        let code = divide_to_nearest(slot.sum() << model.weight_shift(number), step);
        match i32::try_from(code) {
            Ok(code) if (-MAX_COEFFICIENT..=MAX_COEFFICIENT).contains(&i64::from(code)) => {
                slot.before = code;
                slot.dequantize(model, number);
            }
            _ => return false,
        }
    }
    true
}

#[inline(always)]
fn divide_to_nearest(x: i64, step: i64) -> i64 {
    let step = step.unsigned_abs();
    let magnitude = quotient(x.unsigned_abs().saturating_add(step / 2), step);
    let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
    if x < 0 { -magnitude } else { magnitude }
}

/// What a slot holds in transform mode: the sum of a projection, later the dequantised
/// coefficient, with the shift of its weights, in the place of the past; and the quantised coefficient in that of the last sign.
impl Slot {
    #[inline(always)]
    fn sum(&self) -> i64 {
        let [low, high, ..] = self.past;
        i64::from(high) << 32 | i64::from(low.cast_unsigned())
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "two halves")]
    fn set_sum(&mut self, sum: i64) {
        let [low, high, ..] = &mut self.past;
        (*low, *high) = (sum as i32, (sum >> 32) as i32);
    }

    pub(super) fn coefficient(&self) -> i32 {
        self.before
    }

    fn dequantize(&mut self, model: &Model<'_>, number: usize) {
        let value = i64::from(self.before).wrapping_mul(i64::from(model.coefficient_step()));
        self.set_sum(value << model.weight_shift(number));
    }
}

/// The coefficients from the largest to the smallest. Windows are quiet or lively as a whole, so
/// the expected magnitude of each is the model's times how the ones before turned out.
fn code_coefficients<C: BitCoder + ?Sized>(coder: &mut C, model: &Model<'_>, slots: &mut [Slot]) {
    let (coefficients, _) = split(model, slots);
    let (mut actual, mut expected) = (GAIN_PRIOR, GAIN_PRIOR);
    for ((number, slot), scale) in coefficients.iter_mut().enumerate().zip(model.scales()) {
        let level = quotient(u64::from(scale).saturating_mul(actual), expected);
        let level = u32::try_from(level).unwrap_or(u32::MAX).min(1 << 30);
        let around = Expectation::new(half_octaves(level));
        slot.before = integer(coder, &around, Some(slot.before)).unwrap_or(0);
        slot.dequantize(model, number);
        let magnitude = u64::from(slot.before.unsigned_abs()) << LEVEL_BITS;
        actual = actual - actual / GAIN_MEMORY + magnitude;
        expected = expected - expected / GAIN_MEMORY + u64::from(scale);
    }
}

/// Count of one value as the coefficients give it.
#[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
fn reconstruct(mean: i32, coefficients: &[Slot], row: BasisRow<'_>) -> i32 {
    const SHIFT: u32 = BASIS_BITS + STEP_BITS;
    let mut sum = 0_i64;
    row.for_each(coefficients.iter(), |slot, weight| {
        sum = sum.wrapping_add(slot.sum().wrapping_mul(weight.into()));
    });
    let rounded = sum.wrapping_add(1 << (SHIFT - 1)) >> SHIFT;
    let centred = rounded.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    let centred = centred as i32;
    centred.saturating_add(mean)
}

/// Restores all values as the decoder does, after residuals in steps of the refinement, if any: the sum
/// of squares of the errors in units of 2^−8 step. A coder, where there is one, gets the residuals; `None`
/// if it has no room left.
fn restore<S: Sample>(
    model: &Model<'_>,
    window: &[S],
    slots: &mut [Slot],
    refinement: Option<Refinement>,
    mut coder: Option<&mut dyn BitCoder>,
) -> Option<u64> {
    let (coefficients, levels) = split(model, slots);
    if coder.is_some() {
        start_levels(levels);
    }
    let step = refinement.map(Refinement::step);
    let mut basis = model.basis_rows();
    let mut squares = 0_u64;
    for samples in rows(window, model.channels()) {
        let channels = model.channel_records::<S>();
        for ((number, (&x, channel)), row) in
            samples.iter().zip(channels).enumerate().zip(&mut basis)
        {
            let lattice = channel.lattice();
            let mut count = reconstruct(channel.mean(), coefficients, row);
            if let Some(step) = step {
                let nearest = lattice.nearest(x).unwrap_or(count);
                let off = i64::from(nearest) - i64::from(count);
                let residual = divide_to_nearest(off, step.into());
                let residual = i32::try_from(residual).unwrap_or(0);
                if let (Some(coder), Some(level)) = (&mut coder, levels.get_mut(number)) {
                    code_residual(*coder, level, residual);
                }
                count = count.saturating_add(residual.saturating_mul(step));
            }
            let error = u64::from(lattice.error_q8(x, lattice.restore(count)));
            squares = squares.saturating_add(error.wrapping_mul(error));
        }
        if coder.as_ref().is_some_and(|coder| coder.is_spent()) {
            return None;
        }
    }
    Some(squares)
}

fn start_levels(levels: &mut [Slot]) {
    for slot in levels {
        slot.level = Level::new(1 << (LEVEL_BITS - 1));
    }
}

fn code_residual<C: BitCoder + ?Sized>(coder: &mut C, slot: &mut Slot, residual: i32) -> i32 {
    let expected = Expectation::new(slot.level.half_octaves());
    let residual = integer(coder, &expected, Some(residual)).unwrap_or(0);
    slot.level.update(residual.unsigned_abs().min(1 << 22) << LEVEL_BITS);
    residual
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_refinement_are_the_powers_of_the_root_of_two() {
        for number in 0..REFINEMENTS {
            let power = f64::midpoint(f64::from(number), 1.0).exp2();
            assert!((f64::from(Refinement(number).step()) - power).abs() <= 0.5, "{number}");
        }
    }
}
