// Elements of tensors as numbers and as JSON: which JSON values a datatype takes, and what its elements become.
import {
  bfloat16FromNumber,
  type DType,
  float16FromNumber,
  INTEGER_RANGES,
  numberFromBfloat16,
  numberFromFloat16,
  type NumericData,
  type NumericDType,
  type Tensor,
} from "#tensor";

/** A value of JSON. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** How elements of a datatype are written to its array and read from it. */
interface Element {
  /** What it takes in JSON, for people. */
  readonly takes: string;
  /** A JSON value as stored, or undefined where the datatype can't hold it. */
  readonly fromJson: (value: JsonValue) => number | bigint | string | undefined;
  /** A computed number as stored: rounded half to even and saturated for whole numbers, as QuantizeLinear does. */
  readonly fromNumber: (value: number) => number | bigint;
  /** What is stored, as a number. */
  readonly toNumber: (stored: number | bigint) => number;
}

const NON_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

const same = (value: number) => value;

function float(encode: (value: number) => number, decode: (stored: number) => number): Element {
  return {
    takes: 'a number within its range, "NaN", "Infinity" or "-Infinity"',
    fromJson: (value) => {
      const number = typeof value === "string" ? NON_FINITE[value] : value;
      if (typeof number !== "number") return undefined;
      // JSON writes no infinity as a number: one that becomes infinite is beyond the datatype.
      if (typeof value === "number" && !Number.isFinite(decode(encode(value)))) return undefined;
      return encode(number);
    },
    fromNumber: encode,
    toNumber: (stored) => decode(stored as number),
  };
}

function integer([least, most]: readonly [number, number]): Element {
  return {
    takes: `a whole number from ${least} to ${most}`,
    fromJson: (value) =>
      typeof value === "number" && Number.isInteger(value) && value >= least && value <= most ? value : undefined,
    fromNumber: (value) => saturated(value, least, most),
    toNumber: (stored) => stored as number,
  };
}

const DIGITS = /^-?\d{1,20}$/;

function longInteger(least: bigint, most: bigint): Element {
  return {
    takes: `a whole number from ${least} to ${most}, as text where it is beyond 2^53`,
    fromJson: (value) => {
      if (typeof value !== "number" && typeof value !== "string") return undefined;
      if (typeof value === "number" ? !Number.isSafeInteger(value) : !DIGITS.test(value)) return undefined;
      const number = BigInt(value);
      return number >= least && number <= most ? number : undefined;
    },
    fromNumber: (value) => {
      if (Number.isNaN(value)) return 0n;
      if (value <= Number(least)) return least;
      return value >= Number(most) ? most : BigInt(roundHalfToEven(value));
    },
    toNumber: Number,
  };
}

const BOOL: Element = {
  takes: "true, false, 0 or 1",
  fromJson: (value) => (value === true || value === 1 ? 1 : value === false || value === 0 ? 0 : undefined),
  fromNumber: (value) => (value === 0 ? 0 : 1),
  toNumber: (stored) => stored as number,
};

const STRING: Element = {
  takes: "a text",
  fromJson: (value) => (typeof value === "string" ? value : undefined),
  fromNumber: () => Number.NaN,
  toNumber: Number,
};

const ELEMENTS: Partial<Record<DType, Element>> = {
  float64: float(same, same),
  float32: float(same, Math.fround),
  float16: float(float16FromNumber, numberFromFloat16),
  bfloat16: float(bfloat16FromNumber, numberFromBfloat16),
  int8: integer(INTEGER_RANGES.int8),
  int16: integer(INTEGER_RANGES.int16),
  int32: integer(INTEGER_RANGES.int32),
  int64: longInteger(-(2n ** 63n), 2n ** 63n - 1n),
  uint8: integer(INTEGER_RANGES.uint8),
  uint16: integer(INTEGER_RANGES.uint16),
  uint32: integer(INTEGER_RANGES.uint32),
  uint64: longInteger(0n, 2n ** 64n - 1n),
  bool: BOOL,
  string: STRING,
};

/** How elements of `dtype` are handled, or undefined for the types that records can't hold. */
export function elementOf(dtype: DType): Element | undefined {
  return ELEMENTS[dtype];
}

/** Whether computed numbers can become elements of this datatype. */
export function isComputable(dtype: DType): dtype is NumericDType {
  return dtype !== "string" && dtype !== "bool" && ELEMENTS[dtype] !== undefined;
}

/** The elements of a tensor of a computable datatype as numbers: itself where they are already. */
export function numbersFromTensor(tensor: Tensor): ArrayLike<number> {
  const { dtype, data } = tensor;
  if (dtype === "float32" || dtype === "float64") return data as Float32Array;
  const { toNumber } = ELEMENTS[dtype]!;
  return Float64Array.from(data as ArrayLike<number | bigint>, toNumber);
}

/** Writes computed numbers as the elements of a datatype. */
export function writeNumbers(dtype: NumericDType, values: ArrayLike<number>, target: NumericData): void {
  const { fromNumber } = ELEMENTS[dtype]!;
  if (fromNumber === same) return (target as Float32Array).set(values);
  const elements = target as { [index: number]: number | bigint };
  for (let index = 0; index < values.length; index++) elements[index] = fromNumber(values[index]!);
}

/** One element as JSON: whole numbers beyond 2^53, NaN and infinities as text, as ProtoJSON writes them. */
export function jsonFromElement(dtype: DType, stored: number | bigint | string): string | number | boolean {
  if (typeof stored === "string") return stored;
  if (dtype === "bool") return stored !== 0;
  if (typeof stored === "bigint") {
    return Number.isSafeInteger(Number(stored)) ? Number(stored) : String(stored);
  }
  const number = ELEMENTS[dtype]!.toNumber(stored);
  return Number.isFinite(number) ? number : String(number);
}

function saturated(value: number, least: number, most: number): number {
  if (Number.isNaN(value)) return 0;
  return Math.max(least, Math.min(most, roundHalfToEven(value)));
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}
