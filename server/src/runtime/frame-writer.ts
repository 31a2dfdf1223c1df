// Writes frames into one growing run of bytes, so that everything written in a turn of the event loop leaves in a
// single write. Small parts are copied into a slab that is used again; large arrays are handed over as they are.
import { assert, SlipwayError } from "@slipway/core/base";
import { bytesFromData, DTYPES, type DType, type NumericData, type TensorData } from "@slipway/core/tensor";
import { aligned, FRAME_VERSION, type FrameKind, HEADER_BYTES, MAX_FRAME_BYTES } from "./frames.ts";

const SLAB_BYTES = 128 * 1024;
/** From this size on an array is handed over rather than copied. */
const BY_REFERENCE_BYTES = 32 * 1024;
const PADDING = new Uint8Array(8);
const encoder = new TextEncoder();

/**
 * Takes bytes to send, in order. Answers true where they may be overwritten as soon as it returns.
 * Arrays handed over by reference must not change until they are sent.
 */
export type Send = (chunks: readonly Uint8Array[]) => boolean;

class Slab {
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;

  constructor(sizeBytes: number) {
    const buffer = new ArrayBuffer(sizeBytes);
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }
}

/** Builds frames part by part: `begin`, then parts, then `end`; `flush` sends what was built. */
export class FrameWriter {
  readonly #send: Send;
  #slab = new Slab(SLAB_BYTES);
  /** What of the slab is not yet in `#chunks`. */
  #start = 0;
  #at = 0;
  #chunks: Uint8Array[] = [];
  /** Bytes built since the last flush, and of those the ones before the open frame. */
  #total = 0;
  #totalBefore = 0;
  #headerSlab = this.#slab;
  #headerAt = 0;
  #open = false;

  constructor(send: Send) {
    this.#send = send;
  }

  /** Whether anything waits to be flushed. */
  get isEmpty(): boolean {
    return this.#total === 0;
  }

  begin(kind: FrameKind, flags: number, stream: number, sequence: number, remainingMs: number): void {
    assert(!this.#open, "A frame was begun inside another.");
    this.#open = true;
    this.#reserve(HEADER_BYTES);
    const slab = this.#slab;
    const at = this.#at;
    this.#headerSlab = slab;
    this.#headerAt = at;
    this.#totalBefore = this.#total;
    slab.u8[at + 4] = FRAME_VERSION;
    slab.u8[at + 5] = kind;
    slab.u16[(at + 6) >> 1] = flags;
    slab.u32[(at + 8) >> 2] = stream;
    slab.u32[(at + 12) >> 2] = sequence;
    slab.f64[(at + 16) >> 3] = remainingMs;
    this.#advance(HEADER_BYTES);
  }

  /** @throws SlipwayError REQUEST_TOO_LARGE when the frame is over MAX_FRAME_BYTES; the frame is dropped */
  end(): void {
    assert(this.#open, "A frame was ended that was not begun.");
    this.#open = false;
    const length = this.#total - this.#totalBefore;
    if (length > MAX_FRAME_BYTES) {
      this.#takeBack(length);
      throw new SlipwayError(
        "REQUEST_TOO_LARGE",
        `The tensors take ${length} bytes; at most ${MAX_FRAME_BYTES} can be passed to or from a runner at once.`,
      );
    }
    this.#headerSlab.u32[this.#headerAt >> 2] = length;
  }

  u32Pair(first: number, second: number): void {
    this.#reserve(8);
    const index = this.#at >> 2;
    this.#slab.u32[index] = first;
    this.#slab.u32[index + 1] = second;
    this.#advance(8);
  }

  f32Pair(first: number, second: number): void {
    this.#reserve(8);
    const index = this.#at >> 2;
    this.#slab.f32[index] = first;
    this.#slab.f32[index + 1] = second;
    this.#advance(8);
  }

  u16List(values: readonly number[]): void {
    const sizeBytes = aligned(2 * values.length);
    this.#reserve(sizeBytes);
    const index = this.#at >> 1;
    for (let i = 0; i < values.length; i++) this.#slab.u16[index + i] = values[i]!;
    this.#advance(sizeBytes);
  }

  u32List(values: readonly number[]): void {
    const sizeBytes = aligned(4 * values.length);
    this.#reserve(sizeBytes);
    const index = this.#at >> 2;
    for (let i = 0; i < values.length; i++) this.#slab.u32[index + i] = values[i]!;
    this.#advance(sizeBytes);
  }

  /** JSON, filled up with spaces, which JSON allows. */
  json(value: unknown): void {
    const bytes = encoder.encode(JSON.stringify(value));
    this.#bytes(bytes, 0x20);
  }

  /**
   * A tensor. `firstAxis` stands for `shape[0]`, and the elements are `data` from `start` to `end`, so that rows of a
   * batch are written without slicing it first. Layout: u16 port, u8 dtype, u8 rank, u32 payload bytes, rank × f64,
   * payload; strings are u32 lengths followed by UTF-8.
   */
  tensor(
    port: number,
    dtype: DType,
    shape: readonly number[],
    firstAxis: number,
    data: TensorData,
    start: number,
    end: number,
  ): void {
    const rank = shape.length;
    this.#reserve(8 + 8 * rank);
    const slab = this.#slab;
    let at = this.#at;
    slab.u16[at >> 1] = port;
    slab.u8[at + 2] = DTYPES[dtype].onnx;
    slab.u8[at + 3] = rank;
    const lengthSlab = slab;
    const lengthAt = (at + 4) >> 2;
    at += 8;
    for (let axis = 0; axis < rank; axis++) {
      slab.f64[at >> 3] = axis === 0 ? firstAxis : shape[axis]!;
      at += 8;
    }
    this.#advance(8 + 8 * rank);
    if (dtype === "string") {
      lengthSlab.u32[lengthAt] = this.#strings(data as readonly string[], start, end);
      return;
    }
    const elements = data as NumericData;
    const sizeBytes = (end - start) * elements.BYTES_PER_ELEMENT;
    // A longer payload can't be stated; the frame is over its limit anyway, and `end` says so.
    lengthSlab.u32[lengthAt] = Math.min(sizeBytes, 0xffffffff);
    if (sizeBytes <= 128 && elements instanceof Float32Array) {
      this.#reserve(aligned(sizeBytes));
      const to = this.#at >> 2;
      const { f32 } = this.#slab;
      for (let i = start; i < end; i++) f32[to + i - start] = elements[i]!;
      this.#advance(aligned(sizeBytes));
      return;
    }
    const bytes = bytesFromData(elements);
    this.#bytes(bytes.subarray(start * elements.BYTES_PER_ELEMENT, end * elements.BYTES_PER_ELEMENT), 0);
  }

  /** Sends everything built so far, in one go. */
  flush(): void {
    assert(!this.#open, "A frame was left open.");
    if (this.isEmpty) return;
    this.#seal();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#total = 0;
    if (this.#send(chunks)) this.#start = this.#at = 0;
  }

  #strings(texts: readonly string[], start: number, end: number): number {
    const count = end - start;
    const encoded: Uint8Array[] = [];
    const lengths: number[] = [];
    let total = 0;
    for (let i = start; i < end; i++) {
      const bytes = encoder.encode(texts[i]);
      encoded.push(bytes);
      lengths.push(bytes.byteLength);
      total += bytes.byteLength;
    }
    const payload = new Uint8Array(4 * count + total);
    const view = new DataView(payload.buffer);
    let at = 4 * count;
    for (let i = 0; i < count; i++) {
      view.setUint32(4 * i, lengths[i]!, true);
      payload.set(encoded[i]!, at);
      at += lengths[i]!;
    }
    this.#bytes(payload, 0);
    return payload.byteLength;
  }

  /** Bytes, filled up to a multiple of 8 with `filler`. */
  #bytes(bytes: Uint8Array, filler: number): void {
    const size = bytes.byteLength;
    const padding = aligned(size) - size;
    if (size >= BY_REFERENCE_BYTES) {
      this.#seal();
      this.#chunks.push(bytes);
      this.#total += size + padding;
      if (padding > 0) {
        this.#chunks.push(filler === 0 ? PADDING.subarray(0, padding) : new Uint8Array(padding).fill(filler));
      }
      return;
    }
    this.#reserve(size + padding);
    this.#slab.u8.set(bytes, this.#at);
    if (padding > 0) this.#slab.u8.fill(filler, this.#at + size, this.#at + size + padding);
    this.#advance(size + padding);
  }

  /** Makes room for `sizeBytes` in the slab, going on in a fresh one where this one is full. */
  #reserve(sizeBytes: number): void {
    if (this.#at + sizeBytes <= this.#slab.u8.byteLength) return;
    this.#seal();
    this.#slab = new Slab(Math.max(SLAB_BYTES, aligned(sizeBytes)));
    this.#start = this.#at = 0;
  }

  #advance(sizeBytes: number): void {
    this.#at += sizeBytes;
    this.#total += sizeBytes;
  }

  /** Moves the slab's present part to the chunks. */
  #seal(): void {
    if (this.#at === this.#start) return;
    this.#chunks.push(this.#slab.u8.subarray(this.#start, this.#at));
    this.#start = this.#at;
  }

  /** Forgets the last `sizeBytes` bytes built. */
  #takeBack(sizeBytes: number): void {
    this.#total -= sizeBytes;
    let left = sizeBytes;
    const here = Math.min(left, this.#at - this.#start);
    this.#at -= here;
    left -= here;
    while (left > 0) {
      const chunk = this.#chunks.pop()!;
      if (chunk.byteLength > left) this.#chunks.push(chunk.subarray(0, chunk.byteLength - left));
      left -= chunk.byteLength;
    }
  }
}
