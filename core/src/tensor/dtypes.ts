// The element types of ONNX, as one table: its number in TensorProto.DataType, its Open Inference Protocol name, its
// width, and what holds its elements in memory. Types JavaScript has no array for are kept as their raw bits.

/** What holds the elements of each storage kind. */
export interface StorageTypes {
  f32: Float32Array;
  f64: Float64Array;
  i8: Int8Array;
  i16: Int16Array;
  i32: Int32Array;
  i64: BigInt64Array;
  u8: Uint8Array;
  u16: Uint16Array;
  u32: Uint32Array;
  u64: BigUint64Array;
  str: readonly string[];
}
export type Storage = keyof StorageTypes;
export type TensorData = StorageTypes[Storage];
export type NumericData = Exclude<TensorData, readonly string[]>;

export interface DTypeFacts {
  /** TensorProto.DataType. */
  readonly onnx: number;
  /** The datatype of the Open Inference Protocol, where it has one. */
  readonly oip: string | null;
  /** Bits an element takes when packed; 0 for strings. */
  readonly bits: number;
  /** What holds the elements. Types of less than 8 bits are packed low bits first; complex ones take two elements. */
  readonly storage: Storage;
  /** Array elements for one tensor element: 2 for complex numbers, else 1 (packed types: see `bits`). */
  readonly lanes: number;
}

const facts = (onnx: number, oip: string | null, bits: number, storage: Storage, lanes = 1): DTypeFacts => ({
  onnx,
  oip,
  bits,
  storage,
  lanes,
});

/** Every element type of ONNX up to IR 13 (opset 26). Source: TensorProto.DataType in onnx.proto. */
export const DTYPES = {
  float32: facts(1, "FP32", 32, "f32"),
  uint8: facts(2, "UINT8", 8, "u8"),
  int8: facts(3, "INT8", 8, "i8"),
  uint16: facts(4, "UINT16", 16, "u16"),
  int16: facts(5, "INT16", 16, "i16"),
  int32: facts(6, "INT32", 32, "i32"),
  int64: facts(7, "INT64", 64, "i64"),
  string: facts(8, "BYTES", 0, "str"),
  bool: facts(9, "BOOL", 8, "u8"),
  float16: facts(10, "FP16", 16, "u16"),
  float64: facts(11, "FP64", 64, "f64"),
  uint32: facts(12, "UINT32", 32, "u32"),
  uint64: facts(13, "UINT64", 64, "u64"),
  complex64: facts(14, null, 64, "f32", 2),
  complex128: facts(15, null, 128, "f64", 2),
  bfloat16: facts(16, "BF16", 16, "u16"),
  float8e4m3fn: facts(17, null, 8, "u8"),
  float8e4m3fnuz: facts(18, null, 8, "u8"),
  float8e5m2: facts(19, null, 8, "u8"),
  float8e5m2fnuz: facts(20, null, 8, "u8"),
  uint4: facts(21, null, 4, "u8"),
  int4: facts(22, null, 4, "u8"),
  float4e2m1: facts(23, null, 4, "u8"),
  float8e8m0: facts(24, null, 8, "u8"),
  uint2: facts(25, null, 2, "u8"),
  int2: facts(26, null, 2, "u8"),
} as const satisfies Record<string, DTypeFacts>;

export type DType = keyof typeof DTYPES;
/** Every element type but strings. */
export type NumericDType = Exclude<DType, "string">;

/** Least and greatest value of each integer type that a number holds exactly. */
export const INTEGER_RANGES = {
  int8: [-(2 ** 7), 2 ** 7 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
} as const satisfies Partial<Record<DType, readonly [number, number]>>;

const BY_ONNX = new Map<number, DType>();
const BY_OIP = new Map<string, DType>();
for (const [name, { onnx, oip }] of Object.entries(DTYPES) as [DType, DTypeFacts][]) {
  BY_ONNX.set(onnx, name);
  if (oip !== null) BY_OIP.set(oip, name);
}

/** The element type of a TensorProto.DataType, or undefined for UNDEFINED (0) and numbers ONNX has not assigned. */
export function dtypeFromOnnx(number: number): DType | undefined {
  return BY_ONNX.get(number);
}

/** The element type of an Open Inference Protocol datatype such as "FP32". */
export function dtypeFromOip(datatype: string): DType | undefined {
  return BY_OIP.get(datatype);
}

/** Array elements (not tensor elements) that `count` elements of `dtype` take. */
export function storedLength(dtype: DType, count: number): number {
  const { bits, lanes } = DTYPES[dtype];
  return bits > 0 && bits < 8 ? Math.ceil((count * bits) / 8) : count * lanes;
}

/** Bytes that `count` elements of `dtype` take; strings have no fixed size and answer 0. */
export function byteLength(dtype: DType, count: number): number {
  return Math.ceil((count * DTYPES[dtype].bits) / 8);
}

const CONSTRUCTORS = {
  f32: Float32Array,
  f64: Float64Array,
  i8: Int8Array,
  i16: Int16Array,
  i32: Int32Array,
  i64: BigInt64Array,
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  u64: BigUint64Array,
} as const;

function constructorOf(dtype: NumericDType) {
  return CONSTRUCTORS[DTYPES[dtype].storage as Exclude<Storage, "str">];
}

/** A zeroed array that holds `count` elements of a numeric `dtype`. */
export function createData(dtype: NumericDType, count: number): NumericData {
  return new (constructorOf(dtype))(storedLength(dtype, count));
}

/**
 * Little-endian bytes as the elements of a numeric `dtype`: a view where their alignment allows one, else a copy.
 * `bytes.byteLength` must be a whole number of array elements. Every platform Slipway runs on is little-endian.
 */
export function dataFromBytes(dtype: NumericDType, bytes: Uint8Array): NumericData {
  const Type = constructorOf(dtype);
  const size = Type.BYTES_PER_ELEMENT;
  // Not slice(): that of a Node Buffer makes a view.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new Type(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size);
}

/** The little-endian bytes of numeric data, as a view. */
export function bytesFromData(data: NumericData): Uint8Array {
  return data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
