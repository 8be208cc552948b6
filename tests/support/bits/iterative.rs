//! Leading eigenpairs and triplets by repeated multiplication.

use eigenmote::linalg::power::{self, Options};
use eigenmote::linalg::truncated::{self, Triplets, truncated_svd, workspace_len};
use eigenmote::linalg::{
    Centered, Csr, Implicit, LinearOperator, dominant_eigenpair, dominant_triplet, top_eigenpairs,
    top_triplets,
};
use eigenmote::{Mat, MatRef, Scalar, rng};

use super::{Hash, deficient, gaussian, graded, symmetric};

pub(super) fn power<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    one_pair(&mut hash, &symmetric::<T, 3>(50));
    one_pair(&mut hash, &symmetric::<T, 9>(51));
    let factor = graded::<T, 6, 6>(52, 5);
    one_pair(&mut hash, &factor.tr_mul(&factor));
    one_triplet(&mut hash, &gaussian::<T, 9, 5>(53));
    one_triplet(&mut hash, &gaussian::<T, 4, 11>(54));
    one_triplet(&mut hash, &graded::<T, 6, 6>(55, 7));
    block::<T, 8, 3>(&mut hash, &symmetric(56));
    block::<T, 12, 5>(&mut hash, &symmetric(57));
    block_of_triplets::<T, 12, 7, 3>(&mut hash, &gaussian(58));
    block_of_triplets::<T, 5, 10, 2>(&mut hash, &deficient::<T, 5, 10, 3>(59));
    hash.0
}

fn iterations<T: Scalar>(hash: &mut Hash, info: power::Info<T>) {
    hash.word(u64::from(info.iterations));
    hash.value(info.residual);
    hash.word(u64::from(info.converged));
}

fn one_pair<T: Scalar, const N: usize>(hash: &mut Hash, a: &Mat<T, N, N>) {
    let pair = dominant_eigenpair(a, &Options::new()).expect("finite input");
    hash.value(pair.value);
    hash.values(&pair.vector);
    iterations(hash, pair.info);
}

fn one_triplet<T: Scalar, const M: usize, const N: usize>(hash: &mut Hash, a: &Mat<T, M, N>) {
    let triplet = dominant_triplet(a, &Options::new()).expect("finite input");
    hash.values(&triplet.u);
    hash.value(triplet.s);
    hash.values(&triplet.v);
    iterations(hash, triplet.info);
}

fn block<T: Scalar, const N: usize, const K: usize>(hash: &mut Hash, a: &Mat<T, N, N>) {
    let top = top_eigenpairs::<T, N, K>(a, &Options::new()).expect("finite input");
    hash.values(&top.eigenvalues);
    hash.values(top.eigenvectors.as_slice());
    hash.values(&top.residuals);
    iterations(hash, top.info);
}

fn block_of_triplets<T: Scalar, const M: usize, const N: usize, const K: usize>(
    hash: &mut Hash,
    a: &Mat<T, M, N>,
) {
    let top = top_triplets::<T, M, N, K>(a, &Options::new()).expect("finite input");
    hash.values(top.u.as_slice());
    hash.values(&top.s);
    hash.values(top.v.as_slice());
    hash.values(&top.residuals);
    iterations(hash, top.info);
}

/// Room for the results and the workspace of matrices of at most 30 × 30.
const LONG: usize = 5 * 30;
const WORK: usize = workspace_len(30, 30, &truncated::Options::<f64>::new(5));

fn leading<T: Scalar>(
    hash: &mut Hash,
    a: &impl LinearOperator<T>,
    options: &truncated::Options<T>,
) {
    let (mut u, mut v, mut work) = ([T::ZERO; LONG], [T::ZERO; LONG], [T::ZERO; WORK]);
    let (mut s, mut residuals) = ([T::ZERO; 5], [T::ZERO; 5]);
    let k = options.rank;
    let mut out = Triplets {
        u: &mut u[..k * a.rows()],
        s: &mut s[..k],
        v: &mut v[..k * a.cols()],
        residuals: &mut residuals[..k],
    };
    let info = truncated_svd(a, &mut out, &mut work, options).expect("finite input");
    hash.values(&u);
    hash.values(&s);
    hash.values(&v);
    hash.values(&residuals);
    hash.word(u64::from(info.applies));
    hash.word(u64::from(info.restarts));
    hash.word(u64::from(info.converged));
    hash.value(info.residual);
    if let Some(tail) = info.tail {
        hash.values(&[tail.norm, tail.lower, tail.upper]);
    }
}

/// The usual choice, and a basis so small that it has to restart.
fn both_bases<T: Scalar>(hash: &mut Hash, a: &impl LinearOperator<T>, rank: usize) {
    let usual = truncated::Options::new(rank);
    leading(hash, a, &usual);
    leading(hash, a, &truncated::Options { block: 2, basis: rank + 2, ..usual });
}

pub(super) fn dense<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    both_bases(&mut hash, &gaussian::<T, 30, 12>(60), 3);
    both_bases(&mut hash, &gaussian::<T, 9, 20>(61), 4);
    both_bases(&mut hash, &deficient::<T, 20, 20, 4>(62), 5);
    both_bases(&mut hash, &graded::<T, 16, 10>(63, 6), 2);
    let a = gaussian::<T, 30, 8>(64);
    let mean: [T; 8] = core::array::from_fn(|j| T::from_usize(j));
    both_bases(&mut hash, &Centered { operator: &a, mean: &mean }, 3);
    let view = MatRef::new(a.as_slice(), 30, 8).expect("the size of the matrix");
    let implicit = Implicit {
        rows: 8,
        cols: 30,
        apply: |x: &[T], y: &mut [T]| view.apply_transposed(x, y),
        apply_transposed: |x: &[T], y: &mut [T]| view.apply(x, y),
    };
    both_bases(&mut hash, &implicit, 3);
    hash.0
}

/// 30 × 25 with four entries in each row but every seventh, which is empty.
pub(super) fn sparse<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    let (mut row_ptr, mut col_idx) = ([0_u32; 31], [0_u32; 4 * 30]);
    let mut values = [T::ZERO; 4 * 30];
    rng::fill_normal(&mut rng::seeded(65), &mut values);
    let mut len = 0;
    for i in 0..30 {
        if i % 7 != 3 {
            for (k, j) in col_idx[len..len + 4].iter_mut().zip(0..) {
                *k = 6 * j + (i * (j + 3)) % 6;
            }
            len += 4;
        }
        row_ptr[i as usize + 1] = u32::try_from(len).expect("at most 120 entries");
    }
    let a = Csr::new(30, 25, &row_ptr, &col_idx[..len], &values[..len]).expect("ascending columns");
    both_bases(&mut hash, &a, 3);
    both_bases(&mut hash, &Centered { operator: &a, mean: &values[..25] }, 5);
    hash.0
}
