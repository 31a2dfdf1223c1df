// What is in a dataset, for people: each column's type, missing values and range, how labels and splits are distributed, and
// a few rows. One pass over everything.
import type { DatasetColumn } from "./dataset.ts";
import type { OpenDataset } from "./open.ts";
import type { ColumnBlock, RowSource, Wanted } from "./source.ts";

export interface ColumnSummary extends DatasetColumn {
  /** Rows without a value; for columns of several values a row, rows without any. NaN counts as missing. */
  readonly missing: number;
  /** Rows that are no number although the first ones were. */
  readonly unreadable: number;
  /** Of numbers: least and most but NaN; of texts: first and last by code unit; null where there is none. */
  readonly min: number | string | null;
  readonly max: number | string | null;
  /** Different texts; null for others, and where there are more than are counted. */
  readonly distinct: number | null;
  /** What it is to the dataset; null where the description does not say. */
  readonly role: "label" | "weight" | "split" | null;
}

export interface LabelCount {
  readonly label: string;
  readonly rows: number;
  /** Of them, rows in each split by name; empty where it is not split. */
  readonly splits: Readonly<Record<string, number>>;
}

export interface DatasetSummary {
  readonly columns: readonly ColumnSummary[];
  /** Rows by label, of those there are most first; null for numbers, and where there is no label column. */
  readonly labels: readonly LabelCount[] | null;
  /** Values as the files have them, by column. */
  readonly sample: readonly (readonly (string | null)[])[];
}

const MOST_DISTINCT = 10_000;
const SAMPLE_ROWS = 5;
const LONGEST_SAMPLE = 200;

/**
 * @param onRows told how many rows were read so far
 * @throws SlipwayError ROWS_INVALID for a file that can't be read to its end; the signal's reason
 */
export async function summariseDataset(
  dataset: OpenDataset,
  signal: AbortSignal,
  onRows: (done: number) => void = () => {},
): Promise<DatasetSummary> {
  const { source, labels, splits, manifest } = dataset;
  const columns = source.columns.map((column) => new ColumnCount(column, source));
  const wanted: Wanted[] = [...columns.map(({ wanted: one }) => one), ...(splits?.wanted ?? [])];
  const counts = labels?.kind === "class" ? new Map<string, Float64Array>() : null;
  if (counts !== null) wanted.push({ column: labels!.column, form: "text" });
  for await (const block of source.read(wanted, 0, signal)) {
    for (const [at, column] of columns.entries()) column.add(block.columns[at]!, block.rows);
    onRows(block.firstRow + block.rows);
    const last = block.columns.at(-1);
    if (counts === null || last?.kind !== "texts") continue;
    const assigned = await splits?.assign({ ...block, columns: block.columns.slice(columns.length, -1) });
    for (const [row, text] of last.values.entries()) {
      if (text === null) continue;
      // Of each label: all rows, then those of each split.
      let count = counts.get(text);
      if (count === undefined) counts.set(text, (count = new Float64Array(1 + (splits?.names.length ?? 0))));
      count[0]! += 1;
      if (assigned !== undefined) count[1 + assigned[row]!]! += 1;
    }
  }
  const sample: (string | null)[][] = [];
  for (let row = 0; row < Math.min(SAMPLE_ROWS, manifest.rows); row++) {
    const values: (string | null)[] = [];
    for (const { name } of source.columns)
      values.push((await source.valueAt(row, name))?.slice(0, LONGEST_SAMPLE) ?? null);
    sample.push(values);
  }
  return {
    columns: columns.map((column) => column.summary(dataset)),
    labels:
      counts === null ? null : [...counts].map(([text, count]) => labelCount(text, count, dataset)).toSorted(byRows),
    sample,
  };
}

function labelCount(text: string, count: Float64Array, dataset: OpenDataset): LabelCount {
  const names = dataset.splits?.names ?? [];
  const splits = Object.fromEntries(names.map((name, place) => [name, count[1 + place]!]));
  return { label: nameOf(text, dataset), rows: count[0]!, splits };
}

function byRows(a: LabelCount, b: LabelCount): number {
  return b.rows - a.rows || (a.label < b.label ? -1 : 1);
}

/** A class by its name where the column has indices. */
function nameOf(text: string, { labels, classes }: OpenDataset): string {
  if (labels?.isNamed === true || classes === null) return text;
  const place = text === "true" ? 1 : text === "false" ? 0 : Number(text);
  return classes[place] ?? text;
}

class ColumnCount {
  readonly wanted: Wanted;
  readonly #column: DatasetColumn;
  #missing = 0;
  #unreadable = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = Number.NEGATIVE_INFINITY;
  #first: string | null = null;
  #last: string | null = null;
  #distinct: Set<string> | null;

  constructor(column: DatasetColumn, source: RowSource) {
    this.#column = column;
    const kind = source.kindOf(column.name);
    const isNumber = kind === "number" || kind === "whole";
    this.wanted = { column: column.name, form: kind === "list" ? "list" : isNumber ? "number" : "text" };
    this.#distinct = isNumber || kind === "list" || kind === "image" ? null : new Set();
  }

  add(block: ColumnBlock, rows: number): void {
    if (block.kind === "texts") return this.#addTexts(block.values);
    if (block.kind === "lists") {
      for (const row of block.rows) {
        if (row === null) this.#missing += 1;
        else if (ArrayBuffer.isView(row.values)) this.#addNumbers(row.values);
      }
      return;
    }
    const { values, nulls, nullsMean } = block;
    const width = rows === 0 ? 1 : values.length / rows;
    if (width !== 1) return this.#addNumbers(values);
    for (let row = 0; row < rows; row++) {
      if (nulls !== null && nulls[row] === 1) {
        if (nullsMean === "missing") this.#missing += 1;
        else this.#unreadable += 1;
      } else if (!this.#addNumber(Number(values[row]))) this.#missing += 1;
    }
  }

  #addNumbers(values: ArrayLike<number | bigint>): void {
    for (let at = 0; at < values.length; at++) this.#addNumber(Number(values[at]));
  }

  #addNumber(value: number): boolean {
    if (Number.isNaN(value)) return false;
    if (value < this.#least) this.#least = value;
    if (value > this.#most) this.#most = value;
    return true;
  }

  #addTexts(values: readonly (string | null)[]): void {
    for (const value of values) {
      if (value === null) {
        this.#missing += 1;
        continue;
      }
      if (this.#first === null || value < this.#first) this.#first = value;
      if (this.#last === null || value > this.#last) this.#last = value;
      this.#distinct?.add(value);
      if (this.#distinct !== null && this.#distinct.size > MOST_DISTINCT) this.#distinct = null;
    }
  }

  summary({ labels, weight, manifest, taken }: OpenDataset): ColumnSummary {
    const { name } = this.#column;
    const isNumber = this.#least <= this.#most;
    const others = weight === name ? "weight" : taken.has(name) ? "split" : null;
    return {
      ...this.#column,
      missing: this.#missing,
      unreadable: this.#unreadable,
      min: isNumber ? plain(this.#least) : (this.#first?.slice(0, LONGEST_SAMPLE) ?? null),
      max: isNumber ? plain(this.#most) : (this.#last?.slice(0, LONGEST_SAMPLE) ?? null),
      distinct: manifest.rows === 0 ? null : (this.#distinct?.size ?? null),
      role: labels?.column === name ? "label" : others,
    };
  }
}

/** JSON has no infinities. */
function plain(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
