//! Turns of less than a millisecond, so that a busy machine slows all contenders alike.

use crate::memory::Numbers;
use crate::problems::Problems;
use crate::table::{Contender, Ready};
use anyhow::{Result, bail};
use std::time::Instant;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Turns of each contender.
    pub rounds: usize,
    /// Fewer of them, down to [`LEAST_ROUNDS`], where a cell would take longer than this.
    pub seconds: f64,
}

impl Effort {
    /// For the page.
    pub const FULL: Self = Self { rounds: 301, seconds: 4.0 };
    /// For a first look.
    pub const QUICK: Self = Self { rounds: 41, seconds: 0.5 };
}

const LEAST_ROUNDS: usize = 15;
/// Seconds of a turn, well below a slice of the scheduler; one problem if that takes longer.
const TURN: f64 = 2e-4;

/// Keeps this process on the last core that it may use; returns which.
pub fn pin_to_one_core() -> Result<usize> {
    // SAFETY: the set is plain memory of the size that is passed.
    unsafe {
        let mut set: libc::cpu_set_t = core::mem::zeroed();
        let size = size_of::<libc::cpu_set_t>();
        if libc::sched_getaffinity(0, size, &raw mut set) != 0 {
            bail!("{}", std::io::Error::last_os_error());
        }
        let last = (0..8 * size).rev().find(|&core| libc::CPU_ISSET(core, &set));
        let Some(core) = last else { bail!("there is no core to run on") };
        libc::CPU_ZERO(&mut set);
        libc::CPU_SET(core, &mut set);
        if libc::sched_setaffinity(0, size, &raw const set) != 0 {
            bail!("{}", std::io::Error::last_os_error());
        }
        Ok(core)
    }
}

/// A contender with its place in the problems.
struct Turn<'a> {
    ready: Ready<'a>,
    inputs: &'a Numbers,
    /// Problems in a turn: a power of two up to all, or several times all.
    problems: usize,
    next: usize,
    seconds: Vec<f64>,
}

impl Turn<'_> {
    /// Seconds of `problems` problems, the next ones in the circle.
    fn time(&mut self, all: &Problems, outputs: &mut Numbers) -> f64 {
        let chunk = self.problems.min(all.count);
        if self.next + chunk > all.count {
            self.next = 0;
        }
        let first = self.inputs.at(self.next * all.input_len);
        let output = outputs.at_mut(self.next * all.output_len);
        self.next += chunk;
        let start = Instant::now();
        for _ in 0..self.problems / chunk {
            // SAFETY: `next + chunk` problems are in both arrays.
            unsafe { self.ready.run(first, output, chunk) };
        }
        start.elapsed().as_secs_f64()
    }

    /// Finds how many problems fit in a turn; the growing trials warm the caches as well.
    fn calibrate(&mut self, all: &Problems, outputs: &mut Numbers) {
        loop {
            let seconds = self.time(all, outputs);
            let next = if self.problems < all.count {
                (2 * self.problems).min(all.count)
            } else {
                self.problems + all.count * (self.problems / all.count)
            };
            if seconds * (next as f64 / self.problems as f64) > TURN {
                break;
            }
            self.problems = next;
        }
    }
}

/// Median nanoseconds of a problem, of each contender.
pub fn medians(
    contenders: &[&Contender],
    problems: &Problems,
    effort: Effort,
) -> Vec<(String, f64)> {
    let mut outputs = contenders
        .first()
        .map_or_else(|| unreachable!("a cell has a contender"), |c| problems.outputs(c.scalar()));
    let mut turns: Vec<Turn> = contenders
        .iter()
        .map(|c| Turn {
            // SAFETY: the model is that of the cell.
            ready: unsafe { c.ready(problems.model.at(0)) },
            inputs: problems.inputs_for(c.flags),
            problems: 1,
            next: 0,
            seconds: vec![],
        })
        .collect();
    turns.iter_mut().for_each(|turn| turn.calibrate(problems, &mut outputs));
    let start = Instant::now();
    for round in 0..effort.rounds {
        if round >= LEAST_ROUNDS && start.elapsed().as_secs_f64() > effort.seconds {
            break;
        }
        // Nobody always follows the same one.
        let first = round % turns.len();
        for i in 0..turns.len() {
            let i = (first + i) % turns.len();
            let turn = &mut turns[i];
            let seconds = turn.time(problems, &mut outputs);
            turn.seconds.push(seconds / turn.problems as f64);
        }
    }
    let median = |mut seconds: Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        1e9 * seconds[seconds.len() / 2]
    };
    contenders.iter().zip(turns).map(|(c, turn)| (c.name.clone(), median(turn.seconds))).collect()
}
