//! The main job on the project's own recording, and everything that can happen to its files.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

mod support;

use std::fmt::Write;

use serde_json::Value;
use support::{Bench, cells, numbers, root, stderr};

/// A bench with the recording in it.
fn telemetry() -> Bench {
    let bench = Bench::new();
    std::fs::copy(root().join("data/telemetry.csv"), bench.path("t.csv")).unwrap();
    bench
}

fn float(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// The figures of `evaluate`, computed from the files that `decompress` wrote.
fn check_against_files(
    bench: &Bench,
    report: &Value,
    original: &[Vec<f64>],
    restored: &[Vec<f64>],
) {
    assert_eq!(original.len(), restored.len());
    let (mut worst, mut squares, mut count) = (0.0_f64, 0.0, 0.0);
    let inspected = bench.json("inspect model --json");
    for (c, channel) in report["channels"].as_array().unwrap().iter().enumerate() {
        let unit = float(&inspected["channels"][c]["unit"]);
        let errors = || original.iter().zip(restored).map(|(x, y)| (x[c] - y[c]).abs());
        let peak = errors().fold(0.0, f64::max);
        assert_eq!(float(&channel["max_error"]), peak, "{channel}");
        if let Some(bound) = channel["bound"].as_f64() {
            assert!(peak <= bound, "{channel}");
        }
        let mean = errors().map(|e| e * e).sum::<f64>() / original.len() as f64;
        assert!((float(&channel["rmse"]) - mean.sqrt()).abs() <= 1e-12 * mean.sqrt());
        worst = worst.max(peak / unit);
        squares += errors().map(|e| e / unit * (e / unit)).sum::<f64>();
        count += original.len() as f64;
    }
    assert_eq!(float(&report["max_error"]), worst);
    let rmse = (squares / count).sqrt();
    assert!((float(&report["rmse"]) - rmse).abs() <= 1e-12 * rmse);
}

#[test]
fn decompressed_output_is_what_evaluate_measured() {
    let bench = telemetry();
    let original = numbers(&cells(&bench.read("t.csv")));
    for promise in ["--max-error 0.05", "--rmse 0.2", "--components 6"] {
        bench.ok(&format!("fit t.csv {promise} --relative --train-fraction 0.5 -o model"));
        let report = bench.json("evaluate model t.csv --skip-fraction 0.5 --json");
        bench.ok("compress model t.csv --rows 3700: -o packed");
        bench.ok("decompress model packed -o out.csv");
        bench.ok("decompress model packed -o out.npy");
        let size = std::fs::metadata(bench.path("packed")).unwrap().len();
        assert_eq!(report["bytes"], size);
        assert_eq!(report["values"], 3700 * 16);
        assert_eq!(report["frames"], bench.json("inspect packed --json")["frames"]);
        let bits = float(&report["bits_per_value"]);
        assert_eq!(bits, size as f64 * 8.0 / (3700.0 * 16.0));
        assert_eq!(float(&report["ratio_f32"]), 32.0 / bits);

        let restored = numbers(&cells(&bench.read("out.csv")));
        check_against_files(&bench, &report, &original[3700..], &restored);
        let bytes = std::fs::read(bench.path("out.npy")).unwrap();
        let array: Vec<i32> = npyz::NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap();
        assert!(array.iter().map(|&x| f64::from(x)).eq(restored.into_iter().flatten()));
        match promise {
            "--components 6" => {
                assert_eq!(report["bound"], Value::Null);
                assert_eq!(report["bound_held"], Value::Null);
            }
            "--rmse 0.2" => {
                assert!(float(&report["worst_window_rmse"]) <= float(&report["bound"]));
                assert_eq!(report["bound_held"], true);
            }
            _ => {
                assert!(float(&report["max_error"]) <= float(&report["bound"]));
                assert_eq!(report["bound_held"], true);
            }
        }
    }
}

#[test]
fn the_readme_command_keeps_its_bound_at_two_bits_per_value() {
    let bench = telemetry();
    let report = bench.json("roundtrip t.csv --max-error 0.05 --relative --json -o out");
    assert_eq!(report["bound_held"], true);
    assert!(float(&report["bits_per_value"]) < 2.0, "{report}");
    let original = numbers(&cells(&bench.read("t.csv")));
    let restored = numbers(&cells(&bench.read("out/decompressed.csv")));
    std::fs::copy(bench.path("out/model.eig"), bench.path("model")).unwrap();
    check_against_files(&bench, &report, &original[3700..], &restored);
    let text = bench.ok("roundtrip t.csv --max-error 0.05 --relative");
    for part in ["cpu_user_ms", "bits per value", "held on every value", "MB/s"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn whole_numbers_come_back_exactly_with_a_bound_of_zero() {
    let bench = telemetry();
    bench.round_trip("t.csv", "--max-error 0 --train-fraction 0.25");
    assert_eq!(bench.read("restored.csv").trim_end(), bench.read("t.csv").trim_end());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let bench = telemetry();
    for promise in ["--max-error 0.05", "--rmse 0.5"] {
        bench.ok(&format!("fit t.csv {promise} --relative --train-fraction 0.2 -o model"));
        bench.ok(&format!("fit t.csv {promise} --relative --train-fraction 0.2 -o again"));
        let read = |name| std::fs::read(bench.path(name)).unwrap();
        assert!(read("model") == read("again"));
        bench.ok("compress model t.csv --rows :999 -o packed");
        bench.ok("compress again t.csv --rows :999 -o packed2");
        assert!(read("packed") == read("packed2"));
    }
}

#[test]
fn standard_streams_stand_in_for_files() {
    let bench = telemetry();
    bench.ok("fit t.csv --max-error 0 --train-fraction 0.1 -o model");
    let text = std::fs::read(bench.path("t.csv")).unwrap();
    let packed = bench.run_with("compress model - -o -", &text);
    assert!(packed.status.success(), "{}", stderr(&packed));
    let restored = bench.run_with("decompress model - -o -", &packed.stdout);
    assert!(restored.status.success(), "{}", stderr(&restored));
    assert!(restored.stdout == text);
}

#[test]
fn several_recordings_are_fitted_together() {
    let bench = Bench::new();
    bench.file("a.csv", "x,y\n1,5\n2,6\n3,5\n");
    bench.file("b.csv", "y,x\n50,1\n60,2\n");
    bench.ok("fit a.csv b.csv --max-error 0 -o model");
    let model = bench.json("inspect model --json");
    assert_eq!(model["train_rows"], 5);
    assert_eq!(model["sources"][1], "b.csv");
    // x over both files is 1, 2, 3, 1, 2.
    let deviation = float(&model["channels"][0]["deviation"]);
    assert!((deviation - 0.7_f64.sqrt()).abs() < 1e-12, "{deviation}");
}

#[test]
fn many_files_shorter_than_two_windows_are_fitted_together() {
    let bench = Bench::new();
    let names: Vec<String> = (0..12).map(|k| format!("{k}.csv")).collect();
    for (k, name) in (0..12).zip(&names) {
        let row = |i: i32| format!("{}.5\n", (i * 37 + k) % 101);
        bench.file(name, "a\n".to_string() + &(0..20).map(row).collect::<String>());
    }
    bench.ok(&format!("fit {} --rmse 0.1 --window 15 -o model", names.join(" ")));
    assert_eq!(bench.json("evaluate model 3.csv --json")["bound_held"], true);
}

#[test]
fn recordings_without_any_change_are_fitted_in_every_type() {
    let bench = Bench::new();
    bench.file("in.csv", "a,b\n".to_string() + &"3,0.5\n".repeat(20));
    for kind in ["f32", "f64"] {
        for promise in
            ["--components 1", "--components 2 --relative", "--rmse 1e-9", "--max-error 1e-9"]
        {
            bench.ok(&format!("fit in.csv {promise} --window 4 --kind {kind} -o model"));
            let report = bench.json("evaluate model in.csv --json");
            assert_eq!(report["max_error"], 0.0, "{kind} {promise}");
        }
    }
}

#[test]
fn awkward_recordings_keep_their_bound() {
    let mut wild = String::from("a,b,c\n");
    for i in 0..400 {
        let spike = if i == 50 || i == 300 { 1e12 } else { f64::from(i % 7) * 0.25 };
        writeln!(wild, "{spike},{},{}", 3.5, if i < 200 { 0 } else { i % 2 }).unwrap();
    }
    let wide: String = (0..60)
        .map(|r| (0..52).map(|c| format!("{}.5", r * c % 11)).collect::<Vec<_>>().join(",") + "\n")
        .collect();
    let single = "v\n1.5\n".to_string();
    let (mut far, mut tiny) = (String::new(), String::new());
    for i in 0..300 {
        writeln!(far, "{}", 1e9 + f64::from(i % 10) * 1e-3).unwrap();
        writeln!(tiny, "{}e-300", i % 10).unwrap();
    }
    for (name, text) in
        [("wild", &wild), ("wide", &wide), ("single", &single), ("far", &far), ("tiny", &tiny)]
    {
        let bench = Bench::new();
        bench.file("in.csv", text);
        for promise in [
            "--max-error 0.05 --relative",
            "--max-error 1e-7",
            "--rmse 0.1 --relative",
            "--components 1 --window 2",
            "--max-error 0.05 --relative --kind f32",
            "--max-error 3 --window 1",
        ] {
            let output = bench.run(&format!("fit in.csv {promise} --train-fraction 0.5 -o model"));
            if text.lines().count() == 2 {
                // Half of one row is no row.
                assert_eq!(output.status.code(), Some(1));
                bench.ok(&format!("fit in.csv {promise} -o model"));
            } else if promise.contains("f32") && !output.status.success() {
                assert!(
                    stderr(&output).contains("rounding its values to f32"),
                    "{}",
                    stderr(&output)
                );
                continue;
            } else {
                assert!(output.status.success(), "{name} {promise}: {}", stderr(&output));
            }
            let report = bench.json("evaluate model in.csv --json");
            assert_ne!(report["bound_held"], false, "{name} {promise}: {report}");
        }
    }
}

#[test]
fn values_whose_squares_overflow_make_a_model_that_can_be_read() {
    let bench = Bench::new();
    let row = |i: i32| format!("{}e{},{}\n", i * 37 % 101 - 50, 198, i % 7);
    bench.file("in.csv", "a,b\n".to_string() + &(0..300).map(row).collect::<String>());
    for promise in [
        "--max-error 0.05 --relative",
        "--rmse 0.1 --relative --window 8",
        "--max-error 1e190",
        "--rmse 1e198",
    ] {
        bench.ok(&format!("fit in.csv {promise} -o model"));
        let model = bench.json("inspect model --json");
        let deviation = float(&model["channels"][0]["deviation"]);
        assert!((2.8e199..3.0e199).contains(&deviation), "{deviation:e}");
        assert_eq!(bench.json("evaluate model in.csv --json")["bound_held"], true);
    }
    let error = bench.fails("fit in.csv --components 1 --window 8 -o other", 1);
    assert!(
        error.contains("too large for their squares") && error.contains("--relative"),
        "{error}"
    );
    let error = bench.fails("fit in.csv --max-error 1e190 --kind f32 -o other", 1);
    assert!(error.contains("does not fit --kind f32"), "{error}");
    assert!(!bench.path("other").exists());
}

#[test]
fn truncated_and_damaged_files_are_refused_and_can_be_recovered() {
    let bench = telemetry();
    bench.ok("fit t.csv --max-error 0 --train-fraction 0.1 --window 100 -o model");
    bench.ok("compress model t.csv --rows :1000 -o packed");
    let whole = std::fs::read(bench.path("packed")).unwrap();
    let original = cells(&bench.read("t.csv"));

    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 4;
    for (bytes, reason) in [
        (&whole[..whole.len() * 3 / 4], "the file is truncated"),
        (&damaged, "the file is damaged"),
    ] {
        bench.file("bad", bytes);
        let error = bench.fails("decompress model bad -o out.csv", 1);
        assert!(error.contains("bad: ") && error.contains(reason), "{error}");
        assert!(error.contains("--recover"), "{error}");
        assert!(!bench.path("out.csv").exists());
        assert!(bench.fails("inspect bad", 1).contains(reason));

        let notes = bench.notes("decompress model bad -o out.csv --recover");
        assert!(notes.contains("rows are lost and left empty"), "{notes}");
        let restored = cells(&bench.read("out.csv"));
        assert_eq!(restored.len(), 1001);
        let lost = restored.iter().filter(|row| row.iter().all(String::is_empty)).count();
        assert!((100..600).contains(&lost) && lost % 100 == 0, "{lost}");
        for (found, wanted) in restored.iter().zip(&original) {
            assert!(found == wanted || found.iter().all(String::is_empty));
        }
        std::fs::remove_file(bench.path("out.csv")).unwrap();
    }

    for cut in 0..80 {
        bench.file("bad", &whole[..cut]);
        bench.fails("decompress model bad -o -", 1);
    }
    let mut header = whole.clone();
    header[12] ^= 1;
    bench.file("bad", header);
    let error = bench.fails("decompress model bad -o out.csv", 1);
    assert!(error.contains("the header is damaged"), "{error}");
    let notes = bench.notes("decompress model bad -o out.csv --recover");
    assert!(
        notes.contains("the header is damaged") && notes.contains("0 rows are lost"),
        "{notes}"
    );
    assert_eq!(cells(&bench.read("out.csv")), original[..1001]);
}

/// The checksum of both file formats.
fn crc(bytes: &[u8]) -> [u8; 4] {
    crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(bytes).to_le_bytes()
}

#[test]
fn a_header_with_more_rows_than_its_file_can_hold_is_refused() {
    let bench = Bench::new();
    bench.file("in.csv", "a\n1\n2\n3\n4\n");
    bench.ok("fit in.csv --max-error 0 --window 1 -o model");
    bench.ok("compress model in.csv -o packed");
    let whole = std::fs::read(bench.path("packed")).unwrap();
    let crafted = |rows: u64, length: u64| {
        let mut bytes = whole[..10].to_vec();
        for mut number in [1, 1, rows, 0, 0, 0, length] {
            while number > 127 {
                bytes.push(number as u8 | 128);
                number >>= 7;
            }
            bytes.push(number as u8);
        }
        bytes.extend(crc(&bytes));
        bytes.extend([0; 100]);
        bytes.extend(crc(&bytes));
        bytes
    };
    let contradiction = "the header contradicts itself";
    for (rows, length, reason) in [
        (1 << 50, 1 << 60, "the file is truncated: its header tells of 1152921504606846976 bytes"),
        (u64::MAX, u64::MAX, contradiction),
        (1 << 50, 100, contradiction),
        (12, 100, contradiction),
    ] {
        bench.file("bad", crafted(rows, length));
        for command in ["decompress model bad -o -", "decompress model bad --recover -o -"] {
            let error = bench.fails(command, 1);
            assert!(error.contains("bad: ") && error.contains(reason), "{rows}: {error}");
        }
        bench.fails("inspect bad", 1);
    }
    bench.file("bad", crafted(11, 100));
    bench.ok("decompress model bad --recover -o -");
}

#[test]
fn a_file_cut_to_a_tenth_can_be_recovered() {
    let bench = telemetry();
    bench.ok("fit t.csv --max-error 0 --train-fraction 0.1 --window 100 -o model");
    bench.ok("compress model t.csv --rows :2000 -o packed");
    let whole = std::fs::read(bench.path("packed")).unwrap();
    bench.file("bad", &whole[..whole.len() / 10]);
    bench.ok("decompress model bad -o out.csv --recover");
    let restored = cells(&bench.read("out.csv"));
    assert_eq!(restored.len(), 2001);
    assert_eq!(restored[..101], cells(&bench.read("t.csv"))[..101]);
}

#[test]
fn files_of_another_model_are_refused() {
    let bench = telemetry();
    bench.ok("fit t.csv --max-error 0 --train-fraction 0.1 -o model");
    bench.ok("fit t.csv --max-error 1 --train-fraction 0.1 -o other");
    bench.ok("compress model t.csv --rows :100 -o packed");
    let error = bench.fails("decompress other packed -o out.csv", 1);
    assert!(error.contains("packed: the file was compressed with another model"), "{error}");
    let error = bench.fails("decompress packed model -o out.csv", 1);
    assert!(error.contains("this is a compressed file; the model goes first"), "{error}");
    let error = bench.fails("decompress model t.csv -o out.csv", 1);
    assert!(error.contains("t.csv: not a file written by `eigenmote compress`"), "{error}");
}

#[test]
fn damaged_models_are_refused() {
    let bench = telemetry();
    bench.ok("fit t.csv --max-error 0 --train-fraction 0.1 -o model");
    let whole = std::fs::read(bench.path("model")).unwrap();
    for at in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 16;
        bench.file("bad", bytes);
        bench.fails("inspect bad", 1);
        bench.file("bad", &whole[..at]);
        bench.fails("inspect bad", 1);
    }
}

#[test]
fn inspect_shows_model_and_file() {
    let bench = telemetry();
    bench.ok("fit t.csv --max-error 0.05 --relative --train-fraction 0.5 -o model");
    let model = bench.json("inspect model --json");
    for (key, value) in [("type", "model"), ("mode", "bounded"), ("kind", "i32")] {
        assert_eq!(model[key], value);
    }
    assert_eq!(model["channels"].as_array().unwrap().len(), 16);
    let text = bench.ok("inspect model");
    assert!(text.contains("memory_free_kib") && text.contains("bounded"), "{text}");
    bench.ok("compress model t.csv -o packed");
    let packed = bench.json("inspect packed --json");
    assert_eq!(packed["rows"], 7400);
    assert_eq!(packed["rows_in_frames"], 7400);
    assert_eq!(packed["damage"], Value::Null);
    // Damage in the first frame's model id leaves the other frames to be found.
    let mut bytes = std::fs::read(bench.path("packed")).unwrap();
    let start = bytes.len() - 4 - packed["frame_bytes"].as_u64().unwrap() as usize;
    bytes[start + 2] ^= 1;
    bench.file("bad", bytes);
    let output = bench.run("inspect bad --json");
    assert_eq!(output.status.code(), Some(1));
    let bad: Value = serde_json::from_slice(&output.stdout).unwrap();
    let frames = |packed: &Value| packed["frames"].as_u64().unwrap();
    assert_eq!(frames(&bad), frames(&packed) - 1);
}

#[test]
fn the_output_appears_whole_or_not_at_all() {
    let bench = telemetry();
    bench.ok("fit t.csv --max-error 0 --train-fraction 0.1 -o model");
    bench.ok("compress model t.csv --rows :100 -o packed");
    bench.file("out.csv", "kept");
    bench.file("bad", "EIGC and no more");
    bench.fails("decompress model bad -o out.csv", 1);
    assert_eq!(bench.read("out.csv"), "kept");
    bench.ok("decompress model packed -o out.csv");
    assert_eq!(bench.read("out.csv").lines().count(), 101);
    let names = std::fs::read_dir(bench.path("")).unwrap();
    assert!(names.map(|e| e.unwrap().file_name()).all(|n| !n.to_string_lossy().starts_with('.')));
}
