import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Latencies, PERCENTILE_ERROR } from "./latencies.ts";

const latency = fc.double({ min: 0.05, max: 400_000, noNaN: true });

test("a percentile is within the stated error of the true one", () => {
  fc.assert(
    fc.property(
      fc.array(latency, { minLength: 1, maxLength: 300 }),
      fc.double({ min: 0.001, max: 1, noNaN: true }),
      (all, fraction) => {
        const latencies = new Latencies();
        for (const ms of all) latencies.observe(ms);
        const sorted = [...all].sort((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(fraction * all.length)) - 1]!;
        // A bucket of the first 12.8 µs is one unit of 100 ns wide; above, its width is a share of the latency.
        const allowed = Math.max(exact * PERCENTILE_ERROR, 0.0001) * 1.0001;
        expect(Math.abs(latencies.quantile(fraction)! - exact)).toBeLessThanOrEqual(allowed);
      },
    ),
  );
});

test("mean, shortest and longest are exact", () => {
  const latencies = new Latencies();
  for (const ms of [3.25, 1.125, 8.5]) latencies.observe(ms);
  expect(latencies.summary()).toMatchObject({ count: 3, minMs: 1.125, maxMs: 8.5, meanMs: 12.875 / 3 });
});

test("bands hold every observation once, in order, without gaps", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(latency, fc.constant(0)), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 30 }),
      (all, count) => {
        const latencies = new Latencies();
        for (const ms of all) latencies.observe(ms);
        const bands = latencies.bands(count);
        expect(bands.length).toBeLessThanOrEqual(count);
        expect(bands.reduce((sum, band) => sum + band.count, 0)).toBe(all.length);
        bands.forEach((band, index) => {
          expect(band.toMs).toBeGreaterThan(band.fromMs);
          if (index > 0) expect(band.fromMs).toBe(bands[index - 1]!.toMs);
        });
        for (const band of bands) {
          const inside = all.filter(
            (ms) => Math.floor(ms * 10_000) / 10_000 >= band.fromMs && Math.floor(ms * 10_000) / 10_000 < band.toMs,
          );
          expect(inside.length).toBe(band.count);
        }
      },
    ),
  );
});

test("without observations there is nothing to say; what is too long counts in the last bucket", () => {
  const latencies = new Latencies();
  expect([latencies.summary(), latencies.quantile(0.5), latencies.bands(5)]).toEqual([null, null, []]);
  latencies.observe(1e9);
  latencies.observe(-1);
  expect(latencies.summary()).toMatchObject({ count: 2, maxMs: 1e9, minMs: 0 });
});
