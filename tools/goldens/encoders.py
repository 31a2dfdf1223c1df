"""Makes test/goldens/encoders.json: columns of a small table as scikit-learn's imputer, scaler and one-hot encoder have them.

    python -m venv /tmp/goldens && /tmp/goldens/bin/pip install -r tools/goldens/requirements.txt
    /tmp/goldens/bin/python tools/goldens/encoders.py

Features have the names that ours have, so that their order does not matter.
"""

import importlib.metadata
import json
import pathlib

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

OUT = pathlib.Path(__file__).parents[2] / "test" / "goldens" / "encoders.json"
rng = np.random.default_rng(20261126)
TRAIN, TEST = 60, 12


def table():
    rows = TRAIN + TEST
    age = rng.integers(18, 90, rows).astype(float)
    age[rng.random(rows) < 0.15] = np.nan
    income = np.round(rng.normal(2500, 700, rows), 2)
    job = rng.choice(["clerk", "nurse", "smith", "pilot", "diver"], rows, p=[0.4, 0.3, 0.24, 0.03, 0.03]).astype(object)
    job[rng.random(rows) < 0.1] = ""
    job[[TRAIN, TRAIN + 5]] = "baker"  # in no training row
    rooms = rng.integers(1, 5, rows).astype(float)
    rooms[TRAIN + 1] = 9  # in no training row either, and no value is rare
    return age, income, job, rooms


def numbers(name, column):
    pipeline = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    pipeline.fit(column[:TRAIN, None])
    features = {name: pipeline.transform(column[TRAIN:, None])[:, 0].tolist()}
    if np.isnan(column[:TRAIN]).any():
        features[f"{name} is missing"] = np.isnan(column[TRAIN:]).astype(float).tolist()
    return features


def categories(name, column, shown):
    present = column[:TRAIN][column[:TRAIN] != ""][:, None]
    handled = "infrequent_if_exist" if shown == str else "ignore"
    encoder = OneHotEncoder(min_frequency=3, handle_unknown=handled, sparse_output=False).fit(present)
    rare = encoder.infrequent_categories_[0]
    kept = [one for one in encoder.categories_[0] if rare is None or one not in rare]
    names = [f"{name} = {shown(one)}" for one in kept] + ([] if rare is None else [f"{name} is rare or new"])
    found = encoder.transform(column[TRAIN:, None])
    found[column[TRAIN:] == ""] = 0
    features = dict(zip(names, found.T.tolist()))
    if (column[:TRAIN] == "").any():
        features[f"{name} is missing"] = (column[TRAIN:] == "").astype(float).tolist()
    return features


age, income, job, rooms = table()
features = {**numbers("age", age), **numbers("income", income), **categories("job", job, str),
            **categories("rooms", rooms, lambda one: str(int(one)))}  # fmt: skip
rows = [[None if np.isnan(a) else a, i, j, int(r)] for a, i, j, r in zip(age.tolist(), income.tolist(), job, rooms)]
OUT.write_text(
    "{\n"
    + f'"madeBy":"tools/goldens/encoders.py",\n"versions":{json.dumps({"scikit-learn": importlib.metadata.version("scikit-learn"), "numpy": np.__version__})},\n'
    + f'"columns":["age","income","job","rooms"],\n"train":{json.dumps(rows[:TRAIN])},\n"test":{json.dumps(rows[TRAIN:])},\n'
    + '"features":{\n' + ",\n".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in features.items()) + "\n}}\n"
)  # fmt: skip
