//! Learns a model from training rows: what the library's codec needs, chosen by measured cost.

use anyhow::{Context, Result, anyhow, bail};
use eigenmote::codec::fit::{DEFAULT_PRIORS, DEFAULT_RATE, Tally, basis_weight, q8};
use eigenmote::codec::{
    CONTEXTS, Channel as ChannelSpec, Lattice, MAX_PAYLOAD, Model, ModelSpec, Slot, Transform,
};
use eigenmote::linalg::{EighError, eigh_view};
use eigenmote::mat::MatMut;
use eigenmote::simd::dot;

use crate::coding::{Value, cost, with_kind};
use crate::input::{Kind, Recording};
use crate::model_file::{Channel, ModelFile, Promise};
use crate::predictors::{Counts, Reach, front_rows};
use crate::progress::Console;

/// Values in a window of transform mode, unless the user says otherwise: the basis stays small.
const TRANSFORM_VALUES: usize = 256;
/// Largest window of transform mode in values: beyond it the decomposition takes minutes.
const MAX_TRANSFORM_VALUES: usize = 2048;
/// Windows that trial encodings run over.
const TRIAL_WINDOWS: usize = 256;
/// With more decimals than this, values are as good as continuous.
const MAX_DECIMALS: u32 = 9;
/// Largest expected magnitude that a model holds.
const MAX_MAGNITUDE: u32 = 1 << 30;

/// Where an `f64` has its exponent.
const EXPONENT_BITS: u64 = 0x7FF << 52;

/// What the user asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) promise: Promise,
    pub(crate) relative: bool,
    pub(crate) window: Option<usize>,
    pub(crate) kind: Option<Kind>,
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
    let mut tried = Vec::new();
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
    let blob = with_kind!(kind, S => {
        let segments: Vec<Vec<S>> =
            recordings.iter().map(|r| r.values.iter().map(|&x| S::from_f64(x)).collect()).collect();
        match plan.promise {
            Promise::MaxError(_) => {
                let bounds = bounds.iter().zip(&roundings).zip(&first.names);
                let bounds: Result<Vec<f64>> = bounds
                    .map(|((bound, &rounding), name)| {
                        less_rounding(bound.unwrap_or(0.0), rounding, name, kind)
                    })
                    .collect();
                bounded::<S>(&segments, &stats, &bounds?, plan, &mut tried, console)
            }
            Promise::Rmse(e) => {
                // The mean over a window is at most what rounding costs in the worst channel more.
                let mut least = e;
                for ((&rounding, &unit), name) in roundings.iter().zip(&units).zip(&first.names) {
                    least = least.min(less_rounding(e * unit, rounding, name, kind)? / unit);
                }
                let plan = Plan { promise: Promise::Rmse(least), ..plan };
                transform::<S>(&segments, &stats, &units, plan, &mut tried, console)
            }
            Promise::Components(_) => transform::<S>(&segments, &stats, &units, plan, &mut tried, console),
        }
    })?;
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

/// Rows of a window: as wanted or by default, and as many as the frame format takes.
fn window_rows(plan: Plan, channels: usize, default: usize, sample_bytes: usize) -> Result<usize> {
    let most = MAX_PAYLOAD / (channels * sample_bytes);
    match plan.window {
        Some(rows) if rows > most => bail!(
            "--window {rows} is too long: {channels} channels of {sample_bytes} bytes leave room for \
             {most} rows"
        ),
        Some(rows) => Ok(rows),
        None => Ok(default.clamp(1, most.max(1))),
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

fn bounded<S: Value>(
    segments: &[Vec<S>],
    stats: &[Stats],
    bounds: &[f64],
    plan: Plan,
    tried: &mut Vec<Tried>,
    console: Console,
) -> Result<Vec<u8>> {
    let channels = stats.len();
    // Long windows, so that what each frame costs beside its values is next to nothing.
    let default = (8192 / channels).next_power_of_two().clamp(128, 4096);
    let rows = window_rows(plan, channels, default, S::KIND.bytes())?;
    let progress = console.progress("fitting", channels * (Reach::EACH.len() + 1) + RATES.len());
    let mut lattices = Vec::with_capacity(channels);
    for (c, (stats, &bound)) in stats.iter().zip(bounds).enumerate() {
        let values = segments.iter().flat_map(|s| s.iter().skip(c).step_by(channels).copied());
        lattices.push(bounded_lattice(values, stats, bound)?);
    }
    let counts = counts(segments, stats, &lattices);
    let length = rows * channels;
    let windows = windows(segments, length);
    let spec = |specs: &[ChannelSpec<S>], priors, rate| {
        let spec =
            ModelSpec { window: rows as u16, channels: specs, transform: None, priors, rate };
        write(&spec)
    };
    // A model's bytes count as if it were sent along with as many rows as it was fitted to.
    let all: usize = segments.iter().map(Vec::len).sum();
    let price = |blob: &[u8], windows: &[&[S]]| -> Result<(usize, f64)> {
        let values: usize = windows.iter().map(|window| window.len()).sum();
        let bytes = cost(&Model::parse(blob)?, windows)?;
        Ok((bytes, (bytes as f64 + blob.len() as f64 * values as f64 / all as f64) / values as f64))
    };
    let predict = |counts: &Counts, reach| -> Vec<ChannelSpec<S>> {
        let channel = |(channel, &lattice)| {
            progress.step();
            ChannelSpec { lattice, predictor: counts.predictor(channel, reach) }
        };
        lattices.iter().enumerate().map(channel).collect()
    };
    // What the terms may look at is judged on rows that they were not learnt from.
    let front = counts.front();
    let back =
        segments.iter().flat_map(|s| s[front_rows(s.len() / channels) * channels..].chunks(length));
    let back: Vec<&[S]> = back.collect();
    let judges = some(&back, TRIAL_WINDOWS);
    let mut best: Option<(f64, Reach)> = None;
    for reach in Reach::EACH {
        let blob = spec(&predict(&front, reach), &DEFAULT_PRIORS, DEFAULT_RATE)?;
        let (bytes, cost) = price(&blob, &judges)?;
        let values = judges.iter().map(|window| window.len()).sum();
        tried.push(Tried {
            what: format!("bounded, {}", reach.name()),
            bytes,
            values,
            model: blob.len(),
        });
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, reach));
        }
    }
    let (_, reach) = best.context("no model")?;
    let specs = predict(&counts, reach);
    let draft = spec(&specs, &DEFAULT_PRIORS, DEFAULT_RATE)?;
    let trial = some(&windows, TRIAL_WINDOWS);
    let own_priors = tally(&draft, &windows)?;
    let mut best: Option<(f64, Vec<u8>)> = None;
    for rate in RATES {
        for priors in [&DEFAULT_PRIORS, &own_priors] {
            let blob = spec(&specs, priors, rate)?;
            let (_, cost) = price(&blob, &trial)?;
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, blob));
            }
        }
        progress.step();
    }
    Ok(best.context("no model")?.1)
}

/// Rates of adaptation that are tried.
const RATES: [u8; 5] = [4, 5, 6, 7, 8];

/// The counts of all training rows; a value without one takes the last.
fn counts<S: Value>(segments: &[Vec<S>], stats: &[Stats], lattices: &[Lattice<S>]) -> Counts {
    let channels = lattices.len();
    let means = lattices.iter().zip(stats);
    let means: Vec<i32> = means.map(|(l, s)| l.nearest(S::from_f64(s.mean)).unwrap_or(0)).collect();
    let mut last = vec![0; channels];
    let stretches = segments.iter().map(|segment| {
        let places = (0..channels).cycle();
        let centred = segment.iter().zip(places).map(|(&x, c)| {
            if let Some(count) = lattices[c].snap(x) {
                last[c] = count.saturating_sub(means[c]);
            }
            last[c]
        });
        centred.collect()
    });
    let stretches = stretches.collect();
    Counts { channels, stretches, means }
}

/// Lattice of one channel.
fn bounded_lattice<S: Value>(
    values: impl Iterator<Item = S>,
    stats: &Stats,
    bound: f64,
) -> Result<Lattice<S>> {
    // Counts stay below 2^30: a channel far from zero is counted from its mean.
    let offset = if stats.largest / (2.0 * bound) > f64::from(1 << 29) { stats.mean } else { 0.0 };
    let mut lattice = Lattice::<S>::bounded(offset, bound).ok_or_else(|| {
        if bound <= 0.0 {
            anyhow!(
                "a maximum error of {bound:e} cannot be kept in floating-point numbers; give a larger \
                 one, or --kind i32 for whole numbers"
            )
        } else {
            anyhow!("a maximum error of {bound:e} is out of the range of the sample type")
        }
    })?;
    // Where all values are multiples of a quantum, a step that is one too may be longer. Values
    // between the multiples, should some come later, become escapes.
    if let (Some(quantum), true) = (stats.quantum, offset == 0.0)
        && let Some(coarse) = Lattice::<S>::on_grid(0.0, quantum, bound)
        && coarse.step > lattice.step
    {
        lattice = coarse;
    }
    if let Some((offset, grid)) = levels(values.map(S::to_f64), bound)
        && let Some(coarse) = Lattice::<S>::on_grid(offset, grid, bound)
        && coarse.step > lattice.step
    {
        lattice = coarse;
    }
    Ok(lattice)
}

/// Fewest rows per level for levels to be taken as all there are.
const ROWS_PER_LEVEL: usize = 64;
/// The part of the bound that levels may lie off an even grid.
const OFF_GRID: f64 = 0.5;

/// Offset and spacing of an even grid that all values lie on within a part of the bound, if they
/// take few enough levels and these are further apart than a lattice without it would resolve.
fn levels(values: impl Iterator<Item = f64>, bound: f64) -> Option<(f64, f64)> {
    let mut sorted: Vec<f64> = values.collect();
    let rows = sorted.len();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup_by(|b, a| *b - *a <= OFF_GRID * bound);
    let (&first, &last) = (sorted.first()?, sorted.last()?);
    if sorted.len() < 2 || sorted.len() * ROWS_PER_LEVEL > rows {
        return None;
    }
    let gap = sorted.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    // The number of steps from end to end makes the spacing exact.
    let spacing = (last - first) / ((last - first) / gap).round();
    let on_grid = |&x: &f64| {
        let steps = (x - first) / spacing;
        (steps - steps.round()).abs() * spacing <= OFF_GRID * bound
    };
    (spacing > 2.0 * bound && sorted.iter().all(on_grid)).then_some((first, spacing))
}

/// Mean products of the windows' values: the lower triangle, column by column.
fn covariance(windows: &[Vec<f64>], values: usize) -> Vec<f64> {
    // So many windows at a time that their columns stay in the cache.
    const BLOCK: usize = 64;
    let mut products = vec![0.0; values * values];
    let mut columns = vec![0.0; values * BLOCK];
    for block in windows.chunks(BLOCK) {
        for (value, column) in columns.chunks_exact_mut(BLOCK).enumerate() {
            column.fill(0.0);
            column.iter_mut().zip(block).for_each(|(x, window)| *x = window[value]);
        }
        for (j, products) in products.chunks_exact_mut(values).enumerate() {
            let (left, rest) =
                (&columns[j * BLOCK..][..BLOCK], columns.chunks_exact(BLOCK).skip(j));
            products[j..].iter_mut().zip(rest).for_each(|(sum, right)| *sum += dot(left, right));
        }
    }
    let scale = 1.0 / windows.len() as f64;
    products.iter_mut().for_each(|product| *product *= scale);
    products
}

/// Principal axes of the training windows in units of the channels.
struct Axes {
    /// Variances, descending.
    variances: Vec<f64>,
    /// One after the other, in the order of the variances.
    vectors: Vec<f64>,
    /// Standardised windows, not overlapping: what expected magnitudes come from.
    windows: Vec<Vec<f64>>,
}

fn transform<S: Value>(
    segments: &[Vec<S>],
    stats: &[Stats],
    units: &[f64],
    plan: Plan,
    tried: &mut Vec<Tried>,
    console: Console,
) -> Result<Vec<u8>> {
    let channels = stats.len();
    // Few training rows make a poor estimate of many axes.
    let trained: usize = segments.iter().map(|s| s.len() / channels).sum();
    let default = (TRANSFORM_VALUES / channels).min((trained / 4).max(4));
    let rows = window_rows(plan, channels, default, S::KIND.bytes())?;
    let values = rows * channels;
    if values > MAX_TRANSFORM_VALUES {
        bail!(
            "{channels} channels × {rows} rows are {values} values in a window; at most \
             {MAX_TRANSFORM_VALUES} can be decomposed: give a shorter --window or fewer --columns"
        );
    }
    let waiting = console.wait("decomposing");
    let axes = Axes::of(segments, stats, units, rows)?;
    drop(waiting);
    let windows = windows(segments, values);
    let largest = match (axes.largest(), plan.promise) {
        // Where nothing varies, any step will do that the sample type holds.
        (0.0, Promise::Components(_)) => 1.0,
        (largest, _) => largest.max(f64::MIN_POSITIVE),
    };
    let shape = |step: f64, k: usize, target: Option<f64>| {
        // Counts of the fine lattice stay below 2^23 over the training rows.
        let base = (target.unwrap_or(step) / 16.0).max(largest / f64::from(1 << 23));
        TransformShape { rows, step, k, base, target }
    };
    let best = match plan.promise {
        Promise::Components(k) if k > values => {
            bail!("--components {k} is more than the {values} values of a window");
        }
        Promise::Components(k) => {
            let tail: f64 = axes.variances.iter().skip(k).sum();
            // Uniform rounding adds step²/12 per component: 1 % of what leaving out the rest costs.
            let fine = (0.12 * tail / k as f64).sqrt();
            shape(fine.max(axes.variances[0].sqrt() * 1e-4).max(largest * 1e-6), k, None)
        }
        Promise::Rmse(e) | Promise::MaxError(e) => {
            // Candidates are judged on rows that their axes have not seen, if there are enough.
            let (front, back) = hold_out(segments, values);
            let waiting = console.wait("decomposing");
            let (seen, judges) = if back.is_empty() {
                (None, some(&windows, TRIAL_WINDOWS))
            } else {
                (Some(Axes::of(&front, stats, units, rows)?), some(&back, TRIAL_WINDOWS))
            };
            drop(waiting);
            let seen = seen.as_ref().unwrap_or(&axes);
            let candidates = seen.candidates(e);
            let progress = console.progress("fitting", candidates.len());
            let mut best: Option<(usize, TransformShape)> = None;
            for (step, k) in candidates {
                let shape = shape(step, k, Some(e));
                let blob = transform_model::<S>(seen, stats, units, &shape, &judges)?;
                let cost = cost(&Model::parse(&blob)?, &judges)?;
                let values = judges.iter().map(|window| window.len()).sum();
                let what = format!("transform, {k} components, step {step:.3}");
                tried.push(Tried { what, bytes: cost, values, model: blob.len() });
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, shape));
                }
                progress.step();
            }
            best.context("no model")?.1
        }
    };
    transform_model::<S>(&axes, stats, units, &best, &some(&windows, TRIAL_WINDOWS))
}

/// The first four fifths of each segment, and the windows of what follows; none if either are few.
fn hold_out<S: Copy>(segments: &[Vec<S>], values: usize) -> (Vec<Vec<S>>, Vec<&[S]>) {
    let split = |segment: &Vec<S>| segment.len() / values * 4 / 5 * values;
    let back: Vec<&[S]> = segments.iter().flat_map(|s| s[split(s)..].chunks(values)).collect();
    let front = segments.iter().map(|s| s[..split(s)].to_vec()).filter(|s| !s.is_empty());
    let front: Vec<Vec<S>> = front.collect();
    if front.is_empty() || back.len() < 8 { (Vec::new(), Vec::new()) } else { (front, back) }
}

/// Variances along the principal axes of a recording, descending, in units of a model's channels; an
/// axis weighs the values of so many consecutive rows.
pub(crate) fn spectrum(recording: &Recording, file: &ModelFile, rows: usize) -> Result<Vec<f64>> {
    let recordings = std::slice::from_ref(recording);
    let units: Vec<f64> = file.channels.iter().map(|channel| channel.unit).collect();
    let segments = std::slice::from_ref(&recording.values);
    Ok(Axes::of(segments, &stats(recordings), &units, rows)?.variances)
}

struct TransformShape {
    rows: usize,
    /// Step of the coefficients, in units.
    step: f64,
    k: usize,
    /// Step of the channels' lattices, in units.
    base: f64,
    /// Root mean square error promised, in units.
    target: Option<f64>,
}

fn transform_model<S: Value>(
    axes: &Axes,
    stats: &[Stats],
    units: &[f64],
    shape: &TransformShape,
    trial: &[&[S]],
) -> Result<Vec<u8>> {
    let &TransformShape { rows, step, k, base, target } = shape;
    let mut specs = Vec::with_capacity(stats.len());
    let mut coarsest = 0.0_f64;
    for (stats, &unit) in stats.iter().zip(units) {
        let lattice = Lattice::<S>::fine(stats.mean, base * unit).with_context(|| {
            format!("a step of {:e} is out of the sample type's range", base * unit)
        })?;
        coarsest = coarsest.max(S::step_to_f64(lattice.step) / unit);
        let mean = lattice.nearest(S::from_f64(stats.mean)).unwrap_or(0);
        let mut spec = ChannelSpec { lattice, ..ChannelSpec::default() };
        spec.predictor.mean = mean;
        specs.push(spec);
    }
    let budget = match target {
        None => None,
        Some(e) => match q8(e / coarsest) {
            budget if budget >= 1 => Some(budget),
            _ => bail!("a root mean square error of {e:e} is too small for these values"),
        },
    };
    let coefficient_step = q8(step / base).max(1);
    let mut basis = Vec::with_capacity(axes.variances.len() * k);
    for value in 0..axes.variances.len() {
        basis.extend(axes.vectors(k).map(|vector| basis_weight(vector[value])));
    }
    let scales = axes.magnitudes(k, step);
    let transform = Some(Transform { coefficient_step, budget, scales: &scales, basis: &basis });
    let spec = |priors| {
        let window = rows as u16;
        write(&ModelSpec { window, channels: &specs, transform, priors, rate: DEFAULT_RATE })
    };
    spec(&tally(&spec(&DEFAULT_PRIORS)?, trial)?)
}

impl Axes {
    /// Decomposes the covariance of all windows, overlapping where there are few.
    fn of<S: Value>(
        segments: &[Vec<S>],
        stats: &[Stats],
        units: &[f64],
        rows: usize,
    ) -> Result<Axes> {
        let channels = stats.len();
        let values = rows * channels;
        let standard =
            |at: usize, x: S| (x.to_f64() - stats[at % channels].mean) / units[at % channels];
        // A window that begins at a row and, if the rows end before it does, goes on with the last one.
        let window = |segment: &[S], row: usize| -> Vec<f64> {
            let end = segment.len() / channels - 1;
            let at = |i: usize| (row + i / channels).min(end) * channels + i % channels;
            (0..values).map(|i| standard(i, segment[at(i)])).collect()
        };
        let total: usize = segments.iter().map(|s| s.len() / channels).sum();
        // Overlapping windows where there are few: about four per value if the rows allow.
        let stride = (total / (4 * values)).clamp(1, rows);
        let collect = |stride: usize| -> Vec<Vec<f64>> {
            let starts = |segment: &Vec<S>| (0..segment.len() / channels).step_by(stride);
            let of = |segment| starts(segment).map(move |row| window(segment, row));
            segments.iter().flat_map(of).collect()
        };
        let mut vectors = covariance(&collect(stride), values);
        let (mut variances, mut work) = (vec![0.0; values], vec![0.0; values]);
        let mut matrix = MatMut::new(&mut vectors, values, values).context("no values")?;
        eigh_view(&mut matrix, &mut variances, &mut work).map_err(|error| match error {
            EighError::NotFinite | EighError::Overflow => {
                anyhow!(
                    "the values are too large for their squares; count the error with --relative"
                )
            }
            error => anyhow!("the decomposition failed: {error}"),
        })?;
        variances.iter_mut().for_each(|v| *v = v.max(0.0));
        Ok(Axes { variances, vectors, windows: collect(rows) })
    }

    /// The first `k` axes.
    fn vectors(&self, k: usize) -> impl Iterator<Item = &[f64]> {
        self.vectors.chunks_exact(self.variances.len()).take(k)
    }

    fn largest(&self) -> f64 {
        self.windows.iter().flatten().fold(0.0, |largest, v| v.abs().max(largest))
    }

    /// Mean |quantised coefficient| with 8 fraction bits.
    fn magnitudes(&self, k: usize, step: f64) -> Vec<u32> {
        let mean = |vector: &[f64]| {
            let size = |window: &Vec<f64>| (dot(window, vector) / step).round().abs();
            self.windows.iter().map(size).sum::<f64>() / self.windows.len() as f64
        };
        self.vectors(k).map(|vector| q8(mean(vector)).min(MAX_MAGNITUDE)).collect()
    }

    /// Steps and numbers of components worth trying for a root mean square error.
    fn candidates(&self, e: f64) -> Vec<(f64, usize)> {
        let mut list = Vec::new();
        for share in [1.0, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2] {
            let level = self.water_level(e * share);
            for cut in [0.5, 1.0, 2.0] {
                let k = self.variances.iter().filter(|&&v| v > level * cut).count().max(1);
                let candidate = ((12.0 * level).sqrt(), k);
                if !list.contains(&candidate) {
                    list.push(candidate);
                }
            }
        }
        list
    }

    /// Reverse water-filling: the level θ at which Σ min(variance, θ) is the allowed distortion.
    fn water_level(&self, rmse: f64) -> f64 {
        let allowed = rmse * rmse * self.variances.len() as f64;
        let spent = |level: f64| self.variances.iter().map(|v| v.min(level)).sum::<f64>();
        let (mut low, mut high) = (0.0, self.variances[0].max(allowed));
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if spent(middle) <= allowed { low = middle } else { high = middle }
        }
        // Where the error allows all there is, no component is worth sending.
        low.max(rmse * rmse)
    }
}
