//! Vectors of bytes: from values to bytes and the cosine of two of them in integers.

use super::EmbedError;
use crate::{Scalar, simd};

/// A cosine of 1.
pub const ONE: i32 = 1 << 24;

/// Most values of a vector: sums of products of two of them fit 27 bits, and then times the reciprocal
/// of a length 53.
pub const MAX_DIM: usize = 4096;

/// A vector and what [`reciprocal`] says of its length.
#[derive(Clone, Copy)]
pub(super) struct Query<'a, B> {
    pub(super) row: &'a [B],
    pub(super) reciprocal: u16,
}

/// A byte as a number.
pub(super) trait Byte: Copy {
    fn signed(self) -> i32;
}
impl Byte for i8 {
    #[inline(always)]
    fn signed(self) -> i32 {
        i32::from(self)
    }
}
impl Byte for u8 {
    #[inline(always)]
    fn signed(self) -> i32 {
        i32::from(self.cast_signed())
    }
}

/// At most [`MAX_DIM`] products of at most 2^14.
#[inline(always)]
fn dot<B: Byte>(x: &[u8], y: &[B]) -> i32 {
    let products = x.iter().zip(y).map(|(x, y)| x.signed() * y.signed());
    products.fold(0_i32, i32::wrapping_add)
}

pub(super) fn squares<B: Byte>(x: &[B]) -> u32 {
    let products = x.iter().map(|x| (x.signed() * x.signed()).unsigned_abs());
    products.fold(0_u32, u32::wrapping_add)
}

#[inline(always)]
pub(super) fn cosine<B: Byte>(x: Query<'_, u8>, y: Query<'_, B>) -> i32 {
    let parts =
        |reciprocal: u16| (i64::from(4096 + (reciprocal & 0xfff)), u32::from(reciprocal >> 12));
    let ((m, e), (n, f)) = (parts(x.reciprocal), parts(y.reciprocal));
    let product = i64::from(dot(x.row, y.row)) * (m * n);
    let half = (1_i64 << (e + f)) >> 1;
    let rounded = (product + half) >> (e + f);
    let one = i64::from(ONE);
    i32::try_from(rounded.clamp(-one, one)).unwrap_or(0)
}

/// `1/√n` as `(4096 + m)/2^(12 + e)`, rounded to nearest, within `2^−13` of itself; `n` is at most 2^26,
/// zero counts as one.
pub(super) fn reciprocal(n: u32) -> u16 {
    let n = u64::from(n.clamp(1, 1 << 26));
    // The exponent for which 2^e/√n is in 1..2.
    let exponent = (0..13_u16).find(|&e| (1 << (2 * e)) >= n).unwrap_or(13);
    let fits = |x: u64, bits: u16| x * x * n <= 1 << (bits + 2 * exponent);
    let mut mantissa = 0;
    for bit in (0..13).rev() {
        if fits(mantissa | 1 << bit, 24) {
            mantissa |= 1 << bit;
        }
    }
    mantissa += u64::from(fits(2 * mantissa + 1, 26));
    // 8192 is the next power of two, 4096 with an exponent less.
    let carry = u16::from(mantissa >= 8192);
    let fraction = if carry == 1 { 0 } else { u16::try_from(mantissa & 0xfff).unwrap_or(0) };
    (exponent.saturating_sub(carry) << 12) | fraction
}

/// The values of a vector in steps of its largest magnitude over 127, which is returned; halves are
/// rounded away from zero.
///
/// # Errors
/// [`EmbedError::WrongLength`] unless both are as long, [`EmbedError::NotFinite`].
pub fn quantize<T: Scalar>(x: &[T], out: &mut [i8]) -> Result<T, EmbedError> {
    if x.len() != out.len() {
        return Err(EmbedError::WrongLength);
    }
    let mut places = out.iter_mut();
    quantize_to(x, |q| {
        if let Some(place) = places.next() {
            *place = q;
        }
    })
}

/// [`quantize`] of integers, by integers alone: values with any number of fraction bits, such as come out of
/// an [`Int8Network`](crate::nn::Int8Network), become a query for
/// [`nearest_to`](super::WordTable::nearest_to), for which the size of a vector does not count.
///
/// # Errors
/// [`EmbedError::WrongLength`] unless both are as long.
///
/// # Cost
/// A division of 64 bits per value.
pub fn quantize_fixed(x: &[i32], out: &mut [i8]) -> Result<(), EmbedError> {
    if x.len() != out.len() {
        return Err(EmbedError::WrongLength);
    }
    let largest = x.iter().fold(0, |most: u32, x| most.max(x.unsigned_abs()));
    for (out, &x) in out.iter_mut().zip(x) {
        let steps = u64::from(x.unsigned_abs()) * 127 + u64::from(largest / 2);
        let q = i8::try_from(steps.checked_div(largest.into()).unwrap_or(0)).unwrap_or(127);
        *out = if x < 0 { -q } else { q };
    }
    Ok(())
}

pub(super) fn quantize_to<T: Scalar>(x: &[T], mut put: impl FnMut(i8)) -> Result<T, EmbedError> {
    if !simd::all_finite(x) {
        return Err(EmbedError::NotFinite);
    }
    let (largest, steps) = (simd::max_abs(x), T::from_i32(127));
    for &x in x {
        // Divided first: the reciprocal of a tiny value would overflow.
        let share = if largest > T::ZERO { x / largest } else { T::ZERO };
        put(small(share * steps));
    }
    Ok(largest / steps)
}

/// The nearest whole number of one that is within ±127.
#[expect(clippy::cast_possible_truncation, reason = "the caller's values are within ±127")]
fn small<T: Scalar>(x: T) -> i8 {
    x.round().to_f32() as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reciprocals_are_within_their_bound() {
        let of = |n: u32| {
            let r = reciprocal(n);
            f64::from(4096 + (r & 0xfff)) / 2_f64.powi(12 + i32::from(r >> 12))
        };
        assert_eq!((reciprocal(0), of(1), of(4), of(1 << 26)), (0, 1.0, 0.5, 2_f64.powi(-13)));
        for n in (1..70_000).chain((70_000..1 << 26).step_by(9973)) {
            let error = of(n) * f64::from(n).sqrt() - 1.0;
            assert!(error.abs() <= 2_f64.powi(-13), "{n}: {error}");
        }
    }

    #[test]
    fn integers_are_rounded_as_floats_are() {
        let mut q = [0; 6];
        let x = [127_i32, -63, 1, 64, 0, -127];
        assert_eq!((quantize_fixed(&x, &mut q), q), (Ok(()), [127, -63, 1, 64, 0, -127]));
        // Halves of a step, away from zero.
        let x = [254, -1, 1, 3, -3, -254];
        assert_eq!((quantize_fixed(&x, &mut q), q), (Ok(()), [127, -1, 1, 2, -2, -127]));
        let x = [i32::MIN, i32::MAX, 1 << 24, -(1 << 24), (1 << 23) - 1, 0];
        assert_eq!((quantize_fixed(&x, &mut q), q), (Ok(()), [-127, 127, 1, -1, 0, 0]));
        let floats = x.map(f64::from);
        let mut by_floats = [0; 6];
        assert!(quantize(&floats, &mut by_floats).is_ok());
        assert_eq!(q, by_floats);
        assert_eq!((quantize_fixed(&[0; 6], &mut q), q), (Ok(()), [0; 6]));
        assert_eq!(quantize_fixed(&[1], &mut q), Err(EmbedError::WrongLength));
    }

    #[test]
    fn values_are_rounded_to_the_nearest_step() {
        let mut q = [0; 5];
        assert_eq!(quantize(&[127.0_f32, -63.5, 0.49, 63.5, 0.5], &mut q), Ok(1.0));
        assert_eq!(q, [127, -64, 0, 64, 1]);
        assert_eq!((quantize(&[0.0_f64; 5], &mut q), q), (Ok(0.0), [0; 5]));
        let tiny = f32::from_bits(3);
        assert!(quantize(&[tiny, -tiny], &mut q[..2]).is_ok());
        assert_eq!(q[..2], [127, -127]);
        assert_eq!(quantize(&[1.0_f32], &mut q), Err(EmbedError::WrongLength));
        assert_eq!(quantize(&[f32::NAN], &mut q[..1]), Err(EmbedError::NotFinite));
    }
}
