//! `compare` measures our coder and those of others on the same rows, and says what it could not measure.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fmt::Write;

use serde_json::Value;
use support::{Bench, stderr};

/// Three channels of 400 rows: a slow wave, a noisy copy in hundredths, counts.
fn recording() -> String {
    let mut text = String::from("wave,noisy,count\n");
    let mut state = 1_u32;
    for t in 0..400 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(state >> 24) / 256.0;
        let wave = (f64::from(t) / 15.0).sin() * 10.0;
        writeln!(text, "{wave:.4},{:.2},{}", wave + noise, (noise * 4.0).floor()).unwrap();
    }
    text
}

fn bench() -> Bench {
    let bench = Bench::new();
    bench.file("in.csv", recording());
    bench
}

const NO_PYTHON: &str = "--python no/such/python";
const BOUND: &str = "--max-error 0.05 --relative";

/// A script that stands for Python; it gets the names of the script and the request, the peer and the rows.
#[cfg(unix)]
fn stub(bench: &Bench, body: &str) -> String {
    let text = bench.file("python.txt", format!("#!/bin/sh\n{body}\n"));
    let path = bench.path("python");
    // Written by another process: a file that this one still has open somewhere cannot be run.
    let mut install = std::process::Command::new("install");
    assert!(install.args(["-m", "755"]).args([&text, &path]).status().unwrap().success());
    format!("--python {}", path.display())
}

fn coders(report: &Value, table: &str) -> Vec<Value> {
    report[table]["coders"].as_array().unwrap().clone()
}

/// The rows of a table that belong to others.
fn others(report: &Value, table: &str) -> Vec<Value> {
    coders(report, table).split_off(1)
}

#[test]
fn our_rows_need_no_python() {
    let bench = bench();
    let report = bench.json(&format!("compare in.csv {BOUND} --json {NO_PYTHON}"));
    for (key, value) in [("rows", 200), ("channels", 3), ("values", 600), ("packet_rows", 32)] {
        assert_eq!(report[key], value, "{key}");
    }
    assert_eq!(
        report["note"],
        "cannot run no/such/python: not found; general compressors need Python 3, see --python"
    );
    for table in ["whole", "packets"] {
        let rows = coders(&report, table);
        assert_eq!(rows.len(), 1);
        let ours = &rows[0];
        assert_eq!((&ours["coder"], &ours["bound_held"]), (&"eigenmote".into(), &true.into()));
        let error = ours["max_error_in_bounds"].as_f64().unwrap();
        assert!(0.5 < error && error <= 1.0, "{error}");
        let (bits, ratio) = (ours["bits_per_value"].as_f64().unwrap(), &ours["ratio"]);
        assert_eq!(bits, ours["bytes"].as_f64().unwrap() * 8.0 / 600.0);
        assert_eq!(ratio.as_f64().unwrap(), 64.0 / bits);
        assert!(ours["encode_mb_per_s"].as_f64().unwrap() > 0.0);
        assert!(report[table]["model_bytes"].as_u64().unwrap() > 0);
    }
    let text = bench.ok(&format!("compare in.csv {BOUND} {NO_PYTHON}"));
    for part in ["As a whole", "In packets of 32 rows", "windows of 32 rows", "cannot run", "held"]
    {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn our_bytes_are_those_of_roundtrip() {
    let bench = bench();
    let report = bench.json(&format!("compare in.csv {BOUND} --packet-rows 16 --json {NO_PYTHON}"));
    for (table, window) in [("whole", ""), ("packets", "--window 16 --chain 1")] {
        let alone = bench.json(&format!("roundtrip in.csv {BOUND} {window} --json"));
        assert_eq!(coders(&report, table)[0]["bytes"], alone["frame_bytes"], "{table}");
    }
    assert_eq!(coders(&report, "packets")[0]["way"], "windows of 16 rows");
}

#[test]
fn whole_numbers_are_kept_without_loss() {
    let bench = bench();
    let options = "--columns count --max-error 0 --train-fraction 0.25 --json";
    let report = bench.json(&format!("compare in.csv {options} {NO_PYTHON}"));
    assert_eq!((&report["rows"], &report["kind"]), (&300.into(), &"i16".into()));
    for table in ["whole", "packets"] {
        assert_eq!(coders(&report, table)[0]["max_error_in_bounds"], 0.0);
        assert_eq!(coders(&report, table)[0]["bound_held"], true);
    }
}

#[test]
fn wrong_usage_and_unusable_input_have_their_exit_codes() {
    let bench = bench();
    bench.fails("compare in.csv", 2);
    bench.fails("compare --max-error 1", 2);
    for option in ["--max-error -1", "--max-error 1 --packet-rows 0", "--max-error 1 --rmse 1"] {
        bench.fails(&format!("compare in.csv {option}"), 2);
    }
    bench.fails("compare in.csv --max-error 1 --train-fraction 1", 2);
    assert!(bench.fails("compare none.csv --max-error 1", 1).contains("none.csv"));
    bench.file("one.csv", "a\n1\n");
    let error = bench.fails("compare one.csv --max-error 1", 1);
    assert!(error.contains("one.csv: 1 rows cannot be parted at 0.5"), "{error}");
}

#[test]
fn quiet_keeps_standard_error_empty() {
    let output = bench().run(&format!("compare in.csv {BOUND} --quiet {NO_PYTHON}"));
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

#[cfg(unix)]
#[test]
fn answers_become_rows() {
    let bench = bench();
    let answer = r#"{"way": "some way", "bytes": 300, "encode_seconds": 0.004, "decode_seconds": 0.002, "max_error": ERROR}"#;
    let missing = r#"{"missing": "zfpy"}"#;
    let python = stub(
        &bench,
        &format!(
            "case \"$3\" in\n\
             SZ3) echo '{}';;\n\
             zfp) echo '{missing}';;\n\
             pcodec) echo '{{\"unfit\": \"counts beyond 32 bits\"}}';;\n\
             FLAC*) echo 'noise' >&2; echo 'out of luck' >&2; exit 3;;\n\
             *) echo '{}';;\n\
             esac",
            answer.replace("ERROR", "1.5"),
            answer.replace("ERROR", "1.0000001")
        ),
    );
    let report = bench.json(&format!("compare in.csv {BOUND} --json {python}"));
    for table in ["whole", "packets"] {
        let rows = others(&report, table);
        let names: Vec<_> = rows.iter().map(|row| row["coder"].as_str().unwrap()).collect();
        assert_eq!(names, ["SZ3", "zfp", "pcodec", "zstd -19", "zstd -3", "FLAC -8"]);
        assert_eq!(
            (&rows[0]["bits_per_value"], &rows[0]["bound_held"]),
            (&4.0.into(), &false.into())
        );
        assert_eq!((&rows[0]["ratio"], &rows[0]["way"]), (&16.0.into(), &"some way".into()));
        // 600 values of 8 bytes in 4 and in 2 milliseconds.
        assert!((rows[0]["encode_mb_per_s"].as_f64().unwrap() - 1.2).abs() < 1e-9);
        assert!((rows[0]["decode_mb_per_s"].as_f64().unwrap() - 2.4).abs() < 1e-9);
        assert_eq!(rows[1]["note"], "not installed: pip install zfpy");
        assert_eq!(rows[2]["note"], "left out: counts beyond 32 bits");
        assert_eq!(rows[3]["bound_held"], true);
        assert_eq!(rows[5]["note"], "left out: failed with exit status: 3: out of luck");
    }
    assert_eq!(report["note"], Value::Null);
    // Broken bounds of others are theirs: the run succeeds.
    let text = bench.ok(&format!("compare in.csv {BOUND} {python}"));
    for part in ["broken by 0.5", "not installed: pip install zfpy", "left out: failed"] {
        assert_eq!(text.matches(part).count(), 2, "{part:?} is not twice in {text}");
    }
}

#[cfg(unix)]
#[test]
fn an_answer_that_is_none_is_an_error_that_names_it() {
    let bench = bench();
    for (body, quoted) in [
        ("echo 'hello there'", "\"hello there\""),
        ("true", "\"\""),
        ("echo '{\"bytes\": -1}'", "bytes"),
    ] {
        let error = bench.fails(&format!("compare in.csv {BOUND} {}", stub(&bench, body)), 1);
        let told = error.contains("did not answer with a result for SZ3, but with");
        assert!(told && error.contains(quoted) && error.contains("python"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn the_request_holds_the_measured_rows() {
    let bench = bench();
    let python =
        stub(&bench, "cp \"$2\" request.json; cp \"$(dirname \"$2\")/rows.npy\" .; exit 1");
    bench.ok(&format!("compare in.csv {BOUND} --columns count,wave {python}"));
    let request: Value = serde_json::from_str(&bench.read("request.json")).unwrap();
    let counts: Vec<f64> = recording()
        .lines()
        .skip(1)
        .map(|l| l.rsplit(',').next().unwrap().parse().unwrap())
        .collect();
    let mean = counts[..200].iter().sum::<f64>() / 200.0;
    assert!((request["means"][0].as_f64().unwrap() - mean).abs() < 1e-12);
    assert_eq!(request["bounds"].as_array().unwrap().len(), 2);
    let bytes = std::fs::read(bench.path("rows.npy")).unwrap();
    let rows = npyz::NpyFile::new(&bytes[..]).unwrap();
    assert_eq!(rows.shape(), [200, 2]);
    let rows = rows.into_vec::<f64>().unwrap();
    assert!(rows.chunks(2).zip(&counts[200..]).all(|(row, count)| row[0] == *count));
}

/// Python with at least numpy and one of the packages: what `EIGENMOTE_PYTHON` names, or `python3`.
fn real_python() -> String {
    std::env::var("EIGENMOTE_PYTHON").unwrap_or_else(|_| "python3".into())
}

#[test]
fn others_hold_the_bound_where_they_are_installed() {
    let python = real_python();
    let bench = bench();
    // Large values at small bounds, tiny ones, a constant; a single row to measure.
    let awkward = (0..100).map(|t| {
        let x = f64::from(t * t % 37);
        format!("{},{},5,{}\n", x * 12_345.678_901, x * 1e-300 / 7.0, 1e9 + x / 3.0)
    });
    bench.file("awkward.csv", format!("a,b,c,d\n{}", awkward.collect::<String>()));
    bench.file("short.csv", "a,b\n1,2\n3,5\n");
    for options in [
        "in.csv --max-error 0.05 --relative",
        "in.csv --max-error 0 --columns count --packet-rows 7",
        "awkward.csv --max-error 0.05 --relative",
        "awkward.csv --max-error 1e-5 --columns a,c",
        "short.csv --max-error 0",
    ] {
        let report = bench.json(&format!("compare {options} --json --python {python}"));
        let (mut measured, mut left_out) = (0, Vec::new());
        for row in others(&report, "whole").iter().chain(&others(&report, "packets")) {
            if let Some(note) = row["note"].as_str() {
                left_out.push(format!("{}: {note}", row["coder"]));
                continue;
            }
            assert_eq!(row["bound_held"], true, "{row}");
            assert!(row["bytes"].as_u64().unwrap() > 0, "{row}");
            measured += 1;
        }
        // Only a missing package excuses, and that FLAC takes 24 bits.
        let excused =
            |note: &String| note.contains("not installed") || note.contains("beyond 24 bits");
        assert!(left_out.iter().all(excused), "{left_out:?}");
        if measured == 0 {
            println!("skipped: {python} has none of the packages: {} {left_out:?}", report["note"]);
            return;
        }
        assert_eq!(measured + left_out.len(), 12);
    }
}
