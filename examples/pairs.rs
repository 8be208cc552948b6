//! Pictures and words in one latent space: finding, and naming what was never seen.
//!
//! `cargo run --release --example pairs [EMOJI-FOLDER] [--models FOLDER]` trains two small towers for each of two tasks and
//! prints how well they find each other; it takes a minute.
//!
//! - **Emoji** (`noto_32x32_rgb_uint8.npy` and `emoji.tsv`; left out without the folder): pictures
//!   against names, 200 of them held out. `target/pairs.png` has a row for each of twelve held-out
//!   names: its own picture, then the five that the name finds.
//! - **Digits** (`data/digits.csv`): pictures against descriptions in words. Two digits are never seen
//!   in training; a picture of them is named by the nearest of all ten descriptions. Descriptions of
//!   digits that were seen stand nearer by themselves, so a constant is taken from their cosines; it is
//!   learnt from seen digits that are left out in turn. The same is done as a chip does it: with the
//!   tower in integers and a table of the descriptions' vectors, where a class more is a row more. What
//!   this takes goes to a folder (`target`, unless another is named): `tower.eign`, `eight.etab` without
//!   and `ten.etab` with the two digits of the last line, and `nearer.txt` with the constant.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs
)]

#[path = "support/factor.rs"]
mod factor;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use eigenmote::embed::nearest::normalize_rows;
use eigenmote::embed::table::{ONE, quantize_fixed};
use eigenmote::embed::{Hit, Table, WordTable, WordTableSpec};
use eigenmote::linalg::Csr;
use eigenmote::nn::quantized::fixed;
use eigenmote::nn::{
    Activation, Adam, AdamSteps, Calibration, F32Network, Int8Network, Kind, LayerRange, LayerSpec,
    NetworkSpec, PairModel, Part, Pass, Spec, quantize, quantized_len,
};
use eigenmote::rng::{Generator, normal, seeded, uniform};
use eigenmote::{MatRef, simd};
use factor::factorise_within;

type Failure = Box<dyn Error>;

/// Values of a vector, and of the prefix that a small table keeps.
const WIDTH: usize = 64;
const PREFIX: usize = 16;

fn main() -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut args = std::env::args_os().skip(1);
    let (mut given, mut models) = (None, root.join("target"));
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--models") => models = args.next().ok_or("a folder behind --models")?.into(),
            _ => given = Some(PathBuf::from(arg)),
        }
    }
    let folder = given.unwrap_or_else(|| root.join("../shared/data/image_text/emoji"));
    if folder.is_dir() {
        emoji(&folder, &root.join("target/pairs.png"))?;
    } else {
        println!("no emoji in {}: left out", folder.display());
    }
    digits(&root.join("data/digits.csv"), &models)
}

/// Rows of equal length.
struct Rows {
    width: usize,
    values: Vec<f32>,
}

impl Rows {
    fn new(width: usize) -> Self {
        Self { width, values: Vec::new() }
    }
    fn push(&mut self, row: &[f32]) {
        assert_eq!(row.len(), self.width);
        self.values.extend(row);
    }
    fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.width..(i + 1) * self.width]
    }
    fn count(&self) -> usize {
        self.values.len() / self.width
    }
    fn pick(&self, which: &[usize]) -> Self {
        let mut picked = Self::new(self.width);
        which.iter().for_each(|&i| picked.push(self.row(i)));
        picked
    }
}

/// What a training run is told.
struct Plan<'a> {
    prefixes: &'a [usize],
    batch: usize,
    steps: usize,
    rate: f32,
    /// Deviation of normal noise in the features, so that no picture is learnt by heart.
    noise: f32,
    weight_decay: f32,
}

fn train(
    model: &PairModel<'_, f32>,
    (x, y, groups): (&Rows, &Rows, &[u32]),
    plan: &Plan<'_>,
    rng: &mut Generator,
) -> Result<Vec<f32>, Failure> {
    let mut params = vec![0.0; model.params()];
    let mut gradient = vec![0.0; model.params()];
    let mut moments = vec![0.0; Adam::<f32>::moments_len(model.params())];
    let mut memory = vec![0.0; model.memory_len(plan.batch)];
    model.initialize(rng, &mut params)?;
    let mut steps = AdamSteps::START;
    let mut order: Vec<usize> = (0..x.count()).collect();
    let mut next = order.len();
    for step in 0..plan.steps {
        if next + plan.batch > order.len() {
            shuffle(&mut order, rng);
            next = 0;
        }
        let chosen = &order[next..next + plan.batch];
        next += plan.batch;
        let (mut left, mut right) = (x.pick(chosen), y.pick(chosen));
        for value in left.values.iter_mut().chain(&mut right.values) {
            *value += plan.noise * normal::<f32>(rng);
        }
        let same: Vec<u32> = chosen.iter().filter_map(|&i| groups.get(i).copied()).collect();
        model.gradient(
            &params,
            (&left.values, &right.values, &same),
            &mut memory,
            &mut gradient,
        )?;
        // Slower to the end.
        let rate = plan.rate * (1.0 - step as f32 / plan.steps as f32);
        let adam = Adam { weight_decay: plan.weight_decay, ..Adam::new(rate) };
        adam.update(&mut steps, &mut params, &gradient, &mut moments)?;
    }
    Ok(params)
}

/// Vectors of all rows, the first `prefix` values at length 1.
fn vectors(
    spec: &Spec<'_, f32>,
    params: &[f32],
    rows: &Rows,
    prefix: usize,
) -> Result<Rows, Failure> {
    let mut memory = vec![0.0; Pass::memory_len(spec, rows.count())];
    let mut pass = Pass::new(*spec, rows.count(), &mut memory)?;
    let mut found = Rows::new(prefix);
    for row in pass.forward(params, &rows.values)?.chunks(spec.outputs()) {
        found.push(&row[..prefix]);
    }
    normalize_rows(&mut found.values, prefix);
    Ok(found)
}

fn shuffle(order: &mut [usize], rng: &mut Generator) {
    for i in (1..order.len()).rev() {
        order.swap(i, (uniform::<f64>(rng) * (i + 1) as f64) as usize);
    }
}

// ---- emoji ------------------------------------------------------------------------------------

const SIDE: usize = 32;
/// Pictures are looked at in cells of two by two pixels.
const CELLS: usize = SIDE / 2;
const IMAGE_COMPONENTS: usize = 64;
const COLOURS: usize = 4;
const IMAGE_FEATURES: usize = IMAGE_COMPONENTS + COLOURS * COLOURS * COLOURS;
const TEXT_COMPONENTS: usize = 128;
const HELD_OUT: usize = 200;

fn emoji(folder: &Path, picture: &Path) -> Result<(), Failure> {
    let images = npyz::NpyFile::new(std::io::BufReader::new(File::open(
        folder.join("noto_32x32_rgb_uint8.npy"),
    )?))?;
    let images: Vec<u8> = images.into_vec()?;
    let images: Vec<&[u8]> = images.chunks(SIDE * SIDE * 3).collect();
    let table = std::fs::read_to_string(folder.join("emoji.tsv"))?;
    let names: Vec<&str> =
        table.lines().skip(1).map(|line| line.split('\t').nth(2).unwrap()).collect();
    assert_eq!(names.len(), images.len(), "a name for every picture");
    println!("emoji: {} pictures with names, {HELD_OUT} of them held out", names.len());
    println!("seed  values  names of pictures, recall@5   pictures of names, recall@5");

    let mut mean = [[0.0; 2]; 2];
    for seed in 0..3 {
        let mut rng = seeded(seed);
        let mut order: Vec<usize> = (0..names.len()).collect();
        shuffle(&mut order, &mut rng);
        let (held_out, seen) = order.split_at(HELD_OUT);
        let x = image_features(&images, seen)?;
        let y = text_features(&names, seen)?;
        let (left, right) = (
            [
                LayerSpec::new(IMAGE_FEATURES, 128, Activation::Tanh),
                LayerSpec::new(128, WIDTH, Activation::Linear),
            ],
            [LayerSpec::new(TEXT_COMPONENTS, WIDTH, Activation::Linear)],
        );
        let model = PairModel::new(Spec::new(&left)?, Spec::new(&right)?, &[PREFIX, WIDTH])?;
        let plan = Plan {
            prefixes: &[PREFIX, WIDTH],
            batch: 256,
            steps: 480,
            rate: 0.003,
            noise: 0.1,
            weight_decay: 0.1,
        };
        let params = train(&model, (&x.pick(seen), &y.pick(seen), &[]), &plan, &mut rng)?;
        let (own, other, _) = model.parts(&params)?;
        for (place, &prefix) in plan.prefixes.iter().enumerate() {
            let a = vectors(model.left(), own, &x.pick(held_out), prefix)?;
            let b = vectors(model.right(), other, &y.pick(held_out), prefix)?;
            let (names_found, pictures_found) = (recall(&a, &b), recall(&b, &a));
            println!("{seed:4}  {prefix:6}  {names_found:27.3}   {pictures_found:27.3}");
            mean[place][0] += names_found / 3.0;
            mean[place][1] += pictures_found / 3.0;
            if seed == 0 && prefix == WIDTH {
                draw(picture, &images, held_out, &a, &b)?;
            }
        }
    }
    let chance = 5.0 / HELD_OUT as f64;
    for (mean, prefix) in mean.iter().zip([PREFIX, WIDTH]) {
        println!("mean  {prefix:6}  {:27.3}   {:27.3}", mean[0], mean[1]);
    }
    println!("{:.1} and {:.1} times chance", mean[1][0] / chance, mean[1][1] / chance);
    println!("{}: names found these pictures; the right one is on the left", picture.display());
    Ok(())
}

/// Share of the rows of `from` whose partner is among the five nearest rows of `to`.
fn recall(from: &Rows, to: &Rows) -> f64 {
    let found = (0..from.count()).filter(|&i| {
        let own = simd::dot(from.row(i), to.row(i));
        (0..to.count()).filter(|&j| simd::dot(from.row(i), to.row(j)) > own).count() < 5
    });
    found.count() as f64 / from.count() as f64
}

/// Principal components of cells and a histogram of colours; the components are learnt from `seen`.
fn image_features(images: &[&[u8]], seen: &[usize]) -> Result<Rows, Failure> {
    let cells = |image: &[u8]| -> Vec<f32> {
        let mut cells = vec![0.0; CELLS * CELLS * 3];
        for (i, &value) in image.iter().enumerate() {
            let (y, x, channel) = (i / (3 * SIDE), i / 3 % SIDE, i % 3);
            cells[3 * (y / 2 * CELLS + x / 2) + channel] += f32::from(value) / (4.0 * 255.0);
        }
        cells
    };
    let all: Vec<Vec<f32>> = images.iter().map(|image| cells(image)).collect();
    let width = all[0].len();
    let mut mean = vec![0.0_f32; width];
    for &i in seen {
        simd::axpy(1.0 / seen.len() as f32, &all[i], &mut mean);
    }
    let centered = |i: usize| all[i].iter().zip(&mean).map(|(x, m)| x - m);
    let learnt: Vec<f32> = seen.iter().flat_map(|&i| centered(i)).collect();
    let matrix = MatRef::new(&learnt, width, seen.len()).unwrap();
    let (components, s, _) = factorise_within(&matrix, IMAGE_COMPONENTS, Some(1e-3))?;

    let mut features = Rows::new(IMAGE_FEATURES);
    for (i, image) in images.iter().enumerate() {
        let x: Vec<f32> = centered(i).collect();
        // A variance of 1 for the first component, and less for the others than they have.
        let of = |(u, &s_k): (&[f32], &f32)| {
            simd::dot(u, &x) * (seen.len() as f32).sqrt() / (s_k * s[0]).sqrt()
        };
        let mut row: Vec<f32> = components.chunks(width).zip(&s).map(of).collect();
        let mut histogram = vec![0.0_f32; COLOURS * COLOURS * COLOURS];
        for pixel in image.chunks(3) {
            let place = pixel.iter().fold(0, |p, &v| COLOURS * p + usize::from(v) * COLOURS / 256);
            histogram[place] += 1.0 / (SIDE * SIDE) as f32;
        }
        row.extend(histogram.iter().map(|share| 4.0 * share.sqrt()));
        features.push(&row);
    }
    Ok(features)
}

/// Latent semantic analysis of words and their groups of three letters, learnt from `seen`.
fn text_features(names: &[&str], seen: &[usize]) -> Result<Rows, Failure> {
    let parts: Vec<Vec<String>> = names.iter().map(|name| parts(name)).collect();
    let mut documents: BTreeMap<&str, usize> = BTreeMap::new();
    for &i in seen {
        let mut own: Vec<&str> = parts[i].iter().map(String::as_str).collect();
        own.sort_unstable();
        own.dedup();
        own.into_iter().for_each(|part| *documents.entry(part).or_default() += 1);
    }
    documents.retain(|_, &mut count| count > 1);
    let terms: BTreeMap<&str, (u32, f32)> = documents
        .iter()
        .zip(0..)
        .map(|((&part, &count), id)| (part, (id, (seen.len() as f32 / count as f32).ln())))
        .collect();
    // Unit rows of counts times the logarithm of rarity.
    let weights = |i: usize| -> BTreeMap<u32, f32> {
        let mut row = BTreeMap::new();
        for (id, rarity) in parts[i].iter().filter_map(|part| terms.get(part.as_str())) {
            *row.entry(*id).or_insert(0.0) += rarity;
        }
        let length = row.values().map(|w| w * w).sum::<f32>().sqrt();
        row.values_mut().for_each(|w| *w /= length);
        row
    };
    let (mut row_ptr, mut col_idx, mut values) = (vec![0_u32], Vec::new(), Vec::new());
    for &i in seen {
        for (id, weight) in weights(i) {
            col_idx.push(id);
            values.push(weight);
        }
        row_ptr.push(values.len() as u32);
    }
    let matrix = Csr::new(seen.len(), terms.len(), &row_ptr, &col_idx, &values)?;
    let (_, s, v) = factorise_within(&matrix, TEXT_COMPONENTS, Some(1e-3))?;
    let mut features = Rows::new(TEXT_COMPONENTS);
    for i in 0..names.len() {
        let row = weights(i);
        let of =
            |(v, _): (&[f32], &f32)| row.iter().map(|(&id, w)| v[id as usize] * w).sum::<f32>();
        let row: Vec<f32> = v.chunks(terms.len()).zip(&s).map(of).map(|z| 4.0 * z).collect();
        features.push(&row);
    }
    Ok(features)
}

/// Words, and every three letters in a row of each with its ends marked.
fn parts(name: &str) -> Vec<String> {
    let name = name.to_lowercase();
    let mut parts = Vec::new();
    for word in name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        parts.push(word.to_owned());
        let marked: Vec<char> = format!("<{word}>").chars().collect();
        parts.extend(marked.windows(3).map(|three| three.iter().collect()));
    }
    parts
}

fn draw(
    path: &Path,
    images: &[&[u8]],
    held_out: &[usize],
    pictures: &Rows,
    names: &Rows,
) -> Result<(), Failure> {
    const SHOWN: usize = 12;
    const GAP: usize = 4;
    let cell = SIDE + GAP;
    let (width, height) = (6 * cell + 3 * GAP, SHOWN * cell + GAP);
    let mut pixels = vec![200_u8; width * height * 3];
    for row in 0..SHOWN {
        let mut near: Vec<(f32, usize)> = (0..pictures.count())
            .map(|j| (simd::dot(names.row(row), pictures.row(j)), j))
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        let shown = std::iter::once(row).chain(near.iter().take(5).map(|&(_, j)| j));
        for (column, which) in shown.enumerate() {
            let left = GAP + column * cell + if column > 0 { 2 * GAP } else { 0 };
            for (y, line) in images[held_out[which]].chunks(3 * SIDE).enumerate() {
                let at = 3 * ((GAP + row * cell + y) * width + left);
                pixels[at..at + 3 * SIDE].copy_from_slice(line);
            }
        }
    }
    std::fs::create_dir_all(path.parent().unwrap())?;
    let mut encoder =
        png::Encoder::new(BufWriter::new(File::create(path)?), width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(())
}

// ---- digits -----------------------------------------------------------------------------------

const PIXELS: usize = 64;
const CLASSES: usize = 10;

/// What each digit looks like; words of one line are parted by commas.
const DESCRIPTIONS: [&str; CLASSES] = [
    "round ring, empty middle, left side, right side, wide",
    "upright stroke, narrow, empty left side, empty right side",
    "arc at the top, right at the top, slanted stroke, bar at the bottom, left at the bottom",
    "arc at the top, right at the top, notch in the middle, right at the bottom, arc at the bottom, empty left side",
    "slanted stroke, left at the top, bar in the middle, right at the bottom, open top",
    "bar at the top, left at the top, notch in the middle, right at the bottom, arc at the bottom",
    "left at the top, left at the bottom, ring at the bottom, right at the bottom",
    "bar at the top, right at the top, slanted stroke, empty left side, bar in the middle",
    "ring at the top, ring at the bottom, narrow, notch in the middle",
    "ring at the top, right at the top, right at the bottom, left at the top, arc at the bottom",
];

const NAMES: [&str; CLASSES] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

fn digits(path: &Path, models: &Path) -> Result<(), Failure> {
    let (mut x, mut labels) = (Rows::new(PIXELS), Vec::new());
    for record in csv::Reader::from_path(path)?.records() {
        let values: Vec<f32> = record?.iter().map(str::parse).collect::<Result<_, _>>()?;
        x.push(&values[..PIXELS].iter().map(|v| v / 8.0 - 0.6).collect::<Vec<f32>>());
        labels.push(values[PIXELS] as usize);
    }
    let words: Vec<&str> = {
        let all = DESCRIPTIONS.iter().flat_map(|text| text.split(", "));
        let mut words: Vec<&str> = all.collect();
        words.sort_unstable();
        words.dedup();
        words
    };
    let mut texts = Rows::new(words.len());
    for text in DESCRIPTIONS {
        let has = |word: &&str| if text.split(", ").any(|w| w == *word) { 1.0 } else { -0.3 };
        texts.push(&words.iter().map(has).collect::<Vec<f32>>());
    }
    let task = Task { x, labels, texts };

    println!("digits: two never seen in training, named among all ten by their descriptions");
    println!("unseen   right of them: floats, integers   right of the others: floats, integers");
    let mut mean = [[0.0; 2]; 2];
    // Every digit is left out once.
    let pairs = [[0, 5], [1, 8], [2, 7], [3, 6], [4, 9]];
    for unseen in pairs {
        let seen: Vec<usize> = (0..CLASSES).filter(|c| !unseen.contains(c)).collect();
        // Digits that are left out in turn tell how much nearer the seen ones stand.
        let mut nearer = 0.0;
        for two in seen.chunks(2) {
            let others: Vec<usize> = seen.iter().copied().filter(|c| !two.contains(c)).collect();
            nearer += task.advantage(&task.train(&others)?.cosines, &others, two) / 4.0;
        }
        let towers = task.train(&seen)?;
        let chip = Chip::new(&task, &towers, &seen, nearer)?;
        let cosines = [towers.cosines, chip.cosines(&task)?];
        let right = [&unseen[..], &seen]
            .map(|of| [0, 1].map(|k| task.right(&cosines[k], &seen, of, nearer)));
        let line =
            |[[a, b], [c, d]]: [[f64; 2]; 2]| format!("{a:22.3}  {b:8.3}  {c:27.3}  {d:8.3}");
        println!("{} and {}  {}", unseen[0], unseen[1], line(right));
        for (mean, right) in mean.as_flattened_mut().iter_mut().zip(right.as_flattened()) {
            *mean += right / pairs.len() as f64;
        }
        if unseen == pairs[pairs.len() - 1] {
            println!("mean     {}", line(mean));
            chip.write(models)?;
        }
    }
    println!("{:.1} times chance", mean[0][0] * CLASSES as f64);
    Ok(())
}

/// Towers that were trained with some of the digits.
struct Towers {
    layers: [LayerSpec<f32>; 2],
    params: Vec<f32>,
    /// A row for each description.
    texts: Rows,
    /// Of every picture with every description.
    cosines: Rows,
}

/// What names pictures on a chip: the tower of pictures in integers, the vectors of the descriptions of
/// seen digits and of all, and what is taken from the cosines of the seen.
struct Chip {
    tower: Vec<u8>,
    tables: [Vec<u8>; 2],
    nearer: i32,
}

impl Chip {
    fn new(task: &Task, towers: &Towers, seen: &[usize], nearer: f32) -> Result<Self, Failure> {
        let part = Part { spec: Spec::new(&towers.layers)?, params: &towers.params };
        let spec = NetworkSpec::new(Kind::Plain, None, Some(part));
        let mut floats = vec![0; spec.encoded_len()];
        spec.write(&mut floats)?;
        let network = F32Network::parse(&floats)?;
        let mut ranges = [LayerRange::NEW; 2];
        let mut calibration = Calibration::new(network, &mut ranges)?;
        let (mut scratch, mut out) = (vec![0.0; network.whole().scratch_len()], [0.0; WIDTH]);
        for i in (0..task.labels.len()).filter(|&i| task.is_learnt(i, seen)) {
            calibration.observe(false, task.x.row(i), &mut scratch, &mut out)?;
        }
        let mut tower = vec![0; quantized_len(&network, 0).ok_or("too large")?];
        quantize(&calibration, None, &mut tower)?;
        let all: Vec<usize> = (0..CLASSES).collect();
        let tables = [Self::table(&towers.texts, seen)?, Self::table(&towers.texts, &all)?];
        Ok(Self { tower, tables, nearer: (f64::from(nearer) * f64::from(ONE)) as i32 })
    }

    fn table(texts: &Rows, classes: &[usize]) -> Result<Vec<u8>, Failure> {
        let words: Vec<&str> = classes.iter().map(|&class| NAMES[class]).collect();
        let vectors = texts.pick(classes).values;
        let spec =
            WordTableSpec { vectors: Table::new(&vectors, WIDTH)?, words: &words, prefixes: &[] };
        let mut table = vec![0; spec.encoded_len()];
        spec.write(&mut table, &mut vec![0; spec.workspace_len()])?;
        Ok(table)
    }

    /// Cosines of every picture with every description, by integers until they are there.
    fn cosines(&self, task: &Task) -> Result<Rows, Failure> {
        let (network, table) =
            (Int8Network::parse(&self.tower)?, WordTable::parse(&self.tables[1])?);
        let tower = network.back().ok_or("no tower")?;
        let mut cosines = Rows::new(CLASSES);
        let mut scratch = vec![0; tower.scratch_len()];
        for i in 0..task.x.count() {
            let x: Vec<i32> = task.x.row(i).iter().map(|&x| fixed(x)).collect();
            let (mut out, mut query) = ([0; WIDTH], [0; WIDTH]);
            tower.forward(&x, &mut scratch, &mut out)?;
            quantize_fixed(&out, &mut query)?;
            let (mut hits, mut row) = ([Hit::default(); CLASSES], [0.0; CLASSES]);
            table.nearest_to(&query, &[], &mut hits)?;
            for hit in hits {
                row[hit.id as usize] = hit.score as f32 / ONE as f32;
            }
            cosines.push(&row);
        }
        Ok(cosines)
    }

    fn write(&self, folder: &Path) -> Result<(), Failure> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("tower.eign"), &self.tower)?;
        std::fs::write(folder.join("eight.etab"), &self.tables[0])?;
        std::fs::write(folder.join("ten.etab"), &self.tables[1])?;
        std::fs::write(folder.join("nearer.txt"), format!("{}\n", self.nearer))?;
        println!(
            "{}: tower.eign of {} bytes, eight.etab of {}, ten.etab of {}",
            folder.display(),
            self.tower.len(),
            self.tables[0].len(),
            self.tables[1].len()
        );
        Ok(())
    }
}

struct Task {
    x: Rows,
    labels: Vec<usize>,
    texts: Rows,
}

impl Task {
    /// Every third picture is for judging.
    fn judged(i: usize) -> bool {
        i % 3 == 2
    }

    /// Whether a picture is learnt from, if these digits are.
    fn is_learnt(&self, i: usize, seen: &[usize]) -> bool {
        !Self::judged(i) && seen.contains(&self.labels[i])
    }

    /// Trains with these digits alone.
    fn train(&self, seen: &[usize]) -> Result<Towers, Failure> {
        let (left, right) = (
            [
                LayerSpec::new(PIXELS, 96, Activation::Tanh),
                LayerSpec::new(96, WIDTH, Activation::Linear),
            ],
            [LayerSpec::new(self.texts.width, WIDTH, Activation::Linear)],
        );
        let prefixes = [WIDTH];
        let model = PairModel::new(Spec::new(&left)?, Spec::new(&right)?, &prefixes)?;
        let (mut x, mut y, mut groups) =
            (Rows::new(PIXELS), Rows::new(self.texts.width), Vec::new());
        for (i, &label) in self.labels.iter().enumerate() {
            if self.is_learnt(i, seen) {
                x.push(self.x.row(i));
                y.push(self.texts.row(label));
                groups.push(label as u32);
            }
        }
        let plan = Plan {
            prefixes: &prefixes,
            batch: 96,
            steps: 150,
            rate: 0.005,
            noise: 0.3,
            weight_decay: 0.5,
        };
        let params = train(&model, (&x, &y, &groups), &plan, &mut seeded(1))?;
        let (own, other, _) = model.parts(&params)?;
        let a = vectors(model.left(), own, &self.x, WIDTH)?;
        let b = vectors(model.right(), other, &self.texts, WIDTH)?;
        let mut cosines = Rows::new(CLASSES);
        for i in 0..a.count() {
            let row: [f32; CLASSES] = std::array::from_fn(|c| simd::dot(a.row(i), b.row(c)));
            cosines.push(&row);
        }
        Ok(Towers { layers: left, params: own.to_vec(), texts: b, cosines })
    }

    /// Share of judged pictures of the digits `of` that get their name, with `nearer` taken from the
    /// cosines of the `seen`.
    fn right(&self, cosines: &Rows, seen: &[usize], of: &[usize], nearer: f32) -> f64 {
        let (mut all, mut right) = (0, 0);
        for (i, label) in self.labels.iter().enumerate() {
            if Self::judged(i) && of.contains(label) {
                let value =
                    |c: usize| cosines.row(i)[c] - if seen.contains(&c) { nearer } else { 0.0 };
                let best = (0..CLASSES).max_by(|&a, &b| value(a).total_cmp(&value(b))).unwrap();
                all += 1;
                right += usize::from(best == *label);
            }
        }
        f64::from(right as u32) / f64::from(all)
    }

    /// What has to be taken from the cosines of the seen so that both they and the left-out ones are
    /// named best (harmonic mean).
    fn advantage(&self, cosines: &Rows, seen: &[usize], left_out: &[usize]) -> f32 {
        let both = |nearer: f32| {
            let u = self.right(cosines, seen, left_out, nearer);
            let s = self.right(cosines, seen, seen, nearer);
            2.0 * u * s / (u + s).max(1e-9)
        };
        let tried = (0..40).map(|k| 0.05 * k as f32);
        tried.max_by(|&a, &b| both(a).total_cmp(&both(b))).unwrap()
    }
}
