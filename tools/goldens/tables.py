"""What scikit-learn's models reach at their defaults on five tables that it ships, over ten splits each.

Writes test/goldens/tables/: the tables as CSV (gzip), and scores.json with the test rows of each split and the score of each
model on them: accuracy, or R^2 for diabetes. "scaled" is behind a StandardScaler. Run with scikit-learn 1.9.1:

    python tools/goldens/tables.py
"""

import gzip
import json
import pathlib
import warnings

import sklearn
from sklearn import datasets
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDER = pathlib.Path(__file__).parents[2] / "test/goldens/tables"
SEEDS = range(10)
SETS = ("iris", "wine", "breast_cancer", "digits", "diabetes")


def number(value):
    return repr(int(value)) if float(value).is_integer() else repr(float(value))


def write_table(name, data):
    columns = [c.replace(" (cm)", "").replace(" ", "_").replace("/", "_") for c in data.feature_names]
    labels = [data.target_names[y] for y in data.target] if name in ("iris", "wine", "breast_cancer") else map(number, data.target)
    lines = [",".join([*columns, "target"])]
    lines += [",".join([*map(number, x), y]) for x, y in zip(data.data, labels)]
    with gzip.GzipFile(FOLDER / f"{name}.csv.gz", "wb", mtime=0) as file:
        file.write(("\n".join(lines) + "\n").encode())


def main():
    warnings.filterwarnings("ignore")
    FOLDER.mkdir(parents=True, exist_ok=True)
    scores = {"scikit-learn": sklearn.__version__, "sets": {}}
    for name in SETS:
        data = getattr(datasets, f"load_{name}")()
        write_table(name, data)
        is_class = name != "diabetes"
        linear = LogisticRegression if is_class else Ridge
        network = MLPClassifier if is_class else MLPRegressor
        splits = []
        for seed in SEEDS:
            rows = range(len(data.target))
            train, test = train_test_split(rows, test_size=0.2, random_state=seed, stratify=data.target if is_class else None)
            models = {
                "linear": linear(),
                "linear, scaled": make_pipeline(StandardScaler(), linear()),
                "network": network(random_state=seed),
                "network, scaled": make_pipeline(StandardScaler(), network(random_state=seed)),
            }
            reached = {
                key: round(model.fit(data.data[train], data.target[train]).score(data.data[test], data.target[test]), 6)
                for key, model in models.items()
            }
            splits.append({"test": sorted(test), "scores": reached})
        scores["sets"][name] = splits
    (FOLDER / "scores.json").write_text(json.dumps(scores, separators=(",", ":")) + "\n")


main()
