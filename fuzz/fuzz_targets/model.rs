//! Any bytes as a model, as they are and with magic, version, length and checksum repaired; a
//! model that parses must encode and decode.
#![no_main]

use eigenmote::codec::{self, Frame, Model, Sample, SampleKind, Slot};
use libfuzzer_sys::fuzz_target;

#[path = "../support/checksum.rs"]
mod checksum;

fn exercise<S: Sample>(model: &Model<'_>, raw: u64) {
    let x = S::from_raw(raw);
    let values = model.channels() * model.window().min(4);
    let window = vec![if x.is_finite() { x } else { S::default() }; values];
    let mut scratch = vec![Slot::NEW; model.scratch_len()];
    let mut out = vec![0; model.max_frame_bytes()];
    let length = codec::encode(model, 1, &window, &mut scratch, &mut out).unwrap();
    let (frame, used) = Frame::parse(&out[..length]).unwrap();
    assert_eq!(used, length);
    let mut decoded = vec![S::default(); values];
    assert_eq!(codec::decode(model, &frame, &mut scratch, &mut decoded), Ok(frame.rows()));
}

fuzz_target!(|data: &[u8]| {
    let _ = Model::parse(data);
    if data.len() < 16 {
        return;
    }
    let mut bytes = data.to_vec();
    bytes[..5].copy_from_slice(b"EIGM\x01");
    // Grown to the length that the shape asks for: a fuzzer would not find it.
    let (channels, window, components) = (bytes[12] % 4, bytes[14] % 16, bytes[5] & bytes[13] % 8);
    bytes.resize(32.max(bytes.len()), 0);
    bytes[12..20].copy_from_slice(&[channels, 0, window, 0, components, 0, 0, 0]);
    bytes[28..32].fill(0);
    let values = usize::from(channels) * usize::from(window);
    let length = 32
        + 2 * codec::CONTEXTS
        + 40 * usize::from(channels)
        + usize::from(components) * (4 + 2 * values)
        + 4;
    bytes.resize(length, 0x11);
    bytes[8..12].copy_from_slice(&(length as u32).to_le_bytes());
    let body = length - 4;
    let crc = checksum::crc32(&bytes[..body]);
    bytes[body..].copy_from_slice(&crc.to_le_bytes());
    if let Ok(model) = Model::parse(&bytes) {
        let raw = u64::from_le_bytes(data[..8].try_into().unwrap());
        match model.kind() {
            SampleKind::I16 => exercise::<i16>(&model, raw),
            SampleKind::I32 => exercise::<i32>(&model, raw),
            SampleKind::F32 => exercise::<f32>(&model, raw),
            SampleKind::F64 => exercise::<f64>(&model, raw),
        }
    }
});
