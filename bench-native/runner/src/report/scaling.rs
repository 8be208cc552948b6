//! How times grow: with the size of full decompositions, with the number of triplets of partial ones.

use super::fit::exponent;
use super::group::Group;
use super::markdown::{Table, ratio};
use crate::outcome::Outcome;
use crate::routine::{Job, Routine};

/// A column of exponents: some cells of a group, and what their time is a power of.
struct Column<'a> {
    heading: String,
    /// The size and the cell.
    cells: Vec<(f64, &'a Outcome)>,
}

impl Column<'_> {
    fn exponent(&self, name: &str) -> Option<f64> {
        let points = self.cells.iter().filter_map(|&(x, outcome)| Some((x, outcome.ns_of(name)?)));
        exponent(&points.collect::<Vec<_>>())
    }
}

/// Two tables with a row for each contender.
pub fn scaling(groups: &[Group]) -> String {
    let full: Vec<&Group> = pick(groups, |r| matches!(r, Routine::Svd | Routine::Eigh));
    let partial: Vec<&Group> = pick(groups, |r| r.jobs()[0] == Job::TopK);
    let by_size = full.iter().map(|group| {
        let sized =
            |o: &Outcome| (o.cell.rows == o.cell.cols && o.cell.cols >= 8).then_some(o.cell.cols);
        column(group, group.title(), sized)
    });
    let by_rank = partial.iter().flat_map(|group| {
        [32, 64].map(|n| {
            let heading = format!("{}, n = {n}", group.title());
            column(group, heading, |o: &Outcome| (o.cell.cols == n).then_some(o.cell.rank))
        })
    });
    format!(
        "## Scaling\n\nExponents, by a fit in logarithms, of the time of a full decomposition in n = 8…64:\n\n\
         {}… and of a partial one in k = 1, 4, 8:\n\n{}",
        table(&full, &by_size.collect::<Vec<_>>(), false),
        table(&partial, &by_rank.collect::<Vec<_>>(), true)
    )
}

fn pick<'a, 'b>(groups: &'b [Group<'a>], keep: fn(Routine) -> bool) -> Vec<&'b Group<'a>> {
    groups.iter().filter(|group| keep(group.routine)).collect()
}

fn column<'a>(
    group: &Group<'a>,
    heading: String,
    size: impl Fn(&Outcome) -> Option<usize>,
) -> Column<'a> {
    let cells = group.outcomes.iter();
    Column { heading, cells: cells.filter_map(|&o| Some((size(o)? as f64, o))).collect() }
}

/// With the contenders that have an exponent in one of the columns, of the partial ones only those
/// that do not compute everything.
fn table(groups: &[&Group], columns: &[Column], partial: bool) -> String {
    let headings = columns.iter().map(|column| column.heading.as_str());
    let mut table = Table::new([""].into_iter().chain(headings));
    let mut names: Vec<&str> = vec![];
    for name in groups.iter().flat_map(|group| group.contenders()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let cells = groups.iter().flat_map(|group| &group.outcomes);
        let takes_part =
            cells.flat_map(|o| &o.measured).any(|m| m.name == name && m.partial == partial);
        let exponents: Vec<Option<f64>> = columns.iter().map(|c| c.exponent(name)).collect();
        if takes_part && exponents.iter().any(Option::is_some) {
            table.row([name.to_owned()].into_iter().chain(exponents.into_iter().map(ratio)));
        }
    }
    table.finish()
}
