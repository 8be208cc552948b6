//! Every public routine of the library as a C function, compiled for a chip.
//!
//! `run` beside this crate follows the calls from each function and fails if one of them can reach
//! the panic handler, or if one whose name begins with `f32_` can reach double-precision
//! arithmetic. Inputs come through references, so that nothing is known about their values.
#![no_std]
#![allow(improper_ctypes_definitions)]

use core::panic::PanicInfo;

mod foundation;
mod linalg;

unsafe extern "C" {
    safe fn panic_reached() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    panic_reached()
}

/// Exports functions that store the value of an expression behind a reference.
macro_rules! export {
    ($prefix:literal: $($name:ident($($arg:ident: $t:ty),*) -> $result:ty = $body:expr;)*) => {
        $(
            #[unsafe(export_name = concat!($prefix, stringify!($name)))]
            extern "C" fn $name($($arg: $t,)* out: &mut $result) {
                *out = $body;
            }
        )*
    };
}
/// The same functions twice, with `T` as `f32` and as `f64`.
macro_rules! export_both {
    ($($functions:tt)*) => {
        mod single {
            use super::*;
            type T = f32;
            $crate::export! { "f32_": $($functions)* }
        }
        mod double {
            use super::*;
            type T = f64;
            $crate::export! { "f64_": $($functions)* }
        }
    };
}
use {export, export_both};
