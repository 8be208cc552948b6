//! Networks: trained, imported, run, drawn from, turned into integers.
//!
//! `args` is the command line, `file` the model file, `import` reads what others trained, `train` learns
//! with `learner` (what is learnt) and `checkpoint` (so that it can go on), `draw` makes samples of what they
//! are `told` and `picture` shows them, `quantize` makes integers, `export` source code. The arithmetic is the library's.

pub(crate) mod args;
mod checkpoint;
mod draw;
mod export;
pub(crate) mod file;
mod import;
mod learner;
mod picture;
mod quantize;
mod told;
mod train;

use std::path::Path;

use anyhow::{Context, Result, bail};
use eigenmote::nn::quantized::{fixed, float};
use eigenmote::nn::{Blob, F32Layers, F32Network, Int8Layers, Int8Network, Kind, Numbers};
use serde_json::{Value, json};

use self::args::{ImportArgs, PartArg, RunArgs, activation_name};
pub(crate) use self::draw::sample;
pub(crate) use self::export::export;
use self::file::NetFile;
pub(crate) use self::quantize::quantize;
pub(crate) use self::train::train;
use crate::input::{self, Columns, Kind as Samples, Recording};
use crate::output;
use crate::progress::Console;

/// Makes a model of weights from elsewhere.
pub(crate) fn import(args: &ImportArgs, console: Console) -> Result<bool> {
    output::check(&args.output)?;
    let file = import::import(args)?;
    file.write(&args.output)?;
    let blob = Blob::parse(&file.blob)?;
    console.note(format_args!(
        "{}, {} parameters, {} bytes",
        widths(&blob),
        blob.params(),
        file.blob.len()
    ));
    Ok(true)
}

/// Like `784-400-20 silu`, part by part.
fn widths(blob: &Blob<'_>) -> String {
    let mut text = String::new();
    for (index, layer) in blob.layers().enumerate() {
        if index == 0 || index == blob.front_layers() {
            text += if index == 0 { "" } else { " | " };
            text += &layer.inputs.to_string();
        }
        text.push('-');
        text += &layer.outputs.to_string();
    }
    text
}

/// Layers of either sort.
enum Layers<'a> {
    Floats(F32Layers<'a>),
    Integers(Vec<Int8Layers<'a>>),
}

impl<'a> Layers<'a> {
    fn of(blob: &'a [u8], part: PartArg) -> Result<Self> {
        let parsed = Blob::parse(blob)?;
        let missing = || {
            format!(
                "the network has no {}",
                if part == PartArg::Encoder { "encoder" } else { "decoder" }
            )
        };
        if parsed.numbers() == Numbers::F32 {
            let network = F32Network::parse(blob)?;
            return Ok(Self::Floats(match part {
                PartArg::Whole => network.whole(),
                PartArg::Encoder => network.front().with_context(missing)?,
                PartArg::Decoder => network.back().with_context(missing)?,
            }));
        }
        let network = Int8Network::parse(blob)?;
        let parts = match (part, parsed.kind()) {
            (PartArg::Encoder, _) | (PartArg::Whole, Kind::Diffusion) => vec![network.front()],
            (PartArg::Whole, Kind::Autoencoder) => vec![network.front(), network.back()],
            _ => vec![network.back()],
        };
        let parts: Option<Vec<_>> = parts.into_iter().collect();
        Ok(Self::Integers(parts.with_context(missing)?))
    }

    fn inputs(&self) -> usize {
        match self {
            Self::Floats(layers) => layers.inputs(),
            Self::Integers(parts) => parts.first().map_or(0, Int8Layers::inputs),
        }
    }

    fn outputs(&self) -> usize {
        match self {
            Self::Floats(layers) => layers.outputs(),
            Self::Integers(parts) => parts.last().map_or(0, Int8Layers::outputs),
        }
    }

    fn forward(&self, x: &[f32], out: &mut [f32]) -> Result<()> {
        match self {
            Self::Floats(layers) => {
                Ok(layers.forward(x, &mut vec![0.0; layers.scratch_len()], out)?)
            }
            Self::Integers(parts) => {
                let mut values: Vec<i32> = x.iter().map(|&x| fixed(x)).collect();
                for part in parts {
                    let (mut scratch, mut next) =
                        (vec![0; part.scratch_len()], vec![0; part.outputs()]);
                    part.forward(&values, &mut scratch, &mut next)?;
                    values = next;
                }
                for (out, &value) in out.iter_mut().zip(&values) {
                    *out = float(value);
                }
                Ok(())
            }
        }
    }
}

/// Passes every row of a file through a network.
pub(crate) fn run(args: &RunArgs, console: Console) -> Result<bool> {
    output::check(&args.output)?;
    let file = NetFile::read(&args.model)?;
    let layers = Layers::of(&file.blob, args.part)?;
    let recording =
        read(&args.input, &args.columns, &file.about.columns, layers.inputs(), console)?;
    let kind = Blob::parse(&file.blob)?.kind();
    // Which ends are data, and which are codes.
    let inward =
        args.part == PartArg::Encoder || (args.part == PartArg::Whole && kind == Kind::Autoencoder);
    let outward =
        args.part != PartArg::Encoder && matches!(kind, Kind::Autoencoder | Kind::Vae | Kind::Gan);
    let mut values = Vec::with_capacity(recording.rows * layers.outputs());
    let mut out = vec![0.0; layers.outputs()];
    let progress = console.progress("running", recording.rows);
    for row in recording.values.chunks_exact(layers.inputs()) {
        let x: Vec<f32> =
            row.iter().map(|&x| if inward { file.about.inward(x) } else { x as f32 }).collect();
        layers.forward(&x, &mut out)?;
        values.extend(out.iter().map(|&y| if outward { file.about.outward(y) } else { y }));
        progress.step();
    }
    drop(progress);
    write_rows(&args.output, &values, layers.outputs(), &file.about.columns)?;
    Ok(true)
}

/// The columns of a file that are the inputs of a network.
fn read(
    path: &Path,
    chosen: &[String],
    known: &[String],
    inputs: usize,
    console: Console,
) -> Result<Recording> {
    let mut recording = read_file(path, chosen, console)?;
    if chosen.is_empty()
        && recording.channels() != inputs
        && recording.named
        && known.len() == inputs
    {
        recording = read_file(path, known, console)?;
    }
    if recording.channels() != inputs {
        bail!(
            "{}: {} columns, but the network takes {inputs} values: choose them with --columns",
            recording.source,
            recording.channels()
        );
    }
    Ok(recording)
}

fn read_file(path: &Path, chosen: &[String], console: Console) -> Result<Recording> {
    let columns = if chosen.is_empty() { Columns::All } else { Columns::Chosen(chosen) };
    let (recording, notes) = input::read(path, columns)?;
    for note in notes {
        console.note(format_args!("{}: {note}", recording.source));
    }
    Ok(recording)
}

/// Writes rows of numbers as text or as an array.
fn write_rows(path: &Path, values: &[f32], width: usize, names: &[String]) -> Result<()> {
    let numbers: Vec<String> = (1..=width).map(|i| i.to_string()).collect();
    let values: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
    let samples = output::Samples {
        names: if names.len() == width { names } else { &numbers },
        present: &vec![true; values.len()],
        values: &values,
        kind: Samples::F32,
    };
    let array = path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("npy"));
    output::replace(path, |out| {
        if array { output::npy(&samples, out) } else { output::csv(&samples, out) }
    })
}

/// What is in a network, for `inspect`.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Value> {
    let file = NetFile::parse(bytes)?;
    let blob = Blob::parse(&file.blob)?;
    let part = |from: usize, to: usize| -> Vec<Value> {
        let layers = blob.layers().skip(from).take(to - from);
        let layer = |layer: eigenmote::nn::LayerSpec<f32>| {
            json!(format!(
                "{} -> {} {}",
                layer.inputs,
                layer.outputs,
                activation_name(layer.activation)
            ))
        };
        layers.map(layer).collect()
    };
    let count = blob.layers().count();
    let mut value = json!({
        "type": "network",
        "kind": format!("{:?}", blob.kind()).to_lowercase(),
        "numbers": if blob.numbers() == Numbers::F32 { "f32" } else { "int8" },
        "parameters": blob.params(),
        "blob_bytes": file.blob.len(),
        "checksum": format!("{:08x}", blob.checksum()),
        "front": part(0, blob.front_layers()),
        "back": part(blob.front_layers(), count),
    });
    let scratch = if blob.numbers() == Numbers::F32 {
        4 * F32Network::parse(&file.blob)?.whole().scratch_len()
    } else {
        2 * Int8Network::parse(&file.blob)?.scratch_len()
    };
    let fields = value.as_object_mut().context("an object")?;
    fields.insert("scratch_bytes".into(), json!(scratch));
    if blob.kind() == Kind::Diffusion {
        fields.insert("predicts".into(), json!(format!("{:?}", blob.prediction()).to_lowercase()));
        fields.insert("classes".into(), json!(blob.classes()));
        fields.insert("vector".into(), json!(blob.vector_len()));
        fields.insert("time_features".into(), json!(blob.features()));
        if blob.numbers() == Numbers::Int8 {
            fields.insert("steps".into(), json!(blob.steps()));
            fields.insert("limit".into(), json!(blob.limit().map(float)));
        }
    }
    if let Value::Object(about) = file.about.to_json() {
        fields.extend(about.into_iter().filter(|(name, _)| name != "columns"));
    }
    Ok(value)
}
