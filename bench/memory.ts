// Memory after many requests: what a server holds once it has answered as many as an hour brings, sent as fast as they go.
import { setTimeout as sleep } from "node:timers/promises";
import { startSlipway, workDirectory } from "./contenders.ts";
import { closedLoop } from "./load.ts";
import type { ModelName } from "./models.ts";
import { writePayload } from "./payloads.ts";

export interface MemoryFigures {
  readonly requests: number;
  readonly seconds: number;
  /** All processes, proportional set size: before the first request, after each tenth of them, and after a rest. */
  readonly beforeBytes: number | null;
  readonly samples: readonly { readonly requests: number; readonly bytes: number | null }[];
  readonly restedBytes: number | null;
}

const SETTLE_MS = 5000;
const SAMPLES = 10;
const SLICE_SECONDS = 5;

export async function benchMemory(
  model: ModelName,
  options: { readonly requests: number; readonly log: (line: string) => void },
): Promise<MemoryFigures> {
  await using directory = await workDirectory();
  const payload = await writePayload(directory.path, model, "json");
  const slipway = await startSlipway(directory.path, model);
  const bytes = () => slipway.memory()?.pssBytes ?? null;
  try {
    await sleep(SETTLE_MS);
    const beforeBytes = bytes();
    const samples: MemoryFigures["samples"][number][] = [];
    const begun = performance.now();
    let requests = 0;
    while (requests < options.requests) {
      const load = { url: slipway.url, payload, connections: 32, seconds: SLICE_SECONDS };
      requests += (await closedLoop(load)).requests;
      if (requests < ((samples.length + 1) * options.requests) / SAMPLES) continue;
      samples.push({ requests, bytes: bytes() });
      options.log(`memory after ${requests} requests: ${mebibytes(samples.at(-1)!.bytes)}`);
    }
    const seconds = (performance.now() - begun) / 1000;
    await sleep(SETTLE_MS);
    return { requests, seconds, beforeBytes, samples, restedBytes: bytes() };
  } finally {
    await slipway.stop();
  }
}

export function memoryText(
  model: ModelName,
  { requests, seconds, beforeBytes, samples, restedBytes }: MemoryFigures,
): string {
  return [
    `${model}, JSON, 32 connections: ${requests} requests in ${Math.round(seconds)} s`,
    `  before                  ${mebibytes(beforeBytes)}`,
    ...samples.map((sample) => `  after ${String(sample.requests).padEnd(17)} ${mebibytes(sample.bytes)}`),
    `  ${SETTLE_MS / 1000} s after the last      ${mebibytes(restedBytes)}`,
  ].join("\n");
}

function mebibytes(bytes: number | null): string {
  return bytes === null ? "not known here" : `${Math.round(bytes / 2 ** 20)} MiB`;
}
