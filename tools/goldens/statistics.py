"""Makes test/goldens/statistics/tests.json: intervals, tests and resampling as SciPy and statsmodels compute them.

    python -m venv /tmp/goldens && /tmp/goldens/bin/pip install -r tools/goldens/requirements.txt
    /tmp/goldens/bin/python tools/goldens/statistics.py

What they lack is computed here from its definition: DeLong's variance from all pairs, permutation p values with ties by
trying every split, the mid-p McNemar test from its formula.
"""

import importlib.metadata
import itertools
import json
import math
import pathlib

import numpy as np
from scipy import stats
from statsmodels.stats import proportion
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

OUT = pathlib.Path(__file__).parents[2] / "test" / "goldens" / "statistics" / "tests.json"
rng = np.random.default_rng(20261125)
ALTERNATIVES = ["two-sided", "less", "greater"]


def plain(value):
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(one) for one in value]
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.generic):
        return value.item()
    return value


def pair(result):
    return [float(result.statistic), float(result.pvalue)]


def proportions():
    rows = []
    for successes, trials in [(0, 10), (1, 10), (10, 10), (3, 20), (48, 100), (99, 100), (5, 1000), (123456, 200000)]:
        for confidence in (0.9, 0.95, 0.999):
            found = {"successes": successes, "trials": trials, "confidence": confidence}
            for name, method in (("wilson", "wilson"), ("clopperPearson", "beta"), ("jeffreys", "jeffreys")):
                low, high = proportion.proportion_confint(successes, trials, 1 - confidence, method)
                found[name] = [low, high]
            rows.append(found)
    return rows


def differences():
    rows = []
    for a, m, b, n in [(120, 1000, 150, 1000), (7, 34, 1, 34), (0, 16, 15, 72), (56, 70, 48, 80), (10, 10, 0, 10)]:
        low, high = proportion.confint_proportions_2indep(a, m, b, n, method="newcomb", compare="diff")
        found = {"counts": [a, m, b, n], "newcombe": [low, high]}
        found["z"] = list(proportion.proportions_ztest([a, b], [m, n]))
        if a and b:
            found["katz"] = list(proportion.confint_proportions_2indep(a, m, b, n, method="log", compare="ratio"))
        rows.append(found)
    return rows


def tables():
    rows = []
    for table in [[[8, 2], [1, 5]], [[3, 3], [2, 4]], [[60, 90], [90, 60]], [[0, 5], [7, 2]], [[1000, 10], [900, 40]], [[5, 0], [0, 5]]]:
        rows.append({"table": table, "fisher": {a: stats.fisher_exact(table, a).pvalue for a in ALTERNATIVES}})
    return rows


def mcnemars():
    rows = []
    for b, c in [(1, 7), (6, 16), (3, 3), (0, 5), (20, 45), (200, 260), (1000, 700)]:
        exact = mcnemar([[0, b], [c, 0]], exact=True).pvalue
        smaller = stats.binom.pmf(min(b, c), b + c, 0.5)
        rows.append({"counts": [b, c], "exact": exact, "midP": exact - smaller * (0.5 if b == c else 1)})
    return rows


def counts():
    rows = []
    for observed, shares in [([821588, 815482], [1, 1]), ([5000, 5200], [1, 1]), ([900, 105], [0.9, 0.1]), ([10, 20, 30], [1, 1, 1]), ([500000, 510000], [1, 1])]:
        total = sum(observed)
        expected = [total * share / sum(shares) for share in shares]
        rows.append({"observed": observed, "shares": shares, "chi": pair(stats.chisquare(observed, expected))})
    tables = []
    for table in [[[16, 18, 16, 14, 12, 12], [16, 16, 16, 16, 16, 8]], [[10, 20], [30, 5], [7, 7]], [[0, 12, 5], [3, 9, 20]]]:
        pearson = stats.chi2_contingency(table, correction=False)
        g = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
        tables.append({"table": table, "pearson": pair(pearson), "likelihoodRatio": pair(g), "degrees": pearson.dof})
    return {"goodness": rows, "independence": tables}


def exact_splits(a, b):
    """Mann–Whitney's U over every split: p values less, greater, two-sided."""
    values = np.array([*a, *b])
    ranks = stats.rankdata(values)
    observed = ranks[: len(a)].sum()
    sums = np.array([ranks[list(chosen)].sum() for chosen in itertools.combinations(range(len(values)), len(a))])
    less, greater = (sums <= observed + 1e-9).mean(), (sums >= observed - 1e-9).mean()
    return {"less": less, "greater": greater, "two-sided": min(1, 2 * min(less, greater))}


def exact_signs(differences):
    differences = np.array([d for d in differences if d != 0])
    ranks = stats.rankdata(np.abs(differences))
    observed = ranks[differences > 0].sum()
    signs = np.array(list(itertools.product([0, 1], repeat=len(ranks))))
    sums = signs @ ranks
    less, greater = (sums <= observed + 1e-9).mean(), (sums >= observed - 1e-9).mean()
    return {"statistic": observed, "less": less, "greater": greater, "two-sided": min(1, 2 * min(less, greater))}


def samples():
    rows = []
    for m, n, shift, decimals in [(8, 8, 0.5, 3), (5, 12, 0, 3), (20, 25, 0.8, 3), (3, 4, 2, 1), (9, 8, 0.3, 0), (60, 45, 0.4, 3), (80, 120, 0.3, 1), (300, 200, 0.1, 3)]:
        a, b = (np.round(rng.normal(s, 1.5, k), decimals) for s, k in ((shift, m), (0, n)))
        found = {"a": a, "b": b}
        found["welch"] = {alt: pair(stats.ttest_ind(a, b, equal_var=False, alternative=alt)) for alt in ALTERNATIVES}
        ties = len(set([*a, *b])) < m + n
        if m + n > 60:
            found["mannWhitney"] = {alt: pair(stats.mannwhitneyu(a, b, alternative=alt, method="asymptotic")) for alt in ALTERNATIVES}
        elif not ties:
            found["mannWhitney"] = {alt: pair(stats.mannwhitneyu(a, b, alternative=alt, method="exact")) for alt in ALTERNATIVES}
        else:
            u = stats.mannwhitneyu(a, b).statistic
            found["mannWhitney"] = {alt: [u, p] for alt, p in exact_splits(a, b).items()}
        found["kolmogorovSmirnov"] = pair(stats.ks_2samp(a, b, method="exact"))
        found["meanInterval"] = list(stats.ttest_1samp(a, 0).confidence_interval(0.95))
        if math.comb(m + n, m) <= 130000:
            found["permutation"] = {
                alt: pair(stats.permutation_test((a, b), lambda x, y, axis: x.mean(axis) - y.mean(axis), n_resamples=np.inf, alternative=alt, vectorized=True))
                for alt in ALTERNATIVES
            }
        rows.append(found)
    return rows


def pairs():
    rows = []
    for n, shift, decimals in [(6, 0.5, 3), (10, 0.2, 3), (12, 0.6, 0), (30, 0.3, 3), (45, 0.2, 3), (250, 0.1, 3), (400, 0.05, 1)]:
        first = np.round(rng.normal(10 + shift, 1, n), decimals)
        second = np.round(rng.normal(10, 1, n), decimals)
        differences = first - second
        differences = np.round(differences, decimals)
        first = np.round(second + differences, decimals)
        found = {"first": first, "second": second}
        # On the rounded differences, so that equal ones are equal.
        nonzero = differences[differences != 0]
        found["paired"] = {alt: pair(stats.ttest_rel(first, second, alternative=alt)) for alt in ALTERNATIVES}
        if n <= 12:
            found["wilcoxon"] = exact_signs(differences)
        elif n > 200:
            r_plus = stats.rankdata(np.abs(nonzero))[nonzero > 0].sum()
            found["wilcoxon"] = {"statistic": r_plus, **{alt: stats.wilcoxon(nonzero, alternative=alt, method="approx", correction=False).pvalue for alt in ALTERNATIVES}}
        else:
            r_plus = stats.rankdata(np.abs(nonzero))[nonzero > 0].sum()
            found["wilcoxon"] = {"statistic": r_plus, **{alt: stats.wilcoxon(nonzero, alternative=alt, method="exact").pvalue for alt in ALTERNATIVES}}
        found["sign"] = {alt: stats.binomtest(int((nonzero > 0).sum()), len(nonzero), 0.5, alternative=alt).pvalue for alt in ALTERNATIVES}
        if n <= 12:
            found["signFlip"] = {
                alt: pair(stats.permutation_test((differences,), lambda d, axis: d.mean(axis), permutation_type="samples", n_resamples=np.inf, alternative=alt, vectorized=True))
                for alt in ALTERNATIVES
            }
        rows.append(found)
    return rows


def delong():
    def components(scores, labels):
        x, y = scores[labels == 1], scores[labels == 0]
        psi = (x[:, None] > y) + 0.5 * (x[:, None] == y)
        return psi.mean(1), psi.mean(0), psi.mean()

    rows = []
    for n, decimals in [(20, 3), (60, 1), (200, 3)]:
        labels = (rng.random(n) < 0.4).astype(int)
        labels[:4] = [0, 0, 1, 1]
        base = rng.normal(labels, 1)
        first, second = (np.round(base + rng.normal(0, s, n), decimals) for s in (0.5, 1.2))
        v10a, v01a, auc_a = components(first, labels)
        v10b, v01b, auc_b = components(second, labels)
        m, k = len(v10a), len(v01a)
        s10, s01 = np.cov(v10a, v10b), np.cov(v01a, v01b)
        s = s10 / m + s01 / k
        variance = s[0, 0] + s[1, 1] - 2 * s[0, 1]
        z = (auc_a - auc_b) / math.sqrt(variance)
        rows.append({"labels": labels, "first": first, "second": second, "aucs": [auc_a, auc_b], "variances": [s[0, 0], s[1, 1]],
                     "varianceOfDifference": variance, "z": z, "p": 2 * stats.norm.sf(abs(z))})  # fmt: skip
    return rows


def bca():
    rows = []
    skewed = np.round(rng.exponential(2, 25), 3)
    other = np.round(rng.exponential(3, 18), 3)
    for name, data, statistic in [
        ("mean", (skewed,), np.mean),
        ("variance", (skewed,), lambda x, axis: np.var(x, ddof=1, axis=axis)),
        ("difference", (skewed, other), lambda x, y, axis: np.mean(x, axis) - np.mean(y, axis)),
    ]:
        found = {"statistic": name, "data": data}
        for method in ("percentile", "BCa"):
            result = stats.bootstrap(data, statistic, n_resamples=199, method=method, random_state=7, vectorized=True, axis=-1)
            found["replicates"] = np.sort(result.bootstrap_distribution)
            found[method] = list(result.confidence_interval)
        rows.append(found)
    return rows


def quantiles():
    rows = []
    values = np.round(rng.lognormal(0, 1, 100), 4)
    for n in (20, 59, 100):
        for p in (0.1, 0.5, 0.9):
            for confidence in (0.9, 0.95):
                ci = stats.quantile_test(values[:n], p=p).confidence_interval(confidence)
                rows.append({"count": n, "p": p, "confidence": confidence, "interval": [None if math.isnan(v) or math.isinf(v) else v for v in ci]})
    return {"values": values, "cases": rows}


def rates():
    from statsmodels.stats.rates import confint_poisson

    return [{"events": k, "exposure": t, "interval": list(confint_poisson(k, t, method="exact-c"))} for k, t in [(0, 2), (1, 1), (3, 2.5), (100, 7), (12345, 1e4)]]


def multiple():
    p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216]
    shuffled = list(np.round(rng.random(15) ** 3, 5)) + [0.04, 0.04, 1.0, 0.0]
    names = {"bonferroni": "bonferroni", "holm": "holm", "hochberg": "simes-hochberg", "benjamini-hochberg": "fdr_bh", "benjamini-yekutieli": "fdr_by"}
    return [{"p": ps, **{ours: multipletests(ps, method=theirs)[1] for ours, theirs in names.items()}} for ps in (p, shuffled)]


def distances():
    """The exact and the limiting distribution of the Kolmogorov–Smirnov distance."""
    exact = []
    for m, n in [(5, 8), (40, 60), (100, 100), (211, 150)]:
        for reach in sorted({int(m * n * share) for share in (0.1, 0.2, 0.3, 0.5, 0.9)}):
            a, b = ks_samples(m, n, reach)
            if a is not None:
                result = stats.ks_2samp(a, b, method="exact")
                exact.append([m, n, round(result.statistic * m * n), result.pvalue])
    limit = [[x, stats.kstwobign.sf(x)] for x in (0.2, 0.4, 0.7, 0.99, 1.0, 1.01, 1.36, 2, 3.5, 6)]
    return {"exact": exact, "limit": limit}


def ks_samples(m, n, reach):
    """Two samples whose distance is about `reach` / (m n): the second shifted."""
    a = (np.arange(m) + 0.5) / m
    b = (np.arange(n) + 0.51) / n + reach / (m * n)
    return a, b


if __name__ == "__main__":
    versions = {name: importlib.metadata.version(name) for name in ("scipy", "statsmodels", "numpy")}
    result = {"madeBy": "tools/goldens/statistics.py", "versions": versions}
    for part in (proportions, differences, tables, mcnemars, counts, samples, pairs, delong, bca, quantiles, rates, multiple, distances):
        result[part.__name__] = part()
        print(part.__name__, flush=True)
    lines = ",\n".join(f"{json.dumps(key)}:{json.dumps(plain(value), separators=(',', ':'))}" for key, value in result.items())
    OUT.write_text("{\n" + lines + "\n}\n")
