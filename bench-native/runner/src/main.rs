//! Times eigenmote and its peers in turns, after their answers have been checked.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;

mod cell;
mod check;
mod facts;
mod memory;
mod outcome;
mod problems;
mod random;
mod report;
mod routine;
mod table;
mod timing;

use cell::Cell;
use outcome::Outcome;
use table::Table;
use timing::Effort;

/// What the command line asks for.
struct Args {
    libraries: Vec<PathBuf>,
    quick: bool,
    /// Where to write the page and its plots, if anywhere.
    write: Option<PathBuf>,
    /// Every word must occur in the name of a cell.
    filter: Vec<String>,
}

impl Args {
    fn parse() -> Result<Self> {
        let mut args = Self { libraries: vec![], quick: false, write: None, filter: vec![] };
        for word in std::env::args().skip(1) {
            if let Some(library) = word.strip_prefix("--library=") {
                args.libraries.push(library.into());
            } else if let Some(root) = word.strip_prefix("--write=") {
                args.write = Some(root.into());
            } else if word == "--quick" {
                args.quick = true;
            } else if word.starts_with('-') {
                bail!("unknown option {word}");
            } else {
                args.filter.extend(word.split_whitespace().map(str::to_lowercase));
            }
        }
        Ok(args)
    }
}

fn main() -> Result<()> {
    let args = Args::parse()?;
    let core = timing::pin_to_one_core().context("pinning to one core")?;
    let mut table = Table::default();
    for path in &args.libraries {
        table.load(path).with_context(|| format!("loading {}", path.display()))?;
    }
    if args.filter.is_empty() {
        table.absent.iter().for_each(|(who, why)| println!("absent: {who}: {why}"));
    }
    let cells: Vec<Cell> = table.cells().into_iter().filter(|c| c.matches(&args.filter)).collect();
    if cells.is_empty() {
        bail!("no cell matches {:?}", args.filter.join(" "));
    }
    let effort = if args.quick { Effort::QUICK } else { Effort::FULL };
    println!(
        "core {core}; median of up to {} turns, multiple of the fastest peer, worst error",
        effort.rounds
    );
    let mut outcomes = vec![];
    for cell in cells {
        let outcome = Outcome::of(cell, &table, effort)?;
        report::print(&outcome);
        outcomes.push(outcome);
    }
    let Some(root) = args.write else { return Ok(()) };
    let facts = facts::facts(core, &table.versions);
    let setting = report::Setting { facts, absent: &table.absent, effort, plots: "", plotted: &[] };
    report::write(&root, &outcomes, setting)
}
