// Examining a stored file in place, never read whole. It stands on core alone, because a process of its own does it for
// large files, and starts the faster the less it loads.
import { closeSync, openSync, readSync } from "node:fs";
import { byteSourceFromFile } from "@slipway/core/graph";
import { type ModelScan, scanModel } from "@slipway/core/onnx";
import type { BlobPlace } from "#store";

/** Where the bytes of a stored file lie. */
export type StoredFile = Pick<BlobPlace, "path" | "offset" | "sizeBytes">;

/** @param flags how it is opened; see the store's READ_SAFELY */
export function scanFile(file: StoredFile, flags: number): ModelScan {
  const descriptor = openSync(file.path, flags);
  try {
    const readInto = (target: Uint8Array, position: number) =>
      readSync(descriptor, target, { position: file.offset + position });
    return scanModel(byteSourceFromFile(file.sizeBytes, readInto));
  } finally {
    closeSync(descriptor);
  }
}
