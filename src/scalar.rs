//! The two scalar types, `f32` and `f64`, and the mathematical functions the library uses.
//!
//! This is the only file that knows one float type from the other and the only one that calls a
//! maths function of the platform. The functions come from `libm` on every target, the desktop
//! included, so that the same input gives the same bits everywhere.

use core::fmt::{Debug, Display};
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::simd::{F32Half, F32Lanes, F64Half, F64Lanes, Kernel, Portable};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A real number: `f32` or `f64`.
///
/// Sealed: the algorithms rely on IEEE 754 binary arithmetic with round-to-nearest.
pub trait Scalar:
    sealed::Sealed
    + Copy
    + Debug
    + Default
    + Display
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Portable<Self>
    + Send
    + Sync
    + 'static
{
    /// The vector type used for sums of products on this target.
    type Lanes: Portable<Self>;
    /// A vector type of half the width.
    type HalfLanes: Portable<Self>;
    /// Number of partial sums a dot product keeps: the same on every target.
    const LANES: usize;

    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// 2.
    const TWO: Self;
    /// 1/2.
    const HALF: Self;
    /// Distance from 1 to the next larger value, 2^(1 − digits).
    const EPSILON: Self;
    /// Smallest positive normal value.
    const MIN_POSITIVE: Self;
    /// Largest finite value.
    const MAX: Self;
    /// π.
    const PI: Self;
    /// Significant binary digits: 24 or 53.
    const DIGITS: i32;
    /// Exponent of the largest power of two: 127 or 1023.
    const MAX_EXP: i32;
    /// Exponent of the smallest normal power of two: −126 or −1022.
    const MIN_EXP: i32;

    /// Nearest value of this type. Meant for constants, so that no double-precision code is left
    /// in an optimised `f32` build.
    fn from_f64(x: f64) -> Self;
    /// The value as `f64`, exact.
    fn to_f64(self) -> f64;
    /// Nearest `f32`.
    fn to_f32(self) -> f32;
    /// Nearest value of this type.
    fn from_i32(x: i32) -> Self;
    /// Nearest value of this type.
    fn from_u32(x: u32) -> Self;
    /// Nearest value of this type.
    fn from_usize(x: usize) -> Self;
    /// The bit pattern, zero-extended to 64 bits.
    fn bits(self) -> u64;

    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// The larger of two values; the other one if one is NaN.
    fn max(self, other: Self) -> Self;
    /// The smaller of two values; the other one if one is NaN.
    fn min(self, other: Self) -> Self;
    /// ⌊log₂|x|⌋ for finite non-zero `x`, subnormal values included; `MIN_EXP − DIGITS` for zero.
    fn exponent(self) -> i32;
    /// 2^k, with `k` clamped to the range of normal values.
    fn exp2i(k: i32) -> Self;
    /// x·2^k, exact unless the result leaves the range of normal values.
    #[inline]
    fn scale_exp2(self, k: i32) -> Self {
        if Self::MIN_EXP <= k && k <= Self::MAX_EXP {
            return self * Self::exp2i(k);
        }
        // Two factors reach from the largest value to the smallest subnormal one.
        let half = k.clamp(4 * Self::MIN_EXP, 4 * Self::MAX_EXP) / 4;
        let rest = k.clamp(4 * Self::MIN_EXP, 4 * Self::MAX_EXP) - 3 * half;
        self * Self::exp2i(half) * Self::exp2i(half) * Self::exp2i(half) * Self::exp2i(rest)
    }

    /// Carries out a kernel in the best registers there are: with the feature `fast` those of the
    /// processor it runs on, otherwise those of the target it was built for.
    fn dispatch<K: Kernel<Self>>(kernel: K) -> K::Output;

    /// eˣ.
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// tanh x.
    fn tanh(self) -> Self;
    /// sin x and cos x within ε, for |x| up to 2¹² (`f32`) or 2²⁰ (`f64`); NaN beyond.
    fn sin_cos(self) -> (Self, Self);
    /// 1 − erf x with the error function erf, to a few ulp in the tail too.
    fn erfc(self) -> Self;
    /// eˣ to three digits, from `micromath`, for approximate activations; the exponent is clamped
    /// to ±87, so that the result is finite and normal.
    #[cfg(feature = "micromath")]
    fn exp_approx(self) -> Self;
    /// The integer nearest to `x`, halves away from zero.
    fn round(self) -> Self;
}

macro_rules! scalar {
    ($t:ident, $lanes:expr, $vector:ty, $half:ty, $bits:ty, $mantissa:literal, $bias:literal,
     $ln:ident, $erfc:ident, $round:ident) => {
        impl Scalar for $t {
            type Lanes = $vector;
            type HalfLanes = $half;
            const LANES: usize = $lanes;

            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const TWO: Self = 2.0;
            const HALF: Self = 0.5;
            const EPSILON: Self = $t::EPSILON;
            const MIN_POSITIVE: Self = $t::MIN_POSITIVE;
            const MAX: Self = $t::MAX;
            const PI: Self = core::$t::consts::PI;
            const DIGITS: i32 = $mantissa + 1;
            const MAX_EXP: i32 = $bias;
            const MIN_EXP: i32 = 1 - $bias;

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
            #[allow(clippy::unnecessary_cast, reason = "one macro for both types")]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            #[allow(
                clippy::cast_lossless,
                clippy::unnecessary_cast,
                reason = "one macro for both types"
            )]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
            #[allow(clippy::unnecessary_cast, reason = "one macro for both types")]
            fn to_f32(self) -> f32 {
                self as f32
            }
            #[inline(always)]
            #[allow(clippy::cast_lossless, reason = "one macro for both types")]
            fn from_i32(x: i32) -> Self {
                x as $t
            }
            #[inline(always)]
            #[allow(clippy::cast_lossless, reason = "one macro for both types")]
            fn from_u32(x: u32) -> Self {
                x as $t
            }
            #[inline(always)]
            fn from_usize(x: usize) -> Self {
                x as $t
            }
            #[inline(always)]
            #[allow(
                clippy::cast_lossless,
                clippy::unnecessary_cast,
                reason = "one macro for both types"
            )]
            fn bits(self) -> u64 {
                self.to_bits() as u64
            }

            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                $t::max(self, other)
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                $t::min(self, other)
            }
            #[inline]
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_possible_wrap,
                reason = "at most 11 bits are left"
            )]
            fn exponent(self) -> i32 {
                let bits = self.to_bits();
                let biased = ((bits >> $mantissa) & (2 * $bias + 1)) as i32;
                if biased != 0 {
                    return biased - $bias;
                }
                let fraction = bits & ((1 << $mantissa) - 1);
                if fraction == 0 {
                    return <Self as Scalar>::MIN_EXP - <Self as Scalar>::DIGITS;
                }
                let lead = fraction.ilog2() as i32;
                <Self as Scalar>::MIN_EXP - $mantissa + lead
            }
            #[inline(always)]
            #[expect(
                clippy::cast_sign_loss,
                reason = "clamped to the positive range of biased exponents"
            )]
            fn exp2i(k: i32) -> Self {
                let biased = k.clamp(<Self as Scalar>::MIN_EXP, <Self as Scalar>::MAX_EXP) + $bias;
                <$t>::from_bits((biased as $bits) << $mantissa)
            }

            #[inline(always)]
            fn dispatch<K: Kernel<Self>>(kernel: K) -> K::Output {
                crate::simd::dispatch(kernel)
            }

            #[inline]
            fn exp(self) -> Self {
                crate::elementary::exp(crate::simd::Single, self)
            }
            #[inline]
            fn ln(self) -> Self {
                libm::$ln(self)
            }
            #[inline]
            fn tanh(self) -> Self {
                crate::elementary::tanh(crate::simd::Single, self)
            }
            #[inline]
            fn sin_cos(self) -> (Self, Self) {
                crate::elementary::sin_cos(self)
            }
            #[inline]
            fn erfc(self) -> Self {
                libm::$erfc(self)
            }
            #[cfg(feature = "micromath")]
            #[inline]
            #[allow(
                clippy::cast_lossless,
                clippy::cast_possible_truncation,
                clippy::unnecessary_cast,
                reason = "micromath is single precision; one macro for both types"
            )]
            fn exp_approx(self) -> Self {
                // Near both ends of the range micromath builds invalid exponents, and from NaN a
                // number.
                if self.is_nan() {
                    return self;
                }
                micromath::F32Ext::exp((self as f32).clamp(-87.0, 87.0)) as $t
            }
            #[inline]
            fn round(self) -> Self {
                libm::$round(self)
            }
        }
    };
}

scalar!(f32, 8, F32Lanes, F32Half, u32, 23, 127, logf, erfcf, roundf);
scalar!(f64, 4, F64Lanes, F64Half, u64, 52, 1023, log, erfc, round);

#[cfg(test)]
mod tests {
    use super::*;

    fn exponent_and_scale<T: Scalar>() {
        assert_eq!(T::ONE.exponent(), 0);
        assert_eq!(T::from_f64(-3.5).exponent(), 1);
        assert_eq!(T::MIN_POSITIVE.exponent(), T::MIN_EXP);
        assert_eq!((T::MIN_POSITIVE * T::HALF).exponent(), T::MIN_EXP - 1);
        assert_eq!((T::MIN_POSITIVE * T::EPSILON).exponent(), T::MIN_EXP - T::DIGITS + 1);
        assert_eq!(T::MAX.exponent(), T::MAX_EXP);
        assert_eq!(T::ZERO.exponent(), T::MIN_EXP - T::DIGITS);
        assert_eq!(T::from_f64(0.75).scale_exp2(5), T::from_f64(24.0));
        let tiny = T::MIN_POSITIVE * T::EPSILON;
        let reach = T::MAX_EXP - T::MIN_EXP + T::DIGITS - 1;
        assert_eq!(tiny.scale_exp2(reach), T::exp2i(T::MAX_EXP));
        assert_eq!(T::exp2i(T::MAX_EXP).scale_exp2(-reach), tiny);
        assert_eq!(T::MAX.scale_exp2(1 << 20), T::MAX / T::ZERO);
        assert_eq!(T::MAX.scale_exp2(-(1 << 20)), T::ZERO);
    }

    #[test]
    fn exponent_and_scaling_are_exact_over_the_whole_range() {
        exponent_and_scale::<f32>();
        exponent_and_scale::<f64>();
    }
}
