//! Learns and searches on this machine and hands the result to the program for the chip.

use std::path::Path;
use std::{env, fs};

#[path = "../board/link.rs"]
mod link;
#[path = "src/words.rs"]
mod words;

fn main() {
    link::link("small");
    println!("cargo:rerun-if-changed=src/words.rs");
    println!("cargo:rerun-if-changed=words.etab");
    let (mut learnt, mut found) = (board::Hash::default(), board::Hash::default());
    let neighbours = words::learn(&mut learnt).expect("it works on this machine");
    words::search(&mut found, |_| {}).expect("it works on this machine");
    let code = format!(
        "const LEARNT: u64 = {:#018x};\nconst NEIGHBOURS: u32 = {neighbours};\nconst FOUND: u64 = {:#018x};\n",
        learnt.0, found.0
    );
    let out = env::var("OUT_DIR").expect("set by cargo");
    fs::write(Path::new(&out).join("golden.rs"), code).expect("the folder can be written");
}
