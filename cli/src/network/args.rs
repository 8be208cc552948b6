//! The command line of networks.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use eigenmote::nn::{Activation, Kind};

#[derive(Debug, Subcommand)]
pub(crate) enum TrainCommand {
    /// A code of few values from which the input comes back
    Autoencoder {
        #[command(flatten)]
        train: TrainArgs,
        /// Values of the code
        #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
        latent: u16,
        /// Deviation of the noise in the input that is to be removed
        #[arg(long, value_name = "D", default_value_t = 0.0)]
        noise: f32,
    },
    /// A variational autoencoder: a decoder of normal values, trained with an encoder
    Vae {
        #[command(flatten)]
        train: TrainArgs,
        /// Values of the code
        #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
        latent: u16,
        /// Weight of the divergence of codes from normal values
        #[arg(long, value_name = "B", default_value_t = 1.0)]
        beta: f32,
        /// Take values for means of normal distributions with this variance; default: for
        /// probabilities
        #[arg(long, value_name = "V")]
        variance: Option<f32>,
    },
    /// A generator of samples that a discriminator cannot tell from real ones
    Gan {
        #[command(flatten)]
        train: TrainArgs,
        /// Normal values that become a sample
        #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
        latent: u16,
        /// Weight of the penalty on the discriminator's slope at real samples
        #[arg(long, value_name = "G", default_value_t = 1.0)]
        penalty: f32,
    },
    /// A network that takes noise from samples, step by step
    Diffusion {
        #[command(flatten)]
        train: TrainArgs,
        /// Principal components to work in; 0 for the values themselves
        #[arg(long, value_name = "K", default_value_t = 0)]
        components: u16,
        /// Values that tell the network the time
        #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
        features: u16,
        /// Column that holds the class of each row, a whole number
        #[arg(long, value_name = "COLUMN")]
        classes: Option<String>,
        /// What the network predicts
        #[arg(long, value_enum, default_value_t = PredictArg::Velocity)]
        predict: PredictArg,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PredictArg {
    Noise,
    Sample,
    Velocity,
}

/// What all kinds of training have in common.
#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Samples, one per row
    pub(crate) data: PathBuf,
    /// Model file to write
    #[arg(long, short, value_name = "MODEL")]
    pub(crate) output: PathBuf,
    /// Columns to take, by name or by number from 1; default: all columns of numbers but labels
    #[arg(long, value_name = "a,b", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Columns to leave out, such as labels
    #[arg(long, value_name = "a,b", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
    /// Widths of the layers between input and code, or of the network
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "128,64", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) hidden: Vec<u16>,
    /// Activation of these layers
    #[arg(long, value_name = "F", default_value = "silu")]
    pub(crate) activation: String,
    /// Passes over the data
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) epochs: u32,
    /// Samples of a step
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) batch: u16,
    /// Length of the first steps; it falls to a fiftieth
    #[arg(long, value_name = "R", default_value_t = 0.002)]
    pub(crate) rate: f32,
    /// Share of the rows that is held out, to stop when they get no better
    #[arg(long, value_name = "F", default_value_t = 0.1)]
    pub(crate) holdout: f64,
    /// Passes without a better loss on held-out rows after which to stop; 0: never
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) patience: u32,
    /// Decides first weights, order and noise
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Rows and columns of a sample as an image; default: square, if it is
    #[arg(long, value_name = "HxW", value_parser = shape)]
    pub(crate) shape: Option<(usize, usize)>,
    /// Go on from the checkpoint of a training that was cut short
    #[arg(long)]
    pub(crate) resume: bool,
    /// Seconds between checkpoints (MODEL.checkpoint)
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    pub(crate) checkpoint_every: f64,
}

/// What to draw.
#[derive(Debug, Args)]
pub(crate) struct SampleArgs {
    pub(crate) model: PathBuf,
    /// Number of samples
    #[arg(short, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) n: u32,
    /// Decides the samples
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// File to write: .png for a grid of images, .csv or .npy for numbers, .bin for those of a device: 32
    /// bits each, 16 of them fraction
    #[arg(long, short, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Diffusion: steps from noise to sample
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) steps: Option<u32>,
    /// Diffusion: noise on the way, from 0 (DDIM) to 1 (DDPM)
    #[arg(long, value_name = "E", default_value_t = 0.0)]
    pub(crate) eta: f32,
    /// Diffusion with classes: which one; default: each in turn
    #[arg(long, value_name = "C")]
    pub(crate) class: Option<u16>,
    /// Diffusion that is told vectors: a table of prompts and their vectors
    #[arg(long, value_name = "TABLE")]
    pub(crate) prompts: Option<PathBuf>,
    /// Which of the prompts; default: each in turn
    #[arg(long, value_name = "TEXT", requires = "prompts")]
    pub(crate) prompt: Option<String>,
    /// Diffusion: how much more to keep to the class or prompt
    #[arg(long, value_name = "G", default_value_t = 0.0)]
    pub(crate) guidance: f32,
    /// Go from one sample to another in every row of the grid
    #[arg(long)]
    pub(crate) interpolate: bool,
    /// Columns of the grid
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) cols: Option<u32>,
    /// Rows and columns of a sample as an image; default: as the model says, or square
    #[arg(long, value_name = "HxW", value_parser = shape)]
    pub(crate) shape: Option<(usize, usize)>,
    /// Pixels of the picture for a value
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) zoom: u32,
}

/// What to make a model of.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Weights: .pth, .pt or .ckpt, .safetensors, .onnx
    pub(crate) weights: PathBuf,
    /// Model file to write
    #[arg(long, short, value_name = "MODEL")]
    pub(crate) output: PathBuf,
    /// What the network is for
    #[arg(long, value_enum, default_value_t = KindArg::Plain)]
    pub(crate) kind: KindArg,
    /// Layers of network, decoder or generator in order, as name or name:activation; default: all, by
    /// name
    #[arg(long, value_name = "a:F,b:F", value_delimiter = ',')]
    pub(crate) layers: Vec<String>,
    /// Layers of the encoder; a+b puts the outputs of two side by side
    #[arg(long, value_name = "a:F,b+c", value_delimiter = ',')]
    pub(crate) encoder: Vec<String>,
    /// Activation of layers for which none is given
    #[arg(long, value_name = "F", default_value = "relu")]
    pub(crate) activation: String,
    /// Activation of the last layer, if none is given
    #[arg(long, value_name = "F", default_value = "linear")]
    pub(crate) output_activation: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    Plain,
    Autoencoder,
    Vae,
    Gan,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Plain => Self::Plain,
            KindArg::Autoencoder => Self::Autoencoder,
            KindArg::Vae => Self::Vae,
            KindArg::Gan => Self::Gan,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PartArg {
    /// From input to output: for a VAE or GAN from code to sample
    Whole,
    /// The encoder
    Encoder,
    /// The decoder or generator
    Decoder,
}

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    pub(crate) model: PathBuf,
    /// Inputs, one per row
    pub(crate) input: PathBuf,
    /// File to write: .npy for an array, .csv or another name for comma-separated text
    #[arg(long, short, value_name = "OUT", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Columns to take, by name or by number from 1; default: all columns of numbers
    #[arg(long, value_name = "a,b", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Which part of the network
    #[arg(long, value_enum, default_value_t = PartArg::Whole)]
    pub(crate) part: PartArg,
}

/// What to turn into integers.
#[derive(Debug, Args)]
pub(crate) struct QuantizeArgs {
    pub(crate) model: PathBuf,
    /// Inputs such as will be used, one per row; models that draw samples need none
    pub(crate) data: Option<PathBuf>,
    /// Model file to write
    #[arg(long, short, value_name = "MODEL8")]
    pub(crate) output: PathBuf,
    /// Columns to take, by name or by number from 1; default: those of the model, or all of numbers
    #[arg(long, value_name = "a,b", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Diffusion: steps from noise to sample
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) steps: u32,
    /// Diffusion: keep what becomes visible of a sample within ± this; 0 for no limit
    #[arg(long, value_name = "L", default_value_t = 0.0)]
    pub(crate) limit: f32,
    /// Samples to draw for the choice of scales
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) draws: u32,
    /// Diffusion that is told vectors: a table of prompts and their vectors, such as will be used
    #[arg(long, value_name = "TABLE")]
    pub(crate) prompts: Option<PathBuf>,
    /// Leave the encoder out, which a device that only draws does not need
    #[arg(long)]
    pub(crate) decoder_only: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

fn shape(text: &str) -> Result<(usize, usize), String> {
    let (height, width) = text.split_once('x').ok_or("give rows and columns, such as 8x8")?;
    let side = |text: &str| match text.parse::<usize>() {
        Ok(n) if (1..=4096).contains(&n) => Ok(n),
        _ => Err(format!("\"{text}\" is no number from 1 to 4096")),
    };
    Ok((side(height)?, side(width)?))
}

/// The activation of a name; `leaky` may have a slope behind an equals sign.
pub(super) fn activation(name: &str) -> Result<Activation<f32>> {
    Ok(match name {
        "linear" | "none" => Activation::Linear,
        "relu" => Activation::Relu,
        "tanh" => Activation::Tanh,
        "sigmoid" => Activation::Sigmoid,
        "silu" | "swish" => Activation::Silu,
        "gelu" => Activation::Gelu,
        "gelu-tanh" => Activation::GeluTanh,
        "leaky" => Activation::LeakyRelu { slope: 0.01 },
        _ => match name.strip_prefix("leaky=").map(str::parse::<f32>) {
            Some(Ok(slope)) if slope.is_finite() => Activation::LeakyRelu { slope },
            _ => bail!(
                "\"{name}\" is no activation; there are linear, relu, leaky, leaky=SLOPE, tanh, sigmoid, \
                 silu, gelu, gelu-tanh"
            ),
        },
    })
}

/// The name of an activation.
pub(super) fn activation_name(activation: Activation<f32>) -> String {
    match activation {
        Activation::Linear => "linear".into(),
        Activation::Relu => "relu".into(),
        Activation::LeakyRelu { slope } => format!("leaky={slope}"),
        Activation::Tanh => "tanh".into(),
        Activation::Sigmoid => "sigmoid".into(),
        Activation::Silu => "silu".into(),
        Activation::Gelu => "gelu".into(),
        Activation::GeluTanh => "gelu-tanh".into(),
        other => format!("{other:?}"),
    }
}
