//! glam with `glam_matrix_extras`: eigenvectors of 2×2 and 3×3 in `f32`, by formula.

use abi::{Cell, Cols, Eigh, HALF_DIGITS, Table};
use glam_matrix_extras::{SymmetricEigen2, SymmetricEigen3, SymmetricMat2, SymmetricMat3};

const NAME: &str = "glam";

/// Enters the two, and says what there is not.
pub fn add(table: &mut Table) {
    table.absent(
        "glam, svd",
        "neither glam nor glam_matrix_extras has a singular value decomposition",
    );
    table.absent("glam, eigh f64", "glam_matrix_extras has its eigenvectors in f32 only");
    table.add(
        NAME,
        Cell::new::<f32>("eigh", 2, 2).flags(HALF_DIGITS),
        |a: &Cols<f32, 2, 2>, out: &mut Eigh<f32, 2>| {
            let f = SymmetricEigen2::new(SymmetricMat2::new(a[0][0], a[0][1], a[1][1]));
            out.values = f.eigenvalues.to_array();
            out.vectors = f.eigenvectors.to_cols_array_2d();
            true
        },
    );
    table.add(
        NAME,
        Cell::new::<f32>("eigh", 3, 3).flags(HALF_DIGITS),
        |[x, y, z]: &Cols<f32, 3, 3>, out: &mut Eigh<f32, 3>| {
            let a = SymmetricMat3::new(x[0], x[1], x[2], y[1], y[2], z[2]);
            let f = SymmetricEigen3::new(a);
            out.values = f.eigenvalues.to_array();
            out.vectors = f.eigenvectors.to_cols_array_2d();
            true
        },
    );
}
