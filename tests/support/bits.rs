//! Float routines and the codec run on seeded inputs, every result bit folded into one hash per
//! group.
//!
//! The library promises the same bits on every target. This file needs no `std`, so that the test
//! on the desktop and the program for emulated chips run the same groups and compare them with
//! the same constants. A change of a pinned hash is a change of results: it belongs in the
//! changelog.

use eigenmote::linalg::closed::{eigh_2x2, eigh_3x3, svd_2x2, svd_3x3};
use eigenmote::linalg::{
    Eigh, PackedEigh, PackedSvd, Svd, SvdState, eigenvalues, eigh, eigh_batch, qr, singular_values,
    svd, svd_batch,
};
use eigenmote::{Mat, Scalar, mat, rng, simd};

#[path = "bits/codec.rs"]
mod codec;
#[path = "bits/embed.rs"]
mod embed;
#[path = "bits/iterative.rs"]
mod iterative;
#[path = "bits/lowrank.rs"]
mod lowrank;
#[allow(dead_code, reason = "they take too long for a test: firmware/bits runs them")]
#[path = "bits/many.rs"]
pub mod many;
#[path = "bits/nn.rs"]
mod nn;
#[path = "bits/stats.rs"]
mod stats;
#[path = "bits/train.rs"]
mod train;

/// A named set of computations with the hash it must give.
pub struct Group {
    /// What is computed.
    pub name: &'static str,
    /// Computes it and hashes the result bits.
    pub hash: fn() -> u64,
    /// The hash on every target.
    pub pinned: u64,
}

/// Every group, in the order of the layers.
pub const GROUPS: &[Group] = &[
    Group { name: "scalar f32", hash: scalars::<f32>, pinned: 0x46bf_6adb_cfd5_8fa0 },
    Group { name: "scalar f64", hash: scalars::<f64>, pinned: 0x360f_6aea_7c11_e472 },
    Group { name: "simd f32", hash: sums::<f32>, pinned: 0x476e_bd8c_f10e_c381 },
    Group { name: "simd f64", hash: sums::<f64>, pinned: 0x3595_225b_7e2b_b692 },
    Group { name: "mat f32", hash: products::<f32>, pinned: 0x49f8_327e_03b5_6e7c },
    Group { name: "mat f64", hash: products::<f64>, pinned: 0x115a_fe10_f734_d365 },
    Group { name: "rng f32", hash: random::<f32>, pinned: 0x992b_cff5_d922_1111 },
    Group { name: "rng f64", hash: random::<f64>, pinned: 0x4c10_41e7_3465_54f7 },
    Group { name: "svd f32", hash: decompositions::<f32>, pinned: 0x184a_ae3f_0c16_d7e6 },
    Group { name: "svd f64", hash: decompositions::<f64>, pinned: 0x7c17_871d_9eaa_5a49 },
    Group { name: "singular values f32", hash: spectra::<f32>, pinned: 0x4c65_0604_a3f8_015b },
    Group { name: "singular values f64", hash: spectra::<f64>, pinned: 0xffc9_41fd_cc96_caa8 },
    Group { name: "eigh f32", hash: symmetric_eigen::<f32>, pinned: 0xa517_6371_2a52_4281 },
    Group { name: "eigh f64", hash: symmetric_eigen::<f64>, pinned: 0x43d4_7395_534f_8f7a },
    Group { name: "closed f32", hash: closed_forms::<f32>, pinned: 0x4364_bd3b_40f9_03cd },
    Group { name: "closed f64", hash: closed_forms::<f64>, pinned: 0xae2b_052b_99c0_2254 },
    Group { name: "batch f32", hash: batches::<f32>, pinned: 0xe422_37e5_25e8_cd56 },
    Group { name: "batch f64", hash: batches::<f64>, pinned: 0x33a1_1749_d6a5_1d1c },
    Group { name: "qr f32", hash: factors::<f32>, pinned: 0x2159_f477_12ab_a45c },
    Group { name: "qr f64", hash: factors::<f64>, pinned: 0x46a2_3295_fbda_759a },
    Group { name: "power f32", hash: iterative::power::<f32>, pinned: 0x15f8_f99b_d7fb_d3f9 },
    Group { name: "power f64", hash: iterative::power::<f64>, pinned: 0x4d71_6776_b3be_fb5e },
    Group {
        name: "truncated, dense f32",
        hash: iterative::dense::<f32>,
        pinned: 0x4109_35c2_71e7_1f74,
    },
    Group {
        name: "truncated, dense f64",
        hash: iterative::dense::<f64>,
        pinned: 0x3540_9174_d720_3464,
    },
    Group {
        name: "truncated, sparse f32",
        hash: iterative::sparse::<f32>,
        pinned: 0xf1e6_6f88_f73f_8dfe,
    },
    Group {
        name: "truncated, sparse f64",
        hash: iterative::sparse::<f64>,
        pinned: 0x0d79_abe3_56b9_f20a,
    },
    Group {
        name: "lowrank f32",
        hash: lowrank::approximations::<f32>,
        pinned: 0x8495_d064_0ef5_303a,
    },
    Group {
        name: "lowrank f64",
        hash: lowrank::approximations::<f64>,
        pinned: 0x1c0b_842d_bcf8_0d0d,
    },
    Group { name: "solve f32", hash: lowrank::solutions::<f32>, pinned: 0x176e_e747_9b42_a787 },
    Group { name: "solve f64", hash: lowrank::solutions::<f64>, pinned: 0xddbd_c680_75b9_3fac },
    Group { name: "moments f32", hash: stats::moments::<f32>, pinned: 0x7560_5304_e582_2565 },
    Group { name: "moments f64", hash: stats::moments::<f64>, pinned: 0x3d43_6f56_4517_0b88 },
    Group { name: "scatter f32", hash: stats::scatter::<f32>, pinned: 0x65a0_87cc_af22_9138 },
    Group { name: "scatter f64", hash: stats::scatter::<f64>, pinned: 0xb9ff_3d8f_ec7c_27c6 },
    Group {
        name: "pca f32",
        hash: stats::principal_components::<f32>,
        pinned: 0x9fee_5631_4cab_44f2,
    },
    Group {
        name: "pca f64",
        hash: stats::principal_components::<f64>,
        pinned: 0x8fa2_6a61_2689_25b3,
    },
    Group {
        name: "standardizer f32",
        hash: stats::standardizer::<f32>,
        pinned: 0xce20_8411_373a_0633,
    },
    Group {
        name: "standardizer f64",
        hash: stats::standardizer::<f64>,
        pinned: 0xcf2c_21fc_9dff_2a20,
    },
    Group { name: "activations f32", hash: nn::activations::<f32>, pinned: 0x212d_8495_9ab8_192f },
    Group { name: "activations f64", hash: nn::activations::<f64>, pinned: 0xbb6d_a768_4dbd_1c89 },
    Group { name: "mlp f32", hash: nn::networks::<f32>, pinned: 0xb0be_06fe_6b6c_5a78 },
    Group { name: "mlp f64", hash: nn::networks::<f64>, pinned: 0x0692_0bfd_6f61_1296 },
    Group { name: "samplers f32", hash: nn::samplers::<f32>, pinned: 0x1e84_a79f_cd0e_8815 },
    Group { name: "samplers f64", hash: nn::samplers::<f64>, pinned: 0x6353_304f_7023_7909 },
    Group { name: "network f32", hash: nn::blobs, pinned: 0x1bb7_af36_c7cb_bf9e },
    Group { name: "network int8", hash: nn::integers, pinned: 0x3090_436f_7151_0954 },
    Group { name: "network int8 told a vector", hash: nn::told, pinned: 0x8a5b_6d07_cf28_bc6e },
    Group { name: "angles f32", hash: train::angles::<f32>, pinned: 0x732f_611e_e41a_db18 },
    Group { name: "angles f64", hash: train::angles::<f64>, pinned: 0x8f0c_64c3_b3b3_092c },
    Group {
        name: "autoencoders f32",
        hash: train::autoencoders::<f32>,
        pinned: 0xf062_5383_e277_64a1,
    },
    Group {
        name: "autoencoders f64",
        hash: train::autoencoders::<f64>,
        pinned: 0x9e37_bf36_a855_ba93,
    },
    Group { name: "players f32", hash: train::players::<f32>, pinned: 0x4c3a_08f7_22dd_e411 },
    Group { name: "players f64", hash: train::players::<f64>, pinned: 0x2043_fbc9_dc21_1d1c },
    Group { name: "diffusions f32", hash: train::diffusions::<f32>, pinned: 0x56c3_edae_516c_77e7 },
    Group { name: "diffusions f64", hash: train::diffusions::<f64>, pinned: 0x9b5e_574d_d27a_817e },
    Group { name: "bounded i16", hash: codec::bounded::<i16>, pinned: 0x08b4_f7e4_7140_be43 },
    Group { name: "bounded i32", hash: codec::bounded::<i32>, pinned: 0x88b5_9dc4_7d92_7a7d },
    Group { name: "bounded f32", hash: codec::bounded::<f32>, pinned: 0xa8a1_69df_a7a1_538d },
    Group { name: "bounded f64", hash: codec::bounded::<f64>, pinned: 0xb97f_cc77_32e7_08f0 },
    Group { name: "transform i16", hash: codec::transform::<i16>, pinned: 0x9329_ca5d_1fcf_f6e1 },
    Group { name: "transform i32", hash: codec::transform::<i32>, pinned: 0xdf64_e434_ffb8_1024 },
    Group { name: "transform f32", hash: codec::transform::<f32>, pinned: 0x2917_22c7_f9e6_9d2a },
    Group { name: "transform f64", hash: codec::transform::<f64>, pinned: 0x6b7f_8544_64de_0dd5 },
    Group { name: "words f32", hash: embed::learning::<f32>, pinned: 0x27b4_e01c_c7ab_8cb4 },
    Group { name: "words f64", hash: embed::learning::<f64>, pinned: 0xdb97_ac12_dd70_29fc },
    Group { name: "tables f32", hash: embed::tables::<f32>, pinned: 0x49c5_4a62_fc35_55e5 },
    Group { name: "tables f64", hash: embed::tables::<f64>, pinned: 0x33b0_9add_6c6d_0bf9 },
];

/// 64-bit FNV-1a.
struct Hash(u64);

impl Hash {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
    fn bytes(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x100_0000_01b3);
        }
    }
    fn word(&mut self, word: u64) {
        self.bytes(&word.to_le_bytes());
    }
    fn value<T: Scalar>(&mut self, x: T) {
        self.word(x.bits());
    }
    fn values<T: Scalar>(&mut self, x: &[T]) {
        for &v in x {
            self.value(v);
        }
    }
    fn svd<T: Scalar, const M: usize, const N: usize>(&mut self, a: &Mat<T, M, N>) {
        self.svd_result(&svd(a).expect("finite input"));
    }
    fn svd_result<T: Scalar, const M: usize, const N: usize>(&mut self, f: &Svd<T, M, N>) {
        self.values(f.u.as_slice());
        self.values(&f.s);
        self.values(f.v.as_slice());
        self.word(u64::from(f.sweeps));
    }
    fn eigh_result<T: Scalar, const N: usize>(&mut self, f: &Eigh<T, N>) {
        self.values(&f.eigenvalues);
        self.values(f.eigenvectors.as_slice());
    }
}

/// A matrix of standard normal values.
fn gaussian<T: Scalar, const M: usize, const N: usize>(seed: u64) -> Mat<T, M, N> {
    let mut generator = rng::seeded(seed);
    let mut a = Mat::zeros();
    rng::fill_normal(&mut generator, a.as_mut_slice());
    a
}

/// Columns shrinking by a factor of 2^-`bits` each.
fn graded<T: Scalar, const M: usize, const N: usize>(seed: u64, bits: i32) -> Mat<T, M, N> {
    let mut a = gaussian(seed);
    let mut shift = 0;
    for col in &mut a.cols {
        simd::scale(T::exp2i(-shift), col);
        shift += bits;
    }
    a
}

/// Rank `R`: the product of two random factors.
fn deficient<T: Scalar, const M: usize, const N: usize, const R: usize>(seed: u64) -> Mat<T, M, N> {
    gaussian::<T, M, R>(seed).mul(&gaussian::<T, R, N>(seed + 1))
}

/// A + Aᵀ of a random A.
fn symmetric<T: Scalar, const N: usize>(seed: u64) -> Mat<T, N, N> {
    let mut a = gaussian::<T, N, N>(seed);
    let t = a.transpose();
    simd::axpy(T::ONE, t.as_slice(), a.as_mut_slice());
    a
}

fn scalars<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    let mut generator = rng::seeded(1);
    for _ in 0..64 {
        let (x, y) = (rng::normal::<T>(&mut generator), rng::normal::<T>(&mut generator));
        hash.values(&[x.abs().sqrt(), x.exp(), x.abs().ln(), x.tanh()]);
        hash.values(&[x.erfc(), (x * T::from_i32(8)).round(), x / y]);
        let far = x.scale_exp2(20);
        hash.values(&[far.tanh(), (-far).exp(), x.scale_exp2(T::MIN_EXP)]);
        hash.word(u64::from(x.exponent().unsigned_abs()));
    }
    hash.0
}

/// Every length up to 130: all ways the last chunk can be incomplete.
fn sums<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    let mut generator = rng::seeded(2);
    let (mut x, mut y) = ([T::ZERO; 130], [T::ZERO; 130]);
    rng::fill_normal(&mut generator, &mut x);
    rng::fill_normal(&mut generator, &mut y);
    for n in 0..=130 {
        let (x, y) = (&x[..n], &y[..n]);
        hash.value(simd::dot(x, y));
        hash.value(simd::sum_of_squares(x));
        hash.value(mat::norm(y));
    }
    simd::rotate(T::from_f64(0.8), T::from_f64(0.6), T::from_f64(0.6), &mut x, &mut y);
    simd::axpy(T::from_f64(0.3), &x, &mut y);
    simd::scale(T::from_f64(0.7), &mut x);
    hash.values(&x);
    hash.values(&y);
    hash.value(simd::max_abs(&y));
    hash.0
}

fn products<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    let (a, b) = (gaussian::<T, 12, 5>(3), gaussian::<T, 12, 7>(4));
    hash.values(a.tr_mul(&b).as_slice());
    hash.values(a.transpose().mul(&b).as_slice());
    hash.values(&a.mul_vec(&[T::HALF; 5]));
    hash.values(&b.tr_mul_vec(&[T::HALF; 12]));
    hash.value(a.frobenius());
    hash.value(graded::<T, 12, 5>(5, 20).frobenius());
    hash.0
}

fn random<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    let mut generator = rng::seeded(6);
    for _ in 0..256 {
        hash.value(rng::uniform::<T>(&mut generator));
        hash.value(rng::normal::<T>(&mut generator));
    }
    hash.0
}

fn decompositions<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    hash.svd(&gaussian::<T, 4, 4>(10));
    hash.svd(&gaussian::<T, 8, 8>(11));
    hash.svd(&gaussian::<T, 16, 16>(12));
    hash.svd(&gaussian::<T, 12, 5>(13));
    hash.svd(&gaussian::<T, 5, 1>(14));
    hash.svd(&graded::<T, 6, 6>(15, 7));
    hash.svd(&graded::<T, 7, 4>(16, 40));
    hash.svd(&deficient::<T, 8, 6, 3>(17));
    hash.svd(&Mat::<T, 5, 3>::zeros());
    hash.svd(&symmetric::<T, 5>(18));

    let a = gaussian::<T, 9, 6>(19);
    let mut state = SvdState::new(&a);
    while !state.step(2) {}
    hash.svd_result(&state.finish().expect("finite input"));
    hash.0
}

fn spectra<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    hash.values(&singular_values(&gaussian::<T, 10, 10>(20)).expect("finite input"));
    hash.values(&singular_values(&graded::<T, 12, 5>(21, 11)).expect("finite input"));
    hash.values(&singular_values(&deficient::<T, 9, 6, 2>(22)).expect("finite input"));
    hash.0
}

fn symmetric_eigen<T: Scalar>() -> u64 {
    fn add<T: Scalar, const N: usize>(hash: &mut Hash, a: &Mat<T, N, N>) {
        hash.eigh_result(&eigh(a).expect("finite input"));
        hash.values(&eigenvalues(a).expect("finite input"));
    }
    let mut hash = Hash::new();
    add(&mut hash, &symmetric::<T, 3>(30));
    add(&mut hash, &symmetric::<T, 8>(31));
    add(&mut hash, &symmetric::<T, 16>(32));
    let factor = graded::<T, 7, 7>(33, 9);
    add(&mut hash, &factor.tr_mul(&factor));
    add(&mut hash, &Mat::<T, 4, 4>::identity());
    hash.0
}

fn closed_forms<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    for seed in 44..54 {
        hash.eigh_result(&eigh_2x2(&symmetric::<T, 2>(seed)).expect("finite input"));
        hash.eigh_result(&eigh_3x3(&symmetric::<T, 3>(seed)).expect("finite input"));
        hash.svd_result(&svd_2x2(&gaussian::<T, 2, 2>(seed)).expect("finite input"));
        hash.svd_result(&svd_3x3(&graded::<T, 3, 3>(seed, 9)).expect("finite input"));
    }
    hash.eigh_result(&eigh_3x3(&Mat::<T, 3, 3>::identity()).expect("finite input"));
    hash.svd_result(&svd_3x3(&deficient::<T, 3, 3, 1>(54)).expect("finite input"));
    hash.0
}

/// Eleven matrices, three of them of kinds that are decomposed alone.
fn batches<T: Scalar>() -> u64 {
    fn add<T: Scalar, const M: usize, const N: usize>(hash: &mut Hash) {
        let mut matrices = [[[T::ZERO; M]; N]; 11];
        for (seed, a) in (60..).zip(&mut matrices[..9]) {
            *a = if seed == 63 { graded(seed, 20) } else { gaussian(seed) }.cols;
        }
        matrices[10] = gaussian::<T, M, N>(70).cols.map(|col| col.map(|v| v.scale_exp2(-60)));
        let mut out = [PackedSvd::default(); 11];
        svd_batch(&matrices, &mut out).expect("finite input");
        for f in &out {
            hash.values(f.u.as_flattened());
            hash.values(&f.s);
            hash.values(f.v.as_flattened());
        }
    }
    let mut hash = Hash::new();
    add::<T, 2, 2>(&mut hash);
    add::<T, 4, 4>(&mut hash);
    add::<T, 5, 3>(&mut hash);
    let matrices: [[[T; 3]; 3]; 11] =
        core::array::from_fn(|i| symmetric::<T, 3>(80 + i as u64).cols);
    let mut out = [PackedEigh::default(); 11];
    eigh_batch(&matrices, &mut out).expect("finite input");
    for f in &out {
        hash.values(&f.eigenvalues);
        hash.values(f.eigenvectors.as_flattened());
    }
    hash.0
}

fn factors<T: Scalar>() -> u64 {
    fn add<T: Scalar, const M: usize, const N: usize>(hash: &mut Hash, a: &Mat<T, M, N>) {
        let f = qr(a).expect("finite input");
        hash.values(f.q().as_slice());
        hash.values(f.r().as_slice());
        hash.values(&f.solve(&[T::HALF; M]).expect("in range"));
        for &p in f.permutation() {
            hash.word(u64::from(p));
        }
    }
    let mut hash = Hash::new();
    add(&mut hash, &gaussian::<T, 8, 8>(40));
    add(&mut hash, &gaussian::<T, 12, 5>(41));
    add(&mut hash, &gaussian::<T, 4, 6>(42));
    add(&mut hash, &deficient::<T, 8, 6, 3>(43));
    hash.0
}
