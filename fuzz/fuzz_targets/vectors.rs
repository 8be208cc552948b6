//! Any bytes as vectors in word2vec's and GloVe's text format: what is read is whole and finite, and is read
//! the same again when it is written.
#![no_main]

use std::fmt::Write;

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "the tool uses more of it")]
#[path = "../../cli/src/embed/vector_text.rs"]
mod vector_text;

fuzz_target!(|data: &[u8]| {
    let Ok((names, values, dim)) = vector_text::parse(data) else { return };
    assert!(dim > 0 && !names.is_empty() && values.len() == names.len() * dim);
    assert!(values.iter().all(|x| x.is_finite()));
    let mut text = format!("{} {dim}\n", names.len());
    for (name, row) in names.iter().zip(values.chunks(dim)) {
        text.push_str(name);
        row.iter().for_each(|x| write!(text, " {x}").unwrap());
        text.push('\n');
    }
    let (again, same, length) = vector_text::parse(text.as_bytes()).unwrap();
    assert_eq!((again, length), (names, dim));
    assert!(same.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
});
