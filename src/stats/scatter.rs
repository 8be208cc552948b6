//! The triangular root of the scatter matrix, streamed: principal components without squaring.
//!
//! For centred samples `X` the scatter matrix is `XᵀX = RᵀR` with an upper triangle `R`, and `R`
//! has the singular values and right singular vectors of `X`. Forming `XᵀX` squares the condition
//! number: a direction whose deviation is `√ε` of the largest drowns in rounding noise. `R` comes
//! from reflections applied to the samples themselves, column by column, so that even such
//! directions keep their relative accuracy. It is updated block by block: the triangle is put on
//! top of the new centred rows and the rows are eliminated; a change of the mean is one more row
//! (the vector `g` of [`Moments`](super::Moments)' joining formula).
//!
//! Source: Golub & Van Loan, "Matrix Computations", 4th ed., §6.5 (updating QR); columnwise error
//! bound in Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., §19.3.

use super::centre::{BLOCK, Centre, centre_block, check};
use super::moments::MomentsError;
use crate::linalg::jacobi::rotation_scaled;
use crate::linalg::qr::{householder, reflect};
use crate::mat::{Columns, Mat};
use crate::scalar::Scalar;
use crate::simd::{self, Plain};

/// Row 0 of a block takes the row of `R` that is being worked on, the last row takes `g`.
const ROWS: usize = BLOCK - 2;

/// Running count, mean and root `R` of the scatter matrix `RᵀR = Σ (x − mean)(x − mean)ᵀ`.
///
/// ```
/// use eigenmote::stats::{Pca, ScatterRoot};
/// let mut root = ScatterRoot::<f32, 3>::new();
/// for i in 0..100_u8 {
///     // The variance of the third channel is 10⁻¹⁵ of the first: not lost in f32.
///     root.update(&[f32::from(i), f32::from(i % 7), 1e-6 * f32::from(i % 5)])?;
/// }
/// let pca = Pca::<f32, 3, 3>::fit_from_scatter(&root)?;
/// assert!(pca.components[2][2] > 0.999);
/// assert!((pca.explained_variance[2] / 2.0126e-12 - 1.0).abs() < 1e-3);
/// # Ok::<(), eigenmote::stats::PcaError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct ScatterRoot<T, const D: usize> {
    centre: Centre<T, D>,
    r: Mat<T, D, D>,
}

impl<T: Scalar, const D: usize> Default for ScatterRoot<T, D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar, const D: usize> ScatterRoot<T, D> {
    /// Size of the state: `D² + 2·D` scalars and the count.
    pub const STATE_BYTES: usize = size_of::<Self>();

    /// No samples.
    pub const fn new() -> Self {
        Self { centre: Centre::EMPTY, r: Mat::zeros() }
    }

    /// Number of samples.
    pub const fn count(&self) -> u32 {
        self.centre.count
    }

    /// Mean of each channel; zero before the first sample.
    pub fn mean(&self) -> [T; D] {
        self.centre.mean()
    }

    /// The upper triangle `R`; zeros below the diagonal. Diagonal entries may have either sign.
    pub const fn r(&self) -> &Mat<T, D, D> {
        &self.r
    }

    /// Takes in one sample.
    ///
    /// # Errors
    /// [`MomentsError::NotFinite`], [`MomentsError::CountOverflow`], or [`MomentsError::Overflow`]
    /// for values beyond 2⁹⁵ (`f32`) or 2⁹⁷⁷ (`f64`); the state is then as before.
    ///
    /// # Cost
    /// About `3·D² + 70·D` flops and `D` square roots; `5·D` scalars of stack.
    pub fn update(&mut self, x: &[T; D]) -> Result<(), MomentsError> {
        check(core::slice::from_ref(x))?;
        let (centre, g) = self.centre.join(&Centre::of_one(x))?;
        self.centre = centre;
        self.absorb_row(g);
        Ok(())
    }

    /// Takes in many samples. Faster per sample than [`ScatterRoot::update`].
    ///
    /// # Errors
    /// As [`ScatterRoot::update`]; none of the samples is then taken in.
    ///
    /// # Cost
    /// About `2·D² + 30·D` flops per sample; `36·D` scalars of stack.
    pub fn update_batch(&mut self, samples: &[[T; D]]) -> Result<(), MomentsError> {
        check(samples)?;
        let fits = u32::try_from(samples.len()).ok().and_then(|n| self.count().checked_add(n));
        if fits.is_none() {
            return Err(MomentsError::CountOverflow);
        }
        let mut columns = Mat::<T, BLOCK, D>::zeros();
        for block in samples.chunks(ROWS) {
            let theirs = centre_block(block, 1, &mut columns);
            let (centre, g) = self.centre.join(&theirs)?;
            self.centre = centre;
            for (column, g) in columns.cols.iter_mut().zip(g) {
                if let Some(last) = column.last_mut() {
                    *last = g;
                }
            }
            self.absorb(&mut columns);
        }
        Ok(())
    }

    /// Takes in all samples of another state, as if they had been given to this one.
    ///
    /// # Errors
    /// [`MomentsError::CountOverflow`]; the state is then as before.
    ///
    /// # Cost
    /// About `D³` flops.
    pub fn merge(&mut self, other: &Self) -> Result<(), MomentsError> {
        let (centre, g) = self.centre.join(&other.centre)?;
        self.centre = centre;
        self.absorb_row(g);
        for i in 0..D {
            self.absorb_row(core::array::from_fn(|j| other.r.get(i, j).unwrap_or(T::ZERO)));
        }
        Ok(())
    }

    fn absorb_row(&mut self, row: [T; D]) {
        self.absorb(&mut Mat::<T, 2, D> { cols: row.map(|x| [T::ZERO, x]) });
    }

    /// Eliminates rows 1, 2, … of a block below the triangle: step `j` reflects row `j` of `R` and
    /// the rows of the block, all other rows stay as they are.
    fn absorb<const B: usize>(&mut self, block: &mut Mat<T, B, D>) {
        for j in 0..D {
            let Some((left, right)) = block.cols.split_at_mut_checked(j.wrapping_add(1)) else {
                return;
            };
            let Some(v) = left.last_mut() else { return };
            let Some(diagonal) = self.r.get_mut(j, j) else { return };
            exchange_head(v, diagonal);
            let tau = householder(Plain, v, 0);
            exchange_head(v, diagonal);
            if tau == T::ZERO {
                continue;
            }
            if let Some(head) = v.first_mut() {
                *head = T::ONE;
            }
            for (k, y) in (j.wrapping_add(1)..D).zip(right) {
                let Some(entry) = self.r.get_mut(j, k) else { return };
                exchange_head(y, entry);
                reflect(v, tau, 0, y);
                exchange_head(y, entry);
            }
        }
    }
}

/// Each pass multiplies the error of a small entry by about `ε·cond`; two are usual.
const MAX_PASSES: usize = 6;

/// Sharpens right singular vectors of graded data; `z` is overwritten.
///
/// The SVD gives column `v_q` with errors of size `ε` in every entry. For a direction of deviation
/// `σ_q` the entry at a channel of far larger deviation `d` is only about `σ_q/d` and may consist
/// of error alone, and `W·(x − mean)` multiplies it with a value of size `d`. Jacobi rotations
/// of `V` that make the columns of `Z = R·V` orthogonal to working precision leave an error
/// of `ε·σ_q/d` there. `Z` is computed afresh in every pass, because rotating it would carry
/// along rounding errors of the size of what is removed.
pub(super) fn polish<T: Scalar, const D: usize>(
    r: &Mat<T, D, D>,
    rank: usize,
    v: &mut Mat<T, D, D>,
    z: &mut Mat<T, D, D>,
) {
    // A product of length D leaves a cosine of about √D·ε.
    let tolerance = T::from_usize(D) * T::EPSILON;
    for _ in 0..MAX_PASSES {
        let mut exponents = [0; D];
        *z = r.mul(v);
        for (column, exponent) in z.cols.iter_mut().zip(&mut exponents) {
            *exponent = simd::max_abs(column).exponent();
            for x in column {
                *x = x.scale_exp2(-*exponent);
            }
        }
        let mut clean = true;
        for (p, &f) in exponents.iter().enumerate().take(rank) {
            for (q, &g) in exponents.iter().enumerate().take(rank).skip(p.wrapping_add(1)) {
                let (x, y) = z.pair_mut(p, q);
                let (alpha, beta) = (simd::sum_of_squares(x), simd::sum_of_squares(y));
                let gamma = simd::dot(x, y);
                if !(gamma.abs() > tolerance * (alpha * beta).sqrt()) {
                    continue;
                }
                clean = false;
                let turn = rotation_scaled(alpha, beta, gamma, g.wrapping_sub(f));
                simd::rotate(turn.c, turn.c * turn.to_x, turn.c * turn.to_y, x, y);
                let (x, y) = v.pair_mut(p, q);
                simd::rotate(turn.c, turn.c * turn.t, turn.c * turn.t, x, y);
            }
        }
        if clean {
            return;
        }
    }
}

#[inline(always)]
fn exchange_head<T>(column: &mut [T], entry: &mut T) {
    if let Some(head) = column.first_mut() {
        core::mem::swap(head, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_of_a_3_4_5_scatter_is_5() {
        // Mean 3, centred −4, −3, 3, 4, 0: scatter 50; the second channel is constant.
        let mut root = ScatterRoot::<f64, 2>::new();
        root.update_batch(&[[-1.0, 7.0], [0.0, 7.0], [6.0, 7.0], [7.0, 7.0], [3.0, 7.0]])
            .unwrap_or_default();
        assert_eq!(root.mean(), [3.0, 7.0]);
        assert!((root.r.cols[0][0].abs() - 50.0_f64.sqrt()).abs() < 1e-14);
        assert_eq!((root.r.cols[0][1], root.r.cols[1]), (0.0, [0.0, 0.0]));
    }
}
