// An inference request of the Open Inference Protocol v2 (REST), with the binary tensor data extension: bytes → tensors.
// Keys may come in any order; unknown ones are checked to be JSON and passed over; a key the protocol knows may come once
// only, since readers that differ on which one counts are how requests are smuggled. `null` counts as absent.
import { LIMITS, SlipwayError } from "#base";
import { DTYPES, type DType, dtypeFromOip, elementCount, type NamedTensor } from "#tensor";
import { dataFromBinary } from "./binary.ts";
import { readData } from "./data.ts";
import { WIRE_LIMITS } from "./limits.ts";
import { readNumber } from "./numbers.ts";
import {
  createScanner,
  enterArray,
  enterObject,
  fail,
  failExpecting,
  finish,
  nextElement,
  nextKey,
  peek,
  place,
  readBoolean,
  readString,
  type Scanner,
  skipNull,
  skipValue,
} from "./scan.ts";

export type ParameterValue = string | number | boolean;
/** Parameters by name, of a request, an input or an output. */
export type ParameterMap = ReadonlyMap<string, ParameterValue>;

/** An output the caller asks for. */
export interface RequestedOutput {
  readonly name: string;
  /** As bytes after the JSON, rather than in it. */
  readonly isBinary: boolean;
  /** How many classes, best first, instead of the numbers; 0 for the numbers. */
  readonly classification: number;
}

export interface InferRequest {
  /** As the caller named it. */
  readonly id: string | null;
  readonly parameters: ParameterMap;
  readonly inputs: readonly NamedTensor[];
  /** null asks for every output. */
  readonly outputs: readonly RequestedOutput[] | null;
  /** Whether outputs are binary where the request does not say for each. */
  readonly isBinaryDefault: boolean;
}

export const NO_PARAMETERS: ParameterMap = new Map();

/**
 * Decodes a request.
 * @param body the whole body: JSON, and after it the binary data of the inputs that declare some
 * @param headerLength bytes of JSON where binary data follows (`Inference-Header-Content-Length`); null for JSON alone
 * @throws SlipwayError REQUEST_MALFORMED, INPUT_DATA_MISMATCH, INPUT_SHAPE_MISMATCH or PARAMETER_INVALID, naming the
 *   field and the byte
 */
export function decodeInferRequest(body: Uint8Array, headerLength: number | null = null): InferRequest {
  if (headerLength !== null && headerLength > body.length) {
    throw new SlipwayError(
      "REQUEST_MALFORMED",
      `Inference-Header-Content-Length is ${headerLength}; the body has ${body.length} bytes.`,
    );
  }
  const s = createScanner(headerLength === null ? body : body.subarray(0, headerLength));
  let id: string | null | undefined;
  let parameters: ParameterMap | undefined;
  let inputs: InputDraft[] | undefined;
  let outputs: OutputDraft[] | null | undefined;
  for (let key = enterObject(s); key !== null; key = nextKey(s)) {
    s.field = key;
    switch (key) {
      case "id":
        if (id !== undefined) duplicate(s);
        id = readId(s);
        break;
      case "parameters":
        if (parameters !== undefined) duplicate(s);
        parameters = readParameters(s);
        break;
      case "inputs":
        if (inputs !== undefined) duplicate(s);
        inputs = readInputs(s);
        break;
      case "outputs":
        if (outputs !== undefined) duplicate(s);
        outputs = readOutputs(s);
        break;
      default:
        s.field = "";
        skipValue(s, readNumber);
    }
    s.field = "";
  }
  finish(s);
  if (inputs === undefined) {
    throw new SlipwayError(
      "REQUEST_MALFORMED",
      'The request has no "inputs"; send them as an array, empty if need be.',
    );
  }
  parameters ??= NO_PARAMETERS;
  const isBinaryDefault = booleanParameter(parameters, "binary_data_output", "parameters") ?? false;
  return {
    id: id ?? null,
    parameters,
    inputs: completeInputs(inputs, body, s.bytes.length),
    // Triton takes an empty list for "all", as it does none.
    outputs: outputs?.length ? outputs.map((output) => completeOutput(output, isBinaryDefault)) : null,
    isBinaryDefault,
  };
}

interface InputDraft {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** null where the data is binary. */
  readonly data: NamedTensor["data"] | null;
  readonly binarySize: number;
}

function readInputs(s: Scanner): InputDraft[] {
  s.section = "inputs";
  s.field = "";
  const inputs: InputDraft[] = [];
  for (let isMore = enterArray(s); isMore; isMore = nextElement(s)) {
    s.index = inputs.length;
    if (inputs.length === WIRE_LIMITS.inputs) fail(s, `a request has at most ${WIRE_LIMITS.inputs} inputs`);
    inputs.push(readInput(s));
    s.field = "";
  }
  leaveSection(s);
  return inputs;
}

function readInput(s: Scanner): InputDraft {
  let name: string | undefined;
  let dtype: DType | undefined;
  let shape: readonly number[] | undefined;
  let parameters: ParameterMap | undefined;
  let data: NamedTensor["data"] | undefined;
  let dataAt = -1; // where data stands that came before the shape or datatype
  for (let key = enterObject(s); key !== null; key = nextKey(s)) {
    s.field = key;
    switch (key) {
      case "name":
        if (name !== undefined) duplicate(s);
        name = readName(s);
        break;
      case "datatype":
        if (dtype !== undefined) duplicate(s);
        dtype = readDatatype(s);
        break;
      case "shape":
        if (shape !== undefined) duplicate(s);
        shape = readShape(s);
        break;
      case "parameters":
        if (parameters !== undefined) duplicate(s);
        parameters = readParameters(s);
        break;
      case "data":
        if (data !== undefined || dataAt >= 0) duplicate(s);
        if (dtype !== undefined && shape !== undefined) data = readData(s, dtype, shape);
        else {
          dataAt = s.at;
          skipValue(s, readNumber);
        }
        break;
      default:
        s.field = "";
        skipValue(s, readNumber);
    }
    s.field = "";
  }
  if (name === undefined) return missing(s, "name");
  if (dtype === undefined) return missing(s, "datatype");
  if (shape === undefined) return missing(s, "shape");
  if (dataAt >= 0) data = readEarlierData(s, dataAt, dtype, shape);
  const binarySize = parameters === undefined ? -1 : binarySizeOf(parameters, place(s));
  if (binarySize < 0 && data === undefined) return missing(s, "data");
  if (binarySize >= 0 && data !== undefined) fail(s, "data and the parameter binary_data_size exclude each other");
  return { name, dtype, shape, data: data ?? null, binarySize };
}

function readEarlierData(s: Scanner, at: number, dtype: DType, shape: readonly number[]): NamedTensor["data"] {
  const after = s.at;
  s.at = at;
  s.field = "data";
  const data = readData(s, dtype, shape);
  s.field = "";
  s.at = after;
  return data;
}

/** The declared size of an input's binary data; -1 where it has none. */
function binarySizeOf(parameters: ParameterMap, where: string): number {
  if (parameters.has("shared_memory_region")) {
    throw new SlipwayError(
      "EXTENSION_UNSUPPORTED",
      `${where}: shared memory is not supported; send the data in the body, as binary for speed.`,
    );
  }
  const size = parameters.get("binary_data_size");
  if (size === undefined) return -1;
  if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0) return size;
  throw new SlipwayError(
    "PARAMETER_INVALID",
    `${where}.parameters.binary_data_size is ${JSON.stringify(size)}; it is a whole number of bytes.`,
  );
}

/** Gives the inputs that declared binary data their part of what follows the JSON. */
function completeInputs(drafts: readonly InputDraft[], body: Uint8Array, jsonLength: number): NamedTensor[] {
  let at = jsonLength;
  const inputs = drafts.map((draft, index): NamedTensor => {
    const { name, dtype, shape } = draft;
    if (draft.data !== null) return { name, dtype, shape, data: draft.data };
    const end = at + draft.binarySize;
    const where = `inputs[${index}]`;
    if (end > body.length) {
      throw new SlipwayError(
        "INPUT_DATA_MISMATCH",
        `${where}: binary_data_size is ${draft.binarySize}; ${body.length - at} bytes are left after the JSON and the inputs before.`,
      );
    }
    const data = dataFromBinary(dtype, shape, body.subarray(at, end), where);
    at = end;
    return { name, dtype, shape, data };
  });
  if (at !== body.length) {
    throw new SlipwayError(
      "REQUEST_MALFORMED",
      `Unexpected additional input data: ${body.length - at} bytes follow what the inputs declare.`,
    );
  }
  return inputs;
}

interface OutputDraft {
  readonly name: string;
  readonly parameters: ParameterMap;
  readonly place: string;
}

function readOutputs(s: Scanner): OutputDraft[] | null {
  if (skipNull(s)) return null;
  s.section = "outputs";
  s.field = "";
  const outputs: OutputDraft[] = [];
  for (let isMore = enterArray(s); isMore; isMore = nextElement(s)) {
    s.index = outputs.length;
    if (outputs.length === WIRE_LIMITS.outputs) fail(s, `a request names at most ${WIRE_LIMITS.outputs} outputs`);
    const output = readOutput(s);
    if (outputs.some(({ name }) => name === output.name)) fail(s, "the same output is asked for twice");
    outputs.push(output);
    s.field = "";
  }
  leaveSection(s);
  return outputs;
}

function readOutput(s: Scanner): OutputDraft {
  let name: string | undefined;
  let parameters: ParameterMap | undefined;
  for (let key = enterObject(s); key !== null; key = nextKey(s)) {
    s.field = key;
    if (key === "name") {
      if (name !== undefined) duplicate(s);
      name = readName(s);
    } else if (key === "parameters") {
      if (parameters !== undefined) duplicate(s);
      parameters = readParameters(s);
    } else {
      s.field = "";
      skipValue(s, readNumber);
    }
    s.field = "";
  }
  if (name === undefined) return missing(s, "name");
  return { name, parameters: parameters ?? NO_PARAMETERS, place: place(s) };
}

function completeOutput(draft: OutputDraft, isBinaryDefault: boolean): RequestedOutput {
  const { name, parameters } = draft;
  if (parameters.size === 0) return { name, isBinary: isBinaryDefault, classification: 0 };
  const where = `${draft.place}.parameters`;
  if (parameters.has("shared_memory_region")) {
    throw new SlipwayError(
      "EXTENSION_UNSUPPORTED",
      `${draft.place}: shared memory is not supported; take the output in the answer's body.`,
    );
  }
  const isBinary = booleanParameter(parameters, "binary_data", where) ?? isBinaryDefault;
  const classification = parameters.get("classification") ?? 0;
  if (typeof classification !== "number" || !Number.isSafeInteger(classification) || classification < 0) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `${where}.classification is ${JSON.stringify(classification)}; it is a number of classes from 1, or 0 for none.`,
    );
  }
  return { name, isBinary, classification };
}

function booleanParameter(parameters: ParameterMap, name: string, where: string): boolean | undefined {
  const value = parameters.get(name);
  if (value === undefined || typeof value === "boolean") return value;
  throw new SlipwayError("PARAMETER_INVALID", `${where}.${name} is ${JSON.stringify(value)}; it is true or false.`);
}

function readId(s: Scanner): string | null {
  if (skipNull(s)) return null;
  const id = readString(s);
  if (id.length > WIRE_LIMITS.idLength) fail(s, `an id has at most ${WIRE_LIMITS.idLength} characters`);
  return id;
}

function readName(s: Scanner): string {
  const name = readString(s);
  if (name.length > WIRE_LIMITS.nameLength) fail(s, `a name has at most ${WIRE_LIMITS.nameLength} characters`);
  return name;
}

function readDatatype(s: Scanner): DType {
  const start = s.at;
  const text = readString(s);
  const dtype = dtypeFromOip(text);
  if (dtype !== undefined) return dtype;
  const known = Object.values(DTYPES).flatMap(({ oip }) => (oip === null ? [] : [oip]));
  return fail(s, `${JSON.stringify(text.slice(0, 40))} is no datatype; there are ${known.join(", ")}`, start);
}

function readShape(s: Scanner): readonly number[] {
  const shape: number[] = [];
  const start = s.at;
  for (let isMore = enterArray(s); isMore; isMore = nextElement(s)) {
    peek(s);
    const at = s.at;
    const length = readNumber(s);
    if (shape.length === LIMITS.tensorRank) {
      fail(s, `a shape has at most ${LIMITS.tensorRank} axes`, at, "INPUT_SHAPE_MISMATCH");
    }
    if (!Number.isInteger(length)) fail(s, "an axis length is a whole number", at);
    shape.push(length);
  }
  try {
    elementCount(shape);
  } catch (error) {
    if (error instanceof SlipwayError) fail(s, error.message.replace(/\.$/, ""), start, error.code);
    throw error;
  }
  return shape;
}

function readParameters(s: Scanner): ParameterMap {
  if (skipNull(s)) return NO_PARAMETERS;
  const field = s.field;
  const parameters = new Map<string, ParameterValue>();
  for (let key = enterObject(s); key !== null; key = nextKey(s)) {
    s.field = `${field}.${key.slice(0, 64)}`;
    if (parameters.has(key)) duplicate(s);
    if (parameters.size === WIRE_LIMITS.parameters) fail(s, `there are at most ${WIRE_LIMITS.parameters} parameters`);
    if (!skipNull(s)) parameters.set(key, readParameter(s));
  }
  s.field = field;
  return parameters;
}

function readParameter(s: Scanner): ParameterValue {
  switch (peek(s)) {
    case 0x22: // '"'
      return readString(s);
    case 0x74: // t
    case 0x66: // f
      return readBoolean(s);
    case 0x5b: // '['
    case 0x7b: // '{'
      return failExpecting(s, "a string, number or boolean");
    default:
      return readNumber(s);
  }
}

function leaveSection(s: Scanner): void {
  s.section = s.field = "";
  s.index = -1;
}

function duplicate(s: Scanner): never {
  fail(s, "the key stands twice");
}

function missing(s: Scanner, key: string): never {
  fail(s, `"${key}" is missing`);
}
