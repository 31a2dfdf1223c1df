// Whether two tensors are the same but for rounding: kernels add up in another order for other batch sizes.
import { type DType, numberFromBfloat16, numberFromFloat16, type Tensor } from "@slipway/core/tensor";

/** Largest difference that counts as rounding, as a share of the largest magnitude in the tensor. */
const TOLERANCE: Partial<Record<DType, number>> = { float32: 1e-3, float64: 1e-3, float16: 2e-2, bfloat16: 8e-2 };
/** Differences below this are rounding whatever the magnitude. */
const FLOOR = 1e-6;

/** What differs, for people, or null. Elements other than floating-point ones must be equal. */
export function differenceOf(expected: Tensor, actual: Tensor): string | null {
  if (expected.dtype !== actual.dtype || expected.shape.join() !== actual.shape.join()) {
    return `${expected.dtype} [${expected.shape.join(", ")}] became ${actual.dtype} [${actual.shape.join(", ")}]`;
  }
  const share = TOLERANCE[expected.dtype];
  if (share === undefined) {
    const index = Array.from(expected.data as readonly unknown[]).findIndex((value, at) => value !== actual.data[at]);
    return index === -1 ? null : `${String(expected.data[index])} became ${String(actual.data[index])}`;
  }
  const left = numbers(expected);
  const right = numbers(actual);
  let largest = 0;
  for (const value of left) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  const allowed = Math.max(FLOOR, share * largest);
  for (let i = 0; i < left.length; i++) {
    const a = left[i]!;
    const b = right[i]!;
    const isSame = Object.is(a, b) || a === b || Math.abs(a - b) <= allowed;
    if (!isSame) return `${a} became ${b}`;
  }
  return null;
}

function numbers({ dtype, data }: Tensor): readonly number[] | Float32Array | Float64Array {
  if (dtype === "float16") return Array.from(data as Uint16Array, numberFromFloat16);
  if (dtype === "bfloat16") return Array.from(data as Uint16Array, numberFromBfloat16);
  return data as Float32Array | Float64Array;
}
