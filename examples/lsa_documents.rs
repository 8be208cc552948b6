//! Documents by what they are about: the source files of this repository from their comments.
//!
//! ```text
//! cargo run --release --example lsa_documents [OUT.png]
//! ```
//!
//! Terms are counted per file, weighed by TF-IDF, factorised at low rank: latent semantic analysis. The
//! map is the plane of two factors; the figure is how often the nearest other file is of the same layer
//! (`linalg`, `codec` …), in the space of a few factors and in that of all terms. A query in words then
//! finds files.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]
#![allow(clippy::cast_possible_wrap, clippy::cast_sign_loss, missing_docs)]

#[path = "support/factor.rs"]
mod factor;
#[path = "support/picture.rs"]
mod picture;
#[path = "support/text.rs"]
mod text;

use std::collections::BTreeMap;
use std::error::Error;

use eigenmote::embed::nearest::normalize_rows;
use eigenmote::embed::{Counts, Factors, Hit, Side, Table, TfIdf, nearest, tf_idf, tokens};
use eigenmote::linalg::Csr;
use picture::{COLOURS, Frame, GREY, Picture};

fn main() -> Result<(), Box<dyn Error>> {
    // Files of too few words say nothing.
    let documents: Vec<_> = text::documents()
        .into_iter()
        .map(|(layer, name, text)| (layer, name, terms(&text)))
        .filter(|(layer, _, terms)| layer != "pages" && terms.values().sum::<u32>() >= 60)
        .collect();
    // Terms of two files at least, in the order of the alphabet.
    let mut files_with: BTreeMap<&str, u32> = BTreeMap::new();
    for (_, _, terms) in &documents {
        for term in terms.keys() {
            *files_with.entry(term).or_default() += 1;
        }
    }
    let place: BTreeMap<&str, u32> =
        (files_with.iter().filter(|&(_, &n)| n > 1)).zip(0..).map(|((&t, _), i)| (t, i)).collect();
    let (n, m) = (documents.len(), place.len());

    let (mut row_ptr, mut cols, mut counts) = (vec![0], Vec::new(), Vec::new());
    for (_, _, terms) in &documents {
        for (term, &count) in terms {
            if let Some(&col) = place.get(term.as_str()) {
                cols.push(col);
                counts.push(count);
            }
        }
        row_ptr.push(cols.len() as u32);
    }
    let (mut values, mut idf) = (vec![0.0_f64; cols.len()], vec![0.0; m]);
    let options = TfIdf { sublinear: true, ..TfIdf::default() };
    let sparse = Counts { row_ptr: &mut row_ptr, col_idx: &mut cols, counts: &counts };
    let kept = tf_idf(sparse, &mut values, &mut idf, &options)?;
    println!("{n} files, {m} terms, {kept} entries");
    let a = Csr::new(n, m, &row_ptr, &cols[..kept], &values[..kept])?;

    let layer = |i: usize| documents[i].0.as_str();
    let mut dense = vec![0.0; n * m];
    for (i, row) in dense.chunks_mut(m).enumerate() {
        for k in row_ptr[i] as usize..row_ptr[i + 1] as usize {
            row[cols[k] as usize] = values[k];
        }
    }
    println!(
        "nearest other file of the same layer, by all terms: {}",
        same_layer(&dense, m, &layer)?
    );
    let (u, s, v) = factor::factorise(&a, 12)?;
    let factors = Factors { u: &u, s: &s, v: &v };
    let mut rows = vec![0.0; n * s.len()];
    factors.vectors(Side::Left, 1.0, &mut rows)?;
    for k in [2, 4, 8, 12] {
        let first: Vec<f64> = rows.chunks(s.len()).flat_map(|row| &row[..k]).copied().collect();
        println!(
            "                              by {k:2} factors: {}",
            same_layer(&first, k, &layer)?
        );
    }

    normalize_rows(&mut rows, s.len());
    let table = Table::new(&rows, s.len())?;
    for query in
        ["rotations of columns", "bytes on the radio", "mean and variance", "words and vectors"]
    {
        let (mut cols, mut values) = (Vec::new(), Vec::new());
        for (term, count) in terms(query) {
            if let Some(&col) = place.get(term.as_str()) {
                cols.push(col);
                values.push(f64::from(count) * idf[col as usize]);
            }
        }
        let mut folded = vec![0.0; s.len()];
        factors.fold_in(&cols, &values, 1.0, &mut folded)?;
        normalize_rows(&mut folded, s.len());
        let mut hits = [Hit::default(); 4];
        let found = nearest(&table, &folded, &[], &mut hits)?;
        let names: Vec<_> = hits[..found]
            .iter()
            .map(|hit| format!("{}/{}", layer(hit.id as usize), documents[hit.id as usize].1))
            .collect();
        println!("{query:?}: {}", names.join(", "));
    }

    // The first factor is what all files have in common.
    let points: Vec<[f64; 2]> = rows.chunks(s.len()).map(|row| [row[1], row[2]]).collect();
    let mut picture = Picture::new(1100, 800);
    picture.heading(
        [12, 14],
        "Files of this repository by factors 2 and 3 of their words",
        COLOURS[6],
    );
    let frame = Frame::new(&points, [40, 60, 1060, 780]);
    let layers: Vec<&str> = {
        let mut layers: Vec<&str> = (0..n).map(layer).collect();
        layers.dedup();
        layers.sort_unstable();
        layers.dedup();
        layers
    };
    for (i, name) in layers.iter().enumerate() {
        picture.heading([12 + 90 * i as i32, 34], name, COLOURS[i % COLOURS.len()]);
    }
    for (i, &point) in points.iter().enumerate() {
        let colour =
            COLOURS[layers.iter().position(|&l| l == layer(i)).unwrap_or(0) % COLOURS.len()];
        let at = frame.at(point);
        picture.dot(at, 7, colour);
        if !picture.word([at[0], at[1] - 10], &documents[i].1, colour) {
            picture.ring(at, 9, GREY);
        }
    }
    picture.save("lsa_documents")
}

/// How often each telling word is in a text.
fn terms(text: &str) -> BTreeMap<String, u32> {
    let mut terms = BTreeMap::new();
    for word in tokens(&text.to_lowercase()).filter(|word| text::is_telling(word)) {
        *terms.entry(word.to_string()).or_default() += 1;
    }
    terms
}

/// The share of rows whose nearest other row, by cosine, is of the same layer.
fn same_layer<'a>(
    rows: &[f64],
    dim: usize,
    layer: &impl Fn(usize) -> &'a str,
) -> Result<String, Box<dyn Error>> {
    let mut rows = rows.to_vec();
    normalize_rows(&mut rows, dim);
    let table = Table::new(&rows, dim)?;
    let mut right = 0;
    for i in 0..table.len() {
        let mut hits = [Hit::default()];
        nearest(&table, table.row(i), &[i as u32], &mut hits)?;
        right += usize::from(layer(hits[0].id as usize) == layer(i));
    }
    Ok(format!("{right} of {}", table.len()))
}
