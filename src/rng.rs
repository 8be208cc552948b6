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
