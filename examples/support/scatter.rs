//! Points in colours on a white square, as a PNG.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

const SIDE: usize = 720;
const MARGIN: usize = 24;
/// Half the side of a point.
const RADIUS: usize = 3;

/// A hue for each of `count` groups, from red on round the circle.
pub(crate) fn colour(group: usize, count: usize) -> [u8; 3] {
    let hue = 6.0 * group as f64 / count.max(1) as f64;
    let channel = |at: f64| {
        let distance = (hue - at).rem_euclid(6.0).min((at - hue).rem_euclid(6.0));
        (230.0 * (2.0 - distance).clamp(0.0, 1.0)) as u8
    };
    [channel(0.0), channel(2.0), channel(4.0)]
}

/// Writes points, each in the colour of its group; both axes have the same unit.
pub(crate) fn write(path: &Path, points: &[[f64; 2]], groups: &[usize]) -> std::io::Result<()> {
    let count = groups.iter().max().map_or(1, |&g| g + 1);
    let range = |axis: usize| {
        let values = points.iter().map(|p| p[axis]);
        let (low, high) =
            (values.clone().fold(f64::MAX, f64::min), values.fold(f64::MIN, f64::max));
        (low, high)
    };
    let ((left, right), (low, high)) = (range(0), range(1));
    let unit = (right - left).max(high - low).max(f64::MIN_POSITIVE);
    let scale = (SIDE - 2 * MARGIN) as f64 / unit;
    let mut pixels = vec![255_u8; SIDE * SIDE * 3];
    for (&[x, y], &group) in points.iter().zip(groups) {
        let across = MARGIN + ((x - (left + right - unit) / 2.0) * scale) as usize;
        let down = MARGIN + (((low + high + unit) / 2.0 - y) * scale) as usize;
        for row in down - RADIUS..=down + RADIUS {
            for column in across - RADIUS..=across + RADIUS {
                let at = 3 * (row * SIDE + column);
                pixels[at..at + 3].copy_from_slice(&colour(group, count));
            }
        }
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let side = u32::try_from(SIDE).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), side, side);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(())
}
