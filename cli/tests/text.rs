//! Text inputs: delimiter, header, decimal sign and quotes are found in the file.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use support::{Bench, numbers};

/// Restores `content` within 1e-6 and compares names and numbers.
fn reads(content: impl AsRef<[u8]>, names: &[&str], rows: &[&[f64]]) {
    let bench = Bench::new();
    bench.file("in.txt", &content);
    let restored = bench.round_trip("in.txt", "--max-error 1e-6");
    let content = String::from_utf8_lossy(content.as_ref()).into_owned();
    assert_eq!(restored[0], names, "{content}");
    let restored = numbers(&restored);
    assert_eq!(restored.len(), rows.len(), "{content}");
    for (found, wanted) in restored.iter().flatten().zip(rows.iter().copied().flatten()) {
        assert!((found - wanted).abs() <= 1e-6, "{found} for {wanted} in {content}");
    }
}

const ROWS: &[&[f64]] = &[&[1.5, -2.0], &[2.25, 3.0], &[-0.125, 40.0]];

#[test]
fn commas_are_found() {
    reads("a,b\n1.5,-2\n2.25,3\n-.125,4e1\n", &["a", "b"], ROWS);
    reads("a, b\n1.5, -2\n2.25, +3\n-.125, 40.0", &["a", "b"], ROWS);
}

#[test]
fn semicolons_are_found() {
    reads("a;b\n1.5;-2\n2.25;3\n-.125;40\n", &["a", "b"], ROWS);
}

#[test]
fn delimiters_within_quoted_names_are_none() {
    reads("a,\"x;\"\n1.5,-2\n2.25,3\n-.125,40\n", &["a", "x;"], ROWS);
    reads("a\t\"x;\"\n1.5\t-2\n2.25\t3\n-.125\t40\n", &["a", "x;"], ROWS);
}

#[test]
fn decimal_commas_are_found_between_semicolons() {
    reads("a;b\n1,5;-2\n2,25;3\n-0,125;40\n", &["a", "b"], ROWS);
}

#[test]
fn tabs_are_found() {
    reads("a\tb\n1.5\t-2\n2.25\t3\n-.125\t40\n", &["a", "b"], ROWS);
    reads("a\tb\n1,5\t-2\n2,25\t3\n-,125\t40\n", &["a", "b"], ROWS);
}

#[test]
fn runs_of_blanks_are_found() {
    reads("  a    b\n  1.5 -2\n 2.25  3\n-.125 40  \n", &["a", "b"], ROWS);
    reads("\"a b\" c\n1.5 -2\n2.25 3\n-.125 40\n", &["a b", "c"], ROWS);
}

#[test]
fn a_file_without_header_gets_numbers_as_names() {
    reads("1.5,-2\n2.25,3\n-.125,40\n", &["1", "2"], ROWS);
}

#[test]
fn one_column_needs_no_delimiter() {
    reads("a\n1\n2\n4\n", &["a"], &[&[1.0], &[2.0], &[4.0]]);
    reads("1\n2\n4\n", &["1"], &[&[1.0], &[2.0], &[4.0]]);
}

#[test]
fn byte_order_mark_and_crlf_are_no_part_of_cells() {
    reads("\u{feff}a,b\r\n1.5,-2\r\n2.25,3\r\n-.125,40\r\n", &["a", "b"], ROWS);
}

#[test]
fn quotes_are_no_part_of_cells() {
    reads("\"a\",\"b\"\n\"1.5\",-2\n2.25,\"3\"\n-.125,40\n", &["a", "b"], ROWS);
    // A comma inside quotes is no delimiter, though every row has one more of them than its neighbours.
    let restored = "name,b\n\"x, y\",-2\n\"x, z\",3\n";
    reads(restored, &["b"], &[&[-2.0], &[3.0]]);
}

#[test]
fn blank_lines_are_skipped() {
    reads("\na,b\n\n1.5,-2\n2.25,3\n\n\n-.125,40\n\n", &["a", "b"], ROWS);
}

#[test]
fn a_header_one_name_short_leaves_the_row_numbers_unnamed() {
    let text = "\"a\",\"b\"\n\"1\",1.5,-2\n\"2\",2.25,3\n\"3\",-.125,40\n";
    reads(text, &["a", "b"], ROWS);
    let bench = Bench::new();
    bench.file("in.txt", text);
    let notes = bench.notes("fit in.txt --max-error 1 -o model");
    assert!(notes.contains("columns left out: \"row\" (row numbers)"), "{notes}");
}

#[test]
fn row_names_count_or_are_text() {
    reads("a,b\n0,1.5,-2\n1,2.25,3\n2,-.125,40\n", &["a", "b"], ROWS);
    reads("a,b\nx,1.5,-2\ny,2.25,3\nz,-.125,40\n", &["a", "b"], ROWS);
    reads("a,b\n140,1.5,-2\n141,2.25,3\n142,-.125,40\n", &["a", "b"], ROWS);
    reads("a\n1,1.5\n2,2\n", &["a"], &[&[1.5], &[2.0]]);
    reads("a,b\n1,5,7\n2,6,8\n", &["a", "b"], &[&[5.0, 7.0], &[6.0, 8.0]]);
}

#[test]
fn rows_may_end_in_a_delimiter() {
    reads("a;b\n1.5;-2;\n2.25;3;\n-.125;40;\n", &["a", "b"], ROWS);
    reads("a;b;\n1.5;-2;\n2.25;3;\n-.125;40;\n", &["a", "b"], ROWS);
}

#[test]
fn names_may_stand_in_a_comment() {
    reads("# made by a test\n# a b\n1.5 -2\n2.25 3\n-.125 40\n", &["a", "b"], ROWS);
    reads("# made by a test\n1.5 -2\n2.25 3\n-.125 40\n", &["1", "2"], ROWS);
}

#[test]
fn latin_1_is_read() {
    reads(b"\xb0C,b\n1.5,-2\n2.25,3\n-.125,40\n", &["°C", "b"], ROWS);
}

#[test]
fn columns_of_text_are_left_out_with_a_note() {
    let text =
        "time,a,b,note\n2020-01-01 00:00:00,1.5,-2,x\n2020-01-01 00:00:01,2.25,3,\n,-.125,40,y\n";
    reads(text, &["a", "b"], ROWS);
    let bench = Bench::new();
    bench.file("in.csv", text);
    let notes = bench.notes("fit in.csv --max-error 1 -o model");
    assert!(
        notes.contains("in.csv: columns left out: \"time\" (text), \"note\" (text)"),
        "{notes}"
    );
    assert_eq!(bench.notes("fit in.csv --max-error 1 -o model --quiet"), "");
}

#[test]
fn columns_are_chosen_by_name_and_by_number_in_any_order() {
    let bench = Bench::new();
    bench.file("in.csv", "a,b,c\n1,2,3\n4,5,6\n");
    assert_eq!(bench.round_trip("in.csv", "--columns c,a --max-error 0")[1], ["3", "1"]);
    assert_eq!(bench.round_trip("in.csv", "--columns 2,a --max-error 0")[0], ["b", "a"]);
}

#[test]
fn channels_are_found_by_name_wherever_they_stand() {
    let bench = Bench::new();
    bench.file("in.csv", "a,b\n1,2\n4,5\n");
    bench.file("other.csv", "x,b,a\n9,8,7\n");
    bench.file("bare.csv", "7,8\n7,8\n");
    bench.ok("fit in.csv --max-error 0 -o model");
    for (options, row) in
        [("other.csv", "7,8"), ("bare.csv", "7,8"), ("other.csv --columns x,b", "9,8")]
    {
        bench.ok(&format!("compress model {options} -o packed"));
        let text = bench.ok("decompress model packed -o -");
        assert_eq!(text.lines().nth(1), Some(row), "{options}");
    }
}

#[test]
fn restored_text_has_the_shortest_decimals() {
    let bench = Bench::new();
    bench.file("in.csv", "a\n0.1\n0.30000000000000004\n12345.678\n");
    bench.round_trip("in.csv", "--max-error 1e-30");
    assert_eq!(bench.read("restored.csv"), "a\n0.1\n0.30000000000000004\n12345.678\n");
}
