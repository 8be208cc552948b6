//! Vector registers that a program finds at run time, and an instruction for which Rust has no function:
//! the only crate of eigenmote with `unsafe`.
//!
//! On x86-64 a program built for every such processor may still use AVX2 and FMA, or AVX-512, where they
//! are. [`Avx2`] and [`Avx512`] are the proof that they are: it can only be had from `detect`, and every
//! register type here is made from one. `run` compiles a [`Kernel`] for those registers. On ARM with
//! hard floats there is `sqrt`. On other targets the crate is empty: there the instruction set is chosen
//! at build time.
#![no_std]

#[cfg(target_arch = "x86_64")]
#[macro_use]
mod registers;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
pub use avx2::{Avx2, F32x4, F32x8, F64x2, F64x4};
#[cfg(target_arch = "x86_64")]
pub use avx512::{Avx512, F32x16, F64x8, Mask8, Mask16};
#[cfg(all(test, target_arch = "x86_64"))]
mod tests;

#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
mod vfp;
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
pub use vfp::sqrt;

/// Work to be compiled for what a proof `P` stands for: `run` and everything it calls must be inlined
/// for that.
pub trait Kernel<P> {
    /// What it returns.
    type Output;
    /// Does the work. Mark it `#[inline(always)]`.
    fn run(self, proof: P) -> Self::Output;
}
