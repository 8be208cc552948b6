//! A network as source code for firmware: its bytes as a constant, the sizes that memory is declared
//! with, and an input with the output that it must become, which the firmware can check.

use std::fmt::{self, Write};

use anyhow::{Context, Result, ensure};
use eigenmote::nn::quantized::fixed;
use eigenmote::nn::{Blob, F32Network, Int8Network, Kind, Numbers};
use eigenmote::rng;

use super::file::NetFile;
use super::widths;
use crate::export::{
    Language, c_file, comment, literal_bytes, made_from, rust_head, rust_item, wrapped,
};

/// The seed of the test.
const SEED: u64 = 1;

/// What the text is made of.
struct Parts<'a> {
    about: Vec<String>,
    blob: &'a [u8],
    integers: bool,
    /// Whether the test draws a sample; else it passes on an input.
    draws: bool,
    inputs: usize,
    outputs: usize,
    scratch: usize,
    input: Vec<String>,
    output: Vec<String>,
}

/// A network as a file of source code.
pub(crate) fn export(
    file: &NetFile,
    source: &str,
    name: &str,
    language: Language,
) -> Result<String> {
    let blob = Blob::parse(&file.blob)?;
    let kind = format!("{:?}", blob.kind()).to_lowercase();
    let integers = blob.numbers() == Numbers::Int8;
    let about = vec![
        made_from(source),
        format!(
            "Network of kind {kind}, {}, {} parameters as {}: {}.",
            widths(&blob),
            blob.params(),
            if integers { "8-bit integers" } else { "floats" },
            comment(&file.about.source)
        ),
        format!(
            "Values of the data are {} + {} times those of the network.",
            file.about.offset, file.about.factor
        ),
    ];
    let mut generator = rng::seeded(SEED);
    let text = |x: &dyn fmt::Debug| match language {
        Language::C if !integers => format!("{x:?}f"),
        _ => format!("{x:?}"),
    };
    let parts = if integers {
        let network = Int8Network::parse(&file.blob)?;
        let draws = matches!(blob.kind(), Kind::Vae | Kind::Gan | Kind::Diffusion);
        let layers = network.back().or(network.front()).context("an empty network")?;
        ensure!(
            blob.kind() != Kind::Autoencoder,
            "an autoencoder of integers has two parts: firmware opens the model file itself"
        );
        let mut output = vec![0; blob.outputs()];
        let scratch = network.scratch_len();
        let mut input = Vec::new();
        if draws {
            network.sample(&mut generator, None, &mut vec![0; scratch], &mut output)?;
        } else {
            input = (0..layers.inputs()).map(|_| fixed(rng::normal(&mut generator))).collect();
            layers.forward(&input, &mut vec![0; scratch], &mut output)?;
        }
        Parts {
            about,
            blob: &file.blob,
            integers,
            draws,
            inputs: blob.latent(),
            outputs: blob.outputs(),
            scratch,
            input: input.iter().map(|x| text(x)).collect(),
            output: output.iter().map(|x| text(x)).collect(),
        }
    } else {
        let network = F32Network::parse(&file.blob)?;
        let whole = network.whole();
        let input: Vec<f32> = (0..whole.inputs()).map(|_| rng::normal(&mut generator)).collect();
        let mut output = vec![0.0; whole.outputs()];
        whole.forward(&input, &mut vec![0.0; whole.scratch_len()], &mut output)?;
        Parts {
            about,
            blob: &file.blob,
            integers,
            draws: false,
            inputs: whole.inputs(),
            outputs: whole.outputs(),
            scratch: whole.scratch_len(),
            input: input.iter().map(|x| text(x)).collect(),
            output: output.iter().map(|x| text(x)).collect(),
        }
    };
    Ok(language.text(|out| parts.rust(out), |out| parts.c(name, out))?)
}

impl Parts<'_> {
    /// Name, meaning and value of every size.
    fn sizes(&self) -> [(&'static str, &'static str, usize); 3] {
        let of_inputs = if self.draws { "Latent values." } else { "Values of an input." };
        [
            ("INPUTS", of_inputs, self.inputs),
            ("OUTPUTS", "Values of an output or sample.", self.outputs),
            ("SCRATCH", "Values of scratch memory.", self.scratch),
        ]
    }

    fn rust(&self, out: &mut String) -> fmt::Result {
        rust_head("network", &self.about, out)?;
        let mut item = |about: &str, code: &str| rust_item(about, code, out);
        for (name, about, value) in self.sizes() {
            item(about, &format!("pub const {name}: usize = {value};"))?;
        }
        let (parser, number) =
            if self.integers { ("Int8Network", "i32") } else { ("F32Network", "f32") };
        item(
            &format!("The network, for `eigenmote::nn::{parser}::parse`."),
            &format!(
                "pub static NETWORK: [u8; {}] = [\n{}];",
                self.blob.len(),
                literal_bytes(self.blob)
            ),
        )?;
        let list = |name: &str, values: &[String]| {
            format!("pub static {name}: [{number}; {}] = [\n{}];", values.len(), wrapped(values))
        };
        if !self.draws {
            item("An input,", &list("TEST_INPUT", &self.input))?;
        }
        let about =
            if self.draws { "The first sample of seed 1." } else { "and what it must become." };
        item(about, &list("TEST_OUTPUT", &self.output))?;
        let test = match (self.integers, self.draws) {
            (true, true) => RUST_DRAW,
            (true, false) => RUST_INTEGERS,
            (false, _) => RUST_FLOATS,
        };
        item(RUST_ABOUT, test)
    }

    fn c(&self, name: &str, out: &mut String) -> fmt::Result {
        let upper = name.to_ascii_uppercase();
        let mut declared = String::new();
        let d = &mut declared;
        for (constant, about, value) in self.sizes() {
            writeln!(d, "/* {about} */\n#define {upper}_{constant} {value}")?;
        }
        let open =
            if self.integers { "eigenmote_int8_open" } else { "eigenmote_network_forward_f32" };
        writeln!(
            d,
            "/* Bytes of the network. */\n#define {upper}_NETWORK_BYTES {}\n\n\
             /* The network, for {open}. */\n\
             extern const unsigned char {name}_network[{upper}_NETWORK_BYTES];\n\n\
             /* Gives EIGENMOTE_STATUS_OK if the network gives what it gave on the desktop, EIGENMOTE_STATUS_CORRUPT if\n   \
             not, or what a function gave. */\n\
             eigenmote_status {name}_self_test(void);",
            self.blob.len()
        )?;

        let mut defined = String::new();
        let d = &mut defined;
        writeln!(
            d,
            "const unsigned char {name}_network[{upper}_NETWORK_BYTES] = {{\n{}}};\n",
            literal_bytes(self.blob)
        )?;
        let number = if self.integers { "int32_t" } else { "float" };
        if !self.draws {
            writeln!(
                d,
                "static const {number} {name}_test_input[{upper}_INPUTS] = {{\n{}}};\n",
                wrapped(&self.input)
            )?;
        }
        writeln!(
            d,
            "static const {number} {name}_test_output[{upper}_OUTPUTS] = {{\n{}}};\n",
            wrapped(&self.output)
        )?;
        let test = match (self.integers, self.draws) {
            (true, true) => C_DRAW,
            (true, false) => C_INTEGERS,
            (false, _) => C_FLOATS,
        };
        write!(d, "{}", test.replace("NAME", name).replace("UPPER", &upper))?;
        c_file(name, &self.about, &declared, &defined, out)
    }
}

const RUST_ABOUT: &str = "\
Runs the network and compares with what it gave on the desktop.
///
/// # Errors
/// What differs.";

const RUST_DRAW: &str = "\
pub fn self_test() -> Result<(), &'static str> {
    let network = ::eigenmote::nn::Int8Network::parse(&NETWORK).map_err(|_| \"the network is damaged\")?;
    let (mut scratch, mut out) = ([0; SCRATCH], [0; OUTPUTS]);
    network
        .sample(&mut ::eigenmote::rng::seeded(1), None, &mut scratch, &mut out)
        .map_err(|_| \"no sample was drawn\")?;
    if out == TEST_OUTPUT { Ok(()) } else { Err(\"the sample has other values\") }
}";

const RUST_INTEGERS: &str = "\
pub fn self_test() -> Result<(), &'static str> {
    let network = ::eigenmote::nn::Int8Network::parse(&NETWORK).map_err(|_| \"the network is damaged\")?;
    let layers = network.back().ok_or(\"the network is damaged\")?;
    let (mut scratch, mut out) = ([0; SCRATCH], [0; OUTPUTS]);
    layers.forward(&TEST_INPUT, &mut scratch, &mut out).map_err(|_| \"the network gave nothing\")?;
    if out == TEST_OUTPUT { Ok(()) } else { Err(\"the output has other values\") }
}";

const RUST_FLOATS: &str = "\
pub fn self_test() -> Result<(), &'static str> {
    let network = ::eigenmote::nn::F32Network::parse(&NETWORK).map_err(|_| \"the network is damaged\")?;
    let (mut scratch, mut out) = ([0.0; SCRATCH], [0.0; OUTPUTS]);
    network.whole().forward(&TEST_INPUT, &mut scratch, &mut out).map_err(|_| \"the network gave nothing\")?;
    // Bit for bit, but for builds with the feature `fast`.
    let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 * (1.0 + b.abs());
    if out.iter().zip(&TEST_OUTPUT).all(close) { Ok(()) } else { Err(\"the output has other values\") }
}";

const C_DRAW: &str = "\
eigenmote_status NAME_self_test(void) {
    eigenmote_int8 network;
    eigenmote_rng rng;
    int16_t scratch[UPPER_SCRATCH];
    int32_t out[UPPER_OUTPUTS];
    size_t i;
    eigenmote_status status = eigenmote_int8_open(&network, NAME_network, sizeof NAME_network);
    if (status == EIGENMOTE_STATUS_OK)
        status = eigenmote_rng_seed(&rng, 1);
    if (status == EIGENMOTE_STATUS_OK)
        status = eigenmote_int8_sample(&network, &rng, EIGENMOTE_NO_CLASS, 0, scratch, UPPER_SCRATCH, out, UPPER_OUTPUTS);
    for (i = 0; status == EIGENMOTE_STATUS_OK && i < UPPER_OUTPUTS; i++)
        if (out[i] != NAME_test_output[i])
            status = EIGENMOTE_STATUS_CORRUPT;
    return status;
}
";

const C_INTEGERS: &str = "\
eigenmote_status NAME_self_test(void) {
    eigenmote_int8 network;
    int16_t scratch[UPPER_SCRATCH];
    int32_t out[UPPER_OUTPUTS];
    size_t i;
    eigenmote_status status = eigenmote_int8_open(&network, NAME_network, sizeof NAME_network);
    if (status == EIGENMOTE_STATUS_OK)
        status = eigenmote_int8_forward(&network, NAME_test_input, UPPER_INPUTS, scratch, UPPER_SCRATCH, out, UPPER_OUTPUTS);
    for (i = 0; status == EIGENMOTE_STATUS_OK && i < UPPER_OUTPUTS; i++)
        if (out[i] != NAME_test_output[i])
            status = EIGENMOTE_STATUS_CORRUPT;
    return status;
}
";

const C_FLOATS: &str = "\
eigenmote_status NAME_self_test(void) {
    float scratch[UPPER_SCRATCH], out[UPPER_OUTPUTS];
    size_t i;
    eigenmote_status status = eigenmote_network_forward_f32(NAME_network, sizeof NAME_network, NAME_test_input, UPPER_INPUTS,
                                                            scratch, UPPER_SCRATCH, out, UPPER_OUTPUTS);
    for (i = 0; status == EIGENMOTE_STATUS_OK && i < UPPER_OUTPUTS; i++) {
        float off = out[i] - NAME_test_output[i], size = NAME_test_output[i];
        if ((off < 0 ? -off : off) > 1e-4f * (1 + (size < 0 ? -size : size)))
            status = EIGENMOTE_STATUS_CORRUPT;
    }
    return status;
}
";
