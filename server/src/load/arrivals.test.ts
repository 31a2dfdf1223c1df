import { expect, test } from "vitest";
import { constantArrivals, poissonArrivals, seededRandom } from "./arrivals.ts";

const first = (arrivals: () => number, count: number) => Array.from({ length: count }, () => arrivals());

test("constant arrivals are evenly spaced and do not drift", () => {
  const arrivals = constantArrivals(3);
  const times = first(arrivals, 3_000_001);
  expect(times.slice(0, 4)).toEqual([0, 1000 / 3, 2000 / 3, 1000]);
  expect(times.at(-1)).toBe(1e9);
});

test("Poisson arrivals come at their rate, with exponential gaps, the same for the same seed", () => {
  const times = first(poissonArrivals(100, seededRandom(7)), 20_000);
  expect(first(poissonArrivals(100, seededRandom(7)), 20_000)).toEqual(times);
  expect(first(poissonArrivals(100, seededRandom(8)), 5)).not.toEqual(times.slice(0, 5));
  const gaps = times.slice(1).map((at, index) => at - times[index]!);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
  // Of 20 000 gaps the mean's standard error is 0.7 %; five of them.
  expect(Math.abs(mean / 10 - 1)).toBeLessThan(0.035);
  expect(Math.abs(deviation / mean - 1)).toBeLessThan(0.06);
  expect(gaps.every((gap) => gap >= 0)).toBe(true);
});

test("the random numbers are uniform enough", () => {
  const random = seededRandom(1);
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 100_000; i++) {
    const index = Math.floor(random() * 10);
    counts[index] = counts[index]! + 1;
  }
  // Chi-squared with 9 degrees of freedom: above 33.7 once in 10 000 seeds; this seed is fixed.
  expect(counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)).toBeLessThan(33.7);
});
