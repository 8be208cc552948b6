//! The rotation that brings one set of points onto another: orthogonal Procrustes and Kabsch.
//!
//! With points as the rows of `X` and `Y`, `‖X·W − Y‖_F` is least over orthogonal `W` for
//! `W = U·Vᵀ` of `Xᵀ·Y = U·diag(s)·Vᵀ`; with a factor, `c·X·W`, for `c = Σs/‖X‖_F²`.
//!
//! Source: Schönemann, "A generalized solution of the orthogonal Procrustes problem", Psychometrika 31
//! (1966); Kabsch, "A solution for the best rotation to relate two sets of vectors", Acta Cryst. A 32
//! (1976).

use core::fmt;

use super::closed::svd_3x3;
use super::truncated::small_svd;
use super::{SvdError, at};
use crate::mat::{Columns, Mat, MatMut};
use crate::rng::seeded;
use crate::scalar::Scalar;
use crate::simd;

/// Why there is no rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum ProcrustesError {
    /// Point sets of different sizes, no points, or a buffer that does not fit.
    WrongLength,
    /// A point is infinite or NaN, or a product of two is.
    NotFinite,
    /// All points of a set are zero (after centring, where there is a translation): every rotation
    /// is as good as another.
    Degenerate,
}

impl fmt::Display for ProcrustesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongLength => "a buffer does not fit the size of the problem",
            Self::NotFinite => "a point is infinite or NaN, or too large",
            Self::Degenerate => "all points are zero",
        })
    }
}
impl core::error::Error for ProcrustesError {}

/// Number of values that [`procrustes`] needs as workspace: `2·dim² + dim`.
pub const fn workspace_len(dim: usize) -> usize {
    dim.saturating_mul(dim).saturating_mul(2).saturating_add(dim)
}

/// Finds the orthogonal `W` for which `‖X·W − Y‖_F` is least, and returns the factor `c` for which
/// `‖c·X·W − Y‖_F` is.
///
/// `x` and `y` hold a point of `dim` values after the other, `w` receives `dim²` values, row by row
/// (`dim` values that a coordinate of `x` adds), for [`rotate_point`].
///
/// # Errors
/// [`ProcrustesError`]. `work` holds at least [`workspace_len`] values.
///
/// # Accuracy
/// `W` is orthogonal to within `8·dim·ε`. Directions in which the points do not differ are turned
/// arbitrarily, but the same way each time.
///
/// # Cost
/// `2·dim²` flops per point, and Jacobi sweeps over `dim` columns of `dim` values.
pub fn procrustes<T: Scalar>(
    x: &[T],
    y: &[T],
    dim: usize,
    w: &mut [T],
    work: &mut [T],
) -> Result<T, ProcrustesError> {
    if dim == 0 || x.len() != y.len() || x.len().checked_rem(dim) != Some(0) {
        return Err(ProcrustesError::WrongLength);
    }
    procrustes_of(x.chunks(dim).zip(y.chunks(dim)), dim, w, work)
}

/// [`procrustes`] of pairs of points that may lie anywhere, each of `dim` values.
///
/// # Errors
/// [`ProcrustesError`].
pub fn procrustes_of<'p, T: Scalar>(
    pairs: impl Iterator<Item = (&'p [T], &'p [T])> + Clone,
    dim: usize,
    w: &mut [T],
    work: &mut [T],
) -> Result<T, ProcrustesError> {
    let wrong = ProcrustesError::WrongLength;
    let square = dim.checked_mul(dim).ok_or(wrong)?;
    let (cross, work) = work.split_at_mut_checked(square).ok_or(wrong)?;
    let (v, work) = work.split_at_mut_checked(square).ok_or(wrong)?;
    let s = work.get_mut(..dim).ok_or(wrong)?;
    let (mut largest_x, mut largest_y, mut count) = (T::ZERO, T::ZERO, 0_usize);
    for (x, y) in pairs.clone() {
        if x.len() != dim || y.len() != dim {
            return Err(wrong);
        }
        if !(simd::all_finite(x) && simd::all_finite(y)) {
            return Err(ProcrustesError::NotFinite);
        }
        largest_x = largest_x.max(simd::max_abs(x));
        largest_y = largest_y.max(simd::max_abs(y));
        count = count.saturating_add(1);
    }
    if count == 0 || dim == 0 {
        return Err(wrong);
    }
    if largest_x == T::ZERO || largest_y == T::ZERO {
        return Err(ProcrustesError::Degenerate);
    }
    // Both in mid-range, so that neither products nor squares leave it.
    let (kx, ky) = (largest_x.exponent(), largest_y.exponent());
    cross.fill(T::ZERO);
    let mut energy = T::ZERO;
    for (x, y) in pairs {
        // Column j of Xᵀ·Y is `Σ y[j]·x`. `s` has no other use yet.
        for (scaled, &x) in s.iter_mut().zip(x) {
            *scaled = x.scale_exp2(-kx);
        }
        for (column, &y) in cross.chunks_mut(dim).zip(y) {
            simd::axpy(y.scale_exp2(-ky), s, column);
        }
        energy += simd::sum_of_squares(s);
    }
    let mut cross = MatMut::new(cross, dim, dim).ok_or(wrong)?;
    let mut v = MatMut::new(v, dim, dim).ok_or(wrong)?;
    small_svd(&mut cross, &mut v, s, &mut seeded(1));
    let mut out = MatMut::new(w, dim, dim).ok_or(wrong)?;
    // Row i of W is column i here: `Σ u[i][k]·v[:, k]`.
    for i in 0..dim {
        let row = out.col_mut(i);
        row.fill(T::ZERO);
        for k in 0..dim {
            simd::axpy(at(cross.col(k), i), v.col(k), row);
        }
    }
    let total = s.iter().fold(T::ZERO, |sum, &s| sum + s);
    let factor = (total / energy).scale_exp2(ky.saturating_sub(kx));
    if factor.is_finite() { Ok(factor) } else { Err(ProcrustesError::NotFinite) }
}

/// `y ← x·W` with `W` as [`procrustes`] gives it.
pub fn rotate_point<T: Scalar>(w: &[T], x: &[T], y: &mut [T]) {
    y.fill(T::ZERO);
    for (row, &x) in w.chunks(y.len().max(1)).zip(x) {
        simd::axpy(x, row, y);
    }
}

/// A motion of a rigid body: `y = R·x + t`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rigid<T> {
    /// `R`, with determinant 1.
    pub rotation: Mat<T, 3, 3>,
    /// `t`.
    pub translation: [T; 3],
    /// Root mean square distance of the moved points from their partners.
    pub rmsd: T,
}

/// The rotation (never a reflection) and translation that bring `x` closest to `y`, in the sense of
/// the mean square distance.
///
/// # Errors
/// [`ProcrustesError`]; points that all coincide are [`ProcrustesError::Degenerate`].
///
/// ```
/// use eigenmote::linalg::procrustes::kabsch;
/// let corner = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]];
/// let turned = corner.map(|[x, y, z]: [f64; 3]| [5.0 - y, x, z]); // a quarter turn and a shift
/// let motion = kabsch(&corner, &turned)?;
/// assert!(motion.rmsd < 1e-7 && (motion.translation[0] - 5.0).abs() < 1e-14);
/// # Ok::<(), eigenmote::linalg::procrustes::ProcrustesError>(())
/// ```
pub fn kabsch<T: Scalar>(x: &[[T; 3]], y: &[[T; 3]]) -> Result<Rigid<T>, ProcrustesError> {
    if x.len() != y.len() || x.is_empty() {
        return Err(ProcrustesError::WrongLength);
    }
    let (a, b) = (mean(x), mean(y));
    let mut cross = Mat::<T, 3, 3>::zeros();
    for (x, y) in x.iter().zip(y) {
        for ((column, &x), &a) in cross.cols.iter_mut().zip(x).zip(&a) {
            for ((sum, &y), &b) in column.iter_mut().zip(y).zip(&b) {
                *sum += (x - a) * (y - b);
            }
        }
    }
    // y ≈ R·x: `Σ y·xᵀ = U·S·Vᵀ` gives R = U·diag(1, 1, ±1)·Vᵀ.
    let mut f = svd_3x3(&cross).map_err(|error| match error {
        SvdError::NotFinite | SvdError::Overflow => ProcrustesError::NotFinite,
        SvdError::NotConverged { .. } => ProcrustesError::Degenerate,
    })?;
    if f.s == [T::ZERO; 3] {
        return Err(ProcrustesError::Degenerate);
    }
    let proper = f.u.mul(&f.v.transpose());
    if determinant(&proper) < T::ZERO {
        let [_, _, last] = &mut f.u.cols;
        *last = last.map(|x| -x);
    }
    let rotation = f.u.mul(&f.v.transpose());
    let moved = rotation.mul_vec(&a);
    let translation = core::array::from_fn(|i| at(&b, i) - at(&moved, i));
    let mut sum = T::ZERO;
    for (x, y) in x.iter().zip(y) {
        for ((&r, &t), &y) in rotation.mul_vec(x).iter().zip(&translation).zip(y) {
            sum += (r + t - y) * (r + t - y);
        }
    }
    let rmsd = (sum / T::from_usize(x.len())).sqrt();
    if rmsd.is_finite() {
        Ok(Rigid { rotation, translation, rmsd })
    } else {
        Err(ProcrustesError::NotFinite)
    }
}

fn mean<T: Scalar>(points: &[[T; 3]]) -> [T; 3] {
    let mut sum = [T::ZERO; 3];
    for point in points {
        simd::axpy(T::ONE, point, &mut sum);
    }
    sum.map(|x| x / T::from_usize(points.len()))
}

fn determinant<T: Scalar>(a: &Mat<T, 3, 3>) -> T {
    let [[a, b, c], [d, e, f], [g, h, i]] = a.cols;
    a * (e * i - f * h) - d * (b * i - c * h) + g * (b * f - c * e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_is_found_and_its_factor() {
        // (x, y) → 3·(−y, x): rows of W are the images of the axes, (0, 1) and (−1, 0).
        let x = [1.0_f64, 0.0, 0.0, 1.0, 1.0, 1.0];
        let y = [0.0, 3.0, -3.0, 0.0, -3.0, 3.0];
        let (mut w, mut work) = ([0.0; 4], [0.0; workspace_len(2)]);
        let factor = procrustes(&x, &y, 2, &mut w, &mut work).unwrap();
        let right = [0.0, 1.0, -1.0, 0.0];
        assert!(w.iter().zip(right).all(|(a, b)| (a - b).abs() < 1e-15), "{w:?}");
        assert!((factor - 3.0).abs() < 1e-14);
        let mut out = [0.0; 2];
        rotate_point(&w, &[2.0, 5.0], &mut out);
        assert!((out[0] + 5.0).abs() < 1e-14 && (out[1] - 2.0).abs() < 1e-14);
    }

    #[test]
    fn a_mirror_image_is_met_by_a_rotation() {
        let x = [[1.0_f64, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0], [0.0; 3]];
        let motion = kabsch(&x, &x.map(|[a, b, c]| [-a, b, c])).unwrap();
        assert!((determinant(&motion.rotation) - 1.0).abs() < 1e-14 && motion.rmsd > 0.1);
    }

    #[test]
    fn what_has_no_answer_is_refused() {
        use ProcrustesError::{Degenerate, NotFinite, WrongLength};
        let mut work = [0.0_f64; workspace_len(2)];
        let mut run = |x: &[f64], y: &[f64]| procrustes(x, y, 2, &mut [0.0; 4], &mut work);
        assert_eq!(run(&[1.0; 4], &[1.0; 2]), Err(WrongLength));
        assert_eq!(run(&[1.0; 3], &[1.0; 3]), Err(WrongLength));
        assert_eq!(run(&[0.0; 4], &[1.0; 4]), Err(Degenerate));
        assert_eq!(run(&[f64::NAN; 2], &[1.0; 2]), Err(NotFinite));
        assert_eq!(run(&[1e-300; 2], &[1e300; 2]), Err(NotFinite));
        assert_eq!(kabsch::<f32>(&[[1.0; 3]; 2], &[[2.0; 3]; 2]), Err(Degenerate));
    }
}
