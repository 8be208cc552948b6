//! What a model does to a recording, as one page that needs nothing beside itself.

use anyhow::{Context, Result};
use minijinja::Environment;
use minijinja::value::Serde;
use plotters::prelude::RGBColor;
use serde_json::{Value, json};

use crate::args::ChainArgs;
use crate::coding::{Decoded, Encoded, frame_lengths, kind_of, mode_name, parse_model};
use crate::curve::{Curve, Point};
use crate::figures::{self, Figure, Trace};
use crate::fit::spectrum;
use crate::input::Recording;
use crate::model_file::{ModelFile, Promise};
use crate::report::{Report, short};

const TEMPLATE: &str = include_str!("page.html");
/// Most channels whose traces are drawn: more make a page that phones are slow with.
const MOST_TRACES: usize = 16;
/// Values in the windows whose spectrum is shown where there are few channels.
const WINDOW_VALUES: usize = 64;

/// Longest table that is kept on one sheet of paper.
const PAPER_ROWS: usize = 32;

/// All that a page is made from.
pub(crate) struct Page<'a> {
    pub(crate) model: &'a str,
    pub(crate) recording_name: &'a str,
    pub(crate) file: &'a ModelFile,
    pub(crate) recording: &'a Recording,
    pub(crate) encoded: &'a Encoded,
    pub(crate) decoded: &'a Decoded,
    pub(crate) report: &'a Report,
    pub(crate) chain: ChainArgs,
    pub(crate) curve: &'a Curve,
}

impl Page<'_> {
    pub(crate) fn to_html(&self) -> Result<String> {
        let sections = [
            self.spectra(),
            self.traces()?,
            self.errors()?,
            self.rates()?,
            self.frames()?,
            self.ways(),
            self.channels(),
        ];
        let ink = |(name, ink): &(&str, figures::Ink)| json!({ "name": name, "light": css(ink.light), "dark": css(ink.dark) });
        let page = json!({
            "model": self.model,
            "recording": self.recording_name,
            "version": env!("CARGO_PKG_VERSION"),
            "inks": figures::INKS.iter().map(ink).collect::<Vec<_>>(),
            "promise": self.promise(),
            "verdict": self.verdict(),
            "facts": self.facts()?,
            "origin": self.origin(),
            "sections": sections,
        });
        let mut environment = Environment::new();
        // The name's ending turns on the escapes of HTML.
        environment.add_template("page.html", TEMPLATE).context("page template")?;
        let template = environment.get_template("page.html")?;
        template.render(Serde(page)).context("cannot make the page")
    }

    /// What errors are counted in.
    fn unit(&self) -> &'static str {
        if self.file.relative { "deviations" } else { "the channels' units" }
    }

    fn promise(&self) -> String {
        match self.file.promise {
            Promise::MaxError(0.0) => "every value exactly".into(),
            Promise::MaxError(e) if self.file.relative => {
                format!("every value within {} deviations of its channel", short(e))
            }
            Promise::MaxError(e) => {
                format!("every value within {}, in its channel's unit", short(e))
            }
            Promise::Rmse(e) => format!(
                "root mean square error of every window within {}, in {}",
                short(e),
                self.unit()
            ),
            Promise::Components(k) => format!("{} of each window", counted(k, "component")),
        }
    }

    fn verdict(&self) -> Value {
        let (held, text) = match (self.report.bound, self.report.is_kept()) {
            (None, _) => ("none", "no bound promised"),
            (_, true) => ("true", "held ✓"),
            (_, false) => ("false", "NOT HELD ✗"),
        };
        json!({ "held": held, "text": text })
    }

    fn facts(&self) -> Result<Value> {
        let (report, model) = (self.report, parse_model(self.file)?);
        let unit = if self.file.relative { " deviations" } else { "" };
        let missing = match report.missing {
            0 => String::new(),
            n => format!(", {n} missing"),
        };
        let components = match model.components() {
            0 => String::new(),
            k => format!(", {}", counted(k, "component")),
        };
        let mut facts = vec![
            ("Bits per value", short(report.bits_per_value)),
            (
                "Ratio",
                format!(
                    "{} to the input's {} bits, {} to f32",
                    short(report.ratio_input),
                    short(report.input_bits),
                    short(report.ratio_f32)
                ),
            ),
            ("Rows", report.rows.to_string()),
            ("Channels", report.channels.len().to_string()),
            ("Values", format!("{}{missing}", report.values)),
            ("Sample kind", kind_of(&model).to_string()),
            ("RMSE", format!("{}{unit}", short(report.rmse))),
            ("Largest error", format!("{}{unit}", short(report.max_error))),
            ("Compressed file", format!("{} bytes", report.bytes)),
            ("Frames", format!("{} of {}", report.frames, counted(model.window(), "row"))),
            (
                "Model",
                format!(
                    "{} mode{components}, {} bytes",
                    mode_name(model.mode()),
                    self.file.blob.len()
                ),
            ),
        ];
        if let Promise::Rmse(_) = self.file.promise {
            let worst = format!("{}{unit}", short(report.worst_window_rmse));
            facts.push(("Worst window's RMSE", worst));
        }
        Ok(facts.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect())
    }

    fn origin(&self) -> String {
        let deviations = if self.file.relative {
            " Deviations are those of each channel over the rows that the model learnt from."
        } else {
            ""
        };
        format!(
            "The model learnt from {} of {}. Where they are among the rows measured here, the \
             figures flatter it.{deviations} Rows are counted from 0, from the first row measured.",
            counted(self.file.train_rows, "row"),
            self.file.sources.join(", ")
        )
    }

    fn spectra(&self) -> Value {
        let unit = if self.file.relative { "units of its deviation" } else { "its own unit" };
        let (text, plots) = match self.all_spectra() {
            Ok(plots) if plots.is_empty() => {
                ("Nothing varies in these rows: there is no spectrum.".into(), plots)
            }
            Ok(plots) => {
                let text = format!(
                    "Principal components of the recording, each channel less its mean and in {unit}; a \
                     missing cell counts as the value before it. The faster the variances fall, the more \
                     the channels, and in windows the rows, have in common."
                );
                (text, plots)
            }
            Err(error) => (format!("There is no spectrum: {error:#}."), Vec::new()),
        };
        json!({
            "title": "Spectrum and explained variance", "text": text, "plots": plots, "pairs": true,
        })
    }

    /// The spectrum of the channels, and where they are few that of short windows too.
    fn all_spectra(&self) -> Result<Vec<Value>> {
        let channels = self.recording.channels();
        let rows = (WINDOW_VALUES / channels).min(parse_model(self.file)?.window());
        let rows = rows.min(self.recording.rows / 2);
        let mut plots = Vec::new();
        if channels > 1 || rows < 2 {
            plots.extend(self.spectrum(1)?);
        }
        if rows > 1 {
            plots.extend(self.spectrum(rows)?);
        }
        Ok(plots)
    }

    /// Variances and their sums over windows of so many rows; nothing if all rows are the same.
    fn spectrum(&self, rows: usize) -> Result<Vec<Value>> {
        let variances = spectrum(self.recording, self.file, rows)?;
        let largest = variances.first().copied().unwrap_or(0.0);
        if largest <= 0.0 {
            return Ok(Vec::new());
        }
        let total: f64 = variances.iter().map(|v| v / largest).sum();
        let sums = variances.iter().scan(0.0, |sum, v| {
            *sum += v / largest;
            Some(*sum / total)
        });
        let shares: Vec<f64> = sums.collect();
        let enough =
            |share| shares.iter().position(|&s| s >= share).map_or(shares.len(), |k| k + 1);
        let of = match rows {
            1 => "the channels".into(),
            _ => format!("windows of {rows} rows"),
        };
        let error = Some(self.report.rmse.powi(2)).filter(|e| *e > 0.0 && e.is_finite());
        let mut keys = vec![("original", "variance")];
        let mut note = String::new();
        if let Some(error) = error {
            keys.push(("limit", "mean square error"));
            note = format!(
                " {} of {} components lie above the mean square error of the decoded values.",
                variances.iter().filter(|&&v| v > error).count(),
                variances.len()
            );
        }
        Ok(vec![
            plot(
                &figures::scree(&variances, error)?,
                &format!("Scree plot of {of}"),
                &format!("Scree plot of {of}.{note}"),
                &keys,
            ),
            plot(
                &figures::cumulative(&shares)?,
                &format!("Cumulative explained variance of {of}"),
                &format!(
                    "Explained variance of {of}: {} components hold 90 % of it, {} hold 99 %.",
                    enough(0.9),
                    enough(0.99)
                ),
                &[],
            ),
        ])
    }

    fn traces(&self) -> Result<Value> {
        let channels = &self.report.channels;
        let mut shown: Vec<usize> = (0..channels.len()).collect();
        let in_units = |c: usize| channels[c].rmse / self.file.channels[c].unit;
        let mut text = String::from(
            "Each channel in its own unit: as a whole, near its largest error, and the error over all \
             rows. Where several rows share a place of the plot, their smallest and largest values are \
             drawn. Gaps are missing cells.",
        );
        if shown.len() > MOST_TRACES {
            shown.sort_by(|&a, &b| in_units(b).total_cmp(&in_units(a)));
            shown.truncate(MOST_TRACES);
            shown.sort_unstable();
            text = format!(
                "{text} Shown are the {MOST_TRACES} of {} channels with the largest root mean square \
                 error in {}; the table at the end has all.",
                channels.len(),
                self.unit()
            );
        }
        let plots: Result<Vec<_>> = shown.into_iter().map(|channel| self.trace(channel)).collect();
        Ok(json!({
            "title": "Original and reconstruction", "text": text, "plots": plots?, "long": true,
        }))
    }

    fn trace(&self, channel: usize) -> Result<Value> {
        let present = self.recording.present();
        let column = |values: &[f64]| -> Vec<Option<f64>> {
            let cells = values.iter().zip(&present).skip(channel).step_by(self.file.channels.len());
            cells.map(|(&x, &present)| present.then_some(x)).collect()
        };
        let spec = &self.report.channels[channel];
        let trace = Trace {
            original: &column(&self.recording.values),
            decoded: &column(&self.decoded.values),
            bound: spec.bound,
        };
        let mut keys = vec![("original", "original"), ("decoded", "decoded")];
        let bound = spec.bound.map(|bound| format!(", bound {}", short(bound)));
        if bound.is_some() {
            keys.push(("limit", "bound"));
        }
        let text = format!(
            "RMSE {}, largest error {}{}.",
            short(spec.rmse),
            short(spec.max_error),
            bound.unwrap_or_default()
        );
        let title = format!("Original, decoded and error of channel {}", spec.name);
        let mut plot = plot(&trace.figure()?, &title, &text, &keys);
        let heading = if self.file.named { "" } else { "Channel " };
        plot["heading"] = json!(format!("{heading}{}", spec.name));
        Ok(plot)
    }

    fn errors(&self) -> Result<Value> {
        let channels = &self.file.channels;
        let cells = self.recording.values.iter().zip(&self.decoded.values);
        let cells = cells.zip(self.recording.present()).zip(channels.iter().cycle());
        let errors = cells.filter(|((_, present), _)| *present).map(|(((x, y), _), channel)| {
            (y - x) / channel.bound.filter(|&bound| bound > 0.0).unwrap_or(channel.unit)
        });
        let errors: Vec<f64> = errors.collect();
        let (limit, name, unit) = match self.file.promise {
            Promise::MaxError(e) if e > 0.0 => (Some(1.0), "bound", "units of the bound"),
            Promise::MaxError(e) => (Some(e), "bound", self.unit()),
            Promise::Rmse(e) => (Some(e), "promised root mean square", self.unit()),
            Promise::Components(_) => (None, "", self.unit()),
        };
        let figure = figures::histogram(&errors, limit, &format!("error, in {unit}"))?;
        let keys = [("original", "errors"), ("limit", name)];
        let keys = if limit.is_some() { &keys[..] } else { &[] };
        let text = format!("{} errors of all channels.", errors.len());
        let plot = plot(&figure, "Histogram of errors", &text, keys);
        Ok(json!({
            "title": "Errors",
            "text": format!("How the errors, decoded less original, are spread, in {unit}."),
            "plots": [plot],
        }))
    }

    fn rates(&self) -> Result<Value> {
        let curve = self.curve;
        let place = |promise, report: &Report| match promise {
            Promise::MaxError(e) | Promise::Rmse(e) => e,
            Promise::Components(_) => report.rmse,
        };
        let held = curve.points.iter().filter_map(|point| {
            let report = point.report.as_ref().ok()?;
            Some((place(point.promise, report), report.bits_per_value))
        });
        let points: Vec<(f64, f64)> = held.collect();
        let own = (place(self.file.promise, &curve.own), curve.own.bits_per_value);
        let what = match self.file.promise {
            Promise::MaxError(_) => "largest error promised",
            Promise::Rmse(_) => "RMSE promised per window",
            Promise::Components(_) => "RMSE measured",
        };
        let figure = figures::curve(&points, own, &format!("{what}, in {}", self.unit()))?;
        let keys =
            [("original", "models fitted for this page"), ("decoded", "this model, as a ring")];
        let text = format!("Bits per value over the {what}.");
        let plot = plot(&figure, "Rate and distortion", &text, &keys);
        let rows = curve.points.iter().map(rate);
        let own = json!({
            "mark": true,
            "cells": [
                format!("{}, this model", wanted(self.file.promise)), short(curve.own.bits_per_value),
                short(curve.own.rmse), short(curve.own.max_error), kept(&curve.own),
            ],
        });
        Ok(json!({
            "title": "Rate and distortion",
            "text": format!(
                "{} They and this model were measured on {}, so that the figures of this model differ \
                 from those over all rows. The bytes of models are not counted.",
                self.fits(),
                rows_named(&curve.measured)
            ),
            "plots": [plot],
            "table": {
                "title": format!("What other promises cost; errors in {}", self.unit()),
                "head": ["promise", "bits/value", "RMSE", "largest error", "held"],
                "rows": rows.chain([own]).collect::<Vec<_>>(),
            },
        }))
    }

    /// What the page's own fits were made from.
    fn fits(&self) -> String {
        format!(
            "Models for several promises, with this model's window and sample kind, were fitted to {} of \
             this recording.",
            rows_named(&self.curve.fitted)
        )
    }

    fn frames(&self) -> Result<Value> {
        let lengths = frame_lengths(&self.encoded.bytes)?;
        let window = parse_model(self.file)?.window();
        let chain = self.chain.chain as usize;
        let (starts, rows) = (&self.encoded.starts, self.recording.rows);
        let figure = figures::frames(&lengths, starts, rows, chain)?;
        let each = figures::shows_each(lengths.len());
        let keys: &[_] = match (each, chain) {
            (true, 2..) => {
                &[("decoded", "decodes alone"), ("original", "goes on from the one before")]
            }
            (true, _) => &[("decoded", "decodes alone")],
            (false, _) => &[("original", "smallest and largest at each place")],
        };
        let (least, most) = (lengths.iter().min(), lengths.iter().max());
        let text = format!(
            "{}; the smallest has {} bytes, the largest {}.",
            counted(lengths.len(), "frame"),
            least.copied().unwrap_or(0),
            most.copied().unwrap_or(0)
        );
        let alone = match chain {
            1 => "each decodes".into(),
            _ => format!("one in {chain}, from the first on, decodes"),
        };
        let last_rows = rows - starts.last().copied().unwrap_or(0);
        let last = match last_rows % window {
            0 => String::new(),
            rows if lengths.len() > 1 => format!(" The last frame holds {}.", counted(rows, "row")),
            rows => format!(" The only frame holds {}.", counted(rows, "row")),
        };
        Ok(json!({
            "title": "Frames over time",
            "text": format!(
                "Bytes of each frame, its header included. {}; {alone} alone.{last}",
                match self.chain.mtu {
                    None => format!("A whole frame holds {}", counted(window, "row")),
                    Some(most) => format!(
                        "A frame holds as many rows as fit {}, up to {window}",
                        counted(most.into(), "byte")
                    ),
                }
            ),
            "plots": [plot(&figure, "Bytes of each frame over the rows", &text, keys)],
        }))
    }

    fn ways(&self) -> Value {
        let tried = &self.curve.tried;
        let rows = tried.iter().map(|way| {
            json!({ "cells": [
                way.what, format!("{:.3}", way.bits_per_value()), way.values.to_string(),
                way.model.to_string(),
            ]})
        });
        let note = "A model file does not record the ways that it was chosen from.";
        if tried.is_empty() {
            let text = format!("{note} A fit for this promise to this recording tries no others.");
            return json!({ "title": "Ways tried", "text": text });
        }
        json!({
            "title": "Ways tried",
            "text": format!(
                "{note} These are the ways that a fit for the same promise to {} of this recording \
                 tried; each was judged on the last of these rows, which it was not learnt from if \
                 there are enough. They need not be those that this model was chosen from.",
                rows_named(&self.curve.fitted)
            ),
            "table": {
                "title": "Ways tried, and what they cost",
                "head": ["way", "bits/value", "on values", "model bytes"],
                "rows": rows.collect::<Vec<_>>(),
            },
            "long": tried.len() > PAPER_ROWS,
        })
    }

    fn channels(&self) -> Value {
        let rows = self.report.channels.iter().map(|c| {
            let bound = c.bound.map_or("–".into(), short);
            json!({ "cells": [c.name, short(c.rmse), short(c.max_error), bound] })
        });
        json!({
            "title": "Channels",
            "text": "Errors of each channel in its own unit.",
            "long": self.report.channels.len() > PAPER_ROWS,
            "table": {
                "title": "Errors by channel",
                "head": ["channel", "RMSE", "largest error", "bound"],
                "rows": rows.collect::<Vec<_>>(),
            },
        })
    }
}

/// A figure with its name, its words and the names of its inks.
fn plot(figure: &Figure, title: &str, text: &str, keys: &[(&str, &str)]) -> Value {
    let key = |(ink, name): &(&str, &str)| json!({ "ink": ink, "name": name });
    json!({
        "width": figure.width,
        "height": figure.height,
        "shapes": figure.shapes,
        "title": title,
        "text": text,
        "keys": keys.iter().map(key).collect::<Vec<_>>(),
    })
}

/// A colour as plots write it, so that the page can find it there.
fn css(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// The figures of a promise in a row, or why there are none.
fn rate(point: &Point) -> Value {
    let promise = wanted(point.promise);
    match &point.report {
        Ok(report) => json!({ "cells": [
            promise, short(report.bits_per_value), short(report.rmse), short(report.max_error),
            kept(report),
        ]}),
        Err(error) => json!({ "cells": [promise], "note": format!("no model: {error:#}") }),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn wanted(promise: Promise) -> String {
    match promise {
        Promise::MaxError(e) | Promise::Rmse(e) => short(e),
        Promise::Components(k) => counted(k, "component"),
    }
}

fn kept(report: &Report) -> &'static str {
    match (report.bound, report.is_kept()) {
        (None, _) => "–",
        (_, true) => "yes",
        (_, false) => "NO",
    }
}

fn rows_named(rows: &std::ops::Range<usize>) -> String {
    match rows.len() {
        1 => format!("row {}", rows.start),
        _ => format!("rows {} to {}", rows.start, rows.end - 1),
    }
}
