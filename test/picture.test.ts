// Pictures of whole models, as PyTorch exports them and as other people publish them: every node is drawn, or is said to be left out.
import { nodesOf, type Model } from "@slipway/core/graph";
import { drawModels } from "@slipway/core/picture";
import { expect, test } from "vitest";
import { exportedModel, THIRD_PARTY } from "./passes/sample-models.ts";

const draw = (model: Model, isWhole: boolean): string => drawModels([{ model }], { title: "a model", isWhole }).svg;
const titles = (svg: string): readonly string[] =>
  [...svg.matchAll(/<text class="title" [^>]*>([^<]*)</g)].map(([, text]) => text!);

const MODELS: readonly (readonly [string, () => Model])[] = [
  ...["resnet-18-legacy", "vit-legacy", "gpt-dynamo"].map((name) => [name, () => exportedModel(name).model] as const),
  ...["ocr-recognition", "silero-vad"].map((name) => [name, () => THIRD_PARTY[name]!().model] as const),
];

test.each(MODELS)("%s has every node but those that hold constants, and in short no more", (_, read) => {
  const model = read();
  // Graphs more than three deep inside of others are counted, not drawn.
  const near = Array.from(nodesOf(model.graph.nodes)).filter(({ depth }) => depth <= 3);
  const nodes = near.map(({ node }) => node.opType).filter((opType) => opType !== "Constant");
  expect(titles(draw(model, true)).toSorted()).toEqual(nodes.toSorted());
  expect(titles(draw(model, false)).length).toBeLessThanOrEqual(nodes.length);
});

test("layers of a Transformer are one frame", () => {
  const { model } = exportedModel("gpt-dynamo");
  const short = titles(draw(model, false));
  expect(short.filter((title) => /^2 × the same \d+ nodes$/.test(title))).toHaveLength(1);
  expect(short.filter((title) => title === "Softmax")).toHaveLength(1);
});
