//! Streaming moments, standardising and principal components.
//!
//! Two summaries of a set of samples can be fed one sample at a time, in batches, or merged:
//! [`Moments`] keeps mean and covariance, [`ScatterRoot`] the triangular factor of the centred
//! samples, which holds twice the digits of small variances. [`Pca`] can be fitted from either.

mod centre;
mod dword;
pub mod moments;
pub mod pca;
pub mod scatter;
pub mod standardize;

pub use moments::{Moments, MomentsError};
pub use pca::{Pca, PcaError, components_for_variance};
pub use scatter::ScatterRoot;
pub use standardize::Standardizer;
