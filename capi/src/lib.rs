//! The C interface: what `include/eigenmote.h` declares, as thin functions over the library.
//!
//! All of the project's `unsafe` for C is here. `lend` turns the caller's pointers into slices after it
//! has checked what can be checked; the other modules call it first and the library then.
#![no_std]
#![allow(non_camel_case_types, reason = "C's names")]

mod lend;

pub mod codec;
pub mod network;
pub mod nn;
pub mod stats;
pub mod status;
pub mod words;

/// Major version: changes when programs have to be changed.
pub const EIGENMOTE_VERSION_MAJOR: u32 = 0;
/// Minor version: changes when something is added.
pub const EIGENMOTE_VERSION_MINOR: u32 = 1;
/// Patch version.
pub const EIGENMOTE_VERSION_PATCH: u32 = 0;

/// The version of the header as one number: major*65536 + minor*256 + patch.
pub const EIGENMOTE_VERSION: u32 =
    EIGENMOTE_VERSION_MAJOR << 16 | EIGENMOTE_VERSION_MINOR << 8 | EIGENMOTE_VERSION_PATCH;

const _: () = assert!(EIGENMOTE_VERSION_MAJOR == number(env!("CARGO_PKG_VERSION_MAJOR")));
const _: () = assert!(EIGENMOTE_VERSION_MINOR == number(env!("CARGO_PKG_VERSION_MINOR")));
const _: () = assert!(EIGENMOTE_VERSION_PATCH == number(env!("CARGO_PKG_VERSION_PATCH")));

/// The number that a text is.
const fn number(text: &str) -> u32 {
    let (mut number, mut rest) = (0, text.as_bytes());
    while let [digit, after @ ..] = rest {
        number = 10 * number + (*digit - b'0') as u32;
        rest = after;
    }
    number
}

/// The version of the library that was linked, to be compared with `EIGENMOTE_VERSION`.
#[unsafe(no_mangle)]
pub extern "C" fn eigenmote_version() -> u32 {
    EIGENMOTE_VERSION
}

/// On chips nothing reaches it: `build` looks for its name among the symbols that are left.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    eigenmote_panic_reached()
}

#[cfg(target_os = "none")]
#[inline(never)]
fn eigenmote_panic_reached() -> ! {
    #[allow(clippy::empty_loop, reason = "there is no one to tell")]
    loop {}
}

#[cfg(not(target_os = "none"))]
fn eigenmote_panic_reached() -> ! {
    unsafe extern "C" {
        safe fn abort() -> !;
    }
    abort()
}
