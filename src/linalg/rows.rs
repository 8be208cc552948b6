//! Matrices kept row by row, and Householder QR with column pivoting on them.
//!
//! A reflection from the left adds up rows and takes multiples of the sum from them again: with a
//! column in each place of a register nothing is added up across places. The order of additions,
//! and with it every bit, is the same for every width of register.

use super::qr::householder;
use super::{at, put, swap};
use crate::mat::Columns;
use crate::scalar::Scalar;
use crate::simd::{Kernel, Lanes, MAX_LANES, Simd, Single, VECTORS};

/// Rows are padded to whole registers: room for up to three times their length.
const ROOM: usize = if VECTORS { 3 } else { 1 };

/// An `M × N` matrix row by row, with room for padding.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Rows<T, const M: usize, const N: usize>([[[T; N]; M]; ROOM]);

impl<T: Scalar, const M: usize, const N: usize> Rows<T, M, N> {
    pub(super) const ZERO: Self = Self([[[T::ZERO; N]; M]; ROOM]);

    pub(super) const fn borrow(&mut self) -> &mut [T] {
        self.0.as_flattened_mut().as_flattened_mut()
    }
}

/// One row of [`Rows`].
pub(super) type Row<T, const N: usize> = Rows<T, 1, N>;

/// A kernel over rows of so many columns: in registers that hold no more than there are, where there
/// is a choice.
pub(super) struct Fitted<K>(pub(super) usize, pub(super) K);

impl<T: Scalar, K: Kernel<T>> Kernel<T> for Fitted<K> {
    type Output = K::Output;
    const WIDE: bool = K::WIDE;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> K::Output {
        match self.0 {
            0..=3 => self.1.run(Single),
            n if n <= T::LANES => self.1.run(simd.half()),
            _ => self.1.run(simd),
        }
    }
}

/// Rows after which a sum is begun anew: the rounding errors of a tall matrix stay small.
const BLOCK: usize = 64;

/// `Σ vᵣ·rowᵣ` at places `i..i + LEN`.
#[inline(always)]
pub(super) fn weighted_sum<T: Scalar, S: Simd<T>>(
    simd: S,
    v: &[T],
    rows: &[T],
    stride: usize,
    i: usize,
) -> S::V {
    let none = simd.splat(T::ZERO);
    let mut total = none;
    for (v, rows) in v.chunks(BLOCK).zip(rows.chunks(BLOCK * stride)) {
        let (mut a, mut b, mut c, mut d) = (none, none, none, none);
        let (mut v, mut rows) = (v.chunks_exact(4), rows.chunks_exact(4 * stride));
        for (v, four) in v.by_ref().zip(rows.by_ref()) {
            a = simd.load_at(four, i).mul_add(simd.splat(at(v, 0)), a);
            b = simd.load_at(four, i + stride).mul_add(simd.splat(at(v, 1)), b);
            c = simd.load_at(four, i + 2 * stride).mul_add(simd.splat(at(v, 2)), c);
            d = simd.load_at(four, i + 3 * stride).mul_add(simd.splat(at(v, 3)), d);
        }
        for (&v, row) in v.remainder().iter().zip(rows.remainder().chunks_exact(stride)) {
            a = simd.load_at(row, i).mul_add(simd.splat(v), a);
        }
        total = total + ((a + b) + (c + d));
    }
    total
}

/// `Σ` over all rows of the values at places `left..left + LEN` times those from `right` on.
#[inline(always)]
pub(super) fn sum_of_products<T: Scalar, S: Simd<T>>(
    simd: S,
    rows: &[T],
    stride: usize,
    left: usize,
    right: usize,
) -> S::V {
    let none = simd.splat(T::ZERO);
    let (mut a, mut b, mut c, mut d) = (none, none, none, none);
    let mut rows = rows.chunks_exact(4 * stride);
    for four in rows.by_ref() {
        a = add_product(simd, four, left, right, a);
        b = add_product(simd, four, left + stride, right + stride, b);
        c = add_product(simd, four, left + 2 * stride, right + 2 * stride, c);
        d = add_product(simd, four, left + 3 * stride, right + 3 * stride, d);
    }
    for row in rows.remainder().chunks_exact(stride) {
        a = add_product(simd, row, left, right, a);
    }
    (a + b) + (c + d)
}

#[inline(always)]
fn add_product<T: Scalar, S: Simd<T>>(
    simd: S,
    values: &[T],
    left: usize,
    right: usize,
    sum: S::V,
) -> S::V {
    simd.load_at(values, left).mul_add(simd.load_at(values, right), sum)
}

/// Work on one register's places of a matrix; every place gets the same whatever the register.
pub(crate) trait Strip<T: Scalar> {
    /// The work at places `i..i + LEN`. Mark it `#[inline(always)]`.
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize);
}

/// `strip` at places `from..to` and perhaps some before them, in registers that do not reach beyond.
#[inline(always)]
pub(crate) fn strips<T: Scalar, S: Simd<T>>(
    simd: S,
    (from, to): (usize, usize),
    strip: &mut impl Strip<T>,
) {
    let (full, half) = (S::V::LEN, <S::Half as Simd<T>>::V::LEN);
    let mut i = from - from % full;
    while i + full <= to {
        strip.run(simd, i);
        i += full;
    }
    if half < full && i + half <= to {
        strip.run(simd.half(), i);
        i += half;
    }
    while i < to {
        strip.run(Single, i);
        i += 1;
    }
}

/// A truth value for the first places of a register.
#[inline(always)]
pub(crate) fn first_places<T: Scalar, S: Simd<T>>(
    simd: S,
    count: usize,
) -> <S::V as Lanes<T>>::Mask {
    let mut places = [T::ZERO; MAX_LANES];
    for (i, place) in places.iter_mut().enumerate() {
        *place = T::from_usize(i);
    }
    simd.splat(T::from_usize(count)).gt(simd.load(&places))
}

/// `rows ← (I − τ·v·vᵀ)·rows`, columns `from..to`.
#[inline(always)]
pub(super) fn reflect_rows<T: Scalar, S: Simd<T>>(
    simd: S,
    (v, tau): (&[T], T),
    rows: &mut [T],
    stride: usize,
    (from, to): (usize, usize),
) {
    let rows = rows.get_mut(..v.len() * stride).unwrap_or(&mut []);
    strips(simd, (from, to), &mut Reflection { v, tau, rows, stride, from });
}

struct Reflection<'a, T> {
    v: &'a [T],
    tau: T,
    rows: &'a mut [T],
    stride: usize,
    from: usize,
}

impl<T: Scalar> Strip<T> for Reflection<'_, T> {
    #[inline(always)]
    fn run<S: Simd<T>>(&mut self, simd: S, i: usize) {
        let sum = weighted_sum(simd, self.v, self.rows, self.stride, i);
        let mut product = sum * simd.splat(-self.tau);
        if i < self.from {
            // What stands in front of `from` in its register stays as it is.
            let before = first_places(simd, self.from - i);
            product = S::V::select(before, simd.splat(T::ZERO), product);
        }
        for (&v, row) in self.v.iter().zip(self.rows.chunks_exact_mut(self.stride)) {
            product.mul_add(simd.splat(v), simd.load_at(row, i)).store_at(row, i);
        }
    }
}

/// Scratch of a pivoted factorisation `A·P = Q·R`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scratch<T, const M: usize, const N: usize> {
    left: Row<T, N>,
    start: Row<T, N>,
    reflector: Row<T, M>,
    exponents: [i32; N],
}

impl<T: Scalar, const M: usize, const N: usize> Scratch<T, M, N> {
    pub(super) const ZERO: Self =
        Self { left: Row::ZERO, start: Row::ZERO, reflector: Row::ZERO, exponents: [0; N] };

    pub(super) const fn borrow<'a>(
        &'a mut self,
        a: &'a mut [T],
        tau: &'a mut [T],
        permutation: &'a mut [u32],
    ) -> Factoring<'a, T> {
        Factoring {
            a,
            tau,
            permutation,
            exponents: &mut self.exponents,
            left: self.left.borrow(),
            start: self.start.borrow(),
            reflector: self.reflector.borrow(),
        }
    }
}

/// A pivoted factorisation between its steps.
pub(super) struct Factoring<'a, T> {
    /// `A`, row by row; `R` on and above the diagonal and the reflection vectors below it, as far as
    /// the steps have come.
    pub(super) a: &'a mut [T],
    /// Factors of the reflections `I − τ·v·vᵀ`.
    pub(super) tau: &'a mut [T],
    /// Column `k` of `A·P` is column `permutation[k]` of `A`.
    pub(super) permutation: &'a mut [u32],
    /// Column `k` of `A·P` is the stored one times `2^exponents[k]`.
    pub(super) exponents: &'a mut [i32],
    /// Squared length of what is left of the column below the finished rows.
    left: &'a mut [T],
    /// Squared length of the whole column.
    start: &'a mut [T],
    /// A reflection vector with zeros in front.
    reflector: &'a mut [T],
}

/// The size of a matrix and how far apart its rows are. Passed by value and made from sizes that the
/// compiler knows, so that loops over rows are compiled for them.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) stride: usize,
}

impl Shape {
    /// The shape for registers of `len` values.
    #[inline(always)]
    pub(super) const fn new(rows: usize, columns: usize, len: usize) -> Self {
        let stride = if columns == 0 { len } else { columns.next_multiple_of(len) };
        Self { rows, columns, stride }
    }
}

impl<T: Scalar> Factoring<'_, T> {
    /// Takes in a matrix column by column and brings each column to mid-range.
    #[inline(always)]
    pub(super) fn begin<S: Simd<T>>(&mut self, simd: S, shape: Shape, a: &impl Columns<T>) {
        let Shape { rows, columns, stride } = shape;
        for j in 0..columns {
            for (&v, row) in a.col(j).iter().zip(self.a.chunks_exact_mut(stride)) {
                put(row, j, v);
            }
        }
        for (k, p) in (0..).zip(self.permutation.iter_mut()) {
            *p = k;
        }
        let rows = self.a.get_mut(..stride * rows).unwrap_or(&mut []);
        let mut i = 0;
        while i < stride {
            let mut largest = simd.splat(T::ZERO);
            for row in rows.chunks_exact(stride) {
                let size = simd.load_at(row, i).abs();
                largest = S::V::select(size.gt(largest), size, largest);
            }
            largest.store_at(self.left, i);
            i += S::V::LEN;
        }
        // Exact powers of two; those of a subnormal or huge column take more than one factor.
        let (mut scaled, mut one_factor) = (false, true);
        let factors = &mut *self.start;
        for (j, exponent) in self.exponents.iter_mut().enumerate() {
            let largest = at(self.left, j);
            *exponent = if largest > T::ZERO { largest.exponent() } else { 0 };
            scaled |= *exponent != 0;
            one_factor &= *exponent < T::MAX_EXP && *exponent >= -T::MAX_EXP;
            put(factors, j, T::exp2i(-*exponent));
        }
        if scaled && one_factor {
            for row in rows.chunks_exact_mut(stride) {
                let mut i = 0;
                while i < stride {
                    (simd.load_at(row, i) * simd.load_at(factors, i)).store_at(row, i);
                    i += S::V::LEN;
                }
            }
        } else if scaled {
            for row in rows.chunks_exact_mut(stride) {
                for (v, &exponent) in row.iter_mut().zip(self.exponents.iter()) {
                    *v = v.scale_exp2(-exponent);
                }
            }
        }
        let mut i = 0;
        while i < stride {
            let mut sum = simd.splat(T::ZERO);
            for block in rows.chunks(BLOCK * stride) {
                sum = sum + sum_of_products(simd, block, stride, i, i);
            }
            sum.store_at(self.left, i);
            sum.store_at(self.start, i);
            i += S::V::LEN;
        }
    }

    /// Moves the longest remainder to column `k`, eliminates it below row `k`, and updates the
    /// columns after it. Returns false when nothing but rounding noise is left.
    #[inline(always)]
    pub(super) fn eliminate<S: Simd<T>>(&mut self, simd: S, shape: Shape, k: usize) -> bool {
        let Shape { rows: count, columns, stride } = shape;
        let Some(pivot) = self.pivot(shape, k) else { return false };
        if pivot != k {
            for row in self.a.chunks_exact_mut(stride).take(count) {
                swap(row, k, pivot);
            }
            swap(self.permutation, k, pivot);
            swap(self.exponents, k, pivot);
            swap(self.left, k, pivot);
            swap(self.start, k, pivot);
        }
        let rows = self.a.get_mut(k * stride..).unwrap_or(&mut []);
        put(self.reflector, k.wrapping_sub(1), T::ZERO);
        for (v, row) in self.reflector.iter_mut().take(count).skip(k).zip(rows.chunks_exact(stride))
        {
            *v = at(row, k);
        }
        // Zeros behind it too, to the end of a group of lanes.
        let padded = if S::V::LEN == 1 { count } else { count.next_multiple_of(T::LANES) };
        let padded = padded.min(self.reflector.len());
        let tau = householder(simd, self.reflector.get_mut(..padded).unwrap_or(&mut []), k);
        put(self.tau, k, tau);
        let reflector = self.reflector.get_mut(k..count).unwrap_or(&mut []);
        for (&v, row) in reflector.iter().zip(rows.chunks_exact_mut(stride)) {
            put(row, k, v);
        }
        put(reflector, 0, T::ONE);
        reflect_rows(simd, (reflector, tau), rows, stride, (k + 1, stride));

        for j in k + 1..columns {
            // Downdate, and compute afresh once half of the digits of the length have cancelled.
            let (first, old) = (at(rows, j), at(self.left, j));
            let mut left = old - first * first;
            if !(left > T::from_f64(0.05) * old) {
                left = T::ZERO;
                for (_, row) in reflector.iter().zip(rows.chunks_exact(stride)).skip(1) {
                    left += at(row, j) * at(row, j);
                }
            }
            put(self.left, j, left);
        }
        true
    }

    /// The column with the longest remainder; sets what is left of columns to zero that hold only
    /// rounding noise.
    #[inline(always)]
    fn pivot(&mut self, shape: Shape, k: usize) -> Option<usize> {
        let Shape { rows, stride, .. } = shape;
        // Each reflection adds a rounding error of about ε of the column's own length.
        let noise = T::from_usize(4 * k) * T::EPSILON * T::EPSILON;
        let mut best: Option<(T, usize, i32)> = None;
        for (j, &exponent) in self.exponents.iter().enumerate().skip(k) {
            let left = at(self.left, j);
            if !(left > noise * at(self.start, j)) {
                // What is left is noise, yet it may be longer than a whole column of a smaller scale.
                for row in self.a.chunks_exact_mut(stride).take(rows).skip(k) {
                    put(row, j, T::ZERO);
                }
                put(self.left, j, T::ZERO);
                continue;
            }
            let longer = match best {
                None => true,
                Some((longest, _, its)) if its == exponent => left > longest,
                Some((longest, _, its)) => left.scale_exp2(2 * (exponent - its)) > longest,
            };
            if longer {
                best = Some((left, j, exponent));
            }
        }
        best.map(|(_, j, _)| j)
    }

    /// `rows ← (I − τ·v·vᵀ)·rows` with reflection `k`; all reflections from the last to the first
    /// make `Q·rows`. The rows are `apart` values apart and `width` long.
    #[inline(always)]
    pub(super) fn reflect<S: Simd<T>>(
        &mut self,
        simd: S,
        shape: Shape,
        k: usize,
        rows: &mut [T],
        (apart, width): (usize, usize),
    ) {
        let Shape { rows: count, stride, .. } = shape;
        let reflector = self.reflector.get_mut(k..count).unwrap_or(&mut []);
        let own = self.a.get(k * stride..).unwrap_or(&[]);
        for (v, row) in reflector.iter_mut().zip(own.chunks_exact(stride)) {
            *v = at(row, k);
        }
        put(reflector, 0, T::ONE);
        let rows = rows.get_mut(k * apart..).unwrap_or(&mut []);
        let width = width.next_multiple_of(S::V::LEN);
        reflect_rows(simd, (reflector, at(self.tau, k)), rows, apart, (0, width));
    }
}
