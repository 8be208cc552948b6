//! Principal components of genotypes: where ancestors lived.
//!
//! `cargo run --release --example ancestry [BED LABELS [BED LABELS]]` reads a PLINK `.bed` file with
//! its `.bim` and `.fam` beside it, and a CSV file with a column `population`. It prints the ten
//! leading eigenvalues with their certificate and how well neighbours predict the population, and
//! writes the first two components as a picture. A second data set is projected onto the components of
//! the first; alleles that it counts the other way are turned round. Without arguments it makes up
//! four populations that drifted apart. Scores go to `target/ancestry.csv`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    missing_docs
)]

#[path = "support/picture.rs"]
mod picture;

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use eigenmote::embed::genotypes::{Genotypes, Marker, bed_markers};
use eigenmote::linalg::LinearOperator;
use eigenmote::linalg::truncated::{Info, Options, Triplets, truncated_svd, workspace_len};
use eigenmote::rng::{normal, seeded, uniform};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;
use picture::{COLOURS, Frame, Picture};

type Failure = Box<dyn Error>;

/// Components that are kept.
const RANK: usize = 10;
/// Few start vectors and a long basis: the values behind the first five lie close together.
const BLOCK: usize = 4;
const BASIS: usize = 60;

struct People {
    packed: Vec<u8>,
    populations: Vec<String>,
    /// Both alleles of each marker.
    alleles: Vec<[String; 2]>,
}

fn main() -> Result<(), Failure> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (people, others) = match paths.as_slice() {
        [] => (simulated(), None),
        [bed, labels] => (read(bed, labels)?, None),
        [bed, labels, other, names] => (read(bed, labels)?, Some(read(other, names)?)),
        _ => return Err("the arguments are BED LABELS [BED LABELS]".into()),
    };
    let (n, m) = (people.populations.len(), people.alleles.len());
    println!("{n} individuals, {m} markers");

    let started = Instant::now();
    let mut markers = vec![Marker::<f64>::default(); m];
    Genotypes::standardize(&people.packed, n, &mut markers)?;
    let matrix = Genotypes::new(&people.packed, n, &markers)?;
    let (found, info) = components(&matrix)?;
    println!("{RANK} components in {:.3} s of one processor", started.elapsed().as_secs_f64());

    // Eigenvalues of Z·Zᵀ/m; a residual r of a singular value s is one of s·r of its square.
    let total = matrix.frobenius_squared(0).unwrap_or(f64::NAN);
    let uncertain = info.residual * found.s[0] / m as f64;
    println!("{} products, converged: {}", info.applies, info.converged);
    println!("eigenvalue     share of the variance     (certified within {uncertain:.1e})");
    for s in &found.s {
        println!("{:12.7}   {:.5}", s * s / m as f64, s * s / total);
    }
    let scores: Vec<[f64; RANK]> =
        (0..n).map(|i| std::array::from_fn(|k| found.u[k * n + i] * found.s[k])).collect();
    println!("population by five neighbours: {:.3}", neighbours(&scores, &people.populations));
    save(&target, "ancestry", &scores, &people.populations)?;

    if let Some(others) = others {
        let count = others.populations.len();
        let turned = turned(&markers, &people.alleles, &others.alleles)?;
        let matrix = Genotypes::new(&others.packed, count, &turned)?;
        let mut projected = vec![0.0; count * RANK];
        matrix.apply_block(&found.v, &mut projected);
        let scores: Vec<[f64; RANK]> =
            (0..count).map(|i| std::array::from_fn(|k| projected[k * count + i])).collect();
        let accuracy = neighbours(&scores, &others.populations);
        println!("{count} others on the same components: {accuracy:.3}");
        save(&target, "ancestry_projected", &scores, &others.populations)?;
    }
    Ok(())
}

/// Left vectors, values and right vectors.
struct Found {
    u: Vec<f64>,
    s: Vec<f64>,
    v: Vec<f64>,
}

fn components(matrix: &Genotypes<'_, f64>) -> Result<(Found, Info<f64>), Failure> {
    let (n, m) = (matrix.rows(), matrix.cols());
    let options =
        Options { block: BLOCK, basis: BASIS, tolerance: Some(1e-6), ..Options::new(RANK) };
    let mut work = vec![0.0; workspace_len(n, m, &options)];
    let mut found = Found { u: vec![0.0; n * RANK], s: vec![0.0; RANK], v: vec![0.0; m * RANK] };
    let mut residuals = [0.0; RANK];
    let mut out =
        Triplets { u: &mut found.u, s: &mut found.s, v: &mut found.v, residuals: &mut residuals };
    let info = truncated_svd(matrix, &mut out, &mut work, &options)?;
    Ok((found, info))
}

/// The scale of the markers for data that may count the other allele.
fn turned(
    markers: &[Marker<f64>],
    ours: &[[String; 2]],
    theirs: &[[String; 2]],
) -> Result<Vec<Marker<f64>>, Failure> {
    if ours.len() != theirs.len() {
        return Err("the data sets have different markers".into());
    }
    let mut turned = 0;
    let scales = markers.iter().zip(ours.iter().zip(theirs)).map(|(marker, (a, b))| {
        if a == b {
            return *marker;
        }
        turned += 1;
        // Neither order: another strand or another marker; it then says nothing.
        if a[0] == b[1] && a[1] == b[0] { marker.swapped() } else { Marker::default() }
    });
    let scales = scales.collect();
    println!("{turned} markers count the other allele");
    Ok(scales)
}

/// Share of individuals whose five nearest others have most of their own population.
fn neighbours(scores: &[[f64; RANK]], populations: &[String]) -> f64 {
    let right = scores.iter().zip(populations).enumerate().filter(|(i, (score, own))| {
        let mut near: Vec<(f64, &String)> = scores
            .iter()
            .zip(populations)
            .enumerate()
            .filter(|(j, _)| i != j)
            .map(|(_, (other, name))| {
                (score.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum(), name)
            })
            .collect();
        near.select_nth_unstable_by(4, |a, b| a.0.total_cmp(&b.0));
        let votes = |name: &String| near[..5].iter().filter(|(_, n)| *n == name).count();
        near[..5].iter().all(|(_, name)| name == own || votes(name) < votes(own))
    });
    right.count() as f64 / scores.len() as f64
}

fn save(
    folder: &Path,
    name: &str,
    scores: &[[f64; RANK]],
    populations: &[String],
) -> Result<(), Failure> {
    let mut names: Vec<&String> = populations.iter().collect();
    names.sort();
    names.dedup();
    let groups: Vec<usize> = populations.iter().map(|p| names.binary_search(&p).unwrap()).collect();
    let points: Vec<[f64; 2]> = scores.iter().map(|s| [s[0], s[1]]).collect();
    let mut map = Picture::new(720, 720);
    let frame = Frame::new(&points, [8, 8, 712, 712]);
    for (&point, &group) in points.iter().zip(&groups) {
        map.dot(frame.at(point), 5, COLOURS[group % COLOURS.len()]);
    }
    // Each name stands in the middle of its people.
    for (group, population) in names.iter().enumerate() {
        let own: Vec<[f64; 2]> =
            points.iter().zip(&groups).filter(|(_, g)| **g == group).map(|(p, _)| *p).collect();
        let middle = [0, 1].map(|k| own.iter().map(|p| p[k]).sum::<f64>() / own.len() as f64);
        map.word(frame.at(middle), population, Rgb888::BLACK);
    }
    let picture = folder.join(name).with_extension("png");
    map.save_to(&picture)?;
    let mut table = String::from("population");
    for k in 1..=RANK {
        write!(table, ",pc{k}")?;
    }
    for (score, population) in scores.iter().zip(populations) {
        write!(table, "\n{population}")?;
        for value in score {
            write!(table, ",{value:e}")?;
        }
    }
    table.push('\n');
    std::fs::write(folder.join(name).with_extension("csv"), table)?;
    Ok(())
}

fn read(bed: &Path, labels: &Path) -> Result<People, Failure> {
    let text = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let individuals = text(&bed.with_extension("fam"))?.lines().count();
    let mut alleles = Vec::new();
    for (line, marker) in text(&bed.with_extension("bim"))?.lines().enumerate() {
        let fields: Vec<&str> = marker.split_whitespace().collect();
        let [_, _, _, _, first, second] = fields[..] else {
            let bim = bed.with_extension("bim");
            return Err(format!("{}:{}: not six fields", bim.display(), line + 1).into());
        };
        alleles.push([first.to_owned(), second.to_owned()]);
    }
    let mut populations = Vec::new();
    let mut table = csv::Reader::from_path(labels)?;
    let column = table.headers()?.iter().position(|name| name == "population");
    let column = column.ok_or_else(|| format!("{}: no column population", labels.display()))?;
    for record in table.records() {
        populations.push(record?[column].to_owned());
    }
    if populations.len() != individuals {
        let counts = format!("{} labels for {individuals} individuals", populations.len());
        return Err(format!("{}: {counts}", labels.display()).into());
    }
    let file = std::fs::read(bed).map_err(|error| format!("{}: {error}", bed.display()))?;
    let packed = bed_markers(&file).map_err(|error| format!("{}: {error}", bed.display()))?;
    Ok(People { packed: packed.to_vec(), populations, alleles })
}

/// Four populations of 60, 12 000 markers: the frequency of an allele drifts away from the common one
/// in two steps, first of two branches, then of both populations of a branch.
fn simulated() -> People {
    const EACH: usize = 60;
    const MARKERS: usize = 12_000;
    let mut rng = seeded(7);
    let mut packed = Vec::new();
    for _ in 0..MARKERS {
        let common = 0.1 + 0.8 * uniform::<f64>(&mut rng);
        let mut drift = |from: f64, amount: f64| {
            let step = (amount * from * (1.0 - from)).sqrt() * normal::<f64>(&mut rng);
            (from + step).clamp(0.01, 0.99)
        };
        let branches = [drift(common, 0.08), drift(common, 0.08)];
        let frequencies = [0, 0, 1, 1].map(|b: usize| drift(branches[b], 0.03));
        let people = frequencies.iter().flat_map(|f| [f; EACH]);
        let bits: Vec<u8> = people
            .map(|&f| {
                let copies = [0; 2].map(|_: i32| uniform::<f64>(&mut rng) < f);
                // Two copies, one, none.
                [0b11, 0b10, 0b00][usize::from(copies[0]) + usize::from(copies[1])]
            })
            .collect();
        packed.extend(
            bits.chunks(4).map(|four| four.iter().rev().fold(0, |byte, &bits| byte << 2 | bits)),
        );
    }
    let names = ["north", "east", "south", "west"];
    People {
        packed,
        populations: names.iter().flat_map(|&n| [n; EACH]).map(str::to_owned).collect(),
        alleles: vec![["A".to_owned(), "C".to_owned()]; MARKERS],
    }
}
