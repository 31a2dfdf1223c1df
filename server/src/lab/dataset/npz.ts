// The arrays of an .npz file: a ZIP archive of .npy files, as numpy.savez and savez_compressed write it. Nothing is unpacked
// to the disk and no member's name becomes a path; what a member unpacks to is read as a stream, never past the size the
// archive says it has, so that a small file can't become a large one.
// Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3 (ZIP64).
import { type FileHandle } from "node:fs/promises";
import { SlipwayError } from "@slipway/core/base";

export interface NpzMember {
  /** Of the array: the member's name without ".npy". */
  readonly name: string;
  /** Where its stored bytes begin in the file, and how many there are. */
  readonly start: number;
  readonly storedBytes: number;
  /** Once unpacked. */
  readonly sizeBytes: number;
  readonly isDeflated: boolean;
}

const END_BYTES = 22;
const LONGEST_COMMENT_BYTES = 65_535;
const MOST_MEMBERS = 10_000;
const MOST_DIRECTORY_BYTES = 16 * 2 ** 20;
const ZIP64_LOCATOR_BYTES = 20;
const IN_ZIP64 = 0xffffffff;
/** DEFLATE can't shrink more than this (RFC 1951: 258 bytes from about two bits); a member that says so lies. */
const MOST_RATIO = 1032;

/**
 * The arrays of an .npz file in the order of its directory.
 * @throws SlipwayError ROWS_INVALID for what is no ZIP archive, or one with encrypted or otherwise packed members
 */
export async function npzMembers(handle: FileHandle, fileBytes: number, shown: string): Promise<readonly NpzMember[]> {
  const refuse = (why: string): never => {
    throw new SlipwayError("ROWS_INVALID", `${shown} ${why}. Write it with numpy.savez or numpy.savez_compressed.`);
  };
  const read = async (at: number, length: number): Promise<DataView> => {
    if (at < 0 || length < 0 || at + length > fileBytes) refuse("is no whole .npz file: it points beyond its end");
    const bytes = new Uint8Array(length);
    const { bytesRead } = await handle.read(bytes, 0, length, at);
    if (bytesRead !== length) refuse("became shorter while it was read");
    return new DataView(bytes.buffer);
  };
  const { offset, sizeBytes, count } = await directoryOf(read, fileBytes, refuse);
  if (count > MOST_MEMBERS || sizeBytes > MOST_DIRECTORY_BYTES)
    refuse(`has ${count} members, more than an .npz file has`);
  const directory = await read(offset, sizeBytes);
  const members: NpzMember[] = [];
  for (let at = 0, index = 0; index < count; index++) {
    if (at + 46 > sizeBytes || directory.getUint32(at, true) !== 0x02014b50) refuse("has a broken directory");
    const { entry, length } = entryAt(directory, at, sizeBytes, refuse);
    at += length;
    if (entry.name.endsWith("/")) continue;
    if (entry.isEncrypted) refuse(`has an encrypted member "${entry.name}"`);
    if (entry.method !== 0 && entry.method !== 8) {
      refuse(`has the member "${entry.name}", packed by method ${entry.method}; stored and deflate are read`);
    }
    if (entry.method === 0 ? entry.storedBytes !== entry.sizeBytes : entry.sizeBytes > entry.storedBytes * MOST_RATIO) {
      refuse(`has the member "${entry.name}", which can't unpack to the ${entry.sizeBytes} bytes it says`);
    }
    const local = await read(entry.localAt, 30);
    if (local.getUint32(0, true) !== 0x04034b50) refuse(`has no member where its directory says "${entry.name}" is`);
    const start = entry.localAt + 30 + local.getUint16(26, true) + local.getUint16(28, true);
    if (start + entry.storedBytes > fileBytes) refuse(`has the member "${entry.name}", which ends beyond the file`);
    const { name, storedBytes, sizeBytes: unpacked, method } = entry;
    members.push({
      name: name.replace(/\.npy$/, ""),
      start,
      storedBytes,
      sizeBytes: unpacked,
      isDeflated: method === 8,
    });
  }
  return members;
}

type Read = (at: number, length: number) => Promise<DataView>;
type Refuse = (why: string) => never;

async function directoryOf(
  read: Read,
  fileBytes: number,
  refuse: Refuse,
): Promise<{ readonly offset: number; readonly sizeBytes: number; readonly count: number }> {
  const tailBytes = Math.min(fileBytes, END_BYTES + LONGEST_COMMENT_BYTES);
  const tail = await read(fileBytes - tailBytes, tailBytes);
  let end = tailBytes - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) return refuse("is no .npz file: it is no ZIP archive");
  const count = tail.getUint16(end + 10, true);
  const sizeBytes = tail.getUint32(end + 12, true);
  const offset = tail.getUint32(end + 16, true);
  if (count !== 0xffff && sizeBytes !== IN_ZIP64 && offset !== IN_ZIP64) return { offset, sizeBytes, count };
  const locator = await read(fileBytes - tailBytes + end - ZIP64_LOCATOR_BYTES, ZIP64_LOCATOR_BYTES);
  if (locator.getUint32(0, true) !== 0x07064b50) return refuse("has no ZIP64 directory where it says one is");
  const record = await read(long(locator, 8, refuse), 56);
  if (record.getUint32(0, true) !== 0x06064b50) return refuse("has no ZIP64 directory where it says one is");
  return { count: long(record, 32, refuse), sizeBytes: long(record, 40, refuse), offset: long(record, 48, refuse) };
}

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly storedBytes: number;
  readonly sizeBytes: number;
  readonly localAt: number;
}

function entryAt(
  directory: DataView,
  at: number,
  directoryBytes: number,
  refuse: Refuse,
): { readonly entry: Entry; readonly length: number } {
  const nameBytes = directory.getUint16(at + 28, true);
  const extraBytes = directory.getUint16(at + 30, true);
  const length = 46 + nameBytes + extraBytes + directory.getUint16(at + 32, true);
  if (at + length > directoryBytes) refuse("has a broken directory");
  const name = new TextDecoder().decode(new Uint8Array(directory.buffer, at + 46, nameBytes));
  const plain = {
    sizeBytes: directory.getUint32(at + 24, true),
    storedBytes: directory.getUint32(at + 20, true),
    localAt: directory.getUint32(at + 42, true),
  };
  const entry = {
    name,
    method: directory.getUint16(at + 10, true),
    isEncrypted: (directory.getUint16(at + 8, true) & 1) === 1,
    ...widened(plain, directory, at + 46 + nameBytes, extraBytes, refuse),
  };
  return { entry, length };
}

/** Sizes of ZIP64 stand in an extra field, in this order, each only where the plain one is full. */
function widened<Sizes extends Record<string, number>>(
  plain: Sizes,
  view: DataView,
  start: number,
  bytes: number,
  refuse: Refuse,
): Sizes {
  const full = Object.keys(plain).filter((key) => plain[key] === IN_ZIP64);
  if (full.length === 0) return plain;
  for (let at = start; at + 4 <= start + bytes; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    if (view.getUint16(at + 2, true) < 8 * full.length || at + 4 + 8 * full.length > start + bytes) break;
    return { ...plain, ...Object.fromEntries(full.map((key, index) => [key, long(view, at + 4 + 8 * index, refuse)])) };
  }
  return refuse("has a member whose ZIP64 sizes are missing");
}

function long(view: DataView, at: number, refuse: Refuse): number {
  const value = Number(view.getBigUint64(at, true));
  return Number.isSafeInteger(value) ? value : refuse("has a size that no file has");
}
