// The protobuf wire format, by hand: nothing is believed before it is checked, and nothing is copied that can be viewed.
// Source: https://protobuf.dev/programming-guides/encoding/
import { SlipwayError } from "#base";
import type { ByteSource } from "#graph";

/** How a field's value is laid out; groups (3, 4) are long deprecated and refused. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
export type WireType = (typeof WIRE)[keyof typeof WIRE];

/** Bytes looked at together when the source is not in memory. */
const WINDOW_BYTES = 64 * 1024;

/** A part of a source held in memory, moved along as it is read. */
export class Window {
  readonly source: ByteSource;
  readonly #size: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;

  constructor(source: ByteSource, windowBytes = WINDOW_BYTES) {
    this.source = source;
    this.#size = windowBytes;
  }

  /** The byte at a position inside the source. */
  byteAt(position: number): number {
    const byte = this.#bytes[position - this.#start];
    return byte === undefined ? this.#load(position) : byte;
  }

  #load(position: number): number {
    this.#start = position;
    this.#bytes = this.source.read(position, Math.min(position + this.#size, this.source.sizeBytes));
    return this.#bytes[0]!;
  }

  /** Bytes between two positions, as a view where they are in memory. */
  bytes(start: number, end: number): Uint8Array {
    const from = start - this.#start;
    const to = end - this.#start;
    if (from >= 0 && to <= this.#bytes.byteLength) return this.#bytes.subarray(from, to);
    return this.source.read(start, end);
  }
}

export function malformed(what: string, position: number): SlipwayError {
  return new SlipwayError("MODEL_MALFORMED", `${what} at byte ${position}; the bytes are not a whole ONNX model.`);
}

const scratch = new DataView(new ArrayBuffer(8));
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads values one after the other, never past `end`. Every failure is MODEL_MALFORMED. */
export class Cursor {
  readonly window: Window;
  readonly end: number;
  position: number;
  // The varint last read, as two halves: most fit the lower one, and BigInt is slow.
  #low = 0;
  #high = 0;

  constructor(window: Window, start: number, end: number) {
    this.window = window;
    this.position = start;
    this.end = end;
  }

  #byte(): number {
    if (this.position >= this.end) throw malformed("A value breaks off", this.position);
    return this.window.byteAt(this.position++);
  }

  #varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else {
        if (shift === 63 && bits > 1) break;
        high |= bits << (shift - 32);
      }
      if (byte < 0x80) {
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
    }
    throw malformed("An integer has more than 64 bits", this.position);
  }

  /** A varint as a signed 64-bit integer. */
  int64(): bigint {
    this.#varint();
    const small = this.#high === 0 ? this.#low : undefined;
    if (small !== undefined) return BigInt(small);
    return BigInt.asIntN(64, (BigInt(this.#high) << 32n) | BigInt(this.#low));
  }

  /** A varint as an unsigned 64-bit integer. */
  uint64(): bigint {
    return BigInt.asUintN(64, this.int64());
  }

  /** A varint as a signed 32-bit integer: its lower half, as protobuf has it. */
  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  /** A field number and wire type. */
  tag(): { readonly number: number; readonly wire: WireType } {
    const start = this.position;
    this.#varint();
    const number = this.#low >>> 3;
    const wire = this.#low & 7;
    if (this.#high !== 0 || number === 0) throw malformed("A field has no valid number", start);
    if (wire !== 0 && wire !== 1 && wire !== 2 && wire !== 5) throw malformed(`A field has wire type ${wire}`, start);
    return { number, wire };
  }

  /** A length, checked to lie before the end. */
  length(): number {
    const start = this.position;
    this.#varint();
    const length = this.#high * 2 ** 32 + this.#low;
    if (length > this.end - this.position) {
      throw malformed(`A field of ${length} bytes breaks off after ${this.end - this.position}`, start);
    }
    return length;
  }

  float(): number {
    for (let index = 0; index < 4; index++) scratch.setUint8(index, this.#byte());
    return scratch.getFloat32(0, true);
  }

  double(): number {
    for (let index = 0; index < 8; index++) scratch.setUint8(index, this.#byte());
    return scratch.getFloat64(0, true);
  }

  /** A length and that many bytes of UTF-8. */
  string(): string {
    const length = this.length();
    const start = this.position;
    this.position += length;
    const bytes = this.window.bytes(start, this.position);
    if (length < 48) {
      let text = "";
      for (const byte of bytes) {
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (text.length === length) return text;
    }
    try {
      return utf8.decode(bytes);
    } catch {
      throw malformed("A text is not UTF-8", start);
    }
  }

  /** Steps over a value. */
  skip(wire: WireType): void {
    if (wire === WIRE.varint) this.#varint();
    else {
      const size = wire === WIRE.bytes ? this.length() : wire === WIRE.fixed32 ? 4 : 8;
      if (size > this.end - this.position) throw malformed("A value breaks off", this.position);
      this.position += size;
    }
  }
}

/** Bytes this small are copied together; larger ones are passed on as they are. */
const COPY_BYTES = 512;

/** Collects encoded fields. Its parts are bytes of its own, and large values that are only referred to. */
export class Encoder {
  readonly #parts: (Uint8Array | ByteSource)[] = [];
  #buffer = new Uint8Array(256);
  /** Bytes of the buffer that are a part already, and bytes filled. */
  #flushed = 0;
  #filled = 0;
  #sizeBytes = 0;

  /** Bytes encoded so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** What was encoded, in order. */
  get parts(): readonly (Uint8Array | ByteSource)[] {
    this.#flush();
    return this.#parts;
  }

  #reserve(size: number): void {
    this.#sizeBytes += size;
    if (this.#filled + size <= this.#buffer.length) return;
    // Parts are views of the old buffer, so it is left alone rather than grown.
    const pending = this.#buffer.subarray(this.#flushed, this.#filled);
    const capacity = Math.max(2 * (pending.length + size), Math.min(2 * this.#buffer.length, 65536));
    this.#buffer = new Uint8Array(capacity);
    this.#buffer.set(pending);
    this.#flushed = 0;
    this.#filled = pending.length;
  }

  #flush(): void {
    if (this.#filled === this.#flushed) return;
    this.#parts.push(this.#buffer.subarray(this.#flushed, this.#filled));
    this.#flushed = this.#filled;
  }

  tag(number: number, wire: WireType): void {
    this.varint(number * 8 + wire);
  }

  /** An unsigned integer up to 2^53. */
  varint(value: number): void {
    this.#reserve(8);
    const start = this.#filled;
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#filled++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#filled++] = rest;
    this.#sizeBytes -= 8 - (this.#filled - start);
  }

  /** A signed or unsigned 64-bit integer. */
  int64(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    if (rest < 0x20000000000000n) {
      this.varint(Number(rest));
      return;
    }
    this.#reserve(10);
    const start = this.#filled;
    while (rest >= 0x80n) {
      this.#buffer[this.#filled++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#filled++] = Number(rest);
    this.#sizeBytes -= 10 - (this.#filled - start);
  }

  float(value: number): void {
    scratch.setFloat32(0, value, true);
    this.#scratch(4);
  }

  double(value: number): void {
    scratch.setFloat64(0, value, true);
    this.#scratch(8);
  }

  #scratch(size: number): void {
    this.#reserve(size);
    for (let index = 0; index < size; index++) this.#buffer[this.#filled++] = scratch.getUint8(index);
  }

  /** Bytes as they are: small ones copied, large ones referred to. */
  raw(bytes: Uint8Array | ByteSource): void {
    const size = "read" in bytes ? bytes.sizeBytes : bytes.byteLength;
    if (size > COPY_BYTES) {
      this.#flush();
      this.#parts.push(bytes);
      this.#sizeBytes += size;
      return;
    }
    this.#reserve(size);
    this.#buffer.set("read" in bytes ? bytes.read(0, size) : bytes, this.#filled);
    this.#filled += size;
  }

  /** A length and these bytes. */
  bytes(bytes: Uint8Array | ByteSource): void {
    this.varint("read" in bytes ? bytes.sizeBytes : bytes.byteLength);
    this.raw(bytes);
  }

  /** A length and what another encoder holds. */
  message(inner: Encoder): void {
    this.varint(inner.sizeBytes);
    this.append(inner);
  }

  /** What another encoder holds. */
  append(inner: Encoder): void {
    for (const part of inner.parts) this.raw(part);
  }
}
