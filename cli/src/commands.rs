//! The commands, each as the list of its steps.
use anyhow::Result;
use crate::args::{Cli, Command};
use crate::input::{self, Columns};
pub(crate) fn run(cli: Cli) -> Result<bool> {
    if let Command::Fit { inputs, fit, .. } = &cli.command {
        let c = if fit.columns.is_empty() { Columns::All } else { Columns::Chosen(&fit.columns) };
        for i in inputs {
            let (r, notes) = input::read(i, c)?;
            for n in notes { eprintln!("{n}"); }
            println!("{:?} {} {} {} {:?} {}", r.names, r.rows, r.kind, r.stored_bits, r.gaps, r.values.iter().sum::<f64>());
        }
    }
    Ok(true)
}
