//! AVX2 and FMA.

use core::arch::x86_64 as x86;
use core::ops::{Add, Div, Mul, Sub};

use crate::Kernel;

cpufeatures::new!(avx2_and_fma, "avx2", "fma");

/// Proof that the processor has AVX2 and FMA and that the system keeps their registers.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(pub(crate) ());

impl Avx2 {
    /// The proof, if the processor has them. Asked once; later calls read a cached answer.
    #[inline(always)]
    pub fn detect() -> Option<Self> {
        avx2_and_fma::get().then_some(Self(()))
    }

    /// Runs a kernel in a function that is compiled for AVX2 and FMA.
    #[inline]
    pub fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        fn inner<K: Kernel<Avx2>>(kernel: K, proof: Avx2) -> K::Output {
            kernel.run(proof)
        }
        // SAFETY: `self` exists, so the processor has both features.
        unsafe { inner(kernel, self) }
    }
}

/// Comparisons whose answer is a register with all bits of a place set or none.
macro_rules! masks {
    ($name:ident, $blendv:ident, $movemask:ident, $gt:expr) => {
        // SAFETY of the blocks below: a value of this type exists only where there is AVX2.
        #[allow(clippy::undocumented_unsafe_blocks, reason = "said once, above")]
        impl $name {
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
    };
}

registers!(
    /// Eight `f32`.
    F32x8(x86::__m256), Avx2, f32, 8, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps,
    _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps, _mm256_div_ps, _mm256_fmadd_ps, _mm256_sqrt_ps, _mm256_max_ps,
    _mm256_and_ps, _mm256_andnot_ps, _mm256_or_ps,
    _mm256_castps_si256, x86::_mm256_slli_epi32::<23>, _mm256_castsi256_ps, 12_583_039.0
);
masks!(F32x8, _mm256_blendv_ps, _mm256_movemask_ps, x86::_mm256_cmp_ps::<{ x86::_CMP_GT_OQ }>);
registers!(
    /// Four `f32`.
    F32x4(x86::__m128), Avx2, f32, 4, _mm_set1_ps, _mm_loadu_ps, _mm_storeu_ps,
    _mm_add_ps, _mm_sub_ps, _mm_mul_ps, _mm_div_ps, _mm_fmadd_ps, _mm_sqrt_ps, _mm_max_ps,
    _mm_and_ps, _mm_andnot_ps, _mm_or_ps,
    _mm_castps_si128, x86::_mm_slli_epi32::<23>, _mm_castsi128_ps, 12_583_039.0
);
masks!(F32x4, _mm_blendv_ps, _mm_movemask_ps, x86::_mm_cmpgt_ps);
registers!(
    /// Four `f64`.
    F64x4(x86::__m256d), Avx2, f64, 4, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd,
    _mm256_add_pd, _mm256_sub_pd, _mm256_mul_pd, _mm256_div_pd, _mm256_fmadd_pd, _mm256_sqrt_pd, _mm256_max_pd,
    _mm256_and_pd, _mm256_andnot_pd, _mm256_or_pd,
    _mm256_castpd_si256, x86::_mm256_slli_epi64::<52>, _mm256_castsi256_pd, 6_755_399_441_056_767.0
);
masks!(F64x4, _mm256_blendv_pd, _mm256_movemask_pd, x86::_mm256_cmp_pd::<{ x86::_CMP_GT_OQ }>);
registers!(
    /// Two `f64`.
    F64x2(x86::__m128d), Avx2, f64, 2, _mm_set1_pd, _mm_loadu_pd, _mm_storeu_pd,
    _mm_add_pd, _mm_sub_pd, _mm_mul_pd, _mm_div_pd, _mm_fmadd_pd, _mm_sqrt_pd, _mm_max_pd,
    _mm_and_pd, _mm_andnot_pd, _mm_or_pd,
    _mm_castpd_si128, x86::_mm_slli_epi64::<52>, _mm_castsi128_pd, 6_755_399_441_056_767.0
);
masks!(F64x2, _mm_blendv_pd, _mm_movemask_pd, x86::_mm_cmpgt_pd);

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
