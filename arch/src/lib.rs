//! Vector registers that a program finds at run time, and an instruction for which Rust has no function:
//! the only crate of eigenmote with `unsafe`.
//!
//! On x86-64 a program built for every such processor may still use AVX2 and FMA where they are.
//! [`Avx2`] is the proof that they are: it can only be had from [`Avx2::detect`], and every
//! register type here is made from it. [`run`] compiles a [`Kernel`] for those registers. On ARM with
//! hard floats there is `sqrt`. On other targets the crate is empty: there the instruction set is chosen
//! at build time.
#![no_std]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
pub use avx2::{Avx2, F32x4, F32x8, F64x2, F64x4, Kernel, run};

#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
mod vfp;
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
pub use vfp::sqrt;
