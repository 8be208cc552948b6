//! Streaming moments, standardising and principal components.
//!
//! Three summaries of a set of samples can be fed one sample at a time, in batches, or merged.
//! [`Covariance`] keeps mean and covariance in plain sums, the fastest of the three; [`Moments`] in
//! sums of two floats each, so that no number of samples costs digits; [`ScatterRoot`] the triangular
//! factor of the centred samples, which holds twice the digits of small variances. [`Pca`] can be
//! fitted from each.

mod centre;
pub mod covariance;
mod dword;
pub mod moments;
pub mod pca;
pub mod scatter;
pub mod standardize;

pub use covariance::Covariance;
pub use moments::{Moments, MomentsError};
pub use pca::{Pca, PcaError, components_for_variance};
pub use scatter::ScatterRoot;
pub use standardize::Standardizer;
