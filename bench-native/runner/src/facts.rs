//! What the times depend on.

use std::fs;
use std::process::Command;

/// Name and value of processor, compilers, flags and versions.
pub fn facts(core: usize, versions: &[(String, String)]) -> Vec<(String, String)> {
    let mut facts = vec![
        ("processor".into(), processor()),
        ("core".into(), format!("{core}, one thread")),
        ("rustc".into(), first_line("rustc", &["--version"])),
        ("eigenmote".into(), "plain target (SSE2 on x86-64), release profile".into()),
        ("Rust peers".into(), "release profile, `-C target-cpu=native`".into()),
        ("C++ peers".into(), "`-O3 -march=native -DNDEBUG`".into()),
    ];
    facts.extend(versions.iter().cloned());
    facts
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = value("model name").unwrap_or_else(|| "unknown".into());
    match (value("cpu family"), value("model\t")) {
        (Some(family), Some(number)) => format!("{model}, family {family}, model {number}"),
        _ => model,
    }
}

fn first_line(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}
