import { expect, test } from "vitest";
import { createRandom, drawNormal } from "../random/index.ts";
import { expectClose } from "../goldens.testing.ts";
import { groupedQuantileInterval, quantileInterval } from "./index.ts";

/** Six groups of 40 to 105 values, moved apart by `spread`. */
const grouped = (spread: number): number[][] =>
  Array.from({ length: 6 }, (_group, group) =>
    Array.from(
      { length: 40 + 13 * group },
      (_value, index) => 1 + (0.1 * spread * ((group * 37) % 11)) / 11 + ((index * 7919 + group * 101) % 1009) / 1009,
    ),
  );

// [spread, p, confidence, estimate, lower, upper, effective count], by the same definition in NumPy with SciPy 1.17.1's
// binomial, t and normal distributions.
const GOLDENS = [
  [0, 0.5, 0.8, 1.4965312190287414, 1.4638255698711595, 1.5341922695738355, 327.98724131485324],
  [0, 0.5, 0.95, 1.4965312190287414, 1.4311199207135779, 1.5668979187314171, 252.88470915333824],
  [0, 0.9, 0.8, 1.8981169474727453, 1.8771060455896929, 1.9226957383548067, 327.98724131485324],
  [0, 0.9, 0.95, 1.8981169474727453, 1.8543111992071357, 1.9415262636273538, 252.88470915333824],
  [0, 0.99, 0.8, 1.988424182358771, 1.9762140733399405, null, 166.37781098568834],
  [0, 0.99, 0.95, 1.988424182358771, 1.964321110009911, null, 128.2806129043761],
  [1, 0.5, 0.8, 1.5450941526263628, 1.5129381025317596, 1.578349400846923, 327.98724131485324],
  [1, 0.5, 0.95, 1.5450941526263628, 1.4802324533741777, 1.6110550500045049, 252.88470915333824],
  [1, 0.9, 0.8, 1.9440291918190826, 1.9233804847283538, 1.9696549238670151, 327.98724131485324],
  [1, 0.9, 0.95, 1.9440291918190826, 1.9063969727002432, 1.9869808090818992, 252.88470915333824],
  [1, 0.99, 0.8, 2.0519976574466163, 2.023173258852149, null, 161.65037962517064],
  [1, 0.99, 0.95, 2.0519976574466163, 2.0045139201729887, null, 124.63566897346487],
  [10, 0.5, 0.8, 1.9659428777367332, 1.7033066041985765, 2.2466888908910714, 10.428354154288005],
  [10, 0.5, 0.95, 1.9659428777367332, 1.4310298225065323, 2.4990539688260203, 8.040469186188743],
  [10, 0.9, 0.8, 2.5251824488692676, 2.3107487161005498, null, 17.12751255450274],
  [10, 0.9, 0.95, 2.5251824488692676, 2.125506802414632, null, 13.205654017217492],
  [10, 0.99, 0.8, 2.7643066942967836, 2.6715019371114517, null, 67.30527326933334],
  [10, 0.99, 0.95, 2.7643066942967836, 2.6242003784124694, null, 51.89370899602284],
] as const;

test("as computed with SciPy", () => {
  for (const [spread, p, confidence, estimate, lower, upper, effective] of GOLDENS) {
    const got = groupedQuantileInterval(grouped(spread), p, confidence);
    const what = `${p}-quantile at ${confidence}, spread ${spread}`;
    expectClose(got.estimate, estimate, 1e-12, what);
    expectClose(got.effectiveCount, effective, 1e-9, `${what}: effective count`);
    expectClose(got.lower, lower, 1e-12, `${what}: lower end`);
    if (upper === null) expect(got.upper, what).toBe(Number.POSITIVE_INFINITY);
    else expectClose(got.upper, upper, 1e-12, `${what}: upper end`);
  }
});

test("many groups that are alike bound as all their values do", () => {
  const random = createRandom(3);
  const groups = Array.from({ length: 400 }, () => Array.from({ length: 10 }, () => drawNormal(random)));
  const got = groupedQuantileInterval(groups, 0.5);
  const plain = quantileInterval(groups.flat(), 0.5);
  expect(got.estimate).toBe(plain.estimate);
  expect((got.upper - got.lower) / (plain.upper - plain.lower)).toBeGreaterThan(0.95);
  expect((got.upper - got.lower) / (plain.upper - plain.lower)).toBeLessThan(1.15);
});

test("groups that are all that differs are worth no more than their number", () => {
  const groups = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((level) => Array.from({ length: 500 }, () => level));
  const got = groupedQuantileInterval(groups, 0.5);
  expect(got.count).toBe(4500);
  expect(got.effectiveCount).toBeLessThan(9);
  expect([got.estimate, got.lower <= 2, got.upper >= 8]).toEqual([5, true, true]);
});

test("one group, or an empty one, says nothing of what groups differ by", () => {
  expect(() => groupedQuantileInterval([[1, 2, 3]], 0.5)).toThrow("The number of groups is 1");
  expect(() => groupedQuantileInterval([[1], []], 0.5)).toThrow("The number of values of group 1 is 0");
  expect(() => groupedQuantileInterval([[1], [Number.NaN]], 0.5)).toThrow("A value is NaN");
});
