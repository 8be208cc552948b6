//! The words of this repository: what its sources and pages say of themselves.
#![allow(dead_code, reason = "no example uses all of it")]

use std::fs;
use std::path::{Path, PathBuf};

/// The comments for readers of every source file of a layer, and the pages: `(layer, name, text)`.
pub(crate) fn documents() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    let mut documents: Vec<_> = files
        .iter()
        .filter_map(|path| {
            let inside = path.strip_prefix(root.join("src")).ok()?;
            let layer = inside.parent()?.to_str()?;
            let name = path.file_stem()?.to_str()?;
            let text = comments(&fs::read_to_string(path).ok()?);
            let layer = if layer.is_empty() { "base" } else { layer };
            Some((layer.to_string(), name.to_string(), text))
        })
        .collect();
    for page in ["README.md", "CHANGELOG.md", "BENCHMARKS.md", "data/README.md"] {
        if let Ok(text) = fs::read_to_string(root.join(page)) {
            documents.push(("pages".into(), page.into(), text));
        }
    }
    documents
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

/// The lines of comments, without code between fences.
fn comments(source: &str) -> String {
    let mut text = String::new();
    let mut code = false;
    for line in source.lines() {
        let line = line.trim_start();
        let Some(line) = ["//!", "///", "//"].iter().find_map(|mark| line.strip_prefix(mark))
        else {
            continue;
        };
        if line.trim_start().starts_with("```") {
            code = !code;
        } else if !code {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// Words that say little.
const COMMON: &str = "the a an of and to in is it that for as by with its at on or be are not no one \
    from which this than so if than all each has have they them their what when where there may can \
    but only s t i e d";

/// Whether a word says something.
pub(crate) fn is_telling(word: &str) -> bool {
    word.chars().count() > 2
        && word.chars().all(char::is_alphabetic)
        && !COMMON.split_whitespace().any(|common| common == word)
}
