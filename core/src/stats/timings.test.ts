import { expect, test } from "vitest";
import { expectClose } from "./goldens.testing.ts";
import { comparePairedTimings, compareSessions, createRandom, drawNormal, medianRatioInterval } from "./index.ts";

test("the median of ratios, its interval and its test, by hand", () => {
  // Ratios 2, 1.5, 1.25, 3, 2, 0.5: of six values the least and greatest bound the median in 31 of 32 cases.
  const { ratio, statistic, pValue } = comparePairedTimings([1, 2, 4, 1, 2, 4], [2, 3, 5, 3, 4, 2]);
  expect(ratio).toEqual({ estimate: 1.75, lower: 0.5, upper: 3, coverage: 1 - 2 ** -5 });
  expect(statistic).toBe(5);
  expectClose(pValue, (2 * 7) / 64, 1e-12, "p value: P(at least 5 of 6 coins), twice");
});

test("interval and test agree on whether there is a difference", () => {
  const random = createRandom(11);
  let rejected = 0;
  for (let round = 0; round < 300; round++) {
    const count = 8 + (round % 30);
    const drift = Array.from({ length: count }, (_none, index) => Math.exp(Math.sin(index) + 0.3 * drawNormal(random)));
    const first = drift.map((mood) => mood * Math.exp(0.1 * drawNormal(random)));
    const second = drift.map((mood) => 1.05 * mood * Math.exp(0.1 * drawNormal(random)));
    const { ratio, pValue } = comparePairedTimings(first, second);
    expect(pValue <= 0.05).toBe(ratio.lower > 1 || ratio.upper < 1);
    if (pValue <= 0.05) rejected++;
  }
  expect(rejected).toBeGreaterThan(10);
  expect(rejected).toBeLessThan(250);
});

test("times in common cancel, and the unit does too", () => {
  const first = [3, 5, 4, 8, 6, 7, 9];
  const second = first.map((time) => time * 1.25);
  expect(comparePairedTimings(first, second).ratio).toMatchObject({ estimate: 1.25, lower: 1.25, upper: 1.25 });
  const interval = medianRatioInterval(first, second, { random: createRandom(1) });
  expect(interval).toEqual({ estimate: 1.25, lower: 1.25, upper: 1.25 });
});

test("sessions: Student's t on logarithms, as SciPy computes it", () => {
  const { ratio, statistic, pValue } = compareSessions([1, 2, 4, 3], [1.2, 2.1, 4.9, 3.3]);
  // SciPy 1.17.1: ttest_rel(log(second), log(first)), and its confidence_interval().
  expectClose(statistic, 3.6431995083884208, 1e-9, "t");
  expectClose(pValue, 0.03566170859646921, 1e-9, "p value");
  expectClose(ratio.estimate, 1.141497145344236, 1e-9, "ratio");
  expectClose(ratio.lower, 1.016877894303885, 1e-9, "lower end");
  expectClose(ratio.upper, 1.2813885916175154, 1e-9, "upper end");
});

test("sessions without any variation leave nothing to chance", () => {
  expect(compareSessions([2, 4], [2, 4])).toMatchObject({ pValue: 1, ratio: { estimate: 1, lower: 1, upper: 1 } });
  expect(compareSessions([2, 4], [4, 8])).toMatchObject({ pValue: 0 });
  expect(() => compareSessions([2], [4])).toThrow("give at least 2");
});

test("too few pairs bound nothing, and times that can't be are refused", () => {
  expect(comparePairedTimings([1, 2, 3], [2, 3, 4]).ratio).toMatchObject({ lower: -Infinity, upper: Infinity });
  expect(() => comparePairedTimings([1, 0], [1, 1])).toThrow("A time is 0");
  expect(() => comparePairedTimings([1, 2], [1])).toThrow("pairs need as many of each");
});
