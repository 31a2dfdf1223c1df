import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { examineCompute, examineInProcess, type ExamineOptions, fileSizesOf } from "./index.ts";
import { createOnnxRuntimeBackend, type ModelFiles, systemClock } from "#runtime";
import { createFunction, createNode, graphBuilder } from "@slipway/core/graph";
import { bytesFromModel, externalizeWeights } from "@slipway/core/onnx";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { endlessAlways } from "../../../../../test/support/hostile-graphs.ts";

const OFFSET = 100;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "slipway-examine-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function store(name: string, bytes: Uint8Array): Promise<ModelFiles["model"]> {
  const file = path.join(directory, name);
  await writeFile(file, Buffer.concat([Buffer.alloc(OFFSET, 7), bytes]));
  return { name, path: file, offset: OFFSET, sizeBytes: bytes.byteLength };
}

const alone = async (name: string, bytes: Uint8Array): Promise<ModelFiles> => ({
  model: await store(name, bytes),
  externalData: [],
});

const WEIGHTS = Float32Array.from({ length: 64 * 128 }, (_, index) => Math.sin(index));

function perceptron() {
  const graph = graphBuilder({ opset: 17 });
  const x = graph.input("x", "float32", ["N", 64]);
  const wide = graph.op("MatMul", [x, graph.constant({ dtype: "float32", shape: [64, 128], data: WEIGHTS }, "up")]);
  const rectified = graph.op("Relu", [wide]);
  const twin = graph.constant({ dtype: "float32", shape: [64, 128], data: Float32Array.from(WEIGHTS) }, "twin");
  const narrow = graph.op("Gemm", [rectified, twin], { transB: 1 });
  graph.output("y", graph.op("Reshape", [narrow, graph.values("int64", [0, 8, 8], [3], "shape")]), "float32");
  return graph.model();
}

const options = (files: ModelFiles, more: Partial<ExamineOptions> = {}): ExamineOptions => ({
  files,
  inputs: { symbols: { N: 2 }, inputs: {} },
  findDuplicates: true,
  clock: systemClock,
  ...more,
});

describe("in a contained process", () => {
  test("finds what is found here, with weights in another file as well", async () => {
    const model = perceptron();
    const question = { model, inputs: { symbols: { N: 2 }, inputs: {} }, findDuplicates: true };
    const here = await examineCompute(createOnnxRuntimeBackend(), question);
    expect(here.cost.macs).toBe(2 * 2 * 64 * 128);
    expect(here.duplicates).toEqual([{ name: "twin", same: "up", sizeBytes: 4 * 64 * 128 }]);
    // The input, the wide layer and its copy.
    expect(here.activations.peakBytes).toBe(4 * (2 * 64 + 2 * 2 * 128));
    expect(here.parameters).toMatchObject({ count: 2 * 64 * 128 + 3, externalBytes: 0 });
    expect(here.summary[0]).toContain("32.8 k multiply-accumulates");
    const there = await examineInProcess(options(await alone("whole.onnx", bytesFromModel(model))));
    expect(there).toEqual(JSON.parse(JSON.stringify(here)));
    const moved = externalizeWeights(model, { location: "weights.bin", minimumBytes: 0 });
    const files: ModelFiles = {
      model: await store("apart.onnx", bytesFromModel(moved.model)),
      externalData: [await store("weights.bin", Buffer.concat([...moved.chunks()]))],
    };
    const apart = await examineInProcess(options(files));
    expect(apart).toEqual({ ...there, parameters: { ...there.parameters, externalBytes: there.parameters.sizeBytes } });
    await expect(examineInProcess(options({ ...files, externalData: [] }))).rejects.toMatchObject({
      code: "MODEL_UNSAFE",
    });
  });

  test("what is refused there is refused here, by its code", async () => {
    const files = await alone("broken.onnx", Buffer.alloc(1000, 0xff));
    await expect(examineInProcess(options(files))).rejects.toMatchObject({ code: "MODEL_MALFORMED" });
    const open = options(await alone("open.onnx", bytesFromModel(perceptron())), {
      inputs: { symbols: {}, inputs: {} },
    });
    await expect(examineInProcess(open)).rejects.toMatchObject({ code: "INPUT_SHAPE_MISMATCH" });
    const missing = { name: "gone.onnx", path: path.join(directory, "gone.onnx"), offset: 0, sizeBytes: 1 };
    const gone = options({ model: missing, externalData: [] });
    await expect(examineInProcess(gone)).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
  });

  test("a model that runs without end is ended", async () => {
    const files = await alone("endless.onnx", bytesFromModel(endlessAlways()));
    const endless = examineInProcess(options(files, { timeoutMs: 4_000 }));
    await expect(endless).rejects.toMatchObject({
      code: "MODEL_LOAD_TIMEOUT",
      message: expect.stringContaining("4000 ms"),
    });
  });

  test("it can be given up, and a process that says nothing is the model's refusal", async () => {
    const files = await alone("given-up.onnx", bytesFromModel(perceptron()));
    const run = (script: string) => async () =>
      spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "ignore"] });
    const abort = new AbortController();
    const waiting = examineInProcess(
      options(files, { signal: abort.signal, start: run("setInterval(() => undefined, 1000)") }),
    );
    setTimeout(() => abort.abort(), 50);
    await expect(waiting).rejects.toMatchObject({ code: "REQUEST_CANCELLED" });
    const silent = examineInProcess(options(files, { start: run("process.abort()") }));
    await expect(silent).rejects.toMatchObject({
      code: "MODEL_TOO_LARGE",
      message: expect.stringMatching(/want of memory/),
    });
  });
});

describe("file sizes", () => {
  test("are those of the payloads, and of gzip at level 6", async () => {
    const bytes = Buffer.from(WEIGHTS.buffer);
    const files: ModelFiles = {
      model: await store("a", bytes),
      externalData: [await store("b", Buffer.alloc(3_000_000)), await store("c", Buffer.alloc(0))],
    };
    const zipped = [bytes, Buffer.alloc(3_000_000), Buffer.alloc(0)].map(
      (part) => gzipSync(part, { level: 6 }).byteLength,
    );
    expect(await fileSizesOf(files)).toEqual({
      files: [
        { name: "a", sizeBytes: bytes.byteLength, gzipBytes: zipped[0] },
        { name: "b", sizeBytes: 3_000_000, gzipBytes: zipped[1] },
        { name: "c", sizeBytes: 0, gzipBytes: zipped[2] },
      ],
      sizeBytes: bytes.byteLength + 3_000_000,
      gzipBytes: zipped[0]! + zipped[1]! + zipped[2]!,
    });
  });

  test("a file that is short or gone is said to be", async () => {
    const whole = await store("short", Buffer.alloc(10));
    const short = { model: { ...whole, sizeBytes: 20 }, externalData: [] };
    await expect(fileSizesOf(short)).rejects.toMatchObject({
      code: "BLOB_CORRUPT",
      message: expect.stringContaining("after 10 bytes"),
    });
    const gone = { model: { ...whole, path: `${whole.path}-gone` }, externalData: [] };
    await expect(fileSizesOf(gone)).rejects.toMatchObject({
      code: "BLOB_NOT_FOUND",
      message: expect.stringContaining("ENOENT"),
    });
  });
});

test("a model's own functions are counted by what they hold", async () => {
  const squared = createFunction({
    name: "Squared",
    domain: "own",
    inputs: ["x"],
    outputs: ["y"],
    opsets: new Map([["", 17]]),
    nodes: [createNode({ opType: "MatMul", inputs: ["x", "x"], outputs: ["y"] })],
  });
  const graph = graphBuilder({ opset: 17, opsets: { own: 1 }, functions: [squared] });
  const x = graph.input("x", "float32", ["N", "N"]);
  graph.output("y", graph.op("Squared", [x], {}, { domain: "own", name: "call" }), "float32", ["N", "N"]);
  const question = { model: graph.model(), inputs: { symbols: { N: 8 }, inputs: {} }, findDuplicates: false };
  const { cost, values } = await examineCompute(createOnnxRuntimeBackend(), question);
  expect([cost.macs, cost.unknownOperators]).toEqual([512, []]);
  expect(cost.nodes.map(({ place }) => place)).toEqual(["MatMul node 'call/MatMul'"]);
  expect(values).toContainEqual({ name: "y", dtype: "float32", dims: [8, 8] });
});
