// Gradients by sample of whole models as PyTorch exports them, against every sample in a batch of its own.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { inGradientWords } from "@slipway/core/autodiff";
import { byteSourceFromBytes, type Model } from "@slipway/core/graph";
import { modelFromBytes } from "@slipway/core/onnx";
import { symboliseBatch } from "@slipway/core/passes";
import { expect, it } from "vitest";
import { tensorOf } from "./gradient-check.ts";
import { checkSampleGradients } from "./sample-gradient-check.ts";

interface Values {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const FOLDER = path.resolve(import.meta.dirname, "../goldens/gradients");
const NAMES = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".onnx"))
  .map((file) => file.slice(0, -".onnx".length));
/** Exported for two samples and no other number, with rows that are stored for both. */
const REFUSED = new Set(["bert-dynamo", "lstm-dynamo", "vit-dynamo"]);
/** Those of them whose batch can be opened. */
const OPENED = new Set(["vit-dynamo"]);

it.each(NAMES)("%s", async (name) => {
  const facts = JSON.parse(readFileSync(path.join(FOLDER, `${name}.json`), "utf8")) as {
    readonly axis: number;
    readonly inputs: Readonly<Record<string, Values & { readonly dtype: string }>>;
    readonly labels: Values;
    readonly parameters: readonly { readonly name: string }[];
  };
  const inputs = Object.entries(facts.inputs);
  const read = modelFromBytes(byteSourceFromBytes(readFileSync(path.join(FOLDER, `${name}.onnx`))));
  const check = (model: Model) =>
    checkSampleGradients({
      model,
      wrt: facts.parameters.map((one) => one.name),
      loss: { kind: "cross-entropy" },
      axis: facts.axis,
      feeds: Object.fromEntries(inputs.map(([input, one]) => [input, tensorOf(one.dtype, one.values, one.shape)])),
      target: tensorOf("int64", facts.labels.values, facts.labels.shape),
    });
  if (REFUSED.has(name)) {
    await expect(check(read)).rejects.toEqual(
      expect.objectContaining({
        code: "GRADIENT_UNAVAILABLE",
        message: expect.stringContaining("Open it by the pass symbolise-batch") as string,
      }),
    );
    if (OPENED.has(name)) expect((await check(symboliseBatch(inGradientWords(read)))).norms.looped).toEqual([]);
  } else expect((await check(read)).norms.looped).toEqual([]);
});
