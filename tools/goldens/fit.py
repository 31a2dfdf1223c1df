"""Losses of PyTorch over full batches of scikit-learn's digits, for server/src/lab/train/fit-pytorch.test.ts.

First weights are a formula, so that they need not be kept: sin(1 + 0.37 i + layer) / 8 in float32. Writes
test/goldens/fit.json: the loss before each of 100 steps, and how far PyTorch's own are from one another (divergence.py). Run with torch
2.15 after tables.py:

    python tools/goldens/fit.py
"""

import functools
import gzip
import json
import pathlib
import sys

sys.path.append(sys.path.pop(0))  # the standard library first: neighbours have names of it

import torch
from divergence import STEPS, measured, summary

FOLDER = pathlib.Path(__file__).parents[2] / "test/goldens"
OPTIMIZERS = {
    "sgd": lambda p, fused: torch.optim.SGD(p, lr=0.1, momentum=0.9, fused=fused),
    "adamw": lambda p, fused: torch.optim.AdamW(p, lr=0.003, weight_decay=0.05, fused=fused),
}


def rows():
    lines = gzip.open(FOLDER / "tables/digits.csv.gz", "rt").read().split("\n")[1:-1]
    values = torch.tensor([[float(v) for v in line.split(",")] for line in lines])
    return values[:, :64] / 16, values[:, 64].long()


def network():
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    with torch.no_grad():
        for layer, parameter in enumerate(model.parameters()):
            i = torch.arange(parameter.numel(), dtype=torch.float64)
            parameter.copy_((torch.sin(1 + 0.37 * i + layer) / 8).float().reshape(parameter.shape))
    return model


def losses(optimizer, way):
    x, y = rows()
    model = network().to(way.dtype)
    step_by = OPTIMIZERS[optimizer](model.parameters(), way.fused)
    found = []
    for step in range(STEPS):
        at = way.order(step, len(y))
        loss = torch.nn.functional.cross_entropy(model(x[at].to(way.dtype)), y[at], label_smoothing=0.05)
        step_by.zero_grad()
        loss.backward()
        step_by.step()
        found.append(loss.item())
    return found


runs = [{"optimizer": name, **measured(functools.partial(losses, name))} for name in OPTIMIZERS]
for run in runs:
    print(summary(run["optimizer"], run))
(FOLDER / "fit.json").write_text(json.dumps({"torch": torch.__version__, "runs": runs}, separators=(",", ":")) + "\n")
