"""Makes test/goldens/statistics/distributions.json: tails and quantiles of distributions, from series summed with mpmath.

    python -m venv /tmp/goldens && /tmp/goldens/bin/pip install -r tools/goldens/requirements.txt
    /tmp/goldens/bin/python tools/goldens/distributions.py [NAME …]

The series are the plainest there are (DLMF 8.11.4, 8.17.8), summed with hundreds of digits, so that the other tail is 1 minus
them. SciPy is asked for the same numbers; how far it is from them is written beside them.
"""

import importlib.metadata
import json
import math
import pathlib
import sys

import mpmath
import numpy as np
from mpmath import mp, mpf
from scipy import stats

mp.dps = 320
OUT = pathlib.Path(__file__).parents[2] / "test" / "goldens" / "statistics" / "distributions.json"
TAILS = [1e-290, 1e-150, 1e-40, 1e-12, 1e-6, 1e-3, 0.025, 0.2, 0.5]
CLOSE = mpf(10) ** -(mp.dps - 8)


def lower_gamma(a, x):
    """P(a, x) by its power series."""
    if x <= 0:
        return mpf(0)
    term = total = mpf(1)
    n = 0
    while term > total * CLOSE:
        n += 1
        term *= x / (a + n)
        total += term
    return total * mpmath.exp(a * mpmath.log(x) - x - mpmath.loggamma(a + 1))


def lower_beta(a, b, x):
    """I_x(a, b) by its power series from the nearer end."""
    if x <= 0:
        return mpf(0)
    if x >= 1:
        return mpf(1)
    if x > 0.5:
        return 1 - lower_beta(b, a, 1 - x)
    term = total = mpf(1)
    n = 0
    while term > total * CLOSE:
        term *= (a + b + n) / (a + 1 + n) * x
        total += term
        n += 1
    log = a * mpmath.log(x) + b * mpmath.log(1 - x) - mpmath.log(a)
    return total * mpmath.exp(log + mpmath.loggamma(a + b) - mpmath.loggamma(a) - mpmath.loggamma(b))


def t_tails(nu, t):
    outside = lower_beta(nu / 2, mpf(1) / 2, nu / (nu + t * t)) / 2
    return (outside, 1 - outside) if t < 0 else (1 - outside, outside)


def both(lower):
    return lower, 1 - lower


def normal_tails(mean, deviation, x):
    z = (x - mean) / deviation / mpmath.sqrt(2)
    return mpmath.erfc(-z) / 2, mpmath.erfc(z) / 2


# name: (SciPy's distribution, both tails at x, SciPy's log density, parameters)
CONTINUOUS = {
    "normal": (lambda m, d: stats.norm(m, d), normal_tails, [(0, 1), (3, 0.25)]),
    "t": (stats.t, t_tails, [(0.3,), (1,), (2.5,), (5,), (30,), (1000,), (123456,)]),
    "chiSquare": (stats.chi2, lambda k, x: both(lower_gamma(k / 2, x / 2)), [(0.2,), (1,), (2,), (5,), (47.5,), (1000,)]),
    "gamma": (
        lambda a, scale: stats.gamma(a, scale=scale),
        lambda a, scale, x: both(lower_gamma(a, x / scale)),
        [(0.01, 1), (0.5, 3), (1, 1), (2.5, 0.1), (60, 1), (1e4, 1), (3e5, 2)],
    ),
    "beta": (
        stats.beta,
        lambda a, b, x: both(lower_beta(a, b, x)),
        [(0.05, 0.3), (0.5, 0.5), (1, 1), (2.5, 4.5), (51, 951), (1, 1000), (0.01, 50), (3000, 5000), (1e5, 20)],
    ),
    "f": (
        stats.f,
        lambda m, n, x: both(lower_beta(m / 2, n / 2, m * x / (m * x + n))),
        [(1, 1), (2, 7), (0.5, 3), (10, 20.5), (3, 2000), (500, 400)],
    ),
    "uniform": (
        lambda low, high: stats.uniform(low, high - low),
        lambda low, high, x: both((x - low) / (high - low)),
        [(0, 1), (-2, 6)],
    ),
}
DISCRETE = {
    "binomial": (
        stats.binom,
        lambda n, p, k: both(1 - lower_beta(k + 1, n - k, p)) if k < n else (mpf(1), mpf(0)),
        [(1, 0.3), (10, 0.5), (100, 0.01), (100, 0.99), (1000, 0.25), (50000, 0.001), (20000, 0.6)],
    ),
    "poisson": (
        stats.poisson,
        lambda mean, k: both(1 - lower_gamma(k + 1, mean)),
        [(0.01,), (1,), (4.5,), (100,), (12345.6,)],
    ),
}


def close_to(got, want):
    """SciPy's relative distance, as a number for the record."""
    return float(abs(mpf(float(got)) / want - 1)) if want != 0 and math.isfinite(got) else math.inf


def polished(tails, index, p, start):
    """Where a tail is p: secant steps on logarithms, from SciPy's answer. None where that is no double."""
    target, sign = mpmath.log(mpf(p)), mpmath.sign(start)
    f = lambda u: mpmath.log(tails(sign * mpmath.exp(u))[index]) - target
    b = mpmath.log(abs(mpf(start)))
    a = b + mpf(10) ** -6
    fa, fb = f(a), f(b)
    for _ in range(60):
        if fb == fa or abs(b - a) < mpf(10) ** -25:
            return sign * mpmath.exp(b)
        step = fb * (b - a) / (fb - fa)
        a, b, fa = b, b - max(-mpf(50), min(mpf(50), step)), fb
        if abs(b) > 690:
            return None
        fb = f(b)
    raise ArithmeticError(f"no quantile at {p} from {start}")


def number(value):
    value = float(value)
    return value if math.isfinite(value) else None


def continuous(name):
    make, tails_of, parameters = CONTINUOUS[name]
    rows, worst = [], {"tails": 0.0, "quantiles": 0.0}
    for given in parameters:
        exact = [mpf(value) for value in given]
        tails = lambda x: tails_of(*exact, mpf(x))
        scipy = make(*given)
        xs = sorted({float(x) for p in TAILS for x in (scipy.ppf(p), scipy.isf(p)) if np.isfinite(x) and (x < 0 or x > 1e-290)})
        points, quantiles = [], []
        for x in xs:
            lower, upper = tails(x)
            if not (0 < lower and 0 < upper):
                continue
            points.append([x, *(number(v) for v in (lower, upper, mpmath.log(lower), mpmath.log(upper), scipy.logpdf(x)))])
            for got, want in ((scipy.cdf(x), lower), (scipy.sf(x), upper)):
                if want > 1e-200:
                    worst["tails"] = max(worst["tails"], close_to(got, want))
        for p in TAILS:
            row = [p]
            for index, start in ((0, scipy.ppf(p)), (1, scipy.isf(p))):
                x = None
                if np.isfinite(start) and 1e-290 < abs(start) < 1e290:
                    if not (name == "beta" and start > 1 - 1e-7) and not (name in ("normal", "t") and p == 0.5):
                        if name == "uniform":
                            low, high = exact
                            x = low + mpf(p) * (high - low) if index == 0 else high - mpf(p) * (high - low)
                        else:
                            x = polished(tails, index, p, float(start))
                        if x is not None and p > 1e-200:
                            worst["quantiles"] = max(worst["quantiles"], close_to(start, x))
                row.append(None if x is None else number(x))
            quantiles.append(row)
        rows.append({"parameters": list(given), "points": points, "quantiles": quantiles})
    return {"scipyFrom": {key: number(far) for key, far in worst.items()}, "cases": rows}


def discrete(name):
    make, tails_of, parameters = DISCRETE[name]
    rows, worst = [], {"tails": 0.0}
    for given in parameters:
        exact = [mpf(value) for value in given]
        tails = lambda k: tails_of(*exact, mpf(k))
        scipy = make(*given)
        ks = sorted({int(k) for p in TAILS for k in (scipy.ppf(p), scipy.isf(p)) if np.isfinite(k) and k >= 0})
        points, quantiles = [], []
        for k in ks:
            lower, upper = tails(k)
            logs = [None if v == 0 else number(mpmath.log(v)) for v in (lower, upper)]
            points.append([k, number(lower), number(upper), *logs, number(scipy.logpmf(k))])
            for got, want in ((scipy.cdf(k), lower), (scipy.sf(k), upper)):
                if want > 1e-200:
                    worst["tails"] = max(worst["tails"], close_to(got, want))
        for p in TAILS:
            found = []
            for index in (0, 1):
                low, high = -1, int(given[0] if name == "binomial" else given[0] + 60 * given[0] ** 0.5 + 400)
                while high - low > 1:
                    k = (low + high) // 2
                    lower, upper = tails(k)
                    if lower >= mpf(p) if index == 0 else upper <= mpf(p):
                        high = k
                    else:
                        low = k
                found.append(high)
            quantiles.append([p, *found])
        rows.append({"parameters": list(given), "points": points, "quantiles": quantiles})
    return {"scipyFrom": {key: number(far) for key, far in worst.items()}, "cases": rows}


if __name__ == "__main__":
    versions = {name: importlib.metadata.version(name) for name in ("mpmath", "scipy", "numpy")}
    kept = json.loads(OUT.read_text()) if OUT.exists() else {}
    result = {**kept, "madeBy": "tools/goldens/distributions.py", "versions": versions,
              "columns": {"points": ["x", "cdf", "survival", "logCdf", "logSurvival", "logDensity (SciPy)"],
                          "quantiles": ["p", "quantile", "inverseSurvival"]}}  # fmt: skip
    for name in sys.argv[1:] or [*CONTINUOUS, *DISCRETE]:
        result[name] = continuous(name) if name in CONTINUOUS else discrete(name)
        print(name, result[name]["scipyFrom"], flush=True)
        OUT.write_text(json.dumps(result, separators=(",", ":")).replace('{"parameters"', '\n{"parameters"') + "\n")
