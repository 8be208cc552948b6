//! Embeddings: words and documents to vectors, and what is done with vectors.
//!
//! `args` is the command line, `corpus` reads texts, `nodes` graphs, `vectors` reads and writes vectors, `search` looks
//! in them, `align` turns one language onto another, `table` writes what firmware searches, `source` as source code. The
//! routines are the library's.

mod align;
pub(crate) mod args;
mod corpus;
mod nodes;
mod search;
mod source;
mod table;
mod vector_text;
mod vectors;

use std::cell::RefCell;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use eigenmote::embed::{Factors, Side};
use eigenmote::linalg::truncated::{Options, Triplets, truncated_svd, workspace_len};
use eigenmote::linalg::{Csr, Implicit, LinearOperator};
use eigenmote::mat::norm;
use serde_json::json;

use crate::output;
use crate::progress::Console;
pub(crate) use align::align;
use args::{DocArgs, EmbedCommand, FactorArgs, NodeArgs, OutArgs, WordArgs};
use corpus::Matrix;
pub(crate) use search::{analogy, nearest};
pub(crate) use table::export;
use vectors::Vectors;

/// Whether bytes are vectors, as a table or as text.
pub(crate) fn are_vectors(bytes: &[u8]) -> bool {
    table::is_table(bytes) || Vectors::from_bytes(String::new(), bytes).is_ok()
}

/// Learns vectors.
pub(crate) fn embed(command: EmbedCommand, console: Console) -> Result<bool> {
    match command {
        EmbedCommand::Words { inputs, words, factors, out } => {
            output::check(&out.output)?;
            let matrix = corpus::words(&inputs, &words, console)?;
            embed_words(matrix, &words, &factors, &out, console)
        }
        EmbedCommand::Docs { inputs, docs, factors, out } => {
            output::check(&out.output)?;
            if let Some(terms) = &docs.terms {
                output::check(terms)?;
            }
            let matrix = corpus::documents(&inputs, &docs, console)?;
            embed_docs(matrix, &docs, &factors, &out, console)
        }
        EmbedCommand::Nodes { input, nodes, factors, out } => {
            output::check(&out.output)?;
            let matrix = nodes::Edges::read(&input)?.matrix(&nodes, factors.seed, console)?;
            embed_nodes(matrix, &nodes, &factors, &out, console)
        }
    }
    .map(|()| true)
}

fn embed_words(
    matrix: Matrix,
    words: &WordArgs,
    factors: &FactorArgs,
    out: &OutArgs,
    console: Console,
) -> Result<()> {
    let found = Factorisation::of(&matrix, factors, console)?;
    let (side, dim) = (words.side.into(), found.factors().dim(words.side.into()));
    let values = found.vectors(side, words.power)?;
    tell(&matrix, &found, "words", out, console)?;
    Vectors::new(String::new(), matrix.rows, values, dim).write(&out.output, out.format)
}

fn embed_docs(
    matrix: Matrix,
    docs: &DocArgs,
    factors: &FactorArgs,
    out: &OutArgs,
    console: Console,
) -> Result<()> {
    let found = Factorisation::of(&matrix, factors, console)?;
    let dim = found.s.len();
    let values = found.vectors(Side::Left, docs.power)?;
    tell(&matrix, &found, "documents", out, console)?;
    if let Some(terms) = &docs.terms {
        let values = found.vectors(Side::Right, 1.0 - docs.power)?;
        Vectors::new(String::new(), matrix.cols, values, dim).write(terms, out.format)?;
    }
    Vectors::new(String::new(), matrix.rows, values, dim).write(&out.output, out.format)
}

fn embed_nodes(
    matrix: Matrix,
    nodes: &NodeArgs,
    factors: &FactorArgs,
    out: &OutArgs,
    console: Console,
) -> Result<()> {
    let found = Factorisation::of(&matrix, factors, console)?;
    let values = found.vectors(Side::Left, nodes.power)?;
    tell(&matrix, &found, "nodes", out, console)?;
    Vectors::new(String::new(), matrix.rows, values, found.s.len()).write(&out.output, out.format)
}

/// `A ≈ U·diag(s)·Vᵀ`.
struct Factorisation {
    u: Vec<f32>,
    s: Vec<f32>,
    v: Vec<f32>,
    /// The largest ‖A·v − s·u‖ or ‖Aᵀ·u − s·v‖.
    residual: f32,
    products: u32,
    seconds: f64,
}

impl Factorisation {
    fn of(matrix: &Matrix, args: &FactorArgs, console: Console) -> Result<Self> {
        let (rows, cols, rank) = (matrix.rows.len(), matrix.cols.len(), args.dim as usize);
        if rank > rows.min(cols) {
            bail!("--dim {rank}: a {rows} x {cols} matrix has at most {} factors", rows.min(cols));
        }
        let wait = console.wait("factorising");
        let started = Instant::now();
        let a = matrix.csr()?;
        let mut found = if cols / 4 > rows {
            Self::of_wide(&a, args)?
        } else {
            // A block of half the rank and a basis of twice it: of a slowly falling spectrum, two steps
            // of the iteration give as good vectors as more of them would.
            let options = Options {
                basis: 2 * rank + 16,
                block: (rank / 2).max(2),
                tolerance: Some(args.tolerance),
                max_restarts: 4,
                seed: args.seed,
                ..Options::new(rank)
            };
            Self::with(&a, &options)?
        };
        drop(wait);
        found.seconds = started.elapsed().as_secs_f64();
        Ok(found)
    }

    fn with(a: &impl LinearOperator<f32>, options: &Options<f32>) -> Result<Self> {
        let (rows, cols, rank) = (a.rows(), a.cols(), options.rank);
        let (mut u, mut s, mut v) =
            (vec![0.0; rows * rank], vec![0.0; rank], vec![0.0; cols * rank]);
        let mut residuals = vec![0.0; rank];
        let mut work = vec![0.0; workspace_len(rows, cols, options)];
        let mut out = Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
        let info =
            truncated_svd(a, &mut out, &mut work, options).context("the factorisation failed")?;
        Ok(Self { u, s, v, residual: info.residual, products: info.applies, seconds: 0.0 })
    }

    /// A matrix with many more columns than rows, by way of `A·Aᵀ`, whose vectors are short. The values
    /// that are wanted of documents are not so small that their squares would lose digits.
    fn of_wide(a: &Csr<'_, f32>, args: &FactorArgs) -> Result<Self> {
        let (rows, cols, rank) = (a.rows(), a.cols(), args.dim as usize);
        let middle = RefCell::new(vec![0.0; cols]);
        let product = |x: &[f32], y: &mut [f32]| {
            let mut middle = middle.borrow_mut();
            a.apply_transposed(x, &mut middle);
            a.apply(&middle, y);
        };
        let square = Implicit { rows, cols: rows, apply: product, apply_transposed: product };
        // ‖A·Aᵀ·u − s²·u‖ is about 2·s·‖Aᵀ·u − s·v‖.
        let options = Options {
            basis: rank + rank / 2 + 40,
            block: 4,
            tolerance: Some(args.tolerance),
            max_restarts: 4,
            seed: args.seed,
            ..Options::new(rank)
        };
        let mut found = Self::with(&square, &options)?;
        found.v = vec![0.0; cols * rank];
        let mut left = vec![0.0; rows];
        found.residual = 0.0;
        let columns = found.u.chunks(rows).zip(found.v.chunks_mut(cols)).zip(&mut found.s);
        for ((u, v), s) in columns {
            a.apply_transposed(u, v);
            *s = norm(v);
            if *s > 0.0 {
                v.iter_mut().for_each(|x| *x /= *s);
            }
            // Aᵀ·u = s·v by construction; what is left is on the other side.
            a.apply(v, &mut left);
            left.iter_mut().zip(u).for_each(|(x, u)| *x -= *s * u);
            found.residual = found.residual.max(norm(&left));
        }
        Ok(found)
    }

    fn factors(&self) -> Factors<'_, f32> {
        Factors { u: &self.u, s: &self.s, v: &self.v }
    }

    fn vectors(&self, side: Side, power: f32) -> Result<Vec<f32>> {
        let factors = self.factors();
        let mut out = vec![0.0; factors.items(side) * factors.dim(side)];
        factors.vectors(side, power, &mut out)?;
        Ok(out)
    }
}

/// What was learnt from.
fn tell(
    matrix: &Matrix,
    found: &Factorisation,
    what: &str,
    out: &OutArgs,
    console: Console,
) -> Result<()> {
    let (rows, entries, dim) = (matrix.rows.len(), matrix.values.len(), found.s.len());
    let relative = found.residual / found.s[0];
    if out.json {
        // The vectors may go to standard output.
        let text = json!({
            "tokens": matrix.tokens, what: rows, "columns": matrix.cols.len(), "entries": entries, "dim": dim,
            "singular_values": found.s, "products": found.products, "residual": relative,
            "factorisation_seconds": found.seconds,
        });
        if out.output == std::path::Path::new("-") {
            bail!("--json and -o - both need standard output");
        }
        println!("{text}");
    } else {
        console.note(format_args!(
            "{} tokens, {rows} {what}, {entries} entries; {dim} factors in {:.1} s, residual {:.1e} of the first",
            matrix.tokens, found.seconds, relative
        ));
    }
    Ok(())
}
