//! Runs the pinned groups of `tests/bits.rs` and exits with success if every hash matches.
//!
//! On a chip under QEMU it reports by semihosting, elsewhere on the standard output. In `firmware/`:
//! `cargo run --release -p bits` for a Cortex-M4F, with `--target thumbv6m-none-eabi`,
//! `aarch64-unknown-linux-gnu` or `x86_64-unknown-linux-gnu` for others, there also with
//! `RUSTFLAGS="-C target-cpu=x86-64-v3"` or `x86-64-v4`. `--features many` takes minutes: two hundred
//! matrices of every size of the benchmarks.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[path = "../../../tests/support/bits.rs"]
mod groups;

use core::fmt::Write as _;

/// Prints a line per group; whether all have the pinned bits.
fn run() -> bool {
    #[cfg(feature = "many")]
    let all = groups::GROUPS.iter().chain(groups::many::GROUPS);
    #[cfg(not(feature = "many"))]
    let all = groups::GROUPS.iter();
    let (mut differing, mut count) = (0, 0);
    for group in all {
        count += 1;
        let hash = (group.hash)();
        let same = hash == group.pinned;
        let verdict = if same { "same" } else { "DIFFERENT" };
        // Nobody could be told that it failed.
        let _ = writeln!(board::Console, "{} {hash:#018x} {verdict}", group.name);
        differing += usize::from(!same);
    }
    let _ = writeln!(board::Console, "{differing} of {count} groups differ");
    differing == 0
}

board::program!(run);
