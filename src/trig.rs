//! Sine and cosine of `f32` in integer arithmetic.
//!
//! `libm` works on them in double precision, which small chips do by software. Here the angle is
//! reduced with a window of 128 bits of `2/π`, so that what is left after the largest multiple of
//! `π/2` has all its digits, and the same polynomials are evaluated with 64 fraction bits. The
//! results are those of `libm` but for five of the 2³² for non-negative inputs: each is halfway
//! between two floats to within a thousandth of their distance, and the other one of them is taken.
//!
//! Source: Payne & Hanek, "Radian reduction for trigonometric functions", SIGNUM Newsletter 18
//! (1983); polynomials of `FreeBSD` `msun`, `k_sinf.c` and `k_cosf.c`.

/// Bits of `2/π` after the point, behind 32 zeros.
const TWO_OVER_PI: [u32; 9] = [
    0,
    0xa2f9_836e,
    0x4e44_1529,
    0xfc27_57d1,
    0xf534_ddc0,
    0xdb62_9599,
    0x3c43_9041,
    0xfe51_63ab,
    0xdebb_c561,
];
/// `π/2` with 63 fraction bits.
const HALF_PI: u64 = 0xc90f_daa2_2168_c235;

/// Magnitudes of the coefficients of `y³`, `y⁵`, … in `sin y`, signs alternating from −, with 64
/// fraction bits.
const SINE: [u64; 4] = [
    0x15_5555_54cb_ac77 << 9,
    0x11_1110_896e_fbb2 << 5,
    0x1a_00f9_e2ca_e774 >> 1,
    0x16_cd87_8c3b_46a7 >> 7,
];
/// The same of `y²`, `y⁴`, … in `cos y`.
const COSINE: [u64; 4] = [
    0x1f_ffff_fd0c_5e81 << 10,
    0x15_5553_e105_3a42 << 7,
    0x16_c087_e80f_1e27 << 2,
    0x19_9342_e0ee_5069 >> 4,
];

pub(crate) fn sin(x: f32) -> f32 {
    if x.abs() < TINY { x } else { sine_of_quadrants(x, 0) }
}

pub(crate) fn cos(x: f32) -> f32 {
    // An even function: the sine a quarter turn on.
    if x.abs() < TINY { 1.0 } else { sine_of_quadrants(x.abs(), 1) }
}

/// Below this the next term of the series is less than half a unit in the last place.
const TINY: f32 = 1.0 / 4096.0;

/// `sin(x + quadrants·π/2)` for `|x| ≥ TINY`.
fn sine_of_quadrants(x: f32, quadrants: u32) -> f32 {
    if !x.is_finite() {
        return f32::NAN;
    }
    let angle = Angle::reduce(x.abs());
    let quadrant = angle.quadrant.wrapping_add(quadrants);
    let odd = quadrant & 1 == 1;
    let value = if odd { angle.cosine() } else { angle.sine() };
    let negative = (quadrant & 2 != 0) ^ (angle.negative && !odd) ^ (x < 0.0);
    if negative { -value } else { value }
}

/// `quadrant·π/2 ± y` with `y = mantissa·2^−(64 + shift)`, at most π/4; the top bit of the mantissa
/// is set unless `y` is 0.
#[derive(Clone, Copy)]
struct Angle {
    quadrant: u32,
    negative: bool,
    mantissa: u64,
    shift: u32,
}

impl Angle {
    fn reduce(x: f32) -> Self {
        let bits = x.to_bits();
        // x = mantissa·2^(exponent − 150), TINY ≤ x.
        let (exponent, mantissa) = (bits >> 23, bits & 0x007f_ffff | 0x0080_0000);
        if x <= core::f32::consts::FRAC_PI_4 {
            let mantissa = u64::from(mantissa) << 40;
            let shift = 126_u32.saturating_sub(exponent);
            return Self { quadrant: 0, negative: false, mantissa, shift };
        }
        // The bits of 2/π before the window make multiples of 4 quadrants, those behind it less
        // than 2^−102.
        let turns = window(exponent.saturating_sub(120)).wrapping_mul(u128::from(mantissa));
        let rounded = turns.wrapping_add(1 << 125);
        let left = turns.wrapping_sub(rounded & !((1 << 126) - 1)).cast_signed();
        let quadrant = ((rounded >> 126) & 3) as u32;
        let zeros = left.unsigned_abs().leading_zeros();
        let fraction = (left.unsigned_abs() << (zeros & 127) >> 64) as u64;
        let y = high(fraction, HALF_PI);
        let up = y.leading_zeros();
        let shift = zeros.saturating_add(up).saturating_sub(3);
        Self { quadrant, negative: left < 0, mantissa: y << (up & 63), shift }
    }

    /// `y²` with 64 fraction bits.
    fn square(self) -> u64 {
        high(self.mantissa, self.mantissa).checked_shr(2 * self.shift).unwrap_or(0)
    }

    fn sine(self) -> f32 {
        let z = self.square();
        let less = high(z, alternating(z, &SINE));
        round(self.mantissa.wrapping_sub(high(self.mantissa, less)), self.shift)
    }

    fn cosine(self) -> f32 {
        let z = self.square();
        match high(z, alternating(z, &COSINE)) {
            0 => 1.0,
            less => round(less.wrapping_neg(), 0),
        }
    }
}

/// 128 bits of [`TWO_OVER_PI`] from bit `start` on.
fn window(start: u32) -> u128 {
    let words = TWO_OVER_PI.iter().skip(start as usize / 32);
    let mut next = words.copied().chain(core::iter::repeat(0)).map(u128::from);
    let mut take = || next.next().unwrap_or(0);
    let whole = take() << 96 | take() << 64 | take() << 32 | take();
    let shift = start % 32;
    whole << shift | take() << shift >> 32
}

/// `c₀ − z·(c₁ − z·(c₂ − …))`
fn alternating(z: u64, coefficients: &[u64; 4]) -> u64 {
    coefficients.iter().rev().fold(0, |sum, &c| c.wrapping_sub(high(z, sum)))
}

/// The high half of a product: multiplies numbers with 64 fraction bits.
fn high(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 64) as u64
}

/// The float nearest to `mantissa·2^−(64 + shift)`, which is in the range of normal values.
fn round(mantissa: u64, shift: u32) -> f32 {
    let up = mantissa.leading_zeros();
    let mantissa = mantissa << (up & 63);
    let (kept, rest) = ((mantissa >> 40) as u32, mantissa << 24);
    let half = 1 << 63;
    let carry = u32::from(rest > half || rest == half && kept & 1 == 1);
    // The leading bit of the mantissa counts one up in the exponent, and so does a carry beyond it.
    let exponent = 125_u32.saturating_sub(shift.saturating_add(up));
    f32::from_bits((exponent << 23).wrapping_add(kept).wrapping_add(carry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(patterns: impl Iterator<Item = u32>) {
        for x in patterns.map(f32::from_bits) {
            assert_eq!(sin(x).to_bits(), libm::sinf(x).to_bits(), "sin {x:e}");
            assert_eq!(sin(-x).to_bits(), libm::sinf(-x).to_bits(), "sin {:e}", -x);
            assert_eq!(cos(x).to_bits(), libm::cosf(x).to_bits(), "cos {x:e}");
        }
    }

    #[test]
    fn values_match_hand_work() {
        assert_eq!((sin(0.0), cos(0.0)), (0.0, 1.0));
        assert_eq!(sin(-0.0).to_bits(), (-0.0_f32).to_bits());
        // π to 24 bits is 8.742 278e-8 too large.
        assert_eq!(sin(core::f32::consts::PI), -8.742_278e-8);
        assert_eq!(cos(core::f32::consts::PI), -1.0);
        assert_eq!(sin(core::f32::consts::FRAC_PI_6), 0.5);
        assert!(sin(f32::INFINITY).is_nan() && cos(f32::NAN).is_nan());
    }

    #[test]
    fn results_are_those_of_libm() {
        check((0..0x7f80_0000).step_by(9973));
        // Around the multiples of π/4, where quadrants change and sines vanish.
        for k in 1_u8..=255 {
            let near = (f32::from(k) * core::f32::consts::FRAC_PI_4).to_bits();
            check(near - 20..near + 20);
        }
    }

    /// Minutes: `cargo test --release --lib trig -- --ignored`.
    #[test]
    #[ignore = "all 2^31 inputs"]
    fn few_results_differ_from_libm_and_those_by_one_unit() {
        let mut differing = 0;
        for x in (0..0x7f80_0000).map(f32::from_bits) {
            for (ours, theirs) in [(sin(x), libm::sinf(x)), (cos(x), libm::cosf(x))] {
                let apart = ours.to_bits().abs_diff(theirs.to_bits());
                assert!(apart <= 1, "{x:e}: {ours:e}, {theirs:e}");
                differing += apart;
            }
        }
        assert_eq!(differing, 5);
    }
}
