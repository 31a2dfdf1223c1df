// What `slipway infer` is given, to what is sent: files by their kind, values written on the command line.
import { SlipwayError } from "@slipway/core/base";
import {
  createData,
  createTensor,
  DTYPES,
  type DType,
  dtypeFromOip,
  elementCount,
  float16FromNumber,
  bfloat16FromNumber,
  type NamedTensor,
  type Tensor,
  tensorFromNpy,
} from "@slipway/core/tensor";
import type { EndpointMetadata, PortMetadata } from "./oip.ts";

/** A request, by the protocol that carries it. */
export type InferBody =
  | { readonly kind: "tensors"; readonly inputs: readonly NamedTensor[] }
  /** A body of the tensor protocol, sent as it is. */
  | { readonly kind: "request"; readonly body: Uint8Array }
  /** A body of the records route. */
  | { readonly kind: "records"; readonly contentType: string; readonly body: Uint8Array };

export interface GivenInput {
  /** The input's name, where it was given. */
  readonly name: string | null;
  /** A file's name, or a value as JSON. */
  readonly text: string;
}

const IMAGES: readonly (readonly [suffix: string, type: string])[] = [
  [".png", "image/png"],
  [".jpg", "image/jpeg"],
  [".jpeg", "image/jpeg"],
  [".webp", "image/webp"],
];

/** `image=digit.npy` → name and rest; a text without a name is a file. */
export function givenInput(text: string): GivenInput {
  const match = /^([^=/\\]+)=(.+)$/s.exec(text);
  return match === null ? { name: null, text } : { name: match[1]!, text: match[2]! };
}

/**
 * Puts the request together.
 * @param read reads a file the user named
 * @throws SlipwayError USAGE, FILE_UNREADABLE, INPUT_UNKNOWN, INPUT_MISSING, INPUT_DATA_MISMATCH
 */
export async function inferBody(
  given: readonly GivenInput[],
  endpoint: EndpointMetadata,
  read: (file: string) => Promise<Buffer>,
): Promise<InferBody> {
  const [first] = given;
  if (given.length === 1 && first!.name === null) {
    const whole = await wholeBody(first!.text, read);
    if (whole !== null) return whole;
  }
  const inputs: NamedTensor[] = [];
  for (const { name, text } of given) {
    const port = portOf(endpoint, name, text);
    inputs.push(await tensorOf(port, text, read));
  }
  return { kind: "tensors", inputs };
}

/** A file that is a request by itself: an image, or JSON of either route. */
async function wholeBody(file: string, read: (file: string) => Promise<Buffer>): Promise<InferBody | null> {
  const image = IMAGES.find(([suffix]) => file.toLowerCase().endsWith(suffix));
  if (image !== undefined) return { kind: "records", contentType: image[1], body: await read(file) };
  if (!file.toLowerCase().endsWith(".json")) return null;
  const bytes = await read(file);
  const value = jsonFrom(bytes.toString("utf8"), file);
  if (isObject(value) && "inputs" in value) return { kind: "request", body: bytes };
  if (isObject(value) && "instances" in value) return { kind: "records", contentType: "application/json", body: bytes };
  throw new SlipwayError("FILE_UNREADABLE", `${file} holds neither {"inputs": […]} nor {"instances": […]}.`);
}

function portOf(endpoint: EndpointMetadata, name: string | null, text: string): PortMetadata {
  const names = endpoint.inputs.map((port) => port.name).join(", ");
  if (name === null) {
    const [only, ...more] = endpoint.inputs;
    if (only !== undefined && more.length === 0) return only;
    throw new SlipwayError("USAGE", `The model has several inputs (${names}); write --input NAME=${text}.`);
  }
  const port = endpoint.inputs.find((candidate) => candidate.name === name);
  if (port === undefined) {
    throw new SlipwayError("INPUT_UNKNOWN", `The model has no input "${name}"; its inputs are ${names}.`);
  }
  return port;
}

async function tensorOf(
  port: PortMetadata,
  text: string,
  read: (file: string) => Promise<Buffer>,
): Promise<NamedTensor> {
  if (text.toLowerCase().endsWith(".npy")) return { name: port.name, ...arrayFrom(await read(text), text) };
  if (text.toLowerCase().endsWith(".json"))
    return valueTensor(port, jsonFrom((await read(text)).toString("utf8"), text));
  if (/^[[{"\d-]|^(true|false)$/.test(text)) return valueTensor(port, jsonFrom(text, `the value of "${port.name}"`));
  throw new SlipwayError(
    "USAGE",
    `"${text}" is neither a file of a known kind (.npy, .json, .png, .jpg) nor a value such as [[1, 2]].`,
  );
}

function arrayFrom(bytes: Uint8Array, file: string): Tensor {
  try {
    return tensorFromNpy(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SlipwayError("FILE_UNREADABLE", `${file} holds no array that can be read: ${reason}`, { cause: error });
  }
}

/** Nested lists, or one number, as the tensor of an input. */
function valueTensor(port: PortMetadata, value: unknown): NamedTensor {
  const dtype = dtypeFromOip(port.datatype);
  if (dtype === undefined) {
    throw new SlipwayError("MODEL_UNSUPPORTED", `Input "${port.name}" is ${port.datatype}, which has no JSON form.`);
  }
  const shape: number[] = [];
  for (let level = value; Array.isArray(level); level = level[0]) shape.push(level.length);
  const flat: unknown[] = [];
  flatten(value, shape, 0, port.name, flat);
  return { name: port.name, ...createTensor(dtype, shape, dataOf(dtype, shape, flat, port.name)) };
}

function flatten(value: unknown, shape: readonly number[], axis: number, name: string, into: unknown[]): void {
  if (axis === shape.length && !Array.isArray(value)) into.push(value);
  else if (Array.isArray(value) && value.length === shape[axis]) {
    for (const item of value) flatten(item, shape, axis + 1, name, into);
  } else throw new SlipwayError("INPUT_DATA_MISMATCH", `The lists of "${name}" are not of equal length.`);
}

function dataOf(dtype: DType, shape: readonly number[], flat: readonly unknown[], name: string) {
  const wrong = (value: unknown, wanted: string) =>
    new SlipwayError("INPUT_DATA_MISMATCH", `"${name}" holds ${JSON.stringify(value)}; ${wanted} is expected.`);
  if (dtype === "string") {
    return flat.map((value) => {
      if (typeof value !== "string") throw wrong(value, "a text");
      return value;
    });
  }
  const data = createData(dtype, elementCount(shape));
  const { storage } = DTYPES[dtype];
  flat.forEach((value, index) => {
    const number = typeof value === "boolean" ? Number(value) : value;
    if (typeof number !== "number") throw wrong(value, "a number");
    if (storage === "i64" || storage === "u64") {
      if (!Number.isSafeInteger(number)) throw wrong(value, "a whole number");
      (data as BigInt64Array)[index] = BigInt(number);
    } else if (dtype === "float16") (data as Uint16Array)[index] = float16FromNumber(number);
    else if (dtype === "bfloat16") (data as Uint16Array)[index] = bfloat16FromNumber(number);
    else (data as Float32Array)[index] = number;
  });
  return data;
}

function jsonFrom(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SlipwayError("FILE_UNREADABLE", `${where} is not JSON: ${(error as Error).message}.`, { cause: error });
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
