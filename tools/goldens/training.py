"""Losses of training, step by step, as PyTorch computes them: the models as ONNX files before the first step, and 100 losses for each
optimiser, on one thread and on two. Batches are made by a formula that the test has too."""

import io
import json
import math
import pathlib
import sys

sys.path.pop(0)  # its neighbours have names of the standard library

import onnx
import torch
import torch.nn.functional as F
from torch import nn

TARGET = pathlib.Path(__file__).parents[2] / "test" / "goldens" / "training"
STEPS = 100
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


MODELS = {"mlp": (Mlp, [ROWS, 12]), "cnn": (Cnn, [ROWS, 2, 8, 8]), "transformer": (Transformer, [ROWS, 6, 4])}
# Options as Slipway has them, the learning rate, the largest norm of all gradients, and PyTorch's optimiser.
OPTIMIZERS = {
    "sgd": ({"kind": "sgd", "momentum": 0.9}, 0.05, None, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    "adam": ({"kind": "adam"}, 0.01, None, lambda p: torch.optim.Adam(p, lr=0.01)),
    "adamw": ({"kind": "adamw", "weightDecay": 0.05}, 0.01, None, lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.05)),
}  # fmt: skip
MORE = {
    "plain": ({"kind": "sgd"}, 0.1, None, lambda p: torch.optim.SGD(p, lr=0.1)),
    "nesterov": (
        {"kind": "sgd", "momentum": 0.8, "nesterov": True, "weightDecay": 0.01}, 0.05, None,
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.01),
    ),
    "decayed": ({"kind": "adam", "weightDecay": 0.02, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6}, 0.01, None, lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.02, betas=(0.8, 0.99), eps=1e-6)),
    "rmsprop": ({"kind": "rmsprop", "alpha": 0.9, "weightDecay": 0.01}, 0.01, None, lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9, weight_decay=0.01)),
    "clipped": ({"kind": "sgd", "momentum": 0.9}, 0.2, 0.3, lambda p: torch.optim.SGD(p, lr=0.2, momentum=0.9)),
}  # fmt: skip


def batch(shape, step):
    size = math.prod(shape)
    x = torch.tensor([math.sin(1 + at * 0.37 + step * 1.3) + 0.5 * math.sin(at * at * 0.011) for at in range(size)], dtype=torch.float64)
    labels = torch.tensor([(at * 7 + step * 3) % CLASSES for at in range(ROWS)])
    return x.to(torch.float32).reshape(shape), labels


def losses(model, start, made, max_norm, shape, threads):
    torch.set_num_threads(threads)
    model.load_state_dict(start)
    model.train()
    step_by = made(model.parameters())
    found = []
    for step in range(STEPS):
        x, labels = batch(shape, step % 10)
        step_by.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        step_by.step()
        found.append(loss.item())
    return found


def main():
    TARGET.mkdir(parents=True, exist_ok=True)
    runs = []
    for index, (name, (build, shape)) in enumerate(MODELS.items()):
        torch.manual_seed(index + 1)
        model = build()
        start = {key: value.clone() for key, value in model.state_dict().items()}
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
            one, two = (losses(model, start, made, max_norm, shape, threads) for threads in (1, 2))
            runs.append({"name": f"{name}, {optimizer}", "model": name, "shape": shape, "optimizer": options, "maxNorm": max_norm, "learningRate": rate, "losses": one, "onTwoThreads": two})
            print(name, optimizer, one[0], one[9], one[-1], "divergence", max(abs(a - b) / a for a, b in zip(one, two)))
    (TARGET / "losses.json").write_text(json.dumps({"torch": torch.__version__, "classes": CLASSES, "runs": runs}, separators=(",", ":")) + "\n")


main()
