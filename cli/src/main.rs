//! `eigenmote`: fits, compresses, decompresses and judges sensor recordings.
//!
//! `args` is the command line, `input` reads recordings, `fit` learns a model, `coding` drives the
//! library's encoder and decoder, `report` measures, `compare` measures general compressors beside it,
//! `page` shows it all with `curve` (what other bounds cost) and `figures` (plots), `export` writes models
//! as source code, `network` trains, imports, runs and draws from networks, `embed` learns vectors of words and documents and looks in them,
//! `commands` puts them together; `model_file` and `container` are the two file formats, `output`
//! writes files.
#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the tool allocates and may stop on a broken invariant; sizes are checked where files are read"
)]

mod args;
mod bytes;
mod coding;
mod commands;
mod compare;
mod container;
mod curve;
mod embed;
mod export;
mod figures;
mod fit;
mod input;
mod model_file;
mod network;
mod output;
mod page;
mod predictors;
mod progress;
mod report;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    match commands::run(cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whoever read our output has seen enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
