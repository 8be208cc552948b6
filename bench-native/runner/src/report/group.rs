//! The cells of one routine and one scalar: a table and a plot.

use super::fit::geometric_mean;
use crate::check::Verdict;
use crate::memory::Scalar;
use crate::outcome::{Measured, Outcome};
use crate::routine::Routine;

/// Columns up to which a matrix is small in the means.
pub const SMALL: usize = 16;

/// The cells of one routine and one scalar.
pub struct Group<'a> {
    /// Which routine.
    pub routine: Routine,
    /// In which type.
    pub scalar: Scalar,
    /// In the order of the page.
    pub outcomes: Vec<&'a Outcome>,
}

/// What is compared with the fastest peer.
#[derive(Clone, Copy)]
pub enum Ours {
    /// The build with `fast`.
    Fast,
    /// The build with default features.
    Default,
}

impl Ours {
    /// Our fastest routine of this build in the cell.
    pub fn of(self, outcome: &Outcome) -> Option<&Measured> {
        match self {
            Self::Fast => outcome.fast_build(),
            Self::Default => outcome.default_build(),
        }
    }

    /// Its time as a multiple of that of the fastest peer.
    pub fn ratio(self, outcome: &Outcome) -> Option<f64> {
        Some(self.of(outcome)?.ns? / outcome.best_peer()?.ns?)
    }
}

impl<'a> Group<'a> {
    /// All groups, in the order of the page.
    pub fn all(outcomes: &'a [Outcome]) -> Vec<Self> {
        let mut groups: Vec<Self> = vec![];
        for outcome in outcomes {
            let (routine, scalar) = (outcome.cell.routine, outcome.cell.scalar);
            match groups.last_mut() {
                Some(last) if (last.routine, last.scalar) == (routine, scalar) => {
                    last.outcomes.push(outcome);
                }
                _ => groups.push(Self { routine, scalar, outcomes: vec![outcome] }),
            }
        }
        groups
    }

    /// The name in headings.
    pub fn title(&self) -> String {
        format!("{}, `{}`", self.routine.title(), self.scalar.name())
    }

    /// The stem of the name of its plot.
    pub fn file_stem(&self) -> String {
        format!("{}-{}", self.routine.name().replace(' ', "-"), self.scalar.name())
    }

    /// Everybody who takes part in one of the cells.
    pub fn contenders(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = vec![];
        for measured in self.outcomes.iter().flat_map(|outcome| &outcome.measured) {
            if !names.contains(&measured.name.as_str()) {
                names.push(&measured.name);
            }
        }
        names
    }

    /// The geometric mean of our multiples, over all cells or the small ones.
    pub fn mean_ratio(&self, ours: Ours, small: bool) -> Option<f64> {
        let cells = self.outcomes.iter().filter(|o| !small || o.cell.cols <= SMALL);
        geometric_mean(&cells.filter_map(|o| ours.ratio(o)).collect::<Vec<_>>())
    }

    /// The geometric mean of the time of the build with `fast` for this machine alone, as a multiple of
    /// that for every machine.
    pub fn native_ratio(&self) -> Option<f64> {
        let ratio = |o: &&Outcome| Some(o.native_build()?.ns? / o.fast_build()?.ns?);
        geometric_mean(&self.outcomes.iter().filter_map(ratio).collect::<Vec<_>>())
    }

    /// The largest error of a contender in all cells, in `ε`.
    pub fn worst_error(&self, name: &str) -> Option<f64> {
        let measured = self.outcomes.iter().flat_map(|o| &o.measured).filter(|m| m.name == name);
        let errors = measured.filter_map(|m| match m.verdict {
            Verdict::Right(error) => Some(error / self.scalar.epsilon()),
            Verdict::Wrong(error) => Some(error / self.scalar.epsilon()),
            Verdict::GaveUp(_) => None,
        });
        errors.reduce(f64::max)
    }
}
