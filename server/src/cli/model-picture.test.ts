// `slipway inspect --graph` as a person meets it: where the picture goes, of what it is, and what is refused.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli } from "./cli.testing.ts";

let directory: string;
const call = (...arguments_: string[]) => cli(["inspect", ...arguments_], { workingDirectory: directory });

beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-picture-"));
  for (const [file, opType] of [
    ["one.onnx", "Relu"],
    ["other.onnx", "Tanh"],
  ] as const) {
    const g = graphBuilder({ opset: 17 });
    const x = g.input("x", "float32", ["N", 2]);
    g.output("y", g.op(opType, [g.op("Exp", [x])]), "float32", ["N", 2]);
    writeFileSync(path.join(directory, file), bytesFromModel(g.model()));
  }
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const readBack = (file: string) => readFileSync(path.join(directory, file), "utf8");

test("writes a picture to a file, and says so", async () => {
  const { code, out, err } = await call("one.onnx", "--graph", "-o", "one.svg");
  expect({ code, err }).toEqual({ code: 0, err: "Drawing …\n" });
  const svg = readBack("one.svg");
  const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!;
  expect(out).toBe(`one.svg: a picture of ${width} × ${height} pixels, for any browser.\n`);
  expect(svg).toContain(">one.onnx</text>");
  expect(svg).toContain(">2 nodes, operator set 17</text>");
  const { out: json } = await call("one.onnx", "--graph", "-o", "one.svg", "--json");
  expect(JSON.parse(json)).toEqual({
    file: path.join(directory, "one.svg"),
    width: Number(width),
    height: Number(height),
  });
});

test("writes it to standard output where no file is named", async () => {
  await call("one.onnx", "--graph", "-o", "same.svg");
  expect((await call("one.onnx", "--graph")).out).toBe(readBack("same.svg"));
});

test("draws two models side by side, and frames what differs", async () => {
  const { code } = await call("one.onnx", "--graph", "--beside", "other.onnx", "-o", "both.svg");
  expect(code).toBe(0);
  const svg = readBack("both.svg");
  for (const text of ["one.onnx: 2 nodes", "other.onnx: 2 nodes", "Relu", "Tanh", "differs"])
    expect(svg).toContain(`>${text}</text>`);
  expect(svg.match(/class="box activation marked"/g)).toHaveLength(2);
});

test("draws a part, in the direction and colours that are asked for", async () => {
  const { code } = await call(
    ..."one.onnx --graph --around y --steps 0 --direction right --theme dark -o part.svg".split(" "),
  );
  expect(code).toBe(0);
  const svg = readBack("part.svg");
  expect(svg).toContain(">Relu</text>");
  expect(svg).not.toContain(">Exp</text>");
  expect(svg).not.toContain("prefers-color-scheme");
});

test("refuses a graph that leads in a circle", async () => {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", [2]);
  const y = g.op("Add", [x, "z"], {}, { outputs: ["y"] });
  g.op("Neg", [y], {}, { outputs: ["z"] });
  g.output("y", "y", "float32", [2]);
  writeFileSync(path.join(directory, "circle.onnx"), bytesFromModel(g.model()));
  const { code, err } = await call("circle.onnx", "--graph");
  expect(code).toBe(6);
  expect(err).toContain("MODEL_INVALID The graph has a cycle");
});

test.each([
  ["one.onnx --whole", "USAGE --whole is about a picture of the graph; say --graph too."],
  ["one.onnx --graph --steps 3", "USAGE --steps says how far --around reaches; give both."],
  ["one.onnx --graph --around z", "PARAMETER_INVALID No node or value of the graph is named 'z'."],
  [
    "one.onnx --graph -o no/such/one.svg",
    "FILE_UNREADABLE no/such/one.svg can't be written: there is no such directory.",
  ],
  ["no.onnx --graph", "FILE_UNREADABLE no.onnx can't be read: there is no such file."],
])("refuses %s", async (line, message) => {
  const { code, err } = await call(...line.split(" "));
  expect(code).not.toBe(0);
  expect(err).toContain(message);
});
