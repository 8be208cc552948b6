//! AVX-512: the registers of AVX2, of which there are then twice as many, and registers twice as wide.

use core::arch::x86_64 as x86;
use core::ops::{Add, Div, Mul, Sub};

use crate::Kernel;
use crate::avx2::{Avx2, F32x8, F64x4};

cpufeatures::new!(avx512, "avx2", "fma", "avx512f", "avx512vl", "avx512bw", "avx512dq");

/// Proof that the processor has AVX-512 (F, VL, BW, DQ) and AVX2 and that the system keeps their
/// registers.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    /// The proof, if the processor has them. Asked once; later calls read a cached answer.
    #[inline(always)]
    pub fn detect() -> Option<Self> {
        avx512::get().then_some(Self(()))
    }

    /// What has AVX-512 has AVX2.
    #[inline(always)]
    pub fn avx2(self) -> Avx2 {
        Avx2(())
    }

    /// Runs a kernel in a function that is compiled for AVX-512.
    #[inline]
    pub fn run<K: Kernel<Self>>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")]
        fn inner<K: Kernel<Avx512>>(kernel: K, proof: Avx512) -> K::Output {
            kernel.run(proof)
        }
        // SAFETY: `self` exists, so the processor has these features.
        unsafe { inner(kernel, self) }
    }
}

registers!(
    /// Sixteen `f32`.
    F32x16(x86::__m512), Avx512, f32, 16, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps,
    _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps, _mm512_div_ps, _mm512_fmadd_ps, _mm512_sqrt_ps, _mm512_max_ps,
    _mm512_and_ps, _mm512_andnot_ps, _mm512_or_ps,
    _mm512_castps_si512, x86::_mm512_slli_epi32::<23>, _mm512_castsi512_ps, 12_583_039.0
);
registers!(
    /// Eight `f64`.
    F64x8(x86::__m512d), Avx512, f64, 8, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd,
    _mm512_add_pd, _mm512_sub_pd, _mm512_mul_pd, _mm512_div_pd, _mm512_fmadd_pd, _mm512_sqrt_pd, _mm512_max_pd,
    _mm512_and_pd, _mm512_andnot_pd, _mm512_or_pd,
    _mm512_castpd_si512, x86::_mm512_slli_epi64::<52>, _mm512_castsi512_pd, 6_755_399_441_056_767.0
);

macro_rules! masks {
    ($name:ident, $mask:ident($bits:ty), $cmp:ident, $blend:ident, $half:ident, $low:ident, $high:expr, $add:ident) => {
        /// A bit for every place.
        #[derive(Clone, Copy, Debug)]
        pub struct $mask($bits);

        // SAFETY of the blocks below: a value of this type exists only where there is AVX-512.
        #[allow(clippy::undocumented_unsafe_blocks, reason = "said once, above")]
        impl $name {
            /// Where `self > other`.
            #[inline(always)]
            pub fn simd_gt(self, other: Self) -> $mask {
                $mask(unsafe { x86::$cmp::<{ x86::_CMP_GT_OQ }>(self.0, other.0) })
            }
            /// The sum of both halves.
            #[inline(always)]
            pub fn halved(self) -> $half {
                let high = $high;
                $half(unsafe { x86::$add(x86::$low(self.0), high(self.0)) })
            }
        }

        impl $mask {
            /// `yes` where the mask holds, `no` elsewhere.
            #[inline(always)]
            pub fn bitselect(self, yes: $name, no: $name) -> $name {
                // SAFETY: values of this type exist only where there is AVX-512.
                $name(unsafe { x86::$blend(self.0, no.0, yes.0) })
            }
            /// Whether the mask holds somewhere.
            #[inline(always)]
            pub fn any(self) -> bool {
                self.0 != 0
            }
        }
    };
}
masks!(
    F32x16,
    Mask16(u16),
    _mm512_cmp_ps_mask,
    _mm512_mask_blend_ps,
    F32x8,
    _mm512_castps512_ps256,
    x86::_mm512_extractf32x8_ps::<1>,
    _mm256_add_ps
);
masks!(
    F64x8,
    Mask8(u8),
    _mm512_cmp_pd_mask,
    _mm512_mask_blend_pd,
    F64x4,
    _mm512_castpd512_pd256,
    x86::_mm512_extractf64x4_pd::<1>,
    _mm256_add_pd
);
