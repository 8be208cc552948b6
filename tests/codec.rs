//! Promises of the compressor.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    missing_docs
)]

use eigenmote::codec::{
    self, Channel, Frame, Lattice, Model, ModelSpec, Predictor, Sample, Slot, fit,
};

/// A bounded model blob with one predictor order for all channels.
fn bounded_blob<S: Sample>(epsilons: &[f64], window: u16, order: u8) -> Vec<u8> {
    let channels: Vec<Channel<S>> = epsilons
        .iter()
        .map(|&epsilon| Channel {
            lattice: Lattice::bounded(0.0, epsilon).unwrap(),
            predictor: Predictor { mean: 0, spread: 1 << 12, scale: 1 << 10, order },
        })
        .collect();
    let spec = ModelSpec {
        window,
        channels: &channels,
        transform: None,
        priors: &fit::DEFAULT_PRIORS,
        rate: fit::DEFAULT_RATE,
    };
    let mut blob = vec![0; spec.encoded_len()];
    assert_eq!(spec.write(&mut blob), Ok(blob.len()));
    blob
}

fn round_trip<S: Sample>(model: &Model<'_>, window: &[S]) -> (Vec<u8>, Vec<S>) {
    let mut scratch = vec![Slot::NEW; model.scratch_len()];
    let mut out = vec![0; model.max_frame_bytes()];
    let length = codec::encode(model, 7, window, &mut scratch, &mut out).unwrap();
    out.truncate(length);
    let (frame, used) = Frame::parse(&out).unwrap();
    assert_eq!((used, frame.sequence(), frame.model_id()), (length, 7, model.id()));
    let mut decoded = vec![S::default(); window.len()];
    let rows = codec::decode(model, &frame, &mut scratch, &mut decoded).unwrap();
    assert_eq!(rows * model.channels(), window.len());
    (out, decoded)
}

#[test]
fn bounded_round_trip_keeps_epsilon() {
    for order in 0..=codec::MAX_ORDER {
        let blob = bounded_blob::<f32>(&[0.01, 0.5], 100, order);
        let model = Model::parse(&blob).unwrap();
        let mut window: Vec<f32> = (0..200).map(|i| (i as f32 * 0.05).sin() * 20.0).collect();
        let (bytes, decoded) = round_trip(&model, &window);
        for (pair, back) in window.chunks(2).zip(decoded.chunks(2)) {
            assert!((pair[0] - back[0]).abs() <= 0.01 && (pair[1] - back[1]).abs() <= 0.5);
        }
        assert!(bytes.len() < 400, "{} bytes with order {order}", bytes.len());
        window[17] = 1e38;
        window[18] = -1e-40;
        let (_, decoded) = round_trip(&model, &window);
        assert_eq!(decoded[17], 1e38);
    }
}
