//! Our coder and general compressors on the same rows at the same bounds.
//!
//! Two tables: the rows as a whole, where a compressor may use all that came before, and in packets
//! that decode alone. `python` runs the compressors of others, `peers.py` is what it runs.

mod python;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::args::ChainArgs;
use crate::coding::{self, kind_of, parse_model};
use crate::input::{Kind, Recording};
use crate::model_file::ModelFile;
use crate::progress::Console;
use crate::report::{plain_table, right_align, short};
use python::{Answer, Python};

/// The compressors that `peers.py` knows.
const PEERS: [&str; 6] = ["SZ3", "zfp", "pcodec", "zstd -19", "zstd -3", "FLAC -8"];
const OURS: &str = "eigenmote";
/// Error in units of the bound that is granted to others, for rounding in floating point.
const ROUNDING: f64 = 1.0 + 1e-6;
/// Work shorter than this is timed several times.
const SHORT: Duration = Duration::from_millis(300);

const COUNTED: &str = "\
counted        eigenmote: frames as they are, with header and CRC-32, 9 to 17 bytes each;
               others: the least that decodes where shapes, types, bounds, means and steps are known. As
               a whole, that is their file without comments; in packets, the bytes of SZ3 that differ
               between packets, zfp without header, chunk and page of pcodec, FLAC's frames (with
               its CRCs; the others have none). zstd without mark, size and checksum in both";

/// What one compressor did to the rows in one way.
#[derive(Clone, Debug, PartialEq)]
struct Figures {
    way: String,
    bytes: usize,
    encode: Duration,
    decode: Duration,
    /// Largest error in units of the bound.
    max_error: f64,
}

/// One line of a table.
struct Row {
    coder: &'static str,
    /// The figures, or why there are none.
    outcome: Result<Figures, String>,
}

impl Row {
    /// Whether the bound was held; `None` without figures.
    fn held(&self) -> Option<bool> {
        let most = if self.coder == OURS { 1.0 } else { ROUNDING };
        self.outcome.as_ref().ok().map(|figures| figures.max_error <= most)
    }
}

/// Rows measured in one way of cutting them.
struct Table {
    model_bytes: usize,
    rows: Vec<Row>,
}

/// Two tables and what they are about.
pub(crate) struct Comparison {
    source: String,
    rows: usize,
    channels: usize,
    kind: Kind,
    max_error: Value,
    relative: bool,
    packet_rows: usize,
    whole: Table,
    packets: Table,
    /// Why no general compressor was measured.
    no_python: Option<String>,
}

/// Measures `rest` with our models, as a whole and for packets, and with general compressors.
pub(crate) fn compare(
    train: &Recording,
    rest: &Recording,
    models: &[ModelFile; 2],
    packet_rows: usize,
    python: &Path,
    console: Console,
) -> Result<Comparison> {
    let [whole, packets] = models;
    let description = whole.describe();
    let mut comparison = Comparison {
        source: rest.source.clone(),
        rows: rest.rows,
        channels: rest.channels(),
        kind: kind_of(&parse_model(whole)?),
        max_error: description["target"].clone(),
        relative: whole.relative,
        packet_rows,
        whole: Table {
            model_bytes: whole.blob.len(),
            rows: vec![ours(whole, rest, ChainArgs::WHOLE, console)?],
        },
        packets: Table {
            model_bytes: packets.blob.len(),
            rows: vec![ours(packets, rest, ChainArgs::ALONE, console)?],
        },
        no_python: None,
    };
    let asked = Python::new(python, rest, &bounds(whole), &means(train))?;
    let progress = console.progress("comparing", 2 * PEERS.len());
    let tables = [(&mut comparison.whole, 0), (&mut comparison.packets, packet_rows)];
    'tables: for (table, rows) in tables {
        for coder in PEERS {
            let outcome = match asked.ask(coder, rows)? {
                Answer::Measured(figures) => Ok(figures),
                Answer::Missing(package) => Err(format!("not installed: pip install {package}")),
                Answer::LeftOut(why) => Err(format!("left out: {why}")),
                Answer::NoPython(why) => {
                    comparison.no_python = Some(format!(
                        "cannot run {}: {why}; general compressors need Python 3, see --python",
                        python.display()
                    ));
                    break 'tables;
                }
            };
            table.rows.push(Row { coder, outcome });
            progress.step();
        }
    }
    Ok(comparison)
}

fn bounds(file: &ModelFile) -> Vec<f64> {
    file.channels.iter().map(|channel| channel.bound.unwrap_or(0.0)).collect()
}

/// Mean of each channel; summed after the division, so that large values do not overflow.
fn means(recording: &Recording) -> Vec<f64> {
    let mut means = vec![0.0; recording.channels()];
    for row in recording.values.chunks_exact(recording.channels()) {
        means.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / recording.rows as f64);
    }
    means
}

/// Our coder with one model.
fn ours(
    file: &ModelFile,
    recording: &Recording,
    chain: ChainArgs,
    console: Console,
) -> Result<Row> {
    let mut encoded = coding::compress(file, recording, chain, console)?;
    let mut decoded = coding::decompress(file, &encoded.bytes, false, console)?;
    if encoded.time + decoded.time < SHORT {
        for _ in 0..2 {
            let again = coding::compress(file, recording, chain, console)?;
            encoded.time = encoded.time.min(again.time);
            let again = coding::decompress(file, &encoded.bytes, false, console)?;
            decoded.time = decoded.time.min(again.time);
        }
    }
    let bounds = bounds(file);
    let cells = recording.values.iter().zip(&decoded.values).zip(recording.present());
    let errors = cells.enumerate().filter(|(_, (_, present))| *present).map(|(at, ((x, y), _))| {
        let (error, bound) = ((x - y).abs(), bounds[at % bounds.len()]);
        // Quotients may round to 1 on either side of it.
        match error / bound {
            _ if error == 0.0 => 0.0,
            ratio if error <= bound => ratio.min(1.0),
            ratio => ratio.max(1.0_f64.next_up()).min(f64::MAX),
        }
    });
    let window = parse_model(file)?.window();
    let figures = Figures {
        way: format!("windows of {window} rows"),
        bytes: encoded.frame_bytes,
        encode: encoded.time,
        decode: decoded.time,
        max_error: errors.fold(0.0, f64::max),
    };
    Ok(Row { coder: OURS, outcome: Ok(figures) })
}

impl Comparison {
    /// Whether our own promise was kept; those of others are theirs.
    pub(crate) fn is_kept(&self) -> bool {
        let rows = self.whole.rows.iter().chain(&self.packets.rows);
        rows.filter(|row| row.coder == OURS).all(|row| row.held() == Some(true))
    }

    fn values(&self) -> usize {
        self.rows * self.channels
    }

    fn bits_per_value(&self, figures: &Figures) -> f64 {
        figures.bytes as f64 * 8.0 / self.values() as f64
    }

    fn ratio(&self, figures: &Figures) -> f64 {
        f64::from(self.kind.bits()) / self.bits_per_value(figures)
    }

    fn speed(&self, time: Duration) -> f64 {
        let megabytes = self.values() as f64 * f64::from(self.kind.bits()) / 8e6;
        megabytes / time.as_secs_f64().max(1e-9)
    }

    pub(crate) fn to_json(&self) -> Value {
        let row = |row: &Row| match &row.outcome {
            Ok(figures) => json!({
                "coder": row.coder,
                "way": figures.way,
                "bytes": figures.bytes,
                "bits_per_value": self.bits_per_value(figures),
                "ratio": self.ratio(figures),
                "encode_mb_per_s": self.speed(figures.encode),
                "decode_mb_per_s": self.speed(figures.decode),
                "max_error_in_bounds": figures.max_error,
                "bound_held": row.held(),
            }),
            Err(why) => json!({ "coder": row.coder, "note": why }),
        };
        let table = |table: &Table| {
            json!({
                "model_bytes": table.model_bytes,
                "coders": table.rows.iter().map(row).collect::<Vec<_>>(),
            })
        };
        json!({
            "source": self.source,
            "rows": self.rows,
            "channels": self.channels,
            "values": self.values(),
            "kind": self.kind.to_string(),
            "max_error": self.max_error,
            "relative": self.relative,
            "packet_rows": self.packet_rows,
            "whole": table(&self.whole),
            "packets": table(&self.packets),
            "note": self.no_python,
        })
    }

    pub(crate) fn to_text(&self) -> String {
        let mut lines = vec!["As a whole".to_string(), self.table(&self.whole), String::new()];
        lines.push(format!("In packets of {} rows, each decodable alone", self.packet_rows));
        lines.extend([self.table(&self.packets), String::new()]);
        let mut line = |name: &str, value: String| lines.push(format!("{name:<14} {value}"));
        line(
            "values",
            format!("{} ({} rows × {} channels)", self.values(), self.rows, self.channels),
        );
        let bound = self.max_error.as_f64().map_or("-".into(), short);
        let unit = if self.relative { " deviations" } else { "" };
        line("bound", format!("{bound}{unit} on every value"));
        line(
            "model",
            format!(
                "{} bytes as a whole, {} bytes for packets: known to the decoder, not counted",
                self.whole.model_bytes, self.packets.model_bytes
            ),
        );
        lines.push(COUNTED.into());
        if let Some(why) = &self.no_python {
            lines.push(format!("{:<14} {why}", "left out"));
        }
        lines.join("\n")
    }

    fn table(&self, table: &Table) -> String {
        let ratio = format!("ratio to {}", self.kind);
        let mut drawn = plain_table();
        drawn.set_header([
            "coder",
            "bits/value",
            &ratio,
            "encode MB/s",
            "decode MB/s",
            "error/bound",
            "bound",
            "way",
        ]);
        right_align(&mut drawn, 1);
        for row in &table.rows {
            let cells = match &row.outcome {
                Ok(figures) => [
                    row.coder.into(),
                    format!("{:.3}", self.bits_per_value(figures)),
                    format!("{:.2}", self.ratio(figures)),
                    format!("{:.1}", self.speed(figures.encode)),
                    format!("{:.1}", self.speed(figures.decode)),
                    format!("{:.4}", figures.max_error),
                    match row.held() {
                        Some(false) => format!("broken by {}", short(figures.max_error - 1.0)),
                        _ => "held".into(),
                    },
                    figures.way.clone(),
                ],
                Err(why) => {
                    let dash = || "-".to_string();
                    [row.coder.into(), dash(), dash(), dash(), dash(), dash(), dash(), why.clone()]
                }
            };
            drawn.add_row(cells);
        }
        for column in drawn.column_iter_mut().skip(6) {
            column.set_cell_alignment(comfy_table::CellAlignment::Left);
        }
        let text = drawn.to_string();
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}
