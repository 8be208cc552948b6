//! Singular values alone, by way of a bidiagonal matrix.
//!
//! 1. `A = P·B·Qᵀ` by Householder reflections from both sides; `P` and `Q` are not formed.
//! 2. The quotient–difference algorithm with shifts (dqds) on the squares `qᵢ = bᵢᵢ²` and
//!    `eᵢ = bᵢ,ᵢ₊₁²`. One pass turns `B` into another bidiagonal matrix whose squared singular values
//!    are smaller by the shift `σ`:
//!
//!    ```text
//!    d₀ = q₀ − σ,   q′ᵢ = dᵢ + eᵢ,   e′ᵢ = eᵢ·qᵢ₊₁/q′ᵢ,   dᵢ₊₁ = dᵢ·qᵢ₊₁/q′ᵢ − σ
//!    ```
//!
//!    With `σ` just below the smallest square the last `e` vanishes, and the sum of all shifts is
//!    that square. If a `d` is negative, `σ` was too large.
//!
//! One step of a pass waits for a division and does little else. So a pass tries several shifts, one
//! in each place of a register, and the largest that was not too large is kept. The first one is zero,
//! which never is: no pass is in vain, none has to be done again, and the shifts may be bold.
//!
//! The reflections change the values by a few `ε·‖A‖`, whatever their size, so this way is taken only
//! where columns have similar lengths. Let `B` be `A` with its columns brought to the same length, the
//! longest at most four times the shortest before. Sweeps give every value to a relative error of about
//! `ε·κ(B)`, and the error here is about `ε·κ(A) ≤ 4·ε·κ(B)`: the same up to a small factor. The second
//! step adds `ε` times the values themselves.
//!
//! Source: Golub & Van Loan, *Matrix Computations*, §5.4.8; Fernando & Parlett, "Accurate singular
//! values and differential qd algorithms", Numer. Math. 67 (1994); Parlett & Marques, "An
//! implementation of the dqds algorithm", Linear Algebra Appl. 309 (2000).

use super::leading::bidiagonalize;
use super::{at, max_exponent, put, swap};
use crate::mat::Mat;
use crate::scalar::Scalar;
use crate::simd::{Kernel, Lanes, Simd};

/// Squared ratio of the longest to the shortest column up to which values come out as accurate as by
/// sweeps.
const SIMILAR: f64 = 16.0;

/// Shifts that are tried at once, on every target.
const SHIFTS: usize = 4;

/// What counts as vanished, in `ε` of the shifts. Roundings of a pass are larger.
const VANISHED: f64 = 0.125;

/// Squares below this have vanished against a largest one near 1: their roots are a small part of `ε`.
/// What is left is far from the end of the range.
#[inline(always)]
fn least<T: Scalar>() -> T {
    T::exp2i(T::MIN_EXP / 2)
}

/// Passes for each value after which the other way is taken; two to three are usual.
const MAX_PASSES: usize = 32;

/// Squares of the entries of a bidiagonal matrix, `qᵢ` and `eᵢ`, each with what the last pass made of
/// it for every shift.
type Squares<T, const N: usize> = [[[T; SHIFTS]; 2]; N];

/// Singular values of a finite matrix, descending, infinite where they are too large. Nothing if the
/// lengths of its columns differ too much, or in the unlikely case that there is no end of passes.
#[inline(never)]
pub(super) fn singular_values<T: Scalar, const M: usize, const N: usize>(
    a: &Mat<T, M, N>,
) -> Option<[T; N]> {
    T::dispatch(Values { a })
}

struct Values<'a, T, const M: usize, const N: usize> {
    a: &'a Mat<T, M, N>,
}

impl<T: Scalar, const M: usize, const N: usize> Kernel<T> for Values<'_, T, M, N> {
    type Output = Option<[T; N]>;

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Option<[T; N]> {
        let exponent = max_exponent(self.a.as_slice())?;
        let mut a = *self.a;
        if exponent != 0 {
            for x in a.as_mut_slice() {
                *x = x.scale_exp2(-exponent);
            }
        }
        let (mut shortest, mut longest) = (T::MAX, T::ZERO);
        for col in &a.cols {
            let length2 = simd.dot(col, col);
            (shortest, longest) = (shortest.min(length2), longest.max(length2));
        }
        if !(longest <= T::from_f64(SIMILAR) * shortest) {
            return None;
        }
        let mut entries = [[T::ZERO; 2]; N];
        bidiagonalize(simd, &mut a, &mut entries, |_, _, _| {});
        let mut s = of_bidiagonal(simd, &entries)?;
        for s in &mut s {
            *s = s.scale_exp2(exponent);
        }
        Some(s)
    }
}

/// Singular values, descending, of the upper bidiagonal matrix with these entries, each on the
/// diagonal and beside it. The largest is near 1.
#[inline(always)]
fn of_bidiagonal<T: Scalar, S: Simd<T>, const N: usize>(
    simd: S,
    entries: &[[T; 2]; N],
) -> Option<[T; N]> {
    let mut squares: Squares<T, N> = [[[T::ZERO; SHIFTS]; 2]; N];
    for ([[q, ..], [e, ..]], &[diagonal, off]) in squares.iter_mut().zip(entries) {
        (*q, *e) = (diagonal * diagonal, off * off);
    }
    let (mut waiting, mut s) = ([Block::NONE; N], [T::ZERO; N]);
    let squares = squares.as_flattened_mut().as_flattened_mut();
    let mut iteration = Iteration { squares, waiting: &mut waiting, s: &mut s };
    let found = if S::V::LEN > SHIFTS { iteration.run(simd.half()) } else { iteration.run(simd) };
    // Few are out of place.
    for i in 1..N {
        let mut j = i;
        while j > 0 && at(&s, j) > at(&s, j - 1) {
            swap(&mut s, j, j - 1);
            j -= 1;
        }
    }
    found.then_some(s)
}

/// Rows of the bidiagonal matrix that are treated apart, from `first` to the next block or to `last`.
#[derive(Clone, Copy)]
struct Block<T> {
    first: usize,
    last: usize,
    /// The place of the shift that was kept.
    place: usize,
    /// The sum of all shifts, in two parts.
    shift: T,
    rest: T,
    /// Upper bounds for the smallest square, with and without the last row.
    bound: T,
    bound_before: T,
}

impl<T: Scalar> Default for Block<T> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<T: Scalar> Block<T> {
    const NONE: Self = Self {
        first: 0,
        last: 0,
        place: 0,
        shift: T::ZERO,
        rest: T::ZERO,
        bound: T::ZERO,
        bound_before: T::ZERO,
    };

    /// Adds to the shift; what rounding loses goes to the other part.
    #[inline(always)]
    fn add(&mut self, shift: T) {
        let small = shift + self.rest;
        let sum = self.shift + small;
        self.rest = if self.shift > small {
            small - (sum - self.shift)
        } else {
            self.shift - (sum - small)
        };
        self.shift = sum;
    }

    /// The singular value that belongs to a square less the shifts.
    #[inline(always)]
    fn value(&self, square: T) -> T {
        (self.shift + (self.rest + square)).sqrt()
    }
}

/// The last two rows of `B·Bᵀ`, less the shifts: `[[q₀ + e₀, √(e₀·q₁)], [√(e₀·q₁), q₁ + e₁]]`.
struct Corner<T> {
    /// The diagonal.
    diagonal: [T; 2],
    /// `e₀·q₁`.
    off2: T,
    larger: T,
    /// To high relative accuracy too.
    smaller: T,
}

impl<T: Scalar> Corner<T> {
    #[inline(always)]
    fn new([q_0, e_0]: [T; 2], [q_1, e_1]: [T; 2]) -> Self {
        let (diagonal @ [a, b], off2) = ([q_0 + e_0, q_1 + e_1], e_0 * q_1);
        let root = ((a - b) * (a - b) + T::from_f64(4.0) * off2).sqrt();
        let larger = T::HALF * ((a + b) + root);
        let smaller = if larger > T::ZERO { (q_0 * b + e_0 * e_1) / larger } else { T::ZERO };
        Self { diagonal, off2, larger, smaller }
    }
}

struct Iteration<'a, T> {
    squares: &'a mut [T],
    /// Blocks in front of the one that is worked on.
    waiting: &'a mut [Block<T>],
    s: &'a mut [T],
}

impl<T: Scalar> Iteration<'_, T> {
    /// All singular values, in any order. Returns whether they were found.
    ///
    /// Rows at the end of a block go in one of two ways. None of them changes any square by more than
    /// a small part of `ε` times the smallest one.
    ///
    /// - `q + e` of the last row has vanished against the shifts. Without `q` it is the square: `BᵀB`
    ///   has changed by `q` in one entry. The row's `e` belongs to the others all the same: a
    ///   bidiagonal matrix with one column more.
    /// - The `e` between two rows has vanished. Both sides go on by themselves.
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S) -> bool {
        let n = self.s.len();
        let mut passes = MAX_PASSES * n;
        let (mut block, mut waiting) = (Block { last: n - 1, ..Block::NONE }, 0_usize);
        self.begin(&mut block);
        loop {
            let last = block.last;
            let [q, e] = self.row(&block, last);
            if last <= block.first + 1 {
                if last == block.first {
                    put(self.s, last, block.value(q + e));
                } else {
                    let corner = Corner::new(self.row(&block, block.first), [q, e]);
                    put(self.s, block.first, block.value(corner.larger));
                    put(self.s, last, block.value(corner.smaller));
                }
                let Some(next) = waiting.checked_sub(1) else { return true };
                (block, waiting) = (at(self.waiting, next), next);
                self.begin(&mut block);
                continue;
            }
            let vanished = q + e <= T::from_f64(VANISHED) * T::EPSILON * block.shift + least::<T>();
            match if vanished { Some(last - 1) } else { self.negligible(&block) } {
                Some(i) if i + 1 == last => {
                    put(self.s, last, block.value(q + e));
                    if !vanished {
                        self.put_off(&block, i);
                    }
                    (block.last, block.bound) = (i, block.bound_before);
                    block.bound_before = block.bound;
                }
                Some(i) => {
                    self.put_off(&block, i);
                    put(self.waiting, waiting, Block { last: i, ..block });
                    waiting += 1;
                    block.first = i + 1;
                    self.begin(&mut block);
                }
                None => {
                    if passes == 0 || !self.pass(simd, &mut block) {
                        return false;
                    }
                    passes -= 1;
                }
            }
        }
    }

    /// `q` and `e` of row `i`.
    #[inline(always)]
    fn row(&self, block: &Block<T>, i: usize) -> [T; 2] {
        let q = 2 * SHIFTS * i + block.place;
        [at(self.squares, q), at(self.squares, q + SHIFTS)]
    }

    /// Sets `e` of row `i` to zero.
    #[inline(always)]
    fn put_off(&mut self, block: &Block<T>, i: usize) {
        put(self.squares, 2 * SHIFTS * i + SHIFTS + block.place, T::ZERO);
    }

    /// Looks at a new block: its bounds, and turned upside down if the larger end is below. The
    /// smallest values come out first there.
    #[inline(always)]
    fn begin(&mut self, block: &mut Block<T>) {
        let (Block { first, last, .. }, Some(height)) =
            (*block, block.last.checked_sub(block.first))
        else {
            return;
        };
        let [q, e] = self.row(block, last);
        if e == T::ZERO && q > T::from_f64(1.5) * at(&self.row(block, first), 0) {
            let (mut i, mut j) =
                (2 * SHIFTS * first + block.place, 2 * SHIFTS * last + block.place);
            for _ in 0..height.div_ceil(2) {
                swap(self.squares, i, j);
                swap(self.squares, i + SHIFTS, j - SHIFTS);
                (i, j) = (i + 2 * SHIFTS, j - 2 * SHIFTS);
            }
        }
        block.bound = T::MAX;
        for i in first..=last {
            // The diagonal of B·Bᵀ less the shifts.
            let [q, e] = self.row(block, i);
            block.bound_before = block.bound;
            block.bound = block.bound.min(q + e);
        }
    }

    /// The last row whose `e` may be set to zero: a perturbation of `B` by its root, which changes no
    /// singular value by more than that.
    #[inline(always)]
    fn negligible(&self, block: &Block<T>) -> Option<usize> {
        let limit = T::EPSILON * T::EPSILON * (block.shift + block.bound) + least::<T>();
        (block.first..block.last).rev().find(|&i| {
            let [_, e] = self.row(block, i);
            e <= limit
        })
    }

    /// Zero, and three shifts below or at what the last rows say about the smallest square.
    #[inline(always)]
    fn shifts(&self, block: &Block<T>) -> [T; SHIFTS] {
        let (Some(above), last) = (block.last.checked_sub(2), block.last) else {
            return [T::ZERO; SHIFTS];
        };
        let [q_1, e_1] = self.row(block, last - 1);
        let [q_0, e_0] = self.row(block, above);
        // The eigenvalue of two rows is a bound; the row above takes some more away, to first order
        // its entry with the vector, squared, over the distance.
        let corner = Corner::new([q_1, e_1], self.row(block, last));
        let ([a, _], bound) = (corner.diagonal, corner.smaller);
        let away = (a - bound) * (a - bound) + corner.off2;
        let gap = (q_0 + e_0) - bound;
        let correction = if gap > T::ZERO { e_0 * q_1 * corner.off2 / (gap * away) } else { bound };
        let bound = bound.min(block.bound);
        let less = |part: f64| (bound - T::from_f64(part) * correction).max(T::ZERO);
        let (middle, lower, upper) = (T::from_f64(0.6) * bound, less(2.0), less(1.02));
        if lower < middle {
            [T::ZERO, lower, middle.min(upper), middle.max(upper)]
        } else {
            [T::ZERO, middle, lower, upper]
        }
    }

    /// One pass over the rows of the block. Returns whether a shift was small enough, as zero is unless
    /// squares are below the range of the type.
    #[inline(always)]
    fn pass<S: Simd<T>>(&mut self, simd: S, block: &mut Block<T>) -> bool {
        let shifts = self.shifts(block);
        let [e_last, q_first] =
            [at(&self.row(block, block.last), 1), at(&self.row(block, block.first), 0)];
        let (place, z) = (block.place, &mut *self.squares);

        let none = simd.splat(T::ZERO);
        let groups = SHIFTS / S::V::LEN;
        let (mut less, mut d, mut low, mut before) =
            ([none; SHIFTS], [none; SHIFTS], [none; SHIFTS], [none; SHIFTS]);
        for (g, ((less, d), low)) in
            less.iter_mut().zip(&mut d).zip(&mut low).take(groups).enumerate()
        {
            *less = none - simd.load_at(&shifts, g * S::V::LEN);
            *d = simd.splat(q_first) + *less;
            *low = *d;
        }
        for i in block.first..block.last {
            let row = 2 * SHIFTS * i;
            let e = simd.splat(at(z, row + SHIFTS + place));
            let next = simd.splat(at(z, row + 2 * SHIFTS + place));
            let lanes = less.iter().zip(&mut d).zip(&mut low).zip(&mut before);
            for (g, (((&less, d), low), before)) in lanes.take(groups).enumerate() {
                let sum = *d + e;
                let ratio = next / sum;
                sum.store_at(z, row + g * S::V::LEN);
                (e * ratio).store_at(z, row + SHIFTS + g * S::V::LEN);
                *before = *low;
                *d = ratio.mul_add(*d, less);
                // NaN, which may follow a negative d, does not replace it.
                *low = S::V::select(low.gt(*d), *d, *low);
            }
        }
        let (mut bounds, mut ends) = ([T::ZERO; SHIFTS], [T::ZERO; SHIFTS]);
        for (g, (d, before)) in d.iter().zip(&before).take(groups).enumerate() {
            (*d + simd.splat(e_last)).store_at(&mut ends, g * S::V::LEN);
            before.store_at(&mut bounds, g * S::V::LEN);
        }
        // An end that is negative by no more than what may vanish is zero.
        let kept = shifts.iter().zip(&bounds).zip(&ends).take_while(|&((&shift, &bound), &end)| {
            let least = -T::from_f64(VANISHED) * T::EPSILON * (block.shift + shift);
            bound >= T::ZERO && end >= least && end < T::MAX
        });
        let Some(kept) = kept.count().checked_sub(1) else { return false };
        let shift = at(&shifts, kept);
        block.place = kept;
        block.add(shift);
        block.bound_before = at(&bounds, kept);
        let end = at(&ends, kept).max(T::ZERO);
        block.bound = block.bound_before.min(end);
        if let Some(&next) = shifts.get(kept + 1) {
            block.bound = block.bound.min(next - shift);
        }
        put(z, 2 * SHIFTS * block.last + kept, end);
        put(z, 2 * SHIFTS * block.last + SHIFTS + kept, T::ZERO);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;
    use crate::simd::Plain;

    /// Ones on the diagonal and beside it: `BᵀB` is a second difference matrix, and the singular values
    /// are `2·cos(kπ/(2n + 1))`.
    fn ones<T: Scalar, const N: usize>() {
        let mut entries = [[T::ONE; 2]; N];
        entries[N - 1][1] = T::ZERO;
        let s = of_bidiagonal(Plain, &entries).unwrap();
        for (k, s) in (1..).zip(s) {
            let exact = 2.0 * libm::cos(f64::from(k) * core::f64::consts::PI / (2 * N + 1) as f64);
            let error = (s.to_f64() - exact).abs() / exact;
            assert!(error <= 4.0 * N as f64 * T::EPSILON.to_f64(), "{k}: {s} {exact}");
        }
    }

    #[test]
    fn a_matrix_of_ones_has_known_values() {
        ones::<f32, 1>();
        ones::<f64, 2>();
        ones::<f32, 3>();
        ones::<f64, 16>();
        ones::<f32, 16>();
        ones::<f64, 200>();
    }

    /// Any entries have an end, and values whose squares add up and whose product is the determinant.
    fn any_entries<T: Scalar, const N: usize>(seed: u64, decades: f64) {
        let g = &mut rng::seeded(seed);
        let mut entries = [[T::ZERO; 2]; N];
        for x in entries.as_flattened_mut() {
            // From time to time one that is zero, and many that are alike.
            let size = libm::pow(10.0, -libm::round(4.0 * rng::uniform::<f64>(g)) / 4.0 * decades);
            *x = if rng::uniform::<f64>(g) < 0.1 { T::ZERO } else { T::from_f64(size) };
        }
        entries[N - 1][1] = T::ZERO;
        let s = of_bidiagonal(Plain, &entries).unwrap();
        assert!(s.windows(2).all(|w| w[0] >= w[1]) && s[N - 1] >= T::ZERO);
        let squares = |x: &[T]| x.iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>();
        let (got, want) = (squares(&s), squares(entries.as_flattened()));
        let unit = N as f64 * T::EPSILON.to_f64();
        assert!((got - want).abs() <= 4.0 * unit * want, "{seed}: {got} {want}");
        // Where nothing that counts as vanished matters, every value is accurate.
        if s[N - 1].to_f64() > libm::sqrt(least::<T>().to_f64()) / T::EPSILON.to_f64() {
            let log = |x: T| libm::log(x.to_f64());
            let (got, want) =
                (s.map(log).iter().sum::<f64>(), entries.map(|x| log(x[0])).iter().sum::<f64>());
            assert!((got - want).abs() <= 4.0 * N as f64 * unit, "{seed}: {got} {want}");
        }
    }

    #[test]
    fn any_entries_have_an_end() {
        for seed in 0..400 {
            for decades in [0.0, 0.5, 2.0, 4.0, 12.0] {
                any_entries::<f32, 3>(seed, decades);
                any_entries::<f32, 12>(seed, decades);
                any_entries::<f64, 12>(seed, decades);
                any_entries::<f64, 40>(seed, decades);
            }
        }
    }
}
