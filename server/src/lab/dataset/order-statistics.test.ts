import * as fc from "fast-check";
import { expect, test } from "vitest";
import { OrderStatistics } from "./order-statistics.ts";

function found(values: readonly number[], places: readonly number[]): number[] {
  const search = new OrderStatistics(places);
  for (let pass = 0; !search.isDone; pass++) {
    expect(pass).toBeLessThan(8);
    for (const value of values) search.push(value);
    search.endPass();
  }
  return places.map((place) => {
    const { value, below } = search.at(place);
    expect(below).toBe(values.filter((one) => one < value).length);
    return value;
  });
}

test("few values, and none looked for", () => {
  expect(found([3, -1, 2, 0, 2], [0, 1, 2, 3, 4])).toEqual([-1, 0, 2, 2, 3]);
  expect(new OrderStatistics([]).isDone).toBe(true);
});

test.each<[string, (at: number) => number]>([
  ["all alike", () => 1.5],
  ["two values", (at) => (at % 2 === 0 ? -7 : 7)],
  ["differing in the last bit only", (at) => 1 + (at % 4) * Number.EPSILON],
  ["of every magnitude and sign", (at) => (at % 2 === 0 ? -1 : 1) * 2 ** ((at % 600) - 300) * (1 + at / 1e6)],
  [
    "infinities and the smallest",
    (at) => [Number.NEGATIVE_INFINITY, -5e-324, 0, 5e-324, Number.POSITIVE_INFINITY][at % 5]!,
  ],
  ["moments", (at) => 1.7e15 + ((at * 7919) % 50_000) * 1e6],
])("more values than are kept: %s", (_, make) => {
  const values = Array.from({ length: 50_000 }, (__, at) => make(at));
  const sorted = Float64Array.from(values).sort();
  const places = [0, 1, 12_345, 25_000, 49_998, 49_999];
  expect(found(values, places)).toEqual(places.map((place) => sorted[place]));
});

test("any values, as sorting finds them", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 50 }), fc.nat(), (some, at) => {
      // Repeated, so that they are more than are kept.
      const values = Array.from({ length: 20_000 }, (_, index) => some[index % some.length]!);
      const sorted = Float64Array.from(values, (value) => value + 0).sort();
      const place = at % values.length;
      expect(found(values, [place])[0]).toBeCloseTo(sorted[place]!, 12);
    }),
    { numRuns: 30 },
  );
});
