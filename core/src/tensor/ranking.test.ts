import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bestIndices } from "./ranking.ts";

test("the best of many are those that sorting all of them gives, wherever they stand", () => {
  const score = fc.constantFrom(Number.NaN, Number.NEGATIVE_INFINITY, -1, -0, 0, 0.5, 1, Number.POSITIVE_INFINITY);
  fc.assert(
    fc.property(fc.array(score, { maxLength: 60 }), fc.nat(60), fc.nat(60), (scores, before, top) => {
      const start = Math.min(before, scores.length);
      const part = scores.slice(start);
      const isBefore = (a: number, b: number) => (Number.isNaN(a) ? false : Number.isNaN(b) || a > b);
      const sorted = part
        .map((_score, index) => index)
        .sort((a, b) => (isBefore(part[a]!, part[b]!) ? -1 : isBefore(part[b]!, part[a]!) ? 1 : a - b));
      expect(bestIndices(scores, start, scores.length, top)).toEqual(sorted.slice(0, top));
    }),
  );
});
