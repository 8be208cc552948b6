//! Words: mutual information, a factorisation at low rank, neighbours in floats and in bytes.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use eigenmote::embed::nearest::normalize_rows;
use eigenmote::embed::table::{WordTable, WordTableSpec};
use eigenmote::embed::{
    Analogy, Counts, Hit, Pair, PairCounts, Ppmi, Table, Window, analogy, nearest, ppmi,
};
use eigenmote::linalg::Csr;
use eigenmote::linalg::truncated::{Options, Triplets, truncated_svd, workspace_len};
use eigenmote::rng;

const WORDS: usize = 2000;
const DIM: usize = 64;

/// A text in which frequent words are as frequent as in English.
fn text() -> Vec<u32> {
    let mut random = rng::seeded(1);
    let draw = |u: f32| (((WORDS as f32).powf(u) - 1.0) as u32).min(WORDS as u32 - 1);
    (0..60_000).map(|_| draw(rng::uniform(&mut random))).collect()
}

fn learning(c: &mut Criterion) {
    let text = text();
    let mut room = vec![Pair::default(); 1 << 20];
    let mut group = c.benchmark_group("embed/learning");
    group.sample_size(10);
    group.bench_function("pairs of 60000 words", |b| {
        b.iter(|| {
            let mut pairs = PairCounts::new(&mut room);
            pairs.add_window(black_box(&text), &Window::linear(5)).unwrap();
            pairs.len()
        });
    });
    let mut pairs = PairCounts::new(&mut room);
    pairs.add_window(&text, &Window::linear(5)).unwrap();
    let (mut row_ptr, mut cols, mut counts) =
        (vec![0; WORDS + 1], vec![0; 1 << 20], vec![0; 1 << 20]);
    let n = pairs.to_symmetric(WORDS, &mut row_ptr, &mut cols, &mut counts).unwrap();
    let (mut values, mut work) = (vec![0.0_f32; n], vec![0.0; 4 * WORDS]);
    let mut own = (row_ptr.clone(), cols[..n].to_vec());
    let mut transform = |own: &mut (Vec<u32>, Vec<u32>), values: &mut [f32]| {
        own.0.copy_from_slice(&row_ptr);
        own.1.copy_from_slice(&cols[..n]);
        let sparse = Counts { row_ptr: &mut own.0, col_idx: &mut own.1, counts: &counts[..n] };
        ppmi(sparse, WORDS, values, &mut work, &Ppmi::default()).unwrap()
    };
    let kept = transform(&mut own, &mut values);
    assert!(kept > n / 4 && values[..kept].iter().all(|&v| v > 0.0));
    group.bench_function(format!("ppmi of {n} entries"), |b| {
        b.iter(|| transform(&mut own, &mut values));
    });
    let a = Csr::new(WORDS, WORDS, &own.0, &own.1[..kept], &values[..kept]).unwrap();
    for k in [16, DIM] {
        let options = Options {
            basis: 2 * k + 16,
            block: k / 2,
            tolerance: Some(0.02),
            max_restarts: 4,
            ..Options::<f32>::new(k)
        };
        let (mut u, mut s, mut v) = (vec![0.0; WORDS * k], vec![0.0; k], vec![0.0; WORDS * k]);
        let (mut residuals, mut work) =
            (vec![0.0; k], vec![0.0; workspace_len(WORDS, WORDS, &options)]);
        group.bench_function(format!("{k} factors of {kept} entries"), |b| {
            b.iter(|| {
                let mut out =
                    Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
                let info = truncated_svd(black_box(&a), &mut out, &mut work, &options).unwrap();
                assert!(info.residual < 0.05 * s[0]);
            });
        });
    }
    group.finish();
}

fn searching(c: &mut Criterion) {
    const N: usize = 10_000;
    let mut values = vec![0.0_f32; N * DIM];
    rng::fill_normal(&mut rng::seeded(2), &mut values);
    normalize_rows(&mut values, DIM);
    let floats = Table::new(&values, DIM).unwrap();
    let names: Vec<String> = (0..N).map(|i| format!("word{i}")).collect();
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let spec = WordTableSpec { vectors: floats, words: &words, prefixes: &[16] };
    let (mut blob, mut work) = (vec![0; spec.encoded_len()], vec![0; spec.workspace_len()]);
    spec.write(&mut blob, &mut work).unwrap();
    let bytes = WordTable::parse(&blob).unwrap();
    let few = bytes.prefix(16).unwrap();
    let (mut hits, mut found) = ([Hit::default(); 10], [Hit::default(); 10]);
    nearest(&floats, floats.row(7), &[7], &mut hits).unwrap();
    bytes.nearest(7, &mut found).unwrap();
    assert!(hits[..3].iter().any(|hit| hit.id == found[0].id), "others are near");

    let mut group = c.benchmark_group("embed/10000x64");
    group.bench_function("nearest, f32", |b| {
        b.iter(|| nearest(&floats, black_box(floats.row(7)), &[7], &mut hits).unwrap());
    });
    group.bench_function("nearest, bytes", |b| {
        b.iter(|| bytes.nearest(black_box(7), &mut found).unwrap());
    });
    group.bench_function("nearest, first 16 bytes", |b| {
        b.iter(|| few.nearest(black_box(7), &mut found).unwrap());
    });
    group.bench_function("analogy, f32", |b| {
        b.iter(|| analogy(&floats, black_box([1, 2, 3]), Analogy::Add, &mut hits).unwrap());
    });
    group.bench_function("analogy, bytes", |b| {
        b.iter(|| bytes.analogy(black_box([1, 2, 3]), Analogy::Add, &mut found).unwrap());
    });
    group.bench_function("number of a word", |b| {
        b.iter(|| bytes.id(black_box("word7777")).unwrap());
    });
    group.bench_function("writing the table", |b| {
        b.iter(|| spec.write(&mut blob.clone(), &mut work).unwrap());
    });
    group.finish();
}

criterion_group!(benches, learning, searching);
criterion_main!(benches);
