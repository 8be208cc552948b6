//! Training and generating.

use eigenmote::nn::{
    Activation, Adam, AdamSteps, Diffusion, Gan, GanLoss, GanSettings, LayerSpec, Likelihood,
    Prediction, Sampler, Schedule, Sgd, Spec, Vae,
};
use eigenmote::{Scalar, rng};

use super::Hash;

/// Memory of the largest model below.
const MEMORY: usize = 1600;
/// Parameters of all of them, each.
const VAE: usize = 10 * 17 + 18 * 6 + 4 * 11 + 12 * 9;
const MAKE: usize = 4 * 10 + 11 * 7;
const JUDGE: usize = 8 * 9 + 10;
const NOISE: usize = 13 * 13 + 14 * 6;

/// What is trained, with room for the steps.
struct State<T, const N: usize> {
    params: [T; N],
    gradient: [T; N],
    moments: [[T; N]; 2],
    steps: AdamSteps<T>,
}

impl<T: Scalar, const N: usize> State<T, N> {
    fn new() -> Self {
        let zeros = [T::ZERO; N];
        Self { params: zeros, gradient: zeros, moments: [zeros; 2], steps: AdamSteps::START }
    }
    fn adam(&mut self) {
        let adam = Adam { weight_decay: T::from_f64(0.01), ..Adam::new(T::from_f64(0.01)) };
        let moments = self.moments.as_flattened_mut();
        adam.update(&mut self.steps, &mut self.params, &self.gradient, moments).expect("finite");
    }
    fn momentum(&mut self) {
        let sgd = Sgd::new(T::from_f64(0.05), T::HALF);
        let [velocity, _] = &mut self.moments;
        sgd.update(&mut self.params, &self.gradient, velocity).expect("finite");
    }
}

pub(super) fn angles<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    for k in -64..=64 {
        let (s, c) = (T::from_i32(k) * T::from_f64(2.345_678)).sin_cos();
        hash.values(&[s, c]);
        for schedule in [Schedule::Cosine, Schedule::Linear] {
            hash.value(schedule.alpha_bar(T::from_i32(k).abs() / T::from_i32(64)));
        }
    }
    hash.0
}

pub(super) fn autoencoders<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    let mut memory = [T::ZERO; MEMORY];
    for (f, likelihood) in [
        (Activation::Silu, Likelihood::Bernoulli),
        (Activation::GeluTanh, Likelihood::Gaussian { variance: T::HALF }),
        (Activation::Gelu, Likelihood::Bernoulli),
    ] {
        let down = [LayerSpec::new(9, 17, f), LayerSpec::new(17, 6, Activation::Linear)];
        let up =
            [LayerSpec::new(3, 11, Activation::Tanh), LayerSpec::new(11, 9, Activation::Linear)];
        let (down, up) = (Spec::new(&down).expect("fits"), Spec::new(&up).expect("fits"));
        let model = Vae::new(down, up, likelihood, T::ONE).expect("fits");
        let mut state = State::<T, VAE>::new();
        let mut generator = rng::seeded(110);
        model.initialize(&mut generator, &mut state.params).expect("length");
        let mut x = [T::ZERO; 9 * 5];
        for v in &mut x {
            *v = rng::uniform(&mut generator);
        }
        for step in 0..8 {
            let rng = &mut rng::at_step(111, step);
            let loss = model.gradient(&state.params, &x, rng, &mut memory, &mut state.gradient);
            hash.value(loss.expect("finite").elbo());
            state.adam();
        }
        hash.values(&state.params);
        model.sample(&state.params, &mut generator, &mut memory, &mut x).expect("finite");
        hash.values(&x);
    }
    hash.0
}

pub(super) fn players<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    let mut memory = [T::ZERO; MEMORY];
    let leaky = Activation::LeakyRelu { slope: T::from_f64(0.2) };
    let make =
        [LayerSpec::new(3, 10, Activation::Relu), LayerSpec::new(10, 7, Activation::Sigmoid)];
    let judge = [LayerSpec::new(7, 9, leaky), LayerSpec::new(9, 1, Activation::Linear)];
    let (make, judge) = (Spec::new(&make).expect("fits"), Spec::new(&judge).expect("fits"));
    let fifth = T::from_f64(0.2);
    for loss in [GanLoss::NonSaturating, GanLoss::Minimax] {
        let settings = GanSettings { loss, smooth: fifth, noise: fifth, penalty: fifth };
        let model = Gan::new(make, judge, settings).expect("fits");
        let (mut g, mut d) = (State::<T, MAKE>::new(), State::<T, JUDGE>::new());
        let mut generator = rng::seeded(112);
        model.initialize(&mut generator, &mut g.params, &mut d.params).expect("length");
        let mut x = [T::ZERO; 7 * 5];
        rng::fill_normal(&mut generator, &mut x);
        for _ in 0..8 {
            let gradients = (&mut g.gradient[..], &mut d.gradient[..]);
            let params = (&g.params[..], &d.params[..]);
            let losses = model.gradients(params, &x, &mut generator, &mut memory, gradients);
            let (first, second) = losses.expect("finite");
            hash.values(&[first, second]);
            g.momentum();
            d.momentum();
        }
        hash.values(&g.params);
        hash.values(&d.params);
    }
    hash.0
}

pub(super) fn diffusions<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    let mut memory = [T::ZERO; MEMORY];
    let layers = [
        LayerSpec::new(6 + 4 + 2, 13, Activation::Silu),
        LayerSpec::new(13, 6, Activation::Linear),
    ];
    let network = Spec::new(&layers).expect("fits");
    for prediction in [Prediction::Noise, Prediction::Sample, Prediction::Velocity] {
        let model = Diffusion::new(network, Schedule::Cosine, prediction, 2).expect("fits");
        let mut state = State::<T, NOISE>::new();
        let mut generator = rng::seeded(113);
        model.initialize(&mut generator, &mut state.params).expect("length");
        let mut x = [T::ZERO; 6 * 5];
        rng::fill_normal(&mut generator, &mut x);
        let labels = [Some(0), Some(1), None, Some(1), Some(0)];
        for _ in 0..8 {
            let (rng, data) = (&mut generator, (&x[..], &labels[..]));
            let gradient = &mut state.gradient;
            let loss = model.gradient(&state.params, data, rng, &mut memory, gradient);
            hash.value(loss.expect("finite"));
            state.adam();
        }
        hash.values(&state.params);
        let class = (Some(1), T::HALF);
        for sampler in [Sampler::ddim(5), Sampler::ddpm(5)] {
            let rng = &mut generator;
            let drawn = model.sample(&state.params, &sampler, class, rng, &mut memory, &mut x);
            drawn.expect("finite");
            hash.values(&x);
        }
    }
    hash.0
}
