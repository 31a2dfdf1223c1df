// Tensors are plain data: an element type, a shape, and the elements in row-major order.
import { assert, LIMITS, SlipwayError } from "#base";
import { byteLength, createData, DTYPES, type DType, storedLength, type TensorData } from "./dtypes.ts";

/** A dense tensor. `data` is row-major; see DTYPES for what holds which type. */
export interface Tensor {
  readonly dtype: DType;
  /** Axis lengths; `[]` is a scalar. */
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** A tensor as an input or output of a model. */
export interface NamedTensor extends Tensor {
  readonly name: string;
}

/**
 * The number of elements of a shape.
 * @throws SlipwayError INPUT_SHAPE_MISMATCH for a negative or fractional axis, too many axes, or a product over the limit.
 */
export function elementCount(shape: readonly number[]): number {
  if (shape.length > LIMITS.tensorRank) {
    throw new SlipwayError(
      "INPUT_SHAPE_MISMATCH",
      `A shape has ${shape.length} axes; at most ${LIMITS.tensorRank} are supported.`,
    );
  }
  let count = 1;
  let isEmpty = false;
  for (const length of shape) {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new SlipwayError(
        "INPUT_SHAPE_MISMATCH",
        `Shape [${shape.join(", ")}] has the axis length ${length}; axis lengths are whole numbers from 0.`,
      );
    }
    if (length === 0) isEmpty = true;
    else count *= length;
    if (count > LIMITS.tensorElements) {
      throw new SlipwayError(
        "INPUT_SHAPE_MISMATCH",
        `Shape [${shape.join(", ")}] has more than ${LIMITS.tensorElements} elements.`,
      );
    }
  }
  return isEmpty ? 0 : count;
}

/**
 * A tensor over existing data, checked to fill its shape.
 * @throws SlipwayError INPUT_SHAPE_MISMATCH or INPUT_DATA_MISMATCH
 */
export function createTensor(dtype: DType, shape: readonly number[], data: TensorData): Tensor {
  const expected = storedLength(dtype, elementCount(shape));
  if (data.length !== expected) {
    throw new SlipwayError(
      "INPUT_DATA_MISMATCH",
      `Shape [${shape.join(", ")}] of ${dtype} takes ${expected} values; ${data.length} were given.`,
    );
  }
  return { dtype, shape, data };
}

/** A tensor of zeros, or of empty strings. */
export function zeros(dtype: DType, shape: readonly number[]): Tensor {
  const count = elementCount(shape);
  return {
    dtype,
    shape,
    data: dtype === "string" ? Array.from({ length: count }, () => "") : createData(dtype, count),
  };
}

/** Bytes the elements take in memory; a string counts two bytes a UTF-16 unit. */
export function sizeBytes(tensor: Tensor): number {
  if (tensor.dtype !== "string") return byteLength(tensor.dtype, elementCount(tensor.shape));
  let total = 0;
  for (const text of tensor.data as readonly string[]) total += 2 * text.length;
  return total;
}

/**
 * Tensors joined along their first axis.
 * All must have the same dtype and the same lengths on every other axis; types under 8 bits can't be joined.
 */
export function concatRows(tensors: readonly Tensor[]): Tensor {
  const first = tensors[0];
  assert(first !== undefined, "concatRows needs at least one tensor.");
  if (tensors.length === 1) return first;
  assert(DTYPES[first.dtype].bits === 0 || DTYPES[first.dtype].bits >= 8, `Rows of ${first.dtype} can't be joined.`);
  let rows = 0;
  for (const tensor of tensors) rows += tensor.shape[0]!;
  const shape = [rows, ...first.shape.slice(1)];
  if (first.dtype === "string")
    return { dtype: "string", shape, data: tensors.flatMap((tensor) => tensor.data as string[]) };
  const data = createData(first.dtype, elementCount(shape));
  let offset = 0;
  for (const tensor of tensors) {
    (data as Uint8Array).set(tensor.data as Uint8Array, offset);
    offset += tensor.data.length;
  }
  return { dtype: first.dtype, shape, data };
}

/** Rows `start` to `end` (exclusive) along the first axis, as a view where the data can be viewed. */
export function sliceRows(tensor: Tensor, start: number, end: number): Tensor {
  const rows = tensor.shape[0]!;
  assert(
    rows !== undefined && start >= 0 && end <= rows && start <= end,
    `Rows ${start} to ${end} are not in [${tensor.shape.join(", ")}].`,
  );
  const width = rows === 0 ? 0 : tensor.data.length / rows;
  const shape = [end - start, ...tensor.shape.slice(1)];
  const { data } = tensor;
  const part = ArrayBuffer.isView(data)
    ? data.subarray(start * width, end * width)
    : data.slice(start * width, end * width);
  return { dtype: tensor.dtype, shape, data: part };
}
