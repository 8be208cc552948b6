//! The decoder 8→32→64→784 with relu between the layers.

use crate::NAME;
use abi::{Cell, Decoder, Table};
use eigenmote::nn::{Activation, Dense, Network};

struct State {
    model: Decoder<f32>,
    scratch: [f32; 96],
}

/// Enters `Mlp::forward`.
pub fn add(table: &mut Table) {
    table.add_with_state(
        NAME,
        Cell::new::<f32>("decoder", 8, 784),
        |model: &Decoder<f32>| State { model: model.clone(), scratch: [0.0; 96] },
        |State { model, scratch }: &mut State, z: &[f32; 8], out: &mut [f32; 784]| {
            Dense::new(&model.w1, &model.b1, Activation::Relu)
                .then(Dense::new(&model.w2, &model.b2, Activation::Relu))
                .then(Dense::new(&model.w3, &model.b3, Activation::Linear))
                .forward(z, scratch, out)
                .is_ok()
        },
    );
}
