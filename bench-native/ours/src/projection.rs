//! Projection on principal components.

use crate::NAME;
use abi::{BATCH, Cell, Projection, Real, Table};
use eigenmote::Scalar;
use eigenmote::stats::Pca;

/// Only mean and components matter for a projection.
fn prepare<T: Scalar, const D: usize, const K: usize>(model: &Projection<T, D, K>) -> Pca<T, D, K> {
    Pca {
        mean: model.mean,
        components: model.components,
        explained_variance: [T::ONE; K],
        explained_variance_ratio: [T::ZERO; K],
        singular_values: [T::ONE; K],
        noise_variance: T::ZERO,
        count: 2,
    }
}

/// Enters `Pca::transform`, for one sample and for many.
pub fn add<T: Real + Scalar>(table: &mut Table) {
    macro_rules! project {
        ($table:ident, $t:ty, $d:literal, $k:literal) => {
            $table.add_with_state(
                NAME,
                Cell::new::<$t>("project", $d, $k),
                prepare::<$t, $d, $k>,
                |pca: &mut Pca<$t, $d, $k>, x: &[$t; $d], z: &mut [$t; $k]| {
                    *z = pca.transform(x);
                    true
                },
            );
            $table.add_with_state(
                NAME,
                Cell::new::<$t>("project batch", $d, $k).rank(BATCH),
                prepare::<$t, $d, $k>,
                |pca: &mut Pca<$t, $d, $k>, x: &[[$t; $d]; BATCH], z: &mut [[$t; $k]; BATCH]| {
                    pca.transform_batch(x, z);
                    true
                },
            );
        };
    }
    abi::for_projection_shapes!(project, table, T);
}
