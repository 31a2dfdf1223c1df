// The archive form of a backup: a plain tar file (POSIX ustar, sizes beyond 8 GiB as GNU tar writes them), so that other
// tools can look into one and unpack it. Read back is what is written here, nothing else that tar can do.
import type { FileHandle } from "node:fs/promises";

const BLOCK_BYTES = 512;
const READ_BYTES = 2 ** 20;
/** Sizes from here on don't fit the eleven octal digits of a header. */
const OCTAL_LIMIT = 8 ** 11;

/** What ends an archive. */
export const TAR_END = new Uint8Array(2 * BLOCK_BYTES);

/**
 * The header of an entry; its bytes follow, then `tarPadding`.
 * @param path at most 100 ASCII characters
 * @param modifiedAt in milliseconds since the Unix epoch
 */
export function tarHeader(path: string, sizeBytes: number, modifiedAt: number): Uint8Array {
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, digits: number) =>
    header.write(value.toString(8).padStart(digits, "0"), at, "latin1");
  header.write(path, 0, "latin1");
  octal(0o600, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  if (sizeBytes < OCTAL_LIMIT) octal(sizeBytes, 124, 11);
  else {
    header[124] = 0x80; // GNU's mark of a binary number
    header.writeBigUInt64BE(BigInt(sizeBytes), 128);
  }
  octal(Math.floor(modifiedAt / 1000), 136, 11);
  header.write("0", 156, "latin1"); // a regular file
  header.write("ustar\u000000", 257, "latin1");
  header.write(`${checksumOf(header).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

/** Zeros up to the next block. */
export function tarPadding(sizeBytes: number): Uint8Array {
  return new Uint8Array(-sizeBytes & (BLOCK_BYTES - 1));
}

export interface TarEntry {
  readonly path: string;
  readonly sizeBytes: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * The entries of an archive in order, read when they are asked for.
 * @param refuse makes the error for an archive that is cut short or not made here
 */
export async function* readTar(
  handle: FileHandle,
  refuse: (why: string) => Error,
): AsyncGenerator<TarEntry, void, undefined> {
  const { size: endOfFile } = await handle.stat();
  for (let at = 0; ; ) {
    const header = Buffer.alloc(BLOCK_BYTES);
    const { bytesRead } = await handle.read(header, 0, BLOCK_BYTES, at);
    if (bytesRead < BLOCK_BYTES) throw refuse(`it is cut short, after ${endOfFile} bytes`);
    if (header.every((byte) => byte === 0)) return;
    const entry = entryFrom(header);
    if (entry === null) throw refuse(`there is no entry of an archive at byte ${at}`);
    const { path, sizeBytes } = entry;
    const start = at + BLOCK_BYTES;
    if (start + sizeBytes > endOfFile) throw refuse(`it is cut short, in the middle of ${path}`);
    yield { path, sizeBytes, bytes: readBytes(handle, start, start + sizeBytes) };
    at = start + sizeBytes + tarPadding(sizeBytes).byteLength;
  }
}

/** Bytes of a file from `start` up to `end` (exclusive), or up to where it ends. */
export async function* readBytes(
  handle: FileHandle,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = start; at < end; ) {
    const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, end - at));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
    at += bytesRead;
  }
}

function entryFrom(header: Buffer): { path: string; sizeBytes: number } | null {
  const text = (from: number, to: number) => header.toString("latin1", from, to).replace(/\0.*$/s, "");
  const checksum = text(148, 155).trim();
  if (text(257, 262) !== "ustar" || !/^[0-7]+$/.test(checksum) || header[156] !== 0x30) return null;
  if (Number.parseInt(checksum, 8) !== checksumOf(header)) return null;
  const size = text(124, 136).trim();
  const isBinary = header[124] === 0x80;
  if (!isBinary && !/^[0-7]+$/.test(size)) return null;
  const sizeBytes = isBinary ? Number(header.readBigUInt64BE(128)) : Number.parseInt(size, 8);
  return Number.isSafeInteger(sizeBytes) ? { path: text(0, 100), sizeBytes } : null;
}

/** The sum of a header's bytes, its own field counted as spaces. */
function checksumOf(header: Buffer): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK_BYTES; i++) if (i < 148 || i >= 156) sum += header[i]!;
  return sum;
}
