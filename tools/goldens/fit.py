"""Losses of PyTorch over full batches of scikit-learn's digits, for server/src/lab/train/fit.test.ts.

First weights are a formula, so that they need not be kept: sin(1 + 0.37 i + layer) / 8 in float32. Writes
test/goldens/fit.json: the loss before each of 100 steps on one thread, and on two. Run with torch 2.15 after tables.py:

    python -P tools/goldens/fit.py
"""

import gzip
import json
import pathlib

import torch

FOLDER = pathlib.Path(__file__).parents[2] / "test/goldens"
STEPS = 100
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.003, weight_decay=0.05),
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


def losses(optimizer, threads):
    torch.set_num_threads(threads)
    x, y = rows()
    model = network()
    step = OPTIMIZERS[optimizer](model.parameters())
    found = []
    for _ in range(STEPS):
        loss = torch.nn.functional.cross_entropy(model(x), y, label_smoothing=0.05)
        step.zero_grad()
        loss.backward()
        step.step()
        found.append(round(loss.item(), 8))
    return found


runs = [{"optimizer": name, "losses": losses(name, 1), "onTwoThreads": losses(name, 2)} for name in OPTIMIZERS]
(FOLDER / "fit.json").write_text(json.dumps({"torch": torch.__version__, "runs": runs}, separators=(",", ":")) + "\n")
