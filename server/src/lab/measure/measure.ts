// The measurements there are, by name.
import type { Model, NewEvidence } from "#registry";
import { measureSize } from "./size.ts";

export const MEASUREMENTS = ["size"] as const;
export type MeasurementName = (typeof MEASUREMENTS)[number];

export interface MeasurePorts {
  /** The plain bytes of a stored file. */
  readonly stream: (hash: string) => AsyncIterable<Uint8Array>;
  /** Versions of what computes, as evidence tells them. */
  readonly code: Readonly<Record<string, string>>;
}

const BY_NAME: Readonly<
  Record<MeasurementName, (model: Model, ports: MeasurePorts, signal: AbortSignal) => Promise<NewEvidence>>
> = { size: measureSize };

/**
 * Measures a model.
 * @throws SlipwayError BLOB_* where its files are damaged; the signal's reason
 */
export async function measure(
  what: MeasurementName,
  model: Model,
  ports: MeasurePorts,
  signal: AbortSignal,
): Promise<NewEvidence> {
  signal.throwIfAborted();
  return await BY_NAME[what](model, ports, signal);
}
