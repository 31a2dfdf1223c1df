// What a fit reads: rows by their places, as the tensors a network takes and what it should answer. Held in memory, since an epoch
// reads them in another order than they lie in.
import { assert, SlipwayError } from "@slipway/core/base";
import { createData, type DType, elementCount, type Tensor } from "@slipway/core/tensor";
import type { Batch } from "./step-engine.ts";

/** An input of a network, as one row has it. */
export interface TrainingInput {
  readonly name: string;
  readonly dtype: DType;
  /** Of one row. */
  readonly shape: readonly number[];
}

export interface TrainingSet {
  readonly rows: number;
  readonly inputs: readonly TrainingInput[];
  /** Whether rows count differently. */
  readonly isWeighted: boolean;
  /**
   * Rows by their places, in that order.
   * @param epoch in which they are trained by, from 0, where rows are a little different each time; null as they are
   */
  read(places: Int32Array, epoch?: number | null): Batch;
}

export interface ArraysOptions {
  /** By the network's inputs; the first axis counts rows. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Labels int64 [N], or numbers float32 [N, …]. */
  readonly target: Tensor;
  /** What each row counts, [N]. */
  readonly weights?: Float32Array | null;
}

/** Rows that lie in arrays. */
export function trainingSetFromArrays({ inputs, target, weights = null }: ArraysOptions): TrainingSet {
  const rows = target.shape[0]!;
  const columns = Object.entries(inputs);
  for (const [name, tensor] of columns) {
    assert(tensor.shape[0] === rows, `"${name}" has ${tensor.shape[0]} rows, and the target ${rows}.`);
  }
  const weighed: Tensor | null = weights === null ? null : { dtype: "float32", shape: [rows], data: weights };
  return {
    rows,
    inputs: columns.map(([name, { dtype, shape }]) => ({ name, dtype, shape: shape.slice(1) })),
    isWeighted: weights !== null,
    read: (places) => ({
      inputs: columns.map(([name, tensor]) => ({ name, ...pickedRows(tensor, places) })),
      target: pickedRows(target, places),
      weights: weighed === null ? null : pickedRows(weighed, places),
    }),
  };
}

/** A copy of rows, in the order of their places. */
export function pickedRows({ dtype, shape, data }: Tensor, places: Int32Array): Tensor {
  const row = shape.slice(1);
  const width = elementCount(row);
  if (dtype === "string") {
    const texts = data as readonly string[];
    const each = Array.from(places, (place) => texts.slice(place * width, (place + 1) * width));
    return { dtype, shape: [places.length, ...row], data: each.flat() };
  }
  const picked = createData(dtype, places.length * width) as Uint8Array;
  const from = data as Uint8Array;
  if (width === 1) for (let at = 0; at < places.length; at++) picked[at] = from[places[at]!]!;
  else
    for (let at = 0; at < places.length; at++) {
      const start = places[at]! * width;
      picked.set(from.subarray(start, start + width), at * width);
    }
  return { dtype, shape: [places.length, ...row], data: picked };
}

/** What rows count, so that they count 1 on the average. @throws SlipwayError DATASET_INVALID where none counts anything */
export function ofMeanOne(weights: Float32Array): Float32Array {
  const mean = weights.reduce((sum, value) => sum + value, 0) / weights.length;
  if (mean > 0) return weights.map((value) => value / mean);
  throw new SlipwayError("DATASET_INVALID", "All rows weigh 0, so there is nothing to learn from.");
}

/** All places of a set, in order. */
function allPlaces(rows: number): Int32Array {
  return Int32Array.from({ length: rows }, (_, at) => at);
}

/** Rows of each class. */
export function classRowsOf(set: TrainingSet, classes: number): readonly number[] {
  const { data } = set.read(allPlaces(set.rows)).target;
  const rows = Array.from({ length: classes }, () => 0);
  for (const label of data as BigInt64Array) rows[Number(label)]! += 1;
  return rows;
}
