//! The commands, each as the list of its steps.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};
use eigenmote::codec::{Found, Frame, Model, Scan};
use serde_json::{Value, json};

use crate::args::{
    self, ChainArgs, Cli, Command, CompareArgs, ExportArgs, FitArgs, PartArgs, share,
};
use crate::coding::{self, Decoded, Encoded, kind_of, mode_name, parse_model};
use crate::compare;
use crate::container::{self, Container};
use crate::curve::Curve;
use crate::embed;
use crate::export::{Export, Language, c_name};
use crate::fit::{Fitted, Plan, file_name, fit};
use crate::input::{self, Columns, Recording};
use crate::model_file::{ModelFile, Promise};
use crate::network::{self, file::NetFile};
use crate::output::{self, Samples};
use crate::page::Page;
use crate::progress::Console;
use crate::report::{Report, evaluate, judge, plain_table, right_align, short};

/// Runs a command; `false` if it ended but a promise was not kept.
pub(crate) fn run(cli: Cli) -> Result<bool> {
    let console = Console { quiet: cli.quiet };
    match cli.command {
        Command::Fit { inputs, fit, train_fraction, output } => {
            output::check(&output)?;
            let recordings = read_all(&inputs, &fit.columns, console)?;
            let parts: Vec<_> = recordings
                .iter()
                .map(|r| r.slice(0..share(r.rows, train_fraction)))
                .filter(|part| part.rows > 0)
                .collect();
            if parts.is_empty() {
                bail!("--train-fraction {train_fraction} leaves no rows to fit");
            }
            let fitted = crate::fit::fit(&parts, plan(&fit), console)?;
            explain(&fitted, &fit);
            let (file, stored) = stored(&fitted.file)?;
            output::replace(&output, |out| out.write_all(&stored))?;
            summarize(&file, console)?;
            Ok(true)
        }
        Command::Compress { model, input, part, chain, embed_model, output } => {
            output::check(&output)?;
            let file = read_model(&model)?;
            let recording = read_part(&input, &part, &file, console)?;
            let encoded = coding::compress_with(&file, &recording, chain, embed_model, console)?;
            if encoded.rounded {
                check_promise(&file, &recording, &encoded, console)?;
            }
            output::replace(&output, |out| out.write_all(&encoded.bytes))?;
            console.note(format_args!(
                "{} values in {} bytes: {:.3} bits per value",
                recording.values.len(),
                encoded.bytes.len(),
                encoded.bytes.len() as f64 * 8.0 / recording.values.len() as f64
            ));
            Ok(true)
        }
        Command::Decompress { model, file, slice, output, recover } => {
            check_samples(&output)?;
            let rows = slice.range();
            if let Some(rows) = &rows
                && rows.is_empty()
            {
                bail!("--from {} --to {}: no rows", rows.start, rows.end);
            }
            let given = model.as_deref().map(read_model).transpose()?;
            let (source, mut bytes) = input::open(&file)?;
            let (model, decoded) = decompress(given, &mut *bytes, rows.as_ref(), recover, console)
                .with_context(|| source)?;
            write_samples(&output, &model, &decoded)?;
            if let Some(damage) = &decoded.damage {
                eprintln!("warning: {damage}; {} rows are lost and left empty", decoded.lost());
            }
            Ok(true)
        }
        Command::Evaluate { model, input, part, chain, json } => {
            let file = read_model(&model)?;
            let recording = read_part(&input, &part, &file, console)?;
            let (report, _, _) = evaluate(&file, &recording, chain, console)?;
            print_report(&report, json)
        }
        Command::Inspect { file, json } => inspect(&file, json),
        Command::Export { model, export } => export_as(&model, &export, console),
        Command::Roundtrip { input, fit, train_fraction, chain, json, output } => {
            roundtrip(&input, &fit, train_fraction, chain, json, output.as_deref(), console)
        }
        Command::Report { model, input, part, chain, output } => {
            report(&model, &input, &part, chain, &output, console)
        }
        Command::Compare { input, compare, json } => compare_with(&input, &compare, json, console),
        Command::Train(command) => network::train(&command, console),
        Command::Sample(args) => network::sample(&args, console),
        Command::Import(args) => network::import(&args, console),
        Command::Run(args) => network::run(&args, console),
        Command::Quantize(args) => network::quantize(&args, console),
        Command::Embed(command) => embed::embed(command, console),
        Command::Nearest(args) => embed::nearest(&args, console),
        Command::Analogy(args) => embed::analogy(&args, console),
        Command::Align(args) => embed::align(&args, console),
    }
}

/// The table of what was tried, if it was asked for; on standard error, away from the results.
fn explain(fitted: &Fitted, args: &FitArgs) {
    if !args.explain {
        return;
    }
    let mut table = plain_table();
    table.set_header(["tried", "bits/value", "on values", "model bytes"]);
    for way in &fitted.tried {
        table.add_row([
            way.what.clone(),
            format!("{:.3}", way.bits_per_value()),
            way.values.to_string(),
            way.model.to_string(),
        ]);
    }
    right_align(&mut table, 1);
    eprintln!("{table}\nmodel taken: {} bytes", fitted.file.blob.len());
}

fn plan(args: &FitArgs) -> Plan {
    let target = &args.target;
    let promise = match (target.max_error, target.rmse, target.components) {
        (Some(e), ..) => Promise::MaxError(e),
        (_, Some(e), _) => Promise::Rmse(e),
        (.., k) => Promise::Components(usize::from(k.unwrap_or(1))),
    };
    Plan {
        promise,
        relative: args.relative,
        window: args.window.map(usize::from),
        kind: args.kind.map(Into::into),
        model_bytes: args.model_bytes,
    }
}

fn read(path: &Path, columns: Columns<'_>, console: Console) -> Result<Recording> {
    // Who types the input at a terminal is not to be disturbed.
    let waiting = (path != Path::new("-")).then(|| console.wait("reading"));
    let (recording, notes) = input::read(path, columns)?;
    drop(waiting);
    for note in notes {
        console.note(format_args!("{}: {note}", recording.source));
    }
    Ok(recording)
}

/// All recordings of a fit; the first one decides about the channels.
fn read_all<P: AsRef<Path>>(
    paths: &[P],
    columns: &[String],
    console: Console,
) -> Result<Vec<Recording>> {
    let mut recordings: Vec<Recording> = Vec::with_capacity(paths.len());
    for path in paths {
        let columns = match recordings.first() {
            _ if !columns.is_empty() => Columns::Chosen(columns),
            None => Columns::All,
            Some(first) => Columns::Model { names: &first.names, named: first.named },
        };
        recordings.push(read(path.as_ref(), columns, console)?);
    }
    if let Some(first) = recordings.first()
        && first.channels() > eigenmote::codec::MAX_CHANNELS
    {
        bail!(
            "{}: {} channels; a model takes at most {}: choose some with --columns",
            first.source,
            first.channels(),
            eigenmote::codec::MAX_CHANNELS
        );
    }
    Ok(recordings)
}

fn read_model(path: &Path) -> Result<ModelFile> {
    let (source, bytes) = input::read_bytes(path)?;
    parse_model_file(&bytes).context(source)
}

fn parse_model_file(bytes: &[u8]) -> Result<ModelFile> {
    let file = ModelFile::parse(bytes)?;
    parse_model(&file)?;
    Ok(file)
}

/// The chosen rows of a recording, its columns in the order of the model's channels.
fn read_part(
    path: &Path,
    part: &PartArgs,
    file: &ModelFile,
    console: Console,
) -> Result<Recording> {
    let names = file.names();
    let columns = if part.columns.is_empty() {
        Columns::Model { names: &names, named: file.named }
    } else {
        Columns::Chosen(&part.columns)
    };
    let recording = read(path, columns, console)?;
    if recording.channels() != names.len() {
        bail!(
            "--columns names {} columns, but the model has {} channels: {}",
            recording.channels(),
            names.len(),
            names.join(", ")
        );
    }
    let taken = recording.slice(part.range(recording.rows));
    if taken.rows == 0 {
        bail!("{}: none of its {} rows is left", recording.source, recording.rows);
    }
    Ok(taken)
}

/// Restores a recording, or some rows of it, with a given model or the one in the file.
fn decompress(
    given: Option<ModelFile>,
    from: &mut dyn input::ReadSeek,
    rows: Option<&Range<usize>>,
    recover: bool,
    console: Console,
) -> Result<(ModelFile, Decoded)> {
    if let (Some(rows), false) = (rows, recover) {
        let model = match given {
            Some(model) => model,
            None => embedded(container::read_model(from)?.as_deref())?,
        };
        let decoded = coding::decompress_rows(&model, from, rows, console)?;
        return Ok((model, decoded));
    }
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    if ModelFile::is_at_start(&bytes) {
        bail!("this is a model: the compressed file goes behind it");
    }
    let model = match given {
        Some(model) => model,
        None => match container::parse(&bytes) {
            Ok(container) => embedded(container.model)?,
            Err(error) if recover => embedded(Some(ModelFile::find(&bytes).ok_or(error)?))?,
            Err(error) => return Err(error),
        },
    };
    let decoded = coding::decompress(&model, &bytes, recover, console)?;
    let decoded = match rows {
        Some(rows) => decoded.slice(rows, model.channels.len())?,
        None => decoded,
    };
    Ok((model, decoded))
}

/// The model in a compressed file.
fn embedded(bytes: Option<&[u8]>) -> Result<ModelFile> {
    let Some(bytes) = bytes else {
        bail!("no model is in the file: give the one that it was compressed with before it");
    };
    let file = ModelFile::parse(bytes)
        .context("the model in the file cannot be read: give the one it was compressed with")?;
    parse_model(&file)?;
    Ok(file)
}

/// The codec promises on the values that it gets: where those are rounded ones, the promise on the
/// recording has to be seen.
fn check_promise(
    file: &ModelFile,
    recording: &Recording,
    encoded: &Encoded,
    console: Console,
) -> Result<()> {
    if let Some(broken) = judge(file, recording, encoded, console)?.0.broken() {
        bail!(
            "{}: with its values rounded to the model's sample type, {broken}; fit a model with --kind \
             f64, or with these values among the training rows",
            recording.source
        );
    }
    Ok(())
}

fn print_report(report: &Report, json: bool) -> Result<bool> {
    let text = if json { format!("{:#}", report.to_json()) } else { report.to_text() };
    print(&text)?;
    Ok(verdict(report))
}

/// Whether the promise was kept; if not, it is told.
fn verdict(report: &Report) -> bool {
    if !report.is_kept() {
        eprintln!("error: the promised bound was not kept");
    }
    report.is_kept()
}

fn report(
    model: &Path,
    input: &Path,
    part: &PartArgs,
    chain: ChainArgs,
    output: &Path,
    console: Console,
) -> Result<bool> {
    output::check(output)?;
    let file = read_model(model)?;
    let recording = read_part(input, part, &file, console)?;
    let encoded = coding::compress(&file, &recording, chain, console)?;
    let (report, decoded) = judge(&file, &recording, &encoded, console)?;
    let curve = Curve::measure(&file, &recording, chain, console)?;
    let page = Page {
        model: &file_name(&model.to_string_lossy()),
        recording_name: &file_name(&recording.source),
        file: &file,
        recording: &recording,
        encoded: &encoded,
        decoded: &decoded,
        report: &report,
        chain,
        curve: &curve,
    };
    let waiting = console.wait("drawing");
    let page = page.to_html().with_context(|| recording.source.clone())?;
    drop(waiting);
    output::replace(output, |out| writeln!(out, "{page}"))?;
    Ok(verdict(&report))
}

fn export_as(model: &Path, args: &ExportArgs, console: Console) -> Result<bool> {
    let (language, output) = match (&args.language.rust, &args.language.c) {
        (Some(path), _) => (Language::Rust, path),
        (_, Some(path)) => (Language::C, path),
        _ => match &args.table.table {
            Some(path) => (Language::Rust, path),
            None => bail!("nothing to write: give --rust, --c or --table"),
        },
    };
    output::check(output)?;
    let stem = output.file_stem().unwrap_or_default().to_string_lossy();
    let name = args.name.clone().unwrap_or_else(|| c_name(&stem));
    let (source, bytes) = input::read_bytes(model)?;
    if NetFile::is_at_start(&bytes) {
        if args.table.is_asked() {
            bail!("{source}: a network; --table and what goes with it are for vectors");
        }
        if args.vectors.is_some() {
            bail!(
                "--vectors is for models of recordings: a network is tested with inputs that are made up"
            );
        }
        let file = NetFile::parse(&bytes).context(source)?;
        let source = network::export(&file, &file_name(&model.to_string_lossy()), &name, language)?;
        output::replace(output, |out| out.write_all(source.as_bytes()))?;
        return Ok(true);
    }
    if !ModelFile::is_at_start(&bytes) && (args.table.is_asked() || embed::are_vectors(&bytes)) {
        return embed::export(model, bytes, &name, args, console);
    }
    let file = parse_model_file(&bytes).context(source.clone())?;
    if args.table.is_asked() {
        bail!("{source}: a model; --table and what goes with it are for vectors");
    }
    let vectors = match &args.vectors {
        Some(path) => {
            let names = file.names();
            let recording =
                read(path, Columns::Model { names: &names, named: file.named }, console)?;
            if recording.rows == 0 {
                bail!("{}: no rows", recording.source);
            }
            Some(recording)
        }
        None => None,
    };
    let export = Export {
        file: &file,
        source: &file_name(&model.to_string_lossy()),
        name: &name,
        vectors: vectors.as_ref(),
    };
    let source = export.to_source(language)?;
    output::replace(output, |out| out.write_all(source.as_bytes()))?;
    Ok(true)
}

fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Makes sure that a file for samples can be made, and that its name tells no other format.
fn check_samples(path: &Path) -> Result<()> {
    const OTHERS: [&str; 8] = ["parquet", "pq", "npz", "feather", "arrow", "xlsx", "h5", "json"];
    let is =
        |ending: &std::ffi::OsStr| OTHERS.iter().any(|other| ending.eq_ignore_ascii_case(other));
    if path.extension().is_some_and(is) {
        bail!("cannot write {}: decompress writes .csv or .npy", path.display());
    }
    output::check(path)
}

fn write_samples(path: &Path, file: &ModelFile, decoded: &Decoded) -> Result<()> {
    let names = file.names();
    let samples = Samples {
        names: &names,
        values: &decoded.values,
        present: &decoded.present,
        kind: decoded.kind,
    };
    let is_npy = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy"));
    output::replace(path, |out| {
        if is_npy { output::npy(&samples, out) } else { output::csv(&samples, out) }
    })
}

fn roundtrip(
    input: &Path,
    args: &FitArgs,
    train_fraction: f64,
    chain: ChainArgs,
    json: bool,
    folder: Option<&Path>,
    console: Console,
) -> Result<bool> {
    if let Some(folder) = folder {
        output::check_folder(folder)?;
    }
    let (train, rest) = read_parted(input, &args.columns, train_fraction, console)?;
    let fitted = fit(&[train], plan(args), console)?;
    explain(&fitted, args);
    // From here on only what would be on disk is used: the model's bytes and the compressed file's.
    let (file, stored) = stored(&fitted.file)?;
    summarize(&file, console)?;
    let (report, bytes, decoded) = evaluate(&file, &rest, chain, console)?;
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        output::replace(&folder.join("model.eig"), |out| out.write_all(&stored))?;
        output::replace(&folder.join("compressed.eigc"), |out| out.write_all(&bytes))?;
        write_samples(&folder.join("decompressed.csv"), &file, &decoded)?;
        console.note(format_args!(
            "wrote model.eig, compressed.eigc and decompressed.csv into {}",
            folder.display()
        ));
    }
    print_report(&report, json)
}

/// A recording in two parts: to learn from, and the rest.
fn read_parted(
    input: &Path,
    columns: &[String],
    train_fraction: f64,
    console: Console,
) -> Result<(Recording, Recording)> {
    let whole = read_all(&[input], columns, console)?.swap_remove(0);
    let split = share(whole.rows, train_fraction);
    let (train, rest) = (whole.slice(0..split), whole.slice(split..whole.rows));
    if train.rows == 0 || rest.rows == 0 {
        bail!("{}: {} rows cannot be parted at {train_fraction}", whole.source, whole.rows);
    }
    Ok((train, rest))
}

fn compare_with(input: &Path, args: &CompareArgs, json: bool, console: Console) -> Result<bool> {
    let (train, rest) = read_parted(input, &args.columns, args.train_fraction, console)?;
    let fit = |window| {
        let plan = Plan {
            promise: Promise::MaxError(args.max_error),
            relative: args.relative,
            window,
            kind: None,
            model_bytes: args::DEFAULT_MODEL_BYTES,
        };
        let (file, _) = stored(&fit(std::slice::from_ref(&train), plan, console)?.file)?;
        summarize(&file, console)?;
        Ok(file)
    };
    let packet_rows = usize::from(args.packet_rows);
    let models: Result<_> = fit(None).and_then(|whole| Ok([whole, fit(Some(packet_rows))?]));
    let comparison = compare::compare(&train, &rest, &models?, packet_rows, &args.python, console)?;
    let text = if json { format!("{:#}", comparison.to_json()) } else { comparison.to_text() };
    print(&text)?;
    if !comparison.is_kept() {
        eprintln!("error: the promised bound was not kept");
    }
    Ok(comparison.is_kept())
}

/// A fresh model as it comes out of its own bytes, and the bytes.
fn stored(file: &ModelFile) -> Result<(ModelFile, Vec<u8>)> {
    let bytes = file.to_bytes();
    let read =
        ModelFile::parse(&bytes).and_then(|file| parse_model(&file).map(drop).map(|()| file));
    let about =
        "the model could not be read back; are values or bounds near the limits of their type?";
    Ok((read.context(about)?, bytes))
}

/// One line about a fresh model.
fn summarize(file: &ModelFile, console: Console) -> Result<()> {
    let model = parse_model(file)?;
    let components = match model.components() {
        0 => String::new(),
        k => format!(", {k} components"),
    };
    console.note(format_args!(
        "model: {} mode, {} channels of {}, windows of {} rows{components}, {} bytes, from {} rows",
        mode_name(model.mode()),
        model.channels(),
        kind_of(&model),
        model.window(),
        file.blob.len(),
        file.train_rows
    ));
    Ok(())
}

fn inspect(path: &Path, json: bool) -> Result<bool> {
    let (source, bytes) = input::read_bytes(path)?;
    let (value, kept) = if container::is_container(&bytes) {
        inspect_container(&bytes).with_context(|| source.clone())?
    } else if NetFile::is_at_start(&bytes) {
        (network::inspect(&bytes).with_context(|| source.clone())?, true)
    } else {
        let file = ModelFile::parse(&bytes).with_context(|| source.clone())?;
        (inspect_model(&file).with_context(|| source.clone())?, true)
    };
    if json {
        print(&format!("{value:#}"))?;
    } else {
        print(&as_text(&value))?;
    }
    Ok(kept)
}

fn inspect_model(file: &ModelFile) -> Result<Value> {
    let model = parse_model(file)?;
    let mut value = file.describe();
    if let Some(fields) = value.as_object_mut() {
        let terms = terms(&model);
        for (channel, terms) in fields
            .get_mut("channels")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .zip(terms)
        {
            channel["terms"] = json!(terms);
        }
        let more = json!({
            "type": "model",
            "mode": mode_name(model.mode()),
            "kind": kind_of(&model).to_string(),
            "window": model.window(),
            "components": model.components(),
            "id": model.id(),
            "blob_bytes": file.blob.len(),
            "max_frame_bytes": model.max_frame_bytes(),
            "scratch_bytes": model.scratch_len() * size_of::<eigenmote::codec::Slot>(),
            "rate": model.rate(),
        });
        fields.extend(more.as_object().cloned().unwrap_or_default());
    }
    Ok(value)
}

/// How many terms predict each channel.
fn terms(model: &Model<'_>) -> Vec<usize> {
    coding::with_kind!(kind_of(model), S => {
        model.channel_list::<S>().map(|channel| channel.predictor.terms.as_slice().len()).collect()
    })
}

fn inspect_container(bytes: &[u8]) -> Result<(Value, bool)> {
    let Container { header, model, marks, index, frames, damage } = container::parse(bytes)?;
    let (mut count, mut rows, mut plain, mut refined) = (0, 0, 0, 0);
    let (mut alone, mut longest) = (0, 0);
    // The id of the frames is the low half of the checksum.
    for Found { frame, start, end, .. } in Scan::of_id(frames, header.model as u16) {
        count += 1;
        longest = longest.max(end - start);
        alone += usize::from(!frame.is_chained());
        rows += frame.rows().unwrap_or(header.window);
        plain += usize::from(Frame::is_raw(&frame));
        refined += usize::from(frame.is_refined());
    }
    let missing: usize = header.gaps.iter().map(|gap| gap.len).sum();
    let value = json!({
        "type": "compressed",
        "model_checksum": format!("{:08x}", header.model),
        "channels": header.channels,
        "window": header.window,
        "rows": header.rows,
        "missing": missing,
        "bytes": bytes.len(),
        "model_bytes": model.map(<[u8]>::len),
        "index_bytes": index,
        "index_entries": marks.len() - 1,
        "frames": count,
        "frames_alone": alone,
        "frame_bytes": frames.len(),
        "longest_frame": longest,
        "rows_in_frames": rows,
        "plain_frames": plain,
        "refined_frames": refined,
        "damage": damage,
    });
    if let Some(damage) = &damage {
        eprintln!("warning: {damage}");
    }
    Ok((value, damage.is_none()))
}

/// The fields one per line, the channels as a table.
fn as_text(value: &Value) -> String {
    let mut lines = Vec::new();
    let show = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(n) if n.is_f64() => short(n.as_f64().unwrap_or(0.0)),
        Value::Array(list) => {
            list.iter().map(|v| v.as_str().unwrap_or("").to_string()).collect::<Vec<_>>().join(", ")
        }
        Value::Null => "-".into(),
        other => other.to_string(),
    };
    for (name, value) in value.as_object().into_iter().flatten() {
        if name != "channels" || !value.is_array() {
            lines.push(format!("{:<16} {}", name.replace('_', " "), show(value)));
        }
    }
    if let Some(channels) = value.get("channels").and_then(Value::as_array) {
        let mut table = plain_table();
        table.set_header(["channel", "deviation", "unit", "bound", "terms"]);
        right_align(&mut table, 1);
        for channel in channels {
            let cells = ["name", "deviation", "unit", "bound", "terms"];
            table.add_row(cells.map(|key| show(channel.get(key).unwrap_or(&Value::Null))));
        }
        lines.push(String::new());
        lines.push(table.to_string());
    }
    lines.join("\n")
}
