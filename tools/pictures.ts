// The pictures of the documentation, drawn from models: `npm run docs` writes them, and a test fails where one is out of date.
import { readFileSync } from "node:fs";
import path from "node:path";
import { gradient, prepareForGradient, withLoss } from "@slipway/core/autodiff";
import { graphBuilder, type Model } from "@slipway/core/graph";
import { modelFromBytes } from "@slipway/core/onnx";
import { changedNodes, drawModels, type PictureOptions } from "@slipway/core/picture";
import { createPassEngine } from "../server/src/lab/passes/index.ts";
import { createOnnxRuntimeBackend } from "../server/src/runtime/index.ts";

const engine = createPassEngine({ backend: createOnnxRuntimeBackend(), externalData: new Map(), inputs: null });
const root = path.resolve(import.meta.dirname, "..");

/** Pictures by their files, from the root. */
export async function pictures(): Promise<ReadonlyMap<string, string>> {
  const digits = modelFromBytes(readFileSync(path.join(root, "examples/digits/model.onnx")));
  const { model, judged, differentiated } = await workedExample();
  return new Map([
    ["docs/pictures/digits.svg", drawn(digits, { title: "digits", subtitle: "15 nodes, operator set 17" })],
    ["docs/pictures/gradient-1-model.svg", drawn(model, { title: "1. The model" })],
    [
      "docs/pictures/gradient-2-loss.svg",
      drawn(judged, { title: "2. With a loss", markMeans: "added: the loss" }, model),
    ],
    [
      "docs/pictures/gradient-3-gradients.svg",
      drawn(differentiated, { title: "3. With gradients", markMeans: "added: the gradients" }, judged),
    ],
  ]);
}

/** Two layers with names, judged by a cross-entropy, and differentiated by their weights: the example of docs/autodiff.md. */
async function workedExample(): Promise<{
  readonly model: Model;
  readonly judged: Model;
  readonly differentiated: Model;
}> {
  const g = graphBuilder({ opset: 17 });
  const layer = (name: string, input: string, from: number, to: number): string => {
    const weight = g.values("float32", filled(from * to), [from, to], `${name}.weight`);
    const bias = g.values("float32", filled(to), [to], `${name}.bias`);
    return g.op(
      "Add",
      [g.op("MatMul", [input, weight], {}, { name: `${name}/product` }), bias],
      {},
      { name: `${name}/bias` },
    );
  };
  const x = g.input("x", "float32", ["N", 4]);
  const hidden = g.op("Tanh", [layer("hidden", x, 4, 8)], {}, { name: "hidden/activation" });
  g.output("logits", layer("classifier", hidden, 8, 3), "float32", ["N", 3]);
  const wrt = ["hidden.weight", "hidden.bias", "classifier.weight", "classifier.bias"];
  const { model, types } = await prepareForGradient(g.model(), wrt, engine);
  const judged = withLoss(model, { loss: { kind: "cross-entropy" }, types });
  const made = gradient(judged.model, { wrt, of: judged.loss, types: await engine.typesOf(judged.model) });
  return { model, judged: judged.model, differentiated: made.model };
}

const filled = (count: number): number[] => Array.from({ length: count }, (_, at) => Math.sin(at + 1));

/** @param before the model whose nodes are not framed */
function drawn(model: Model, options: PictureOptions, before: Model | null = null): string {
  const isMarked = before === null ? () => false : changedNodes(before, model);
  return drawModels([{ model, isMarked }], options).svg;
}
