//! Model files: the library's model blob, and beside it what only the desktop needs to know.
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 4 | `EIGF` |
//! | 4 | 1 | version, 2 |
//! | 5 | 3 | zero |
//! | 8 | 4 | length of the blob |
//! | 12 | 4 | length of the description |
//! | 16 | | blob, exactly as a device takes it |
//! | | | description, JSON: channel names, deviations, units, options |
//! | | 4 | CRC-32 of everything before |

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::bytes::{Cursor, checksum, seal};
use crate::container;

const MAGIC: &[u8; 4] = b"EIGF";
const VERSION: u8 = 2;

/// What the fit promises of every decoded recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Promise {
    /// No value differs by more than this.
    MaxError(f64),
    /// The root mean square error of no window exceeds this.
    Rmse(f64),
    /// This many components, no bound.
    Components(usize),
}

impl Promise {
    /// The largest error promised in a channel, in its own unit: the largest number whose quotient
    /// by `unit` does not round above the promise.
    pub(crate) fn bound(self, unit: f64) -> Option<f64> {
        let Self::MaxError(e) = self else {
            return None;
        };
        let mut bound = e * unit;
        while bound / unit > e {
            bound = bound.next_down();
        }
        Some(bound)
    }
}

/// One channel of a model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Channel {
    pub(crate) name: String,
    /// Standard deviation over the training rows.
    pub(crate) deviation: f64,
    /// What relative errors are counted in: the deviation, or a small fixed unit where it is zero.
    pub(crate) unit: f64,
    /// Largest error promised, in the channel's own unit.
    pub(crate) bound: Option<f64>,
}

/// All that a model file holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelFile {
    pub(crate) blob: Vec<u8>,
    pub(crate) channels: Vec<Channel>,
    /// Whether the names came from a header.
    pub(crate) named: bool,
    pub(crate) promise: Promise,
    /// Whether the promise is in units of each channel's deviation.
    pub(crate) relative: bool,
    pub(crate) train_rows: usize,
    pub(crate) sources: Vec<String>,
}

impl ModelFile {
    pub(crate) fn names(&self) -> Vec<String> {
        self.channels.iter().map(|channel| channel.name.clone()).collect()
    }

    /// Checksum that ties compressed files to this model: the one at the blob's end. (That of the
    /// whole blob would be the same for all, as for any bytes that end in their own CRC.)
    pub(crate) fn tag(&self) -> u32 {
        self.blob.last_chunk().map_or(0, |&chunk| u32::from_le_bytes(chunk))
    }

    pub(crate) fn describe(&self) -> Value {
        let (kind, target) = match self.promise {
            Promise::MaxError(e) => ("max_error", json!(e)),
            Promise::Rmse(e) => ("rmse", json!(e)),
            Promise::Components(k) => ("components", json!(k)),
        };
        let channel = |c: &Channel| {
            json!({
                "name": c.name, "deviation": c.deviation, "unit": c.unit, "bound": c.bound,
            })
        };
        json!({
            "tool": concat!("eigenmote ", env!("CARGO_PKG_VERSION")),
            "promise": kind,
            "target": target,
            "relative": self.relative,
            "train_rows": self.train_rows,
            "sources": self.sources,
            "named": self.named,
            "channels": self.channels.iter().map(channel).collect::<Vec<_>>(),
        })
    }

    /// The unit of a channel, where nothing special about it asks for another.
    fn usual_unit(relative: bool, deviation: f64) -> f64 {
        if relative { deviation } else { 1.0 }
    }

    /// What the file holds of the description: a channel is its name, its deviation, and its unit
    /// if that is not the usual one. Bounds follow from the promise.
    fn stored_description(&self) -> Value {
        let channel = |c: &Channel| {
            if c.unit == Self::usual_unit(self.relative, c.deviation) {
                json!([c.name, c.deviation])
            } else {
                json!([c.name, c.deviation, c.unit])
            }
        };
        let mut value = self.describe();
        value["channels"] = self.channels.iter().map(channel).collect();
        value
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let description = self.stored_description().to_string();
        let mut out = MAGIC.to_vec();
        out.extend([VERSION, 0, 0, 0]);
        out.extend((self.blob.len() as u32).to_le_bytes());
        out.extend((description.len() as u32).to_le_bytes());
        out.extend(&self.blob);
        out.extend(description.as_bytes());
        seal(&mut out);
        out
    }

    pub(crate) fn is_at_start(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// The first model file among other bytes, by its own lengths.
    pub(crate) fn find(bytes: &[u8]) -> Option<&[u8]> {
        let at = bytes.windows(MAGIC.len()).position(|window| window == MAGIC)?;
        let (file, mut length) = (&bytes[at..], 20_usize);
        let mut cursor = Cursor::new(file.get(8..)?);
        for _ in 0..2 {
            length = length.checked_add(cursor.number(4).ok()? as usize)?;
        }
        file.get(..length)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut cursor = Cursor::new(bytes);
        if !bytes.starts_with(MAGIC) {
            if container::is_container(bytes) {
                bail!("this is a compressed file; the model goes first, then the file");
            }
            bail!("not a model written by `eigenmote fit`");
        }
        cursor.take(4)?;
        let version = cursor.number(1)?;
        if version != u64::from(VERSION) {
            bail!("version {version} of the model file is not known to this program");
        }
        cursor.take(3)?;
        let (blob, description) = (cursor.number(4)? as usize, cursor.number(4)? as usize);
        let blob = cursor.take(blob)?.to_vec();
        let description = cursor.take(description)?;
        let sum = checksum(&bytes[..cursor.at()]);
        if cursor.number(4)? != u64::from(sum) || cursor.at() != bytes.len() {
            bail!("the model file is damaged (its checksum does not match)");
        }
        let value: Value = serde_json::from_slice(description).context("damaged description")?;
        Self::from_description(blob, &value).context("the model's description lacks a field")
    }

    fn from_description(blob: Vec<u8>, value: &Value) -> Option<Self> {
        let target = value.get("target")?;
        let promise = match value.get("promise")?.as_str()? {
            "max_error" => Promise::MaxError(target.as_f64()?),
            "rmse" => Promise::Rmse(target.as_f64()?),
            "components" => Promise::Components(target.as_u64()? as usize),
            _ => return None,
        };
        let relative = value.get("relative")?.as_bool()?;
        let channel = |c: &Value| {
            let deviation = c.get(1)?.as_f64()?;
            let unit = match c.get(2) {
                Some(unit) => unit.as_f64()?,
                None => Self::usual_unit(relative, deviation),
            };
            let name = c.get(0)?.as_str()?.to_string();
            Some(Channel { name, deviation, unit, bound: promise.bound(unit) })
        };
        let sources = value.get("sources")?.as_array()?.iter();
        Some(Self {
            blob,
            channels: value
                .get("channels")?
                .as_array()?
                .iter()
                .map(channel)
                .collect::<Option<_>>()?,
            named: value.get("named")?.as_bool()?,
            promise,
            relative,
            train_rows: value.get("train_rows")?.as_u64()? as usize,
            sources: sources.map(|s| Some(s.as_str()?.to_string())).collect::<Option<_>>()?,
        })
    }
}
