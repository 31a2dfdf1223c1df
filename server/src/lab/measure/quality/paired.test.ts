// Material for paired tests adds up to the metrics it came from, and is refused of models that did not see the same rows.
import { expect, test } from "vitest";
import { randomFrom } from "../../../../../test/support/random.ts";
import { expectMetric, expectNumber } from "./alike.testing.ts";
import {
  classificationLosses,
  classificationQuality,
  pairedDifferences,
  pairedOutcomes,
  pairedScores,
  regressionLosses,
  regressionQuality,
} from "./index.ts";

const ROWS = 60;
const random = randomFrom(11);
const labels = Array.from({ length: ROWS }, () => Math.floor(random() * 3));
const weights = Array.from({ length: ROWS }, () => Math.floor(random() * 4) / 2);
const model = () => {
  const scores = Float64Array.from({ length: ROWS * 3 }, random);
  return {
    labels,
    weights,
    scores: scores.map((score, at) => score / total(scores.subarray(at - (at % 3), at - (at % 3) + 3))),
  };
};
const total = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0);
const [first, second] = [model(), model()];

test.each([
  ["zero-one", (q: ReturnType<typeof classificationQuality>) => 1 - q.accuracy.value!],
  ["log", (q: ReturnType<typeof classificationQuality>) => q.logLoss.value!],
  ["brier", (q: ReturnType<typeof classificationQuality>) => q.brier.value!],
] as const)("the mean difference of %s losses is the difference of the metrics", (loss, metric) => {
  const options = { classes: 3, loss };
  const {
    mean,
    differences,
    weights: kept,
  } = pairedDifferences(classificationLosses(first, options), classificationLosses(second, options));
  const [a, b] = [classificationQuality(first, { classes: 3 }), classificationQuality(second, { classes: 3 })];
  expect(metric(a)).not.toBeCloseTo(metric(b), 6);
  expectMetric(mean, metric(a) - metric(b));
  expect(differences.length).toBe(a.weightedRows);
  expectNumber(total(kept), a.weight);
});

test("the same for a regressor's losses", () => {
  const targets = Array.from({ length: ROWS }, random);
  const rows = () => ({ targets, weights, predictions: Array.from({ length: ROWS }, random) });
  const [one, other] = [rows(), rows()];
  const [a, b] = [one, other].map((each) => regressionQuality(each, { quantiles: [0.2] })) as [
    ReturnType<typeof regressionQuality>,
    ReturnType<typeof regressionQuality>,
  ];
  const meanOf = (loss: Parameters<typeof regressionLosses>[1]) =>
    pairedDifferences(regressionLosses(one, loss), regressionLosses(other, loss)).mean;
  expectMetric(meanOf("absolute"), a.meanAbsoluteError.value! - b.meanAbsoluteError.value!);
  expectMetric(meanOf("squared"), a.rootMeanSquaredError.value! ** 2 - b.rootMeanSquaredError.value! ** 2);
  expectMetric(meanOf({ quantile: 0.2 }), a.quantileLosses[0]!.loss.value! - b.quantileLosses[0]!.loss.value!);
});

test("the 2 × 2 table by hand, and its margins are the hits", () => {
  const truth = [0, 1, 1, 0, 1, 0];
  const a = { labels: truth, scores: Float64Array.of(0.1, 0.9, 0.9, 0.9, 0.1, 0.1) };
  const b = { labels: truth, scores: Float64Array.of(0.1, 0.1, 0.1, 0.1, 0.2, 0.3) };
  expect(pairedOutcomes(a, b, { classes: 2 })).toEqual({ bothRight: 2, onlyFirst: 2, onlySecond: 1, bothWrong: 1 });
  const table = pairedOutcomes(first, second, { classes: 3 });
  const [one, other] = [classificationQuality(first, { classes: 3 }), classificationQuality(second, { classes: 3 })];
  expect(table.bothRight + table.onlyFirst).toBe(one.hitRows);
  expect(table.bothRight + table.onlySecond).toBe(other.hitRows);
  expect(total(Object.values(table))).toBe(one.weightedRows);
});

test("scores for comparing areas are those of the class, rows of weight 0 left out", () => {
  const rows = { labels: [0, 1, 2, 1], weights: [1, 0, 1, 1] };
  const a = { ...rows, scores: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) };
  const b = { ...rows, scores: a.scores.map((score) => -score) };
  expect(pairedScores(a, b, { classes: 3, positive: 2, scale: "any" })).toEqual({
    first: Float64Array.of(3, 9, 12),
    second: Float64Array.of(-3, -9, -12),
    labels: Uint8Array.of(0, 1, 0),
  });
  const single = { labels: [0, 1], scores: Float64Array.of(0.25, 0.75) };
  const pairs = { labels: [0, 1], scores: Float64Array.of(0.5, 0.5, 0.25, 0.75) };
  expect(pairedScores(single, pairs, { classes: 2 })).toEqual({
    first: Float64Array.of(0.25, 0.75),
    second: Float64Array.of(0.5, 0.75),
    labels: Uint8Array.of(0, 1),
  });
  expect(pairedScores(single, pairs, { classes: 2, positive: 0 })).toEqual({
    first: Float64Array.of(-0.25, -0.75),
    second: Float64Array.of(0.5, 0.25),
    labels: Uint8Array.of(1, 0),
  });
});

test("effective rows are the rows when all weigh the same, however much", () => {
  const losses = (values: number[], each: number[]) => ({
    losses: Float64Array.from(values),
    weights: Float64Array.from(each),
  });
  const rowsOf = (each: number[]) => pairedDifferences(losses(each, each), losses(each, each)).effectiveRows;
  expect(rowsOf([3, 3, 3, 0])).toBe(3);
  expect(rowsOf([1e100, 1e100])).toBe(2);
  expectNumber(rowsOf([1, 3]), 1.6);
  expect(pairedDifferences(losses([1], [0]), losses([2], [0]))).toMatchObject({
    effectiveRows: 0,
    mean: { value: null, reason: "no-rows" },
  });
});

test("models of other rows, labels or weights can't be compared", () => {
  const rows = { labels: [0, 1], scores: Float64Array.of(0.1, 0.9) };
  const others = { ...rows, labels: [1, 1] };
  const heavier = { ...rows, weights: [1, 2] };
  const fewer = { labels: [0], scores: Float64Array.of(0.5) };
  const options = { classes: 2 };
  for (const compare of [pairedOutcomes, pairedScores]) {
    expect(() => compare(rows, others, options)).toThrow(/label of row 0 is 0 for one model and 1 for the other/);
    expect(() => compare(rows, heavier, options)).toThrow(/weight of row 1 is 1 for one model and 2/);
    expect(() => compare(rows, fewer, options)).toThrow(/2 and 1 labels/);
  }
  const lossesOf = (each: typeof rows) => classificationLosses(each, { classes: 2, loss: "log" });
  expect(() => pairedDifferences(lossesOf(rows), lossesOf(fewer))).toThrow(/2 and 1 losses/);
  expect(() => pairedDifferences(lossesOf(rows), lossesOf(heavier))).toThrow(/weight of row 1/);
  expect(() => pairedScores(heavier, heavier, options)).toThrow(/weight of row 1 is 2; areas/);
  expect(() => pairedScores(rows, rows, { classes: 2, positive: 2 })).toThrow(/positive class is 2/);
  expect(() => classificationLosses(rows, { classes: 2, loss: "log", scale: "any" })).toThrow(/needs probabilities/);
  expect(() => regressionLosses({ targets: [1], predictions: [1] }, { quantile: 0 })).toThrow(/quantile is 0/);
});
