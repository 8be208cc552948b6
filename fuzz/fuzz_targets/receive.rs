//! Any bytes are scanned in pieces as in whole; and a sender's frames, dropped, repeated, damaged and
//! in any order, come back as they were sent or not at all.
#![no_main]

use std::collections::BTreeSet;

use eigenmote::codec::{
    self, Channel, Frame, Lattice, Method, Model, ModelSpec, Predictor, ReceiveError, Receiver,
    Reorder, Scan, Slot, Stream, Terms, fit, receive::HISTORY,
};
use libfuzzer_sys::fuzz_target;

const WINDOW: usize = 8;
const FRAMES: usize = 40;

fn blob() -> Vec<u8> {
    let predictor = Predictor {
        mean: 0,
        spread: 4000,
        scale: 900,
        start: Terms::NONE,
        terms: Terms::polynomial(0, 2),
    };
    let channel = Channel::<i16> { lattice: Lattice::bounded(0.0, 0.5).unwrap(), predictor };
    let spec = ModelSpec {
        window: WINDOW as u16,
        channels: &[channel],
        method: Method::Bounded,
        priors: &fit::DEFAULT_PRIORS,
        rate: fit::DEFAULT_RATE,
    };
    let mut blob = vec![0; spec.encoded_len()];
    spec.write(&mut blob).unwrap();
    blob
}

fn window(number: usize) -> Vec<i16> {
    (0..WINDOW).map(|row| (number * 37 + row * row * (number % 5)) as i16).collect()
}

/// The frames of a sender, every `chain`-th of which stands alone.
fn frames(model: &Model<'_>, first: u32, chain: usize) -> Vec<Vec<u8>> {
    let (mut stream, mut scratch) = (Stream::new(), [Slot::NEW; 1]);
    let mut out = vec![0; model.max_frame_bytes()];
    let frame = |at: usize| {
        if at.is_multiple_of(chain) {
            stream.restart();
        }
        let number = first.wrapping_add(at as u32);
        let rows = window(at);
        let length =
            codec::encode_next(model, &mut stream, number, &rows, &mut scratch, &mut out).unwrap();
        out[..length].to_vec()
    };
    (0..FRAMES).map(frame).collect()
}

fn scan_in_pieces(model: &Model<'_>, bytes: &[u8], piece: usize) {
    let whole: Vec<_> = Scan::of_model(bytes, model).map(|found| found.start..found.end).collect();
    let (mut buffer, mut gone, mut found) = (Vec::new(), 0, Vec::new());
    for piece in bytes.chunks(piece) {
        buffer.extend(piece);
        let mut scan = Scan::of_model(&buffer, model);
        found.extend(scan.by_ref().map(|found| gone + found.start..gone + found.end));
        let done = scan.done();
        assert!(buffer.len() - done < model.max_frame_bytes());
        gone += done;
        buffer.drain(..done);
    }
    assert_eq!(found, whole);
}

struct Gateway<'a> {
    model: &'a Model<'a>,
    first: u32,
    receiver: Receiver,
    scratch: [Slot; 2],
    decoded: BTreeSet<usize>,
}

impl Gateway<'_> {
    fn take(&mut self, frame: &Frame<'_>) {
        let at = frame.sequence().wrapping_sub(self.first) as usize;
        let mut rows = [0; WINDOW];
        match self.receiver.receive(self.model, frame, &mut self.scratch, &mut rows) {
            Ok(received) => {
                assert_eq!(rows[..], window(at));
                assert_eq!(received.rows, WINDOW);
                assert!(received.late == 0 || received.missing == 0);
                assert!(received.late < HISTORY);
                assert!(self.decoded.insert(at));
            }
            Err(ReceiveError::Duplicate { .. }) => assert!(self.decoded.contains(&at)),
            Err(_) => assert!(frame.is_chained()),
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let [piece, chain, first, acts @ ..] = data else { return };
    let blob = blob();
    let model = Model::parse(&blob).unwrap();
    scan_in_pieces(&model, acts, 1 + usize::from(*piece));

    let first = u32::from(*first).wrapping_sub(128);
    let sent = frames(&model, first, 1 + usize::from(*chain) % 20);
    let gateway = || Gateway {
        model: &model,
        first,
        receiver: Receiver::new(),
        scratch: [Slot::NEW; 2],
        decoded: BTreeSet::new(),
    };
    let (mut straight, mut ordered) = (gateway(), gateway());
    let mut order = Reorder::<4, 64>::new();
    let mut line = Vec::new();
    // Each pair of bytes: which frame comes next, and which of its bits is flipped, if any.
    for act in acts.chunks_exact(2).take(200) {
        let mut bytes = sent[usize::from(act[0]) % FRAMES].clone();
        let bit = usize::from(act[1]);
        if bit < 8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Frame::parse(&bytes).is_err());
        }
        line.extend(&bytes);
        if let Ok((frame, _)) = Frame::parse(&bytes) {
            straight.take(&frame);
        }
        let _ = order.push(&bytes);
        while let Some(frame) = order.pop() {
            ordered.take(&frame);
        }
    }
    while let Some(frame) = order.pop_next() {
        ordered.take(&frame);
    }
    scan_in_pieces(&model, &line, 1 + usize::from(*piece));
    // Damaged frames of a line do not hide the others.
    let mut whole = gateway();
    for found in Scan::of_model(&line, &model) {
        whole.take(&found.frame);
    }
    assert_eq!(whole.decoded, straight.decoded);
});
