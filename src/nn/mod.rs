//! Small feed-forward networks and samplers.
//!
//! Three kinds of thing, kept apart: sizes are const parameters, weights are borrowed (so they can
//! stay in flash), activations live in scratch memory of the caller. A network reads as the list of
//! its layers:
//!
//! ```
//! use eigenmote::nn::{Activation, Dense, Mlp, Network};
//!
//! type Decoder = Mlp<Dense<'static, f32, 1, 2>, Dense<'static, f32, 2, 3>>;
//! static DECODER: Decoder = Dense::new(&[[1.0], [-1.0]], &[0.0, 0.0], Activation::Relu)
//!     .then(Dense::new(&[[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]], &[0.0, 0.0, 1.0], Activation::Linear));
//!
//! let mut scratch = [0.0; Decoder::SCRATCH];
//! let mut out = [0.0; 3];
//! DECODER.forward(&[-3.0], &mut scratch, &mut out)?; // hidden: [0, 3]
//! assert_eq!(out, [0.0, 3.0, 7.0]);
//! # Ok::<(), eigenmote::nn::NnError>(())
//! ```
//!
//! Training works on networks whose sizes are values, a [`Spec`], in memory that is lent: [`Pass`] goes
//! forward and backward, [`loss`] and [`optimize`] do the rest, and [`Autoencoder`], [`Vae`], [`Gan`] and
//! [`Diffusion`] are models made of them. The parameters are one flat slice; cut by `as_chunks` it is what
//! [`Dense`] borrows, so that what was trained on a desktop runs from flash.

pub mod activation;
pub mod autoencoder;
pub mod dense;
pub mod diffusion;
pub mod gan;
pub mod gradient;
pub mod loss;
pub mod mlp;
pub mod model;
pub mod optimize;
mod product;
pub mod quantized;
pub mod sample;
pub mod spec;
pub mod vae;

pub use activation::Activation;
pub use autoencoder::Autoencoder;
pub use dense::{Array, Dense, Layer};
pub use diffusion::{Diffusion, Prediction, Sampler, Schedule};
pub use gan::{Gan, GanLoss, GanSettings};
pub use gradient::{Pass, TrainError};
pub use mlp::{Mlp, Network};
pub use model::{
    Blob, BlobError, Denoising, F32Layers, F32Network, Kind, NetworkSpec, Numbers, Part,
};
pub use optimize::{Adam, AdamSteps, Initialization, Sgd, initialize};
pub use quantized::{
    Calibration, Class, Deviation, Int8Error, Int8Layers, Int8Network, LayerRange, Range, Step,
    Steps, quantize, quantized_len,
};
pub use sample::{Draw, Gaussian, PcaGaussian, SampleError, StandardNormal, sample};
pub use spec::{LayerSpec, Spec, SpecError};
pub use vae::{Likelihood, Vae, VaeLoss};

/// Why a network gave no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum NnError {
    /// An input value is infinite or NaN.
    NotFinite,
    /// A weight is infinite or NaN, or a sum left the range of the scalar type.
    Overflow,
    /// The scratch memory holds fewer than `needed` values.
    ScratchTooSmall {
        /// `SCRATCH` of the network.
        needed: usize,
    },
    /// A slice has not the length of the network's input or output.
    WrongLength {
        /// The right one.
        expected: usize,
    },
}

impl core::fmt::Display for NnError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotFinite => f.write_str("an input value is infinite or NaN"),
            Self::Overflow => f.write_str("a weight is not finite or a sum overflowed"),
            Self::ScratchTooSmall { needed } => {
                write!(f, "the scratch memory must hold {needed} values")
            }
            Self::WrongLength { expected } => write!(f, "a slice must hold {expected} values"),
        }
    }
}

impl core::error::Error for NnError {}
