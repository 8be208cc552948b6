//! Memory that the caller lends: checked first, borrowed when all of a call is checked.

use core::mem::MaybeUninit;
use core::ops::Range;

use crate::status::eigenmote_status as Status;

/// Checked, not yet borrowed, memory to read.
#[derive(Debug)]
pub(crate) struct Read<T>(*const T, usize);

/// Checked, not yet borrowed, memory to write.
#[derive(Debug)]
pub(crate) struct Write<T>(*mut T, usize);

/// The bytes that `length` values take, if a pointer to them can be good.
fn check<T>(start: *const T, length: usize) -> Result<usize, Status> {
    let bytes = length.checked_mul(size_of::<T>()).ok_or(Status::TooLong)?;
    if length == 0 {
        return Ok(0);
    }
    if start.is_null() {
        return Err(Status::NullPointer);
    }
    if !start.is_aligned() {
        return Err(Status::Misaligned);
    }
    // Slices may be no longer, nor go around the end of memory.
    if isize::try_from(bytes).is_err() || start.addr().checked_add(bytes).is_none() {
        return Err(Status::TooLong);
    }
    Ok(bytes)
}

impl<T> Read<T> {
    pub(crate) fn new(start: *const T, length: usize) -> Result<Self, Status> {
        check(start, length).map(|_| Self(start, length))
    }

    pub(crate) fn range(&self) -> Range<usize> {
        self.0.addr()..self.0.addr() + self.1 * size_of::<T>()
    }

    /// # Safety
    /// The memory is good for its length, holds values of `T`, and is not written during `'a`.
    pub(crate) unsafe fn borrow<'a>(self) -> &'a [T] {
        if self.1 == 0 {
            return &[];
        }
        // SAFETY: not null, aligned and no longer than memory by `check`; the rest by the caller.
        unsafe { core::slice::from_raw_parts(self.0, self.1) }
    }

    /// # Safety
    /// As `borrow`.
    pub(crate) unsafe fn borrow_one<'a>(self) -> Result<&'a T, Status> {
        // SAFETY: by the caller.
        unsafe { self.borrow() }.first().ok_or(Status::NullPointer)
    }
}

impl<T> Write<T> {
    pub(crate) fn new(start: *mut T, length: usize) -> Result<Self, Status> {
        check(start, length).map(|_| Self(start, length))
    }

    pub(crate) fn range(&self) -> Range<usize> {
        self.0.addr()..self.0.addr() + self.1 * size_of::<T>()
    }

    /// # Safety
    /// The memory is good for its length, holds values of `T`, and nothing else uses it during `'a`.
    pub(crate) unsafe fn borrow<'a>(self) -> &'a mut [T] {
        if self.1 == 0 {
            return &mut [];
        }
        // SAFETY: not null, aligned and no longer than memory by `check`; the rest by the caller.
        unsafe { core::slice::from_raw_parts_mut(self.0, self.1) }
    }

    /// Writes the single value; what was there before is not looked at.
    ///
    /// # Safety
    /// The memory is good for one value.
    pub(crate) unsafe fn put(self, value: T) {
        if self.1 > 0 {
            // SAFETY: not null and aligned by `check`; good for a value by the caller.
            unsafe { self.0.write(value) }
        }
    }
}

/// What is written overlaps nothing else of the call.
pub(crate) fn apart(written: &[Range<usize>], read: &[Range<usize>]) -> Result<(), Status> {
    let meets = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
    let mut rest = written.iter();
    while let Some(one) = rest.next() {
        if !one.is_empty() && rest.clone().chain(read).any(|other| meets(one, other)) {
            return Err(Status::Overlap);
        }
    }
    Ok(())
}

/// Memory of the caller that holds a value of the library behind a tag.
///
/// # Safety
/// `TAG` belongs to one `Inner`, which may be copied as bytes and need not be dropped.
pub(crate) unsafe trait State: Sized {
    /// What it holds.
    type Inner;
    /// What tells that it does.
    const TAG: u32;
    /// It fits.
    const FITS: () = assert!(
        size_of::<Tagged<Self::Inner>>() <= size_of::<Self>()
            && align_of::<Tagged<Self::Inner>>() <= align_of::<Self>()
    );
}

#[repr(C)]
struct Tagged<T> {
    tag: u32,
    inner: MaybeUninit<T>,
}

impl<S: State> Read<S> {
    /// # Safety
    /// The memory is good for a state, and is not written during `'a`.
    pub(crate) unsafe fn open<'a>(self) -> Result<&'a S::Inner, Status> {
        let () = S::FITS;
        let tagged = self.0.cast::<Tagged<S::Inner>>();
        // SAFETY: not null and aligned by `check`, and it fits; good by the caller.
        if self.1 == 0 || unsafe { (&raw const (*tagged).tag).read() } != S::TAG {
            return Err(Status::NotInitialized);
        }
        // SAFETY: as above; with the tag it was written by `init`.
        Ok(unsafe { (*tagged).inner.assume_init_ref() })
    }
}

impl<S: State> Write<S> {
    /// # Safety
    /// The memory is good for a state.
    pub(crate) unsafe fn init(self, inner: S::Inner) {
        let () = S::FITS;
        let tagged = Tagged { tag: S::TAG, inner: MaybeUninit::new(inner) };
        if self.1 > 0 {
            // SAFETY: not null and aligned by `check`, and it fits; good by the caller.
            unsafe { self.0.cast::<Tagged<S::Inner>>().write(tagged) };
        }
    }

    /// # Safety
    /// The memory is good for a state, and nothing else uses it during `'a`.
    pub(crate) unsafe fn open<'a>(self) -> Result<&'a mut S::Inner, Status> {
        let () = S::FITS;
        let tagged = self.0.cast::<Tagged<S::Inner>>();
        // SAFETY: not null and aligned by `check`, and it fits; good by the caller.
        if self.1 == 0 || unsafe { (&raw const (*tagged).tag).read() } != S::TAG {
            return Err(Status::NotInitialized);
        }
        // SAFETY: as above; with the tag it was written by `init`.
        Ok(unsafe { (*tagged).inner.assume_init_mut() })
    }
}
