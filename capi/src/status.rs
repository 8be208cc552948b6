//! What functions return.

use core::ffi::c_char;

use core_library::codec::{DecodeError, EncodeError, FrameError, ModelError, ReceiveError};
use core_library::embed::{EmbedError, WordTableError};
use core_library::nn::{BlobError, Int8Error, NnError, SampleError};
use core_library::stats::{MomentsError, PcaError};

macro_rules! statuses {
    ($($(#[$about:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// Why a function did nothing, or OK.
        #[repr(i32)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum eigenmote_status {
            $($(#[$about])* $name = $number,)*
        }

        /// What a status means, in English; never NULL.
        #[unsafe(no_mangle)]
        pub extern "C" fn eigenmote_status_text(status: i32) -> *const c_char {
            match status {
                $($number => $text.as_ptr(),)*
                _ => c"unknown status".as_ptr(),
            }
        }
    };
}

statuses! {
    /// Done.
    Ok = 0, c"ok";
    /// A pointer is NULL and its length is not 0.
    NullPointer = 1, c"a pointer is NULL";
    /// A pointer is not aligned for its type.
    Misaligned = 2, c"a pointer is not aligned";
    /// A buffer that is written overlaps another of the call.
    Overlap = 3, c"buffers overlap";
    /// A length is beyond what memory can hold.
    TooLong = 4, c"a length is beyond memory";
    /// A state was not initialised.
    NotInitialized = 5, c"a state was not initialised";
    /// An argument has a value without a meaning, or layers do not fit each other.
    BadArgument = 6, c"an argument has no meaning";
    /// The scratch memory is too short.
    ScratchTooSmall = 7, c"the scratch memory is too short";
    /// The output is too short.
    BufferTooSmall = 8, c"the output is too short";
    /// An input value is infinite or NaN.
    NotFinite = 9, c"a value is infinite or NaN";
    /// There is nothing more.
    End = 10, c"nothing more";
    /// The model is for another type of sample.
    WrongKind = 11, c"the model is for another type of sample";
    /// Samples are not one to a window of whole rows, or a network or table takes another number of values.
    WrongLength = 12, c"the number of values does not fit; samples are 1 to W whole rows";
    /// The bytes of a model, table or frame end early; of a frame more may come.
    Truncated = 13, c"the bytes end early";
    /// The bytes are no model.
    NotAModel = 14, c"not a model";
    /// A model, table or frame of a version that this library does not know.
    UnknownVersion = 15, c"unknown version of the format";
    /// A model, table or frame is damaged.
    BadChecksum = 16, c"the checksum does not match";
    /// A header has a field without a meaning.
    BadHeader = 17, c"a field of the header has no meaning";
    /// Channels, rows or components of a model are out of range, or vectors, values or prefixes of a table.
    BadShape = 18, c"sizes are out of range";
    /// A channel of a model is out of range.
    BadChannel = 19, c"a channel of the model is out of range";
    /// The transform of a model is out of range.
    BadTransform = 20, c"the transform of the model is out of range";
    /// A frame goes on from one that was not the last one decoded.
    Unlinked = 21, c"the frame goes on from one that was not decoded";
    /// A frame was made with another model.
    WrongModel = 22, c"the frame was made with another model";
    /// The payload of a frame is not what an encoder writes.
    Corrupt = 23, c"the payload is corrupt";
    /// A frame of this number was decoded before.
    Duplicate = 24, c"a frame of this number was decoded before";
    /// A result is beyond the range of its type.
    Overflow = 25, c"a result leaves the range of its type";
    /// More samples than a counter holds.
    CountOverflow = 26, c"too many samples for the counter";
    /// Fewer samples than the result needs.
    TooFewSamples = 27, c"too few samples";
    /// A decomposition did not converge.
    NotConverged = 28, c"the decomposition did not converge";
    /// A variance is negative.
    NotPositive = 29, c"a variance is negative";
    /// A reason that this version has no number for.
    Other = 30, c"another reason";
    /// The bytes are no table of vectors.
    NotATable = 31, c"not a table of vectors";
    /// The scale of a vector is negative or not finite.
    BadScale = 32, c"the scale of a vector is out of range";
    /// The words of a table are damaged.
    BadWords = 33, c"the words of the table are damaged";
    /// The table does not have the word, or has no words.
    UnknownWord = 34, c"the table does not have this word";
    /// The table does not have a vector of this number.
    UnknownId = 35, c"the table does not have a vector of this number";
}

use eigenmote_status as Status;

impl From<ModelError> for Status {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Truncated => Self::Truncated,
            ModelError::NotAModel => Self::NotAModel,
            ModelError::UnknownVersion(_) => Self::UnknownVersion,
            ModelError::BadChecksum => Self::BadChecksum,
            ModelError::BadHeader => Self::BadHeader,
            ModelError::BadShape => Self::BadShape,
            ModelError::BadChannel(_) => Self::BadChannel,
            ModelError::BadTransform => Self::BadTransform,
            ModelError::BufferTooSmall { .. } => Self::BufferTooSmall,
            _ => Self::Other,
        }
    }
}

impl From<FrameError> for Status {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Truncated => Self::Truncated,
            FrameError::UnknownVersion(_) => Self::UnknownVersion,
            FrameError::BadChecksum => Self::BadChecksum,
            FrameError::BadHeader => Self::BadHeader,
            _ => Self::Other,
        }
    }
}

impl From<EncodeError> for Status {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::WrongKind(_) => Self::WrongKind,
            EncodeError::WrongLength => Self::WrongLength,
            EncodeError::NotFinite { .. } => Self::NotFinite,
            EncodeError::ScratchTooSmall { .. } => Self::ScratchTooSmall,
            EncodeError::BufferTooSmall { .. } => Self::BufferTooSmall,
            _ => Self::Other,
        }
    }
}

impl From<DecodeError> for Status {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::WrongKind(_) => Self::WrongKind,
            DecodeError::Unlinked => Self::Unlinked,
            DecodeError::WrongModel(_) => Self::WrongModel,
            DecodeError::Corrupt => Self::Corrupt,
            DecodeError::ScratchTooSmall { .. } => Self::ScratchTooSmall,
            DecodeError::BufferTooSmall { .. } => Self::BufferTooSmall,
            _ => Self::Other,
        }
    }
}

impl From<ReceiveError> for Status {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Duplicate { .. } => Self::Duplicate,
            ReceiveError::Decode { error, .. } => error.into(),
            _ => Self::Other,
        }
    }
}

impl From<MomentsError> for Status {
    fn from(error: MomentsError) -> Self {
        match error {
            MomentsError::NotFinite => Self::NotFinite,
            MomentsError::Overflow => Self::Overflow,
            MomentsError::CountOverflow => Self::CountOverflow,
            MomentsError::TooFewSamples => Self::TooFewSamples,
            _ => Self::Other,
        }
    }
}

impl From<PcaError> for Status {
    fn from(error: PcaError) -> Self {
        match error {
            PcaError::Moments(error) => error.into(),
            PcaError::NotFinite => Self::NotFinite,
            PcaError::Overflow => Self::Overflow,
            PcaError::NotConverged => Self::NotConverged,
            _ => Self::Other,
        }
    }
}

impl From<BlobError> for Status {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Truncated => Self::Truncated,
            BlobError::NotANetwork => Self::NotAModel,
            BlobError::UnknownVersion(_) => Self::UnknownVersion,
            BlobError::BadChecksum => Self::BadChecksum,
            BlobError::BadHeader => Self::BadHeader,
            BlobError::BadLayer(_) | BlobError::BadParts => Self::BadShape,
            BlobError::BadNumbers => Self::BadTransform,
            BlobError::OtherNumbers => Self::WrongKind,
            _ => Self::Other,
        }
    }
}

impl From<Int8Error> for Status {
    fn from(error: Int8Error) -> Self {
        match error {
            Int8Error::WrongLength { .. } => Self::WrongLength,
            Int8Error::ScratchTooSmall { .. } => Self::ScratchTooSmall,
            Int8Error::NoSuchClass { .. } => Self::BadArgument,
            Int8Error::NoSampler => Self::WrongKind,
            _ => Self::Other,
        }
    }
}

impl From<NnError> for Status {
    fn from(error: NnError) -> Self {
        match error {
            NnError::NotFinite => Self::NotFinite,
            NnError::Overflow => Self::Overflow,
            NnError::ScratchTooSmall { .. } => Self::ScratchTooSmall,
            NnError::WrongLength { .. } => Self::WrongLength,
            _ => Self::Other,
        }
    }
}

impl From<SampleError> for Status {
    fn from(error: SampleError) -> Self {
        match error {
            SampleError::NotFinite => Self::NotFinite,
            SampleError::NotPositive => Self::NotPositive,
            _ => Self::Other,
        }
    }
}

impl From<WordTableError> for Status {
    fn from(error: WordTableError) -> Self {
        match error {
            WordTableError::Truncated => Self::Truncated,
            WordTableError::NotATable => Self::NotATable,
            WordTableError::UnknownVersion(_) => Self::UnknownVersion,
            WordTableError::BadChecksum => Self::BadChecksum,
            WordTableError::BadHeader => Self::BadHeader,
            WordTableError::BadShape => Self::BadShape,
            WordTableError::BadScale(_) => Self::BadScale,
            WordTableError::BadWords => Self::BadWords,
            // The others are of tables that are written.
            _ => Self::Other,
        }
    }
}

impl From<EmbedError> for Status {
    fn from(error: EmbedError) -> Self {
        match error {
            EmbedError::WrongLength => Self::WrongLength,
            EmbedError::UnknownId => Self::UnknownId,
            EmbedError::NotFinite => Self::NotFinite,
            _ => Self::Other,
        }
    }
}

/// The status of a function that is written with `?`.
pub(crate) fn of(body: impl FnOnce() -> Result<(), Status>) -> Status {
    match body() {
        Ok(()) => Status::Ok,
        Err(status) => status,
    }
}
