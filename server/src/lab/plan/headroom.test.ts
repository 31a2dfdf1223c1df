import { expect, test } from "vitest";
import { headroomFrom, LEAST_HEADROOM, MOST_HEADROOM } from "./headroom.ts";

test("windows that vary keep free what the next one may fall short by", () => {
  // The logarithms' standard deviation and the 95 % bound as SciPy 1.17.1 has them (windows.test.ts), over the geometric mean.
  const values = [12.1, 13.4, 11.8, 15.2, 12.9, 14.1, 12.2, 13.0];
  const wide = values.map((value) => value ** 3);
  const geometric = Math.exp(wide.reduce((sum, value) => sum + Math.log(value), 0) / wide.length);
  expect(headroomFrom(wide).share).toBeCloseTo(1 - 10.998994984953063 ** 3 / geometric, 9);
  expect(headroomFrom(wide).windows).toBe(8);
});

test("even windows keep the least, wild or few ones the most", () => {
  expect(headroomFrom([100, 100, 100, 100])).toEqual({ share: LEAST_HEADROOM, variation: 0, windows: 4 });
  expect(headroomFrom([1, 100, 10_000, 3]).share).toBe(MOST_HEADROOM);
  expect(headroomFrom([100, 100])).toEqual({ share: MOST_HEADROOM, variation: 0, windows: 2 });
});
