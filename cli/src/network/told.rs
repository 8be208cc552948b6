//! What samples of a diffusion model are told: nothing, a class, or the vector of a prompt.

use std::path::Path;

use anyhow::{Context, Result, bail};
use eigenmote::embed::WordTable;
use eigenmote::nn::{Blob, Condition, Kind};

use crate::input::read_bytes;

/// Prompts that a message shows.
const SHOWN: usize = 40;

/// All that a model may be told.
pub(super) enum Told {
    /// So many classes, or 0 and so nothing.
    Classes(usize),
    Prompts(Prompts),
}

/// Prompts and their vectors.
pub(super) struct Prompts {
    source: String,
    names: Vec<String>,
    vectors: Vec<Vec<f32>>,
    /// With 16 fraction bits, as a chip makes them.
    fixed: Vec<Vec<i32>>,
}

impl Told {
    /// What a model may be told, and with the table of its prompts if it is told vectors.
    pub(super) fn of(blob: &Blob<'_>, table: Option<&Path>) -> Result<Self> {
        match (blob.vector_len(), table) {
            (0, None) => Ok(Self::Classes(blob.classes())),
            (0, Some(_)) if blob.kind() == Kind::Diffusion => {
                bail!("--prompts: this model is told no vector")
            }
            (0, Some(_)) => bail!("--prompts is for diffusion models"),
            (width, None) => bail!(
                "this model is told a vector of {width} values: give a table of prompts and their \
                 vectors with --prompts"
            ),
            (width, Some(path)) => Ok(Self::Prompts(Prompts::read(path, width)?)),
        }
    }

    /// How many things there are to tell.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => *classes,
            Self::Prompts(prompts) => prompts.names.len(),
        }
    }

    /// The one with this number; nothing beyond the last.
    pub(super) fn floats(&self, number: usize) -> Condition<'_, f32> {
        match self {
            Self::Classes(classes) => (number < *classes).then_some(number).into(),
            Self::Prompts(prompts) => vector(&prompts.vectors, number),
        }
    }

    /// [`floats`](Self::floats) for a model of integers.
    pub(super) fn integers(&self, number: usize) -> Condition<'_, i32> {
        match self {
            Self::Classes(classes) => (number < *classes).then_some(number).into(),
            Self::Prompts(prompts) => vector(&prompts.fixed, number),
        }
    }

    /// The number of a prompt.
    pub(super) fn find(&self, prompt: &str) -> Result<usize> {
        let Self::Prompts(Prompts { source, names, .. }) = self else {
            bail!("--prompt: this model is told no prompts");
        };
        let place = |text: &str| names.iter().position(|name| name == text);
        place(prompt).or_else(|| place(&prompt.to_lowercase())).with_context(|| {
            let known = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if names.len() > SHOWN { ", …" } else { "" };
            format!(
                "\"{prompt}\" is none of the {} prompts in {source}: {known}{more}",
                names.len()
            )
        })
    }
}

fn vector<T>(vectors: &[Vec<T>], number: usize) -> Condition<'_, T> {
    vectors.get(number).map_or(Condition::None, |vector| Condition::Vector(vector))
}

impl Prompts {
    fn read(path: &Path, width: usize) -> Result<Self> {
        let (source, bytes) = read_bytes(path)?;
        let table = WordTable::parse(&bytes).with_context(|| source.clone())?;
        if table.dim() != width {
            bail!("{source}: vectors of {} values, but the model is told {width}", table.dim());
        }
        if !table.has_words() {
            bail!("{source}: vectors without words");
        }
        let (mut names, mut vectors, mut fixed) = (Vec::new(), Vec::new(), Vec::new());
        for id in 0..table.len() as u32 {
            let (mut floats, mut integers) = (vec![0.0; width], vec![0; width]);
            table.vector(id, &mut floats)?;
            table.vector_fixed(id, &mut integers)?;
            names.push(table.word(id).unwrap_or_default().to_string());
            vectors.push(floats);
            fixed.push(integers);
        }
        Ok(Self { source, names, vectors, fixed })
    }
}
