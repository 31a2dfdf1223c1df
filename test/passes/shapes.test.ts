// Shapes by rules of our own, against ONNX Runtime: what it infers, and what it makes when it runs.
import { GRADIENT_RULES } from "@slipway/core/autodiff";
import { graphBuilder, inlineFunctions } from "@slipway/core/graph";
import { SHAPE_RULES, sliceSplitSequences } from "@slipway/core/passes";
import { describe, expect, it } from "vitest";
import { type OperatorCase, tensorOf } from "../autodiff/gradient-check.ts";
import { POINTWISE_CASES } from "../autodiff/pointwise-cases.ts";
import { SPATIAL_CASES } from "../autodiff/spatial-cases.ts";
import { randomFrom } from "../support/random.ts";
import { EXPORTED_NAMES, exportedModel, THIRD_PARTY } from "./sample-models.ts";
import { checkShapes } from "./shape-check.ts";

it("has a rule for every operator that has a gradient", () => {
  const missing = Object.entries(GRADIENT_RULES).flatMap(([domain, rules]) =>
    Object.keys(rules).filter((opType) => SHAPE_RULES[domain]?.[opType] === undefined),
  );
  expect(missing).toEqual([]);
});

async function checkCase(one: OperatorCase, isOpen: boolean): Promise<void> {
  const dtype = one.single === true ? "float32" : "float64";
  const g = graphBuilder({ opset: one.opset ?? 17, ...(one.opsets === undefined ? {} : { opsets: one.opsets }) });
  const random = randomFrom(3);
  const inputs: Record<string, string> = {};
  const feeds: Record<string, ReturnType<typeof tensorOf>> = {};
  for (const [name, shape] of Object.entries(one.shapes)) {
    inputs[name] = g.input(name, dtype, isOpen ? shape.map((_, axis) => `${name}${axis}`) : shape);
    const size = shape.reduce((product, length) => product * length, 1);
    const values = Array.from({ length: size }, (_, index) => {
      const value = random() * 2 - 1;
      return one.values === undefined ? value : one.values(value, name, index);
    });
    feeds[name] = tensorOf(dtype, values, shape);
  }
  const built = one.build(g, inputs, dtype);
  for (const [index, value] of (typeof built === "string" ? [built] : built).entries()) g.output(`y${index}`, value);
  try {
    await checkShapes(g.model(), feeds);
  } catch (error) {
    throw new Error(`${one.says}, ${isOpen ? "open" : "known"} axes: ${(error as Error).message}`, { cause: error });
  }
}

describe.each(Object.entries({ ...POINTWISE_CASES, ...SPATIAL_CASES }))("%s", (_group, cases) => {
  it.each(cases.map((one) => [one.says, one] as const))("%s", async (_says, one) => {
    await checkCase(one, false);
    if (one.needsShapes !== true) await checkCase(one, true);
  });
});

it.each(EXPORTED_NAMES)("%s, as PyTorch exports it: no axis is left open", async (name) => {
  const { model, feeds } = exportedModel(name);
  const open = await checkShapes(sliceSplitSequences(inlineFunctions(model)), feeds);
  expect(open.byRules).toBe(0);
});

it.each(Object.keys(THIRD_PARTY))(
  "%s, a file of other people: no more axes are open than to the engine",
  async (name) => {
    const { model, feeds } = THIRD_PARTY[name]!();
    const open = await checkShapes(model, feeds);
    expect(open.byRules).toBeLessThanOrEqual(open.byEngine);
  },
);

describe.each([1, 2, 3, 4])("random windows, slices, sizes and pads (seed %d)", (seed) => {
  it.each([false, true])("open axes: %s", async (isOpen) => {
    const random = randomFrom(seed * 97);
    const whole = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1));
    const pair = (least: number, most: number): number[] => [whole(least, most), whole(least, most)];
    const g = graphBuilder({ opset: 19 });
    const shape = [2, 4, whole(6, 11), whole(6, 11)];
    const x = g.input("x", "float32", isOpen ? ["N", 4, "H", "W"] : shape);
    const ints = (values: readonly number[]): string => g.values("int64", values);
    for (let at = 0; at < 12; at++) {
      const kernel = pair(1, 3);
      const pads = [...pair(0, 1), ...pair(0, 1)].map((pad, index) => Math.min(pad, kernel[index % 2]! - 1));
      const window = { kernel_shape: kernel, strides: pair(1, 3) };
      const weights = g.values("float32", Array(8 * kernel[0]! * kernel[1]!).fill(0.1), [4, 2, ...kernel]);
      const auto = random() < 0.3 ? { auto_pad: random() < 0.5 ? "SAME_UPPER" : "SAME_LOWER" } : { pads };
      g.op("MaxPool", [x], { ...window, pads, dilations: pair(1, 2), ceil_mode: whole(0, 1) });
      g.op("AveragePool", [x], { ...window, ...auto });
      g.op("AveragePool", [x], { ...window, pads, ceil_mode: 1 });
      g.op("Conv", [x, weights], { ...window, ...auto, group: 2 });
      g.op("ConvTranspose", [x, weights], { ...window, pads, dilations: pair(1, 2), group: 2 });
      const [starts, ends] = [pair(-12, 12), pair(-12, 12)];
      g.op("Slice", [x, ints(starts), ints(ends), ints([2, -1]), ints([whole(1, 3), -whole(1, 3)])]);
      const lengths = [1, 1, ...pair(1, 3).map((value) => value / whole(1, 2))];
      g.op("Resize", [x, "", g.values("float32", lengths)]);
      g.op("Resize", [x, "", "", ints(pair(3, 9))], { axes: [3, 2] });
      g.op("Pad", [x, ints([...pair(0, 3), ...pair(-2, 3)]), "", ints([-1, 2])]);
      g.opOutputs("Split", [x], 3, { axis: 3, num_outputs: 3 });
    }
    const graph = g.graph();
    g.output("y", graph.nodes[0]!.outputs[0]!);
    const size = shape.reduce((product, length) => product * length, 1);
    const values = Array.from({ length: size }, () => random());
    await checkShapes(g.model(), { x: tensorOf("float32", values, shape) });
  });
});
