#!/usr/bin/env python3
"""Networks of integers against those of floats they were made from: how near what they draw comes to digits
that neither has seen. cargo build --release -p eigenmote-cli; pip install numpy"""
import os
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TOOL = os.environ.get("EIGENMOTE", os.path.join(ROOT, "target", "release", "eigenmote"))
FOLDER = tempfile.mkdtemp(prefix="eigenmote-int8-")
SEEDS, COUNT = 5, 597

MODELS = {
    "vae": ["--skip", "label", "--hidden", "48", "--activation", "relu", "--latent", "8", "--epochs", "400"],
    "gan": ["--skip", "label", "--hidden", "64,64", "--activation", "relu", "--latent", "16", "--epochs", "600"],
    "diffusion": ["--classes", "label", "--components", "40", "--features", "16", "--hidden", "110,110", "--epochs", "800"],
}


def tool(*args):
    done = subprocess.run([TOOL, "-q", *map(str, args)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def scratch(name):
    return os.path.join(FOLDER, name)


def frechet(a, b):
    root_of = lambda c: (lambda w, v: (v * np.sqrt(np.maximum(w, 0))) @ v.T)(*np.linalg.eigh(c))
    ca, cb = np.cov(a.T), np.cov(b.T)
    root = root_of(ca)
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cb @ root), 0)).sum()
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca) + np.trace(cb) - 2 * cross


def own_kind(a, b):
    """Share of rows whose nearest neighbour among all is of their own kind."""
    rows, kind = np.vstack([a, b]), np.repeat([0, 1], [len(a), len(b)])
    squares = (rows**2).sum(1)
    distance = squares[:, None] + squares - 2 * rows @ rows.T
    np.fill_diagonal(distance, np.inf)
    return (kind[distance.argmin(1)] == kind).mean()


def judged(model, test, *args):
    verdicts = []
    for seed in range(SEEDS):
        tool("sample", model, "-n", COUNT, "--seed", seed, "-o", scratch("drawn.npy"), *args)
        drawn = np.clip(np.load(scratch("drawn.npy")).astype(float).reshape(COUNT, -1), 0, 16)
        verdicts.append((frechet(drawn, test), own_kind(drawn, test)))
    return np.mean(verdicts, axis=0)


lines = open(os.path.join(ROOT, "data", "digits.csv")).read().splitlines()
rows = np.array([[float(x) for x in line.split(",")] for line in lines[1:]])
place = np.arange(len(rows))
held_out = (place % 3 == 2) & (place < 1791)
test = rows[held_out, :64]
with open(scratch("train.csv"), "w") as file:
    file.write("\n".join([lines[0]] + [line for line, out in zip(lines[1:], held_out) if not out]) + "\n")

print(f"Fréchet distance and nearest of the own kind, {COUNT} samples, mean of {SEEDS} seeds")
for name, args in MODELS.items():
    steps = ["--steps", 20] if name == "diffusion" else []
    decoder = ["--decoder-only"] if name == "vae" else []
    floats, integers = scratch(name + ".eign"), scratch(name + "8.eign")
    patience = [] if name == "gan" else ["--patience", 0]
    tool("train", name, scratch("train.csv"), *args, *patience, "--seed", 1, "-o", floats)
    tool("quantize", floats, *steps, *decoder, "-o", integers)
    (f, own), (f8, own8) = judged(floats, test, *steps), judged(integers, test)
    print(f"{name:9}  floats {f:6.1f} {own:.3f}   integers {f8:6.1f} {own8:.3f}   ratio {f8 / f:.3f}", flush=True)
