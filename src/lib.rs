#![doc = include_str!("../README.md")]
//!
//! # The map
//!
//! Imports point one way: each layer uses only those above it.
//!
//! | module | what is in it | start at |
//! |---|---|---|
//! | [`scalar`] | `f32` and `f64` as one type; every mathematical function | [`Scalar`] |
//! | [`simd`] | sums of products in one fixed order, elementwise kernels | [`simd::dot`] |
//! | [`mat`] | matrices with sizes in the type, views of lent memory | [`Mat`], [`MatRef`] |
//! | [`rng`] | seeded uniform and normal values | [`rng::seeded`] |
//! | [`linalg::svd`](mod@linalg::svd) | singular values and vectors, also in steps | [`linalg::svd()`], [`linalg::SvdState`] |
//! | [`linalg::eigh`](mod@linalg::eigh) | eigenvalues and vectors of symmetric matrices | [`linalg::eigh()`] |
//! | [`linalg::closed`] | both for 2×2 and 3×3, by formula | [`linalg::closed::svd_3x3`] |
//! | [`linalg::power`] | the leading pair, triplet or `K` of them by multiplication | [`linalg::top_triplets`] |
//! | [`linalg::truncated`] | `k` triplets of a dense, sparse or implicit matrix of any size | [`linalg::truncated_svd`] |
//! | [`linalg::qr`](mod@linalg::qr) | Householder QR with column pivoting | [`linalg::qr()`] |
//! | [`linalg::lowrank`] | rank-`k` approximation, rank, condition, pseudo-inverse, least squares | [`linalg::Svd::low_rank`] |
//! | [`linalg::procrustes`](mod@linalg::procrustes) | the rotation that brings points onto others, Kabsch | [`linalg::procrustes::procrustes`] |
//! | [`stats::moments`] | streaming mean and covariance, mergeable | [`stats::Moments`] |
//! | [`stats::covariance`] | the same in plain sums, many times faster | [`stats::Covariance`] |
//! | [`stats::scatter`] | streaming triangular factor: small variances keep their digits | [`stats::ScatterRoot`] |
//! | [`stats::standardize`] | mean 0, deviation 1 | [`stats::Standardizer`] |
//! | [`stats::pca`] | principal components | [`stats::Pca`] |
//! | [`codec`] | windows of samples to frames and back within a promised error | [`codec::encode`], [`codec::decode`] |
//! | [`codec::receive`] | frames among damaged bytes; lost, repeated and late ones | [`codec::Scan`], [`codec::Receiver`] |
//! | [`nn`] | dense layers, networks, drawing samples | [`nn::Mlp`], [`nn::sample()`] |
//! | [`nn::model`] | network blobs in flash | [`nn::F32Network`] |
//! | [`nn::quantized`] | networks of integers: making, running, sampling | [`nn::quantize()`], [`nn::Int8Network`] |
//! | [`nn::gradient`] | training: forward and backward over batches, [losses](nn::loss), [Adam](nn::optimize) | [`nn::Pass`], [`nn::Adam`] |
//! | [`nn::vae`], [`nn::gan`], [`nn::diffusion`] | models that generate, and [autoencoders](nn::autoencoder) | [`nn::Vae`], [`nn::Gan`], [`nn::Diffusion`] |
//! | [`embed`] | vectors of words, documents and nodes from counts; searching and aligning them | [`embed::ppmi()`], [`embed::Vocab`] |
//!
//! # What holds everywhere
//!
//! - **No panic, no heap, no `unsafe`.** A wrong shape does not build; bad input is an `Err`. (The
//!   feature `fast` uses registers found at run time, and ARM with hard floats its square root, by a
//!   small crate that needs `unsafe`.)
//! - **Non-finite input is refused** at the entry of everything that fits, decomposes, solves,
//!   codes or runs a network. Kernels and linear maps (`simd`, `Mat`, `transform`) pass it on.
//! - **No hang**: loops are bounded by constants that can be read.
//! - **The same bits on every target**: one order of summation, one source of every function,
//!   pinned hashes that also run on an emulated chip and on `AArch64`; not with the feature `fast`.
//! - **In place first**: `…_in_place` works in the caller's memory; the form that returns its
//!   result is a few lines over it.
//! - Values descend; the entry of largest magnitude of each component is positive; a variance has
//!   the divisor `n − 1`.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod codec;
mod elementary;
pub mod embed;
pub mod linalg;
pub mod mat;
pub mod nn;
pub mod rng;
pub mod scalar;
#[cfg(feature = "serde")]
pub(crate) mod serde_arrays;
pub mod simd;
pub mod stats;

pub use mat::{Mat, MatMut, MatRef};
pub use scalar::Scalar;
