//! Networks: imported as they were, trained to the same bytes however often they are killed, drawn from,
//! turned into integers, exported.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

mod support;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use eigenmote::embed::WordTable;
use eigenmote::nn::quantized::float;
use eigenmote::nn::{
    Activation, Blob, Condition, Denoising, Int8Network, Kind, LayerSpec, NetworkSpec, Part,
    Prediction, Schedule, Spec,
};
use eigenmote::rng::{self, Generator};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};
use support::{Bench, stderr};

/// The digits that belong to the project.
fn digits() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/digits.csv")
}

/// Rows of numbers in comma-separated text with a header.
fn rows(text: &str) -> Vec<Vec<f64>> {
    let line = |line: &str| line.split(',').map(|x| x.parse().unwrap()).collect();
    text.lines().skip(1).map(line).collect()
}

fn tensors(list: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = list
        .iter()
        .map(|(_, _, data)| data.iter().flat_map(|x| x.to_le_bytes()).collect())
        .collect();
    let views = list.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap())
    });
    serialize(views, None::<HashMap<String, String>>).unwrap()
}

#[test]
fn tensors_by_name_become_layers_and_normalisations_are_folded() {
    let bench = Bench::new();
    // relu of 3·(x₁ − x₂ + 1 − 2)/2 + 0.5, then doubled and one added. `10` comes behind `2`.
    let file = tensors(&[
        ("net.0.weight", &[1, 2], &[1.0, -1.0]),
        ("net.0.bias", &[1], &[1.0]),
        ("net.2.weight", &[1], &[3.0]),
        ("net.2.bias", &[1], &[0.5]),
        ("net.2.running_mean", &[1], &[2.0]),
        ("net.2.running_var", &[1], &[4.0]),
        ("net.10.weight", &[1, 1], &[2.0]),
        ("net.10.bias", &[1], &[1.0]),
    ]);
    bench.file("net.safetensors", file);
    bench.ok("import net.safetensors -o net.eign");
    bench.file("x.csv", "a,b\n5,1\n0,4\n");
    let found = rows(&bench.ok("run net.eign x.csv"));
    // (5 − 1 − 1)·1.5 + 0.5 = 5; the other is negative.
    assert!((found[0][0] - 11.0).abs() < 1e-4 && found[1] == [1.0]);
    let text = bench.ok("inspect net.eign");
    assert!(text.contains("2 -> 1 relu, 1 -> 1 linear"), "{text}");
    // By name, with other activations.
    bench.ok("import net.safetensors --layers net.0:tanh,net.10 -o other.eign");
    let found = rows(&bench.ok("run other.eign x.csv"));
    assert!((found[1][0] - (2.0 * (-3.0_f64).tanh() + 1.0)).abs() < 1e-5);
}

#[test]
fn what_cannot_be_imported_is_named() {
    let bench = Bench::new();
    bench.file("cnn.safetensors", tensors(&[("conv1.weight", &[1, 1, 1, 1], &[1.0])]));
    let text = stderr(&bench.run("import cnn.safetensors -o x.eign"));
    assert!(
        text.contains("layer \"conv1\" is not supported") && text.contains("a convolution"),
        "{text}"
    );
    let two = tensors(&[("a.weight", &[1, 2], &[1.0, 1.0]), ("b.weight", &[1, 3], &[0.0; 3])]);
    bench.file("two.safetensors", two);
    let text = stderr(&bench.run("import two.safetensors -o x.eign"));
    assert!(
        text.contains("layer \"b\": it takes 3 values, but the layer before it gives 1"),
        "{text}"
    );
    let text = stderr(&bench.run("import two.safetensors --layers c -o x.eign"));
    assert!(text.contains("there is no layer \"c\"; there are: a, b"), "{text}");
    let text = stderr(&bench.run("import two.safetensors --layers a:cosine -o x.eign"));
    assert!(text.contains("\"cosine\" is no activation"), "{text}");
    bench.file("none.bin", b"nothing of the kind");
    let text = stderr(&bench.run("import none.bin -o x.eign"));
    assert!(text.contains("neither a checkpoint of PyTorch nor"), "{text}");
    assert!(!bench.path("x.eign").exists());
}

/// Published weights and what they gave in double precision; they are not part of the project.
fn published() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/weights");
    folder.is_dir().then_some(folder)
}

fn array(path: &Path) -> Vec<f64> {
    let file = npyz::NpyFile::new(std::fs::File::open(path).unwrap()).unwrap();
    file.into_vec::<f32>().unwrap().into_iter().map(f64::from).collect()
}

#[test]
fn published_weights_give_their_golden_outputs() {
    let Some(folder) = published() else { return };
    let bench = Bench::new();
    let shown = folder.display();
    bench.ok(&format!(
        "import {shown}/csinva_mnist_vae/vae_epoch_25.pth --kind vae --encoder fc1:relu,fc21+fc22 \
         --layers fc3:relu,fc4:sigmoid -o vae.eign"
    ));
    bench.ok(&format!(
        "import {shown}/csinva_mnist_gan_mlp/G--300.ckpt --kind gan --layers 0:relu,2:relu,4:tanh -o gan.eign"
    ));
    bench.ok(&format!("import {shown}/onnx2c_mnist/pytorch.onnx -o onnx.eign"));
    let pairs = [
        (
            "vae",
            "csinva_mnist_vae/golden_z_8x20_f32.npy",
            "csinva_mnist_vae/golden_decoded_8x784_f32.npy",
        ),
        (
            "gan",
            "csinva_mnist_gan_mlp/golden_z_8x64_f32.npy",
            "csinva_mnist_gan_mlp/golden_out_8x784_f32.npy",
        ),
    ];
    for (model, input, golden) in pairs {
        bench.ok(&format!("run {model}.eign {shown}/{input} -o {model}.npy"));
        let (found, golden) =
            (array(&bench.path(&format!("{model}.npy"))), array(&folder.join(golden)));
        assert_eq!(found.len(), golden.len());
        for (x, y) in found.iter().zip(&golden) {
            assert!((x - y).abs() < 1e-5, "{model}: {x} {y}");
        }
    }
    // The first eight images of the test part.
    let images = folder.join("../images/mnist/t10k-images-idx3-ubyte.gz");
    let mut bytes = Vec::new();
    let file = std::fs::File::open(images).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut bytes).unwrap();
    let names: Vec<String> = (0..784).map(|i| format!("{i}x")).collect();
    let mut text = names.join(",");
    for image in bytes[16..16 + 8 * 784].chunks(784) {
        let pixels: Vec<String> =
            image.iter().map(|&p| (f32::from(p) / 255.0).to_string()).collect();
        text.push('\n');
        text += &pixels.join(",");
    }
    bench.file("images.csv", text);
    bench.ok("run onnx.eign images.csv -o scores.npy");
    bench.ok("run vae.eign images.csv --part encoder -o codes.npy");
    let golden = array(&folder.join("onnx2c_mnist/golden_out_first8test_8x10_f32.npy"));
    for (x, y) in array(&bench.path("scores.npy")).iter().zip(&golden) {
        assert!((x - y).abs() < 1e-5, "{x} {y}");
    }
    let golden = array(&folder.join("csinva_mnist_vae/golden_mu_first8test_8x20_f32.npy"));
    for (row, mean) in array(&bench.path("codes.npy")).chunks(40).zip(golden.chunks(20)) {
        for (x, y) in row.iter().zip(mean) {
            assert!((x - y).abs() < 1e-5, "{x} {y}");
        }
    }
    for cnn in ["burn_mnist/mnist.pt", "burn_mnist/mnist.safetensors", "onnx_zoo_mnist/mnist.onnx"]
    {
        let text = stderr(&bench.run(&format!("import {shown}/{cnn} -o x.eign")));
        assert!(text.contains("is not supported"), "{cnn}: {text}");
    }
}

/// Trains without and with being killed at random moments, and compares the model files.
fn killed_and_resumed(kind: &str, kills: usize) {
    let bench = Bench::new();
    let train = |output: &str, resume: bool| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("eigenmote"));
        command.arg("-q").arg("train").args(kind.split(' ')).arg(digits()).args(["-o"]);
        command.arg(bench.path(output)).args(["--hidden", "24", "--checkpoint-every", "0.02"]);
        if resume {
            command.arg("--resume");
        }
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    };
    let started = Instant::now();
    let output = train("whole.eign", false).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let whole = started.elapsed().as_secs_f64();
    let mut draw: Generator = rng::seeded(kills as u64);
    let mut cut = 0;
    // Together the killed runs do at most as much as one whole run, so that there is always some left.
    for _ in 0..kills {
        let seconds = 0.02 + rng::uniform::<f64>(&mut draw) * whole / kills as f64;
        let mut child = train("killed.eign", true).spawn().unwrap();
        std::thread::sleep(Duration::from_secs_f64(seconds));
        cut += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(cut > kills / 2, "{cut} of {kills} were cut short");
    let output = train("killed.eign", true).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| std::fs::read(bench.path(name)).unwrap();
    assert!(read("whole.eign") == read("killed.eign"), "{kind}: other bytes after {cut} kills");
    assert!(!bench.path("killed.eign.checkpoint").exists());
}

#[test]
fn a_training_that_is_killed_ten_times_ends_with_the_same_bytes() {
    killed_and_resumed("vae --skip label --latent 4 --epochs 25 --patience 0", 10);
}

#[test]
fn every_kind_of_training_goes_on_after_a_kill() {
    killed_and_resumed("autoencoder --skip label --latent 4 --epochs 12", 3);
    killed_and_resumed("gan --skip label --latent 4 --epochs 6", 3);
    killed_and_resumed("diffusion --classes label --components 10 --epochs 12", 3);
}

#[test]
fn a_checkpoint_of_other_settings_is_refused() {
    let bench = Bench::new();
    let data = digits();
    let common = format!("train vae {} --skip label --hidden 8 -o m.eign", data.display());
    bench.ok(&format!("{common} --epochs 1"));
    bench.file("m.eign.checkpoint", b"EIGNCKP1 and nothing more");
    let text = stderr(&bench.run(&format!("{common} --epochs 1 --resume")));
    assert!(
        text.contains("the checkpoint is damaged") && text.contains("leave out --resume"),
        "{text}"
    );
}

#[test]
fn samples_are_those_of_the_library_and_fixed_by_the_seed() {
    let bench = Bench::new();
    let data = digits();
    let data = data.display();
    bench.ok(&format!(
        "train vae {data} --skip label --hidden 16 --latent 4 --epochs 3 -o vae.eign"
    ));
    bench.ok(&format!(
        "train diffusion {data} --classes label --components 8 --hidden 24 --epochs 3 -o diffusion.eign"
    ));
    bench.ok("quantize vae.eign --decoder-only -o vae8.eign");
    let told = bench.ok("quantize diffusion.eign --steps 6 --draws 60 -o diffusion8.eign");
    assert!(told.contains("root mean square"), "{told}");
    for model in ["vae", "vae8", "diffusion", "diffusion8"] {
        bench.ok(&format!("sample {model}.eign -n 5 --seed 9 -o a.csv"));
        bench.ok(&format!("sample {model}.eign -n 5 --seed 9 -o b.csv"));
        bench.ok(&format!("sample {model}.eign -n 5 --seed 8 -o c.csv"));
        assert_eq!(bench.read("a.csv"), bench.read("b.csv"));
        assert_ne!(bench.read("a.csv"), bench.read("c.csv"));
        assert_eq!(
            (rows(&bench.read("a.csv")).len(), rows(&bench.read("a.csv"))[0].len()),
            (5, 64)
        );
        assert!(bench.read("a.csv").starts_with("p0,p1,"));
    }
    // What a device with the same blob draws, in the unit of the data.
    bench.ok("sample vae8.eign -n 2 --seed 9 -o a.csv");
    let file = std::fs::read(bench.path("vae8.eign")).unwrap();
    let network = Int8Network::parse(&file).unwrap();
    assert_eq!(network.blob().kind(), Kind::Vae);
    let (mut generator, mut out) = (rng::seeded(9), [0; 64]);
    let mut scratch = vec![0; network.scratch_len()];
    for row in rows(&bench.read("a.csv")) {
        network.sample(&mut generator, None, &mut scratch, &mut out).unwrap();
        for (x, &y) in row.iter().zip(&out) {
            assert!((x - 16.0 * f64::from(float(y))).abs() < 1e-4);
        }
    }
    // A grid of three by two images of 8×8, with lines of one pixel.
    bench.ok("sample vae8.eign -n 5 --cols 3 --zoom 2 -o grid.png");
    let decoder = png::Decoder::new(std::io::BufReader::new(
        std::fs::File::open(bench.path("grid.png")).unwrap(),
    ));
    let reader = decoder.read_info().unwrap();
    assert_eq!((reader.info().width, reader.info().height), (3 * 17 + 1, 2 * 17 + 1));
    bench.ok("sample vae.eign -n 6 --cols 3 --interpolate -o between.csv");
    for (args, what) in [
        ("vae.eign --steps 3 -o x.csv", "--steps is for diffusion models"),
        ("diffusion8.eign --steps 7 -o x.csv", "quantised for 6 steps"),
        ("diffusion.eign --class 10 -o x.csv", "has 10 classes"),
        ("diffusion.eign --interpolate -o x.csv", "models with codes"),
        ("vae.eign --shape 8x7 -o x.png", "--shape 8x7 has 56 values"),
    ] {
        let text = stderr(&bench.run(&format!("sample {args}")));
        assert!(text.contains(what), "{text}");
    }
}

#[test]
fn a_model_that_is_told_prompts_draws_each_of_them_or_one() {
    let bench = Bench::new();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/networks/models");
    let [painter, table] = ["painter.eign", "prompts.etab"].map(|name| models.join(name));
    let [(painter, model), (table, prompts)] =
        [painter, table].map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()));
    let (network, prompts) =
        (Int8Network::parse(&model).unwrap(), WordTable::parse(&prompts).unwrap());
    let expected = |words: &str, guidance: i32| -> Vec<u8> {
        let (mut vector, mut out) = ([0; 16], [0; 64]);
        prompts.vector_fixed(prompts.id(words).unwrap(), &mut vector).unwrap();
        let told = (Condition::Vector(&vector), guidance);
        let mut scratch = vec![0; network.scratch_len()];
        network.sample_under(&mut rng::seeded(9), told, &mut scratch, &mut out).unwrap();
        out.iter().flat_map(|x| x.to_le_bytes()).collect()
    };
    let sample = |rest: &str| {
        bench.ok(&format!("sample {painter} --prompts {table} --seed 9 -o a.bin {rest}"));
        std::fs::read(bench.path("a.bin")).unwrap()
    };
    assert_eq!(sample("-n 1 --prompt seven"), expected("seven", 0));
    assert_eq!(sample("-n 1 --prompt SEVEN --guidance 1.5"), expected("seven", 3 << 15));
    let (all, one) = (sample("-n 31"), sample("-n 1"));
    assert_eq!((all.len(), one.as_slice()), (31 * 64 * 4, &all[..256]));
    assert_eq!(one, expected("zero", 0));

    // A network of floats that paints (2·v₀ − v₁, v₁) for four values of a vector.
    let layers = [LayerSpec::new(2 + 1 + 4, 2, Activation::Linear)];
    let params = [
        [0.0, 0.0, 0.0, 2.0, -1.0, 0.0, 0.0].as_slice(),
        &[0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        &[0.0; 2],
    ]
    .concat();
    let denoising = Denoising {
        schedule: Schedule::Cosine,
        prediction: Prediction::Sample,
        classes: 0,
        vector_len: 4,
    };
    let front = Some(Part { spec: Spec::new(&layers).unwrap(), params: &params });
    let kind = Kind::Diffusion;
    let spec = NetworkSpec { kind, front, back: None, denoising: Some(denoising) };
    let mut blob = vec![0; spec.encoded_len()];
    spec.write(&mut blob).unwrap();
    bench.file("two.eign", &blob);
    bench.file("vectors.txt", "up 0.5 0.25 0 0\ndown -0.5 0.125 0.1 0\n");
    bench.ok("export vectors.txt --table two.etab");
    bench.ok("quantize two.eign --prompts two.etab --steps 4 -o two8.eign");
    assert!(bench.ok("inspect two8.eign").contains("vector"));
    for model in ["two", "two8"] {
        bench.ok(&format!("sample {model}.eign --prompts two.etab -n 3 -o two.csv"));
        let found = rows(&bench.read("two.csv"));
        for (row, [a, b]) in found.iter().zip([[0.75, 0.25], [-1.125, 0.125], [0.75, 0.25]]) {
            assert!((row[0] - a).abs() < 0.02 && (row[1] - b).abs() < 0.02, "{model}: {row:?}");
        }
        assert_eq!(found.len(), 3);
    }
    let two = "two8.eign --prompts two.etab";
    for (args, what) in [
        (
            format!("sample {two} --prompt left -o x.csv"),
            "none of the 2 prompts in two.etab: up, down",
        ),
        (
            format!("sample two8.eign --prompts {table} -o x.csv"),
            "vectors of 16 values, but the model is told 4",
        ),
        ("sample two8.eign -o x.csv".into(), "told a vector of 4 values: give a table of prompts"),
        (
            "quantize two.eign -o x.eign".into(),
            "told a vector of 4 values: give a table of prompts",
        ),
        (format!("sample {two} --class 0 -o x.csv"), "the model has 0 classes"),
        ("sample two8.eign --prompt up -o x.csv".into(), "--prompts <TABLE>"),
    ] {
        let text = stderr(&bench.run(&args));
        assert!(text.contains(what), "{text}");
    }
}

#[test]
fn integers_come_close_and_their_export_holds_the_blob() {
    let bench = Bench::new();
    let data = digits();
    let data = data.display();
    bench.ok(&format!(
        "train autoencoder {data} --skip label --hidden 16 --latent 6 --epochs 5 -o auto.eign"
    ));
    let told = bench.ok(&format!("quantize auto.eign {data} --json -o auto8.eign"));
    let value: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(value["relative"].as_f64().unwrap() < 0.05, "{told}");
    assert!(value["bytes_int8"].as_u64().unwrap() * 2 < value["bytes_f32"].as_u64().unwrap());
    bench.ok(&format!("run auto.eign {data} -o a.csv"));
    bench.ok(&format!("run auto8.eign {data} -o b.csv"));
    let (a, b) = (rows(&bench.read("a.csv")), rows(&bench.read("b.csv")));
    let off: f64 = a.iter().flatten().zip(b.iter().flatten()).map(|(x, y)| (x - y).abs()).sum();
    assert!(off / (64.0 * a.len() as f64) < 0.4, "{off}");

    bench
        .ok(&format!("train gan {data} --skip label --hidden 8 --latent 3 --epochs 1 -o gan.eign"));
    bench.ok("quantize gan.eign -o gan8.eign");
    for model in ["gan", "gan8"] {
        bench.ok(&format!("export {model}.eign --rust {model}.rs"));
        bench.ok(&format!("export {model}.eign --c {model}.c"));
        let file = std::fs::read(bench.path(&format!("{model}.eign"))).unwrap();
        let length = Blob::parse(&file).unwrap().bytes().len();
        let text = bench.read(&format!("{model}.rs"));
        assert!(text.contains(&format!("pub static NETWORK: [u8; {length}]")), "{text}");
        assert!(text.contains("pub const OUTPUTS: usize = 64;"));
        let text = bench.read(&format!("{model}.c"));
        assert!(text.contains(&format!("_NETWORK_BYTES {length}\n")), "{text}");
    }
    let text = stderr(&bench.run("quantize auto.eign -o x.eign"));
    assert!(text.contains("needs inputs such as will be used"), "{text}");
}
