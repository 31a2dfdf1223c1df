"""Makes test/goldens/augmentation.json: a small picture moved by affine maps as scipy.ndimage moves it.

    python -m venv /tmp/goldens && /tmp/goldens/bin/pip install -r tools/goldens/requirements.txt
    /tmp/goldens/bin/python tools/goldens/augmentation.py
"""

import importlib.metadata
import json
import math
import pathlib

import numpy as np
from scipy import ndimage

OUT = pathlib.Path(__file__).parents[2] / "test" / "goldens" / "augmentation.json"
rng = np.random.default_rng(20261126)
image = np.round(rng.random((6, 7)), 4).astype(np.float32)
cases = []
for degrees, shift, share, flip in [(30, (0, 0), 1, 1), (-45, (1.25, -0.5), 1, 1), (0, (0.5, 2), 1, -1), (10, (0, 0), 0.6, 1)]:
    angle = math.radians(degrees)
    matrix = share * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) @ np.diag([1, flip])
    middle = (np.array(image.shape) - 1) / 2
    offset = middle + shift - matrix @ middle
    moved = ndimage.affine_transform(image.astype(np.float64), matrix, offset, order=1, mode="grid-constant", cval=0.5)
    cases.append({"degrees": degrees, "shift": shift, "share": share, "isMirrored": flip < 0, "moved": moved.round(9).tolist()})
versions = {name: importlib.metadata.version(name) for name in ("scipy", "numpy")}
OUT.write_text(
    "{\n" + f'"madeBy":"tools/goldens/augmentation.py",\n"versions":{json.dumps(versions)},\n"fill":0.5,\n"image":{json.dumps(image.astype(float).round(4).tolist())},\n"cases":[\n'
    + ",\n".join(json.dumps(case) for case in cases) + "\n]}\n"
)  # fmt: skip
