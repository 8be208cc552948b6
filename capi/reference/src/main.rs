//! The C examples once more, over the Rust library: `reference NAME [RECORDING]` prints what the example
//! of that name has to print.

use std::error::Error;

use eigenmote::codec::{self, Model, Receiver, Scan, Slot, Stream};
use eigenmote::embed::table::quantize_fixed;
use eigenmote::embed::{Analogy, Hit, WordTable};
use eigenmote::nn::{Activation, Dense, Draw, Mlp, Network, PcaGaussian, StandardNormal, sample};
use eigenmote::rng;
use eigenmote::stats::{Moments, Pca};
use exported::telemetry::{CHANNELS, MAX_FRAME_BYTES, MODEL, SLOTS, Sample, WINDOW};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["encode", recording] => encode(recording),
        ["learn"] => learn(),
        ["decoder"] => decoder(),
        ["words"] => words(),
        ["selftest"] => {
            let passed = exported::exported_self_tests() == 0;
            println!(
                "{}",
                if passed { "telemetry ok\ndigits ok\nvocabulary ok" } else { "FAILED" }
            );
            Ok(())
        }
        _ => Err("usage: reference encode RECORDING | learn | decoder | words | selftest".into()),
    }
}

fn say(name: &str, values: &[f32]) {
    print!("{name}");
    values.iter().for_each(|x| print!(" {:08x}", x.to_bits()));
    println!();
}

/// `path` holds one row of numbers a line.
fn encode(path: &str) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    let numbers = text.split([',', '\n']).filter(|cell| !cell.is_empty());
    let recording = numbers.map(str::parse).collect::<Result<Vec<Sample>, _>>()?;
    let model = Model::parse(&MODEL).map_err(|error| error.to_string())?;
    let (mut ours, mut theirs) = ([Slot::NEW; 2 * SLOTS], [Slot::NEW; 2 * SLOTS]);
    let (mut stream, mut receiver) = (Stream::new(), Receiver::new());
    let (mut frame, mut decoded) = ([0; MAX_FRAME_BYTES], [0 as Sample; WINDOW * CHANNELS]);
    let mut hash = 2_166_136_261_u32;
    for (number, window) in recording.chunks(WINDOW * CHANNELS).enumerate() {
        if number % 4 == 0 {
            stream.restart();
        }
        let number = number as u32;
        let length =
            codec::encode_next(&model, &mut stream, number, window, &mut ours, &mut frame)?;
        print!("frame ");
        frame[..length].iter().for_each(|byte| print!("{byte:02x}"));
        println!();
        let (parsed, _) = codec::Frame::parse(&frame[..length])?;
        let received = receiver.receive(&model, &parsed, &mut theirs, &mut decoded)?;
        for byte in decoded[..received.rows * CHANNELS].iter().flat_map(|x| x.to_le_bytes()) {
            hash = (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
        }
    }
    println!("decoded {hash:08x}");

    receiver.restart();
    let mut rest = &recording[..];
    for number in 0..8 {
        if rest.is_empty() {
            break;
        }
        let mut packet = [0; 64];
        let mut stream = Stream::new();
        let (rows, length) =
            codec::encode_fitting(&model, &mut stream, number, rest, &mut ours, &mut packet)?;
        rest = &rest[rows * CHANNELS..];
        if number == 2 {
            continue;
        }
        let mut air = vec![0x31, 0x07];
        air.extend(&packet[..length]);
        air.extend([0; 3]);
        for found in Scan::of_model(&air, &model) {
            let received = receiver.receive(&model, &found.frame, &mut theirs, &mut decoded)?;
            println!(
                "packet {}, {} rows, {length} bytes, {} missing before, {} other bytes",
                received.sequence, received.rows, received.missing, found.skipped
            );
        }
    }
    Ok(())
}

/// Pseudo-random steps of 1/256 in −0.5 to 0.5.
struct Steps(u32);

impl Steps {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((self.0 >> 24) as i32 - 128) as f32 / 256.0
    }

    fn sensors(&mut self) -> [f32; 6] {
        let (a, b) = (8.0 * self.next(), 2.0 * self.next());
        let mut x = [a, b, a + b, a - b, 0.5 * a, 2.0 * b];
        for (i, x) in x.iter_mut().enumerate() {
            *x = *x + 0.125 * self.next() + i as f32;
        }
        x
    }
}

fn learn() -> Result<(), Box<dyn Error>> {
    let mut steps = Steps(1);
    let (mut moments, mut other) = (Moments::<f32, 6>::new(), Moments::new());
    for t in 0..300 {
        let x = steps.sensors();
        if t < 200 { moments.update(&x)? } else { other.update(&x)? }
    }
    moments.merge(&other)?;
    let pca = Pca::<f32, 6, 2>::fit_from_moments(&moments)?;
    say("mean", &moments.mean());
    say("components", pca.components.as_flattened());
    say("variance", &pca.explained_variance);
    say("noise", &[pca.noise_variance]);
    for t in 0..4 {
        let mut x = steps.sensors();
        if t == 3 {
            x[4] += 1.0;
        }
        let z = pca.transform(&x);
        say("latent", &z);
        say("back", &pca.inverse_transform(&z));
        say("distance", &[pca.reconstruction_error(&x)]);
        say("t2", &[pca.whiten(&x).iter().fold(0.0, |sum, w| sum + w * w)]);
    }
    let mut x = [0.0; 6];
    PcaGaussian::probabilistic(
        &pca.mean,
        &pca.components,
        &pca.explained_variance,
        pca.noise_variance,
    )?
    .draw(&mut rng::seeded(7), &mut x);
    say("sample", &x);
    Ok(())
}

type Layer<const I: usize, const O: usize> = Dense<'static, f32, I, O>;
type Decoder = Mlp<Mlp<Layer<2, 4>, Layer<4, 3>>, Layer<3, 5>>;

fn decoder() -> Result<(), Box<dyn Error>> {
    static W1: [[f32; 2]; 4] = [[0.5, -1.0], [1.5, 0.25], [-0.75, 1.0], [0.125, 0.5]];
    static W2: [[f32; 4]; 3] =
        [[1.0, -0.5, 0.25, 2.0], [-1.0, 0.5, 1.0, 0.0], [0.5, 0.5, -2.0, 1.0]];
    static W3: [[f32; 3]; 5] =
        [[1.0, 0.0, 0.5], [0.5, 1.0, 0.0], [0.0, 0.5, 1.0], [-1.0, 1.0, -1.0], [0.25; 3]];
    let network: Decoder = Dense::new(&W1, &[0.0, 0.25, -0.5, 1.0], Activation::Tanh)
        .then(Dense::new(&W2, &[0.1, 0.2, 0.3], Activation::Silu))
        .then(Dense::new(&W3, &[0.0, 0.0, 0.5, 0.0, -0.5], Activation::LeakyRelu { slope: 0.1 }));
    let (mut scratch, mut curve) = ([0.0; Decoder::SCRATCH], [0.0; 5]);
    network.forward(&[0.75, -0.5], &mut scratch, &mut curve)?;
    say("forward", &curve);
    let mut random = rng::seeded(42);
    for _ in 0..3 {
        sample(&network, &StandardNormal, &mut random, &mut scratch, &mut curve)?;
        say("sample", &curve);
    }
    curve.fill_with(|| rng::uniform(&mut random));
    say("uniform", &curve);
    rng::fill_normal(&mut random, &mut curve);
    say("normal", &curve);
    Ok(())
}

/// Places for what is found.
type Hits = [Hit<i32>; 3];

fn tell(question: &str, table: &WordTable<'_>, hits: &[Hit<i32>]) {
    print!("{question}");
    for hit in hits {
        print!(" {} {:08x}", table.word(hit.id).unwrap_or_default(), hit.score);
    }
    println!();
}

fn words() -> Result<(), Box<dyn Error>> {
    use exported::vocabulary::{DIM, PREFIXES, TABLE};
    let whole = WordTable::parse(&TABLE)?;
    for dim in PREFIXES {
        let table = whole.prefix(dim).ok_or("a prefix is not there")?;
        let id = |word| table.id(word).ok_or("a word is not there");
        println!("by {dim} values");
        for word in ["sister", "sea", "three"] {
            let mut hits = Hits::default();
            let found = table.nearest(id(word)?, &mut hits)?;
            tell(&format!("{word}:"), &table, &hits[..found]);
        }
        for (question, words, rule) in [
            ("he is to his as she to:", ["he", "his", "she"], Analogy::Add),
            ("man is to men as woman to:", ["man", "men", "woman"], Analogy::Mul),
        ] {
            let [a, b, c] = words.map(id);
            let mut hits = Hits::default();
            let found = table.analogy([a?, b?, c?], rule, &mut hits)?;
            tell(question, &table, &hits[..found]);
        }
        let ids = [id("fresh")?, id("water")?];
        let (mut x, mut y, mut query) = ([0; DIM], [0; DIM], [0; DIM]);
        let (x, y, query) = (&mut x[..dim], &mut y[..dim], &mut query[..dim]);
        table.vector_fixed(ids[0], x)?;
        table.vector_fixed(ids[1], y)?;
        x.iter_mut().zip(y).for_each(|(x, y)| *x += *y);
        quantize_fixed(x, query)?;
        let mut hits = Hits::default();
        let found = table.nearest_to(query, &ids, &mut hits)?;
        let cosine = table.cosine(ids[0], ids[1])?;
        tell(&format!("fresh and water: cosine {cosine:08x}"), &table, &hits[..found]);
    }
    if whole.id("microcontroller").is_none() {
        println!("a word that is not there");
    }
    Ok(())
}
