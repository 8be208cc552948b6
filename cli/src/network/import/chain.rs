//! Layers put together one after the other; what scales and shifts is folded into its neighbours.

use anyhow::{Result, bail, ensure};
use eigenmote::nn::{Activation, LayerSpec, Spec};

/// A layer being built, in doubles.
struct Layer {
    weights: Vec<f64>,
    bias: Vec<f64>,
    inputs: usize,
    outputs: usize,
    activation: Option<Activation<f32>>,
}

/// Layers so far, and a scaling behind the last activation that waits for the next layer.
#[derive(Default)]
pub(super) struct Chain {
    layers: Vec<Layer>,
    waiting: Option<(Vec<f64>, Vec<f64>)>,
}

/// Finished layers with their parameters in the order of a [`Spec`].
pub(super) struct Built {
    layers: Vec<LayerSpec<f32>>,
    params: Vec<f32>,
}

impl Built {
    pub(super) fn spec(&self) -> Result<(Spec<'_, f32>, &[f32])> {
        Ok((Spec::new(&self.layers)?, &self.params))
    }
}

impl Chain {
    /// `W·x + b`, with `W` row by row.
    pub(super) fn linear(
        &mut self,
        weights: &[f32],
        bias: &[f32],
        inputs: usize,
        outputs: usize,
    ) -> Result<()> {
        ensure!(inputs > 0 && outputs > 0, "it has no inputs or outputs");
        ensure!(weights.len() == inputs * outputs, "it has {} weights", weights.len());
        ensure!(bias.len() == outputs, "it has {outputs} outputs and {} biases", bias.len());
        if let Some(width) = self.width()
            && width != inputs
        {
            bail!("it takes {inputs} values, but the layer before it gives {width}");
        }
        let mut weights: Vec<f64> = weights.iter().map(|&w| f64::from(w)).collect();
        let mut bias: Vec<f64> = bias.iter().map(|&b| f64::from(b)).collect();
        if let Some((scale, shift)) = self.waiting.take() {
            ensure!(scale.len() == inputs, "it takes {inputs} values, not {}", scale.len());
            for (row, b) in weights.chunks_exact_mut(inputs).zip(&mut bias) {
                for ((w, scale), shift) in row.iter_mut().zip(&scale).zip(&shift) {
                    *b += *w * shift;
                    *w *= scale;
                }
            }
        }
        self.layers.push(Layer { weights, bias, inputs, outputs, activation: None });
        Ok(())
    }

    fn width(&self) -> Option<usize> {
        self.layers.last().map(|layer| layer.outputs)
    }

    /// `scale·x + shift`, value by value.
    pub(super) fn affine(&mut self, scale: &[f64], shift: &[f64]) -> Result<()> {
        let width = self.width().unwrap_or(scale.len());
        ensure!(
            scale.len() == width && shift.len() == width,
            "it is for {} values, but the layer before it gives {width}",
            scale.len()
        );
        match self.layers.last_mut() {
            Some(layer) if layer.activation.is_none() && self.waiting.is_none() => {
                let rows = layer.weights.chunks_exact_mut(layer.inputs).zip(&mut layer.bias);
                for ((row, b), (scale, shift)) in rows.zip(scale.iter().zip(shift)) {
                    row.iter_mut().for_each(|w| *w *= scale);
                    *b = *b * scale + shift;
                }
            }
            _ => {
                let ones = || (vec![1.0; width], vec![0.0; width]);
                let (mut before, mut added) = self.waiting.take().unwrap_or_else(ones);
                for (i, (scale, shift)) in scale.iter().zip(shift).enumerate() {
                    before[i] *= scale;
                    added[i] = added[i] * scale + shift;
                }
                self.waiting = Some((before, added));
            }
        }
        Ok(())
    }

    /// `gamma·(x − mean)/√(variance + epsilon) + beta`.
    pub(super) fn normalise(
        &mut self,
        gamma: &[f32],
        beta: &[f32],
        mean: &[f32],
        variance: &[f32],
        epsilon: f64,
    ) -> Result<()> {
        let width = mean.len();
        for (what, list) in [("scales", gamma), ("shifts", beta), ("variances", variance)] {
            ensure!(list.len() == width, "it has {width} means and {} {what}", list.len());
        }
        let scale: Vec<f64> = (gamma.iter().zip(variance))
            .map(|(&g, &v)| f64::from(g) / (f64::from(v) + epsilon).sqrt())
            .collect();
        let shift: Vec<f64> = (beta.iter().zip(mean).zip(&scale))
            .map(|((&b, &m), s)| f64::from(b) - f64::from(m) * s)
            .collect();
        self.affine(&scale, &shift)
    }

    pub(super) fn activation(&mut self, activation: Activation<f32>) -> Result<()> {
        if activation == Activation::Linear {
            return Ok(());
        }
        if self.waiting.is_some() || self.layers.last().is_none_or(|l| l.activation.is_some()) {
            self.identity()?;
        }
        if let Some(layer) = self.layers.last_mut() {
            layer.activation = Some(activation);
        }
        Ok(())
    }

    /// A layer that only does what waits.
    fn identity(&mut self) -> Result<()> {
        let waiting = self.waiting.as_ref().map(|(scale, _)| scale.len());
        let Some(width) = waiting.or(self.width()) else {
            bail!("an activation stands before the first layer, whose width is not known there");
        };
        let diagonal: Vec<f32> =
            (0..width * width).map(|i| f32::from(u8::from(i % (width + 1) == 0))).collect();
        self.linear(&diagonal, &vec![0.0; width], width, width)
    }

    /// Puts the outputs of another layer behind those of the last.
    pub(super) fn beside(&mut self, mut other: Self) -> Result<()> {
        let (Some(last), Some(other)) = (self.layers.last_mut(), other.layers.pop()) else {
            bail!("there is nothing to put together");
        };
        ensure!(
            last.inputs == other.inputs,
            "they take {} and {} values",
            last.inputs,
            other.inputs
        );
        last.weights.extend(other.weights);
        last.bias.extend(other.bias);
        last.outputs += other.outputs;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Built> {
        if self.waiting.is_some() {
            self.identity()?;
        }
        ensure!(!self.layers.is_empty(), "there are no fully connected layers");
        let mut built = Built { layers: Vec::new(), params: Vec::new() };
        for layer in self.layers {
            let activation = layer.activation.unwrap_or(Activation::Linear);
            built.layers.push(LayerSpec::new(layer.inputs, layer.outputs, activation));
            built.params.extend(layer.weights.iter().chain(&layer.bias).map(|&x| x as f32));
        }
        Ok(built)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalisations_are_folded_into_the_layer_before_or_after() {
        // (2x + 1 − 3)/√4·5 + 7 = 5x + 2; behind a relu, 0.5·relu + 0.25, then times 8.
        let mut chain = Chain::default();
        chain.linear(&[2.0], &[1.0], 1, 1).unwrap();
        chain.normalise(&[5.0], &[7.0], &[3.0], &[4.0], 0.0).unwrap();
        chain.activation(Activation::Relu).unwrap();
        chain.affine(&[0.5], &[0.25]).unwrap();
        chain.linear(&[8.0], &[0.0], 1, 1).unwrap();
        let built = chain.finish().unwrap();
        assert_eq!(built.params, [5.0, 2.0, 4.0, 2.0]);
        assert_eq!(built.layers.len(), 2);
    }

    #[test]
    fn layers_that_do_not_fit_are_told() {
        let mut chain = Chain::default();
        chain.linear(&[1.0, 1.0], &[0.0, 0.0], 1, 2).unwrap();
        let error = chain.linear(&[1.0], &[0.0], 1, 1).unwrap_err();
        assert_eq!(error.to_string(), "it takes 1 values, but the layer before it gives 2");
        let mut empty = Chain::default();
        assert!(empty.activation(Activation::Relu).is_err());
        assert!(Chain::default().finish().is_err());
    }
}
