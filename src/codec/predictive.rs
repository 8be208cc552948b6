//! Predictive coding: every value within its channel's epsilon, or a window within a mean-square
//! budget for the fewest bits.
//!
//! Each value is snapped to its lattice, predicted from the past and from the channels before it,
//! and the residual is coded in contexts chosen by three things: the running mean of the channel's
//! residuals, how surprising the channels before it in the row were, and where between two counts
//! the prediction lies. A value without a count (beyond the range, or finer than its float
//! resolves) is an escape: its raw bits follow.
//!
//! Under a budget the encoder may take a count nearer to the prediction than the nearest one: the
//! one with the least error² + tradeoff·bits (Lagrange's multiplier; Ortega & Ramchandran,
//! "Rate-distortion methods for image and video compression", 1998). The decoder is the same.

use super::entropy::{BitCoder, Expectation, LEVEL_BITS, Level, half_octaves, integer, plain_bits};
use super::lattice::Lattice;
use super::model::{Mode, Model, Record};
use super::predict::predict;
use super::{Sample, Slot, rows};

/// A residual is about as large as expected when it is half an octave below the mean magnitude.
const TYPICAL: i32 = 1;
/// Bounds and fraction bits of the surprise of one value, in half octaves.
const MAX_SURPRISE: i32 = 6;
const SURPRISE_BITS: u32 = 5;

/// Largest residual that may be dropped for the bits it takes.
const MAX_DROP: u32 = 2;

/// Under a budget a value that would be off by more than four epsilons is an escape: one between
/// levels that were all there was.
const MAX_ERROR_Q8: u32 = 4 << 8;

/// How a window is coded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Whether a stretch begins with its first row.
    pub(super) fresh: bool,
    /// Whether steps are halved, to keep a budget that whole ones would break.
    pub(super) refined: bool,
    /// What a bit is worth; the decoder need not know.
    pub(super) tradeoff: u32,
}

/// Codes a window. The result is the sum of the squared errors in units of (2^−8 epsilon)², 0 in
/// bounded mode; `None` if the coder has no room left.
#[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
pub(super) fn encode<S: Sample, C: BitCoder + ?Sized>(
    coder: &mut C,
    model: &Model<'_>,
    window: &[S],
    slots: &mut [Slot],
    manner: Manner,
) -> Option<u64> {
    let bounded = model.mode() == Mode::Bounded;
    let mut squares = 0_u64;
    let mut first = manner.fresh;
    for samples in rows(window, model.channels()) {
        let mut surprise = 0;
        for (index, (&x, channel)) in samples.iter().zip(model.channel_records::<S>()).enumerate() {
            let place = Place::new(slots, index, first, &channel, manner.refined);
            let lattice = lattice_of(&channel, manner);
            let off =
                encode_value(coder, place, &mut surprise, &lattice, x, (bounded, manner.tradeoff));
            if off > 0 {
                let off = u64::from(off);
                squares = squares.saturating_add(off.wrapping_mul(off));
            }
        }
        if coder.is_spent() {
            return None;
        }
        first = false;
    }
    Some(squares)
}

/// Codes a value; its error in units of 2^−8 epsilon, 0 in bounded mode.
#[cfg_attr(all(target_arch = "arm", not(target_has_atomic = "32")), inline(never))]
#[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
fn encode_value<S: Sample, C: BitCoder + ?Sized>(
    coder: &mut C,
    place: Place<'_>,
    surprise: &mut i32,
    lattice: &Lattice<S>,
    x: S,
    (bounded, tradeoff): (bool, u32),
) -> u32 {
    let nearest = if bounded { lattice.snap(x) } else { lattice.nearest(x) };
    let off = |count| if bounded { 0 } else { lattice.weighed_error_of(x, count) };
    let errors = Errors { lattice, x, nearest, least: nearest.map_or(0, off) };
    let count = nearest.filter(|_| errors.least <= MAX_ERROR_Q8);
    let choice = Choice { count, tradeoff, errors: &errors };
    let count = code_count(coder, place, surprise, &choice);
    if count.is_none() {
        plain_bits(coder, x.to_raw(), S::KIND.bits());
    }
    match count {
        _ if bounded => 0,
        Some(count) => errors.of(count),
        None => lattice.weighed_error_q8(x, x),
    }
}

/// Fills `out` row by row; `false` if the stream ends early.
#[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
pub(super) fn decode<S: Sample, C: BitCoder + ?Sized>(
    decoder: &mut C,
    model: &Model<'_>,
    out: &mut [S],
    slots: &mut [Slot],
    manner: Manner,
) -> bool {
    let choice = Choice { count: None, tradeoff: 0, errors: &() };
    let mut first = manner.fresh;
    for samples in out.chunks_exact_mut(model.channels().max(1)) {
        let mut surprise = 0;
        for (index, (x, channel)) in
            samples.iter_mut().zip(model.channel_records::<S>()).enumerate()
        {
            let place = Place::new(slots, index, first, &channel, manner.refined);
            *x = match code_count(decoder, place, &mut surprise, &choice) {
                Some(count) => lattice_of(&channel, manner).restore(count),
                None => S::from_raw(plain_bits(decoder, 0, S::KIND.bits())),
            };
        }
        if decoder.is_spent() {
            return false;
        }
        first = false;
    }
    true
}

/// Puts the slots into their state before the first row of a stretch.
pub(super) fn start<S: Sample>(model: &Model<'_>, slots: &mut [Slot]) {
    for (slot, channel) in slots.iter_mut().zip(model.channel_records::<S>()) {
        slot.start(channel.spread());
    }
}

#[inline(always)]
fn lattice_of<S: Sample>(channel: &Record<'_, S>, manner: Manner) -> Lattice<S> {
    if manner.refined { channel.lattice().halved() } else { channel.lattice() }
}

/// Where a value stands, and what the model says of its channel.
struct Place<'p> {
    slots: &'p mut [Slot],
    index: usize,
    /// Whether nothing came before the row.
    first: bool,
    mean: i32,
    scale: u32,
    terms: &'p [u8],
}

impl<'p> Place<'p> {
    #[inline(always)]
    fn new<S: Sample>(
        slots: &'p mut [Slot],
        index: usize,
        first: bool,
        channel: &Record<'p, S>,
        refined: bool,
    ) -> Self {
        // Half the step is twice the count.
        let mean = channel.mean().wrapping_shl(refined.into());
        let (scale, terms) = (channel.scale(), channel.terms(first));
        Self { slots, index, first, mean, scale, terms }
    }
}

/// What an encoder may choose from.
struct Choice<'c> {
    /// The best count, if any will do; a decoder does not look at it.
    count: Option<i32>,
    /// What a bit is worth.
    tradeoff: u32,
    errors: &'c dyn ErrorOf,
}

/// The errors that counts would make.
trait ErrorOf {
    /// In units of 2^−8 epsilon.
    fn of(&self, count: i32) -> u32;
}

/// Nothing to compare with.
impl ErrorOf for () {
    #[inline(always)]
    fn of(&self, _: i32) -> u32 {
        0
    }
}

struct Errors<'e, S: Sample> {
    lattice: &'e Lattice<S>,
    x: S,
    nearest: Option<i32>,
    /// Error of the nearest count, which is the choice mostly.
    least: u32,
}

impl<S: Sample> ErrorOf for Errors<'_, S> {
    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    fn of(&self, count: i32) -> u32 {
        let known = self.nearest == Some(count);
        if known { self.least } else { self.lattice.weighed_error_of(self.x, count) }
    }
}

/// Codes the count of one value and returns it; `None` if plain bits stand for it. `surprise` tells how
/// surprising the channels before it in the row were.
#[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
fn code_count<C: BitCoder + ?Sized>(
    coder: &mut C,
    place: Place<'_>,
    surprise: &mut i32,
    choice: &Choice<'_>,
) -> Option<i32> {
    const ONE: i64 = 1 << LEVEL_BITS;
    let Place { slots, index, first, mean, scale, terms } = place;
    let predicted = predict(slots, terms, mean);
    let slot = slots.get_mut(index)?;

    let nearest = (predicted + ONE / 2) >> LEVEL_BITS;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the prediction is clamped to counts; the fraction is small"
    )]
    let (base, fraction) = (nearest as i32, (predicted - nearest * ONE) as i32);
    // Mirrored so that the prediction lies above the nearest count.
    let mirror = |x: i32| if fraction < 0 { x.wrapping_neg() } else { x };
    let expected_size = slot.level.half_octaves();
    if first {
        slot.level = Level::new(scale);
    }
    let expected = Expectation::new(expected_size + surprise_steps(*surprise))
        .between(fraction.unsigned_abs(), mirror(slot.before));
    let mut residual = choice.count.map(|count| mirror(count.wrapping_sub(base)));
    if let Some(residual) = &mut residual
        && *residual != 0
        && choice.tradeoff > 0
        && coder.encodes()
    {
        let loss = |residual| {
            let error = u64::from(choice.errors.of(base.wrapping_add(mirror(residual))));
            let bits = u64::from(coder.price(&expected, residual));
            (error.wrapping_mul(error)).saturating_add(u64::from(choice.tradeoff) * bits)
        };
        *residual = least(*residual, loss);
    }
    let Some(residual) = integer(coder, &expected, residual).map(mirror) else {
        slot.hold(first);
        return None;
    };
    let count = base.wrapping_add(residual);

    let error = (i64::from(residual) << LEVEL_BITS) - i64::from(fraction);
    let magnitude = u32::try_from(error.unsigned_abs()).unwrap_or(u32::MAX);
    let above =
        (half_octaves(magnitude) - expected_size + TYPICAL).clamp(-MAX_SURPRISE, MAX_SURPRISE);
    let above = above << SURPRISE_BITS;
    *surprise = if index == 0 { above / 2 } else { *surprise + (above - *surprise) / 4 };
    slot.before = if magnitude < 128 {
        0
    } else if error < 0 {
        -1
    } else {
        1
    };
    if !first {
        slot.level.update(magnitude);
    }
    slot.push(first, count.wrapping_sub(mean));
    Some(count)
}

/// Whichever of a residual, its neighbour on the side of zero, and zero loses least.
#[inline(always)]
fn least(residual: i32, loss: impl Fn(i32) -> u64) -> i32 {
    let (mut best, mut least) = (residual, u64::MAX);
    let mut other = residual;
    for step in 0..3 {
        let loss = loss(other);
        if loss < least {
            (best, least) = (other, loss);
        }
        if other == 0 || step > 0 && residual.unsigned_abs() > MAX_DROP {
            break;
        }
        other = if step == 0 { residual.wrapping_sub(residual.signum()) } else { 0 };
    }
    best
}

/// What a surprise adds to an expected magnitude, in half octaves: half of it.
#[inline(always)]
fn surprise_steps(surprise: i32) -> i32 {
    ((surprise + (1 << SURPRISE_BITS)) >> (SURPRISE_BITS + 1)).clamp(-2, 3)
}
