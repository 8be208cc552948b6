//! The plane rotation that makes two columns orthogonal, for several pairs at once.

use crate::scalar::Scalar;
use crate::simd::{Lanes, Simd, Single};

/// A rotation of two columns `x·2^f` and `y·2^g` that are kept with their own exponents.
///
/// In the columns' true units it is `(x, y) ← (c·x − s·y, s·x + c·y)` with `s = c·t`; on the
/// stored values the off-diagonal factors are `c·to_x` and `c·to_y`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rotation<V> {
    /// Cosine.
    pub c: V,
    /// Tangent in true units.
    pub t: V,
    /// `t·2^(g − f)`, from stored `y` into stored `x`.
    pub to_x: V,
    /// `t·2^(f − g)`, from stored `x` into stored `y`.
    pub to_y: V,
}

/// The smaller of the two angles that make columns orthogonal whose squared lengths are `alpha`
/// and `beta` and whose inner product is `gamma ≠ 0`, all in the same unit; for one pair of columns
/// in every place of a register.
///
/// With `δ = β − α` and `h = √(δ² + 4γ²)`: `t = 2γ·sign δ/(|δ| + h)`, `c² = (1 + |δ|/h)/2`. The
/// usual `ζ = δ/2γ`, `t = sign ζ/(|ζ| + √(1 + ζ²))` has one division more before the root.
/// Neither `δ²` nor `γ²` may overflow; where both underflow the angle is a rough one.
#[inline(always)]
pub fn rotation<T: Scalar, S: Simd<T>>(
    simd: S,
    alpha: S::V,
    beta: S::V,
    gamma: S::V,
) -> Rotation<S::V> {
    let half = simd.splat(T::HALF);
    let (delta, twice) = (beta - alpha, gamma + gamma);
    let size = delta.abs();
    let h = twice.mul_add(twice, delta * delta).sqrt();
    // No change but where squares have underflowed: |t| ≤ 1 all the same.
    let h = twice.abs().larger(h);
    // A sign of its own for δ = 0 makes that of t the sign of γ.
    let t = twice / (size + h).copysign(delta);
    let c = half.mul_add(size / h, half).sqrt();
    Rotation { c, t, to_x: t, to_y: t }
}

/// The same for a pair of columns with exponents `f` and `g`: `shift = g − f`, and `alpha`, `beta`,
/// `gamma` belong to the stored values.
#[inline(always)]
pub fn rotation_scaled<T: Scalar>(alpha: T, beta: T, gamma: T, shift: i32) -> Rotation<T> {
    if shift == 0 {
        rotation(Single, alpha, beta, gamma)
    } else {
        shifted(alpha, beta, gamma, shift)
    }
}

/// [`rotation_scaled`] for different exponents, the rare case.
#[cold]
#[inline(never)]
fn shifted<T: Scalar>(alpha: T, beta: T, gamma: T, shift: i32) -> Rotation<T> {
    let limit = T::DIGITS + 4;
    if shift < -limit {
        // x is so much longer that only y changes: y loses its part along x.
        let to_y = -gamma / alpha;
        let t = to_y.scale_exp2(shift);
        return Rotation { c: T::ONE, t, to_x: t.scale_exp2(shift), to_y };
    }
    if shift > limit {
        let to_x = gamma / beta;
        let t = to_x.scale_exp2(-shift);
        return Rotation { c: T::ONE, t, to_x, to_y: t.scale_exp2(-shift) };
    }
    let r = rotation(Single, alpha.scale_exp2(-shift), beta.scale_exp2(shift), gamma);
    Rotation { to_x: r.t.scale_exp2(shift), to_y: r.t.scale_exp2(-shift), ..r }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inner product of the rotated columns in true units, relative to their lengths.
    fn cosine_after(alpha: f64, beta: f64, gamma: f64, shift: i32) -> f64 {
        let r = rotation_scaled(alpha, beta, gamma, shift);
        let (b, g) = (beta.scale_exp2(2 * shift), gamma.scale_exp2(shift));
        let (c, s) = (r.c, r.c * r.t);
        let cross = c * s * (alpha - b) + (c * c - s * s) * g;
        let x = c * c * alpha - 2.0 * c * s * g + s * s * b;
        let y = s * s * alpha + 2.0 * c * s * g + c * c * b;
        cross / (x * y).sqrt()
    }

    #[test]
    fn equal_lengths_turn_by_45_degrees() {
        let r = rotation(Single, 1.0_f64, 1.0, 0.5);
        assert_eq!(r.t, 1.0);
        assert!((r.c - 0.5_f64.sqrt()).abs() <= f64::EPSILON);
    }

    #[test]
    fn rotated_columns_are_orthogonal() {
        for (alpha, beta, gamma) in
            [(1.0, 2.0, 1.2), (1.0, 1.0, -0.3), (3.0, 0.5, 1e-9), (1e-3, 2.0, 0.04)]
        {
            for shift in [0, 1, -1, 5, -9] {
                assert!(
                    cosine_after(alpha, beta, gamma, shift).abs() < 1e-14,
                    "{alpha} {beta} {gamma} {shift}"
                );
            }
        }
    }

    #[test]
    fn a_far_longer_column_only_removes_its_part() {
        let r = rotation_scaled(2.0_f64, 1.0, 0.5, -900);
        assert_eq!((r.c, r.to_y, r.to_x), (1.0, -0.25, 0.0));
        let r = rotation_scaled(1.0_f64, 2.0, 0.5, 900);
        assert_eq!((r.c, r.to_x, r.to_y), (1.0, 0.25, 0.0));
        let r = rotation(Single, 1.0_f32, 1e-30, 1e-20);
        assert!(r.t.is_finite() && (r.t + 1e-20).abs() <= 1e-26);
    }
}
