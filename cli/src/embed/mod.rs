//! Embeddings: words and documents to vectors, and what is done with vectors.
//!
//! `args` is the command line, `corpus` reads texts, `vectors` reads and writes vectors, `search` looks
//! in them, `align` turns one language onto another. The routines are the library's.

mod align;
pub(crate) mod args;
mod corpus;
mod search;
mod vectors;

use std::time::Instant;

use anyhow::{Context, Result, bail};
use eigenmote::embed::{Factors, Side};
use eigenmote::linalg::truncated::{Info, Options, Triplets, truncated_svd, workspace_len};
use serde_json::json;

use crate::output;
use crate::progress::Console;
pub(crate) use align::align;
use args::{DocArgs, EmbedCommand, FactorArgs, OutArgs, WordArgs};
use corpus::Matrix;
pub(crate) use search::{analogy, nearest};
use vectors::Vectors;

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

/// `A ≈ U·diag(s)·Vᵀ`.
struct Factorisation {
    u: Vec<f32>,
    s: Vec<f32>,
    v: Vec<f32>,
    info: Info<f32>,
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
        let (mut u, mut s, mut v) =
            (vec![0.0; rows * rank], vec![0.0; rank], vec![0.0; cols * rank]);
        let mut residuals = vec![0.0; rank];
        let mut work = vec![0.0; workspace_len(rows, cols, &options)];
        let mut out = Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
        let info = truncated_svd(&matrix.csr()?, &mut out, &mut work, &options)
            .context("the factorisation failed")?;
        drop(wait);
        Ok(Self { u, s, v, info, seconds: started.elapsed().as_secs_f64() })
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
    let relative = found.info.residual / found.s[0];
    if out.json {
        // The vectors may go to standard output.
        let text = json!({
            "tokens": matrix.tokens, what: rows, "columns": matrix.cols.len(), "entries": entries, "dim": dim,
            "singular_values": found.s, "products": found.info.applies, "residual": relative,
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
