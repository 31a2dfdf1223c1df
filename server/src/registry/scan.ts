// Examining a stored ONNX file without running it, and the stored form of what was found. Who scans is an argument, so
// that a server can have it done in a process of its own; the file is read in place, never whole.
import { closeSync, openSync, readSync } from "node:fs";
import { SlipwayError } from "@slipway/core/base";
import { byteSourceFromFile } from "@slipway/core/graph";
import { type ModelScan, scanModel } from "@slipway/core/onnx";
import { type BlobPlace, READ_SAFELY } from "#store";

/** Version of the form `ModelScan` is stored in. Raise it when that form changes, and upcast the old one below. */
export const SCAN_SCHEMA = 1;

/**
 * Examines a model file that lies in the store.
 * @throws SlipwayError MODEL_MALFORMED, MODEL_INVALID, MODEL_UNSUPPORTED, MODEL_UNSAFE, MODEL_TOO_LARGE
 */
export type ScanStoredModel = (file: BlobPlace) => Promise<ModelScan>;

/** Examines it here and now, holding up this process for as long as it takes. */
export async function scanStoredModel(file: BlobPlace): Promise<ModelScan> {
  const descriptor = openSync(file.path, READ_SAFELY);
  try {
    const readInto = (target: Uint8Array, position: number) =>
      readSync(descriptor, target, { position: file.offset + position });
    return scanModel(byteSourceFromFile(file.sizeBytes, readInto));
  } finally {
    closeSync(descriptor);
  }
}

export function textFromScan(scan: ModelScan): string {
  return JSON.stringify(scan);
}

/** A stored scan in today's form. */
export function scanFromText(text: string, schema: number): ModelScan {
  if (schema !== SCAN_SCHEMA)
    throw new SlipwayError(
      "DATA_DIRECTORY_INVALID",
      `A model's scan has form ${schema}; this Slipway knows form ${SCAN_SCHEMA}. Update Slipway.`,
    );
  return JSON.parse(text) as ModelScan;
}
