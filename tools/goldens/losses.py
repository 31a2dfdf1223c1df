"""Losses and their gradients by the model's output, as PyTorch computes them in float64."""

import json
import pathlib
import sys

sys.path.pop(0)  # its neighbours have names of the standard library

import torch
import torch.nn.functional as F

TARGET = pathlib.Path(__file__).parents[2] / "test" / "goldens" / "losses.json"


def case(loss, options, shape, axis, target, compute):
    y = (torch.randn(shape, dtype=torch.float64) * 2).requires_grad_()
    value = compute(y, target)
    value.backward()
    return {
        "loss": {"kind": loss, **options}, "axis": axis, "shape": list(shape), "output": y.detach().ravel().tolist(),
        "target": {"shape": list(target.shape), "dtype": str(target.dtype).removeprefix("torch."), "values": target.ravel().tolist()},
        "value": value.item(), "gradient": y.grad.ravel().tolist(),
    }  # fmt: skip


def cross_entropy(options, shape, axis):
    labels = torch.randint(shape[axis], [n for at, n in enumerate(shape) if at != axis])
    if "ignoreIndex" in options:
        labels.view(-1)[::3] = options["ignoreIndex"]
    weights = options.get("classWeights")
    return case(
        "cross-entropy", options, shape, axis, labels,
        lambda y, t: F.cross_entropy(
            y.movedim(axis, 1), t, weight=None if weights is None else torch.tensor(weights, dtype=torch.float64),
            ignore_index=options.get("ignoreIndex", -100), label_smoothing=options.get("labelSmoothing", 0.0),
        ),
    )  # fmt: skip


def main():
    torch.manual_seed(1)
    cases = []
    for smoothing in [{}, {"labelSmoothing": 0.1}]:
        for ignored in [{}, {"ignoreIndex": -100}, {"ignoreIndex": 2}]:
            for weights in [{}, {"classWeights": [0.5, 2.0, 1.0, 0.25]}]:
                for shape, axis in [((6, 4), 1), ((2, 3, 4), 2), ((2, 4, 2, 3), 1)]:
                    cases.append(cross_entropy({**smoothing, **ignored, **weights}, shape, axis))
    shape = (5, 3)
    numbers = torch.randn(shape, dtype=torch.float64)
    shares = torch.softmax(numbers, 1)
    cases += [
        case("soft-cross-entropy", {}, shape, 1, shares, F.cross_entropy),
        case("binary-cross-entropy", {}, shape, 1, torch.sigmoid(numbers), F.binary_cross_entropy_with_logits),
        case("mean-squared-error", {}, shape, 1, numbers, F.mse_loss),
        case("mean-absolute-error", {}, shape, 1, numbers, F.l1_loss),
        case("huber", {}, shape, 1, numbers, F.huber_loss),
        case("huber", {"delta": 0.3}, shape, 1, numbers, lambda y, t: F.huber_loss(y, t, delta=0.3)),
        case("cosine", {}, shape, 1, numbers, lambda y, t: (1 - F.cosine_similarity(y, t, dim=1)).mean()),
    ]
    for temperature in [2.0, 5.0]:
        options = {} if temperature == 2 else {"temperature": temperature}

        def distillation(y, t, heat=temperature):
            return F.kl_div(F.log_softmax(y / heat, 1), F.log_softmax(t / heat, 1), log_target=True, reduction="batchmean") * heat**2

        cases.append(case("distillation", options, shape, 1, numbers, distillation))
    TARGET.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")) + "\n")
    print(len(cases), "cases")


main()
