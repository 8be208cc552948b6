//! Tables for firmware: vectors of a byte per value with their words, as a file and as source code.

use std::path::Path;

use anyhow::{Context, Result, bail};
use eigenmote::embed::table::{WordTable, WordTableError, WordTableSpec};
use eigenmote::linalg::truncated::{Options, Triplets, truncated_svd, workspace_len};
use eigenmote::mat::MatRef;
use eigenmote::simd;

use super::source::to_source;
use super::vectors::Vectors;
use crate::args::{ExportArgs, LanguageArgs, TableArgs};
use crate::export::Language;
use crate::fit::file_name;
use crate::output;
use crate::progress::Console;

/// Whether bytes are a table.
pub(crate) fn is_table(bytes: &[u8]) -> bool {
    bytes.starts_with(b"EIGW")
}

/// The bytes of a file as a table.
pub(super) fn parse<'a>(source: &str, bytes: &'a [u8]) -> Result<WordTable<'a>> {
    WordTable::parse(bytes).with_context(|| source.to_string())
}

impl Vectors {
    /// The vectors of a table, as exact as it has them; without words, numbers from 0 are their names.
    pub(super) fn from_table(source: String, table: &WordTable<'_>) -> Result<Self> {
        let (len, dim) = (table.len(), table.dim());
        let mut values = vec![0.0; len * dim];
        for (id, row) in (0..).zip(values.chunks_mut(dim)) {
            table.vector(id, row)?;
        }
        let names = (0..len as u32).map(|id| name(table, id)).collect();
        Ok(Self::new(source, names, values, dim))
    }

    /// The first `count` vectors.
    fn keep(self, count: usize) -> Self {
        let Self { source, mut names, mut values, dim, .. } = self;
        names.truncate(count);
        values.truncate(count * dim);
        Self::new(source, names, values, dim)
    }

    /// Without all but the first vector of each name; how many are gone.
    fn unique(self) -> (Self, usize) {
        let kept: Vec<usize> =
            (0..self.len()).filter(|&i| self.exact(&self.names[i]) == Some(i as u32)).collect();
        let gone = self.len() - kept.len();
        if gone == 0 {
            return (self, 0);
        }
        let names = kept.iter().map(|&i| self.names[i].clone()).collect();
        let rows = kept.iter().flat_map(|&i| &self.values[i * self.dim..][..self.dim]);
        (Self::new(self.source.clone(), names, rows.copied().collect(), self.dim), gone)
    }

    /// The first values of each vector.
    pub(super) fn prefix(self, dim: usize) -> Result<Self> {
        if !(1..=self.dim).contains(&dim) {
            bail!("--dim {dim}: {} has {} values per vector", self.source, self.dim);
        }
        let values = self.values.chunks(self.dim).flat_map(|row| &row[..dim]).copied().collect();
        Ok(Self::new(self.source, self.names, values, dim))
    }

    /// Turns all vectors so that their first values carry the most: onto the principal directions of the
    /// rows as they are. Cosines stay as they were.
    fn turn(&mut self) -> Result<()> {
        let dim = self.dim;
        let mut gram = vec![0.0_f64; dim * dim];
        for row in self.values.chunks(dim) {
            let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
            for (column, &x) in gram.chunks_mut(dim).zip(&row) {
                simd::axpy(x, &row, column);
            }
        }
        let options = Options { basis: dim, ..Options::new(dim) };
        let (mut u, mut s, mut v) = (vec![0.0; dim * dim], vec![0.0; dim], vec![0.0; dim * dim]);
        let (mut residuals, mut work) =
            (vec![0.0; dim], vec![0.0; workspace_len(dim, dim, &options)]);
        let a = MatRef::new(&gram, dim, dim).context("not square")?;
        let mut out = Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
        let info =
            truncated_svd(&a, &mut out, &mut work, &options).context("the vectors do not turn")?;
        if !(info.residual <= 1e-9 * s[0]) {
            bail!("the vectors do not turn: a residual of {:e} is left", info.residual / s[0]);
        }
        for row in self.values.chunks_mut(dim) {
            let old: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
            for (x, direction) in row.iter_mut().zip(u.chunks(dim)) {
                *x = simd::dot(&old, direction) as f32;
            }
        }
        Ok(())
    }

    fn to_table(&self, prefixes: &[u16]) -> Result<Vec<u8>> {
        let words: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let spec = WordTableSpec { vectors: self.table()?, words: &words, prefixes };
        let (mut out, mut work) = (vec![0; spec.encoded_len()], vec![0; spec.workspace_len()]);
        spec.write(&mut out, &mut work).map_err(|error| match error {
            WordTableError::BadShape => anyhow::anyhow!(
                "no table holds {} vectors of {} values with the prefixes {prefixes:?}; those must ascend and be \
                 shorter than the vectors, at most seven",
                self.len(),
                self.dim
            ),
            error => error.into(),
        })?;
        Ok(out)
    }
}

/// The word of a vector, or else its number.
pub(super) fn name(table: &WordTable<'_>, id: u32) -> String {
    table.word(id).map_or_else(|| id.to_string(), String::from)
}

/// Writes vectors, given as text or as a table, as a table or as source code, in C under a name.
pub(crate) fn export(
    path: &Path,
    bytes: Vec<u8>,
    name: &str,
    args: &ExportArgs,
    console: Console,
) -> Result<bool> {
    let source = path.to_string_lossy().into_owned();
    if args.vectors.is_some() {
        bail!("{source}: --vectors is for models; a table is tested with its own first vector");
    }
    let TableArgs { dim, prefixes, max_words, turn, .. } = &args.table;
    let changed = dim.is_some() || !prefixes.is_empty() || max_words.is_some() || *turn;
    let blob = if is_table(&bytes) && !changed {
        parse(&source, &bytes)?;
        bytes
    } else {
        let mut vectors = Vectors::from_bytes(source.clone(), &bytes)?;
        if let Some(count) = max_words {
            vectors = vectors.keep(*count);
        }
        let (mut vectors, gone) = vectors.unique();
        if gone > 0 {
            console.note(format_args!(
                "{gone} vectors are left out: their names are those of others before"
            ));
        }
        if *turn {
            vectors.turn()?;
        }
        if let Some(dim) = dim {
            vectors = vectors.prefix(*dim)?;
        }
        vectors.to_table(prefixes)?
    };
    let table = parse(&source, &blob)?;
    let (dim, n) = (table.dim(), table.len());
    console.note(format_args!(
        "{n} vectors of {dim} values in {} bytes, {:.1} each",
        blob.len(),
        blob.len() as f64 / n as f64
    ));
    if let Some(path) = &args.table.table {
        output::replace(path, |out| out.write_all(&blob))?;
    }
    let LanguageArgs { rust, c } = &args.language;
    for (path, language) in [(rust, Language::Rust), (c, Language::C)] {
        if let Some(path) = path {
            let text = to_source(&table, &file_name(&source), name, language)?;
            output::replace(path, |out| out.write_all(text.as_bytes()))?;
        }
    }
    Ok(true)
}
