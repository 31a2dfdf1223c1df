// Joins the inputs of a batch's requests into one tensor each, and cuts what the run answered back into theirs.
import { assert } from "@slipway/core/base";
import {
  bytesFromData,
  createData,
  elementCount,
  type NumericData,
  type NumericDType,
  type Tensor,
  type TensorData,
} from "@slipway/core/tensor";

/** How lengths along an axis may differ between the requests of a batch. */
export interface Padding {
  readonly axis: number;
  /** For each output, by the signature's order: the axis that follows the padded one, or null. */
  readonly outputAxes: readonly (number | null)[];
}

/**
 * One tensor of the rows of all. Shapes differ in their first axis, and in `padAxis` where it is not null, which is
 * filled up with zeros. `recycle` gives an array of at least that many elements to write into.
 */
export function joinRows(
  tensors: readonly Tensor[],
  padAxis: number | null,
  recycle: (dtype: NumericDType, length: number) => NumericData,
): Tensor {
  const first = tensors[0]!;
  if (tensors.length === 1) return first;
  const shape = first.shape.slice();
  let rows = 0;
  let isPadded = false;
  for (const tensor of tensors) {
    rows += tensor.shape[0]!;
    if (padAxis !== null && padAxis < shape.length && tensor.shape[padAxis] !== shape[padAxis]) {
      isPadded = true;
      shape[padAxis] = Math.max(shape[padAxis]!, tensor.shape[padAxis]!);
    }
  }
  shape[0] = rows;
  if (first.dtype === "string") {
    assert(!isPadded, "Strings were to be padded.");
    return { dtype: "string", shape, data: tensors.flatMap(({ data }) => data as readonly string[]) };
  }
  const length = elementCount(shape);
  const data = recycle(first.dtype, length);
  if (isPadded) padInto(data, shape, tensors, padAxis!);
  else {
    let at = 0;
    for (const tensor of tensors) {
      (data as Uint8Array).set(tensor.data as Uint8Array, at);
      at += tensor.data.length;
    }
  }
  return { dtype: first.dtype, shape, data };
}

function padInto(data: NumericData, shape: readonly number[], tensors: readonly Tensor[], axis: number): void {
  bytesFromData(data).fill(0);
  const inner = product(shape, axis + 1, shape.length);
  const between = product(shape, 1, axis);
  const stride = shape[axis]! * inner;
  let at = 0;
  for (const tensor of tensors) {
    const run = tensor.shape[axis]! * inner;
    const source = tensor.data as Uint8Array;
    const pieces = tensor.shape[0]! * between;
    for (let piece = 0; piece < pieces; piece++) {
      (data as Uint8Array).set(source.subarray(piece * run, (piece + 1) * run), at);
      at += stride;
    }
  }
}

/** A copy of rows `start` to `end` of a tensor, cut to `length` along `axis`. */
export function trimRows(tensor: Tensor, start: number, end: number, axis: number, length: number): Tensor {
  const shape = tensor.shape.slice();
  const inner = product(shape, axis + 1, shape.length);
  const between = product(shape, 1, axis);
  const stride = shape[axis]! * inner;
  const run = length * inner;
  shape[0] = end - start;
  shape[axis] = length;
  const pieces: TensorData[] = [];
  for (let piece = start * between; piece < end * between; piece++) {
    pieces.push((tensor.data as Uint8Array).slice(piece * stride, piece * stride + run) as TensorData);
  }
  if (tensor.dtype === "string") return { dtype: "string", shape, data: pieces.flat() as string[] };
  const data = createData(tensor.dtype, elementCount(shape));
  let at = 0;
  for (const piece of pieces) {
    (data as Uint8Array).set(piece as Uint8Array, at);
    at += run;
  }
  return { dtype: tensor.dtype, shape, data };
}

function product(shape: readonly number[], from: number, to: number): number {
  let result = 1;
  for (let axis = from; axis < to; axis++) result *= shape[axis]!;
  return result;
}
