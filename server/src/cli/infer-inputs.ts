// What `slipway infer` is given, to what is sent: files by their kind, values written on the command line.
import { SlipwayError } from "@slipway/core/base";
import { type JsonValue, tensorFromNested } from "@slipway/core/processing";
import { dtypeFromOip, type NamedTensor, type Tensor, tensorFromNpy } from "@slipway/core/tensor";
import type { EndpointMetadata, PortMetadata } from "#load";
import { imageType } from "./files.ts";

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

/** `image=digit.npy` → name and rest; a text without a name is a file. */
export function givenInput(text: string): GivenInput {
  if (isBody(text)) return { name: null, text };
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
    if (imageType(text) !== null)
      throw new SlipwayError("USAGE", `${text} is an image; send one at a time, without a name.`);
    const port = portOf(endpoint, name, text);
    inputs.push(await tensorOf(port, text, read));
  }
  return { kind: "tensors", inputs };
}

/** A request by itself, as it stands or in a file: an image, or JSON of either route. */
async function wholeBody(file: string, read: (file: string) => Promise<Buffer>): Promise<InferBody | null> {
  const contentType = imageType(file);
  if (contentType !== null) return { kind: "records", contentType, body: await read(file) };
  if (isBody(file)) return bodyFrom(Buffer.from(file), "the body");
  if (!file.toLowerCase().endsWith(".json")) return null;
  return bodyFrom(await read(file), file);
}

/** Whether a text is a JSON object rather than a file's name. */
function isBody(text: string): boolean {
  return /^\s*\{/.test(text);
}

/** JSON of either route. @throws SlipwayError FILE_UNREADABLE */
function bodyFrom(bytes: Buffer, file: string): InferBody {
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

/** Nested lists, or one value, as the tensor of an input. */
function valueTensor({ name, datatype }: PortMetadata, value: JsonValue): NamedTensor {
  const dtype = dtypeFromOip(datatype);
  if (dtype === undefined) {
    throw new SlipwayError("MODEL_UNSUPPORTED", `Input "${name}" is ${datatype}, which has no JSON form.`);
  }
  const refuse = (problem: string): never => {
    throw new SlipwayError("INPUT_DATA_MISMATCH", `The value of ${problem}.`);
  };
  return { name, ...tensorFromNested(value, dtype, null, `"${name}"`, refuse) };
}

function jsonFrom(text: string, where: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new SlipwayError("FILE_UNREADABLE", `${where} is not JSON: ${(error as Error).message}.`, { cause: error });
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
