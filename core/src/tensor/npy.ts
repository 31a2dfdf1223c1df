// NumPy's .npy files, one tensor each: what people have on disk, so that a tensor can be given to a model as a file.
// Source: NEP 1 and numpy.lib.format; files with Python objects (pickles) are refused.
import { SlipwayError } from "#base";
import { bytesFromData, DTYPES, type DType, dataFromBytes, type NumericDType } from "./dtypes.ts";
import { createTensor, elementCount, type Tensor } from "./tensor.ts";

/** NumPy's kind and size by element type; strings have a size of their own. */
const KINDS = {
  bool: "b1",
  int8: "i1",
  int16: "i2",
  int32: "i4",
  int64: "i8",
  uint8: "u1",
  uint16: "u2",
  uint32: "u4",
  uint64: "u8",
  float16: "f2",
  float32: "f4",
  float64: "f8",
  complex64: "c8",
  complex128: "c16",
} as const satisfies Partial<Record<NumericDType, string>>;

const BY_KIND = new Map<string, NumericDType>(
  (Object.entries(KINDS) as [NumericDType, string][]).map(([dtype, kind]) => [kind, dtype]),
);

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
/** Headers are padded so that the data starts at a multiple of this. */
const ALIGNMENT_BYTES = 64;

/** What a .npy file says of its array, so that its rows can be read a few at a time. */
export interface NpyHeader {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Whether the first axis runs fastest. */
  readonly isFortran: boolean;
  /** Bytes an element takes in the file. */
  readonly itemBytes: number;
  /** Where the elements begin. */
  readonly dataStart: number;
  /** NumPy's type: "<f4". */
  readonly descr: string;
}

/** A header is at most this long, with what stands before it. */
export const NPY_HEADER_BYTES = 12 + 65_536;

/**
 * What the beginning of a .npy file says.
 * @param bytes the file, or its first NPY_HEADER_BYTES
 * @throws SlipwayError REQUEST_MALFORMED
 */
export function npyHeader(bytes: Uint8Array): NpyHeader {
  const { header, dataStart } = splitHeader(bytes);
  const { descr, fortran, shape } = parseHeader(header);
  const { dtype, itemBytes } = typeOf(descr);
  countOf(shape);
  return { dtype, shape, isFortran: fortran, itemBytes, dataStart, descr };
}

/**
 * The tensor that elements of a .npy file are: all of them, or rows of a file in C order.
 * @param shape that of `data`, which holds its elements as the file does
 * @throws SlipwayError REQUEST_MALFORMED where the data does not fill the shape, or text is none
 */
export function tensorFromNpyData(
  { descr, dtype, itemBytes, isFortran }: NpyHeader,
  shape: readonly number[],
  data: Uint8Array,
): Tensor {
  const count = countOf(shape);
  if (data.byteLength !== count * itemBytes) {
    throw malformed(
      `has ${data.byteLength} bytes of data; its shape [${shape.join(", ")}] of '${descr}' takes ${count * itemBytes}`,
    );
  }
  const kind = /[a-zA-Z]/.exec(descr)![0];
  // Swapping is by number, not by item: a complex number is two.
  const numberBytes = kind === "U" ? 4 : dtype === "string" ? 1 : itemBytes / DTYPES[dtype].lanes;
  const swapped = descr.startsWith(">") && numberBytes > 1 ? byteSwapped(data, numberBytes) : data;
  const ordered = isFortran && shape.length > 1 ? rowMajor(swapped, shape, itemBytes) : swapped;
  if (dtype !== "string") return createTensor(dtype, shape, dataFromBytes(dtype, ordered));
  return createTensor(
    "string",
    shape,
    kind === "U" ? textsOf(ordered, count, itemBytes) : byteTexts(ordered, count, itemBytes),
  );
}

/**
 * The tensor a .npy file holds: format versions 1 to 3, C and Fortran order, either byte order; booleans, integers,
 * floats, complex numbers, and fixed-width text (`U`) and bytes (`S` or `a`, read as UTF-8) as strings.
 * The data is a view on `bytes` where byte order, axis order and alignment allow.
 * @throws SlipwayError REQUEST_MALFORMED for anything else
 */
export function tensorFromNpy(bytes: Uint8Array): Tensor {
  const header = npyHeader(bytes);
  return tensorFromNpyData(header, header.shape, bytes.subarray(header.dataStart));
}

/**
 * A tensor as a .npy file (version 1, C order, little-endian); strings become fixed-width text.
 * @throws SlipwayError REQUEST_MALFORMED for types NumPy does not have, and for text that ends in NUL, which it drops
 */
export function npyFromTensor(tensor: Tensor): Uint8Array<ArrayBuffer> {
  const { descr, data } = tensor.dtype === "string" ? textData(tensor.data as readonly string[]) : numericData(tensor);
  const shape = tensor.shape.length === 1 ? `${tensor.shape[0]},` : tensor.shape.join(", ");
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  const size = Math.ceil((10 + dictionary.length + 1) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  const bytes = new Uint8Array(size + data.byteLength);
  bytes.set([...MAGIC, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, size - 10, true);
  bytes.set(new TextEncoder().encode(`${dictionary.padEnd(size - 11)}\n`), 10);
  bytes.set(data, size);
  return bytes;
}

function splitHeader(bytes: Uint8Array): { readonly header: string; readonly dataStart: number } {
  if (bytes.byteLength < 10 || MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw malformed("does not start as a .npy file does");
  }
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw malformed(`is of format version ${version}; 1 to 3 are known`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = version === 1 ? 10 : 12;
  if (bytes.byteLength < start) throw malformed("ends inside its header");
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > bytes.byteLength - start) throw malformed("ends inside its header");
  if (length > 65536) throw malformed(`has a header of ${length} bytes`);
  // Version 3 is UTF-8 and the others Latin-1; the header of a plain array is ASCII either way.
  const header = new TextDecoder("utf-8").decode(bytes.subarray(start, start + length));
  return { header, dataStart: start + length };
}

interface Header {
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

/** The header is the text of a Python dictionary with exactly three entries. */
function parseHeader(header: string): Header {
  const entry =
    /\s*(['"])(descr|fortran_order|shape)\1\s*:\s*(?:(['"])([^'"]*)\3|(True|False)|\(([\d\sL,]*)\))\s*(,|(?=\}))/y;
  const found = new Map<string, string>();
  const text = header.trim();
  if (!text.startsWith("{") || !text.endsWith("}")) throw malformed("has a header that is no dictionary");
  entry.lastIndex = 1;
  let end = 1;
  for (let match = entry.exec(text); match !== null; match = entry.exec(text)) {
    const [, , key, , string, truth, tuple] = match;
    found.set(
      `${key}:${string === undefined ? (truth === undefined ? "tuple" : "bool") : "string"}`,
      string ?? truth ?? tuple!,
    );
    end = entry.lastIndex;
  }
  const descr = found.get("descr:string");
  const fortran = found.get("fortran_order:bool");
  const tuple = found.get("shape:tuple");
  if (descr === undefined || fortran === undefined || tuple === undefined || text.slice(end).trim() !== "}") {
    throw malformed("has a header that does not describe one plain array");
  }
  const lengths = tuple.split(",").map((length) => length.trim().replace(/L$/, ""));
  if (lengths.at(-1) === "") lengths.pop();
  if (lengths.some((length) => !/^\d{1,16}$/.test(length))) throw malformed(`has the shape (${tuple.slice(0, 100)})`);
  return { descr, fortran: fortran === "True", shape: lengths.map(Number) };
}

function typeOf(descr: string): { readonly dtype: DType; readonly itemBytes: number } {
  const type = /^[<>|=]?([a-zA-Z])(\d+)$/.exec(descr);
  if (type === null) throw malformed(`has the type '${descr.slice(0, 100)}', which is not a plain one`);
  const [, kind, width] = type;
  const isText = kind === "U" || kind === "S" || kind === "a";
  const dtype = isText ? "string" : BY_KIND.get(`${kind}${width}`);
  if (dtype === undefined) throw malformed(`has the type '${descr}', which no tensor can have`);
  if (Number(width) === 0) throw malformed(`has the type '${descr}', whose items take no bytes`);
  return { dtype, itemBytes: kind === "U" ? 4 * Number(width) : Number(width) };
}

function countOf(shape: readonly number[]): number {
  try {
    return elementCount(shape);
  } catch (error) {
    throw malformed(`has the shape (${shape.join(", ")}), which is out of range`, error);
  }
}

function byteSwapped(bytes: Uint8Array, width: number): Uint8Array {
  const swapped = new Uint8Array(bytes.byteLength);
  for (let start = 0; start < bytes.byteLength; start += width) {
    for (let index = 0; index < width; index++) swapped[start + index] = bytes[start + width - 1 - index]!;
  }
  return swapped;
}

/** Items stored with the first axis running fastest, put in order with the last axis running fastest. */
function rowMajor(bytes: Uint8Array, shape: readonly number[], itemBytes: number): Uint8Array {
  const ordered = new Uint8Array(bytes.byteLength);
  const index = shape.map(() => 0);
  const strides: number[] = [];
  let stride = 1;
  for (const length of shape) {
    strides.push(stride);
    stride *= length;
  }
  let source = 0;
  for (let target = 0; target < bytes.byteLength; target += itemBytes) {
    const start = source * itemBytes;
    for (let at = 0; at < itemBytes; at++) ordered[target + at] = bytes[start + at]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      source -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return ordered;
}

/** Text of fixed width in UTF-32, filled up with NUL. */
function textsOf(bytes: Uint8Array, count: number, itemBytes: number): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, item) => {
    let end = itemBytes;
    const at = (offset: number) => view.getUint32(item * itemBytes + offset, true);
    while (end > 0 && at(end - 4) === 0) end -= 4;
    let text = "";
    for (let offset = 0; offset < end; offset += 4) {
      const point = at(offset);
      if (point > 0x10ffff) throw malformed(`has a character with the number ${point}, which Unicode does not have`);
      text += String.fromCodePoint(point);
    }
    return text;
  });
}

function byteTexts(bytes: Uint8Array, count: number, itemBytes: number): string[] {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return Array.from({ length: count }, (_, item) => {
    let end = (item + 1) * itemBytes;
    while (end > item * itemBytes && bytes[end - 1] === 0) end--;
    try {
      return utf8.decode(bytes.subarray(item * itemBytes, end));
    } catch (error) {
      throw malformed("has bytes ('S') that are not UTF-8 text", error);
    }
  });
}

function numericData(tensor: Tensor): { readonly descr: string; readonly data: Uint8Array } {
  const kind = (KINDS as Partial<Record<DType, string>>)[tensor.dtype];
  if (kind === undefined) throw new SlipwayError("REQUEST_MALFORMED", `A .npy file can't hold ${tensor.dtype}.`);
  const order = kind.endsWith("1") && kind.length === 2 ? "|" : "<";
  return { descr: `${order}${kind}`, data: bytesFromData(tensor.data as Exclude<Tensor["data"], readonly string[]>) };
}

function textData(texts: readonly string[]): { readonly descr: string; readonly data: Uint8Array } {
  const points = texts.map((text) => Array.from(text, (character) => character.codePointAt(0)!));
  const width = points.reduce((longest, text) => Math.max(longest, text.length), 1);
  const data = new Uint32Array(width * texts.length);
  for (const [item, text] of points.entries()) {
    if (text.at(-1) === 0) {
      throw new SlipwayError("REQUEST_MALFORMED", `String ${item} ends in NUL, which a .npy file can't keep.`);
    }
    data.set(text, item * width);
  }
  return { descr: `<U${width}`, data: bytesFromData(data) };
}

function malformed(what: string, cause?: unknown): SlipwayError {
  return new SlipwayError("REQUEST_MALFORMED", `The .npy file ${what}; write it with numpy.save.`, { cause });
}
