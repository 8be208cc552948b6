//! Which shapes are compared: each macro calls `$entry!($table, $scalar, sizes…)` for all of them.

/// Thin SVD with both sides: rows, columns.
#[macro_export]
macro_rules! for_svd_shapes {
    ($entry:ident, $table:ident, $t:ty) => {
        $crate::for_eigh_shapes!(@square $entry, $table, $t);
        $entry!($table, $t, 32, 4);
        $entry!($table, $t, 64, 8);
        $entry!($table, $t, 64, 16);
        $entry!($table, $t, 128, 16);
        $entry!($table, $t, 256, 32);
    };
}

/// Eigenvalues and vectors: size.
#[macro_export]
macro_rules! for_eigh_shapes {
    ($entry:ident, $table:ident, $t:ty) => {
        $crate::for_eigh_shapes!(@sizes $entry, $table, $t; 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64);
    };
    (@small $entry:ident, $table:ident, $t:ty) => {
        $crate::for_eigh_shapes!(@sizes $entry, $table, $t; 2, 3, 4, 6, 8, 12, 16);
    };
    (@square $entry:ident, $table:ident, $t:ty) => {
        $crate::for_eigh_shapes!(@pairs $entry, $table, $t; 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64);
    };
    (@sizes $entry:ident, $table:ident, $t:ty; $($n:tt),*) => {
        $($entry!($table, $t, $n);)*
    };
    (@pairs $entry:ident, $table:ident, $t:ty; $($n:tt),*) => {
        $($entry!($table, $t, $n, $n);)*
    };
}

/// Square matrices up to 16×16, for libraries that the compiler takes minutes over at 64: size.
#[macro_export]
macro_rules! for_small_shapes {
    ($entry:ident, $table:ident, $t:ty) => {
        $crate::for_eigh_shapes!(@small $entry, $table, $t);
    };
}

/// Singular values alone: size.
#[macro_export]
macro_rules! for_values_shapes {
    ($entry:ident, $table:ident, $t:ty) => {
        $entry!($table, $t, 8);
        $entry!($table, $t, 16);
        $entry!($table, $t, 32);
        $entry!($table, $t, 64);
    };
}

/// The leading triplets: size, number of them.
#[macro_export]
macro_rules! for_top_k_shapes {
    ($entry:ident, $table:ident, $t:ty) => {
        $entry!($table, $t, 32, 1);
        $entry!($table, $t, 32, 4);
        $entry!($table, $t, 32, 8);
        $entry!($table, $t, 64, 1);
        $entry!($table, $t, 64, 4);
        $entry!($table, $t, 64, 8);
    };
}

/// Projections: values in, values out.
#[macro_export]
macro_rules! for_projection_shapes {
    ($entry:ident, $table:ident, $t:ty) => {
        $entry!($table, $t, 16, 4);
        $entry!($table, $t, 32, 8);
        $entry!($table, $t, 64, 8);
        $entry!($table, $t, 128, 16);
        $entry!($table, $t, 784, 32);
    };
}

/// Updates of a covariance: size.
#[macro_export]
macro_rules! for_covariance_shapes {
    ($entry:ident, $table:ident, $t:ty) => {
        $entry!($table, $t, 16);
        $entry!($table, $t, 32);
        $entry!($table, $t, 64);
        $entry!($table, $t, 128);
    };
}
