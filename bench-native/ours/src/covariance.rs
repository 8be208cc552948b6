//! Streaming covariance.

use crate::NAME;
use abi::{BLOCK, Cell, Covariance, Real, Table};
use eigenmote::Scalar;
use eigenmote::stats::Moments;

fn finish<T: Scalar, const D: usize>(moments: &mut Moments<T, D>, out: &mut Covariance<T, D>) {
    out.mean = moments.mean();
    if let Ok(covariance) = moments.covariance() {
        out.covariance = covariance.cols;
    }
}

/// Enters `Moments::update` and `Moments::update_batch`.
pub fn add<T: Real + Scalar>(table: &mut Table) {
    macro_rules! covariance {
        ($table:ident, $t:ty, $d:literal) => {
            $table.add_accumulator(
                NAME,
                Cell::new::<$t>("covariance", $d, $d),
                |(): &()| Moments::<$t, $d>::new(),
                |moments: &mut Moments<$t, $d>, x: &[$t; $d]| moments.update(x).is_ok(),
                finish::<$t, $d>,
            );
            $table.add_accumulator(
                NAME,
                Cell::new::<$t>("covariance block", $d, $d).rank(BLOCK),
                |(): &()| Moments::<$t, $d>::new(),
                |moments: &mut Moments<$t, $d>, block: &[[$t; $d]; BLOCK]| {
                    moments.update_batch(block).is_ok()
                },
                finish::<$t, $d>,
            );
        };
    }
    abi::for_covariance_shapes!(covariance, table, T);
}
