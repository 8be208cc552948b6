//! A training as it stands, in a file beside the model, written as a whole or not at all.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use crc::{CRC_32_ISO_HDLC, Crc};
use eigenmote::nn::AdamSteps;

use super::learner::State;
use crate::output;

const MAGIC: [u8; 8] = *b"EIGNCKP1";
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// Where the checkpoint of a model is.
pub(super) fn path(model: &Path) -> PathBuf {
    let mut name = model.as_os_str().to_owned();
    name.push(".checkpoint");
    name.into()
}

/// What a checkpoint must agree in with the training that goes on from it.
pub(super) fn fingerprint(settings: &str, values: &[f32]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(settings.as_bytes());
    values.iter().for_each(|x| digest.update(&x.to_le_bytes()));
    digest.finalize()
}

/// Writes a checkpoint.
pub(super) fn write(path: &Path, fingerprint: u32, state: &State) -> Result<()> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(fingerprint.to_le_bytes());
    bytes.extend(state.step.to_le_bytes());
    bytes.extend(state.best_loss.to_le_bytes());
    bytes.extend(state.best_epoch.to_le_bytes());
    for count in [state.count, state.other_count] {
        bytes.extend(count.count.to_le_bytes());
        bytes.extend(count.power1.to_le_bytes());
        bytes.extend(count.power2.to_le_bytes());
    }
    for list in lists(state) {
        bytes.extend((list.len() as u64).to_le_bytes());
        bytes.extend(list.iter().flat_map(|x| x.to_le_bytes()));
    }
    bytes.extend(CRC.checksum(&bytes).to_le_bytes());
    output::replace(path, |out| out.write_all(&bytes))
}

fn lists(state: &State) -> [&Vec<f32>; 6] {
    let State { params, moments, average, other, other_moments, best, .. } = state;
    [params, moments, average, other, other_moments, best]
}

/// Reads the checkpoint of a training into a state of the right sizes; `false` if there is none.
pub(super) fn read(path: &Path, expected: u32, state: &mut State) -> Result<bool> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    restore(&bytes, expected, state).with_context(|| {
        format!("{}: cannot go on from it; leave out --resume to start afresh", path.display())
    })?;
    Ok(true)
}

fn restore(bytes: &[u8], expected: u32, state: &mut State) -> Result<()> {
    let Some((body, crc)) = bytes.split_last_chunk() else { bail!("the checkpoint ends early") };
    if CRC.checksum(body) != u32::from_le_bytes(*crc) || !body.starts_with(&MAGIC) {
        bail!("the checkpoint is damaged");
    }
    let mut rest = &body[MAGIC.len()..];
    if u32::from_le_bytes(take(&mut rest)?) != expected {
        bail!("the checkpoint is of other data or settings");
    }
    let mut found = state.clone();
    found.step = u64::from_le_bytes(take(&mut rest)?);
    found.best_loss = f32::from_le_bytes(take(&mut rest)?);
    found.best_epoch = u32::from_le_bytes(take(&mut rest)?);
    for count in [&mut found.count, &mut found.other_count] {
        *count = AdamSteps {
            count: u32::from_le_bytes(take(&mut rest)?),
            power1: f32::from_le_bytes(take(&mut rest)?),
            power2: f32::from_le_bytes(take(&mut rest)?),
        };
    }
    let State { params, moments, average, other, other_moments, best, .. } = &mut found;
    for list in [params, moments, average, other, other_moments, best] {
        if u64::from_le_bytes(take(&mut rest)?) != list.len() as u64 {
            bail!("the checkpoint is of a network of other sizes");
        }
        for x in list.iter_mut() {
            *x = f32::from_le_bytes(take(&mut rest)?);
        }
    }
    *state = found;
    Ok(())
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (own, more) = rest.split_first_chunk().context("the checkpoint ends early")?;
    *rest = more;
    Ok(*own)
}
