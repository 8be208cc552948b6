//! Exponential functions, in every place of a register.
//!
//! `x = k·ln 2 + r` with a whole `k` and `|r| ≤ ln 2/2`; `eʳ − 1` is a polynomial in `r`
//! (interpolated at Chebyshev points; its own error is below `ε/30`), and `2ᵏ` a bit pattern.
//! Like all that works in registers, a value has the same bits whatever stands beside it.
//!
//! Source: Cody & Waite, *Software Manual for the Elementary Functions* (1980), ch. 6.

use crate::scalar::Scalar;
use crate::simd::{Lanes, Simd, Single};

/// `a + x·(b + x·(c + …))`, written out: a loop over constants would stay one at `opt-level = "s"`.
macro_rules! horner {
    ($simd:ident, $x:ident; $last:literal) => { $simd.splat(T::from_f64($last)) };
    ($simd:ident, $x:ident; $first:literal, $($rest:literal),+) => {
        $x.mul_add(horner!($simd, $x; $($rest),+), $simd.splat(T::from_f64($first)))
    };
}

/// `eˣ`, within 1 ulp; 0 and infinity beyond the range.
#[inline(always)]
pub(crate) fn exp<T: Scalar, S: Simd<T>>(simd: S, x: S::V) -> S::V {
    // Beyond these bounds the result has the same value as there.
    let ln_2 = T::from_f64(core::f64::consts::LN_2);
    let lowest = simd.splat(T::from_i32(T::MIN_EXP - T::DIGITS - 1) * ln_2);
    let highest = simd.splat(T::from_i32(T::MAX_EXP + 2) * ln_2);
    let x = S::V::select(lowest.gt(x), lowest, x);
    let x = S::V::select(x.gt(highest), highest, x);
    let (k, rest) = parts(simd, x);
    // In two factors, each of which is a normal number.
    let half = nearest_whole(simd, simd.splat(T::HALF) * k);
    (simd.splat(T::ONE) + rest) * half.exp2_whole() * (k - half).exp2_whole()
}

/// `tanh x`, within 2 ulp.
#[inline(always)]
pub(crate) fn tanh<T: Scalar, S: Simd<T>>(simd: S, x: S::V) -> S::V {
    // tanh |x| = (1 − e⁻²ˡˣˡ)/(1 + e⁻²ˡˣˡ); at the lowest argument it is rounded to 1.
    let lowest = simd.splat(-T::from_i32(T::DIGITS + 2) * T::from_f64(core::f64::consts::LN_2));
    let y = simd.splat(-T::TWO) * x.abs();
    let (k, rest) = parts(simd, S::V::select(lowest.gt(y), lowest, y));
    let power = k.exp2_whole();
    let minus_one = power.mul_add(rest, power - simd.splat(T::ONE));
    (minus_one / (simd.splat(T::TWO) + minus_one)).copysign(x)
}

/// `k` and `eʳ − 1` for `x = k·ln 2 + r`.
#[inline(always)]
fn parts<T: Scalar, S: Simd<T>>(simd: S, x: S::V) -> (S::V, S::V) {
    let k = nearest_whole(simd, x * simd.splat(T::from_f64(core::f64::consts::LOG2_E)));
    // ln 2 in two parts, the first so short that its product with k is exact.
    let (ln_2, rest) = if T::DIGITS == 24 {
        (0.693_359_375, -2.121_944_400_546_905_8e-4)
    } else {
        (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10)
    };
    let r = x - k * simd.splat(T::from_f64(ln_2)) - k * simd.splat(T::from_f64(rest));
    let tail = if T::DIGITS == 24 {
        horner!(simd, r; 0.5, 0.166_666_671_633_720_4, 0.041_666_552_424_430_85,
            0.008_333_320_729_434_49, 0.001_392_632_606_439_292_4, 1.988_285_657_716_915e-4)
    } else {
        horner!(simd, r; 0.5, 0.166_666_666_666_666_69, 0.041_666_666_666_666_664,
            0.008_333_333_333_330_011, 0.001_388_888_888_888_651_7, 1.984_126_986_330_322_3e-4,
            2.480_158_731_732_274_8e-5, 2.755_726_807_289_01e-6, 2.755_728_269_310_863_6e-7,
            2.510_056_927_581_368_3e-8, 2.091_136_787_134_853_4e-9)
    };
    (k, (r * r).mul_add(tail, r))
}

/// `sin x` and `cos x`, within `ε`, for `|x|` up to 2¹² (`f32`) or 2²⁰ (`f64`); NaN beyond.
///
/// `x = k·π/2 + r` with a whole `k` and `|r| ≤ π/4`, where both are their Taylor polynomials.
pub(crate) fn sin_cos<T: Scalar>(x: T) -> (T, T) {
    let reach = T::exp2i(if T::DIGITS == 24 { 12 } else { 20 });
    if !(x.abs() <= reach) {
        let nan = T::MAX * T::TWO * T::ZERO;
        return (nan, nan);
    }
    let k = nearest_whole(Single, x * T::from_f64(core::f64::consts::FRAC_2_PI));
    // π/2 in three parts, the first two so short that their products with k are exact.
    let (high, middle, low) = if T::DIGITS == 24 {
        (1.570_312_5, 4.837_512_969_970_703e-4, 7.549_789_954_891_88e-8)
    } else {
        (1.570_796_326_734_125_6, 6.077_100_506_506_192e-11, 0.0)
    };
    let r = x - k * T::from_f64(high) - k * T::from_f64(middle) - k * T::from_f64(low);
    let square = r * r;
    // Reciprocal factorials.
    let (sine, cosine) = if T::DIGITS == 24 {
        (
            horner!(Single, square; -0.166_666_666_666_666_66, 8.333_333_333_333_333e-3,
                -1.984_126_984_126_984e-4, 2.755_731_922_398_589_3e-6),
            horner!(Single, square; 4.166_666_666_666_666_4e-2, -1.388_888_888_888_889e-3,
                2.480_158_730_158_73e-5, -2.755_731_922_398_589e-7),
        )
    } else {
        (
            horner!(Single, square; -0.166_666_666_666_666_66, 8.333_333_333_333_333e-3,
                -1.984_126_984_126_984e-4, 2.755_731_922_398_589_3e-6, -2.505_210_838_544_172e-8,
                1.605_904_383_682_161_3e-10, -7.647_163_731_819_816e-13, 2.811_457_254_345_520_6e-15),
            horner!(Single, square; 4.166_666_666_666_666_4e-2, -1.388_888_888_888_889e-3,
                2.480_158_730_158_73e-5, -2.755_731_922_398_589e-7, 2.087_675_698_786_81e-9,
                -1.147_074_559_772_972_5e-11, 4.779_477_332_387_385e-14),
        )
    };
    let s = r + r * square * sine;
    let c = T::ONE - T::HALF * square + square * square * cosine;
    let quadrant = k - T::from_i32(4) * nearest_whole(Single, k * T::from_f64(0.25));
    if quadrant == T::ZERO {
        (s, c)
    } else if quadrant == T::ONE {
        (c, -s)
    } else if quadrant == -T::ONE {
        (-c, s)
    } else {
        (-s, -c)
    }
}

/// The whole number nearest to `x`, for `|x|` below 2²² (`f32`) or 2⁵¹ (`f64`).
#[inline(always)]
fn nearest_whole<T: Scalar, S: Simd<T>>(simd: S, x: S::V) -> S::V {
    // At this size the last place of a number is worth 1.
    let shift = simd.splat(T::exp2i(T::DIGITS - 1) + T::exp2i(T::DIGITS - 2));
    (x + shift) - shift
}

#[cfg(test)]
mod tests {
    use crate::scalar::Scalar;

    #[test]
    fn known_values() {
        assert_eq!((0.0_f32.exp(), 0.0_f64.exp()), (1.0, 1.0));
        assert_eq!(1.0_f64.exp(), core::f64::consts::E);
        assert_eq!(Scalar::exp(core::f64::consts::LN_2), 2.0);
        assert_eq!((Scalar::exp(-1e9_f32), Scalar::exp(1e9_f32)), (0.0, f32::INFINITY));
        assert_eq!(Scalar::exp(f64::NEG_INFINITY), 0.0);
        assert!(Scalar::exp(f32::NAN).is_nan() && Scalar::tanh(f64::NAN).is_nan());
        assert_eq!((Scalar::tanh(20.0_f64), Scalar::tanh(-1e30_f32)), (1.0, -1.0));
        assert!(Scalar::tanh(-0.0_f32).is_sign_negative());
        assert_eq!(Scalar::tanh(f64::MIN_POSITIVE), f64::MIN_POSITIVE);
    }

    /// Largest distance from libm in units in the last place, over values of every size.
    fn worst<T: Scalar>(ours: impl Fn(T) -> T, libm: impl Fn(f64) -> f64) -> f64 {
        let mut worst = 0.0_f64;
        for k in T::MIN_EXP - T::DIGITS..12 {
            for step in 0..64 {
                let size = T::from_f64(1.0 + f64::from(step) / 64.3).scale_exp2(k);
                for x in [size, -size] {
                    let (found, right) = (ours(x).to_f64(), libm(x.to_f64()));
                    if T::from_f64(right).is_finite() {
                        let unit = (right.abs() * T::EPSILON.to_f64())
                            .max((T::MIN_POSITIVE * T::EPSILON).to_f64());
                        worst = worst.max((found - right).abs() / unit);
                    }
                }
            }
        }
        worst
    }

    #[test]
    fn errors_are_within_the_stated_ones() {
        for error in [worst::<f32>(Scalar::exp, libm::exp), worst::<f64>(Scalar::exp, libm::exp)] {
            assert!(error <= 1.0, "exp: {error}");
        }
        for error in
            [worst::<f32>(Scalar::tanh, libm::tanh), worst::<f64>(Scalar::tanh, libm::tanh)]
        {
            assert!(error <= 2.0, "tanh: {error}");
        }
    }

    fn angles<T: Scalar>(reach: f64) {
        for k in -40_000..=40_000 {
            let x = T::from_f64(f64::from(k) / 40_000.0 * reach);
            let (s, c) = x.sin_cos();
            let (right_s, right_c) = (libm::sin(x.to_f64()), libm::cos(x.to_f64()));
            let error = (s.to_f64() - right_s).abs().max((c.to_f64() - right_c).abs());
            assert!(error <= T::EPSILON.to_f64(), "{x}: {error}");
        }
        for x in [T::from_f64(reach * 1.01), T::MAX, T::ONE / T::ZERO] {
            let (s, c) = x.sin_cos();
            assert!(!s.is_finite() && !c.is_finite());
        }
    }

    #[test]
    fn sine_and_cosine_are_within_the_stated_error() {
        angles::<f32>(4096.0);
        angles::<f64>(1_048_576.0);
    }
}
