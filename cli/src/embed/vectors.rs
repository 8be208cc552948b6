//! Vectors as text: a name and its values per line, after a line of sizes (word2vec) or not (`GloVe`).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use eigenmote::embed::{Table, nearest};

use super::args::Format;
use super::table;
use super::vector_text::{parse, text};
use crate::input::read_bytes;
use crate::output;

/// Named vectors.
#[derive(Clone, Debug)]
pub(crate) struct Vectors {
    /// The file they come from, for messages.
    pub(crate) source: String,
    pub(crate) names: Vec<String>,
    /// A row per name.
    pub(crate) values: Vec<f32>,
    pub(crate) dim: usize,
    ids: HashMap<String, u32>,
}

impl Vectors {
    pub(crate) fn new(source: String, names: Vec<String>, values: Vec<f32>, dim: usize) -> Self {
        // Of equal names the first one counts: files are sorted by frequency.
        let mut ids = HashMap::with_capacity(names.len());
        for (id, name) in names.iter().enumerate() {
            ids.entry(name.clone()).or_insert(id as u32);
        }
        Self { source, names, values, dim, ids }
    }

    /// Reads a file of either format, or a table.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let (source, bytes) = read_bytes(path)?;
        Self::from_bytes(source, &bytes)
    }

    pub(super) fn from_bytes(source: String, bytes: &[u8]) -> Result<Self> {
        if table::is_table(bytes) {
            let table = table::parse(&source, bytes)?;
            return Self::from_table(source, &table);
        }
        let (names, values, dim) = parse(bytes).with_context(|| source.clone())?;
        Ok(Self::new(source, names, values, dim))
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The number of a name.
    pub(super) fn exact(&self, name: &str) -> Option<u32> {
        self.ids.get(name).copied()
    }

    /// The number of a name as it is or in lower case.
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.exact(name).or_else(|| self.exact(&name.to_lowercase()))
    }

    pub(crate) fn normalize(&mut self) {
        nearest::normalize_rows(&mut self.values, self.dim);
    }

    pub(crate) fn table(&self) -> Result<Table<'_, f32>> {
        Table::new(&self.values, self.dim).with_context(|| self.source.clone())
    }

    pub(crate) fn write(&self, path: &Path, format: Format) -> Result<()> {
        output::replace(path, |out| write(self, format, out))
    }
}

/// Values in the fewest digits that read back to the same `f32`.
fn write(vectors: &Vectors, format: Format, out: &mut dyn Write) -> io::Result<()> {
    if format == Format::Word2vec {
        writeln!(out, "{} {}", vectors.len(), vectors.dim)?;
    }
    let mut line = String::new();
    for (name, row) in vectors.names.iter().zip(vectors.values.chunks(vectors.dim)) {
        line.clear();
        line.push_str(name);
        for value in row {
            // Writing to a string does not fail.
            let _ = write!(line, " {value}");
        }
        line.push('\n');
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// Pairs of words, one pair per line, parted by tabs or else by blanks, with their lines.
pub(super) fn read_pairs(path: &Path) -> Result<Vec<(usize, String, String)>> {
    let (source, bytes) = read_bytes(path)?;
    let mut pairs = Vec::new();
    for (number, line) in text(&bytes).with_context(|| source.clone())?.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let cells: Vec<_> = if line.contains('\t') {
            line.split('\t').collect()
        } else {
            line.split_whitespace().collect()
        };
        let [a, b, ..] = cells[..] else {
            bail!("{source}: line {}: two words are expected, not \"{line}\"", number + 1)
        };
        pairs.push((number + 1, a.to_string(), b.to_string()));
    }
    Ok(pairs)
}
