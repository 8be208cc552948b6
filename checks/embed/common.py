"""What the measurements of embeddings share: where things are, vectors as text, scores."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
DATA = os.environ.get("EIGENMOTE_DATA", os.path.join(ROOT, "..", "shared", "data"))
TOOL = os.environ.get("EIGENMOTE", os.path.join(ROOT, "target", "release", "eigenmote"))
FOLDER = tempfile.mkdtemp(prefix="eigenmote-embed-")

if not os.path.isdir(DATA):
    print(f"skipped: {DATA} is not there")
    sys.exit(0)


def data(*parts):
    return os.path.join(DATA, *parts)


def scratch(name):
    return os.path.join(FOLDER, name)


def tool(*args):
    """Runs the tool; returns what it prints as JSON and its CPU seconds."""
    before = os.times()
    done = subprocess.run([TOOL, *map(str, args)], capture_output=True, text=True)
    after = os.times()
    if done.returncode:
        sys.exit(done.stderr)
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return (json.loads(done.stdout) if done.stdout else None), seconds


def cpu(work):
    """CPU seconds of a function, and its result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def read_vectors(path):
    names, rows = [], []
    with open(path) as file:
        count, dim = map(int, file.readline().split())
        for line in file:
            name, *values = line.rstrip("\n").split(" ")
            names.append(name)
            rows.append(np.array(values, dtype=np.float64))
    assert len(names) == count and all(len(row) == dim for row in rows)
    return names, np.array(rows)


def write_vectors(path, names, rows):
    with open(path, "w") as file:
        file.write(f"{len(names)} {rows.shape[1]}\n")
        for name, row in zip(names, rows):
            file.write(name + " " + " ".join(str(np.float32(x)) for x in row) + "\n")


def read_table(path):
    """A table of `export --table` (format: `embed::table` of the library): words, bytes, lengths of its prefixes."""
    blob = open(path, "rb").read()
    assert blob[:5] == b"EIGW\x01"
    with_words, levels = blob[5], blob[6]
    count, dim, _, text = (int.from_bytes(blob[a:b], "little") for a, b in ((12, 16), (16, 18), (18, 20), (20, 24)))
    at = 24 + 2 * levels
    prefixes = np.frombuffer(blob, "<u2", levels, 24).tolist()
    rows = np.frombuffer(blob, np.int8, count * dim, at).reshape(count, dim)
    ends = np.frombuffer(blob, "<u4", count, at + count * (dim + 4 + 2 * levels)) if with_words else []
    words = blob[len(blob) - 4 - text : len(blob) - 4]
    names = [words[a:b].decode() for a, b in zip([0, *ends[:-1]], ends)]
    return names, rows, prefixes


def tokens(text):
    """As the tool cuts texts into words."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.lower())


def unit(rows):
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1)


def similarity(names, rows):
    """Spearman's correlation of cosines with human judgement, on the pairs that are known."""
    from scipy.stats import spearmanr

    place, rows, found = {name: i for i, name in enumerate(names)}, unit(rows), {}
    for name, file in [("WS-353", "EN-WS-353-ALL"), ("MEN", "EN-MEN-TR-3k"), ("SimLex", "EN-SIMLEX-999")]:
        with open(data("text", "similarity", file + ".txt")) as lines:
            pairs = [line.lower().split() for line in lines]
        known = [(place[a], place[b], float(s)) for a, b, s in pairs if a in place and b in place]
        cosines = [rows[a] @ rows[b] for a, b, _ in known]
        found[name] = (spearmanr(cosines, [s for *_, s in known]).statistic, len(known))
    return found


def show(label, scores, note=""):
    cells = "  ".join(f"{name} {value:.3f} ({n})" for name, (value, n) in scores.items())
    print(f"{label:<28} {cells}  {note}", flush=True)
