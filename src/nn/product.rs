//! The three products of a dense layer over a batch of samples, blocked in registers.
//!
//! With samples in the rows of `X` and `Y`, weights `W[o][i]` and `dY` the gradient by `Y`:
//!
//! ```text
//! Y = X·Wᵀ + b,   dX = dY·W,   dW ← dW + dYᵀ·X
//! ```
//!
//! All three are `C ← C + A·B` with columns of `B` side by side in registers: [`PANEL`] columns at a
//! time are copied into memory without gaps, and rows of `A`, up to six at a time, run along it with
//! their sums in registers. Every sum is taken in the order of its terms, one after the other, so that
//! the bits depend neither on the width of registers nor on the number of samples in the batch.

use crate::scalar::Scalar;
use crate::simd::{Kernel, Lanes, MAX_LANES, Simd, VECTORS};

/// Columns that are copied at a time, in any registers.
pub(super) const PANEL: usize = if VECTORS { 2 * MAX_LANES } else { 1 };

/// Terms that are read at a time: so many share the tests whether they are there.
const TERMS: usize = 4;

/// `A`, as it is read for a tile.
trait Left<T>: Copy {
    /// `TERMS` terms of `R` rows.
    type Block<const R: usize>: Block<T>;
    /// Terms from `k` on of the rows from `m` on, if there are as many.
    fn block<const R: usize>(self, m: usize, k: usize) -> Option<Self::Block<R>>;
    /// One term of one row.
    fn term(self, m: usize, k: usize) -> T;
}

/// `TERMS` terms of some rows.
trait Block<T> {
    /// Term `k` of row `r`.
    fn term(&self, r: usize, k: usize) -> T;
}

/// Rows that lie one after the other.
#[derive(Clone, Copy)]
struct Rows<'a, T> {
    data: &'a [T],
    len: usize,
}

impl<'a, T: Scalar> Left<T> for Rows<'a, T> {
    type Block<const R: usize> = RowBlock<'a, T, R>;
    #[inline(always)]
    fn block<const R: usize>(self, m: usize, k: usize) -> Option<RowBlock<'a, T, R>> {
        let row = |r: usize| -> Option<&'a [T; TERMS]> {
            let start = (m + r) * self.len + k;
            self.data.get(start..start + TERMS)?.first_chunk()
        };
        let mut rows = [row(0)?; R];
        for r in 1..R {
            *rows.get_mut(r)? = row(r)?;
        }
        Some(RowBlock(rows))
    }
    #[inline(always)]
    fn term(self, m: usize, k: usize) -> T {
        self.data.get(m * self.len + k).copied().unwrap_or(T::ZERO)
    }
}

struct RowBlock<'a, T, const R: usize>([&'a [T; TERMS]; R]);

impl<T: Scalar, const R: usize> Block<T> for RowBlock<'_, T, R> {
    #[inline(always)]
    fn term(&self, r: usize, k: usize) -> T {
        self.0.get(r).and_then(|row| row.get(k)).copied().unwrap_or(T::ZERO)
    }
}

/// Columns that lie one after the other: the rows of `Aᵀ`.
#[derive(Clone, Copy)]
struct Transposed<'a, T> {
    data: &'a [T],
    len: usize,
}

impl<'a, T: Scalar> Left<T> for Transposed<'a, T> {
    type Block<const R: usize> = ColumnBlock<'a, T, R>;
    #[inline(always)]
    fn block<const R: usize>(self, m: usize, k: usize) -> Option<ColumnBlock<'a, T, R>> {
        let column = |j: usize| -> Option<&'a [T; R]> {
            let start = (k + j) * self.len + m;
            self.data.get(start..start + R)?.first_chunk()
        };
        let mut columns = [column(0)?; TERMS];
        for j in 1..TERMS {
            *columns.get_mut(j)? = column(j)?;
        }
        Some(ColumnBlock(columns))
    }
    #[inline(always)]
    fn term(self, m: usize, k: usize) -> T {
        self.data.get(k * self.len + m).copied().unwrap_or(T::ZERO)
    }
}

struct ColumnBlock<'a, T, const R: usize>([&'a [T; R]; TERMS]);

impl<T: Scalar, const R: usize> Block<T> for ColumnBlock<'_, T, R> {
    #[inline(always)]
    fn term(&self, r: usize, k: usize) -> T {
        self.0.get(k).and_then(|column| column.get(r)).copied().unwrap_or(T::ZERO)
    }
}

/// What becomes of the sums of a tile.
trait Sums<T> {
    /// The value that the sums in row `m` and columns `n…` begin with.
    fn begin<S: Simd<T>>(&self, simd: S, m: usize, n: usize) -> S::V
    where
        T: Scalar;
    /// Takes the sums in row `m` and columns `n…`.
    fn end<S: Simd<T>>(&mut self, sums: S::V, m: usize, n: usize)
    where
        T: Scalar;
}

/// Rows one after the other, with what is in them to begin with.
struct AddTo<'a, T> {
    out: &'a mut [T],
    len: usize,
}

impl<T: Scalar> AddTo<'_, T> {
    /// The values from column `n` on that are left in row `m`.
    #[inline(always)]
    fn range(&self, m: usize, n: usize, width: usize) -> core::ops::Range<usize> {
        let start = m * self.len;
        start + n..start + (n + width).min(self.len)
    }
}

impl<T: Scalar> Sums<T> for AddTo<'_, T> {
    #[inline(always)]
    fn begin<S: Simd<T>>(&self, simd: S, m: usize, n: usize) -> S::V {
        simd.load(self.out.get(self.range(m, n, S::V::LEN)).unwrap_or(&[]))
    }
    #[inline(always)]
    fn end<S: Simd<T>>(&mut self, sums: S::V, m: usize, n: usize) {
        let range = self.range(m, n, S::V::LEN);
        sums.store(self.out.get_mut(range).unwrap_or(&mut []));
    }
}

/// Columns one after the other, with a bias of their own to begin with.
struct Outputs<'a, T> {
    bias: &'a [T],
    out: &'a mut [T],
}

impl<T: Scalar> Sums<T> for Outputs<'_, T> {
    #[inline(always)]
    fn begin<S: Simd<T>>(&self, simd: S, m: usize, _: usize) -> S::V {
        simd.splat(self.bias.get(m).copied().unwrap_or(T::ZERO))
    }
    #[inline(always)]
    fn end<S: Simd<T>>(&mut self, sums: S::V, m: usize, n: usize) {
        let mut values = [T::ZERO; MAX_LANES];
        sums.store(&mut values);
        let width = self.bias.len();
        let mut at = n * width + m;
        for value in values.iter().take(S::V::LEN) {
            // Places beyond the last sample are beyond the slice too.
            let Some(out) = self.out.get_mut(at) else { break };
            *out = *value;
            at += width;
        }
    }
}

/// All tiles of a panel of `C` registers: the columns of `B` from `n` on.
#[inline(always)]
fn panel_of<T: Scalar, S: Simd<T>, const C: usize>(
    simd: S,
    (left, height): (impl Left<T>, usize),
    panel: &[T],
    sums: &mut impl Sums<T>,
    n: usize,
) {
    let mut m = 0;
    if S::PARTS == 1 {
        m = tiles::<T, S, 6, C>(simd, (left, height), panel, sums, (m, n));
    }
    m = tiles::<T, S, 4, C>(simd, (left, height), panel, sums, (m, n));
    m = tiles::<T, S, 2, C>(simd, (left, height), panel, sums, (m, n));
    tiles::<T, S, 1, C>(simd, (left, height), panel, sums, (m, n));
}

/// Tiles of `R` rows from row `m` on; the first row that is left.
#[inline(always)]
fn tiles<T: Scalar, S: Simd<T>, const R: usize, const C: usize>(
    simd: S,
    (left, height): (impl Left<T>, usize),
    panel: &[T],
    sums: &mut impl Sums<T>,
    (mut m, n): (usize, usize),
) -> usize {
    while m + R <= height {
        // By number and not zipped: otherwise the sums leave their registers.
        let mut tile = [[simd.splat(T::ZERO); C]; R];
        for r in 0..R {
            for c in 0..C {
                if let Some(sum) = tile.get_mut(r).and_then(|row| row.get_mut(c)) {
                    *sum = sums.begin(simd, m + r, n + c * S::V::LEN);
                }
            }
        }
        let tile = run_tile::<T, S, R, C>(simd, left, m, panel, tile);
        for r in 0..R {
            for c in 0..C {
                if let Some(&sum) = tile.get(r).and_then(|row| row.get(c)) {
                    sums.end::<S>(sum, m + r, n + c * S::V::LEN);
                }
            }
        }
        m += R;
    }
    m
}

/// Adds the products of all terms.
#[inline(always)]
fn run_tile<T: Scalar, S: Simd<T>, const R: usize, const C: usize>(
    simd: S,
    left: impl Left<T>,
    m: usize,
    panel: &[T],
    mut tile: [[S::V; C]; R],
) -> [[S::V; C]; R] {
    let width = C * S::V::LEN;
    let (mut k, mut rest) = (0, panel);
    while let Some((right, more)) = rest.split_at_checked(TERMS * width) {
        let Some(block) = left.block::<R>(m, k) else { break };
        // One after the other by hand: a loop would keep the sums in memory.
        add_term::<T, S, R, C>(simd, &mut tile, |r| block.term(r, 0), right, 0);
        add_term::<T, S, R, C>(simd, &mut tile, |r| block.term(r, 1), right, width);
        add_term::<T, S, R, C>(simd, &mut tile, |r| block.term(r, 2), right, 2 * width);
        add_term::<T, S, R, C>(simd, &mut tile, |r| block.term(r, 3), right, 3 * width);
        (k, rest) = (k + TERMS, more);
    }
    while let Some((right, more)) = rest.split_at_checked(width) {
        add_term::<T, S, R, C>(simd, &mut tile, |r| left.term(m + r, k), right, 0);
        (k, rest) = (k + 1, more);
    }
    tile
}

/// Adds one term to every sum of a tile: a value for every row, `C` registers of columns.
#[inline(always)]
fn add_term<T: Scalar, S: Simd<T>, const R: usize, const C: usize>(
    simd: S,
    tile: &mut [[S::V; C]; R],
    value: impl Fn(usize) -> T,
    right: &[T],
    at: usize,
) {
    let mut columns = [simd.splat(T::ZERO); C];
    for c in 0..C {
        if let Some(column) = columns.get_mut(c) {
            *column = simd.load_at(right, at + c * S::V::LEN);
        }
    }
    for r in 0..R {
        let Some(row) = tile.get_mut(r) else { break };
        let value = simd.splat(value(r));
        for c in 0..C {
            if let (Some(sum), Some(&column)) = (row.get_mut(c), columns.get(c)) {
                *sum = value.mul_add(column, *sum);
            }
        }
    }
}

/// Copies the columns of `B` from `n` on, as many as a panel has: `B` row by row in `data`.
#[inline(always)]
fn copy_panel<'p, T: Scalar>(
    data: &[T],
    (depth, width): (usize, usize),
    n: usize,
    columns: usize,
    panel: &'p mut [T],
) -> &'p [T] {
    let (mut rest, mut start) = (&mut *panel, n);
    let present = columns.min(width.saturating_sub(n));
    for _ in 0..depth {
        let Some((out, more)) = rest.split_at_mut_checked(columns) else { break };
        let row = data.get(start..start + present).unwrap_or(&[]);
        for (i, out) in out.iter_mut().enumerate() {
            *out = row.get(i).copied().unwrap_or(T::ZERO);
        }
        (rest, start) = (more, start + width);
    }
    panel.get(..depth * columns).unwrap_or(&[])
}

/// The same with the columns of `B` one after the other in `data`.
#[inline(always)]
fn turn_panel<'p, T: Scalar>(
    data: &[T],
    (depth, width): (usize, usize),
    n: usize,
    columns: usize,
    panel: &'p mut [T],
) -> &'p [T] {
    for c in 0..columns {
        let start = (n + c) * depth;
        let column = if n + c < width { data.get(start..start + depth) } else { None };
        let (mut at, column) = (c, column.unwrap_or(&[]));
        for k in 0..depth {
            let Some(out) = panel.get_mut(at) else { break };
            *out = column.get(k).copied().unwrap_or(T::ZERO);
            at += columns;
        }
    }
    panel.get(..depth * columns).unwrap_or(&[])
}

/// `Y = X·Wᵀ + b`. `panel` holds `PANEL·inputs` values.
pub(super) struct Forward<'a, T> {
    pub(super) x: &'a [T],
    pub(super) inputs: usize,
    pub(super) rows: usize,
    pub(super) weights: &'a [T],
    pub(super) bias: &'a [T],
    pub(super) y: &'a mut [T],
    pub(super) panel: &'a mut [T],
}

impl<T: Scalar> Kernel<T> for Forward<'_, T> {
    type Output = ();
    const WIDE: bool = true;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        // Samples side by side in registers: they are copied for that, not the weights.
        let left = (Rows { data: self.weights, len: self.inputs }, self.bias.len());
        let mut sums = Outputs { bias: self.bias, out: self.y };
        let (size, mut n) = ((self.inputs, self.rows), 0);
        while n < self.rows {
            if PANEL > S::V::LEN && self.rows - n > S::V::LEN {
                let panel = turn_panel(self.x, size, n, 2 * S::V::LEN, self.panel);
                panel_of::<T, S, 2>(simd, left, panel, &mut sums, n);
                n += 2 * S::V::LEN;
            } else {
                let panel = turn_panel(self.x, size, n, S::V::LEN, self.panel);
                panel_of::<T, S, 1>(simd, left, panel, &mut sums, n);
                n += S::V::LEN;
            }
        }
    }
}

/// `C ← C + A·B` with the rows of `B` and `C` one after the other. `panel` holds `PANEL·depth` values.
#[inline(always)]
fn add_product<T: Scalar, S: Simd<T>>(
    simd: S,
    left: (impl Left<T>, usize),
    (right, depth): (&[T], usize),
    (out, width): (&mut [T], usize),
    memory: &mut [T],
) {
    let mut sums = AddTo { out, len: width };
    let (size, mut n) = ((depth, width), 0);
    while n < width {
        if PANEL > S::V::LEN && width - n > S::V::LEN {
            let panel = copy_panel(right, size, n, 2 * S::V::LEN, memory);
            panel_of::<T, S, 2>(simd, left, panel, &mut sums, n);
            n += 2 * S::V::LEN;
        } else {
            let panel = copy_panel(right, size, n, S::V::LEN, memory);
            panel_of::<T, S, 1>(simd, left, panel, &mut sums, n);
            n += S::V::LEN;
        }
    }
}

/// `dX ← dX + dY·W`. `panel` holds `PANEL·outputs` values.
pub(super) struct InputGradient<'a, T> {
    pub(super) dy: &'a [T],
    pub(super) outputs: usize,
    pub(super) rows: usize,
    pub(super) weights: &'a [T],
    pub(super) dx: &'a mut [T],
    pub(super) inputs: usize,
    pub(super) panel: &'a mut [T],
}

impl<T: Scalar> Kernel<T> for InputGradient<'_, T> {
    type Output = ();
    const WIDE: bool = true;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let left = (Rows { data: self.dy, len: self.outputs }, self.rows);
        let right = (self.weights, self.outputs);
        add_product(simd, left, right, (self.dx, self.inputs), self.panel);
    }
}

/// `dW ← dW + dYᵀ·X` and `db ← db + Σ dY`. `panel` holds `PANEL·rows` values.
pub(super) struct WeightGradient<'a, T> {
    pub(super) dy: &'a [T],
    pub(super) outputs: usize,
    pub(super) rows: usize,
    pub(super) x: &'a [T],
    pub(super) inputs: usize,
    pub(super) weights: &'a mut [T],
    pub(super) bias: &'a mut [T],
    pub(super) panel: &'a mut [T],
}

impl<T: Scalar> Kernel<T> for WeightGradient<'_, T> {
    type Output = ();
    const WIDE: bool = true;
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let left = (Transposed { data: self.dy, len: self.outputs }, self.outputs);
        let right = (self.x, self.rows);
        add_product(simd, left, right, (self.weights, self.inputs), self.panel);
        let mut rest = self.dy;
        while let Some((row, more)) = rest.split_at_checked(self.outputs.max(1)) {
            crate::simd::axpy(T::ONE, row, self.bias);
            rest = more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;

    /// Each product against sums one by one, for sizes around those of tiles and panels.
    fn agree<T: Scalar>() {
        let mut generator = rng::seeded(5);
        let (mut x, mut w, mut dy) = ([T::ZERO; 900], [T::ZERO; 900], [T::ZERO; 900]);
        let mut bias = [T::ZERO; 30];
        rng::fill_normal(&mut generator, &mut x);
        rng::fill_normal(&mut generator, &mut w);
        rng::fill_normal(&mut generator, &mut dy);
        rng::fill_normal(&mut generator, &mut bias);
        let at = |v: &[T], i: usize| v.get(i).copied().unwrap_or(T::ZERO).to_f64();
        let bound = 64.0 * T::EPSILON.to_f64();
        for inputs in [1, 3, 8, 17, 30] {
            for outputs in [1, 2, 5, 6, 7, 16, 30] {
                for rows in [1, 2, 7, 8, 9, 17, 30] {
                    let (x, w) = (&x[..rows * inputs], &w[..inputs * outputs]);
                    let (dy, bias) = (&dy[..rows * outputs], &bias[..outputs]);
                    let mut panel = [T::ONE; 30 * PANEL];
                    let mut y = [T::ZERO; 900];
                    let out = &mut y[..rows * outputs];
                    let (panel, weights) = (&mut panel, w);
                    T::dispatch(Forward { x, inputs, rows, weights, bias, y: out, panel });
                    for b in 0..rows {
                        for o in 0..outputs {
                            let sum = (0..inputs)
                                .map(|i| at(x, b * inputs + i) * at(w, o * inputs + i))
                                .sum::<f64>();
                            let right = sum + at(bias, o);
                            assert!((at(out, b * outputs + o) - right).abs() < bound);
                        }
                    }
                    let mut dx = [T::ONE; 900];
                    let out = &mut dx[..rows * inputs];
                    T::dispatch(InputGradient {
                        dy,
                        outputs,
                        rows,
                        weights,
                        dx: out,
                        inputs,
                        panel,
                    });
                    for b in 0..rows {
                        for i in 0..inputs {
                            let sum = (0..outputs)
                                .map(|o| at(dy, b * outputs + o) * at(w, o * inputs + i))
                                .sum::<f64>();
                            assert!((at(out, b * inputs + i) - sum - 1.0).abs() < bound);
                        }
                    }
                    let (mut dw, mut db) = ([T::ONE; 900], [T::ONE; 30]);
                    let (weights, bias) = (&mut dw[..inputs * outputs], &mut db[..outputs]);
                    T::dispatch(WeightGradient {
                        dy,
                        outputs,
                        rows,
                        x,
                        inputs,
                        weights,
                        bias,
                        panel,
                    });
                    for o in 0..outputs {
                        let column = |b| at(dy, b * outputs + o);
                        let sum = (0..rows).map(column).sum::<f64>();
                        assert!((at(&db, o) - sum - 1.0).abs() < bound);
                        for i in 0..inputs {
                            let sum =
                                (0..rows).map(|b| column(b) * at(x, b * inputs + i)).sum::<f64>();
                            assert!((at(&dw, o * inputs + i) - sum - 1.0).abs() < bound);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn products_agree_with_sums_one_by_one() {
        agree::<f32>();
        agree::<f64>();
    }
}
