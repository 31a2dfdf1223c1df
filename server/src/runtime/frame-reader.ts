// Reads frames from bytes that arrive cut anywhere. Bytes are gathered once into a slab that is never used twice, so the
// tensors of a frame can stay views on it; a frame longer than the slab gets memory of its own, grown as it arrives.
import {
  byteLength,
  type DType,
  dataFromBytes,
  dtypeFromOnnx,
  elementCount,
  type NumericData,
  type NumericDType,
  type TensorData,
} from "@slipway/core/tensor";
import { aligned, FRAME_VERSION, FrameKind, frameError, HEADER_BYTES, MAX_FRAME_BYTES } from "./frames.ts";

const SLAB_BYTES = 256 * 1024;
/** A claimed length alone reserves no more than this; after that memory grows with what arrived. */
const FIRST_GROWTH_BYTES = 16 * 2 ** 20;
const LAST_KIND = Math.max(...Object.values(FrameKind));
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A tensor as a frame holds it: its port is an index into the signature. */
export interface FrameTensor {
  readonly port: number;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/**
 * The frame being read, and a cursor in its body. Valid while the frame is handled; arrays read from it stay valid.
 * Every read checks its bounds and throws RUNNER_PROTOCOL.
 */
export class FrameBody {
  kind = 0;
  flags = 0;
  stream = 0;
  sequence = 0;
  remainingMs = 0;
  #u8 = new Uint8Array(0);
  #u16 = new Uint16Array(0);
  #u32 = new Uint32Array(0);
  #f32 = new Float32Array(0);
  #f64 = new Float64Array(0);
  #at = 0;
  #end = 0;

  /** Points at new memory, whose length is a multiple of 8. */
  attach(buffer: ArrayBuffer): void {
    this.#u8 = new Uint8Array(buffer);
    this.#u16 = new Uint16Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#f32 = new Float32Array(buffer);
    this.#f64 = new Float64Array(buffer);
  }

  /** Reads the header at `start`. Answers the frame's length. */
  header(start: number): number {
    const length = this.#u32[start >> 2]!;
    if (length < HEADER_BYTES || length > MAX_FRAME_BYTES || length % 8 !== 0) throw frameError(`length ${length}`);
    const version = this.#u8[start + 4]!;
    if (version !== FRAME_VERSION) throw frameError(`version ${version}; this side speaks ${FRAME_VERSION}`);
    this.kind = this.#u8[start + 5]!;
    if (this.kind === 0 || this.kind > LAST_KIND) throw frameError(`kind ${this.kind}`);
    this.flags = this.#u16[(start + 6) >> 1]!;
    this.stream = this.#u32[(start + 8) >> 2]!;
    this.sequence = this.#u32[(start + 12) >> 2]!;
    this.remainingMs = this.#f64[(start + 16) >> 3]!;
    this.#at = start + HEADER_BYTES;
    this.#end = start + length;
    return length;
  }

  /** Bytes of the body not yet read. */
  get left(): number {
    return this.#end - this.#at;
  }

  u32(): number {
    this.#need(4);
    const value = this.#u32[this.#at >> 2]!;
    this.#at += 4;
    return value;
  }

  f32(): number {
    this.#need(4);
    const value = this.#f32[this.#at >> 2]!;
    this.#at += 4;
    return value;
  }

  u16List(count: number): number[] {
    const sizeBytes = aligned(2 * count);
    this.#need(sizeBytes);
    const values = Array.from(this.#u16.subarray(this.#at >> 1, (this.#at >> 1) + count));
    this.#at += sizeBytes;
    return values;
  }

  u32List(count: number): number[] {
    const sizeBytes = aligned(4 * count);
    this.#need(sizeBytes);
    const values = Array.from(this.#u32.subarray(this.#at >> 2, (this.#at >> 2) + count));
    this.#at += sizeBytes;
    return values;
  }

  /** The rest of the body as JSON. */
  json(): unknown {
    const text = decoder.decode(this.#u8.subarray(this.#at, this.#end));
    this.#at = this.#end;
    try {
      return JSON.parse(text);
    } catch {
      throw frameError("its JSON is malformed");
    }
  }

  /** The next tensor; see FrameWriter.tensor for its layout. */
  tensor(): FrameTensor {
    this.#need(8);
    const at = this.#at;
    const port = this.#u16[at >> 1]!;
    const dtype = dtypeFromOnnx(this.#u8[at + 2]!);
    if (dtype === undefined) throw frameError(`element type ${this.#u8[at + 2]}`);
    const rank = this.#u8[at + 3]!;
    const sizeBytes = this.#u32[(at + 4) >> 2]!;
    this.#at = at + 8;
    this.#need(8 * rank + aligned(sizeBytes));
    const shape: number[] = [];
    let index = this.#at >> 3;
    for (let axis = 0; axis < rank; axis++) shape.push(this.#f64[index++]!);
    this.#at += 8 * rank;
    const count = countOf(shape);
    const data = dtype === "string" ? this.#strings(count, sizeBytes) : this.#numbers(dtype, count, sizeBytes);
    this.#at += aligned(sizeBytes);
    return { port, dtype, shape, data };
  }

  #numbers(dtype: NumericDType, count: number, sizeBytes: number): NumericData {
    if (byteLength(dtype, count) !== sizeBytes)
      throw frameError(`${sizeBytes} bytes for ${count} elements of ${dtype}`);
    if (dtype === "float32") return new Float32Array(this.#f32.buffer, this.#at, count);
    return dataFromBytes(dtype, this.#u8.subarray(this.#at, this.#at + sizeBytes));
  }

  #strings(count: number, sizeBytes: number): string[] {
    let at = this.#at + 4 * count;
    const end = this.#at + sizeBytes;
    if (at > end) throw frameError(`${sizeBytes} bytes for ${count} strings`);
    const texts: string[] = [];
    const lengths = this.#at >> 2;
    for (let i = 0; i < count; i++) {
      const next = at + this.#u32[lengths + i]!;
      if (next > end) throw frameError("a string reaches past its tensor");
      texts.push(decoder.decode(this.#u8.subarray(at, next)));
      at = next;
    }
    if (at !== end) throw frameError("bytes are left after the last string");
    return texts;
  }

  #need(sizeBytes: number): void {
    if (this.#at + sizeBytes > this.#end) throw frameError("its body is too short");
  }
}

function countOf(shape: readonly number[]): number {
  try {
    return elementCount(shape);
  } catch {
    throw frameError(`shape [${shape.join(", ")}]`);
  }
}

/** Cuts a byte stream into frames. */
export class FrameReader {
  readonly #onFrame: (frame: FrameBody) => void;
  readonly #frame = new FrameBody();
  #buffer = new Uint8Array(0);
  #start = 0;
  #end = 0;

  /** @param onFrame must read what it needs of the frame before it returns */
  constructor(onFrame: (frame: FrameBody) => void) {
    this.#onFrame = onFrame;
    this.#renew(SLAB_BYTES);
  }

  /**
   * Takes the next bytes and hands over every frame they complete.
   * @throws SlipwayError RUNNER_PROTOCOL for bytes that can't be frames; nothing can be read from the stream after that
   */
  push(chunk: Uint8Array): void {
    let taken = 0;
    while (taken < chunk.byteLength) {
      if (this.#end === this.#buffer.byteLength) this.#makeRoom();
      const size = Math.min(chunk.byteLength - taken, this.#buffer.byteLength - this.#end);
      this.#buffer.set(size === chunk.byteLength ? chunk : chunk.subarray(taken, taken + size), this.#end);
      this.#end += size;
      taken += size;
      this.#deliver();
    }
  }

  #deliver(): void {
    while (this.#end - this.#start >= HEADER_BYTES) {
      const length = this.#frame.header(this.#start);
      if (this.#end - this.#start < length) return;
      this.#start += length;
      this.#onFrame(this.#frame);
    }
  }

  /** Goes on in fresh memory that holds the frame begun, or, for a very long one, twice what arrived of it. */
  #makeRoom(): void {
    const begun = this.#end - this.#start;
    let wanted = SLAB_BYTES;
    if (begun >= HEADER_BYTES) {
      const length = this.#frame.header(this.#start);
      wanted = Math.max(SLAB_BYTES, Math.min(length, Math.max(FIRST_GROWTH_BYTES, aligned(2 * begun))));
    }
    const before = this.#buffer.subarray(this.#start, this.#end);
    this.#renew(wanted);
    this.#buffer.set(before);
    this.#end = begun;
  }

  #renew(sizeBytes: number): void {
    const buffer = new ArrayBuffer(sizeBytes);
    this.#buffer = new Uint8Array(buffer);
    this.#frame.attach(buffer);
    this.#start = this.#end = 0;
  }
}
