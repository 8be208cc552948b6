//! Carries out one kernel, named by the argument, on inputs that are the same in every run; without an
//! argument prints the names. What is done in [`counted`] is what callgrind counts: see `run`.

use std::hint::black_box;

use eigenmote::linalg::{self, PackedEigh, PackedSvd, power};
use eigenmote::nn::{Activation, Dense, Network};
use eigenmote::stats::{Moments, Pca};
use eigenmote::{Mat, Scalar, rng};

/// Inputs that every kernel works through.
const INPUTS: usize = 8;

/// Callgrind counts from the entry of this function to its end.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
    black_box(());
}

/// `routine` for each of the inputs, counted.
fn each<A, R>(inputs: Vec<A>, routine: impl Fn(&A) -> R) {
    counted(&mut || inputs.iter().for_each(|a| _ = black_box(routine(black_box(a)))));
}

fn random<T: Scalar, const M: usize, const N: usize>() -> Vec<Mat<T, M, N>> {
    let mut generator = rng::seeded(1);
    (0..INPUTS).map(|_| Mat::from_fn(|_, _| rng::normal(&mut generator))).collect()
}

fn symmetric<T: Scalar, const N: usize>() -> Vec<Mat<T, N, N>> {
    let part = |a: Mat<T, N, N>| Mat::from_fn(|i, j| (a.cols[j][i] + a.cols[i][j]) * T::HALF);
    random().into_iter().map(part).collect()
}

fn rows<const D: usize>(count: usize) -> Vec<[f32; D]> {
    let mut rows = vec![[0.0; D]; count];
    rng::fill_normal(&mut rng::seeded(2), rows.as_flattened_mut());
    rows
}

fn svd<T: Scalar, const M: usize, const N: usize>() {
    each(random::<T, M, N>(), linalg::svd);
}

fn values<T: Scalar, const M: usize, const N: usize>() {
    each(random::<T, M, N>(), linalg::singular_values);
}

fn eigh<T: Scalar, const N: usize>() {
    each(symmetric::<T, N>(), linalg::eigh);
}

fn eigenvalues<T: Scalar, const N: usize>() {
    each(symmetric::<T, N>(), linalg::eigenvalues);
}

fn qr<T: Scalar, const M: usize, const N: usize>() {
    each(random::<T, M, N>(), linalg::qr);
}

fn top<T: Scalar, const N: usize, const K: usize>() {
    each(symmetric::<T, N>(), |a| {
        linalg::top_eigenpairs::<T, N, K>(a, &power::Options::new()).map_err(|_| ())
    });
}

fn svd_batch<T: Scalar, const N: usize>() {
    let matrices: Vec<_> = random::<T, N, N>().iter().map(|a| a.cols).collect();
    let mut out = [PackedSvd::default(); INPUTS];
    counted(&mut || _ = black_box(linalg::svd_batch(black_box(&matrices), &mut out)));
}

fn eigh_batch<T: Scalar, const N: usize>() {
    let matrices: Vec<_> = symmetric::<T, N>().iter().map(|a| a.cols).collect();
    let mut out = [PackedEigh::default(); INPUTS];
    counted(&mut || _ = black_box(linalg::eigh_batch(black_box(&matrices), &mut out)));
}

fn moments<const D: usize>() {
    let (samples, mut moments) = (rows::<D>(64), Moments::<f32, D>::new());
    counted(&mut || _ = black_box(moments.update_batch(black_box(&samples))));
}

fn moments_one_by_one<const D: usize>() {
    let (samples, mut moments) = (rows::<D>(64), Moments::<f32, D>::new());
    counted(&mut || samples.iter().for_each(|x| _ = black_box(moments.update(x))));
}

fn projection<const D: usize, const K: usize>(batch: bool) {
    let samples = rows::<D>(64);
    let Ok(pca) = Pca::<f32, D, K>::fit(&samples) else { return };
    let mut z = vec![[0.0; K]; samples.len()];
    counted(&mut || {
        if batch {
            pca.transform_batch(black_box(&samples), &mut z);
        } else {
            samples.iter().zip(&mut z).for_each(|(x, z)| *z = pca.transform(black_box(x)));
        }
    });
    black_box(z);
}

fn dense(activation: Activation<f32>) {
    let (weights, bias) = (rows::<64>(256), [0.5; 256]);
    let Some(weights) = weights.first_chunk() else { return };
    let layer = Dense::<f32, 64, 256>::new(weights, &bias, activation);
    let (x, mut out) = (rows::<64>(1), [0.0; 256]);
    counted(&mut || _ = black_box(layer.forward(black_box(&x[0]), &mut [], &mut out)));
}

const KERNELS: &[(&str, fn())] = &[
    ("svd f32 4x4", svd::<f32, 4, 4>),
    ("svd f32 8x8", svd::<f32, 8, 8>),
    ("svd f32 16x16", svd::<f32, 16, 16>),
    ("svd f32 32x32", svd::<f32, 32, 32>),
    ("svd f32 64x16", svd::<f32, 64, 16>),
    ("svd f64 8x8", svd::<f64, 8, 8>),
    ("svd f64 16x16", svd::<f64, 16, 16>),
    ("singular values f32 16x16", values::<f32, 16, 16>),
    ("svd_batch f32 2x2", svd_batch::<f32, 2>),
    ("svd_batch f32 4x4", svd_batch::<f32, 4>),
    ("svd_batch f64 4x4", svd_batch::<f64, 4>),
    ("eigh f32 4x4", eigh::<f32, 4>),
    ("eigh f32 8x8", eigh::<f32, 8>),
    ("eigh f32 16x16", eigh::<f32, 16>),
    ("eigh f32 32x32", eigh::<f32, 32>),
    ("eigh f64 8x8", eigh::<f64, 8>),
    ("eigh f64 16x16", eigh::<f64, 16>),
    ("eigenvalues f32 16x16", eigenvalues::<f32, 16>),
    ("eigh_batch f32 3x3", eigh_batch::<f32, 3>),
    ("qr f32 16x16", qr::<f32, 16, 16>),
    ("qr f64 16x16", qr::<f64, 16, 16>),
    ("top 4 eigenpairs f32 32x32", top::<f32, 32, 4>),
    ("moments f32 16, batch of 64", moments::<16>),
    ("moments f32 16, 64 one by one", moments_one_by_one::<16>),
    ("pca f32 64 to 8, 64 one by one", || projection::<64, 8>(false)),
    ("pca f32 64 to 8, batch of 64", || projection::<64, 8>(true)),
    ("dense f32 64 to 256, linear", || dense(Activation::Linear)),
    ("dense f32 64 to 256, sigmoid", || dense(Activation::Sigmoid)),
    ("dense f32 64 to 256, tanh", || dense(Activation::Tanh)),
];

fn main() {
    let wanted = std::env::args().nth(1);
    for (name, kernel) in KERNELS {
        match &wanted {
            None => println!("{name}"),
            Some(wanted) if wanted == name => kernel(),
            Some(_) => {}
        }
    }
}
