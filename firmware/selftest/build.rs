//! Runs every case on this machine and hands its results to the program for the chip.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

#[path = "src/cases.rs"]
mod cases;
#[path = "../board/link.rs"]
mod link;

fn main() {
    link::link("small");
    println!("cargo:rerun-if-changed=src/cases.rs");
    let mut code = String::from("const GOLDEN: &[u64] = &[\n");
    for case in cases::CASES {
        let mut hash = board::Hash::default();
        assert!((case.run)(&mut hash), "{} fails on this machine", case.name);
        writeln!(code, "    {:#018x}, // {}", hash.0, case.name).expect("a string takes it");
    }
    code.push_str("];\n");
    let out = env::var("OUT_DIR").expect("set by cargo");
    fs::write(Path::new(&out).join("golden.rs"), code).expect("the folder can be written");
}
