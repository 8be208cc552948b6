//! Singular value decomposition of a tall matrix by preconditioned one-sided Jacobi rotations.
//!
//! 1. Every column is brought to mid-range by its own power of two; the exponents are carried
//!    along, so that a matrix may span the whole range of the number type.
//! 2. `A·P = Q·R` by Householder reflections with column pivoting.
//! 3. Pairs of columns of `X = Rᵀ` are rotated until every pair is orthogonal: `X·W = Y·Σ`. The
//!    rows of a pivoted `R` are nearly orthogonal and sorted, so few sweeps are needed.
//! 4. `A = (Q·W)·Σ·(P·Y)ᵀ`.
//!
//! All of it works on rows: a column, or a pair of columns, in each place of a register.
//!
//! The singular values of `A = B·D` come out with a relative error that depends on the condition
//! of `B` alone, whatever the diagonal scaling `D`.
//!
//! A 2×2 matrix is decomposed by a formula, and one of three or four columns and at most four rows with
//! a register for every entry, as in [`batch`](super::batch): all that bookkeeping would take longer.
//!
//! Source: Drmač & Veselić, "New fast and accurate Jacobi SVD algorithm", SIAM J. Matrix Anal.
//! Appl. 29 (2008); rotations and stopping rule as in LAPACK `xGESVJ`.

use core::fmt;

use super::batch::svd_of_one;
use super::rows::{Factoring, Fitted, Rows, Scratch, Shape};
use super::sweep::{Known, Layout, Queue, Sweep, Sweeping, Verdict, largest_cosine};
use super::{at, bidiagonal, closed, fix_sign, put, swap};
use crate::mat::{Columns, Mat};
use crate::scalar::Scalar;
use crate::simd::{self, Kernel, Lanes, Simd, all_finite};

/// `A = U·diag(s)·Vᵀ`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(serialize = "T: serde::Serialize", deserialize = "T: serde::Deserialize<'de>"))
)]
pub struct Svd<T, const M: usize, const N: usize> {
    /// `U`, thin: orthonormal columns, also where `s` is zero.
    pub u: Mat<T, M, N>,
    /// Singular values, descending, never negative.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_arrays"))]
    pub s: [T; N],
    /// `V`, orthogonal; the entry of largest magnitude of each column is positive.
    pub v: Mat<T, N, N>,
    /// Sweeps that were needed; none where a formula gives the result.
    pub sweeps: u32,
}

/// Why there is no decomposition.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum SvdError {
    /// An entry is infinite or NaN.
    NotFinite,
    /// The largest singular value is larger than the largest number of the type.
    Overflow,
    /// [`Options::max_sweeps`] were not enough; the in-place form holds the best factors it reached.
    NotConverged {
        /// Largest cosine between two columns of that `V`: 0 if they were orthogonal, at most 1.
        residual: f32,
    },
}

impl fmt::Display for SvdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite => f.write_str("the matrix has an infinite or NaN entry"),
            Self::Overflow => f.write_str("a singular value is too large for the number type"),
            Self::NotConverged { .. } => f.write_str(
                "the Jacobi sweeps did not converge: two columns are still not orthogonal",
            ),
        }
    }
}
impl core::error::Error for SvdError {}

/// Limits of the iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Options {
    /// Sweeps after which the result is returned as [`SvdError::NotConverged`].
    pub max_sweeps: u32,
}

/// As in LAPACK; `tests/svd.rs` sees 7 over 10⁵ small matrices of every kind and allows 12 at 64×64.
pub const MAX_SWEEPS: u32 = 30;

impl Default for Options {
    fn default() -> Self {
        Self { max_sweeps: MAX_SWEEPS }
    }
}

/// How an in-place decomposition went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Info {
    /// Sweeps that were needed.
    pub sweeps: u32,
    /// Columns that were independent to working precision; the singular values after them are zero.
    pub rank: usize,
}

/// Singular value decomposition of a tall matrix, `M ≥ N ≥ 1`; transpose a wide one.
///
/// # Errors
/// [`SvdError::NotFinite`] for infinite or NaN entries, [`SvdError::Overflow`] if `s[0]` is not
/// representable, [`SvdError::NotConverged`] after [`MAX_SWEEPS`] sweeps.
///
/// # Accuracy
/// Residual and orthogonality within `8·N·ε`, and for `A = B·D` with a well-conditioned `B` and
/// any diagonal `D` every singular value to `8·N·ε` relative; checked by `tests/svd.rs`.
/// `svd(2ᵏ·A)` has the same `U` and `V` and `2ᵏ·s`, bit for bit.
///
/// # Cost
/// About `10·N³` flops a sweep, 3 to 6 sweeps, and `4·M·N²` for the reduction. `2·M·N + N² + 16·N + M`
/// values of stack on a chip; up to three times as many where rows are padded to whole registers.
///
/// ```
/// use eigenmote::{Mat, linalg::svd};
/// let f = svd(&Mat::from_rows(&[[3.0_f64, 0.0], [0.0, 5.0], [4.0, 0.0]]))?;
/// assert_eq!(f.s, [5.0, 5.0]);
/// # Ok::<(), eigenmote::linalg::SvdError>(())
/// ```
///
/// ```compile_fail
/// // A wide matrix does not build.
/// let _ = eigenmote::linalg::svd(&eigenmote::Mat::<f32, 2, 3>::zeros());
/// ```
pub fn svd<T: Scalar, const M: usize, const N: usize>(
    a: &Mat<T, M, N>,
) -> Result<Svd<T, M, N>, SvdError> {
    svd_with(a, &Options::default())
}

/// [`svd`] with limits.
///
/// # Errors
/// As [`svd`].
pub fn svd_with<T: Scalar, const M: usize, const N: usize>(
    a: &Mat<T, M, N>,
    options: &Options,
) -> Result<Svd<T, M, N>, SvdError> {
    let mut out = Svd { u: *a, s: [T::ZERO; N], v: Mat::zeros(), sweeps: 0 };
    out.sweeps = svd_in_place(&mut out.u, &mut out.s, &mut out.v, options)?.sweeps;
    Ok(out)
}

/// As [`svd`], with `a` replaced by `U`.
///
/// # Errors
/// As [`svd`]. On [`SvdError::NotFinite`] nothing is changed; on [`SvdError::NotConverged`] the
/// factors are the best that were reached: `U` is orthonormal and `A = U·diag(s)·Vᵀ`, but the
/// columns of `V` are not yet orthogonal.
pub fn svd_in_place<T: Scalar, const M: usize, const N: usize>(
    a: &mut Mat<T, M, N>,
    s: &mut [T; N],
    v: &mut Mat<T, N, N>,
    options: &Options,
) -> Result<Info, SvdError> {
    const { assert!(1 <= N && N <= M, "svd takes a tall matrix: transpose a wide one") };
    if let Some(result) = small(a, s, Some(&mut *v), options.max_sweeps) {
        return result;
    }
    let (mut work, mut u) = (Work::<T, M, N>::ZERO, Rows::<T, M, N>::ZERO);
    let mut run = Run::new();
    Advance {
        run: &mut run,
        work: &mut work,
        u: Some(&mut u),
        a,
        s,
        v: Some(v),
        max_sweeps: options.max_sweeps,
        budget: usize::MAX,
    }
    .dispatch();
    run.result()
}

/// The singular values alone, descending.
///
/// From 5 columns on, where no column is more than four times as long as another, by way of a
/// bidiagonal matrix; otherwise by the sweeps of [`svd`]. The values of both may differ in their last
/// bits.
///
/// # Errors
/// As [`svd`].
///
/// # Accuracy
/// For `A = B·D` with a well-conditioned `B` and any diagonal `D` every value to `8·N·ε` relative,
/// and every value of any matrix to `8·N·ε` of the largest; checked by `tests/svd.rs`. Values of a
/// matrix whose rank is less than `N` are zero to that accuracy.
/// `singular_values(2ᵏ·A)` is `2ᵏ·s`, bit for bit.
///
/// # Cost
/// About `4·M·N² − 4/3·N³` flops for the bidiagonal matrix and `30·N²` for its values; with sweeps
/// about `6·N³` flops each and `2·M·N²` for the reduction. At most as much stack as [`svd`].
pub fn singular_values<T: Scalar, const M: usize, const N: usize>(
    a: &Mat<T, M, N>,
) -> Result<[T; N], SvdError> {
    const { assert!(1 <= N && N <= M, "singular_values takes a tall matrix: transpose a wide one") };
    if N >= FEWEST_FOR_BIDIAGONAL {
        if !all_finite(a.as_slice()) {
            return Err(SvdError::NotFinite);
        }
        if let Some(s) = bidiagonal::singular_values(a) {
            return if all_finite(&s) { Ok(s) } else { Err(SvdError::Overflow) };
        }
    }
    values_by_sweeps(a)
}

/// Below this number of columns sweeps take no longer.
const FEWEST_FOR_BIDIAGONAL: usize = 5;

// Not inlined: only one of both ways has its memory on the stack.
#[inline(never)]
fn values_by_sweeps<T: Scalar, const M: usize, const N: usize>(
    a: &Mat<T, M, N>,
) -> Result<[T; N], SvdError> {
    let (mut a, mut s) = (*a, [T::ZERO; N]);
    if let Some(result) = small(&mut a, &mut s, None, MAX_SWEEPS) {
        return result.map(|_| s);
    }
    let mut work = Work::<T, M, N>::ZERO;
    let mut run = Run::new();
    Advance {
        run: &mut run,
        work: &mut work,
        u: None,
        a: &mut a,
        s: &mut s,
        v: None,
        max_sweeps: MAX_SWEEPS,
        budget: usize::MAX,
    }
    .dispatch();
    run.result()?;
    Ok(s)
}

/// The smallest matrices, without the bookkeeping of the general way: a formula for 2×2, and for
/// 3 or 4 columns what [`svd_batch`](super::svd_batch()) does. Nothing where that is not accurate or
/// sweeps are few; then nothing is changed.
#[inline(always)]
fn small<T: Scalar, const M: usize, const N: usize>(
    a: &mut Mat<T, M, N>,
    s: &mut [T; N],
    v: Option<&mut Mat<T, N, N>>,
    max_sweeps: u32,
) -> Option<Result<Info, SvdError>> {
    let mut sweeps = 0;
    if (M, N) == (2, 2) {
        match closed::svd_by_formula(a, s, v, false) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(Err(error)),
        }
    } else if M <= 4 && (3..=4).contains(&N) && max_sweeps >= MAX_SWEEPS {
        sweeps = svd_of_one(a, s, v)?;
    } else {
        return None;
    }
    Some(Ok(Info { sweeps, rank: N }))
}

/// A decomposition that is carried out piece by piece, for programs with a real-time tick.
///
/// ```
/// use eigenmote::{Mat, linalg::{SvdState, svd}};
/// let a = Mat::from_rows(&[[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]]);
/// let mut state = SvdState::new(&a);
/// while !state.step(1) { /* the rest of the tick */ }
/// assert_eq!(state.finish(), svd(&a)); // the same bits
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SvdState<T, const M: usize, const N: usize> {
    out: Svd<T, M, N>,
    work: Work<T, M, N>,
    u: Rows<T, M, N>,
    run: Run<T>,
    options: Options,
}

impl<T: Scalar, const M: usize, const N: usize> SvdState<T, M, N> {
    /// Starts with a copy of `a`.
    pub fn new(a: &Mat<T, M, N>) -> Self {
        Self::with_options(a, Options::default())
    }

    /// Starts with a copy of `a` and limits.
    pub fn with_options(a: &Mat<T, M, N>, options: Options) -> Self {
        const { assert!(1 <= N && N <= M, "SvdState takes a tall matrix: transpose a wide one") };
        Self {
            out: Svd { u: *a, s: [T::ZERO; N], v: Mat::zeros(), sweeps: 0 },
            work: Work::ZERO,
            u: Rows::ZERO,
            run: Run::new(),
            options,
        }
    }

    /// Does at most `budget` units of work; true when there is nothing left to do.
    ///
    /// A unit is one column eliminated, one round of up to `N/2` pairs of columns, one reflection
    /// applied, or one column of the result formed: at most about `4·M·N + 10·N²` flops. Matrices of
    /// at most four rows and as many columns or one less are one unit as a whole.
    pub fn step(&mut self, budget: usize) -> bool {
        if budget > 0 && self.run.phase == Phase::Start {
            let Svd { u, s, v, .. } = &mut self.out;
            if let Some(result) = small(u, s, Some(v), self.options.max_sweeps) {
                self.run.phase = Phase::Done;
                match result {
                    Ok(info) => (self.run.sweeps, self.run.rank) = (info.sweeps, info.rank),
                    Err(error) => self.run.error = Some(error),
                }
                return true;
            }
        }
        Advance {
            run: &mut self.run,
            work: &mut self.work,
            u: Some(&mut self.u),
            a: &mut self.out.u,
            s: &mut self.out.s,
            v: Some(&mut self.out.v),
            max_sweeps: self.options.max_sweeps,
            budget,
        }
        .dispatch();
        self.run.phase == Phase::Done
    }

    /// The result, doing whatever is left to do.
    ///
    /// # Errors
    /// As [`svd`].
    pub fn finish(mut self) -> Result<Svd<T, M, N>, SvdError> {
        self.step(usize::MAX);
        self.out.sweeps = self.run.result()?.sweeps;
        Ok(self.out)
    }
}

/// Everything a decomposition works in, beside its result.
#[derive(Clone, Copy, Debug)]
struct Work<T, const M: usize, const N: usize> {
    a: Rows<T, M, N>,
    x: Rows<T, N, N>,
    scratch: Scratch<T, M, N>,
    known: Known<T, N>,
    tau: [T; N],
    permutation: [u32; N],
    places: [u32; N],
}

impl<T: Scalar, const M: usize, const N: usize> Work<T, M, N> {
    const ZERO: Self = Self {
        a: Rows::ZERO,
        x: Rows::ZERO,
        scratch: Scratch::ZERO,
        known: Known::ZERO,
        tau: [T::ZERO; N],
        permutation: [0; N],
        places: [0; N],
    };

    /// As slices; `u` is where the left vectors are made, row by row, if they are wanted.
    const fn borrow<'a>(&'a mut self, u: Option<&'a mut [T]>) -> Buffers<'a, T> {
        Buffers {
            factoring: self.scratch.borrow(self.a.borrow(), &mut self.tau, &mut self.permutation),
            queue: self.known.borrow(),
            x: self.x.borrow(),
            u,
            places: &mut self.places,
        }
    }
}

/// [`Work`] as slices.
struct Buffers<'a, T> {
    factoring: Factoring<'a, T>,
    queue: Queue<'a, T>,
    /// `X`, row by row.
    x: &'a mut [T],
    /// `W` with rows of zeros below it, then `Q·W`, row by row.
    u: Option<&'a mut [T]>,
    /// Singular value `j` belongs to the column at this place of the queue.
    places: &'a mut [u32],
}

/// What goes in and comes out.
struct Factors<'a, T, A, V> {
    /// `A`, then `U` if the vectors are wanted.
    a: &'a mut A,
    s: &'a mut [T],
    v: Option<&'a mut V>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Start,
    /// Eliminating column `rank`.
    Reduce,
    Sweep,
    /// Applying reflection `step − 1` to `W`.
    Reflect,
    /// Forming column `step` of `U` and `V`.
    Form,
    Done,
}

/// What is done in one go. Sizes are in its types, so that they are known where it is compiled.
struct Advance<'a, T, const M: usize, const N: usize> {
    run: &'a mut Run<T>,
    work: &'a mut Work<T, M, N>,
    u: Option<&'a mut Rows<T, M, N>>,
    a: &'a mut Mat<T, M, N>,
    s: &'a mut [T; N],
    v: Option<&'a mut Mat<T, N, N>>,
    max_sweeps: u32,
    budget: usize,
}

// Each part is compiled once for a shape, with or without vectors, and the sweeps once for a number
// of columns: a program pays once for all forms of the decomposition.
impl<T: Scalar, const M: usize, const N: usize> Advance<'_, T, M, N> {
    fn dispatch(mut self) {
        self.reduce();
        sweep(
            self.run,
            &mut self.work.x,
            &mut self.work.known,
            self.u.as_deref_mut().map(Rows::borrow),
            self.max_sweeps,
            &mut self.budget,
        );
        self.form();
    }

    #[inline(never)]
    fn reduce(&mut self) {
        T::dispatch(Fitted(N, Reduce(self)));
    }

    #[inline(never)]
    fn form(&mut self) {
        T::dispatch(Fitted(N, Form(self)));
    }

    #[inline(always)]
    fn parts(&mut self) -> Parts<'_, T, Mat<T, M, N>, Mat<T, N, N>> {
        let f = Factors { a: &mut *self.a, s: &mut *self.s, v: self.v.as_deref_mut() };
        let b = self.work.borrow(self.u.as_deref_mut().map(Rows::borrow));
        (&mut *self.run, f, b, &mut self.budget)
    }
}

type Parts<'a, T, A, V> = (&'a mut Run<T>, Factors<'a, T, A, V>, Buffers<'a, T>, &'a mut usize);

/// Whether rows of so many columns fill the widest registers; all three parts lay them out alike.
const fn wide(columns: usize) -> bool {
    columns >= 24
}

/// [`Run::reduce`] as a kernel.
struct Reduce<'a, 'b, T, const M: usize, const N: usize>(&'a mut Advance<'b, T, M, N>);

impl<T: Scalar, const M: usize, const N: usize> Kernel<T> for Reduce<'_, '_, T, M, N> {
    type Output = ();
    const WIDE: bool = wide(N);
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let (run, mut f, mut b, budget) = self.0.parts();
        run.reduce(simd, &mut f, &mut b, budget);
    }
}

/// [`Run::sweep`] as a kernel.
struct Turn<'a, T, const N: usize> {
    run: &'a mut Run<T>,
    x: &'a mut Rows<T, N, N>,
    known: &'a mut Known<T, N>,
    w: Option<&'a mut [T]>,
    max_sweeps: u32,
    budget: &'a mut usize,
}

impl<T: Scalar, const N: usize> Kernel<T> for Turn<'_, T, N> {
    type Output = ();
    const WIDE: bool = wide(N);
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let sweeping = &mut Sweeping::new(simd, N, self.x.borrow(), self.w);
        self.run.sweep(sweeping, &mut self.known.borrow(), self.max_sweeps, self.budget);
    }
}

#[inline(never)]
fn sweep<T: Scalar, const N: usize>(
    run: &mut Run<T>,
    x: &mut Rows<T, N, N>,
    known: &mut Known<T, N>,
    w: Option<&mut [T]>,
    max_sweeps: u32,
    budget: &mut usize,
) {
    T::dispatch(Fitted(N, Turn { run, x, known, w, max_sweeps, budget }));
}

/// [`Run::form`] as a kernel.
struct Form<'a, 'b, T, const M: usize, const N: usize>(&'a mut Advance<'b, T, M, N>);

impl<T: Scalar, const M: usize, const N: usize> Kernel<T> for Form<'_, '_, T, M, N> {
    type Output = ();
    const WIDE: bool = wide(N);
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let (run, mut f, mut b, budget) = self.0.parts();
        run.form(simd, &mut f, &mut b, budget);
    }
}

/// One unit less, if there is one.
#[inline(always)]
fn spend(budget: &mut usize) -> bool {
    match budget.checked_sub(1) {
        Some(rest) => {
            *budget = rest;
            true
        }
        None => false,
    }
}

/// Where a decomposition stands.
#[derive(Clone, Copy, Debug)]
struct Run<T> {
    phase: Phase,
    error: Option<SvdError>,
    rank: usize,
    sweeps: u32,
    sweep: Sweep<T>,
    step: usize,
}

impl<T: Scalar> Run<T> {
    fn new() -> Self {
        Self { phase: Phase::Start, error: None, rank: 0, sweeps: 0, sweep: Sweep::NONE, step: 0 }
    }

    fn result(&self) -> Result<Info, SvdError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(Info { sweeps: self.sweeps, rank: self.rank }),
        }
    }

    /// Everything before the sweeps, as far as the budget reaches.
    #[inline(always)]
    fn reduce<S: Simd<T>, A: Columns<T>, V: Columns<T>>(
        &mut self,
        simd: S,
        f: &mut Factors<'_, T, A, V>,
        b: &mut Buffers<'_, T>,
        budget: &mut usize,
    ) {
        let shape = Shape::new(f.a.rows(), f.a.cols(), S::V::LEN);
        let n = shape.columns;
        if self.phase == Phase::Start {
            for j in 0..n {
                if !all_finite(f.a.col(j)) {
                    (self.error, self.phase) = (Some(SvdError::NotFinite), Phase::Done);
                    return;
                }
            }
            b.factoring.begin(simd, shape, f.a);
            self.phase = Phase::Reduce;
        }
        while self.phase == Phase::Reduce && spend(budget) {
            if self.rank < n && b.factoring.eliminate(simd, shape, self.rank) {
                self.rank += 1;
            } else {
                self.transpose_r(simd, shape, b);
                self.phase = Phase::Sweep;
            }
        }
    }

    /// Rounds of the sweeps, as far as the budget reaches.
    #[inline(always)]
    fn sweep<S: Simd<T>>(
        &mut self,
        sweeping: &mut Sweeping<'_, S, T>,
        queue: &mut Queue<'_, T>,
        max_sweeps: u32,
        budget: &mut usize,
    ) {
        // One column alone takes no round.
        while self.phase == Phase::Sweep && (self.rank < 2 || spend(budget)) {
            self.play_round(sweeping, queue, max_sweeps);
        }
        sweeping.catch_up();
    }

    /// Everything after the sweeps, as far as the budget reaches.
    #[inline(always)]
    fn form<S: Simd<T>, A: Columns<T>, V: Columns<T>>(
        &mut self,
        simd: S,
        f: &mut Factors<'_, T, A, V>,
        b: &mut Buffers<'_, T>,
        budget: &mut usize,
    ) {
        let shape = Shape::new(f.a.rows(), f.a.cols(), S::V::LEN);
        let layout = Layout::new(shape.columns, S::V::LEN);
        while self.phase == Phase::Reflect && spend(budget) {
            match (b.u.as_deref_mut(), self.step.checked_sub(1)) {
                (Some(u), Some(k)) => {
                    b.factoring.reflect(simd, shape, k, u, (layout.stride, layout.width()));
                    self.step = k;
                }
                _ => self.order(layout, f, b),
            }
        }
        while self.phase == Phase::Form && spend(budget) {
            self.form_column(layout, f, b);
        }
    }

    /// `X = Rᵀ` with a power of two of its own for every column, `W = I`, and no error yet.
    #[inline(always)]
    fn transpose_r<S: Simd<T>>(&mut self, simd: S, shape: Shape, b: &mut Buffers<'_, T>) {
        let Shape { columns: n, stride, .. } = shape;
        let rank = self.rank;
        let (a, exponents) = (&*b.factoring.a, &*b.factoring.exponents);
        // The diagonal dominates its row, so it gives column i of X its exponent.
        let (mut highest, mut lowest) = (i32::MIN, i32::MAX);
        for (i, exponent) in b.queue.exponent.iter_mut().enumerate().take(rank) {
            *exponent = at(exponents, i) + at(a, i * stride + i).exponent();
            highest = highest.max(*exponent);
            lowest = lowest.min(*exponent);
        }
        // Columns of similar scale share one exponent: rotations are then plain ones.
        let shared = highest.saturating_sub(lowest) <= T::MAX_EXP / 8;
        for (i, exponent) in b.queue.exponent.iter_mut().enumerate() {
            if shared || i >= rank {
                *exponent = highest;
            }
        }
        let mut sweeping = Sweeping::new(simd, n, b.x, b.u.as_deref_mut());
        for i in 0..n {
            // Row i of X is column i of R.
            let exponent = at(exponents, i);
            let shift = exponent.saturating_sub(highest);
            // R is upper triangular, and its rows from the rank on are zero, as X is so far.
            let count = rank.min(i + 1);
            if shared && T::MIN_EXP <= shift && shift <= T::MAX_EXP {
                let factor = T::exp2i(shift);
                sweeping.set_row(i, count, |j| at(a, j * stride + i) * factor);
            } else {
                let own = &*b.queue.exponent;
                sweeping
                    .set_row(i, count, |j| at(a, j * stride + i).scale_exp2(exponent - at(own, j)));
            }
        }
        sweeping.start(&mut self.sweep, &mut b.queue);
    }

    /// One round of a sweep.
    #[inline(always)]
    fn play_round<S: Simd<T>>(
        &mut self,
        sweeping: &mut Sweeping<'_, S, T>,
        queue: &mut Queue<'_, T>,
        max_sweeps: u32,
    ) {
        if self.rank >= 2 {
            let verdict = sweeping.play_round(&mut self.sweep, queue);
            if verdict == Verdict::Running {
                return;
            }
            self.sweeps += 1;
            sweeping.begin(&mut self.sweep, queue);
            if verdict == Verdict::Again {
                if self.sweeps < max_sweeps {
                    return;
                }
                let residual = largest_cosine(queue.exponent.len(), S::V::LEN, sweeping.x, queue);
                self.error = Some(SvdError::NotConverged { residual });
            }
        }
        (self.phase, self.step) = (Phase::Reflect, self.rank);
    }

    /// The singular values in descending order.
    #[inline(always)]
    fn order<A, V>(
        &mut self,
        layout: Layout,
        f: &mut Factors<'_, T, A, V>,
        b: &mut Buffers<'_, T>,
    ) {
        for (place, ((s, number), &exponent)) in
            (0..).zip(f.s.iter_mut().zip(b.places.iter_mut()).zip(b.queue.exponent.iter()))
        {
            let length = at(b.queue.length2, layout.at(place as usize)).sqrt();
            (*s, *number) = (length.scale_exp2(exponent), place);
        }
        if !all_finite(f.s) {
            (self.error, self.phase) = (Some(SvdError::Overflow), Phase::Done);
            return;
        }
        // Selection sort: few columns are out of place after a pivoted reduction.
        for i in 0..f.s.len() {
            let mut largest = i;
            for j in i + 1..f.s.len() {
                if at(f.s, j) > at(f.s, largest) {
                    largest = j;
                }
            }
            swap(f.s, i, largest);
            swap(b.places, i, largest);
        }
        self.rank = f.s.iter().filter(|&&s| s > T::ZERO).count();
        self.phase = if f.v.is_some() { Phase::Form } else { Phase::Done };
    }

    /// Column `step` of `V` and of `U`, with the sign fixed.
    #[inline(always)]
    fn form_column<A: Columns<T>, V: Columns<T>>(
        &mut self,
        layout: Layout,
        f: &mut Factors<'_, T, A, V>,
        b: &mut Buffers<'_, T>,
    ) {
        let j = self.step;
        if let (Some(v), Some(u)) = (f.v.as_deref_mut(), b.u.as_deref()) {
            let place = layout.at(at(b.places, j) as usize);
            let column = v.col_mut(j);
            if j < self.rank {
                // Row i of X belongs to column permutation[i] of A.
                let scale = T::ONE / at(b.queue.length2, place).sqrt();
                for (row, &i) in b.x.chunks_exact(layout.stride).zip(b.factoring.permutation.iter())
                {
                    put(column, i as usize, at(row, place) * scale);
                }
            } else {
                // All columns before it are there.
                for v in column.iter_mut() {
                    *v = T::ZERO;
                }
                complete(v, j);
            }
            let flip = fix_sign(v.col_mut(j));
            for (to, row) in f.a.col_mut(j).iter_mut().zip(u.chunks_exact(layout.stride)) {
                let value = at(row, place);
                *to = if flip { -value } else { value };
            }
        }
        self.step += 1;
        if self.step >= f.s.len() {
            self.phase = Phase::Done;
        }
    }
}

/// Makes column `j` a unit vector orthogonal to the columns before it: the coordinate vector that is
/// least represented in them, orthogonalised twice.
#[inline(always)]
fn complete<T: Scalar>(v: &mut impl Columns<T>, j: usize) {
    let n = v.cols();
    let mut best = (0, T::MAX);
    for i in 0..n {
        let mut weight = T::ZERO;
        for k in 0..j {
            let entry = at(v.col(k), i);
            weight += entry * entry;
        }
        if weight < best.1 {
            best = (i, weight);
        }
    }
    put(v.col_mut(j), best.0, T::ONE);
    for _ in 0..2 {
        for k in 0..j {
            let (x, y) = v.pair_mut(k, j);
            let along = simd::dot(x, y);
            simd::axpy(-along, x, y);
        }
        let col = v.col_mut(j);
        let length = simd::sum_of_squares(col).sqrt();
        if length > T::ZERO {
            simd::scale(T::ONE / length, col);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worked_2_by_2_case() {
        // AᵀA = [[10, 6], [6, 10]]: eigenvalues 16 and 4, vectors (1, ±1)/√2.
        let a = Mat::from_rows(&[[1.0_f64, 3.0], [3.0, 1.0]]);
        let f = svd(&a).unwrap();
        let h = 0.5_f64.sqrt();
        for (got, want) in f.s.iter().zip([4.0, 2.0]) {
            assert!((got - want).abs() < 1e-15 * 4.0);
        }
        for (got, want) in f.v.as_slice().iter().zip([h, h, h, -h]) {
            assert!((got.abs() - want.abs()).abs() < 1e-15);
        }
    }

    #[test]
    fn zero_columns_still_give_orthonormal_factors() {
        let f = svd(&Mat::<f64, 3, 3>::zeros()).unwrap();
        assert_eq!((f.s, f.u, f.v), ([0.0; 3], Mat::identity(), Mat::identity()));
    }
}
