//! What a model does to a recording, in numbers.

use std::time::Duration;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use crate::args::ChainArgs;
use crate::coding::{self, Decoded, Encoded};
use crate::input::{Kind, Recording};
use crate::model_file::{ModelFile, Promise};
use crate::progress::Console;

/// Errors of one channel, in its own unit.
pub(crate) struct ChannelReport {
    pub(crate) name: String,
    pub(crate) rmse: f64,
    pub(crate) max_error: f64,
    pub(crate) bound: Option<f64>,
}

/// Errors and sizes; see `eigenmote evaluate --help` for the meaning of the overall figures.
pub(crate) struct Report {
    pub(crate) rows: usize,
    pub(crate) values: usize,
    pub(crate) missing: usize,
    pub(crate) frames: usize,
    pub(crate) bytes: usize,
    frame_bytes: usize,
    kind: Kind,
    pub(crate) bits_per_value: f64,
    pub(crate) ratio_input: f64,
    pub(crate) ratio_f32: f64,
    pub(crate) input_bits: f64,
    pub(crate) rmse: f64,
    pub(crate) max_error: f64,
    pub(crate) worst_window_rmse: f64,
    promise: Promise,
    relative: bool,
    pub(crate) bound: Option<f64>,
    bound_held: Option<bool>,
    encode_mb_per_s: f64,
    decode_mb_per_s: f64,
    pub(crate) channels: Vec<ChannelReport>,
}

/// Compresses, decompresses and measures.
pub(crate) fn evaluate(
    file: &ModelFile,
    recording: &Recording,
    chain: ChainArgs,
    console: Console,
) -> Result<(Report, Vec<u8>, Decoded)> {
    let encoded = coding::compress(file, recording, chain, console)?;
    let (report, decoded) = judge(file, recording, &encoded, console)?;
    Ok((report, encoded.bytes, decoded))
}

/// Decompresses and measures.
pub(crate) fn judge(
    file: &ModelFile,
    recording: &Recording,
    encoded: &Encoded,
    console: Console,
) -> Result<(Report, Decoded)> {
    let decoded = coding::decompress(file, &encoded.bytes, false, console)?;
    Ok((measure(file, recording, encoded, &decoded), decoded))
}

/// A root mean square of which no square overflows or vanishes.
struct MeanSquare {
    /// A power of two near the largest value.
    scale: f64,
    sum: f64,
    count: usize,
}

impl MeanSquare {
    fn up_to(largest: f64) -> Self {
        // The bits of the exponent alone; below the normal numbers there are none.
        let power = f64::from_bits(largest.to_bits() & f64::INFINITY.to_bits());
        Self { scale: power.max(f64::MIN_POSITIVE), sum: 0.0, count: 0 }
    }

    fn push(&mut self, value: f64) {
        let scaled = value / self.scale;
        self.sum += scaled * scaled;
        self.count += 1;
    }

    fn root(&self) -> f64 {
        (self.sum / self.count.max(1) as f64).sqrt() * self.scale
    }
}

/// Compares what came out of the decoder with the recording, cell by cell.
fn measure(
    file: &ModelFile,
    recording: &Recording,
    encoded: &Encoded,
    decoded: &Decoded,
) -> Report {
    let channels = recording.channels();
    let present = recording.present();
    let errors = recording.values.iter().zip(&decoded.values).map(|(x, y)| (x - y).abs());
    let errors = || errors.clone().zip(&present).enumerate();
    let mut peaks = vec![0.0_f64; channels];
    let mut within = true;
    for (at, (error, _)) in errors().filter(|(_, (_, present))| **present) {
        let peak = &mut peaks[at % channels];
        *peak = peak.max(error);
        within &= file.channels[at % channels].bound.is_none_or(|bound| error <= bound);
    }
    let max_error = peaks.iter().zip(&file.channels).map(|(peak, spec)| peak / spec.unit);
    let max_error = max_error.fold(0.0, f64::max);
    let mut own: Vec<MeanSquare> = peaks.iter().copied().map(MeanSquare::up_to).collect();
    let mut all = MeanSquare::up_to(max_error);
    let (mut window, mut worst_window) = (MeanSquare::up_to(max_error), 0.0_f64);
    // A window is a frame.
    let mut ends = encoded.starts.iter().skip(1).chain([&recording.rows]).map(|row| row * channels);
    let mut end = ends.next();
    for (at, (error, &present)) in errors() {
        let channel = at % channels;
        if present {
            let in_units = error / file.channels[channel].unit;
            own[channel].push(error);
            all.push(in_units);
            window.push(in_units);
        }
        if Some(at + 1) == end {
            end = ends.next();
            worst_window = worst_window.max(window.root());
            window = MeanSquare::up_to(max_error);
        }
    }
    let reports = file.channels.iter().enumerate().map(|(c, spec)| ChannelReport {
        name: spec.name.clone(),
        rmse: own[c].root(),
        max_error: peaks[c],
        bound: spec.bound,
    });
    let (bound, bound_held) = match file.promise {
        Promise::MaxError(e) => (Some(e), Some(within)),
        Promise::Rmse(e) => (Some(e), Some(worst_window <= e)),
        Promise::Components(_) => (None, None),
    };
    let values = recording.values.len();
    let bits_per_value = encoded.bytes.len() as f64 * 8.0 / values as f64;
    let megabytes = values as f64 * f64::from(decoded.kind.bits()) / 8e6;
    let speed = |time: Duration| megabytes / time.as_secs_f64().max(1e-9);
    Report {
        rows: recording.rows,
        values,
        missing: values - all.count,
        frames: encoded.starts.len(),
        bytes: encoded.bytes.len(),
        frame_bytes: encoded.frame_bytes,
        kind: decoded.kind,
        bits_per_value,
        ratio_input: recording.stored_bits / bits_per_value,
        ratio_f32: 32.0 / bits_per_value,
        input_bits: recording.stored_bits,
        rmse: all.root(),
        max_error,
        worst_window_rmse: worst_window,
        promise: file.promise,
        relative: file.relative,
        bound,
        bound_held,
        encode_mb_per_s: speed(encoded.time),
        decode_mb_per_s: speed(decoded.time),
        channels: reports.collect(),
    }
}

impl Report {
    /// Whether the promise was kept; `true` if none was made.
    pub(crate) fn is_kept(&self) -> bool {
        self.bound_held != Some(false)
    }

    /// What broke the promise, if something did.
    pub(crate) fn broken(&self) -> Option<String> {
        if self.is_kept() {
            return None;
        }
        let over = |c: &&ChannelReport| c.bound.is_some_and(|bound| c.max_error > bound);
        Some(match self.channels.iter().find(over) {
            Some(c) => format!(
                "an error in channel \"{}\" is {:.6e}, its bound {:.6e}",
                c.name,
                c.max_error,
                c.bound.unwrap_or_default()
            ),
            None => format!(
                "the root mean square error of a window is {:.6e}, its bound {:.6e}",
                self.worst_window_rmse,
                self.bound.unwrap_or_default()
            ),
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        let channel = |c: &ChannelReport| json!({ "name": c.name, "rmse": c.rmse, "max_error": c.max_error, "bound": c.bound });
        json!({
            "rows": self.rows,
            "values": self.values,
            "missing": self.missing,
            "frames": self.frames,
            "bytes": self.bytes,
            "frame_bytes": self.frame_bytes,
            "kind": self.kind.to_string(),
            "bits_per_value": self.bits_per_value,
            "ratio_input": self.ratio_input,
            "ratio_f32": self.ratio_f32,
            "input_bits": self.input_bits,
            "rmse": self.rmse,
            "max_error": self.max_error,
            "worst_window_rmse": self.worst_window_rmse,
            "promise": self.promise_name(),
            "relative": self.relative,
            "bound": self.bound,
            "bound_held": self.bound_held,
            "encode_mb_per_s": self.encode_mb_per_s,
            "decode_mb_per_s": self.decode_mb_per_s,
            "channels": self.channels.iter().map(channel).collect::<Vec<_>>(),
        })
    }

    fn promise_name(&self) -> &'static str {
        match self.promise {
            Promise::MaxError(_) => "max_error",
            Promise::Rmse(_) => "rmse",
            Promise::Components(_) => "none",
        }
    }

    pub(crate) fn to_text(&self) -> String {
        let unit = if self.relative { " deviations" } else { "" };
        let mut table = plain_table();
        table.set_header(["channel", "rmse", "max error", "bound"]);
        right_align(&mut table, 1);
        for c in &self.channels {
            let bound = c.bound.map_or("-".into(), short);
            table.add_row([c.name.clone(), short(c.rmse), short(c.max_error), bound]);
        }
        let mut lines = vec![table.to_string(), String::new()];
        let mut line = |name: &str, value: String| lines.push(format!("{name:<15} {value}"));
        let missing = match self.missing {
            0 => String::new(),
            n => format!(", {n} missing"),
        };
        let channels = self.channels.len();
        line(
            "values",
            format!("{} ({} rows × {channels} channels{missing})", self.values, self.rows),
        );
        line("frames", format!("{} ({} bytes)", self.frames, self.frame_bytes));
        line("file", format!("{} bytes", self.bytes));
        line("bits per value", format!("{:.3}", self.bits_per_value));
        line(
            "ratio",
            format!(
                "{:.2} against the input's {:.3} bits, {:.2} against f32",
                self.ratio_input, self.input_bits, self.ratio_f32
            ),
        );
        line("rmse", format!("{}{unit}", short(self.rmse)));
        line("max error", format!("{}{unit}", short(self.max_error)));
        let verdict = if self.is_kept() { "held" } else { "NOT HELD" };
        match (self.promise, self.bound) {
            (Promise::Rmse(_), Some(bound)) => line(
                "bound",
                format!(
                    "{}{unit} rmse per window: {verdict} (worst {})",
                    short(bound),
                    short(self.worst_window_rmse)
                ),
            ),
            (_, Some(bound)) => {
                line("bound", format!("{}{unit}: {verdict} on every value", short(bound)));
            }
            _ => line("bound", "none promised".into()),
        }
        line("encode", format!("{:.1} MB/s", self.encode_mb_per_s));
        line("decode", format!("{:.1} MB/s", self.decode_mb_per_s));
        lines.join("\n")
    }
}

/// A table without rules.
pub(crate) fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

/// Aligns all columns from `first` on to the right.
pub(crate) fn right_align(table: &mut Table, first: usize) {
    for column in table.column_iter_mut().skip(first) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// About four digits, in the form that reads best.
pub(crate) fn short(x: f64) -> String {
    match x.abs() {
        0.0 => "0".into(),
        m if (1e-3..1e6).contains(&m) => {
            let decimals = (3 - m.log10().floor() as i32).clamp(0, 6) as usize;
            let text = format!("{x:.decimals$}");
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').into()
            } else {
                text
            }
        }
        _ => format!("{x:.3e}"),
    }
}
