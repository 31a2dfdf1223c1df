// Probabilities from logits.
import { createData, type Tensor } from "#tensor";
import { numbersFromTensor } from "../elements.ts";

/**
 * exp(x - max) over their sum, along an axis; in double precision, answered as float32 (as float64 where it came so).
 * A slice that holds NaN, or only -Infinity, becomes NaN.
 */
export function softmax(tensor: Tensor, axis: number): Tensor {
  const { shape } = tensor;
  const values = numbersFromTensor(tensor);
  const dtype = tensor.dtype === "float64" ? "float64" : "float32";
  const data = createData(dtype, values.length) as Float32Array | Float64Array;
  const length = shape[axis]!;
  const stride = shape.slice(axis + 1).reduce((product, axisLength) => product * axisLength, 1);
  for (let block = 0; block < values.length; block += length * stride) {
    for (let start = block; start < block + stride; start++) {
      softmaxSlice(values, data, start, stride, length);
    }
  }
  return { dtype, shape, data };
}

function softmaxSlice(
  values: ArrayLike<number>,
  data: Float32Array | Float64Array,
  start: number,
  stride: number,
  length: number,
): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < length; index++) most = Math.max(most, values[start + index * stride]!);
  let sum = 0;
  for (let index = 0; index < length; index++) sum += Math.exp(values[start + index * stride]! - most);
  for (let index = 0; index < length; index++) {
    const at = start + index * stride;
    data[at] = Math.exp(values[at]! - most) / sum;
  }
}
