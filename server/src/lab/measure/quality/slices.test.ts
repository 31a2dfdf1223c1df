// Slices hold what the rows of each value hold by themselves, small ones hold no figures, and rows keep their numbers.
import { expect, test } from "vitest";
import { randomFrom } from "../../../../../test/support/random.ts";
import { expectAlike } from "./alike.testing.ts";
import {
  bySlice,
  classificationBySlice,
  classificationQuality,
  regressionBySlice,
  regressionQuality,
} from "./index.ts";

const random = randomFrom(7);
const ROWS = 200;
const labels = Array.from({ length: ROWS }, () => Math.floor(random() * 3));
const scores = Float32Array.from({ length: ROWS * 3 }, random);
const weights = Array.from({ length: ROWS }, () => Math.floor(random() * 3));
const CITIES = ["Berlin", "Lisbon", null] as const;
const cities = Array.from({ length: ROWS }, () => CITIES[Math.floor(random() * 3)]);
const options = { classes: 3, scale: "any" } as const;

test("a classifier's slices are as their rows alone", () => {
  const slices = classificationBySlice({ labels, scores, weights }, cities, { ...options, minRows: 10 });
  expect(slices.length).toBe(3);
  expect(slices.reduce((sum, { rows }) => sum + rows, 0)).toBe(ROWS);
  for (const slice of slices) {
    const rows = [...cities.keys()].filter((row) => cities[row] === slice.group);
    if (slice.isTooSmall) throw new Error(`The slice of ${slice.group} is too small.`);
    expect([slice.rows, slice.weightedRows]).toEqual([rows.length, rows.filter((row) => weights[row]! > 0).length]);
    const alone = classificationQuality(
      {
        labels: rows.map((row) => labels[row]!),
        scores: Float32Array.from(rows.flatMap((row) => [...scores.subarray(3 * row, 3 * row + 3)])),
        weights: rows.map((row) => weights[row]!),
      },
      options,
    );
    expectAlike(slice.quality, alone);
  }
});

test("with one score a row too", () => {
  const rows = { labels: [0, 1, 0, 1], scores: Float64Array.of(0.9, 0.8, 0.2, 0.7) };
  const slices = classificationBySlice(rows, [true, true, false, false], { classes: 2, minRows: 2 });
  expect(slices).toMatchObject([
    { group: true, quality: { accuracy: { value: 0.5 } } },
    { group: false, quality: { accuracy: { value: 1 }, ranking: { rocAuc: { value: 1 } } } },
  ]);
});

test("a regressor's slices are as their rows alone", () => {
  const targets = Array.from({ length: ROWS }, random);
  const predictions = Array.from({ length: ROWS }, random);
  for (const slice of regressionBySlice({ targets, predictions, weights }, cities, { minRows: 10, quantiles: [0.9] })) {
    const rows = [...cities.keys()].filter((row) => cities[row] === slice.group);
    const of = (values: readonly number[]) => rows.map((row) => values[row]!);
    if (slice.isTooSmall) throw new Error(`The slice of ${slice.group} is too small.`);
    const alone = regressionQuality(
      { targets: of(targets), predictions: of(predictions), weights: of(weights) },
      { quantiles: [0.9] },
    );
    expectAlike(slice.quality, alone);
  }
});

test("a slice of few rows of weight says so and holds no figures", () => {
  const measured: (readonly number[])[] = [];
  const slices = bySlice([1, 2, 1, 2, 1], [1, 1, 1, 0, 1], { minRows: 2 }, (rows) => measured.push(rows));
  expect(slices).toEqual([
    { group: 1, rows: 3, weightedRows: 3, isTooSmall: false, quality: 1 },
    { group: 2, rows: 2, weightedRows: 1, isTooSmall: true, minRows: 2 },
  ]);
  expect(measured).toEqual([[0, 2, 4]]);
});

test("thirty rows are the least unless told otherwise", () => {
  const count = (rows: number) =>
    bySlice(
      Array.from({ length: rows }, () => "a"),
      undefined,
      {},
      () => "measured",
    )[0];
  expect(count(29)).toEqual({ group: "a", rows: 29, weightedRows: 29, isTooSmall: true, minRows: 30 });
  expect(count(30)).toMatchObject({ isTooSmall: false, quality: "measured" });
});

test("rows without a value are one slice, and values of other types are others", () => {
  const slices = bySlice([null, undefined, Number.NaN, "1", 1, 0, -0], undefined, { minRows: 1 }, (rows) => rows);
  expect(slices.map((slice) => [slice.group, slice.rows])).toEqual([
    [null, 3],
    ["1", 1],
    [1, 1],
    [0, 2],
  ]);
});

test("what can't be sliced is refused", () => {
  const rows = { labels: [0, 5], scores: new Float64Array(6) };
  expect(() => classificationBySlice(rows, ["a", "b"], options)).toThrow(/label of row 1 is 5/);
  expect(() => bySlice(["a"], [1, 2], {}, () => null)).toThrow(/2 weights for 1 rows/);
  expect(() => regressionBySlice({ targets: [1, 2], predictions: [1, 2] }, ["a"])).toThrow(/1 values for 2 rows/);
  expect(() => bySlice([1, 2, 3], undefined, { maxSlices: 2 }, () => null)).toThrow(
    /more than 2 distinct values by row 2/,
  );
  expect(() => bySlice([1], undefined, { minRows: 0 }, () => null)).toThrow(/fewest rows of a slice is 0/);
});
