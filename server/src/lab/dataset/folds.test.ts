// Folds are even, of each class too, and the same again.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { foldRows, foldsOf } from "./index.ts";

const countsOf = (values: Iterable<number>, of: number) => {
  const counts = Array.from({ length: of }, () => 0);
  for (const value of values) counts[value]! += 1;
  return counts;
};
const spread = (counts: readonly number[]) => Math.max(...counts) - Math.min(...counts);

test("every row is held out once; folds and the classes in them are even to the row", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(3), { minLength: 2, maxLength: 200 }),
      fc.integer({ min: 2, max: 12 }),
      fc.nat(1000),
      (classes, wanted, seed) => {
        const folds = Math.min(wanted, classes.length);
        const fold = foldsOf(classes.length, { folds, seed, classes });
        expect(spread(countsOf(fold, folds))).toBeLessThanOrEqual(1);
        for (const one of new Set(classes)) {
          const own = [...fold].filter((_, row) => classes[row] === one);
          expect(spread(countsOf(own, folds))).toBeLessThanOrEqual(1);
        }
        const held = Array.from({ length: folds }, (_, part) => foldRows(fold, part));
        expect(held.flatMap(({ validation }) => [...validation]).toSorted((a, b) => a - b)).toEqual([
          ...classes.keys(),
        ]);
        for (const { train, validation } of held) expect(train.length + validation.length).toBe(classes.length);
      },
    ),
  );
});

test("a seed gives the same folds again, and another seed others", () => {
  const [first, again, other] = [1, 1, 2].map((seed) => [...foldsOf(100, { folds: 5, seed })]);
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
  expect(first!.slice(0, 10)).toEqual([...foldsOf(100, { folds: 5, seed: 1 })].slice(0, 10));
  // No function of the place alone, as every fifth row would be.
  expect(first!.every((fold, row) => fold === row % 5)).toBe(false);
});

test("what can't be cut is refused", () => {
  expect(() => foldsOf(3, { folds: 4 })).toThrow("3 rows can't be cut into 4 folds");
  expect(() => foldsOf(3, { folds: 1 })).toThrow(RangeError);
});
