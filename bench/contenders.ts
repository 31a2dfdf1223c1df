// What is compared: each a server on the first core that answers the same request.
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type ModelName, writeModel } from "./models.ts";
import {
  end,
  familyCpuSeconds,
  firstLine,
  type Memory,
  memoryOf,
  SERVER_CORE,
  SLIPWAY,
  spawnNode,
} from "./processes.ts";

export interface Contender {
  readonly name: string;
  /** Where the request goes. */
  readonly url: string;
  readonly pid: number;
  memory(): Memory | null;
  /** Of all its processes, so far. */
  cpuSeconds(): number | null;
  stop(): Promise<void>;
}

/** A directory for models, payloads and data, removed at the end. */
export async function workDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "slipway-bench-"));
  return { path: directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}

export function contenderOf(name: string, url: string, child: ChildProcess): Contender {
  const pid = child.pid!;
  return {
    name,
    url,
    pid,
    memory: () => memoryOf(pid),
    cpuSeconds: () => familyCpuSeconds(pid),
    stop: () => end(child),
  };
}

/** The bare echo. */
export async function startEcho(): Promise<Contender> {
  const child = spawnNode([path.join(import.meta.dirname, "echo-server.ts")], SERVER_CORE);
  const { port } = JSON.parse(await firstLine(child)) as { port: number };
  return contenderOf("echo", `http://127.0.0.1:${port}/`, child);
}

/** Slipway, serving one model file with everything on, on SERVER_CORE alone where nothing else is said. */
export async function startSlipway(
  directory: string,
  model: ModelName,
  { cores = SERVER_CORE, env = process.env }: { cores?: number | readonly number[]; env?: NodeJS.ProcessEnv } = {},
): Promise<Contender> {
  const file = await writeModel(directory, model);
  const flags = ["--port", "0", "--admin-port", "0", "--json"];
  const child = spawnNode([...SLIPWAY, "serve", file, ...flags], cores, { env });
  const { inferenceAddress } = JSON.parse(await firstLine(child)) as { inferenceAddress: string };
  return contenderOf("slipway", `${inferenceAddress}/v2/models/${model}/infer`, child);
}
