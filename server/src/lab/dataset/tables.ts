// DuckDB, as reading tables needs it: the one file that knows the package. A table engine sees the files it is told and
// nothing else: no network, no extensions, no settings that data could change; memory has a limit, and what does not fit
// goes to a folder that is removed with the engine.
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import type * as DuckDb from "@duckdb/node-api";
import type { NumericData } from "@slipway/core/tensor";
import type { ColumnBlock, ListRow } from "./source.ts";

/** What the engine may hold in memory, in MiB; the rest of the process comes on top. */
const MEMORY_MIB = 512;
const DISK_GIB = 64;

export interface TableEngine extends AsyncDisposable {
  /** How SQL names one of the files it was told. */
  nameOf(file: string): string;
  /** All rows of a small result, as JSON values. @throws SlipwayError ROWS_INVALID with DuckDB's message; the signal's reason */
  rows(sql: string, signal?: AbortSignal): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** A result block by block, a ColumnBlock for each column. @throws SlipwayError ROWS_INVALID; the signal's reason */
  stream(
    sql: string,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly rows: number; readonly columns: readonly ColumnBlock[] }>;
}

/**
 * @param files absolute paths of all it may open
 */
export async function openTableEngine(files: readonly string[]): Promise<TableEngine> {
  const scratch = await mkdtemp(path.join(tmpdir(), "slipway-rows-"));
  let instance: DuckDb.DuckDBInstance | null = null;
  try {
    // Only where tables are read: it is the largest thing there is to load.
    const duckDb = await import("@duckdb/node-api");
    instance = await duckDb.DuckDBInstance.create(":memory:", {
      // One thread reads in the order of the rows, and holds the least.
      threads: "1",
      memory_limit: `${MEMORY_MIB}MiB`,
      temp_directory: scratch,
      max_temp_directory_size: `${DISK_GIB}GiB`,
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      allow_community_extensions: "false",
    });
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run("SET errors_as_json = false");
    const names = await plainNames(files, scratch);
    await connection.run(`SET allowed_paths = [${[...names.values()].map(literal).join(", ")}]`);
    await connection.run("SET enable_external_access = false");
    await connection.run("SET lock_configuration = true");
    return new Engine(duckDb, instance, scratch, names);
  } catch (error) {
    instance?.closeSync();
    await rm(scratch, { recursive: true, force: true });
    throw error;
  }
}

/** Names without the characters of patterns, which DuckDB has no way to quote; links, where a path has some. */
async function plainNames(files: readonly string[], scratch: string): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const file of files) {
    if (names.has(file)) continue;
    const link = path.join(scratch, `${names.size}-${path.basename(file).replace(/[^\w.-]/g, "_")}`);
    const isPattern = /[[\]*?{}]/.test(file);
    if (isPattern) await symlink(file, link);
    names.set(file, isPattern ? link : file);
  }
  return names;
}

class Engine implements TableEngine {
  readonly #duckDb: typeof DuckDb;
  readonly #instance: DuckDb.DuckDBInstance;
  readonly #scratch: string;

  readonly #names: ReadonlyMap<string, string>;

  constructor(
    duckDb: typeof DuckDb,
    instance: DuckDb.DuckDBInstance,
    scratch: string,
    names: ReadonlyMap<string, string>,
  ) {
    this.#names = names;
    this.#duckDb = duckDb;
    this.#instance = instance;
    this.#scratch = scratch;
  }

  nameOf(file: string): string {
    return this.#names.get(file)!;
  }

  async rows(sql: string, signal?: AbortSignal): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const connection = await this.#instance.connect();
    const interrupt = () => connection.interrupt();
    signal?.addEventListener("abort", interrupt);
    try {
      signal?.throwIfAborted();
      return (await connection.runAndReadAll(sql)).getRowObjectsJson();
    } catch (error) {
      signal?.throwIfAborted();
      throw unreadable(error);
    } finally {
      signal?.removeEventListener("abort", interrupt);
      connection.closeSync();
    }
  }

  async *stream(
    sql: string,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly rows: number; readonly columns: readonly ColumnBlock[] }> {
    const connection = await this.#instance.connect();
    const interrupt = () => connection.interrupt();
    signal.addEventListener("abort", interrupt);
    try {
      signal.throwIfAborted();
      const result = await connection.stream(sql);
      for (;;) {
        const chunk = await result.fetchChunk();
        signal.throwIfAborted();
        if (chunk === null || chunk.rowCount === 0) return;
        const columns: ColumnBlock[] = [];
        for (let at = 0; at < chunk.columnCount; at++) columns.push(blockFrom(chunk.getColumnVector(at), this.#duckDb));
        yield { rows: chunk.rowCount, columns };
      }
    } catch (error) {
      signal.throwIfAborted();
      throw unreadable(error);
    } finally {
      signal.removeEventListener("abort", interrupt);
      connection.closeSync();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#instance.closeSync();
    await rm(this.#scratch, { recursive: true, force: true });
  }
}

/** A text as SQL writes it. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name as SQL writes it. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function blockFrom(vector: DuckDb.DuckDBVector, duckDb: typeof DuckDb): ColumnBlock {
  if (vector instanceof duckDb.DuckDBListVector) return { kind: "lists", rows: listRows(vector, duckDb) };
  if (vector instanceof duckDb.DuckDBVarCharVector) return { kind: "texts", values: vector.toArray(), shape: [] };
  return { kind: "numbers", ...numbersFrom(vector), shape: [], nullsMean: "missing" };
}

/**
 * Numbers and which are missing. Vectors of numbers keep them in a typed array, whose memory is DuckDB's own and goes with
 * the chunk: what is answered is read before the next one is fetched.
 */
function numbersFrom(vector: DuckDb.DuckDBVector): { readonly values: NumericData; readonly nulls: Uint8Array | null } {
  const { items, validity } = vector as unknown as { items?: NumericData; validity?: { data: unknown } };
  const count = vector.itemCount;
  if (ArrayBuffer.isView(items) && items.length === count && validity?.data === null) {
    return { values: items, nulls: null };
  }
  const nulls = Uint8Array.from({ length: count }, (_, at) => (vector.getItem(at) === null ? 1 : 0));
  if (ArrayBuffer.isView(items) && items.length === count) return { values: items, nulls };
  const values = Float64Array.from({ length: count }, (_, at) => Number(vector.getItem(at)));
  return { values, nulls };
}

function listRows(vector: DuckDb.DuckDBListVector, duckDb: typeof DuckDb): (ListRow | null)[] {
  const levels = [vector];
  let leaf = vector.childVector;
  while (leaf instanceof duckDb.DuckDBListVector) {
    levels.push(leaf);
    leaf = leaf.childVector;
  }
  const texts = leaf instanceof duckDb.DuckDBVarCharVector ? leaf.toArray() : null;
  const numbers = texts === null ? numbersFrom(leaf) : null;
  return Array.from({ length: vector.itemCount }, (_, row) => {
    if (isMissing(vector, row)) return null;
    const spans: [number, number][] = [];
    const shape = spansOf(levels, 0, row, spans);
    const [start, end] = [spans[0]?.[0] ?? 0, spans.at(-1)?.[1] ?? 0];
    const isWhole = spans.every(([from], at) => at === 0 || from === spans[at - 1]![1]);
    if (texts !== null) {
      const values = spans.flatMap(([from, to]) => texts.slice(from, to));
      return { values, shape, nullAt: values.indexOf(null) };
    }
    const { values, nulls } = numbers!;
    const own = isWhole ? values.subarray(start, end) : joined(values, spans);
    const ownNulls =
      nulls === null ? null : isWhole ? nulls.subarray(start, end) : (joined(nulls, spans) as Uint8Array);
    return { values: own, shape, nullAt: ownNulls === null ? -1 : ownNulls.indexOf(1) };
  });
}

/**
 * Gathers where the elements of a row's list lie, and answers the list's shape: lengths by level, or null where lists of a
 * level differ or one is missing.
 */
function spansOf(
  levels: readonly DuckDb.DuckDBListVector[],
  level: number,
  row: number,
  spans: [number, number][],
): number[] | null {
  const list = levels[level]!;
  const start = list.getEntryOffset(row);
  const length = list.getEntryLength(row);
  if (level === levels.length - 1) {
    spans.push([start, start + length]);
    return [length];
  }
  let inner: number[] | null = null;
  for (let at = start; at < start + length; at++) {
    if (isMissing(levels[level + 1]!, at)) return null;
    const shape = spansOf(levels, level + 1, at, spans);
    if (shape === null || (inner !== null && shape.some((one, axis) => one !== inner![axis]))) return null;
    inner = shape;
  }
  return [length, ...(inner ?? [0])];
}

function isMissing(list: DuckDb.DuckDBListVector, row: number): boolean {
  return !(list as unknown as { validity: { itemValid(row: number): boolean } }).validity.itemValid(row);
}

function joined(values: NumericData, spans: readonly (readonly [number, number])[]): NumericData {
  const total = spans.reduce((sum, [from, to]) => sum + to - from, 0);
  const all = new (values.constructor as new (length: number) => NumericData)(total);
  let at = 0;
  for (const [from, to] of spans) {
    (all as Uint8Array).set(values.subarray(from, to) as Uint8Array, at);
    at += to - from;
  }
  return all;
}

/** DuckDB's message without its suggestions, which name functions nobody here calls. */
function unreadable(error: unknown): SlipwayError {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split("\n").map((line) => line.trim());
  const end = lines.findIndex((line) => /^(Possible (fixes|solutions?)|LINE \d|file =|\* )/.test(line));
  const told = (end <= 0 ? lines : lines.slice(0, end)).filter((line) => line !== "").join("; ");
  return new SlipwayError("ROWS_INVALID", `The rows can't be read: ${told.slice(0, 600)}`, { cause: error });
}
