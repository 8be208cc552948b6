#!/usr/bin/env python3
"""Latent semantic analysis of 20 newsgroups: the tool against scikit-learn. pip install scikit-learn"""
from common import *

from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

file = data("text", "lsa", "newsgroups20_1400.tsv")
lines = [line.rstrip("\n").split("\t") for line in open(file)]
groups, texts = np.array([line[0] for line in lines]), [line[2] for line in lines]
tf_idf = TfidfVectorizer(tokenizer=tokens, lowercase=False, token_pattern=None, min_df=2)
matrix = tf_idf.fit_transform(texts).astype(np.float32)


def accuracy(rows):
    rows, right = unit(rows), {"centroid": [], "k-NN": []}
    for seed in range(5):
        for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(rows, groups):
            for name, model in [("centroid", NearestCentroid()), ("k-NN", KNeighborsClassifier(10))]:
                model.fit(rows[train], groups[train])
                right[name].append(np.mean(model.predict(rows[test]) == groups[test]))
    return {name: float(np.mean(values)) for name, values in right.items()}


for k in (50, 100, 200):
    args = ["embed", "docs", file, "--text-column", 3, "--name-column", 1, "--dim", k]
    runs = [tool(*args, "-o", scratch("docs.txt"), "--json") for _ in range(3)]
    told, seconds = runs[0][0], min(told["factorisation_seconds"] for told, _ in runs)
    names, rows = read_vectors(scratch("docs.txt"))
    assert list(names) == list(groups)
    assert told["entries"] == matrix.nnz, (told["entries"], matrix.nnz)
    exact = np.linalg.svd(matrix.toarray(), compute_uv=False)[:k]
    error = np.abs(np.array(told["singular_values"]) / exact - 1).max()
    print(f"k = {k:3}  eigenmote     {accuracy(rows)}  {seconds:.2f} s, values off by {error:.1e}", flush=True)
    fits = []
    for _ in range(3):
        model = TruncatedSVD(k, random_state=1)
        start = time.perf_counter()
        rows = model.fit_transform(matrix)
        fits.append(time.perf_counter() - start)
    error = np.abs(model.singular_values_ / exact - 1).max()
    print(f"         scikit-learn  {accuracy(rows)}  {min(fits):.2f} s, values off by {error:.1e}", flush=True)
