// Rows made ready to be learnt from, whatever they come from: what a network is fitted to, and the same rows as the served model will be
// given them.
import type { Input } from "@slipway/core/build";
import type { Model } from "@slipway/core/graph";
import type { NamedTensor } from "@slipway/core/tensor";
import type { DatasetManifest, SkippedRows } from "#lab/dataset";
import type { JsonObject, JsonValue } from "#registry";
import type { Task } from "./task.ts";
import type { TrainingSet } from "./training-set.ts";

export interface PreparedRows {
  readonly manifest: DatasetManifest;
  readonly task: Task;
  /** What a network is given of a row. */
  readonly input: Input;
  /** From what is served to features; null where the network takes what is served. */
  readonly encoder: Model | null;
  readonly training: TrainingSet;
  /** Rows that choose the best weights. */
  readonly validation: TrainingSet;
  /** Rows of training by class; null for numbers. */
  readonly classRows: readonly number[] | null;
  /** Rows that were left out, of all splits. */
  readonly skipped: SkippedRows;
  /** What was found of the columns, for the record. */
  readonly columns: readonly JsonObject[];
  /** What a version declares of how its records become inputs. */
  readonly records: {
    readonly instances: "rows" | "values";
    readonly before: readonly JsonObject[];
    readonly input: string | null;
    /** Columns of times, which may be given as text. */
    readonly times: readonly string[];
  };
  /** A few rows as callers send them. */
  readonly examples: readonly JsonValue[];
  /** Splits that figures are told of, by what they are: "validation", and "test" where the dataset has one. */
  readonly judgedBy: readonly {
    readonly name: "validation" | "test";
    readonly rows: () => AsyncIterable<ServedRows>;
  }[];
  close(): Promise<void>;
}

/** Rows as the served model takes them, with what it should answer: class indices, or numbers in their unit. */
export interface ServedRows {
  readonly inputs: readonly NamedTensor[];
  readonly truths: ArrayLike<number>;
}
