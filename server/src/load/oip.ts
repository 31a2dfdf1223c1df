// The client's side of the Open Inference Protocol: tensors to the bytes of a request, the bytes of an answer to tensors.
import { assert, SlipwayError } from "@slipway/core/base";
import { DTYPES, dtypeFromOip, type NamedTensor } from "@slipway/core/tensor";
import { binaryFromTensor, dataFromBinary } from "@slipway/core/wire";

/** What `GET /v2/models/NAME` says of an input or output; an axis of -1 is free. */
export interface PortMetadata {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}
export interface EndpointMetadata {
  readonly name: string;
  readonly inputs: readonly PortMetadata[];
  readonly outputs: readonly PortMetadata[];
}

export interface EncodedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Length of the JSON part of a body that goes on with binary tensors. */
export const HEADER_LENGTH = "inference-header-content-length";

/**
 * Encodes an inference request.
 * @param options.isBinary sends tensors as raw bytes instead of numbers in JSON
 * @param options.isBinaryAnswer asks for the outputs as raw bytes
 */
export function encodeRequest(
  inputs: readonly NamedTensor[],
  options: { readonly isBinary: boolean; readonly isBinaryAnswer: boolean },
): EncodedRequest {
  const binaries: Uint8Array[] = [];
  const described = inputs.map((tensor) => {
    const datatype = DTYPES[tensor.dtype].oip;
    assert(datatype !== null, `Input "${tensor.name}" is ${tensor.dtype}, which the protocol can't carry.`);
    const data = options.isBinary ? null : jsonData(tensor);
    let text = `{"name":${JSON.stringify(tensor.name)},"shape":[${tensor.shape.join()}],"datatype":"${datatype}"`;
    if (data === null) {
      const bytes = binaryFromTensor(tensor);
      binaries.push(bytes);
      text += `,"parameters":{"binary_data_size":${bytes.length}}`;
    } else text += `,"data":${data}`;
    return `${text}}`;
  });
  const parameters = options.isBinaryAnswer ? '"parameters":{"binary_data_output":true},' : "";
  const json = Buffer.from(`{${parameters}"inputs":[${described.join()}]}`);
  if (binaries.length === 0) return { headers: { "content-type": "application/json" }, body: json };
  const headers = { "content-type": "application/octet-stream", [HEADER_LENGTH]: String(json.length) };
  return { headers, body: Buffer.concat([json, ...binaries]) };
}

/**
 * The outputs of an answer whose tensors are raw bytes.
 * @param headerLength bytes of its JSON; null where it is all JSON
 * @throws SlipwayError REQUEST_MALFORMED when the answer is not one
 */
export function decodeAnswer(body: Uint8Array, headerLength: number | null): NamedTensor[] {
  const end = headerLength ?? body.length;
  const { outputs } = JSON.parse(Buffer.from(body.subarray(0, end)).toString("utf8")) as {
    outputs: { name: string; datatype: string; shape: number[]; parameters?: { binary_data_size?: number } }[];
  };
  let at = end;
  return outputs.map(({ name, datatype, shape, parameters }) => {
    const dtype = dtypeFromOip(datatype);
    const sizeBytes = parameters?.binary_data_size;
    if (dtype === undefined || sizeBytes === undefined) {
      throw new SlipwayError(
        "REQUEST_MALFORMED",
        `The server answered the output "${name}" in a form that was not asked for.`,
      );
    }
    const bytes = body.subarray(at, at + sizeBytes);
    at += sizeBytes;
    return { name, dtype, shape, data: dataFromBinary(dtype, shape, bytes, `output "${name}"`) };
  });
}

/** The elements as JSON; null for what JSON has no numbers for: 16-bit floats (kept as bits), infinities and NaN. */
function jsonData({ dtype, data }: NamedTensor): string | null {
  if (dtype === "float16" || dtype === "bfloat16") return null;
  if (dtype === "bool") return JSON.stringify(Array.from(data as Uint8Array, (value) => value !== 0));
  if (dtype === "string") return JSON.stringify(data);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return `[${data.join()}]`;
  const numbers = data as Float32Array | Float64Array;
  if (!numbers.every((value) => Number.isFinite(value))) return null;
  return `[${Array.from(numbers, dtype === "float32" ? textOfFloat32 : textOfNumber).join()}]`;
}

function textOfNumber(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** The shortest decimal that reads back as the same float32: 0.1, not the 0.10000000149011612 it is as a float64. */
function textOfFloat32(value: number): string {
  for (const digits of [3, 6]) {
    const short = Number(value.toPrecision(digits));
    if (Object.is(Math.fround(short), value)) return String(short);
  }
  return textOfNumber(value);
}
