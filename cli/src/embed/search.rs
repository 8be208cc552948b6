//! Nearest neighbours and analogies in files of vectors.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use eigenmote::embed::nearest::{densities, nearest as find, nearest_csls};
use eigenmote::embed::table::{MUL_ONE, ONE};
use eigenmote::embed::{Analogy, Hit, Table, WordTable, analogy as complete};
use serde_json::{Value, json};

use super::args::{AnalogyArgs, NearestArgs};
use super::table;
use super::vector_text::text;
use super::vectors::Vectors;
use crate::input::read_bytes;
use crate::progress::Console;
use crate::report::{plain_table, right_align};

/// Neighbours that make a density for CSLS.
pub(super) const CROWD: usize = 10;

/// Something found: its number and its score.
type Found = (u32, f32);

/// What can be searched: vectors as text in floats, tables in integers, as a chip does it.
trait Search {
    fn source(&self) -> &str;
    fn len(&self) -> usize;
    /// The number of a name as it is or in lower case.
    fn find(&self, name: &str) -> Option<u32>;
    fn name(&self, id: u32) -> String;
    fn nearest(&self, id: u32, k: usize) -> Result<Vec<Found>>;
    fn analogy(&self, question: [u32; 3], rule: Analogy, k: usize) -> Result<Vec<Found>>;

    /// The number of a name that must be there.
    fn id(&self, name: &str) -> Result<u32> {
        self.find(name).with_context(|| {
            format!("\"{name}\" is none of the {} names in {}", self.len(), self.source())
        })
    }

    fn named(&self, found: Vec<Found>) -> Vec<(String, f32)> {
        found.into_iter().map(|(id, score)| (self.name(id), score)).collect()
    }
}

/// Vectors of length 1 in floats.
struct Floats<'a> {
    vectors: &'a Vectors,
    table: Table<'a, f32>,
}

impl Search for Floats<'_> {
    fn source(&self) -> &str {
        &self.vectors.source
    }
    fn len(&self) -> usize {
        self.vectors.len()
    }
    fn find(&self, name: &str) -> Option<u32> {
        self.vectors.find(name)
    }
    fn name(&self, id: u32) -> String {
        self.vectors.names[id as usize].clone()
    }
    fn nearest(&self, id: u32, k: usize) -> Result<Vec<Found>> {
        let mut hits = vec![Hit::default(); k];
        let n = find(&self.table, self.table.row(id as usize), &[id], &mut hits)?;
        Ok(hits[..n].iter().map(|hit| (hit.id, hit.score)).collect())
    }
    fn analogy(&self, question: [u32; 3], rule: Analogy, k: usize) -> Result<Vec<Found>> {
        let mut hits = vec![Hit::default(); k];
        let n = complete(&self.table, question, rule, &mut hits)?;
        Ok(hits[..n].iter().map(|hit| (hit.id, hit.score)).collect())
    }
}

/// A table.
struct Bytes<'a> {
    source: &'a str,
    table: WordTable<'a>,
}

/// Scores in units of `1/unit`.
fn scored(hits: &[Hit<i32>], unit: i32) -> Vec<Found> {
    hits.iter().map(|hit| (hit.id, (f64::from(hit.score) / f64::from(unit)) as f32)).collect()
}

impl Search for Bytes<'_> {
    fn source(&self) -> &str {
        self.source
    }
    fn len(&self) -> usize {
        self.table.len()
    }
    fn find(&self, name: &str) -> Option<u32> {
        if !self.table.has_words() {
            return name.parse().ok().filter(|&id: &u32| (id as usize) < self.table.len());
        }
        self.table.id(name).or_else(|| self.table.id(&name.to_lowercase()))
    }
    fn name(&self, id: u32) -> String {
        table::name(&self.table, id)
    }
    fn nearest(&self, id: u32, k: usize) -> Result<Vec<Found>> {
        let mut hits = vec![Hit::default(); k];
        let n = self.table.nearest(id, &mut hits)?;
        Ok(scored(&hits[..n], ONE))
    }
    fn analogy(&self, question: [u32; 3], rule: Analogy, k: usize) -> Result<Vec<Found>> {
        let mut hits = vec![Hit::default(); k];
        let n = self.table.analogy(question, rule, &mut hits)?;
        Ok(scored(&hits[..n], if rule == Analogy::Mul { MUL_ONE } else { ONE }))
    }
}

/// Opens vectors or a table, of which perhaps only the first values count.
fn search<R>(
    path: &Path,
    dim: Option<usize>,
    work: impl FnOnce(&dyn Search) -> Result<R>,
) -> Result<R> {
    let (source, bytes) = read_bytes(path)?;
    if table::is_table(&bytes) {
        let mut table = table::parse(&source, &bytes)?;
        if let Some(dim) = dim {
            let lengths: Vec<_> = table.prefixes().map(|n| n.to_string()).collect();
            table = table.prefix(dim).with_context(|| {
                format!("--dim {dim}: {source} can be searched by {} values", lengths.join(", "))
            })?;
        }
        return work(&Bytes { source: &source, table });
    }
    let mut vectors = Vectors::from_bytes(source, &bytes)?;
    if let Some(dim) = dim {
        vectors = vectors.prefix(dim)?;
    }
    vectors.normalize();
    work(&Floats { vectors: &vectors, table: vectors.table()? })
}

/// Prints the nearest neighbours of words.
pub(crate) fn nearest(args: &NearestArgs, console: Console) -> Result<bool> {
    let found = match &args.into {
        Some(into) => translate(args, into, console)?,
        None => search(&args.vectors, args.dim, |vectors| {
            let ids = args.words.iter().map(|word| vectors.id(word)).collect::<Result<Vec<_>>>()?;
            ids.into_iter().map(|id| Ok(vectors.named(vectors.nearest(id, args.k)?))).collect()
        })?,
    };
    let queries = args.words.iter().map(String::as_str).zip(found);
    print(queries, args.json)
}

/// The nearest neighbours among other vectors.
fn translate(args: &NearestArgs, into: &Path, console: Console) -> Result<Vec<Vec<(String, f32)>>> {
    let (mut vectors, mut into) = (Vectors::read(&args.vectors)?, Vectors::read(into)?);
    vectors.normalize();
    into.normalize();
    let (own, other) = (vectors.table()?, into.table()?);
    let (own, other) =
        (Floats { vectors: &vectors, table: own }, Floats { vectors: &into, table: other });
    let ids = args.words.iter().map(|word| own.id(word)).collect::<Result<Vec<_>>>()?;
    if other.table.dim() != own.table.dim() {
        bail!(
            "{} has {} values per vector, {} has {}",
            vectors.source,
            vectors.dim,
            into.source,
            into.dim
        );
    }
    let _wait = console.wait("measuring how crowded it is");
    let mut density = vec![0.0; other.table.len()];
    densities(&other.table, &own.table, &mut [Hit::default(); CROWD], &mut density)?;
    let mut hits = vec![Hit::default(); args.k];
    ids.into_iter()
        .map(|id| {
            let n = nearest_csls(&other.table, &density, own.table.row(id as usize), &mut hits)?;
            Ok(other.named(hits[..n].iter().map(|hit| (hit.id, hit.score)).collect()))
        })
        .collect()
}

fn print<'a>(
    found: impl Iterator<Item = (&'a str, Vec<(String, f32)>)>,
    json: bool,
) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    if json {
        let list = |hits: Vec<(String, f32)>| -> Vec<Value> {
            hits.iter().map(|(name, score)| json!({ "name": name, "score": score })).collect()
        };
        let all: Vec<Value> =
            found.map(|(query, hits)| json!({ "query": query, "found": list(hits) })).collect();
        writeln!(out, "{}", json!({ "results": all }))?;
        return Ok(true);
    }
    for (query, hits) in found {
        writeln!(out, "{query}")?;
        let mut table = plain_table();
        for (name, score) in hits {
            table.add_row([name, format!("{score:.4}")]);
        }
        right_align(&mut table, 1);
        writeln!(out, "{table}")?;
    }
    Ok(true)
}

/// Completes an analogy, or measures with a file of them.
pub(crate) fn analogy(args: &AnalogyArgs, console: Console) -> Result<bool> {
    search(&args.vectors, args.dim, |vectors| {
        if args.questions.is_some() {
            return questions(vectors, args, console);
        }
        let [a, b, c] = &args.words[..] else { bail!("three words are needed") };
        let ids = [vectors.id(a)?, vectors.id(b)?, vectors.id(c)?];
        let found = vectors.named(vectors.analogy(ids, args.rule.into(), args.k)?);
        let question = format!("{a} : {b} = {c} :");
        print(std::iter::once((question.as_str(), found)), args.json)
    })
}

/// Right, asked and unknown questions of a section.
struct Section {
    name: String,
    right: usize,
    asked: usize,
    unknown: usize,
}

fn questions(vectors: &dyn Search, args: &AnalogyArgs, console: Console) -> Result<bool> {
    let path = args.questions.as_deref().context("no questions")?;
    let (source, bytes) = read_bytes(path)?;
    let lines: Vec<&str> = text(&bytes).with_context(|| source.clone())?.lines().collect();
    let progress = console.progress("answering", lines.len());
    let mut sections: Vec<Section> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        progress.step();
        if let Some(name) = line.strip_prefix(':') {
            sections.push(Section { name: name.trim().into(), right: 0, asked: 0, unknown: 0 });
            continue;
        }
        let words: Vec<_> = line.split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        let [a, b, c, d] = words[..] else {
            bail!("{source}: line {}: four words are expected, not {}", number + 1, words.len())
        };
        if sections.is_empty() {
            sections.push(Section { name: "all".into(), right: 0, asked: 0, unknown: 0 });
        }
        let Some(section) = sections.last_mut() else { continue };
        let found = [a, b, c, d].map(|word| vectors.find(word));
        let [Some(a), Some(b), Some(c), Some(d)] = found else {
            section.unknown += 1;
            continue;
        };
        section.asked += 1;
        let answers = vectors.analogy([a, b, c], args.rule.into(), 1)?;
        section.right += usize::from(answers.first().is_some_and(|&(id, _)| id == d));
    }
    drop(progress);
    let sum = |of: fn(&Section) -> usize| sections.iter().map(of).sum::<usize>();
    let (right, asked, unknown) = (sum(|s| s.right), sum(|s| s.asked), sum(|s| s.unknown));
    let share = |right: usize, asked: usize| right as f64 / asked.max(1) as f64;
    let mut out = std::io::stdout().lock();
    if args.json {
        let sections: Vec<_> = sections
            .iter()
            .map(|s| json!({ "name": s.name, "right": s.right, "asked": s.asked, "unknown": s.unknown }))
            .collect();
        let value = json!({
            "right": right, "asked": asked, "unknown": unknown, "accuracy": share(right, asked), "sections": sections
        });
        writeln!(out, "{value}")?;
        return Ok(true);
    }
    let mut shown = plain_table();
    shown.set_header(["section", "right", "asked", "unknown", "accuracy"]);
    let mut add = |name: &str, right, asked, unknown: usize| {
        let accuracy = format!("{:.3}", share(right, asked));
        let cells =
            [name.to_string(), right.to_string(), asked.to_string(), unknown.to_string(), accuracy];
        shown.add_row(cells);
    };
    for s in &sections {
        add(&s.name, s.right, s.asked, s.unknown);
    }
    add("all", right, asked, unknown);
    right_align(&mut shown, 1);
    writeln!(out, "{shown}")?;
    Ok(true)
}

/// The share of words with a right answer among their first 1 and 5, by CSLS from the first table to
/// the second, and how many words were asked.
pub(super) fn precision(
    from: &Table<'_, f32>,
    onto: &Table<'_, f32>,
    pairs: &[[u32; 2]],
) -> Result<(f64, f64, usize)> {
    let mut density = vec![0.0; onto.len()];
    densities(onto, from, &mut [Hit::default(); CROWD], &mut density)?;
    let right: HashSet<[u32; 2]> = pairs.iter().copied().collect();
    let mut words: Vec<u32> = pairs.iter().map(|&[a, _]| a).collect();
    words.sort_unstable();
    words.dedup();
    let (mut first, mut among, mut hits) = (0, 0, [Hit::default(); 5]);
    for &word in &words {
        let n = nearest_csls(onto, &density, from.row(word as usize), &mut hits)?;
        let place = hits[..n].iter().position(|hit| right.contains(&[word, hit.id]));
        first += usize::from(place == Some(0));
        among += usize::from(place.is_some());
    }
    let share = |n: usize| n as f64 / words.len().max(1) as f64;
    Ok((share(first), share(among), words.len()))
}
