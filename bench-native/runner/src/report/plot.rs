//! Time against size, on logarithmic axes.

use super::group::Group;
use crate::cell::Cell;
use crate::outcome::{is_fast, is_native};
use crate::routine::Job;
use crate::table::OURS;
use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;

type Error = DrawingAreaErrorKind<std::io::Error>;

const SIZE: (u32, u32) = (960, 640);
/// A colour for each library; its algorithms differ in their markers.
const LIBRARIES: [(&str, RGBColor); 9] = [
    ("nalgebra", RGBColor(31, 119, 180)),
    ("faer", RGBColor(44, 160, 44)),
    ("OpenBLAS", RGBColor(148, 103, 189)),
    ("MKL", RGBColor(23, 160, 190)),
    ("Eigen", RGBColor(127, 127, 127)),
    ("numeris", RGBColor(188, 160, 34)),
    ("multicalc", RGBColor(140, 86, 75)),
    ("glam", RGBColor(227, 119, 194)),
    ("Spectra", RGBColor(0, 0, 0)),
];
const FAST: RGBColor = RGBColor(214, 39, 40);
const DEFAULT: RGBColor = RGBColor(255, 127, 14);

/// The size that a cell has on the horizontal axis, and what it is; nothing for one left out.
fn size(cell: &Cell) -> Option<(f64, &'static str)> {
    match cell.job() {
        Job::Project | Job::ProjectBatch => {
            Some(((cell.rows * cell.cols) as f64, "values in × values out"))
        }
        Job::TopK => (cell.cols == 64).then_some((cell.rank as f64, "k of a 64×64 matrix")),
        Job::Covariance | Job::CovarianceBlock => Some((cell.cols as f64, "d")),
        _ => (cell.rows == cell.cols).then_some((cell.cols as f64, "n of an n×n matrix")),
    }
}

/// A contender's line.
struct Line<'a> {
    name: &'a str,
    points: Vec<(f64, f64)>,
    colour: RGBColor,
    width: u32,
    /// Which of the markers.
    marker: usize,
}

fn lines<'a>(group: &Group<'a>) -> Vec<Line<'a>> {
    let mut lines: Vec<Line> = vec![];
    for name in group.contenders().into_iter().filter(|name| !is_native(name)) {
        let point = |o: &&_| -> Option<(f64, f64)> {
            let outcome: &crate::outcome::Outcome = o;
            Some((size(&outcome.cell)?.0, outcome.ns_of(name)?))
        };
        let points = group.outcomes.iter().filter_map(point).collect();
        let library = LIBRARIES.iter().find(|(library, _)| name.starts_with(library));
        let colour = match library {
            _ if is_fast(name) => FAST,
            Some(&(_, colour)) => colour,
            None => DEFAULT,
        };
        let marker = lines.iter().filter(|line| line.colour == colour).count();
        let width = if name.starts_with(OURS) { 3 } else { 1 };
        lines.push(Line { name, points, colour, width, marker });
    }
    lines.retain(|line| line.points.len() > 1);
    lines
}

/// The plot as text, where there are at least three sizes.
pub fn svg(group: &Group) -> Result<Option<String>> {
    let lines = lines(group);
    let all = || lines.iter().flat_map(|line| &line.points);
    let limits = |of: fn(&(f64, f64)) -> f64| {
        all().map(of).fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)))
    };
    let (x, y) = (limits(|p| p.0), limits(|p| p.1));
    let Some((_, axis)) = group.outcomes.iter().find_map(|o| size(&o.cell)) else {
        return Ok(None);
    };
    if all().count() == 0 || lines.iter().all(|line| line.points.len() < 3) {
        return Ok(None);
    }
    let mut text = String::new();
    draw(&mut text, &group.title().replace('`', ""), axis, &lines, x, y)
        .map_err(|error| anyhow!("drawing {}: {error}", group.file_stem()))?;
    Ok(Some(text))
}

fn draw(
    text: &mut String,
    title: &str,
    axis: &str,
    lines: &[Line],
    x: (f64, f64),
    y: (f64, f64),
) -> Result<(), Error> {
    let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    // Room for the legend at the right, where no line is.
    let (left, right) = root.split_horizontally(SIZE.0 - 210);
    let mut chart = ChartBuilder::on(&left)
        .caption(title, ("sans-serif", 22))
        .margin(12)
        .x_label_area_size(48)
        .y_label_area_size(80)
        .build_cartesian_2d(
            (x.0 * 0.9..x.1 * 1.1).log_scale().base(2.0),
            (y.0 * 0.7..y.1 * 1.4).log_scale(),
        )?;
    chart
        .configure_mesh()
        .light_line_style(RGBColor(238, 238, 238))
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 17))
        .x_desc(axis)
        .y_desc("time of a problem")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|&ns| duration(ns))
        .draw()?;
    for (i, line) in lines.iter().enumerate() {
        let style = line.colour.stroke_width(line.width);
        chart.draw_series(LineSeries::new(line.points.iter().copied(), style))?;
        for point in &line.points {
            mark(&root, chart.backend_coord(point), line)?;
        }
        let height = 60 + 24 * i as i32;
        right.draw(&PathElement::new([(4, height), (34, height)], style))?;
        mark(&right, (19, height), line)?;
        right.draw(&Text::new(line.name.to_owned(), (42, height - 8), ("sans-serif", 15)))?;
    }
    root.present()?;
    Ok(())
}

/// Draws what stands at a point of the line.
fn mark(area: &DrawingArea<SVGBackend, Shift>, at: (i32, i32), line: &Line) -> Result<(), Error> {
    let (filled, open) = (line.colour.filled(), line.colour.stroke_width(2));
    match line.marker % 4 {
        0 => area.draw(&Circle::new(at, 4, filled)),
        1 => area.draw(&TriangleMarker::new(at, 6, filled)),
        2 => area.draw(&Cross::new(at, 5, open)),
        _ => area.draw(&Circle::new(at, 4, open)),
    }
}

fn duration(ns: f64) -> String {
    match ns {
        _ if ns < 1e3 => format!("{ns:.0} ns"),
        _ if ns < 1e6 => format!("{:.0} µs", ns / 1e3),
        _ => format!("{:.0} ms", ns / 1e6),
    }
}
