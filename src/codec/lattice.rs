//! From samples to integer counts and back: `x̂ = offset + n·step`.
//!
//! Every channel has a lattice of points `offset + n·step`. Coding works on the counts `n`, so
//! everything behind this file is integer arithmetic. In bounded mode the step is twice the
//! promised error (for integers `2ε + 1`) and [`Lattice::snap`] checks each value against the
//! promise *after* the restoring arithmetic has rounded; a value that no count can bring back
//! within the promise is reported, never silently bent.

use core::fmt::Debug;

use super::predict::{ARMV6M, product};
use crate::scalar::Scalar;

/// Fraction bits of the step of an integer lattice: steps are multiples of 2^−16.
const STEP_BITS: u32 = 16;
/// Largest step of an integer lattice: the whole range of `i32` in one step.
const MAX_INTEGER_STEP: i64 = ((1 << 32) + 1) << STEP_BITS;
/// Largest |count| of a float: leaves room for sums and is beyond the digits of `f32`.
const MAX_FLOAT_COUNT: i32 = 1 << 30;

/// Type of the samples a model was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum SampleKind {
    /// 16-bit signed counts.
    I16 = 1,
    /// 32-bit signed counts.
    I32 = 2,
    /// Single precision, the float of small chips.
    F32 = 3,
    /// Double precision, for recordings in decimal text.
    F64 = 4,
}

impl SampleKind {
    /// The kind with this number in a model blob.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::I16),
            2 => Some(Self::I32),
            3 => Some(Self::F32),
            4 => Some(Self::F64),
            _ => None,
        }
    }

    /// Bytes of one plain sample.
    pub const fn bytes(self) -> usize {
        match self {
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Bits of one plain sample.
    pub const fn bits(self) -> u32 {
        match self {
            Self::I16 => 16,
            Self::I32 | Self::F32 => 32,
            Self::F64 => 64,
        }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for i16 {}
    impl Sealed for i32 {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A type of sample the codec takes: `i16`, `i32`, `f32` or `f64`.
///
/// Sealed: the byte format knows these four.
pub trait Sample: sealed::Sealed + Copy + Debug + Default + PartialEq + 'static {
    /// The type of `offset`, `step` and `epsilon`: the float itself, or `i64` for integers.
    #[cfg(not(feature = "defmt"))]
    type Word: Copy + Debug + Default + PartialEq + PartialOrd;
    /// The type of `offset`, `step` and `epsilon`: the float itself, or `i64` for integers.
    #[cfg(feature = "defmt")]
    type Word: Copy + Debug + Default + PartialEq + PartialOrd + defmt::Format;
    /// The number of this type in a model.
    const KIND: SampleKind;

    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// The bit pattern, zero-extended to 64 bits.
    fn to_raw(self) -> u64;
    /// The value of a bit pattern; surplus high bits are dropped.
    fn from_raw(raw: u64) -> Self;
    /// The bit pattern of a lattice word, zero-extended to 64 bits.
    fn word_to_raw(word: Self::Word) -> u64;
    /// The lattice word of a bit pattern; surplus high bits are dropped.
    fn word_from_raw(raw: u64) -> Self::Word;
    /// See [`Lattice::is_valid`].
    fn is_valid(lattice: &Lattice<Self>) -> bool;
    /// See [`Lattice::bounded`].
    fn bounded(offset: f64, epsilon: f64) -> Option<Lattice<Self>>;
    /// See [`Lattice::fine`].
    fn fine(offset: f64, step: f64) -> Option<Lattice<Self>>;
    /// Whether epsilon is positive, without floating-point arithmetic.
    fn has_unit(lattice: &Lattice<Self>) -> bool;
    /// The word of [`Lattice::weighed`] for a unit.
    fn unit(unit: f64) -> Option<Self::Word>;
    /// The lattice with half the step, or next to it.
    fn halved(lattice: &Lattice<Self>) -> Lattice<Self>;
    /// Whether the nearest point of every value that has one is within epsilon of it.
    fn is_exact(lattice: &Lattice<Self>) -> bool;
    /// See [`Lattice::nearest`].
    fn nearest(lattice: &Lattice<Self>, x: Self) -> Option<i32>;
    /// See [`Lattice::restore`].
    fn restore(lattice: &Lattice<Self>, count: i32) -> Self;
    /// See [`Lattice::holds`].
    fn holds(lattice: &Lattice<Self>, x: Self, restored: Self) -> bool;
    /// See [`Lattice::error_q8`].
    fn error_q8(lattice: &Lattice<Self>, x: Self, restored: Self) -> u32;
}

/// The points `offset + n·step` of one channel, with the promised error of bounded mode.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Lattice<S: Sample> {
    /// The point with count 0. For integers an `i64`, in the unit of the samples.
    pub offset: S::Word,
    /// Distance of neighbouring points, positive. For integers in units of 2^−16.
    pub step: S::Word,
    /// Bounded mode: promised |x − x̂|, in the unit of the samples. Predictive mode: the error that
    /// counts as one, for integers in units of 2^−16. Unused in transform mode.
    pub epsilon: S::Word,
}

impl<S: Sample> Lattice<S> {
    /// The coarsest lattice that keeps |x − x̂| ≤ `epsilon`: step 2·epsilon, for integers
    /// 2·⌊epsilon⌋ + 1 (so any epsilon below 1 is lossless).
    ///
    /// Offset and bound are rounded to the sample's type, the bound towards zero. `None` if the
    /// bound is not finite, not positive in a float type, or negative, or if the offset does not
    /// fit. Desktop arithmetic in `f64`: firmware reads lattices from a model.
    pub fn bounded(offset: f64, epsilon: f64) -> Option<Self> {
        S::bounded(offset, epsilon)
    }

    /// A lattice for data that are multiples of `grid` (their resolution) but for the offset:
    /// step (2·⌊epsilon/grid⌋ + 1)·grid, up to one grid more than [`Lattice::bounded`] gives.
    ///
    /// Every value is still checked against epsilon, so a value off the grid costs an escape and
    /// breaks no promise. `None` as for `bounded`, or if `grid` is not finite and positive.
    pub fn on_grid(offset: f64, grid: f64, epsilon: f64) -> Option<Self> {
        let bounded = Self::bounded(offset, epsilon)?;
        let whole = Scalar::round(epsilon / grid - 0.5).max(0.0);
        let on_grid = Self::fine(offset, (2.0 * whole + 1.0) * grid)?;
        Some(Self { epsilon: bounded.epsilon, ..on_grid })
    }

    /// A lattice with this step for transform mode. For integers the step is rounded to a
    /// multiple of 2^−16, at least one. `None` if it is not finite and positive in the type.
    pub fn fine(offset: f64, step: f64) -> Option<Self> {
        S::fine(offset, step)
    }

    /// A lattice with this step for predictive mode, in which an error of `unit` counts as one; both
    /// as the step of [`Lattice::fine`], the unit rounded towards zero.
    pub fn weighed(offset: f64, step: f64, unit: f64) -> Option<Self> {
        let lattice = Self { epsilon: S::unit(unit)?, ..Self::fine(offset, step)? };
        lattice.is_valid().then_some(lattice)
    }

    /// Whether all words are finite, the step positive and the bound not negative (for floats
    /// positive): what a parsed model guarantees.
    pub fn is_valid(&self) -> bool {
        S::is_valid(self)
    }

    /// The lattice with half the step, or next to it: the smallest step is not halved.
    #[inline]
    pub(super) fn halved(&self) -> Self {
        S::halved(self)
    }

    /// Count of the nearest lattice point; `None` beyond ±2³⁰ (floats) or 32 bits (integers).
    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    pub fn nearest(&self, x: S) -> Option<i32> {
        S::nearest(self, x)
    }

    /// `offset + count·step` in the arithmetic of the sample's type; integers saturate.
    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    pub fn restore(&self, count: i32) -> S {
        S::restore(self, count)
    }

    /// Whether |x − restored| ≤ epsilon, exactly: not subject to rounding of the difference.
    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    pub fn holds(&self, x: S, restored: S) -> bool {
        S::holds(self, x, restored)
    }

    /// A count whose restored value is within epsilon of `x`, if there is one near.
    ///
    /// The nearest count first, then its neighbours, since dividing and restoring both round.
    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    pub fn snap(&self, x: S) -> Option<i32> {
        let nearest = self.nearest(x)?;
        if S::is_exact(self) || self.holds(x, self.restore(nearest)) {
            return Some(nearest);
        }
        [nearest.saturating_add(1), nearest.saturating_sub(1)]
            .into_iter()
            .find(|&count| self.holds(x, self.restore(count)))
    }

    /// |x − restored| / epsilon as [`Lattice::error_q8`]: what counts in predictive mode.
    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    pub(super) fn weighed_error_q8(&self, x: S, restored: S) -> u32 {
        S::error_q8(&Self { step: self.epsilon, ..*self }, x, restored)
    }

    /// That error of a count.
    #[cfg_attr(all(target_arch = "arm", not(target_has_atomic = "32")), inline(never))]
    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    pub(super) fn weighed_error_of(&self, x: S, count: i32) -> u32 {
        self.weighed_error_q8(x, self.restore(count))
    }

    /// Whether errors can be weighed.
    pub(super) fn has_unit(&self) -> bool {
        S::has_unit(self)
    }

    /// |x − restored| / step in units of 2^−8, rounded up, saturating.
    ///
    /// Never below the true quotient, and above it by less than 2 units plus 2^−18 of it.
    #[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
    pub fn error_q8(&self, x: S, restored: S) -> u32 {
        S::error_q8(self, x, restored)
    }
}

/// `n / d`, or `n` for d = 0.
///
/// On chips without the library's routine for 64 bits, which is ten times as long and, for quotients as
/// short as counts are, no faster.
#[cfg_attr(not(all(target_arch = "arm", not(target_has_atomic = "32"))), inline(always))]
pub(super) fn quotient(n: u64, d: u64) -> u64 {
    let d = d.max(1);
    if cfg!(not(target_os = "none")) {
        return n / d;
    }
    if !ARMV6M && let (Ok(n), Ok(d)) = (u32::try_from(n), u32::try_from(d)) {
        return u64::from(n / d.max(1));
    }
    divide_by_bits(n, d)
}

/// `n / d` for d > 0, a bit of the quotient at a time.
#[inline(always)]
fn divide_by_bits(mut n: u64, d: u64) -> u64 {
    let (mut part, mut bit) = (d, 1_u64);
    while part <= n >> 1 {
        part <<= 1;
        bit <<= 1;
    }
    let mut quotient = 0;
    while bit != 0 {
        if part <= n {
            n -= part;
            quotient |= bit;
        }
        part >>= 1;
        bit >>= 1;
    }
    quotient
}

macro_rules! integer_sample {
    ($t:ident, $kind:ident, $u:ident) => {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_possible_wrap,
            reason = "bit patterns, and values clamped or bounded just before"
        )]
        #[allow(
            clippy::unnecessary_cast,
            clippy::cast_lossless,
            reason = "one macro for both types"
        )]
        impl Sample for $t {
            type Word = i64;
            const KIND: SampleKind = SampleKind::$kind;

            #[inline(always)]
            fn is_finite(self) -> bool {
                true
            }
            #[inline(always)]
            fn to_raw(self) -> u64 {
                self as $u as u64
            }
            #[inline(always)]
            fn from_raw(raw: u64) -> Self {
                raw as $u as $t
            }
            #[inline(always)]
            fn word_to_raw(word: i64) -> u64 {
                word as u64
            }
            #[inline(always)]
            fn word_from_raw(raw: u64) -> i64 {
                raw as i64
            }
            fn is_valid(lattice: &Lattice<Self>) -> bool {
                (i64::from(i32::MIN)..=i64::from(i32::MAX)).contains(&lattice.offset)
                    && (1..=MAX_INTEGER_STEP).contains(&lattice.step)
                    && (0..=MAX_INTEGER_STEP).contains(&lattice.epsilon)
            }
            fn bounded(offset: f64, epsilon: f64) -> Option<Lattice<Self>> {
                if !(0.0..=f64::from(u32::MAX)).contains(&epsilon) {
                    return None;
                }
                let epsilon = (epsilon as i64).min(i64::from(i32::MAX));
                let step = (2 * epsilon + 1) << STEP_BITS;
                let lattice = Lattice { offset: Scalar::round(offset) as i64, step, epsilon };
                (offset.is_finite() && lattice.is_valid()).then_some(lattice)
            }
            fn fine(offset: f64, step: f64) -> Option<Lattice<Self>> {
                if !(step > 0.0) {
                    return None;
                }
                let step = (Scalar::round(step * f64::from(1_u32 << STEP_BITS)) as i64).max(1);
                let lattice = Lattice { offset: Scalar::round(offset) as i64, step, epsilon: 0 };
                (offset.is_finite() && lattice.is_valid()).then_some(lattice)
            }
            fn has_unit(lattice: &Lattice<Self>) -> bool {
                lattice.epsilon > 0
            }
            fn unit(unit: f64) -> Option<i64> {
                let scaled = unit * f64::from(1_u32 << STEP_BITS);
                (scaled >= 1.0).then_some((scaled as i64).min(MAX_INTEGER_STEP))
            }
            #[inline(always)]
            fn halved(lattice: &Lattice<Self>) -> Lattice<Self> {
                Lattice { step: (lattice.step / 2).max(1), ..*lattice }
            }
            #[cfg_attr(
                not(all(target_arch = "arm", not(target_has_atomic = "32"))),
                inline(always)
            )]
            fn nearest(lattice: &Lattice<Self>, x: Self) -> Option<i32> {
                let distance = i64::from(x).wrapping_sub(lattice.offset);
                if lattice.step == 1 << STEP_BITS {
                    return i32::try_from(distance).ok();
                }
                let (mut step, mut scaled) = (lattice.step as u64, distance.unsigned_abs());
                // Most steps are whole: smaller numbers are divided faster.
                if step % (1 << STEP_BITS) == 0 {
                    step >>= STEP_BITS;
                } else {
                    scaled <<= STEP_BITS;
                }
                let magnitude = quotient(scaled.wrapping_add(step / 2), step);
                let magnitude = i64::try_from(magnitude).ok()?;
                i32::try_from(if distance < 0 { -magnitude } else { magnitude }).ok()
            }
            #[inline(always)]
            fn is_exact(lattice: &Lattice<Self>) -> bool {
                // A whole step, and half of it: neither dividing nor restoring rounds.
                lattice.step % (1 << STEP_BITS) == 0
                    && lattice.step >> (STEP_BITS + 1) <= lattice.epsilon
            }
            #[cfg_attr(
                not(all(target_arch = "arm", not(target_has_atomic = "32"))),
                inline(always)
            )]
            fn restore(lattice: &Lattice<Self>, count: i32) -> Self {
                let (whole, part) = (lattice.step >> STEP_BITS, lattice.step % (1 << STEP_BITS));
                // Of steps so long four are beyond any sample.
                let long = whole > i32::MAX as i64;
                let count = if long { count.clamp(-4, 4) } else { count };
                let mut x = match i16::try_from(whole) {
                    Ok(whole) => product(whole, count),
                    Err(_) => whole.wrapping_mul(count.into()),
                };
                if part != 0 {
                    let scaled = part.wrapping_mul(count.into());
                    x += (scaled + (1 << (STEP_BITS - 1))) >> STEP_BITS;
                }
                (x + lattice.offset).clamp($t::MIN as i64, $t::MAX as i64) as $t
            }
            #[cfg_attr(
                not(all(target_arch = "arm", not(target_has_atomic = "32"))),
                inline(always)
            )]
            fn holds(lattice: &Lattice<Self>, x: Self, restored: Self) -> bool {
                i64::from(x).wrapping_sub(i64::from(restored)).abs() <= lattice.epsilon
            }
            #[cfg_attr(all(target_arch = "arm", not(target_has_atomic = "32")), inline(never))]
            #[cfg_attr(
                not(all(target_arch = "arm", not(target_has_atomic = "32"))),
                inline(always)
            )]
            fn error_q8(lattice: &Lattice<Self>, x: Self, restored: Self) -> u32 {
                let distance = i64::from(x).wrapping_sub(i64::from(restored)).unsigned_abs();
                let (scaled, step) = (distance << (STEP_BITS + 8), lattice.step as u64);
                let up = quotient(scaled.wrapping_add(step.wrapping_sub(1)), step);
                u32::try_from(up).unwrap_or(u32::MAX)
            }
        }
    };
}
integer_sample!(i16, I16, u16);
integer_sample!(i32, I32, u32);

/// The largest value of `T` that is not above the non-negative `x`.
fn towards_zero<T: Scalar>(x: f64) -> T {
    let nearest = T::from_f64(x);
    if nearest.to_f64() <= x {
        return nearest;
    }
    // One unit in the last place down; below the normal range the spacing is constant.
    let unit = T::exp2i(T::MIN_EXP).scale_exp2(1 - T::DIGITS);
    let ulp = unit.max(T::EPSILON.scale_exp2(nearest.exponent()));
    let below = nearest - ulp * T::HALF;
    if below < nearest { below } else { nearest - ulp }
}

macro_rules! float_sample {
    ($t:ident, $kind:ident, $u:ident) => {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::unnecessary_cast,
            clippy::cast_lossless,
            reason = "bit patterns and saturating conversions; one macro for both types"
        )]
        impl Sample for $t {
            type Word = $t;
            const KIND: SampleKind = SampleKind::$kind;

            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[inline(always)]
            fn to_raw(self) -> u64 {
                self.to_bits() as u64
            }
            #[inline(always)]
            fn from_raw(raw: u64) -> Self {
                $t::from_bits(raw as $u)
            }
            #[inline(always)]
            fn word_to_raw(word: $t) -> u64 {
                word.to_bits() as u64
            }
            #[inline(always)]
            fn word_from_raw(raw: u64) -> $t {
                $t::from_bits(raw as $u)
            }
            fn is_valid(lattice: &Lattice<Self>) -> bool {
                // By bit patterns, which order non-negative floats: a model of any kind can then
                // be parsed by a chip without float routines.
                const INFINITY: $u = <$t>::INFINITY.to_bits();
                const SIGN: $u = (-0.0 as $t).to_bits();
                let (step, epsilon) = (lattice.step.to_bits(), lattice.epsilon.to_bits());
                lattice.offset.to_bits() & !SIGN < INFINITY
                    && (1..INFINITY).contains(&step)
                    && (epsilon < INFINITY || epsilon == SIGN)
            }
            fn bounded(offset: f64, epsilon: f64) -> Option<Lattice<Self>> {
                if !(epsilon > 0.0 && epsilon.is_finite()) {
                    return None;
                }
                // Twice the bound must be finite.
                let epsilon = towards_zero::<$t>(epsilon).min($t::MAX / 2.0);
                let lattice =
                    Lattice { offset: <$t>::from_f64(offset), step: epsilon * 2.0, epsilon };
                (epsilon > 0.0 && lattice.is_valid()).then_some(lattice)
            }
            fn fine(offset: f64, step: f64) -> Option<Lattice<Self>> {
                let step = <$t>::from_f64(step);
                let lattice = Lattice { offset: <$t>::from_f64(offset), step, epsilon: 0.0 };
                lattice.is_valid().then_some(lattice)
            }
            fn has_unit(lattice: &Lattice<Self>) -> bool {
                (1..<$t>::INFINITY.to_bits()).contains(&lattice.epsilon.to_bits())
            }
            fn unit(unit: f64) -> Option<$t> {
                let positive = unit > 0.0 && unit < f64::INFINITY;
                if positive { Some(towards_zero::<$t>(unit).min($t::MAX)) } else { None }
            }
            #[inline(always)]
            fn halved(lattice: &Lattice<Self>) -> Lattice<Self> {
                Lattice { step: (lattice.step / 2.0).max($t::from_bits(1)), ..*lattice }
            }
            #[inline(always)]
            fn is_exact(_: &Lattice<Self>) -> bool {
                false
            }
            #[cfg_attr(
                not(all(target_arch = "arm", not(target_has_atomic = "32"))),
                inline(always)
            )]
            fn nearest(lattice: &Lattice<Self>, x: Self) -> Option<i32> {
                let position = (x - lattice.offset) / lattice.step;
                let count = (position + (0.5 as $t).copysign(position)) as i32;
                (-MAX_FLOAT_COUNT..=MAX_FLOAT_COUNT).contains(&count).then_some(count)
            }
            #[cfg_attr(
                not(all(target_arch = "arm", not(target_has_atomic = "32"))),
                inline(always)
            )]
            fn restore(lattice: &Lattice<Self>, count: i32) -> Self {
                let x = count as $t * lattice.step + lattice.offset;
                x.clamp(-$t::MAX, $t::MAX)
            }
            #[cfg_attr(
                not(all(target_arch = "arm", not(target_has_atomic = "32"))),
                inline(always)
            )]
            fn holds(lattice: &Lattice<Self>, x: Self, restored: Self) -> bool {
                let difference = x - restored;
                let distance = difference.abs();
                if distance != lattice.epsilon {
                    // Rounding is monotone: a true distance above epsilon cannot round below it.
                    return distance < lattice.epsilon;
                }
                // Knuth's two-sum: what rounding took from the difference, exactly.
                let virtual_restored = difference - x;
                let virtual_x = difference - virtual_restored;
                let lost = (x - virtual_x) - (restored + virtual_restored);
                lost == 0.0 || (lost < 0.0) != (difference < 0.0)
            }
            #[cfg_attr(all(target_arch = "arm", not(target_has_atomic = "32")), inline(never))]
            #[cfg_attr(
                not(all(target_arch = "arm", not(target_has_atomic = "32"))),
                inline(always)
            )]
            fn error_q8(lattice: &Lattice<Self>, x: Self, restored: Self) -> u32 {
                // Difference and quotient round by 2^−24 each at most.
                const GUARD: $t = 256.0 * (1.0 + 1.0 / 1_048_576.0);
                let units = (x - restored).abs() / lattice.step * GUARD;
                (units as u32).saturating_add(1)
            }
        }
    };
}
float_sample!(f32, F32, u32);
float_sample!(f64, F64, u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotient_by_bits_is_the_quotient() {
        let numbers =
            [0, 1, 2, 3, 7, 1000, 65_535, 65_536, 1 << 40, (1 << 49) + 1, 1 << 63, u64::MAX];
        for n in numbers {
            for d in numbers.into_iter().filter(|&d| d > 0) {
                assert_eq!(divide_by_bits(n, d), n / d, "{n} / {d}");
            }
        }
    }

    #[test]
    fn integers_are_restored_as_in_wide_arithmetic() {
        let steps = [1, 3 << 15, 1 << 16, 5 << 16, 98_765, (1 << 47) + 12_345, MAX_INTEGER_STEP];
        for step in steps {
            for offset in [0, -1000, i64::from(i32::MIN), i64::from(i32::MAX)] {
                for count in [0, 1, -1, 2, -3, 4, -5, 1000, -40_000, i32::MAX, i32::MIN] {
                    let lattice = Lattice::<i32> { offset, step, epsilon: 0 };
                    let scaled = (i128::from(count) * i128::from(step) + (1 << 15)) >> 16;
                    let x = (scaled + i128::from(offset)).clamp(i32::MIN.into(), i32::MAX.into());
                    assert_eq!(i128::from(lattice.restore(count)), x, "{step} {offset} {count}");
                }
            }
        }
    }

    #[test]
    fn where_no_check_is_needed_the_check_holds() {
        for (whole, epsilon) in [(1, 0), (1, 7), (5, 2), (6, 3), (301, 150)] {
            let lattice = Lattice::<i16> { offset: -17, step: whole << STEP_BITS, epsilon };
            assert!(i16::is_exact(&lattice));
            for x in i16::MIN..=i16::MAX {
                let nearest = lattice.nearest(x).map(|count| lattice.restore(count));
                assert!(nearest.is_some_and(|restored| lattice.holds(x, restored)), "{whole} {x}");
            }
        }
        let short = Lattice::<i16> { offset: 0, step: 6 << STEP_BITS, epsilon: 2 };
        assert!(!i16::is_exact(&short));
    }
}
