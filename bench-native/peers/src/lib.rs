//! The Rust peers and LAPACK, built for the machine at hand.

pub mod faer;
pub mod glam;
pub mod lapack;
pub mod multicalc;
pub mod nalgebra;
pub mod nalgebra_linear;
pub mod numeris;
