//! Measures a routine and prints a line about it.

use core::hint::black_box;

/// Does nothing: what is measured of it is the measuring.
pub extern "C" fn nothing(_: &mut u32) -> bool {
    true
}

/// A routine on the job it is given; it tells whether that was done.
pub type Routine<J> = extern "C" fn(&mut J) -> bool;

/// The stack that a routine takes.
pub fn stack_of<J>(routine: Routine<J>, job: &mut J) -> (bool, usize) {
    let routine = black_box(routine);
    board::stack_of(|| board::region(|| routine(black_box(job))))
}

#[inline(never)]
pub fn measure<J>(names: [&str; 2], values: u32, routine: Routine<J>, job: &mut J) -> bool {
    let (done, stack) = stack_of(routine, job);
    black_box(job);
    for name in names {
        board::print(name);
        board::print("\t");
    }
    board::print_number(values);
    board::print("\t");
    board::print_number(stack as u32);
    board::print(if done { "\n" } else { "\tFAILED\n" });
    done
}
