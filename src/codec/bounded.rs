//! Bounded mode: every value comes back within its channel's epsilon.
//!
//! Each value is snapped to its lattice, predicted from its channel's past, and the residual is
//! coded against contexts chosen by the running mean of the channel's residuals. A value without
//! a count (beyond the range, or finer than its float resolves) is an escape: its raw bits.

use super::entropy::{BitCoder, Decoder, ESCAPE, integer, plain_bits, sign_context};
use super::model::{Channel, Model};
use super::{Sample, Slot};

/// Codes a window row by row; `false` if a value needs an escape and there are none, or if the
/// coder has no room left.
pub(super) fn encode<S: Sample, C: BitCoder>(
    coder: &mut C,
    model: &Model<'_>,
    window: &[S],
    slots: &mut [Slot],
    escapes: bool,
) -> bool {
    start(model, slots);
    for (row, samples) in window.chunks_exact(model.channels().max(1)).enumerate() {
        for ((&x, channel), slot) in samples.iter().zip(model.channel_list::<S>()).zip(&mut *slots)
        {
            let count = channel.lattice.snap(x);
            if count.is_none() && !escapes {
                return false;
            }
            code_value(coder, &channel, slot, row, escapes, (count, x));
        }
        if coder.is_spent() {
            return false;
        }
    }
    true
}

/// Fills `out` row by row; `false` if the stream ends early.
pub(super) fn decode<S: Sample>(
    decoder: &mut Decoder<'_>,
    model: &Model<'_>,
    out: &mut [S],
    slots: &mut [Slot],
    escapes: bool,
) -> bool {
    start(model, slots);
    for (row, samples) in out.chunks_exact_mut(model.channels().max(1)).enumerate() {
        for ((x, channel), slot) in
            samples.iter_mut().zip(model.channel_list::<S>()).zip(&mut *slots)
        {
            *x = code_value(decoder, &channel, slot, row, escapes, (Some(0), S::default()));
        }
        if decoder.is_spent() {
            return false;
        }
    }
    true
}

fn start(model: &Model<'_>, slots: &mut [Slot]) {
    for (slot, predictor) in slots.iter_mut().zip(model.predictors()) {
        *slot = Slot::start(&predictor);
    }
}

/// One value: `sample` is its count, if any, and the value itself; the result is what the
/// decoder sees.
#[inline(always)]
fn code_value<S: Sample, C: BitCoder>(
    coder: &mut C,
    channel: &Channel<S>,
    slot: &mut Slot,
    row: usize,
    escapes: bool,
    (count, x): (Option<i32>, S),
) -> S {
    if escapes && coder.bit(ESCAPE, count.is_none()) {
        slot.skip(&channel.predictor, row);
        return S::from_raw(plain_bits(coder, x.to_raw(), S::KIND.bits()));
    }
    let predicted = slot.predict();
    let residual = count.unwrap_or(0).wrapping_sub(predicted);
    let sign = sign_context(slot.residual, slot.level);
    let residual = integer(coder, slot.level.scale(), sign, residual);
    let count = predicted.wrapping_add(residual);
    slot.push(&channel.predictor, row, count, residual);
    channel.lattice.restore(count)
}
