"""Losses of training on the bundled models' own data, step by step, as PyTorch computes them: the digits' network on the held-out
digits, and a perceptron on loans behind the loans model's encoder, which onnx's reference evaluator runs. First weights are made by a
formula that the test has too; 100 losses each, with how far PyTorch's own are from one another (divergence.py). Run with torch 2.15.0
and onnx 1.23.2 once the models are made (`npm run models`):

    python tools/goldens/curves.py
"""

import csv
import functools
import gzip
import json
import math
import pathlib
import sys

sys.path.append(sys.path.pop(0))  # the standard library first: neighbours have names of it

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from divergence import STEPS, measured, summary
from onnx.reference import ReferenceEvaluator
from torch import nn

ROOT = pathlib.Path(__file__).parents[2]
ROWS = 16
BATCHES = 20
NUMBERS = ("age", "income", "amount", "term", "late_payments")


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        channels = [1, 16, 16, 32, 32, 48]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in zip(channels, channels[1:]))
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for b in channels[1:])
        self.head = nn.Linear(432, 10)

    def forward(self, x):
        for index, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            x = F.relu(norm(conv(x)))
            if index in (1, 3, 4):
                x = F.max_pool2d(x, 2)
        return self.head(x.flatten(1))

    def weights(self):
        return [*(conv.weight for conv in self.convs), self.head.weight]


class Loans(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(width, 128), nn.Linear(128, 64), nn.Linear(64, 2)])

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)

    def weights(self):
        return [layer.weight for layer in self.layers]


def begin(model):
    """Weights that look random, biases of 0. Linear layers of Slipway store [inputs, outputs]."""
    for key, value in model.named_parameters():
        if key.endswith("bias"):
            nn.init.zeros_(value)
    for layer, weight in enumerate(model.weights()):
        fan_in = math.prod(weight.shape[1:])
        shape = list(weight.shape) if weight.dim() == 4 else [weight.shape[1], weight.shape[0]]
        drawn = [(math.sin(at * 12.9898 + layer * 78.233) * 43758.5453) % 1 for at in range(weight.numel())]
        values = (2 * torch.tensor(drawn, dtype=torch.float64) - 1) * math.sqrt(3 / fan_in)
        values = values.to(torch.float32).reshape(shape)
        with torch.no_grad():
            weight.copy_(values if weight.dim() == 4 else values.T)


def digits():
    read = lambda name: np.frombuffer(gzip.decompress((ROOT / "examples/digits" / name).read_bytes()), np.uint8)
    images = read("held-out-images.idx3-ubyte.gz")[16:].reshape(-1, 1, 28, 28)
    labels = read("held-out-labels.idx1-ubyte.gz")[8:]
    # A grain, without which windows of plain paper have maxima that rounding decides.
    grain = np.array([(math.sin(at * 78.233) * 43758.5453) % 1 for at in range(images.size)]).reshape(images.shape)
    rows = (images.astype(np.float64) / 255 + 0.02 * grain).astype(np.float32)
    return torch.from_numpy(rows), torch.from_numpy(labels.astype(np.int64))


def loans():
    with open(ROOT / "examples/loans/loans.csv") as file:
        rows = list(csv.DictReader(file))[: ROWS * BATCHES]
    model = onnx.load(ROOT / "examples/loans/model.onnx")
    names = [one.name for one in model.graph.input]
    model.graph.output.append(onnx.helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, None))
    number = lambda text: float(text) if text else math.nan
    inputs = {
        name: np.array([number(row[name]) for row in rows], np.float32) if name in NUMBERS else np.array([row[name] for row in rows], object)
        for name in names
    }
    (features,) = ReferenceEvaluator(model).run(["features"], inputs)
    labels = torch.tensor([int(row["repaid"] == "yes") for row in rows])
    return torch.from_numpy(np.ascontiguousarray(features, np.float32)), labels


def losses(build, rows, labels, made, way):
    model = build()
    begin(model)
    model.to(way.dtype).train()
    step_by = made(model.parameters(), way.fused)
    found = []
    for step in range(STEPS):
        at = step % BATCHES * ROWS + way.order(step, ROWS)
        step_by.zero_grad()
        loss = F.cross_entropy(model(rows[at].to(way.dtype)), labels[at])
        loss.backward()
        step_by.step()
        found.append(loss.item())
    return found


ADAMW = ({"kind": "adamw", "weightDecay": 0.01}, 0.0003, lambda p, fused: torch.optim.AdamW(p, lr=0.0003, weight_decay=0.01, fused=fused))
SGD = ({"kind": "sgd", "momentum": 0.9}, 0.01, lambda p, fused: torch.optim.SGD(p, lr=0.01, momentum=0.9, fused=fused))


def main():
    runs = []
    tables = {"digits": (digits(), Digits), "loans": (loans(), lambda: Loans(tables["loans"][0][0].shape[1]))}
    for name, (options, rate, made) in (("digits", ADAMW), ("loans", ADAMW), ("loans", SGD)):
        (rows, labels), build = tables[name]
        found = measured(functools.partial(losses, build, rows, labels, made))
        runs.append({"data": name, "optimizer": options, "learningRate": rate, **found})
        print(summary(f"{name}, {options['kind']}", found))
    made = {"torch": torch.__version__, "onnx": onnx.__version__, "rows": ROWS, "batches": BATCHES, "runs": runs}
    (ROOT / "test/goldens/training/curves.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")


main()
