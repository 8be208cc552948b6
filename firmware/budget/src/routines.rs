//! The routines and their sizes.

use eigenmote::codec::{
    Frame, Model, STATE_BYTES, Slot, Stream, decode, decode_next, encode, encode_next, scratch_len,
};
use eigenmote::embed::{Analogy, Hit, WordTable};
use eigenmote::linalg::power::{Options, dominant_eigenpair_in_place};
use eigenmote::linalg::{eigh_in_place, qr, singular_values, svd_in_place};
use eigenmote::nn::{Activation, Dense, Mlp, Network, StandardNormal, sample};
use eigenmote::stats::{Covariance, Moments, Pca};
use eigenmote::{Mat, rng};
use mainjob::{FRAME_BYTES, FromCount, MODELS, SLOTS, VALUES};

use networks::{PIXELS, decode as decode_digit, draw};

use crate::measure::{measure, stack_of};

/// A sample of a network of integers. The scratch memory is on the stack.
pub type Digit = [i32; PIXELS];
/// Twice the widest layer.
const VAE_SCRATCH: usize = 2 * 64;
const GAN_SCRATCH: usize = 2 * 64;
/// Twice the widest layer, and what a network with classes keeps for guidance.
const DIFFUSION_SCRATCH: usize = 2 * 110 + 40;

/// Entries from a normal distribution.
fn gaussian<const M: usize, const N: usize>(seed: u64) -> Mat<f32, M, N> {
    let mut a = Mat::zeros();
    rng::fill_normal(&mut rng::seeded(seed), a.as_mut_slice());
    a
}

/// A square matrix and room for what becomes of it.
pub struct Square<const N: usize> {
    a: Mat<f32, N, N>,
    b: Mat<f32, N, N>,
    c: Mat<f32, N, N>,
    values: [f32; N],
}

impl<const N: usize> Square<N> {
    fn new() -> Self {
        Self { a: gaussian(N as u64), b: gaussian(7), c: Mat::zeros(), values: [0.0; N] }
    }

    fn symmetric() -> Self {
        let a = gaussian::<N, N>(N as u64);
        Self { a: a.tr_mul(&a), ..Self::new() }
    }
}

/// Samples of `D` channels and what is made of them.
pub struct Samples<const D: usize, const K: usize> {
    moments: Moments<f32, D>,
    covariance: Covariance<f32, D>,
    samples: [[f32; D]; 20],
    pca: Option<Pca<f32, D, K>>,
}

impl<const D: usize, const K: usize> Samples<D, K> {
    fn new() -> Self {
        let mut samples = [[0.0; D]; 20];
        rng::fill_normal(&mut rng::seeded(D as u64), samples.as_flattened_mut());
        let (mut moments, mut covariance) = (Moments::new(), Covariance::new());
        for sample in &samples {
            // The results are checked when they are used.
            let _ = moments.update(sample);
            let _ = covariance.update(sample);
        }
        Self { moments, covariance, samples, pca: None }
    }

    #[inline(always)]
    fn fit(&mut self) -> bool {
        let Ok(matrix) = self.covariance.covariance() else {
            return false;
        };
        let (mean, count) = (self.covariance.mean(), self.covariance.count());
        self.pca = Pca::fit_from_covariance(&mean, &matrix, count).ok();
        self.pca.is_some()
    }
}

/// A fitted projection and a vector.
pub struct Projection<const D: usize, const K: usize> {
    pca: Pca<f32, D, K>,
    x: [f32; D],
    z: [f32; K],
}

impl<const D: usize, const K: usize> Projection<D, K> {
    fn new() -> Self {
        let (mut mean, components) = ([0.0; D], gaussian::<D, K>(3).cols);
        let mut x = mean;
        rng::fill_normal(&mut rng::seeded(1), &mut mean);
        rng::fill_normal(&mut rng::seeded(2), &mut x);
        let pca = Pca {
            mean,
            components,
            explained_variance: [1.0; K],
            explained_variance_ratio: [0.0; K],
            singular_values: [1.0; K],
            noise_variance: 0.0,
            count: 2,
        };
        Self { pca, x, z: [0.0; K] }
    }
}

/// A window, a model, and room for frame and decoded samples.
pub struct Coding<S> {
    model: Option<Model<'static>>,
    samples: [S; VALUES],
    scratch: [Slot; SLOTS],
    bytes: [u8; FRAME_BYTES],
    length: usize,
    stream: Stream,
}

/// Which of the windows: the codec's budgets are for this one, in a frame that stands alone.
const WINDOW: usize = 9;

impl<S: FromCount> Coding<S> {
    fn new(model: usize) -> Self {
        let samples = mainjob::window(WINDOW).unwrap_or([S::default(); VALUES]);
        let model = MODELS.get(model).and_then(|(_, blob)| Model::parse(blob).ok());
        let (scratch, bytes, stream) = ([Slot::NEW; SLOTS], [0; FRAME_BYTES], Stream::new());
        Self { model, samples, scratch, bytes, length: 0, stream }
    }

    fn encoded(model: usize) -> Self {
        let mut this = Self::new(model);
        this.encode();
        this
    }

    #[inline(always)]
    fn encode(&mut self) -> bool {
        let Some(model) = &self.model else {
            return false;
        };
        let length = encode(model, 0, &self.samples, &mut self.scratch, &mut self.bytes);
        self.length = length.unwrap_or(0);
        length.is_ok()
    }

    /// With the stream lent.
    #[inline(always)]
    fn encode_next(&mut self) -> bool {
        let Some(model) = &self.model else {
            return false;
        };
        let (stream, scratch) = (&mut self.stream, &mut self.scratch);
        let length = encode_next(model, stream, 0, &self.samples, scratch, &mut self.bytes);
        self.length = length.unwrap_or(0);
        length.is_ok()
    }

    #[inline(always)]
    fn decode_next(&mut self) -> bool {
        let Some(model) = &self.model else {
            return false;
        };
        let Some(Ok((frame, _))) = self.bytes.get(..self.length).map(Frame::parse) else {
            return false;
        };
        let (stream, scratch) = (&mut self.stream, &mut self.scratch);
        decode_next(model, stream, &frame, scratch, &mut self.samples).is_ok()
    }

    #[inline(always)]
    fn decode(&mut self) -> bool {
        let Some(model) = &self.model else {
            return false;
        };
        let Some(Ok((frame, _))) = self.bytes.get(..self.length).map(Frame::parse) else {
            return false;
        };
        decode(model, &frame, &mut self.scratch, &mut self.samples).is_ok()
    }
}

/// A table of 800 words of 32 bytes and room for what is found in it.
pub struct Lookup {
    table: Option<WordTable<'static>>,
    id: u32,
    hits: [Hit<i32>; 5],
}

/// The table that `firmware/words` searches.
static WORDS: &[u8] = include_bytes!("../../words/words.etab");

impl Lookup {
    fn new(dim: usize) -> Self {
        let table = WordTable::parse(WORDS).ok().and_then(|table| table.prefix(dim));
        Self { table, id: 0, hits: [Hit::default(); 5] }
    }

    #[inline(always)]
    fn run(&mut self, call: impl FnOnce(&WordTable<'_>, &mut [Hit<i32>]) -> bool) -> bool {
        self.table.as_ref().is_some_and(|table| call(table, &mut self.hits))
    }
}

/// A decoder with two layers.
pub struct Decoder {
    first: Mat<f32, 2, 16>,
    second: Mat<f32, 16, 24>,
    biases: ([f32; 16], [f32; 24]),
    scratch: [f32; 64],
    out: [f32; 24],
}

impl Decoder {
    fn new() -> Self {
        Self {
            first: gaussian(1),
            second: gaussian(2),
            biases: ([0.1; 16], [0.2; 24]),
            scratch: [0.0; 64],
            out: [0.0; 24],
        }
    }

    #[inline(always)]
    fn run(&mut self, call: impl FnOnce(&Net<'_>, &mut [f32], &mut [f32; 24]) -> bool) -> bool {
        let front = Dense::new(&self.first.cols, &self.biases.0, Activation::Silu);
        let last = Dense::new(&self.second.cols, &self.biases.1, Activation::Tanh);
        call(&front.then(last), &mut self.scratch, &mut self.out)
    }
}

type Net<'a> = Mlp<Dense<'a, f32, 2, 16>, Dense<'a, f32, 16, 24>>;

/// Exports a function per routine, which gets its job by reference, and calls them all.
macro_rules! routines {
    ($($name:literal $values:literal $symbol:ident($job:ident: $type:ty = $new:expr) $body:block)*) => {
        $(
            #[inline(never)]
            #[unsafe(no_mangle)]
            extern "C" fn $symbol($job: &mut $type) -> bool $body
        )*

        /// Measures every routine; whether all did their job.
        pub fn measure_all() -> bool {
            let mut all = true;
            $(
                // In a function of its own, so that only one job at a time takes memory.
                #[inline(never)]
                fn $symbol() -> bool {
                    let mut job: $type = $new;
                    measure([$name, stringify!($symbol)], $values, self::$symbol, &mut job)
                }
                all &= $symbol();
            )*
            all & measure_neighbours() & measure_codec()
        }
    };
}

routines! {
    "svd 3x3" 1 budget_svd_3(job: Square<3> = Square::new()) {
        svd_in_place(&mut job.a, &mut job.values, &mut job.b, &Default::default()).is_ok()
    }
    "svd 4x4" 1 budget_svd_4(job: Square<4> = Square::new()) {
        svd_in_place(&mut job.a, &mut job.values, &mut job.b, &Default::default()).is_ok()
    }
    "svd 6x6" 1 budget_svd_6(job: Square<6> = Square::new()) {
        svd_in_place(&mut job.a, &mut job.values, &mut job.b, &Default::default()).is_ok()
    }
    "svd 8x8" 1 budget_svd_8(job: Square<8> = Square::new()) {
        svd_in_place(&mut job.a, &mut job.values, &mut job.b, &Default::default()).is_ok()
    }
    "svd 16x16" 1 budget_svd_16(job: Square<16> = Square::new()) {
        svd_in_place(&mut job.a, &mut job.values, &mut job.b, &Default::default()).is_ok()
    }
    "singular values 8x8" 1 budget_values_8(job: Square<8> = Square::new()) {
        singular_values(&job.a).map(|values| job.values = values).is_ok()
    }
    "eigh 3x3" 1 budget_eigh_3(job: Square<3> = Square::symmetric()) {
        eigh_in_place(&mut job.a, &mut job.values).is_ok()
    }
    "eigh 4x4" 1 budget_eigh_4(job: Square<4> = Square::symmetric()) {
        eigh_in_place(&mut job.a, &mut job.values).is_ok()
    }
    "eigh 8x8" 1 budget_eigh_8(job: Square<8> = Square::symmetric()) {
        eigh_in_place(&mut job.a, &mut job.values).is_ok()
    }
    "eigh 16x16" 1 budget_eigh_16(job: Square<16> = Square::symmetric()) {
        eigh_in_place(&mut job.a, &mut job.values).is_ok()
    }
    "dominant eigenpair 8x8" 1 budget_power_8(job: Square<8> = Square::symmetric()) {
        dominant_eigenpair_in_place(&job.a, &mut job.values, &Options::new()).is_ok()
    }
    "qr 8x8" 1 budget_qr_8(job: Square<8> = Square::new()) {
        qr(&job.a).map(|qr| job.c = qr.r()).is_ok()
    }
    "product 8x8" 1 budget_product_8(job: Square<8> = Square::new()) {
        job.c = job.a.mul(&job.b);
        true
    }
    "projection 8 to 3" 1 budget_projection_8(job: Projection<8, 3> = Projection::new()) {
        job.z = job.pca.transform(&job.x);
        true
    }
    "projection 16 to 4" 1 budget_projection_16(job: Projection<16, 4> = Projection::new()) {
        job.z = job.pca.transform(&job.x);
        true
    }
    "projection 64 to 8" 1 budget_projection_64(job: Projection<64, 8> = Projection::new()) {
        job.z = job.pca.transform(&job.x);
        true
    }
    "restoring 64 from 8" 1 budget_restoring_64(job: Projection<64, 8> = Projection::new()) {
        job.x = job.pca.inverse_transform(&job.z);
        true
    }
    "moments, a sample of 8" 1 budget_moments_8(job: Samples<8, 3> = Samples::new()) {
        job.moments.update(&job.samples[0]).is_ok()
    }
    "covariance, a sample of 8" 1 budget_covariance_8(job: Samples<8, 3> = Samples::new()) {
        job.covariance.update(&job.samples[0]).is_ok()
    }
    "covariance, a sample of 16" 1 budget_covariance_16(job: Samples<16, 4> = Samples::new()) {
        job.covariance.update(&job.samples[0]).is_ok()
    }
    "components from covariance, 8 to 3" 1 budget_fit_8(job: Samples<8, 3> = Samples::new()) {
        job.fit()
    }
    "model, parsing" 1 budget_parse(job: Option<Model<'static>> = None) {
        let blob = MODELS.first().map_or(&[][..], |(_, blob)| blob);
        *job = Model::parse(blob).ok();
        job.is_some()
    }
    "800 words, parsing" 1 budget_words_parse(job: Option<WordTable<'static>> = None) {
        *job = WordTable::parse(WORDS).ok();
        job.is_some()
    }
    "800 words, the number of one" 1 budget_words_id(job: Lookup = Lookup::new(32)) {
        job.id = job.table.as_ref().and_then(|table| table.id("daughter")).unwrap_or(u32::MAX);
        job.id != u32::MAX
    }
    "800 words, analogy by 32 bytes" 1 budget_words_analogy(job: Lookup = Lookup::new(32)) {
        job.run(|table, hits| table.analogy([3, 50, 200], Analogy::Add, hits).is_ok())
    }
    "a digit of the vae" 1 budget_vae(job: Digit = [0; PIXELS]) {
        decode_digit::<VAE_SCRATCH>(networks::VAE, &mut rng::seeded(1), job)
    }
    "a digit of the gan" 1 budget_gan(job: Digit = [0; PIXELS]) {
        decode_digit::<GAN_SCRATCH>(networks::GAN, &mut rng::seeded(1), job)
    }
    "a digit by diffusion in 20 steps" 1 budget_diffusion(job: Digit = [0; PIXELS]) {
        draw::<DIFFUSION_SCRATCH>(networks::DIFFUSION, &mut rng::seeded(1), 0, job)
    }
    "decoder 2 to 16 to 24" 1 budget_decoder(job: Decoder = Decoder::new()) {
        job.run(|net, scratch, out| net.forward(&[0.3, -0.7], scratch, out).is_ok())
    }
    "a sample of the decoder" 1 budget_sample(job: Decoder = Decoder::new()) {
        let mut generator = rng::seeded(5);
        job.run(|net, scratch, out| {
            sample(net, &StandardNormal, &mut generator, scratch, out).is_ok()
        })
    }
}

/// The same code for both lengths.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn budget_words_nearest(job: &mut Lookup) -> bool {
    job.run(|table, hits| table.nearest(300, hits).is_ok())
}

#[inline(never)]
fn measure_neighbours() -> bool {
    let mut all = true;
    for (name, dim) in
        [("800 words, neighbours by 32 bytes", 32), ("800 words, neighbours by 16 bytes", 16)]
    {
        let mut job = Lookup::new(dim);
        all &= measure([name, "budget_words_nearest"], 1, budget_words_nearest, &mut job);
    }
    all
}

/// The code for a type of sample is the same for all modes: the model says which it is.
macro_rules! coder {
    ($symbol:ident, $type:ty, $call:ident) => {
        #[inline(never)]
        #[unsafe(no_mangle)]
        extern "C" fn $symbol(job: &mut Coding<$type>) -> bool {
            job.$call()
        }
    };
}
coder!(budget_encode_i16, i16, encode);
coder!(budget_encode_f32, f32, encode);
coder!(budget_encode_next_i16, i16, encode_next);
coder!(budget_decode_i16, i16, decode);
coder!(budget_decode_next_i16, i16, decode_next);
coder!(budget_decode_f32, f32, decode);

#[inline(never)]
fn measure_codec() -> bool {
    let mut all = true;
    for (name, model) in
        [("encode i16 bounded", 0), ("encode i16 predictive", 1), ("encode i16 transform", 2)]
    {
        let mut job = Coding::new(model);
        all &= measure([name, "budget_encode_i16"], VALUES as u32, budget_encode_i16, &mut job);
    }
    for (name, model) in
        [("encode f32 bounded", 3), ("encode f32 predictive", 4), ("encode f32 transform", 5)]
    {
        let mut job = Coding::new(model);
        all &= measure([name, "budget_encode_f32"], VALUES as u32, budget_encode_f32, &mut job);
    }
    for (name, model) in
        [("decode i16 bounded", 0), ("decode i16 predictive", 1), ("decode i16 transform", 2)]
    {
        let mut job = Coding::encoded(model);
        all &= measure([name, "budget_decode_i16"], VALUES as u32, budget_decode_i16, &mut job);
    }
    for (name, model) in
        [("decode f32 bounded", 3), ("decode f32 predictive", 4), ("decode f32 transform", 5)]
    {
        let mut job = Coding::encoded(model);
        all &= measure([name, "budget_decode_f32"], VALUES as u32, budget_decode_f32, &mut job);
    }
    for (name, model) in [("encode next i16 bounded", 0), ("encode next i16 predictive", 1)] {
        let mut job = Coding::new(model);
        let symbol = "budget_encode_next_i16";
        all &= measure([name, symbol], VALUES as u32, budget_encode_next_i16, &mut job);
    }
    let mut job = Coding::encoded(0);
    let names = ["decode next i16 bounded", "budget_decode_next_i16"];
    all & measure(names, VALUES as u32, budget_decode_next_i16, &mut job) & state_is_as_promised()
}

/// Whether a kibibyte holds the codec's state for eight channels, and the stack of a call is no less than
/// that state says, but for a stream that the caller lends.
#[inline(never)]
fn state_is_as_promised() -> bool {
    const { assert!(STATE_BYTES + scratch_len(8, 0) * size_of::<Slot>() <= 1024) };
    let mut job = Coding::<i16>::new(0);
    let (encoded, own) = stack_of(budget_encode_i16, &mut job);
    let (again, lent) = stack_of(budget_encode_next_i16, &mut job);
    encoded && again && own >= STATE_BYTES && lent + size_of::<Stream>() >= STATE_BYTES
}
