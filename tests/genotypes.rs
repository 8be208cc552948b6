//! Promises of the matrix of genotypes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs
)]

use eigenmote::embed::genotypes::{Genotypes, Marker};
use eigenmote::linalg::LinearOperator;
use eigenmote::linalg::truncated::{Options, Triplets, truncated_svd, workspace_len};
use eigenmote::{Scalar, rng};
use proptest::prelude::*;

/// Counts of a marker for each individual, `None` where not measured.
type Counts = Vec<Vec<Option<u8>>>;

fn pack(counts: &Counts) -> Vec<u8> {
    let bits = |count: &Option<u8>| [0b11, 0b10, 0b00][usize::from(count.unwrap())];
    let two = |count: &Option<u8>| if count.is_some() { bits(count) } else { 0b01 };
    let byte = |four: &[Option<u8>]| four.iter().rev().fold(0, |b, count| b << 2 | two(count));
    counts.iter().flat_map(|marker| marker.chunks(4).map(byte)).collect()
}

/// `Z` from its definition, one marker after the other.
fn standardized(counts: &Counts) -> Vec<Vec<f64>> {
    let of = |marker: &Vec<Option<u8>>| {
        let known: Vec<f64> = marker.iter().flatten().map(|&g| f64::from(g)).collect();
        let p = known.iter().sum::<f64>() / (2.0 * known.len() as f64);
        let spread = (2.0 * p * (1.0 - p)).sqrt();
        let z = |g: &Option<u8>| g.map_or(0.0, |g| (f64::from(g) - 2.0 * p) / spread);
        marker.iter().map(|g| if spread > 0.0 { z(g) } else { 0.0 }).collect()
    };
    counts.iter().map(of).collect()
}

fn random(seed: u64, individuals: usize, markers: usize) -> Counts {
    let mut rng = rng::seeded(seed);
    let mut draw = || (rng::uniform::<f64>(&mut rng) * 20.0) as u8;
    let mut one = || match draw() {
        0 => None,
        1..=8 => Some(0),
        9..=15 => Some(1),
        _ => Some(2),
    };
    (0..markers).map(|_| (0..individuals).map(|_| one()).collect()).collect()
}

fn check<T: Scalar>(counts: &Counts) -> Result<(), TestCaseError> {
    let (n, m) = (counts[0].len(), counts.len());
    let (packed, right) = (pack(counts), standardized(counts));
    let mut markers = vec![Marker::<T>::default(); m];
    Genotypes::standardize(&packed, n, &mut markers).unwrap();
    let matrix = Genotypes::new(&packed, n, &markers).unwrap();
    prop_assert_eq!((matrix.rows(), matrix.cols()), (n, m));

    let normals = |seed, len: usize| {
        let mut x = vec![T::ZERO; len];
        rng::fill_normal(&mut rng::seeded(seed), &mut x);
        x
    };
    // Rounding of each product, of gain and shift, of their difference (they are larger than it), and of
    // the sum.
    let bound = |sum: f64, terms: usize| (terms as f64 + 8.0) * T::EPSILON.to_f64() * sum;
    let size = |j: usize| 2.0 * markers[j].gain.to_f64() + markers[j].shift.to_f64();
    let (x, z) = (normals(1, 3 * m), normals(2, 3 * n));
    let (mut y, mut w) = (vec![T::ONE; 3 * n], vec![T::ONE; 3 * m]);
    matrix.apply_block(&x, &mut y);
    matrix.apply_transposed_block(&z, &mut w);
    for k in 0..3 {
        let (x, z) = (&x[k * m..(k + 1) * m], &z[k * n..(k + 1) * n]);
        for i in 0..n {
            let sum: f64 = (0..m).map(|j| right[j][i] * x[j].to_f64()).sum();
            let sizes: f64 = (0..m).map(|j| size(j) * x[j].to_f64().abs()).sum();
            let found = y[k * n + i].to_f64();
            prop_assert!((found - sum).abs() <= bound(sizes, m), "{found} {sum}");
        }
        for j in 0..m {
            let sum: f64 = (0..n).map(|i| right[j][i] * z[i].to_f64()).sum();
            let sizes: f64 = (0..n).map(|i| size(j) * z[i].to_f64().abs()).sum();
            let found = w[k * m + j].to_f64();
            prop_assert!((found - sum).abs() <= bound(sizes, n), "{found} {sum}");
        }
        let (mut one, mut other) = (vec![T::ONE; n], vec![T::ONE; m]);
        matrix.apply(x, &mut one);
        matrix.apply_transposed(z, &mut other);
        prop_assert_eq!(&one[..], &y[k * n..(k + 1) * n]);
        prop_assert_eq!(&other[..], &w[k * m..(k + 1) * m]);
    }
    // Of the scale as it was rounded, equal terms at once: a long plain sum would lose more digits.
    let z = |m: &Marker<T>, g: u8| m.gain.to_f64() * f64::from(g) - m.shift.to_f64();
    let square = |(counts, marker): (&Vec<Option<u8>>, &Marker<T>)| -> f64 {
        let of = |g: u8| counts.iter().filter(|&&c| c == Some(g)).count() as f64;
        (0..3).map(|g| of(g) * z(marker, g).powi(2)).sum()
    };
    let squares: f64 = counts.iter().zip(&markers).map(square).sum();
    let found = matrix.frobenius_squared(-3).unwrap().to_f64() * 64.0;
    prop_assert!(
        (found - squares).abs() <= 16.0 * T::EPSILON.to_f64() * squares,
        "{found} {squares}"
    );

    // Counting the other allele everywhere gives the same matrix.
    let others: Counts =
        counts.iter().map(|c| c.iter().map(|g| g.map(|g| 2 - g)).collect()).collect();
    let (packed, swapped) = (pack(&others), markers.iter().map(|m| m.swapped()));
    let swapped: Vec<Marker<T>> = swapped.collect();
    let mut again = vec![T::ONE; 3 * n];
    Genotypes::new(&packed, n, &swapped).unwrap().apply_block(&x, &mut again);
    for (k, (a, b)) in again.iter().zip(&y).enumerate() {
        let x = &x[k / n * m..];
        let sizes: f64 = (0..m).map(|j| size(j) * x[j].to_f64().abs()).sum();
        prop_assert!((*a - *b).abs().to_f64() <= bound(2.0 * sizes, m), "{a} {b}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn products_are_those_of_the_matrix_written_out(
        seed in any::<u64>(), n in 2..300_usize, m in 1..20_usize,
    ) {
        let counts = random(seed, n, m);
        check::<f64>(&counts)?;
        check::<f32>(&counts)?;
    }
}

#[test]
fn two_populations_fall_apart_along_the_first_component() {
    // Half of the markers are common in one half of the individuals and rare in the other.
    let (n, m) = (60, 400);
    let mut rng = rng::seeded(5);
    let mut draw = |p: f64| (0..2).map(|_| u8::from(rng::uniform::<f64>(&mut rng) < p)).sum();
    let counts: Counts = (0..m)
        .map(|j| {
            let p = |i: usize| match (j % 2, i < n / 2) {
                (0, true) => 0.7,
                (0, false) => 0.3,
                _ => 0.5,
            };
            (0..n).map(|i| Some(draw(p(i)))).collect()
        })
        .collect();
    let packed = pack(&counts);
    let mut markers = vec![Marker::<f64>::default(); m];
    Genotypes::standardize(&packed, n, &mut markers).unwrap();
    let matrix = Genotypes::new(&packed, n, &markers).unwrap();
    let options = Options::new(2);
    let mut work = vec![0.0; workspace_len(n, m, &options)];
    let (mut u, mut s, mut v, mut residuals) =
        (vec![0.0; 2 * n], [0.0; 2], vec![0.0; 2 * m], [0.0; 2]);
    let mut out = Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
    assert!(truncated_svd(&matrix, &mut out, &mut work, &options).unwrap().converged);
    let side = u[0].is_sign_positive();
    assert!((0..n).all(|i| u[i].is_sign_positive() == (side == (i < n / 2))));
    assert!(s[0] > 1.5 * s[1]);
}
