//! Choosing what a model holds from training windows, without memory of their number.
//!
//! The order of work, for a tool or a device:
//! 1. a [`Lattice`](super::Lattice) per channel from the promise;
//! 2. counts of the training rows by [`snap`](super::Lattice::snap); a [`Survey`] per channel finds the order
//!    of its predictor and the sizes of its residuals;
//! 3. a draft model with [`DEFAULT_PRIORS`]; a [`Tally`] runs the training windows through it and
//!    counts the bits of each context; the model again, with [`Tally::priors`].

use super::entropy::{BitCoder, CONTEXTS, Contexts, Expectation, LEVEL_BITS, log2_q8};
use super::model::{Mode, Model};
use super::predict::{Predictor, Terms};
use super::predictive::Manner;
use super::{EncodeError, Sample, Slot, check_window, predictive, transform};
use crate::scalar::Scalar;

/// Priors for a model without training data of its own: the mean, as log odds, of what nine sensor
/// recordings (heart, brain, gearbox, pump, air, power, motion, plant) ask for, each at ±0.2, 0.05
/// and 0.01 deviations.
#[rustfmt::skip]
pub const DEFAULT_PRIORS: [u16; CONTEXTS] = [
    300, 6780, 36009, 32408, 33179, 23017, 24398, 24398, 503, 7566, 41093, 29880,
    32813, 28194, 32768, 24398, 1748, 5510, 34466, 41849, 32029, 27725, 24897, 38011,
    3138, 5212, 34311, 42511, 28912, 25876, 29890, 38011, 5971, 4067, 25994, 37385,
    35802, 30295, 22715, 29463, 9946, 3802, 11320, 33785, 25334, 32299, 19123, 38011,
    15272, 3592, 8411, 25849, 32302, 32281, 30510, 33428, 18800, 5790, 4587, 17056,
    21495, 33156, 24925, 26604, 24707, 9745, 4891, 10689, 23071, 25947, 39297, 26572,
    32248, 16266, 7798, 6681, 13798, 22868, 26370, 28880, 43486, 26427, 12516, 6582,
    12911, 18204, 27977, 33322, 36067, 27212, 17615, 7037, 7796, 19034, 26028, 26488,
    37295, 33407, 25078, 9669, 6294, 10753, 27010, 26584, 37460, 28800, 20726, 16821,
    9830, 11393, 18648, 11546, 35378, 30749, 27941, 21483, 12106, 6771, 10395, 14703,
    34557, 31311, 24184, 17540, 16605, 7905, 8787, 10690, 19476, 3028, 32768, 24398,
    16257, 14246, 22967, 19845, 10042, 8044, 29445, 15925, 10446, 7729, 26555, 13108,
    9291, 4471, 20979, 9192, 13290, 4159, 23385, 4265, 19776, 4150, 27190, 4238,
    24731, 6278, 30414, 6296, 31183, 9973, 34328, 10160, 37747, 16873, 41252, 18787,
    22433, 32768, 32768, 18878, 24797, 26304, 15286, 23493, 24300, 13286, 20545, 22322,
    12075, 17795, 25803, 12925, 21079, 30660, 30821, 33958, 28646, 23722, 26048, 27709,
    19192, 21025, 23963,
];
/// Rate of adaptation that suits most recordings.
pub const DEFAULT_RATE: u8 = 6;

/// Orders of polynomials that a [`Survey`] compares.
const ORDERS: usize = 4;

/// A weight of the basis: the nearest multiple of 2^−14, at most ±2.
pub fn basis_weight(weight: f64) -> i16 {
    let scaled = Scalar::round(weight * f64::from(1 << transform::BASIS_BITS));
    #[expect(clippy::cast_possible_truncation, reason = "the conversion saturates")]
    let weight = scaled as i16;
    weight
}

/// A positive number with 8 fraction bits, rounded down: steps of coefficients, budgets (so the
/// promise is never loosened) and expected magnitudes.
pub fn q8(x: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the conversion saturates"
    )]
    let q8 = (x * 256.0) as u32;
    q8
}

/// The quantised coefficients of a window, for their expected magnitudes
/// ([`super::Transform::scales`]); `false` if the window would be sent plain.
///
/// `out` takes the K coefficients. A bounded model has none.
///
/// # Errors
/// As [`super::encode`], without an output.
pub fn coefficients<S: Sample>(
    model: &Model<'_>,
    window: &[S],
    scratch: &mut [Slot],
    out: &mut [i32],
) -> Result<bool, EncodeError> {
    check_window(model, window)?;
    let needed = model.scratch_len();
    let slots = scratch.get_mut(..needed).ok_or(EncodeError::ScratchTooSmall { needed })?;
    let coded = transform::project(model, window, slots) && transform::quantize(model, slots);
    for (coefficient, slot) in out.iter_mut().zip(slots.iter().take(model.components())) {
        *coefficient = slot.coefficient();
    }
    Ok(coded)
}

/// Statistics of one channel's counts: which predictor suits it.
#[derive(Clone, Copy, Debug)]
pub struct Survey {
    mean: i32,
    past: [i32; ORDERS],
    row: usize,
    /// Counts seen, and their distances from the mean.
    count: u64,
    spread: u64,
    /// Counts with enough past for every order, and sums over them.
    predicted: u64,
    magnitude: [u64; ORDERS],
    bits_q8: [u64; ORDERS],
}

impl Survey {
    /// A survey of a channel whose mean count is known.
    pub const fn new(mean: i32) -> Self {
        Self {
            mean,
            past: [0; ORDERS],
            row: 0,
            count: 0,
            spread: 0,
            predicted: 0,
            magnitude: [0; ORDERS],
            bits_q8: [0; ORDERS],
        }
    }

    /// Forgets the past: the next count is not the successor of the last one.
    pub fn restart(&mut self) {
        self.row = 0;
    }

    /// Takes the next count of the channel; leave out values without one.
    pub fn push(&mut self, count: i32) {
        let [a, b, c, _] = self.past;
        let off_mean = count.wrapping_sub(self.mean);
        self.count = self.count.saturating_add(1);
        self.spread = self.spread.saturating_add(u64::from(off_mean.unsigned_abs()));
        if self.row >= ORDERS - 1 {
            let line = a.wrapping_mul(2).wrapping_sub(b);
            let parabola = a.wrapping_sub(b).wrapping_mul(3).wrapping_add(c);
            let predictions = [self.mean, a, line, parabola];
            self.predicted = self.predicted.saturating_add(1);
            let sums = self.magnitude.iter_mut().zip(&mut self.bits_q8);
            for ((magnitude, bits), prediction) in sums.zip(predictions) {
                let residual = count.wrapping_sub(prediction).unsigned_abs();
                *magnitude = magnitude.saturating_add(u64::from(residual));
                *bits = bits.saturating_add(u64::from(log2_q8(residual.saturating_mul(2) | 1)));
            }
        }
        self.past = [count, a, b, c];
        self.row = self.row.saturating_add(1);
    }

    /// The polynomial predictor of `channel` (its number) with the least cost over what has been
    /// pushed; the mean if nothing has.
    pub fn predictor(&self, channel: u8) -> Predictor {
        let costs = (0_u8..).zip(self.bits_q8).zip(self.magnitude);
        let best = costs.min_by_key(|&((_, bits), _)| bits);
        let ((order, _), magnitude) = best.unwrap_or(((0, 0), 0));
        Predictor {
            mean: self.mean,
            spread: mean_level(self.spread, self.count),
            scale: mean_level(magnitude, self.predicted),
            start: Terms::NONE,
            terms: Terms::polynomial(channel, order),
        }
    }
}

/// Σ/n with the fraction bits of a level, within what a model may hold.
fn mean_level(sum: u64, count: u64) -> u32 {
    let level = (sum.saturating_mul(1 << LEVEL_BITS)).checked_div(count).unwrap_or(0);
    u32::try_from(level).unwrap_or(u32::MAX).min(1 << 30)
}

/// Counts how often each context saw a one over training windows.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    zeros: [u32; CONTEXTS],
    ones: [u32; CONTEXTS],
    /// What choices are made with: the model's priors.
    contexts: Contexts,
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

impl Tally {
    /// Nothing counted yet.
    pub const fn new() -> Self {
        Self { zeros: [0; CONTEXTS], ones: [0; CONTEXTS], contexts: Contexts::NONE }
    }

    /// Counts the bits that encoding `window` takes. Which contexts they fall in depends on the
    /// model's channels and transform, not on its priors.
    ///
    /// # Errors
    /// As [`super::encode`], without an output.
    pub fn window<S: Sample>(
        &mut self,
        model: &Model<'_>,
        window: &[S],
        scratch: &mut [Slot],
    ) -> Result<(), EncodeError> {
        check_window(model, window)?;
        let needed = model.scratch_len();
        let slots = scratch.get_mut(..needed).ok_or(EncodeError::ScratchTooSmall { needed })?;
        match model.mode() {
            Mode::Bounded | Mode::Predictive => {
                predictive::start::<S>(model, slots);
                self.contexts.start(model);
                let manner = Manner { fresh: true, refined: false, tradeoff: model.tradeoff() };
                predictive::encode(self, model, window, slots, manner);
            }
            Mode::Transform => match transform::prepare(model, window, slots) {
                transform::Choice::Plain => {}
                transform::Choice::Coefficients => {
                    transform::encode(self, model, window, slots, None);
                }
                transform::Choice::Refined(step) => {
                    transform::encode(self, model, window, slots, Some(step));
                }
            },
        }
        Ok(())
    }

    /// The share of ones in each context, with the default prior counted as two more bits.
    pub fn priors(&self) -> [u16; CONTEXTS] {
        let mut priors = DEFAULT_PRIORS;
        for (prior, (&zeros, &ones)) in priors.iter_mut().zip(self.zeros.iter().zip(&self.ones)) {
            let (zeros, ones) = (u64::from(zeros), u64::from(ones));
            let share = ((ones << 16) + 2 * u64::from(*prior)) / (zeros + ones + 2);
            *prior = u16::try_from(share).unwrap_or(u16::MAX);
        }
        priors
    }
}

impl BitCoder for Tally {
    fn encodes(&self) -> bool {
        true
    }

    fn bit(&mut self, context: u32, bit: bool) -> bool {
        let counts = if bit { &mut self.ones } else { &mut self.zeros };
        if let Some(count) = counts.get_mut(context as usize) {
            *count = count.saturating_add(1);
        }
        bit
    }

    fn equal_bits(&mut self, value: u32, _: u32) -> u32 {
        value
    }

    fn price(&self, expected: &Expectation, value: i32) -> u32 {
        self.contexts.price(expected, value)
    }

    fn is_spent(&self) -> bool {
        false
    }
}
