//! What the runner shows.

use crate::check::Verdict;
use crate::outcome::Outcome;

/// One cell for the terminal: nanoseconds, multiples of those of the fastest peer, errors in `ε`.
pub fn print(outcome: &Outcome) {
    println!("\n{}", outcome.cell.name());
    let best = outcome.best_peer().and_then(|m| m.ns);
    let epsilon = outcome.cell.scalar.epsilon();
    for m in &outcome.measured {
        let ratio = m.ns.zip(best).map_or(String::new(), |(ns, best)| format!("{:.2}", ns / best));
        match (m.ns, m.verdict) {
            (Some(ns), Verdict::Right(error)) => {
                println!("  {:22} {ns:12.1} ns {ratio:>8}   {:8.1} ε", m.name, error / epsilon);
            }
            (_, Verdict::GaveUp(count)) => println!("  {:22} gave up on {count}", m.name),
            (None, Verdict::Right(_)) => println!("  {:22} was not timed", m.name),
        }
    }
}
