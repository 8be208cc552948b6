//! Vectors as text: a name and its values per line, after a line of sizes (word2vec) or not (`GloVe`).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use eigenmote::embed::{Table, nearest};

use super::args::Format;
use super::table;
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

fn parse(bytes: &[u8]) -> Result<(Vec<String>, Vec<f32>, usize)> {
    let text = text(bytes)?;
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line)).peekable();
    let sizes = lines.peek().and_then(|(_, line)| sizes(line));
    if sizes.is_some() {
        lines.next();
    }
    let (mut names, mut values) = (Vec::new(), Vec::new());
    let mut dim = sizes.map(|(_, dim)| dim);
    for (number, line) in lines {
        let line = line.trim_end();
        if line.is_empty() {
            continue;
        }
        let mut cells = line.split([' ', '\t']);
        let name = cells.next().unwrap_or_default();
        if name.is_empty() {
            bail!("line {number}, column 1: a name is expected, not a blank");
        }
        let start = values.len();
        for cell in cells {
            match cell.parse::<f32>() {
                Ok(value) if value.is_finite() => values.push(value),
                _ => {
                    let column =
                        line[..cell.as_ptr() as usize - line.as_ptr() as usize].chars().count();
                    bail!(
                        "line {number}, column {}: \"{cell}\" is not a finite number; a line is a name \
                         without blanks and its values, parted by single blanks",
                        column + 1
                    )
                }
            }
        }
        let found = values.len() - start;
        let wanted = *dim.get_or_insert(found);
        if found != wanted || found == 0 {
            bail!("line {number}: {found} values where {wanted} are expected, after \"{name}\"");
        }
        names.push(name.to_string());
    }
    let Some(dim) = dim.filter(|_| !names.is_empty()) else { bail!("there are no vectors in it") };
    if let Some((rows, _)) = sizes.filter(|&(rows, _)| rows != names.len()) {
        bail!(
            "line 1: {rows} vectors are promised, {} are there; is the file complete?",
            names.len()
        );
    }
    Ok((names, values, dim))
}

/// The first line of word2vec's format.
fn sizes(line: &str) -> Option<(usize, usize)> {
    let (rows, dim) = line.trim_end().split_once(' ')?;
    Some((rows.parse().ok()?, dim.parse().ok().filter(|&dim| dim > 0)?))
}

/// UTF-8, or where it is not.
pub(super) fn text(bytes: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.split(|&b| b == b'\n').count();
        let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        anyhow::anyhow!(
            "line {line}, column {column}: not UTF-8; convert it, for example with iconv -f latin1 -t utf-8"
        )
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &[u8]) -> String {
        parse(text).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn both_formats_are_read() {
        for file in ["2 3\na 1 2 3\nb -4e-2 5 .5\n", "a 1 2 3 \nb -0.04 5 0.5"] {
            let (names, values, dim) = parse(file.as_bytes()).unwrap();
            assert_eq!((names, dim), (vec!["a".to_string(), "b".into()], 3));
            assert_eq!(values, [1.0, 2.0, 3.0, -0.04, 5.0, 0.5]);
        }
    }

    #[test]
    fn faults_are_named_by_line_and_column() {
        assert!(refused(b"2 2\na 1 2\nb 1 x\n").starts_with("line 3, column 5: \"x\""));
        assert!(refused("é 1 NaN".as_bytes()).starts_with("line 1, column 5: \"NaN\""));
        assert!(refused(b"a 1 2\nb 1").starts_with("line 2: 1 values where 2"));
        assert!(refused(b"3 1\na 1\n").starts_with("line 1: 3 vectors are promised, 1"));
        assert!(refused(b"a 1\n\xff 2\n").starts_with("line 2, column 1: not UTF-8"));
        assert!(refused(b"").contains("no vectors"));
    }
}
