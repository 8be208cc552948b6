//! AVX2 and FMA.

use core::arch::x86_64 as x86;
use core::ops::{Add, Div, Mul, Sub};

cpufeatures::new!(avx2_and_fma, "avx2", "fma");

/// Proof that the processor has AVX2 and FMA and that the system keeps their registers.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Avx2 {
    /// The proof, if the processor has them. Asked once; later calls read a cached answer.
    #[inline(always)]
    pub fn detect() -> Option<Self> {
        avx2_and_fma::get().then_some(Self(()))
    }
}

/// Work to be compiled for AVX2 and FMA: `run` and everything it calls must be inlined for that.
pub trait Kernel {
    /// What it returns.
    type Output;
    /// Does the work. Mark it `#[inline(always)]`.
    fn run(self, proof: Avx2) -> Self::Output;
}

/// Runs a kernel in a function that is compiled for AVX2 and FMA.
#[inline]
pub fn run<K: Kernel>(kernel: K, proof: Avx2) -> K::Output {
    #[target_feature(enable = "avx2,fma")]
    fn inner<K: Kernel>(kernel: K, proof: Avx2) -> K::Output {
        kernel.run(proof)
    }
    // SAFETY: `proof` exists, so the processor has both features.
    unsafe { inner(kernel, proof) }
}

macro_rules! registers {
    ($(#[$doc:meta])* $name:ident($inner:ty), $t:ty, $n:literal, $set1:ident, $load:ident, $store:ident,
     $add:ident, $sub:ident, $mul:ident, $div:ident, $fmadd:ident, $sqrt:ident, $max:ident,
     $and:ident, $andnot:ident, $or:ident, $blendv:ident, $movemask:ident, $gt:expr,
     $to_bits:ident, $shift:expr, $from_bits:ident, $biased:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name($inner);

        // SAFETY of every block below: a value of this type, or the proof among the arguments,
        // exists only where the processor has AVX2 and FMA; memory is touched through references
        // to whole arrays alone, by instructions that take any alignment.
        #[allow(clippy::undocumented_unsafe_blocks, reason = "said once, above")]
        impl $name {
            /// The same value in every place.
            #[inline(always)]
            pub fn splat(_: Avx2, x: $t) -> Self {
                Self(unsafe { x86::$set1(x) })
            }
            /// The values of an array.
            #[inline(always)]
            pub fn load(_: Avx2, x: &[$t; $n]) -> Self {
                Self(unsafe { x86::$load(x.as_ptr()) })
            }
            /// The values as an array.
            #[inline(always)]
            pub fn to_array(self) -> [$t; $n] {
                let mut out = [0.0; $n];
                unsafe { x86::$store(out.as_mut_ptr(), self.0) };
                out
            }
            /// `self·b + c`, rounded once.
            #[inline(always)]
            pub fn mul_add(self, b: Self, c: Self) -> Self {
                Self(unsafe { x86::$fmadd(self.0, b.0, c.0) })
            }
            /// √, correctly rounded.
            #[inline(always)]
            pub fn sqrt(self) -> Self {
                Self(unsafe { x86::$sqrt(self.0) })
            }
            /// The absolute value in every place.
            #[inline(always)]
            pub fn abs(self) -> Self {
                Self(unsafe { x86::$andnot(x86::$set1(-0.0), self.0) })
            }
            /// The size of `self` with the sign of `sign`.
            #[inline(always)]
            pub fn copysign(self, sign: Self) -> Self {
                Self(unsafe { x86::$or(self.abs().0, x86::$and(x86::$set1(-0.0), sign.0)) })
            }
            /// The larger of two numbers; `other` if one is NaN.
            #[inline(always)]
            pub fn fast_max(self, other: Self) -> Self {
                Self(unsafe { x86::$max(self.0, other.0) })
            }
            /// `2^self` for whole numbers in the range of exponents of normal numbers.
            #[inline(always)]
            pub fn exp2_whole(self) -> Self {
                // 1.5·2^(digits − 1) and the bias of exponents: beside it the last digits of a sum are
                // those of a whole number, the exponent, ready to be moved to its place.
                const BIASED: $t = $biased;
                let shift = $shift;
                Self(unsafe {
                    let biased = x86::$to_bits(x86::$add(self.0, x86::$set1(BIASED)));
                    x86::$from_bits(shift(biased))
                })
            }
            /// All bits set where `self > other`.
            #[inline(always)]
            pub fn simd_gt(self, other: Self) -> Self {
                let gt = $gt;
                Self(unsafe { gt(self.0, other.0) })
            }
            /// `yes` where `self` has its sign bit set, `no` elsewhere.
            #[inline(always)]
            pub fn bitselect(self, yes: Self, no: Self) -> Self {
                Self(unsafe { x86::$blendv(no.0, yes.0, self.0) })
            }
            /// Whether a sign bit is set.
            #[inline(always)]
            pub fn any(self) -> bool {
                unsafe { x86::$movemask(self.0) != 0 }
            }
        }

        registers!(@op $name, Add, add, $add);
        registers!(@op $name, Sub, sub, $sub);
        registers!(@op $name, Mul, mul, $mul);
        registers!(@op $name, Div, div, $div);
    };
    (@op $name:ident, $trait:ident, $method:ident, $intrinsic:ident) => {
        impl $trait for $name {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: as above.
                Self(unsafe { x86::$intrinsic(self.0, other.0) })
            }
        }
    };
}

registers!(
    /// Eight `f32`.
    F32x8(x86::__m256), f32, 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps,
    _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps, _mm256_div_ps, _mm256_fmadd_ps, _mm256_sqrt_ps, _mm256_max_ps,
    _mm256_and_ps, _mm256_andnot_ps, _mm256_or_ps, _mm256_blendv_ps,
    _mm256_movemask_ps, x86::_mm256_cmp_ps::<{ x86::_CMP_GT_OQ }>,
    _mm256_castps_si256, x86::_mm256_slli_epi32::<23>, _mm256_castsi256_ps, 12_583_039.0
);
registers!(
    /// Four `f32`.
    F32x4(x86::__m128), f32, 4, _mm_set1_ps, _mm_loadu_ps, _mm_storeu_ps,
    _mm_add_ps, _mm_sub_ps, _mm_mul_ps, _mm_div_ps, _mm_fmadd_ps, _mm_sqrt_ps, _mm_max_ps,
    _mm_and_ps, _mm_andnot_ps, _mm_or_ps, _mm_blendv_ps,
    _mm_movemask_ps, x86::_mm_cmpgt_ps,
    _mm_castps_si128, x86::_mm_slli_epi32::<23>, _mm_castsi128_ps, 12_583_039.0
);
registers!(
    /// Four `f64`.
    F64x4(x86::__m256d), f64, 4, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd,
    _mm256_add_pd, _mm256_sub_pd, _mm256_mul_pd, _mm256_div_pd, _mm256_fmadd_pd, _mm256_sqrt_pd, _mm256_max_pd,
    _mm256_and_pd, _mm256_andnot_pd, _mm256_or_pd, _mm256_blendv_pd,
    _mm256_movemask_pd, x86::_mm256_cmp_pd::<{ x86::_CMP_GT_OQ }>,
    _mm256_castpd_si256, x86::_mm256_slli_epi64::<52>, _mm256_castsi256_pd, 6_755_399_441_056_767.0
);
registers!(
    /// Two `f64`.
    F64x2(x86::__m128d), f64, 2, _mm_set1_pd, _mm_loadu_pd, _mm_storeu_pd,
    _mm_add_pd, _mm_sub_pd, _mm_mul_pd, _mm_div_pd, _mm_fmadd_pd, _mm_sqrt_pd, _mm_max_pd,
    _mm_and_pd, _mm_andnot_pd, _mm_or_pd, _mm_blendv_pd,
    _mm_movemask_pd, x86::_mm_cmpgt_pd,
    _mm_castpd_si128, x86::_mm_slli_epi64::<52>, _mm_castsi128_pd, 6_755_399_441_056_767.0
);

// SAFETY of the blocks below: as above.
#[allow(clippy::undocumented_unsafe_blocks, reason = "said once, above")]
impl F32x8 {
    /// The sum over the places of each of eight values.
    #[inline(always)]
    #[allow(clippy::many_single_char_names, reason = "they stand in order")]
    pub fn sums([a, b, c, d, e, f, g, h]: [Self; 8]) -> Self {
        unsafe {
            let (ab, cd) = (x86::_mm256_hadd_ps(a.0, b.0), x86::_mm256_hadd_ps(c.0, d.0));
            let (ef, gh) = (x86::_mm256_hadd_ps(e.0, f.0), x86::_mm256_hadd_ps(g.0, h.0));
            // Both halves hold sums over four places.
            let (first, last) = (x86::_mm256_hadd_ps(ab, cd), x86::_mm256_hadd_ps(ef, gh));
            let low = x86::_mm256_permute2f128_ps::<0x20>(first, last);
            let high = x86::_mm256_permute2f128_ps::<0x31>(first, last);
            Self(x86::_mm256_add_ps(low, high))
        }
    }
}

#[allow(clippy::undocumented_unsafe_blocks, reason = "said once, above")]
impl F32x4 {
    /// The sum over the places of each of four values.
    #[inline(always)]
    pub fn sums([a, b, c, d]: [Self; 4]) -> Self {
        unsafe { Self(x86::_mm_hadd_ps(x86::_mm_hadd_ps(a.0, b.0), x86::_mm_hadd_ps(c.0, d.0))) }
    }
}

#[allow(clippy::undocumented_unsafe_blocks, reason = "said once, above")]
impl F64x4 {
    /// The sum over the places of each of four values.
    #[inline(always)]
    pub fn sums([a, b, c, d]: [Self; 4]) -> Self {
        unsafe {
            let (ab, cd) = (x86::_mm256_hadd_pd(a.0, b.0), x86::_mm256_hadd_pd(c.0, d.0));
            let low = x86::_mm256_permute2f128_pd::<0x20>(ab, cd);
            let high = x86::_mm256_permute2f128_pd::<0x31>(ab, cd);
            Self(x86::_mm256_add_pd(low, high))
        }
    }
}

#[allow(clippy::undocumented_unsafe_blocks, reason = "said once, above")]
impl F64x2 {
    /// The sum over the places of both of two values.
    #[inline(always)]
    pub fn sums([a, b]: [Self; 2]) -> Self {
        unsafe { Self(x86::_mm_hadd_pd(a.0, b.0)) }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, clippy::cast_precision_loss, reason = "whole numbers below 2^24")]
mod tests {
    use super::*;

    /// Every operation against the scalar one, bit for bit.
    macro_rules! agree {
        ($name:ident, $t:ty, $n:literal) => {{
            struct Work;
            impl Kernel for Work {
                type Output = ();
                fn run(self, proof: Avx2) {
                    let values: [$t; 8] = [0.0, -0.0, 1.5, -2.25, 3e30, -1e-30, 7.0, -0.3];
                    for shift in 0..8 {
                        let x: [$t; $n] = core::array::from_fn(|i| values[i % 8]);
                        let y: [$t; $n] = core::array::from_fn(|i| values[(i + shift) % 8]);
                        let (a, b) = ($name::load(proof, &x), $name::load(proof, &y));
                        let check = |got: $name, want: fn($t, $t) -> $t| {
                            for ((&got, &x), &y) in got.to_array().iter().zip(&x).zip(&y) {
                                let want = want(x, y);
                                assert!(
                                    got.to_bits() == want.to_bits()
                                        || got.is_nan() && want.is_nan()
                                );
                            }
                        };
                        check(a + b, |x, y| x + y);
                        check(a - b, |x, y| x - y);
                        check(a * b, |x, y| x * y);
                        check(a / b, |x, y| x / y);
                        check(a.abs().sqrt(), |x, _| x.abs().sqrt());
                        check(a.abs(), |x, _| x.abs());
                        check(a.copysign(b), |x, y| x.copysign(y));
                        check(a.mul_add(b, $name::splat(proof, 0.1)), |x, y| x.mul_add(y, 0.1));
                        check(a.simd_gt(b).bitselect(a, b), |x, y| if x > y { x } else { y });
                        check(a.fast_max(b), |x, y| if x > y { x } else { y });
                        assert_eq!(a.simd_gt(b).any(), x.iter().zip(&y).any(|(x, y)| x > y));
                        let k = [-100.0, -63.0, -1.0, 0.0, 1.0, 2.0, 77.0, 127.0];
                        let k: [$t; $n] = core::array::from_fn(|i| k[(i + shift) % 8]);
                        let powers = $name::load(proof, &k).exp2_whole().to_array();
                        assert_eq!(powers, k.map(|k| k.exp2()));
                        // Small whole numbers: no order of additions rounds them.
                        let rows: [[$t; $n]; $n] = core::array::from_fn(|r| {
                            core::array::from_fn(|i| ((r * 7 + i * 3 + shift) % 11) as $t)
                        });
                        let sums = $name::sums(rows.map(|row| $name::load(proof, &row)));
                        assert_eq!(sums.to_array(), rows.map(|row| row.iter().sum::<$t>()));
                    }
                }
            }
            match Avx2::detect() {
                Some(proof) => run(Work, proof),
                None => std::eprintln!("skipped: the processor has no AVX2"),
            }
        }};
    }

    extern crate std;

    #[test]
    fn registers_agree_with_scalars() {
        agree!(F32x8, f32, 8);
        agree!(F32x4, f32, 4);
        agree!(F64x4, f64, 4);
        agree!(F64x2, f64, 2);
    }
}
