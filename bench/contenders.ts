// What is compared: each a server on the first core that answers the same request.
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { encodeRequest } from "../server/src/cli/oip.ts";
import { sampleInputs, seededRandom } from "../server/src/cli/load/index.ts";
import { MODELS, type ModelName, writeModel } from "./models.ts";
import { end, firstLine, type Memory, memoryOf, SERVER_CORE, SLIPWAY, spawnNode } from "./processes.ts";

export interface Contender {
  readonly name: string;
  /** Where the request goes. */
  readonly url: string;
  memory(): Memory | null;
  stop(): Promise<void>;
}

/** A directory for models, payloads and data, removed at the end. */
export async function workDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "slipway-bench-"));
  return { path: directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

/** The bare echo. */
export async function startEcho(): Promise<Contender> {
  const child = spawnNode([path.join(import.meta.dirname, "echo-server.ts")], SERVER_CORE);
  const { port } = JSON.parse(await firstLine(child)) as { port: number };
  return { name: "echo", url: `http://127.0.0.1:${port}/`, memory: () => memoryOf(child.pid!), stop: () => end(child) };
}

export interface SlipwayOptions {
  /** Flags of `slipway start` or `serve`. */
  readonly flags?: readonly string[];
}

/** Slipway, serving one model file with everything on. */
export async function startSlipway(
  directory: string,
  model: ModelName,
  options: SlipwayOptions = {},
): Promise<Contender> {
  const file = await writeModel(directory, model);
  const flags = ["--port", "0", "--admin-port", "0", "--json", "--log-level", "warn", ...(options.flags ?? [])];
  const child = spawnNode([...SLIPWAY, "serve", file, ...flags], SERVER_CORE);
  const { inferenceAddress } = JSON.parse(await firstLine(child)) as { inferenceAddress: string };
  return {
    name: "slipway",
    url: `${inferenceAddress}/v2/models/${model}/infer`,
    memory: () => memoryOf(child.pid!),
    stop: () => end(child),
  };
}

/** A request of one row in JSON, as a file the load generator sends. */
export function jsonPayload(model: ModelName): Uint8Array {
  const ports = [{ name: "x", datatype: "FP32", shape: [-1, MODELS[model][0]] }];
  return encodeRequest(sampleInputs(ports, 1, seededRandom(1)), { isBinary: false, isBinaryAnswer: false }).body;
}
