//! Exponential functions, in every place of a register.
//!
//! `x = k·ln 2 + r` with a whole `k` and `|r| ≤ ln 2/2`; `eʳ − 1` is a polynomial in `r`
//! (interpolated at Chebyshev points; its own error is below `ε/30`), and `2ᵏ` a bit pattern.
//! Like all that works in registers, a value has the same bits whatever stands beside it.
//!
//! Source: Cody & Waite, *Software Manual for the Elementary Functions* (1980), ch. 6.

use crate::scalar::Scalar;
use crate::simd::{Lanes, Simd};

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
}
