//! Products and updates: projections and covariances by BLAS.

use super::symbols::{Flag, Int, Len, Scalar, flag, symbol};
use super::{Vendor, library};
use abi::{BATCH, BLOCK, Cell, Covariance, Projection, Real, Table};
use core::ffi::c_int;
use core::ops::{Add, AddAssign, Div, Mul, Neg, Sub};
use libloading::Library;

#[rustfmt::skip]
type Gemv<T> = unsafe extern "C" fn(
    Flag, Int, Int, *const T, *const T, Int, *const T, Int, *const T, *mut T, Int, Len,
);
#[rustfmt::skip]
type Gemm<T> = unsafe extern "C" fn(
    Flag, Flag, Int, Int, Int, *const T, *const T, Int, *const T, Int, *const T, *mut T, Int, Len, Len,
);
type Syr<T> = unsafe extern "C" fn(Flag, Int, *const T, *const T, Int, *mut T, Int, Len);
#[rustfmt::skip]
type Syrk<T> = unsafe extern "C" fn(
    Flag, Flag, Int, Int, *const T, *const T, Int, *const T, *mut T, Int, Len, Len,
);

/// The arithmetic that is left to do outside the library.
pub trait Arithmetic:
    Scalar
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + From<f32>
{
}
impl Arithmetic for f32 {}
impl Arithmetic for f64 {}

struct Blas<T> {
    gemv: Gemv<T>,
    gemm: Gemm<T>,
    syr: Syr<T>,
    syrk: Syrk<T>,
}

impl<T: Arithmetic> Blas<T> {
    fn new(library: &Library) -> Self {
        // SAFETY: the types are those of the BLAS reference.
        unsafe {
            Self {
                gemv: symbol::<T, _>(library, "gemv"),
                gemm: symbol::<T, _>(library, "gemm"),
                syr: symbol::<T, _>(library, "syr"),
                syrk: symbol::<T, _>(library, "syrk"),
            }
        }
    }

    /// `z += Wᵀ·x` for a `W` of columns.
    fn add_product<const D: usize, const K: usize>(
        &self,
        w: &[[T; D]; K],
        x: &[T; D],
        z: &mut [T; K],
    ) {
        let (d, k, step, one) = (D as c_int, K as c_int, 1, T::from(1.0));
        let w = w.as_flattened().as_ptr();
        // SAFETY: all arrays have the sizes that the arguments say.
        unsafe {
            (self.gemv)(
                flag(&b'T'),
                &d,
                &k,
                &one,
                w,
                &d,
                x.as_ptr(),
                &step,
                &one,
                z.as_mut_ptr(),
                &step,
                1,
            );
        }
    }

    /// `Z += Wᵀ·X`.
    fn add_products<const D: usize, const K: usize>(
        &self,
        w: &[[T; D]; K],
        x: &[[T; D]; BATCH],
        z: &mut [[T; K]; BATCH],
    ) {
        let (d, k, n, one) = (D as c_int, K as c_int, BATCH as c_int, T::from(1.0));
        let (w, x) = (w.as_flattened().as_ptr(), x.as_flattened().as_ptr());
        let z = z.as_flattened_mut().as_mut_ptr();
        // SAFETY: all arrays have the sizes that the arguments say.
        unsafe {
            (self.gemm)(
                flag(&b'T'),
                flag(&b'N'),
                &k,
                &n,
                &d,
                &one,
                w,
                &d,
                x,
                &d,
                &one,
                z,
                &k,
                1,
                1,
            );
        }
    }

    /// `C += factor·x·xᵀ` in the lower triangle.
    fn rank_one<const D: usize>(&self, factor: T, x: &[T; D], c: &mut [[T; D]; D]) {
        let (d, step, c) = (D as c_int, 1, c.as_flattened_mut().as_mut_ptr());
        // SAFETY: all arrays have the sizes that the arguments say.
        unsafe { (self.syr)(flag(&b'L'), &d, &factor, x.as_ptr(), &step, c, &d, 1) }
    }

    /// `C += X·Xᵀ` in the lower triangle.
    fn rank_block<const D: usize>(&self, x: &[[T; D]; BLOCK], c: &mut [[T; D]; D]) {
        let (d, n, one, c) =
            (D as c_int, BLOCK as c_int, T::from(1.0), c.as_flattened_mut().as_mut_ptr());
        let x = x.as_flattened().as_ptr();
        // SAFETY: all arrays have the sizes that the arguments say.
        unsafe { (self.syrk)(flag(&b'L'), flag(&b'N'), &d, &n, &one, x, &d, &one, c, &d, 1, 1) }
    }
}

/// `z = W·x − W·mean`, with the second term known beforehand.
struct Project<T, const D: usize, const K: usize> {
    blas: Blas<T>,
    components: Box<[[T; D]; K]>,
    offset: [T; K],
}

fn prepare<V: Vendor, T: Arithmetic, const D: usize, const K: usize>(
    model: &Projection<T, D, K>,
) -> Project<T, D, K> {
    let (blas, mut offset) = (Blas::new(library::<V>()), [T::default(); K]);
    blas.add_product(&model.components, &model.mean, &mut offset);
    Project { blas, components: Box::new(model.components), offset: offset.map(|z| -z) }
}

fn add_projection<V: Vendor, T: Real + Arithmetic, const D: usize, const K: usize>(
    table: &mut Table,
) {
    table.add_with_state(
        &format!("{} gemv", V::NAME),
        Cell::new::<T>("project", D, K),
        prepare::<V, T, D, K>,
        |p: &mut Project<T, D, K>, x: &[T; D], z: &mut [T; K]| {
            *z = p.offset;
            p.blas.add_product(&p.components, x, z);
            true
        },
    );
    table.add_with_state(
        &format!("{} gemm", V::NAME),
        Cell::new::<T>("project batch", D, K).rank(BATCH),
        prepare::<V, T, D, K>,
        |p: &mut Project<T, D, K>, x: &[[T; D]; BATCH], z: &mut [[T; K]; BATCH]| {
            z.fill(p.offset);
            p.blas.add_products(&p.components, x, z);
            true
        },
    );
}

/// Welford's mean and scatter, joined as by Chan, Golub & `LeVeque`.
struct State<T, const D: usize> {
    blas: Blas<T>,
    count: T,
    mean: [T; D],
    scatter: Box<[[T; D]; D]>,
    centred: Box<[[T; D]; BLOCK]>,
}

impl<T: Arithmetic, const D: usize> State<T, D> {
    fn new<V: Vendor>() -> Self {
        let zero = T::default();
        Self {
            blas: Blas::new(library::<V>()),
            count: zero,
            mean: [zero; D],
            scatter: Box::new([[zero; D]; D]),
            centred: Box::new([[zero; D]; BLOCK]),
        }
    }

    /// Takes in `count` samples with this mean; their scatter about it is for the caller.
    fn join(&mut self, count: T, mean: &[T; D]) {
        let total = self.count + count;
        let mut delta = *mean;
        for (delta, mean) in delta.iter_mut().zip(&mut self.mean) {
            *delta = *delta - *mean;
            *mean += *delta * (count / total);
        }
        self.blas.rank_one(self.count * count / total, &delta, &mut self.scatter);
        self.count = total;
    }

    fn join_block(&mut self, block: &[[T; D]; BLOCK]) {
        let count = T::from(BLOCK as f32);
        let mut mean = [T::default(); D];
        for x in block {
            mean.iter_mut().zip(x).for_each(|(mean, &x)| *mean += x);
        }
        mean = mean.map(|sum| sum / count);
        for (centred, x) in self.centred.iter_mut().zip(block) {
            for ((centred, &x), &mean) in centred.iter_mut().zip(x).zip(&mean) {
                *centred = x - mean;
            }
        }
        self.blas.rank_block(&self.centred, &mut self.scatter);
        self.join(count, &mean);
    }

    fn finish(&mut self, out: &mut Covariance<T, D>) {
        out.mean = self.mean;
        let divisor = self.count - T::from(1.0);
        out.covariance = self.scatter.map(|column| column.map(|x| x / divisor));
    }
}

fn add_covariance<V: Vendor, T: Real + Arithmetic, const D: usize>(table: &mut Table) {
    table.add_accumulator(
        &format!("{} syr", V::NAME),
        Cell::new::<T>("covariance", D, D),
        |(): &()| State::<T, D>::new::<V>(),
        |state: &mut State<T, D>, x: &[T; D]| {
            state.join(T::from(1.0), x);
            true
        },
        State::finish,
    );
    table.add_accumulator(
        &format!("{} syrk", V::NAME),
        Cell::new::<T>("covariance block", D, D).rank(BLOCK),
        |(): &()| State::<T, D>::new::<V>(),
        |state: &mut State<T, D>, block: &[[T; D]; BLOCK]| {
            state.join_block(block);
            true
        },
        State::finish,
    );
}

/// Enters projections and covariances.
pub(super) fn add<V: Vendor, T: Real + Arithmetic>(table: &mut Table) {
    macro_rules! project {
        ($table:ident, $t:ty, $d:literal, $k:literal) => {
            add_projection::<V, $t, $d, $k>($table);
        };
    }
    macro_rules! covariance {
        ($table:ident, $t:ty, $d:literal) => {
            add_covariance::<V, $t, $d>($table);
        };
    }
    abi::for_projection_shapes!(project, table, T);
    abi::for_covariance_shapes!(covariance, table, T);
}
