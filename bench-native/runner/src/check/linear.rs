//! Linear maps and sums against the same in `f64`.

use crate::problems::LAYERS;

/// `‖x − exact‖/‖exact‖`.
fn relative(x: &[f64], exact: &[f64]) -> f64 {
    let square = |x: f64| x * x;
    let error: f64 = x.iter().zip(exact).map(|(x, y)| square(x - y)).sum();
    (error / exact.iter().map(|&y| square(y)).sum::<f64>()).sqrt()
}

fn times(weights: &[f64], x: &[f64]) -> Vec<f64> {
    let dot = |row: &[f64]| row.iter().zip(x).map(|(w, x)| w * x).sum();
    weights.chunks_exact(x.len()).map(dot).collect()
}

/// Of `W·(x − mean)`.
pub fn projection_error(model: &[f64], x: &[f64], z: &[f64]) -> f64 {
    let (mean, components) = model.split_at(x.len());
    let centred: Vec<f64> = x.iter().zip(mean).map(|(x, mean)| x - mean).collect();
    relative(z, &times(components, &centred))
}

/// Of the network with relu between its layers.
pub fn decoder_error(model: &[f64], z: &[f64], out: &[f64]) -> f64 {
    let (mut rest, mut x) = (model, z.to_vec());
    for (layer, (inputs, outputs)) in LAYERS.into_iter().enumerate() {
        let (weights, after) = rest.split_at(inputs * outputs);
        let (bias, after) = after.split_at(outputs);
        x = times(weights, &x).iter().zip(bias).map(|(x, b)| x + b).collect();
        if layer + 1 < LAYERS.len() {
            x.iter_mut().for_each(|x| *x = x.max(0.0));
        }
        rest = after;
    }
    relative(out, &x)
}

/// Of the mean and covariance of all samples.
pub fn covariance_error(d: usize, samples: &[f64], out: &[f64]) -> f64 {
    let n = (samples.len() / d) as f64;
    let (mean, covariance) = out.split_at(d);
    let average = |i: usize| samples.iter().skip(i).step_by(d).sum::<f64>() / n;
    let exact_mean: Vec<f64> = (0..d).map(average).collect();
    let (mut lower, mut exact) = (vec![], vec![]);
    for j in 0..d {
        for i in j..d {
            let products =
                samples.chunks_exact(d).map(|x| (x[i] - exact_mean[i]) * (x[j] - exact_mean[j]));
            lower.push(covariance[i + j * d]);
            exact.push(products.sum::<f64>() / (n - 1.0));
        }
    }
    relative(&lower, &exact).max(relative(mean, &exact_mean))
}
