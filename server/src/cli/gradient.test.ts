// `slipway gradient` as a person meets it: a file comes out that the engine runs, or it says what was wrong.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DEFAULT_SESSION_SETTINGS } from "@slipway/core/backend";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel, externalizeWeights } from "@slipway/core/onnx";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOnnxRuntimeBackend } from "#runtime";
import { cli } from "./cli.testing.ts";

let directory: string;
const call = (...arguments_: string[]) => cli(["gradient", ...arguments_], { workingDirectory: directory });

function affine() {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", ["N", 2]);
  const product = g.op("MatMul", [x, g.values("float32", [1, 2, 3, 4], [2, 2], "weights")]);
  g.output("y", g.op("Add", [product, g.values("float32", [1, -1], [2], "bias")]), "float32", ["N", 2]);
  return g.model();
}

beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-gradient-"));
  writeFileSync(path.join(directory, "model.onnx"), bytesFromModel(affine()));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function run(
  file: string,
  inputs: Readonly<Record<string, { shape: number[]; values: number[] }>>,
  outputs: string[],
) {
  const model = readFileSync(path.join(directory, file));
  const session = await createOnnxRuntimeBackend().load({ model, externalData: new Map() }, DEFAULT_SESSION_SETTINGS);
  const tensors = Object.entries(inputs).map(([name, { shape, values }]) => {
    return { name, dtype: "float32" as const, shape, data: Float32Array.from(values) };
  });
  const answered = await session.run(tensors, outputs);
  await session.unload();
  return answered.map(({ data }) => Array.from(data as Float32Array));
}

test("the gradient of a loss by every parameter", async () => {
  const { code, out, err } = await call("model.onnx", "--loss", "mean-squared-error", "--out", "step.onnx");
  expect({ code, err }).toEqual({ code: 0, err: "Examining model.onnx …\nDifferentiating …\n" });
  expect(out).toMatch(
    /^step\.onnx, .*: 2 nodes became \d+, in .*\nIt takes target and answers loss\.\nGradients:\n {2}grad_weights {2}by weights\n {2}grad_bias {2}by bias\n$/,
  );
  // y = [2, 1] against [0, 0]: the gradient by y is y.
  const answers = await run(
    "step.onnx",
    { x: { shape: [1, 2], values: [1, 0] }, target: { shape: [1, 2], values: [0, 0] } },
    ["loss", "grad_weights", "grad_bias"],
  );
  expect(answers).toEqual([[2.5], [2, 1, 0, 0], [2, 1]]);
});

test("by inputs, with the gradient by the output sent", async () => {
  const { code, out } = await call("model.onnx", "--wrt", "inputs", "-o", "x.onnx", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    gradients: { x: "grad_x" },
    upstream: { y: "grad_y" },
    detached: [],
    loss: null,
    nodes: { before: 2 },
  });
  const answers = await run(
    "x.onnx",
    { x: { shape: [1, 2], values: [1, 1] }, grad_y: { shape: [1, 2], values: [1, 10] } },
    ["grad_x"],
  );
  expect(answers).toEqual([[21, 43]]);
});

test("by inputs and parameters together", async () => {
  const { code, out } = await call("model.onnx", "--wrt", "inputs", "--wrt", "params", "-o", "all.onnx");
  expect(code).toBe(0);
  expect(out).toMatch(
    /\nIt takes the gradients grad_y by y\.\nGradients:\n {2}grad_x {2}by x\n {2}grad_weights {2}by weights\n {2}grad_bias {2}by bias\n$/,
  );
});

test("by a loss of the user's own", async () => {
  const lossFile = (file: string, reduce: boolean): void => {
    const g = graphBuilder({ opset: 18 });
    const [target, prediction] = ["target", "prediction"].map((name) => g.input(name, "float32", ["N", 2]));
    const off = g.op("Sub", [target!, prediction!]);
    const squares = g.op("Mul", [off, off]);
    g.output("l", reduce ? g.op("ReduceSum", [squares], { keepdims: 0 }) : squares, "float32", reduce ? [] : ["N", 2]);
    writeFileSync(path.join(directory, file), bytesFromModel(g.model()));
  };
  lossFile("sum.onnx", true);
  const { code, out } = await call("model.onnx", "--loss", "sum.onnx", "--out", "own.onnx");
  expect(code).toBe(0);
  expect(out).toMatch(/It takes target and answers loss\./);
  const inputs = { x: { shape: [1, 2], values: [1, 0] }, target: { shape: [1, 2], values: [0, 0] } };
  // y = [2, 1] against [0, 0]: the loss is 5, the gradient by y is 2y.
  expect(await run("own.onnx", inputs, ["loss", "grad_bias"])).toEqual([[5], [4, 2]]);
  lossFile("each.onnx", false);
  const refused = await call("model.onnx", "--loss", "each.onnx", "--out", "own.onnx");
  expect(refused.code).not.toBe(0);
  expect(refused.err).toMatch(/'l' has the shape \[N, 2\]; a loss is one number/);
});

test("norms of the gradients by sample", async () => {
  const { code, out } = await call(
    "model.onnx",
    "--loss",
    "mean-squared-error",
    "--per-sample",
    "norms",
    "-o",
    "norms.onnx",
  );
  expect(code).toBe(0);
  expect(out).toMatch(
    /grad_norm_weights {2}by weights\n.*\ngrad_norm holds the norm of all of them together, by sample/,
  );
  const inputs = { x: { shape: [2, 2], values: [1, 0, 0, 0] }, target: { shape: [2, 2], values: [0, 1, 1, 0] } };
  // y = [2, 1] and [1, -1], against [0, 1] and [1, 0]: the gradients by y are [2, 0] and [0, -1].
  expect(await run("norms.onnx", inputs, ["losses", "grad_norm_bias", "grad_norm_weights"])).toEqual([
    [2, 0.5],
    [2, 1],
    [2, 0],
  ]);
});

test("by sample, where an input that all samples share has an open first axis too", async () => {
  const g = graphBuilder({ opset: 17 });
  const [x, table] = [g.input("x", "float32", ["N", 2]), g.input("table", "float32", ["K", 2])];
  const made = g.op("MatMul", [x, g.values("float32", [1, 2, 3, 4], [2, 2], "w")]);
  g.output("y", g.op("MatMul", [made, g.op("Transpose", [table], { perm: [1, 0] })]), "float32", ["N", "K"]);
  writeFileSync(path.join(directory, "shared.onnx"), bytesFromModel(g.model()));
  const norms = ["shared.onnx", "--loss", "mean-squared-error", "--per-sample", "norms", "-o", "o.onnx"];
  expect(await call(...norms)).toMatchObject({ err: expect.stringContaining("mixes the samples") as string });
  expect(await call(...norms, "--samples", "tabel")).toMatchObject({
    err: expect.stringMatching(/no input 'tabel' to carry samples.*Did you mean 'table'/) as string,
  });
  expect(await call(...norms, "--samples", "x")).toMatchObject({ code: 0 });
  const inputs = {
    x: { shape: [1, 2], values: [0, 1] },
    table: { shape: [3, 2], values: [1, 0, 0, 1, 1, 1] },
    target: { shape: [1, 3], values: [3, 4, 4] },
  };
  expect(await run("o.onnx", inputs, ["losses", "grad_norm"])).toEqual([[3], [Math.fround(Math.sqrt(8))]]);
});

test("a parameter that nothing depends on is said to have no gradient, and one that is NaN is refused", async () => {
  const write = (file: string, weights: readonly number[]): void => {
    const g = graphBuilder({ opset: 17 });
    const ids = g.values("int64", [1, 0], [2], "order");
    g.values("float32", [1, 2], [2], "unused");
    const picked = g.op("Gather", [g.input("x", "float32", ["N", 2]), ids], { axis: 1 });
    g.output("y", g.op("Mul", [picked, g.values("float32", weights, [2], "scale")]), "float32", ["N", 2]);
    writeFileSync(path.join(directory, file), bytesFromModel(g.model()));
  };
  write("more.onnx", [1, 2]);
  const zero = await call("more.onnx", "--wrt", "unused", "--wrt", "scale", "--loss", "huber", "--out", "zero.onnx");
  expect(zero).toMatchObject({
    code: 0,
    out: expect.stringContaining("depends on unused: the gradient is zero") as string,
  });
  write("broken.onnx", [1, Number.NaN]);
  const broken = await call("broken.onnx", "--out", "a.onnx");
  expect(broken).toMatchObject({ err: expect.stringContaining("'scale' holds NaN as its element 1 of 2") as string });
});

test("weights in a file beside the model stay there, and the new model has to as well", async () => {
  const external = externalizeWeights(affine(), { location: "weights.bin", minimumBytes: 1 });
  const folder = path.join(directory, "external");
  mkdirSync(folder);
  writeFileSync(path.join(folder, "model.onnx"), bytesFromModel(external.model));
  writeFileSync(path.join(folder, "weights.bin"), Buffer.concat([...external.chunks()]));
  const beside = await call("./external", "--wrt", "inputs", "--out", "external/gradient.onnx");
  expect(beside).toMatchObject({ code: 0 });
  const elsewhere = await call("./external", "--wrt", "inputs", "--out", "gradient.onnx");
  expect(elsewhere).toMatchObject({ code: 2, err: expect.stringContaining("weights.bin") as string });
  const over = await call("./external", "--wrt", "inputs", "--out", "external/weights.bin");
  expect(over).toMatchObject({ code: 2, err: expect.stringContaining("weights.bin holds weights") as string });
});

test.each([
  ["no file to write", ["model.onnx"], /--out is missing/],
  ["a value there is not", ["model.onnx", "--wrt", "z", "--out", "a.onnx"], /no value 'z'/],
  [
    "a parameter of another loss",
    ["model.onnx", "--loss", "huber", "--label-smoothing", "0.1", "--out", "a.onnx"],
    /belongs to --loss cross-entropy/,
  ],
  ["a loss there is not", ["model.onnx", "--loss", "hinge", "--out", "a.onnx"], /no loss 'hinge'.*cross-entropy/],
  ["samples without a loss", ["model.onnx", "--per-sample", "norms", "--out", "a.onnx"], /--per-sample needs --loss/],
  [
    "which inputs carry samples that are not told apart",
    ["model.onnx", "--loss", "huber", "--samples", "x", "--out", "a.onnx"],
    /--samples needs --per-sample/,
  ],
  ["a file there is not", ["none.onnx", "--out", "a.onnx"], /no such file/],
  [
    "a directory to write to that is not there",
    ["model.onnx", "--out", "no/where.onnx"],
    / no\/where\.onnx can't be written: there is no such directory/,
  ],
  ["an output without a loss", ["model.onnx", "--output", "y", "--out", "a.onnx"], /--output needs --loss/],
  [
    "an axis of classes where there are none",
    ["model.onnx", "--loss", "huber", "--class-axis", "0", "--out", "a.onnx"],
    /--class-axis belongs to --loss cross-entropy/,
  ],
  [
    "a part of an axis",
    ["model.onnx", "--loss", "cross-entropy", "--class-axis", "0.5", "--out", "a.onnx"],
    /--class-axis is "0\.5"; it must be a whole number from -8 to 8/,
  ],
])("%s is refused", async (_says, arguments_, message) => {
  const { code, err } = await call(...arguments_);
  expect(code).not.toBe(0);
  expect(err).toMatch(message);
});
