// Rows through a fitted encoder: read as its model wants them, and run.
import type { Session } from "@slipway/core/backend";
import { assert } from "@slipway/core/base";
import type { NamedTensor } from "@slipway/core/tensor";
import type { BadRows, LabelPlan, OpenDataset, RowBatch } from "#lab/dataset";
import { type FittedEncoder, type TargetEncoding, usedColumns } from "./encoding.ts";
import { bindingOf } from "./fit.ts";

export interface EncoderRowsOptions {
  readonly split: string | null;
  readonly batchRows: number;
  /** Columns whose values are wanted beside. */
  readonly slices: readonly string[];
  readonly badRows: BadRows;
  readonly signal: AbortSignal;
}

/**
 * A dataset's rows with the columns that the encoder's model takes as inputs, the target as class indices or numbers, and
 * weights.
 * @throws SlipwayError ROWS_INVALID for a row that can't be used, unless such are skipped; the signal's reason
 */
export function encoderRows(
  dataset: OpenDataset,
  { columns, target, weight }: FittedEncoder,
  options: EncoderRowsOptions,
): AsyncIterable<RowBatch> {
  const inputs = usedColumns(columns).map(({ name, input, role }) => bindingOf(name, input, role === "timestamp"));
  return dataset.rowsAs({ ...options, inputs, labels: target === null ? null : planOf(target), weight });
}

function planOf(target: TargetEncoding): LabelPlan {
  const { column } = target;
  if (target.kind === "number") return { column, kind: "number", classes: null, isNamed: false };
  return { column, kind: "class", classes: target.labels, isNamed: true };
}

export interface EncodedRows {
  /** Row by row: [rows, width]. */
  readonly features: Float32Array;
  /** Class indices, or numbers less their mean over their scale; empty without a target. */
  readonly targets: Int32Array | Float32Array;
  /** null where all rows weigh the same. */
  readonly weights: Float32Array | null;
}

/**
 * Encodes rows by running the encoder's model.
 * @param batch of `encoderRows`
 * @param session of the encoder's model
 */
export async function encodeRows(encoder: FittedEncoder, batch: RowBatch, session: Session): Promise<EncodedRows> {
  const output = encoder.model.graph.outputs[0]!.name;
  const feeds = usedColumns(encoder.columns).map(({ name }): NamedTensor => ({ name, ...batch.inputs[name]! }));
  const [features] = await session.run(feeds, [output]);
  return {
    features: features!.data as Float32Array,
    targets: targetsOf(encoder.target, batch),
    weights: batch.weights === null ? null : Float32Array.from(batch.weights),
  };
}

function targetsOf(target: TargetEncoding | null, { labels }: RowBatch): Int32Array | Float32Array {
  if (target === null) return new Int32Array(0);
  assert(labels !== null, "Rows of an encoder with a target came without labels.");
  if (target.kind === "classes") return labels.values as Int32Array;
  return Float32Array.from(labels.values, (value) => (value - target.mean) / target.scale);
}

/** Of a column: values that were missing, and values that no training row had. */
export interface UnusualValues {
  readonly column: string;
  readonly missing: number;
  readonly unseen: number;
}

/** Counts what rows miss and what is new in them, over any number of batches. */
export class UnusualCount {
  readonly #columns: readonly {
    readonly name: string;
    readonly known: ReadonlySet<number | string> | null;
  }[];
  readonly #counts: { missing: number; unseen: number }[];

  constructor({ columns }: FittedEncoder) {
    this.#columns = usedColumns(columns).map(({ name, encoding }) => {
      return { name, known: encoding.kind === "categories" ? new Set([...encoding.kept, ...encoding.rare]) : null };
    });
    this.#counts = this.#columns.map(() => ({ missing: 0, unseen: 0 }));
  }

  add({ inputs }: RowBatch): void {
    for (const [at, { name, known }] of this.#columns.entries()) {
      const count = this.#counts[at]!;
      for (const value of inputs[name]!.data as ArrayLike<number | string> & Iterable<number | string>) {
        if (value === "" || Number.isNaN(value)) count.missing += 1;
        else if (known !== null && !known.has(value)) count.unseen += 1;
      }
    }
  }

  /** By column, in the order of the files. */
  counts(): readonly UnusualValues[] {
    return this.#columns.map(({ name }, at) => ({ column: name, ...this.#counts[at]! }));
  }
}
