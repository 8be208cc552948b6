//! Means and exponents.

/// `exp(mean(log x))`, of at least one value.
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().map(|x| x.ln()).sum();
    (!values.is_empty()).then(|| (sum / values.len() as f64).exp())
}

/// The slope of `log y` against `log x` by least squares, of at least three points.
pub fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 3 {
        return None;
    }
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let (x_mean, y_mean) =
        logs.iter().fold((0.0, 0.0), |(x, y), (dx, dy)| (x + dx / count, y + dy / count));
    let (above, below) = logs.iter().fold((0.0, 0.0), |(above, below), (x, y)| {
        (above + (x - x_mean) * (y - y_mean), below + (x - x_mean).powi(2))
    });
    Some(above / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponent_of_a_power_is_found() {
        let points = [8.0, 16.0, 32.0, 64.0].map(|x: f64| (x, 5.0 * x.powi(3)));
        assert!((exponent(&points).unwrap() - 3.0).abs() < 1e-12);
        assert!(exponent(&points[..2]).is_none());
    }

    #[test]
    fn the_mean_of_a_number_and_its_inverse_is_one() {
        assert!((geometric_mean(&[4.0, 0.25]).unwrap() - 1.0).abs() < 1e-15);
        assert!(geometric_mean(&[]).is_none());
    }
}
