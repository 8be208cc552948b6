//! From sentences to vectors to answers, in memory of fixed sizes.

use board::Hash;
use eigenmote::embed::{
    Analogy, Counts, Factors, Hit, Pair, PairCounts, Ppmi, Side, Table, Vocab, Window, Word,
    WordTable, WordTableSpec, ppmi, tokens,
};
use eigenmote::linalg::Csr;
use eigenmote::linalg::truncated::{Options, Triplets, truncated_svd, workspace_len};

/// What the chip learns from: animals do things in places, and so do people.
const TEXT: &str = "\
the dog runs in the garden, the cat runs in the garden, the horse runs in the field, the cow sleeps \
in the field, the dog sleeps in the yard, the cat sleeps in the yard, the horse sleeps in the yard; \
a baker sells bread in town, a miller sells flour in town, a butcher sells meat in town, a baker \
buys flour in winter, a butcher buys meat in winter, a miller buys bread in winter";
/// The kinds of word that are to be told apart.
const KINDS: [&[&str]; 2] = [
    &["dog", "cat", "horse", "garden", "field", "yard", "runs", "sleeps"],
    &["baker", "miller", "butcher", "bread", "flour", "meat", "sells", "buys", "town", "winter"],
];

/// Most words, words of the text, pairs and entries of their matrix.
const WORDS: usize = 24;
const TOKENS: usize = 90;
const PAIRS: usize = 150;
const ENTRIES: usize = 220;
/// Values of a vector, and of its prefix.
const DIM: usize = 4;
const PREFIX: usize = 2;
const TABLE_BYTES: usize = 700;
const OPTIONS: Options<f32> = Options::new(DIM);
const WORK: usize = workspace_len(WORDS, WORDS, &OPTIONS);

/// The matrix of a small vocabulary by rows.
struct Matrix {
    row_ptr: [u32; WORDS + 1],
    cols: [u32; ENTRIES],
    values: [f32; ENTRIES],
    len: usize,
}

/// Learns the words of the text, writes their table and searches it. Hashes it all; how many of the
/// words of [`KINDS`] have one of their own kind as the nearest.
pub fn learn(hash: &mut Hash) -> Option<u32> {
    let (mut text, mut words, mut slots) = ([0; 160], [Word::default(); WORDS], [0; 2 * WORDS]);
    let mut vocab = Vocab::new(&mut text, &mut words, &mut slots);
    let mut matrix =
        Matrix { row_ptr: [0; WORDS + 1], cols: [0; ENTRIES], values: [0.0; ENTRIES], len: 0 };
    count(&mut vocab, &mut matrix)?;
    hash.floats(matrix.values.get(..matrix.len)?);
    let mut vectors = [0.0; WORDS * DIM];
    let vectors = vectors.get_mut(..vocab.len() * DIM)?;
    factorise(&matrix, vocab.len(), vectors)?;
    hash.floats(vectors);
    let mut blob = [0; TABLE_BYTES];
    let length = write(&vocab, vectors, &mut blob)?;
    let blob = blob.get(..length)?;
    hash.bytes(blob);
    let table = WordTable::parse(blob).ok()?;
    let mut right = 0;
    for (kind, word) in KINDS.iter().flat_map(|kind| kind.iter().map(move |word| (kind, word))) {
        let mut hits = [Hit::default()];
        table.nearest(table.id(word)?, &mut hits).ok()?;
        let [hit] = hits;
        hash.word(hit.id);
        hash.word(hit.score.cast_unsigned());
        right += u32::from(kind.contains(&table.word(hit.id)?));
    }
    Some(right)
}

/// Counts pairs of words and takes their positive pointwise mutual information.
#[inline(never)]
fn count(vocab: &mut Vocab<'_>, matrix: &mut Matrix) -> Option<()> {
    let mut places = [0; TOKENS];
    let mut length = 0;
    for word in tokens(TEXT) {
        *places.get_mut(length)? = vocab.add(word).ok()?;
        length += 1;
    }
    let mut counts = [0; ENTRIES];
    let n = vocab.len();
    let row_ptr = matrix.row_ptr.get_mut(..=n)?;
    {
        let mut room = [Pair::default(); PAIRS];
        let mut pairs = PairCounts::new(&mut room);
        pairs.add_window(places.get(..length)?, &Window::flat(2)).ok()?;
        matrix.len = pairs.to_symmetric(n, row_ptr, &mut matrix.cols, &mut counts).ok()?;
    }
    let counts = counts.get(..matrix.len)?;
    let col_idx = matrix.cols.get_mut(..matrix.len)?;
    let values = matrix.values.get_mut(..matrix.len)?;
    let sparse = Counts { row_ptr, col_idx, counts };
    matrix.len = ppmi(sparse, n, values, &mut [0.0; 4 * WORDS], &Ppmi::default()).ok()?;
    Some(())
}

/// Vectors of `n` words.
#[inline(never)]
fn factorise(matrix: &Matrix, n: usize, vectors: &mut [f32]) -> Option<()> {
    let Matrix { row_ptr, cols, values, len } = matrix;
    let a = Csr::new(n, n, row_ptr.get(..=n)?, cols.get(..*len)?, values.get(..*len)?).ok()?;
    let (mut u, mut v) = ([0.0; WORDS * DIM], [0.0; WORDS * DIM]);
    let (mut s, mut residuals, mut work) = ([0.0; DIM], [0.0; DIM], [0.0; WORK]);
    let (u, v) = (u.get_mut(..n * DIM)?, v.get_mut(..n * DIM)?);
    let work = work.get_mut(..workspace_len(n, n, &OPTIONS))?;
    let mut out = Triplets { u, s: &mut s, v, residuals: &mut residuals };
    let _ = truncated_svd(&a, &mut out, work, &OPTIONS).ok()?;
    Factors { u, s: &s, v }.vectors(Side::Sum, 0.5, vectors).ok()
}

/// The table of the vectors; its length.
#[inline(never)]
fn write(vocab: &Vocab<'_>, vectors: &[f32], blob: &mut [u8]) -> Option<usize> {
    let mut words = [""; WORDS];
    for (id, word) in (0..).zip(&mut words).take(vocab.len()) {
        *word = vocab.word(id)?;
    }
    let spec = WordTableSpec {
        vectors: Table::new(vectors, DIM).ok()?,
        words: words.get(..vocab.len())?,
        prefixes: &[PREFIX as u16],
    };
    spec.write(blob, &mut [0; 2 * WORDS]).ok()
}

/// 800 words of 32 values, of English books before 1930:
///
/// ```sh
/// eigenmote embed words ../shared/data/text/corpus/*.txt --dim 32 --max-words 800 -o words.txt
/// eigenmote export words.txt --table firmware/words/words.etab --prefixes 16
/// ```
pub static TABLE: &[u8] = include_bytes!("../words.etab");

/// Looks up neighbours and analogies in the table and tells them; hashes them.
pub fn search(hash: &mut Hash, tell: impl Fn(&str)) -> Option<()> {
    let table = WordTable::parse(TABLE).ok()?;
    for dim in table.prefixes() {
        let table = table.prefix(dim)?;
        for word in ["sister", "sea", "three", "went"] {
            let mut hits = [Hit::default(); 3];
            table.nearest(table.id(word)?, &mut hits).ok()?;
            say(&table, word, &hits, hash, &tell)?;
        }
        for (question, words) in [
            ("he is to his as she to", ["he", "his", "she"]),
            ("man is to men as woman to", ["man", "men", "woman"]),
        ] {
            let mut ids = [0; 3];
            for (id, word) in ids.iter_mut().zip(words) {
                *id = table.id(word)?;
            }
            for rule in [Analogy::Add, Analogy::Mul] {
                let mut hits = [Hit::default(); 3];
                table.analogy(ids, rule, &mut hits).ok()?;
                say(&table, question, &hits, hash, &tell)?;
            }
        }
    }
    Some(())
}

fn say(
    table: &WordTable<'_>,
    question: &str,
    hits: &[Hit<i32>],
    hash: &mut Hash,
    tell: impl Fn(&str),
) -> Option<()> {
    tell(question);
    tell(":");
    for hit in hits {
        hash.word(hit.id);
        hash.word(hit.score.cast_unsigned());
        tell(" ");
        tell(table.word(hit.id)?);
    }
    tell("\n");
    Some(())
}
