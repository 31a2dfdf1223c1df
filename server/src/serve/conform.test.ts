import { SlipwayError } from "@slipway/core/base";
import {
  createData,
  type Dimension,
  type DType,
  type NamedTensor,
  type Port,
  type Signature,
  storedLength,
  type TensorData,
  type ValueType,
} from "@slipway/core/tensor";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BatchingPlan } from "#runtime";
import { compileConformance, type Conforming } from "./conform.ts";

const OFF: BatchingPlan = { mode: "off", maxRows: 1, reason: "test", padAxis: null };
const DYNAMIC: BatchingPlan = { mode: "dynamic", maxRows: 8, reason: null, padAxis: null };

const type = (dtype: DType, shape: readonly Dimension[] | null): ValueType => ({ kind: "tensor", dtype, shape });
const port = (name: string, dtype: DType, shape: readonly Dimension[] | null): Port => ({
  name,
  type: type(dtype, shape),
});
const signature = (...inputs: Port[]): Signature => ({ inputs, outputs: [port("y", "float32", null)] });

function tensor(name: string, shape: readonly number[], dtype: DType = "float32", data?: TensorData): NamedTensor {
  const count = shape.reduce((product, length) => product * length, 1);
  if (dtype === "string") return { name, dtype, shape, data: data ?? Array.from({ length: count }, () => "") };
  return { name, dtype, shape, data: data ?? createData(dtype, count) };
}

function check(
  model: Signature,
  inputs: readonly NamedTensor[],
  batching = OFF,
  outputs: readonly string[] | null = null,
): Conforming | string {
  try {
    return compileConformance(model, batching)({ inputs, outputs });
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const IMAGE = signature(port("image", "float32", ["N", 1, 28, 28]));
const TEXT = signature(port("ids", "int64", ["B", "S"]), port("mask", "int64", ["B", "S"]));

describe("a request that fits", () => {
  test("answers rows, bytes and outputs", () => {
    const inputs = [tensor("image", [3, 1, 28, 28])];
    expect(check(IMAGE, inputs, DYNAMIC)).toEqual({ outputs: ["y"], rows: 3, sizeBytes: 3 * 784 * 4 });
    expect(check(IMAGE, inputs, OFF)).toEqual({ outputs: ["y"], rows: 1, sizeBytes: 3 * 784 * 4 });
  });

  test("may give its inputs in any order", () => {
    const sent = [tensor("mask", [2, 5], "int64"), tensor("ids", [2, 5], "int64")];
    expect(check(TEXT, sent, DYNAMIC)).toMatchObject({ rows: 2 });
  });

  test("may leave out what has a default, and what is optional", () => {
    const model = signature(
      port("x", "float32", ["N"]),
      { ...port("gain", "float32", []), isOptional: true },
      { name: "state", type: { kind: "optional", element: type("float32", [2]) } },
    );
    expect(check(model, [tensor("x", [4])])).toMatchObject({ rows: 1 });
    expect(check(model, [tensor("x", [4]), tensor("state", [2]), tensor("gain", [])])).toMatchObject({ rows: 1 });
    expect(check(model, [tensor("x", [4]), tensor("state", [3])])).toContain("INPUT_SHAPE_MISMATCH");
  });

  test("counts strings by their length", () => {
    const model = signature(port("s", "string", ["N"]));
    expect(check(model, [tensor("s", [2], "string", ["ab", "ü"])])).toMatchObject({ sizeBytes: 6 });
  });

  test("may have packed, empty and scalar tensors", () => {
    const model = signature(port("a", "int4", [null]), port("b", "float32", [0, "K"]), port("c", "complex64", []));
    const sent = [tensor("a", [3], "int4"), tensor("b", [0, 7]), tensor("c", [], "complex64")];
    expect(check(model, sent)).toMatchObject({ sizeBytes: 2 + 0 + 8 });
  });

  test("takes any shape where the model says nothing", () => {
    expect(check(signature(port("x", "float32", null)), [tensor("x", [1, 2, 3])])).toMatchObject({ rows: 1 });
    expect(check(signature(port("x", "float32", [null, ""])), [tensor("x", [5, 6])])).toMatchObject({ rows: 1 });
  });

  test("is not remembered by the next", () => {
    const conform = compileConformance(TEXT, OFF);
    const sized = (length: number) => ({
      inputs: [tensor("ids", [1, length], "int64"), tensor("mask", [1, length], "int64")],
      outputs: ["y"],
    });
    for (const length of [3, 5, 5, 1]) expect(conform(sized(length)).sizeBytes).toBe(16 * length);
    expect(() => conform({ inputs: [tensor("ids", [1, 1], "int64")], outputs: null })).toThrow("mask");
  });

  test("asks for outputs by name, in its order; none means all", () => {
    const model = { inputs: [], outputs: [port("a", "float32", null), port("b", "float32", null)] };
    expect(check(model, [], OFF, ["b", "a"])).toMatchObject({ outputs: ["b", "a"] });
    expect(check(model, [], OFF, null)).toMatchObject({ outputs: ["a", "b"], rows: 1, sizeBytes: 0 });
    expect(check(model, [], OFF, [])).toMatchObject({ outputs: ["a", "b"] });
  });

  test("is answered without the outputs that are no tensors", () => {
    const map: ValueType = { kind: "sequence", element: { kind: "map", key: "int64", value: type("float32", []) } };
    const model = { inputs: [], outputs: [port("label", "int64", ["N"]), { name: "scores", type: map }] };
    expect(check(model, [])).toMatchObject({ outputs: ["label"] });
    expect(check(model, [], OFF, ["scores"])).toBe(
      'OUTPUT_UNKNOWN: Output "scores" is sequence(map(int64, float32[])), which no protocol can carry; it answers "label".',
    );
  });
});

describe("a request that does not fit is told why", () => {
  test.each<[string, Signature, readonly NamedTensor[], BatchingPlan, string]>([
    [
      "rank",
      IMAGE,
      [tensor("image", [2, 28])],
      OFF,
      'INPUT_SHAPE_MISMATCH: Input "image" has shape [2, 28]; the model takes [N, 1, 28, 28].',
    ],
    [
      "a fixed axis",
      IMAGE,
      [tensor("image", [2, 3, 28, 28])],
      OFF,
      'INPUT_SHAPE_MISMATCH: Input "image" has shape [2, 3, 28, 28]; the model takes [N, 1, 28, 28].',
    ],
    [
      "dtype",
      IMAGE,
      [tensor("image", [1, 1, 28, 28], "float64")],
      OFF,
      'INPUT_DTYPE_MISMATCH: Input "image" is float64 (FP64); the model takes float32 (FP32).',
    ],
    [
      "a missing input",
      IMAGE,
      [],
      OFF,
      'INPUT_MISSING: Input "image" was not sent; the model takes it as float32[N, 1, 28, 28].',
    ],
    [
      "an unknown input",
      IMAGE,
      [tensor("img", [1])],
      OFF,
      'INPUT_UNKNOWN: The model has no input "img"; it takes "image".',
    ],
    [
      "the same input twice",
      IMAGE,
      [tensor("image", [1, 1, 28, 28]), tensor("image", [1, 1, 28, 28])],
      OFF,
      'INPUT_DUPLICATE: Input "image" was sent twice.',
    ],
    [
      "too few values",
      IMAGE,
      [tensor("image", [1, 1, 28, 28], "float32", new Float32Array(7))],
      OFF,
      'INPUT_DATA_MISMATCH: Input "image" has 7 values; its shape [1, 1, 28, 28] of float32 takes 784.',
    ],
    [
      "a symbol of two lengths",
      TEXT,
      [tensor("ids", [1, 5], "int64"), tensor("mask", [1, 4], "int64")],
      OFF,
      'INPUT_SHAPE_MISMATCH: Input "mask" has shape [1, 4]; the model takes [B, S]. S is 5 in axis 1 of input "ids", and 4 here.',
    ],
    [
      "unequal rows",
      signature(port("a", "float32", ["A"]), port("b", "float32", ["B"])),
      [tensor("a", [2]), tensor("b", [3])],
      DYNAMIC,
      'INPUT_SHAPE_MISMATCH: Input "b" has 3 rows and input "a" 2; the first axis is the batch and must be the same for all inputs.',
    ],
    [
      "a scalar in a batch",
      signature(port("a", "float32", null)),
      [tensor("a", [])],
      DYNAMIC,
      'INPUT_SHAPE_MISMATCH: Input "a" is a scalar; its first axis must be the batch.',
    ],
    [
      "a negative axis",
      IMAGE,
      [tensor("image", [-1, 1, 28, 28], "float32", new Float32Array(0))],
      OFF,
      'INPUT_SHAPE_MISMATCH: Input "image" has shape [-1, 1, 28, 28]; the model takes [N, 1, 28, 28]. Axis 0 is -1; axis lengths are whole numbers from 0.',
    ],
    [
      "too many elements",
      signature(port("x", "int8", [null, null])),
      [tensor("x", [2 ** 31, 2 ** 31], "int8", new Int8Array(0))],
      OFF,
      'INPUT_SHAPE_MISMATCH: Input "x" has shape [2147483648, 2147483648]; the model takes [?, ?]. A tensor may have at most 4294967296 elements.',
    ],
  ])("%s", (_name, model, inputs, batching, expected) => {
    expect(check(model, inputs, batching)).toBe(expected);
  });

  test("with long names and shapes cut short", () => {
    const message = check(IMAGE, [tensor("x".repeat(5000), [1])]) as string;
    expect(message.length).toBeLessThan(200);
    const wide = check(IMAGE, [
      tensor(
        "image",
        Array.from({ length: 5000 }, () => 1),
      ),
    ]) as string;
    expect(wide).toContain("… 5000 axes]");
    expect(wide.length).toBeLessThan(250);
  });

  test.each([
    [["z"], 'OUTPUT_UNKNOWN: The model has no output "z"; it answers "y".'],
    [["y", "y"], 'REQUEST_MALFORMED: Output "y" is asked for twice.'],
  ])("outputs %j", (outputs, expected) => {
    expect(check(IMAGE, [tensor("image", [1, 1, 28, 28])], OFF, outputs)).toBe(expected);
  });

  test("when an optional sequence is sent as a tensor", () => {
    const sequence: ValueType = { kind: "sequence", element: type("float32", null) };
    const model = signature(port("x", "float32", null), { name: "s", type: sequence, isOptional: true });
    expect(check(model, [tensor("x", [1])])).toMatchObject({ rows: 1 });
    expect(check(model, [tensor("x", [1]), tensor("s", [1])])).toBe(
      'INPUT_DTYPE_MISMATCH: Input "s" is float32 (FP32); the model takes sequence(float32[…]).',
    );
  });
});

test("a model no request can feed, or that answers nothing a response can carry, is refused when it is loaded", () => {
  const sequence: ValueType = { kind: "sequence", element: type("float32", null) };
  const takes = { inputs: [{ name: "s", type: sequence }], outputs: [port("y", "float32", null)] };
  expect(() => compileConformance(takes, OFF)).toThrow('Input "s" of the model is sequence(float32[…])');
  const gives = { inputs: [], outputs: [{ name: "s", type: sequence }] };
  expect(() => compileConformance(gives, OFF)).toThrow('no output that is a dense tensor ("s": sequence(float32[…]))');
});

test("any request is either fitting by definition or refused with a code", () => {
  const dimension = fc.oneof(fc.constantFrom<Dimension>(null, "N", "S"), fc.integer({ min: 0, max: 3 }));
  const shape = fc.array(dimension, { maxLength: 3 });
  const length = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 3 }) }, fc.constantFrom(-1, 0.5, 2 ** 40));
  const dtype = fc.constantFrom<DType>("float32", "int64", "string", "int4");
  const inputs = fc.uniqueArray(fc.record({ name: fc.constantFrom("a", "b", "c"), dtype, shape }), {
    selector: ({ name }) => name,
  });
  const sent = fc.array(
    fc.record({ name: fc.constantFrom("a", "b", "c", "d"), dtype, shape: fc.array(length, { maxLength: 3 }) }),
    { maxLength: 4 },
  );
  let fitting = 0;
  fc.assert(
    fc.property(inputs, sent, fc.boolean(), (ports, tensors, isBatched) => {
      const model = signature(...ports.map((each) => port(each.name, each.dtype, each.shape)));
      const named = tensors.map((each): NamedTensor => {
        const count = each.shape.reduce((product, axis) => product * axis, 1);
        const isSane = Number.isInteger(count) && count >= 0 && count < 1000;
        const data = { length: isSane ? storedLength(each.dtype, count) : 0 };
        if (each.dtype === "string") return { ...each, data: Array.from(data, () => "x") };
        return { ...each, data: createData(each.dtype, isSane ? count : 0) };
      });
      const result = check(model, named, isBatched ? DYNAMIC : OFF);
      const fits = fitsByDefinition(ports, named, isBatched);
      expect(typeof result !== "string", JSON.stringify(result)).toBe(fits);
      if (fits) fitting++;
    }),
    { numRuns: 2000, seed: 20260101 },
  );
  expect(fitting).toBeGreaterThan(20);
});

function fitsByDefinition(
  ports: readonly { readonly name: string; readonly dtype: DType; readonly shape: readonly Dimension[] }[],
  sent: readonly NamedTensor[],
  isBatched: boolean,
): boolean {
  if (new Set(sent.map(({ name }) => name)).size !== sent.length) return false;
  if (ports.some(({ name }) => !sent.some((each) => each.name === name))) return false;
  const symbols = new Map<string, Set<number>>();
  for (const each of sent) {
    const takes = ports.find(({ name }) => name === each.name);
    if (takes === undefined || takes.dtype !== each.dtype || takes.shape.length !== each.shape.length) return false;
    for (const [axis, length] of each.shape.entries()) {
      if (!Number.isInteger(length) || length < 0 || length > 1000) return false;
      const expected = takes.shape[axis]!;
      if (typeof expected === "number" && expected !== length) return false;
      if (typeof expected === "string") symbols.set(expected, (symbols.get(expected) ?? new Set()).add(length));
    }
  }
  if ([...symbols.values()].some((lengths) => lengths.size > 1)) return false;
  return (
    !isBatched || (sent.every(({ shape }) => shape.length > 0) && new Set(sent.map((each) => each.shape[0])).size <= 1)
  );
}
