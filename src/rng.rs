//! Seeded random numbers with the same bytes on every machine.
//!
//! [`Generator`] is xoshiro128++ (32-bit words, 16 bytes of state: cheap on a small core) behind
//! the traits of `rand_core`. Uniform and normal values are made here rather than by a library,
//! in a fixed number of integer and float steps, and are pinned by tests.

use rand_core::{Rng, SeedableRng};
pub use rand_xoshiro::Xoshiro128PlusPlus as Generator;

use crate::scalar::Scalar;

/// The generator for a seed.
pub fn seeded(seed: u64) -> Generator {
    Generator::seed_from_u64(seed)
}

/// The generator for one step of a long computation: what is saved between two steps needs no state of
/// a generator, and goes on with the same values.
pub fn at_step(seed: u64, step: u64) -> Generator {
    // An odd multiplier gives every step a seed of its own. It is not that of splitmix64, from which
    // neighbours would share half of their state.
    seeded(seed.wrapping_add(step.wrapping_mul(0xd134_2543_de82_ef95)))
}

/// Uniform on [0, 1): an integer multiple of 2⁻²⁴ for `f32` (one word of the generator), of 2⁻⁵²
/// for `f64` (two words).
pub fn uniform<T: Scalar>(rng: &mut impl Rng) -> T {
    let high = T::from_u32(rng.next_u32() >> 8).scale_exp2(-24);
    if T::DIGITS <= 24 {
        return high;
    }
    high + T::from_u32(rng.next_u32() >> 4).scale_exp2(-52)
}

/// Standard normal by Marsaglia's polar method; the second value of each pair is not kept, so
/// that a call has no hidden state.
///
/// # Source
/// Marsaglia & Bray, "A convenient method for generating normal variables", SIAM Review 6 (1964).
pub fn normal<T: Scalar>(rng: &mut impl Rng) -> T {
    // A pair is refused with probability 0.215: a hundred in a row do not happen with any working
    // generator, but a broken one must not hang the caller.
    for _ in 0..100 {
        let x = uniform::<T>(rng) * T::TWO - T::ONE;
        let y = uniform::<T>(rng) * T::TWO - T::ONE;
        let r = x * x + y * y;
        if r < T::ONE && r > T::ZERO {
            return x * (-T::TWO * r.ln() / r).sqrt();
        }
    }
    T::ZERO
}

/// Fills a slice with standard normal values.
pub fn fill_normal<T: Scalar>(rng: &mut impl Rng, out: &mut [T]) {
    for v in out {
        *v = normal(rng);
    }
}

/// Standard normal as a whole number of 2⁻¹⁶, from integers alone: for samplers on chips without
/// floats. One word of the generator: its highest bit is the sign, the others a probability whose
/// quantile is interpolated between the entries of a table with eight of them per octave, so that the tail
/// reaches 5.5 deviations.
///
/// # Accuracy
/// The quantiles are within 0.0023 of the true ones (`tests/rng.rs`).
///
/// # Source
/// Cheung, Lee, Luk & Villasenor, "Hardware generation of arbitrary random number distributions from
/// uniform distributions via the inversion method", IEEE Trans. VLSI 15 (2007).
pub fn normal_fixed(rng: &mut impl Rng) -> i32 {
    let word = rng.next_u32();
    let rest = word & 0x7fff_ffff;
    // The octave: rest/2³¹ lies between 2^−(octave + 1) and 2^−octave.
    let octave = (rest.leading_zeros() - 1).min(LAST_OCTAVE);
    // How far below the upper end of the octave, in units of 2⁻³⁰ of its width.
    let below = 0x3fff_ffff - ((rest << octave) & 0x3fff_ffff);
    let entry = (octave << 3 | below >> 27) as usize;
    let part = (below >> 11) & 0xffff;
    let mut entries = QUANTILES.iter().skip(entry).map(|&z| u32::from(z));
    let (low, high) = (entries.next().unwrap_or(0), entries.next().unwrap_or(0));
    let size = ((low << 16) + high.saturating_sub(low) * part) >> 13;
    if word >> 31 == 0 { size.cast_signed() } else { -size.cast_signed() }
}

/// The last octave of probabilities in [`QUANTILES`].
const LAST_OCTAVE: u32 = 23;

/// Standard normal quantiles `z` with `P(|Z| > z) = 2^−k·(1 − s/16)` at place `8·k + s`, in units of 2⁻¹³.
static QUANTILES: [u16; 8 * (LAST_OCTAVE as usize + 1) + 1] = [
    0, 642, 1_289, 1_943, 2_610, 3_295, 4_004, 4_744, 5_525, 5_935, 6_360, 6_804, 7_268, 7_756,
    8_274, 8_827, 9_424, 9_742, 10_075, 10_426, 10_797, 11_192, 11_615, 12_071, 12_568, 12_834,
    13_115, 13_413, 13_729, 14_068, 14_432, 14_827, 15_259, 15_493, 15_740, 16_002, 16_281, 16_581,
    16_904, 17_257, 17_645, 17_854, 18_076, 18_312, 18_565, 18_836, 19_130, 19_451, 19_805, 19_996,
    20_200, 20_416, 20_648, 20_898, 21_168, 21_464, 21_791, 21_969, 22_157, 22_358, 22_573, 22_806,
    23_058, 23_334, 23_639, 23_805, 23_981, 24_170, 24_371, 24_589, 24_826, 25_085, 25_373, 25_529,
    25_695, 25_873, 26_063, 26_269, 26_493, 26_738, 27_011, 27_159, 27_316, 27_485, 27_666, 27_861,
    28_074, 28_307, 28_566, 28_707, 28_858, 29_018, 29_191, 29_377, 29_580, 29_803, 30_051, 30_186,
    30_330, 30_483, 30_648, 30_827, 31_022, 31_236, 31_473, 31_603, 31_741, 31_888, 32_047, 32_218,
    32_406, 32_611, 32_840, 32_965, 33_097, 33_239, 33_392, 33_558, 33_738, 33_937, 34_157, 34_277,
    34_406, 34_543, 34_690, 34_850, 35_025, 35_216, 35_430, 35_546, 35_670, 35_803, 35_946, 36_101,
    36_269, 36_455, 36_662, 36_775, 36_895, 37_024, 37_162, 37_312, 37_476, 37_656, 37_857, 37_967,
    38_083, 38_208, 38_343, 38_489, 38_648, 38_823, 39_019, 39_125, 39_239, 39_360, 39_491, 39_633,
    39_788, 39_959, 40_149, 40_252, 40_363, 40_482, 40_609, 40_747, 40_899, 41_065, 41_250, 41_351,
    41_459, 41_575, 41_699, 41_834, 41_981, 42_144, 42_325, 42_423, 42_529, 42_642, 42_763, 42_895,
    43_039, 43_198, 43_374, 43_471, 43_574, 43_684, 43_803, 43_932, 44_073, 44_228, 44_401,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// State `1, 2, 3, 4`, little-endian: what the reference programs of the algorithm start from.
    const REFERENCE_STATE: [u8; 16] = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0];

    fn words(mut rng: Generator) -> [u32; 10] {
        core::array::from_fn(|_| rng.next_u32())
    }

    #[test]
    fn first_words_are_those_of_the_reference() {
        // Blackman & Vigna, xoshiro128plusplus.c 1.0.
        assert_eq!(
            words(Generator::from_seed(REFERENCE_STATE)),
            [
                641,
                1_573_767,
                3_222_811_527,
                3_517_856_514,
                836_907_274,
                4_247_214_768,
                3_867_114_732,
                1_355_841_295,
                495_546_011,
                621_204_420
            ]
        );
    }

    #[test]
    fn a_seed_becomes_the_state_by_splitmix64() {
        // Two steps of splitmix64 give the four words of state, low half first.
        let start = |seed| *words(seeded(seed)).first_chunk().unwrap_or(&[0; 4]);
        assert_eq!(start(0), [1_179_900_579, 1_938_959_192, 3_089_844_957, 3_657_088_315]);
        assert_eq!(start(1), [2_146_930_148, 2_585_199_205, 3_670_091_704, 2_556_029_204]);
        assert_eq!(start(42), [2_643_743_425, 1_762_251_840, 1_632_151_183, 1_417_845_339]);
        let far = 0x0123_4567_89ab_cdef;
        assert_eq!(start(far), [2_785_953_498, 1_381_613_784, 2_111_807_583, 561_192_517]);
    }

    fn first<T>(mut draw: impl FnMut() -> T) -> [T; 4] {
        core::array::from_fn(|_| draw())
    }

    #[test]
    fn first_uniform_values_are_pinned() {
        let mut rng = seeded(0);
        let counts = first(|| uniform::<f32>(&mut rng) * 16_777_216.0);
        assert_eq!(counts, [4_608_986.0, 7_574_059.0, 12_069_706.0, 14_285_501.0]);
        let mut rng = seeded(0);
        let counts = first(|| uniform::<f64>(&mut rng) * 4_503_599_627_370_496.0);
        assert_eq!(
            counts,
            [
                1_237_215_379_792_565.0,
                3_239_937_262_463_955.0,
                1_064_780_404_733_327.0,
                3_600_644_535_369_681.0
            ]
        );
    }

    #[test]
    fn first_normal_values_are_pinned() {
        // Worked out from the reference words in double precision with another program.
        let mut rng = seeded(0);
        let values = first(|| normal::<f64>(&mut rng));
        let expected = [
            -0.975_657_649_742_889_4,
            -0.627_762_890_229_611_4,
            -0.166_962_288_594_814_77,
            0.596_432_932_804_144_1,
        ];
        for (v, e) in values.iter().zip(expected) {
            assert!((v - e).abs() <= 4.0 * f64::EPSILON * e.abs(), "{v} {e}");
        }
        let mut rng = seeded(0);
        let values = first(|| normal::<f32>(&mut rng));
        let expected = [
            -1.720_667_336_960_601_6,
            0.459_096_713_345_530_87,
            -0.282_928_663_873_153_8,
            0.397_303_934_084_661_1,
        ];
        for (&v, e) in values.iter().zip(expected) {
            let v = f64::from(v);
            assert!((v - e).abs() <= 4.0 * f64::from(f32::EPSILON) * e.abs(), "{v} {e}");
        }
    }

    #[test]
    fn a_broken_generator_does_not_hang() {
        struct Stuck;
        impl rand_core::TryRng for Stuck {
            type Error = core::convert::Infallible;
            fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
                Ok(u32::MAX)
            }
            fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
                Ok(u64::MAX)
            }
            fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
                out.fill(u8::MAX);
                Ok(())
            }
        }
        assert_eq!(normal::<f32>(&mut Stuck), 0.0);
        assert!(uniform::<f32>(&mut Stuck) < 1.0);
        assert!(uniform::<f64>(&mut Stuck) < 1.0);
    }
}
