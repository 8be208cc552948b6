//! A model as source code for firmware: its bytes as a constant, its sizes as typed constants, and a
//! short window with the frame and the samples that it must become, which the firmware can check.

use std::collections::BTreeSet;
use std::fmt::{self, Debug, Write};

use anyhow::{Result, bail};
use eigenmote::codec::{self, Channel, EncodeError, Frame, Model, Slot};
use eigenmote::rng;

use crate::coding::{Value, kind_of, mode_name, parse_model, with_kind};
use crate::input::{Kind, Recording};
use crate::model_file::{ModelFile, Promise};

/// About so many values are a test, so that its arrays fit small memories.
const TEST_VALUES: usize = 192;
/// Most rows of a test.
const TEST_ROWS: usize = 16;

/// A language to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    C,
}

impl Language {
    /// What the one or the other writes.
    pub(crate) fn text(
        self,
        rust: impl FnOnce(&mut String) -> fmt::Result,
        c: impl FnOnce(&mut String) -> fmt::Result,
    ) -> Result<String, fmt::Error> {
        let mut out = String::new();
        match self {
            Self::Rust => rust(&mut out),
            Self::C => c(&mut out),
        }?;
        Ok(out)
    }
}

/// What is exported.
pub(crate) struct Export<'a> {
    pub(crate) file: &'a ModelFile,
    /// Name of the model's file, for a comment.
    pub(crate) source: &'a str,
    /// What identifiers begin with in C.
    pub(crate) name: &'a str,
    /// Where samples for the test come from; else they are made up from what the model expects.
    pub(crate) vectors: Option<&'a Recording>,
}

/// A window, the frame it becomes, and what the frame becomes, as literals.
struct Vectors {
    samples: Vec<String>,
    frame: Vec<u8>,
    decoded: Vec<String>,
}

impl Export<'_> {
    pub(crate) fn to_source(&self, language: Language) -> Result<String> {
        let model = parse_model(self.file)?;
        let vectors = with_kind!(kind_of(&model), S => self.vectors::<S>(&model, language))?;
        Ok(language
            .text(|out| self.rust(&model, &vectors, out), |out| self.c(&model, &vectors, out))?)
    }

    fn vectors<S: Value>(&self, model: &Model<'_>, language: Language) -> Result<Vectors> {
        let channels = model.channels();
        let rows = (TEST_VALUES / channels).clamp(1, TEST_ROWS).min(model.window());
        let window = match self.vectors {
            Some(recording) => taken::<S>(recording, rows * channels)?,
            None => made_up::<S>(model, rows),
        };
        let mut scratch = vec![Slot::NEW; model.scratch_len()];
        let mut frame = vec![0; model.max_frame_bytes()];
        let length = codec::encode(model, 0, &window, &mut scratch, &mut frame).map_err(
            |error: EncodeError| anyhow::anyhow!("the test window cannot be encoded: {error}"),
        )?;
        frame.truncate(length);
        let mut decoded = vec![S::default(); window.len()];
        codec::decode(model, &Frame::parse(&frame)?.0, &mut scratch, &mut decoded)?;
        let literals =
            |values: &[S]| values.iter().map(|x| literal(x, S::KIND, language)).collect();
        Ok(Vectors { samples: literals(&window), decoded: literals(&decoded), frame })
    }

    /// What the head of the file says, one line each.
    fn about(&self, model: &Model<'_>) -> Vec<String> {
        let of_components = match model.components() {
            0 => String::new(),
            k => format!(", {k} components"),
        };
        let relative = if self.file.relative { " times a channel's deviation" } else { "" };
        let promise = match self.file.promise {
            Promise::MaxError(e) => format!("every value is kept within {e}{relative}"),
            Promise::Rmse(e) => {
                format!("the root mean square error of every window is within {e}{relative}")
            }
            Promise::Components(_) => "no error is promised".into(),
        };
        vec![
            made_from(self.source),
            format!(
                "Model of {} mode, {} channels of {}, windows of {} rows{of_components}: {promise}.",
                mode_name(model.mode()),
                model.channels(),
                kind_of(model),
                model.window()
            ),
            format!(
                "Learnt from {} rows of {}.",
                self.file.train_rows,
                comment(&self.file.sources.join(", "))
            ),
        ]
    }

    /// For each channel an identifier, and what is known of it.
    fn channels(&self) -> Vec<(String, String)> {
        let mut taken = BTreeSet::new();
        let described = self.file.channels.iter().enumerate().map(|(number, channel)| {
            let bound = match channel.bound {
                Some(bound) => format!("within {bound} of its value, "),
                None => String::new(),
            };
            let about =
                format!("{}: {bound}deviation {}", comment(&channel.name), channel.deviation);
            let mut name = identifier(&channel.name).to_ascii_uppercase();
            if name.is_empty() {
                name = number.to_string();
            }
            while !taken.insert(name.clone()) {
                name = format!("{name}_{number}");
            }
            (name, about)
        });
        described.collect()
    }

    fn rust(&self, model: &Model<'_>, vectors: &Vectors, out: &mut String) -> fmt::Result {
        let blob = &self.file.blob;
        let kind = kind_of(model);
        rust_head("model", &self.about(model), out)?;
        let mut item = |about: &str, code: &str| rust_item(about, code, out);
        item("Type of the samples.", &format!("pub type Sample = {kind};"))?;
        item(
            "The same as the model says it.",
            &format!(
                "pub const KIND: ::eigenmote::codec::SampleKind = ::eigenmote::codec::SampleKind::{:?};",
                model.kind()
            ),
        )?;
        for (about, name, value) in sizes(model) {
            item(about, &format!("pub const {name}: usize = {value};"))?;
        }
        item(
            "The number by which frames name the model.",
            &format!("pub const MODEL_ID: u16 = {:#06x};", model.id()),
        )?;
        for (number, (name, about)) in self.channels().iter().enumerate() {
            let about = format!("Place of a channel in a row: {}", escaped_doc(about));
            item(&about, &format!("pub const CHANNEL_{name}: usize = {number};"))?;
        }
        item(
            "The model, for `eigenmote::codec::Model::parse`.",
            &format!("pub static MODEL: [u8; {}] = [\n{}];", blob.len(), literal_bytes(blob)),
        )?;
        let list = |values: &[String]| format!("[\n{}]", wrapped(values));
        item(
            "Some samples,",
            &format!(
                "pub static TEST_SAMPLES: [Sample; {}] = {};",
                vectors.samples.len(),
                list(&vectors.samples)
            ),
        )?;
        item(
            "the frame that they become,",
            &format!(
                "pub static TEST_FRAME: [u8; {}] = [\n{}];",
                vectors.frame.len(),
                literal_bytes(&vectors.frame)
            ),
        )?;
        item(
            "and what that becomes.",
            &format!(
                "pub static TEST_DECODED: [Sample; {}] = {};",
                vectors.decoded.len(),
                list(&vectors.decoded)
            ),
        )?;
        item(RUST_TEST_ABOUT, RUST_TEST)
    }

    fn c(&self, model: &Model<'_>, vectors: &Vectors, out: &mut String) -> fmt::Result {
        let (name, upper) = (self.name, self.name.to_ascii_uppercase());
        let blob = &self.file.blob;
        let kind = kind_of(model);
        let mut declared = String::new();
        let d = &mut declared;
        writeln!(
            d,
            "/* Type of the samples, and the functions for it. */\n\
             typedef {} {name}_sample;\n#define {upper}_KIND EIGENMOTE_KIND_{}",
            c_type(kind),
            kind.to_string().to_ascii_uppercase()
        )?;
        for function in
            ["encode", "encode_next", "encode_fitting", "decode", "decode_next", "receive"]
        {
            writeln!(d, "#define {name}_{function} eigenmote_{function}_{kind}")?;
        }
        writeln!(d)?;
        for (about, constant, value) in sizes(model) {
            writeln!(d, "/* {} */\n#define {upper}_{constant} {value}", about.replace('`', ""))?;
        }
        writeln!(d, "/* Bytes of the model. */\n#define {upper}_MODEL_BYTES {}", blob.len())?;
        writeln!(
            d,
            "/* The number by which frames name the model. */\n#define {upper}_MODEL_ID {:#06x}\n\n\
             /* Places of the channels in a row. */\nenum {{",
            model.id()
        )?;
        for (number, (channel, about)) in self.channels().iter().enumerate() {
            writeln!(d, "    /* {about} */\n    {upper}_CHANNEL_{channel} = {number},")?;
        }
        writeln!(
            d,
            "    {upper}_CHANNEL_COUNT = {}\n}};\n\n\
             /* The model, for eigenmote_model_parse. */\n\
             extern const unsigned char {name}_model[{upper}_MODEL_BYTES];\n\n\
             /* Encodes and decodes a few samples. Gives EIGENMOTE_STATUS_OK if frame and samples are those that the\n   \
             desktop made, EIGENMOTE_STATUS_CORRUPT if not, or what a function gave. */\n\
             eigenmote_status {name}_self_test(void);",
            self.file.channels.len()
        )?;

        let mut defined = String::new();
        let d = &mut defined;
        let (samples, decoded) = (&vectors.samples, &vectors.decoded);
        writeln!(
            d,
            "const unsigned char {name}_model[{upper}_MODEL_BYTES] = {{\n{}}};\n",
            literal_bytes(blob)
        )?;
        writeln!(
            d,
            "/* Some samples, the frame that they become, and what that becomes. */\n\
             static const {name}_sample {name}_test_samples[{}] = {{\n{}}};\n",
            samples.len(),
            wrapped(samples)
        )?;
        writeln!(
            d,
            "static const unsigned char {name}_test_frame[{}] = {{\n{}}};\n",
            vectors.frame.len(),
            literal_bytes(&vectors.frame)
        )?;
        writeln!(
            d,
            "static const {name}_sample {name}_test_decoded[{}] = {{\n{}}};\n",
            decoded.len(),
            wrapped(decoded)
        )?;
        write!(d, "{}", C_TEST.replace("NAME", name).replace("UPPER", &upper))?;
        c_file(name, &self.about(model), &declared, &defined, out)
    }
}

/// The first line of every file.
pub(crate) fn made_from(source: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("Made by eigenmote {version} from {}; do not edit.", comment(source))
}

/// The top of a file of Rust, which is a module of this name if it is one of its own.
pub(crate) fn rust_head(module: &str, about: &[String], out: &mut String) -> fmt::Result {
    for line in about {
        writeln!(out, "// {line}")?;
    }
    writeln!(
        out,
        "//\n// A module of its own (`mod {module};`) or included (`include!`); needs the crate `eigenmote`."
    )
}

/// One item of a file of Rust.
pub(crate) fn rust_item(about: &str, code: &str, out: &mut String) -> fmt::Result {
    writeln!(
        out,
        "\n/// {about}\n#[rustfmt::skip]\n\
         #[allow(dead_code, clippy::unreadable_literal, clippy::excessive_precision)]\n{code}"
    )
}

/// A file of C that can be compiled, or included for its declarations alone.
pub(crate) fn c_file(
    name: &str,
    about: &[String],
    declared: &str,
    defined: &str,
    out: &mut String,
) -> fmt::Result {
    let upper = name.to_ascii_uppercase();
    writeln!(out, "/*")?;
    for line in about {
        writeln!(out, " * {line}")?;
    }
    writeln!(
        out,
        " *\n * C99. Compile this file once; to use it in others, define {upper}_DECLARATIONS_ONLY and include it.\n */\n\
         #ifndef {upper}_DECLARATIONS\n#define {upper}_DECLARATIONS\n\n#include \"eigenmote.h\"\n\n\
         #ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n{declared}\n\
         #ifdef __cplusplus\n}}\n#endif\n\n#endif\n\n\
         #ifndef {upper}_DECLARATIONS_ONLY\n\n{defined}\n#endif"
    )
}

const RUST_TEST_ABOUT: &str = "\
Encodes and decodes a few samples and compares with what the desktop made.
///
/// # Errors
/// What differs.";

const RUST_TEST: &str = "\
pub fn self_test() -> Result<(), &'static str> {
    use ::eigenmote::codec::{self, Frame, Model, OVERHEAD, Sample as _, Slot};
    let model = Model::parse(&MODEL).map_err(|_| \"the model is damaged\")?;
    let mut scratch = [Slot::NEW; SLOTS];
    let mut frame = [0; OVERHEAD + size_of::<[Sample; TEST_SAMPLES.len()]>()];
    let length = codec::encode(&model, 0, &TEST_SAMPLES, &mut scratch, &mut frame)
        .map_err(|_| \"the samples were not encoded\")?;
    if frame.get(..length) != Some(&TEST_FRAME[..]) {
        return Err(\"the frame has other bytes\");
    }
    let (frame, _) = Frame::parse(&TEST_FRAME).map_err(|_| \"the frame is damaged\")?;
    let mut decoded = [TEST_DECODED[0]; TEST_DECODED.len()];
    codec::decode(&model, &frame, &mut scratch, &mut decoded)
        .map_err(|_| \"the frame was not decoded\")?;
    let same = decoded.iter().zip(&TEST_DECODED).all(|(a, b)| a.to_raw() == b.to_raw());
    if same { Ok(()) } else { Err(\"the samples have other values\") }
}";

const C_TEST: &str = "\
static int NAME_differ(const void *a, const void *b, size_t length) {
    const unsigned char *x = (const unsigned char *)a, *y = (const unsigned char *)b;
    size_t i;
    for (i = 0; i < length; i++)
        if (x[i] != y[i])
            return 1;
    return 0;
}

eigenmote_status NAME_self_test(void) {
    eigenmote_model model;
    eigenmote_slot scratch[UPPER_SLOTS];
    unsigned char frame[EIGENMOTE_FRAME_OVERHEAD + sizeof NAME_test_samples];
    NAME_sample decoded[sizeof NAME_test_decoded / sizeof *NAME_test_decoded];
    size_t length = 0, rows = 0;
    eigenmote_status status = eigenmote_model_parse(&model, NAME_model, sizeof NAME_model);
    if (status == EIGENMOTE_STATUS_OK)
        status = NAME_encode(&model, 0, NAME_test_samples, sizeof NAME_test_samples / sizeof *NAME_test_samples,
                             scratch, UPPER_SLOTS, frame, sizeof frame, &length);
    if (status != EIGENMOTE_STATUS_OK)
        return status;
    if (length != sizeof NAME_test_frame || NAME_differ(frame, NAME_test_frame, length))
        return EIGENMOTE_STATUS_CORRUPT;
    status = NAME_decode(&model, NAME_test_frame, sizeof NAME_test_frame, scratch, UPPER_SLOTS, decoded,
                         sizeof decoded / sizeof *decoded, &rows);
    if (status == EIGENMOTE_STATUS_OK && NAME_differ(decoded, NAME_test_decoded, sizeof decoded))
        status = EIGENMOTE_STATUS_CORRUPT;
    return status;
}
";

/// The sizes that memory is declared with.
fn sizes(model: &Model<'_>) -> [(&'static str, &'static str, usize); 5] {
    [
        ("Values in a row.", "CHANNELS", model.channels()),
        ("Rows of a full window.", "WINDOW", model.window()),
        ("Components; 0 but in transform mode.", "COMPONENTS", model.components()),
        (
            "Slots of scratch memory; twice as many for packets of a size and for receivers.",
            "SLOTS",
            model.scratch_len(),
        ),
        ("Most bytes of a frame.", "MAX_FRAME_BYTES", model.max_frame_bytes()),
    ]
}

/// The first values of a recording.
fn taken<S: Value>(recording: &Recording, count: usize) -> Result<Vec<S>> {
    let values = recording.values.iter().take(count);
    let window: Vec<S> = values.clone().map(|&x| S::from_f64(x)).collect();
    let fits = |(&x, &sample): (&f64, &S)| {
        sample.is_finite() && (sample.to_f64() == x || (sample.to_f64() - x).abs() < x.abs() * 1e-6)
    };
    if !values.zip(&window).all(fits) {
        bail!("{}: its first values do not fit the model's sample type", recording.source);
    }
    Ok(window)
}

/// Samples such as the model expects: from each channel's mean, steps of the size of its residuals.
fn made_up<S: Value>(model: &Model<'_>, rows: usize) -> Vec<S> {
    let mut rng = rng::seeded(model.id().into());
    let channels: Vec<Channel<S>> = model.channel_list::<S>().collect();
    let mut draw =
        |size_q8: u32| (f64::from(size_q8) / 256.0) * (2.0 * rng::uniform::<f64>(&mut rng) - 1.0);
    let mut counts: Vec<f64> = channels
        .iter()
        .map(|channel| f64::from(channel.predictor.mean) + draw(channel.predictor.spread))
        .collect();
    let mut window = Vec::with_capacity(rows * channels.len());
    for _ in 0..rows {
        for (channel, count) in channels.iter().zip(&mut counts) {
            *count += draw(2 * channel.predictor.scale.min(1 << 30));
            let point = channel.lattice.restore(*count as i32).to_f64();
            // Not on a point of the lattice, but near it.
            let sample =
                S::from_f64(point + 0.4 * S::step_to_f64(channel.lattice.step) * draw(256));
            window.push(if sample.is_finite() { sample } else { S::default() });
        }
    }
    window
}

fn literal<S: Debug>(x: &S, kind: codec::SampleKind, language: Language) -> String {
    let text = format!("{x:?}");
    match (language, kind) {
        // The literal would be the negative of a number that is too large.
        (Language::C, codec::SampleKind::I32) if text == "-2147483648" => "-2147483647 - 1".into(),
        (Language::C, codec::SampleKind::F32) => format!("{text}f"),
        _ => text,
    }
}

fn c_type(kind: Kind) -> &'static str {
    match kind {
        Kind::I16 => "int16_t",
        Kind::I32 => "int32_t",
        Kind::F32 => "float",
        Kind::F64 => "double",
    }
}

/// Bytes as literals.
pub(crate) fn literal_bytes(bytes: &[u8]) -> String {
    wrapped(&bytes.iter().map(|byte| format!("0x{byte:02x}")).collect::<Vec<_>>())
}

/// Literals in lines of up to a hundred characters.
pub(crate) fn wrapped(literals: &[String]) -> String {
    let mut lines = vec![String::new()];
    for literal in literals {
        match lines.last_mut() {
            Some(line) if line.len() + literal.len() <= 94 => {
                let space = if line.is_empty() { "" } else { " " };
                line.extend([space, literal, ","]);
            }
            _ => lines.push(format!("{literal},")),
        }
    }
    lines.iter().flat_map(|line| ["    ", line, "\n"]).collect()
}

/// The letters and digits of a text, with single underscores for what is between them.
pub(crate) fn identifier(text: &str) -> String {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("_")
}

/// A name that C identifiers can begin with, from the name of a file.
pub(crate) fn c_name(text: &str) -> String {
    let name = identifier(text).to_ascii_lowercase();
    match name.chars().next() {
        None => "model".into(),
        Some(first) if first.is_ascii_digit() => format!("model_{name}"),
        _ => name,
    }
}

/// A text as part of a comment of one line, in either language: nothing that ends the comment, begins
/// another, joins lines, or turns the direction of writing.
pub(crate) fn comment(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let turns = matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || turns || c == '\\' {
            out.extend(c.escape_unicode().filter(|&c| c != '\\'));
        } else {
            // `*/`, `/*`, and the trigraphs that begin with two question marks.
            let parted = matches!(
                (out.chars().last(), c),
                (Some('*'), '/') | (Some('/'), '*') | (Some('?'), '?')
            );
            if parted {
                out.push(' ');
            }
            out.push(c);
        }
    }
    out
}

/// A comment as documentation in Rust, where some marks have a meaning.
fn escaped_doc(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if matches!(c, '[' | ']' | '<' | '>' | '`' | '*' | '_') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_part_of_an_identifier() {
        assert_eq!(identifier("cpu user (ms)"), "cpu_user_ms");
        assert_eq!(identifier("__x--9.5 "), "x_9_5");
        assert_eq!(identifier("温度 °C"), "C");
        assert_eq!(identifier("°"), "");
        assert_eq!(c_name("Über.Model-2"), "ber_model_2");
        assert_eq!(c_name("2nd"), "model_2nd");
        assert_eq!(c_name("%"), "model");
    }

    #[test]
    fn a_comment_holds_nothing_that_ends_it() {
        assert_eq!(comment("a */ b /* c"), "a * / b / * c");
        assert_eq!(comment("x??/y"), "x? ?/y");
        assert_eq!(comment("end\\\nnext"), "endu{5c}u{a}next");
        assert_eq!(comment("a\u{202e}b"), "au{202e}b");
        assert_eq!(comment("Größe in °C"), "Größe in °C");
        assert_eq!(comment("*//"), "* //");
    }

    #[test]
    fn lines_are_no_longer_than_a_hundred() {
        let text = literal_bytes(&[7; 100]);
        assert!(text.lines().all(|line| line.len() <= 100));
        assert_eq!(text.matches("0x07,").count(), 100);
    }
}
