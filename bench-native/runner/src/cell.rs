//! A place in the tables: a routine for one scalar and one shape.

use crate::memory::Scalar;
use crate::routine::{Job, Routine};

/// A routine for one scalar and one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What is computed.
    pub routine: Routine,
    /// In which type.
    pub scalar: Scalar,
    /// Rows, or values that go in.
    pub rows: usize,
    /// Columns, or values that come out.
    pub cols: usize,
    /// Number of triplets or of problems in a batch, or 0.
    pub rank: usize,
}

impl Cell {
    /// What eigenmote is entered for here.
    pub const fn job(&self) -> Job {
        self.routine.jobs()[0]
    }

    /// Cells in the order of the page: square matrices before tall ones.
    pub const fn order(&self) -> (Routine, Scalar, bool, usize, usize, usize) {
        (self.routine, self.scalar, self.rows != self.cols, self.rows, self.cols, self.rank)
    }

    /// The shape as it stands in a table.
    pub fn shape(&self) -> String {
        let Self { rows, cols, rank, .. } = self;
        match self.job() {
            Job::Project | Job::ProjectBatch | Job::Decoder => format!("{rows}→{cols}"),
            Job::Covariance | Job::CovarianceBlock => format!("{cols}"),
            Job::TopK => format!("{rows}×{cols} k={rank}"),
            _ => format!("{rows}×{cols}"),
        }
    }

    /// The whole name.
    pub fn name(&self) -> String {
        format!("{} {} {}", self.routine.name(), self.scalar.name(), self.shape())
    }

    /// Whether every word is one of this cell's: of its name (with `x` for `×`, `-` for `→`), or
    /// the size of a square matrix.
    pub fn matches(&self, filter: &[String]) -> bool {
        let name = self.name().replace('×', "x").replace('→', "-");
        let size = if self.rows == self.cols { self.rows.to_string() } else { String::new() };
        filter.iter().all(|word| *word == size || name.split_whitespace().any(|w| w == word))
    }
}
