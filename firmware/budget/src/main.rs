//! Calls every routine once between marks for a counter of instructions and prints what stack it took.
//!
//! A line per routine, its parts separated by tabs: name, symbol, values that one call works on (1 where
//! that means nothing), bytes of stack. `firmware/run` reads them.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

mod measure;
mod routines;

use measure::{measure, nothing};

fn run() -> bool {
    measure(["nothing", "nothing"], 1, nothing, &mut 0) & routines::measure_all()
}

board::program!(run);
