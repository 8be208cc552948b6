//! Instructions, stack and flash of every routine: measuring, storing, comparing, and a page of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machines::{BUDGETS, MACHINES, Machine, PROFILES};
use crate::{Outcome, Place, output, side_by_side};

/// What may be lost without a word: a share, and so many of each.
const SHARE: f64 = 0.03;
const FEW: u64 = 8;

/// What a routine takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    /// Values that one call works on.
    values: u64,
    /// None where nothing counts them.
    instructions: Option<u64>,
    stack: u64,
    flash: u64,
}

/// The costs of all routines, in their order, by chip and profile (`m4f.small`).
pub struct Budgets {
    compiler: String,
    tables: BTreeMap<String, Vec<(String, Cost)>>,
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Measures everything on the machines there are.
pub fn measure(place: &Place, machines: &[&Machine]) -> Outcome<Budgets> {
    let compiler = place.answer("rustc", &["-V"])?;
    let plugin = plugin(place);
    if let Err(why) = &plugin {
        println!("skipped: counting instructions: {why}");
    }
    let each = machines
        .iter()
        .flat_map(|machine| PROFILES.iter().map(move |&profile| (*machine, profile)));
    let wanted: Vec<_> = each.filter(|(machine, profile)| machine.has(profile)).collect();
    let tables = side_by_side(&wanted, |(machine, profile)| {
        let mut costs = Vec::new();
        for name in BUDGETS {
            costs.extend(measure_one(place, machine, (profile, name), plugin.as_deref().ok())?);
        }
        Ok((format!("{}.{profile}", machine.name), costs))
    })?;
    Ok(Budgets { compiler, tables: tables.into_iter().collect() })
}

/// The emulator's counter of instructions.
fn plugin(place: &Place) -> Outcome<PathBuf> {
    let path = place.target.join("count.so");
    let mut command = Command::new("cc");
    command
        .args(["-O2", "-fPIC", "-shared", "-o"])
        .arg(&path)
        .arg(place.folder.join("host/count.c"));
    output(&mut command)?;
    Ok(path)
}

fn measure_one(
    place: &Place,
    machine: &Machine,
    (profile, name): (&str, &str),
    plugin: Option<&Path>,
) -> Outcome<Vec<(String, Cost)>> {
    let program = machine.program(place, profile, name);
    let counts = place.target.join(format!("counts.{}.{profile}.{name}", machine.name));
    let mut command = machine.emulate(&program, true);
    if let Some(plugin) = plugin {
        command.arg("-plugin").arg(format!("{},out={}", plugin.display(), counts.display()));
    }
    let text = output(&mut command)?;
    let counts: Vec<u64> = match plugin {
        Some(_) => read(&counts)?.lines().filter_map(|line| line.parse().ok()).collect(),
        None => Vec::new(),
    };
    let linker = Linker::new(place, machine, profile, name)?;
    let (mut costs, mut nothing) = (Vec::new(), None);
    for (number, line) in text.lines().enumerate() {
        let [routine, symbol, values, stack] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("{}: {name} printed {line:?}", machine.name));
        };
        let parse = |text: &str| text.parse::<u64>().map_err(|error| format!("{line:?}: {error}"));
        let (values, stack) = (parse(values)?, parse(stack)?);
        let count = counts.get(number).copied();
        if plugin.is_some() && count.is_none() {
            return Err(format!("{}: no count for {routine}", machine.name));
        }
        // First comes a routine that does nothing: what is measured of it is the measuring.
        let &mut (no_count, no_stack) = nothing.get_or_insert((count.unwrap_or(0), stack));
        if number > 0 {
            let instructions = count.map(|count| count.saturating_sub(no_count));
            let (stack, flash) = (stack.saturating_sub(no_stack), linker.flash(symbol)?);
            costs.push((routine.to_string(), Cost { values, instructions, stack, flash }));
        }
    }
    Ok(costs)
}

/// Links one routine of the budget program, and what it calls, by itself.
struct Linker {
    program: PathBuf,
    object: PathBuf,
    library: PathBuf,
    folder: PathBuf,
}

impl Linker {
    fn new(place: &Place, machine: &Machine, profile: &str, name: &str) -> Outcome<Self> {
        let host = place.answer("rustc", &["-vV"])?;
        let host = host.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("no host")?;
        let sysroot = PathBuf::from(place.answer("rustc", &["--print", "sysroot"])?);
        let program = sysroot.join("lib/rustlib").join(host).join("bin/rust-lld");
        let libraries =
            place.answer("rustc", &["--print", "target-libdir", "--target", machine.target])?;
        let library = newest(Path::new(&libraries), "libcompiler_builtins-", "rlib")?;
        let folder = place.target.join(machine.target).join(profile);
        let object = newest(&folder.join("deps"), &format!("{name}-"), "o")?;
        Ok(Self { program, object, library, folder })
    }

    /// Bytes of code and constants.
    fn flash(&self, symbol: &str) -> Outcome<u64> {
        let script = self.folder.join(format!("{symbol}.ld"));
        let linked = self.folder.join(format!("{symbol}.elf"));
        write(
            &script,
            &format!(
                "SECTIONS {{ .root : {{ KEEP(*(.text.{symbol})) }} .text : {{ *(.text .text.*) }}\n\
                 .rodata : {{ *(.rodata .rodata.* .srodata .srodata.*) }}\n\
                 .data : {{ *(.data .data.* .sdata .sdata.*) }} .bss : {{ *(.bss .bss.* .sbss .sbss.*) }}\n\
                 /DISCARD/ : {{ *(.ARM.exidx .ARM.exidx.* .eh_frame .vectors) }} }}\n"
            ),
        )?;
        let mut command = Command::new(&self.program);
        command.args(["-flavor", "gnu", "--gc-sections", "--no-warnings", "-e0"]);
        command.args(["--unresolved-symbols=ignore-all", "-o"]).arg(&linked).arg("-T").arg(&script);
        output(command.arg(&self.object).arg(&self.library))?;
        let bytes = fs::read(&linked).map_err(|error| format!("{symbol}: {error}"))?;
        let _ = (fs::remove_file(&script), fs::remove_file(&linked));
        let (root, all) = loaded(&bytes).ok_or(format!("{symbol}: not an ELF file"))?;
        if root { Ok(all) } else { Err(format!("{symbol} is not a function of its own")) }
    }
}

/// The newest file of a name.
fn newest(folder: &Path, prefix: &str, extension: &str) -> Outcome<PathBuf> {
    let files = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let fits = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(prefix))
            && path.extension().is_some_and(|e| e == extension)
    };
    let paths = files.filter_map(|file| Some(file.ok()?.path())).filter(fits);
    let newest = paths.max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok());
    newest.ok_or(format!("{}: no {prefix}*.{extension}", folder.display()))
}

/// Of an ELF file for 32 bits: whether its first section holds something, and the bytes of all sections
/// that go to flash.
fn loaded(elf: &[u8]) -> Option<(bool, u64)> {
    let half = |at: usize| Some(u16::from_le_bytes(elf.get(at..at + 2)?.try_into().ok()?) as usize);
    let word = |at: usize| Some(u32::from_le_bytes(elf.get(at..at + 4)?.try_into().ok()?) as usize);
    let (table, size, count) = (word(32)?, half(46)?, half(48)?);
    let (mut root, mut all) = (false, 0);
    for number in 0..count {
        let at = table + number * size;
        let (kind, flags, length) = (word(at + 4)?, word(at + 8)?, word(at + 20)?);
        // Of data that a program brings along, to be loaded.
        if kind == 1 && flags & 2 != 0 {
            root |= number == 1 && length > 0;
            all += length as u64;
        }
    }
    Some((root, all))
}

impl Budgets {
    pub fn load(place: &Place) -> Outcome<Self> {
        let text = read(&place.folder.join("budgets.toml"))?;
        let (mut compiler, mut tables, mut at) = (String::new(), BTreeMap::new(), String::new());
        for line in text.lines() {
            if let Some(value) = line.strip_prefix("compiler = ") {
                compiler = value.trim_matches('"').to_string();
            } else if let Some(name) = line.strip_prefix('[') {
                at = name.trim_end_matches(']').to_string();
            } else if let Some((name, fields)) = line.split_once(" = { ") {
                let field = |wanted: &str| {
                    let mut fields = fields.trim_end_matches(" }").split(", ");
                    let found =
                        fields.find_map(|field| field.strip_prefix(wanted)?.strip_prefix(" = "));
                    found.and_then(|number| number.parse().ok())
                };
                let (Some(stack), Some(flash)) = (field("stack"), field("flash")) else {
                    return Err(format!("budgets.toml: {line}"));
                };
                let values = field("values").unwrap_or(1);
                let cost = Cost { values, instructions: field("instructions"), stack, flash };
                let table: &mut Vec<_> = tables.entry(at.clone()).or_default();
                table.push((name.trim_matches('"').to_string(), cost));
            }
        }
        Ok(Self { compiler, tables })
    }

    /// Writes the figures and the page.
    pub fn store(&self, place: &Place) -> Outcome {
        let mut text = format!(
            "# Instructions of one call, bytes of stack, bytes of flash when nothing else is used, by chip and\n\
             # profile. Made by `firmware/run --store`; `firmware/run` compares.\n\
             compiler = \"{}\"\n",
            self.compiler
        );
        for (name, costs) in &self.tables {
            let _ = writeln!(text, "\n[{name}]");
            for (routine, cost) in costs {
                let Some(instructions) = cost.instructions else {
                    return Err("--store needs an emulator that counts instructions".into());
                };
                let _ = write!(text, "\"{routine}\" = {{ instructions = {instructions}, ");
                let _ = write!(text, "stack = {}, flash = {}", cost.stack, cost.flash);
                let values = if cost.values == 1 {
                    String::new()
                } else {
                    format!(", values = {}", cost.values)
                };
                let _ = writeln!(text, "{values} }}");
            }
        }
        write(&place.folder.join("budgets.toml"), &text)?;
        write(&place.folder.join("BUDGETS.md"), &self.page())
    }

    /// Fails if something got worse than it was stored, or is not stored.
    pub fn compare(&self, stored: &Self) -> Outcome {
        if self.compiler != stored.compiler {
            println!("skipped: budgets are of {}, this is {}", stored.compiler, self.compiler);
            return Ok(());
        }
        let (mut compared, mut better, mut worse) = (0, 0, Vec::new());
        for (name, costs) in &self.tables {
            let old: BTreeMap<_, _> =
                stored.tables.get(name).into_iter().flatten().cloned().collect();
            for (routine, cost) in costs {
                let Some(old) = old.get(routine) else {
                    worse.push(format!("{name}, {routine}: not in budgets.toml"));
                    continue;
                };
                let figures = [
                    ("instructions", cost.instructions, old.instructions),
                    ("bytes of stack", Some(cost.stack), Some(old.stack)),
                    ("bytes of flash", Some(cost.flash), Some(old.flash)),
                ];
                for (what, new, old) in figures {
                    let (Some(new), Some(old)) = (new, old) else {
                        continue;
                    };
                    compared += 1;
                    better += usize::from(new < old);
                    if new > old + FEW && new as f64 > old as f64 * (1.0 + SHARE) {
                        worse.push(format!("{name}, {routine}: {new} {what} instead of {old}"));
                    }
                }
            }
        }
        println!("{compared} figures compared, {better} of them better than stored");
        if worse.is_empty() {
            return Ok(());
        }
        Err(format!("over the budget (firmware/run --store keeps it):\n  {}", worse.join("\n  ")))
    }

    /// Tables for readers.
    fn page(&self) -> String {
        let mut page = format!(
            "# Budgets\n\n\
             What routines take on chips, measured in QEMU with {} by `firmware/run --store`, which made this page\n\
             from what is in `budgets.toml`. All floats are `f32`. The column *fast* is compiled with `opt-level = 3`,\n\
             the others with `\"s\"`; a Cortex-M7 runs the programs of the Cortex-M4F. QEMU counts instructions, not cycles.\n\n\
             The codec works on a window of 32 rows of 8 channels of `data/telemetry.csv`, in a frame that stands alone,\n\
             with the models in `mainjob/models`: *bounded* at 5 % of each channel's deviation, *predictive* with a root\n\
             mean square error of 10 %, *transform* with 8 components. Matrices have normally distributed entries; the 800 words\n\
             are those of `firmware/words`. Digits of 8x8 pixels are drawn by the networks in `networks/models`; the\n\
             stack holds their scratch memory, the flash their blobs. The words of a digit are looked up in a table of thirty\n\
             prompts, and guidance by them takes two passes a step. Digits are named by the tower and tables of `pairs`.\n",
            self.compiler
        );
        let order = MACHINES
            .iter()
            .flat_map(|machine| PROFILES.iter().map(move |&profile| (machine, profile)));
        let columns: Vec<_> = order
            .filter_map(|(machine, profile)| {
                let costs = self.tables.get(&format!("{}.{profile}", machine.name))?;
                let fast = if profile == "small" { "" } else { ", fast" };
                Some((format!("{}{fast}", machine.title), costs))
            })
            .collect();
        type Figure = fn(&Cost) -> Option<u64>;
        let per_value: Figure = |c| (c.values > 1).then(|| c.instructions.map(|n| n / c.values))?;
        let tables: [(&str, Figure); 4] = [
            ("Codec: instructions per value", per_value),
            ("Instructions of a call", |c| c.instructions.filter(|_| c.values == 1)),
            ("Stack, bytes (beside what the caller lends)", |c| Some(c.stack)),
            ("Flash, bytes, of a program that uses nothing else", |c| Some(c.flash)),
        ];
        for (title, figure) in tables {
            let _ = write!(page, "\n## {title}\n\n| |");
            columns.iter().for_each(|(name, _)| page.push_str(&format!(" {name} |")));
            page.push_str("\n|---|");
            columns.iter().for_each(|_| page.push_str("---:|"));
            page.push('\n');
            for (number, (routine, first)) in columns.iter().flat_map(|c| c.1).enumerate() {
                if number >= columns.first().map_or(0, |c| c.1.len()) || figure(first).is_none() {
                    continue;
                }
                let _ = write!(page, "| {routine} |");
                for (_, costs) in &columns {
                    let cell = costs.get(number).and_then(|(_, cost)| figure(cost));
                    let _ = write!(page, " {} |", cell.map_or("-".into(), grouped));
                }
                page.push('\n');
            }
        }
        page
    }
}

/// With a space between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
