// What a bundled model's recipe is: from seeds to files, and what it says of how they came about.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Backend } from "@slipway/core/backend";

export interface Kitchen {
  readonly backend: Backend;
  /** Milliseconds that only grow; nothing that is made depends on them. */
  readonly now: () => number;
  readonly log: (line: string) => void;
}

/** Files by name, of which `model.onnx` is one, and the record of the run. */
export interface Made {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly record: Record<string, unknown>;
}

export interface Recipe {
  make(kitchen: Kitchen): Promise<Made>;
}

/**
 * What decides the bytes of a model beside its recipe. Sums run in another order on another kind of processor, so its weights are
 * equal there but for rounding, which training lets grow.
 */
export function madeOn(): Record<string, unknown> {
  const { version } = JSON.parse(
    readFileSync(path.resolve(import.meta.dirname, "../node_modules/onnxruntime-node/package.json"), "utf8"),
  ) as { version: string };
  return {
    processor: os.cpus()[0]?.model.trim() ?? "unknown",
    system: `${os.type()} ${os.arch()}`,
    onnxruntime: version,
    node: process.versions.node,
    threads: 1,
  };
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
