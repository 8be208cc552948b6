//! Principal components of handwritten digits: how much a few of 64 pixels' directions explain,
//! what a digit looks like rebuilt from them, and how well nearest neighbours in the small space
//! still tell the digits apart.
//!
//! `cargo run --release --example pca_digits`
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use eigenmote::stats::{Pca, ScatterRoot, components_for_variance};

const PIXELS: usize = 64;

/// Grey values 0 to 16 from blank to full.
const SHADES: [char; 5] = [' ', '.', 'o', 'O', '@'];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv");
    let (mut images, mut labels) = (Vec::<[f32; PIXELS]>::new(), Vec::new());
    for record in csv::Reader::from_path(path)?.records() {
        let values = record?.iter().map(str::parse).collect::<Result<Vec<f32>, _>>()?;
        images.push(*values.first_chunk().ok_or("a row is too short")?);
        labels.push(*values.last().ok_or("empty row")?);
    }
    // Every third image is kept for the judgement.
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (i, image) in images.iter().zip(labels).enumerate() {
        if i % 3 == 0 { test.push(image) } else { train.push(image) }
    }

    // One pass over the images, then all models from the same state.
    let mut root = ScatterRoot::new();
    for (image, _) in &train {
        root.update(image)?;
    }
    let full = Pca::<f32, PIXELS, PIXELS>::fit_from_scatter(&root)?;
    println!("{} images of {PIXELS} pixels for the fit, {} to judge it\n", train.len(), test.len());
    for share in [0.5, 0.8, 0.9, 0.95, 0.99, 0.999] {
        let k = components_for_variance(&full.explained_variance, share);
        println!("{k:3} components explain {:5.1} % of the variance", 100.0 * share);
    }

    println!("\n  K   explained   RMSE per pixel   noise model   nearest neighbour right");
    report(&full.truncated::<1>(), &train, &test);
    report(&full.truncated::<2>(), &train, &test);
    report(&full.truncated::<5>(), &train, &test);
    report(&full.truncated::<10>(), &train, &test);
    report(&full.truncated::<20>(), &train, &test);
    report(&full.truncated::<40>(), &train, &test);
    report(&full, &train, &test);

    let image = test[1].0;
    let (five, twenty) = (full.truncated::<5>(), full.truncated::<20>());
    let rebuilt = [
        *image,
        five.inverse_transform(&five.transform(image)),
        twenty.inverse_transform(&twenty.transform(image)),
    ];
    println!("\na {} the fit has not seen, from 5 and from 20 numbers:", test[1].1);
    for y in 0..8 {
        for picture in &rebuilt {
            let row: String = picture[8 * y..8 * y + 8]
                .iter()
                .map(|&v| SHADES.iter().rev().zip([14.0, 9.0, 5.0, 2.0]).find(|(_, t)| v >= *t))
                .flat_map(|shade| [*shade.map_or(&' ', |(s, _)| s); 2])
                .collect();
            print!("  |{row}|");
        }
        println!();
    }
    Ok(())
}

/// Reconstruction and recognition of unseen images from `K` coordinates.
fn report<const K: usize>(
    pca: &Pca<f32, PIXELS, K>,
    train: &[(&[f32; PIXELS], f32)],
    test: &[(&[f32; PIXELS], f32)],
) {
    let explained: f32 = pca.explained_variance_ratio.iter().sum();
    let squares: f32 = test.iter().map(|(x, _)| pca.reconstruction_error(x).powi(2)).sum();
    let rmse = (squares / (test.len() * PIXELS) as f32).sqrt();
    let features: Vec<_> = train.iter().map(|(x, label)| (pca.transform(x), label)).collect();
    let right = test.iter().filter(|(x, label)| {
        let z = pca.transform(x);
        let distance = |w: &[f32; K]| w.iter().zip(&z).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        let nearest = features.iter().min_by(|a, b| distance(&a.0).total_cmp(&distance(&b.0)));
        nearest.is_some_and(|(_, found)| *found == label)
    });
    println!(
        "{K:3}   {:7.1} %   {rmse:14.3}   {:11.3}   {:21.1} %",
        100.0 * explained,
        pca.noise_variance,
        100.0 * right.count() as f32 / test.len() as f32
    );
}
