//! Cuts the recording of `job.txt` out of the data, and the models, as a device takes them, out of the
//! model files.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

#[path = "../board/link.rs"]
mod board;

fn main() {
    board::link("small");
    for input in ["job.txt", "models"] {
        println!("cargo:rerun-if-changed={input}");
    }
    let job = fs::read_to_string("job.txt").expect("job.txt can be read");
    let field = |name: &str| {
        let value = job.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("job.txt has no {name}"))
    };
    let data = format!("../../data/{}", field("recording"));
    println!("cargo:rerun-if-changed={data}");
    let text = fs::read_to_string(data).expect("the recording can be read");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let columns = field("columns").split(',');
    let columns: Vec<usize> = columns
        .map(|name| header.iter().position(|&h| h == name).expect("a column of the recording"))
        .collect();
    let (from, to) = field("rows").split_once(':').expect("A:B");
    let [from, to] = [from, to].map(|row| row.parse::<usize>().expect("a row"));

    let rows = to - from;
    let mut code = format!(
        "/// Channels of the recording.\npub const CHANNELS: usize = {};\n\
         /// Rows of the recording.\npub const ROWS: usize = {rows};\n\
         /// Every so many frames one stands alone.\npub const CHAIN: u32 = {};\n\
         /// The recording, row by row.\n\
         pub static RECORDING: [[i16; CHANNELS]; ROWS] = [\n",
        columns.len(),
        field("chain"),
    );
    for line in lines.skip(from).take(rows) {
        let cells: Vec<i16> = line.split(',').map(|x| x.parse().unwrap_or(i16::MAX)).collect();
        let row: Vec<i16> = columns.iter().map(|&column| cells[column]).collect();
        writeln!(code, "    {row:?},").expect("a string takes it");
    }
    code.push_str("];\n/// The models, their names ending in a zero.\npub static MODELS: &[(&core::ffi::CStr, &[u8])] = &[\n");
    let out = env::var("OUT_DIR").expect("set by cargo");
    for line in job.lines().filter_map(|line| line.strip_prefix("model ")) {
        let name = line.split(' ').next().expect("a name");
        // The blob begins behind 16 bytes, of which four hold its length.
        let file = fs::read(format!("models/{name}.eig")).expect("a model of that name");
        let length = u32::from_le_bytes(file[8..12].try_into().expect("four bytes")) as usize;
        let path = Path::new(&out).join(format!("{name}.bin"));
        fs::write(&path, &file[16..16 + length]).expect("the folder can be written");
        let at = format!("concat!(env!(\"OUT_DIR\"), \"/{name}.bin\")");
        writeln!(code, "    (c\"{name}\", include_bytes!({at})),").expect("a string takes it");
    }
    code.push_str("];\n");
    fs::write(Path::new(&out).join("job.rs"), code).expect("the folder can be written");
}
