//! Projections, covariances and a small network by nalgebra.

use abi::{BATCH, BLOCK, Cell, Covariance, Decoder, Projection, Real, Table};
use nalgebra::{Const, Dyn};
use nalgebra::{DMatrix, DVector, MatrixView, RealField, SMatrix, SVector, VectorView, convert};

const NAME: &str = "nalgebra";

/// `z = W·x − W·mean`, with the second term known beforehand.
struct Project<T, const D: usize, const K: usize> {
    components: Box<SMatrix<T, K, D>>,
    offset: SVector<T, K>,
}

fn prepare<T: RealField + Copy, const D: usize, const K: usize>(
    model: &Projection<T, D, K>,
) -> Project<T, D, K> {
    let components = Box::new(SMatrix::from_fn(|k, d| model.components[k][d]));
    let offset = -(*components * SVector::from(model.mean));
    Project { components, offset }
}

fn add_projection<T: Real + RealField, const D: usize, const K: usize>(table: &mut Table) {
    table.add_with_state(
        NAME,
        Cell::new::<T>("project", D, K),
        prepare::<T, D, K>,
        |state: &mut Project<T, D, K>, x: &[T; D], z: &mut [T; K]| {
            let mut out = state.offset;
            out.gemv(
                T::one(),
                &*state.components,
                &VectorView::<T, Const<D>>::from_slice(x),
                T::one(),
            );
            *z = out.data.0[0];
            true
        },
    );
    table.add_with_state(
        NAME,
        Cell::new::<T>("project batch", D, K).rank(BATCH),
        |model: &Projection<T, D, K>| {
            let Project { components, offset } = prepare(model);
            let components = DMatrix::from_column_slice(K, D, components.as_slice());
            (components, DVector::from_column_slice(offset.as_slice()))
        },
        |(components, offset): &mut (DMatrix<T>, DVector<T>),
         x: &[[T; D]; BATCH],
         z: &mut [[T; K]; BATCH]| {
            let x = MatrixView::<T, Dyn, Dyn>::from_slice(x.as_flattened(), D, BATCH);
            let mut z =
                nalgebra::MatrixViewMut::<T, Dyn, Dyn>::from_slice(z.as_flattened_mut(), K, BATCH);
            z.column_iter_mut().for_each(|mut z| z.copy_from(offset));
            z.gemm(T::one(), components, &x, T::one());
            true
        },
    );
}

/// Welford's mean and scatter; the lower triangle only, except where blocks are multiplied.
struct State<T> {
    count: T,
    mean: DVector<T>,
    scatter: DMatrix<T>,
}

impl<T: RealField + Copy> State<T> {
    fn new(d: usize) -> Self {
        let (mean, scatter) = (DVector::zeros(d), DMatrix::zeros(d, d));
        Self { count: T::zero(), mean, scatter }
    }

    /// Takes in `count` samples with this mean; their scatter about it is for the caller.
    fn join(&mut self, count: T, mean: &DVector<T>) {
        let delta = mean - &self.mean;
        let total = self.count + count;
        self.mean.axpy(count / total, &delta, T::one());
        self.scatter.syger(self.count * count / total, &delta, &delta, T::one());
        self.count = total;
    }

    fn finish<const D: usize>(&mut self, out: &mut Covariance<T, D>) {
        out.mean.copy_from_slice(self.mean.as_slice());
        let covariance = &self.scatter / (self.count - T::one());
        out.covariance.as_flattened_mut().copy_from_slice(covariance.as_slice());
    }
}

fn add_covariance<T: Real + RealField, const D: usize>(table: &mut Table) {
    table.add_accumulator(
        NAME,
        Cell::new::<T>("covariance", D, D),
        |(): &()| State::<T>::new(D),
        |state: &mut State<T>, x: &[T; D]| {
            state.join(T::one(), &DVector::from_column_slice(x));
            true
        },
        State::finish::<D>,
    );
    table.add_accumulator(
        NAME,
        Cell::new::<T>("covariance block", D, D).rank(BLOCK),
        |(): &()| State::<T>::new(D),
        |state: &mut State<T>, block: &[[T; D]; BLOCK]| {
            let mut centred = DMatrix::from_column_slice(D, BLOCK, block.as_flattened());
            let mean = centred.column_mean();
            centred.column_iter_mut().for_each(|mut x| x -= &mean);
            state.scatter.gemm(T::one(), &centred, &centred.transpose(), T::one());
            state.join(convert(BLOCK as f64), &mean);
            true
        },
        State::finish::<D>,
    );
}

/// A layer: weights with a column for each input, and bias.
type Dense<const I: usize, const O: usize> = (Box<SMatrix<f32, O, I>>, SVector<f32, O>);

fn layer<const I: usize, const O: usize>(w: &[[f32; I]; O], b: &[f32; O]) -> Dense<I, O> {
    (Box::new(SMatrix::from_fn(|o, i| w[o][i])), SVector::from(*b))
}

fn apply<const I: usize, const O: usize>(
    (w, b): &Dense<I, O>,
    x: &SVector<f32, I>,
) -> SVector<f32, O> {
    let mut y = *b;
    y.gemv(1.0, &**w, x, 1.0);
    y
}

/// Enters the decoder.
pub fn add_decoder(table: &mut Table) {
    type Layers = (Dense<8, 32>, Dense<32, 64>, Dense<64, 784>);
    table.add_with_state(
        NAME,
        Cell::new::<f32>("decoder", 8, 784),
        |m: &Decoder<f32>| (layer(&m.w1, &m.b1), layer(&m.w2, &m.b2), layer(&m.w3, &m.b3)),
        |(first, second, third): &mut Layers, z: &[f32; 8], out: &mut [f32; 784]| {
            let mut hidden = apply(first, &SVector::from(*z));
            hidden.apply(|v| *v = v.max(0.0));
            let mut hidden = apply(second, &hidden);
            hidden.apply(|v| *v = v.max(0.0));
            *out = apply(third, &hidden).data.0[0];
            true
        },
    );
}

/// Enters projections and covariances.
pub fn add<T: Real + RealField>(table: &mut Table) {
    macro_rules! project {
        ($table:ident, $t:ty, $d:literal, $k:literal) => {
            add_projection::<$t, $d, $k>($table);
        };
    }
    macro_rules! covariance {
        ($table:ident, $t:ty, $d:literal) => {
            add_covariance::<$t, $d>($table);
        };
    }
    abi::for_projection_shapes!(project, table, T);
    abi::for_covariance_shapes!(covariance, table, T);
}
