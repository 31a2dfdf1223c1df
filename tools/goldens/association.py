"""Makes test/goldens/statistics/association.json: what columns tell of each other, as scikit-learn and SciPy compute it.

    python -m venv /tmp/goldens && /tmp/goldens/bin/pip install -r tools/goldens/requirements.txt
    /tmp/goldens/bin/python tools/goldens/association.py

Bergsma's correction of Cramér's V is computed here from its definition, the correlation ratio from scikit-learn's F.
"""

import importlib.metadata
import json
import math
import pathlib

import numpy as np
from scipy import stats
from sklearn.feature_selection import f_classif
from sklearn.metrics import mutual_info_score

OUT = pathlib.Path(__file__).parents[2] / "test" / "goldens" / "statistics" / "association.json"
rng = np.random.default_rng(20261126)


def labels(count, height, width, keep):
    a = rng.integers(0, height, count)
    b = np.where(rng.random(count) < keep, a % width, rng.integers(0, width, count))
    table = np.zeros((height, width))
    np.add.at(table, (a, b), 1)
    table = table[table.sum(1) > 0][:, table.sum(0) > 0]
    n, (r, k) = table.sum(), table.shape
    phi = stats.chi2_contingency(table, correction=False).statistic / n
    corrected = math.sqrt(max(0, phi - (r - 1) * (k - 1) / (n - 1))
                          / (min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1))  # fmt: skip
    return {"a": a.tolist(), "b": b.tolist(), "mutualInformation": float(mutual_info_score(a, b)),
            "entropy": float(stats.entropy(np.bincount(a))),
            "cramersV": float(stats.contingency.association(table.astype(int), method="cramer")),
            "corrected": corrected}  # fmt: skip


def numbers(count, classes, ties):
    label = rng.integers(0, classes, count)
    value = rng.normal(label * 0.7, 1)
    other = 0.5 * value**3 + rng.normal(0, 2, count)
    value, other = np.round(value, ties), np.round(other, ties)
    f = float(f_classif(value[:, None], label)[0][0])
    between, within = len(set(label.tolist())) - 1, count - len(set(label.tolist()))
    ratio = math.sqrt(f * between / (f * between + within))
    return {"values": value.tolist(), "others": other.tolist(), "labels": label.tolist(), "correlationRatio": ratio,
            "pearson": float(stats.pearsonr(value, other).statistic),
            "spearman": float(stats.spearmanr(value, other).statistic)}  # fmt: skip


found = {
    "labels": [labels(40, 2, 2, 0.5), labels(60, 5, 3, 0.3), labels(50, 4, 4, 0.9), labels(80, 2, 6, 0.2)],
    "numbers": [numbers(30, 2, 3), numbers(40, 4, 0), numbers(25, 3, 1)],
}
versions = {name: importlib.metadata.version(name) for name in ("scikit-learn", "scipy", "numpy")}
lines = [f"{json.dumps(key)}:[\n" + ",\n".join(map(json.dumps, value)) + "\n]" for key, value in found.items()]
OUT.write_text(
    "{\n" + f'"madeBy":"tools/goldens/association.py",\n"versions":{json.dumps(versions)},\n' + ",\n".join(lines) + "\n}\n"
)
