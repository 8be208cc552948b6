//! Hands the linker the memory map when the program is for a chip.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=../memory.x");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none") {
        let maps = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("..");
        println!("cargo:rustc-link-search={}", maps.display());
        println!("cargo:rustc-link-arg=-Tlink.x");
        println!("cargo:rustc-link-arg=--nmagic");
    }
}
