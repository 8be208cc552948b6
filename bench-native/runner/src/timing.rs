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
/// Seconds of a turn, well below a slice of the scheduler; one call if that takes longer.
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

/// A contender with its place in the circle of problems.
struct Turn<'a> {
    ready: Ready<'a>,
    inputs: &'a Numbers,
    outputs: Numbers,
    output_len: usize,
    /// Problems in a turn: some of the circle, or all of it several times.
    problems: usize,
    next: usize,
    seconds: Vec<f64>,
}

impl<'a> Turn<'a> {
    fn new(contender: &'a Contender, all: &'a Problems) -> Self {
        Self {
            // SAFETY: the model is that of the cell.
            ready: unsafe { contender.ready(all.model.at(0)) },
            inputs: all.inputs_for(contender.flags),
            outputs: Numbers::zeros(contender.scalar, all.count * contender.output_len()),
            output_len: contender.output_len(),
            problems: contender.batch(),
            next: 0,
            seconds: vec![],
        }
    }

    /// Seconds of the next `problems` problems.
    fn time(&mut self, all: &Problems) -> f64 {
        let chunk = self.problems.min(all.count);
        if self.next + chunk > all.count {
            self.next = 0;
        }
        let input = self.inputs.at(self.next * all.input_len);
        let output = self.outputs.at_mut(self.next * self.output_len);
        self.next += chunk;
        let start = Instant::now();
        for _ in 0..self.problems / chunk {
            // SAFETY: `next + chunk` problems are in both arrays, a multiple of the batch.
            unsafe { self.ready.run(input, output, chunk) };
        }
        start.elapsed().as_secs_f64()
    }

    /// Finds how many problems fit in a turn; the growing trials warm the caches as well.
    fn calibrate(&mut self, all: &Problems) {
        loop {
            let seconds = self.time(all);
            if 2.0 * seconds > TURN {
                break;
            }
            let twice = 2 * self.problems;
            self.problems = if twice > all.count { twice - twice % all.count } else { twice };
        }
    }

    /// Median seconds of a problem.
    fn median(mut self) -> f64 {
        self.seconds.sort_by(f64::total_cmp);
        self.seconds[self.seconds.len() / 2]
    }
}

/// Median nanoseconds of a problem, of each contender.
pub fn medians(contenders: &[&Contender], problems: &Problems, effort: Effort) -> Vec<f64> {
    let mut turns: Vec<Turn> = contenders.iter().map(|c| Turn::new(c, problems)).collect();
    turns.iter_mut().for_each(|turn| turn.calibrate(problems));
    let start = Instant::now();
    for round in 0..effort.rounds {
        if round >= LEAST_ROUNDS && start.elapsed().as_secs_f64() > effort.seconds {
            break;
        }
        // A different one begins each round, so that nobody always follows the same neighbour.
        let count = turns.len();
        for i in 0..count {
            let turn = &mut turns[(round + i) % count];
            let seconds = turn.time(problems);
            turn.seconds.push(seconds / turn.problems as f64);
        }
    }
    turns.into_iter().map(|turn| 1e9 * turn.median()).collect()
}
