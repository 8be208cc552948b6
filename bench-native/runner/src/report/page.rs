//! `BENCHMARKS.md`.

use super::group::{Group, Ours, SMALL};
use super::markdown::{Table, ratio, time};
use super::scaling;
use crate::outcome::{Measured, Outcome, is_fast};
use crate::routine::{Job, Routine};
use crate::timing::Effort;

/// What the page says of the run.
pub struct Setting<'a> {
    /// Name and value of what the times depend on: processor, compilers, versions, flags.
    pub facts: Vec<(String, String)>,
    /// Who is missing, and why.
    pub absent: &'a [(String, String)],
    /// How long was measured.
    pub effort: Effort,
    /// Where the plots are, seen from the page, and of which groups there are any.
    pub plots: &'a str,
    /// Stems of the files of plots.
    pub plotted: &'a [String],
}

/// The whole page.
pub fn page(outcomes: &[Outcome], setting: &Setting) -> String {
    let groups = Group::all(outcomes);
    let builds = builds(outcomes);
    let peak = |group: &Group| peak(outcomes, group);
    let mut text = introduction(setting, builds.len() > 1);
    text += &summary(&groups, &builds);
    text += &scaling::scaling(&groups);
    for group in groups.iter().filter(|g| g.routine != Routine::Peak) {
        text += &format!("## {}\n\n", group.title());
        if setting.plotted.contains(&group.file_stem()) {
            let file = format!("{}/{}.svg", setting.plots, group.file_stem());
            text += &format!("![Time against size]({file})\n\n");
        }
        text += &comparison(group, &builds, peak(group));
        text += &details(group);
    }
    text.trim_end().to_owned() + "\n"
}

/// The builds of ours that there are, with their headings.
fn builds(outcomes: &[Outcome]) -> Vec<(&'static str, Ours)> {
    let fast = outcomes.iter().flat_map(|o| &o.measured).any(|m| is_fast(&m.name));
    let default = ("default", Ours::Default);
    if fast { vec![("`fast`", Ours::Fast), default] } else { vec![default] }
}

/// Operations in a nanosecond that the machine is capable of.
fn peak(outcomes: &[Outcome], group: &Group) -> Option<f64> {
    let probe = |o: &&Outcome| o.cell.routine == Routine::Peak && o.cell.scalar == group.scalar;
    let outcome = outcomes.iter().find(probe)?;
    Some((outcome.cell.rows * outcome.cell.cols) as f64 / outcome.measured.first()?.ns?)
}

fn introduction(setting: &Setting, has_fast: bool) -> String {
    let mut text = format!(
        "# Benchmarks\n\n\
         Written by `bench-native/run`; `bench-native/run svd f32 16` prints single cells.\n\n\
         All contenders of a cell take turns of less than a millisecond in one process on one core, \
         with one thread, up to {} turns each; the tables hold medians. Nobody is timed whose answers \
         have not been checked: residual and orthogonality, or the difference to the same sums in \
         double precision; a peer that is wrong somewhere in a cell is not timed there. Each turn works through different matrices of normal values. *Ratio* is \
         our time divided by that of the fastest peer: below 1 we are faster. A peer with † is by its \
         method good to about half the digits only.\n\n",
        setting.effort.rounds
    );
    if !has_fast {
        text +=
            "There is no feature `fast` in this version: the default build is all there is.\n\n";
    }
    let mut table = Table::of_texts();
    for (name, value) in &setting.facts {
        table.row([name, value]);
    }
    text += &table.finish();
    text += "Absent:\n\n";
    for (who, why) in setting.absent {
        text += &format!("- {who}: {why}.\n");
    }
    text + "\n"
}

fn summary(groups: &[Group], builds: &[(&str, Ours)]) -> String {
    let mut columns = vec![String::new()];
    for (name, _) in builds {
        columns.extend([format!("{name}, n ≤ {SMALL}"), format!("{name}, all")]);
    }
    let native = groups.iter().any(|g| g.native_ratio().is_some());
    if native {
        columns.push("`fast`, built for this machine".into());
    }
    let mut table = Table::new(columns);
    for group in groups.iter().filter(|g| g.routine != Routine::Peak) {
        let mut row = vec![group.title()];
        for &(_, ours) in builds {
            row.extend([true, false].map(|small| ratio(group.mean_ratio(ours, small))));
        }
        if native {
            row.push(ratio(group.native_ratio()));
        }
        table.row(row);
    }
    let mut text = "## Geometric means of the ratios\n\n".to_owned() + &table.finish();
    if native {
        text += "The last column is the time of `fast` built with `-C target-cpu=native`, divided by that \
                 of `fast` as everybody builds it.\n\n";
    }
    text
}

/// Ours against the fastest peer, and for the SVD the share of the machine's peak.
fn comparison(group: &Group, builds: &[(&str, Ours)], peak: Option<f64>) -> String {
    let gesvj = group.outcomes.iter().any(|o| o.best_with_suffix("gesvj").is_some())
        && group.routine != Routine::TopKDecaying
        && group.routine != Routine::TopKFlat;
    let peak = peak.filter(|_| group.routine == Routine::Svd);
    let mut columns = vec!["size".to_owned()];
    columns.extend(builds.iter().map(|(name, _)| format!("{name}, ns")));
    columns.extend(["fastest peer".into(), "its ns".into()]);
    columns.extend(builds.iter().map(|(name, _)| format!("ratio, {name}")));
    if gesvj {
        columns.extend(builds.iter().map(|(name, _)| format!("to `gesvj`, {name}")));
    }
    if peak.is_some() {
        columns.extend(builds.iter().map(|(name, _)| format!("share of peak, {name}")));
        columns.push("peer's".into());
    }
    let mut table = Table::new(columns);
    for outcome in &group.outcomes {
        let (best, jacobi) = (outcome.best_peer(), outcome.best_with_suffix("gesvj"));
        let mut row = vec![outcome.cell.shape()];
        row.extend(builds.iter().map(|&(_, ours)| time(ours.of(outcome).and_then(|m| m.ns))));
        row.extend([best.map_or("—".into(), marked), time(best.and_then(|m| m.ns))]);
        row.extend(builds.iter().map(|&(_, ours)| ratio(ours.ratio(outcome))));
        if gesvj {
            row.extend(builds.iter().map(|&(_, ours)| ratio(quotient(ours.of(outcome), jacobi))));
        }
        if let Some(peak) = peak {
            let ours = builds.iter().map(|&(_, ours)| ours.of(outcome));
            row.extend(ours.chain([best]).map(|m| share(outcome, m, peak)));
        }
        table.row(row);
    }
    let mut text = table.finish();
    if let Some(peak) = peak {
        text += &format!(
            "Share of the peak of {peak:.1} operations in a nanosecond, which fused multiplications and \
             additions in registers reach, at the 14·m·n² + 8·n³ operations of Golub & Reinsch's method, \
             whatever the method.\n\n"
        );
    }
    text
}

fn marked(measured: &Measured) -> String {
    format!("{}{}", measured.name, if measured.half_digits { " †" } else { "" })
}

fn quotient(ours: Option<&Measured>, theirs: Option<&Measured>) -> Option<f64> {
    Some(ours?.ns? / theirs?.ns?)
}

fn share(outcome: &Outcome, measured: Option<&Measured>, peak: f64) -> String {
    let (m, n) = (outcome.cell.rows as f64, outcome.cell.cols as f64);
    let operations = 14.0 * m * n * n + 8.0 * n.powi(3);
    let share = measured.and_then(|m| m.ns).map(|ns| operations / ns / peak);
    share.map_or("—".into(), |share| format!("{:.1} %", 100.0 * share))
}

/// Everybody's time and largest error.
fn details(group: &Group) -> String {
    let mut columns = vec!["ns".to_owned()];
    columns.extend(group.outcomes.iter().map(|o| o.cell.shape()));
    columns.push("worst error, ε".into());
    let mut table = Table::new(columns);
    for name in group.contenders() {
        let mut row = vec![name.to_owned()];
        row.extend(group.outcomes.iter().map(|o| time(o.ns_of(name))));
        row.push(group.worst_error(name).map_or("gave up".into(), |error| format!("{error:.0}")));
        table.row(row);
    }
    let gave_up = match group.routine.jobs()[0] {
        Job::TopK => {
            " A dash among them: not converged within the iterations that the routine allows itself."
        }
        _ => "",
    };
    format!(
        "<details><summary>All contenders</summary>\n\nNanoseconds, and the largest error of all checked \
         answers.{gave_up}\n\n{}</details>\n\n",
        table.finish()
    )
}
