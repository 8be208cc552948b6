//! Streaming covariance.

use crate::{NAME, named};
use abi::{BLOCK, Cell, Covariance, Real, Table};
use eigenmote::Scalar;
use eigenmote::stats::{self, Moments};

/// Enters `update` and `update_batch` of `Covariance` and of `Moments`, which keeps double-word sums.
pub fn add<T: Real + Scalar>(table: &mut Table) {
    macro_rules! accumulator {
        ($table:ident, $name:expr, $state:ty, $t:ty, $d:literal) => {
            let finish = |state: &mut $state, out: &mut Covariance<$t, $d>| {
                out.mean = state.mean();
                if let Ok(covariance) = state.covariance() {
                    out.covariance = covariance.cols;
                }
            };
            $table.add_accumulator(
                $name,
                Cell::new::<$t>("covariance", $d, $d),
                |(): &()| <$state>::new(),
                |state: &mut $state, x: &[$t; $d]| state.update(x).is_ok(),
                finish,
            );
            $table.add_accumulator(
                $name,
                Cell::new::<$t>("covariance block", $d, $d).rank(BLOCK),
                |(): &()| <$state>::new(),
                |state: &mut $state, block: &[[$t; $d]; BLOCK]| state.update_batch(block).is_ok(),
                finish,
            );
        };
    }
    macro_rules! covariance {
        ($table:ident, $t:ty, $d:literal) => {
            accumulator!($table, NAME, stats::Covariance<$t, $d>, $t, $d);
            accumulator!($table, &named("Moments"), Moments<$t, $d>, $t, $d);
        };
    }
    abi::for_covariance_shapes!(covariance, table, T);
}
