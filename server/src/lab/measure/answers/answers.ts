// What a model answered to labelled rows, gathered: all that figures are computed from, and nothing of the inputs.
import type { Labels } from "#lab/dataset";
import type { Scores } from "../quality/index.ts";

/** The values of a column, each once; `codes` says which a row has. */
export interface SliceColumn {
  readonly name: string;
  /** In the order in which they first appear; null for rows without one. */
  readonly values: readonly (string | null)[];
  /** [rows] */
  readonly codes: Uint16Array;
}

export interface Answers {
  readonly rows: number;
  readonly labels: Labels;
  /** [rows]; null where all weigh the same. */
  readonly weights: Float64Array | null;
  readonly slices: readonly SliceColumn[];
  /** Name of the output that was taken. */
  readonly output: string;
  /** Numbers of a row in it. */
  readonly width: number;
  /** [rows, width] */
  readonly numbers: Scores;
}

/**
 * Numbers kept of all rows: 2^26 are 256 MiB in single precision. Computing figures takes about 20 bytes a number beside (a
 * thousand classes), 90 where classes are few enough to rank (ten; of at most 2^24 numbers).
 */
export const MOST_KEPT_NUMBERS = 2 ** 26;
/** Distinct values of a column to slice by. */
export const MOST_SLICE_VALUES = 1000;
/** Of all columns together: evidence has room for about five thousand slices. */
export const MOST_SLICES = 4000;
