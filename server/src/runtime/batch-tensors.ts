// Joins the inputs of a batch's requests into one tensor each, and cuts what the run answered back into theirs.
import { assert } from "@slipway/core/base";
import {
  bfloat16FromNumber,
  bytesFromData,
  createData,
  DTYPES,
  type DType,
  elementCount,
  float16FromNumber,
  type NumericData,
  type NumericDType,
  type Tensor,
  type TensorData,
} from "@slipway/core/tensor";

/** How lengths along an axis may differ between the requests of a batch. */
export interface Padding {
  readonly axis: number;
  /** The inputs that have it, by the signature's order. */
  readonly ports: readonly number[];
  /** For each input, by the signature's order: the element it is filled up with. */
  readonly values: readonly PadValue[];
  /** For each output, by the signature's order: the axis that follows the padded one, or null. */
  readonly outputAxes: readonly (number | null)[];
}

/** An element as its array stores it. */
export type PadValue = number | bigint;

/** A number as an element of a type; null where the type does not hold exactly it, or anything near for a fraction. */
export function padValueFrom(dtype: DType, value: number): PadValue | null {
  if (dtype === "string") return null;
  if (dtype === "float16") return Math.abs(value) <= 65_504 ? float16FromNumber(value) : null;
  if (dtype === "bfloat16") return bfloat16FromNumber(value);
  if (dtype === "bool") return value === 0 || value === 1 ? value : null;
  const { storage } = DTYPES[dtype];
  if (storage === "f64") return value;
  if (storage === "f32") return Math.abs(value) <= 3.4e38 ? Math.fround(value) : null;
  if (!Number.isSafeInteger(value)) return null;
  const stored = createData(dtype, 1);
  stored[0] = (storage === "i64" || storage === "u64" ? BigInt(value) : value) as never;
  return Number(stored[0]) === value ? stored[0] : null;
}

/** The length a request's inputs have along the padded axis. */
export function lengthAlong(
  { axis, ports }: Padding,
  inputs: readonly ({ readonly shape: readonly number[] } | undefined)[],
): number {
  for (const port of ports) {
    const tensor = inputs[port];
    if (tensor !== undefined) return tensor.shape[axis] ?? 0;
  }
  return 0;
}

/**
 * One tensor of the rows of all. Shapes differ in their first axis, and in `padAxis` where it is not null, which is
 * filled up with `padValue`. `recycle` gives an array of at least that many elements to write into.
 */
export function joinRows(
  tensors: readonly Tensor[],
  padAxis: number | null,
  padValue: PadValue,
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
  if (isPadded) padInto(data, shape, tensors, padAxis!, padValue);
  else {
    let at = 0;
    for (const tensor of tensors) {
      (data as Uint8Array).set(tensor.data as Uint8Array, at);
      at += tensor.data.length;
    }
  }
  return { dtype: first.dtype, shape, data };
}

function padInto(
  data: NumericData,
  shape: readonly number[],
  tensors: readonly Tensor[],
  axis: number,
  value: PadValue,
): void {
  if (value === 0 || value === 0n) bytesFromData(data).fill(0);
  else (data as Uint8Array).fill(value as number);
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
