//! Meaning from counts: words, documents and nodes of graphs as vectors.
//!
//! One recipe for all of them: count what occurs together ([`cooccur`]), transform the counts so that
//! frequent things do not drown the others ([`ppmi()`], [`tf_idf`]), factorise at low rank
//! ([`truncated_svd`](crate::linalg::truncated_svd) of the sparse matrix), take the rows of the
//! factors as vectors ([`Factors`]). The vectors are then searched ([`nearest`](mod@nearest)), added
//! up to features of sentences ([`features`]), or turned onto those of another language ([`align`]).
//! For a chip they become a table in flash, a byte per value, that is searched in integers without
//! memory ([`table`]).
//!
//! All memory is lent by the caller and sizes are values: the same code serves forty words on a chip
//! and a corpus on a desktop. Counts are integers, so they do not depend on the order of the text.
//! Tables of vectors have one row per item, one row after the other.
//!
//! ```
//! use eigenmote::embed::{Counts, Pair, PairCounts, Ppmi, Vocab, Window, ppmi};
//!
//! let (mut text, mut words, mut slots) = ([0; 64], [Default::default(); 8], [0; 16]);
//! let mut vocab = Vocab::new(&mut text, &mut words, &mut slots);
//! let mut tokens = [0; 6];
//! for (token, word) in tokens.iter_mut().zip("the dog saw the other dog".split(' ')) {
//!     *token = vocab.add(word)?;
//! }
//! assert_eq!((vocab.word(1), vocab.count(1)), (Some("dog"), 2));
//!
//! let mut room = [Pair::default(); 32];
//! let mut pairs = PairCounts::new(&mut room);
//! pairs.add_window(&tokens, &Window::flat(2))?;
//! assert_eq!(pairs.get(0, 1), 3); // "the" and "dog", in either order, at most two words apart
//!
//! let (mut row_ptr, mut col_idx, mut counts) = ([0; 5], [0; 32], [0; 32]);
//! let n = pairs.to_symmetric(4, &mut row_ptr, &mut col_idx, &mut counts)?;
//! let (mut values, mut work) = ([0.0_f32; 32], [0.0; 16]);
//! let counts = Counts { row_ptr: &mut row_ptr, col_idx: &mut col_idx[..n], counts: &counts[..n] };
//! let kept = ppmi(counts, 4, &mut values[..n], &mut work, &Ppmi::default())?;
//! assert!(kept > 0 && values[..kept].iter().all(|&v| v > 0.0));
//! # Ok::<(), eigenmote::embed::EmbedError>(())
//! ```

pub mod align;
mod byte_vectors;
pub mod cooccur;
pub mod features;
pub mod genotypes;
pub mod lsa;
pub mod nearest;
mod perfect;
pub mod ppmi;
mod sort;
pub mod table;
mod table_spec;
pub mod vocab;
pub mod walk;

pub use cooccur::{Counts, Pair, PairCounts, Weighting, Window};
pub use genotypes::Genotypes;
pub use lsa::{Factors, Side, TfIdf, tf_idf};
pub use nearest::{Analogy, Hit, Table, analogy, nearest};
pub use ppmi::{Ppmi, ppmi};
pub use table::{WordTable, WordTableError, WordTableSpec};
pub use vocab::{Vocab, Word, tokens};
pub use walk::{Graph, NetMf, Steps, walk};

/// Why an embedding was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum EmbedError {
    /// The lent memory has no room for another entry.
    Full,
    /// A slice has another length than the sizes of the problem ask for.
    WrongLength,
    /// A number of an item is not below the number of items.
    UnknownId,
    /// A value or a parameter is infinite or NaN, or a result would be.
    NotFinite,
    /// There is nothing to learn from: no items, or all values are zero.
    Empty,
    /// A parameter is outside its range.
    Parameter,
}

impl core::fmt::Display for EmbedError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Full => "the memory has no room for another entry",
            Self::WrongLength => "a buffer does not fit the size of the problem",
            Self::UnknownId => "the number of an item is too large",
            Self::NotFinite => "a value is infinite or NaN",
            Self::Empty => "there is nothing to learn from",
            Self::Parameter => "a parameter is outside its range",
        })
    }
}
impl core::error::Error for EmbedError {}
