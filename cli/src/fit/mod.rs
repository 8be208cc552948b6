//! Learns a model from training rows: what the library's codec needs, chosen by measured cost.

mod predictive;
mod transform;

pub(crate) use transform::spectrum;

use anyhow::{Context, Result, bail};
use eigenmote::codec::fit::Tally;
use eigenmote::codec::{CONTEXTS, MAX_PAYLOAD, Model, ModelSpec, Slot};

use crate::coding::{Value, cost, with_kind};
use crate::input::{Kind, Recording};
use crate::model_file::{Channel, ModelFile, Promise};
use crate::predictors::front_rows;
use crate::progress::Console;
use predictive::{Goal, Predictive};
use transform::Projection;

/// Windows that trial encodings run over.
const TRIAL_WINDOWS: usize = 256;
/// Fewest rows to judge by that ways of coding have not seen; with fewer they are judged on all.
const LEAST_HELD_OUT: usize = 32;
/// With more decimals than this, values are as good as continuous.
const MAX_DECIMALS: u32 = 9;

/// Where an `f64` has its exponent.
const EXPONENT_BITS: u64 = 0x7FF << 52;

/// What the user asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) promise: Promise,
    pub(crate) relative: bool,
    pub(crate) window: Option<usize>,
    pub(crate) kind: Option<Kind>,
    /// Most bytes that the model may take.
    pub(crate) model_bytes: usize,
}

/// A model and the ways it was chosen from.
pub(crate) struct Fitted {
    pub(crate) file: ModelFile,
    pub(crate) tried: Vec<Tried>,
}

/// One way that was tried, and what some windows took with it.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    pub(crate) what: String,
    pub(crate) bytes: usize,
    pub(crate) values: usize,
    /// Bytes of the model itself.
    pub(crate) model: usize,
}

impl Tried {
    pub(crate) fn bits_per_value(&self) -> f64 {
        self.bytes as f64 * 8.0 / self.values.max(1) as f64
    }
}

/// One channel over the training rows, missing cells left out.
#[derive(Clone, Copy, Debug, Default)]
struct Stats {
    mean: f64,
    deviation: f64,
    largest: f64,
    /// Whether there are values, and all of them whole numbers.
    whole: bool,
    /// Distance of the values a text file can write with its decimals.
    quantum: Option<f64>,
}

/// Fits a model to the rows of all recordings; windows do not cross from one into the next.
pub(crate) fn fit(recordings: &[Recording], plan: Plan, console: Console) -> Result<Fitted> {
    let first = recordings.first().context("nothing to fit")?;
    let kind = plan.kind.unwrap_or_else(|| common_kind(recordings));
    for recording in recordings {
        let fits = |x: f64| kind.holds(x) || kind == Kind::F32 && (x as f32).is_finite();
        if let Some(x) = recording.values.iter().find(|&&x| !fits(x)) {
            bail!("{}: {x} does not fit --kind {kind}", recording.source);
        }
    }
    let stats = stats(recordings);
    let units: Vec<f64> = stats.iter().map(|s| unit(s, plan.relative)).collect();
    let bounds: Vec<Option<f64>> = units.iter().map(|&unit| plan.promise.bound(unit)).collect();
    let roundings = roundings(recordings, &stats, kind);
    let goal = match plan.promise {
        Promise::MaxError(_) => {
            let bounds = bounds.iter().zip(&roundings).zip(&first.names);
            let bounds: Result<Vec<f64>> = bounds
                .map(|((bound, &rounding), name)| {
                    less_rounding(bound.unwrap_or(0.0), rounding, name, kind)
                })
                .collect();
            Goal::Bounds(bounds?)
        }
        Promise::Rmse(e) => {
            // The mean over a window is at most what rounding costs in the worst channel more.
            let mut least = e;
            for ((&rounding, &unit), name) in roundings.iter().zip(&units).zip(&first.names) {
                least = least.min(less_rounding(e * unit, rounding, name, kind)? / unit);
            }
            Goal::Rmse(least)
        }
        Promise::Components(k) => Goal::Components(k),
    };
    let (blob, tried) = with_kind!(kind, S => {
        let segments: Vec<Vec<S>> =
            recordings.iter().map(|r| r.values.iter().map(|&x| S::from_f64(x)).collect()).collect();
        let (stats, units) = (&stats, &units);
        best(&Training { segments: &segments, stats, units, plan, console }, &goal)?
    });
    let channels = first.names.iter().zip(&stats).zip(units.iter().zip(bounds));
    let channels = channels.map(|((name, stats), (&unit, bound))| Channel {
        name: name.clone(),
        deviation: stats.deviation,
        unit,
        bound,
    });
    let file = ModelFile {
        blob,
        channels: channels.collect(),
        named: first.named,
        promise: plan.promise,
        relative: plan.relative,
        train_rows: recordings.iter().map(|r| r.rows).sum(),
        sources: recordings.iter().map(|r| file_name(&r.source)).collect(),
    };
    Ok(Fitted { file, tried })
}

/// Training rows, and what all ways of coding need to know of them.
struct Training<'a, S> {
    segments: &'a [Vec<S>],
    stats: &'a [Stats],
    units: &'a [f64],
    plan: Plan,
    console: Console,
}

impl<'a, S: Value> Training<'a, S> {
    fn channels(&self) -> usize {
        self.stats.len()
    }

    fn rows(&self) -> usize {
        self.segments.iter().map(|s| s.len() / self.channels()).sum()
    }

    /// All values of one channel.
    fn values(&self, channel: usize) -> impl Iterator<Item = S> {
        let step = self.channels();
        self.segments.iter().flat_map(move |s| s.iter().skip(channel).step_by(step).copied())
    }

    /// Rows of a window: as wanted or by default, and as many as the frame format takes.
    fn window(&self, default: usize) -> Result<usize> {
        let (channels, sample_bytes) = (self.channels(), S::KIND.bytes());
        let most = MAX_PAYLOAD / (channels * sample_bytes);
        match self.plan.window {
            Some(rows) if rows > most => bail!(
                "--window {rows} is too long: {channels} channels of {sample_bytes} bytes leave room for \
                 {most} rows"
            ),
            Some(rows) => Ok(rows),
            None => Ok(default.clamp(1, most.max(1))),
        }
    }

    /// What ways of coding are learnt from before they are judged: the first four fifths.
    fn front(&self) -> Vec<Vec<S>> {
        if self.back().is_empty() {
            return self.segments.to_vec();
        }
        let channels = self.channels();
        let front = self.segments.iter().map(|s| &s[..front_rows(s.len() / channels) * channels]);
        front.filter(|s| !s.is_empty()).map(<[S]>::to_vec).collect()
    }

    /// The rest; nothing if it is little.
    fn back(&self) -> Vec<&'a [S]> {
        let channels = self.channels();
        let back = self.segments.iter().map(|s| &s[front_rows(s.len() / channels) * channels..]);
        let rows: usize = back.clone().map(|s| s.len() / channels).sum();
        if rows < LEAST_HELD_OUT { Vec::new() } else { back.filter(|s| !s.is_empty()).collect() }
    }
}

/// A way of coding, not yet fitted to all rows.
enum Way {
    Predictive(predictive::Way),
    Projection(transform::Way),
}

/// The smallest of all ways of coding that keep the promise, and what was tried.
fn best<S: Value>(training: &Training<'_, S>, goal: &Goal) -> Result<(Vec<u8>, Vec<Tried>)> {
    let mut judge = Judge::new(training);
    let mut ways = Vec::new();
    let predictive = match goal {
        Goal::Components(_) => None,
        _ => Some(Predictive::new(training, goal)?),
    };
    if let Some(predictive) = &predictive {
        ways.extend(predictive.ways(&mut judge)?.into_iter().map(|(c, w)| (c, Way::Predictive(w))));
    }
    let projection = match goal {
        Goal::Bounds(_) => None,
        Goal::Rmse(_) | Goal::Components(_) => Some(Projection::new(training, goal)),
    };
    if let Some(projection) = &projection {
        // Where there is another way, this one need not be possible.
        match projection.ways(&mut judge) {
            Ok(found) => ways.extend(found.into_iter().map(|(c, w)| (c, Way::Projection(w)))),
            Err(error) if ways.is_empty() => return Err(error),
            Err(_) => {}
        }
    }
    ways.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let limit = training.plan.model_bytes;
    let mut least = usize::MAX;
    for (_, way) in &ways {
        let blob = match (way, &predictive, &projection) {
            (Way::Predictive(way), Some(predictive), _) => predictive.build(way)?,
            (Way::Projection(way), _, Some(projection)) => projection.build(way)?,
            _ => continue,
        };
        if blob.len() <= limit {
            return Ok((blob, judge.tried));
        }
        least = least.min(blob.len());
    }
    bail!(
        "no model that was tried takes at most {limit} bytes, the smallest {least}: give a larger \
         --model-bytes, or fewer --columns"
    )
}

/// Measures ways of coding on rows that they were not learnt from.
struct Judge<'a, S> {
    stretches: Vec<&'a [S]>,
    /// Values of all training rows: a model's bytes count as if it were sent along with them.
    values: usize,
    channels: usize,
    tried: Vec<Tried>,
}

impl<'a, S: Value> Judge<'a, S> {
    fn new(training: &Training<'a, S>) -> Self {
        let mut stretches = training.back();
        if stretches.is_empty() {
            stretches = training.segments.iter().map(Vec::as_slice).collect();
        }
        let (channels, values) = (training.channels(), training.rows() * training.channels());
        Self { stretches, values, channels, tried: Vec::new() }
    }

    /// Bytes per value with a model.
    fn price(&mut self, what: String, blob: &[u8]) -> Result<f64> {
        let model = Model::parse(blob)?;
        let length = model.window() * self.channels;
        let windows: Vec<&[S]> = self.stretches.iter().flat_map(|s| s.chunks(length)).collect();
        let windows = some(&windows, TRIAL_WINDOWS);
        let values = windows.iter().map(|window| window.len()).sum();
        let bytes = cost(&model, &windows)?;
        self.tried.push(Tried { what, bytes, values, model: blob.len() });
        Ok(bytes as f64 / values as f64 + blob.len() as f64 / self.values as f64)
    }
}

/// The last part of a path.
pub(crate) fn file_name(source: &str) -> String {
    let name = std::path::Path::new(source).file_name();
    name.map_or_else(|| source.to_string(), |name| name.to_string_lossy().into_owned())
}

/// The narrowest kind that holds all recordings.
fn common_kind(recordings: &[Recording]) -> Kind {
    let has = |kind| recordings.iter().any(|r| r.kind == kind);
    match (has(Kind::F64), has(Kind::F32), has(Kind::I32)) {
        (true, ..) | (_, true, true) => Kind::F64,
        (_, true, false) => Kind::F32,
        (_, _, true) => Kind::I32,
        _ => Kind::I16,
    }
}

/// How far values of each channel may move on the way into the sample type, with room for values
/// twice as large as those seen.
fn roundings(recordings: &[Recording], stats: &[Stats], kind: Kind) -> Vec<f64> {
    let rounding = |(channel, stats): (usize, &Stats)| {
        let held = |r: &Recording| {
            r.values.iter().skip(channel).step_by(r.channels()).all(|&x| kind.holds(x))
        };
        if recordings.iter().all(held) {
            return 0.0;
        }
        (stats.largest * f64::from(f32::EPSILON)).max(f64::from(f32::from_bits(1)))
    };
    stats.iter().enumerate().map(rounding).collect()
}

/// What rounding to the sample type leaves of a bound.
fn less_rounding(bound: f64, rounding: f64, name: &str, kind: Kind) -> Result<f64> {
    if rounding > 0.0 && rounding >= bound {
        bail!(
            "channel \"{name}\": rounding its values to {kind} changes them by up to {rounding:.1e}, more \
             than its bound of {bound:.1e}; use --kind f64"
        );
    }
    Ok(bound - rounding)
}

fn stats(recordings: &[Recording]) -> Vec<Stats> {
    let channels = recordings.first().map_or(0, Recording::channels);
    let mut cells: Vec<Vec<f64>> = vec![Vec::new(); channels];
    for recording in recordings {
        for (at, (&x, present)) in recording.values.iter().zip(recording.present()).enumerate() {
            if present {
                cells[at % channels].push(x);
            }
        }
    }
    let quantum = |channel: usize| {
        let decimals = recordings.iter().map(|r| r.decimals[channel]);
        let most = decimals.collect::<Option<Vec<u32>>>()?.into_iter().max()?;
        (most <= MAX_DECIMALS).then(|| 10_f64.powi(-most.cast_signed()))
    };
    let stats = |(channel, cells): (usize, &Vec<f64>)| {
        // A channel without a value in the training rows holds there the first one after them.
        let held = || recordings.iter().find_map(|r| r.values.get(channel).copied());
        let stats = match (cells.is_empty(), held()) {
            (true, Some(held)) => Stats { whole: false, ..channel_stats(&[held]) },
            _ => channel_stats(cells),
        };
        Stats { quantum: quantum(channel), ..stats }
    };
    cells.iter().enumerate().map(stats).collect()
}

fn channel_stats(cells: &[f64]) -> Stats {
    let (Some(&first), count) = (cells.first(), cells.len() as f64) else {
        return Stats::default();
    };
    let largest = cells.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let whole = cells.iter().all(|x| x.fract() == 0.0);
    if cells.iter().all(|&x| x == first) {
        return Stats { mean: first, largest, whole, ..Stats::default() };
    }
    // In units of a power of two near the largest, so that squares neither overflow nor vanish, and
    // around a first estimate of the mean, so that large offsets cost no digits.
    let scale = f64::from_bits(largest.to_bits() & EXPONENT_BITS).max(f64::MIN_POSITIVE);
    let scaled = || cells.iter().map(|x| x / scale);
    let about = scaled().map(|x| x / count).sum::<f64>();
    let mean = about + scaled().map(|x| x - about).sum::<f64>() / count;
    let squares: f64 = scaled().map(|x| (x - mean) * (x - mean)).sum();
    let deviation = ((squares / (count - 1.0)).sqrt() * scale).min(f64::MAX);
    Stats { mean: mean * scale, deviation, largest, whole, quantum: None }
}

/// What one unit of a relative bound is in a channel.
fn unit(stats: &Stats, relative: bool) -> f64 {
    let millionth = stats.mean.abs() * 1e-6;
    match (relative, stats.quantum) {
        (false, _) => 1.0,
        _ if stats.deviation > 0.0 => stats.deviation,
        _ if stats.whole => 1.0,
        (_, Some(quantum)) => quantum.max(millionth),
        (_, None) => millionth.max(1e-6),
    }
}

fn windows<S>(segments: &[Vec<S>], values: usize) -> Vec<&[S]> {
    segments.iter().flat_map(|segment| segment.chunks(values)).collect()
}

/// At most `most` of some windows, evenly spread.
fn some<'a, S>(windows: &[&'a [S]], most: usize) -> Vec<&'a [S]> {
    let step = windows.len().div_ceil(most).max(1);
    windows.iter().copied().step_by(step).collect()
}

fn write<S: Value>(spec: &ModelSpec<'_, S>) -> Result<Vec<u8>> {
    let mut blob = vec![0; spec.encoded_len()];
    let length = spec.write(&mut blob).context("cannot make the model")?;
    blob.truncate(length);
    Ok(blob)
}

/// The priors that training windows ask for.
fn tally<S: Value>(draft: &[u8], windows: &[&[S]]) -> Result<[u16; CONTEXTS]> {
    let model = Model::parse(draft)?;
    let mut scratch = vec![Slot::NEW; model.scratch_len()];
    let mut tally = Tally::new();
    for window in windows {
        tally.window(&model, window, &mut scratch)?;
    }
    Ok(tally.priors())
}
