import { describe, expect, test } from "vitest";
import { optionsFor } from "./options.ts";
import { ASSUMPTIONS } from "./planner.ts";
import { costPerMillion, EXAMPLE_PRICES, fleetCost, pricesFrom } from "./prices.ts";

const machine = { name: "m2", cores: 2, memoryGiB: 8, perHour: 0.36 };
const table = { currency: "EUR", source: "a contract", asOf: "2026-11-25", machines: [machine] };

describe("cost", () => {
  test("of a million predictions: what the seconds they take cost", () => {
    // 0.36 an hour is 0.0001 a second; a million at 100 a second take 10 000 of them.
    expect(costPerMillion(0.36, 100)).toBeCloseTo(1, 12);
    expect(fleetCost(machine, { replicas: 3, ratePerSecond: 400 }, 200, 4)).toEqual({
      machine: "m2",
      perHour: 1.08,
      perMillionAtRate: costPerMillion(1.08, 800),
      perMillionAtFullUse: costPerMillion(1.08, 1600),
    });
  });
});

describe("a table of prices", () => {
  test("is read as it is, and is then nobody's example", () => {
    expect(pricesFrom(table, "prices.yaml")).toEqual({ ...table, isExample: false });
    expect(EXAMPLE_PRICES.isExample).toBe(true);
    const { isExample: _, ...example } = EXAMPLE_PRICES;
    expect(pricesFrom(example, "example").machines).toEqual(EXAMPLE_PRICES.machines);
  });

  test.each([
    [null, "prices.yaml"],
    [{ ...table, machines: [] }, "machines"],
    [{ ...table, machines: [{ ...machine, perHour: 0 }] }, "perHour"],
    [{ ...table, machines: [{ ...machine, cores: 1.5 }] }, "cores"],
    [{ ...table, asOf: "yesterday" }, "must be a date such as 2026-11-25"],
    [{ ...table, more: 1 }, "more"],
    [{ ...table, machines: [machine, machine] }, 'the machine "m2" twice'],
  ])("%j is refused", (value, message) => {
    expect(() => pricesFrom(value, "prices.yaml")).toThrow(
      expect.objectContaining({
        code: "PARAMETER_INVALID",
        message: expect.stringContaining(message) as string,
      }) as Error,
    );
  });
});

describe("options", () => {
  const reserve = { headroom: 0.2, imbalance: 0.1 };
  const prices = {
    ...table,
    isExample: false,
    machines: [
      { name: "large", cores: 8, memoryGiB: 32, perHour: 1 },
      { name: "small", cores: 2, memoryGiB: 8, perHour: 0.3 },
      { name: "single", cores: 1, memoryGiB: 4, perHour: 0.2 },
    ],
  };

  test("the cheapest first, each with what it takes to stand a failure", () => {
    const measured = { cores: 2, capacity: 1000, scaling: null };
    const options = optionsFor(prices, measured, 1400, reserve, ASSUMPTIONS, 1);
    expect(
      options.map(({ cost, fleet, surviving }) => [cost.machine, fleet.replicas, cost.perHour, surviving.replicas]),
    ).toEqual([
      ["small", 2, 0.6, 3],
      ["single", 4, 0.8, 5],
      ["large", 2, 2, 3],
    ]);
  });

  test("machines of which nobody would take so many are left out", () => {
    const measured = { cores: 2, capacity: 1, scaling: null };
    expect(optionsFor(prices, measured, 700, reserve, ASSUMPTIONS, 1).map(({ cost }) => cost.machine)).toEqual([
      "small",
      "large",
    ]);
  });
});
