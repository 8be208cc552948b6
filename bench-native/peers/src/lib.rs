//! The Rust peers and LAPACK, built for the machine at hand.

use abi::{Sink, Table};

mod faer;
mod lapack;
mod nalgebra;

/// Enters the contenders of this library.
///
/// # Safety
/// The functions of `sink` may be called with its `table`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_bench_fill(sink: *const Sink) {
    // SAFETY: promised by the caller.
    let mut table = unsafe { Table::new(&*sink) };
    nalgebra::add(&mut table);
    faer::add(&mut table);
    lapack::add(&mut table);
}
