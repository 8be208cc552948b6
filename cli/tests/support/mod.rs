//! Runs the tool on files in a folder of the test's own.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::must_use_candidate
)]

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// A folder for one test; removed at its end.
pub struct Bench {
    dir: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `eigenmote` in the folder with arguments parted by blanks.
    pub fn run(&self, args: &str) -> Output {
        self.run_with(args, b"")
    }

    pub fn run_with(&self, args: &str, stdin: &[u8]) -> Output {
        let mut command = Command::cargo_bin("eigenmote").unwrap();
        let args = args.split_whitespace();
        command.current_dir(self.dir.path()).args(args).write_stdin(stdin).output().unwrap()
    }

    /// Standard output of a run that succeeds.
    pub fn ok(&self, args: &str) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Standard error of a run that succeeds.
    pub fn notes(&self, args: &str) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args}: {}", stderr(&output));
        stderr(&output)
    }

    /// Standard error of a run that ends with this exit code.
    pub fn fails(&self, args: &str, code: i32) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(code), "{args}: {}", stderr(&output));
        stderr(&output)
    }

    pub fn json(&self, args: &str) -> Value {
        serde_json::from_str(&self.ok(args)).unwrap()
    }

    /// Fits on the whole of a file, compresses it and restores it as text.
    pub fn round_trip(&self, input: &str, options: &str) -> Vec<Vec<String>> {
        self.ok(&format!("fit {input} {options} -o model"));
        self.ok(&format!("compress model {input} -o packed"));
        self.ok("decompress model packed -o restored.csv");
        cells(&self.read("restored.csv"))
    }
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Cells of comma-separated text without quotes.
pub fn cells(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split(',').map(str::to_string).collect()).collect()
}

/// Numbers below the header, missing cells as NaN.
pub fn numbers(cells: &[Vec<String>]) -> Vec<Vec<f64>> {
    let number = |cell: &String| if cell.is_empty() { f64::NAN } else { cell.parse().unwrap() };
    cells.iter().skip(1).map(|row| row.iter().map(number).collect()).collect()
}

/// The project's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}
