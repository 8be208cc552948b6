//! LAPACK as OpenBLAS and MKL build it, loaded at run time, so that a missing one costs nothing.
//!
//! The Fortran symbols are called directly: LAPACKE would allocate its workspace in every call.

use abi::{Cell, Cols, Eigh, Real, Svd, Table, V_TRANSPOSED};
use core::ffi::{CStr, c_char, c_int};
use libloading::Library;
use std::ffi::OsStr;
use std::sync::OnceLock;

mod blas;
mod symbols;
use symbols::{Scalar, Workspace};

/// A library with the interface of LAPACK.
trait Vendor: 'static {
    const NAME: &str;
    fn library() -> &'static OnceLock<Library>;
    /// What the library says of itself.
    fn version(library: &Library) -> String;
}

/// A text that the library keeps.
fn text(pointer: *const c_char) -> String {
    // SAFETY: both libraries end their texts with a zero byte.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().trim().into()
}

struct OpenBlas;
impl Vendor for OpenBlas {
    const NAME: &str = "OpenBLAS";
    fn library() -> &'static OnceLock<Library> {
        static LIBRARY: OnceLock<Library> = OnceLock::new();
        &LIBRARY
    }
    fn version(library: &Library) -> String {
        // SAFETY: `char *openblas_get_config(void)`.
        match unsafe { library.get::<extern "C" fn() -> *const c_char>(b"openblas_get_config") } {
            Ok(config) => text(config()),
            Err(error) => error.to_string(),
        }
    }
}

struct Mkl;
impl Vendor for Mkl {
    const NAME: &str = "MKL";
    fn library() -> &'static OnceLock<Library> {
        static LIBRARY: OnceLock<Library> = OnceLock::new();
        &LIBRARY
    }
    fn version(library: &Library) -> String {
        let mut buffer = [0; 200];
        // SAFETY: `void mkl_get_version_string(char *, int)`.
        match unsafe { library.get::<extern "C" fn(*mut c_char, c_int)>(b"mkl_get_version_string") }
        {
            Ok(write) => write(buffer.as_mut_ptr(), buffer.len() as c_int - 1),
            Err(error) => return error.to_string(),
        }
        text(buffer.as_ptr())
    }
}

fn library<V: Vendor>() -> &'static Library {
    #[expect(
        clippy::expect_used,
        reason = "a contender is entered only after its library is loaded"
    )]
    V::library().get().expect("the library is loaded")
}

fn workspace<V: Vendor, T: Scalar>(rows: usize, cols: usize) -> Workspace<T> {
    Workspace::new(library::<V>(), rows, cols)
}

fn add_svd<V: Vendor, T: Real + Scalar, const M: usize, const N: usize>(table: &mut Table) {
    let cell = Cell::new::<T>("svd", M, N);
    let prepare = |(): &()| workspace::<V, T>(M, N);
    table.add_with_state(
        &format!("{} gesdd", V::NAME),
        cell.flags(V_TRANSPOSED),
        prepare,
        |w: &mut Workspace<T>, a: &Cols<T, M, N>, out: &mut Svd<T, M, N>| {
            let (u, v) = (out.u.as_flattened_mut(), out.v.as_flattened_mut());
            w.gesdd(a.as_flattened(), &mut out.s, Some((u, v)))
        },
    );
    table.add_with_state(
        &format!("{} gesvj", V::NAME),
        cell,
        prepare,
        |w: &mut Workspace<T>, a: &Cols<T, M, N>, out: &mut Svd<T, M, N>| {
            let (u, v) = (out.u.as_flattened_mut(), out.v.as_flattened_mut());
            w.gesvj(a.as_flattened(), u, &mut out.s, v)
        },
    );
    table.add_with_state(
        &format!("{} gejsv", V::NAME),
        cell,
        prepare,
        |w: &mut Workspace<T>, a: &Cols<T, M, N>, out: &mut Svd<T, M, N>| {
            let (u, v) = (out.u.as_flattened_mut(), out.v.as_flattened_mut());
            w.gejsv(a.as_flattened(), u, &mut out.s, v)
        },
    );
}

fn add_values<V: Vendor, T: Real + Scalar, const N: usize>(table: &mut Table) {
    let cell = Cell::new::<T>("singular values", N, N);
    let prepare = |(): &()| workspace::<V, T>(N, N);
    table.add_with_state(
        &format!("{} gesdd", V::NAME),
        cell,
        prepare,
        |w: &mut Workspace<T>, a: &Cols<T, N, N>, out: &mut [T; N]| {
            w.gesdd(a.as_flattened(), out, None)
        },
    );
    table.add_with_state(
        &format!("{} gesvj", V::NAME),
        cell,
        prepare,
        |w: &mut Workspace<T>, a: &Cols<T, N, N>, out: &mut [T; N]| {
            w.gesvj_values(a.as_flattened(), out)
        },
    );
}

fn add_eigh<V: Vendor, T: Real + Scalar, const N: usize>(table: &mut Table) {
    table.add_with_state(
        &format!("{} syevd", V::NAME),
        Cell::new::<T>("eigh", N, N),
        |(): &()| workspace::<V, T>(N, N),
        |w: &mut Workspace<T>, a: &Cols<T, N, N>, out: &mut Eigh<T, N>| {
            out.vectors = *a;
            w.syevd(out.vectors.as_flattened_mut(), &mut out.values)
        },
    );
}

fn add_all<V: Vendor, T: Real + blas::Arithmetic>(table: &mut Table) {
    macro_rules! svd {
        ($table:ident, $t:ty, $m:literal, $n:literal) => {
            add_svd::<V, $t, $m, $n>($table);
        };
    }
    macro_rules! values {
        ($table:ident, $t:ty, $n:literal) => {
            add_values::<V, $t, $n>($table);
        };
    }
    macro_rules! eigh {
        ($table:ident, $t:ty, $n:literal) => {
            add_eigh::<V, $t, $n>($table);
        };
    }
    abi::for_svd_shapes!(svd, table, T);
    abi::for_values_shapes!(values, table, T);
    abi::for_eigh_shapes!(eigh, table, T);
    blas::add::<V, T>(table);
}

/// Loads the library and enters its contenders, or says why it is missing.
fn add_vendor<V: Vendor>(table: &mut Table, file: &OsStr) {
    // SAFETY: the initialisers of OpenBLAS and MKL are meant to run on loading.
    match unsafe { Library::new(file) } {
        Ok(library) => _ = V::library().set(library),
        Err(error) => return table.absent(V::NAME, &error.to_string()),
    }
    table.version(V::NAME, &V::version(library::<V>()));
    add_all::<V, f32>(table);
    add_all::<V, f64>(table);
}

/// Enters the contenders of both libraries, those that there are.
pub fn add(table: &mut Table) {
    add_vendor::<OpenBlas>(table, OsStr::new("libopenblas.so.0"));
    match std::env::var_os("MKL_LIBRARY") {
        Some(file) => add_vendor::<Mkl>(table, &file),
        None => table.absent(Mkl::NAME, "its wheel could not be installed"),
    }
}
