//! Models that predict each value: terms, lattices, and what a bit is worth under a budget.

use anyhow::{Context, Result, anyhow, bail};
use eigenmote::codec::fit::{DEFAULT_PRIORS, DEFAULT_RATE, q8};
use eigenmote::codec::{CONTEXTS, Channel, Lattice, Method, Model, ModelSpec};

use super::{Judge, Stats, TRIAL_WINDOWS, Training, some, tally, windows, write};
use crate::coding::{Value, cost};
use crate::predictors::{Counts, Reach};

/// Rates of adaptation that are tried.
const RATES: [u8; 5] = [4, 5, 6, 7, 8];
/// Steps that are tried under a budget, as multiples of the error allowed: rounding to a step s
/// costs s/√12, so √12 of them would do if bits were worth nothing.
const STEPS: [f64; 6] = [2.2, 2.45, 2.7, 2.9, 3.1, 3.3];
/// What a bit is worth, in squared steps.
const TRADEOFFS: [f64; 5] = [0.05, 0.08, 0.11, 0.15, 0.2];
/// The first step and tradeoff tried, with every reach.
const FIRST: (f64, f64) = (2.9, 0.11);
/// Parts of the usual window that are tried as windows too, if they have enough rows.
const SHORTER: [usize; 2] = [4, 16];
const LEAST_ROWS: usize = 32;
/// A value that so many of a channel's rows have at least is one point of its lattice.
const COMMON: f64 = 1.0 / 64.0;

/// What a fit has to reach.
pub(super) enum Goal {
    /// Every value of each channel within its bound.
    Bounds(Vec<f64>),
    /// The root mean square error of every window, in units.
    Rmse(f64),
    /// So many components.
    Components(usize),
}

/// A way to predict.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    rows: usize,
    reach: Reach,
    /// Under a budget: steps as multiples of the error, and what a bit is worth.
    budget: Option<(f64, f64)>,
}

/// All ways to predict.
pub(super) struct Predictive<'a, S> {
    training: &'a Training<'a, S>,
    goal: &'a Goal,
    rows: usize,
}

impl<'a, S: Value> Predictive<'a, S> {
    pub(super) fn new(training: &'a Training<'a, S>, goal: &'a Goal) -> Result<Self> {
        // Long windows, so that what each frame costs beside its values is next to nothing.
        let default = (8192 / training.channels()).next_power_of_two().clamp(128, 4096);
        Ok(Self { training, goal, rows: training.window(default)? })
    }

    /// What is worth fitting, with its price.
    pub(super) fn ways(&self, judge: &mut Judge<'_, S>) -> Result<Vec<(f64, Way)>> {
        let training = self.training;
        let budgets = if let Goal::Rmse(_) = self.goal { STEPS.len() } else { 0 };
        let total = training.channels() * (Reach::EACH.len() + budgets);
        let progress = training.console.progress("fitting", total);
        let front = training.front();
        let first = if budgets == 0 { None } else { Some(FIRST) };
        let mut ways: Vec<(f64, Way)> = Vec::new();
        for reach in Reach::EACH {
            let way = Way { rows: self.rows, reach, budget: first };
            let channels = self.channels(&front, &way, || progress.step())?;
            ways.push((Self::price(judge, &front, &way, &channels)?, way));
        }
        ways.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let (_, best) = *ways.first().context("no model")?;
        for step in STEPS.into_iter().take(budgets) {
            let at = |tradeoff| Way { budget: Some((step, tradeoff)), ..best };
            let channels = self.channels(&front, &at(0.0), || progress.step())?;
            for tradeoff in TRADEOFFS {
                if (step, tradeoff) != FIRST {
                    let way = at(tradeoff);
                    ways.push((Self::price(judge, &front, &way, &channels)?, way));
                }
            }
        }
        // Shorter windows have more headers, but their channels' levels start afresh.
        ways.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let (_, best) = *ways.first().context("no model")?;
        let shorter = SHORTER.map(|part| best.rows / part).into_iter();
        let shorter = shorter.filter(|&rows| training.plan.window.is_none() && rows >= LEAST_ROWS);
        let shorter: Vec<Way> = shorter.map(|rows| Way { rows, ..best }).collect();
        if !shorter.is_empty() {
            let channels = self.channels(&front, &best, || ())?;
            for way in shorter {
                ways.push((Self::price(judge, &front, &way, &channels)?, way));
            }
        }
        Ok(ways)
    }

    fn price(
        judge: &mut Judge<'_, S>,
        front: &[Vec<S>],
        way: &Way,
        channels: &[Channel<S>],
    ) -> Result<f64> {
        let draft = Self::blob(way, channels, &DEFAULT_PRIORS, DEFAULT_RATE)?;
        let (reach, rows) = (way.reach.name(), way.rows);
        let what = match way.budget {
            None => format!("bounded, {rows} rows, {reach}"),
            Some((step, tradeoff)) => {
                format!("predictive, {rows} rows, {reach}, step {step}, bits worth {tradeoff}")
            }
        };
        if way.budget.is_none() {
            return judge.price(what, &draft);
        }
        // What a bit is worth changes what is sent.
        let windows = windows(front, way.rows * channels.len());
        let priors = tally(&draft, &some(&windows, TRIAL_WINDOWS))?;
        judge.price(what, &Self::blob(way, channels, &priors, DEFAULT_RATE)?)
    }

    /// The model of all rows.
    pub(super) fn build(&self, way: &Way) -> Result<Vec<u8>> {
        let training = self.training;
        let progress = training.console.progress("fitting", training.channels() + RATES.len());
        let channels = self.channels(training.segments, way, || progress.step())?;
        let windows = windows(training.segments, way.rows * channels.len());
        let draft = Self::blob(way, &channels, &DEFAULT_PRIORS, DEFAULT_RATE)?;
        let own_priors = tally(&draft, &windows)?;
        let trial = some(&windows, TRIAL_WINDOWS);
        let share = trial.iter().map(|window| window.len()).sum::<usize>() as f64
            / windows.iter().map(|window| window.len()).sum::<usize>() as f64;
        let mut best: Option<(f64, Vec<u8>)> = None;
        for rate in RATES {
            for priors in [&DEFAULT_PRIORS, &own_priors] {
                let blob = Self::blob(way, &channels, priors, rate)?;
                let frames = cost(&Model::parse(&blob)?, &trial)? as f64;
                let cost = frames + share * blob.len() as f64;
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, blob));
                }
            }
            progress.step();
        }
        Ok(best.context("no model")?.1)
    }

    /// Lattices and predictors, learnt from some rows.
    fn channels(
        &self,
        segments: &[Vec<S>],
        way: &Way,
        progress: impl Fn(),
    ) -> Result<Vec<Channel<S>>> {
        let training = self.training;
        let mut lattices = Vec::with_capacity(training.channels());
        for (c, stats) in training.stats.iter().enumerate() {
            lattices.push(match (self.goal, way.budget) {
                (Goal::Bounds(bounds), _) => bounded_lattice(training.values(c), stats, bounds[c])?,
                (Goal::Rmse(e), Some((step, _))) => {
                    weighed_lattice(training.values(c), stats, e * training.units[c], step)?
                }
                _ => bail!("no step is known"),
            });
        }
        let counts = counts(segments, training.stats, &lattices, way.budget.is_none());
        let channel = |(channel, &lattice)| {
            progress();
            Channel { lattice, predictor: counts.predictor(channel, way.reach) }
        };
        Ok(lattices.iter().enumerate().map(channel).collect())
    }

    fn blob(
        way: &Way,
        channels: &[Channel<S>],
        priors: &[u16; CONTEXTS],
        rate: u8,
    ) -> Result<Vec<u8>> {
        let method = match way.budget {
            // The error promised counts as one, so what a bit is worth is in its squares.
            Some((step, tradeoff)) => {
                Method::Predictive { tradeoff: q8(tradeoff * step * step), budget: q8(1.0) }
            }
            None => Method::Bounded,
        };
        write(&ModelSpec { window: way.rows as u16, channels, method, priors, rate })
    }
}

/// The counts of all training rows; a value without one takes the last.
fn counts<S: Value>(
    segments: &[Vec<S>],
    stats: &[Stats],
    lattices: &[Lattice<S>],
    bounded: bool,
) -> Counts {
    let channels = lattices.len();
    let means = lattices.iter().zip(stats);
    let means: Vec<i32> = means.map(|(l, s)| l.nearest(S::from_f64(s.mean)).unwrap_or(0)).collect();
    let mut last = vec![0; channels];
    let stretches = segments.iter().map(|segment| {
        let places = (0..channels).cycle();
        let centred = segment.iter().zip(places).map(|(&x, c)| {
            let lattice = &lattices[c];
            if let Some(count) = if bounded { lattice.snap(x) } else { lattice.nearest(x) } {
                last[c] = count.saturating_sub(means[c]);
            }
            last[c]
        });
        centred.collect()
    });
    let stretches = stretches.collect();
    Counts { channels, stretches, means }
}

/// Lattice of one channel that keeps a bound.
fn bounded_lattice<S: Value>(
    values: impl Iterator<Item = S>,
    stats: &Stats,
    bound: f64,
) -> Result<Lattice<S>> {
    // Counts stay below 2^30: a channel far from zero is counted from its mean.
    let offset = if stats.largest / (2.0 * bound) > f64::from(1 << 29) { stats.mean } else { 0.0 };
    let lattice = Lattice::<S>::bounded(offset, bound).ok_or_else(|| {
        if bound <= 0.0 {
            anyhow!(
                "a maximum error of {bound:e} cannot be kept in floating-point numbers; give a larger \
                 one, or --kind i32 for whole numbers"
            )
        } else {
            anyhow!("a maximum error of {bound:e} is out of the range of the sample type")
        }
    })?;
    let values: Vec<f64> = values.map(S::to_f64).collect();
    let quantum = stats.quantum.filter(|_| offset == 0.0);
    Ok(on_grid(lattice, &values, quantum, bound).unwrap_or(lattice))
}

/// Lattice of one channel for a budget, with a step of some multiple of the error allowed. A common
/// value is a point of it, and so are all values if they take few levels that are further apart.
fn weighed_lattice<S: Value>(
    values: impl Iterator<Item = S>,
    stats: &Stats,
    error: f64,
    multiple: f64,
) -> Result<Lattice<S>> {
    let mut values: Vec<f64> = values.map(S::to_f64).collect();
    values.sort_by(f64::total_cmp);
    let runs = values.chunk_by(|a, b| a == b);
    let longest = runs.max_by_key(|run| run.len()).unwrap_or(&[]);
    let common = longest.len() as f64 >= COMMON * values.len() as f64;
    let offset = longest.first().filter(|_| common).copied().unwrap_or(stats.mean);
    let step = multiple * error;
    let (offset, step) = match (levels(&values, step / 2.0), stats.quantum) {
        (Some(grid), _) => grid,
        (None, Some(quantum)) if quantum <= step => (0.0, (step / quantum).floor() * quantum),
        _ => (offset, step),
    };
    Lattice::<S>::weighed(offset, step, error).with_context(|| {
        format!("steps of {step:e} for an error of {error:e} are out of the sample type's range")
    })
}

/// A coarser lattice that is as good: where all values are multiples of a quantum, a step that is
/// one too may be longer, and so may one to which all values keep as far as they have been seen.
/// Should others come later, they become escapes.
fn on_grid<S: Value>(
    lattice: Lattice<S>,
    values: &[f64],
    quantum: Option<f64>,
    bound: f64,
) -> Option<Lattice<S>> {
    let decimal = quantum.map(|quantum| (0.0, quantum));
    let grids = [decimal, levels(values, bound)].into_iter().flatten();
    let lattices = grids.filter_map(|(offset, grid)| Lattice::<S>::on_grid(offset, grid, bound));
    lattices.fold(
        None,
        |best: Option<Lattice<S>>, next| {
            if next.step > best.unwrap_or(lattice).step { Some(next) } else { best }
        },
    )
}

/// Fewest rows per level for levels to be taken as all there are.
const ROWS_PER_LEVEL: usize = 64;
/// The part of the bound that levels may lie off an even grid.
const OFF_GRID: f64 = 0.5;

/// Offset and spacing of an even grid that all values lie on within a part of the bound, if they
/// take few enough levels and these are further apart than a lattice without it would resolve.
fn levels(values: &[f64], bound: f64) -> Option<(f64, f64)> {
    let mut sorted = values.to_vec();
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
