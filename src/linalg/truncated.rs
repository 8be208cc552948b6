//! truncated
