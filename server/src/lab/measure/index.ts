// Measuring a model: each measurement takes a stored model and answers evidence.
export { type InputShapes } from "./compute/index.ts";
export type { LabelledRows } from "./measure-quality.ts";
export {
  measure,
  type MeasureOptions,
  type MeasurePorts,
  MEASUREMENTS,
  type MeasurementName,
  NEED_ROWS,
} from "./measure.ts";
export * from "./quality/index.ts";
