// Encoders: columns of a table into the features of a network, fitted on the training rows and emitted as an ONNX model, so
// that what is served encodes as training did.
export {
  type EncodedRows,
  encodeRows,
  encoderRows,
  type EncoderRowsOptions,
  UnusualCount,
  type UnusualValues,
} from "./encode.ts";
export {
  type CategoryEncoding,
  categoryPlaces,
  type ColumnEncoding,
  type Cycle,
  CYCLES,
  type EncodedColumn,
  type EncodedFeature,
  type FittedEncoder,
  type InputDType,
  type NumberEncoding,
  ROBUST_LIMIT,
  type TargetEncoding,
  type TimeEncoding,
  type UsedColumn,
  usedColumns,
} from "./encoding.ts";
export { fitEncoder, type FitEncoderOptions } from "./fit.ts";
export { fitTarget, type Task, type TargetFit } from "./target.ts";
