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
    assert_eq!(
        codec::decode(model, &frame, &mut scratch, &mut decoded),
        Ok(frame.rows().unwrap_or(model.window()))
    );
}

fuzz_target!(|data: &[u8]| {
    let _ = Model::parse(data);
    let [mode, kind, rate, channels, window, components, rest @ ..] = data else { return };
    if rest.len() < 16 {
        return;
    }
    // What a fuzzer would not find: matching lengths, small reserved and range-checked fields.
    let (channels, window) = (1 + channels % 3, 1 + window % 16);
    let components = if mode % 2 == 0 { 0 } else { 1 + components % 8 };
    let (kind, rate) = (1 + kind % 4, 2 + rate % 8);
    let values = usize::from(channels) * usize::from(window);
    let (own_priors, starts) = (usize::from(rest[0] & 1), rest[1] % 3);
    let terms = if mode % 2 == 0 { [starts, rest[2] % 4] } else { [0; 2] };
    let record = if kind == 3 { 26 } else { 38 };
    let in_channel = record + 4 * (usize::from(terms[0]) + usize::from(terms[1]));
    let channels_at = 20 + if mode % 2 == 0 { 0 } else { 8 } + own_priors * codec::CONTEXTS;
    let length = channels_at
        + in_channel * usize::from(channels)
        + usize::from(components) * (4 + 2 * values)
        + 4;
    let mut bytes: Vec<u8> = rest.iter().copied().cycle().take(length).collect();
    bytes[..8].copy_from_slice(&[b'E', b'I', b'G', b'M', 2, mode % 2, kind, rate]);
    bytes[8..12].copy_from_slice(&(length as u32).to_le_bytes());
    bytes[12..20].copy_from_slice(&[channels, 0, window, 0, components, 0, own_priors as u8, 0]);
    if mode % 2 != 0 {
        bytes[23] &= 0x0f;
        bytes[27] = 0;
    }
    let records = bytes[channels_at..].chunks_exact_mut(in_channel);
    for (number, channel) in (0..channels).zip(records) {
        if kind < 3 {
            for word in channel[..24].chunks_exact_mut(8) {
                word[3..].fill(0);
            }
        }
        channel[record - 7] &= 0x1f;
        channel[record - 3] &= 0x1f;
        channel[record - 2..record].copy_from_slice(&terms);
        for (place, term) in (0..).zip(channel[record..].chunks_exact_mut(4)) {
            term[0] %= channels;
            term[1] = if place < terms[0] { 0 } else { term[1] % 8 };
            if term[1] == 0 {
                term[0] %= number.max(1);
            }
        }
    }
    let body = length - 4;
    let crc = checksum::crc32(&bytes[..body]);
    bytes[body..].copy_from_slice(&crc.to_le_bytes());
    if let Ok(model) = Model::parse(&bytes) {
        let raw = u64::from_le_bytes(rest[..8].try_into().unwrap());
        match model.kind() {
            SampleKind::I16 => exercise::<i16>(&model, raw),
            SampleKind::I32 => exercise::<i32>(&model, raw),
            SampleKind::F32 => exercise::<f32>(&model, raw),
            SampleKind::F64 => exercise::<f64>(&model, raw),
        }
    }
});
