//! Matrices that are only ever multiplied by vectors: dense, sparse, centred, or two functions.

use core::fmt;

use super::rows::{Strip, strips};
use super::{at, put};
use crate::mat::{Mat, MatRef};
use crate::scalar::Scalar;
use crate::simd::{self, Kernel, Lanes, Simd};

/// A matrix known by its products with vectors.
///
/// Both products must belong to the same matrix, and must not depend on what the output held.
pub trait LinearOperator<T> {
    /// Number of rows.
    fn rows(&self) -> usize;
    /// Number of columns.
    fn cols(&self) -> usize;
    /// `y ← A·x`, with `cols` values in `x` and `rows` in `y`.
    fn apply(&self, x: &[T], y: &mut [T]);
    /// `y ← Aᵀ·x`, with `rows` values in `x` and `cols` in `y`.
    fn apply_transposed(&self, x: &[T], y: &mut [T]);
    /// `Y ← A·X` for several vectors, one after the other in `x` and in `y`.
    ///
    /// By itself a product after the other. An operator that reads its matrix from far away says here
    /// how one reading serves all of them.
    fn apply_block(&self, x: &[T], y: &mut [T]) {
        each_vector((self.cols(), x), (self.rows(), y), |x, y| self.apply(x, y));
    }
    /// `Y ← Aᵀ·X` for several vectors, one after the other in `x` and in `y`.
    fn apply_transposed_block(&self, x: &[T], y: &mut [T]) {
        each_vector((self.rows(), x), (self.cols(), y), |x, y| self.apply_transposed(x, y));
    }
    /// `‖2ᵏ·A‖_F²` to a relative error of at most `16·ε`, if it is known.
    ///
    /// The power of two keeps the squares in range.
    fn frobenius_squared(&self, k: i32) -> Option<T> {
        let _ = k;
        None
    }
}

/// `f(x, y)` for vectors of these lengths, one after the other.
#[inline(always)]
pub(crate) fn each_vector<T>(
    (inputs, x): (usize, &[T]),
    (outputs, y): (usize, &mut [T]),
    mut f: impl FnMut(&[T], &mut [T]),
) {
    some_vectors((inputs, outputs), (x, y), |[x], [y]| f(x, y));
}

/// `f` of `B` vectors at a time, of these lengths and one after the other; what is left of both.
#[inline(always)]
fn some_vectors<'x, 'y, T, const B: usize>(
    (inputs, outputs): (usize, usize),
    (mut x, mut y): (&'x [T], &'y mut [T]),
    mut f: impl FnMut([&[T]; B], [&mut [T]; B]),
) -> (&'x [T], &'y mut [T]) {
    // Vectors of length 0 do not get fewer.
    while !y.is_empty() && x.len() / B >= inputs && y.len() / B >= outputs {
        let mut to = y.split_off_mut(..B * outputs).unwrap_or_default();
        let mut from = x.split_off(..B * inputs).unwrap_or_default();
        f(
            core::array::from_fn(|_| from.split_off(..inputs).unwrap_or_default()),
            core::array::from_fn(|_| to.split_off_mut(..outputs).unwrap_or_default()),
        );
    }
    (x, y)
}

impl<T: Scalar, const M: usize, const N: usize> LinearOperator<T> for Mat<T, M, N> {
    fn rows(&self) -> usize {
        M
    }
    fn cols(&self) -> usize {
        N
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        self.view().apply(x, y);
    }
    fn apply_transposed(&self, x: &[T], y: &mut [T]) {
        self.view().apply_transposed(x, y);
    }
    fn apply_block(&self, x: &[T], y: &mut [T]) {
        self.view().apply_block(x, y);
    }
    fn apply_transposed_block(&self, x: &[T], y: &mut [T]) {
        self.view().apply_transposed_block(x, y);
    }
    fn frobenius_squared(&self, k: i32) -> Option<T> {
        self.view().frobenius_squared(k)
    }
}

impl<T: Scalar> LinearOperator<T> for MatRef<'_, T> {
    fn rows(&self) -> usize {
        MatRef::rows(self)
    }
    fn cols(&self) -> usize {
        MatRef::cols(self)
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        y.fill(T::ZERO);
        T::dispatch(Product { a: *self, x, y });
    }
    fn apply_transposed(&self, x: &[T], y: &mut [T]) {
        T::dispatch(Transposed { a: *self, x, y });
    }
    fn apply_block(&self, x: &[T], y: &mut [T]) {
        y.fill(T::ZERO);
        T::dispatch(Product { a: *self, x, y });
    }
    fn apply_transposed_block(&self, x: &[T], y: &mut [T]) {
        T::dispatch(Transposed { a: *self, x, y });
    }
    fn frobenius_squared(&self, k: i32) -> Option<T> {
        Some(sum_of_squares(self.as_slice(), k))
    }
}

/// `Y ← Y + A·X` for one or more vectors.
struct Product<'a, T> {
    a: MatRef<'a, T>,
    x: &'a [T],
    y: &'a mut [T],
}

/// Columns that are added up in one pass over `y`; the matrix is read from its beginning to its end.
const COLUMNS: usize = 4;
/// Rows of several vectors that are worked on together: they, and four pieces of columns, stay in the
/// nearest cache. The order of each sum is that of one vector.
const ROWS: usize = 256;

impl<T: Scalar> Kernel<T> for Product<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { a, x, y } = self;
        let (rows, cols) = (a.rows(), a.cols());
        let together = if y.len() > rows { ROWS } else { rows.max(1) };
        let mut from = 0;
        while from < rows {
            let count = together.min(rows - from);
            let mut rest = a.as_slice();
            let mut left = 0;
            while left < cols {
                let (columns, after) =
                    rest.split_at_checked(rows.saturating_mul(COLUMNS)).unwrap_or((rest, &[]));
                let columns = columns.get(from..).unwrap_or(&[]);
                let (mut xs, mut ys) =
                    (x.get(left..).unwrap_or(&[]), y.get_mut(from..).unwrap_or(&mut []));
                while let Some((x, y)) = xs.get(..COLUMNS.min(cols - left)).zip(ys.get_mut(..count))
                {
                    strips(simd, (0, count), &mut AddColumns { columns, stride: rows, x, y });
                    xs = xs.get(cols..).unwrap_or(&[]);
                    ys = ys.get_mut(rows..).unwrap_or(&mut []);
                }
                rest = after;
                left = left.saturating_add(COLUMNS);
            }
            from = from.saturating_add(together);
        }
    }
}

/// `y ← y + Σ xⱼ·column j` for up to four columns, `stride` apart.
struct AddColumns<'a, T> {
    columns: &'a [T],
    stride: usize,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Scalar> Strip<T> for AddColumns<'_, T> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        // The last columns may be fewer: what is missing counts as zero.
        let mut products = [simd.splat(T::ZERO); COLUMNS];
        let mut place = i;
        for (product, &x) in products.iter_mut().zip(self.x) {
            *product = simd.load_at(self.columns, place) * simd.splat(x);
            place = place.wrapping_add(self.stride);
        }
        let [a, b, c, d] = products;
        let sum = (a + b) + (c + d);
        (simd.load_at(self.y, i) + sum).store_at(self.y, i);
    }
}

/// `Y ← Aᵀ·X` for one or more vectors.
struct Transposed<'a, T> {
    a: MatRef<'a, T>,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Scalar> Kernel<T> for Transposed<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { a, x, y } = self;
        let (rows, cols) = (a.rows(), a.cols());
        for j in 0..cols {
            let column = a.col(j);
            let (mut xs, mut at) = (x, j);
            while let Some((x, y)) = xs.get(..rows).zip(y.get_mut(at)) {
                *y = simd.dot(column, x);
                xs = xs.get(rows..).unwrap_or(&[]);
                at = at.saturating_add(cols);
            }
        }
    }
}

/// Why a sparse matrix was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CsrError {
    /// `row_ptr` does not hold `rows + 1` values that ascend from 0 to the number of entries, or
    /// there are not as many column numbers as values.
    Rows,
    /// The column numbers of a row do not ascend strictly, or one is outside the matrix.
    Columns,
}

impl fmt::Display for CsrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rows => "the row pointers do not describe the entries",
            Self::Columns => "column numbers must ascend within a row and lie inside the matrix",
        })
    }
}
impl core::error::Error for CsrError {}

/// A sparse matrix in compressed rows: row `i` has the entries `row_ptr[i]..row_ptr[i + 1]` of
/// `col_idx` and `values`, columns ascending (`scipy.sparse.csr_array` after `sum_duplicates`).
#[derive(Clone, Copy, Debug)]
pub struct Csr<'a, T> {
    cols: usize,
    row_ptr: &'a [u32],
    col_idx: &'a [u32],
    values: &'a [T],
}

impl<'a, T: Scalar> Csr<'a, T> {
    /// Checks the structure once; a product can then not fail.
    ///
    /// # Errors
    /// [`CsrError`] if the structure is not the one described at [`Csr`].
    pub fn new(
        rows: usize,
        cols: usize,
        row_ptr: &'a [u32],
        col_idx: &'a [u32],
        values: &'a [T],
    ) -> Result<Self, CsrError> {
        let ends = row_ptr.first() == Some(&0)
            && row_ptr.last().is_some_and(|&n| n as usize == values.len())
            && rows.checked_add(1) == Some(row_ptr.len())
            && col_idx.len() == values.len();
        let ascending = |x: &[u32]| x.iter().zip(x.iter().skip(1)).all(|(a, b)| a < b);
        if !ends || !row_ptr.iter().zip(row_ptr.iter().skip(1)).all(|(a, b)| a <= b) {
            return Err(CsrError::Rows);
        }
        let csr = Self { cols, row_ptr, col_idx, values };
        for (columns, _) in csr.iter_rows() {
            if !ascending(columns) || columns.last().is_some_and(|&j| j as usize >= cols) {
                return Err(CsrError::Columns);
            }
        }
        Ok(csr)
    }

    fn iter_rows(&self) -> impl Iterator<Item = (&'a [u32], &'a [T])> {
        let (col_idx, values) = (self.col_idx, self.values);
        self.row_ptr.iter().zip(self.row_ptr.iter().skip(1)).map(move |(&from, &to)| {
            let range = from as usize..to as usize;
            (col_idx.get(range.clone()).unwrap_or(&[]), values.get(range).unwrap_or(&[]))
        })
    }
}

impl<T: Scalar> Csr<'_, T> {
    /// `y ← A·x` for several vectors: one reading of the entries, and sums that do not wait for each
    /// other.
    #[inline(always)]
    fn product<const B: usize>(&self, x: [&[T]; B], mut y: [&mut [T]; B]) {
        for (i, (columns, values)) in self.iter_rows().enumerate() {
            let mut sums = [T::ZERO; B];
            for (&j, &a) in columns.iter().zip(values) {
                for (sum, x) in sums.iter_mut().zip(x) {
                    *sum += a * at(x, j as usize);
                }
            }
            for (y, sum) in y.iter_mut().zip(sums) {
                put(y, i, sum);
            }
        }
    }

    /// `y ← Aᵀ·x` for several vectors.
    #[inline(always)]
    fn transposed_product<const B: usize>(&self, x: [&[T]; B], mut y: [&mut [T]; B]) {
        for y in &mut y {
            y.fill(T::ZERO);
        }
        for (i, (columns, values)) in self.iter_rows().enumerate() {
            let x = x.map(|x| at(x, i));
            for (&j, &a) in columns.iter().zip(values) {
                for (y, x) in y.iter_mut().zip(x) {
                    if let Some(y) = y.get_mut(j as usize) {
                        *y += a * x;
                    }
                }
            }
        }
    }
}

impl<T: Scalar> LinearOperator<T> for Csr<'_, T> {
    fn rows(&self) -> usize {
        self.row_ptr.len().saturating_sub(1)
    }
    fn cols(&self) -> usize {
        self.cols
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        self.product([x], [y]);
    }
    fn apply_transposed(&self, x: &[T], y: &mut [T]) {
        self.transposed_product([x], [y]);
    }
    fn apply_block(&self, x: &[T], y: &mut [T]) {
        // The pointers of more than four do not stay in registers.
        let lengths = (self.cols, self.rows());
        let rest = some_vectors::<T, 4>(lengths, (x, y), |x, y| self.product(x, y));
        some_vectors::<T, 1>(lengths, rest, |x, y| self.product(x, y));
    }
    fn apply_transposed_block(&self, x: &[T], y: &mut [T]) {
        let lengths = (self.rows(), self.cols);
        let rest = some_vectors::<T, 4>(lengths, (x, y), |x, y| self.transposed_product(x, y));
        some_vectors::<T, 1>(lengths, rest, |x, y| self.transposed_product(x, y));
    }
    fn frobenius_squared(&self, k: i32) -> Option<T> {
        Some(sum_of_squares(self.values, k))
    }
}

/// `A − 1·meanᵀ`: a data matrix with one sample per row, centred without being changed, so that
/// the right singular vectors are the principal components.
///
/// Its Frobenius norm is not known: the difference of two large sums would lose its digits.
#[derive(Clone, Copy, Debug)]
pub struct Centered<'a, A: ?Sized, T> {
    /// `A`.
    pub operator: &'a A,
    /// What is subtracted from every row: one value per column.
    pub mean: &'a [T],
}

impl<T: Scalar, A: ?Sized> Centered<'_, A, T> {
    /// What the means add to `A·x`.
    fn subtract_shift(&self, x: &[T], y: &mut [T]) {
        let shift = simd::dot(self.mean, x);
        for y in y {
            *y -= shift;
        }
    }

    /// What the means add to `Aᵀ·x`.
    fn subtract_means(&self, x: &[T], y: &mut [T]) {
        let total = x.iter().fold(T::ZERO, |sum, &x| sum + x);
        simd::axpy(-total, self.mean, y);
    }
}

impl<T: Scalar, A: LinearOperator<T> + ?Sized> LinearOperator<T> for Centered<'_, A, T> {
    fn rows(&self) -> usize {
        self.operator.rows()
    }
    fn cols(&self) -> usize {
        self.operator.cols()
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        self.operator.apply(x, y);
        self.subtract_shift(x, y);
    }
    fn apply_transposed(&self, x: &[T], y: &mut [T]) {
        self.operator.apply_transposed(x, y);
        self.subtract_means(x, y);
    }
    fn apply_block(&self, x: &[T], y: &mut [T]) {
        self.operator.apply_block(x, y);
        each_vector((self.cols(), x), (self.rows(), y), |x, y| self.subtract_shift(x, y));
    }
    fn apply_transposed_block(&self, x: &[T], y: &mut [T]) {
        self.operator.apply_transposed_block(x, y);
        each_vector((self.rows(), x), (self.cols(), y), |x, y| self.subtract_means(x, y));
    }
}

/// An operator from two functions.
#[derive(Clone, Copy, Debug)]
pub struct Implicit<F, G> {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// `y ← A·x` as `apply(x, y)`.
    pub apply: F,
    /// `y ← Aᵀ·x` as `apply_transposed(x, y)`.
    pub apply_transposed: G,
}

impl<T, F: Fn(&[T], &mut [T]), G: Fn(&[T], &mut [T])> LinearOperator<T> for Implicit<F, G> {
    fn rows(&self) -> usize {
        self.rows
    }
    fn cols(&self) -> usize {
        self.cols
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        (self.apply)(x, y);
    }
    fn apply_transposed(&self, x: &[T], y: &mut [T]) {
        (self.apply_transposed)(x, y);
    }
}

/// `Σ(2ᵏ·xᵢ)²`: sums of 64 products, added up with the rounding error carried along.
fn sum_of_squares<T: Scalar>(x: &[T], k: i32) -> T {
    let (mut sum, mut carry) = (T::ZERO, T::ZERO);
    for x in x.chunks(64) {
        let mut scaled = [T::ZERO; 64];
        for (to, &from) in scaled.iter_mut().zip(x) {
            *to = from.scale_exp2(k);
        }
        let term = simd::sum_of_squares(&scaled) + carry;
        let next = sum + term;
        carry = term - (next - sum);
        sum = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparse_structure_is_checked() {
        let new = |p: &'static [u32], c: &'static [u32], n| {
            Csr::new(2, 3, p, c, &[1.0_f32; 3][..n]).map(|_| ())
        };
        assert_eq!(new(&[0, 2, 3], &[0, 2, 1], 3), Ok(()));
        assert_eq!(new(&[0, 2], &[0, 2, 1], 3), Err(CsrError::Rows));
        assert_eq!(new(&[0, 2, 3], &[0, 2], 3), Err(CsrError::Rows));
        assert_eq!(new(&[0, 4, 3], &[0, 1, 2], 3), Err(CsrError::Rows));
        assert_eq!(new(&[1, 2, 3], &[0, 1, 2], 3), Err(CsrError::Rows));
        assert_eq!(new(&[0, 2, 3], &[0, 3, 1], 3), Err(CsrError::Columns));
        assert_eq!(new(&[0, 2, 3], &[2, 0, 1], 3), Err(CsrError::Columns));
        assert_eq!(new(&[0, 2, 3], &[1, 1, 1], 3), Err(CsrError::Columns));
    }

    #[test]
    fn the_sum_of_squares_is_scaled_exactly() {
        let x = [3.0_f64; 200];
        assert_eq!(sum_of_squares(&x, 0), 1800.0);
        let huge = x.map(|v| v.scale_exp2(1000));
        assert_eq!(sum_of_squares(&huge, -1000), 1800.0);
    }
}
