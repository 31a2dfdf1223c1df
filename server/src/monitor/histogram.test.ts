import fc from "fast-check";
import { expect, test } from "vitest";
import { Histogram } from "./histogram.ts";

const durations = fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 300 });

test("quantiles are those of the sorted durations, within a bucket's width", () => {
  fc.assert(
    fc.property(durations, fc.double({ min: 0.001, max: 1, noNaN: true }), (values, fraction) => {
      const histogram = new Histogram();
      for (const value of values) histogram.observe(value);
      const exact = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(fraction * values.length)) - 1]!;
      const answer = histogram.quantile(fraction)!;
      // Half a bucket: 1/16 of the value, or half a microsecond near zero.
      expect(Math.abs(answer - exact)).toBeLessThanOrEqual(exact / 15 + 0.001);
    }),
  );
});

test("cumulative counts are exact at powers of two", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 26 }), { maxLength: 200 }), (microseconds) => {
      const histogram = new Histogram();
      for (const us of microseconds) histogram.observe(us / 1000);
      const exponents = [0, 3, 4, 6, 10, 17, 25, 26];
      // Durations are counted in whole microseconds; dividing and multiplying by 1000 may lose one of them.
      const whole = microseconds.map((us) => Math.floor((us / 1000) * 1000));
      expect(histogram.cumulative(exponents)).toEqual(
        exponents.map((exponent) => whole.filter((us) => us < 2 ** exponent).length),
      );
    }),
  );
});

test("a difference of two moments is what was observed between them", () => {
  fc.assert(
    fc.property(durations, durations, (before, between) => {
      const histogram = new Histogram();
      for (const value of before) histogram.observe(value);
      const earlier = histogram.copy();
      const alone = new Histogram();
      for (const value of between) {
        histogram.observe(value);
        alone.observe(value);
      }
      const difference = histogram.since(earlier);
      expect([...difference.counts]).toEqual([...alone.counts]);
      expect(difference.count).toBe(between.length);
    }),
  );
});

test("durations beyond the range, and below nothing, are counted", () => {
  const histogram = new Histogram();
  histogram.observe(1e12);
  histogram.observe(-1);
  expect(histogram.count).toBe(2);
  expect(histogram.quantile(0.5)).toBeLessThan(0.001);
  expect(histogram.quantile(1)).toBeGreaterThan(4e6 / 1.1);
  expect(new Histogram().percentiles()).toBeNull();
});
