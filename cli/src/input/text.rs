//! Text tables: the delimiter, the header and the decimal sign are found in the file itself.

use anyhow::{Result, bail};

use super::{Cell, Column, Table, named_columns};

/// Rows that decide about delimiter and header.
const SAMPLE: usize = 64;

/// Cells that mean "no value here", in any case.
const MISSING: [&str; 8] = ["", "?", "na", "n/a", "nan", "null", "none", "-"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delimiter {
    Byte(u8),
    /// Any run of blanks.
    Blanks,
}

/// Reads a delimited text file.
pub(super) fn table(bytes: &[u8]) -> Result<Table> {
    let text = decode(bytes)?;
    let (comment, text, skipped) = leading_comment(&text);
    let delimiter = sniff(text);
    let mut head: Vec<Vec<String>> = Vec::new();
    records(text, delimiter, &mut |_, cells| {
        head.push(cells.iter().map(|cell| (*cell).to_string()).collect());
        Ok(head.len() <= SAMPLE)
    })?;
    if head.is_empty() {
        bail!("the file is empty");
    }
    let Layout { mut columns, header_rows, dropped } = layout(&head, comment, delimiter);
    let mut lines = Vec::new();
    let (mut point, mut comma): (Option<u32>, Option<u32>) = (None, None);
    let mut ahead = header_rows;
    records(text, delimiter, &mut |line, cells| {
        if ahead > 0 {
            ahead -= 1;
            return Ok(true);
        }
        let line = line + skipped;
        let cells = match cells {
            [kept @ .., last] if dropped && last.is_empty() => kept,
            cells => cells,
        };
        if cells.len() != columns.len() {
            if cells.len() == 1 && cells[0].is_empty() {
                return Ok(true);
            }
            let hint = match cells.first() {
                Some(cell) if cell.starts_with('#') => {
                    "; only comments at the top are skipped: remove the line"
                }
                _ => "",
            };
            bail!(
                "line {line}: {} cells where the file has {} columns; every row needs the same number \
                 of cells{hint}",
                cells.len(),
                columns.len()
            );
        }
        for (column, cell) in columns.iter_mut().zip(cells) {
            let parsed = parse(cell, delimiter);
            if let Parsed::Number { decimals, .. } = parsed {
                column.decimals = column.decimals.max(decimals);
            }
            match parsed {
                Parsed::Number { sign: Some('.'), .. } => point = point.or(Some(line)),
                Parsed::Number { sign: Some(_), .. } => comma = comma.or(Some(line)),
                _ => {}
            }
            let cell_of = match parsed {
                Parsed::Number { value, .. } => Cell::Number(value),
                Parsed::Missing => Cell::Missing,
                Parsed::Infinite => Cell::Infinite,
                Parsed::Text => Cell::Text,
            };
            column.push(&cell_of, || (*cell).to_string());
        }
        lines.push(line);
        if let (Some(point), Some(comma)) = (point, comma) {
            bail!(
                "line {comma} writes decimals with a comma, line {point} with a point; use one of them"
            );
        }
        Ok(true)
    })?;
    if let Some(rows) = columns.first().filter(|column| column.hidden) {
        check_row_names(rows, &columns[1..], delimiter)?;
    }
    let mut notes = Vec::new();
    if comma.is_some() {
        notes.push("decimal commas".into());
    }
    let named = header_rows > 0
        || comment.is_some() && columns.iter().any(|c| c.name.parse::<u32>().is_err());
    Ok(Table { rows: lines.len(), columns, named, lines, notes })
}

/// UTF-8 with or without a mark, or else Latin-1.
fn decode(bytes: &[u8]) -> Result<String> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        bail!("the text is UTF-16; save it as UTF-8");
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.contains(&0) {
        bail!("neither text nor NPY nor Parquet (a zero byte in the file)");
    }
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_string(),
        Err(_) => bytes.iter().map(|&b| char::from(b)).collect(),
    })
}

/// Splits off `#` lines at the top; the last of them may hold the names.
fn leading_comment(mut text: &str) -> (Option<&str>, &str, u32) {
    let (mut last, mut lines) = (None, 0);
    while text.starts_with('#') {
        let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
        last = Some(line.trim_start_matches('#').trim());
        text = rest;
        lines += 1;
    }
    (last, text, lines)
}

/// The delimiter that cuts most sample rows into the same number of cells, more than one.
fn sniff(text: &str) -> Delimiter {
    let candidates =
        [Delimiter::Byte(b'\t'), Delimiter::Byte(b';'), Delimiter::Byte(b','), Delimiter::Blanks];
    let mut best = (0.5, Delimiter::Byte(b','));
    for delimiter in candidates {
        let (mut counts, mut broken) = (Vec::new(), false);
        let read = records(text, delimiter, &mut |_, cells| {
            broken |= cells.iter().any(|cell| cell.contains('\n'));
            counts.push(cells.len());
            Ok(counts.len() <= SAMPLE)
        });
        if read.is_err() || counts.is_empty() {
            continue;
        }
        // The header may be one name short.
        let counts = if counts.len() > 1 { &counts[1..] } else { &counts[..] };
        let usual = most_frequent(counts);
        let share = counts.iter().filter(|&&n| n == usual).count() as f64 / counts.len() as f64;
        // A quoted cell over several lines is more likely the rest of the file behind a quote that
        // belongs to another delimiter.
        let share = if broken { share - 0.49 } else { share };
        // Earlier candidates win ties: a blank or comma may stand inside the cells of the others.
        if usual > 1 && share > best.0 {
            best = (share, delimiter);
        }
    }
    best.1
}

fn most_frequent(counts: &[usize]) -> usize {
    let times = |n: usize| counts.iter().filter(|&&m| m == n).count();
    counts.iter().copied().max_by_key(|&n| (times(n), n)).unwrap_or(0)
}

struct Layout {
    columns: Vec<Column>,
    header_rows: usize,
    /// Rows end in a delimiter that the header does not have.
    dropped: bool,
}

fn layout(head: &[Vec<String>], comment: Option<&str>, delimiter: Delimiter) -> Layout {
    let (first, rest) = (&head[0], &head[1..]);
    let counts: Vec<usize> = rest.iter().map(Vec::len).collect();
    let usual = if rest.is_empty() { first.len() } else { most_frequent(&counts) };
    let numeric = |cell: &String| matches!(parse(cell, delimiter), Parsed::Number { .. });
    let text = |cell: &String| matches!(parse(cell, delimiter), Parsed::Text);
    // A header names what is a number below it, or is all text.
    let is_header = if rest.is_empty() {
        first.iter().all(text)
    } else {
        let shift = usize::from(first.len() + 1 == usual);
        first.iter().enumerate().any(|(i, name)| {
            let below = || rest.iter().filter_map(|row| row.get(i + shift));
            text(name) && below().filter(|cell| numeric(cell)).count() * 2 > below().count()
        }) || first.iter().all(text)
    };
    if !is_header {
        let names = comment.map(|line| split_line(line, delimiter));
        let names = names.filter(|names| names.len() == first.len());
        let columns = match names {
            Some(names) => named_columns(&names),
            None => (1..=first.len()).map(|n| Column::new(n.to_string())).collect(),
        };
        return Layout { columns, header_rows: 0, dropped: false };
    }
    let mut dropped = false;
    let mut names = first.clone();
    let mut row_names = false;
    if first.len() + 1 == usual {
        dropped =
            rest.iter().all(|row| row.len() != usual || row.last().is_some_and(String::is_empty));
        row_names = !dropped;
    }
    if row_names {
        names.insert(0, "row".into());
    }
    let mut columns = named_columns(&names);
    if row_names && let Some(column) = columns.first_mut() {
        column.hidden = true;
    }
    Layout { columns, header_rows: 1, dropped }
}

/// Under a header one name short, makes sure that the first column names the rows: by text or by
/// counting them. Anything else may be a column without a name, or the whole parts of numbers with
/// decimal commas.
fn check_row_names(rows: &Column, others: &[Column], delimiter: Delimiter) -> Result<()> {
    // Whether commas cannot be decimal signs: they part no cells, the sign is a point, or the cells
    // behind the first column are no fractions.
    let no_fractions =
        |c: &Column| c.strays > 0 || others.len() == 1 && c.values.iter().any(|&x| x < 0.0);
    let separators = delimiter != Delimiter::Byte(b',')
        || others.iter().any(|c| c.decimals > 0)
        || others.first().is_some_and(no_fractions);
    let counts = rows.values.windows(2).all(|pair| pair[1] == pair[0] + 1.0);
    let from_start = rows.values.first().is_some_and(|&x| x == 0.0 || x == 1.0);
    // "1,5", "2,5", "3,75" below a single name count as well.
    let decided = separators || from_start && others.len() > 1;
    if rows.numbers == 0 || counts && decided {
        return Ok(());
    }
    let names = others.len();
    let s = if names == 1 { "" } else { "s" };
    if separators {
        bail!(
            "the header has {names} name{s}, the rows {} cells, and the first of them does not count the \
             rows; name every column",
            names + 1
        );
    }
    bail!(
        "the header has {names} name{s}, the rows {} cells: either numbers are written with decimal \
         commas in a comma-separated file (write them with points, or separate cells with \
         semicolons), or the header lacks the name of the first column (add it)",
        names + 1
    );
}

fn split_line(line: &str, delimiter: Delimiter) -> Vec<String> {
    let mut cells = Vec::new();
    let read = records(line, delimiter, &mut |_, found| {
        cells = found.iter().map(|cell| (*cell).to_string()).collect();
        Ok(false)
    });
    if read.is_err() {
        cells.clear();
    }
    cells
}

/// Called with the line and the cells of a record; `false` ends the reading.
type OnRecord<'a> = dyn FnMut(u32, &[&str]) -> Result<bool> + 'a;

/// Cuts text into records, blank lines left out.
fn records(text: &str, delimiter: Delimiter, each: &mut OnRecord<'_>) -> Result<()> {
    match delimiter {
        Delimiter::Byte(byte) => {
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(byte)
                .has_headers(false)
                .flexible(true)
                .trim(csv::Trim::All)
                .from_reader(text.as_bytes());
            let mut record = csv::StringRecord::new();
            while reader.read_record(&mut record)? {
                // A record's own position counts from before the blank lines above it.
                let line = record.position().map_or(0, csv::Position::line);
                let start = record.position().map_or(0, |p| p.byte() as usize);
                let above = text[start..].chars().take_while(|c| matches!(c, '\r' | '\n'));
                let line = line as u32 + above.filter(|&c| c == '\n').count() as u32;
                if !each(line, &record.iter().collect::<Vec<_>>())? {
                    return Ok(());
                }
            }
        }
        Delimiter::Blanks => {
            for (line, content) in (1..).zip(text.lines()) {
                let cells = blank_separated(content);
                if !cells.is_empty() && !each(line, &cells)? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Cells between runs of blanks; a quoted cell may hold blanks.
fn blank_separated(line: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let quoted = rest.strip_prefix('"').and_then(|inner| inner.split_once('"'));
        let quoted =
            quoted.filter(|(_, tail)| tail.is_empty() || tail.starts_with(char::is_whitespace));
        let (cell, tail) = match quoted {
            Some((cell, tail)) => (cell, tail),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        cells.push(cell);
        rest = tail.trim_start();
    }
    cells
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Parsed {
    /// A finite number, the decimal sign it was written with, and its decimals.
    Number {
        value: f64,
        sign: Option<char>,
        decimals: u32,
    },
    Missing,
    Infinite,
    Text,
}

fn parse(cell: &str, delimiter: Delimiter) -> Parsed {
    if MISSING.iter().any(|word| word.eq_ignore_ascii_case(cell)) {
        return Parsed::Missing;
    }
    let comma = delimiter != Delimiter::Byte(b',')
        && !cell.contains('.')
        && cell.bytes().filter(|&b| b == b',').count() == 1;
    let swapped;
    let number = if comma {
        swapped = cell.replace(',', ".");
        swapped.as_str()
    } else {
        cell
    };
    match number.parse::<f64>() {
        Ok(x) if x.is_nan() => Parsed::Missing,
        Ok(x) if x.is_infinite() => Parsed::Infinite,
        Ok(value) => {
            let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
            let fraction = mantissa.split_once('.').map(|(_, fraction)| fraction);
            let length = fraction.map_or(0, |fraction| fraction.trim_end_matches('0').len());
            let shift = exponent.parse::<i64>().unwrap_or(0);
            let decimals =
                i64::try_from(length).unwrap_or(400).saturating_sub(shift).clamp(0, 400) as u32;
            let sign = fraction.map(|_| if comma { ',' } else { '.' });
            Parsed::Number { value, sign, decimals }
        }
        Err(_) => Parsed::Text,
    }
}
