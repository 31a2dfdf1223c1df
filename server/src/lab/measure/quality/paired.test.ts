// Material for paired tests is that of the rows, and is refused of models that did not see the same rows.
import { expect, test } from "vitest";
import { outcomesOfHits, pairedScores } from "./index.ts";

test("the 2 × 2 table by hand: rows of weight 0 are left out, all others count once", () => {
  const [a, b] = [
    [1, 1, 0, 0, 1, 1, 0],
    [1, 0, 1, 0, 1, 1, 0],
  ] as const;
  expect(outcomesOfHits(a, b, [1, 1, 1, 1, 5, 0, 0.5])).toEqual({
    bothRight: 2,
    onlyFirst: 1,
    onlySecond: 1,
    bothWrong: 2,
  });
  expect(outcomesOfHits([], [], [])).toEqual({ bothRight: 0, onlyFirst: 0, onlySecond: 0, bothWrong: 0 });
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

test("models of other rows, labels or weights can't be compared", () => {
  const rows = { labels: [0, 1], scores: Float64Array.of(0.1, 0.9) };
  const others = { ...rows, labels: [1, 1] };
  const heavier = { ...rows, weights: [1, 2] };
  const fewer = { labels: [0], scores: Float64Array.of(0.5) };
  const options = { classes: 2 };
  expect(() => pairedScores(rows, others, options)).toThrow(/label of row 0 is 0 for one model and 1 for the other/);
  expect(() => pairedScores(rows, heavier, options)).toThrow(/weight of row 1 is 1 for one model and 2/);
  expect(() => pairedScores(rows, fewer, options)).toThrow(/2 and 1 labels/);
  expect(() => pairedScores(heavier, heavier, options)).toThrow(/weight of row 1 is 2; areas/);
  expect(() => pairedScores(rows, rows, { classes: 2, positive: 2 })).toThrow(/positive class is 2/);
});
