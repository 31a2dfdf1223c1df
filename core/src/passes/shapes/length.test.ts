// Arithmetic of lengths: one form for what is the same, and the right number once open axes have lengths.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Length } from "./length.ts";

const [n, h] = [Length.named("N"), Length.named("H")];

describe("a length", () => {
  it.each<[Length, string]>([
    [Length.of(7).times(3).minus(21), "0"],
    [n.times(3).times(h).plus(n).plus(2), "3*H*N + N + 2"],
    [n.plus(h).times(n.minus(h)), "-H*H + N*N"],
    [n.plus(1).minus(n), "1"],
    [h.plus(5).floorDividedBy(2), "floor((H + 1)/2) + 2"],
    [h.times(4).plus(5).floorDividedBy(4), "H + 1"],
    [h.minus(1).floorDividedBy(2).plus(1), "floor((H + 1)/2)"],
    [h.ceilDividedBy(2), "floor((H + 1)/2)"],
    [h.minus(1).floorDividedBy(2).plus(1).plus(1).floorDividedBy(3), "floor((H + 3)/6)"],
    [n.minus(1).max(0), "max(0, N - 1)"],
    [n.plus(1).max(0), "N + 1"],
    [n.min(2 ** 40).max(0), `min(${2 ** 40}, N)`],
    [n.min(0), "0"],
  ])("%# is written %s", (length, text) => {
    expect(length.text).toBe(text);
  });

  it("divides by what it is a multiple of", () => {
    expect(n.times(h).times(12).dividedBy(n.times(4))?.text).toBe("3*H");
    expect(n.times(h.plus(1)).dividedBy(h.plus(1))?.text).toBe("N");
    expect(n.times(3).dividedBy(Length.of(2))).toBeNull();
    expect(n.plus(1).dividedBy(n)).toBeNull();
    expect(n.plus(h).dividedBy(n.plus(1))).toBeNull();
  });

  it("is a dimension: a number, an expression, or open", () => {
    expect(Length.of(3).dimension).toBe(3);
    expect(n.times(2).dimension).toBe("2*N");
    expect(n.times(Length.unknown(1)).dimension).toBeNull();
  });
});

it("that grows without end is carried on as one nothing is known of", () => {
  let grown = n.plus(h).plus(1);
  for (let squared = 0; squared < 200; squared++) grown = grown.times(grown).plus(h);
  expect(grown.text.length).toBeLessThan(1000);
  expect(grown.dimension).toBeNull();
  expect(grown.at(new Map([["N", 1]]))).toBeNull();
  let nested = n;
  for (let depth = 0; depth < 200; depth++) nested = nested.times(3).plus(1).floorDividedBy(2).max(h);
  expect(nested.text.length).toBeLessThan(1000);
});

/** A random expression, and what it is by ordinary arithmetic. */
interface Both {
  readonly length: Length;
  readonly value: (lengths: ReadonlyMap<string, number>) => number;
}
const expression = fc.letrec<{ any: Both }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    fc.integer({ min: -6, max: 6 }).map((value): Both => ({ length: Length.of(value), value: () => value })),
    fc
      .constantFrom("N", "H", "W")
      .map((name): Both => ({ length: Length.named(name), value: (lengths) => lengths.get(name)! })),
    fc
      .tuple(tie("any"), tie("any"), fc.constantFrom("plus", "minus", "times", "max", "min"))
      .map(([a, b, kind]): Both => {
        const apply = {
          plus: (x: number, y: number) => x + y,
          minus: (x: number, y: number) => x - y,
          times: (x: number, y: number) => x * y,
          max: Math.max,
          min: Math.min,
        }[kind];
        return { length: a.length[kind](b.length), value: (lengths) => apply(a.value(lengths), b.value(lengths)) };
      }),
    fc.tuple(tie("any"), fc.integer({ min: 1, max: 5 })).map(
      ([a, by]): Both => ({
        length: a.length.floorDividedBy(by),
        value: (lengths) => Math.floor(a.value(lengths) / by),
      }),
    ),
  ),
})).any;

it("is what ordinary arithmetic makes of it, once axes have lengths", () => {
  const axes = fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9));
  fc.assert(
    fc.property(expression, axes, ({ length, value }, [N, H, W]) => {
      const lengths = new Map(Object.entries({ N, H, W }));
      const found = length.at(lengths);
      expect(found! + 0).toBe(value(lengths) + 0);
    }),
    { seed: 5, numRuns: 2000 },
  );
});
