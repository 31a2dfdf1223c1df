// The back end on onnxruntime-node, and the only file that imports it. Sessions are made from bytes alone, so that a
// model can name no file of the machine but those it was given.
//
// The public API is used throughout. Its cost over the private binding was measured at 2 to 4 µs a run (a turn of the
// event loop and a few checks), which batches divide; not worth depending on internals.
import { createRequire } from "node:module";
import type { Backend, ModelBytes, Session, SessionSettings } from "@slipway/core/backend";
import { assert, SlipwayError } from "@slipway/core/base";
import type { NamedTensor, Signature, TensorData } from "@slipway/core/tensor";
import type * as ort from "onnxruntime-node";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import { loadErrorFrom, runErrorFrom } from "./engine-errors.ts";
import { type EnginePort, readModelFacts, signatureOf } from "./model-facts.ts";
import { checkSessionKeys } from "./session-keys.ts";

/** A model's bytes are protobuf, which ends at 2 GiB; weights beyond that come as external data. */
const MAX_MODEL_BYTES = 2 ** 31 - 1;

type Engine = Pick<typeof ort, "env" | "InferenceSession" | "listSupportedBackends">;

const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { readonly version: string };
let engine: Promise<Engine> | undefined;

/** The back end of ONNX Runtime in this process. The native library is loaded with the first model, not before. */
export function createOnnxRuntimeBackend(): Backend {
  return {
    name: `onnxruntime-node ${version}`,
    load: async (model, settings) => await load(model, settings),
    residentBytes: () => process.memoryUsage.rss(),
  };
}

async function importEngine(): Promise<Engine> {
  // Builds for Linux also carry a telemetry client, with a thread, a log in the temporary directory and a store in the
  // home directory; it starts with the first session unless the environment forbids it.
  process.env["ORT_DISABLE_TELEMETRY"] = "1";
  const imported = await import("onnxruntime-node");
  imported.env.logLevel = "fatal";
  return imported;
}

/** A session that keeps what every node of every run takes. */
export interface ProfiledSession extends Session {
  /** Writes what was kept; the file is whole then, and nothing is kept any more. */
  endProfiling(): void;
}

/**
 * As the back end's `load`, with ONNX Runtime's profiler on: it makes a file whose path begins with `filePrefix` at once, and
 * fills it when profiling ends, at most a million events, in the form of the Trace Event Format.
 */
export async function loadProfiled(
  model: ModelBytes,
  settings: SessionSettings,
  filePrefix: string,
): Promise<ProfiledSession> {
  return await load(model, settings, { enableProfiling: true, profileFilePrefix: filePrefix });
}

async function load(
  model: ModelBytes,
  settings: SessionSettings,
  more: Pick<InferenceSession.SessionOptions, "enableProfiling" | "profileFilePrefix"> = {},
): Promise<OnnxRuntimeSession> {
  const loaded = await (engine ??= importEngine());
  checkExecutionProviders(loaded, settings.executionProviders);
  checkSessionKeys(settings.configEntries);
  if (model.model.byteLength > MAX_MODEL_BYTES) {
    throw new SlipwayError(
      "MODEL_TOO_LARGE",
      `The model's file has ${model.model.byteLength} bytes; at most ${MAX_MODEL_BYTES} can be read. Keep its weights as external data.`,
    );
  }
  const facts = readModelFacts(model);
  let session: InferenceSession;
  try {
    session = await loaded.InferenceSession.create(model.model, { ...sessionOptions(model, settings), ...more });
  } catch (error) {
    throw loadErrorFrom(error);
  }
  try {
    return new OnnxRuntimeSession(
      session,
      signatureOf(facts, session.inputMetadata.map(enginePort), session.outputMetadata.map(enginePort)),
    );
  } catch (error) {
    await session.release();
    throw error;
  }
}

class OnnxRuntimeSession implements ProfiledSession {
  readonly signature: Signature;
  #session: InferenceSession | null;

  constructor(session: InferenceSession, signature: Signature) {
    this.#session = session;
    this.signature = signature;
  }

  async run(inputs: readonly NamedTensor[], outputs: readonly string[]): Promise<NamedTensor[]> {
    assert(this.#session !== null, "A session was run after it was unloaded.");
    const feeds: Record<string, Tensor> = {};
    for (const input of inputs) feeds[input.name] = engineTensor(input);
    let answered: InferenceSession.ReturnType;
    try {
      answered = await this.#session.run(feeds, outputs);
    } catch (error) {
      throw runErrorFrom(error);
    }
    return outputs.map((name) => namedTensor(name, answered[name] as Tensor));
  }

  endProfiling(): void {
    this.#session?.endProfiling();
  }

  async unload(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.release();
  }
}

/**
 * A tensor as the binding reads it. It asks for these four properties only; the Tensor class would check the data once
 * more and turn float16 into a Float16Array, which the binding of 1.30 takes for an empty array.
 */
function engineTensor(tensor: NamedTensor): Tensor {
  if (tensor.dtype === "string") refuseNul(tensor);
  return { type: tensor.dtype, dims: tensor.shape, data: tensor.data, location: "cpu" } as unknown as Tensor;
}

/** The binding hands strings over as C strings, which would end at the first NUL without a word. */
function refuseNul(tensor: NamedTensor): void {
  for (const text of tensor.data as readonly string[]) {
    if (text.includes("\0")) {
      throw new SlipwayError(
        "RUN_FAILED",
        `Input ${tensor.name} has a string with a NUL character, which ONNX Runtime on Node can't take.`,
      );
    }
  }
}

function namedTensor(name: string, tensor: Tensor): NamedTensor {
  const data = tensor.data as TensorData | { buffer: ArrayBuffer; byteOffset: number; length: number };
  return {
    name,
    dtype: tensor.type,
    shape: tensor.dims,
    data:
      tensor.type === "float16" && !(data instanceof Uint16Array)
        ? new Uint16Array((data as Uint16Array).buffer, (data as Uint16Array).byteOffset, data.length)
        : (data as TensorData),
  };
}

function checkExecutionProviders(loaded: Engine, names: readonly string[]): void {
  const known = loaded.listSupportedBackends().map(({ name }) => name);
  for (const name of names) {
    if (!known.includes(name)) {
      throw new SlipwayError(
        "CONFIG_INVALID",
        `runtime.executionProviders names ${JSON.stringify(name)}; onnxruntime-node has ${known.join(", ")} on this platform.`,
      );
    }
  }
}

function sessionOptions(model: ModelBytes, settings: SessionSettings): InferenceSession.SessionOptions {
  return {
    executionProviders: settings.executionProviders,
    graphOptimizationLevel: settings.graphOptimizationLevel,
    intraOpNumThreads: settings.intraOpThreads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 4,
    extra: nestedEntries(settings.configEntries),
    externalData: [...model.externalData].map(([path, data]) => ({ path, data })),
  };
}

/** "session.intra_op.allow_spinning" as the nested objects the binding wants. */
function nestedEntries(entries: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(entries)) {
    const parts = key.split(".");
    const last = parts.pop()!;
    let level = root;
    for (const part of parts) level = (level[part] ??= {}) as Record<string, unknown>;
    level[last] = value;
  }
  return root;
}

function enginePort(metadata: InferenceSession.ValueMetadata): EnginePort {
  const { name } = metadata;
  if (!metadata.isTensor) return { name, type: null };
  const shape = metadata.shape.map((length) => (length === "" ? null : length));
  return { name, type: { kind: "tensor", dtype: metadata.type, shape } };
}
