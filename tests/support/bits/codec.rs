//! Models, frames and decoded samples.

use eigenmote::codec::{
    self, Basis, Channel, Frame, Lattice, Method, Model, ModelSpec, Predictor, Sample, SampleKind,
    Slot, Term, Terms, Transform, fit,
};
use eigenmote::simd::Lanes;
use eigenmote::{Scalar, rng};

use super::Hash;

const CHANNELS: usize = 2;
const ROWS: usize = 16;
const VALUES: usize = CHANNELS * ROWS;
const COMPONENTS: usize = 4;
const MODEL_BYTES: usize = 1024;
const FRAME_BYTES: usize = codec::max_frame_bytes(CHANNELS, ROWS, SampleKind::F64);
const SLOTS: usize = codec::scratch_len(CHANNELS, COMPONENTS);

/// A sample from the nearest number.
pub(super) trait FromNumber: Sample {
    fn from_number(x: f64) -> Self;
}
macro_rules! from_number {
    ($($t:ident)*) => {
        $(impl FromNumber for $t {
            #[allow(clippy::cast_possible_truncation, reason = "the conversion saturates")]
            fn from_number(x: f64) -> Self {
                Scalar::round(x) as $t
            }
        })*
    };
}
from_number!(i16 i32);
impl FromNumber for f32 {
    fn from_number(x: f64) -> Self {
        Scalar::from_f64(x)
    }
}
impl FromNumber for f64 {
    fn from_number(x: f64) -> Self {
        x
    }
}

/// Windows of two wandering channels: smooth, noisy, too rough to code.
const LIVELINESS: [f64; 5] = [1.0, 0.1, 40.0, 1.0e4, 1.0e30];

type Recording<S> = [[S; VALUES]; LIVELINESS.len()];

fn recording<S: FromNumber>(seed: u64) -> Recording<S> {
    let mut generator = rng::seeded(seed);
    LIVELINESS.map(|size| {
        let (mut level, mut slope) = ([300.0, -500.0], [0.0; 2]);
        let mut channel = 0;
        [(); VALUES].map(|()| {
            slope[channel] += 0.5 * size * rng::normal::<f64>(&mut generator);
            level[channel] += slope[channel];
            let x = level[channel] + size * rng::normal::<f64>(&mut generator);
            channel = (channel + 1) % CHANNELS;
            S::from_number(x)
        })
    })
}

/// Writes a model twice: with the default priors, then with those of the recording.
fn write<S: FromNumber>(
    channels: &[Channel<S>; CHANNELS],
    method: Method<'_>,
    recording: &Recording<S>,
) -> [u8; MODEL_BYTES] {
    let mut blob = [0; MODEL_BYTES];
    let (priors, rate) = (&fit::DEFAULT_PRIORS, fit::DEFAULT_RATE);
    let spec = ModelSpec { window: 16, channels, method, priors, rate };
    spec.write(&mut blob).expect("a valid model");
    let model = Model::parse(&blob).expect("just written");
    let mut tally = fit::Tally::new();
    for window in recording {
        tally.window(&model, window, &mut [Slot::NEW; SLOTS]).expect("finite samples");
    }
    ModelSpec { priors: &tally.priors(), ..spec }.write(&mut blob).expect("a valid model");
    blob
}

/// Encodes every window whole and in part, and decodes it.
fn code<S: FromNumber>(hash: &mut Hash, blob: &[u8], recording: &Recording<S>) {
    let model = Model::parse(blob).expect("just written");
    hash.bytes(model.bytes());
    let (mut scratch, mut bytes) = ([Slot::NEW; SLOTS], [0; FRAME_BYTES]);
    let (mut coefficients, mut decoded) = ([0; COMPONENTS], [S::default(); VALUES]);
    for (window, number) in recording.iter().zip(0..) {
        let coded = fit::coefficients(&model, window, &mut scratch, &mut coefficients);
        hash.word(u64::from(coded.expect("finite samples")));
        for c in coefficients {
            hash.word(u64::from(c.cast_unsigned()));
        }
        for rows in [ROWS, 5] {
            let window = &window[..rows * CHANNELS];
            let len = codec::encode(&model, number, window, &mut scratch, &mut bytes)
                .expect("finite samples");
            hash.bytes(&bytes[..len]);
            let (frame, _) = Frame::parse(&bytes[..len]).expect("just encoded");
            codec::decode(&model, &frame, &mut scratch, &mut decoded).expect("just encoded");
            for x in &decoded[..window.len()] {
                hash.word(x.to_raw());
            }
        }
    }
}

pub(super) fn bounded<S: FromNumber>() -> u64 {
    let mut hash = Hash::new();
    let recording = recording::<S>(110);
    for epsilon in [0.5, 3.0] {
        let channels = core::array::from_fn(|channel| {
            let lattice = Lattice::bounded(0.0, epsilon).expect("a valid bound");
            let mut survey = fit::Survey::new(lattice.nearest(recording[0][channel]).unwrap_or(0));
            for window in &recording {
                survey.restart();
                let samples = window.iter().skip(channel).step_by(CHANNELS);
                samples.filter_map(|&x| lattice.snap(x)).for_each(|count| survey.push(count));
            }
            Channel {
                lattice,
                predictor: survey.predictor(u8::try_from(channel).expect("two channels")),
            }
        });
        code(&mut hash, &write(&channels, Method::Bounded, &recording), &recording);
    }
    let lattice = Lattice::on_grid(0.0, 0.25, 2.0).expect("a valid bound");
    let own = Channel {
        lattice,
        predictor: Predictor { terms: Terms::polynomial(0, 2), ..Predictor::default() },
    };
    let before = [Term { channel: 0, lag: 0, weight: -1500 }];
    let all = [before[0], Term { channel: 1, lag: 1, weight: 4000 }];
    let [start, terms] = [&before[..], &all[..]].map(|terms| Terms::new(terms).expect("few terms"));
    let coupled =
        Channel { lattice, predictor: Predictor { start, terms, ..Predictor::default() } };
    code(&mut hash, &write(&[own, coupled], Method::Bounded, &recording), &recording);
    let lattice = Lattice::weighed(0.25, 4.0, 1.5).expect("a valid step");
    let weighed = [own, coupled].map(|channel| Channel { lattice, ..channel });
    let method = Method::Predictive { tradeoff: 180, budget: fit::q8(0.9) };
    code(&mut hash, &write(&weighed, method, &recording), &recording);
    hash.0
}

/// By the four Walsh functions of a window with the fewest changes of sign.
pub(super) fn transform<S: FromNumber>() -> u64 {
    let mut hash = Hash::new();
    let recording = recording::<S>(111);
    let mut basis = [0; VALUES * COMPONENTS];
    for (weight, at) in basis.iter_mut().zip(0_u32..) {
        let (value, component) = (at / 4, at % 4);
        let odd = (value & component.reverse_bits() >> (u32::BITS - 5)).count_ones() % 2 == 1;
        let length = <f64 as Lanes<f64>>::sqrt(1.0 / 32.0);
        *weight = fit::basis_weight(if odd { -length } else { length });
    }
    let scales = [80.0, 40.0, 10.0, 5.0].map(fit::q8);
    let channel = Channel {
        lattice: Lattice::<S>::fine(-100.0, 0.5).expect("a valid step"),
        predictor: Predictor { mean: 10, ..Predictor::default() },
    };
    for budget in [None, Some(fit::q8(6.0)), Some(fit::q8(60.0))] {
        let transform = Transform {
            coefficient_step: fit::q8(8.0),
            budget,
            scales: &scales,
            basis: Basis::I16(&basis),
        };
        let blob = write(&[channel; CHANNELS], Method::Transform(transform), &recording);
        code(&mut hash, &blob, &recording);
    }
    hash.0
}
