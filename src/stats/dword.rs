//! Numbers as unevaluated sums of two floats: twice the digits of the scalar.
//!
//! Source: Dekker, "A floating-point technique for extending the available precision", Numer.
//! Math. 18 (1971); error bounds in Joldes, Muller & Popescu, ACM TOMS 44 (2017).

use core::ops::{Add, Div, Mul, Neg, Sub};

use crate::scalar::Scalar;

/// The value `hi + lo` with `|lo| ≤ ulp(hi)/2`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Dword<T> {
    pub(super) hi: T,
    pub(super) lo: T,
}

/// `a + b` without error: the rounded sum and what rounding took away. Of single values, or in every
/// place of a register.
#[inline(always)]
pub(super) fn two_sum<T>(a: T, b: T) -> Dword<T>
where
    T: Copy + Add<Output = T> + Sub<Output = T>,
{
    let hi = a + b;
    let b_part = hi - a;
    Dword { hi, lo: (a - (hi - b_part)) + (b - b_part) }
}

/// [`two_sum`] for `|a| ≥ |b|`.
#[inline(always)]
fn quick_two_sum<T: Scalar>(a: T, b: T) -> Dword<T> {
    let hi = a + b;
    Dword { hi, lo: b - (hi - a) }
}

/// `a` as a sum of two halves whose products with other halves are exact.
#[inline(always)]
fn split<T: Scalar>(a: T) -> (T, T) {
    let c = (T::exp2i((T::DIGITS + 1) / 2) + T::ONE) * a;
    let high = c - (c - a);
    (high, a - high)
}

/// `a·b` without error, unless the low part falls below the range of normal values.
#[inline(always)]
fn two_product<T: Scalar>(a: T, b: T) -> Dword<T> {
    let hi = a * b;
    let ((a1, a0), (b1, b0)) = (split(a), split(b));
    Dword { hi, lo: ((a1 * b1 - hi) + a1 * b0 + a0 * b1) + a0 * b0 }
}

impl<T: Scalar> Dword<T> {
    pub(super) const ZERO: Self = Self { hi: T::ZERO, lo: T::ZERO };

    #[inline(always)]
    pub(super) fn new(x: T) -> Self {
        Self { hi: x, lo: T::ZERO }
    }

    /// A count, exact: an `f32` alone holds only 24 of the 32 bits.
    #[inline(always)]
    pub(super) fn from_count(n: u32) -> Self {
        two_sum(T::from_u32(n & !0xFF), T::from_u32(n & 0xFF))
    }

    /// The nearest single value.
    #[inline(always)]
    pub(super) fn value(self) -> T {
        self.hi + self.lo
    }

    /// Adds `x` to a running sum. The lost parts are gathered in `lo` and not carried into `hi`:
    /// `hi + lo` is the sum, but `lo` may grow to several units in the last place of `hi`.
    #[inline(always)]
    pub(super) fn accumulate(&mut self, x: Self) {
        let sum = two_sum(self.hi, x.hi);
        self.hi = sum.hi;
        self.lo += sum.lo + x.lo;
    }

    /// The same value with `lo` below half a unit of `hi`.
    #[inline(always)]
    pub(super) fn normalized(self) -> Self {
        two_sum(self.hi, self.lo)
    }
}

impl<T: Scalar> Add for Dword<T> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let (s, t) = (two_sum(self.hi, other.hi), two_sum(self.lo, other.lo));
        let v = quick_two_sum(s.hi, s.lo + t.hi);
        quick_two_sum(v.hi, t.lo + v.lo)
    }
}

impl<T: Scalar> Neg for Dword<T> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self { hi: -self.hi, lo: -self.lo }
    }
}

impl<T: Scalar> Sub for Dword<T> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl<T: Scalar> Mul for Dword<T> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let p = two_product(self.hi, other.hi);
        quick_two_sum(p.hi, p.lo + (self.hi * other.lo + self.lo * other.hi))
    }
}

impl<T: Scalar> Div for Dword<T> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let quotient = Self::new(self.hi / other.hi);
        let rest = self - quotient * other;
        quick_two_sum(quotient.hi, rest.hi / other.hi)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_products_of_f32_are_exact() {
        let (a, b) = (16_777_215.0_f32, 0.123_456_79_f32);
        let exact = |d: Dword<f32>| f64::from(d.hi) + f64::from(d.lo);
        assert_eq!(exact(two_sum(a, b)), f64::from(a) + f64::from(b));
        assert_eq!(exact(two_product(a, b)), f64::from(a) * f64::from(b));
    }

    #[test]
    fn double_words_of_f32_keep_45_bits() {
        let to = |x: f64| {
            let hi = f32::from_f64(x);
            Dword { hi, lo: f32::from_f64(x - f64::from(hi)) }
        };
        let exact = |d: Dword<f32>| f64::from(d.hi) + f64::from(d.lo);
        let (mut a, mut b) = (1.0_f64, 7.0_f64);
        for _ in 0..2000 {
            a = (a * 1.618_033_988_749_895) % 97.0 + 0.001;
            b = (b * core::f64::consts::E) % 89.0 + 0.001;
            let (x, y) = (to(a), to(-b));
            let (ax, by) = (exact(x), exact(y));
            let close = |got: Dword<f32>, want: f64, size: f64| {
                assert!((exact(got) - want).abs() <= size * 2.0_f64.powi(-45), "{want}");
            };
            close(x + y, ax + by, ax.abs() + by.abs());
            close(x * y, ax * by, (ax * by).abs());
            close(x / y, ax / by, (ax / by).abs());
        }
    }

    #[test]
    fn counts_are_exact_in_f32() {
        for n in [0, 1, 255, 256, 16_777_217, u32::MAX] {
            let d = Dword::<f32>::from_count(n);
            assert_eq!(f64::from(d.hi) + f64::from(d.lo), f64::from(n));
        }
    }
}
