// Models whose weights lie in other files: they travel with the model, and nothing else of the machine does.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { createPlatform } from "../platform.ts";
import { cli } from "./cli.testing.ts";
import { modelSource, scanFile } from "./model-files.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-files-"));
  mkdirSync(path.join(directory, "weights"));
  writeFileSync(path.join(directory, "weights", "w.bin"), new Uint8Array(Float32Array.of(0, 10, 20).buffer));
  writeFileSync(path.join(directory, "secret"), "12345678");
  symlinkSync("secret", path.join(directory, "link"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** `y = x + w`, with the two elements of `w` in another file. */
function modelAt(name: string, location: string, offset = 0): string {
  const graph = graphBuilder();
  const x = graph.input("x", "float32", ["N", 2]);
  const w = graph.initializer({
    kind: "initializer",
    name: "w",
    dtype: "float32",
    shape: [2],
    data: { kind: "external", reference: { location, offset, length: 8, checksum: null, others: new Map() } },
    docString: "",
    metadata: new Map(),
    extra: [],
  });
  graph.output("y", graph.op("Add", [x, w]), "float32", ["N", 2]);
  const file = path.join(directory, name);
  writeFileSync(file, bytesFromModel(graph.model()));
  return file;
}

function run(...arguments_: string[]) {
  const logTo = { write: () => {}, isTerminal: false };
  const loadPlatform = async () => createPlatform({ environment: process.env, logTo });
  return cli(arguments_, { loadPlatform, workingDirectory: directory });
}

test("weights beside the model are found, sent and used", async () => {
  const file = modelAt("beside.onnx", "weights/w.bin", 4);
  expect((await scanFile(file)).externalFiles).toMatchObject([{ location: "weights/w.bin", minimumBytes: 12 }]);
  const { code, out } = await run("infer", file, "-i", "x=[[1, 2], [3, 4]]", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({
    outputs: [{ name: "y", dtype: "float32", shape: [2, 2], data: [11, 22, 13, 24] }],
  });
});

describe("a model may not reach elsewhere", () => {
  test.each([
    ["../etc/passwd", "MODEL_UNSAFE"],
    ["/etc/passwd", "MODEL_UNSAFE"],
    ["link", "MODEL_UNSAFE"],
    ["missing.bin", "FILE_UNREADABLE"],
  ])("%s", async (location, code) => {
    const file = modelAt("elsewhere.onnx", location);
    const { err, out } = await run("infer", file, "-i", "x=[[1, 2]]", "--json");
    // Progress is silent with --json: the error is the only line.
    expect(JSON.parse(err)).toMatchObject({ code });
    expect(out).toBe("");
  });
});

describe("a directory stands for its model", () => {
  test("with the processing beside it, unless another is named", () => {
    const models = path.join(directory, "digits");
    mkdirSync(models);
    writeFileSync(path.join(models, "model.onnx"), "");
    expect(modelSource(directory, "digits", undefined).processingFile).toBeNull();
    writeFileSync(path.join(models, "processing.json"), "{}");
    expect(modelSource(directory, "digits", undefined)).toEqual({
      file: path.join(models, "model.onnx"),
      processingFile: path.join(models, "processing.json"),
    });
    expect(modelSource(directory, "digits", "other.json").processingFile).toBe(path.join(directory, "other.json"));
  });
  test("one without a model says so", () => {
    expect(() => modelSource(directory, "weights", undefined)).toThrow("The directory weights has no model.onnx.");
  });
});
