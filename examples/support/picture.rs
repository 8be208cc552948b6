//! A picture with lines, points and words, written as PNG.
#![allow(dead_code, reason = "no example uses all of it")]

use std::convert::Infallible;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use embedded_graphics::mono_font::iso_8859_1::{FONT_6X10, FONT_7X13_BOLD};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::{
    DrawTarget, Drawable, OriginDimensions, Pixel, Point, Primitive, RgbColor, Size,
};
use embedded_graphics::primitives::{Circle, Line, PrimitiveStyle};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};

/// Colours that can be told apart.
pub(crate) const COLOURS: [Rgb888; 7] = [
    Rgb888::new(31, 119, 180),
    Rgb888::new(214, 72, 39),
    Rgb888::new(44, 140, 44),
    Rgb888::new(148, 103, 189),
    Rgb888::new(140, 96, 75),
    Rgb888::new(200, 80, 160),
    Rgb888::new(90, 90, 90),
];
pub(crate) const GREY: Rgb888 = Rgb888::new(205, 205, 205);

/// A white picture.
pub(crate) struct Picture {
    size: Size,
    pixels: Vec<Rgb888>,
    /// What places of the picture have a word already: corners.
    taken: Vec<[i32; 4]>,
}

impl OriginDimensions for Picture {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Picture {
    type Color = Rgb888;
    type Error = Infallible;
    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, colour) in pixels {
            if (0..self.size.width as i32).contains(&x) && (0..self.size.height as i32).contains(&y)
            {
                self.pixels[y as usize * self.size.width as usize + x as usize] = colour;
            }
        }
        Ok(())
    }
}

impl Picture {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let pixels = vec![Rgb888::WHITE; (width * height) as usize];
        Self { size: Size::new(width, height), pixels, taken: Vec::new() }
    }

    pub(crate) fn line(&mut self, from: [i32; 2], to: [i32; 2], colour: Rgb888) {
        let line = Line::new(Point::new(from[0], from[1]), Point::new(to[0], to[1]));
        let Ok(()) = line.into_styled(PrimitiveStyle::with_stroke(colour, 1)).draw(self);
    }

    pub(crate) fn dot(&mut self, at: [i32; 2], diameter: u32, colour: Rgb888) {
        let circle = Circle::with_center(Point::new(at[0], at[1]), diameter);
        let Ok(()) = circle.into_styled(PrimitiveStyle::with_fill(colour)).draw(self);
    }

    pub(crate) fn ring(&mut self, at: [i32; 2], diameter: u32, colour: Rgb888) {
        let circle = Circle::with_center(Point::new(at[0], at[1]), diameter);
        let Ok(()) = circle.into_styled(PrimitiveStyle::with_stroke(colour, 1)).draw(self);
    }

    /// A heading at the top left.
    pub(crate) fn heading(&mut self, at: [i32; 2], text: &str, colour: Rgb888) {
        self.text(&FONT_7X13_BOLD, at, text, colour, Alignment::Left);
    }

    /// A word in the middle of a place, unless another one is there.
    pub(crate) fn word(&mut self, at: [i32; 2], text: &str, colour: Rgb888) -> bool {
        let half = [3 * text.chars().count() as i32 + 1, 5];
        let own = [at[0] - half[0], at[1] - half[1], at[0] + half[0], at[1] + half[1]];
        let apart = |a: &[i32; 4]| a[0] > own[2] || own[0] > a[2] || a[1] > own[3] || own[1] > a[3];
        let free = self.taken.iter().all(apart);
        if free {
            self.taken.push(own);
            self.text(&FONT_6X10, at, text, colour, Alignment::Center);
        }
        free
    }

    fn text(
        &mut self,
        font: &MonoFont<'_>,
        at: [i32; 2],
        text: &str,
        colour: Rgb888,
        to: Alignment,
    ) {
        let style = TextStyleBuilder::new().alignment(to).baseline(Baseline::Middle).build();
        let font = MonoTextStyle::new(font, colour);
        let Ok(_) = Text::with_text_style(text, Point::new(at[0], at[1]), font, style).draw(self);
    }

    /// Writes `target/NAME.png`, or where the first argument says.
    pub(crate) fn save(&self, name: &str) -> Result<(), Box<dyn std::error::Error>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
        let path = std::env::args()
            .nth(1)
            .map_or_else(|| root.join(name).with_extension("png"), PathBuf::from);
        self.save_to(&path)
    }

    pub(crate) fn save_to(&self, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let out = BufWriter::new(File::create(path)?);
        let mut encoder = png::Encoder::new(out, self.size.width, self.size.height);
        encoder.set_color(png::ColorType::Rgb);
        let bytes: Vec<u8> = self.pixels.iter().flat_map(|p| [p.r(), p.g(), p.b()]).collect();
        encoder.write_header()?.write_image_data(&bytes)?;
        println!("drawn: {}", path.display());
        Ok(())
    }
}

/// Points of a plane to pixels of a frame: the same scale both ways, what is far out is at the edge.
pub(crate) struct Frame {
    centre: [f64; 2],
    scale: f64,
    middle: [i32; 2],
    half: [i32; 2],
}

impl Frame {
    /// For points of which all but a few per cent are to be inside `[left, top, right, bottom]`.
    pub(crate) fn new(points: &[[f64; 2]], [left, top, right, bottom]: [i32; 4]) -> Self {
        let mut spread = [0.0; 2];
        let mut centre = [0.0; 2];
        for axis in 0..2 {
            let mut values: Vec<f64> = points.iter().map(|p| p[axis]).collect();
            values.sort_by(f64::total_cmp);
            let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
            centre[axis] = 0.5 * (at(0.02) + at(0.98));
            spread[axis] = (0.5 * (at(0.98) - at(0.02))).max(1e-12);
        }
        let half = [(right - left) / 2, (bottom - top) / 2];
        let scale = (0..2).map(|i| 0.9 * f64::from(half[i]) / spread[i]).fold(f64::MAX, f64::min);
        Self {
            centre,
            scale,
            middle: [i32::midpoint(left, right), i32::midpoint(top, bottom)],
            half,
        }
    }

    pub(crate) fn at(&self, point: [f64; 2]) -> [i32; 2] {
        let place = |i: usize, sign: f64| {
            let away = (sign * (point[i] - self.centre[i]) * self.scale).round();
            let half = f64::from(self.half[i]);
            self.middle[i] + away.clamp(-half, half) as i32
        };
        [place(0, 1.0), place(1, -1.0)]
    }
}
