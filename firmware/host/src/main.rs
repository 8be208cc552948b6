//! What `firmware/run` does.

mod budgets;
mod job;
mod machines;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use budgets::Budgets;
use machines::{MACHINES, Machine};

/// Why a step failed, in words.
pub type Outcome<T = ()> = Result<T, String>;

/// Where things are and how they are called.
pub struct Place {
    /// This workspace.
    pub folder: PathBuf,
    /// Where Cargo builds it.
    pub target: PathBuf,
    /// `+name`, if one was asked for.
    pub toolchain: Option<String>,
}

impl Place {
    /// A call of a program of the toolchain.
    pub fn tool(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).args(&self.toolchain);
        command
    }

    /// What a program of the toolchain prints.
    pub fn answer(&self, program: &str, arguments: &[&str]) -> Outcome<String> {
        output(self.tool(program).args(arguments)).map(|text| text.trim().to_string())
    }
}

/// Runs a command to its end, and tells what it printed.
pub fn output(command: &mut Command) -> Outcome<String> {
    let result = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&result.stdout).into_owned();
    if result.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&result.stderr);
    Err(format!("{command:?}: {}\n{text}{errors}", result.status))
}

/// Runs a command that may print what it likes.
pub fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}")) }
}

fn main() -> ExitCode {
    let place = Place {
        folder: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".."),
        target: std::env::var_os("FIRMWARE_TARGET").map_or_else(|| "target".into(), PathBuf::from),
        toolchain: std::env::var("FIRMWARE_TOOLCHAIN").ok().filter(|name| !name.is_empty()),
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mut store, mut refit) = (false, false);
    let outcome = match arguments.first().map(String::as_str) {
        Some("--symbols") => arguments.iter().skip(1).try_for_each(|program| {
            machines::search_symbols(program.as_ref())?;
            println!("{program}: no other panic, no other double precision");
            Ok(())
        }),
        _ => {
            let known = arguments.iter().all(|argument| match argument.as_str() {
                "--store" => std::mem::replace(&mut store, true) || store,
                "--refit" => std::mem::replace(&mut refit, true) || refit,
                _ => false,
            });
            if known { everything(&place, store, refit) } else { Err("see firmware/run".into()) }
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("firmware/run: {why}");
            ExitCode::FAILURE
        }
    }
}

fn everything(place: &Place, store: bool, refit: bool) -> Outcome {
    let start = Instant::now();
    let step = |name: &str| println!("--- {name} ({} s)", start.elapsed().as_secs());
    if refit {
        step("models");
        job::refit(place)?;
        job::retrain(place)?;
    }
    let mut present: Vec<&Machine> = Vec::new();
    for machine in MACHINES {
        match machine.missing(place)? {
            Some(what) => println!("skipped: {}: {what}", machine.name),
            None => present.push(machine),
        }
    }
    if store && present.len() < MACHINES.len() {
        return Err("--store needs every machine".into());
    }
    step("building");
    machines::build(place, &present)?;
    step("panics and double precision");
    for machine in &present {
        for program in machines::PROGRAMS {
            machines::search_symbols(&machine.program(place, "small", program))?;
        }
        if machine.has("release") {
            for program in machines::BUDGETS {
                machines::search_symbols(&machine.program(place, "release", program))?;
            }
        }
    }
    step("running");
    side_by_side(&present, |machine| machines::run_all(place, machine))?;
    step("frames");
    job::compare(place, &present)?;
    step("samples");
    job::compare_samples(place, &present)?;
    step("budgets");
    let measured = budgets::measure(place, &present)?;
    if store {
        measured.store(place)?;
    } else {
        measured.compare(&Budgets::load(place)?)?;
    }
    step("done");
    Ok(())
}

/// Does something for every item, two at a time; the first failure in their order.
pub fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Outcome<R> + Sync,
) -> Outcome<Vec<R>> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(item) = items.get(number) else {
                return done;
            };
            done.push((number, work(item)));
        }
    };
    let mut done: Vec<_> = std::thread::scope(|scope| {
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        workers.into_iter().flat_map(|w| w.join().expect("a worker panicked")).collect()
    });
    done.sort_by_key(|&(number, _)| number);
    done.into_iter().map(|(_, result)| result).collect()
}
