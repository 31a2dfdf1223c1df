import { describe, expect, test } from "vitest";
import { expectClose, goldensFrom } from "../goldens.testing.ts";
import { mean, type Interval, sortedQuantile, variance } from "../intervals/index.ts";
import { createRandom } from "../random/index.ts";
import { acceleration } from "./bootstrap.ts";
import {
  accelerationFrom,
  bcaFrom,
  bcaInterval,
  bcaPValue,
  bootstrap,
  permutationTest,
  percentileInterval,
  signFlipTest,
  statisticOf,
} from "./index.ts";

// SciPy's `bootstrap` and `permutation_test`; see tools/goldens/statistics.py.
const goldens = goldensFrom("tests.json");
const CLOSE = 1e-9;

const STATISTICS: Readonly<Record<string, (first: Float64Array, second: Float64Array) => number>> = {
  mean,
  variance,
  difference: (first, second) => mean(first) - mean(second),
};

/** The options for one or two samples, which are strata of one. */
function optionsFor([first, second = []]: readonly (readonly number[])[], name: string) {
  const values = Float64Array.of(...first!, ...second);
  return {
    count: values.length,
    strata: Array.from(values, (_value, index) => (index < first!.length ? "first" : "second")),
    random: createRandom(1),
    statistic(indices: Uint32Array) {
      const drawn = [...indices];
      const of = (isFirst: boolean) =>
        Float64Array.from(
          drawn.filter((index) => index < first!.length === isFirst),
          (index) => values[index]!,
        );
      return STATISTICS[name]!(of(true), of(false));
    },
  };
}

describe("the bootstrap", () => {
  test("ends are SciPy's from SciPy's replicates", () => {
    for (const { statistic, data, replicates, percentile, BCa } of goldens.bca) {
      const options = optionsFor(data, statistic);
      const estimate = options.statistic(Uint32Array.from({ length: options.count }, (_none, index) => index));
      const ends = ({ lower, upper }: Interval, [low, high]: [number, number]) => {
        expectClose(lower, low, CLOSE, `${statistic}, lower`);
        expectClose(upper, high, CLOSE, `${statistic}, upper`);
      };
      const sorted = Float64Array.from(replicates);
      ends(bcaFrom({ estimate, replicates: sorted }, acceleration(options), 0.95), BCa);
      ends({ estimate, lower: sortedQuantile(sorted, 0.025), upper: sortedQuantile(sorted, 0.975) }, percentile);
    }
  });
  test("the p value of an end is what the interval leaves out", () => {
    for (const { statistic, data, replicates } of goldens.bca) {
      const options = optionsFor(data, statistic);
      const estimate = options.statistic(Uint32Array.from({ length: options.count }, (_none, index) => index));
      const bootstrapped = { estimate, replicates: Float64Array.from(replicates) };
      const accelerated = acceleration(options);
      for (const level of [0.5, 0.8, 0.9]) {
        const { lower, upper } = bcaFrom(bootstrapped, accelerated, level);
        // Replicates are steps: the p value at an end is off by at most one of them on either side.
        const step = 4 / replicates.length;
        expect(Math.abs(bcaPValue(bootstrapped, accelerated, lower) - (1 - level))).toBeLessThan(step);
        expect(Math.abs(bcaPValue(bootstrapped, accelerated, upper) - (1 - level))).toBeLessThan(step);
      }
      const far = bcaPValue(bootstrapped, accelerated, 1e9);
      expect(far).toBeGreaterThanOrEqual(2 / (replicates.length + 1));
      expect(far).toBeLessThan(0.1);
    }
    expect(bcaPValue({ estimate: 2, replicates: Float64Array.of(2, 2) }, 0, 2)).toBe(1);
  });
  test("influences of a mean accelerate as its jackknife does", () => {
    const values = Float64Array.from(goldens.bca[0].data[0] as number[]);
    const centre = mean(values);
    const options = { ...statisticOf(values, mean), random: createRandom(1) };
    expectClose(accelerationFrom(values.map((value) => value - centre)), acceleration(options), 1e-9, "acceleration");
    expect(accelerationFrom([0, 0])).toBe(0);
  });
  test("replicates of a mean spread as its standard error says", () => {
    const values = goldens.bca[0].data[0] as number[];
    const { estimate, replicates } = bootstrap({
      ...statisticOf(values, mean),
      random: createRandom(2),
      resamples: 5000,
    });
    expect(estimate).toBe(mean(values));
    const wanted = (variance(values) * (values.length - 1)) / values.length ** 2;
    expect(Math.abs(variance(replicates) / wanted - 1)).toBeLessThan(0.1);
    expect(Math.abs(mean(replicates) - estimate)).toBeLessThan(0.1 * Math.sqrt(wanted));
  });
  test("the same seed gives the same interval", () => {
    const make = (seed: number) =>
      bcaInterval({ ...statisticOf([1, 5, 2, 8, 3, 9], mean), random: createRandom(seed) });
    expect(make(5)).toEqual(make(5));
    expect(make(5)).not.toEqual(make(6));
  });
  test("strata keep their sizes", () => {
    const strata = ["a", "b", "a", "a", "b"];
    const seen = new Set<number>();
    const statistic = (indices: Uint32Array) => indices.filter((index) => strata[index] === "a").length;
    for (const replicate of bootstrap({ count: 5, statistic, strata, random: createRandom(1), resamples: 50 })
      .replicates)
      seen.add(replicate);
    expect([...seen]).toEqual([3]);
    expect(() => bootstrap({ count: 5, statistic, strata: ["a"], random: createRandom(1) })).toThrow(
      "5 cases and strata for 1",
    );
  });
  test("pairs stay together", () => {
    const [x, y] = [
      [1, 2, 3, 4],
      [2, 4, 6, 8],
    ];
    const ratio = (indices: Uint32Array) =>
      mean([...indices].map((index) => y[index]!)) / mean([...indices].map((index) => x[index]!));
    const { lower, upper } = percentileInterval({ count: 4, statistic: ratio, random: createRandom(1) });
    expectClose(lower, 2, 1e-12, "lower");
    expectClose(upper, 2, 1e-12, "upper");
  });
  test("values that are all alike leave no doubt, and an undefined statistic is refused", () => {
    const same = { ...statisticOf([3, 3, 3], mean), random: createRandom(1) };
    expect(bcaInterval(same)).toEqual({ estimate: 3, lower: 3, upper: 3 });
    const undefinedOnSome = (values: Float64Array) => 1 / (Math.max(...values) - Math.min(...values));
    expect(() => percentileInterval({ ...statisticOf([1, 2], undefinedOnSome), random: createRandom(1) })).toThrow(
      "The statistic is Infinity on a resample",
    );
  });
});

describe("permutation tests", () => {
  const ALTERNATIVES = ["two-sided", "less", "greater"] as const;
  test("trying all splits gives SciPy's p values", () => {
    const tried = goldens.samples.filter(({ permutation }: { permutation?: object }) => permutation !== undefined);
    expect(tried.length).toBeGreaterThanOrEqual(3);
    for (const { a, b, permutation } of tried) {
      for (const alternative of ALTERNATIVES) {
        const got = permutationTest(a, b, { random: createRandom(1), permutations: 130_000, alternative });
        expect(got.isExact).toBe(true);
        expectClose(got.statistic, permutation[alternative][0], CLOSE, "statistic");
        expectClose(got.pValue, permutation[alternative][1], CLOSE, `p value, ${alternative}`);
      }
    }
  });
  test("trying all signs gives SciPy's p values", () => {
    for (const { first, second, signFlip } of goldens.pairs) {
      if (signFlip === undefined) continue;
      for (const alternative of ALTERNATIVES) {
        const got = signFlipTest(first, second, { random: createRandom(1), alternative });
        expect(got.isExact).toBe(true);
        expectClose(got.pValue, signFlip[alternative][1], CLOSE, `p value, ${alternative}`);
      }
    }
  });
  test("random ones come close to all, and are never 0", () => {
    const { a, b } = goldens.samples[0];
    const exact = permutationTest(a, b, { random: createRandom(1), permutations: 130_000 }).pValue;
    const sampled = permutationTest(a, b, { random: createRandom(4), permutations: 9999 });
    expect(sampled.isExact).toBe(false);
    expect(Math.abs(sampled.pValue - exact)).toBeLessThan(5 * Math.sqrt((exact * (1 - exact)) / 9999) * 2);
    const far = Array.from({ length: 20 }, (_none, index) => index);
    const apart = permutationTest(
      far,
      far.map((value) => value + 1000),
      { random: createRandom(1), permutations: 99 },
    );
    expect(apart.pValue).toBe(2 / 100);
    expect(
      signFlipTest(
        far.map((value) => value + 1),
        far.map(() => 0),
        { random: createRandom(1), permutations: 99 },
      ).pValue,
    ).toBe(2 / 100);
  });
  test("signs of more than 32 differences are drawn from as many bits", () => {
    const random = createRandom(9);
    const differences = Array.from({ length: 70 }, (_none, index) => (index === 69 ? 100 : 0.001));
    // Only the last sign matters: it is turned in half of all cases.
    const { pValue } = signFlipTest(
      differences,
      differences.map(() => 0),
      { random, alternative: "greater", permutations: 4000 },
      (d) => d[69]!,
    );
    expect(Math.abs(pValue - 0.5)).toBeLessThan(0.04);
  });
});
