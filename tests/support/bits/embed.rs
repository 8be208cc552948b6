//! Words: counts, their factorisation, and tables in flash.

use eigenmote::embed::table::{WordTable, WordTableSpec};
use eigenmote::embed::{
    Analogy, Counts, Factors, Hit, Pair, PairCounts, Ppmi, Side, Table, Window, nearest, ppmi,
};
use eigenmote::linalg::Csr;
use eigenmote::linalg::truncated::{self, Options, Triplets, truncated_svd};
use eigenmote::{Scalar, rng};

use super::Hash;

const WORDS: usize = 24;
const DIM: usize = 6;

/// From a text of 24 words to vectors and what is near to what.
pub(super) fn learning<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    let (mut state, mut text) = (110_u32, [0; 400]);
    for (place, word) in (0_u32..).zip(&mut text) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Four kinds of word in turn.
        *word = (place % 4) * 6 + (((state >> 16) * 6) >> 16);
    }
    let mut table = [Pair::default(); 600];
    let mut pairs = PairCounts::new(&mut table);
    pairs.add_window(&text, &Window::flat(3)).expect("room for all pairs");
    let (mut row_ptr, mut col_idx, mut counts) = ([0; WORDS + 1], [0; 600], [0; 600]);
    let n = pairs.to_symmetric(WORDS, &mut row_ptr, &mut col_idx, &mut counts).expect("room");
    let (mut values, mut work) = ([T::ZERO; 600], [T::ZERO; 4 * WORDS]);
    let sparse = Counts { row_ptr: &mut row_ptr, col_idx: &mut col_idx[..n], counts: &counts[..n] };
    let kept = ppmi(sparse, WORDS, &mut values[..n], &mut work, &Ppmi::default()).expect("counts");
    hash.values(&values[..kept]);
    let a = Csr::new(WORDS, WORDS, &row_ptr, &col_idx[..kept], &values[..kept]).expect("sorted");
    let (mut u, mut s, mut v) = ([T::ZERO; WORDS * DIM], [T::ZERO; DIM], [T::ZERO; WORDS * DIM]);
    let (mut residuals, mut space) = ([T::ZERO; DIM], [T::ZERO; 3000]);
    let options = Options::<T>::new(DIM);
    let space = &mut space[..truncated::workspace_len(WORDS, WORDS, &options)];
    let mut out = Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
    let info = truncated_svd(&a, &mut out, space, &options).expect("finite input");
    hash.value(info.residual);
    let mut vectors = [T::ZERO; WORDS * DIM];
    let factors = Factors { u: &u, s: &s, v: &v };
    factors.vectors(Side::Sum, T::HALF, &mut vectors).expect("as many rows as columns");
    hash.values(&vectors);
    let mut hits = [Hit::default(); 5];
    let table = Table::new(&vectors, DIM).expect("finite vectors");
    nearest(&table, table.row(3), &[3], &mut hits).expect("finite vectors");
    for hit in hits {
        hash.word(u64::from(hit.id));
        hash.value(hit.score);
    }
    hash.0
}

/// A table, written and searched.
pub(super) fn tables<T: Scalar>() -> u64 {
    let mut hash = Hash::new();
    let mut vectors = [T::ZERO; WORDS * DIM];
    rng::fill_normal(&mut rng::seeded(111), &mut vectors);
    let words = [
        "a", "b", "c", "d", "e", "f", "g", "h", "aa", "ab", "ac", "ad", "ae", "af", "ag", "ah",
        "é", "ö", "word", "words", "wo", "rd", "", "x",
    ];
    let vectors = Table::new(&vectors, DIM).expect("finite vectors");
    let spec = WordTableSpec { vectors, words: &words, prefixes: &[2, 4] };
    let (mut out, mut work) = ([0; 900], [0; 40]);
    let length = spec.write(&mut out, &mut work).expect("room");
    hash.bytes(&out[..length]);
    let table = WordTable::parse(&out[..length]).expect("a table");
    for dim in table.prefixes() {
        let table = table.prefix(dim).expect("a prefix");
        for (id, word) in (0..).zip(words) {
            hash.word(table.id(word).map_or(u64::MAX, u64::from));
            let mut hits = [Hit::default(); 4];
            table.nearest(id, &mut hits).expect("a known number");
            let mut more = [Hit::default(); 8];
            let (add, mul) = more.split_at_mut(4);
            table.analogy([id, 1, 2], Analogy::Add, add).expect("known numbers");
            table.analogy([id, 1, 2], Analogy::Mul, mul).expect("known numbers");
            for hit in hits.iter().chain(&more) {
                hash.word(u64::from(hit.id));
                hash.word(u64::from(hit.score.unsigned_abs()) << 1 | u64::from(hit.score < 0));
            }
        }
    }
    hash.0
}
