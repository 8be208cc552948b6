//! Matrices: [`Mat`] with its sizes in the type, and views of memory lent by the caller.
//!
//! Storage is column by column: a column is a contiguous slice, so that every kernel walks
//! along columns. No method panics; an index outside the matrix gives an empty slice or `None`.

use crate::scalar::Scalar;
use crate::simd;

/// An `M × N` matrix, stored column by column.
///
/// ```
/// use eigenmote::Mat;
/// let a = Mat::from_rows(&[[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]]);
/// assert_eq!(a.cols[1], [2.0, 4.0, 6.0]);
/// assert_eq!(a.tr_mul(&a), Mat::from_rows(&[[35.0, 44.0], [44.0, 56.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct Mat<T, const M: usize, const N: usize> {
    /// `cols[j][i]` is the entry in row `i`, column `j`.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays::nested"))]
    pub cols: [[T; M]; N],
}

impl<T: Scalar, const M: usize, const N: usize> Default for Mat<T, M, N> {
    fn default() -> Self {
        Self::zeros()
    }
}

impl<T: Scalar, const M: usize, const N: usize> Mat<T, M, N> {
    /// All entries zero.
    #[inline]
    pub const fn zeros() -> Self {
        Self { cols: [[T::ZERO; M]; N] }
    }

    /// Ones on the diagonal, zeros elsewhere.
    #[inline]
    pub fn identity() -> Self {
        Self::from_fn(|i, j| if i == j { T::ONE } else { T::ZERO })
    }

    /// The entry in row `i`, column `j` is `f(i, j)`.
    #[inline]
    pub fn from_fn(mut f: impl FnMut(usize, usize) -> T) -> Self {
        Self { cols: core::array::from_fn(|j| core::array::from_fn(|i| f(i, j))) }
    }

    /// From its columns.
    #[inline]
    pub const fn from_cols(cols: [[T; M]; N]) -> Self {
        Self { cols }
    }

    /// From its rows.
    #[inline]
    pub fn from_rows(rows: &[[T; N]; M]) -> Self {
        let mut out = Self::zeros();
        for (i, row) in rows.iter().enumerate() {
            for (col, &value) in out.cols.iter_mut().zip(row) {
                if let Some(entry) = col.get_mut(i) {
                    *entry = value;
                }
            }
        }
        out
    }

    /// The entry in row `i`, column `j`, if there is one.
    #[inline]
    pub fn get(&self, i: usize, j: usize) -> Option<T> {
        self.cols.get(j).and_then(|col| col.get(i)).copied()
    }

    /// The entry in row `i`, column `j`, if there is one, to be changed.
    #[inline]
    pub fn get_mut(&mut self, i: usize, j: usize) -> Option<&mut T> {
        self.cols.get_mut(j).and_then(|col| col.get_mut(i))
    }

    /// All entries, column by column.
    #[inline]
    pub const fn as_slice(&self) -> &[T] {
        self.cols.as_flattened()
    }

    /// All entries, column by column, to be changed.
    #[inline]
    pub const fn as_mut_slice(&mut self) -> &mut [T] {
        self.cols.as_flattened_mut()
    }

    /// A view whose sizes are values.
    #[inline]
    pub const fn view(&self) -> MatRef<'_, T> {
        MatRef { data: self.cols.as_flattened(), rows: M, cols: N }
    }

    /// A view whose sizes are values, to be changed.
    #[inline]
    pub const fn view_mut(&mut self) -> MatMut<'_, T> {
        MatMut { data: self.cols.as_flattened_mut(), rows: M, cols: N }
    }

    /// `Aᵀ`.
    #[inline]
    pub fn transpose(&self) -> Mat<T, N, M> {
        let mut out = Mat::zeros();
        for (j, col) in self.cols.iter().enumerate() {
            for (row, &value) in out.cols.iter_mut().zip(col) {
                if let Some(entry) = row.get_mut(j) {
                    *entry = value;
                }
            }
        }
        out
    }

    /// `A·B`, columns of `A` added up in order: the same bits for every target.
    #[inline]
    pub fn mul<const P: usize>(&self, b: &Mat<T, N, P>) -> Mat<T, M, P> {
        let mut out = Mat::zeros();
        for (out, b) in out.cols.iter_mut().zip(&b.cols) {
            *out = self.mul_vec(b);
        }
        out
    }

    /// `Aᵀ·B`.
    #[inline]
    pub fn tr_mul<const P: usize>(&self, b: &Mat<T, M, P>) -> Mat<T, N, P> {
        let mut out = Mat::zeros();
        for (out, b) in out.cols.iter_mut().zip(&b.cols) {
            *out = self.tr_mul_vec(b);
        }
        out
    }

    /// `A·x`.
    #[inline]
    pub fn mul_vec(&self, x: &[T; N]) -> [T; M] {
        let mut out = [T::ZERO; M];
        for (col, &x) in self.cols.iter().zip(x) {
            simd::axpy(x, col, &mut out);
        }
        out
    }

    /// `Aᵀ·x`.
    #[inline]
    pub fn tr_mul_vec(&self, x: &[T; M]) -> [T; N] {
        let mut out = [T::ZERO; N];
        for (out, col) in out.iter_mut().zip(&self.cols) {
            *out = simd::dot(col, x);
        }
        out
    }

    /// Square root of the sum of squared entries, safe from overflow and underflow.
    pub fn frobenius(&self) -> T {
        norm(self.as_slice())
    }

    /// Whether no entry is infinite or NaN.
    #[inline]
    pub fn is_finite(&self) -> bool {
        simd::all_finite(self.as_slice())
    }
}

/// Whether squares of values with at most this exponent stay normal, even if 2^40 of them are added
/// up: the largest one then gives the right length.
#[inline(always)]
pub(crate) fn mid_range<T: Scalar>(exponent: i32) -> bool {
    exponent.abs() < T::MAX_EXP / 2 - 24
}

/// Euclidean norm, safe from overflow and underflow.
pub fn norm<T: Scalar>(x: &[T]) -> T {
    let largest = simd::max_abs(x);
    let k = largest.exponent();
    if mid_range::<T>(k) || largest == T::ZERO {
        return simd::sum_of_squares(x).sqrt();
    }
    let mut sum = T::ZERO;
    for &v in x {
        let v = v.scale_exp2(-k);
        sum += v * v;
    }
    sum.sqrt().scale_exp2(k)
}

/// A matrix whose columns are slices: what the kernels of `linalg` work on.
///
/// Implemented by [`Mat`], whose sizes the compiler knows, and by [`MatMut`], whose sizes are
/// values: one source serves both.
pub trait Columns<T> {
    /// Number of rows.
    fn rows(&self) -> usize;
    /// Number of columns.
    fn cols(&self) -> usize;
    /// Column `j`; empty if there is none.
    fn col(&self, j: usize) -> &[T];
    /// Column `j`, to be changed; empty if there is none.
    fn col_mut(&mut self, j: usize) -> &mut [T];
    /// Columns `p ≠ q`, to be changed; empty if one is missing or both are the same.
    fn pair_mut(&mut self, p: usize, q: usize) -> (&mut [T], &mut [T]);
    /// All entries, column by column, to be changed.
    fn all_mut(&mut self) -> &mut [T];
}

impl<T: Scalar, const M: usize, const N: usize> Columns<T> for Mat<T, M, N> {
    #[inline(always)]
    fn rows(&self) -> usize {
        M
    }
    #[inline(always)]
    fn cols(&self) -> usize {
        N
    }
    #[inline(always)]
    fn col(&self, j: usize) -> &[T] {
        match self.cols.get(j) {
            Some(col) => col,
            None => &[],
        }
    }
    #[inline(always)]
    fn col_mut(&mut self, j: usize) -> &mut [T] {
        match self.cols.get_mut(j) {
            Some(col) => col,
            None => &mut [],
        }
    }
    #[inline(always)]
    fn pair_mut(&mut self, p: usize, q: usize) -> (&mut [T], &mut [T]) {
        match self.cols.get_disjoint_mut([p, q]) {
            Ok([a, b]) => (a, b),
            Err(_) => (&mut [], &mut []),
        }
    }
    #[inline(always)]
    fn all_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
}

/// A view of a matrix stored column by column, sizes as values.
#[derive(Clone, Copy, Debug)]
pub struct MatRef<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
}

impl<'a, T: Scalar> MatRef<'a, T> {
    /// A `rows × cols` matrix over `data`; `None` unless `data` holds exactly that many values.
    #[inline]
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Option<Self> {
        (rows.checked_mul(cols)? == data.len()).then_some(Self { data, rows, cols })
    }
    /// Number of rows.
    #[inline]
    pub const fn rows(&self) -> usize {
        self.rows
    }
    /// Number of columns.
    #[inline]
    pub const fn cols(&self) -> usize {
        self.cols
    }
    /// All entries, column by column.
    #[inline]
    pub const fn as_slice(&self) -> &'a [T] {
        self.data
    }
    /// Column `j`; empty if there is none.
    #[inline]
    pub fn col(&self, j: usize) -> &'a [T] {
        let start = j.wrapping_mul(self.rows);
        self.data.get(start..start.wrapping_add(self.rows)).unwrap_or(&[])
    }
}

/// A view of a matrix stored column by column, sizes as values, to be changed.
#[derive(Debug)]
pub struct MatMut<'a, T> {
    data: &'a mut [T],
    rows: usize,
    cols: usize,
}

impl<'a, T: Scalar> MatMut<'a, T> {
    /// A `rows × cols` matrix over `data`; `None` unless `data` holds exactly that many values.
    #[inline]
    pub fn new(data: &'a mut [T], rows: usize, cols: usize) -> Option<Self> {
        (rows.checked_mul(cols)? == data.len()).then_some(Self { data, rows, cols })
    }
    /// All entries, column by column.
    #[inline]
    pub const fn as_slice(&self) -> &[T] {
        self.data
    }
    /// All entries, column by column, to be changed.
    #[inline]
    pub const fn as_mut_slice(&mut self) -> &mut [T] {
        self.data
    }
    /// The same matrix, not to be changed.
    #[inline]
    pub const fn as_ref(&self) -> MatRef<'_, T> {
        MatRef { data: self.data, rows: self.rows, cols: self.cols }
    }
}

impl<T: Scalar> Columns<T> for MatMut<'_, T> {
    #[inline(always)]
    fn rows(&self) -> usize {
        self.rows
    }
    #[inline(always)]
    fn cols(&self) -> usize {
        self.cols
    }
    #[inline(always)]
    fn col(&self, j: usize) -> &[T] {
        self.as_ref()
            .data
            .get(j.wrapping_mul(self.rows)..)
            .and_then(|d| d.get(..self.rows))
            .unwrap_or(&[])
    }
    #[inline(always)]
    fn col_mut(&mut self, j: usize) -> &mut [T] {
        let rows = self.rows;
        self.data.get_mut(j.wrapping_mul(rows)..).and_then(|d| d.get_mut(..rows)).unwrap_or(&mut [])
    }
    #[inline(always)]
    fn pair_mut(&mut self, p: usize, q: usize) -> (&mut [T], &mut [T]) {
        let rows = self.rows;
        let range = |j: usize| {
            let start = j.wrapping_mul(rows);
            start..start.wrapping_add(rows)
        };
        match self.data.get_disjoint_mut([range(p), range(q)]) {
            Ok([a, b]) => (a, b),
            Err(_) => (&mut [], &mut []),
        }
    }
    #[inline(always)]
    fn all_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_match_hand_work() {
        let a = Mat::from_rows(&[[1.0_f64, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        let b = Mat::from_rows(&[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
        assert_eq!(a.mul(&b), Mat::from_rows(&[[4.0, 5.0], [10.0, 11.0]]));
        assert_eq!(a.transpose().tr_mul(&b), a.mul(&b));
        assert_eq!(a.mul_vec(&[1.0, 1.0, 1.0]), [6.0, 15.0]);
        assert_eq!(a.tr_mul_vec(&[1.0, -1.0]), [-3.0; 3]);
        assert_eq!(a.get(1, 2), Some(6.0));
        assert_eq!(a.get(2, 0), None);
    }

    #[test]
    fn norm_survives_both_ends_of_the_range() {
        for k in [-1070, -600, 0, 600, 1020] {
            let x = [3.0_f64.scale_exp2(k), 4.0_f64.scale_exp2(k)];
            assert_eq!(norm(&x), 5.0_f64.scale_exp2(k));
        }
        assert_eq!(norm::<f32>(&[]), 0.0);
        assert_eq!(norm(&[0.0_f32; 3]), 0.0);
    }

    #[test]
    fn missing_columns_are_empty() {
        let mut a = Mat::<f32, 3, 2>::identity();
        assert!(Columns::col(&a, 2).is_empty());
        assert!(a.pair_mut(1, 1).0.is_empty());
        let mut v = a.view_mut();
        assert!(v.col(2).is_empty() && v.col_mut(usize::MAX).is_empty());
        assert!(v.pair_mut(0, 2).0.is_empty());
        assert_eq!(v.pair_mut(1, 0).0, [0.0, 1.0, 0.0]);
    }
}
