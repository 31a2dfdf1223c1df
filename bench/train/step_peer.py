"""Steps of training in PyTorch eager: networks.ts's networks with the weights it made. Told on standard input how many steps to do;
answers each time with a line of JSON.

step_peer.py NETWORK OPTIMIZER THREADS FOLDER LEARNING_RATE
"""

import json
import pathlib
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

CLASSES = 10


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(784, 1024), nn.Linear(1024, 1024), nn.Linear(1024, CLASSES)

    def forward(self, x):
        return self.head(F.relu(self.second(F.relu(self.first(x)))))


class NormalizedConvolution(nn.Module):
    def __init__(self, inputs, outputs, kernel=3, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.norm(self.conv(x))


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        channels = [1, 16, 16, 32, 32, 48]
        for layer in range(1, 6):
            self.add_module(f"layer{layer}", NormalizedConvolution(channels[layer - 1], channels[layer]))
        self.head = nn.Linear(48 * 9, CLASSES)

    def forward(self, x):
        for layer in range(1, 6):
            x = F.relu(self.get_submodule(f"layer{layer}")(x), inplace=True)
            if layer in (2, 4, 5):
                x = F.max_pool2d(x, 2)
        return self.head(x.flatten(1))


class TransformerBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = (part.view(n, t, self.heads, -1).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, -1))
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, c))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, width=256, layers=4):
        super().__init__()
        self.words = nn.Embedding(1000, width)
        self.places = nn.Parameter(torch.zeros(128, width))
        self.layers = layers
        for layer in range(1, layers + 1):
            self.add_module(f"layer{layer}", TransformerBlock(width, 4))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x):
        x = self.words(x) + self.places
        for layer in range(1, self.layers + 1):
            x = self.get_submodule(f"layer{layer}")(x)
        return self.head(self.norm(x).mean(1))


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.first = NormalizedConvolution(inputs, outputs, stride=stride)
        self.second = NormalizedConvolution(outputs, outputs)
        self.way = nn.Identity() if stride == 1 else NormalizedConvolution(inputs, outputs, 1, stride)

    def forward(self, x):
        made = self.second(F.relu(self.first(x), inplace=True))
        made += self.way(x)
        return F.relu(made, inplace=True)


class Resnet18(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = NormalizedConvolution(3, 64, 7, 2)
        channels = [64, 64, 128, 256, 512]
        for stage in range(1, 5):
            blocks = nn.Module()
            blocks.first = ResidualBlock(channels[stage - 1], channels[stage])
            blocks.second = ResidualBlock(channels[stage], channels[stage])
            self.add_module(f"stage{stage}", blocks)
        self.head = nn.Linear(512, CLASSES)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.stem(x), inplace=True), 3, 2, 1)
        for stage in range(1, 5):
            blocks = self.get_submodule(f"stage{stage}")
            x = blocks.second(blocks.first(x))
        return self.head(x.mean((2, 3)))


NETWORKS = {"mlp": Mlp, "cnn": Cnn, "transformer": Transformer, "resnet18": Resnet18}
OPTIMIZERS = {
    "sgd": lambda parameters, rate: torch.optim.SGD(parameters, lr=rate, momentum=0.9),
    "adam": lambda parameters, rate: torch.optim.Adam(parameters, lr=rate),
}


def tensors(folder):
    """The tensors of a folder: `tensors.json` says their names, types and shapes, `tensors.bin` has them one after the other."""
    found = {}
    at = 0
    content = bytearray((folder / "tensors.bin").read_bytes())
    for name, dtype, shape in json.loads((folder / "tensors.json").read_text()):
        kind = getattr(torch, dtype)
        size = torch.Size(shape).numel()
        found[name] = torch.frombuffer(content, dtype=kind, count=size, offset=at).reshape(shape).clone()
        at += size * kind.itemsize
    return found


def load(model, stored):
    """Gives the model its weights; those of `project` in networks.ts lie the other way round."""
    with torch.no_grad():
        for name, parameter in model.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            value = stored.pop(name)
            if value.shape != parameter.shape or any(part in name for part in (".qkv.w", ".out.w", ".up.w", ".down.w")):
                value = value.T
            parameter.copy_(value)
    if stored:
        raise SystemExit(f"The model has no parameters {', '.join(stored)}.")


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def main():
    network, optimizer, threads, folder, rate = sys.argv[1:]
    torch.set_num_threads(int(threads))
    before = resident()
    started = time.perf_counter()
    stored = tensors(pathlib.Path(folder))
    x, labels = stored.pop("x"), stored.pop("target")
    model = NETWORKS[network]()
    load(model, stored)
    model.train()
    step_by = OPTIMIZERS[optimizer](model.parameters(), float(rate))
    build_ms = (time.perf_counter() - started) * 1000
    print(json.dumps({"version": torch.__version__, "buildMs": build_ms}), flush=True)
    for line in sys.stdin:
        steps_ms, cpu_ms, losses = [], [], []
        for _ in range(int(line)):
            began, cpu_began = time.perf_counter(), time.process_time()
            loss = F.cross_entropy(model(x), labels)
            step_by.zero_grad()
            loss.backward()
            step_by.step()
            losses.append(loss.item())
            steps_ms.append((time.perf_counter() - began) * 1000)
            cpu_ms.append((time.process_time() - cpu_began) * 1000)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"stepsMs": steps_ms, "cpuMs": cpu_ms, "losses": losses, "peakBytes": peak, "addedBytes": peak - before}), flush=True)


if __name__ == "__main__":
    main()
