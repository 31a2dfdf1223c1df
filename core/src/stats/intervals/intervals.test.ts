import { expect, test } from "vitest";
import { binomialDistribution } from "../distributions/index.ts";
import { expectClose, goldensFrom } from "../goldens.testing.ts";
import {
  clopperPearsonInterval,
  type Interval,
  jeffreysInterval,
  mean,
  meanInterval,
  median,
  pairedProportionDifferenceInterval,
  proportionDifferenceInterval,
  proportionRatioInterval,
  quantileInterval,
  quantileRanks,
  rateInterval,
  sortedQuantile,
  variance,
  wilsonInterval,
  wilsonShareInterval,
} from "./index.ts";

// SciPy and statsmodels; see tools/goldens/statistics.py.
const goldens = goldensFrom("tests.json");
const CLOSE = 1e-9;

type Ends = readonly [number, number];

function expectEnds(got: Interval, [lower, upper]: Ends, what: string): void {
  expectClose(got.lower, lower, CLOSE, `${what}, lower end`);
  expectClose(got.upper, upper, CLOSE, `${what}, upper end`);
}

test("proportions: Wilson, Clopper–Pearson, Jeffreys", () => {
  for (const { successes, trials, confidence, wilson, clopperPearson, jeffreys } of goldens.proportions) {
    const what = `${successes} of ${trials} at ${confidence}`;
    expectEnds(wilsonInterval(successes, trials, confidence), wilson, `Wilson, ${what}`);
    expectEnds(clopperPearsonInterval(successes, trials, confidence), clopperPearson, `Clopper–Pearson, ${what}`);
    // statsmodels keeps the posterior's quantile where nothing or all succeeded; Brown, Cai and DasGupta put 0 or 1 there.
    const ends: Ends = [successes === 0 ? 0 : jeffreys[0], successes === trials ? 1 : jeffreys[1]];
    expectEnds(jeffreysInterval(successes, trials, confidence), ends, `Jeffreys, ${what}`);
  }
});

test("Wilson of trials that are not whole numbers", () => {
  // statsmodels 0.15.0: proportion_confint(share * trials, trials, alpha, method="wilson").
  for (const [share, trials, confidence, ...ends] of [
    [0.9, 33.7, 0.95, 0.7547403568077569, 0.9633990242100829],
    [0.5, 2.5, 0.9, 0.13953406994208395, 0.860465930057916],
    [1.0, 12.25, 0.95, 0.7612734268844608, 1.0],
    [0, 7.5, 0.99, 0.0, 0.4693983117316796],
  ] as const) {
    expectEnds(wilsonShareInterval(share, trials, confidence), ends, `${share} of ${trials}`);
  }
  expect(() => wilsonShareInterval(1.5, 10)).toThrow(/share is 1.5/);
});

test("differences and ratios of independent proportions", () => {
  for (const { counts, newcombe, katz } of goldens.differences) {
    const [a, m, b, n] = counts as [number, number, number, number];
    const [first, second] = [
      { successes: a, trials: m },
      { successes: b, trials: n },
    ];
    expectEnds(proportionDifferenceInterval(first, second), newcombe, `difference of ${counts}`);
    if (katz !== undefined) expectEnds(proportionRatioInterval(first, second), katz, `ratio of ${counts}`);
  }
});

test("differences of paired proportions, against published intervals", () => {
  // R's contingencytables 3, tests/testthat/test-ch8.R (data of Cavo and others, 2012): −0.0621 (−0.1186 to −0.0046).
  const cavo = pairedProportionDifferenceInterval({ both: 59, onlyFirst: 6, onlySecond: 16, neither: 80 });
  expect([cavo.estimate, cavo.lower, cavo.upper].map((value) => value.toFixed(4))).toEqual([
    "-0.0621",
    "-0.1186",
    "-0.0046",
  ]);
  // Newcombe (1998), table II, 36, 12, 2, 0: 0.20 (0.0569 to 0.3404).
  const newcombe = pairedProportionDifferenceInterval({ both: 36, onlyFirst: 12, onlySecond: 2, neither: 0 });
  expect([newcombe.estimate, newcombe.lower, newcombe.upper].map((value) => value.toFixed(4))).toEqual([
    "0.2000",
    "0.0569",
    "0.3404",
  ]);
});

test("a paired difference turns its sign with the order, and stays within −1 to 1", () => {
  const counts = { both: 3, onlyFirst: 9, onlySecond: 1, neither: 4 };
  const { lower, upper } = pairedProportionDifferenceInterval(counts);
  const turned = pairedProportionDifferenceInterval({ ...counts, onlyFirst: 1, onlySecond: 9 });
  expectClose(-turned.upper, lower, 1e-12, "lower");
  expectClose(-turned.lower, upper, 1e-12, "upper");
  const all = pairedProportionDifferenceInterval({ both: 0, onlyFirst: 5, onlySecond: 0, neither: 0 });
  expect(all.upper).toBeLessThanOrEqual(1);
  expect(all.estimate).toBe(1);
});

test("means", () => {
  for (const { a, meanInterval: wanted } of goldens.samples) expectEnds(meanInterval(a), wanted, `mean of ${a.length}`);
});

test("rates", () => {
  for (const { events, exposure, interval } of goldens.rates) {
    expectEnds(rateInterval(events, exposure), interval, `${events} events in ${exposure}`);
  }
});

test("quantiles by order statistics", () => {
  for (const { count, p, confidence, interval } of goldens.quantiles.cases) {
    const got = quantileInterval(goldens.quantiles.values.slice(0, count), p, confidence);
    const what = `quantile ${p} of ${count} at ${confidence}`;
    expect(got.lower, what).toBe(interval[0] ?? -Infinity);
    expect(got.upper, what).toBe(interval[1] ?? Infinity);
  }
});

test("the ranks of a quantile cover it as said, and no narrower equal-tailed ones would", () => {
  for (const count of [1, 5, 6, 20, 99, 100, 1000]) {
    for (const p of [0.01, 0.5, 0.9, 0.99]) {
      const { lower, upper, coverage } = quantileRanks(count, p);
      const below = binomialDistribution(count, p);
      const missedAbove = lower === 0 ? 0 : below.cdf(lower - 1);
      const missedBelow = upper > count ? 0 : below.survival(upper - 1);
      expect(missedAbove).toBeLessThanOrEqual(0.025);
      expect(missedBelow).toBeLessThanOrEqual(0.025);
      expect(below.cdf(lower)).toBeGreaterThan(0.025);
      if (upper > 1) expect(below.survival(upper - 2)).toBeGreaterThan(0.025);
      expectClose(coverage, 1 - missedAbove - missedBelow, 1e-12, "coverage");
    }
  }
  // The classic: of six values the least and the greatest bound the median in 1 − 2/2⁶ of cases.
  expect(quantileRanks(6, 0.5)).toEqual({ lower: 1, upper: 6, coverage: 1 - 2 ** -5 });
});

test("moments and quantiles of a sample", () => {
  expect(mean([1e100, 1, -1e100])).toBeCloseTo(1 / 3, 12);
  expect(variance([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16])).toBe(30);
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(sortedQuantile([1, 2, 3, 4], 0.1)).toBeCloseTo(1.3, 12); // numpy.quantile([1, 2, 3, 4], 0.1)
  expect(sortedQuantile([7], 0.9)).toBe(7);
});

test("counts that make no sense are refused, with the value seen", () => {
  expect(() => wilsonInterval(5, 4)).toThrow("The number of successes is 5; give a whole number from 0 to 4.");
  expect(() => wilsonInterval(0, 0)).toThrow("The number of trials is 0");
  expect(() => clopperPearsonInterval(1, 4, 1)).toThrow("The confidence is 1; give a number between 0 and 1.");
  expect(() => proportionRatioInterval({ successes: 0, trials: 4 }, { successes: 1, trials: 4 })).toThrow(
    "Use the difference",
  );
  expect(() => meanInterval([1])).toThrow("The sample has 1 values; give at least 2.");
  expect(() => meanInterval([1, Number.NaN])).toThrow("The sample[1] is NaN");
  expect(() => rateInterval(1, 0)).toThrow("The exposure is 0");
  expect(() => pairedProportionDifferenceInterval({ both: -1, onlyFirst: 1, onlySecond: 1, neither: 1 })).toThrow(
    'The count "both" is -1',
  );
});
