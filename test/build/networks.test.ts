// Networks against PyTorch's, torchvision's and transformers' own with the same weights (tools/goldens/networks.py).
import { ACTIVATION_NAMES, activation, build } from "@slipway/core/build";
import { verifyModel } from "@slipway/core/graph";
import { describe, expect, it } from "vitest";
import { answersOf, tensorOf } from "../autodiff/gradient-check.ts";
import { builtParameters, feedsOf, GOLDENS, NETWORKS, withParameters } from "./golden-networks.ts";

describe("networks answer as PyTorch's", () => {
  it.each(GOLDENS.cases.map((one) => [one.name, one] as const))("%s", async (name, one) => {
    const model = NETWORKS[name]!();
    verifyModel(model);
    const made = Array.from(builtParameters(model), ([parameter, shape]) => `${parameter} [${shape.join()}]`);
    expect(made.sort()).toEqual(one.parameters.map((wanted) => `${wanted.name} [${wanted.shape.join()}]`).sort());
    const { logits } = await answersOf(withParameters(model, one.parameters), feedsOf(one));
    expect(logits!.dims).toEqual(one.shape);
    for (const [at, value] of one.values.entries())
      expect(Math.abs(Number(logits!.data[at]) - value), `element ${at}`).toBeLessThan(
        1e-5 * Math.max(1, Math.abs(value)),
      );
  });

  it("has a golden for each", () => {
    expect(GOLDENS.cases.map(({ name }) => name).sort()).toEqual(Object.keys(NETWORKS).sort());
  });
});

it.each(ACTIVATION_NAMES)("%s is PyTorch's", async (name) => {
  const { x, values } = GOLDENS.activations;
  const model = build(activation(name), { input: { kind: "features", features: x.length }, seed: 1 });
  const { logits } = await answersOf(model, { input: tensorOf("float32", x, [1, x.length]) });
  for (const [at, value] of values[name]!.entries()) expect(Number(logits!.data[at])).toBeCloseTo(value, 5);
});
