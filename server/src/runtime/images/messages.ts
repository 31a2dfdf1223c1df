// What the server and its image preparer say to each other: lengths, a JSON head, then bytes. Both ends are ours, but
// the preparer handles hostile files, so what it answers is checked like any other input.
import { type ErrorCode, ERRORS, SlipwayError } from "@slipway/core/base";
import type { Processing } from "@slipway/core/processing";
import {
  byteLength,
  bytesFromData,
  dataFromBytes,
  type DType,
  DTYPES,
  elementCount,
  type NamedTensor,
  type NumericData,
  type Signature,
} from "@slipway/core/tensor";

/** How images become inputs: the steps before a model, and the model's signature. */
export interface Preparation {
  readonly before: Processing["before"];
  readonly input: Processing["input"];
  readonly signature: Signature;
}

/** What the preparer answers: inputs of the model, or why there are none. */
export type Prepared =
  | { readonly ok: true; readonly inputs: readonly NamedTensor[] }
  | { readonly ok: false; readonly error: SlipwayError };

interface RequestHead {
  readonly preparation: Preparation;
  /** Size of each file that follows. */
  readonly sizes: readonly number[];
}
type AnswerHead =
  | { readonly inputs: readonly { readonly name: string; readonly dtype: DType; readonly shape: readonly number[] }[] }
  | { readonly code: ErrorCode; readonly message: string; readonly details?: Readonly<Record<string, unknown>> };

/** Two little-endian u32 before each message: the bytes of its head and of its body. */
const PREFIX_BYTES = 8;

export function encodeRequest(preparation: Preparation, files: readonly Uint8Array[]): Buffer[] {
  const head: RequestHead = { preparation, sizes: files.map((file) => file.byteLength) };
  return message(head, files.map(bufferOver));
}

export function decodeRequest(head: unknown, body: Buffer): { preparation: Preparation; files: Buffer[] } {
  const { preparation, sizes } = head as RequestHead;
  let at = 0;
  return { preparation, files: sizes.map((size) => body.subarray(at, (at += size))) };
}

export function encodeAnswer(answer: Prepared): Buffer[] {
  if (answer.ok) {
    const head: AnswerHead = { inputs: answer.inputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })) };
    return message(
      head,
      answer.inputs.map(({ data }) => bufferOver(bytesFromData(data as NumericData))),
    );
  }
  const { code, message: text, details } = answer.error;
  const head: AnswerHead = { code, message: text, ...(details === undefined ? {} : { details }) };
  return message(head, []);
}

/** @throws SlipwayError RUNNER_PROTOCOL when the answer contradicts itself */
export function decodeAnswer(head: unknown, body: Buffer): Prepared {
  const answer = head as AnswerHead;
  if ("code" in answer) {
    if (!(answer.code in ERRORS)) throw broken("names an unknown error");
    return {
      ok: false,
      error: new SlipwayError(
        answer.code,
        answer.message,
        answer.details === undefined ? {} : { details: answer.details },
      ),
    };
  }
  let at = 0;
  const inputs = answer.inputs.map(({ name, dtype, shape }) => {
    if (!(dtype in DTYPES) || dtype === "string") throw broken("names an unknown datatype");
    const size = byteLength(dtype, elementCount(shape));
    // A copy of its own: views on one large answer would keep all of it.
    const bytes = new Uint8Array(body.subarray(at, (at += size)));
    if (bytes.byteLength !== size) throw broken("is shorter than its tensors");
    return { name, dtype, shape, data: dataFromBytes(dtype, bytes) };
  });
  return { ok: true, inputs };
}

/** Cuts a stream of bytes into messages; one longer than `limitBytes` is refused before it is gathered. */
export class MessageReader {
  readonly #limitBytes: number;
  readonly #onMessage: (head: unknown, body: Buffer) => void;
  #chunks: Buffer[] = [];
  #heldBytes = 0;

  constructor(limitBytes: number, onMessage: (head: unknown, body: Buffer) => void) {
    this.#limitBytes = limitBytes;
    this.#onMessage = onMessage;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.byteLength;
    while (this.#heldBytes >= PREFIX_BYTES) {
      if (this.#chunks[0]!.byteLength < PREFIX_BYTES) this.#chunks = [Buffer.concat(this.#chunks)];
      const headBytes = this.#chunks[0]!.readUInt32LE(0);
      const end = PREFIX_BYTES + headBytes + this.#chunks[0]!.readUInt32LE(4);
      if (end > this.#limitBytes) throw broken(`of ${end} bytes is over the limit of ${this.#limitBytes}`);
      if (this.#heldBytes < end) return;
      const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      const rest = all.subarray(end);
      this.#chunks = rest.byteLength > 0 ? [rest] : [];
      this.#heldBytes = rest.byteLength;
      const bodyAt = PREFIX_BYTES + headBytes;
      this.#onMessage(JSON.parse(all.toString("utf8", PREFIX_BYTES, bodyAt)), all.subarray(bodyAt, end));
    }
  }
}

function message(head: RequestHead | AnswerHead, bodies: readonly Buffer[]): Buffer[] {
  const text = Buffer.from(JSON.stringify(head));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32LE(text.byteLength, 0);
  prefix.writeUInt32LE(
    bodies.reduce((sum, body) => sum + body.byteLength, 0),
    4,
  );
  return [prefix, text, ...bodies];
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function broken(what: string): SlipwayError {
  return new SlipwayError("RUNNER_PROTOCOL", `A message of the image preparer ${what}.`);
}
