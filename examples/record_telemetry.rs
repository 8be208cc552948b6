//! Records the counters of a Linux machine at ten rows a second, as comma-separated integers.
//!
//! `cargo run --release --example record_telemetry -- 720 telemetry.csv` records for 720 seconds.
//! Nothing that identifies the machine, its users or its programs is read or written.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, thread};

/// Time between rows.
const PERIOD: Duration = Duration::from_millis(100);

/// What a column shows of its counter.
#[derive(Clone, Copy)]
enum Show {
    /// The growth since the row before.
    Growth,
    /// The value itself.
    Level,
}

/// Name with unit, what is shown, and how many units one count of the kernel is.
const COLUMNS: [(&str, Show, u64); 16] = [
    ("cpu_user_ms", Show::Growth, 10),
    ("cpu_system_ms", Show::Growth, 10),
    ("cpu_iowait_ms", Show::Growth, 10),
    ("cpu_stalled_us", Show::Growth, 1),
    ("interrupts", Show::Growth, 1),
    ("context_switches", Show::Growth, 1),
    ("page_faults", Show::Growth, 1),
    ("processes_created", Show::Growth, 1),
    ("processes_running", Show::Level, 1),
    ("memory_free_kib", Show::Level, 1),
    ("memory_cached_kib", Show::Level, 1),
    ("memory_dirty_kib", Show::Level, 1),
    ("memory_anon_kib", Show::Level, 1),
    ("disk_read_sectors", Show::Growth, 1),
    ("disk_write_sectors", Show::Growth, 1),
    ("load_1min_percent", Show::Level, 1),
];

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (Some(seconds), Some(path)) =
        (arguments.next().and_then(|text| text.parse::<u32>().ok()), arguments.next())
    else {
        eprintln!("usage: record_telemetry SECONDS FILE.csv");
        return ExitCode::from(2);
    };
    match record(seconds, &path) {
        Ok(latest) => {
            eprintln!("latest row came {} ms after its time", latest.as_millis());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{path}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes ten rows for each of `seconds`, and returns how late the latest one was.
fn record(seconds: u32, path: &str) -> io::Result<Duration> {
    let mut out = BufWriter::new(File::create(path)?);
    let names: Vec<&str> = COLUMNS.iter().map(|column| column.0).collect();
    writeln!(out, "{}", names.join(","))?;
    let (mut latest, mut before) = (Duration::ZERO, counters()?);
    let start = Instant::now();
    // Row n is due at start + n·period whatever the rows before it took, so lateness never adds up.
    for row in 1..=seconds.saturating_mul(10) {
        let due = PERIOD.saturating_mul(row);
        thread::sleep(due.saturating_sub(start.elapsed()));
        let now = counters()?;
        latest = latest.max(start.elapsed().saturating_sub(due));
        let cells = COLUMNS.iter().zip(now.iter().zip(&before));
        let cells = cells.map(|((_, show, unit), (now, before))| match show {
            Show::Growth => now.saturating_sub(*before).saturating_mul(*unit).to_string(),
            Show::Level => now.saturating_mul(*unit).to_string(),
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join(","))?;
        before = now;
    }
    out.flush()?;
    Ok(latest)
}

/// All counters in the order of `COLUMNS`; one that this kernel does not have reads as zero.
fn counters() -> io::Result<[u64; COLUMNS.len()]> {
    let stat = fs::read_to_string("/proc/stat")?;
    let memory = fs::read_to_string("/proc/meminfo")?;
    let virtual_memory = fs::read_to_string("/proc/vmstat")?;
    let disks = fs::read_to_string("/proc/diskstats")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let stalls = fs::read_to_string("/proc/pressure/cpu").unwrap_or_default();
    let cpu = |index| field(&stat, "cpu", index);
    Ok([
        cpu(1).saturating_add(cpu(2)),
        cpu(3).saturating_add(cpu(6)).saturating_add(cpu(7)),
        cpu(5),
        stalls.lines().next().map_or(0, |line| digits(line.rsplit('=').next())),
        field(&stat, "intr", 1),
        field(&stat, "ctxt", 1),
        field(&virtual_memory, "pgfault", 1),
        field(&stat, "processes", 1),
        field(&stat, "procs_running", 1),
        field(&memory, "MemFree:", 1),
        field(&memory, "Cached:", 1),
        field(&memory, "Dirty:", 1),
        field(&memory, "AnonPages:", 1),
        sectors(&disks, 5),
        sectors(&disks, 9),
        digits(load.split_whitespace().next().map(|text| text.replace('.', "")).as_deref()),
    ])
}

/// The number at `index` of the line that begins with the word `key`.
fn field(text: &str, key: &str, index: usize) -> u64 {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(key));
    digits(line.and_then(|line| line.split_whitespace().nth(index)))
}

/// Sum of one field over whole disks: a partition's name continues that of a disk already seen.
fn sectors(disks: &str, index: usize) -> u64 {
    let mut sum = 0_u64;
    let mut whole: Vec<&str> = Vec::new();
    for fields in disks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
        let Some(name) = fields.get(2) else { continue };
        if !whole.iter().any(|disk| name.starts_with(disk)) {
            whole.push(name);
            sum = sum.saturating_add(digits(fields.get(index).copied()));
        }
    }
    sum
}

fn digits(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}
