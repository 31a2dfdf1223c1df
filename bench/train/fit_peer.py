"""A whole training of the digits in PyTorch eager: from files of pixels to weights, with a DataLoader. Told on standard input by which
seed; answers with a line of JSON.

fit_peer.py FOLDER EPOCHS
"""

import json
import pathlib
import sys
import time

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from step_peer import Cnn, load, tensors

BATCH = 64
RATE = 0.002
DECAY = 0.01


class Digits(Dataset):
    """Rows in memory as floats, of which a batch is taken at once."""

    def __init__(self, folder, name):
        read = lambda what: torch.frombuffer(bytearray((folder / f"{name}-{what}.bin").read_bytes()), dtype=torch.uint8)
        self.x = read("pixels").reshape(-1, 1, 28, 28).float() / 255
        self.labels = read("labels").long()

    def __len__(self):
        return len(self.labels)

    def __getitems__(self, places):
        return self.x[places], self.labels[places]


def fit(folder, epochs, seed):
    began, cpu_began = time.perf_counter(), time.process_time()
    torch.manual_seed(seed)
    digits = Digits(folder, "training")
    stored = tensors(folder)
    del stored["x"], stored["target"]
    model = Cnn()
    load(model, stored)
    model.train()
    step_by = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    loader = DataLoader(digits, BATCH, shuffle=True, collate_fn=lambda batch: batch)
    ready = time.perf_counter() - began
    waited = 0.0
    for _ in range(epochs):
        total = 0.0
        rows = iter(loader)
        while True:
            asked = time.perf_counter()
            batch = next(rows, None)
            waited += time.perf_counter() - asked
            if batch is None:
                break
            x, labels = batch
            loss = F.cross_entropy(model(x), labels)
            step_by.zero_grad()
            loss.backward()
            step_by.step()
            total += loss.item()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    held_out = Digits(folder, "heldOut")
    model.eval()
    with torch.no_grad():
        right = int((model(held_out.x).argmax(1) == held_out.labels).sum())
    return {"seconds": seconds, "cpuSeconds": cpu_seconds, "readySeconds": ready, "waitedSeconds": waited, "right": right}


def main():
    folder, epochs = sys.argv[1:]
    torch.set_num_threads(1)
    print(json.dumps({"version": torch.__version__}), flush=True)
    for line in sys.stdin:
        print(json.dumps(fit(pathlib.Path(folder), int(epochs), int(line))), flush=True)


main()
