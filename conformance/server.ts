// A live server with the models that clients are tried against, as users start one: a process of its own, ended with the run.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Model } from "@slipway/core/graph";
import { importModel } from "../test/platform.ts";
import { startServerProcess } from "../test/support/server-process.ts";
import { MODELS } from "./models.ts";

const DIGITS = path.resolve(import.meta.dirname, "../examples/digits");

export interface LiveServer {
  readonly address: string;
  /** Of the administration listener. */
  readonly adminAddress: string;
  readonly adminToken: string;
  stop(): Promise<void>;
}

/** Starts a server that answers for every model and the digits example. */
export async function startServer(): Promise<LiveServer> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "slipway-conformance-"));
  const server = await startServerProcess(path.join(directory, "data"));
  const stop = async (): Promise<void> => {
    server.child.kill("SIGTERM");
    await server.exited;
    await rm(directory, { recursive: true, force: true });
  };
  const deploy = async (endpoint: string, model: Model | Uint8Array, processing: unknown = null): Promise<void> => {
    await importModel(server, endpoint, model, processing);
    await server.client.deploy({ params: { endpoint }, body: {} });
  };
  try {
    for (const [endpoint, model] of Object.entries(MODELS)) await deploy(endpoint, model());
    const processing = JSON.parse(await readFile(path.join(DIGITS, "processing.json"), "utf8")) as unknown;
    await deploy("digits", await readFile(path.join(DIGITS, "model.onnx")), processing);
  } catch (error) {
    await stop();
    throw error;
  }
  const { origin, searchParams } = new URL(server.consoleAddress);
  return { address: server.inferenceAddress, adminAddress: origin, adminToken: searchParams.get("token")!, stop };
}
