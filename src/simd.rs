//! Sums of products in one fixed order, and the elementwise kernels.
//!
//! A sum depends on its order of additions. Here the order depends on the length alone: the
//! products go round-robin into `LANES` partial sums (8 for `f32`, 4 for `f64`) in each of four
//! accumulators, which a fixed tree adds up at the end; multiplication and addition are separate
//! steps. A target with vectors holds many partial sums in one register, one without takes them
//! one after the other, from the same source and with the same bits.
//!
//! This is the only file that names `wide`. Only its arithmetic is used: `mul_add`, `reduce_add`
//! and the vector square root differ between targets or are slow on small ones.

use core::ops::{Add, Mul};

use crate::scalar::Scalar;

/// A group of neighbouring partial sums held in one register.
pub trait Lanes<T>: Copy + Add<Output = Self> + Mul<Output = Self> {
    /// How many partial sums; divides `T::LANES`.
    const LEN: usize;
    /// All zero.
    const NONE: Self;
    /// The first `LEN` values of `x`; missing ones count as zero.
    fn load(x: &[T]) -> Self;
    /// Writes the first `LEN` values of `out`.
    fn store(self, out: &mut [T]);
}

macro_rules! scalar_lanes {
    ($t:ty) => {
        impl Lanes<$t> for $t {
            const LEN: usize = 1;
            const NONE: Self = 0.0;
            #[inline(always)]
            fn load(x: &[$t]) -> Self {
                x.first().copied().unwrap_or(0.0)
            }
            #[inline(always)]
            fn store(self, out: &mut [$t]) {
                if let Some(first) = out.first_mut() {
                    *first = self;
                }
            }
        }
    };
}
scalar_lanes!(f32);
scalar_lanes!(f64);

/// Vector registers on targets that have them for this type.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_feature = "simd128"))]
mod vector {
    use super::Lanes;

    pub(crate) type F32Lanes = wide::f32x8;
    pub(crate) type F64Lanes = wide::f64x4;

    macro_rules! wide_lanes {
        ($t:ty, $v:ty, $n:literal) => {
            impl Lanes<$t> for $v {
                const LEN: usize = $n;
                const NONE: Self = <$v>::ZERO;
                #[inline(always)]
                fn load(x: &[$t]) -> Self {
                    match x.first_chunk::<$n>() {
                        Some(full) => Self::new(*full),
                        // Entry by entry: a copy of unknown length would be a call.
                        None => {
                            Self::new(core::array::from_fn(|i| x.get(i).copied().unwrap_or(0.0)))
                        }
                    }
                }
                #[inline(always)]
                fn store(self, out: &mut [$t]) {
                    for (o, v) in out.iter_mut().zip(self.to_array()) {
                        *o = v;
                    }
                }
            }
        };
    }
    wide_lanes!(f32, wide::f32x8, 8);
    wide_lanes!(f64, wide::f64x4, 4);
}
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_feature = "simd128")))]
mod vector {
    pub(crate) type F32Lanes = f32;
    pub(crate) type F64Lanes = f64;
}
pub(crate) use vector::{F32Lanes, F64Lanes};

/// The widest register any implementation uses.
const MAX_LANES: usize = 8;

/// `x·y`. If the lengths differ, the longer one is cut.
///
/// # Cost
/// `2·n` flops. The rounding error is at most `(n/(4·LANES) + 7)·ε·Σ|xᵢyᵢ|`.
#[inline]
pub fn dot<T: Scalar>(x: &[T], y: &[T]) -> T {
    dot_in::<T, T::Lanes>(x, y)
}

#[inline(always)]
fn dot_in<T: Scalar, L: Lanes<T>>(x: &[T], y: &[T]) -> T {
    let n = x.len().min(y.len());
    let (x, y) = (x.get(..n).unwrap_or(&[]), y.get(..n).unwrap_or(&[]));
    let mut lanes = [T::ZERO; MAX_LANES];
    for (group, out) in lanes.chunks_exact_mut(L::LEN).take(T::LANES / L::LEN).enumerate() {
        partial_sums::<T, L>(x, y, group * L::LEN).store(out);
    }
    tree(&lanes, T::LANES)
}

/// The partial sums of the products at `first, first + 1, …, first + LEN − 1` modulo `LANES`.
#[inline(always)]
fn partial_sums<T: Scalar, L: Lanes<T>>(x: &[T], y: &[T], first: usize) -> L {
    let chunk = |v: &'_ [T], at: usize| -> L {
        L::load(v.get(at..).map_or(&[], |rest| rest.get(..L::LEN).unwrap_or(rest)))
    };
    let product = |at: usize| chunk(x, at) * chunk(y, at);
    let n = x.len();
    let (mut a, mut b, mut c, mut d) = (L::NONE, L::NONE, L::NONE, L::NONE);
    let mut at = first;
    // Four accumulators by name: one with a variable index costs twice the time.
    while at + 3 * T::LANES + L::LEN <= n {
        a = a + product(at);
        b = b + product(at + T::LANES);
        c = c + product(at + 2 * T::LANES);
        d = d + product(at + 3 * T::LANES);
        at += 4 * T::LANES;
    }
    // At most four products are left, the last of them perhaps incomplete.
    if at < n {
        a = a + product(at);
    }
    if at + T::LANES < n {
        b = b + product(at + T::LANES);
    }
    if at + 2 * T::LANES < n {
        c = c + product(at + 2 * T::LANES);
    }
    if at + 3 * T::LANES < n {
        d = d + product(at + 3 * T::LANES);
    }
    (a + b) + (c + d)
}

#[inline(always)]
fn tree<T: Scalar>(l: &[T; MAX_LANES], lanes: usize) -> T {
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

/// `(x, y) ← (x − a·y, y + b·x)`: a plane rotation whose cosine is left to a factor.
#[inline]
pub fn shear<T: Scalar>(a: T, b: T, x: &mut [T], y: &mut [T]) {
    for (x, y) in x.iter_mut().zip(y) {
        let (u, v) = (*x, *y);
        *x = u - a * v;
        *y = v + b * u;
    }
}

/// Largest |xᵢ|; zero for an empty slice. NaN entries are passed over.
#[inline]
pub fn max_abs<T: Scalar>(x: &[T]) -> T {
    x.iter().fold(T::ZERO, |m, v| m.max(v.abs()))
}

/// Whether no entry is infinite or NaN.
#[inline]
pub fn all_finite<T: Scalar>(x: &[T]) -> bool {
    // 0·x is 0 for finite x and NaN otherwise: no branch per entry.
    x.iter().fold(T::ZERO, |acc, &v| acc + v * T::ZERO) == T::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes_agree<T: Scalar + Lanes<T>>() {
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
            let (vector, plain) = (dot_in::<T, T::Lanes>(x, y), dot_in::<T, T>(x, y));
            assert_eq!(vector.bits(), plain.bits(), "length {n}");
            let exact: f64 = x.iter().zip(y).map(|(a, b)| a.to_f64() * b.to_f64()).sum();
            assert!((plain.to_f64() - exact).abs() <= 8.0 * T::EPSILON.to_f64(), "length {n}");
        }
    }

    #[test]
    fn plain_and_vector_sums_have_the_same_bits_at_every_length() {
        lanes_agree::<f32>();
        lanes_agree::<f64>();
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
