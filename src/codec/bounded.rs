//! Bounded mode: every value comes back within its channel's epsilon.
//!
//! Each value is snapped to its lattice, predicted from the past and from the channels before it,
//! and the residual is coded in contexts chosen by three things: the running mean of the channel's
//! residuals, how surprising the channels before it in the row were, and where between two counts
//! the prediction lies. A value without a count (beyond the range, or finer than its float
//! resolves) is an escape: its raw bits.

use super::entropy::{
    BitCoder, ESCAPE, Expectation, LEVEL_BITS, Level, half_octaves, integer, plain_bits,
};
use super::model::{Model, Record};
use super::predict::predict;
use super::{Sample, Slot};

/// A residual is about as large as expected when it is half an octave below the mean magnitude.
const TYPICAL: i32 = 1;
/// Bounds and fraction bits of the surprise of one value, in half octaves.
const MAX_SURPRISE: i32 = 6;
const SURPRISE_BITS: u32 = 5;

/// Rows coded so far since the start of a stretch.
pub(super) type Row = usize;

/// Whether a value of the window has no count.
pub(super) fn needs_escapes<S: Sample>(model: &Model<'_>, window: &[S]) -> bool {
    let rows = window.chunks_exact(model.channels().max(1));
    let mut rows = rows.map(|row| row.iter().zip(model.channel_records::<S>()));
    rows.any(|mut row| row.any(|(&x, channel)| channel.lattice().snap(x).is_none()))
}

/// Codes a window whose first row is number `start` of its stretch; `false` if a value needs an
/// escape and there are none, or if the coder has no room left.
pub(super) fn encode<S: Sample, C: BitCoder>(
    coder: &mut C,
    model: &Model<'_>,
    window: &[S],
    slots: &mut [Slot],
    start: Row,
    escapes: bool,
) -> bool {
    for (row, samples) in (start..).zip(window.chunks_exact(model.channels().max(1))) {
        let mut surprise = 0;
        for (index, (&x, channel)) in samples.iter().zip(model.channel_records::<S>()).enumerate() {
            let count = channel.lattice().snap(x);
            if count.is_none() && !escapes {
                return false;
            }
            let place = Place { slots, index, row, surprise: &mut surprise };
            code_value(coder, &channel, place, escapes, (count, x));
        }
        if coder.is_spent() {
            return false;
        }
    }
    true
}

/// Fills `out` row by row; `false` if the stream ends early.
pub(super) fn decode<S: Sample, C: BitCoder>(
    decoder: &mut C,
    model: &Model<'_>,
    out: &mut [S],
    slots: &mut [Slot],
    start: Row,
    escapes: bool,
) -> bool {
    for (row, samples) in (start..).zip(out.chunks_exact_mut(model.channels().max(1))) {
        let mut surprise = 0;
        for (index, (x, channel)) in
            samples.iter_mut().zip(model.channel_records::<S>()).enumerate()
        {
            let place = Place { slots, index, row, surprise: &mut surprise };
            *x = code_value(decoder, &channel, place, escapes, (Some(0), S::default()));
        }
        if decoder.is_spent() {
            return false;
        }
    }
    true
}

/// Puts the slots into their state before the first row of a stretch.
pub(super) fn start<S: Sample>(model: &Model<'_>, slots: &mut [Slot]) {
    for (slot, channel) in slots.iter_mut().zip(model.channel_records::<S>()) {
        *slot = Slot::start(channel.spread());
    }
}

/// Where a value stands.
struct Place<'p> {
    slots: &'p mut [Slot],
    index: usize,
    row: Row,
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
    escapes: bool,
    (count, x): (Option<i32>, S),
) -> S {
    const ONE: i64 = 1 << LEVEL_BITS;
    let Place { slots, index, row, surprise } = place;
    let first = row == 0;
    let mean = channel.mean();
    let predicted = predict(slots, channel.terms(first), mean, row);
    let Some(slot) = slots.get_mut(index) else {
        return x;
    };
    let restart = if first { Some(Level::new(channel.scale())) } else { None };
    if escapes && coder.bit(ESCAPE, count.is_none()) {
        slot.level = restart.unwrap_or(slot.level);
        slot.hold(row, first);
        return S::from_raw(plain_bits(coder, x.to_raw(), S::KIND.bits()));
    }

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
    let residual = mirror(count.unwrap_or(0).wrapping_sub(base));
    let residual = mirror(integer(coder, expected, residual));
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
    slot.push(row, first, count.wrapping_sub(mean));
    channel.lattice().restore(count)
}

/// What a surprise adds to an expected magnitude, in half octaves: half of it.
#[inline(always)]
fn surprise_steps(surprise: i32) -> i32 {
    ((surprise + (1 << SURPRISE_BITS)) >> (SURPRISE_BITS + 1)).clamp(-2, 3)
}
