//! The leading triplets, to the default tolerance of `ε^⅔` of the largest value.

use crate::named;
use abi::{Cell, Cols, Real, Table, Triplets};
use eigenmote::linalg::truncated::{self, truncated_svd, workspace_len};
use eigenmote::linalg::{dominant_triplet, power, top_triplets};
use eigenmote::{Mat, MatRef, Scalar};

/// What `truncated_svd` writes beside the triplets.
struct Memory<T> {
    work: Vec<T>,
    residuals: Vec<T>,
    options: truncated::Options<T>,
}

fn add_truncated<T: Real + Scalar, const N: usize, const K: usize>(table: &mut Table) {
    table.add_with_state(
        &named("truncated"),
        Cell::new::<T>("top-k", N, N).rank(K),
        |(): &()| {
            let options = truncated::Options::new(K);
            let work = vec![T::ZERO; workspace_len(N, N, &options)];
            Memory { work, residuals: vec![T::ZERO; K], options }
        },
        |memory: &mut Memory<T>, a: &Cols<T, N, N>, out: &mut Triplets<T, N, K>| {
            let Some(a) = MatRef::new(a.as_flattened(), N, N) else { return false };
            let mut triplets = truncated::Triplets {
                u: out.u.as_flattened_mut(),
                s: &mut out.s,
                v: out.v.as_flattened_mut(),
                residuals: &mut memory.residuals,
            };
            truncated_svd(&a, &mut triplets, &mut memory.work, &memory.options)
                .is_ok_and(|info| info.converged)
        },
    );
}

fn add_power<T: Real + Scalar, const N: usize, const K: usize>(table: &mut Table) {
    table.add(
        &named("power"),
        Cell::new::<T>("top-k", N, N).rank(K),
        |a: &Cols<T, N, N>, out: &mut Triplets<T, N, K>| {
            let Ok(f) = top_triplets::<T, N, N, K>(&Mat::from_cols(*a), &power::Options::new())
            else {
                return false;
            };
            *out = Triplets { u: f.u.cols, s: f.s, v: f.v.cols };
            f.info.converged
        },
    );
}

fn add_dominant<T: Real + Scalar, const N: usize>(table: &mut Table) {
    table.add(
        &named("power"),
        Cell::new::<T>("top-k", N, N).rank(1),
        |a: &Cols<T, N, N>, out: &mut Triplets<T, N, 1>| {
            let Ok(f) = dominant_triplet(&Mat::from_cols(*a), &power::Options::new()) else {
                return false;
            };
            *out = Triplets { u: [f.u], s: [f.s], v: [f.v] };
            f.info.converged
        },
    );
}

/// Enters `truncated_svd`, `dominant_triplet` and `top_triplets`.
pub fn add<T: Real + Scalar>(table: &mut Table) {
    macro_rules! top_k {
        ($table:ident, $t:ty, $n:literal, 1) => {
            add_truncated::<$t, $n, 1>($table);
            add_dominant::<$t, $n>($table);
        };
        ($table:ident, $t:ty, $n:literal, $k:literal) => {
            add_truncated::<$t, $n, $k>($table);
            add_power::<$t, $n, $k>($table);
        };
    }
    abi::for_top_k_shapes!(top_k, table, T);
}
