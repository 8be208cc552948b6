//! Decompositions: singular values, eigenvalues, QR, and what follows from them.

pub mod closed;
pub mod eigh;
pub mod jacobi;
pub mod lowrank;
pub mod power;
pub mod qr;
pub mod svd;
pub mod truncated;
