#!/usr/bin/env python3
"""Alignment: a rotated copy with noise; English and Spanish trained separately. pip install scipy"""
from common import *

rows = np.load(data("text", "embeddings", "glove_twitter_25d_f32.npy"))[:2000]
names = open(data("text", "embeddings", "glove_twitter_25d_words.txt")).read().split("\n")[:2000]
write_vectors(scratch("a.txt"), names, rows)
open(scratch("seed.tsv"), "w").write("".join(f"{a}\t{a}\n" for a in names[:100]))
open(scratch("test.tsv"), "w").write("".join(f"{a}\t{a}\n" for a in names[100:]))
known, alone = [], []
for seed in range(10):
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.normal(size=(25, 25)))[0]
    copy = rows @ turn
    copy = copy + 0.1 * copy.std() * random.normal(size=copy.shape)
    write_vectors(scratch("b.txt"), names, copy)
    args = ["align", scratch("a.txt"), scratch("b.txt"), "--test", scratch("test.tsv"), "-o", scratch("t.txt"), "--json"]
    known.append(tool(*args, "--dictionary", scratch("seed.tsv"))[0]["test"]["p1"])
    alone.append(tool(*args)[0]["test"]["p1"])
print(f"rotated copy, 10 % noise: P@1 from 100 pairs {min(known):.4f} at least; without pairs {min(alone):.4f} at least,")
print(f"  {sum(p >= 0.95 for p in alone)} of 10 seeds above 0.95", flush=True)

# Two languages, each trained on its own sentences: the two sides of different pairs.
pairs = [line.rstrip("\n").split("\t") for line in open(data("text", "bilingual", "tatoeba_en_es_60k.tsv"))]
for language, side in (("en", 0), ("es", 1)):
    open(scratch(language), "w").write("\n".join(pair[side] for pair in pairs) + "\n")
    tool("embed", "words", scratch(language), "--lines", "--window", 3, "--dim", 100, "--min-count", 5,
         "-o", scratch(language + ".vec"), "--quiet")
(en, x), (es, y) = read_vectors(scratch("en.vec")), read_vectors(scratch("es.vec"))
place = [{name: i for i, name in enumerate(names)} for names in (en, es)]
words = [line.rstrip("\n").split("\t") for line in open(data("text", "bilingual", "dict_en_es_wiktionary.tsv"))]
both = [(a, b) for a, b in words if a in place[0] and b in place[1]]
order = sorted({a for a, _ in both}, key=place[0].get)
# Of the frequent words four of five are for learning, the fifth is for the test.
frequent, held = order[:2000], set(order[:2000][4::5])
learn = [(a, b) for a, b in both if a in set(frequent) - held]
test = [(a, b) for a, b in both if a in held]
for name, list_ in (("learn.tsv", learn), ("test.tsv", test)):
    open(scratch(name), "w").write("".join(f"{a}\t{b}\n" for a, b in list_))
args = ["align", scratch("en.vec"), scratch("es.vec"), "--test", scratch("test.tsv"), "-o", scratch("t.txt"), "--json"]
for label, more in [("Procrustes", []), ("refined", ["--refine", 5])]:
    told = tool(*args, "--dictionary", scratch("learn.tsv"), *more)[0]
    print(f"eigenmote {label:<11} {told['test']}", flush=True)

# The same in NumPy (Conneau et al. 2018: Procrustes, then CSLS with 10 neighbours), on the same vectors.
x, y = (unit(unit(v) - unit(v).mean(0)) for v in (x, y))
ids = np.array([[place[0][a], place[1][b]] for a, b in learn])
u, _, vt = np.linalg.svd(x[ids[:, 0]].T @ y[ids[:, 1]])
turned = x @ (u @ vt)
cosines = turned @ y.T
density = np.sort(cosines, axis=0)[-10:].mean(0)
answers = {}
for a, b in test:
    answers.setdefault(place[0][a], set()).add(place[1][b])
top = {i: np.argsort(density - 2 * cosines[i], kind="stable")[:5] for i in answers}
one = np.mean([top[i][0] in right for i, right in answers.items()])
five = np.mean([bool(right & set(top[i])) for i, right in answers.items()])
print(f"NumPy                 {{'p1': {one}, 'p5': {five}, 'words': {len(answers)}}}; {len(en)} and {len(es)} words")
