//! Two hundred matrices of every size that the benchmarks have.

use eigenmote::linalg::eigh;
use eigenmote::{Mat, Scalar, simd};

use super::{Group, Hash, gaussian, graded};

/// The groups, one for each routine and scalar; they take minutes on an emulated chip.
pub const GROUPS: &[Group] = &[
    Group { name: "many svd f32", hash: svds::<f32>, pinned: 0 },
    Group { name: "many svd f64", hash: svds::<f64>, pinned: 0 },
    Group { name: "many eigh f32", hash: eighs::<f32>, pinned: 0 },
    Group { name: "many eigh f64", hash: eighs::<f64>, pinned: 0 },
];

const MATRICES: u64 = 200;

/// Random columns; of similar length, shrinking, or two of them the same.
fn matrix<T: Scalar, const M: usize, const N: usize>(seed: u64) -> Mat<T, M, N> {
    let mut a = match seed % 4 {
        1 => graded(seed, 1),
        2 => graded(seed, if N <= 8 { 7 } else { 2 }),
        _ => gaussian(seed),
    };
    if seed % 4 == 3 {
        a.cols[N - 1] = a.cols[0];
    }
    a
}

fn svds<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    macro_rules! add {
        ($($m:literal $n:literal),*) => {
            $(for seed in 0..MATRICES {
                hash.svd(&matrix::<T, $m, $n>(seed));
            })*
        };
    }
    add!(2 2, 3 3, 4 4, 6 6, 8 8, 12 12, 16 16, 24 24, 32 32, 48 48, 64 64);
    add!(32 4, 64 8, 64 16, 128 16, 256 32);
    hash.0
}

fn eighs<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    macro_rules! add {
        ($($n:literal),*) => {
            $(for seed in 0..MATRICES {
                let mut a = matrix::<T, $n, $n>(seed);
                let t = a.transpose();
                simd::axpy(T::ONE, t.as_slice(), a.as_mut_slice());
                hash.eigh_result(&eigh(&a).expect("finite input"));
            })*
        };
    }
    add!(2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64);
    hash.0
}
