//! Prediction of the next count of a channel: a weighted sum of past counts of all channels, and of
//! the counts of earlier channels in the same row.
//!
//! p = mean + Σ wᵢ·(n(cᵢ, t − lagᵢ) − mean(cᵢ)), with weights in fixed point. The first row of a
//! stretch has no past: it is predicted by terms of its own, from earlier channels alone. Until
//! there is enough past the first row stands for the rows before it. All sums wrap, so any counts
//! are fine as long as both sides compute the same.

use super::Slot;
use super::entropy::{LEVEL_BITS, Level};

/// Most terms of one sum.
pub const MAX_TERMS: usize = 16;
/// Most rows that a term looks back.
pub const MAX_LAG: u8 = 7;
/// Fraction bits of a weight.
pub const WEIGHT_BITS: u32 = 12;
/// Rows that are remembered, the current one included.
pub(super) const PAST: usize = MAX_LAG as usize + 1;
/// Bytes of a term in a model.
pub(super) const TERM_BYTES: usize = 4;

/// One summand of a prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Term {
    /// The channel it looks at.
    pub channel: u8,
    /// How many rows ago, up to [`MAX_LAG`]; 0 only of an earlier channel.
    pub lag: u8,
    /// What one count there adds, in units of 2^−12.
    pub weight: i16,
}

impl Term {
    /// In a model: instead of the lag how many counts of that channel have come since, when the
    /// channel of number `own` is predicted.
    pub(super) fn to_bytes(self, own: usize) -> [u8; TERM_BYTES] {
        let [low, high] = self.weight.to_le_bytes();
        let since = self.lag.wrapping_sub(self.not_yet(own));
        [self.channel, since, low, high]
    }

    pub(super) fn from_bytes([channel, since, low, high]: [u8; TERM_BYTES], own: usize) -> Self {
        let term = Self { channel, lag: since, weight: i16::from_le_bytes([low, high]) };
        Self { lag: since.saturating_add(term.not_yet(own)), ..term }
    }

    /// 1 where the channel comes after that of number `own` in the row.
    fn not_yet(self, own: usize) -> u8 {
        u8::from(usize::from(self.channel) >= own)
    }
}

/// Up to [`MAX_TERMS`] summands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Terms {
    list: [Term; MAX_TERMS],
    len: u8,
}

impl Terms {
    /// No summand: the mean is the prediction.
    pub const NONE: Self =
        Self { list: [Term { channel: 0, lag: 0, weight: 0 }; MAX_TERMS], len: 0 };

    /// The summands of a slice; `None` if there are too many.
    pub fn new(terms: &[Term]) -> Option<Self> {
        let mut list = Self::NONE.list;
        list.get_mut(..terms.len())?.iter_mut().zip(terms).for_each(|(to, from)| *to = *from);
        Some(Self { list, len: u8::try_from(terms.len()).ok()? })
    }

    /// The polynomial of degree `order` − 1 through the last `order` counts of `channel`: none,
    /// the last value, the line, the parabola.
    pub fn polynomial(channel: u8, order: u8) -> Self {
        const ONE: i16 = 1 << WEIGHT_BITS;
        let weights: &[i16] = match order {
            0 => &[],
            1 => &[ONE],
            2 => &[2 * ONE, -ONE],
            _ => &[3 * ONE, -3 * ONE, ONE],
        };
        let mut terms = Self::NONE;
        for ((term, &weight), lag) in terms.list.iter_mut().zip(weights).zip(1..) {
            *term = Term { channel, lag, weight };
            terms.len = lag;
        }
        terms
    }

    /// The summands.
    pub fn as_slice(&self) -> &[Term] {
        self.list.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

/// How the counts of one channel are predicted and how large they and their residuals are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Predictor {
    /// Mean count. In transform mode what is taken off before the projection.
    pub mean: i32,
    /// Mean |residual| of a first row with 8 fraction bits.
    pub spread: u32,
    /// Mean |residual| of later rows with 8 fraction bits.
    pub scale: u32,
    /// Summands for a first row, all with lag 0; none in transform mode.
    pub start: Terms,
    /// Summands for later rows; none in transform mode.
    pub terms: Terms,
}

/// Whether this is an Armv6-M, such as a Cortex-M0: it multiplies to 32 bits only and does not divide.
/// (It is the one kind of Arm without compare-and-swap.)
pub(super) const ARMV6M: bool = cfg!(all(target_arch = "arm", not(target_has_atomic = "32")));

/// The product of a weight and a count, without the multiplication of 64 bits by 64 that Armv6-M would call.
#[inline(always)]
pub(super) fn product(weight: i16, count: i32) -> i64 {
    if !ARMV6M {
        return i64::from(weight) * i64::from(count);
    }
    product_of_halves(weight, count)
}

#[inline(always)]
fn product_of_halves(weight: i16, count: i32) -> i64 {
    let (weight, high, low) = (i32::from(weight), count >> 16, count & 0xffff);
    // Both fit: 16 bits times 16.
    (i64::from(weight.wrapping_mul(high)) << 16) + i64::from(weight.wrapping_mul(low))
}

/// The prediction with 8 fraction bits, clamped to the range of counts.
#[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
pub(super) fn predict(slots: &[Slot], terms: &[u8], mean: i32) -> i64 {
    const SHIFT: u32 = WEIGHT_BITS - LEVEL_BITS;
    let (terms, _) = terms.as_chunks::<TERM_BYTES>();
    let mut sum = 0_i64;
    for &[channel, since, low, high] in terms {
        let weight = i16::from_le_bytes([low, high]);
        let slot = slots.get(usize::from(channel));
        let past = slot.and_then(|slot| slot.past.get(usize::from(since) % PAST)).copied();
        let past = past.unwrap_or(0);
        sum = sum.wrapping_add(product(weight, past));
    }
    let around_mean = sum.wrapping_add(1 << (SHIFT - 1)) >> SHIFT;
    let (low, high) = (i64::from(i32::MIN) << LEVEL_BITS, i64::from(i32::MAX) << LEVEL_BITS);
    // Far from the ends of i64: 16 products of 47 bits.
    around_mean.wrapping_add(i64::from(mean) << LEVEL_BITS).clamp(low, high)
}

impl Slot {
    /// Puts a channel into its state before the first count. Its past may stay: the first row looks
    /// at none but its own.
    #[inline(always)]
    pub(super) fn start(&mut self, spread: u32) {
        (self.level, self.before) = (Level::new(spread), 0);
    }

    /// Takes a count less its mean; a `first` one stands for all rows before it too.
    #[inline(always)]
    pub(super) fn push(&mut self, first: bool, centred: i32) {
        if first {
            self.past = [centred; PAST];
        } else {
            let [a, b, c, d, e, f, g, _] = self.past;
            self.past = [centred, a, b, c, d, e, f, g];
        }
    }

    /// Takes a row without a count: the last one is held.
    pub(super) fn hold(&mut self, first: bool) {
        let [last, ..] = self.past;
        self.push(first, if first { 0 } else { last });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_of_halves_is_the_product() {
        for weight in [0, 1, -1, 4096, i16::MAX, i16::MIN] {
            for count in [0, 1, -1, 65_535, 65_536, -65_537, 123_456_789, i32::MAX, i32::MIN] {
                let product = i64::from(weight) * i64::from(count);
                assert_eq!(product_of_halves(weight, count), product, "{weight} {count}");
            }
        }
    }

    #[test]
    fn a_polynomial_of_order_p_is_exact_on_degrees_below_p() {
        for order in 1..=3_u8 {
            let terms = Terms::polynomial(0, order);
            let mut bytes = [0; 3 * TERM_BYTES];
            let places = bytes.chunks_exact_mut(TERM_BYTES);
            for (place, term) in places.zip(terms.as_slice()) {
                place.copy_from_slice(&term.to_bytes(0));
            }
            let bytes = &bytes[..TERM_BYTES * usize::from(order)];
            let mut slots = [Slot::NEW];
            for row in 0..20_usize {
                let t = i32::try_from(row).unwrap_or(0);
                let count = [5, 5 + 3 * t, 5 + 3 * t - 2 * t * t][usize::from(order) - 1];
                if row >= usize::from(order) {
                    assert_eq!(predict(&slots, bytes, 7), i64::from(count) << 8, "{order} {row}");
                }
                slots[0].push(row == 0, count - 7);
            }
        }
    }
}
