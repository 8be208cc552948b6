//! Networks and samplers.

use eigenmote::embed::WordTable;
use eigenmote::nn::quantized::ONE;
use eigenmote::nn::{
    Activation, Class, Condition, Dense, Draw, F32Network, Gaussian, Int8Network, Mlp, Network,
    PcaGaussian, StandardNormal, sample,
};
use eigenmote::{Scalar, rng, simd};

use super::{Hash, deficient, gaussian};

/// Every activation but the approximate ones of the feature `micromath`.
fn exact<T: Scalar>() -> [Activation<T>; 8] {
    [
        Activation::Linear,
        Activation::Relu,
        Activation::LeakyRelu { slope: T::from_f64(0.1) },
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Silu,
        Activation::Gelu,
        Activation::GeluTanh,
    ]
}

pub(super) fn activations<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    let mut values = [T::ZERO; 192];
    rng::fill_normal(&mut rng::seeded(90), &mut values);
    // From tiny to the flat ends of every function.
    for (values, k) in values.chunks_exact_mut(32).zip([-40, -6, 0, 2, 4, 7]) {
        simd::scale(T::exp2i(k), values);
    }
    for activation in exact::<T>() {
        let mut results = values;
        activation.apply(&mut results);
        hash.values(&results);
    }
    hash.0
}

type Layer<'a, T, const I: usize, const O: usize> = Dense<'a, T, I, O>;
type Decoder<'a, T> = Mlp<Mlp<Layer<'a, T, 3, 17>, Layer<'a, T, 17, 9>>, Layer<'a, T, 9, 6>>;
/// The largest of its scratch memories.
const SCRATCH: usize = Decoder::<f64>::SCRATCH;

pub(super) fn networks<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    let (w1, w2, w3) =
        (gaussian::<T, 3, 17>(91), gaussian::<T, 17, 9>(92), gaussian::<T, 9, 6>(93));
    let biases = gaussian::<T, 17, 3>(94);
    let [b1, b2, b3] = &biases.cols;
    let (b2, b3) = (b2.first_chunk().expect("17 values"), b3.first_chunk().expect("17 values"));
    for activation in exact() {
        let net: Decoder<'_, T> = Dense::new(&w1.cols, b1, activation)
            .then(Dense::new(&w2.cols, b2, activation))
            .then(Dense::new(&w3.cols, b3, Activation::Linear));
        let (mut scratch, mut out) = ([T::ZERO; SCRATCH], [T::ZERO; 6]);
        let mut generator = rng::seeded(95);
        for _ in 0..8 {
            let x = core::array::from_fn(|_| rng::normal(&mut generator));
            net.forward(&x, &mut scratch, &mut out).expect("finite input");
            hash.values(&out);
            sample(&net, &StandardNormal, &mut generator, &mut scratch, &mut out)
                .expect("finite weights");
            hash.values(&out);
        }
    }
    hash.0
}

pub(super) fn samplers<T: Scalar>() -> u64 {
    fn draws<T: Scalar, const D: usize>(hash: &mut Hash, source: &impl Draw<[T; D]>) {
        let mut generator = rng::seeded(96);
        let mut x = [T::ZERO; D];
        for _ in 0..32 {
            source.draw(&mut generator, &mut x);
            hash.values(&x);
        }
    }
    let mut hash = Hash::new();
    draws::<T, 5>(&mut hash, &StandardNormal);
    let mean = [T::ONE; 5];
    let factor = gaussian::<T, 7, 5>(97);
    let full = Gaussian::from_covariance(mean, &factor.tr_mul(&factor)).expect("a covariance");
    hash.values(full.factor.as_slice());
    draws(&mut hash, &full);
    let factor = deficient::<T, 7, 5, 2>(98);
    let flat = Gaussian::from_covariance(mean, &factor.tr_mul(&factor)).expect("a covariance");
    hash.values(flat.factor.as_slice());
    draws(&mut hash, &flat);
    let components = gaussian::<T, 5, 2>(100);
    let variance = [T::from_i32(9), T::TWO];
    draws(&mut hash, &PcaGaussian::new(&mean, &components.cols, &variance).expect("variances"));
    let noisy = PcaGaussian::probabilistic(&mean, &components.cols, &variance, T::HALF);
    draws(&mut hash, &noisy.expect("variances"));
    hash.0
}

/// What the golden blobs of integers give and draw.
pub(super) fn integers() -> u64 {
    static BLOBS: [&[u8]; 3] = [
        include_bytes!("../../golden/network_vae_int8_v1.blob"),
        include_bytes!("../../golden/network_autoencoder_int8_v1.blob"),
        include_bytes!("../../golden/network_diffusion_int8_v1.blob"),
    ];
    let mut hash = Hash::new();
    for blob in BLOBS {
        let network = Int8Network::parse(blob).expect("a golden blob");
        let (mut scratch, mut out) = ([0; 32], [0; 5]);
        let mut generator = rng::seeded(101);
        for guidance in [None, Some(0), Some(2 * ONE)] {
            let class = guidance.map(|guidance| Class { number: 1, guidance });
            let _ = network.sample(&mut generator, class, &mut scratch, &mut out);
            out.iter().for_each(|&y| hash.word(u64::from(y.cast_unsigned())));
            let back = network.back().expect("a decoder");
            let x = core::array::from_fn::<i32, 3, _>(|_| rng::normal_fixed(&mut generator));
            back.forward(&x, &mut scratch, &mut out).expect("enough memory");
            out.iter().for_each(|&y| hash.word(u64::from(y.cast_unsigned())));
        }
    }
    hash.0
}

/// What a golden blob of integers draws that is told a vector out of a table.
pub(super) fn told() -> u64 {
    let network = Int8Network::parse(include_bytes!("../../golden/network_told_int8_v1.blob"));
    let network = network.expect("a golden blob");
    let table = WordTable::parse(include_bytes!("../../golden/words_small_v1.table"));
    let table = table.expect("a golden table");
    let mut hash = Hash::new();
    let (mut vector, mut scratch, mut out) = ([0; 2], [0; 32], [0; 5]);
    let mut generator = rng::seeded(103);
    for (id, guidance) in [(0, 0), (1, ONE), (2, -ONE / 2)] {
        table.vector_fixed(id, &mut vector).expect("two values");
        let told = (Condition::Vector(&vector), guidance);
        network.sample_under(&mut generator, told, &mut scratch, &mut out).expect("enough memory");
        let all = vector.iter().chain(&out);
        all.for_each(|&y| hash.word(u64::from(y.cast_unsigned())));
    }
    hash.0
}

/// What a golden blob of floats gives.
pub(super) fn blobs() -> u64 {
    let network = F32Network::parse(include_bytes!("../../golden/network_plain_f32_v1.blob"));
    let whole = network.expect("a golden blob").whole();
    let mut hash = Hash::new();
    let (mut scratch, mut out) = ([0.0; 16], [0.0; 5]);
    let mut generator = rng::seeded(102);
    for _ in 0..8 {
        let x = core::array::from_fn::<f32, 3, _>(|_| rng::normal(&mut generator));
        whole.forward(&x, &mut scratch, &mut out).expect("finite input");
        hash.values(&out);
    }
    hash.0
}
