//! jacobi
