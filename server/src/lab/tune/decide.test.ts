import * as fc from "fast-check";
import { expect, test } from "vitest";
import { LEAST_PAIRS, MOST_FALSE_SHARE, type Pair, ratioOf, spreadOf, verdictOf, winsNeededOf } from "./decide.ts";

/** So many pairs, of which the challenger wins the first `wins` by this ratio and loses the others by as much. */
function pairsOf(wins: number, pairs: number, ratio = 1.2): Pair[] {
  return Array.from({ length: pairs }, (_, index) => ({
    current: 100,
    challenger: index < wins ? 100 * ratio : 100 / ratio,
  }));
}

test.each([
  [1, null],
  [4, null],
  [5, 5],
  [6, 6],
  [7, 7],
  [8, 7],
  [9, 8],
  [11, 9],
  [12, 10],
])("of %d pairs, %j have to be won", (pairs, wins) => expect(winsNeededOf(pairs)).toBe(wins));

test("the chance of so many wins is the binomial tail, counted out", () => {
  for (let pairs = 1; pairs <= 12; pairs++) {
    for (let wins = 0; wins <= pairs; wins++) {
      let outcomes = 0;
      for (let outcome = 0; outcome < 2 ** pairs; outcome++) {
        let won = 0;
        for (let bit = 0; bit < pairs; bit++) won += (outcome >> bit) & 1;
        if (won >= wins) outcomes++;
      }
      expect(verdictOf(pairsOf(wins, pairs)).chance).toBeCloseTo(outcomes / 2 ** pairs, 12);
    }
  }
});

test("is better where enough pairs are won by enough", () => {
  expect(verdictOf(pairsOf(8, 8))).toMatchObject({ wins: 8, winsNeeded: 7, isBetter: true, ratio: { median: 1.2 } });
  expect(verdictOf(pairsOf(7, 8)).isBetter).toBe(true);
  expect(verdictOf(pairsOf(6, 8)).isBetter).toBe(false);
  expect(verdictOf(pairsOf(4, 4)).isBetter).toBe(false);
  // Surely faster, and not worth a change.
  expect(verdictOf(pairsOf(8, 8, 1.01)).isBetter).toBe(false);
});

test("nothing measured decides nothing", () => {
  expect(verdictOf([])).toEqual({ ratio: null, pairs: 0, wins: 0, winsNeeded: null, chance: 1, isBetter: false });
});

test("where the current settings never meets an objective that the challenger meets, the challenger is better", () => {
  const verdict = verdictOf(Array.from({ length: LEAST_PAIRS }, () => ({ current: 0, challenger: 10 })));
  expect(verdict).toMatchObject({ isBetter: true, ratio: { median: Number.POSITIVE_INFINITY } });
  expect(verdictOf(Array.from({ length: 8 }, () => ({ current: 0, challenger: 0 }))).isBetter).toBe(false);
});

test("swapping the candidates never finds both better, whatever the pairs", () => {
  const value = fc.double({ min: 0.001, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.record({ current: value, challenger: value }), { maxLength: 30 }), (pairs) => {
      const swapped = pairs.map(({ current, challenger }) => ({ current: challenger, challenger: current }));
      const [one, other] = [verdictOf(pairs), verdictOf(swapped)];
      expect(one.isBetter && other.isBetter).toBe(false);
      if (one.isBetter) expect(one.chance).toBeLessThanOrEqual(MOST_FALSE_SHARE);
    }),
  );
});

test("medians and ranges", () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3 });
  expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, low: 1, high: 4 });
  expect(spreadOf([])).toBeNull();
  expect(ratioOf({ current: 2, challenger: 3 })).toBe(1.5);
  expect(ratioOf({ current: 0, challenger: 0 })).toBe(1);
});
