//! The emulated machines, what is built for them, and how it is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, Place, output, run, side_by_side};

/// A machine of QEMU.
pub struct Machine {
    /// Short name: of folders, and of columns.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    pub target: &'static str,
    emulator: &'static str,
    board: &'static str,
    /// Where it has too little memory for all that is budgeted, one that runs the same code.
    larger: Option<&'static str>,
    /// Whether its budgets are those of a machine before it, which has the same programs.
    pub repeated: bool,
}

pub const MACHINES: &[Machine] = &[
    Machine {
        name: "m0",
        title: "Cortex-M0",
        target: "thumbv6m-none-eabi",
        emulator: "qemu-system-arm",
        board: "microbit",
        larger: Some("mps2-an385"),
        repeated: false,
    },
    Machine {
        name: "m4f",
        title: "Cortex-M4F",
        target: "thumbv7em-none-eabihf",
        emulator: "qemu-system-arm",
        board: "mps2-an386",
        larger: None,
        repeated: false,
    },
    Machine {
        name: "m7",
        title: "Cortex-M7",
        target: "thumbv7em-none-eabihf",
        emulator: "qemu-system-arm",
        board: "mps2-an500",
        larger: None,
        repeated: true,
    },
    Machine {
        name: "m33",
        title: "Cortex-M33",
        target: "thumbv8m.main-none-eabihf",
        emulator: "qemu-system-arm",
        board: "mps2-an505",
        larger: None,
        repeated: false,
    },
    Machine {
        name: "riscv",
        title: "RISC-V rv32imc",
        target: "riscv32imc-unknown-none-elf",
        emulator: "qemu-system-riscv32",
        board: "virt",
        larger: None,
        repeated: false,
    },
];

/// What runs on every machine, compiled for size.
pub const PROGRAMS: &[&str] = &["selftest", "learn", "mainjob", "networks", "pairs", "words"];
/// What measures routines.
pub const BUDGETS: &[&str] = &["budget", "budget_models"];
/// How budgets are compiled: profile, and what it is for.
pub const PROFILES: &[&str] = &["small", "release"];

impl Machine {
    /// What it lacks to be used here.
    pub fn missing(&self, place: &Place) -> Outcome<Option<String>> {
        if Command::new(self.emulator).arg("--version").output().is_err() {
            return Ok(Some(format!("no {}", self.emulator)));
        }
        let library =
            place.answer("rustc", &["--print", "target-libdir", "--target", self.target])?;
        let built = fs::read_dir(library).is_ok_and(|mut files| files.next().is_some());
        Ok((!built).then(|| format!("the toolchain has no {}", self.target)))
    }

    /// A program that was built.
    pub fn program(&self, place: &Place, profile: &str, name: &str) -> PathBuf {
        place.target.join(self.target).join(profile).join(name)
    }

    /// Where its programs leave files.
    pub fn folder(&self, place: &Place) -> PathBuf {
        place.target.join("frames").join(self.name)
    }

    /// Whether budgets are measured for a profile; two of the chips stand for all in the fast one, as it
    /// takes long to build.
    pub fn has(&self, profile: &str) -> bool {
        !self.repeated && (profile == "small" || matches!(self.name, "m0" | "m4f"))
    }

    /// A call of the emulator; it ends with the program's exit code.
    pub fn emulate(&self, program: &Path, budget: bool) -> Command {
        let board = self.larger.filter(|_| budget).unwrap_or(self.board);
        let mut command = Command::new("timeout");
        command.args(["300", self.emulator, "-M", board]);
        if self.emulator.ends_with("riscv32") {
            command.args(["-bios", "none"]);
        }
        command.args(["-nographic", "-monitor", "none"]);
        command.args(["-semihosting-config", "enable=on,target=native", "-kernel"]);
        command.arg(program);
        command
    }
}

/// Builds everything for all machines.
pub fn build(place: &Place, machines: &[&Machine]) -> Outcome {
    let cargo = |subcommand: &str, profile: &str, packages: &[&str], targets: &[&str]| {
        let mut command = place.tool("cargo");
        command.args([subcommand, "--quiet", "--locked", "--profile", profile, "--target-dir"]);
        command.arg(&place.target);
        packages.iter().for_each(|package| _ = command.args(["-p", package]));
        targets.iter().for_each(|target| _ = command.args(["--target", target]));
        command
    };
    let targets = |profile: &str| -> Vec<&str> {
        let wanted = machines.iter().filter(|machine| machine.has(profile));
        wanted.map(|machine| machine.target).collect()
    };
    run(&mut cargo("build", "small", PROGRAMS, &targets("small")))?;
    // The object is for linking every routine by itself. Cargo gives it for one target at a time, and
    // builds one of a profile at a time.
    side_by_side(PROFILES, |profile| {
        let targets = targets(profile);
        let each =
            targets.iter().flat_map(|target| BUDGETS.iter().map(move |&name| (target, name)));
        each.into_iter().try_for_each(|(target, name)| {
            let mut command = cargo("rustc", profile, &["budget"], &[target]);
            run(command.args(["--bin", name, "--", "--emit=obj"]))
        })
    })?;
    Ok(())
}

/// Runs every program on a machine.
pub fn run_all(place: &Place, machine: &Machine) -> Outcome {
    let folder = machine.folder(place);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for program in PROGRAMS {
        let path = machine.program(place, "small", program);
        let text = output(machine.emulate(&path, false).current_dir(&folder))?;
        println!("{} {program}: {} checks held", machine.name, text.matches("ok ").count());
    }
    Ok(())
}

/// Fails if a program has a panic beside the board's handler, or arithmetic with doubles.
pub fn search_symbols(program: &Path) -> Outcome {
    let symbols = output(Command::new("nm").arg("-C").arg(program))?;
    if !symbols.contains("board_main") {
        return Err(format!("{}: not a program for a board", program.display()));
    }
    let bad = |line: &&str| {
        let name = line.rsplit(' ').next().unwrap_or_default();
        let double = |ending: &str| name.starts_with("__") && name.ends_with(ending);
        ["core::panicking", "panic_fmt", "panic_bounds"].iter().any(|part| line.contains(part))
            || ["__aeabi_d", "__aeabi_cd"].iter().any(|part| name.starts_with(part))
            || ["__aeabi_f2d", "__aeabi_i2d", "__aeabi_ui2d", "__aeabi_l2d"].contains(&name)
            || ["df", "df2", "df3", "dfsi", "dfdi", "dfsf2"].iter().any(|end| double(end))
    };
    let found: Vec<&str> = symbols.lines().filter(bad).collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(format!("{} has\n  {}", program.display(), found.join("\n  ")))
}
