"""Gradients of each sample's own loss, as PyTorch's vmap over grad computes them in float64, and the model as an ONNX file: a small
language model whose embedding is its head's weight too, and a small CNN with groups and normalisation by groups."""

import io
import json
import pathlib
import sys

sys.path.pop(0)  # its neighbours have names of the standard library

import onnx
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad, vmap

TARGET = pathlib.Path(__file__).parents[2] / "test" / "goldens" / "per-sample"
SAMPLES = 3


class Language(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(9, 8)
        self.places = nn.Parameter(torch.randn(6, 8) * 0.3)
        self.norm = nn.LayerNorm(8)
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 8)
        self.last = nn.LayerNorm(8)

    def forward(self, ids):
        x = self.embed(ids) + self.places
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        mask = torch.full((6, 6), -1e9, dtype=x.dtype).triu(1)
        x = x + self.out(torch.softmax(q @ k.transpose(-1, -2) / 8**0.5 + mask, -1) @ v)
        return self.last(x) @ self.embed.weight.T


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, padding=1, stride=2)
        self.norm = nn.GroupNorm(2, 4)
        self.conv2 = nn.Conv2d(4, 4, 3, groups=2)
        self.slope = nn.PReLU(4)
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        x = self.slope(self.norm(self.conv1(x)))
        return self.head(self.conv2(x).flatten(1))


def golden(name, model, inputs, labels, axis):
    model.double()
    parameters = {key: value.detach() for key, value in model.named_parameters()}

    def loss(parameters, x, label):
        logits = functional_call(model, parameters, (x[None],))
        return F.cross_entropy(logits.movedim(axis, 1), label[None])

    gradients = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, inputs, labels)
    model.float()
    bytes_ = io.BytesIO()
    x = inputs.float() if inputs.is_floating_point() else inputs
    torch.onnx.export(
        model, (x,), bytes_, input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "N"}, "y": {0: "N"}}, dynamo=False,
        opset_version=18, do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE,
    )  # fmt: skip
    onnx.save(onnx.load_from_string(bytes_.getvalue()), TARGET / f"{name}.onnx")
    return {
        "name": name, "axis": axis,
        "inputs": {"shape": list(inputs.shape), "dtype": "int64" if inputs.dtype == torch.int64 else "float32", "values": inputs.ravel().tolist()},
        "labels": {"shape": list(labels.shape), "values": labels.ravel().tolist()},
        "gradients": {key: [float(f"{value:.9g}") for value in all_.ravel().tolist()] for key, all_ in gradients.items()},
    }  # fmt: skip


TARGET.mkdir(exist_ok=True)
torch.manual_seed(7)
# Numbers that come again, in one sample and in several.
language = golden("language", Language(), torch.tensor([[0, 3, 3, 1, 8, 3], [2, 2, 2, 2, 2, 2], [5, 1, 0, 7, 5, 4]]), torch.randint(9, (SAMPLES, 6)), 2)
images = golden("images", Images(), torch.randn(SAMPLES, 2, 7, 7, dtype=torch.float64).float().double(), torch.randint(5, (SAMPLES,)), 1)
versions = {"torch": torch.__version__, "onnx": onnx.__version__}
(TARGET / "gradients.json").write_text(json.dumps({"versions": versions, "cases": [language, images]}) + "\n")
