//! Tables of vectors and their words in flash, as `eigenmote export --table` and `--c` write them.

use core::ffi::c_char;
use core::mem::offset_of;
use core::ops::Range;

use core_library::embed::table::{MAX_PREFIXES, MUL_ONE, ONE, quantize, quantize_fixed};
use core_library::embed::{Analogy, EmbedError, Hit, WordTable};

use crate::lend::{Read, State, Write, apart};
use crate::status::{eigenmote_status, eigenmote_status as Status, of};

/// Words of the state of a table, each of the size of a pointer.
pub const EIGENMOTE_WORD_TABLE_WORDS: usize = 26;
/// Most prefixes, the whole vector being one of them.
pub const EIGENMOTE_WORD_TABLE_PREFIXES: usize = 8;
/// A cosine of 1.
pub const EIGENMOTE_COSINE_ONE: i32 = 16_777_216;
/// A score of 1 by `EIGENMOTE_ANALOGY_MUL`.
pub const EIGENMOTE_ANALOGY_MUL_ONE: i32 = 1_048_576;

/// `cos(x, b) - cos(x, a) + cos(x, c)`, in units of 1/`EIGENMOTE_COSINE_ONE`.
pub const EIGENMOTE_ANALOGY_ADD: u32 = 0;
/// `cos(x, b) * cos(x, c) / (cos(x, a) + 0.001)` with cosines moved to 0 to 1: no term outweighs the
/// others. In units of 1/`EIGENMOTE_ANALOGY_MUL_ONE`, up to 1000 of these.
pub const EIGENMOTE_ANALOGY_MUL: u32 = 1;

const _: () = assert!(EIGENMOTE_WORD_TABLE_PREFIXES == MAX_PREFIXES);
const _: () = assert!(EIGENMOTE_COSINE_ONE == ONE);
const _: () = assert!(EIGENMOTE_ANALOGY_MUL_ONE == MUL_ONE);
const _: () = assert!(size_of::<eigenmote_hit>() == size_of::<Hit<i32>>());
const _: () = assert!(align_of::<eigenmote_hit>() == align_of::<Hit<i32>>());
const _: () = assert!(offset_of!(eigenmote_hit, id) == offset_of!(Hit<i32>, id));
const _: () = assert!(offset_of!(eigenmote_hit, score) == offset_of!(Hit<i32>, score));

/// A checked table of vectors, with or without words. Its bytes stay where they are, such as in flash, and
/// are used as long as it is.
#[repr(C)]
pub struct eigenmote_word_table {
    /// Not to be used.
    pub words: [usize; EIGENMOTE_WORD_TABLE_WORDS],
}

// SAFETY: the one tag of tables.
unsafe impl State for eigenmote_word_table {
    type Inner = WordTable<'static>;
    const TAG: u32 = 0x4547_5731;
}

/// What a table says of itself.
#[repr(C)]
pub struct eigenmote_word_table_info {
    /// Number of vectors, at least 1. They are numbered from 0.
    pub len: usize,
    /// Values of a vector that count: all of them, or those of `eigenmote_word_table_prefix`.
    pub dim: usize,
    /// Bytes of the table itself.
    pub bytes: usize,
    /// Number of `prefixes`, at least 1.
    pub prefix_count: usize,
    /// Lengths that can be searched by, ascending; the last is that of the whole vectors.
    pub prefixes: [usize; EIGENMOTE_WORD_TABLE_PREFIXES],
    /// 1 if the vectors have words, else 0.
    pub has_words: u8,
}

/// A vector that was found.
#[repr(C)]
pub struct eigenmote_hit {
    /// Its number in the table.
    pub id: u32,
    /// Its score, larger for nearer.
    pub score: i32,
}

/// Checks the bytes of a table, once: a pass over them for the checksum, one over scales, words and slots.
/// They have to stay where they are as long as the table is used; bytes behind the length in their header
/// are ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_table_parse(
    table: *mut eigenmote_word_table,
    bytes: *const u8,
    length: usize,
) -> eigenmote_status {
    of(|| {
        let (table, bytes) = (Write::new(table, 1)?, Read::new(bytes, length)?);
        apart(&[table.range()], &[bytes.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller, and so below.
        let parsed = WordTable::parse(unsafe { bytes.borrow() })?;
        // SAFETY: as above.
        unsafe { table.init(parsed) };
        Ok(())
    })
}

/// What a table says of itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_table_get_info(
    table: *const eigenmote_word_table,
    info: *mut eigenmote_word_table_info,
) -> eigenmote_status {
    of(|| {
        let (table, info) = (Read::new(table, 1)?, Write::new(info, 1)?);
        apart(&[info.range()], &[table.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        let table = unsafe { table.open() }?;
        let mut prefixes = [0; EIGENMOTE_WORD_TABLE_PREFIXES];
        for (place, prefix) in prefixes.iter_mut().zip(table.prefixes()) {
            *place = prefix;
        }
        let about = eigenmote_word_table_info {
            len: table.len(),
            dim: table.dim(),
            bytes: table.bytes().len(),
            prefix_count: table.prefixes().count(),
            prefixes,
            has_words: table.has_words().into(),
        };
        // SAFETY: as above; nothing else uses it.
        unsafe { info.put(about) };
        Ok(())
    })
}

/// The table of the first `dim` values of each vector, over the same bytes; whole vectors again if `dim` is
/// the length of those. `EIGENMOTE_STATUS_BAD_ARGUMENT` if it was not made with this prefix.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_table_prefix(
    table: *const eigenmote_word_table,
    dim: usize,
    prefix: *mut eigenmote_word_table,
) -> eigenmote_status {
    of(|| {
        let (table, prefix) = (Read::new(table, 1)?, Write::new(prefix, 1)?);
        apart(&[prefix.range()], &[table.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller, and so below.
        let shorter = unsafe { table.open() }?.prefix(dim).ok_or(Status::BadArgument)?;
        // SAFETY: as above.
        unsafe { prefix.init(shorter) };
        Ok(())
    })
}

/// The number of the vector of a word of so many bytes of UTF-8, or `EIGENMOTE_STATUS_UNKNOWN_WORD`. Takes
/// as long as the word is, whatever the table.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_table_id(
    table: *const eigenmote_word_table,
    word: *const c_char,
    length: usize,
    id: *mut u32,
) -> eigenmote_status {
    of(|| {
        let (table, word) = (Read::new(table, 1)?, Read::new(word.cast::<u8>(), length)?);
        let id = Write::new(id, 1)?;
        apart(&[id.range()], &[table.range(), word.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller, and so below.
        let (table, word) = unsafe { (table.open()?, word.borrow()) };
        // All words of a table are UTF-8.
        let word = core::str::from_utf8(word).map_err(|_| Status::UnknownWord)?;
        let found = table.id(word).ok_or(Status::UnknownWord)?;
        // SAFETY: as above; nothing else uses it.
        unsafe { id.put(found) };
        Ok(())
    })
}

/// Where the word of a vector is in the table, and how many bytes it has; there is no zero behind it.
/// `EIGENMOTE_STATUS_UNKNOWN_WORD` if the table has no words.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_table_word(
    table: *const eigenmote_word_table,
    id: u32,
    word: *mut *const c_char,
    length: *mut usize,
) -> eigenmote_status {
    of(|| {
        let table = Read::new(table, 1)?;
        let (word, length) = (Write::new(word, 1)?, Write::new(length, 1)?);
        apart(&[word.range(), length.range()], &[table.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller, and so below.
        let table = unsafe { table.open() }?;
        let found = table.word(id).ok_or(if table.has_words() {
            Status::UnknownId
        } else {
            Status::UnknownWord
        })?;
        // SAFETY: as above; nothing else uses them.
        unsafe {
            word.put(found.as_ptr().cast());
            length.put(found.len());
        }
        Ok(())
    })
}

/// The values that count of a vector, as they are stored: the bytes `q` of `x = scale * q`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_table_values(
    table: *const eigenmote_word_table,
    id: u32,
    values: *mut i8,
    count: usize,
) -> eigenmote_status {
    // SAFETY: promised by the caller.
    unsafe {
        write_vector(table, values, count, |table, values| {
            let stored = table.values(id).ok_or(Status::UnknownId)?;
            values.iter_mut().zip(stored).for_each(|(value, q)| *value = q);
            Ok(())
        })
    }
}

/// The values that count of a vector: `scale * q`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_table_vector_f32(
    table: *const eigenmote_word_table,
    id: u32,
    values: *mut f32,
    count: usize,
) -> eigenmote_status {
    // SAFETY: promised by the caller.
    unsafe { write_vector(table, values, count, |table, values| Ok(table.vector(id, values)?)) }
}

/// `scale * q` of a vector by integers alone: with 16 fraction bits, rounded to nearest, halves
/// up; what does not fit becomes the nearest value that does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_table_vector_fixed(
    table: *const eigenmote_word_table,
    id: u32,
    values: *mut i32,
    count: usize,
) -> eigenmote_status {
    // SAFETY: promised by the caller.
    unsafe {
        write_vector(table, values, count, |table, values| Ok(table.vector_fixed(id, values)?))
    }
}

/// Has the values of a vector written into the first places of a buffer.
///
/// # Safety
/// The memory is good for its length, and nothing else uses what is written.
unsafe fn write_vector<T>(
    table: *const eigenmote_word_table,
    values: *mut T,
    count: usize,
    write: impl FnOnce(&WordTable<'_>, &mut [T]) -> Result<(), Status>,
) -> eigenmote_status {
    of(|| {
        let (table, values) = (Read::new(table, 1)?, Write::new(values, count)?);
        apart(&[values.range()], &[table.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        let (table, values) = unsafe { (table.open()?, values.borrow()) };
        write(table, values.get_mut(..table.dim()).ok_or(Status::BufferTooSmall)?)
    })
}

/// The cosine of two vectors of a table, in units of 1/`EIGENMOTE_COSINE_ONE`: the same on every machine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_table_cosine(
    table: *const eigenmote_word_table,
    a: u32,
    b: u32,
    cosine: *mut i32,
) -> eigenmote_status {
    of(|| {
        let (table, cosine) = (Read::new(table, 1)?, Write::new(cosine, 1)?);
        apart(&[cosine.range()], &[table.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller, and so below.
        let found = unsafe { table.open() }?.cosine(a, b)?;
        // SAFETY: as above; nothing else uses it.
        unsafe { cosine.put(found) };
        Ok(())
    })
}

/// The vectors with the largest cosine to vector `id`, best first, itself left out; what scores alike comes
/// in the order of the table. `found` is how many of `hits` are written. Scores are in units of
/// 1/`EIGENMOTE_COSINE_ONE`. Takes `dim` products of bytes per vector of the table, and no memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_table_nearest(
    table: *const eigenmote_word_table,
    id: u32,
    hits: *mut eigenmote_hit,
    capacity: usize,
    found: *mut usize,
) -> eigenmote_status {
    of(|| {
        let search = Search::new(table, hits, capacity, found, &[])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        unsafe { search.run(|table, hits| table.nearest(id, hits)) }
    })
}

/// The same for a vector that need not be in the table, of as many values as count
/// (`eigenmote_word_query_f32` and `eigenmote_word_query_fixed` make one), without the vectors whose
/// numbers are in `exclude`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_table_nearest_to(
    table: *const eigenmote_word_table,
    query: *const i8,
    query_values: usize,
    exclude: *const u32,
    exclude_count: usize,
    hits: *mut eigenmote_hit,
    capacity: usize,
    found: *mut usize,
) -> eigenmote_status {
    of(|| {
        let (query, exclude) =
            (Read::new(query, query_values)?, Read::new(exclude, exclude_count)?);
        let search = Search::new(table, hits, capacity, found, &[query.range(), exclude.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller, and so below.
        let (query, exclude) = unsafe { (query.borrow(), exclude.borrow()) };
        // SAFETY: as above.
        unsafe { search.run(|table, hits| table.nearest_to(query, exclude, hits)) }
    })
}

/// Answers "`a` is to `b` as `c` is to" with the vectors that score best by a rule, such as
/// `EIGENMOTE_ANALOGY_ADD`; `a`, `b` and `c` are left out. Takes three times what
/// `eigenmote_word_table_nearest` does; by `EIGENMOTE_ANALOGY_MUL` also a division of 64 bits per vector.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_table_analogy(
    table: *const eigenmote_word_table,
    a: u32,
    b: u32,
    c: u32,
    rule: u32,
    hits: *mut eigenmote_hit,
    capacity: usize,
    found: *mut usize,
) -> eigenmote_status {
    of(|| {
        let search = Search::new(table, hits, capacity, found, &[])?;
        let rule = match rule {
            EIGENMOTE_ANALOGY_ADD => Analogy::Add,
            EIGENMOTE_ANALOGY_MUL => Analogy::Mul,
            _ => return Err(Status::BadArgument),
        };
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        unsafe { search.run(|table, hits| table.analogy([a, b, c], rule, hits)) }
    })
}

/// The checked, not yet borrowed, memory of a search.
struct Search {
    table: Read<eigenmote_word_table>,
    hits: Write<Hit<i32>>,
    found: Write<usize>,
}

impl Search {
    /// `read` is what is read beside the table.
    fn new(
        table: *const eigenmote_word_table,
        hits: *mut eigenmote_hit,
        capacity: usize,
        found: *mut usize,
        read: &[Range<usize>],
    ) -> Result<Self, Status> {
        // Of the same layout: see the assertions above.
        let (table, hits) = (Read::new(table, 1)?, Write::new(hits.cast::<Hit<i32>>(), capacity)?);
        let found = Write::new(found, 1)?;
        apart(&[hits.range(), found.range()], &[table.range()])?;
        apart(&[hits.range(), found.range()], read)?;
        Ok(Self { table, hits, found })
    }

    /// # Safety
    /// The memory is good for its length, and nothing else uses it.
    unsafe fn run(
        self,
        search: impl FnOnce(&WordTable<'_>, &mut [Hit<i32>]) -> Result<usize, EmbedError>,
    ) -> Result<(), Status> {
        // SAFETY: by the caller.
        let (table, hits) = unsafe { (self.table.open()?, self.hits.borrow()) };
        let found = search(table, hits)?;
        // SAFETY: by the caller; nothing else uses it.
        unsafe { self.found.put(found) };
        Ok(())
    }
}

/// Floats as a query for `eigenmote_word_table_nearest_to`: in steps of the largest magnitude over 127,
/// halves rounded away from zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_query_f32(
    values: *const f32,
    count: usize,
    query: *mut i8,
    query_values: usize,
) -> eigenmote_status {
    // SAFETY: promised by the caller.
    unsafe { write_query(values, count, query, query_values, |x, out| quantize(x, out).map(drop)) }
}

/// The same of integers, by integers alone: with any number of fraction bits, such as
/// `eigenmote_int8_forward` gives them. Takes a division of 64 bits per value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn eigenmote_word_query_fixed(
    values: *const i32,
    count: usize,
    query: *mut i8,
    query_values: usize,
) -> eigenmote_status {
    // SAFETY: promised by the caller.
    unsafe { write_query(values, count, query, query_values, quantize_fixed) }
}

/// Has values made bytes in the first places of a buffer.
///
/// # Safety
/// The memory is good for its length, and nothing else uses what is written.
unsafe fn write_query<T>(
    values: *const T,
    count: usize,
    query: *mut i8,
    query_values: usize,
    quantize: impl FnOnce(&[T], &mut [i8]) -> Result<(), EmbedError>,
) -> eigenmote_status {
    of(|| {
        let (values, query) = (Read::new(values, count)?, Write::new(query, query_values)?);
        apart(&[query.range()], &[values.range()])?;
        // SAFETY: checked as far as can be; the rest is promised by the caller.
        let (values, query) = unsafe { (values.borrow(), query.borrow()) };
        Ok(quantize(values, query.get_mut(..values.len()).ok_or(Status::BufferTooSmall)?)?)
    })
}
