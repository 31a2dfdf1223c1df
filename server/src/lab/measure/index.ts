// Measuring a model: each measurement takes a stored model and answers evidence.
export { type InputShapes } from "./compute/index.ts";
export type { SubjectRows } from "./answers/index.ts";
export { datasetFromArrays } from "./dataset-from-arrays.ts";
export type { Measurement, MeasurePorts, Rival, ServedSubject, Subject } from "./measurement.ts";
export {
  type Advice,
  advise,
  BUILT_IN_DEVICES,
  type DeviceFit,
  type DeviceProfile,
  deviceProfileFrom,
  measureDevice,
  type Needs,
} from "./devices/index.ts";
export { compareLatency, type LatencyComparison, type LatencyComparisonOptions } from "./latency/index.ts";
export {
  measure,
  MEASUREMENT_NAMES,
  MEASUREMENT_OPTIONS,
  MEASUREMENTS,
  type MeasurementName,
  type MeasurementOptions,
} from "./measurements.ts";
export * from "./quality/index.ts";
