// Examining a stored ONNX file without running it, and the stored form of what was found. Who scans is an argument, so
// that a server can have it done in a process of its own; the file is read in place, never whole.
import { SlipwayError } from "@slipway/core/base";
import type { ModelScan } from "@slipway/core/onnx";
import { READ_SAFELY } from "#store";
import { scanFile, type StoredFile } from "./scan-file.ts";

/** Version of the form `ModelScan` is stored in. Raise it when that form changes, and upcast the old one below. */
export const SCAN_SCHEMA = 1;

/**
 * Examines a model file that lies in the store.
 * @throws SlipwayError MODEL_MALFORMED, MODEL_INVALID, MODEL_UNSUPPORTED, MODEL_UNSAFE, MODEL_TOO_LARGE
 */
export type ScanStoredModel = (file: StoredFile) => Promise<ModelScan>;

/** Examines it here and now, holding up this process for as long as it takes. */
export async function scanStoredModel(file: StoredFile): Promise<ModelScan> {
  return scanFile(file, READ_SAFELY);
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
