//! Singular value decomposition of a tall matrix by preconditioned one-sided Jacobi rotations.
//!
//! 1. Every column is brought to mid-range by its own power of two; the exponents are carried
//!    along, so that a matrix may span the whole range of the number type.
//! 2. `A·P = Q·R` by Householder reflections with column pivoting.
//! 3. Pairs of columns of `X = Rᵀ` are rotated until every pair is orthogonal: `X·W = Y·Σ`. The
//!    rows of a pivoted `R` are nearly orthogonal and sorted, so few sweeps are needed.
//! 4. `A = (Q·W)·Σ·(P·Y)ᵀ`.
//!
//! The singular values of `A = B·D` come out with a relative error that depends on the condition
//! of `B` alone, whatever the diagonal scaling `D`.
//!
//! Source: Drmač & Veselić, "New fast and accurate Jacobi SVD algorithm", SIAM J. Matrix Anal.
//! Appl. 29 (2008); rotations and stopping rule as in LAPACK `xGESVJ`.

use core::fmt;

use super::jacobi::rotation_scaled;
use super::qr::{Steps, apply_q, keep_vectors, scale_columns};
use super::{at, fix_sign, put, swap, swap_cols};
use crate::mat::{Columns, Mat};
use crate::scalar::Scalar;
use crate::simd;

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
    /// Sweeps that were needed.
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Options {
    /// Sweeps after which the result is returned as [`SvdError::NotConverged`].
    pub max_sweeps: u32,
}

/// As in LAPACK; `tests/svd.rs` sees 6 over 10⁵ small matrices of every kind and allows 12 at 64×64.
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
/// values of stack.
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
    let mut packed = *a;
    let mut columns = PerColumn::<T, M, N>::new();
    let mut run = Run::new();
    let matrices = &mut Matrices { packed: &mut packed, u: Some(a), x: v, s };
    run.advance(matrices, &mut columns.borrow(), options.max_sweeps, usize::MAX);
    run.result()
}

/// The singular values alone, descending.
///
/// # Errors
/// As [`svd`].
///
/// # Cost
/// About `6·N³` flops a sweep and `2·M·N²` for the reduction.
pub fn singular_values<T: Scalar, const M: usize, const N: usize>(
    a: &Mat<T, M, N>,
) -> Result<[T; N], SvdError> {
    const { assert!(1 <= N && N <= M, "singular_values takes a tall matrix: transpose a wide one") };
    let (mut packed, mut x, mut s) = (*a, Mat::<T, N, N>::zeros(), [T::ZERO; N]);
    let mut columns = PerColumn::<T, M, N>::new();
    let mut run = Run::new();
    let matrices =
        &mut Matrices { packed: &mut packed, u: None::<&mut Mat<T, M, N>>, x: &mut x, s: &mut s };
    run.advance(matrices, &mut columns.borrow(), MAX_SWEEPS, usize::MAX);
    run.result()?;
    Ok(s)
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
    packed: Mat<T, M, N>,
    out: Svd<T, M, N>,
    columns: PerColumn<T, M, N>,
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
            packed: *a,
            out: Svd { u: Mat::zeros(), s: [T::ZERO; N], v: Mat::zeros(), sweeps: 0 },
            columns: PerColumn::new(),
            run: Run::new(),
            options,
        }
    }

    /// Does at most `budget` units of work; true when there is nothing left to do.
    ///
    /// A unit is one column eliminated, one round of up to `N/2` pairs of columns, or one column of
    /// the result formed, put in its place or completed: at most about `4·M·N + 10·N²` flops.
    pub fn step(&mut self, budget: usize) -> bool {
        let matrices = &mut Matrices {
            packed: &mut self.packed,
            u: Some(&mut self.out.u),
            x: &mut self.out.v,
            s: &mut self.out.s,
        };
        self.run.advance(matrices, &mut self.columns.borrow(), self.options.max_sweeps, budget);
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

/// What is kept about columns and pairs of columns.
#[derive(Clone, Copy, Debug)]
struct PerColumn<T, const M: usize, const N: usize> {
    tau: [T; N],
    left: [T; N],
    start: [T; N],
    reflector: [T; M],
    permutation: [u32; N],
    exponents: [i32; N],
    columns: [Column<T>; N],
    meetings: [Meeting<T>; N],
}

impl<T: Scalar, const M: usize, const N: usize> PerColumn<T, M, N> {
    fn new() -> Self {
        Self {
            tau: [T::ZERO; N],
            left: [T::ZERO; N],
            start: [T::ZERO; N],
            reflector: [T::ZERO; M],
            permutation: [0; N],
            exponents: [0; N],
            columns: [Column::default(); N],
            meetings: [Meeting::default(); N],
        }
    }
    fn borrow(&mut self) -> Buffers<'_, T> {
        Buffers {
            steps: Steps {
                tau: &mut self.tau,
                permutation: &mut self.permutation,
                exponents: &mut self.exponents,
                left: &mut self.left,
                start: &mut self.start,
                reflector: &mut self.reflector,
            },
            columns: &mut self.columns,
            meetings: &mut self.meetings,
        }
    }
}

/// [`PerColumn`] as slices.
struct Buffers<'a, T> {
    steps: Steps<'a, T>,
    columns: &'a mut [Column<T>],
    meetings: &'a mut [Meeting<T>],
}

/// What is known about a column of `X`.
#[derive(Clone, Copy, Debug, Default)]
struct Column<T> {
    /// The column is the stored one times 2^exponent; the lengths are those of the stored one.
    exponent: i32,
    /// Squared length.
    length2: T,
    /// Estimate of the squared rounding error.
    noise2: T,
    /// What the stored columns of `X` and `W` have still to be multiplied by.
    factor: T,
}

/// A pair of columns that meet in a round.
#[derive(Clone, Copy, Debug, Default)]
struct Meeting<T> {
    p: usize,
    q: usize,
    /// Inner product.
    gamma: T,
    /// What the rotation does to the columns of `X` and of `W`, apart from the cosine.
    x: (T, T),
    w: (T, T),
}

/// The matrices of one decomposition.
struct Matrices<'a, T, A, U, X> {
    /// `A`, then the reflections of its `Q`.
    packed: &'a mut A,
    /// `W` in its upper part, then `U`; absent when only the values are wanted.
    u: Option<&'a mut U>,
    /// `X = Rᵀ`, then `V`.
    x: &'a mut X,
    s: &'a mut [T],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Start,
    /// Eliminating column `rank`.
    Reduce,
    Sweep,
    /// Forming and finishing column `column` of `U` and `V`.
    Form,
    Done,
}

/// Where a decomposition stands.
#[derive(Clone, Copy, Debug)]
struct Run<T> {
    phase: Phase,
    error: Option<SvdError>,
    rank: usize,
    sweeps: u32,
    /// Place in the round-robin tournament.
    round: usize,
    rotated: bool,
    /// Largest squared cosine and largest tangent rotated in this sweep.
    worst_cosine2: T,
    worst_tangent: T,
    column: usize,
}

impl<T: Scalar> Run<T> {
    fn new() -> Self {
        Self {
            phase: Phase::Start,
            error: None,
            rank: 0,
            sweeps: 0,
            round: 0,
            rotated: false,
            worst_cosine2: T::ZERO,
            worst_tangent: T::ZERO,
            column: 0,
        }
    }

    fn result(&self) -> Result<Info, SvdError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(Info { sweeps: self.sweeps, rank: self.rank }),
        }
    }

    #[inline(always)]
    fn advance<A: Columns<T>, U: Columns<T>, X: Columns<T>>(
        &mut self,
        m: &mut Matrices<'_, T, A, U, X>,
        b: &mut Buffers<'_, T>,
        max_sweeps: u32,
        mut budget: usize,
    ) {
        let n = m.packed.cols();
        if self.phase == Phase::Start {
            for j in 0..n {
                if !simd::all_finite(m.packed.col(j)) {
                    self.error = Some(SvdError::NotFinite);
                    self.phase = Phase::Done;
                    return;
                }
            }
            scale_columns(m.packed, b.steps.exponents);
            b.steps.begin(m.packed);
            self.phase = Phase::Reduce;
        }
        while self.phase == Phase::Reduce {
            if budget == 0 {
                return;
            }
            budget -= 1;
            if self.rank < n && b.steps.eliminate(m.packed, self.rank) {
                self.rank += 1;
            } else {
                transpose_r(m, b, self.rank);
                keep_vectors(m.packed);
                self.phase = if self.rank < 2 { Phase::Form } else { Phase::Sweep };
                self.begin_sweep(m, b);
            }
        }
        while self.phase == Phase::Sweep {
            if budget == 0 {
                return;
            }
            budget -= 1;
            self.play_round(m, b, max_sweeps);
        }
        while self.phase == Phase::Form {
            if budget == 0 {
                return;
            }
            budget -= 1;
            self.form_next_column(m, b);
        }
    }

    #[inline(always)]
    fn begin_sweep<A: Columns<T>, U: Columns<T>, X: Columns<T>>(
        &mut self,
        m: &mut Matrices<'_, T, A, U, X>,
        b: &mut Buffers<'_, T>,
    ) {
        for (i, column) in b.columns.iter_mut().enumerate().take(self.rank) {
            column.absorb_factor(i, self.rank, m);
            column.length2 = simd::sum_of_squares(m.x.col(i));
        }
        (self.round, self.rotated) = (0, false);
        (self.worst_cosine2, self.worst_tangent) = (T::ZERO, T::ZERO);
    }

    /// One round of a round-robin tournament of the columns: its pairs have no column in common,
    /// so that a processor can overlap their work. The loops are kept apart because each is then
    /// short enough for that, and because loads from one matrix would wait for stores to the other
    /// where columns lie a multiple of 4 KiB apart.
    #[inline(always)]
    fn play_round<A: Columns<T>, U: Columns<T>, X: Columns<T>>(
        &mut self,
        m: &mut Matrices<'_, T, A, U, X>,
        b: &mut Buffers<'_, T>,
        max_sweeps: u32,
    ) {
        let rank = self.rank;
        // One seat stays, the others meet so that their numbers add up to the round's. Round by
        // round in ascending order, this takes 5 to 10 % fewer rotations than moving up by one seat.
        let turning = rank + (rank & 1) - 1;
        let alone = if self.round & 1 == 0 { self.round } else { self.round + turning } / 2;
        let mut pairs = 0;
        let (mut up, mut down) = (turning, alone);
        for _ in 0..=turning / 2 {
            let (p, q) = if up < down { (up, down) } else { (down, up) };
            if q < rank
                && let Some(meeting) = b.meetings.get_mut(pairs)
            {
                (meeting.p, meeting.q) = (p, q);
                meeting.gamma = m.x.dot_columns(p, q);
                pairs += 1;
            }
            up = if up == turning { alone } else { up };
            up = if up + 1 >= turning { up + 1 - turning } else { up + 1 };
            down = if down == 0 { turning - 1 } else { down - 1 };
        }
        let meetings = b.meetings.get_mut(..pairs).unwrap_or(&mut []);
        // cos² ≤ (ε/2)²·m: what a dot product of orthogonal columns may leave.
        let threshold = T::from_usize(m.x.rows()) * T::from_f64(0.25) * T::EPSILON * T::EPSILON;
        let mut unsettled = false;
        for meeting in meetings.iter_mut() {
            (meeting.x, meeting.w) = Default::default();
            if let Ok([x, y]) = b.columns.get_disjoint_mut([meeting.p, meeting.q]) {
                self.orthogonalize(threshold, meeting, x, y);
                unsettled |= x.has_lost_length() | y.has_lost_length();
                unsettled |= x.has_small_factor() | y.has_small_factor();
            }
        }
        for meeting in meetings.iter() {
            if meeting.rotates() {
                m.x.shear_columns(meeting.p, meeting.q, meeting.x.0, meeting.x.1);
            }
        }
        if let Some(u) = m.u.as_deref_mut() {
            for meeting in meetings.iter() {
                if meeting.rotates() {
                    // Below row `rank` both columns are zero.
                    u.shear_columns(meeting.p, meeting.q, meeting.w.0, meeting.w.1);
                }
            }
        }
        if unsettled {
            for (i, column) in b.columns.iter_mut().enumerate().take(rank) {
                if column.has_lost_length() {
                    column.settle(m.x.col_mut(i));
                }
                if column.has_small_factor() {
                    column.absorb_factor(i, rank, m);
                }
            }
        }
        self.round += 1;
        if self.round >= turning {
            self.end_sweep(m, b, max_sweeps);
        }
    }

    /// Decides on the rotation of a pair and updates what is known about its columns.
    #[inline(always)]
    fn orthogonalize(
        &mut self,
        threshold: T,
        meeting: &mut Meeting<T>,
        x: &mut Column<T>,
        y: &mut Column<T>,
    ) {
        let gamma = meeting.gamma * (x.factor * y.factor);
        let (alpha, beta) = (x.length2, y.length2);
        // Written so that a zero column counts as orthogonal.
        if !(gamma * gamma > threshold * alpha * beta) {
            return;
        }
        self.rotated = true;
        if gamma * gamma > self.worst_cosine2 * (alpha * beta) {
            self.worst_cosine2 = gamma * gamma / (alpha * beta);
        }
        let r = rotation_scaled(alpha, beta, gamma, y.exponent - x.exponent);
        self.worst_tangent = self.worst_tangent.max(r.t.abs());
        // The common factor c is left to the columns' factors: two products an entry, not four.
        let (y_over_x, x_over_y) = (y.factor / x.factor, x.factor / y.factor);
        x.factor *= r.c;
        y.factor *= r.c;
        meeting.x = (r.to_x * y_over_x, r.to_y * x_over_y);
        meeting.w = (r.t * y_over_x, r.t * x_over_y);
        // Each column inherits the errors of both and adds a rounding error of its own.
        let epsilon2 = T::EPSILON * T::EPSILON;
        let (c2, to_x2, to_y2) = (r.c * r.c, r.to_x * r.to_x, r.to_y * r.to_y);
        let (noise_x, noise_y) = (x.noise2 + epsilon2 * alpha, y.noise2 + epsilon2 * beta);
        x.noise2 = c2 * (noise_x + to_x2 * noise_y);
        y.noise2 = c2 * (noise_y + to_y2 * noise_x);
        x.length2 = updated(alpha, alpha - r.to_x * gamma);
        y.length2 = updated(beta, beta + r.to_y * gamma);
    }

    #[inline(always)]
    fn end_sweep<A: Columns<T>, U: Columns<T>, X: Columns<T>>(
        &mut self,
        m: &mut Matrices<'_, T, A, U, X>,
        b: &mut Buffers<'_, T>,
        max_sweeps: u32,
    ) {
        self.sweeps += 1;
        // Cosines fall quadratically: as in LAPACK, a sweep that found only tiny ones is the last.
        // Of two columns of different lengths the shorter one turns by the cosine, not the tangent.
        let size = T::from_usize(self.rank);
        let turn2 = self.worst_cosine2.max(self.worst_tangent * self.worst_tangent);
        let settled = size * size * self.worst_cosine2 * turn2 <= T::EPSILON * T::EPSILON;
        let last = !self.rotated || settled;
        self.begin_sweep(m, b);
        if !last && self.sweeps >= max_sweeps {
            let residual = largest_cosine(m.x, b.columns, self.rank);
            self.error = Some(SvdError::NotConverged { residual });
        }
        if last || self.error.is_some() {
            self.phase = Phase::Form;
        }
    }

    /// Singular value and right vector `column`, then its left vector; when all are there they are
    /// sorted; then, column by column, what is missing of `V` is added and the signs are fixed.
    #[inline(always)]
    fn form_next_column<A: Columns<T>, U: Columns<T>, X: Columns<T>>(
        &mut self,
        m: &mut Matrices<'_, T, A, U, X>,
        b: &mut Buffers<'_, T>,
    ) {
        let n = m.packed.cols();
        let j = self.column;
        if j < n {
            let x = m.x.col_mut(j);
            let length = simd::sum_of_squares(x).sqrt();
            let kept = j < self.rank && length > T::ZERO;
            if kept {
                simd::scale(T::ONE / length, x);
            }
            put(
                m.s,
                j,
                if kept {
                    length.scale_exp2(b.columns.get(j).map_or(0, |c| c.exponent))
                } else {
                    T::ZERO
                },
            );
            if let Some(u) = m.u.as_deref_mut() {
                apply_q(m.packed, b.steps.tau, self.rank, u.col_mut(j));
            }
        } else if j == n {
            self.sort_factors(m, b);
        } else if let Some(u) = m.u.as_deref_mut() {
            let j = j - n - 1;
            if m.x.col(j).iter().all(|&v| v == T::ZERO) {
                complete(m.x, j);
            }
            if fix_sign(m.x.col_mut(j)) {
                for v in u.col_mut(j) {
                    *v = -*v;
                }
            }
        }
        self.column += 1;
        if self.column > 2 * n || (self.column > n && m.u.is_none()) {
            self.phase = Phase::Done;
        }
    }

    /// Descending order, and the rows of `V` in the order of the columns of `A`.
    #[inline(always)]
    fn sort_factors<A: Columns<T>, U: Columns<T>, X: Columns<T>>(
        &mut self,
        m: &mut Matrices<'_, T, A, U, X>,
        b: &mut Buffers<'_, T>,
    ) {
        let n = m.packed.cols();
        if simd::all_finite(m.s) {
            // Selection sort: few columns are out of place after a pivoted reduction.
            for i in 0..n {
                let mut largest = i;
                for j in i + 1..n {
                    if at(m.s, j) > at(m.s, largest) {
                        largest = j;
                    }
                }
                if largest != i {
                    swap(m.s, i, largest);
                    swap_cols(m.x, i, largest);
                    if let Some(u) = m.u.as_deref_mut() {
                        swap_cols(u, i, largest);
                    }
                }
            }
        } else {
            (self.error, self.phase) = (Some(SvdError::Overflow), Phase::Done);
            return;
        }
        self.rank = m.s.iter().filter(|&&s| s > T::ZERO).count();
        if m.u.is_none() {
            return;
        }
        for j in 0..n {
            // Row i of X belongs to column permutation[i] of A.
            let scratch = &mut *b.steps.tau;
            let x = m.x.col_mut(j);
            for (&from, &to) in x.iter().zip(b.steps.permutation.iter()) {
                put(scratch, to as usize, from);
            }
            for (to, &from) in x.iter_mut().zip(scratch.iter()) {
                *to = from;
            }
        }
    }
}

/// Largest |cosine| between two of the first `rank` columns, whose squared lengths are known.
fn largest_cosine<T: Scalar>(x: &impl Columns<T>, columns: &[Column<T>], rank: usize) -> f32 {
    let mut worst = T::ZERO;
    for (q, y) in columns.iter().enumerate().take(rank) {
        for (p, z) in columns.iter().enumerate().take(q) {
            let lengths = y.length2.sqrt() * z.length2.sqrt();
            let gamma = simd::dot(x.col(p), x.col(q)).abs();
            if gamma > worst * lengths {
                worst = gamma / lengths;
            }
        }
    }
    worst.to_f32()
}

impl<T: Scalar> Meeting<T> {
    #[inline(always)]
    fn rotates(&self) -> bool {
        self.x.0 != T::ZERO || self.x.1 != T::ZERO
    }
}

/// The squared length after a rotation; negative where so many digits have cancelled that it has
/// to be computed afresh.
#[inline(always)]
fn updated<T: Scalar>(before: T, after: T) -> T {
    if after > T::from_f64(0.1) * before { after } else { -T::ONE }
}

impl<T: Scalar> Column<T> {
    /// Whether the length must be computed afresh.
    #[inline(always)]
    fn has_lost_length(&self) -> bool {
        self.length2 < T::ZERO
    }

    /// Whether the factor has become so small that it must be multiplied into the column.
    #[inline(always)]
    fn has_small_factor(&self) -> bool {
        self.factor < T::exp2i(-16)
    }

    /// Multiplies column `i` of `X` and `W` by its factor.
    #[inline(always)]
    fn absorb_factor<A: Columns<T>, U: Columns<T>, X: Columns<T>>(
        &mut self,
        i: usize,
        rank: usize,
        m: &mut Matrices<'_, T, A, U, X>,
    ) {
        if self.factor != T::ONE {
            simd::scale(self.factor, m.x.col_mut(i));
            if let Some(u) = m.u.as_deref_mut() {
                simd::scale(self.factor, u.col_mut(i).get_mut(..rank).unwrap_or(&mut []));
            }
            self.factor = T::ONE;
        }
    }

    /// Computes the squared length afresh. A column that is no longer than its rounding error is
    /// set to zero: rotating noise would go on until it underflows.
    fn settle(&mut self, x: &mut [T]) {
        self.length2 = simd::sum_of_squares(x) * (self.factor * self.factor);
        if !(self.length2 > self.noise2) {
            for v in x {
                *v = T::ZERO;
            }
            self.length2 = T::ZERO;
        }
    }
}

/// `X = Rᵀ` with a power of two of its own for every column, `W = I`, and no error yet.
#[inline(always)]
fn transpose_r<T: Scalar, A: Columns<T>, U: Columns<T>, X: Columns<T>>(
    m: &mut Matrices<'_, T, A, U, X>,
    b: &mut Buffers<'_, T>,
    rank: usize,
) {
    let n = m.packed.cols();
    // The diagonal dominates its row, so it gives column i of X its exponent.
    let own = |b: &Buffers<'_, T>, packed: &A, i: usize| {
        at(b.steps.exponents, i) + at(packed.col(i), i).exponent()
    };
    let (mut highest, mut lowest) = (i32::MIN, i32::MAX);
    for i in 0..rank {
        let exponent = own(b, m.packed, i);
        highest = highest.max(exponent);
        lowest = lowest.min(exponent);
    }
    // Columns of similar scale share one exponent: rotations are then plain ones.
    let shared = highest.saturating_sub(lowest) <= T::MAX_EXP / 8;
    for i in 0..n {
        let exponent = if shared { highest } else { own(b, m.packed, i) };
        let x = m.x.col_mut(i);
        for (j, x) in x.iter_mut().enumerate() {
            *x = if i < rank && i <= j {
                at(m.packed.col(j), i).scale_exp2(at(b.steps.exponents, j) - exponent)
            } else {
                T::ZERO
            };
        }
        if let Some(u) = m.u.as_deref_mut() {
            for (k, v) in u.col_mut(i).iter_mut().enumerate() {
                *v = if i == k { T::ONE } else { T::ZERO };
            }
        }
    }
    for i in 0..rank {
        let exponent = if shared { highest } else { own(b, m.packed, i) };
        put(b.columns, i, Column { exponent, length2: T::ZERO, noise2: T::ZERO, factor: T::ONE });
    }
}

/// Makes column `j` a unit vector orthogonal to the other columns that are not zero: the
/// coordinate vector that is least represented in them, orthogonalised twice.
#[inline(always)]
fn complete<T: Scalar>(v: &mut impl Columns<T>, j: usize) {
    let n = v.cols();
    let mut best = (0, T::MAX);
    for i in 0..n {
        let mut weight = T::ZERO;
        for k in 0..n {
            let entry = at(v.col(k), i);
            weight += entry * entry;
        }
        if weight < best.1 {
            best = (i, weight);
        }
    }
    put(v.col_mut(j), best.0, T::ONE);
    for _ in 0..2 {
        for k in 0..n {
            if k != j {
                let (x, y) = v.pair_mut(k, j);
                let along = simd::dot(x, y);
                simd::axpy(-along, x, y);
            }
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
