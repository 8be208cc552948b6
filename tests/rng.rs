//! Promises of the seeded generator: bytes fixed by the seed, moments of the distributions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use eigenmote::Scalar;
use eigenmote::rng::{fill_normal, normal, normal_fixed, seeded, uniform};

const DRAWS: u32 = 100_000;

/// Mean of `f(v)` over the draws.
fn mean(values: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    values.iter().map(|&v| f(v)).sum::<f64>() / values.len() as f64
}

/// Five standard errors of the mean of a quantity with this variance. The seed is fixed, so a test
/// either always passes or never; a moment that is wrong by two percent fails it.
fn five_sigma(variance: f64) -> f64 {
    5.0 * (variance / f64::from(DRAWS)).sqrt()
}

fn uniform_moments<T: Scalar>(seed: u64) {
    let mut rng = seeded(seed);
    let values: Vec<f64> = (0..DRAWS).map(|_| uniform::<T>(&mut rng).to_f64()).collect();
    assert!(values.iter().all(|v| (0.0..1.0).contains(v)));
    assert!((mean(&values, |v| v) - 0.5).abs() < five_sigma(1.0 / 12.0));
    // E v² = 1/3, var v² = 1/5 − 1/9
    assert!((mean(&values, |v| v * v) - 1.0 / 3.0).abs() < five_sigma(4.0 / 45.0));
    // Neighbours are uncorrelated.
    let lagged =
        values.windows(2).map(|w| (w[0] - 0.5) * (w[1] - 0.5)).sum::<f64>() / f64::from(DRAWS - 1);
    assert!(lagged.abs() < five_sigma(1.0 / 144.0));
    // Each sixteenth of the interval gets its share.
    for bin in 0..16 {
        let share = mean(&values, |v| f64::from((v * 16.0).floor() == f64::from(bin)));
        assert!((share - 1.0 / 16.0).abs() < five_sigma(15.0 / 256.0), "bin {bin}: {share}");
    }
}

#[test]
fn uniform_values_have_the_moments_of_the_uniform_distribution() {
    uniform_moments::<f32>(1);
    uniform_moments::<f64>(2);
}

fn normal_moments<T: Scalar>(seed: u64) {
    let mut rng = seeded(seed);
    let values: Vec<f64> = (0..DRAWS).map(|_| normal::<T>(&mut rng).to_f64()).collect();
    assert!(values.iter().all(|v| v.is_finite()));
    assert!(mean(&values, |v| v).abs() < five_sigma(1.0));
    assert!((mean(&values, |v| v * v) - 1.0).abs() < five_sigma(2.0));
    assert!(mean(&values, |v| v.powi(3)).abs() < five_sigma(15.0));
    assert!((mean(&values, |v| v.powi(4)) - 3.0).abs() < five_sigma(96.0));
    for (limit, share) in [(1.0, 0.317_310_5), (1.959_964, 0.05), (3.0, 0.002_699_8)] {
        let found = mean(&values, |v| f64::from(v.abs() > limit));
        assert!((found - share).abs() < five_sigma(share * (1.0 - share)), "{limit}: {found}");
    }
    let lagged = values.windows(2).map(|w| w[0] * w[1]).sum::<f64>() / f64::from(DRAWS - 1);
    assert!(lagged.abs() < five_sigma(1.0));
}

#[test]
fn normal_values_have_the_moments_of_the_normal_distribution() {
    normal_moments::<f32>(3);
    normal_moments::<f64>(4);
}

#[test]
fn a_filled_slice_holds_what_single_draws_give() {
    let mut filled = [0.0_f32; 33];
    fill_normal(&mut seeded(9), &mut filled);
    let mut rng = seeded(9);
    assert!(filled.iter().all(|&v| v == normal::<f32>(&mut rng)));
    let mut other = [0.0_f32; 33];
    fill_normal(&mut seeded(10), &mut other);
    assert_ne!(filled, other);
}

/// FNV-1a over the bit patterns.
fn hash(words: impl IntoIterator<Item = u32>) -> u64 {
    words
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[test]
fn the_seed_fixes_the_bytes() {
    let mut rng = seeded(2026);
    let normals = hash((0..10_000).map(|_| normal::<f32>(&mut rng).to_bits()));
    let uniforms = hash((0..10_000).map(|_| uniform::<f32>(&mut rng).to_bits()));
    assert_eq!((normals, uniforms), (12_233_326_517_704_994_094, 6_198_505_735_249_419_958));
}

#[test]
fn fixed_normal_values_have_the_moments_of_the_normal_distribution() {
    let mut rng = seeded(5);
    let values: Vec<f64> =
        (0..DRAWS).map(|_| f64::from(normal_fixed(&mut rng)) / 65536.0).collect();
    assert!(mean(&values, |v| v).abs() < five_sigma(1.0));
    assert!((mean(&values, |v| v * v) - 1.0).abs() < five_sigma(2.0));
    assert!(mean(&values, |v| v.powi(3)).abs() < five_sigma(15.0));
    assert!((mean(&values, |v| v.powi(4)) - 3.0).abs() < five_sigma(96.0));
    let mut rng = seeded(0);
    let first: [i32; 4] = core::array::from_fn(|_| normal_fixed(&mut rng));
    assert_eq!(first, [39_258, 8_001, -50_736, -25_004]);
}

#[test]
fn fixed_normal_values_are_quantiles_of_their_words() {
    struct Word(u32);
    impl rand_core::TryRng for Word {
        type Error = core::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(self.0)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(self.0.into())
        }
        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
            Ok(())
        }
    }
    let mut worst = 0.0_f64;
    let words = (0..1_u32 << 15).map(|i| i << 16 | 0x8000).chain((4..31).map(|bit| 1 << bit));
    for word in words {
        let found = f64::from(normal_fixed(&mut Word(word))) / 65536.0;
        assert_eq!(normal_fixed(&mut Word(word | 1 << 31)), -normal_fixed(&mut Word(word)));
        // The chance of a larger value, counted: erfc(z/√2) is that of a larger size.
        let beyond = (f64::from(word) + 0.5) / f64::from(1_u32 << 31);
        let density = (-found * found / 2.0).exp() * (2.0 / core::f64::consts::PI).sqrt();
        let off = (libm::erfc(found / core::f64::consts::SQRT_2) - beyond) / density;
        // Below 2^-24 a word has too few bits for its place.
        if word >= 1 << 8 {
            worst = worst.max(off.abs());
        }
    }
    assert!(worst < 0.0023, "{worst}");
}
