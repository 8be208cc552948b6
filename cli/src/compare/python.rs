//! Asks a Python interpreter to measure one general compressor.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Figures;
use crate::input::{Kind, Recording};
use crate::output::{self, Samples};

const SCRIPT: &str = include_str!("peers.py");
/// How long one compressor may take for one table.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a running interpreter is looked after.
const LOOK: Duration = Duration::from_millis(10);
/// Characters of foreign text that go into a message.
const QUOTED: usize = 200;

/// What came of a request.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Measured(Figures),
    /// This package is not installed.
    Missing(String),
    /// Why there are no figures.
    LeftOut(String),
    /// Why the interpreter did not start.
    NoPython(String),
}

/// An interpreter, and a folder with all that it reads.
pub(super) struct Python<'a> {
    program: &'a Path,
    folder: TempDir,
}

impl<'a> Python<'a> {
    /// Lays down the script, the rows and the request.
    pub(super) fn new(
        program: &'a Path,
        rows: &Recording,
        bounds: &[f64],
        means: &[f64],
    ) -> Result<Self> {
        let about = "cannot write temporary files";
        let folder = tempfile::tempdir().context(about)?;
        let data = folder.path().join("rows.npy");
        let present = vec![true; rows.values.len()];
        let samples = Samples {
            names: &rows.names,
            values: &rows.values,
            present: &present,
            kind: Kind::F64,
        };
        output::replace(&data, |out| output::npy(&samples, out))?;
        let request = json!({ "data": data.to_str(), "bounds": bounds, "means": means });
        std::fs::write(folder.path().join("request.json"), request.to_string()).context(about)?;
        std::fs::write(folder.path().join("peers.py"), SCRIPT).context(about)?;
        Ok(Self { program, folder })
    }

    /// Figures of one compressor on packets of `rows` rows, or on all rows at once if that is 0.
    pub(super) fn ask(&self, peer: &str, rows: usize) -> Result<Answer> {
        let mut command = Command::new(self.program);
        command
            .arg(self.folder.path().join("peers.py"))
            .arg(self.folder.path().join("request.json"))
            .args([peer, &rows.to_string()])
            .env("PYTHONIOENCODING", "utf-8")
            .env("OMP_NUM_THREADS", "1");
        match run(&mut command, PATIENCE) {
            Ok(Ended::Done(text)) => read(&text).with_context(|| {
                let text: String = text.trim().chars().take(QUOTED).collect();
                format!(
                    "{} did not answer with a result for {peer}, but with {text:?}",
                    self.program.display()
                )
            }),
            Ok(Ended::Failed(why)) => Ok(Answer::LeftOut(why)),
            Err(error) => Ok(Answer::NoPython(match error.kind() {
                ErrorKind::NotFound => "not found".into(),
                _ => error.to_string(),
            })),
        }
    }
}

fn read(text: &str) -> Result<Answer> {
    let value: Value = serde_json::from_str(text.trim())?;
    let word = |key| value.get(key).and_then(Value::as_str).map(str::to_string);
    if let Some(package) = word("missing") {
        return Ok(Answer::Missing(package));
    }
    if let Some(why) = word("unfit") {
        return Ok(Answer::LeftOut(why));
    }
    let number = |key: &str| match value.get(key).and_then(Value::as_f64) {
        Some(x) if x >= 0.0 => Ok(x),
        _ => bail!("\"{key}\" is not a number from 0"),
    };
    let time = |key| Ok::<_, anyhow::Error>(Duration::try_from_secs_f64(number(key)?)?);
    Ok(Answer::Measured(Figures {
        way: word("way").context("\"way\" is not text")?,
        bytes: value.get("bytes").and_then(Value::as_u64).context("\"bytes\" is not a size")?
            as usize,
        encode: time("encode_seconds")?,
        decode: time("decode_seconds")?,
        max_error: number("max_error")?,
    }))
}

enum Ended {
    /// Standard output.
    Done(String),
    Failed(String),
}

/// Runs a program that is killed when it takes too long.
fn run(command: &mut Command, patience: Duration) -> std::io::Result<Ended> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (out, errors) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > patience {
            stop(&mut child);
            return Ok(Ended::Failed(format!("stopped after {} s", patience.as_secs_f64())));
        }
        thread::sleep(LOOK);
    };
    if status.success() {
        return Ok(Ended::Done(out.recv().unwrap_or_default()));
    }
    let errors = errors.recv().unwrap_or_default();
    let last = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let last: String = last.trim().chars().take(QUOTED).collect();
    Ok(Ended::Failed(format!("failed with {status}: {last}")))
}

fn stop(child: &mut Child) {
    // It may have ended by itself meanwhile.
    child.kill().ok();
    child.wait().ok();
}

/// Reads a pipe to its end beside the rest, so that nobody waits for room in it.
fn collect(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before an error is all that there is.
            pipe.read_to_end(&mut bytes).ok();
        }
        send.send(String::from_utf8_lossy(&bytes).into_owned()).ok();
    });
    receive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_others_refused() {
        let good = r#"{"way": "a", "bytes": 7, "encode_seconds": 0.5, "decode_seconds": 0.25, "max_error": 1}"#;
        let Answer::Measured(figures) = read(good).unwrap() else { panic!("no figures") };
        assert_eq!((figures.bytes, figures.encode), (7, Duration::from_millis(500)));
        assert_eq!(read(r#"{"missing": "x"}"#).unwrap(), Answer::Missing("x".into()));
        assert_eq!(read(r#"{"unfit": "x"}"#).unwrap(), Answer::LeftOut("x".into()));
        let broken =
            [("7,", "-7,"), ("7,", "\"7\","), ("0.5", "NaN"), ("0.25", "-1"), ("\"a\"", "1")];
        for (from, to) in broken {
            assert!(read(&good.replace(from, to)).is_err(), "{to}");
        }
        assert!(read("").is_err() && read("{}").is_err() && read("[1]").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_takes_too_long_is_stopped() {
        let started = Instant::now();
        let ended = run(Command::new("sleep").arg("20"), Duration::from_millis(100)).unwrap();
        assert!(matches!(ended, Ended::Failed(why) if why == "stopped after 0.1 s"));
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}
