//! Models and a table as `eigenmote export --rust` writes them into the folder that `EXPORTED` names.
#![cfg_attr(target_os = "none", no_std)]
#![deny(warnings, missing_docs)]

/// Predicts eight channels of a machine's counters.
pub mod telemetry {
    include!(concat!(env!("EXPORTED"), "/telemetry.rs"));
}

/// Projects some pixels of digits.
pub mod digits {
    include!(concat!(env!("EXPORTED"), "/digits.rs"));
}

/// Says what is near to some words.
pub mod vocabulary {
    include!(concat!(env!("EXPORTED"), "/vocabulary.rs"));
}

/// Runs the tests in the files: 0 if they pass.
#[unsafe(no_mangle)]
pub extern "C" fn exported_self_tests() -> i32 {
    i32::from(telemetry::self_test().is_err())
        + 2 * i32::from(digits::self_test().is_err())
        + 4 * i32::from(vocabulary::self_test().is_err())
}

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
