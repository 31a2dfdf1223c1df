// Datasets for tests: files in a folder that goes away, opened and read whole.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Dimension, DType, Signature } from "@slipway/core/tensor";
import { systemClock } from "#runtime";
import type { BatchOptions, RowBatch } from "./dataset.ts";
import { absolute, parseDescription } from "./description.ts";
import { type OpenDataset, openDataset, type OpenDatasetOptions } from "./open.ts";

export const never = new AbortController().signal;

/** A folder of files by their names; `folder` is empty at first. */
export function temporaryFolder(): {
  readonly folder: string;
  write(name: string, data: string | Uint8Array): string;
  remove(): void;
} {
  const folder = mkdtempSync(path.join(tmpdir(), "slipway-dataset-"));
  return {
    folder,
    write: (name, data) => {
      const file = path.join(folder, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, data);
      return file;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Runs SQL, by which Parquet files are made. */
export async function sql(text: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(text);
  connection.closeSync();
  instance.closeSync();
}

export async function opened(
  description: unknown,
  folder: string,
  changes: Partial<OpenDatasetOptions> = {},
): Promise<OpenDataset> {
  return await openDataset({
    description: absolute(parseDescription(description, "the description"), folder),
    hash: null,
    processing: null,
    clock: systemClock,
    environment: {},
    signal: never,
    ...changes,
  });
}

/** A model that takes these, rows first. */
export function signatureOf(inputs: Readonly<Record<string, readonly [DType, ...Dimension[]]>>): Signature {
  return {
    inputs: Object.entries(inputs).map(([name, [dtype, ...shape]]) => ({
      name,
      type: { kind: "tensor", dtype, shape: ["N", ...shape] },
    })),
    outputs: [],
  };
}

/** All batches of a split. */
export async function batchesFrom(
  dataset: OpenDataset,
  signature: Signature,
  changes: Partial<BatchOptions> = {},
): Promise<RowBatch[]> {
  const all: RowBatch[] = [];
  const options = { signature, split: null, batchRows: 1000, slices: [], firstRow: 0, signal: never, ...changes };
  for await (const batch of dataset.batches(options)) all.push(batch);
  return all;
}
