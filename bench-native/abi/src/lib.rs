//! What the runner and the contenders' libraries agree on.
//!
//! Contenders live in shared libraries, so that each is built with its own compiler flags. A
//! library exports one function, [`Fill`], that enters its contenders in the runner's table: for
//! each one the cell it takes part in and a function that solves an array of problems. The loop
//! over the problems is inside the library, so that the call through a pointer costs nothing.
//!
//! `cpp/abi.h` says the same in C++.

use core::ffi::{c_char, c_void};
use std::ffi::CString;

mod data;
mod shapes;
pub use data::{Cols, Covariance, Decoder, Eigh, Projection, Real, Svd, Triplets};

/// Name of the exported [`Fill`] function.
pub const FILL: &str = "eigenmote_bench_fill";

/// Matrices in the inputs and results are stored row by row.
pub const ROW_MAJOR: u32 = 1;
/// The result holds `Vᵀ` in the place of `V`.
pub const V_TRANSPOSED: u32 = 2;
/// By its method good to half the digits only: checked, and marked in the tables, accordingly.
pub const HALF_DIGITS: u32 = 4;

/// Vectors in a batch of projections.
pub const BATCH: usize = 1024;
/// Samples in a block that a covariance takes in.
pub const BLOCK: usize = 64;
/// Matrices in a batch of small ones.
pub const MANY: usize = 4096;

/// Builds what the contender keeps between calls; the model is what all problems share.
pub type Prepare = unsafe extern "C" fn(model: *const c_void) -> *mut c_void;
/// Solves `count` problems one after the other; returns how many were not solved.
pub type Run = unsafe extern "C" fn(
    state: *mut c_void,
    inputs: *const c_void,
    outputs: *mut c_void,
    count: usize,
) -> usize;
/// Writes what has accumulated in the state; for contenders without outputs.
pub type Finish = unsafe extern "C" fn(state: *mut c_void, output: *mut c_void);

/// One contender in one cell. Strings need to live only until it is registered.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Who: library and, where it has several, the algorithm.
    pub contender: *const c_char,
    /// What, as in the names of the tables: `svd`, `eigh`, …
    pub routine: *const c_char,
    /// `f32` or `f64`.
    pub scalar: *const c_char,
    /// Rows of the matrix, or values that go in.
    pub rows: usize,
    /// Columns of the matrix, or values that come out.
    pub cols: usize,
    /// Number of triplets, or of problems in a batch; 0 where there is no such thing.
    pub rank: usize,
    /// [`ROW_MAJOR`], [`V_TRANSPOSED`], [`HALF_DIGITS`].
    pub flags: u32,
    /// Called once before the first `run`.
    pub prepare: Prepare,
    /// What is timed.
    pub run: Run,
    /// Called in the check only.
    pub finish: Option<Finish>,
}

/// What a library's exported function gets and calls.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Sink {
    /// Handed back in each call.
    pub table: *mut c_void,
    /// Enters a contender.
    pub register: unsafe extern "C" fn(table: *mut c_void, entry: *const Entry),
    /// Says which contender cannot take part and why.
    pub absent: unsafe extern "C" fn(table: *mut c_void, who: *const c_char, why: *const c_char),
    /// Says which version of a contender takes part.
    pub version: unsafe extern "C" fn(table: *mut c_void, who: *const c_char, what: *const c_char),
}

/// The function that a library exports as [`FILL`].
pub type Fill = unsafe extern "C" fn(sink: *const Sink);

/// A place in the tables.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    routine: &'static str,
    scalar: &'static str,
    rows: usize,
    cols: usize,
    rank: usize,
    flags: u32,
}

impl Cell {
    /// A routine on `rows × cols` numbers of type `T`.
    pub const fn new<T: Real>(routine: &'static str, rows: usize, cols: usize) -> Self {
        Self { routine, scalar: T::NAME, rows, cols, rank: 0, flags: 0 }
    }
    /// With a number of triplets or of problems in a batch.
    pub const fn rank(self, rank: usize) -> Self {
        Self { rank, ..self }
    }
    /// With [`ROW_MAJOR`], [`V_TRANSPOSED`] or [`HALF_DIGITS`].
    pub const fn flags(self, flags: u32) -> Self {
        Self { flags: self.flags | flags, ..self }
    }
}

/// The runner's table, as the Rust libraries see it.
#[derive(Debug)]
pub struct Table<'a>(&'a Sink);

impl<'a> Table<'a> {
    /// # Safety
    /// The functions of `sink` may be called with its `table`.
    pub const unsafe fn new(sink: &'a Sink) -> Self {
        Self(sink)
    }

    /// Enters a contender that keeps nothing. `solve` says whether it succeeded.
    pub fn add<I, O, F>(&mut self, contender: &str, cell: Cell, solve: F)
    where
        F: Fn(&I, &mut O) -> bool + Copy + 'static,
    {
        let solve = move |(): &mut (), input: &I, output: &mut O| solve(input, output);
        self.add_with_state(contender, cell, |(): &()| (), solve);
    }

    /// Enters a contender with a state that is built from the model `M`.
    pub fn add_with_state<M, S, I, O, P, F>(
        &mut self,
        contender: &str,
        cell: Cell,
        prepare: P,
        solve: F,
    ) where
        P: Fn(&M) -> S + Copy + 'static,
        F: Fn(&mut S, &I, &mut O) -> bool + Copy + 'static,
    {
        self.register(contender, cell, prepare_of(prepare), run_of(solve), None);
    }

    /// Enters a contender that only takes in, and shows its state with `finish` when asked.
    pub fn add_accumulator<S, I, O, P, F, G>(
        &mut self,
        contender: &str,
        cell: Cell,
        prepare: P,
        update: F,
        finish: G,
    ) where
        P: Fn(&()) -> S + Copy + 'static,
        F: Fn(&mut S, &I) -> bool + Copy + 'static,
        G: Fn(&mut S, &mut O) + Copy + 'static,
    {
        let solve = move |state: &mut S, input: &I, (): &mut ()| update(state, input);
        let finish = Some(finish_of(finish));
        self.register(contender, cell, prepare_of(prepare), run_of(solve), finish);
    }

    fn register(
        &mut self,
        contender: &str,
        cell: Cell,
        prepare: Prepare,
        run: Run,
        finish: Option<Finish>,
    ) {
        let (contender, routine) = (text(contender), text(cell.routine));
        let scalar = text(cell.scalar);
        let entry = Entry {
            contender: contender.as_ptr(),
            routine: routine.as_ptr(),
            scalar: scalar.as_ptr(),
            rows: cell.rows,
            cols: cell.cols,
            rank: cell.rank,
            flags: cell.flags,
            prepare,
            run,
            finish,
        };
        // SAFETY: promised to `new`; the strings outlive the call.
        unsafe { (self.0.register)(self.0.table, &raw const entry) }
    }

    /// Says that a contender is missing, and why.
    pub fn absent(&mut self, contender: &str, reason: &str) {
        let (contender, reason) = (text(contender), text(reason));
        // SAFETY: promised to `new`; the strings outlive the call.
        unsafe { (self.0.absent)(self.0.table, contender.as_ptr(), reason.as_ptr()) }
    }

    /// Says which version of a contender this is.
    pub fn version(&mut self, contender: &str, version: &str) {
        let (contender, version) = (text(contender), text(version));
        // SAFETY: promised to `new`; the strings outlive the call.
        unsafe { (self.0.version)(self.0.table, contender.as_ptr(), version.as_ptr()) }
    }
}

/// A zero byte cannot be passed on; none of our names has one.
fn text(s: &str) -> CString {
    CString::new(s.replace('\0', " ")).unwrap_or_default()
}

/// The only value of a function type that captures nothing: so that a closure can become a plain
/// function pointer with a loop around it.
const fn only_value<F: Copy>() -> F {
    const { assert!(size_of::<F>() == 0, "a contender must not capture anything") };
    // SAFETY: a type of size 0 has one value without bytes, and the caller has been given one.
    unsafe { core::ptr::NonNull::<F>::dangling().read() }
}

/// The plain function that does what `P` does.
fn prepare_of<M, S, P: Fn(&M) -> S + Copy>(_: P) -> Prepare {
    prepare_with::<M, S, P>
}

/// The plain function that does what `F` does for many problems.
fn run_of<S, I, O, F: Fn(&mut S, &I, &mut O) -> bool + Copy>(_: F) -> Run {
    run_with::<S, I, O, F>
}

/// The plain function that does what `G` does.
fn finish_of<S, O, G: Fn(&mut S, &mut O) + Copy>(_: G) -> Finish {
    finish_with::<S, O, G>
}

unsafe extern "C" fn prepare_with<M, S, P: Fn(&M) -> S + Copy>(
    model: *const c_void,
) -> *mut c_void {
    // SAFETY: the runner passes a model of the type that belongs to the routine, never null.
    let model = unsafe { &*model.cast::<M>() };
    // Kept until the process ends: there are a few hundred of them.
    Box::into_raw(Box::new(only_value::<P>()(model))).cast()
}

unsafe extern "C" fn run_with<S, I, O, F: Fn(&mut S, &I, &mut O) -> bool + Copy>(
    state: *mut c_void,
    inputs: *const c_void,
    outputs: *mut c_void,
    count: usize,
) -> usize {
    // SAFETY: `state` is from `prepare_with` of the same entry, and nobody else uses it.
    let state = unsafe { &mut *state.cast::<S>() };
    // SAFETY: the runner passes `count` inputs and outputs of the types of the routine.
    let (inputs, outputs) = unsafe {
        (
            core::slice::from_raw_parts(inputs.cast::<I>(), count),
            core::slice::from_raw_parts_mut(outputs.cast::<O>(), count),
        )
    };
    let solve = only_value::<F>();
    let mut failed = 0;
    for (input, output) in inputs.iter().zip(outputs) {
        failed += usize::from(!solve(state, input, output));
    }
    failed
}

unsafe extern "C" fn finish_with<S, O, G: Fn(&mut S, &mut O) + Copy>(
    state: *mut c_void,
    output: *mut c_void,
) {
    // SAFETY: `state` is from `prepare_with` of the same entry, `output` has the routine's type.
    let (state, output) = unsafe { (&mut *state.cast::<S>(), &mut *output.cast::<O>()) };
    only_value::<G>()(state, output);
}

/// Makes a shared library of a function that enters contenders in a [`Table`].
#[macro_export]
macro_rules! library {
    ($fill:expr) => {
        /// Enters the contenders of this library.
        ///
        /// # Safety
        /// The functions of `sink` may be called with its `table`.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn eigenmote_bench_fill(sink: *const $crate::Sink) {
            let fill: fn(&mut $crate::Table) = $fill;
            // SAFETY: promised by the caller.
            fill(&mut unsafe { $crate::Table::new(&*sink) });
        }
    };
}
