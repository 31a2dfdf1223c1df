// Whole runs in this process, on rows of a temporary folder.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createOnnxRuntimeBackend, systemClock } from "#runtime";
import { TrainOrder } from "./order.ts";
import { train, type Trained, type TrainRun } from "./train.ts";

export interface Workplace {
  readonly path: string;
  /** Writes a file and answers its path. */
  write(name: string, content: string | Uint8Array): string;
  remove(): void;
}

export function workplace(): Workplace {
  const folder = mkdtempSync(path.join(os.tmpdir(), "slipway-train-"));
  return {
    path: folder,
    write: (name, content) => {
      const file = path.join(folder, name);
      writeFileSync(file, content);
      return file;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Trains by an order as it comes over the API; stored bytes are those given. */
export async function trainNow(
  order: object,
  blobs: Readonly<Record<string, Uint8Array>> = {},
  more: Partial<TrainRun> = {},
): Promise<Trained> {
  return await train(
    TrainOrder.parse({ name: "model", ...order }),
    {
      backend: createOnnxRuntimeBackend(),
      clock: systemClock,
      environment: {},
      readBlob: async (hash) => blobs[hash]!,
    },
    {
      signal: new AbortController().signal,
      report: () => undefined,
      saved: null,
      save: async () => undefined,
      onCurve: async () => undefined,
      ...more,
    },
  );
}

/** A CSV of rows with a number, a text and a class that both tell. */
export function table(rows: number, columnOf: (row: number) => readonly (string | number)[], head: string): string {
  return `${head}\n${Array.from({ length: rows }, (_, row) => columnOf(row).join(",")).join("\n")}\n`;
}
