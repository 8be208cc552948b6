//! Cells without a value: named, held while coding, and given back as such.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fmt::Write;

use support::Bench;

#[test]
fn every_way_to_write_nothing_is_a_missing_cell() {
    for nothing in ["", "?", "NA", "n/a", "NaN", "nan", "null", "None", "-"] {
        let bench = Bench::new();
        bench.file("in.csv", format!("a,b\n1,10\n2,{nothing}\n3,30\n"));
        let restored = bench.round_trip("in.csv", "--max-error 0");
        assert_eq!(restored[2], ["2", ""], "{nothing:?}");
        assert_eq!(restored[3], ["3", "30"], "{nothing:?}");
    }
}

#[test]
fn missing_cells_are_counted_and_the_first_is_named() {
    let bench = Bench::new();
    bench.file("in.csv", "a,b,c\n1,10,5\n\n2,,5\n3,,5\n,40,5\n");
    let notes = bench.notes("fit in.csv --max-error 0 -o model");
    let wanted = "in.csv: 3 missing cells in 2 columns (first: line 4, column 2 \"b\"), held at the last value";
    assert!(notes.contains(wanted), "{notes}");
}

#[test]
fn gaps_at_both_ends_come_back_as_gaps() {
    let bench = Bench::new();
    bench.file("in.csv", "a,b\n,1\n,2\n7,3\n8,4\n,5\n");
    bench.round_trip("in.csv", "--max-error 0");
    assert_eq!(bench.read("restored.csv"), "a,b\n,1\n,2\n7,3\n8,4\n,5\n");
}

#[test]
fn a_gap_in_a_single_column_is_no_blank_line() {
    let bench = Bench::new();
    bench.file("in.csv", "a\n1\n?\n3\n");
    bench.round_trip("in.csv", "--max-error 0");
    assert_eq!(bench.read("restored.csv"), "a\n1\n\"\"\n3\n");
    bench.ok("compress model restored.csv -o again");
    bench.ok("decompress model again -o twice.csv");
    assert_eq!(bench.read("twice.csv"), "a\n1\n\"\"\n3\n");
}

#[test]
fn a_gap_takes_a_few_bytes() {
    let bench = Bench::new();
    let rows = |nothing: &str| {
        let row = |r: u32| match r % 5 {
            0 => format!("{nothing},1,{nothing}\n"),
            _ => "1,1,1\n".into(),
        };
        "a,b,c\n".to_string() + &(0..1000).map(row).collect::<String>()
    };
    bench.file("whole.csv", rows("1"));
    bench.file("holed.csv", rows("?"));
    bench.ok("fit whole.csv --max-error 0 -o model");
    let size = |file: &str| {
        bench.ok(&format!("compress model {file} -o packed"));
        std::fs::metadata(bench.path("packed")).unwrap().len()
    };
    // 400 gaps of two bytes each, how many there are in each channel, a checksum, and a longer
    // number for the length.
    assert_eq!(size("holed.csv") - size("whole.csv"), 400 * 2 + 2 + 1 + 2 + 4 + 1);
    size("holed.csv");
    assert_eq!(bench.json("inspect packed --json")["missing"], 400);
    bench.ok("decompress model packed -o out.csv");
    assert_eq!(bench.read("out.csv"), rows(""));
}

#[test]
fn missing_cells_have_no_error() {
    let bench = Bench::new();
    bench.file("in.csv", "a\n1\n?\n3\n?\n");
    bench.ok("fit in.csv --max-error 0 -o model");
    let report = bench.json("evaluate model in.csv --json");
    assert_eq!(report["missing"], 2);
    assert_eq!(report["values"], 4);
    assert_eq!(report["max_error"], 0.0);
    assert_eq!(report["bound_held"], true);
}

#[test]
fn a_mean_error_is_kept_over_the_cells_that_are_there() {
    let bench = Bench::new();
    let mut text = String::from("a,b\n");
    let mut state = 1_u32;
    for row in 0..600 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let b = f64::from(state >> 16) / 100.0;
        let b = if row % 3 == 0 { b.to_string() } else { "?".into() };
        writeln!(text, "{},{b}", row % 17).unwrap();
    }
    bench.file("in.csv", text);
    for e in [0.3, 3.0, 50.0] {
        bench.ok(&format!("fit in.csv --rmse {e} -o model"));
        let report = bench.json("evaluate model in.csv --json");
        assert_eq!(report["missing"], 400);
        assert_eq!(report["bound_held"], true);
        let of = |key: &str| report[key].as_f64().unwrap();
        assert!(of("rmse") <= e && of("worst_window_rmse") <= e, "{report}");
    }
}

#[test]
fn gaps_are_cut_with_the_rows() {
    let bench = Bench::new();
    bench.file("in.csv", "a\n1\n?\n?\n?\n5\n");
    bench.ok("fit in.csv --max-error 0 -o model");
    bench.ok("compress model in.csv --rows 2:5 -o packed");
    assert_eq!(bench.ok("decompress model packed -o -"), "a\n\"\"\n\"\"\n5\n");
}

#[test]
fn missing_cells_are_nan_in_arrays() {
    let bench = Bench::new();
    bench.file("in.csv", "a,b\n1,10\n2,?\n");
    bench.ok("fit in.csv --max-error 0 -o model");
    bench.ok("compress model in.csv -o packed");
    bench.ok("decompress model packed -o out.npy");
    let bytes = std::fs::read(bench.path("out.npy")).unwrap();
    let values: Vec<f64> = npyz::NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap();
    assert_eq!(values[..3], [1.0, 10.0, 2.0]);
    assert!(values[3].is_nan());
}

#[test]
fn a_column_without_any_value_is_refused_if_chosen_and_left_out_otherwise() {
    let bench = Bench::new();
    bench.file("in.csv", "a,b\n1,\n2,?\n");
    let error = bench.fails("fit in.csv --columns b --max-error 0 -o model", 1);
    assert!(error.contains("in.csv: column 2 \"b\" holds no values"), "{error}");
    let notes = bench.notes("fit in.csv --max-error 0 -o model");
    assert!(notes.contains("columns left out: \"b\" (empty)"), "{notes}");
}

#[test]
fn channels_without_change_or_value_in_the_training_rows_cost_little() {
    let bench = Bench::new();
    let mut text = String::from("a,flag,level,empty,far\n");
    let mut state = 1_u32;
    for row in 0..800 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let a = f64::from(state >> 20) / 100.0;
        let far = if row < 700 { "1000000.01".into() } else { format!("{}.5", 1_000_000 + row) };
        match row {
            0..400 => writeln!(text, "{a},0.0,3.7,,{far}").unwrap(),
            _ => writeln!(text, "{a},{}.0,3.{},79.5,{far}", row / 9 % 2, 5 + row / 50 % 4).unwrap(),
        }
    }
    bench.file("in.csv", text);
    for promise in ["--rmse 0.1", "--max-error 0.1"] {
        bench.ok(&format!("fit in.csv {promise} --relative --train-fraction 0.5 -o model"));
        let channels = &bench.json("inspect model --json")["channels"];
        let unit = |c: usize| channels[c]["unit"].as_f64().unwrap();
        assert_eq!([unit(1), unit(2), unit(3)], [1.0, 0.1, 0.1]);
        assert!((unit(4) - 1.000_000_01).abs() < 1e-12, "{}", unit(4));
        let report = bench.json("evaluate model in.csv --skip-fraction 0.5 --json");
        assert_eq!(report["bound_held"], true);
        assert!(report["bits_per_value"].as_f64().unwrap() < 8.0, "{report}");
    }
}
