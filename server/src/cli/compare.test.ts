// Comparing two versions as a person does it, against the real platform: the digits model and the same with noise in its
// weights, on the rows that were kept out of training.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { graphBuilder, initializerFromTensor, tensorFromInitializer } from "@slipway/core/graph";
import { bytesFromModel, modelFromBytes } from "@slipway/core/onnx";
import { createRandom, drawNormal } from "@slipway/core/stats";
import { npyFromTensor } from "@slipway/core/tensor";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPlatform } from "../platform.ts";
import { cli } from "./cli.testing.ts";
import { EXITS } from "./exit-codes.ts";

const digits = path.resolve(import.meta.dirname, "../../../examples/digits");
const ROWS = 300;
const rows = ["--data", "digits/test", "--input", "image=images.npy", "--labels", "labels.npy", "--resamples", "300"];
const loadPlatform = async () =>
  createPlatform({ environment: process.env, logTo: { write: () => {}, isTerminal: false } });

let directory: string;
const call = (...arguments_: string[]) =>
  cli([...arguments_, "--data-dir", path.join(directory, "data")], { loadPlatform, workingDirectory: directory });
async function json<Answer>(...arguments_: string[]): Promise<Answer> {
  const { code, out, err } = await call(...arguments_, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as Answer;
}

interface Value {
  readonly value: number | null;
  readonly interval: { readonly lower: number; readonly upper: number } | null;
  readonly method: string;
}
interface Compared {
  readonly kind: string;
  readonly values: Readonly<Record<string, Value>>;
  readonly dataset: { readonly hash: string };
  readonly details: {
    readonly verdict: string;
    readonly outcomes: Readonly<Record<string, number>>;
    readonly against: { readonly name: string; readonly number: number; readonly modelHash: string };
    readonly summary: readonly string[];
  };
}

/** The digits model with noise on its largest weights. */
function noisy(): Uint8Array {
  const model = modelFromBytes(readFileSync(path.join(digits, "model.onnx")));
  const random = createRandom(3);
  const { graph } = model;
  const initializers = graph.initializers.map((initializer) => {
    const { dtype, shape } = initializer;
    if (dtype !== "float32" || shape.length < 2) return initializer;
    const { data } = tensorFromInitializer(initializer);
    const values = Float32Array.from(data as Float32Array, (weight) => weight + 0.06 * drawNormal(random));
    return initializerFromTensor(initializer.name, { dtype, shape, data: values });
  });
  return bytesFromModel({ ...model, graph: { ...graph, initializers } });
}

beforeAll(async () => {
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-compare-"));
  const read = (name: string) => gunzipSync(readFileSync(path.join(digits, name)));
  const pixels = read("held-out-images.idx3-ubyte.gz").subarray(16, 16 + 784 * ROWS);
  const answers = read("held-out-labels.idx1-ubyte.gz").subarray(8, 8 + ROWS);
  const images = Float32Array.from(pixels, (pixel) => pixel / 255);
  const file = (name: string, bytes: Uint8Array) => writeFileSync(path.join(directory, name), bytes);
  file("images.npy", npyFromTensor({ dtype: "float32", shape: [ROWS, 1, 28, 28], data: images }));
  file("labels.npy", npyFromTensor({ dtype: "uint8", shape: [ROWS], data: Uint8Array.from(answers) }));
  file("noisy.onnx", noisy());
  await json("import", "./noisy.onnx", "--name", "digits");
  await json("import", path.join(digits, "model.onnx"), "--name", "digits");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("the better version is called better, by both models' own figures and paired tests", async () => {
  const [first] = await json<Compared[]>("measure", "digits@1", "quality", ...rows);
  const [second] = await json<Compared[]>("measure", "digits@2", "quality", ...rows);
  const found = await json<Compared>("compare", "digits@1", "digits@2", ...rows);
  expect(found).toMatchObject({
    kind: "comparison",
    details: { verdict: "better", against: { name: "digits", number: 1 } },
  });
  expect(found.dataset.hash).toBe(second!.dataset.hash);
  for (const name of ["accuracy", "f1", "auc", "log-loss", "brier"]) {
    const [a, b] = [first!.values[name]!, second!.values[name]!];
    expect(found.values[`${name}.baseline`]).toEqual(a);
    expect(found.values[`${name}.candidate`]).toEqual(b);
    expect(found.values[`${name}.difference`]!.value).toBeCloseTo(b.value! - a.value!, 12);
  }
  const { bothRight, onlyCandidate, onlyBaseline, bothWrong } = found.details.outcomes;
  expect(bothRight! + onlyCandidate! + onlyBaseline! + bothWrong!).toBe(ROWS);
  const { value, interval } = found.values["accuracy.difference"]!;
  expect(value).toBeCloseTo((onlyCandidate! - onlyBaseline!) / ROWS, 12);
  expect(interval!.lower).toBeGreaterThan(0);
  expect(interval!.upper).toBeGreaterThan(value!);
  expect(found.values["accuracy.p"]!.value).toBeLessThan(0.01);
  // It is kept with the candidate alone.
  expect((await json<Compared[]>("measure", "digits@2", "comparison", "--show")).length).toBe(1);
  expect(await json("measure", "digits@1", "comparison", "--show")).toEqual([]);
});

test("the other way round it is worse, said in words, with both side by side", async () => {
  const { out, code } = await call("compare", "digits@2", "digits@1", ...rows);
  expect(code).toBe(0);
  expect(out).toMatch(/^digits@1: Worse than digits@2: accuracy is 0\.\d+ against 0\.\d+, a difference of −0\.\d+/);
  expect(out).toMatch(/FIGURE +DIGITS@2 +DIGITS@1 +DIFFERENCE +INTERVAL +P/);
  expect(out).toMatch(
    /accuracy +0\.\d+ +0\.\d+ +−0\.\d+ +−0\.\d+ to −0\.\d+ +< 0\.0001 +more is better +Newcombe, paired/,
  );
  expect(out).toMatch(/Of 300 rows, both get \d+ right and \d+ wrong; only this version \d+, only digits@2 \d+\./);
  expect(out).toContain("By class, after correction for");
});

test("a policy asks how much may be lost, against which version", async () => {
  const check = async (version: string, line: string) => {
    writeFileSync(path.join(directory, "policy.yaml"), `requirements:\n  - ${line}\n`);
    return await call("policy", "check", version, "--policy", "policy.yaml");
  };
  expect((await check("digits@2", "comparison.accuracy.difference.lower >= -0.01 against digits@1")).code).toBe(0);
  const worse = await check("digits@1", "comparison.accuracy.difference.lower >= -1 % against digits on digits/test");
  expect(worse.code).toBe(EXITS.refused.code);
  expect(worse.out).toContain("short by");
  const other = await check("digits@2", "comparison.accuracy.difference.lower >= -0.01 against digits@7");
  expect(other.out).toContain('"comparison" was not measured against digits@7, but against digits@1.');
  expect(other.out).toContain("slipway compare digits@7 digits@2");
});

test("a regressor's errors are measured and compared where labels are numbers", async () => {
  /** y = slope × x. */
  const linear = (slope: number): Uint8Array => {
    const graph = graphBuilder();
    const x = graph.input("x", "float32", ["N", 1]);
    graph.output("y", graph.op("Mul", [x, graph.values("float32", [slope])]), "float32", ["N", 1]);
    return bytesFromModel(graph.model());
  };
  const file = (name: string, bytes: Uint8Array) => writeFileSync(path.join(directory, name), bytes);
  const random = createRandom(8);
  const x = Float32Array.from({ length: 200 }, () => drawNormal(random));
  const y = Float64Array.from(x, (value) => 2 * value + 0.1 * drawNormal(random));
  file("x.npy", npyFromTensor({ dtype: "float32", shape: [200, 1], data: x }));
  file("y.npy", npyFromTensor({ dtype: "float64", shape: [200], data: y }));
  for (const [slope, name] of [
    [1.5, "./rough.onnx"],
    [2, "./right.onnx"],
  ] as const) {
    file(name, linear(slope));
    await json("import", name, "--name", "line");
  }
  const on = ["--data", "line", "--input", "x=x.npy", "--labels", "y.npy", "--resamples", "200"];
  const [quality] = await json<Compared[]>("measure", "line@2", "quality", ...on, "--quantile", "0.9");
  const errors = Array.from(y, (target, row) => Math.abs(2 * x[row]! - target));
  const mean = errors.reduce((sum, error) => sum + error, 0) / 200;
  expect(quality!.values["mae"]!.value).toBeCloseTo(mean, 6);
  expect(quality!.values["quantile-loss[0.9]"]!.value).toBeGreaterThan(0);
  expect(quality!.values["r2"]!.interval!.lower).toBeGreaterThan(0.99);
  const classes = await call("measure", "line@2", "quality", ...on, "--task", "classification");
  expect(classes.err).toContain('The labels of "line" are numbers, so there are no classes to tell');
  const { out } = await call("compare", "line@1", "line@2", ...on);
  expect(out).toMatch(/^line@2: Better than line@1: mae is 0\.\d+ against 0\.\d+, a difference of −0\.\d+/);
  expect(out).toMatch(/mean-error +[−\d.e-]+ +[−\d.e-]+/);
});

test("what can't be compared is refused, saying why", async () => {
  const same = await call("compare", "digits@2", "digits", ...rows);
  expect(same.err).toContain("digits@2 and digits@2 are the same model with the same processing");
  expect((await call("compare", "digits@1", "digits@2")).err).toContain("compared on labelled rows");
  expect((await call("compare", "digits@1", "digits@9", ...rows)).err).toContain("VERSION_NOT_FOUND");
  expect((await call("compare", "digits@1", "digits@2", ...rows, "--top", "x")).err).toContain("--top 5");
  expect((await call("compare", "digits@1", "digits@2", ...rows, "--slice", "age")).err).toContain('named "age"');
  expect((await call("measure", "digits@2", "comparison")).err).toContain("slipway compare");
});
