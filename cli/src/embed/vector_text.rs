//! Reading vectors as text: a name and its values per line, after a line of sizes (word2vec) or not (`GloVe`).

use anyhow::{Result, bail};

/// Names, values one vector after the other, and the length of a vector.
pub(crate) fn parse(bytes: &[u8]) -> Result<(Vec<String>, Vec<f32>, usize)> {
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
pub(crate) fn text(bytes: &[u8]) -> Result<&str> {
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
