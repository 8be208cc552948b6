//! Samples from a network, of floats or of integers.

use anyhow::{Context, Result, bail};
use eigenmote::nn::quantized::{fixed, float};
use eigenmote::nn::{
    Blob, Condition, Denoising, Diffusion, F32Layers, F32Network, Int8Network, Kind, LayerSpec,
    Numbers, Sampler, Spec,
};
use eigenmote::rng::{self, Generator};

use super::args::SampleArgs;
use super::file::NetFile;
use super::picture::{self, Grid};
use super::told::Told;
use super::write_rows;
use crate::output;
use crate::progress::Console;

/// Steps of the sampler unless the user says otherwise.
const STEPS: u32 = 50;
/// Samples of a diffusion model that are drawn together.
const TOGETHER: usize = 64;

/// Draws samples and writes them.
pub(crate) fn sample(args: &SampleArgs, console: Console) -> Result<bool> {
    output::check(&args.output)?;
    let file = NetFile::read(&args.model)?;
    let blob = Blob::parse(&file.blob)?;
    let extension = args.output.extension().and_then(|ext| ext.to_str()).unwrap_or_default();
    let picture = extension.eq_ignore_ascii_case("png");
    let shape = if picture {
        Some(picture::shape(args.shape, file.about.shape, blob.outputs())?)
    } else {
        None
    };
    check(args, &blob)?;
    let told = Told::of(&blob, args.prompts.as_deref())?;
    let chosen = match &args.prompt {
        Some(prompt) => Some(told.find(prompt)?),
        None => args.class.map(usize::from),
    };
    let count = args.n as usize;
    let cols = args.cols.map_or_else(|| square(count), |cols| cols as usize);
    let wait = console.wait("drawing");
    let values = if args.interpolate {
        interpolate(&file.blob, count, cols, args.seed)?
    } else if blob.numbers() == Numbers::Int8 {
        integers(&file.blob, args, (&told, chosen))?
    } else {
        let mut generator = rng::seeded(args.seed);
        floats(&F32Network::parse(&file.blob)?, args, (&told, chosen), &mut generator)?
    };
    drop(wait);
    if extension.eq_ignore_ascii_case("bin") {
        // Numbers with 16 fraction bits, exactly: a float has room for 24 digits.
        let bytes: Vec<u8> = values.iter().flat_map(|&x| fixed(x).to_le_bytes()).collect();
        output::replace(&args.output, |out| out.write_all(&bytes))?;
        return Ok(true);
    }
    let Some(shape) = shape else {
        let values: Vec<f32> = values.iter().map(|&x| file.about.outward(x)).collect();
        write_rows(&args.output, &values, blob.outputs(), &file.about.columns)?;
        return Ok(true);
    };
    // What the network gives for the darkest and the brightest value of the data.
    let (low, high) = match blob.kind() {
        Kind::Diffusion => (-1.0, 1.0),
        _ if lowest_is_minus_one(&blob) => (-1.0, 1.0),
        _ => (0.0, 1.0),
    };
    let shades: Vec<f32> = values.iter().map(|x| (x - low) / (high - low)).collect();
    let grid = Grid { values: &shades, shape, cols, zoom: args.zoom as usize };
    output::replace(&args.output, |out| grid.png(out))?;
    Ok(true)
}

fn lowest_is_minus_one(blob: &Blob<'_>) -> bool {
    blob.layers().last().is_some_and(|layer| layer.activation == eigenmote::nn::Activation::Tanh)
}

fn square(count: usize) -> usize {
    let side = count.isqrt();
    if side * side < count { side + 1 } else { side }
}

fn check(args: &SampleArgs, blob: &Blob<'_>) -> Result<()> {
    let diffusion = blob.kind() == Kind::Diffusion;
    let integers = blob.numbers() == Numbers::Int8;
    if !matches!(blob.kind(), Kind::Vae | Kind::Gan | Kind::Diffusion) {
        bail!("a network of this kind draws no samples: vae, gan and diffusion do");
    }
    if let Some(class) = args.class
        && usize::from(class) >= blob.classes()
    {
        bail!("--class {class}: the model has {} classes, counted from 0", blob.classes());
    }
    if !diffusion && args.steps.is_some() {
        bail!("--steps is for diffusion models");
    }
    if integers && args.steps.is_some_and(|steps| steps as usize != blob.steps()) {
        bail!("--steps: the model was quantised for {} steps", blob.steps());
    }
    if integers && args.eta != 0.0 {
        bail!("--eta: a model of integers adds no noise on the way");
    }
    if !(0.0..=1.0).contains(&args.eta) {
        bail!("--eta {}: from 0 to 1", args.eta);
    }
    if args.interpolate && diffusion {
        bail!("--interpolate is for models with codes: vae and gan");
    }
    Ok(())
}

/// What there is to tell, and what was chosen of it.
type Asked<'a> = (&'a Told, Option<usize>);

/// What the sample with this number is told: what was chosen, or each in turn.
fn group_of((told, chosen): Asked<'_>, number: usize) -> usize {
    chosen.unwrap_or_else(|| number.checked_rem(told.len()).unwrap_or(0))
}

/// Sample after sample from one generator, as a device does it.
fn integers(blob: &[u8], args: &SampleArgs, asked: Asked<'_>) -> Result<Vec<f32>> {
    let network = Int8Network::parse(blob)?;
    let (mut scratch, mut out) =
        (vec![0; network.scratch_len()], vec![0; network.blob().outputs()]);
    let mut generator = rng::seeded(args.seed);
    let mut values = Vec::new();
    for number in 0..args.n as usize {
        let told = (asked.0.integers(group_of(asked, number)), fixed(args.guidance));
        network.sample_under(&mut generator, told, &mut scratch, &mut out)?;
        values.extend(out.iter().map(|&x| float(x)));
    }
    Ok(values)
}

fn floats(
    network: &F32Network<'_>,
    args: &SampleArgs,
    asked: Asked<'_>,
    generator: &mut Generator,
) -> Result<Vec<f32>> {
    let count = args.n as usize;
    if network.blob().kind() != Kind::Diffusion {
        let decoder = network.back().context("the network has no decoder")?;
        let mut codes = vec![0.0; count * decoder.inputs()];
        rng::fill_normal(generator, &mut codes);
        return decode(&decoder, &codes);
    }
    let model = Trained::of(network)?;
    let sampler = Sampler { eta: args.eta, ..Sampler::ddim(args.steps.unwrap_or(STEPS)) };
    // Those of a class or prompt together.
    let groups = asked.0.len().max(1);
    let mut found: Vec<Vec<f32>> = vec![Vec::new(); count];
    for group in 0..groups {
        let of_group = |&number: &usize| group_of(asked, number) == group;
        let numbers: Vec<usize> = (0..count).filter(of_group).collect();
        for numbers in numbers.chunks(TOGETHER) {
            let told = (asked.0.floats(group), args.guidance);
            let samples = model.draw(&sampler, told, numbers.len(), generator)?;
            for (&number, sample) in numbers.iter().zip(samples.chunks(network.blob().outputs())) {
                found[number] = sample.to_vec();
            }
        }
    }
    Ok(found.concat())
}

/// Rows of codes through a decoder.
pub(super) fn decode(decoder: &F32Layers<'_>, codes: &[f32]) -> Result<Vec<f32>> {
    let mut scratch = vec![0.0; decoder.scratch_len()];
    let mut values = vec![0.0; codes.len() / decoder.inputs() * decoder.outputs()];
    let rows = codes.chunks_exact(decoder.inputs()).zip(values.chunks_exact_mut(decoder.outputs()));
    for (code, out) in rows {
        decoder.forward(code, &mut scratch, out)?;
    }
    Ok(values)
}

/// A diffusion model taken out of its blob.
pub(super) struct Trained<'a> {
    layers: Vec<LayerSpec<f32>>,
    params: Vec<f32>,
    pub(super) denoising: Denoising,
    back: Option<F32Layers<'a>>,
}

impl<'a> Trained<'a> {
    pub(super) fn of(network: &F32Network<'a>) -> Result<Self> {
        let front = network.front().context("the model has no network")?;
        Ok(Self {
            layers: front.layers().collect(),
            params: front.params().collect(),
            denoising: network.denoising().context("not a diffusion model")?,
            back: network.back(),
        })
    }

    pub(super) fn model(&self) -> Result<Diffusion<'_, f32>> {
        let Denoising { schedule, prediction, .. } = self.denoising;
        let condition = self.denoising.condition_len();
        Ok(Diffusion::new(Spec::new(&self.layers)?, schedule, prediction, condition)?)
    }

    pub(super) fn params(&self) -> &[f32] {
        &self.params
    }

    /// Draws samples under one condition.
    fn draw(
        &self,
        sampler: &Sampler<f32>,
        told: (Condition<'_, f32>, f32),
        count: usize,
        generator: &mut Generator,
    ) -> Result<Vec<f32>> {
        let model = self.model()?;
        let mut memory = vec![0.0; model.memory_len(count) + count * model.width()];
        let mut latent = vec![0.0; count * model.width()];
        model.sample(&self.params, sampler, told, generator, &mut memory, &mut latent)?;
        match &self.back {
            Some(back) => decode(back, &latent),
            None => Ok(latent),
        }
    }
}

/// Rows that go from one code to another along a great circle, on which normal codes lie.
fn interpolate(blob: &[u8], count: usize, cols: usize, seed: u64) -> Result<Vec<f32>> {
    let layers = super::Layers::of(blob, super::args::PartArg::Decoder)?;
    let mut generator = rng::seeded(seed);
    let mut draw =
        || -> Vec<f32> { (0..layers.inputs()).map(|_| rng::normal(&mut generator)).collect() };
    let mut values = Vec::new();
    let mut out = vec![0.0; layers.outputs()];
    for row in 0..count.div_ceil(cols) {
        let (from, to) = (draw(), draw());
        for col in 0..cols.min(count - row * cols) {
            let share = col as f32 / (cols - 1).max(1) as f32;
            let code = on_circle(&from, &to, share);
            layers.forward(&code, &mut out)?;
            values.extend(&out);
        }
    }
    Ok(values)
}

fn on_circle(from: &[f32], to: &[f32], share: f32) -> Vec<f32> {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(a, b)| a * b).sum::<f32>();
    let cosine = dot(from, to) / (dot(from, from) * dot(to, to)).sqrt();
    let angle = cosine.clamp(-1.0, 1.0).acos();
    let (a, b) = if angle.sin().abs() < 1e-4 {
        (1.0 - share, share)
    } else {
        (((1.0 - share) * angle).sin() / angle.sin(), (share * angle).sin() / angle.sin())
    };
    from.iter().zip(to).map(|(x, y)| a * x + b * y).collect()
}
