// Models in the words of a later operator set answer what they answered, on ONNX Runtime.
import { float, type GraphBuilder, graphBuilder, type Model, verifyModel } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { upgradeOpset } from "@slipway/core/passes";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";

async function answers(model: Model, x: Tensor): Promise<number[][]> {
  const session = await InferenceSession.create(bytesFromModel(model), { logSeverityLevel: 4 });
  const found = await session.run({ x });
  await session.release();
  return model.graph.outputs.map(({ name }) => [
    ...found[name]!.dims,
    ...Array.from(found[name]!.data as Float32Array, Number),
  ]);
}

type Build = (g: GraphBuilder, x: string) => string | readonly string[];
const cases: readonly (readonly [name: string, opset: number, shape: readonly number[], build: Build])[] = [
  [
    "Squeeze and Unsqueeze",
    11,
    [2, 1, 3],
    (g, x) => [g.op("Squeeze", [x], { axes: [1] }), g.op("Unsqueeze", [x], { axes: [0, -1] }), g.op("Squeeze", [x])],
  ],
  ["ReduceSum", 9, [2, 3], (g, x) => [g.op("ReduceSum", [x], { axes: [1], keepdims: 0 }), g.op("ReduceSum", [x])]],
  ["Split", 9, [5, 2], (g, x) => g.opOutputs("Split", [x], 2, { split: [2, 3] })],
  ["Split into equal parts", 9, [4, 2], (g, x) => g.opOutputs("Split", [x], 2, { axis: 1 })],
  [
    "Slice",
    9,
    [4, 4],
    (g, x) => [
      g.op("Slice", [x], { starts: [1, -2], ends: [3, 1000], axes: [1, 0] }),
      g.op("Slice", [x], { starts: [1], ends: [2] }),
    ],
  ],
  ["TopK", 9, [2, 4], (g, x) => g.opOutputs("TopK", [x], 2, { k: 2 })[0]!],
  [
    "Clip",
    7,
    [6],
    (g, x) => [
      g.op("Clip", [x], { min: float(-0.5), max: float(0.25) }),
      g.op("Clip", [x], { max: float(0) }),
      g.op("Clip", [x]),
    ],
  ],
  [
    "Pad",
    9,
    [2, 3],
    (g, x) => [
      g.op("Pad", [x], { pads: [0, 1, 1, 0], value: float(7) }),
      g.op("Pad", [x], { pads: [0, 1, 0, 2], mode: "edge" }),
    ],
  ],
  ["Dropout", 9, [3], (g, x) => g.op("Dropout", [x], { ratio: float(0.3) })],
  [
    "BatchNormalization",
    7,
    [2, 3, 2],
    (g, x) => g.op("BatchNormalization", [x, ...[1, 2, 3, 4].map((at) => g.values("float32", [at, at + 1, at / 2]))]),
  ],
  [
    "Upsample",
    9,
    [1, 1, 2, 3],
    (g, x) => g.op("Upsample", [x, g.values("float32", [1, 1, 2, 3])], { mode: "nearest" }),
  ],
  [
    "Upsample, linear",
    9,
    [1, 1, 2, 3],
    (g, x) => g.op("Upsample", [x, g.values("float32", [1, 1, 2, 2])], { mode: "linear" }),
  ],
  [
    "Resize",
    10,
    [1, 1, 3, 3],
    (g, x) => [
      g.op("Resize", [x, g.values("float32", [1, 1, 2, 1.5])]),
      g.op("Resize", [x, g.values("float32", [1, 1, 1.5, 2])], { mode: "linear" }),
    ],
  ],
  ["Scatter", 9, [3], (g, x) => g.op("Scatter", [x, g.values("int64", [2, 0]), g.values("float32", [9, 8])])],
  [
    "Softmax over what is behind an axis",
    11,
    [2, 3, 2],
    (g, x) => [
      g.op("Softmax", [x]),
      g.op("Softmax", [x], { axis: 2 }),
      g.op("LogSoftmax", [x], { axis: 0 }),
      g.op("Softmax", [x], { axis: -1 }),
    ],
  ],
  [
    "reductions",
    13,
    [2, 3, 2],
    (g, x) => [
      ...["ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSumSquare"].map(
        (opType) => g.op(opType, [x], { axes: [1, -1], keepdims: 0 }),
      ),
      g.op("ReduceLogSum", [g.op("Exp", [x])], { axes: [0] }),
      g.op("ReduceLogSumExp", [x]),
    ],
  ],
  ["Split into equal parts, said to be", 13, [4, 2], (g, x) => g.opOutputs("Split", [x], 2)],
  [
    "GridSample",
    16,
    [1, 1, 3, 3],
    (g, x) => {
      const grid = g.values("float32", [-0.5, 0.25, 0.75, -1, 0.1, 0.2, 1, 1], [1, 2, 2, 2]);
      return ["bilinear", "nearest", "bicubic"].map((mode) => g.op("GridSample", [x, grid], { mode }));
    },
  ],
  ["DFT", 17, [1, 4, 3, 1], (g, x) => [g.op("DFT", [x], { axis: 2 }), g.op("DFT", [x], { onesided: 1 })]],
  [
    "average pools",
    11,
    [1, 1, 5, 5],
    (g, x) => [
      g.op("AveragePool", [x], { kernel_shape: [2, 2], strides: [2, 2], pads: [1, 1, 0, 0] }),
      g.op("AveragePool", [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 }),
      g.op("AveragePool", [x], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }),
    ],
  ],
];

describe("an upgraded model", () => {
  const all = cases.flatMap(([name, opset, shape, build]) =>
    [17, 21].filter((to) => to > opset).map((to) => [name, opset, to, shape, build] as const),
  );
  it.each(all)("%s of operator set %d to %d", async (_name, opset, to, shape, build) => {
    const g = graphBuilder({ opset });
    const built = build(g, g.input("x", "float32", shape));
    for (const [index, value] of (typeof built === "string" ? [built] : built).entries())
      g.output(`y${index}`, value, "float32");
    const model = g.model();
    const upgraded = upgradeOpset(model, to);
    verifyModel(upgraded);
    expect(upgraded.opsets.get("")).toBe(to);
    const size = shape.reduce((product, length) => product * length, 1);
    const x = new Tensor(
      "float32",
      Float32Array.from({ length: size }, (_, at) => Math.sin(at * 1.7 + 0.3)),
      [...shape],
    );
    const [before, after] = [await answers(model, x), await answers(upgraded, x)];
    expect(after).toEqual(before.map((values) => values.map((value) => expect.closeTo(value, 6) as number)));
  });

  it("has group normalisation's scales by channel", async () => {
    const g = graphBuilder({ opset: 18 });
    const x = g.input("x", "float32", [1, 4, 2]);
    const [scale, bias] = [g.values("float32", [2, 3]), g.values("float32", [0.5, -1])];
    g.output("y", g.op("GroupNormalization", [x, scale, bias], { num_groups: 2, epsilon: float(0) }), "float32");
    const upgraded = upgradeOpset(g.model(), 21);
    verifyModel(upgraded);
    const values = [1, 2, 3, 4, -1, 0, 5, 8];
    const [answered] = await answers(upgraded, new Tensor("float32", Float32Array.from(values), [1, 4, 2]));
    const expected = [0, 1].flatMap((group) => {
      const own = values.slice(group * 4, group * 4 + 4);
      const mean = own.reduce((sum, value) => sum + value, 0) / 4;
      const deviation = Math.sqrt(own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4);
      return own.map((value) => ((value - mean) / deviation) * [2, 3][group]! + [0.5, -1][group]!);
    });
    expect(answered).toEqual([1, 4, 2, ...expected.map((value) => expect.closeTo(value, 4) as number)]);
  });

  it("has its bodies upgraded too", async () => {
    const g = graphBuilder({ opset: 11 });
    const x = g.input("x", "float32", [2, 1]);
    const condition = g.op("Greater", [g.op("ReduceSum", [x], { keepdims: 0 }), g.values("float32", [-100], [])]);
    const branch = (name: string, axes: number[]) =>
      g.subgraph(name, (body) => body.output(`${name}_y`, body.op("Unsqueeze", [x], { axes }), "float32", null));
    g.output(
      "y",
      g.op("If", [condition], { then_branch: branch("then", [0]), else_branch: branch("else", [2]) }),
      "float32",
    );
    const upgraded = upgradeOpset(g.model(), 17);
    verifyModel(upgraded);
    expect(await answers(upgraded, new Tensor("float32", Float32Array.of(3, 4), [2, 1]))).toEqual([[1, 2, 1, 3, 4]]);
  });

  it("that is late enough is the same object", () => {
    const g = graphBuilder({ opset: 18 });
    g.output("y", g.op("Exp", [g.input("x", "float32", [1])]));
    const model = g.model();
    expect(upgradeOpset(model, 17)).toBe(model);
  });

  it.each([
    ["a version too early", 6, (g: GraphBuilder, x: string) => g.op("Exp", [x]), /version 6 .*from 7 on/],
    [
      "statistics by place",
      7,
      (g: GraphBuilder, x: string) => g.op("BatchNormalization", [x, x, x, x, x], { spatial: 0 }),
      /spatial = 0/,
    ],
    [
      "statistics of training",
      9,
      (g: GraphBuilder, x: string) => g.opOutputs("BatchNormalization", [x, x, x, x, x], 3)[0]!,
      /hands out statistics/,
    ],
  ])("%s is refused", (_says, opset, build, message) => {
    const g = graphBuilder({ opset });
    g.output("y", build(g, g.input("x", "float32", [2])));
    expect(() => upgradeOpset(g.model(), 17)).toThrow(
      expect.objectContaining({ code: "MODEL_UNSUPPORTED", message: expect.stringMatching(message) as string }),
    );
  });
});
