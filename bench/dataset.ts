// Datasets larger than memory: a Parquet file of random features, made here, opened, hashed, split in proportion to a class,
// and read to its end in batches, in a process of its own whose peak memory is what counts. A tenth of the file goes first,
// so that it shows what grows with the length: nothing should.
import path from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { workDirectory } from "./contenders.ts";
import { LOAD_CORE, runNode } from "./processes.ts";

/** What a reading process says of itself. */
export interface DatasetReading {
  readonly rows: number;
  readonly sizeBytes: number;
  /** Rows of the split that was read, all of them. */
  readonly readRows: number;
  /** Hashing, counting and finding the splits; then the batches. */
  readonly openSeconds: number;
  readonly readSeconds: number;
  /** The most it had resident, by the kernel's count (VmHWM). */
  readonly peakBytes: number | null;
}

export interface DatasetFigures {
  readonly features: number;
  readonly readings: readonly DatasetReading[];
}

const FEATURES = 20;
/** Of random floats, which do not compress, with an id and a class. */
const ROW_BYTES = 4 * FEATURES + 9;

export async function benchDataset(options: {
  readonly gib: number;
  readonly log: (line: string) => void;
}): Promise<DatasetFigures> {
  await using directory = await workDirectory();
  const file = path.join(directory.path, "rows.parquet");
  const readings: DatasetReading[] = [];
  for (const gib of [options.gib / 10, options.gib]) {
    const rows = Math.ceil((gib * 2 ** 30) / ROW_BYTES);
    options.log(`making ${gib} GiB of Parquet, ${rows} rows`);
    await makeParquet(file, rows);
    options.log("reading it");
    const script = path.join(import.meta.dirname, "dataset-reader.ts");
    readings.push(JSON.parse(await runNode([script, file], LOAD_CORE)) as DatasetReading);
  }
  return { features: FEATURES, readings };
}

async function makeParquet(file: string, rows: number): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { memory_limit: "2GiB", threads: "2" });
  try {
    const connection = await instance.connect();
    await connection.run("SELECT setseed(0.5)");
    const features = Array.from({ length: FEATURES }, (_, at) => `random()::FLOAT AS f${at}`);
    await connection.run(
      `COPY (SELECT i AS id, ${features.join(", ")}, (i * 7919 % 97 % 10)::UTINYINT AS label FROM range(${rows}) t(i)) TO '${file}' (FORMAT parquet)`,
    );
    connection.closeSync();
  } finally {
    instance.closeSync();
  }
}

export function datasetText({ features, readings }: DatasetFigures): string {
  const mib = (bytes: number | null) => (bytes === null ? "unknown" : `${Math.round(bytes / 2 ** 20)} MiB`);
  return [
    `Parquet of ${features} random features, split by class in proportion, read in batches of 1024:`,
    ...readings.map(
      ({ rows, sizeBytes, readRows, openSeconds, readSeconds, peakBytes }) =>
        `  ${mib(sizeBytes)}, ${rows} rows: opened in ${openSeconds.toFixed(0)} s, ${readRows} rows read in ${readSeconds.toFixed(0)} s; at most ${mib(peakBytes)} resident`,
    ),
  ].join("\n");
}
