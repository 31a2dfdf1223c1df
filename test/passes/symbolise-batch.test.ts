// A fixed batch opened: as many rows as before are answered as they were, and any other number of them row by row. More models are
// opened in whole-models.slow.test.ts.
import { type GraphBuilder, graphBuilder } from "@slipway/core/graph";
import { symboliseBatch } from "@slipway/core/passes";
import { describe, expect, it } from "vitest";
import { answersOf, tensorOf } from "../autodiff/gradient-check.ts";
import { randomFrom } from "../support/random.ts";
import { checkOpenedExport } from "./batch-check.ts";

describe("models as PyTorch exports them for a batch of 2", () => {
  it.each(["gpt", "lstm", "vit"])("%s", async (name) => {
    await checkOpenedExport(`${name}-dynamo`, 2);
  });
});

describe.each([1, 2])("models whose open batch was made one of %d", (size) => {
  it.each(["lstm", "vit"])("%s", async (name) => {
    await checkOpenedExport(`${name}-legacy`, size);
  });
});

it("is named so that it is no other axis, and a model that is open stays as it is", () => {
  const g = graphBuilder();
  g.output("y", g.op("Relu", [g.input("x", "float32", [4, "N"])]), "float32", [4, "N"]);
  const opened = symboliseBatch(g.model());
  expect(opened.graph.inputs[0]!.type).toMatchObject({ shape: ["N_1", "N"] });
  expect(opened.graph.outputs[0]!.type).toMatchObject({ shape: ["N_1", "N"] });
  expect(symboliseBatch(opened)).toBe(opened);
});

it("lies where it is said to", async () => {
  const g = graphBuilder();
  const [x, state] = [g.input("x", "float32", [1, 3]), g.input("state", "float32", [2, 1, 3])];
  g.output(
    "y",
    g.op("Add", [x, g.op("ReduceSum", [state, g.values("int64", [0])], { keepdims: 0 })]),
    "float32",
    [1, 3],
  );
  expect(() => symboliseBatch(g.model())).toThrow(/'x' has 1 on axis 0, 'state' has 2 on axis 0/);
  const opened = symboliseBatch(g.model(), { name: "batch", axes: { x: 0, state: 1 } });
  expect(opened.graph.inputs.map(({ type }) => type)).toMatchObject([
    { shape: ["batch", 3] },
    { shape: [2, "batch", 3] },
  ]);
  const draw = randomFrom(3);
  const numbers = (count: number): number[] => Array.from({ length: count }, () => draw());
  const [one, two] = [numbers(6), numbers(12)];
  const { y } = await answersOf(opened, {
    x: tensorOf("float32", one, [2, 3]),
    state: tensorOf("float32", two, [2, 2, 3]),
  });
  expect(Array.from(y!.data as Float32Array)).toEqual(
    one.map((value, at) => expect.closeTo(value + two[at]! + two[at + 6]!, 5) as number),
  );
});

/** What a model does with x [2, 3], and why its batch can't be opened. */
const REFUSED: readonly (readonly [string, (g: GraphBuilder, x: string) => string, RegExp])[] = [
  [
    "a softmax over rows",
    (g, x) => g.op("Softmax", [x], { axis: 0 }),
    /Softmax .* works along axis 0, which is that of the batch/,
  ],
  ["a mean of rows", (g, x) => g.op("Sub", [x, g.op("ReduceMean", [x], { axes: [0] })]), /ReduceMean .* over all rows/],
  ["a sum up to each row", (g, x) => g.op("CumSum", [x, g.values("int64", [0], [])]), /CumSum .* works along axis 0/],
  [
    "statistics of the batch",
    (g, x) => {
      const ones = g.values("float32", [1, 1, 1]);
      return g.opOutputs("BatchNormalization", [x, ones, ones, ones, ones], 3, { training_mode: 1 })[0]!;
    },
    /BatchNormalization .* mean of the batch/,
  ],
  [
    "something else for each row",
    (g, x) => g.op("Add", [x, g.values("float32", [1, 2, 3, 4, 5, 6], [2, 3])]),
    /holds something else for each row/,
  ],
  ["the first row", (g, x) => g.op("Gather", [x, g.values("int64", [0])], { axis: 0 }), /picks rows of the batch/],
  [
    "a part of the rows",
    (g, x) => g.op("Slice", [x, ...[1, 2, 0].map((value) => g.values("int64", [value]))]),
    /cuts rows out of the batch/,
  ],
  ["rows joined", (g, x) => g.op("Concat", [x, x], { axis: 0 }), /joins rows of the batch/],
  ["rows split", (g, x) => g.opOutputs("Split", [x], 2, { axis: 0 })[1]!, /Split .* works along axis 0/],
  ["rows repeated", (g, x) => g.op("Tile", [x, g.values("int64", [2, 1])]), /repeats the batch/],
  [
    "rows by each other",
    (g, x) => g.op("MatMul", [x, g.op("Transpose", [x], { perm: [1, 0] })]),
    /MatMul .* the axis of the batch twice/,
  ],
  [
    "how many rows there are",
    (g, x) => {
      const rows = g.op("Gather", [g.op("Shape", [x]), g.values("int64", [0], [])]);
      return g.op("Div", [x, g.op("Cast", [rows], { to: 1 })]);
    },
    /depends on how many rows there are/,
  ],
  [
    "rows numbered",
    (g, x) => {
      const rows = g.op("Gather", [g.op("Shape", [x]), g.values("int64", [0], [])]);
      const count = g.op("Range", [g.values("int64", [0], []), rows, g.values("int64", [1], [])]);
      return g.op("Add", [x, g.op("Cast", [g.op("Unsqueeze", [count, g.values("int64", [1])])], { to: 1 })]);
    },
    /Range .* not known that it keeps rows apart/,
  ],
  [
    "rows taken apart",
    (g, x) => g.op("Reshape", [g.op("Transpose", [x], { perm: [1, 0] }), g.values("int64", [2, 3])]),
    /Reshape .* (behind another axis|over all rows|of another shape)/,
  ],
  ["places of what is not 0", (g, x) => g.op("Cast", [g.op("NonZero", [x])], { to: 1 }), /NonZero .* not known/],
];

it.each(REFUSED)("%s is refused", (_says, build, message) => {
  const g = graphBuilder({ opset: 17 });
  g.output("y", build(g, g.input("x", "float32", [2, 3])), "float32");
  expect(() => symboliseBatch(g.model())).toThrow(
    expect.objectContaining({ code: "PASS_REFUSED", message: expect.stringMatching(message) as string }),
  );
});

it.each<readonly [string, readonly number[], RegExp | null]>([
  ["for all rows", [3, 3], null],
  ["for all rows, with axes for rows and heads", [1, 1, 3, 3], null],
  ["that differs by row", [2, 1, 3, 3], /a mask whose rows are not those of the batch/],
])("attention under a stored mask %s", (_says, shape, refused) => {
  const g = graphBuilder({ opset: 23 });
  const x = g.input("x", "float32", [2, 1, 3, 4]);
  const size = shape.reduce((product, length) => product * length, 1);
  const mask = g.values(
    "float32",
    Array.from({ length: size }, () => 0),
    shape,
  );
  g.output("y", g.op("Attention", [x, x, x, mask]), "float32", [2, 1, 3, 4]);
  const open = (): unknown => symboliseBatch(g.model());
  if (refused === null) expect(open).not.toThrow();
  else expect(open).toThrow(refused);
});
