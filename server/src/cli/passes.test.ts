// `slipway passes` as a person meets it: what there is, what each pass did, and that answers stay what they were.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { byteSourceFromBytes, graphBuilder } from "@slipway/core/graph";
import { bytesFromModel, modelFromBytes } from "@slipway/core/onnx";
import { MODEL_PROPERTIES, PASSES } from "@slipway/core/passes";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli } from "./cli.testing.ts";

let directory: string;
const call = (...arguments_: string[]) => cli(["passes", ...arguments_], { workingDirectory: directory });

beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-passes-"));
  const g = graphBuilder({ opset: 11 });
  const x = g.input("x", "float32", ["N", 2]);
  const bias = g.op("Constant", [], { value: { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) } });
  const twice = g.op("Add", [bias, bias]);
  g.output("y", g.op("Squeeze", [g.op("Unsqueeze", [g.op("Add", [x, twice])], { axes: [1] })], { axes: [1] }));
  writeFileSync(path.join(directory, "model.onnx"), bytesFromModel(g.model()));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const readBack = (file: string) => modelFromBytes(byteSourceFromBytes(readFileSync(path.join(directory, file))));

test("lists the passes there are, with what they ask for and promise", async () => {
  const { code, out } = await call();
  expect(code).toBe(0);
  for (const { name, does, requires, ensures } of Object.values(PASSES)) {
    expect(out).toContain(`${name}\n  ${does}`);
    for (const property of [...requires, ...ensures]) expect(out).toContain(MODEL_PROPERTIES[property].means);
  }
  const asJson = JSON.parse((await call("--json")).out) as { passes: { name: string }[] };
  expect(asJson.passes.map(({ name }) => name)).toEqual(Object.keys(PASSES));
});

test("runs passes, says what each did, and compares the answers", async () => {
  const { code, out, err } = await call(
    "model.onnx",
    "--run",
    "upgrade-opset,constants-to-initializers,fold-constants",
    "--check",
    "2",
    "--out",
    "new.onnx",
  );
  expect({ code, err }).toEqual({ code: 0, err: "Examining model.onnx …\nRunning 3 passes …\n" });
  expect(out).toMatch(/^PASS +CHANGED +TOOK +NODES +WHAT\nupgrade-opset +yes +.* 5 → 5 .*ai\.onnx 11 → 21/);
  expect(out).toMatch(/\nconstants-to-initializers +yes .* 5 → 4 +−1 Constant, \+1 stored tensors\n/);
  expect(out).toMatch(/\nfold-constants +yes .* 4 → 3 +−1 Add, /);
  expect(out).toMatch(/Output y is the same to the last bit\.\nnew\.onnx, .*B\.\n$/);
  expect(readBack("new.onnx").graph.nodes.map(({ opType }) => opType)).toEqual(["Add", "Unsqueeze", "Squeeze"]);
});

test("says that a later operator set is not lowered", async () => {
  const { code, out } = await call("model.onnx", "--run", "upgrade-opset", "--opset", "9");
  expect(code).toBe(0);
  expect(out).toMatch(
    /\nupgrade-opset +no +.* 5 → 5 +The model is of operator set 11 already, which can't be lowered to 9\.\n/,
  );
});

test("pins and opens axes by name", async () => {
  const pinned = await call("model.onnx", "--run", "pin-shapes", "--set", "N=3", "--out", "pinned.onnx");
  expect(pinned.out).toMatch(/pin-shapes +yes .* x: float32\[N, 2\] → float32\[3, 2\]/);
  const opened = await call(
    "pinned.onnx",
    "--run",
    "symbolise-batch",
    "--batch",
    "rows",
    "--check",
    "1",
    "--out",
    "o.onnx",
  );
  expect(opened.out).toMatch(/x: float32\[3, 2\] → float32\[rows, 2\]/);
  expect(opened.out).toMatch(/Output y is the same to the last bit/);
  expect(readBack("o.onnx").graph.inputs[0]!.type).toMatchObject({ shape: ["rows", 2] });
});

test.each([
  ["no passes", ["model.onnx"], /--run is missing/],
  ["a comma too many", ["model.onnx", "--run", "upgrade-opset,"], /leaves a name out/],
  ["a pass there is not", ["model.onnx", "--run", "fold-constant"], /no pass 'fold-constant'.*'fold-constants'/],
  [
    "a setting of another pass",
    ["model.onnx", "--run", "fold-constants", "--opset", "15"],
    /--opset is a setting of the pass 'upgrade-opset', which --run does not name/,
  ],
  [
    "a setting of a pass whose name is wrong",
    ["model.onnx", "--run", "pin-shape", "--set", "N=4"],
    /no pass 'pin-shape'.*'pin-shapes'/,
  ],
  [
    "a tensor to keep that there is not",
    ["model.onnx", "--run", "fold-constants", "--keep", "nothing"],
    /no value 'nothing' to keep/,
  ],
  ["a seed for nothing", ["model.onnx", "--run", "fold-constants", "--seed", "2"], /--seed .* --check .*give both/],
  [
    "half a check",
    ["model.onnx", "--run", "fold-constants", "--check", "0.5"],
    /must be a whole number from 0 to 1000/,
  ],
  ["passes over no model", ["--run", "fold-constants"], /--run is about a model, and none is named/],
  ["an operator set too late", ["model.onnx", "--run", "upgrade-opset", "--opset", "99"], /at most 21/],
  ["a length that is none", ["model.onnx", "--run", "pin-shapes", "--set", "N=many"], /--set is "N=many"/],
  ["a pass whose needs are not met", ["model.onnx", "--run", "unroll-recurrent"], /Run 'upgrade-opset' before it/],
  ["a file there is not", ["none.onnx", "--run", "fold-constants"], /no such file/],
])("%s is refused", async (_says, arguments_, message) => {
  const { code, err } = await call(...arguments_);
  expect(code).not.toBe(0);
  expect(err).toMatch(message);
});
