//! A club that split in two: members as vectors, from who is friends with whom alone.
//!
//! ```text
//! cargo run --release --example karate_club [OUT.png]
//! ```
//!
//! Zachary's karate club (1977): 34 members, 78 friendships, and the side each one took when the
//! instructor left. Random walks are counted as sentences are (`DeepWalk`), and `NetMF` gives the matrix of
//! infinitely many walks; its two factors are the map. Two clusters of the vectors are compared with
//! the sides.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]
#![allow(clippy::cast_possible_wrap, clippy::cast_sign_loss, missing_docs)]

#[path = "support/factor.rs"]
mod factor;
#[path = "support/picture.rs"]
mod picture;

use std::error::Error;

use eigenmote::embed::nearest::normalize_rows;
use eigenmote::embed::{
    Counts, Factors, Graph, NetMf, Pair, PairCounts, Ppmi, Side, Steps, Window, ppmi, walk,
};
use eigenmote::linalg::{Csr, LinearOperator};
use eigenmote::rng;
use factor::factorise;
use picture::{COLOURS, Frame, GREY, Picture};

const MEMBERS: usize = 34;
/// Friends with a higher number, of each member from 0.
const FRIENDS: [&[u32]; MEMBERS] = [
    &[1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 19, 21, 31],
    &[2, 3, 7, 13, 17, 19, 21, 30],
    &[3, 7, 8, 9, 13, 27, 28, 32],
    &[7, 12, 13],
    &[6, 10],
    &[6, 10, 16],
    &[16],
    &[],
    &[30, 32, 33],
    &[33],
    &[],
    &[],
    &[],
    &[33],
    &[32, 33],
    &[32, 33],
    &[],
    &[],
    &[32, 33],
    &[33],
    &[32, 33],
    &[],
    &[32, 33],
    &[25, 27, 29, 32, 33],
    &[25, 27, 31],
    &[31],
    &[29, 33],
    &[33],
    &[31, 33],
    &[32, 33],
    &[32, 33],
    &[32, 33],
    &[33],
    &[],
];
/// Who stayed with the officers; the others went with the instructor, member 0.
const OFFICERS: [u32; 17] = [9, 14, 15, 18, 20, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33];

fn main() -> Result<(), Box<dyn Error>> {
    let (row_ptr, friends) = adjacency();
    let weights = vec![1.0; friends.len()];
    let graph = Graph::new(&row_ptr, &friends, &weights)?;
    println!("{MEMBERS} members, {} friendships", friends.len() / 2);

    let tried = [
        ("walks", by_walks(&graph, 2)?),
        ("NetMF", by_netmf(&graph, 2)?),
        ("NetMF", by_netmf(&graph, 3)?),
    ];
    let mut drawn = None;
    for (name, (vectors, dim)) in tried {
        let sides = two_clusters(&vectors, dim);
        let agree = (0..MEMBERS).filter(|&i| sides[i] == OFFICERS.contains(&(i as u32))).count();
        let right = agree.max(MEMBERS - agree);
        println!("{name} of {dim} values: {right} of {MEMBERS} on the side they took");
        drawn = Some((right, vectors, dim, sides.map(|side| side == (agree == right))));
    }
    let (right, vectors, dim, sides) = drawn.ok_or("nothing was tried")?;

    let points: Vec<[f64; 2]> = vectors.chunks(dim).map(|v| [v[dim - 1], v[dim - 2]]).collect();
    let mut picture = Picture::new(900, 700);
    let title = format!(
        "Karate club: colour = side taken, ring = cluster of the vectors ({right} of {MEMBERS} agree)"
    );
    picture.heading([12, 14], &title, COLOURS[6]);
    let frame = Frame::new(&points, [40, 50, 860, 660]);
    for (i, list) in FRIENDS.iter().enumerate() {
        for &j in *list {
            picture.line(frame.at(points[i]), frame.at(points[j as usize]), GREY);
        }
    }
    for (i, &point) in points.iter().enumerate() {
        let at = frame.at(point);
        picture.dot(at, 13, COLOURS[usize::from(OFFICERS.contains(&(i as u32)))]);
        for diameter in [17, 18] {
            picture.ring(at, diameter, COLOURS[usize::from(sides[i])]);
        }
        picture.word([at[0] + 14, at[1] - 9], &i.to_string(), COLOURS[6]);
    }
    picture.save("karate_club")
}

/// The graph by rows, both ways.
fn adjacency() -> (Vec<u32>, Vec<u32>) {
    let (mut row_ptr, mut friends) = (vec![0], Vec::new());
    for i in 0..MEMBERS as u32 {
        let before = (0..i).filter(|&j| FRIENDS[j as usize].contains(&i));
        friends.extend(before.chain(FRIENDS[i as usize].iter().copied()));
        row_ptr.push(friends.len() as u32);
    }
    (row_ptr, friends)
}

/// Eighty walks of forty steps from every member, pairs up to five steps apart.
fn by_walks(graph: &Graph<'_, f64>, dim: usize) -> Result<(Vec<f64>, usize), Box<dyn Error>> {
    let mut room = vec![Pair::default(); 2048];
    let mut pairs = PairCounts::new(&mut room);
    let mut generator = rng::seeded(1);
    for _ in 0..80 {
        for start in 0..MEMBERS as u32 {
            let mut way = [0; 40];
            let steps = walk(graph, start, &Steps::default(), &mut generator, &mut way)?;
            pairs.add_window(&way[..steps], &Window::flat(5))?;
        }
    }
    let (mut row_ptr, mut cols, mut counts) = ([0; MEMBERS + 1], [0; 1200], [0; 1200]);
    let n = pairs.to_symmetric(MEMBERS, &mut row_ptr, &mut cols, &mut counts)?;
    let (mut values, mut work) = (vec![0.0; n], [0.0; 4 * MEMBERS]);
    let sparse = Counts { row_ptr: &mut row_ptr, col_idx: &mut cols[..n], counts: &counts[..n] };
    let plain = Ppmi { smoothing: 1.0, ..Ppmi::default() };
    let kept = ppmi(sparse, MEMBERS, &mut values, &mut work, &plain)?;
    let a = Csr::new(MEMBERS, MEMBERS, &row_ptr, &cols[..kept], &values[..kept])?;
    vectors(&a, dim)
}

/// The matrix of infinitely many walks, from all eigenvectors of the graph.
fn by_netmf(graph: &Graph<'_, f64>, dim: usize) -> Result<(Vec<f64>, usize), Box<dyn Error>> {
    let (row_ptr, friends) = adjacency();
    let mut normal = vec![0.0; friends.len()];
    graph.normalized(&mut normal)?;
    let a = Csr::new(MEMBERS, MEMBERS, &row_ptr, &friends, &normal)?;
    let (u, s, v) = factorise(&a, MEMBERS)?;
    // Eigenvalues have the sign of u·v.
    let mut eigenvalues = s;
    for ((value, u), v) in eigenvalues.iter_mut().zip(u.chunks(MEMBERS)).zip(v.chunks(MEMBERS)) {
        *value *= u.iter().zip(v).map(|(a, b)| a * b).sum::<f64>().signum();
    }
    let mut memory = vec![0.0; u.len()];
    let netmf = NetMf::new(graph, &u, &eigenvalues, 5, 1.0, &mut memory)?;
    let dense: Vec<f64> =
        (0..MEMBERS * MEMBERS).map(|k| netmf.get(k % MEMBERS, k / MEMBERS)).collect();
    vectors(&eigenmote::MatRef::new(&dense, MEMBERS, MEMBERS).ok_or("not square")?, dim)
}

fn vectors(a: &impl LinearOperator<f64>, dim: usize) -> Result<(Vec<f64>, usize), Box<dyn Error>> {
    let (u, s, v) = factorise(a, dim)?;
    let mut out = vec![0.0; MEMBERS * dim];
    Factors { u: &u, s: &s, v: &v }.vectors(Side::Left, 0.5, &mut out)?;
    Ok((out, dim))
}

/// The two clusters of directions with the largest cosines to their means, of all pairs of members as
/// first means.
fn two_clusters(vectors: &[f64], dim: usize) -> [bool; MEMBERS] {
    let mut rows = vectors.to_vec();
    normalize_rows(&mut rows, dim);
    let row = |i: usize| &rows[i * dim..(i + 1) * dim];
    let cosine = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut best = (f64::MIN, [false; MEMBERS]);
    for (a, b) in (0..MEMBERS).flat_map(|a| (0..a).map(move |b| (a, b))) {
        let mut means = [row(a).to_vec(), row(b).to_vec()];
        let mut side = [false; MEMBERS];
        for _ in 0..20 {
            for (i, side) in side.iter_mut().enumerate() {
                *side = cosine(row(i), &means[1]) > cosine(row(i), &means[0]);
            }
            for (which, mean) in means.iter_mut().enumerate() {
                mean.fill(0.0);
                for i in (0..MEMBERS).filter(|&i| usize::from(side[i]) == which) {
                    mean.iter_mut().zip(row(i)).for_each(|(m, x)| *m += x);
                }
                normalize_rows(mean, dim);
            }
        }
        let sum = (0..MEMBERS).map(|i| cosine(row(i), &means[usize::from(side[i])])).sum();
        if sum > best.0 {
            best = (sum, side);
        }
    }
    best.1
}
