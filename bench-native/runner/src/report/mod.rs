//! What the runner shows and writes.

use crate::check::Verdict;
use crate::outcome::Outcome;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

mod fit;
mod group;
mod markdown;
mod page;
mod plot;
mod scaling;

use group::Group;
pub use page::Setting;

/// One cell for the terminal: nanoseconds, multiples of those of the fastest peer, errors in `ε`.
pub fn print(outcome: &Outcome) {
    println!("\n{}", outcome.cell.name());
    let best = outcome.best_peer().and_then(|m| m.ns);
    let epsilon = outcome.cell.scalar.epsilon();
    for m in &outcome.measured {
        let ratio = m.ns.zip(best).map_or(String::new(), |(ns, best)| format!("{:.2}", ns / best));
        match (m.ns, m.verdict) {
            (Some(ns), Verdict::Right(error)) => {
                println!("  {:24} {ns:12.1} ns {ratio:>8} {:10.1} ε", m.name, error / epsilon);
            }
            (_, Verdict::GaveUp(count)) => println!("  {:24} gave up on {count}", m.name),
            (_, Verdict::Wrong(error)) => {
                println!("  {:24} is wrong: {:.1} ε", m.name, error / epsilon);
            }
            (None, Verdict::Right(_)) => println!("  {:24} was not timed", m.name),
        }
    }
}

/// Where the plots are, seen from the page.
const PLOTS: &str = "docs/benchmarks";

/// Writes the page and its plots below `root`.
pub fn write(root: &Path, outcomes: &[Outcome], setting: Setting) -> Result<()> {
    let plots = root.join(PLOTS);
    fs::create_dir_all(&plots).with_context(|| format!("creating {}", plots.display()))?;
    let mut plotted = vec![];
    for group in Group::all(outcomes) {
        if let Some(svg) = plot::svg(&group)? {
            replace(&plots.join(format!("{}.svg", group.file_stem())), &svg)?;
            plotted.push(group.file_stem());
        }
    }
    let setting = Setting { plots: PLOTS, plotted: &plotted, ..setting };
    replace(&root.join("BENCHMARKS.md"), &page::page(outcomes, &setting))
}

/// Replaces a file as a whole: whoever reads it meanwhile sees the old one.
fn replace(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text).with_context(|| format!("writing {}", new.display()))?;
    fs::rename(&new, path).with_context(|| format!("replacing {}", path.display()))
}
