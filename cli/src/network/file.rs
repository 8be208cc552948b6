//! Model files of networks: the blob as firmware takes it, and behind it, where readers of blobs do not
//! look, a JSON object that says how its numbers relate to the data.

use std::path::Path;

use anyhow::{Context, Result, bail};
use eigenmote::nn::Blob;
use serde_json::{Value, json};

use crate::{input, output};

/// What is known of a network beside its blob.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct About {
    /// Values of the data are `offset + factor·x` for values `x` of the network.
    pub(crate) offset: f64,
    pub(crate) factor: f64,
    /// Rows and columns of a sample as an image.
    pub(crate) shape: Option<(usize, usize)>,
    /// Columns of the data.
    pub(crate) columns: Vec<String>,
    /// What it was made from.
    pub(crate) source: String,
}

impl Default for About {
    fn default() -> Self {
        Self { offset: 0.0, factor: 1.0, shape: None, columns: Vec::new(), source: String::new() }
    }
}

/// A network and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct NetFile {
    pub(crate) blob: Vec<u8>,
    pub(crate) about: About,
}

impl NetFile {
    pub(crate) fn is_at_start(bytes: &[u8]) -> bool {
        bytes.starts_with(b"EIGN")
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let blob = Blob::parse(bytes)?.bytes();
        let rest = bytes.get(blob.len()..).unwrap_or(&[]);
        let about = match rest {
            [] => About::default(),
            text => About::from_json(
                &serde_json::from_slice(text).context("what is behind the network")?,
            ),
        };
        Ok(Self { blob: blob.to_vec(), about })
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let (source, bytes) = input::read_bytes(path)?;
        if !Self::is_at_start(&bytes) {
            bail!("{source}: not a network; `eigenmote train` and `eigenmote import` make some");
        }
        Self::parse(&bytes).context(source)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let about = self.about.to_json().to_string();
        output::replace(path, |out| {
            out.write_all(&self.blob)?;
            out.write_all(about.as_bytes())
        })
    }
}

impl About {
    fn from_json(value: &Value) -> Self {
        let number = |name: &str, default: f64| {
            value.get(name).and_then(Value::as_f64).filter(|x| x.is_finite()).unwrap_or(default)
        };
        let side = |i: usize| value["shape"].get(i)?.as_u64().map(|n| n as usize);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let columns = value["columns"].as_array().into_iter().flatten().filter_map(text).collect();
        Self {
            offset: number("offset", 0.0),
            factor: number("factor", 1.0),
            shape: side(0).zip(side(1)),
            columns,
            source: text(&value["source"]).unwrap_or_default(),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "offset": self.offset, "factor": self.factor,
            "shape": self.shape.map(|(height, width)| [height, width]),
            "columns": self.columns, "source": self.source,
        })
    }

    /// A value of the data as the network sees it.
    pub(crate) fn inward(&self, x: f64) -> f32 {
        ((x - self.offset) / self.factor) as f32
    }

    /// A value of the network in the unit of the data.
    pub(crate) fn outward(&self, x: f32) -> f32 {
        if self.factor == 1.0 && self.offset == 0.0 {
            return x;
        }
        (self.offset + self.factor * f64::from(x)) as f32
    }
}
