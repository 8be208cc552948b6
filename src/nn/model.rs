//! The network blob: layers, weights and what sampling needs, as flat bytes that can stay in flash.
//!
//! [`Blob::parse`] checks header, lengths and checksum once and borrows the bytes;
//! [`F32Network::parse`] and [`Int8Network::parse`](super::Int8Network::parse) also check the numbers,
//! and after that nothing can be wrong with them. [`NetworkSpec::write`] makes a blob of floats,
//! [`quantize`](super::quantize) one of integers. All numbers are little-endian; nothing needs to be
//! aligned.
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 4 | `EIGN` |
//! | 4 | 1 | version of the format, 1 |
//! | 5 | 1 | kind: 0 plain, 1 autoencoder, 2 VAE, 3 GAN, 4 diffusion |
//! | 6 | 1 | numbers: 0 `f32`, 1 integers |
//! | 7 | 1 | layers L, 1 to 32 |
//! | 8 | 4 | length of the blob, CRC included |
//! | 12 | 1 | layers of the front part, 0 to L; the others are the back part |
//! | 13 | 1 | diffusion: what is predicted, 0 the noise, 1 the clean sample, 2 the velocity, and 16 more if it is told a vector; else 0 |
//! | 14 | 2 | diffusion: classes C, or values C of the vector; else 0 |
//! | 16 | 2 | diffusion: features of the time F; else 0 |
//! | 18 | 2 | diffusion: schedule, 0 cosine, 1 linear (`f32`), or steps S, 1 to 4096 (integers); else 0 |
//! | 20 | 4 | integers, diffusion: limit of the clean sample, 16 fraction bits, 0 for none; else 0 |
//! | 24 | 12·L | the layers: inputs (2), outputs (2), activation (1), three zeros, slope (`f32`) |
//! | … | | weights and schedule, see below |
//! | end − 4 | 4 | CRC-32 (ISO-HDLC) of everything before |
//!
//! Activations are 0 linear, 1 relu, 2 leaky relu (the only one with a slope), 3 tanh, 4 sigmoid,
//! 5 silu, 6 gelu, 7 gelu by tanh. The front part is the encoder of an autoencoder or VAE (whose last
//! layer gives mean and log-variance of each latent value) or the network of a diffusion model, whose
//! inputs are the sample, F features of the time and C values, of which one is 1 or which are the vector
//! that the network is told ([`Condition`](super::Condition)); the back part is the network, decoder or
//! generator, or takes the latent vector of a diffusion model to a sample. A VAE may come without its
//! front, a diffusion model without a back.
//!
//! Floats: for each layer its weights, `W[o][i]` row by row, then its bias.
//!
//! Integers: eight bytes for each part that is there ([`Ports`](super::quantized) in and out); for
//! each layer zero point (2), lower limit (2), for each output the multiplier (2), shift (1) and bias
//! (4), the weights as `i8` row by row, and unless it is linear or relu 257 values (2) of its
//! activation; then S steps of F features (2) and four coefficients (4). What they mean is in
//! [`quantized`](super::quantized).
//!
//! A plain network `y = relu(1·x₁ − 2·x₂ + 0.5)`:
//!
//! ```text
//! 45 49 47 4e 01 00 00 01  34 00 00 00 00 00 00 00   EIGN, plain floats, 1 layer, 52 bytes
//! 00 00 00 00 00 00 00 00  02 00 01 00 01 00 00 00   2 to 1, relu
//! 00 00 00 00 00 00 80 3f  00 00 00 c0 00 00 00 3f   no slope; 1, -2; 0.5
//! CRC
//! ```

use core::fmt;

use crc::{CRC_32_ISO_HDLC, Crc};

use super::{Activation, LayerSpec, NnError, Prediction, Schedule, Spec};
use crate::simd;

/// Most layers of a blob.
pub const MAX_LAYERS: usize = 32;
/// Most steps of a diffusion model.
pub const MAX_STEPS: usize = 4096;
/// Most inputs or outputs of a layer of integers: their sums fit 32 bits.
pub const MAX_INT8_WIDTH: usize = 4096;

const MAGIC: [u8; 4] = *b"EIGN";
const VERSION: u8 = 1;
const HEADER_BYTES: usize = 24;
const LAYER_BYTES: usize = 12;
const CRC_BYTES: usize = 4;
/// Bytes of the ports of a part of integers.
pub(super) const PORT_BYTES: usize = 8;
/// Bytes of an output of a layer of integers: multiplier, shift, bias.
pub(super) const CHANNEL_BYTES: usize = 7;
/// Bytes of a layer of integers before its outputs.
pub(super) const FIXED_BYTES: usize = 4;
/// Values of a tabulated activation.
pub(super) const TABLE_LEN: usize = 257;
/// Bytes of the coefficients of a step.
pub(super) const COEFFICIENT_BYTES: usize = 16;
/// Added to the code of the prediction: the network is told a vector.
const TOLD_A_VECTOR: u8 = 16;

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// What a network is for, and so what its parts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum Kind {
    /// Any function; one part, the back.
    Plain = 0,
    /// Front: encoder; back: decoder of as many latent values.
    Autoencoder = 1,
    /// Front, if any: encoder to mean and log-variance; back: decoder of standard normal values.
    Vae = 2,
    /// Back: generator from standard normal values.
    Gan = 3,
    /// Front: the trained network; back, if any: from its latent space to samples.
    Diffusion = 4,
}

/// What the numbers of a blob are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum Numbers {
    /// [`F32Network`]
    F32 = 0,
    /// [`Int8Network`](super::Int8Network)
    Int8 = 1,
}

/// Why a blob was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BlobError {
    /// The bytes end before the length in the header.
    Truncated,
    /// The bytes do not begin with `EIGN`.
    NotANetwork,
    /// This build does not know the version byte.
    UnknownVersion(u8),
    /// The bytes do not match their checksum.
    BadChecksum,
    /// Kind, numbers, length or a reserved field has a value without a meaning.
    BadHeader,
    /// This layer, counted from 0, has no inputs or outputs, does not take what the one before it
    /// gives, or has an activation without a meaning.
    BadLayer(u8),
    /// The parts do not fit each other, or not what the kind of network needs.
    BadParts,
    /// A weight or a value of the schedule is out of range.
    BadNumbers,
    /// The blob holds numbers of the other sort.
    OtherNumbers,
    /// A scale for integers is out of range: calibration saw nothing, or values like 1e30.
    BadScale,
    /// The output slice is too short.
    BufferTooSmall {
        /// Bytes that would do.
        needed: usize,
    },
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the network ends early"),
            Self::NotANetwork => f.write_str("not a network"),
            Self::UnknownVersion(version) => write!(f, "unknown network version {version}"),
            Self::BadChecksum => f.write_str("the network's checksum does not match"),
            Self::BadHeader => f.write_str("the network's header has a field without meaning"),
            Self::BadLayer(layer) => write!(f, "layer {layer} is out of range"),
            Self::BadParts => f.write_str("the parts of the network do not fit each other"),
            Self::BadNumbers => f.write_str("a weight or a step is out of range"),
            Self::OtherNumbers => f.write_str("the network holds numbers of the other sort"),
            Self::BadScale => f.write_str("values are too small or too large for 8-bit integers"),
            Self::BufferTooSmall { needed } => write!(f, "the network needs {needed} bytes"),
        }
    }
}

impl core::error::Error for BlobError {}

/// Header and layers of a blob, checked.
#[derive(Clone, Copy, Debug)]
pub struct Blob<'a> {
    bytes: &'a [u8],
    kind: Kind,
    numbers: Numbers,
    front: usize,
    prediction: Prediction,
    /// Classes or values of a vector, and which of the two.
    condition: usize,
    told_a_vector: bool,
    features: usize,
    /// Steps, or for floats the code of the schedule.
    steps: usize,
    limit: i32,
    layers: &'a [[u8; LAYER_BYTES]],
    /// What follows the layers, up to the checksum.
    pub(super) body: &'a [u8],
}

impl<'a> Blob<'a> {
    /// Checks header, layers, lengths and checksum of a blob and borrows it. Bytes behind the length
    /// in its header are ignored.
    ///
    /// # Errors
    /// [`BlobError`]
    ///
    /// # Cost
    /// One pass over the bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BlobError> {
        let magic = bytes.first_chunk::<4>().ok_or(BlobError::Truncated)?;
        if *magic != MAGIC {
            return Err(BlobError::NotANetwork);
        }
        let header = bytes.first_chunk::<HEADER_BYTES>().ok_or(BlobError::Truncated)?;
        let [_, _, _, _, version, kind, numbers, layers, ..] = *header;
        if version != VERSION {
            return Err(BlobError::UnknownVersion(version));
        }
        let length = i32_at(header, 8).cast_unsigned() as usize;
        let bytes = bytes.get(..length).ok_or(BlobError::Truncated)?;
        let (body, crc) = bytes.split_last_chunk::<CRC_BYTES>().ok_or(BlobError::BadHeader)?;
        if CRC.checksum(body) != u32::from_le_bytes(*crc) {
            return Err(BlobError::BadChecksum);
        }
        let kind = match kind {
            0 => Kind::Plain,
            1 => Kind::Autoencoder,
            2 => Kind::Vae,
            3 => Kind::Gan,
            4 => Kind::Diffusion,
            _ => return Err(BlobError::BadHeader),
        };
        let numbers = match numbers {
            0 => Numbers::F32,
            1 => Numbers::Int8,
            _ => return Err(BlobError::BadHeader),
        };
        let [front, prediction] = u16_at(header, 12).to_le_bytes();
        let told_a_vector = prediction & TOLD_A_VECTOR != 0;
        let prediction = match prediction & !TOLD_A_VECTOR {
            0 => Prediction::Noise,
            1 => Prediction::Sample,
            2 => Prediction::Velocity,
            _ => return Err(BlobError::BadHeader),
        };
        let count = usize::from(layers);
        let layer_bytes = body.get(HEADER_BYTES..).unwrap_or(&[]);
        let (layers, body) =
            layer_bytes.split_at_checked(count * LAYER_BYTES).ok_or(BlobError::BadHeader)?;
        let (layers, _) = layers.as_chunks::<LAYER_BYTES>();
        let blob = Self {
            bytes,
            kind,
            numbers,
            front: usize::from(front),
            prediction,
            condition: usize::from(u16_at(header, 14)),
            told_a_vector,
            features: usize::from(u16_at(header, 16)),
            steps: usize::from(u16_at(header, 18)),
            limit: i32_at(header, 20),
            layers,
            body,
        };
        blob.check_layers()?;
        blob.check_parts()?;
        if blob.body_bytes() == Some(body.len()) { Ok(blob) } else { Err(BlobError::BadHeader) }
    }

    fn check_layers(&self) -> Result<(), BlobError> {
        let count = self.layers.len();
        if !(1..=MAX_LAYERS).contains(&count) || self.front > count {
            return Err(BlobError::BadHeader);
        }
        let mut before = 0;
        for (index, bytes) in self.layers.iter().enumerate() {
            let number = u8::try_from(index).unwrap_or(u8::MAX);
            let layer = layer_of(bytes).ok_or(BlobError::BadLayer(number))?;
            let starts = index == 0 || index == self.front;
            let most = if self.numbers == Numbers::Int8 { MAX_INT8_WIDTH } else { usize::MAX };
            if (!starts && layer.inputs != before)
                || layer.inputs == 0
                || layer.outputs == 0
                || layer.inputs.max(layer.outputs) > most
            {
                return Err(BlobError::BadLayer(number));
            }
            before = layer.outputs;
        }
        Ok(())
    }

    fn check_parts(&self) -> Result<(), BlobError> {
        let (front, back) = (self.ends(true), self.ends(false));
        let fits = match (self.kind, front, back) {
            (Kind::Plain | Kind::Gan | Kind::Vae, None, Some(_)) => true,
            (Kind::Autoencoder, Some((_, latent)), Some((inputs, _))) => latent == inputs,
            (Kind::Vae, Some((_, twice)), Some((inputs, _))) => twice == 2 * inputs,
            (Kind::Diffusion, Some((inputs, latent)), back) => {
                inputs == latent + self.features + self.condition
                    && back.is_none_or(|(from, to)| from == latent && to >= latent)
            }
            _ => false,
        };
        let schedule = match self.kind {
            Kind::Diffusion if self.told_a_vector && self.condition == 0 => false,
            Kind::Diffusion => match self.numbers {
                Numbers::F32 => schedule_of(self.steps).is_some() && self.limit == 0,
                Numbers::Int8 => (1..=MAX_STEPS).contains(&self.steps) && self.limit >= 0,
            },
            _ => {
                self.prediction == Prediction::Noise
                    && !self.told_a_vector
                    && self.condition == 0
                    && self.features == 0
                    && self.steps == 0
                    && self.limit == 0
            }
        };
        if !fits {
            return Err(BlobError::BadParts);
        }
        if schedule { Ok(()) } else { Err(BlobError::BadHeader) }
    }

    /// Inputs and outputs of a part, if it is there.
    fn ends(&self, front: bool) -> Option<(usize, usize)> {
        let layers = self.part_layers(front);
        let (first, last) = (layers.first()?, layers.last()?);
        Some((usize::from(u16_at(first, 0)), usize::from(u16_at(last, 2))))
    }

    pub(super) fn part_layers(&self, front: bool) -> &'a [[u8; LAYER_BYTES]] {
        let (of_front, of_back) = self.layers.split_at_checked(self.front).unwrap_or_default();
        if front { of_front } else { of_back }
    }

    /// Bytes between layers and checksum.
    fn body_bytes(&self) -> Option<usize> {
        let mut total = 0_usize;
        for bytes in self.layers {
            total = total.checked_add(weight_bytes(bytes, self.numbers)?)?;
        }
        let (parts, step) = match self.numbers {
            Numbers::F32 => (0, 0),
            Numbers::Int8 => {
                let parts =
                    usize::from(self.front > 0) + usize::from(self.front < self.layers.len());
                (parts, self.features * 2 + COEFFICIENT_BYTES)
            }
        };
        total.checked_add(parts * PORT_BYTES)?.checked_add(self.steps.checked_mul(step)?)
    }

    /// The bytes of the blob.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What the network is for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What its numbers are.
    pub fn numbers(&self) -> Numbers {
        self.numbers
    }

    /// All layers, those of the front part first.
    pub fn layers(&self) -> impl Iterator<Item = LayerSpec<f32>> + Clone + use<'a> {
        self.layers.iter().filter_map(layer_of)
    }

    /// How many of the layers are the front part.
    pub fn front_layers(&self) -> usize {
        self.front
    }

    /// Number of weights and biases.
    pub fn params(&self) -> usize {
        self.layers().map(|layer| layer.params()).sum()
    }

    /// Number of latent values: what a decoder or generator takes, what a diffusion model refines; of a
    /// plain network its inputs.
    pub fn latent(&self) -> usize {
        let end = match self.kind {
            Kind::Diffusion => self.ends(true).map(|(_, outputs)| outputs),
            _ => self.ends(false).map(|(inputs, _)| inputs),
        };
        end.unwrap_or(0)
    }

    /// Number of values of a sample: the outputs of the last layer.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |bytes| usize::from(u16_at(bytes, 2)))
    }

    /// Diffusion: what the network predicts.
    pub fn prediction(&self) -> Prediction {
        self.prediction
    }

    /// Diffusion: number of classes, 0 if it was trained without.
    pub fn classes(&self) -> usize {
        if self.told_a_vector { 0 } else { self.condition }
    }

    /// Diffusion: number of values of the vector that the network is told, 0 if it is told none.
    pub fn vector_len(&self) -> usize {
        if self.told_a_vector { self.condition } else { 0 }
    }

    /// Diffusion: number of inputs that hold a [`Condition`](super::Condition), a class or a vector.
    pub(super) fn condition_len(&self) -> usize {
        self.condition
    }

    /// Diffusion: number of features of the time.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Diffusion with integers: steps of the sampler; else 0.
    pub fn steps(&self) -> usize {
        if self.numbers == Numbers::Int8 { self.steps } else { 0 }
    }

    /// Diffusion with integers: limit of the clean sample, 16 fraction bits; `None` for none.
    pub fn limit(&self) -> Option<i32> {
        (self.limit != 0).then_some(self.limit)
    }

    /// CRC-32 of the blob: two blobs that hold the same have the same.
    pub fn checksum(&self) -> u32 {
        self.bytes.last_chunk::<CRC_BYTES>().map_or(0, |&crc| u32::from_le_bytes(crc))
    }
}

/// Bytes of the weights of a layer.
pub(super) fn weight_bytes(bytes: &[u8; LAYER_BYTES], numbers: Numbers) -> Option<usize> {
    let (inputs, outputs) = (usize::from(u16_at(bytes, 0)), usize::from(u16_at(bytes, 2)));
    match numbers {
        Numbers::F32 => (inputs + 1).checked_mul(outputs)?.checked_mul(4),
        Numbers::Int8 => {
            let table = if is_tabulated(bytes) { 2 * TABLE_LEN } else { 0 };
            inputs
                .checked_add(CHANNEL_BYTES)?
                .checked_mul(outputs)?
                .checked_add(FIXED_BYTES + table)
        }
    }
}

/// Whether a layer of integers has its activation in a table.
pub(super) fn is_tabulated(bytes: &[u8; LAYER_BYTES]) -> bool {
    let [_, _, _, _, activation, ..] = *bytes;
    activation > 1
}

/// Inputs and outputs of a layer.
pub(super) fn sizes(bytes: &[u8; LAYER_BYTES]) -> (usize, usize) {
    (usize::from(u16_at(bytes, 0)), usize::from(u16_at(bytes, 2)))
}

fn layer_of(bytes: &[u8; LAYER_BYTES]) -> Option<LayerSpec<f32>> {
    let [_, _, _, _, code, zeros @ .., _, _, _, _] = *bytes;
    let slope = i32_at(bytes, 8).cast_unsigned();
    // Finite, tested on the bits: integer networks have no float routines.
    if zeros != [0; 3] || slope & 0x7f80_0000 == 0x7f80_0000 || (slope != 0 && code != 2) {
        return None;
    }
    let activation = match code {
        0 => Activation::Linear,
        1 => Activation::Relu,
        2 => Activation::LeakyRelu { slope: f32::from_bits(slope) },
        3 => Activation::Tanh,
        4 => Activation::Sigmoid,
        5 => Activation::Silu,
        6 => Activation::Gelu,
        7 => Activation::GeluTanh,
        _ => return None,
    };
    let (inputs, outputs) = sizes(bytes);
    Some(LayerSpec::new(inputs, outputs, activation))
}

fn layer_bytes(layer: &LayerSpec<f32>) -> Option<[u8; LAYER_BYTES]> {
    let (code, slope) = match layer.activation {
        Activation::Linear => (0, 0.0),
        Activation::Relu => (1, 0.0),
        Activation::LeakyRelu { slope } => (2, slope),
        Activation::Tanh => (3, 0.0),
        Activation::Sigmoid => (4, 0.0),
        Activation::Silu => (5, 0.0),
        Activation::Gelu => (6, 0.0),
        Activation::GeluTanh => (7, 0.0),
        #[cfg(feature = "micromath")]
        _ => return None,
    };
    let [i0, i1] = u16::try_from(layer.inputs).ok()?.to_le_bytes();
    let [o0, o1] = u16::try_from(layer.outputs).ok()?.to_le_bytes();
    let [s0, s1, s2, s3] = slope.to_bits().to_le_bytes();
    Some([i0, i1, o0, o1, code, 0, 0, 0, s0, s1, s2, s3])
}

/// A checked network of floats, borrowed from its bytes.
///
/// ```
/// use eigenmote::nn::{Activation, F32Network, Kind, LayerSpec, NetworkSpec, Part, Spec};
/// let layers = [LayerSpec::new(2, 1, Activation::Relu)];
/// let part = Part { spec: Spec::new(&layers)?, params: &[1.0, -2.0, 0.5] };
/// let mut bytes = [0; 64];
/// let length = NetworkSpec::new(Kind::Plain, None, Some(part)).write(&mut bytes)?;
///
/// let network = F32Network::parse(&bytes[..length])?;
/// let (mut scratch, mut y) = ([0.0; 8], [0.0]);
/// network.whole().forward(&[3.0, 1.0], &mut scratch, &mut y)?;
/// assert_eq!(y, [1.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct F32Network<'a> {
    blob: Blob<'a>,
}

impl<'a> F32Network<'a> {
    /// Checks a blob of floats and borrows it.
    ///
    /// # Errors
    /// [`BlobError`]; [`OtherNumbers`](BlobError::OtherNumbers) if it holds integers.
    ///
    /// # Cost
    /// Two passes over the bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BlobError> {
        let blob = Blob::parse(bytes)?;
        if blob.numbers != Numbers::F32 {
            return Err(BlobError::OtherNumbers);
        }
        let (words, _) = blob.body.as_chunks::<4>();
        if words.iter().any(|&word| !f32::from_le_bytes(word).is_finite()) {
            return Err(BlobError::BadNumbers);
        }
        Ok(Self { blob })
    }

    /// Header and layers.
    pub fn blob(&self) -> &Blob<'a> {
        &self.blob
    }

    /// The encoder, or the network of a diffusion model.
    pub fn front(&self) -> Option<F32Layers<'a>> {
        self.part(self.blob.part_layers(true), self.blob.body)
    }

    /// The decoder, generator or plain network.
    pub fn back(&self) -> Option<F32Layers<'a>> {
        let behind = self.blob.body.get(total_bytes(self.blob.part_layers(true))..)?;
        self.part(self.blob.part_layers(false), behind)
    }

    /// What takes an input to an output: encoder and decoder of an autoencoder, one after the other;
    /// else the decoder, generator or plain network, or the network of a diffusion model.
    pub fn whole(&self) -> F32Layers<'a> {
        let part = match self.blob.kind {
            Kind::Autoencoder => self.part(self.blob.layers, self.blob.body),
            Kind::Diffusion => self.front(),
            Kind::Plain | Kind::Vae | Kind::Gan => self.back(),
        };
        part.unwrap_or(F32Layers { layers: &[], weights: &[] })
    }

    #[expect(clippy::unused_self, reason = "the lifetime and the check are those of the blob")]
    fn part(&self, layers: &'a [[u8; LAYER_BYTES]], bytes: &'a [u8]) -> Option<F32Layers<'a>> {
        let weights = bytes.get(..total_bytes(layers))?;
        (!layers.is_empty()).then_some(F32Layers { layers, weights })
    }

    /// What a diffusion model was trained for.
    pub fn denoising(&self) -> Option<Denoising> {
        let Blob { kind: Kind::Diffusion, prediction, steps, .. } = self.blob else {
            return None;
        };
        Some(Denoising {
            schedule: schedule_of(steps)?,
            prediction,
            classes: self.blob.classes(),
            vector_len: self.blob.vector_len(),
        })
    }
}

/// The schedule of a code.
fn schedule_of(code: usize) -> Option<Schedule> {
    match code {
        0 => Some(Schedule::Cosine),
        1 => Some(Schedule::Linear),
        _ => None,
    }
}

/// Bytes of the floats of these layers.
fn total_bytes(layers: &[[u8; LAYER_BYTES]]) -> usize {
    let bytes = layers.iter().filter_map(|layer| weight_bytes(layer, Numbers::F32));
    bytes.fold(0, usize::saturating_add)
}

/// Layers of a blob of floats that follow each other.
#[derive(Clone, Copy, Debug)]
pub struct F32Layers<'a> {
    layers: &'a [[u8; LAYER_BYTES]],
    weights: &'a [u8],
}

/// When a value was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// As an input of the first layer.
    Input,
    /// As the sum of a layer.
    Sum,
    /// As the output of a layer.
    Output,
}

impl<'a> F32Layers<'a> {
    /// Length of the input.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |bytes| sizes(bytes).0)
    }

    /// Length of the output.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |bytes| sizes(bytes).1)
    }

    /// The layers.
    pub fn layers(&self) -> impl Iterator<Item = LayerSpec<f32>> + Clone + use<'a> {
        self.layers.iter().filter_map(layer_of)
    }

    /// All weights and biases in the order of [`Spec`].
    pub fn params(&self) -> impl Iterator<Item = f32> + Clone + use<'a> {
        let (words, _) = self.weights.as_chunks::<4>();
        words.iter().map(|&word| f32::from_le_bytes(word))
    }

    /// Length of the scratch memory of [`forward`](Self::forward): a row of weights and two vectors
    /// between layers.
    pub fn scratch_len(&self) -> usize {
        self.widest_row() + 2 * self.widest_hidden()
    }

    fn widest_row(&self) -> usize {
        self.layers.iter().map(|bytes| sizes(bytes).0).max().unwrap_or(0)
    }

    fn widest_hidden(&self) -> usize {
        let hidden = self.layers.iter().rev().skip(1);
        hidden.map(|bytes| sizes(bytes).1).max().unwrap_or(0)
    }

    /// Computes the output for one input.
    ///
    /// # Errors
    /// [`NnError::WrongLength`] if `x` or `out` has not the length of input or output;
    /// [`NnError::ScratchTooSmall`], [`NnError::NotFinite`] and [`NnError::Overflow`] as
    /// [`Network::forward`](super::Network::forward), whose bits the output has: those of an
    /// [`Mlp`](super::Mlp) of the same weights (with the feature `fast`: within rounding).
    ///
    /// # Cost
    /// Two flops per weight, and reading it from its bytes.
    pub fn forward(&self, x: &[f32], scratch: &mut [f32], out: &mut [f32]) -> Result<(), NnError> {
        self.forward_seen(x, scratch, out, |_, _, _| ())
    }

    /// [`forward`](Self::forward) that shows the values of every stage, by layer.
    pub(super) fn forward_seen(
        &self,
        x: &[f32],
        scratch: &mut [f32],
        out: &mut [f32],
        mut see: impl FnMut(usize, Stage, &[f32]),
    ) -> Result<(), NnError> {
        for (length, expected) in [(x.len(), self.inputs()), (out.len(), self.outputs())] {
            if length != expected {
                return Err(NnError::WrongLength { expected });
            }
        }
        if !simd::all_finite(x) {
            return Err(NnError::NotFinite);
        }
        see(0, Stage::Input, x);
        let small = NnError::ScratchTooSmall { needed: self.scratch_len() };
        let (row, rest) = scratch.split_at_mut_checked(self.widest_row()).ok_or(small)?;
        let (near, far) = rest.split_at_mut_checked(self.widest_hidden()).ok_or(small)?;
        let (mut near, mut far) = (near, far);
        let mut weights = self.weights;
        let last = self.layers.len().saturating_sub(1);
        for (index, layer) in self.layers().enumerate() {
            let from = if index == 0 { x } else { near.get(..layer.inputs).ok_or(small)? };
            let to = if index == last {
                &mut *out
            } else {
                far.get_mut(..layer.outputs).ok_or(small)?
            };
            let row = row.get_mut(..layer.inputs).ok_or(small)?;
            // Checked by `Blob::parse`: there are as many bytes.
            let (matrix, rest) =
                weights.split_at_checked(4 * layer.inputs * layer.outputs).unwrap_or_default();
            let (bias, rest) = rest.split_at_checked(4 * layer.outputs).unwrap_or_default();
            weights = rest;
            let (mut words, (bias, _)) = (matrix, bias.as_chunks::<4>());
            for (y, &b) in to.iter_mut().zip(bias) {
                let (own, others) = words.split_at_checked(4 * layer.inputs).unwrap_or_default();
                words = others;
                for (w, &word) in row.iter_mut().zip(own.as_chunks::<4>().0) {
                    *w = f32::from_le_bytes(word);
                }
                *y = simd::dot(row, from) + f32::from_le_bytes(b);
            }
            if !simd::all_finite(to) {
                return Err(NnError::Overflow);
            }
            see(index, Stage::Sum, to);
            layer.activation.apply(to);
            see(index, Stage::Output, to);
            core::mem::swap(&mut near, &mut far);
        }
        if simd::all_finite(out) { Ok(()) } else { Err(NnError::Overflow) }
    }
}

/// Layers to write, with their weights and biases in the order of [`Spec`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part<'a> {
    /// The layers.
    pub spec: Spec<'a, f32>,
    /// Of the length [`Spec::params`].
    pub params: &'a [f32],
}

/// What a diffusion model was trained for, as [`Diffusion::new`](super::Diffusion::new) takes it: with
/// `classes` or `vector_len` as the length of the condition.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Denoising {
    /// How much of a sample is left at a time.
    pub schedule: Schedule,
    /// What the network predicts.
    pub prediction: Prediction,
    /// Number of classes, 0 for none.
    pub classes: usize,
    /// Number of values of the vector that the network is told, 0 for none. There are classes or a
    /// vector, not both.
    pub vector_len: usize,
}

impl Denoising {
    /// Number of inputs of the network that hold the class or the vector.
    pub const fn condition_len(&self) -> usize {
        self.classes.saturating_add(self.vector_len)
    }
}

/// What to write into a blob of floats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkSpec<'a> {
    /// What the network is for.
    pub kind: Kind,
    /// Encoder, or network of a diffusion model.
    pub front: Option<Part<'a>>,
    /// Decoder, generator, plain network.
    pub back: Option<Part<'a>>,
    /// Of a diffusion model.
    pub denoising: Option<Denoising>,
}

impl<'a> NetworkSpec<'a> {
    /// A network without a schedule.
    pub const fn new(kind: Kind, front: Option<Part<'a>>, back: Option<Part<'a>>) -> Self {
        Self { kind, front, back, denoising: None }
    }

    fn parts(&self) -> impl Iterator<Item = Part<'a>> + Clone {
        self.front.into_iter().chain(self.back)
    }

    /// Bytes of the blob.
    pub fn encoded_len(&self) -> usize {
        let parts = self.parts().map(|part| {
            let layers = part.spec.layers().len().saturating_mul(LAYER_BYTES);
            layers.saturating_add(part.params.len().saturating_mul(4))
        });
        let fixed = HEADER_BYTES + CRC_BYTES;
        parts.fold(fixed, usize::saturating_add)
    }

    /// Writes the blob and returns its length. It has been parsed, so a written blob is valid.
    ///
    /// # Errors
    /// [`BlobError::BufferTooSmall`]; [`BlobError::BadParts`] if a slice of parameters has not the length
    /// of its spec or there are too many layers; [`BlobError::BadLayer`] for an approximate
    /// activation or sizes beyond 16 bits; or what parsing finds wrong.
    pub fn write(&self, out: &mut [u8]) -> Result<usize, BlobError> {
        let needed = self.encoded_len();
        let length = u32::try_from(needed).map_err(|_| BlobError::BadHeader)?;
        let out = out.get_mut(..needed).ok_or(BlobError::BufferTooSmall { needed })?;
        if self.parts().any(|part| part.params.len() != part.spec.params()) {
            return Err(BlobError::BadParts);
        }
        let layers: usize = self.parts().map(|part| part.spec.layers().len()).sum();
        let front = self.front.map_or(0, |part| part.spec.layers().len());
        if layers > MAX_LAYERS {
            return Err(BlobError::BadParts);
        }
        let small = |n: usize| u16::try_from(n).map_err(|_| BlobError::BadHeader);
        let byte = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
        let (schedule, prediction, condition) = match self.denoising {
            None => (0, 0, 0),
            Some(Denoising { classes: 1.., vector_len: 1.., .. }) => {
                return Err(BlobError::BadParts);
            }
            Some(denoising) => {
                let Denoising { schedule, prediction, vector_len, .. } = denoising;
                let schedule = match schedule {
                    Schedule::Cosine => 0,
                    Schedule::Linear => 1,
                };
                let prediction = match prediction {
                    Prediction::Noise => 0,
                    Prediction::Sample => 1,
                    Prediction::Velocity => 2,
                };
                let told = if vector_len > 0 { TOLD_A_VECTOR } else { 0 };
                (schedule, prediction | told, denoising.condition_len())
            }
        };
        // What is neither sample nor condition is the time.
        let features = self.denoising.and(self.front).map_or(0, |part| {
            part.spec.inputs().saturating_sub(part.spec.outputs()).saturating_sub(condition)
        });
        let mut writer = Writer { out, at: 0 };
        writer.put(&MAGIC);
        writer.put(&[VERSION, self.kind as u8, Numbers::F32 as u8, byte(layers)]);
        writer.put(&length.to_le_bytes());
        writer.put(&[byte(front), prediction]);
        writer.put(&small(condition)?.to_le_bytes());
        writer.put(&small(features)?.to_le_bytes());
        writer.put(&small(schedule)?.to_le_bytes());
        writer.put(&[0; 4]);
        for (number, layer) in self.parts().flat_map(|part| part.spec.layers()).enumerate() {
            writer.put(&layer_bytes(layer).ok_or(BlobError::BadLayer(byte(number)))?);
        }
        let values = self.parts().flat_map(|part| part.params);
        values.for_each(|value| writer.put(&value.to_le_bytes()));
        writer.finish();
        F32Network::parse(out).map(|network| network.blob.bytes.len())
    }
}

/// The head of a blob of integers made of one of floats: header and layers.
pub(super) fn put_int8_head(
    writer: &mut Writer<'_>,
    blob: &Blob<'_>,
    length: u32,
    steps: u16,
    limit: i32,
) {
    let header = blob.bytes.first_chunk::<HEADER_BYTES>().copied().unwrap_or([0; HEADER_BYTES]);
    let (start, rest) = header.split_at_checked(6).unwrap_or_default();
    writer.put(start);
    writer.put(&[Numbers::Int8 as u8]);
    writer.put(rest.get(1..2).unwrap_or(&[]));
    writer.put(&length.to_le_bytes());
    writer.put(rest.get(6..12).unwrap_or(&[]));
    writer.put(&steps.to_le_bytes());
    writer.put(&limit.to_le_bytes());
    writer.put(blob.layers.as_flattened());
}

/// Bytes of a blob of integers made of one of floats.
pub(super) fn int8_bytes(blob: &Blob<'_>, steps: usize) -> Option<usize> {
    let int8 = Blob { numbers: Numbers::Int8, steps, ..*blob };
    let head = HEADER_BYTES + CRC_BYTES + LAYER_BYTES * blob.layers.len();
    int8.body_bytes()?.checked_add(head)
}

/// Appends bytes to a slice; what does not fit is dropped.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    pub(super) out: &'a mut [u8],
    pub(super) at: usize,
}

impl Writer<'_> {
    pub(super) fn put(&mut self, bytes: &[u8]) {
        let free = self.out.iter_mut().skip(self.at);
        for (slot, &byte) in free.zip(bytes) {
            *slot = byte;
            self.at += 1;
        }
    }

    /// Puts the checksum of everything before.
    pub(super) fn finish(mut self) {
        let checksum = CRC.checksum(self.out.get(..self.at).unwrap_or(&[]));
        self.put(&checksum.to_le_bytes());
    }
}

#[inline(always)]
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let chunk = bytes.get(at..).and_then(<[u8]>::first_chunk::<2>);
    chunk.map_or(0, |&chunk| u16::from_le_bytes(chunk))
}

#[inline(always)]
pub(super) fn i32_at(bytes: &[u8], at: usize) -> i32 {
    let chunk = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    chunk.map_or(0, |&chunk| i32::from_le_bytes(chunk))
}
