//! Candidates for the leading singular triplets of a dense matrix, by way of a bidiagonal one, and for
//! the leading eigenpairs of a symmetric one, by way of a tridiagonal one.
//!
//! `A·Q = P·B` with orthonormal columns and an upper bidiagonal `B`, whose triplets give those of
//! `A`. Two ways lead there:
//!
//! - Golub–Kahan–Lanczos: a column of `Q` and `P` at a time from products with `A` and `Aᵀ`, each
//!   made orthogonal to all before. Where the values decay, a few columns hold all that matters. A
//!   Krylov space sees one vector of a repeated value only; what it has not seen shows in
//!   `‖A‖_F² − ‖B‖_F²`, and nothing larger than the value wanted last may hide there.
//! - Householder reflections from both sides: all columns, at the cost of a few dozen products.
//!   Repeated values come out like any other.
//!
//! The first way is tried where the matrix is large enough, and left for the second as soon as its
//! first columns have not collected most of `‖A‖_F²`.
//!
//! Source: Golub & Van Loan, *Matrix Computations*, §5.4.8, §10.4.

use super::eigh::tridiagonalize;
use super::qr::householder;
use super::rows::{Strip, strips};
use super::tridiagonal::{Brackets, Multipliers, Tridiagonal, lift, vectors};
use super::truncated::Scaling;
use super::{at, copy, put};
use crate::mat::Mat;
use crate::scalar::Scalar;
use crate::simd::{Kernel, Lanes, Simd};

/// Below this number of columns the reflections cost less than the products.
const FEWEST_FOR_KRYLOV: usize = 24;

/// Memory of a search for the leading triplets of an `M × N` matrix, `M ≥ N`.
pub(super) struct Bidiagonal<T, const M: usize, const N: usize> {
    /// `P`, or the vectors of the reflections from the left.
    left: Mat<T, M, N>,
    /// `Q`, or the vectors of the reflections from the right.
    right: Mat<T, N, N>,
    /// `B`: each diagonal entry and the one to the right of it.
    entries: [[T; 2]; N],
    /// Factors of the reflections from the left and from the right.
    tau: [[T; 2]; N],
}

impl<T: Scalar, const M: usize, const N: usize> Bidiagonal<T, M, N> {
    pub(super) fn new() -> Self {
        Self {
            left: Mat::zeros(),
            right: Mat::zeros(),
            entries: [[T::ZERO; 2]; N],
            tau: [[T::ZERO; 2]; N],
        }
    }
}

/// What is searched for, where, and how long.
pub(super) struct Search<'a, T, const M: usize, const N: usize, const K: usize> {
    pub(super) memory: &'a mut Bidiagonal<T, M, N>,
    /// Finite.
    pub(super) a: &'a Mat<T, M, N>,
    pub(super) scaling: Scaling,
    /// The largest exponent of an entry.
    pub(super) exponent: i32,
    /// Largest residual relative to the largest value.
    pub(super) goal: T,
    /// Columns of `B` that may be computed.
    pub(super) budget: usize,
    /// Candidates. Before the search `v` holds vectors to start from.
    pub(super) u: &'a mut Mat<T, M, K>,
    pub(super) v: &'a mut Mat<T, N, K>,
}

/// How a search went.
pub(super) struct Found {
    /// Columns of `B` that were computed.
    pub(super) columns: usize,
    /// Whether there are candidates, orthonormal on both sides.
    pub(super) orthonormal: bool,
}

impl<T: Scalar, const M: usize, const N: usize, const K: usize> Kernel<T>
    for Search<'_, T, M, N, K>
{
    type Output = Found;

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) -> Found {
        let none = simd.splat(T::ZERO);
        let (mut down, mut up) = ([[none; 2]; N], [[none; 2]; N]);
        let mut memory = Multipliers { down: down.as_flattened_mut(), up: up.as_flattened_mut() };
        // Right and left entries in turn: eigenvectors of `[0 Bᵀ; B 0]`, rows and columns shuffled.
        let mut pairs = [[[T::ZERO; 2]; N]; K];
        let (mut low, mut high) = ([T::ZERO; K], [T::ZERO; K]);
        let mut krylov = Krylov::start(simd, &self);
        loop {
            let mut size = N;
            let by_krylov = krylov.grow(simd, &mut self);
            if by_krylov {
                size = krylov.size;
            } else if self.budget >= krylov.size.saturating_add(N) {
                self.reduce(simd);
            } else {
                return Found { columns: krylov.size, orthonormal: false };
            }
            let last = at(self.memory.entries.as_flattened(), 2 * size - 1);
            let mut entries = self.memory.entries;
            let off = entries.as_flattened_mut().get_mut(..2 * size - 1).unwrap_or(&mut []);
            for x in off.iter_mut() {
                *x = lift(*x);
            }
            let mut brackets = Brackets::new(&mut low, &mut high);
            for attempt in 0..2 {
                brackets.find(simd, &Tridiagonal { diagonal: &[], off }, T::TWO);
                if attempt == 1 || brackets.isolated() {
                    break;
                }
                // Equal values have no vectors of their own: values that differ by less than the
                // tolerance have.
                perturb(off, T::from_f64(1.0 / 16.0) * self.goal * at(brackets.low, 0));
            }
            if by_krylov && !krylov.sees(at(brackets.low, K - 1)) {
                continue;
            }
            let matrix = Tridiagonal { diagonal: &[], off };
            let flat = pairs.as_flattened_mut().as_flattened_mut();
            let noise = brackets.noise;
            vectors(simd, &matrix, (&low, &high), noise, &mut memory, flat, 2 * N);
            if by_krylov {
                let ends = pairs.iter().map(|pair| at(pair.as_flattened(), 2 * size - 1).abs());
                let worst = ends.fold(T::ZERO, |worst, end| if end > worst { end } else { worst });
                // √2, since each half of a pair has the length √½, and some more.
                if worst * last * T::from_f64(1.5) > self.goal * at(&low, 0) {
                    continue;
                }
            }
            let columns = if by_krylov { size } else { krylov.size.saturating_add(N) };
            let orthonormal = self.expand(simd, &pairs, size, by_krylov);
            return Found { columns, orthonormal };
        }
    }
}

/// Adds differences of at most `size` to the entries, none the same.
#[inline(always)]
fn perturb<T: Scalar>(entries: &mut [T], size: T) {
    // Multiples of the golden ratio, modulo 1, are spread evenly.
    let mut part = T::HALF;
    for x in entries {
        part += T::from_f64(0.618_033_988_749_895);
        part = if part > T::ONE { part - T::ONE } else { part };
        *x = lift(*x + size * part);
    }
}

/// A search for the eigenpairs of largest magnitude of a symmetric matrix, by way of a tridiagonal
/// one.
pub(super) struct PairSearch<'a, T, const N: usize, const K: usize> {
    /// Finite. Replaced by the vectors of the reflections.
    pub(super) a: &'a mut Mat<T, N, N>,
    /// The largest exponent of an entry.
    pub(super) exponent: i32,
    /// Largest residual relative to the largest value.
    pub(super) goal: T,
    /// Candidates, not in order.
    pub(super) vectors: &'a mut Mat<T, N, K>,
}

impl<T: Scalar, const N: usize, const K: usize> Kernel<T> for PairSearch<'_, T, N, K> {
    /// Whether the candidates are orthonormal.
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> bool {
        let none = simd.splat(T::ZERO);
        if self.exponent != 0 {
            for x in self.a.as_mut_slice() {
                *x = x.scale_exp2(-self.exponent);
            }
        }
        let (mut diagonal, mut off) = ([T::ZERO; N], [T::ZERO; N]);
        tridiagonalize(simd, N, self.a.as_mut_slice(), &mut diagonal, &mut off);
        for x in &mut off {
            *x = lift(*x);
        }
        // From above for the matrix, from below for its negative.
        let (mut low, mut high, mut noise) = ([[T::ZERO; K]; 2], [[T::ZERO; K]; 2], T::ZERO);
        let (mut diagonals, mut offs) = ([diagonal; 2], [off; 2]);
        for attempt in 0..2 {
            let [_, negative] = &mut diagonals;
            *negative = diagonal.map(|x| -x);
            let [_, negative] = &mut offs;
            *negative = off.map(|x| -x);
            let (mut isolated, mut largest) = (true, T::ZERO);
            for (((low, high), diagonal), off) in
                low.iter_mut().zip(&mut high).zip(&diagonals).zip(&offs)
            {
                let mut brackets = Brackets::new(low, high);
                let off = off.get(..N - 1).unwrap_or(&[]);
                // The magnitudes of both ends are told apart by their brackets.
                let longest = T::from_f64(0.25) * self.goal;
                brackets.find(simd, &Tridiagonal { diagonal, off }, longest);
                isolated &= brackets.isolated();
                noise = brackets.noise;
                largest = largest.max(at(brackets.high, 0));
            }
            if isolated || attempt == 1 {
                break;
            }
            let size = T::from_f64(1.0 / 16.0) * self.goal * largest;
            perturb(&mut diagonal, size);
            perturb(&mut off, size);
            (diagonals, offs) = ([diagonal; 2], [off; 2]);
        }
        // The largest magnitudes, from both ends.
        let [above, below] = &high;
        let mut from_above = 0;
        for count in 0..K {
            if at(above, from_above) >= at(below, count - from_above) {
                from_above += 1;
            }
        }
        let (mut down, mut up) = ([none; N], [none; N]);
        let mut memory = Multipliers { down: &mut down, up: &mut up };
        let columns = self.vectors.as_mut_slice();
        let (first, second) = columns.split_at_mut_checked(from_above * N).unwrap_or_default();
        let halves = [(first, from_above), (second, K - from_above)];
        for ((((low, high), diagonal), off), (out, count)) in
            low.iter().zip(&high).zip(&diagonals).zip(&offs).zip(halves)
        {
            let brackets = (low.get(..count).unwrap_or(&[]), high.get(..count).unwrap_or(&[]));
            let off = off.get(..N - 1).unwrap_or(&[]);
            vectors(simd, &Tridiagonal { diagonal, off }, brackets, noise, &mut memory, out, N);
        }
        if !orthonormal(simd, &mut self.vectors.cols) {
            return false;
        }
        for (k, column) in self.a.cols.iter_mut().enumerate().take(N.saturating_sub(2)).rev() {
            let tau = at(column, k + 1);
            column.get_mut(..=k).unwrap_or(&mut []).fill(T::ZERO);
            put(column, k + 1, T::ONE);
            reflect_all(simd, column, tau, &mut self.vectors.cols);
        }
        true
    }
}

/// Columns beyond the number of triplets after which residuals may be within the tolerance: those of
/// values that fall by a fifth each are.
const fn first_look<T: Scalar>() -> usize {
    if T::DIGITS <= 24 { 8 } else { 16 }
}

/// The state of the Golub–Kahan–Lanczos process.
struct Krylov<T> {
    /// Columns of `B` that are there.
    size: usize,
    /// Columns of `B` that it may have; zero once there is no more use in it.
    limit: usize,
    /// `‖A‖_F²`, and what of it is outside `A·Q`.
    total: T,
    left: T,
}

impl<T: Scalar> Krylov<T> {
    #[inline(always)]
    fn start<S: Simd<T>, const M: usize, const N: usize, const K: usize>(
        simd: S,
        search: &Search<'_, T, M, N, K>,
    ) -> Self {
        let mut out = Self { size: 0, limit: 0, total: T::ZERO, left: T::ZERO };
        let limit = (N / 2).min(search.budget);
        // Products with a matrix outside mid-range would have to be scaled, each of them.
        if N < FEWEST_FOR_KRYLOV || limit < K + first_look::<T>() || search.scaling.exponent() != 0
        {
            return out;
        }
        let columns = &search.a.cols;
        out.total = columns.iter().fold(T::ZERO, |sum, col| sum + simd.dot(col, col));
        out.left = out.total;
        out.limit = limit;
        out
    }

    /// Columns up to the next point at which it is worth looking at the values. Returns whether
    /// they lead anywhere.
    #[inline(always)]
    fn grow<S: Simd<T>, const M: usize, const N: usize, const K: usize>(
        &mut self,
        simd: S,
        search: &mut Search<'_, T, M, N, K>,
    ) -> bool {
        let further = first_look::<T>();
        let target = if self.size == 0 { K + further } else { self.size + further / 2 };
        let target = target.min(self.limit);
        if self.size >= target {
            self.limit = 0;
            return false;
        }
        while self.size < target {
            let hopeless = self.size == K + 4 && self.left > T::HALF * self.total;
            if hopeless || !self.step(simd, search) {
                self.limit = 0;
                return false;
            }
        }
        true
    }

    /// One more column; false if only rounding noise is left for it.
    #[inline(always)]
    fn step<S: Simd<T>, const M: usize, const N: usize, const K: usize>(
        &mut self,
        simd: S,
        search: &mut Search<'_, T, M, N, K>,
    ) -> bool {
        let (j, columns) = (self.size, &search.a.cols);
        let Bidiagonal { left, right, entries, .. } = &mut *search.memory;
        let noise = T::from_f64(64.0) * T::EPSILON * self.total.sqrt();
        let Some((p_before, [p, ..])) = left.cols.split_at_mut_checked(j) else { return false };
        if j == 0 {
            // A sum of the start vectors, turned into the row space.
            let mut x = [T::ZERO; N];
            add_columns(simd, &search.v.cols, &[T::ONE; K], &mut x);
            *p = [T::ZERO; M];
            add_columns(simd, columns, &x, p);
            let [q, ..] = right.cols.as_mut_slice() else { return false };
            simd.products(columns, p, q);
            if !(normalize(simd, q) > T::ZERO) {
                return false;
            }
        }
        let Some((q_before, q_rest)) = right.cols.split_at_mut_checked(j + 1) else { return false };
        let (Some(q), [next, ..]) = (q_before.last(), q_rest) else { return false };
        *p = [T::ZERO; M];
        add_columns(simd, columns, q, p);
        let beta = at(entries.as_flattened(), (2 * j).wrapping_sub(1));
        if let Some(last) = p_before.last() {
            subtract(simd, beta, last, p);
        }
        project_out(simd, p_before, p, &mut [T::ZERO; N]);
        let alpha = normalize(simd, p);
        if !(alpha > noise) {
            return false;
        }
        simd.products(columns, p, next);
        subtract(simd, alpha, q, next);
        project_out(simd, q_before, next, &mut [T::ZERO; N]);
        let following = normalize(simd, next);
        if !(following > noise) {
            return false;
        }
        put(entries, j, [alpha, following]);
        self.left = self.left - alpha * alpha - beta * beta;
        self.size = j + 1;
        true
    }

    /// Whether no value as large as this can be hidden from it.
    #[inline(always)]
    fn sees(&self, value: T) -> bool {
        value > T::ZERO && self.left + T::from_f64(32.0) * T::EPSILON * self.total < value * value
    }
}

impl<T: Scalar, const M: usize, const N: usize, const K: usize> Search<'_, T, M, N, K> {
    /// `A = P·B·Qᵀ` by reflections, whose vectors are kept.
    #[inline(always)]
    fn reduce<S: Simd<T>>(&mut self, simd: S) {
        let Bidiagonal { left, right, entries, tau } = &mut *self.memory;
        for (to, &from) in left.as_mut_slice().iter_mut().zip(self.a.as_slice()) {
            *to = if self.exponent == 0 { from } else { from.scale_exp2(-self.exponent) };
        }
        bidiagonalize(simd, left, entries, |k, vector, factors| {
            put(&mut right.cols, k, *vector);
            put(tau, k, factors);
        });
    }

    /// Candidates from the vectors of `B`. Returns whether they are orthonormal.
    #[inline(always)]
    fn expand<S: Simd<T>>(
        &mut self,
        simd: S,
        pairs: &[[[T; 2]; N]; K],
        size: usize,
        by_krylov: bool,
    ) -> bool {
        let (u, v) = (&mut self.u.cols, &mut self.v.cols);
        for ((pair, u), v) in pairs.iter().zip(&mut *u).zip(&mut *v) {
            (*u, *v) = ([T::ZERO; M], [T::ZERO; N]);
            for ((&[right, left], u), v) in pair.iter().zip(u).zip(v).take(size) {
                (*u, *v) = (left, right);
            }
        }
        if !(orthonormal(simd, u) && orthonormal(simd, v)) {
            return false;
        }
        let Bidiagonal { left, right, tau, .. } = &*self.memory;
        if by_krylov {
            let (left, right) = (left.cols.get(..size), right.cols.get(..size));
            for u in &mut *u {
                let weights = *u;
                *u = [T::ZERO; M];
                add_columns(simd, left.unwrap_or(&[]), &weights, u);
            }
            for v in &mut *v {
                let weights = *v;
                *v = [T::ZERO; N];
                add_columns(simd, right.unwrap_or(&[]), &weights, v);
            }
            return orthonormal(simd, u) && orthonormal(simd, v);
        }
        for ((left, right), &[tau_left, tau_right]) in
            left.cols.iter().zip(&right.cols).zip(tau).rev()
        {
            reflect_all(simd, left, tau_left, u);
            reflect_all(simd, right, tau_right, v);
        }
        true
    }
}

/// `A = P·B·Qᵀ` by reflections: `B` goes to `entries`, each diagonal entry and the one to the right of
/// it, and the vectors of the reflections from the left stay in `left`, where `A` was. `keep` gets
/// the vector of each reflection from the right, and the factors of both.
///
/// The update by the reflection from the left, `A ← A − v·wᵀ` with `w = τ·Aᵀ·v`, and the product
/// for the one from the right, `z = τ·A·r`, are done in one pass over `A`; the update by the
/// latter, `A ← A − z·rᵀ`, waits for the next pass.
#[inline(always)]
pub(super) fn bidiagonalize<T: Scalar, S: Simd<T>, const M: usize, const N: usize>(
    simd: S,
    left: &mut Mat<T, M, N>,
    entries: &mut [[T; 2]; N],
    mut keep: impl FnMut(usize, &[T; N], [T; 2]),
) {
    let (mut z, mut r, mut w) = ([T::ZERO; M], [T::ZERO; N], [T::ZERO; N]);
    for k in 0..N {
        let Some([v, rest @ ..]) = left.cols.get_mut(k..) else { return };
        subtract(simd, at(&r, k), &z, v);
        v.get_mut(..k).unwrap_or(&mut []).fill(T::ZERO);
        let tau_left = householder(simd, v, k);
        let diagonal = at(v, k);
        put(v, k, T::ONE);

        simd.products(rest, v, w.get_mut(k + 1..).unwrap_or(&mut []));
        let along = simd.dot(&z, v);
        let mut next = [T::ZERO; N];
        let (z_k, behind) = (at(&z, k), w.iter_mut().zip(&r).zip(&mut next).skip(k + 1));
        for (((w, &r), next), column) in behind.zip(rest.iter()) {
            *w = tau_left * (*w - r * along);
            *next = (at(column, k) - z_k * r) - *w;
        }
        let tau_right = if k + 2 < N { householder(simd, &mut next, k + 1) } else { T::ZERO };
        put(entries, k, [diagonal, at(&next, k + 1)]);
        put(&mut next, k + 1, T::ONE);
        keep(k, &next, [tau_left, tau_right]);

        let mut image = [T::ZERO; M];
        let behind = |x: &[T; N]| -> [T; N] {
            let mut out = [T::ZERO; N];
            copy(x.get(k + 1..).unwrap_or(&[]), &mut out);
            out
        };
        let weights = [behind(&r), behind(&w), behind(&next)];
        Update { z: &z, v, weights: &weights, columns: rest, image: &mut image }.below(simd, k + 1);
        for (z, &image) in z.iter_mut().zip(&image).skip(k + 1) {
            *z = tau_right * image;
        }
        put(&mut z, k, T::ZERO);
        r = next;
    }
}

/// `x ← (I − τ·v·vᵀ)·x` for every column `x`.
#[inline(always)]
fn reflect_all<T: Scalar, S: Simd<T>, const L: usize, const K: usize>(
    simd: S,
    v: &[T; L],
    tau: T,
    columns: &mut [[T; L]; K],
) {
    let mut along = [T::ZERO; K];
    simd.products(columns, v, &mut along);
    for (x, &along) in columns.iter_mut().zip(&along) {
        subtract(simd, tau * along, v, x);
    }
}

/// Makes the columns orthonormal, if they nearly are already up to their lengths. Returns whether
/// they are.
#[inline(always)]
fn orthonormal<T: Scalar, S: Simd<T>, const L: usize, const K: usize>(
    simd: S,
    columns: &mut [[T; L]; K],
) -> bool {
    let mut sound = true;
    let mut along = [T::ZERO; K];
    for k in 0..K {
        let Some((before, [x, ..])) = columns.split_at_mut_checked(k) else { return false };
        normalize(simd, x);
        let mut left = T::ZERO;
        for _ in 0..3 {
            project_out(simd, before, x, &mut along);
            left = normalize(simd, x);
            // Again where much was taken away.
            if left > T::from_f64(0.99) {
                break;
            }
        }
        sound &= left > T::HALF;
    }
    sound
}

/// `x ← x − Σ bᵢ·(bᵢ·x)`.
#[inline(always)]
fn project_out<T: Scalar, S: Simd<T>, const L: usize>(
    simd: S,
    basis: &[[T; L]],
    x: &mut [T; L],
    along: &mut [T],
) {
    simd.products(basis, x, along);
    for along in along.iter_mut() {
        *along = -*along;
    }
    add_columns(simd, basis, along, x);
}

/// `y ← y − a·x`.
#[inline(always)]
fn subtract<T: Scalar, S: Simd<T>, const L: usize>(simd: S, a: T, x: &[T; L], y: &mut [T; L]) {
    add_columns(simd, core::slice::from_ref(x), &[-a], y);
}

/// Brings `x` to length 1 and returns the length it had.
#[inline(always)]
fn normalize<T: Scalar, S: Simd<T>, const L: usize>(simd: S, x: &mut [T; L]) -> T {
    let length = simd.dot(x, x).sqrt();
    strips(simd, (0, L), &mut Scale { factor: T::ONE / length, x });
    length
}

/// `x ← factor·x`.
struct Scale<'a, T, const L: usize> {
    factor: T,
    x: &'a mut [T; L],
}

impl<T: Scalar, const L: usize> Strip<T> for Scale<'_, T, L> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        (simd.load_at(self.x, i) * simd.splat(self.factor)).store_at(self.x, i);
    }
}

/// Registers side by side in one pass over columns: with fewer, the adders wait; more do not fit.
const SIDE_BY_SIDE: usize = if cfg!(feature = "fast") { 4 } else { 2 };

/// `y ← y + Σ wⱼ·columnⱼ`.
#[inline(always)]
pub(super) fn add_columns<T: Scalar, S: Simd<T>, const L: usize>(
    simd: S,
    columns: &[[T; L]],
    weights: &[T],
    y: &mut [T; L],
) {
    let mut sum = AddColumns { columns, weights, y };
    let mut i = 0;
    while i + SIDE_BY_SIDE * S::V::LEN <= L {
        sum.registers::<S, SIDE_BY_SIDE>(simd, i);
        i += SIDE_BY_SIDE * S::V::LEN;
    }
    strips(simd, (i, L), &mut sum);
}

struct AddColumns<'a, T, const L: usize> {
    columns: &'a [[T; L]],
    weights: &'a [T],
    y: &'a mut [T; L],
}

impl<T: Scalar, const L: usize> AddColumns<'_, T, L> {
    #[inline(always)]
    fn registers<S: Simd<T>, const G: usize>(&mut self, simd: S, i: usize) {
        let none = simd.splat(T::ZERO);
        let (mut even, mut odd) = ([none; G], [none; G]);
        let (mut columns, mut weights) =
            (self.columns.chunks_exact(2), self.weights.chunks_exact(2));
        for (columns, weights) in columns.by_ref().zip(weights.by_ref()) {
            if let ([a, b], [x, y]) = (columns, weights) {
                let (x, y) = (simd.splat(*x), simd.splat(*y));
                for (g, (even, odd)) in even.iter_mut().zip(&mut odd).enumerate() {
                    *even = simd.load_at(a, i + g * S::V::LEN).mul_add(x, *even);
                    *odd = simd.load_at(b, i + g * S::V::LEN).mul_add(y, *odd);
                }
            }
        }
        if let [last] = columns.remainder() {
            let x = simd.splat(at(self.weights, self.columns.len() - 1));
            for (g, even) in even.iter_mut().enumerate() {
                *even = simd.load_at(last, i + g * S::V::LEN).mul_add(x, *even);
            }
        }
        for (g, (&even, &odd)) in even.iter().zip(&odd).enumerate() {
            let at = i + g * S::V::LEN;
            (simd.load_at(self.y, at) + (even + odd)).store_at(self.y, at);
        }
    }
}

impl<T: Scalar, const L: usize> Strip<T> for AddColumns<'_, T, L> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        self.registers::<S, 1>(simd, i);
    }
}

/// `columnⱼ ← columnⱼ − rⱼ·z − wⱼ·v` and `image ← Σ nextⱼ·columnⱼ`, with `r`, `w` and `next` as
/// weights.
struct Update<'a, T, const M: usize, const N: usize> {
    z: &'a [T; M],
    v: &'a [T; M],
    weights: &'a [[T; N]; 3],
    columns: &'a mut [[T; M]],
    image: &'a mut [T; M],
}

impl<T: Scalar, const M: usize, const N: usize> Update<'_, T, M, N> {
    /// The rows from `row` on, and perhaps some before it.
    #[inline(always)]
    fn below<S: Simd<T>>(&mut self, simd: S, row: usize) {
        let mut i = row - row % S::V::LEN;
        while i + 2 * S::V::LEN <= M {
            self.registers::<S, 2>(simd, i);
            i += 2 * S::V::LEN;
        }
        strips(simd, (i, M), self);
    }

    #[inline(always)]
    fn registers<S: Simd<T>, const G: usize>(&mut self, simd: S, i: usize) {
        let none = simd.splat(T::ZERO);
        let (mut z, mut v, mut image) = ([none; G], [none; G], [none; G]);
        for (g, (z, v)) in z.iter_mut().zip(&mut v).enumerate() {
            *z = none - simd.load_at(self.z, i + g * S::V::LEN);
            *v = none - simd.load_at(self.v, i + g * S::V::LEN);
        }
        let [r, w, next] = self.weights;
        for (column, ((&r, &w), &next)) in self.columns.iter_mut().zip(r.iter().zip(w).zip(next)) {
            let (r, w, next) = (simd.splat(r), simd.splat(w), simd.splat(next));
            for (g, ((&z, &v), image)) in z.iter().zip(&v).zip(&mut image).enumerate() {
                let at = i + g * S::V::LEN;
                let less = v.mul_add(w, z.mul_add(r, simd.load_at(column, at)));
                less.store_at(column, at);
                *image = less.mul_add(next, *image);
            }
        }
        for (g, &image) in image.iter().enumerate() {
            image.store_at(self.image, i + g * S::V::LEN);
        }
    }
}

impl<T: Scalar, const M: usize, const N: usize> Strip<T> for Update<'_, T, M, N> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        self.registers::<S, 1>(simd, i);
    }
}
