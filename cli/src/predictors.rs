//! Learns how the counts of each channel are best predicted: weighted least squares over the past
//! of all channels and the channels before it in the row, one term after the other, as long as a
//! term saves more bits than it costs.

use eigenmote::codec::{MAX_LAG, MAX_TERMS, Predictor, Term, Terms, WEIGHT_BITS};

/// Most terms for a first row: it is one of many.
const MAX_START_TERMS: usize = 8;
/// Most other channels that a channel looks at, the nearest by number.
const MAX_NEIGHBOURS: usize = 48;
/// Rows of others that are looked back to.
const NEIGHBOUR_LAG: u8 = 2;
/// Rows that sums run over.
const MAX_SAMPLES: usize = 12_000;
/// Consecutive rows whose cost is estimated together.
const BLOCK: usize = 256;
/// Bits that a term takes in the model.
const TERM_BITS: f64 = 32.0;
/// A term must save at least this many bits per value: less is chance.
const LEAST_GAIN: f64 = 0.004;
/// Terms without a gain after which the search ends.
const PATIENCE: usize = 5;
/// Largest weight that a term holds.
const MAX_WEIGHT: f64 = 7.9;

/// Which terms may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Polynomials through the channel's own past.
    Polynomials,
    /// The channel's own past.
    Own,
    /// The past of all channels, and the channels before it.
    All,
}

impl Reach {
    pub(crate) const EACH: [Self; 3] = [Self::Polynomials, Self::Own, Self::All];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Polynomials => "polynomials",
            Self::Own => "own past",
            Self::All => "all channels",
        }
    }
}

/// Counts of all training rows; a stretch never spans two recordings.
pub(crate) struct Counts {
    pub(crate) channels: usize,
    /// Row by row, less the channel's mean.
    pub(crate) stretches: Vec<Vec<i32>>,
    /// The means.
    pub(crate) means: Vec<i32>,
}

/// One candidate or chosen term.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Weighted {
    channel: usize,
    lag: usize,
    weight: f64,
}

impl Counts {
    fn value(&self, at: (usize, usize), channel: usize, lag: usize) -> f64 {
        let (stretch, row) = at;
        f64::from(self.stretches[stretch][(row - lag) * self.channels + channel])
    }

    fn residual(&self, at: (usize, usize), channel: usize, terms: &[Weighted]) -> f64 {
        let sum: f64 = terms.iter().map(|t| t.weight * self.value(at, t.channel, t.lag)).sum();
        self.value(at, channel, 0) - sum
    }

    fn rows(&self) -> usize {
        self.stretches.iter().map(|s| s.len() / self.channels).sum()
    }

    /// Rows with enough past, in blocks of consecutive ones, not more than [`MAX_SAMPLES`].
    fn blocks(&self) -> Vec<Vec<(usize, usize)>> {
        let lag = usize::from(MAX_LAG);
        let mut blocks = Vec::new();
        for (stretch, counts) in self.stretches.iter().enumerate() {
            let rows: Vec<usize> = (lag..counts.len() / self.channels).collect();
            blocks.extend(rows.chunks(BLOCK).map(|b| b.iter().map(|&r| (stretch, r)).collect()));
        }
        let step = (blocks.len() * BLOCK).div_ceil(MAX_SAMPLES).max(1);
        blocks.into_iter().step_by(step).collect()
    }

    /// The predictor of one channel.
    pub(crate) fn predictor(&self, channel: usize, reach: Reach) -> Predictor {
        let blocks = self.blocks();
        let rows: Vec<(usize, usize)> = blocks.iter().flatten().copied().collect();
        let price = (TERM_BITS / self.rows() as f64).max(LEAST_GAIN);
        let coupled = reach == Reach::All;
        let cost = |terms: &[Weighted]| {
            let bits: f64 = blocks
                .iter()
                .map(|b| bits(b.iter().map(|&at| self.residual(at, channel, terms))))
                .sum();
            bits / rows.len().max(1) as f64 + price * terms.len() as f64
        };
        let mut best = (f64::INFINITY, Vec::new());
        let mut consider = |terms: Vec<Weighted>| {
            let cost = cost(&terms);
            let better = cost < best.0;
            if better {
                best = (cost, terms);
            }
            better
        };
        for order in 0..=3 {
            consider(polynomial(channel, order));
        }
        let before: Vec<(usize, usize)> =
            self.neighbours(channel).filter(|&c| c < channel).map(|c| (c, 0)).collect();
        if reach != Reach::Polynomials && !rows.is_empty() {
            let mut candidates: Vec<(usize, usize)> =
                (1..=usize::from(MAX_LAG)).map(|lag| (channel, lag)).collect();
            if coupled {
                candidates.extend(&before);
                for lag in 1..=usize::from(NEIGHBOUR_LAG) {
                    candidates.extend(self.neighbours(channel).map(|c| (c, lag)));
                }
            }
            let residuals =
                rows.iter().map(|&at| self.residual(at, channel, &polynomial(channel, 1)));
            let weights = local_weights(residuals);
            let mut stale = 0;
            self.greedy(channel, &candidates, &rows, &weights, MAX_TERMS, |terms| {
                stale = if consider(terms) { 0 } else { stale + 1 };
                stale < PATIENCE
            });
        }
        let terms = best.1;

        let mut start = Vec::new();
        if coupled && !before.is_empty() && !rows.is_empty() {
            let spread = |terms: &[Weighted]| {
                mean(rows.iter().map(|&at| self.residual(at, channel, terms).abs()))
            };
            let weights = vec![1.0; rows.len()];
            let mut least = spread(&start);
            self.greedy(channel, &before, &rows, &weights, MAX_START_TERMS, |terms| {
                let spread = spread(&terms);
                let better = spread < 0.95 * least;
                if better {
                    (least, start) = (spread, terms);
                }
                better
            });
        }
        let all = || {
            self.stretches
                .iter()
                .enumerate()
                .flat_map(|(s, c)| (0..c.len() / self.channels).map(move |r| (s, r)))
        };
        let scale = if rows.is_empty() {
            mean(all().map(|at| self.value(at, channel, 0).abs()))
        } else {
            mean(rows.iter().map(|&at| self.residual(at, channel, &terms).abs()))
        };
        Predictor {
            mean: self.means[channel],
            spread: level(mean(all().map(|at| self.residual(at, channel, &start).abs()))),
            scale: level(scale),
            start: fixed_point(&start),
            terms: fixed_point(&terms),
        }
    }

    fn neighbours(&self, channel: usize) -> impl Iterator<Item = usize> {
        let most = MAX_NEIGHBOURS.min(self.channels - 1);
        let first = channel.saturating_sub(most / 2).min(self.channels - 1 - most);
        (first..=first + most).filter(move |&c| c != channel)
    }

    /// Adds the candidate that leaves the least weighted squares, again and again; `take` gets
    /// every set of terms and says whether to go on.
    fn greedy(
        &self,
        channel: usize,
        candidates: &[(usize, usize)],
        rows: &[(usize, usize)],
        weights: &[f64],
        most: usize,
        mut take: impl FnMut(Vec<Weighted>) -> bool,
    ) {
        // Normal equations, with the target as the last column.
        let n = candidates.len();
        let width = n + 1;
        let mut sums = vec![0.0; width * width];
        let mut features = vec![0.0; width];
        for (&at, weight) in rows.iter().zip(weights) {
            for (feature, &(c, lag)) in
                features.iter_mut().zip(candidates.iter().chain([&(channel, 0)]))
            {
                *feature = self.value(at, c, lag);
            }
            for i in 0..width {
                let scaled = weight * features[i];
                if scaled != 0.0 {
                    let row = &mut sums[i * width..][..width];
                    row[i..].iter_mut().zip(&features[i..]).for_each(|(sum, x)| *sum += scaled * x);
                }
            }
        }
        for i in 0..width {
            for j in 0..i {
                sums[i * width + j] = sums[j * width + i];
            }
        }
        // Regularised: as if each count were off by a little, which rounding to counts makes it.
        let rounding = weights.iter().sum::<f64>() / 48.0;
        let own: Vec<f64> = (0..n).map(|i| sums[i * width + i]).collect();
        for (i, own) in own.iter().enumerate() {
            sums[i * width + i] = own * (1.0 + 1e-6) + rounding;
        }
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < most.min(n) {
            let gain = |&i: &usize| {
                let (pivot, with) = (sums[i * width + i], sums[i * width + n]);
                if pivot > 1e-7 * own[i] && pivot > 0.0 { with * with / pivot } else { 0.0 }
            };
            let free =
                (0..n).filter(|i| !chosen.contains(i)).max_by(|a, b| gain(a).total_cmp(&gain(b)));
            let Some(next) = free.filter(|next| gain(next) > 0.0) else {
                return;
            };
            chosen.push(next);
            eliminate(&mut sums, width, next);
            let solved = |&i: &usize| {
                let (channel, lag) = candidates[i];
                let weight = sums[i * width + n] / sums[i * width + i];
                Weighted { channel, lag, weight: rounded(weight) }
            };
            if !take(chosen.iter().map(solved).collect()) {
                return;
            }
        }
    }
}

/// How many rows of a stretch choices are learnt from; they are judged on the rest.
pub(crate) fn front_rows(rows: usize) -> usize {
    rows * 4 / 5
}

/// Gauss and Jordan's step: unknown `pivot` leaves all other equations.
fn eliminate(sums: &mut [f64], width: usize, pivot: usize) {
    let row = sums[pivot * width..][..width].to_vec();
    for (i, other) in sums.chunks_exact_mut(width).enumerate() {
        let factor = other[pivot] / row[pivot];
        if i != pivot && factor != 0.0 {
            other.iter_mut().zip(&row).for_each(|(x, r)| *x -= factor * r);
        }
    }
}

fn polynomial(channel: usize, order: u8) -> Vec<Weighted> {
    let terms = Terms::polynomial(0, order);
    let unit = f64::from(1_u32 << WEIGHT_BITS);
    let weighted = |term: &Term| Weighted {
        channel,
        lag: term.lag.into(),
        weight: f64::from(term.weight) / unit,
    };
    terms.as_slice().iter().map(weighted).collect()
}

fn rounded(weight: f64) -> f64 {
    let unit = f64::from(1_u32 << WEIGHT_BITS);
    (weight.clamp(-MAX_WEIGHT, MAX_WEIGHT) * unit).round() / unit
}

fn fixed_point(terms: &[Weighted]) -> Terms {
    let unit = f64::from(1_u32 << WEIGHT_BITS);
    let term = |t: &Weighted| Term {
        channel: t.channel as u8,
        lag: t.lag as u8,
        weight: (t.weight * unit) as i16,
    };
    let terms: Vec<Term> = terms.iter().map(term).filter(|t| t.weight != 0).collect();
    Terms::new(&terms).unwrap_or_default()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), x| (sum + x, count + 1));
    sum / count.max(1) as f64
}

/// A mean magnitude with 8 fraction bits, within what a model holds.
fn level(magnitude: f64) -> u32 {
    ((magnitude * 256.0) as u32).min(1 << 30)
}

/// The size that the codec expects of the next residual.
struct Size {
    fast: f64,
    slow: f64,
}

impl Size {
    fn expected(&self) -> f64 {
        0.5 * (self.fast + self.slow)
    }

    fn update(&mut self, magnitude: f64) {
        self.fast += (magnitude - self.fast) / 2.0;
        self.slow += (magnitude - self.slow) / 32.0;
    }
}

/// Weights that make squares count as bits: by the size expected at each place, and less where a
/// residual is far beyond it.
fn local_weights(residuals: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let start = mean(residuals.clone().map(f64::abs)) + 0.3;
    let mut size = Size { fast: start, slow: start };
    residuals
        .map(|r| {
            let expected = size.expected() + 0.3;
            size.update(r.abs());
            1.0 / (expected * expected.max(0.5 * r.abs()))
        })
        .collect()
}

/// About what the entropy coder takes for consecutive residuals: Laplace's distribution of the
/// expected size, with a long tail.
fn bits(residuals: impl Iterator<Item = f64>) -> f64 {
    let mut size: Option<Size> = None;
    let mut bits = 0.0;
    for r in residuals {
        let a = r.abs();
        let size = size.get_or_insert(Size { fast: a + 0.3, slow: a + 0.3 });
        let b = size.expected().max(0.08);
        let p = if a < 0.5 {
            1.0 - 0.5 * ((-(0.5 - a) / b).exp() + (-(0.5 + a) / b).exp())
        } else {
            0.5 * ((-(a - 0.5) / b).exp() - (-(a + 0.5) / b).exp())
        };
        bits -= (0.99 * p + 0.003 / ((1.0 + a) * (1.0 + a))).log2();
        size.update(a);
    }
    bits
}
