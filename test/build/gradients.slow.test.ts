// Gradients of built networks by each of their parameters against PyTorch's, whatever they are made of: masks, tied weights, patches,
// groups (tools/goldens/networks.py).
import { gradient, inGradientWords, parametersOf, prepareForGradient, withLoss } from "@slipway/core/autodiff";
import type { Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import { answersOf, engineOn, tensorOf } from "../autodiff/gradient-check.ts";
import { type GoldenInput, tensorFromGolden } from "../goldens/inputs.ts";
import { feedsOf, GOLDENS, NETWORKS, withParameters } from "./golden-networks.ts";

const numbersOf = ({ data }: Tensor): readonly number[] => Array.from(data as Float32Array);

it.each(GOLDENS.cases.map((one) => [one.name, one] as const))("%s", async (name, one) => {
  const read = withParameters(NETWORKS[name]!(), one.parameters);
  const feeds = feedsOf(one);
  const parameters = parametersOf(inGradientWords(read));
  const { model, types } = await prepareForGradient(read, parameters, engineOn(feeds));
  const judged = withLoss(model, { loss: { kind: "cross-entropy" }, axis: one.shape.length - 1, types });
  const learning = one.parameters.filter((_, index) => one.gradients[index] !== null).map((golden) => golden.name);
  const judgedTypes = await engineOn(feeds).typesOf(judged.model);
  const made = gradient(judged.model, { wrt: learning, of: judged.loss, types: judgedTypes });
  const shape = one.shape.slice(0, -1);
  const classes = one.shape.at(-1)!;
  const rows = shape.reduce((product, length) => product * length, 1);
  const labels = Array.from({ length: rows }, (_, at) => (at * 2) % classes);
  const answered = await answersOf(made.model, { ...feeds, [judged.target]: tensorOf("int64", labels, shape) });
  expect(Number(answered[judged.loss]!.data[0])).toBeCloseTo(one.loss, 5);
  const all = Math.hypot(...one.gradients.map((golden) => golden?.[0] ?? 0));
  for (const [index, golden] of one.gradients.entries()) {
    if (golden === null) continue;
    const parameter = one.parameters[index]!;
    const values = numbersOf(answered[made.gradients.get(parameter.name)!]!);
    const seeded: GoldenInput = {
      name: "",
      dtype: "float64",
      shape: parameter.shape,
      fill: { seed: 10_000 + index, low: -1, high: 1 },
    };
    const along = tensorFromGolden(seeded).data as Float64Array;
    const product = values.reduce((sum, value, at) => sum + value * along[at]!, 0);
    const allowed = 1e-4 * Math.max(golden[0], 1e-5 * all);
    expect(Math.abs(Math.hypot(...values) - golden[0]), `the norm of ${parameter.name}`).toBeLessThan(allowed);
    expect(Math.abs(product - golden[1]), parameter.name).toBeLessThan(allowed);
  }
});
