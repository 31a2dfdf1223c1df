// Inputs of golden numbers, made here as tools/goldens/inputs.py makes them.
import { inflateSync } from "node:zlib";
import { createData, elementCount, type NamedTensor, type NumericDType, type TensorData } from "@slipway/core/tensor";

interface Named {
  readonly name: string;
  readonly shape: readonly number[];
}
/** A described input: numbers drawn from a seed, grey pictures, or values written out. */
export type GoldenInput =
  | (Named & { readonly dtype: NumericDType; readonly fill: Fill })
  | (Named & { readonly dtype: "float32"; readonly pixels: string })
  | (Named & { readonly dtype: "string"; readonly values: readonly string[] })
  | (Named & { readonly dtype: NumericDType; readonly values: readonly number[] });

interface Fill {
  readonly seed: number;
  readonly low: number;
  readonly high: number;
}

/** `count` numbers from 0 up to 1: the upper 24 bits of a linear congruential generator's states. */
function draws(seed: number, count: number): Float64Array {
  let state = seed;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  });
}

/** The tensor a golden input describes. */
export function tensorFromGolden(input: GoldenInput): NamedTensor {
  const { name, dtype, shape } = input;
  const count = elementCount(shape);
  if ("fill" in input) {
    const { seed, low, high } = input.fill;
    const values = draws(seed, count).map((draw) => low + (high - low) * draw);
    return { name, dtype, shape, data: numericData(input.dtype, values) };
  }
  if ("pixels" in input) {
    const [images = 0, channels = 0, height = 0, width = 0] = shape;
    const grey = inflateSync(Buffer.from(input.pixels, "base64"));
    const size = height * width;
    const data = new Float32Array(images * channels * size);
    for (let index = 0; index < data.length; index++) {
      const image = Math.floor(index / (channels * size));
      data[index] = grey[image * size + (index % size)]! / 127.5 - 1;
    }
    return { name, dtype, shape, data };
  }
  const data = dtype === "string" ? input.values : numericData(dtype, input.values);
  return { name, dtype, shape, data };
}

function numericData(dtype: NumericDType, values: ArrayLike<number>): TensorData {
  const data = createData(dtype, values.length);
  const isWhole = !(data instanceof Float32Array || data instanceof Float64Array);
  const isLong = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (let index = 0; index < values.length; index++) {
    const value = isWhole ? Math.floor(values[index]!) : values[index]!;
    (data as { [index: number]: number | bigint })[index] = isLong ? BigInt(value) : value;
  }
  return data;
}
