//! Makes training steps of the autoencoder 784-256-32-256-784 when it is asked to: each line of
//! standard input is a number of steps, the answer is the seconds they took and the last loss.
//!
//! `speed.py` beside it starts this program and drives it.

use std::io::{BufRead, Write};
use std::time::Instant;

use eigenmote::nn::{
    Activation, Adam, AdamSteps, Initialization, LayerSpec, Pass, Spec, initialize, loss,
};
use eigenmote::rng;

const BATCH: usize = 64;
const PIXELS: usize = 784;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let layers = [
        LayerSpec::new(PIXELS, 256, Activation::Relu),
        LayerSpec::new(256, 32, Activation::Linear),
        LayerSpec::new(32, 256, Activation::Relu),
        LayerSpec::new(256, PIXELS, Activation::Sigmoid),
    ];
    let spec = Spec::new(&layers)?;
    let n = spec.params();
    let mut generator = rng::seeded(1);
    let (mut params, mut gradient) = (vec![0.0_f32; n], vec![0.0; n]);
    initialize(&spec, Initialization::KaimingUniform, &mut generator, &mut params)?;
    let (mut moments, mut steps) = (vec![0.0; Adam::<f32>::moments_len(n)], AdamSteps::START);
    let adam = Adam::new(1e-3);
    let mut memory = vec![0.0; Pass::memory_len(&spec, BATCH)];
    let mut pass = Pass::new(spec, BATCH, &mut memory)?;
    // As many batches as the other side has: each sample is a new row of memory.
    let x: Vec<f32> = (0..16 * BATCH * PIXELS).map(|_| rng::uniform(&mut generator)).collect();

    let mut made = 0;
    for line in std::io::stdin().lock().lines() {
        let count: usize = line?.trim().parse()?;
        let start = Instant::now();
        let mut last = 0.0;
        for _ in 0..count {
            let x = &x[made % 16 * BATCH * PIXELS..][..BATCH * PIXELS];
            pass.forward(&params, x)?;
            let (output, slot) = pass.output_and_gradient();
            last = loss::mean_square(output, x, slot)?;
            gradient.fill(0.0);
            pass.backward(&params, x, &mut gradient)?;
            adam.update(&mut steps, &mut params, &gradient, &mut moments)?;
            made += 1;
        }
        println!("{} {last}", start.elapsed().as_secs_f64());
        std::io::stdout().flush()?;
    }
    Ok(())
}
