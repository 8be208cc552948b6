//! Every refusal says which file, where in it, and what to do.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use support::Bench;

/// The message of a fit on this file.
fn refused(content: impl AsRef<[u8]>, options: &str) -> String {
    let bench = Bench::new();
    bench.file("in.csv", content);
    let error = bench.fails(&format!("fit in.csv {options} --max-error 0.5 -o model"), 1);
    assert!(!bench.path("model").exists(), "a model was left behind");
    error
}

fn has(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
}

#[test]
fn a_stray_cell_is_named_by_line_and_column() {
    let error = refused("a,b\n1,2\n3,4\n5,6x\n7,8\n", "");
    has(
        &error,
        &["error: in.csv: line 4, column 2 \"b\": \"6x\" is not a finite number", "--columns"],
    );
    has(&error, &["available: a, b"]);
}

#[test]
fn infinite_values_are_refused() {
    for cell in ["inf", "-Infinity", "1e999"] {
        let error = refused(format!("a,b\n1,2\n3,{cell}\n"), "");
        has(&error, &["line 3, column 2 \"b\"", cell, "not a finite number"]);
    }
}

#[test]
fn ragged_rows_are_refused() {
    let error = refused("a,b\n1,2\n\n3\n5,6\n7,8\n", "");
    has(&error, &["in.csv", "line 4: 1 cells where the file has 2 columns"]);
    let error = refused("a,b\n1,2\n3,4,5\n5,6\n7,8\n", "");
    has(&error, &["line 3: 3 cells where the file has 2 columns"]);
}

#[test]
fn unknown_columns_are_answered_with_the_known_ones() {
    let error = refused("time,a,b\nx,1,2\ny,3,4\n", "--columns a,d");
    has(&error, &["in.csv: no column \"d\"; columns with numbers: a, b"]);
    has(&refused("1,2\n3,4\n", "--columns 3"), &["no column \"3\"; columns with numbers: 1, 2"]);
}

#[test]
fn a_column_of_text_is_refused_if_chosen() {
    let error = refused("time,a\nx,1\ny,3\n", "--columns time");
    has(&error, &["line 2, column 1 \"time\": \"x\" is not a finite number", "available: a"]);
}

#[test]
fn repeated_names_are_refused_until_told_apart() {
    let text = "a,b,a\n1,2,3\n4,5,6\n";
    let wanted = "column name \"a\" appears 2 times; choose with --columns, where they are called \"a#1\" and \"a#3\"";
    has(&refused(text, ""), &[wanted]);
    has(&refused(text, "--columns a"), &[wanted]);
    has(&refused("a,b\n1,2\n3,4\n", "--columns b,2"), &["--columns names \"b\" twice"]);
    let bench = Bench::new();
    bench.file("in.csv", text);
    assert_eq!(bench.round_trip("in.csv", "--columns a#3,b --max-error 0")[1], ["3", "2"]);
}

#[test]
fn a_name_for_two_columns_is_refused() {
    let text = "a,a,a#2\n1,2,3\n4,5,6\n";
    let error = refused(text, "--columns a#2");
    has(&error, &["in.csv: both column 2 and column 3 are called \"a#2\"; choose by number"]);
    let bench = Bench::new();
    bench.file("in.csv", text);
    bench.ok("fit in.csv --columns 3,a#1 --max-error 0 -o model");
}

#[test]
fn mixed_decimal_signs_are_refused() {
    let error = refused("a;b\n1,5;2\n3.5;4\n", "");
    has(&error, &["line 2 writes decimals with a comma, line 3 with a point"]);
}

#[test]
fn decimal_commas_between_commas_are_refused() {
    for text in ["a\n1,5\n2,5\n3,75\n", "a\n21,5\n20,5\n", "a,b\n7,21,5\n8,20,5\n"] {
        let error = refused(text, "");
        has(&error, &["in.csv: the header has", "decimal commas in a comma-separated file"]);
        has(&error, &["semicolons", "lacks the name of the first column (add it)"]);
    }
    // A break of the count behind the rows that decide about the header.
    let rows = |r: u32| format!("{},7,{r}\n", if r == 90 { 5 } else { r });
    let late = "a,b\n".to_string() + &(0..100).map(rows).collect::<String>();
    has(&refused(late, ""), &["the header has 2 names, the rows 3 cells"]);
    has(&refused("a,b\n7,1.5,2\n9,3.5,4\n", ""), &["does not count the rows", "name every"]);
    has(&refused("a;b\n7;1;2\n9;3;4\n", ""), &["does not count the rows", "name every column"]);
}

#[test]
fn files_without_numbers_are_refused() {
    has(&refused("", ""), &["in.csv: the file is empty"]);
    has(&refused("a,b\n", ""), &["in.csv: no column of numbers found"]);
    has(&refused("a,b\nx,y\n", ""), &["in.csv: no column of numbers found"]);
    has(&refused(b"\xff\xfea\0,\0", ""), &["UTF-16"]);
    has(&refused(b"\x00\x01\x02", ""), &["neither text nor NPY nor Parquet"]);
    has(&refused(b"\x93NUMPY\x01\x00", ""), &["damaged NPY header"]);
    has(&refused(b"PAR1 and nothing", ""), &["damaged Parquet file"]);
}

#[test]
fn files_that_are_not_there_are_named() {
    let bench = Bench::new();
    has(&bench.fails("fit absent.csv --max-error 1 -o m", 1), &["cannot read absent.csv"]);
    bench.file("in.csv", "a\n1\n2\n");
    has(&bench.fails("fit in.csv --max-error 1 -o no/such/m", 1), &["cannot write no/such/m"]);
    has(&bench.fails("inspect in.csv", 1), &["in.csv: not a model"]);
    has(&bench.fails("evaluate in.csv in.csv", 1), &["in.csv: not a model"]);
}

#[test]
fn wrong_usage_has_exit_code_two() {
    let bench = Bench::new();
    for args in [
        "",
        "fit",
        "fit in.csv -o m",
        "fit in.csv --max-error 1 --rmse 1 -o m",
        "fit in.csv --max-error -1 -o m",
        "fit in.csv --rmse 0 -o m",
        "fit in.csv --rmse x -o m",
        "fit in.csv --max-error 1",
        "fit in.csv --max-error 1 --train-fraction 1.5 -o m",
        "fit in.csv --max-error 1 --window 0 -o m",
        "evaluate m in.csv --rows 5:2",
        "evaluate m in.csv --rows 1:2 --skip-fraction 0.5",
        "unknown",
    ] {
        bench.fails(args, 2);
    }
}

#[test]
fn help_shows_examples() {
    let bench = Bench::new();
    for command in ["", "fit", "compress", "decompress", "evaluate", "inspect", "roundtrip"] {
        let help = bench.ok(&format!("{command} --help"));
        assert!(help.contains("Example"), "{command}: {help}");
        assert!(!help.contains('\u{1b}'), "colour in {command} --help");
    }
}

#[test]
fn values_that_the_sample_type_does_not_hold_are_named() {
    let bench = Bench::new();
    bench.file("in.csv", "a,b\n1,2\n3,4\n");
    bench.file("wide.csv", "a,b\n1,2\n3,40000\n");
    bench.ok("fit in.csv --max-error 0 -o model");
    let error = bench.fails("compress model wide.csv -o packed", 1);
    has(
        &error,
        &["wide.csv: value 40000 of channel \"b\" in data row 2", "sample type i16", "--kind"],
    );
    bench.ok("fit in.csv --max-error 0 --kind i32 -o model");
    bench.ok("compress model wide.csv -o packed");
    has(
        &bench.fails("fit wide.csv --max-error 0 --kind i16 -o m", 1),
        &["40000 does not fit --kind i16"],
    );
}

#[test]
fn bounds_and_shapes_out_of_range_are_refused() {
    let bench = Bench::new();
    bench.file("in.csv", "a,b\n1.5,2\n3,4\n");
    has(&bench.fails("fit in.csv --max-error 0 -o m", 1), &["cannot be kept in floating-point"]);
    has(&bench.fails("fit in.csv --components 9 --window 4 -o m", 1), &["more than the 8 values"]);
    has(&bench.fails("fit in.csv --components 1 --window 2000 -o m", 1), &["shorter --window"]);
    has(
        &bench.fails("fit in.csv --max-error 1 --window 4096 -o m", 1),
        &["leave room for 4095 rows"],
    );
    bench.ok("fit in.csv --max-error 1 -o m");
    has(&bench.fails("evaluate m in.csv --rows 7:9", 1), &["none of its 2 rows is left"]);
    has(&bench.fails("evaluate m in.csv --columns a", 1), &["names 1 columns", "2 channels: a, b"]);
    bench.file("three.csv", "1,2,3\n4,5,6\n");
    let error = bench.fails("evaluate m three.csv", 1);
    has(&error, &["3 columns of numbers, but the model has 2 channels", "available: 1, 2, 3"]);
    bench.file("other.csv", "a,c\n1,2\n4,5\n");
    has(&bench.fails("evaluate m other.csv", 1), &["no column \"b\"", "looked up by name"]);
}

#[test]
fn a_promise_that_rounding_breaks_is_no_compressed_file() {
    let bench = Bench::new();
    let text = |offset: f64| {
        let row = |i: u32| format!("{}\n", offset + f64::from(i * 37 % 101) * 0.001);
        "a\n".to_string() + &(0..200).map(row).collect::<String>()
    };
    bench.file("near.csv", text(0.0));
    bench.file("far.csv", text(1e6));
    for (promise, what) in [
        ("--max-error 0.01", "an error in channel \"a\" is"),
        ("--rmse 0.01", "the root mean square error of a window is"),
    ] {
        bench.ok(&format!("fit near.csv {promise} --window 8 --kind f32 -o model"));
        bench.ok("compress model near.csv -o packed");
        let error = bench.fails("compress model far.csv -o other", 1);
        has(&error, &["far.csv: with its values rounded", what, "--kind f64"]);
        assert!(!bench.path("other").exists());
    }
    bench.ok("fit near.csv --components 2 --window 8 --kind f32 -o model");
    bench.ok("compress model far.csv -o packed");
}

#[test]
fn rounding_is_reserved_of_a_mean_error() {
    let bench = Bench::new();
    let row = |i: u32| format!("{}\n", 1000.0 + f64::from(i * 37 % 101) * 0.01);
    bench.file("in.csv", "a\n".to_string() + &(0..400).map(row).collect::<String>());
    bench.ok("fit in.csv --rmse 2e-4 --window 8 --kind f32 -o model");
    bench.ok("compress model in.csv -o packed");
    let error = bench.fails("fit in.csv --rmse 1e-4 --window 8 --kind f32 -o model", 1);
    has(&error, &["channel \"a\": rounding its values to f32", "use --kind f64"]);
}

#[test]
fn negative_numbers_are_answered_in_our_own_words() {
    let bench = Bench::new();
    for (args, wanted) in [
        ("fit in.csv --max-error -1 -o m", "expected a number that is not negative"),
        ("fit in.csv --rmse -0.5 -o m", "expected a number above 0"),
        ("fit in.csv --components -2 -o m", "is not in 1..=256"),
        ("fit in.csv --rmse 1 --train-fraction -1 -o m", "expected a number above 0 and up to 1"),
        ("evaluate m in.csv --skip-fraction -1", "expected a number from 0 to below 1"),
        ("evaluate m in.csv --rows -5:3", "expected A:B"),
    ] {
        has(&bench.fails(args, 2), &[wanted]);
    }
}

#[test]
fn outputs_are_checked_before_the_work() {
    let bench = Bench::new();
    // The inputs are not even there.
    for command in ["fit in.csv --max-error 1", "compress m in.csv", "decompress m in.eigc"] {
        has(&bench.fails(&format!("{command} -o no/such"), 1), &["cannot write no/such"]);
        has(&bench.fails(&format!("{command} -o ."), 1), &["it is a folder"]);
    }
    let error = bench.fails("decompress m in.eigc -o q.Parquet", 1);
    has(&error, &["cannot write q.Parquet: decompress writes .csv or .npy"]);
    bench.file("taken", "");
    let error = bench.fails("roundtrip in.csv --max-error 1 -o taken/out", 1);
    has(&error, &["cannot write into taken/out"]);
    assert_eq!(std::fs::read_dir(bench.path("")).unwrap().count(), 1);
}

#[test]
fn lines_of_units_and_comments_are_told() {
    has(&refused("a,b\nV,A\n1,2\n3,4\n", ""), &["line 2, column 1", "if it holds units"]);
    has(&refused("a,b\n1,2\n# pause\n3,4\n5,6\n", ""), &["line 3: 1 cells", "remove the line"]);
    has(&refused("a\n1\n2\n# pause\n3\n", ""), &["line 4", "if it is a comment"]);
}

#[test]
fn blanks_around_chosen_names_are_no_part_of_them() {
    let bench = Bench::new();
    bench.file("in.csv", "a,b,c\n1,2,3\n4,5,6\n");
    let mut command = assert_cmd::Command::cargo_bin("eigenmote").unwrap();
    let command = command.current_dir(bench.path(""));
    command.args(["fit", "in.csv", "--columns", "c, a", "--max-error", "0", "-o", "model"]);
    command.assert().success();
    assert_eq!(bench.json("inspect model --json")["channels"][1]["name"], "a");
}
