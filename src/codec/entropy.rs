//! Binary range coder with adaptive contexts, and the coding of signed integers on top of it.
//!
//! One [`BitCoder`] trait serves encoder, decoder and the statistics of the fit: the routine that
//! codes a symbol is written once, gives its bits to the coder and goes on with the bits that the
//! coder returns (the encoder returns what it was given, the decoder what it read). So the three
//! cannot drift apart. All arithmetic is on integers of 32 bits. Each of the three has its own copy of
//! that routine with everything inlined, but on Armv6-M, where flash is short: there they share one and
//! are told apart at run time, see [`shared`].
//!
//! Source: Martin, "Range encoding" (1979); binary form with carry as in LZMA; contexts as in
//! Howard & Vitter, "Practical implementations of arithmetic coding" (1992).

use super::model::Model;

/// Number of adaptive contexts; a model holds one prior for each.
pub const CONTEXTS: usize = SIGN as usize + 9;

/// Levels of expected magnitude that have contexts of their own.
const BUCKETS: u32 = 16;
/// Steps of the class code that have contexts of their own.
const CLASSES: u32 = 8;
/// First context of the first two class steps where the prediction lies between two counts.
const PHASED: u32 = BUCKETS * CLASSES;
/// Levels below which the phase matters.
const PHASED_BUCKETS: u32 = 10;
/// First context of the bits after the leading one.
const MANTISSA: u32 = PHASED + PHASED_BUCKETS * 4;
/// Contexts per class for the two bits after the leading one.
const MANTISSA_NODES: u32 = 3;
/// Classes with such contexts of their own, from the one with one bit.
const MANTISSA_CLASSES: u32 = 6;
/// First of nine contexts of the sign.
const SIGN: u32 = MANTISSA + MANTISSA_CLASSES * MANTISSA_NODES;

/// Longest part of a value that goes into the coder at once without a context.
const BYPASS_BITS: u32 = 16;
/// Below this the range is widened by a byte.
const RENORMALIZE: u32 = 1 << 24;

/// Where the bits of a symbol go to or come from.
pub(crate) trait BitCoder {
    /// Whether the bits are given, so that there is something to choose.
    fn encodes(&self) -> bool;
    /// Codes one bit in a context and returns it; a decoder ignores `bit`.
    fn bit(&mut self, context: u32, bit: bool) -> bool;
    /// Codes the low `count` ≤ 16 bits of `value` as equally likely and returns them.
    fn equal_bits(&mut self, value: u32, count: u32) -> u32;
    /// About what an integer would take now, in units of 2^−8 bits; a decoder has no use for it.
    fn price(&self, expected: &Expectation, value: i32) -> u32;
    /// Whether going on is pointless: the output is full or the input long at its end.
    fn is_spent(&self) -> bool;
}

/// A coder as the routines that code symbols take it: any of them on Armv6-M, so that there is one copy
/// of those.
#[cfg(all(target_arch = "arm", not(target_has_atomic = "32")))]
pub(crate) fn shared<'c>(coder: &'c mut (impl BitCoder + 'c)) -> &'c mut (dyn BitCoder + 'c) {
    coder
}

/// A coder as the routines that code symbols take it: itself elsewhere.
#[cfg(not(all(target_arch = "arm", not(target_has_atomic = "32"))))]
#[inline(always)]
pub(crate) fn shared<C: BitCoder>(coder: &mut C) -> &mut C {
    coder
}

/// Codes the low `count` ≤ 64 bits of `value` as equally likely and returns them.
pub(crate) fn plain_bits<C: BitCoder + ?Sized>(coder: &mut C, value: u64, count: u32) -> u64 {
    let mut coded = 0;
    let mut left = count;
    while left > 0 {
        let part = left.min(BYPASS_BITS);
        left -= part;
        #[expect(clippy::cast_possible_truncation, reason = "only the low 16 bits are taken")]
        let bits = coder.equal_bits((value >> left) as u32 & ((1 << part) - 1), part);
        coded = coded << part | u64::from(bits);
    }
    coded
}

/// Probabilities that the bit of a context is one, in units of 2^−16.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contexts {
    ones_q16: [u16; CONTEXTS],
}

impl Contexts {
    /// Not to be coded with before [`Contexts::start`]. Of zeros, which take no table.
    pub(super) const NONE: Self = Self { ones_q16: [0; CONTEXTS] };

    /// Starts from a model's priors, none of them below 2.
    pub(crate) fn start(&mut self, model: &Model<'_>) {
        model.fill_priors(&mut self.ones_q16);
    }

    /// About what an integer takes, in units of 2^−8 bits.
    pub(crate) fn price(&self, expected: &Expectation, value: i32) -> u32 {
        let mut price = Price { contexts: self, bits_q8: 0 };
        integer(shared(&mut price), expected, Some(value));
        price.bits_q8
    }
}

/// The share of `range` that the ones of a context get, strictly between nothing and all; the
/// probability moves by 2^−rate of the way to the bit that `coded` finds with it.
#[inline(always)]
fn code_bit(
    contexts: &mut Contexts,
    context: u32,
    range: u32,
    rate: u32,
    coded: impl FnOnce(u32) -> bool,
) -> bool {
    let mut none = 1 << 15;
    let p = contexts.ones_q16.get_mut(context as usize).unwrap_or(&mut none);
    let bit = coded((range >> 15).wrapping_mul(u32::from(*p >> 1)));
    // Towards one is towards zero seen from the other side.
    let mirror = if bit { u16::MAX } else { 0 };
    let from = *p ^ mirror;
    *p = from.wrapping_sub(from >> (rate & 15)) ^ mirror;
    bit
}

/// To the number whose last digit is the last byte.
#[cold]
#[inline(never)]
fn add_one(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
}

/// Range encoder into a slice.
#[derive(Debug)]
pub(crate) struct Encoder<'a> {
    out: &'a mut [u8],
    len: usize,
    low: u32,
    range: u32,
    full: bool,
    contexts: &'a mut Contexts,
    rate: u32,
}

impl<'a> Encoder<'a> {
    #[inline(always)]
    pub(crate) fn new(out: &'a mut [u8], contexts: &'a mut Contexts, rate: u8) -> Self {
        let rate = u32::from(rate);
        Self { out, len: 0, low: 0, range: u32::MAX, full: false, contexts, rate }
    }

    /// Ends the stream with as few bytes as tell it apart; its length, `None` if it did not fit.
    #[cfg_attr(all(target_arch = "arm", not(target_has_atomic = "32")), inline(never))]
    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    pub(crate) fn finish(mut self) -> Option<usize> {
        // The decoder reads zeros behind the end, so find a number with many of them in
        // [low, low + range): a carry alone if it reaches the next 2^32, else one byte, since the
        // range is at least 2^24.
        if self.low != 0 {
            let to_carry = self.low.wrapping_neg();
            if to_carry < self.range {
                self.advance(to_carry);
            } else {
                self.advance((RENORMALIZE - 1) & to_carry);
                self.shift_out();
            }
        }
        (!self.full).then_some(self.len)
    }

    /// Moves the low end up, carrying into the bytes already written.
    #[inline(always)]
    fn advance(&mut self, by: u32) {
        let (low, carry) = self.low.overflowing_add(by);
        self.low = low;
        if carry {
            add_one(self.out.get_mut(..self.len).unwrap_or_default());
        }
    }

    #[inline(always)]
    fn shift_out(&mut self) {
        let [byte, ..] = self.low.to_be_bytes();
        match self.out.get_mut(self.len) {
            Some(slot) => {
                *slot = byte;
                self.len += 1;
            }
            None => self.full = true,
        }
        self.low <<= 8;
    }

    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    fn renormalize(&mut self) {
        while self.range < RENORMALIZE {
            self.shift_out();
            self.range <<= 8;
        }
    }
}

impl BitCoder for Encoder<'_> {
    #[inline(always)]
    fn encodes(&self) -> bool {
        true
    }

    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    fn bit(&mut self, context: u32, bit: bool) -> bool {
        let mut ones = 0;
        code_bit(self.contexts, context, self.range, self.rate, |share| {
            ones = share;
            bit
        });
        if bit {
            self.range = ones;
        } else {
            self.advance(ones);
            self.range -= ones;
        }
        self.renormalize();
        bit
    }

    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    fn equal_bits(&mut self, value: u32, count: u32) -> u32 {
        self.range >>= count & 31;
        self.advance(self.range.wrapping_mul(value));
        self.renormalize();
        value
    }

    fn price(&self, expected: &Expectation, value: i32) -> u32 {
        self.contexts.price(expected, value)
    }

    fn is_spent(&self) -> bool {
        self.full
    }
}

/// Range decoder of a slice. Any bytes decode to some symbols; [`Decoder::is_exact`] tells
/// whether they were a whole stream.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    bytes: core::slice::Iter<'a, u8>,
    /// Bytes read behind the end, as zeros.
    missing: u32,
    code: u32,
    range: u32,
    contexts: &'a mut Contexts,
    rate: u32,
}

impl<'a> Decoder<'a> {
    #[inline(always)]
    pub(crate) fn new(bytes: &'a [u8], contexts: &'a mut Contexts, rate: u8) -> Self {
        let (bytes, rate) = (bytes.iter(), u32::from(rate));
        let mut decoder = Self { bytes, missing: 0, code: 0, range: u32::MAX, contexts, rate };
        for _ in 0..4 {
            decoder.shift_in();
        }
        decoder
    }

    /// Whether the symbols so far have used exactly the bytes of a finished stream.
    ///
    /// The encoder shifts out as often as the decoder shifts in after its first four bytes, and
    /// then writes one more byte or none.
    #[inline(always)]
    pub(crate) fn is_exact(&self) -> bool {
        self.bytes.as_slice().is_empty() && (self.missing == 3 || self.missing == 4)
    }

    #[inline(always)]
    fn shift_in(&mut self) {
        let byte = self.bytes.next().copied().unwrap_or_else(|| {
            self.missing = self.missing.saturating_add(1);
            0
        });
        self.code = self.code << 8 | u32::from(byte);
    }

    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    fn renormalize(&mut self) {
        while self.range < RENORMALIZE {
            self.shift_in();
            self.range <<= 8;
        }
    }
}

impl BitCoder for Decoder<'_> {
    #[inline(always)]
    fn encodes(&self) -> bool {
        false
    }

    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    fn bit(&mut self, context: u32, _: bool) -> bool {
        let (code, mut ones) = (self.code, 0);
        let bit = code_bit(self.contexts, context, self.range, self.rate, |share| {
            ones = share;
            code < share
        });
        if bit {
            self.range = ones;
        } else {
            self.code = code.wrapping_sub(ones);
            self.range -= ones;
        }
        self.renormalize();
        bit
    }

    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    fn equal_bits(&mut self, _: u32, count: u32) -> u32 {
        self.range >>= count & 31;
        let top = (1_u32 << (count & 31)) - 1;
        let value = (self.code / self.range.max(1)).min(top);
        self.code = self.code.wrapping_sub(self.range.wrapping_mul(value));
        self.renormalize();
        value
    }

    fn price(&self, _: &Expectation, _: i32) -> u32 {
        0
    }

    fn is_spent(&self) -> bool {
        self.missing > 4
    }
}

/// Adds up what bits would take, without a trace.
struct Price<'a> {
    contexts: &'a Contexts,
    bits_q8: u32,
}

impl BitCoder for Price<'_> {
    #[inline(always)]
    fn encodes(&self) -> bool {
        true
    }

    fn bit(&mut self, context: u32, bit: bool) -> bool {
        let ones = self.contexts.ones_q16.get(context as usize).copied().unwrap_or(1 << 15);
        let p = u32::from(if bit { ones } else { ones.wrapping_neg() }).max(1);
        let price = (16 << 8) - log2_q8(p);
        self.bits_q8 = self.bits_q8.saturating_add(price);
        bit
    }

    fn equal_bits(&mut self, value: u32, count: u32) -> u32 {
        self.bits_q8 = self.bits_q8.saturating_add(count << 8);
        value
    }

    fn price(&self, _: &Expectation, _: i32) -> u32 {
        0
    }

    fn is_spent(&self) -> bool {
        false
    }
}

/// The logarithm of a positive number with 8 fraction bits, within 0.01.
pub(crate) fn log2_q8(x: u32) -> u32 {
    let whole = x.checked_ilog2().unwrap_or(0);
    // log₂(1 + f) lies above f by about 0.34·f·(1 − f).
    let fraction = x.wrapping_shl(x.leading_zeros()) >> (u32::BITS - 1 - 8) & 255;
    (whole << 8) + fraction + ((fraction * (256 - fraction) * 11) >> 13)
}

/// Fraction bits of a [`Level`], and of a prediction.
pub(crate) const LEVEL_BITS: u32 = 8;
/// Each residual moves the fast mean by half of the way.
const FAST_RATE: u32 = 1;
/// And the slow one by 2^−5.
const SLOW_RATE: u32 = 5;
/// A magnitude counts as at most so many times the slow mean there.
const MAX_LEAP: u32 = 4;
/// Magnitudes count as at most this much in the running mean, fraction bits included.
const MAX_MAGNITUDE: u32 = 1 << 30;

/// Expected magnitude of a channel's next residual, with 8 fraction bits.
///
/// The mean of a fast and a slow running mean: the first follows bursts, the second is less noisy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    fast: u32,
    slow: u32,
}

impl Level {
    pub(crate) const fn new(level: u32) -> Self {
        Self { fast: level, slow: level }
    }

    /// In half octaves.
    #[inline(always)]
    pub(crate) fn half_octaves(self) -> i32 {
        half_octaves((self.fast / 2).saturating_add(self.slow / 2))
    }

    /// Moves towards a magnitude with 8 fraction bits.
    #[inline(always)]
    pub(crate) fn update(&mut self, magnitude: u32) {
        let magnitude = magnitude.min(MAX_MAGNITUDE);
        // One wild value must not make the slow mean useless for hundreds of rows.
        let most = self.slow.saturating_mul(MAX_LEAP).saturating_add(1 << LEVEL_BITS);
        self.fast = approach(self.fast, magnitude, FAST_RATE);
        self.slow = approach(self.slow, magnitude.min(most), SLOW_RATE);
    }
}

/// The logarithm of a magnitude with 8 fraction bits, two to the octave; 0 for next to nothing.
#[inline(always)]
pub(crate) fn half_octaves(magnitude: u32) -> i32 {
    const TINY: u32 = LEVEL_BITS - 5;
    let magnitude = magnitude.saturating_add(1 << TINY);
    let zeros = magnitude.leading_zeros();
    let half = magnitude.wrapping_shl(zeros + 1) >> (u32::BITS - 1);
    (2 * (u32::BITS - 1 - TINY).saturating_sub(zeros) + half).cast_signed()
}

/// Moves `from` by 2^−rate of the way to `to`, rounded down; both are below 2^31.
#[inline(always)]
fn approach(from: u32, to: u32, rate: u32) -> u32 {
    let way = to.wrapping_sub(from).cast_signed() >> (rate & 31);
    from.wrapping_add(way.cast_unsigned())
}

/// What is expected of the next value: which contexts to use, and how many low bits are noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expectation {
    /// First context of the class steps.
    classes: u32,
    /// First context of the first two class steps.
    first_classes: u32,
    /// The class about as likely to be passed as not.
    middle: u32,
    /// Low bits that are sent as they are.
    shift: u32,
    /// Context of the sign.
    sign: u32,
}

impl Expectation {
    /// Of a magnitude in half octaves. Up to a mean magnitude of about 8 all classes have
    /// contexts; above, the distribution only stretches, and so do the low bits sent as they are.
    #[inline(always)]
    pub(crate) fn new(half_octaves: i32) -> Self {
        let row = u32::try_from(half_octaves).unwrap_or(0).min(2 * u32::BITS);
        let excess = row.saturating_sub(BUCKETS - 1).div_ceil(2);
        let bucket = row - 2 * excess;
        let (classes, middle) = (bucket * CLASSES, bucket.saturating_sub(9) / 2);
        Self { classes, first_classes: classes, middle, shift: excess, sign: SIGN }
    }

    /// With `fraction` (up to 128) of 256 between the nearest count and the prediction, and the
    /// sign of the residual before, seen from the side the prediction lies on.
    #[inline(always)]
    pub(crate) fn between(self, fraction: u32, before: i32) -> Self {
        let phase = u32::from(fraction >= 26) + u32::from(fraction >= 70);
        let sign = SIGN + phase * 3 + if before == 0 { 0 } else { 1 + u32::from(before < 0) };
        let phased = PHASED + self.classes / 2 + phase.saturating_sub(1) * 2;
        let matters = phase > 0 && self.classes < PHASED_BUCKETS * CLASSES;
        let first_classes = if matters { phased } else { self.classes };
        Self { first_classes, sign, ..self }
    }

    /// Context of whether the class is above `class`.
    #[inline(always)]
    fn class(&self, class: u32) -> u32 {
        if class < 2 { self.first_classes + class } else { self.classes + class.min(CLASSES - 1) }
    }
}

/// Codes a signed integer of about the expected magnitude, or that there is none, and returns it.
///
/// The magnitude without its lowest `shift` bits is sent as the class (0 for zero, else the
/// number of its bits; one more than there can be for no integer): whether it is above the
/// expected one, and then step by step up or down. Then follow the bits below the leading one,
/// the first two in contexts; then the low bits, then the sign if there is one to send.
#[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
pub(crate) fn integer<C: BitCoder + ?Sized>(
    coder: &mut C,
    expected: &Expectation,
    value: Option<i32>,
) -> Option<i32> {
    let shift = expected.shift;
    let most = u32::BITS - shift;
    let value_or_zero = value.unwrap_or(0);
    let magnitude = value_or_zero.unsigned_abs();
    let head = magnitude >> (shift & 31);
    let target = if value.is_none() { most + 1 } else { u32::BITS - head.leading_zeros() };
    let mut class = expected.middle;
    if coder.bit(expected.class(class), class < target) {
        class += 1;
        while coder.bit(expected.class(class), class < target) {
            class += 1;
            if class > most {
                return None;
            }
        }
    } else {
        while class > 0 && !coder.bit(expected.class(class - 1), class - 1 < target) {
            class -= 1;
        }
    }

    let mut coded = u32::from(class > 0);
    let mut below = class.saturating_sub(1);
    let row = class.saturating_sub(2).min(MANTISSA_CLASSES - 1);
    let mut node = MANTISSA + row * MANTISSA_NODES;
    for step in 0..2 {
        if below == 0 {
            break;
        }
        below -= 1;
        let bit = coder.bit(node, head >> below & 1 != 0);
        coded = coded << 1 | u32::from(bit);
        node += if step == 0 { 1 + u32::from(bit) } else { 0 };
    }
    let mut rest = below + shift;
    while rest > 0 {
        let part = rest.min(BYPASS_BITS);
        rest -= part;
        let mask = (1 << part) - 1;
        coded = coded << part | coder.equal_bits(magnitude >> rest & mask, part);
    }

    let negative = coded != 0 && coder.bit(expected.sign, value_or_zero < 0);
    Some(if negative { coded.wrapping_neg() } else { coded }.cast_signed())
}
