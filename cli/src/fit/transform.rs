//! Models that project windows on principal axes.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::{Context, Result, anyhow, bail};
use eigenmote::codec::fit::{DEFAULT_PRIORS, DEFAULT_RATE, basis_weight, q8};
use eigenmote::codec::{Basis, Channel, Lattice, Method, ModelSpec, Transform};
use eigenmote::linalg::{EighError, eigh_view};
use eigenmote::mat::MatMut;
use eigenmote::simd::dot;

use super::{Goal, Judge, Stats, TRIAL_WINDOWS, Training, some, stats, tally, windows, write};
use crate::coding::Value;
use crate::input::Recording;
use crate::model_file::ModelFile;

/// Values in a window, unless the user says otherwise: the basis stays small.
const DEFAULT_VALUES: usize = 256;
/// Largest window in values: beyond it the decomposition takes minutes.
const MAX_VALUES: usize = 2048;
/// Largest expected magnitude that a model holds.
const MAX_MAGNITUDE: u32 = 1 << 30;
/// Most fraction bits of a weight.
const MAX_FRACTION_BITS: u8 = 14;

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
    /// Rows of a window.
    rows: usize,
    /// Variances, descending.
    variances: Vec<f64>,
    /// One after the other, in the order of the variances.
    vectors: Vec<f64>,
    /// Standardised windows, not overlapping: what expected magnitudes come from.
    windows: Vec<Vec<f64>>,
}

/// A way to project.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    rows: usize,
    /// Step of the coefficients, in units.
    step: f64,
    k: usize,
    /// Weights of one byte instead of two.
    bytes: bool,
}

impl Way {
    fn name(&self) -> String {
        let Self { rows, step, k, bytes } = self;
        let width = if *bytes { 8 } else { 16 };
        format!("transform, {rows} rows, {k} components of {width}-bit weights, step {step:.3}")
    }
}

/// All ways to project.
pub(super) struct Projection<'a, S> {
    training: &'a Training<'a, S>,
    goal: &'a Goal,
    /// Of all rows, for windows of the length they were needed for last.
    axes: RefCell<Option<Rc<Axes>>>,
}

impl<'a, S: Value> Projection<'a, S> {
    pub(super) fn new(training: &'a Training<'a, S>, goal: &'a Goal) -> Self {
        Self { training, goal, axes: RefCell::new(None) }
    }

    /// What is worth fitting, with its price.
    pub(super) fn ways(&self, judge: &mut Judge<'_, S>) -> Result<Vec<(f64, Way)>> {
        let training = self.training;
        let channels = training.channels();
        // Few training rows make a poor estimate of many axes.
        let default = (DEFAULT_VALUES / channels).min((training.rows() / 4).max(4));
        let rows = training.window(default)?;
        let values = rows * channels;
        if values > MAX_VALUES {
            bail!(
                "{channels} channels × {rows} rows are {values} values in a window; at most \
                 {MAX_VALUES} can be decomposed: give a shorter --window or fewer --columns"
            );
        }
        match *self.goal {
            Goal::Components(k) => self.components(judge, rows, k),
            Goal::Rmse(e) => {
                // A quarter of the rows as well: windows of few values need a small model.
                let quarter = rows / 4;
                let lengths = if training.plan.window.is_none() && quarter > 0 {
                    vec![rows, quarter]
                } else {
                    vec![rows]
                };
                let front = training.front();
                let mut ways = Vec::new();
                for rows in lengths {
                    self.within(e, rows, &front, judge, &mut ways)?;
                }
                Ok(ways)
            }
            Goal::Bounds(_) => Ok(Vec::new()),
        }
    }

    /// With a fixed number of components.
    fn components(
        &self,
        judge: &mut Judge<'_, S>,
        rows: usize,
        k: usize,
    ) -> Result<Vec<(f64, Way)>> {
        let training = self.training;
        let values = rows * training.channels();
        if k > values {
            bail!("--components {k} is more than the {values} values of a window");
        }
        let axes = &*self.axes(rows)?;
        let tail: f64 = axes.variances.iter().skip(k).sum();
        // Uniform rounding adds step²/12 per component: 1 % of what leaving out the rest costs.
        let fine = (0.12 * tail / k as f64).sqrt();
        let largest = self.largest(axes);
        let step = fine.max(axes.variances[0].sqrt() * 1e-4).max(largest * 1e-6);
        let windows = windows(training.segments, values);
        let trial = some(&windows, TRIAL_WINDOWS);
        // The finer weights if they fit: no promise says what the others lose.
        let mut ways = Vec::new();
        for (order, bytes) in [(0.0, false), (1.0, true)] {
            let way = Way { rows, step, k, bytes };
            judge.price(way.name(), &self.model(axes, &way, &trial)?)?;
            ways.push((order, way));
        }
        Ok(ways)
    }

    /// Steps and numbers of components for a root mean square error.
    fn within(
        &self,
        e: f64,
        rows: usize,
        front: &[Vec<S>],
        judge: &mut Judge<'_, S>,
        ways: &mut Vec<(f64, Way)>,
    ) -> Result<()> {
        let training = self.training;
        let waiting = training.console.wait("decomposing");
        let axes = Axes::of(front, training.stats, training.units, rows)?;
        drop(waiting);
        let windows = windows(front, rows * training.channels());
        let trial = some(&windows, TRIAL_WINDOWS);
        let candidates = axes.candidates(e);
        let progress = training.console.progress("fitting", candidates.len());
        let mut best: Option<(f64, Way)> = None;
        for (step, k) in candidates {
            let way = Way { rows, step, k, bytes: true };
            let price = judge.price(way.name(), &self.model(&axes, &way, &trial)?)?;
            if best.is_none_or(|(least, _)| price < least) {
                best = Some((price, way));
            }
            ways.push((price, way));
            progress.step();
        }
        if let Some((_, best)) = best {
            let way = Way { bytes: false, ..best };
            ways.push((judge.price(way.name(), &self.model(&axes, &way, &trial)?)?, way));
        }
        Ok(())
    }

    /// The model of all rows.
    pub(super) fn build(&self, way: &Way) -> Result<Vec<u8>> {
        let windows = windows(self.training.segments, way.rows * self.training.channels());
        self.model(&*self.axes(way.rows)?, way, &some(&windows, TRIAL_WINDOWS))
    }

    fn axes(&self, rows: usize) -> Result<Rc<Axes>> {
        let training = self.training;
        let known = self.axes.borrow().clone().filter(|axes| axes.rows == rows);
        if let Some(axes) = known {
            return Ok(axes);
        }
        let waiting = training.console.wait("decomposing");
        let axes = Rc::new(Axes::of(training.segments, training.stats, training.units, rows)?);
        drop(waiting);
        *self.axes.borrow_mut() = Some(axes.clone());
        Ok(axes)
    }

    fn largest(&self, axes: &Axes) -> f64 {
        match (axes.largest(), self.goal) {
            // Where nothing varies, any step will do that the sample type holds.
            (0.0, Goal::Components(_)) => 1.0,
            (largest, _) => largest.max(f64::MIN_POSITIVE),
        }
    }

    fn model(&self, axes: &Axes, way: &Way, trial: &[&[S]]) -> Result<Vec<u8>> {
        let &Way { rows, step, k, bytes } = way;
        let Training { stats, units, .. } = *self.training;
        let target = if let Goal::Rmse(e) = self.goal { Some(*e) } else { None };
        // Counts of the fine lattice stay below 2^23 over the training rows.
        let base = (target.unwrap_or(step) / 16.0).max(self.largest(axes) / f64::from(1 << 23));
        let mut specs = Vec::with_capacity(stats.len());
        let mut coarsest = 0.0_f64;
        for (stats, &unit) in stats.iter().zip(units) {
            let lattice = Lattice::<S>::fine(stats.mean, base * unit).with_context(|| {
                format!("a step of {:e} is out of the sample type's range", base * unit)
            })?;
            coarsest = coarsest.max(S::step_to_f64(lattice.step) / unit);
            let mut spec = Channel { lattice, ..Channel::default() };
            spec.predictor.mean = lattice.nearest(S::from_f64(stats.mean)).unwrap_or(0);
            specs.push(spec);
        }
        let budget = match target {
            None => None,
            Some(e) => match q8(e / coarsest) {
                budget if budget >= 1 => Some(budget),
                _ => bail!("a root mean square error of {e:e} is too small for these values"),
            },
        };
        let scales = axes.magnitudes(k, step);
        let write = |basis| {
            let coefficient_step = q8(step / base).max(1);
            let method =
                Method::Transform(Transform { coefficient_step, budget, scales: &scales, basis });
            let spec = |priors| {
                let window = rows as u16;
                write(&ModelSpec { window, channels: &specs, method, priors, rate: DEFAULT_RATE })
            };
            spec(&tally(&spec(&DEFAULT_PRIORS)?, trial)?)
        };
        let values = 0..axes.variances.len();
        if bytes {
            let bits: Vec<u8> = axes.vectors(k).map(fraction_bits).collect();
            let weight = |value: usize| {
                let weights = axes.vectors(k).map(move |vector| vector[value]).zip(&bits);
                weights.map(|(weight, &bits)| (weight * f64::from(1 << bits)).round() as i8)
            };
            write(Basis::I8(&values.flat_map(weight).collect::<Vec<i8>>(), &bits))
        } else {
            let weight = |value: usize| axes.vectors(k).map(move |v| basis_weight(v[value]));
            write(Basis::I16(&values.flat_map(weight).collect::<Vec<i16>>()))
        }
    }
}

/// Variances along the principal axes of a recording, descending, in units of a model's channels; an
/// axis weighs the values of so many consecutive rows.
pub(crate) fn spectrum(recording: &Recording, file: &ModelFile, rows: usize) -> Result<Vec<f64>> {
    let recordings = std::slice::from_ref(recording);
    let units: Vec<f64> = file.channels.iter().map(|channel| channel.unit).collect();
    let segments = std::slice::from_ref(&recording.values);
    Ok(Axes::of(segments, &stats(recordings), &units, rows)?.variances)
}

/// As many fraction bits as let the largest weight of an axis fit a byte.
fn fraction_bits(vector: &[f64]) -> u8 {
    let largest = vector.iter().fold(0.0, |largest: f64, w| largest.max(w.abs()));
    let fits = |bits: &u8| (largest * f64::from(1 << bits)).round() <= f64::from(i8::MAX);
    (0..=MAX_FRACTION_BITS).rev().find(fits).unwrap_or(0)
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
        Ok(Axes { rows, variances, vectors, windows: collect(rows) })
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
