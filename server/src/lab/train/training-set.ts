// What a fit reads: rows by their places, as the tensors a network takes and what it should answer. Held in memory, since an epoch
// reads them in another order than they lie in.
import { assert } from "@slipway/core/base";
import { createData, type DType, elementCount, type NamedTensor, type NumericDType, type Tensor } from "@slipway/core/tensor";

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
  /** What each row counts, 1 on average; null where all count the same. */
  readonly weights: Float32Array | null;
  /** Rows by their places, in that order: the inputs, then the target. */
  read(places: Int32Array): readonly NamedTensor[];
}

/** The name of the target among what is read. */
export const TARGET = "target";

export interface ArraysOptions {
  /** By the network's inputs; the first axis counts rows. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Labels int64 [N], or numbers float32 [N, …]. */
  readonly target: Tensor;
  readonly weights?: Float32Array | null;
}

/** Rows that lie in arrays. */
export function trainingSetFromArrays({ inputs, target, weights = null }: ArraysOptions): TrainingSet {
  const rows = target.shape[0]!;
  const columns = [...Object.entries(inputs), [TARGET, target] as const].map(([name, tensor]) => {
    assert(tensor.shape[0] === rows, `"${name}" has ${tensor.shape[0]} rows, and the target ${rows}.`);
    return { name, dtype: tensor.dtype as NumericDType, shape: tensor.shape.slice(1), data: tensor.data as Uint8Array };
  });
  return {
    rows,
    inputs: columns.slice(0, -1).map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    weights,
    read: (places) =>
      columns.map(({ name, dtype, shape, data }) => {
        const width = elementCount(shape);
        const picked = createData(dtype, places.length * width) as Uint8Array;
        if (width === 1) for (let at = 0; at < places.length; at++) picked[at] = data[places[at]!]!;
        else
          for (let at = 0; at < places.length; at++) {
            const from = places[at]! * width;
            picked.set(data.subarray(from, from + width), at * width);
          }
        return { name, dtype, shape: [places.length, ...shape], data: picked };
      }),
  };
}
