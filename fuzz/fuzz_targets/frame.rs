//! Any bytes as a stream of frames, and as frames of small models with a repaired checksum.
#![no_main]

use eigenmote::codec::{
    self, Basis, Channel, Frame, Lattice, Method, Model, ModelSpec, Predictor, Slot, Stream, Term,
    Terms, Transform, fit,
};
use libfuzzer_sys::fuzz_target;

#[path = "../support/checksum.rs"]
mod checksum;

const WINDOW: u16 = 16;

fn blob(method: Method<'_>) -> Vec<u8> {
    let predictor = Predictor { mean: 3, spread: 4000, scale: 900, ..Predictor::default() };
    let lattice = Lattice::bounded(0.0, 0.25).unwrap();
    let mut channels = [Channel::<f32> { lattice, predictor }; 2];
    if !matches!(method, Method::Transform(_)) {
        let before = Term { channel: 0, lag: 0, weight: -2000 };
        let own = Term { channel: 1, lag: 7, weight: i16::MAX };
        channels[0].predictor.terms = Terms::polynomial(0, 3);
        channels[1].predictor.start = Terms::new(&[before]).unwrap();
        channels[1].predictor.terms = Terms::new(&[before, own]).unwrap();
    }
    let spec = ModelSpec {
        window: WINDOW,
        channels: &channels,
        method,
        priors: &fit::DEFAULT_PRIORS,
        rate: fit::DEFAULT_RATE,
    };
    let mut blob = vec![0; spec.encoded_len()];
    spec.write(&mut blob).unwrap();
    blob
}

/// Decodes payloads as the frames of one stream.
fn decode(model: &Model<'_>, flags: u8, rows: u8, payloads: &[u8]) {
    let mut stream = Stream::new();
    let (mut out, mut scratch) = ([0.0_f32; 2 * WINDOW as usize], [Slot::NEW; 5]);
    let mut link = Vec::new();
    for (number, payload) in payloads.chunks(40).enumerate() {
        let mut bytes = vec![3 << 4 | flags & 15];
        bytes.extend(model.id().to_le_bytes());
        bytes.push(number as u8 & 127);
        if flags & 4 != 0 {
            bytes.push(rows & 127);
        }
        // A chained frame begins with the end of the checksum of the one before.
        let payload = if flags & 8 != 0 { [&link[..], payload].concat() } else { payload.to_vec() };
        bytes.push(payload.len() as u8);
        bytes.extend(payload);
        let crc = checksum::crc32(&bytes);
        link = crc.to_le_bytes()[..2].to_vec();
        bytes.extend(crc.to_le_bytes());
        if let Ok((frame, used)) = Frame::parse(&bytes) {
            assert_eq!(used, bytes.len());
            let _ = codec::decode_next(model, &mut stream, &frame, &mut scratch, &mut out);
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    while let Ok((frame, used)) = Frame::parse(rest) {
        assert!(frame.rows() != Some(0) && used <= rest.len());
        rest = &rest[used..];
    }
    let [flags, rows, payload @ ..] = data else { return };
    let predictive = Method::Predictive { tradeoff: 25, budget: 100 };
    for method in [Method::Bounded, predictive] {
        decode(&Model::parse(&blob(method)).unwrap(), *flags, *rows, payload);
    }
    let basis: Vec<i16> = (0..96).map(|i| if i % 5 < 2 { 2896 } else { -2896 }).collect();
    let transform = Transform {
        coefficient_step: 2000,
        budget: Some(1000),
        scales: &[5000, 1000, 200],
        basis: Basis::I16(&basis),
    };
    decode(&Model::parse(&blob(Method::Transform(transform))).unwrap(), *flags, *rows, payload);
});
