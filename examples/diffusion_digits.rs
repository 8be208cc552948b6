//! Trains a diffusion model on handwritten digits and judges what it draws.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod support;

use std::time::Instant;

use eigenmote::nn::optimize::{average, clip_norm, warm_decay};
use eigenmote::nn::{
    Activation, Adam, AdamSteps, Diffusion, LayerSpec, Prediction, Sampler, Schedule, Spec,
};
use eigenmote::rng;
use eigenmote::stats::Pca;
use support::{Batches, Calibration, Digit, Digits, Result, judge, mean, report};

fn env(name: &str, otherwise: f64) -> f64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(otherwise)
}

const K: usize = 40;
const CLASSES: usize = 10;

fn main() -> Result<()> {
    let digits = Digits::load()?;
    let h = env("H", 124.0) as usize;
    let e = env("E", 16.0) as usize;
    let act = match env("ACT", 0.0) as u32 {
        0 => Activation::Silu,
        1 => Activation::Relu,
        _ => Activation::GeluTanh,
    };
    let depth = env("DEPTH", 2.0) as usize;
    let mut layers = vec![LayerSpec::new(K + e + CLASSES, h, act)];
    for _ in 1..depth {
        layers.push(LayerSpec::new(h, h, act));
    }
    layers.push(LayerSpec::new(h, K, Activation::Linear));
    let spec = Spec::new(&layers)?;
    let pred = match env("PRED", 2.0) as u32 {
        0 => Prediction::Noise,
        1 => Prediction::Sample,
        _ => Prediction::Velocity,
    };
    let sched = if env("SCHED", 0.0) == 0.0 { Schedule::Cosine } else { Schedule::Linear };
    let model = Diffusion::new(spec, sched, pred, CLASSES)?;
    let n = model.params();
    println!("{n} parameters");
    let pca = Pca::<f32, 64, K>::fit(&digits.train)?;
    let a = env("A", 0.5) as f32;
    let first = pca.explained_variance[0];
    let scale: [f32; K] = core::array::from_fn(|k| {
        (first * (pca.explained_variance[k] / first).powf(a)).sqrt() * env("SCALE", 1.0) as f32
    });
    let latent: Vec<[f32; K]> = digits
        .train
        .iter()
        .map(|x| {
            let z = pca.transform(x);
            core::array::from_fn(|k| z[k] / scale[k])
        })
        .collect();
    let batch = env("BATCH", 128.0) as usize;
    let steps = env("STEPS", 20000.0) as u32;
    let decay = env("EMA", 0.999) as f32;
    let mut all = vec![];
    let mut allc = vec![];
    for seed in 0..option_seeds() {
        let start = Instant::now();
        let mut g = rng::seeded(seed as u64);
        let (mut params, mut gradient, mut ema) = (vec![0.0_f32; n], vec![0.0; n], vec![0.0; n]);
        let (mut moments, mut count) = (vec![0.0; 2 * n], AdamSteps::START);
        model.initialize(&mut g, &mut params)?;
        let rows = digits.test.len();
        let mut memory = vec![0.0; model.memory_len(batch.max(2000))];
        let mut batches = Batches::new(latent.len());
        let mut x = vec![0.0; batch * K];
        let mut labels = vec![None; batch];
        let mut run = 0.0;
        for step in 0..steps {
            for (k, &i) in batches.next(batch, &mut g).iter().enumerate() {
                x[k * K..][..K].copy_from_slice(&latent[i]);
                labels[k] = Some(digits.train_labels[i]);
            }
            for l in &mut labels {
                if rng::uniform::<f32>(&mut g) < env_drop() {
                    *l = None;
                }
            }
            run += model.gradient(&params, (&x, &labels), &mut g, &mut memory, &mut gradient)?;
            clip_norm(&mut gradient, 1.0)?;
            let progress = step as f32 / steps as f32;
            let rate = env_lr() * (0.5 + 0.5 * (core::f32::consts::PI * progress).cos()).max(0.02);
            let adam = Adam { weight_decay: env("WD", 0.0) as f32, ..Adam::new(rate) };
            adam.update(&mut count, &mut params, &gradient, &mut moments)?;
            average(&mut ema, &params, warm_decay(decay, step))?;
            if step % 5000 == 4999 {
                eprintln!("{step} {} {:.1}s", run / 5000.0, start.elapsed().as_secs_f32());
                run = 0.0;
            }
        }
        let draw = |count: usize,
                    (ss, eta, guide, noise): (u32, f32, f32, f32),
                    g: &mut rng::Generator,
                    memory: &mut Vec<f32>|
         -> Result<Vec<Digit>> {
            let sampler = Sampler { steps: ss, eta, clip: f32::INFINITY };
            let mut out = vec![];
            for c in 0..CLASSES {
                let per = (count + CLASSES - 1) / CLASSES;
                let mut z = vec![0.0; per * K];
                model.sample(&ema, &sampler, (Some(c), guide), g, memory, &mut z)?;
                for z in z.chunks(K) {
                    let z: [f32; K] = core::array::from_fn(|k| z[k] * scale[k]);
                    let mut d = pca.inverse_transform(&z);
                    let noise = pca.noise_variance.sqrt() * noise;
                    for p in &mut d {
                        *p += noise * rng::normal::<f32>(g);
                    }
                    out.push(d);
                }
            }
            for i in (1..out.len()).rev() {
                let j = (rng::uniform::<f64>(g) * (i + 1) as f64) as usize;
                out.swap(i, j);
            }
            out.truncate(count);
            Ok(out)
        };
        let clamp = |d: &mut Digit| {
            for p in d {
                *p = p.clamp(0.0, 1.0);
            }
        };
        if seed == 0 {
            report("real", judge(&digits.train[..rows.min(digits.train.len())], &digits));
        }
        for (ci, cfg) in [
            (50, 1.0, 0.0, 1.0),
            (50, 1.0, 0.0, 0.0),
            (250, 1.0, 0.0, 0.0),
            (50, 0.0, 0.0, 0.0),
            (250, 1.0, 0.2, 0.0),
        ]
        .into_iter()
        .enumerate()
        {
            let mut m = vec![];
            let mut mc = vec![];
            for _rep in 0..3 {
                let mut made = draw(rows, cfg, &mut g, &mut memory)?;
                let mut many = draw(3000, cfg, &mut g, &mut memory)?;
                for d in &mut made {
                    clamp(d);
                }
                for d in &mut many {
                    clamp(d);
                }
                let cal = Calibration::fit(&many, &digits.train);
                let mut calibrated = made.clone();
                for d in &mut calibrated {
                    cal.apply(d);
                    clamp(d);
                }
                m.push(judge(&made, &digits));
                mc.push(judge(&calibrated, &digits));
            }
            report(&format!("{cfg:?}"), mean(&m));
            report("  calibrated", mean(&mc));
            if ci == 0 {
                all.push(mean(&m));
                allc.push(mean(&mc));
            }
        }
        println!("{:.1}s", start.elapsed().as_secs_f32());
    }
    report("MEAN", mean(&all));
    report("MEAN calibrated", mean(&allc));
    Ok(())
}
fn option_seeds() -> usize {
    support::option("--seeds", 2)
}
fn env_drop() -> f32 {
    use std::sync::OnceLock;
    static V: OnceLock<f32> = OnceLock::new();
    *V.get_or_init(|| env("DROP", 0.1) as f32)
}
fn env_lr() -> f32 {
    use std::sync::OnceLock;
    static V: OnceLock<f32> = OnceLock::new();
    *V.get_or_init(|| env("LR", 2e-3) as f32)
}
