//! standardize
