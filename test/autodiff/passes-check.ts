// Passes before differentiating a model, and after: the gradients are those they were.
import { gradient, inGradientWords, parametersOf, prepareForGradient } from "@slipway/core/autodiff";
import type { Model } from "@slipway/core/graph";
import { PASSES, passesNamed, runPasses } from "@slipway/core/passes";
import { expect } from "vitest";
import type { SampleModel } from "../passes/sample-models.ts";
import { randomFrom } from "../support/random.ts";
import { answersOf, engineOn, tensorOf } from "./gradient-check.ts";

/** Passes that any model takes, without a setting. */
export const PASSES_ANYWHERE: readonly string[] = Object.keys(PASSES).filter(
  (name) => !["pin-shapes", "symbolise-batch"].includes(name),
);

/**
 * Differentiates by all parameters, with all passes in a row before, and with all after: each gradient is the same within 1e-4 of
 * its largest element.
 */
export async function checkPassesAndGradients(sample: SampleModel): Promise<void> {
  const read = inGradientWords(sample.model);
  const wrt = parametersOf(read);
  const random = randomFrom(11);
  const sends = Object.entries(await answersOf(read, sample.feeds)).map(([output, { data, dims }]) => {
    const values = Array.from({ length: (data as Float32Array).length }, () => random() * 2 - 1);
    return [`grad_${output}`, tensorOf("float32", values, dims)] as const;
  });
  const feeds = { ...sample.feeds, ...Object.fromEntries(sends) };
  const differentiated = async (one: Model): Promise<Model> => {
    const prepared = await prepareForGradient(one, wrt, engineOn(feeds));
    return gradient(prepared.model, { wrt, types: prepared.types }).model;
  };
  const run = async (one: Model): Promise<Model> => {
    // Untied copies, and weights that others were folded into, are new parameters, which this does not differentiate by.
    const others = ["untie-copies", "fuse-convolutions", "fuse-products"];
    const names = PASSES_ANYWHERE.filter((pass) => !others.includes(pass));
    return (await runPasses(one, passesNamed(names, { kept: wrt }), engineOn(feeds))).model;
  };
  const plain = await differentiated(read);
  const expected = await answersOf(plain, feeds);
  for (const made of [await differentiated(await run(read)), await run(plain)]) {
    const found = await answersOf(made, feeds);
    for (const parameter of wrt) {
      const [one, other] = [expected[`grad_${parameter}`]!, found[`grad_${parameter}`]!];
      const values = Array.from(one.data as Float32Array);
      // The gradient by the bias of attention's keys is 0, and what is computed of it rounding alone.
      const largest = Math.max(5e-3, ...values.map(Math.abs));
      const apart = Array.from(other.data as Float32Array, (value, at) => Math.abs(value - values[at]!));
      expect(Math.max(...apart)).toBeLessThanOrEqual(1e-4 * largest);
    }
  }
}
