// The process that `dataset.ts` measures: opens a Parquet file as a dataset, reads a split to its end, and prints what that
// took.
import { readFileSync } from "node:fs";
import { DatasetDescription, openDataset } from "../server/src/lab/dataset/index.ts";
import { systemClock } from "../server/src/runtime/index.ts";
import type { DatasetReading } from "./dataset.ts";

const [file] = process.argv.slice(2);
const { signal } = new AbortController();
const started = performance.now();
const dataset = await openDataset({
  description: DatasetDescription.parse({
    files: file,
    label: "label",
    split: { fractions: { train: 0.8, test: 0.2 }, by: { stratified: "label" } },
  }),
  hash: null,
  processing: null,
  clock: systemClock,
  environment: {},
  signal,
});
const features = dataset.manifest.columns.filter(({ name }) => name.startsWith("f")).length;
const signature = {
  inputs: [{ name: "x", type: { kind: "tensor", dtype: "float32", shape: ["N", features + 1] } as const }],
  outputs: [],
};
const opened = performance.now();
let readRows = 0;
for await (const { rows } of dataset.batches({
  signature,
  split: "train",
  batchRows: 1024,
  slices: [],
  firstRow: 0,
  signal,
})) {
  readRows += rows;
}
const ended = performance.now();
if (readRows !== dataset.rowsOf("train")) throw new Error(`${readRows} rows came, of ${dataset.rowsOf("train")}.`);
const reading: DatasetReading = {
  rows: dataset.manifest.rows,
  sizeBytes: dataset.manifest.files[0]!.sizeBytes,
  readRows,
  openSeconds: (opened - started) / 1000,
  readSeconds: (ended - opened) / 1000,
  peakBytes: peakBytes(),
};
await dataset.close();
console.log(JSON.stringify(reading));

function peakBytes(): number | null {
  try {
    const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return kib === undefined ? null : Number(kib) * 1024;
  } catch {
    return null;
  }
}
