// Numbers as files have them, into the datatype a model takes. Nothing is lost in silence: a whole number stays one and in
// range; a fraction is rounded to the nearest a float can hold, and refused only where it becomes infinite.
import {
  bfloat16FromNumber,
  type DType,
  float16FromNumber,
  INTEGER_RANGES,
  type NumericData,
} from "@slipway/core/tensor";

/**
 * Writes `count` values from `from` on to `target` at `at` and every `stride` after it; answers the place of the first that
 * does not fit, or -1.
 */
type Write = (
  source: NumericData,
  from: number,
  count: number,
  target: NumericData,
  at: number,
  stride: number,
) => number;

export interface Conversion {
  /** What it takes, for messages. */
  readonly takes: string;
  readonly write: Write;
}

function each(fits: (value: number | bigint) => number | bigint | undefined): Write {
  return (source, from, count, target, at, stride) => {
    const out = target as { [index: number]: number | bigint };
    for (let index = 0; index < count; index++) {
      const value = fits(source[from + index]!);
      if (value === undefined) return from + index;
      out[at + index * stride] = value;
    }
    return -1;
  };
}

function float(encode: (value: number) => number, mayOverflow: (stored: number, value: number) => boolean): Write {
  return each((value) => {
    const number = Number(value);
    const stored = encode(number);
    return mayOverflow(stored, number) ? undefined : stored;
  });
}

const becameInfinite = (stored: number, value: number) => !Number.isFinite(stored) && Number.isFinite(value);

const slowFloat64 = each(Number);
const float64: Write = (source, from, count, target, at, stride) => {
  if (isLong(source) || stride !== 1) return slowFloat64(source, from, count, target, at, stride);
  (target as Float64Array).set((source as Float64Array).subarray(from, from + count), at);
  return -1;
};

const slowFloat32 = float(Math.fround, becameInfinite);
const float32: Write = (source, from, count, target, at, stride) => {
  if (isLong(source) || source instanceof Float64Array) return slowFloat32(source, from, count, target, at, stride);
  if (stride !== 1) {
    // Columns side by side: the form most tables have.
    for (let index = 0; index < count; index++) target[at + index * stride] = source[from + index]!;
    return -1;
  }
  (target as Float32Array).set((source as Float32Array).subarray(from, from + count), at);
  return -1;
};

function integer(dtype: keyof typeof INTEGER_RANGES): Conversion {
  const [least, most] = INTEGER_RANGES[dtype];
  const write = each((value) => {
    const number = Number(value);
    return Number.isInteger(number) && number >= least && number <= most ? number : undefined;
  });
  return { takes: `whole numbers from ${least} to ${most}`, write };
}

function long(least: bigint, most: bigint): Conversion {
  const write = each((value) => {
    if (typeof value === "number" && !Number.isSafeInteger(value)) return undefined;
    const whole = BigInt(value);
    return whole >= least && whole <= most ? whole : undefined;
  });
  return { takes: `whole numbers from ${least} to ${most}`, write };
}

const CONVERSIONS: Partial<Record<DType, Conversion>> = {
  float64: { takes: "numbers", write: float64 },
  float32: { takes: "numbers up to 3.4e38", write: float32 },
  float16: {
    takes: "numbers up to 65504",
    write: float(float16FromNumber, (stored, value) => (stored & 0x7fff) === 0x7c00 && Number.isFinite(value)),
  },
  bfloat16: {
    takes: "numbers up to 3.38e38",
    write: float(bfloat16FromNumber, (stored, value) => (stored & 0x7fff) === 0x7f80 && Number.isFinite(value)),
  },
  int8: integer("int8"),
  int16: integer("int16"),
  int32: integer("int32"),
  int64: long(-(2n ** 63n), 2n ** 63n - 1n),
  uint8: integer("uint8"),
  uint16: integer("uint16"),
  uint32: integer("uint32"),
  uint64: long(0n, 2n ** 64n - 1n),
  bool: {
    takes: "true, false, 0 or 1",
    write: each((value) => (Number(value) === 0 || Number(value) === 1 ? Number(value) : undefined)),
  },
};

/** How numbers become elements of a datatype; undefined for those that no file's numbers become. */
export function conversionTo(dtype: DType): Conversion | undefined {
  return CONVERSIONS[dtype];
}

/** Whether its numbers are wanted without passing through floating point. */
export function isWhole(dtype: DType): boolean {
  return dtype === "int64" || dtype === "uint64";
}

function isLong(source: NumericData): source is BigInt64Array | BigUint64Array {
  return source instanceof BigInt64Array || source instanceof BigUint64Array;
}
