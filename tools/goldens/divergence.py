"""How far PyTorch's losses over the steps of a training are from one another where only rounding differs: on two threads, with other
kernels, with the optimiser in one kernel, with the rows of batches in other orders, and in double precision. Tests hold Slipway's
losses against these distances."""

import contextlib
import math

import torch

STEPS = 100
ORDERS = 8


class Way:
    """How a training is computed: unless said, on one thread in single precision, with rows as they come."""

    def __init__(self, threads=1, dtype=torch.float32, onednn=True, fused=False, seed=None):
        self.threads, self.dtype, self.onednn, self.fused, self.seed = threads, dtype, onednn, fused, seed

    def order(self, step, rows):
        """The rows of a step's batch, whose mean loss is the same in any order."""
        if self.seed is None:
            return torch.arange(rows)
        return torch.randperm(rows, generator=torch.Generator().manual_seed(self.seed * STEPS + step))


# In single precision, by what differs.
WAYS = {
    "threads": [Way(threads=2)],
    "kernels": [Way(onednn=False)],
    "optimizer": [Way(fused=True)],
    "orders": [Way(seed=seed) for seed in range(ORDERS)],
}


def measured(train):
    """What `train(way)` loses at each step, and the largest relative differences over all steps."""
    one = losses(train, Way())
    double = losses(train, Way(dtype=torch.float64))
    others = {name: [losses(train, way) for way in ways] for name, ways in WAYS.items()}
    single = [one, *(found for group in others.values() for found in group)]
    return {
        "losses": [float(f"{loss:.12g}") for loss in one],
        "inDouble": [float(f"{loss:.12g}") for loss in double],
        # Of each from the losses on one thread.
        "divergence": {
            **{name: most(off(found, one) for found in group) for name, group in others.items()},
            "double": most([off(double, one)]),
        },
        # Of those in single precision from those in double.
        "fromDouble": most(off(found, double) for found in single),
    }  # fmt: skip


def losses(train, way):
    torch.set_num_threads(way.threads)
    with contextlib.nullcontext() if way.onednn else torch.backends.mkldnn.flags(enabled=False):
        found = train(way)
    assert len(found) == STEPS and all(math.isfinite(loss) for loss in found)
    return found


def off(found, reference):
    return max(abs(a - b) / abs(b) for a, b in zip(found, reference, strict=True))


def most(values):
    return float(f"{max(values):.2g}")


def summary(name, run):
    """A line to look at while it runs."""
    parts = (f"{key} {value:.1e}" for key, value in run["divergence"].items())
    return f"{name}: {run['losses'][0]:.4f} … {run['losses'][-1]:.4f}; {', '.join(parts)}; from double {run['fromDouble']:.1e}"
