// Made-up inputs that fit a signature: to warm a model up, and to see whether its rows are independent.
import {
  createData,
  type Dimension,
  DTYPES,
  elementCount,
  float16FromNumber,
  type NamedTensor,
  type NumericData,
  type Port,
  type Signature,
  type TensorType,
} from "@slipway/core/tensor";

/** Lengths tried for axes a signature leaves open; many models take any, some ask for a multiple of 8 or 32. */
export const FREE_AXIS_LENGTHS: readonly number[] = [8, 32, 1, 48, 64, 128, 224, 320, 640];

/** How the elements of a made-up row are drawn. */
export interface SampleKind {
  readonly rows: number;
  /** Length of every axis left open, but the first where `rows` sets it. */
  readonly freeLength: number;
  /** Multiplies floating-point elements. */
  readonly scale: number;
  readonly seed: number;
}

/** Inputs for every port of a signature that needs one. The first axis is `rows` where the signature leaves it open. */
export function sampleInputs(signature: Signature, kind: SampleKind): NamedTensor[] {
  const inputs: NamedTensor[] = [];
  for (const [index, port] of signature.inputs.entries()) {
    if (port.isOptional === true) continue;
    inputs.push(sampleTensor(port, kind, draws(kind.seed * 1009 + index)));
  }
  return inputs;
}

function sampleTensor(port: Port, kind: SampleKind, draw: () => number): NamedTensor {
  const type = port.type as TensorType;
  const shape = (type.shape ?? []).map((length, axis) => sampleLength(length, axis, kind));
  const count = elementCount(shape);
  if (type.dtype === "string") {
    return {
      name: port.name,
      dtype: "string",
      shape,
      data: Array.from({ length: count }, () => (draw() < 0.5 ? "a" : "b")),
    };
  }
  const data = createData(type.dtype, count);
  fill(data, type, kind.scale, draw);
  return { name: port.name, dtype: type.dtype, shape, data };
}

function sampleLength(length: Dimension, axis: number, kind: SampleKind): number {
  if (typeof length === "number") return length;
  return axis === 0 ? kind.rows : kind.freeLength;
}

function fill(data: NumericData, { dtype }: TensorType, scale: number, draw: () => number): void {
  const { storage, bits } = DTYPES[dtype];
  for (let i = 0; i < data.length; i++) {
    const value = draw();
    if (dtype === "float16") data[i] = float16FromNumber((2 * value - 1) * Math.min(scale, 100));
    else if (storage === "f32" || storage === "f64") data[i] = (2 * value - 1) * scale;
    // Integers are mostly indices: 0 and 1 are in range of nearly everything. Bytes are mostly pixels.
    else if (storage === "i64" || storage === "u64") data[i] = BigInt(Math.floor(2 * value)) as never;
    else if (dtype === "uint8" && bits === 8) data[i] = Math.floor(256 * value);
    else data[i] = Math.floor(2 * value);
  }
}

/** Numbers in [0, 1), always the same for a seed. Mulberry32. */
function draws(seed: number): () => number {
  let state = (seed * 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
