"""Writes tests/golden_stats/*.json: what scikit-learn's PCA says about four real tables.

    python3 -m venv venv && venv/bin/pip install scikit-learn==1.9.1 mpmath
    venv/bin/python tests/data_scripts/make_pca_reference.py

The tables are those bundled with scikit-learn (iris, wine, breast cancer, digits; UCI Machine
Learning Repository, CC BY 4.0). The small ones are stored in the JSON; digits is data/digits.csv.

`exact_variance` holds all eigenvalues of the covariance matrix from 60-digit arithmetic on the
same doubles: it tells an error of scikit-learn's from one of ours.
"""

import json
import pathlib
from fractions import Fraction

import mpmath
import numpy as np
import sklearn
from sklearn import datasets
from sklearn.decomposition import PCA

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden_stats"
TABLES = {
    "iris": (datasets.load_iris, [1, 2, 3, 4]),
    "wine": (datasets.load_wine, [2, 3, 5, 13]),
    "breast_cancer": (datasets.load_breast_cancer, [2, 3, 5, 30]),
    "digits": (datasets.load_digits, [2, 5, 16]),
}


def exact_variances(x):
    mpmath.mp.dps = 60
    n, d = x.shape
    # The entries are doubles, so sums of them and of their products are exact as integers over a
    # common power of two.
    scale = 2**80
    rows = [[int(Fraction(v) * scale) for v in row] for row in x.tolist()]
    for row, given in zip(rows, x.tolist()):
        assert all(Fraction(r, scale) == Fraction(v) for r, v in zip(row, given))
    sums = [sum(col) for col in zip(*rows)]
    cov = mpmath.matrix(d, d)
    for i in range(d):
        for j in range(i + 1):
            cross = sum(row[i] * row[j] for row in rows) * n - sums[i] * sums[j]
            cov[i, j] = cov[j, i] = mpmath.mpf(cross) / (mpmath.mpf(scale) ** 2 * n * (n - 1))
    values = sorted(mpmath.eigsy(cov, eigvals_only=True), reverse=True)
    # What is left of an exact zero at 60 digits.
    return [float(v) if v > values[0] * mpmath.mpf(10) ** -50 else 0.0 for v in values]


for name, (load, ks) in TABLES.items():
    x = load().data
    n, d = x.shape
    rows = [0, n // 5, n // 3, n // 2, (4 * n) // 5, n - 1]
    fits = []
    for k in ks:
        plain = PCA(k, svd_solver="full").fit(x)
        white = PCA(k, svd_solver="full", whiten=True).fit(x)
        for attribute in ("mean_", "components_", "explained_variance_", "singular_values_"):
            assert np.array_equal(getattr(plain, attribute), getattr(white, attribute))
        z, w = plain.transform(x), white.transform(x)
        fits.append({
            "k": k,
            "mean": plain.mean_.tolist(),
            "components": plain.components_.tolist(),
            "explained_variance": plain.explained_variance_.tolist(),
            "explained_variance_ratio": plain.explained_variance_ratio_.tolist(),
            "singular_values": plain.singular_values_.tolist(),
            "noise_variance": float(plain.noise_variance_),
            "transform": z[rows].tolist(),
            "inverse_transform": plain.inverse_transform(z)[rows].tolist(),
            "whitened": w[rows].tolist(),
            "unwhitened": white.inverse_transform(w)[rows].tolist(),
        })
    table = {
        "name": name,
        "origin": "UCI Machine Learning Repository, CC BY 4.0, as bundled with scikit-learn",
        "made_by": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}",
        "n": n,
        "d": d,
        "data": [] if name == "digits" else x.tolist(),
        "exact_variance": exact_variances(x),
        "rows": rows,
        "fits": fits,
    }
    text = json.dumps(table, separators=(",", ":")).replace('],[', '],\n[').replace('},{', '},\n{')
    (OUT / f"{name}.json").write_text(text + "\n")
    exact = np.array(table["exact_variance"][: ks[-1]])
    kept = exact > 0
    error = np.abs(np.array(fits[-1]["explained_variance"])[kept] / exact[kept] - 1).max()
    print(f"{name}: {n}x{d}, {len(text)} bytes, "
          f"largest relative error of scikit-learn's variances {error:.1e}")
