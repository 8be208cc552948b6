//! Packets of a fixed size, files with their model, single rows of a file, and damage anywhere.
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
use support::{Bench, cells};

const ROWS: usize = 3000;

/// Three channels of whole numbers, smooth with noise.
fn recording(holes: bool) -> String {
    let mut text = String::from("a,b,c\n");
    let (mut state, mut x) = (1_u32, 0_i32);
    let mut noise = |most: i32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16).cast_signed() % most
    };
    for row in 0..ROWS {
        x += noise(32) - 15 - x / 64;
        let (b, c) = (2 * x + noise(100), 500 - x - noise(50));
        let hole = if holes && row % 100 < 3 { String::new() } else { b.to_string() };
        writeln!(text, "{x},{hole},{c}").unwrap();
    }
    text
}

/// A bench with a recording, a model with short windows, and the recording compressed losslessly.
fn packed(options: &str) -> Bench {
    let bench = Bench::new();
    bench.file("in.csv", recording(false));
    bench.ok("fit in.csv --max-error 0 --window 16 -o model");
    bench.ok(&format!("compress model in.csv -o packed {options}"));
    bench
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

#[test]
fn no_frame_is_longer_than_asked_for_and_the_bound_is_held() {
    let bench = packed("");
    bench.ok("fit in.csv --max-error 0 --window 256 -o model");
    for (mtu, chain) in [(24, 1), (24, 16), (40, 3), (100, 1), (250, 1000)] {
        bench.ok(&format!("compress model in.csv -o packed --mtu {mtu} --chain {chain}"));
        let packed = bench.json("inspect packed --json");
        assert!((mtu - 12..=mtu).contains(&number(&packed["longest_frame"])), "{packed}");
        assert_eq!(packed["rows_in_frames"], ROWS);
        assert!(number(&packed["frames_alone"]) * chain >= number(&packed["frames"]));
        bench.ok("decompress model packed -o out.csv");
        assert_eq!(bench.read("out.csv"), bench.read("in.csv"));
    }
    let error = bench.fails("compress model in.csv -o packed --mtu 22", 1);
    for part in ["--mtu 22 is too short", "3 channels of i16 may need 23 bytes"] {
        assert!(error.contains(part), "{error}");
    }
    bench.fails("compress model in.csv -o packed --mtu 0", 2);
}

#[test]
fn packets_keep_every_promise_also_where_cells_are_missing() {
    let bench = Bench::new();
    bench.file("in.csv", recording(true));
    for promise in ["--max-error 2", "--rmse 3", "--components 4"] {
        bench.ok(&format!("fit in.csv {promise} --window 16 -o model"));
        let report = bench.json("evaluate model in.csv --mtu 60 --chain 4 --json");
        assert_ne!(report["bound_held"], false, "{report}");
        assert!(number(&report["frames"]) > ROWS / 16, "{report}");
        bench.ok("compress model in.csv --mtu 60 --chain 4 -o packed");
        assert_eq!(report["bytes"], std::fs::metadata(bench.path("packed")).unwrap().len());
        bench.ok("decompress model packed -o out.csv");
        let (found, wanted) = (cells(&bench.read("out.csv")), cells(&bench.read("in.csv")));
        assert!(found.iter().zip(&wanted).all(|(x, y)| x[1].is_empty() == y[1].is_empty()));
    }
    let report = bench.json("roundtrip in.csv --max-error 2 --mtu 100 --json");
    assert_eq!(report["bound_held"], true);
}

#[test]
fn a_file_with_its_model_needs_no_other() {
    let bench = packed("--embed-model");
    bench.ok("decompress packed -o out.csv");
    assert_eq!(bench.read("out.csv"), bench.read("in.csv"));
    bench.ok("decompress model packed -o again.csv");
    assert_eq!(bench.read("again.csv"), bench.read("in.csv"));
    bench.ok("decompress packed --from 5 --to 7 -o part.csv");
    assert_eq!(cells(&bench.read("part.csv"))[1..], cells(&bench.read("in.csv"))[6..8]);
    let model = std::fs::metadata(bench.path("model")).unwrap().len();
    assert_eq!(bench.json("inspect packed --json")["model_bytes"], model);

    bench.ok("compress model in.csv -o without");
    for options in ["", "--from 3", "--recover"] {
        let error = bench.fails(&format!("decompress without -o out.csv {options}"), 1);
        assert!(error.contains("without: no model is in the file: give the one"), "{error}");
    }
    let error = bench.fails("decompress model -o out.csv", 1);
    assert!(error.contains("this is a model: the compressed file goes behind it"), "{error}");
    bench.ok("fit in.csv --max-error 1 --window 16 -o other");
    let error = bench.fails("decompress other packed -o out.csv", 1);
    assert!(error.contains("compressed with another model"), "{error}");

    let mut bytes = std::fs::read(bench.path("packed")).unwrap();
    bytes[60] ^= 1;
    bench.file("bad", bytes);
    let error = bench.fails("decompress bad -o out.csv", 1);
    assert!(error.contains("the model in the file cannot be read"), "{error}");
    bench.ok("decompress model bad -o out.csv --recover");
    assert_eq!(bench.read("out.csv"), bench.read("in.csv"));
}

#[test]
fn some_rows_are_those_of_the_whole() {
    for options in ["", "--mtu 50 --chain 5", "--chain 1"] {
        let bench = packed(options);
        let whole = cells(&bench.read("in.csv"));
        for (from, to) in [(0, 1), (0, 3000), (15, 17), (16, 32), (1234, 1301), (2999, 3000)] {
            bench.ok(&format!("decompress model packed --from {from} --to {to} -o part.csv"));
            let part = cells(&bench.read("part.csv"));
            assert_eq!(part[0], whole[0]);
            assert_eq!(part[1..], whole[from + 1..=to], "{options} {from} {to}");
        }
        bench.ok("decompress model packed --from 2990 -o part.csv");
        assert_eq!(cells(&bench.read("part.csv"))[1..], whole[2991..]);
        bench.ok("decompress model packed --to 9 --recover -o part.csv");
        assert_eq!(cells(&bench.read("part.csv"))[..], whole[..10]);
        let file = std::fs::read(bench.path("packed")).unwrap();
        let piped = bench.run_with("decompress model - --from 40 --to 41 -o -", &file);
        assert_eq!(cells(std::str::from_utf8(&piped.stdout).unwrap())[1..], whole[41..42]);
        for options in ["--from 3000", "--from 3000 --recover"] {
            let error = bench.fails(&format!("decompress model packed {options} -o part.csv"), 1);
            assert!(error.contains("packed: --from 3000: it has rows 0 to 2999"), "{error}");
        }
        let error = bench.fails("decompress model packed --from 4 --to 4 -o part.csv", 1);
        assert!(error.contains("--from 4 --to 4: no rows"), "{error}");
    }
}

#[test]
fn damage_outside_of_the_rows_does_not_matter() {
    let bench = packed("");
    let whole = cells(&bench.read("in.csv"));
    let inspected = bench.json("inspect packed --json");
    assert!(number(&inspected["index_entries"]) >= 1, "{inspected}");
    let mut bytes = std::fs::read(bench.path("packed")).unwrap();
    let end = bytes.len();
    bytes[end - 200..].fill(0xee);
    bench.file("bad", &bytes);
    bench.fails("decompress model bad -o out.csv", 1);
    bench.ok("decompress model bad --from 100 --to 200 -o part.csv");
    assert_eq!(cells(&bench.read("part.csv"))[1..], whole[101..201]);
    let error = bench.fails("decompress model bad --from 2900 -o part.csv", 1);
    assert!(
        error.contains("rows are in damaged frames; restore the others with --recover"),
        "{error}"
    );
    let notes = bench.notes("decompress model bad --from 2500 -o part.csv --recover");
    assert!(notes.contains("rows are lost and left empty"), "{notes}");
    let part = cells(&bench.read("part.csv"));
    assert_eq!(part.len(), 501);
    assert!(part[1..100] == whole[2501..2600] && part[500].iter().all(String::is_empty));
}

/// Whatever byte is damaged, all rows whose frames can still be decoded come back in their place.
#[test]
fn damage_anywhere_costs_no_more_than_the_frames_it_hits() {
    for options in ["--chain 4", "--mtu 60 --chain 4 --embed-model"] {
        let bench = packed(options);
        let whole = cells(&bench.read("in.csv"));
        let bytes = std::fs::read(bench.path("packed")).unwrap();
        let inspected = bench.json("inspect packed --json");
        let frames = bytes.len() - 4 - number(&inspected["frame_bytes"]);
        let model = inspected["model_bytes"].as_u64().unwrap_or(0) as usize;
        let head = frames - model - number(&inspected["index_bytes"]);
        let step = (bytes.len() - frames) / 12;
        let places = [0, 4, 5, 7, 11, 14, head - 1]; // in the head
        let places =
            places.into_iter().chain([frames - 2]).chain((frames..bytes.len()).step_by(step));
        for at in places {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x40;
            bench.file("bad", bytes);
            bench.fails("decompress model bad -o out.csv", 1);
            bench.ok("decompress model bad --recover -o out.csv");
            let found = cells(&bench.read("out.csv"));
            assert_eq!(found.len(), whole.len(), "byte {at}");
            let mut lost = 0;
            for (found, wanted) in found.iter().zip(&whole) {
                let is_lost = found.iter().all(String::is_empty);
                assert!(is_lost || found == wanted, "byte {at}");
                lost += usize::from(is_lost);
            }
            // A frame, and those that go on from it.
            let most = if at < frames { 0 } else { 4 * 16 };
            assert!(lost <= most, "{options}: {lost} rows are lost with byte {at}");
        }
        if model > 0 {
            let mut bytes = bytes.clone();
            bytes[6] ^= 1;
            bench.file("bad", bytes);
            bench.ok("decompress bad --recover -o out.csv");
            assert_eq!(cells(&bench.read("out.csv")), whole);
        }
    }
}
