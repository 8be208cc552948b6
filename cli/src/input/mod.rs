//! Reads a recording: rows of channels, from text, NPY or Parquet, told apart by content.

mod npy;
mod parquet;
mod text;

use std::fmt;
use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Widest integer that every `f64` holds exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The sample type a recording is coded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    I16,
    I32,
    F32,
    F64,
}

impl Kind {
    pub(crate) fn bits(self) -> u32 {
        match self {
            Self::I16 => 16,
            Self::I32 | Self::F32 => 32,
            Self::F64 => 64,
        }
    }

    /// The value as this kind would hold it, or `None` if that changes it.
    pub(crate) fn holds(self, x: f64) -> bool {
        match self {
            Self::I16 => x.fract() == 0.0 && x.abs() <= 32767.0 || x == -32768.0,
            Self::I32 => x.fract() == 0.0 && x.abs() <= 2_147_483_647.0 || x == -2_147_483_648.0,
            Self::F32 => f64::from(x as f32) == x,
            Self::F64 => true,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::F64 => "f64",
        })
    }
}

/// Missing cells of one channel in consecutive rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) channel: usize,
    pub(crate) start: usize,
    pub(crate) len: usize,
}

/// The chosen columns of one file, every cell filled.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    pub(crate) source: String,
    pub(crate) names: Vec<String>,
    /// Whether the names come from the file; otherwise they are column numbers from 1.
    pub(crate) named: bool,
    pub(crate) rows: usize,
    /// Row by row; a missing cell holds the value before it.
    pub(crate) values: Vec<f64>,
    pub(crate) gaps: Vec<Gap>,
    /// The narrowest kind that holds every value of the whole file.
    pub(crate) kind: Kind,
    /// Mean bits of a cell as the file's own integer or float type would store it.
    pub(crate) stored_bits: f64,
    /// Most decimals of each channel over the whole file, where it is text.
    pub(crate) decimals: Vec<Option<u32>>,
}

impl Recording {
    pub(crate) fn channels(&self) -> usize {
        self.names.len()
    }

    /// The rows in `range`, clipped to what is there.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        let (start, end) = (range.start.min(self.rows), range.end.min(self.rows));
        let end = end.max(start);
        let channels = self.channels();
        let gaps = self.gaps.iter().filter_map(|gap| {
            let from = gap.start.max(start);
            let to = (gap.start + gap.len).min(end);
            (from < to).then(|| Gap { channel: gap.channel, start: from - start, len: to - from })
        });
        Self {
            rows: end - start,
            values: self.values[start * channels..end * channels].to_vec(),
            gaps: gaps.collect(),
            ..self.clone_header()
        }
    }

    fn clone_header(&self) -> Self {
        Self {
            source: self.source.clone(),
            names: self.names.clone(),
            values: Vec::new(),
            gaps: Vec::new(),
            decimals: self.decimals.clone(),
            ..*self
        }
    }

    /// One flag per cell, row by row: whether the file has a value there.
    pub(crate) fn present(&self) -> Vec<bool> {
        present(self.rows, self.channels(), &self.gaps)
    }
}

/// One flag per cell, row by row: `false` inside a gap.
pub(crate) fn present(rows: usize, channels: usize, gaps: &[Gap]) -> Vec<bool> {
    let mut flags = vec![true; rows * channels];
    for gap in gaps {
        for row in gap.start..gap.start + gap.len {
            flags[row * channels + gap.channel] = false;
        }
    }
    flags
}

/// Which columns of a file to take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Columns<'a> {
    /// Every column of numbers.
    All,
    /// Names, or numbers from 1.
    Chosen(&'a [String]),
    /// The channels of a model: by name where both sides have names, by position otherwise.
    Model { names: &'a [String], named: bool },
}

/// A file as read: all its columns, numbers or not.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: usize,
    /// Whether the file names its columns.
    named: bool,
    /// Line of each row in a text file; empty for binary files.
    lines: Vec<u32>,
    notes: Vec<String>,
}

struct Column {
    name: String,
    /// NaN where there is no number.
    values: Vec<f64>,
    numbers: usize,
    /// Cells that are neither numbers nor missing.
    strays: usize,
    /// The first cell that cannot be coded: its row and text.
    bad: Option<(usize, String)>,
    /// The row of the first integer that an `f64` does not hold.
    beyond: Option<usize>,
    /// Bits of the type the file stores the column in, where it says so.
    bits: Option<u32>,
    float32: bool,
    /// Decimals of the longest fraction in a text file.
    decimals: u32,
    /// Taken only when asked for by name.
    hidden: bool,
    /// The name in the file, where several columns share it.
    twin_of: Option<String>,
}

/// One cell of a file.
enum Cell {
    Number(f64),
    Missing,
    Infinite,
    Text,
}

impl Column {
    fn new(name: String) -> Self {
        Self {
            name,
            values: Vec::new(),
            numbers: 0,
            strays: 0,
            bad: None,
            beyond: None,
            bits: None,
            float32: false,
            decimals: 0,
            hidden: false,
            twin_of: None,
        }
    }

    fn push(&mut self, cell: &Cell, text: impl FnOnce() -> String) {
        let row = self.values.len();
        let (value, bad) = match *cell {
            Cell::Number(x) => {
                self.numbers += 1;
                (x, false)
            }
            Cell::Missing => (f64::NAN, false),
            Cell::Infinite => {
                self.numbers += 1;
                (f64::NAN, true)
            }
            Cell::Text => {
                self.strays += 1;
                (f64::NAN, true)
            }
        };
        if bad && self.bad.is_none() {
            self.bad = Some((row, text()));
        }
        self.values.push(value);
    }

    fn push_float(&mut self, x: f64) {
        let cell = if x.is_nan() {
            Cell::Missing
        } else if x.is_infinite() {
            Cell::Infinite
        } else {
            Cell::Number(x)
        };
        self.push(&cell, || x.to_string());
    }

    /// A 64-bit integer as the nearest `f64`.
    fn push_integer(&mut self, x: f64) {
        if x.abs() >= EXACT {
            self.beyond = self.beyond.or(Some(self.values.len()));
        }
        self.push_float(x);
    }

    /// Numbers, as far as the majority of its cells tells.
    fn is_numeric(&self) -> bool {
        self.numbers > 0 && self.strays <= self.numbers
    }

    /// Bits of the narrowest integer type that holds the column, decimals as fixed point.
    fn stored_bits(&self) -> u32 {
        if let Some(bits) = self.bits {
            return bits;
        }
        let largest = self.values.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        let scaled = largest * 10_f64.powi(self.decimals.min(300).cast_signed());
        match scaled {
            x if x <= 32767.0 => 16,
            x if x <= 2_147_483_647.0 => 32,
            _ => 64,
        }
    }
}

impl Table {
    /// Where a row is in the file, for messages.
    fn place(&self, row: usize) -> String {
        match self.lines.get(row) {
            Some(line) => format!("line {line}"),
            None => format!("row {}", row + 1),
        }
    }

    fn listing(&self) -> String {
        let usable = |c: &&Column| c.is_numeric() && c.beyond.is_none();
        let names: Vec<_> = self.columns.iter().filter(usable).map(|c| c.name.as_str()).collect();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    }

    fn find(&self, source: &str, wanted: &str) -> Result<usize> {
        let exact = self.columns.iter().any(|c| c.name == wanted);
        let wanted = if exact { wanted } else { wanted.trim() };
        let called = |&i: &usize| self.columns[i].name == wanted;
        let called: Vec<usize> = (0..self.columns.len()).filter(called).collect();
        match called[..] {
            [] => {}
            [index] => return Ok(index),
            // "a#2" is what the second of two columns "a" is called, and the name of another one.
            [first, second, ..] => bail!(
                "{source}: both column {} and column {} are called \"{wanted}\"; choose by number",
                first + 1,
                second + 1
            ),
        }
        if self.columns.iter().any(|c| c.twin_of.as_deref() == Some(wanted)) {
            bail!("{source}: {}", self.twins(wanted));
        }
        if let Some(index) = wanted.parse::<usize>().ok().and_then(|n| n.checked_sub(1))
            && index < self.columns.len()
        {
            return Ok(index);
        }
        bail!("{source}: no column \"{wanted}\"; columns with numbers: {}", self.listing())
    }

    fn check_exact(&self, source: &str, index: usize) -> Result<()> {
        let column = &self.columns[index];
        let Some(row) = column.beyond else { return Ok(()) };
        bail!(
            "{source}: {}, column {} \"{}\": 64-bit integers beyond 2^53 cannot be held exactly; choose \
             other columns with --columns (available: {})",
            self.place(row),
            index + 1,
            column.name,
            self.listing()
        )
    }

    fn twins(&self, name: &str) -> String {
        let twins = self.columns.iter().filter(|c| c.twin_of.as_deref() == Some(name));
        let twins: Vec<_> = twins.map(|c| format!("\"{}\"", c.name)).collect();
        format!(
            "column name \"{name}\" appears {} times; choose with --columns, where they are called {}",
            twins.len(),
            twins.join(" and ")
        )
    }

    /// Indices of the chosen columns.
    fn choose(&mut self, source: &str, columns: Columns<'_>) -> Result<Vec<usize>> {
        let numeric = |table: &Self| {
            let all = table.columns.iter().enumerate();
            all.filter(|(_, c)| c.is_numeric() && !c.hidden && c.beyond.is_none())
                .map(|(i, _)| i)
                .collect::<Vec<_>>()
        };
        match columns {
            Columns::Chosen(names) => {
                let mut chosen = Vec::with_capacity(names.len());
                for name in names {
                    let index = self.find(source, name)?;
                    if chosen.contains(&index) {
                        bail!("--columns names \"{}\" twice", self.columns[index].name);
                    }
                    chosen.push(index);
                }
                Ok(chosen)
            }
            Columns::Model { names, named } if named == self.named => {
                let found: Result<Vec<_>> = names.iter().map(|n| self.find(source, n)).collect();
                found
                    .context("the model's channels are looked up by name; --columns chooses others")
            }
            Columns::Model { names, .. } => {
                let chosen = numeric(self);
                if chosen.len() != names.len() {
                    bail!(
                        "{source}: {} columns of numbers, but the model has {} channels: \
                         choose them with --columns (available: {})",
                        chosen.len(),
                        names.len(),
                        self.listing()
                    );
                }
                Ok(chosen)
            }
            Columns::All => {
                let chosen = numeric(self);
                if chosen.is_empty() {
                    if let Some(index) = self.columns.iter().position(|c| c.beyond.is_some()) {
                        self.check_exact(source, index)?;
                    }
                    bail!("{source}: no column of numbers found");
                }
                let twin = chosen.iter().find_map(|&i| self.columns[i].twin_of.clone());
                if let Some(name) = twin {
                    bail!("{source}: {}", self.twins(&name));
                }
                let left: Vec<_> = (self.columns.iter().enumerate())
                    .filter(|(i, _)| !chosen.contains(i))
                    .map(|(_, c)| format!("\"{}\" ({})", c.name, c.why_left()))
                    .collect();
                if !left.is_empty() {
                    self.notes.push(format!("columns left out: {}", left.join(", ")));
                }
                Ok(chosen)
            }
        }
    }

    /// Takes the chosen columns, fills missing cells, and says so in the notes.
    fn select(mut self, source: &str, columns: Columns<'_>) -> Result<(Recording, Vec<String>)> {
        let chosen = self.choose(source, columns)?;
        for &index in &chosen {
            let column = &self.columns[index];
            if let Some((row, text)) = &column.bad {
                let hint = match *row {
                    _ if self.lines.is_empty() => "",
                    _ if text.starts_with('#') => "remove the line if it is a comment, ",
                    0 if column.strays == 1 => "remove the line if it holds units, ",
                    _ => "",
                };
                bail!(
                    "{source}: {}, column {} \"{}\": \"{text}\" is not a finite number; {hint}correct \
                     the cell, leave it empty if the value is missing, or choose other columns with \
                     --columns (available: {})",
                    self.place(*row),
                    index + 1,
                    column.name,
                    self.listing()
                );
            }
            self.check_exact(source, index)?;
            if column.numbers == 0 && self.rows > 0 {
                bail!("{source}: column {} \"{}\" holds no values", index + 1, column.name);
            }
        }
        if self.rows == 0 {
            bail!("{source}: no rows");
        }
        let (channels, rows) = (chosen.len(), self.rows);
        let (mut values, mut gaps) = (vec![0.0; rows * channels], Vec::new());
        let (mut missing, mut columns_hit, mut first) = (0, 0, None);
        let mut all: [bool; 4] = [true; 4];
        for (channel, &index) in chosen.iter().enumerate() {
            let column = &self.columns[index];
            // A gap at the start has no value before it, so it takes the first one after it.
            let mut held = column.values.iter().copied().find(|x| !x.is_nan()).unwrap_or_default();
            let mut open: Option<Gap> = None;
            for (row, &x) in column.values.iter().enumerate() {
                if x.is_nan() {
                    missing += 1;
                    open.get_or_insert(Gap { channel, start: row, len: 0 }).len += 1;
                } else {
                    gaps.extend(open.take());
                    held = x;
                }
                values[row * channels + channel] = held;
            }
            gaps.extend(open);
            for (flag, kind) in all.iter_mut().zip([Kind::I16, Kind::I32, Kind::F32, Kind::F64]) {
                *flag &= match kind {
                    Kind::F32 => column.float32,
                    kind => {
                        !column.float32
                            && column.values.iter().all(|&x| x.is_nan() || kind.holds(x))
                    }
                };
            }
            if let Some(row) = column.values.iter().position(|x| x.is_nan()) {
                columns_hit += 1;
                if first.is_none_or(|(before, _)| row < before) {
                    first = Some((row, index));
                }
            }
        }
        if let Some((row, index)) = first {
            self.notes.push(format!(
                "{missing} missing cell{} in {columns_hit} column{} (first: {}, column {} \"{}\"), held \
                 at the last value",
                if missing == 1 { "" } else { "s" },
                if columns_hit == 1 { "" } else { "s" },
                self.place(row),
                index + 1,
                self.columns[index].name
            ));
        }
        let kind = match all {
            [_, _, true, _] => Kind::F32,
            [true, ..] => Kind::I16,
            [_, true, ..] => Kind::I32,
            _ => Kind::F64,
        };
        let stored_bits = (chosen.iter().map(|&i| f64::from(self.columns[i].stored_bits())))
            .sum::<f64>()
            / channels as f64;
        let names = chosen.iter().map(|&i| self.columns[i].name.clone()).collect();
        let text = !self.lines.is_empty();
        let decimals = chosen.iter().map(|&i| text.then_some(self.columns[i].decimals)).collect();
        let recording = Recording {
            source: source.into(),
            names,
            named: self.named,
            rows,
            values,
            gaps,
            kind,
            stored_bits,
            decimals,
        };
        Ok((recording, self.notes))
    }
}

impl Column {
    fn why_left(&self) -> &'static str {
        match (self.hidden, self.numbers, self.strays) {
            (true, ..) => "row numbers",
            (_, 0, 0) => "empty",
            _ if self.beyond.is_some() => "integers beyond 2^53",
            _ => "text",
        }
    }
}

/// Columns under the names of a header: numbers for empty names, `name#column` for repeated ones.
fn named_columns(header: &[String]) -> Vec<Column> {
    let column = |(i, name): (usize, &String)| {
        let repeated = header.iter().filter(|other| *other == name).count() > 1;
        match (name.is_empty(), repeated) {
            (true, _) => Column::new((i + 1).to_string()),
            (_, true) => {
                Column { twin_of: Some(name.clone()), ..Column::new(format!("{name}#{}", i + 1)) }
            }
            _ => Column::new(name.clone()),
        }
    };
    header.iter().enumerate().map(column).collect()
}

/// Reads one file (`-` is standard input) and returns its chosen columns, with notes for the user.
pub(crate) fn read(path: &Path, columns: Columns<'_>) -> Result<(Recording, Vec<String>)> {
    let (source, bytes) = read_bytes(path)?;
    let table = if bytes.starts_with(b"\x93NUMPY") {
        npy::table(&bytes)
    } else if bytes.starts_with(b"PAR1") {
        parquet::table(bytes)
    } else {
        text::table(&bytes)
    };
    table.with_context(|| source.clone())?.select(&source, columns)
}

/// What can be read from any place.
pub(crate) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// A file opened, or all of standard input, and its name for messages.
pub(crate) fn open(path: &Path) -> Result<(String, Box<dyn ReadSeek>)> {
    // Pipes and the like give their bytes once and in order.
    if path.metadata().is_ok_and(|data| data.is_file()) {
        let source = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot read {source}"))?;
        return Ok((source, Box::new(file)));
    }
    let (source, bytes) = read_bytes(path)?;
    Ok((source, Box::new(Cursor::new(bytes))))
}

/// The bytes of a file and its name for messages.
pub(crate) fn read_bytes(path: &Path) -> Result<(String, Vec<u8>)> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("standard input")?;
        return Ok(("standard input".into(), bytes));
    }
    let source = path.display().to_string();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {source}"))?;
    Ok((source, bytes))
}
