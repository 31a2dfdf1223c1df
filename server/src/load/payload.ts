// What a load test sends: a file, or inputs made up from what the endpoint says of itself.
import { assert, SlipwayError } from "@slipway/core/base";
import {
  createData,
  DTYPES,
  dtypeFromOip,
  elementCount,
  type NamedTensor,
  type TensorData,
} from "@slipway/core/tensor";
import type { EncodedRequest, PortMetadata } from "./oip.ts";
import type { Random } from "./arrivals.ts";

/**
 * Inputs that fit a signature: small numbers from a seed, so that every run sends the same bytes.
 * @param rows the length of a first axis that is free; other free axes get 1
 * @throws SlipwayError MODEL_UNSUPPORTED for a type that can't be made up
 */
export function sampleInputs(ports: readonly PortMetadata[], rows: number, random: Random): NamedTensor[] {
  return ports.map(({ name, datatype, shape: axes }) => {
    const dtype = dtypeFromOip(datatype);
    if (dtype === undefined) {
      throw new SlipwayError(
        "MODEL_UNSUPPORTED",
        `Input "${name}" is ${datatype}, which can't be made up; send a body of your own with --payload.`,
      );
    }
    const shape = axes.map((length, axis) => (length >= 0 ? length : axis === 0 ? rows : 1));
    const count = elementCount(shape);
    return { name, dtype, shape, data: sampleData(dtype, count, random) };
  });
}

function sampleData(dtype: NamedTensor["dtype"], count: number, random: Random): TensorData {
  if (dtype === "string") return Array.from({ length: count }, (_, index) => `text ${index}`);
  const data = createData(dtype, count);
  const { storage } = DTYPES[dtype];
  for (let index = 0; index < data.length; index++) {
    if (storage === "i64" || storage === "u64") (data as BigInt64Array)[index] = random() < 0.5 ? 0n : 1n;
    // Few digits, as people's JSON has; whole numbers stay 0 and 1, which any table of tokens or categories has.
    else if (storage === "f32" || storage === "f64") (data as Float32Array)[index] = Math.round(random() * 1000) / 1000;
    // 16-bit floats are kept as bits; 0x3c00 and 0x3f80 are one.
    else if (dtype === "float16" || dtype === "bfloat16") {
      (data as Uint16Array)[index] = random() < 0.5 ? 0 : dtype === "float16" ? 0x3c00 : 0x3f80;
    } else (data as Uint8Array)[index] = random() < 0.5 ? 0 : 1;
  }
  return data;
}

/** A whole HTTP/1.1 request, ready to be written to a connection. */
export function requestBytes(
  url: URL,
  method: string,
  encoded: EncodedRequest | null,
  headers: Readonly<Record<string, string>>,
): Buffer {
  const body = encoded?.body ?? new Uint8Array(0);
  const all: Record<string, string> = {
    host: url.host,
    "user-agent": "slipway-bench",
    accept: "*/*",
    ...encoded?.headers,
    ...(method === "GET" ? {} : { "content-length": String(body.length) }),
  };
  for (const [name, value] of Object.entries(headers)) all[name.toLowerCase()] = value;
  const lines = Object.entries(all).map(([name, value]) => {
    assert(!/[\r\n]/.test(name + value), `The header ${name} has a line break.`);
    return `${name}: ${value}\r\n`;
  });
  return Buffer.concat([Buffer.from(`${method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("")}\r\n`), body]);
}
