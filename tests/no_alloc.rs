//! No routine of the library allocates, on success or on error.
#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used)]

use core::hint::black_box;

use eigenmote::codec::{
    self, Basis, CONTEXTS, Channel, Frame, FrameError, Lattice, Method, Model, ModelSpec,
    Predictor, Sample, SampleKind, Slot, Transform, fit,
};
use eigenmote::linalg::closed::{eigh_2x2, eigh_3x3, svd_2x2, svd_3x3};
use eigenmote::linalg::jacobi::{rotation, rotation_scaled};
use eigenmote::linalg::power::{self, PowerError};
use eigenmote::linalg::svd::Options;
use eigenmote::linalg::truncated::{self, Triplets, TruncatedError, truncated_svd, workspace_len};
use eigenmote::linalg::{
    Centered, Csr, Implicit, LinearOperator, PackedEigh, PackedSvd, SvdState, dominant_eigenpair,
    dominant_triplet, eigenvalues, eigh, eigh_batch, eigh_in_place, eigh_view, lowrank, qr,
    singular_values, svd, svd_batch, svd_in_place, svd_with, top_eigenpairs, top_triplets,
};
use eigenmote::mat::Columns;
use eigenmote::nn::{
    Activation, Adam, AdamSteps, Autoencoder, Calibration, Dense, Diffusion, Draw, F32Network, Gan,
    GanSettings, Gaussian, Initialization, Int8Network, Kind, LayerRange, LayerSpec, Likelihood,
    Mlp, Network, NetworkSpec, NnError, Part, Pass, PcaGaussian, Prediction, SampleError, Sampler,
    Schedule, Sgd, Spec, StandardNormal, TrainError, Vae, initialize, loss, optimize, quantize,
    sample,
};
use eigenmote::simd::{Lanes, Portable, Single};
use eigenmote::stats::{
    Moments, MomentsError, Pca, PcaError, ScatterRoot, Standardizer, components_for_variance,
};
use eigenmote::{Mat, MatMut, MatRef, Scalar, mat, rng, simd};

/// Runs `f` and checks that this thread has not allocated meanwhile.
fn without_allocation<R>(what: &str, f: impl FnOnce() -> R) -> R {
    let mut result = None;
    let counted = allocation_counter::measure(|| result = Some(black_box(f())));
    assert_eq!(counted.count_total, 0, "{what} allocates {} bytes", counted.bytes_total);
    result.expect("measure runs its closure once")
}

fn gaussian<T: Scalar, const M: usize, const N: usize>(seed: u64) -> Mat<T, M, N> {
    let mut a = Mat::zeros();
    rng::fill_normal(&mut rng::seeded(seed), a.as_mut_slice());
    a
}

#[test]
fn the_counter_counts() {
    let counted = allocation_counter::measure(|| drop(black_box(vec![1_u8; 100])));
    assert_eq!((counted.count_total, counted.bytes_total), (1, 100));
}

fn foundation<T: Scalar>() {
    let (mut x, mut y) = ([T::HALF; 37], [T::TWO; 37]);
    without_allocation("scalar", || {
        let (a, b) = (T::from_f64(0.3), T::from_i32(-2));
        let functions = [a.sqrt(), a.exp(), a.ln(), a.tanh(), a.erfc()];
        let more = [b.round(), b.abs(), a.copysign(b), a.max(b), a.min(b)];
        let exponents = (a.exponent(), T::exp2i(3), a.scale_exp2(-200), T::from_u32(7));
        (
            functions,
            more,
            exponents,
            T::from_usize(9),
            b.bits(),
            b.is_finite(),
            b.to_f64(),
            b.to_f32(),
        )
    });
    without_allocation("simd", || {
        simd::axpy(simd::dot(&x, &y), &x, &mut y);
        simd::rotate(T::HALF, T::HALF, T::HALF, &mut x, &mut y);
        simd::scale(simd::sum_of_squares(&x), &mut x);
        <T::Lanes as Portable<T>>::load(&x).store(&mut y);
        (simd::max_abs(&x), simd::all_finite(&y), mat::norm(&x))
    });
    without_allocation("rng", || {
        let mut generator = rng::seeded(1);
        rng::fill_normal(&mut generator, &mut x);
        (rng::uniform::<T>(&mut generator), rng::normal::<T>(&mut generator))
    });
    let (a, b) = (gaussian::<T, 6, 4>(2), gaussian::<T, 6, 3>(3));
    without_allocation("mat", || {
        let view = MatRef::new(&x, 37, 1).map(|v| (v.rows(), v.cols(), v.col(0).len()));
        let rows = Mat::from_rows(&[[T::ONE, T::TWO]; 3]);
        let products = (a.tr_mul(&b), a.transpose().mul(&b), a.mul_vec(&[T::ONE; 4]));
        let sums = (a.tr_mul_vec(&[T::ONE; 6]), a.frobenius(), a.is_finite(), a.get(7, 1));
        (view, rows, products, sums, Mat::<T, 3, 3>::identity(), Mat::from_cols(b.cols))
    });
    without_allocation("views", || {
        let mut c = a;
        let sizes = (c.view().rows(), c.get_mut(9, 9).is_none(), MatRef::new(&x, 2, 5).is_none());
        let mut view = c.view_mut();
        let (p, q) = view.pair_mut(0, 2);
        simd::axpy(T::ONE, p, q);
        view.col_mut(1).fill(T::ONE);
        (sizes, view.rows(), view.as_ref().cols(), view.as_slice().len(), c.col(9).len())
    });
}

fn decompositions<T: Scalar>() {
    let a = gaussian::<T, 12, 7>(4);
    without_allocation("svd", || svd(&a)).unwrap();
    without_allocation("singular_values", || singular_values(&a)).unwrap();
    let (mut u, mut s, mut v) = (a, [T::ZERO; 7], Mat::zeros());
    without_allocation("svd_in_place", || {
        svd_in_place(&mut u, &mut s, &mut v, &Options::default())
    })
    .unwrap();
    let (capped, whole) = without_allocation("SvdState", || {
        let mut capped = SvdState::with_options(&a, Options { max_sweeps: 1 });
        while !capped.step(5) {}
        let mut state = SvdState::new(&a);
        while !state.step(5) {}
        (capped.finish(), state.finish())
    });
    capped.unwrap_err();
    whole.unwrap();
    without_allocation("svd_with", || svd_with(&a, &Options::default())).unwrap();
    let bad = Mat::<T, 3, 3>::from_fn(|_, _| T::ONE / T::ZERO);
    without_allocation("svd of infinities", || svd(&bad)).unwrap_err();
    without_allocation("eigh of infinities", || eigh(&bad)).unwrap_err();
    without_allocation("qr of infinities", || qr(&bad)).unwrap_err();
    let zeros = Options { max_sweeps: 0 };
    without_allocation("svd without sweeps", || svd_with(&a, &zeros)).unwrap_err();
    let (two, three) = (gaussian::<T, 2, 2>(16), gaussian::<T, 3, 3>(17));
    let (eigh2, eigh3, svd2, svd3) = without_allocation("closed forms", || {
        (eigh_2x2(&two), eigh_3x3(&three), svd_2x2(&two), svd_3x3(&three))
    });
    assert!(eigh2.is_ok() && eigh3.is_ok() && svd2.is_ok() && svd3.is_ok());
    without_allocation("closed forms of infinities", || svd_3x3(&bad)).unwrap_err();
    let matrices = [three.cols; 11];
    let (mut svds, mut eighs) = ([PackedSvd::default(); 11], [PackedEigh::default(); 11]);
    without_allocation("batches", || svd_batch(&matrices, &mut svds)).unwrap();
    without_allocation("batches", || eigh_batch(&matrices, &mut eighs)).unwrap();
    without_allocation("a batch of infinities", || svd_batch(&[bad.cols], &mut svds)).unwrap_err();
    without_allocation("rotations", || {
        let (alpha, beta, gamma) = (T::ONE, T::TWO, T::HALF);
        (rotation(Single, alpha, beta, gamma), rotation_scaled(alpha, beta, gamma, 3))
    });

    without_allocation("qr", || {
        let f = qr(&a)?;
        let mut x = [T::ONE; 12];
        f.apply_q(&mut x);
        f.apply_q_transposed(&mut x);
        let ranks = (f.rank(), *f.permutation());
        Ok::<_, eigenmote::linalg::QrError>((f.q(), f.r(), f.solve(&x)?, ranks))
    })
    .unwrap();

    let mut b = a.tr_mul(&a);
    without_allocation("eigh", || eigh(&b)).unwrap();
    without_allocation("eigenvalues", || eigenvalues(&b)).unwrap();
    let (mut values, mut work) = ([T::ZERO; 7], [T::ZERO; 7]);
    without_allocation("eigh_view", || {
        let mut view = MatMut::new(b.as_mut_slice(), 7, 7).unwrap();
        eigh_view(&mut view, &mut values, &mut work)
    })
    .unwrap();
    without_allocation("eigh_in_place", || eigh_in_place(&mut b, &mut values)).unwrap();
}

fn power<T: Scalar>() {
    let (a, bad) = (gaussian::<T, 9, 6>(5), Mat::<T, 4, 4>::from_fn(|_, _| T::ONE / T::ZERO));
    let b = a.tr_mul(&a);
    let options = power::Options::new();
    let one = without_allocation("dominant_eigenpair", || dominant_eigenpair(&b, &options));
    assert!(one.unwrap().info.converged);
    let one = without_allocation("dominant_triplet", || dominant_triplet(&a, &options));
    assert!(one.unwrap().info.converged);
    let one = without_allocation("top_eigenpairs", || top_eigenpairs::<T, 6, 3>(&b, &options));
    assert!(one.unwrap().info.converged);
    let one = without_allocation("top_triplets", || top_triplets::<T, 9, 6, 2>(&a, &options));
    assert!(one.unwrap().info.converged);
    let (mut u, mut v) = ([T::ZERO; 9], [T::ZERO; 6]);
    let (mut left, mut right) = (Mat::<T, 9, 2>::zeros(), Mat::<T, 6, 2>::zeros());
    let (mut values, mut residuals) = ([T::ZERO; 2], [T::ZERO; 2]);
    let infos = without_allocation("in place, from the start vectors given", || {
        let (_, pair) = power::dominant_eigenpair_in_place(&b, &mut v, &options)?;
        let (_, triplet) = power::dominant_triplet_in_place(&a, &mut u, &mut v, &options)?;
        let (values, residuals) = (&mut values, &mut residuals);
        let pairs = power::top_eigenpairs_in_place(&b, &mut right, values, residuals, &options)?;
        let triplets =
            power::top_triplets_in_place(&a, &mut left, values, &mut right, residuals, &options)?;
        Ok::<_, PowerError>([pair, triplet, pairs, triplets])
    })
    .unwrap();
    assert!(infos.iter().all(|info| info.converged));
    let errors = without_allocation("power methods of infinities", || {
        (
            dominant_eigenpair(&bad, &options).err(),
            dominant_triplet(&bad, &options).err(),
            top_eigenpairs::<T, 4, 2>(&bad, &options).err(),
            top_triplets::<T, 4, 4, 2>(&bad, &options).err(),
        )
    });
    let error = Some(PowerError::NotFinite);
    assert_eq!(errors, (error, error, error, error));
}

/// Two triplets of an operator of at most 9 × 6.
fn leading<T: Scalar>(what: &str, a: &impl LinearOperator<T>) {
    const WORK: usize = workspace_len(9, 6, &truncated::Options::<f64>::new(2));
    let (mut u, mut v, mut work) = ([T::ZERO; 18], [T::ZERO; 18], [T::ZERO; WORK]);
    let (mut s, mut residuals) = ([T::ZERO; 2], [T::ZERO; 2]);
    let (u, v) = (u.split_at_mut(2 * a.rows()).0, v.split_at_mut(2 * a.cols()).0);
    let mut out = Triplets { u, s: &mut s, v, residuals: &mut residuals };
    let options = truncated::Options::new(2);
    let info = without_allocation(what, || truncated_svd(a, &mut out, &mut work, &options));
    assert!(info.unwrap().converged);
    let none = truncated::Options::new(0);
    let errors = without_allocation(what, || {
        let rank = truncated_svd(a, &mut out, &mut work, &none);
        let length = truncated_svd(a, &mut out, &mut [], &options);
        (rank.err(), length.err(), a.frobenius_squared(1).is_some())
    });
    assert_eq!(errors.0, Some(TruncatedError::Rank));
    assert_eq!(errors.1, Some(TruncatedError::WrongLength));
}

fn operators<T: Scalar>() {
    let a = gaussian::<T, 9, 6>(6);
    leading("truncated_svd, dense", &a);
    leading("truncated_svd, view", &a.view());
    leading("truncated_svd, centred", &Centered { operator: &a, mean: &[T::HALF; 6] });
    let implicit = Implicit {
        rows: 6,
        cols: 9,
        apply: |x: &[T], y: &mut [T]| a.apply_transposed(x, y),
        apply_transposed: |x: &[T], y: &mut [T]| a.apply(x, y),
    };
    leading("truncated_svd, implicit", &implicit);
    let (row_ptr, col_idx) = ([0, 2, 3, 5], [0, 3, 1, 0, 2]);
    let csr = |cols| Csr::new(3, cols, &row_ptr, &col_idx, a.as_slice().split_at(5).0);
    leading("truncated_svd, sparse", &without_allocation("Csr", || csr(4)).unwrap());
    without_allocation("Csr with a column outside", || csr(3)).unwrap_err();
    let bad = Mat::<T, 3, 3>::from_fn(|_, _| T::ONE / T::ZERO);
    let (mut u, mut v, mut work) = ([T::ZERO; 3], [T::ZERO; 3], [T::ZERO; 100]);
    let (mut s, mut residuals) = ([T::ZERO; 1], [T::ZERO; 1]);
    let mut out = Triplets { u: &mut u, s: &mut s, v: &mut v, residuals: &mut residuals };
    let options = truncated::Options::new(1);
    without_allocation("truncated_svd of infinities", || {
        truncated_svd(&bad, &mut out, &mut work, &options)
    })
    .unwrap_err();
}

fn low_ranks<T: Scalar>() {
    let f = svd(&gaussian::<T, 8, 5>(7)).unwrap();
    without_allocation("functions of the spectrum", || {
        let errors = (lowrank::spectral_error(&f.s, 2), lowrank::frobenius_error(&f.s, 2));
        let rcond = lowrank::default_rcond::<T>(8, 5);
        let ranks = (lowrank::rank_for_error(&f.s, T::HALF), lowrank::numerical_rank(&f.s, rcond));
        (errors, ranks, lowrank::condition_number(&f.s))
    });
    let (_, _, ranks) = without_allocation("methods of Svd", || {
        let (mut low, mut inverse) = (f.low_rank(3), f.pseudo_inverse(None)?);
        f.low_rank_into(2, &mut low);
        f.pseudo_inverse_into(Some(T::HALF), &mut inverse)?;
        let (tall, wide) = (f.solve(&[T::ONE; 8], None)?, f.solve_transposed(&[T::ONE; 5], None)?);
        let ranks = [tall.rank, wide.rank, f.rank(None)];
        Ok::<_, lowrank::SolveError>((
            (low, inverse),
            (tall.x, wide.x, f.condition_number()),
            ranks,
        ))
    })
    .unwrap();
    assert_eq!(ranks, [5; 3]);
    let bad = [T::ONE / T::ZERO; 8];
    without_allocation("solve for infinities", || f.solve(&bad, None)).unwrap_err();
}

fn samples<T: Scalar, const D: usize, const N: usize>(seed: u64) -> [[T; D]; N] {
    gaussian::<T, D, N>(seed).cols
}

fn statistics<T: Scalar>() {
    let (data, bad) = (samples::<T, 5, 40>(8), [[T::ONE / T::ZERO; 5]; 2]);
    without_allocation("Moments", || {
        let (mut one, mut batch) = (Moments::new(), Moments::<T, 5>::default());
        data.iter().try_for_each(|x| one.update(x))?;
        batch.update_batch(&data)?;
        batch.merge(&one)?;
        let results = (batch.mean(), batch.covariance()?, batch.variance()?, batch.std_dev()?);
        Ok::<_, MomentsError>((results, batch.count(), Standardizer::fit_from_moments(&batch)?))
    })
    .unwrap();
    without_allocation("ScatterRoot", || {
        let (mut one, mut batch) = (ScatterRoot::new(), ScatterRoot::<T, 5>::default());
        data.iter().try_for_each(|x| one.update(x))?;
        batch.update_batch(&data)?;
        batch.merge(&one)?;
        Ok::<_, MomentsError>((batch.mean(), *batch.r(), batch.count()))
    })
    .unwrap();
    let errors = without_allocation("statistics of infinities", || {
        let (mut moments, mut root) = (Moments::new(), ScatterRoot::new());
        let refused = [moments.update_batch(&bad).err(), root.update_batch(&bad).err()];
        (refused, moments.covariance().err(), Standardizer::fit(&bad).err())
    });
    let (infinite, few) = (Some(MomentsError::NotFinite), Some(MomentsError::TooFewSamples));
    assert_eq!(errors, ([infinite; 2], few, infinite));

    without_allocation("Standardizer", || {
        let s = Standardizer::fit(&data)?;
        Ok::<_, MomentsError>(s.inverse_transform(&s.transform(&[T::ONE; 5])))
    })
    .unwrap();
    let (mut moments, mut root) = (Moments::new(), ScatterRoot::new());
    moments.update_batch(&data).unwrap();
    root.update_batch(&data).unwrap();
    without_allocation("Pca", || {
        let pca = Pca::<T, 5, 3>::fit(&data)?;
        let x = [T::TWO; 5];
        let there = (pca.transform(&x), pca.whiten(&x), pca.reconstruction_error(&x));
        let back = (pca.inverse_transform(&there.0), pca.unwhiten(&there.1));
        let weights = (pca.encoder_weights(), pca.decoder_weights(), pca.truncated::<2>());
        let fits = (
            Pca::<T, 5, 2>::fit_from_scatter(&root)?,
            Pca::<T, 5, 2>::fit_from_moments(&moments)?,
            Pca::<T, 5, 2>::fit_from_covariance(&x, &moments.covariance()?, 9)?,
        );
        let needed = components_for_variance(&pca.explained_variance, T::HALF);
        Ok::<_, PcaError>((there, back, weights, fits, needed))
    })
    .unwrap();
    without_allocation("Pca of infinities", || Pca::<T, 5, 2>::fit(&bad)).unwrap_err();
    without_allocation("Pca of one sample", || {
        Pca::<T, 5, 2>::fit_from_covariance(&[T::ONE; 5], &Mat::identity(), 1)
    })
    .unwrap_err();
}

fn networks<T: Scalar>() {
    type Net<'a, T> = Mlp<Mlp<Dense<'a, T, 3, 8>, Dense<'a, T, 8, 8>>, Dense<'a, T, 8, 4>>;
    let (w1, w2) = (gaussian::<T, 3, 8>(10), gaussian::<T, 8, 8>(11));
    let (w3, b, b3) = (gaussian::<T, 8, 4>(12), [T::HALF; 8], [T::ZERO; 4]);
    let activations = [
        Activation::Linear,
        Activation::Relu,
        Activation::LeakyRelu { slope: T::HALF },
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Silu,
        Activation::Gelu,
        Activation::GeluTanh,
        #[cfg(feature = "micromath")]
        Activation::FastTanh,
        #[cfg(feature = "micromath")]
        Activation::FastSigmoid,
        #[cfg(feature = "micromath")]
        Activation::FastSilu,
        #[cfg(feature = "micromath")]
        Activation::FastGelu,
    ];
    let (mut scratch, mut out) = ([T::ZERO; 16], [T::ZERO; 4]);
    let mut generator = rng::seeded(13);
    for f in activations {
        without_allocation("networks", || {
            let net: Net<'_, T> = Dense::new(&w1.cols, &b, f)
                .then(Dense::new(&w2.cols, &b, f))
                .then(Dense::new(&w3.cols, &b3, f));
            net.forward(&[T::ONE; 3], &mut scratch, &mut out)?;
            sample(&net, &StandardNormal, &mut generator, &mut scratch, &mut out)
        })
        .unwrap();
    }
    let net = Dense::new(&w1.cols, &b, Activation::Relu);
    let net = net.then(Dense::new(&w3.cols, &b3, Activation::Linear));
    let bad = T::ONE / T::ZERO;
    let errors = without_allocation("networks of infinities or without scratch", || {
        (
            net.forward(&[bad; 3], &mut scratch, &mut out).err(),
            net.forward(&[T::ONE; 3], &mut [], &mut out).err(),
        )
    });
    let scratch = NnError::ScratchTooSmall { needed: 8 };
    assert_eq!(errors, (Some(NnError::NotFinite), Some(scratch)));

    let (mean, factor) = ([T::ONE; 4], gaussian::<T, 6, 4>(14));
    let covariance = factor.tr_mul(&factor);
    let rows = gaussian::<T, 4, 2>(15).cols;
    without_allocation("samplers", || {
        let mut x = [T::ZERO; 4];
        Gaussian::from_covariance(mean, &covariance)?.draw(&mut generator, &mut x);
        PcaGaussian::new(&mean, &rows, &[T::TWO, T::ONE])?.draw(&mut generator, &mut x);
        PcaGaussian::probabilistic(&mean, &rows, &[T::TWO, T::ONE], T::HALF)?
            .draw(&mut generator, &mut x);
        Ok::<_, SampleError>(x)
    })
    .unwrap();
    without_allocation("samplers of infinities", || {
        Gaussian::from_covariance([bad; 4], &covariance).err().map(|_| ())?;
        PcaGaussian::new(&mean, &rows, &[-T::ONE, T::ONE]).err().map(|_| ())
    })
    .unwrap();
}

fn training<T: Scalar>() {
    let fifth = T::from_f64(0.2);
    let activations = [
        Activation::Linear,
        Activation::Relu,
        Activation::LeakyRelu { slope: fifth },
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Silu,
        Activation::Gelu,
        Activation::GeluTanh,
    ];
    let (x, labels) = (gaussian::<T, 3, 4>(20), [Some(1), None, Some(0), None]);
    let x = x.as_slice();
    let (mut memory, mut params, mut gradient) = ([T::ZERO; 2000], [T::ZERO; 200], [T::ZERO; 200]);
    let (mut moments, mut target) = ([T::ZERO; 400], [T::ZERO; 12]);
    let mut generator = rng::at_step(21, 3);
    for f in activations {
        let layers = [LayerSpec::new(3, 5, f), LayerSpec::new(5, 3, Activation::Linear)];
        without_allocation("a step of training", || {
            let spec = Spec::new(&layers).map_err(|_| TrainError::Setting)?;
            let [params, gradient] =
                [&mut params, &mut gradient].map(|p| p.first_chunk_mut::<38>());
            let (params, gradient) = (params.unwrap(), gradient.unwrap());
            let moments = moments.first_chunk_mut::<76>().unwrap();
            initialize(&spec, Initialization::KaimingUniform, &mut generator, params)?;
            let mut pass = Pass::new(spec, 4, &mut memory)?;
            pass.forward(params, x)?;
            let (output, slot) = pass.output_and_gradient();
            loss::gaussian(output, x, 4, T::ONE, slot)?;
            loss::cross_entropy(output, x, 4, slot)?;
            loss::softmax_cross_entropy(output, 3, &[0, 1, 2, 0], slot)?;
            loss::mean_square(output, x, slot)?;
            pass.backward_to_input(params, x, gradient)?;
            optimize::clip_norm(gradient, T::ONE)?;
            let mut steps = AdamSteps::START;
            Adam::new(fifth).update(&mut steps, params, gradient, moments)?;
            let velocity = moments.first_chunk_mut::<38>().unwrap();
            Sgd::new(fifth, fifth).update(params, gradient, velocity)?;
            optimize::average(gradient, params, fifth)?;
            pass.forward(&[], x).map(|_| ()).or(Ok::<_, TrainError>(()))
        })
        .unwrap();
    }
    let silu = Activation::Silu;
    let down = [LayerSpec::new(3, 5, silu), LayerSpec::new(5, 4, Activation::Linear)];
    let up = [LayerSpec::new(2, 5, silu), LayerSpec::new(5, 3, Activation::Linear)];
    let wide = [LayerSpec::new(4, 3, Activation::Linear)];
    let judge = [LayerSpec::new(3, 4, silu), LayerSpec::new(4, 1, Activation::Linear)];
    let noise = [LayerSpec::new(3 + 4 + 2, 5, silu), LayerSpec::new(5, 3, Activation::Linear)];
    let [down, up, wide, judge, noise] =
        [&down[..], &up[..], &wide[..], &judge[..], &noise[..]].map(|l| Spec::new(l).unwrap());
    without_allocation("models", || {
        let (memory, rng) = (&mut memory, &mut generator);
        let (mut p, mut g, mut d, mut by_d) =
            ([T::ZERO; 59], [T::ZERO; 59], [T::ZERO; 21], [T::ZERO; 21]);
        let model = Autoencoder::new(down, wide, fifth)?;
        model.initialize(rng, &mut p)?;
        model.gradient(&p, x, rng, memory, &mut g)?;
        model.reconstruct(&p, x, memory, &mut target)?;

        let (mut p, mut g) = ([T::ZERO; 77], [T::ZERO; 77]);
        let model = Vae::new(down, up, Likelihood::Bernoulli, T::ONE)?;
        model.initialize(rng, &mut p)?;
        model.gradient(&p, x, rng, memory, &mut g)?;
        model.evaluate(&p, x, rng, memory)?;
        model.reconstruct(&p, x, memory, &mut target)?;
        model.sample(&p, rng, memory, &mut target)?;

        let (mut p, mut g) = ([T::ZERO; 33], [T::ZERO; 33]);
        let settings =
            GanSettings { smooth: fifth, noise: fifth, penalty: fifth, ..Default::default() };
        let model = Gan::new(up, judge, settings)?;
        model.initialize(rng, &mut p, &mut d)?;
        model.gradients((&p, &d), x, rng, memory, (&mut g, &mut by_d))?;
        model.sample(&p, rng, memory, &mut target)?;

        let (mut p, mut g) = ([T::ZERO; 68], [T::ZERO; 68]);
        let model = Diffusion::new(noise, Schedule::Cosine, Prediction::Velocity, 2)?;
        model.initialize(rng, &mut p)?;
        model.gradient(&p, (x, &labels), rng, memory, &mut g)?;
        model.evaluate(&p, (x, &labels), rng, memory)?;
        model.sample(&p, &Sampler::ddpm(3), (Some(1), fifth), rng, memory, &mut target)
    })
    .unwrap();
}

/// Channels of a bounded model, sized by a survey of the window.
fn surveyed<S: Sample>(window: &[S]) -> [Channel<S>; 2] {
    let lattice = Lattice::bounded(0.0, 1.0).unwrap();
    let mut survey = fit::Survey::new(0);
    survey.restart();
    window.iter().filter_map(|&x| lattice.snap(x)).for_each(|count| survey.push(count));
    [0, 1].map(|channel| Channel { lattice, predictor: survey.predictor(channel) })
}

/// A model and everything that is done with one, over 8 rows of 2 channels.
fn coding<S: Sample>(channels: &[Channel<S>; 2], method: Method<'_>, windows: &[[S; 16]]) {
    let spec = ModelSpec {
        window: 8,
        channels,
        method,
        priors: &fit::DEFAULT_PRIORS,
        rate: fit::DEFAULT_RATE,
    };
    let (mut blob, mut bytes) = ([0; 1024], [0; 256]);
    without_allocation("ModelSpec::write", || (spec.encoded_len(), spec.write(&mut blob)))
        .1
        .unwrap();
    without_allocation("a model without room", || spec.write(&mut [])).unwrap_err();
    let model = without_allocation("Model::parse", || Model::parse(&blob)).unwrap();
    without_allocation("half a model", || Model::parse(blob.split_at(60).0)).unwrap_err();
    without_allocation("accessors of Model", || {
        let shape = (model.channels(), model.window(), model.components(), model.kind());
        let transform = (model.mode(), model.coefficient_step(), model.budget());
        let rest = (model.id(), model.rate(), model.priors(), model.channel_list::<S>().count());
        (shape, transform, rest, model.bytes().len(), model.max_frame_bytes())
    });
    let mut scratch = [Slot::NEW; 4];
    assert!(model.scratch_len() <= scratch.len());
    let (mut decoded, mut coefficients) = ([S::default(); 16], [0; 2]);
    let mut tally = without_allocation("Tally", fit::Tally::new);
    for window in windows {
        without_allocation("fit", || {
            tally.window(&model, window, &mut scratch)?;
            fit::coefficients(&model, window, &mut scratch, &mut coefficients)
        })
        .unwrap();
        let len = without_allocation("encode", || {
            codec::encode(&model, 1, window, &mut scratch, &mut bytes)
        })
        .unwrap();
        let (frame, _) = without_allocation("Frame::parse", || Frame::parse(&bytes)).unwrap();
        without_allocation("accessors of Frame", || {
            let flags = (frame.is_raw(), frame.is_refined());
            (flags, frame.model_id(), frame.sequence(), frame.rows(), frame.payload().len())
        });
        without_allocation("decode", || codec::decode(&model, &frame, &mut scratch, &mut decoded))
            .unwrap();
        let mut stream = codec::Stream::new();
        without_allocation("encode_next", || {
            codec::encode_next(&model, &mut stream, 2, window, &mut scratch, &mut bytes)?;
            codec::encode_next(&model, &mut stream, 3, window, &mut scratch, &mut bytes)
        })
        .unwrap();
        codec::encode(&model, 1, window, &mut scratch, &mut bytes).unwrap();
        let (frame, _) = Frame::parse(&bytes).unwrap();
        without_allocation("decode_next", || {
            codec::decode_next(&model, &mut stream, &frame, &mut scratch, &mut decoded)
        })
        .unwrap();
        let mut packet = [0; 64];
        let (mut twice, mut stream) = ([Slot::NEW; 8], codec::Stream::new());
        let (rows, length) = without_allocation("encode_fitting", || {
            codec::encode_fitting(&model, &mut stream, 2, window, &mut twice, &mut packet)
        })
        .unwrap();
        let mut receiver = codec::Receiver::new();
        let mut order = codec::Reorder::<2, 100>::new();
        let received = without_allocation("Scan, Reorder and Receiver", || {
            let found = codec::Scan::of_model(&packet, &model).next().unwrap();
            assert_eq!((found.start, order.push(&packet)), (0, Ok(())));
            receiver.receive(&model, &order.pop().unwrap(), &mut twice, &mut decoded)
        });
        assert_eq!((received.unwrap().rows, length <= packet.len()), (rows, true));
        without_allocation("decode without room", || {
            codec::decode(&model, &frame, &mut scratch, &mut [S::default(); 3])
        })
        .unwrap_err();
        let cut = without_allocation("half a frame", || Frame::parse(bytes.split_at(len - 1).0));
        assert_eq!(cut.unwrap_err(), FrameError::Truncated);
    }
    without_allocation("encode half a row", || {
        codec::encode(&model, 1, &[S::default(); 3], &mut scratch, &mut bytes)
    })
    .unwrap_err();
    without_allocation("encode without scratch", || {
        codec::encode(&model, 1, &decoded, &mut [], &mut bytes)
    })
    .unwrap_err();
    without_allocation("Tally::priors", || -> [u16; CONTEXTS] { tally.priors() });
}

/// In all modes, quiet windows and one of bits as they come.
fn codecs<S: Sample>(kind: SampleKind, from: impl Fn(i16) -> S) {
    let quiet = core::array::from_fn(|i| from(i16::try_from(i * i % 23).unwrap()));
    let rough = core::array::from_fn(|i| from(i16::try_from(i * i * 7919 % 32_749).unwrap()));
    let windows = [quiet, rough];
    let bounded = without_allocation("Lattice and Survey", || surveyed(&quiet));
    coding(&bounded, Method::Bounded, &windows);
    let lattice = without_allocation("lattices", || {
        let grid = Lattice::<S>::on_grid(0.0, 1.0, 2.0).map(|l| (l.snap(quiet[3]), l.is_valid()));
        let bad = Lattice::<S>::bounded(f64::NAN, -1.0);
        let fine = Lattice::<S>::fine(0.0, 0.5)?;
        let count = fine.nearest(quiet[2])?;
        let restored = fine.restore(count);
        let kept = (fine.holds(quiet[2], restored), fine.error_q8(quiet[2], restored));
        black_box((grid, bad, kept, kind.bytes(), kind.bits(), SampleKind::from_byte(1)));
        Some(fine)
    })
    .unwrap();
    let weighed = without_allocation("weighed", || Lattice::<S>::weighed(0.0, 3.0, 1.5)).unwrap();
    let predictive = Method::Predictive { tradeoff: 25, budget: fit::q8(0.7) };
    let predicted = bounded.map(|channel| Channel { lattice: weighed, ..channel });
    coding(&predicted, predictive, &windows);
    let channels = [Channel { lattice, predictor: Predictor::default() }; 2];
    let basis = without_allocation("basis", || {
        core::array::from_fn::<_, 32, _>(|i| {
            fit::basis_weight(if i % 2 == 1 && i / 2 % 2 == 1 { -0.25 } else { 0.25 })
        })
    });
    for budget in [None, Some(2.0)] {
        let transform = Transform {
            coefficient_step: fit::q8(4.0),
            budget: budget.map(fit::q8),
            scales: &[fit::q8(20.0), fit::q8(3.0)],
            basis: Basis::I16(&basis),
        };
        coding(&channels, Method::Transform(transform), &windows);
    }
}

#[test]
fn sums_matrices_and_random_numbers_do_not_allocate() {
    foundation::<f32>();
    foundation::<f64>();
}

#[test]
fn decompositions_do_not_allocate() {
    decompositions::<f32>();
    decompositions::<f64>();
}

#[test]
fn power_methods_do_not_allocate() {
    power::<f32>();
    power::<f64>();
}

#[test]
fn truncated_decompositions_do_not_allocate() {
    operators::<f32>();
    operators::<f64>();
}

#[test]
fn approximations_and_solutions_do_not_allocate() {
    low_ranks::<f32>();
    low_ranks::<f64>();
}

#[test]
fn statistics_do_not_allocate() {
    statistics::<f32>();
    statistics::<f64>();
}

#[test]
fn networks_and_samplers_do_not_allocate() {
    networks::<f32>();
    networks::<f64>();
}

#[test]
fn network_blobs_do_not_allocate() {
    let layers = [LayerSpec::new(3, 4, Activation::Silu), LayerSpec::new(4, 2, Activation::Linear)];
    let params = [0.3; 26];
    let (mut bytes, mut int8) = ([0; 1024], [0; 1024]);
    let mut ranges = [LayerRange::NEW; 2];
    let (mut scratch, mut y) = ([0.0; 32], [0.0; 2]);
    without_allocation("network blob", || {
        let spec = Spec::new(&layers).expect("the layers fit");
        let part = Part { spec, params: &params };
        let spec = NetworkSpec::new(Kind::Vae, None, Some(part));
        let length = spec.write(&mut bytes).expect("enough bytes");
        let network = F32Network::parse(&bytes[..length]).expect("a network");
        let mut calibration = Calibration::new(network, &mut ranges).expect("enough ranges");
        let x = [1.0, -2.0, 0.5];
        calibration.observe(false, &x, &mut scratch, &mut y).expect("finite input");
        let length = quantize(&calibration, None, &mut int8).expect("usual sizes");
        let network = Int8Network::parse(&int8[..length]).expect("a network");
        let (mut scratch, mut y) = ([0; 16], [0; 2]);
        let decoder = network.back().expect("a decoder");
        decoder.forward(&[65_536; 3], &mut scratch, &mut y).expect("enough memory");
        network.sample(&mut rng::seeded(1), None, &mut scratch, &mut y).expect("enough memory");
        (F32Network::parse(&[]).is_err(), Int8Network::parse(&bytes).is_err(), y)
    });
}

#[test]
fn training_does_not_allocate() {
    training::<f32>();
    training::<f64>();
}

#[test]
fn the_codec_does_not_allocate() {
    codecs(SampleKind::I16, |x| x);
    codecs(SampleKind::I32, i32::from);
    codecs(SampleKind::F32, f32::from);
    codecs(SampleKind::F64, f64::from);
}
