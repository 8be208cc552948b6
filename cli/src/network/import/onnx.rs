//! Graphs of ONNX, as far as they are a chain of fully connected layers.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use eigenmote::nn::Activation;
use prost::Message;

use super::chain::{Built, Chain};
use super::{leaky, values};

#[derive(Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
}

/// A network as a graph of operations.
#[derive(Message)]
pub(super) struct Graph {
    #[prost(message, repeated, tag = "1")]
    node: Vec<Node>,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfo>,
}

#[derive(Message)]
struct Node {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<Attribute>,
}

#[derive(Message)]
struct Attribute {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(float, tag = "2")]
    f: f32,
    #[prost(int64, tag = "3")]
    i: i64,
    #[prost(message, optional, tag = "5")]
    t: Option<Tensor>,
}

#[derive(Message)]
struct Tensor {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(float, repeated, tag = "4")]
    float_data: Vec<f32>,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
    #[prost(double, repeated, tag = "10")]
    double_data: Vec<f64>,
}

#[derive(Message)]
struct ValueInfo {
    #[prost(string, tag = "1")]
    name: String,
}

/// The graph, if the bytes hold one.
pub(super) fn parse(bytes: &[u8]) -> Option<Graph> {
    Model::decode(bytes).ok()?.graph.filter(|graph| !graph.node.is_empty())
}

impl Tensor {
    fn values(&self) -> Result<Vec<f32>> {
        Ok(match self.data_type {
            1 if self.raw_data.is_empty() => self.float_data.clone(),
            1 => values(&self.raw_data, f32::from_le_bytes),
            11 if self.raw_data.is_empty() => self.double_data.iter().map(|&x| x as f32).collect(),
            11 => values(&self.raw_data, |b| f64::from_le_bytes(b) as f32),
            other => bail!("a constant has values of type {other}, which is not supported"),
        })
    }

    fn matrix(&self) -> Result<(usize, usize, Vec<f32>)> {
        let data = self.values()?;
        match self.dims[..] {
            [rows, cols] if rows > 0 && cols > 0 && (rows * cols) as usize == data.len() => {
                Ok((rows as usize, cols as usize, data))
            }
            _ => bail!("its weights have the shape {:?}, not that of a matrix", self.dims),
        }
    }
}

impl Node {
    fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute.iter().find(|a| a.name == name).map_or(default, |a| a.f)
    }

    fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute.iter().find(|a| a.name == name).map_or(default, |a| a.i)
    }

    fn describe(&self) -> String {
        if self.name.is_empty() {
            return format!("operation {}", self.op_type);
        }
        format!("operation {} \"{}\"", self.op_type, self.name)
    }
}

/// Follows the data from the input to the output.
pub(super) fn network(graph: &Graph) -> Result<Built> {
    let mut constants: HashMap<&str, &Tensor> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    for node in graph.node.iter().filter(|node| node.op_type == "Constant") {
        let value = node.attribute.iter().find(|a| a.name == "value").and_then(|a| a.t.as_ref());
        if let (Some(name), Some(value)) = (node.output.first(), value) {
            constants.insert(name, value);
        }
    }
    let inputs = graph.input.iter().map(|input| input.name.as_str());
    let inputs: Vec<&str> = inputs.filter(|name| !constants.contains_key(name)).collect();
    let ([input], [output]) = (&inputs[..], &graph.output[..]) else {
        bail!(
            "the graph has {} inputs and {} outputs; one of each is supported",
            inputs.len(),
            graph.output.len()
        );
    };
    let mut at = *input;
    let mut chain = Chain::default();
    // Every step uses up a node.
    for _ in 0..=graph.node.len() {
        if at == output.name {
            return chain.finish();
        }
        let mut users = graph.node.iter().filter(|node| node.input.iter().any(|name| name == at));
        let (Some(node), None) = (users.next(), users.next()) else {
            bail!("\"{at}\" is used by no or several operations; only a chain is supported");
        };
        apply(&mut chain, node, at, &constants).with_context(|| node.describe())?;
        at = node.output.first().map_or("", String::as_str);
    }
    bail!("the graph does not lead from its input to its output")
}

fn apply(
    chain: &mut Chain,
    node: &Node,
    at: &str,
    constants: &HashMap<&str, &Tensor>,
) -> Result<()> {
    let constant = |place: usize| {
        let tensor = node.input.get(place).and_then(|name| constants.get(name.as_str()));
        tensor.copied().with_context(|| format!("its input {place} is not a constant"))
    };
    let other = || constant(usize::from(node.input.first().is_some_and(|name| name == at)));
    match node.op_type.as_str() {
        "MatMul" => {
            ensure!(node.input.first().is_some_and(|name| name == at), "the constant comes first");
            let (inputs, outputs, data) = constant(1)?.matrix()?;
            let turned: Vec<f32> =
                (0..inputs * outputs).map(|i| data[i % inputs * outputs + i / inputs]).collect();
            chain.linear(&turned, &vec![0.0; outputs], inputs, outputs)
        }
        "Gemm" => {
            ensure!(node.int("transA", 0) == 0, "transA is not supported");
            let (rows, cols, data) = constant(1)?.matrix()?;
            let alpha = node.float("alpha", 1.0);
            let (outputs, inputs) =
                if node.int("transB", 0) == 1 { (rows, cols) } else { (cols, rows) };
            let (step_out, step_in) =
                if node.int("transB", 0) == 1 { (cols, 1) } else { (1, cols) };
            let weights: Vec<f32> = (0..inputs * outputs)
                .map(|i| alpha * data[i / inputs * step_out + i % inputs * step_in])
                .collect();
            let beta = node.float("beta", 1.0);
            let bias = match node.input.get(2) {
                Some(_) => constant(2)?.values()?.iter().map(|b| beta * b).collect(),
                None => vec![0.0; outputs],
            };
            chain.linear(&weights, &bias, inputs, outputs)
        }
        "Add" | "Sub" | "Mul" | "Div" => {
            let first = node.input.first().is_some_and(|name| name == at);
            let list = other()?.values()?;
            let list: Vec<f64> = list.into_iter().map(f64::from).collect();
            let (ones, zeros) = (vec![1.0; list.len()], vec![0.0; list.len()]);
            match (node.op_type.as_str(), first) {
                ("Add", _) => chain.affine(&ones, &list),
                ("Mul", _) => chain.affine(&list, &zeros),
                ("Sub", true) => chain.affine(&ones, &list.iter().map(|x| -x).collect::<Vec<_>>()),
                ("Div", true) => {
                    chain.affine(&list.iter().map(|x| 1.0 / x).collect::<Vec<_>>(), &zeros)
                }
                _ => bail!("is not supported with the constant first"),
            }
        }
        "BatchNormalization" => chain.normalise(
            &constant(1)?.values()?,
            &constant(2)?.values()?,
            &constant(3)?.values()?,
            &constant(4)?.values()?,
            node.float("epsilon", 1e-5).into(),
        ),
        "Relu" => chain.activation(Activation::Relu),
        "Sigmoid" => chain.activation(Activation::Sigmoid),
        "Tanh" => chain.activation(Activation::Tanh),
        "LeakyRelu" => chain.activation(leaky(node.float("alpha", 0.01))),
        "Gelu" => chain.activation(Activation::Gelu),
        // What changes no value of a row.
        "Identity" | "Dropout" | "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" | "Cast" => Ok(()),
        _ => bail!(
            "is not supported; fully connected layers (Gemm, MatMul, Add), BatchNormalization and the \
             activations Relu, LeakyRelu, Sigmoid, Tanh, Gelu are"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, dims: &[i64], data: &[f32]) -> Tensor {
        let raw_data = data.iter().flat_map(|x| x.to_le_bytes()).collect();
        let name = name.into();
        Tensor { dims: dims.to_vec(), data_type: 1, raw_data, name, ..Tensor::default() }
    }

    fn node(op_type: &str, input: &[&str], output: &str) -> Node {
        let input = input.iter().map(|&name| name.into()).collect();
        Node { op_type: op_type.into(), input, output: vec![output.into()], ..Node::default() }
    }

    fn graph(nodes: Vec<Node>) -> Graph {
        let initializer = vec![
            tensor("w", &[2, 1], &[1.0, -1.0]),
            tensor("b", &[1], &[0.5]),
            tensor("gamma", &[1], &[3.0]),
            tensor("beta", &[1], &[1.0]),
            tensor("mean", &[1], &[2.0]),
            tensor("variance", &[1], &[4.0]),
            tensor("v", &[3, 1], &[1.0, 2.0, 3.0]),
            tensor("c", &[3], &[0.0, 0.0, 1.0]),
        ];
        let value = |name: &str| vec![ValueInfo { name: name.into() }];
        Graph { node: nodes, initializer, input: value("x"), output: value("y") }
    }

    #[test]
    fn a_chain_of_operations_becomes_layers() {
        let mut gemm = node("Gemm", &["r", "v", "c"], "y");
        gemm.attribute.push(Attribute { name: "transB".into(), i: 1, ..Attribute::default() });
        gemm.attribute.push(Attribute { name: "alpha".into(), f: 2.0, ..Attribute::default() });
        let mut norm = node("BatchNormalization", &["a", "gamma", "beta", "mean", "variance"], "n");
        norm.attribute.push(Attribute { name: "epsilon".into(), f: 0.0, ..Attribute::default() });
        let nodes = vec![
            node("MatMul", &["x", "w"], "m"),
            node("Add", &["b", "m"], "a"),
            norm,
            node("Relu", &["n"], "r"),
            gemm,
        ];
        let bytes = Model { graph: Some(graph(nodes)) }.encode_to_vec();
        let built = network(&parse(&bytes).unwrap()).unwrap();
        let (spec, params) = built.spec().unwrap();
        assert_eq!((spec.inputs(), spec.outputs()), (2, 3));
        // (x₁ − x₂ + 0.5 − 2)·3/2 + 1, then 2·(1, 2, 3) and the bias.
        assert_eq!(params, [1.5, -1.5, -1.25, 2.0, 4.0, 6.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let conv = Node { name: "first".into(), ..node("Conv", &["x", "w"], "y") };
        let error = network(&graph(vec![conv])).err().unwrap();
        assert!(format!("{error:#}").starts_with("operation Conv \"first\": is not supported"));
        let two = vec![node("Relu", &["x"], "a"), node("Tanh", &["x"], "y")];
        let error = network(&graph(two)).err().unwrap();
        assert!(error.to_string().contains("only a chain"));
        assert!(parse(b"\x01\x02 nothing").is_none());
    }
}
