//! Sweeps of one-sided Jacobi rotations over all pairs of columns: `X·W = Y·Σ`.
//!
//! Columns stand in a queue. In even rounds those at places (0, 1), (2, 3), … meet, in odd rounds
//! those at (1, 2), (3, 4), …; each pair is made orthogonal and changes places. After `n` rounds
//! every column has met every other one and the queue stands in reverse. This odd-even order takes
//! as few rotations as going through the pairs row by row, and the pairs of a round have no column
//! in common: they are worked on side by side, one in each place of a register.
//!
//! For that the matrices are kept row by row, a row with the columns at odd places first and then
//! those at even places. A pair is then the same place of two registers, whatever the round, and an
//! inner product of columns is a sum of registers: nothing is added up across places, so that the
//! order of additions, and with it every bit, is the same for every width of register.
//!
//! Rotations are applied as shears, two products an entry instead of four; the cosine is left to a
//! factor of the column (Hammarling 1974).
//!
//! Source: Luk & Park, "On parallel Jacobi orderings", SIAM J. Sci. Stat. Comput. 10 (1989).

use super::jacobi::{Rotation, rotation, rotation_scaled};
use super::rows::{Row, first_places, sum_of_products};
use super::{at, put};
use crate::scalar::Scalar;
use crate::simd::{Lanes, MAX_LANES, Simd, Single};

/// Exponent of the factor below which it is multiplied into the column.
const SMALL_FACTOR: i32 = -16;

/// What is known about the columns of `X`, in the order of a row of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<T, const N: usize> {
    length2: Row<T, N>,
    noise2: Row<T, N>,
    factor: Row<T, N>,
    x: [Row<T, N>; 2],
    w: [Row<T, N>; 2],
    exponent: [i32; N],
}

impl<T: Scalar, const N: usize> Known<T, N> {
    pub(super) const ZERO: Self = Self {
        length2: Row::ZERO,
        noise2: Row::ZERO,
        factor: Row::ZERO,
        x: [Row::ZERO; 2],
        w: [Row::ZERO; 2],
        exponent: [0; N],
    };

    pub(super) const fn borrow(&mut self) -> Queue<'_, T> {
        let ([x_left, x_right], [w_left, w_right]) = (&mut self.x, &mut self.w);
        Queue {
            length2: self.length2.borrow(),
            noise2: self.noise2.borrow(),
            factor: self.factor.borrow(),
            x: [x_left.borrow(), x_right.borrow()],
            w: [w_left.borrow(), w_right.borrow()],
            exponent: &mut self.exponent,
        }
    }
}

/// [`Known`] as slices.
pub(super) struct Queue<'a, T> {
    /// Squared length of each column, as it is stored; negative where it has to be computed afresh.
    pub(super) length2: &'a mut [T],
    /// Estimate of its squared rounding error.
    noise2: &'a mut [T],
    /// What the stored columns of `X` and `W` have still to be multiplied by.
    factor: &'a mut [T],
    /// Of each pair, what the shear takes from the right column of `X` into the left one, and from
    /// the left one into the right one.
    x: [&'a mut [T]; 2],
    /// The same for `W`, where the columns of a pair have different exponents.
    w: [&'a mut [T]; 2],
    /// The column at place `i` of the queue is the stored one times `2^exponent[i]`; the lengths are
    /// those of the stored one.
    pub(super) exponent: &'a mut [i32],
}

/// How the columns of a row lie: places 1, 3, … from 0 on, places 0, 2, … from `even` on.
///
/// Functions that are not inlined make their own from sizes: one whose address leaves the loops is
/// no constant there, and their loops over rows then take twice as many instructions.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    columns: usize,
    even: usize,
    pub(super) stride: usize,
}

impl Layout {
    /// The layout for registers of `len` values.
    #[inline(always)]
    pub(super) const fn new(columns: usize, len: usize) -> Self {
        if len <= 1 {
            return Self { columns, even: columns / 2, stride: columns };
        }
        let even = (columns / 2).next_multiple_of(len);
        // One register more behind, since odd rounds reach one place further.
        Self { columns, even, stride: 2 * even + len }
    }

    /// How much of a row holds columns.
    #[inline(always)]
    pub(super) const fn width(self) -> usize {
        self.even + self.columns.div_ceil(2)
    }

    /// Where the column at `place` of the queue lies in a row.
    #[inline(always)]
    pub(super) const fn at(self, place: usize) -> usize {
        if place & 1 == 0 { self.even + place / 2 } else { place / 2 }
    }

    /// The pairs of a round.
    #[inline(always)]
    const fn pairs(self, round: usize) -> Pairs {
        let odd = round & 1 == 1;
        let count = if odd { (self.columns - 1) / 2 } else { self.columns / 2 };
        // The last column stays alone in one of the two kinds of rounds.
        let last_alone = (self.columns & 1 == 1) != odd;
        if odd {
            Pairs { left: 0, right: self.even + 1, count, last_alone }
        } else {
            Pairs { left: self.even, right: 0, count, last_alone }
        }
    }
}

/// Where the left and right columns of the pairs lie in a row.
#[derive(Clone, Copy)]
struct Pairs {
    left: usize,
    right: usize,
    count: usize,
    /// Whether a column without a partner follows those on the left.
    last_alone: bool,
}

impl Pairs {
    /// The place in the queue of the left column of a pair.
    #[inline(always)]
    const fn place(self, pair: usize) -> usize {
        if self.left == 0 { 2 * pair + 1 } else { 2 * pair }
    }

    /// Which places of a register that begins with pair `first` hold a pair.
    #[inline(always)]
    fn present<T: Scalar, S: Simd<T>>(self, simd: S, first: usize) -> <S::V as Lanes<T>>::Mask {
        first_places(simd, self.count.saturating_sub(first))
    }
}

/// Where a sweep stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sweep<T> {
    /// Whether all columns have the same exponent.
    shared: bool,
    round: usize,
    rotated: bool,
    /// Largest squared cosine and largest squared tangent rotated in this sweep, by place.
    worst_cosine2: [T; MAX_LANES],
    worst_tangent2: [T; MAX_LANES],
}

/// What a sweep has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Some rounds are left.
    Running,
    /// Another sweep is needed.
    Again,
    /// The columns are orthogonal.
    Orthogonal,
}

impl<T: Scalar> Sweep<T> {
    pub(super) const NONE: Self = Self {
        shared: true,
        round: 0,
        rotated: false,
        worst_cosine2: [T::ZERO; MAX_LANES],
        worst_tangent2: [T::ZERO; MAX_LANES],
    };
}

/// Rounds that `W` may lag behind.
const LAG: usize = 8;

/// Bytes of `X` and `W` that fit the nearest cache. Where they do not, `W` lags behind, to be read once for
/// several rounds.
const NEAR: usize = 48 << 10;

/// The matrices of a decomposition while it sweeps: `n × n`, in registers of `S`.
pub(super) struct Sweeping<'a, S, T> {
    simd: S,
    pub(super) layout: Layout,
    pub(super) x: &'a mut [T],
    w: Option<&'a mut [T]>,
    /// Shears of the rounds by which `W` lags behind: memory of `X` behind its rows.
    late: &'a mut [T],
    /// How many rounds these are, and the first of them.
    rounds: core::ops::Range<usize>,
}

impl<'a, T: Scalar, S: Simd<T>> Sweeping<'a, S, T> {
    #[inline(always)]
    pub(super) fn new(simd: S, columns: usize, x: &'a mut [T], w: Option<&'a mut [T]>) -> Self {
        let layout = Layout::new(columns, S::V::LEN);
        let (x, room) = x.split_at_mut_checked(layout.stride * columns).unwrap_or_default();
        let late = room.get_mut(..LAG * 2 * layout.even).unwrap_or_default();
        Self { simd, layout, x, w, late, rounds: 0..0 }
    }

    /// Whether `W` lags behind.
    #[inline(always)]
    fn lags(&self) -> bool {
        let bytes = 2 * self.layout.stride * self.layout.columns * size_of::<T>();
        S::V::LEN > 1 && bytes > NEAR && self.w.is_some()
    }

    /// The first `count` places of row `i` of `X`.
    #[inline(always)]
    pub(super) fn set_row(&mut self, i: usize, count: usize, value: impl Fn(usize) -> T) {
        let layout = self.layout;
        if let Some(row) = self.x.chunks_exact_mut(layout.stride).nth(i) {
            for place in 0..count {
                put(row, layout.at(place), value(place));
            }
        }
    }

    /// Before the first sweep: `W = I`, and no rounding errors yet.
    #[inline(always)]
    pub(super) fn start(&mut self, sweep: &mut Sweep<T>, queue: &mut Queue<'_, T>) {
        let layout = self.layout;
        for v in queue.factor.iter_mut() {
            *v = T::ONE;
        }
        if let Some(w) = self.w.as_deref_mut() {
            for (i, row) in w.chunks_exact_mut(layout.stride).take(layout.columns).enumerate() {
                put(row, layout.at(i), T::ONE);
            }
        }
        self.prepare(sweep, queue);
    }

    /// Before the first round of another sweep, and after the last one: all factors one.
    #[inline(always)]
    pub(super) fn begin(&mut self, sweep: &mut Sweep<T>, queue: &mut Queue<'_, T>) {
        self.absorb_factors(queue);
        self.prepare(sweep, queue);
    }

    /// Lengths afresh.
    #[inline(always)]
    fn prepare(&self, sweep: &mut Sweep<T>, queue: &mut Queue<'_, T>) {
        *sweep = Sweep::NONE;
        let first = at(queue.exponent, 0);
        sweep.shared = queue.exponent.iter().all(|&exponent| exponent == first);
        self.measure(queue.length2);
    }

    /// Shears `W` in all rounds by which it lags behind.
    #[inline(always)]
    pub(super) fn catch_up(&mut self) {
        if !self.lags() || self.rounds.is_empty() {
            return;
        }
        if let Some(w) = self.w.as_deref_mut() {
            shear_rounds(self.simd, self.layout, self.rounds.clone(), w, self.late);
        }
        self.rounds = 0..0;
    }

    /// Notes the shears of a round for [`catch_up`](Self::catch_up).
    #[inline(always)]
    fn note(&mut self, round: usize, [a, b]: [&[T]; 2]) {
        let half = self.layout.even;
        if self.rounds.len() == LAG {
            self.catch_up();
        }
        if self.rounds.is_empty() {
            self.rounds = round..round;
        }
        let mut i = 2 * half * self.rounds.len();
        for first in (0..half).step_by(S::V::LEN) {
            (self.simd.splat(T::ZERO) - self.simd.load_at(a, first)).store_at(self.late, i);
            self.simd.load_at(b, first).store_at(self.late, i + half);
            i += S::V::LEN;
        }
        self.rounds.end += 1;
    }

    /// Multiplies the columns of `X` and `W` by their factors.
    #[inline(always)]
    fn absorb_factors(&mut self, queue: &mut Queue<'_, T>) {
        self.catch_up();
        let layout = self.layout;
        scale_columns(self.simd, layout, self.x, queue.factor);
        if let Some(w) = self.w.as_deref_mut() {
            scale_columns(self.simd, layout, w, queue.factor);
        }
        for factor in queue.factor.iter_mut() {
            *factor = T::ONE;
        }
    }

    /// Squared lengths of the columns of `X`.
    #[inline(always)]
    fn measure(&self, length2: &mut [T]) {
        let mut i = 0;
        while i < self.layout.stride {
            self.inner_products(i, i).store_at(length2, i);
            i += S::V::LEN;
        }
    }

    /// One round: inner products, rotations, shears of `X` and `W`.
    #[inline(always)]
    pub(super) fn play_round(&mut self, sweep: &mut Sweep<T>, queue: &mut Queue<'_, T>) -> Verdict {
        // Two calls, so that each is compiled for its places.
        if sweep.round & 1 == 0 {
            self.meet(self.layout.pairs(0), sweep, queue);
        } else {
            self.meet(self.layout.pairs(1), sweep, queue);
        }
        sweep.round += 1;
        if sweep.round < self.layout.columns {
            return Verdict::Running;
        }
        let mut cosine2 = T::ZERO;
        let mut tangent2 = T::ZERO;
        for (&c, &t) in sweep.worst_cosine2.iter().zip(&sweep.worst_tangent2) {
            (cosine2, tangent2) = (cosine2.max(c), tangent2.max(t));
        }
        // Cosines fall quadratically: as in LAPACK, a sweep that found only tiny ones is the last.
        // Of two columns of different lengths the shorter one turns by the cosine, not the tangent.
        let size = T::from_usize(self.layout.columns);
        let settled = size * size * cosine2 * cosine2.max(tangent2) <= T::EPSILON * T::EPSILON;
        if !sweep.rotated || settled { Verdict::Orthogonal } else { Verdict::Again }
    }

    /// Rotates the pairs of a round.
    #[inline(always)]
    fn meet(&mut self, pairs: Pairs, sweep: &mut Sweep<T>, queue: &mut Queue<'_, T>) {
        let layout = self.layout;
        // cos² ≤ (ε/2)²·m: what a dot product of orthogonal columns may leave.
        let threshold = T::from_usize(layout.columns) * T::from_f64(0.25) * T::EPSILON * T::EPSILON;
        let mut unsettled = false;
        let mut first = 0;
        while first < pairs.count {
            let gamma = self.inner_products(pairs.left + first, pairs.right + first);
            if sweep.shared {
                let angles = Alike(self.simd);
                unsettled |= turn(self.simd, &angles, threshold, pairs, first, gamma, sweep, queue);
            } else {
                let mut gammas = [T::ZERO; MAX_LANES];
                gamma.store(&mut gammas);
                for (i, &gamma) in gammas.iter().enumerate().take(S::V::LEN) {
                    unsettled |= turn_unlike(threshold, pairs, first + i, gamma, sweep, queue);
                }
            }
            first += S::V::LEN;
        }
        shear_pairs(self.simd, layout, pairs, self.x, &queue.x);
        let shears = if sweep.shared { &queue.x } else { &queue.w };
        if self.lags() {
            let [a, b] = shears;
            self.note(sweep.round, [a, b]);
        } else if let Some(w) = self.w.as_deref_mut() {
            shear_pairs(self.simd, layout, pairs, w, shears);
        }
        if !sweep.shared {
            for pair in 0..pairs.count {
                let place = pairs.place(pair);
                super::swap(queue.exponent, place, place + 1);
            }
        }
        if unsettled {
            self.absorb_factors(queue);
            settle(layout.columns, S::V::LEN, self.x, queue);
        }
    }

    /// Inner products of the columns at `LEN` places from `left` on with those from `right` on.
    #[inline(always)]
    fn inner_products(&self, left: usize, right: usize) -> S::V {
        let Layout { columns, stride, .. } = self.layout;
        let rows = self.x.get(..stride * columns).unwrap_or(&[]);
        sum_of_products(self.simd, rows, stride, left, right)
    }
}

/// How the rotation of pairs of columns is found.
trait Angles<T: Scalar, S: Simd<T>> {
    /// The rotations for squared lengths `alpha` and `beta` and inner products `gamma`; `shift` is
    /// the exponent of the right column less that of the left one, of the first pair.
    fn find(&self, alpha: S::V, beta: S::V, gamma: S::V, shift: i32) -> Rotation<S::V>;
}

/// All columns have the same exponent.
struct Alike<S>(S);
impl<T: Scalar, S: Simd<T>> Angles<T, S> for Alike<S> {
    #[inline(always)]
    fn find(&self, alpha: S::V, beta: S::V, gamma: S::V, _: i32) -> Rotation<S::V> {
        rotation(self.0, alpha, beta, gamma)
    }
}

/// Every column has its own exponent.
struct Unlike;
impl<T: Scalar> Angles<T, Single> for Unlike {
    #[inline(always)]
    fn find(&self, alpha: T, beta: T, gamma: T, shift: i32) -> Rotation<T> {
        rotation_scaled(alpha, beta, gamma, shift)
    }
}

/// What is known about the columns at the same place of several pairs.
#[derive(Clone, Copy)]
struct Side<V> {
    length2: V,
    noise2: V,
    factor: V,
}

impl<T: Scalar> Side<T> {
    /// What is known about one column.
    #[inline(always)]
    fn at(queue: &Queue<'_, T>, i: usize) -> Self {
        Self {
            length2: at(queue.length2, i),
            noise2: at(queue.noise2, i),
            factor: at(queue.factor, i),
        }
    }

    #[inline(always)]
    fn put(self, queue: &mut Queue<'_, T>, i: usize) {
        put(queue.length2, i, self.length2);
        put(queue.noise2, i, self.noise2);
        put(queue.factor, i, self.factor);
    }
}

impl<V: Copy> Side<V> {
    #[inline(always)]
    fn load<T: Scalar, S: Simd<T, V = V>>(simd: S, queue: &Queue<'_, T>, i: usize) -> Self {
        Self {
            length2: simd.load_at(queue.length2, i),
            noise2: simd.load_at(queue.noise2, i),
            factor: simd.load_at(queue.factor, i),
        }
    }

    #[inline(always)]
    fn store<T: Scalar>(self, queue: &mut Queue<'_, T>, i: usize)
    where
        V: Lanes<T>,
    {
        self.length2.store_at(queue.length2, i);
        self.noise2.store_at(queue.noise2, i);
        self.factor.store_at(queue.factor, i);
    }

    #[inline(always)]
    fn select<T: Scalar>(mask: V::Mask, yes: Self, no: Self) -> Self
    where
        V: Lanes<T>,
    {
        Self {
            length2: V::select(mask, yes.length2, no.length2),
            noise2: V::select(mask, yes.noise2, no.noise2),
            factor: V::select(mask, yes.factor, no.factor),
        }
    }

    /// After a rotation by an angle of cosine `c` that has added `change` to the squared length and
    /// left the squared error `error2` apart from `c²`.
    #[inline(always)]
    fn turned<T: Scalar, S: Simd<T, V = V>>(self, simd: S, change: V, error2: V, c: V) -> Self
    where
        V: Lanes<T>,
    {
        let length2 = self.length2 + change;
        let kept = length2.gt(simd.splat(T::from_f64(0.1)) * self.length2);
        Self {
            // Where so many digits have cancelled it has to be computed afresh.
            length2: V::select(kept, length2, simd.splat(-T::ONE)),
            noise2: c * c * error2,
            factor: self.factor * c,
        }
    }

    /// Whether a length is lost or a factor small.
    #[inline(always)]
    fn is_unsettled<T: Scalar, S: Simd<T, V = V>>(self, simd: S) -> bool
    where
        V: Lanes<T>,
    {
        V::any(simd.splat(T::ZERO).gt(self.length2))
            || V::any(simd.splat(T::exp2i(SMALL_FACTOR)).gt(self.factor))
    }
}

/// Decides on the rotations of `LEN` pairs from pair `first` on, updates what is known about their
/// columns and lets them change places. Returns whether a column has to be settled.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "the state of a sweep, borrowed piece by piece")]
fn turn<T: Scalar, S: Simd<T>>(
    simd: S,
    angles: &impl Angles<T, S>,
    threshold: T,
    pairs: Pairs,
    first: usize,
    gamma: S::V,
    sweep: &mut Sweep<T>,
    queue: &mut Queue<'_, T>,
) -> bool {
    let zero = simd.splat(T::ZERO);
    let present = pairs.present(simd, first);
    let (left, right) = (pairs.left + first, pairs.right + first);
    let (x, y) = (Side::load(simd, queue, left), Side::load(simd, queue, right));
    let gamma = S::V::select(present, gamma * (x.factor * y.factor), zero);
    let gamma2 = gamma * gamma;
    // Written so that a zero column counts as orthogonal.
    let rotates = gamma2.gt(simd.splat(threshold) * x.length2 * y.length2);
    let (mut x_new, mut y_new) = (x, y);
    let mut unsettled = false;
    if S::V::any(rotates) {
        sweep.rotated = true;
        let place = pairs.place(first);
        let shift = at(queue.exponent, place + 1).wrapping_sub(at(queue.exponent, place));
        let r = angles.find(x.length2, y.length2, gamma, shift);
        let cosine2 = gamma2 / (x.length2 * y.length2);
        raise(simd, &mut sweep.worst_cosine2, S::V::select(rotates, cosine2, zero));
        raise(simd, &mut sweep.worst_tangent2, S::V::select(rotates, r.t * r.t, zero));
        // The common factor c is left to the columns' factors: two products an entry, not four.
        let (y_over_x, x_over_y) = (y.factor / x.factor, x.factor / y.factor);
        let [x_left, x_right] = &mut queue.x;
        S::V::select(rotates, r.to_x * y_over_x, zero).store_at(x_left, first);
        S::V::select(rotates, r.to_y * x_over_y, zero).store_at(x_right, first);
        if !sweep.shared {
            let [w_left, w_right] = &mut queue.w;
            S::V::select(rotates, r.t * y_over_x, zero).store_at(w_left, first);
            S::V::select(rotates, r.t * x_over_y, zero).store_at(w_right, first);
        }
        // Each column inherits the errors of both and adds a rounding error of its own.
        let epsilon2 = simd.splat(T::EPSILON * T::EPSILON);
        let error_x = epsilon2.mul_add(x.length2, x.noise2);
        let error_y = epsilon2.mul_add(y.length2, y.noise2);
        let both_x = (r.to_x * r.to_x).mul_add(error_y, error_x);
        let both_y = (r.to_y * r.to_y).mul_add(error_x, error_y);
        let turned_x = x.turned(simd, zero - r.to_x * gamma, both_x, r.c);
        let turned_y = y.turned(simd, r.to_y * gamma, both_y, r.c);
        x_new = Side::select(rotates, turned_x, x);
        y_new = Side::select(rotates, turned_y, y);
        unsettled = x_new.is_unsettled(simd) | y_new.is_unsettled(simd);
    } else {
        for values in queue.x.iter_mut().chain(&mut queue.w) {
            zero.store_at(values, first);
        }
    }
    // The column without a partner stays where it is. (A masked store would take many times as long.)
    let alone = pairs.left + pairs.count;
    let kept = Side::at(queue, alone);
    x_new.store(queue, right);
    y_new.store(queue, left);
    if pairs.last_alone && pairs.count < first + S::V::LEN {
        kept.put(queue, alone);
    }
    unsettled
}

/// [`turn`] for a single pair of columns with exponents of their own. The rare case, and compiled once.
#[inline(never)]
fn turn_unlike<T: Scalar>(
    threshold: T,
    pairs: Pairs,
    pair: usize,
    gamma: T,
    sweep: &mut Sweep<T>,
    queue: &mut Queue<'_, T>,
) -> bool {
    turn(Single, &Unlike, threshold, pairs, pair, gamma, sweep, queue)
}

/// The larger value in each place.
#[inline(always)]
fn raise<T: Scalar, S: Simd<T>>(simd: S, worst: &mut [T; MAX_LANES], v: S::V) {
    // Not by select: the compiler would make a masked store of it, which takes many times as long.
    v.larger(simd.load(worst)).store(worst);
}

/// `Σ xᵢ·xⱼ` over all rows.
fn inner_product<T: Scalar>(layout: Layout, x: &[T], i: usize, j: usize) -> T {
    (0..layout.columns)
        .map(|row| row * layout.stride)
        .fold(T::ZERO, |sum, row| sum + at(x, row + i) * at(x, row + j))
}

/// Computes lost lengths afresh. A column that is no longer than its rounding error is set to zero:
/// rotating noise would go on until it underflows.
#[cold]
#[inline(never)]
fn settle<T: Scalar>(columns: usize, len: usize, x: &mut [T], queue: &mut Queue<'_, T>) {
    let layout = Layout::new(columns, len);
    for place in 0..layout.columns {
        let i = layout.at(place);
        if at(queue.length2, i) >= T::ZERO {
            continue;
        }
        let length2 = inner_product(layout, x, i, i);
        let kept = length2 > at(queue.noise2, i);
        put(queue.length2, i, if kept { length2 } else { T::ZERO });
        if !kept {
            for row in 0..layout.columns {
                put(x, row * layout.stride + i, T::ZERO);
            }
        }
    }
}

/// Largest |cosine| between two columns, whose squared lengths are known.
#[cold]
#[inline(never)]
pub(super) fn largest_cosine<T: Scalar>(
    columns: usize,
    len: usize,
    x: &[T],
    queue: &Queue<'_, T>,
) -> f32 {
    let layout = Layout::new(columns, len);
    let mut worst = T::ZERO;
    for p in 0..layout.columns {
        for q in 0..p {
            let (p, q) = (layout.at(p), layout.at(q));
            let gamma = inner_product(layout, x, p, q).abs();
            let lengths = at(queue.length2, p).sqrt() * at(queue.length2, q).sqrt();
            if gamma > worst * lengths {
                worst = gamma / lengths;
            }
        }
    }
    worst.to_f32()
}

/// Multiplies every column by its factor.
#[inline(always)]
fn scale_columns<T: Scalar, S: Simd<T>>(simd: S, layout: Layout, rows: &mut [T], factors: &[T]) {
    let rows = rows.get_mut(..layout.stride * layout.columns).unwrap_or(&mut []);
    let mut i = 0;
    while i < layout.stride {
        let factor = simd.load_at(factors, i);
        for row in rows.chunks_exact_mut(layout.stride) {
            (simd.load_at(row, i) * factor).store_at(row, i);
        }
        i += S::V::LEN;
    }
}

/// The entries of a register full of pairs in one row: `(x, y) ← (y + b·x, x + a·y)`.
#[inline(always)]
fn shear<T: Scalar, S: Simd<T>>(
    simd: S,
    [a, b]: [S::V; 2],
    row: &mut [T],
    (left, right): (usize, usize),
) {
    let (x, y) = (simd.load_at(row, left), simd.load_at(row, right));
    a.mul_add(y, x).store_at(row, right);
    b.mul_add(x, y).store_at(row, left);
}

/// Shears the columns of every pair and lets them change places:
/// `(x, y) ← (y + b·x, x − a·y)`.
#[inline(always)]
fn shear_pairs<T: Scalar, S: Simd<T>>(
    simd: S,
    layout: Layout,
    pairs: Pairs,
    rows: &mut [T],
    [a, b]: &[&mut [T]; 2],
) {
    let rows = rows.get_mut(..layout.stride * layout.columns).unwrap_or(&mut []);
    let mut first = 0;
    while first < pairs.count {
        let a = simd.splat(T::ZERO) - simd.load_at(a, first);
        let b = simd.load_at(b, first);
        let (left, right) = (pairs.left + first, pairs.right + first);
        if pairs.last_alone && pairs.count < first + S::V::LEN {
            // One column stays where it is. (A masked store would take many times as long.)
            let alone = pairs.left + pairs.count;
            for row in rows.chunks_exact_mut(layout.stride) {
                let kept = at(row, alone);
                shear(simd, [a, b], row, (left, right));
                put(row, alone, kept);
            }
        } else {
            // Two rows at a time, for fewer turns of the loop.
            let mut twos = rows.chunks_exact_mut(2 * layout.stride);
            for two in twos.by_ref() {
                let (x, y) = (simd.load_at(two, left), simd.load_at(two, right));
                let below = layout.stride;
                let (z, w) = (simd.load_at(two, left + below), simd.load_at(two, right + below));
                a.mul_add(y, x).store_at(two, right);
                b.mul_add(x, y).store_at(two, left);
                a.mul_add(w, z).store_at(two, right + below);
                b.mul_add(z, w).store_at(two, left + below);
            }
            for row in twos.into_remainder().chunks_exact_mut(layout.stride) {
                shear(simd, [a, b], row, (left, right));
            }
        }
        first += S::V::LEN;
    }
}

/// [`shear_pairs`] in several rounds, four rows at a time, so that they stay near meanwhile. `shears` holds
/// `−a` and `b` of one round after the other.
#[inline(always)]
fn shear_rounds<T: Scalar, S: Simd<T>>(
    simd: S,
    layout: Layout,
    rounds: core::ops::Range<usize>,
    rows: &mut [T],
    shears: &[T],
) {
    let rows = rows.get_mut(..layout.stride * layout.columns).unwrap_or(&mut []);
    for four in rows.chunks_mut(4 * layout.stride) {
        let mut shears = shears.chunks_exact(2 * layout.even);
        for round in rounds.clone() {
            let Some((a, b)) = shears.next().and_then(|both| both.split_at_checked(layout.even))
            else {
                return;
            };
            // Two calls, so that each is compiled for its places.
            if round & 1 == 0 {
                shear_rows(simd, layout, layout.pairs(0), four, [a, b]);
            } else {
                shear_rows(simd, layout, layout.pairs(1), four, [a, b]);
            }
        }
    }
}

/// A round for a few rows.
#[inline(always)]
fn shear_rows<T: Scalar, S: Simd<T>>(
    simd: S,
    layout: Layout,
    pairs: Pairs,
    rows: &mut [T],
    [a, b]: [&[T]; 2],
) {
    let alone = pairs.left + pairs.count;
    let mut kept = [T::ZERO; 4];
    for (kept, row) in kept.iter_mut().zip(rows.chunks_exact(layout.stride)) {
        *kept = at(row, alone);
    }
    let mut first = 0;
    while first < pairs.count {
        let (a, b) = (simd.load_at(a, first), simd.load_at(b, first));
        let (left, right) = (pairs.left + first, pairs.right + first);
        for row in rows.chunks_exact_mut(layout.stride) {
            shear(simd, [a, b], row, (left, right));
        }
        first += S::V::LEN;
    }
    if pairs.last_alone {
        for (&kept, row) in kept.iter().zip(rows.chunks_exact_mut(layout.stride)) {
            put(row, alone, kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;
    use crate::simd::Plain;

    /// Several rounds at once have the bits of one after the other, wherever they begin.
    fn late_rounds_agree<T: Scalar>() {
        let mut generator = rng::seeded(3);
        let mut draw = || rng::uniform::<T>(&mut generator) - T::HALF;
        for columns in [5, 16, 19, 24] {
            let layout = Layout::new(columns, T::LANES);
            for start in 0..2 {
                let mut once = [T::ZERO; 24 * 80];
                once.fill_with(&mut draw);
                let mut late = once;
                let mut noted = [T::ZERO; LAG * 2 * 16];
                let shears = noted.chunks_exact_mut(2 * layout.even).take(LAG);
                for (round, shears) in (start..).zip(shears) {
                    let pairs = layout.pairs(round);
                    let (mut a, mut b) = ([T::ZERO; 16], [T::ZERO; 16]);
                    for (a, b) in a.iter_mut().zip(&mut b).take(pairs.count) {
                        (*a, *b) = (draw(), draw());
                    }
                    shear_pairs(Plain, layout, pairs, &mut once, &[&mut a, &mut b]);
                    let (noted_a, noted_b) = shears.split_at_mut(layout.even);
                    for (noted, &a) in noted_a.iter_mut().zip(&a) {
                        *noted = T::ZERO - a;
                    }
                    noted_b.copy_from_slice(b.get(..layout.even).unwrap_or(&[]));
                }
                shear_rounds(Plain, layout, start..start + LAG, &mut late, &noted);
                let used = layout.stride * columns;
                assert!(once.get(..used) == late.get(..used), "{columns} from round {start}");
            }
        }
    }

    #[test]
    fn several_rounds_at_once_have_the_bits_of_one_after_the_other() {
        late_rounds_agree::<f32>();
        late_rounds_agree::<f64>();
    }
}
