// Where rows come from, whatever their files: named columns, read in order, block by block. What a column means to a model
// is for those above.
import { SlipwayError } from "@slipway/core/base";
import type { NumericData } from "@slipway/core/tensor";
import type { DatasetColumn } from "./dataset.ts";

/** How a column's values are wanted. */
export type ColumnForm =
  | "number" // numbers as they are stored; text is read as a number
  | "integer" // the same, without passing through floating point
  | "text"
  | "list" // numbers or texts, one or many a row
  | "moment" // numbers that order rows in time: microseconds since the Unix epoch for dates and times
  | "seconds"; // the same as seconds since the epoch; what is a number already is taken for such

/** What a column's values are: "moment" for dates and times, "other" for what can only be shown. */
export type ColumnKind = "number" | "whole" | "truth" | "text" | "list" | "moment" | "image" | "other";

/** Rows of one column. */
export type ColumnBlock =
  /** As many elements for each row; `nulls` has a 1 for each element that is missing or not what was wanted. */
  | {
      readonly kind: "numbers";
      readonly values: NumericData;
      readonly shape: readonly number[];
      readonly nulls: Uint8Array | null;
      /** What a 1 in `nulls` says; where it is "unreadable", missing numbers are NaN. */
      readonly nullsMean: "missing" | "unreadable";
    }
  | { readonly kind: "texts"; readonly values: readonly (string | null)[]; readonly shape: readonly number[] }
  | { readonly kind: "lists"; readonly rows: readonly (ListRow | null)[] };

/** A row that is a list. */
export interface ListRow {
  readonly values: NumericData | readonly (string | null)[];
  /** Lengths of nested lists; null where lists of one level differ in length. */
  readonly shape: readonly number[] | null;
  /** Place of the first element that is missing; -1 where none is. */
  readonly nullAt: number;
}

export interface Block {
  /** Among all rows of the source. */
  readonly firstRow: number;
  readonly rows: number;
  /** As they were wanted, in that order. Their memory is good until the next block is asked for. */
  readonly columns: readonly ColumnBlock[];
}

/** A column in a form; one column may be wanted in several. */
export interface Wanted {
  readonly column: string;
  readonly form: ColumnForm;
}

export interface RowPlace {
  /** The file's name, for people. */
  readonly path: string;
  /** The file, absolute. */
  readonly file: string;
  /** The row in it, from 0; null where the file is the row. */
  readonly row: number | null;
}

/** Rows in one order, the same each time. */
export interface RowSource {
  readonly columns: readonly DatasetColumn[];
  readonly rows: number;
  /**
   * Blocks of a few thousand rows at most, so that memory stays small.
   * @throws SlipwayError ROWS_INVALID for a file that can't be read to its end; the signal's reason
   */
  read(wanted: readonly Wanted[], firstRow: number, signal: AbortSignal): AsyncIterable<Block>;
  /** What a row of a column holds: `[]` a single value; null where that differs from row to row. */
  shapeOf(column: string): readonly number[] | null;
  /** Whether a column holds numbers, texts, lists, or what no input is made of. */
  kindOf(column: string): ColumnKind;
  /** The folder that paths in a row are relative to. */
  folderOf(row: number): string;
  where(row: number): RowPlace;
  /** A value as the file has it, for messages; null where it is missing. */
  valueAt(row: number, column: string): Promise<string | null>;
  close(): Promise<void>;
}

/** Where a row is, for people, who count from 1: "rows.csv, row 7". */
export function placeText(source: RowSource, row: number): string {
  const { path, row: within } = source.where(row);
  return within === null ? path : `${path}, row ${within + 1}`;
}

/** A value of a row of several: by its index in each axis, from 0. */
export interface RowElement {
  readonly at: readonly number[];
  readonly value: string;
}

/**
 * Why a row can't be used, with its value as the file has it.
 * @param wants what the value should have been: `the label has to be a class index`
 * @param ifMissing what to do where there is none
 * @param element of a row of several values, the one that is at fault
 */
export async function misfitError(
  source: RowSource,
  row: number,
  column: string,
  wants: string,
  ifMissing = "",
  element: RowElement | null = null,
): Promise<SlipwayError> {
  const { path, row: within } = source.where(row);
  const value = element?.value ?? (await source.valueAt(row, column));
  const isMissing = value === null || value === "";
  const seen = isMissing ? "the value is missing" : `${JSON.stringify(value.slice(0, 100))} can't be used`;
  const advice = isMissing ? ifMissing : "";
  return new SlipwayError(
    "ROWS_INVALID",
    `${placeText(source, row)}, column "${column}"${element === null ? "" : `, at [${element.at.join(", ")}]`}: ${seen}; ${wants}${advice}.`,
    {
      details: { path, row: within, column, value },
    },
  );
}

/** The file that holds a row, among files one after the other. */
export function fileOfRow(fileRows: readonly number[], row: number): { readonly file: number; readonly row: number } {
  let left = row;
  for (const [file, rows] of fileRows.entries()) {
    if (left < rows) return { file, row: left };
    left -= rows;
  }
  return { file: fileRows.length - 1, row: left + (fileRows.at(-1) ?? 0) };
}
