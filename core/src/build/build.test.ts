// The layer language: names, shapes, first weights from a seed, and how many parameters published networks have.
import { readFileSync } from "node:fs";
import path from "node:path";
import { type Model, nodesOfModel, tensorFromInitializer, verifyModel } from "#graph";
import { bytesFromModel } from "#onnx";
import { describe, expect, it, test } from "vitest";
import {
  batchNorm,
  build,
  classToken,
  cnn,
  conv,
  dropout,
  embedding,
  firstToken,
  gelu,
  globalAveragePool,
  type Input,
  layerNorm,
  type Layers,
  linear,
  mlp,
  mobileNetV2Layers,
  named,
  patchEmbedding,
  positionEmbedding,
  relu,
  resNet18Layers,
  residual,
  separableConv,
  sequential,
  summaryOf,
  transformerBlock,
  transformerDecoder,
  transformerDecoderLayers,
  transformerEncoder,
  transformerEncoderLayers,
} from "./index.ts";

const rows: Input = { kind: "features", features: 4 };
const image: Input = { kind: "image", channels: 3, height: 8, width: 6 };

const namesOf = (model: Model): readonly string[] =>
  model.graph.initializers.filter(({ data }) => data.kind === "deferred").map(({ name }) => name);

function valuesOf(model: Model, name: string): Float32Array {
  const found = model.graph.initializers.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return tensorFromInitializer(found).data as Float32Array;
}

describe("parameters are named", () => {
  it.each<[string, Layers, readonly string[]]>([
    ["by kind", [linear(2)], ["linear.weight", "linear.bias"]],
    ["by kind where there is no array", linear(2, { bias: false }), ["linear.weight"]],
    [
      "by kind and number where a sequence has several",
      [linear(3), relu(), linear(2, { bias: false })],
      ["linear1.weight", "linear1.bias", "linear2.weight"],
    ],
    [
      "as arrays in arrays were in line",
      [[linear(3, { bias: false }), [relu()]], sequential([linear(2, { bias: false })])],
      ["linear1.weight", "linear2.weight"],
    ],
    [
      "by what they are named, which numbers do not count",
      [linear(3, { bias: false }), named("head", linear(2))],
      ["linear.weight", "head.weight", "head.bias"],
    ],
    [
      "under the names of what they are in",
      [named("a", [named("b", [linear(3, { bias: false })]), named("c", linear(2, { bias: false }))])],
      ["a.b.linear.weight", "a.c.weight"],
    ],
    [
      "right under a residual's name, and its shortcut's",
      [named("block", residual([linear(2, { bias: false })], { shortcut: [linear(2, { bias: false })] }))],
      ["block.linear.weight", "block.shortcut.linear.weight"],
    ],
  ])("%s", (_says, layers, names) => {
    const model = build(layers, { input: rows, seed: 1 });
    verifyModel(model);
    expect(namesOf(model)).toEqual(names);
  });

  it("as are nodes", () => {
    const layers = [named("stem", [conv({ channels: 4, kernel: 3, bias: false }), batchNorm(), relu()])];
    const nodes = build(layers, { input: image, seed: 1 }).graph.nodes.map(({ name, opType }) => `${opType} ${name}`);
    expect(nodes).toEqual(["Conv stem.conv", "BatchNormalization stem.batchNorm", "Relu stem.activation"]);
  });
});

describe("models", () => {
  it("take rows of any number, and answer logits", () => {
    const { inputs, outputs } = mlp({ inputs: 4, hidden: [3], outputs: 2, seed: 1 }).graph;
    expect(inputs.map(({ name, type }) => ({ name, type }))).toEqual([
      { name: "input", type: { kind: "tensor", dtype: "float32", shape: ["N", 4] } },
    ]);
    expect(outputs.map(({ name, type }) => ({ name, type }))).toEqual([
      { name: "logits", type: { kind: "tensor", dtype: "float32", shape: ["N", 2] } },
    ]);
  });

  it("take sequences of any length, and what of them counts", () => {
    const model = transformerEncoder({
      vocabulary: 5,
      maximumLength: 9,
      width: 4,
      heads: 1,
      classes: 2,
      padding: "mask",
      seed: 1,
    });
    verifyModel(model);
    expect(model.graph.inputs.map(({ name, type }) => [name, type])).toEqual([
      ["input", { kind: "tensor", dtype: "int64", shape: ["N", "length"] }],
      ["mask", { kind: "tensor", dtype: "bool", shape: ["N", "length"] }],
    ]);
    const decoder = transformerDecoder({ vocabulary: 5, maximumLength: 9, width: 4, heads: 1, seed: 1 });
    expect(decoder.graph.outputs[0]?.type).toEqual({ kind: "tensor", dtype: "float32", shape: ["N", "length", 5] });
  });

  it("are named, and their output, as they are asked to be", () => {
    const { graph, opsets } = build(linear(2), { input: rows, seed: 1, output: "y", name: "line" });
    expect([graph.name, graph.outputs[0]?.name, opsets.get("")]).toEqual(["line", "y", 21]);
  });

  it("make one mask for all blocks", () => {
    const model = transformerDecoder({
      vocabulary: 5,
      maximumLength: 9,
      width: 4,
      heads: 1,
      depth: 3,
      padding: { token: 0 },
      seed: 1,
    });
    expect(model.graph.nodes.filter(({ opType }) => opType === "Where")).toHaveLength(1);
  });

  it("have no dropout at a rate of 0", () => {
    const operators = (rate: number) =>
      Array.from(nodesOfModel(build([linear(2), dropout(rate)], { input: rows, seed: 1 })), ({ node }) => node.opType);
    expect(operators(0)).toEqual(["Gemm"]);
    expect(operators(0.1)).toEqual(["Gemm", "Dropout"]);
  });
});

describe("windows", () => {
  const shapeOf = (layers: Layers, input: Input = image) => summaryOf(layers, input).at(-1)?.shape;
  it.each([
    ["same", 3, 1, [8, 6]],
    ["same", 4, 1, [8, 6]],
    ["same", 3, 2, [4, 3]],
    ["same", 5, 3, [3, 2]],
    ["valid", 3, 1, [6, 4]],
    ["valid", 3, 2, [3, 2]],
    [2, 3, 1, [10, 8]],
    [
      [0, 1],
      [3, 1],
      [2, 1],
      [3, 8],
    ],
  ] as const)("with padding %j, kernel %j and stride %j have %j places", (padding, kernel, stride, places) => {
    expect(shapeOf(conv({ channels: 2, kernel, stride, padding }))).toEqual(["N", 2, ...places]);
  });

  it("spread by dilation reach further", () => {
    expect(shapeOf(conv({ channels: 2, kernel: 3, dilation: 2, padding: "valid" }))).toEqual(["N", 2, 4, 2]);
    expect(shapeOf(conv({ channels: 2, kernel: 3, dilation: 2 }))).toEqual(["N", 2, 8, 6]);
  });

  it("slide over signals, too", () => {
    expect(shapeOf(conv({ channels: 2, kernel: 5, stride: 2 }), { kind: "signal", channels: 1, length: 9 })).toEqual([
      "N",
      2,
      5,
    ]);
  });
});

describe("first weights", () => {
  const options = { input: rows, seed: 7 };
  const layers = (outputs: number): Layers => [named("body", linear(3)), dropout(0.5), named("head", linear(outputs))];

  it("are the same bytes from the same seed", () => {
    const bytes = (seed: number | bigint) =>
      Buffer.from(bytesFromModel(cnn({ channels: 1, height: 8, width: 8, classes: 2, stages: [4, 8], seed })));
    expect(bytes(3).equals(bytes(3n))).toBe(true);
    expect(bytes(3).equals(bytes(4))).toBe(false);
  });

  // Computed apart, in Python with SciPy, from the seed and the names.
  it("are these, whatever the machine", () => {
    const model = build([named("body", linear(3, { initialization: "he-normal" })), named("head", linear(2))], options);
    expect(Array.from(valuesOf(model, "body.weight").subarray(0, 4))).toEqual([
      -0.9322061538696289, -1.3836026191711426, 0.48422372341156006, -0.9259434938430786,
    ]);
    expect(Array.from(valuesOf(model, "head.bias"))).toEqual([-0.46052923798561096, 0.4430716335773468]);
  });

  it("do not change where other layers do", () => {
    const [one, other] = [build(layers(2), options), build(layers(5), options)];
    expect(valuesOf(other, "body.weight")).toEqual(valuesOf(one, "body.weight"));
  });

  it("differ from layer to layer", () => {
    const model = build([named("a", linear(4)), named("b", linear(4))], options);
    expect(valuesOf(model, "b.weight")).not.toEqual(valuesOf(model, "a.weight"));
  });

  it("begin biases with zeros where the weights are not PyTorch's", () => {
    const biasOf = (options_: Parameters<typeof linear>[1]) =>
      Array.from(valuesOf(build(linear(2, options_), options), "linear.bias"));
    expect(biasOf({ initialization: "he-normal" })).toEqual([0, 0]);
    expect(biasOf({ biasInitialization: "ones" })).toEqual([1, 1]);
    expect(biasOf({}).every((value) => value !== 0 && Math.abs(value) <= 0.5)).toBe(true);
  });
});

describe("published networks have as many parameters as torchvision's and transformers'", () => {
  const file = path.resolve(import.meta.dirname, "../../../test/goldens/networks.json");
  const { counts } = JSON.parse(readFileSync(file, "utf8")) as { counts: Readonly<Record<string, number>> };
  const picture: Input = { kind: "image", channels: 3, height: 224, width: 224 };
  const vit = [
    named("patches", patchEmbedding({ size: 16, width: 768 })),
    named("class", classToken()),
    named("positions", positionEmbedding({ maximumLength: 197 })),
    ...Array.from({ length: 12 }, () => transformerBlock({ heads: 12 })),
    layerNorm(),
    firstToken(),
    linear(1000),
  ];
  it.each<[string, Layers, Input]>([
    ["resnet18", resNet18Layers({}), picture],
    ["mobilenet_v2", mobileNetV2Layers({}), picture],
    ["mobilenet_v2, 0.5", mobileNetV2Layers({ multiplier: 0.5 }), picture],
    ["vit_b_16", vit, picture],
    [
      "gpt2",
      transformerDecoderLayers({ maximumLength: 1024, width: 768, heads: 12, depth: 12 }),
      { kind: "tokens", vocabulary: 50_257 },
    ],
    [
      "encoder",
      transformerEncoderLayers({ maximumLength: 12, width: 8, heads: 2, feedForward: 16, classes: 3 }),
      { kind: "tokens", vocabulary: 9 },
    ],
  ])("%s", (name, layers, input) => {
    const outermost = summaryOf(layers, input).filter(({ depth }) => depth === 0);
    expect(outermost.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(counts[name]);
  });

  it("of which the papers say the same", () => {
    expect(counts["resnet18"]).toBe(11_689_512);
    expect(counts["mobilenet_v2"]).toBe(3_504_872);
  });
});

test("a summary tells what becomes of each layer", () => {
  const layers = [
    named("stem", [conv({ channels: 4, kernel: 3, stride: 2 }), batchNorm()]),
    separableConv({ channels: 8, kernel: 3 }),
    globalAveragePool(),
    gelu(),
    linear(2),
  ];
  const told = summaryOf(layers, image).map(
    ({ path: at, kind, depth, shape, parameters }) => `${depth} ${at} ${kind} ${shape.join("×")} ${parameters}`,
  );
  expect(told).toEqual([
    "0 stem sequential N×4×4×3 120",
    "1 stem.conv conv N×4×4×3 112",
    "1 stem.batchNorm batchNorm N×4×4×3 8",
    "0 depthwiseConv depthwiseConv N×4×4×3 36",
    "0 batchNorm1 batchNorm N×4×4×3 8",
    "0 activation1 activation N×4×4×3 0",
    "0 conv conv N×8×4×3 32",
    "0 batchNorm2 batchNorm N×8×4×3 16",
    "0 activation2 activation N×8×4×3 0",
    "0 globalAveragePool globalAveragePool N×8 0",
    "0 activation3 activation N×8 0",
    "0 linear linear N×2 18",
  ]);
});

test("tokens go through embeddings", () => {
  const model = build([embedding({ width: 3 }), globalAveragePool(), linear(2)], {
    input: { kind: "tokens", vocabulary: 5, length: 4 },
    seed: 1,
  });
  expect(model.graph.inputs[0]?.type).toEqual({ kind: "tensor", dtype: "int64", shape: ["N", 4] });
  expect(namesOf(model)).toEqual(["embedding.weight", "linear.weight", "linear.bias"]);
});
