//! Runs the pinned groups of `tests/bits.rs` and exits with success if every hash matches.
//!
//! On a Cortex-M4F under QEMU it reports by semihosting, elsewhere on the standard output:
//! `cargo run --release -p bits` and `cargo run --release -p bits --target aarch64-unknown-linux-gnu`
//! in `firmware/`.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

#[path = "../../../tests/support/bits.rs"]
mod groups;

#[cfg(target_os = "none")]
use cortex_m_semihosting::hprintln as println;

/// Prints a line per group; the number of groups with other bits than the pinned ones.
fn differing() -> usize {
    let mut differing = 0;
    for group in groups::GROUPS {
        let hash = (group.hash)();
        let same = hash == group.pinned;
        let verdict = if same { "same" } else { "DIFFERENT" };
        println!("{} {:#018x} {}", group.name, hash, verdict);
        differing += usize::from(!same);
    }
    println!("{} of {} groups differ", differing, groups::GROUPS.len());
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
