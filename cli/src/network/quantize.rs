//! A network of floats as one of integers, and how far it is from it.

use anyhow::{Context, Result, bail};
use eigenmote::nn::quantized::{fixed, float};
use eigenmote::nn::{
    Calibration, Condition, Deviation, F32Network, Int8Network, Kind, LayerRange, NetworkSpec,
    NnError, Part, Sampler, Spec, Step, Steps, quantize as to_integers, quantized_len,
};
use eigenmote::rng;
use serde_json::json;

use super::args::QuantizeArgs;
use super::draw::Trained;
use super::file::NetFile;
use super::read;
use super::told::Told;
use crate::output;
use crate::progress::Console;

/// The seed of what is drawn to choose scales; the error is measured with another.
const SEED: u64 = 0x5ca1e;

/// Turns a network into integers and says what that costs.
pub(crate) fn quantize(args: &QuantizeArgs, console: Console) -> Result<bool> {
    output::check(&args.output)?;
    let mut file = NetFile::read(&args.model)?;
    if args.decoder_only {
        file.blob = without_encoder(&file.blob)?;
    }
    let network = F32Network::parse(&file.blob)?;
    let kind = network.blob().kind();
    let mut ranges = vec![LayerRange::NEW; network.blob().layers().count()];
    let mut calibration = Calibration::new(network, &mut ranges)?;
    let wait = console.wait("calibrating");
    let inputs = match &args.data {
        Some(path) => {
            let part = network.front().or(network.back()).context("an empty network")?;
            let recording = read(path, &args.columns, &file.about.columns, part.inputs(), console)?;
            let inward = matches!(kind, Kind::Autoencoder | Kind::Vae) && network.front().is_some();
            let value = |&x: &f64| if inward { file.about.inward(x) } else { x as f32 };
            let rows = recording.values.chunks_exact(part.inputs());
            rows.map(|row| row.iter().map(value).collect()).collect()
        }
        None if kind == Kind::Plain || kind == Kind::Autoencoder => {
            bail!("a network of this kind needs inputs such as will be used: give a file of them")
        }
        None if kind == Kind::Vae && network.front().is_some() => bail!(
            "the encoder needs inputs such as will be used: give a file of them, or leave it out with \
             --decoder-only"
        ),
        None => Vec::new(),
    };
    see_inputs(&mut calibration, network, &inputs)?;
    let told = Told::of(network.blob(), args.prompts.as_deref())?;
    let mut features = vec![0.0; network.blob().features() * args.steps as usize];
    let mut steps: Vec<Step<'_>> = Vec::new();
    if kind == Kind::Diffusion {
        let trained = Trained::of(&network)?;
        see_diffusion(&mut calibration, &trained, &told, args)?;
        let features = features.chunks_mut(network.blob().features());
        let at = |(k, features)| Step::at(trained.denoising.schedule, (k, args.steps), features);
        steps = (1..=args.steps).rev().zip(features).map(at).collect();
    }
    let mut blob = vec![0; quantized_len(&network, steps.len()).context("too large")?];
    let all = (!steps.is_empty()).then_some(Steps { steps: &steps, limit: args.limit });
    to_integers(&calibration, all, &mut blob)
        .with_context(|| format!("{} cannot be turned into integers", args.model.display()))?;
    let (deviation, what) = measure(network, &blob, (&inputs, &told), args)?;
    drop(wait);
    let result = NetFile { blob, about: file.about.clone() };
    result.write(&args.output)?;
    let (before, after) = (file.blob.len(), result.blob.len());
    if args.json {
        let value = json!({
            "bytes_f32": before, "bytes_int8": after, "measured": what, "rms": deviation.rms(),
            "relative": deviation.relative(), "largest": deviation.largest,
        });
        println!("{value:#}");
    } else {
        println!(
            "{after} bytes instead of {before}; {what}: root mean square error {:.3e}, {:.2} % of the output's \
             root mean square, largest {:.3e}",
            deviation.rms(),
            100.0 * deviation.relative(),
            deviation.largest
        );
    }
    Ok(true)
}

/// The same VAE without its encoder.
fn without_encoder(blob: &[u8]) -> Result<Vec<u8>> {
    let network = F32Network::parse(blob)?;
    if network.blob().kind() != Kind::Vae {
        bail!("--decoder-only is for VAEs");
    }
    let back = network.back().context("the network has no decoder")?;
    let (layers, params): (Vec<_>, Vec<_>) = (back.layers().collect(), back.params().collect());
    let part = Part { spec: Spec::new(&layers)?, params: &params };
    let spec = NetworkSpec::new(Kind::Vae, None, Some(part));
    let mut out = vec![0; spec.encoded_len()];
    spec.write(&mut out)?;
    Ok(out)
}

/// Rows of a file through the front (or the only part) and what it becomes through the back; normal
/// values through decoders and generators.
fn see_inputs(
    calibration: &mut Calibration<'_>,
    network: F32Network<'_>,
    inputs: &[Vec<f32>],
) -> Result<(), NnError> {
    let kind = network.blob().kind();
    if kind == Kind::Diffusion {
        return Ok(());
    }
    let front = network.front();
    let Some(back) = network.back() else { return Ok(()) };
    let (mut scratch, mut out) = (vec![0.0; back.scratch_len()], vec![0.0; back.outputs()]);
    for row in inputs {
        match front {
            Some(front) => {
                let (mut scratch_front, mut code) =
                    (vec![0.0; front.scratch_len()], vec![0.0; front.outputs()]);
                calibration.observe(true, row, &mut scratch_front, &mut code)?;
                code.truncate(back.inputs());
                calibration.observe(false, &code, &mut scratch, &mut out)?;
            }
            None => calibration.observe(false, row, &mut scratch, &mut out)?,
        }
    }
    if matches!(kind, Kind::Vae | Kind::Gan) {
        let mut generator = rng::seeded(SEED);
        let mut code = vec![0.0; back.inputs()];
        for _ in 0..2000 {
            rng::fill_normal(&mut generator, &mut code);
            calibration.observe(false, &code, &mut scratch, &mut out)?;
        }
    }
    Ok(())
}

/// Everything that the network sees while samples of all that it may be told are drawn, and of nothing.
fn see_diffusion(
    calibration: &mut Calibration<'_>,
    trained: &Trained<'_>,
    told: &Told,
    args: &QuantizeArgs,
) -> Result<()> {
    let mut memory = vec![0.0; calibration.sampling_memory_len()];
    let mut generator = rng::seeded(SEED);
    for number in 0..args.draws as usize {
        let condition = told.floats(number % (told.len() + 1));
        let (model, sampler) = (trained.model()?, sampler(args));
        calibration.observe_sampling(&model, &sampler, condition, &mut generator, &mut memory)?;
    }
    Ok(())
}

fn sampler(args: &QuantizeArgs) -> Sampler<f32> {
    let sampler = Sampler::ddim(args.steps);
    if args.limit > 0.0 { Sampler { clip: args.limit, ..sampler } } else { sampler }
}

/// Outputs of both for the same inputs.
fn measure(
    network: F32Network<'_>,
    blob: &[u8],
    (inputs, told): (&[Vec<f32>], &Told),
    args: &QuantizeArgs,
) -> Result<(Deviation, &'static str)> {
    let integers = Int8Network::parse(blob)?;
    let mut deviation = Deviation::default();
    let mut generator = rng::seeded(SEED + 1);
    if network.blob().kind() == Kind::Diffusion {
        // The same noise through both; what differs adds up over the steps.
        let trained = Trained::of(&network)?;
        let sampler = sampler(args);
        let model = trained.model()?;
        let mut memory = vec![0.0; model.memory_len(1)];
        let (mut scratch, mut out) =
            (vec![0; integers.scratch_len()], vec![0; integers.blob().outputs()]);
        for number in 0..200 {
            let (seed, number) = (number as u64, number % told.len().max(1));
            let asked = (told.integers(number), 0);
            integers.sample_under(&mut rng::seeded(seed), asked, &mut scratch, &mut out)?;
            let mut same = rng::seeded(seed);
            let mut x: Vec<f32> =
                (0..model.width()).map(|_| float(rng::normal_fixed(&mut same))).collect();
            follow(&trained, &sampler, told.floats(number), &mut memory, &mut x)?;
            let expected = match network.back() {
                Some(back) => super::draw::decode(&back, &x)?,
                None => x,
            };
            deviation.add(&expected, &out);
        }
        return Ok((deviation, "samples from the same noise"));
    }
    let back = network.back().context("an empty network")?;
    let drawn = matches!(network.blob().kind(), Kind::Vae | Kind::Gan);
    let (floats, rows): (_, Vec<Vec<f32>>) = if drawn {
        let row = |_| (0..back.inputs()).map(|_| rng::normal(&mut generator)).collect();
        (back, (0..1000).map(row).collect())
    } else {
        (network.whole(), inputs.to_vec())
    };
    let (mut scratch, mut y) = (vec![0.0; floats.scratch_len()], vec![0.0; floats.outputs()]);
    let parts = if drawn { [None, integers.back()] } else { [integers.front(), integers.back()] };
    for row in &rows {
        floats.forward(row, &mut scratch, &mut y)?;
        let mut values: Vec<i32> = row.iter().map(|&x| fixed(x)).collect();
        for part in parts.iter().flatten() {
            let mut next = vec![0; part.outputs()];
            part.forward(&values, &mut vec![0; part.scratch_len()], &mut next)?;
            values = next;
        }
        deviation.add(&y, &values);
    }
    Ok((deviation, if drawn { "decoded normal codes" } else { "outputs for the given rows" }))
}

/// The sampler of floats from given noise.
fn follow(
    trained: &Trained<'_>,
    sampler: &Sampler<f32>,
    condition: Condition<'_, f32>,
    memory: &mut [f32],
    x: &mut [f32],
) -> Result<()> {
    let model = trained.model()?;
    let mut prediction = vec![0.0; x.len()];
    let count = sampler.steps.max(1);
    let schedule = trained.denoising.schedule;
    let time = |k: u32| k as f32 / count as f32;
    let alpha = |k: u32| if k == 0 { 1.0 } else { schedule.alpha_bar(time(k)) };
    for k in (1..=count).rev() {
        model.predict(trained.params(), (x, time(k)), (condition, 0.0), memory, &mut prediction)?;
        let step = Step { features: &[], alpha: alpha(k), next: alpha(k - 1) };
        step.apply(trained.denoising.prediction, sampler.clip, &prediction, x);
    }
    Ok(())
}
