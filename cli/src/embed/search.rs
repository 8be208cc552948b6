//! Nearest neighbours and analogies in files of vectors.

use std::collections::HashSet;
use std::io::Write;

use anyhow::{Context, Result, bail};
use eigenmote::embed::nearest::{densities, nearest as find, nearest_csls};
use eigenmote::embed::{Hit, Table, analogy as complete};
use serde_json::{Value, json};

use super::args::{AnalogyArgs, NearestArgs};
use super::vectors::{Vectors, text};
use crate::input::read_bytes;
use crate::progress::Console;
use crate::report::{plain_table, right_align};

/// Neighbours that make a density for CSLS.
pub(super) const CROWD: usize = 10;

/// Prints the nearest neighbours of words.
pub(crate) fn nearest(args: &NearestArgs, console: Console) -> Result<bool> {
    let mut vectors = Vectors::read(&args.vectors)?;
    vectors.normalize();
    let into = args.into.as_deref().map(Vectors::read).transpose()?;
    let ids = args.words.iter().map(|word| vectors.id(word)).collect::<Result<Vec<_>>>()?;
    let mut hits = vec![Hit::default(); args.k];
    let mut found = Vec::new();
    let table = vectors.table()?;
    if let Some(mut into) = into {
        into.normalize();
        let other = into.table()?;
        if other.dim() != table.dim() {
            bail!(
                "{} has {} values per vector, {} has {}",
                vectors.source,
                vectors.dim,
                into.source,
                into.dim
            );
        }
        let _wait = console.wait("measuring how crowded it is");
        let mut density = vec![0.0; other.len()];
        densities(&other, &table, &mut [Hit::default(); CROWD], &mut density)?;
        for &id in &ids {
            let n = nearest_csls(&other, &density, table.row(id as usize), &mut hits)?;
            found.push(named(&into, &hits[..n]));
        }
    } else {
        for &id in &ids {
            let n = find(&table, table.row(id as usize), &[id], &mut hits)?;
            found.push(named(&vectors, &hits[..n]));
        }
    }
    let queries = args.words.iter().map(String::as_str).zip(found);
    print(queries, args.json)
}

fn named(vectors: &Vectors, hits: &[Hit<f32>]) -> Vec<(String, f32)> {
    hits.iter().map(|hit| (vectors.names[hit.id as usize].clone(), hit.score)).collect()
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
    let mut vectors = Vectors::read(&args.vectors)?;
    vectors.normalize();
    if args.questions.is_some() {
        return questions(&vectors, args, console);
    }
    let [a, b, c] = &args.words[..] else { bail!("three words are needed") };
    let ids = [vectors.id(a)?, vectors.id(b)?, vectors.id(c)?];
    let mut hits = vec![Hit::default(); args.k];
    let n = complete(&vectors.table()?, ids, args.rule.into(), &mut hits)?;
    let question = format!("{a} : {b} = {c} :");
    print(std::iter::once((question.as_str(), named(&vectors, &hits[..n]))), args.json)
}

/// Right, asked and unknown questions of a section.
struct Section {
    name: String,
    right: usize,
    asked: usize,
    unknown: usize,
}

fn questions(vectors: &Vectors, args: &AnalogyArgs, console: Console) -> Result<bool> {
    let path = args.questions.as_deref().context("no questions")?;
    let (source, bytes) = read_bytes(path)?;
    let lines: Vec<&str> = text(&bytes).with_context(|| source.clone())?.lines().collect();
    let table = vectors.table()?;
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
        section.right += usize::from(first(&table, [a, b, c], args)? == Some(d));
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

fn first(table: &Table<'_, f32>, question: [u32; 3], args: &AnalogyArgs) -> Result<Option<u32>> {
    let mut hits = [Hit::default()];
    let n = complete(table, question, args.rule.into(), &mut hits)?;
    Ok((n > 0).then_some(hits[0].id))
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
