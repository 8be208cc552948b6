//! From texts to matrices of counts, in memory that grows: the library's routines on any corpus.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use eigenmote::embed::{
    Counts, Pair, PairCounts, Ppmi, TfIdf, Vocab, Window, Word, ppmi, tf_idf, tokens,
};
use eigenmote::linalg::Csr;

use super::args::{DocArgs, WordArgs};
use super::vector_text::text;
use crate::input::read_bytes;
use crate::progress::Console;

/// A sparse matrix and the names of its rows and columns.
pub(crate) struct Matrix {
    pub(crate) rows: Vec<String>,
    pub(crate) cols: Vec<String>,
    pub(crate) row_ptr: Vec<u32>,
    pub(crate) col_idx: Vec<u32>,
    pub(crate) values: Vec<f32>,
    /// Words or terms that were read.
    pub(crate) tokens: usize,
}

impl Matrix {
    pub(crate) fn csr(&self) -> Result<Csr<'_, f32>> {
        let (rows, cols) = (self.row_ptr.len() - 1, self.cols.len());
        Ok(Csr::new(rows, cols, &self.row_ptr, &self.col_idx, &self.values)?)
    }
}

/// Memory of a vocabulary.
struct VocabMemory {
    text: Vec<u8>,
    words: Vec<Word>,
    slots: Vec<u32>,
}

impl VocabMemory {
    fn new(words: usize) -> Self {
        Self {
            text: vec![0; words * 16],
            words: vec![Word::default(); words],
            slots: vec![0; words * 2 + 2],
        }
    }

    fn vocab(&mut self) -> Vocab<'_> {
        Vocab::new(&mut self.text, &mut self.words, &mut self.slots)
    }
}

/// The distinct words of a corpus, the most frequent first, with their counts; and every sequence as
/// numbers of them, rare words left out.
struct Sequences {
    words: Vec<String>,
    texts: Vec<Vec<u32>>,
    tokens: usize,
}

impl Sequences {
    /// `texts` are in lower case.
    fn of(texts: &[&str], min_count: u32, max_words: usize) -> Result<Self> {
        // Doubled until all words fit; each try reads the texts again, and the last one counts.
        let mut size = 1 << 15;
        loop {
            let mut memory = VocabMemory::new(size);
            if let Some(found) = Self::try_of(texts, min_count, max_words, memory.vocab())? {
                return Ok(found);
            }
            size *= 2;
        }
    }

    fn try_of(
        texts: &[&str],
        min_count: u32,
        max_words: usize,
        mut vocab: Vocab<'_>,
    ) -> Result<Option<Self>> {
        let mut sequences = Vec::with_capacity(texts.len());
        let mut total = 0;
        for text in texts {
            let mut sequence = Vec::new();
            for token in tokens(text) {
                match vocab.add(token) {
                    Ok(id) => sequence.push(id),
                    Err(_) => return Ok(None),
                }
            }
            total += sequence.len();
            sequences.push(sequence);
        }
        let mut order = vec![0; vocab.len()];
        let kept = vocab.rank(min_count, &mut order)?.min(max_words);
        let mut rank = vec![u32::MAX; vocab.len()];
        let mut words = Vec::with_capacity(kept);
        for (place, &id) in order[..kept].iter().enumerate() {
            rank[id as usize] = place as u32;
            words.push(vocab.word(id).unwrap_or_default().to_string());
        }
        for sequence in &mut sequences {
            sequence.retain_mut(|id| {
                *id = rank[*id as usize];
                *id != u32::MAX
            });
        }
        Ok(Some(Self { words, texts: sequences, tokens: total }))
    }
}

/// Counts of pairs in memory that grows.
pub(super) struct GrowingPairs(Vec<Pair>);

impl GrowingPairs {
    /// Calls `count` with a table for each piece of work that adds at most `pairs` new ones.
    pub(super) fn count<W>(
        work: impl Iterator<Item = (usize, W)>,
        mut count: impl FnMut(&mut PairCounts<'_>, W) -> Result<()>,
    ) -> Result<Self> {
        let mut memory = vec![Pair::default(); 1 << 16];
        let mut work = work.peekable();
        while work.peek().is_some() {
            let mut old = std::mem::take(&mut memory);
            let needed = work.peek().map_or(0, |(pairs, _)| *pairs);
            let wanted = old.iter().filter(|pair| pair.count > 0).count() * 2 + needed;
            memory = vec![Pair::default(); (wanted / 3 * 4 + 8).max(old.len())];
            let mut table = PairCounts::new(&mut memory);
            for pair in old.drain(..).filter(|pair| pair.count > 0) {
                table.add(pair.row, pair.col, pair.count)?;
            }
            while let Some((_, piece)) = work.next_if(|(pairs, _)| *pairs <= table.room()) {
                count(&mut table, piece)?;
            }
        }
        Ok(Self(memory))
    }

    /// The table anew: it holds the same pairs.
    pub(super) fn sparse(
        mut self,
        rows: usize,
        symmetric: bool,
    ) -> Result<(Vec<u32>, Vec<u32>, Vec<u32>)> {
        let pairs: Vec<_> = self.0.iter().copied().filter(|pair| pair.count > 0).collect();
        let mut table = PairCounts::new(&mut self.0);
        for pair in &pairs {
            table.add(pair.row, pair.col, pair.count)?;
        }
        let most = if symmetric { 2 * pairs.len() } else { pairs.len() };
        let (mut row_ptr, mut col_idx, mut counts) =
            (vec![0; rows + 1], vec![0; most], vec![0; most]);
        let n = if symmetric {
            table.to_symmetric(rows, &mut row_ptr, &mut col_idx, &mut counts)?
        } else {
            table.to_sparse(rows, &mut row_ptr, &mut col_idx, &mut counts)?
        };
        col_idx.truncate(n);
        counts.truncate(n);
        Ok((row_ptr, col_idx, counts))
    }
}

/// Numbers that are counted in one go, so that memory need not be there for all pairs of a book.
const PIECE: usize = 1 << 14;

/// Positive pointwise mutual information of words in texts.
pub(crate) fn words(inputs: &[PathBuf], args: &WordArgs, console: Console) -> Result<Matrix> {
    let by_line = args.lines || args.window == usize::MAX;
    let mut texts = Vec::new();
    for input in inputs {
        let (source, bytes) = read_bytes(input)?;
        texts.push(text(&bytes).with_context(|| source)?.to_lowercase());
    }
    let sequences: Vec<&str> = if by_line {
        texts.iter().flat_map(|text| text.lines()).collect()
    } else {
        texts.iter().map(String::as_str).collect()
    };
    let max_words = args.max_words.unwrap_or(usize::MAX);
    let Sequences { words, texts: sequences, tokens } =
        Sequences::of(&sequences, args.min_count, max_words)?;
    if words.is_empty() {
        bail!("no word occurs {} times or more; see --min-count", args.min_count);
    }
    let window = Window { reach: args.window, weighting: args.weighting.into() };
    let progress = console.progress("counting", sequences.iter().map(Vec::len).sum());
    let pieces = sequences.iter().flat_map(|sequence| pieces(sequence, window));
    let pairs = GrowingPairs::count(pieces, |table, (part, firsts)| {
        for i in 0..firsts {
            table.add_first(&part[i..], &window)?;
        }
        progress.step_by(firsts);
        Ok(())
    })?;
    drop(progress);
    let (mut row_ptr, mut col_idx, counts) = pairs.sparse(words.len(), true)?;
    let (mut values, mut work) = (vec![0.0; counts.len()], vec![0.0; 4 * words.len()]);
    let sparse = Counts { row_ptr: &mut row_ptr, col_idx: &mut col_idx, counts: &counts };
    let options = Ppmi { shift: args.shift, smoothing: args.smoothing };
    let kept = ppmi(sparse, words.len(), &mut values, &mut work, &options)
        .context("--shift, --smoothing")?;
    col_idx.truncate(kept);
    values.truncate(kept);
    Ok(Matrix { cols: words.clone(), rows: words, row_ptr, col_idx, values, tokens })
}

/// A sequence in pieces: the number of pairs that a piece adds, where it begins, and how many places of
/// it are the first of a pair.
fn pieces(sequence: &[u32], window: Window) -> impl Iterator<Item = (usize, (&[u32], usize))> {
    (0..sequence.len()).step_by(PIECE).map(move |start| {
        let part = &sequence[start..];
        let firsts = part.len().min(PIECE);
        (window.reach.min(part.len()) * firsts, (part, firsts))
    })
}

/// Weighted counts of terms in documents, a document per row.
pub(crate) fn documents(inputs: &[PathBuf], args: &DocArgs, console: Console) -> Result<Matrix> {
    let (mut texts, mut names) = (Vec::new(), Vec::new());
    for input in inputs {
        let (source, bytes) = read_bytes(input)?;
        for (i, line) in text(&bytes).with_context(|| source.clone())?.lines().enumerate() {
            let cell = |column: u32| {
                line.split('\t').nth(column as usize - 1).with_context(|| {
                    format!("{source}: line {}: there is no column {column}; columns are parted by tabs", i + 1)
                })
            };
            texts.push(args.text_column.map_or(Ok(line), cell)?.to_lowercase());
            names.push(match args.name_column {
                Some(column) => cell(column)?.replace(char::is_whitespace, "_"),
                None => texts.len().to_string(),
            });
        }
    }
    let lines: Vec<&str> = texts.iter().map(String::as_str).collect();
    let Sequences { words, texts: sequences, tokens } = Sequences::of(&lines, 1, usize::MAX)?;
    // How many documents hold a term decides whether it is kept.
    let (mut documents, mut last) = (vec![0_u32; words.len()], vec![usize::MAX; words.len()]);
    for (i, sequence) in sequences.iter().enumerate() {
        for &term in sequence {
            if std::mem::replace(&mut last[term as usize], i) != i {
                documents[term as usize] += 1;
            }
        }
    }
    let mut terms = Vec::new();
    let mut number = HashMap::new();
    for (id, word) in
        words.into_iter().enumerate().filter(|&(id, _)| documents[id] >= args.min_documents)
    {
        number.insert(id as u32, terms.len() as u32);
        terms.push(word);
    }
    if terms.is_empty() {
        bail!("no term is in {} documents or more; see --min-documents", args.min_documents);
    }
    let progress = console.progress("counting", sequences.len());
    let work = sequences.iter().enumerate().map(|(row, terms)| (terms.len(), (row as u32, terms)));
    let pairs = GrowingPairs::count(work, |table, (row, terms)| {
        for col in terms.iter().filter_map(|term| number.get(term)) {
            table.add(row, *col, 1)?;
        }
        progress.step();
        Ok(())
    })?;
    drop(progress);
    let (mut row_ptr, mut col_idx, counts) = pairs.sparse(names.len(), false)?;
    let (mut values, mut idf) = (vec![0.0; counts.len()], vec![0.0; terms.len()]);
    let sparse = Counts { row_ptr: &mut row_ptr, col_idx: &mut col_idx, counts: &counts };
    let options = TfIdf { sublinear: args.sublinear, unnormalized: false };
    tf_idf(sparse, &mut values, &mut idf, &options)?;
    Ok(Matrix { rows: names, cols: terms, row_ptr, col_idx, values, tokens })
}
