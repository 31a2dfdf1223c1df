// A whole platform for tests: the real composition root on free ports and a data directory of its own.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import type { Model } from "@slipway/core/graph";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { fetchChecked } from "../server/src/api/inference/open-inference.testing.ts";
import type { RunningServer } from "../server/src/cli/index.ts";
import { loadConfiguration } from "../server/src/config/index.ts";
import { createPlatform } from "../server/src/platform.ts";

export function temporaryDirectory(): string {
  return mkdtempSync(path.join(os.tmpdir(), "slipway-test-"));
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

/** Starts a platform on a data directory; `flags` as on the command line. */
export async function startPlatform(
  dataDirectory: string,
  flags: Readonly<Record<string, string>> = {},
  signal = new AbortController().signal,
): Promise<RunningServer> {
  const logTo = { write: () => {}, isTerminal: false };
  const platform = createPlatform({ environment: {}, logTo });
  return await platform.start(
    loadConfiguration({
      flags: { "--data-dir": dataDirectory, "--port": "0", "--admin-port": "0", "--log-level": "silent", ...flags },
    }),
    signal,
  );
}

/** Imports a model as the next version of a name and answers its number. */
export async function importModel(
  server: Pick<RunningServer, "client">,
  name: string,
  model: Model | Uint8Array,
  processing: unknown = null,
): Promise<number> {
  const bytes = model instanceof Uint8Array ? model : bytesFromModel(model);
  const hash = createHash("sha256").update(bytes).digest("hex");
  await server.client.putBlob({ params: { hash }, body: Readable.from([bytes]) as never });
  const { version } = await server.client.importVersion({
    body: { name, files: [{ path: "model.onnx", hash }], processing },
  });
  return version.number;
}

/** y = x · factor over rows of `width` values: outputs tell which version answered. */
export function scaleModel(factor: number, width = 2): Model {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", ["N", width]);
  g.output("y", g.op("Mul", [x, g.values("float32", [factor], [1])]), "float32", ["N", width]);
  return g.model();
}

/** One Open Inference Protocol request, and its answer whatever the status. */
export async function infer(
  address: string,
  model: string,
  data: readonly number[],
  shape: readonly number[],
): Promise<{
  status: number;
  body: { outputs?: { data: number[] }[]; model_version?: string; code?: string; error?: string };
}> {
  const response = await fetchChecked(`${address}/v2/models/${model}/infer`, {
    method: "POST",
    body: JSON.stringify({ inputs: [{ name: "x", shape, datatype: "FP32", data }] }),
  });
  return { status: response.status, body: (await response.json()) as never };
}
