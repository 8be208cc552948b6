//! What is computed on both sides. A case tells whether its result is right, and hashes its bits.

use board::Hash;
use eigenmote::codec::{Model, SampleKind};
use eigenmote::linalg::power::{Options, dominant_eigenpair_in_place, top_triplets_in_place};
use eigenmote::linalg::{eigh_in_place, svd_in_place};
use eigenmote::nn::{Activation, Dense, StandardNormal, sample};
use eigenmote::stats::{Covariance, Moments, Pca};
use eigenmote::{Mat, rng};
use mainjob::{CHANNELS, FromCount, MODELS, RECORDING, decode_all, encode_all};

/// A name and what is done under it.
pub struct Case {
    pub name: &'static str,
    pub run: fn(&mut Hash) -> bool,
}

pub const CASES: &[Case] = &[
    Case { name: "svd f32 3x3", run: svd::<3, 3> },
    Case { name: "svd f32 8x8", run: svd::<8, 8> },
    Case { name: "svd f32 16x4", run: svd::<16, 4> },
    Case { name: "svd f32 16x16", run: svd::<16, 16> },
    Case { name: "eigh f32 3x3", run: eigh::<3> },
    Case { name: "eigh f32 8x8", run: eigh::<8> },
    Case { name: "eigh f32 16x16", run: eigh::<16> },
    Case { name: "power f32 8x8", run: dominant },
    Case { name: "top triplets f32 12x8", run: leading },
    Case { name: "moments f32", run: moments },
    Case { name: "covariance f32", run: covariance },
    Case { name: "pca f32", run: pca },
    Case { name: "codec i16 bounded", run: codec::<0> },
    Case { name: "codec i16 predictive", run: codec::<1> },
    Case { name: "codec i16 transform", run: codec::<2> },
    Case { name: "codec f32 bounded", run: codec::<3> },
    Case { name: "codec f32 predictive", run: codec::<4> },
    Case { name: "codec f32 transform", run: codec::<5> },
    Case { name: "decoder f32", run: decoder },
];

/// Within so many units in the last place of the scale.
fn close(x: f32, y: f32, scale: f32, places: f32) -> bool {
    (x - y).abs() <= places * f32::EPSILON * scale
}

/// Entries from a normal distribution.
fn gaussian<const M: usize, const N: usize>(seed: u64) -> Mat<f32, M, N> {
    let mut a = Mat::zeros();
    rng::fill_normal(&mut rng::seeded(seed), a.as_mut_slice());
    a
}

fn symmetric<const N: usize>(seed: u64) -> Mat<f32, N, N> {
    let a = gaussian::<N, N>(seed);
    a.tr_mul(&a)
}

fn svd<const M: usize, const N: usize>(hash: &mut Hash) -> bool {
    let a = gaussian::<M, N>(M as u64 * 100 + N as u64);
    let (mut u, mut v, mut s) = (a, Mat::zeros(), [0.0; N]);
    let done = svd_in_place(&mut u, &mut s, &mut v, &Default::default()).is_ok();
    hash.floats(u.as_slice());
    hash.floats(v.as_slice());
    hash.floats(&s);
    // U·diag(s)·Vᵀ is A again.
    for (column, &s) in u.cols.iter_mut().zip(&s) {
        column.iter_mut().for_each(|x| *x *= s);
    }
    let again = u.mul(&v.transpose());
    let (size, places) = (a.frobenius(), 8.0 * N as f32);
    done && again.as_slice().iter().zip(a.as_slice()).all(|(&x, &y)| close(x, y, size, places))
}

fn eigh<const N: usize>(hash: &mut Hash) -> bool {
    let a = symmetric::<N>(N as u64);
    let (mut vectors, mut values) = (a, [0.0; N]);
    let done = eigh_in_place(&mut vectors, &mut values).is_ok();
    hash.floats(vectors.as_slice());
    hash.floats(&values);
    let mut scaled = vectors;
    for (column, &value) in scaled.cols.iter_mut().zip(&values) {
        column.iter_mut().for_each(|x| *x *= value);
    }
    let again = scaled.mul(&vectors.transpose());
    let (size, places) = (a.frobenius(), 8.0 * N as f32);
    done && again.as_slice().iter().zip(a.as_slice()).all(|(&x, &y)| close(x, y, size, places))
}

fn dominant(hash: &mut Hash) -> bool {
    let a = symmetric::<8>(31);
    let mut vector = [0.0; 8];
    let Ok((value, info)) = dominant_eigenpair_in_place(&a, &mut vector, &Options::new()) else {
        return false;
    };
    hash.floats(&vector);
    hash.floats(&[value]);
    let image = a.mul_vec(&vector);
    info.converged && image.iter().zip(&vector).all(|(&y, &x)| close(y, value * x, value, 1e4))
}

fn leading(hash: &mut Hash) -> bool {
    let a = gaussian::<12, 8>(32);
    let (mut u, mut s, mut v) = (Mat::<f32, 12, 2>::zeros(), [0.0; 2], Mat::<f32, 8, 2>::zeros());
    let (options, mut residuals) = (Options::new(), [0.0; 2]);
    let done = top_triplets_in_place(&a, &mut u, &mut s, &mut v, &mut residuals, &options).is_ok();
    hash.floats(u.as_slice());
    hash.floats(&s);
    hash.floats(v.as_slice());
    done && s[0] >= s[1] && s[1] > 0.0
}

/// Rows of the recording as floats.
fn rows() -> impl Iterator<Item = [f32; CHANNELS]> {
    RECORDING.iter().map(|row| row.map(f32::from))
}

fn moments(hash: &mut Hash) -> bool {
    let (mut all, mut first, mut second) =
        (Moments::<f32, CHANNELS>::new(), Moments::new(), Moments::new());
    let mut taken = true;
    for (row, number) in rows().zip(0..) {
        taken &= all.update(&row).is_ok();
        let part = if number < 100 { &mut first } else { &mut second };
        taken &= part.update(&row).is_ok();
    }
    taken &= first.merge(&second).is_ok();
    let (Ok(whole), Ok(merged)) = (all.covariance(), first.covariance()) else {
        return false;
    };
    hash.floats(&all.mean());
    hash.floats(whole.as_slice());
    hash.floats(merged.as_slice());
    let (Ok(whole), Ok(merged)) = (all.variance(), first.variance()) else {
        return false;
    };
    taken && whole.iter().zip(&merged).all(|(&x, &y)| close(x, y, x, 16.0))
}

fn covariance(hash: &mut Hash) -> bool {
    let mut state = Covariance::<f32, CHANNELS>::new();
    let taken = rows().all(|row| state.update(&row).is_ok());
    let Ok(covariance) = state.covariance() else {
        return false;
    };
    hash.floats(&state.mean());
    hash.floats(covariance.as_slice());
    taken && state.count() == mainjob::ROWS as u32
}

fn pca(hash: &mut Hash) -> bool {
    let mut state = Moments::<f32, CHANNELS>::new();
    let taken = rows().all(|row| state.update(&row).is_ok());
    let Ok(pca) = Pca::<f32, CHANNELS, 3>::fit_from_moments(&state) else {
        return false;
    };
    hash.floats(&pca.mean);
    hash.floats(pca.components.as_flattened());
    hash.floats(&pca.explained_variance);
    for row in rows().take(20) {
        let z = pca.transform(&row);
        hash.floats(&z);
        hash.floats(&pca.inverse_transform(&z));
    }
    let [first, _, third] = pca.explained_variance_ratio;
    taken && first > 0.5 && third < first
}

fn codec<const NUMBER: usize>(hash: &mut Hash) -> bool {
    let Some(Ok(model)) = MODELS.get(NUMBER).map(|(_, blob)| Model::parse(blob)) else {
        return false;
    };
    match model.kind() {
        SampleKind::I16 => code::<i16>(&model, hash),
        SampleKind::F32 => code::<f32>(&model, hash),
        _ => false,
    }
}

/// Hashes frames and decoded samples.
fn code<S: FromCount>(model: &Model<'_>, hash: &mut Hash) -> bool {
    let encoded = encode_all::<S>(model, |frame| {
        hash.bytes(frame);
        true
    });
    let mut raw = |x: u64| hash.bytes(&x.to_le_bytes());
    encoded && decode_all::<S>(model, |samples| samples.iter().for_each(|x| raw(x.to_raw())))
}

/// Samples of a small decoder whose weights come from a generator.
fn decoder(hash: &mut Hash) -> bool {
    let (first, second) = (gaussian::<2, 16>(41), gaussian::<16, 24>(42));
    let biases = gaussian::<24, 2>(43);
    let [b1, b2] = &biases.cols;
    let Some(b1) = b1.first_chunk() else {
        return false;
    };
    let net = Dense::new(&first.cols, b1, Activation::Silu).then(Dense::new(
        &second.cols,
        b2,
        Activation::Tanh,
    ));
    let (mut scratch, mut out) = ([0.0; 64], [0.0; 24]);
    let mut generator = rng::seeded(44);
    let mut done = true;
    for _ in 0..8 {
        done &= sample(&net, &StandardNormal, &mut generator, &mut scratch, &mut out).is_ok();
        hash.floats(&out);
        done &= out.iter().all(|x| x.abs() <= 1.0);
    }
    done
}
