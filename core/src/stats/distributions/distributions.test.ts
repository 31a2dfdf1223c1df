import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expectClose, goldensFrom } from "../goldens.testing.ts";
import { logComplement } from "../special/tails.ts";
import {
  betaDistribution,
  binomialDistribution,
  chiSquareDistribution,
  type Distribution,
  fDistribution,
  gammaDistribution,
  hypergeometricProbabilities,
  kolmogorovSurvival,
  normalDistribution,
  poissonDistribution,
  smirnovSurvival,
  tDistribution,
  uniformDistribution,
} from "./index.ts";

interface Case {
  readonly parameters: readonly [number, number];
  readonly points: readonly (readonly (number | null)[])[];
  readonly quantiles: readonly (readonly [number, number | null, number | null])[];
}

// Series summed with hundreds of digits by mpmath; see tools/goldens/distributions.py.
const goldens = goldensFrom("distributions.json") as Readonly<Record<string, { readonly cases: readonly Case[] }>>;
const FACTORIES = {
  normal: normalDistribution,
  t: tDistribution,
  chiSquare: chiSquareDistribution,
  gamma: gammaDistribution,
  beta: betaDistribution,
  f: fDistribution,
  uniform: uniformDistribution,
  binomial: binomialDistribution,
  poisson: poissonDistribution,
} as const satisfies Record<string, (a: number, b: number) => Distribution>;

const CLOSE = 1e-9;
/** Tails below 1e-200. */
const FAR = 1e-6;
const allowed = (wanted: number) => (wanted < 1e-200 ? FAR : CLOSE);

const cases = Object.entries(FACTORIES).flatMap(([name, create]) =>
  goldens[name]!.cases.map((one) => ({ ...one, name, distribution: create(...one.parameters) })),
);

describe.each(cases)("$name with $parameters", ({ points, quantiles, distribution }) => {
  test("both tails, with their logarithms", () => {
    for (const [x, lower, upper, logLower, logUpper, logDensity] of points) {
      const at = `at ${x}`;
      if (lower !== 0) expectClose(distribution.cdf(x!), lower!, allowed(lower!), `cdf ${at}`);
      if (upper !== 0) expectClose(distribution.survival(x!), upper!, allowed(upper!), `survival ${at}`);
      if (logLower !== null) expectClose(distribution.logCdf(x!), logLower!, CLOSE, `logCdf ${at}`);
      if (logUpper !== null) expectClose(distribution.logSurvival(x!), logUpper!, CLOSE, `logSurvival ${at}`);
      // Logarithms of densities near 1 are differences: absolutely close to 1e-9 is relatively close for the density.
      if (logDensity !== null)
        expect(Math.abs(distribution.logDensity(x!) - logDensity!)).toBeLessThan(
          CLOSE * Math.max(1, Math.abs(logDensity!)),
        );
    }
  });
  test("quantiles from both ends", () => {
    for (const [p, quantile, inverse] of quantiles) {
      if (quantile !== null) expectClose(distribution.quantile(p), quantile, CLOSE, `quantile of ${p}`);
      if (inverse !== null) expectClose(distribution.inverseSurvival(p), inverse, CLOSE, `inverse survival of ${p}`);
    }
  });
});

test("there are hundreds of golden points, far into the tails", () => {
  const tails = cases.flatMap(({ points }) => points.flatMap(([, lower, upper]) => [lower!, upper!]));
  expect(tails.length).toBeGreaterThan(1200);
  expect(tails.filter((tail) => tail > 0 && tail < 1e-200).length).toBeGreaterThan(40);
});

test("logarithms go on where probabilities are too small for a double", () => {
  const normal = normalDistribution();
  expect(normal.survival(40)).toBe(0);
  // −z²/2 − log(z √(2π)) + log(1 − 1/z² + 3/z⁴ − 15/z⁶), the asymptotic series of Mills' ratio.
  const series = (z: number) =>
    -(z * z) / 2 - Math.log(z * Math.sqrt(2 * Math.PI)) + Math.log1p(-1 / z ** 2 + 3 / z ** 4 - 15 / z ** 6);
  expectClose(normal.logSurvival(40), series(40), 1e-12, "at 40");
  expectClose(normal.logSurvival(1000), series(1000), 1e-14, "at 1000");
  expectClose(poissonDistribution(5000).logCdf(0), -5000, 1e-13, "no event of 5000");
  expectClose(binomialDistribution(10_000, 0.5).logCdf(0), 10_000 * Math.log(0.5), 1e-13, "10 000 coins");
});

test("tails of heavy distributions reach as far as doubles do", () => {
  // Cauchy: P(T > t) = arctan(1/t) / π.
  for (const t of [1e5, 1e12, 1e100, 1e300])
    expectClose(tDistribution(1).survival(t), Math.atan(1 / t) / Math.PI, 1e-12, `${t}`);
  expectClose(tDistribution(1).inverseSurvival(1e-200), 1 / (Math.PI * 1e-200), 1e-9, "quantile");
});

describe("properties", () => {
  const probabilities = fc.double({ min: 1e-12, max: 1 - 1e-12, noNaN: true });
  const shape = fc.double({ min: 0.05, max: 2000, noNaN: true });
  test("quantiles invert the distribution functions", () => {
    fc.assert(
      fc.property(shape, shape, probabilities, (a, b, p) => {
        for (const one of [gammaDistribution(a), tDistribution(a), chiSquareDistribution(a), fDistribution(a, b)]) {
          const x = one.quantile(p);
          if (x > 0 ? x > 1e-280 : x < -1e-280) expectClose(one.cdf(x), p, 1e-9, `${p}`);
          const y = one.inverseSurvival(p);
          if (Math.abs(y) > 1e-280 && Number.isFinite(y)) expectClose(one.survival(y), p, 1e-9, `${p} from above`);
        }
      }),
    );
  });
  test("discrete quantiles are the least that reach a probability", () => {
    fc.assert(
      fc.property(fc.nat(3000), fc.double({ min: 0, max: 1, noNaN: true }), probabilities, (n, success, p) => {
        for (const one of [binomialDistribution(n, success), poissonDistribution(n * success)]) {
          const k = one.quantile(p);
          expect(one.cdf(k)).toBeGreaterThanOrEqual(p);
          if (k > 0) expect(one.cdf(k - 1)).toBeLessThan(p);
          const j = one.inverseSurvival(p);
          expect(one.survival(j)).toBeLessThanOrEqual(p);
          if (j > 0) expect(one.survival(j - 1)).toBeGreaterThan(p);
          // Also where a tail is exactly what is asked for.
          if (one.cdf(k) < 1) expect(one.quantile(one.cdf(k))).toBe(k);
          if (one.survival(j) > 0) expect(one.inverseSurvival(one.survival(j))).toBe(j);
        }
      }),
    );
  });
  test("the probabilities of a discrete distribution add up to its distribution function", () => {
    for (const [one, end] of [
      [binomialDistribution(60, 0.3), 60],
      [poissonDistribution(17.5), 90],
    ] as const) {
      let sum = 0;
      for (let k = 0; k <= end; k++) {
        sum += one.density(k);
        expectClose(one.cdf(k), sum, 1e-12, `up to ${k}`);
      }
    }
  });
});

test("a tail that is almost all loses no digits of the other", () => {
  for (const small of [1e-4, 1e-8, 1e-12]) {
    // log(1 − e^−s) = log s − s/2 + s²/24 − …
    expectClose(logComplement(-small), Math.log(small) - small / 2 + small ** 2 / 24, 1e-14, `${small}`);
  }
  for (const x of [0.7 - 1e-13, 0.1 + 1e-13]) {
    const one = uniformDistribution(0.1, 0.7);
    expectClose(one.cdf(x), (x - 0.1) / (0.7 - 0.1), 1e-13, "cdf");
    expectClose(one.survival(x), (0.7 - x) / (0.7 - 0.1), 1e-13, "survival");
  }
});

test("the ends of each distribution", () => {
  for (const one of [gammaDistribution(2), chiSquareDistribution(3), fDistribution(3, 4), poissonDistribution(2)]) {
    expect([one.cdf(-1), one.survival(-1), one.cdf(Infinity), one.survival(Infinity)]).toEqual([0, 1, 1, 0]);
    expect([one.quantile(0), one.quantile(1), one.inverseSurvival(0), one.inverseSurvival(1)]).toEqual([
      0,
      Infinity,
      Infinity,
      0,
    ]);
  }
  for (const one of [normalDistribution(), tDistribution(3)]) {
    expect([one.cdf(-Infinity), one.cdf(0), one.cdf(Infinity)]).toEqual([0, 0.5, 1]);
    expect([one.quantile(0), one.quantile(0.5), one.quantile(1)]).toEqual([-Infinity, 0, Infinity]);
  }
  expect([betaDistribution(2, 3).quantile(0), betaDistribution(2, 3).quantile(1)]).toEqual([0, 1]);
  expect(binomialDistribution(0, 0.5).cdf(0)).toBe(1);
  expect(binomialDistribution(5, 0).quantile(0.9)).toBe(0);
  expect(binomialDistribution(5, 1).quantile(0.1)).toBe(5);
  expect(binomialDistribution(5, 1).density(5)).toBe(1);
  expect(poissonDistribution(0).quantile(0.99)).toBe(0);
  expect(betaDistribution(1, 3).density(0)).toBeCloseTo(3, 12);
  expect(gammaDistribution(1, 2).density(0)).toBe(0.5);
});

test("arguments that make no sense are refused, with the value seen", () => {
  expect(() => normalDistribution(0, 0)).toThrow("The standard deviation is 0; give a finite number above 0.");
  expect(() => tDistribution(-1)).toThrow("The degrees of freedom is -1");
  expect(() => betaDistribution(1, Number.NaN)).toThrow("The second shape is NaN");
  expect(() => binomialDistribution(1.5, 0.5)).toThrow("The number of trials is 1.5; give a whole number from 0 to");
  expect(() => binomialDistribution(2, 1.5)).toThrow("The probability of success is 1.5");
  expect(() => poissonDistribution(-1)).toThrow(RangeError);
  expect(() => uniformDistribution(1, 1)).toThrow(RangeError);
  expect(() => normalDistribution().quantile(2)).toThrow("The probability is 2; give a number from 0 to 1.");
  expect(() => gammaDistribution(1).cdf(Number.NaN)).toThrow("The place asked about is NaN");
});

test("the distance of two samples: exact, and its limit", () => {
  const { distances } = goldensFrom("tests.json") as {
    distances: {
      exact: readonly (readonly [number, number, number, number])[];
      limit: readonly (readonly [number, number])[];
    };
  };
  for (const [m, n, reach, wanted] of distances.exact)
    expectClose(smirnovSurvival(m, n, reach), wanted, CLOSE, `${m}, ${n}`);
  for (const [x, wanted] of distances.limit) expectClose(kolmogorovSurvival(x), wanted, CLOSE, `${x}`);
  expect(kolmogorovSurvival(0)).toBe(1);
});

test("hypergeometric probabilities are the ratios of binomial coefficients", () => {
  const { least, probabilities } = hypergeometricProbabilities({ marked: 5, unmarked: 3, drawn: 6 });
  expect(least).toBe(3);
  // C(5, k) C(3, 6 − k) / C(8, 6) for k = 3, 4, 5.
  for (const [index, wanted] of [10 / 28, 15 / 28, 3 / 28].entries())
    expectClose(probabilities[index]!, wanted, 1e-13, `${index}`);
  const large = hypergeometricProbabilities({ marked: 400_000, unmarked: 600_000, drawn: 1000 }).probabilities;
  expectClose(
    large.reduce((sum, chance) => sum + chance, 0),
    1,
    1e-10,
    "the sum",
  );
});
