//! A table of vectors as source code for firmware: its bytes as a constant, its sizes, and neighbours that
//! it must find, which the firmware can check.

use std::fmt::{self, Write};

use anyhow::Result;
use eigenmote::embed::Hit;
use eigenmote::embed::table::{ONE, WordTable};

use crate::export::{Language, c_file, literal_bytes, made_from, rust_head, rust_item, wrapped};

/// Neighbours in the test.
const TEST_HITS: usize = 3;

/// What the text is made of.
struct Parts<'a> {
    about: Vec<String>,
    table: &'a WordTable<'a>,
    /// Neighbours of the first vector by each prefix, as many for each.
    nearest: Vec<(usize, Vec<Hit<i32>>)>,
    hits: usize,
}

/// A table as a file of source code.
pub(super) fn to_source(
    table: &WordTable<'_>,
    source: &str,
    name: &str,
    language: Language,
) -> Result<String> {
    let hits = TEST_HITS.min(table.len() - 1);
    let nearest = table.prefixes().filter_map(|dim| {
        let mut found = vec![Hit::default(); hits];
        table.prefix(dim)?.nearest(0, &mut found).ok()?;
        Some((dim, found))
    });
    let parts = Parts {
        about: vec![
            made_from(source),
            format!(
                "{} vectors of {} values, a byte each{}.",
                table.len(),
                table.dim(),
                if table.has_words() { ", with their words" } else { "" }
            ),
        ],
        table,
        nearest: nearest.collect(),
        hits,
    };
    Ok(language.text(|out| parts.rust(out), |out| parts.c(name, out))?)
}

impl Parts<'_> {
    /// Name, meaning and value of every size.
    fn sizes(&self) -> [(&'static str, &'static str, usize); 2] {
        [
            ("LEN", "Number of vectors.", self.table.len()),
            ("DIM", "Values of a vector.", self.table.dim()),
        ]
    }

    /// The expected neighbours, one list per prefix.
    fn lists(&self, open: char, close: char) -> Vec<String> {
        let pair = |hit: &Hit<i32>| format!("{open}{}, {}{close}", hit.id, hit.score);
        let list = |hits: &[Hit<i32>]| hits.iter().map(pair).collect::<Vec<_>>().join(", ");
        self.nearest.iter().map(|(_, hits)| list(hits)).collect()
    }

    fn rust(&self, out: &mut String) -> fmt::Result {
        rust_head("words", &self.about, out)?;
        let mut item = |about: &str, code: &str| rust_item(about, code, out);
        for (name, about, value) in self.sizes() {
            item(about, &format!("pub const {name}: usize = {value};"))?;
        }
        let prefixes: Vec<usize> = self.table.prefixes().collect();
        item(
            "Lengths that can be searched by.",
            &format!("pub const PREFIXES: [usize; {}] = {prefixes:?};", prefixes.len()),
        )?;
        let word = self.table.word(0).map_or("None".into(), |word| format!("Some({word:?})"));
        item("The word of the first vector.", &format!("pub const FIRST: Option<&str> = {word};"))?;
        let bytes = self.table.bytes();
        item(
            "The table, for `eigenmote::embed::WordTable::parse`.",
            &format!("pub static TABLE: [u8; {}] = [\n{}];", bytes.len(), literal_bytes(bytes)),
        )?;
        let expected: Vec<String> = prefixes
            .iter()
            .zip(self.lists('(', ')'))
            .map(|(dim, pairs)| format!("({dim}, [{pairs}])"))
            .collect();
        item(
            &format!(
                "The neighbours of the first vector by each length, with their cosines in units of 1/{ONE}."
            ),
            &format!(
                "pub static TEST_NEAREST: [(usize, [(u32, i32); {}]); {}] = [{}];",
                self.hits,
                expected.len(),
                expected.join(", ")
            ),
        )?;
        item(RUST_TEST_ABOUT, RUST_TEST)
    }

    fn c(&self, name: &str, out: &mut String) -> fmt::Result {
        let upper = name.to_ascii_uppercase();
        let mut declared = String::new();
        let d = &mut declared;
        let bytes = self.table.bytes();
        for (constant, about, value) in self.sizes() {
            writeln!(d, "/* {about} */\n#define {upper}_{constant} {value}")?;
        }
        writeln!(
            d,
            "/* Number of lengths that can be searched by. */\n#define {upper}_PREFIX_COUNT {}\n\
             /* Bytes of the table. */\n#define {upper}_TABLE_BYTES {}\n\n\
             /* Lengths that can be searched by, for eigenmote_word_table_prefix. */\n\
             extern const uint16_t {name}_prefixes[{upper}_PREFIX_COUNT];\n\n\
             /* The table, for eigenmote_word_table_parse. */\n\
             extern const unsigned char {name}_table[{upper}_TABLE_BYTES];\n\n\
             /* Searches the table. Gives EIGENMOTE_STATUS_OK if it finds what the desktop found,\n   \
             EIGENMOTE_STATUS_CORRUPT if not, or what a function gave. */\n\
             eigenmote_status {name}_self_test(void);",
            self.nearest.len(),
            bytes.len()
        )?;

        let mut defined = String::new();
        let d = &mut defined;
        let prefixes: Vec<String> = self.table.prefixes().map(|dim| dim.to_string()).collect();
        writeln!(
            d,
            "const uint16_t {name}_prefixes[{upper}_PREFIX_COUNT] = {{{}}};\n\n\
             const unsigned char {name}_table[{upper}_TABLE_BYTES] = {{\n{}}};\n",
            prefixes.join(", "),
            literal_bytes(bytes)
        )?;
        let mut test = String::from(C_TEST_HEAD);
        if let Some(word) = self.table.word(0) {
            writeln!(
                d,
                "/* The word of the first vector. */\n\
                 static const char {name}_test_word[] = {{\n{}}};\n",
                wrapped(&c_characters(word))
            )?;
            test += C_TEST_WORD;
        }
        // Else there is no array to declare.
        if self.hits > 0 {
            let rows: Vec<String> =
                self.lists('{', '}').iter().map(|row| format!("    {{{row}}}")).collect();
            writeln!(
                d,
                "/* The neighbours of the first vector by each length. */\n\
                 static const eigenmote_hit {name}_test_nearest[{upper}_PREFIX_COUNT][{}] = {{\n{},\n}};\n",
                self.hits,
                rows.join(",\n")
            )?;
            test += &C_TEST_NEAREST.replace("HITS", &self.hits.to_string());
        }
        test += C_TEST_TAIL;
        write!(d, "{}", test.replace("NAME", name).replace("UPPER", &upper))?;
        c_file(name, &self.about, &declared, &defined, out)
    }
}

/// The bytes of a text and a zero, as characters: string literals may be no longer than 4095 bytes.
fn c_characters(text: &str) -> Vec<String> {
    let character = |byte: u8| match byte {
        b'\'' | b'\\' => format!("'\\{}'", char::from(byte)),
        b' '..=b'~' => format!("'{}'", char::from(byte)),
        _ => format!("'\\{byte:03o}'"),
    };
    text.bytes().chain([0]).map(character).collect()
}

const RUST_TEST_ABOUT: &str = "\
Searches the table and compares with what the desktop found.
///
/// # Errors
/// What differs.";

const RUST_TEST: &str = "\
pub fn self_test() -> Result<(), &'static str> {
    use ::eigenmote::embed::{Hit, WordTable};
    let table = WordTable::parse(&TABLE).map_err(|_| \"the table is damaged\")?;
    if FIRST.is_some_and(|word| table.id(word) != Some(0) || table.word(0) != FIRST) {
        return Err(\"the first word is not found\");
    }
    for (dim, expected) in &TEST_NEAREST {
        let table = table.prefix(*dim).ok_or(\"a prefix is not there\")?;
        let mut hits = [Hit::default(); TEST_NEAREST[0].1.len()];
        table.nearest(0, &mut hits).map_err(|_| \"the first vector is not there\")?;
        if !hits.iter().zip(expected).all(|(hit, &(id, score))| hit.id == id && hit.score == score) {
            return Err(\"the neighbours are others\");
        }
    }
    Ok(())
}";

const C_TEST_HEAD: &str = "\
eigenmote_status NAME_self_test(void) {
    eigenmote_word_table table;
    eigenmote_status status = eigenmote_word_table_parse(&table, NAME_table, sizeof NAME_table);
";

const C_TEST_WORD: &str = "    if (status == EIGENMOTE_STATUS_OK) {
        uint32_t id = 0;
        status = eigenmote_word_table_id(&table, NAME_test_word, sizeof NAME_test_word - 1, &id);
        if (status == EIGENMOTE_STATUS_OK && id != 0)
            status = EIGENMOTE_STATUS_CORRUPT;
    }
";

const C_TEST_NEAREST: &str = "    for (size_t i = 0; status == EIGENMOTE_STATUS_OK && i < UPPER_PREFIX_COUNT; i++) {
        eigenmote_word_table prefix;
        eigenmote_hit hits[HITS];
        size_t found = 0;
        status = eigenmote_word_table_prefix(&table, NAME_prefixes[i], &prefix);
        if (status == EIGENMOTE_STATUS_OK)
            status = eigenmote_word_table_nearest(&prefix, 0, hits, HITS, &found);
        if (status == EIGENMOTE_STATUS_OK && found != HITS)
            status = EIGENMOTE_STATUS_CORRUPT;
        for (size_t k = 0; status == EIGENMOTE_STATUS_OK && k < found; k++)
            if (hits[k].id != NAME_test_nearest[i][k].id || hits[k].score != NAME_test_nearest[i][k].score)
                status = EIGENMOTE_STATUS_CORRUPT;
    }
";

const C_TEST_TAIL: &str = "    return status;
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_word_becomes_characters() {
        assert_eq!(
            c_characters("it's\\Ä?"),
            ["'i'", "'t'", "'\\''", "'s'", "'\\\\'", "'\\303'", "'\\204'", "'?'", "'\\000'"]
        );
    }
}
