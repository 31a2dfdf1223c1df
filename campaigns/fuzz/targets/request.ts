// Inference requests, JSON and binary, against a second reading of them that is plain and slow: the same requests are taken,
// with the same tensors to the bit. An input is the length of the JSON part (4 bytes, all ones for "all of it"), then the body.
import { LIMITS, SlipwayError } from "@slipway/core/base";
import { DTYPES, type DType, dtypeFromOip, type TensorData } from "@slipway/core/tensor";
import { decodeInferRequest, type InferRequest, WIRE_LIMITS } from "@slipway/core/wire";
import { numberText, stringText } from "../json-grammar.ts";
import { joined } from "../mutate.ts";
import { type PlainValue, plainJson } from "../plain-json.ts";
import type { Random } from "../random.ts";
import { type FuzzTarget, sortOf } from "../target.ts";

const utf8 = new TextEncoder();
const NO_HEADER = 0xffffffff;
const TOKENS = [
  '"inputs":[',
  '"outputs":[{"name":"y"}]',
  '"name":"x"',
  '"shape":[1,2]',
  '"shape":[]',
  '"data":[',
  '"data":[[1],[2]]',
  '"datatype":"FP32"',
  '"parameters":{"binary_data_size":8}',
  '"parameters":{"binary_data_output":true}',
  '"parameters":null',
  '"id":"a"',
  '"id":null',
  ":null",
  ...Object.values(DTYPES).flatMap(({ oip }) => (oip === null ? [] : [`"${oip}"`])),
  '"classification":3',
  '"binary_data":true',
  '"shared_memory_region":"a"',
  "NaN",
  "Infinity",
  "[",
  "]",
  "{",
  "}",
  ",",
  "2e0",
  "1.0",
  "-0",
].map((token) => utf8.encode(token));

function inputOf(json: string, binary: Uint8Array | null): Uint8Array {
  const text = utf8.encode(json);
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, binary === null ? NO_HEADER : text.length, true);
  return joined(head, text, binary ?? new Uint8Array());
}

const sound = (datatype: string, shape: string, data: string) =>
  `{"inputs":[{"name":"x","shape":${shape},"datatype":"${datatype}","data":${data}}]}`;
const sized = (datatype: string, shape: string, size: number) =>
  `{"inputs":[{"name":"x","shape":${shape},"datatype":"${datatype}","parameters":{"binary_data_size":${size}}}],"outputs":[{"name":"y","parameters":{"binary_data":true}}]}`;

export const requestTarget: FuzzTarget = {
  name: "request",
  share: 70,
  maxBytes: 768,
  seeds: () => [
    inputOf(sound("FP32", "[1,4]", "[1,2.5,-3e2,NaN]"), null),
    inputOf(sound("FP64", "[2,2]", "[[1,2],[3,4]]"), null),
    inputOf(sound("INT64", "[2]", "[9223372036854775807,-9223372036854775808]"), null),
    inputOf(sound("UINT64", "[2]", "[18446744073709551615,0]"), null),
    inputOf(sound("BOOL", "[3]", "[true,0,1]"), null),
    inputOf(sound("BYTES", "[2,1]", '[["a"],["\\u00e9😀"]]'), null),
    inputOf(sound("INT8", "[]", "-128"), null),
    inputOf(
      `{"id":"1","parameters":{"timeout":5,"binary_data_output":true},${sound("UINT8", "[0]", "[]").slice(1)}`,
      null,
    ),
    inputOf(sized("FP32", "[1,2]", 8), new Uint8Array(8)),
    inputOf(sized("BOOL", "[2]", 2), Uint8Array.of(0, 1)),
    inputOf(sized("FP16", "[2]", 4), Uint8Array.of(1, 2, 3, 4)),
    inputOf(sized("BYTES", "[2]", 10), Uint8Array.of(1, 0, 0, 0, 0x61, 1, 0, 0, 0, 0x62)),
  ],
  tokens: TOKENS,
  generate: (random) => generated(random),
  repair(input) {
    if (input.length < 4) return;
    const view = new DataView(input.buffer, input.byteOffset);
    // Where the JSON ends, if it does: behind its last brace.
    const end = input.lastIndexOf(0x7d);
    if (view.getUint32(0, true) !== NO_HEADER && end > 4) view.setUint32(0, end - 3, true);
  },
  run(input) {
    if (input.length < 4) return "no request";
    const stated = new DataView(input.buffer, input.byteOffset).getUint32(0, true);
    const headerLength = stated === NO_HEADER ? null : stated;
    const body = input.subarray(4);
    const wanted = plainRequest(body, headerLength);
    let request: InferRequest;
    try {
      request = decodeInferRequest(body, headerLength);
    } catch (error) {
      if (!(error instanceof SlipwayError) || !/^(?:invalid|too-large|unsupported)$/.test(error.kind)) throw error;
      if (wanted !== null) throw new Error(`Refused, though sound: ${error.message}`, { cause: error });
      return sortOf(error.code, error.message);
    }
    if (wanted === null) throw new Error("Taken, though not sound");
    requireSame(request, wanted);
    const kinds = new Set(request.inputs.map(({ dtype, shape }) => `${dtype}${Math.min(shape.length, 3)}`));
    return `taken ${[...kinds].slice(0, 2).join()}${headerLength === null ? "" : " binary"}`;
  },
};

function generated(random: Random): Uint8Array {
  const parts: Uint8Array[] = [];
  const inputs: string[] = [];
  for (let left = random.below(3); left >= 0; left--) inputs.push(generatedInput(random, parts));
  const more = random.pick([
    "",
    "",
    '"id":"a",',
    '"parameters":{"a":1},',
    '"outputs":[{"name":"y"}],',
    '"later":[{}],',
  ]);
  return inputOf(`{${more}"inputs":[${inputs.join()}]}`, parts.length === 0 ? null : joined(...parts));
}

function generatedInput(random: Random, parts: Uint8Array[]): string {
  const dtype = random.pick(Object.keys(DTYPES) as DType[]);
  const { oip, bits } = DTYPES[dtype];
  const shape = Array.from({ length: random.below(4) }, () => random.below(4));
  const count = shape.reduce((product, length) => product * length, 1);
  const fields = [`"name":"x"`, `"datatype":"${oip ?? "FP8"}"`, `"shape":[${shape.join()}]`];
  if (random.oneIn(3)) {
    const size = bits === 0 ? 5 * count : (bits * count) / 8;
    const bytes = new Uint8Array(size);
    if (bits === 0) for (let at = 0; at < size; at += 5) bytes.set([1, 0, 0, 0, 0x20 + random.below(90)], at);
    else for (let at = 0; at < size; at++) bytes[at] = dtype === "bool" ? random.below(2) : random.below(256);
    parts.push(bytes);
    fields.push(`"parameters":{"binary_data_size":${size}}`);
  } else {
    const items = Array.from({ length: count }, () => generatedElement(random, dtype));
    fields.push(`"data":${random.oneIn(2) ? nested(items, shape) : `[${items.join()}]`}`);
  }
  if (random.oneIn(2)) fields.reverse();
  return `{${fields.join()}}`;
}

function generatedElement(random: Random, dtype: DType): string {
  if (dtype === "string") return stringText(random);
  if (dtype === "bool") return random.pick(["true", "false", "0", "1"]);
  return dtype.includes("int") && !random.oneIn(8) ? String(random.below(128)) : numberText(random);
}

function nested(items: readonly string[], shape: readonly number[]): string {
  if (shape.length === 0) return items[0] ?? "0";
  const width = shape.slice(1).reduce((product, length) => product * length, 1);
  const rows = Array.from({ length: shape[0]! }, (_, row) =>
    nested(items.slice(row * width, (row + 1) * width), shape.slice(1)),
  );
  return `[${rows.join()}]`;
}

interface PlainRequest {
  readonly id: string | null;
  readonly parameters: ReadonlyMap<string, unknown>;
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly data: TensorData;
  }[];
  readonly outputs:
    | readonly { readonly name: string; readonly isBinary: boolean; readonly classification: number }[]
    | null;
}

class Unsound extends Error {}

function need(isSo: boolean): asserts isSo {
  if (!isSo) throw new Unsound();
}

/** The request, read as plainly as can be; null where it is not sound. */
function plainRequest(body: Uint8Array, headerLength: number | null): PlainRequest | null {
  try {
    need(headerLength === null || headerLength <= body.length);
    const json = plainJson(headerLength === null ? body : body.subarray(0, headerLength), { hasNonFinite: true });
    need(json?.kind === "object");
    const fields = onceOnly(json, ["id", "parameters", "inputs", "outputs"]);
    const id = fields.get("id");
    need(id === undefined || isNull(id) || (id.kind === "string" && id.value.length <= WIRE_LIMITS.idLength));
    const parameters = plainParameters(fields.get("parameters"));
    const isBinaryDefault = parameters.get("binary_data_output") ?? false;
    need(typeof isBinaryDefault === "boolean");
    const list = fields.get("inputs");
    need(list?.kind === "array" && list.items.length <= WIRE_LIMITS.inputs);
    const rest = { bytes: headerLength === null ? new Uint8Array() : body.subarray(headerLength) };
    const inputs = list.items.map((item) => plainInput(item, rest));
    need(rest.bytes.length === 0);
    const outputs = plainOutputs(fields.get("outputs"), isBinaryDefault);
    return { id: id?.kind === "string" ? id.value : null, parameters, inputs, outputs };
  } catch (error) {
    if (error instanceof Unsound) return null;
    throw error;
  }
}

function isNull(value: PlainValue): boolean {
  return value.kind === "literal" && value.value === null;
}

/** The fields of an object that are known; none of them may stand twice. */
function onceOnly(value: PlainValue & { kind: "object" }, known: readonly string[]): Map<string, PlainValue> {
  const fields = new Map<string, PlainValue>();
  for (const [key, field] of value.entries) {
    if (!known.includes(key)) continue;
    need(!fields.has(key));
    fields.set(key, field);
  }
  return fields;
}

function plainParameters(value: PlainValue | undefined): Map<string, string | number | boolean> {
  const parameters = new Map<string, string | number | boolean>();
  if (value === undefined || isNull(value)) return parameters;
  need(value.kind === "object");
  for (const [key, item] of value.entries) {
    need(!parameters.has(key));
    need(parameters.size < WIRE_LIMITS.parameters);
    if (isNull(item)) continue;
    need(item.kind === "string" || item.kind === "number" || item.kind === "literal");
    parameters.set(key, item.value as string | number | boolean);
  }
  return parameters;
}

function nameOf(value: PlainValue | undefined): string {
  need(value?.kind === "string" && value.value.length <= WIRE_LIMITS.nameLength);
  return value.value;
}

function plainOutputs(value: PlainValue | undefined, isBinaryDefault: boolean): PlainRequest["outputs"] {
  if (value === undefined || isNull(value)) return null;
  need(value.kind === "array" && value.items.length <= WIRE_LIMITS.outputs);
  const names = new Set<string>();
  const outputs = value.items.map((item) => {
    need(item.kind === "object");
    const fields = onceOnly(item, ["name", "parameters"]);
    const name = nameOf(fields.get("name"));
    need(!names.has(name));
    names.add(name);
    const parameters = plainParameters(fields.get("parameters"));
    need(!parameters.has("shared_memory_region"));
    const isBinary = parameters.get("binary_data") ?? isBinaryDefault;
    const classification = parameters.get("classification") ?? 0;
    need(typeof isBinary === "boolean");
    need(typeof classification === "number" && Number.isSafeInteger(classification) && classification >= 0);
    return { name, isBinary, classification };
  });
  return outputs.length === 0 ? null : outputs;
}

function plainInput(value: PlainValue, rest: { bytes: Uint8Array }): PlainRequest["inputs"][number] {
  need(value.kind === "object");
  const fields = onceOnly(value, ["name", "datatype", "shape", "parameters", "data"]);
  const name = nameOf(fields.get("name"));
  const datatype = fields.get("datatype");
  need(datatype?.kind === "string");
  const dtype = dtypeFromOip(datatype.value);
  need(dtype !== undefined);
  const shape = plainShape(fields.get("shape"));
  const count = shape.reduce((product, length) => product * length, 1);
  const parameters = plainParameters(fields.get("parameters"));
  need(!parameters.has("shared_memory_region"));
  const size = parameters.get("binary_data_size");
  const data = fields.get("data");
  if (size === undefined) {
    need(data !== undefined);
    return { name, dtype, shape, data: plainData(data, dtype, shape, count) };
  }
  need(data === undefined && typeof size === "number" && Number.isSafeInteger(size) && size >= 0);
  need(size <= rest.bytes.length);
  const bytes = rest.bytes.slice(0, size);
  rest.bytes = rest.bytes.subarray(size);
  return { name, dtype, shape, data: plainBinary(bytes, dtype, count) };
}

function plainShape(value: PlainValue | undefined): number[] {
  need(value?.kind === "array" && value.items.length <= LIMITS.tensorRank);
  const shape = value.items.map((item) => {
    need(item.kind === "number" && Number.isSafeInteger(item.value) && item.value >= 0);
    return item.value;
  });
  const product = shape.filter((length) => length > 0).reduce((all, length) => all * length, 1);
  need(product <= LIMITS.tensorElements);
  return shape;
}

function plainData(value: PlainValue, dtype: DType, shape: readonly number[], count: number): TensorData {
  need(dtype !== "float16" && dtype !== "bfloat16");
  let items: readonly PlainValue[];
  if (value.kind !== "array") {
    need(shape.length === 0);
    items = [value];
  } else if (value.items[0]?.kind === "array" && shape.length > 0) items = flattened(value, shape);
  else items = value.items;
  need(items.length === count);
  return elements(items, dtype);
}

/** The elements of arrays nested exactly to the shape. */
function flattened(value: PlainValue, [length, ...below]: readonly number[]): PlainValue[] {
  need(value.kind === "array" && value.items.length === length);
  if (below.length === 0) return [...value.items];
  return value.items.flatMap((item) => flattened(item, below));
}

function elements(items: readonly PlainValue[], dtype: DType): TensorData {
  if (dtype === "string") {
    return items.map((item) => {
      need(item.kind === "string");
      return item.value;
    });
  }
  const { bits, storage } = DTYPES[dtype];
  const numbers = items.map((item) => {
    if (dtype === "bool" && item.kind === "literal" && item.value !== null) return item.value ? 1 : 0;
    need(item.kind === "number");
    if (storage.startsWith("f")) {
      // Infinite only where the text says so.
      const stored = storage === "f32" ? Math.fround(item.value) : item.value;
      need(Number.isFinite(stored) || /^-?[NI]/.test(item.text));
      return item.value;
    }
    if (dtype === "bool") {
      need(item.value === 0 || item.value === 1);
      return item.value;
    }
    const whole = wholeNumber(item);
    const least = storage.startsWith("u") ? 0n : -(2n ** BigInt(bits - 1));
    need(whole >= least && whole < least + 2n ** BigInt(bits));
    return bits === 64 ? whole : Number(whole);
  });
  if (storage === "f32") return Float32Array.from(numbers as number[]);
  if (storage === "f64") return Float64Array.from(numbers as number[]);
  if (storage === "i64") return BigInt64Array.from(numbers as bigint[]);
  if (storage === "u64") return BigUint64Array.from(numbers as bigint[]);
  return numbers as unknown as TensorData;
}

/** Exactly; beyond 2^53 a number with a point or an exponent is not whole here. */
function wholeNumber({ text, value }: PlainValue & { kind: "number" }): bigint {
  if (Number.isSafeInteger(value)) return BigInt(value);
  need(/^-?\d{1,20}$/.test(text));
  return BigInt(text);
}

function plainBinary(bytes: Uint8Array, dtype: DType, count: number): TensorData {
  if (dtype === "string") {
    const texts: string[] = [];
    const view = new DataView(bytes.buffer);
    let at = 0;
    while (texts.length < count) {
      need(at + 4 <= bytes.length);
      const end = at + 4 + view.getUint32(at, true);
      need(end <= bytes.length);
      const text = Buffer.from(bytes.subarray(at + 4, end)).toString("utf8");
      need(Buffer.from(text).equals(bytes.subarray(at + 4, end)));
      texts.push(text);
      at = end;
    }
    need(at === bytes.length);
    return texts;
  }
  need(bytes.length === (DTYPES[dtype].bits / 8) * count);
  if (dtype === "bool") need(bytes.every((byte) => byte < 2));
  return bytes;
}

function requireSame(request: InferRequest, wanted: PlainRequest): void {
  const same = (what: string, found: unknown, other: unknown): void => {
    if (JSON.stringify(found) !== JSON.stringify(other)) {
      throw new Error(`${what}: read ${JSON.stringify(found)}, wanted ${JSON.stringify(other)}`);
    }
  };
  same("id", request.id, wanted.id);
  same("parameters", parameterText(request.parameters), parameterText(wanted.parameters));
  same("outputs", request.outputs, wanted.outputs);
  same("number of inputs", request.inputs.length, wanted.inputs.length);
  for (const [index, input] of request.inputs.entries()) {
    const other = wanted.inputs[index]!;
    same("input", [input.name, input.dtype, input.shape], [other.name, other.dtype, other.shape]);
    if (other.data instanceof Uint8Array) same("bytes", hexOf(input.data as Uint8Array), hexOf(other.data));
    else same("data", dataText(input.data), dataText(other.data, input.data));
  }
}

function parameterText(parameters: ReadonlyMap<string, unknown>): string {
  return JSON.stringify([...parameters].map(([key, value]) => [key, String(value), typeof value]));
}

/** Strings as they are, anything else as its bytes, in the form that `like` has. */
function dataText(data: TensorData, like: TensorData = data): string {
  if (!ArrayBuffer.isView(like)) return JSON.stringify(data);
  const made = ArrayBuffer.isView(data)
    ? data
    : new (like.constructor as Uint8ArrayConstructor)(data as unknown as number[]);
  // A NaN has many forms, and which one reads is not told apart.
  if (made instanceof Float32Array || made instanceof Float64Array) {
    if (!made.some(Number.isNaN)) return hexOf(made);
    return Array.from(made, (value) => (Object.is(value, -0) ? "-0" : String(value))).join();
  }
  return hexOf(made);
}

function hexOf({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("hex");
}
