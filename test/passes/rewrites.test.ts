// What each pass does to a graph, and that the graph then answers what it did, on ONNX Runtime.
import { type GraphBuilder, graphBuilder, type Model, verifyModel } from "@slipway/core/graph";
import {
  annotateShapes,
  constantsToInitializers,
  foldShapes,
  pinShapes,
  poolsBeforeActivations,
  withCommonSubexpressions,
  withoutDeadCode,
  withoutIdentities,
} from "@slipway/core/passes";
import type { Dimension } from "@slipway/core/tensor";
import { describe, expect, it } from "vitest";
import { answersOf, tensorOf } from "../autodiff/gradient-check.ts";

const SHAPE = [2, 3, 4];
const X = {
  x: tensorOf(
    "float32",
    Array.from({ length: 24 }, (_, at) => Math.sin(at * 1.3)),
    SHAPE,
  ),
};

function modelOf(
  build: (g: GraphBuilder, x: string) => string | readonly string[],
  axes: readonly Dimension[] = SHAPE,
  opset = 17,
): Model {
  const g = graphBuilder({ opset });
  const built = build(g, g.input("x", "float32", axes));
  for (const [index, value] of (typeof built === "string" ? [built] : built).entries())
    g.output(`y${index}`, value, "float32");
  return g.model();
}

const operators = (model: Model): readonly string[] => model.graph.nodes.map(({ opType }) => opType);

/** Runs both, and the pass again on what it made. */
async function expectSame(model: Model, pass: (one: Model) => Model, feeds = X): Promise<Model> {
  const made = pass(model);
  verifyModel(made);
  const [before, after] = [await answersOf(model, feeds), await answersOf(made, feeds)];
  for (const [name, { dims, data }] of Object.entries(before)) {
    expect(after[name]!.dims).toEqual(dims);
    expect(after[name]!.data).toEqual(data);
  }
  expect(pass(made)).toBe(made);
  return made;
}

type Case = readonly [
  says: string,
  build: (g: GraphBuilder, x: string) => string | readonly string[],
  left: readonly string[],
  axes?: readonly Dimension[],
];
const ints = (g: GraphBuilder, values: readonly number[]): string => g.values("int64", values);

describe("identities and transposes", () => {
  const cases: readonly Case[] = [
    ["Identity", (g, x) => g.op("Exp", [g.op("Identity", [g.op("Identity", [x])])]), ["Exp"]],
    ["Identity before an output", (g, x) => g.op("Identity", [g.op("Exp", [x])]), ["Exp"]],
    ["an output that is an input stays a copy", (g, x) => g.op("Identity", [x]), ["Identity"]],
    [
      "two outputs that are one value stay two",
      (g, x) => {
        const value = g.op("Exp", [x]);
        return [g.op("Identity", [value]), g.op("Identity", [value])];
      },
      ["Exp", "Identity"],
    ],
    ["a cast to the same type", (g, x) => g.op("Exp", [g.op("Cast", [x], { to: 1 })]), ["Exp"]],
    ["a cast to another", (g, x) => g.op("Cast", [g.op("Cast", [x], { to: 7 })], { to: 1 }), ["Cast", "Cast"]],
    ["Dropout outside of training", (g, x) => g.op("Exp", [g.op("Dropout", [x])]), ["Exp"]],
    [
      "transposes that cancel",
      (g, x) => g.op("Exp", [g.op("Transpose", [g.op("Transpose", [x], { perm: [2, 0, 1] })], { perm: [1, 2, 0] })]),
      ["Exp"],
    ],
    [
      "transposes that follow each other",
      (g, x) =>
        g.op("Transpose", [g.op("Transpose", [g.op("Transpose", [x])], { perm: [2, 0, 1] })], { perm: [0, 2, 1] }),
      ["Transpose"],
    ],
    [
      "a transpose that is read elsewhere too",
      (g, x) => {
        const turned = g.op("Transpose", [x]);
        return [g.op("Exp", [turned]), g.op("Transpose", [turned], { perm: [1, 0, 2] })];
      },
      ["Transpose", "Exp", "Transpose"],
    ],
    [
      "reshapes that follow each other",
      (g, x) => g.op("Reshape", [g.op("Reshape", [g.op("Flatten", [x]), ints(g, [24])]), ints(g, [4, -1])]),
      ["Reshape"],
    ],
    [
      "a reshape that takes an axis from the one before",
      (g, x) => g.op("Reshape", [g.op("Reshape", [x, ints(g, [6, 4])]), ints(g, [0, 2, 2])]),
      ["Reshape", "Reshape"],
    ],
    ["a reshape to the shape there is", (g, x) => g.op("Exp", [g.op("Reshape", [x, ints(g, [0, 3, -1])])]), ["Exp"]],
    [
      "a reshape to an open shape there is",
      (g, x) => g.op("Exp", [g.op("Reshape", [x, g.op("Shape", [x])])]),
      ["Exp"],
      ["N", 3, "T"],
    ],
    ["an expansion to the shape there is", (g, x) => g.op("Exp", [g.op("Expand", [x, ints(g, [3, 1])])]), ["Exp"]],
    [
      "a slice of all, and one backwards",
      (g, x) => [
        g.op("Exp", [g.op("Slice", [x, ints(g, [0]), ints(g, [2 ** 40]), ints(g, [1])])]),
        g.op("Slice", [x, ints(g, [-1]), ints(g, [-100]), ints(g, [1]), ints(g, [-1])]),
      ],
      ["Exp", "Slice"],
    ],
    [
      "no padding, and padding by as much as is cut",
      (g, x) => [
        g.op("Exp", [g.op("Pad", [x, ints(g, [0, 0, 0, 0, 0, 0])])]),
        g.op("Pad", [x, ints(g, [0, 0, 1, 0, 0, -1])]),
      ],
      ["Exp", "Pad"],
    ],
    ["one joined", (g, x) => g.op("Exp", [g.op("Concat", [g.op("Sum", [x])], { axis: 0 })]), ["Exp"]],
  ];
  it.each(cases.map(([says, ...one]) => [says, one] as const))("%s", async (_says, [build, left, axes]) => {
    const made = await expectSame(modelOf(build, axes), withoutIdentities);
    expect(operators(made)).toEqual(left);
  });
});

describe("common subexpressions", () => {
  const cases: readonly Case[] = [
    [
      "that read equal constants of their own",
      (g, x) => g.op("Add", [g.op("ReduceSum", [x, ints(g, [1])]), g.op("ReduceSum", [x, ints(g, [1])])]),
      ["ReduceSum", "Add"],
    ],
    [
      "of subexpressions",
      (g, x) => g.op("Mul", [g.op("Exp", [g.op("Sin", [x])]), g.op("Exp", [g.op("Sin", [x])])]),
      ["Sin", "Exp", "Mul"],
    ],
    [
      "but not of other attributes",
      (g, x) => g.op("Add", [g.op("Softmax", [x], { axis: 1 }), g.op("Softmax", [x], { axis: 2 })]),
      ["Softmax", "Softmax", "Add"],
    ],
    [
      "nor of equal parameters, which may be trained apart",
      (g, x) =>
        g.op("Add", [
          g.op("Mul", [x, g.values("float32", [1, 2, 3, 4])]),
          g.op("Mul", [x, g.values("float32", [1, 2, 3, 4])]),
        ]),
      ["Mul", "Mul", "Add"],
    ],
    ["nor two outputs", (g, x) => [g.op("Exp", [x]), g.op("Exp", [x])], ["Exp", "Exp"]],
    ["where the first is an output", (g, x) => [g.op("Exp", [x]), g.op("Sin", [g.op("Exp", [x])])], ["Exp", "Sin"]],
    ["where the second is an output", (g, x) => [g.op("Sin", [g.op("Exp", [x])]), g.op("Exp", [x])], ["Exp", "Sin"]],
  ];
  it.each(cases.map(([says, ...one]) => [says, one] as const))("%s", async (_says, [build, left]) => {
    const made = await expectSame(modelOf(build), withCommonSubexpressions);
    expect(operators(made)).toEqual(left);
  });

  it("but not of what is random", () => {
    const model = modelOf((g, x) => g.op("Add", [g.op("RandomNormalLike", [x]), g.op("RandomNormalLike", [x])]));
    expect(withCommonSubexpressions(model)).toBe(model);
  });
});

describe("dead code", () => {
  it("is left out, with the tensors it read, and in bodies too", async () => {
    const model = modelOf((g, x) => {
      g.op("MatMul", [g.op("Sin", [x]), g.values("float32", [1, 2, 3, 4], [4, 1], "unread")]);
      const condition = g.op("Greater", [g.op("ReduceSum", [x], { keepdims: 0 }), g.values("float32", [0], [])]);
      const branch = (name: string, operator: string) =>
        g.subgraph(name, (body) => {
          body.op("Cos", [x]);
          body.output(`${name}_y`, body.op(operator, [x]), "float32", SHAPE);
        });
      return g.op("If", [condition], { then_branch: branch("then", "Exp"), else_branch: branch("else", "Sin") });
    });
    const made = await expectSame(model, withoutDeadCode);
    expect(operators(made)).toEqual(["ReduceSum", "Greater", "If"]);
    expect(made.graph.initializers.map(({ name }) => name)).not.toContain("unread");
    const bodies = made.graph.nodes.at(-1)!.attributes.flatMap((one) => (one.kind === "graph" ? [one.value] : []));
    expect(bodies.map(({ nodes }) => nodes.map(({ opType }) => opType))).toEqual([["Exp"], ["Sin"]]);
  });

  it("is not what an input has as its default", () => {
    const g = graphBuilder();
    const x = g.input("x", "float32", [1]);
    g.input("unread", "float32", [1]);
    g.values("float32", [1], [1], "unread");
    g.output("y", g.op("Exp", [x]));
    const model = g.model();
    expect(withoutDeadCode(model)).toBe(model);
  });
});

describe("shapes", () => {
  /** Flattens by arithmetic on the shape, as exporters write it. */
  const flattened = (g: GraphBuilder, x: string): string => {
    const shape = g.op("Shape", [x]);
    const part = (at: number): string => g.op("Gather", [shape, g.values("int64", [at], [])], { axis: 0 });
    const inside = g.op("Unsqueeze", [g.op("Mul", [part(1), part(2)]), ints(g, [0])]);
    const rows = g.op("Unsqueeze", [part(0), ints(g, [0])]);
    return g.op("Reshape", [x, g.op("Concat", [rows, inside], { axis: 0 })]);
  };

  it("that are told are stored instead of computed", async () => {
    const fixed = await expectSame(modelOf(flattened), foldShapes);
    expect(operators(fixed)).toEqual(["Reshape"]);
    const open = await expectSame(modelOf(flattened, ["N", 3, 4]), foldShapes);
    expect(operators(open)).toEqual(["Shape", "Gather", "Unsqueeze", "Concat", "Reshape"]);
  });

  it("are written into the model, with open axes as names", async () => {
    const annotated = await expectSame(modelOf(flattened, ["N", "H", 4]), annotateShapes);
    const types = new Map(
      [...annotated.graph.valueInfo, ...annotated.graph.outputs].map(({ name, type }) => [name, type]),
    );
    const [concat] = annotated.graph.nodes.filter(({ opType }) => opType === "Concat");
    expect(types.get(concat!.outputs[0]!)).toEqual({ kind: "tensor", dtype: "int64", shape: [2] });
    expect(types.get("y0")).toEqual({ kind: "tensor", dtype: "float32", shape: ["N", "4*H"] });
  });

  it("are pinned, after which they are known", async () => {
    const model = modelOf(flattened, ["N", null, 4]);
    const pinned = pinShapes(
      model,
      new Map([
        ["N", 2],
        ["x:1", 3],
      ]),
    );
    expect(pinned.graph.inputs[0]!.type).toMatchObject({ shape: SHAPE });
    expect(operators(await expectSame(pinned, foldShapes))).toEqual(["Reshape"]);
    expect(() => pinShapes(model, new Map())).toThrow(/Give one or more of 'N', 'x:1'/);
    expect(() => pinShapes(model, new Map([["x:0", 2]]))).toThrow(/no open axis 'x:0'/);
    expect(() => pinShapes(model, new Map([["N", 0]]))).toThrow(/'N' is 0; it must be a whole number/);
    expect(pinShapes(pinned, new Map())).toBe(pinned);
  });
});

it("stores constants in whatever form a node holds them", async () => {
  const model = modelOf((g, x) => {
    const floats = g.op("Constant", [], { value_floats: [1.5, 2.5, 0.5, 4.5] });
    const float = g.op("Constant", [], { value_float: 0.5 });
    const ints_ = g.op("Constant", [], { value_ints: [2, 12] });
    const int = g.op("Constant", [], { value_int: 3 });
    const cast = g.op("Cast", [int], { to: 1 });
    return g.op("Reshape", [g.op("Add", [g.op("Mul", [g.op("Mul", [x, floats]), float]), cast]), ints_]);
  });
  const made = await expectSame(model, constantsToInitializers);
  expect(operators(made)).toEqual(["Cast", "Mul", "Mul", "Add", "Reshape"]);
  expect(made.graph.initializers.map(({ dtype, shape }) => [dtype, ...shape])).toEqual([
    ["float32", 4],
    ["float32"],
    ["int64", 2],
    ["int64"],
  ]);
});

describe("pools before activations", () => {
  const images = [1, 2, 3, 4];
  const feeds = { x: tensorOf("float32", Array.from(X.x.data as Float32Array), images) };
  const pool = (g: GraphBuilder, x: string): string =>
    g.op("MaxPool", [x], { kernel_shape: [2, 2], pads: [0, 1, 0, 0] });
  const bounded = (g: GraphBuilder, x: string): string =>
    g.op("Clip", [x, g.values("float32", [-0.3], []), g.values("float32", [0.4], [])]);

  const cases: readonly Case[] = [
    ["of a window", (g, x) => pool(g, g.op("Relu", [x])), ["MaxPool", "Relu"]],
    ["of all places", (g, x) => g.op("GlobalMaxPool", [bounded(g, x)]), ["GlobalMaxPool", "Clip"]],
    ["one behind the other", (g, x) => pool(g, pool(g, g.op("Relu", [x]))), ["MaxPool", "MaxPool", "Relu"]],
    [
      "with two activations in front",
      (g, x) => pool(g, g.op("LeakyRelu", [bounded(g, x)], { alpha: 0.1 })),
      ["MaxPool", "Clip", "LeakyRelu"],
    ],
  ];
  it.each(cases.map(([says, ...one]) => [says, one] as const))("%s", async (_says, [build, left]) => {
    const made = await expectSame(modelOf(build, images), poolsBeforeActivations, feeds);
    expect(operators(made)).toEqual(left);
  });

  it.each<{ readonly says: string; readonly build: Case[1] }>([
    {
      says: "that others read",
      build: (g, x) => {
        const relu = g.op("Relu", [x]);
        return [g.op("Neg", [relu]), pool(g, relu)];
      },
    },
    {
      says: "that is an output",
      build: (g, x) => {
        const relu = g.op("Relu", [x]);
        return [relu, pool(g, relu)];
      },
    },
    { says: "that falls", build: (g, x) => pool(g, g.op("LeakyRelu", [x], { alpha: -0.5 })) },
    {
      says: "whose largest is asked for by its place",
      build: (g, x) => g.opOutputs("MaxPool", [g.op("Relu", [x])], 2, { kernel_shape: [2, 2] })[0]!,
    },
    {
      says: "in front of an average",
      build: (g, x) => g.op("AveragePool", [g.op("Relu", [x])], { kernel_shape: [2, 2] }),
    },
  ])("an activation $says stays", ({ build }) => {
    const model = modelOf(build, images);
    expect(poolsBeforeActivations(model)).toBe(model);
  });
});
