//! What the tests allow, with formula and the worst that was measured.

/// One layer's sum of `inputs` products plus bias: `(I/(4·LANES) + 9)·ε` times `Σ|wᵢxᵢ| + |b|`.
///
/// `inputs/(4·LANES)` additions in each accumulator, 2 to join the accumulators, 3 in the tree,
/// one product, one bias, and one each for the roundings of second order and of the result.
pub fn dense_sum(inputs: usize, lanes: usize, epsilon: f64) -> f64 {
    (inputs as f64 / (4.0 * lanes as f64) + 9.0) * epsilon
}

/// Error of an `f32` activation function in units in the last place of the right answer, where the
/// answer has a tail factor `e^(−t)`: its relative error grows with the rounding of `t`. Measured
/// over every 9973rd value: tanh 1.3 ulp, sigmoid 1.3, silu 2.0, gelu 0.63 of the bound, its tanh
/// form 0.71.
pub fn activation_ulps(t: f64) -> f64 {
    4.0 + 2.0 * t
}

/// Largest difference of an entry of a covariance of `n` draws from the right one: six standard
/// errors, `6·√((Σᵢᵢ·Σⱼⱼ + Σᵢⱼ²)/n)`.
pub fn sample_covariance(ii: f64, jj: f64, ij: f64, n: usize) -> f64 {
    6.0 * ((ii * jj + ij * ij) / n as f64).sqrt()
}
