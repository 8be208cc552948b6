//! Sums of products in one fixed order, and the elementwise kernels.
//!
//! A sum depends on its order of additions. Here the order depends on the length alone: the
//! products go round-robin into `LANES` partial sums (8 for `f32`, 4 for `f64`) in each of four
//! accumulators, which a fixed tree adds up at the end; multiplication and addition are separate
//! steps. A target with vectors holds many partial sums in one register, one without takes them
//! one after the other, from the same source and with the same bits.
//!
//! With the feature `fast` a product and a sum are rounded together where the processor can do
//! that, and on x86-64 the registers are chosen at run time: results then differ in the last bits
//! from machine to machine.
//!
//! This is the only file that names `wide` and `eigenmote-arch`. `reduce_add` is not used: its order
//! differs between targets.

use core::ops::{Add, Div, Mul, Sub};

use crate::scalar::Scalar;

/// Neighbouring values held in one register; every operation works in each place by itself.
///
/// All of them are correctly rounded, so that the results do not depend on `LEN`.
pub trait Lanes<T>:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// How many values; divides `T::LANES`.
    const LEN: usize;
    /// A truth value for every place.
    type Mask: Copy;
    /// Writes the first `LEN` values of `out`, or as many as there are.
    fn store(self, out: &mut [T]);
    /// Overwrites the `LEN` values from `i` on; does nothing if there are fewer.
    fn store_at(self, out: &mut [T], i: usize);
    /// `self·b + c`: rounded twice, or once with the feature `fast` where the processor can.
    #[must_use]
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `√self`.
    #[must_use]
    fn sqrt(self) -> Self;
    /// `|self|`.
    #[must_use]
    fn abs(self) -> Self;
    /// `|self|` with the sign of `sign`.
    #[must_use]
    fn copysign(self, sign: Self) -> Self;
    /// The larger of two numbers.
    #[must_use]
    fn larger(self, other: Self) -> Self;
    /// `2^self` for whole numbers from `MIN_EXP` to `MAX_EXP`.
    #[must_use]
    fn exp2_whole(self) -> Self;
    /// `self > other`; false for NaN.
    fn gt(self, other: Self) -> Self::Mask;
    /// `yes` where the mask holds, `no` elsewhere.
    #[must_use]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// Whether the mask holds somewhere.
    fn any(mask: Self::Mask) -> bool;
}

/// A register type that any processor of the target has.
pub trait Portable<T>: Lanes<T> {
    /// `x` in every place.
    fn splat(x: T) -> Self;
    /// The first `LEN` values of `x`; missing ones count as zero.
    fn load(x: &[T]) -> Self;
    /// The `LEN` values from `i` on; zeros if there are fewer.
    fn load_at(x: &[T], i: usize) -> Self;
    /// Sums over the places of four values; of `T::LANES` places in the order of [`dot`].
    fn sums_of_four(x: [Self; 4]) -> [T; 4];
}

/// A set of registers, as a value: it proves that the processor has them, and makes them.
///
/// The kernels below are written once, for any set. What is compiled for registers that are found
/// at run time must be inlined into one function; hence `inline(always)` all along.
pub trait Simd<T: Scalar>: Copy {
    /// How many sums a kernel should keep at a time: so many that the processor need not wait for
    /// one of them, and no more than its registers hold.
    const SUMS: usize;
    /// The register that holds most values.
    type V: Lanes<T>;
    /// Registers of half the width, for short vectors.
    type Half: Simd<T>;
    /// The set of half the width.
    fn half(self) -> Self::Half;
    /// `x` in every place.
    fn splat(self, x: T) -> Self::V;
    /// The first `LEN` values of `x`; missing ones count as zero.
    fn load(self, x: &[T]) -> Self::V;
    /// The `LEN` values from `i` on; zeros if there are fewer.
    fn load_at(self, x: &[T], i: usize) -> Self::V;

    /// [`dot`] in these registers.
    #[inline(always)]
    fn dot(self, x: &[T], y: &[T]) -> T {
        let n = x.len().min(y.len());
        let narrower = <Self::Half as Simd<T>>::V::LEN < Self::V::LEN;
        if narrower && n < Self::V::LEN || Self::V::LEN > T::LANES {
            return self.half().dot(x, y);
        }
        let (x, y) = (x.get(..n).unwrap_or(&[]), y.get(..n).unwrap_or(&[]));
        let mut lanes = [T::ZERO; 8];
        for (group, out) in
            lanes.chunks_exact_mut(Self::V::LEN).take(T::LANES / Self::V::LEN).enumerate()
        {
            partial_sums(self, x, y, group * Self::V::LEN).store(out);
        }
        tree(&lanes, T::LANES)
    }

    /// How many partial sums a product of [`products`](Self::products) has in each place.
    const PARTS: usize;
    /// Sums over the places of four values; of `T::LANES` places in the order of [`dot`].
    fn sums_of_four(self, x: [Self::V; 4]) -> [T; 4];

    /// `W·x` for the rows of `W`.
    #[inline(always)]
    fn products<const D: usize>(self, rows: &[[T; D]], x: &[T; D], out: &mut [T]) {
        if Self::PARTS > 1 && Self::V::LEN < T::LANES / 2 {
            for (out, row) in out.iter_mut().zip(rows) {
                *out = self.dot(row, x);
            }
            return;
        }
        // Every part goes through the rows again: eight of them if they then are in the nearest cache.
        let near = Self::PARTS == 1 || size_of::<[[T; D]; 8]>() <= 4096;
        let half = <Self::Half as Simd<T>>::V::LEN;
        let narrow = if Self::PARTS == 1 { D <= half } else { Self::SUMS < 8 && near };
        if half < Self::V::LEN && narrow {
            return self.half().products(rows, x, out);
        }
        let (x, out, mut k) = ([x], &mut [out], 0);
        if Self::SUMS >= 8 && near {
            k = product_tiles::<T, Self, _, D, 8, 1>(self, rows, x, out, k);
        }
        k = product_tiles::<T, Self, _, D, 4, 1>(self, rows, x, out, k);
        product_tiles::<T, Self, _, D, 1, 1>(self, rows, x, out, k);
    }

    /// `W·x` for several `x`, with the bits of [`products`](Self::products): they share the loads of `W`.
    #[inline(always)]
    fn products_of_some<const D: usize, const K: usize, const B: usize>(
        self,
        rows: &[[T; D]; K],
        x: [&[T; D]; B],
        out: &mut [[T; K]; B],
    ) {
        let mut k = 0;
        if Self::PARTS == 1 && D > <Self::Half as Simd<T>>::V::LEN {
            k = product_tiles::<T, Self, _, D, 4, B>(self, rows, x, out, 0);
        }
        let rows = rows.get(k..).unwrap_or(&[]);
        if !rows.is_empty() {
            for (x, out) in x.into_iter().zip(out) {
                self.products(rows, x, out.get_mut(k..).unwrap_or(&mut []));
            }
        }
    }
}

/// Work that [`dispatch`](Scalar::dispatch) carries out in the best registers there are.
pub trait Kernel<T: Scalar> {
    /// What it returns.
    type Output;
    /// Whether it is compiled for AVX-512 too, where that pays. `LEN` may then be twice `T::LANES`: no
    /// order of additions may depend on that but for the feature `fast`.
    const WIDE: bool = false;
    /// Does the work. Mark it `#[inline(always)]`.
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output;
}

/// The registers that every processor of the target has.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

/// Half of [`Plain`].
#[derive(Clone, Copy, Debug)]
pub struct PlainHalf;

macro_rules! plain {
    ($set:ident, $v:ident, $half:ident, $sums:expr) => {
        impl<T: Scalar> Simd<T> for $set {
            const SUMS: usize = $sums;
            const PARTS: usize = 4;
            type V = T::$v;
            type Half = $half;
            #[inline(always)]
            fn half(self) -> $half {
                $half
            }
            #[inline(always)]
            fn splat(self, x: T) -> T::$v {
                <T::$v>::splat(x)
            }
            #[inline(always)]
            fn load(self, x: &[T]) -> T::$v {
                <T::$v>::load(x)
            }
            #[inline(always)]
            fn load_at(self, x: &[T], i: usize) -> T::$v {
                <T::$v>::load_at(x, i)
            }
            #[inline(always)]
            fn sums_of_four(self, x: [T::$v; 4]) -> [T; 4] {
                <T::$v>::sums_of_four(x)
            }
        }
    };
}
// With SSE2 alone a value of `Plain` takes two of 16 registers.
plain!(
    Plain,
    Lanes,
    PlainHalf,
    if cfg!(any(target_feature = "avx", target_arch = "aarch64")) { 8 } else { 4 }
);
plain!(PlainHalf, HalfLanes, PlainHalf, if VECTORS { 8 } else { 4 });

/// Single values as a set of registers.
#[derive(Clone, Copy, Debug)]
pub struct Single;

impl<T: Scalar> Simd<T> for Single {
    const SUMS: usize = 4;
    const PARTS: usize = 4;
    type V = T;
    type Half = Self;
    #[inline(always)]
    fn half(self) -> Self {
        self
    }
    #[inline(always)]
    fn splat(self, x: T) -> T {
        x
    }
    #[inline(always)]
    fn load(self, x: &[T]) -> T {
        T::load(x)
    }
    #[inline(always)]
    fn load_at(self, x: &[T], i: usize) -> T {
        T::load_at(x, i)
    }
    #[inline(always)]
    fn sums_of_four(self, x: [T; 4]) -> [T; 4] {
        x
    }
}

/// Two sets of the same registers side by side: a step in one need not wait for those in the other.
#[derive(Clone, Copy, Debug)]
pub struct Twice<S>(pub S);

/// Two registers.
#[derive(Clone, Copy, Debug)]
pub struct Pair<V>(V, V);

macro_rules! pair_operation {
    ($trait:ident, $method:ident) => {
        impl<V: $trait<Output = V>> $trait for Pair<V> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(self.0.$method(other.0), self.1.$method(other.1))
            }
        }
    };
}
pair_operation!(Add, add);
pair_operation!(Sub, sub);
pair_operation!(Mul, mul);
pair_operation!(Div, div);

impl<T: Scalar, V: Lanes<T>> Lanes<T> for Pair<V> {
    const LEN: usize = 2 * V::LEN;
    type Mask = (V::Mask, V::Mask);
    #[inline(always)]
    fn store(self, out: &mut [T]) {
        self.0.store(out);
        self.1.store(out.get_mut(V::LEN..).unwrap_or(&mut []));
    }
    #[inline(always)]
    fn store_at(self, out: &mut [T], i: usize) {
        if out.len() >= i + Self::LEN {
            self.0.store_at(out, i);
            self.1.store_at(out, i + V::LEN);
        }
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Self(self.0.mul_add(b.0, c.0), self.1.mul_add(b.1, c.1))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.sqrt(), self.1.sqrt())
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self(self.0.abs(), self.1.abs())
    }
    #[inline(always)]
    fn copysign(self, sign: Self) -> Self {
        Self(self.0.copysign(sign.0), self.1.copysign(sign.1))
    }
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        Self(self.0.larger(other.0), self.1.larger(other.1))
    }
    #[inline(always)]
    fn exp2_whole(self) -> Self {
        Self(self.0.exp2_whole(), self.1.exp2_whole())
    }
    #[inline(always)]
    fn gt(self, other: Self) -> Self::Mask {
        (self.0.gt(other.0), self.1.gt(other.1))
    }
    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        Self(V::select(mask.0, yes.0, no.0), V::select(mask.1, yes.1, no.1))
    }
    #[inline(always)]
    fn any(mask: Self::Mask) -> bool {
        V::any(mask.0) | V::any(mask.1)
    }
}

impl<T: Scalar, S: Simd<T>> Simd<T> for Twice<S> {
    const SUMS: usize = S::SUMS / 2;
    const PARTS: usize = S::PARTS;
    type V = Pair<S::V>;
    type Half = S;
    #[inline(always)]
    fn half(self) -> S {
        self.0
    }
    #[inline(always)]
    fn splat(self, x: T) -> Self::V {
        Pair(self.0.splat(x), self.0.splat(x))
    }
    #[inline(always)]
    fn load(self, x: &[T]) -> Self::V {
        Pair(self.0.load(x), self.0.load(x.get(S::V::LEN..).unwrap_or(&[])))
    }
    #[inline(always)]
    fn load_at(self, x: &[T], i: usize) -> Self::V {
        if x.len() < i + Self::V::LEN {
            return self.splat(T::ZERO);
        }
        Pair(self.0.load_at(x, i), self.0.load_at(x, i + S::V::LEN))
    }
    #[inline(always)]
    fn sums_of_four(self, [a, b, c, d]: [Self::V; 4]) -> [T; 4] {
        let [low_a, low_b, low_c, low_d] = self.0.sums_of_four([a.0, b.0, c.0, d.0]);
        let [a, b, c, d] = self.0.sums_of_four([a.1, b.1, c.1, d.1]);
        [low_a + a, low_b + b, low_c + c, low_d + d]
    }
}

macro_rules! scalar_lanes {
    ($t:ident, $sqrt:ident, $vector:ident, $biased:literal) => {
        impl Lanes<$t> for $t {
            const LEN: usize = 1;
            type Mask = bool;
            #[inline(always)]
            fn store(self, out: &mut [$t]) {
                self.store_at(out, 0);
            }
            #[inline(always)]
            fn store_at(self, out: &mut [$t], i: usize) {
                if let Some(slot) = out.get_mut(i) {
                    *slot = self;
                }
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                self * b + c
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                // What libm uses on x86-64 is encoded for SSE, and stalls between instructions of AVX.
                #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
                let [root, ..] = wide::$vector::splat(self).sqrt().to_array();
                #[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
                let root = root::$sqrt(self);
                root
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $t::abs(self)
            }
            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                $t::copysign(self, sign)
            }
            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                if self > other { self } else { other }
            }
            #[inline(always)]
            fn exp2_whole(self) -> Self {
                // Beside this number the last digits of a sum are those of the exponent, ready to be
                // moved to their place.
                const BIASED: $t = $biased;
                <$t>::from_bits((self + BIASED).to_bits() << (<$t>::MANTISSA_DIGITS - 1))
            }
            #[inline(always)]
            fn gt(self, other: Self) -> bool {
                self > other
            }
            #[inline(always)]
            fn select(mask: bool, yes: Self, no: Self) -> Self {
                if mask { yes } else { no }
            }
            #[inline(always)]
            fn any(mask: bool) -> bool {
                mask
            }
        }
        impl Portable<$t> for $t {
            #[inline(always)]
            fn splat(x: $t) -> Self {
                x
            }
            #[inline(always)]
            fn load(x: &[$t]) -> Self {
                Self::load_at(x, 0)
            }
            #[inline(always)]
            fn load_at(x: &[$t], i: usize) -> Self {
                x.get(i).copied().unwrap_or(0.0)
            }
            #[inline(always)]
            fn sums_of_four(x: [Self; 4]) -> [$t; 4] {
                x
            }
        }
    };
}
// The numbers are 3·2²² + 127 and 3·2⁵¹ + 1023.
scalar_lanes!(f32, sqrtf, f32x4, 12_583_039.0);
scalar_lanes!(f64, sqrt, f64x2, 6_755_399_441_056_767.0);

/// The square root of a single value. Every one of them is correctly rounded.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
mod root {
    #[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
    pub(super) use eigenmote_arch::sqrt as sqrtf;
    pub(super) use libm::sqrt;
    #[cfg(not(all(target_arch = "arm", target_abi = "eabihf")))]
    pub(super) use libm::sqrtf;
}

/// [`Lanes`] for a vector type with the methods of `wide`, and with these two.
#[cfg(any(
    target_feature = "sse2",
    target_arch = "aarch64",
    target_feature = "simd128",
    all(feature = "fast", target_arch = "x86_64")
))]
macro_rules! vector_lanes {
    ($t:ty, $v:ty, $mask:ty, $n:literal, mul_add: $mul_add:expr, copysign: $copysign:expr, exp2_whole: $exp2_whole:expr) => {
        impl Lanes<$t> for $v {
            const LEN: usize = $n;
            type Mask = $mask;
            #[inline(always)]
            fn store(self, out: &mut [$t]) {
                match out.first_chunk_mut::<$n>() {
                    Some(full) => *full = self.to_array(),
                    None => {
                        for (o, v) in out.iter_mut().zip(self.to_array()) {
                            *o = v;
                        }
                    }
                }
            }
            #[inline(always)]
            fn store_at(self, out: &mut [$t], i: usize) {
                if let Some(slots) = out.get_mut(i..i + $n).and_then(<[$t]>::first_chunk_mut::<$n>)
                {
                    *slots = self.to_array();
                }
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                $mul_add(self, b, c)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                // One instruction on every target that has these registers.
                <$v>::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$v>::abs(self)
            }
            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                $copysign(self, sign)
            }
            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                <$v>::fast_max(self, other)
            }
            #[inline(always)]
            fn exp2_whole(self) -> Self {
                $exp2_whole(self)
            }
            #[inline(always)]
            fn gt(self, other: Self) -> $mask {
                self.simd_gt(other)
            }
            #[inline(always)]
            fn select(mask: $mask, yes: Self, no: Self) -> Self {
                mask.bitselect(yes, no)
            }
            #[inline(always)]
            fn any(mask: $mask) -> bool {
                mask.any()
            }
        }
    };
}

/// The first values of a slice; missing ones count as zero. Entry by entry where some are missing:
/// a copy of unknown length would be a call.
#[cfg(any(
    target_feature = "sse2",
    target_arch = "aarch64",
    target_feature = "simd128",
    all(feature = "fast", target_arch = "x86_64")
))]
#[inline(always)]
fn first_or_zero<T: Scalar, const LEN: usize>(x: &[T]) -> [T; LEN] {
    match x.first_chunk() {
        Some(full) => *full,
        None => core::array::from_fn(|i| x.get(i).copied().unwrap_or(T::ZERO)),
    }
}

/// Vector registers on targets that have them for both types.
#[cfg(any(target_feature = "sse2", target_arch = "aarch64", target_feature = "simd128"))]
mod vector {
    use super::{Lanes, Portable, first_or_zero};

    pub(crate) use wide::{
        f32x4 as F32Half, f32x8 as F32Lanes, f64x2 as F64Half, f64x4 as F64Lanes,
    };

    /// Whether the registers hold more than one value.
    pub(crate) const VECTORS: bool = true;

    macro_rules! wide_lanes {
        ($t:ty, $v:ty, $n:literal, $sums_of_four:expr) => {
            vector_lanes!(
                $t, $v, $v, $n,
                mul_add: |a: $v, b, c| if cfg!(feature = "fast") { <$v>::mul_add(a, b, c) } else { a * b + c },
                copysign: |x: $v, sign| x.abs() | (sign & <$v>::splat(-0.0)),
                exp2_whole: |k: $v| <$v>::new(k.to_array().map(<$t as Lanes<$t>>::exp2_whole))
            );
            impl Portable<$t> for $v {
                #[inline(always)]
                fn splat(x: $t) -> Self {
                    <$v>::splat(x)
                }
                #[inline(always)]
                fn load(x: &[$t]) -> Self {
                    Self::new(first_or_zero(x))
                }
                #[inline(always)]
                fn load_at(x: &[$t], i: usize) -> Self {
                    let values = x.get(i..i + $n).and_then(<[$t]>::first_chunk::<$n>);
                    Self::new(*values.unwrap_or(&[0.0; $n]))
                }
                #[inline(always)]
                fn sums_of_four(x: [Self; 4]) -> [$t; 4] {
                    let sums_of_four: fn([Self; 4]) -> [$t; 4] = $sums_of_four;
                    sums_of_four(x)
                }
            }
        };
    }
    wide_lanes!(f32, F32Lanes, 8, |x| four_f32(x.map(|x| {
        let [a, b, c, d, e, f, g, h] = x.to_array();
        F32Half::new([a, b, c, d]) + F32Half::new([e, f, g, h])
    })));
    wide_lanes!(f32, F32Half, 4, four_f32);
    wide_lanes!(f64, F64Lanes, 4, |x| four_f64(x.map(|x| {
        let [a, b, c, d] = x.to_array();
        F64Half::new([a, b]) + F64Half::new([c, d])
    })));
    wide_lanes!(f64, F64Half, 2, four_f64);

    /// `(a + c) + (b + d)` for each of four registers.
    #[inline(always)]
    fn four_f32(x: [F32Half; 4]) -> [f32; 4] {
        let [a, b, c, d] = F32Half::transpose(x);
        ((a + c) + (b + d)).to_array()
    }

    /// `a + b` for each of four registers.
    #[inline(always)]
    fn four_f64([w, x, y, z]: [F64Half; 4]) -> [f64; 4] {
        let ([a, b], [c, d]) = (F64Half::transpose([w, x]), F64Half::transpose([y, z]));
        let ([w, x], [y, z]) = ((a + b).to_array(), (c + d).to_array());
        [w, x, y, z]
    }
}
#[cfg(not(any(target_feature = "sse2", target_arch = "aarch64", target_feature = "simd128")))]
mod vector {
    pub(crate) type F32Lanes = f32;
    pub(crate) type F32Half = f32;
    pub(crate) type F64Lanes = f64;
    pub(crate) type F64Half = f64;
    pub(crate) const VECTORS: bool = false;
}
pub(crate) use vector::{F32Half, F32Lanes, F64Half, F64Lanes, VECTORS};

/// Registers found at run time.
#[cfg(all(feature = "fast", target_arch = "x86_64"))]
mod found {
    use super::{Kernel, Lanes, Simd, first_or_zero};
    use crate::scalar::Scalar;
    use eigenmote_arch::{
        self as arch, Avx2, Avx512, F32x4, F32x8, F32x16, F64x2, F64x4, F64x8, Mask8, Mask16,
    };

    /// Half of [`Avx2`].
    #[derive(Clone, Copy, Debug)]
    pub struct Avx2Half(Avx2);

    macro_rules! lanes {
        ($t:ty, $v:ty, $mask:ty, $n:literal) => {
            vector_lanes!(
                $t, $v, $mask, $n,
                mul_add: |a: $v, b, c| a.mul_add(b, c),
                copysign: |x: $v, sign| x.copysign(sign),
                exp2_whole: |k: $v| k.exp2_whole()
            );
        };
    }
    lanes!(f32, F32x4, F32x4, 4);
    lanes!(f32, F32x8, F32x8, 8);
    lanes!(f32, F32x16, Mask16, 16);
    lanes!(f64, F64x2, F64x2, 2);
    lanes!(f64, F64x4, F64x4, 4);
    lanes!(f64, F64x8, Mask8, 8);

    macro_rules! registers {
        ($t:ty, $set:ty, $proof:expr, $v:ty, $n:literal, $sums:expr, $half:ty, $halved:expr) => {
            impl Simd<$t> for $set {
                const SUMS: usize = 8;
                const PARTS: usize = 1;
                type V = $v;
                type Half = $half;
                #[inline(always)]
                fn half(self) -> $half {
                    $halved(self)
                }
                #[inline(always)]
                fn splat(self, x: $t) -> $v {
                    <$v>::splat($proof(self), x)
                }
                #[inline(always)]
                fn load(self, x: &[$t]) -> $v {
                    <$v>::load($proof(self), &first_or_zero(x))
                }
                #[inline(always)]
                fn load_at(self, x: &[$t], i: usize) -> $v {
                    let values = x.get(i..i + $n).and_then(<[$t]>::first_chunk::<$n>);
                    <$v>::load($proof(self), values.unwrap_or(&[0.0; $n]))
                }
                #[inline(always)]
                fn sums_of_four(self, [a, b, c, d]: [$v; 4]) -> [$t; 4] {
                    $sums(a, b, c, d)
                }
            }
        };
    }
    registers!(f32, Avx512, |s| s, F32x16, 16, of_sixteen, Avx2, Self::avx2);
    registers!(f64, Avx512, |s| s, F64x8, 8, of_eight_f64, Avx2, Self::avx2);
    registers!(f32, Avx2, |s| s, F32x8, 8, of_eight, Avx2Half, Avx2Half);
    registers!(f64, Avx2, |s| s, F64x4, 4, of_four_f64, Avx2Half, Avx2Half);
    registers!(f32, Avx2Half, |s: Self| s.0, F32x4, 4, of_four, Self, |s| s);
    registers!(f64, Avx2Half, |s: Self| s.0, F64x2, 2, of_two, Self, |s| s);

    #[inline(always)]
    fn of_sixteen(a: F32x16, b: F32x16, c: F32x16, d: F32x16) -> [f32; 4] {
        of_eight(a.halved(), b.halved(), c.halved(), d.halved())
    }
    #[inline(always)]
    fn of_eight_f64(a: F64x8, b: F64x8, c: F64x8, d: F64x8) -> [f64; 4] {
        of_four_f64(a.halved(), b.halved(), c.halved(), d.halved())
    }
    #[inline(always)]
    fn of_eight(a: F32x8, b: F32x8, c: F32x8, d: F32x8) -> [f32; 4] {
        let [a, b, c, d, ..] = F32x8::sums([a, b, c, d, a, b, c, d]).to_array();
        [a, b, c, d]
    }
    #[inline(always)]
    fn of_four(a: F32x4, b: F32x4, c: F32x4, d: F32x4) -> [f32; 4] {
        F32x4::sums([a, b, c, d]).to_array()
    }
    #[inline(always)]
    fn of_four_f64(a: F64x4, b: F64x4, c: F64x4, d: F64x4) -> [f64; 4] {
        F64x4::sums([a, b, c, d]).to_array()
    }
    #[inline(always)]
    fn of_two(a: F64x2, b: F64x2, c: F64x2, d: F64x2) -> [f64; 4] {
        let ([a, b], [c, d]) = (F64x2::sums([a, b]).to_array(), F64x2::sums([c, d]).to_array());
        [a, b, c, d]
    }

    /// A [`Kernel`] as `eigenmote-arch` wants it.
    struct Found<T, K>(K, core::marker::PhantomData<T>);

    impl<T: Scalar, K: Kernel<T>, P: Simd<T>> arch::Kernel<P> for Found<T, K> {
        type Output = K::Output;
        #[inline(always)]
        fn run(self, proof: P) -> K::Output {
            self.0.run(proof)
        }
    }

    /// Carries out `kernel` with AVX-512, if it asks for that, or with AVX2 and FMA, where the
    /// processor has them.
    #[inline(always)]
    pub(crate) fn dispatch<T: Scalar, K: Kernel<T>>(kernel: K) -> K::Output
    where
        Avx2: Simd<T>,
        Avx512: Simd<T>,
    {
        if K::WIDE
            && let Some(proof) = Avx512::detect()
        {
            return proof.run(Found(kernel, core::marker::PhantomData));
        }
        match Avx2::detect() {
            Some(proof) => proof.run(Found(kernel, core::marker::PhantomData)),
            None => kernel.run(super::Plain),
        }
    }
}
#[cfg(not(all(feature = "fast", target_arch = "x86_64")))]
mod found {
    use super::{Kernel, Plain};
    use crate::scalar::Scalar;

    #[inline(always)]
    pub(crate) fn dispatch<T: Scalar, K: Kernel<T>>(kernel: K) -> K::Output {
        kernel.run(Plain)
    }
}
pub(crate) use found::dispatch;

/// The widest register any implementation uses.
pub(crate) const MAX_LANES: usize =
    if cfg!(all(feature = "fast", target_arch = "x86_64")) { 16 } else { 8 };

/// `x·y`. If the lengths differ, the longer one is cut.
///
/// # Cost
/// `2·n` flops. The rounding error is at most `(n/(4·LANES) + 7)·ε·Σ|xᵢyᵢ|`.
#[inline]
pub fn dot<T: Scalar>(x: &[T], y: &[T]) -> T {
    Plain.dot(x, y)
}

/// The partial sums of the products at `first, first + 1, …, first + LEN − 1` modulo `LANES`.
#[inline(always)]
fn partial_sums<T: Scalar, S: Simd<T>>(s: S, x: &[T], y: &[T], first: usize) -> S::V {
    let chunk = |v: &'_ [T], at: usize| -> S::V {
        s.load(v.get(at..).map_or(&[], |rest| rest.get(..S::V::LEN).unwrap_or(rest)))
    };
    let add = |sum: S::V, at: usize| chunk(x, at).mul_add(chunk(y, at), sum);
    let n = x.len();
    let none = s.splat(T::ZERO);
    let (mut a, mut b, mut c, mut d) = (none, none, none, none);
    let mut at = first;
    // Four accumulators by name: one with a variable index costs twice the time.
    while at + 3 * T::LANES + S::V::LEN <= n {
        a = add(a, at);
        b = add(b, at + T::LANES);
        c = add(c, at + 2 * T::LANES);
        d = add(d, at + 3 * T::LANES);
        at += 4 * T::LANES;
    }
    // At most four products are left, the last of them perhaps incomplete.
    if at < n {
        a = add(a, at);
    }
    if at + T::LANES < n {
        b = add(b, at + T::LANES);
    }
    if at + 2 * T::LANES < n {
        c = add(c, at + 2 * T::LANES);
    }
    if at + 3 * T::LANES < n {
        d = add(d, at + 3 * T::LANES);
    }
    (a + b) + (c + d)
}

/// The products of rows from `k` on, `R` at a time, with each `x`; the first row that is left.
#[inline(always)]
fn product_tiles<T, S, O, const D: usize, const R: usize, const B: usize>(
    s: S,
    rows: &[[T; D]],
    x: [&[T; D]; B],
    out: &mut [O; B],
    mut k: usize,
) -> usize
where
    T: Scalar,
    S: Simd<T>,
    O: AsMut<[T]>,
{
    while let Some(rows) = rows.get(k..).and_then(<[_]>::first_chunk::<R>) {
        let sums = tile::<T, S, D, R, B>(s, rows, x);
        for (sums, out) in sums.iter().zip(&mut *out) {
            store_sums(s, sums, out.as_mut().get_mut(k..k + R).unwrap_or(&mut []));
        }
        k += R;
    }
    k
}

/// Sums over places.
#[inline(always)]
fn store_sums<T: Scalar, S: Simd<T>, const R: usize>(s: S, sums: &[S::V; R], out: &mut [T]) {
    let mut i = 0;
    while i < R {
        let four = sums.get(i..).and_then(<[_]>::first_chunk::<4>);
        if let (Some(&four), Some(out)) = (four, out.get_mut(i..).and_then(<[_]>::first_chunk_mut))
        {
            *out = s.sums_of_four(four);
        } else if let (Some(&sum), Some(out)) = (sums.get(i), out.get_mut(i)) {
            [*out, ..] = s.sums_of_four([sum; 4]);
        }
        i += 4;
    }
}

/// The products of `R` rows with each `x`, summed up to one register each.
#[inline(always)]
fn tile<T: Scalar, S: Simd<T>, const D: usize, const R: usize, const B: usize>(
    s: S,
    rows: &[[T; D]; R],
    x: [&[T; D]; B],
) -> [[S::V; R]; B] {
    if S::PARTS == 1 {
        return part_of_tile::<T, S, D, R, B>(s, rows, x, 0, S::V::LEN);
    }
    let mut sums = parts_of_tile::<T, S, D, R, B>(s, rows, x, 0);
    if S::V::LEN < T::LANES {
        // The other half of the places; their sums with the first are the first step of the tree.
        add_tile(&mut sums, &parts_of_tile::<T, S, D, R, B>(s, rows, x, S::V::LEN));
    }
    sums
}

/// The sums in the places from `first` on, with the four accumulators of [`partial_sums`].
#[inline(always)]
fn parts_of_tile<T: Scalar, S: Simd<T>, const D: usize, const R: usize, const B: usize>(
    s: S,
    rows: &[[T; D]; R],
    x: [&[T; D]; B],
    first: usize,
) -> [[S::V; R]; B] {
    let step = 4 * T::LANES;
    let mut sums = part_of_tile::<T, S, D, R, B>(s, rows, x, first, step);
    let at = first + T::LANES;
    add_tile(&mut sums, &part_of_tile::<T, S, D, R, B>(s, rows, x, at, step));
    let at = first + 2 * T::LANES;
    let mut last = part_of_tile::<T, S, D, R, B>(s, rows, x, at, step);
    let at = first + 3 * T::LANES;
    add_tile(&mut last, &part_of_tile::<T, S, D, R, B>(s, rows, x, at, step));
    add_tile(&mut sums, &last);
    sums
}

#[inline(always)]
fn add_tile<V: Copy + Add<Output = V>, const R: usize, const B: usize>(
    sums: &mut [[V; R]; B],
    more: &[[V; R]; B],
) {
    for (sums, more) in sums.iter_mut().zip(more) {
        for (sum, &more) in sums.iter_mut().zip(more) {
            *sum = *sum + more;
        }
    }
}

/// The sums of the products in registers from place `i` on, `step` places apart.
#[inline(always)]
fn part_of_tile<T: Scalar, S: Simd<T>, const D: usize, const R: usize, const B: usize>(
    s: S,
    rows: &[[T; D]; R],
    x: [&[T; D]; B],
    mut i: usize,
    step: usize,
) -> [[S::V; R]; B] {
    let mut sums = [[s.splat(T::ZERO); R]; B];
    if i >= T::LANES && i + S::V::LEN <= D {
        // Nothing is added to the first product of a later part: that the sum of the first part is no
        // negative zero is enough.
        each_product(&mut sums, rows, x, |x| s.load_at(x, i), |_, row, x| row * x);
        i += step;
    }
    while i + S::V::LEN <= D {
        each_product(&mut sums, rows, x, |x| s.load_at(x, i), |sum, row, x| row.mul_add(x, sum));
        i += step;
    }
    if i < D {
        let rest = |x: &[T; D]| s.load(x.get(i..).unwrap_or(&[]));
        each_product(&mut sums, rows, x, rest, |sum, row, x| row.mul_add(x, sum));
    }
    sums
}

/// Replaces the sum of each row and each `x` by what `next` makes of it and of what `load` takes of
/// both. By number and not zipped: iterators over three things are not always inlined, and the sums
/// then leave their registers.
#[inline(always)]
fn each_product<T, V: Copy, const D: usize, const R: usize, const B: usize>(
    sums: &mut [[V; R]; B],
    rows: &[[T; D]; R],
    x: [&[T; D]; B],
    load: impl Fn(&[T; D]) -> V,
    next: impl Fn(V, V, V) -> V,
) {
    let x = x.map(&load);
    for r in 0..R {
        let Some(row) = rows.get(r) else { break };
        let row = load(row);
        for b in 0..B {
            if let (Some(sum), Some(&x)) = (sums.get_mut(b).and_then(|s| s.get_mut(r)), x.get(b)) {
                *sum = next(*sum, row, x);
            }
        }
    }
}

#[inline(always)]
fn tree<T: Scalar>(l: &[T; 8], lanes: usize) -> T {
    let [a, b, c, d, e, f, g, h] = *l;
    if lanes == 8 { ((a + e) + (c + g)) + ((b + f) + (d + h)) } else { (a + c) + (b + d) }
}

/// `x·x`, the square of the Euclidean norm.
#[inline]
pub fn sum_of_squares<T: Scalar>(x: &[T]) -> T {
    dot(x, x)
}

/// `y ← y + a·x`, elementwise; product and sum are rounded separately.
#[inline]
pub fn axpy<T: Scalar>(a: T, x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// `x ← a·x`.
#[inline]
pub fn scale<T: Scalar>(a: T, x: &mut [T]) {
    for x in x {
        *x *= a;
    }
}

/// `(x, y) ← (c·x − s·y, r·x + c·y)`. With `r = s` and `c² + s² = 1` a plane rotation.
#[inline]
pub fn rotate<T: Scalar>(c: T, s: T, r: T, x: &mut [T], y: &mut [T]) {
    for (x, y) in x.iter_mut().zip(y) {
        let (a, b) = (*x, *y);
        *x = c * a - s * b;
        *y = r * a + c * b;
    }
}

/// Independent parts of a search through a slice: its steps need not wait for each other.
const PARTS: usize = if VECTORS { 8 } else { 1 };

/// `f(part, value)` over all values, part by part.
#[inline(always)]
fn in_parts<T: Scalar>(x: &[T], f: impl Fn(T, T) -> T) -> [T; PARTS] {
    let mut parts = [T::ZERO; PARTS];
    let mut chunks = x.chunks_exact(PARTS);
    for chunk in chunks.by_ref() {
        for (part, &v) in parts.iter_mut().zip(chunk) {
            *part = f(*part, v);
        }
    }
    for (part, &v) in parts.iter_mut().zip(chunks.remainder()) {
        *part = f(*part, v);
    }
    parts
}

/// Largest |xᵢ|; zero for an empty slice. NaN entries are passed over.
#[inline]
pub fn max_abs<T: Scalar>(x: &[T]) -> T {
    let larger = |m: T, v: T| if v.abs() > m { v.abs() } else { m };
    in_parts(x, larger).iter().fold(T::ZERO, |m, &v| larger(m, v))
}

/// Whether no entry is infinite or NaN.
#[inline]
pub fn all_finite<T: Scalar>(x: &[T]) -> bool {
    // 0·x is 0 for finite x and NaN otherwise: no branch per entry.
    in_parts(x, |sum, v| sum + v * T::ZERO).iter().fold(T::ZERO, |sum, &v| sum + v) == T::ZERO
}

/// `W·x` for the rows of `W`, with the bits of [`dot`]. If there are more rows than places in `out`,
/// or fewer, the rest is left alone.
///
/// With the feature `fast` a row may have a single accumulator: the rounding error of a product is
/// then at most `(D/LANES + 5)·ε·Σ|wᵢxᵢ|`.
#[inline]
pub fn products<T: Scalar, const D: usize>(rows: &[[T; D]], x: &[T; D], out: &mut [T]) {
    T::dispatch(Products { rows, x, out });
}

struct Products<'a, T, const D: usize> {
    rows: &'a [[T; D]],
    x: &'a [T; D],
    out: &'a mut [T],
}

impl<T: Scalar, const D: usize> Kernel<T> for Products<'_, T, D> {
    type Output = ();
    const WIDE: bool = true;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        simd.products(self.rows, self.x, self.out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sum in the registers that a kernel is given.
    struct Dot<'a, T>(&'a [T], &'a [T]);

    impl<T: Scalar> Kernel<T> for Dot<'_, T> {
        type Output = T;
        const WIDE: bool = true;
        #[inline(always)]
        fn run<S: Simd<T>>(self, simd: S) -> T {
            simd.dot(self.0, self.1)
        }
    }

    fn lanes_agree<T: Scalar>() {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            T::from_f64(f64::from(state) / 4_294_967_296.0 - 0.5)
        };
        let (mut x, mut y) = ([T::ZERO; 150], [T::ZERO; 150]);
        for (x, y) in x.iter_mut().zip(&mut y) {
            (*x, *y) = (next(), next());
        }
        for n in 0..=150 {
            let (x, y) = (x.get(..n).unwrap_or(&[]), y.get(..n).unwrap_or(&[]));
            let exact: f64 = x.iter().zip(y).map(|(a, b)| a.to_f64() * b.to_f64()).sum();
            let single = Single.dot(x, y);
            for sum in [single, Plain.dot(x, y), PlainHalf.dot(x, y), T::dispatch(Dot(x, y))] {
                assert!((sum.to_f64() - exact).abs() <= 8.0 * T::EPSILON.to_f64(), "length {n}");
                if !cfg!(feature = "fast") {
                    assert_eq!(sum.bits(), single.bits(), "length {n}");
                }
            }
        }
    }

    #[test]
    fn plain_and_vector_sums_have_the_same_bits_at_every_length() {
        lanes_agree::<f32>();
        lanes_agree::<f64>();
    }

    fn products_agree<T: Scalar, const D: usize, const K: usize>() {
        let value = |i: usize| T::from_f64(((i * 37 + 11) % 64) as f64 / 64.0 - 0.5);
        let rows: [[T; D]; K] =
            core::array::from_fn(|k| core::array::from_fn(|i| value(k * D + i)));
        let x: [T; D] = core::array::from_fn(|i| value(i * i));
        let mut out = [T::ZERO; K];
        products(&rows, &x, &mut out);
        for (row, product) in rows.iter().zip(out) {
            let exact: f64 = row.iter().zip(x).map(|(a, b)| a.to_f64() * b.to_f64()).sum();
            assert!((product.to_f64() - exact).abs() <= 8.0 * T::EPSILON.to_f64(), "{D} to {K}");
            if !cfg!(feature = "fast") {
                assert_eq!(product.bits(), dot(row, &x).bits(), "{D} to {K}");
            }
        }
    }

    /// Some products at a time in the registers that a kernel is given.
    struct Several<'a, T, const D: usize, const K: usize, const B: usize>(
        &'a [[T; D]; K],
        [&'a [T; D]; B],
        &'a mut [[T; K]; B],
    );

    impl<T: Scalar, const D: usize, const K: usize, const B: usize> Kernel<T>
        for Several<'_, T, D, K, B>
    {
        type Output = ();
        const WIDE: bool = true;
        #[inline(always)]
        fn run<S: Simd<T>>(self, simd: S) {
            simd.products_of_some(self.0, self.1, self.2);
        }
    }

    fn some_agree<T: Scalar, const D: usize, const K: usize, const B: usize>() {
        let value = |i: usize| T::from_f64(((i * 37 + 11) % 64) as f64 / 63.0 - 0.5);
        let rows: [[T; D]; K] =
            core::array::from_fn(|k| core::array::from_fn(|i| value(k * D + i)));
        let x: [[T; D]; B] = core::array::from_fn(|b| core::array::from_fn(|i| value((b + i) * i)));
        let (mut one, mut all) = ([[T::ZERO; K]; B], [[T::ZERO; K]; B]);
        for (x, out) in x.iter().zip(&mut one) {
            products(&rows, x, out);
        }
        T::dispatch(Several(&rows, x.each_ref(), &mut all));
        assert!(one == all, "{D} to {K}, {B} at a time");
        // A sum of negative zeros is zero, as that of `dot`.
        let mut zeros = [T::ONE; K];
        products(&[[T::ZERO; D]; K], &[-T::ONE; D], &mut zeros);
        let zero = T::ZERO.bits();
        assert!(cfg!(feature = "fast") || zeros.iter().all(|v| v.bits() == zero), "{D} to {K}");
    }

    #[test]
    fn products_of_some_are_those_of_each() {
        fn of<T: Scalar, const B: usize>() {
            some_agree::<T, 1, 5, B>();
            some_agree::<T, 4, 4, B>();
            some_agree::<T, 16, 4, B>();
            some_agree::<T, 21, 11, B>();
            some_agree::<T, 40, 8, B>();
            some_agree::<T, 150, 13, B>();
            some_agree::<T, 600, 9, B>();
        }
        of::<f32, 2>();
        of::<f64, 2>();
        of::<f32, 4>();
        of::<f64, 4>();
    }

    fn products_of<T: Scalar>() {
        products_agree::<T, 1, 1>();
        products_agree::<T, 2, 9>();
        products_agree::<T, 3, 5>();
        products_agree::<T, 5, 3>();
        products_agree::<T, 8, 8>();
        products_agree::<T, 13, 17>();
        products_agree::<T, 64, 7>();
        products_agree::<T, 100, 4>();
        products_agree::<T, 150, 13>();
        products_agree::<T, 600, 9>();
        let mut out = [T::ONE; 3];
        products(&[[]; 2], &[], &mut out);
        assert!(out == [T::ZERO, T::ZERO, T::ONE]);
    }

    #[test]
    fn products_of_rows_are_those_of_dot() {
        products_of::<f32>();
        products_of::<f64>();
    }

    /// Powers of two in the registers that a kernel is given.
    struct Powers<'a, T>(&'a mut [T]);

    impl<T: Scalar> Kernel<T> for Powers<'_, T> {
        type Output = ();
        const WIDE: bool = true;
        #[inline(always)]
        fn run<S: Simd<T>>(self, simd: S) {
            for values in self.0.chunks_mut(S::V::LEN) {
                simd.load(values).exp2_whole().store(values);
            }
        }
    }

    fn powers_agree<T: Scalar>() {
        let exponents: [i32; 9] = [T::MIN_EXP, T::MIN_EXP + 1, -63, -1, 0, 1, 2, 77, T::MAX_EXP];
        let mut found = exponents.map(T::from_i32);
        T::dispatch(Powers(&mut found));
        assert!(found == exponents.map(T::exp2i));
        found = exponents.map(T::from_i32);
        Powers(&mut found).run(Single);
        assert!(found == exponents.map(T::exp2i));
    }

    #[test]
    fn powers_of_two_are_exact_over_the_whole_range() {
        powers_agree::<f32>();
        powers_agree::<f64>();
    }

    #[test]
    fn the_largest_magnitude_is_seen_at_every_position() {
        for n in 1..40 {
            for at in 0..n {
                let mut x = [1.0_f64; 40];
                if let Some(v) = x.get_mut(at) {
                    *v = -2.0;
                }
                assert_eq!(max_abs(x.get(..n).unwrap_or(&[])), 2.0);
            }
        }
        assert_eq!(max_abs(&[0.0_f32, f32::NAN, -3.0, f32::NAN]), 3.0);
    }

    #[test]
    fn finiteness_is_seen_at_every_position() {
        for n in 1..40 {
            for at in 0..n {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let mut x = [f32::MAX; 40];
                    if let Some(v) = x.get_mut(at) {
                        *v = bad;
                    }
                    assert!(!all_finite(x.get(..n).unwrap_or(&[])));
                }
            }
        }
        assert!(all_finite(&[f64::MAX, -f64::MAX, 0.0, f64::MIN_POSITIVE / 2.0]));
    }
}
