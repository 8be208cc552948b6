//! Prediction of the next count of a channel from its past: polynomials of order 0 to 3.
//!
//! Order 0 predicts the channel's mean, order p the polynomial of degree p − 1 through the last p
//! counts: the last value, the line, the parabola. Until a frame has seen p counts of the
//! channel the highest order that its past allows serves. All sums wrap, so any counts are fine
//! as long as both sides compute the same.

use super::Slot;
use super::entropy::Level;

/// Highest order of the predictor.
pub const MAX_ORDER: u8 = 3;

/// How the counts of one channel are predicted and how large they and their residuals are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Predictor {
    /// Mean count: the prediction of the first count of a frame, and of all with order 0. In
    /// transform mode what is taken off before the projection.
    pub mean: i32,
    /// Mean |count − mean| with 8 fraction bits: the expected size of a frame's first residual.
    pub spread: u32,
    /// Mean |residual| with 8 fraction bits: the expected size of a frame's second residual.
    pub scale: u32,
    /// Order of the polynomial, 0 to [`MAX_ORDER`]; 0 in transform mode.
    pub order: u8,
}

impl Slot {
    /// The state of a channel before its first count.
    pub(crate) fn start(predictor: &Predictor) -> Self {
        Self { last: predictor.mean, level: Level::new(predictor.spread), ..Self::NEW }
    }

    #[inline(always)]
    pub(crate) fn predict(&self) -> i32 {
        self.last.wrapping_add(self.slope).wrapping_add(self.bend)
    }

    /// Takes the count of this row, and its residual for the level.
    #[inline(always)]
    pub(crate) fn push(&mut self, predictor: &Predictor, row: usize, count: i32, residual: i32) {
        if row == 0 {
            self.level = Level::new(predictor.scale);
        } else {
            self.level.update(residual);
        }
        self.residual = residual;
        self.follow(predictor, row, count);
    }

    /// Takes a row without a count: the last one is held.
    pub(crate) fn skip(&mut self, predictor: &Predictor, row: usize) {
        if row == 0 {
            self.level = Level::new(predictor.scale);
        }
        self.follow(predictor, row, self.last);
    }

    #[inline(always)]
    fn follow(&mut self, predictor: &Predictor, row: usize, count: i32) {
        let order = predictor.order;
        if order == 0 {
            return;
        }
        let slope = count.wrapping_sub(self.last);
        self.last = count;
        if order >= 2 && row >= 1 {
            if order >= 3 && row >= 2 {
                self.bend = slope.wrapping_sub(self.slope);
            }
            self.slope = slope;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_p_is_exact_on_polynomials_of_degree_below_p() {
        for order in 1..=MAX_ORDER {
            let predictor = Predictor { order, mean: 7, ..Predictor::default() };
            let mut slot = Slot::start(&predictor);
            for row in 0..20_usize {
                let t = i32::try_from(row).unwrap_or(0);
                let count = [5, 5 + 3 * t, 5 + 3 * t - 2 * t * t][usize::from(order) - 1];
                if row >= usize::from(order) {
                    assert_eq!(slot.predict(), count, "order {order} row {row}");
                }
                slot.push(&predictor, row, count, 0);
            }
        }
    }
}
