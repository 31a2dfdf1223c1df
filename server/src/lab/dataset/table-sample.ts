// Columns of a dataset in memory: all its rows where they are few, else a part of them that the rows' places and a seed
// decide, so that it is the same on every machine. What looks at whole columns (roles, associations, ranks) looks here.
import { assert } from "@slipway/core/base";
import { secondsOfTime } from "@slipway/core/processing";
import { fractionOfBytes, fractionOfRow, fractionOfText } from "./murmur.ts";
import type { OpenDataset } from "./open.ts";
import type { ColumnBlock, ColumnForm, ColumnKind, ListRow } from "./source.ts";

/** A column's values, one a row. */
export interface SampledColumn {
  readonly name: string;
  /** As the source has it: "DOUBLE", "VARCHAR". */
  readonly type: string;
  readonly kind: ColumnKind;
  /** Numbers, truth values as 0 and 1, moments as seconds since the epoch; NaN where there is none. null for others. */
  readonly numbers: Float64Array | null;
  /** Of texts and of paths of images; null where there is none, which "" counts as. null for others. */
  readonly texts: readonly (string | null)[] | null;
  /** Of columns of several values a row: a hash of each row's, by which equal ones are known; null for others. */
  readonly hashes: Float64Array | null;
  /** Rows without a value. */
  readonly missing: number;
  /** Rows with text where the column's others are numbers or times; they are NaN in `numbers`. */
  readonly unreadable: number;
  /** The first of those, as a row of the source; null where there is none. */
  readonly firstUnreadable: number | null;
}

export interface TableSample {
  readonly rows: number;
  /** Rows there are of what was sampled. */
  readonly allRows: number;
  readonly columns: readonly SampledColumn[];
  /** Each row's place in the source. */
  readonly places: Float64Array;
  /** Each row's split by its place among the splits; null where the dataset is not split. */
  readonly splits: Uint8Array | null;
}

export interface SampleOptions {
  /** null takes the rows of all. */
  readonly split: string | null;
  readonly mostRows: number;
  readonly seed?: number;
  readonly signal: AbortSignal;
  /** Told how many rows of the source were read. */
  readonly onRows?: (done: number) => void;
}

const FORMS: Readonly<Record<ColumnKind, ColumnForm | null>> = {
  number: "number",
  whole: "number",
  truth: "number",
  moment: "seconds",
  text: "text",
  image: "text",
  list: "list",
  other: null,
};

/** @throws SlipwayError ROWS_INVALID for a file that can't be read or a split there is not; the signal's reason */
export async function sampleTable(dataset: OpenDataset, options: SampleOptions): Promise<TableSample> {
  const { source, splits } = dataset;
  const { seed = 0, mostRows, signal } = options;
  const allRows = dataset.rowsOf(options.split);
  const wantedSplit = options.split === null ? null : splits!.names.indexOf(options.split);
  const share = allRows <= mostRows ? 1 : mostRows / allRows;
  const columns = source.columns.map((column) => {
    const kind = source.kindOf(column.name);
    // Several values a row are no column of a table.
    const isSingle = kind !== "list" && (source.shapeOf(column.name)?.length ?? 0) === 0;
    return new GrowingColumn(column.name, column.type, isSingle ? kind : "list");
  });
  const read = columns.flatMap(({ wanted }) => (wanted === null ? [] : [wanted]));
  const wanted = [...read, ...(splits?.wanted ?? [])];
  const places: number[] = [];
  const assignedSplits: number[] = [];
  for await (const block of source.read(wanted, 0, signal)) {
    const assigned = await splits?.assign({ ...block, columns: block.columns.slice(read.length) });
    const taken: number[] = [];
    for (let row = 0; row < block.rows; row++) {
      if (wantedSplit !== null && assigned![row] !== wantedSplit) continue;
      const place = block.firstRow + row;
      if (share < 1 && fractionOfRow(place, seed) >= share) continue;
      taken.push(row);
      places.push(place);
      if (assigned !== undefined) assignedSplits.push(assigned[row]!);
    }
    let at = 0;
    for (const column of columns) {
      if (column.wanted !== null) column.add(block.columns[at++]!, taken, block.firstRow);
    }
    options.onRows?.(block.firstRow + block.rows);
  }
  return {
    rows: places.length,
    allRows,
    columns: columns.map((column) => column.sampled()),
    places: Float64Array.from(places),
    splits: splits === null ? null : Uint8Array.from(assignedSplits),
  };
}

class GrowingColumn {
  readonly wanted: { readonly column: string; readonly form: ColumnForm } | null;
  readonly #name: string;
  readonly #type: string;
  readonly #kind: ColumnKind;
  readonly #numbers: number[] = [];
  readonly #texts: (string | null)[] = [];
  readonly #hashes: number[] = [];
  #missing = 0;
  #unreadable = 0;
  #firstUnreadable: number | null = null;

  constructor(name: string, type: string, kind: ColumnKind) {
    this.#name = name;
    this.#type = type;
    this.#kind = kind;
    const form = FORMS[kind];
    this.wanted = form === null ? null : { column: name, form };
  }

  add(block: ColumnBlock, rows: readonly number[], firstRow: number): void {
    if (this.#kind === "list") {
      for (const row of rows) this.#addHash(block, row);
      return;
    }
    if (block.kind === "texts") {
      for (const row of rows) {
        const text = block.values[row] ?? null;
        this.#texts.push(text === "" ? null : text);
        if (text === null || text === "") this.#missing += 1;
      }
      return;
    }
    assert(block.kind === "numbers", "A column of single values came as lists.");
    for (const row of rows) {
      const isNull = block.nulls?.[row] === 1;
      const value = isNull ? Number.NaN : Number(block.values[row]);
      this.#numbers.push(value);
      if (isNull && block.nullsMean === "unreadable") {
        this.#unreadable += 1;
        this.#firstUnreadable ??= firstRow + row;
      } else if (Number.isNaN(value)) this.#missing += 1;
    }
  }

  #addHash(block: ColumnBlock, row: number): void {
    const values = valuesOf(block, row);
    if (values === null) this.#missing += 1;
    this.#hashes.push(values === null ? Number.NaN : hashOf(values));
  }

  sampled(): SampledColumn {
    const form = FORMS[this.#kind];
    return {
      name: this.#name,
      type: this.#type,
      kind: this.#kind,
      numbers: form === "number" || form === "seconds" ? Float64Array.from(this.#numbers) : null,
      texts: form === "text" ? this.#texts : null,
      hashes: form === "list" ? Float64Array.from(this.#hashes) : null,
      missing: this.#missing,
      unreadable: this.#unreadable,
      firstUnreadable: this.#firstUnreadable,
    };
  }
}

/** A row of several values; null where there is none. */
function valuesOf(block: ColumnBlock, row: number): ListRow["values"] | null {
  if (block.kind === "lists") return block.rows[row]?.values ?? null;
  const width = block.shape.reduce((product, length) => product * length, 1);
  const [from, to] = [row * width, (row + 1) * width];
  return block.kind === "texts" ? block.values.slice(from, to) : block.values.subarray(from, to);
}

function hashOf(values: ListRow["values"]): number {
  if (!ArrayBuffer.isView(values)) return fractionOfText(JSON.stringify(values), 0);
  return fractionOfBytes(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 0);
}

/** The column with its texts read as numbers, as they are where a model takes numbers. */
export function numbersFromTexts(column: SampledColumn, places: Float64Array): SampledColumn {
  return readTexts(column, places, (text) => (isNumberText(text) ? Number(text) : null));
}

/** The column with its texts read as dates and times, in seconds since the epoch. */
export function momentsFromTexts(column: SampledColumn, places: Float64Array): SampledColumn {
  return readTexts(column, places, secondsOfTime);
}

function readTexts(column: SampledColumn, places: Float64Array, read: (text: string) => number | null): SampledColumn {
  if (column.texts === null) return column;
  let unreadable = 0;
  let firstUnreadable: number | null = null;
  const numbers = Float64Array.from(column.texts, (text, row) => {
    if (text === null) return Number.NaN;
    const number = read(text);
    if (number !== null) return number;
    unreadable += 1;
    firstUnreadable ??= places[row]!;
    return Number.NaN;
  });
  return { ...column, numbers, texts: null, unreadable, firstUnreadable };
}

/** Whether it is read as a date or time, as requests may have them too. */
export function isMomentText(text: string): boolean {
  return secondsOfTime(text) !== null;
}

/** What is read as a number: as JavaScript and DuckDB agree on it. */
export function isNumberText(text: string): boolean {
  return /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/.test(text);
}
