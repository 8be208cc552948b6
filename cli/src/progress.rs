//! A progress bar for work over a second, seen only by a person at a terminal.

use std::io::{IsTerminal, stderr};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(200);

/// Where notes and progress go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    pub(crate) quiet: bool,
}

impl Console {
    /// Prints a line for the user on standard error.
    pub(crate) fn note(self, text: impl std::fmt::Display) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// A bar for work in steps.
    pub(crate) fn progress(self, what: &'static str, total: usize) -> Progress {
        self.bar(what, Some(total as u64), "{msg} [{bar:30}] {percent}% {eta}")
    }

    /// A bar for steps of training, some of which may be done, with what is told in between.
    pub(crate) fn training(self, total: u64, done: u64) -> Progress {
        let progress =
            self.bar("", Some(total), "training [{bar:30}] {percent}% {msg}, {eta} left");
        progress.bar.set_position(done);
        progress.bar.reset_eta();
        progress
    }

    /// A sign of life for work that cannot be parted.
    pub(crate) fn wait(self, what: &'static str) -> Progress {
        self.bar(what, None, "{msg} {spinner} {elapsed}")
    }

    fn bar(self, what: &'static str, total: Option<u64>, template: &str) -> Progress {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> ").tick_chars("|/-\\ "));
        }
        bar.set_message(what);
        let wanted = !self.quiet && stderr().is_terminal();
        let shower = wanted.then(|| Shower::of(bar.clone()));
        Progress { bar, shower }
    }
}

/// Shows itself once the work has taken a second, be it in its first step.
pub(crate) struct Progress {
    bar: ProgressBar,
    shower: Option<Shower>,
}

impl Progress {
    pub(crate) fn step(&self) {
        self.step_by(1);
    }

    /// One step done, and how it stands.
    pub(crate) fn told(&self, text: String) {
        // Nobody sees a hidden bar.
        if self.shower.is_some() {
            self.bar.set_message(text);
        }
        self.step();
    }

    pub(crate) fn step_by(&self, steps: usize) {
        self.bar.inc(steps as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // It ends before the bar is cleared, so that it cannot draw behind that.
        if let Some(Shower { done, thread }) = self.shower.take() {
            drop(done);
            thread.join().ok();
        }
        self.bar.finish_and_clear();
    }
}

/// A thread that lets a bar be seen after a while, unless the work is done by then.
struct Shower {
    done: Sender<()>,
    thread: JoinHandle<()>,
}

impl Shower {
    fn of(bar: ProgressBar) -> Self {
        let (done, ended) = channel();
        let thread = thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(TICK);
            }
        });
        Self { done, thread }
    }
}
