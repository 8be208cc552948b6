//! Network blobs: what is written is read back, floats give the bits of `Mlp`, bad bytes end in an error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

use eigenmote::nn::{
    Activation, Blob, BlobError, Denoising, Dense, F32Network, Int8Network, Kind, LayerSpec, Mlp,
    Network, NetworkSpec, NnError, Numbers, Part, Prediction, Schedule, Spec,
};
use eigenmote::rng;

#[path = "support/networks.rs"]
mod networks;
use networks::{crc32, params, run_any, small_int8, small_told, write};

const ACTIVATIONS: [Activation<f32>; 8] = [
    Activation::Linear,
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.1 },
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Silu,
    Activation::Gelu,
    Activation::GeluTanh,
];

#[test]
fn the_worked_example_has_the_bytes_of_the_format_table() {
    let layers = [LayerSpec::new(2, 1, Activation::Relu)];
    let part = Part { spec: Spec::new(&layers).unwrap(), params: &[1.0, -2.0, 0.5] };
    let bytes = write(&NetworkSpec::new(Kind::Plain, None, Some(part)));
    let expected: [u8; 48] = [
        0x45, 0x49, 0x47, 0x4e, 1, 0, 0, 1, 0x34, 0, 0, 0, 0, 0, 0, 0, //
        0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 1, 0, 0, 0, //
        0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f,
    ];
    assert_eq!(bytes[..48], expected);
    assert_eq!(bytes[48..], crc32(&expected).to_le_bytes());
}

#[test]
fn a_blob_gives_the_bits_of_an_mlp() {
    for activation in ACTIVATIONS {
        let layers = [
            LayerSpec::new(3, 37, activation),
            LayerSpec::new(37, 9, activation),
            LayerSpec::new(9, 6, Activation::Linear),
        ];
        let spec = Spec::new(&layers).unwrap();
        let params = params(spec.params(), 1, 0.4);
        let part = Part { spec, params: &params };
        let bytes = write(&NetworkSpec::new(Kind::Plain, None, Some(part)));
        let (one, rest) = params.split_at(4 * 37);
        let (two, three) = rest.split_at(38 * 9);
        let cut = |own: &'_ [f32], inputs: usize, outputs: usize| {
            let (w, b) = own.split_at(inputs * outputs);
            (w.to_vec(), b.to_vec())
        };
        let ((w1, b1), (w2, b2), (w3, b3)) = (cut(one, 3, 37), cut(two, 37, 9), cut(three, 9, 6));
        let net = Mlp {
            front: Mlp {
                front: Dense::<f32, 3, 37> {
                    weights: w1.as_chunks().0.try_into().unwrap(),
                    bias: b1[..].try_into().unwrap(),
                    activation,
                },
                last: Dense::<f32, 37, 9> {
                    weights: w2.as_chunks().0.try_into().unwrap(),
                    bias: b2[..].try_into().unwrap(),
                    activation,
                },
            },
            last: Dense::<f32, 9, 6> {
                weights: w3.as_chunks().0.try_into().unwrap(),
                bias: b3[..].try_into().unwrap(),
                activation: Activation::Linear,
            },
        };
        // From any address.
        for shift in 0..4 {
            let mut moved = vec![0; shift];
            moved.extend(&bytes);
            let network = F32Network::parse(&moved[shift..]).unwrap();
            let whole = network.whole();
            assert!(whole.params().eq(params.iter().copied()));
            let mut scratch = vec![0.0; whole.scratch_len()];
            let mut generator = rng::seeded(5);
            for _ in 0..8 {
                let x: [f32; 3] = core::array::from_fn(|_| rng::normal(&mut generator));
                let (mut y, mut expected) = ([0.0; 6], [0.0; 6]);
                whole.forward(&x, &mut scratch, &mut y).unwrap();
                net.forward(&x, &mut [0.0; 46], &mut expected).unwrap();
                if cfg!(feature = "fast") {
                    for (y, e) in y.iter().zip(expected) {
                        assert!((y - e).abs() <= 1e-5 * (1.0 + e.abs()), "{activation:?}");
                    }
                } else {
                    assert_eq!(y.map(f32::to_bits), expected.map(f32::to_bits), "{activation:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_written_is_read_back() {
    let layers =
        [LayerSpec::new(4 + 6 + 3, 8, Activation::Silu), LayerSpec::new(8, 4, Activation::Linear)];
    let back = [LayerSpec::new(4, 9, Activation::LeakyRelu { slope: 0.25 })];
    let (spec, to_sample) = (Spec::new(&layers).unwrap(), Spec::new(&back).unwrap());
    let (own, other) = (params(spec.params(), 1, 1.0), params(to_sample.params(), 2, 1.0));
    let denoising = Denoising {
        schedule: Schedule::Linear,
        prediction: Prediction::Velocity,
        classes: 3,
        vector_len: 0,
    };
    let network = NetworkSpec {
        kind: Kind::Diffusion,
        front: Some(Part { spec, params: &own }),
        back: Some(Part { spec: to_sample, params: &other }),
        denoising: Some(denoising),
    };
    let bytes = write(&network);
    assert_eq!(bytes.len(), network.encoded_len());
    let network = F32Network::parse(&bytes).unwrap();
    let blob = network.blob();
    assert_eq!((blob.kind(), blob.numbers()), (Kind::Diffusion, Numbers::F32));
    assert_eq!((blob.classes(), blob.features(), blob.steps()), (3, 6, 0));
    assert_eq!((blob.prediction(), blob.limit()), (Prediction::Velocity, None));
    assert_eq!((blob.latent(), blob.outputs(), blob.front_layers()), (4, 9, 2));
    assert!(blob.layers().eq(layers.into_iter().chain(back)));
    assert_eq!(network.denoising(), Some(denoising));
    assert!(network.front().unwrap().params().eq(own));
    assert!(network.back().unwrap().params().eq(other));
    // A longer slice is fine: the length is in the header.
    let mut longer = bytes.clone();
    longer.push(7);
    assert_eq!(Blob::parse(&longer).unwrap().checksum(), blob.checksum());
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let l = |i, o| [LayerSpec::new(i, o, Activation::Relu)];
    let try_write =
        |kind, front: Option<(usize, usize)>, back: Option<(usize, usize)>, denoising| {
            let (front, back) = (front.map(|(i, o)| l(i, o)), back.map(|(i, o)| l(i, o)));
            let zeros = vec![0.0; 70_001];
            let part = |layers: &'static [LayerSpec<f32>; 1], zeros: &'static [f32]| {
                let spec = Spec::new(layers).unwrap();
                Part { spec, params: &zeros[..spec.params()] }
            };
            let zeros: &'static [f32] = zeros.leak();
            let leak = |layers: Option<[LayerSpec<f32>; 1]>| {
                layers.map(|layers| part(Box::leak(Box::new(layers)), zeros))
            };
            let spec = NetworkSpec { kind, front: leak(front), back: leak(back), denoising };
            let mut out = vec![0; spec.encoded_len()];
            spec.write(&mut out).map(|_| ())
        };
    let bad = Err(BlobError::BadParts);
    let denoising = Denoising {
        schedule: Schedule::Cosine,
        prediction: Prediction::Noise,
        classes: 2,
        vector_len: 0,
    };
    assert_eq!(try_write(Kind::Plain, None, Some((2, 3)), None), Ok(()));
    assert_eq!(try_write(Kind::Plain, Some((2, 3)), None, None), bad);
    assert_eq!(try_write(Kind::Autoencoder, Some((5, 2)), Some((2, 5)), None), Ok(()));
    assert_eq!(try_write(Kind::Autoencoder, Some((5, 3)), Some((2, 5)), None), bad);
    assert_eq!(try_write(Kind::Vae, Some((5, 4)), Some((2, 5)), None), Ok(()));
    assert_eq!(try_write(Kind::Vae, Some((5, 2)), Some((2, 5)), None), bad);
    assert_eq!(try_write(Kind::Gan, Some((5, 2)), Some((2, 5)), None), bad);
    assert_eq!(try_write(Kind::Diffusion, Some((8, 5)), None, Some(denoising)), Ok(()));
    assert_eq!(try_write(Kind::Diffusion, Some((6, 5)), None, Some(denoising)), bad);
    let both = Denoising { classes: 1, vector_len: 1, ..denoising };
    assert_eq!(try_write(Kind::Diffusion, Some((8, 5)), None, Some(both)), bad);
    assert_eq!(try_write(Kind::Diffusion, Some((8, 5)), Some((5, 4)), Some(denoising)), bad);
    assert_eq!(
        try_write(Kind::Plain, None, Some((2, 3)), Some(denoising)),
        Err(BlobError::BadHeader)
    );
    let layer = Err(BlobError::BadLayer(0));
    assert_eq!(try_write(Kind::Plain, None, Some((70_000, 1)), None), layer);
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    let layers = [LayerSpec::new(2, 1, Activation::Relu)];
    for value in [f32::NAN, f32::INFINITY] {
        let part = Part { spec: Spec::new(&layers).unwrap(), params: &[1.0, value, 0.5] };
        let mut out = [0; 64];
        assert_eq!(
            NetworkSpec::new(Kind::Plain, None, Some(part)).write(&mut out),
            Err(BlobError::BadNumbers)
        );
    }
    let part = Part { spec: Spec::new(&layers).unwrap(), params: &[1e30, 1e30, 0.5] };
    let bytes = write(&NetworkSpec::new(Kind::Plain, None, Some(part)));
    let network = F32Network::parse(&bytes).unwrap();
    let run = |x: &[f32], scratch: usize, out: usize| {
        network.whole().forward(x, &mut vec![0.0; scratch], &mut vec![0.0; out])
    };
    assert_eq!(run(&[1e30, 1e30], 2, 1), Err(NnError::Overflow));
    assert_eq!(run(&[f32::NAN, 0.0], 2, 1), Err(NnError::NotFinite));
    assert_eq!(run(&[0.0; 3], 2, 1), Err(NnError::WrongLength { expected: 2 }));
    assert_eq!(run(&[0.0; 2], 2, 2), Err(NnError::WrongLength { expected: 1 }));
    assert_eq!(run(&[0.0; 2], 1, 1), Err(NnError::ScratchTooSmall { needed: 2 }));
    assert_eq!(Int8Network::parse(&bytes).map(|_| ()), Err(BlobError::OtherNumbers));
}

/// Blobs of floats and of integers, with classes and told a vector.
fn both() -> [Vec<u8>; 4] {
    let ([a, b], [c, d]) = (small_int8(Kind::Diffusion), small_told());
    [a, b, c, d]
}

#[test]
fn a_blob_says_whether_its_network_is_told_a_class_or_a_vector() {
    let [classes, _, vector, integers] = both();
    let seen = |bytes: &[u8]| {
        let blob = Blob::parse(bytes).unwrap();
        (blob.classes(), blob.vector_len(), blob.features())
    };
    assert_eq!(seen(&classes), (2, 0, 2));
    assert_eq!((seen(&vector), seen(&integers)), ((0, 2, 2), (0, 2, 2)));
    // One flag apart, which readers of before refuse as a prediction without a meaning.
    assert_eq!((classes[13], vector[13]), (0, 16));
    let denoising = F32Network::parse(&vector).unwrap().denoising().unwrap();
    assert_eq!((denoising.classes, denoising.vector_len, denoising.condition_len()), (0, 2, 2));

    let mended = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = vector.clone();
        change(&mut bytes);
        let end = bytes.len() - 4;
        let crc = crc32(&bytes[..end]).to_le_bytes();
        bytes[end..].copy_from_slice(&crc);
        Blob::parse(&bytes).map(|_| ())
    };
    assert_eq!(mended(&|_| ()), Ok(()));
    // A vector of no values, its inputs being features of the time.
    let none = mended(&|bytes| (bytes[14], bytes[16]) = (0, 4));
    assert_eq!(none, Err(BlobError::BadHeader));
    assert_eq!(mended(&|bytes| bytes[13] = 32), Err(BlobError::BadHeader));
    let [mut plain, _] = small_int8(Kind::Plain);
    plain[13] = 16;
    let end = plain.len() - 4;
    let crc = crc32(&plain[..end]).to_le_bytes();
    plain[end..].copy_from_slice(&crc);
    assert_eq!(Blob::parse(&plain).map(|_| ()), Err(BlobError::BadHeader));
}

#[test]
fn every_prefix_is_truncated() {
    for bytes in both() {
        for length in 0..bytes.len() {
            assert_eq!(Blob::parse(&bytes[..length]).map(|_| ()), Err(BlobError::Truncated));
        }
    }
}

#[test]
fn every_single_bit_flip_ends_in_an_error_and_with_its_checksum_mended_in_no_panic() {
    for bytes in both() {
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Blob::parse(&flipped).is_err(), "bit {bit}");
            let end = flipped.len() - 4;
            let crc = crc32(&flipped[..end]).to_le_bytes();
            flipped[end..].copy_from_slice(&crc);
            run_any(&flipped);
        }
    }
}

/// Blobs written by the first version of the format, with what came out of them.
mod golden {
    use super::*;

    const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/");
    const NAMES: [&str; 5] = ["plain", "vae", "autoencoder", "diffusion", "told"];

    fn written(name: &str) -> [Vec<u8>; 2] {
        match name {
            "plain" => small_int8(Kind::Plain),
            "vae" => small_int8(Kind::Vae),
            "autoencoder" => small_int8(Kind::Autoencoder),
            "told" => small_told(),
            _ => small_int8(Kind::Diffusion),
        }
    }

    #[test]
    fn old_blobs_give_what_they_gave() {
        for name in NAMES {
            for numbers in ["f32", "int8"] {
                let path = format!("{DIR}network_{name}_{numbers}_v1");
                let blob = std::fs::read(format!("{path}.blob")).unwrap();
                let expected = std::fs::read(format!("{path}.out")).unwrap();
                let found = run_any(&blob);
                assert!(!found.is_empty());
                if cfg!(feature = "fast") && numbers == "f32" {
                    continue;
                }
                assert_eq!(found, expected, "{name} {numbers}");
            }
        }
    }

    #[test]
    #[ignore = "writes the files; for a new version of the format only"]
    fn write_golden_files() {
        for name in NAMES {
            for (blob, numbers) in written(name).iter().zip(["f32", "int8"]) {
                let path = format!("{DIR}network_{name}_{numbers}_v1");
                std::fs::write(format!("{path}.blob"), blob).unwrap();
                std::fs::write(format!("{path}.out"), run_any(blob)).unwrap();
            }
        }
    }
}
