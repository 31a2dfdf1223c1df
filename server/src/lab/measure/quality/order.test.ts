// The order against a plain sort, for few rows and many, with ties, both zeros, infinities and neighbouring doubles.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { randomFrom } from "../../../../../test/support/random.ts";
import { descendingOrder } from "./order.ts";

const inOrder = (values: Float64Array, weights: Float64Array) =>
  [...descendingOrder(values, weights)].map((row) => values[row]!);
const sorted = (values: Float64Array, weights: Float64Array) =>
  [...values].filter((_, row) => weights[row]! > 0).sort((a, b) => (a === b ? 0 : b > a ? 1 : -1));
const ones = (length: number) => new Float64Array(length).fill(1);
const plain = (values: readonly number[]) => values.map((value) => (value === 0 ? 0 : value));

test.each([3, 255, 256, 3000])("of up to %d doubles of any kind", (rows) => {
  const any = fc.array(fc.double({ noNaN: true }), { maxLength: rows, size: "max" });
  fc.assert(
    fc.property(any, (numbers) => {
      const values = Float64Array.from(numbers);
      expect(plain(inOrder(values, ones(values.length)))).toEqual(plain(sorted(values, ones(values.length))));
    }),
    { numRuns: 30 },
  );
});

test.each([
  ["ties", (draw: number) => Math.floor(draw * 4) - 2],
  ["single precision", (draw: number) => Math.fround(draw)],
  ["neighbours", (draw: number) => 1 + Math.floor(draw * 1000) * Number.EPSILON],
  ["tiny", (draw: number) => (draw - 0.5) * 1e-320],
  ["infinities", (draw: number) => (draw < 0.3 ? -Infinity : draw > 0.7 ? Infinity : draw - 0.5)],
  ["constants", () => -0.25],
])("of many %s, each row once and those of weight 0 not", (_, from) => {
  const random = randomFrom(3);
  const values = Float64Array.from({ length: 5000 }, () => from(random()));
  const weights = Float64Array.from({ length: 5000 }, () => Math.floor(random() * 3));
  expect(inOrder(values, weights)).toEqual(sorted(values, weights));
  const rows = [...descendingOrder(values, weights)].sort((a, b) => a - b);
  expect(rows).toEqual([...weights.keys()].filter((row) => weights[row]! > 0));
});

test("zeros of both signs are equals beside each other", () => {
  const values = Float64Array.from({ length: 600 }, (_, row) => [0, -0, 1, -1][row % 4]!);
  expect(inOrder(values, ones(600)).map((value) => Math.sign(value) || 0)).toEqual(
    [1, 0, 0, -1].flatMap((value) => new Float64Array(150).fill(value)).flatMap((part) => [...part]),
  );
});
