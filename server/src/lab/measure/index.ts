// Measuring a model: each measurement takes a version and answers evidence.
export { measure, type MeasurePorts, MEASUREMENTS, type MeasurementName } from "./measure.ts";
