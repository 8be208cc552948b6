//! Two languages onto each other: a rotation from a few known pairs of words, and from none.
//!
//! ```text
//! cargo run --release --example alignment [OUT.png]
//! ```
//!
//! The words of this repository as vectors; the other "language" is a copy that is turned at random, its
//! words shuffled, and each vector moved by a tenth of its length in a random direction. Orthogonal
//! Procrustes turns one back onto the other; without any known pair, sorted similarities of each word
//! give a beginning that is refined. The picture has both before and after.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]
#![allow(clippy::cast_possible_wrap, clippy::cast_sign_loss, missing_docs)]

#[path = "support/factor.rs"]
mod factor;
#[path = "support/picture.rs"]
mod picture;
#[path = "support/text.rs"]
mod text;
#[path = "support/vectors.rs"]
mod vectors;

use std::error::Error;

use eigenmote::embed::align::{Workspace, mutual, refine, rotate, rotation, signatures};
use eigenmote::embed::nearest::{center_rows, densities, nearest_csls, normalize_rows};
use eigenmote::embed::{Hit, Table};
use eigenmote::linalg::procrustes::workspace_len;
use eigenmote::{Mat, linalg, mat, rng};
use picture::{COLOURS, Frame, GREY, Picture};

const DIM: usize = 24;
/// Neighbours that make a density.
const CROWD: usize = 10;
/// Values of a word's signature.
const SIGNATURE: usize = 256;

fn main() -> Result<(), Box<dyn Error>> {
    let documents = text::documents();
    let texts: Vec<&str> = documents.iter().map(|(_, _, text)| text.as_str()).collect();
    let mut words = vectors::learn(&texts, 4, DIM)?;
    let n = words.names.len();
    normalize(&mut words.values);
    let (other, order) = other_language(&words.values);
    let (x, y) = (Table::new(&words.values, DIM)?, Table::new(&other, DIM)?);
    let truth: Vec<[u32; 2]> = order.iter().zip(0..).map(|(&from, to)| [from as u32, to]).collect();
    println!("{n} words of {DIM} values, and a turned copy with a tenth of noise");

    let mut work = vec![0.0; workspace_len(DIM)];
    let mut turned = vec![0.0; n * DIM];
    println!("before: P@1 {:.3}", precision(&x, &y, &truth)?);
    let mut w = [0.0; DIM * DIM];
    for pairs in [10, 30, 100] {
        rotation(&x, &y, &truth[..pairs], &mut w, &mut work)?;
        rotate(&x, &w, &mut turned)?;
        println!(
            "{pairs:3} known pairs: P@1 {:.3}",
            precision(&Table::new(&turned, DIM)?, &y, &truth)?
        );
    }

    // Nothing known: words whose similarities to all others are alike.
    let sorted = |table: &Table<'_, f64>| -> Result<Vec<f64>, Box<dyn Error>> {
        let mut out = vec![0.0; n * SIGNATURE];
        signatures(table, SIGNATURE, &mut vec![0.0; n], &mut out)?;
        Ok(out)
    };
    let (a, b) = (sorted(&x)?, sorted(&y)?);
    let (mut density_x, mut density_y) = (vec![0.0; n], vec![0.0; n]);
    let (mut back, mut hits, mut pairs) = (vec![0; n], [Hit::default(); CROWD], vec![[0; 2]; n]);
    let mut space = Workspace {
        density_x: &mut density_x,
        density_y: &mut density_y,
        back: &mut back,
        hits: &mut hits,
        pairs: &mut pairs,
    };
    let count = mutual(&Table::new(&a, SIGNATURE)?, &Table::new(&b, SIGNATURE)?, &mut space)?;
    let start = space.pairs[..count].to_vec();
    let right = start.iter().filter(|pair| truth.contains(pair)).count();
    rotation(&x, &y, &start, &mut w, &mut work)?;
    let found = refine(&x, &y, &mut w, 20, &mut space, &mut turned, &mut work)?;
    rotate(&x, &w, &mut turned)?;
    let after = precision(&Table::new(&turned, DIM)?, &y, &truth)?;
    println!(
        "none known: {count} pairs to begin with, {right} of them right; {found} at last: P@1 {after:.3}"
    );

    draw(&words.names, &words.values, &turned, &other, &order)
}

/// Centred, of length 1.
fn normalize(values: &mut [f64]) {
    normalize_rows(values, DIM);
    center_rows(values, &mut [0.0; DIM]);
    normalize_rows(values, DIM);
}

/// A copy in another order: which word each row is of.
fn other_language(values: &[f64]) -> (Vec<f64>, Vec<usize>) {
    let mut random = rng::seeded(5);
    let mut a = Mat::<f64, DIM, DIM>::zeros();
    rng::fill_normal(&mut random, a.as_mut_slice());
    let f = linalg::svd(&a).unwrap();
    let turn = f.u.mul(&f.v.transpose());
    let n = values.len() / DIM;
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, (rng::uniform::<f64>(&mut random) * (i + 1) as f64) as usize);
    }
    let mut out = Vec::new();
    for &from in &order {
        let row = values[from * DIM..][..DIM].first_chunk().unwrap();
        let mut noise = [0.0; DIM];
        rng::fill_normal(&mut random, &mut noise);
        let share = 0.1 * mat::norm(row) / mat::norm(&noise);
        out.extend(turn.mul_vec(row).iter().zip(noise).map(|(x, e)| x + share * e));
    }
    normalize(&mut out);
    (out, order)
}

/// The share of words whose nearest in the other table, by CSLS, is the right one.
fn precision(
    x: &Table<'_, f64>,
    y: &Table<'_, f64>,
    truth: &[[u32; 2]],
) -> Result<f64, Box<dyn Error>> {
    let mut density = vec![0.0; y.len()];
    densities(y, x, &mut [Hit::default(); CROWD], &mut density)?;
    let mut right = 0;
    for &[from, to] in truth {
        let mut hits = [Hit::default()];
        nearest_csls(y, &density, x.row(from as usize), &mut hits)?;
        right += usize::from(hits[0].id == to);
    }
    Ok(right as f64 / truth.len() as f64)
}

/// Both languages on the plane of the second, before and after.
fn draw(
    names: &[String],
    before: &[f64],
    after: &[f64],
    other: &[f64],
    order: &[usize],
) -> Result<(), Box<dyn Error>> {
    let n = names.len();
    let mut picture = Picture::new(1300, 660);
    picture.heading(
        [12, 14],
        "before: each word of one language, a line to the same word of the other",
        COLOURS[6],
    );
    picture.heading([662, 14], "after, no pair known", COLOURS[6]);
    for (side, values) in [(0, before), (1, after)] {
        let both = [other, values].concat();
        let points = factor::plane(&both, DIM)?;
        let frame = Frame::new(&points, [10 + 650 * side, 30, 630 + 650 * side, 650]);
        for (row, &word) in order.iter().enumerate().step_by(12) {
            picture.line(frame.at(points[row]), frame.at(points[n + word]), GREY);
        }
        for (row, &word) in order.iter().enumerate() {
            picture.dot(frame.at(points[row]), 4, COLOURS[1]);
            picture.dot(frame.at(points[n + word]), 2, COLOURS[0]);
        }
        for (id, name) in names.iter().enumerate().take(25) {
            let at = frame.at(points[n + id]);
            picture.word([at[0], at[1] - 8], name, COLOURS[6]);
        }
    }
    picture.save("alignment")
}
