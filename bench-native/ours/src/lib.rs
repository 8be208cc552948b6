//! eigenmote's contenders. Built for the plain target, as its users get it, once with default
//! features and once with `fast`; and with `fast` for this machine alone, to see what that would add.

pub mod batch;
pub mod closed;
pub mod covariance;
pub mod decoder;
pub mod eigh;
pub mod projection;
pub mod svd;
pub mod top_k;

/// The name in the tables.
const NAME: &str = if cfg!(feature = "native") {
    "eigenmote native"
} else if cfg!(feature = "fast") {
    "eigenmote fast"
} else {
    "eigenmote"
};

/// The name in the tables of a routine beside the main one.
fn named(routine: &str) -> String {
    format!("{NAME} {routine}")
}
