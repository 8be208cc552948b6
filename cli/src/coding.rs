//! Drives the library's encoder and decoder over whole recordings.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use eigenmote::codec::{
    self, Frame, FrameError, Mode, Model, Sample, SampleKind, Slot, Stream, decode_next, encode,
    encode_next,
};

use crate::args::ChainArgs;
use crate::container::{self, Container, Header};
use crate::input::{Kind, Recording};
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
    pub(crate) frames: usize,
    pub(crate) frame_bytes: usize,
    /// Whether values changed on their way into the model's sample type.
    pub(crate) rounded: bool,
    /// Time in the encoder alone.
    pub(crate) time: Duration,
}

/// Compresses a recording; frames go on from each other as `chain` says.
pub(crate) fn compress(
    file: &ModelFile,
    recording: &Recording,
    chain: ChainArgs,
    console: Console,
) -> Result<Encoded> {
    let model = parse_model(file)?;
    let kind = kind_of(&model);
    let rounded = check_values(recording, kind, console)?;
    let (frames, ends, time) =
        with_kind!(kind, S => encode_rows::<S>(&model, recording, chain, console))?;
    let header = Header {
        model: file.tag(),
        channels: model.channels(),
        window: model.window(),
        rows: recording.rows,
        gaps: recording.gaps.clone(),
    };
    Ok(Encoded {
        bytes: container::write(&header, &frames),
        frames: ends,
        frame_bytes: frames.len(),
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

/// All windows of a recording as frames: their bytes, their number, and the encoder's time.
fn encode_rows<S: Value>(
    model: &Model<'_>,
    recording: &Recording,
    chain: ChainArgs,
    console: Console,
) -> Result<(Vec<u8>, usize, Duration)> {
    let samples: Vec<S> = recording.values.iter().map(|&x| S::from_f64(x)).collect();
    let present = recording.present();
    let mut scratch = vec![Slot::NEW; model.scratch_len()];
    let mut stream = Stream::new();
    let mut frame = vec![0; model.max_frame_bytes()];
    let length = model.window() * model.channels();
    let windows = samples.chunks(length).zip(present.chunks(length));
    let progress = console.progress("compressing", windows.len());
    let (mut frames, mut count, mut clock) = (Vec::new(), 0, Clock::default());
    for (window, present) in windows {
        let model = within_budget(model, present);
        if (count as u32).is_multiple_of(chain.chain) {
            stream.restart();
        }
        let number = count as u32;
        let length = clock
            .time(|| encode_next(&model, &mut stream, number, window, &mut scratch, &mut frame))?;
        frames.extend(&frame[..length]);
        count += 1;
        progress.step();
    }
    Ok((frames, count, clock.0))
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

/// A recording as it comes out of its frames.
pub(crate) struct Decoded {
    pub(crate) kind: Kind,
    pub(crate) values: Vec<f64>,
    /// One flag per cell: whether the recording had a value there and its frame was read.
    pub(crate) present: Vec<bool>,
    /// Rows whose frames could not be read.
    pub(crate) lost: usize,
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
    let Container { header, frames, damage } = container::parse(bytes)?;
    if header.model != file.tag() {
        bail!("the file was compressed with another model");
    }
    if header.channels != model.channels() || header.window != model.window() {
        bail!("the file's channels and window are not the model's");
    }
    let kind = kind_of(&model);
    let read = with_kind!(kind, S => decode_rows::<S>(&model, frames, header.rows, console));
    let lost: usize = read.lost.iter().map(ExactSizeIterator::len).sum();
    let damage = damage.or_else(|| (lost > 0).then(|| "some frames are damaged".into()));
    if let (Some(damage), false) = (&damage, recover) {
        bail!(
            "{damage}; {} of {} rows are in undamaged frames and can be restored with --recover",
            header.rows - lost,
            header.rows
        );
    }
    let mut present = crate::input::present(header.rows, header.channels, &header.gaps);
    for rows in read.lost {
        present[rows.start * header.channels..rows.end * header.channels].fill(false);
    }
    Ok(Decoded { kind, values: read.values, present, lost, damage, time: read.time })
}

struct Rows {
    values: Vec<f64>,
    lost: Vec<Range<usize>>,
    time: Duration,
}

/// Decodes every undamaged frame into its place; all others are reported as lost rows.
fn decode_rows<S: Value>(model: &Model<'_>, frames: &[u8], rows: usize, console: Console) -> Rows {
    let (channels, window) = (model.channels(), model.window());
    let mut scratch = vec![Slot::NEW; model.scratch_len()];
    let mut stream = Stream::new();
    let mut out = vec![S::default(); channels * window];
    let mut values = vec![0.0; rows * channels];
    let mut seen = vec![false; rows.div_ceil(window)];
    let progress = console.progress("decompressing", seen.len());
    let mut clock = Clock::default();
    let mut scan = Scan { bytes: frames, at: 0 };
    while let Some(frame) = scan.next_frame(model.id()) {
        let number = frame.sequence() as usize;
        let start = number.saturating_mul(window);
        let expected = rows.saturating_sub(start).min(window);
        let good = frame.rows().unwrap_or(window) == expected
            && clock
                .time(|| decode_next(model, &mut stream, &frame, &mut scratch, &mut out))
                .is_ok();
        if good && let Some(seen) = seen.get_mut(number) {
            *seen = true;
            let place = &mut values[start * channels..(start + expected) * channels];
            for (slot, sample) in place.iter_mut().zip(&out) {
                *slot = sample.to_f64();
            }
        }
        progress.step();
    }
    let lost = seen.iter().enumerate().filter(|(_, seen)| !**seen);
    let lost = lost.map(|(n, _)| n * window..((n + 1) * window).min(rows)).collect();
    Rows { values, lost, time: clock.0 }
}

/// Walks over frames; behind a damaged one it looks for the next byte at which a frame checks out.
pub(crate) struct Scan<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Scan<'a> {
    pub(crate) fn next_frame(&mut self, model_id: u16) -> Option<Frame<'a>> {
        while self.at < self.bytes.len() {
            let rest = &self.bytes[self.at..];
            // The id is compared first: parsing at every byte would checksum as many payloads.
            let plausible = rest.get(1..3) == Some(&model_id.to_le_bytes()[..]);
            let parsed = if plausible { Frame::parse(rest) } else { Err(FrameError::BadHeader) };
            match parsed {
                Ok((frame, length)) => {
                    self.at += length;
                    return Some(frame);
                }
                Err(_) => self.at += 1,
            }
        }
        None
    }
}

/// The bytes of each frame of an undamaged compressed file.
pub(crate) fn frame_lengths(bytes: &[u8]) -> Result<Vec<usize>> {
    let Container { header, frames, .. } = container::parse(bytes)?;
    let mut scan = Scan { bytes: frames, at: 0 };
    let mut lengths = Vec::new();
    let mut start = 0;
    // The id of the frames is the low half of the checksum.
    while scan.next_frame(header.model as u16).is_some() {
        lengths.push(scan.at - start);
        start = scan.at;
    }
    Ok(lengths)
}

/// The library's mode in the words of the command line.
pub(crate) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Bounded => "bounded",
        Mode::Transform => "transform",
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
