//! Small feed-forward networks and samplers.

pub mod dense;
pub mod mlp;
pub mod sample;
