// Compressed bodies, both ways. Inflating is bounded while it happens, so that a small body can't fill the memory.
import { constants, deflate, gunzip, gzip, inflate, inflateRaw } from "node:zlib";
import { SlipwayError } from "@slipway/core/base";

export type Coding = "gzip" | "deflate";

/** Smaller answers are sent as they are: compressing would cost more than it saves. */
export const SMALLEST_COMPRESSED_BYTES = 8192;
const CHUNK_BYTES = 64 * 1024;
/** Bodies inflated at once. */
const INFLATING = 4;

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

/** Gets the bytes, or a SlipwayError REQUEST_TOO_LARGE or REQUEST_MALFORMED. */
type Inflated = (error: SlipwayError | null, bytes: Uint8Array) => void;

interface Waiting {
  readonly body: Uint8Array;
  readonly coding: Coding;
  readonly isWanted: () => boolean;
  readonly done: Inflated;
}

/**
 * Inflates bodies on other threads, a few at a time: each may become as large as a body may be, so their number bounds
 * the memory that small compressed bodies can claim. The others wait, in order.
 */
export class Inflater {
  readonly #maxBytes: number;
  readonly #waiting: Waiting[] = [];
  #running = 0;

  /** @param maxBytes where to give up on a body */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @param isWanted asked when its turn comes; where it is false, `done` is not called */
  inflate(body: Uint8Array, coding: Coding, isWanted: () => boolean, done: Inflated): void {
    this.#waiting.push({ body, coding, isWanted, done });
    this.#next();
  }

  #next(): void {
    while (this.#running < INFLATING) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next.isWanted()) this.#run(next);
    }
  }

  #run({ body, coding, done }: Waiting): void {
    this.#running++;
    const options = { maxOutputLength: this.#maxBytes, chunkSize: CHUNK_BYTES };
    const finish = (error: Error | null, bytes: Uint8Array) => {
      this.#running--;
      if (error === null) done(null, bytes);
      else done(inflateError(error, coding, this.#maxBytes), body);
      this.#next();
    };
    if (coding === "gzip") gunzip(body, options, finish);
    else if (hasZlibHeader(body)) inflate(body, options, finish);
    else inflateRaw(body, options, finish);
  }
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
