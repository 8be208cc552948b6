//! Writes files beside their final place and renames them, so that a reader never sees half a file.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use npyz::WriterBuilder;

use crate::input::Kind;

/// Makes sure, before any work is done for it, that a file can be made at `path`.
pub(crate) fn check(path: &Path) -> Result<()> {
    if path == Path::new("-") || path.metadata().is_ok_and(|data| !data.is_file() && !data.is_dir())
    {
        return Ok(());
    }
    if path.is_dir() {
        bail!("cannot write {}: it is a folder; give the name of a file in it", path.display());
    }
    let about = || format!("cannot write {}", path.display());
    tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder(path)).with_context(about)?;
    Ok(())
}

/// Makes sure that files can be made in a folder, there or to be made.
pub(crate) fn check_folder(path: &Path) -> Result<()> {
    match path.ancestors().find(|folder| folder.exists()) {
        Some(there) => check(&there.join("file"))
            .with_context(|| format!("cannot write into {}", path.display())),
        None => check(Path::new("file")),
    }
}

const PREFIX: &str = ".eigenmote-";

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Calls `write` on a new file that then takes the place of `path`; `-` is standard output.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    if path == Path::new("-") {
        let mut out = BufWriter::new(io::stdout().lock());
        write(&mut out)?;
        return Ok(out.flush()?);
    }
    let about = || format!("cannot write {}", path.display());
    // A device or pipe is written in place: there is nothing to rename over.
    if path.metadata().is_ok_and(|data| !data.is_file() && !data.is_dir()) {
        let file = std::fs::OpenOptions::new().write(true).open(path).with_context(about)?;
        let mut out = BufWriter::new(file);
        write(&mut out).and_then(|()| out.flush()).with_context(about)?;
        return Ok(());
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let file = builder.tempfile_in(folder(path)).with_context(about)?;
    let mut out = BufWriter::new(file);
    write(&mut out).with_context(about)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error).with_context(about)?;
    file.persist(path).map_err(|error| error.error).with_context(about)?;
    Ok(())
}

/// Rows of samples as they come out of a decoder.
pub(crate) struct Samples<'a> {
    pub(crate) names: &'a [String],
    pub(crate) values: &'a [f64],
    /// Cells that the recording had no value for.
    pub(crate) present: &'a [bool],
    pub(crate) kind: Kind,
}

/// Comma-separated, with header, each value in the fewest digits that read back to the same `f64`.
///
/// For 32-bit floats that is more digits than an `f32` needs, but fewer would move the value for a
/// reader that works in `f64`, and with it the error that was measured.
pub(crate) fn csv(samples: &Samples<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(samples.names)?;
    let channels = samples.names.len();
    let rows = samples.values.chunks_exact(channels).zip(samples.present.chunks_exact(channels));
    for (values, present) in rows {
        for (&value, &present) in values.iter().zip(present) {
            writer.write_field(if present { value.to_string() } else { String::new() })?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()
}

/// NPY in the samples' own type; integers become `f64` where NaN has to stand for a missing cell.
pub(crate) fn npy(samples: &Samples<'_>, out: &mut dyn Write) -> io::Result<()> {
    let channels = samples.names.len();
    let shape = [(samples.values.len() / channels) as u64, channels as u64];
    let values = || {
        let cells = samples.values.iter().zip(samples.present);
        cells.map(|(&x, &present)| if present { x } else { f64::NAN })
    };
    macro_rules! write {
        ($t:ty) => {{
            let options = npyz::WriteOptions::<$t>::new().default_dtype().shape(&shape);
            let mut writer = options.writer(out).begin_nd()?;
            writer.extend(values().map(|x| x as $t))?;
            writer.finish()
        }};
    }
    match samples.kind {
        Kind::F32 => write!(f32),
        Kind::I16 if !samples.present.contains(&false) => write!(i16),
        Kind::I32 if !samples.present.contains(&false) => write!(i32),
        _ => write!(f64),
    }
}
