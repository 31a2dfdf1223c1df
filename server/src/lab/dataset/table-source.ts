// Rows of CSV, Parquet and JSON Lines files, one file after the other. Text files are read as text and turned into numbers
// only where numbers are wanted, so that what can't be one is told as it stands in the file.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { SlipwayError, unreachable } from "@slipway/core/base";
import { type BadRowChoice, MOST_TOLD, type SkippedRows } from "./bad-rows.ts";
import { type CsvHead, notUtf8, readCsvHead, refuseOtherEncoding } from "./csv-head.ts";
import type { DatasetColumn } from "./dataset.ts";
import {
  type Block,
  type ColumnForm,
  type ColumnKind,
  fileOfRow,
  type RowPlace,
  type RowSource,
  type Wanted,
} from "./source.ts";
import { expressionOf, isNumberType, isTextType, kindOfType } from "./table-types.ts";
import { identifier, literal, openTableEngine, type TableEngine } from "./tables.ts";

export type TableFormat = "csv" | "parquet" | "jsonl";

export interface CsvOptions {
  /** Between fields; found out where null. */
  readonly delimiter: string | null;
  /** Whether the first line names the columns. */
  readonly header: boolean;
  /** What stands for a missing value, beside an empty field. */
  readonly missing: readonly string[];
}

export interface TableFile {
  /** Absolute. */
  readonly path: string;
  /** As it was named, for people. */
  readonly shown: string;
}

const MOST_LINE_BYTES = 4 * 2 ** 20;
const MOST_OBJECT_BYTES = 16 * 2 ** 20;
/** Rows of a CSV file that are looked at for the types of its columns. */
const SAMPLED_ROWS = 200_000;

/**
 * Opens tables with the same columns. Lines of CSV files that make no row end it, or are left out and told.
 * @throws SlipwayError ROWS_INVALID where a file can't be read, is empty of columns, or has other columns than the first
 */
export async function openTables(
  files: readonly TableFile[],
  format: TableFormat,
  csv: CsvOptions,
  badRows: BadRowChoice,
  signal: AbortSignal,
): Promise<{ readonly source: RowSource; readonly skipped: SkippedRows }> {
  const engine = await openTableEngine(files.map((file) => file.path));
  try {
    const relations: string[] = [];
    let columns: readonly DatasetColumn[] | null = null;
    const fileRows: number[] = [];
    const skipped: SkippedRows[] = [];
    const isSkipping = format === "csv" && badRows === "skip";
    for (const file of files) {
      signal.throwIfAborted();
      const head = format === "csv" ? await readCsvHead(file, csv.delimiter, csv.header) : null;
      if (isSkipping) await refuseOtherEncoding(file);
      if (format === "parquet") await refuseOtherBeginning(file);
      const relation = relationOf(engine.nameOf(file.path), format, csv, head, isSkipping);
      try {
        // Counting comes first: it reads every row, so that a broken one is told by its line.
        const counted = isSkipping ? await countSkipping(engine, relation, file.shown, signal) : null;
        if (counted !== null) skipped.push(counted.skipped);
        fileRows.push(counted?.rows ?? (await countOf(engine, relation, signal)));
        const own =
          head === null
            ? await columnsOf(engine, relation, signal)
            : await guessedColumns(engine, relation, head, signal);
        columns = columns === null ? own : agreed(columns, own, file.shown, files[0]!.shown);
      } catch (error) {
        throw await located(error, file, engine.nameOf(file.path), format);
      }
      relations.push(relation);
    }
    const source = new Tables(engine, files, relations, columns ?? [], fileRows, format);
    return { source, skipped: joinedSkips(skipped) };
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
}

class Tables implements RowSource {
  readonly #engine: TableEngine;
  readonly columns: readonly DatasetColumn[];
  readonly #fileRows: readonly number[];
  readonly rows: number;
  readonly #files: readonly TableFile[];
  readonly #relations: readonly string[];
  readonly #format: TableFormat;
  readonly #types: ReadonlyMap<string, string>;

  constructor(
    engine: TableEngine,
    files: readonly TableFile[],
    relations: readonly string[],
    columns: readonly DatasetColumn[],
    fileRows: readonly number[],
    format: TableFormat,
  ) {
    this.#engine = engine;
    this.#files = files;
    this.#relations = relations;
    this.columns = columns;
    this.#fileRows = fileRows;
    this.rows = fileRows.reduce((sum, rows) => sum + rows, 0);
    this.#format = format;
    this.#types = new Map(columns.map(({ name, type }) => [name, type]));
  }

  #expression(column: string, form: ColumnForm): string {
    return expressionOf(identifier(column), this.#typeOf(column), form);
  }

  /** As it is read, which is text for CSV, whatever the text is taken for. */
  #typeOf(column: string): string {
    return this.#format === "csv" ? "VARCHAR" : this.#types.get(column)!;
  }

  kindOf(column: string): ColumnKind {
    return kindOfType(this.#types.get(column)!);
  }

  shapeOf(column: string): readonly number[] | null {
    // Text may be a list, written "[1, 2]".
    const kind = this.kindOf(column);
    return kind === "list" || kind === "text" ? null : [];
  }

  folderOf(row: number): string {
    return path.dirname(this.#files[fileOfRow(this.#fileRows, row).file]!.path);
  }

  async *read(wanted: readonly Wanted[], firstRow: number, signal: AbortSignal): AsyncGenerator<Block> {
    const expressions = wanted.map(({ column, form }) => this.#expression(column, form));
    // Reading no column still counts the rows.
    const select = expressions.length === 0 ? "1::UTINYINT" : expressions.join(", ");
    const isUnreadable = wanted.map(
      ({ column, form }) => (form === "number" || form === "seconds") && isTextType(this.#typeOf(column)),
    );
    let start = 0;
    for (const [file, rows] of this.#fileRows.entries()) {
      const skipped = Math.max(0, firstRow - start);
      if (skipped < rows) {
        const offset = skipped === 0 ? "" : ` OFFSET ${skipped}`;
        let at = start + skipped;
        const sql = `SELECT ${select} FROM ${this.#relations[file]!}${offset}`;
        for await (const { rows: count, columns } of this.#blocks(file, sql, signal)) {
          const blocks = columns
            .slice(0, wanted.length)
            .map((block, index) =>
              block.kind === "numbers" && isUnreadable[index]! ? { ...block, nullsMean: "unreadable" as const } : block,
            );
          yield { firstRow: at, rows: count, columns: blocks };
          at += count;
        }
        if (at !== start + rows) throw changed(this.#files[file]!.shown, rows, at - start);
      }
      start += rows;
    }
  }

  async *#blocks(file: number, sql: string, signal: AbortSignal): ReturnType<TableEngine["stream"]> {
    try {
      yield* this.#engine.stream(sql, signal);
    } catch (error) {
      const broken = this.#files[file]!;
      throw await located(error, broken, this.#engine.nameOf(broken.path), this.#format);
    }
  }

  where(row: number): RowPlace {
    const { file, row: within } = fileOfRow(this.#fileRows, row);
    return { path: this.#files[file]!.shown, file: this.#files[file]!.path, row: within };
  }

  async valueAt(row: number, column: string): Promise<string | null> {
    const { file, row: within } = fileOfRow(this.#fileRows, row);
    const [found] = await this.#engine.rows(
      `SELECT CAST(${identifier(column)} AS VARCHAR) AS seen FROM ${this.#relations[file]!} LIMIT 1 OFFSET ${within}`,
    );
    return (found?.["seen"] as string | null | undefined) ?? null;
  }

  async close(): Promise<void> {
    await this.#engine[Symbol.asyncDispose]();
  }
}

function joinedSkips(all: readonly SkippedRows[]): SkippedRows {
  const first = all.flatMap((one) => one.first).slice(0, MOST_TOLD);
  return { rows: all.reduce((sum, { rows }) => sum + rows, 0), columns: [], first };
}

/** As it is read: CSV as text, all else in the types it has; no column comes from the file's path. */
function relationOf(
  file: string,
  format: TableFormat,
  csv: CsvOptions,
  head: CsvHead | null,
  isSkipping: boolean,
): string {
  const from = `${literal(file)}, hive_partitioning = false`;
  switch (format) {
    case "csv": {
      const columns = head!.names.map((name) => `${literal(name)}: 'VARCHAR'`).join(", ");
      return `read_csv(${from}, ${csvText(csv, head!)}, auto_detect = false, columns = {${columns}}, ignore_errors = ${isSkipping})`;
    }
    case "parquet":
      return `read_parquet(${from})`;
    case "jsonl":
      return `read_json(${from}, format = 'newline_delimited', sample_size = -1, maximum_object_size = ${MOST_OBJECT_BYTES})`;
    default:
      return unreachable(format);
  }
}

function csvText({ header, missing }: CsvOptions, { delimiter }: CsvHead): string {
  const texts = ["", ...missing].map(literal).join(", ");
  return `header = ${header}, delim = ${literal(delimiter)}, quote = '"', escape = '"', comment = '', nullstr = [${texts}], max_line_size = ${MOST_LINE_BYTES}, buffer_size = ${4 * MOST_LINE_BYTES}`;
}

async function columnsOf(
  engine: TableEngine,
  relation: string,
  signal: AbortSignal,
): Promise<readonly DatasetColumn[]> {
  const found = await engine.rows(`DESCRIBE SELECT * FROM ${relation}`, signal);
  return found.map((row) => ({ name: row["column_name"] as string, type: row["column_type"] as string }));
}

/** What the columns of a text file are taken to be: the narrowest type that every value of the first rows has. */
async function guessedColumns(
  engine: TableEngine,
  relation: string,
  { names }: CsvHead,
  signal: AbortSignal,
): Promise<readonly DatasetColumn[]> {
  const counts = names.flatMap((name, at) => {
    const column = identifier(name);
    const tests = [
      ["any", column],
      ["BOOLEAN", `CASE WHEN lower(${column}) IN ('true', 'false') THEN 1 END`],
      [
        "BIGINT",
        `CASE WHEN regexp_full_match(${column}, '\\s*[-+]?[0-9]+\\s*') THEN TRY_CAST(${column} AS BIGINT) END`,
      ],
      ["DOUBLE", `TRY_CAST(${column} AS DOUBLE)`],
      ["DATE", `CASE WHEN length(${column}) <= 10 THEN TRY_CAST(${column} AS DATE) END`],
      ["TIMESTAMP", `TRY_CAST(${column} AS TIMESTAMPTZ)`],
    ];
    return tests.map(([type, test]) => `count(${test}) AS "${at} ${type}"`);
  });
  const [found] = await engine.rows(
    `SELECT ${counts.join(", ")} FROM (SELECT * FROM ${relation} LIMIT ${SAMPLED_ROWS})`,
    signal,
  );
  return names.map((name, at) => {
    const count = (type: string) => Number(found![`${at} ${type}`]);
    const type = ["BOOLEAN", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP"].find((one) => count(one) === count("any"));
    return { name, type: count("any") === 0 ? "VARCHAR" : (type ?? "VARCHAR") };
  });
}

async function countOf(engine: TableEngine, relation: string, signal: AbortSignal): Promise<number> {
  const [found] = await engine.rows(`SELECT count(*) AS rows FROM ${relation}`, signal);
  return Number(found!["rows"]);
}

/** Counts the rows there are, and the lines that make none: of too few or too many fields, or with a quote that does not end. */
async function countSkipping(
  engine: TableEngine,
  relation: string,
  shown: string,
  signal: AbortSignal,
): Promise<{ readonly rows: number; readonly skipped: SkippedRows }> {
  const rejecting = relation.replace(/\)$/, ", store_rejects = true, rejects_limit = 0)");
  const found = await engine.rows(
    `CREATE TEMP TABLE counted AS SELECT count(*) AS rows FROM ${rejecting};
     SELECT rows, line, why, text, count(line) OVER () AS bad FROM counted LEFT JOIN
       (SELECT line, any_value(error_message) AS why, any_value(csv_line) AS text FROM reject_errors GROUP BY line) ON true
     ORDER BY line LIMIT ${MOST_TOLD}`,
    signal,
  );
  const told = found.filter((row) => row["line"] !== null);
  const first = told.map((row) => {
    const text = JSON.stringify(String(row["text"]).trimEnd().slice(0, 80));
    return `${shown}, line ${String(row["line"])}: ${text} is no row: ${String(row["why"])}`;
  });
  return { rows: Number(found[0]!["rows"]), skipped: { rows: Number(found[0]!["bad"]), columns: [], first } };
}

const PARQUET = "PAR1";

/**
 * The engine looks at a file's end alone. Source: the Parquet format, File format.
 * @throws SlipwayError ROWS_INVALID where it does not begin as Parquet does; FILE_UNREADABLE
 */
async function refuseOtherBeginning({ path: file, shown }: TableFile): Promise<void> {
  let first: Buffer;
  try {
    await using handle = await open(file);
    first = Buffer.alloc(PARQUET.length);
    await handle.read(first, 0, first.length, 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SlipwayError("FILE_UNREADABLE", `${shown} can't be read (${code}).`, { cause: error });
  }
  if (first.toString("latin1") === PARQUET) return;
  throw new SlipwayError(
    "ROWS_INVALID",
    `${shown} begins with ${JSON.stringify(first.toString("latin1"))} rather than "${PARQUET}": it is damaged, or no Parquet file. Write it again, or say under "format" what it is.`,
  );
}

/** Files of one dataset have the same columns. Types may differ where both are numbers: the wider one is told. */
function agreed(
  columns: readonly DatasetColumn[],
  own: readonly DatasetColumn[],
  shown: string,
  first: string,
): readonly DatasetColumn[] {
  const missing = columns.find(({ name }) => !own.some((one) => one.name === name));
  const extra = own.find(({ name }) => !columns.some((one) => one.name === name));
  if (missing !== undefined || extra !== undefined) {
    const what = missing === undefined ? `has a column "${extra!.name}"` : `has no column "${missing.name}"`;
    const other = missing === undefined ? "does not" : "has";
    throw new SlipwayError(
      "ROWS_INVALID",
      `${shown} ${what}, and ${first} ${other}. Files of one dataset need the same columns.`,
    );
  }
  return columns.map(({ name, type }) => {
    const theirs = own.find((one) => one.name === name)!.type;
    if (theirs === type) return { name, type };
    if (isNumberType(theirs) && isNumberType(type)) return { name, type: "DOUBLE" };
    if (isTextType(theirs) || isTextType(type)) return { name, type: "VARCHAR" };
    throw new SlipwayError(
      "ROWS_INVALID",
      `The column "${name}" is ${theirs} in ${shown} and ${type} in ${first}. Write it in one type.`,
    );
  });
}

/**
 * The error of a file that can't be read, naming it; of JSON Lines, with the line that is none.
 * @param named as the engine names it
 */
async function located(error: unknown, file: TableFile, named: string, format: TableFormat): Promise<unknown> {
  if (!(error instanceof SlipwayError) || error.code !== "ROWS_INVALID" || error.message.startsWith(file.shown))
    return error;
  const broken = /CSV Error on Line: (\d+)/.exec(error.message)?.[1];
  if (broken !== undefined && /Invalid unicode/.test(error.message)) return notUtf8(file.shown, `line ${broken}`);
  const line = format === "jsonl" && !file.path.endsWith(".gz") ? await firstBrokenLine(file.path) : null;
  const message = (line ?? error.message).replaceAll(named, file.shown);
  const details = broken === undefined ? undefined : { path: file.shown, line: Number(broken) };
  const told = message.replace(/; Possible [\s\S]*$/, ".");
  return new SlipwayError("ROWS_INVALID", `${file.shown}: ${told}`, { cause: error, ...(details && { details }) });
}

async function firstBrokenLine(file: string): Promise<string | null> {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (line.trim() === "") continue;
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === "object" && value !== null && !Array.isArray(value)) continue;
    } catch {
      // Told below.
    }
    return `Line ${number} is no JSON object: ${JSON.stringify(line.slice(0, 80))}. Each line holds one row, {"column": value, …}.`;
  }
  return null;
}

function changed(shown: string, rows: number, found: number): SlipwayError {
  return new SlipwayError(
    "ROWS_INVALID",
    `${shown} had ${rows} rows when it was opened and has ${found} now; it was changed meanwhile. Open it again.`,
  );
}
