// Measuring a model: each measurement takes a stored model and answers evidence.
export { type InputShapes } from "./compute/index.ts";
export type { LabelledRows } from "./measure-quality.ts";
export type { Measurement, MeasurePorts, Subject } from "./measurement.ts";
export {
  measure,
  MEASUREMENT_NAMES,
  MEASUREMENT_OPTIONS,
  MEASUREMENTS,
  type MeasurementName,
  type MeasurementOptions,
} from "./measurements.ts";
export * from "./quality/index.ts";
