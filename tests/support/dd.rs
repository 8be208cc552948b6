//! A reference in twice the precision of `f64`: textbook one-sided Jacobi on pairs `hi + lo`.

use eigenmote::linalg::{Eigh, Svd};
use eigenmote::{Mat, Scalar};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// `hi + lo` with `|lo| ≤ ulp(hi)/2`: about 106 significant bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dd {
    pub hi: f64,
    pub lo: f64,
}

impl Dd {
    pub const ZERO: Self = Self { hi: 0.0, lo: 0.0 };
    pub const ONE: Self = Self { hi: 1.0, lo: 0.0 };

    fn fast(hi: f64, lo: f64) -> Self {
        let sum = hi + lo;
        Self { hi: sum, lo: lo - (sum - hi) }
    }
    pub fn sqrt(self) -> Self {
        if self.hi <= 0.0 {
            return Self::ZERO;
        }
        let x = Self::from(self.hi.sqrt());
        // One Newton step doubles the digits of the f64 root.
        (x + self / x) * Self::from(0.5)
    }
    pub fn abs(self) -> Self {
        if self.hi < 0.0 { -self } else { self }
    }
}

impl From<f64> for Dd {
    fn from(hi: f64) -> Self {
        Self { hi, lo: 0.0 }
    }
}
impl Neg for Dd {
    type Output = Self;
    fn neg(self) -> Self {
        Self { hi: -self.hi, lo: -self.lo }
    }
}
impl Add for Dd {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        let s = self.hi + b.hi;
        let t = s - self.hi;
        let e = (self.hi - (s - t)) + (b.hi - t);
        Self::fast(s, e + self.lo + b.lo)
    }
}
impl Sub for Dd {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        self + -b
    }
}
impl Mul for Dd {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        let p = self.hi * b.hi;
        let e = self.hi.mul_add(b.hi, -p);
        Self::fast(p, e + self.hi * b.lo + self.lo * b.hi)
    }
}
impl Div for Dd {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        let q = self.hi / b.hi;
        let r = self - b * Self::from(q);
        Self::fast(q, r.hi / b.hi)
    }
}

pub fn dot(x: &[Dd], y: &[Dd]) -> Dd {
    x.iter().zip(y).fold(Dd::ZERO, |acc, (&a, &b)| acc + a * b)
}

/// Columns of a matrix, exact.
pub fn columns<T: Scalar>(cols: &[impl AsRef<[T]>]) -> Vec<Vec<Dd>> {
    cols.iter().map(|c| c.as_ref().iter().map(|v| Dd::from(v.to_f64())).collect()).collect()
}

/// Singular values, descending, of the matrix with these columns. Entries must lie well inside the
/// range of `f64` (1e±100).
pub fn singular_values(mut cols: Vec<Vec<Dd>>) -> Vec<f64> {
    let n = cols.len();
    for _ in 0..60 {
        let mut rotated = false;
        // Descending order of lengths at the start of every sweep: graded columns converge faster.
        cols.sort_by(|a, b| dot(b, b).hi.total_cmp(&dot(a, a).hi));
        for p in 0..n {
            for q in p + 1..n {
                let (alpha, beta, gamma) =
                    (dot(&cols[p], &cols[p]), dot(&cols[q], &cols[q]), dot(&cols[p], &cols[q]));
                if !(gamma.hi.abs() > 1e-29 * (alpha.hi.sqrt() * beta.hi.sqrt()))
                    || alpha.hi * 1e-60 > beta.hi * 1e60
                {
                    continue;
                }
                rotated = true;
                let zeta = (beta - alpha) / (gamma + gamma);
                let root = (Dd::ONE + zeta * zeta).sqrt();
                let size = Dd::ONE / (zeta.abs() + root);
                let t = if zeta.hi < 0.0 { -size } else { size };
                let c = Dd::ONE / (Dd::ONE + t * t).sqrt();
                let s = c * t;
                for i in 0..cols[p].len() {
                    let (x, y) = (cols[p][i], cols[q][i]);
                    cols[p][i] = c * x - s * y;
                    cols[q][i] = s * x + c * y;
                }
            }
        }
        if !rotated {
            break;
        }
    }
    let mut s: Vec<f64> = cols.iter().map(|c| dot(c, c).sqrt().hi).collect();
    s.sort_by(|a, b| b.total_cmp(a));
    s
}

/// `‖VᵀV − I‖_F` for orthonormal columns.
pub fn orthogonality(v: &[Vec<Dd>]) -> f64 {
    let mut sum = 0.0;
    for (j, x) in v.iter().enumerate() {
        for (k, y) in v.iter().enumerate() {
            let d = (dot(x, y) - if j == k { Dd::ONE } else { Dd::ZERO }).hi;
            sum += d * d;
        }
    }
    sum.sqrt()
}

/// `‖A − U·diag(s)·Vᵀ‖_F / ‖A‖_F`; all columns scaled by `2^-shift` first.
pub fn svd_residual(a: &[Vec<Dd>], u: &[Vec<Dd>], s: &[f64], v: &[Vec<Dd>]) -> f64 {
    let (mut error, mut total) = (0.0, 0.0);
    for (j, col) in a.iter().enumerate() {
        for (i, &entry) in col.iter().enumerate() {
            let sum =
                (0..s.len()).fold(Dd::ZERO, |acc, k| acc + u[k][i] * Dd::from(s[k]) * v[k][j]);
            error += (entry - sum).hi.powi(2);
            total += entry.hi * entry.hi;
        }
    }
    if total == 0.0 { error.sqrt() } else { (error / total).sqrt() }
}

/// Distance of neighbouring values, relative to the length of the matrix: below the normal range
/// an ulp is a fixed step, which is all that a result can resolve.
fn relative_ulp<T: Scalar>(length: T) -> f64 {
    let ulp = if length > T::ZERO {
        T::EPSILON.max(T::EPSILON * (T::MIN_POSITIVE / length))
    } else {
        T::EPSILON
    };
    ulp.to_f64()
}

/// The matrix and the values as exact columns, scaled by a power of two into the range of the
/// reference.
fn in_range<T: Scalar, const M: usize, const N: usize>(
    a: &Mat<T, M, N>,
    values: &[T],
) -> (Vec<Vec<Dd>>, Vec<f64>) {
    let k = a.as_slice().iter().fold(T::ZERO, |m, v| m.max(v.abs())).exponent();
    let scaled = |x: &T| x.scale_exp2(-k).to_f64();
    let cols = a.cols.iter().map(|c| c.iter().map(|v| Dd::from(scaled(v))).collect()).collect();
    (cols, values.iter().map(scaled).collect())
}

/// Residual `‖A − U·diag(s)·Vᵀ‖_F/‖A‖_F` in units of `n·ulp`, orthogonality of `U` and of `V` in
/// units of `n·ε`.
pub fn svd_errors<T: Scalar, const M: usize, const N: usize>(
    a: &Mat<T, M, N>,
    f: &Svd<T, M, N>,
) -> [f64; 3] {
    let (cols, s) = in_range(a, &f.s);
    let (u, v) = (columns::<T>(&f.u.cols), columns::<T>(&f.v.cols));
    let unit = N as f64 * T::EPSILON.to_f64();
    [
        svd_residual(&cols, &u, &s, &v) / (N as f64 * relative_ulp(a.frobenius())),
        orthogonality(&u) / unit,
        orthogonality(&v) / unit,
    ]
}

/// Residual `‖A − V·diag(λ)·Vᵀ‖_F/‖A‖_F` in units of `n·ulp` and orthogonality in units of `n·ε`.
pub fn eigh_errors<T: Scalar, const N: usize>(a: &Mat<T, N, N>, f: &Eigh<T, N>) -> [f64; 2] {
    let (cols, values) = in_range(a, &f.eigenvalues);
    let v = columns::<T>(&f.eigenvectors.cols);
    [
        svd_residual(&cols, &v, &values, &v) / (N as f64 * relative_ulp(a.frobenius())),
        orthogonality(&v) / (N as f64 * T::EPSILON.to_f64()),
    ]
}
