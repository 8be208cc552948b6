//! Frames for packets of a fixed size: as many rows as fit.

use super::{EncodeError, Model, OVERHEAD, Sample, Slot, Stream, check_window, copy, encode_rows};

/// Encodes the first of the given rows, as many as fit, as one frame in `out`, such as a packet of
/// 32 to 250 bytes; the number of those rows, at least 1, and the length of the frame.
///
/// `samples` holds the rows one after the other; at most a window of them is taken. The frame goes
/// on from the one before as that of [`encode_next`](super::encode_next) does, and is the one that
/// it would write for these rows. With one row more the frame would not fit; only where coded
/// frames shrink with more rows may a longer part of the window fit than the one taken.
///
/// `out` must have room for one row as plain samples and [`OVERHEAD`], which is
/// [`max_frame_bytes(channels, 1, kind)`](super::max_frame_bytes): so every call takes at least a
/// row, whatever the values. `scratch` is twice [`Model::scratch_len`]: its second half keeps the
/// state from before while numbers of rows are tried.
///
/// # Errors
/// As [`encode_next`](super::encode_next); stream and scratch are unchanged then.
///
/// # Cost
/// r rows are found with about 2·log2(r/p) frames encoded in part or in full, where p rows would fit
/// as plain samples. Beside [`STATE_BYTES`](super::STATE_BYTES), a copy of the [`Stream`] on the
/// stack.
///
/// # Examples
/// ```
/// use eigenmote::codec::{self, *};
/// # let channel = Channel::<i16> {
/// #     lattice: Lattice::bounded(0.0, 0.5).unwrap(),
/// #     predictor: Predictor {
/// #         mean: 1000, spread: 8 << 8, scale: 2 << 8,
/// #         start: Terms::NONE, terms: Terms::polynomial(0, 1),
/// #     },
/// # };
/// # let spec = ModelSpec {
/// #     window: 256, channels: &[channel], method: Method::Bounded,
/// #     priors: &fit::DEFAULT_PRIORS, rate: fit::DEFAULT_RATE,
/// # };
/// # let mut blob = [0; 1024];
/// # let length = spec.write(&mut blob)?;
/// # let model = Model::parse(&blob[..length])?;
/// let samples: [i16; 200] = core::array::from_fn(|t| 1000 + (t * t % 7) as i16);
/// let mut rest = &samples[..];
/// let (mut stream, mut scratch) = (Stream::new(), [Slot::NEW; 2]);
/// let mut packet = [0; 32];
/// let mut number = 0;
/// while !rest.is_empty() {
///     let (rows, length) =
///         codec::encode_fitting(&model, &mut stream, number, rest, &mut scratch, &mut packet)?;
///     assert!(length <= 32);
///     rest = &rest[rows..]; // times the channels: here there is one
///     number += 1;
/// }
/// assert!(number < 8); // of 32 bytes each, for 400 bytes of samples
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn encode_fitting<S: Sample>(
    model: &Model<'_>,
    stream: &mut Stream,
    sequence: u32,
    samples: &[S],
    scratch: &mut [Slot],
    out: &mut [u8],
) -> Result<(usize, usize), EncodeError> {
    let channels = model.channels().max(1);
    let window = samples.get(..model.window().saturating_mul(channels)).unwrap_or(samples);
    let rows = usize::from(check_window(model, window)?);
    let half = model.scratch_len();
    let needed = half.saturating_mul(2);
    let (slots, kept_slots) = scratch
        .get_mut(..needed)
        .and_then(|slots| slots.split_at_mut_checked(half))
        .ok_or(EncodeError::ScratchTooSmall { needed })?;
    let row_bytes = channels.saturating_mul(S::KIND.bytes()).max(1);
    let needed = OVERHEAD.saturating_add(row_bytes);
    let plain_rows = out.len().saturating_sub(OVERHEAD) / row_bytes;
    if plain_rows == 0 {
        return Err(EncodeError::BufferTooSmall { needed });
    }

    let kept_stream = *stream;
    copy(kept_slots, slots);
    let mut attempt = |rows: usize| {
        *stream = kept_stream;
        copy(slots, kept_slots);
        let window = window.get(..rows.saturating_mul(channels)).unwrap_or(window);
        let count = u16::try_from(rows).unwrap_or(u16::MAX);
        encode_rows(model, stream, sequence, (window, count), (&mut *slots, None), out)
    };
    // So many are known to fit, and so many not to: one more than there are, at first.
    let (mut fitting, mut too_many) = (plain_rows.min(rows), rows.saturating_add(1));
    let mut last = None;
    while fitting.saturating_add(1) < too_many {
        // Doubling first: the window may hold many times the rows of a packet.
        let tried = if too_many > rows {
            fitting.saturating_mul(2).min(rows)
        } else {
            fitting.midpoint(too_many)
        };
        last = attempt(tried).map(|length| (tried, length));
        if last.is_some() { fitting = tried } else { too_many = tried }
    }
    let last = last.filter(|&(tried, _)| tried == fitting);
    let whole = last.or_else(|| attempt(fitting).map(|length| (fitting, length)));
    whole.ok_or(EncodeError::BufferTooSmall { needed })
}
