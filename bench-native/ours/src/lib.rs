//! eigenmote's contenders. Built for the plain target, as its users get it, once with default
//! features and once with `fast`.

use abi::{Sink, Table};

mod eigh;
mod svd;

/// The name in the tables.
const NAME: &str = if cfg!(feature = "fast") { "eigenmote fast" } else { "eigenmote" };

/// Enters the contenders of this library.
///
/// # Safety
/// The functions of `sink` may be called with its `table`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_bench_fill(sink: *const Sink) {
    // SAFETY: promised by the caller.
    let mut table = unsafe { Table::new(&*sink) };
    svd::add(&mut table);
    eigh::add(&mut table);
}
