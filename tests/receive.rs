//! Promises of frames on lossy links: packets of a fixed size, damage, loss, repeats and disorder.
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

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use eigenmote::codec::{
    self, Basis, Channel, DecodeError, EncodeError, Frame, FrameError, Lattice, Method, Model,
    ModelSpec, OVERHEAD, Predictor, ReceiveError, Received, Receiver, Reorder, ReorderError,
    Sample, Scan, Slot, Stream, Terms, Transform, fit, receive::HISTORY,
};
use proptest::prelude::*;

/// Whether the library is compiled as its users compile it: then tests take all their cases.
const OPTIMISED: bool = !cfg!(debug_assertions);

/// A small generator, so that a failing case is a number.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// From 0 to below `n`.
    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 32) as usize % n
    }

    fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }
}

// Models

fn blob<S: Sample>(window: u16, channels: &[Channel<S>], method: Method<'_>) -> Vec<u8> {
    let (priors, rate) = (&fit::DEFAULT_PRIORS, fit::DEFAULT_RATE);
    let spec = ModelSpec { window, channels, method, priors, rate };
    let mut blob = vec![0; spec.encoded_len()];
    assert_eq!(spec.write(&mut blob), Ok(blob.len()));
    blob
}

fn bounded_blob<S: Sample>(window: u16, epsilons: &[f64]) -> Vec<u8> {
    let channel = |(&epsilon, number)| {
        let terms = Terms::polynomial(number, 2);
        let predictor =
            Predictor { mean: 0, spread: 500 << 8, scale: 8 << 8, start: Terms::NONE, terms };
        Channel { lattice: Lattice::bounded(0.0, epsilon).unwrap(), predictor }
    };
    blob::<S>(window, &epsilons.iter().zip(0..).map(channel).collect::<Vec<_>>(), Method::Bounded)
}

/// Two channels by the mean and the slope of 16 rows, every row within a budget.
fn transform_blob() -> Vec<u8> {
    let weight = |value: usize, component: usize| match component {
        0 | 1 => fit::basis_weight(if value % 2 == component { 0.25 } else { 0.0 }),
        _ => fit::basis_weight((value / 2) as f64 / 56.0 - 0.134),
    };
    let basis: Vec<i16> = (0..32).flat_map(|v| (0..3).map(move |k| weight(v, k))).collect();
    let channel = Channel {
        lattice: Lattice::<f32>::fine(0.0, 0.5).unwrap(),
        predictor: Predictor::default(),
    };
    let transform = Transform {
        coefficient_step: fit::q8(4.0),
        budget: Some(fit::q8(3.0)),
        scales: &[fit::q8(400.0), fit::q8(400.0), fit::q8(50.0)],
        basis: Basis::I16(&basis),
    };
    blob(16, &[channel; 2], Method::Transform(transform))
}

/// Rows of a smooth signal with noise and, now and then, a wild value.
fn signal(values: usize, seed: u64) -> Vec<i32> {
    let mut random = Random(seed);
    let (mut slope, mut x) = (0_i32, 300_i32);
    let mut next = || {
        slope += random.below(9) as i32 - 4 - x / 256 - slope / 8;
        x += slope;
        if random.below(400) == 0 { 30_000 - random.below(60_000) as i32 } else { x }
    };
    (0..values).map(|_| next()).collect()
}

// A sender

const CHANNELS: usize = 3;
const WINDOW: usize = 16;
const VALUES: usize = CHANNELS * WINDOW;

struct Sent {
    blob: Vec<u8>,
    windows: Vec<Vec<i32>>,
    frames: Vec<Vec<u8>>,
    first: u32,
}

impl Sent {
    /// Lossless windows whose numbers begin at `first`; every `chain`-th stands alone.
    fn new(count: usize, chain: usize, first: u32, seed: u64) -> Self {
        let blob = bounded_blob::<i32>(WINDOW as u16, &[0.5; CHANNELS]);
        let windows: Vec<_> =
            signal(count * VALUES, seed).chunks(VALUES).map(<[i32]>::to_vec).collect();
        let model = Model::parse(&blob).unwrap();
        let mut scratch = vec![Slot::NEW; model.scratch_len()];
        let (mut stream, mut out) = (Stream::new(), vec![0; model.max_frame_bytes()]);
        let mut frames = Vec::new();
        for (at, window) in windows.iter().enumerate() {
            if at % chain == 0 {
                stream.restart();
            }
            let number = first.wrapping_add(at as u32);
            let length =
                codec::encode_next(&model, &mut stream, number, window, &mut scratch, &mut out);
            frames.push(out[..length.unwrap()].to_vec());
        }
        Self { blob, windows, frames, first }
    }

    /// Which frame a number is.
    fn at(&self, sequence: u32) -> usize {
        sequence.wrapping_sub(self.first) as usize
    }

    fn is_chained(&self, at: usize) -> bool {
        Frame::parse(&self.frames[at]).unwrap().0.is_chained()
    }
}

/// A receiver with its memory.
struct Gateway<'a> {
    sent: &'a Sent,
    model: Model<'a>,
    receiver: Receiver,
    scratch: Vec<Slot>,
    rows: Vec<i32>,
    decoded: BTreeSet<usize>,
    /// What its reports add up to.
    missing: BTreeSet<usize>,
    first: Option<usize>,
}

impl<'a> Gateway<'a> {
    fn new(sent: &'a Sent) -> Self {
        let model = Model::parse(&sent.blob).unwrap();
        Self {
            sent,
            receiver: Receiver::new(),
            scratch: vec![Slot::NEW; Receiver::scratch_len(&model)],
            rows: vec![0; VALUES],
            decoded: BTreeSet::new(),
            missing: BTreeSet::new(),
            first: None,
            model,
        }
    }

    /// Takes an intact frame; what comes out is what was sent, and the report fits what was before.
    fn take(&mut self, frame: &Frame<'_>) -> Result<Received, ReceiveError> {
        let at = self.sent.at(frame.sequence());
        let newest = self.decoded.last().copied();
        let result = self.receiver.receive(&self.model, frame, &mut self.scratch, &mut self.rows);
        match result {
            Ok(received) => {
                assert_eq!(self.rows, self.sent.windows[at]);
                assert_eq!((received.sequence, received.rows), (frame.sequence(), WINDOW));
                assert!(self.decoded.insert(at), "{at} was decoded twice");
                self.first.get_or_insert(at);
                match newest {
                    Some(newest) if at < newest => {
                        assert_eq!(received.late as usize, newest - at);
                        assert_eq!(received.missing, 0);
                        assert!(self.missing.remove(&at) || Some(at) < self.first);
                    }
                    _ => {
                        assert_eq!(received.late, 0);
                        self.missing.extend(at - received.missing as usize..at);
                    }
                }
            }
            Err(ReceiveError::Duplicate { .. }) => assert!(self.decoded.contains(&at)),
            Err(error) => {
                let unlinked = DecodeError::Unlinked;
                let sequence = frame.sequence();
                assert_eq!(error, ReceiveError::Decode { sequence, error: unlinked });
                assert!(frame.is_chained() && !self.decoded.contains(&at));
            }
        }
        result
    }

    /// The gaps that were reported are those that there are.
    fn check_gaps(&self) {
        let (Some(first), Some(&last)) = (self.first, self.decoded.last()) else { return };
        let gaps: BTreeSet<_> = (first..=last).filter(|at| !self.decoded.contains(at)).collect();
        assert_eq!(self.missing, gaps);
        assert_eq!(self.receiver.newest().map(|newest| self.sent.at(newest)), Some(last));
    }
}

/// Flips one to four bits.
fn damage(bytes: &mut [u8], random: &mut Random) {
    let before = bytes.to_vec();
    while bytes == before {
        for _ in 0..=random.below(4) {
            let bit = random.below(8 * bytes.len());
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// What comes out of a link: 30 % dropped, 5 % damaged, 10 % repeated. `true`: untouched.
fn lossy(sent: &Sent, random: &mut Random) -> Vec<(usize, Vec<u8>, bool)> {
    let mut packets = Vec::new();
    for (at, bytes) in sent.frames.iter().enumerate() {
        while !random.percent(30) {
            let mut bytes = bytes.clone();
            let hurt = random.percent(5);
            if hurt {
                damage(&mut bytes, random);
            }
            packets.push((at, bytes, !hurt));
            if !random.percent(10) {
                break;
            }
        }
    }
    packets
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if OPTIMISED { 500 } else { 60 }))]

    #[test]
    fn every_untouched_frame_that_stands_alone_is_decoded_in_any_order(
        seed in any::<u64>(), wraps in any::<bool>(),
    ) {
        let first = if wraps { u32::MAX - 20 } else { seed as u32 };
        let sent = Sent::new(HISTORY as usize, 1, first, seed);
        let mut random = Random(seed);
        let mut packets = lossy(&sent, &mut random);
        for at in (1..packets.len()).rev() {
            packets.swap(at, random.below(at + 1));
        }
        let mut gateway = Gateway::new(&sent);
        for (at, bytes, untouched) in &packets {
            match Frame::parse(bytes) {
                Ok((frame, length)) => {
                    prop_assert!(*untouched && length == bytes.len());
                    let before = gateway.decoded.contains(at);
                    let duplicate = ReceiveError::Duplicate { sequence: frame.sequence() };
                    prop_assert_eq!(gateway.take(&frame).err(), before.then_some(duplicate));
                }
                Err(_) => prop_assert!(!untouched),
            }
        }
        let all = packets.iter().filter(|(_, _, untouched)| *untouched).map(|&(at, ..)| at);
        prop_assert_eq!(&gateway.decoded, &all.collect::<BTreeSet<_>>());
        gateway.check_gaps();
    }

    #[test]
    fn of_chains_in_order_all_is_decoded_up_to_what_was_lost(
        seed in any::<u64>(), chain in 1..20_usize, wraps in any::<bool>(),
    ) {
        let first = if wraps { u32::MAX - 20 } else { seed as u32 };
        let sent = Sent::new(60, chain, first, seed);
        let packets = lossy(&sent, &mut Random(seed));
        let mut gateway = Gateway::new(&sent);
        for (_, bytes, untouched) in &packets {
            if let Ok((frame, _)) = Frame::parse(bytes) {
                prop_assert!(untouched);
                let _ = gateway.take(&frame);
            }
        }
        let there: BTreeSet<_> =
            packets.iter().filter(|(_, _, untouched)| *untouched).map(|&(at, ..)| at).collect();
        let mut wanted = BTreeSet::new();
        for &at in &there {
            if !sent.is_chained(at) || wanted.contains(&(at - 1)) {
                wanted.insert(at);
            }
        }
        prop_assert_eq!(&gateway.decoded, &wanted);
        gateway.check_gaps();
    }

    /// A frame overtakes at most three others: with four places the order is that of the sender.
    #[test]
    fn reordered_chains_come_back_as_if_they_had_kept_their_order(
        seed in any::<u64>(), chain in 1..20_usize, wraps in any::<bool>(),
    ) {
        let first = if wraps { u32::MAX - 20 } else { seed as u32 };
        let sent = Sent::new(60, chain, first, seed);
        let mut random = Random(seed);
        let packets = lossy(&sent, &mut random);
        // Time of arrival: of any two frames only those less than four apart may change places.
        let mut shuffled: Vec<_> = packets.iter().map(|p| (4 * p.0 + random.below(16), p)).collect();
        shuffled.sort_by_key(|&(time, _)| time);
        // What is given out first is what came first: begin with the oldest.
        let oldest = shuffled.iter().position(|(_, p)| p.0 == packets[0].0).unwrap();
        let oldest = shuffled.remove(oldest);
        shuffled.insert(0, oldest);

        let (mut straight, mut gateway) = (Gateway::new(&sent), Gateway::new(&sent));
        for (_, bytes, _) in &packets {
            if let Ok((frame, _)) = Frame::parse(bytes) {
                let _ = straight.take(&frame);
            }
        }
        let mut order = Reorder::<4, { OVERHEAD + 4 * VALUES }>::new();
        let mut numbers = Vec::new();
        for (_, (_, bytes, untouched)) in &shuffled {
            match order.push(bytes) {
                Ok(()) => prop_assert!(untouched),
                Err(ReorderError::Frame(_)) => prop_assert!(!untouched),
                Err(error) => {
                    let twice = matches!(error, ReorderError::Duplicate { .. });
                    prop_assert!(twice, "{}", error);
                }
            }
            while let Some(frame) = order.pop() {
                numbers.push(sent.at(frame.sequence()));
                let _ = gateway.take(&frame);
            }
        }
        while let Some(frame) = order.pop_next() {
            numbers.push(sent.at(frame.sequence()));
            let _ = gateway.take(&frame);
        }
        if shuffled[0].1.2 {
            prop_assert_eq!(&gateway.decoded, &straight.decoded);
        }
        gateway.check_gaps();
    }

    #[test]
    fn a_scan_finds_all_intact_frames_in_pieces_as_in_whole(seed in any::<u64>()) {
        let sent = Sent::new(40, 4, 0, seed);
        let model = Model::parse(&sent.blob).unwrap();
        let mut random = Random(seed);
        let (mut bytes, mut intact, mut cuts) = (Vec::new(), Vec::new(), Vec::new());
        for frame in &sent.frames {
            if random.percent(20) {
                bytes.extend((0..random.below(40)).map(|at| seed.to_le_bytes()[at % 8]));
            }
            let mut frame = frame.clone();
            match random.below(10) {
                0 => damage(&mut frame, &mut random),
                1 => {
                    let kept = random.below(frame.len());
                    cuts.push((bytes.len() + kept, frame[kept]));
                    frame.truncate(kept);
                }
                _ => intact.push(bytes.len()..bytes.len() + frame.len()),
            }
            bytes.extend(frame);
        }
        // What follows a cut may begin with the very byte that was lost: the frame is then whole again.
        prop_assume!(cuts.iter().all(|&(at, lost)| bytes.get(at) != Some(&lost)));
        let mut end = 0;
        for scan in [Scan::new(&bytes), Scan::of_id(&bytes, model.id()), Scan::of_model(&bytes, &model)] {
            let found: Vec<_> = scan.clone().collect();
            prop_assert_eq!(found.iter().map(|f| f.start..f.end).collect::<Vec<_>>(), intact.clone());
            end = 0;
            for found in found {
                prop_assert_eq!(found.start - found.skipped, end);
                end = found.end;
            }
        }

        let mut buffer = Vec::new();
        let (mut rest, mut gone, mut again) = (&bytes[..], 0, Vec::new());
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(rest.len().min(1 + random.below(50)));
            rest = later;
            buffer.extend(piece);
            let mut scan = Scan::of_model(&buffer, &model);
            again.extend(scan.by_ref().map(|found| gone + found.start..gone + found.end));
            let done = scan.done();
            prop_assert!(buffer.len() - done < model.max_frame_bytes());
            gone += done;
            buffer.drain(..done);
        }
        prop_assert_eq!(again, intact);
        prop_assert!(gone >= end);
    }
}

#[test]
fn numbers_may_wrap_and_begin_anywhere() {
    for first in [0, 1, u32::MAX, u32::MAX - 7, 0x7fff_fff8, 0x8000_0000] {
        let sent = Sent::new(20, 5, first, 3);
        let mut gateway = Gateway::new(&sent);
        for (at, bytes) in sent.frames.iter().enumerate() {
            if at % 10 != 9 {
                let received = gateway.take(&Frame::parse(bytes).unwrap().0).unwrap();
                assert_eq!(received.missing, u32::from(at == 10));
            }
        }
        assert_eq!(gateway.decoded.len(), 18);
        gateway.check_gaps();
    }
}

#[test]
fn frames_may_overtake_each_other_where_a_chain_starts_afresh() {
    let sent = Sent::new(12, 4, 0, 9);
    let mut gateway = Gateway::new(&sent);
    // 4 and 8 stand alone; 7 goes on behind 8 and even 9, and 0 does not break the chain at 9.
    for (at, late) in
        [(2, 0), (4, 0), (5, 0), (6, 0), (8, 0), (7, 1), (9, 0), (0, 9), (1, 8), (10, 0), (11, 0)]
    {
        let frame = Frame::parse(&sent.frames[at]).unwrap().0;
        let result = gateway.take(&frame);
        assert_eq!(result.ok().map(|received| received.late), (at != 2).then_some(late), "{at}");
    }
}

#[test]
fn an_unlinked_frame_does_not_break_the_chain() {
    let sent = Sent::new(6, 100, 0, 9);
    let mut gateway = Gateway::new(&sent);
    for (at, taken) in [(0, true), (2, false), (1, true), (4, false), (2, true), (3, true)] {
        let frame = Frame::parse(&sent.frames[at]).unwrap().0;
        assert_eq!(gateway.take(&frame).is_ok(), taken, "{at}");
    }
}

#[test]
fn a_sender_that_begins_anew_is_late_until_the_receiver_restarts() {
    let (old, new) = (Sent::new(3, 1, 5000, 1), Sent::new(3, 1, 0, 2));
    let model = Model::parse(&old.blob).unwrap();
    let mut scratch = vec![Slot::NEW; Receiver::scratch_len(&model)];
    let (mut receiver, mut rows) = (Receiver::new(), vec![0; VALUES]);
    let mut take = |receiver: &mut Receiver, bytes: &[u8]| {
        let frame = Frame::parse(bytes).unwrap().0;
        receiver.receive(&model, &frame, &mut scratch, &mut rows).unwrap()
    };
    for bytes in &old.frames {
        assert_eq!(take(&mut receiver, bytes).late, 0);
    }
    let late = take(&mut receiver, &new.frames[0]).late;
    assert_eq!(late, 5002);
    assert!(late >= HISTORY);
    receiver.restart();
    assert_eq!(receiver.newest(), None);
    let wanted = Received { sequence: 1, rows: WINDOW, missing: 0, late: 0 };
    assert_eq!(take(&mut receiver, &new.frames[1]), wanted);
}

#[test]
fn frames_of_other_models_and_small_slices_are_errors_and_count_for_nothing() {
    let sent = Sent::new(1, 1, 0, 1);
    let model = Model::parse(&sent.blob).unwrap();
    let frame = Frame::parse(&sent.frames[0]).unwrap().0;
    let other = bounded_blob::<i32>(WINDOW as u16, &[1.5; CHANNELS]);
    let other = Model::parse(&other).unwrap();
    let mut receiver = Receiver::default();
    let (mut scratch, mut rows) = ([Slot::NEW; 2 * CHANNELS], [0; VALUES]);
    let failed = |error| Err(ReceiveError::Decode { sequence: 0, error });
    let result = receiver.receive(&other, &frame, &mut scratch, &mut rows);
    assert_eq!(result, failed(DecodeError::WrongModel(model.id())));
    let result = receiver.receive(&model, &frame, &mut scratch[1..], &mut rows);
    assert_eq!(result, failed(DecodeError::ScratchTooSmall { needed: 2 * CHANNELS }));
    let result = receiver.receive(&model, &frame, &mut scratch, &mut rows[1..]);
    assert_eq!(result, failed(DecodeError::BufferTooSmall { needed: VALUES }));
    assert!(receiver.receive(&model, &frame, &mut scratch, &mut rows).is_ok());
    let twice = receiver.receive(&model, &frame, &mut scratch, &mut rows);
    assert_eq!(twice, Err(ReceiveError::Duplicate { sequence: 0 }));
    assert_eq!(twice.unwrap_err().to_string(), "frame 0 was decoded before");
}

#[test]
fn frames_wait_for_those_before_them_while_there_is_room() {
    let sent = Sent::new(9, 1, 7, 1);
    let mut order = Reorder::<3, 300>::default();
    let mut given = Vec::new();
    for at in [1, 3, 2, 5, 0, 7, 8, 6] {
        order.push(&sent.frames[at]).unwrap();
        while let Some(frame) = order.pop() {
            given.push(sent.at(frame.sequence()));
        }
    }
    assert_eq!(given, [1, 2, 3, 0, 5, 6, 7, 8]);
    order.push(&sent.frames[3]).unwrap();
    assert_eq!(order.push(&sent.frames[3]), Err(ReorderError::Duplicate { sequence: 10 }));
    order.push(&sent.frames[2]).unwrap();
    order.push(&sent.frames[1]).unwrap();
    assert_eq!(order.push(&sent.frames[0]), Err(ReorderError::Full));
    let mut rest = Vec::new();
    while let Some(frame) = order.pop_next() {
        rest.push(sent.at(frame.sequence()));
    }
    assert_eq!(rest, [1, 2, 3]);
    assert_eq!(order.push(&[]), Err(ReorderError::Frame(FrameError::Truncated)));
    let needed = sent.frames[0].len();
    let too_long = Err(ReorderError::TooLong { needed });
    assert_eq!(Reorder::<1, 20>::new().push(&sent.frames[0]), too_long);
}

// Packets of a fixed size

/// Encodes all rows in packets; the rows that come back. Every `chain`-th packet stands alone.
fn through_packets<S: Sample>(
    model: &Model<'_>,
    samples: &[S],
    packet: usize,
    chain: usize,
) -> Vec<S> {
    let channels = model.channels();
    let mut scratch = vec![Slot::NEW; 2 * model.scratch_len()];
    let mut receiver_scratch = vec![Slot::NEW; Receiver::scratch_len(model)];
    let (mut stream, mut receiver) = (Stream::new(), Receiver::new());
    let mut rows = vec![S::default(); model.window() * channels];
    let (mut rest, mut number, mut decoded) = (samples, 0, Vec::new());
    while !rest.is_empty() {
        if (number as usize).is_multiple_of(chain) {
            stream.restart();
        }
        let before = (stream, scratch.clone());
        let mut out = vec![0xaa; packet];
        let (taken, length) =
            codec::encode_fitting(model, &mut stream, number, rest, &mut scratch, &mut out)
                .unwrap();
        assert!((1..=model.window()).contains(&taken) && length <= packet);

        // It is the frame of so many rows, and one row more gives a longer one.
        let encode = |rows: usize| {
            let mut out = vec![0; model.max_frame_bytes()];
            let (mut stream, mut scratch) = before.clone();
            let window = &rest[..rows * channels];
            let length =
                codec::encode_next(model, &mut stream, number, window, &mut scratch, &mut out);
            out.truncate(length.unwrap());
            out
        };
        assert_eq!(encode(taken), out[..length]);
        if taken < model.window() && taken * channels < rest.len() {
            assert!(encode(taken + 1).len() > packet);
        }

        let (frame, _) = Frame::parse(&out[..length]).unwrap();
        let received = receiver.receive(model, &frame, &mut receiver_scratch, &mut rows).unwrap();
        assert_eq!((received.rows, received.missing), (taken, 0));
        decoded.extend(&rows[..taken * channels]);
        rest = &rest[taken * channels..];
        number += 1;
    }
    decoded
}

#[test]
fn no_packet_is_too_long_and_every_bound_is_held() {
    let x = signal(360, 5);
    let small: Vec<i16> = x.iter().map(|&x| x as i16).collect();
    let floats: Vec<f32> = x.iter().map(|&x| x as f32 / 16.0).collect();
    let mut wild: Vec<f64> = x.iter().map(|&x| f64::from(x) / 16.0).collect();
    for at in [3, 90, 91, 200] {
        wild[at] = 1e300; // an escape
    }
    let blobs = (
        bounded_blob::<i16>(64, &[0.5, 0.5, 2.5]),
        bounded_blob::<f32>(200, &[0.25]),
        bounded_blob::<f64>(40, &[0.01]),
        transform_blob(),
    );
    let step = if OPTIMISED { 1 } else { 5 };
    // Around the length from which a header is longer, all.
    for packet in (24..=250).filter(|packet| packet % step == 0 || (133..145).contains(packet)) {
        for chain in [1, 4, 1000] {
            let model = Model::parse(&blobs.0).unwrap();
            let decoded = through_packets(&model, &small, packet, chain);
            for (at, (x, y)) in small.iter().zip(&decoded).enumerate() {
                assert!((x - y).abs() <= [0, 0, 2][at % 3]);
            }
            let model = Model::parse(&blobs.1).unwrap();
            for (x, y) in floats.iter().zip(through_packets(&model, &floats, packet, chain)) {
                assert!((x - y).abs() <= 0.25);
            }
            if packet >= OVERHEAD + 8 {
                let model = Model::parse(&blobs.2).unwrap();
                for (x, y) in wild.iter().zip(through_packets(&model, &wild, packet, chain)) {
                    assert!((x - y).abs() <= 0.01);
                }
                let model = Model::parse(&blobs.3).unwrap();
                let decoded = through_packets(&model, &floats, packet, chain);
                assert_eq!(decoded.len(), floats.len());
            }
        }
    }
}

#[test]
fn a_packet_without_room_for_a_plain_row_is_refused() {
    let blob = bounded_blob::<i32>(16, &[0.5; 3]);
    let model = Model::parse(&blob).unwrap();
    let needed = codec::max_frame_bytes(3, 1, model.kind());
    assert_eq!(needed, OVERHEAD + 12);
    let mut scratch = [Slot::NEW; 6];
    let mut out = vec![0; needed];
    let mut encode = |samples: &[i32], slots: usize, room: usize| {
        let out = &mut out[..room];
        let stream = &mut Stream::new();
        codec::encode_fitting(&model, stream, 0, samples, &mut scratch[..slots], out)
    };
    let wild = [i32::MIN, i32::MAX, 7, i32::MAX, i32::MIN, -7];
    assert_eq!(encode(&wild, 6, needed - 1), Err(EncodeError::BufferTooSmall { needed }));
    assert_eq!(encode(&wild, 5, needed), Err(EncodeError::ScratchTooSmall { needed: 6 }));
    assert_eq!(encode(&wild[..5], 6, needed), Err(EncodeError::WrongLength));
    assert_eq!(encode(&[], 6, needed), Err(EncodeError::WrongLength));
    assert_eq!(encode(&wild, 6, needed).unwrap().0, 1);
}

// Damage

fn golden_frames() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| file.extension().unwrap() == "frame").collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

/// A golden frame with another behind it, so that a length that grew still finds bytes.
struct Victim {
    bytes: Vec<u8>,
    length: usize,
    second: usize,
}

impl Victim {
    fn all() -> Vec<Self> {
        let frames = golden_frames();
        let pair = |(at, first): (usize, &Vec<u8>)| {
            let second = &frames[(at + 1) % frames.len()];
            Self { bytes: [&first[..], second].concat(), length: first.len(), second: second.len() }
        };
        frames.iter().enumerate().map(pair).collect()
    }

    /// Flips the bits of a pattern from bit number `start` on, and back after the check that no
    /// intact frame begins here.
    fn withstands(&mut self, start: usize, pattern: u64, scan: bool) {
        self.flip(start, pattern);
        let error = Frame::parse(&self.bytes).is_err();
        assert!(error, "a burst {pattern:#x} at bit {start} is not found");
        if scan {
            let found: Vec<_> = Scan::new(&self.bytes).map(|f| (f.start, f.end)).collect();
            let second = (self.length, self.length + self.second);
            assert_eq!(found, [second], "{pattern:#x} at {start}");
        }
        self.flip(start, pattern);
    }

    fn flip(&mut self, start: usize, pattern: u64) {
        let shifted = u128::from(pattern) << (start % 8);
        for (byte, mask) in self.bytes[start / 8..].iter_mut().zip(shifted.to_le_bytes()) {
            *byte ^= mask;
        }
    }

    fn bits(&self) -> usize {
        8 * self.length
    }
}

#[test]
fn no_frame_with_one_or_two_flipped_bits_is_taken() {
    for mut victim in Victim::all() {
        for first in 0..victim.bits() {
            victim.withstands(first, 1, true);
            victim.flip(first, 1);
            // All pairs with a bit of the header; of the others, as many as the time allows.
            let step = if OPTIMISED || first < 80 { 1 } else { 3 };
            for second in (first + 1..victim.bits()).step_by(step) {
                victim.withstands(second, 1, second % 256 == 255);
            }
            victim.flip(first, 1);
        }
    }
}

/// A CRC-32 finds every burst of at most 32 bits among the bits it covers. This test is for those
/// that change how many it covers.
#[test]
fn no_frame_with_a_burst_of_up_to_32_bits_is_taken() {
    let mut random = Random(1);
    for mut victim in Victim::all() {
        for start in 0..victim.bits() {
            let in_header = start < 80;
            let all = if OPTIMISED || in_header { 12 } else { 6 };
            for length in 2..=32.min(victim.bits() - start) {
                let ends = 1 | 1_u64 << (length - 1);
                if length <= all {
                    for middle in 0..1_u64 << (length - 2) {
                        victim.withstands(start, ends | middle << 1, false);
                    }
                } else {
                    for _ in 0..if OPTIMISED { 50 } else { 1 + 4 * u8::from(in_header) } {
                        let inside = (1_u64 << (length - 1)) - 1;
                        victim.withstands(start, ends | random.next() & inside, false);
                    }
                }
            }
            let noise = u64::from(random.next() as u32 >> (31 - 31.min(victim.bits() - start - 1)));
            victim.withstands(start, noise | 1, true);
        }
    }
}
