//! Streaming moments, standardising and principal components.

pub mod moments;
pub mod pca;
pub mod standardize;
