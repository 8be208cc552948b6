//! Models, frames, encoding, decoding, scanning and receiving.

use core_library::codec::{
    self, Found, Frame, Mode, Model, Received, Receiver, SampleKind, Scan, Slot, Stream,
};

use crate::lend::{Read, State, Write, apart};
use crate::status::{eigenmote_status, eigenmote_status as Status, of};

/// Words of a model's state, each of the size of a pointer.
pub const EIGENMOTE_MODEL_WORDS: usize = 20;
/// Words of the state of chained frames.
pub const EIGENMOTE_STREAM_WORDS: usize = 103;
/// Words of a scan's state, each of the size of a pointer.
pub const EIGENMOTE_SCAN_WORDS: usize = 9;
/// Double words of a receiver's state.
pub const EIGENMOTE_RECEIVER_WORDS: usize = 105;
/// Words of a slot of scratch memory.
pub const EIGENMOTE_SLOT_WORDS: usize = 11;
/// Most bytes of a frame beside its values: a buffer for a frame has room for it and the plain samples.
pub const EIGENMOTE_FRAME_OVERHEAD: usize = 17;

/// Samples are `int16_t`.
pub const EIGENMOTE_KIND_I16: u8 = 1;
/// Samples are `int32_t`.
pub const EIGENMOTE_KIND_I32: u8 = 2;
/// Samples are `float`.
pub const EIGENMOTE_KIND_F32: u8 = 3;
/// Samples are `double`.
pub const EIGENMOTE_KIND_F64: u8 = 4;

/// Every value is kept within the error of its channel.
pub const EIGENMOTE_MODE_BOUNDED: u8 = 0;
/// A root mean square error per window is kept, or a number of components, by projection.
pub const EIGENMOTE_MODE_TRANSFORM: u8 = 1;
/// A root mean square error per window is kept, by prediction.
pub const EIGENMOTE_MODE_PREDICTIVE: u8 = 2;

const _: () = assert!(EIGENMOTE_FRAME_OVERHEAD == codec::OVERHEAD);
const _: () = assert!(size_of::<eigenmote_slot>() == size_of::<Slot>());
const _: () = assert!(align_of::<eigenmote_slot>() == align_of::<Slot>());
const _: () = assert!(EIGENMOTE_KIND_I16 == SampleKind::I16 as u8);
const _: () = assert!(EIGENMOTE_KIND_I32 == SampleKind::I32 as u8);
const _: () = assert!(EIGENMOTE_KIND_F32 == SampleKind::F32 as u8);
const _: () = assert!(EIGENMOTE_KIND_F64 == SampleKind::F64 as u8);
const _: () = assert!(EIGENMOTE_MODE_BOUNDED == Mode::Bounded as u8);
const _: () = assert!(EIGENMOTE_MODE_TRANSFORM == Mode::Transform as u8);
const _: () = assert!(EIGENMOTE_MODE_PREDICTIVE == Mode::Predictive as u8);

/// A checked model. Its bytes stay where they are, such as in flash, and are used as long as it is.
#[repr(C)]
pub struct eigenmote_model {
    /// Not to be used.
    pub words: [usize; EIGENMOTE_MODEL_WORDS],
}

// SAFETY: the one tag of models.
unsafe impl State for eigenmote_model {
    type Inner = Model<'static>;
    const TAG: u32 = 0x4547_4d31;
}

/// What goes on from one chained frame to the next, on either side. It belongs to one model and one
/// scratch array; use them together, and nothing else with that array.
#[repr(C)]
pub struct eigenmote_stream {
    /// Not to be used.
    pub words: [u32; EIGENMOTE_STREAM_WORDS],
}

// SAFETY: the one tag of streams.
unsafe impl State for eigenmote_stream {
    type Inner = Stream;
    const TAG: u32 = 0x4547_5331;
}

/// A search for frames among bytes, which stay where they are as long as it is used.
#[repr(C)]
pub struct eigenmote_scan {
    /// Not to be used.
    pub words: [usize; EIGENMOTE_SCAN_WORDS],
}

/// Where a scan stands.
#[derive(Clone, Copy)]
pub(crate) struct ScanState {
    bytes: *const u8,
    length: usize,
    /// Bytes before this offset are done with.
    at: usize,
    /// Where a frame may begin that is not there as a whole.
    open: usize,
    model: *const eigenmote_model,
}

// SAFETY: the one tag of scans.
unsafe impl State for eigenmote_scan {
    type Inner = ScanState;
    const TAG: u32 = 0x4547_4331;
}

/// Decodes the frames of one sender as they come. It belongs to one model and one scratch array.
#[repr(C)]
pub struct eigenmote_receiver {
    /// Not to be used.
    pub words: [u64; EIGENMOTE_RECEIVER_WORDS],
}

// SAFETY: the one tag of receivers.
unsafe impl State for eigenmote_receiver {
    type Inner = Receiver;
    const TAG: u32 = 0x4547_5231;
}

/// One unit of scratch memory; any content will do.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct eigenmote_slot {
    /// Not to be used.
    pub words: [u32; EIGENMOTE_SLOT_WORDS],
}

/// What a model says of itself.
#[repr(C)]
pub struct eigenmote_model_info {
    /// Values in a row.
    pub channels: usize,
    /// Rows of a full window.
    pub window: usize,
    /// Components; 0 but in transform mode.
    pub components: usize,
    /// Slots of scratch memory for encoding and decoding; twice as many for packets and receivers.
    pub slots: usize,
    /// Most bytes of a frame.
    pub max_frame_bytes: usize,
    /// Bytes of the model itself.
    pub bytes: usize,
    /// The number by which frames name it.
    pub id: u16,
    /// Type of the samples: `EIGENMOTE_KIND_I16` and so on.
    pub kind: u8,
    /// What it promises: `EIGENMOTE_MODE_BOUNDED` and so on.
    pub mode: u8,
}

/// What a frame says of itself.
#[repr(C)]
pub struct eigenmote_frame {
    /// Its bytes.
    pub length: usize,
    /// The number the encoder was given.
    pub sequence: u32,
    /// Its rows; 0 for a full window.
    pub rows: u16,
    /// The model it was made with.
    pub model_id: u16,
    /// 1 if it can be decoded only after the frame before it, else 0.
    pub chained: u8,
    /// 1 if its values are plain because coding would have made them longer, else 0.
    pub plain: u8,
}

/// A frame found by a scan.
#[repr(C)]
pub struct eigenmote_found {
    /// Offset of its first byte.
    pub start: usize,
    /// Offset of the byte behind it.
    pub end: usize,
    /// So many bytes before it belong to no intact frame.
    pub skipped: usize,
    /// What it says of itself.
    pub frame: eigenmote_frame,
}

/// A frame decoded by a receiver.
#[repr(C)]
pub struct eigenmote_received {
    /// Its rows, at the start of the samples.
    pub rows: usize,
    /// Its number.
    pub sequence: u32,
    /// So many numbers before it, back to the newest one decoded until now, were not decoded.
    pub missing: u32,
    /// How much older it is than the newest one decoded; 0 for a new one.
    pub late: u32,
}

/// Checks the bytes of a model, once. They have to stay where they are as long as the model is used;
/// bytes behind the length in their header are ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_model_parse(
    model: *mut eigenmote_model,
    bytes: *const u8,
    length: usize,
) -> eigenmote_status {
    of(|| {
        let model = Write::new(model, 1)?;
        let bytes = Read::new(bytes, length)?;
        apart(&[model.range()], &[bytes.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller, and so below.
        let parsed = Model::parse(unsafe { bytes.borrow() })?;
        // SAFETY: as above.
        unsafe { model.init(parsed) };
        Ok(())
    })
}

/// What a model says of itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_model_get_info(
    model: *const eigenmote_model,
    info: *mut eigenmote_model_info,
) -> eigenmote_status {
    of(|| {
        let (model, info) = (Read::new(model, 1)?, Write::new(info, 1)?);
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        let model = *unsafe { model.open() }?;
        let about = eigenmote_model_info {
            channels: model.channels(),
            window: model.window(),
            components: model.components(),
            slots: model.scratch_len(),
            max_frame_bytes: model.max_frame_bytes(),
            bytes: model.bytes().len(),
            id: model.id(),
            kind: model.kind() as u8,
            mode: model.mode() as u8,
        };
        // SAFETY: as above; nothing is borrowed any more.
        unsafe { info.put(about) };
        Ok(())
    })
}

/// Starts a stream: its next frame stands alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_stream_init(stream: *mut eigenmote_stream) -> eigenmote_status {
    of(|| {
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        unsafe { Write::new(stream, 1)?.init(Stream::new()) };
        Ok(())
    })
}

/// Lets the next frame of a stream stand alone, so that it can be decoded whatever was lost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_stream_restart(
    stream: *mut eigenmote_stream,
) -> eigenmote_status {
    of(|| {
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        unsafe { Write::new(stream, 1)?.open() }?.restart();
        Ok(())
    })
}

fn describe(frame: &Frame<'_>, length: usize) -> eigenmote_frame {
    eigenmote_frame {
        length,
        sequence: frame.sequence(),
        rows: frame.rows().map_or(0, |rows| u16::try_from(rows).unwrap_or(0)),
        model_id: frame.model_id(),
        chained: frame.is_chained().into(),
        plain: frame.is_raw().into(),
    }
}

/// Checks the frame at the start of some bytes and tells what it says of itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_frame_parse(
    bytes: *const u8,
    length: usize,
    frame: *mut eigenmote_frame,
) -> eigenmote_status {
    of(|| {
        let (bytes, frame) = (Read::new(bytes, length)?, Write::new(frame, 1)?);
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        let (parsed, length) = Frame::parse(unsafe { bytes.borrow() })?;
        let about = describe(&parsed, length);
        // SAFETY: as above; nothing is borrowed any more.
        unsafe { frame.put(about) };
        Ok(())
    })
}

/// Starts a search for the frames of a model among bytes, or of any model if that is NULL. Model and
/// bytes have to stay where and as they are as long as the scan is used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_scan_init(
    scan: *mut eigenmote_scan,
    model: *const eigenmote_model,
    bytes: *const u8,
    length: usize,
) -> eigenmote_status {
    of(|| {
        let (scan, checked) = (Write::new(scan, 1)?, Read::new(bytes, length)?);
        if !model.is_null() {
            // SAFETY: checked as far as can be; the rest is promised by the caller.
            unsafe { Read::new(model, 1)?.open() }?;
        }
        apart(&[scan.range()], &[checked.range()])?;
        let state = ScanState { bytes, length, at: 0, open: usize::MAX, model };
        // SAFETY: as above.
        unsafe { scan.init(state) };
        Ok(())
    })
}

/// The next intact frame, or `EIGENMOTE_STATUS_END`. Behind a damaged one it looks for the next byte
/// at which a frame checks out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_scan_next(
    scan: *mut eigenmote_scan,
    found: *mut eigenmote_found,
) -> eigenmote_status {
    of(|| {
        let (scan, found) = (Write::new(scan, 1)?, Write::new(found, 1)?);
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        let state = unsafe { scan.open() }?;
        // SAFETY: these were checked by `eigenmote_scan_init`; that they still are good is promised.
        let bytes = unsafe { Read::new(state.bytes, state.length)?.borrow() };
        let rest = bytes.get(state.at..).unwrap_or(&[]);
        let mut search = if state.model.is_null() {
            Scan::new(rest)
        } else {
            // SAFETY: as above.
            Scan::of_model(rest, unsafe { Read::new(state.model, 1)?.open() }?)
        };
        let Some(Found { frame, start, end, .. }) = search.next() else {
            // What comes behind an unfinished frame is looked at once only.
            if state.open == usize::MAX {
                state.open = state.at.saturating_add(search.done());
            }
            state.at = state.length;
            return Err(Status::End);
        };
        let about = eigenmote_found {
            start: state.at.saturating_add(start),
            end: state.at.saturating_add(end),
            skipped: start,
            frame: describe(&frame, end.saturating_sub(start)),
        };
        state.at = about.end;
        // SAFETY: as above; nothing of it is borrowed.
        unsafe { found.put(about) };
        Ok(())
    })
}

/// When there is no further frame: the offset of the first byte that may begin a frame whose end is
/// not there yet. Of a stream, the bytes before it are done with; the others go to the start of the
/// buffer, and what comes next behind them, and a new scan is started.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_scan_done(
    scan: *const eigenmote_scan,
    offset: *mut usize,
) -> eigenmote_status {
    of(|| {
        let (scan, offset) = (Read::new(scan, 1)?, Write::new(offset, 1)?);
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        let state = *unsafe { scan.open() }?;
        // SAFETY: as above; nothing is borrowed any more.
        unsafe { offset.put(if state.open == usize::MAX { state.at } else { state.open }) };
        Ok(())
    })
}

/// Starts a receiver: nothing has been received.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_receiver_init(
    receiver: *mut eigenmote_receiver,
) -> eigenmote_status {
    of(|| {
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        unsafe { Write::new(receiver, 1)?.init(Receiver::new()) };
        Ok(())
    })
}

/// The arguments that functions of one direction have in common, checked and borrowed.
struct Coding<'a, In, Out> {
    model: &'a Model<'static>,
    scratch: &'a mut [Slot],
    input: &'a [In],
    output: &'a mut [Out],
}

impl<In, Out> Coding<'_, In, Out> {
    /// # Safety
    /// Memory that passes the checks is good for its length, and for nothing else during `'a`.
    unsafe fn new(
        model: *const eigenmote_model,
        state: core::ops::Range<usize>,
        (input, inputs): (*const In, usize),
        (scratch, slots): (*mut eigenmote_slot, usize),
        (output, outputs): (*mut Out, usize),
    ) -> Result<Self, Status> {
        let model = Read::new(model, 1)?;
        let input = Read::new(input, inputs)?;
        // A slot is as many plain words as the library's, whatever is in them.
        let scratch = Write::new(scratch.cast::<Slot>(), slots)?;
        let output = Write::new(output, outputs)?;
        let written = [scratch.range(), output.range(), state];
        apart(&written, &[model.range(), input.range()])?;
        // SAFETY: checked as far as can be; the rest by the caller.
        let model = unsafe { model.open() }?;
        let blob = Read::new(model.bytes().as_ptr(), model.bytes().len())?;
        apart(&written, &[blob.range()])?;
        // SAFETY: checked and apart; the rest by the caller.
        unsafe {
            Ok(Self {
                model,
                scratch: scratch.borrow(),
                input: input.borrow(),
                output: output.borrow(),
            })
        }
    }
}

macro_rules! coding {
    ($($t:ident: $encode:ident $encode_next:ident $encode_fitting:ident $decode:ident $decode_next:ident $receive:ident;)*) => { $(
        /// Encodes samples, one to a window of rows one after the other, as a frame that can be
        /// decoded alone. The frame's buffer has room for them as plain samples and
        /// `EIGENMOTE_FRAME_OVERHEAD` bytes.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $encode(
            model: *const eigenmote_model,
            sequence: u32,
            samples: *const $t,
            values: usize,
            scratch: *mut eigenmote_slot,
            slots: usize,
            frame: *mut u8,
            capacity: usize,
            length: *mut usize,
        ) -> eigenmote_status {
            of(|| {
                let length = Write::new(length, 1)?;
                let (samples, scratch) = ((samples, values), (scratch, slots));
                let lent =
                    // SAFETY: promised by the caller, and so below.
                    unsafe { Coding::new(model, 0..0, samples, scratch, (frame, capacity)) }?;
                let Coding { model, scratch, input, output } = lent;
                let used = codec::encode(model, sequence, input, scratch, output)?;
                // SAFETY: as above; nothing is borrowed any more.
                unsafe { length.put(used) };
                Ok(())
            })
        }

        /// Encodes samples as the successor of the last frame of the stream if its number follows on
        /// that one's: it takes fewer bytes, and can be decoded after that one only.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $encode_next(
            model: *const eigenmote_model,
            stream: *mut eigenmote_stream,
            sequence: u32,
            samples: *const $t,
            values: usize,
            scratch: *mut eigenmote_slot,
            slots: usize,
            frame: *mut u8,
            capacity: usize,
            length: *mut usize,
        ) -> eigenmote_status {
            of(|| {
                let (stream, length) = (Write::new(stream, 1)?, Write::new(length, 1)?);
                let (samples, scratch, state) =
                    ((samples, values), (scratch, slots), stream.range());
                let lent =
                    // SAFETY: promised by the caller, and so below.
                    unsafe { Coding::new(model, state, samples, scratch, (frame, capacity)) }?;
                let Coding { model, scratch, input, output } = lent;
                // SAFETY: as above, and apart from the others.
                let stream = unsafe { stream.open() }?;
                let used = codec::encode_next(model, stream, sequence, input, scratch, output)?;
                // SAFETY: as above; nothing is borrowed any more.
                unsafe { length.put(used) };
                Ok(())
            })
        }

        /// Encodes the first of the given rows, as many as fit in the capacity, such as that of a radio
        /// packet; tells how many, at least 1. The scratch memory is twice as long as for one frame, and
        /// the capacity is `EIGENMOTE_FRAME_OVERHEAD` and one row of plain samples at least.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $encode_fitting(
            model: *const eigenmote_model,
            stream: *mut eigenmote_stream,
            sequence: u32,
            samples: *const $t,
            values: usize,
            scratch: *mut eigenmote_slot,
            slots: usize,
            frame: *mut u8,
            capacity: usize,
            rows: *mut usize,
            length: *mut usize,
        ) -> eigenmote_status {
            of(|| {
                let (stream, rows) = (Write::new(stream, 1)?, Write::new(rows, 1)?);
                let length = Write::new(length, 1)?;
                let (samples, scratch, state) =
                    ((samples, values), (scratch, slots), stream.range());
                let lent =
                    // SAFETY: promised by the caller, and so below.
                    unsafe { Coding::new(model, state, samples, scratch, (frame, capacity)) }?;
                let Coding { model, scratch, input, output } = lent;
                // SAFETY: as above, and apart from the others.
                let stream = unsafe { stream.open() }?;
                let (taken, used) =
                    codec::encode_fitting(model, stream, sequence, input, scratch, output)?;
                // SAFETY: as above; nothing is borrowed any more.
                unsafe {
                    rows.put(taken);
                    length.put(used);
                }
                Ok(())
            })
        }

        /// Decodes a frame that stands alone and tells its rows. The capacity is in values.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $decode(
            model: *const eigenmote_model,
            frame: *const u8,
            length: usize,
            scratch: *mut eigenmote_slot,
            slots: usize,
            samples: *mut $t,
            capacity: usize,
            rows: *mut usize,
        ) -> eigenmote_status {
            of(|| {
                let rows = Write::new(rows, 1)?;
                let (frame, scratch) = ((frame, length), (scratch, slots));
                let lent =
                    // SAFETY: promised by the caller, and so below.
                    unsafe { Coding::new(model, 0..0, frame, scratch, (samples, capacity)) }?;
                let Coding { model, scratch, input, output } = lent;
                let (frame, _) = Frame::parse(input)?;
                let decoded = codec::decode(model, &frame, scratch, output)?;
                // SAFETY: as above; nothing is borrowed any more.
                unsafe { rows.put(decoded) };
                Ok(())
            })
        }

        /// Decodes a frame that stands alone, or one that goes on from the last one of the stream.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $decode_next(
            model: *const eigenmote_model,
            stream: *mut eigenmote_stream,
            frame: *const u8,
            length: usize,
            scratch: *mut eigenmote_slot,
            slots: usize,
            samples: *mut $t,
            capacity: usize,
            rows: *mut usize,
        ) -> eigenmote_status {
            of(|| {
                let (stream, rows) = (Write::new(stream, 1)?, Write::new(rows, 1)?);
                let (frame, scratch, state) = ((frame, length), (scratch, slots), stream.range());
                let lent =
                    // SAFETY: promised by the caller, and so below.
                    unsafe { Coding::new(model, state, frame, scratch, (samples, capacity)) }?;
                let Coding { model, scratch, input, output } = lent;
                // SAFETY: as above, and apart from the others.
                let stream = unsafe { stream.open() }?;
                let (frame, _) = Frame::parse(input)?;
                let decoded = codec::decode_next(model, stream, &frame, scratch, output)?;
                // SAFETY: as above; nothing is borrowed any more.
                unsafe { rows.put(decoded) };
                Ok(())
            })
        }

        /// Decodes a frame as it came over a link that loses, repeats or delays some, and tells its place
        /// among the others. The scratch memory is twice as long as for one frame.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $receive(
            model: *const eigenmote_model,
            receiver: *mut eigenmote_receiver,
            frame: *const u8,
            length: usize,
            scratch: *mut eigenmote_slot,
            slots: usize,
            samples: *mut $t,
            capacity: usize,
            received: *mut eigenmote_received,
        ) -> eigenmote_status {
            of(|| {
                let (receiver, about) = (Write::new(receiver, 1)?, Write::new(received, 1)?);
                let (frame, scratch, state) = ((frame, length), (scratch, slots), receiver.range());
                let lent =
                    // SAFETY: promised by the caller, and so below.
                    unsafe { Coding::new(model, state, frame, scratch, (samples, capacity)) }?;
                let Coding { model, scratch, input, output } = lent;
                // SAFETY: as above, and apart from the others.
                let receiver = unsafe { receiver.open() }?;
                let (frame, _) = Frame::parse(input)?;
                let Received { sequence, rows, missing, late } =
                    receiver.receive(model, &frame, scratch, output)?;
                // SAFETY: as above; nothing is borrowed any more.
                unsafe { about.put(eigenmote_received { rows, sequence, missing, late }) };
                Ok(())
            })
        }
    )* };
}

coding! {
    i16: eigenmote_encode_i16 eigenmote_encode_next_i16 eigenmote_encode_fitting_i16
        eigenmote_decode_i16 eigenmote_decode_next_i16 eigenmote_receive_i16;
    i32: eigenmote_encode_i32 eigenmote_encode_next_i32 eigenmote_encode_fitting_i32
        eigenmote_decode_i32 eigenmote_decode_next_i32 eigenmote_receive_i32;
    f32: eigenmote_encode_f32 eigenmote_encode_next_f32 eigenmote_encode_fitting_f32
        eigenmote_decode_f32 eigenmote_decode_next_f32 eigenmote_receive_f32;
    f64: eigenmote_encode_f64 eigenmote_encode_next_f64 eigenmote_encode_fitting_f64
        eigenmote_decode_f64 eigenmote_decode_next_f64 eigenmote_receive_f64;
}
