#!/usr/bin/env python3
"""Sentences as features, with few labels: vectors of words against bags of words. pip install scikit-learn

UCI's sentences of three sites, positive or negative. For 50, 100 and 200 labelled sentences and 20 draws of
them, the same classifier (logistic regression, its penalty chosen by 5-fold cross-validation among the
labelled ones) on each kind of feature; accuracy on all other sentences."""
import glob

from common import *

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

SPLITS, SIZES, PENALTIES = 20, (50, 100, 200), (0.01, 0.1, 1.0, 10.0)
SITES = ("amazon_cells", "imdb", "yelp")

sites = {}
for site in SITES:
    lines = open(data("text", "sentiment", site + "_labelled.txt"), encoding="utf-8").read().split("\n")
    rows = [line.rsplit("\t", 1) for line in lines if "\t" in line]
    sites[site] = [(tokens(text), int(label)) for text, label in rows]


def own_vectors(name, files, *args):
    """Vectors that the tool learns."""
    tool("embed", "words", *files, "--dim", 64, "-o", scratch(name), "--quiet", *args)
    return read_vectors(scratch(name))


# Novels and natural history before 1930; and everyday English, which has the words of the sentences. No
# labels are read, but the sentences themselves are among the texts of the second.
corpus = sorted(glob.glob(data("text", "corpus", "*.txt")))
with open(scratch("everyday.txt"), "w") as file:
    for line in open(data("text", "bilingual", "tatoeba_en_es_60k.tsv")):
        file.write(line.split("\t")[0] + "\n")
    for site in SITES:
        file.writelines(" ".join(words) + "\n" for words, _ in sites[site])
VECTORS = {
    "books": own_vectors("books.txt", corpus),
    "everyday": own_vectors("everyday.vec", [*corpus, scratch("everyday.txt")], "--lines", "--min-count", 3),
    "GloVe": (
        open(data("text", "embeddings", "glove_twitter_25d_words.txt")).read().split("\n")[:11925],
        np.load(data("text", "embeddings", "glove_twitter_25d_f32.npy")).astype(float),
    ),
}


class Words:
    """Vectors of length 1, and how often a word is seen in the sentences (SIF)."""

    def __init__(self, names, rows, sentences):
        self.place, self.rows = {name: i for i, name in enumerate(names)}, unit(np.asarray(rows, dtype=float))
        counts = {}
        for words in sentences:
            for word in words:
                counts[word] = counts.get(word, 0) + 1
        total = sum(counts.values())
        self.weight = {word: 1e-3 / (1e-3 + count / total) for word, count in counts.items()}

    def of(self, words):
        return [word for word in words if word in self.place]

    def mean(self, words):
        known = self.of(words)
        return self.rows[[self.place[w] for w in known]].mean(0) if known else np.zeros(self.rows.shape[1])

    def sif(self, words):
        known = self.of(words)
        if not known:
            return np.zeros(self.rows.shape[1])
        weights = np.array([self.weight[w] for w in known])
        return weights @ self.rows[[self.place[w] for w in known]] / len(known)

    def concatenation(self, words, length=20):
        out = np.zeros((length, self.rows.shape[1]))
        known = self.of(words)[:length]
        out[: len(known)] = self.rows[[self.place[w] for w in known]]
        return out.ravel()

    def principal(self, words, k=3):
        """The first directions of the words, each times its value over the root of their number."""
        out = np.zeros((k, self.rows.shape[1]))
        known = self.of(words)
        if known:
            _, s, v = np.linalg.svd(self.rows[[self.place[w] for w in known]], full_matrices=False)
            v *= np.sign(v[np.arange(len(v)), np.abs(v).argmax(1)])[:, None]
            n = min(k, len(s))
            out[:n] = v[:n] * s[:n, None] / np.sqrt(len(known))
        return out.ravel()


def bag(sentences):
    """Which words are there."""
    place = {name: i for i, name in enumerate(sorted({word for words in sentences for word in words}))}
    rows = np.zeros((len(sentences), len(place)))
    for row, words in zip(rows, sentences):
        row[[place[word] for word in words]] = 1
    return rows


def weighed(rows, labelled):
    """By the inverse frequency of words among the labelled sentences, which the others may not tell; length 1."""
    df = rows[labelled].sum(0)
    known = rows[:, df > 0]
    return unit(known * (1 + np.log((1 + len(labelled)) / (1 + df[df > 0]))))


def accuracy(products, y, train, test):
    """From the products of all rows with those of the labelled ones. As many cross-validated right answers as
    possible choose the penalty, of equals the strongest."""
    # Coordinates in the span of the labelled rows: the classifier is the same as on the features.
    values, axes = np.linalg.eigh(products[train])
    kept = values > 1e-9 * values.max()
    coordinates = products @ (axes[:, kept] / np.sqrt(values[kept]))
    own, other = coordinates[train], coordinates[test]
    own, other = own / own.std(), other / own.std()
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(own, y[train]))

    def fitted(c, rows):
        return LogisticRegression(C=c, max_iter=300).fit(own[rows], y[train][rows])

    right = [sum((fitted(c, a).predict(own[b]) == y[train][b]).sum() for a, b in folds) for c in PENALTIES]
    return (fitted(PENALTIES[int(np.argmax(right))], np.arange(len(train))).predict(other) == y[test]).mean()


def measure(name, rows):
    sentences, y = [words for words, _ in rows], np.array([label for _, label in rows])
    features, plain = {}, bag(sentences)
    for label, (names, vectors) in VECTORS.items():
        words = Words(names, vectors, sentences)
        sif = np.array([words.sif(s) for s in sentences])
        common = np.linalg.svd(sif, full_matrices=False)[2][0]
        features |= {
            f"{label}: mean": np.array([words.mean(s) for s in sentences]),
            f"{label}: SIF": sif - np.outer(sif @ common, common),
            f"{label}: concatenation": np.array([words.concatenation(s) for s in sentences]),
            f"{label}: 3 components": np.array([words.principal(s) for s in sentences]),
        }
    products = {kind: x @ x.T for kind, x in {"bag of words": plain, **features}.items()}
    print(f"\n{name}: {len(y)} sentences, {y.mean():.3f} positive; mean and standard error of {SPLITS} draws, in %")
    found = {}
    for size in SIZES:
        for seed in range(SPLITS):
            # As many of each kind, so that all folds have both.
            random = np.random.default_rng(seed)
            train = np.concatenate([random.permutation(np.flatnonzero(y == k))[: size // 2] for k in (0, 1)])
            test = np.setdiff1d(np.arange(len(y)), train)
            rows = weighed(plain, train)
            each = {kind: all_products[:, train] for kind, all_products in products.items()}
            for kind, part in {"bag, TF-IDF": rows @ rows[train].T, **each}.items():
                found.setdefault((kind, size), []).append(100 * accuracy(part, y, train, test))
    for kind in dict.fromkeys(kind for kind, _ in found):
        cells = [np.array(found[kind, size]) for size in SIZES]
        print(f"{kind:<26}" + "".join(f"{c.mean():7.1f} ± {c.std(ddof=1) / SPLITS**0.5:.1f}" for c in cells), flush=True)
    best = [max((k for k, s in found if s == size and ":" in k), key=lambda k: np.mean(found[k, size])) for size in SIZES]
    bags = [max(np.mean(found[k, size]) for k in ("bag of words", "bag, TF-IDF")) for size in SIZES]
    gain = [np.mean(found[b, size]) - p for b, p, size in zip(best, bags, SIZES)]
    print("best of vectors minus best bag: " + ", ".join(f"{g:+.1f} ({b})" for g, b in zip(gain, best)), flush=True)


print("labelled sentences: " + ", ".join(map(str, SIZES)))
measure("all sites", [row for site in SITES for row in sites[site]])
for site in SITES:
    measure(site, sites[site])
