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

#[cfg(target_os = "none")]
use cortex_m_semihosting::hprintln as println;

/// Prints a line per group; the number of groups with other bits than the pinned ones.
fn differing() -> usize {
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
        println!("{} {:#018x} {}", group.name, hash, verdict);
        differing += usize::from(!same);
    }
    println!("{} of {} groups differ", differing, count);
    differing
}

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    if differing() == 0 { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

#[cfg(target_os = "none")]
mod chip {
    use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
    use cortex_m_semihosting::hprintln;

    #[cortex_m_rt::entry]
    fn main() -> ! {
        debug::exit(if super::differing() == 0 { EXIT_SUCCESS } else { EXIT_FAILURE });
        unreachable!("the emulator has ended");
    }

    #[panic_handler]
    fn panic(info: &core::panic::PanicInfo) -> ! {
        hprintln!("{}", info);
        debug::exit(EXIT_FAILURE);
        loop {}
    }
}
