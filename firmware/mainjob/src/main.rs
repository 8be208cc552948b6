//! The main job on a chip: a recording in flash, a model in flash, frames out.
//!
//! With every model of `job.txt` the frames go to a file of its name, which has to be the same on every
//! chip and hold what `eigenmote compress` writes: `firmware/run` compares.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

use eigenmote::codec::{Model, SampleKind};
use mainjob::{MODELS, encode_all};

fn run() -> bool {
    let mut all = true;
    for &(name, blob) in MODELS {
        let (Ok(model), Some(mut file)) = (Model::parse(blob), board::File::create(name)) else {
            return false;
        };
        let write = |frame: &[u8]| file.write(frame);
        let encoded = match model.kind() {
            SampleKind::I16 => encode_all::<i16>(&model, write),
            SampleKind::F32 => encode_all::<f32>(&model, write),
            _ => false,
        };
        all &= board::verdict(name.to_str().unwrap_or_default(), encoded);
    }
    all
}

board::program!(run);
