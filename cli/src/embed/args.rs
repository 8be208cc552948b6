//! The command line of embeddings.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use eigenmote::embed::{Analogy, Side, Weighting};

#[derive(Debug, Subcommand)]
pub(crate) enum EmbedCommand {
    /// Vectors of words, from what occurs together in texts
    ///
    /// Counts pairs of words in a window, takes their positive pointwise mutual information,
    /// factorises that at low rank. Words are runs of letters and digits, in lower case.
    #[command(after_help = WORDS_HELP)]
    Words {
        /// Texts in UTF-8; a window never spans two of them
        #[arg(required = true)]
        inputs: Vec<PathBuf>,
        #[command(flatten)]
        words: WordArgs,
        #[command(flatten)]
        factors: FactorArgs,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Vectors of documents: latent semantic analysis
    ///
    /// Counts terms, weighs them by TF-IDF, factorises at low rank.
    #[command(after_help = DOCS_HELP)]
    Docs {
        /// Texts in UTF-8, one document per line
        #[arg(required = true)]
        inputs: Vec<PathBuf>,
        #[command(flatten)]
        docs: DocArgs,
        #[command(flatten)]
        factors: FactorArgs,
        #[command(flatten)]
        out: OutArgs,
    },
    /// Vectors of the nodes of a graph
    ///
    /// By random walks that are counted as sentences are, or by the matrix that infinitely many walks
    /// give.
    #[command(after_help = NODES_HELP)]
    Nodes {
        /// Edges: two nodes and perhaps a weight per line, or an NPY array of two columns
        input: PathBuf,
        #[command(flatten)]
        nodes: NodeArgs,
        #[command(flatten)]
        factors: FactorArgs,
        #[command(flatten)]
        out: OutArgs,
    },
}

const WORDS_HELP: &str = "\
Vectors are written most frequent word first, as text: a line with the number of words and of values,
then a word and its values per line (word2vec; --format glove leaves the first line out).

Examples:
  eigenmote embed words corpus/*.txt -o vectors.txt
  eigenmote embed words sentences.txt --lines --window line --dim 64 -o vectors.txt";

const DOCS_HELP: &str = "\
Documents are named by the number of their line, from 1, or by a column of a table (--name-column 1), which
then is no part of the text.

Examples:
  eigenmote embed docs documents.txt --dim 100 -o documents.vec
  eigenmote embed docs news.tsv --text-column 3 --name-column 2 --terms terms.vec -o news.vec";

const NODES_HELP: &str = "\
With --method walks as DeepWalk, with --p or --q as node2vec; with --method netmf as NetMF. Edges go both ways. Nodes that are numbers are written in their order.

Examples:
  eigenmote embed nodes edges.csv --dim 16 -o nodes.vec
  eigenmote embed nodes edges.csv --p 0.25 --q 4 --dim 16 -o nodes.vec
  eigenmote embed nodes edges.npy --method netmf --dim 128 -o nodes.vec";

/// What is factorised of a graph.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct NodeArgs {
    /// What is factorised
    #[arg(long, value_enum, default_value_t = Method::Walks)]
    pub(crate) method: Method,
    /// Steps between two nodes that count as a pair
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) window: u32,
    /// Walks from every node
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) walks: u32,
    /// Nodes of a walk
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub(crate) length: u32,
    /// A step back has 1/P times its weight
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    pub(crate) p: f32,
    /// A step away has 1/Q times its weight
    #[arg(long, value_name = "Q", default_value_t = 1.0)]
    pub(crate) q: f32,
    /// Negative samples that the logarithm of the counts stands for
    #[arg(long, value_name = "B", default_value_t = 1.0)]
    pub(crate) negatives: f32,
    /// Eigenvectors of the graph that netmf uses
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) rank: u32,
    /// Power of the singular values in the vectors
    #[arg(long, value_name = "P", default_value_t = 0.5)]
    pub(crate) power: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    Walks,
    Netmf,
}

/// How words are counted.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct WordArgs {
    /// Words to each side that count, or `line`: all words of a line
    #[arg(long, value_name = "N", default_value = "5", value_parser = window)]
    pub(crate) window: usize,
    /// What a pair adds by its distance
    #[arg(long, value_enum, default_value_t = WeightingArg::Linear)]
    pub(crate) weighting: WeightingArg,
    /// Every line is a text of its own
    #[arg(long)]
    pub(crate) lines: bool,
    /// Words seen less often are left out
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) min_count: u32,
    /// The most frequent words only
    #[arg(long, value_name = "N")]
    pub(crate) max_words: Option<usize>,
    /// The logarithm of this is taken from the mutual information
    #[arg(long, value_name = "K", default_value_t = 1.0)]
    pub(crate) shift: f32,
    /// Power of the counts of contexts
    #[arg(long, value_name = "A", default_value_t = 0.75)]
    pub(crate) smoothing: f32,
    /// Which factors the vectors are made of
    #[arg(long, value_enum, default_value_t = SideArg::Sum)]
    pub(crate) side: SideArg,
    /// Power of the singular values in the vectors
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    pub(crate) power: f32,
}

/// How terms of documents are weighed.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct DocArgs {
    /// Column of a tab-separated table with the text, from 1; default: the whole line
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) text_column: Option<u32>,
    /// Column with the name of a document, from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), requires = "text_column")]
    pub(crate) name_column: Option<u32>,
    /// Terms that fewer documents hold are left out
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) min_documents: u32,
    /// `1 + ln tf` in place of the count `tf` of a term in a document
    #[arg(long)]
    pub(crate) sublinear: bool,
    /// Power of the singular values in the vectors of documents: 1 for `Z = U·S, Y = V`, 0 for `Z = U, Y = S·V`
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    pub(crate) power: f32,
    /// File for the vectors of the terms, `V` times the other part of the singular values
    #[arg(long, value_name = "FILE")]
    pub(crate) terms: Option<PathBuf>,
}

/// How a matrix is factorised.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct FactorArgs {
    /// Values of a vector
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) dim: u32,
    /// Largest residual of a factor, relative to the largest singular value
    #[arg(long, value_name = "E", default_value_t = 0.02)]
    pub(crate) tolerance: f32,
    /// Seed of all that is random
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Where vectors go.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct OutArgs {
    /// File of vectors to write
    #[arg(long, short, value_name = "VECTORS")]
    pub(crate) output: PathBuf,
    /// With or without a first line of sizes
    #[arg(long, value_enum, default_value_t = Format::Word2vec)]
    pub(crate) format: Format,
    /// Print one JSON object about the result
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to look for.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct NearestArgs {
    /// Vectors as text, or as a table of `export`
    pub(crate) vectors: PathBuf,
    /// Words to look for
    #[arg(required = true)]
    pub(crate) words: Vec<String>,
    /// Look at the first N values only
    #[arg(long, value_name = "N", conflicts_with = "into")]
    pub(crate) dim: Option<usize>,
    /// Neighbours of each
    #[arg(long, short, value_name = "K", default_value_t = 10)]
    pub(crate) k: usize,
    /// Look in these vectors instead, of another language on the same axes, by CSLS
    #[arg(long, value_name = "VECTORS")]
    pub(crate) into: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which analogy to complete.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct AnalogyArgs {
    /// Vectors as text, or as a table of `export`
    pub(crate) vectors: PathBuf,
    /// A B C: what is to C as B is to A?
    #[arg(num_args = 3, value_names = ["A", "B", "C"], required_unless_present = "questions")]
    pub(crate) words: Vec<String>,
    /// Answer a file of lines "A B C D" and count how often D comes first; ": name" begins a section
    #[arg(long, value_name = "FILE", conflicts_with = "words")]
    pub(crate) questions: Option<PathBuf>,
    /// Look at the first N values only
    #[arg(long, value_name = "N")]
    pub(crate) dim: Option<usize>,
    /// How an answer is scored
    #[arg(long, value_enum, default_value_t = RuleArg::Add)]
    pub(crate) rule: RuleArg,
    /// Answers
    #[arg(long, short, value_name = "K", default_value_t = 5)]
    pub(crate) k: usize,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to turn onto what.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct AlignArgs {
    /// Vectors to turn
    pub(crate) from: PathBuf,
    /// Vectors to turn them onto
    pub(crate) onto: PathBuf,
    /// Known pairs, a word of each per line; without it, none are known
    #[arg(long, value_name = "PAIRS")]
    pub(crate) dictionary: Option<PathBuf>,
    /// Rounds of finding more pairs
    #[arg(long, value_name = "N")]
    pub(crate) refine: Option<usize>,
    /// Most frequent words to find pairs among
    #[arg(long, value_name = "N", default_value_t = 4000)]
    pub(crate) frequent: usize,
    /// Do not subtract the mean vector of each language
    #[arg(long)]
    pub(crate) keep_mean: bool,
    #[command(flatten)]
    pub(crate) out: AlignOutArgs,
}

/// Where turned vectors go.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct AlignOutArgs {
    /// File for the turned vectors
    #[arg(long, short, value_name = "VECTORS")]
    pub(crate) output: PathBuf,
    /// File for the vectors they were turned onto: centred and scaled to length 1, as the others are
    #[arg(long, value_name = "VECTORS")]
    pub(crate) onto_output: Option<PathBuf>,
    /// Known pairs to measure with: how often a translation is among the first 1 and 5
    #[arg(long, value_name = "PAIRS")]
    pub(crate) test: Option<PathBuf>,
    /// With or without a first line of sizes
    #[arg(long, value_enum, default_value_t = Format::Word2vec)]
    pub(crate) format: Format,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Word2vec,
    Glove,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum WeightingArg {
    Flat,
    Linear,
    Harmonic,
}

impl From<WeightingArg> for Weighting {
    fn from(arg: WeightingArg) -> Self {
        match arg {
            WeightingArg::Flat => Self::Flat,
            WeightingArg::Linear => Self::Linear,
            WeightingArg::Harmonic => Self::Harmonic,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SideArg {
    Left,
    Right,
    Sum,
    Concat,
}

impl From<SideArg> for Side {
    fn from(arg: SideArg) -> Self {
        match arg {
            SideArg::Left => Self::Left,
            SideArg::Right => Self::Right,
            SideArg::Sum => Self::Sum,
            SideArg::Concat => Self::Concat,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RuleArg {
    Add,
    Mul,
}

impl From<RuleArg> for Analogy {
    fn from(arg: RuleArg) -> Self {
        match arg {
            RuleArg::Add => Self::Add,
            RuleArg::Mul => Self::Mul,
        }
    }
}

fn window(text: &str) -> Result<usize, String> {
    match text {
        "line" => Ok(usize::MAX),
        text => match text.parse() {
            Ok(n @ 1..=1000) => Ok(n),
            _ => Err("expected a number from 1 to 1000, or line".into()),
        },
    }
}
