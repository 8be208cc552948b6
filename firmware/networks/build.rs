//! Takes the blobs, as a device holds them, out of the model files that `models.txt` names.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

#[path = "../board/link.rs"]
mod board;

fn main() {
    board::link("small");
    println!("cargo:rerun-if-changed=models.txt");
    println!("cargo:rerun-if-changed=models");
    let list = fs::read_to_string("models.txt").expect("models.txt can be read");
    let out = env::var("OUT_DIR").expect("set by cargo");
    let mut code = String::new();
    let mut all = String::new();
    for line in list.lines().filter_map(|line| line.strip_prefix("model ")) {
        let name = line.trim();
        let file = fs::read(format!("models/{name}.eign")).expect("a model of that name");
        // Behind the blob there is what only the desktop needs.
        let length = u32::from_le_bytes(file[8..12].try_into().expect("four bytes")) as usize;
        fs::write(Path::new(&out).join(format!("{name}.blob")), &file[..length])
            .expect("the folder can be written");
        let constant = name.to_uppercase();
        writeln!(
            code,
            "/// The model of this name.\npub static {constant}: &[u8] = \
             include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.blob\"));"
        )
        .expect("a string takes it");
        write!(all, "(c\"{name}\", {constant}), ").expect("a string takes it");
    }
    writeln!(
        code,
        "/// All models, their names ending in a zero.\n\
         pub static MODELS: &[(&core::ffi::CStr, &[u8])] = &[{all}];"
    )
    .expect("a string takes it");
    fs::write(Path::new(&out).join("models.rs"), code).expect("the folder can be written");
}
