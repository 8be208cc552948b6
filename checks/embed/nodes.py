#!/usr/bin/env python3
"""Nodes: BlogCatalog, karate club, Cora. pip install scikit-learn"""
import warnings

from common import *

from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer

warnings.filterwarnings("ignore")


def classify(rows, labels, share, seeds):
    """Micro and macro F1 when the number of labels of a test node is known, as in the papers."""
    scores = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(rows))
        train, test = np.split(order, [int(share * len(rows))])
        model = OneVsRestClassifier(LogisticRegression(solver="liblinear")).fit(rows[train], labels[train])
        chance = model.predict_proba(rows[test])
        guess = np.zeros_like(labels[test])
        for i, (p, n) in enumerate(zip(chance, labels[test].sum(1))):
            guess[i, np.argsort(-p)[:n]] = 1
        scores.append([f1_score(labels[test], guess, average=a) for a in ("micro", "macro")])
    return np.mean(scores, axis=0)


# Karate club: the two sides of the quarrel.
edges = data("graphs", "karate", "edges.csv")
side = [line.strip().split(",")[1] for line in open(data("graphs", "karate", "labels.csv")).readlines()[1:]]
side = np.array([s == side[0] for s in side])
for p, q in ((1, 1), (0.25, 4), (4, 0.25)):
    tool("embed", "nodes", edges, "--dim", 2, "--window", 5, "--p", p, "--q", q, "-o", scratch("k.vec"), "--quiet")
    names, rows = read_vectors(scratch("k.vec"))
    guess = KMeans(2, n_init=10, random_state=0).fit_predict(unit(rows)) == 1
    right = max(np.sum(guess == side), np.sum(guess != side))
    print(f"karate club, p {p}, q {q}: {right} of {len(side)} on their side", flush=True)

# Cora: the given test nodes, all others for training.
labels = np.array([int(line.split(",")[1]) for line in open(data("graphs", "cora", "labels.csv")).readlines()[1:]])
test = np.array([int(line) for line in open(data("graphs", "cora", "test_nodes.txt"))])
train = np.setdiff1d(np.arange(len(labels)), test)


def cora(name, rows, seconds):
    model = LogisticRegression(max_iter=2000).fit(rows[train], labels[train])
    print(f"Cora, {name}: accuracy {model.score(rows[test], labels[test]):.4f}, {seconds:.1f} s CPU", flush=True)


for method in ("walks", "netmf"):
    _, seconds = tool("embed", "nodes", data("graphs", "cora", "edges.csv"), "--method", method, "--dim", 128,
                      "-o", scratch("c.vec"), "--quiet")
    names, found = read_vectors(scratch("c.vec"))
    rows = np.zeros((len(labels), found.shape[1]))
    rows[[int(name) for name in names]] = found
    cora(f"eigenmote {method}", unit(rows), seconds)
try:
    from gensim.models import Word2Vec

    lists = [[] for _ in labels]
    for line in open(data("graphs", "cora", "edges.csv")).readlines()[1:]:
        a, b = map(int, line.split(",")[:2])
        lists[a].append(b)
        lists[b].append(a)
    random = np.random.default_rng(1)

    def deepwalk():
        walks = []
        for _ in range(80):
            for start in random.permutation(len(lists)):
                way = [start]
                while len(way) < 40 and lists[way[-1]]:
                    way.append(lists[way[-1]][random.integers(len(lists[way[-1]]))])
                walks.append([str(node) for node in way])
        return Word2Vec(walks, vector_size=128, window=10, min_count=0, sg=1, hs=1, negative=0, epochs=1, workers=1)

    seconds, model = cpu(deepwalk)
    cora("DeepWalk (gensim)", np.array([model.wv[str(i)] for i in range(len(labels))]), seconds)
except ImportError:
    print("Cora, DeepWalk: gensim is not there")

# BlogCatalog: 39 groups, several for a node.
lines = [line.split() for line in open(data("graphs", "blogcatalog", "labels.txt")).read().splitlines()[1:]]
groups = MultiLabelBinarizer().fit_transform([[int(g) for g in line[1:]] for line in lines])
_, seconds = tool("embed", "nodes", data("graphs", "blogcatalog", "edges_uint16.npy"), "--method", "netmf", "--dim", 128,
                  "-o", scratch("b.vec"), "--quiet")
names, rows = read_vectors(scratch("b.vec"))
assert names == [str(i) for i in range(len(names))]
for share in (0.1, 0.5):
    micro, macro = classify(rows, groups, share, 5)
    print(f"BlogCatalog, {share:.0%} for training: micro {micro:.3f}, macro {macro:.3f}; {seconds:.1f} s CPU", flush=True)
