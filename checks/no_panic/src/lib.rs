//! Every public routine of the library as a C function, compiled for a chip.
//!
//! `run` beside this crate follows the calls from each function and fails if one of them can reach
//! the panic handler, if one whose name begins with `f32_` can reach double-precision arithmetic, or
//! if one whose name begins with `int_` can reach any float routine. Inputs come through references, so that nothing is known about their values.
#![no_std]
#![allow(improper_ctypes_definitions)]

use core::panic::PanicInfo;

mod codec;
mod embed;
mod errors;
mod foundation;
mod iterative;
mod linalg;
mod lowrank;
mod network;
mod nn;
mod stats;
mod train;

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
/// The same functions for every type of sample, `S`, each type with a prefix of its own.
macro_rules! export_samples {
    ($i16:literal $i32:literal $f32:literal $f64:literal: $($functions:tt)*) => {
        mod i16_samples {
            use super::*;
            type S = i16;
            $crate::export! { $i16: $($functions)* }
        }
        mod i32_samples {
            use super::*;
            type S = i32;
            $crate::export! { $i32: $($functions)* }
        }
        mod f32_samples {
            use super::*;
            type S = f32;
            $crate::export! { $f32: $($functions)* }
        }
        mod f64_samples {
            use super::*;
            type S = f64;
            $crate::export! { $f64: $($functions)* }
        }
    };
}
use {export, export_both, export_samples};
