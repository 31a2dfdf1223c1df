import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BatchItem, BatchLimits } from "./batcher.ts";
import { CostModel } from "./cost-model.ts";
import { groupOfFirst } from "./length-groups.ts";

const LIMITS: BatchLimits = { maxRows: 4, maxElements: 1e9, padAxis: 1, grouping: "cost", patienceMs: 200 };

function item(rows: number, length: number): BatchItem {
  return {
    inputs: [{ dtype: "float32", shape: [rows, length] }],
    outputs: [0],
    rows,
    elements: rows * length,
    length,
    arrivedAt: 0,
    deadline: 1e9,
    isAlone: false,
    isCancelled: false,
  };
}

/** A cost model that has seen runs of this price. */
function learnt(run: number, row: number, position: number, attention: number): CostModel {
  const cost = new CostModel();
  for (let i = 0; i < 200; i++) {
    const [rows, length] = [1 + (i % 7), 1 + ((i * 13) % 50)];
    cost.observe(rows, length, run + rows * (row + length * (position + length * attention)));
  }
  return cost;
}

function costOf(group: readonly BatchItem[], cost: CostModel): number {
  const rows = group.reduce((sum, each) => sum + each.rows, 0);
  return cost.estimateMs(rows, Math.max(...group.map(({ length }) => length)));
}

/** The least time to run all, over every way to divide them. */
function leastTime(items: readonly BatchItem[], cost: CostModel): number {
  if (items.length === 0) return 0;
  const [first, ...others] = items as [BatchItem, ...BatchItem[]];
  let least = Number.POSITIVE_INFINITY;
  for (let chosen = 0; chosen < 2 ** others.length; chosen++) {
    const group = [first, ...others.filter((_, index) => (chosen >> index) & 1)];
    const rows = group.reduce((sum, each) => sum + each.rows, 0);
    if (group.length > 1 && rows > LIMITS.maxRows) continue;
    const rest = others.filter((_, index) => ((chosen >> index) & 1) === 0);
    least = Math.min(least, costOf(group, cost) + leastTime(rest, cost));
  }
  return least;
}

const price = fc.tuple(
  fc.constantFrom(0, 0.1, 1, 10),
  fc.constantFrom(0, 0.1, 1),
  fc.constantFrom(0.001, 0.01, 0.1),
  fc.constantFrom(0, 0.0001, 0.01),
);

describe("requests of different length", () => {
  it("are divided into the groups that take the least time together", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 7 }),
        price,
        (lengths, prices) => {
          const cost = learnt(...prices);
          let waiting = lengths.map((length) => item(1, length));
          const expected = leastTime(waiting, cost);
          let total = 0;
          while (waiting.length > 0) {
            const group = groupOfFirst(waiting, LIMITS, cost);
            expect(group.has(waiting[0]!)).toBe(true);
            total += costOf([...group], cost);
            waiting = waiting.filter((each) => !group.has(each));
          }
          expect(total).toBeLessThanOrEqual(expected * (1 + 1e-9) + 1e-4);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("never share a run that takes longer than two of the same requests would", () => {
    const one = fc.record({ rows: fc.integer({ min: 1, max: 6 }), length: fc.integer({ min: 1, max: 300 }) });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 40 }), price, fc.nat(), (requests, prices, split) => {
        const cost = learnt(...prices);
        const waiting = requests.map(({ rows, length }) => item(rows, length));
        const group = [...groupOfFirst(waiting, { ...LIMITS, maxRows: 16 }, cost)];
        const apart = group.reduce((sum, each) => sum + costOf([each], cost), 0);
        const together = costOf(group, cost);
        expect(together).toBeLessThanOrEqual(apart + 1e-3);
        if (group.length < 2) return;
        const byLength = group.toSorted((a, b) => a.length - b.length);
        const at = 1 + (split % (group.length - 1));
        const halves = costOf(byLength.slice(0, at), cost) + costOf(byLength.slice(at), cost);
        expect(together).toBeLessThanOrEqual(halves + 1e-3);
      }),
    );
  });

  it("do not share runs while nothing is known of their cost, but those of the same length do", () => {
    const waiting = [item(1, 10), item(1, 20), item(1, 10), item(1, 11), item(1, 10)];
    const group = groupOfFirst(waiting, LIMITS, new CostModel());
    expect([...group].map(({ length }) => length)).toEqual([10, 10, 10]);
  });

  it("keep within the most rows and elements of a run", () => {
    const one = fc.record({ rows: fc.integer({ min: 1, max: 6 }), length: fc.integer({ min: 1, max: 30 }) });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 300 }), (requests) => {
        const waiting = requests.map(({ rows, length }) => item(rows, length));
        const group = [...groupOfFirst(waiting, { ...LIMITS, maxElements: 60 }, learnt(100, 0, 0.001, 0))];
        if (group.length === 1) return;
        const rows = group.reduce((sum, each) => sum + each.rows, 0);
        expect(rows).toBeLessThanOrEqual(LIMITS.maxRows);
        expect(rows * Math.max(...group.map(({ length }) => length))).toBeLessThanOrEqual(60);
      }),
    );
  });
});
