// Elements of tensors as JavaScript numbers and back, for the reference back end, where clarity counts and speed does not.
import {
  bfloat16FromNumber,
  createData,
  DTYPES,
  type DType,
  elementCount,
  float16FromNumber,
  numberFromBfloat16,
  numberFromFloat16,
  type Tensor,
  type TensorData,
} from "#tensor";

/** An element: a bigint for 64-bit integers, a string for strings, else a number. */
export type Element = number | bigint | string;

/** The elements of a tensor, row-major. */
export function elementsOf({ dtype, data }: Tensor): readonly Element[] {
  if (dtype === "string") return data as readonly string[];
  if (dtype === "float16") return Array.from(data as Uint16Array, numberFromFloat16);
  if (dtype === "bfloat16") return Array.from(data as Uint16Array, numberFromBfloat16);
  return Array.from(data as Float32Array);
}

/** A tensor of elements, each rounded or wrapped as its type does. */
export function tensorOf(dtype: DType, shape: readonly number[], elements: readonly Element[]): Tensor {
  return { dtype, shape, data: dataOf(dtype, elements) };
}

function dataOf(dtype: DType, elements: readonly Element[]): TensorData {
  if (dtype === "string") return elements.map(String);
  const data = createData(dtype, elements.length);
  const convert = converterOf(dtype);
  for (let i = 0; i < elements.length; i++) data[i] = convert(elements[i]!) as never;
  return data;
}

function converterOf(dtype: DType): (element: Element) => number | bigint {
  const { storage } = DTYPES[dtype];
  if (storage === "i64" || storage === "u64") return wholeNumber;
  if (dtype === "float16") return (element) => float16FromNumber(Number(element));
  if (dtype === "bfloat16") return (element) => bfloat16FromNumber(Number(element));
  if (dtype === "bool") return (element) => (Number(element) === 0 ? 0 : 1);
  return Number;
}

function wholeNumber(element: Element): bigint {
  if (typeof element === "bigint") return element;
  const number = Math.trunc(Number(element));
  return Number.isFinite(number) ? BigInt(number) : 0n;
}

/** Steps between neighbours along each axis, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides: number[] = Array.from({ length: shape.length }, () => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/**
 * The shape several shapes broadcast to, by NumPy's rule, or null where they can't.
 * Source: onnx/docs/Broadcasting.md.
 */
export function broadcastShape(shapes: readonly (readonly number[])[]): number[] | null {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result: number[] = [];
  for (let back = rank; back > 0; back--) {
    let length = 1;
    for (const shape of shapes) {
      const own = shape[shape.length - back] ?? 1;
      if (own === 1 || own === length) continue;
      if (length !== 1) return null;
      length = own;
    }
    result.push(length);
  }
  return result;
}

/** For each element of `shape`, the index of the element of `from` that broadcasts there. */
export function broadcastIndices(from: readonly number[], shape: readonly number[]): Int32Array {
  const strides = stridesOf(from);
  const missing = shape.length - from.length;
  const steps = shape.map((_, axis) => (axis < missing || from[axis - missing] === 1 ? 0 : strides[axis - missing]!));
  return indicesBySteps(shape, steps);
}

/** For each element of `shape` in order, the sum of its coordinates times `steps`. */
export function indicesBySteps(shape: readonly number[], steps: readonly number[]): Int32Array {
  const indices = new Int32Array(elementCount(shape));
  const position: number[] = Array.from({ length: shape.length }, () => 0);
  let index = 0;
  for (let i = 0; i < indices.length; i++) {
    indices[i] = index;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index += steps[axis]!;
      if (++position[axis]! < shape[axis]!) break;
      index -= steps[axis]! * shape[axis]!;
      position[axis] = 0;
    }
  }
  return indices;
}
