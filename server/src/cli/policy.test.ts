// Measuring, policies and the gate as a person meets them, against the real platform with the server stopped: the same
// operations as with it running.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { npyFromTensor, type Tensor } from "@slipway/core/tensor";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPlatform } from "../platform.ts";
import { cli } from "./cli.testing.ts";
import { EXITS } from "./exit-codes.ts";

const digits = path.resolve(import.meta.dirname, "../../../examples/digits");
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

/** Digits that were kept out of training, as the model takes them. */
function heldOut(count: number): { images: Tensor; labels: Tensor } {
  const read = (name: string) => gunzipSync(readFileSync(path.join(digits, name)));
  const pixels = read("held-out-images.idx3-ubyte.gz").subarray(16);
  const answers = read("held-out-labels.idx1-ubyte.gz").subarray(8);
  const image = Float32Array.from(pixels.subarray(0, 784 * count), (pixel) => pixel / 255);
  return {
    images: { dtype: "float32", shape: [count, 1, 28, 28], data: image },
    labels: { dtype: "uint8", shape: [count], data: Uint8Array.from(answers.subarray(0, count)) },
  };
}

beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-policy-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("without a policy an endpoint is ungated, and says so", async () => {
  await json("import", digits, "--name", "digits");
  expect((await call("policy", "list")).out).toContain("every endpoint is ungated");
  expect((await call("policy", "check", "digits")).out).toContain("digits@1 is ungated");
  expect((await call("deploy", "digits@1")).out).toContain("Ungated: no launch policy");
});

test("a policy is set from a file, and refused where it can't be read, naming the line", async () => {
  const file = (name: string, text: string) => writeFileSync(path.join(directory, name), text);
  file("bad.yaml", "requirements:\n  - size is small\n");
  const bad = await call("policy", "set", "digits", "bad.yaml");
  expect(bad.err).toContain('"size is small" can\'t be read: "is small" should be one of >=, >, <=, <');
  expect(bad.code).toBe(EXITS.invalid.code);
  file("odd.yaml", "requirement: size <= 1 B\n");
  expect((await call("policy", "set", "digits", "odd.yaml")).err).toContain('has "requirement", which is no part');
  expect((await call("policy", "set", "digits", "none.yaml")).code).toBe(EXITS.usage.code);
  file("policy.yaml", "requirements:\n  - size <= 100 kB\n  - size.parameters <= 50000\n  - fresh within 30d\n");
  expect(await json("policy", "set", "digits", "policy.yaml", "--reason", "agreed")).toMatchObject({
    endpoint: "digits",
    requirements: ["size <= 100 kB", "size.parameters <= 50000", "fresh within 30d"],
  });
});

test("what was not measured is unknown and does not pass; what was live stays", async () => {
  const checked = await call("policy", "check", "digits");
  expect(checked.code).toBe(EXITS.refused.code);
  expect(checked.out).toContain("UNKNOWN  size <= 100 kB");
  expect(checked.out).toContain("slipway measure digits@1 size");
  await json("import", path.join(digits, "model.onnx"), "--name", "digits");
  const refused = await call("deploy", "digits@2", "--breaking");
  expect(refused.code).toBe(EXITS.refused.code);
  expect(refused.err).toMatch(/GATE_REFUSED[\s\S]*size <= 100 kB: unknown\. "size" was not measured/);
  const { endpoints } = await json<{ endpoints: { live: { number: number } }[] }>("status");
  expect(endpoints[0]!.live.number).toBe(1);
});

test("measuring says what is known, and one requirement fails by so much", async () => {
  const [evidence] = await json<{ kind: string; values: Record<string, { value: number }>; hash: string }[]>(
    "measure",
    "digits@2",
    "size",
  );
  expect(evidence!.values["parameters"]!.value).toBe(34_570);
  expect(evidence!.values["gzip"]!.value).toBeLessThan(evidence!.values["file"]!.value);
  expect(await json("measure", "digits@2", "--show")).toEqual([evidence]);
  const shown = await call("measure", "digits@2", "--show");
  expect(shown.out).toMatch(/size\.parameters +34 570/);
  expect(shown.out).toContain(`Evidence ${evidence!.hash.slice(0, 12)}.`);
  const refused = await call("deploy", "digits@2", "--breaking");
  expect(refused.err).toMatch(/1 of 2 requirements are not met/);
  expect(refused.err).toMatch(/size <= 100 kB: no\. size\.file is [\d.]+ kB: over by [\d.]+ kB/);
});

test("what a run computes is counted at the shapes that are asked for", async () => {
  interface Counted {
    readonly values: Record<string, { value: number | null; unit: string }>;
    readonly settings: { inputs: Record<string, number[]> };
    readonly details: { summary: string[] };
  }
  const [one] = await json<Counted[]>("measure", "digits@1", "compute");
  const [four] = await json<Counted[]>("measure", "digits@1", "compute", "--axis", "N=4");
  const [same] = await json<Counted[]>("measure", "digits@1", "compute", "--shape", "image=4,1,28,28");
  expect(one!.settings.inputs).toEqual({ image: [1, 1, 28, 28] });
  expect(same!.values).toEqual(four!.values);
  expect(one!.values["macs"]).toMatchObject({ unit: "MAC", value: expect.any(Number) });
  expect(four!.values["macs"]!.value).toBe(4 * one!.values["macs"]!.value!);
  expect(one!.values["flops"]!.value).toBeGreaterThan(2 * one!.values["macs"]!.value!);
  expect(one!.details.summary.join(" ")).toMatch(/Conv/);
  expect((await call("measure", "digits@1", "--show")).out).toContain("One run takes");
  const wrong = await call("measure", "digits@1", "compute", "--axis", "M=4");
  expect(wrong.err).toMatch(/PARAMETER_INVALID The model has no axis "M"/);
  expect((await call("measure", "digits@1", "compute", "--axis", "N")).err).toContain("write it as --axis batch=1");
});

test("latency and throughput are measured of the real model, and a policy asks for them on this machine", async () => {
  interface Timed {
    readonly kind: string;
    readonly values: Record<string, { value: number; unit: string }>;
    readonly details: { front?: string[]; reference: { loadAverage: number } };
    readonly machine: object | null;
  }
  const short = ["--seconds", "0.2", "--loads", "2"];
  const [timed] = await json<Timed[]>("measure", "digits@1", "latency", ...short, "--batch", "2");
  expect(timed!.machine).not.toBeNull();
  expect(timed!.values["p50"]!.value).toBeGreaterThan(0);
  expect(timed!.values["p99[batch=2]"]!.value).toBeGreaterThanOrEqual(timed!.values["p50[batch=2]"]!.value);
  const flags = [...short, "--clients", "1,2", "--through", "server", "--offered", "0.3"];
  const [loaded] = await json<Timed[]>("measure", "digits@1", "throughput", ...flags);
  expect(Object.keys(loaded!.values)).toEqual(expect.arrayContaining(["rate", "rate[clients=2]", "p99[offered=0.3]"]));
  expect(loaded!.values["rate"]!.unit).toBe("/s");
  expect(loaded!.details.front!.length).toBeGreaterThan(0);
  expect(loaded!.details.reference.loadAverage).toBeGreaterThanOrEqual(0);
  writeFileSync(
    path.join(directory, "timed.yaml"),
    'requirements:\n  - "latency.p99 <= 1h on this machine"\n  - "throughput.rate >= 0.001/s"\n',
  );
  const checked = await call("policy", "check", "digits@1", "--policy", "timed.yaml");
  expect(checked.out).toContain("It passes: 2 of 2 requirements are met.");
  expect((await call("measure", "digits@1", "size", "--batch", "2")).err).toContain(
    "--batch is for latency and throughput",
  );
  expect((await call("measure", "digits@1", "latency", "--batch", "two")).err).toContain("write it as --batch 1,4,16");
});

test("quality is measured on labelled rows, with intervals, and opens or closes the gate", async () => {
  const { images, labels } = heldOut(500);
  writeFileSync(path.join(directory, "images.npy"), npyFromTensor(images));
  writeFileSync(path.join(directory, "labels.npy"), npyFromTensor(labels));
  const rows = ["--data", "digits/test", "--input", "image=images.npy", "--labels", "labels.npy"];
  interface Quality {
    readonly values: Record<
      string,
      { value: number; interval: { lower: number; upper: number } | null; count: number }
    >;
    readonly dataset: { name: string; split: string };
    readonly details: { confusion: number[] };
  }
  const [quality] = await json<Quality[]>("measure", "digits@1", "quality", ...rows);
  const { accuracy, auc } = quality!.values;
  expect(accuracy!.value).toBeGreaterThan(0.97);
  // Wilson's interval, from its formula.
  const [n, p, z] = [500, accuracy!.value, 1.959963984540054];
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  expect(accuracy!.interval!.lower).toBeCloseTo(centre - half, 12);
  expect(accuracy!.interval!.upper).toBeCloseTo(centre + half, 12);
  expect(auc!.value).toBeGreaterThan(0.99);
  expect(quality!.dataset).toMatchObject({ name: "digits", split: "test" });
  const { confusion } = quality!.details;
  const hits = Array.from({ length: 10 }, (_, label) => confusion[11 * label]!).reduce((sum, count) => sum + count, 0);
  expect(hits).toBe(Math.round(500 * p));

  const policy = (line: string) => writeFileSync(path.join(directory, "quality.yaml"), `requirements:\n  - ${line}\n`);
  policy("quality.accuracy.lower >= 0.95 on digits/test");
  expect((await call("policy", "check", "digits@1", "--policy", "quality.yaml")).code).toBe(0);
  policy("quality.accuracy.lower >= 0.999 on digits/test");
  const short = await call("policy", "check", "digits@1", "--policy", "quality.yaml");
  expect(short.out).toMatch(/NO {7}quality\.accuracy\.lower >= 0\.999 on digits\/test\n.*short by/);
  policy("quality.accuracy.lower >= 0.95 on digits/other");
  expect((await call("policy", "check", "digits@1", "--policy", "quality.yaml")).out).toContain("UNKNOWN");

  const few = { dtype: "int64", shape: [3], data: BigInt64Array.of(1n, 2n, 3n) } as const;
  writeFileSync(path.join(directory, "few.npy"), npyFromTensor(few));
  const wrong = (...flags: string[]) => call("measure", "digits@1", "quality", ...flags);
  expect((await wrong(...rows.slice(0, 5), "few.npy")).err).toContain("there are 3 labels; the first axis counts rows");
  expect((await wrong(...rows.slice(0, 5), "images.npy")).err).toContain("they are one a row");
  const rowsOf = (...inputs: string[]) => [
    "--data",
    "a",
    ...inputs.flatMap((input) => ["--input", input]),
    "--labels",
    "labels.npy",
  ];
  expect((await wrong(...rowsOf("picture=images.npy"))).err).toContain("INPUT_UNKNOWN");
  expect((await wrong(...rowsOf("image=images.npy", "foo=images.npy"))).err).toContain('The model has no input "foo"');
  const doubles = { ...images, dtype: "float64", data: Float64Array.from(images.data as Float32Array) } as const;
  writeFileSync(path.join(directory, "doubles.npy"), npyFromTensor(doubles));
  expect((await wrong(...rowsOf("image=doubles.npy"))).err).toContain("are float64, and the model takes float32");
  expect((await wrong()).err).toMatch(/quality is measured on labelled rows/i);
  expect((await wrong("--data", "digits/test")).err).toContain('no file or folder "digits/test"');
  expect((await wrong("--data", "digits/test", "--labels", "labels.npy")).err).toContain(
    "named by --data, --input and --labels together",
  );
}, 60_000);

test("an override needs a reason, is recorded, and said", async () => {
  const silent = await call("deploy", "digits@2", "--breaking", "--override");
  expect(silent).toMatchObject({ code: EXITS.usage.code, err: expect.stringContaining("needs a reason") });
  const loud = await json<{ gate: { verdict: string; isOverridden: boolean } }>(
    "deploy",
    "digits@2",
    "--breaking",
    "--override",
    "--reason",
    "a demonstration",
  );
  expect(loud.gate).toMatchObject({ verdict: "no", isOverridden: true });
  // Going back to what was live needs no gate.
  expect((await call("rollback", "digits")).code).toBe(0);
});

test("a version that passes goes live; --measure fills in what is not known", async () => {
  writeFileSync(path.join(directory, "wide.yaml"), "requirements: [size <= 1 MB, size.gzip <= 1 MB]\n");
  await json("policy", "set", "*", "wide.yaml");
  expect(await json("policy", "check", "digits@2", "--policy", "wide.yaml")).toMatchObject({
    judged: { verdict: "yes" },
  });
  await json("policy", "remove", "digits");
  await json("import", digits, "--name", "other");
  const launched = await json<{ gate: object }>("deploy", "other@1", "--measure");
  expect(launched.gate).toMatchObject({ verdict: "yes", isOverridden: false, requirements: [{}, {}] });
  writeFileSync(path.join(directory, "rows.yaml"), "requirements: [quality.accuracy >= 0.9 on digits/never]\n");
  await json("policy", "set", "other", "rows.yaml");
  expect((await call("deploy", "other@1", "--measure")).err).toMatch(
    /GATE_REFUSED[\s\S]*not measured on digits\/never/,
  );
});

test.each([
  [["policy", "allow", "digits"], 'There is no "policy allow"'],
  [["policy", "set", "digits"], "It takes 2 operands, not 1"],
  [["measure", "digits", "beauty"], '"beauty" can\'t be measured; there is size, compute'],
])("%j is refused with what there is", async (arguments_, why) => {
  expect(await call(...arguments_)).toMatchObject({ code: EXITS.usage.code, err: expect.stringContaining(why) });
});
