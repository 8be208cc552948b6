//! Any bytes as a stream of frames, and as frames of small models with a repaired checksum.
#![no_main]

use eigenmote::codec::{
    self, Channel, Frame, Lattice, Model, ModelSpec, Predictor, Slot, Transform, fit,
};
use libfuzzer_sys::fuzz_target;

#[path = "../support/checksum.rs"]
mod checksum;

const WINDOW: u16 = 16;

fn blob(transform: Option<Transform<'_>>) -> Vec<u8> {
    let predictor = Predictor { mean: 3, spread: 4000, scale: 900, order: 0 };
    let lattice = Lattice::bounded(0.0, 0.25).unwrap();
    let bounded = |order| Channel::<f32> { lattice, predictor: Predictor { order, ..predictor } };
    let channels =
        if transform.is_some() { [bounded(0), bounded(0)] } else { [bounded(1), bounded(3)] };
    let spec = ModelSpec {
        window: WINDOW,
        channels: &channels,
        transform,
        priors: &fit::DEFAULT_PRIORS,
        rate: fit::DEFAULT_RATE,
    };
    let mut blob = vec![0; spec.encoded_len()];
    spec.write(&mut blob).unwrap();
    blob
}

fn decode(model: &Model<'_>, flags: u8, rows: u16, payload: &[u8]) {
    let mut bytes = vec![1, flags];
    bytes.extend(model.id().to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(rows.to_le_bytes());
    bytes.extend((payload.len() as u16).to_le_bytes());
    bytes.extend(payload);
    let crc = checksum::crc32(&bytes);
    bytes.extend(crc.to_le_bytes());
    if let Ok((frame, used)) = Frame::parse(&bytes) {
        assert_eq!(used, bytes.len());
        let mut out = [0.0_f32; 2 * WINDOW as usize];
        let _ = codec::decode(model, &frame, &mut [Slot::NEW; 5], &mut out);
    }
}

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    while let Ok((frame, used)) = Frame::parse(rest) {
        assert!(frame.rows() > 0 && used <= rest.len());
        rest = &rest[used..];
    }
    let [flags, rows, payload @ ..] = data else { return };
    let payload = &payload[..payload.len().min(usize::from(u16::MAX))];
    decode(&Model::parse(&blob(None)).unwrap(), flags % 8, u16::from(*rows), payload);
    let basis: Vec<i16> = (0..96).map(|i| if i % 5 < 2 { 2896 } else { -2896 }).collect();
    let transform = Transform {
        coefficient_step: 2000,
        budget: Some(1000),
        scales: &[5000, 1000, 200],
        basis: &basis,
    };
    decode(&Model::parse(&blob(Some(transform))).unwrap(), flags % 8, u16::from(*rows), payload);
});
