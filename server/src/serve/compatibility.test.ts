import {
  type Dimension,
  type DType,
  type NamedTensor,
  type Port,
  type Signature,
  type ValueType,
  zeros,
} from "@slipway/core/tensor";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { breakingDifferences } from "./compatibility.ts";
import { compileConformance } from "./conform.ts";

const tensor = (shape: readonly Dimension[] | null, dtype: DType = "float32"): ValueType => ({
  kind: "tensor",
  dtype,
  shape,
});
const port = (name: string, type: ValueType, isOptional = false): Port => ({ name, type, isOptional });
const model = (inputs: readonly Port[], outputs: readonly Port[] = []): Signature => ({ inputs, outputs });
const input = (type: ValueType): Signature => model([port("x", type)]);
const output = (type: ValueType): Signature => model([], [port("y", type)]);
const texts = (live: Signature, next: Signature): string[] =>
  breakingDifferences(live, next).map(({ kind, text }) => `${kind}: ${text}`);

describe("what breaks callers", () => {
  const BREAKING: readonly (readonly [Signature, Signature, readonly string[]])[] = [
    [input(tensor([1])), model([]), ['removed: input "x" is gone']],
    [
      input(tensor(["N"])),
      model([port("z", tensor(["N"]))]),
      ['removed: input "x" is gone; "z" stands in its place', 'required: input "z" (float32[N]) is new and required'],
    ],
    [
      model([port("x", tensor([1]), true)]),
      input(tensor([1])),
      ['required: input "x" could be left out and is now required'],
    ],
    [input(tensor([1])), input(tensor([1], "int64")), ['dtype: input "x" was float32 and is now int64']],
    [input(tensor(["N", 2])), input(tensor(["N"])), ['rank: input "x" had 2 axes and has now 1 axis']],
    [input(tensor(null)), input(tensor(["N"])), ['rank: input "x" had any number of axes and has now 1 axis']],
    [input(tensor(["N", 2])), input(tensor(["N", 3])), ['axis: input "x" had length 2 in axis 1 and has now length 3']],
    [input(tensor(["N"])), input(tensor([1])), ['axis: input "x" had any length in axis 0 and has now length 1']],
    [output(tensor([1])), model([], []), ['removed: output "y" is gone']],
    [output(tensor([1])), output(tensor([1], "int64")), ['dtype: output "y" was float32 and is now int64']],
    [output(tensor([1])), output(tensor([1, 1])), ['rank: output "y" had 1 axis and has now 2 axes']],
    [output(tensor([1])), output(tensor(null)), ['rank: output "y" had 1 axis and has now any number of axes']],
    [
      output(tensor(["N", 10])),
      output(tensor(["N", 12])),
      ['axis: output "y" had length 10 in axis 1 and has now length 12'],
    ],
    [
      output(tensor(["N", 10])),
      output(tensor(["N", "K"])),
      ['axis: output "y" had length 10 in axis 1 and has now any length'],
    ],
    [
      output(tensor([1])),
      output({ kind: "sequence", element: tensor([1]) }),
      ['type: output "y" was float32[1] and is now sequence(float32[1])'],
    ],
    [
      output(tensor([1])),
      output({ kind: "optional", element: tensor([1]) }),
      ['type: output "y" was always given and is now optional(float32[1])'],
    ],
  ];
  test.each(BREAKING.map(([live, next, expected]) => ({ live, next, expected })))(
    "$expected.0",
    ({ live, next, expected }) => {
      expect(texts(live, next)).toEqual(expected);
    },
  );
});

describe("what breaks nobody", () => {
  test.each<[string, Signature, Signature]>([
    ["a symbol renamed", input(tensor(["N", "S"])), input(tensor(["batch", null]))],
    ["an input axis freed", input(tensor([1, 2])), input(tensor(["N", 2]))],
    ["an input of any rank", input(tensor([1, 2])), input(tensor(null))],
    ["a new input with a default", model([]), model([port("x", tensor([1]), true)])],
    ["an input that may now be left out", input(tensor([1])), model([port("x", tensor([1]), true)])],
    [
      "inputs in another order",
      model([port("a", tensor([1])), port("b", tensor([2]))]),
      model([port("b", tensor([2])), port("a", tensor([1]))]),
    ],
    ["a new output", model([]), output(tensor([1]))],
    ["an output axis fixed", output(tensor(["N", "K"])), output(tensor(["N", 10]))],
    ["an output of now known rank", output(tensor(null)), output(tensor(["N"]))],
    ["an optional output always given", output({ kind: "optional", element: tensor([1]) }), output(tensor([1]))],
  ])("%s", (_name, live, next) => {
    expect(breakingDifferences(live, next)).toEqual([]);
  });
});

/** Every shape of up to three axes of length 1 to 3, of two types, and nothing at all. */
const SHAPES = [0, 1, 2, 3].flatMap((rank) =>
  Array.from({ length: 3 ** rank }, (_, index) =>
    Array.from({ length: rank }, (_, axis) => 1 + (Math.floor(index / 3 ** axis) % 3)),
  ),
);
const SENT: readonly (NamedTensor | null)[] = [
  null,
  ...SHAPES.flatMap((shape) => (["float32", "int64"] as const).map((dtype) => ({ ...zeros(dtype, shape), name: "x" }))),
];

test("an input breaks callers exactly when something it took is no longer taken; an output, the other way round", () => {
  const batching = { mode: "off", maxRows: 1, reason: null, padAxis: null } as const;
  const taken = (x: Port): boolean[] => {
    const conform = compileConformance(model([x], [port("y", tensor(null))]), batching);
    return SENT.map((each) => {
      try {
        return conform({ inputs: each === null ? [] : [each], outputs: null }).sizeBytes >= 0;
      } catch {
        return false;
      }
    });
  };
  const x = fc.record({
    name: fc.constant("x"),
    type: fc.record({
      kind: fc.constant("tensor" as const),
      dtype: fc.constantFrom<DType>("float32", "float32", "int64"),
      shape: fc.oneof(fc.constant(null), fc.array(fc.constantFrom<Dimension>(1, 2, null), { maxLength: 2 })),
    }),
    isOptional: fc.boolean(),
  });
  const seen = { compatible: 0, breaking: 0 };
  fc.assert(
    fc.property(x, x, (live, next) => {
      const before = taken(live);
      const after = taken(next);
      const isNarrower = before.some((isTaken, index) => isTaken && after[index] === false);
      expect(breakingDifferences(model([live]), model([next])).length > 0).toBe(isNarrower);
      // An output of ours is never left out, so only what it is counts.
      const given = { ...live, isOptional: false };
      const isWider = before.some((isTaken, index) => index > 0 && !isTaken && after[index] === true);
      expect(breakingDifferences(model([], [given]), model([], [{ ...next, isOptional: false }])).length > 0).toBe(
        isWider,
      );
      seen[isNarrower ? "breaking" : "compatible"]++;
    }),
    { numRuns: 500, seed: 20260101 },
  );
  expect(Math.min(seen.breaking, seen.compatible)).toBeGreaterThan(20);
});
