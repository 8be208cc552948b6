//! What other promises would cost: models are fitted to one part of a recording and measured on another.

use std::ops::Range;

use anyhow::Result;

use crate::args::{self, ChainArgs};
use crate::coding::{kind_of, parse_model};
use crate::fit::{Plan, Tried, fit};
use crate::input::Recording;
use crate::model_file::{ModelFile, Promise};
use crate::progress::Console;
use crate::report::{Report, evaluate};

/// The promises tried, in parts of the model's own.
const FACTORS: [f64; 7] = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0];
/// Where the model is lossless: whole numbers, and parts of a deviation.
const BOUNDS: [f64; 7] = [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
const RELATIVE_BOUNDS: [f64; 7] = [0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
/// Most values to fit to, and to measure on: with 200 channels all fits together then take 15 seconds.
const MOST_VALUES: usize = 1 << 18;

/// Measured costs of several promises.
pub(crate) struct Curve {
    /// The rows that models were fitted to.
    pub(crate) fitted: Range<usize>,
    /// The rows that they, and the page's own model, were measured on.
    pub(crate) measured: Range<usize>,
    pub(crate) points: Vec<Point>,
    /// The page's own model.
    pub(crate) own: Report,
    /// What the fit for the model's own promise tried.
    pub(crate) tried: Vec<Tried>,
}

/// One promise, and what became of it: figures, or why there is no model for it.
pub(crate) struct Point {
    pub(crate) promise: Promise,
    pub(crate) report: Result<Report>,
}

impl Curve {
    pub(crate) fn measure(
        file: &ModelFile,
        recording: &Recording,
        chain: ChainArgs,
        console: Console,
    ) -> Result<Self> {
        let quiet = Console { quiet: true };
        let (fitted, measured) = halves(recording);
        let (train, rest) = (recording.slice(fitted.clone()), recording.slice(measured.clone()));
        let model = parse_model(file)?;
        let values = model.window() * model.channels();
        let promises = promises(file, values);
        let progress = console.progress("measuring other bounds", promises.len());
        let mut tried = Vec::new();
        let mut point = |promise| {
            let plan = Plan {
                promise,
                relative: file.relative,
                window: Some(model.window()),
                kind: Some(kind_of(&model)),
                model_bytes: args::DEFAULT_MODEL_BYTES.max(file.blob.len()),
            };
            let fitted = fit(std::slice::from_ref(&train), plan, quiet)?;
            if promise == file.promise {
                tried = fitted.tried;
            }
            Ok(evaluate(&fitted.file, &rest, chain, quiet)?.0)
        };
        let mut points = Vec::with_capacity(promises.len());
        for promise in promises {
            points.push(Point { promise, report: point(promise) });
            progress.step();
        }
        let own = evaluate(file, &rest, chain, quiet)?.0;
        Ok(Self { fitted, measured, points, own, tried })
    }
}

/// The first and the second half of the rows, or as many of them as are enough; a single row is both.
fn halves(recording: &Recording) -> (Range<usize>, Range<usize>) {
    let most = (MOST_VALUES / recording.channels()).max(1);
    let middle = (recording.rows / 2).min(most);
    let end = recording.rows.min(middle + most);
    (0..middle.max(1), middle..end)
}

/// Promises of the model's own sort around it, ascending, for windows of so many values.
fn promises(file: &ModelFile, values: usize) -> Vec<Promise> {
    match file.promise {
        Promise::MaxError(0.0) if file.relative => RELATIVE_BOUNDS.map(Promise::MaxError).into(),
        Promise::MaxError(0.0) => BOUNDS.map(Promise::MaxError).into(),
        Promise::MaxError(e) => FACTORS.map(|factor| Promise::MaxError(factor * e)).into(),
        Promise::Rmse(e) => FACTORS.map(|factor| Promise::Rmse(factor * e)).into(),
        Promise::Components(k) => {
            let counts = FACTORS.map(|factor| (k as f64 * factor).round() as usize);
            let mut counts = counts.map(|k| k.clamp(1, values.min(MAX_COMPONENTS))).to_vec();
            counts.dedup();
            counts.into_iter().map(Promise::Components).collect()
        }
    }
}

/// As many as the command line takes.
const MAX_COMPONENTS: usize = 256;
