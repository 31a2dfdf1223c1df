// The measurements there are, by name; a name is also the kind of the evidence it makes.
import { SlipwayError } from "@slipway/core/base";
import { z } from "zod";
import type { JobRun } from "#jobs";
import type { NewEvidence } from "#registry";
import { comparison } from "./measure-comparison.ts";
import { compute } from "./measure-compute.ts";
import { energy } from "./measure-energy.ts";
import { fit } from "./measure-fit.ts";
import { memory } from "./measure-memory.ts";
import { operators } from "./measure-operators.ts";
import { latency } from "./measure-latency.ts";
import { quality } from "./measure-quality.ts";
import { size } from "./measure-size.ts";
import { throughput } from "./measure-throughput.ts";
import type { Measurement, MeasurePorts, Subject } from "./measurement.ts";

const TABLE = { size, compute, memory, operators, latency, throughput, energy, fit, quality, comparison } as const;

export type MeasurementName = keyof typeof TABLE;
export const MEASUREMENTS: Readonly<Record<MeasurementName, Measurement>> = TABLE;
export const MEASUREMENT_NAMES = Object.keys(TABLE) as readonly MeasurementName[];

/** Options of measurements by their names; what is left out has its default. */
export type MeasurementOptions = { readonly [Name in MeasurementName]?: z.input<(typeof TABLE)[Name]["options"]> };

/** The schema of `MeasurementOptions`. */
export const MEASUREMENT_OPTIONS = z.strictObject(
  Object.fromEntries(MEASUREMENT_NAMES.map((name) => [name, TABLE[name].options.optional()])),
) as unknown as z.ZodType<MeasurementOptions, MeasurementOptions>;

/** @throws SlipwayError as `Measurement.run` does; PARAMETER_INVALID for options that are none */
export async function measure(
  what: MeasurementName,
  subject: Subject,
  options: MeasurementOptions,
  ports: MeasurePorts,
  run: JobRun,
): Promise<NewEvidence> {
  run.signal.throwIfAborted();
  const one = MEASUREMENTS[what];
  const parsed = one.options.safeParse(options[what] ?? {});
  if (!parsed.success) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `The options of ${what} can't be used: ${z.prettifyError(parsed.error)}`,
    );
  }
  return await one.run(subject, parsed.data, ports, run);
}
