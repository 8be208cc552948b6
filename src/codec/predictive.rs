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
use super::{Sample, Slot};

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
#[inline(always)]
pub(super) fn encode<S: Sample, C: BitCoder>(
    coder: &mut C,
    model: &Model<'_>,
    window: &[S],
    slots: &mut [Slot],
    manner: Manner,
) -> Option<u64> {
    let bounded = model.mode() == Mode::Bounded;
    let mut squares = 0_u64;
    let mut first = manner.fresh;
    for samples in window.chunks_exact(model.channels().max(1)) {
        let mut surprise = 0;
        for (index, (&x, channel)) in samples.iter().zip(model.channel_records::<S>()).enumerate() {
            let lattice = lattice_of(&channel, manner);
            let count = if bounded {
                lattice.snap(x)
            } else {
                let near = |&count: &i32| {
                    lattice.weighed_error_q8(x, lattice.restore(count)) <= MAX_ERROR_Q8
                };
                lattice.nearest(x).filter(near)
            };
            let place = Place { slots, index, first, surprise: &mut surprise };
            let restored = code_value(coder, &channel, place, manner, (count, x));
            if !bounded {
                let error = u64::from(lattice.weighed_error_q8(x, restored));
                squares = squares.saturating_add(error.saturating_mul(error));
            }
        }
        if coder.is_spent() {
            return None;
        }
        first = false;
    }
    Some(squares)
}

/// Fills `out` row by row; `false` if the stream ends early.
#[inline(always)]
pub(super) fn decode<S: Sample, C: BitCoder>(
    decoder: &mut C,
    model: &Model<'_>,
    out: &mut [S],
    slots: &mut [Slot],
    manner: Manner,
) -> bool {
    let mut first = manner.fresh;
    for samples in out.chunks_exact_mut(model.channels().max(1)) {
        let mut surprise = 0;
        for (index, (x, channel)) in
            samples.iter_mut().zip(model.channel_records::<S>()).enumerate()
        {
            let place = Place { slots, index, first, surprise: &mut surprise };
            *x = code_value(decoder, &channel, place, manner, (Some(0), S::default()));
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
        *slot = Slot::start(channel.spread());
    }
}

#[inline(always)]
fn lattice_of<S: Sample>(channel: &Record<'_, S>, manner: Manner) -> Lattice<S> {
    if manner.refined { channel.lattice().halved() } else { channel.lattice() }
}

/// Where a value stands.
struct Place<'p> {
    slots: &'p mut [Slot],
    index: usize,
    /// Whether nothing came before the row.
    first: bool,
    /// How surprising the channels before it were.
    surprise: &'p mut i32,
}

/// One value: `sample` is its count, if any, and the value itself; the result is what the
/// decoder sees.
#[inline(always)]
fn code_value<S: Sample, C: BitCoder>(
    coder: &mut C,
    channel: &Record<'_, S>,
    place: Place<'_>,
    manner: Manner,
    (count, x): (Option<i32>, S),
) -> S {
    const ONE: i64 = 1 << LEVEL_BITS;
    let Place { slots, index, first, surprise } = place;
    // Half the step is twice the count.
    let mean = if manner.refined { channel.mean().wrapping_mul(2) } else { channel.mean() };
    let tradeoff = manner.tradeoff;
    let predicted = predict(slots, channel.terms(first), mean);
    let Some(slot) = slots.get_mut(index) else {
        return x;
    };
    let restart = if first { Some(Level::new(channel.scale())) } else { None };

    let nearest = (predicted + ONE / 2) >> LEVEL_BITS;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the prediction is clamped to counts; the fraction is small"
    )]
    let (base, fraction) = (nearest as i32, (predicted - nearest * ONE) as i32);
    // Mirrored so that the prediction lies above the nearest count.
    let mirror = |x: i32| if fraction < 0 { x.wrapping_neg() } else { x };
    let expected_size = slot.level.half_octaves();
    let expected = Expectation::new(expected_size + surprise_steps(*surprise))
        .between(fraction.unsigned_abs(), mirror(slot.before));
    let lattice = lattice_of(channel, manner);
    let residual = count.map(|count| mirror(count.wrapping_sub(base)));
    let residual = match residual {
        Some(residual) if C::ENCODES && tradeoff > 0 && residual != 0 => {
            let loss = |residual: i32| {
                let restored = lattice.restore(base.wrapping_add(mirror(residual)));
                let error = u64::from(lattice.weighed_error_q8(x, restored));
                let bits = u64::from(coder.price(expected, residual));
                error.saturating_mul(error).saturating_add(u64::from(tradeoff) * bits)
            };
            Some(least(residual, loss))
        }
        residual => residual,
    };
    let Some(residual) = integer(coder, expected, residual).map(mirror) else {
        slot.level = restart.unwrap_or(slot.level);
        slot.hold(first);
        return S::from_raw(plain_bits(coder, x.to_raw(), S::KIND.bits()));
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
    match restart {
        Some(level) => slot.level = level,
        None => slot.level.update(magnitude),
    }
    slot.push(first, count.wrapping_sub(mean));
    lattice.restore(count)
}

/// Whichever of a residual, its neighbour on the side of zero, and zero loses least.
fn least(residual: i32, loss: impl Fn(i32) -> u64) -> i32 {
    let mut best = (loss(residual), residual);
    let mut consider = |other| {
        let loss = loss(other);
        if loss < best.0 {
            best = (loss, other);
        }
    };
    let nearer = residual.wrapping_sub(residual.signum());
    consider(nearer);
    if nearer != 0 && residual.unsigned_abs() <= MAX_DROP {
        consider(0);
    }
    best.1
}

/// What a surprise adds to an expected magnitude, in half octaves: half of it.
#[inline(always)]
fn surprise_steps(surprise: i32) -> i32 {
    ((surprise + (1 << SURPRISE_BITS)) >> (SURPRISE_BITS + 1)).clamp(-2, 3)
}
