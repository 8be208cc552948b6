//! Is the answer right? Nobody is timed who has not shown that.

use crate::cell::Cell;
use crate::memory::Numbers;
use crate::problems::Problems;
use crate::routine::Job;
use crate::table::Contender;
use anyhow::{Result, ensure};

mod factors;
mod linear;

/// What a contender has shown.
#[derive(Clone, Copy, Debug)]
pub enum Verdict {
    /// Every answer is right; the largest error, as a fraction of the norm.
    Right(f64),
    /// It gave up on that many problems.
    GaveUp(usize),
    /// An answer is that far off, as a fraction of the norm: a peer's, ours would end the run.
    Wrong(f64),
}

/// Lets the contender solve every problem and looks at the results.
pub fn check(cell: &Cell, contender: &Contender, problems: &Problems) -> Result<Verdict> {
    let inputs = problems.inputs_for(contender.flags);
    let mut outputs = Numbers::zeros(cell.scalar, problems.count * contender.output_len());
    let (d, mut accumulated) = (cell.cols, Numbers::zeros(cell.scalar, 0));
    if outputs.len() == 0 {
        accumulated = Numbers::zeros(cell.scalar, d + d * d);
    }
    // SAFETY: the model and the arrays are those of the cell.
    let failed = unsafe {
        let ready = contender.ready(problems.model.at(0));
        let failed = ready.run(inputs.at(0), outputs.at_mut(0), problems.count);
        ready.finish(accumulated.at_mut(0));
        failed
    };
    if failed > 0 && cell.routine.may_give_up() {
        return Ok(Verdict::GaveUp(failed));
    }
    ensure!(failed == 0, "{} did not solve {failed} problems of {}", contender.name, cell.name());

    let (inputs, model) = (problems.inputs.values(), problems.model.values());
    let (outputs, tolerance) = (outputs.values(), tolerance(cell, contender));
    let mut worst = 0.0_f64;
    for i in 0..problems.count {
        let a = &inputs[i * problems.input_len..][..problems.input_len];
        let out = &outputs[i * contender.output_len()..][..contender.output_len()];
        let error = match contender.job {
            Job::Covariance | Job::CovarianceBlock if i > 0 => break,
            Job::Covariance | Job::CovarianceBlock => {
                linear::covariance_error(d, &inputs, &accumulated.values())
            }
            Job::Svd if cell.job() == Job::TopK => {
                factors::leading_error(cell, contender.flags, a, out, cell.cols)
            }
            Job::TopK => factors::leading_error(cell, contender.flags, a, out, cell.rank),
            Job::Svd | Job::ClosedSvd | Job::SvdBatch => {
                factors::svd_error(cell, contender.flags, a, out)
            }
            Job::SingularValues => factors::values_error(a, out),
            Job::Eigh | Job::ClosedEigh | Job::EighBatch => {
                factors::eigh_error(cell.cols, contender.flags, a, out)
            }
            Job::Project | Job::ProjectBatch => linear::projection_error(&model, a, out),
            Job::Decoder => linear::decoder_error(&model, a, out),
            Job::Peak => 1.0 - f64::from(u8::from(out[0].is_finite())),
        };
        if !contender.is_ours() && !(error <= tolerance) {
            return Ok(Verdict::Wrong(error));
        }
        ensure!(
            error <= tolerance,
            "{} is wrong in {}: problem {i} is off by {error:.1e}, allowed is {tolerance:.1e}",
            contender.name,
            cell.name()
        );
        worst = worst.max(error);
    }
    Ok(Verdict::Right(worst))
}

/// The largest error that is still an answer.
fn tolerance(cell: &Cell, contender: &Contender) -> f64 {
    let epsilon = cell.scalar.epsilon();
    let (rows, cols) = (cell.rows as f64, cell.cols as f64);
    let full = match cell.job() {
        // `ε^⅔` is what eigenmote's iterations promise and what Spectra is asked for.
        Job::TopK => 8.0 * epsilon.powf(2.0 / 3.0),
        Job::Project
        | Job::ProjectBatch
        | Job::Decoder
        | Job::Covariance
        | Job::CovarianceBlock => 64.0 * epsilon,
        _ => 8.0 * rows.sqrt() * cols * epsilon,
    };
    if contender.flags & abi::HALF_DIGITS == 0 { full } else { full.max((cols * epsilon).sqrt()) }
}
