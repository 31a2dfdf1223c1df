// What the server and its image decoder say to each other: a length, then a small fixed header, then bytes. Both ends
// are ours, but the decoder handles hostile files, so what it answers is checked like any other input.
import { SlipwayError } from "@slipway/core/base";

/** Channels an image is decoded to. */
export type Channels = 1 | 3 | 4;

/** An image as the decoder answers it: row-major [height, width, channels] bytes. */
export interface DecodedImage {
  readonly height: number;
  readonly width: number;
  readonly channels: Channels;
  readonly pixels: Uint8Array;
}

const LENGTH_BYTES = 4;
const REQUEST_HEADER_BYTES = 4;
const ANSWER_HEADER_BYTES = 12;

export function encodeRequest(file: Uint8Array, channels: Channels): Buffer[] {
  const head = Buffer.alloc(LENGTH_BYTES + REQUEST_HEADER_BYTES);
  head.writeUInt32LE(REQUEST_HEADER_BYTES + file.byteLength, 0);
  head.writeUInt32LE(channels, LENGTH_BYTES);
  return [head, Buffer.from(file.buffer, file.byteOffset, file.byteLength)];
}

export function decodeRequest(message: Buffer): { file: Buffer; channels: Channels } {
  return { channels: channelsFrom(message.readUInt32LE(0)), file: message.subarray(REQUEST_HEADER_BYTES) };
}

/** An answer: an image, or the text of why there is none (height 0). */
export function encodeAnswer(answer: DecodedImage | string): Buffer[] {
  const body =
    typeof answer === "string"
      ? Buffer.from(answer)
      : Buffer.from(answer.pixels.buffer, answer.pixels.byteOffset, answer.pixels.byteLength);
  const head = Buffer.alloc(LENGTH_BYTES + ANSWER_HEADER_BYTES);
  head.writeUInt32LE(ANSWER_HEADER_BYTES + body.byteLength, 0);
  if (typeof answer !== "string") {
    head.writeUInt32LE(answer.height, LENGTH_BYTES);
    head.writeUInt32LE(answer.width, LENGTH_BYTES + 4);
    head.writeUInt32LE(answer.channels, LENGTH_BYTES + 8);
  }
  return [head, body];
}

export function decodeAnswer(message: Buffer): DecodedImage | string {
  if (message.byteLength < ANSWER_HEADER_BYTES) throw broken("is too short");
  const height = message.readUInt32LE(0);
  const body = message.subarray(ANSWER_HEADER_BYTES);
  if (height === 0) return body.toString();
  const width = message.readUInt32LE(4);
  const channels = channelsFrom(message.readUInt32LE(8));
  if (height * width * channels !== body.byteLength) throw broken("has pixels that do not fill its size");
  return { height, width, channels, pixels: body };
}

/** Cuts a stream of bytes into messages; a message longer than `limitBytes` is refused before it is gathered. */
export class MessageReader {
  readonly #limitBytes: number;
  readonly #onMessage: (message: Buffer) => void;
  #chunks: Buffer[] = [];
  #heldBytes = 0;

  constructor(limitBytes: number, onMessage: (message: Buffer) => void) {
    this.#limitBytes = limitBytes;
    this.#onMessage = onMessage;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.byteLength;
    while (this.#heldBytes >= LENGTH_BYTES) {
      if (this.#chunks[0]!.byteLength < LENGTH_BYTES) this.#chunks = [Buffer.concat(this.#chunks)];
      const length = this.#chunks[0]!.readUInt32LE(0);
      if (length > this.#limitBytes) throw broken(`of ${length} bytes is over the limit of ${this.#limitBytes}`);
      if (this.#heldBytes < LENGTH_BYTES + length) return;
      const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      const rest = all.subarray(LENGTH_BYTES + length);
      this.#chunks = rest.byteLength > 0 ? [rest] : [];
      this.#heldBytes = rest.byteLength;
      this.#onMessage(all.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
    }
  }
}

function channelsFrom(value: number): Channels {
  if (value === 1 || value === 3 || value === 4) return value;
  throw broken(`names ${value} channels`);
}

function broken(what: string): SlipwayError {
  return new SlipwayError("RUNNER_PROTOCOL", `A message of the image decoder ${what}.`);
}
