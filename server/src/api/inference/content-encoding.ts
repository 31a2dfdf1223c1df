// Compressed bodies, both ways. Inflating is bounded while it happens, so that a small body can't fill the memory.
import { constants, deflate, gunzip, gzip, inflate, inflateRaw } from "node:zlib";
import { SlipwayError } from "@slipway/core/base";

export type Coding = "gzip" | "deflate";

/** Smaller answers are sent as they are: compressing would cost more than it saves. */
export const SMALLEST_COMPRESSED_BYTES = 8192;
const CHUNK_BYTES = 64 * 1024;

/**
 * The coding of a request body; null for none.
 * @throws SlipwayError CONTENT_ENCODING_UNSUPPORTED
 */
export function codingOf(contentEncoding: string | undefined): Coding | null {
  if (contentEncoding === undefined) return null;
  switch (contentEncoding.trim().toLowerCase()) {
    case "":
    case "identity":
      return null;
    case "gzip":
    case "x-gzip":
      return "gzip";
    case "deflate":
      return "deflate";
    default:
      throw new SlipwayError(
        "CONTENT_ENCODING_UNSUPPORTED",
        `Content-Encoding is ${JSON.stringify(contentEncoding.slice(0, 60))}; gzip, deflate and identity are known.`,
      );
  }
}

/**
 * Inflates a body on another thread, giving up as soon as it is larger than allowed.
 * @param done gets a SlipwayError REQUEST_TOO_LARGE or REQUEST_MALFORMED, or the bytes
 */
export function decompress(
  body: Uint8Array,
  coding: Coding,
  maxBytes: number,
  done: (error: SlipwayError | null, bytes: Uint8Array) => void,
): void {
  const options = { maxOutputLength: maxBytes, chunkSize: CHUNK_BYTES };
  const finish = (error: Error | null, bytes: Uint8Array) => {
    if (error === null) done(null, bytes);
    else done(inflateError(error, coding, maxBytes), body);
  };
  if (coding === "gzip") gunzip(body, options, finish);
  else if (hasZlibHeader(body)) inflate(body, options, finish);
  else inflateRaw(body, options, finish);
}

/** HTTP's deflate is the zlib format; some clients send the bare stream all the same. */
function hasZlibHeader(body: Uint8Array): boolean {
  return body.length >= 2 && (body[0]! & 15) === 8 && (body[0]! * 256 + body[1]!) % 31 === 0;
}

function inflateError(error: Error, coding: Coding, maxBytes: number): SlipwayError {
  if ("code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
    return new SlipwayError(
      "REQUEST_TOO_LARGE",
      `The body inflates to more than ${maxBytes} bytes; send less at once, or raise server.maxBodyBytes.`,
    );
  }
  return new SlipwayError("REQUEST_MALFORMED", `The body is no ${coding}: ${error.message}.`);
}

/** The coding a client would rather have its answer in; null for none. */
export function acceptedCoding(acceptEncoding: string): Coding | null {
  let best: Coding | null = null;
  let bestWeight = 0;
  for (const part of acceptEncoding.toLowerCase().split(",")) {
    const [name, ...parameters] = part.split(";").map((text) => text.trim());
    const coding =
      name === "gzip" || name === "x-gzip" || name === "*" ? "gzip" : name === "deflate" ? "deflate" : null;
    const quality = parameters.find((text) => text.startsWith("q="));
    const weight = quality === undefined ? 1 : Number(quality.slice(2));
    if (coding !== null && weight > bestWeight) {
      best = coding;
      bestWeight = weight;
    }
  }
  return best;
}

/** Compresses an answer on another thread, at the level that costs least. */
export function compress(
  body: string | Uint8Array,
  coding: Coding,
  done: (error: Error | null, bytes: Uint8Array) => void,
): void {
  const options = { level: constants.Z_BEST_SPEED, chunkSize: CHUNK_BYTES };
  if (coding === "gzip") gzip(body, options, done);
  else deflate(body, options, done);
}
