// The file format of a blob: a header of fixed size, then the bytes. Bytes that are not encrypted lie in one piece behind
// the header, on a page boundary, so they can be mapped and streamed. The cipher field leaves room for sealed chunks.
//
//   offset  bytes
//        0      8  "SLIPBLOB"
//        8      4  format version, 1
//       12      4  cipher, 0 = none
//       16      4  header size, 4096
//       20      4  chunk size: what a cipher seals at a time; a multiple of the page size
//       24      8  length of the plain bytes
//       32     32  SHA-256 of the plain bytes
//       64         zeros up to the header size
//
// Numbers are little-endian.
import { assert, SlipwayError } from "@slipway/core/base";
import { isHash } from "./blobs.ts";

export const HEADER_BYTES = 4096;
export const CHUNK_BYTES = 2 ** 20;

const MAGIC = Buffer.from("SLIPBLOB", "latin1");
const FORMAT_VERSION = 1;
const CIPHER_NONE = 0;

export interface ContainerHeader {
  readonly hash: string;
  readonly sizeBytes: number;
}

export function encodeHeader(header: ContainerHeader): Buffer {
  assert(isHash(header.hash), `"${header.hash}" is no SHA-256.`);
  assert(Number.isSafeInteger(header.sizeBytes) && header.sizeBytes >= 0, `${header.sizeBytes} is no size.`);
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes, 0);
  bytes.writeUInt32LE(FORMAT_VERSION, 8);
  bytes.writeUInt32LE(CIPHER_NONE, 12);
  bytes.writeUInt32LE(HEADER_BYTES, 16);
  bytes.writeUInt32LE(CHUNK_BYTES, 20);
  bytes.writeBigUInt64LE(BigInt(header.sizeBytes), 24);
  bytes.write(header.hash, 32, "hex");
  return bytes;
}

/**
 * Reads a header.
 * @param where the file, for messages
 * @throws SlipwayError BLOB_CORRUPT; DATA_DIRECTORY_INVALID for a format of a newer Slipway
 */
export function decodeHeader(bytes: Buffer, where: string): ContainerHeader {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) throw corrupt(where, "it has no blob header");
  const version = bytes.readUInt32LE(8);
  const cipher = bytes.readUInt32LE(12);
  if (version !== FORMAT_VERSION || cipher !== CIPHER_NONE)
    throw new SlipwayError(
      "DATA_DIRECTORY_INVALID",
      `The blob file "${where}" has format ${version} and cipher ${cipher}; this Slipway reads format ${FORMAT_VERSION} and cipher ${CIPHER_NONE}. Update Slipway.`,
    );
  const headerBytes = bytes.readUInt32LE(16);
  if (headerBytes !== HEADER_BYTES) throw corrupt(where, `its header says it is ${headerBytes} bytes long`);
  const sizeBytes = bytes.readBigUInt64LE(24);
  if (sizeBytes > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt(where, `its header says it holds ${sizeBytes} bytes`);
  return { hash: bytes.toString("hex", 32, 64), sizeBytes: Number(sizeBytes) };
}

export function corrupt(where: string, why: string): SlipwayError {
  return new SlipwayError(
    "BLOB_CORRUPT",
    `The stored file "${where}" is damaged: ${why}. Import the model again, or restore the data directory.`,
  );
}
