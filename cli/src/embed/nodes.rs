//! Nodes of a graph: edges from text or NPY, then walks that are counted, or `NetMF`'s matrix.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use eigenmote::embed::{Counts, Graph, NetMf, Ppmi, Steps, Window, ppmi, walk};
use eigenmote::rng::seeded;

use super::Factorisation;
use super::args::{FactorArgs, Method, NodeArgs};
use super::corpus::{GrowingPairs, Matrix};
use super::vector_text::text;
use crate::input::read_bytes;
use crate::progress::Console;

/// Lists of neighbours, both ways, and the names of the nodes.
pub(super) struct Edges {
    names: Vec<String>,
    row_ptr: Vec<u32>,
    neighbours: Vec<u32>,
    weights: Vec<f32>,
}

impl Edges {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let (source, bytes) = read_bytes(path)?;
        let edges = if bytes.starts_with(b"\x93NUMPY") {
            from_npy(&bytes).with_context(|| source.clone())?
        } else {
            from_text(&bytes).with_context(|| source.clone())?
        };
        let mut ids: HashMap<&str, u32> = HashMap::new();
        let mut names: Vec<&str> = Vec::new();
        for name in edges.iter().flat_map(|(a, b, _)| [a.as_str(), b.as_str()]) {
            ids.entry(name).or_insert_with(|| {
                names.push(name);
                names.len() as u32 - 1
            });
        }
        // Numbers in their order, other names in the order of arrival.
        if let Ok(numbers) =
            names.iter().map(|name| name.parse::<u64>()).collect::<Result<Vec<_>, _>>()
        {
            let mut order: Vec<_> = numbers.into_iter().zip(names.clone()).collect();
            order.sort_unstable();
            names = order.into_iter().map(|(_, name)| name).collect();
            ids = names.iter().enumerate().map(|(id, &name)| (name, id as u32)).collect();
        }
        let mut sums: HashMap<(u32, u32), f32> = HashMap::new();
        for (a, b, weight) in &edges {
            let (a, b) = (ids[a.as_str()], ids[b.as_str()]);
            *sums.entry((a.min(b), a.max(b))).or_default() += weight;
        }
        let mut both: Vec<_> = sums
            .iter()
            .flat_map(|(&(a, b), &w)| [Some((a, b, w)), (a != b).then_some((b, a, w))])
            .flatten()
            .collect();
        both.sort_unstable_by_key(|&(a, b, _)| (a, b));
        let mut row_ptr = vec![0_u32; names.len() + 1];
        for &(a, ..) in &both {
            row_ptr[a as usize + 1] += 1;
        }
        for i in 0..names.len() {
            row_ptr[i + 1] += row_ptr[i];
        }
        let weighted = both.iter().any(|&(.., w)| w != 1.0);
        Ok(Self {
            names: names.into_iter().map(str::to_string).collect(),
            row_ptr,
            neighbours: both.iter().map(|&(_, b, _)| b).collect(),
            weights: if weighted { both.iter().map(|&(.., w)| w).collect() } else { Vec::new() },
        })
    }

    fn graph(&self) -> Result<Graph<'_, f32>> {
        Ok(Graph::new(&self.row_ptr, &self.neighbours, &self.weights)?)
    }

    /// The matrix to factorise.
    pub(super) fn matrix(&self, args: &NodeArgs, seed: u64, console: Console) -> Result<Matrix> {
        match args.method {
            Method::Walks => self.walks(args, seed, console),
            Method::Netmf => self.netmf(args, seed, console),
        }
    }

    fn walks(&self, args: &NodeArgs, seed: u64, console: Console) -> Result<Matrix> {
        let (graph, n) = (self.graph()?, self.names.len());
        let steps = Steps { p: args.p, q: args.q };
        let window = Window::flat(args.window as usize);
        let mut rng = seeded(seed);
        let mut out = vec![0; args.length as usize];
        let pairs = window.pairs(out.len());
        let progress = console.progress("walking", n * args.walks as usize);
        let starts = (0..args.walks).flat_map(|_| 0..n as u32).map(|start| (pairs, start));
        let mut tokens = 0;
        let pairs = GrowingPairs::count(starts, |table, start| {
            let len = walk(&graph, start, &steps, &mut rng, &mut out).context("--p, --q")?;
            tokens += len;
            progress.step();
            Ok(table.add_window(&out[..len], &window)?)
        })?;
        drop(progress);
        let (mut row_ptr, mut col_idx, counts) = pairs.sparse(n, true)?;
        let (mut values, mut work) = (vec![0.0; counts.len()], vec![0.0; 4 * n]);
        let sparse = Counts { row_ptr: &mut row_ptr, col_idx: &mut col_idx, counts: &counts };
        let options = Ppmi { shift: args.negatives, smoothing: 1.0 };
        let kept = ppmi(sparse, n, &mut values, &mut work, &options).context("--negatives")?;
        col_idx.truncate(kept);
        values.truncate(kept);
        Ok(self.named(row_ptr, col_idx, values, tokens))
    }

    fn netmf(&self, args: &NodeArgs, seed: u64, console: Console) -> Result<Matrix> {
        let (graph, n) = (self.graph()?, self.names.len());
        let mut values = vec![0.0; self.neighbours.len()];
        graph.normalized(&mut values)?;
        let adjacency = self.named(self.row_ptr.clone(), self.neighbours.clone(), values, 0);
        let rank = (args.rank as usize).min(n);
        let spectrum = FactorArgs { dim: rank as u32, tolerance: 0.01, seed };
        let found = Factorisation::of(&adjacency, &spectrum, console)?;
        let signs = found.u.chunks(n).zip(found.v.chunks(n)).map(|(u, v)| {
            if u.iter().zip(v).map(|(u, v)| u * v).sum::<f32>() < 0.0 { -1.0 } else { 1.0 }
        });
        let eigenvalues: Vec<f32> = signs.zip(&found.s).map(|(sign, s)| sign * s).collect();
        let mut memory = vec![0.0; found.u.len()];
        let m =
            NetMf::new(&graph, &found.u, &eigenvalues, args.window, args.negatives, &mut memory)
                .context("--negatives")?;
        // The upper triangle, block by block so that rows are read from the cache; then mirrored.
        let progress = console.progress("mixing", n);
        let mut upper: Vec<Vec<(u32, f32)>> = vec![Vec::new(); n];
        for (block, rows) in upper.chunks_mut(BLOCK).enumerate() {
            let first = block * BLOCK;
            for j in first..n {
                for (i, row) in rows.iter_mut().enumerate().take_while(|(i, _)| first + i <= j) {
                    let value = m.get(first + i, j);
                    if value > 0.0 {
                        row.push((j as u32, value));
                    }
                }
            }
            progress.step_by(rows.len());
        }
        drop(progress);
        let mut lower: Vec<Vec<(u32, f32)>> = vec![Vec::new(); n];
        for (i, row) in upper.iter().enumerate() {
            for &(j, value) in row.iter().filter(|&&(j, _)| j as usize != i) {
                lower[j as usize].push((i as u32, value));
            }
        }
        let (mut row_ptr, mut col_idx, mut values) = (vec![0], Vec::new(), Vec::new());
        for (lower, upper) in lower.into_iter().zip(upper) {
            for (j, value) in lower.into_iter().chain(upper) {
                col_idx.push(j);
                values.push(value);
            }
            row_ptr.push(u32::try_from(col_idx.len()).context("the graph is too large for netmf")?);
        }
        Ok(self.named(row_ptr, col_idx, values, 0))
    }

    fn named(
        &self,
        row_ptr: Vec<u32>,
        col_idx: Vec<u32>,
        values: Vec<f32>,
        tokens: usize,
    ) -> Matrix {
        let (rows, cols) = (self.names.clone(), self.names.clone());
        Matrix { rows, cols, row_ptr, col_idx, values, tokens }
    }
}

/// Rows that are multiplied by a column in one go.
const BLOCK: usize = 32;

type Edge = (String, String, f32);

fn from_npy(bytes: &[u8]) -> Result<Vec<Edge>> {
    let file = npyz::NpyFile::new(bytes).context("not a whole NPY file")?;
    let shape = file.shape().to_vec();
    if shape.len() != 2 || shape[1] != 2 {
        bail!("an array of two columns is expected, not of shape {shape:?}");
    }
    let numbers: Vec<u64> = match file.dtype().descr().as_str() {
        "'<u2'" => file.into_vec::<u16>()?.into_iter().map(u64::from).collect(),
        "'<u4'" => file.into_vec::<u32>()?.into_iter().map(u64::from).collect(),
        "'<i4'" => file.into_vec::<i32>()?.into_iter().map(|x| x.unsigned_abs().into()).collect(),
        "'<i8'" => file.into_vec::<i64>()?.into_iter().map(i64::unsigned_abs).collect(),
        other => bail!("the type {other} is not one of u2, u4, i4, i8"),
    };
    Ok(numbers.chunks(2).map(|edge| (edge[0].to_string(), edge[1].to_string(), 1.0)).collect())
}

fn from_text(bytes: &[u8]) -> Result<Vec<Edge>> {
    let mut edges = Vec::new();
    for (i, line) in text(bytes)?.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', '%']) {
            continue;
        }
        let cells: Vec<_> =
            line.split([',', ';', '\t', ' ']).filter(|cell| !cell.is_empty()).collect();
        let (a, b, weight) = match cells[..] {
            [a, b] => (a, b, "1"),
            [a, b, weight] => (a, b, weight),
            _ => bail!(
                "line {}: two nodes and perhaps a weight are expected, parted by commas, tabs or blanks, not \"{line}\"",
                i + 1
            ),
        };
        match weight.parse::<f32>() {
            Ok(w) if w > 0.0 && w.is_finite() => edges.push((a.to_string(), b.to_string(), w)),
            // A header.
            Err(_) if i == 0 => {}
            _ => bail!("line {}, column 3: \"{weight}\" is not a weight above 0", i + 1),
        }
    }
    if edges.first().is_some_and(|(a, b, _)| a.parse::<u64>().is_err() && b.parse::<u64>().is_err())
        && edges
            .iter()
            .skip(1)
            .all(|(a, b, _)| a.parse::<u64>().is_ok() && b.parse::<u64>().is_ok())
    {
        // Names above numbers are a header without a third column.
        edges.remove(0);
    }
    if edges.is_empty() {
        bail!("there are no edges in it");
    }
    Ok(edges)
}
