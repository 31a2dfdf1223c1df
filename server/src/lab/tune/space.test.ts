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
  type Candidate,
  candidatesToTry,
  threadsOf,
  valueIn,
} from "./space.ts";

const DEFAULTS: Candidate = Object.fromEntries(
  DIMENSIONS.map(({ key }) => [key, describeSettings().find((setting) => setting.key === key)!.defaultValue as number]),
);
const two: Circumstances = { cores: 2, rowsInFlight: 32, doesBatch: true, isInline: false, canShare: true };
const shown = (candidate: Candidate) => DIMENSIONS.map(({ key }) => valueIn(candidate, key)).join(" ");

test("every row is a setting, and tries values that the setting takes", () => {
  for (const { key } of DIMENSIONS) {
    const setting = describeSettings().find((candidate) => candidate.key === key);
    expect(setting, key).toBeDefined();
    for (const cores of [1, 2, 3, 6, 64, 192]) {
      for (const candidate of candidatesToTry(DEFAULTS, { ...two, cores, rowsInFlight: 10_000 }, 1000))
        expect(setting!.schema.safeParse(valueIn(candidate, key)).success, `${key} ${valueIn(candidate, key)}`).toBe(
          true,
        );
    }
  }
});

test("on two cores: one or two runners, one or two threads, batches of 1, 8 and 32 rows", () => {
  const runners = candidatesToTry(DEFAULTS, two, 100).filter(
    (candidate) => valueIn(candidate, "runtime.maxBatchRows") === 32,
  );
  const threads = new Set(
    runners.map(
      (candidate) => `${valueIn(candidate, "runtime.instances")} × ${valueIn(candidate, "runtime.intraOpThreads")}`,
    ),
  );
  expect([...threads]).toEqual(["1 × 0", "1 × 2", "2 × 0"]);
  expect(
    new Set(candidatesToTry(DEFAULTS, two, 100).map((candidate) => valueIn(candidate, "runtime.maxBatchRows"))),
  ).toEqual(new Set([32, 1, 8]));
});

test("batches are no larger than what waits, and not tuned where there are none", () => {
  const rows = (circumstances: Partial<Circumstances>) => [
    ...new Set(
      candidatesToTry(DEFAULTS, { ...two, ...circumstances }, 100).map((candidate) =>
        valueIn(candidate, "runtime.maxBatchRows"),
      ),
    ),
  ];
  expect(rows({ rowsInFlight: 1 })).toEqual([32]);
  expect(rows({ rowsInFlight: 4 })).toEqual([32, 1]);
  expect(rows({ rowsInFlight: 64 })).toEqual([32, 1, 8, 128]);
  expect(rows({ doesBatch: false })).toEqual([32]);
});

test("fronts are tuned where they can share the port", () => {
  const fronts = (circumstances: Partial<Circumstances>) => [
    ...new Set(
      candidatesToTry(DEFAULTS, { ...two, ...circumstances }, 200).map((candidate) =>
        valueIn(candidate, "server.fronts"),
      ),
    ),
  ];
  expect(fronts({ cores: 6 })).toEqual([1, 2, 4, 6]);
  expect(fronts({ cores: 6, canShare: false })).toEqual([1]);
});

test("of candidates as good, fewer changes cost less, then fewer threads and processes", () => {
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
  const candidates = candidatesToTry(DEFAULTS, { ...two, cores: 8, isInline: true }, 100);
  expect(new Set(candidates.map((candidate) => valueIn(candidate, "runtime.instances")))).toEqual(new Set([1]));
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
    } as Candidate,
    around,
    most,
  }));

  test("the current settings is the first, there are no more than asked for, and none twice", () => {
    fc.assert(
      fc.property(cases, ({ current, around, most }) => {
        const candidates = candidatesToTry(current, around, most);
        expect(candidates[0]).toEqual(current);
        expect(changesOf(candidates[0]!, current)).toEqual([]);
        expect(candidates.length).toBeLessThanOrEqual(most);
        const effects = candidates.map((candidate) => DIMENSIONS.map((one) => effectOf(one, candidate, around)).join());
        expect(new Set(effects).size, candidates.map(shown).join("; ")).toBe(candidates.length);
      }),
    );
  });

  test("candidates use no more threads than cores, as the thread plan has it", () => {
    fc.assert(
      fc.property(cases, ({ current, around, most }) => {
        for (const candidate of candidatesToTry(current, around, most).slice(1)) {
          const instances = valueIn(candidate, "runtime.instances");
          const asked = { instances, intraOpThreads: valueIn(candidate, "runtime.intraOpThreads") };
          expect(threadsOf(candidate, around)).toBe(instances * planThreads(asked, around.cores).intraOpThreads);
          if (!around.isInline) expect(threadsOf(candidate, around)).toBeLessThanOrEqual(around.cores);
        }
      }),
    );
  });
});
