// Tensors as plain data: element types, shapes, signatures, and the formats that hold a single tensor.
export {
  byteLength,
  bytesFromData,
  createData,
  dataFromBytes,
  DTYPES,
  type DType,
  type DTypeFacts,
  dtypeFromOip,
  dtypeFromOnnx,
  INTEGER_RANGES,
  type NumericData,
  type NumericDType,
  type Storage,
  storedLength,
  type TensorData,
} from "./dtypes.ts";
export { bfloat16FromNumber, float16FromNumber, numberFromBfloat16, numberFromFloat16 } from "./halves.ts";
export {
  NPY_HEADER_BYTES,
  type NpyHeader,
  npyFromTensor,
  npyHeader,
  tensorFromNpy,
  tensorFromNpyData,
} from "./npy.ts";
export { bestIndices } from "./ranking.ts";
export {
  type Dimension,
  type MapType,
  type OptionalType,
  type Port,
  type SequenceType,
  type Signature,
  type SparseTensorType,
  type TensorType,
  typeText,
  type ValueType,
} from "./signature.ts";
export {
  concatRows,
  createTensor,
  elementCount,
  type NamedTensor,
  sizeBytes,
  sliceRows,
  type Tensor,
  zeros,
} from "./tensor.ts";
