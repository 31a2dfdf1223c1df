import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CostModel } from "./cost-model.ts";
import { seeded } from "./simulation.testing.ts";

describe("a cost model", () => {
  it("claims nothing before it has seen enough", () => {
    const cost = new CostModel();
    for (let i = 0; i < 7; i++) cost.observe(1, 10, 5);
    expect(cost.isKnown).toBe(false);
    expect(cost.estimateMs(1, 10)).toBe(0);
    cost.observe(1, 10, 5);
    expect(cost.isKnown).toBe(true);
    expect(cost.estimateMs(1, 10)).toBeCloseTo(5);
  });

  it("learns the price of a run, a row, a position, of attention and of batches that outgrow the caches", () => {
    const truth = (rows: number, length: number): number =>
      0.4 + 0.02 * rows + 0.003 * rows * length + 0.00001 * rows * length ** 2 + 1e-7 * (rows * length) ** 2;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = seeded(seed);
        const cost = new CostModel();
        for (let i = 0; i < 400; i++) {
          const [rows, length] = [1 + Math.floor(random() * 32), 1 + Math.floor(random() * 256)];
          cost.observe(rows, length, truth(rows, length));
        }
        for (const [rows, length] of [
          [1, 8],
          [32, 16],
          [8, 200],
          [32, 256],
        ] as const) {
          const estimate = cost.estimateMs(rows, length);
          expect(Math.abs(estimate / truth(rows, length) - 1)).toBeLessThan(0.01);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("is not led astray by runs that something else held up", () => {
    const random = seeded(7);
    const cost = new CostModel();
    const truth = (rows: number, length: number): number => 1 + 0.01 * rows * length;
    for (let i = 0; i < 600; i++) {
      const [rows, length] = [1 + Math.floor(random() * 16), 1 + Math.floor(random() * 100)];
      const heldUp = random() < 0.02 ? 500 : 0;
      cost.observe(rows, length, truth(rows, length) * (0.9 + 0.2 * random()) + heldUp);
    }
    for (const [rows, length] of [
      [1, 10],
      [8, 50],
      [16, 100],
    ] as const) {
      expect(Math.abs(cost.estimateMs(rows, length) / truth(rows, length) - 1)).toBeLessThan(0.35);
    }
  });

  it("follows when the machine becomes slower or faster", () => {
    const cost = new CostModel();
    for (const factor of [1, 10, 0.5]) {
      for (let i = 0; i < 1500; i++) cost.observe(1 + (i % 8), 10, factor * (3 + (1 + (i % 8))));
      expect(cost.estimateMs(8, 10) / (11 * factor)).toBeCloseTo(1, 2);
    }
  });

  it("never claims that more takes less time, nor less than nothing, whatever it was told", () => {
    const observation = fc.record({
      rows: fc.integer({ min: 1, max: 4096 }),
      length: fc.oneof(fc.nat(4), fc.nat(1e6)),
      durationMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e6, noNaN: true })),
    });
    fc.assert(
      fc.property(fc.array(observation, { minLength: 8, maxLength: 60 }), observation, (seen, { rows, length }) => {
        const cost = new CostModel();
        for (const each of seen) cost.observe(each.rows, each.length, each.durationMs);
        const estimate = cost.estimateMs(rows, length);
        expect(estimate).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(estimate)).toBe(true);
        expect(cost.estimateMs(rows + 1, length)).toBeGreaterThanOrEqual(estimate);
        expect(cost.estimateMs(rows, length + 1)).toBeGreaterThanOrEqual(estimate);
      }),
    );
  });
});
