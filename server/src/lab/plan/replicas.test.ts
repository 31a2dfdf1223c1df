import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { busiestRate, capacityWith, fleetFor, rateOf, replicasFor, type Reserve, survivingFleet } from "./replicas.ts";
import { fitScaling, scaledTo } from "./scaling.ts";

const reserve: Reserve = { headroom: 0.2, imbalance: 0.1 };

const cases = fc.record({
  rate: fc.double({ min: 0.1, max: 1e6, noNaN: true }),
  capacity: fc.double({ min: 1, max: 1e5, noNaN: true }),
  headroom: fc.double({ min: 0, max: 0.7, noNaN: true }),
  imbalance: fc.double({ min: 0, max: 0.5, noNaN: true }),
});

describe("replicas", () => {
  test("one carries a rate alone, without anything to balance; then the busiest counts", () => {
    expect(replicasFor(800, 1000, reserve)).toBe(1);
    expect(replicasFor(801, 1000, reserve)).toBe(2);
    // 1600 × 1.1 / 800 = 2.2
    expect(replicasFor(1600, 1000, reserve)).toBe(3);
    expect(rateOf(1, 1000, reserve)).toBe(800);
    expect(rateOf(3, 1000, reserve)).toBeCloseTo(2181.818, 3);
    expect(busiestRate(1600, 1, reserve)).toBe(1600);
    expect(busiestRate(1600, 4, reserve)).toBeCloseTo(440, 9);
  });

  test("so many carry the rate with the reserve kept free, one fewer does not", () => {
    fc.assert(
      fc.property(cases, ({ rate, capacity, headroom, imbalance }) => {
        const of = { headroom, imbalance };
        const replicas = replicasFor(rate, capacity, of);
        expect(rateOf(replicas, capacity, of)).toBeGreaterThanOrEqual(rate * (1 - 1e-6));
        expect(busiestRate(rate, replicas, of)).toBeLessThanOrEqual(capacity * (1 - headroom) * (1 + 1e-6));
        if (replicas > 2) expect(rateOf(replicas - 1, capacity, of)).toBeLessThan(rate);
        if (replicas === 2) expect(rateOf(1, capacity, of)).toBeLessThan(rate);
      }),
    );
  });
});

describe("a fleet", () => {
  const machine = { cores: 2, capacity: 1000, basis: "measured" } as const;

  test("alone, it loses everything when it fails", () => {
    const fleet = fleetFor(machine, 500, reserve, 0.5);
    expect(fleet).toEqual({
      ...machine,
      replicas: 1,
      ratePerSecond: 800,
      utilisation: 0.5,
      addedLatencyMs: 0,
      lostShare: 1,
      survivesOne: false,
    });
    expect(survivingFleet(fleet, 500, reserve, 0.5)).toMatchObject({ replicas: 2, lostShare: 0.5, survivesOne: true });
  });

  test("of several, the others carry on where the reserve is enough for it", () => {
    // 5 × 800 / 1.1 = 3636; four of them see 3600 × 1.1 / 4 = 990 each, which is within their capacity.
    const fleet = fleetFor(machine, 3600, reserve, 0.5);
    expect(fleet).toMatchObject({ replicas: 5, addedLatencyMs: 0.5, lostShare: 0.2, survivesOne: true });
    expect(survivingFleet(fleet, 3600, reserve, 0.5)).toBe(fleet);
  });

  test("the surviving fleet is the smallest that carries the rate without one", () => {
    fc.assert(
      fc.property(cases, ({ rate, capacity, headroom, imbalance }) => {
        fc.pre(rate / capacity < 300);
        const of = { headroom, imbalance };
        const fleet = fleetFor({ ...machine, capacity }, rate, of, 0.5);
        const surviving = survivingFleet(fleet, rate, of, 0.5);
        expect(busiestRate(rate, surviving.replicas - 1, of)).toBeLessThanOrEqual(capacity * (1 + 1e-6));
        if (surviving.replicas > Math.max(2, fleet.replicas))
          expect(busiestRate(rate, surviving.replicas - 2, of)).toBeGreaterThan(capacity);
      }),
    );
  });
});

describe("the capacity of a machine with other cores", () => {
  const scaling = fitScaling([
    { threads: 1, perSecond: 500 },
    { threads: 2, perSecond: 900 },
    { threads: 4, perSecond: 1400 },
    { threads: 6, perSecond: 1500 },
    { threads: 8, perSecond: 1450 },
  ]);

  test("the same is measured, fewer have their part, more follow the law", () => {
    const measured = { cores: 4, capacity: 800, scaling };
    expect(capacityWith(4, measured)).toEqual({ cores: 4, capacity: 800, basis: "measured" });
    expect(capacityWith(1, measured)).toEqual({ cores: 1, capacity: 200, basis: "proportional" });
    const six = capacityWith(6, measured);
    expect(six.basis).toBe("law");
    expect(six.capacity).toBeCloseTo((800 * scaledTo(scaling!, 6)) / scaledTo(scaling!, 4), 9);
  });

  test("cores beyond the law's peak take nothing away, and where there is no law they add nothing", () => {
    const measured = { cores: 4, capacity: 800, scaling };
    const all = [4, 5, 6, 8, 16, 64].map((cores) => capacityWith(cores, measured).capacity);
    expect(all).toEqual(all.toSorted((a, b) => a - b));
    expect(all.at(-1)).toBe(all.at(-2));
    expect(capacityWith(64, { ...measured, scaling: null })).toEqual({ cores: 64, capacity: 800, basis: "unchanged" });
  });
});
