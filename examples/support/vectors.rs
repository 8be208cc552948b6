//! Words to vectors by the routines of the library, for memory that grows.
#![allow(dead_code, reason = "no example uses all of it")]

use std::error::Error;

use eigenmote::embed::{
    Counts, Factors, Pair, PairCounts, Ppmi, Side, Vocab, Window, Word, ppmi, tokens,
};
use eigenmote::linalg::Csr;

use crate::factor::factorise;
use crate::text::is_telling;

/// Vectors of words, the most frequent word first.
pub(crate) struct Vectors {
    pub(crate) names: Vec<String>,
    pub(crate) counts: Vec<u32>,
    /// A row per word.
    pub(crate) values: Vec<f64>,
    pub(crate) dim: usize,
    /// Words of the texts.
    pub(crate) tokens: usize,
}

/// Learns the words that are there `least` times at least.
pub(crate) fn learn(texts: &[&str], least: u32, dim: usize) -> Result<Vectors, Box<dyn Error>> {
    let lower: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
    let (mut letters, mut words, mut slots) =
        (vec![0; 1 << 19], vec![Word::default(); 1 << 16], vec![0; 1 << 17]);
    let mut all = Vocab::new(&mut letters, &mut words, &mut slots);
    let mut seen = 0;
    for word in lower.iter().flat_map(|text| tokens(text)) {
        all.add(word)?;
        seen += 1;
    }
    let mut order = vec![0; all.len()];
    let ranked = all.rank(least, &mut order)?;
    let mut place = vec![None; all.len()];
    let (mut names, mut counts) = (Vec::new(), Vec::new());
    for &id in &order[..ranked] {
        let word = all.word(id).unwrap_or_default();
        if is_telling(word) {
            place[id as usize] = Some(u32::try_from(names.len())?);
            names.push(word.to_string());
            counts.push(all.count(id));
        }
    }
    let n = names.len();

    let mut room = vec![Pair::default(); 1 << 20];
    let mut pairs = PairCounts::new(&mut room);
    for text in &lower {
        let known: Vec<u32> =
            tokens(text).filter_map(|word| place[all.id(word)? as usize]).collect();
        pairs.add_window(&known, &Window::linear(5))?;
    }
    let (mut row_ptr, mut cols, mut sums) = (vec![0; n + 1], vec![0; 1 << 21], vec![0; 1 << 21]);
    let entries = pairs.to_symmetric(n, &mut row_ptr, &mut cols, &mut sums)?;
    let (mut values, mut work) = (vec![0.0; entries], vec![0.0; 4 * n]);
    let sparse =
        Counts { row_ptr: &mut row_ptr, col_idx: &mut cols[..entries], counts: &sums[..entries] };
    let kept = ppmi(sparse, n, &mut values, &mut work, &Ppmi::default())?;
    let a = Csr::new(n, n, &row_ptr, &cols[..kept], &values[..kept])?;
    let (u, s, v) = factorise(&a, dim)?;
    let mut vectors = vec![0.0; n * dim];
    Factors { u: &u, s: &s, v: &v }.vectors(Side::Sum, 0.25, &mut vectors)?;
    Ok(Vectors { names, counts, values: vectors, dim, tokens: seen })
}
