//! A real recording and models fitted to it by the desktop tool, and how a device encodes it.
#![no_std]

use eigenmote::codec::{Frame, Model, Sample, SampleKind, Slot, Stream, decode_next, encode_next};

include!(concat!(env!("OUT_DIR"), "/job.rs"));

/// Rows of a window of the models.
pub const WINDOW: usize = 32;
/// Values of a window.
pub const VALUES: usize = WINDOW * CHANNELS;
/// Most components of a model.
const COMPONENTS: usize = 8;
/// Slots that encoding takes at most.
pub const SLOTS: usize = 2 * eigenmote::codec::scratch_len(CHANNELS, COMPONENTS);
/// Bytes of the longest frame.
pub const FRAME_BYTES: usize = eigenmote::codec::max_frame_bytes(CHANNELS, WINDOW, SampleKind::F32);

/// A sample from a count of the recording.
pub trait FromCount: Sample {
    /// The same number.
    fn from_count(count: i16) -> Self;
}

impl FromCount for i16 {
    fn from_count(count: i16) -> Self {
        count
    }
}

impl FromCount for f32 {
    fn from_count(count: i16) -> Self {
        f32::from(count)
    }
}

/// The window of this number; `None` behind the last.
pub fn window<S: FromCount>(number: usize) -> Option<[S; VALUES]> {
    let rows = RECORDING.chunks_exact(WINDOW).nth(number)?;
    let mut window = [S::default(); VALUES];
    for (x, &count) in window.iter_mut().zip(rows.as_flattened()) {
        *x = S::from_count(count);
    }
    Some(window)
}

/// Encodes every window with a model and hands on the frames; whether all could be.
pub fn encode_all<S: FromCount>(model: &Model<'_>, mut take: impl FnMut(&[u8]) -> bool) -> bool {
    let mut stream = Stream::new();
    let (mut scratch, mut bytes) = ([Slot::NEW; SLOTS], [0; FRAME_BYTES]);
    // As many slots as the desktop lends: what is left over is for second attempts.
    let Some(scratch) = scratch.get_mut(..2 * model.scratch_len()) else {
        return false;
    };
    let mut all = true;
    for number in 0.. {
        let Some(samples) = window::<S>(number as usize) else {
            break;
        };
        if number % CHAIN == 0 {
            stream.restart();
        }
        let encoded = encode_next(model, &mut stream, number, &samples, scratch, &mut bytes);
        all &= encoded.is_ok_and(|length| bytes.get(..length).is_some_and(&mut take));
    }
    all
}

/// Encodes every window and decodes it again at once, and hands on the decoded samples.
pub fn decode_all<S: FromCount>(model: &Model<'_>, mut take: impl FnMut(&[S])) -> bool {
    let mut stream = Stream::new();
    let (mut scratch, mut decoded) = ([Slot::NEW; SLOTS], [S::default(); VALUES]);
    encode_all::<S>(model, |bytes| {
        let Ok((frame, _)) = Frame::parse(bytes) else {
            return false;
        };
        let rows = decode_next(model, &mut stream, &frame, &mut scratch, &mut decoded);
        take(&decoded);
        rows == Ok(WINDOW)
    })
}
