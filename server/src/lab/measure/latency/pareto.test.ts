import fc from "fast-check";
import { expect, test } from "vitest";
import { paretoFront } from "./pareto.ts";

type Point = readonly [rate: number, latency: number];
const points = fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 20 })), { maxLength: 30 });
const front = (of: readonly Point[]) =>
  paretoFront(
    of,
    ([rate]) => rate,
    ([, latency]) => latency,
  );
const beats = (a: Point, b: Point) => a[0] >= b[0] && a[1] <= b[1] && (a[0] > b[0] || a[1] < b[1]);

test("nothing beats what is on the front, and something on it is as good as whatever is not", () => {
  fc.assert(
    fc.property(points, (all) => {
      const found = front(all);
      for (const point of found) expect(all.some((other) => beats(other, point))).toBe(false);
      for (const point of all) {
        if (!found.includes(point))
          expect(found.some((other) => beats(other, point) || (other[0] === point[0] && other[1] === point[1]))).toBe(
            true,
          );
      }
      expect(all.length === 0 || found.length > 0).toBe(true);
    }),
  );
});

test("both rise along the front, and the front of the front is itself, in any order", () => {
  fc.assert(
    fc.property(points, (all) => {
      const found = front(all);
      for (let place = 1; place < found.length; place++) {
        expect(found[place]![0]).toBeGreaterThan(found[place - 1]![0]);
        expect(found[place]![1]).toBeGreaterThan(found[place - 1]![1]);
      }
      expect(front(found)).toEqual(found);
      expect(front(all.toReversed())).toEqual(found);
    }),
  );
});
