//! Choosing what a model holds from training windows, without memory of their number.
//!
//! The order of work, for a tool or a device:
//! 1. a [`Lattice`](super::Lattice) per channel from the promise;
//! 2. counts of the training rows by [`snap`](super::Lattice::snap); a [`Survey`] per channel finds the order
//!    of its predictor and the sizes of its residuals;
//! 3. a draft model with [`DEFAULT_PRIORS`]; a [`Tally`] runs the training windows through it and
//!    counts the bits of each context; the model again, with [`Tally::priors`].

use super::entropy::{BitCoder, CONTEXTS, LEVEL_BITS};
use super::model::{Mode, Model};
use super::predict::{MAX_ORDER, Predictor};
use super::{EncodeError, Sample, Slot, bounded, check_window, transform};
use crate::scalar::Scalar;

/// Priors for a model without training data of its own: a tally over twelve sensor recordings
/// (heart, brain, gearbox, pump, air, power, motion), each at ±0.2, 0.05 and 0.01 deviations.
#[rustfmt::skip]
pub const DEFAULT_PRIORS: [u16; CONTEXTS] = [
    443, 3285, 35875, 29184, 3389, 16384, 32768, 32768, 32768, 32768, 3055, 1053,
    52662, 41316, 15291, 40960, 54613, 54613, 10922, 32768, 3995, 1098, 50832, 44585,
    28867, 25869, 4096, 32768, 32768, 32768, 6031, 1314, 34648, 30751, 39110, 18970,
    16384, 49152, 49152, 32768, 10035, 1848, 22475, 36556, 48983, 15710, 1820, 32768,
    32768, 32768, 14214, 3203, 12788, 31515, 45271, 21639, 20024, 49152, 19660, 32768,
    16520, 4234, 11550, 24263, 42418, 17591, 28987, 46421, 61895, 3640, 19629, 6331,
    7915, 21589, 42069, 14745, 18521, 42130, 32768, 10922, 28499, 10272, 7408, 12724,
    29521, 34339, 40428, 27989, 7801, 24576, 35690, 16842, 8533, 10172, 23658, 30595,
    47417, 29068, 17554, 36623, 42615, 28862, 11116, 7460, 15792, 18888, 44290, 22726,
    37236, 10922, 48588, 38828, 17541, 5926, 11659, 23290, 40960, 14812, 59753, 12072,
    51080, 45793, 25429, 9749, 9968, 15976, 31753, 13405, 52713, 4915, 52380, 52436,
    37244, 17663, 9423, 12044, 23485, 19867, 36128, 9175, 54872, 55849, 45398, 26341,
    9780, 8539, 13671, 16773, 27811, 15391, 57445, 58988, 51634, 36965, 17075, 6602,
    10211, 16924, 20827, 9681, 26399, 32768, 32768, 25208, 28098, 27965, 18709, 25119,
    24693, 11397, 19171, 21275, 12940, 19763, 22438, 19564, 18168, 39429, 11213, 37323,
    24365, 646, 38410, 49152, 27726, 36864, 16384, 38229, 32768, 40960, 45875, 49152,
    24576, 10922, 10922, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768,
    32768, 32768, 32768, 32768, 327, 32877, 32193, 34306, 33159, 31015, 32768, 32768,
    32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768,
    32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768,
    32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768,
    32768, 32768, 32768, 32768,
];
/// Rate of adaptation that suits most recordings.
pub const DEFAULT_RATE: u8 = 6;

const ORDERS: usize = MAX_ORDER as usize + 1;

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
        *coefficient = slot.last;
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
                *bits = bits.saturating_add(u64::from(log2_q8(residual)));
            }
        }
        self.past = [count, a, b, c];
        self.row = self.row.saturating_add(1);
    }

    /// The predictor with the least cost over what has been pushed; [`Predictor::order`] 0 if
    /// nothing has.
    pub fn predictor(&self) -> Predictor {
        let costs = (0_u8..).zip(self.bits_q8).zip(self.magnitude);
        let best = costs.min_by_key(|&((_, bits), _)| bits);
        let ((order, _), magnitude) = best.unwrap_or(((0, 0), 0));
        Predictor {
            mean: self.mean,
            spread: mean_level(self.spread, self.count),
            scale: mean_level(magnitude, self.predicted),
            order,
        }
    }
}

/// Σ/n with the fraction bits of a level, within what a model may hold.
fn mean_level(sum: u64, count: u64) -> u32 {
    let level = (sum.saturating_mul(1 << LEVEL_BITS)).checked_div(count).unwrap_or(0);
    u32::try_from(level).unwrap_or(u32::MAX).min(1 << 30)
}

/// About log₂(1 + 2·magnitude) with 8 fraction bits, by linear interpolation.
fn log2_q8(magnitude: u32) -> u32 {
    let x = u64::from(magnitude) * 2 + 1;
    let whole = x.ilog2();
    let fraction = (x << 8 >> whole) & 255;
    whole << 8 | u32::try_from(fraction).unwrap_or(0)
}

/// Counts how often each context saw a one over training windows.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    zeros: [u32; CONTEXTS],
    ones: [u32; CONTEXTS],
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

impl Tally {
    /// Nothing counted yet.
    pub const fn new() -> Self {
        Self { zeros: [0; CONTEXTS], ones: [0; CONTEXTS] }
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
            Mode::Bounded => {
                let before = *self;
                if !bounded::encode(self, model, window, slots, false) {
                    *self = before;
                    bounded::encode(self, model, window, slots, true);
                }
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

    fn is_spent(&self) -> bool {
        false
    }
}
