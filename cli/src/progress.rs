//! A progress bar for work over a second, seen only by a person at a terminal.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const PATIENCE: Duration = Duration::from_secs(1);

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

    pub(crate) fn progress(self, what: &'static str, total: usize) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::hidden());
        let template = "{msg} [{bar:30}] {percent}% {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        let wanted = !self.quiet && stderr().is_terminal();
        Progress { bar, start: Instant::now(), waiting: wanted }
    }
}

/// Shows itself once the work has taken a second.
pub(crate) struct Progress {
    bar: ProgressBar,
    start: Instant,
    waiting: bool,
}

impl Progress {
    pub(crate) fn step(&mut self) {
        if self.waiting && self.start.elapsed() > PATIENCE {
            self.waiting = false;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
