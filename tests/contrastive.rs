//! Promises of pairs: gradients, groups, prefixes, what training reaches.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use eigenmote::nn::contrastive::{Vectors, contrast, contrast_len};
use eigenmote::nn::{Activation, Adam, AdamSteps, LayerSpec, PairModel, Spec, TrainError};
use eigenmote::rng::{fill_normal, seeded};
use proptest::prelude::*;

fn normals(seed: u64, n: usize) -> Vec<f64> {
    let mut out = vec![0.0; n];
    fill_normal(&mut seeded(seed), &mut out);
    out
}

/// The loss of vectors straight from its definition.
fn reference(a: &[f64], b: &[f64], width: usize, prefix: usize, groups: &[u32], s: f64) -> f64 {
    let unit = |x: &[f64]| -> Vec<f64> {
        let length = x[..prefix].iter().map(|x| x * x).sum::<f64>().sqrt();
        x[..prefix].iter().map(|x| x / length).collect()
    };
    let (a, b): (Vec<_>, Vec<_>) =
        (a.chunks(width).map(unit).collect(), b.chunks(width).map(unit).collect());
    let n = a.len();
    let logit = |i: usize, j: usize| s * a[i].iter().zip(&b[j]).map(|(a, b)| a * b).sum::<f64>();
    let same = |i: usize, j: usize| i == j || (!groups.is_empty() && groups[i] == groups[j]);
    let cross = |logit: &dyn Fn(usize, usize) -> f64| -> f64 {
        let row = |i: usize| -> f64 {
            let total = (0..n).map(|j| logit(i, j).exp()).sum::<f64>().ln();
            let own: Vec<usize> = (0..n).filter(|&j| same(i, j)).collect();
            own.iter().map(|&j| total - logit(i, j)).sum::<f64>() / own.len() as f64
        };
        (0..n).map(row).sum::<f64>() / n as f64
    };
    f64::midpoint(cross(&logit), cross(&|i, j| logit(j, i)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_loss_is_its_definition_and_gradients_are_its_differences(
        seed in any::<u64>(), n in 1..7_usize, width in 1..6_usize, cut in 0..5_usize, grouped: bool,
        scale in 0.1..20.0_f64,
    ) {
        let prefix = (width - cut.min(width - 1)).max(1);
        let (a, b) = (normals(seed, n * width), normals(seed ^ 1, n * width));
        let groups: Vec<u32> = if grouped { (0..).take(n).map(|i: u32| i / 2).collect() } else { vec![] };
        let (mut da, mut db) = (vec![0.5; n * width], vec![0.0; n * width]);
        let mut memory = vec![f64::NAN; contrast_len(width, n)];
        let weight = 0.75;
        let vectors = Vectors { a: &a, b: &b, width, prefix, groups: &groups };
        let (value, slope) =
            contrast(&vectors, (scale, weight), &mut memory, (&mut da, &mut db)).unwrap();
        let of = |a: &[f64], b: &[f64], s: f64| reference(a, b, width, prefix, &groups, s);
        let right = of(&a, &b, scale);
        prop_assert!((value - right).abs() <= 1e-11 * (1.0 + right.abs()));
        let h = 1e-5;
        let close = |found: f64, right: f64| (found - right).abs() <= 1e-5 * (1.0 + right.abs());
        let by_scale = (of(&a, &b, scale + h) - of(&a, &b, scale - h)) / (2.0 * h);
        prop_assert!(close(slope, weight * by_scale), "{slope} {by_scale}");
        for k in 0..n * width {
            let moved = |x: &[f64], d: f64| {
                let mut x = x.to_vec();
                x[k] += d;
                x
            };
            let h = 1e-6 * (1.0 + a[k].abs());
            let d = (of(&moved(&a, h), &b, scale) - of(&moved(&a, -h), &b, scale)) / (2.0 * h);
            let length = a[k / width * width..].iter().take(prefix).map(|x| x * x).sum::<f64>().sqrt();
            // Differences of second order in h/length.
            prop_assume!(length > 0.05);
            prop_assert!(close(da[k] - 0.5, weight * d), "{} {}", da[k] - 0.5, weight * d);
            let length = b[k / width * width..].iter().take(prefix).map(|x| x * x).sum::<f64>().sqrt();
            prop_assume!(length > 0.05);
            let d = (of(&a, &moved(&b, h), scale) - of(&a, &moved(&b, -h), scale)) / (2.0 * h);
            prop_assert!(close(db[k], weight * d), "{} {}", db[k], weight * d);
        }
    }
}

/// Towers of one hidden layer, 6 and 5 inputs, vectors of 4.
const LEFT: [LayerSpec<f64>; 2] =
    [LayerSpec::new(6, 8, Activation::Tanh), LayerSpec::new(8, 4, Activation::Linear)];
const RIGHT: [LayerSpec<f64>; 1] = [LayerSpec::new(5, 4, Activation::Linear)];

fn model() -> PairModel<'static, f64> {
    PairModel::new(Spec::new(&LEFT).unwrap(), Spec::new(&RIGHT).unwrap(), &[2, 4]).unwrap()
}

#[test]
fn the_gradient_of_a_model_is_its_differences() {
    let model = model();
    let n = 5;
    let (x, y, groups) = (normals(1, 6 * n), normals(2, 5 * n), [0, 1, 0, 2, 3]);
    let mut memory = vec![f64::NAN; model.memory_len(n)];
    let (mut params, mut gradient) = (vec![0.0; model.params()], vec![1.0; model.params()]);
    model.initialize(&mut seeded(3), &mut params).unwrap();
    let mut value = |params: &[f64], gradient: &mut [f64]| {
        model.gradient(params, (&x, &y, &groups), &mut memory, gradient).unwrap()
    };
    value(&params, &mut gradient);
    let mut scratch = gradient.clone();
    for k in 0..params.len() {
        let mut at = |d: f64| {
            let mut moved = params.clone();
            moved[k] += d;
            value(&moved, &mut scratch)
        };
        let d = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert!((gradient[k] - d).abs() <= 1e-6 * (1.0 + d.abs()), "{k}: {} {d}", gradient[k]);
    }
    // At the largest scale it stays where it is.
    *params.last_mut().unwrap() = 5.0;
    value(&params, &mut gradient);
    assert_eq!(gradient.last(), Some(&0.0));
}

#[test]
fn what_belongs_together_is_found_in_samples_that_were_not_seen() {
    // Both sides are noisy linear views of the same five hidden values.
    let model = model();
    let (n, train) = (100, 60);
    let (hidden, noise) = (normals(5, 5 * n), normals(6, 11 * n));
    let views = normals(7, 6 * 5);
    let x: Vec<f64> = (0..n)
        .flat_map(|i| (0..6).map(move |k| (i, k)))
        .map(|(i, k)| {
            (0..5).map(|j| views[5 * k + j] * hidden[5 * i + j]).sum::<f64>()
                + 0.05 * noise[11 * i + k]
        })
        .collect();
    let y: Vec<f64> =
        (0..5 * n).map(|m| hidden[m] + 0.05 * noise[11 * (m / 5) + 6 + m % 5]).collect();
    let mut memory = vec![0.0; model.memory_len(train)];
    let (mut params, mut gradient) = (vec![0.0; model.params()], vec![0.0; model.params()]);
    let (mut moments, mut steps) = (vec![0.0; 2 * params.len()], AdamSteps::START);
    model.initialize(&mut seeded(8), &mut params).unwrap();
    let pairs = (&x[..6 * train], &y[..5 * train], &[][..]);
    for _ in 0..200 {
        model.gradient(&params, pairs, &mut memory, &mut gradient).unwrap();
        Adam::new(0.01).update(&mut steps, &mut params, &gradient, &mut moments).unwrap();
    }
    let held_out = (&x[6 * train..], &y[5 * train..], &[][..]);
    let loss = model.gradient(&params, held_out, &mut memory, &mut gradient).unwrap();
    // Guessing among forty gives ln 40 = 3.7.
    assert!(loss < 1.5, "{loss}");
}

#[test]
fn wrong_sizes_and_values_are_refused() {
    let model = model();
    let wide = [LayerSpec::new(5, 3, Activation::Linear)];
    let (left, right) = (Spec::new(&LEFT).unwrap(), Spec::new(&wide).unwrap());
    assert_eq!(PairModel::new(left, right, &[3]), Err(TrainError::Setting));
    for prefixes in [&[][..], &[0], &[4, 5]] {
        assert_eq!(PairModel::new(left, *model.right(), prefixes), Err(TrainError::Setting));
    }
    let (mut memory, mut gradient) = (vec![0.0; model.memory_len(2)], vec![0.0; model.params()]);
    let params = vec![0.1; model.params()];
    let mut run = |params: &[f64], x: &[f64], y: &[f64]| {
        model.gradient(params, (x, y, &[]), &mut memory, &mut gradient)
    };
    assert!(run(&params, &[1.0; 12], &[1.0; 10]).is_ok());
    assert_eq!(run(&params, &[1.0; 12], &[1.0; 5]), Err(TrainError::Batch));
    assert_eq!(run(&params, &[1.0; 6], &[f64::NAN; 5]), Err(TrainError::NotFinite));
    assert_eq!(run(&params, &[f64::INFINITY; 6], &[1.0; 5]), Err(TrainError::NotFinite));
    assert_eq!(
        run(&params[1..], &[1.0; 6], &[1.0; 5]),
        Err(TrainError::Length { needed: model.params() })
    );
    let short = Err(TrainError::MemoryTooSmall { needed: model.memory_len(3) });
    assert_eq!(run(&params, &[1.0; 18], &[1.0; 15]), short);
    let mut wild = params.clone();
    wild[80] = f64::NAN;
    assert_eq!(run(&wild, &[1.0; 6], &[1.0; 5]), Err(TrainError::Overflow));
    // All vectors are zero: every cosine is, and there is nowhere to go.
    let zeros = vec![0.0; params.len()];
    assert!((run(&zeros, &[1.0; 12], &[1.0; 10]).unwrap() - 2.0_f64.ln()).abs() < 1e-15);
}
