//! The command line.

use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::embed::args::{AlignArgs, AnalogyArgs, EmbedCommand, NearestArgs};
use crate::input::Kind;
use crate::network::args::{ImportArgs, QuantizeArgs, RunArgs, SampleArgs, TrainCommand};

/// Learns how a recording behaves, compresses it within a promised error, and judges the result.
#[derive(Debug, Parser)]
#[command(name = "eigenmote", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print no notes and no progress
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

const EXAMPLES: &str = "\
Inputs are delimited text, NPY or Parquet, told apart by content; - is standard input or output.

Examples:
  eigenmote roundtrip recording.csv --max-error 0.05 --relative
  eigenmote fit recording.csv --max-error 0.5 -o model.eig
  eigenmote compress model.eig today.csv -o today.eigc
  eigenmote decompress model.eig today.eigc -o today.csv
  eigenmote evaluate model.eig today.csv --json
  eigenmote report model.eig today.csv -o report.html
  eigenmote export model.eig --rust model.rs
  eigenmote compare recording.csv --max-error 0.05 --relative
  eigenmote train vae digits.csv --skip label -o vae.eign
  eigenmote sample vae.eign -n 64 -o grid.png
  eigenmote embed words corpus.txt -o vectors.txt
  eigenmote nearest vectors.txt dog

Exit codes: 0 done, 1 failed or a bound was not held, 2 wrong usage";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fit a model to one or more recordings
    #[command(after_help = FIT_HELP)]
    Fit {
        /// Recordings; a window never spans two of them
        #[arg(required = true)]
        inputs: Vec<PathBuf>,
        #[command(flatten)]
        fit: FitArgs,
        /// Share of the rows to learn from, from the start
        #[arg(long, value_name = "F", default_value_t = 1.0, value_parser = fraction, allow_negative_numbers = true)]
        train_fraction: f64,
        /// Model file to write
        #[arg(long, short, value_name = "MODEL")]
        output: PathBuf,
    },
    /// Compress a recording with a model
    #[command(after_help = COMPRESS_HELP)]
    Compress {
        model: PathBuf,
        input: PathBuf,
        #[command(flatten)]
        part: PartArgs,
        #[command(flatten)]
        chain: ChainArgs,
        /// Put the model into the compressed file, so that it can be restored without another
        #[arg(long)]
        embed_model: bool,
        /// Compressed file to write
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// Restore a recording from a compressed file
    #[command(after_help = DECOMPRESS_HELP, allow_missing_positional = true)]
    Decompress {
        /// Model that the file was compressed with; may be left out if it is in the file
        model: Option<PathBuf>,
        /// Compressed file
        file: PathBuf,
        #[command(flatten)]
        slice: SliceArgs,
        /// File to write: .npy for an array, .csv or another name for comma-separated text
        #[arg(long, short, value_name = "OUT")]
        output: PathBuf,
        /// Restore what is intact of a damaged file; rows of damaged frames are left empty
        #[arg(long)]
        recover: bool,
    },
    /// Measure what a model does to a recording
    #[command(after_help = EVALUATE_HELP)]
    Evaluate {
        model: PathBuf,
        input: PathBuf,
        #[command(flatten)]
        part: PartArgs,
        #[command(flatten)]
        chain: ChainArgs,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Show what is in a model or a compressed file
    #[command(after_help = "Example:\n  eigenmote inspect model.eig --json")]
    Inspect {
        file: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Write a model or vectors as source code for firmware
    ///
    /// The file holds the model as a constant, its sizes, its channels by name, and a test that the
    /// firmware can call: a few samples, the frame that they must become, and what that must become; of
    /// vectors, neighbours that must be found.
    #[command(after_help = EXPORT_HELP)]
    Export {
        /// Model, vectors as text, or a table of vectors
        model: PathBuf,
        #[command(flatten)]
        export: ExportArgs,
    },
    /// Fit, compress, decompress and compare in one go
    ///
    /// Fits on the first part of a recording, compresses the rest, decompresses it, compares it
    /// with the input cell by cell and prints the report of `evaluate`.
    #[command(after_help = ROUNDTRIP_HELP)]
    Roundtrip {
        input: PathBuf,
        #[command(flatten)]
        fit: FitArgs,
        /// Share of the rows to learn from, from the start; the rest is compressed
        #[arg(long, value_name = "F", default_value_t = 0.5, value_parser = inner_fraction, allow_negative_numbers = true)]
        train_fraction: f64,
        #[command(flatten)]
        chain: ChainArgs,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        /// Folder to leave the model, the compressed and the decompressed file in
        #[arg(long, short, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Show what a model does to a recording, as a page for a browser
    ///
    /// Measures as `evaluate` does, fits models for smaller and larger errors to the first half of the
    /// rows, measures them on the second, and draws spectrum, traces, errors, costs and frames.
    #[command(after_help = REPORT_HELP)]
    Report {
        model: PathBuf,
        input: PathBuf,
        #[command(flatten)]
        part: PartArgs,
        #[command(flatten)]
        chain: ChainArgs,
        /// HTML file to write
        #[arg(long, short, value_name = "PAGE")]
        output: PathBuf,
    },
    /// Measure a recording with this and with general compressors
    ///
    /// Fits on the first part of a recording and measures on the rest, as a whole and in packets that
    /// decode alone, beside SZ3, zfp, pcodec, zstd and FLAC on the same rows at the same bounds.
    #[command(after_help = COMPARE_HELP)]
    Compare {
        input: PathBuf,
        #[command(flatten)]
        compare: CompareArgs,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Train a network that compresses or generates
    ///
    /// Rows of a table are samples. Weights are averaged over the steps, those that do best on held-out
    /// rows are kept. A training that was killed goes on with --resume and ends with the same bytes.
    #[command(subcommand, after_help = TRAIN_HELP)]
    Train(TrainCommand),
    /// Draw samples from a trained network
    #[command(after_help = SAMPLE_HELP)]
    Sample(SampleArgs),
    /// Make a model of weights that were trained elsewhere
    ///
    /// Fully connected layers with batch normalisation, which is folded into them. A graph of ONNX says what
    /// the layers are; of tensors by name all are taken in the order of their names, unless --layers says
    /// which.
    #[command(after_help = IMPORT_HELP)]
    Import(ImportArgs),
    /// Pass the rows of a file through a network
    #[command(after_help = RUN_HELP)]
    Run(RunArgs),
    /// Turn a network into 8-bit integers
    ///
    /// Scales are chosen from what goes through the network of floats, and the error against it is
    /// measured on other inputs.
    #[command(after_help = QUANTIZE_HELP)]
    Quantize(QuantizeArgs),
    /// Learn vectors of words or documents
    #[command(subcommand)]
    Embed(EmbedCommand),
    /// Find the nearest neighbours of words among vectors
    #[command(
        after_help = "Examples:\n  eigenmote nearest vectors.txt dog park -k 5\n  eigenmote nearest english-turned.txt dog --into spanish.txt"
    )]
    Nearest(NearestArgs),
    /// Complete an analogy: what is to C as B is to A
    #[command(
        after_help = "Examples:\n  eigenmote analogy vectors.txt man king woman\n  eigenmote analogy vectors.txt --questions questions-words.txt --json"
    )]
    Analogy(AnalogyArgs),
    /// Turn vectors onto those of another language
    ///
    /// By known pairs, or without any: words are then matched by how similar they are to the other words
    /// of their language, and the pairs refined.
    #[command(
        after_help = "Examples:\n  eigenmote align english.txt spanish.txt --dictionary pairs.tsv --refine 5 -o turned.txt\n  eigenmote align a.txt b.txt --test pairs.tsv -o turned.txt"
    )]
    Align(AlignArgs),
}

const FIT_HELP: &str = "\
--max-error keeps every value within E; for integers E is rounded down, and any E below 1 is lossless.
--rmse keeps the root mean square error of every window within E.
--components keeps K components of each window and promises no bound.
With --relative, E is counted in units of each channel's standard deviation over the training rows. A
channel that is constant there is counted in units of 1 if it holds whole numbers, else of the last
decimal that its text file writes (at least one millionth of its value), or else of one millionth of its
value (at least of 1).

Examples:
  eigenmote fit a.csv b.csv --max-error 0.5 -o model.eig
  eigenmote fit day.npy --columns 1,2,5 --rmse 0.1 --relative --train-fraction 0.5 -o model.eig";

const COMPRESS_HELP: &str = "\
With --mtu, the size of a radio packet, every frame gets as many rows as fit; the model's windows should be
at least as long (fit --window). A packet has room for one row as plain samples at least.

Examples:
  eigenmote compress model.eig today.csv -o today.eigc
  eigenmote compress model.eig today.csv --embed-model -o today.eigc
  eigenmote compress model.eig today.csv --mtu 200 --chain 1 -o today.eigc";

const DECOMPRESS_HELP: &str = "\
A cell that had no value comes back empty in text and as NaN in an array.

--from A --to B restores rows A up to, but not with, B, counted from 0 as those of compress --rows; either may
be left out. Only the frames from one that stands alone before these rows on are read, and of the rest of the
file no damage is noticed.

--recover restores every frame that is intact, even without header or index. What is lost is told.

Examples:
  eigenmote decompress model.eig today.eigc -o today.csv
  eigenmote decompress model.eig today.eigc --from 86400 --to 90000 -o hour.csv
  eigenmote decompress with-model.eigc -o today.csv
  eigenmote decompress model.eig today.eigc -o - | head";

const EVALUATE_HELP: &str = "\
The recording is compressed and decompressed in memory; errors are measured between the decoded values
and the input. `bytes` is the size of the file that `compress` would write. If the model was fitted with
--relative, the overall `rmse`, `max_error` and `bound` are in units of each channel's deviation, so that
they can be compared with each other; those of the channels are in the channel's own unit. Speeds are in
10^6 bytes of samples, as the model's sample type holds them, per second in the encoder and in the decoder,
reading and measuring left out. The exit code is 1 if the bound is not held.

Examples:
  eigenmote evaluate model.eig today.csv
  eigenmote evaluate model.eig all.csv --skip-fraction 0.5 --json";

const TRAIN_HELP: &str = "\
Examples:
  eigenmote train autoencoder recording.csv --hidden 32 --latent 4 -o small.eign
  eigenmote train vae digits.csv --skip label --hidden 64 --latent 8 -o vae.eign
  eigenmote train gan digits.csv --skip label -o gan.eign
  eigenmote train diffusion digits.csv --classes label --components 40 -o digits.eign
  eigenmote train diffusion digits.csv --classes label --components 40 -o digits.eign --resume";

const SAMPLE_HELP: &str = "\
Examples:
  eigenmote sample vae.eign -n 64 --seed 3 -o grid.png
  eigenmote sample vae.eign -n 80 --cols 10 --interpolate -o between.png
  eigenmote sample digits.eign --class 7 --guidance 1 --steps 20 -o sevens.png
  eigenmote sample digits8.eign -n 1000 -o samples.npy";

const IMPORT_HELP: &str = "\
Examples:
  eigenmote import classifier.onnx -o classifier.eign
  eigenmote import generator.ckpt --kind gan --layers 0:relu,2:relu,4:tanh -o generator.eign
  eigenmote import vae.pth --kind vae --encoder fc1:relu,fc21+fc22 --layers fc3:relu,fc4:sigmoid -o vae.eign
  eigenmote import mlp.safetensors --activation gelu -o mlp.eign";

const RUN_HELP: &str = "\
Examples:
  eigenmote run classifier.eign images.npy -o scores.npy
  eigenmote run vae.eign codes.csv -o samples.csv
  eigenmote run vae.eign images.npy --part encoder -o codes.npy";

const QUANTIZE_HELP: &str = "\
Examples:
  eigenmote quantize classifier.eign images.npy -o classifier8.eign
  eigenmote quantize vae.eign --decoder-only -o decoder8.eign
  eigenmote quantize digits.eign --steps 20 -o digits8.eign";

const EXPORT_HELP: &str = "\
The Rust file is a module for the crate eigenmote, without std; the C file is C99 for eigenmote.h of capi/.
Both compile without warnings. With --vectors the test has the first rows of a recording, else samples
that are made up from what the model expects.

Vectors, as text or as a table, become a table of a byte per value, which `nearest` and `analogy` read as
well, or a Rust or C file with the table and a test. A search may then look at the first values only.

Examples:
  eigenmote export model.eig --rust src/model.rs
  eigenmote export vectors.txt --table words.etab --prefixes 16,32
  eigenmote export words.etab --rust src/words.rs
  eigenmote export words.etab --c words.c
  eigenmote export model.eig --c model.c --name pump --vectors recording.csv
  eigenmote export model.eig --c - | less";

const ROUNDTRIP_HELP: &str = "\
Examples:
  eigenmote roundtrip recording.csv --max-error 0.05 --relative
  eigenmote roundtrip counts.npy --max-error 0 -o out";

const REPORT_HELP: &str = "\
The page is one file without scripts that loads nothing else; it fits phones and paper. Of recordings with
many channels it draws the 16 with the largest errors, and lists the errors of all. The exit code is 1 if
the bound is not held; the page is written all the same.

Examples:
  eigenmote report model.eig today.csv -o report.html
  eigenmote report model.eig all.csv --skip-fraction 0.5 -o report.html";

const COMPARE_HELP: &str = "\
The general compressors are measured through Python with numpy and the packages pysz (SZ3), zfpy, pcodec,
zstandard and soundfile (FLAC); those that are missing are left out. Each gets the rows in a few ways
(channels apart, one behind the other, or as a table; SZ3 and zfp as floats, the others as counts of steps
that keep the bound) and the smallest that keeps the bound is taken. What they decode is compared with the
input; a millionth of the bound is granted to them for rounding. Whole numbers may come back from them as
fractions, which allows longer steps; ours come back as whole numbers. One that takes more than two
minutes is left out.

Speeds are in 10^6 bytes of samples, as the model's sample type holds them, per second on one core, from
plain samples to bytes and back. Those of the general compressors in packets contain a call from Python for
every packet. The exit code is 1 if our own bound is not held.

Examples:
  eigenmote compare recording.csv --max-error 0.05 --relative
  eigenmote compare counts.npy --max-error 0 --packet-rows 64 --python venv/bin/python --json";

/// What to measure.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct CompareArgs {
    /// Columns to take, by name or by number from 1; default: all columns of numbers
    #[arg(long, value_name = "a,b", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Keep every value within E
    #[arg(long, value_name = "E", value_parser = not_negative, allow_negative_numbers = true)]
    pub(crate) max_error: f64,
    /// Count E in standard deviations of each channel over the training rows
    #[arg(long)]
    pub(crate) relative: bool,
    /// Share of the rows to learn from, from the start; the rest is measured
    #[arg(long, value_name = "F", default_value_t = 0.5, value_parser = inner_fraction, allow_negative_numbers = true)]
    pub(crate) train_fraction: f64,
    /// Rows of a packet
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4096), allow_negative_numbers = true)]
    pub(crate) packet_rows: u16,
    /// Python that has the packages of the general compressors
    #[arg(long, value_name = "PATH", default_value = "python3")]
    pub(crate) python: PathBuf,
}

/// What to fit.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct FitArgs {
    /// Columns to take, by name or by number from 1; default: all columns of numbers
    #[arg(long, value_name = "a,b", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Rows coded together, such as a radio packet or a device's memory holds; default: many, for recordings as a whole
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096), allow_negative_numbers = true)]
    pub(crate) window: Option<u16>,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// Count E in standard deviations of each channel
    #[arg(long)]
    pub(crate) relative: bool,
    /// Sample type of the model; default: the narrowest that holds the recording exactly
    #[arg(long, value_enum)]
    pub(crate) kind: Option<KindArg>,
    /// Most bytes that the model may take, such as a device's flash has room for
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MODEL_BYTES, allow_negative_numbers = true)]
    pub(crate) model_bytes: usize,
    /// Print what was tried and what it would have cost, on rows that it was not learnt from
    #[arg(long)]
    pub(crate) explain: bool,
}

/// Bytes of a model unless the user says otherwise.
pub(crate) const DEFAULT_MODEL_BYTES: usize = 16 << 10;

/// The promise asked for, exactly one.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct TargetArgs {
    /// Keep every value within E
    #[arg(long, value_name = "E", value_parser = not_negative, allow_negative_numbers = true)]
    pub(crate) max_error: Option<f64>,
    /// Keep the root mean square error of every window within E
    #[arg(long, value_name = "E", value_parser = positive, allow_negative_numbers = true)]
    pub(crate) rmse: Option<f64>,
    /// Keep K components of each window
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(1..=256), allow_negative_numbers = true)]
    pub(crate) components: Option<u16>,
}

/// What to write of a model.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) language: LanguageArgs,
    /// What identifiers begin with in C; default: the name of the file
    #[arg(long, value_name = "NAME", conflicts_with_all = ["rust", "table"], value_parser = c_identifier)]
    pub(crate) name: Option<String>,
    /// Recording whose first rows are the test
    #[arg(long, value_name = "RECORDING")]
    pub(crate) vectors: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

/// What to write of vectors.
#[derive(Debug, Args)]
#[group(skip)]
#[command(next_help_heading = "Of vectors")]
pub(crate) struct TableArgs {
    /// Table to write, a byte per value, for firmware to search
    #[arg(long, value_name = "FILE", group = "written")]
    pub(crate) table: Option<PathBuf>,
    /// Keep the first N values of each vector
    #[arg(long, value_name = "N")]
    pub(crate) dim: Option<usize>,
    /// Lengths that can be searched by beside the whole vector: --prefixes 16,32
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    pub(crate) prefixes: Vec<u16>,
    /// Keep the first N vectors
    #[arg(long, value_name = "N")]
    pub(crate) max_words: Option<usize>,
    /// Turn all vectors so that their first values carry the most; those of `embed` are so already
    #[arg(long)]
    pub(crate) turn: bool,
}

impl TableArgs {
    /// Whether anything is asked for that models do not have.
    pub(crate) fn is_asked(&self) -> bool {
        let Self { table, dim, prefixes, max_words, turn } = self;
        table.is_some() || dim.is_some() || !prefixes.is_empty() || max_words.is_some() || *turn
    }
}

/// The source code to write.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = clap::ArgGroup::new("written").required(true).multiple(false))]
pub(crate) struct LanguageArgs {
    /// Rust file to write
    #[arg(long, value_name = "FILE", group = "written")]
    pub(crate) rust: Option<PathBuf>,
    /// C file to write
    #[arg(long, value_name = "FILE", group = "written")]
    pub(crate) c: Option<PathBuf>,
}

impl ChainArgs {
    /// For a recording as a whole: the default.
    pub(crate) const WHOLE: Self = Self { chain: 16, mtu: None };
    /// For packets, each decodable alone.
    pub(crate) const ALONE: Self = Self { chain: 1, mtu: None };
}

/// How frames depend on each other, and how long they may be.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ChainArgs {
    /// Every N-th frame can be decoded alone, the others only after the one before; 1 for radio packets
    #[arg(long, value_name = "N", default_value_t = Self::WHOLE.chain, value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    pub(crate) chain: u32,
    /// No frame takes more bytes, as for radio packets: each gets as many rows as fit, up to a window
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    pub(crate) mtu: Option<u16>,
}

/// Which rows of a compressed file to restore.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SliceArgs {
    /// First row to restore, counted from 0
    #[arg(long, value_name = "ROW", allow_negative_numbers = true)]
    pub(crate) from: Option<usize>,
    /// Row to stop before, counted from 0
    #[arg(long, value_name = "ROW", allow_negative_numbers = true)]
    pub(crate) to: Option<usize>,
}

impl SliceArgs {
    /// The rows asked for, if not all of them.
    pub(crate) fn range(self) -> Option<Range<usize>> {
        let all = self.from.is_none() && self.to.is_none();
        (!all).then(|| self.from.unwrap_or(0)..self.to.unwrap_or(usize::MAX))
    }
}

/// Which cells of a recording to use.
#[derive(Debug, Args)]
pub(crate) struct PartArgs {
    /// Columns that stand for the model's channels, in their order; default: those of the same names
    #[arg(long, value_name = "a,b", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Rows A up to, but not with, B, counted from 0; either may be left out
    #[arg(long, value_name = "A:B", value_parser = row_range, allow_hyphen_values = true, conflicts_with = "skip_fraction")]
    pub(crate) rows: Option<Range<usize>>,
    /// Leave out this share of the rows at the start, as `fit --train-fraction` would take it
    #[arg(long, value_name = "F", value_parser = skipped_fraction, allow_negative_numbers = true)]
    pub(crate) skip_fraction: Option<f64>,
}

impl PartArgs {
    /// The chosen rows of a recording of `rows` rows.
    pub(crate) fn range(&self, rows: usize) -> Range<usize> {
        match (&self.rows, self.skip_fraction) {
            (Some(range), _) => range.clone(),
            (None, Some(fraction)) => share(rows, fraction)..rows,
            (None, None) => 0..rows,
        }
    }
}

/// The number of rows that make up a share: one rule for taking and for skipping.
pub(crate) fn share(rows: usize, fraction: f64) -> usize {
    (rows as f64 * fraction + 1e-9).floor() as usize
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KindArg {
    I16,
    I32,
    F32,
    F64,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::I16 => Self::I16,
            KindArg::I32 => Self::I32,
            KindArg::F32 => Self::F32,
            KindArg::F64 => Self::F64,
        }
    }
}

fn number(text: &str, ok: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() && ok(x) => Ok(x),
        _ => Err(format!("expected {wanted}")),
    }
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text, |x| x >= 0.0, "a number that is not negative")
}

fn positive(text: &str) -> Result<f64, String> {
    number(text, |x| x > 0.0, "a number above 0")
}

fn fraction(text: &str) -> Result<f64, String> {
    number(text, |x| x > 0.0 && x <= 1.0, "a number above 0 and up to 1")
}

fn inner_fraction(text: &str) -> Result<f64, String> {
    number(text, |x| x > 0.0 && x < 1.0, "a number between 0 and 1")
}

fn skipped_fraction(text: &str) -> Result<f64, String> {
    number(text, |x| (0.0..1.0).contains(&x), "a number from 0 to below 1")
}

fn c_identifier(text: &str) -> Result<String, String> {
    let letters = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if letters && text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        Ok(text.to_string())
    } else {
        Err("expected letters, digits and underscores, beginning with a letter".into())
    }
}

fn row_range(text: &str) -> Result<Range<usize>, String> {
    let wanted = || "expected A:B, for example 100:200, 100: or :200".to_string();
    let (from, to) = text.split_once(':').ok_or_else(wanted)?;
    let bound = |text: &str, default| match text {
        "" => Ok(default),
        text => text.parse().map_err(|_| wanted()),
    };
    let range = bound(from, 0)?..bound(to, usize::MAX)?;
    if range.is_empty() { Err("the range holds no rows".into()) } else { Ok(range) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn row_ranges_may_leave_out_either_end() {
        assert_eq!(row_range("3:8"), Ok(3..8));
        assert_eq!(row_range(":8"), Ok(0..8));
        assert_eq!(row_range("3:"), Ok(3..usize::MAX));
        assert!(row_range("8:3").is_err());
        assert!(row_range("8").is_err());
    }

    #[test]
    fn a_share_taken_and_a_share_skipped_meet() {
        assert_eq!(share(10, 0.7), 7);
        assert_eq!(share(7, 0.5), 3);
        assert_eq!(share(10, 1.0), 10);
    }
}
