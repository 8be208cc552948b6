//! The promise on every recording of the shared data set, where it is there.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::path::{Path, PathBuf};
use std::thread;

use serde_json::Value;
use support::{Bench, cells, numbers};

const SENSORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/sensors");

fn recordings(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let kind = path.extension().unwrap_or_default();
        if path.is_dir() {
            recordings(&path, found);
        } else if ["csv", "txt", "npy"].iter().any(|&k| kind == k)
            && !name.contains("labels")
            && !name.contains("annotations")
        {
            found.push(path);
        }
    }
}

fn float(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Cells of a recording in the order of the model's channels, as text tools would see them.
fn restored(bench: &Bench, model: &str, packed: &str) -> Vec<Vec<f64>> {
    numbers(&cells(&bench.ok(&format!("decompress {model} {packed} -o -"))))
}

#[test]
fn the_bound_is_held_on_every_value_of_the_second_half() {
    if !Path::new(SENSORS).exists() {
        println!("skipped: {SENSORS} is not there");
        return;
    }
    let mut found = Vec::new();
    recordings(Path::new(SENSORS), &mut found);
    found.sort();
    assert!(found.len() >= 40, "{} recordings", found.len());
    // Two at a time, as the test is by far the longest.
    let halves: [Vec<_>; 2] = [0, 1].map(|half| found.iter().skip(half).step_by(2).collect());
    thread::scope(|scope| {
        for half in &halves {
            scope.spawn(|| half.iter().for_each(|path| check(path)));
        }
    });
}

fn check(path: &Path) {
    let bench = Bench::new();
    let input = path.to_str().unwrap();
    let lossless = "--max-error 1e-12 --kind f64";
    bench.ok(&format!("fit {input} --max-error 0.05 --relative --train-fraction 0.5 -o m"));
    let report = bench.json(&format!("evaluate m {input} --skip-fraction 0.5 --json"));
    assert_eq!(report["bound_held"], true, "{input}");
    assert!(float(&report["max_error"]) <= 0.05, "{input}");

    bench.ok(&format!("compress m {input} --skip-fraction 0.5 -o packed"));
    let bytes = std::fs::metadata(bench.path("packed")).unwrap().len();
    assert_eq!(report["bytes"], bytes, "{input}");
    let found = restored(&bench, "m", "packed");
    // The original in the same layout: a practically lossless model of the same file.
    bench.ok(&format!("fit {input} {lossless} --train-fraction 0.01 -o exact"));
    bench.ok(&format!("compress exact {input} --skip-fraction 0.5 -o exactly"));
    let wanted = restored(&bench, "exact", "exactly");
    assert_eq!(found.len(), wanted.len());
    for (c, channel) in report["channels"].as_array().unwrap().iter().enumerate() {
        let errors = found.iter().zip(&wanted).map(|(x, y)| (x[c] - y[c]).abs());
        let peak = errors.filter(|e| !e.is_nan()).fold(0.0, f64::max);
        assert!(peak <= float(&channel["bound"]) + 2e-12, "{input} {channel}");
        assert!((peak - float(&channel["max_error"])).abs() <= 2e-12, "{input} {channel}");
    }
    println!("{:.3} bits per value: {input}", float(&report["bits_per_value"]));
}
