//! Which shapes are compared: each macro calls `$entry!($table, scalar, sizes…)` for all of them.

/// Thin SVD with both sides: `scalar, rows, columns`.
#[macro_export]
macro_rules! for_svd_shapes {
    ($entry:ident, $table:ident) => {
        $crate::for_svd_shapes!(@ $entry, $table, f32);
        $crate::for_svd_shapes!(@ $entry, $table, f64);
    };
    (@ $entry:ident, $table:ident, $t:ty) => {
        $entry!($table, $t, 2, 2);
        $entry!($table, $t, 3, 3);
        $entry!($table, $t, 4, 4);
        $entry!($table, $t, 6, 6);
        $entry!($table, $t, 8, 8);
        $entry!($table, $t, 12, 12);
        $entry!($table, $t, 16, 16);
        $entry!($table, $t, 24, 24);
        $entry!($table, $t, 32, 32);
        $entry!($table, $t, 48, 48);
        $entry!($table, $t, 64, 64);
        $entry!($table, $t, 32, 4);
        $entry!($table, $t, 64, 8);
        $entry!($table, $t, 64, 16);
        $entry!($table, $t, 128, 16);
        $entry!($table, $t, 256, 32);
    };
}

/// Singular values alone: `scalar, size`.
#[macro_export]
macro_rules! for_values_shapes {
    ($entry:ident, $table:ident) => {
        $crate::for_values_shapes!(@ $entry, $table, f32);
        $crate::for_values_shapes!(@ $entry, $table, f64);
    };
    (@ $entry:ident, $table:ident, $t:ty) => {
        $entry!($table, $t, 8);
        $entry!($table, $t, 16);
        $entry!($table, $t, 32);
        $entry!($table, $t, 64);
    };
}

/// Eigenvalues and vectors: `scalar, size`.
#[macro_export]
macro_rules! for_eigh_shapes {
    ($entry:ident, $table:ident) => {
        $crate::for_eigh_shapes!(@ $entry, $table, f32);
        $crate::for_eigh_shapes!(@ $entry, $table, f64);
    };
    (@ $entry:ident, $table:ident, $t:ty) => {
        $entry!($table, $t, 2);
        $entry!($table, $t, 3);
        $entry!($table, $t, 4);
        $entry!($table, $t, 6);
        $entry!($table, $t, 8);
        $entry!($table, $t, 12);
        $entry!($table, $t, 16);
        $entry!($table, $t, 24);
        $entry!($table, $t, 32);
        $entry!($table, $t, 48);
        $entry!($table, $t, 64);
    };
}
