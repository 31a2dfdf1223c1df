"""Losses of training, step by step, as PyTorch computes them: the models as ONNX files before the first step, and 100 losses for each
optimiser, with how far PyTorch's own are from one another (divergence.py). Batches are made by a formula that the test has too."""

import copy
import functools
import io
import json
import math
import pathlib
import sys

sys.path.append(sys.path.pop(0))  # the standard library first: neighbours have names of it

import onnx
import torch
import torch.nn.functional as F
from divergence import STEPS, measured, summary
from torch import nn

TARGET = pathlib.Path(__file__).parents[2] / "test" / "goldens" / "training"
ROWS = 16
CLASSES = 5


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, CLASSES))

    def forward(self, x):
        return self.layers(x)


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 6, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        # Without a bias, whose gradient would be 0 and whose steps by Adam would be rounding.
        self.conv2 = nn.Conv2d(6, 8, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.relu(self.bn2(self.conv2(x)))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(4, 16)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(16), nn.LayerNorm(16)
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
        self.up, self.down = nn.Linear(16, 32), nn.Linear(32, 16)

    def forward(self, x):
        n, t, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, 2, 8).permute(2, 0, 3, 1, 4)
        p = torch.softmax(q @ k.transpose(-1, -2) / 8**0.5, -1)
        x = x + self.out((p @ v).transpose(1, 2).reshape(n, t, 16))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


# A convolutional network whose first weights are such that no way of computing makes a unit begin or cease to be active at another step,
# from where curves part for good: of those by SGD from the weights of seed 2, one order of rows in eight does.
SEEDS = {"mlp": 1, "cnn": 4, "transformer": 3}
MODELS = {"mlp": (Mlp, [ROWS, 12]), "cnn": (Cnn, [ROWS, 2, 8, 8]), "transformer": (Transformer, [ROWS, 6, 4])}
# Options as Slipway has them, the learning rate, the largest norm of all gradients, and PyTorch's optimiser: in one kernel where it is
# fused. RMSprop has none such, and does its steps for all parameters together.
OPTIMIZERS = {
    "sgd": ({"kind": "sgd", "momentum": 0.9}, 0.05, None, lambda p, fused: torch.optim.SGD(p, lr=0.05, momentum=0.9, fused=fused)),
    "adam": ({"kind": "adam"}, 0.01, None, lambda p, fused: torch.optim.Adam(p, lr=0.01, fused=fused)),
    "adamw": ({"kind": "adamw", "weightDecay": 0.05}, 0.01, None, lambda p, fused: torch.optim.AdamW(p, lr=0.01, weight_decay=0.05, fused=fused)),
}  # fmt: skip
MORE = {
    "plain": ({"kind": "sgd"}, 0.1, None, lambda p, fused: torch.optim.SGD(p, lr=0.1, fused=fused)),
    "nesterov": (
        {"kind": "sgd", "momentum": 0.8, "nesterov": True, "weightDecay": 0.01}, 0.05, None,
        lambda p, fused: torch.optim.SGD(p, lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.01, fused=fused),
    ),
    "decayed": ({"kind": "adam", "weightDecay": 0.02, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6}, 0.01, None, lambda p, fused: torch.optim.Adam(p, lr=0.01, weight_decay=0.02, betas=(0.8, 0.99), eps=1e-6, fused=fused)),
    "rmsprop": ({"kind": "rmsprop", "alpha": 0.9, "weightDecay": 0.01}, 0.01, None, lambda p, fused: torch.optim.RMSprop(p, lr=0.01, alpha=0.9, weight_decay=0.01, foreach=fused)),
    "clipped": ({"kind": "sgd", "momentum": 0.9}, 0.2, 0.3, lambda p, fused: torch.optim.SGD(p, lr=0.2, momentum=0.9, fused=fused)),
}  # fmt: skip


def batch(shape, step):
    size = math.prod(shape)
    x = torch.tensor([math.sin(1 + at * 0.37 + step * 1.3) + 0.5 * math.sin(at * at * 0.011) for at in range(size)], dtype=torch.float64)
    labels = torch.tensor([(at * 7 + step * 3) % CLASSES for at in range(ROWS)])
    return x.to(torch.float32).reshape(shape), labels


def losses(model, made, max_norm, shape, way):
    model = copy.deepcopy(model).to(way.dtype)
    model.train()
    step_by = made(model.parameters(), way.fused)
    found = []
    for step in range(STEPS):
        x, labels = batch(shape, step % 10)
        at = way.order(step, ROWS)
        step_by.zero_grad()
        loss = F.cross_entropy(model(x[at].to(way.dtype)), labels[at])
        loss.backward()
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        step_by.step()
        found.append(loss.item())
    return found


def main():
    TARGET.mkdir(parents=True, exist_ok=True)
    runs = []
    for name, (build, shape) in MODELS.items():
        torch.manual_seed(SEEDS[name])
        model = build()
        buffer = io.BytesIO()
        torch.onnx.export(
            model.eval(), (batch(shape, 0)[0],), buffer, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"],
            do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE, dynamic_axes={"x": {0: "N"}, "y": {0: "N"}},
        )  # fmt: skip
        proto = onnx.load_from_string(buffer.getvalue())
        for node in proto.graph.node:
            node.doc_string = ""
        onnx.save(proto, TARGET / f"{name}.onnx")
        for optimizer, (options, rate, max_norm, made) in {**OPTIMIZERS, **(MORE if name == "mlp" else {})}.items():
            found = measured(functools.partial(losses, model, made, max_norm, shape))
            runs.append({"name": f"{name}, {optimizer}", "model": name, "shape": shape, "optimizer": options, "maxNorm": max_norm, "learningRate": rate, **found})
            print(summary(runs[-1]["name"], found))
    (TARGET / "losses.json").write_text(json.dumps({"torch": torch.__version__, "classes": CLASSES, "runs": runs}, separators=(",", ":")) + "\n")


main()
