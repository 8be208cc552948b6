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
    let mut constant = |file: &str| {
        let (name, _) = file.split_once('.').expect("a name with an ending");
        let bytes = fs::read(Path::new("models").join(file)).expect("a file of that name");
        // Behind the blob there is what only the desktop needs.
        let length = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes")) as usize;
        fs::write(Path::new(&out).join(format!("{name}.blob")), &bytes[..length])
            .expect("the folder can be written");
        let constant = name.to_uppercase();
        writeln!(
            code,
            "/// The model or table of this name.\npub static {constant}: &[u8] = \
             include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.blob\"));"
        )
        .expect("a string takes it");
        constant
    };
    for line in list.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["model", name] => {
                let constant = constant(&format!("{name}.eign"));
                write!(all, "(c\"{name}\", {constant}), ").expect("a string takes it");
            }
            ["paints", painter, prompts] => {
                constant(&format!("{painter}.eign"));
                constant(&format!("{prompts}.etab"));
            }
            _ => {}
        }
    }
    writeln!(
        code,
        "/// All models, their names ending in a zero.\n\
         pub static MODELS: &[(&core::ffi::CStr, &[u8])] = &[{all}];"
    )
    .expect("a string takes it");
    fs::write(Path::new(&out).join("models.rs"), code).expect("the folder can be written");
}
