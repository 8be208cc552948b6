//! From the vectors of words to one vector for a sentence, and a classifier on top of it.

use super::{EmbedError, Table};
use crate::linalg::truncated::{self, Triplets, truncated_svd};
use crate::linalg::{at, copy};
use crate::mat::MatRef;
use crate::{Scalar, simd};

/// The mean of the vectors of some words; zero if there are none. Numbers that the table does not have
/// are passed over.
///
/// # Errors
/// [`EmbedError::WrongLength`] unless `out` has the length of a vector.
pub fn mean<T: Scalar>(
    table: &Table<'_, T>,
    words: &[u32],
    out: &mut [T],
) -> Result<(), EmbedError> {
    weighted_mean(table, words, |_| T::ONE, out)
}

/// `Σ weight(w)·vector(w)/n` over `n` words. With [`sif_weight`] and [`remove_direction`] the smooth
/// inverse frequency of Arora, Liang & Ma, "A simple but tough-to-beat baseline for sentence
/// embeddings", ICLR (2017).
///
/// # Errors
/// As [`mean`].
pub fn weighted_mean<T: Scalar>(
    table: &Table<'_, T>,
    words: &[u32],
    weight: impl Fn(u32) -> T,
    out: &mut [T],
) -> Result<(), EmbedError> {
    if out.len() != table.dim() {
        return Err(EmbedError::WrongLength);
    }
    out.fill(T::ZERO);
    let mut n = T::ZERO;
    for &word in words {
        let row = table.row(word as usize);
        if !row.is_empty() {
            simd::axpy(weight(word), row, out);
            n += T::ONE;
        }
    }
    if n > T::ZERO {
        for x in out {
            *x /= n;
        }
    }
    Ok(())
}

/// `a/(a + p)` for a word that is the share `p = count/total` of a text; `a` is about 10⁻³.
pub fn sif_weight<T: Scalar>(count: u32, total: T, a: T) -> T {
    let share = T::from_u32(count) / total;
    a / (a + share)
}

/// The direction that rows of `dim` values have most in common: the leading singular vector of the
/// rows as they are. `work` holds [`direction_workspace_len`] values.
///
/// # Errors
/// [`EmbedError::WrongLength`], [`EmbedError::NotFinite`]; [`EmbedError::Empty`] without rows.
pub fn common_direction<T: Scalar>(
    rows: &[T],
    direction: &mut [T],
    work: &mut [T],
) -> Result<(), EmbedError> {
    let dim = direction.len();
    let n = rows.len().checked_div(dim).ok_or(EmbedError::WrongLength)?;
    let a = MatRef::new(rows, dim, n).ok_or(EmbedError::WrongLength)?;
    leading(a, 1, direction, &mut [T::ZERO], work)
}

/// See [`common_direction`].
pub const fn direction_workspace_len<T: Scalar>(dim: usize, rows: usize) -> usize {
    let options = truncated::Options::<T>::new(1);
    truncated::workspace_len(dim, rows, &options).saturating_add(rows).saturating_add(1)
}

/// `x ← x − (x·d)·d` for every row, for a direction `d` of length 1.
pub fn remove_direction<T: Scalar>(rows: &mut [T], direction: &[T]) {
    for row in rows.chunks_mut(direction.len().max(1)) {
        let along = simd::dot(row, direction);
        simd::axpy(-along, direction, row);
    }
}

/// The vectors of the first words one after the other, zeros after the last: `out` gives the length.
pub fn concatenate<T: Scalar>(table: &Table<'_, T>, words: &[u32], out: &mut [T]) {
    out.fill(T::ZERO);
    for (out, &word) in out.chunks_mut(table.dim().max(1)).zip(words) {
        copy(table.row(word as usize), out);
    }
}

/// The `k` principal directions of the words of a sentence, each times its singular value over the
/// root of the number of words, the strongest first; `out` has `k·dim` places. The entry of largest
/// magnitude of each is positive. What is beyond the number of words is zero.
///
/// `work` holds [`principal_workspace_len`] values.
///
/// # Errors
/// [`EmbedError::WrongLength`], [`EmbedError::NotFinite`].
pub fn principal<T: Scalar>(
    table: &Table<'_, T>,
    words: &[u32],
    out: &mut [T],
    work: &mut [T],
) -> Result<(), EmbedError> {
    let dim = table.dim();
    let k = out.len().checked_div(dim).ok_or(EmbedError::WrongLength)?;
    out.fill(T::ZERO);
    let known = words.iter().map(|&word| table.row(word as usize)).filter(|row| !row.is_empty());
    let n = known.clone().count();
    let rank = k.min(n).min(dim);
    if rank == 0 {
        return Ok(());
    }
    let length = n.checked_mul(dim).ok_or(EmbedError::WrongLength)?;
    let (rows, work) = work.split_at_mut_checked(length).ok_or(EmbedError::WrongLength)?;
    for (to, from) in rows.chunks_mut(dim.max(1)).zip(known) {
        copy(from, to);
    }
    let (s, work) = work.split_at_mut_checked(rank).ok_or(EmbedError::WrongLength)?;
    let a = MatRef::new(rows, dim, n).ok_or(EmbedError::WrongLength)?;
    let out = out.get_mut(..rank.saturating_mul(dim)).ok_or(EmbedError::WrongLength)?;
    leading(a, rank, out, s, work)?;
    let root = T::from_usize(n).sqrt();
    for (direction, &s) in out.chunks_mut(dim.max(1)).zip(s.iter()) {
        crate::linalg::fix_sign(direction);
        simd::scale(s / root, direction);
    }
    Ok(())
}

/// See [`principal`]: for sentences of at most `words` words and `k` directions of `dim` values.
pub const fn principal_workspace_len<T: Scalar>(dim: usize, words: usize, k: usize) -> usize {
    let options = truncated::Options::<T>::new(k);
    let own =
        words.saturating_mul(dim).saturating_add(k.saturating_mul(words)).saturating_add(2 * k);
    truncated::workspace_len(dim, words, &options).saturating_add(own)
}

/// The leading left singular vectors of a matrix and its values.
fn leading<T: Scalar>(
    a: MatRef<'_, T>,
    rank: usize,
    u: &mut [T],
    s: &mut [T],
    work: &mut [T],
) -> Result<(), EmbedError> {
    let wrong = EmbedError::WrongLength;
    let (v, work) = work.split_at_mut_checked(rank.saturating_mul(a.cols())).ok_or(wrong)?;
    let (residuals, work) = work.split_at_mut_checked(rank).ok_or(wrong)?;
    let mut out = Triplets { u, s, v, residuals };
    match truncated_svd(&a, &mut out, work, &truncated::Options::new(rank)) {
        Ok(_) => Ok(()),
        Err(truncated::TruncatedError::WrongLength) => Err(wrong),
        Err(truncated::TruncatedError::Rank) => Err(EmbedError::Empty),
        Err(_) => Err(EmbedError::NotFinite),
    }
}

/// Parameters of [`Logistic::fit`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LogisticOptions<T> {
    /// `λ > 0`, the weight of `‖w‖²/2` beside the mean loss: `1/(C·n)` for the `C` of scikit-learn.
    pub penalty: T,
    /// Steps at most; 1000 by default.
    pub max_steps: u32,
    /// The gradient's length at which it is done.
    pub tolerance: T,
}

impl<T: Scalar> LogisticOptions<T> {
    /// A penalty, at most 1000 steps, a gradient of 10⁻⁴.
    pub fn new(penalty: T) -> Self {
        Self { penalty, max_steps: 1000, tolerance: T::from_f64(1e-4) }
    }
}

/// A linear classifier of two classes: `P(yes) = 1/(1 + exp(−w·x − b))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logistic<'a, T> {
    /// `w`.
    pub weights: &'a [T],
    /// `b`.
    pub bias: T,
}

impl<'a, T: Scalar> Logistic<'a, T> {
    /// Learns from rows and their labels, as many values per row as `weights` has places, by gradient
    /// descent with Nesterov's momentum from zero; the minimum is unique. `work` holds three times as
    /// many values and three more. Returns the classifier and the steps it took.
    ///
    /// # Errors
    /// [`EmbedError::WrongLength`], [`EmbedError::Empty`] without rows, [`EmbedError::Parameter`] for a
    /// penalty that is not positive, [`EmbedError::NotFinite`].
    ///
    /// # Cost
    /// `4·dim` flops and an exponential per row and step.
    pub fn fit(
        rows: &[T],
        labels: &[bool],
        weights: &'a mut [T],
        work: &mut [T],
        options: &LogisticOptions<T>,
    ) -> Result<(Self, u32), EmbedError> {
        let (dim, wrong) = (weights.len(), EmbedError::WrongLength);
        if dim == 0 || dim.checked_mul(labels.len()) != Some(rows.len()) {
            return Err(wrong);
        }
        if labels.is_empty() {
            return Err(EmbedError::Empty);
        }
        if !(options.penalty > T::ZERO && options.penalty.is_finite()) {
            return Err(EmbedError::Parameter);
        }
        let n = T::from_usize(labels.len());
        // The curvature of the loss is at most a quarter of the mean of ‖x‖² + 1.
        let curvature = (simd::sum_of_squares(rows) / n + T::ONE) / T::from_f64(4.0);
        if !curvature.is_finite() {
            return Err(EmbedError::NotFinite);
        }
        let step = T::ONE / (curvature + options.penalty);
        let size = dim.saturating_add(1);
        let (now, work) = work.split_at_mut_checked(size).ok_or(wrong)?;
        let (ahead, work) = work.split_at_mut_checked(size).ok_or(wrong)?;
        let gradient = work.get_mut(..size).ok_or(wrong)?;
        now.fill(T::ZERO);
        ahead.fill(T::ZERO);
        let (mut t, mut steps) = (T::ONE, 0);
        while steps < options.max_steps {
            steps += 1;
            slope(rows, labels, ahead, options.penalty, gradient);
            let length = crate::mat::norm(gradient);
            let t_next = (T::ONE + (T::ONE + T::from_f64(4.0) * t * t).sqrt()) * T::HALF;
            // Momentum that points uphill is dropped (O'Donoghue & Candès 2015).
            let moved = now.iter().zip(ahead.iter()).map(|(&now, &ahead)| ahead - now);
            let uphill = gradient.iter().zip(moved).fold(T::ZERO, |sum, (&g, d)| sum + g * d);
            let momentum = if uphill > T::ZERO { T::ZERO } else { (t - T::ONE) / t_next };
            t = if uphill > T::ZERO { T::ONE } else { t_next };
            for ((now, ahead), &g) in now.iter_mut().zip(ahead.iter_mut()).zip(&*gradient) {
                let next = *ahead - step * g;
                *ahead = next + momentum * (next - *now);
                *now = next;
            }
            if !(length > options.tolerance) {
                break;
            }
        }
        if !simd::all_finite(now) {
            return Err(EmbedError::NotFinite);
        }
        copy(now, weights);
        Ok((Self { weights, bias: at(now, dim) }, steps))
    }

    /// `w·x + b`: positive for yes.
    pub fn score(&self, x: &[T]) -> T {
        simd::dot(self.weights, x) + self.bias
    }

    /// `P(yes)`.
    pub fn probability(&self, x: &[T]) -> T {
        sigmoid(self.score(x))
    }
}

fn sigmoid<T: Scalar>(x: T) -> T {
    T::ONE / (T::ONE + (-x).exp())
}

/// The gradient of mean loss and penalty; the bias is last and not penalised.
fn slope<T: Scalar>(rows: &[T], labels: &[bool], w: &[T], penalty: T, gradient: &mut [T]) {
    gradient.fill(T::ZERO);
    let Some((&bias, w)) = w.split_last() else { return };
    let Some((bias_slope, slopes)) = gradient.split_last_mut() else { return };
    for (row, &label) in rows.chunks(w.len().max(1)).zip(labels) {
        let target = if label { T::ONE } else { T::ZERO };
        let excess = sigmoid(simd::dot(w, row) + bias) - target;
        simd::axpy(excess, row, slopes);
        *bias_slope += excess;
    }
    let share = T::ONE / T::from_usize(labels.len());
    *bias_slope *= share;
    for (slope, &w) in slopes.iter_mut().zip(w) {
        *slope = share * *slope + penalty * w;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_concatenations_by_hand() {
        let table = Table::new(&[1.0_f64, 0.0, 3.0, 4.0], 2).unwrap();
        let mut out = [0.0; 2];
        mean(&table, &[0, 1, 7], &mut out).unwrap();
        assert_eq!(out, [2.0, 2.0]);
        mean(&table, &[], &mut out).unwrap();
        assert_eq!(out, [0.0; 2]);
        assert_eq!(sif_weight(1, 1000.0_f64, 1e-3), 0.5);
        let mut long = [9.0; 6];
        concatenate(&table, &[1, 0], &mut long);
        assert_eq!(long, [3.0, 4.0, 1.0, 0.0, 0.0, 0.0]);
        remove_direction(&mut long, &[1.0, 0.0]);
        assert_eq!(long, [0.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn principal_directions_of_two_words() {
        // Orthogonal words of lengths 5 and 1: they are the directions themselves, over √2.
        let table = Table::new(&[0.8_f64, -0.6, 3.0, 4.0], 2).unwrap();
        let (mut out, mut work) = ([9.0; 6], [0.0; principal_workspace_len::<f64>(2, 2, 3)]);
        principal(&table, &[0, 1], &mut out, &mut work).unwrap();
        let root = 2.0_f64.sqrt();
        let right = [3.0 / root, 4.0 / root, 0.8 / root, -0.6 / root, 0.0, 0.0];
        assert!(out.iter().zip(right).all(|(a, b)| (a - b).abs() < 1e-14), "{out:?}");
    }

    #[test]
    fn the_logistic_minimum_has_no_gradient() {
        let rows = [-2.0_f64, 1.0, -1.0, 0.5, 1.0, 0.3, 2.0, -1.0, 0.2, 0.1];
        let labels = [false, false, true, true, false];
        let (mut weights, mut work) = ([0.0; 2], [0.0; 9]);
        let options = LogisticOptions { tolerance: 1e-12, max_steps: 10_000, penalty: 0.1 };
        let (fit, steps) =
            Logistic::fit(&rows, &labels, &mut weights, &mut work, &options).unwrap();
        assert!(steps < 10_000);
        // Along w₀: mean of (p − y)·x₀ + λ·w₀.
        let slope: f64 = rows
            .chunks(2)
            .zip(labels)
            .map(|(x, y)| (fit.probability(x) - f64::from(y)) * x[0] / 5.0)
            .sum();
        assert!((slope + 0.1 * fit.weights[0]).abs() < 1e-11);
        assert!(fit.score(&[2.0, -1.0]) > 0.0 && fit.score(&[-2.0, 1.0]) < 0.0);
    }
}
