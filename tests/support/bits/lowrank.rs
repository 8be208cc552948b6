//! What follows from singular values and vectors.

use eigenmote::linalg::{lowrank, svd};
use eigenmote::{Mat, Scalar, rng};

use super::{Hash, deficient, gaussian, graded};

pub(super) fn approximations<T: Scalar>() -> u64 {
    fn add<T: Scalar, const M: usize, const N: usize>(hash: &mut Hash, a: &Mat<T, M, N>) {
        let f = svd(a).expect("finite input");
        for k in 0..=N {
            hash.values(f.low_rank(k).as_slice());
            hash.values(&[lowrank::spectral_error(&f.s, k), lowrank::frobenius_error(&f.s, k)]);
        }
        let tolerance = T::from_f64(0.1);
        hash.word(lowrank::rank_for_error(&f.s, tolerance) as u64);
        hash.word(lowrank::numerical_rank(&f.s, lowrank::default_rcond(M, N)) as u64);
        hash.value(f.condition_number());
    }
    let mut hash = Hash::new();
    add(&mut hash, &gaussian::<T, 9, 5>(70));
    add(&mut hash, &deficient::<T, 8, 6, 3>(71));
    add(&mut hash, &graded::<T, 7, 7>(73, 6));
    hash.0
}

pub(super) fn solutions<T: Scalar>() -> u64 {
    fn add<T: Scalar, const M: usize, const N: usize>(hash: &mut Hash, a: &Mat<T, M, N>) {
        let f = svd(a).expect("finite input");
        hash.word(f.rank(None) as u64);
        let (mut b, mut c) = ([T::ZERO; M], [T::ZERO; N]);
        rng::fill_normal(&mut rng::seeded(74), &mut b);
        rng::fill_normal(&mut rng::seeded(75), &mut c);
        for rcond in [None, Some(T::from_f64(0.01))] {
            hash.values(f.pseudo_inverse(rcond).expect("in range").as_slice());
            let tall = f.solve(&b, rcond).expect("in range");
            hash.values(&tall.x);
            let wide = f.solve_transposed(&c, rcond).expect("in range");
            hash.values(&wide.x);
            hash.values(&[tall.residual, wide.residual]);
            hash.word((tall.rank + wide.rank) as u64);
        }
    }
    let mut hash = Hash::new();
    add(&mut hash, &gaussian::<T, 9, 5>(76));
    add(&mut hash, &deficient::<T, 8, 6, 3>(77));
    add(&mut hash, &graded::<T, 7, 7>(79, 6));
    hash.0
}
