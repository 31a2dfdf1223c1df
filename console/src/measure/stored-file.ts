// A chosen .npy file: what it holds, read here so that a wrong file is known before anything is sent, and its bytes stored on
// the server under their hash.
import { tensorFromNpy } from "@slipway/core/tensor";
import { client } from "../api.ts";

export interface ArrayFile {
  readonly file: File;
  /** As of a signature: `float32`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** @throws Error that says what is wrong with it */
export async function readArrayFile(file: File): Promise<ArrayFile> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const { dtype, shape } = tensorFromNpy(bytes);
  if (shape.length === 0) throw new Error(`${file.name} holds a single number; rows go along the first axis.`);
  return { file, dtype, shape, bytes };
}

/**
 * Stores a file's bytes unless they are stored already, and answers their hash.
 * @throws ApiError when the server refuses them, Error where this browser may not compute a hash
 */
export async function storeFile({ bytes }: ArrayFile): Promise<string> {
  const hash = await sha256(bytes);
  const { isStored } = await client.hasBlob({ params: { hash } });
  if (!isStored) await client.putBlob({ params: { hash }, body: new Blob([bytes]) as never });
  return hash;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Browsers only have it where nobody can change the page on its way: over HTTPS, and on this machine.
  if (globalThis.crypto?.subtle === undefined)
    throw new Error(
      "This browser computes hashes only over HTTPS or on the server's own machine; use the command line.",
    );
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What does not fit together in chosen files; null where all of it does. */
export function misfit(inputs: Readonly<Record<string, ArrayFile>>, labels: ArrayFile | null): string | null {
  const rows = new Map(Object.entries(inputs).map(([name, { shape }]) => [name, shape[0] ?? 0]));
  if (labels !== null) rows.set("labels", labels.shape[0] ?? 0);
  if (new Set(rows.values()).size <= 1) return null;
  const said = [...rows].map(([name, count]) => `${name} has ${count}`).join(", ");
  return `The files do not have the same number of rows: ${said}.`;
}
