//! Training and generating.

use eigenmote::nn::autoencoder::interpolate;
use eigenmote::nn::diffusion::embed_time;
use eigenmote::nn::optimize::{average, clip_norm, warm_decay};
use eigenmote::nn::*;
use eigenmote::rng::Generator;

crate::export! { "int_":
    rng_at_step(seed: &u64, step: &u64) -> Generator = eigenmote::rng::at_step(*seed, *step);
}

crate::export_both! {
    train_sin_cos(x: &T) -> (T, T) = eigenmote::Scalar::sin_cos(*x);
    activation_backward(f: &Activation<T>, x: &[T], y: &[T], g: &mut [T]) -> () = f.backward(x, y, g);
    pass_memory_len(spec: &Spec<'static, T>, batch: &usize) -> usize = Pass::memory_len(spec, *batch);
    pass_new(spec: &Spec<'static, T>, batch: &usize, memory: &'static mut [T]) -> Result<Pass<'static, T>, TrainError> =
        Pass::new(*spec, *batch, memory);
    pass_forward(pass: &mut Pass<'static, T>, params: &[T], x: &[T]) -> Result<usize, TrainError> =
        pass.forward(params, x).map(<[T]>::len);
    pass_slots(pass: &mut Pass<'static, T>) -> usize = pass.output_and_gradient().1.len();
    pass_output(pass: &Pass<'static, T>) -> usize = pass.output().len();
    pass_backward(pass: &mut Pass<'static, T>, params: &[T], x: &[T], g: &mut [T]) -> Result<(), TrainError> =
        pass.backward(params, x, g);
    pass_to_input(pass: &mut Pass<'static, T>, params: &[T], x: &[T], g: &mut [T]) -> Result<usize, TrainError> =
        pass.backward_to_input(params, x, g).map(<[T]>::len);
    pass_through(pass: &mut Pass<'static, T>, params: &[T], x: &[T]) -> Result<usize, TrainError> =
        pass.backward_through(params, x).map(<[T]>::len);
    loss_mean_square(y: &[T], t: &[T], g: &mut [T]) -> Result<T, TrainError> = loss::mean_square(y, t, g);
    loss_gaussian(y: &[T], t: &[T], rows: &usize, v: &T, g: &mut [T]) -> Result<T, TrainError> =
        loss::gaussian(y, t, *rows, *v, g);
    loss_cross_entropy(y: &[T], t: &[T], rows: &usize, g: &mut [T]) -> Result<T, TrainError> =
        loss::cross_entropy(y, t, *rows, g);
    loss_softmax(y: &[T], classes: &usize, labels: &[usize], g: &mut [T]) -> Result<T, TrainError> =
        loss::softmax_cross_entropy(y, *classes, labels, g);
    loss_kl(y: &[T], z: &usize, weight: &T, g: &mut [T]) -> Result<T, TrainError> =
        loss::gaussian_kl(y, *z, *weight, g);
    loss_judged(y: &[T], t: &T, weight: &T, g: &mut [T]) -> Result<T, TrainError> = loss::judged(y, *t, *weight, g);
    loss_generator(y: &[T], kind: &GanLoss, g: &mut [T]) -> Result<T, TrainError> = loss::generator(y, *kind, g);
    sgd_update(o: &Sgd<T>, p: &mut [T], g: &[T], v: &mut [T]) -> Result<(), TrainError> = o.update(p, g, v);
    adam_new(rate: &T) -> Adam<T> = Adam::new(*rate);
    adam_update(o: &Adam<T>, s: &mut AdamSteps<T>, p: &mut [T], g: &[T], m: &mut [T]) -> Result<(), TrainError> =
        o.update(s, p, g, m);
    optimize_clip(g: &mut [T], most: &T) -> Result<T, TrainError> = clip_norm(g, *most);
    optimize_average(a: &mut [T], p: &[T], decay: &T) -> Result<(), TrainError> = average(a, p, *decay);
    optimize_warm_decay(decay: &T, step: &u32) -> T = warm_decay(*decay, *step);
    optimize_initialize(spec: &Spec<'static, T>, how: &Initialization, r: &mut Generator, p: &mut [T])
        -> Result<(), TrainError> = initialize(spec, *how, r, p);
    autoencoder_new(e: &Spec<'static, T>, d: &Spec<'static, T>, noise: &T)
        -> Result<Autoencoder<'static, T>, TrainError> = Autoencoder::new(*e, *d, *noise);
    autoencoder_memory_len(m: &Autoencoder<'static, T>, rows: &usize) -> usize = m.memory_len(*rows);
    autoencoder_initialize(m: &Autoencoder<'static, T>, r: &mut Generator, p: &mut [T]) -> Result<(), TrainError> =
        m.initialize(r, p);
    autoencoder_gradient(m: &Autoencoder<'static, T>, p: &[T], x: &[T], r: &mut Generator, memory: &mut [T], g: &mut [T])
        -> Result<T, TrainError> = m.gradient(p, x, r, memory, g);
    autoencoder_encode(m: &Autoencoder<'static, T>, p: &[T], x: &[T], memory: &mut [T], out: &mut [T])
        -> Result<(), TrainError> = m.encode(p, x, memory, out);
    autoencoder_decode(m: &Autoencoder<'static, T>, p: &[T], x: &[T], memory: &mut [T], out: &mut [T])
        -> Result<(), TrainError> = m.decode(p, x, memory, out);
    autoencoder_reconstruct(m: &Autoencoder<'static, T>, p: &[T], x: &[T], memory: &mut [T], out: &mut [T])
        -> Result<(), TrainError> = m.reconstruct(p, x, memory, out);
    autoencoder_interpolate(from: &[T], to: &[T], out: &mut [T]) -> Result<(), TrainError> = interpolate(from, to, out);
    vae_new(e: &Spec<'static, T>, d: &Spec<'static, T>, l: &Likelihood<T>, beta: &T)
        -> Result<Vae<'static, T>, TrainError> = Vae::new(*e, *d, *l, *beta);
    vae_with_beta(m: &Vae<'static, T>, beta: &T) -> Result<Vae<'static, T>, TrainError> = m.with_beta(*beta);
    vae_memory_len(m: &Vae<'static, T>, rows: &usize) -> usize = m.memory_len(*rows);
    vae_initialize(m: &Vae<'static, T>, r: &mut Generator, p: &mut [T]) -> Result<(), TrainError> = m.initialize(r, p);
    vae_gradient(m: &Vae<'static, T>, p: &[T], x: &[T], r: &mut Generator, memory: &mut [T], g: &mut [T])
        -> Result<VaeLoss<T>, TrainError> = m.gradient(p, x, r, memory, g);
    vae_evaluate(m: &Vae<'static, T>, p: &[T], x: &[T], r: &mut Generator, memory: &mut [T])
        -> Result<T, TrainError> = m.evaluate(p, x, r, memory).map(|l| l.elbo());
    vae_encode(m: &Vae<'static, T>, p: &[T], x: &[T], memory: &mut [T], out: &mut [T]) -> Result<(), TrainError> =
        m.encode(p, x, memory, out);
    vae_decode(m: &Vae<'static, T>, p: &[T], x: &[T], memory: &mut [T], out: &mut [T]) -> Result<(), TrainError> =
        m.decode(p, x, memory, out);
    vae_reconstruct(m: &Vae<'static, T>, p: &[T], x: &[T], memory: &mut [T], out: &mut [T])
        -> Result<(), TrainError> = m.reconstruct(p, x, memory, out);
    vae_sample(m: &Vae<'static, T>, p: &[T], r: &mut Generator, memory: &mut [T], out: &mut [T])
        -> Result<(), TrainError> = m.sample(p, r, memory, out);
    gan_new(g: &Spec<'static, T>, d: &Spec<'static, T>, s: &GanSettings<T>) -> Result<Gan<'static, T>, TrainError> =
        Gan::new(*g, *d, *s);
    gan_memory_len(m: &Gan<'static, T>, rows: &usize) -> usize = m.memory_len(*rows);
    gan_initialize(m: &Gan<'static, T>, r: &mut Generator, g: &mut [T], d: &mut [T]) -> Result<(), TrainError> =
        m.initialize(r, g, d);
    gan_discriminator(m: &Gan<'static, T>, p: &(&[T], &[T]), x: &[T], r: &mut Generator, memory: &mut [T], g: &mut [T])
        -> Result<T, TrainError> = m.discriminator_gradient(*p, x, r, memory, g);
    gan_generator(m: &Gan<'static, T>, p: &(&[T], &[T]), rows: &usize, r: &mut Generator, memory: &mut [T], g: &mut [T])
        -> Result<T, TrainError> = m.generator_gradient(*p, *rows, r, memory, g);
    gan_gradients(m: &Gan<'static, T>, p: &(&[T], &[T]), x: &[T], r: &mut Generator, memory: &mut [T], g: &mut [T], d: &mut [T])
        -> Result<(T, T), TrainError> = m.gradients(*p, x, r, memory, (g, d));
    gan_sample(m: &Gan<'static, T>, p: &[T], r: &mut Generator, memory: &mut [T], out: &mut [T])
        -> Result<(), TrainError> = m.sample(p, r, memory, out);
    schedule_alpha_bar(s: &Schedule, t: &T) -> T = s.alpha_bar(*t);
    diffusion_embed_time(t: &T, out: &mut [T]) -> () = embed_time(*t, out);
    diffusion_new(n: &Spec<'static, T>, s: &Schedule, k: &Prediction, classes: &usize)
        -> Result<Diffusion<'static, T>, TrainError> = Diffusion::new(*n, *s, *k, *classes);
    diffusion_memory_len(m: &Diffusion<'static, T>, rows: &usize) -> usize = m.memory_len(*rows);
    diffusion_initialize(m: &Diffusion<'static, T>, r: &mut Generator, p: &mut [T]) -> Result<(), TrainError> =
        m.initialize(r, p);
    diffusion_gradient(m: &Diffusion<'static, T>, p: &[T], x: &[T], l: &[Option<usize>], r: &mut Generator, memory: &mut [T], g: &mut [T])
        -> Result<T, TrainError> = m.gradient(p, (x, l), r, memory, g);
    diffusion_evaluate(m: &Diffusion<'static, T>, p: &[T], x: &[T], l: &[Option<usize>], r: &mut Generator, memory: &mut [T])
        -> Result<T, TrainError> = m.evaluate(p, (x, l), r, memory);
    diffusion_condition(m: &Diffusion<'static, T>, input: &mut [T], t: &T, label: &Option<usize>)
        -> Result<(), TrainError> = m.condition(input, *t, *label);
    diffusion_predict(m: &Diffusion<'static, T>, p: &[T], x: &[T], t: &T, class: &(Option<usize>, T), memory: &mut [T], out: &mut [T])
        -> Result<(), TrainError> = m.predict(p, (x, *t), *class, memory, out);
    diffusion_sample(m: &Diffusion<'static, T>, p: &[T], s: &Sampler<T>, class: &(Option<usize>, T), r: &mut Generator, memory: &mut [T], out: &mut [T])
        -> Result<(), TrainError> = m.sample(p, s, *class, r, memory, out);
    sampler_ddim(steps: &u32) -> Sampler<T> = Sampler::ddim(*steps);
    sampler_ddpm(steps: &u32) -> Sampler<T> = Sampler::ddpm(*steps);
    sampler_run(s: &Sampler<T>, kind: &(Schedule, Prediction), r: &mut Generator, x: &mut [T], p: &mut [T])
        -> Result<(), TrainError> = s.run(*kind, r, x, p, |x, t, out| {
            for (out, &x) in out.iter_mut().zip(x) { *out = x * t; }
            Ok(())
        });
}
