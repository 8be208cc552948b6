//! Any finite samples keep the promise of every mode, in a frame that never grows.
#![no_main]

use eigenmote::codec::{
    self, Basis, Channel, Frame, Lattice, Method, Model, ModelSpec, OVERHEAD, Predictor, Sample,
    Slot, Stream, Term, Terms, Transform, fit,
};
use libfuzzer_sys::fuzz_target;

const CHANNELS: usize = 2;
const WINDOW: usize = 32;

fn round_trip<S: Sample>(channels: &[Channel<S>], method: Method<'_>, window: &[S]) -> Vec<Vec<S>> {
    let spec = ModelSpec {
        window: WINDOW as u16,
        channels,
        method,
        priors: &fit::DEFAULT_PRIORS,
        rate: fit::DEFAULT_RATE,
    };
    let mut blob = vec![0; spec.encoded_len()];
    spec.write(&mut blob).unwrap();
    let model = Model::parse(&blob).unwrap();
    let mut scratch = vec![Slot::NEW; model.scratch_len()];
    let mut out = vec![0; model.max_frame_bytes()];
    // The same window three times, as a chain that starts afresh once. What comes back may differ
    // where one frame is plain and another is not.
    let (mut sender, mut receiver) = (Stream::new(), Stream::new());
    let mut receiver_scratch = scratch.clone();
    let decoded = (0..3).map(|number| {
        if number == 2 {
            sender.restart();
        }
        let length =
            codec::encode_next(&model, &mut sender, number, window, &mut scratch, &mut out)
                .unwrap();
        assert!(length <= OVERHEAD + size_of_val(window));
        let (frame, _) = Frame::parse(&out[..length]).unwrap();
        let mut decoded = vec![S::default(); window.len()];
        codec::decode_next(&model, &mut receiver, &frame, &mut receiver_scratch, &mut decoded)
            .unwrap();
        decoded
    });
    decoded.collect()
}

/// Two channels that are predicted from each other.
fn predicted<S: Sample>(lattice: Lattice<S>, order: u8) -> [Channel<S>; CHANNELS] {
    let predictor = Predictor { spread: 1000, scale: 300, ..Predictor::default() };
    let mut channels = [Channel { lattice, predictor }; CHANNELS];
    let before = Term { channel: 0, lag: 0, weight: 4096 };
    channels[0].predictor.terms = Terms::polynomial(0, order);
    channels[1].predictor.start = Terms::new(&[before]).unwrap();
    channels[1].predictor.terms =
        Terms::new(&[before, Term { channel: 1, lag: 1 + order, weight: -900 }]).unwrap();
    channels
}

fn bounded<S: Sample>(window: &[S], lattice: Lattice<S>, order: u8) {
    for decoded in round_trip(&predicted(lattice, order), Method::Bounded, window) {
        for (&x, &y) in window.iter().zip(&decoded) {
            assert!(lattice.holds(x, y), "{x:?} came back as {y:?}");
        }
    }
}

/// By projection and by prediction.
fn within_budget<S: Sample>(window: &[S], step: f64, order: u8) {
    let Some(lattice) = Lattice::<S>::weighed(0.0, step, step) else { return };
    let budget = fit::q8(f64::from(order) / 3.0 + 0.2);
    let basis: Vec<i16> = (0..WINDOW * CHANNELS)
        .flat_map(|i| [2048, if i % 2 == 0 { 2048 } else { -2048 }])
        .collect();
    let transform = Transform {
        coefficient_step: 3000,
        budget: Some(budget),
        scales: &[3000, 1000],
        basis: Basis::I16(&basis),
    };
    let channel = Channel { lattice, predictor: Predictor::default() };
    let squares = |(&x, &y): (&S, &S)| {
        // The measure rounds up by at most two units plus 2^-18.
        let error = f64::from(lattice.error_q8(x, y).saturating_sub(2)) * (1.0 - 4e-6);
        error * error
    };
    let by_projection = ([channel; CHANNELS], Method::Transform(transform));
    let tradeoff = u32::from(order) * 20;
    let by_prediction = (predicted(lattice, order), Method::Predictive { tradeoff, budget });
    for (channels, method) in [by_projection, by_prediction] {
        for decoded in round_trip(&channels, method, window) {
            let sum: f64 = window.iter().zip(&decoded).map(squares).sum();
            assert!((sum / window.len() as f64).sqrt() <= f64::from(budget));
        }
    }
}

fn samples<S: Sample>(bytes: &[u8]) -> Vec<S> {
    let size = S::KIND.bytes();
    let value = |chunk: &[u8]| {
        let mut raw = [0; 8];
        raw[..size].copy_from_slice(chunk);
        S::from_raw(u64::from_le_bytes(raw))
    };
    let mut window: Vec<S> = bytes
        .chunks_exact(size)
        .map(value)
        .filter(|x| x.is_finite())
        .take(WINDOW * CHANNELS)
        .collect();
    window.truncate(window.len() / CHANNELS * CHANNELS);
    window
}

fn both<S: Sample>(bytes: &[u8], scale: f64, order: u8) {
    let window = samples::<S>(bytes);
    if window.is_empty() {
        return;
    }
    if let Some(lattice) = Lattice::<S>::bounded(0.0, scale) {
        bounded(&window, lattice, order);
    }
    within_budget(&window, scale, order);
}

fuzz_target!(|data: &[u8]| {
    let [kind, scale, order, bytes @ ..] = data else { return };
    let scale = f64::from(scale.cast_signed()).exp2();
    let order = order % 4;
    match kind % 4 {
        0 => both::<i16>(bytes, scale, order),
        1 => both::<i32>(bytes, scale, order),
        2 => both::<f32>(bytes, scale, order),
        _ => both::<f64>(bytes, scale, order),
    }
});
