//! Binary range coder with adaptive contexts, and the coding of signed integers on top of it.
//!
//! One [`BitCoder`] trait serves encoder, decoder and the statistics of the fit: the routine that
//! codes a symbol is written once, gives its bits to the coder and goes on with the bits that the
//! coder returns (the encoder returns what it was given, the decoder what it read). So the three
//! cannot drift apart. All arithmetic is on integers of 32 bits.
//!
//! Source: Martin, "Range encoding" (1979); binary form with carry as in LZMA; contexts as in
//! Howard & Vitter, "Practical implementations of arithmetic coding" (1992).

/// Number of adaptive contexts; a model holds one prior for each.
pub const CONTEXTS: usize = ESCAPE as usize + 1;

/// Levels of expected magnitude that have contexts of their own.
const BUCKETS: u32 = 16;
/// Steps of the unary class code that have contexts of their own.
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
/// Context of the flag before each value of a frame with escapes.
pub(crate) const ESCAPE: u32 = SIGN + 9;

/// Longest part of a value that goes into the coder at once without a context.
const BYPASS_BITS: u32 = 16;
/// Below this the range is widened by a byte.
const RENORMALIZE: u32 = 1 << 24;

/// Where the bits of a symbol go to or come from.
pub(crate) trait BitCoder {
    /// Codes one bit in a context and returns it; a decoder ignores `bit`.
    fn bit(&mut self, context: u32, bit: bool) -> bool;
    /// Codes the low `count` ≤ 16 bits of `value` as equally likely and returns them.
    fn equal_bits(&mut self, value: u32, count: u32) -> u32;
    /// Whether going on is pointless: the output is full or the input long at its end.
    fn is_spent(&self) -> bool;
}

/// Codes the low `count` ≤ 64 bits of `value` as equally likely and returns them.
pub(crate) fn plain_bits<C: BitCoder>(coder: &mut C, value: u64, count: u32) -> u64 {
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
    rate: u32,
}

impl Contexts {
    pub(crate) const NEW: Self = Self { ones_q16: [1 << 15; CONTEXTS], rate: 0 };

    /// Contexts that start from a model's priors and move by 2^−rate of the way per bit.
    #[inline(always)]
    pub(crate) fn new(priors: impl Iterator<Item = u16>, rate: u8) -> Self {
        let mut ones_q16 = [1 << 15; CONTEXTS];
        for (p, prior) in ones_q16.iter_mut().zip(priors) {
            *p = prior;
        }
        Self { ones_q16, rate: u32::from(rate) & 15 }
    }

    /// Share of `range` for a one, strictly between nothing and all.
    #[inline(always)]
    fn split(&self, context: u32, range: u32) -> u32 {
        let p = self.ones_q16.get(context as usize).copied().unwrap_or(1 << 15);
        (range >> 15).wrapping_mul(u32::from(p >> 1).max(1))
    }

    #[inline(always)]
    fn update(&mut self, context: u32, bit: bool) {
        if let Some(p) = self.ones_q16.get_mut(context as usize) {
            if bit {
                *p += (u16::MAX - *p) >> self.rate;
            } else {
                *p -= *p >> self.rate;
            }
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
}

impl<'a> Encoder<'a> {
    #[inline(always)]
    pub(crate) fn new(out: &'a mut [u8], contexts: &'a mut Contexts) -> Self {
        Self { out, len: 0, low: 0, range: u32::MAX, full: false, contexts }
    }

    /// Ends the stream with as few bytes as tell it apart; its length, `None` if it did not fit.
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
            for byte in self.out.iter_mut().take(self.len).rev() {
                *byte = byte.wrapping_add(1);
                if *byte != 0 {
                    break;
                }
            }
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

    #[inline(always)]
    fn renormalize(&mut self) {
        while self.range < RENORMALIZE {
            self.shift_out();
            self.range <<= 8;
        }
    }
}

impl BitCoder for Encoder<'_> {
    #[inline(always)]
    fn bit(&mut self, context: u32, bit: bool) -> bool {
        let ones = self.contexts.split(context, self.range);
        if bit {
            self.range = ones;
        } else {
            self.advance(ones);
            self.range -= ones;
        }
        self.contexts.update(context, bit);
        self.renormalize();
        bit
    }

    #[inline(always)]
    fn equal_bits(&mut self, value: u32, count: u32) -> u32 {
        self.range >>= count & 31;
        self.advance(self.range.wrapping_mul(value));
        self.renormalize();
        value
    }

    #[inline(always)]
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
}

impl<'a> Decoder<'a> {
    #[inline(always)]
    pub(crate) fn new(bytes: &'a [u8], contexts: &'a mut Contexts) -> Self {
        let mut decoder =
            Self { bytes: bytes.iter(), missing: 0, code: 0, range: u32::MAX, contexts };
        for _ in 0..4 {
            decoder.shift_in();
        }
        decoder
    }

    /// Whether the symbols so far have used exactly the bytes of a finished stream.
    ///
    /// The encoder shifts out as often as the decoder shifts in after its first four bytes, and
    /// then writes one more byte or none.
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

    #[inline(always)]
    fn renormalize(&mut self) {
        while self.range < RENORMALIZE {
            self.shift_in();
            self.range <<= 8;
        }
    }
}

impl BitCoder for Decoder<'_> {
    #[inline(always)]
    fn bit(&mut self, context: u32, _: bool) -> bool {
        let ones = self.contexts.split(context, self.range);
        let bit = self.code < ones;
        if bit {
            self.range = ones;
        } else {
            self.code = self.code.wrapping_sub(ones);
            self.range -= ones;
        }
        self.contexts.update(context, bit);
        self.renormalize();
        bit
    }

    #[inline(always)]
    fn equal_bits(&mut self, _: u32, count: u32) -> u32 {
        self.range >>= count & 31;
        let top = (1_u32 << (count & 31)) - 1;
        let value = (self.code / self.range.max(1)).min(top);
        self.code = self.code.wrapping_sub(self.range.wrapping_mul(value));
        self.renormalize();
        value
    }

    #[inline(always)]
    fn is_spent(&self) -> bool {
        self.missing > 4
    }
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
    let octave = magnitude.checked_ilog2().unwrap_or(0);
    let half = magnitude >> (octave.wrapping_sub(1) & 31) & 1;
    (2 * octave + half).saturating_sub(2 * TINY).cast_signed()
}

/// Moves `from` by 2^−rate of the way to `to`, never stopping short below it.
#[inline(always)]
fn approach(from: u32, to: u32, rate: u32) -> u32 {
    if to >= from { from + ((to - from) >> rate) } else { from - (from - to).div_ceil(1 << rate) }
}

/// What is expected of the next value: which contexts to use, and how many low bits are noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expectation {
    /// Row of class contexts, below [`BUCKETS`].
    bucket: u32,
    /// Low bits that are sent as they are.
    shift: u32,
    /// How far the prediction lies from a count: 0 next to it, 2 near the middle.
    phase: u32,
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
        Self { bucket: row - 2 * excess, shift: excess, phase: 0, sign: SIGN }
    }

    /// With `fraction` (up to 128) of 256 between the nearest count and the prediction, and the
    /// sign of the residual before, seen from the side the prediction lies on.
    #[inline(always)]
    pub(crate) fn between(self, fraction: u32, before: i32) -> Self {
        let phase = u32::from(fraction >= 26) + u32::from(fraction >= 70);
        let sign = SIGN + phase * 3 + if before == 0 { 0 } else { 1 + u32::from(before < 0) };
        Self { phase, sign, ..self }
    }

    /// Context of the step from `class` to the next.
    #[inline(always)]
    fn class(&self, class: u32) -> u32 {
        if class < 2 && self.phase > 0 && self.bucket < PHASED_BUCKETS {
            PHASED + (self.bucket * 2 + self.phase - 1) * 2 + class
        } else {
            self.bucket * CLASSES + class.min(CLASSES - 1)
        }
    }
}

/// Codes a signed integer of about the expected magnitude and returns it.
///
/// The magnitude without its lowest `shift` bits is sent as the class (0 for zero, else the
/// number of its bits) in unary, then the bits below the leading one, the first two in
/// contexts; then the low bits, then the sign if there is one to send.
#[inline(always)]
pub(crate) fn integer<C: BitCoder>(coder: &mut C, expected: Expectation, value: i32) -> i32 {
    let shift = expected.shift;
    let magnitude = value.unsigned_abs();
    let head = magnitude >> (shift & 31);
    let target = 32 - head.leading_zeros();
    let mut class = 0;
    while class < 32 - shift {
        if !coder.bit(expected.class(class), class < target) {
            break;
        }
        class += 1;
    }

    let mut coded_head = u32::from(class > 0);
    let mut below = class.saturating_sub(1);
    let row = class.saturating_sub(2).min(MANTISSA_CLASSES - 1);
    let mut node = MANTISSA + row * MANTISSA_NODES;
    for step in 0..2 {
        if below == 0 {
            break;
        }
        below -= 1;
        let bit = coder.bit(node, head >> below & 1 != 0);
        coded_head = coded_head << 1 | u32::from(bit);
        node += if step == 0 { 1 + u32::from(bit) } else { 0 };
    }
    let rest = below + shift;
    let mut coded = coded_head;
    if rest > 0 {
        let mask = u32::MAX >> (32 - rest.min(32));
        let low = plain_bits(coder, u64::from(magnitude & mask), rest);
        #[expect(clippy::cast_possible_truncation, reason = "at most 31 bits")]
        let low = low as u32;
        coded = coded_head.checked_shl(rest).unwrap_or(0) | low;
    }

    if coded != 0 && coder.bit(expected.sign, value < 0) {
        coded.wrapping_neg().cast_signed()
    } else {
        coded.cast_signed()
    }
}
