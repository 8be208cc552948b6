//! What the runner shows of a cell.

use crate::table::Cell;

/// One line a contender: nanoseconds and how many times those of the fastest peer.
pub fn print(cell: &Cell, times: &[(String, f64)]) {
    println!("\n{} {} {}", cell.routine.name(), cell.scalar.name(), cell.shape());
    let peers = times.iter().filter(|(name, _)| !name.starts_with("eigenmote"));
    let best = peers.map(|&(_, ns)| ns).fold(f64::INFINITY, f64::min);
    for (name, ns) in times {
        println!("  {name:18} {ns:12.1} ns {:8.2}", ns / best);
    }
}
