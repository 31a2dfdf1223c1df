// The "data" of a tensor: JSON scalars, nested to the shape or in one flat list, straight into the array that holds them.
import { createData, DTYPES, type DType, elementCount, INTEGER_RANGES, type TensorData } from "#tensor";
import { numberTextAt, readNumber } from "./numbers.ts";
import { type Decimals, readPlainDecimals, readPlainWholes, type Wholes } from "./plain-numbers.ts";
import { fail, failExpecting, isArrayNext, peek, readString, type Scanner, skipLiteral } from "./scan.ts";

type Wide = BigInt64Array | BigUint64Array;

const COMMA = 0x2c;
const CLOSE_BRACKET = 0x5d;
const ZERO = 0x30;
const NINE = 0x39;
const MISMATCH = "INPUT_DATA_MISMATCH";

/** What is read in one go of 64-bit numbers: those whose lower half has them. */
const PLAIN_SIGNED = [-(2 ** 31), 2 ** 31 - 1] as const;
const PLAIN_UNSIGNED = [0, 2 ** 31 - 1] as const;

/**
 * Reads the data of a tensor at the cursor. A scalar's may also stand without brackets.
 * Floats round to the nearest value of their type (an FP32 as `Math.fround` of the number), which must not be infinite
 * unless Infinity is written; whole numbers may be written as 2.0 or 2e0, and must be in range; BOOL takes true, false,
 * 0 and 1.
 * @throws SlipwayError REQUEST_MALFORMED where it is not JSON, INPUT_DATA_MISMATCH where it does not fit
 */
export function readData(s: Scanner, dtype: DType, shape: readonly number[]): TensorData {
  const count = elementCount(shape);
  // An element takes at least a character and a comma, so a shape that promises more is refused before memory is taken.
  const room = s.bytes.length - s.at;
  if (count > room / 2 + 1) {
    fail(s, `shape [${shape.join(", ")}] asks for ${count} values; the body has no room for them`, s.at, MISMATCH);
  }
  const reader = createReader(s, dtype, count);
  if (!isArrayNext(s)) {
    if (shape.length > 0) failExpecting(s, "an array", MISMATCH);
    reader.read(0, 1);
    return reader.data;
  }
  const start = s.at++;
  if (isArrayNext(s) && shape.length > 0) {
    s.at = start;
    readNested(s, reader, shape, 0, 0);
  } else readRow(s, reader, shape, 0, count);
  return reader.data;
}

interface Reader {
  readonly data: TensorData;
  /** Reads `count` elements into `offset` and on: no brackets, a comma between them. */
  read(offset: number, count: number): void;
}

/** Reads one axis of nested data and all below it; answers the offset after it. */
function readNested(s: Scanner, reader: Reader, shape: readonly number[], axis: number, offset: number): number {
  if (!isArrayNext(s)) contradiction(s, shape, axis, "a value");
  s.at++;
  const length = shape[axis]!;
  if (axis === shape.length - 1) {
    readRow(s, reader, shape, offset, length);
    return offset + length;
  }
  let next = offset;
  for (let i = 0; i < length; i++) {
    if (i > 0) separate(s, i, length);
    next = readNested(s, reader, shape, axis + 1, next);
  }
  close(s, length);
  return next;
}

/** Reads the elements of an innermost array and its closing bracket. */
function readRow(s: Scanner, reader: Reader, shape: readonly number[], offset: number, count: number): void {
  if (count > 0) {
    const byte = peek(s);
    if (byte === CLOSE_BRACKET) fail(s, `no values where ${count} are asked for`, s.at, MISMATCH);
    if (isArrayNext(s)) contradiction(s, shape, shape.length, "an array");
    reader.read(offset, count);
  }
  close(s, count);
}

/** Moves over the comma after element `done` of `count`. */
function separate(s: Scanner, done: number, count: number): void {
  const byte = peek(s);
  if (byte === COMMA) s.at++;
  else if (byte === CLOSE_BRACKET) {
    fail(s, `${done} ${done === 1 ? "value" : "values"} where ${count} are asked for`, s.at, MISMATCH);
  } else failExpecting(s, "',' or ']'");
}

/** Moves to the element with index `i` of `count`. */
function beginElement(s: Scanner, i: number, count: number): void {
  if (i > 0) separate(s, i, count);
  peek(s);
}

function close(s: Scanner, count: number): void {
  const byte = peek(s);
  if (byte === CLOSE_BRACKET) s.at++;
  else if (byte === COMMA || count === 0) fail(s, `more than the ${count} values that are asked for`, s.at, MISMATCH);
  else failExpecting(s, "',' or ']'");
}

function contradiction(s: Scanner, shape: readonly number[], axis: number, found: string): never {
  fail(
    s,
    `${found} stands ${axis} ${axis === 1 ? "level" : "levels"} deep, which contradicts shape [${shape.join(", ")}]; nest to the shape or send one flat list`,
    s.at,
    MISMATCH,
  );
}

function createReader(s: Scanner, dtype: DType, count: number): Reader {
  switch (DTYPES[dtype].storage) {
    case "f32":
    case "f64": {
      const data = createData(dtype as "float32", count) as Decimals;
      return { data, read: (offset, length) => readFloats(s, data, dtype === "float32", offset, length) };
    }
    case "i8":
    case "i16":
    case "i32":
    case "u8":
    case "u16":
    case "u32": {
      const data = createData(dtype as "int32", count) as Wholes;
      if (dtype === "bool") return { data, read: (offset, length) => readBooleans(s, data, offset, length) };
      const range = (INTEGER_RANGES as Partial<Record<DType, readonly [number, number]>>)[dtype];
      if (range === undefined) return noJsonForm(s, dtype);
      return { data, read: (offset, length) => readIntegers(s, data, dtype, range, offset, length) };
    }
    case "i64":
    case "u64": {
      const data = createData(dtype as "int64", count) as Wide;
      const halves = new Int32Array(data.buffer);
      return { data, read: (offset, length) => readWide(s, data, halves, dtype, offset, length) };
    }
    case "str": {
      const data: string[] = [];
      return { data, read: (offset, length) => readStrings(s, data, offset, length) };
    }
  }
}

function noJsonForm(s: Scanner, dtype: DType): never {
  fail(
    s,
    `${DTYPES[dtype].oip ?? dtype} has no JSON form; send it as binary data with the parameter binary_data_size`,
    s.at,
    MISMATCH,
  );
}

function readFloats(s: Scanner, data: Decimals, isSingle: boolean, offset: number, count: number): void {
  let i = 0;
  while ((i = readPlainDecimals(s, data, isSingle, offset, i, count)) < count) {
    beginElement(s, i, count);
    const start = s.at;
    data[offset + i] = readNumber(s, isSingle, MISMATCH);
    // Plain numbers are too short to overflow.
    if (!Number.isFinite(data[offset + i++])) refuseOverflow(s, isSingle, start);
  }
}

/** Infinity and NaN are themselves; digits that become infinite are beyond the datatype. */
function refuseOverflow(s: Scanner, isSingle: boolean, start: number): void {
  const last = s.bytes[s.at - 1]!;
  if (last >= ZERO && last <= NINE) outOfRange(s, isSingle ? "float32" : "float64", start);
}

function readIntegers(
  s: Scanner,
  data: Wholes,
  dtype: DType,
  range: readonly [number, number],
  offset: number,
  count: number,
): void {
  const [least, greatest] = range;
  let i = 0;
  while ((i = readPlainWholes(s, data, 1, range, offset, i, count)) < count) {
    beginElement(s, i, count);
    const start = s.at;
    const value = readNumber(s, false, MISMATCH);
    // NaN fails every comparison.
    if (!(value >= least && value <= greatest && Number.isInteger(value))) outOfRange(s, dtype, start);
    data[offset + i++] = value;
  }
}

function readWide(s: Scanner, data: Wide, halves: Int32Array, dtype: DType, offset: number, count: number): void {
  const isUnsigned = dtype === "uint64";
  const plain = isUnsigned ? PLAIN_UNSIGNED : PLAIN_SIGNED;
  let i = 0;
  while ((i = readPlainWholes(s, halves, 2, plain, offset, i, count)) < count) {
    beginElement(s, i, count);
    const start = s.at;
    const value = readNumber(s, false, MISMATCH);
    if (Number.isSafeInteger(value)) {
      if (isUnsigned && value < 0) outOfRange(s, dtype, start);
      // Two halves spare making a bigint of every element; `| 0` takes a whole number modulo 2^32.
      halves[2 * (offset + i)] = value | 0;
      halves[2 * (offset + i) + 1] = Math.floor(value / 2 ** 32) | 0;
    } else data[offset + i] = bigintAt(s, dtype, start, s.at);
    i++;
  }
}

/** A whole number beyond 2^53, exactly; such a number may not have a point or an exponent. */
function bigintAt(s: Scanner, dtype: DType, start: number, end: number): bigint {
  const text = numberTextAt(s, start, end);
  // At most 20 digits fit; the bound also keeps long texts away from BigInt, whose time grows faster than their length.
  if (!/^-?\d{1,20}$/.test(text)) outOfRange(s, dtype, start);
  const value = BigInt(text);
  const fitted = dtype === "uint64" ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value);
  if (fitted !== value) outOfRange(s, dtype, start);
  return value;
}

function outOfRange(s: Scanner, dtype: DType, start: number): never {
  const text = numberTextAt(s, start, Math.min(s.at, start + 40));
  fail(s, `${text} is no ${DTYPES[dtype].oip} value`, start, MISMATCH);
}

function readBooleans(s: Scanner, data: Wholes, offset: number, count: number): void {
  for (let i = 0; i < count; i++) {
    beginElement(s, i, count);
    const start = s.at;
    if (skipLiteral(s, "true")) data[offset + i] = 1;
    else if (!skipLiteral(s, "false")) {
      const value = readNumber(s, false, MISMATCH);
      if (value !== 0 && value !== 1) outOfRange(s, "bool", start);
      data[offset + i] = value;
    }
  }
}

function readStrings(s: Scanner, data: string[], offset: number, count: number): void {
  for (let i = 0; i < count; i++) {
    if (i > 0) separate(s, i, count);
    data[offset + i] = readString(s, MISMATCH);
  }
}
