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

use std::fs;
use std::path::{Path, PathBuf};

use eigenmote::codec::{
    self, Basis, Channel, DecodeError, EncodeError, Frame, FrameError, Lattice, MAX_LAG, Method,
    Model, ModelError, ModelSpec, OVERHEAD, Predictor, STATE_BYTES, Sample, SampleKind, Slot,
    Stream, Term, Terms, Transform, fit,
};
use proptest::prelude::*;

// Models

fn blob<S: Sample>(window: u16, channels: &[Channel<S>], method: Method<'_>) -> Vec<u8> {
    let (priors, rate) = (&fit::DEFAULT_PRIORS, fit::DEFAULT_RATE);
    let spec = ModelSpec { window, channels, method, priors, rate };
    let mut blob = vec![0; spec.encoded_len()];
    assert_eq!(spec.write(&mut blob), Ok(blob.len()));
    blob
}

/// An order that stands for terms of all kinds.
const COUPLED: u8 = 4;

/// How channel number `channel` is predicted: a polynomial, or the channels before it as well.
fn predictor(channel: u8, order: u8) -> Predictor {
    let term = |channel, lag, weight| Term { channel, lag, weight };
    let (mut start, mut terms) = (Terms::NONE, Terms::polynomial(channel, order));
    if order == COUPLED {
        let own = [term(channel, 1, 5000), term(channel, MAX_LAG, -900)];
        let coupled =
            [own[0], own[1], term(channel.saturating_sub(1), 0, -3000), term(0, 2, i16::MIN)];
        terms = Terms::new(if channel == 0 { &own } else { &coupled }).unwrap();
        start = Terms::new(&coupled[2..if channel == 0 { 2 } else { 3 }]).unwrap();
    }
    Predictor { mean: 0, spread: 16 << 8, scale: 4 << 8, start, terms }
}

/// Bounded, with one epsilon per channel and one order for all.
fn bounded_blob<S: Sample>(epsilons: &[f64], window: u16, order: u8) -> Vec<u8> {
    let lattice = |&epsilon| Lattice::bounded(0.0, epsilon).unwrap();
    let channels = epsilons.iter().zip(0..).map(|(epsilon, number)| Channel {
        lattice: lattice(epsilon),
        predictor: predictor(number, order),
    });
    blob(window, &channels.collect::<Vec<Channel<S>>>(), Method::Bounded)
}

/// Predictive, with one step and one order for all channels.
fn predictive_blob<S: Sample>(
    channels: u8,
    step: f64,
    window: u16,
    order: u8,
    (tradeoff, budget): (f64, f64),
) -> Vec<u8> {
    let lattice = Lattice::<S>::weighed(0.0, step, step).unwrap();
    let channels = (0..channels).map(|c| Channel { lattice, predictor: predictor(c, order) });
    let (tradeoff, budget) = (fit::q8(tradeoff), fit::q8(budget).max(1));
    let channels: Vec<Channel<S>> = channels.collect();
    blob(window, &channels, Method::Predictive { tradeoff, budget })
}

/// Transform over 8 rows of 2 channels by the 4 Walsh functions with the fewest sign changes.
fn walsh_blob<S: Sample>(step: f64, coefficient_step: f64, budget: Option<f64>) -> Vec<u8> {
    walsh_blob_of::<S>(step, coefficient_step, budget, false)
}

/// With weights of two bytes or of one; both hold these exactly.
fn walsh_blob_of<S: Sample>(
    step: f64,
    coefficient_step: f64,
    budget: Option<f64>,
    bytes: bool,
) -> Vec<u8> {
    let sign = |value: usize, component: usize| {
        let odd = (value & component.reverse_bits() >> (usize::BITS - 4)).count_ones() % 2 == 1;
        fit::basis_weight(if odd { -0.25 } else { 0.25 })
    };
    let basis: Vec<i16> = (0..16).flat_map(|v| (0..4).map(move |k| sign(v, k))).collect();
    // The fraction bits of the four components are 8, 7, 6 and 5.
    let small: Vec<i8> =
        basis.iter().zip((0..4).cycle()).map(|(&w, k)| (w >> (6 + k)) as i8).collect();
    let channel = Channel {
        lattice: Lattice::<S>::fine(0.0, step).unwrap(),
        predictor: Predictor::default(),
    };
    let transform = Transform {
        coefficient_step: fit::q8(coefficient_step),
        budget: budget.map(fit::q8),
        scales: &[fit::q8(20.0), fit::q8(5.0), fit::q8(2.0), fit::q8(1.0)],
        basis: if bytes { Basis::I8(&small, &[8, 7, 6, 5]) } else { Basis::I16(&basis) },
    };
    blob(8, &[channel; 2], Method::Transform(transform))
}

// Coding

fn encode<S: Sample>(model: &Model<'_>, window: &[S]) -> Vec<u8> {
    let mut scratch = vec![Slot::NEW; model.scratch_len()];
    let mut out = vec![0xaa; model.max_frame_bytes()];
    let length = codec::encode(model, 7, window, &mut scratch, &mut out).unwrap();
    assert!(length <= OVERHEAD + size_of_val(window));
    out.truncate(length);
    out
}

fn decode<S: Sample>(model: &Model<'_>, bytes: &[u8]) -> Result<Vec<S>, DecodeError> {
    let (frame, _) = Frame::parse(bytes).unwrap();
    let mut scratch = vec![Slot::NEW; model.scratch_len()];
    let mut out = vec![S::default(); model.window() * model.channels()];
    let rows = codec::decode(model, &frame, &mut scratch, &mut out)?;
    out.truncate(rows * model.channels());
    Ok(out)
}

fn round_trip<S: Sample>(model: &Model<'_>, window: &[S]) -> Vec<S> {
    let bytes = encode(model, window);
    let (frame, used) = Frame::parse(&bytes).unwrap();
    assert_eq!((used, frame.sequence(), frame.model_id()), (bytes.len(), 7, model.id()));
    let decoded = decode(model, &bytes).unwrap();
    assert_eq!(decoded.len(), window.len());
    decoded
}

/// Whether |x − y| ≤ epsilon in exact arithmetic, for any finite doubles.
fn within(x: f64, y: f64, epsilon: f64) -> bool {
    let difference = x - y;
    let b = difference - x;
    let lost = (x - (difference - b)) + (-y - b);
    let distance = difference.abs();
    distance < epsilon || distance == epsilon && lost * difference.signum() <= 0.0
}

trait ToF64: Sample {
    fn to_f64(self) -> f64;
}
impl ToF64 for i16 {
    fn to_f64(self) -> f64 {
        self.into()
    }
}
impl ToF64 for i32 {
    fn to_f64(self) -> f64 {
        self.into()
    }
}
impl ToF64 for f32 {
    fn to_f64(self) -> f64 {
        self.into()
    }
}
impl ToF64 for f64 {
    fn to_f64(self) -> f64 {
        self
    }
}

fn assert_bounded<S: ToF64>(model: &Model<'_>, window: &[S], epsilons: &[f64]) {
    let decoded = round_trip(model, window);
    for ((&x, &y), &epsilon) in window.iter().zip(&decoded).zip(epsilons.iter().cycle()) {
        assert!(within(x.to_f64(), y.to_f64(), epsilon), "{x:?} came back as {y:?} at {epsilon:e}");
    }
}

/// Root mean square of (x − x̂)/step.
fn error_in_steps<S: ToF64>(window: &[S], decoded: &[S], step: f64) -> f64 {
    let square = |(&x, &y): (&S, &S)| ((x.to_f64() - y.to_f64()) / step).powi(2);
    (window.iter().zip(decoded).map(square).sum::<f64>() / window.len() as f64).sqrt()
}

// Inputs

/// A smooth signal with some noise, from integers only.
fn signal(length: usize, seed: u32) -> Vec<i32> {
    let (mut state, mut slope, mut x) = (seed | 1, 0_i32, 500_i32);
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let mut step = || {
        slope += (next() % 9) as i32 - 4 - x / 256 - slope / 8;
        x += slope;
        x + (next() % 3) as i32
    };
    (0..length).map(|_| step()).collect()
}

fn any_f32() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -1000.0_f32..1000.0,
        2 => any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |x| x.is_finite()),
        1 => prop::sample::select(vec![0.0, -0.0, 1e38, -1e38, f32::MAX, f32::MIN, 1e-45, -1e-40, 1.0]),
    ]
}

fn any_f64() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1000.0_f64..1000.0,
        2 => any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |x| x.is_finite()),
        1 => prop::sample::select(vec![0.0, -0.0, 1e308, -1e38, f64::MAX, f64::MIN, 5e-324, 1.0]),
    ]
}

fn any_i16() -> impl Strategy<Value = i16> {
    prop_oneof![4 => -100_i16..100, 1 => any::<i16>(), 1 => Just(i16::MIN), 1 => Just(i16::MAX)]
}

fn any_i32() -> impl Strategy<Value = i32> {
    prop_oneof![4 => -1000_i32..1000, 1 => any::<i32>(), 1 => Just(i32::MIN), 1 => Just(i32::MAX)]
}

/// Bounds over the whole range of a float with this largest decimal exponent.
fn any_epsilon(exponent: i32) -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => (-4..2_i32).prop_map(|e| 10_f64.powi(e)),
        1 => (-exponent..exponent).prop_map(|e| 10_f64.powi(e)),
        2 => 1e-3..1e3_f64,
    ]
}

fn rows_of<T: std::fmt::Debug + Clone>(
    value: impl Strategy<Value = T> + Clone,
    channels: usize,
    most: usize,
) -> impl Strategy<Value = Vec<T>> {
    (1..=most).prop_flat_map(move |rows| prop::collection::vec(value.clone(), rows * channels))
}

proptest! {
    #[test]
    fn bounded_f32_keeps_epsilon(
        window in rows_of(any_f32().boxed(), 2, 40),
        a in any_epsilon(38), b in any_epsilon(38), order in 0..=COUPLED,
    ) {
        let blob = bounded_blob::<f32>(&[a, b], 40, order);
        assert_bounded(&Model::parse(&blob).unwrap(), &window, &[a, b]);
    }

    #[test]
    fn bounded_f64_keeps_epsilon(
        window in rows_of(any_f64().boxed(), 2, 40),
        a in any_epsilon(300), b in any_epsilon(300), order in 0..=COUPLED,
    ) {
        let blob = bounded_blob::<f64>(&[a, b], 40, order);
        assert_bounded(&Model::parse(&blob).unwrap(), &window, &[a, b]);
    }

    #[test]
    fn bounded_i16_keeps_epsilon(
        window in rows_of(any_i16().boxed(), 3, 40),
        a in 0.0..100_f64, b in 0.0..1e5_f64, order in 0..=COUPLED,
    ) {
        let blob = bounded_blob::<i16>(&[a, b, 0.5], 40, order);
        assert_bounded(&Model::parse(&blob).unwrap(), &window, &[a, b, 0.0]);
    }

    #[test]
    fn bounded_i32_keeps_epsilon(
        window in rows_of(any_i32().boxed(), 3, 40),
        a in 0.0..100_f64, b in 0.0..1e10_f64, order in 0..=COUPLED,
    ) {
        let b = b.min(f64::from(u32::MAX));
        let blob = bounded_blob::<i32>(&[a, b, 0.5], 40, order);
        assert_bounded(&Model::parse(&blob).unwrap(), &window, &[a, b, 0.0]);
    }

    #[test]
    fn values_near_the_edge_of_a_cell_keep_epsilon(
        counts in prop::collection::vec(-3_000_000_i32..3_000_000, 64),
        ulps in prop::collection::vec(-2_i32..=2, 64),
        epsilon in 1e-3..1e3_f32,
    ) {
        let edge = |(&count, &ulps): (&i32, &i32)| {
            let edge = (f64::from(count) * 2.0 + 1.0) * f64::from(epsilon);
            f32::from_bits((edge as f32).to_bits().wrapping_add_signed(ulps))
        };
        let window: Vec<f32> = counts.iter().zip(&ulps).map(edge).filter(|x| x.is_finite()).collect();
        let epsilon = f64::from(epsilon);
        let blob = bounded_blob::<f32>(&[epsilon], 64, 1);
        assert_bounded(&Model::parse(&blob).unwrap(), &window, &[epsilon]);
    }

    #[test]
    fn transform_f32_keeps_the_budget(
        window in rows_of(any_f32().boxed(), 2, 8),
        step in any_epsilon(30), delta in 0.1..100_f64, budget in 0.01..30_f64,
    ) {
        let blob = walsh_blob::<f32>(step, delta, Some(budget));
        let model = Model::parse(&blob).unwrap();
        let decoded = round_trip(&model, &window);
        let step = f64::from(model.channel_list::<f32>().next().unwrap().lattice.step);
        prop_assert!(error_in_steps(&window, &decoded, step) <= budget);
    }

    #[test]
    fn transform_f64_keeps_the_budget(
        window in rows_of(any_f64().boxed(), 2, 8),
        step in any_epsilon(150), delta in 0.1..100_f64, budget in 0.01..30_f64,
    ) {
        let blob = walsh_blob::<f64>(step, delta, Some(budget));
        let decoded = round_trip(&Model::parse(&blob).unwrap(), &window);
        prop_assert!(error_in_steps(&window, &decoded, step) <= budget);
    }

    #[test]
    fn transform_of_integers_keeps_the_budget(
        small in rows_of(any_i16().boxed(), 2, 8), large in rows_of(any_i32().boxed(), 2, 8),
        quarters in 1..40_u32, delta in 0.1..100_f64, budget in 0.01..30_f64,
    ) {
        let step = f64::from(quarters) / 4.0;
        let blob = walsh_blob::<i16>(step, delta, Some(budget));
        let decoded = round_trip(&Model::parse(&blob).unwrap(), &small);
        prop_assert!(error_in_steps(&small, &decoded, step) <= budget);
        let blob = walsh_blob::<i32>(step, delta, Some(budget));
        let decoded = round_trip(&Model::parse(&blob).unwrap(), &large);
        prop_assert!(error_in_steps(&large, &decoded, step) <= budget);
    }

    #[test]
    fn predictive_floats_keep_the_budget(
        window in rows_of(any_f32().boxed(), 2, 40),
        step in any_epsilon(30), tradeoff in 0.0..4_f64, budget in 0.01..30_f64, order in 0..=COUPLED,
    ) {
        let blob = predictive_blob::<f32>(2, step, 40, order, (tradeoff, budget));
        let model = Model::parse(&blob).unwrap();
        let decoded = round_trip(&model, &window);
        let step = f64::from(model.channel_list::<f32>().next().unwrap().lattice.step);
        prop_assert!(error_in_steps(&window, &decoded, step) <= budget.max(1.0 / 256.0));
        let doubles: Vec<f64> = window.iter().map(|&x| x.into()).collect();
        let blob = predictive_blob::<f64>(2, step, 40, order, (tradeoff, budget));
        let decoded = round_trip(&Model::parse(&blob).unwrap(), &doubles);
        prop_assert!(error_in_steps(&doubles, &decoded, step) <= budget.max(1.0 / 256.0));
    }

    #[test]
    fn predictive_integers_keep_the_budget(
        small in rows_of(any_i16().boxed(), 2, 40), large in rows_of(any_i32().boxed(), 2, 40),
        quarters in 1..400_u32, tradeoff in 0.0..4_f64, budget in 0.01..30_f64, order in 0..=COUPLED,
    ) {
        let step = f64::from(quarters) / 4.0;
        let blob = predictive_blob::<i16>(2, step, 40, order, (tradeoff, budget));
        let decoded = round_trip(&Model::parse(&blob).unwrap(), &small);
        prop_assert!(error_in_steps(&small, &decoded, step) <= budget.max(1.0 / 256.0));
        let blob = predictive_blob::<i32>(2, step, 40, order, (tradeoff, budget));
        let decoded = round_trip(&Model::parse(&blob).unwrap(), &large);
        prop_assert!(error_in_steps(&large, &decoded, step) <= budget.max(1.0 / 256.0));
    }

    #[test]
    fn weights_of_one_byte_are_weights(
        window in rows_of(any_i32().boxed(), 2, 8), delta in 0.1..100_f64, budget in 0.01..30_f64,
    ) {
        let [two, one] = [false, true].map(|bytes| walsh_blob_of::<i32>(1.5, delta, Some(budget), bytes));
        let decoded = round_trip(&Model::parse(&two).unwrap(), &window);
        prop_assert!(one.len() < two.len());
        prop_assert_eq!(round_trip(&Model::parse(&one).unwrap(), &window), decoded);
    }

    #[test]
    fn any_payload_ends_in_rows_or_an_error(
        payload in prop::collection::vec(any::<u8>(), 0..200), flags in 0..16_u8, rows in 0..50_u16,
    ) {
        for golden in GOLDEN {
            let blob = golden.model();
            let model = Model::parse(&blob).unwrap();
            let mut bytes = with_header(flags, model.id(), 0, Some(rows), &payload);
            repair_checksum(&mut bytes);
            golden.survives(&model, &bytes);
        }
    }

    #[test]
    fn any_bytes_are_a_frame_and_a_model_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = Frame::parse(&bytes);
        let _ = Model::parse(&bytes);
    }
}

/// Floats at which something changes: signs of zero, subnormals, ends of the range, values an ulp
/// or two around an edge between two counts, infinities and NaN with any payload.
fn corner(random: &mut impl FnMut() -> u64, epsilon: f64, double: bool) -> u64 {
    let (bits, mantissa) = if double { (64, 52) } else { (32, 23) };
    let raw = |x: f64| if double { x.to_bits() } else { u64::from((x as f32).to_bits()) };
    let sign = (random() & 1) << (bits - 1);
    let infinity = raw(f64::INFINITY);
    let payload = random() & ((1 << mantissa) - 1);
    let near = |base: u64, by: u64| base.wrapping_add(by % 5).wrapping_sub(2);
    let magnitude = match random() % 10 {
        0 => 0,
        1 => 1 + payload % 3,                   // the smallest subnormals
        2 => payload,                           // any
        3 => near(1 << mantissa, random()),     // around the smallest normal
        4 => (1 << mantissa) - 1 + payload % 4, // and a little above
        5 => infinity - 1 - payload % 3,        // the largest
        6 | 7 => near(raw((2.0 * (random() % 70_000) as f64 + 1.0) * epsilon), random()),
        8 if random().is_multiple_of(4) => infinity,
        9 if random().is_multiple_of(4) => infinity + payload.max(1),
        _ => raw((random() % 1000) as f64 * epsilon),
    };
    sign | magnitude
}

/// A corner in every place of small blocks, the other values ordinary or corners as well.
fn corners_keep_epsilon<S: ToF64>(blocks: usize, epsilons: &[f64], seed: u64) -> usize {
    const CHANNELS: usize = 2;
    let double = S::KIND == SampleKind::F64;
    let mut state = seed;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 5
    };
    let blobs: Vec<_> = epsilons
        .iter()
        .flat_map(|&e| (0..=COUPLED).map(move |order| (e, bounded_blob::<S>(&[e, e], 4, order))))
        .collect();
    let models: Vec<_> = blobs.iter().map(|(e, blob)| (*e, Model::parse(blob).unwrap())).collect();
    let mut scratch = vec![Slot::NEW; models[0].1.scratch_len()];
    let mut out = vec![0; models[0].1.max_frame_bytes()];
    let mut decoded = [S::default(); 4 * CHANNELS];
    let mut refused = 0;
    for block in 0..blocks {
        let (epsilon, model) = &models[block % models.len()];
        let values = CHANNELS * (1 + random() as usize % 4);
        let place = block / models.len() % values;
        let others = random() % 3;
        let mut window = [S::default(); 4 * CHANNELS];
        let window = &mut window[..values];
        for (at, x) in window.iter_mut().enumerate() {
            let ordinary = (random() % 2000) as f64 * epsilon;
            let ordinary =
                if double { ordinary.to_bits() } else { (ordinary as f32).to_bits().into() };
            let is_corner = at == place || others == 0;
            *x = S::from_raw(if is_corner {
                corner(&mut random, *epsilon, double)
            } else {
                ordinary
            });
        }
        let result = codec::encode(model, 0, window, &mut scratch, &mut out);
        if let Some(at) = window.iter().position(|x| !x.to_f64().is_finite()) {
            let (row, channel) = ((at / CHANNELS) as u16, (at % CHANNELS) as u16);
            assert_eq!(result, Err(EncodeError::NotFinite { row, channel }), "{window:?}");
            refused += 1;
            continue;
        }
        let (frame, _) = Frame::parse(&out[..result.unwrap()]).unwrap();
        let rows = codec::decode(model, &frame, &mut scratch, &mut decoded).unwrap();
        assert_eq!(rows * CHANNELS, values);
        for (x, y) in window.iter().zip(&decoded) {
            assert!(
                within(x.to_f64(), y.to_f64(), *epsilon),
                "{x:?} as {y:?} at {epsilon:e}: {window:?}"
            );
        }
    }
    refused
}

#[test]
fn a_million_blocks_with_corner_values_keep_epsilon_or_are_refused_by_place() {
    let blocks = if cfg!(debug_assertions) { 10_000 } else { 500_000 };
    let tiny = f64::from(f32::MIN_POSITIVE);
    let refused = corners_keep_epsilon::<f32>(blocks, &[0.5, 1e-3, 1e30, tiny, 3e-41], 1)
        + corners_keep_epsilon::<f64>(blocks, &[0.5, 1e-3, 1e300, f64::MIN_POSITIVE, 3e-320], 2);
    assert!((blocks / 50..blocks).contains(&refused), "{refused}");
}

#[test]
fn bits_worth_more_are_fewer_and_the_budget_is_kept_by_smaller_steps_at_last() {
    let window: Vec<i32> = signal(400, 3);
    let size = |tradeoff, budget| {
        let blob = predictive_blob::<i32>(1, 8.0, 400, 2, (tradeoff, budget));
        let model = Model::parse(&blob).unwrap();
        let bytes = encode(&model, &window);
        let decoded = decode::<i32>(&model, &bytes).unwrap();
        let frame = Frame::parse(&bytes).unwrap().0;
        assert!(error_in_steps(&window, &decoded, 8.0) <= budget);
        (bytes.len(), frame.is_refined(), frame.is_raw())
    };
    let free = size(0.0, 1.0);
    let worth = size(0.1, 1.0);
    let more = size(0.2, 1.0);
    assert!(more.0 < worth.0 && worth.0 < free.0, "{} {} {}", free.0, worth.0, more.0);
    assert!(!free.1 && !more.1);
    // Rounding costs 0.29 steps; half of that with steps of half the size.
    assert!(size(0.2, 0.3).0 > worth.0 && !size(0.2, 0.3).1);
    let (refined, is_refined, _) = size(0.2, 0.2);
    assert!(is_refined && refined > free.0);
    assert!(size(0.2, 0.1).2, "no step was small enough, so the window is plain");
}

#[test]
fn a_smaller_budget_is_kept_and_the_frames_are_those_of_the_model() {
    let window: Vec<i32> = signal(16, 3);
    let blob = walsh_blob::<i32>(1.0, 8.0, Some(20.0));
    let model = Model::parse(&blob).unwrap();
    for budget in [10.0, 5.0, 1.0] {
        let tight = model.with_budget(fit::q8(budget));
        assert_eq!((tight.id(), tight.budget()), (model.id(), Some(fit::q8(budget))));
        let decoded = decode::<i32>(&model, &encode(&tight, &window)).unwrap();
        assert!(error_in_steps(&window, &decoded, 1.0) <= budget);
    }
    assert_eq!(model.with_budget(u32::MAX).budget(), model.budget());
    assert_eq!(model.with_budget(0).budget(), Some(1));
    let free = walsh_blob::<i32>(1.0, 8.0, None);
    assert_eq!(Model::parse(&free).unwrap().with_budget(9).budget(), None);
}

#[test]
fn alternating_extremes_keep_epsilon_and_never_grow() {
    let flip = |low, high| (0..64).map(|i| if i % 2 == 0 { low } else { high }).collect::<Vec<_>>();
    for order in 0..=COUPLED {
        let blob = bounded_blob::<i32>(&[0.5], 64, order);
        let window: Vec<i32> =
            (0..64).map(|i| if i % 2 == 0 { i32::MIN } else { i32::MAX }).collect();
        assert_bounded(&Model::parse(&blob).unwrap(), &window, &[0.0]);
        let blob = bounded_blob::<f32>(&[1e-3], 64, order);
        assert_bounded(&Model::parse(&blob).unwrap(), &flip(-3e38_f32, 3e38), &[1e-3]);
        let blob = bounded_blob::<f32>(&[1e38], 64, order);
        assert_bounded(&Model::parse(&blob).unwrap(), &flip(f32::MIN, f32::MAX), &[1e38]);
    }
}

#[test]
fn one_wild_value_does_not_cost_the_window() {
    let blob = bounded_blob::<f32>(&[0.5], 64, 1);
    let model = Model::parse(&blob).unwrap();
    let mut window: Vec<f32> = signal(64, 5).iter().map(|&x| x as f32).collect();
    let calm = encode(&model, &window).len();
    window[30] = 1e38;
    let bytes = encode(&model, &window);
    assert!(bytes.len() <= calm + 4 + 64 / 8, "{calm} bytes became {}", bytes.len());
    assert_eq!(decode::<f32>(&model, &bytes).unwrap()[30], 1e38);
}

#[test]
fn quiet_stretches_cost_less_than_a_tenth_of_a_bit_per_value() {
    let blob = bounded_blob::<i16>(&[0.5], 2048, 1);
    let model = Model::parse(&blob).unwrap();
    let bytes = encode(&model, &vec![123_i16; 2048]);
    let payload = Frame::parse(&bytes).unwrap().0.payload().len();
    assert!(payload * 8 * 10 < 2048, "{payload} bytes for 2048 equal values");
}

/// Encodes windows as one chain that starts afresh every `restart` frames.
fn chain<S: Sample>(model: &Model<'_>, windows: &[Vec<S>], restart: usize) -> Vec<Vec<u8>> {
    let mut scratch = vec![Slot::NEW; model.scratch_len()];
    let mut stream = Stream::new();
    let mut out = vec![0; model.max_frame_bytes()];
    let mut frames = Vec::new();
    for (number, window) in windows.iter().enumerate() {
        if number % restart == 0 {
            stream.restart();
        }
        let length =
            codec::encode_next(model, &mut stream, number as u32, window, &mut scratch, &mut out);
        frames.push(out[..length.unwrap()].to_vec());
    }
    frames
}

/// Decodes frames in the given order: the windows that came back, by number.
fn unchain<S: Sample>(
    model: &Model<'_>,
    frames: &[Vec<u8>],
) -> Vec<Result<(u32, Vec<S>), DecodeError>> {
    let mut scratch = vec![Slot::NEW; model.scratch_len()];
    let mut stream = Stream::new();
    let mut out = vec![S::default(); model.window() * model.channels()];
    let decoded = frames.iter().map(|bytes| {
        let (frame, _) = Frame::parse(bytes).unwrap();
        let rows = codec::decode_next(model, &mut stream, &frame, &mut scratch, &mut out)?;
        Ok((frame.sequence(), out[..rows * model.channels()].to_vec()))
    });
    decoded.collect()
}

fn chained_windows() -> Vec<Vec<i32>> {
    let samples = signal(3 * 16 * 20 - 6, 7);
    let mut windows: Vec<Vec<i32>> = samples.chunks(3 * 16).map(<[i32]>::to_vec).collect();
    // One that goes plain, and one with nothing new.
    windows[7] = (0..48).map(|i| if i % 2 == 0 { i32::MIN } else { i32::MAX - i }).collect();
    windows[12] = vec![5; 48];
    windows
}

#[test]
fn a_chain_comes_back_in_fewer_bytes_than_frames_alone() {
    for order in 0..=COUPLED {
        let blob = bounded_blob::<i32>(&[0.5, 0.5, 0.5], 16, order);
        let model = Model::parse(&blob).unwrap();
        let windows = chained_windows();
        let frames = chain(&model, &windows, usize::MAX);
        for ((number, window), decoded) in
            windows.iter().enumerate().zip(unchain::<i32>(&model, &frames))
        {
            assert_eq!(decoded.unwrap(), (number as u32, window.clone()), "order {order}");
        }
        // Without the wild window, whose echo in the expected magnitudes costs more than it saves.
        let calm = [&windows[..7], &windows[13..]].concat();
        let size = |restart| chain(&model, &calm, restart).iter().map(Vec::len).sum::<usize>();
        let (chained, alone) = (size(usize::MAX), size(1));
        assert!(chained < alone, "order {order}: {chained} bytes chained, {alone} alone");
    }
}

#[test]
fn behind_a_lost_frame_a_chain_resumes_at_the_next_start_and_never_lies() {
    let blob = bounded_blob::<i32>(&[0.5, 2.0, 0.5], 16, COUPLED);
    let model = Model::parse(&blob).unwrap();
    let windows = chained_windows();
    let frames = chain(&model, &windows, 5);
    let whole: Vec<_> = unchain::<i32>(&model, &frames).into_iter().map(Result::unwrap).collect();
    for lost in 0..frames.len() {
        let mut rest = frames.clone();
        rest.remove(lost);
        // A frame in its place that another run of the encoder sent under the same number.
        let other = chain(&model, &windows[lost..], 5).swap_remove(0);
        for rest in [rest.clone(), {
            let mut r = rest;
            r.insert(lost, other);
            r
        }] {
            for (bytes, decoded) in rest.iter().zip(unchain::<i32>(&model, &rest)) {
                let (frame, _) = Frame::parse(bytes).unwrap();
                match decoded {
                    Ok((number, window)) if bytes == &frames[number as usize] => {
                        assert_eq!(window, whole[number as usize].1);
                    }
                    Ok(_) => assert!(!frame.is_chained()),
                    Err(error) => {
                        assert_eq!(error, DecodeError::Unlinked);
                        assert!(frame.is_chained());
                    }
                }
            }
        }
    }
    let mut backwards = frames.clone();
    backwards.reverse();
    for (bytes, decoded) in backwards.iter().zip(unchain::<i32>(&model, &backwards)) {
        assert_eq!(decoded.is_ok(), !Frame::parse(bytes).unwrap().0.is_chained());
    }
}

#[test]
fn a_coupled_channel_costs_next_to_nothing_where_another_tells_it() {
    let x = signal(400, 3);
    let window: Vec<i32> = x.iter().flat_map(|&x| [x, -2 * x]).collect();
    let size = |terms: &[Term]| {
        let terms = Terms::new(terms).unwrap();
        let coupled = Predictor { start: terms, terms, ..predictor(1, 0) };
        let lattice = Lattice::<i32>::bounded(0.0, 0.5).unwrap();
        let channels = [predictor(0, 1), coupled].map(|predictor| Channel { lattice, predictor });
        let blob = blob(400, &channels, Method::Bounded);
        let model = Model::parse(&blob).unwrap();
        assert_eq!(round_trip(&model, &window), window);
        encode(&model, &window).len()
    };
    let first = size(&[Term { channel: 0, lag: 0, weight: -2 << 12 }]);
    let alone = size(&[Term { channel: 1, lag: 0, weight: 0 }; 0]);
    assert!(first * 10 < alone * 6, "{first} bytes coupled, {alone} alone");
}

#[test]
fn terms_without_a_meaning_are_refused() {
    let term = |channel, lag| Term { channel, lag, weight: 1 };
    let lattice = Lattice::<i32>::bounded(0.0, 0.5).unwrap();
    let valid = |number: usize, start: &[Term], terms: &[Term]| {
        let mut channels = [Channel { lattice, predictor: Predictor::default() }; 3];
        channels[number].predictor.start = Terms::new(start).unwrap();
        channels[number].predictor.terms = Terms::new(terms).unwrap();
        let (priors, rate) = (&fit::DEFAULT_PRIORS, fit::DEFAULT_RATE);
        let spec =
            ModelSpec { window: 8, channels: &channels, method: Method::Bounded, priors, rate };
        let mut blob = [0; 1024];
        match spec.write(&mut blob) {
            Ok(length) => {
                assert_eq!(
                    Model::parse(&blob[..length])
                        .unwrap()
                        .channel_list::<i32>()
                        .collect::<Vec<_>>(),
                    channels
                );
                true
            }
            Err(error) => {
                assert_eq!(error, ModelError::BadChannel(number as u16));
                false
            }
        }
    };
    assert!(valid(1, &[term(0, 0)], &[term(0, 0), term(1, 1), term(2, MAX_LAG)]));
    assert!(!valid(1, &[], &[term(1, 0)]), "its own value");
    assert!(!valid(1, &[], &[term(2, 0)]), "a later channel of the same row");
    assert!(!valid(1, &[], &[term(3, 1)]), "no such channel");
    assert!(!valid(1, &[], &[term(0, MAX_LAG + 1)]), "too long ago");
    assert!(!valid(1, &[term(0, 1)], &[]), "a first row has no past");
    assert!(Terms::new(&[term(0, 1); codec::MAX_TERMS + 1]).is_none());
}

#[test]
fn noise_goes_plain_and_comes_back_exactly() {
    let blob = bounded_blob::<f32>(&[1e-3], 32, 1);
    let model = Model::parse(&blob).unwrap();
    let window: Vec<f32> = signal(32, 9).iter().map(|&x| x as f32 * 1e30).collect();
    let bytes = encode(&model, &window);
    assert!(Frame::parse(&bytes).unwrap().0.is_raw());
    assert_eq!(Frame::parse(&bytes).unwrap().0.payload().len(), 4 * 32);
    assert_eq!(decode::<f32>(&model, &bytes).unwrap(), window);
}

#[test]
fn without_a_budget_a_window_costs_its_coefficients_only() {
    let blob = walsh_blob::<f32>(0.1, 4.0, None);
    let model = Model::parse(&blob).unwrap();
    let window: Vec<f32> = signal(16, 3).iter().map(|&x| x as f32).collect();
    let bytes = encode(&model, &window);
    let frame = Frame::parse(&bytes).unwrap().0;
    assert!(!frame.is_raw() && !frame.is_refined());
    assert!(frame.payload().len() < 12);
    decode::<f32>(&model, &bytes).unwrap();
}

#[test]
fn infinite_and_nan_are_refused_by_place() {
    let blob = bounded_blob::<f32>(&[0.5, 0.5], 8, 1);
    let model = Model::parse(&blob).unwrap();
    let (mut scratch, mut out) = ([Slot::NEW; 2], [0; 128]);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut window = [1.0_f32; 16];
        window[7] = bad;
        let result = codec::encode(&model, 0, &window, &mut scratch, &mut out);
        assert_eq!(result, Err(EncodeError::NotFinite { row: 3, channel: 1 }));
    }
    assert_eq!(out, [0; 128]);
}

#[test]
fn wrong_calls_are_errors() {
    let blob = bounded_blob::<f32>(&[0.5, 0.5], 8, 1);
    let model = Model::parse(&blob).unwrap();
    let (mut scratch, mut out) = ([Slot::NEW; 2], [0; 128]);
    let mut encode = |window: &[f32]| codec::encode(&model, 0, window, &mut scratch, &mut out);
    assert_eq!(encode(&[]), Err(EncodeError::WrongLength));
    assert_eq!(encode(&[0.0; 3]), Err(EncodeError::WrongLength));
    assert_eq!(encode(&[0.0; 18]), Err(EncodeError::WrongLength));
    assert!(encode(&[0.0; 16]).is_ok());
    let wrong_kind = codec::encode(&model, 0, &[1_i16; 4], &mut scratch, &mut out);
    assert_eq!(wrong_kind, Err(EncodeError::WrongKind(SampleKind::F32)));
    let no_scratch = codec::encode(&model, 0, &[1.0_f32; 4], &mut scratch[..1], &mut out);
    assert_eq!(no_scratch, Err(EncodeError::ScratchTooSmall { needed: 2 }));
    let no_room = codec::encode(&model, 0, &[1.0_f32; 4], &mut scratch, &mut out[..32]);
    assert_eq!(no_room, Err(EncodeError::BufferTooSmall { needed: 33 }));

    let length = codec::encode(&model, 0, &[1.0_f32; 4], &mut scratch, &mut out).unwrap();
    let (frame, used) = Frame::parse(&out).unwrap();
    assert_eq!(used, length);
    let short = codec::decode(&model, &frame, &mut scratch, &mut [0.0_f32; 3]);
    assert_eq!(short, Err(DecodeError::BufferTooSmall { needed: 4 }));
    let other = bounded_blob::<f32>(&[0.25, 0.5], 8, 1);
    let other = Model::parse(&other).unwrap();
    let wrong_model = codec::decode(&other, &frame, &mut scratch, &mut [0.0_f32; 16]);
    assert_eq!(wrong_model, Err(DecodeError::WrongModel(model.id())));
}

#[test]
fn working_memory_for_eight_channels_is_within_a_kibibyte() {
    let bytes = STATE_BYTES + codec::scratch_len(8, 0) * size_of::<Slot>();
    assert!(bytes <= 1024, "{bytes} bytes");
}

#[test]
fn tallied_priors_and_surveyed_orders_pay() {
    let samples: Vec<i16> = signal(4000, 11).iter().map(|&x| x as i16).collect();
    let (train, test) = samples.split_at(2000);
    let mut survey = fit::Survey::new(500);
    for &x in train {
        survey.push(x.into());
    }
    let predictor = survey.predictor(0);
    assert!(!predictor.terms.as_slice().is_empty(), "a smooth signal is not predicted by its mean");

    let size = |channel: Channel<i16>, priors: &[u16; codec::CONTEXTS]| {
        let (channels, rate) = (&[channel], fit::DEFAULT_RATE);
        let spec = ModelSpec { window: 100, channels, method: Method::Bounded, priors, rate };
        let mut blob = vec![0; spec.encoded_len()];
        spec.write(&mut blob).unwrap();
        let model = Model::parse(&blob).unwrap();
        let mut tally = fit::Tally::new();
        for window in train.chunks(100) {
            tally.window(&model, window, &mut [Slot::NEW; 1]).unwrap();
        }
        let bytes: usize = test.chunks(100).map(|window| encode(&model, window).len()).sum();
        (bytes, tally.priors())
    };
    let lattice = Lattice::bounded(0.0, 0.5).unwrap();
    let plain = Channel { lattice, predictor: Predictor { terms: Terms::NONE, ..predictor } };
    let (by_mean, _) = size(plain, &fit::DEFAULT_PRIORS);
    let (by_order, priors) = size(Channel { lattice, predictor }, &fit::DEFAULT_PRIORS);
    let (fitted, _) = size(Channel { lattice, predictor }, &priors);
    assert!(fitted < by_order && by_order < by_mean, "{by_mean} {by_order} {fitted}");
}

#[test]
fn a_grid_gives_one_count_per_step_of_the_data() {
    let lattice = Lattice::<f32>::on_grid(0.1, 0.5, 0.01).unwrap();
    assert_eq!((lattice.step, lattice.epsilon), (0.5, 0.01));
    assert_eq!(lattice.snap(3.1), Some(6));
    assert_eq!(lattice.snap(3.2), None);
    let lattice = Lattice::<f64>::on_grid(0.0, 0.5, 1.1).unwrap();
    assert_eq!(lattice.step, 2.5);
}

#[test]
fn lattices_round_the_bound_towards_zero() {
    for epsilon in [0.1, 0.3, 1e-40, 1e-45, 1e38, 1e300, 1.0, 123.456] {
        let lattice = Lattice::<f32>::bounded(0.0, epsilon);
        if let Some(lattice) = lattice {
            assert!(f64::from(lattice.epsilon) <= epsilon);
            assert!(
                f64::from(lattice.epsilon) > epsilon * (1.0 - 1e-6)
                    || !(1e-38..=1e38).contains(&epsilon)
            );
            assert_eq!(lattice.step, 2.0 * lattice.epsilon);
        } else {
            assert!(epsilon < 2e-45);
        }
    }
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Lattice::<f32>::bounded(0.0, bad), None);
    }
    assert_eq!(Lattice::<i16>::bounded(0.0, 0.99).unwrap().epsilon, 0);
    assert_eq!(Lattice::<i16>::bounded(0.0, -0.1), None);
    assert_eq!(Lattice::<i32>::bounded(1e10, 1.0), None);
}

#[test]
fn a_float_lattice_is_valid_where_its_words_are() {
    fn check<S: Sample>(words: &[S::Word], valid: impl Fn(S::Word, S::Word, S::Word) -> bool) {
        for &offset in words {
            for &step in words {
                for &epsilon in words {
                    let lattice = Lattice::<S> { offset, step, epsilon };
                    assert_eq!(lattice.is_valid(), valid(offset, step, epsilon), "{lattice:?}");
                }
            }
        }
    }
    macro_rules! check_float {
        ($t:ident) => {
            let tiny = $t::from_bits(1);
            let words = [0.0, tiny, $t::MIN_POSITIVE, 1.0, $t::MAX, $t::INFINITY, $t::NAN];
            let words: Vec<$t> = words.into_iter().flat_map(|w| [w, -w]).collect();
            check::<$t>(&words, |offset, step, epsilon| {
                let finite = offset.is_finite() && step.is_finite() && epsilon.is_finite();
                finite && step > 0.0 && epsilon >= 0.0
            });
        };
    }
    check_float!(f32);
    check_float!(f64);
}

// Golden files: frames of every version ever written, which must decode for ever.

#[derive(Clone, Copy)]
struct Golden {
    name: &'static str,
    kind: SampleKind,
}

const GOLDEN: [Golden; 7] = [
    Golden { name: "coupled_f64_v3", kind: SampleKind::F64 },
    Golden { name: "bounded_i16_v3", kind: SampleKind::I16 },
    Golden { name: "escapes_f32_v3", kind: SampleKind::F32 },
    Golden { name: "transform_f32_v3", kind: SampleKind::F32 },
    Golden { name: "refined_i32_v3", kind: SampleKind::I32 },
    Golden { name: "predictive_f32_v3", kind: SampleKind::F32 },
    Golden { name: "halved_i32_v3", kind: SampleKind::I32 },
];

impl Golden {
    fn path(self, suffix: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(self.name)
            .with_extension(suffix)
    }

    fn model(self) -> Vec<u8> {
        fs::read(self.path("model")).unwrap()
    }

    fn frame(self) -> Vec<u8> {
        fs::read(self.path("frame")).unwrap()
    }

    /// Decodes whatever it is; the result does not matter, that there is one does.
    fn survives(self, model: &Model<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
        let (frame, _) = Frame::parse(bytes).ok()?;
        let mut scratch = vec![Slot::NEW; model.scratch_len()];
        let values = model.window() * model.channels();
        match self.kind {
            SampleKind::I16 => decode_bytes::<i16>(model, &frame, &mut scratch, values),
            SampleKind::I32 => decode_bytes::<i32>(model, &frame, &mut scratch, values),
            SampleKind::F32 => decode_bytes::<f32>(model, &frame, &mut scratch, values),
            SampleKind::F64 => decode_bytes::<f64>(model, &frame, &mut scratch, values),
        }
    }
}

fn decode_bytes<S: Sample>(
    model: &Model<'_>,
    frame: &Frame<'_>,
    scratch: &mut [Slot],
    values: usize,
) -> Option<Vec<u8>> {
    let mut out = vec![S::default(); values];
    let rows = codec::decode(model, frame, scratch, &mut out).ok()?;
    Some(to_bytes(&out[..rows * model.channels()]))
}

fn to_bytes<S: Sample>(samples: &[S]) -> Vec<u8> {
    samples.iter().flat_map(|x| x.to_raw().to_le_bytes()[..S::KIND.bytes()].to_vec()).collect()
}

/// The golden inputs: (model, frame, decoded samples).
fn golden_bytes(golden: Golden) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    fn all<S: Sample>(blob: Vec<u8>, window: &[S]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let model = Model::parse(&blob).unwrap();
        let frame = encode(&model, window);
        let decoded = to_bytes(&decode::<S>(&model, &frame).unwrap());
        (blob, frame, decoded)
    }
    let x = signal(96, 1);
    let floats: Vec<f32> = x.iter().map(|&x| x as f32 / 8.0).collect();
    match golden.name {
        "bounded_i16_v3" => {
            let window: Vec<i16> = x.iter().map(|&x| x as i16).collect();
            all(bounded_blob::<i16>(&[0.5, 2.0, 1.0], 40, 2), &window)
        }
        "escapes_f32_v3" => {
            let mut window = floats;
            window[10] = 1e30;
            window[81] = -3e-39;
            all(bounded_blob::<f32>(&[0.25, 0.01], 48, 1), &window)
        }
        "coupled_f64_v3" => {
            let window: Vec<f64> = x.iter().map(|&x| f64::from(x) / 16.0).collect();
            all(bounded_blob::<f64>(&[0.25, 0.125, 0.1], 32, COUPLED), &window)
        }
        "transform_f32_v3" => all(walsh_blob::<f32>(0.25, 8.0, None), &floats[..16]),
        "refined_i32_v3" => all(walsh_blob_of::<i32>(0.25, 8.0, Some(2.0), true), &x[..12]),
        "predictive_f32_v3" => {
            all(predictive_blob::<f32>(2, 4.0, 48, COUPLED, (0.1, 0.5)), &floats)
        }
        _ => all(predictive_blob::<i32>(3, 16.0, 32, 1, (0.1, 0.25)), &x),
    }
}

#[test]
fn golden_frames_decode_to_golden_samples() {
    for golden in GOLDEN {
        let blob = golden.model();
        let decoded = golden.survives(&Model::parse(&blob).unwrap(), &golden.frame());
        assert_eq!(decoded, Some(fs::read(golden.path("samples")).unwrap()), "{}", golden.name);
    }
}

#[test]
fn this_version_writes_the_golden_bytes() {
    for golden in GOLDEN {
        let (model, frame, samples) = golden_bytes(golden);
        if std::env::var_os("EIGENMOTE_WRITE_GOLDEN").is_some() {
            fs::write(golden.path("model"), &model).unwrap();
            fs::write(golden.path("frame"), &frame).unwrap();
            fs::write(golden.path("samples"), &samples).unwrap();
        }
        assert!(model == golden.model(), "model of {}", golden.name);
        assert!(frame == golden.frame(), "frame of {}", golden.name);
    }
    let flags = GOLDEN.map(|golden| golden.frame()[0] & 3);
    assert_eq!(flags, [0, 0, 0, 0, 2, 0, 2]);
}

/// A frame around a payload, its checksum left out.
fn with_header(flags: u8, id: u16, sequence: u32, rows: Option<u16>, payload: &[u8]) -> Vec<u8> {
    let number = |bytes: &mut Vec<u8>, mut number: u32| {
        while number > 127 {
            bytes.push(number as u8 | 128);
            number >>= 7;
        }
        bytes.push(number as u8);
    };
    let mut bytes = vec![3 << 4 | flags & !4 | if rows.is_some() { 4 } else { 0 }];
    bytes.extend(id.to_le_bytes());
    number(&mut bytes, sequence);
    rows.iter().for_each(|&rows| number(&mut bytes, rows.into()));
    number(&mut bytes, payload.len() as u32);
    bytes.extend(payload);
    bytes.extend([0; 4]);
    bytes
}

/// Makes the last four bytes the checksum of the ones before, so that what is behind the check
/// meets the damage.
fn repair_checksum(bytes: &mut [u8]) {
    let (body, crc) = bytes.split_last_chunk_mut::<4>().unwrap();
    *crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(body).to_le_bytes();
}

#[test]
fn every_prefix_of_a_golden_frame_is_truncated() {
    for golden in GOLDEN {
        let bytes = golden.frame();
        for length in 0..bytes.len() {
            assert_eq!(Frame::parse(&bytes[..length]), Err(FrameError::Truncated));
        }
    }
}

#[test]
fn every_flipped_bit_of_a_golden_frame_is_found() {
    for golden in GOLDEN {
        let bytes = golden.frame();
        for bit in 0..8 * bytes.len() {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Frame::parse(&bytes).is_err());
        }
    }
}

#[test]
fn every_flipped_bit_behind_the_checksum_gives_rows_or_an_error() {
    let (mut rows, mut errors) = (0, 0);
    for golden in GOLDEN {
        let blob = golden.model();
        let model = Model::parse(&blob).unwrap();
        let bytes = golden.frame();
        for bit in 0..8 * (bytes.len() - 4) {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            repair_checksum(&mut bytes);
            match golden.survives(&model, &bytes) {
                Some(_) => rows += 1,
                None => errors += 1,
            }
        }
    }
    assert!(rows > 0 && errors > 0);
}

#[test]
fn every_shortened_payload_gives_rows_or_an_error() {
    let (mut rows, mut errors) = (0, 0);
    for golden in GOLDEN {
        let blob = golden.model();
        let model = Model::parse(&blob).unwrap();
        let bytes = golden.frame();
        let (frame, _) = Frame::parse(&bytes).unwrap();
        let given = frame.rows().map(|rows| rows as u16);
        for length in 0..frame.payload().len() {
            let payload = &frame.payload()[..length];
            let flags = bytes[0] & 15;
            let mut bytes = with_header(flags, model.id(), frame.sequence(), given, payload);
            repair_checksum(&mut bytes);
            match golden.survives(&model, &bytes) {
                Some(_) => rows += 1,
                None => errors += 1,
            }
        }
    }
    // A payload that lost its last bytes can be the whole one of another window.
    assert!(errors > 10 * rows, "{errors} errors, {rows} windows");
}

#[test]
fn every_prefix_and_flipped_bit_of_a_golden_model_is_found() {
    for golden in GOLDEN {
        let blob = golden.model();
        for length in 0..blob.len() {
            assert_eq!(Model::parse(&blob[..length]).unwrap_err(), ModelError::Truncated);
        }
        for bit in 0..8 * blob.len() {
            let mut blob = blob.clone();
            blob[bit / 8] ^= 1 << (bit % 8);
            assert!(Model::parse(&blob).is_err());
        }
    }
}

#[test]
fn a_model_damaged_behind_its_checksum_is_refused_or_works() {
    let (mut works, mut refused) = (0, 0);
    for golden in GOLDEN {
        let blob = golden.model();
        for bit in 0..8 * (blob.len() - 4) {
            let mut blob = blob.clone();
            blob[bit / 8] ^= 1 << (bit % 8);
            repair_checksum(&mut blob);
            let Ok(model) = Model::parse(&blob) else {
                refused += 1;
                continue;
            };
            works += 1;
            let mut frame = golden.frame();
            frame[1..3].copy_from_slice(&model.id().to_le_bytes());
            repair_checksum(&mut frame);
            golden.survives(&model, &frame);
            let values = model.window().min(3) * model.channels();
            match model.kind() {
                SampleKind::I16 => {
                    assert_eq!(round_trip(&model, &vec![77_i16; values]).len(), values);
                }
                SampleKind::I32 => {
                    assert_eq!(round_trip(&model, &vec![77_i32; values]).len(), values);
                }
                SampleKind::F32 => {
                    assert_eq!(round_trip(&model, &vec![7.7_f32; values]).len(), values);
                }
                SampleKind::F64 => {
                    assert_eq!(round_trip(&model, &vec![7.7_f64; values]).len(), values);
                }
            }
        }
    }
    assert!(works > 1000 && refused > 300, "{works} {refused}");
}
