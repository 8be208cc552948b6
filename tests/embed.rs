//! Promises of embeddings: counts, transforms, searches, rotations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs
)]

use std::collections::BTreeMap;

use eigenmote::embed::align::{Workspace, refine, rotate, rotation, signatures};
use eigenmote::embed::nearest::normalize_rows;
use eigenmote::embed::{
    Counts, EmbedError, Factors, Hit, Pair, PairCounts, Ppmi, Side, Table, Vocab, Weighting,
    Window, Word, nearest, ppmi,
};
use eigenmote::linalg::procrustes::{kabsch, procrustes, workspace_len};
use eigenmote::linalg::truncated::{self, Options, Triplets, truncated_svd};
use eigenmote::linalg::{Csr, svd};
use eigenmote::{Mat, Scalar, rng};
use proptest::prelude::*;

fn normals<T: Scalar>(seed: u64, n: usize) -> Vec<T> {
    let mut out = vec![T::ZERO; n];
    rng::fill_normal(&mut rng::seeded(seed), &mut out);
    out
}

/// A random orthogonal matrix of 5 columns.
fn turn(seed: u64) -> Mat<f64, 5, 5> {
    let f = svd(&Mat::from_fn(|i, j| normals::<f64>(seed, 25)[5 * j + i])).unwrap();
    f.u.mul(&f.v.transpose())
}

fn turned(rows: &[f64], w: &Mat<f64, 5, 5>) -> Vec<f64> {
    rows.chunks(5).flat_map(|x| w.tr_mul_vec(x.first_chunk().unwrap())).collect()
}

#[test]
fn dog_park_crowded_the_in_a_window_of_four() {
    // A sentence of our own: each pair at most four words apart, both ways.
    let (mut text, mut words, mut slots) = ([0; 64], [Word::default(); 8], [0; 17]);
    let mut vocab = Vocab::new(&mut text, &mut words, &mut slots);
    let sentence = "the dog ran to the crowded park near the dog";
    let tokens: Vec<u32> = sentence.split(' ').map(|w| vocab.add(w).unwrap()).collect();
    let mut table = [Pair::default(); 64];
    let mut pairs = PairCounts::new(&mut table);
    pairs.add_window(&tokens, &Window::flat(4)).unwrap();
    let count = |a: &str, b: &str| {
        let (a, b) = (vocab.id(a).unwrap(), vocab.id(b).unwrap());
        pairs.get(a.min(b), a.max(b))
    };
    // Places: the 0 4 8, dog 1 9, crowded 5, park 6.
    let rows = [("dog", "the", 3), ("dog", "park", 1), ("dog", "crowded", 2), ("dog", "dog", 0)];
    let others =
        [("park", "the", 2), ("park", "crowded", 1), ("crowded", "the", 2), ("the", "the", 2)];
    for (a, b, right) in rows.into_iter().chain(others) {
        assert_eq!(count(a, b), right, "{a}, {b}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn counts_are_those_of_a_plain_double_loop(
        sequence in prop::collection::vec(0_u32..9, 0..40),
        reach in 1_usize..8,
        kind in 0_usize..3,
    ) {
        let weighting = [Weighting::Flat, Weighting::Linear, Weighting::Harmonic][kind];
        let window = Window { reach, weighting };
        let mut right = BTreeMap::new();
        for i in 0..sequence.len() {
            for j in 0..sequence.len() {
                let d = i.abs_diff(j);
                if (1..=reach).contains(&d) {
                    let weight = [1, reach + 1 - d, (2520 + d / 2) / d][kind];
                    *right.entry((sequence[i], sequence[j])).or_insert(0) += weight as u32;
                }
            }
        }
        let mut table = [Pair::default(); 128];
        let mut pairs = PairCounts::new(&mut table);
        pairs.add_window(&sequence, &window).unwrap();
        let (mut row_ptr, mut col_idx, mut counts) = ([0; 10], [0; 90], [0; 90]);
        let n = pairs.to_symmetric(9, &mut row_ptr, &mut col_idx, &mut counts).unwrap();
        let mut found = BTreeMap::new();
        for row in 0..9 {
            for k in row_ptr[row] as usize..row_ptr[row + 1] as usize {
                found.insert((row as u32, col_idx[k]), counts[k]);
            }
        }
        prop_assert_eq!(n, right.len());
        prop_assert_eq!(found, right);
    }

    #[test]
    fn ppmi_is_its_formula(
        counts in prop::collection::vec(1_u32..1000, 12),
        shift in 1.0..5.0_f64,
        smoothing in 0.1..1.0_f64,
    ) {
        // Dense, 3 × 4.
        let at = |i: usize, j: usize| f64::from(counts[4 * i + j]);
        let power = |j: usize| (0..3).map(|i| at(i, j)).sum::<f64>().powf(smoothing);
        let total: f64 = (0..4).map(power).sum();
        let mut row_ptr = [0, 4, 8, 12];
        let mut col_idx: Vec<u32> = (0..12).map(|k| k % 4).collect();
        let (mut values, mut work) = ([0.0_f64; 12], [0.0; 14]);
        let sparse = Counts { row_ptr: &mut row_ptr, col_idx: &mut col_idx, counts: &counts };
        let kept = ppmi(sparse, 4, &mut values, &mut work, &Ppmi { shift, smoothing }).unwrap();
        prop_assert_eq!(row_ptr[3] as usize, kept);
        let mut k = 0;
        for i in 0..3 {
            let row: f64 = (0..4).map(|j| at(i, j)).sum();
            for j in 0..4 {
                let right = (at(i, j) * total / (row * power(j))).ln() - shift.ln();
                if k < row_ptr[i + 1] as usize && col_idx[k] as usize == j {
                    prop_assert!((values[k] - right).abs() < 1e-12);
                    k += 1;
                } else {
                    prop_assert!(right < 1e-12, "{} was dropped", right);
                }
            }
        }
    }

    #[test]
    fn a_rotation_and_its_factor_are_found(seed in any::<u64>(), factor in 1e-3..1e3_f64) {
        let (x, w) = (normals::<f64>(seed, 100), turn(seed ^ 1));
        let y: Vec<f64> = turned(&x, &w).iter().map(|v| v * factor).collect();
        let (mut found, mut work) = ([0.0; 25], [0.0; workspace_len(5)]);
        let c = procrustes(&x, &y, 5, &mut found, &mut work).unwrap();
        prop_assert!((c / factor - 1.0).abs() < 1e-12);
        for i in 0..5 {
            for j in 0..5 {
                prop_assert!((found[5 * i + j] - w.cols[j][i]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_motion_is_found_and_never_mirrored(seed in any::<u64>(), noise in 0.0..2.0_f64) {
        let v = normals::<f64>(seed, 60);
        let x: Vec<[f64; 3]> = v[..30].chunks(3).map(|p| *p.first_chunk().unwrap()).collect();
        let y: Vec<[f64; 3]> = x.iter().zip(v[30..].chunks(3))
            .map(|(x, e)| [4.0 - x[1] + noise * e[0], x[0] + noise * e[1], x[2] - 1.0 + noise * e[2]])
            .collect();
        let motion = kabsch(&x, &y).unwrap();
        let r = motion.rotation.cols;
        let det = r[0][0] * (r[1][1] * r[2][2] - r[1][2] * r[2][1])
            - r[1][0] * (r[0][1] * r[2][2] - r[0][2] * r[2][1])
            + r[2][0] * (r[0][1] * r[1][2] - r[0][2] * r[1][1]);
        prop_assert!((det - 1.0).abs() < 1e-12);
        // No worse than the motion that the points were made with.
        let made: f64 = v[30..].iter().map(|e| noise * noise * e * e).sum();
        prop_assert!(motion.rmsd <= (made / 10.0).sqrt() + 1e-7);
    }

    #[test]
    fn nearest_are_those_of_a_full_sort(seed in any::<u64>(), k in 0_usize..12) {
        let mut rows = normals::<f32>(seed, 50);
        normalize_rows(&mut rows, 5);
        let table = Table::new(&rows, 5).unwrap();
        let mut right: Vec<(f32, u32)> = (1..10)
            .map(|i| (eigenmote::simd::dot(table.row(i), table.row(0)), i as u32))
            .collect();
        right.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut hits = vec![Hit::default(); k];
        let n = nearest(&table, table.row(0), &[0], &mut hits).unwrap();
        prop_assert_eq!(n, k.min(9));
        for (hit, (score, id)) in hits[..n].iter().zip(right) {
            prop_assert_eq!((hit.score, hit.id), (score, id));
        }
    }
}

#[test]
fn a_rotated_copy_is_aligned_without_any_pair() {
    let (n, dim) = (60, 5);
    // Clouds of unequal density: of points alike everywhere no order of similarities tells which is which.
    let mut x = normals::<f64>(7, n * dim);
    for row in x.chunks_mut(dim) {
        row[0] = row[0].abs() * 2.0;
        row[1] += 1.0;
    }
    normalize_rows(&mut x, dim);
    let mut y = turned(&x, &turn(8));
    for (y, e) in y.iter_mut().zip(normals::<f64>(9, n * dim)) {
        *y += 0.01 * e;
    }
    normalize_rows(&mut y, dim);
    let (x, y) = (Table::new(&x, dim).unwrap(), Table::new(&y, dim).unwrap());
    let (mut a, mut b, mut products) = (vec![0.0; n * n], vec![0.0; n * n], vec![0.0; n]);
    signatures(&x, n, &mut products, &mut a).unwrap();
    signatures(&y, n, &mut products, &mut b).unwrap();
    let mut space = Workspace {
        density_x: &mut vec![0.0; n],
        density_y: &mut vec![0.0; n],
        back: &mut vec![0; n],
        hits: &mut [Hit::default(); 5],
        pairs: &mut vec![[0; 2]; n],
    };
    let (a, b) = (Table::new(&a, n).unwrap(), Table::new(&b, n).unwrap());
    let found = eigenmote::embed::align::mutual(&a, &b, &mut space).unwrap();
    let (mut w, mut work) = ([0.0; 25], [0.0; workspace_len(5)]);
    rotation(&x, &y, &space.pairs[..found], &mut w, &mut work).unwrap();
    let mut out = vec![0.0; n * dim];
    refine(&x, &y, &mut w, 20, &mut space, &mut out, &mut work).unwrap();
    rotate(&x, &w, &mut out).unwrap();
    let out = Table::new(&out, dim).unwrap();
    let right = (0..n).filter(|&i| {
        let mut hit = [Hit::default()];
        nearest(&y, out.row(i), &[], &mut hit).unwrap();
        hit[0].id as usize == i
    });
    assert!(right.count() >= 57);
    let unknown = rotation(&x, &y, &[[0, 60]], &mut w, &mut work);
    assert_eq!(unknown, Err(EmbedError::UnknownId));
    assert_eq!(rotation(&x, &y, &[], &mut w, &mut work), Err(EmbedError::Empty));
}

#[test]
fn words_that_are_used_alike_lie_together() {
    // Two topics of four words each; sentences mix words of one topic.
    let mut rng = rng::seeded(3);
    let mut table = vec![Pair::default(); 256];
    let mut pairs = PairCounts::new(&mut table);
    for i in 0..200_u32 {
        let word = |r: &mut _| (4.0 * rng::uniform::<f32>(r)) as u32 + 4 * (i % 2);
        let sentence: [u32; 6] = std::array::from_fn(|_| word(&mut rng));
        pairs.add_window(&sentence, &Window::sentence()).unwrap();
    }
    let (mut row_ptr, mut col_idx, mut counts) = ([0; 9], [0; 64], [0; 64]);
    let n = pairs.to_symmetric(8, &mut row_ptr, &mut col_idx, &mut counts).unwrap();
    let (mut values, mut work) = ([0.0_f32; 64], [0.0; 32]);
    let sparse = Counts { row_ptr: &mut row_ptr, col_idx: &mut col_idx[..n], counts: &counts[..n] };
    let kept = ppmi(sparse, 8, &mut values[..n], &mut work, &Ppmi::default()).unwrap();
    let a = Csr::new(8, 8, &row_ptr, &col_idx[..kept], &values[..kept]).unwrap();
    let options = Options::new(2);
    let (mut u, mut s, mut v, mut residuals) = ([0.0; 16], [0.0; 2], [0.0; 16], [0.0; 2]);
    let mut work = vec![0.0; truncated::workspace_len(8, 8, &options)];
    let mut out = Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
    assert!(truncated_svd(&a, &mut out, &mut work, &options).unwrap().converged);
    let mut vectors = [0.0; 16];
    Factors { u: &u, s: &s, v: &v }.vectors(Side::Sum, 0.5, &mut vectors).unwrap();
    normalize_rows(&mut vectors, 2);
    let table = Table::new(&vectors, 2).unwrap();
    for i in 0..8_u32 {
        let mut hits = [Hit::default(); 3];
        nearest(&table, table.row(i as usize), &[i], &mut hits).unwrap();
        assert!(hits.iter().all(|hit| hit.id / 4 == i / 4), "{i}: {hits:?}");
    }
}
