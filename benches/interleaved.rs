//! Times of `svd` and `eigh` as ratios to those of nalgebra and faer, for the README's table.
//!
//! The routines take turns in short batches, so that a busy machine slows all of them alike; a
//! ratio is that of the lower quartiles over many rounds. `cargo bench --bench interleaved`
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use eigenmote::linalg;
use std::hint::black_box;
use std::time::Instant;
use support::{MATRICES, random, random_symmetric};

/// Seconds per call of each routine: lower quartile over the rounds.
fn times<const R: usize>(rounds: usize, mut routines: [&mut dyn FnMut(usize); R]) -> [f64; R] {
    let mut seconds: [Vec<f64>; R] = core::array::from_fn(|_| Vec::new());
    // As many calls as take about 0.2 ms, well below a time slice.
    let start = Instant::now();
    routines[0](0);
    let calls = (2e-4 / start.elapsed().as_secs_f64().max(1e-9)).clamp(1.0, 500.0);
    for round in 0..rounds {
        for (routine, seconds) in routines.iter_mut().zip(&mut seconds) {
            let start = Instant::now();
            let mut made = 0.0;
            while made < calls {
                routine(round % MATRICES);
                made += 1.0;
            }
            seconds.push(start.elapsed().as_secs_f64() / made);
        }
    }
    seconds.map(|mut s| {
        s.sort_by(f64::total_cmp);
        s[s.len() / 4]
    })
}

fn report(name: &str, [ours, nalgebra, faer]: [f64; 3]) {
    println!("{name:15} {:9.2} µs {:9.2} {:9.2}", ours * 1e6, ours / nalgebra, ours / faer);
}

macro_rules! svd {
    ($rounds:ident, $($t:ty: $m:literal x $n:literal),*) => {$({
        let ours = random::<$t, $m, $n>(1);
        let na = ours.iter().map(|a| nalgebra::SMatrix::<$t, $m, $n>::from_column_slice(a.as_slice())).collect::<Vec<_>>();
        let faer = ours.iter().map(|a| faer::Mat::<$t>::from_fn($m, $n, |i, j| a.cols[j][i])).collect::<Vec<_>>();
        report(concat!("svd ", stringify!($t), " ", $m, "x", $n), times($rounds, [
            &mut |i| _ = black_box(linalg::svd(black_box(&ours[i]))),
            &mut |i| _ = black_box(black_box(na[i]).svd(true, true)),
            &mut |i| _ = black_box(black_box(&faer[i]).thin_svd()),
        ]));
    })*};
}

macro_rules! eigh {
    ($rounds:ident, $($t:ty: $n:literal),*) => {$({
        let ours = random_symmetric::<$t, $n>(1);
        let na = ours.iter().map(|a| nalgebra::SMatrix::<$t, $n, $n>::from_column_slice(a.as_slice())).collect::<Vec<_>>();
        let faer = ours.iter().map(|a| faer::Mat::<$t>::from_fn($n, $n, |i, j| a.cols[j][i])).collect::<Vec<_>>();
        report(concat!("eigh ", stringify!($t), " ", $n, "x", $n), times($rounds, [
            &mut |i| _ = black_box(linalg::eigh(black_box(&ours[i]))),
            &mut |i| _ = black_box(black_box(na[i]).symmetric_eigen()),
            &mut |i| _ = black_box(black_box(&faer[i]).self_adjoint_eigen(faer::Side::Lower)),
        ]));
    })*};
}

fn main() {
    // Without `--bench` the program only shows that it runs.
    let rounds = if std::env::args().any(|arg| arg == "--bench") { 400 } else { 1 };
    println!("{:15} {:>12} {:>9} {:>9}", "", "eigenmote", "/nalgebra", "/faer");
    svd!(rounds, f32: 4 x 4, f32: 8 x 8, f32: 16 x 16, f32: 32 x 32, f32: 64 x 16);
    svd!(rounds, f64: 4 x 4, f64: 8 x 8, f64: 16 x 16, f64: 32 x 32, f64: 64 x 16);
    eigh!(rounds, f32: 4, f32: 8, f32: 16, f32: 32);
    eigh!(rounds, f64: 4, f64: 8, f64: 16, f64: 32);
}
