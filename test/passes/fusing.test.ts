// What is folded into convolutions and products answers what it did, on ONNX Runtime; and what may not be folded stays.
import { type AttributeInput, type GraphBuilder, graphBuilder, type Model } from "@slipway/core/graph";
import { fuseConvolutions, fuseProducts, passesNamed, runPasses } from "@slipway/core/passes";
import { describe, expect, test } from "vitest";
import { engineOn } from "../autodiff/gradient-check.ts";
import { expectSameAnswers, operatorsOf, randomFeeds } from "./answers-check.ts";
import { exportedModel, THIRD_PARTY } from "./sample-models.ts";

/** Stored numbers that are all different, about `around`. */
const numbers = (g: GraphBuilder, shape: readonly number[], around = 0): string => {
  const size = shape.reduce((product, length) => product * length, 1);
  return g.values(
    "float32",
    Array.from({ length: size }, (_, at) => around + Math.sin(at * 1.7 + shape.length) / 2),
    shape,
  );
};

const batchNormalization = (g: GraphBuilder, x: string, channels: number, epsilon = 1e-3): string =>
  g.op(
    "BatchNormalization",
    [x, numbers(g, [channels], 1), numbers(g, [channels]), numbers(g, [channels]), numbers(g, [channels], 1)],
    { epsilon },
  );

function modelOf(shape: readonly (number | string)[], build: (g: GraphBuilder, x: string) => string): Model {
  const g = graphBuilder({ opset: 17 });
  g.output("y", build(g, g.input("x", "float32", shape)), "float32", null);
  return g.model();
}

type Case = readonly [says: string, model: Model, after: Readonly<Record<string, number>>];

const image = (build: (g: GraphBuilder, x: string) => string): Model => modelOf(["N", 4, 6, 5], build);
const conv = (
  g: GraphBuilder,
  x: string,
  attributes: Readonly<Record<string, AttributeInput>> = {},
  bias = false,
  weights: readonly number[] = [6, 4, 3, 3],
): string => g.op("Conv", [x, numbers(g, weights), ...(bias ? [numbers(g, [weights[0]!])] : [])], attributes);

const CONVOLUTIONS: readonly Case[] = [
  ["a normalisation", image((g, x) => batchNormalization(g, conv(g, x), 6)), { Conv: 1 }],
  ["a normalisation after a bias", image((g, x) => batchNormalization(g, conv(g, x, {}, true), 6)), { Conv: 1 }],
  [
    "a normalisation of groups",
    image((g, x) => batchNormalization(g, conv(g, x, { group: 2, strides: [2, 1] }, true, [6, 2, 3, 3]), 6)),
    { Conv: 1 },
  ],
  [
    "a normalisation of a depthwise convolution",
    image((g, x) => batchNormalization(g, conv(g, x, { group: 4 }, false, [8, 1, 3, 3]), 8)),
    { Conv: 1 },
  ],
  [
    "a normalisation of a transposed convolution in groups",
    image((g, x) =>
      batchNormalization(
        g,
        g.op("ConvTranspose", [x, numbers(g, [4, 3, 2, 2]), numbers(g, [6])], { group: 2, strides: [2, 2] }),
        6,
      ),
    ),
    { ConvTranspose: 1 },
  ],
  [
    "a bias, a scale and a normalisation, one after the other",
    image((g, x) => {
      const shifted = g.op("Add", [numbers(g, [6, 1, 1]), conv(g, x)]);
      const scaled = g.op("Div", [g.op("Mul", [shifted, numbers(g, [1, 6, 1, 1], 1)]), numbers(g, [1], 3)]);
      const around = g.op("Sub", [numbers(g, [], 2), g.op("Sub", [scaled, numbers(g, [6, 1, 1])])]);
      return batchNormalization(g, around, 6);
    }),
    { Conv: 1 },
  ],
  [
    "a convolution over a line",
    modelOf(["N", 2, 9], (g, x) => batchNormalization(g, conv(g, x, {}, true, [3, 2, 4]), 3)),
    { Conv: 1 },
  ],
  [
    "padding in front of a convolution that pads itself",
    image((g, x) =>
      conv(g, g.op("Pad", [x, g.values("int64", [0, 0, 1, 2, 0, 0, 3, 0])]), { pads: [0, 1, 1, 0] }, true),
    ),
    { Conv: 1 },
  ],
  [
    "padding with zeros in front of an average",
    image((g, x) =>
      g.op(
        "AveragePool",
        [g.op("Pad", [x, g.values("int64", [0, 0, 1, 1, 0, 0, 0, 1]), g.values("float32", [0], [])])],
        {
          kernel_shape: [3, 2],
          strides: [2, 1],
        },
      ),
    ),
    { AveragePool: 1 },
  ],
  [
    "padding with −∞ in front of a maximum",
    image((g, x) =>
      g.op(
        "MaxPool",
        [g.op("Pad", [x, g.values("int64", [0, 0, 1, 1, 0, 0, 1, 1]), g.values("float32", [-Infinity], [])])],
        { kernel_shape: [3, 3], strides: [2, 2] },
      ),
    ),
    { MaxPool: 1 },
  ],
];

const STAYING: readonly Case[] = [
  [
    "a normalisation by the batch",
    image(
      (g, x) =>
        g.opOutputs(
          "BatchNormalization",
          [conv(g, x), numbers(g, [6], 1), numbers(g, [6]), numbers(g, [6]), numbers(g, [6], 1)],
          3,
          { training_mode: 1 },
        )[0]!,
    ),
    { Conv: 1, BatchNormalization: 1 },
  ],
  [
    "what others read too",
    image((g, x) => {
      const convolved = conv(g, x);
      return g.op("Add", [batchNormalization(g, convolved, 6), convolved]);
    }),
    { Conv: 1, BatchNormalization: 1, Add: 1 },
  ],
  ["numbers along another axis", image((g, x) => g.op("Add", [conv(g, x), numbers(g, [3])])), { Conv: 1, Add: 1 }],
  [
    "numbers that give the result more axes",
    image((g, x) => g.op("Add", [conv(g, x), numbers(g, [1, 1, 6, 1, 1])])),
    { Conv: 1, Add: 1 },
  ],
  ["a quotient of it", image((g, x) => g.op("Div", [numbers(g, [6, 1, 1], 1), conv(g, x)])), { Conv: 1, Div: 1 }],
  [
    "padding with ones",
    image((g, x) =>
      conv(g, g.op("Pad", [x, g.values("int64", [0, 0, 1, 1, 0, 0, 1, 1]), g.values("float32", [1], [])])),
    ),
    { Pad: 1, Conv: 1 },
  ],
  [
    "padding by what is there",
    image((g, x) => conv(g, g.op("Pad", [x, g.values("int64", [0, 0, 1, 1, 0, 0, 1, 1])], { mode: "reflect" }))),
    { Pad: 1, Conv: 1 },
  ],
  [
    "padding of channels",
    image((g, x) => conv(g, g.op("Pad", [x, g.values("int64", [0, 1, 0, 0, 0, 1, 0, 0])]), {}, false, [6, 6, 3, 3])),
    { Pad: 1, Conv: 1 },
  ],
  [
    "cutting in front of a convolution",
    image((g, x) => conv(g, g.op("Pad", [x, g.values("int64", [0, 0, -1, 0, 0, 0, 0, 0])]))),
    { Pad: 1, Conv: 1 },
  ],
  [
    "padding with zeros in front of a maximum",
    image((g, x) =>
      g.op("MaxPool", [g.op("Pad", [x, g.values("int64", [0, 0, 1, 1, 0, 0, 1, 1])])], { kernel_shape: [3, 3] }),
    ),
    { Pad: 1, MaxPool: 1 },
  ],
  [
    "padding as wide as a pool",
    image((g, x) =>
      g.op("AveragePool", [g.op("Pad", [x, g.values("int64", [0, 0, 2, 0, 0, 0, 0, 0])])], { kernel_shape: [2, 2] }),
    ),
    { Pad: 1, AveragePool: 1 },
  ],
  [
    "padding of an average that leaves its own out",
    image((g, x) =>
      g.op("AveragePool", [g.op("Pad", [x, g.values("int64", [0, 0, 1, 0, 0, 0, 0, 0])])], {
        kernel_shape: [3, 3],
        pads: [0, 1, 0, 1],
      }),
    ),
    { Pad: 1, AveragePool: 1 },
  ],
];

describe("fuse-convolutions", () => {
  test.each(CONVOLUTIONS)("folds %s", async (_, model, after) => {
    const fused = fuseConvolutions(model);
    expect(operatorsOf(fused)).toEqual(after);
    await expectSameAnswers(model, fused, randomFeeds(model));
  });
  test.each(STAYING)("leaves %s", async (_, model, after) => {
    expect(operatorsOf(model)).toEqual(after);
    expect(fuseConvolutions(model)).toBe(model);
  });
  test("leaves no stored tensor that nobody reads", () => {
    const fused = fuseConvolutions(CONVOLUTIONS[1]![1]);
    expect(fused.graph.initializers.map(({ shape }) => shape)).toEqual([[6, 4, 3, 3], [6]]);
  });
  test.each(["resnet-18-legacy", "mobilenet-v3-legacy", "resnet-18-dynamo", "efficientnet-dynamo"])(
    "folds all normalisations of %s that are there",
    async (name) => {
      const { model, feeds } = exportedModel(name);
      // One exporter computes biases of zeros, stores equal tensors once, and hands them on by Identity.
      const passes = passesNamed([
        "constants-to-initializers",
        "untie-copies",
        "decompose-composites",
        "fold-constants",
        "fuse-convolutions",
      ]);
      const { model: fused } = await runPasses(model, passes, engineOn(feeds));
      expect(operatorsOf(fused)["BatchNormalization"] ?? 0).toBe(0);
      await expectSameAnswers(model, fused, feeds, 2e-5);
    },
  );
  test("folds what stands behind PaddleOCR's convolutions", async () => {
    const { model, feeds } = THIRD_PARTY["ocr-recognition"]!();
    const fused = fuseConvolutions(model);
    const [before, after] = [operatorsOf(model), operatorsOf(fused)];
    expect(after["Conv"]).toBe(before["Conv"]);
    expect(after["BatchNormalization"] ?? 0).toBeLessThan(before["BatchNormalization"]!);
    expect(fused.graph.nodes.length).toBeLessThan(model.graph.nodes.length - 50);
    await expectSameAnswers(model, fused, feeds, 2e-4);
  });
});

const matrix = (build: (g: GraphBuilder, x: string) => string): Model => modelOf(["N", 5], build);
const PRODUCTS: readonly Case[] = [
  ["a bias", matrix((g, x) => g.op("Add", [g.op("MatMul", [x, numbers(g, [5, 3])]), numbers(g, [3])])), { Gemm: 1 }],
  [
    "a bias in front",
    matrix((g, x) => g.op("Add", [numbers(g, [1, 3]), g.op("MatMul", [x, numbers(g, [5, 3])])])),
    { Gemm: 1 },
  ],
  ["a normalisation", matrix((g, x) => batchNormalization(g, g.op("MatMul", [x, numbers(g, [5, 3])]), 3)), { Gemm: 1 }],
  [
    "a normalisation after a Gemm of weights that are transposed",
    matrix((g, x) =>
      batchNormalization(
        g,
        g.op("Gemm", [x, numbers(g, [3, 5]), numbers(g, [3])], { transB: 1, alpha: 0.5, beta: 2.5 }),
        3,
      ),
    ),
    { Gemm: 1 },
  ],
  [
    "a scale, of any number of axes",
    modelOf(["N", 2, 5], (g, x) => g.op("Mul", [g.op("MatMul", [x, numbers(g, [5, 3])]), numbers(g, [3], 1)])),
    { MatMul: 1 },
  ],
  [
    "a Gemm's single bias",
    matrix((g, x) => g.op("Sub", [g.op("Gemm", [x, numbers(g, [5, 3]), numbers(g, [1])]), numbers(g, [3])])),
    { Gemm: 1 },
  ],
];
const STAYING_PRODUCTS: readonly Case[] = [
  [
    "a bias behind a product of more axes",
    modelOf(["N", 2, 5], (g, x) => g.op("Add", [g.op("MatMul", [x, numbers(g, [5, 3])]), numbers(g, [3])])),
    { MatMul: 1, Add: 1 },
  ],
  [
    "a normalisation whose channels are another axis",
    modelOf(["N", 3, 5], (g, x) => batchNormalization(g, g.op("MatMul", [x, numbers(g, [5, 3])]), 3)),
    { MatMul: 1, BatchNormalization: 1 },
  ],
  [
    "a Gemm whose bias has a row for each row",
    modelOf([3, 5], (g, x) =>
      g.op("Mul", [g.op("Gemm", [x, numbers(g, [5, 3]), numbers(g, [3, 1])]), numbers(g, [3])]),
    ),
    { Gemm: 1, Mul: 1 },
  ],
  [
    "a column behind a product",
    modelOf([3, 5], (g, x) => g.op("Add", [g.op("MatMul", [x, numbers(g, [5, 3])]), numbers(g, [3, 1])])),
    { MatMul: 1, Add: 1 },
  ],
];

describe("fuse-products", () => {
  test.each(PRODUCTS)("folds %s", async (_, model, after) => {
    const fused = fuseProducts(model);
    expect(operatorsOf(fused)).toEqual(after);
    await expectSameAnswers(model, fused, randomFeeds(model, { N: 4 }));
  });
  test.each(STAYING_PRODUCTS)("leaves %s", async (_, model, after) => {
    expect(operatorsOf(model)).toEqual(after);
    expect(fuseProducts(model)).toBe(model);
  });
});
