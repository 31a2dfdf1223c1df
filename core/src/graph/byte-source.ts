// Bytes that need not be in memory: a model file of many gigabytes is read where it is looked at, and copied in pieces.
import { assert } from "#base";

/** Bytes with a known length, read on demand. Reading is synchronous: memory, or a file opened by the caller. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** The bytes from `start` to `end` (exclusive); a view where they are already in memory. Not to be written to. */
  read(start: number, end: number): Uint8Array;
}

/** A part of a source; nothing is read until asked for. */
export class ByteRange implements ByteSource {
  readonly source: ByteSource;
  readonly start: number;
  readonly end: number;

  constructor(source: ByteSource, start: number, end: number) {
    assert(start >= 0 && start <= end && end <= source.sizeBytes, `Range ${start} to ${end} is outside its source.`);
    this.source = source;
    this.start = start;
    this.end = end;
  }

  get sizeBytes(): number {
    return this.end - this.start;
  }

  read(start: number, end: number): Uint8Array {
    assert(start >= 0 && start <= end && end <= this.sizeBytes, `Range ${start} to ${end} is outside its part.`);
    return this.source.read(this.start + start, this.start + end);
  }
}

/** Bytes in memory as a source. */
export function byteSourceFromBytes(bytes: Uint8Array): ByteSource {
  // A plain view: methods such as slice() mean something else on a Node Buffer.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { sizeBytes: plain.byteLength, read: (start, end) => plain.subarray(start, end) };
}

/** Most bytes asked for at a time: one system call takes less than 2 GiB. */
const READ_BYTES = 2 ** 30;

/**
 * An open file as a source.
 * @param readInto reads bytes from a position into the array, as many as it gets, and answers how many
 */
export function byteSourceFromFile(
  sizeBytes: number,
  readInto: (target: Uint8Array, position: number) => number,
): ByteSource {
  const read = (start: number, end: number): Uint8Array => {
    assert(start >= 0 && start <= end && end <= sizeBytes, `Bytes ${start} to ${end} of ${sizeBytes} were asked for.`);
    const bytes = new Uint8Array(end - start);
    for (let filled = 0; filled < bytes.byteLength; ) {
      const count = readInto(bytes.subarray(filled, filled + READ_BYTES), start + filled);
      assert(count > 0, "A file became shorter while it was read.");
      filled += count;
    }
    return bytes;
  };
  return { sizeBytes, read };
}

/**
 * Consecutive chunks as one source, for files read in pieces because one array (or one read call) could not hold them.
 * A read inside one chunk is a view; one that crosses chunks is a copy.
 */
export function byteSourceFromChunks(chunks: readonly Uint8Array[]): ByteSource {
  const starts: number[] = [];
  let sizeBytes = 0;
  for (const chunk of chunks) {
    starts.push(sizeBytes);
    sizeBytes += chunk.byteLength;
  }
  const chunkAt = (position: number): number => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (starts[middle]! <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const read = (start: number, end: number): Uint8Array => {
    if (start === end) return new Uint8Array(0);
    let index = chunkAt(start);
    const first = chunks[index]!.subarray(start - starts[index]!, end - starts[index]!);
    if (first.byteLength === end - start) return first;
    const joined = new Uint8Array(end - start);
    joined.set(first);
    for (let filled = first.byteLength; filled < joined.byteLength; ) {
      index++;
      const piece = chunks[index]!.subarray(0, joined.byteLength - filled);
      joined.set(piece, filled);
      filled += piece.byteLength;
    }
    return joined;
  };
  return { sizeBytes, read };
}
