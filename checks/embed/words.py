#!/usr/bin/env python3
"""Words: the tool against gensim's skip-gram on the same words; tables of bytes; published vectors. pip install gensim scipy"""
import glob

from common import *

from gensim.models import Word2Vec

files = sorted(glob.glob(data("text", "corpus", "*.txt")))
texts = [tokens(open(file).read()) for file in files]
# gensim takes at most 10 000 words of a sentence.
sentences = [text[i : i + 1000] for text in texts for i in range(0, len(text), 1000)]

for dim in (64, 100):
    told, seconds = tool("embed", "words", *files, "--dim", dim, "-o", scratch("a.txt"), "--json")
    tool("embed", "words", *files, "--dim", dim, "-o", scratch("b.txt"), "--quiet")
    same = open(scratch("a.txt"), "rb").read() == open(scratch("b.txt"), "rb").read()
    names, rows = read_vectors(scratch("a.txt"))
    note = f"{seconds:.1f} s CPU; two runs {'byte-identical' if same else 'DIFFER'}"
    show(f"eigenmote {dim}, {len(names)} words", similarity(names, rows), note)
    # The same in a table for firmware, by all values and by the first of them.
    float_scores = similarity(names, rows)
    prefixes = f"{dim // 4},{dim // 2}"
    tool("export", scratch("a.txt"), "--table", scratch("a.etab"), "--prefixes", prefixes, "--quiet")
    kept, values, lengths = read_table(scratch("a.etab"))
    assert kept == names
    for length in reversed(lengths):
        scores = similarity(kept, values[:, :length].astype(float))
        share = min(scores[name][0] / float_scores[name][0] for name in scores)
        show(f"eigenmote {dim}, table, first {length}", scores, f"at least {share:.1%} of the score in floats")
        # The tool searches in integers, as a chip does: the same cosines as those of the bytes.
        told = tool("nearest", scratch("a.etab"), "river", "money", "--dim", length, "-k", 5, "--json")[0]
        unit_rows = unit(values[:, :length].astype(float))
        for result in told["results"]:
            own = unit_rows[kept.index(result["query"])]
            for hit in result["found"]:
                assert abs(hit["score"] - own @ unit_rows[kept.index(hit["name"])]) < 2**-11, hit
    size = os.path.getsize(scratch("a.etab"))
    print(f"{'':<28} {size} bytes, {size / len(kept):.1f} per word, words and hash function included", flush=True)
    seconds, model = cpu(
        lambda: Word2Vec(sentences, vector_size=dim, window=5, min_count=5, sg=1, epochs=5, workers=1, seed=1)
    )
    words = model.wv
    show(f"gensim {dim}, {len(words)} words", similarity(words.index_to_key, words.vectors), f"{seconds:.1f} s CPU")

rows = np.load(data("text", "embeddings", "glove_twitter_25d_f32.npy"))
names = open(data("text", "embeddings", "glove_twitter_25d_words.txt")).read().split("\n")[: len(rows)]
write_vectors(scratch("glove.txt"), names, rows)
show("GloVe Twitter 25 (float64)", similarity(names, rows.astype(np.float64)))
told, _ = tool("analogy", scratch("glove.txt"), "--questions", data("text", "analogy", "questions-words.txt"), "--json")
print(f"GloVe Twitter 25, analogies: {told['accuracy']:.3f} of {told['asked']}, {told['right']} right", flush=True)
tool("export", scratch("glove.txt"), "--table", scratch("glove.etab"), "--quiet")
told, _ = tool("analogy", scratch("glove.etab"), "--questions", data("text", "analogy", "questions-words.txt"), "--json")
print(f"The same in a table: {told['accuracy']:.3f}, {told['right']} right")
