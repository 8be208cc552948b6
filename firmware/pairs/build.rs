//! Takes pictures out of `data/digits.csv`, names them on this machine and hands both to the program for
//! the chip.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

#[path = "../board/link.rs"]
mod link;
#[path = "src/naming.rs"]
mod naming;

fn main() {
    link::link("small");
    for file in ["src/naming.rs", "models", "../../data/digits.csv"] {
        println!("cargo:rerun-if-changed={file}");
    }
    let text = fs::read_to_string("../../data/digits.csv").expect("the digits can be read");
    // Those that the example does not learn from.
    let rows = text.lines().skip(1).skip(2).step_by(3);
    let pictures: Vec<[u8; naming::PIXELS + 1]> = rows
        .map(|line| {
            let cells: Vec<u8> =
                line.split(',').map(|cell| cell.parse().expect("a byte")).collect();
            cells.try_into().expect("pixels and a number")
        })
        .collect();
    let nearer = fs::read_to_string("models/nearer.txt").expect("a number");
    let nearer: i32 = nearer.trim().parse().expect("a number");
    let model = |name: &str| fs::read(Path::new("models").join(name)).expect("a model");
    let (tower, eight, ten) = (model("tower.eign"), model("eight.etab"), model("ten.etab"));
    let mut code = format!(
        "/// What is taken from the cosines of seen digits.\npub const NEARER: i32 = {nearer};\n"
    );
    for (name, table) in [("EIGHT", &eight), ("TEN", &ten)] {
        let found = naming::judge(&tower, (table, &eight, nearer), &pictures);
        let found = found.expect("it works on this machine");
        writeln!(
            code,
            "const {name}: Found = Found {{ right: {:?}, of: {:?}, hash: {:#x} }};",
            found.right, found.of, found.hash
        )
        .expect("a string takes it");
    }
    let out = env::var("OUT_DIR").expect("set by cargo");
    fs::write(Path::new(&out).join("golden.rs"), code).expect("the folder can be written");
    fs::write(Path::new(&out).join("pictures.bin"), pictures.as_flattened())
        .expect("the folder can be written");
}
