//! Plots as the inside of an SVG: shapes and text in a few inks that the page may change.

use std::ops::Range;

use anyhow::Result;
use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::{
    Cartesian2d, ChartBuilder, Circle, Color, DrawingArea, IntoDrawingArea, IntoFont, PathElement,
    Polygon, RGBColor, Rectangle, SVGBackend, ShapeStyle, TRANSPARENT, Text, TextStyle,
};

/// A colour on white, and what to put in its place on black.
pub(crate) struct Ink {
    pub(crate) light: RGBColor,
    pub(crate) dark: RGBColor,
}

const fn ink(light: u32, dark: u32) -> Ink {
    const fn color(rgb: u32) -> RGBColor {
        RGBColor((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
    }
    Ink { light: color(light), dark: color(dark) }
}

// Hues of Okabe & Ito, which colour-blind eyes tell apart; they differ in lightness too.
const TEXT: Ink = ink(0x33_3333, 0xD0_D0D0);
const GRID: Ink = ink(0xDD_DDDD, 0x3A_3A3A);
const ORIGINAL: Ink = ink(0x56_B4E9, 0x2F_7FB5);
const DECODED: Ink = ink(0x9C_3D00, 0xFF_A95C);
const LIMIT: Ink = ink(0x00_7A59, 0x2F_D6A3);
/// In the order of the page's style names.
pub(crate) const INKS: [(&str, Ink); 5] = [
    ("text", TEXT),
    ("grid", GRID),
    ("original", ORIGINAL),
    ("decoded", DECODED),
    ("limit", LIMIT),
];

/// Units of the picture in one point of a page: coordinates are whole numbers.
const FINE: i32 = 3;
/// Points across a figure: a phone shows it in its own size.
const WIDTH: i32 = 360;
const LETTER: i32 = 12;
/// Columns that a trace of many rows is reduced to.
const COLUMNS: usize = 300;
/// Rows of a trace seen from near.
const STRETCH: usize = 120;
/// Most frames that are drawn one by one.
const BARS: usize = 150;
/// Odd, so that no error has a bar of its own.
const BINS: usize = 45;

/// A finished plot: the size of its view box and what is in it.
pub(crate) struct Figure {
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) shapes: String,
}

/// Ends of an axis, and numbers and words along it.
#[derive(Clone)]
struct Axis {
    ends: Range<f64>,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From `low` to `high`, with at most `most` ticks at multiples of 1, 2 or 5 times a power of ten.
    fn even(low: f64, high: f64, most: usize) -> Self {
        let ends = low..high;
        // Halves, as the whole may overflow.
        let span = (high / 2.0 - low / 2.0).max(f64::MIN_POSITIVE);
        let decade = span.log10().floor() as i32 - 1;
        for (e, m) in (decade..decade + 5).flat_map(|e| [1, 2, 5].map(|m| (e, m))) {
            let step = decimal(m, e);
            let (first, last) = ((low / step).ceil(), (high / step).floor());
            if last - first < most as f64 && first.abs().max(last.abs()) < 1e15 {
                let widest = low.abs().max(high.abs());
                let tick = |k| (k as f64 * step, label(k * m, e, widest));
                return Self { ends, ticks: (first as i64..=last as i64).map(tick).collect() };
            }
        }
        let ticks = [low, high].map(|x| (x, format!("{x:e}")));
        Self { ends, ticks: ticks.into() }
    }

    /// Even, with some room around all that is drawn.
    fn around(low: f64, high: f64, most: usize) -> Self {
        let room = match high / 2.0 - low / 2.0 {
            half if half > 0.0 => half * 0.1,
            _ if low == 0.0 => 1.0,
            _ => low.abs() * 0.1,
        };
        Self::even((low - room).max(f64::MIN), (high + room).min(f64::MAX), most)
    }

    /// Over the decimal logarithms from `low` to `high`.
    fn logarithmic(low: f64, high: f64, most: usize) -> Self {
        let room = ((high - low) * 0.05).max(0.05);
        let (low, high) = (low - room, high + room);
        let decades = (high.floor() - low.ceil() + 1.0).max(0.0) as usize;
        let (low_decade, high_decade) = (low.floor() as i32, high.ceil() as i32);
        let mut ticks = Vec::new();
        if decades > 2 {
            let stride = decades.div_ceil(most);
            for e in (low_decade..=high_decade).step_by(stride) {
                ticks.push((f64::from(e), label(1, e, decimal(1, e))));
            }
        } else {
            for (e, m) in (low_decade..=high_decade).flat_map(|e| [1, 2, 5].map(|m| (e, m))) {
                ticks.push((decimal(m, e).log10(), label(m, e, decimal(m, e))));
            }
        }
        ticks.retain(|(x, _)| (low..=high).contains(x));
        Self { ends: low..high, ticks }
    }

    /// Points that the longest label takes.
    fn label_width(&self) -> i32 {
        let longest = self.ticks.iter().map(|(_, text)| text.chars().count()).max();
        i32::try_from(longest.unwrap_or(0)).unwrap_or(0) * LETTER * 6 / 10
    }
}

/// `m·10^e`, correctly rounded.
fn decimal(m: i64, e: i32) -> f64 {
    format!("{m}e{e}").parse().unwrap_or(0.0)
}

/// `n·10^e` in the form that suits an axis that reaches to `widest`.
fn label(n: i64, e: i32, widest: f64) -> String {
    match (n, e) {
        (0, _) => "0".into(),
        (_, -5..=5) if widest < 1e6 => format!("{:.*}", (-e).max(0) as usize, decimal(n, e)),
        _ => format!("{:e}", decimal(n, e)),
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let Range { start, end } = self.ends;
        let part = (value / 2.0 - start / 2.0) / (end / 2.0 - start / 2.0);
        let part = if part.is_finite() { part.clamp(-0.05, 1.05) } else { 0.5 };
        limit.0 + (part * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|(x, _)| *x).collect()
    }

    fn range(&self) -> Range<f64> {
        self.ends.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(x, _)| x == value);
        tick.map(|(_, text)| text.clone()).unwrap_or_default()
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Axis, Axis>>;

fn draw(height: i32, paint: impl FnOnce(&Area<'_>) -> Result<()>) -> Result<Figure> {
    let (width, height) = (WIDTH * FINE, height * FINE);
    let mut svg = String::new();
    {
        let size = (width.unsigned_abs(), height.unsigned_abs());
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        paint(&area)?;
        area.present()?;
    }
    // The page has its own outer tag, with a title and a description.
    let shapes = svg.split_once('>').and_then(|(_, rest)| rest.trim_end().strip_suffix("</svg>"));
    Ok(Figure { width, height, shapes: shapes.unwrap_or_default().trim().into() })
}

/// Axes with a title above and what the horizontal axis counts below.
struct Frame<'t> {
    title: &'t str,
    x: Axis,
    x_name: &'t str,
    y: Axis,
    /// Points left of the vertical axis.
    left: i32,
}

impl Frame<'_> {
    fn draw<'a>(self, area: &Area<'a>) -> Result<Chart<'a>> {
        let letters = TextStyle::from(("sans-serif", f64::from(LETTER * FINE) * 1.24).into_font());
        let letters = letters.color(&TEXT.light);
        area.draw(&Text::new(self.title, (2 * FINE, 2 * FINE), letters.clone()))?;
        let below = if self.x_name.is_empty() { 22 } else { 34 };
        let mut chart = ChartBuilder::on(area)
            .margin_top(20 * FINE)
            .margin_right(20 * FINE)
            .x_label_area_size(below * FINE)
            .y_label_area_size((self.left + 8) * FINE)
            .build_cartesian_2d(self.x, self.y)?;
        chart
            .configure_mesh()
            .bold_line_style(line(&GRID, 2))
            .light_line_style(TRANSPARENT)
            .axis_style(line(&TEXT, 2))
            .label_style(letters.clone())
            .axis_desc_style(letters)
            .set_all_tick_mark_size(3 * FINE)
            .x_desc(self.x_name)
            .draw()?;
        Ok(chart)
    }
}

/// A line so many units of the picture wide.
fn line(ink: &Ink, width: u32) -> ShapeStyle {
    ink.light.stroke_width(width)
}

/// The rows that share a column of the plot: the place, the smallest and the largest value.
struct Column {
    x: f64,
    low: f64,
    high: f64,
}

/// Some rows of a trace as runs of columns, parted where values are missing.
fn runs(rows: Range<usize>, value: impl Fn(usize) -> Option<f64>) -> Vec<Vec<Column>> {
    let count = rows.len().min(COLUMNS);
    let mut runs = vec![Vec::new()];
    for column in 0..count {
        let edge = |column: usize| rows.start + column * rows.len() / count;
        let (from, to) = (edge(column), edge(column + 1));
        let ends = (from..to).filter_map(&value).fold(None, |ends: Option<(f64, f64)>, x| {
            Some(ends.map_or((x, x), |(low, high)| (low.min(x), high.max(x))))
        });
        match (ends, runs.last_mut()) {
            (Some((low, high)), Some(run)) => {
                run.push(Column { x: (from + to - 1) as f64 / 2.0, low, high });
            }
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// A line through the extremes of each column; a lone value is a dot.
fn trace(chart: &mut Chart<'_>, runs: &[Vec<Column>], style: ShapeStyle) -> Result<()> {
    for run in runs {
        let mut points = Vec::with_capacity(2 * run.len());
        for (column, &Column { x, low, high }) in run.iter().enumerate() {
            let (first, second) = if column % 2 == 0 { (low, high) } else { (high, low) };
            points.push((x, first));
            if first != second {
                points.push((x, second));
            }
        }
        match points[..] {
            [point] => {
                chart.draw_series([Circle::new(point, style.stroke_width, style.filled())])?
            }
            _ => chart.draw_series([PathElement::new(points, style)])?,
        };
    }
    Ok(())
}

/// All between the extremes of each column.
fn filled(chart: &mut Chart<'_>, runs: &[Vec<Column>], ink: &Ink) -> Result<()> {
    for run in runs {
        let (highs, lows) = (run.iter().map(|c| (c.x, c.high)), run.iter().map(|c| (c.x, c.low)));
        let outline: Vec<_> = highs.chain(lows.rev()).collect();
        chart.draw_series([Polygon::new(outline, ink.light.filled())])?;
    }
    trace(chart, runs, line(ink, 3))
}

/// The same value everywhere.
fn level(chart: &mut Chart<'_>, y: f64, style: ShapeStyle) -> Result<()> {
    let Range { start, end } = chart.x_range();
    chart.draw_series([PathElement::new(vec![(start, y), (end, y)], style)])?;
    Ok(())
}

fn dots(chart: &mut Chart<'_>, points: &[(f64, f64)], size: i32, ink: &Ink) -> Result<()> {
    let dot = |&point| Circle::new(point, size * FINE, ink.light.filled());
    chart.draw_series(points.iter().map(dot))?;
    Ok(())
}

fn extremes(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    if low <= high { (low, high) } else { (0.0, 0.0) }
}

/// Component numbers from 1.
fn components(count: usize) -> Axis {
    Axis::even(0.5, count as f64 + 0.5, 6.min(count + 1))
}

/// Variances smaller than this part of the largest are rounding.
const NEGLIGIBLE: f64 = 1e-14;

/// Scree plot of variances, descending and the first above zero; `floor` is the mean square error.
pub(crate) fn scree(variances: &[f64], floor: Option<f64>) -> Result<Figure> {
    let largest = variances.first().copied().unwrap_or(0.0);
    let seen = variances.iter().enumerate().filter(|(_, v)| **v > largest * NEGLIGIBLE);
    let points: Vec<_> = seen.map(|(k, v)| ((k + 1) as f64, v.log10())).collect();
    let floor = floor.filter(|&floor| floor > largest * NEGLIGIBLE).map(f64::log10);
    let (low, high) = extremes(points.iter().map(|point| point.1).chain(floor));
    let y = Axis::logarithmic(low, high, 6);
    draw(220, |area| {
        let left = y.label_width();
        let (title, x_name) = ("variance, in squared units", "component");
        let mut chart =
            Frame { title, x: components(variances.len()), x_name, y, left }.draw(area)?;
        if let Some(floor) = floor {
            level(&mut chart, floor, line(&LIMIT, 3))?;
        }
        chart.draw_series([PathElement::new(points.clone(), line(&ORIGINAL, 4))])?;
        dots(&mut chart, &points, if points.len() > 40 { 1 } else { 3 }, &ORIGINAL)
    })
}

/// Explained variance of the first components together, in per cent.
pub(crate) fn cumulative(shares: &[f64]) -> Result<Figure> {
    let points: Vec<_> =
        shares.iter().enumerate().map(|(k, share)| ((k + 1) as f64, share * 100.0)).collect();
    draw(220, |area| {
        let y = Axis::even(0.0, 105.0, 6);
        let left = y.label_width();
        let (title, x_name) = ("explained variance, % of all", "components taken");
        let mut chart = Frame { title, x: components(shares.len()), x_name, y, left }.draw(area)?;
        chart.draw_series([PathElement::new(points.clone(), line(&ORIGINAL, 4))])?;
        dots(&mut chart, &points, if points.len() > 40 { 1 } else { 3 }, &ORIGINAL)
    })
}

/// A channel as recorded and as decoded; `None` where the recording has no value.
pub(crate) struct Trace<'a> {
    pub(crate) original: &'a [Option<f64>],
    pub(crate) decoded: &'a [Option<f64>],
    /// The largest error promised.
    pub(crate) bound: Option<f64>,
}

impl Trace<'_> {
    fn error(&self, row: usize) -> Option<f64> {
        Some(self.decoded[row]? - self.original[row]?)
    }

    /// The rows seen from near: around the largest error, and of several around the largest step.
    pub(crate) fn stretch(&self) -> Range<usize> {
        let rows = self.original.len();
        let size = |row: usize| self.error(row).unwrap_or(0.0).abs();
        let step = |row: usize| {
            let before = self.original[row.checked_sub(1)?]?;
            Some((self.original[row]? - before).abs())
        };
        let size = |&row: &usize| (size(row), step(row).unwrap_or(0.0));
        let larger = |a: usize, b: usize| if size(&b) > size(&a) { b } else { a };
        let worst = (0..rows).reduce(larger).unwrap_or(0);
        let start = worst.saturating_sub(STRETCH / 2).min(rows.saturating_sub(STRETCH));
        start..rows.min(start + STRETCH)
    }

    /// The whole, a stretch of it, and the error.
    pub(crate) fn figure(&self) -> Result<Figure> {
        let rows = 0..self.original.len();
        let stretch = self.stretch();
        let errors = runs(rows.clone(), |row| self.error(row));
        let limits = self.bound.iter().flat_map(|&bound| [-bound, bound]);
        let ends = errors.iter().flatten().flat_map(|c| [c.low, c.high]);
        let (low, high) = extremes(ends.chain(limits.clone()).chain([0.0]));
        let error_axis = Axis::around(low, high, 5);
        let values = |rows: &Range<usize>| {
            let cells = self.original[rows.clone()].iter().chain(&self.decoded[rows.clone()]);
            let (low, high) = extremes(cells.copied().flatten());
            Axis::around(low, high, 5)
        };
        let (whole_axis, near_axis) = (values(&rows), values(&stretch));
        let widths = [&whole_axis, &near_axis, &error_axis].map(Axis::label_width);
        let left = widths.into_iter().max().unwrap_or(0);
        let ends = |rows: &Range<usize>| match rows.len() {
            1 => Axis::even(rows.start as f64 - 0.5, rows.start as f64 + 0.5, 2),
            _ => Axis::even(rows.start as f64, (rows.end - 1) as f64, 5),
        };
        let parted = stretch != rows;
        let (top, near) = if parted { (114, 134) } else { (0, 174) };
        draw(top + near + 125, |area| {
            let (upper, lower) = area.split_vertically((top + near) * FINE);
            let (whole, near) = upper.split_vertically(top * FINE);
            if parted {
                let title = format!("value, all {} rows", rows.len());
                let frame =
                    Frame { title: &title, x: ends(&rows), x_name: "", y: whole_axis, left };
                self.overlay(&mut frame.draw(&whole)?, &rows)?;
            }
            let title = if parted {
                format!("value, rows {} to {}", stretch.start, stretch.end - 1)
            } else {
                "value".into()
            };
            let frame = Frame { title: &title, x: ends(&stretch), x_name: "", y: near_axis, left };
            self.overlay(&mut frame.draw(&near)?, &stretch)?;
            let frame = Frame {
                title: "error, decoded − original",
                x: ends(&rows),
                x_name: "row",
                y: error_axis,
                left,
            };
            let mut chart = frame.draw(&lower)?;
            if rows.len() <= COLUMNS {
                trace(&mut chart, &errors, line(&DECODED, 3))?;
            } else {
                filled(&mut chart, &errors, &DECODED)?;
            }
            limits.clone().try_for_each(|limit| level(&mut chart, limit, line(&LIMIT, 3)))
        })
    }

    /// The decoded values as a thin line on a broad one of the original ones.
    fn overlay(&self, chart: &mut Chart<'_>, rows: &Range<usize>) -> Result<()> {
        let original = runs(rows.clone(), |row| self.original[row]);
        let decoded = runs(rows.clone(), |row| self.decoded[row]);
        if rows.len() <= COLUMNS {
            trace(chart, &original, line(&ORIGINAL, 9))?;
            return trace(chart, &decoded, line(&DECODED, 3));
        }
        filled(chart, &original, &ORIGINAL)?;
        // Of many rows only the edges: between them the original is seen.
        for edge in [|c: &Column| c.low, |c: &Column| c.high] {
            let flat = |c: &Column| Column { x: c.x, low: edge(c), high: edge(c) };
            let edges: Vec<_> = decoded.iter().map(|run| run.iter().map(flat).collect()).collect();
            trace(chart, &edges, line(&DECODED, 2))?;
        }
        Ok(())
    }
}

/// How errors are spread, with lines at both signs of `limit`.
pub(crate) fn histogram(errors: &[f64], limit: Option<f64>, unit: &str) -> Result<Figure> {
    let largest = errors.iter().fold(limit.unwrap_or(0.0), |largest, e| largest.max(e.abs()));
    let reach = if largest > 0.0 { (largest * 1.1).min(f64::MAX) } else { 1.0 };
    let width = reach / BINS as f64 * 2.0;
    let mut counts = [0_usize; BINS];
    for error in errors {
        let bin = (f64::midpoint(error / reach, 1.0) * BINS as f64) as usize;
        counts[bin.min(BINS - 1)] += 1;
    }
    let share = |count: usize| count as f64 * 100.0 / errors.len().max(1) as f64;
    let most = counts.iter().copied().max().unwrap_or(0);
    let y = Axis::even(0.0, share(most).max(1e-3) * 1.08, 5);
    draw(220, |area| {
        let left = y.label_width();
        let frame = Frame {
            title: "values, % of all",
            x: Axis::even(-reach, reach, 6),
            x_name: unit,
            y,
            left,
        };
        let mut chart = frame.draw(area)?;
        let bars =
            counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(bin, &count)| {
                let start = bin as f64 * width - reach;
                Rectangle::new(
                    [(start, 0.0), (start + width, share(count))],
                    ORIGINAL.light.filled(),
                )
            });
        chart.draw_series(bars)?;
        let top = chart.y_range().end;
        let limits = limit.iter().flat_map(|&limit| [-limit, limit]);
        let walls = limits.map(|x| PathElement::new(vec![(x, 0.0), (x, top)], line(&LIMIT, 4)));
        chart.draw_series(walls)?;
        Ok(())
    })
}

/// Bits per value over the allowed error, and the model's own point as a ring.
///
/// The errors are on a logarithmic axis if all are above zero, and evenly spaced otherwise.
pub(crate) fn curve(points: &[(f64, f64)], own: (f64, f64), x_name: &str) -> Result<Figure> {
    let all = || points.iter().copied().chain([own]);
    let mut errors: Vec<f64> = all().map(|(x, _)| x).filter(|x| x.is_finite()).collect();
    let logarithmic = errors.iter().all(|&x| x > 0.0);
    errors.sort_by(f64::total_cmp);
    errors.dedup();
    let place = |x: f64| {
        if logarithmic {
            x.log10()
        } else {
            errors.iter().position(|&error| error == x).unwrap_or(0) as f64
        }
    };
    let x = if logarithmic {
        let (low, high) = extremes(errors.iter().map(|x| x.log10()));
        Axis::logarithmic(low, high, 5)
    } else {
        let ends = -0.3..errors.len() as f64 - 0.7;
        Axis { ends, ticks: errors.iter().map(|&x| (place(x), format!("{x}"))).collect() }
    };
    let (_, most) = extremes(all().map(|(_, bits)| bits));
    let y = Axis::even(0.0, most.max(1e-3) * 1.08, 6);
    let placed: Vec<_> = points.iter().map(|&(x, bits)| (place(x), bits)).collect();
    draw(240, |area| {
        let left = y.label_width();
        let mut chart = Frame { title: "bits per value", x, x_name, y, left }.draw(area)?;
        chart.draw_series([PathElement::new(placed.clone(), line(&ORIGINAL, 4))])?;
        dots(&mut chart, &placed, 3, &ORIGINAL)?;
        let ring = line(&DECODED, 5);
        chart.draw_series([Circle::new((place(own.0), own.1), 7 * FINE, ring)])?;
        Ok(())
    })
}

/// Bytes of each frame over the rows it holds, from one start to the next; those that can be decoded
/// alone in another ink.
pub(crate) fn frames(
    lengths: &[usize],
    starts: &[usize],
    rows: usize,
    chain: usize,
) -> Result<Figure> {
    let ends = starts.iter().skip(1).chain([&rows]);
    let places: Vec<(usize, usize)> = starts.iter().zip(ends).map(|(&a, &b)| (a, b)).collect();
    let most = lengths.iter().copied().max().unwrap_or(0);
    let y = Axis::even(0.0, most as f64 * 1.08, 6);
    draw(220, |area| {
        let left = y.label_width();
        let x = Axis::even(0.0, rows as f64, 5);
        let mut chart =
            Frame { title: "bytes of a frame", x, x_name: "row", y, left }.draw(area)?;
        if lengths.len() > BARS {
            let mut runs = runs(0..lengths.len(), |frame| Some(lengths[frame] as f64));
            let middle = |frame: f64| {
                let (from, to) = places[frame as usize];
                (from + to) as f64 / 2.0
            };
            runs.iter_mut().flatten().for_each(|column| column.x = middle(column.x));
            return trace(&mut chart, &runs, line(&ORIGINAL, 3));
        }
        let bars =
            lengths.iter().zip(&places).enumerate().map(|(frame, (&length, &(from, to)))| {
                let ink = if frame % chain == 0 { DECODED } else { ORIGINAL };
                // A part is left free, so that bars of one height can be counted.
                let to = to as f64 - (to - from) as f64 * 0.12;
                Rectangle::new([(from as f64, 0.0), (to, length as f64)], ink.light.filled())
            });
        chart.draw_series(bars)?;
        Ok(())
    })
}

/// Whether `frames` draws so many one by one.
pub(crate) fn shows_each(frames: usize) -> bool {
    frames <= BARS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_within_the_ends() {
        let labels = |axis: Axis| axis.ticks.into_iter().map(|t| t.1).collect::<Vec<_>>().join(" ");
        assert_eq!(labels(Axis::even(0.0, 7401.0, 5)), "0 2000 4000 6000");
        assert_eq!(labels(Axis::even(-0.11, 0.11, 5)), "-0.10 -0.05 0 0.05 0.10");
        assert_eq!(labels(Axis::even(0.0, 2.4e7, 5)), "0 5e6 1e7 1.5e7 2e7");
        assert_eq!(labels(Axis::even(-3e-9, 3e-9, 4)), "-2e-9 0 2e-9");
        assert_eq!(labels(Axis::logarithmic(-3.0, 2.0, 6)), "0.001 0.01 0.1 1 10 100");
        assert_eq!(labels(Axis::logarithmic(0.0, 0.9, 6)), "1 2 5");
    }

    #[test]
    fn awkward_ends_have_finite_places() {
        let ends = [(0.0, 0.0), (f64::MIN, f64::MAX), (0.0, 5e-324), (1e9, 1e9 + 1e-7), (3.0, 3.0)];
        for (low, high) in ends {
            let axis = Axis::around(low, high, 4);
            assert!((1..=4).contains(&axis.ticks.len()), "{low} {high} {:?}", axis.ticks);
            for (x, text) in &axis.ticks {
                let place = axis.map(x, (0, 1000));
                assert!(
                    (-50..=1050).contains(&place) && !text.contains("inf"),
                    "{text} at {place}"
                );
            }
        }
    }

    #[test]
    fn a_gap_parts_a_trace() {
        let value = |row: usize| (row % 10 != 3).then_some(row as f64);
        let runs = runs(0..20, value);
        let lengths: Vec<_> = runs.iter().map(Vec::len).collect();
        assert_eq!(lengths, [3, 9, 6]);
        let reduced = super::runs(0..3000, |row| (row / 100 != 7).then_some(row as f64));
        assert_eq!(reduced.iter().map(Vec::len).collect::<Vec<_>>(), [70, 220]);
        assert_eq!((reduced[0][0].low, reduced[0][0].high), (0.0, 9.0));
    }
}
