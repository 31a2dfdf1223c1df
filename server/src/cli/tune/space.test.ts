import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeSettings } from "#config";
import { planThreads } from "#runtime";
import {
  changesOf,
  type Circumstances,
  costOf,
  DIMENSIONS,
  effectOf,
  type Plan,
  plansToTry,
  threadsOf,
  valueIn,
} from "./space.ts";

const DEFAULTS: Plan = Object.fromEntries(
  DIMENSIONS.map(({ key }) => [key, describeSettings().find((setting) => setting.key === key)!.defaultValue as number]),
);
const two: Circumstances = { cores: 2, rowsInFlight: 32, doesBatch: true, isInline: false, canShare: true };
const shown = (plan: Plan) => DIMENSIONS.map(({ key }) => valueIn(plan, key)).join(" ");

test("every row is a setting, and tries values that the setting takes", () => {
  for (const { key } of DIMENSIONS) {
    const setting = describeSettings().find((candidate) => candidate.key === key);
    expect(setting, key).toBeDefined();
    for (const cores of [1, 2, 3, 6, 64, 192]) {
      for (const plan of plansToTry(DEFAULTS, { ...two, cores, rowsInFlight: 10_000 }, 1000))
        expect(setting!.schema.safeParse(valueIn(plan, key)).success, `${key} ${valueIn(plan, key)}`).toBe(true);
    }
  }
});

test("on two cores: one or two runners, one or two threads, batches of 1, 8 and 32 rows", () => {
  const runners = plansToTry(DEFAULTS, two, 100).filter((plan) => valueIn(plan, "runtime.maxBatchRows") === 32);
  const threads = new Set(
    runners.map((plan) => `${valueIn(plan, "runtime.instances")} × ${valueIn(plan, "runtime.intraOpThreads")}`),
  );
  expect([...threads]).toEqual(["1 × 0", "1 × 2", "2 × 0"]);
  expect(new Set(plansToTry(DEFAULTS, two, 100).map((plan) => valueIn(plan, "runtime.maxBatchRows")))).toEqual(
    new Set([32, 1, 8]),
  );
});

test("batches are no larger than what waits, and not tuned where there are none", () => {
  const rows = (circumstances: Partial<Circumstances>) => [
    ...new Set(
      plansToTry(DEFAULTS, { ...two, ...circumstances }, 100).map((plan) => valueIn(plan, "runtime.maxBatchRows")),
    ),
  ];
  expect(rows({ rowsInFlight: 1 })).toEqual([32]);
  expect(rows({ rowsInFlight: 4 })).toEqual([32, 1]);
  expect(rows({ rowsInFlight: 64 })).toEqual([32, 1, 8, 128]);
  expect(rows({ doesBatch: false })).toEqual([32]);
});

test("fronts are tuned where they can share the port", () => {
  const fronts = (circumstances: Partial<Circumstances>) => [
    ...new Set(plansToTry(DEFAULTS, { ...two, ...circumstances }, 200).map((plan) => valueIn(plan, "server.fronts"))),
  ];
  expect(fronts({ cores: 6 })).toEqual([1, 2, 4, 6]);
  expect(fronts({ cores: 6, canShare: false })).toEqual([1]);
});

test("of plans as good, fewer changes cost less, then fewer threads and processes", () => {
  const cost = (changes: Readonly<Record<string, number>>) =>
    costOf({ ...DEFAULTS, ...changes }, DEFAULTS, { ...two, cores: 4 });
  const costs = [
    cost({}),
    cost({ "runtime.intraOpThreads": 1 }),
    cost({ "runtime.maxBatchRows": 8 }),
    cost({ "server.fronts": 4 }),
    cost({ "runtime.intraOpThreads": 1, "runtime.maxBatchRows": 8 }),
  ];
  expect(costs).toEqual(costs.toSorted((a, b) => a - b));
  expect(new Set(costs).size).toBe(costs.length);
});

test("a model inside the server stays one", () => {
  const plans = plansToTry(DEFAULTS, { ...two, cores: 8, isInline: true }, 100);
  expect(new Set(plans.map((plan) => valueIn(plan, "runtime.instances")))).toEqual(new Set([1]));
});

describe("whatever the machine and the settings there are", () => {
  const settings = fc.record({
    instances: fc.integer({ min: 1, max: 64 }),
    intraOpThreads: fc.integer({ min: 0, max: 16 }),
    maxBatchRows: fc.integer({ min: 1, max: 4096 }),
    fronts: fc.integer({ min: 1, max: 64 }),
  });
  const circumstances = fc.record({
    cores: fc.integer({ min: 1, max: 256 }),
    rowsInFlight: fc.integer({ min: 1, max: 20_000 }),
    doesBatch: fc.boolean(),
    isInline: fc.boolean(),
    canShare: fc.boolean(),
  });
  const cases = fc.tuple(settings, circumstances, fc.integer({ min: 2, max: 64 })).map(([own, around, most]) => ({
    current: {
      ...DEFAULTS,
      "runtime.instances": own.instances,
      "runtime.intraOpThreads": own.intraOpThreads,
      "runtime.maxBatchRows": own.maxBatchRows,
      "server.fronts": own.fronts,
    } as Plan,
    around,
    most,
  }));

  test("the current plan is the first, there are no more than asked for, and none twice", () => {
    fc.assert(
      fc.property(cases, ({ current, around, most }) => {
        const plans = plansToTry(current, around, most);
        expect(plans[0]).toEqual(current);
        expect(changesOf(plans[0]!, current)).toEqual([]);
        expect(plans.length).toBeLessThanOrEqual(most);
        const effects = plans.map((plan) => DIMENSIONS.map((one) => effectOf(one, plan, around)).join());
        expect(new Set(effects).size, plans.map(shown).join("; ")).toBe(plans.length);
      }),
    );
  });

  test("plans use no more threads than cores, as the thread plan has it", () => {
    fc.assert(
      fc.property(cases, ({ current, around, most }) => {
        for (const plan of plansToTry(current, around, most).slice(1)) {
          const instances = valueIn(plan, "runtime.instances");
          const asked = { instances, intraOpThreads: valueIn(plan, "runtime.intraOpThreads") };
          expect(threadsOf(plan, around)).toBe(instances * planThreads(asked, around.cores).intraOpThreads);
          if (!around.isInline) expect(threadsOf(plan, around)).toBeLessThanOrEqual(around.cores);
        }
      }),
    );
  });
});
