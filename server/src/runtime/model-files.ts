// The files of a model, as the runner opens them: each is a range of a file on this machine, because stored blobs have
// a header before their payload. Names are what the model calls its external data; paths never come from the model.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import type { ModelBytes } from "@slipway/core/backend";
import { assert, SlipwayError } from "@slipway/core/base";

export interface ModelFile {
  /** The name external data refers to it by, such as "weights.bin". */
  readonly name: string;
  readonly path: string;
  /** Where the payload begins in the file at `path`. */
  readonly offset: number;
  readonly sizeBytes: number;
  /** SHA-256 of the payload in hexadecimal. Where it is given, bytes that do not have it are not loaded. */
  readonly sha256?: string;
}

/** A model: its ONNX file and the files of its external data. */
export interface ModelFiles {
  readonly model: ModelFile;
  readonly externalData: readonly ModelFile[];
}

/**
 * The files by paths that mean the same from another directory, without links.
 * @throws SlipwayError BLOB_NOT_FOUND for one that is missing
 */
export async function locateModelFiles({ model, externalData }: ModelFiles): Promise<ModelFiles> {
  const one = async (file: ModelFile): Promise<ModelFile> => {
    try {
      return { ...file, path: await realpath(file.path) };
    } catch (error) {
      throw new SlipwayError("BLOB_NOT_FOUND", `The stored file ${JSON.stringify(file.name)} is missing.`, {
        cause: error,
      });
    }
  };
  return { model: await one(model), externalData: await Promise.all(externalData.map(one)) };
}

/** A single read takes at most 2 GiB - 1 on every platform. */
const READ_BYTES = 2 ** 30;

/**
 * Reads a model's files whole.
 * @throws SlipwayError BLOB_NOT_FOUND when one is gone or is no regular file, BLOB_CORRUPT when it is shorter than stated
 *   or does not have its hash
 */
export async function readModelFiles(files: ModelFiles): Promise<ModelBytes> {
  const externalData = new Map<string, Uint8Array>();
  for (const file of files.externalData) externalData.set(file.name, await readRange(file));
  return { model: await readRange(files.model), externalData };
}

async function readRange(file: ModelFile): Promise<Uint8Array> {
  assert(file.offset >= 0 && file.sizeBytes >= 0, `File ${file.name} has a negative range.`);
  let handle: FileHandle;
  try {
    handle = await open(file.path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    throw new SlipwayError(
      "BLOB_NOT_FOUND",
      `The stored file ${JSON.stringify(file.name)} can't be opened (${(error as NodeJS.ErrnoException).code ?? "unknown error"}).`,
      { cause: error },
    );
  }
  try {
    const facts = await handle.stat();
    if (!facts.isFile())
      throw new SlipwayError("BLOB_NOT_FOUND", `${JSON.stringify(file.name)} is not a regular file.`);
    if (facts.size < file.offset + file.sizeBytes) {
      throw new SlipwayError(
        "BLOB_CORRUPT",
        `The stored file ${JSON.stringify(file.name)} has ${facts.size} bytes; ${file.offset + file.sizeBytes} were expected.`,
      );
    }
    return await readWhole(handle, file);
  } finally {
    await handle.close();
  }
}

async function readWhole(handle: FileHandle, file: ModelFile): Promise<Uint8Array> {
  const bytes = new Uint8Array(file.sizeBytes);
  const digest = createHash("sha256");
  let at = 0;
  while (at < bytes.byteLength) {
    const wanted = Math.min(READ_BYTES, bytes.byteLength - at);
    const { bytesRead } = await handle.read(bytes, at, wanted, file.offset + at);
    if (bytesRead === 0) {
      throw new SlipwayError("BLOB_CORRUPT", `The stored file ${JSON.stringify(file.name)} ended at byte ${at}.`);
    }
    if (file.sha256 !== undefined) digest.update(bytes.subarray(at, at + bytesRead));
    at += bytesRead;
  }
  // A disk that changed a weight would change answers, and nobody would know.
  if (file.sha256 !== undefined && digest.digest("hex") !== file.sha256) {
    throw new SlipwayError(
      "BLOB_CORRUPT",
      `The stored file ${JSON.stringify(file.name)} is damaged: its bytes do not have the SHA-256 ${file.sha256}. Import the model again, or restore the data directory.`,
    );
  }
  return bytes;
}
