//! Latent-space numerics for microcontrollers.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod codec;
pub mod linalg;
pub mod mat;
pub mod nn;
pub mod rng;
pub mod scalar;
#[cfg(feature = "serde")]
pub(crate) mod serde_arrays;
pub mod simd;
pub mod stats;

pub use mat::{Mat, MatMut, MatRef};
pub use scalar::Scalar;
