#!/usr/bin/env python3
"""Genotypes: principal components by the example `ancestry` against float64 NumPy and scikit-learn's
randomized solver. cargo build --release --features fast --example ancestry; pip install scikit-learn"""
from common import *

from sklearn.utils.extmath import randomized_svd

EXAMPLE = os.environ.get("ANCESTRY", os.path.join(ROOT, "target", "release", "examples", "ancestry"))
SCORES = os.path.join(ROOT, "target")
RANK = 10


def counts(bed, individuals):
    """Copies of the first allele, NaN where not measured: markers by individuals."""
    packed = np.fromfile(bed, dtype=np.uint8)[3:].reshape(-1, -(-individuals // 4))
    two_bits = (packed[:, :, None] >> np.array([0, 2, 4, 6], dtype=np.uint8)) & 3
    return np.array([2.0, np.nan, 1.0, 0.0])[two_bits.reshape(len(packed), -1)[:, :individuals]]


def load(folder, name):
    bed = data("genetics", folder, name)
    fields = [line.split() for line in open(bed.replace(".bed", ".bim"))]
    people = sum(1 for _ in open(bed.replace(".bed", ".fam")))
    return counts(bed, people), np.array([f[4:6] for f in fields])


def standardized(genotypes, frequency):
    z = (genotypes - 2 * frequency[:, None]) / np.sqrt(2 * frequency * (1 - frequency))[:, None]
    return np.ascontiguousarray(np.where(np.isnan(z), 0.0, z).T)


def example(*args):
    before = os.times()
    done = subprocess.run([EXAMPLE, *args], capture_output=True, text=True)
    after = os.times()
    if done.returncode:
        sys.exit(done.stderr)
    lines = done.stdout.splitlines()
    seconds = float(next(line for line in lines if "components in" in line).split()[3])
    start = next(i for i, line in enumerate(lines) if line.startswith("eigenvalue"))
    values = np.array([float(line.split()[0]) for line in lines[start + 1:start + 1 + RANK]])
    certificate = float(lines[start].split("within ")[1].rstrip(")"))
    table = lambda name: np.loadtxt(os.path.join(SCORES, name), delimiter=",", skiprows=1, usecols=range(1, RANK + 1))
    return seconds, values, certificate, table, done.stdout


def off(ours, exact):
    """Largest difference of a component's scores, relative to the length of all of them."""
    signs = np.sign((ours * exact).sum(axis=0))
    return np.abs(ours * signs - exact).max(axis=0) / np.linalg.norm(exact, axis=0)


for folder, name in (("hapmap3", "hapmap3.bed"), ("kg_phase1", "kg1.bed")):
    genotypes, alleles = load(folder, name)
    frequency = np.nanmean(genotypes, axis=1) / 2
    z = standardized(genotypes, frequency)
    n, m = z.shape
    values, vectors = np.linalg.eigh(z @ z.T / m)
    values, vectors = values[::-1][:RANK], vectors[:, ::-1][:, :RANK]
    own = [data("genetics", folder, name), data("genetics", folder, "populations.csv")]
    other = [data("genetics", "kg_phase1", f) for f in ("kg1.bed", "populations.csv")] if folder == "hapmap3" else []
    # What scikit-learn chooses by itself, and more.
    runs, peers = [], {"auto": [], 30: [], 60: []}
    for _ in range(3):
        runs.append(example(*own, *other))
        for iterations, done in peers.items():
            done.append(cpu(lambda: randomized_svd(z, RANK, n_iter=iterations, random_state=0)))
    seconds, found, certificate, table, text = min(runs, key=lambda run: run[0])
    print(text.splitlines()[0], "float64 eigenvalues", np.round(values[:6], 2))
    print(f"  ours          {seconds:.2f} s, eigenvalues off by {np.abs(found / values - 1).max():.1e}, "
          f"certified to {certificate:.1e}; scores off by", " ".join(f"{e:.0e}" for e in off(table("ancestry.csv"), vectors * np.sqrt(values * m))))
    for iterations, done in peers.items():
        peer_seconds, (u, s, vt) = min(done, key=lambda peer: peer[0])
        print(f"  scikit-learn, n_iter {iterations}: {peer_seconds:.2f} s, eigenvalues off by "
              f"{np.abs(s * s / m / values - 1).max():.1e}; scores off by",
              " ".join(f"{e:.0e}" for e in off(u * s, vectors * np.sqrt(values * m))))
    if other:
        axes = z.T @ vectors / np.sqrt(values * m)
        theirs, their_alleles = load("kg_phase1", "kg1.bed")
        swapped = (alleles == their_alleles[:, ::-1]).all(axis=1)
        strange = ~(swapped | (alleles == their_alleles).all(axis=1))
        theirs[swapped] = 2 - theirs[swapped]
        theirs[strange] = np.nan
        exact = standardized(theirs, frequency) @ axes
        print("  projections off by", " ".join(f"{e:.0e}" for e in off(table("ancestry_projected.csv"), exact)))
