//! Drives the library's encoder and decoder over whole recordings.

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use eigenmote::codec::{
    self, EncodeError, Found, Frame, Mode, Model, Sample, SampleKind, Scan, Slot, Stream,
    decode_next, encode, encode_fitting, encode_next,
};

use crate::args::ChainArgs;
use crate::container::{self, Container, Header, LEAST_FRAME, Mark, Part};
use crate::input::{Gap, Kind, Recording};
use crate::model_file::ModelFile;
use crate::progress::Console;

/// A sample type of the library that the tool converts to and from `f64`.
pub(crate) trait Value: Sample {
    /// The nearest value of this type.
    fn from_f64(x: f64) -> Self;
    fn to_f64(self) -> f64;
    /// A word of a lattice as a number: steps of integers are in units of 2^−16.
    fn step_to_f64(step: Self::Word) -> f64;
}

macro_rules! value {
    ($t:ty, $unit:expr) => {
        impl Value for $t {
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[allow(clippy::cast_lossless, reason = "one macro for all types")]
            fn step_to_f64(step: Self::Word) -> f64 {
                step as f64 * $unit
            }
        }
    };
}
value!(i16, 1.0 / 65536.0);
value!(i32, 1.0 / 65536.0);
value!(f32, 1.0);
value!(f64, 1.0);

/// Evaluates an expression with `$s` standing for the sample type of a kind.
macro_rules! with_kind {
    ($kind:expr, $s:ident => $body:expr) => {
        match $kind {
            $crate::input::Kind::I16 => {
                type $s = i16;
                $body
            }
            $crate::input::Kind::I32 => {
                type $s = i32;
                $body
            }
            $crate::input::Kind::F32 => {
                type $s = f32;
                $body
            }
            $crate::input::Kind::F64 => {
                type $s = f64;
                $body
            }
        }
    };
}
pub(crate) use with_kind;

pub(crate) fn kind_of(model: &Model<'_>) -> Kind {
    match model.kind() {
        SampleKind::I16 => Kind::I16,
        SampleKind::I32 => Kind::I32,
        SampleKind::F32 => Kind::F32,
        SampleKind::F64 => Kind::F64,
    }
}

/// Checks the blob inside a model file.
pub(crate) fn parse_model(file: &ModelFile) -> Result<Model<'_>> {
    let model = Model::parse(&file.blob)?;
    if model.channels() != file.channels.len() {
        bail!("the model's description has another number of channels than the model");
    }
    Ok(model)
}

/// A recording as frames.
pub(crate) struct Encoded {
    /// The compressed file.
    pub(crate) bytes: Vec<u8>,
    /// First row of every frame.
    pub(crate) starts: Vec<usize>,
    pub(crate) frame_bytes: usize,
    /// Whether values changed on their way into the model's sample type.
    pub(crate) rounded: bool,
    /// Time in the encoder alone.
    pub(crate) time: Duration,
}

/// Compresses a recording; frames go on from each other and are as long as `chain` says.
pub(crate) fn compress(
    file: &ModelFile,
    recording: &Recording,
    chain: ChainArgs,
    console: Console,
) -> Result<Encoded> {
    compress_with(file, recording, chain, false, console)
}

/// Compresses a recording, the model put into the file or not.
pub(crate) fn compress_with(
    file: &ModelFile,
    recording: &Recording,
    chain: ChainArgs,
    embed: bool,
    console: Console,
) -> Result<Encoded> {
    let model = parse_model(file)?;
    let kind = kind_of(&model);
    let rounded = check_values(recording, kind, console)?;
    let Frames { bytes, marks, time } =
        with_kind!(kind, S => encode_rows::<S>(&model, recording, chain, console))?;
    let header = Header {
        model: file.tag(),
        channels: model.channels(),
        window: model.window(),
        rows: recording.rows,
        varying: chain.mtu.is_some(),
        gaps: recording.gaps.clone(),
    };
    let embedded = embed.then(|| file.to_bytes());
    Ok(Encoded {
        frame_bytes: bytes.len(),
        bytes: container::write(&header, embedded.as_deref(), &bytes, &marks, chain.chain as usize),
        starts: marks.iter().map(|mark| mark.row).collect(),
        rounded,
        time,
    })
}

/// Makes sure that the model's sample type takes every value; `true` if it changes some.
fn check_values(recording: &Recording, kind: Kind, console: Console) -> Result<bool> {
    let Some(at) = recording.values.iter().position(|&x| !kind.holds(x)) else {
        return Ok(false);
    };
    if kind == Kind::F32 {
        let change = |&x: &f64| (f64::from(x as f32) - x).abs();
        let most = recording.values.iter().map(change).fold(0.0, f64::max);
        if most.is_finite() {
            console.note(format_args!(
                "{}: values rounded to the model's 32-bit floats (largest change {most:.3e})",
                recording.source
            ));
            return Ok(true);
        }
    }
    let channels = recording.channels();
    bail!(
        "{}: value {} of channel \"{}\" in data row {} does not fit the model's sample type {kind}; \
         fit the model with a recording that has such values, or with --kind",
        recording.source,
        recording.values[at],
        recording.names[at % channels],
        at / channels + 1
    );
}

/// Adds up the time that calls of one kind of work take.
#[derive(Default)]
struct Clock(Duration);

impl Clock {
    fn time<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = work();
        self.0 += start.elapsed();
        result
    }
}

/// Frames, one after the other, where each is, and the encoder's time.
struct Frames {
    bytes: Vec<u8>,
    marks: Vec<Mark>,
    time: Duration,
}

/// A recording as frames of a window each, or of as many rows as fit.
fn encode_rows<S: Value>(
    model: &Model<'_>,
    recording: &Recording,
    chain: ChainArgs,
    console: Console,
) -> Result<Frames> {
    let samples: Vec<S> = recording.values.iter().map(|&x| S::from_f64(x)).collect();
    let present = recording.present();
    let mut scratch = vec![Slot::NEW; 2 * model.scratch_len()];
    let mut stream = Stream::new();
    let channels = model.channels();
    let mut frame = vec![0; chain.mtu.map_or(model.max_frame_bytes(), usize::from)];
    let progress = console.progress("compressing", recording.rows);
    let (mut bytes, mut marks, mut clock) = (Vec::new(), Vec::new(), Clock::default());
    let mut row = 0;
    while row < recording.rows {
        let rows = model.window().min(recording.rows - row);
        let cells = row * channels..(row + rows) * channels;
        let (window, present) = (&samples[cells.clone()], &present[cells]);
        let number = marks.len() as u32;
        if number.is_multiple_of(chain.chain) {
            stream.restart();
        }
        marks.push(Mark { frame: marks.len(), row, byte: bytes.len() });
        let (rows, length) = if let Some(mtu) = chain.mtu {
            let model = within_all_budgets(model, present);
            let encode =
                || encode_fitting(&model, &mut stream, number, window, &mut scratch, &mut frame);
            clock.time(encode).map_err(|error| match error {
                EncodeError::BufferTooSmall { needed } => anyhow::anyhow!(
                    "--mtu {mtu} is too short: a frame with one row of this model's {channels} \
                     channels of {} may need {needed} bytes",
                    kind_of(&model)
                ),
                error => error.into(),
            })?
        } else {
            let model = within_budget(model, present);
            let encode =
                || encode_next(&model, &mut stream, number, window, &mut scratch, &mut frame);
            (rows, clock.time(encode)?)
        };
        bytes.extend(&frame[..length]);
        row += rows;
        progress.step_by(rows);
    }
    Ok(Frames { bytes, marks, time: clock.0 })
}

/// The model with its budget for the mean over a window cut so that the mean over the values that
/// are there keeps the original one: the squares of all of them add up to no more.
fn within_budget<'a>(model: &Model<'a>, present: &[bool]) -> Model<'a> {
    let there = present.iter().filter(|&&there| there).count();
    match model.budget() {
        Some(budget) if 0 < there && there < present.len() => {
            let share = there as f64 / present.len() as f64;
            model.with_budget((f64::from(budget) * share.sqrt()).floor() as u32)
        }
        _ => *model,
    }
}

/// The model with its budget cut for every number of rows that a frame may take of the window.
fn within_all_budgets<'a>(model: &Model<'a>, present: &[bool]) -> Model<'a> {
    if model.budget().is_none() || present.iter().all(|&there| there) {
        return *model;
    }
    let ends = (model.channels()..=present.len()).step_by(model.channels());
    ends.fold(*model, |least, end| {
        let cut = within_budget(model, &present[..end]);
        if cut.budget() < least.budget() { cut } else { least }
    })
}

/// A recording as it comes out of its frames.
pub(crate) struct Decoded {
    pub(crate) kind: Kind,
    pub(crate) values: Vec<f64>,
    /// One flag per cell: whether the recording had a value there and its frame was read.
    pub(crate) present: Vec<bool>,
    /// One flag per row: whether its frame was read.
    pub(crate) seen: Vec<bool>,
    pub(crate) damage: Option<String>,
    /// Time in the decoder alone.
    pub(crate) time: Duration,
}

/// Restores a recording. Damage is an error unless `recover`, which leaves the damaged rows absent.
pub(crate) fn decompress(
    file: &ModelFile,
    bytes: &[u8],
    recover: bool,
    console: Console,
) -> Result<Decoded> {
    let model = parse_model(file)?;
    let container = match container::parse(bytes) {
        Err(error) if recover => salvage(&model, bytes).ok_or(error)?,
        parsed => {
            let container = parsed?;
            check_model(file, &model, &container.header)?;
            container
        }
    };
    let Container { header, frames, damage, marks, .. } = container;
    let all = 0..header.rows;
    let plan = Plan { header: &header, marks: &marks, is_end: true };
    let decoded = restore(&model, frames, &plan, all, console);
    let lost = decoded.lost();
    let damage = damage.or_else(|| (lost > 0).then(|| "some frames are damaged".into()));
    if let (Some(damage), false) = (&damage, recover) {
        bail!(
            "{damage}; {} of {} rows are in undamaged frames and can be restored with --recover",
            header.rows - lost,
            header.rows
        );
    }
    Ok(Decoded { damage, ..decoded })
}

/// Restores some rows of a file, and reads no more of it than that takes.
pub(crate) fn decompress_rows<R: Read + Seek + ?Sized>(
    file: &ModelFile,
    from: &mut R,
    rows: &Range<usize>,
    console: Console,
) -> Result<Decoded> {
    let model = parse_model(file)?;
    let Part { header, frames, marks } = container::read_rows(from, rows)?;
    check_model(file, &model, &header)?;
    let rows = clipped(rows, header.rows)?;
    let plan = Plan { header: &header, marks: &marks, is_end: marks.len() == 1 };
    let decoded = restore(&model, &frames, &plan, rows.clone(), console);
    let lost = decoded.lost();
    if lost > 0 {
        bail!(
            "{lost} of {} rows are in damaged frames; restore the others with --recover",
            rows.len()
        );
    }
    Ok(decoded)
}

/// The rows of a range that a recording has.
pub(crate) fn clipped(rows: &Range<usize>, there: usize) -> Result<Range<usize>> {
    if rows.start >= there {
        bail!("--from {}: it has rows 0 to {}", rows.start, there.saturating_sub(1));
    }
    Ok(rows.start..rows.end.min(there))
}

fn check_model(file: &ModelFile, model: &Model<'_>, header: &Header) -> Result<()> {
    if header.model != file.tag() {
        bail!("the file was compressed with another model");
    }
    if header.channels != model.channels() || header.window != model.window() {
        bail!("the file's channels and window are not the model's");
    }
    Ok(())
}

impl Decoded {
    /// Rows whose frames could not be read.
    pub(crate) fn lost(&self) -> usize {
        self.seen.iter().filter(|&&seen| !seen).count()
    }

    /// These rows alone.
    pub(crate) fn slice(self, rows: &Range<usize>, channels: usize) -> Result<Self> {
        let rows = clipped(rows, self.values.len() / channels)?;
        let cells = rows.start * channels..rows.end * channels;
        Ok(Self {
            values: self.values[cells.clone()].to_vec(),
            present: self.present[cells].to_vec(),
            seen: self.seen[rows].to_vec(),
            ..self
        })
    }
}

/// What is known of frames whose header is lost: there are as many rows as the last one tells.
fn salvage<'a>(model: &Model<'_>, bytes: &'a [u8]) -> Option<Container<'a>> {
    let most = bytes.len() / LEAST_FRAME;
    let found = Scan::of_model(bytes, model).map(|found| found.frame);
    let known = found.filter(|frame| (frame.sequence() as usize) < most);
    let last = known.clone().max_by_key(Frame::sequence)?;
    let (number, window) = (last.sequence() as usize, model.window());
    // The last frame of a recording may always have fewer rows.
    let mut others = known.clone().filter(|frame| frame.sequence() != last.sequence());
    let varying = others.any(|frame| frame.rows().is_some());
    let rows = if varying {
        known.map(|frame| frame.rows().unwrap_or(window)).sum()
    } else {
        number * window + last.rows().unwrap_or(window)
    };
    let channels = model.channels();
    let header = Header { model: 0, channels, window, rows, varying, gaps: Vec::new() };
    let damage = "the header is damaged, and what it said of missing cells and of rows at the end is lost \
                  (a cell without a value holds the one before it)";
    Some(Container {
        header,
        model: None,
        marks: vec![Mark::default()],
        index: 0,
        frames: bytes,
        damage: Some(damage.into()),
    })
}

/// What is known of some frames before they are looked at.
struct Plan<'a> {
    header: &'a Header,
    /// Frames whose first row is known, there or not.
    marks: &'a [Mark],
    /// Whether the last of them is that of the recording.
    is_end: bool,
}

/// Decodes every undamaged frame into its place, as far as it lies in `rows`; all others are lost.
fn restore(
    model: &Model<'_>,
    frames: &[u8],
    plan: &Plan<'_>,
    rows: Range<usize>,
    console: Console,
) -> Decoded {
    let kind = kind_of(model);
    let channels = model.channels();
    let read = with_kind!(kind, S => decode_rows::<S>(model, frames, plan, &rows, console));
    let gaps = plan.header.gaps.iter().filter_map(|gap| {
        let (from, to) = (gap.start.max(rows.start), (gap.start + gap.len).min(rows.end));
        (from < to).then(|| Gap { start: from - rows.start, len: to - from, ..*gap })
    });
    let mut present = crate::input::present(rows.len(), channels, &gaps.collect::<Vec<_>>());
    for (row, _) in read.seen.iter().enumerate().filter(|(_, seen)| !**seen) {
        present[row * channels..(row + 1) * channels].fill(false);
    }
    Decoded { kind, values: read.values, present, seen: read.seen, damage: None, time: read.time }
}

/// The first row of every frame, where that can be told.
fn first_rows(found: &[Found<'_>], plan: &Plan<'_>, frames: usize) -> Vec<Option<usize>> {
    let Header { window, rows: all, varying, .. } = *plan.header;
    let number = |found: &Found<'_>| found.frame.sequence() as usize;
    let rows = |found: &Found<'_>| found.frame.rows().unwrap_or(window);
    if !varying {
        let first = |found| {
            let row = number(found).checked_mul(window)?;
            (rows(found) == all.saturating_sub(row).min(window)).then_some(row)
        };
        return found.iter().map(first).collect();
    }
    // Frames next to one whose place is known: those behind it, then those before it.
    let mut known: BTreeMap<_, _> = plan.marks.iter().map(|mark| (mark.frame, mark.row)).collect();
    if let Some(last) = found.last().filter(|last| plan.is_end && last.end == frames) {
        known.insert(number(last) + 1, all);
    }
    for found in found {
        if let Some(row) = known.get(&number(found)) {
            let next = row + rows(found);
            known.entry(number(found) + 1).or_insert(next);
        }
    }
    for found in found.iter().rev() {
        let before = known.get(&(number(found) + 1)).and_then(|row| row.checked_sub(rows(found)));
        if let Some(before) = before {
            known.entry(number(found)).or_insert(before);
        }
    }
    found.iter().map(|found| known.get(&number(found)).copied()).collect()
}

struct Rows {
    values: Vec<f64>,
    /// One flag per row.
    seen: Vec<bool>,
    time: Duration,
}

fn decode_rows<S: Value>(
    model: &Model<'_>,
    frames: &[u8],
    plan: &Plan<'_>,
    wanted: &Range<usize>,
    console: Console,
) -> Rows {
    let channels = model.channels();
    let mut scratch = vec![Slot::NEW; model.scratch_len()];
    let mut stream = Stream::new();
    let mut out = vec![S::default(); channels * model.window()];
    let mut values = vec![0.0; wanted.len() * channels];
    let mut seen = vec![false; wanted.len()];
    let found: Vec<_> = Scan::of_model(frames, model).collect();
    let first_rows = first_rows(&found, plan, frames.len());
    let progress = console.progress("decompressing", found.len());
    let mut clock = Clock::default();
    for (found, first) in found.iter().zip(first_rows) {
        let decode = || decode_next(model, &mut stream, &found.frame, &mut scratch, &mut out);
        if let (Ok(rows), Some(first)) = (clock.time(decode), first) {
            for (row, samples) in (first..first + rows).zip(out.chunks_exact(channels)) {
                let Some(at) = row.checked_sub(wanted.start).filter(|&at| at < seen.len()) else {
                    continue;
                };
                if !std::mem::replace(&mut seen[at], true) {
                    let place = &mut values[at * channels..(at + 1) * channels];
                    place.iter_mut().zip(samples).for_each(|(to, x)| *to = x.to_f64());
                }
            }
        }
        progress.step();
    }
    Rows { values, seen, time: clock.0 }
}

/// The bytes of each frame of an undamaged compressed file.
pub(crate) fn frame_lengths(bytes: &[u8]) -> Result<Vec<usize>> {
    let Container { header, frames, .. } = container::parse(bytes)?;
    // The id of the frames is the low half of the checksum.
    Ok(Scan::of_id(frames, header.model as u16).map(|found| found.end - found.start).collect())
}

/// The library's mode in the words of the command line.
pub(crate) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Bounded => "bounded",
        Mode::Transform => "transform",
        Mode::Predictive => "predictive",
    }
}

/// Encoded size of some windows with a model: what the fit compares.
pub(crate) fn cost<S: Value>(model: &Model<'_>, windows: &[&[S]]) -> Result<usize> {
    let mut scratch = vec![Slot::NEW; model.scratch_len()];
    let mut frame = vec![0; codec::max_frame_bytes(model.channels(), model.window(), model.kind())];
    let mut sum = 0;
    for window in windows {
        sum += encode(model, 0, window, &mut scratch, &mut frame).context("trial encoding")?;
    }
    Ok(sum)
}
