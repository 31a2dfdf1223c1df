// Convolutions in the engine's own layout answer what they did, on ONNX Runtime; and those that would not gain by it stay.
import { SlipwayError } from "@slipway/core/base";
import { trainLoop, trainStep } from "@slipway/core/autodiff";
import { type AttributeInput, type GraphBuilder, graphBuilder, type Model } from "@slipway/core/graph";
import { blockConvolutions, inferTypes } from "@slipway/core/passes";
import type { Dimension } from "@slipway/core/tensor";
import { describe, expect, it, test } from "vitest";
import { channelBlockOf } from "../../server/src/lab/passes/index.ts";
import { createOnnxRuntimeBackend } from "../../server/src/runtime/index.ts";
import { expectSameAnswers, operatorsOf, randomFeeds, wave } from "./answers-check.ts";

const block = await channelBlockOf(createOnnxRuntimeBackend());
const hasLayout = process.arch === "x64";

interface Convolution {
  readonly x: readonly Dimension[];
  readonly weights: readonly number[];
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly hasBias?: boolean;
}

function convolve(g: GraphBuilder, x: string, name: string, { weights, attributes, hasBias }: Convolution): string {
  const bias = hasBias === true ? [g.input(`${name}_bias`, "float32", weights.slice(0, 1))] : [];
  return g.op("Conv", [x, g.input(name, "float32", weights), ...bias], attributes);
}

function modelOf(convolution: Convolution): Model {
  const g = graphBuilder({ opset: 17 });
  g.output("y", convolve(g, g.input("x", "float32", convolution.x), "weights", convolution), "float32", null);
  return g.model();
}

const SAME = { pads: [1, 1, 1, 1] };

test("the engine's blocks are found where it has them", () => {
  if (hasLayout) expect([8, 16]).toContain(block);
  else expect(block).toBeNull();
});

test.runIf(hasLayout)("an engine that refuses the layout has none, and one that breaks is heard of", async () => {
  const failing = async (why: Error): Promise<number | null> =>
    await channelBlockOf({ ...createOnnxRuntimeBackend(), load: () => Promise.reject(why) });
  expect(await failing(new SlipwayError("MODEL_UNSUPPORTED", "not here"))).toBeNull();
  await expect(failing(new TypeError("a bug"))).rejects.toThrow("a bug");
});

describe.runIf(hasLayout)("convolutions in blocks", () => {
  it.each<readonly [string, Convolution]>([
    ["over all channels", { x: ["N", 16, 9, 7], weights: [32, 16, 3, 3], attributes: SAME }],
    ["with a bias", { x: [3, 32, 8, 8], weights: [16, 32, 3, 3], hasBias: true }],
    ["by steps of 2", { x: ["N", 16, 14, 14], weights: [16, 16, 3, 3], attributes: { ...SAME, strides: [2, 2] } }],
    ["over places apart", { x: ["N", 16, 12, 11], weights: [16, 16, 3, 2], attributes: { dilations: [2, 3] } }],
    [
      "with padding it finds itself",
      { x: [2, 16, 7, 8], weights: [16, 16, 4, 3], attributes: { auto_pad: "SAME_LOWER" } },
    ],
    ["of images of open sides", { x: ["N", 16, "height", "width"], weights: [48, 16, 2, 2] }],
    ["channel by channel", { x: ["N", 32, 9, 9], weights: [32, 1, 3, 3], attributes: { ...SAME, group: 32 } }],
  ])("%s", async (_, convolution) => {
    const model = modelOf(convolution);
    const made = blockConvolutions(model, block!);
    expect(operatorsOf(made)).toMatchObject({ ReorderInput: 1, Conv: 1, ReorderOutput: 1 });
    expect(made.graph.nodes.find(({ opType }) => opType === "Conv")?.domain).toBe("com.microsoft.nchwc");
    await expectSameAnswers(model, made, randomFeeds(model, { height: 9, width: 10 }));
    expect(blockConvolutions(made, block!)).toBe(made);
  });

  it("brings what two of them read into the layout once", async () => {
    const g = graphBuilder({ opset: 17 });
    const x = g.input("x", "float32", ["N", 16, 8, 8]);
    const [one, other] = ["one", "other"].map((name) =>
      convolve(g, x, name, { x: [], weights: [16, 16, 3, 3], attributes: SAME }),
    );
    g.output("y", g.op("Add", [one!, other!]), "float32", null);
    const model = g.model();
    const made = blockConvolutions(model, block!);
    expect(operatorsOf(made)).toMatchObject({ ReorderInput: 1, Conv: 2, ReorderOutput: 2 });
    await expectSameAnswers(model, made, randomFeeds(model));
  });
});

test.each<readonly [string, Convolution]>([
  ["by kernels of one place, which are products of matrices", { x: [1, 16, 9, 9], weights: [16, 16, 1, 1] }],
  ["of few windows", { x: [1, 16, 6, 6], weights: [16, 16, 3, 3] }],
  ["of channels that fill no block", { x: [1, 12, 9, 9], weights: [16, 12, 3, 3] }],
  ["to channels that fill no block", { x: [1, 16, 9, 9], weights: [20, 16, 3, 3] }],
  ["in groups of channels", { x: [1, 32, 9, 9], weights: [32, 16, 3, 3], attributes: { group: 2 } }],
  ["over a line", { x: [1, 16, 40], weights: [16, 16, 3] }],
])("convolutions %s stay", (_, convolution) => {
  const model = modelOf(convolution);
  expect(blockConvolutions(model, 16)).toBe(model);
});

test("convolutions by stored weights stay, which the engine brings into its layout by itself", () => {
  const g = graphBuilder({ opset: 17 });
  const weights = g.values(
    "float32",
    Array.from({ length: 16 * 16 * 9 }, () => 0.1),
    [16, 16, 3, 3],
  );
  g.output("y", g.op("Conv", [g.input("x", "float32", ["N", 16, 9, 9]), weights]), "float32", null);
  const model = g.model();
  expect(blockConvolutions(model, 16)).toBe(model);
});

test.runIf(hasLayout)("a step of training in blocks, and a loop of them, learn what they did", async () => {
  const g = graphBuilder({ opset: 17 });
  let x = g.input("x", "float32", ["N", 16, 10, 10]);
  for (const name of ["first", "second"]) x = g.op("Relu", [g.op("Conv", [x, wave(g, [16, 16, 3, 3], name)], SAME)]);
  const pooled = g.op("Flatten", [g.op("GlobalAveragePool", [x])]);
  g.output("y", g.op("MatMul", [pooled, wave(g, [16, 3], "head")]), "float32", null);
  const plain = await trainStep(g.model(), {
    parameters: ["first", "second", "head"],
    loss: { kind: "mean-squared-error" },
    optimizer: { kind: "sgd" },
    typesOf: (model) => Promise.resolve(inferTypes(model)),
  });
  const blocked = { ...plain, model: blockConvolutions(plain.model, block!) };
  // Forward twice, and back through the second; what goes in is no parameter.
  expect(operatorsOf(blocked.model)["ReorderInput"]).toBe(3);
  await expectSameAnswers(plain.model, blocked.model, randomFeeds(plain.model, { N: 3 }));
  const loops = [plain, blocked].map((step) => trainLoop(step).model);
  await expectSameAnswers(loops[0]!, loops[1]!, randomFeeds(loops[0]!, { N: 3, steps: 2 }));
});
