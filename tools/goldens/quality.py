"""Golden numbers for server/src/lab/measure/quality, from scikit-learn. Run it alone to renew them:

    python -m venv /tmp/goldens && /tmp/goldens/bin/pip install -r tools/goldens/requirements.txt
    /tmp/goldens/bin/python tools/goldens/quality.py

Scores, weights and targets are whole numbers over a denominator, a power of two, so that both languages hold them exactly.
What scikit-learn answers with NaN is null here. Where it answers with a stand-in for what is undefined (a correlation or an
average precision of 0, an R2 of 1), null is written for it, under the condition that stands beside it. It has no pairs of
classes with weights (here: each row as often as its weight says) and no calibration errors (here: NumPy, bins of equal mass
ending at numpy.quantile's inverted distribution function). Its top-k takes the higher class among equals, so labels and
columns are turned round: the class of the lowest number comes first, as in argmax.
"""

import importlib.metadata
import json
import pathlib
import warnings

import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve

TARGET = pathlib.Path(__file__).parents[2] / "test" / "goldens" / "quality.json"
BINS = 10
QUANTILES = [0.1, 0.5, 0.9]


def plain(value):
    """As JSON holds it: NaN as null."""
    if isinstance(value, np.ndarray):
        return [plain(entry) for entry in value]
    value = float(value)
    return None if np.isnan(value) else int(value) if value.is_integer() else value


def undefined_if(condition: bool, value) -> float | None:
    return None if condition else plain(value)


def area(positive: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Without rows of weight 0, so that a class of only such rows is as absent as one without rows."""
    kept = weights > 0
    return metrics.roc_auc_score(positive[kept], scores[kept], sample_weight=weights[kept])


def calibrated(confidence: np.ndarray, hit: np.ndarray, weights: np.ndarray, edges: np.ndarray) -> dict:
    """Bins (lower, upper], the first with its lower end; those without rows are left out."""
    bins = np.searchsorted(edges[1:-1], confidence)
    rows, gaps, mass = [], [], []
    for index in range(len(edges) - 1):
        inside = (bins == index) & (weights > 0)
        if not inside.any():
            continue
        mean = np.average(confidence[inside], weights=weights[inside])
        accuracy = np.average(hit[inside], weights=weights[inside])
        rows.append([int(inside.sum()), plain(weights[inside].sum()), plain(mean), plain(accuracy)])
        gaps.append(abs(mean - accuracy))
        mass.append(weights[inside].sum())
    return {"bins": rows, "expected": plain(np.average(gaps, weights=mass)), "maximum": plain(max(gaps))}


def calibration(confidence: np.ndarray, hit: np.ndarray, weights: np.ndarray) -> dict:
    equal_width = calibrated(confidence, hit, weights, np.arange(BINS + 1) / BINS)
    if (weights == 1).all():
        accuracies, means = calibration_curve(hit, confidence, n_bins=BINS) if 0 < hit.sum() < len(hit) else (None, None)
        if means is not None:
            np.testing.assert_allclose([row[2] for row in equal_width["bins"]], means, rtol=1e-12)
            np.testing.assert_allclose([row[3] for row in equal_width["bins"]], accuracies, rtol=1e-12)
    kept = weights > 0
    inner = np.quantile(confidence[kept], np.arange(1, BINS) / BINS, weights=weights[kept], method="inverted_cdf")
    edges = np.unique(np.concatenate([inner, [confidence[kept].max()]]))
    equal_mass = calibrated(confidence, hit, weights, np.concatenate([[-np.inf], edges]))
    return {"equalWidth": equal_width, "equalMass": equal_mass}


def curves(positive: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> dict:
    false_rate, true_rate, thresholds = metrics.roc_curve(positive, scores, sample_weight=weights, drop_intermediate=False)
    precision, recall, _ = metrics.precision_recall_curve(positive, scores, sample_weight=weights)
    return {"roc": [plain(false_rate), plain(true_rate), plain(thresholds[1:])],
            "precisionRecall": [plain(recall[::-1]), plain(precision[::-1])]}  # fmt: skip


def classified(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray, classes: int, scale: str, ks: list[int], has_curves: bool) -> dict:
    every = np.arange(classes)
    single = scores.ndim == 1
    threshold = 0.5 if scale == "probability" else 0
    predicted = (scores >= threshold).astype(int) if single else scores.argmax(axis=1)
    present = np.unique(labels[weights > 0])
    chosen = np.unique(predicted[weights > 0])
    result = {
        "accuracy": plain(metrics.accuracy_score(labels, predicted, sample_weight=weights)),
        "balancedAccuracy": plain(metrics.balanced_accuracy_score(labels, predicted, sample_weight=weights)),
        "matthews": undefined_if(len(present) < 2 or len(chosen) < 2, metrics.matthews_corrcoef(labels, predicted, sample_weight=weights)),
        "kappa": undefined_if(len(present) == 1 and len(chosen) == 1 and present[0] == chosen[0],
                              metrics.cohen_kappa_score(labels, predicted, labels=every, sample_weight=weights)),
        "confusion": plain(metrics.confusion_matrix(labels, predicted, labels=every, sample_weight=weights).ravel()),
    }  # fmt: skip
    for average in [None, "macro", "micro", "weighted"]:
        found = metrics.precision_recall_fscore_support(
            labels, predicted, labels=every, average=average, sample_weight=weights, zero_division=np.nan)
        result[average or "perClass"] = [plain(value) for value in found[:3]]
    # The weights of all classes that are ever predicted are 0: scikit-learn falls back to the plain mean.
    if not set(present) & set(chosen):
        result["weighted"][0] = None
    if scale == "probability":
        result["logLoss"] = plain(metrics.log_loss(labels, scores, labels=every, sample_weight=weights))
        result["brier"] = plain(metrics.brier_score_loss(labels, scores, labels=every, sample_weight=weights))
        positive = scores if single else scores[:, 1]
        if classes == 2:
            result["calibration"] = calibration(positive, (labels == 1).astype(float), weights)
        else:
            result["calibration"] = calibration(scores.max(axis=1), (predicted == labels).astype(float), weights)
    if not single:
        turned = (classes - 1 - labels, scores[:, ::-1]) if classes > 2 else None
        result["topK"] = [
            plain(metrics.top_k_accuracy_score(turned[0], turned[1], k=k, labels=every, sample_weight=weights)) if turned
            else plain(metrics.accuracy_score(labels, predicted, sample_weight=weights)) if k == 1 else 1
            for k in ks]  # fmt: skip
    if classes == 2:
        positive = scores if single else scores[:, 1]
        result["rocAuc"] = plain(area(labels, positive, weights))
        result["averagePrecision"] = undefined_if(1 not in present, metrics.average_precision_score(labels, positive, sample_weight=weights))
        if has_curves:
            result.update(curves(labels, positive, weights))
        return result
    areas = [area((labels == label).astype(int), scores[:, label], weights) for label in every]
    precisions = [undefined_if(label not in present, metrics.average_precision_score(labels == label, scores[:, label], sample_weight=weights))
                  for label in every]  # fmt: skip
    support = np.array([weights[labels == label].sum() for label in every])
    rest = {"perClass": [plain(value) for value in areas]}
    pairs = {}
    for average in ["macro", "weighted"]:
        kept = weights > 0
        if len(present) < 2:
            rest[average], pairs[average] = None, None
        elif scale == "probability":
            rest[average] = plain(metrics.roc_auc_score(
                labels[kept], scores[kept], multi_class="ovr", average=average, labels=every, sample_weight=weights[kept]))
            often = weights.astype(int) if (weights % 1 == 0).all() else None
            if often is not None:
                pairs[average] = plain(metrics.roc_auc_score(
                    np.repeat(labels, often), np.repeat(scores, often, axis=0), multi_class="ovo", average=average, labels=every))
    if scale != "probability" and len(present) > 1:
        # scikit-learn takes probabilities alone here; the means are of its areas by class.
        rest["macro"] = plain(np.mean(areas))
        rest["weighted"] = plain(np.nansum(np.where(support > 0, areas, 0) * support) / support.sum())
    result["rocAuc"] = rest
    result["pairs"] = pairs
    defined = [value for value in precisions if value is not None]
    result["averagePrecision"] = {
        "perClass": precisions,
        "macro": plain(np.mean(defined)) if len(defined) == classes else None,
        "weighted": plain(np.average(defined, weights=support[support > 0])),
    }
    return result


def random_scores(rng: np.random.Generator, rows: int, columns: int, denominator: int, scale: str, labels: np.ndarray) -> np.ndarray:
    """Whole numbers; probabilities of a row sum to the denominator. They know a little of the labels."""
    if columns == 1:
        pull = rng.beta(np.where(labels == 1, 2.5, 1.2), np.where(labels == 1, 1.2, 2.5))
        whole = np.round(pull * denominator).astype(int)
        return whole if scale == "probability" else whole * 6 - 3 * denominator
    if scale == "any":
        logits = rng.normal(size=(rows, columns)) + 1.2 * (np.arange(columns) == labels[:, None])
        return np.round(logits * denominator).astype(int)
    shares = rng.dirichlet(np.ones(columns) * 0.5, size=rows)
    shares = 0.6 * shares + 0.4 * (np.arange(columns) == np.where(rng.random(rows) < 0.6, labels, rng.integers(0, columns, rows))[:, None])
    whole = np.floor(shares * denominator).astype(int)
    whole[np.arange(rows), rng.integers(0, columns, rows)] += denominator - whole.sum(axis=1)
    return whole


def classification() -> list[dict]:
    cases = []

    def add(title, seed, rows, classes, columns, denominator, *, scale="probability", weighted=None, absent=(), change=None, has_curves=False):
        rng = np.random.default_rng(seed)
        there = [label for label in range(classes) if label not in absent]
        labels = rng.choice(there, rows, p=np.arange(1, len(there) + 1) / (len(there) * (len(there) + 1) / 2))
        scores = random_scores(rng, rows, columns, denominator, scale, labels)
        weights, weight_denominator = np.ones(rows, int), 1
        if weighted == "whole":
            weights = rng.integers(1, 5, rows)
        elif weighted == "zeros":
            weights = rng.integers(0, 3, rows)
        elif weighted == "parts":
            weights, weight_denominator = rng.integers(0, 4096, rows), 1024
        if change is not None:
            labels, scores, weights = change(labels, scores, weights)
        ks = [1, 2, classes - 1] if classes > 2 else [1, 2]
        expected = classified(labels, scores / denominator, weights / weight_denominator, classes, scale, ks, has_curves)
        cases.append({
            "title": f"{title}, {classes} classes, {columns} scores a row, {scale}, weights {weighted or 'none'}", "classes": classes,
            "columns": columns, "scale": scale, "topK": ks, "labels": labels.tolist(), "scores": scores.ravel().tolist(),
            "denominator": denominator, **({} if weighted is None else {"weights": weights.tolist(), "weightDenominator": weight_denominator}),
            "expected": expected})  # fmt: skip

    seed = 100
    for classes, columns in [(2, 1), (2, 2), (3, 3), (5, 5)]:
        for scale in ["probability", "any"]:
            for weighted in [None, "whole", "zeros", "parts"]:
                seed += 1
                rows = 67 if classes == 2 else 53
                add("fine scores", seed, rows, classes, columns, 2**20, scale=scale, weighted=weighted,
                    has_curves=columns == 1 and weighted in (None, "parts"))
        for weighted in [None, "zeros"]:
            seed += 1
            add("many ties", seed, 61, classes, columns, 8, weighted=weighted, has_curves=columns == 1)
    add("constant scores", 201, 31, 2, 1, 8, change=lambda y, s, w: (y, np.full_like(s, 3), w), has_curves=True)
    add("constant scores at the threshold", 202, 31, 2, 1, 8, weighted="whole", change=lambda y, s, w: (y, np.full_like(s, 4), w))
    add("constant scores", 203, 31, 4, 4, 8, change=lambda y, s, w: (y, np.full_like(s, 2), w))
    add("scores of exactly 0 and 1", 204, 43, 2, 1, 1, weighted="parts", has_curves=True)
    add("scores of exactly 0 and 1", 205, 43, 3, 3, 1)
    add("all right and sure", 206, 23, 2, 1, 1, change=lambda y, s, w: (y, y.copy(), w), has_curves=True)
    add("all wrong and sure", 207, 23, 2, 1, 1, change=lambda y, s, w: (y, 1 - y, w), has_curves=True)
    add("all right and sure", 208, 23, 4, 4, 1, change=lambda y, s, w: (y, np.eye(4, dtype=int)[y], w))
    add("all wrong and sure", 209, 23, 4, 4, 1, weighted="whole", change=lambda y, s, w: (y, np.eye(4, dtype=int)[(y + 1) % 4], w))
    for label in [0, 1]:
        add(f"only class {label}", 210 + label, 29, 2, 1, 256, absent=(1 - label,))
        add(f"only class {label}", 212 + label, 29, 2, 2, 256, absent=(1 - label,), weighted="parts")
    add("only class 2", 214, 29, 4, 4, 256, absent=(0, 1, 3))
    add("class 0 absent", 215, 37, 4, 4, 256, absent=(0,))
    add("classes 1 and 3 absent", 216, 37, 5, 5, 256, absent=(1, 3), weighted="zeros")
    add("class 3 absent", 217, 37, 4, 4, 256, absent=(3,), scale="any", weighted="whole")
    add("class 1 of weight 0 alone", 218, 37, 3, 3, 256, weighted="zeros", change=lambda y, s, w: (y, s, np.where(y == 1, 0, w)))
    add("class 1 of weight 0 alone", 219, 37, 2, 1, 256, weighted="zeros", change=lambda y, s, w: (y, s, np.where(y == 1, 0, w)))
    add("class 2 never predicted", 220, 41, 3, 3, 256, change=lambda y, s, w: (y, np.column_stack([s[:, 0] + s[:, 2], s[:, 1], 0 * s[:, 2]]), w))
    add("no label's class ever predicted", 221, 17, 3, 3, 4, absent=(2,), change=lambda y, s, w: (y, np.tile([1, 0, 3], (len(y), 1)), w))
    add("one row", 222, 1, 3, 3, 256)
    add("one row", 223, 1, 2, 1, 256)
    add("two rows", 224, 2, 2, 1, 256, change=lambda y, s, w: (np.array([0, 1]), s, w), has_curves=True)
    add("long and rare", 225, 400, 2, 1, 64, change=lambda y, s, w: ((np.arange(400) % 50 == 0).astype(int), s, w), has_curves=True)
    return cases


def regression() -> list[dict]:
    cases = []

    def add(title, seed, rows, denominator, *, weighted=None, offset=0, change=None):
        rng = np.random.default_rng(seed)
        targets = np.round((rng.normal(size=rows) * 3 + offset) * denominator).astype(np.int64)
        predictions = targets + np.round(rng.standard_t(3, size=rows) * denominator).astype(np.int64)
        weights, weight_denominator = np.ones(rows, int), 1
        if weighted == "whole":
            weights = rng.integers(1, 5, rows)
        elif weighted == "zeros":
            weights = rng.integers(0, 3, rows)
        elif weighted == "parts":
            weights, weight_denominator = rng.integers(0, 4096, rows), 1024
        if change is not None:
            targets, predictions, weights = change(targets, predictions, weights)
        y, p, w = targets / denominator, predictions / denominator, weights / weight_denominator
        kept = w > 0
        few = kept.sum() < 2
        constant = len(np.unique(y[kept])) < 2
        expected = {
            "meanAbsoluteError": plain(metrics.mean_absolute_error(y, p, sample_weight=w)),
            "rootMeanSquaredError": plain(metrics.root_mean_squared_error(y, p, sample_weight=w)),
            "medianAbsoluteError": plain(metrics.median_absolute_error(y[kept], p[kept], sample_weight=None if weighted is None else w[kept])),
            "r2": undefined_if(few or constant, metrics.r2_score(y, p, sample_weight=w)),
            "explainedVariance": undefined_if(few or constant, metrics.explained_variance_score(y, p, sample_weight=w)),
            "meanAbsolutePercentageError": undefined_if((y[kept] == 0).any(), metrics.mean_absolute_percentage_error(y, p, sample_weight=w)),
            "quantileLosses": [plain(metrics.mean_pinball_loss(y, p, sample_weight=w, alpha=quantile)) for quantile in QUANTILES],
        }  # fmt: skip
        cases.append({
            "title": f"{title}, weights {weighted or 'none'}", "targets": targets.tolist(), "predictions": predictions.tolist(),
            "denominator": denominator, **({} if weighted is None else {"weights": weights.tolist(), "weightDenominator": weight_denominator}),
            "expected": expected})  # fmt: skip

    for index, weighted in enumerate([None, "whole", "zeros", "parts"]):
        add("fine", 300 + index, 71, 2**20, weighted=weighted)
        add("coarse, with ties and zeros", 310 + index, 64, 2, weighted=weighted)
        add("far from 0", 320 + index, 58, 2**10, weighted=weighted, offset=1e7)
    add("constant targets", 330, 20, 4, change=lambda y, p, w: (np.full_like(y, 7), p, w))
    add("constant targets, met", 331, 20, 4, weighted="parts", change=lambda y, p, w: (np.full_like(y, 7), np.full_like(y, 7), w))
    add("all met", 332, 20, 4, change=lambda y, p, w: (y, y, w))
    add("one row", 333, 1, 4)
    add("two rows", 334, 2, 2**10)
    add("an outlier", 335, 33, 2**10, change=lambda y, p, w: (y, np.where(np.arange(33) == 5, 2**40, p), w))
    add("worse than the mean", 336, 33, 2**10, weighted="whole", change=lambda y, p, w: (y, -3 * y, w))
    add("targets differ in rows of weight 0 alone", 337, 20, 4, weighted="zeros",
        change=lambda y, p, w: (np.where(w > 0, 7, y), p, w))  # fmt: skip
    return cases


def main() -> None:
    warnings.simplefilter("ignore")
    made_with = {name: importlib.metadata.version(name) for name in ["numpy", "scikit-learn"]}
    goldens = {"madeWith": made_with, "bins": BINS, "quantiles": QUANTILES, "classification": classification(), "regression": regression()}
    TARGET.write_text(json.dumps(goldens, separators=(",", ":"), allow_nan=False) + "\n")
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes, {len(goldens['classification'])} + {len(goldens['regression'])} cases")


if __name__ == "__main__":
    main()
