//! The words of this repository on a map: counts to vectors to a plane.
//!
//! ```text
//! cargo run --release --example words_map [OUT.png]
//! ```
//!
//! The text is what the sources and pages of the repository say of themselves. Words are counted in a
//! window, weighed by their positive pointwise mutual information, factorised; the map is the first two
//! principal components of the vectors of the most frequent words.
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

use eigenmote::embed::{Hit, Table, nearest};
use picture::{COLOURS, Frame, GREY, Picture};
use vectors::Vectors;

/// Words on the map at most.
const SHOWN: usize = 160;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let documents = text::documents();
    let texts: Vec<&str> = documents.iter().map(|(_, _, text)| text.as_str()).collect();
    let Vectors { names, counts, mut values, dim, tokens } = vectors::learn(&texts, 5, 32)?;
    println!("{tokens} words in {} texts; {} of them often enough", texts.len(), names.len());
    nearest::normalize_rows(&mut values, dim);
    let table = Table::new(&values, dim)?;
    for word in ["matrix", "frame", "error", "flash", "sample", "words"] {
        let Some(id) = names.iter().position(|name| name == word) else { continue };
        let mut hits = [Hit::default(); 5];
        let found = nearest(&table, table.row(id), &[id as u32], &mut hits)?;
        let list: Vec<_> = hits[..found]
            .iter()
            .map(|hit| format!("{} {:.2}", names[hit.id as usize], hit.score))
            .collect();
        println!("{word:>8} ({:3}): {}", counts[id], list.join(", "));
    }

    let points = factor::plane(&values, dim)?;
    let mut picture = Picture::new(1200, 900);
    picture.heading(
        [12, 14],
        "Words of this repository, two principal components of 32",
        COLOURS[6],
    );
    let frame = Frame::new(&points, [30, 40, 1170, 880]);
    let mut shown = 0;
    for (name, &point) in names.iter().zip(&points) {
        let at = frame.at(point);
        if shown < SHOWN && picture.word(at, name, COLOURS[(shown / 40).min(3)]) {
            shown += 1;
        } else {
            picture.dot(at, 2, GREY);
        }
    }
    println!("{shown} words on the map, the more frequent ones first");
    picture.save("words_map")
}
