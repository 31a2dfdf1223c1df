// What a model costs before it is served: shapes from the engine, arithmetic and memory from shapes, sizes from its files.
export { type ComputeQuestion, type ComputeReport, examineCompute } from "./examine.ts";
export { examineInProcess, type ExamineOptions } from "./examine-process.ts";
export { type FileSize, type FileSizes, fileSizesOf } from "./file-sizes.ts";
export { findShapes, type FoundShapes, type ShapeQuestion, type UnknownShape } from "./find-shapes.ts";
export { INPUT_SHAPES, type InputShapes, withOpenAxes } from "./input-shapes.ts";
export { madeUpInputs } from "./made-up-inputs.ts";
