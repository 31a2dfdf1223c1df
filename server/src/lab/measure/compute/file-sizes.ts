// What a model's files take where they are kept and sent: their bytes, and their bytes compressed. Files are streamed, so
// their size is no matter for memory.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { ModelFile, ModelFiles } from "#runtime";
import { SlipwayError } from "@slipway/core/base";

export interface FileSize {
  readonly name: string;
  readonly sizeBytes: number;
  /** By gzip at its usual level, 6. */
  readonly gzipBytes: number;
}

export interface FileSizes {
  readonly files: readonly FileSize[];
  readonly sizeBytes: number;
  readonly gzipBytes: number;
}

const GZIP_LEVEL = 6;
/** A header of ten bytes, an empty block of two and a trailer of eight. */
const EMPTY_GZIP_BYTES = 20;

/**
 * The sizes of a model's files, each compressed by itself.
 * @throws SlipwayError BLOB_NOT_FOUND when one can't be read, BLOB_CORRUPT when it is shorter than stated
 */
export async function fileSizesOf({ model, externalData }: ModelFiles, signal?: AbortSignal): Promise<FileSizes> {
  const files: FileSize[] = [];
  for (const file of [model, ...externalData]) {
    files.push({ name: file.name, sizeBytes: file.sizeBytes, gzipBytes: await gzipBytesOf(file, signal) });
  }
  const sum = (what: "sizeBytes" | "gzipBytes"): number => files.reduce((total, file) => total + file[what], 0);
  return { files, sizeBytes: sum("sizeBytes"), gzipBytes: sum("gzipBytes") };
}

async function gzipBytesOf(file: ModelFile, signal: AbortSignal | undefined): Promise<number> {
  const { name, path, offset, sizeBytes } = file;
  if (sizeBytes === 0) return EMPTY_GZIP_BYTES;
  let [read, written] = [0, 0];
  const part = async function* (): AsyncGenerator<Buffer> {
    const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    const range = { start: offset, end: offset + sizeBytes - 1, highWaterMark: 2 ** 20 };
    // The stream closes the file at its end.
    for await (const chunk of handle.createReadStream(range) as AsyncIterable<Buffer>) {
      read += chunk.byteLength;
      yield chunk;
    }
  };
  const count = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) written += chunk.byteLength;
  };
  try {
    await pipeline(part, createGzip({ level: GZIP_LEVEL }), count, signal === undefined ? {} : { signal });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ABORT_ERR" || code === undefined) throw error;
    throw new SlipwayError("BLOB_NOT_FOUND", `The stored file ${JSON.stringify(name)} can't be read (${code}).`, {
      cause: error,
    });
  }
  if (read < sizeBytes) {
    throw new SlipwayError(
      "BLOB_CORRUPT",
      `The stored file ${JSON.stringify(name)} ended after ${read} bytes; ${sizeBytes} were expected. Import the model again.`,
    );
  }
  return written;
}
