// What a dataset is to those who read it: rows in batches, typed for a model's signature, with what is known of them.
import type { Signature, Tensor } from "@slipway/core/tensor";

export interface DatasetColumn {
  readonly name: string;
  /** As the source has it: "DOUBLE", "VARCHAR", "float32[1, 28, 28]", "image". */
  readonly type: string;
}

export interface DatasetFile {
  /** As the description named it, for people. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What a dataset is, as found when it was opened. Its hash covers the files, how they are read and how they are split. */
export interface DatasetManifest {
  readonly schema: 1;
  readonly name: string;
  readonly format: "csv" | "parquet" | "jsonl" | "arrays" | "images";
  readonly files: readonly DatasetFile[];
  readonly columns: readonly DatasetColumn[];
  readonly rows: number;
  /** Rows of each split by name; empty where it is not split. */
  readonly splits: Readonly<Record<string, number>>;
  /** Where the data comes from and under which licence, as whoever described it says; null where nobody did. */
  readonly source: string | null;
  readonly licence: string | null;
  /** SHA-256 over the canonical JSON of all that decides what a batch holds. */
  readonly hash: string;
}

/** What is to be found of each row. */
export type Labels =
  /** Class indices from 0, and the classes' names where the source has names. */
  { readonly kind: "class"; readonly values: Int32Array } | { readonly kind: "number"; readonly values: Float64Array };

export interface RowBatch {
  /** Place of its first row within the split, from 0. */
  readonly firstRow: number;
  readonly rows: number;
  /** By the model's inputs; the first axis counts rows. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** null where the dataset has no label column. */
  readonly labels: Labels | null;
  /** Weights of the rows; null where all weigh the same. */
  readonly weights: Float64Array | null;
  /** Of the columns asked for as slices: each row's value as text; null where it has none. */
  readonly slices: Readonly<Record<string, readonly (string | null)[]>>;
}

export interface BatchOptions {
  readonly signature: Signature;
  /** null takes all rows. */
  readonly split: string | null;
  /** Rows of a batch, but for the last. */
  readonly batchRows: number;
  /** Columns whose values are wanted beside the inputs. */
  readonly slices: readonly string[];
  /** Rows to pass over, for those who go on after an interruption. */
  readonly firstRow: number;
  readonly signal: AbortSignal;
}

export interface Dataset {
  readonly manifest: DatasetManifest;
  /** Names of the classes by index where labels are classes with names; null else. */
  readonly classes: readonly string[] | null;
  /** Rows of a split; all where it is null. @throws SlipwayError ROWS_INVALID where there is no such split */
  rowsOf(split: string | null): number;
  /**
   * In the same order each time. Memory stays within a few batches, however long the data.
   * @throws SlipwayError ROWS_INVALID naming file, row, column and value; INPUT_* where rows don't fit the signature
   */
  batches(options: BatchOptions): AsyncIterable<RowBatch>;
  close(): Promise<void>;
}
