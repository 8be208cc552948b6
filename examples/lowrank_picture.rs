//! Draws handwritten digits at ranks 1, 2, 5, 10, 20, 50 beside the originals, and compares the
//! error of each rank with the tail of the spectrum.
//!
//! ```text
//! cargo run --release --example lowrank_picture [OUT.png]
//! ```
//!
//! One image is one column of a matrix `A` (pixels × images); `A_k` is the best matrix of rank `k`.
//! The images are the MNIST test set where it is at hand, the 8×8 digits of `data/` elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::Path;
use std::time::Instant;

use eigenmote::MatRef;
use eigenmote::linalg::truncated::{Options, Triplets, truncated_svd, workspace_len};

const RANKS: [usize; 6] = [1, 2, 5, 10, 20, 50];
/// Images in the picture.
const SHOWN: usize = 8;
const MAX_IMAGES: usize = 2000;

/// Square grey images, one after the other; 0 is black and 1 white.
struct Images {
    name: &'static str,
    side: usize,
    pixels: Vec<f64>,
}

fn main() {
    let out = std::env::args().nth(1).unwrap_or_else(|| "target/lowrank_picture.png".into());
    let images = mnist().or_else(digits).expect("neither MNIST nor data/digits.csv is there");
    let rows = images.side * images.side;
    let cols = images.pixels.len() / rows;
    let a = MatRef::new(&images.pixels, rows, cols).unwrap();

    let options = Options::new(50);
    let k = options.rank;
    let mut work = vec![0.0; workspace_len(rows, cols, &options)];
    let (mut u, mut s, mut v) = (vec![0.0; rows * k], vec![0.0; k], vec![0.0; cols * k]);
    let mut residuals = vec![0.0; k];
    let start = Instant::now();
    let mut triplets = Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
    let info = truncated_svd(&a, &mut triplets, &mut work, &options).unwrap();
    println!(
        "{}: {cols} images of {rows} pixels, {k} triplets in {:.2?}, residual {:.1e} of {:.1}",
        images.name,
        start.elapsed(),
        info.residual,
        s[0]
    );

    let length = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let total = length(&images.pixels);
    let beyond = info.tail.unwrap().norm;
    let mut shown = vec![images.pixels.clone()];
    let mut rest = images.pixels.clone();
    let mut done = 0;
    println!("rank  measured error  tail of spectrum  difference   kept");
    for rank in RANKS {
        // A − A_rank, one triplet after the other.
        for i in done..rank {
            let (u, v) = (&u[i * rows..(i + 1) * rows], &v[i * cols..(i + 1) * cols]);
            for (column, v) in rest.chunks_exact_mut(rows).zip(v) {
                for (x, u) in column.iter_mut().zip(u) {
                    *x -= s[i] * v * u;
                }
            }
        }
        done = rank;
        let measured = length(&rest);
        let tail = length(&s[rank..]).hypot(beyond);
        let difference = (measured - tail).abs() / tail;
        let kept = 100.0 * (1.0 - (measured / total).powi(2));
        println!("{rank:4}  {measured:14.6}  {tail:16.6}  {difference:10.1e}  {kept:4.1} %");
        assert!(difference <= 1e-5, "the error of rank {rank} is not the tail of the spectrum");
        shown.push(images.pixels.iter().zip(&rest).map(|(a, rest)| a - rest).collect());
    }
    draw(&out, &images, &shown);
    println!("{out}: columns are the original and ranks {RANKS:?}");
}

/// One row per image: the original, then its approximations.
fn draw(out: &str, images: &Images, shown: &[Vec<f64>]) {
    let (side, pixels) = (images.side, images.side * images.side);
    let zoom = 96_usize.div_ceil(side);
    let cell = side * zoom + 6;
    let (width, height) = (cell * shown.len() + 6, cell * SHOWN + 6);
    let mut grey = vec![96_u8; width * height];
    let step = images.pixels.len() / pixels / SHOWN;
    for (row, image) in (0..SHOWN).map(|i| (i, i * step)) {
        for (column, version) in shown.iter().enumerate() {
            let image = &version[image * pixels..(image + 1) * pixels];
            for y in 0..side * zoom {
                for x in 0..side * zoom {
                    let value = image[y / zoom * side + x / zoom].clamp(0.0, 1.0);
                    let at = (row * cell + 6 + y) * width + column * cell + 6 + x;
                    grey[at] = (value * 255.0).round() as u8;
                }
            }
        }
    }
    if let Some(folder) = Path::new(out).parent() {
        std::fs::create_dir_all(folder).unwrap();
    }
    let file = BufWriter::new(File::create(out).expect("the output cannot be written"));
    let mut encoder = png::Encoder::new(file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&grey).unwrap();
}

/// The first images of the MNIST test set: a header of four big-endian words, then bytes.
fn mnist() -> Option<Images> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/data/images/mnist/t10k-images-idx3-ubyte.gz"
    );
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(File::open(path).ok()?).read_to_end(&mut bytes).ok()?;
    let word = |i: usize| u32::from_be_bytes(bytes[4 * i..4 * i + 4].try_into().unwrap()) as usize;
    let (count, side) = (word(1).min(MAX_IMAGES), word(2));
    let pixels = bytes[16..16 + count * side * side].iter().map(|&b| f64::from(b) / 255.0);
    Some(Images { name: "MNIST", side, pixels: pixels.collect() })
}

/// The 8×8 digits: 64 columns with values from 0 to 16, then the label.
fn digits() -> Option<Images> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv");
    let mut pixels = Vec::new();
    for record in csv::Reader::from_path(path).ok()?.records() {
        let record = record.ok()?;
        for value in record.iter().take(64) {
            pixels.push(value.parse::<f64>().ok()? / 16.0);
        }
    }
    Some(Images { name: "digits", side: 8, pixels })
}
