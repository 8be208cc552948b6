//! Hands the linker the memory map of the machine when the program is for a chip: a part of
//! the build scripts of all programs here.

use std::env;
use std::path::Path;

/// `m0` is the map for the targets that have no floats in hardware.
pub(crate) fn link(m0: &str) {
    println!("cargo:rerun-if-changed=../board/ld");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none") {
        let target = env::var("TARGET").unwrap_or_default();
        let memory = match target.split('-').next() {
            Some("thumbv6m") => m0,
            Some("thumbv8m.main") => "mps2-secure",
            Some(name) if name.starts_with("riscv") => "virt",
            _ => "mps2",
        };
        let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        let folder = Path::new(&folder).join("../board/ld");
        for script in [memory, "sections"] {
            println!("cargo:rustc-link-arg=-T{}/{script}.ld", folder.display());
        }
        println!("cargo:rustc-link-arg=--nmagic");
    }
}
