//! The Fortran routines of one library for one scalar, with their workspace.

use abi::Real;
use core::ffi::{c_char, c_int};
use core::ptr::{from_ref, null_mut};
use libloading::Library;

pub(super) type Int = *const c_int;
pub(super) type Flag = *const c_char;
/// Fortran passes the length of each string after all other arguments.
pub(super) type Len = usize;

#[rustfmt::skip]
type Gesdd<T> = unsafe extern "C" fn(
    Flag, Int, Int, *mut T, Int, *mut T, *mut T, Int, *mut T, Int, *mut T, Int, *mut c_int, *mut c_int, Len,
);
#[rustfmt::skip]
type Gesvj<T> = unsafe extern "C" fn(
    Flag, Flag, Flag, Int, Int, *mut T, Int, *mut T, Int, *mut T, Int, *mut T, Int, *mut c_int, Len, Len, Len,
);
#[rustfmt::skip]
type Gejsv<T> = unsafe extern "C" fn(
    Flag, Flag, Flag, Flag, Flag, Flag, Int, Int, *mut T, Int, *mut T, *mut T, Int, *mut T, Int, *mut T, Int,
    *mut c_int, *mut c_int, Len, Len, Len, Len, Len, Len,
);
#[rustfmt::skip]
type Syevd<T> = unsafe extern "C" fn(
    Flag, Flag, Int, *mut T, Int, *mut T, *mut T, Int, *mut c_int, Int, *mut c_int, Len, Len,
);

/// `f32` or `f64` with its letter in the names of LAPACK.
pub trait Scalar: Real + Default {
    /// `s` or `d`.
    const PREFIX: char;
}
impl Scalar for f32 {
    const PREFIX: char = 's';
}
impl Scalar for f64 {
    const PREFIX: char = 'd';
}

/// The routines, and memory for problems up to one size.
pub(crate) struct Workspace<T> {
    gesdd: Gesdd<T>,
    gesvj: Gesvj<T>,
    gejsv: Gejsv<T>,
    syevd: Syevd<T>,
    rows: c_int,
    cols: c_int,
    /// The input, which is overwritten.
    a: Vec<T>,
    work: Vec<T>,
    iwork: Vec<c_int>,
}

/// # Safety
/// `F` is the type of the routine.
pub(super) unsafe fn symbol<T: Scalar, F: Copy>(library: &Library, name: &str) -> F {
    let name = format!("{}{name}_\0", T::PREFIX);
    // SAFETY: promised by the caller.
    match unsafe { library.get::<F>(name.as_bytes()) } {
        Ok(symbol) => *symbol,
        Err(error) => panic!("LAPACK without {name}: {error}"),
    }
}

pub(super) fn flag(c: &u8) -> Flag {
    from_ref(c).cast()
}

impl<T: Scalar> Workspace<T> {
    pub(crate) fn new(library: &Library, rows: usize, cols: usize) -> Self {
        // More than any of them asks for: a few matrices of either size and blocks of 64 columns.
        let work = 8 * rows * cols + 32 * cols * cols + 128 * (rows + cols) + 1024;
        // SAFETY: the types are those of the LAPACK reference.
        unsafe {
            Self {
                gesdd: symbol::<T, _>(library, "gesdd"),
                gesvj: symbol::<T, _>(library, "gesvj"),
                gejsv: symbol::<T, _>(library, "gejsv"),
                syevd: symbol::<T, _>(library, "syevd"),
                rows: rows as c_int,
                cols: cols as c_int,
                a: vec![T::default(); rows * cols],
                work: vec![T::default(); work],
                iwork: vec![0; 8 * rows + 8 * cols + 64],
            }
        }
    }

    fn lwork(&self) -> c_int {
        self.work.len() as c_int
    }

    /// Divide and conquer. `(U, Vᵀ)` on request.
    pub(crate) fn gesdd(&mut self, a: &[T], s: &mut [T], uv: Option<(&mut [T], &mut [T])>) -> bool {
        self.a.copy_from_slice(a);
        let job = if uv.is_some() { b'S' } else { b'N' };
        let (u, vt) =
            uv.map_or((null_mut(), null_mut()), |(u, v)| (u.as_mut_ptr(), v.as_mut_ptr()));
        let (lwork, mut info) = (self.lwork(), 0);
        // SAFETY: all arrays have the sizes that the arguments say.
        unsafe {
            (self.gesdd)(
                flag(&job),
                &self.rows,
                &self.cols,
                self.a.as_mut_ptr(),
                &self.rows,
                s.as_mut_ptr(),
                u,
                &self.rows,
                vt,
                &self.cols,
                self.work.as_mut_ptr(),
                &lwork,
                self.iwork.as_mut_ptr(),
                &mut info,
                1,
            );
        }
        info == 0
    }

    /// One-sided Jacobi.
    pub(crate) fn gesvj(&mut self, a: &[T], u: &mut [T], s: &mut [T], v: &mut [T]) -> bool {
        u.copy_from_slice(a);
        self.gesvj_in_place(b"UV", u.as_mut_ptr(), s, v.as_mut_ptr())
    }

    /// One-sided Jacobi without vectors.
    pub(crate) fn gesvj_values(&mut self, a: &[T], s: &mut [T]) -> bool {
        self.a.copy_from_slice(a);
        let a = self.a.as_mut_ptr();
        self.gesvj_in_place(b"NN", a, s, null_mut())
    }

    fn gesvj_in_place(&mut self, [u, v]: &[u8; 2], a: *mut T, s: &mut [T], to: *mut T) -> bool {
        let (lwork, mut info, unused) = (self.lwork(), 0, 0);
        // SAFETY: all arrays have the sizes that the arguments say.
        unsafe {
            (self.gesvj)(
                flag(&b'G'),
                flag(u),
                flag(v),
                &self.rows,
                &self.cols,
                a,
                &self.rows,
                s.as_mut_ptr(),
                &unused,
                to,
                &self.cols,
                self.work.as_mut_ptr(),
                &lwork,
                &mut info,
                1,
                1,
                1,
            );
        }
        info == 0
    }

    /// Preconditioned one-sided Jacobi, without the search for deficient rank and for scalings.
    pub(crate) fn gejsv(&mut self, a: &[T], u: &mut [T], s: &mut [T], v: &mut [T]) -> bool {
        self.a.copy_from_slice(a);
        let (lwork, mut info) = (self.lwork(), 0);
        // SAFETY: all arrays have the sizes that the arguments say.
        unsafe {
            (self.gejsv)(
                flag(&b'C'),
                flag(&b'U'),
                flag(&b'V'),
                flag(&b'R'),
                flag(&b'N'),
                flag(&b'N'),
                &self.rows,
                &self.cols,
                self.a.as_mut_ptr(),
                &self.rows,
                s.as_mut_ptr(),
                u.as_mut_ptr(),
                &self.rows,
                v.as_mut_ptr(),
                &self.cols,
                self.work.as_mut_ptr(),
                &lwork,
                self.iwork.as_mut_ptr(),
                &mut info,
                1,
                1,
                1,
                1,
                1,
                1,
            );
        }
        info == 0
    }

    /// Divide and conquer; the matrix becomes its eigenvectors.
    pub(crate) fn syevd(&mut self, a: &mut [T], values: &mut [T]) -> bool {
        let (lwork, liwork, mut info) = (self.lwork(), self.iwork.len() as c_int, 0);
        // SAFETY: all arrays have the sizes that the arguments say.
        unsafe {
            (self.syevd)(
                flag(&b'V'),
                flag(&b'L'),
                &self.cols,
                a.as_mut_ptr(),
                &self.cols,
                values.as_mut_ptr(),
                self.work.as_mut_ptr(),
                &lwork,
                self.iwork.as_mut_ptr(),
                &liwork,
                &mut info,
                1,
                1,
            );
        }
        info == 0
    }
}
