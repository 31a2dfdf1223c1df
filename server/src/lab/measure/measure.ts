// The measurements there are, by name.
import type { Clock } from "@slipway/core/base";
import type { Model, NewEvidence } from "#registry";
import type { Executor, ModelFiles } from "#runtime";
import type { InputShapes } from "./compute/index.ts";
import { measureCompute } from "./measure-compute.ts";
import { type LabelledRows, measureQuality } from "./measure-quality.ts";
import { measureSize } from "./measure-size.ts";

export const MEASUREMENTS = ["size", "compute", "quality"] as const;
export type MeasurementName = (typeof MEASUREMENTS)[number];
/** Those that need labelled rows; the others need the model alone. */
export const NEED_ROWS: ReadonlySet<MeasurementName> = new Set(["quality"]);

export interface MeasurePorts {
  readonly clock: Clock;
  /** The model's files, as they are stored. */
  readonly files: ModelFiles;
  /** Loads the model as it is served. */
  readonly load: (signal: AbortSignal) => Promise<Executor>;
  /** The whole environment of processes that examine models. */
  readonly environment: Readonly<Record<string, string>>;
  /** Versions of what computes, as evidence tells them. */
  readonly code: Readonly<Record<string, string>>;
}

export interface MeasureOptions {
  /** Lengths of axes that the model leaves open; 1 for those that are not named. */
  readonly shapes: InputShapes;
  /** What quality is measured on; null where it is not asked for. */
  readonly rows: LabelledRows | null;
}

type Measurement = (
  model: Model,
  options: MeasureOptions,
  ports: MeasurePorts,
  signal: AbortSignal,
) => Promise<NewEvidence>;

const BY_NAME: Readonly<Record<MeasurementName, Measurement>> = {
  size: measureSize,
  compute: measureCompute,
  quality: measureQuality,
};

/**
 * Measures a model.
 * @throws SlipwayError BLOB_* where its files are damaged, MODEL_* where it can't be loaded, INPUT_SHAPE_MISMATCH and
 *   PARAMETER_INVALID for shapes that are not its own, ROWS_INVALID for rows that don't fit; the signal's reason
 */
export async function measure(
  what: MeasurementName,
  model: Model,
  options: MeasureOptions,
  ports: MeasurePorts,
  signal: AbortSignal,
): Promise<NewEvidence> {
  signal.throwIfAborted();
  return await BY_NAME[what](model, options, ports, signal);
}
