//! Losses: each gives its value and writes its gradient by the outputs of a network.
//!
//! Samples lie in rows, one after the other. [`mean_square`] is the mean over all values, as in
//! most toolkits; what stands for a logarithm of a probability is summed over the values of a
//! sample and averaged over samples.

use super::gradient::{TrainError, expect_len, rows_of};
use super::{Activation, GanLoss};
use crate::scalar::Scalar;
use crate::simd;

/// `1/n·Σ (y − t)²` over all `n` values, with the gradient `2/n·(y − t)`. The loss of autoencoders, of
/// regression, and of the prediction of noise in a diffusion model.
///
/// # Errors
/// [`TrainError::Length`], [`TrainError::Batch`] without values, [`TrainError::NotFinite`] for the
/// target, [`TrainError::Overflow`].
pub fn mean_square<T: Scalar>(
    output: &[T],
    target: &[T],
    gradient: &mut [T],
) -> Result<T, TrainError> {
    check(output, target, gradient)?;
    let n = T::from_usize(output.len());
    difference(output, target, gradient);
    let value = simd::sum_of_squares(gradient) / n;
    simd::scale(T::TWO / n, gradient);
    finish(value, target)
}

/// Minus the logarithm of the density of `target` under a normal distribution with mean `output` and a
/// given variance in every value: `Σ (y − t)²/(2·v) + ½·ln(2π·v)`, averaged over `rows` samples.
///
/// # Errors
/// As [`mean_square`], and [`TrainError::Setting`] for a variance that is not positive.
pub fn gaussian<T: Scalar>(
    output: &[T],
    target: &[T],
    rows: usize,
    variance: T,
    gradient: &mut [T],
) -> Result<T, TrainError> {
    check(output, target, gradient)?;
    if !(variance > T::ZERO && variance.is_finite()) {
        return Err(TrainError::Setting);
    }
    let share = share(rows)?;
    difference(output, target, gradient);
    let values = T::from_usize(output.len()) * share;
    let constant = T::HALF * (T::TWO * T::PI * variance).ln() * values;
    let value = T::HALF * simd::sum_of_squares(gradient) / variance * share + constant;
    simd::scale(share / variance, gradient);
    finish(value, target)
}

/// Binary cross-entropy of `target` in 0…1 with the probabilities `σ(x)` of the logits `x`:
/// `Σ ln(1 + eˣ) − t·x`, averaged over `rows` samples; the gradient is `(σ(x) − t)/rows`.
///
/// # Errors
/// As [`mean_square`].
pub fn cross_entropy<T: Scalar>(
    logits: &[T],
    target: &[T],
    rows: usize,
    gradient: &mut [T],
) -> Result<T, TrainError> {
    check(logits, target, gradient)?;
    let share = share(rows)?;
    let mut targets = target.iter();
    let value = sum(logits, |x| softplus(x) - targets.next().copied().unwrap_or(T::ZERO) * x);
    probabilities(logits, gradient);
    for (g, &t) in gradient.iter_mut().zip(target) {
        *g = (*g - t) * share;
    }
    finish(value * share, target)
}

/// Cross-entropy of classes with the softmax of the logits, averaged over samples: one row of
/// `classes` logits and one label for each. The gradient is `(softmax(x) − 1[label])/rows`.
///
/// # Errors
/// As [`mean_square`], and [`TrainError::Setting`] for a label that is no class.
pub fn softmax_cross_entropy<T: Scalar>(
    logits: &[T],
    classes: usize,
    labels: &[usize],
    gradient: &mut [T],
) -> Result<T, TrainError> {
    check(logits, logits, gradient)?;
    let rows = rows_of(logits, classes, usize::MAX)?;
    expect_len(labels, rows)?;
    let share = share(rows)?;
    let (mut rest, mut out, mut value) = (logits, gradient, T::ZERO);
    for &label in labels {
        let (Some((row, more)), Some((g, more_out))) =
            (rest.split_at_checked(classes), out.split_at_mut_checked(classes))
        else {
            break;
        };
        let &own = row.get(label).ok_or(TrainError::Setting)?;
        let largest = row.iter().fold(own, |m, &x| m.max(x));
        let mut total = T::ZERO;
        for (g, &x) in g.iter_mut().zip(row) {
            *g = (x - largest).exp();
            total += *g;
        }
        value += total.ln() - (own - largest);
        simd::scale(share / total, g);
        if let Some(g) = g.get_mut(label) {
            *g -= share;
        }
        (rest, out) = (more, more_out);
    }
    finish(value * share, &[])
}

/// Divergence of normal distributions from the standard one, `½·Σ (μ² + v − ln v − 1)`, averaged over
/// samples. A row of `codes` holds `z` means `μ`, then `z` logarithms of variances `v`. `weight` times
/// the gradient, `(μ, (v − 1)/2)/rows`, is **added** to `gradient`; the value is without the weight.
///
/// # Errors
/// As [`mean_square`].
pub fn gaussian_kl<T: Scalar>(
    codes: &[T],
    z: usize,
    weight: T,
    gradient: &mut [T],
) -> Result<T, TrainError> {
    check(codes, codes, gradient)?;
    let rows = rows_of(codes, z.saturating_mul(2), usize::MAX)?;
    let share = share(rows)?;
    let step = weight * share;
    let (mut rest, mut out, mut value) = (codes, gradient, T::ZERO);
    for _ in 0..rows {
        let Some((mu, more)) = rest.split_at_checked(z) else { break };
        let Some((log_var, more)) = more.split_at_checked(z) else { break };
        let Some((d_mu, more_out)) = out.split_at_mut_checked(z) else { break };
        let Some((d_log_var, more_out)) = more_out.split_at_mut_checked(z) else { break };
        for (&mu, d) in mu.iter().zip(d_mu) {
            value += T::HALF * mu * mu;
            *d += step * mu;
        }
        for (&log_var, d) in log_var.iter().zip(d_log_var) {
            let excess = log_var.exp() - T::ONE;
            value += T::HALF * (excess - log_var);
            *d += step * T::HALF * excess;
        }
        (rest, out) = (more, more_out);
    }
    finish(value * share, &[])
}

/// Loss of a discriminator for samples that should all be taken for `target` (1 real, 0 made, or a
/// little less than 1 to smooth it): mean cross-entropy over one logit per sample. The gradient is
/// multiplied by `weight`; the value is not.
///
/// # Errors
/// As [`mean_square`].
pub fn judged<T: Scalar>(
    logits: &[T],
    target: T,
    weight: T,
    gradient: &mut [T],
) -> Result<T, TrainError> {
    check(logits, logits, gradient)?;
    let share = share(logits.len())?;
    let value = sum(logits, |x| softplus(x) - target * x) * share;
    probabilities(logits, gradient);
    for g in gradient.iter_mut() {
        *g = (*g - target) * share * weight;
    }
    finish(value, &[target])
}

/// Loss of a generator by the logits that a discriminator gives its samples: mean of
/// `ln(1 + e⁻ˣ)` (non-saturating) or of `−ln(1 + eˣ)` (minimax).
///
/// # Errors
/// As [`mean_square`].
///
/// # Source
/// Goodfellow et al., "Generative adversarial nets", `NeurIPS` 2014, §3.
pub fn generator<T: Scalar>(
    logits: &[T],
    loss: GanLoss,
    gradient: &mut [T],
) -> Result<T, TrainError> {
    match loss {
        GanLoss::NonSaturating => judged(logits, T::ONE, T::ONE, gradient),
        GanLoss::Minimax => judged(logits, T::ZERO, -T::ONE, gradient).map(|value| -value),
    }
}

/// `ln(1 + eˣ)`.
#[inline(always)]
fn softplus<T: Scalar>(x: T) -> T {
    x.max(T::ZERO) + (T::ONE + (-x.abs()).exp()).ln()
}

/// `σ(x)` for every logit.
fn probabilities<T: Scalar>(logits: &[T], out: &mut [T]) {
    for (out, &x) in out.iter_mut().zip(logits) {
        *out = x;
    }
    Activation::Sigmoid.apply(out);
}

fn difference<T: Scalar>(output: &[T], target: &[T], out: &mut [T]) {
    for ((out, &y), &t) in out.iter_mut().zip(output).zip(target) {
        *out = y - t;
    }
}

/// Sum in short parts, so that rounding errors of a long one do not add up.
#[inline(always)]
fn sum<T: Scalar>(values: &[T], mut f: impl FnMut(T) -> T) -> T {
    values
        .chunks(64)
        .fold(T::ZERO, |total, part| total + part.iter().fold(T::ZERO, |sum, &x| sum + f(x)))
}

fn share<T: Scalar>(rows: usize) -> Result<T, TrainError> {
    if rows == 0 { Err(TrainError::Batch) } else { Ok(T::ONE / T::from_usize(rows)) }
}

fn check<T: Scalar>(output: &[T], target: &[T], gradient: &[T]) -> Result<(), TrainError> {
    if output.is_empty() {
        return Err(TrainError::Batch);
    }
    expect_len(target, output.len())?;
    expect_len(gradient, output.len())
}

fn finish<T: Scalar>(value: T, target: &[T]) -> Result<T, TrainError> {
    if value.is_finite() {
        Ok(value)
    } else if simd::all_finite(target) {
        Err(TrainError::Overflow)
    } else {
        Err(TrainError::NotFinite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_gradients_match_hand_work() {
        let mut g = [0.0_f64; 2];
        assert_eq!(mean_square(&[1.0, 3.0], &[0.0, 1.0], &mut g), Ok(2.5));
        assert_eq!(g, [1.0, 2.0]);
        // Logits ln 3 and −ln 3: probabilities 3/4 and 1/4.
        let l = 3.0_f64.ln();
        let value = cross_entropy(&[l, -l], &[1.0, 0.0], 1, &mut g).expect("finite");
        assert!((value - 2.0 * (4.0_f64 / 3.0).ln()).abs() < 1e-15);
        assert!((g[0] + 0.25).abs() < 1e-15 && (g[1] - 0.25).abs() < 1e-15);
        g = [0.0; 2];
        let value = gaussian_kl(&[2.0, l], 1, 1.0, &mut g).expect("finite");
        assert!((value - 0.5 * (4.0 + 3.0 - l - 1.0)).abs() < 1e-15);
        assert!((g[0] - 2.0).abs() < 1e-15 && (g[1] - 1.0).abs() < 1e-15);
        let value = softmax_cross_entropy(&[l, 0.0], 2, &[0], &mut g).expect("finite");
        assert!((value - (4.0_f64 / 3.0).ln()).abs() < 1e-15);
        assert!((g[0] + 0.25).abs() < 1e-15 && (g[1] - 0.25).abs() < 1e-15);
        let value = generator(&[l, l], GanLoss::Minimax, &mut g).expect("finite");
        assert!((value + 4.0_f64.ln()).abs() < 1e-15 && (g[0] + 0.375).abs() < 1e-15);
        let value = generator(&[l, l], GanLoss::NonSaturating, &mut g).expect("finite");
        assert!((value - (4.0_f64 / 3.0).ln()).abs() < 1e-15 && (g[0] + 0.125).abs() < 1e-15);
    }

    #[test]
    fn wrong_slices_and_values_are_refused() {
        let mut g = [0.0_f32; 2];
        let length = Err(TrainError::Length { needed: 2 });
        assert_eq!(mean_square(&[1.0, 2.0], &[1.0, 2.0, 3.0], &mut g), length);
        assert_eq!(mean_square::<f32>(&[], &[], &mut []), Err(TrainError::Batch));
        assert_eq!(mean_square(&[1.0, 2.0], &[1.0, f32::NAN], &mut g), Err(TrainError::NotFinite));
        assert_eq!(mean_square(&[1e30, 2.0], &[0.0, 0.0], &mut g), Err(TrainError::Overflow));
        assert_eq!(cross_entropy(&[1.0, 2.0], &[0.0; 2], 0, &mut g), Err(TrainError::Batch));
        assert_eq!(softmax_cross_entropy(&[0.0; 2], 2, &[2], &mut g), Err(TrainError::Setting));
        assert_eq!(gaussian(&[0.0; 2], &[0.0; 2], 1, 0.0, &mut g), Err(TrainError::Setting));
    }
}
