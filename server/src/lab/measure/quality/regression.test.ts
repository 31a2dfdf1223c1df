// What must hold for any regressor's rows, and what happens at the edges of what numbers can hold.
import { SlipwayError } from "@slipway/core/base";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expectAlike, expectMetric, numbersOf } from "./alike.testing.ts";
import { REGRESSION_NEEDS, RegressionMeasure, type RegressedRows, regressionQuality } from "./index.ts";

interface Row {
  readonly target: number;
  readonly prediction: number;
  readonly weight: number;
}
const anyRow: fc.Arbitrary<Row> = fc.record({
  target: fc.integer({ min: -4, max: 4 }),
  prediction: fc.double({ min: -10, max: 10, noNaN: true }),
  weight: fc.constantFrom(0, 0.5, 1, 2),
});
const anyRows = fc
  .tuple(fc.array(anyRow, { maxLength: 25 }), fc.constantFrom(0, 1e6))
  .map(([rows, offset]) =>
    rows.map((row) => ({ ...row, target: row.target + offset, prediction: row.prediction + offset })),
  );
const OPTIONS = { quantiles: [0.1, 0.5] };

function batch(rows: readonly Row[]): RegressedRows {
  return {
    targets: rows.map(({ target }) => target),
    predictions: rows.map(({ prediction }) => prediction),
    weights: rows.map(({ weight }) => weight),
  };
}
const qualityOf = (rows: readonly Row[]) => regressionQuality(batch(rows), OPTIONS);

describe("for any rows", () => {
  test("their order does not matter", () => {
    const shuffled = anyRows.chain((rows) =>
      fc.tuple(fc.constant(rows), fc.shuffledSubarray(rows, { minLength: rows.length })),
    );
    fc.assert(fc.property(shuffled, ([rows, others]) => expectAlike(qualityOf(others), qualityOf(rows))));
  });

  test("a weight of 2 is the row twice", () => {
    const several = anyRows.filter((rows) => rows.filter(({ weight }) => weight > 0).length !== 1);
    fc.assert(
      fc.property(several, (rows) => {
        const doubled = rows.map((row) => ({ ...row, weight: row.weight * 2 }));
        expectAlike(qualityOf(doubled), qualityOf([...rows, ...rows]), ["rows", "weightedRows"]);
      }),
    );
  });

  test("a row of weight 0 is not there", () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        expectAlike(qualityOf(rows), qualityOf(rows.filter(({ weight }) => weight > 0)), ["rows"]);
      }),
    );
  });

  test("batches and merged measures are as all at once", () => {
    fc.assert(
      fc.property(anyRows, fc.array(fc.nat(25), { maxLength: 4 }), fc.boolean(), (rows, ends, keepErrors) => {
        const options = { ...OPTIONS, keepErrors };
        const cuts = [0, ...ends.map((end) => Math.min(end, rows.length)).sort((a, b) => a - b), rows.length];
        const streamed = new RegressionMeasure(options);
        const merged = new RegressionMeasure(options);
        cuts.slice(1).forEach((end, index) => {
          const piece = batch(rows.slice(cuts[index], end));
          streamed.add(piece);
          const part = new RegressionMeasure(options);
          part.add(piece);
          merged.merge(part);
        });
        const whole = regressionQuality(batch(rows), options);
        expectAlike(streamed.quality(), whole);
        expectAlike(merged.quality(), whole);
      }),
    );
  });

  test("the quantile loss of the middle is half the absolute error", () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const { quantileLosses, meanAbsoluteError } = qualityOf(rows);
        expectMetric(quantileLosses[1]!.loss, meanAbsoluteError.value === null ? null : meanAbsoluteError.value / 2);
      }),
    );
  });
});

describe("at the edges", () => {
  test("targets constant in each of two measures, but not the same", () => {
    const [one, other] = [new RegressionMeasure(), new RegressionMeasure()];
    one.add({ targets: [1, 1], predictions: [1, 2] });
    other.add({ targets: [3, 3], predictions: [3, 3] });
    one.merge(other);
    expectMetric(one.quality().r2, 0.75);
  });

  test("a common offset of 1e9 costs nothing", () => {
    const targets = Array.from({ length: 1000 }, (_, row) => ((row * 7919) % 1009) / 1024);
    const predictions = targets.map((target, row) => target + (row % 7) / 64);
    const far = (values: readonly number[]) => values.map((value) => value + 2 ** 30);
    const near = regressionQuality({ targets, predictions });
    expectAlike(regressionQuality({ targets: far(targets), predictions: far(predictions) }), near, [
      "meanAbsolutePercentageError",
    ]);
  });

  test("numbers too large are out of range, never infinite", () => {
    for (const quality of [
      regressionQuality({ targets: [1e308, -1e308], predictions: [-1e308, 1e308] }, OPTIONS),
      regressionQuality({ targets: [1e200, -1e200], predictions: [1e200, 1] }, OPTIONS),
      regressionQuality({ targets: [1e-200, 2e-200], predictions: [1e-200, 2e-200] }, OPTIONS),
    ]) {
      expect(numbersOf(quality).filter((value) => !Number.isFinite(value))).toEqual([]);
      expect(quality.r2).toEqual({ value: null, reason: "out-of-range" });
    }
  });

  test("what is undefined says why", () => {
    const reasonOf = (rows: RegressedRows, metric: "r2" | "explainedVariance" | "medianAbsoluteError" | "meanError") =>
      regressionQuality(rows)[metric];
    const [none, one] = [
      { targets: [], predictions: [] },
      { targets: [1], predictions: [2] },
    ];
    for (const metric of ["r2", "medianAbsoluteError", "meanError"] as const) {
      expect(reasonOf(none, metric)).toEqual({ value: null, reason: "no-rows" });
    }
    expect(reasonOf(one, "r2")).toEqual({ value: null, reason: "too-few-rows" });
    expect(reasonOf({ targets: [0.1, 0.1, 0.1], predictions: [1, 2, 3] }, "explainedVariance")).toEqual({
      value: null,
      reason: "constant-target",
    });
    const { meanAbsolutePercentageError } = regressionQuality({ targets: [0, 1], predictions: [0, 1] });
    expect(meanAbsolutePercentageError).toEqual({ value: null, reason: "zero-target" });
  });

  test("where errors are not kept only what the table says is missing", () => {
    const rows = { targets: [1, 2, 4], predictions: [1, 3, 3] };
    const { medianAbsoluteError, ...others } = regressionQuality(rows, { keepErrors: false });
    expect(Object.entries(REGRESSION_NEEDS).filter(([, need]) => need === "errors")).toEqual([
      ["medianAbsoluteError", "errors"],
    ]);
    expect(medianAbsoluteError).toEqual({ value: null, reason: "errors-not-kept" });
    expectAlike(others, regressionQuality(rows), ["medianAbsoluteError"]);
  });
});

describe("rows that can't be used", () => {
  test.each<[string, RegressedRows, RegExp]>([
    ["a NaN target", { targets: [1, Number.NaN], predictions: [1, 2] }, /target of row 1 is NaN/],
    [
      "an infinite prediction",
      { targets: [1, 2], predictions: [Number.POSITIVE_INFINITY, 2] },
      /prediction of row 0 is Infinity/,
    ],
    ["too few predictions", { targets: [1, 2], predictions: [1] }, /1 predictions for 2 targets/],
    ["a negative weight", { targets: [1, 2], predictions: [1, 2], weights: [1, -2] }, /weight of row 1 is -2/],
  ])("%s", (_, rows, message) => {
    expect(() => regressionQuality(rows)).toThrow(message);
    expect(() => regressionQuality(rows)).toThrow(SlipwayError);
    const measure = new RegressionMeasure();
    measure.add({ targets: [5, 6], predictions: [5, 7] });
    const before = measure.quality();
    expect(() => measure.add(rows)).toThrow(/row (2|3)\b|for 2/);
    expect(measure.quality()).toEqual(before);
  });

  test("options and merges that can't be", () => {
    expect(() => new RegressionMeasure({ quantiles: [1] })).toThrow(/quantile is 1/);
    expect(() => new RegressionMeasure({ maxKeptErrors: 0.5 })).toThrow(/errors to keep is 0.5/);
    const measure = new RegressionMeasure({ maxKeptErrors: 1 });
    expect(() => measure.add({ targets: [1, 2], predictions: [1, 2] })).toThrow(/2 errors are more than the 1/);
    expect(() => measure.merge(new RegressionMeasure())).toThrow(/different options/);
    expect(() => measure.merge(measure)).toThrow(/into itself/);
  });
});
