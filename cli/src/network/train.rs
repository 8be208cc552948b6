//! Training: rows, passes over them, held-out rows, checkpoints.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use eigenmote::rng;

use super::args::{TrainArgs, TrainCommand};
use super::checkpoint;
use super::file::{About, NetFile};
use super::learner::{Learner, Rows, State, shuffled};
use super::{picture, read_file};
use crate::fit::file_name;
use crate::input::Recording;
use crate::output;
use crate::progress::Console;

/// Trains a model and writes it.
pub(crate) fn train(command: &TrainCommand, console: Console) -> Result<bool> {
    let args = command.common();
    check(args)?;
    output::check(&args.output)?;
    let (rows, about) = data(command, console)?;
    let order = shuffled(rows.len(), &mut rng::seeded(args.seed ^ 0x4865_6c64));
    let kept = ((rows.len() as f64 * args.holdout).round() as usize).min(rows.len() - 1);
    let (held_out, learnt) = order.split_at(kept);
    let classes = rows.classes.iter().max().map_or(0, |most| most + 1);
    let learner = Learner::new(command, &rows.pick(learnt), classes)?;
    let (held_out, learnt) = (learner.seen(&rows.pick(held_out)), learner.seen(&rows.pick(learnt)));

    let settings = settings(command);
    let mark = checkpoint::fingerprint(&settings, &rows.values);
    let path = checkpoint::path(&args.output);
    let mut state = learner.start()?;
    if args.resume {
        if checkpoint::read(&path, mark, &mut state)? {
            console.note(format_args!("goes on from step {} of {}", state.step, path.display()));
        } else {
            console.note(format_args!("{}: no checkpoint; starts afresh", path.display()));
        }
    }
    console.note(format_args!(
        "{} rows, {} held out, {} parameters",
        rows.len(),
        kept,
        learner.params()?
    ));
    let started = Instant::now();
    let done = passes(&learner, args, (&learnt, &held_out), &mut state, console, |state| {
        checkpoint::write(&path, mark, state)
    })?;
    let best = if state.best_loss.is_finite() { &state.best } else { &state.average };
    NetFile { blob: learner.blob(best)?, about }.write(&args.output)?;
    if path.exists() {
        std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let told = if state.best_loss.is_finite() {
        let State { best_loss, best_epoch, .. } = state;
        format!("; best on held-out rows {best_loss:.5} after pass {best_epoch}")
    } else {
        String::new()
    };
    console.note(format_args!(
        "{} steps in {seconds:.1} s, {:.0} samples/s, loss {:.5}{told}",
        state.step,
        done.samples as f64 / seconds.max(1e-9),
        done.loss
    ));
    Ok(true)
}

fn check(args: &TrainArgs) -> Result<()> {
    ensure!((0.0..1.0).contains(&args.holdout), "--holdout {}: from 0 to below 1", args.holdout);
    ensure!(args.rate > 0.0 && args.rate.is_finite(), "--rate {}: a positive number", args.rate);
    ensure!(args.checkpoint_every >= 0.0, "--checkpoint-every {}: seconds", args.checkpoint_every);
    Ok(())
}

/// All that decides the weights, as text.
fn settings(command: &TrainCommand) -> String {
    let args = command.common();
    let own = match command {
        TrainCommand::Autoencoder { latent, noise, .. } => format!("autoencoder {latent} {noise}"),
        TrainCommand::Vae { latent, beta, variance, .. } => {
            format!("vae {latent} {beta} {variance:?}")
        }
        TrainCommand::Gan { latent, penalty, .. } => format!("gan {latent} {penalty}"),
        TrainCommand::Diffusion { components, features, classes, predict, .. } => {
            format!("diffusion {components} {features} {classes:?} {predict:?}")
        }
    };
    let TrainArgs { hidden, activation, epochs, batch, rate, holdout, patience, seed, .. } = args;
    format!("{own} {hidden:?} {activation} {epochs} {batch} {rate} {holdout} {patience} {seed}")
}

/// Reads the rows and brings them to the range that a kind of network works in.
fn data(command: &TrainCommand, console: Console) -> Result<(Rows, About)> {
    let args = command.common();
    let labels = match command {
        TrainCommand::Diffusion { classes, .. } => classes.as_ref(),
        _ => None,
    };
    let mut recording = read_file(&args.data, &args.columns, console)?;
    let left: Vec<&String> = args.skip.iter().chain(labels).collect();
    for name in &left {
        let known = recording.names.iter().any(|n| n == *name);
        // With --columns the labels are read by themselves.
        ensure!(known || !args.columns.is_empty(), "{}: no column \"{name}\"", recording.source);
    }
    let classes = match labels {
        Some(name) => labels_of(&args.data, name, console)?,
        None => Vec::new(),
    };
    if args.columns.is_empty() && recording.names.iter().any(|n| n == "label") && left.is_empty() {
        console.note("note: the column \"label\" is taken for data; --skip label leaves it out");
    }
    if recording.names.iter().any(|name| left.contains(&name)) {
        let names: Vec<String> =
            recording.names.iter().filter(|name| !left.contains(name)).cloned().collect();
        ensure!(!names.is_empty(), "{}: no columns are left", recording.source);
        recording = read_file(&args.data, &names, Console { quiet: true })?;
    }
    ensure!(recording.rows >= 2, "{}: {} rows are too few", recording.source, recording.rows);
    let (offset, factor) = scale(command, &recording)?;
    let width = recording.channels();
    let about = About {
        offset,
        factor,
        shape: picture::shape(args.shape, None, width).ok(),
        columns: if recording.named { recording.names.clone() } else { Vec::new() },
        source: format!("trained on {} rows of {}", recording.rows, file_name(&recording.source)),
    };
    if args.shape.is_some() {
        picture::shape(args.shape, None, width)?;
    }
    let values = recording.values.iter().map(|&x| about.inward(x)).collect();
    Ok((Rows { values, width, classes }, about))
}

/// Offset and factor of the data.
fn scale(command: &TrainCommand, recording: &Recording) -> Result<(f64, f64)> {
    let low = recording.values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = recording.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !(low < high) {
        bail!("{}: all values are {low}", recording.source);
    }
    Ok(match command {
        TrainCommand::Autoencoder { .. } => {
            let count = recording.values.len() as f64;
            let mean = recording.values.iter().sum::<f64>() / count;
            let square = recording.values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
            (mean, (square / count).sqrt())
        }
        TrainCommand::Vae { .. } | TrainCommand::Gan { .. } => (low, high - low),
        TrainCommand::Diffusion { .. } => (f64::midpoint(low, high), (high - low) / 2.0),
    })
}

fn labels_of(path: &std::path::Path, name: &str, console: Console) -> Result<Vec<usize>> {
    let recording = read_file(path, &[name.to_owned()], console)?;
    let class = |&x: &f64| {
        ensure!(
            (0.0..256.0).contains(&x) && x.fract() == 0.0,
            "{}: column \"{name}\" holds {x}, which is no class from 0 to 255",
            recording.source
        );
        Ok(x as usize)
    };
    recording.values.iter().map(class).collect()
}

/// What was done since the start.
#[derive(Default)]
struct Done {
    samples: u64,
    loss: f32,
}

/// Passes over the rows until they are all done or held-out rows get no better.
fn passes(
    learner: &Learner,
    args: &TrainArgs,
    (learnt, held_out): (&Rows, &Rows),
    state: &mut State,
    console: Console,
    save: impl Fn(&State) -> Result<()>,
) -> Result<Done> {
    let batch = usize::from(args.batch).min(learnt.len());
    let in_pass = (learnt.len() / batch) as u64;
    let total = in_pass * u64::from(args.epochs);
    let progress = console.training(total, state.step);
    let started = Instant::now();
    let mut saved = Instant::now();
    let mut done = Done::default();
    let mut order = (u64::MAX, Vec::new());
    while state.step < total {
        let epoch = state.step / in_pass;
        if order.0 != epoch {
            order = (epoch, learner.order(learnt.len(), epoch));
        }
        let at = (state.step % in_pass) as usize * batch;
        let rows = learnt.pick(&order.1[at..at + batch]);
        let share = state.step as f32 / total as f32;
        let loss = learner.step(&rows, share, state)?;
        done.samples += batch as u64;
        // Of about the last hundred steps.
        done.loss += (loss - done.loss) / (done.samples / batch as u64).min(100) as f32;
        progress.told(loss_text(done.loss, done.samples as f64 / started.elapsed().as_secs_f64()));
        if state.step.is_multiple_of(in_pass) {
            let epoch = u32::try_from(state.step / in_pass).unwrap_or(u32::MAX);
            if let Some(loss) = learner.held_out(held_out, state)? {
                if loss < state.best_loss {
                    (state.best_loss, state.best_epoch) = (loss, epoch);
                    state.best.clone_from(&state.average);
                } else if args.patience > 0 && epoch - state.best_epoch >= args.patience {
                    break;
                }
            }
        }
        if saved.elapsed().as_secs_f64() >= args.checkpoint_every && state.step < total {
            save(state)?;
            saved = Instant::now();
        }
    }
    Ok(done)
}

fn loss_text(loss: f32, speed: f64) -> String {
    format!("loss {loss:.4}, {speed:.0} samples/s")
}
