//! Models, frames, lattices and what a fit needs.

use eigenmote::codec::fit::{self, Survey, Tally};
use eigenmote::codec::{self, *};

type View = Model<'static>;

crate::export! { "int_":
    model_parse(bytes: &'static [u8]) -> Result<View, ModelError> = Model::parse(bytes);
    model_bytes(m: &View) -> &'static [u8] = m.bytes();
    model_id(m: &View) -> u16 = m.id();
    model_mode(m: &View) -> Mode = m.mode();
    model_kind(m: &View) -> SampleKind = m.kind();
    model_channels(m: &View) -> usize = m.channels();
    model_window(m: &View) -> usize = m.window();
    model_components(m: &View) -> usize = m.components();
    model_coefficient_step(m: &View) -> u32 = m.coefficient_step();
    model_budget(m: &View) -> Option<u32> = m.budget();
    model_with_budget(m: &View, budget: &u32) -> View = m.with_budget(*budget);
    model_rate(m: &View) -> u8 = m.rate();
    model_priors(m: &View) -> [u16; CONTEXTS] = m.priors();
    model_max_frame_bytes(m: &View) -> usize = m.max_frame_bytes();
    model_scratch_len(m: &View) -> usize = m.scratch_len();
    scratch_len_(channels: &usize, components: &usize) -> usize = scratch_len(*channels, *components);
    max_frame_bytes_(channels: &usize, window: &usize, kind: &SampleKind) -> usize =
        max_frame_bytes(*channels, *window, *kind);
    kind_from_byte(byte: &u8) -> Option<SampleKind> = SampleKind::from_byte(*byte);
    kind_bytes(kind: &SampleKind) -> usize = kind.bytes();
    kind_bits(kind: &SampleKind) -> u32 = kind.bits();
    slot_new() -> Slot = Slot::NEW;

    frame_parse(bytes: &'static [u8]) -> Result<(Frame<'static>, usize), FrameError> = Frame::parse(bytes);
    frame_model_id(frame: &Frame<'static>) -> u16 = frame.model_id();
    frame_sequence(frame: &Frame<'static>) -> u32 = frame.sequence();
    frame_rows(frame: &Frame<'static>) -> Option<usize> = frame.rows();
    frame_is_chained(frame: &Frame<'static>) -> bool = frame.is_chained();
    frame_payload(frame: &Frame<'static>) -> &'static [u8] = frame.payload();
    frame_is_raw(frame: &Frame<'static>) -> bool = frame.is_raw();
    frame_is_refined(frame: &Frame<'static>) -> bool = frame.is_refined();

    survey_new(mean: &i32) -> Survey = Survey::new(*mean);
    survey_restart(survey: &mut Survey) -> () = survey.restart();
    survey_push(survey: &mut Survey, count: &i32) -> () = survey.push(*count);
    survey_predictor(survey: &Survey, channel: &u8) -> Predictor = survey.predictor(*channel);
    terms_new(terms: &[Term]) -> Option<Terms> = Terms::new(terms);
    terms_polynomial(channel: &u8, order: &u8) -> Terms = Terms::polynomial(*channel, *order);
    terms_as_slice(terms: &'static Terms) -> &'static [Term] = terms.as_slice();
    stream_new() -> Stream = Stream::new();
    stream_default() -> Stream = Stream::default();
    stream_restart(stream: &mut Stream) -> () = stream.restart();
    scan_new(bytes: &'static [u8]) -> Scan<'static> = Scan::new(bytes);
    scan_of_id(bytes: &'static [u8], id: &u16) -> Scan<'static> = Scan::of_id(bytes, *id);
    scan_of_model(bytes: &'static [u8], m: &View) -> Scan<'static> = Scan::of_model(bytes, m);
    scan_next(scan: &mut Scan<'static>) -> Option<Found<'static>> = scan.next();
    scan_done(scan: &Scan<'static>) -> usize = scan.done();
    receiver_new() -> Receiver = Receiver::new();
    receiver_default() -> Receiver = Receiver::default();
    receiver_scratch_len(m: &View) -> usize = Receiver::scratch_len(m);
    receiver_restart(receiver: &mut Receiver) -> () = receiver.restart();
    receiver_newest(receiver: &Receiver) -> Option<u32> = receiver.newest();
    reorder_new() -> Reorder<4, 64> = Reorder::new();
    reorder_default() -> Reorder<4, 64> = Reorder::default();
    reorder_push(order: &mut Reorder<4, 64>, bytes: &[u8]) -> Result<(), ReorderError> = order.push(bytes);
    reorder_pop(order: &'static mut Reorder<4, 64>) -> Option<Frame<'static>> = order.pop();
    reorder_pop_next(order: &'static mut Reorder<4, 64>) -> Option<Frame<'static>> = order.pop_next();
    tally_new() -> Tally = Tally::new();
    tally_default() -> Tally = Tally::default();
    tally_priors(tally: &Tally) -> [u16; CONTEXTS] = tally.priors();
}

mod coding {
    use super::*;

    crate::export_samples! { "int_i16_" "int_i32_" "f32_" "f64_":
        model_channel(m: &View, number: &usize) -> Option<Channel<S>> = m.channel_list().nth(*number);
        spec_encoded_len(spec: &ModelSpec<'static, S>) -> usize = spec.encoded_len();
        spec_write(spec: &ModelSpec<'static, S>, bytes: &mut [u8]) -> Result<usize, ModelError> = spec.write(bytes);
        encode(m: &View, sequence: &u32, window: &[S], scratch: &mut [Slot], bytes: &mut [u8])
            -> Result<usize, EncodeError> = codec::encode(m, *sequence, window, scratch, bytes);
        decode(m: &View, frame: &Frame<'static>, scratch: &mut [Slot], window: &mut [S])
            -> Result<usize, DecodeError> = codec::decode(m, frame, scratch, window);
        encode_next(m: &View, stream: &mut Stream, sequence: &u32, window: &[S], scratch: &mut [Slot], bytes: &mut [u8])
            -> Result<usize, EncodeError> = codec::encode_next(m, stream, *sequence, window, scratch, bytes);
        decode_next(m: &View, stream: &mut Stream, frame: &Frame<'static>, scratch: &mut [Slot], window: &mut [S])
            -> Result<usize, DecodeError> = codec::decode_next(m, stream, frame, scratch, window);
        encode_fitting(m: &View, stream: &mut Stream, sequence: &u32, samples: &[S], scratch: &mut [Slot], bytes: &mut [u8])
            -> Result<(usize, usize), EncodeError> =
            codec::encode_fitting(m, stream, *sequence, samples, scratch, bytes);
        receive(receiver: &mut Receiver, m: &View, frame: &Frame<'static>, scratch: &mut [Slot], window: &mut [S])
            -> Result<Received, ReceiveError> = receiver.receive(m, frame, scratch, window);
        coefficients(m: &View, window: &[S], scratch: &mut [Slot], coefficients: &mut [i32])
            -> Result<bool, EncodeError> = fit::coefficients(m, window, scratch, coefficients);
        tally_window(tally: &mut Tally, m: &View, window: &[S], scratch: &mut [Slot]) -> Result<(), EncodeError> =
            tally.window(m, window, scratch);

        lattice_default() -> Lattice<S> = Lattice::default();
        lattice_is_valid(lattice: &Lattice<S>) -> bool = lattice.is_valid();
        lattice_nearest(lattice: &Lattice<S>, x: &S) -> Option<i32> = lattice.nearest(*x);
        lattice_restore(lattice: &Lattice<S>, count: &i32) -> S = lattice.restore(*count);
        lattice_holds(lattice: &Lattice<S>, x: &S, restored: &S) -> bool = lattice.holds(*x, *restored);
        lattice_snap(lattice: &Lattice<S>, x: &S) -> Option<i32> = lattice.snap(*x);
        lattice_error_q8(lattice: &Lattice<S>, x: &S, restored: &S) -> u32 = lattice.error_q8(*x, *restored);
        sample_is_finite(x: &S) -> bool = Sample::is_finite(*x);
        sample_to_raw(x: &S) -> u64 = x.to_raw();
        sample_from_raw(raw: &u64) -> S = S::from_raw(*raw);
        word_to_raw(word: &<S as Sample>::Word) -> u64 = S::word_to_raw(*word);
        word_from_raw(raw: &u64) -> <S as Sample>::Word = S::word_from_raw(*raw);
    }
}

/// Making lattices and quantised numbers of a model: from doubles, for every type of sample.
mod fitting {
    use super::*;

    crate::export! { "f64_":
        basis_weight(weight: &f64) -> i16 = fit::basis_weight(*weight);
        q8(x: &f64) -> u32 = fit::q8(*x);
    }
    crate::export_samples! { "f64_i16_" "f64_i32_" "f64_f32_" "f64_f64_":
        lattice_bounded(offset: &f64, epsilon: &f64) -> Option<Lattice<S>> = Lattice::bounded(*offset, *epsilon);
        lattice_on_grid(offset: &f64, grid: &f64, epsilon: &f64) -> Option<Lattice<S>> =
            Lattice::on_grid(*offset, *grid, *epsilon);
        lattice_fine(offset: &f64, step: &f64) -> Option<Lattice<S>> = Lattice::fine(*offset, *step);
    }
}
