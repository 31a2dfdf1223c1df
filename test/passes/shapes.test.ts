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
