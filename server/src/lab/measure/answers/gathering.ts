// The rows gathered so far, growing batch by batch, and the same as a small JSON value from which a later run goes on.
import { SlipwayError } from "@slipway/core/base";
import type { Labels, RowBatch } from "#lab/dataset";
import type { Scores } from "../quality/index.ts";
import { type Answers, MOST_KEPT_NUMBERS, MOST_SLICE_VALUES, MOST_SLICES } from "./answers.ts";

/** Above this much text nothing is saved: an interrupted job then begins again. */
const MOST_SAVED_CHARACTERS = 4 * 2 ** 20;
const SCHEMA = 1;

/** What it is that was answered: other rows or another output make a saved state useless. */
export interface GatheringKey {
  readonly dataset: string;
  readonly split: string | null;
  readonly model: string;
  readonly slices: readonly string[];
}

/** What is saved: arrays as base64 of their bytes. */
interface SavedGathering {
  readonly schema: number;
  readonly key: GatheringKey;
  readonly rows: number;
  readonly done: number;
  readonly output: string;
  readonly width: number;
  readonly isSingle: boolean;
  readonly kind: Labels["kind"];
  readonly numbers: string;
  readonly labels: string;
  readonly weights: string | null;
  readonly slices: readonly { readonly values: readonly (string | null)[]; readonly codes: string }[];
}

interface Column {
  readonly name: string;
  readonly values: (string | null)[];
  readonly places: Map<string | null, number>;
  readonly codes: Uint16Array;
}

/** Rows in arrays of the length of the whole, filled from the front. */
export class Gathering {
  readonly #rows: number;
  readonly #columns: readonly Column[];
  #labels: Labels | null = null;
  #weights: Float64Array | null = null;
  #numbers: Scores | null = null;
  #output = "";
  #width = 0;
  #done = 0;

  constructor(rows: number, slices: readonly string[]) {
    this.#rows = rows;
    this.#columns = slices.map((name) => ({ name, values: [], places: new Map(), codes: new Uint16Array(rows) }));
  }

  /** Rows gathered so far. */
  get done(): number {
    return this.#done;
  }

  /**
   * Adds a batch and what was answered to it.
   * @throws SlipwayError ROWS_INVALID for what can't be kept: too many numbers or values, labels of two kinds, a batch that does not follow
   */
  add(batch: RowBatch, labels: Labels, output: string, width: number, numbers: Scores): void {
    const { firstRow, rows, weights, slices } = batch;
    if (firstRow !== this.#done || this.#done + rows > this.#rows) {
      throw new SlipwayError(
        "ROWS_INVALID",
        `A batch of ${rows} rows begins at row ${firstRow}, after ${this.#done} of ${this.#rows}; the dataset changed while it was read.`,
      );
    }
    this.#begin(labels, width, numbers, weights !== null);
    if (
      labels.kind !== this.#labels!.kind ||
      width !== this.#width ||
      (weights === null) !== (this.#weights === null)
    ) {
      throw new SlipwayError(
        "ROWS_INVALID",
        `From row ${firstRow} on, labels are of another kind, weights come or go, or the output "${output}" has ${width} numbers a row instead of ${this.#width}.`,
      );
    }
    this.#labels!.values.set(labels.values, firstRow);
    if (weights !== null) this.#weights!.set(weights, firstRow);
    this.#numbers!.set(numbers, firstRow * width);
    for (const column of this.#columns) addValues(column, slices[column.name], firstRow, rows);
    const found = this.#columns.reduce((sum, { values }) => sum + values.length, 0);
    if (found > MOST_SLICES) {
      throw new SlipwayError(
        "ROWS_INVALID",
        `The ${this.#columns.length} columns to slice by have together ${found} distinct values by row ${firstRow + rows}, more than ${MOST_SLICES}; slice by fewer columns at once.`,
      );
    }
    this.#output = output;
    this.#done += rows;
  }

  /** Makes room for all rows at the first batch. */
  #begin(labels: Labels, width: number, numbers: Scores, isWeighted: boolean): void {
    if (this.#labels !== null) return;
    if (this.#rows * width > MOST_KEPT_NUMBERS) {
      throw new SlipwayError(
        "ROWS_INVALID",
        `${this.#rows} rows with ${width} numbers each are more than the ${MOST_KEPT_NUMBERS} that are kept of a model's answers. Measure on a smaller split.`,
      );
    }
    const rows = this.#rows;
    this.#labels =
      labels.kind === "class"
        ? { kind: "class", values: new Int32Array(rows) }
        : { kind: "number", values: new Float64Array(rows) };
    this.#weights = isWeighted ? new Float64Array(rows) : null;
    const length = rows * width;
    this.#numbers = numbers instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
    this.#width = width;
  }

  /** All of it. @throws SlipwayError ROWS_INVALID where there are no rows, or fewer came than the dataset said */
  answers(): Answers {
    if (this.#labels === null) throw new SlipwayError("ROWS_INVALID", "There are no rows.");
    if (this.#done !== this.#rows) {
      throw new SlipwayError("ROWS_INVALID", `Only ${this.#done} of ${this.#rows} rows came; the dataset changed.`);
    }
    return {
      rows: this.#rows,
      labels: this.#labels,
      weights: this.#weights,
      slices: this.#columns.map(({ name, values, codes }) => ({ name, values, codes })),
      output: this.#output,
      width: this.#width,
      numbers: this.#numbers!,
    };
  }

  /** What `restore` takes, as JSON; null where it would be too large to save again and again. */
  saved(key: GatheringKey): SavedGathering | null {
    if (this.#labels === null) return null;
    const [done, width, weights] = [this.#done, this.#width, this.#weights];
    const numbers = this.#numbers!;
    const state: SavedGathering = {
      schema: SCHEMA,
      key,
      rows: this.#rows,
      done,
      output: this.#output,
      width,
      isSingle: numbers instanceof Float32Array,
      kind: this.#labels.kind,
      numbers: textOf(numbers.subarray(0, done * width)),
      labels: textOf(this.#labels.values.subarray(0, done)),
      weights: weights === null ? null : textOf(weights.subarray(0, done)),
      slices: this.#columns.map(({ values, codes }) => ({ values, codes: textOf(codes.subarray(0, done)) })),
    };
    const texts = [state.numbers, state.labels, state.weights ?? "", ...state.slices.map(({ codes }) => codes)];
    return texts.reduce((sum, text) => sum + text.length, 0) > MOST_SAVED_CHARACTERS ? null : state;
  }

  /** Takes over what an earlier run saved of the same rows; does nothing with anything else. */
  restore(saved: unknown, key: GatheringKey): void {
    const state = saved as SavedGathering | null | undefined;
    if (state?.schema !== SCHEMA) return;
    if (JSON.stringify(state.key) !== JSON.stringify(key) || state.rows !== this.#rows) return;
    const { done, width, isSingle, kind } = state;
    const numbers = isSingle ? new Float32Array(bytesOf(state.numbers)) : new Float64Array(bytesOf(state.numbers));
    const labels: Labels =
      kind === "class"
        ? { kind, values: new Int32Array(bytesOf(state.labels)) }
        : { kind, values: new Float64Array(bytesOf(state.labels)) };
    this.#begin(labels, width, numbers, state.weights !== null);
    this.#labels!.values.set(labels.values);
    if (state.weights !== null) this.#weights!.set(new Float64Array(bytesOf(state.weights)));
    this.#numbers!.set(numbers);
    this.#columns.forEach((column, index) => {
      const { values, codes } = state.slices[index]!;
      column.values.push(...values);
      values.forEach((value, place) => column.places.set(value, place));
      column.codes.set(new Uint16Array(bytesOf(codes)));
    });
    this.#output = state.output;
    this.#done = done;
  }
}

function addValues(
  { name, values, places, codes }: Column,
  given: readonly (string | null)[] | undefined,
  firstRow: number,
  rows: number,
): void {
  if (given === undefined || given.length !== rows) {
    throw new SlipwayError("ROWS_INVALID", `The dataset answers no values of the column "${name}" to slice by.`);
  }
  given.forEach((value, row) => {
    let place = places.get(value);
    if (place === undefined) {
      place = values.length;
      if (place === MOST_SLICE_VALUES) {
        throw new SlipwayError(
          "ROWS_INVALID",
          `The column "${name}" to slice by has more than ${MOST_SLICE_VALUES} distinct values by row ${firstRow + row}; put its values into ranges or kinds first.`,
        );
      }
      values.push(value);
      places.set(value, place);
    }
    codes[firstRow + row] = place;
  });
}

function textOf({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString("base64");
}

/** A buffer of its own, aligned for any type. */
function bytesOf(text: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(text, "base64")).buffer;
}
