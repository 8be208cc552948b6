//! Samples as images in a grid, in shades of grey.

use std::io::Write;

use anyhow::{Result, bail};

/// A grid of images.
pub(super) struct Grid<'a> {
    /// Image by image, row by row; 0 is black and 1 white.
    pub(super) values: &'a [f32],
    pub(super) shape: (usize, usize),
    pub(super) cols: usize,
    pub(super) zoom: usize,
}

/// Shade of the lines between images.
const LINE: u8 = 64;

impl Grid<'_> {
    /// As a PNG file.
    pub(super) fn png(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let (height, width) = self.shape;
        let images: Vec<&[f32]> = self.values.chunks(height * width).collect();
        let (cols, rows) = (self.cols.min(images.len()).max(1), images.len().div_ceil(self.cols));
        let (tall, wide) = (height * self.zoom + 1, width * self.zoom + 1);
        let (full_height, full_width) = (rows * tall + 1, cols * wide + 1);
        let mut pixels = vec![LINE; full_height * full_width];
        for (number, image) in images.iter().enumerate() {
            let (top, left) = (number / cols * tall + 1, number % cols * wide + 1);
            for y in 0..height * self.zoom {
                for x in 0..width * self.zoom {
                    let value = image[y / self.zoom * width + x / self.zoom];
                    pixels[(top + y) * full_width + left + x] =
                        (value.clamp(0.0, 1.0) * 255.0).round() as u8;
                }
            }
        }
        let mut encoder = png::Encoder::new(out, full_width as u32, full_height as u32);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(std::io::Error::other)?;
        writer.write_image_data(&pixels).map_err(std::io::Error::other)?;
        writer.finish().map_err(std::io::Error::other)
    }
}

/// The shape of images of so many values: as given, as the model says, or square.
pub(super) fn shape(
    given: Option<(usize, usize)>,
    known: Option<(usize, usize)>,
    values: usize,
) -> Result<(usize, usize)> {
    if let Some((height, width)) = given.or(known) {
        if height * width != values {
            bail!("--shape {height}x{width} has {} values, a sample {values}", height * width);
        }
        return Ok((height, width));
    }
    let side = values.isqrt();
    if side * side != values {
        bail!(
            "a sample has {values} values, which is no square: give its --shape HxW, or write .csv or .npy"
        );
    }
    Ok((side, side))
}
