//! Turns the vectors of one language onto those of another.

use std::path::Path;

use anyhow::{Context, Result, bail};
use eigenmote::embed::align::{Workspace, mutual, refine, rotate, rotation, signatures};
use eigenmote::embed::nearest::center_rows;
use eigenmote::embed::{Hit, Table};
use eigenmote::linalg::procrustes::workspace_len;
use serde_json::json;

use super::args::AlignArgs;
use super::search::{CROWD, precision};
use super::vectors::{Vectors, read_pairs};
use crate::output;
use crate::progress::Console;

/// Rounds of refinement without a dictionary, unless the user says otherwise.
const ROUNDS: usize = 20;

/// Values of a signature.
const SIGNATURE: usize = 256;

/// Finds the rotation, writes the turned vectors, measures.
pub(crate) fn align(args: &AlignArgs, console: Console) -> Result<bool> {
    output::check(&args.out.output)?;
    if let Some(path) = &args.out.onto_output {
        output::check(path)?;
    }
    let (mut from, mut onto) = (Vectors::read(&args.from)?, Vectors::read(&args.onto)?);
    if from.dim != onto.dim {
        bail!(
            "{} has {} values per vector, {} has {}",
            from.source,
            from.dim,
            onto.source,
            onto.dim
        );
    }
    let dim = from.dim;
    for vectors in [&mut from, &mut onto] {
        vectors.normalize();
        if !args.keep_mean {
            center_rows(&mut vectors.values, &mut vec![0.0; dim]);
            vectors.normalize();
        }
    }
    let known =
        args.dictionary.as_deref().map(|path| pairs(path, &from, &onto, console)).transpose()?;
    let (x, y) = (head(&from, args.frequent)?, head(&onto, args.frequent)?);
    let mut memory = Memory::new(x.len(), y.len(), dim);
    let mut w = vec![0.0; dim * dim];
    let rounds = args.refine.unwrap_or(if known.is_some() { 0 } else { ROUNDS });
    if let Some(known) = &known {
        rotation(&from.table()?, &onto.table()?, known, &mut w, &mut memory.work)?;
    } else {
        let _wait = console.wait("looking for a beginning");
        let start = start(&x, &y, &mut memory)?;
        rotation(&x, &y, &start, &mut w, &mut memory.work)?;
    }
    let mut found = known.as_ref().map_or(0, Vec::len);
    if rounds > 0 {
        let _wait = console.wait("refining");
        let mut turned = std::mem::take(&mut memory.turned);
        let mut work = std::mem::take(&mut memory.work);
        found = refine(&x, &y, &mut w, rounds, &mut memory.space(), &mut turned, &mut work)?;
    }
    let mut values = vec![0.0; from.values.len()];
    rotate(&from.table()?, &w, &mut values)?;
    let turned = Vectors::new(from.source.clone(), from.names.clone(), values, dim);
    let measured = match &args.out.test {
        Some(path) => {
            let pairs = pairs(path, &turned, &onto, console)?;
            let _wait = console.wait("measuring");
            Some(precision(&turned.table()?, &onto.table()?, &pairs)?)
        }
        None => None,
    };
    turned.write(&args.out.output, args.out.format)?;
    if let Some(path) = &args.out.onto_output {
        onto.write(path, args.out.format)?;
    }
    if args.out.json {
        let test =
            measured.map(|(one, five, words)| json!({ "p1": one, "p5": five, "words": words }));
        println!("{}", json!({ "pairs": found, "test": test }));
    } else {
        console.note(format_args!("turned by {found} pairs"));
        if let Some((one, five, words)) = measured {
            println!("P@1 {one:.4}, P@5 {five:.4} of {words} words");
        }
    }
    Ok(true)
}

/// Known pairs as numbers; those with a word that is not there are left out.
fn pairs(path: &Path, from: &Vectors, onto: &Vectors, console: Console) -> Result<Vec<[u32; 2]>> {
    let all = read_pairs(path)?;
    let ids = all.iter().filter_map(|(_, a, b)| Some([from.find(a)?, onto.find(b)?]));
    let ids: Vec<_> = ids.collect();
    if ids.is_empty() {
        bail!("{}: none of its {} pairs has both words in the vectors", path.display(), all.len());
    }
    console.note(format_args!("{}: {} of {} pairs", path.display(), ids.len(), all.len()));
    Ok(ids)
}

/// The first vectors: files are sorted by frequency.
fn head(vectors: &Vectors, rows: usize) -> Result<Table<'_, f32>> {
    let values = &vectors.values[..rows.min(vectors.len()) * vectors.dim];
    Table::new(values, vectors.dim).with_context(|| vectors.source.clone())
}

/// What the library's routines work in.
struct Memory {
    density_x: Vec<f32>,
    density_y: Vec<f32>,
    back: Vec<u32>,
    hits: Vec<Hit<f32>>,
    pairs: Vec<[u32; 2]>,
    turned: Vec<f32>,
    work: Vec<f32>,
}

impl Memory {
    fn new(x: usize, y: usize, dim: usize) -> Self {
        Self {
            density_x: vec![0.0; x],
            density_y: vec![0.0; y],
            back: vec![0; y],
            hits: vec![Hit::default(); CROWD],
            pairs: vec![[0; 2]; x.min(y)],
            turned: vec![0.0; x * dim],
            work: vec![0.0; workspace_len(dim)],
        }
    }

    fn space(&mut self) -> Workspace<'_, f32> {
        Workspace {
            density_x: &mut self.density_x,
            density_y: &mut self.density_y,
            back: &mut self.back,
            hits: &mut self.hits,
            pairs: &mut self.pairs,
        }
    }
}

/// Pairs without a dictionary, by signatures.
fn start(x: &Table<'_, f32>, y: &Table<'_, f32>, memory: &mut Memory) -> Result<Vec<[u32; 2]>> {
    let len = SIGNATURE.min(x.len()).min(y.len());
    let signed = |table: &Table<'_, f32>| -> Result<Vec<f32>> {
        let (mut products, mut out) = (vec![0.0; table.len()], vec![0.0; table.len() * len]);
        signatures(table, len, &mut products, &mut out)?;
        Ok(out)
    };
    let (x, y) = (signed(x)?, signed(y)?);
    let found = mutual(&Table::new(&x, len)?, &Table::new(&y, len)?, &mut memory.space())?;
    Ok(memory.pairs[..found].to_vec())
}
