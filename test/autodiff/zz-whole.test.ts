import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { byteSourceFromBytes } from "@slipway/core/graph";
import { modelFromBytes } from "@slipway/core/onnx";
import { it } from "vitest";
import { tensorOf } from "./gradient-check.ts";
import { checkSampleGradients } from "./sample-gradient-check.ts";
const FOLDER = path.resolve(import.meta.dirname, "../goldens/gradients");
const NAMES = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".onnx"))
  .map((file) => file.slice(0, -5));
it.each(NAMES)("%s", async (name) => {
  const facts = JSON.parse(readFileSync(path.join(FOLDER, `${name}.json`), "utf8")) as any;
  const read = modelFromBytes(byteSourceFromBytes(readFileSync(path.join(FOLDER, `${name}.onnx`))));
  const feeds = Object.fromEntries(
    Object.entries(facts.inputs).map(([input, { shape, dtype, values }]: any) => [
      input,
      tensorOf(dtype, values, shape),
    ]),
  );
  const wrt = facts.parameters.map((one: any) => one.name);
  console.log(name, JSON.stringify(read.graph.inputs.map((i: any) => [i.name, i.type.shape])));
  const made = await checkSampleGradients({
    model: read,
    wrt,
    loss: { kind: "cross-entropy" },
    axis: facts.axis,
    feeds,
    target: tensorOf("int64", facts.labels.values, facts.labels.shape),
  });
  console.log(name, "looped", made.norms.looped.length, "of", wrt.length, made.norms.looped.slice(0, 4).join());
});
