//! eigh
