// What an encoder is, as data: what became of each column when it was fitted. The ONNX model is made from this, and so is
// everything that is told of it.
import type { Model } from "@slipway/core/graph";
import type { ColumnRole, SkippedRows } from "#lab/dataset";

/** How a column's values become features. */
export type ColumnEncoding = NumberEncoding | CategoryEncoding | TimeEncoding;

/** (x − centre) / scale, where a missing x is `imputed` first; then a feature that says whether it was missing. */
export interface NumberEncoding {
  readonly kind: "number";
  /**
   * "standard" takes mean and standard deviation; "robust" median and interquartile range over 1.349, which is the standard
   * deviation of a normal distribution, and cuts off at ±`ROBUST_LIMIT`; "none" leaves truth values as they are.
   */
  readonly scaler: "standard" | "robust" | "none";
  /** The median of the training rows; of truth values the more frequent one. */
  readonly imputed: number;
  readonly centre: number;
  readonly scale: number;
  /** Whether training rows missed it, so that there is a feature that says so. */
  readonly hasMissing: boolean;
}

/** A feature for each kept value, which is 1 in rows of that value and else 0. */
export interface CategoryEncoding {
  readonly kind: "categories";
  /** In the order of their features: numbers ascending, texts by their code units. */
  readonly kept: readonly number[] | readonly string[];
  /**
   * Values of the training rows that are grouped, since they are too rare or too many. Their feature also stands for values
   * that no training row had; without rare ones, such rows have 0 in all features, since the weights of a feature that was
   * 0 in all of training would be what chance made them.
   */
  readonly rare: readonly number[] | readonly string[];
  /** Whether training rows missed it, so that there is a feature for it; else a missing value is as one never seen. */
  readonly hasMissing: boolean;
}

/** Seconds since the epoch, standardised, and where in its cycles a moment is: sine and cosine. */
export interface TimeEncoding {
  readonly kind: "time";
  readonly imputed: number;
  readonly centre: number;
  readonly scale: number;
  readonly cycles: readonly Cycle[];
  readonly hasMissing: boolean;
}

export type Cycle = keyof typeof CYCLES;

/** Cycles in UTC: their length and where one begins, in seconds. A year is the mean one of the Gregorian calendar. */
export const CYCLES = {
  day: { seconds: 86_400, start: 0 },
  week: { seconds: 604_800, start: 345_600 }, // Monday, 5 January 1970
  year: { seconds: 31_556_952, start: 0 },
} as const;

/** Where robust scaling cuts off, in standard deviations. */
export const ROBUST_LIMIT = 8;

/** What a column's input holds: a row's number, text, or seconds since the epoch. */
export type InputDType = "float32" | "string" | "float64";

export interface EncodedColumn {
  readonly name: string;
  readonly role: ColumnRole;
  /** Why it has this role. */
  readonly reason: string;
  readonly isTold: boolean;
  /** Training rows without a value; null of columns that were not read. */
  readonly missing: number | null;
  /** null where no feature is made of it. */
  readonly input: InputDType | null;
  readonly encoding: ColumnEncoding | null;
}

export interface EncodedFeature {
  /** "age", "age is missing", "job = clerk", "job is rare or new", "when: hour (sine)". */
  readonly name: string;
  readonly column: string;
}

/** What is to be predicted, as a network's targets. */
export type TargetEncoding =
  | {
      readonly kind: "classes";
      readonly column: string;
      /** By class index: as the files have them. */
      readonly labels: readonly string[];
      /** Training rows of each. */
      readonly rows: readonly number[];
    }
  | { readonly kind: "number"; readonly column: string; readonly mean: number; readonly scale: number };

export interface FittedEncoder {
  /**
   * ONNX: an input for each column that becomes features, by its name, of one axis that counts rows (NaN or "" where a value
   * is missing; truth values are 0 and 1; moments float64 seconds since the epoch); one output `features`, float32 [N, width].
   */
  readonly model: Model;
  readonly width: number;
  readonly features: readonly EncodedFeature[];
  /** All columns, in the order of the files. */
  readonly columns: readonly EncodedColumn[];
  /** null where no label was named. */
  readonly target: TargetEncoding | null;
  /** The column of weights. */
  readonly weight: string | null;
  /** Training rows it was fitted on. */
  readonly rows: number;
  /** Of the training rows, those that could not be used. */
  readonly skipped: SkippedRows;
}

/** A column that becomes features. */
export interface UsedColumn extends EncodedColumn {
  readonly input: InputDType;
  readonly encoding: ColumnEncoding;
}

/** Columns that become features, in the order of the files, which is that of the model's inputs. */
export function usedColumns(columns: readonly EncodedColumn[]): readonly UsedColumn[] {
  return columns.filter((column): column is UsedColumn => column.encoding !== null && column.input !== null);
}

/** Of a category encoding: which feature is lit by what; null where there is no such feature. */
export function categoryPlaces({ kept, rare, hasMissing }: CategoryEncoding): {
  readonly other: number | null;
  readonly missing: number | null;
  readonly width: number;
} {
  const other = rare.length > 0 ? kept.length : null;
  const missing = hasMissing ? kept.length + (other === null ? 0 : 1) : null;
  return { other, missing, width: kept.length + (other === null ? 0 : 1) + (missing === null ? 0 : 1) };
}
