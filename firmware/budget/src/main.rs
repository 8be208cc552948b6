//! Calls every routine once between marks for a counter of instructions and prints what stack it took.
//!
//! A line per routine, its parts separated by tabs: name, symbol, values that one call works on (1 where
//! that means nothing), bytes of stack. `firmware/run` reads them.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

mod routines;

use core::hint::black_box;

/// Does nothing: what is measured of it is the measuring.
extern "C" fn nothing(_: &mut u32) -> bool {
    true
}

/// A routine on the job it is given; it tells whether that was done.
type Routine<J> = extern "C" fn(&mut J) -> bool;

/// The stack that a routine takes.
fn stack_of<J>(routine: Routine<J>, job: &mut J) -> (bool, usize) {
    let routine = black_box(routine);
    board::stack_of(|| board::region(|| routine(black_box(job))))
}

#[inline(never)]
fn measure<J>(names: [&str; 2], values: u32, routine: Routine<J>, job: &mut J) -> bool {
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

fn run() -> bool {
    measure(["nothing", "nothing"], 1, nothing, &mut 0) & routines::measure_all()
}

board::program!(run);
