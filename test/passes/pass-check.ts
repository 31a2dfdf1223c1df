// Checks that passes leave what a model answers, on ONNX Runtime, and that they come to an end.
import { runPasses, passesNamed, type PassTrace } from "@slipway/core/passes";
import type { Tensor } from "onnxruntime-node";
import { expect } from "vitest";
import { answersOf, engineOn } from "../autodiff/gradient-check.ts";
import type { SampleModel } from "./sample-models.ts";

/** All that run without settings, in an order that suits most models. */
export const PASSES_IN_ORDER: readonly string[] = [
  "inline-functions",
  "upgrade-opset",
  "constants-to-initializers",
  "fold-constants",
  "untie-copies",
  "slice-split-sequences",
  "fold-shapes",
  "identities-and-transposes",
  "decompose-composites",
  "pools-before-activations",
  "fuse-convolutions",
  "fuse-products",
  "common-subexpressions",
  "dead-code",
  "unroll-recurrent",
  "tile-rows",
  "annotate-shapes",
];

/** Those that ask for nothing that an exported model may not have. */
export const PASSES_BY_THEMSELVES: readonly string[] = PASSES_IN_ORDER.filter(
  (name) => !["upgrade-opset", "slice-split-sequences", "unroll-recurrent", "decompose-composites"].includes(name),
);

/**
 * Runs passes, each twice, and compares answers within rounding: 1e-5 of the largest. The second time a pass changes nothing.
 * @returns what each pass did
 */
export async function checkPasses(
  { name, model, feeds }: SampleModel,
  names: readonly string[],
  before: Readonly<Record<string, Tensor>>,
): Promise<readonly PassTrace[]> {
  const passes = passesNamed(names.flatMap((one) => [one, one]));
  const { model: made, trace } = await runPasses(model, passes, engineOn(feeds));
  const after = await answersOf(made, feeds);
  for (const { name: output } of model.graph.outputs) {
    const [one, other] = [before[output]!, after[output]!];
    expect([output, ...other.dims]).toEqual([output, ...one.dims]);
    const values = Array.from(one.data as ArrayLike<number | bigint>, Number);
    const others = Array.from(other.data as ArrayLike<number | bigint>, Number);
    // ONNX Runtime's sigmoid steps by 6e-8 near 0.
    const largest = Math.max(2e-2, ...values.map(Math.abs));
    const apart = Math.max(...values.map((value, at) => Math.abs(value - others[at]!)));
    if (!(apart <= 1e-5 * largest))
      throw new Error(`${names.join()} of ${name}: '${output}' differs by ${apart} of ${largest}`);
  }
  const again = trace.filter(({ changed }, index) => index % 2 === 1 && changed);
  expect(again.map((one) => [one.name, one.added, one.removed, one.initializers, one.others])).toEqual([]);
  return trace.filter((_, index) => index % 2 === 0);
}
