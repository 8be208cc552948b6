//! Embeddings: counting, transforming, searching, aligning.

use eigenmote::embed::align::{self, Workspace};
use eigenmote::embed::features::{self, Logistic, LogisticOptions};
use eigenmote::embed::genotypes::{GenotypeError, Marker};
use eigenmote::embed::nearest::{center_rows, densities, nearest_csls, normalize_rows};
use eigenmote::embed::table::{WordTableError, quantize, quantize_fixed};
use eigenmote::embed::*;
use eigenmote::linalg::LinearOperator;
use eigenmote::linalg::procrustes::{
    ProcrustesError, Rigid, kabsch, procrustes, rotate_point, workspace_len,
};
use eigenmote::rng::Generator;

crate::export! { "int_":
    vocab_new(text: &'static mut [u8], words: &'static mut [Word], slots: &'static mut [u32]) -> Vocab<'static> =
        Vocab::new(text, words, slots);
    vocab_add(v: &mut Vocab<'static>, word: &str) -> Result<u32, EmbedError> = v.add(word);
    vocab_id(v: &Vocab<'static>, word: &str) -> Option<u32> = v.id(word);
    vocab_word(v: &'static Vocab<'static>, id: &u32) -> Option<&'static str> = v.word(*id);
    vocab_count(v: &Vocab<'static>, id: &u32) -> u32 = v.count(*id);
    vocab_rank(v: &Vocab<'static>, least: &u32, order: &mut [u32]) -> Result<usize, EmbedError> = v.rank(*least, order);
    tokens_count(text: &str) -> usize = tokens(text).count();
    pairs_new(table: &'static mut [Pair]) -> PairCounts<'static> = PairCounts::new(table);
    pairs_add(p: &mut PairCounts<'static>, pair: &Pair) -> Result<(), EmbedError> = p.add(pair.row, pair.col, pair.count);
    pairs_get(p: &PairCounts<'static>, row: &u32, col: &u32) -> u32 = p.get(*row, *col);
    pairs_room(p: &PairCounts<'static>) -> usize = p.room();
    pairs_window(p: &mut PairCounts<'static>, s: &[u32], w: &Window) -> Result<(), EmbedError> = p.add_window(s, w);
    pairs_sparse(p: &PairCounts<'static>, n: &usize, row_ptr: &mut [u32], col_idx: &mut [u32], counts: &mut [u32])
        -> Result<usize, EmbedError> = p.to_sparse(*n, row_ptr, col_idx, counts);
    pairs_symmetric(p: &PairCounts<'static>, n: &usize, row_ptr: &mut [u32], col_idx: &mut [u32], counts: &mut [u32])
        -> Result<usize, EmbedError> = p.to_symmetric(*n, row_ptr, col_idx, counts);
    word_table_parse(bytes: &'static [u8]) -> Result<WordTable<'static>, WordTableError> = WordTable::parse(bytes);
    word_table_bytes(t: &WordTable<'static>) -> &'static [u8] = t.bytes();
    word_table_sizes(t: &WordTable<'static>) -> (usize, usize, bool, bool) =
        (t.len(), t.dim(), t.is_empty(), t.has_words());
    word_table_prefixes(t: &WordTable<'static>) -> usize = t.prefixes().fold(0, usize::max);
    word_table_prefix(t: &WordTable<'static>, dim: &usize) -> Option<WordTable<'static>> = t.prefix(*dim);
    word_table_word(t: &WordTable<'static>, id: &u32) -> Option<&'static str> = t.word(*id);
    word_table_id(t: &WordTable<'static>, word: &str) -> Option<u32> = t.id(word);
    word_table_values(t: &WordTable<'static>, id: &u32) -> i32 =
        t.values(*id).map_or(0, |q| q.fold(0_i32, |sum, q| sum.wrapping_add(q.into())));
    word_table_vector_fixed(t: &WordTable<'static>, id: &u32, out_: &mut [i32]) -> Result<(), EmbedError> =
        t.vector_fixed(*id, out_);
    bytes_quantize_fixed(x: &[i32], q: &mut [i8]) -> Result<(), EmbedError> = quantize_fixed(x, q);
    word_table_cosine(t: &WordTable<'static>, a: &u32, b: &u32) -> Result<i32, EmbedError> = t.cosine(*a, *b);
    word_table_nearest(t: &WordTable<'static>, id: &u32, hits: &mut [Hit<i32>]) -> Result<usize, EmbedError> =
        t.nearest(*id, hits);
    word_table_nearest_to(t: &WordTable<'static>, query: &[i8], exclude: &[u32], hits: &mut [Hit<i32>])
        -> Result<usize, EmbedError> = t.nearest_to(query, exclude, hits);
    word_table_analogy(t: &WordTable<'static>, ids: &[u32; 3], rule: &Analogy, hits: &mut [Hit<i32>])
        -> Result<usize, EmbedError> = t.analogy(*ids, *rule, hits);
}

crate::export_both! {
    ppmi_(row_ptr: &mut [u32], col_idx: &mut [u32], counts: &[u32], cols: &usize, values: &mut [T], work: &mut [T], options: &Ppmi<T>)
        -> Result<usize, EmbedError> = ppmi(Counts { row_ptr, col_idx, counts }, *cols, values, work, options);
    tf_idf_(row_ptr: &mut [u32], col_idx: &mut [u32], counts: &[u32], values: &mut [T], idf: &mut [T], options: &TfIdf)
        -> Result<usize, EmbedError> = tf_idf(Counts { row_ptr, col_idx, counts }, values, idf, options);
    factors_vectors(f: &Factors<'static, T>, side: &Side, power: &T, out: &mut [T]) -> Result<(), EmbedError> =
        f.vectors(*side, *power, out);
    factors_fold_in(f: &Factors<'static, T>, cols: &[u32], values: &[T], power: &T, out: &mut [T])
        -> Result<(), EmbedError> = f.fold_in(cols, values, *power, out);
    lsa_prefix(from: &[T], of: &usize, dim: &usize, to: &mut [T]) -> Result<(), EmbedError> =
        lsa::prefix(from, *of, *dim, to);

    table_new(values: &'static [T], dim: &usize) -> Result<Table<'static, T>, EmbedError> = Table::new(values, *dim);
    normalize_rows_(values: &mut [T], dim: &usize) -> () = normalize_rows(values, *dim);
    center_rows_(values: &mut [T], mean: &mut [T]) -> () = center_rows(values, mean);
    nearest_(t: &Table<'static, T>, query: &[T], exclude: &[u32], hits: &mut [Hit<T>]) -> Result<usize, EmbedError> =
        nearest(t, query, exclude, hits);
    densities_(a: &Table<'static, T>, b: &Table<'static, T>, hits: &mut [Hit<T>], density: &mut [T])
        -> Result<(), EmbedError> = densities(a, b, hits, density);
    nearest_csls_(t: &Table<'static, T>, density: &[T], query: &[T], hits: &mut [Hit<T>]) -> Result<usize, EmbedError> =
        nearest_csls(t, density, query, hits);
    analogy_(t: &Table<'static, T>, ids: &[u32; 3], rule: &Analogy, hits: &mut [Hit<T>]) -> Result<usize, EmbedError> =
        analogy(t, *ids, *rule, hits);

    quantize_(x: &[T], out: &mut [i8]) -> Result<T, EmbedError> = quantize(x, out);
    word_table_vector(t: &WordTable<'static>, id: &u32, out: &mut [T]) -> Result<(), EmbedError> = t.vector(*id, out);
    word_table_len(s: &WordTableSpec<'static, T>) -> (usize, usize) = (s.encoded_len(), s.workspace_len());
    word_table_write(s: &WordTableSpec<'static, T>, out: &mut [u8], work: &mut [u32]) -> Result<usize, WordTableError> =
        s.write(out, work);

    procrustes_(x: &[T], y: &[T], dim: &usize, w: &mut [T], work: &mut [T]) -> Result<T, ProcrustesError> =
        procrustes(x, y, *dim, w, work);
    procrustes_workspace(dim: &usize) -> usize = workspace_len(*dim);
    rotate_point_(w: &[T], x: &[T], y: &mut [T]) -> () = rotate_point(w, x, y);
    kabsch_(x: &[[T; 3]], y: &[[T; 3]]) -> Result<Rigid<T>, ProcrustesError> = kabsch(x, y);
    align_rotation(x: &Table<'static, T>, y: &Table<'static, T>, pairs: &[[u32; 2]], w: &mut [T], work: &mut [T])
        -> Result<(), EmbedError> = align::rotation(x, y, pairs, w, work);
    align_rotate(x: &Table<'static, T>, w: &[T], y: &mut [T]) -> Result<(), EmbedError> = align::rotate(x, w, y);
    align_refine(
        x: &Table<'static, T>, y: &Table<'static, T>, w: &mut [T], rounds: &usize, space: &mut Workspace<'static, T>,
        turned: &mut [T], work: &mut [T]
    ) -> Result<usize, EmbedError> = align::refine(x, y, w, *rounds, space, turned, work);
    align_signatures(x: &Table<'static, T>, len: &usize, products: &mut [T], out: &mut [T]) -> Result<(), EmbedError> =
        align::signatures(x, *len, products, out);

    features_mean(t: &Table<'static, T>, words: &[u32], out: &mut [T]) -> Result<(), EmbedError> =
        features::mean(t, words, out);
    features_sif(t: &Table<'static, T>, words: &[u32], counts: &[u32], total: &T, out: &mut [T]) -> Result<(), EmbedError> =
        features::weighted_mean(t, words, |w| {
            features::sif_weight(counts.get(w as usize).copied().unwrap_or(0), *total, *total)
        }, out);
    features_common(rows: &[T], direction: &mut [T], work: &mut [T]) -> Result<(), EmbedError> =
        features::common_direction(rows, direction, work);
    features_remove(rows: &mut [T], direction: &[T]) -> () = features::remove_direction(rows, direction);
    features_concatenate(t: &Table<'static, T>, words: &[u32], out: &mut [T]) -> () =
        features::concatenate(t, words, out);
    features_principal(t: &Table<'static, T>, words: &[u32], out: &mut [T], work: &mut [T]) -> Result<(), EmbedError> =
        features::principal(t, words, out, work);
    logistic_fit(
        rows: &[T], labels: &[bool], weights: &'static mut [T], work: &mut [T], options: &LogisticOptions<T>
    ) -> Result<(Logistic<'static, T>, u32), EmbedError> = Logistic::fit(rows, labels, weights, work, options);
    logistic_probability(l: &Logistic<'static, T>, x: &[T]) -> T = l.probability(x);

    graph_new(row_ptr: &'static [u32], neighbours: &'static [u32], weights: &'static [T])
        -> Result<Graph<'static, T>, EmbedError> = Graph::new(row_ptr, neighbours, weights);
    graph_normalized(g: &Graph<'static, T>, values: &mut [T]) -> Result<(), EmbedError> = g.normalized(values);
    graph_walk(g: &Graph<'static, T>, start: &u32, steps: &Steps<T>, rng: &mut Generator, out: &mut [u32])
        -> Result<usize, EmbedError> = walk(g, *start, steps, rng, out);
    netmf_new(
        g: &Graph<'static, T>, u: &[T], values: &[T], window: &u32, negatives: &T, memory: &'static mut [T]
    ) -> Result<NetMf<'static, T>, EmbedError> = NetMf::new(g, u, values, *window, *negatives, memory);
    netmf_get(m: &NetMf<'static, T>, i: &usize, j: &usize) -> T = m.get(*i, *j);

    genotypes_standardize(packed: &[u8], n: &usize, markers: &mut [Marker<T>]) -> Result<(), GenotypeError> =
        Genotypes::standardize(packed, *n, markers);
    genotypes_new(packed: &'static [u8], n: &usize, markers: &'static [Marker<T>])
        -> Result<Genotypes<'static, T>, GenotypeError> = Genotypes::new(packed, *n, markers);
    genotypes_apply(g: &Genotypes<'static, T>, x: &[T], y: &mut [T]) -> () = g.apply(x, y);
    genotypes_apply_transposed(g: &Genotypes<'static, T>, x: &[T], y: &mut [T]) -> () = g.apply_transposed(x, y);
    genotypes_apply_block(g: &Genotypes<'static, T>, x: &[T], y: &mut [T]) -> () = g.apply_block(x, y);
    genotypes_apply_transposed_block(g: &Genotypes<'static, T>, x: &[T], y: &mut [T]) -> () =
        g.apply_transposed_block(x, y);
    genotypes_frobenius(g: &Genotypes<'static, T>, k: &i32) -> Option<T> = g.frobenius_squared(*k);
    marker_swapped(m: &Marker<T>) -> Marker<T> = m.swapped();
}
