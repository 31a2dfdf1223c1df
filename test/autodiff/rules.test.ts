// Every gradient rule against finite differences: shapes, ranks, attributes and broadcasting, with axes known and open.
import { gradient, GRADIENT_RULES } from "@slipway/core/autodiff";
import { graphBuilder } from "@slipway/core/graph";
import { inferTypes } from "@slipway/core/passes";
import { describe, expect, it } from "vitest";
import { answersOf, checkCase, type OperatorCase, tensorOf } from "./gradient-check.ts";
import { POINTWISE_CASES } from "./pointwise-cases.ts";
import { SPATIAL_CASES } from "./spatial-cases.ts";

const CASES = Object.entries({ ...POINTWISE_CASES, ...SPATIAL_CASES });

describe.each(CASES)("%s", (_group, cases) => {
  it.each(cases.map((one) => [one.says, one] as const))("%s", async (_says, one) => {
    await checkCase(one);
  });
});

it("shares the gradient of a halving MaxPool among equal maxima", async () => {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", [1, 1, 2, 4]);
  g.output("y", g.op("MaxPool", [x], { kernel_shape: [2, 2], strides: [2, 2] }), "float32", [1, 1, 1, 2]);
  const types = new Map([["y", { kind: "tensor", dtype: "float32", shape: [1, 1, 1, 2] }]] as const);
  const { model } = gradient(g.model(), { wrt: ["x"], types });
  const answered = await answersOf(model, {
    x: tensorOf("float32", [3, 3, 5, 5, 1, 3, 5, 5], [1, 1, 2, 4]),
    grad_y: tensorOf("float32", [6, 8], [1, 1, 1, 2]),
  });
  expect(Array.from(answered["grad_x"]!.data as Float32Array)).toEqual([2, 2, 2, 2, 0, 2, 2, 2]);
});

it("differentiates what computes gradients already: the product of second derivatives with a vector", async () => {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", [2, 3]);
  const weights = Array.from({ length: 12 }, (_, at) => Math.sin(at));
  const logits = g.op("Tanh", [g.op("MatMul", [x, g.values("float32", weights, [3, 4])])]);
  g.output("loss", g.op("SoftmaxCrossEntropyLoss", [logits, g.values("int64", [1, 3])]), "float32", []);
  const first = gradient(g.model(), { wrt: ["x"], of: "loss", types: inferTypes(g.model()) });
  const second = gradient(first.model, { wrt: ["x"], types: inferTypes(first.model) });
  const [at, along] = [
    [1, 2, 3, -1, 0.5, 0.2],
    [0.3, -0.2, 0.5, 1, -0.4, 0.7],
  ];
  const slope = async (step: number): Promise<number[]> => {
    const moved = at.map((value, index) => value + step * along[index]!);
    const answers = await answersOf(first.model, { x: tensorOf("float32", moved, [2, 3]) });
    return Array.from(answers["grad_x"]!.data as Float32Array);
  };
  const [before, after] = [await slope(-0.005), await slope(0.005)];
  const answers = await answersOf(second.model, {
    x: tensorOf("float32", at, [2, 3]),
    [second.upstream.get("loss")!]: tensorOf("float32", [0], []),
    [second.upstream.get("grad_x")!]: tensorOf("float32", along, [2, 3]),
  });
  const expected = after.map((value, index) => expect.closeTo((value - before[index]!) / 0.01, 3) as number);
  expect(Array.from(answers[second.gradients.get("x")!]!.data as Float32Array)).toEqual(expected);
});

/** Operators whose gradients are checked elsewhere, since differences say nothing of rounding. */
const ELSEWHERE = new Set(["QuantizeLinear", "DequantizeLinear", "CastLike"]);

it("checks every rule there is", () => {
  const checked = new Set(CASES.flatMap(([, cases]) => cases.flatMap(operatorsOf)));
  const rules = Object.entries(GRADIENT_RULES).flatMap(([domain, rules_]) =>
    Object.keys(rules_).map((opType) => (domain === "" ? opType : `${domain}.${opType}`)),
  );
  expect(rules.filter((name) => !checked.has(name) && !ELSEWHERE.has(name))).toEqual([]);
});

function operatorsOf(one: OperatorCase): string[] {
  const g = graphBuilder({ opset: one.opset ?? 17, opsets: one.opsets ?? {} });
  const inputs = Object.fromEntries(
    Object.entries(one.shapes).map(([name, shape]) => [name, g.input(name, "float32", shape)]),
  );
  one.build(g, inputs, "float32");
  return g.graph().nodes.map(({ domain, opType }) => (domain === "" ? opType : `${domain}.${opType}`));
}
