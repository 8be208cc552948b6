//! What came out of a cell.

use crate::cell::Cell;
use crate::check::{Verdict, check};
use crate::problems::Problems;
use crate::routine::Job;
use crate::table::{OURS, Table};
use crate::timing::{Effort, medians};
use anyhow::Result;

/// One contender's part.
#[derive(Debug)]
pub struct Measured {
    /// Library and algorithm.
    pub name: String,
    /// Median nanoseconds of a problem; nothing for one who gave up.
    pub ns: Option<f64>,
    /// How right it is.
    pub verdict: Verdict,
    /// By its method good to half the digits only.
    pub half_digits: bool,
    /// Whether it computes the leading triplets only.
    pub partial: bool,
}

/// A cell with all its contenders.
#[derive(Debug)]
pub struct Outcome {
    /// Which.
    pub cell: Cell,
    /// In the order in which they were entered, ours first.
    pub measured: Vec<Measured>,
}

impl Outcome {
    /// Checks and times everybody in the cell.
    pub fn of(cell: Cell, table: &Table, effort: Effort) -> Result<Self> {
        let problems = Problems::new(&cell);
        let contenders = table.contenders(&cell);
        let mut verdicts = vec![];
        for contender in &contenders {
            verdicts.push(check(&cell, contender, &problems)?);
        }
        let right = contenders.iter().zip(&verdicts);
        let right = right.filter(|(_, v)| matches!(v, Verdict::Right(_))).map(|(&c, _)| c);
        let mut times = medians(&right.collect::<Vec<_>>(), &problems, effort).into_iter();
        let measured = contenders
            .iter()
            .zip(verdicts)
            .map(|(contender, verdict)| Measured {
                name: contender.name.clone(),
                ns: if matches!(verdict, Verdict::Right(_)) { times.next() } else { None },
                verdict,
                half_digits: contender.flags & abi::HALF_DIGITS != 0,
                partial: contender.job == Job::TopK,
            })
            .collect();
        Ok(Self { cell, measured })
    }

    fn fastest(&self, who: impl Fn(&str) -> bool) -> Option<&Measured> {
        let timed = self.measured.iter().filter(|m| m.ns.is_some() && who(&m.name));
        timed.min_by(|a, b| a.ns.unwrap_or(f64::NAN).total_cmp(&b.ns.unwrap_or(f64::NAN)))
    }

    /// Our fastest routine in the default build.
    pub fn default_build(&self) -> Option<&Measured> {
        self.fastest(|name| name.starts_with(OURS) && !is_fast(name) && !is_native(name))
    }

    /// Our fastest routine with the feature `fast`, or in the default build if there is none.
    pub fn fast_build(&self) -> Option<&Measured> {
        self.fastest(is_fast).or_else(|| self.default_build())
    }

    /// Our fastest routine with the feature `fast` built for this machine alone.
    pub fn native_build(&self) -> Option<&Measured> {
        self.fastest(is_native)
    }

    /// The fastest peer.
    pub fn best_peer(&self) -> Option<&Measured> {
        self.fastest(|name| !name.starts_with(OURS))
    }

    /// The fastest contender whose name ends like this.
    pub fn best_with_suffix(&self, suffix: &str) -> Option<&Measured> {
        self.fastest(|name| name.ends_with(suffix))
    }

    /// Nanoseconds of the contender of this name.
    pub fn ns_of(&self, name: &str) -> Option<f64> {
        self.measured.iter().find(|m| m.name == name)?.ns
    }
}

/// Whether the name is that of a routine in the build with `fast`.
pub fn is_fast(name: &str) -> bool {
    name.strip_prefix(OURS).is_some_and(|rest| rest.starts_with(" fast"))
}

/// Whether the name is that of a routine with `fast` in a build for this machine alone.
pub fn is_native(name: &str) -> bool {
    name.strip_prefix(OURS).is_some_and(|rest| rest.starts_with(" native"))
}
