//! Networks trained elsewhere: tensors by their names in `PyTorch`, or graphs in ONNX, to a blob.
//!
//! `torch` reads checkpoints of `PyTorch`, `onnx` graphs, `safetensors` is read by its crate; `chain` puts
//! layers together and folds normalisations into them.

mod chain;
mod onnx;
mod torch;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use eigenmote::nn::{Activation, Kind, NetworkSpec, Part};
use safetensors::{Dtype, SafeTensors};

use self::chain::{Built, Chain};
use super::args::{ImportArgs, activation};
use super::file::{About, NetFile};
use crate::input;

/// One array of a checkpoint.
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) data: Vec<f32>,
}

/// Reads weights of any of the formats and makes a network of them.
pub(super) fn import(args: &ImportArgs) -> Result<NetFile> {
    let (source, bytes) = input::read_bytes(&args.weights)?;
    let (front, back) = parts(args, &bytes).with_context(|| source.clone())?;
    let front = front.as_ref().map(Built::spec).transpose()?;
    let back_spec = back.spec()?;
    let spec = NetworkSpec::new(
        args.kind.into(),
        front.as_ref().map(|(spec, params)| Part { spec: *spec, params }),
        Some(Part { spec: back_spec.0, params: back_spec.1 }),
    );
    let mut blob = vec![0; spec.encoded_len()];
    spec.write(&mut blob)
        .with_context(|| format!("{source}: no network of kind {:?}", args.kind))?;
    let name =
        Path::new(&source).file_name().map_or(source.clone(), |n| n.to_string_lossy().into());
    Ok(NetFile {
        blob,
        about: About { source: format!("imported from {name}"), ..About::default() },
    })
}

fn parts(args: &ImportArgs, bytes: &[u8]) -> Result<(Option<Built>, Built)> {
    // Safetensors first: a header of 128 bytes begins like a pickle.
    let tensors = if let Ok(file) = SafeTensors::deserialize(bytes) {
        safetensors(&file)?
    } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&[0x80]) {
        torch::tensors(bytes)?
    } else if let Some(graph) = onnx::parse(bytes) {
        if !args.layers.is_empty() || !args.encoder.is_empty() {
            bail!("a graph of ONNX says which layers it has: leave out --layers and --encoder");
        }
        if Kind::from(args.kind) == Kind::Autoencoder {
            bail!("a graph of ONNX has one part: import it as another kind than autoencoder");
        }
        return Ok((None, onnx::network(&graph)?));
    } else {
        bail!("neither a checkpoint of PyTorch nor safetensors nor a graph of ONNX");
    };
    let modules = modules(tensors);
    let front = match &args.encoder[..] {
        [] => None,
        names => Some(named(&modules, names, &args.activation, "linear")?),
    };
    let back = if args.layers.is_empty() {
        if front.is_some() {
            bail!("--encoder needs --layers for the other part (there are: {})", listing(&modules));
        }
        let names: Vec<String> = modules.iter().map(|module| module.name.clone()).collect();
        named(&modules, &names, &args.activation, &args.output_activation)?
    } else {
        named(&modules, &args.layers, &args.activation, &args.output_activation)?
    };
    Ok((front, back))
}

/// The tensors under one name, such as `fc1.weight` and `fc1.bias`.
struct Module {
    name: String,
    tensors: BTreeMap<String, Tensor>,
}

/// Groups tensors by module, in the natural order of names: `2` before `10`.
fn modules(tensors: Vec<Tensor>) -> Vec<Module> {
    let mut modules: Vec<Module> = Vec::new();
    for tensor in tensors {
        let (name, role) = tensor.name.rsplit_once('.').unwrap_or(("", &tensor.name));
        let (name, role) = (name.to_owned(), role.to_owned());
        match modules.iter_mut().find(|module| module.name == name) {
            Some(module) => {
                module.tensors.insert(role, tensor);
            }
            None => {
                modules.push(Module { name, tensors: BTreeMap::from([(role, tensor)]) });
            }
        }
    }
    modules.sort_by_key(|module| natural(&module.name));
    modules
}

/// Digits as numbers, so that they sort as such.
fn natural(name: &str) -> Vec<(u64, String)> {
    let mut parts = vec![(0, String::new())];
    let mut digits = String::new();
    for c in name.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            parts.push((1 + digits.parse().unwrap_or(u64::MAX - 1), String::new()));
            digits.clear();
        }
        if let Some((_, text)) = parts.last_mut() {
            text.push(c);
        }
    }
    parts
}

fn listing(modules: &[Module]) -> String {
    modules.iter().map(|module| module.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The layers of these names, `name:activation` each; `a+b` puts the outputs of two side by side.
fn named(modules: &[Module], names: &[String], usual: &str, last: &str) -> Result<Built> {
    let mut chain = Chain::default();
    let is_linear = |name: &str| {
        let found = modules.iter().find(|module| module.name == name);
        found.is_none_or(|module| !module.tensors.contains_key("running_mean"))
    };
    for (index, text) in names.iter().enumerate() {
        let (name, own) = match text.rsplit_once(':') {
            Some((name, own)) => (name, Some(own)),
            None => (text.as_str(), None),
        };
        let mut joined = name.split('+');
        let first = joined.next().unwrap_or_default();
        add(&mut chain, find(modules, first)?)?;
        for other in joined {
            let mut beside = Chain::default();
            add(&mut beside, find(modules, other)?)?;
            chain.beside(beside).with_context(|| format!("layer {name}"))?;
        }
        // A normalisation follows its layer, and the activation follows both.
        let next = names.get(index + 1).map(|next| next.split(':').next().unwrap_or_default());
        let before_norm = next.is_some_and(|next| !is_linear(next));
        let only_norms = names[index + 1..].iter().all(|name| !is_linear(name));
        let chosen = match own {
            Some(own) => Some(own),
            None if before_norm => None,
            None if only_norms => Some(last),
            None => Some(usual),
        };
        if let Some(chosen) = chosen {
            chain.activation(activation(chosen)?)?;
        }
    }
    chain.finish()
}

fn find<'a>(modules: &'a [Module], name: &str) -> Result<&'a Module> {
    let Some(module) = modules.iter().find(|module| module.name == name) else {
        bail!("there is no layer \"{name}\"; there are: {}", listing(modules));
    };
    Ok(module)
}

fn add(chain: &mut Chain, module: &Module) -> Result<()> {
    let name = &module.name;
    let get = |role: &str| module.tensors.get(role);
    if let (Some(mean), Some(variance)) = (get("running_mean"), get("running_var")) {
        let width = mean.data.len();
        let or = |role: &str, value: f32| get(role).map_or(vec![value; width], |t| t.data.clone());
        return chain
            .normalise(&or("weight", 1.0), &or("bias", 0.0), &mean.data, &variance.data, 1e-5)
            .with_context(|| format!("layer \"{name}\""));
    }
    let Some(weight) = get("weight") else {
        let roles: Vec<_> = module.tensors.keys().map(String::as_str).collect();
        bail!("layer \"{name}\" is not supported: it has {}, but no weight", roles.join(", "));
    };
    match weight.shape[..] {
        [outputs, inputs] => {
            let bias = get("bias").map_or(vec![0.0; outputs], |bias| bias.data.clone());
            chain
                .linear(&weight.data, &bias, inputs, outputs)
                .with_context(|| format!("layer \"{name}\""))
        }
        [_] => bail!(
            "layer \"{name}\" is not supported: a normalisation without running mean and variance \
             depends on its input"
        ),
        _ => bail!(
            "layer \"{name}\" is not supported: its weight has the shape {:?}, a convolution; only \
             fully connected layers and batch normalisation are",
            weight.shape
        ),
    }
}

fn safetensors(file: &SafeTensors<'_>) -> Result<Vec<Tensor>> {
    let read = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        let data = match view.dtype() {
            Dtype::F32 => values(view.data(), f32::from_le_bytes),
            Dtype::F64 => values(view.data(), |b| f64::from_le_bytes(b) as f32),
            Dtype::F16 => values(view.data(), |b| torch::half(u16::from_le_bytes(b))),
            Dtype::BF16 => {
                values(view.data(), |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16))
            }
            Dtype::I64 => values(view.data(), |b| i64::from_le_bytes(b) as f32),
            other => {
                bail!("tensor \"{name}\" has values of type {other:?}, which is not supported")
            }
        };
        Ok(Tensor { name, shape: view.shape().to_vec(), data })
    };
    file.tensors().into_iter().map(read).collect()
}

/// Little-endian values of `N` bytes.
fn values<const N: usize>(bytes: &[u8], of: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&chunk| of(chunk)).collect()
}

/// The activation of a name in ONNX or a leaky slope.
pub(super) fn leaky(slope: f32) -> Activation<f32> {
    Activation::LeakyRelu { slope }
}
