// Examining and improving models, off line: nothing here answers a request.
export {
  type ComputeQuestion,
  type ComputeReport,
  examineCompute,
  examineInProcess,
  type ExamineOptions,
  type FileSize,
  type FileSizes,
  fileSizesOf,
  findShapes,
  type FoundShapes,
  type InputShapes,
  type ShapeQuestion,
  type UnknownShape,
} from "./measure/compute/index.ts";
